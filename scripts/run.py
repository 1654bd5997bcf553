"""Set nnviz up, if need be, and start it: ``python3 scripts/run.py [what nnviz takes]``.

Without a display it does the same job without a window: it trains the start sample with a progress bar, keeps the run
file, renders the window to a PNG and prints both paths.
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import environment

sys.path.insert(0, str(environment.ROOT))
from nnviz.gui.display import has_display  # standard library only: it works before the setting up

START_SAMPLE = "sample:digits-cnn"
COMMANDS = {"samples", "datasets", "summary", "train", "screenshot"}


def main() -> None:
    """Set up, then become nnviz."""
    arguments = sys.argv[1:]
    interpreter = environment.ensure()
    wants_window = not any(argument in COMMANDS or argument in ("-h", "--help", "--version") for argument in arguments)
    if wants_window and not has_display():
        without_display(interpreter, arguments)
    # -P, here and below: nothing is imported from the current folder, which anybody may have filled.
    environment.start([interpreter, "-P", "-m", "nnviz", *arguments])


def without_display(interpreter: Path, arguments: list[str]) -> None:
    """The main job without a window; ends the program."""
    project = START_SAMPLE
    options = list(arguments)
    if options and not options[0].startswith("-"):
        project = options.pop(0)
    name = re.sub(r"[^\w-]+", "-", Path(project.removeprefix("sample:")).stem)
    folder = environment.ROOT / "out"
    folder.mkdir(exist_ok=True)
    environment.say("There is no display, so the same job is done without a window.")
    if project.endswith(".nnvizrun"):
        run, picture = Path(project), folder / f"{name}.png"
    else:
        run, picture = new_outputs(folder, name)
        train = [interpreter, "-P", "-m", "nnviz", "train", project, "--run", run, *options]
        _call([str(part) for part in train])
    _call([str(part) for part in (interpreter, "-P", "-m", "nnviz", "screenshot", run, "--out", picture)])
    print(f"The run:     {run}\nThe picture: {picture}", flush=True)
    raise SystemExit(0)


def new_outputs(folder: Path, name: str) -> tuple[Path, Path]:
    """A run file and a picture that are not there yet: what an earlier start has left is the user's."""
    for number in itertools.count(1):
        stem = name if number == 1 else f"{name}-{number}"
        run, picture = folder / f"{stem}.nnvizrun", folder / f"{stem}.png"
        if not os.path.lexists(run) and not os.path.lexists(picture):
            break
    return run, picture


def _call(command: list[str]) -> None:
    try:
        status = subprocess.call(command)
    except KeyboardInterrupt:
        status = 130
    if status != 0:
        raise SystemExit(status)


if __name__ == "__main__":
    main()
