"""What a run says on a card at the step that is shown: the numbers that are written, and what of them is old."""

from __future__ import annotations

from dataclasses import replace

from nnviz.gui.canvas.cards.card_painter import CardReadings
from nnviz.gui.canvas.cards.card_pictures import picture_words
from nnviz.gui.canvas.cards.facts import CardFacts
from nnviz.gui.canvas.cards.live import LiveValues
from nnviz.gui.canvas.geometry import Level
from nnviz.record.age import ReadingShown
from nnviz.record.readings import ArrayReading, Scalar


def card_readings(live: LiveValues, facts: CardFacts, level: Level) -> tuple[CardReadings, tuple[ReadingShown, ...]]:
    """The live numbers of a card, and each that is written with the step it claims.

    Args:
        live: The run at its step.
        facts: Whose card it is.
        level: How much its picture shows.
    """
    old: set[str] = set()
    shown: list[ReadingShown] = []

    def note(name: str, reading: Scalar | ArrayReading, text: str, of: str = "") -> None:
        is_old = live.moment.is_old(reading.step, reading.series)
        shown.append(ReadingShown(reading.series, text, reading.step, is_old, of))
        if is_old:
            old.add(name)

    gradient, found = live.gradient_reading(facts), live.badge_reading(facts)
    quantity, badge = found if found is not None else (None, None)
    readings = CardReadings(
        gradient.value if gradient is not None else None, badge.value if badge is not None else None, quantity
    )
    if gradient is not None:
        note("gradient", gradient, readings.gradient_text, "members" if facts.members else "")
    if badge is not None:
        note("badge", badge, readings.badge_text(facts))
    picture = live.picture(facts)
    for reading, text, of in picture_words(facts, picture, live.dots(facts), level):
        note("picture", reading, text, of)
    return replace(readings, old=frozenset(old), own=live.is_own(picture)), tuple(shown)
