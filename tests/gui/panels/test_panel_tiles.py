"""Weights and maps as pictures: every number lands where it belongs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from pointer import move_pointer
from PySide6.QtCore import QPointF, Qt
from pytestqt.qtbot import QtBot

from nnviz.gui.look.planes import Edges
from nnviz.gui.look.scales import Scale
from nnviz.gui.panels.arrays import filter_stack, image_before, map_stack
from nnviz.gui.panels.tile_data import TileData, arrange, tile_words
from nnviz.gui.panels.tiles import TileView
from nnviz.project.document import Document
from nnviz.project.samples import templates

RANDOM = np.random.default_rng(0)


def test_a_convolution_keeps_its_layout() -> None:
    weights = RANDOM.normal(size=(4, 3, 5, 5)).astype(np.float32)
    stack = filter_stack("conv2d", weights)
    assert stack is not None and stack.channels == 3 and stack.size == (5, 5)
    np.testing.assert_array_equal(stack.values, weights)


@pytest.mark.parametrize("groups", [1, 2])
def test_a_transposed_convolution_is_turned_round(groups: int) -> None:
    inputs, outputs = 4, 3
    weights = RANDOM.normal(size=(inputs, outputs, 2, 2)).astype(np.float32)
    stack = filter_stack("conv_transpose2d", weights, groups=groups)
    assert stack is not None and stack.values.shape == (groups * outputs, inputs // groups, 2, 2)
    for group in range(groups):
        for output in range(outputs):
            for channel in range(inputs // groups):
                expected = weights[group * (inputs // groups) + channel, output]
                np.testing.assert_array_equal(stack.values[group * outputs + output, channel], expected)


def test_a_filter_over_a_line_shows_its_channels_below_each_other() -> None:
    weights = RANDOM.normal(size=(6, 3, 5)).astype(np.float32)
    stack = filter_stack("conv1d", weights)
    assert stack is not None and stack.values.shape == (6, 1, 3, 5)
    np.testing.assert_array_equal(stack.values[2, 0], weights[2])


def test_a_dense_layer_behind_an_image_shows_templates() -> None:
    weights = RANDOM.normal(size=(10, 12)).astype(np.float32)
    stack = filter_stack("linear", weights, (3, 2, 2))
    assert stack is not None and stack.values.shape == (10, 3, 2, 2) and stack.noun == "unit"
    np.testing.assert_array_equal(stack.values[7].reshape(-1), weights[7])
    plain = filter_stack("linear", weights, (5, 2, 2))
    assert plain is not None and plain.values.shape == (1, 1, 10, 12)


def test_other_layers_have_no_filters() -> None:
    assert filter_stack("relu", np.zeros((3, 3))) is None


def test_the_image_behind_flatten_is_found_and_nothing_behind_a_dense_layer() -> None:
    document = Document(templates.sample("digits-cnn"))
    assert image_before(document, "linear1") == (32, 5, 5)
    assert image_before(document, "linear2") is None


def test_composites_have_zero_in_the_middle() -> None:
    values = np.zeros((1, 3, 1, 3), dtype=np.float32)
    values[0, :, 0, 0], values[0, 0, 0, 2] = -2.0, 2.0
    pixels = Scale("grey", -2.0, 2.0).composite(values)[0, 0]
    assert [hex(int(pixel)) for pixel in pixels] == ["0xff000000", "0xff808080", "0xffff8080"]


def test_maps_of_every_rank() -> None:
    assert map_stack(np.zeros((4, 3, 2))).shape == (4, 3, 2)
    assert map_stack(np.zeros((4, 7))).shape == (4, 1, 7)
    assert map_stack(np.zeros(9)).shape == (9, 1, 1)


@pytest.mark.parametrize("count", [1, 7, 32, 64, 512])
@pytest.mark.parametrize("tile", [(1, 1), (3, 3), (11, 11), (28, 28), (227, 227), (4, 9)])
def test_tiles_fill_the_width_without_overlap(count: int, tile: tuple[int, int]) -> None:
    layout = arrange(count, tile, 300, 120, 18, 170)
    assert layout.columns * (layout.width + layout.gap) - layout.gap <= 300
    assert layout.rows * layout.columns >= count > (layout.rows - 1) * layout.columns
    places = [layout.place(index) for index in range(count)]
    assert not any(a.intersects(b) for a, b in pairwise(places))


def data(count: int = 6, side: int = 3) -> TileData:
    values = np.arange(count * side * side, dtype=np.float32).reshape(count, side, side)
    colours = (0xFF000000 + values.astype(np.uint32)).astype(np.uint32)
    return TileData(colours, values, tuple(f"filter {index}" for index in range(count)), frozenset({2}), "dead")


def test_every_pixel_of_the_grid_is_the_number_under_it(qtbot: QtBot) -> None:
    view = TileView(room=100)
    qtbot.addWidget(view)
    view.resize(200, 100)
    view.show_tiles(data())
    view.show()
    image = view.grab().toImage()
    seen = set()
    for y in range(0, view.heightForWidth(200), 3):
        for x in range(0, 200, 3):
            cell = view.cell_at(QPointF(x + 0.5, y + 0.5))
            if cell is None or cell[0] == 2:
                continue
            index, row, column = cell
            seen.add(cell)
            assert image.pixel(x, y) & 0xFFFFFF == index * 9 + row * 3 + column
    assert len(seen) == 5 * 9


def test_words_name_the_number_and_what_is_dead() -> None:
    tiles = data()
    assert tile_words(tiles, 1, 2, 0) == "filter 1 [2, 0] = 15.0"
    assert tile_words(tiles, 2) == "filter 2: 18.0 … 26.0 · dead"


def test_mouse_and_arrow_keys_read_and_enlarge(qtbot: QtBot) -> None:
    view = TileView(room=100)
    qtbot.addWidget(view)
    view.resize(200, 100)
    view.show_tiles(data())
    view.show()
    read: list[str] = []
    view.readout.connect(read.append)
    spot = view.tile_rect(4).topLeft().toPoint()
    move_pointer(view, spot)
    assert read[-1] == "filter 4 [0, 0] = 36.0"
    with qtbot.waitSignal(view.enlarge_requested) as asked:
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=spot)
    assert asked.args == [4]
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert view.cursor_index == 3
    with qtbot.waitSignal(view.enlarge_requested) as asked:
        qtbot.keyClick(view, Qt.Key.Key_Return)
    assert asked.args == [3]


def test_a_unit_over_the_plane_is_read_at_its_place() -> None:
    values = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
    data = TileData(values.astype(np.uint32), values, ("unit 0",), edges=Edges(0.0, 4.0, -2.0, 2.0))
    assert tile_words(data, 0, 0, 0) == "unit 0 at (0.50, 1.5) = 0"
    assert tile_words(data, 0, 3, 2).startswith("unit 0 at (2.5, −1.5) = 14")
