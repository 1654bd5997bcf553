"""Parts of a window that are made when somebody asks for them first: most of a window is never looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

_Part = TypeVar("_Part")


class OnDemand(Mapping[str, _Part]):
    """Parts by key. Asking for one makes it, unless it is there already; asking for all of them makes all.

    What is told to all of them is told to those that are there, and to each other one as soon as it is made.

    Attributes:
        kinds: The classes by key, in their order: what is known of parts without making them.

    Args:
        kinds: Of what there is one part each.
        make: Makes a part and puts it into its place; it is kept here.
    """

    def __init__(self, kinds: Mapping[str, type[_Part]], make: Callable[[type[_Part]], _Part]) -> None:
        self.kinds = kinds
        self._make = make
        self._made: dict[str, _Part] = {}
        self._told: dict[str, Callable[[_Part], object]] = {}

    @property
    def made(self) -> dict[str, _Part]:
        """Those that are there, in the order in which they were made."""
        return dict(self._made)

    def tell(self, about: str, tell: Callable[[_Part], object]) -> None:
        """Tell all of them something.

        Args:
            about: What it is about: of what is told about the same, one that is made later hears only the last.
            tell: Called with each of them.
        """
        self._told[about] = tell
        for part in self.made.values():
            tell(part)

    def __getitem__(self, key: str) -> _Part:
        if key not in self._made:
            self._made[key] = part = self._make(self.kinds[key])
            for tell in list(self._told.values()):
                tell(part)
        return self._made[key]

    def __contains__(self, key: object) -> bool:
        return key in self.kinds  # without making it

    def __iter__(self) -> Iterator[str]:
        return iter(self.kinds)

    def __len__(self) -> int:
        return len(self.kinds)


def take_turn_after(before: QWidget, holder: QWidget) -> None:
    """Tab comes from one part of a window to one that has just been made, which Qt has put behind all else.

    Args:
        before: Behind which it has its turn, and behind what stands in it; in another window nothing is done.
        holder: All that was made last of its window stands in it, or is it.
    """
    made: list[QWidget] = []
    window = holder.window()
    widget = window.previousInFocusChain()
    while widget is holder or (widget is not None and holder.isAncestorOf(widget)):
        made.append(widget)
        widget = widget.previousInFocusChain()
    while not (widget is None or widget is window or _takes_keys_in(before, widget)):
        widget = widget.previousInFocusChain()
    if widget is None or widget is window:
        return
    for one in reversed(made):
        if one.focusPolicy() != Qt.FocusPolicy.NoFocus:  # Qt leaves all others where they are
            QWidget.setTabOrder(widget, one)
            widget = one


def _takes_keys_in(part: QWidget, widget: QWidget) -> bool:
    return widget.focusPolicy() != Qt.FocusPolicy.NoFocus and (widget is part or part.isAncestorOf(widget))


__all__ = ["OnDemand", "take_turn_after"]
