"""Pictures over the plane of two input features: units, the decision, and the examples as dots.

Units are painted in the colours of signs, points and decisions in those of the classes; see ``scales``.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QTransform

from nnviz.gui.look.painting import Saved
from nnviz.gui.look.scales import NOT_A_NUMBER, Scale, class_colour
from nnviz.gui.look.theme import Theme
from nnviz.project import registry
from nnviz.record.number_text import format_number, percent
from nnviz.record.readings import ArrayReading

Numbers = NDArray[Any]
#: Classes between which a decision is drawn, and examples over it; the instruments write 64 and 400.
_MOST_CLASSES, _MOST_POINTS = 64, 2**12


@dataclass(frozen=True)
class Edges:
    """The range of both input features that a picture of the plane covers."""

    x1_low: float
    x1_high: float
    x2_low: float
    x2_high: float

    @classmethod
    def of(cls, meta: Mapping[str, str | int | float]) -> Edges | None:
        """What a sample's meta says; None where it says nothing usable."""
        found = [meta.get(name) for name in ("x1_low", "x1_high", "x2_low", "x2_high")]
        numbers = [float(value) for value in found if isinstance(value, (int, float)) and math.isfinite(value)]
        if len(numbers) != 4 or numbers[0] >= numbers[1] or numbers[2] >= numbers[3]:
            return None
        return cls(*numbers)

    def place(self, area: QRectF, x1: float, x2: float) -> QPointF:
        """Where a point lies in a picture of the plane."""
        across = (x1 - self.x1_low) / (self.x1_high - self.x1_low)
        up = (x2 - self.x2_low) / (self.x2_high - self.x2_low)
        return QPointF(area.left() + across * area.width(), area.bottom() - up * area.height())

    def middle(self, row: int, column: int, rows: int, columns: int) -> tuple[float, float]:
        """x1 and x2 in the middle of a cell; row 0 is the top."""
        x1 = self.x1_low + (column + 0.5) / columns * (self.x1_high - self.x1_low)
        x2 = self.x2_high - (row + 0.5) / rows * (self.x2_high - self.x2_low)
        return x1, x2


@dataclass(frozen=True)
class Dots:
    """The examples that are drawn over a picture of the plane.

    Attributes:
        points: Training examples, as rows of x1, x2 and label.
        pinned: The pinned example.
        answer: What the network puts out for the pinned example.
    """

    points: ArrayReading | None = None
    pinned: ArrayReading | None = None
    answer: ArrayReading | None = None

    @property
    def identity(self) -> tuple[int, ...]:
        """The same for the same arrays, as long as they are kept."""
        return tuple(0 if one is None else id(one.array) for one in (self.points, self.pinned, self.answer))


def probabilities(loss: str, values: Numbers) -> Numbers:
    """What the network says about each class, from the numbers that go into its loss; classes come first."""
    numbers = np.asarray(values, dtype=np.float64)
    declared = registry.losses().get(loss)
    answer = "identity" if declared is None else declared.answer
    with np.errstate(over="ignore", invalid="ignore"):
        if answer == "softmax":
            powers = np.exp(numbers - np.max(numbers, axis=0))
            result: Numbers = powers / powers.sum(axis=0)
            return result
        if answer == "sigmoid":
            return 1.0 / (1.0 + np.exp(-numbers))
        if answer == "largest":  # Likewise.
            top: Numbers = np.where(np.isnan(numbers), np.nan, numbers == np.max(numbers, axis=0))
            return top
        if answer == "sign":  # Not a probability: it is sure either way.
            sure: Numbers = np.where(np.isnan(numbers), np.nan, numbers > 0)
            return sure
    return np.clip(numbers, 0.0, 1.0)


def sureness(loss: str, shares: Numbers, values: Numbers) -> str:
    """How sure the network is of the class that it names: its probability, or its score where there are none."""
    declared = registry.losses().get(loss)
    if declared is not None and declared.answer == "largest":
        return format_number(float(np.max(values)), 2)
    known = shares[~np.isnan(shares)]
    return percent(float(known.max()) if len(known) else math.nan)


def decision_scale(task: str, values: Numbers, loss: str) -> Scale | None:
    """How :func:`decision` paints; None for more than two classes, where each has its own colour."""
    if task == "regression":
        return Scale.signs(values[0])
    return Scale.decision(probabilities(loss, values)) if len(values) == 1 else None


def decision(loss: str, task: str, values: Numbers, theme: Theme) -> NDArray[np.uint32]:
    """0xAARRGGBB[height, width] of what the network decides, from its output [outputs, height, width].

    Yes or no: from the colour of the first class over neutral, where it is undecided, to that of the second. Classes:
    the colour of the most likely one, the paler the less likely. A number that is predicted: the zero-centred scale.
    """
    scale = decision_scale(task, values, loss)
    if scale is not None:
        return scale.paint(values[0] if task == "regression" else probabilities(loss, values)[0])
    values = values[:_MOST_CLASSES]
    shares = probabilities(loss, values)
    known = np.isfinite(shares).all(axis=0)
    filled = np.where(known, shares, 0.0)
    winner, share = filled.argmax(axis=0), filled.max(axis=0)
    least = 1.0 / len(values)
    strength = np.clip((share - least) / (1.0 - least), 0.0, 1.0)[..., None]
    rows = [class_colour(index, theme) for index in range(len(values))]
    table = np.array([(colour.red(), colour.green(), colour.blue()) for colour in rows], dtype=np.float64)
    paper = np.array((theme.neutral.red(), theme.neutral.green(), theme.neutral.blue()), dtype=np.float64)
    mixed = np.rint(paper + (table[winner] - paper) * strength).astype(np.uint32)
    painted = 0xFF000000 | mixed[..., 0] << 16 | mixed[..., 1] << 8 | mixed[..., 2]
    return np.where(known, painted, NOT_A_NUMBER).astype(np.uint32)


def class_mix(loss: str, values: Numbers, theme: Theme) -> NDArray[np.uint32]:
    """0xAARRGGBB[height, width]: the colours of all classes mixed, each as much as the network believes in it.

    Args:
        loss: Kind of the loss, which says how an output is read.
        values: What the network puts out, [classes, height, width], of two or more classes.
        theme: Whose colours.
    """
    values = values[:_MOST_CLASSES]
    shares = probabilities(loss, values)
    known = np.isfinite(shares).all(axis=0)
    shares = np.where(known, np.clip(shares, 0.0, None), 0.0)
    total = shares.sum(axis=0)
    rows = [class_colour(index, theme) for index in range(len(values))]
    table = np.array([(colour.red(), colour.green(), colour.blue()) for colour in rows], dtype=np.float64)
    paper = np.array((theme.neutral.red(), theme.neutral.green(), theme.neutral.blue()), dtype=np.float64)
    # Where they add up to less than 1 (outputs that are no probabilities), the ground shows through.
    shares, rest = shares / np.maximum(total, 1.0), np.clip(1.0 - total, 0.0, 1.0)
    mixed = np.einsum("khw,kc->hwc", shares, table) + rest[..., None] * paper
    channels = np.rint(mixed).astype(np.uint32)
    painted = 0xFF000000 | channels[..., 0] << 16 | channels[..., 1] << 8 | channels[..., 2]
    return np.where(known, painted, NOT_A_NUMBER).astype(np.uint32)


def draw_dots(painter: QPainter, area: QRectF, edges: Edges, dots: Dots, theme: Theme) -> None:
    """The examples in the colours of their classes, and a ring round the pinned one."""
    with Saved(painter):
        painter.setClipRect(area)
        if dots.points is not None and dots.points.array.ndim == 2 and dots.points.array.shape[1] == 3:
            _draw_layer(painter, area, edges, dots.points.array, theme)
        if dots.pinned is not None and dots.pinned.array.shape == (2,):
            middle = edges.place(area, *(float(value) for value in dots.pinned.array))
            if math.isfinite(middle.x()) and math.isfinite(middle.y()):
                size = area.width() * (0.065 if dots.points is not None and len(dots.points.array) <= 12 else 0.045)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                for colour, width in ((theme.plot_background, 0.028), (theme.text, 0.014)):
                    painter.setPen(QPen(colour, width * area.width()))
                    painter.drawEllipse(middle, size, size)


#: Layers of examples that were drawn lately, with what they show, so that it stays what it is. While the decision
#: under them changes at each frame they do not, and four hundred circles take longer than all else on the card.
_LAYERS: OrderedDict[tuple[object, ...], tuple[QImage, Numbers]] = OrderedDict()
_MOST_LAYERS = 24


def _draw_layer(painter: QPainter, area: QRectF, edges: Edges, rows: Numbers, theme: Theme) -> None:
    """The examples, drawn once for each size and place between the pixels."""
    to_device = painter.deviceTransform()
    place = to_device.mapRect(area).toAlignedRect()
    to_layer = to_device * QTransform.fromTranslate(-place.x(), -place.y())
    exact = to_layer.mapRect(area)
    key = (id(rows), edges, theme.name, exact.x(), exact.y(), exact.width(), exact.height())
    if key not in _LAYERS:
        layer = QImage(place.size(), QImage.Format.Format_ARGB32_Premultiplied)
        layer.fill(Qt.GlobalColor.transparent)
        on_layer = QPainter(layer)
        on_layer.setRenderHints(painter.renderHints())
        on_layer.setTransform(to_layer)
        _draw_examples(on_layer, area, edges, rows, theme)
        on_layer.end()
        _LAYERS[key] = (layer, rows)
        while len(_LAYERS) > _MOST_LAYERS:
            _LAYERS.popitem(last=False)
    _LAYERS.move_to_end(key)
    back, _ = to_device.inverted()
    painter.drawImage(back.mapRect(QRectF(place)), _LAYERS[key][0])


def _draw_examples(painter: QPainter, area: QRectF, edges: Edges, rows: Numbers, theme: Theme) -> None:
    radius = area.width() * (0.04 if len(rows) <= 12 else 0.014)
    rim = QColor(theme.plot_background if theme.dark else QColor("#ffffff"))
    painter.setPen(QPen(rim, radius * 0.5))
    brushes: dict[int, QColor] = {}
    for x1, x2, label in rows[:_MOST_POINTS].tolist():
        if not (math.isfinite(x1) and math.isfinite(x2)):
            continue  # it lies nowhere
        index = max(0, int(label)) if math.isfinite(label) else -1
        if index not in brushes:
            brushes[index] = class_colour(index, theme) if index >= 0 else QColor.fromRgb(NOT_A_NUMBER)
        painter.setBrush(brushes[index])
        painter.drawEllipse(edges.place(area, x1, x2), radius, radius)
