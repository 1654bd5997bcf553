"""A changed network begins with the weights of the layers that still fit, and says which."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from msgspec.structs import replace as changed

from nnviz.cli import main
from nnviz.errors import RunFileError, TrainingError
from nnviz.project.edits import SetParam
from nnviz.project.files import io
from nnviz.project.model import Choice, DataConfig, Project, TrainConfig
from nnviz.project.samples.sketch import chain, features, linear, output, relu
from nnviz.record.store import open_run
from nnviz.train import checkpoint as checkpoints
from nnviz.train.headless import train_to_file
from nnviz.train.session import TrainingSession
from nnviz.train.start import WarmStart
from nnviz.train.training import Training
from nnviz.train.warm_start import WARM_START

PROJECT = Project(
    graph=chain(features(2), linear(6), relu(), linear(5), relu(), linear(1), output("bce_logits")),
    data=DataConfig("moons", preparation=(Choice("standardise"),)),
    training=TrainConfig(Choice("adam"), batch_size=32, epochs=1, device="cpu"),
)
FIRST, SECOND, LAST = (node for node, one in PROJECT.graph.nodes.items() if one.kind == "linear")


def weights_at_the_start(project: Project, warm: WarmStart | None) -> dict[str, torch.Tensor]:
    """Of step 0, before anything was trained."""
    from nnviz.record.run import Run

    kept: dict[str, torch.Tensor] = {}
    session = TrainingSession(project, Run(), warm=warm)
    asked = session.ask(lambda: kept.update(checkpoints.copy_weights(session.training.network)))
    asked.add_done_callback(lambda _done: session.close())
    session.serve()
    if session.error is not None:
        raise session.error
    return kept


def test_layers_that_fit_take_their_weights_and_the_others_start_as_without(tmp_path: Path) -> None:
    path = tmp_path / "first.nnvizrun"
    train_to_file(PROJECT, path, probes=())
    with open_run(path) as stored:
        trained = checkpoints.from_blobs(stored.load_checkpoint())
    wider = SetParam(SECOND, "out_features", 9).apply(PROJECT)
    fresh, warm = weights_at_the_start(wider, None), weights_at_the_start(wider, WarmStart(path.name, path))
    assert torch.equal(warm[f"{FIRST}.weight"], trained.weights[f"{FIRST}.weight"])
    assert not torch.equal(warm[f"{FIRST}.weight"], fresh[f"{FIRST}.weight"])
    # The last layer gets nine numbers now and got five: its bias would fit, but half a layer is none.
    for name in (f"{SECOND}.weight", f"{SECOND}.bias", f"{LAST}.weight", f"{LAST}.bias"):
        assert torch.equal(warm[name], fresh[name])


def test_the_command_line_starts_warm_records_it_and_says_which(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, file = tmp_path / "first.nnvizrun", tmp_path / "second.nnvizrun", tmp_path / "wider.nnviz"
    train_to_file(PROJECT, first, probes=())
    io.save(SetParam(SECOND, "out_features", 9).apply(PROJECT), file)
    assert main(["train", str(file), "--warm-from", str(first), "--run-file", str(second)]) == 0
    said = capsys.readouterr().err
    with open_run(first) as stored:
        step = stored.checkpoints()[-1].step
    assert f"Warm start from step {step} of first.nnvizrun: {FIRST} begins with trained weights" in said
    assert f"{SECOND} (9 × 6, not 5 × 6)" in said and f"{LAST} (1 × 9, not 1 × 5)" in said
    with open_run(second) as stored:
        assert stored.info.facts["warm_from"] == "first.nnvizrun"
        found = stored.latest(WARM_START, 0)
        assert found is not None and FIRST in found.text  # type: ignore[union-attr]
    assert main(["train", str(file), "--warm-from", "nobody", "--epochs", "1"]) == 2
    both = ["train", str(file), "--warm-from", str(first), "--run-file", str(second), "--resume"]
    assert main(both) == 2
    assert "take one of them" in capsys.readouterr().err


def test_where_no_layer_fits_nothing_starts(tmp_path: Path) -> None:
    path = tmp_path / "first.nnvizrun"
    train_to_file(PROJECT, path, probes=())
    small = changed(PROJECT, graph=chain(features(2), linear(3), linear(1), output("bce_logits")))
    with pytest.raises(RunFileError, match=r"No layer fits the weights of first\.nnvizrun \(.*3 × 2, not 6 × 2"):
        weights_at_the_start(small, WarmStart(path.name, path))


def test_a_divided_network_does_not_start_warm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What starts fresh has its other parts in other processes; said before anything is read, sent or waited for."""
    assert main(["train", "sample:spiral", "--shard", "--warm-from", str(tmp_path / "any.nnvizrun")]) == 2
    assert "take one of them" in capsys.readouterr().err
    monkeypatch.setattr(Training, "is_divided", True)
    with pytest.raises(TrainingError, match="leave out --warm-from"):
        weights_at_the_start(PROJECT, WarmStart("any", tmp_path / "any.nnvizrun"))
