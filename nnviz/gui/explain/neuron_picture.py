"""A small dense network that can be taken hold of: lines and marks are dragged and typed into, units have a menu."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from nnviz.gui.explain.neuron_painter import (
    Lit,
    Place,
    names_aside,
    paint_above,
    paint_below,
    paint_tip,
    paint_words,
    units_picture,
)
from nnviz.gui.explain.neuron_places import BiasPlace, LinePlace, NeuronPlaces, UnitPlace, neuron_places
from nnviz.gui.explain.neuron_words import tip_of
from nnviz.gui.look import theme
from nnviz.gui.look.painting import answering, guarded
from nnviz.gui.parts.number_field import NumberField

if TYPE_CHECKING:
    from nnviz.explain.neurons import NeuronNumbers

#: Pixels that the mouse must move before a click has become a drag.
_DRAG = 4.0
#: What a pixel of a drag adds, for a number of the size 1 and below; larger ones move in proportion.
_PER_PIXEL = 0.01
_KEYS_OF_UNITS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


#: While it trains, lines and marks are painted anew after so many seconds: they change far more slowly than the maps.
_LINES_EVERY = 0.15


@dataclass(frozen=True)
class _Layer:
    """A part of the picture that is kept: of what, as pixels, and since when (``perf_counter``)."""

    key: tuple[object, ...]
    numbers: NeuronNumbers
    pixmap: QPixmap
    made: float


class NeuronPicture(QWidget):
    """Draws the network and says what a hand does to it.

    Signals:
        pointed: What the mouse is over: a UnitPlace, LinePlace, BiasPlace, or None.
        set_requested: (place, value, whether it goes on with the one before): a number is to be set.
        menu_requested: (UnitPlace, where on the screen): the menu of a unit is wanted.
        key_pressed: (letter, UnitPlace): O, F or R was pressed on a unit.
    """

    pointed = Signal(object)
    set_requested = Signal(object, float, bool)
    menu_requested = Signal(object, QPoint)
    key_pressed = Signal(str, object)

    def __init__(self, type_in: Callable[[LinePlace | BiasPlace, float], str], parent: QWidget | None = None) -> None:
        """Make it.

        Args:
            type_in: Sets a number that was typed; gives back why it cannot be set, or an empty text.
            parent: Owner.
        """
        super().__init__(parent)
        self._type_in = type_in
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Units and weights")
        # All of it is painted: nobody paints what lies behind it thirty times a second.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._numbers: NeuronNumbers | None = None
        #: Whether moment follows moment, as while it trains; at rest everything is painted at once.
        self.hurried = False
        self._units: tuple[tuple[object, ...], NeuronNumbers, tuple[QImage, QPointF] | None] | None = None
        self._layers: dict[str, _Layer] = {}
        self._place: Place | None = None
        self._chosen: UnitPlace | None = None
        #: Whether the keyboard walked to the chosen one since the mouse came to what is under it.
        self._walked = False
        self._mouse: QPointF | None = None
        #: What is pressed, where it was pressed, what it was then, and whether it is being dragged.
        self._pressed: Place | None = None
        self._pressed_at = QPointF()
        self._first = self._dragged = 0.0
        self._dragging = False
        self._editor: NumberField | None = None
        #: How often it was painted.
        self.painted = 0

    # ---- what is shown -------------------------------------------------------------------------------------------

    def show_numbers(self, numbers: NeuronNumbers | None) -> None:
        """Another moment of the network."""
        before, self._numbers = self._numbers, numbers
        if numbers is None or before is None or numbers.chain != before.chain:
            self._place = self._chosen = self._pressed = None
            self._dragging = False
        self.update()

    @property
    def numbers(self) -> NeuronNumbers | None:
        """What is drawn."""
        return self._numbers

    def places(self) -> NeuronPlaces | None:
        """Where everything stands; None while there is nothing."""
        if self._numbers is None:
            return None
        sizes = tuple(layer.layer.units for layer in self._numbers.layers)
        aside = names_aside(self._numbers)
        return neuron_places(sizes, aside, 0.0, float(self.width()) - aside, float(self.height()))

    @property
    def place(self) -> Place | None:
        """What is pointed at."""
        return self._place

    @property
    def chosen(self) -> UnitPlace | None:
        """The unit that the keyboard is on."""
        return self._chosen

    def value_at(self, place: LinePlace | BiasPlace) -> float:
        """The number that is drawn there; NaN where there is none."""
        if self._numbers is None:
            return math.nan
        layer = self._numbers.layers[place.layer]
        if isinstance(place, LinePlace):
            return math.nan if layer.weights is None else float(layer.weights[place.unit, place.source])
        return math.nan if layer.biases is None else float(layer.biases[place.unit])

    # ---- mouse ---------------------------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag a number, or light up what is under the mouse."""
        self._mouse = event.position()
        if isinstance(self._pressed, LinePlace | BiasPlace) and event.buttons() & Qt.MouseButton.LeftButton:
            self._drag(event)
        else:
            self._point_at(event.position())
        self.update()

    def _drag(self, event: QMouseEvent) -> None:
        assert isinstance(self._pressed, LinePlace | BiasPlace)
        up = self._pressed_at.y() - event.position().y()
        if not self._dragging and abs(up) < _DRAG:
            return
        fine = 0.1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        value = self._first + up * _PER_PIXEL * fine * max(1.0, abs(self._first))
        if value != self._dragged:
            goes_on, self._dragging, self._dragged = self._dragging, True, value
            self._set_drawn(self._pressed, value)
            self.set_requested.emit(self._pressed, value, goes_on)

    def _set_drawn(self, place: LinePlace | BiasPlace, value: float) -> None:
        """The hand sees what it does at once; the network's answer follows."""
        if self._numbers is None:
            return
        layer = self._numbers.layers[place.layer]
        if isinstance(place, LinePlace) and layer.weights is not None:
            layer.weights[place.unit, place.source] = value
        elif isinstance(place, BiasPlace) and layer.biases is not None:
            layer.biases[place.unit] = value

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of what is under the mouse."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._close_editor()
        self._mouse = event.position()
        self._point_at(event.position())
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._pressed, self._pressed_at, self._dragging = self._place, event.position(), False
        if isinstance(self._pressed, LinePlace | BiasPlace):
            self._first = self._dragged = self.value_at(self._pressed)
            if math.isnan(self._first):
                self._pressed = None

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The end of a drag; or a click: an editor for a number, the menu for a unit."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        pressed, dragged = self._pressed, self._dragging
        self._pressed, self._dragging = None, False
        if not dragged and isinstance(pressed, LinePlace | BiasPlace):
            self.edit(pressed, event.position())
        elif isinstance(pressed, UnitPlace) and self._place == pressed:
            self._choose(pressed)
            self.menu_requested.emit(pressed, event.globalPosition().toPoint())
        elif self._chosen is not None and not dragged and pressed is None and self._place is None:
            self._choose(None)  # beside everything: the decision of the whole network is shown again
        self._point_at(event.position())
        self.update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """The menu of the unit under the mouse, or of the one that the keyboard is on."""
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        place = self._chosen if by_key else self._place
        places = self.places()
        if isinstance(place, UnitPlace) and places is not None:
            middle = places.units[place.layer][place.unit].toPoint()
            self.menu_requested.emit(place, self.mapToGlobal(middle) if by_key else event.globalPos())

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is pointed at any more."""
        self._mouse = None
        if self._pressed is None:
            self._set_place(None)

    def _point_at(self, point: QPointF) -> None:
        places = self.places()
        place = None if places is None else places.at(point)
        if isinstance(place, BiasPlace) and math.isnan(self.value_at(place)):
            place = None
        self._set_place(place)

    def _set_place(self, place: Place | None) -> None:
        if place != self._place or type(place) is not type(self._place):
            self._place, self._walked = place, False
            numeric = isinstance(place, LinePlace | BiasPlace)
            shape = Qt.CursorShape.SizeVerCursor if numeric else Qt.CursorShape.PointingHandCursor
            self.setCursor(shape if place is not None else Qt.CursorShape.ArrowCursor)
            self.pointed.emit(place)
            self.update()

    # ---- typing --------------------------------------------------------------------------------------------------

    def edit(self, place: LinePlace | BiasPlace, point: QPointF | None = None) -> NumberField | None:
        """Open the field of a number, at a point or where the number stands; None where there is nothing drawn."""
        self._close_editor()
        places, numbers = self.places(), self._numbers
        if places is None or numbers is None:
            return None
        if point is None:
            marked = isinstance(place, BiasPlace)
            point = places.mark(place.layer, place.unit) if marked else places.middle_of(LinePlace(*place))
        cell = QRect(round(point.x()) - 8, round(point.y()) - 8, 16, 16)
        title = tip_of(numbers, place)[0]
        self._editor = NumberField(title, self.value_at(place), lambda value: self._type_in(place, value), cell, self)
        self._editor.destroyed.connect(self._forget_editor)
        self.update()
        return self._editor

    @property
    def editor(self) -> NumberField | None:
        """The field that is open."""
        return self._editor if self._editor is not None and self._editor.isVisible() else None

    def _forget_editor(self) -> None:
        self._editor = None

    def _close_editor(self) -> None:
        editor = self.editor
        if editor is not None:
            editor.leave()
        self._editor = None

    # ---- keys ----------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk over the units; Enter opens the menu, O, F and R do at once what stands in it.

        They are about the unit that is shown large: the one under the mouse, unless the keyboard walked on since.
        """
        key, numbers = event.key(), self._numbers
        chosen = self._place if isinstance(self._place, UnitPlace) and not self._walked else self._chosen
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        if numbers is None or not plain:
            super().keyPressEvent(event)
        elif key in _KEYS_OF_UNITS:
            self._walk(*_KEYS_OF_UNITS[Qt.Key(key)])
        elif chosen is not None and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            places = self.places()
            if places is not None:
                middle = places.units[chosen.layer][chosen.unit].toPoint()
                self.menu_requested.emit(chosen, self.mapToGlobal(middle))
        elif chosen is not None and key in (Qt.Key.Key_O, Qt.Key.Key_F, Qt.Key.Key_R):
            self.key_pressed.emit(event.text().upper(), chosen)
        elif self._chosen is not None and key == Qt.Key.Key_Escape:
            self._choose(None)
        else:
            super().keyPressEvent(event)

    def _walk(self, across: int, down: int) -> None:
        assert self._numbers is not None
        self._walked = True
        layers = self._numbers.layers
        if self._chosen is None:
            self._choose(UnitPlace(min(1, len(layers) - 1), 0))
            return
        layer = min(max(self._chosen.layer + across, 0), len(layers) - 1)
        units = layers[layer].layer.units
        before = layers[self._chosen.layer].layer.units
        unit = self._chosen.unit + down
        if layer != self._chosen.layer:
            unit = round((self._chosen.unit + 0.5) / before * units - 0.5)
        self._choose(UnitPlace(layer, min(max(unit, 0), units - 1)))

    def _choose(self, place: UnitPlace | None) -> None:
        self._chosen = place
        self.pointed.emit(place)
        self.update()

    # ---- painting ------------------------------------------------------------------------------------------------

    @answering(QSize)
    def minimumSizeHint(self) -> QSize:
        """Small enough for a laptop."""
        return QSize(220, 160)

    def _layer(self, name: str, ground: QColor, places: NeuronPlaces, numbers: NeuronNumbers, lit: Lit) -> QPixmap:
        """What lies below or above the maps of the units; while it trains, of a moment a little earlier."""
        ratio = self.devicePixelRatioF()
        key = (
            id(places),
            self.size(),
            ratio,
            theme.current().name,
            theme.text_scale(),
            lit.place,
            lit.chosen,
            lit.value,
        )
        kept = self._layers.get(name)
        now = time.perf_counter()
        if kept is not None and kept.key == key:
            recent = self.hurried and now - kept.made < _LINES_EVERY and kept.numbers.switches == numbers.switches
            if kept.numbers is numbers or recent:
                return kept.pixmap
        pixmap = QPixmap(self.size() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(ground)
        painter = QPainter(pixmap)
        if name == "below":
            paint_below(painter, places, numbers, lit)
            painter.drawPixmap(0, 0, self._words(places, numbers))
        else:
            paint_above(painter, places, numbers, lit)
        painter.end()
        self._layers[name] = _Layer(key, numbers, pixmap, now)
        return pixmap

    def _words(self, places: NeuronPlaces, numbers: NeuronNumbers) -> QPixmap:
        """The words beside the units, which stay the same while everything else moves."""
        ratio = self.devicePixelRatioF()
        scale = theme.text_scale()
        key = (id(places), self.size(), ratio, theme.current().name, scale, numbers.feature_names, numbers.class_names)
        kept = self._layers.get("words")
        if kept is not None and kept.key == key and kept.numbers.chain == numbers.chain:
            return kept.pixmap
        pixmap = QPixmap(self.size() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        paint_words(painter, places, numbers)
        painter.end()
        self._layers["words"] = _Layer(key, numbers, pixmap, 0.0)
        return pixmap

    def _units_picture(self, places: NeuronPlaces, numbers: NeuronNumbers) -> tuple[QImage, QPointF] | None:
        ratio = self.devicePixelRatioF()
        key = (id(places), ratio, theme.current().name)
        if self._units is None or self._units[0] != key or self._units[1] is not numbers:
            self._units = (key, numbers, units_picture(numbers, places, ratio))
        return self._units[2]

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """The network, and the tip of what is pointed at."""
        painter = QPainter(self)
        places, numbers = self.places(), self._numbers
        if places is None or numbers is None:
            painter.fillRect(self.rect(), theme.current().window)
            return
        lit = Lit(self._place, self._chosen, self._dragged if self._dragging else None, self._mouse)
        ground, nothing = theme.current().window, QColor(Qt.GlobalColor.transparent)
        painter.drawPixmap(0, 0, self._layer("below", ground, places, numbers, lit))
        units = self._units_picture(places, numbers)
        if units is not None:
            image, corner = units
            painter.drawImage(corner, image)
        painter.drawPixmap(0, 0, self._layer("above", nothing, places, numbers, lit))
        if self.editor is None:
            paint_tip(painter, numbers, lit, QRectF(self.rect()))
        self.painted += 1
