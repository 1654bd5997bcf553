"""A weight is typed in the sum of a number: the time from Enter until the new sum and every card are painted."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from rows import Row, Settings
from window import _wait, _window

from nnviz.explain.place import Place
from nnviz.gui.app import application
from nnviz.gui.canvas.items.node_item import NodeItem
from nnviz.gui.explain.sheet import Sheet
from nnviz.gui.panels.explain import ExplainPanel
from nnviz.gui.window.window import MainWindow

#: Of each sample a number, and the weight in its sum that is typed.
PLACES = {
    "spiral": (Place("linear2", index=(1,)), ("linear2", "weight", (1, 2))),
    "digits-cnn": (Place("conv1", index=(6, 12, 10)), ("conv1", "weight", (6, 0, 1, 1))),
}
#: Milliseconds from Enter to the last picture.
_LIMIT = 100.0
#: Seconds that one change may take before the measurement is given up.
_MOST = 20.0


def measure(settings: Settings) -> Iterator[Row]:
    """A row for each sample."""
    app = application("dark")
    for name in PLACES:
        with _window(name, settings) as window:
            taken = _changes(window, app, name, settings)
        middle = 1000 * statistics.median(taken)
        yield Row(
            f"a weight typed -> new sum and all cards painted, {name}",
            f"{middle:.0f} ms ({1000 * min(taken):.0f}–{1000 * max(taken):.0f})",
            f"limit {_LIMIT:.0f} ms",
            middle < _LIMIT,
        )


def _changes(window: MainWindow, app: QApplication, name: str, settings: Settings) -> list[float]:
    """Seconds for each of some numbers, of a window that rests and has the sum large over its canvas."""
    _wait(app, lambda: window.training.state == "ready", 120)
    assert window.docks is not None
    panel = window.docks.panels["explain"]
    assert isinstance(panel, ExplainPanel)
    window.action("explain_large").trigger()
    _wait(app, lambda: panel.is_large, 60)
    panel.explain(PLACES[name][0])
    _wait(app, lambda: panel.walk.taken is not None and not panel.walk.waiting, 60)
    _wait(app, lambda: window.bridge.position is not None and not window.bridge.position.activity, 120)
    assert panel.page is not None
    sheet = panel.page.sheet
    return [_change(window, panel, sheet, app, name, at) for at in range(settings.rounds(20) + 2)][2:]


def _change(window: MainWindow, panel: ExplainPanel, sheet: Sheet, app: QApplication, name: str, at: int) -> float:
    """Seconds for one number."""
    rect = sheet.rect_of(*PLACES[name][1])
    assert rect is not None
    QTest.mouseDClick(sheet, Qt.MouseButton.LeftButton, pos=rect.center().toPoint())
    field = panel.editing.field
    assert field is not None
    field.line.setText(str(0.1 + at % 7 / 10))
    # What comes after the one before has come.
    settled = time.perf_counter() + 0.3
    _wait(app, lambda: time.perf_counter() > settled, 1)
    before, canvas = panel.walk.taken, window.canvas
    edits = window.bridge.position.edits if window.bridge.position is not None else 0
    began = time.perf_counter()
    QTest.keyClick(field.line, Qt.Key.Key_Return)

    def painted() -> bool:
        position, taken = window.bridge.position, panel.walk.taken
        if position is None or position.edits == edits or taken is before or not sheet.is_painted:
            return False
        cards = [one for one in canvas.scene().items(canvas.camera.visible_rect()) if isinstance(one, NodeItem)]
        return bool(cards) and not any(card.stale for card in cards)

    while not painted():
        app.processEvents()
        if time.perf_counter() - began > _MOST:
            raise TimeoutError("the new sum was not painted in time")
        time.sleep(0.001)
    return time.perf_counter() - began
