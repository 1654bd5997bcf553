"""What was changed by hand while a run trained, as timeline and curves mark it: one mark a step, with its words."""

from __future__ import annotations

from typing import NamedTuple

from nnviz.gui.look.theme import format_count
from nnviz.record.run import RunView

#: Lines that one tip has room for.
_MOST_LINES = 8


class EventMark(NamedTuple):
    """All that was changed at one step.

    Attributes:
        step: The last one that was made before; what was changed holds from the next one on.
        text: What it was, a line a setting, and what it is.
    """

    step: int
    text: str


def event_marks(run: RunView) -> tuple[EventMark, ...]:
    """The marks of a run, by their steps."""
    by_step: dict[int, list[str]] = {}
    for event in run.events():
        by_step.setdefault(max(event.step, 0), []).append(event.text)
    return tuple(EventMark(step, _told(step, texts)) for step, texts in sorted(by_step.items()))


def _told(step: int, texts: list[str]) -> str:
    lines = [f"Changed after step {format_count(step)}", *texts[:_MOST_LINES]]
    if len(texts) > _MOST_LINES:
        lines.append(f"and {len(texts) - _MOST_LINES} more")
    return "\n".join(lines)
