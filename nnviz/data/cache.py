"""A small memory for what was costly to make: the least recently used goes first, bounded in bytes, for any thread."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable


class Cache:
    """Keeps objects under keys until they take more than ``limit`` bytes together.

    An object larger than the limit is not kept. Making one is the caller's business and happens outside the lock: two
    threads that miss at once both make it, and the later one stays.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[object, int]] = OrderedDict()
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """Memory that everything in the cache takes together."""
        with self._lock:
            return self._bytes

    def __len__(self) -> int:
        with self._lock:
            return len(self._kept)

    def get(self, key: Hashable) -> object | None:
        """The object under ``key``, which becomes the most recently used; None where there is none."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def put(self, key: Hashable, value: object, size: int) -> None:
        """Keeps ``value`` under ``key`` and lets go of the longest unused until it fits."""
        with self._lock:
            if key in self._kept:
                self._bytes -= self._kept.pop(key)[1]
            if size > self.limit:
                return
            self._kept[key] = (value, size)
            self._bytes += size
            while self._bytes > self.limit:
                self._bytes -= self._kept.popitem(last=False)[1][1]

    def forget(self, key: Hashable) -> None:
        """Lets go of the object under ``key``, if there is one."""
        with self._lock:
            self._bytes -= self._kept.pop(key, (None, 0))[1]

    def clear(self) -> None:
        """Empties the cache, so that the next use of a data set reads it again."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0
