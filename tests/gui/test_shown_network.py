"""Questions about the network on the screen: live between two batches, or as it was at a step of a recorded run."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from nnviz.errors import NnvizError
from nnviz.gui.window.window import MainWindow
from nnviz.project.model import Project
from tests.gui.conftest import OpenWindow


def weights(training: Any) -> tuple[int, bytes]:
    """The step, and all weights as bytes."""
    return training.step, b"".join(one.detach().numpy().tobytes() for one in training.network.parameters())


def asked(qtbot: QtBot, window: MainWindow, question: Any = weights) -> Any:
    """The answer, or what was raised."""
    got: list[Any] = []
    window.workspace.network.ask(question, got.append, got.append)
    qtbot.waitUntil(lambda: bool(got), timeout=30_000)
    return got[0]


def test_the_live_network_answers_and_says_when_its_weights_are_others(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral")
    before = asked(qtbot, window)
    assert before[0] == 0
    assert asked(qtbot, window) == before
    key = window.workspace.network.key
    with qtbot.waitSignal(window.workspace.network.changed, timeout=20_000):
        window.training.step()
    qtbot.waitUntil(lambda: window.training.state == "paused" and window.training.standing.step == 1, timeout=20_000)
    assert window.workspace.network.key != key
    after = asked(qtbot, window)
    assert after[0] == 1 and after[1] != before[1]


def test_a_recorded_run_answers_with_the_weights_that_it_keeps(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path
) -> None:
    from nnviz.cli import main

    path = tmp_path / "kept.nnvizrun"
    assert main(["train", "sample:spiral", "--epochs", "3", "--run", str(path)]) == 0
    window = open_window("digits-cnn", ready=False, run_path=path)
    qtbot.waitUntil(lambda: window.training.state == "replay", timeout=30_000)
    last = asked(qtbot, window)
    assert last[0] == window.feed.run.last_step

    # A newer state comes into the file, as while it grows: who asked before is told, and asks another network.
    network, before = window.workspace.network, asked(qtbot, window, lambda training: training)
    key = network.key
    with closing(sqlite3.connect(path)) as file, file:
        newest = file.execute("SELECT max(id) FROM checkpoints").fetchone()[0]
        file.execute(
            "INSERT INTO checkpoints (id, step, epoch, tag, created) "
            "SELECT id + 1, step, epoch, tag, created FROM checkpoints WHERE id = ?",
            (newest,),
        )
        file.execute(
            "INSERT INTO blobs (checkpoint, name, part, data) "
            "SELECT checkpoint + 1, name, part, data FROM blobs WHERE checkpoint = ?",
            (newest,),
        )
    network._seen = ()  # as if it had grown: one that does not is not looked at for long
    qtbot.waitUntil(lambda: getattr(network.key[3], "id", 0) == newest + 1, timeout=20_000)
    assert network.key[:3] == key[:3] and asked(qtbot, window, lambda training: training) is not before
    window.feed.set_step(0)
    first = asked(qtbot, window)
    assert first[0] == 0 and first[1] != last[1]


def test_what_cannot_be_answered_is_said_in_a_sentence(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window(Project(), ready=False)
    failure = asked(qtbot, window)
    assert isinstance(failure, NnvizError) and str(failure).endswith(".")

    def wrong(training: object) -> None:
        raise ValueError("wrong")

    window = open_window("spiral")
    assert isinstance(asked(qtbot, window, wrong), ValueError)


@pytest.mark.parametrize("late", [False, True])
def test_a_question_that_is_taken_back_calls_nobody(qtbot: QtBot, open_window: OpenWindow, late: bool) -> None:
    window = open_window("spiral")
    got: list[Any] = []
    question = window.workspace.network.ask(weights, got.append, got.append)
    if late:
        assert window.bridge.session is not None
        window.bridge.session.ask(lambda: None).result(20)  # answered after it, on that thread
    question.cancel()
    asked(qtbot, window)
    assert got == []


def test_a_window_that_closes_takes_no_answer_any_more(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral")
    got: list[Any] = []
    window.workspace.network.ask(weights, got.append, got.append)
    assert window.bridge.session is not None
    window.bridge.session.ask(lambda: None).result(20)  # the answer waits for the event loop now
    window.finish()
    qtbot.wait(50)
    assert got == []


def test_where_the_last_state_is_damaged_the_one_before_answers_and_a_notice_says_so_once(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nnviz.cli import main
    from nnviz.record.store import RunWriter
    from nnviz.train import saving

    monkeypatch.setattr(saving, "_SAVE_SHARE", 0)  # the state of each epoch, however fast one is
    monkeypatch.setattr(RunWriter, "writing", False)
    path = tmp_path / "kept.nnvizrun"
    assert main(["train", "sample:spiral", "--epochs", "3", "--run", str(path)]) == 0
    with closing(sqlite3.connect(path)) as file, file:
        steps = [step for (step,) in file.execute("SELECT step FROM checkpoints ORDER BY id")]
        file.execute(
            "UPDATE blobs SET data = zeroblob(length(data)) WHERE name = 'weights' AND checkpoint = "
            "(SELECT max(id) FROM checkpoints)"
        )
    window = open_window("digits-cnn", ready=False, run_path=path)
    qtbot.waitUntil(lambda: window.training.state == "replay", timeout=30_000)
    assert asked(qtbot, window)[0] == steps[-2]
    notice = window.notices.notice("state")
    assert notice is not None
    assert notice.text == (
        f"kept.nnvizrun: The checkpoint at step {steps[-1]} is damaged in the file: the one before, at step "
        f"{steps[-2]}, is used."
    )
    window.notices.dismiss("state")
    assert asked(qtbot, window)[0] == steps[-2] and window.notices.notice("state") is None  # once is enough
    window.feed.set_step(steps[-1])
    assert asked(qtbot, window)[0] == steps[-2]
    window.feed.set_step(steps[0])
    assert asked(qtbot, window)[0] == steps[0] and window.notices.notice("state") is None

    # As a network beside it, and as what another training begins with.
    from nnviz.gui.explain.kept_network import KeptNetwork

    told: list[str] = []
    kept = KeptNetwork(window.background, path, None, told.append)
    for _ in range(2):
        got: list[Any] = []
        kept.ask(weights, got.append, got.append)
        qtbot.waitUntil(lambda got=got: bool(got), timeout=30_000)  # type: ignore[misc]  # mypy knows no such lambda
        assert got[0][0] == steps[-2] and told == [notice.text]
