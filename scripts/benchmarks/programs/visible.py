"""The window, visible, trains a sample: ``visible.py SAMPLE EPOCHS DATA_DIR FOLDER``, a JSON line an epoch.

The window is shown at 1680×1050 and play is pressed, as a user would; offscreen where there is no display.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec
from PySide6.QtCore import QTimer

from nnviz.gui import app as application
from nnviz.gui.parts.settings import Settings
from nnviz.gui.window.window import MainWindow
from nnviz.project.document import Document
from nnviz.project.samples import templates

_LOOK_EVERY = 20


def main(sample: str, epochs: int, data_dir: Path, folder: Path) -> int:
    """Open, play, tell, close."""
    app = application.application("dark")
    project = templates.sample(sample)
    project = msgspec.structs.replace(project, training=msgspec.structs.replace(project.training, epochs=epochs))
    window = MainWindow(Document(project), None, data_dir, Settings(folder / "settings.ini"))
    window.resize(1680, 1050)
    window.show()
    told = 0
    playing = False

    def look() -> None:
        nonlocal told, playing
        if not playing and window.training.state == "ready":
            playing = True
            window.training.toggle()
        # An epoch has ended when its validation is in the run: so it is said at the command line, too.
        steps, _ = window.feed.run.scalars("loss/validation")
        ended = int((steps > 0).sum())
        while told < min(ended, epochs):
            told += 1
            print(json.dumps({"event": "epoch", "epoch": told}), flush=True)
        if window.training.state in {"done", "failed"}:
            done = window.training.state == "done"  # a window that is finished has no session any more
            window.finish()
            app.exit(0 if done else 1)

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(_LOOK_EVERY)
    return app.exec()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])))
