"""The small map of the whole network in a corner of the canvas: shows which part is in sight, and leads elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from PySide6.QtCore import QEvent, QLineF, QObject, QPointF, QRect, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QHideEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from nnviz.gui.canvas.camera import Camera
from nnviz.gui.canvas.geometry import CARD_WIDTH
from nnviz.gui.canvas.items.note_item import tone
from nnviz.gui.canvas.scene import CanvasScene
from nnviz.gui.look import theme
from nnviz.gui.look.painting import guarded
from nnviz.gui.look.theme import mixed
from nnviz.gui.parts.following import follow

#: When it is shown: while not the whole network is in sight, at all times, or at no time.
MODES = ("automatic", "always", "never")
_LARGEST = QSize(196, 128)
_SMALLEST = QSize(56, 36)
#: Shares of the canvas that it takes at most.
_WIDTH_SHARE, _HEIGHT_SHARE = 0.26, 0.34
_PADDING = 7.0
_MARGIN = 10
#: So faint is it over cards, until the mouse comes.
_DIMMED = 0.4
#: More wires than these would only make a grey patch.
_MOST_WIRES = 1500
#: The canvas rests after so many milliseconds: time to look for the corner with the most room.
_REST = 120
#: So many milliseconds after a change it is drawn anew.
_LATER = 60
#: Another corner has to be so much emptier: it does not jump about for little.
_EMPTIER = 0.5
#: Where less than this share of it lies over cards, nothing is lost.
_HARMLESS = 0.05


class Minimap(QWidget):
    """Cards as blocks in the colours of their families, notes in theirs, wires as lines, and what is in sight framed.

    A click or a drag moves the view, the wheel zooms. It stands in the corner that covers the fewest cards, and is
    faint there if it covers any. The blocks are drawn when the document has changed, never while the view moves.

    Args:
        canvas: The widget in whose corner it stands.
        scene: With the cards.
        camera: What is in sight; the map moves it.
        hold_still: Ends what glides on the canvas.
    """

    def __init__(self, canvas: QWidget, scene: CanvasScene, camera: Camera, hold_still: Callable[[], object]) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._scene = scene
        self._camera = camera
        self._hold_still = hold_still
        self._mode = MODES[0]
        self._picture: QPixmap | None = None
        self._content = QRectF()
        self._corner = 0
        self._covers = False
        self._hovered = False
        self._grip: QPointF | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST)
        self._rest.timeout.connect(self._choose_corner)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_LATER)
        self._later.timeout.connect(self._draw_anew)
        self.setAccessibleName("Map of the network")
        self.setToolTip("Click or drag to look elsewhere; turn the wheel to zoom (Ctrl+M hides the map)")
        # Only a mouse that moves over it is meant for it, not one under which it has appeared.
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.hide()
        canvas.installEventFilter(self)
        camera.moved.connect(self.follow)
        camera.covered.connect(self._choose_corner)
        scene.refreshed.connect(self.redraw)
        scene.looks_changed.connect(self.redraw)
        follow(theme.notifier.changed, self._draw_anew)

    @property
    def mode(self) -> str:
        """One of ``MODES``."""
        return self._mode

    def set_mode(self, mode: str) -> None:
        """Say when it is shown."""
        self._mode = mode if mode in MODES else MODES[0]
        self.follow()

    @property
    def corner(self) -> str:
        """Where it stands: ``bottom right``, ``bottom left``, ``top right`` or ``top left``."""
        return ("bottom right", "bottom left", "top right", "top left")[self._corner]

    @property
    def opacity(self) -> float:
        """How strongly it is drawn: less where it covers cards and the mouse is elsewhere."""
        return _DIMMED if self._covers and not self._hovered and self._grip is None else 1.0

    @property
    def current(self) -> bool:
        """Whether it shows the network as it is now: it follows a change a moment later."""
        return not self._later.isActive()

    def to_scene(self, point: QPointF) -> QPointF:
        """A point of the map in the scene."""
        scale, origin = self._scale()
        return (point - origin) / scale

    def from_scene(self, point: QPointF) -> QPointF:
        """A point of the scene on the map."""
        scale, origin = self._scale()
        return point * scale + origin

    def frame(self) -> QRectF:
        """The part of the map that is in sight on the canvas."""
        seen = self._camera.visible_rect()
        whole = QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5)
        return QRectF(self.from_scene(seen.topLeft()), self.from_scene(seen.bottomRight())).intersected(whole)

    # Following

    def redraw(self) -> None:
        """Draw the map anew a moment later, so that no edit waits for it."""
        if not self._later.isActive():
            self._later.start()
        self.follow()

    def _draw_anew(self) -> None:
        self._later.stop()
        content = self._camera.content_rect()
        if content != self._content and not content.isEmpty():
            self._measure(content)
        self._picture = None
        self.update()

    def _measure(self, content: QRectF) -> None:
        """Show this part of the scene from now on."""
        self._content = content
        self._picture = None
        self.resize(self._wanted_size(content))
        self._choose_corner()

    def follow(self) -> None:
        """Show, hide and move the map as what is in sight, or all there is, has changed."""
        content = self._camera.content_rect()
        shown = self._wanted(content)
        if shown and self.isHidden():
            self._measure(content)
        elif shown and content != self._content and not self._later.isActive():
            self._later.start()
        if shown is self.isHidden():
            self.setVisible(shown)
            self.raise_()
        if shown:
            self._rest.start()
            self.update()

    def _wanted(self, content: QRectF) -> bool:
        if self._mode == "never" or content.isEmpty():
            return False
        if self._mode == "always" or self._grip is not None or (self._hovered and self.isVisible()):
            return True
        # A pixel more or less is no reason.
        slack = 1.5 / self._camera.zoom
        return not self._camera.visible_rect().adjusted(-slack, -slack, slack, slack).contains(content)

    def _wanted_size(self, content: QRectF) -> QSize:
        canvas = self._canvas.size()
        wide = min(_LARGEST.width(), round(canvas.width() * _WIDTH_SHARE)) - 2 * _PADDING
        high = min(_LARGEST.height(), round(canvas.height() * _HEIGHT_SHARE)) - 2 * _PADDING
        scale = max(1e-6, min(wide / content.width(), high / content.height()))
        size = content.size() * scale
        return QSize(round(size.width() + 2 * _PADDING), round(size.height() + 2 * _PADDING)).expandedTo(_SMALLEST)

    def _scale(self) -> tuple[float, QPointF]:
        """Pixels of the map for a scene unit, and where the scene's origin is on it."""
        content = self._content
        if content.isEmpty():
            return 1.0, QPointF()
        scale = min(
            (self.width() - 2 * _PADDING) / content.width(),
            (self.height() - 2 * _PADDING) / content.height(),
        )
        return scale, QRectF(self.rect()).center() - content.center() * scale

    # Its place

    def _places(self) -> Iterator[QRect]:
        """Its rectangle in each corner, in the order of preference."""
        right = self._canvas.width() - self.width() - _MARGIN
        bottom = self._canvas.height() - self._camera.foot - self.height() - _MARGIN
        top = _MARGIN + self._camera.inset
        below = max(top, min(self._camera.corner.height() + _MARGIN, bottom))
        for x, y in ((right, bottom), (_MARGIN, bottom), (right, below), (_MARGIN, top)):
            yield QRect(x, y, self.width(), self.height())

    def _choose_corner(self) -> None:
        """Stand where the fewest cards are; stay where it is as long as nothing is much better."""
        places = list(self._places())
        if self._hovered or self._grip is not None:
            self.move(places[self._corner].topLeft())
            return
        covered = [self._covered(place) for place in places]
        best = min(range(len(places)), key=covered.__getitem__)
        if covered[best] < covered[self._corner] * _EMPTIER:
            self._corner = best
        self._covers = covered[self._corner] > _HARMLESS * self.width() * self.height()
        self.move(places[self._corner].topLeft())
        self.update()

    def _covered(self, place: QRect) -> float:
        """How many square pixels of cards and notes lie below a place on the canvas."""
        camera, scene = self._camera, self._scene
        area = QRectF(camera.to_scene(QPointF(place.topLeft())), camera.to_scene(QPointF(place.bottomRight())))
        left, top, right, bottom = area.left(), area.top(), area.right(), area.bottom()
        total = 0.0
        # Plain numbers: this goes over a thousand cards while the view comes to rest.
        cards = scene.cards
        for node in scene.grid.near(area):
            card = cards[node]
            x, y = card.place
            across = min(x + CARD_WIDTH, right) - max(x, left)
            if across > 0.0:
                down = min(y + card.layout.height, bottom) - max(y, top)
                if down > 0.0:
                    total += across * down
        for note in scene.annotations.notes.values():
            shared = note.card_rect().intersected(area)
            total += shared.width() * shared.height()
        return total * camera.zoom**2

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in the corner when the canvas is resized, and be as large as suits it."""
        if event.type() is QEvent.Type.Resize and not self._content.isEmpty():
            self.resize(self._wanted_size(self._content))
            self._picture = None
            self._choose_corner()
        return False

    # Mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Look there; the frame is taken where it was pressed, if it was."""
        event.accept()
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        self._hold_still()
        frame = self.frame()
        inside = frame.contains(event.position())
        middle = self.from_scene(self._camera.visible_rect().center())
        self._grip = event.position() - middle if inside else QPointF()
        self._go(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the view while the button is held; without it the map is only looked at."""
        event.accept()
        if not self._hovered:
            self._hovered = True
            self.update()
        if self._grip is not None:
            self._go(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Leave the view where it is."""
        event.accept()
        if event.button() is Qt.MouseButton.LeftButton:
            self._grip = None
            self.follow()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Take the second press like the first."""
        self.mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the middle of the view."""
        event.accept()
        turned = event.angleDelta().y()
        if turned:
            self._camera.set_zoom(self._camera.zoom * 1.2 ** (turned / 120.0))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Keep the menu of the canvas away: it is not about the map."""
        event.accept()

    def _go(self, point: QPointF) -> None:
        if self._grip is not None:
            self._camera.look_at(self.to_scene(point - self._grip))

    def leaveEvent(self, event: QEvent) -> None:
        """Fade where it covers cards: the mouse has gone."""
        self._hovered = False
        self.follow()

    def hideEvent(self, event: QHideEvent) -> None:
        """Forget the mouse while it is hidden."""
        self._hovered = False
        self._grip = None

    # Painting

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """The finished picture, what is out of sight veiled, and the frame."""
        colours = theme.current()
        if self._picture is None or self._picture.devicePixelRatio() != self.devicePixelRatioF():
            self._picture = self._drawn(colours)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setOpacity(self.opacity)
        painter.drawPixmap(0, 0, self._picture)
        frame = self.frame()
        veil = QColor(colours.window)
        veil.setAlphaF(0.45)
        painter.setClipRect(QRectF(self.rect()).adjusted(1.0, 1.0, -1.0, -1.0))
        inner = QRectF(self.rect())
        for part in (
            QRectF(inner.left(), inner.top(), inner.width(), frame.top() - inner.top()),
            QRectF(inner.left(), frame.bottom(), inner.width(), inner.bottom() - frame.bottom()),
            QRectF(inner.left(), frame.top(), frame.left() - inner.left(), frame.height()),
            QRectF(frame.right(), frame.top(), inner.right() - frame.right(), frame.height()),
        ):
            painter.fillRect(part, veil)
        painter.setClipping(False)
        painter.setPen(colours.accent)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(frame.adjusted(0.5, 0.5, -0.5, -0.5), 2.0, 2.0)

    def _drawn(self, colours: theme.Theme) -> QPixmap:
        """Plate, wires and blocks."""
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plate = QColor(colours.panel)
        plate.setAlphaF(0.94)
        painter.setPen(colours.border)
        painter.setBrush(plate)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6.0, 6.0)
        scene = self._scene
        scale, origin = self._scale()
        boxes = self._boxes(scale, origin)
        painter.setPen(Qt.PenStyle.NoPen)
        for note in scene.annotations.notes.values():
            rect = note.card_rect()
            painter.setBrush(mixed(tone(note.note.colour, colours), colours.panel, 0.55))
            painter.drawRect(QRectF(rect.topLeft() * scale + origin, rect.size() * scale))
        if len(scene.wires) <= _MOST_WIRES:
            painter.setPen(mixed(colours.panel, colours.text_muted, 0.5))
            ends = ((boxes.get(edge.source.node), boxes.get(edge.target.node)) for edge in scene.wires)
            painter.drawLines([QLineF(a.center(), b.center()) for a, b in ends if a is not None and b is not None])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, min(scale, 1.0) > 0.06)
        painter.setPen(Qt.PenStyle.NoPen)
        groups: dict[tuple[str, str], list[QRectF]] = {}
        for node, card in scene.cards.items():
            groups.setdefault((card.look.severity, card.content.family), []).append(boxes[node])
        for (severity, family), rects in groups.items():
            painter.setBrush(_colour(severity, family, colours))
            painter.drawRects(rects)
        painter.end()
        return picture

    def _boxes(self, scale: float, origin: QPointF) -> dict[str, QRectF]:
        """Where the cards are on the map."""
        left, top, wide = origin.x(), origin.y(), max(2.0, CARD_WIDTH * scale)
        boxes: dict[str, QRectF] = {}
        for node, card in self._scene.cards.items():
            x, y = card.place
            boxes[node] = QRectF(x * scale + left, y * scale + top, wide, max(2.0, card.layout.height * scale))
        return boxes


def _colour(severity: str, family: str, colours: theme.Theme) -> QColor:
    """The colour of a block: red or amber where something is wrong, else that of the family, a little quieter."""
    if severity == "error":
        return colours.danger
    if severity == "warning":
        return colours.warning
    return mixed(colours.family(family), colours.panel, 0.25)
