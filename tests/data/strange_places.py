"""What may lie in the place of a file: pipes, sockets, devices, folders, links that lead nowhere or in a circle."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's address has room for a short name only
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _terminal(path: Path) -> None:
    path.symlink_to("/dev/ptmx")


def _circle(path: Path) -> None:
    path.symlink_to(path.name)


def _dangling(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere at all")


#: What lies there -> (how it is made, words of the message about it).
KINDS: dict[str, tuple[Callable[[Path], None], str]] = {
    "pipe": (_pipe, "named pipe"),
    "socket": (_socket, "socket"),
    "device": (_device, "device"),
    "terminal": (_terminal, "device"),
    "folder": (Path.mkdir, "folder"),
    "circle": (_circle, "Too many levels"),
    "dangling": (_dangling, "gone|missing|No such file"),
}
unix_only = pytest.mark.skipif(os.name == "nt", reason="Windows has none of these")


def put(kind: str, path: Path) -> str:
    """Puts it there in the place of what there was; words that the message about it has."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    make, words = KINDS[kind]
    make(path)
    return words
