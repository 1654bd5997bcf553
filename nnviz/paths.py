"""Paths as people give them, on the command line, in a setting or by the mouse: looked at before anything opens them.

Whatever was typed, the answer is a path that can be used or one sentence. Nothing here waits: a pipe without a writer
and a device without an end are refused before they are read. Standard library only, so every room may know it.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from nnviz.errors import InputError
from nnviz.regular_files import NotRegularError, check_regular

#: More folders inside each other than this are somebody's mistake; making them would recurse as deep.
DEEPEST = 256
_LONGEST_SHOWN = 160
_FOLDER, _SPECIAL = "This is a folder, not a file.", "This is a device or a pipe, not a file."
_REASONS = {
    errno.ENAMETOOLONG: "The name is too long.",
    errno.ELOOP: "The links there lead in a circle.",
    errno.EACCES: "There is no permission to look there.",
    errno.EPERM: "There is no permission to look there.",
}


def given_path(text: str | Path, field: str = "", kind: type[InputError] = InputError) -> Path:
    """The path that somebody typed, with ``~`` and ``~name`` expanded. Does not look at the disk.

    Args:
        text: As it was typed. Names that are no text in the system's encoding are kept as they are.
        field: The option or setting it was given for, for the sentence.
        kind: The error to raise.

    Raises:
        InputError: It is empty, holds a NUL or half a character, is too deep, or names a user that there is not.
    """
    typed = str(text)

    def refusal(reason: str) -> InputError:
        return kind(reason, file=shown(typed), field=field)

    if not typed:
        raise kind("A path is needed here, and this one is empty.", field=field)
    if "\0" in typed:
        raise refusal("A path cannot hold a NUL character.")
    try:
        os.fsencode(typed)
    except UnicodeEncodeError:
        raise refusal("This path holds a character that no file name can hold.") from None
    path = Path(typed)
    if len(path.parts) > DEEPEST:
        raise refusal(f"This path is {len(path.parts):,} folders deep; at most {DEEPEST} are taken.")
    if path.parts and path.parts[0].startswith("~"):
        user = path.parts[0][1:]
        try:
            path = path.expanduser()
        except (RuntimeError, KeyError):
            reason = f"There is no user '{user}' with a home folder." if user else "There is no home folder for '~'."
            raise refusal(reason) from None
    return path


def shown(path: str | Path) -> str:
    """A path for a sentence: cut in the middle where it is very long."""
    text = str(path)
    if len(text) <= _LONGEST_SHOWN:
        return text
    half = _LONGEST_SHOWN // 2
    return f"{text[:half]}…{text[-half:]}"


def reason_of(error: OSError | ValueError) -> str:
    """Why a path could not be used, as a sentence."""
    if isinstance(error, NotRegularError):
        return _FOLDER if error.kind == "a folder" else _SPECIAL
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "There is no such file."
    if isinstance(error, OSError):
        return _REASONS.get(error.errno or 0) or f"It cannot be read: {error.strerror or error}."
    return "It cannot be read: that is no file name."


def is_file(path: Path) -> bool:
    """Whether a file is there; not, too, where the system cannot look, as for a name that is too long."""
    try:
        return path.is_file()
    except OSError:
        return False


def check_file(path: Path, field: str = "", kind: type[InputError] = InputError) -> None:
    """Refuses what is no file that is there.

    Raises:
        InputError: It is missing, a folder, a device or a pipe, or cannot be looked at.
    """
    try:
        check_regular(path.stat().st_mode)
    except (OSError, ValueError) as error:
        raise kind(reason_of(error), file=shown(path), field=field) from None


def check_folder(path: Path, field: str = "", kind: type[InputError] = InputError) -> None:
    """Refuses what is there and no folder; a folder that is still missing may be made later.

    Raises:
        InputError: It is a file, a device or a pipe, or cannot be looked at.
    """
    found = _found(path, field, kind)
    if found is not None and not stat.S_ISDIR(found.st_mode):
        raise kind("This is not a folder.", file=shown(path), field=field)


def check_new_file(path: Path, field: str = "", kind: type[InputError] = InputError) -> None:
    """Refuses a place where no file can be made or replaced; folders on the way may still be missing.

    Raises:
        InputError: There is a folder, a device or a pipe of that name, or something on the way is no folder.
    """
    found = _found(path, field, kind)
    if found is not None:
        check_file(path, field, kind)
        return
    for folder in path.parents:
        above = _found(folder, field, kind)
        if above is None:
            continue
        if not stat.S_ISDIR(above.st_mode):
            raise kind(f"{shown(folder)} is a file, not a folder.", file=shown(path), field=field)
        return


def check_folder_of(path: Path, field: str = "") -> None:
    """Refuses a file that is to be written into a folder that is not there.

    Raises:
        InputError: There is no such folder.
    """
    if not path.parent.exists():
        raise InputError("There is no such folder.", file=shown(path.parent), field=field)


def _found(path: Path, field: str, kind: type[InputError]) -> os.stat_result | None:
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise kind(reason_of(error), file=shown(path), field=field) from None
