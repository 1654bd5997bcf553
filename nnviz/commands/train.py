"""``nnviz train``: a training without a window; under torchrun this process's part in it."""

from __future__ import annotations

import argparse
from contextlib import redirect_stderr
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from nnviz import interruption, paths, streams
from nnviz.commands.data_folder import check_data_folder
from nnviz.commands.given_project import asked_settings, data_to_train, fetch, open_project, with_choices
from nnviz.commands.given_run import run_in_place_of_project
from nnviz.commands.parsed_options import options_of
from nnviz.commands.training_report import BarReport, JsonReport
from nnviz.data.sources.source import SourceFacts
from nnviz.errors import Cancelled, InputError, NnvizError
from nnviz.project.files import io
from nnviz.project.flat_settings import flat_settings
from nnviz.project.model import Project
from nnviz.record.places import RUN_SUFFIX, run_place, runs_folder

if TYPE_CHECKING:
    from nnviz.train.distributed import Together
    from nnviz.train.ranks import Ranks
    from nnviz.train.session import TrainingSession
    from nnviz.train.start import WarmStart
    from nnviz.train.training import Training


@dataclass(frozen=True)
class TrainOptions:
    """What ``nnviz train`` was asked for.

    Attributes:
        of_run: The run that is gone on with was named in place of a project: its own is trained.
    """

    project: str
    data: str | None
    data_dir: Path | None
    epochs: int | None
    seed: int | None
    device: str | None
    settings: tuple[tuple[str, str], ...]
    run: Path | None
    resume: bool
    json: bool
    skip_bad: bool = False
    tensorboard: Path | None = None
    warm_from: str | None = None
    shard: bool = False
    download: bool = False
    of_run: bool = False

    @classmethod
    def of(cls, options: argparse.Namespace) -> TrainOptions:
        """From the parsed command line."""
        return options_of(cls, options, but=("of_run",))

    def with_run(self) -> TrainOptions:
        """The same, where a run was named in place of a project: by its whole name, since it is written to.

        Raises:
            InputError: There is no such run to go on with.
        """
        run = run_in_place_of_project(self.project, whole=True) if self.resume and self.run is None else None
        return self if run is None else replace(self, run=run, of_run=True)

    def apply(self, project: Project) -> Project:
        """The project as it shall be trained.

        Raises:
            InputError: A setting does not exist or its value is not allowed.
        """
        own = asked_settings(self.settings, epochs=self.epochs, seed=self.seed, device=self.device)
        return with_choices(project, self.data, own)


def train(options: TrainOptions) -> int:
    """Train without a window; print progress, or one JSON object a line. Under torchrun the first process does that."""
    from nnviz.train import ranks, share_cores  # noqa: PLC0415 - only for a training
    from nnviz.train.cores import CoreWatch  # noqa: PLC0415 - as above

    cores = CoreWatch()
    own = ranks.of_environment()
    if own is not None and not own.leads:
        return _follow(options, own)
    options = options.with_run()
    project, found = checked(options)
    if options.download:
        fetch(project, options.data_dir)
    share_cores(cores, watched=True)
    if own is None:
        if options.shard:
            raise InputError("--shard divides the network among several processes: start them with torchrun.")
        return _train(options, project, found, None)
    together = _connected(options, project, own)
    # The session answers the first signal; torchrun sends more of them, and ends by force who takes too long.
    with interruption.handled_by(lambda number, frame: None):
        try:
            return _train(options, project, found, together)
        finally:
            together.end()


def checked(options: TrainOptions, base: Project | None = None) -> tuple[Project, SourceFacts]:
    """The project as it shall be trained, and what is known of its data.

    Args:
        options: What was asked for.
        base: What they change; None is the project, or the run, that they name.

    Raises:
        InputError: It cannot be trained, or an option does not go with another.
    """
    if base is None:
        base = _project_of_run(options.run) if options.of_run else open_project(options.project)
    project = options.apply(base)
    check_data_folder(options.data_dir)
    found = data_to_train(
        project, options.project, skip_bad=options.skip_bad, data_dir=options.data_dir, download=options.download
    )
    if options.resume and options.run is None:
        raise InputError("--resume needs the run to go on with: --run-file FILE, or RUN in place of PROJECT.")
    if options.resume and options.warm_from is not None:
        raise InputError("--warm-from begins a run and --resume goes on with one: take one of them.")
    if options.tensorboard is not None:
        paths.check_folder(options.tensorboard, "--tensorboard")
    return project, found


def _project_of_run(run: Path | None) -> Project:
    """What a run was made with, and is to be trained as far as it was told last."""
    from nnviz.record.run import planned_epochs  # noqa: PLC0415 - only this needs what runs hold
    from nnviz.record.stored import open_run  # noqa: PLC0415 - sqlite is only needed for this

    assert run is not None
    with open_run(run) as stored:
        project = io.loads(stored.info.project_json, str(run))
        epochs = planned_epochs(stored) or project.training.epochs
    return msgspec.structs.replace(project, training=msgspec.structs.replace(project.training, epochs=epochs))


def _connected(options: TrainOptions, project: Project, own: Ranks) -> Together:
    from nnviz.train import distributed  # noqa: PLC0415 - brings torch, which takes seconds to import

    return distributed.Together(own, distributed.device_of(project.training.device, own), shard=options.shard)


def _follow(options: TrainOptions, own: Ranks) -> int:
    """In another process than the first: do what that says, in silence."""
    from nnviz.train import share_cores  # noqa: PLC0415 - only for a training

    try:
        with redirect_stderr(StringIO()):
            project, _ = checked(options.with_run())
    except InputError:
        if own.local_rank:
            return 2  # the first process of this computer finds and says the same
        raise
    share_cores()
    together = _connected(options, project, own)
    from nnviz.train.follower import follow  # noqa: PLC0415 - brings torch, which takes seconds to import

    return interruption.STATUS if follow(project, together, options.data_dir) else 0


def _train(options: TrainOptions, project: Project, found: SourceFacts, together: Together | None) -> int:
    path = None if options.run is None else run_place(options.run, resume=options.resume, field="--run-file")
    warm = _warm_start(options)
    from nnviz.record.event_files import EventFollower  # noqa: PLC0415 - numpy
    from nnviz.train.headless import Kept, train_to_file  # noqa: PLC0415 - brings torch, which takes seconds to import

    report = JsonReport() if options.json else BarReport(project)
    for warning in found.warnings:
        report.warning(warning)
    if path is not None and path != options.run:
        streams.complain(f"{options.run} has no {RUN_SUFFIX} at its end: the run is kept in {path}")
    events = (
        None
        if options.tensorboard is None
        else EventFollower(options.tensorboard, flat_settings(project), report.warning)
    )
    kept = Kept(None, complete=True)
    begun: TrainingSession | None = None

    def expect(training: Training) -> None:
        from nnviz.train.timing import duration_of  # noqa: PLC0415 - torch, which is there by now

        report.prepared(training)
        if options.resume and training.finished:
            early = training.last_epoch < training.epochs
            how = "--set training.early_stopping=none trains on" if early else "--epochs N trains on to N"
            report.warning(f"The run is at its end already, after epoch {training.epoch}: {how}.")
        elif together is None and not options.json and (expected := duration_of(project, training)) is not None:
            report.expected(expected)

    def begin(session: TrainingSession) -> None:
        nonlocal begun
        begun = session
        session.on_prepared = expect
        report.begin(session)
        if events is not None:
            events.begin(session.run)

    def note(found: Kept) -> None:
        nonlocal kept
        kept = found

    try:
        outcome = train_to_file(
            project,
            path,
            data_dir=options.data_dir,
            resume=options.resume,
            warm=warm,
            on_session=begin,
            on_epoch=report.epoch,
            on_warning=report.warning,
            on_kept=note,
            together=together,
        )
    except (NnvizError, KeyboardInterrupt) as error:  # the latter where the writing of the end was broken off
        if events is not None:
            events.end()
        report.end()  # before the last event, which nothing may follow
        if begun is not None:
            if isinstance(error, (Cancelled, KeyboardInterrupt)):
                report.interrupted(begun.position.step, kept.path)
            else:
                report.failed(error, kept.path)
        raise
    finally:
        if events is not None:
            events.end()
        report.end()
        if not options.json and kept.path is not None:
            what = "The run" if kept.complete else "A part of the run"
            streams.tell(f"{what} is kept in {kept.path}")
    report.finished(outcome, kept.path, complete=kept.complete)
    return 0 if kept.complete and (events is None or events.complete) else 1


def _warm_start(options: TrainOptions) -> WarmStart | None:
    if options.warm_from is None:
        return None
    from nnviz.record.comparison import find_run  # noqa: PLC0415 - sqlite is only needed for this
    from nnviz.train.start import WarmStart  # noqa: PLC0415 - as above

    place = find_run(options.warm_from, runs_folder(), "--warm-from")
    return WarmStart(place.name, place)
