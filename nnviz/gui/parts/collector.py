"""Python's garbage collector, kept to moments at which Qt is between two events.

Left to itself it runs on whichever thread happens to make an object, and in the middle of whatever Qt is doing. A
widget or a graphics item in a reference cycle is then destroyed on the wrong thread, or while Qt walks over all widgets
to restyle them, and the process dies. So it is switched off for good, and a timer of the GUI thread does its rounds.
(pyqtgraph.util.garbage_collector does the same, but pyqtgraph is not imported before the window is painted.)
"""

from __future__ import annotations

import contextlib
import gc
import threading

from PySide6.QtCore import QCoreApplication, QObject, Qt, QTimer, Signal

from nnviz.data.remembered import remembers

#: Milliseconds between two looks.
_INTERVAL = 1000
#: Objects made and not gone again since the last round, and rounds of the younger before one of the elder. An edit of
#: a large network makes tens of thousands of objects, which die by themselves.
_THRESHOLDS = (20_000, 10, 10)
#: Seconds that somebody waits for a round, where the GUI thread is busy.
_LONGEST_WAIT = 3.0


class Collector(QObject):
    """Does the garbage collector's rounds on the GUI thread, from the event loop."""

    _asked = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._asked.connect(self._collect_and_say, Qt.ConnectionType.QueuedConnection)
        remembers(self.collect_now)  # the sets of trainings that are gone, which would be in use until some later round
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.look)
        self._timer.start(_INTERVAL)

    def look(self) -> None:
        """Collect the generations whose turn it is."""
        due = -1
        for count, threshold in zip(gc.get_count(), _THRESHOLDS, strict=True):
            if count <= threshold:
                break
            due += 1
        if due >= 0:
            gc.collect(due)

    def collect_now(self) -> None:
        """Everything that nobody holds any more goes; from any thread but the GUI thread, which does the work."""
        if threading.current_thread() is threading.main_thread():
            gc.collect()
            return
        done = threading.Event()
        with contextlib.suppress(RuntimeError):  # the window has gone
            self._asked.emit(done)
            done.wait(_LONGEST_WAIT)

    def _collect_and_say(self, done: threading.Event) -> None:
        gc.collect()
        done.set()


def install(application: QCoreApplication) -> None:
    """Give an application its collector, if it has none yet; on the GUI thread."""
    if application.findChild(Collector) is None:
        Collector(application)


def spare() -> None:
    """Let the rounds pass over what was made up to now.

    Modules, declarations and widgets stay until the end. Going through all of them again and again stops the window for
    a tenth of a second each time.
    """
    gc.collect()
    gc.freeze()


__all__ = ["Collector", "install", "spare"]
