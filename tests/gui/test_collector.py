"""Garbage is collected between two events of the GUI thread and at no other moment."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from nnviz.data import room_for_rows
from nnviz.data.row_blocks import RowBlocks
from nnviz.data.stored_rows import StoredRows
from nnviz.errors import StorageError
from nnviz.gui.app import application
from nnviz.gui.look import theme
from nnviz.gui.parts import collector
from nnviz.gui.parts.collector import Collector


class Circle:
    """Garbage that holds a widget without a parent."""

    def __init__(self) -> None:
        self.myself = self
        self.widget = QLabel("not wanted any more")


class Busy(QObject):
    """Makes objects whenever anything is restyled, as painting and event handlers in Python do."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[list[object]] = []

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if event.type() in {QEvent.Type.StyleChange, QEvent.Type.PaletteChange}:
            self.kept.extend([] for _ in range(30_000))
        return False


@pytest.fixture
def _unfrozen() -> Iterator[None]:
    """Nothing is passed over at first; what was before is again at the end (see tests/conftest.py)."""
    gc.unfreeze()
    yield
    gc.collect()
    gc.freeze()


def test_there_is_one_for_an_application_and_python_itself_collects_nothing(qapp: QApplication) -> None:
    application("dark")
    assert len(qapp.findChildren(Collector)) == 1
    assert not gc.isenabled()


def test_neither_restyling_nor_another_thread_collects(styled: QApplication) -> None:
    """A widget destroyed while Qt walks over all of them, or by another thread, ends the process."""
    gone = weakref.ref(Circle())
    busy = Busy()
    styled.installEventFilter(busy)
    theme.set_theme("light")
    theme.set_theme("dark")
    styled.removeEventFilter(busy)
    assert len(busy.kept) >= 30_000
    elsewhere = threading.Thread(target=lambda: busy.kept.extend([] for _ in range(200_000)))
    elsewhere.start()
    elsewhere.join()
    assert gone() is not None


def test_the_event_loop_collects_what_was_left(qtbot: QtBot, qapp: QApplication) -> None:
    gone = weakref.ref(Circle())
    kept = [[index] for index in range(30_000)]
    qtbot.waitUntil(lambda: gone() is None, timeout=10_000)
    assert len(kept) == 30_000


def test_a_few_objects_are_no_reason_to_come(qapp: QApplication) -> None:
    gc.collect()
    gone = weakref.ref(Circle())
    qapp.findChildren(Collector)[0].look()
    assert gone() is not None


@pytest.mark.usefixtures("_unfrozen")
def test_what_was_made_is_passed_over_and_what_comes_is_still_collected() -> None:
    assert gc.get_freeze_count() == 0
    collector.spare()
    assert gc.get_freeze_count() > 0
    gone = weakref.ref(Circle())
    assert gc.collect() > 0
    assert gone() is None


def test_a_set_of_what_is_gone_is_not_in_use_for_who_needs_the_room(
    styled: QApplication, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training that was left is a circle, which would hold its rows on the disk until some later round."""
    rows = RowBlocks.of("a", np.ones((100, 100), np.float32)).on_disk(lambda done: None)
    path, circle = rows.path, Circle()
    circle.rows = rows  # type: ignore[attr-defined]
    del rows, circle
    monkeypatch.setattr(room_for_rows, "MOST_BYTES", 60_000)
    made: list[StoredRows | StorageError] = []

    def make() -> None:
        try:
            made.append(RowBlocks.of("b", np.ones((100, 100), np.float32)).on_disk(lambda done: None))
        except StorageError as error:
            made.append(error)

    worker = threading.Thread(target=make)
    worker.start()
    qtbot.waitUntil(lambda: bool(made), timeout=20_000)
    worker.join(20)
    assert isinstance(made[0], StoredRows) and not path.exists()
