"""What a card shows is what was measured."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication

from nnviz.gui.canvas.cards.card_painter import parameter_count
from nnviz.gui.canvas.cards.card_pictures import PictureCache, paint_picture, strongest, tile_rects
from nnviz.gui.canvas.cards.facts import CardFacts, Picture, Status, card_facts, is_plane
from nnviz.gui.canvas.geometry import Level
from nnviz.gui.look import planes, scales, theme
from nnviz.gui.look.planes import Dots, probabilities
from nnviz.gui.look.scales import Scale, class_colour
from nnviz.project.checks.shapes import infer
from nnviz.project.document import Document
from nnviz.project.model import Graph
from nnviz.project.samples import templates
from nnviz.record.number_text import percent
from nnviz.record.quantities import DEAD_FRACTION, GRADIENT_NORM
from nnviz.record.readings import ArrayReading


def facts(picture: Picture, shape: tuple[int, ...], **more: object) -> CardFacts:
    values: dict[str, object] = {
        "node": "n", "kind": "linear", "title": "N", "subtitle": "", "family": "dense", "picture": picture,
        "shape": shape, "parameters": 0, "has_parameters": False, "status": Status.NONE, "note": "",
        "input_ports": 1, "output_ports": 1, "signed": False,
    }  # fmt: skip
    return CardFacts(**{**values, **more})  # type: ignore[arg-type]  # plain test values


TALL, STRIP = QSize(136, 92), QSize(136, 26)


def colour_at(image_of: CardFacts, array: np.ndarray, x: float, y: float, size: QSize = TALL) -> int:
    sample = ArrayReading("output/n", 0, array)
    pixmap = paint_picture(image_of, sample, size, 1.0, Level.NORMAL, theme.current(), "")
    return pixmap.toImage().pixel(round(x), round(y)) & 0xFFFFFF


def test_tiles_stand_where_their_rectangles_are(qapp: QApplication) -> None:
    maps = np.zeros((6, 4, 4), dtype=np.float32)
    for index in range(6):
        maps[index] = index
    expected = Scale("sequential", 0, 5).paint(np.arange(6, dtype=np.float32)) & 0xFFFFFF
    rects = tile_rects(QRectF(0, 0, 136, 92), 6, 4, 4)
    for rect, colour in zip(rects, expected, strict=True):
        at = colour_at(facts(Picture.TILES, (6, 4, 4)), maps, rect.center().x(), rect.center().y())
        assert at == colour


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (6, 3), (24, 6)])
def test_tiles_never_overlap_or_leave_the_picture(count: int, columns: int) -> None:
    area = QRectF(0, 0, 136, 92)
    rects = tile_rects(area, count, 26, 26)
    assert len({round(rect.left(), 3) for rect in rects}) == columns
    assert all(area.adjusted(-1e-6, -1e-6, 1e-6, 1e-6).contains(rect) for rect in rects)
    assert not any(a.adjusted(0.1, 0.1, -0.1, -0.1).intersects(b) for i, a in enumerate(rects) for b in rects[:i])


def test_a_signed_strip_is_zero_centred(qapp: QApplication) -> None:
    values = np.array([-1.0, 0.0, 1.0], dtype=np.float32)
    size = QSize(135, 26)
    signed = facts(Picture.STRIP, (3,), signed=True)
    expected = Scale("diverging", -1.0, 1.0).paint(values) & 0xFFFFFF
    for index in range(3):
        assert colour_at(signed, values, 20 + 45 * index, 13, size) == expected[index]


def test_a_positive_strip_begins_at_zero(qapp: QApplication) -> None:
    values = np.array([2.0, 4.0], dtype=np.float32)
    expected = Scale("sequential", 0.0, 4.0).paint(values) & 0xFFFFFF
    assert colour_at(facts(Picture.STRIP, (2,)), values, 20, 13, STRIP) == expected[0]


def test_not_a_number_is_seen(qapp: QApplication) -> None:
    values = np.array([0.0, math.nan, 1.0], dtype=np.float32)
    shown = {colour_at(facts(Picture.STRIP, (3,)), values, x, 13, QSize(135, 26)) for x in range(55, 80)}
    assert scales.NOT_A_NUMBER & 0xFFFFFF in shown
    assert colour_at(facts(Picture.STRIP, (3,)), values, 20, 13, QSize(135, 26)) not in shown


def test_long_vectors_keep_their_extremes() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=1600)
    values[777] = -50.0
    shown = strongest(values, 136)
    assert shown.shape == (136,)
    assert shown.min() == -50.0
    groups = [values[(k * 1600) // 136 : ((k + 1) * 1600) // 136] for k in range(136)]
    slow = np.array([group[np.argmax(np.abs(group))] for group in groups])
    np.testing.assert_array_equal(shown, slow)


def test_probabilities_are_softmax_and_sigmoid() -> None:
    logits = np.array([1.0, 2.0, 400.0])
    result = probabilities("cross_entropy", logits)
    assert result.sum() == pytest.approx(1.0)
    assert result[2] == pytest.approx(1.0)
    assert probabilities("bce_logits", np.array([0.0]))[0] == pytest.approx(0.5)
    assert probabilities("bce", np.array([0.3]))[0] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (0.0001, "<0.1 %"), (0.004, "0.4 %"), (0.03, "3 %"), (0.272, "27 %"), (0.999, "99 %"),
     (1.0, "100 %"), (math.nan, "NaN")],
)  # fmt: skip
def test_shares_never_lie(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("value", "text"), [(8.1e-3, "0.00810"), (1.44, "1.44"), (0.0, "0"), (math.inf, "∞"), (math.nan, "NaN")]
)
def test_a_magnitude_on_a_card_is_written_as_in_the_panel(value: float, text: str) -> None:
    assert GRADIENT_NORM.text(value) == text


def test_parameter_counts() -> None:
    assert parameter_count(18496) == "18\u202f496 par."
    assert parameter_count(37_752_832) == "37.8 M par."


def test_pills_turn_amber_and_red() -> None:
    colours, bands = theme.DARK, DEAD_FRACTION.bands
    assert theme.level_colour(colours, bands.level(0.03)) == colours.good
    assert theme.level_colour(colours, bands.level(0.27)) == colours.warning
    assert theme.level_colour(colours, bands.level(0.60)) == colours.danger
    assert theme.level_colour(colours, bands.level(math.nan)) == colours.danger


def test_the_same_picture_is_painted_once(qapp: QApplication) -> None:
    cache = PictureCache(limit=200_000)
    shown = facts(Picture.TILES, (6, 4, 4))
    sample = ArrayReading("output/n", 3, np.zeros((6, 4, 4), dtype=np.float32))
    for _ in range(3):
        cache.picture(shown, sample, QSize(136, 92), 1.0, Level.NORMAL, theme.DARK, "7")
    assert cache.painted == 1
    cache.picture(shown, sample, QSize(136, 92), 1.0, Level.NORMAL, theme.LIGHT, "7")
    assert cache.painted == 2
    for step in range(50):
        later = ArrayReading("output/n", step, np.zeros((6, 4, 4), dtype=np.float32))
        cache.picture(shown, later, QSize(136, 92), 1.0, Level.NORMAL, theme.DARK, "")
    assert len(cache) <= 200_000 // (136 * 92 * 4) + 1


@pytest.mark.parametrize(
    ("picture", "shape"),
    [(Picture.IMAGE, (1, 8, 8)), (Picture.IMAGE, (3, 8, 8)), (Picture.TILES, (64, 13, 7)), (Picture.LINES, (4, 90)),
     (Picture.STRIP, (1600,)), (Picture.BARS, (10,)), (Picture.BARS, (1000,)), (Picture.STRIP, (5, 1, 1)),
     (Picture.TILES, (2, 300, 300)), (Picture.BARS, (0,))],
)  # fmt: skip
@pytest.mark.parametrize("level", list(Level))
def test_every_kind_of_picture_is_painted(
    qapp: QApplication, picture: Picture, shape: tuple[int, ...], level: Level
) -> None:
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    shown = facts(picture, shape, loss="cross_entropy", task="classes")
    pixmap = paint_picture(shown, ArrayReading("output/n", 0, values), QSize(272, 184), 2.0, level, theme.LIGHT, "1")
    assert not pixmap.isNull()


EDGES = {"x1_low": 0.0, "x1_high": 4.0, "x2_low": 0.0, "x2_high": 4.0}


def painted(shown: CardFacts, sample: ArrayReading, size: QSize, dots: Dots | None = None) -> QImage:
    colours = theme.current()
    return paint_picture(shown, sample, size, 1.0, Level.NORMAL, colours, "", dots or Dots()).toImage()


def test_units_over_the_plane_are_tiles_of_their_own_zero_centred_scale(qapp: QApplication) -> None:
    values = np.ones((2, 4, 4), dtype=np.float32)
    values[0, 2:] = -1.0  # the lower half, where x2 is small
    values[1] = 100.0
    shown = facts(Picture.PLANES, (2,))
    image = painted(shown, ArrayReading("plane/n", 0, values, EDGES), TALL)
    low, high = (int(value) for value in Scale("diverging", -1.0, 1.0).paint(np.array([-1.0, 1.0])))
    assert low != high
    first, second = tile_rects(QRectF(0, 0, 136, 92), 2, 4, 4, gap=2.0)
    assert image.pixel(round(first.center().x()), round(first.top() + 10)) == high
    assert image.pixel(round(first.center().x()), round(first.bottom() - 10)) == low
    assert image.pixel(round(second.center().x()), round(second.center().y())) == high
    later = painted(shown, ArrayReading("plane/n", 1, -values, EDGES), TALL)
    assert later != image


@pytest.mark.parametrize(("loss", "values"), [("bce_logits", [-9.0, 9.0]), ("bce", [0.0, 1.0]), ("mse", [0.0, 1.0])])
def test_the_decision_has_the_colours_of_the_classes(qapp: QApplication, loss: str, values: list[float]) -> None:
    plane = np.zeros((1, 4, 4), dtype=np.float32)
    plane[0, :, :2], plane[0, :, 2:] = values
    shown = facts(Picture.DECISION, (1,), kind="output", task="binary", loss=loss, class_names=("green", "violet"))
    sample = ArrayReading("plane/n", 0, plane, EDGES)
    size = QSize(136, 142)
    image = painted(shown, sample, size)
    first, second = (class_colour(index, theme.current()).rgb() for index in (0, 1))
    assert abs(QColor(image.pixel(30, 50)).red() - QColor(first).red()) < 3
    assert abs(QColor(image.pixel(106, 50)).blue() - QColor(second).blue()) < 3
    # An example of the other class lies where it belongs: x1 = 1, x2 = 3 is a quarter from the left and from the top.
    points = ArrayReading("input/points", 0, np.array([[1.0, 3.0, 1.0]], dtype=np.float32), EDGES)
    dotted = painted(shown, sample, size, Dots(points))
    assert dotted.pixel(10 + 116 // 4, 116 // 4) == second
    assert dotted.pixel(10 + 116 // 4, 3 * 116 // 4) == image.pixel(10 + 116 // 4, 3 * 116 // 4)
    pinned = ArrayReading("input/pinned", 0, np.array([3.0, 1.0], dtype=np.float32))
    assert painted(shown, sample, size, Dots(points, pinned)) != dotted
    answer = ArrayReading("output/n", 0, np.array([values[1]], dtype=np.float32))
    assert painted(shown, sample, size, Dots(points, pinned, answer)).pixel(20, 129) == theme.current().good.rgb()


def test_an_undecided_place_is_neutral_and_classes_have_their_colours() -> None:
    colours = theme.current()
    undecided = planes.decision("bce_logits", "binary", np.zeros((1, 1, 1)), colours)
    assert abs(QColor.fromRgb(int(undecided[0, 0])).lightnessF() - colours.neutral.lightnessF()) < 0.02
    sure = np.full((3, 1, 1), -50.0)
    sure[2] = 50.0
    certain = planes.decision("cross_entropy", "classes", sure, colours)
    assert int(certain[0, 0]) == class_colour(2, colours).rgb()
    sure[0] = np.nan
    assert int(planes.decision("cross_entropy", "classes", sure, colours)[0, 0]) == scales.NOT_A_NUMBER


def test_points_are_dots_in_a_square(qapp: QApplication) -> None:
    rows = np.array([[0.5, 0.5, 0.0], [3.5, 3.5, 1.0]], dtype=np.float32)
    points = ArrayReading("input/points", 0, rows, EDGES)
    image = painted(facts(Picture.POINTS, (2,), kind="input"), points, TALL, Dots(points))
    for row, index in ((0, 0), (1, 1)):
        x, y = 22 + 92 * rows[row, 0] / 4, 92 - 92 * rows[row, 1] / 4
        assert image.pixel(round(x), round(y)) == class_colour(index, theme.current()).rgb()


def test_cards_of_a_network_of_two_features_show_the_plane() -> None:
    for name in ("spiral", "credit", "xor-one-neuron", "and"):
        document = Document(templates.sample(name))
        graph, inference = document.project.graph, document.inference
        assert is_plane(graph, inference)
        for node in graph.nodes.values():
            card = card_facts(node, inference, (), None, signed=True, wired_inputs=1, plane=True)
            wanted = {"input": Picture.POINTS, "output": Picture.DECISION}.get(node.kind, Picture.PLANES)
            assert card.picture is wanted
            assert wanted is Picture.POINTS or f"plane/{node.id}" in card.series
            broken = card_facts(
                node, infer(Graph(graph.nodes)), (), None, signed=True, wired_inputs=1, previous=card, plane=True
            )
            assert broken.layout.height == card.layout.height
    document = Document(templates.sample("digits-cnn"))
    assert not is_plane(document.project.graph, document.inference)
