"""Whether a file on the disk is still what was opened, so that saving does not wipe out somebody else's work.

Contents are compared and not times: a copy or a synchronised folder may change the one without the other.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from nnviz.errors import InputError
from nnviz.project.files import io, own_folder
from nnviz.project.files.safe_json import LARGEST_FILE
from nnviz.project.model import Project
from nnviz.regular_files import open_regular

#: Of a file whose contents are not known: it differs from every file.
UNKNOWN = "unknown"


def fingerprint_of(data: bytes) -> str:
    """The fingerprint of a file with these contents."""
    return hashlib.sha256(data).hexdigest()


def fingerprint(path: Path) -> str:
    """The fingerprint of a file; empty when there is none, :data:`UNKNOWN` when it cannot be read."""
    try:
        with open_regular(path) as file:
            return fingerprint_of(file.read(LARGEST_FILE + 1))
    except FileNotFoundError:
        return ""
    except (OSError, ValueError):
        return UNKNOWN


def opened(path: Path) -> tuple[Project, str]:
    """The project in a file, and the file's fingerprint.

    Raises:
        ProjectError: It cannot be used; the sentence names the file and the field.
    """
    # In this order: what is written in between makes the next save ask, and is not taken for what was opened.
    before = fingerprint(path)
    return io.load(path), before


def fingerprint_if_still(path: Path, project: Project) -> str:
    """The fingerprint of a file that was opened a moment ago; :data:`UNKNOWN` when it holds another project by now."""
    try:
        loaded, found = opened(path)
    except InputError:
        return UNKNOWN
    return found if loaded == project else UNKNOWN


def save_unless_changed(project: Project, path: Path, known: str | None, run: str = "") -> str | None:
    """Saves, unless the file has changed since its fingerprint was taken.

    Args:
        project: What to save.
        path: The file.
        known: The file's fingerprint as it was; None to save in any case.
        run: What the file calls the run that holds the weights.

    Returns:
        The new fingerprint; None when the file has changed, which is left as it is.

    Raises:
        StorageError: It could not be written; the old file is untouched.
        ProjectError: It holds something that no file can.
    """
    if known is not None:
        found = fingerprint(path)
        if found and (found != known or found == UNKNOWN):
            return None
    io.save(project, path, run)
    return fingerprint_of(io.dumps(own_folder.for_file(project, path), run))
