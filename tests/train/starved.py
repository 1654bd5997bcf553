"""Trainings that run out of memory at a place of their life: each in a process of its own, forked from this one.

Prints a line of JSON for each: where, how much there was, how it ended, and what was said.
"""

from __future__ import annotations

import json
import os
import random
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import torch

from nnviz import cli
from nnviz.network import memory
from nnviz.project.files import io
from nnviz.project.model import Choice, DataConfig, Project, TrainConfig
from nnviz.project.samples.sketch import chain, conv, flatten, image, linear, output, plain, pool, relu
from nnviz.record import stored
from nnviz.train import batches, headless, instruments, loop, preparing, room, runner, training, uncompiled

MEGABYTE = 10**6
#: Where memory ends: the call that is the first to have no more than it gets.
PLACES: dict[str, tuple[Any, str]] = {
    "loading": (preparing.Preparing, "prepare"),
    "building": (training.Training, "__init__"),
    "first measuring": (runner.Runner, "begin"),
    "first step": (runner.Runner, "_train_a_batch"),
    "later step": (batches.Batches, "next"),
    "measuring": (instruments.Instruments, "continue_measuring"),
    "validation": (loop.Evaluation, "advance"),
    "best weights": (training.Training, "finish_epoch"),
    "checkpoint": (runner.Runner, "save"),
    "reading a checkpoint": (headless, "reopen"),
    "going on": (training.Training, "restore"),
}
#: Places at which modules of torch are still to be imported: these come first, and are to lack memory for that as well.
IMPORTING = ("loading", "building")
#: How often a place is passed before memory ends there.
LATER = {"later step": 3}


def network() -> Project:
    """Three million parameters, and batches of some hundred megabytes."""
    graph = chain(
        image(1, 28, 28), conv(32, 3, padding=1), plain("batch_norm2d"), relu(), pool(4), flatten(), linear(1800),
        relu(), linear(10), output(),
    )  # fmt: skip
    config = TrainConfig(Choice("adam"), batch_size=256, epochs=2, keep_best=True)
    return Project(
        "starved", graph=graph, data=DataConfig("digits", {"size": "28"}, validation_fraction=0.8), training=config
    )


def import_what_building_takes() -> None:
    """What torch imports with the first network and the first optimizer is not imported again in each process."""
    uncompiled.spare_the_compiler()
    torch.optim.Adam(torch.nn.Linear(1, 1).parameters())


def bounded(place: str, nbytes: int) -> None:
    """From the first call at this place on the process may have so much more, and no guard knows it."""
    if place != "reading a checkpoint":  # There the guard is all there is: what reads it ends badly without memory.
        memory.available_bytes = room.available_bytes = lambda device: 1 << 60  # type: ignore[assignment]
    owner, name = PLACES[place]
    real: Callable[..., Any] = getattr(owner, name)
    calls = [0]

    def bound(*arguments: Any, **more: Any) -> Any:
        calls[0] += 1
        if calls[0] == LATER.get(place, 0) + 1:
            limit = psutil.Process().memory_info().vms + nbytes
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        return real(*arguments, **more)

    setattr(owner, name, bound)


def run(arguments: list[str], place: str, nbytes: int, folder: Path) -> dict[str, object]:
    """The command in a process of its own."""
    said = folder / "said.txt"
    child = os.fork()
    if child == 0:
        status = 99
        try:
            with said.open("w") as stream:
                os.dup2(stream.fileno(), 1)
                os.dup2(stream.fileno(), 2)
            if place:
                bounded(place, nbytes)
            status = cli.main(arguments)
            sys.stderr.flush()
        except BaseException:  # noqa: BLE001 - it is what the test looks for
            traceback.print_exc()
        finally:
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    return {
        "place": place,
        "bytes": nbytes,
        "status": os.waitstatus_to_exitcode(ended),
        "said": said.read_text().splitlines(),
    }


def main(seed: int, rounds: int) -> None:
    """Each place, as often as wanted, with another limit each time."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project, whole = folder / "starved.nnviz", folder / "whole.nnvizrun"
        io.save(network(), project)
        common = ["train", str(project), "--json"]
        path = folder / "run.nnvizrun"

        def starve(place: str, nbytes: int, *, resumed: bool = False) -> None:
            path.unlink(missing_ok=True)
            if resumed:
                path.write_bytes(whole.read_bytes())
            began = time.monotonic()
            result = run([*common, *(["--resume"] if resumed else []), "--run", str(path)], place, nbytes, folder)
            readable = None
            if path.exists():
                with stored.open_run(path) as kept:
                    readable = kept.last_step
            print(json.dumps({**result, "kept to step": readable, "seconds": time.monotonic() - began}), flush=True)  # noqa: T201 - for the test

        limits = [(place, round(MEGABYTE * 2 ** chance.uniform(-1, 6))) for _ in range(rounds) for place in PLACES]
        for place, nbytes in limits:
            if place in IMPORTING:
                starve(place, nbytes)
        import_what_building_takes()
        first = run([*common, "--epochs", "1", "--run", str(whole)], "", 0, folder)
        assert first["status"] == 0, first
        for place, nbytes in limits:
            if place not in IMPORTING:
                starve(place, nbytes, resumed=place in ("reading a checkpoint", "going on"))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
