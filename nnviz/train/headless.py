"""Training without a window: a session on the calling thread, and its run in a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nnviz import __version__
from nnviz.errors import InputError, NnvizError, ProjectError, RunFileError, StorageError
from nnviz.network.memory import refuse_without_room
from nnviz.project import io
from nnviz.project.bypass import computation
from nnviz.project.model import Project
from nnviz.record.run import Run, RunInfo
from nnviz.record.store import RunWriter, open_run
from nnviz.train import checkpoint as checkpoints
from nnviz.train.checkpoint import Checkpoint
from nnviz.train.position import EpochResult, Outcome
from nnviz.train.session import TrainingSession

_COPIES_WHILE_READING = 3


def train_to_file(
    project: Project,
    path: Path,
    *,
    data_dir: Path | None = None,
    resume: bool = False,
    on_session: Callable[[TrainingSession], None] | None = None,
    on_epoch: Callable[[EpochResult], None] | None = None,
    on_warning: Callable[[str], None] | None = None,
) -> Outcome:
    """Trains a project to its last epoch, measures on the test split, and keeps the run in a file.

    Args:
        project: What to train.
        path: The run's file; it must not exist yet, or with ``resume`` it is gone on with.
        data_dir: Where to look for the data set first.
        resume: Go on from the file's last checkpoint, bit for bit on the CPU.
        on_session: Told of the session before it starts: whoever shows progress reads its position.
        on_epoch: Told of the end of each epoch, on this thread.
        on_warning: Told, on another thread, when the file cannot be written any more; training goes on.

    Raises:
        InputError: The file or the data cannot be used.
        TrainingError: Training failed; what was recorded until then is kept.
        Cancelled: It was interrupted; likewise.
    """

    def lost(error: StorageError) -> None:
        if on_warning is not None:
            on_warning(str(error))

    checkpoint: Checkpoint | None = None
    if resume:
        run, checkpoint = reopen(path, project)
    else:
        if path.exists():
            raise InputError("This file exists already: name another, or go on with it by --resume.", file=str(path))
        run = Run(
            RunInfo(
                project_json=io.dumps(project),
                nnviz_version=__version__,
                seed=project.training.seed,
                device=project.training.device,
                title=project.name,
            )
        )
    try:
        writer = RunWriter(run, path, on_error=lost, resume=resume)
    except StorageError as error:
        raise InputError(f"The run cannot be kept here: {error.__cause__ or error}.", file=str(path)) from error
    try:
        with writer:
            session = TrainingSession(
                project, run, data_dir=data_dir, store=writer, resume=checkpoint, on_epoch=on_epoch
            )
            checkpoint = None  # The session lets it go once it has it: it is as large as the training.
            if on_warning is not None:
                session.refused.connect(on_warning)
            if on_session is not None:
                on_session(session)
            return session.train()
    finally:
        if not resume and run.last_step < 0:  # it failed before anything was measured: no empty file is left behind
            path.unlink(missing_ok=True)


def reopen(path: Path, project: Project) -> tuple[Run, Checkpoint | None]:
    """The run in a file as it was at its last checkpoint, and that checkpoint.

    Without any, as when the program was killed in the first epoch, the run begins anew in the same file.

    Raises:
        RunFileError: The file cannot be read.
        ProjectError: It is a run of another network, other data or another seed.
    """
    stored = open_run(path)
    try:
        before = io.loads(stored.info.project_json, str(path))
        for part, mine, saved in (
            ("graph", computation(before.graph), computation(project.graph)),
            ("data", before.data, project.data),
            ("training.batch_size", before.training.batch_size, project.training.batch_size),
            ("training.seed", before.training.seed, project.training.seed),
            ("training.optimizer", before.training.optimizer, project.training.optimizer),
        ):
            if mine != saved:
                raise ProjectError(
                    "The run in this file was made with another setting here, so it cannot be gone on with.",
                    file=str(path),
                    field=part,
                )
        kept = stored.checkpoints()
        # As it is read, put together and decoded: three times. Native code that decodes it ends badly without memory.
        refuse_without_room(_COPIES_WHILE_READING * kept[-1].size if kept else 0)
        blobs = stored.load_checkpoint()
        if not blobs:
            return Run(stored.info), None
        try:
            checkpoint = checkpoints.from_blobs(blobs)
        except NnvizError as error:
            raise RunFileError(str(error), file=str(path)) from error
        return stored.to_run(checkpoint.progress.step), checkpoint
    finally:
        stored.close()
