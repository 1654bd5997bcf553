"""Points drawn with the mouse in the real window, taken back, and learnt."""

from __future__ import annotations

from pointer import move_pointer
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow, is_ready

from nnviz.data.tensors import load
from nnviz.gui.inspector.data_tab import DataTab
from nnviz.gui.window.window import MainWindow
from nnviz.record.quantities import ACCURACY

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton


class Hand:
    """Draws into the plane of the Data tab."""

    def __init__(self, window: MainWindow, qtbot: QtBot) -> None:
        assert window.inspector is not None
        window.inspector.show_tab("data")
        tab = window.inspector.tabs["data"]
        assert isinstance(tab, DataTab)
        self.tab, self.qtbot, self.document = tab, qtbot, window.document
        tab.choose("drawn_points")
        self.plane = tab.points.plane
        tab.ensureWidgetVisible(self.plane)
        qtbot.waitUntil(lambda: self.plane.isVisible() and self.plane.width() > 100)

    @property
    def points(self) -> tuple[tuple[float, float, float], ...]:
        rows = self.document.project.data.params.get("points")
        return rows or ()  # type: ignore[return-value]

    def pixel(self, x: float, y: float) -> QPoint:
        return self.plane.pixel_of(x, y).toPoint()

    def click(self, x: float, y: float, button: Qt.MouseButton = LEFT) -> None:
        self.qtbot.mouseClick(self.plane, button, pos=self.pixel(x, y))

    def drag(self, *places: tuple[float, float], button: Qt.MouseButton = LEFT) -> None:
        self.qtbot.mousePress(self.plane, button, pos=self.pixel(*places[0]))
        for place in places[1:]:
            move_pointer(self.plane, self.pixel(*place), button)
        self.qtbot.mouseRelease(self.plane, button, pos=self.pixel(*places[-1]))

    def press(self, text: str) -> None:
        found = {one.text(): one for one in (*self.tab.points.buttons.values(), *self.tab.points._classes)}
        self.qtbot.mouseClick(found[text], LEFT)


def test_points_are_drawn_taken_back_and_learnt(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral", ready=False)
    window.resize(1280, 720)
    hand = Hand(window, qtbot)
    document = window.document
    hand.press("Clear")
    assert hand.points == () and hand.tab.points.said.text().startswith("There are no points yet")

    # A ring of the one class in one drag, the other one in its middle.
    hand.drag((4, 4), (0, 4), (-4, 4), (-4, 0), (-4, -4), (0, -4), (4, -4), (4, 0))
    assert [point[2] for point in hand.points] == [0.0] * 8
    assert abs(hand.points[0][0] - 4) < 0.1 and abs(hand.points[2][0] + 4) < 0.1
    assert hand.tab.points.said.text() == "All points are green: draw some of another class, too."
    hand.press("violet")
    for place in ((0, 0), (0.6, 0.6), (-0.6, 0.6), (0.6, -0.6), (-0.6, -0.6), (5, 0)):
        hand.click(*place)
    assert [point[2] for point in hand.points] == [0.0] * 8 + [1.0] * 6
    hand.click(5, 0, RIGHT)
    assert len(hand.points) == 13
    document.undo()
    assert len(hand.points) == 14 and len(hand.plane.points.points) == 14
    document.redo()
    hand.press("Take away")
    hand.drag((4, 4), (0, 4))
    assert len(hand.points) == 11
    document.undo()
    hand.press("violet")
    assert len(hand.points) == 13 and {point[2] for point in hand.points} == {0.0, 1.0}
    assert load(document.project.data).train.targets.tolist() == [0] * 8 + [1] * 5

    # By keys.
    hand.plane.setFocus()
    qtbot.keyClick(hand.plane, Qt.Key.Key_Right)
    qtbot.keyClick(hand.plane, Qt.Key.Key_Space)
    assert hand.points[-1] == (0.5, 0.0, 1.0)

    qtbot.waitUntil(lambda: is_ready(window), timeout=TIMEOUT)
    window.training.toggle()
    qtbot.waitUntil(lambda: accuracy(window) == 1.0, timeout=TIMEOUT)


def accuracy(window: MainWindow) -> float:
    """Of the validation split, as the window shows it."""
    run = window.training.run
    if run is None:
        return 0.0
    _, found = run.scalars(ACCURACY.series("validation"))
    return float(found[-1]) if len(found) else 0.0
