"""Says in the window when its file is open in another window too, or is changed or taken away by somebody else."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal

from nnviz.gui.parts.background import Background
from nnviz.gui.parts.late_signal import emit_late
from nnviz.gui.window.files import Files
from nnviz.gui.window.notices import Button, NoticeArea
from nnviz.project.document import Document
from nnviz.project.safety import disk_state
from nnviz.project.safety.open_files import OtherWindow
from nnviz.project.safety.watch import FileWatch, Seen
from nnviz.project.safety.window_lock import WindowLock

_ELSEWHERE, _CHANGED = "open-elsewhere", "file-changed"


def clock(seconds: float) -> str:
    """A time of today as ``10:42``, an earlier one with its day."""
    when = time.localtime(seconds)
    today = time.localtime()[:3] == when[:3]
    return time.strftime("%H:%M" if today else "%d %B %Y, %H:%M", when)


class SharedFile(QObject):
    """Nothing is watched before :meth:`start`.

    Args:
        document: Whose file it is.
        files: Of that document.
        background: Reads the file once more before it is called changed.
        notices: Where it is said.
        lock: Of the window.
        parent: Of this object.
    """

    _seen = Signal(object)

    def __init__(
        self,
        document: Document,
        files: Files,
        background: Background,
        notices: NoticeArea,
        lock: WindowLock,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._files = files
        self._background = background
        self._notices = notices
        self._watch = FileWatch(lock, partial(emit_late, self, self._seen))
        self._started = False
        self._path: Path | None = None
        #: Tokens of windows that the user knows of and has said to go on beside.
        self._accepted: frozenset[str] = frozenset()
        self._others: tuple[OtherWindow, ...] = ()
        #: What the file was found to hold when that was said last; None while it is as it should be.
        self._told: str | None = None
        #: What it should have held then.
        self._against: str | None = None
        self._seen.connect(self._on_seen, Qt.ConnectionType.QueuedConnection)

    def start(self) -> None:
        """Begin to watch."""
        self._started = True
        path, project = self._document.path, self._document.project
        if path is not None and self._files.fingerprint is None:

            def know(found: str) -> None:
                if self._started and self._document.path == path and self._files.fingerprint is None:
                    self._files.fingerprint = found
                    self._check()

            self._background.start(lambda: disk_state.fingerprint_if_still(path, project), know, lambda _error: None)
        self.follow()

    def follow(self) -> None:
        """The document may have another file, or another state of it, than before."""
        if not self._started:
            return
        if self._document.path != self._path:
            self._path = self._document.path
            self._accepted, self._others = frozenset(), ()
            self._notices.dismiss(_ELSEWHERE)
            self._settle()
            self._watch.follow(self._path)
        elif self._told is not None and self._files.fingerprint != self._against:
            self._check()

    def close(self) -> None:
        """End, and let the other windows see it."""
        self._started = False
        self._watch.close()

    def _on_seen(self, seen: Seen) -> None:
        if not self._started or seen.path != self._document.path:
            return
        if seen.others != self._others:
            self._others = seen.others
            self._show_others(seen.path)
        self._check()

    # ---- other windows -------------------------------------------------------------------------------------------

    def _show_others(self, path: Path) -> None:
        tokens = frozenset(other.token for other in self._others)
        if tokens <= self._accepted:
            self._notices.dismiss(_ELSEWHERE)
            return
        where = "another nnviz window" if len(tokens) == 1 else f"{len(tokens)} other nnviz windows"
        since = f" (since {clock(self._others[0].since)})" if self._others[0].since else ""

        def accept() -> None:
            self._accepted = tokens

        self._notices.show_notice(
            _ELSEWHERE,
            f"{path.name} is also open in {where}{since}. All of them save into one file.",
            "warning",
            (Button("Open a copy", self._document.detach, primary=True), Button("Go on", accept)),
        )

    # ---- another program -----------------------------------------------------------------------------------------

    def _check(self) -> None:
        """Compare the disk with what is known, behind any save that is under way: its own work is no news."""
        path = self._document.path
        if path is not None and self._files.fingerprint is not None:
            self._background.start(
                lambda: disk_state.fingerprint(path), lambda found: self._on_checked(path, found), lambda _error: None
            )

    def _on_checked(self, path: Path, found: str) -> None:
        if not self._started or path != self._document.path:
            return
        if found == self._files.fingerprint or self._files.changed_question is not None:
            self._settle()
        elif found != self._told:
            self._told, self._against = found, self._files.fingerprint
            if found:
                self._show_changed(path, found)
            else:
                self._show_gone(path)

    def _settle(self) -> None:
        self._told = None
        self._notices.dismiss(_CHANGED)

    def _show_changed(self, path: Path, found: str) -> None:
        def keep() -> None:
            self._files.fingerprint = found
            self._told = None
            self._document.mark_unsaved()

        modified = self._document.is_modified
        lost = " Reloading loses the changes made here." if modified else ""

        def reload() -> None:
            if modified:
                self._files.load(path)
            else:  # What was edited since the notice came is asked about.
                self._files.open(path)

        self._notices.show_notice(
            _CHANGED,
            f"{path.name} has been changed by another window or program.{lost}",
            "warning",
            (Button("Reload", reload, primary=not modified), Button("Keep mine", keep, primary=modified)),
            closable=False,
        )

    def _show_gone(self, path: Path) -> None:
        self._document.mark_unsaved()
        self._notices.show_notice(
            _CHANGED,
            f"{path.name} has been moved or deleted. What was in it is only in this window now.",
            "warning",
            (Button("Save it again", self._files.save, primary=True), Button("Go on", lambda: None)),
        )
