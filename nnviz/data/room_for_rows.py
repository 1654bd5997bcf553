"""Room on the disk for the sets that are kept there: those that were not used for longest go for new ones.

What is in use stays, whoever uses it: another nnviz, or this one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from nnviz import user_folders
from nnviz.data.folder_locks import is_held, is_used
from nnviz.data.remembered import forget_all
from nnviz.errors import StorageError
from nnviz.project.checks.memory import bytes_text

#: Bytes that all sets together may take; where more is wanted, those go that were not used for longest.
MOST_BYTES = 64 << 30
#: Bytes of the disk that are left to others.
LEFT_FREE = 256 << 20
#: Where what says that a set is whole lies while that is in doubt.
ASIDE = "leaving.json"
#: Seconds after which what an earlier version kept belongs to nobody.
_FORGOTTEN = 7 * 86_400.0
#: Seconds that a set may be used later than what is kept of it beside all sets.
_LATER = 86_400.0

#: Of one load, in one thread; see :func:`together`.
_siblings: ContextVar[set[Path] | None] = ContextVar("siblings", default=None)


@contextlib.contextmanager
def together() -> Iterator[None]:
    """Sets that are brought here, or opened, within it belong together: none of them goes to make room for another."""
    before = _siblings.get()
    token = _siblings.set(set() if before is None else before)
    try:
        yield
    finally:
        _siblings.reset(token)


def was_used(folder: Path) -> None:
    """A set was brought here or opened: within :func:`together` it does not go for another."""
    if (siblings := _siblings.get()) is not None:
        siblings.add(folder)


def make_room(folder: Path, needed: int, what: str, cure: str) -> None:
    """Lets the sets go that were not used for longest, until one has room; where it cannot have any, none goes.

    Args:
        folder: Of the set that needs it.
        needed: Bytes that it has not got yet.
        what: What it holds, and what that takes on the disk, as the beginning of a sentence.
        cure: What makes it smaller, as half a sentence.

    Raises:
        StorageError: It has none even then.
    """
    found = _made(folder, needed)
    if needed > found.bytes and found.sets_in_use:
        forget_all()
        found = _made(folder, needed)
    _forget_the_lost(folder.parent)
    if needed > found.bytes:
        raise StorageError(f"{what}, but {folder.parent} has room for {found.words}: {cure}{found.cure}.")


def leave_some(folder: Path, needed: int) -> None:
    """Sees to it that others keep their part of the disk, also where they fill it while something is written here.

    Raises:
        OSError: They would not, as if the disk were full.
    """
    if _free(folder) < needed + LEFT_FREE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@dataclass(frozen=True)
class _Room:
    """What a set has room for.

    Attributes:
        bytes: How much; below 0 where others have more than is meant for all.
        limited: By what all sets may take, rather than by the disk.
        sets_in_use: How many others cannot go.
        bytes_in_use: What these take.
    """

    bytes: int
    limited: bool
    sets_in_use: int
    bytes_in_use: int

    @property
    def words(self) -> str:
        """How much it is, and why it is not more."""
        words = bytes_text(max(self.bytes, 0))
        if self.sets_in_use:
            sets = "set that is" if self.sets_in_use == 1 else "sets that are"
            words += f" beside {self.sets_in_use:,} {sets} in use ({bytes_text(self.bytes_in_use)})"
        return f"{words}, as all sets together may take {bytes_text(MOST_BYTES)}" if self.limited else words

    @property
    def cure(self) -> str:
        """What else makes room."""
        closed = ", or close what is trained on them" if self.sets_in_use else ""
        return closed if self.limited else f"{closed}, or make room there"


def _made(folder: Path, needed: int) -> _Room:
    """Makes room where that is enough; says what there is, else what there would be."""
    others = _sets_in(folder.parent) - {folder}
    old = _sets_in(_root_of_earlier())
    taken = {one: _bytes_in(one) for one in (*others, *old, folder)}
    with contextlib.ExitStack() as held:
        # Those that nobody is importing or using, nor this load has just brought here: they can go.
        siblings = _siblings.get() or set()
        foreign = [one for one in sorted(others | old, key=_used) if one not in siblings]
        idle = [one for one in foreign if is_held(held, one) and not is_used(one)]
        in_use = set(foreign) - set(idle)
        rest = sum(taken.values()) - sum(taken[one] for one in idle)
        of_all, of_disk = MOST_BYTES - rest, _free(folder) + sum(taken[one] for one in idle) - LEFT_FREE
        if needed <= min(of_all, of_disk):
            # What the disk should have free: it says less while a process still uses what is deleted, or as long as it
            # is not done with that; and then no further set must go for it.
            free = _free(folder)
            for one in idle:
                enough = sum(taken.values()) + needed <= MOST_BYTES and free >= needed + LEFT_FREE
                if not enough or (one in old and time.time() - _used(one) > _FORGOTTEN):
                    _delete(one)
                    free += taken[one]
                    taken[one] = _bytes_in(one)
                    free -= taken[one]
            # A folder that could not be emptied after all, or a disk that others fill meanwhile.
            of_all, of_disk = MOST_BYTES - sum(taken.values()), _free(folder) - LEFT_FREE
    if old and not _sets_in(_root_of_earlier()):
        shutil.rmtree(_root_of_earlier(), ignore_errors=True)
    return _Room(min(of_all, of_disk), of_all < of_disk, len(in_use), sum(taken[one] for one in in_use))


def _delete(folder: Path) -> None:
    """Deletes a set, unless somebody began to use it after it was last looked at."""
    whole, aside = folder / "whole.json", folder / ASIDE
    with contextlib.suppress(OSError):
        whole.replace(aside)  # from here on nobody takes it for a whole one; who did before has said so
    if is_used(folder):
        with contextlib.suppress(OSError):
            aside.replace(whole)
        return
    shutil.rmtree(folder, ignore_errors=True)


def _root_of_earlier() -> Path:
    """Where earlier versions kept their sets, which nobody reads any more."""
    return user_folders.cache_folder() / "pictures"


def _sets_in(folder: Path) -> set[Path]:
    with contextlib.suppress(OSError):
        return {one for one in folder.iterdir() if one.is_dir() and not one.is_symlink()}
    return set()


def _forget_the_lost(folder: Path) -> None:
    """Deletes what is kept beside all sets of those that are gone: it was used last when its set was."""
    oldest = min((used for one in _sets_in(folder) if (used := _used(one))), default=time.time())
    with contextlib.suppress(OSError):
        for file in folder.glob("*.json"):
            with contextlib.suppress(OSError):
                if file.lstat().st_mtime < oldest - _LATER:
                    file.unlink()


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _used(folder: Path) -> float:
    """When a set was used last: opened, or worked on."""
    found = 0.0
    for name in ("whole.json", "progress", "rows", "pixels"):  # the last of earlier versions
        with contextlib.suppress(OSError):
            found = max(found, (folder / name).stat().st_mtime)
    return found


def _bytes_in(folder: Path) -> int:
    found = 0
    with contextlib.suppress(OSError):
        for file in folder.iterdir():
            with contextlib.suppress(OSError):
                facts = file.lstat()
                found += min(facts.st_size, getattr(facts, "st_blocks", facts.st_size) * 512)
    return found
