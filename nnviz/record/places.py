"""Where runs are kept when nobody named a file."""

from __future__ import annotations

import re
import time
from pathlib import Path

from nnviz import user_folders

RUN_SUFFIX = ".nnvizrun"


def runs_folder() -> Path:
    """The folder of kept runs in the user's data folder; it may not exist yet."""
    return user_folders.data_folder() / "runs"


def new_run_path(title: str) -> Path:
    """A path in :func:`runs_folder` that nothing has yet: date, time and the title, made fit for a file name."""
    slug = re.sub(r"[^\w.-]+", "-", title).strip("-.")[:60] or "run"
    stem = f"{time.strftime('%Y-%m-%d %H.%M.%S')} {slug}"
    path = runs_folder() / f"{stem}{RUN_SUFFIX}"
    number = 1
    while path.exists():
        number += 1
        path = runs_folder() / f"{stem} ({number}){RUN_SUFFIX}"
    return path
