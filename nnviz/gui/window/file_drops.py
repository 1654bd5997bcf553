"""Files that are dropped on the window: projects and runs are opened, data are taken, the rest gets a sentence.

Which endings are data is said by the sources (``DatasetSpec.endings``); nothing here knows them, and no disk is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QDragEnterEvent, QDropEvent

from nnviz.data import datasets
from nnviz.gui.window.files import PROJECT_SUFFIX, RUN_SUFFIX


def _known() -> str:
    endings = ", ".join(ending for spec in datasets.datasets().values() for ending in spec.endings)
    return f"nnviz opens projects ({PROJECT_SUFFIX}), runs ({RUN_SUFFIX}) and data ({endings})"


def dropped_file(data: QMimeData) -> tuple[Path | None, str]:
    """The project or run among what is dropped, else the data; else why there is neither, as a sentence."""
    urls = data.urls()
    local = [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
    for path in local:
        if path.suffix.lower() in {PROJECT_SUFFIX, RUN_SUFFIX}:
            return path, ""
    for path in local:
        if datasets.taking(path) is not None:
            return path, ""
    if local:
        what = f"{local[0].name} cannot" if len(local) == 1 else f"None of these {len(local)} files can"
        return None, f"{what} be opened: {_known()}."
    if urls:
        return None, f"Only files on this computer can be dropped here: {_known()}."
    return None, f"A picture cannot be dropped here: {_known()}." if data.hasImage() else ""


def accept_files(event: QDragEnterEvent) -> None:
    """Let files and pictures in, also those that only get a sentence: a refusal by the pointer explains nothing."""
    if event.mimeData().hasUrls() or event.mimeData().hasImage():
        event.acceptProposedAction()


def drop_files(
    event: QDropEvent,
    open_file: Callable[[Path], object],
    take_data: Callable[[Path], object],
    say: Callable[[str], object],
) -> None:
    """Open what was dropped, take it as the data, or say why not."""
    path, reason = dropped_file(event.mimeData())
    event.acceptProposedAction()
    if path is not None:
        (open_file if path.suffix.lower() in {PROJECT_SUFFIX, RUN_SUFFIX} else take_data)(path)
    elif reason:
        say(reason)
