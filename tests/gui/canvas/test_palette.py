"""Every layer is in the palette, and found by typing."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from nnviz.gui.canvas import Palette
from nnviz.gui.canvas.hands.gestures import LAYER_MIME
from nnviz.gui.canvas.palette import drag_picture
from nnviz.project import registry
from nnviz.project.document import Document


@pytest.fixture
def palette(qtbot: QtBot) -> Palette:
    palette = Palette(Document())
    qtbot.addWidget(palette)
    palette.resize(190, 700)
    palette.show()
    qtbot.waitExposed(palette)
    return palette


def test_all_layers_are_listed_by_family(palette: Palette) -> None:
    assert sorted(palette.kinds()) == sorted(registry.layers())
    families = [registry.layer(kind).family for kind in palette.kinds()]
    order = [key for key, _ in registry.FAMILIES]
    assert families == sorted(families, key=order.index)


@pytest.mark.parametrize(
    ("typed", "first"),
    [("conv2d", "conv2d"), ("RELU", "relu"), ("lin", "linear"), ("batch norm", "batch_norm1d"), ("max", "max_pool2d"),
     ("drop", "dropout"), ("in", "input")],
)  # fmt: skip
def test_typing_finds_the_layer(palette: Palette, typed: str, first: str) -> None:
    palette.search_field.setText(typed)
    assert palette.kinds()[0] == first or registry.layer(palette.kinds()[0]).family == registry.layer(first).family
    assert palette.current_kind() == palette.kinds()[0]


def test_words_of_the_help_are_found(palette: Palette) -> None:
    word = "vanish"
    expected = {kind for kind, spec in registry.layers().items() if word in spec.help.casefold()}
    palette.search_field.setText(word)
    assert expected <= set(palette.kinds())


def test_nothing_fits(palette: Palette, qtbot: QtBot) -> None:
    palette.search_field.setText("zzzz")
    assert palette.kinds() == []
    with qtbot.assertNotEmitted(palette.add_requested):
        QTest.keyClick(palette.search_field, Qt.Key.Key_Return)


def test_enter_adds_and_arrows_choose(palette: Palette, qtbot: QtBot) -> None:
    palette.focus_search()
    QTest.keyClicks(palette.search_field, "pool")
    kinds = palette.kinds()
    QTest.keyClick(palette.search_field, Qt.Key.Key_Down)
    with qtbot.waitSignal(palette.add_requested) as asked:
        QTest.keyClick(palette.search_field, Qt.Key.Key_Return)
    assert asked.args == [kinds[1]]
    QTest.keyClick(palette.search_field, Qt.Key.Key_Up)
    assert palette.current_kind() == kinds[0]
    QTest.keyClicks(palette.search_field, "relu")
    assert palette.search_field.text() == "relu", "what was typed before is replaced"


def test_double_click_adds(palette: Palette, qtbot: QtBot) -> None:
    item = next(
        palette.list_widget.item(row)
        for row in range(palette.list_widget.count())
        if palette.list_widget.item(row).text() == "Conv2d"
    )
    place = palette.list_widget.visualItemRect(item).center()
    viewport = palette.list_widget.viewport()
    QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=place)
    with qtbot.waitSignal(palette.add_requested) as asked:
        QTest.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=place)
    assert asked.args == ["conv2d"]


def test_a_dragged_layer_carries_its_kind(palette: Palette) -> None:
    palette.search_field.setText("conv2d")
    item = palette.list_widget.currentItem()
    data = palette.list_widget.mimeData([item])
    assert bytes(data.data(LAYER_MIME).data()) == b"conv2d"
    picture = drag_picture(registry.layer("conv2d"), 2.0)
    assert picture.width() == 312


def test_every_layer_has_a_tooltip_and_an_accessible_text(palette: Palette) -> None:
    for row in range(palette.list_widget.count()):
        item = palette.list_widget.item(row)
        if item.flags() & Qt.ItemFlag.ItemIsSelectable:
            assert item.toolTip()
            assert item.data(Qt.ItemDataRole.AccessibleTextRole)
