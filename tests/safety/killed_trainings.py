"""Trainings that are killed at any moment and gone on with, again and again: each must end as if nothing had happened.

Two trainings: a chain of dense layers, and a recipe with averaged weights, accumulated batches, a plateau that lowers
the rate, early stopping and dropout. A run that was killed is gone on with until it is done, then the next begins.
``scripts/check_kills.py`` runs it with forty moments; the suite with a handful.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

import forked

from nnviz import cli
from nnviz.record.store import open_run

EPOCHS = 24
#: Two networks: a chain of dense layers, which takes the short way, and one with dropout and all of the recipe.
RECIPES = {
    "chain": ["sample:spiral", "--epochs", "60"],
    "recipe": [
        "sample:mlp-5x50-dropout",
        "--epochs",
        str(EPOCHS),
        *("--data", "digits"),
        *("--set", "training.batch_size=64"),
        *("--set", "training.accumulation=3"),
        *("--set", "training.averaging=ema"),
        *("--set", 'training.schedule={"kind": "plateau", "params": {"patience": 1}}'),
        *("--set", 'training.early_stopping={"kind": "patience", "params": {"patience": 50}}'),
        *("--set", "training.keep_best=true"),
    ],
}
#: Curves that project and seed decide.
_CURVES = ("loss/train", "loss/validation", "accuracy/validation", "epoch", "loss/test")


@dataclass(frozen=True)
class Found:
    """What became of so many kills.

    Attributes:
        kills: Processes that were killed while they trained.
        behind: Of these, how many left a checkpoint to go on from.
        finished: Runs that came to their end after one kill or more.
        problems: What was wrong, a sentence each.
    """

    kills: int
    behind: int
    finished: int
    problems: tuple[str, ...]


def arguments_of(recipe: str, path: Path, *, resume: bool) -> list[str]:
    """The command line of a training."""
    return ["train", *RECIPES[recipe], "--seed", "7", "--json", "--run", str(path), *(["--resume"] if resume else [])]


def trained(arguments: list[str], log: str) -> None:
    """The command line in a process of its own."""
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 1)
    os.dup2(1, 2)
    os._exit(cli.main(arguments))


def facts(path: Path) -> tuple[dict[str, bytes], dict[str, tuple[bytes, bytes]]]:
    """Everything of a finished run that its project and seed decide: last checkpoint and curves."""
    with open_run(path) as stored:
        assert stored.finished and stored.state == "done", f"{path} is not done"
        curves = {}
        for name in _CURVES:
            steps, values = stored.scalars(name)
            curves[name] = (steps.tobytes(), np.asarray(values).tobytes())
        return dict(stored.load_checkpoint()), curves


def kill(folder: Path, recipe: str, kills: int, seed: int) -> Found:
    """Kills a training at so many random moments, and compares what comes to its end with an undisturbed one.

    Args:
        folder: For the runs.
        recipe: Of :data:`RECIPES`.
        kills: How many.
        seed: Decides the moments.
    """
    context, chance = forked.context(), random.Random(seed)
    reference, path = folder / f"{recipe}-whole.nnvizrun", folder / f"{recipe}.nnvizrun"
    log = folder / f"{recipe}.log"
    whole = context.Process(target=trained, args=(arguments_of(recipe, reference, resume=False), str(log)))
    whole.start()
    while whole.is_alive() and b'"epoch"' not in (log.read_bytes() if log.exists() else b""):
        time.sleep(0.005)
    began = time.monotonic()
    whole.join()
    lasts = max(0.05, time.monotonic() - began)  # the first epoch left out
    expected = facts(reference)
    problems: list[str] = []
    made = behind = finished = 0

    def compare() -> None:
        nonlocal finished
        finished += 1
        if facts(path) != expected:
            problems.append(f"{recipe}: run {finished} ended otherwise than the undisturbed one")
        path.unlink()

    while made < kills:
        own = folder / f"{recipe}-{made}-{finished}.log"
        process = context.Process(
            target=trained, args=(arguments_of(recipe, path, resume=path.exists()), str(own)), daemon=True
        )
        process.start()
        at_once = chance.random() < 0.15
        while not at_once and process.is_alive() and b'"epoch"' not in (own.read_bytes() if own.exists() else b""):
            time.sleep(0.002)
        process.join(chance.uniform(0, 0.6 * lasts))
        process.kill()
        process.join()
        if process.exitcode == 0:
            compare()
            continue
        if process.exitcode != -9:
            problems.append(f"{recipe}: status {process.exitcode}: {own.read_bytes()[-300:]!r}")
            break
        made += 1
        if path.exists():
            try:
                with open_run(path) as stored:
                    stored.scalars("loss/train")
                    behind += bool(stored.checkpoints())
            except Exception as error:  # noqa: BLE001 - whatever it is, a run could not be read
                problems.append(f"{recipe}: after kill {made} the run cannot be read: {error}")
                path.unlink()
    if path.exists():
        last = context.Process(target=trained, args=(arguments_of(recipe, path, resume=True), str(log)))
        last.start()
        last.join()
        compare()
    return Found(made, behind, finished, tuple(problems))


def main() -> int:
    """Kills, then says in a line what became of it."""
    parser = argparse.ArgumentParser(description="Trainings that are killed and gone on with.")
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shares = {"chain": options.kills // 2, "recipe": options.kills - options.kills // 2}
        began, problems = time.monotonic(), 0
        for recipe, kills in shares.items():
            found = kill(Path(folder), recipe, kills, options.seed)
            problems += len(found.problems)
            said = f"{found.kills} kills, {found.behind} behind a checkpoint, {found.finished} runs came to their end"
            ended = json.dumps(found.problems) if found.problems else "all as undisturbed"
            sys.stdout.write(f"{recipe}: {said}: {ended}\n")
            sys.stdout.flush()
        sys.stdout.write(f"{time.monotonic() - began:.0f} s\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
