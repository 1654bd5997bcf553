"""What a training begins with besides its project: a run that is gone on with, or weights that were trained before.

No torch and no Qt, so that a window can decide before it has either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from nnviz.errors import InputError, ProjectError, RunFileError
from nnviz.project.curation import MOST_CURATED, curated_problem, merged
from nnviz.project.files import io
from nnviz.project.model import Curated, Project
from nnviz.record.run import WARM_FROM, Run
from nnviz.record.run_lock import RunLock
from nnviz.train.change import difference

if TYPE_CHECKING:
    from torch import Tensor

    from nnviz.train.newest_state import NewestState


@dataclass(frozen=True, eq=False)
class Continued:
    """A recorded run as it was at its last whole checkpoint, from where it is gone on with; nobody else may meanwhile.

    Attributes:
        path: Its file.
        project: What it was made with.
        run: All it holds up to the checkpoint.
        state: The checkpoint; whoever restores it takes its parts out.
        more_until: How far to train where somebody had asked for more epochs than the project says; else 0.
        decided: What had been decided about single examples; None where the checkpoint does not say.
        lock: The file's, held until it is released or a writer takes it over.
    """

    path: Path
    project: Project
    run: Run
    state: NewestState
    more_until: int
    decided: tuple[Curated, ...] | None
    lock: RunLock

    def gone_on_with(self, project: Project) -> Project:
        """The project with what had been decided about examples of which it says nothing else than the run's own."""
        if self.decided is None:
            return project
        return msgspec.structs.replace(project, curation=merged(self.decided, self.project.curation, project.curation))


@dataclass(frozen=True, eq=False)
class Weights:
    """Trained weights and what they are of.

    Attributes:
        tensors: Parameters and buffers by their names in the state dict, on the CPU.
        kinds: The kind of each layer, by its id.
        step: Updates that had made them; of the best ones, how many there were where they were taken out.
        best_epoch: The epoch whose weights these are, where it is the best one's; else 0.
        averaged: Whether they are the average of the weights until that step.
        remark: That they are not the newest ones of their run, and why, as a sentence; empty where they are.
    """

    tensors: Mapping[str, Tensor]
    kinds: Mapping[str, str]
    step: int
    best_epoch: int = 0
    averaged: bool = False
    remark: str = ""

    @property
    def which(self) -> str:
        """Which of a run's weights they are, in words."""
        if self.best_epoch:
            return f"epoch {self.best_epoch}, the best one,"
        return f"the averaged weights at step {self.step}" if self.averaged else f"step {self.step}"


@dataclass(frozen=True, eq=False)
class WarmStart:
    """Layers that fit begin with weights that were trained before; the optimizer begins anew.

    Attributes:
        source: What they come from, as it is said: the name of a run's file, or of a network.
        path: The run's file, where they are to be read from it; its last checkpoint that can be read is taken,
            and of that the weights that were validated.
        weights: The weights themselves, where they are at hand.
    """

    source: str
    path: Path | None = None
    weights: Weights | None = None

    @property
    def facts(self) -> dict[str, str]:
        """What the run says of itself that begins so; which layers they were is a finding of its first step."""
        return {WARM_FROM: self.source}


Start: TypeAlias = Continued | WarmStart


def refusal(recorded: Project, project: Project, path: Path | str) -> ProjectError | None:
    """Why a run that was made with one project cannot be gone on with another; None where it can."""
    found = difference(recorded, project)
    if found is None:
        return None
    return ProjectError(
        "What is asked for is not what the run in this file was made with "
        f"({found.told('in the run', 'asked for')}), so it cannot be gone on with.",
        file=str(path),
        field=found.field,
    )


def take(path: Path, project: Project | None = None) -> Continued:
    """The run in a file, to be gone on with; its lock is held from here on. Reads the disk.

    Args:
        path: The run's file.
        project: What it is to be continued with; None is the project that it was made with.

    Raises:
        RunFileError: It cannot be read, or holds no checkpoint.
        ProjectError: It may not be continued with this project.
        RunFileBusy: Somebody else writes it.
        InputError: It may not be written here.
    """
    from nnviz.record.stored import open_run  # noqa: PLC0415 - sqlite is only needed for this
    from nnviz.train.newest_state import newest_state  # noqa: PLC0415 - as above

    path, lock = locked(path)
    try:
        with open_run(path) as stored:
            recorded = io.loads(stored.info.project_json, str(path))
            if project is not None and (refused := refusal(recorded, project, path)) is not None:
                raise refused
            newest = newest_state(stored)
            if newest is None:
                raise _nothing_kept(path)
            more_until, decided = _said_by(newest.blobs)
            return Continued(path, recorded, stored.to_run(newest.step), newest, more_until, decided, lock)
    except BaseException:
        lock.release()
        raise


def project_of(path: Path) -> Project:
    """What a run was made with that :meth:`take` would give; nothing is held after. Reads the disk.

    Raises:
        NnvizError: As :meth:`take` does.
    """
    from nnviz.record.stored import open_run  # noqa: PLC0415 - sqlite is only needed for this

    path, lock = locked(path)
    try:
        with open_run(path) as stored:
            if not stored.checkpoints():
                raise _nothing_kept(path)
            return io.loads(stored.info.project_json, path.name)
    finally:
        lock.release()


def locked(path: Path) -> tuple[Path, RunLock]:
    """The file of a run that is to be gone on with, followed where it is a link, and its lock. Reads the disk.

    Raises:
        RunFileError: It is no run that can be read.
        RunFileBusy: Somebody else writes it.
        InputError: It may not be written here.
    """
    from nnviz.record.stored import open_run  # noqa: PLC0415 - as above

    path = path.resolve() if path.is_symlink() else path.absolute()  # the lock lies beside the file itself
    open_run(path).close()  # before anything is laid beside what may be no run at all
    try:
        return path, RunLock.take(path)
    except OSError as error:
        raise InputError(f"The run cannot be gone on with: {error.strerror or error}.", file=str(path)) from error


def _nothing_kept(path: Path) -> RunFileError:
    return RunFileError("The run holds no weights to go on from: it ended too early.", file=str(path))


class _Progress(msgspec.Struct, frozen=True):
    more_until: int = 0


class _Header(msgspec.Struct, frozen=True):
    progress: _Progress = _Progress()
    curation: tuple[Curated, ...] | None = None
    decided: tuple[Curated, ...] | None = None


def _said_by(blobs: Mapping[str, bytes]) -> tuple[int, tuple[Curated, ...] | None]:
    """What the checkpoint says of the goal and of single examples; one that is damaged is refused when restored."""
    try:
        header = msgspec.json.decode(blobs.get("header", b""), type=_Header)
    except (msgspec.MsgspecError, RecursionError):
        return 0, None
    decided = header.curation if header.decided is None else header.decided
    if decided is not None and (len(decided) > MOST_CURATED or any(map(curated_problem, decided))):
        decided = None
    return header.progress.more_until, decided
