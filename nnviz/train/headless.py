"""Training without a window: a session on the calling thread, and its run in a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nnviz import __version__, interruption
from nnviz.errors import InputError, RunFileError, StorageError
from nnviz.probes.base import Probe
from nnviz.project.files import io
from nnviz.project.model import Project
from nnviz.record.run import Run, RunInfo
from nnviz.record.store import RunFileBusy, RunFileExists, RunWriter, open_run, write_among_kept
from nnviz.train import devices, taken_state
from nnviz.train.change import differences, learning_rate_of
from nnviz.train.checkpoint import Checkpoint
from nnviz.train.position import EpochResult, Outcome, SessionState
from nnviz.train.session import TrainingSession
from nnviz.train.start import WarmStart, locked, refusal

if TYPE_CHECKING:
    from nnviz.data.examples import LoadedData
    from nnviz.train.distributed import Together

#: Seconds after which it is said that the disk still has to take the end of a run.
_PATIENCE = 30.0


@dataclass(frozen=True)
class Kept:
    """Where a run is at the end.

    Attributes:
        path: The file that holds it, or what could be kept of it; None where there is none.
        complete: Whether all that was recorded is in it.
    """

    path: Path | None
    complete: bool


def train_to_file(
    project: Project,
    path: Path | None,
    *,
    data_dir: Path | None = None,
    resume: bool = False,
    warm: WarmStart | None = None,
    on_session: Callable[[TrainingSession], None] | None = None,
    on_epoch: Callable[[EpochResult], None] | None = None,
    on_warning: Callable[[str], None] | None = None,
    probes: Sequence[Probe] | None = None,
    on_kept: Callable[[Kept], None] | None = None,
    together: Together | None = None,
    data: LoadedData | None = None,
    test: bool = True,
) -> Outcome:
    """Trains a project to its last epoch, measures on the test split, and keeps the run in a file.

    Args:
        project: What to train.
        path: The run's file; it must not exist yet, or with ``resume`` it is gone on with. None is a new one in the
            folder of kept runs.
        data_dir: Where to look for the data set first.
        resume: Go on from the file's last checkpoint that can be read, bit for bit on the CPU; the file stays as it is
            until it trains.
        warm: Layers that fit begin with these weights; not with ``resume``.
        on_session: Called with the session before it starts: whoever shows progress reads its position.
        on_epoch: Called at the end of each epoch, on this thread.
        probes: The instruments; None is all of them, () is none.
        on_warning: Called, on another thread, when the file cannot be written any more or was lost; training goes on.
        on_kept: Called at the end, however it ended, with where the run is; not where there never was a file.
        together: The other processes that train with this one, which is their first; they end with it, however it ends.
        data: The data set, where it is loaded already.
        test: Whether the test split is looked at in the end.

    Raises:
        InputError: The file or the data cannot be used.
        TrainingError: Training failed; what was recorded until then is kept.
        Cancelled: It was interrupted; likewise.
    """
    with nullcontext() if together is None else _ending_all(together):
        return _train_to_file(
            project,
            path,
            data_dir,
            resume,
            warm,
            on_session,
            on_epoch,
            on_warning,
            probes,
            on_kept,
            together,
            data,
            test,
        )


def _not_kept(error: StorageError, path: Path | None) -> InputError:
    """Why no file of a run could be made; the cause knows the place, where nobody named one."""
    cause = error.__cause__
    place = path or getattr(cause, "filename", None) or ""
    reason = getattr(cause, "strerror", None) or str(cause or error)
    return InputError(f"The run cannot be kept here: {reason.rstrip('.')}.", file=str(place))


@contextmanager
def _ending_all(together: Together) -> Iterator[None]:
    """However this process ends, the others end with it."""
    try:
        yield
    finally:
        together.end()


def _train_to_file(
    project: Project,
    path: Path | None,
    data_dir: Path | None,
    resume: bool,
    warm: WarmStart | None,
    on_session: Callable[[TrainingSession], None] | None,
    on_epoch: Callable[[EpochResult], None] | None,
    on_warning: Callable[[str], None] | None,
    probes: Sequence[Probe] | None,
    on_kept: Callable[[Kept], None] | None,
    together: Together | None,
    data: LoadedData | None,
    test: bool,
) -> Outcome:
    def warn(text: str) -> None:
        if on_warning is not None:
            on_warning(text)

    device = None if together is None else str(together.device)
    checkpoint: Checkpoint | None = None
    try:
        if resume:
            if path is None:
                raise InputError("There is no run to go on with.")
            writer, run, checkpoint, earlier = _go_on(project, path, warn)
            if earlier:
                warn(earlier)
            if other := _said_to_differ(run, project):
                warn(other)
        else:
            run = Run(
                RunInfo(
                    project_json=io.dumps(project),
                    nnviz_version=__version__,
                    seed=project.training.seed,
                    # The file says it before the session finds out where "auto" is.
                    device=device or _device_name(project),
                    title=project.name,
                    facts={
                        **({} if together is None else {"processes": str(together.ranks.size)}),
                        **({} if warm is None else warm.facts),
                    },
                )
            )
            on_error = _as_text(warn)
            writer = (
                write_among_kept(run, on_error=on_error) if path is None else RunWriter(run, path, on_error=on_error)
            )
    except (RunFileBusy, RunFileExists) as error:
        raise InputError(str(error)) from error
    except StorageError as error:
        raise _not_kept(error, path) from error
    first = writer.path
    try:
        session = TrainingSession(
            project,
            run,
            data=data,
            data_dir=data_dir,
            store=writer,
            resume=checkpoint,
            warm=warm,
            device=device,
            together=together,
            on_epoch=on_epoch,
            probes=probes,
        )
        checkpoint = None  # The session lets it go once it has it: it is as large as the training.
        session.refused.connect(warn)
        session.told.connect(warn)
        # Until then its file stays as it is, also where it is gone on with from an earlier step than it holds.
        session.state_changed.connect(lambda state: writer.begin() if state is SessionState.RUNNING else None)
        if resume and learning_rate_of(io.loads(run.info.project_json)) != (
            wanted := learning_rate_of(project)
        ):  # else it stays what it was at the checkpoint
            session.set_learning_rate(wanted)
        if on_session is not None:
            on_session(session)
        try:
            return session.train(test=test)
        except RunFileError as error:  # what the checkpoint holds is looked at once the network is there
            raise error.at(file=str(path)) from error
    finally:
        # It failed before anything was measured: no empty file is left behind.
        discard = not resume and run.last_step < 0
        try:
            _close(writer, discard, warn, alone=together is None)
        finally:
            if on_kept is not None and not discard:
                moved = writer.kept != first
                on_kept(Kept(writer.kept if moved or path is None else path, writer.complete))


def _close(writer: RunWriter, discard: bool, warn: Callable[[str], None], *, alone: bool) -> None:
    """However long the disk takes: whoever does not want to wait interrupts."""
    with interruption.put_off(however_often=not alone):
        whole = writer.close(_PATIENCE, discard=discard)
    if not whole and writer.busy:
        warn(f"The end of the run is still being written to {writer.path}; an interruption gives it up.")
        writer.close(None)


def _device_name(project: Project) -> str:
    return str(devices.resolve()) if project.training.device == "auto" else project.training.device


def _as_text(warn: Callable[[str], None]) -> Callable[[StorageError], None]:
    return lambda error: warn(str(error))


def _go_on(project: Project, path: Path, warn: Callable[[str], None]) -> tuple[RunWriter, Run, Checkpoint | None, str]:
    """The run in a file, which nobody else may go on with from here on, its writer, which is held, and the rest that
    :func:`reopen` gives.
    """
    _, lock = locked(path)
    try:
        run, checkpoint, earlier = reopen(path, project)
    except BaseException:
        lock.release()
        raise
    writer = RunWriter(run, path, on_error=_as_text(warn), resume=True, lock=lock, held=True)
    return writer, run, checkpoint, earlier


def _said_to_differ(run: Run, project: Project) -> str:
    """With which settings a run is gone on with that it was not begun with, as a sentence; empty for none."""
    found = differences(io.loads(run.info.project_json), project)
    told = [one.told("then", "now") for one in found if one.live and one.field != "training.epochs"]
    return f"Not as the run was begun: {'; '.join(told)}." if told else ""


def reopen(path: Path, project: Project) -> tuple[Run, Checkpoint | None, str]:
    """The run in a file as it was at its last checkpoint, that checkpoint, and where that is damaged a sentence.

    Then it is as it was at the newest one that can be read; the sentence says so, and is empty otherwise. Without any,
    as when the program was killed in the first epoch, the run begins anew in the same file.

    Raises:
        RunFileError: The file cannot be read.
        ProjectError: It may not be continued with this project (:func:`nnviz.train.change.difference`).
    """
    with open_run(path) as stored:
        before = io.loads(stored.info.project_json, str(path))
        if (refused := refusal(before, project, path)) is not None:
            raise refused
        newest = taken_state.find(stored)
        if newest is None:
            return Run(stored.info), None, ""
        return stored.to_run(newest.step), taken_state.take(newest, str(path)), newest.gone_on_from
