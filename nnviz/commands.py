"""What each command does: the same code paths as the window, printed.

Nothing here is imported before a command runs, and each loads only what it needs: ``samples``, ``datasets`` and
``summary`` answer without torch.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass, fields
from importlib import import_module
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import msgspec

from nnviz import evaluating, interruption, paths, racing
from nnviz.data import datasets as data_sets
from nnviz.data.sources.source import SourceFacts
from nnviz.errors import DataError, InputError, ProjectError, TrainingError
from nnviz.evaluating import EvaluateOptions
from nnviz.project import registry, settings
from nnviz.project.adapt import changes, choose_data
from nnviz.project.checks.diagnosis import Diagnostic
from nnviz.project.checks.shapes import infer
from nnviz.project.checks.validate import problems_that_stop, validate
from nnviz.project.files import io
from nnviz.project.files.own_folder import rooted
from nnviz.project.flat_settings import flat_settings
from nnviz.project.graph.bypass import effective_graph
from nnviz.project.model import DataConfig, Project
from nnviz.project.samples import templates
from nnviz.project.value_text import unquoted
from nnviz.racing import RaceOptions
from nnviz.record.places import RUN_SUFFIX, run_place, runs_folder
from nnviz.reports import BarReport, DataBar, JsonReport
from nnviz.reports import print_table as _print_table
from nnviz.train import paces
from nnviz.train.paces import Duration

if TYPE_CHECKING:
    from nnviz.sweeping import SweepOptions
    from nnviz.train.distributed import Together
    from nnviz.train.ranks import Ranks
    from nnviz.train.session import TrainingSession
    from nnviz.train.start import WarmStart
    from nnviz.train.training import Training

#: Stands for a shape or a number that nobody knows yet.
_UNKNOWN = "?"
#: Columns of a table that are explained one by one.
_MOST_COLUMNS = 100


def open_project(target: str) -> Project:
    """The project of a path or of ``sample:NAME``.

    Raises:
        InputError: There is no such sample or file, or the file cannot be used.
    """
    if target.startswith("sample:"):
        return templates.sample(target.removeprefix("sample:"))
    return io.load(paths.given_path(target))


def samples() -> int:
    """Print the sample networks, one a line."""
    rows = [(sample.name, sample.dataset, sample.title) for sample in templates.samples()]
    _print_table(("sample", "data", "what it shows"), rows)
    return 0


def datasets() -> int:
    """Print the data sets, one a line."""
    rows = []
    for kind, spec in data_sets.datasets().items():
        training, test = spec.sizes
        size = f"{training:,} + {test:,}" if training and not (spec.table or spec.drawn) else "yours"
        where = "at once, offline" if spec.offline else f"found or downloaded ({spec.download_bytes / 1e6:.0f} MB)"
        if spec.needs_folder:
            where = "from your file" if spec.takes_file else "from your folder"
        if spec.table:
            where = "typed in"
        if spec.drawn:
            where = "drawn by hand"
        rows.append((kind, size, where, spec.title))
    _print_table(("data set", "train + test", "available", "title"), rows)
    return 0


def summary(target: str, *, as_json: bool, data: str | None = None, given: Sequence[tuple[str, object]] = ()) -> int:
    """Print a row a layer: id, kind, output shape, parameters, MACs; then totals, of what is known.

    Args:
        target: A project's path or ``sample:NAME``.
        as_json: Print JSON instead of a table.
        data: Another data set, or a file or a folder.
        given: Settings to change first.

    Raises:
        InputError: The project cannot be read, or a setting is not allowed; or, after the rows, it is no network yet.
    """
    project = _with_choices(open_project(target), data, given)
    if (data is not None or given) and data_sets.dataset(project.data.dataset).needs_folder:
        found = data_sets.source_facts(project.data)
        for warning in found.warnings:
            print(f"nnviz: {warning}", file=sys.stderr)
        for column in found.columns[:_MOST_COLUMNS]:
            use = column.kind if column.use == "input" else column.use
            print(f"nnviz: column '{column.name}' ({use}): {column.about}", file=sys.stderr)
    inference = infer(effective_graph(project.graph))
    expected = _expected(project) if inference.macs else None
    ordered = set(inference.order)
    order = [*inference.order, *(node for node in project.graph.nodes if node not in ordered)]
    known = inference.results
    if as_json:
        rows = [
            {
                "id": node,
                "kind": project.graph.nodes[node].kind,
                "bypassed": project.graph.nodes[node].bypassed,
                "output_shape": list(known[node].output) if node in known else None,
                "parameters": known[node].parameters if node in known else None,
                "macs": known[node].macs if node in known else None,
            }
            for node in order
        ]
        totals = {"parameters": inference.parameters, "macs": inference.macs}
        told: dict[str, object] = {"project": project.name, "layers": rows, "total": totals}
        if expected is not None:
            told["expected"] = {"epoch_seconds": expected.epoch, "epochs": expected.epochs, "why": expected.why}
        print(json.dumps(told, indent=1))
    else:
        table = [
            (
                node,
                registry.layer(project.graph.nodes[node].kind).title
                + (" (bypassed)" if project.graph.nodes[node].bypassed else ""),
                "×".join(map(str, known[node].output)) if node in known else _UNKNOWN,
                f"{known[node].parameters:,}" if node in known else _UNKNOWN,
                f"{known[node].macs:,}" if node in known else _UNKNOWN,
            )
            for node in order
        ]
        total = ("total", "", "", f"{inference.parameters:,}", f"{inference.macs:,}")
        _print_table(("layer", "kind", "output", "parameters", "MACs"), [*table, total], right={3, 4})
        if expected is not None:
            print(f"Training takes {expected.text}. {expected.why}")
    if len(known) < len(order):
        # A card that lies aside does no harm; what is wrong on the way from input to output is bad input.
        _refuse(problems_that_stop(validate(project, None, inference, try_fixes=False)), target)
    return 0


def _expected(project: Project) -> Duration | None:
    """What training takes, as far as that is known on this computer without trying it."""
    pace = paces.recall(project)
    if pace is None:
        return None
    try:
        examples = data_sets.split_sizes(project.data)
    except DataError:
        return None
    config = project.training
    return paces.duration(pace, examples[0], examples[1], config.step_size, config.epochs)


def _refuse(errors: Sequence[Diagnostic], target: str) -> None:
    """Raise the first of what stops a network from being trained, if there is any."""
    if errors:
        more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
        field = f"graph.nodes.{errors[0].node}" if errors[0].node else ""
        raise ProjectError(errors[0].text + more, file=paths.shown(target), field=field)


@dataclass(frozen=True)
class TrainOptions:
    """What ``nnviz train`` was asked for."""

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

    @classmethod
    def of(cls, options: argparse.Namespace) -> TrainOptions:
        """From the parsed command line."""
        return cls(
            options.project,
            options.data,
            options.data_dir,
            options.epochs,
            options.seed,
            options.device,
            tuple(options.settings),
            options.run,
            options.resume,
            options.json,
            options.skip_bad,
            options.tensorboard,
            options.warm_from,
            options.shard,
        )

    def apply(self, project: Project) -> Project:
        """The project as it shall be trained.

        Raises:
            InputError: A setting does not exist or its value is not allowed.
        """
        asked: list[tuple[str, object]] = list(self.settings)
        for name in ("epochs", "seed", "device"):
            value = getattr(self, name)
            if value is not None:
                asked.append((f"training.{name}", value))
        return _with_choices(project, self.data, asked)


def _with_choices(project: Project, data: str | None, given: Sequence[tuple[str, object]]) -> Project:
    """The project with other data and settings; what follows from them in the network is said in a line.

    Whatever order they were typed in, the data are chosen first, then come their settings, then the network follows
    them, and then the other settings are made: what is asked for in so many words has the last word.

    Raises:
        InputError: There is no such data set or setting, or its value is not allowed.
    """
    config = project.data if data is None else _named_data(project.data, data)
    for path, value in given:
        if path == "data.dataset":
            config = data_sets.chosen(config, unquoted(str(value)))
    dataset_params = {kind: spec.params for kind, spec in data_sets.datasets().items()}
    before = project
    project = msgspec.structs.replace(project, data=config)
    for path, value in given:
        if path.startswith("data.") and path != "data.dataset":
            project = settings.with_setting(project, path, value, dataset_params)
    config = rooted(project.data, Path.cwd())  # what a file names is absolute by now
    project = msgspec.structs.replace(project, data=before.data)
    if config != before.data:
        with DataBar() as bar:
            known = data_sets.facts(config, bar)
        project = choose_data(project, config, known).apply(project)
        if followed := changes(before, project):
            print(f"nnviz: the network follows the data: {', '.join(followed)}", file=sys.stderr)
    for path, value in given:
        if not path.startswith("data."):
            project = settings.with_setting(project, path, value, dataset_params)
    return project


def _named_data(config: DataConfig, named: str) -> DataConfig:
    """The data that ``--data`` names: a data set, else a file or a folder. ``./NAME`` is never a data set.

    Raises:
        DataError: There is no data set, no file and no folder of that name, or no source takes such a file.
    """
    if data_sets.known(named):
        return config if data_sets.dataset(named).kind == config.dataset else data_sets.chosen(config, named)
    place = paths.given_path(named, "--data", DataError)
    spec = data_sets.taking(place)
    if spec is None and place.is_file():
        raise DataError(
            f"This is a file, not a folder, and data come from files that end in {', '.join(_data_endings())}.",
            file=paths.shown(place),
            field="--data",
        )
    if not place.exists() and len(place.parts) == 1 and not named.startswith(".") and spec is None:
        raise DataError(
            f"There is no data set, no file and no folder '{paths.shown(named)}'. Data sets are: "
            f"{', '.join(data_sets.datasets())}; a folder of pictures has one subfolder a class; a file ends in "
            f"{', '.join(_data_endings())}.",
            field="--data",
        )
    if spec is None or place.is_dir():
        spec = data_sets.taking()
    assert spec is not None  # one source takes folders
    return rooted(data_sets.named(config, spec, place), Path.cwd())


def _data_endings() -> list[str]:
    return [ending for spec in data_sets.datasets().values() for ending in spec.endings]


def train(options: TrainOptions) -> int:
    """Train without a window; print progress, or one JSON object a line. Under torchrun the first process does that."""
    from nnviz.train import ranks, share_cores  # noqa: PLC0415 - only for a training
    from nnviz.train.cores import CoreWatch  # noqa: PLC0415 - as above

    cores = CoreWatch()
    own = ranks.of_environment()
    if own is not None and not own.leads:
        return _follow(options, own)
    project, found = _checked(options)
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


def _checked(options: TrainOptions) -> tuple[Project, SourceFacts]:
    """The project as it shall be trained, and what is known of its data.

    Raises:
        InputError: It cannot be trained, or an option does not go with another.
    """
    project = options.apply(open_project(options.project))
    try:
        with DataBar() as bar:
            found = data_sets.source_facts(project.data, bar)
    except DataError as error:
        raise error.at(file="" if options.project.startswith("sample:") else options.project) from None
    _refuse(problems_that_stop(validate(project, found.data)), options.project)
    if found.unreadable and not options.skip_bad:
        place = "" if found.place is None else paths.shown(found.place)
        raise DataError(f"{found.unreadable_words} --skip-bad leaves them out.", file=place)
    if options.resume and options.run is None:
        raise InputError("--resume needs --run-file FILE: the run to go on with.")
    if options.resume and options.warm_from is not None:
        raise InputError("--warm-from begins a run and --resume goes on with one: take one of them.")
    if options.shard and options.warm_from is not None:
        raise InputError("--warm-from needs the whole network in each process, --shard divides it: take one of them.")
    _check_data_folder(options.data_dir)
    if options.tensorboard is not None:
        paths.check_folder(options.tensorboard, "--tensorboard")
    return project, found


def race(options: RaceOptions) -> int:
    """Train variations of a project beside each other; see :mod:`nnviz.racing`."""
    project = _with_choices(open_project(options.project), options.data, options.given)
    _check_data_folder(options.data_dir)
    with DataBar() as bar:
        found = data_sets.source_facts(project.data, bar)
    _refuse(problems_that_stop(validate(project, found.data)), options.project)
    return racing.race(options, project)


def _connected(options: TrainOptions, project: Project, own: Ranks) -> Together:
    from nnviz.train import distributed  # noqa: PLC0415 - brings torch, which takes seconds to import

    return distributed.Together(own, distributed.device_of(project.training.device, own), shard=options.shard)


def _follow(options: TrainOptions, own: Ranks) -> int:
    """In another process than the first: do what that says, in silence."""
    from nnviz.train import share_cores  # noqa: PLC0415 - only for a training

    try:
        with redirect_stderr(StringIO()):
            project, _ = _checked(options)
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
        print(f"nnviz: {options.run} has no {RUN_SUFFIX} at its end: the run is kept in {path}", file=sys.stderr)
    events = (
        None
        if options.tensorboard is None
        else EventFollower(options.tensorboard, flat_settings(project), report.warning)
    )
    kept = Kept(None, complete=True)

    def expect(training: Training) -> None:
        from nnviz.train.timing import duration_of  # noqa: PLC0415 - torch, which is there by now

        if together is None and not options.json and (expected := duration_of(project, training)) is not None:
            report.expected(expected)

    def begin(session: TrainingSession) -> None:
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
    except TrainingError as error:
        if events is not None:
            events.end()
        report.end()  # before the last event, which nothing may follow
        report.failed(error)
        raise
    finally:
        if events is not None:
            events.end()
        report.end()
        if not options.json and kept.path is not None:
            what = "The run" if kept.complete else "A part of the run"
            print(f"{what} is kept in {kept.path}", file=sys.stderr)
    report.finished(outcome, kept.path, complete=kept.complete)
    return 0 if kept.complete else 1


def _warm_start(options: TrainOptions) -> WarmStart | None:
    if options.warm_from is None:
        return None
    from nnviz.record.comparison import find_run  # noqa: PLC0415 - sqlite is only needed for this
    from nnviz.train.start import WarmStart  # noqa: PLC0415 - as above

    place = find_run(options.warm_from, runs_folder(), "--warm-from")
    return WarmStart(place.name, place)


def sweep(options: SweepOptions) -> int:
    """Train again and again with other settings and seeds."""
    from nnviz import sweeping  # noqa: PLC0415 - only for this
    from nnviz.train import share_cores  # noqa: PLC0415 - only for a training
    from nnviz.train.cores import CoreWatch  # noqa: PLC0415 - as above

    cores = CoreWatch()
    as_trained = TrainOptions(
        options.project,
        options.data,
        options.data_dir,
        options.epochs,
        None,
        None,
        options.settings,
        run=None,
        resume=False,
        json=options.json,
    )
    project, found = _checked(as_trained)
    for warning in found.warnings:
        print(f"nnviz: {warning}", file=sys.stderr)
    share_cores(cores, watched=True)
    return sweeping.sweep(options, project)


@dataclass(frozen=True)
class PredictOptions:
    """What ``nnviz predict`` was asked for."""

    run: Path
    unlabelled: Path
    out: Path
    step: int | None
    weights: str
    skip_bad: bool
    force: bool
    data_dir: Path | None

    @classmethod
    def of(cls, options: argparse.Namespace) -> PredictOptions:
        """From the parsed command line."""
        return cls(**{field.name: getattr(options, field.name) for field in fields(cls)})


#: So many of the examples that were left out are listed one by one.
_MOST_LISTED = 50


def predict(options: PredictOptions) -> int:
    """Write what the network of a run says of unlabelled examples."""
    _check_data_folder(options.data_dir)
    paths.check_file(options.run, "RUN")
    if options.step is not None and options.step < 0:
        raise InputError(f"There is no step {options.step}: steps are counted from 0.", field="--step")

    from nnviz.train import share_cores  # noqa: PLC0415 - goes before the next

    share_cores()
    from nnviz.train import predict as predicting  # noqa: PLC0415 - brings torch, which takes seconds to import

    predicting.check_out(options.out, options.unlabelled, force=options.force)
    weights: predicting.Weights = "best" if options.weights == "best" else "last" if options.weights == "last" else ""
    predictor = predicting.Predictor(options.run, options.step, weights, options.data_dir)
    try:
        done = predicting.predict_to_file(
            predictor, options.unlabelled, options.out, skip_bad=options.skip_bad, force=options.force
        )
    except predicting.UnreadableError as error:
        raise DataError(f"{error.message} --skip-bad leaves them out.", file=error.file) from None
    for one in done.left_out[:_MOST_LISTED]:
        print(f"nnviz: left out: {DataError(one.reason, file=paths.shown(one.file))}", file=sys.stderr)
    if (rest := len(done.left_out) - _MOST_LISTED) > 0:
        print(f"nnviz: left out: {rest:,} more that cannot be read", file=sys.stderr)
    which = f"weights of epoch {done.best_epoch}, the best one" if done.best_epoch else f"weights of step {done.step}"
    print(f"{options.out}: {done.count:,} {'row' if done.count == 1 else 'rows'}, {which}")
    return 0


def evaluate(options: EvaluateOptions) -> int:
    """Print how the network of a run does on a whole split."""
    _check_data_folder(options.data_dir)
    return evaluating.evaluate(options, _named_data, _print_table)


@dataclass(frozen=True)
class ExplainOptions:
    """What ``nnviz explain`` was asked for."""

    target: str
    node: str
    unit: int | None
    at: tuple[int, ...] | None
    example: int | None
    split: str | None
    step: int | None
    backward: bool
    parameter: str | None
    index: tuple[int, ...] | None
    mode: str
    data: str | None
    settings: tuple[tuple[str, str], ...]
    data_dir: Path | None
    json: bool

    @classmethod
    def of(cls, options: argparse.Namespace) -> ExplainOptions:
        """From the parsed command line."""
        return cls(**{field.name: getattr(options, field.name) for field in fields(cls)})


def explain(options: ExplainOptions) -> int:
    """Print one number of a network as a sum of terms."""
    _check_data_folder(options.data_dir)
    path = None if options.target.startswith("sample:") else paths.given_path(options.target)
    is_run = path is not None and path.suffix.lower() == RUN_SUFFIX
    if options.step is not None and not is_run:
        raise InputError("Only a run has steps; a project is explained with its initial weights.", field="--step")
    project = None
    if is_run and (options.data is not None or options.settings):
        field = "--set" if options.data is None else "--data"
        raise InputError("A run is explained as it was: other data and settings are a project's.", field=field)
    if not is_run:
        project = _with_choices(open_project(options.target), options.data, options.settings)
        try:
            found = data_sets.source_facts(project.data)
        except DataError as error:
            raise error.at(file="" if path is None else paths.shown(path)) from None
        _refuse(problems_that_stop(validate(project, found.data)), options.target)

    from nnviz.train import share_cores  # noqa: PLC0415 - goes before the next

    share_cores()
    from nnviz.explain import asked, text  # noqa: PLC0415 - brings torch, which takes seconds to import

    if project is None:
        assert path is not None
        project, training = asked.of_run(path, options.step, options.data_dir)
    else:
        training = asked.of_project(project, options.data_dir)
    question = asked.Question(
        options.node,
        options.unit,
        options.at,
        options.example,
        options.split,
        options.backward,
        options.parameter,
        options.index,
        options.mode,
    )
    answered = asked.answer(training, question, pinned=project.view.pinned)
    example = answered.example
    if options.json:
        whose: dict[str, object] | None = None
        if example is not None:
            whose = {"split": example.split, "index": example.index, "right": answered.right}
            if answered.in_batch is not None:
                whose["in_batch"] = answered.in_batch
        plain = {"target": options.target, "step": answered.step, "mode": options.mode, "example": whose}
        print(json.dumps({**plain, **text.plain_values(answered.explanation)}, indent=1, ensure_ascii=False))
        return 0
    where = "the batch that comes next"
    if example is not None:
        where = f"example {example.index} of the {example.split} split ({answered.right or 'no right answer'})"
        if answered.in_batch is not None:
            where = f"training mode, {where}, number {answered.in_batch} of the batch that comes next"
    print(f"{project.name}, step {answered.step}, {where}")
    if options.step is not None and answered.step != options.step:
        print(f"(step {answered.step} has the nearest weights that are kept and not after step {options.step})")
    print()
    print("\n".join(text.lines_of(answered.explanation)))
    return 0


def screenshot(target: str, out: Path, size: tuple[int, int], theme: str, data_dir: Path | None) -> int:
    """Render the window to a PNG without a display."""
    paths.check_new_file(out, "--out")
    _check_data_folder(data_dir)
    app = _gui()
    app.render(target, out, size=size, theme_name=theme, data_dir=data_dir)
    print(out)
    return 0


def window(target: str | None, data_dir: Path | None) -> int:
    """Open the window; returns when it is closed."""
    _check_data_folder(data_dir)
    return int(_gui().main(target, data_dir))


def _gui() -> ModuleType:
    """The room that knows Qt.

    Raises:
        InputError: A library that Qt needs is missing on this computer.
    """
    try:
        return import_module("nnviz.gui.app")
    except ImportError as error:
        if error.name is not None and not error.name.startswith(("PySide6", "shiboken6")):
            raise
        raise InputError(f"Qt cannot be loaded, so there is no window: {error}.") from error


def _check_data_folder(folder: Path | None) -> None:
    if folder is not None:
        paths.check_folder(folder, "--data-dir")
