"""Reads mutated run files where no other process can be started, nothing connected and nothing written elsewhere.

Run as a program: ``fuzzed_run_files.py FOLDER FIRST COUNT``. A hook for audits cannot be taken away again, so it has a
process of its own; memory is limited, so that a bomb is seen. Every failure is a line of JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from run_file_mutations import SAMPLES, good_run, mutated

from nnviz.errors import RunFileError
from nnviz.record.store import open_run
from nnviz.record.stored import StoredRun
from nnviz.record.tolerant import TolerantRun, open_tolerantly

#: Bytes of address space: what the interpreter with numpy maps, and 600 MB for the runs.
_SPACE = 1_600 * 2**20
_FORBIDDEN = (
    "subprocess.",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "os.spawn",
    "socket.",
    "pty.",
)
_CHANGING = {"os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.chmod", "os.link", "os.symlink", "os.truncate"}


def watch(folder: Path) -> list[str]:
    """From now on, what must not happen is refused and listed."""
    seen: list[str] = []
    inside = str(folder) + os.sep

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        wrong = event.startswith(_FORBIDDEN)
        if event == "open":
            path, _mode, flags = arguments
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            wrong = bool(writes) and not str(path).startswith(inside) and str(path) != os.devnull
        elif event in _CHANGING:
            wrong = not os.fsdecode(str(arguments[0])).startswith(inside)
        if wrong:
            seen.append(f"{event} {arguments!r}"[:200])
            raise PermissionError(f"refused: {event}")

    sys.addaudithook(hook)
    return seen


def read_all(run: StoredRun | TolerantRun) -> None:
    """Everything that a window, a panel or the command line asks of a run."""
    assert -1 <= run.last_step <= 2**53
    assert len(run.info.title) <= 200
    names = run.names()
    for name in names:
        steps, values = run.scalars(name)
        assert len(steps) == len(values)
        assert (np.diff(steps) > 0).all()
        for step in (None, 0, 5, run.last_step):
            reading = run.latest(name, step)
            assert reading is None or reading.series == name
    dict(run.at(5))
    run.findings()
    run.findings(3)
    run.read_since(0)


def try_one(path: Path) -> None:
    """Both readers over one file.

    Raises:
        AssertionError: The tolerant one raised, or something was not what it must be.
    """
    try:
        with open_run(path) as strict:
            read_all(strict)
            for checkpoint in strict.checkpoints():
                strict.load_checkpoint(checkpoint.id)
            strict.to_run()
    except RunFileError as error:
        assert "\n" not in str(error) and len(str(error)) < 1000, error
    try:
        tolerant = open_tolerantly(path)
    except RunFileError:
        return
    try:
        read_all(tolerant)
        read_all(tolerant)
        with contextlib.suppress(RunFileError):
            tolerant.refresh()
        for series, reason in tolerant.damaged.items():
            assert series in tolerant.names() and "\n" not in reason
    finally:
        tolerant.close()


def say(failure: dict[str, object]) -> None:
    """One line, at once."""
    sys.stdout.write(json.dumps(failure) + "\n")
    sys.stdout.flush()


def main(folder: Path, first: int, count: int) -> int:
    """The number of files that went wrong."""
    goods = [good_run(folder / f"{reading}.good", reading) for reading in SAMPLES]
    for good in goods:
        with open_run(good) as run:
            read_all(run)
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_SPACE, _SPACE))
    seen = watch(folder)
    try:
        os.system("true")
    except PermissionError:
        seen.clear()  # the watch is awake
    else:
        raise AssertionError("a process was started and nothing was seen")
    failures = 0
    for seed in range(first, first + count):
        path = folder / "mutated.nnvizrun"
        done = mutated(goods[seed % len(goods)], path, seed)
        try:
            try_one(path)
        except Exception:  # noqa: BLE001 - whatever comes out is told
            failures += 1
            say({"seed": seed, "done": done, "error": traceback.format_exc()[-1500:]})
    for event in seen:
        failures += 1
        say({"event": event})
    return failures


if __name__ == "__main__":
    sys.exit(min(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])), 100))
