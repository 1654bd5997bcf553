"""Where a new card goes: never on top of another one."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPointF, QRectF

from nnviz.gui.canvas.geometry import CARD_WIDTH, PICTURE_TOP, PITCH_X, PITCH_Y, TALL_PICTURE

#: Room that a new card is given, whatever its height will be.
NEW_CARD = QRectF(0.0, 0.0, CARD_WIDTH, PICTURE_TOP + TALL_PICTURE + 40.0)
_CLEARANCE = 12.0


def free_place(wanted: QPointF, taken: Mapping[str, QRectF], *, beside: bool = False) -> QPointF:
    """The nearest free place to the one that is wanted.

    Args:
        wanted: Top left corner of the card.
        taken: The cards that stand already, by node id.
        beside: The card follows another one: look below first, so that it stays in the column after it.
    """
    if _is_free(wanted, taken):
        return wanted
    steps = range(1, 60)
    if beside:
        for step in steps:
            place = wanted + QPointF(0.0, step * PITCH_Y)
            if _is_free(place, taken):
                return place
    for ring in steps:
        around = [
            QPointF(across * PITCH_X, down * PITCH_Y)
            for down in range(-ring, ring + 1)
            for across in range(-ring, ring + 1)
            if max(abs(across), abs(down)) == ring
        ]
        around.sort(key=lambda by: (by.x() ** 2 + by.y() ** 2, by.y() < 0, by.x() < 0))
        for by in around:
            if _is_free(wanted + by, taken):
                return wanted + by
    return wanted


def _is_free(place: QPointF, taken: Mapping[str, QRectF]) -> bool:
    rect = NEW_CARD.translated(place).adjusted(-_CLEARANCE, -_CLEARANCE, _CLEARANCE, _CLEARANCE)
    return not any(rect.intersects(other) for other in taken.values())


def room_between(
    source: QRectF, target: QRectF, taken: Mapping[str, QRectF], target_id: str
) -> tuple[QPointF, dict[str, tuple[float, float]]] | None:
    """Where a card goes between two neighbours in a row, and which cards of the row move on to make room.

    None where the two do not stand in one row.
    """
    if abs(source.top() - target.top()) > TALL_PICTURE / 2:
        return None
    direction = 1.0 if target.left() >= source.right() - 4.0 else -1.0 if target.right() <= source.left() + 4.0 else 0.0
    if direction == 0.0:
        return None
    gap = target.left() - source.left() if direction > 0 else source.left() - target.left()
    spare = gap - 2 * CARD_WIDTH
    if spare >= CARD_WIDTH + 24.0:
        return QPointF((source.left() + target.left()) / 2, source.top()), {}
    place = QPointF(source.left() + direction * PITCH_X, source.top())
    if spare >= CARD_WIDTH:
        return QPointF((source.left() + target.left()) / 2, source.top()), {}
    by = direction * (2 * PITCH_X - gap)
    band = QRectF(source.left(), min(source.top(), target.top()), 1.0, max(source.height(), target.height()))
    moves: dict[str, tuple[float, float]] = {}
    for node, rect in taken.items():
        beyond = (rect.left() - source.left()) * direction > 4.0
        in_row = rect.top() < band.bottom() and rect.bottom() > band.top()
        if node == target_id or (beyond and in_row):
            moves[node] = (rect.left() + by, rect.top())
    return place, moves
