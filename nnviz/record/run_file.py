"""A run's file in the hands of its one writer: made, locked, written, and watched, so that its loss is noticed.

SQLite goes on writing into a file that was removed, moved or replaced, and says nothing. So which file it is (device
and inode, on Windows the volume and the file's index) and what was left in it is compared before each transaction.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from nnviz.errors import StorageError
from nnviz.record import file_format as form
from nnviz.record.pending import Pending
from nnviz.record.places import COMPANIONS, clear_companions
from nnviz.record.run import RunInfo
from nnviz.record.run_lock import RunLock
from nnviz.record.tables import Tables
from nnviz.record.versions import raise_to_resume
from nnviz.regular_files import identity

#: What of SQLite's header is compared where somebody else has written into the file.
_HEADER = 100
#: SQLite's primary result codes for a file that is broken, for a disk that is full, and for a file in others' hands.
_DAMAGE = {11, 26}  # SQLITE_CORRUPT, SQLITE_NOTADB
_FULL = 13
_LOCKED = {5, 6}  # SQLITE_BUSY, SQLITE_LOCKED
#: The same of the system, where it is not SQLite that writes.
_FULL_NUMBERS = {errno.ENOSPC, errno.EDQUOT}


class RunFileExists(StorageError):
    """There is a file already under the name that a new run was to have."""


class RunFile:
    """One run file, open for writing. Used by one thread at a time.

    Args:
        path: An existing run file; one of an older version is raised to the one that is written.
        lock: Its lock; given back by :meth:`close`.

    Raises:
        OSError, sqlite3.Error: It cannot be written.
        RunFileError: What is in it is damaged, or of a version whose runs can only be looked at.
    """

    def __init__(self, path: Path, lock: RunLock) -> None:
        self.path = path
        self._lock = lock
        self._connection: sqlite3.Connection | None = None
        self._tables: Tables | None = None
        # Held for as long as SQLite has the file open, and closed after it: closing any descriptor of a file takes
        # away the locks that this process has on it (POSIX).
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self._beside: dict[str, tuple[int, int]] = {}
        self._size = self._modified = 0
        self._touched = self._broken = False
        self._header = b""
        try:
            # Numbers are not given out again while the descriptor is open.
            there = path.stat()
            self._identity = there.st_dev, there.st_ino
            self.note()
            self._connect()
        except BaseException:
            self._let_go()
            raise

    @classmethod
    def new(cls, path: Path, info: RunInfo, lock: RunLock) -> RunFile:
        """A new run file without anything in it but what it is a run of.

        Raises:
            RunFileExists: There is something already; it is left alone.
            OSError, sqlite3.Error: It cannot be made.
        """
        with new_database(path) as connection:
            write_schema(connection, info)
        return cls(path, lock)

    # -- writing ------------------------------------------------------------------------------------------------------

    def write(self, batch: Pending, state: bytes) -> None:
        """Writes a batch of readings in one transaction: wholly or not at all.

        Raises:
            OSError, sqlite3.Error: Nothing of it was written; :meth:`disconnect` before the next.
        """
        if self._tables is None:
            self._connect()
        assert self._tables is not None
        try:
            self._tables.write(batch, state)
        except (OSError, sqlite3.Error):
            raise  # what is in the file may have to be copied out of it first
        except BaseException:  # such as MemoryError, which SQLite raises too: the tables remember what was taken back
            self.disconnect()
            raise
        self.note()

    def disconnect(self) -> None:
        """After an error: the next transaction begins with a new connection."""
        connection, self._connection, self._tables = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()
        with contextlib.suppress(OSError):
            self.note()  # closing has written too

    def copy_into(self, connection: sqlite3.Connection) -> None:
        """Everything that is in the file, also where it has no name any more.

        Raises:
            sqlite3.Error: It cannot be read, or the copy cannot be written.
        """
        if self._connection is not None:
            self._connection.backup(connection)
        elif self.is_mine:  # it can perhaps still be read
            self._copy_closed_into(connection)
        else:
            raise sqlite3.OperationalError("the file is not open any more")
        if not _is_sound(connection):
            raise sqlite3.DatabaseError("the copy is damaged")

    def _copy_closed_into(self, connection: sqlite3.Connection) -> None:
        """The same once SQLite has let the file go."""
        try:
            with contextlib.closing(sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True)) as reader:
                reader.backup(connection)
        except sqlite3.OperationalError:
            # For a log that is left beside it SQLite makes an index, which a full disk has no room for. Whoever has
            # the file alone needs none.
            try:
                with contextlib.closing(sqlite3.connect(f"{self.path.as_uri()}?mode=rw", uri=True)) as reader:
                    reader.execute("PRAGMA locking_mode = EXCLUSIVE")
                    reader.backup(connection)
            finally:
                with contextlib.suppress(OSError):
                    self.note()  # closing it may have put the log into the file

    # -- watching -----------------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """Bytes of the file, and of the log beside it."""
        log = 0
        with contextlib.suppress(OSError):
            log = Path(f"{self.path}-wal").stat().st_size
        return self._size + log

    @property
    def is_mine(self) -> bool:
        """Whether the file at the path is this one."""
        try:
            there = self.path.stat()
        except PermissionError:  # it is not known; what is open is written on
            return True
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == self._identity

    def lost(self) -> str:
        """What has happened to the file, to follow its name in a sentence; empty while it is where it belongs."""
        if self.is_mine:
            return ""
        if os.path.lexists(self.path):
            return "was replaced by another file"
        if not os.path.lexists(self.path.parent):  # unlike exists() of a path it passes no error of the disk on
            return "is gone with its folder"
        try:
            return "was moved away" if os.fstat(self._descriptor).st_nlink else "was removed"
        except OSError as error:
            return f"cannot be reached any more ({error.strerror or error})"

    def damaged(self) -> str:
        """What somebody else has done to what is in it, likewise."""
        if self._broken:
            return "was overwritten"
        try:
            facts = os.fstat(self._descriptor)
            if facts.st_size < self._size:
                return "was cut off"
            if facts.st_mtime_ns == self._modified:
                return ""
            if self._read_header() != self._header:
                return "was overwritten"
        except OSError as error:
            return f"cannot be read any more ({error.strerror or error})"
        # Only touched, it seems. Disks that tell the time late look the same: the whole is looked through once, at the
        # end.
        self._touched, self._modified = True, facts.st_mtime_ns
        return ""

    def mend(self) -> str:
        """Make SQLite's log beside the file anew where it was taken away; what was done, or nothing.

        What is in a log without a name is seen by nobody else, and would be gone with this process.

        Raises:
            OSError, sqlite3.Error: It cannot be written; :meth:`disconnect`.
        """
        if self._connection is None or all(self._companion(suffix) == at for suffix, at in self._beside.items()):
            return ""
        busy, total, done = self._connection.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
        if busy or total != done:
            return ""  # somebody reads: at the next look
        connection, self._connection, self._tables = self._connection, None, None
        connection.close()
        self._remove_companions()  # whatever lies there now is not of this file
        self._connect()
        return "had lost the log beside it, which was begun anew; nothing is missing"

    def note(self) -> None:
        """Remember how the file was left: what is found otherwise later was somebody else's doing."""
        facts = os.fstat(self._descriptor)
        self._size, self._modified = facts.st_size, facts.st_mtime_ns
        self._header = self._read_header()
        if not self._beside:
            found = {suffix: self._companion(suffix) for suffix in COMPANIONS[:2]}
            self._beside = {suffix: at for suffix, at in found.items() if at is not None}

    # -- ending -------------------------------------------------------------------------------------------------------

    def finish(self) -> str:
        """Leave a single file. Not while somebody still reads it: then the log stays beside it, and nothing is lost.

        Where somebody has touched it, it is looked through first; :meth:`damaged` has the answer.

        Returns:
            What went wrong, to follow the file's name in a sentence; empty where nothing did.
        """
        connection = self._connection
        if connection is None:
            return ""
        if self._touched and not _is_sound(connection):
            self._broken = True
            return ""
        try:
            connection.execute("PRAGMA busy_timeout = 500")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as error:
            if "locked" not in str(error):
                return f"is whole only together with {self.path.name}-wal beside it ({error})"
        self._beside = {}
        with contextlib.suppress(OSError):
            self.note()
        return ""

    def close(self, *, remove: bool = False) -> None:
        """Let go of the file and of its lock.

        Args:
            remove: Take it away as well, if it is still the same.
        """
        self._let_go(remove=remove and self.is_mine)

    def leave(self, *, keep_log: bool) -> None:
        """Let go of a file that was lost: what is at its path now is somebody else's.

        Args:
            keep_log: False where what lies in the log must not be written into the file: somebody put another's
                content there.
        """
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error, AttributeError):
                if keep_log:  # so that a file which was moved away is whole, wherever it is
                    self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                else:  # from Python 3.12 on
                    self._connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)  # type: ignore[attr-defined, unused-ignore]
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = self._tables = None
        self._remove_companions()  # beside another file they would be taken for its own
        self._let_go()

    # -- inside -------------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        if not self.is_mine:
            raise FileNotFoundError(f"{self.path} was moved or removed")
        connection = sqlite3.connect(
            f"{self.path.as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False, timeout=5.0
        )
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("BEGIN IMMEDIATE")  # said here, and not in the middle of the training
            connection.execute("ROLLBACK")
            raise_to_resume(connection, str(self.path))
            self._tables = Tables(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self._beside = {}
        self.note()

    def _read_header(self) -> bytes:
        os.lseek(self._descriptor, 0, os.SEEK_SET)  # Windows has no pread
        return os.read(self._descriptor, _HEADER)

    def _companion(self, suffix: str) -> tuple[int, int] | None:
        return identity(Path(f"{self.path}{suffix}"))

    def _remove_companions(self) -> None:
        with contextlib.suppress(OSError):
            clear_companions(self.path)

    def _let_go(self, *, remove: bool = False) -> None:
        connection, self._connection, self._tables = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()
        with contextlib.suppress(OSError):
            os.close(self._descriptor)
        if remove:
            with contextlib.suppress(OSError):
                self.path.unlink()
            self._remove_companions()
        self._lock.release()


@contextmanager
def new_database(path: Path) -> Iterator[sqlite3.Connection]:
    """A new SQLite file that is made whole under another name and then put in place: it is never seen half made.

    Only whoever holds the lock of the path may do this. What a deleted run left beside it is cleared away.

    Raises:
        RunFileExists: There is something at the path; it is left alone.
        OSError, sqlite3.Error: It cannot be made.
    """
    if os.path.lexists(path):
        raise _exists(path)
    clear_companions(path)
    _clear_parts(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        connection = sqlite3.connect(part, isolation_level=None, check_same_thread=False)
        try:
            yield connection
            connection.execute("PRAGMA journal_mode = DELETE")  # a copied file may have had a log
        finally:
            connection.close()
        _place(part, path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
            clear_companions(part)


def write_schema(connection: sqlite3.Connection, info: RunInfo) -> None:
    """Makes the tables of a run in a database that has none yet.

    Raises:
        sqlite3.Error: It cannot be written.
    """
    connection.execute("PRAGMA page_size = 8192")
    connection.execute(f"PRAGMA application_id = {form.APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {form.VERSION}")
    connection.execute("BEGIN")
    for statement in form.SCHEMAS[form.VERSION]:
        connection.execute(statement)
    facts = {
        "info": msgspec.json.encode(msgspec.structs.replace(info, project_json=b"")),
        "project": info.project_json,
        "state": b"{}",
        "rewinds": b"0",
    }
    connection.executemany("INSERT INTO facts VALUES (?, ?)", facts.items())
    connection.execute("COMMIT")


def _is_sound(connection: sqlite3.Connection) -> bool:
    try:
        return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.Error as error:
        return not is_damage(error)


def is_damage(error: Exception) -> bool:
    """Whether SQLite says that the file is broken, and not that it cannot be written just now."""
    return _primary_code(error) in _DAMAGE


def is_full(error: Exception) -> bool:
    """Whether SQLite, or the system, says that the disk is full."""
    return _primary_code(error) == _FULL or getattr(error, "errno", None) in _FULL_NUMBERS


def is_locked(error: Exception) -> bool:
    """Whether SQLite says that somebody else has the file in use."""
    return _primary_code(error) in _LOCKED


def _primary_code(error: Exception) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _exists(path: Path) -> RunFileExists:
    return RunFileExists(f"{path} exists already: choose another name for the run, or remove it.")


def _clear_parts(path: Path) -> None:
    """What was left of attempts to make this file: whoever made them is gone, the lock says so."""
    leftover = re.compile(re.escape(f".{path.name}.") + r"\d+\.part(-wal|-shm|-journal)?")
    for other in path.parent.iterdir():
        if leftover.fullmatch(other.name):
            with contextlib.suppress(OSError):
                other.unlink()


def _place(part: Path, path: Path) -> None:
    """Give the file its name, unless something else has that by now."""
    try:
        if os.name == "nt":
            part.rename(path)  # does not replace
            return
        os.link(part, path)
    except FileExistsError:
        raise _exists(path) from None
    except OSError:  # a disk without hard links
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
        except FileExistsError:
            raise _exists(path) from None
        part.replace(path)
