"""Opens mutated run files in the real window and looks at everything, as somebody would who is curious.

Run as a program: ``fuzzed_run_windows.py FOLDER FIRST COUNT``: a window that ends takes its process with it. The seed
is written before each file, so that the last one is known then. Failures are lines of JSON.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import sys
import time
import traceback
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parent.parent))

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget
from run_file_mutations import SAMPLES, good_run, mutated

from nnviz.gui.app import application
from nnviz.gui.look import painting
from nnviz.gui.parts.settings import Settings
from nnviz.gui.window.window import MainWindow
from nnviz.project.document import Document

_PATIENCE = 60.0


class Visitor:
    """Somebody at the window; remembers whatever went wrong outside a notice."""

    def __init__(self, folder: Path) -> None:
        self.app = application("dark")
        self.wrong: list[str] = []
        sys.excepthook = lambda kind, error, trace: self.wrong.append(
            "".join(traceback.format_exception(kind, error, trace))[-1500:]
        )
        qInstallMessageHandler(self._on_message)
        painting._log.error = self._on_unpainted  # type: ignore[method-assign]
        self.window = MainWindow(Document(), settings=Settings(folder / "settings.ini"))
        self.window.bridge.start = lambda: None  # type: ignore[method-assign]  # runs are shown without torch
        self.window.training.start = self.window.training.start_idle  # type: ignore[method-assign]
        self.window.resize(1280, 760)
        self.window.show()
        self.until(lambda: self.window.docks is not None)
        for key in self.window.docks.panels:
            self.window.docks.show_panel(key)

    def _on_message(self, kind: QtMsgType, context: object, text: str) -> None:
        if kind in {QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg} or text.startswith("QPainter"):
            self.wrong.append(f"Qt: {text}")

    def _on_unpainted(self, text: str, *arguments: object, exc_info: BaseException) -> None:
        trace = "".join(traceback.format_exception(exc_info))
        self.wrong.append(f"{text % arguments}: {trace[-1500:]}")

    def until(self, so: object) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not so():  # type: ignore[operator]
            if time.monotonic() > deadline:
                raise TimeoutError("the window was waited for in vain")
            self.app.processEvents()
            time.sleep(0.001)

    def look(self, part: QWidget | None = None) -> None:
        """Bring everything up to date and paint it, or the part that is another one now."""
        for _ in range(2):
            self.window.feed.poll(10.0)
            self.app.processEvents()
        (part or self.window).grab()

    def mouse(self, widget: QWidget, kind: QEvent.Type, at: QPoint, down: bool = True) -> None:
        button = Qt.MouseButton.LeftButton if down else Qt.MouseButton.NoButton
        place = QPointF(at)
        moved = kind is QEvent.Type.MouseMove
        event = QMouseEvent(
            kind, place, QPointF(widget.mapToGlobal(at)), Qt.MouseButton.NoButton if moved else button, button,
            Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(widget, event)

    def visit(self, path: Path, generator: random.Random) -> str:
        """Open a file and click through it; what became of it."""
        window = self.window
        window.notices.dismiss("file")
        before = window.feed.run
        window.files.load(path)
        self.until(lambda: window.feed.run is not before or window.notices.notice("file") is not None)
        self.look()
        if window.feed.run is before:
            return "refused"
        track = window.timeline.track
        height = track.height() // 2
        self.mouse(track, QEvent.Type.MouseButtonPress, QPoint(8, height))
        for share in (0.0, 0.6):
            self.mouse(track, QEvent.Type.MouseMove, QPoint(round(8 + share * (track.width() - 16)), height))
            self.look()
        self.mouse(track, QEvent.Type.MouseButtonRelease, QPoint(track.width() - 8, height), down=False)
        nodes = list(window.shown_document.project.graph.nodes)
        for node in generator.sample(nodes, min(2, len(nodes))):
            window.canvas.select([node])
            self.look()
        assert window.inspector is not None and window.docks is not None
        for tab in window.inspector.tabs:
            window.inspector.show_tab(tab)
            self.look(window.inspector)
        for panel in window.docks.panels.values():
            for child in panel.findChildren(QWidget):
                if child.hasMouseTracking() and child.isVisible():
                    for at in (QPoint(5, 5), child.rect().center()):
                        self.mouse(child, QEvent.Type.MouseMove, at, down=False)
            list(itertools.islice(panel.rows(), 2000))
        window.feed.set_step(None)
        window.canvas.select([])
        window.canvas.camera.fit()
        self.look()
        window.replay._look()
        self.look()
        return "damaged" if window.feed.run.damaged else "shown"


def say(line: str) -> None:
    """At once, whatever comes next."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(folder: Path, first: int, count: int) -> int:
    """The number of files at which something went wrong."""
    goods = [good_run(folder / f"{sample}.good", sample) for sample in SAMPLES]
    visitor = Visitor(folder)
    failures = 0
    for seed in range(first, first + count):
        say(f"seed {seed}")
        # A file of its own each: the one before is still open in the window.
        path = folder / f"mutated-{seed}.nnvizrun"
        done = mutated(goods[seed % len(goods)], path, seed)
        try:
            became = visitor.visit(path, random.Random(seed))
        except Exception:  # noqa: BLE001 - whatever comes out is told
            visitor.wrong.append(traceback.format_exc()[-1500:])
            became = "raised"
        if visitor.wrong:
            failures += 1
            say(json.dumps({"seed": seed, "done": done, "became": became, "wrong": visitor.wrong[:3]}))
            visitor.wrong.clear()
            painting._told.clear()
        if seed - first >= 2:
            for ending in ("", "-wal", "-shm", "-journal"):
                (folder / f"mutated-{seed - 2}.nnvizrun{ending}").unlink(missing_ok=True)
    visitor.window.finish()
    say(f"{failures} of {count} went wrong")
    return failures


if __name__ == "__main__":
    status = min(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])), 100)
    sys.stdout.flush()
    os._exit(status)
