"""The program's own three streams: whatever was done to them, what is printed neither fails nor ends in a wrong file.

A stream may be closed, have lost its reader, or have an encoding without × and Greek letters.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Protocol, TextIO

from nnviz.errors import on_one_line

#: What is written where the encoding has no such sign.
_PLAIN = {
    "×": "x", "·": "*", "–": "-", "—": "-", "−": "-", "…": "...", "→": "->", "←": "<-", "≤": "<=", "≥": ">=", "≈": "~",
    "“": '"', "”": '"', "‘": "'", "’": "'", "µ": "u", "°": " degrees", "±": "+-", "²": "2", "³": "3",
    "\u202f": " ", "\u2009": " ", "\u00a0": " ",
}  # fmt: skip
_HANDLER = "nnviz.plain"


class _Output:
    """What became of what this command prints: whether it was lost to anything but a reader that went away."""

    failed = False


def prepare() -> None:
    """Make the streams such that printing never fails over a letter, and that nothing else gets their numbers.

    A file that is opened while standard error is closed becomes standard error: what a library writes there would end
    up in the middle of a run. So closed ones lead to nowhere from here on.
    """
    for number, name, mode in ((0, "stdin", os.O_RDONLY), (1, "stdout", os.O_WRONLY), (2, "stderr", os.O_WRONLY)):
        if getattr(sys, name) is None:
            _occupy(number, mode)
            if name != "stdin":
                nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - its end is the program's
                setattr(sys, name, nowhere)
    _Output.failed = False
    codecs.register_error(_HANDLER, _plainly)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            with contextlib.suppress(OSError, ValueError):
                reconfigure(errors=_HANDLER)


class Bar(Protocol):
    """A progress bar on standard error: what is said there has to go above it."""

    def write(self, s: str, file: TextIO | None = None) -> None:
        """A line above the bar."""


def complain(text: str, program: str = "nnviz", *, above: Bar | None = None) -> None:
    """One line on standard error, if anybody takes it."""
    tell(f"{program}: {text}", above=above)


def tell(text: str, *, above: Bar | None = None) -> None:
    """The same without the program's name: what is said beside the output never decides how a command ends.

    It stays on its line, whatever the file or the project is called that it is about.

    Args:
        text: What is said.
        above: The bar that stands there just now.
    """
    line = on_one_line(text)
    try:
        if above is None:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
        else:
            above.write(line, file=sys.stderr)
    except (OSError, ValueError):
        drop(sys.stderr)


@contextlib.contextmanager
def perhaps_unread() -> Iterator[None]:
    """Within it, a reader that has gone away ends what is printed, and neither hides why it ended nor its status."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        drop(sys.stdout)


def give_up_output(error: BaseException) -> None:
    """Standard output takes no more, because of this, and the command goes on: :func:`output_failed` decides later."""
    _Output.failed = _Output.failed or not isinstance(error, BrokenPipeError)
    drop(sys.stdout)


def output_failed() -> bool:
    """Whether output was lost since :func:`prepare`, as on a full disk; who has read enough loses nothing."""
    return _Output.failed


def drop(stream: TextIO) -> None:
    """Nobody takes this output any more: what is left of it must not fail once more when the interpreter ends."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, stream.fileno())
        finally:
            os.close(nowhere)


def _occupy(number: int, mode: int) -> None:
    with contextlib.suppress(OSError):
        os.fstat(number)
        return  # Somebody has it already.
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, mode)
        if nowhere != number:
            os.dup2(nowhere, number)
            os.close(nowhere)


def _plainly(error: UnicodeError) -> tuple[str | bytes, int]:
    """Something like it for a sign that the encoding has not; the bytes of a file name that is no text as they were."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    sign = error.object[error.start]
    if "\udc80" <= sign <= "\udcff":
        return bytes([ord(sign) - 0xDC00]), error.start + 1
    return _PLAIN.get(sign, "?"), error.start + 1
