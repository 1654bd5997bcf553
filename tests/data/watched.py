"""Watches a process of its own: which programs it starts, whom it calls, and what it writes outside its folder.

For scripts that a test starts: a hook cannot be taken out again.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

#: Audit events by which a program is started, on any system.
STARTS = frozenset(
    ("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "pty.spawn")
) | {"os.startfile", "os.startfile/2", "_winapi.CreateProcess"}
NETWORK = frozenset(("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"))
#: Events that change the disk, with the paths among their arguments.
CHANGES = {
    "os.remove": 1, "os.rename": 2, "os.link": 2, "os.symlink": 2, "os.mkdir": 1, "os.rmdir": 1, "os.truncate": 1,
    "os.chmod": 1, "os.chown": 1, "os.utime": 1, "shutil.rmtree": 1,
}  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Refused(RuntimeError):
    """What was watched for."""


def install(folder: Path | None) -> list[str]:
    """Refuses all of it from now on, and lists what was refused, also where the refusal was swallowed.

    Args:
        folder: Where may be written; None is anywhere.
    """
    refused: list[str] = []
    home = None if folder is None else folder.resolve()

    def outside(path: object) -> bool:
        if home is None or not isinstance(path, str | bytes | os.PathLike):
            return False  # a descriptor: it was opened before
        return not Path(os.fsdecode(path)).resolve().is_relative_to(home)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        found = event in STARTS or event in NETWORK
        if event == "open":
            path, mode, flags = args
            writes = isinstance(mode, str) and any(letter in mode for letter in "wax+")
            writes = writes or (isinstance(flags, int) and bool(flags & _WRITING))
            found = writes and outside(path)
        elif event in CHANGES:
            found = any(outside(path) for path in args[: CHANGES[event]])
        if found:
            refused.append(f"{event} {args!r}")
            raise Refused(f"{event} {args!r}")

    sys.dont_write_bytecode = True
    sys.addaudithook(hook)
    return refused
