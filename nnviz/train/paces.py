"""How long a training is going to take, from what was seen of the same network on this computer before. Without torch.

What was timed is kept in a small file of the cache, under a key of all that decides how long a step takes. Of a network
that nobody has timed here, the pace of the one with the nearest amount of work is taken, in proportion.
"""

from __future__ import annotations

import hashlib
import math
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from nnviz.project.checks.shapes import infer
from nnviz.project.files import io
from nnviz.project.graph.bypass import effective
from nnviz.project.model import DataConfig, Project, View
from nnviz.user_folders import cache_folder

#: Entries that are kept, and bytes of the file that are read.
_MOST = 400
_LARGEST = 2**20
#: An amount of work that differs more than this says nothing.
_NEAR = 16.0

#: Seconds beside each step and each epoch for bookkeeping, which is most of what there is to a tiny network (measured:
#: spiral, and, xnor-two-layer), and how many times as long everything takes with the instruments (mlp-512-dropout).
_BESIDE_STEP, _BESIDE_EPOCH, _INSTRUMENTS = 0.2e-3, 2e-3, 1.05

TRAINED, TIMED, NEAR = "trained", "timed", "near"


class Pace(msgspec.Struct, frozen=True):
    """How long the parts of an epoch take.

    Attributes:
        step_seconds: Of a step; of a whole training, the share of validation and all else is in it.
        validation_seconds: Of one example of the validation split; 0 where it is in that of the steps.
        work: Multiply-accumulate operations of the forward pass of a step.
        source: ``trained`` as it was the last time, ``timed`` on a copy before the start, or ``near``: of another
            network with about as much work.
        steps: How many steps that was found from.
    """

    step_seconds: float
    validation_seconds: float = 0.0
    work: int = 0
    source: str = TIMED
    steps: int = 0

    @property
    def is_usable(self) -> bool:
        """Whether it can be: a file may say anything."""
        numbers = (self.step_seconds, self.validation_seconds)
        return all(math.isfinite(number) and 0 <= number < 1e6 for number in numbers) and self.step_seconds > 0


@dataclass(frozen=True)
class Duration:
    """What a training is expected to take.

    Attributes:
        epoch: Seconds of an epoch.
        epochs: How many there are.
        why: What is known it from, as a sentence.
    """

    epoch: float
    epochs: int
    why: str

    @property
    def whole(self) -> float:
        """Seconds of all epochs."""
        return self.epoch * self.epochs

    @property
    def text(self) -> str:
        """``about 40 s an epoch, 7 min in all``."""
        return f"about {_rough(self.epoch)} an epoch, {_rough(self.whole)} in all"


def key_of(project: Project) -> str:
    """Of all that decides how long a step takes: network, data, batches, recipe, device and threads."""
    training = msgspec.structs.replace(project.training, epochs=1, seed=0, keep_best=False)
    data = DataConfig(project.data.dataset, project.data.params, augmentation=project.data.augmentation)
    bare = Project(graph=effective(project).graph, data=data, training=training, view=View())
    threads = os.environ.get("OMP_NUM_THREADS", "")
    nodes = {node.id: (node.kind, repr(sorted(node.params.items(), key=str))) for node in bare.graph.nodes.values()}
    edges = sorted(repr(edge) for edge in bare.graph.edges)
    settings = io.dumps(msgspec.structs.replace(bare, graph=type(bare.graph)()))
    whole = repr((nodes, edges, threads)).encode() + settings
    return hashlib.blake2b(whole, digest_size=12).hexdigest()


def work_of(project: Project) -> int:
    """Multiply-accumulate operations of the forward pass of a step."""
    return infer(effective(project).graph).macs * project.training.step_size


def recall(project: Project, *, near: bool = True) -> Pace | None:
    """The pace of a project on this computer, as far as it is known. Reads a file: not for the GUI thread.

    Args:
        project: What is to be trained.
        near: Whether that of another network with about as much work will do.
    """
    known = _read()
    own = known.get(key_of(project))
    if own is not None or not near:
        return own
    work = work_of(project)
    others = [pace for pace in known.values() if pace.work > 0 and work > 0]
    nearest = min(others, key=lambda pace: abs(math.log(pace.work / work)), default=None)
    if nearest is None or abs(math.log(nearest.work / work)) > math.log(_NEAR):
        return None
    share = work / nearest.work
    return Pace(nearest.step_seconds * share, nearest.validation_seconds * share, work, NEAR)


def remember(project: Project, pace: Pace) -> None:
    """Keeps a pace for the next time; where that cannot be written, nothing is lost but time."""
    if not pace.is_usable:
        return
    with suppress(OSError, msgspec.MsgspecError):
        path = _path()
        known = _read()
        known.pop(key := key_of(project), None)
        known[key] = pace
        for old in [*known][: max(0, len(known) - _MOST)]:
            del known[old]
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        try:
            beside.write_bytes(msgspec.json.encode(known))
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


def duration(pace: Pace, training: int, validation: int, step_size: int, epochs: int) -> Duration:
    """What a training is going to take.

    Args:
        pace: Of its steps.
        training: Examples for training.
        validation: Examples for validation.
        step_size: Examples a step.
        epochs: How many.
    """
    steps = math.ceil(training / max(step_size, 1))
    seconds = steps * pace.step_seconds + validation * pace.validation_seconds
    if pace.source != TRAINED:
        seconds = _INSTRUMENTS * seconds + steps * _BESIDE_STEP + _BESIDE_EPOCH
    return Duration(seconds, epochs, _WHY[pace.source](pace))


_WHY: dict[str, Callable[[Pace], str]] = {
    TRAINED: lambda pace: f"As long as its last training took on this computer, over {pace.steps:,} steps.",
    TIMED: lambda pace: (
        f"{pace.steps:,} steps of a copy of this network took {_rough(pace.step_seconds)} each on this computer. What "
        "the window takes comes on top."
    ),
    NEAR: lambda pace: (
        "A rough guess: this network was never timed on this computer, and another one with about as much arithmetic "
        "was."
    ),
}


def _rough(seconds: float) -> str:
    """``3 ms``, ``0.4 s``, ``40 s``, ``7 min``, ``3 h``: no more figures than an estimate deserves."""
    if seconds < 0.0995:
        return f"{max(seconds * 1e3, 0.1):.1g} ms" if seconds < 0.0095 else f"{seconds * 1e3:.0f} ms"
    if seconds < 9.5:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if seconds < 5970:
        return f"{seconds / 60:.0f} min"
    hours = seconds / 3600
    return f"{hours:.1f} h" if hours < 9.95 else f"{hours:.0f} h"


def _path() -> Path:
    return cache_folder() / "paces.json"


def _read() -> dict[str, Pace]:
    """What was kept, oldest first; nothing where the file is missing or damaged."""
    try:
        path = _path()
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return {}
        known = msgspec.json.decode(path.read_bytes(), type=dict[str, Pace])
    except (OSError, ValueError, RecursionError):
        return {}
    return {key: pace for key, pace in known.items() if pace.is_usable and pace.source in (TRAINED, TIMED)}
