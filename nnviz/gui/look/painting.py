"""Nothing that goes wrong while something is painted leaves the paint event: Qt does not survive that.

An exception in a ``paintEvent`` leaves a painter open on the widget, one in an item's ``paint`` leaves the state of the
view's painter on its stack; both end the process sooner or later. So every method that Qt calls to paint is
:func:`guarded`, every one that Qt calls to ask for a size, an outline or a datum is :func:`answering`, and a painter's
state is kept with :class:`Saved`, which puts it back whatever happens.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar, cast

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QAbstractScrollArea, QGraphicsItem, QStyleOption, QWidget

from nnviz.gui.look import theme

_log = logging.getLogger(__name__)
_Method = TypeVar("_Method", bound=Callable[..., Any])

#: What stands in the place of something that could not be painted.
MARK = "could not be drawn"
#: Methods, kinds of errors and the lines they came from that are in the log already.
_told: set[tuple[str, str, int]] = set()


class Saved:
    """The painter's state, put back at the end of a ``with`` block, also after an error."""

    __slots__ = ("_painter",)

    def __init__(self, painter: QPainter) -> None:
        self._painter = painter

    def __enter__(self) -> None:
        self._painter.save()

    def __exit__(self, *exception: object) -> None:
        self._painter.restore()


def guarded(method: _Method) -> _Method:
    """A ``paintEvent``, ``paint`` or ``drawSomething`` that draws a neutral mark where it fails.

    The first argument is the event or the painter. What was raised is logged once for each place it came from; painters
    that were left open are ended, the innermost first. Where nothing fails it costs a tenth of a microsecond.
    """

    @functools.wraps(method)
    def paint(self: Any, first: Any, *rest: Any) -> Any:
        try:
            return wrapper.__wrapped__(self, first, *rest)
        except Exception as error:  # noqa: BLE001  # see the module: whatever it is, it must not leave
            _tell(method, error)
            _end_painters(error, first)
            _try_mark(self, first, rest)

    # Looked up at each call, so that a test can put something that fails in the place of the method.
    wrapper = cast(Any, paint)
    wrapper.is_guarded = True
    return cast(_Method, paint)


def answering(otherwise: Callable[[], object]) -> Callable[[_Method], _Method]:
    """A method that Qt asks while it paints or lays out; where it fails, the answer is what ``otherwise`` makes."""

    def decorate(method: _Method) -> _Method:
        @functools.wraps(method)
        def answer(*arguments: Any) -> Any:
            try:
                return wrapper.__wrapped__(*arguments)
            except Exception as error:  # noqa: BLE001  # as above
                _tell(method, error)
                return otherwise()

        wrapper = cast(Any, answer)
        wrapper.is_guarded = True
        return cast(_Method, answer)

    return decorate


def guard_class(kind: type) -> None:
    """Guard what a class of somebody else, such as a curve of pyqtgraph, has of its own of Qt's methods."""
    for name, guard in (
        ("paint", guarded),
        ("paintEvent", guarded),
        ("boundingRect", answering(QRectF)),
        ("shape", answering(QPainterPath)),
    ):
        method = kind.__dict__.get(name)
        if method is not None and not getattr(method, "is_guarded", False):
            setattr(kind, name, guard(method))


def _tell(method: Callable[..., Any], error: Exception) -> None:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = (method.__qualname__, type(error).__name__, 0 if trace is None else trace.tb_lineno)
    if place not in _told:
        _told.add(place)
        _log.error("%s.%s failed", method.__module__, method.__qualname__, exc_info=error)


def _end_painters(error: Exception, given: object) -> None:
    """End the painters that the failed method has begun; the one that Qt gave it is Qt's."""
    frames = []
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    for frame in reversed(frames):
        for value in frame.f_locals.values():
            if isinstance(value, QPainter) and value is not given and value.isActive():
                value.end()


def _try_mark(self: object, first: object, rest: tuple[Any, ...]) -> None:
    try:
        if isinstance(first, QPainter):
            _mark(first, _area(self, rest))
        elif isinstance(self, QWidget):
            device = self.viewport() if isinstance(self, QAbstractScrollArea) else self
            painter = QPainter(device)
            if painter.isActive():
                _mark(painter, QRectF(device.rect()))
                painter.end()
    except Exception as error:  # noqa: BLE001  # where not even the mark can be drawn, nothing is
        _tell(_try_mark, error)


def _area(self: object, rest: tuple[Any, ...]) -> QRectF:
    """The part of the painter's device that was to be painted."""
    if isinstance(self, QGraphicsItem):
        return self.boundingRect()
    place = rest[0] if rest else None
    if isinstance(place, QStyleOption):
        place = place.rect
    return QRectF(place) if isinstance(place, (QRect, QRectF)) else QRectF()


def _mark(painter: QPainter, area: QRectF) -> None:
    """A dashed frame and three words; no ground, since an item may reach behind others."""
    with Saved(painter):
        colours = theme.current()
        pen = QPen(colours.text_faint, 1.0, Qt.PenStyle.DashLine)
        pen.setCosmetic(True)
        painter.setOpacity(1.0)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(area.adjusted(1.0, 1.0, -1.0, -1.0))
        painter.setFont(theme.font(12))
        painter.setPen(colours.text_muted)
        painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), MARK)
