"""The welcome page: what is on it, how one gets about by keys, and what each way of choosing does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow, state_is

from nnviz.gui.look import theme
from nnviz.gui.welcome.sample_card import SampleCard
from nnviz.gui.welcome.welcome import Welcome
from nnviz.project.checks.shapes import infer
from nnviz.project.samples import templates

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def page(qtbot: QtBot, styled: QApplication) -> Iterator[Welcome]:
    """The page over a window of 1280×720, with two recent files."""
    behind = QWidget()
    qtbot.addWidget(behind)
    behind.resize(1280, 720)
    behind.show()
    welcome = Welcome(behind, True, [Path("/lectures/Week 3.nnviz"), Path("/lectures/A run.nnvizrun")])
    welcome.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    welcome.show()
    yield welcome
    behind.close()


def card_of(page: Welcome, name: str) -> SampleCard:
    """The last of its cards: the one in its own chapter."""
    return [card for card in page.cards if card.info.name == name][-1]


def focused(page: Welcome) -> str:
    widget = page.focusWidget()
    assert isinstance(widget, SampleCard), widget
    return widget.info.name


def with_pictures(page: Welcome, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: all(card.picture is not None for card in page.cards), timeout=TIMEOUT)


def test_every_sample_has_a_card_in_its_chapter(page: Welcome) -> None:
    first, *chapters = page.shelf.chapters
    assert first.title.text() == "Start here" and first.cards[0].info.name == templates.DEFAULT
    assert {card.info.name for card in first.cards} == set(templates.FEATURED)
    assert [chapter.title.text() for chapter in chapters] == [section.title for section in templates.SECTIONS]
    named = [card.info.name for chapter in chapters for card in chapter.cards]
    assert sorted(named) == sorted(info.name for info in templates.samples())


def test_cards_show_the_exact_number_of_parameters_of_the_graph(page: Welcome, qtbot: QtBot) -> None:
    with_pictures(page, qtbot)
    for card in page.cards:
        assert card.picture is not None
        assert card.picture.parameters == infer(templates.sample(card.info.name).graph).parameters
        assert card.picture.epoch


@pytest.mark.parametrize("name", ["dark", "light"])
def test_every_card_has_a_picture_of_its_own(name: str, page: Welcome, qtbot: QtBot) -> None:
    theme.set_theme(name)
    with_pictures(page, qtbot)
    seen: dict[bytes, str] = {}
    for chapter in page.shelf.chapters[1:]:
        for card in chapter.cards:
            drawn = card.grab(card.rect().adjusted(2, 2, -2, 134 - card.height())).toImage()
            drawn = drawn.convertToFormat(QImage.Format.Format_RGB32)
            picture = bytes(drawn.constBits())
            assert len({picture[at : at + 4] for at in range(0, len(picture), 4)}) > 5, card.info.name
            # These two differ in nothing but whether the line is given or learned by another rule.
            assert picture not in seen or {card.info.name, seen[picture]} == {"perceptron", "credit-learned"}
            seen[picture] = card.info.name


def test_the_page_begins_below_the_bars_also_when_the_window_is_made_smaller(open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    for size in ((1024, 600), (1280, 720), (1366, 768), (1680, 1050)):
        window.resize(1700, 1080)
        window.overlays.show_welcome(at_start=True)
        page, bar = window.overlays.welcome, window.top_bar
        assert page is not None and page.isVisible(), size
        window.resize(*size)
        below = bar.mapToGlobal(QPoint(0, bar.height())).y()
        assert page.frameGeometry().top() >= below, size
        assert window.frameGeometry().contains(page.frameGeometry()) and page.height() >= 420, size
        page.close()


@pytest.mark.parametrize(("width", "height"), [(1680, 1050), (1280, 720), (1000, 600)])
def test_nothing_overlaps_or_is_cut_at_any_size(width: int, height: int, qtbot: QtBot, styled: QApplication) -> None:
    behind = QWidget()
    qtbot.addWidget(behind)
    behind.resize(width, height)
    behind.show()
    page = Welcome(behind)
    page.show()
    qtbot.waitUntil(lambda: page.shelf.width() > 400, timeout=TIMEOUT)
    assert page.width() <= width and page.height() <= height
    cards = page.shelf.shown
    assert {card.info.name for card in cards} == {info.name for info in templates.samples()}
    for index, card in enumerate(cards):
        assert page.shelf.rect().contains(card.geometry())
        assert not any(card.geometry().intersects(other.geometry()) for other in cards[index + 1 :])
        assert not any(
            card.geometry().intersects(chapter.title.geometry())
            for chapter in page.shelf.chapters
            if not chapter.title.isHidden()
        )
    corner = page.stay.mapTo(page, page.stay.rect().bottomRight())
    assert page.rect().contains(corner)


def test_search_finds_words_of_title_note_data_and_chapter(page: Welcome) -> None:
    def found(text: str) -> set[str]:
        page.search.setText(text)
        return {card.info.name for card in page.shelf.shown}

    assert found("rosenblatt") == {"perceptron"}
    assert found("DROPOUT deep") == {"mlp-5x50-dropout", "mlp-5x500-dropout"}
    assert found("cifar") == {"cifar-10-10"}
    assert {"alexnet", "resnet18"} <= found("imagenet")
    assert found("no such words") == set() and not page.shelf._nothing.isHidden()
    assert len(found("")) == len(templates.samples()) and page.shelf._nothing.isHidden()


def test_arrow_keys_walk_over_the_cards_and_into_the_search(page: Welcome) -> None:
    assert focused(page) == templates.DEFAULT
    QTest.keyClick(page.focusWidget(), Qt.Key.Key_Right)
    assert focused(page) == templates.FEATURED[1]
    QTest.keyClick(page.focusWidget(), Qt.Key.Key_Down)
    assert focused(page) == "or"
    QTest.keyClick(page.focusWidget(), Qt.Key.Key_Left)
    assert focused(page) == "and"
    QTest.keyClick(page.focusWidget(), Qt.Key.Key_Left)  # the end of the row above
    QTest.keyClick(page.focusWidget(), Qt.Key.Key_Up)
    assert page.focusWidget() is page.search
    # A letter typed on a card is the first of a search: Enter would train a network that nobody asked for.
    page._go_to(card_of(page, "and"))
    for letter in "xor":
        QTest.keyClick(page.focusWidget(), letter)
    assert page.search.text() == "xor" and {card.info.name for card in page.shelf.shown} >= {"xor-one-neuron"}
    page.search.clear()
    QTest.keyClicks(page.search, "2015")
    QTest.keyClick(page.search, Qt.Key.Key_Down)
    assert focused(page) == "resnet18"
    QTest.keyClick(page.focusWidget(), Qt.Key.Key_Slash)
    assert page.focusWidget() is page.search
    QTest.keyClick(page.search, Qt.Key.Key_Escape)
    assert page.search.text() == "" and page.isVisible()
    QTest.keyClick(page.search, Qt.Key.Key_Escape)
    assert not page.isVisible()


def test_the_card_with_the_focus_is_scrolled_into_view(page: Welcome) -> None:
    card = card_of(page, "resnet18")
    assert not card.visibleRegion().contains(card.rect())
    page._go_to(card)
    assert card.visibleRegion().contains(card.rect().adjusted(1, 1, -1, -1))


@pytest.mark.parametrize(
    ("way", "trains"), [("click", False), ("space", False), ("train", True), ("enter", True), ("return", True)]
)
def test_each_way_of_choosing(way: str, trains: bool, page: Welcome) -> None:
    chosen: list[tuple[str, bool]] = []
    page.chosen.connect(lambda name, play: chosen.append((name, play)))
    card = card_of(page, "spiral")
    page._go_to(card)
    if way == "click":
        QTest.mouseClick(card, LEFT, pos=card.rect().center())
    elif way == "train":
        QTest.mouseClick(card.train, LEFT)
    else:
        keys = {"space": Qt.Key.Key_Space, "enter": Qt.Key.Key_Enter, "return": Qt.Key.Key_Return}
        QTest.keyClick(card, keys[way])
    assert chosen == [("spiral", trains)] and not page.isVisible()


def test_what_needs_pictures_of_ones_own_is_only_opened(page: Welcome) -> None:
    chosen: list[tuple[str, bool]] = []
    page.chosen.connect(lambda name, play: chosen.append((name, play)))
    card = card_of(page, "alexnet")
    page._go_to(card)
    assert card.train.isHidden()
    QTest.keyClick(card, Qt.Key.Key_Return)
    assert chosen == [("alexnet", False)]


def test_recent_files_stand_at_the_left(page: Welcome) -> None:
    opened: list[object] = []
    page.recent_chosen.connect(opened.append)
    assert [button.text() for button in page.recent] == ["Week 3", "A run"]
    QTest.mouseClick(page.recent[1], LEFT)
    assert opened == [Path("/lectures/A run.nnvizrun")] and not page.isVisible()


def test_an_empty_network_and_a_card_from_the_window(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and")
    window.action("samples").trigger()
    welcome = window.overlays.welcome
    assert welcome is not None and welcome.stay.text() == "Close"
    QTest.mouseClick(welcome.new_network, LEFT)
    assert not window.document.project.graph.nodes
    qtbot.waitUntil(lambda: window.overlays.welcome is None, timeout=TIMEOUT)
    window.action("samples").trigger()
    welcome = window.overlays.welcome
    assert welcome is not None
    QTest.mouseClick(card_of(welcome, "or"), LEFT)
    assert window.document.project == templates.sample("or")
    qtbot.waitUntil(state_is(window, "ready"), timeout=TIMEOUT)  # and not running


def test_closing_before_the_pictures_are_there_is_harmless(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and")
    for _ in range(3):
        window.action("samples").trigger()
        welcome = window.overlays.welcome
        assert welcome is not None
        welcome.close()
        qtbot.waitUntil(lambda: window.overlays.welcome is None, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: not window.background.busy, timeout=TIMEOUT)
