"""The stack of what was done, for undo and redo."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from nnviz.project.edit_titles import title_of_step
from nnviz.project.edits import Edit, Several

LIMIT = 1000


@dataclass(frozen=True)
class Entry:
    """One step: the edit and the edit that takes it back.

    Attributes:
        time: When it was done, in seconds since 1970; of a gesture, when it ended.
    """

    edit: Edit
    inverse: Edit
    time: float = 0.0

    @property
    def title(self) -> str:
        """What the step did, for the menu."""
        return title_of_step(self.edit, self.inverse)


class History:
    """What was done, in order, with a mark between what can be undone and what can be redone.

    It holds no project and applies nothing: the Document does, and then says :meth:`undone` or :meth:`redone`.

    Position 0 is before the first step that is kept, position ``n`` behind the ``n``-th one.

    Args:
        limit: Number of steps that are kept; the oldest are forgotten first.
        clock: Tells the time of a step, in seconds since 1970.
    """

    def __init__(self, limit: int = LIMIT, clock: Callable[[], float] = time.time) -> None:
        if limit < 1:
            raise ValueError("A history keeps at least one step.")
        self._limit = limit
        self._clock = clock
        self._forgotten = 0
        self._entries: list[Entry] = []
        self._position = 0
        self._clean: int | None = 0
        self._open = False

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All steps, those that were undone included, the oldest first."""
        return tuple(self._entries)

    @property
    def position(self) -> int:
        """The number of steps that are done; those behind it were undone."""
        return self._position

    @property
    def clean_position(self) -> int | None:
        """The position at which the project is as it was saved; None where no step leads there any more."""
        return self._clean

    @property
    def limit(self) -> int:
        """Number of steps that are kept."""
        return self._limit

    @property
    def forgotten(self) -> int:
        """Number of steps that were too many and cannot be undone any more."""
        return self._forgotten

    @property
    def next_undo(self) -> Entry | None:
        """The step that undo would take back."""
        return self._entries[self._position - 1] if self._position > 0 else None

    @property
    def next_redo(self) -> Entry | None:
        """The step that redo would do again."""
        return self._entries[self._position] if self._position < len(self._entries) else None

    @property
    def is_clean(self) -> bool:
        """Whether the project is as it was when :meth:`mark_clean` was called last (or at the beginning)."""
        return self._clean == self._position

    def push(self, edit: Edit, inverse: Edit) -> None:
        """Takes a step that was just done; what could be redone is forgotten.

        A step of the same gesture as the last one is merged into it, unless the project was saved, or something was
        undone, in between.
        """
        del self._entries[self._position :]
        if self._clean is not None and self._clean > self._position:
            self._clean = None
        last = self.next_undo
        merged = last.edit.merge(edit) if last is not None and self._open and not self.is_clean else None
        if last is not None and merged is not None:
            self._entries[-1] = Entry(merged, _both(inverse, last.inverse), self._clock())
            return
        self._entries.append(Entry(edit, inverse, self._clock()))
        self._position += 1
        self._open = True
        if len(self._entries) > self._limit:
            del self._entries[0]
            self._forgotten += 1
            self._position -= 1
            if self._clean is not None:
                self._clean = self._clean - 1 if self._clean > 0 else None

    def undone(self) -> None:
        """The step :attr:`next_undo` was taken back."""
        if self._position == 0:
            raise IndexError("There is nothing to undo.")
        self._position -= 1
        self._open = False

    def redone(self) -> None:
        """The step :attr:`next_redo` was done again."""
        if self._position == len(self._entries):
            raise IndexError("There is nothing to redo.")
        self._position += 1
        self._open = False

    def way_to(self, position: int) -> tuple[Edit, ...]:
        """The edits that lead from here to another position, in the order in which they are applied.

        Raises:
            IndexError: There is no such position.
        """
        self._check(position)
        if position < self._position:
            return tuple(entry.inverse for entry in reversed(self._entries[position : self._position]))
        return tuple(entry.edit for entry in self._entries[self._position : position])

    def jumped(self, position: int) -> None:
        """The edits of :meth:`way_to` were applied.

        Raises:
            IndexError: There is no such position.
        """
        self._check(position)
        self._position = position
        self._open = False

    def _check(self, position: int) -> None:
        if not 0 <= position <= len(self._entries):
            raise IndexError(f"There is no position {position} in a history of {len(self._entries)} steps.")

    def mark_clean(self) -> None:
        """Remembers the present state as the one that was saved."""
        self._clean = self._position

    def mark_unsaved(self) -> None:
        """The project is saved nowhere, and no step leads to one that is."""
        self._clean = None


def _both(first: Edit, second: Edit) -> Edit:
    """The inverse of two merged steps: the later one is taken back first."""
    return first.joined(second) or Several((first, second), second.title, gesture=second.gesture)
