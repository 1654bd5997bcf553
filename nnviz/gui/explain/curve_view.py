"""An activation: its curve and its slope, with all numbers that come in now as dots on it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainterPath, QPen

from nnviz.gui.explain.ink import CENTRE, LEFT, Ink, Numbers
from nnviz.gui.explain.terms_view import number, target_of
from nnviz.gui.look.painting import Saved

if TYPE_CHECKING:
    from nnviz.explain.taken_apart import Curve, TakenApart

#: Height of the plot from which on there is room for words below it.
_FOR_WORDS = 9.0


def paint_curve(ink: Ink, area: QRectF, taken: TakenApart) -> None:
    """The plot, and below it the chosen number: what comes in, what goes out, the slope there."""
    curve, letters = taken.curve, ink.letters
    assert curve is not None
    came, out, slope = curve.chosen
    foot = 3.9 * letters if area.height() > (_FOR_WORDS + 3.9) * letters else 1.8 * letters
    plot = area.adjusted(0, 0, 0, -foot)
    if plot.height() > 3.5 * letters:
        paint_plot(ink, plot, curve, back=taken.place.backward)
    quiet, text = ink.theme.text_muted, ink.theme.text
    y = area.bottom() - foot + 0.2 * letters
    line = 1.8 * letters
    target = target_of(taken, taken.explanation.terms[0]) if taken.explanation.terms else None
    link = ink.link(target is not None and not taken.place.backward)
    for slope_is in ("   slope dy/dx = ", "  slope "):  # the number would go first where there is little room
        pieces = [
            ("x = ", quiet, 400, 1.1), (number(came), link, 600, 1.1), ("  →  y = ", quiet, 400, 1.1),
            (number(out), text, 700, 1.2), (slope_is, quiet, 400, 1.1), (number(slope), text, 600, 1.1),
        ]  # fmt: skip
        if sum(ink.width(words, size, weight) for words, _, weight, size in pieces) <= area.width():
            break
    ink.run(area.left(), y, line, pieces, area.right())
    if target is not None and not taken.place.backward:
        wide = ink.width(f"x = {number(came)}", 1.1, 600)
        ink.spot(QRectF(area.left(), y, wide, line), f"what comes in: {number(came)}", target=target)
    if foot < 3 * letters:
        return
    y += line
    row = QRectF(area.left(), y, area.width(), line)
    if taken.place.backward:
        gradient = taken.explanation.value
        pieces = [
            ("passes back  ", quiet, 400, 1.1), (number(slope), text, 500, 1.1), (" · dL/dy ", quiet, 400, 1.1),
            (number(gradient), ink.sign(gradient), 500, 1.1), (" = ", quiet, 400, 1.1),
            (number(slope * gradient), ink.sign(slope * gradient), 700, 1.15),
        ]  # fmt: skip
        ink.run(row.left(), y, line, pieces, row.right())
        return
    flat = sum(1 for x, _ in curve.dots.tolist() if any(low <= x <= high for low, high in curve.flat))
    share = f", {round(100 * flat / len(curve.dots))} % of them in the shaded part" if len(curve.dots) else ""
    words = [f"dots: all {curve.count:,} numbers that come in{share}", f"dots: {curve.count:,} numbers that come in"]
    fitting = [text for text in words if ink.width(text, 0.92) < row.width()]
    ink.text(row, (fitting or words)[0 if fitting else -1], 0.92, colour=quiet)


def paint_plot(ink: Ink, area: QRectF, curve: Curve, *, back: bool, small: bool = False) -> None:
    """The curve and its slope; ``small`` leaves out all words."""
    letters, theme, painter = ink.letters, ink.theme, ink.painter
    x_low, x_high = float(curve.x[0]), float(curve.x[-1])
    finite = np.concatenate([curve.y, curve.slope, [0.0]])
    finite = finite[np.isfinite(finite)]
    y_low, y_high = float(finite.min()), float(finite.max())
    margin = 0.08 * ((y_high - y_low) or 1.0)
    y_low, y_high = y_low - margin, y_high + margin
    plot = area if small else area.adjusted(0, 1.4 * letters, 0, -0.3 * letters)

    def at(x: float, y: float) -> QPointF:
        across = (x - x_low) / ((x_high - x_low) or 1.0)
        up = (y - y_low) / ((y_high - y_low) or 1.0)
        return QPointF(plot.left() + across * plot.width(), plot.bottom() - up * plot.height())

    with Saved(painter):
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.plot_background)
        painter.drawRoundedRect(plot, 4, 4)
        painter.setClipRect(plot)
        shade = QColor(theme.danger)
        shade.setAlphaF(0.16)
        for low, high in curve.flat:
            left, right = at(low, 0).x(), at(high, 0).x()
            painter.fillRect(QRectF(left, plot.top(), right - left, plot.height()), shade)
        painter.setPen(QPen(theme.border, 1.0))
        painter.drawLine(at(x_low, 0), at(x_high, 0))
        painter.drawLine(at(0, y_low), at(0, y_high))
        _paint_line(ink, [at(x, y) for x, y in zip(curve.x, curve.slope, strict=True) if math.isfinite(y)],
                    theme.negative, 3.0 if back else 1.8, dashed=True)  # fmt: skip
        _paint_line(ink, [at(x, y) for x, y in zip(curve.x, curve.y, strict=True) if math.isfinite(y)],
                    theme.accent, 2.0 if back else 3.0)  # fmt: skip
        _paint_dots(ink, curve.dots, at)
        came, out, slope = curve.chosen
        if math.isfinite(came) and math.isfinite(out):
            middle = at(came, slope if back else out)
            painter.setPen(QPen(QColor("#000000"), 1.5))
            painter.setBrush(QColor("#ffffff"))
            painter.drawEllipse(middle, 0.5 * letters, 0.5 * letters)
            painter.setBrush(theme.accent)
            painter.drawEllipse(middle, 0.3 * letters, 0.3 * letters)
    if small:
        return
    for low, high in curve.flat:
        left, right = at(low, 0).x(), at(high, 0).x()
        slopes = curve.slope[(curve.x >= low) & (curve.x <= high)]
        dead = bool(len(slopes)) and float(np.nanmax(np.abs(slopes))) == 0.0
        words = "dead: slope 0" if dead else "saturated: slope near 0"
        # At half the height: there neither the curve nor its slope lies flat.
        place = QRectF(left + 4, plot.center().y() - 0.8 * letters, right - left - 8, 1.6 * letters)
        shorter = words if place.width() > ink.width(words, 0.85) else words.partition(":")[0]
        if place.width() > ink.width(shorter, 0.85):
            ink.text(place, shorter, 0.85, colour=theme.danger, align=CENTRE)
    legend = QRectF(area.left(), area.top(), area.width(), 1.3 * letters)
    wide = ink.text(legend, "— y", 0.9, 600, colour=theme.accent)
    ink.text(legend.adjusted(wide + letters, 0, 0, 0), "-- slope dy/dx", 0.9, 600, colour=theme.negative)
    for value, align in ((x_low, LEFT), (x_high, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)):
        place = QRectF(plot.left() + 4, at(0, 0).y() - 1.4 * letters, plot.width() - 8, 1.3 * letters)
        if place.top() > plot.top():
            ink.text(place, number(value), 0.8, colour=theme.text_muted, align=align)
    ink.spot(plot, "the curve and its slope, with all numbers that come in as dots", zone="curve")


def _paint_line(ink: Ink, points: list[QPointF], colour: QColor, width: float, *, dashed: bool = False) -> None:
    if len(points) < 2:
        return
    path = QPainterPath(points[0])
    for point in points[1:]:
        path.lineTo(point)
    pen = QPen(colour, width)
    if dashed:
        pen.setStyle(Qt.PenStyle.DashLine)
    ink.painter.setPen(pen)
    ink.painter.setBrush(Qt.BrushStyle.NoBrush)
    ink.painter.drawPath(path)


def _paint_dots(ink: Ink, dots: Numbers, place: Callable[[float, float], QPointF]) -> None:
    colour = QColor(ink.theme.text)
    colour.setAlphaF(0.45)
    ink.painter.setPen(Qt.PenStyle.NoPen)
    ink.painter.setBrush(colour)
    for x, y in dots.tolist():
        if math.isfinite(x) and math.isfinite(y):
            ink.painter.drawEllipse(place(x, y), 2.2, 2.2)
