"""A changed network begins with the weights of the layers that still fit, and says which."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from msgspec.structs import replace as changed
from training_helpers import CNN, advance, made_training, same, weights

from nnviz.cli import main
from nnviz.data.tensors import load
from nnviz.errors import RunFileError
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
from nnviz.train.warm_start import WARM_START, begin_warm, read, weights_of
from nnviz.train.weight_edits import WeightChange

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


def test_what_began_warm_with_a_normalisation_can_be_gone_on_with() -> None:
    """Its statistics are taken; how many batches they had seen counts anew, as the steps do."""
    first, second, third = made_training(CNN), made_training(CNN), made_training(CNN)
    advance(first, 12)
    begin_warm(second, WarmStart("first", weights=weights_of(first)))
    assert same(
        {name: one for name, one in weights(second.network).items() if not name.endswith("num_batches_tracked")},
        {name: one for name, one in weights(first.network).items() if not name.endswith("num_batches_tracked")},
    )
    advance(second, 3)
    third.restore(checkpoints.from_blobs(checkpoints.to_blobs(second.capture())))
    advance(second, 3)
    advance(third, 3)
    assert same(weights(second.network), weights(third.network))


@pytest.mark.parametrize("keep_best", [False, True])
def test_the_weights_that_were_validated_are_taken_from_a_file_and_from_a_live_network(
    tmp_path: Path, keep_best: bool
) -> None:
    """The average or the best ones, as in a prediction, and it is said which."""
    path = tmp_path / "first.nnvizrun"
    training = changed(PROJECT.training, averaging=Choice("ema", {"decay": 0.9}), keep_best=keep_best, epochs=2)
    project = changed(PROJECT, training=training)
    train_to_file(project, path, probes=())
    with open_run(path) as stored:
        kept = checkpoints.from_blobs(stored.load_checkpoint())
    expected = dict(kept.average if not keep_best else kept.best or {})
    assert expected and not same(expected, dict(kept.weights))
    read_back = read(path)
    assert same(dict(read_back.tensors), expected)

    live = Training(project, load(project.data), torch.device("cpu"))
    live.restore(kept)
    found = weights_of(live)
    assert same(dict(found.tensors), expected) and found.which == read_back.which
    words = f"epoch {kept.progress.best_epoch}, the best one," if keep_best else "the averaged weights at step"
    began = Training(project, load(project.data), torch.device("cpu"))
    sentence = begin_warm(began, WarmStart(path.name, path)).sentence
    assert sentence.startswith(f"Warm start from {words}") and same(weights(began.network), expected)

    live.by_hand.edit([WeightChange(FIRST, "bias", (0,), 3.0)])
    by_hand = weights_of(live)
    assert by_hand.tensors[f"{FIRST}.bias"][0] == 3.0 and by_hand.best_epoch == 0
