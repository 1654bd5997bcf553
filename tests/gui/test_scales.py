"""A colour means one thing, and a legend shows the range that its picture uses."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nnviz.gui.canvas.cards.card_painter import CardReadings, _paint_bar, _paint_gradient
from nnviz.gui.canvas.cards.card_pictures import paint_picture, scale_of
from nnviz.gui.canvas.cards.facts import CardFacts, Picture, Status
from nnviz.gui.canvas.geometry import Level
from nnviz.gui.look import scales, theme
from nnviz.gui.look.planes import Dots, Edges, decision, draw_dots
from nnviz.gui.look.scales import NOT_A_NUMBER, OwnScales, Scale, class_colour, sign_colour
from nnviz.gui.panels.array_view import ArrayView
from nnviz.gui.panels.enlarged import Enlarged
from nnviz.gui.panels.feature_maps import MapView
from nnviz.gui.panels.filters import FilterView
from nnviz.project.document import Document
from nnviz.project.samples import templates
from nnviz.record.readings import ArrayReading
from nnviz.record.run import Run, RunInfo

RANDOM = np.random.default_rng(0)
EDGES = {"x1_low": -5.0, "x1_high": 5.0, "x2_low": -4.0, "x2_high": 4.0}
NAN = QColor.fromRgb(NOT_A_NUMBER).rgb()
SCALES = [
    Scale.signs(np.array([-0.31, 0.28])),
    Scale.amounts(np.array([1.0, 2.0])),
    Scale.amounts(np.array([2.0, 4.0]), from_zero=True),
    Scale.picture(np.array([-1.0, 3.0])),
    Scale.decision(np.array([0.5])),
    Scale("sequential", math.nan, math.nan),
]


@pytest.fixture(scope="module", params=["dark", "light"])
def name(request: pytest.FixtureRequest) -> str:
    """Of the module: all tests in one theme, then all in the other, for each change styles the application anew."""
    return str(request.param)


@pytest.fixture
def colours(name: str, qapp: QApplication) -> theme.Theme:
    return theme.current() if theme.current().name == name else theme.set_theme(name)


def distance(one: QColor, other: QColor) -> float:
    """In OKLab, where 0.1 is a difference that nobody overlooks."""
    return float(np.linalg.norm(scales._to_oklab(one) - scales._to_oklab(other)))


# ---- one meaning ----------------------------------------------------------------------------------------------------


def test_positive_is_blue_and_negative_orange_wherever_a_sign_is_shown(colours: theme.Theme) -> None:
    scale = Scale.signs(np.array([-2.0, 1.0]))
    card = facts(Picture.STRIP, (2,), signed=True)
    image = paint_picture(
        card, ArrayReading("output/n", 0, np.array([-1.0, 1.0])), QSize(100, 20), 1.0, Level.NORMAL, colours, ""
    ).toImage()
    planes = paint_picture(
        facts(Picture.PLANES, (1,)), ArrayReading("plane/n", 0, np.array([[[-1.0, 1.0]]]), EDGES), QSize(100, 50), 1.0,
        Level.NORMAL, colours, "",
    ).toImage()  # fmt: skip
    regression = decision("mse", "regression", np.array([[[-1.0, 1.0]]]), colours)[0]
    pairs = [
        (scale.colour(-2.0), scale.colour(2.0)),
        (sign_colour(-0.1, colours), sign_colour(0.1, colours)),
        (image.pixelColor(20, 10), image.pixelColor(80, 10)),
        (planes.pixelColor(20, 25), planes.pixelColor(80, 25)),
        (QColor.fromRgb(int(regression[0])), QColor.fromRgb(int(regression[1]))),
    ]
    for negative, positive in pairs:
        assert positive.blue() > positive.red() and negative.red() > negative.blue()
        assert distance(negative, colours.negative) < 0.05 and distance(positive, colours.positive) < 0.05


def test_classes_are_told_from_each_other_from_signs_and_from_what_is_no_number(colours: theme.Theme) -> None:
    for one, other in combinations(colours.classes, 2):
        assert distance(one, other) > 0.1, (one.name(), other.name())
    for one in colours.classes:
        for other in (colours.positive, colours.negative, QColor.fromRgb(NOT_A_NUMBER)):
            assert distance(one, other) > 0.13, (one.name(), other.name())


#: Machado, Oliveira and Fernandes 2009, at full strength: no red, no green, no blue cones.
COLOUR_BLIND = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


@pytest.mark.parametrize("kind", COLOUR_BLIND)
def test_the_first_two_classes_and_the_two_signs_differ_for_colour_blind_eyes(colours: theme.Theme, kind: str) -> None:
    def seen(colour: QColor) -> QColor:
        rgb = np.array([colour.redF(), colour.greenF(), colour.blueF()])
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        mixed = np.clip(np.array(COLOUR_BLIND[kind]) @ linear, 0.0, 1.0)
        return QColor.fromRgbF(*np.where(mixed <= 0.0031308, mixed * 12.92, 1.055 * mixed ** (1 / 2.4) - 0.055))

    first, second = colours.classes[:2]
    assert distance(seen(first), seen(second)) > 0.2
    assert distance(seen(colours.positive), seen(colours.negative)) > 0.2


def test_points_have_the_colours_of_what_is_decided_about_them(colours: theme.Theme) -> None:
    decided = decision("bce", "binary", np.array([[[0.0, 0.5, 1.0]]]), colours)[0]
    assert [int(decided[0]), int(decided[2])] == [class_colour(index, colours).rgb() for index in (0, 1)]
    assert distance(QColor.fromRgb(int(decided[1])), colours.neutral) < 0.02


# ---- legends --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", SCALES, ids=lambda scale: f"{scale.kind} {scale.low}")
def test_a_bar_is_painted_as_the_picture_is(colours: theme.Theme, scale: Scale) -> None:
    bar = scale.bar(41, 3)
    for x in range(41):
        value = scale.low + (scale.high - scale.low) * x / 40
        assert bar.pixel(x, 1) == int(scale.paint(np.array([value]))[0])


finite = st.floats(-(2.0**100), 2.0**100, allow_nan=False, width=32)


@given(finite, finite, st.integers(2, 4))
def test_printed_ranges_are_rounded_outwards(one: float, other: float, digits: int) -> None:
    low, high = min(one, other), max(one, other)
    texts = theme.format_range(low, high, digits)
    read = [float(text.replace("\u2212", "-").replace("\u202f", "")) for text in texts]
    slack = 2e-6
    assert read[0] <= low + slack * abs(low) and read[1] >= high - slack * abs(high)
    # And no further than one step of what is written.
    for value, shown in ((low, read[0]), (high, read[1])):
        assert abs(shown - value) <= abs(value) * 1.01 * 10.0 ** -max(0, digits - 2) + 1e-35


def test_round_ends_stay_as_they_are() -> None:
    for value in (1.0, 0.1, np.float32(0.1), 0.35, np.float32(0.35), 12.0, 250.0, 1e-7):
        assert theme.format_range(float(value), float(value), 2) == (theme.format_number(float(value), 2),) * 2
    assert theme.format_range(-0.3471, 0.3412, 2) == ("\u22120.35", "0.35")
    assert theme.format_range(math.nan, math.inf, 2) == ("NaN", "∞")


def planted(node: str, array: np.ndarray, quantity: str = "output", **meta: float) -> Run:
    run = Run(RunInfo(title="planted"))
    run.append([ArrayReading(f"{quantity}/{node}", 3, array.astype(np.float32), meta)])
    return run


def views(qtbot: QtBot) -> list[ArrayView]:
    """Every view of pictures, with each kind of picture that it has."""
    digits, spiral, colour = (Document(templates.sample(name)) for name in ("digits-cnn", "spiral", "alexnet"))
    first = colour.inference.order[1]
    inputs, weights = colour.inference.shape("input"), colour.inference.shape(first)
    assert inputs is not None and weights is not None and len(inputs) == 3 and inputs[0] == 3
    kernel = colour.project.graph.nodes[first].params["kernel_size"]
    assert isinstance(kernel, tuple | list)
    shown: list[ArrayView] = []
    for document, kind, node, array, quantity, meta in (
        (digits, MapView, "conv1", RANDOM.normal(size=(16, 26, 26)), "output", {}),
        (digits, MapView, "relu1", np.abs(RANDOM.normal(size=(16, 26, 26))) + 1.0, "output", {}),
        (digits, MapView, "linear2", RANDOM.normal(size=10) + 0.4, "output", {}),
        (digits, MapView, "input", RANDOM.normal(size=(1, 28, 28)), "output", {}),
        (colour, MapView, "input", RANDOM.normal(size=inputs), "output", {}),
        (spiral, MapView, "linear1", RANDOM.normal(size=(8, 6, 6)), "plane", EDGES),
        (digits, FilterView, "conv1", RANDOM.normal(size=(16, 1, 3, 3)), "weights", {}),
        (digits, FilterView, "conv2", RANDOM.normal(size=(32, 16, 3, 3)), "weights", {}),
        (colour, FilterView, first, RANDOM.normal(size=(weights[0], 3, *kernel)), "weights", {}),
        (digits, FilterView, "linear2", RANDOM.normal(size=(10, 64)), "weights", {}),
    ):
        for shared in (False, True):
            view = kind(document)
            qtbot.addWidget(view)
            view.set_shared(shared)
            assert view.refresh(planted(node, array, quantity, **meta), node, None)
            shown.append(view)
    return shown


def test_every_legend_of_a_view_is_the_scale_of_its_pictures(qtbot: QtBot) -> None:
    for view in views(qtbot):
        data = view.grid.data
        assert data is not None and data.scales
        for index in range(len(data)):
            scale, values = data.scale(index), data.values[index]
            assert scale is not None and scale == data.legend(index)
            painted = scale.composite(values) if values.ndim == 3 else scale.paint(values)
            np.testing.assert_array_equal(data.colours[index], painted)
            low, high = (float(text.replace("\u2212", "-")) for text in scale.words())
            assert low <= values.min() + 1e-6 and high >= values.max() - 1e-6
            if scale.kind == "diverging":
                assert low == -high
        legend = view.range_bar.scale
        assert legend == (data.scales[0] if len(data.scales) == 1 else OwnScales(data.scales[0].kind))
        assert view.range_bar.ends == legend.words()
        enlarged = Enlarged(data, 0, "", view)
        assert enlarged.range_bar.scale == data.scale(0)
        enlarged.close()


def test_where_each_picture_has_its_scale_the_legend_is_that_of_the_one_under_the_mouse(qtbot: QtBot) -> None:
    view = views(qtbot)[0]
    data = view.grid.data
    assert data is not None and isinstance(view.range_bar.scale, OwnScales)
    view.grid._hovered = 4
    view.grid.readout.emit("")
    assert view.range_bar.scale == data.scales[4]


def facts(picture: Picture, shape: tuple[int, ...], **more: object) -> CardFacts:
    values: dict[str, object] = {
        "node": "n", "kind": "linear", "title": "N", "subtitle": "", "family": "dense", "picture": picture,
        "shape": shape, "parameters": 0, "has_parameters": False, "status": Status.NONE, "note": "",
        "input_ports": 1, "output_ports": 1, "signed": False,
    }  # fmt: skip
    return CardFacts(**{**values, **more})  # type: ignore[arg-type]  # plain test values


@pytest.mark.parametrize(
    ("picture", "shape", "signed"),
    [(Picture.STRIP, (5,), True), (Picture.STRIP, (5,), False), (Picture.LINES, (3, 5), True),
     (Picture.LINES, (3, 5), False), (Picture.TILES, (30, 3, 4), False), (Picture.IMAGE, (1, 4, 4), False)],
)  # fmt: skip
def test_the_range_on_a_card_is_that_of_its_picture(
    qapp: QApplication, picture: Picture, shape: tuple[int, ...], signed: bool
) -> None:
    values = (RANDOM.normal(size=shape) + 3.0).astype(np.float32)
    card = facts(picture, shape, signed=signed)
    scale = scale_of(card, values, Level.NORMAL)
    sample = ArrayReading("output/n", 0, values)
    image = paint_picture(card, sample, QSize(200, 120), 1.0, Level.NORMAL, theme.current(), "").toImage()
    painted = {image.pixel(x, y) for x in range(200) for y in range(120)}
    shown = values[:6] if picture is Picture.TILES else values
    assert {int(pixel) for pixel in scale.paint(shown).flat} <= painted
    assert scale.high >= shown.max() and scale.low <= shown.min()


# ---- no number ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_never_has_the_colour_of_a_number(colours: theme.Theme, value: float) -> None:
    values = np.array([0.0, value, 1.0])
    for scale in (Scale.signs(values), Scale.amounts(values), Scale.picture(values), Scale.decision(values)):
        painted = scale.paint(values)
        assert int(painted[1]) == NOT_A_NUMBER and NOT_A_NUMBER not in painted[[0, 2]].tolist()
        assert scale.missing == ("NaN" if math.isnan(value) else "∞")
        composite = scale.composite(np.broadcast_to(values, (3, 1, 3)))
        assert (composite == NOT_A_NUMBER).tolist() == [[False, True, False]]
    only = np.array([value, value])
    assert Scale.amounts(only).range_words() == ("NaN" if math.isnan(value) else "∞")
    assert (Scale.signs(only).paint(np.zeros(2)) == NOT_A_NUMBER).all()
    assert sign_colour(value, colours).rgb() == NAN


def painted_bar(value: float | None, gradient: bool) -> QImage:
    image = QImage(100, 10, QImage.Format.Format_RGB32)
    image.fill(theme.current().panel_raised)
    painter = QPainter(image)
    area = QRectF(0, 0, 100, 10)
    try:
        if gradient:
            _paint_gradient(painter, area, CardReadings(gradient=value), theme.current())
        else:
            _paint_bar(painter, area, 0.0 if value is None else value, theme.current().danger, theme.current())
    finally:
        # One that is collected while it paints on a picture that is gone takes the process with it.
        painter.end()
    return image


@pytest.mark.parametrize("gradient", [True, False])
def test_a_bar_of_no_number_is_neither_empty_nor_full(qapp: QApplication, gradient: bool) -> None:
    for value in (math.nan, math.inf):
        image = painted_bar(value, gradient)
        pixels = {image.pixel(x, 5) for x in range(100)}
        assert NAN in pixels and theme.current().danger.rgb() not in pixels
        assert image not in (painted_bar(0.0, gradient), painted_bar(1.0, gradient), painted_bar(None, gradient))


@pytest.mark.parametrize("task", ["classes", "binary"])
def test_class_bars_of_no_number_are_hatched_and_nobody_wins(colours: theme.Theme, task: str) -> None:
    count = 10 if task == "classes" else 1
    loss = "cross_entropy" if task == "classes" else "bce_logits"
    card = facts(Picture.BARS, (count,), kind="output", task=task, loss=loss, class_names=())
    for value in (math.nan, -math.inf):
        if value == -math.inf and task == "binary":
            continue  # sigmoid(−∞) is 0
        array = np.full(count, value)
        image = paint_picture(
            card, ArrayReading("output/n", 0, array), QSize(160, 160), 1.0, Level.NORMAL, colours, ""
        ).toImage()
        pixels = {image.pixel(x, y) for x in range(160) for y in range(160)}
        assert NAN in pixels
        assert colours.good.rgb() not in pixels and colours.danger.rgb() not in pixels


def test_a_point_without_a_class_or_a_place_is_none_of_the_first(qapp: QApplication) -> None:
    colours = theme.current()
    rows = np.array([[0.0, 0.0, math.nan], [math.nan, 0.5, 0.0]], dtype=np.float32)
    image = QImage(200, 200, QImage.Format.Format_RGB32)
    image.fill(colours.neutral)
    painter = QPainter(image)
    draw_dots(
        painter, QRectF(0, 0, 200, 200), Edges(-1.0, 1.0, -1.0, 1.0), Dots(ArrayReading("input/points", 0, rows)),
        colours,
    )  # fmt: skip
    painter.end()
    pixels = {image.pixel(x, y) for x in range(200) for y in range(200)}
    assert NAN in pixels and class_colour(0, colours).rgb() not in pixels


def test_the_colours_of_the_classes_have_words_for_them(colours: theme.Theme) -> None:
    assert len(scales.CLASS_WORDS) == len(colours.classes)
    for colour, word in zip(colours.classes[:2], scales.CLASS_WORDS, strict=False):
        hue = colour.hslHue()
        assert 60 <= hue <= 150 if word == "green" else 250 <= hue <= 290
