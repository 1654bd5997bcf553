"""Stroke icons from resources/icons, tinted with the theme and sharp at every scale."""

from __future__ import annotations

from functools import cache
from typing import Protocol

import shiboken6
from PySide6.QtCore import QByteArray, QObject, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from nnviz.gui.look import theme
from nnviz.gui.look.painting import guarded
from nnviz.resources import resource


class HasIcon(Protocol):
    """A button, an action, or anything else that shows one icon."""

    def setIcon(self, icon: QIcon, /) -> None: ...  # noqa: N802, D102 - Qt's own name


@cache
def _source(name: str) -> str:
    return resource("icons", f"{name}.svg").read_text(encoding="utf-8")


def pixmap(name: str, colour: QColor, size: int, ratio: float = 1.0) -> QPixmap:
    """One icon as a picture of ``size`` device-independent pixels."""
    renderer = _renderer(name, colour.name(QColor.NameFormat.HexRgb))
    result = QPixmap(QSize(round(size * ratio), round(size * ratio)))
    result.fill(Qt.GlobalColor.transparent)
    painter = QPainter(result)
    renderer.render(painter, QRectF(result.rect()))
    painter.end()
    result.setDevicePixelRatio(ratio)
    return result


class _StrokeEngine(QIconEngine):
    """Draws an icon when somebody looks at it, at just the size they look at: the window opens before most are seen."""

    def __init__(self, name: str, normal: str, disabled: str) -> None:
        super().__init__()
        self._parts = (name, normal, disabled)

    def _colour(self, mode: QIcon.Mode) -> QColor:
        _, normal, disabled = self._parts
        return QColor(disabled if mode is QIcon.Mode.Disabled else normal)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        """The icon at ``size`` pixels of the device."""
        side = max(1, min(size.width(), size.height()))
        return _drawn(self._parts[0], self._colour(mode).name(), side)

    @guarded
    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        """The icon straight onto the device, as sharp as it is."""
        _renderer(self._parts[0], self._colour(mode).name()).render(painter, QRectF(rect))

    def clone(self) -> QIconEngine:
        """An engine of the same icon."""
        copy = _StrokeEngine(*self._parts)
        _ENGINES.append(copy)
        return copy


#: Qt owns an engine but Python must not forget its half of it. There is one for every icon and colour, so few.
_ENGINES: list[QIconEngine] = []


@cache
def _renderer(name: str, colour: str) -> QSvgRenderer:
    return QSvgRenderer(QByteArray(_source(name).replace("currentColor", colour).encode()))


@cache
def _drawn(name: str, colour: str, side: int) -> QPixmap:
    return pixmap(name, QColor(colour), side)


@cache
def _tinted(name: str, normal: str, disabled: str) -> QIcon:
    engine = _StrokeEngine(name, normal, disabled)
    _ENGINES.append(engine)
    return QIcon(engine)


def icon(name: str, colour: QColor | None = None) -> QIcon:
    """An icon in ``colour`` (the theme's text colour if none is given), fainter where it is disabled."""
    shade = theme.current()
    return _tinted(name, (colour or shade.text).name(), shade.text_faint.name())


def bind(target: HasIcon, name: str, colour: str = "text") -> None:
    """Give ``target`` an icon in the theme's ``colour`` (a field of Theme), now and whenever the theme changes.

    Binding again replaces what was bound before.
    """
    target._nnviz_icon = (name, colour)  # type: ignore[attr-defined]  # one slot on the wrapper: the latest binding wins
    target.setIcon(icon(name, getattr(theme.current(), colour)))

    def follow(shade: theme.Theme) -> None:
        if isinstance(target, QObject) and not shiboken6.isValid(target):
            theme.notifier.changed.disconnect(follow)
            return
        bound_name, bound_colour = target._nnviz_icon  # type: ignore[attr-defined]  # set above
        target.setIcon(icon(bound_name, getattr(shade, bound_colour)))

    if not getattr(target, "_nnviz_follows", False):
        target._nnviz_follows = True  # type: ignore[attr-defined]  # connect only once
        theme.notifier.changed.connect(follow)
