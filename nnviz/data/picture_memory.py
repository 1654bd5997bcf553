"""Remembers how a folder of pictures was read, so that looking at it and loading it read it once and say the same.

Only reading tells which pictures are damaged and what numbers deep ones hold. Whoever asks first reads; who asks
meanwhile waits. The pixels are kept for the one who loads them, until then or until another folder is read.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace

import numpy as np

from nnviz.data.images import MOST_BYTES, ReadPictures
from nnviz.data.remembered import remembers

#: Sets of which it is remembered what was left out of them.
_MOST = 16
#: Seconds between two looks at whether somebody who waits still wants to.
_LOOK_EVERY = 0.1


class PictureMemory:
    """What was read last; for any thread.

    Args:
        limit: Bytes of pixels that are kept until they are loaded.
    """

    def __init__(self, limit: int = MOST_BYTES) -> None:
        self._limit = limit
        self._reading = threading.Lock()
        self._told: OrderedDict[Hashable, ReadPictures] = OrderedDict()
        self._pixels: tuple[Hashable, ReadPictures] | None = None

    def about(
        self, key: Hashable, read: Callable[[], ReadPictures], wait: Callable[[], None], *, again: bool = True
    ) -> ReadPictures:
        """How a set was read, its pixels perhaps gone.

        Args:
            key: Says which pictures, in which state of their files, and how they are read.
            read: Reads them.
            wait: Called now and then while somebody else reads; what it raises ends the waiting.
            again: Whether it is read once more if a picture that could not be reached can be by now.
        """
        self._take_turn(wait)
        try:
            told = self._told.get(key)
            if told is None or (again and told.outdated):
                told = self._remember(key, read(), keep=True)
            self._told.move_to_end(key)
            return told
        finally:
            self._reading.release()

    def take(self, key: Hashable, read: Callable[[], ReadPictures], wait: Callable[[], None]) -> ReadPictures:
        """The set with its pixels, which are no longer kept; arguments as of :meth:`about`."""
        self._take_turn(wait)
        try:
            kept, self._pixels = self._pixels, None
            found = kept[1] if kept is not None and kept[0] == key else read()
            self._remember(key, found, keep=False)
            return found
        finally:
            self._reading.release()

    def forget_stored(self) -> None:
        """Lets go of pixels that lie on the disk; in whatever thread, and while somebody reads."""
        kept = self._pixels
        if kept is not None and not isinstance(kept[1].pixels, np.ndarray):
            self._pixels = None

    def clear(self) -> None:
        """Forgets everything."""
        with self._reading:
            self._told.clear()
            self._pixels = None

    def _take_turn(self, wait: Callable[[], None]) -> None:
        while not self._reading.acquire(timeout=_LOOK_EVERY):
            wait()

    def _remember(self, key: Hashable, found: ReadPictures, *, keep: bool) -> ReadPictures:
        if keep:
            held = found.pixels.nbytes if isinstance(found.pixels, np.ndarray) else 0
            self._pixels = (key, found) if held <= self._limit else None
        told = self._told[key] = replace(found, pixels=np.empty((0, *found.pixels.shape[1:]), np.uint8))
        while len(self._told) > _MOST:
            self._told.popitem(last=False)
        return told


#: Of this process.
MEMORY = PictureMemory(limit=1 << 30)
remembers(MEMORY.forget_stored)
