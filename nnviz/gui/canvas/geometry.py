"""Where things stand: the inside of a card, its ports, and the way a wire takes between two cards.

Everything is in scene units (one unit is one pixel at zoom 1) and depends on the document only, never on a measured
value: nothing jumps while a network trains.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import TypeAlias

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainterPath

from nnviz.project.drawing import layout

CARD_WIDTH = layout.CARD_WIDTH
CARD_RADIUS = 7.0
#: Height of the coloured edge at the top of a card.
EDGE_HEIGHT = 3.0
INSET = 10.0
PICTURE_TOP = 33.0
PICTURE_WIDTH = CARD_WIDTH - 2 * INSET
#: Pictures with two dimensions (images, feature maps, class bars) and with one (vectors).
TALL_PICTURE = 92.0
FLAT_PICTURE = 26.0
#: On the card of a group, which has two lines below it and stands no higher than other cards all the same.
GROUP_PICTURE = 76.0
#: The decision over the plane of two features, with the answer for the pinned example below it.
DECISION_PICTURE = 142.0
#: Class bars have rows of this height, so that their names can be read.
BAR_ROW = 12.0
#: Ports stand at the same height on every card, so that a row of unequal cards has straight wires.
PORT_Y = 58.0
PORT_SPACING = 17.0
PORT_RADIUS = 4.5
PORT_RADIUS_HOT = 7.0
#: Distance at which the mouse is on a port.
PORT_REACH = 11.0
#: Room around a card for its shadow and its frame.
CARD_MARGIN = 10.0
#: Steps between neighbouring cards, as ``project.layout`` lays them out.
PITCH_X = layout.CARD_WIDTH + layout.GAP_X
PITCH_Y = layout.CARD_HEIGHT + layout.GAP_Y
#: Room between two cards in a row.
GAP = PITCH_X - CARD_WIDTH
_GAP_RADIUS = 15.0
#: Distance between two ports, across, up to which a wire sweeps from one row to the next.
_LONGEST_SWEEP = 260.0
GRID = 22.0
#: Below this zoom cards are coloured titles; above the second they show more tiles and the value range.
FAR_ZOOM = 0.45
NEAR_ZOOM = 1.6


class Level(Enum):
    """How much a card shows."""

    FAR = "far"
    NORMAL = "normal"
    NEAR = "near"


def level_of(zoom: float) -> Level:
    """How much a card shows at this zoom."""
    if zoom < FAR_ZOOM:
        return Level.FAR
    return Level.NEAR if zoom > NEAR_ZOOM else Level.NORMAL


class Side(Enum):
    """The side of a card that a wire touches; the value is the direction outwards."""

    LEFT = (-1, 0)
    RIGHT = (1, 0)
    TOP = (0, -1)
    BOTTOM = (0, 1)

    @property
    def outwards(self) -> QPointF:
        """Unit vector away from the card."""
        return QPointF(*self.value)

    @property
    def opposite(self) -> Side:
        """The side across."""
        return Side((-self.value[0], -self.value[1]))


#: Where a card stands and how high it is: left, top and height, as plain numbers. A frame of a drag asks for hundreds,
#: and a rectangle of Qt costs more than what is reckoned from it.
Standing: TypeAlias = tuple[float, float, float]


@dataclass(frozen=True)
class CardLayout:
    """The places inside a card, relative to its top left corner.

    Attributes:
        gradient_bar: Only on layers with parameters, as is ``figures`` (their number and the gradient's magnitude).
        status: Line for the dead or saturated share or for a note; None where there is none.
    """

    height: float
    picture: QRectF
    gradient_bar: QRectF | None
    figures: QRectF | None
    status: QRectF | None

    @property
    def rect(self) -> QRectF:
        """The card itself."""
        return QRectF(0.0, 0.0, CARD_WIDTH, self.height)


@cache
def card_layout(picture_height: float, *, parameters: bool, status: bool) -> CardLayout:
    """The places inside a card with a picture of this height and these lines below it."""
    picture = QRectF(INSET, PICTURE_TOP, PICTURE_WIDTH, picture_height)
    y = picture.bottom()
    bar = figures = line = None
    if parameters:
        bar = QRectF(INSET, y + 6.0, PICTURE_WIDTH, 4.0)
        figures = QRectF(INSET, y + 13.0, PICTURE_WIDTH, 17.0)
        y = figures.bottom() - 6.0
    if status:
        line = QRectF(INSET, y + 6.0, PICTURE_WIDTH, 17.0)
        y = line.bottom() - 5.0
    return CardLayout(round(y + 13.0), picture, bar, figures, line)


def port_position(card: Standing, side: Side, index: int = 0, count: int = 1, beside: int = 0) -> QPointF:
    """The middle of a port on one side of a card in the scene; several ports are spread evenly.

    Args:
        card: Where the card stands.
        side: Its side.
        index: Which of the ports.
        count: How many there are of its kind, inputs or outputs.
        beside: So many ports of the other kind keep the middle of that side; these stand beside them.
    """
    left, top, height = card
    if side is Side.LEFT or side is Side.RIGHT:
        y = _along_side(top + PORT_Y, top + 8.0, top + height - 8.0, side, index, count, beside)
        return QPointF(left if side is Side.LEFT else left + CARD_WIDTH, y)
    x = _along_side(left + CARD_WIDTH / 2, left + 12.0, left + CARD_WIDTH - 12.0, side, index, count, beside)
    return QPointF(x, top if side is Side.TOP else top + height)


def _along_side(middle: float, low: float, high: float, side: Side, index: int, count: int, beside: int) -> float:
    """Where a port is along a side of a card, which has room for ports from ``low`` to ``high``; closer where many are.

    Where two cards feed each other, one has its inputs above its outputs and the other below: the wires do not cross.
    """
    long = (count - 1) * PORT_SPACING
    if beside:
        clear = (beside + 1) / 2 * PORT_SPACING
        above, below = middle - clear - low, high - middle - clear
        upper = above >= long if side in (Side.LEFT, Side.TOP) else below < long
        if min(above, below) < long:
            upper = above > below
        low, high = (low, middle - clear) if upper else (middle + clear, high)
        middle = high - long / 2 if upper else low + long / 2
    step = min(PORT_SPACING, max(0.0, high - low) / max(1, count - 1))
    first = min(max(middle - long / 2, low), high - (count - 1) * step)
    return first + index * step


def sides_between(source: Standing, target: Standing) -> tuple[Side, Side]:
    """The sides on which a wire leaves and enters.

    From left to right where it can; from right to left inside a row that runs backwards; straight down or up between
    cards above each other; otherwise out on the right, around, and in on the left.
    """
    left, top, height = source
    other_left, other_top, other_height = target
    across = other_left - left
    if across >= CARD_WIDTH - 4.0:
        return Side.RIGHT, Side.LEFT
    if across <= 4.0 - CARD_WIDTH and abs(other_top - top) < 0.5 * TALL_PICTURE:
        return Side.LEFT, Side.RIGHT
    if abs(across) < CARD_WIDTH / 2:
        if other_top >= top + height - 4.0:
            return Side.BOTTOM, Side.TOP
        if other_top + other_height <= top + 4.0:
            return Side.TOP, Side.BOTTOM
    return Side.RIGHT, Side.LEFT


def wire_path(
    start: QPointF,
    start_side: Side,
    end: QPointF,
    end_side: Side,
    *,
    around: float | None = None,
    turn: float | None = None,
) -> QPainterPath:
    """A smooth curve from port to port.

    Args:
        start: The output port.
        start_side: The side of the card on which it is.
        end: The input port.
        end_side: The side of the card on which that is.
        around: Height at which the wire runs when it must go around something: between two rows, or over the cards
            that stand in its way.
        turn: Place, from left to right, at which a long wire changes from one row to another.
    """
    out, into = start_side.outwards, end_side.outwards
    path = QPainterPath(start)
    if turn is not None:
        _rounded(path, start, [(turn, start.y()), (turn, end.y())], end, _GAP_RADIUS)
        return path
    if around is not None:
        _go_around(path, start, end, around)
        return path
    gap = end - start
    distance = abs(gap.x()) if out.x() else abs(gap.y())
    other = abs(gap.y()) if out.x() else abs(gap.x())
    if other < 0.5 and QPointF.dotProduct(gap, out) > 0:
        path.lineTo(end)
        return path
    reach = min(max(distance * 0.5, min(40.0, other * 0.6)), 160.0)
    path.cubicTo(start + out * reach, end + into * reach, end)
    return path


def _go_around(path: QPainterPath, start: QPointF, end: QPointF, height: float) -> None:
    """Out on the right, along at a height where no card is, in on the left."""
    if end.x() > start.x():
        out, into, radius = start.x() + GAP / 2, end.x() - GAP / 2, _GAP_RADIUS
    elif (
        start.x() - end.x() <= _LONGEST_SWEEP
        and abs(height - start.y()) <= PITCH_Y * 0.75
        and abs(height - end.y()) <= PITCH_Y * 0.75
    ):
        # From one row to the next there is room for one great sweep; a longer one would be so flat that it ran behind
        # the cards at its ends.
        reach = 84.0
        middle = QPointF((start.x() + end.x()) / 2, height)
        path.cubicTo(QPointF(start.x() + reach, start.y()), QPointF(start.x() + reach, height), middle)
        path.cubicTo(QPointF(end.x() - reach, height), QPointF(end.x() - reach, end.y()), end)
        return
    else:
        out, into, radius = start.x() + 34.0, end.x() - 34.0, 26.0
    corners = [(out, start.y()), (out, height), (into, height), (into, end.y())]
    _rounded(path, start, corners, end, radius)


def _rounded(
    path: QPainterPath, start: QPointF, corners: list[tuple[float, float]], end: QPointF, radius: float
) -> None:
    """Straight lines along the axes with rounded corners."""
    points = [(start.x(), start.y()), *corners, (end.x(), end.y())]
    for (before_x, before_y), (x, y), (after_x, after_y) in zip(points, points[1:], points[2:], strict=False):
        first, second = abs(x - before_x) + abs(y - before_y), abs(after_x - x) + abs(after_y - y)
        # As a share of the line to the corner, and of that from it.
        back, on = min(radius, first / 2) / (first or 1.0), min(radius, second / 2) / (second or 1.0)
        path.lineTo(x - (x - before_x) * back, y - (y - before_y) * back)
        path.quadTo(x, y, x + (after_x - x) * on, y + (after_y - y) * on)
    path.lineTo(*points[-1])


def arrow_head(path: QPainterPath, end: QPointF, end_side: Side, size: float = 1.0) -> None:
    """Add the small chevron that shows which way a wire runs; ``size`` times as large for a wide one."""
    into_x, into_y = end_side.value
    tip_x, tip_y = end.x() + 2.0 * into_x, end.y() + 2.0 * into_y
    back_x, back_y, wide_x, wide_y = 5.0 * size * into_x, 5.0 * size * into_y, 4.0 * size * into_y, 4.0 * size * into_x
    path.moveTo(tip_x + back_x + wide_x, tip_y + back_y + wide_y)
    path.lineTo(tip_x, tip_y)
    path.lineTo(tip_x + back_x - wide_x, tip_y + back_y - wide_y)


def row_gap(source: QRectF, target: QRectF, between: Iterable[QRectF]) -> float:
    """Height at which a wire runs that goes back to an earlier column.

    The middle of the widest room that no card takes between the two, the one nearest to the target where several are
    as wide; below or above everything where there is none.

    Args:
        source: The card that it leaves.
        target: The card to which it goes.
        between: Cards that stand between the two columns.
    """
    upper, lower = (source, target) if source.top() <= target.top() else (target, source)
    taken = sorted((rect.top(), rect.bottom()) for rect in between)
    rooms: list[tuple[float, float]] = []
    top = upper.bottom()
    for high, low in taken:
        if high - top >= 12.0 and high <= lower.top() + 1.0:
            rooms.append((top, high))
        top = max(top, low)
    if lower.top() - top >= 12.0:
        rooms.append((top, lower.top()))
    if rooms:
        widest = max(bottom - top for top, bottom in rooms)
        wide = [room for room in rooms if room[1] - room[0] > 0.6 * widest]
        top, bottom = min(wide, key=lambda room: abs((room[0] + room[1]) / 2 - target.top()))
        return (top + bottom) / 2
    return max([upper.bottom(), lower.bottom(), *(bottom for _, bottom in taken)]) + 26.0


def over_cards(source: QRectF, target: QRectF, blockers: Iterable[QRectF]) -> float:
    """Height above the cards that stand between two others."""
    return min(rect.top() for rect in (source, target, *blockers)) - 24.0
