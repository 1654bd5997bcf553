"""From the command to the window on the screen, in a fresh process; and what scripts/run.py adds to a second start."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rows import Row, Settings

ROOT = Path(__file__).resolve().parents[2]

#: As ``nnviz.gui.app.main`` does it, up to the first painting of the whole window.
OPEN_WINDOW = """
import os, sys, tempfile, time
from pathlib import Path
from nnviz.cli import main  # what the command imports first
from nnviz.gui import app
from nnviz.gui.parts.settings import Settings
document, run = app.open_target(None)
application = app.application("dark")
from nnviz.gui.window.window import MainWindow
window = MainWindow(document, run, None, Settings(Path(tempfile.mkdtemp()) / "settings.ini"))
window.resize(1680, 1050)
window.show()
while not window.isVisible() or window.canvas.viewport().visibleRegion().isEmpty():
    application.processEvents()
window.repaint()
print(time.time() - float(os.environ["NNVIZ_BEGAN"]), "torch" in sys.modules)
sys.stdout.flush()
os._exit(0)
"""


def measure(settings: Settings) -> Iterator[Row]:
    """Rows of this file."""
    with tempfile.TemporaryDirectory() as compiled:
        # The first one fills the disk cache, and compiles: where a machine forbids Python to keep that (some test
        # machines do, no user does), each start would compile the whole program again.
        shown = [_window(Path(compiled)) for _ in range(settings.rounds(7) + 1)][1:]
    yield Row(
        "window painted after the command, warm disk cache",
        f"{statistics.median(shown):.2f} s ({min(shown):.2f}–{max(shown):.2f})",
        "limit 1 s",
        statistics.median(shown) < 1,
    )
    direct, scripted = [], []
    for _ in range(settings.rounds(7)):
        direct.append(_version([sys.executable, "-m", "nnviz"]))
        scripted.append(_version([sys.executable, str(ROOT / "scripts" / "run.py")]))
    added = statistics.median(scripted) - statistics.median(direct)
    yield Row("what scripts/run.py adds to a second start", f"{added * 1000:.0f} ms", "limit 500 ms", added < 0.5)


def _window(compiled: Path) -> float:
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(compiled), "QT_QPA_PLATFORM": "offscreen"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["NNVIZ_BEGAN"] = str(time.time())
    done = subprocess.run(
        [sys.executable, "-c", OPEN_WINDOW], env=environment, capture_output=True, text=True, check=True, cwd=ROOT
    )
    return float(done.stdout.split()[0])


def _version(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run([*command, "--version"], capture_output=True, check=True, cwd=ROOT)
    return time.perf_counter() - began
