"""Tells things from each other that come and go: an address is used again once its owner has gone."""

from __future__ import annotations

import itertools
from weakref import WeakKeyDictionary


class Owners:
    """Runs, sessions and the like by number; it keeps none of them alive."""

    def __init__(self) -> None:
        self._numbers: WeakKeyDictionary[object, int] = WeakKeyDictionary()
        self._counted = itertools.count(1)

    def number(self, owner: object | None) -> int:
        """Tells it from all others that there ever were; 0 is none."""
        if owner is None:
            return 0
        number = self._numbers.get(owner)
        if number is None:
            number = self._numbers[owner] = next(self._counted)
        return number
