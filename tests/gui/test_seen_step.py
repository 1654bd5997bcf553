"""In a recorded run and on the timeline the bars show what held at the step that is shown."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest
from PySide6.QtWidgets import QComboBox, QLineEdit
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow, state_is

from nnviz.gui.runs.standing import standing_of, standing_of_replay
from nnviz.gui.window.window import MainWindow
from nnviz.project.files import io
from nnviz.project.model import Choice
from nnviz.project.samples import templates
from nnviz.record.readings import Scalar
from nnviz.record.run import Run, RunInfo
from nnviz.record.seen import seen_at
from nnviz.record.store import RunWriter
from nnviz.train import schedules
from nnviz.train.change import learning_rate_of

#: At these steps the rate was changed: it holds from the next step on.
RATES = {0: 0.1, 7: 0.05, 20: 0.4}
#: Likewise the batch size.
SIZES = {0: 4, 10: 16, 20: 8}


def planted(epochs: int = 3, steps_per_epoch: int = 10) -> Run:
    run = Run(RunInfo(title="planted"))
    run.append([Scalar("learning_rate", step, rate) for step, rate in RATES.items()])
    run.append([Scalar("batch_size", step, float(size)) for step, size in SIZES.items()])
    run.append([Scalar("loss/train", step, 1.0 / step) for step in range(1, epochs * steps_per_epoch + 1)])
    run.append([Scalar("epoch", epoch * steps_per_epoch, float(epoch)) for epoch in range(epochs + 1)])
    return run


def test_a_step_was_made_with_the_rate_that_held_before_it_and_lies_in_its_epoch() -> None:
    run = planted()
    for step in range(31):
        seen = seen_at(run, step, 15)
        used = [rate for at, rate in RATES.items() if at < step] or [RATES[0]]
        assert seen.learning_rate == used[-1], step
        assert seen.batch_size == ([size for at, size in SIZES.items() if at < step] or [SIZES[0]])[-1], step
        assert (seen.step, seen.epoch, seen.epochs) == (step, step // 10, 15)


def test_epochs_never_go_beyond_what_was_planned() -> None:
    project = templates.sample("spiral")
    project = msgspec.structs.replace(project, training=msgspec.structs.replace(project.training, epochs=15))
    for step in (None, 0, 12, 370):
        seen = standing_of_replay(planted(37), project, (), step).seen
        assert (seen.epoch, seen.epochs) == (37 if step is None else step // 10, 37)
    for nonsense in (math.nan, -4.0, 1e300):
        run = planted()
        run.append([Scalar("epoch", 31, nonsense)])
        assert 0 <= seen_at(run, 31, 3).epoch <= seen_at(run, 31, 3).epochs


def test_live_the_settings_of_the_project_are_shown() -> None:
    standing = standing_of(None, templates.sample("spiral"), (), planted(), None)
    assert math.isnan(standing.seen.learning_rate) and standing.seen.step == standing.seen.batch_size == 0


def bars(window: MainWindow) -> dict[str, str]:
    fields = {one.accessibleName(): one.text() for one in window.top_bar.findChildren(QLineEdit)}
    top = window.top_bar.settings
    return {
        "epoch": f"{top.epoch.text()} {fields['Epochs']}", "step": top.step.text(), "rate": fields["Learning rate"],
        "foot": window.timeline._where.text().partition(" · ")[0],
    }  # fmt: skip


def setting(window: MainWindow, name: str) -> QComboBox:
    return next(one for one in window.top_bar.findChildren(QComboBox) if one.accessibleName() == name)


@pytest.fixture
def overrun(tmp_path: Path) -> Path:
    """A recorded run that went on beyond the epochs of its project, with other rates than its project says."""
    project = templates.sample("spiral")
    project = msgspec.structs.replace(project, training=msgspec.structs.replace(project.training, epochs=2))
    run, kept = planted(4), Run(RunInfo(io.dumps(project), 1.7e9, "0.1", 0, "cpu", project.name))
    path = tmp_path / "overrun.nnvizrun"
    with RunWriter(kept, path, interval=60.0):
        for name in run.names():
            steps, values = run.scalars(name)
            kept.append([Scalar(name, int(at), float(value)) for at, value in zip(steps, values, strict=True)])
        kept.state, kept.finished = "done", True
    return path


def test_the_bars_of_a_replay_are_those_of_the_step(qtbot: QtBot, open_window: OpenWindow, overrun: Path) -> None:
    window = open_window("and", ready=False)
    window.files.open(overrun)
    qtbot.waitUntil(lambda: window.training.state == "replay", timeout=TIMEOUT)
    assert bars(window) == {"epoch": "4 / 4", "step": "40", "rate": "0.4", "foot": "step 40"}
    for step, epoch, rate in ((0, 0, 0.1), (7, 0, 0.1), (8, 0, 0.05), (10, 1, 0.05), (21, 2, 0.4), (40, 4, 0.4)):
        window.timeline.track._seek(step)
        assert bars(window) == {
            "epoch": f"{epoch} / 4", "step": str(step), "rate": f"{rate:g}", "foot": f"step {step}",
        }  # fmt: skip
        size = [size for at, size in SIZES.items() if at < step] or [SIZES[0]]
        assert setting(window, "Batch size").currentText() == str(size[-1]), step
    window.replay.back()
    assert bars(window)["rate"] == f"{learning_rate_of(window.document.project):g}"


def test_while_it_trains_both_bars_show_one_step(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral")
    top, foot, seen = window.top_bar.settings.step, window.timeline._where, set()

    def compare() -> None:
        """Whatever came last: a tick of the feed, which may be ahead of the bars, or where the session stands."""
        number = top.text()
        assert foot.text().startswith(f"step {number} · "), (number, foot.text())
        seen.add(number)

    window.feed.ticked.connect(lambda _names: compare())
    window.training.moved.connect(lambda _standing: compare())
    window.training.play()
    qtbot.waitUntil(lambda: len(seen) > 12, timeout=TIMEOUT)
    window.training.pause()
    qtbot.waitUntil(state_is(window, "paused"), timeout=TIMEOUT)
    compare()
    window.training.reset()
    qtbot.waitUntil(lambda: top.text() == "0", timeout=TIMEOUT)
    compare()


def test_the_bars_of_the_timeline_are_those_of_the_step(qtbot: QtBot, open_window: OpenWindow) -> None:
    project = templates.sample("spiral")
    schedule = Choice("step", {"every": 1, "factor": 0.5})
    training = msgspec.structs.replace(project.training, epochs=4, batch_size=100, schedule=schedule)
    window = open_window(msgspec.structs.replace(project, training=training))
    window.training.play()
    qtbot.waitUntil(state_is(window, "done"), timeout=TIMEOUT)
    run, base = window.training.run, learning_rate_of(window.document.project)
    assert run is not None and bars(window)["rate"] == f"{base:.6g}"
    a_epoch = run.last_step // 4
    for step in range(1, run.last_step + 1):
        window.timeline.track._seek(step)
        # A step is the batch before it in the order of the schedule, which counts them from 0.
        used = schedules.rate(schedule, base, step - 1, a_epoch, 4)
        assert bars(window) == {
            "epoch": f"{step // a_epoch} / 4", "step": str(step), "rate": f"{used:.6g}", "foot": f"step {step}",
        }, step  # fmt: skip
    window.timeline.track._seek(3)
    field = next(one for one in window.top_bar.findChildren(QLineEdit) if one.accessibleName() == "Learning rate")
    field.setText("0.007")
    field.editingFinished.emit()
    assert window.feed.current_step is None and bars(window)["rate"] == "0.007"


def test_an_earlier_step_shows_the_batch_size_and_the_optimizer_it_was_made_with(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    project = templates.sample("spiral")
    training = msgspec.structs.replace(project.training, epochs=3, batch_size=100)
    window = open_window(msgspec.structs.replace(project, training=training))
    batch, optimizer = setting(window, "Batch size"), setting(window, "Optimizer")
    line = batch.lineEdit()
    assert line is not None
    before = optimizer.currentText()
    other = next(text for index in range(9) if (text := optimizer.itemText(index)) != before)
    window.training.step()
    qtbot.waitUntil(state_is(window, "paused"), timeout=TIMEOUT)
    line.setText("50")
    line.editingFinished.emit()
    window.training.play()
    qtbot.waitUntil(state_is(window, "done"), timeout=TIMEOUT)
    run = window.training.run
    assert run is not None
    ends = [int(step) for step in run.scalars("epoch")[0]][-3:]  # what was changed held from the second epoch on
    optimizer.setCurrentText(other)
    optimizer.activated.emit(optimizer.currentIndex())
    assert (batch.currentText(), optimizer.currentText()) == ("50", other)
    for step in (ends[0] + 1, ends[2], 1, ends[0]):
        window.timeline.track._seek(step)
        assert batch.currentText() == ("100" if step <= ends[0] else "50"), step
        assert optimizer.currentText() == before and not optimizer.property("waiting"), step
    line.setText("25")
    line.editingFinished.emit()
    assert window.feed.current_step is None
    assert (batch.currentText(), optimizer.currentText()) == ("25", other)
    qtbot.waitUntil(lambda: bool(optimizer.property("waiting")), timeout=TIMEOUT)
