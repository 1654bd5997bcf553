"""The samples at their own settings are no reason for an alarm; the one to begin with greets with no warning at all.

Here those that are trained in moments, for a bounded number of steps. Runs of them all the way are a matter of minutes.
"""

from __future__ import annotations

import pytest
import torch
from msgspec.structs import replace
from training_helpers import CPU, MADE

from nnviz.data.tensors import load
from nnviz.probes.catalogue import default_probes
from nnviz.project import registry
from nnviz.project.samples.digits import START
from nnviz.project.samples.templates import sample
from nnviz.record.quantities import DEAD_FRACTION, FINDING
from nnviz.record.readings import Finding, Scalar
from nnviz.record.run import Run
from nnviz.train.instruments import Instruments
from nnviz.train.runner import Runner
from nnviz.train.session import TrainingSession
from nnviz.train.training import Training

STEPS = 400
QUICK = (
    "and",
    "xnor-gates",
    "neuron-sigmoid",
    "one-weight",
    "xor-one-neuron",
    "credit",
    "perceptron",
    "credit-learned",
    "spiral",
)


@pytest.mark.parametrize("name", QUICK)
def test_a_sample_trains_without_an_alarm(name: str) -> None:
    project = sample(name)
    data = load(project.data)
    each = -(-len(data.train) // project.training.batch_size)
    epochs = min(project.training.epochs, max(STEPS // each, 1))
    run = Run()
    TrainingSession(replace(project, training=replace(project.training, epochs=epochs)), data=data, run=run).train()
    said = [one for series in run.names(FINDING.prefix) for one in run.readings(series) if isinstance(one, Finding)]
    assert [one for one in said if one.severity in ("warning", "error")] == []


@pytest.mark.parametrize("seed", range(3))
def test_the_start_sample_greets_without_a_warning(seed: int) -> None:
    """Before its first step and after some: no layer is amber, and nothing is found."""
    project = START.project()
    project = replace(project, training=replace(project.training, seed=seed))
    training = Training(project, load(project.data), CPU)
    MADE.append(training)
    run = Run()
    instruments = Instruments(training, run, default_probes(), 0.0)
    runner = Runner(training, instruments, run, epochs=1)
    runner.begin()
    for steps in (0, 5):
        for _ in range(steps):
            instruments.advance()
        instruments.measure_all()
        while instruments.busy:
            instruments.continue_measuring()
        instruments.examine()
        assert run.findings() == ()
        rectifiers = [node for node, one in project.graph.nodes.items() if registry.layer(one.kind).rectifier]
        assert rectifiers
        for node in rectifiers:
            share = run.latest(DEAD_FRACTION.series(node))
            assert isinstance(share, Scalar)
            assert DEAD_FRACTION.bands.level(share.value) == "good", node
    assert torch.isfinite(next(training.network.parameters())).all()
