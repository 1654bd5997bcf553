"""Selected cards are put in line and at equal distances, in one step, and never on one another."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from canvas_hands import Hands, chain
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot
from window_hands import Person
from window_kit import OpenWindow

from nnviz.gui.canvas.actions import ALIGNMENTS
from nnviz.project.drawing.alignment import Alignment, Direction
from nnviz.project.edits import Move

ROW = chain("input", "flatten", "linear", "relu", "output", input={"shape": (1, 8, 8)})
PLACES = {"input": (0.0, 0.0), "flatten": (230.0, 40.0), "linear": (390.0, 300.0), "relu": (700.0, 20.0)}


def overlapping(hands: Hands) -> list[tuple[str, str]]:
    cards = hands.view.canvas_scene.cards
    return [(a, b) for a, b in combinations(cards, 2) if cards[a].card_rect().intersects(cards[b].card_rect())]


@pytest.mark.parametrize("hands", [ROW], indirect=True)
@pytest.mark.parametrize("alignment", list(Alignment))
def test_every_alignment_is_one_step_and_leaves_no_card_on_another(hands: Hands, alignment: Alignment) -> None:
    hands.document.apply(Move({**PLACES, "output": (900.0, 0.0)}))
    before = hands.graph
    hands.view.select(list(PLACES))
    hands.view.editing.align(alignment)
    cards = hands.view.canvas_scene.cards
    line = {
        Alignment.LEFT: lambda node: cards[node].card_rect().left(),
        Alignment.CENTRE: lambda node: cards[node].card_rect().center().x(),
        Alignment.RIGHT: lambda node: cards[node].card_rect().right(),
        Alignment.TOP: lambda node: cards[node].card_rect().top(),
        Alignment.MIDDLE: lambda node: cards[node].card_rect().center().y(),
        Alignment.BOTTOM: lambda node: cards[node].card_rect().bottom(),
    }[alignment]
    assert len({round(line(node), 3) for node in PLACES}) == 1
    assert not overlapping(hands)
    assert hands.view.selected == tuple(PLACES)
    assert hands.document.undo_title == f"Align 4 cards: {alignment.value}"
    hands.document.undo()
    assert hands.graph == before


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_distributed_cards_have_equal_gaps(hands: Hands) -> None:
    hands.document.apply(Move({**PLACES, "output": (1100.0, 0.0)}))
    before = hands.graph
    hands.view.select(list(PLACES))
    hands.view.editing.distribute(Direction.HORIZONTAL)
    lefts = sorted(hands.graph.nodes[node].x for node in PLACES)
    gaps = [second - first for first, second in pairwise(lefts)]
    assert gaps == pytest.approx([700 / 3] * 3)
    hands.document.undo()
    assert hands.graph == before


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_where_there_is_no_room_it_is_said(hands: Hands, qtbot: QtBot) -> None:
    hands.document.apply(Move({"input": (0.0, 0.0), "flatten": (180.0, 0.0), "linear": (390.0, 0.0)}))
    hands.view.select(["input", "flatten", "relu"])
    before = hands.graph
    with qtbot.waitSignal(hands.view.message) as told:
        hands.view.editing.distribute(Direction.HORIZONTAL)
    assert told.args == ["flatten would come to lie on linear: make room first."]
    assert hands.graph == before


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_too_few_cards_get_a_sentence(hands: Hands, qtbot: QtBot) -> None:
    hands.view.select(["relu"])
    with qtbot.waitSignal(hands.view.message) as told:
        hands.view.editing.align(Alignment.LEFT)
    assert told.args == ["Select two or more cards to align them."]
    hands.view.select(["relu", "linear"])
    with qtbot.waitSignal(hands.view.message) as told:
        hands.view.editing.distribute(Direction.VERTICAL)
    assert told.args == ["Select three or more cards to put them at equal distances."]


@pytest.mark.parametrize("hands", [ROW], indirect=True)
def test_the_menu_of_several_cards_aligns_them(hands: Hands) -> None:
    hands.document.apply(Move({"relu": (585.0, 70.0)}))
    point = hands.view.canvas_scene.cards["relu"].card_rect().center()
    hands.view.select(["relu"])
    assert "Align and distribute" not in [action.text() for action in hands.view.menus.at(point).actions()]
    hands.view.select(["linear", "relu"])
    menu = hands.view.menus.at(point)
    sub = next(action for action in menu.actions() if action.text() == "Align and distribute").menu()
    assert isinstance(sub, QMenu)
    entries = {action.text().partition("\t")[0].replace("&", ""): action for action in sub.actions()}
    assert not entries["Distribute horizontally"].isEnabled()
    sub.popup(hands.view.mapToGlobal(hands.place(QPointF(0.0, 300.0))))
    QTest.mouseClick(sub, Qt.MouseButton.LeftButton, pos=sub.actionGeometry(entries["Align top"]).center())
    assert hands.graph.nodes["relu"].y == hands.graph.nodes["linear"].y == 0


def test_keys_and_menu_of_the_window(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral")
    person = Person(window, qtbot)
    nodes = person.nodes[:3]
    window.document.apply(Move({node: (30.0 * index, 400.0 * index) for index, node in enumerate(nodes)}))
    window.canvas.setFocus()
    window.canvas.select(nodes)
    keys = next(keys for alignment, _, keys, _ in ALIGNMENTS if alignment is Alignment.LEFT)
    pressed = QKeySequence(keys)[0]
    person.keys(pressed.key(), pressed.keyboardModifiers())
    assert {window.document.project.graph.nodes[node].x for node in nodes} == {0.0}
    person.keys("Z", Qt.KeyboardModifier.ControlModifier)
    assert [window.document.project.graph.nodes[node].x for node in nodes] == [0.0, 30.0, 60.0]
    person.menu("Arrange", "Align right")
    assert {window.document.project.graph.nodes[node].x for node in nodes} == {60.0}
