"""How an answer is read from the numbers that go into the loss."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from nnviz.gui.look import planes, theme
from nnviz.gui.look.planes import Dots, Edges, decision, draw_dots, probabilities
from nnviz.gui.look.scales import class_colour
from nnviz.project import registry
from nnviz.record.readings import ArrayReading


def test_every_loss_is_read_as_it_declares() -> None:
    scores = np.array([-2.0, 0.0, 0.25, 3.0])
    expected = {
        "softmax": np.exp(scores) / np.exp(scores).sum(),
        "sigmoid": 1.0 / (1.0 + np.exp(-scores)),
        "sign": np.array([0.0, 0.0, 1.0, 1.0]),
        "largest": np.array([0.0, 0.0, 0.0, 1.0]),
        "identity": np.array([0.0, 0.0, 0.25, 1.0]),
    }
    for kind, spec in registry.losses().items():
        assert np.allclose(probabilities(kind, scores), expected[spec.answer]), kind


def test_the_perceptrons_plane_has_two_colours_and_an_edge() -> None:
    painted = decision("perceptron", "binary", np.array([[[-0.001, 0.001, 9.0, -9.0]]]), theme.current())
    low, high = (class_colour(index, theme.current()).rgba() for index in (0, 1))
    assert painted.tolist() == [[low, high, high, low]]


def test_what_is_no_number_stays_none() -> None:
    assert math.isnan(float(probabilities("perceptron", np.array([math.nan]))[0]))


def examples(count: int = 400) -> ArrayReading:
    drawn = np.random.default_rng(1).uniform(-1.0, 1.0, (count, 3))
    drawn[:, 2] = drawn[:, 2] > 0
    return ArrayReading("input/points", 0, drawn.astype(np.float32))


def dotted(points: ArrayReading, area: QRectF, ratio: float = 1.0, colours: theme.Theme = theme.DARK) -> QImage:
    image = QImage(300, 300, QImage.Format.Format_RGB32)
    image.fill(colours.neutral)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(ratio, ratio)
    draw_dots(painter, area, Edges(-1.0, 1.0, -1.0, 1.0), Dots(points), colours)
    painter.end()
    return image


def plain(points: ArrayReading, area: QRectF, ratio: float = 1.0, colours: theme.Theme = theme.DARK) -> QImage:
    """The same dots without a layer between them and the picture."""
    image = QImage(300, 300, QImage.Format.Format_RGB32)
    image.fill(colours.neutral)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(ratio, ratio)
    painter.setClipRect(area)
    planes._draw_examples(painter, area, Edges(-1.0, 1.0, -1.0, 1.0), points.array, colours)
    painter.end()
    return image


def pixels(image: QImage) -> np.ndarray:
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4).astype(int)


@pytest.mark.parametrize("area", [QRectF(10, 20, 110, 110), QRectF(10.4, 20.7, 109.3, 109.3)])
@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("colours", [theme.DARK, theme.LIGHT])
def test_dots_from_a_layer_lie_where_they_would_lie_without_it(
    qapp: QApplication, area: QRectF, ratio: float, colours: theme.Theme
) -> None:
    points = examples()
    for _ in range(2):  # the second time the layer is there already
        shown, expected = pixels(dotted(points, area, ratio, colours)), pixels(plain(points, area, ratio, colours))
        assert (expected != pixels(plain(examples(0), area, ratio, colours))).any()
        # Circles over circles are mixed in another order: a rounding a circle.
        assert np.abs(shown - expected).max() <= 8
        assert np.abs(shown - expected).mean() < 0.2


def test_dots_that_stay_are_drawn_once_and_others_anew(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    own = planes._draw_examples

    def counted(painter: QPainter, area: QRectF, edges: Edges, rows: planes.Numbers, colours: theme.Theme) -> None:
        drawn.append(len(rows))
        own(painter, area, edges, rows, colours)

    monkeypatch.setattr(planes, "_draw_examples", counted)
    points, area = examples(30), QRectF(0, 0, 100, 100)
    for _ in range(3):
        dotted(points, area)
    assert drawn == [30]
    dotted(points, area, colours=theme.LIGHT)
    dotted(points, QRectF(0, 0, 90, 90))
    dotted(examples(31), area)
    assert drawn == [30, 30, 30, 31]
    for size in range(40, 80):
        dotted(points, QRectF(0, 0, size, size))
    assert len(planes._LAYERS) <= 24
