"""How long a training takes is said before it begins: timed on a copy, remembered, and never in the way of it."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from training_helpers import CNN, advance, made_training, project_of, same, weights

from nnviz.cli import main
from nnviz.data.tensors import load
from nnviz.project.checks.memory import Examples, bytes_text, estimate
from nnviz.project.checks.shapes import infer
from nnviz.project.samples import templates
from nnviz.train import paces, timing
from nnviz.train.paces import Pace


def test_timing_leaves_no_trace_in_the_training() -> None:
    timed, plain = made_training(CNN), made_training(CNN)
    pace = timing.pace_of(project_of(CNN), timed)
    assert pace is not None and pace.is_usable and pace.source == paces.TIMED
    assert pace.validation_seconds > 0 and pace.work == timed.work
    for training in (timed, plain):
        advance(training, 8)
    assert same(weights(timed.network), weights(plain.network))
    assert same(dict(timed.capture().random), dict(plain.capture().random))
    assert timing.pace_of(project_of(CNN), timed) == pace, "it is not timed twice"


def test_what_is_expected_is_the_sum_of_what_an_epoch_is_made_of() -> None:
    trained = Pace(0.5, 0.0, 10, paces.TRAINED, 7)
    found = paces.duration(trained, training=95, validation=40, step_size=10, epochs=12)
    assert (found.epoch, found.whole) == (5.0, 60.0)
    assert found.text == "about 5.0 s an epoch, 60 s in all" and "last training" in found.why
    timed = paces.duration(Pace(4.0, 0.01, 10, paces.TIMED, 7), 100, 100, 10, 10)
    assert timed.epoch == pytest.approx(41 * 1.05, abs=0.1), "with what the instruments take"
    assert timed.text == "about 43 s an epoch, 7 min in all"
    texts = [
        paces.duration(Pace(seconds, source=paces.TRAINED), 1, 0, 1, 1).text
        for seconds in (0.0031, 0.0098, 0.04, 5e3, 4e4)
    ]
    expected = ["about 3 ms", "about 10 ms", "about 40 ms", "about 83 min", "about 11 h"]
    assert [text.split(" an ")[0] for text in texts] == expected


def test_a_network_is_known_again_by_all_that_decides_its_pace_and_by_nothing_else() -> None:
    project = templates.sample("digits-cnn")
    training = project.training
    paces.remember(project, Pace(0.01, work=paces.work_of(project)))

    def known(**changes: object) -> Pace | None:
        other = msgspec.structs.replace(project, training=msgspec.structs.replace(training, **changes), name="another")
        return paces.recall(other)

    assert known(epochs=99, seed=3) == paces.recall(project, near=False)
    other = known(batch_size=2 * training.batch_size)
    assert other is not None and other.source == paces.NEAR
    assert other.step_seconds == pytest.approx(0.02), "twice the work"
    assert known(batch_size=100 * training.batch_size) is None, "too far away"
    assert paces.recall(templates.sample("spiral")) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"a": 3}', '{"a": {"step_seconds": -1}}', '{"a": {"step_seconds": 1e999}}']
)
def test_a_damaged_file_is_as_good_as_none(text: str) -> None:
    path = paces._path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    project = project_of(CNN)
    assert paces.recall(project) is None
    paces.remember(project, Pace(0.25))
    found = paces.recall(project, near=False)
    assert found is not None and found.step_seconds == 0.25
    path.unlink()
    path.mkdir()  # and where it cannot be written nothing happens
    paces.remember(project, Pace(0.25))
    assert paces.recall(project) is None and not [*path.parent.glob("paces.json.*")]


def test_the_command_line_says_it_first_and_the_summary_afterwards(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["summary", "sample:spiral", "--json"]) == 0
    assert "expected" not in json.loads(capsys.readouterr().out), "nobody has timed it"
    arguments = ["train", "sample:spiral", "--epochs", "2", "--run", str(tmp_path / "a.nnvizrun")]
    assert main(arguments) == 0
    said = capsys.readouterr().err.splitlines()
    assert said[1].startswith("About ") and said[1].endswith(" in all") and said[2].startswith("epoch   1"), said
    assert main(["summary", "sample:spiral", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["expected"]["epoch_seconds"] > 0 and told["expected"]["epochs"] == 300
    assert "steps" in told["expected"]["why"]
    project = templates.sample("spiral")
    data = load(project.data)
    counts = Examples(len(data.train), len(data.validation), len(data.test), 2 * 4 + 8)
    assert told["memory"]["needed"] == estimate(project, infer(project.graph), examples=counts).needed
    assert main(["summary", "sample:spiral"]) == 0
    seconds, memory = capsys.readouterr().out.splitlines()[-2:]
    assert seconds.startswith("Training takes about ") and bytes_text(told["memory"]["needed"]) in memory
