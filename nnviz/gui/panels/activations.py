"""Distribution of what flows out of each layer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from nnviz.gui.look import theme as themes
from nnviz.gui.look.age_mark import age_room, paint_age_mark
from nnviz.gui.look.painting import answering, guarded
from nnviz.gui.look.scales import paint_no_number
from nnviz.gui.look.theme import mixed
from nnviz.gui.panels.base import Cell, Panel
from nnviz.gui.panels.numbers import Floats, value_at
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import line_height
from nnviz.project import registry
from nnviz.record.age import Moment, ReadingShown
from nnviz.record.number_text import percent
from nnviz.record.quantities import ACTIVATION_DEVIATION, ACTIVATION_HISTOGRAM, ACTIVATION_MEAN
from nnviz.record.quantity import Quantity
from nnviz.record.readings import Histogram, Scalar
from nnviz.record.run import RunView

#: How much of their strength numbers and shape keep that are old.
_OLD = 0.62


@dataclass(frozen=True)
class Distribution:
    """One layer's outputs over the probe set at one step; all its numbers are of that step."""

    node: str
    histogram: Histogram
    mean: float | None
    deviation: float | None
    colour: QColor
    old: bool = False

    @property
    def ends(self) -> tuple[str, str]:
        """The smallest and the largest output; where all are one number, that number twice."""
        return themes.format_range(*self.histogram.ends)

    @cached_property
    def readings(self) -> tuple[ReadingShown, ...]:
        """Mean and deviation, as they stand beside the name, the two ends, and the share of a spike."""
        step, old = self.histogram.step, self.old
        distribution = ACTIVATION_HISTOGRAM.series(self.node)
        shown = [
            ReadingShown(quantity.series(self.node), _text(quantity, value), step, old)
            for quantity, value in ((ACTIVATION_MEAN, self.mean), (ACTIVATION_DEVIATION, self.deviation))
        ]
        counts = self.histogram.counts
        if not counts.sum():
            return tuple(shown)  # nothing is drawn that could have ends
        shown += [
            ReadingShown(distribution, text, step, old, of) for text, of in zip(self.ends, ("low", "high"), strict=True)
        ]
        density, tallest = self.heights
        peak = int(density.argmax())
        if density[peak] > tallest:
            share = percent(float(counts[peak]) / float(counts.sum()))
            shown.append(ReadingShown(distribution, share, step, old, "spike"))
        return tuple(shown)

    @cached_property
    def heights(self) -> tuple[Floats, float]:
        """How high each bin stands, and the height that the picture has room for; a spike is cut there.

        Height is density, so that bins of different width compare. Under a spike the others get the lower part, so that
        its number, the share of all outputs, stands free above them.
        """
        edges, counts = self.histogram.edges, self.histogram.counts.astype(np.float64)
        widths = np.diff(edges)
        if len(widths) > 2:
            # The outermost bins end at what was measured: narrower, they hold no more than a whole one would.
            widths[0], widths[-1] = max(widths[0], widths[1]), max(widths[-1], widths[-2])
        density = counts / widths
        total = float(counts.sum())
        cut = len(density) > 2 and total > 0 and counts.max() > 0.4 * total
        return density, max(float(np.sort(density)[-2]) * 1.9 if cut else float(density.max(initial=0.0)), 1e-300)


def _text(quantity: Quantity, value: float | None) -> str:
    """The value as it is written everywhere; a dash where none was recorded, as in a damaged file."""
    return "–" if value is None else quantity.text(value)


class HistogramsView(QWidget):
    """Small histograms side by side in the order of the layers, each with its mean and standard deviation."""

    picked = Signal(str)
    readout = Signal(str)

    LEAST_WIDTH = 150

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: list[Distribution] = []
        self._moment = Moment()
        self._selection = ""
        self.setMouseTracking(True)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName("Distribution of the outputs of each layer")
        follow(themes.notifier.changed, self.restyle)

    @property
    def shown(self) -> list[Distribution]:
        """The distributions that are drawn, in their order."""
        return self._shown

    def show_distributions(self, shown: list[Distribution], selection: str, moment: Moment) -> None:
        """Draws one small histogram for each of these distributions; the moment says how old they are."""
        count = len(self._shown)
        self._moment = moment
        self._shown, self._selection = shown, selection
        if len(shown) != count:
            self.updateGeometry()
        self.update()

    def restyle(self) -> None:
        """Take the room that the theme's letters need."""
        self.updateGeometry()
        self.update()

    def _columns(self, width: int) -> int:
        return max(1, min(len(self._shown), width // self.LEAST_WIDTH))

    def _cell(self, width: int) -> tuple[int, float, int]:
        columns = self._columns(width)
        return columns, width / columns, 3 * line_height() + 58

    def heightForWidth(self, width: int) -> int:
        """All rows of histograms at this width."""
        columns, _, height = self._cell(width)
        return -(-len(self._shown) // columns) * height

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """At the present width."""
        return QSize(300, self.heightForWidth(max(self.width(), self.LEAST_WIDTH)))

    def minimumSizeHint(self) -> QSize:
        """One column wide."""
        return QSize(self.LEAST_WIDTH, self.heightForWidth(max(self.width(), self.LEAST_WIDTH)))

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the histograms that are in sight."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        columns, width, height = self._cell(self.width())
        for index, one in enumerate(self._shown):
            row, column = divmod(index, columns)
            area = QRectF(column * width, row * height, width - 14, height - 14)
            if event.rect().intersects(area.toAlignedRect()):
                self._paint_one(painter, one, area)

    def _paint_one(self, painter: QPainter, one: Distribution, area: QRectF) -> None:
        line = line_height()
        strong = one.node == self._selection
        painter.setFont(themes.font(12, 600 if strong else 500))
        painter.setPen(QColor(themes.current().text))
        top = QRect(int(area.left()), int(area.top()), int(area.width()), line)
        painter.drawText(top, int(Qt.AlignmentFlag.AlignLeft), one.node)
        painter.setFont(themes.font(12))
        painter.setPen(QColor(themes.current().text_muted))
        mean, deviation, *rest = one.readings
        text = f"{mean.text} ± {deviation.text}"
        painter.setOpacity(_OLD if one.old else 1.0)
        painter.drawText(top, int(Qt.AlignmentFlag.AlignRight), text)
        if one.old:
            metrics = painter.fontMetrics()
            left = top.right() - metrics.horizontalAdvance(text) - age_room(metrics.ascent())
            paint_age_mark(painter, QPointF(left, top.center().y()), metrics.ascent(), themes.current().text_muted)
        plot = QRectF(area.left(), area.top() + line + 4, area.width(), area.height() - 2 * line - 8)
        edges, counts = one.histogram.edges, one.histogram.counts.astype(np.float64)
        low, high = float(edges[0]), float(edges[-1])
        bottom = QRect(int(area.left()), int(plot.bottom()) + 3, int(area.width()), line)
        painter.setPen(QPen(QColor(themes.current().border), 1))
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        if high <= low or not counts.sum():
            if one.mean is None or not math.isfinite(one.mean):
                paint_no_number(painter, plot)
            painter.setOpacity(1.0)
            return
        least, greatest, *spike = rest
        density, tallest = one.heights
        x = plot.left() + plot.width() * (edges - low) / (high - low)
        y = plot.bottom() - plot.height() * np.minimum(density / tallest, 1.0)
        points = [QPointF(float(x[0]), plot.bottom())]
        for index in range(len(counts)):
            points += [QPointF(float(x[index]), float(y[index])), QPointF(float(x[index + 1]), float(y[index]))]
        points.append(QPointF(float(x[-1]), plot.bottom()))
        painter.setPen(QPen(one.colour, 1.2))
        painter.setBrush(mixed(QColor(themes.current().panel), one.colour, 0.35))
        painter.drawPolygon(QPolygonF(points))
        for reading in spike:
            peak = int(density.argmax())
            painter.setPen(QColor(themes.current().text_muted))
            text = f"↑ {reading.text}"
            right = float(x[peak + 1]) + 5 < plot.right() - painter.fontMetrics().horizontalAdvance(text)
            place = QRectF(plot.left(), plot.top() - 2, float(x[peak]) - 5 - plot.left(), line)
            side = Qt.AlignmentFlag.AlignRight
            if right:
                place = QRectF(float(x[peak + 1]) + 5, plot.top() - 2, plot.width(), line)
                side = Qt.AlignmentFlag.AlignLeft
            painter.drawText(place, int(side), text)
        if low < 0 < high:
            zero = plot.left() - plot.width() * low / (high - low)
            pen = QPen(QColor(themes.current().text_faint), 1)
            pen.setStyle(Qt.PenStyle.DotLine)
            painter.setPen(pen)
            painter.drawLine(QPointF(zero, plot.top()), QPointF(zero, plot.bottom()))
        painter.setPen(QColor(themes.current().text_muted))
        painter.drawText(bottom, int(Qt.AlignmentFlag.AlignLeft), least.text)
        painter.drawText(bottom, int(Qt.AlignmentFlag.AlignRight), greatest.text)
        painter.setOpacity(1.0)

    def at(self, x: float, y: float) -> tuple[Distribution, int] | None:
        """The histogram at a point, and the bin."""
        columns, width, height = self._cell(self.width())
        index = int(y // height) * columns + int(x // width)
        if not 0 <= index < len(self._shown) or x >= columns * width:
            return None
        one = self._shown[index]
        edges = one.histogram.edges
        share = (x - (index % columns) * width) / max(width - 14, 1)
        value = float(edges[0]) + share * float(edges[-1] - edges[0])
        place = int(np.clip(np.searchsorted(edges, value, side="right") - 1, 0, len(one.histogram.counts) - 1))
        return one, place

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what the bin under the mouse holds."""
        found = self.at(event.position().x(), event.position().y())
        if found is None:
            self.readout.emit("")
            return
        one, place = found
        counts, edges = one.histogram.counts, one.histogram.edges
        share = float(counts[place]) / max(float(counts.sum()), 1.0)
        low, high = themes.format_number(float(edges[place])), themes.format_number(float(edges[place + 1]))
        age = self._moment.words(one.histogram.step)
        self.readout.emit(f"{one.node}: {percent(share, 1)} of the outputs from {low} to {high}, {age}")

    def leaveEvent(self, event: object) -> None:
        """Take the reading away."""
        self.readout.emit("")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click selects the layer."""
        found = self.at(event.position().x(), event.position().y())
        if found is not None and event.button() == Qt.MouseButton.LeftButton:
            self.picked.emit(found[0].node)


class ActivationsPanel(Panel):
    """Histogram, mean and standard deviation of what flows out of each layer, over the probe set."""

    key = "activations"
    title = "Activations"
    letter = "A"
    needs_training = True
    empty = "Press Play to train: the distribution of every layer's output appears here."
    quantities = (ACTIVATION_HISTOGRAM, ACTIVATION_MEAN, ACTIVATION_DEVIATION)
    caption = "mean ± deviation over the probe set"
    help = (
        "<p><b>What it shows.</b> For each layer how its outputs are distributed over the probe set in evaluation "
        "mode; "
        "above it the mean and the standard deviation, below it the smallest and the largest value. A spike that "
        "would dwarf the rest (the zeros of a ReLU) is cut and its share written beside it.</p>"
        "<p><b>How to read it.</b> Widths that stay alike from layer to layer: signals pass well. Ever narrower: they "
        "vanish, weights started too small. Ever wider: they explode. Heaps at both ends of a sigmoid or tanh: "
        "it is saturated. A ReLU that is nearly all zero: many units are dead.</p>"
    )

    def build(self) -> None:
        """One scrolling grid of small histograms."""
        self.view = HistogramsView()
        self.view.picked.connect(self.node_requested.emit)
        self.view.readout.connect(self._say)
        self.add_scrolling(self.view)
        self._say("")

    def _say(self, reading: str) -> None:
        """The numbers under the mouse, otherwise what the picture shows."""
        self.set_subtitle(*((reading,) if reading else (self.caption, "mean ± deviation")))

    def draw(self, run: RunView, changed: frozenset[str], step: int | None, *, fresh: bool) -> bool:
        """Read the newest histograms."""
        if not self._subtitle.text():
            self._say("")
        order = {node: index for index, node in enumerate(self.document.inference.order)}
        nodes = [ACTIVATION_HISTOGRAM.where(name) or "" for name in run.names(ACTIVATION_HISTOGRAM.prefix)]
        shown: list[Distribution] = []
        for node in sorted(nodes, key=lambda node: order.get(node, len(order))):
            histogram = run.latest(ACTIVATION_HISTOGRAM.series(node), step)
            if not isinstance(histogram, Histogram) or len(histogram.edges) != len(histogram.counts) + 1:
                continue
            steps, means = run.scalars(ACTIVATION_MEAN.series(node))
            histogram = _as_it_is(histogram, steps, means, step)
            # Of the step of the histogram: of an earlier run fewer histograms are kept than means.
            mean, deviation = (
                _value(run, one, node, histogram.step) for one in (ACTIVATION_MEAN, ACTIVATION_DEVIATION)
            )
            old = self.moment.is_old(histogram.step, ACTIVATION_HISTOGRAM.series(node))
            shown.append(Distribution(node, histogram, mean, deviation, self._colour(node), old))
        self.view.show_distributions(shown, self.selection, self.moment)
        return bool(shown)

    def readings_shown(self) -> tuple[ReadingShown, ...]:
        """The numbers around the histograms."""
        return tuple(reading for one in self.view.shown for reading in one.readings)

    def has_aged(self) -> bool:
        """All numbers of a layer are of one step; of a thousand layers there are many."""
        return any(self.moment.is_old(one.histogram.step) is not one.old for one in self.view.shown)

    def show_ages(self) -> None:
        """Mark the old ones."""
        series = ACTIVATION_HISTOGRAM.series
        shown = [replace(one, old=self.moment.is_old(one.histogram.step, series(one.node))) for one in self.view.shown]
        self.view.show_distributions(shown, self.selection, self.moment)

    def on_selection(self) -> None:
        """The selected layer's name comes forward."""
        self.redraw()

    def rows(self) -> Iterator[Sequence[Cell]]:
        """One row a bin."""
        yield ("layer", "step", "from", "to", "count")
        for one in self.view.shown:
            edges, counts = one.histogram.edges, one.histogram.counts
            for index, count in enumerate(counts):
                yield (one.node, one.histogram.step, float(edges[index]), float(edges[index + 1]), int(count))

    def _colour(self, node: str) -> QColor:
        found = self.document.project.graph.nodes.get(node)
        family = registry.layer(found.kind).family if found is not None else "shape"
        return QColor(themes.current().family(family))


def _value(run: RunView, quantity: Quantity, node: str, step: int) -> float | None:
    found = run.latest(quantity.series(node), step)
    return found.value if isinstance(found, Scalar) else None


def _as_it_is(histogram: Histogram, steps: NDArray[np.int64], means: Floats, step: int | None) -> Histogram:
    """The histogram, or an empty one where the outputs have become no numbers since: of those none is made."""
    at = int(steps[-1] if step is None else steps[np.searchsorted(steps, step, side="right") - 1]) if len(steps) else 0
    if at <= histogram.step or math.isfinite(value_at(steps, means, step)):
        return histogram
    return replace(histogram, step=at, counts=np.zeros_like(histogram.counts))
