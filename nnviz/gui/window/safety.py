"""Keeps the work of one window safe: autosave, and work left by a crash."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal

from nnviz.gui.parts.background import Background
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.late_signal import emit_late
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.window.files import Files
from nnviz.gui.window.notices import Button, NoticeArea
from nnviz.gui.window.recovery_notice import RecoveryNotice, description
from nnviz.gui.window.shared_file import SharedFile
from nnviz.project.document import Document
from nnviz.project.safety import recovery
from nnviz.project.safety.autosave import Autosave
from nnviz.project.safety.recovery import Found, LeftWork, Work
from nnviz.project.safety.window_lock import WindowLock

_LANE = "safety"


class Safety(QObject):
    """Nothing is kept or noticed before :meth:`start`: a window that is only drawn into a picture leaves no trace.

    Args:
        document: Whose work is kept.
        files: Of that document.
        background: Does what needs the disk.
        notices: Where what was found is said.
        parent: The window.
        folder: The state folder; the user's own by default.
    """

    #: A sentence for the status.
    message = Signal(str)
    _written = Signal(object)
    _trouble = Signal(str)
    _cured = Signal()

    def __init__(
        self,
        document: Document,
        files: Files,
        background: Background,
        notices: NoticeArea,
        parent: QObject,
        folder: Path | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._files = files
        self._background = background
        self._notices = notices
        self.lock = WindowLock(folder)
        self._shared_file = SharedFile(document, files, background, notices, self.lock, self)
        # A disk that hangs may let its thread go only when the window has gone.
        written, trouble, cured = (
            partial(emit_late, self, signal) for signal in (self._written, self._trouble, self._cured)
        )
        self._autosave = Autosave(self.lock, written, trouble, cured)
        self._started = False
        self._closed = False
        self._noted: Work | None = None
        #: What can still be restored, and what was restored but is not yet kept by this window.
        self._left: list[LeftWork] = []
        self._restored: list[LeftWork] = []
        queued = Qt.ConnectionType.QueuedConnection
        self._written.connect(self._on_written, queued)
        self._trouble.connect(self._on_trouble, queued)
        self._cured.connect(lambda: self.message.emit("Unsaved work is kept again."), queued)

    @property
    def left(self) -> tuple[LeftWork, ...]:
        """What is offered to be restored."""
        return tuple(self._left)

    def start(self) -> None:
        """Begin to keep the work, and look for what was left by windows that are gone."""
        if self._started:
            return
        self._started = True
        follow(self._document.changed, self._on_changed)
        follow(self._document.saved, self._on_saved)
        self._follow()
        self._shared_file.start()
        folder = self.lock.folder
        self._do(lambda: recovery.find(folder), self._on_found)

    def close(self, *, keep: bool) -> None:
        """End, when the background has nothing left to do.

        Args:
            keep: Whether unsaved work is offered at the next start: the window was ended, nobody was asked.
        """
        if not self._started or self._closed:
            return
        self._closed = True
        for left in self._left:
            left.put_back()
        for left in self._restored:
            if keep:  # Offered twice is better than not at all.
                left.put_back()
            else:
                left.discard()
        self._shared_file.close()
        self._autosave.close(keep=keep)

    # ---- autosave ------------------------------------------------------------------------------------------------

    def _on_changed(self, _before: object, _after: object, _edit: object) -> None:
        self._follow()

    def _on_saved(self, path: Path | None) -> None:
        if path is None:
            self._files.fingerprint = None
        self._follow()

    def _follow(self) -> None:
        if self._closed:
            return
        document = self._document
        if document.is_modified:
            self._noted = Work(document.project, document.path, self._files.fingerprint or "")
        else:
            self._noted = None
            self._hand_over()
        self._autosave.note(self._noted)
        self._shared_file.follow()

    def _on_written(self, work: Work) -> None:
        if work is self._noted:
            self._hand_over()

    def _hand_over(self) -> None:
        """What was restored is kept by this window now, or was saved, or is not wanted."""
        for left in self._restored:
            self._do(left.discard)
        self._restored.clear()

    def _on_trouble(self, reason: str) -> None:
        self.message.emit(f"Unsaved work cannot be kept at the moment, so save it yourself: {reason}")

    # ---- what a crash has left -----------------------------------------------------------------------------------

    def _on_found(self, found: Found) -> None:
        self._left = list(found.work)
        self._show_left()
        if found.damaged:
            more = len(found.damaged) - 1
            rest = f" ({more} more {'file' if more == 1 else 'files'} likewise.)" if more else ""
            where = recovery.aside_folder(self.lock.folder)
            self._notices.show_notice(
                "recovery-damaged",
                f"Unsaved work of an earlier window could not be read and was put into {where}.{rest}",
                "warning",
                details="\n".join(found.damaged),
            )

    def _show_left(self) -> None:
        if not self._left:
            self._notices.dismiss("recovery")
            return
        later = Button("Decide later", self._decide_later, stays=True)
        if len(self._left) == 1:
            left = self._left[0]
            self._notices.dismiss("recovery")
            self._notices.show_notice(
                "recovery",
                f"nnviz ended without saving {description(left)}.",
                "warning",
                (*self._choices(left), later),
                closable=False,
            )
            return
        rows = [(description(left), self._choices(left)) for left in self._left]
        self._notices.show_own(RecoveryNotice("recovery", rows, later, self._notices))

    def _choices(self, left: LeftWork) -> tuple[Button, Button]:
        return (
            Button("Restore", lambda: self._restore(left), primary=True, stays=True),
            Button("Discard", lambda: self._discard(left), stays=True),
        )

    def _restore(self, left: LeftWork) -> None:
        def go() -> None:
            if left not in self._left:
                return
            self._left.remove(left)
            self._files.restore(left.work)
            self._restored.append(left)
            self._show_left()

        self._files.ask_unsaved(go)

    def _discard(self, left: LeftWork) -> None:
        if left in self._left:
            self._left.remove(left)
            self._do(left.discard)
            self._show_left()

    def _decide_later(self) -> None:
        for left in self._left:
            self._do(left.put_back)
        self._left.clear()
        self._show_left()

    def _do(self, work: Callable[[], object], done: Callable[..., None] = lambda _result: None) -> None:
        def answered(result: object) -> None:
            if not self._closed:
                done(result)

        self._background.start(work, answered, lambda error: self.message.emit(sentence_of(error)), lane=_LANE)
