"""Training a network of two features with its planes: what is recorded, and that nothing depends on it."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import torch
from training_helpers import same, weights

from nnviz.probes.catalogue import default_probes
from nnviz.project.model import TrainConfig
from nnviz.project.samples import templates
from nnviz.record.readings import ArrayReading
from nnviz.record.run import Run
from nnviz.train.session import TrainingSession


def trained(name: str, probes: tuple[()] | None) -> tuple[TrainingSession, Run]:
    project = templates.sample(name)
    training: TrainConfig = msgspec.structs.replace(project.training, epochs=2)
    run = Run()
    session = TrainingSession(msgspec.structs.replace(project, training=training), run, probes=probes, device="cpu")
    session.train()
    return session, run


def array(run: Run, series: str) -> ArrayReading:
    sample = run.latest(series)
    assert isinstance(sample, ArrayReading), series
    return sample


@pytest.mark.parametrize("name", ["spiral", "credit", "and"])
def test_the_planes_cover_the_examples(name: str) -> None:
    session, run = trained(name, None)
    points = array(run, "input/points")
    assert session.data is not None
    scaled = session.data.scaler.apply(session.data.train.inputs).numpy()
    assert len(points.array) == min(len(scaled), 400)
    for row in points.array[:20]:
        at = np.flatnonzero((scaled == row[:2]).all(axis=1))
        assert row[2] in session.data.train.targets[torch.as_tensor(at)].tolist()
    for axis in (0, 1):
        low, high = points.meta[f"x{axis + 1}_low"], points.meta[f"x{axis + 1}_high"]
        assert isinstance(low, float) and isinstance(high, float)
        assert low < scaled[:, axis].min() and scaled[:, axis].max() < high
    for node in session.project.graph.nodes:
        assert array(run, f"plane/{node}").array.shape[1:] == (32, 32)


def test_weights_are_bit_identical_with_and_without() -> None:
    assert "planes" in {probe.name for probe in default_probes((2,))}
    with_all, _ = trained("spiral", None)
    with_none, plain = trained("spiral", ())
    assert not plain.names("plane/")
    assert same(weights(with_all.training.network), weights(with_none.training.network))
