"""Stroke icons from resources/icons, tinted with the theme and sharp at every scale."""

from __future__ import annotations

import weakref
from functools import cache
from typing import Protocol, cast

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
    colours = theme.current()
    return _tinted(name, (colour or colours.text).name(), colours.text_faint.name())


class _Binding(QObject):
    """Keeps the icon of one target in the theme's colour, for as long as the target lives."""

    def __init__(self, target: HasIcon) -> None:
        super().__init__(target if isinstance(target, QObject) else None)
        self._target = weakref.ref(target)
        self.name, self.colour = "", ""
        # A method of a QObject: Qt ends the connection with it. ``follow`` stands in a room above this one.
        theme.notifier.changed.connect(self.tint)

    def tint(self) -> None:
        """Draw the icon in the colours of the theme."""
        target = self._target()
        known: object = target
        if isinstance(known, QObject) and not shiboken6.isValid(known):
            target = cast("HasIcon | None", self.parent())  # PySide took it for deleted; what lives has a fresh wrapper
        if target is not None:
            target.setIcon(icon(self.name, getattr(theme.current(), self.colour)))


def bind(target: HasIcon, name: str, colour: str = "text") -> None:
    """Give ``target`` an icon in the theme's ``colour`` (a field of Theme), now and whenever the theme changes.

    Binding again replaces what was bound before.
    """
    binding: _Binding | None = getattr(target, "_nnviz_icon", None)
    if binding is None:
        binding = _Binding(target)
        target._nnviz_icon = binding  # type: ignore[attr-defined]  # one slot on the wrapper: the latest binding wins
    binding.name, binding.colour = name, colour
    binding.tint()
