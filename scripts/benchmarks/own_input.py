"""A pixel of an input of one's own is changed: the time until every map in sight is painted anew."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import replace

from PySide6.QtWidgets import QApplication
from rows import Row, Settings
from window import _wait, _window

from nnviz.gui.app import application
from nnviz.gui.canvas.items.node_item import NodeItem
from nnviz.gui.explain.own_input_view import OwnInputView
from nnviz.gui.panels.own_input import OwnInputPanel
from nnviz.gui.window.window import MainWindow

#: Samples of which every card can be in sight.
SAMPLES = ("digits-cnn", "mlp-512-dropout", "cnn-32-64")
#: Milliseconds from the change to the last map.
_LIMIT = 100.0
#: Seconds that one change may take before the measurement is given up.
_MOST = 20.0


def measure(settings: Settings) -> Iterator[Row]:
    """A row for each sample that is there without a download or in the data folder."""
    app = application("dark")
    for name in SAMPLES:
        with _window(name, settings) as window:
            taken = _changes(window, app, settings)
        middle = 1000 * statistics.median(taken)
        yield Row(
            f"a pixel of the own input edited -> all maps painted, {name}",
            f"{middle:.0f} ms ({1000 * min(taken):.0f}–{1000 * max(taken):.0f})",
            f"limit {_LIMIT:.0f} ms",
            middle < _LIMIT,
        )


def _changes(window: MainWindow, app: QApplication, settings: Settings) -> list[float]:
    """Seconds for each of some pixels, of a window that rests and shows every card."""
    _wait(app, lambda: window.training.state == "ready", 120)
    assert window.docks is not None
    panel = window.docks.show_panel("own_input")
    assert isinstance(panel, OwnInputPanel)
    _wait(app, lambda: panel.view is not None and panel.view.picture is not None, 60)
    view = panel.view
    assert view is not None
    view.take_example()
    _wait(app, lambda: view.answer_shown is not None, 60)
    window.canvas.camera.fit()
    _wait(app, lambda: window.bridge.position is not None and not window.bridge.position.activity, 120)
    return [_change(window, view, app, at) for at in range(settings.rounds(30) + 2)][2:]


def _change(window: MainWindow, view: OwnInputView, app: QApplication, at: int) -> float:
    """Seconds for one pixel."""
    picture, before, canvas = view.picture, view.answer_shown, window.canvas
    assert picture is not None
    _, height, width = picture.shape
    pixel = (-1, at % height, (7 * at) % width, (at % 3 + 1) / 3)
    began = time.perf_counter()
    picture.treatment = replace(picture.treatment, pixels=(pixel,))
    view.picture_changed()

    def painted() -> bool:
        answer, instead = view.answer_shown, window.feed.shown.instead
        if answer is None or answer is before or any(instead.get(one.series) is not one for one in answer.readings):
            return False
        cards = [one for one in canvas.scene().items(canvas.camera.visible_rect()) if isinstance(one, NodeItem)]
        return bool(cards) and not any(card.stale for card in cards)

    while not painted():
        app.processEvents()
        if time.perf_counter() - began > _MOST:
            raise TimeoutError("the maps were not painted in time")
        time.sleep(0.001)
    return time.perf_counter() - began
