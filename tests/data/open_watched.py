"""Opens a project in the real window in a process of its own, and says which programs that started, as JSON.

Arguments: the project, the picture to write, a file with the names of what was refused.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import watched

from nnviz.gui import app


def main(project: str, out: Path) -> None:
    state: list[str] = []

    def look(window: object) -> None:
        training = window.training  # type: ignore[attr-defined]
        state.extend((training.state, training.failure))

    refused = watched.install(None)
    app.render(project, out, size=(900, 600), prepare=look)
    sys.stdout.write(json.dumps({"refused": refused, "state": state}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
