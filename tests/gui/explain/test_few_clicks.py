"""Each concept that a lecture explains is reached from its sample with at most four clicks, by real mouse events."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QMenu, QMenuBar, QWidget
from pytestqt.qtbot import QtBot

from nnviz.explain.place import Place
from nnviz.gui.canvas.cards.card_pictures import shown_tiles
from nnviz.gui.canvas.cards.card_places import card_places
from nnviz.gui.explain.flow_on_canvas import FlowOnCanvas
from nnviz.gui.explain.ink import Spot
from nnviz.gui.explain.neuron_places import LinePlace, UnitPlace
from nnviz.gui.explain.neuron_view import NeuronView
from nnviz.gui.explain.sheet import Sheet
from nnviz.gui.parts.number_field import NumberField
from nnviz.gui.window.window import MainWindow
from nnviz.train.sub_steps import SubStep
from tests.gui.explain.explain_sheets import written
from tests.gui.explain.test_explain_in_window import answered, panel_of
from tests.gui.window_kit import OpenWindow

MOST = 4
TIMEOUT = 20_000
_LEFT = Qt.MouseButton.LeftButton


class Hand:
    """A mouse that counts its clicks, in one window."""

    def __init__(self, qtbot: QtBot, window: MainWindow) -> None:
        self.qtbot, self.window, self.clicks = qtbot, window, 0

    def click(self, widget: QWidget, at: QPoint | None = None, button: Qt.MouseButton = _LEFT) -> None:
        """One click where it can really be seen."""
        at = at if at is not None else widget.rect().center()
        assert widget.isVisible() and widget.isEnabled() and widget.rect().contains(at), widget
        QTest.mouseClick(widget, button, pos=at)
        self.clicks += 1

    def double(self, widget: QWidget, at: QPoint) -> None:
        assert widget.isVisible() and widget.rect().contains(at)
        QTest.mouseDClick(widget, _LEFT, pos=at)
        self.clicks += 2

    def menu(self, title: str, entry: str) -> None:
        """An entry of a menu at the top: two clicks."""
        bar = next(bar for bar in self.window.findChildren(QMenuBar) if bar.isVisible())
        action = next(action for action in bar.actions() if action.text().replace("&", "") == title)
        self.click(bar, bar.actionGeometry(action).center())
        menu = action.menu()
        assert isinstance(menu, QMenu)
        self.entry(menu, entry)

    def entry(self, menu: QMenu, words: str) -> None:
        self.qtbot.waitUntil(menu.isVisible, timeout=TIMEOUT)
        found = next(one for one in menu.actions() if words in one.text().replace("&", ""))
        assert found.isEnabled(), words
        self.click(menu, menu.actionGeometry(found).center())

    def popup(self, words: str) -> None:
        """An entry of the menu that has just opened."""
        self.qtbot.waitUntil(lambda: isinstance(QApplication.activePopupWidget(), QMenu), timeout=TIMEOUT)
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        self.entry(menu, words)

    def button(self, words: str, inside: QWidget | None = None) -> None:
        """A button by what stands on it, or what it is called."""
        found = [one for one in (inside or self.window).findChildren(QAbstractButton) if one.isVisible()]
        found = [one for one in found if words in (one.text().replace("&", ""), one.accessibleName())]
        assert found, words
        self.click(found[0])

    def number_of_card(self, node: str, index: tuple[int, ...]) -> None:
        """A number in the picture of a card: right click, and what explains it."""
        view = self.window.canvas
        card = view.canvas_scene.cards[node]
        self.until(lambda: view.stage.live.picture(card.facts) is not None)
        place = card_places(card.facts, view.stage.zoom).picture
        reading = view.stage.live.picture(card.facts)
        assert place is not None and reading is not None
        if reading.array.ndim == 3:
            tile = shown_tiles(card.facts, reading.array, QRectF(QPointF(), place.size()), view.stage.level)[index[0]]
            rows, columns = reading.array.shape[1:]
            inside = QPointF(tile.left() + (index[2] + 0.5) / columns * tile.width(),
                             tile.top() + (index[1] + 0.5) / rows * tile.height())  # fmt: skip
        else:
            inside = QPointF(place.width() / 2, (index[0] + 0.5) / card.facts.bar_rows * place.height())
        at = view.mapFromScene(QPointF(*card.place) + place.topLeft() + inside)
        self.context(view.viewport(), at)
        self.popup("Explain this number")
        answered(self.qtbot, panel_of(self.window), Place(node))

    def context(self, widget: QWidget, at: QPoint) -> None:
        """The right button, which opens a menu."""
        assert widget.isVisible() and widget.rect().contains(at)
        QTest.mouseClick(widget, Qt.MouseButton.RightButton, pos=at)
        reason = QContextMenuEvent.Reason.Mouse
        QApplication.sendEvent(widget, QContextMenuEvent(reason, at, widget.mapToGlobal(at)))
        self.clicks += 1

    def type(self, number: str) -> None:
        """Into the field that has opened over a number."""
        field = self.window.findChild(NumberField)
        assert isinstance(field, NumberField) and field.isVisible()
        field.line.setText(number)
        QTest.keyClick(field.line, Qt.Key.Key_Return)

    def until(self, true: Callable[[], Any]) -> None:
        """Wait for it."""
        self.qtbot.waitUntil(lambda: bool(true()), timeout=TIMEOUT)

    def panel(self, key: str) -> Any:
        """An instrument."""
        assert self.window.docks is not None
        return self.window.docks.panels[key]

    def neurons(self) -> NeuronView:
        """The neuron view, in front, with its numbers."""
        view = self.window.centre.neurons
        assert view is not None and view.isVisible()
        self.until(lambda: view.numbers is not None and view.picture.places() is not None)
        return view

    def place_of_unit(self, layer: int, unit: int) -> QPoint:
        """Where a unit is drawn."""
        places = self.neurons().picture.places()
        assert places is not None
        return places.units[layer][unit].toPoint()

    def spot(self, sheet: Sheet, wanted: Callable[[Spot], bool], *, twice: bool = False) -> None:
        spot = next(spot for spot in sheet.spots if wanted(spot))
        at = spot.rect.center().toPoint()
        (self.double if twice else self.click)(sheet, at)

    def enlarge(self) -> Sheet:
        """The number in the panel over the whole canvas."""
        panel = panel_of(self.window)
        self.click(panel.controls.size_button)
        assert panel.is_large and panel.page is not None
        return panel.page.sheet


def sheet_of(hand: Hand) -> Sheet:
    panel = panel_of(hand.window)
    return panel.page.sheet if panel.is_large and panel.page is not None else panel.sheet


def says(hand: Hand, *words: str) -> None:
    """What is taken apart says this."""
    hand.qtbot.waitUntil(lambda: all(one in written(sheet_of(hand)) for one in words), timeout=TIMEOUT)


def convolution(hand: Hand) -> None:
    hand.number_of_card("conv1", (2, 12, 10))
    hand.enlarge()
    says(hand, "WINDOW", "FILTER", "PRODUCTS", "sum", "bias")


def window_slides(hand: Hand) -> None:
    convolution(hand)
    hand.button("let it slide")
    panel = panel_of(hand.window)
    before = panel.walk.place
    hand.qtbot.waitUntil(lambda: panel.walk.place != before, timeout=TIMEOUT)


def softmax_to_loss(hand: Hand) -> None:
    hand.menu("Explain", "Explain, large")
    answered(hand.qtbot, panel_of(hand.window))
    says(hand, "−log", "exp")


def activation(hand: Hand) -> None:
    hand.number_of_card("relu1", (2, 12, 10))
    hand.enlarge()
    answered(hand.qtbot, panel_of(hand.window), Place("relu1"))
    taken = panel_of(hand.window).walk.taken
    assert taken is not None and taken.curve is not None and taken.curve.count == 26 * 26 * 16


def gradient_of_a_number(hand: Hand) -> None:
    hand.number_of_card("conv1", (2, 12, 10))
    hand.enlarge()
    hand.button("backward", panel_of(hand.window).page)
    answered(hand.qtbot, panel_of(hand.window), Place("conv1", backward=True))


def update_of_a_weight(hand: Hand) -> None:
    convolution(hand)
    hand.spot(sheet_of(hand), lambda spot: spot.number == ("conv1", "weight", (2, 0, 1, 1)))
    answered(hand.qtbot, panel_of(hand.window), Place("conv1", "weight"))
    says(hand, "Adam")


def number_set_by_hand(hand: Hand) -> None:
    hand.number_of_card("conv1", (2, 12, 10))
    panel = panel_of(hand.window)
    hand.spot(panel.sheet, lambda spot: spot.number == ("conv1", "weight", (2, 0, 1, 1)), twice=True)
    hand.type("0.625")
    taken = panel.walk.taken
    assert taken is not None and taken.window is not None
    hand.until(lambda: panel.walk.taken.window.shares[0, 1, 1] == 0.625)  # type: ignore[union-attr]


def gradients_on_the_canvas(hand: Hand) -> None:
    hand.click(hand.window.flow.bar.backward)
    hand.until(lambda: "at step" in hand.window.flow.band.words)


def shows_part(flow: FlowOnCanvas, part: str) -> bool:
    return flow.part is not None and flow.part.value == part


def parts_of_a_step(hand: Hand) -> None:
    flow = hand.window.flow
    hand.click(flow.bar.sub_step)
    hand.until(partial(shows_part, flow, "batch"))
    for part in (SubStep.LOSS, SubStep.BACKWARD, SubStep.UPDATE):
        hand.click(flow.band.parts[part])
        hand.until(partial(shows_part, flow, part.value))


def pooling_and_its_way_back(hand: Hand) -> None:
    hand.number_of_card("pool1", (2, 6, 5))
    hand.enlarge()
    hand.button("backward", panel_of(hand.window).page)
    answered(hand.qtbot, panel_of(hand.window), Place("pool1", backward=True))


def own_digit_with_a_loss(hand: Hand) -> None:
    hand.menu("Explain", "Draw or type an input")
    hand.until(lambda: hand.panel("own_input").view is not None and hand.panel("own_input").view.right.isVisible())
    box = hand.panel("own_input").view.right.box
    hand.click(box)
    QTest.keyClicks(box.view(), "7")
    QTest.keyClick(box.view(), Qt.Key.Key_Return)
    hand.clicks += 1  # the row of the list
    assert hand.panel("own_input").view.right.label == "7"


def why_this_answer(hand: Hand) -> None:
    hand.menu("Explain", "Why this answer")
    panel = hand.panel("why")
    hand.until(lambda: panel.isVisible() and panel._views.why.answer is not None)


def what_a_unit_wants(hand: Hand) -> None:
    hand.window.canvas.select([])
    view, card = hand.window.canvas, hand.window.canvas.canvas_scene.cards["conv2"]
    hand.click(view.viewport(), view.mapFromScene(QPointF(card.place[0] + 30, card.place[1] + 12)))
    hand.menu("Explain", "What a unit wants")
    panel = hand.panel("why")
    hand.until(lambda: panel.isVisible() and panel._views.unit.go.isVisible())
    hand.click(panel._views.unit.go)


def vanishing_gradients(hand: Hand) -> None:
    hand.menu("Explain", "Curves of activations")
    panel = hand.panel("activation_curves")
    hand.until(lambda: panel.isVisible() and "In a row" in buttons(panel))
    hand.button("In a row", panel)


def sum_of_a_unit(hand: Hand) -> None:
    picture = hand.neurons().picture
    hand.click(picture, hand.place_of_unit(1, 0))
    hand.popup("Explain the sum")
    answered(hand.qtbot, panel_of(hand.window), Place("linear1", index=(0,)))
    says(hand, "bias")


def unit_switched_off(hand: Hand) -> None:
    picture = hand.neurons().picture
    hand.click(picture, hand.place_of_unit(1, 1))
    hand.popup("Switch off")
    hand.until(lambda: hand.neurons().hand.is_off(UnitPlace(1, 1)))


def weight_of_a_line(hand: Hand) -> None:
    view = hand.neurons()
    places = view.picture.places()
    assert places is not None
    line = LinePlace(1, 0, 1)
    hand.click(view.picture, places.middle_of(line).toPoint())
    hand.type("1.5")
    hand.until(lambda: view.picture.value_at(line) == 1.5)


def point_of_the_plane(hand: Hand) -> None:
    view = hand.neurons()
    at = view.plot.place_of("train", 7)
    assert at is not None
    hand.click(view.plot, at.toPoint())
    hand.until(lambda: view.followed() is not None and view.followed().index == 7)  # type: ignore[union-attr]


def valley_with_balls(hand: Hand) -> None:
    hand.menu("Explain", "Valley of the loss")
    panel = hand.panel("landscape")
    hand.until(lambda: panel.isVisible() and any("roll" in words for words in buttons(panel)))
    hand.button("Let the balls roll", panel)


def buttons(widget: QWidget) -> list[str]:
    return [one.text() or one.accessibleName() for one in widget.findChildren(QAbstractButton) if one.isVisible()]


#: What is done in one window of a sample, one after the other.
CONCEPTS: dict[str, tuple[Callable[[Hand], None], ...]] = {
    "digits-cnn": (
        window_slides, softmax_to_loss, activation, gradient_of_a_number, update_of_a_weight, number_set_by_hand,
        gradients_on_the_canvas, parts_of_a_step, pooling_and_its_way_back, own_digit_with_a_loss,
        why_this_answer, what_a_unit_wants,
    ),
    "spiral": (sum_of_a_unit, weight_of_a_line, unit_switched_off, point_of_the_plane, vanishing_gradients),
    "one-weight": (valley_with_balls,),
}  # fmt: skip


@pytest.mark.parametrize("sample", list(CONCEPTS))
def test_each_concept_is_at_most_four_clicks_away(qtbot: QtBot, open_window: OpenWindow, sample: str) -> None:
    window = open_window(sample)
    window.centre.choose_for_network()  # as when it is opened by hand
    assert window.docks is not None
    for show in CONCEPTS[sample]:
        window.canvas.camera.fit()
        qtbot.waitUntil(lambda: not window.canvas.camera.gliding, timeout=TIMEOUT)
        hand = Hand(qtbot, window)
        show(hand)
        assert hand.clicks <= MOST, show.__name__
        # As it was: nothing large, nothing beside, nothing flows back.
        panel = panel_of(window)
        if panel.is_large:
            panel.toggle_page()
            middle = window.centre.parentWidget()
            assert middle is not None
            qtbot.waitUntil(lambda: window.centre.height() == middle.height(), timeout=TIMEOUT)  # noqa: B023 - called at once
        window.canvas.select([])
        panel.walk.clear()
        window.flow.leave()
        for key in ("explain", "own_input", "why", "landscape", "activation_curves"):
            window.docks.docks[key].close()
