"""Remembers how a table was read, so that looking at it, choosing among its columns and loading it read it once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from nnviz.data.cache import Cache
from nnviz.data.remembered import remembers

if TYPE_CHECKING:
    from nnviz.data.table_of_file import FileTable
    from nnviz.data.table_taken import Taken

#: Seconds between two looks at whether somebody who waits still wants to.
_LOOK_EVERY = 0.1


class TableMemory:
    """The tables that were read last; for any thread. Whoever asks first reads, who asks meanwhile waits.

    Args:
        limit: Bytes that are kept of files as they were read, and as many of what was made of them.
    """

    def __init__(self, limit: int) -> None:
        self._reading = threading.Lock()
        self._tables = Cache(limit)
        self._taken = Cache(limit)

    def table(self, key: Hashable, read: Callable[[], FileTable]) -> FileTable:
        """The columns of a file; asked from within ``make`` of :meth:`taken`."""
        found = self._tables.get(key)
        if found is None:
            found = read()
            self._tables.put(key, found, int(found.frame.estimated_size()))
        return found  # type: ignore[return-value]  # nothing else is put there

    def taken(self, key: Hashable, make: Callable[[], Taken], wait: Callable[[], None]) -> Taken:
        """Inputs and targets of a table.

        Args:
            key: Says which file in which state, and what was chosen.
            make: Makes them.
            wait: Called now and then while somebody else reads; what it raises ends the waiting.
        """
        while not self._reading.acquire(timeout=_LOOK_EVERY):
            wait()
        try:
            found = self._taken.get(key)
            if found is None:
                found = make()
                self._taken.put(key, found, found.bytes)
            return found  # type: ignore[return-value]  # nothing else is put there
        finally:
            self._reading.release()

    def forget_table(self, key: Hashable) -> None:
        """The columns of a file have to be read again."""
        self._tables.forget(key)

    def forget_taken(self) -> None:
        """What was made of files has to be made, or opened, again."""
        self._taken.clear()

    def clear(self) -> None:
        """Forgets everything."""
        self._tables.clear()
        self._taken.clear()


#: Of this process.
MEMORY = TableMemory(limit=1 << 29)
remembers(MEMORY.forget_taken)
