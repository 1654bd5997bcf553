"""Opens what claims to be a run file, trusting nothing in it.

The marks in SQLite's header are checked before SQLite sees the file; then the schema is compared word for word before
any table is read. The connection is read-only.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nnviz.errors import DamagedRun, RunFileError
from nnviz.record import file_format as form
from nnviz.record.run_file import is_damage
from nnviz.record.versions import check_replayable

#: What SQLite raises over a broken file; it quotes names from the file in its messages, and those may be anything.
BROKEN = (sqlite3.Error, UnicodeError)


def damaged_file(path: Path, error: Exception) -> RunFileError:
    """The error for a file that SQLite cannot read, in one line whatever stands in it.

    It is a :class:`DamagedRun` where that lies in the file itself, and not in a disk that does not answer.
    """
    reason = "".join(character if character.isprintable() else "?" for character in str(error)[:200])
    if isinstance(error, UnicodeError) or not reason:
        reason = "a text in it is not readable"
    kind = DamagedRun if isinstance(error, UnicodeError) or is_damage(error) else RunFileError
    return kind(f"The run file is damaged ({reason}).", file=str(path))


class OpenFile:
    """A run file that is looked at beside SQLite's own connection, for as long as that is open.

    Closing any descriptor of a file gives up what locks this process has on it (POSIX), and another part of the program
    may be writing it: so one is opened once, and closed last.

    Raises:
        RunFileError: There is no such file, or it is none that can be read.
    """

    def __init__(self, path: Path, shown: Path) -> None:
        self._path, self._shown = path, shown
        file = str(shown)
        try:
            _refuse_other_kinds(path.stat().st_mode, file)  # opening a pipe would wait for ever
            flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
            self._stream = os.fdopen(os.open(path, flags), "rb", buffering=0)
            try:
                _refuse_other_kinds(os.fstat(self._stream.fileno()).st_mode, file)  # it may be another one by now
                self._size = 0
                self.check_header()
            except BaseException:
                self.close()
                raise
        except FileNotFoundError:
            raise RunFileError("There is no such run file.", file=file) from None
        except OSError as error:
            raise RunFileError(f"The run file cannot be read: {error.strerror or error}.", file=file) from None

    def close(self) -> None:
        """Let the file go, after the connection."""
        self._stream.close()

    def check_whole(self) -> None:
        """Whether it still begins as a run does and has not become shorter; SQLite itself reads only what has changed.

        Raises:
            RunFileError: It was written over or cut off.
        """
        try:
            size = self.check_header()
        except OSError as error:
            raise RunFileError(
                f"The run file cannot be read: {error.strerror or error}.", file=str(self._shown)
            ) from None
        if size < self._size:
            raise RunFileError(
                f"The run file was cut off: {size} of {self._size} bytes are there.", file=str(self._shown)
            )
        self._size = size

    def check_header(self) -> int:
        """Looks at marks, version and size in SQLite's own header, without SQLite; returns the size in bytes."""
        self._stream.seek(0)
        header, size = self._stream.read(100) or b"", os.fstat(self._stream.fileno()).st_size
        _check_header(header, size, self._path, self._shown)
        return size


@contextmanager
def checked_connection(path: Path) -> Iterator[tuple[sqlite3.Connection, OpenFile]]:
    """A read-only connection to what is certainly a run file of a version that can be read, and the file beside it.

    Raises:
        RunFileError: It is not.
    """
    found = _resolved(path)
    file = OpenFile(found, path)
    try:
        connection = _connect(found, path)
        try:
            _check_schema(connection, path)
            yield connection, file
        finally:
            connection.close()
    finally:
        file.close()


def _resolved(path: Path) -> Path:
    """The absolute path without links: beside that one SQLite looks for its log."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links, a name that cannot be one
        raise RunFileError("The run file cannot be read: this is not a path to a file.", file=str(path)) from None


def _check_header(header: bytes, size: int, path: Path, shown: Path) -> None:
    file = str(shown)
    for ending in ("-wal", "-shm", "-journal"):
        beside = path.with_name(path.name + ending)
        facts = _lstat(beside)
        if facts is not None and not stat.S_ISREG(facts.st_mode):
            raise RunFileError(
                f"The run file cannot be read: {beside.name}, which lies beside it, is not a file.", file=file
            )
    if not header:
        raise RunFileError("The run file is empty.", file=file)
    if not header.startswith(b"SQLite format 3\0"[: len(header)]):
        raise RunFileError("This is not a run of nnviz.", file=file)
    if len(header) < 100:
        raise RunFileError("The run file is cut off.", file=file)
    page, version, application = struct.unpack(">16xH42xI4xI28x", header)
    pages, changes, valid_for = struct.unpack(">28xI", header[:32])[0], header[24:28], header[92:96]
    if application != form.APPLICATION_ID:
        raise RunFileError("This is an SQLite file, but not a run of nnviz.", file=file)
    check_replayable(version, file)
    page = 65536 if page == 1 else page
    if changes == valid_for and size < pages * page and not _has_log(path):
        raise RunFileError(f"The run file is cut off: {size} of {pages * page} bytes are there.", file=file)


def _refuse_other_kinds(mode: int, file: str) -> None:
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "a pipe, a socket or a device"
        raise RunFileError(f"The run file cannot be read: it is {what}, not a file.", file=file)


def _has_log(path: Path) -> bool:
    facts = _lstat(path.with_name(path.name + "-wal"))
    return facts is not None and facts.st_size > 0


def _lstat(path: Path) -> os.stat_result | None:
    """What lies there; None where nothing does, or not any more: SQLite takes its log away with the last reader."""
    try:
        return path.lstat()
    except FileNotFoundError:
        return None


def _connect(path: Path, shown: Path) -> sqlite3.Connection:
    """Read-only; where SQLite may not even make its lock file (a read-only folder), as a file that nobody changes."""
    problem: Exception = sqlite3.DatabaseError()
    for mode in ("mode=ro", "mode=ro&immutable=1"):
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(
                f"{path.as_uri()}?{mode}", uri=True, isolation_level=None, check_same_thread=False, timeout=2.0
            )
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA cell_size_check = ON")
            # Reading mapped memory behind the end of a file that was cut off meanwhile would end the process.
            connection.execute("PRAGMA mmap_size = 0")
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 2**28)
            connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return connection
        except BROKEN as error:
            problem = error
            if connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    connection.close()
            if "unable to open" not in str(error) and "readonly" not in str(error):
                break
    raise damaged_file(shown, problem)


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Exactly the tables and indexes of a run: no view, no trigger, nothing that could run."""
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master LIMIT 100").fetchall()
    except BROKEN as error:
        raise damaged_file(path, error) from None
    found = {sql for _, _, sql in rows if sql is not None}
    own_indexes = all(
        kind == "index" and str(name).startswith("sqlite_autoindex_") for kind, name, sql in rows if sql is None
    )
    if found != set(form.SCHEMAS.get(version, ())) or not own_indexes or len(rows) > 100 - 1:
        raise RunFileError("This is not a run of nnviz: it holds other tables than a run has.", file=str(path))
