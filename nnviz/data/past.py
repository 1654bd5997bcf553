"""States that were there before, to go back to and forward again: the history of one thing that a hand changes."""

from __future__ import annotations

from typing import Generic, TypeVar

_State = TypeVar("_State")


class Past(Generic[_State]):
    """What was there before each change, the newest last, and what was taken back.

    Args:
        most: States that are kept; the oldest go.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._before: list[_State] = []
        self._after: list[_State] = []
        self._gesture = ""

    def remember(self, state: _State, gesture: str = "") -> None:
        """This is what is changed now.

        Args:
            state: As it is before the change; nothing may write to it any more.
            gesture: Changes of one name that follow each other are one step, as while a slider is dragged; without a
                name each is one.
        """
        self._after.clear()
        if gesture and gesture == self._gesture:
            return
        self._gesture = gesture
        self._before.append(state)
        del self._before[: -self._most]

    def back(self, present: _State) -> _State | None:
        """What was there before the last change; None where there was none. ``present`` is kept to be made again."""
        return self._go(self._before, self._after, present)

    def forward(self, present: _State) -> _State | None:
        """What was taken back last; None where nothing was, or something else was changed since."""
        return self._go(self._after, self._before, present)

    def _go(self, source: list[_State], target: list[_State], present: _State) -> _State | None:
        self._gesture = ""
        if not source:
            return None
        target.append(present)
        return source.pop()
