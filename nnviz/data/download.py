"""Downloads a file so that it is whole or absent: progress, cancel, resume, checksum, written beside and renamed."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http
import http.client
import os
import queue
import shutil
import tarfile
import threading
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from nnviz import __version__
from nnviz.errors import DataError, StorageError
from nnviz.regular_files import is_regular, open_regular, open_regular_to_write

#: (bytes that are here, bytes there are or 0 where the server does not say); raises Cancelled to stop.
Report = Callable[[int, int], None]

_CHUNK = 1 << 16
#: Seconds between two looks at whether somebody still wants it, while nothing comes.
_LOOK_EVERY = 0.2
#: Pieces that wait to be written.
_WAITING = 16
#: No file of a data set is larger; whatever sends more is not what was asked for.
_MOST_BYTES = 4 << 30


class _TransferError(Exception):
    """The connection ended early or refused; another try may go on from here."""


class _ContentError(Exception):
    """The file came whole, but it is not the right one."""


def fetch(
    urls: Sequence[str],
    target: Path,
    md5: str,
    report: Report,
    *,
    attempts: int = 3,
    pause: float = 1.0,
    timeout: float = 15.0,
) -> None:
    """Downloads one file to ``target``.

    The bytes go to ``<target>.part``. It stays there when the transfer breaks or is cancelled, and the next try asks
    only for the rest. When all is there and the sum is right, it takes the target's name.

    Args:
        urls: Where it lies; the next one is tried when one fails. Only http and https.
        target: Where it shall be; the folder is made.
        md5: The sum it must have.
        report: Told after every piece how far it is; what it raises (Cancelled) ends the transfer.
        attempts: Rounds over all addresses.
        pause: Seconds before the second round; doubled before each further one.
        timeout: Seconds of silence after which a connection counts as broken.

    Raises:
        DataError: It could not be fetched, or what came is not the right file (that is thrown away).
        StorageError: It could not be written.
        Cancelled: ``report`` said so.
    """
    part = target.with_name(f"{target.name}.part")
    reasons: list[str] = []
    _storing(target.parent, lambda: target.parent.mkdir(parents=True, exist_ok=True))
    for attempt in range(attempts):
        if attempt:
            _wait(pause * 2 ** (attempt - 1), report)
        for url in urls:
            try:
                _transfer(url, part, report, timeout)
                _verify(part, md5, report)
            except (_TransferError, _ContentError) as error:
                reasons.append(f"{url}: {error}")
                continue
            _storing(target, lambda: settle(part, target))
            return
    unique = "; ".join(dict.fromkeys(reasons))
    raise DataError(f"The download failed after {attempts} attempts ({unique}). Try again later.", file=str(target))


def _wait(seconds: float, report: Report) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        report(0, 0)
        time.sleep(min(left, 0.1))


def _transfer(url: str, part: Path, report: Report, timeout: float) -> None:
    if not url.startswith(("http://", "https://")):
        raise _TransferError("only http and https are allowed")
    here = part.stat().st_size if is_regular(part) else 0
    asked = {"User-Agent": f"nnviz/{__version__}", "Accept-Encoding": "identity"}
    if here:
        asked["Range"] = f"bytes={here}-"
    request = urllib.request.Request(url, headers=asked)  # noqa: S310 - http(s) alone passes the test above
    with _Answer(request, timeout) as answer:
        try:
            status, headers = answer.begin(lambda: report(here, 0))
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return  # everything was here already; the checksum decides
            raise _TransferError(f"the server answers {error.code} {error.reason}") from None
        except (OSError, http.client.HTTPException) as error:  # URLError, time-outs and TLS failures are OSErrors
            raise _broken(error) from None
        resumed = status == http.HTTPStatus.PARTIAL_CONTENT and _starts_at(headers, here)
        if here and not resumed:
            here = 0  # the server sends everything again
        length = headers.get("Content-Length", "")
        total = here + int(length) if length.isdigit() else 0
        _check_room(part, total - here)
        with _opened(part, "ab" if here else "wb") as file:
            here = _copy(answer, file, here, total, report)
    if total and here != total:
        raise _TransferError(f"the connection ended after {here:,} of {total:,} bytes")


def _broken(error: BaseException) -> _TransferError:
    return _TransferError(str(getattr(error, "reason", "") or error) or type(error).__name__)


def _starts_at(headers: Mapping[str, str], here: int) -> bool:
    return headers.get("Content-Range", "").strip().startswith(f"bytes {here}-")


class _Answer:
    """What a server sends, received on a thread of its own: whoever waits for it can leave while nothing comes.

    A thread that is left ends with the next piece, or when the connection has been silent for too long.
    """

    def __init__(self, request: urllib.request.Request, timeout: float) -> None:
        self._request, self._timeout = request, timeout
        self._received: queue.Queue[Any] = queue.Queue(_WAITING)
        self._left = threading.Event()

    def __enter__(self) -> _Answer:
        threading.Thread(target=self._receive, name="nnviz-download", daemon=True).start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._left.set()

    def begin(self, wait: Callable[[], None]) -> tuple[int, Mapping[str, str]]:
        """Status and headers; ``wait`` is called now and then, and what it or the connection raises is passed on."""
        found: tuple[int, Mapping[str, str]] = self._next(wait)
        return found

    def pieces(self, wait: Callable[[], None]) -> Iterator[bytes]:
        """What is sent, piece by piece; likewise."""
        while piece := self._next(wait):
            yield piece

    def _next(self, wait: Callable[[], None]) -> Any:
        while True:
            try:
                found = self._received.get(timeout=_LOOK_EVERY)
            except queue.Empty:
                wait()
                continue
            if isinstance(found, BaseException):
                raise found
            return found

    def _receive(self) -> None:
        try:
            with urllib.request.urlopen(self._request, timeout=self._timeout) as response:  # noqa: S310 - http(s) alone
                self._hand_on((response.status, response.headers))
                while not self._left.is_set() and (piece := response.read1(_CHUNK)):
                    self._hand_on(piece)
            self._hand_on(b"")
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self._hand_on(error)

    def _hand_on(self, what: object) -> None:
        while not self._left.is_set():
            with contextlib.suppress(queue.Full):
                self._received.put(what, timeout=_LOOK_EVERY)
                return


def _copy(answer: _Answer, file: IO[bytes], here: int, total: int, report: Report) -> int:
    report(here, total)
    pieces = answer.pieces(lambda: report(here, total))
    while True:
        try:
            piece = next(pieces, b"")
        except (OSError, http.client.HTTPException) as error:
            raise _broken(error) from None
        if not piece:
            break
        here += len(piece)
        if here > _MOST_BYTES:
            raise _TransferError("the server sends far more than the file can have")
        try:
            file.write(piece)
        except OSError as error:
            raise StorageError(f"{file.name} could not be written: {error.strerror or error}.") from error
        report(here, total)
    try:
        file.flush()
        os.fsync(file.fileno())
    except OSError as error:
        raise StorageError(f"{file.name} could not be written: {error.strerror or error}.") from error
    return here


def _opened(path: Path, mode: str) -> IO[bytes]:
    try:
        return open_regular_to_write(path, append=mode == "ab")
    except OSError as error:
        raise StorageError(f"{path} could not be written: {error.strerror or error}.") from error


def _check_room(path: Path, needed: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise StorageError(f"{path.parent} has {free / 1e6:,.0f} MB free, the download needs {needed / 1e6:,.0f} MB.")


def has_sum(path: Path, md5: str, wait: Callable[[], None] = lambda: None) -> bool:
    """Whether a file is there and has the sum; ``wait`` is called in between, and what it raises ends the reading."""
    found = hashlib.md5(usedforsecurity=False)
    try:
        with open_regular(path) as file:
            while piece := file.read(16 * _CHUNK):
                found.update(piece)
                wait()
    except OSError:
        return False
    return found.hexdigest() == md5


def _verify(part: Path, md5: str, report: Report) -> None:
    size = part.stat().st_size if is_regular(part) else 0
    if not has_sum(part, md5, lambda: report(size, size)):
        with contextlib.suppress(OSError):
            part.unlink()
        raise _ContentError("what came is not the published file (its MD5 sum differs)")


def _storing(path: Path, action: Callable[[], None]) -> None:
    try:
        action()
    except OSError as error:
        raise StorageError(f"{path} could not be written: {error.strerror or error}.") from error


def settle(part: Path, target: Path) -> None:
    """Gives a finished file its name, so that a power cut leaves the old one or the whole new one."""
    part.replace(target)
    if os.name != "nt":  # Windows cannot open folders
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def unpack_gzip(archive: Path, target: Path, most: int = _MOST_BYTES, wait: Callable[[], None] = lambda: None) -> None:
    """Unpacks ``archive`` to ``target``, written beside and renamed; what ``wait`` raises between two pieces ends it.

    Raises:
        DataError: It is damaged or unpacks to more than ``most`` bytes.
        StorageError: It could not be written.
    """
    with _archive(archive) as file:
        _write_beside(gzip.GzipFile(fileobj=file), target, most, archive, wait)


def unpack_zip(archive: Path, folder: Path, names: Sequence[str], wait: Callable[[], None] = lambda: None) -> None:
    """As :func:`unpack_tar`, of a zip archive."""
    missing = set(names)
    try:
        with _archive(archive) as file, zipfile.ZipFile(file) as packed:
            for member in packed.infolist():
                name = member.filename.rpartition("/")[2]
                if name in missing:
                    with packed.open(member) as source:
                        _write_beside(source, folder / name, _MOST_BYTES, archive, wait)
                    missing.discard(name)
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, RuntimeError, ValueError) as error:
        raise DataError(f"The archive is damaged ({error}).", file=str(archive)) from None
    if missing:
        raise DataError(f"The archive lacks {', '.join(sorted(missing))}.", file=str(archive))


def unpack_tar(archive: Path, folder: Path, names: Sequence[str], wait: Callable[[], None] = lambda: None) -> None:
    """Unpacks only the files called ``names``, wherever they lie in ``archive``, flat into ``folder``.

    What ``wait`` raises between two pieces ends it.

    Raises:
        DataError: It is damaged or lacks one of them.
        StorageError: One could not be written.
    """
    missing = set(names)
    try:
        with _archive(archive) as file, tarfile.open(fileobj=file) as tar:
            for member in tar:
                wait()
                name = member.name.rpartition("/")[2]
                if name not in missing or not member.isfile():
                    continue
                source = tar.extractfile(member)
                if source is not None:
                    _write_beside(source, folder / name, _MOST_BYTES, archive, wait)
                    missing.discard(name)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DataError(f"The archive is damaged ({error}).", file=str(archive)) from None
    if missing:
        raise DataError(f"The archive lacks {', '.join(sorted(missing))}.", file=str(archive))


def _archive(path: Path) -> IO[bytes]:
    try:
        return open_regular(path)
    except OSError as error:
        raise DataError(f"The archive cannot be read ({error}).", file=str(path)) from None


def _write_beside(
    source: IO[bytes] | gzip.GzipFile, target: Path, most: int, archive: Path, wait: Callable[[], None]
) -> None:
    part = target.with_name(f"{target.name}.part")
    _storing(target.parent, lambda: target.parent.mkdir(parents=True, exist_ok=True))
    written = 0
    try:
        with _opened(part, "wb") as file:
            while piece := _piece(source, archive):
                written += len(piece)
                wait()
                if written > most:
                    raise DataError(f"It unpacks to more than {most:,} bytes.", file=str(archive))
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        settle(part, target)
    except OSError as error:
        raise StorageError(f"{target} could not be written: {error.strerror or error}.") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _piece(source: IO[bytes] | gzip.GzipFile, archive: Path) -> bytes:
    try:
        return source.read(_CHUNK)
    except (OSError, EOFError, zlib.error, tarfile.TarError, zipfile.BadZipFile) as error:
        raise DataError(f"The archive is damaged ({error}).", file=str(archive)) from None
