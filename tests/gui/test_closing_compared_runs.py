"""A run that is compared no more is closed behind whoever reads on in it, and never on the thread that draws."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from pytestqt.qtbot import QtBot
from workspace_kit import NoTraining

from nnviz.gui.parts.background import Background
from nnviz.gui.runs.kept_runs import KeptRuns
from nnviz.gui.runs.training import Training
from nnviz.project.document import Document
from nnviz.record.library import Library
from nnviz.record.readings import Scalar
from nnviz.record.run import Run, RunView
from nnviz.record.store import RunWriter
from nnviz.record.tolerant import TolerantRun


class Shown(NoTraining):
    """What is drawn beside the run on the screen is only taken note of."""

    def compare(self, runs: list[RunView]) -> None:
        self.compared = runs


@pytest.mark.parametrize("end", ["compared no more", "window ends", "deleted"])
def test_a_compared_run_is_closed_by_another_thread_and_not_while_it_is_read(
    end: str, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, path = Run(), tmp_path / "growing.nnvizrun"
    run.append([Scalar("loss/train", 0, 1.0)])
    order: list[str] = []
    reading, go = threading.Event(), threading.Event()
    refresh, close = TolerantRun.refresh, TolerantRun.close

    def slow(one: TolerantRun) -> bool:
        reading.set()
        go.wait(20)
        order.append("read")
        return refresh(one)

    def noted(one: TolerantRun) -> None:
        assert threading.current_thread() is not threading.main_thread()
        close(one)
        order.append("closed")

    monkeypatch.setattr(TolerantRun, "refresh", slow)
    monkeypatch.setattr(TolerantRun, "close", noted)
    monkeypatch.setattr(Library, "delete", lambda _library, one: order.append("deleted") or one)
    background = Background()
    training = Shown(Document(), background)
    runs = KeptRuns(cast(Training, training), background, lambda _run: None)
    ends: dict[str, Callable[[], None]] = {
        "compared no more": lambda: runs.compare([]),
        "window ends": runs.stop,
        "deleted": lambda: runs.delete([path]),
    }
    with RunWriter(run, path):
        runs.compare([path])
        qtbot.waitUntil(lambda: bool(training.compared))
        runs._read_on()
        assert reading.wait(20)
        ends[end]()
        go.set()
        assert background.wait(20.0)
    if end == "deleted":  # some systems move no file that is open
        assert order.index("closed") < order.index("deleted")
    else:
        assert order == ["read", "closed"]
    qtbot.waitUntil(lambda: not background.busy)
