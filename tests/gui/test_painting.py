"""Nothing leaves a paint event: whatever fails there is marked, and everything else is painted as before."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QRect
from PySide6.QtGui import QIconEngine, QImage, QPainter
from PySide6.QtWidgets import QAbstractItemDelegate, QAbstractItemView, QApplication, QGraphicsItem, QWidget
from pytestqt.qtbot import QtBot
from run_file_mutations import good_run
from window_kit import TIMEOUT, OpenWindow, state_is

import nnviz.gui
from nnviz.gui.look import painting
from nnviz.gui.look.painting import Saved, answering, guarded
from nnviz.gui.window.window import MainWindow

PAINTING = ("paintEvent", "paint", "drawBackground", "drawForeground", "drawRow")
SOURCE = Path(nnviz.gui.__file__).parent


def painting_classes() -> list[type]:
    """Every class of nnviz.gui that Qt calls to paint."""
    importlib.import_module("nnviz.gui.window.docks")  # the order in which the window imports them
    found: set[type] = set()
    for module in pkgutil.walk_packages(nnviz.gui.__path__, "nnviz.gui."):
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if kind.__module__.startswith("nnviz.gui") and issubclass(
                kind, QWidget | QGraphicsItem | QAbstractItemDelegate | QIconEngine
            ):
                found.add(kind)
    return sorted(found, key=lambda kind: f"{kind.__module__}.{kind.__qualname__}")


def painting_methods() -> list[tuple[type, str]]:
    return [(kind, name) for kind in painting_classes() for name in PAINTING if name in kind.__dict__]


def test_every_painting_method_is_guarded() -> None:
    methods = painting_methods()
    assert len(methods) > 30
    assert [
        f"{kind.__qualname__}.{name}" for kind, name in methods if not hasattr(getattr(kind, name), "is_guarded")
    ] == []


def test_every_state_that_is_saved_is_put_back_also_after_an_error() -> None:
    texts = {path: path.read_text() for path in SOURCE.rglob("*.py") if path.name != "painting.py"}
    assert [path.name for path, text in texts.items() if re.search(r"painter\.(save|restore)\(\)", text)] == []


class Failing(QWidget):
    """Begins painters on itself and on a picture, saves a state, and fails."""

    kept: Any = None

    @guarded
    def paintEvent(self, event: object) -> None:
        painter = QPainter(self)
        with Saved(painter):
            picture = QImage(8, 8, QImage.Format.Format_RGB32)
            inner = QPainter(picture)
            inner.save()
            Failing.kept = (painter, inner)
            raise ValueError("planted")


def test_painters_are_ended_and_the_mark_is_drawn(qtbot: QtBot, caplog: pytest.LogCaptureFixture) -> None:
    painting._told.clear()
    widget = Failing()
    qtbot.addWidget(widget)
    widget.resize(160, 60)
    widget.show()
    empty = QWidget()
    qtbot.addWidget(empty)
    empty.resize(160, 60)
    first, second = widget.grab().toImage(), widget.grab().toImage()
    assert not any(painter.isActive() for painter in Failing.kept)
    assert first == second != empty.grab().toImage()
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == [
        "test_painting.Failing.paintEvent failed"
    ]
    Failing.kept = None


def test_the_state_of_a_painter_that_qt_gave_is_as_it_was(qtbot: QtBot) -> None:
    class Item:
        @guarded
        def paint(self, painter: QPainter, place: QRect) -> None:
            with Saved(painter):
                painter.translate(50, 50)
                raise KeyError("planted")

    picture = QImage(100, 100, QImage.Format.Format_RGB32)
    painter = QPainter(picture)
    painter.translate(3, 4)
    Item().paint(painter, QRect(10, 10, 40, 40))
    assert (painter.worldTransform().dx(), painter.worldTransform().dy()) == (3, 4)
    assert painter.isActive()
    painter.end()


def test_a_question_that_fails_has_another_answer() -> None:
    class Asked:
        @answering(lambda: 7)
        def data(self, role: int) -> int:
            return 1 // role

    assert (Asked().data(1), Asked().data(0)) == (1, 7)


# ---- in the window --------------------------------------------------------------------------------------------------


@pytest.fixture
def hooked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[BaseException]]:
    caught: list[BaseException] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: caught.append(error))
    yield caught


@pytest.fixture
def full_window(qtbot: QtBot, open_window: OpenWindow, tmp_path: Path) -> MainWindow:
    """A recorded run in the window, every instrument beside the others, a node chosen."""
    window = open_window("and", ready=False, run_path=good_run(tmp_path / "good.nnvizrun", "digits-cnn"))
    qtbot.waitUntil(state_is(window, "replay"), timeout=TIMEOUT)
    assert window.docks is not None
    window.resize(1680, 1400)  # with so many instruments, the cards of a lower one are drawn from far
    # With what explains beside them, which has no run to show, none would have room.
    for key in sorted(window.docks.panels.keys() - {"activation_curves", "explain", "landscape", "own_input", "why"}):
        window.docks.show_panel(key)
    window.canvas.camera.fit()
    window.canvas.select(["conv1"])
    for _ in range(5):
        window.feed.poll(10.0)
        QApplication.processEvents()
    window.timeline._timer.stop()  # the memory in use would be another figure in the next picture
    return window


def pixels_of(window: MainWindow) -> NDArray[np.uint8]:
    """The window and its parts, painted anew."""
    for item in window.canvas.scene().items():
        item.update()
    image = window.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4).copy()


def places_of(window: MainWindow, kind: type) -> list[QRect]:
    """Where in the window a class paints."""
    if issubclass(kind, QAbstractItemDelegate):
        views = [view for view in window.findChildren(QAbstractItemView) if isinstance(view.itemDelegate(), kind)]
        return [QRect(view.mapTo(window, view.rect().topLeft()), view.size()) for view in views if view.isVisible()]
    if issubclass(kind, QGraphicsItem):
        view = window.canvas
        return [
            QRect(
                view.viewport().mapTo(window, view.mapFromScene(item.sceneBoundingRect()).boundingRect().topLeft()),
                view.mapFromScene(item.sceneBoundingRect()).boundingRect().size(),
            ).adjusted(-2, -2, 2, 2)
            for item in view.scene().items()
            if isinstance(item, kind) and item.isVisible()
        ]
    widgets: list[QObject] = window.findChildren(QWidget)
    return [
        QRect(widget.mapTo(window, widget.rect().topLeft()), widget.size())
        for widget in widgets
        if isinstance(widget, kind) and widget.isVisible()
    ]


def test_whatever_fails_the_rest_is_painted(
    full_window: MainWindow, hooked: list[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    window = full_window
    pixels_of(window)
    before = pixels_of(window)
    assert (before == pixels_of(window)).all()
    failed: dict[str, int] = {}
    for kind, name in painting_methods():
        places = places_of(window, kind)
        if not places:
            continue
        calls = 0

        def fail(self: object, painter: object, *rest: object) -> None:
            nonlocal calls
            calls += 1
            held = QPainter(self) if isinstance(self, QWidget) and not isinstance(painter, QPainter) else None  # noqa: F841 - it paints
            raise RuntimeError("planted")

        if issubclass(kind, QGraphicsItem):
            for item in window.canvas.scene().items():
                if isinstance(item, kind) and hasattr(item, "touch"):
                    item.touch()
        with monkeypatch.context() as patch:
            patch.setattr(getattr(kind, name), "__wrapped__", fail)
            during = pixels_of(window)
        outside = np.ones(before.shape[:2], bool)
        for place in places:
            outside[max(place.top(), 0) : place.bottom() + 1, max(place.left(), 0) : place.right() + 1] = False
        assert (during[outside] == before[outside]).all(), kind
        assert hooked == [], kind
        failed[f"{kind.__qualname__}.{name}"] = calls
        assert (pixels_of(window) == before).all(), kind
    # What there is of them in this window; the others are the same decorator, as the first test sees.
    assert sum(calls > 0 for calls in failed.values()) >= 18, failed
    assert window.isVisible()
