"""What was found out by reading all rows of a set on the disk, kept beside them so that it is read once."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from pathlib import Path

import msgspec

from nnviz.errors import StorageError
from nnviz.project.files.atomic import write_atomically
from nnviz.regular_files import read_regular

#: Findings that are kept, the latest; bytes of one, and of the file of all.
_MOST, _LARGEST, _LONGEST = 64, 16 << 20, 64 << 20
#: Files are written one after the other in this process; between processes the last one stays, and nothing is torn.
_WRITING = threading.Lock()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    state: str
    found: dict[str, bytes]


class Findings:
    """Remembers bytes under keys for one state of a set; for any thread. It may be deleted at any time.

    Args:
        path: The file; what does not fit together there counts as nothing.
        state: Of the rows: what was found of another one is forgotten.
    """

    def __init__(self, path: Path, state: str) -> None:
        self.path = path
        self.state = state

    def get(self, key: str) -> bytes | None:
        """What was kept under ``key``, which says all that it depends on beside the rows; None where nothing was."""
        return self._kept().get(_name(key))

    def put(self, key: str, value: bytes) -> None:
        """Keeps ``value``; on a full disk it is found anew the next time."""
        with _WRITING:
            kept = {**self._kept(), _name(key): value}
            while len(kept) > _MOST or sum(map(len, kept.values())) > _LARGEST:
                del kept[next(iter(kept))]
            with contextlib.suppress(OSError, StorageError):
                write_atomically(msgspec.json.encode(_File(self.state, kept)), self.path)

    def _kept(self) -> dict[str, bytes]:
        try:
            file = msgspec.json.decode(read_regular(self.path, _LONGEST), type=_File)
        except (OSError, ValueError, msgspec.MsgspecError):
            return {}
        return file.found if file.state == self.state else {}


def _name(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
