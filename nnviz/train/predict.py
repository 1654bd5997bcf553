"""What the network of a run says of examples that nobody has labelled, as a table of ``filename,label``.

The network comes from a checkpoint of the run; an example is prepared as those of the training were, with the
statistics of the training split. The table is written whole or not at all, and only where it may be.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from nnviz import paths
from nnviz.data import datasets, picture_steps, step_facts
from nnviz.data.examples import Scaler, Split
from nnviz.data.images import LeftOut
from nnviz.data.preparation import plan
from nnviz.data.sources.source import CancelledCheck
from nnviz.data.tensors import LoadedData, load
from nnviz.data.unlabelled import Block, ReadPicture, UnreadableError, blocks, picture_reader
from nnviz.errors import Cancelled, DataError, InputError, RunFileError
from nnviz.network.losses import LossFunction, loss_function
from nnviz.network.memory import build_network
from nnviz.network.network import Network
from nnviz.project import registry
from nnviz.project.checks.shapes import infer
from nnviz.project.declared.preparations import PICTURES
from nnviz.project.files import io as projects
from nnviz.project.files.atomic import write_atomically
from nnviz.project.graph.bypass import effective
from nnviz.project.model import DataFacts, Project, Shape
from nnviz.record.places import RUN_SUFFIX
from nnviz.record.stored import open_run
from nnviz.train import checkpoint as checkpoints
from nnviz.train import kept_preparation, taken_state
from nnviz.train.answers import labels_of, probabilities_of
from nnviz.train.checkpoint import Checkpoint
from nnviz.train.kept_preparation import Prepared
from nnviz.train.loop import evaluation_mode

__all__ = ["Predicted", "Predictor", "UnreadableError", "as_csv", "check_out", "predict_to_file"]

#: Which weights of a checkpoint: those of its own step, or those of the best epoch until then.
Weights: TypeAlias = Literal["", "best", "last"]
#: So many of what cannot be read are named in a refusal.
_MOST_NAMED = 5
#: Steps of preparation that take nothing from the training examples.
_WITHOUT_STATISTICS = frozenset(registry.PREPARATIONS.all) - {"centre", "standardise"}
#: What a spreadsheet takes for the beginning of a formula.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")

#: Told how many examples are done, of how many.
Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True)
class Predicted:
    """What was written.

    Attributes:
        count: Rows of the table.
        left_out: Examples that cannot be read, and why.
        step: Updates that the weights had seen.
        best_epoch: The epoch whose weights these are, where it is the best one's; 0 for the last weights.
        remark: As in :class:`Predictor`.
    """

    count: int
    left_out: tuple[LeftOut, ...]
    step: int
    best_epoch: int
    remark: str = ""


class Predictor:
    """The network of a run, ready to name examples; on the CPU, of one thread.

    Args:
        run: Its file.
        step: Take the nearest checkpoint that is not after it and can be read; None is the last one that can be.
        weights: ``best`` are those of the best epoch until then, ``last`` those of the step; empty takes the best ones
            where the project keeps them, as the run's own test did.
        data_dir: Where to look for its data set first.

    Attributes:
        remark: That the weights are not those that were asked for, or the data of the training not those of then, each
            as a sentence; empty while they are.

    Raises:
        RunFileError: The file cannot be read, or keeps no weights.
        DataError: What the training took from its data is not known any more; says what differs.
        ProjectError: The project in the run is no network.
    """

    def __init__(self, run: Path, step: int | None = None, weights: Weights = "", data_dir: Path | None = None) -> None:
        project, checkpoint, preparation, instead = _kept(run, step)
        project = effective(project)
        known, changed = _known(project, checkpoint, preparation, data_dir, run)
        self.remark = " ".join(filter(None, (instead, changed)))
        facts = self.facts = known.facts
        self._scaler, self._means, self._likewise = known.scaler, known.means, known.likewise
        self._read = _reader(project, known, data_dir, run)
        self.project = project
        inference = infer(project.graph)
        self._network: Network = build_network(project, torch.device("cpu"), inference=inference)
        self._loss: LossFunction = loss_function(project.graph, facts)
        best = checkpoint.best if weights == "best" or (not weights and project.training.keep_best) else None
        if weights == "best" and best is None:
            raise RunFileError(
                "The run keeps no best weights there: take the last ones.", file=str(run), field="--weights"
            )
        try:
            checkpoints.load_weights(checkpoint.shown_weights if best is None else best, self._network)
        except RunFileError as error:
            raise error.at(file=str(run)) from None
        self.best_epoch = 0 if best is None else checkpoint.progress.best_epoch
        self.step = checkpoint.progress.step
        unit = datasets.values(project.data).get("target_unit", 1.0)
        #: What the target was divided by for the training.
        self._target_unit = float(unit) if isinstance(unit, (int, float)) else 1.0

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns."""
        first = "filename" if len(self.facts.input_shape) == 3 else "row"
        if self._loss.has_accuracy:
            return (first, "label", "probability")
        count = max(1, self.facts.targets)
        return (first, *(("label",) if count == 1 else tuple(f"label_{n + 1}" for n in range(count))))

    def blocks(self, given: Path) -> Iterator[Block]:
        """The examples of a folder, a picture or a table, as this network takes them."""
        missing = self._means is not None
        shape, names = self.facts.input_shape, self.facts.feature_names
        return blocks(given, shape, names, self._read, missing=missing, likewise=self._likewise)

    def rows(self, block: Block) -> list[tuple[str | float, ...]]:
        """Of each example its name, then what the network says: label and probability, or numbers.

        A probability is left empty where the network gives none, as after a squared error.
        """
        if not block.names:
            return []
        inputs = torch.from_numpy(block.inputs)
        if self._means is not None:
            inputs = torch.where(torch.isnan(inputs), self._means, inputs)
        with evaluation_mode(self._network), torch.no_grad():
            outputs = self._network(self._scaler.apply(inputs))
        outputs = outputs.flatten(1)
        if not self._loss.has_accuracy:
            outputs = outputs * self._target_unit
            return [(name, *row) for name, row in zip(block.names, outputs.tolist(), strict=True)]
        labels = labels_of(self._loss, outputs)
        shares = probabilities_of(self._loss, outputs, labels)
        names = self.facts.class_names
        words = [names[label] if label < len(names) else str(label) for label in labels.tolist()]
        found = ["" for _ in words] if shares is None else [round(share, 6) for share in shares.tolist()]
        return list(zip(block.names, words, found, strict=True))


def predict_to_file(
    predictor: Predictor,
    given: Path,
    out: Path,
    *,
    skip_bad: bool = False,
    force: bool = False,
    progress: Progress | None = None,
    cancelled: CancelledCheck | None = None,
) -> Predicted:
    """Writes what the network says of each example, as ``filename,label,probability``.

    Args:
        predictor: The network.
        given: A folder of pictures, a picture, or a table.
        out: The file to write.
        skip_bad: Leave out what cannot be read; else nothing is written where there is such an example.
        force: A file of that name may be replaced.
        progress: Told how far it is, on this thread.
        cancelled: Asked between two blocks; True ends it, and nothing is written.

    Raises:
        UnreadableError: Some examples cannot be read; names the first with their reasons.
        DataError: There are no examples, or they are not what the network takes.
        InputError: ``out`` is there already, or is what the examples are read from.
        StorageError: The file could not be written.
        Cancelled: ``cancelled`` said so.
    """
    check_out(out, given, force=force)
    rows: list[tuple[str | float, ...]] = []
    bad: list[LeftOut] = []
    for block in predictor.blocks(given):
        bad += block.left_out
        if bad and not skip_bad:
            raise _unreadable(bad, given, more_to_come=block.done < block.total)
        rows += predictor.rows(block)
        if progress is not None:
            progress(block.done, block.total)
        if cancelled is not None and cancelled():
            raise Cancelled("Predicting was stopped; nothing was written.")
    if not rows:
        raise _unreadable(bad, given, none_left=True)
    content = as_csv(predictor.header, rows)
    check_out(out, given, force=force)  # it may have come meanwhile
    write_atomically(content, out)
    return Predicted(len(rows), tuple(bad), predictor.step, predictor.best_epoch, predictor.remark)


def check_out(out: Path, given: Path, *, force: bool) -> None:
    """Refuses a place where nothing may be written.

    Raises:
        InputError: There is a file and ``force`` is not given; or it is what is read.
    """
    paths.check_new_file(out, "--out")
    if out.exists():
        if given.exists() and out.samefile(given):
            raise InputError("This file is read from: name another one to write.", file=paths.shown(out), field="--out")
        if not force:
            raise InputError("There is such a file already: --force replaces it.", file=paths.shown(out), field="--out")
    else:
        paths.check_folder_of(out, "--out")


def as_csv(header: Sequence[str], rows: Sequence[Sequence[str | float]]) -> bytes:
    """A table as UTF-8, quoted where it must be; a text that a spreadsheet would run as a formula begins with ``'``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8", "backslashreplace")


def _harmless(cell: str | float) -> str | float:
    if not isinstance(cell, str) or not cell.startswith(_FORMULAS):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell  # a number with its sign, such as the name of a class


def _unreadable(
    bad: Sequence[LeftOut], given: Path, *, more_to_come: bool = False, none_left: bool = False
) -> DataError:
    first = "; ".join(_named(one, given) for one in bad[:_MOST_NAMED])
    more = f"; and {len(bad) - _MOST_NAMED:,} more" if len(bad) > _MOST_NAMED else ""
    if none_left:
        return DataError(f"None of the examples can be read: {first}{more}.", file=paths.shown(given))
    count = f"{'At least ' if more_to_come else ''}{len(bad):,} of the examples cannot be read"
    return UnreadableError(f"{count}: {first}{more}.", file=paths.shown(given))


def _named(one: LeftOut, given: Path) -> str:
    reason = one.reason.rstrip(".")
    if one.file == given:
        return reason
    return f"{one.file.relative_to(given).as_posix() if one.file.is_relative_to(given) else one.file.name}: {reason}"


def _kept(run: Path, step: int | None) -> tuple[Project, Checkpoint, bytes | None, str]:
    """The project of a run, a checkpoint of it, what that keeps of the preparation (None in older runs), and where it
    is not the one that was asked for, a sentence.
    """
    if run.suffix.lower() != RUN_SUFFIX:
        raise RunFileError(
            f"Predictions need a run ({RUN_SUFFIX}), which keeps trained weights.", file=paths.shown(run)
        )
    with open_run(run) as stored:
        project = projects.loads(stored.info.project_json, str(run))
        newest = taken_state.find(stored, step)
        if newest is None:
            raise _nothing_kept(run, step, [one.step for one in stored.checkpoints()])
    preparation = newest.blobs.get(kept_preparation.PART)
    return project, taken_state.take(newest, str(run)), preparation, newest.used_instead


def _nothing_kept(run: Path, step: int | None, steps: Sequence[int]) -> RunFileError:
    if not steps:
        return RunFileError("The run has no weights: no checkpoint was kept.", file=str(run))
    return RunFileError(
        f"The run keeps no weights until step {step}: the first are of step {min(steps)}.", field="--step"
    )


def _known(
    project: Project, checkpoint: Checkpoint, preparation: bytes | None, data_dir: Path | None, run: Path
) -> tuple[Prepared, str]:
    """What the network was trained on is like and how an example is prepared, and that the data are others, if so.

    Where the data have changed or are gone, the run itself says it. Older runs know their classes, and a preparation
    that takes nothing from the examples needs none of them.

    Args:
        project: Effective.
        checkpoint: What it was trained on.
        preparation: What the run keeps of it; None in older runs.
        data_dir: Where to look for the data first.
        run: Its file.

    Raises:
        DataError: One of these is known from the data alone, and they are others or gone.
        RunFileError: What the run keeps of it is needed and damaged.
    """
    data: LoadedData | None = None
    problem = ""
    try:
        data = load(project.data, data_dir)
    except DataError as error:
        problem = str(error)
    then = checkpoint.data
    if data is not None and then is not None and data.fingerprint is not None:
        difference = then.difference(data.fingerprint)
        problem = f"since it was made the data set has {difference}" if difference else ""
    kept: Prepared | None = None
    damage: RunFileError | None = None
    if preparation is not None:
        try:
            kept = kept_preparation.read(preparation, project, None if then is None else then.classes)
        except RunFileError as error:
            damage = error
    if data is not None and not problem:
        now = kept_preparation.prepared_of(data)
        # The same numbers may have come of other words.
        if kept is None or kept.likewise == now.likewise:
            return now, ""
    if damage is not None:
        raise damage.at(file=paths.shown(run))
    if kept is not None:
        table = project.data.dataset == "table_file"
        what, taken = ("table", "its columns are read") if table else ("data", "examples are prepared")
        verb = ("has changed" if table else "have changed") if data is not None else "cannot be read any more"
        return kept, f"The {what} of the training {verb}: {taken} as they were then."
    kinds = [one.kind for one in project.data.preparation if one.kind not in _WITHOUT_STATISTICS]
    needed = f"its preparation ({registry.PREPARATIONS(kinds[0]).title}) needs them" if kinds else ""
    if project.data.dataset == "table_file":
        needed = "only they tell how its columns become numbers"
    if needed:
        raise DataError(
            f"The data of this run are not those that it was trained on ({problem}), and {needed}.",
            file=paths.shown(run),
        )
    facts = _facts_of_run(project, checkpoint, data)
    if facts is None:
        raise DataError(
            f"The data of this run do not tell its classes any more ({problem}), and the run does not know them.",
            file=paths.shown(run),
        )
    kind = torch.uint8 if len(facts.input_shape) == 3 else torch.float32
    nothing = Split(torch.zeros((0, *facts.input_shape), dtype=kind), torch.zeros(0, dtype=torch.int64))
    return Prepared(facts, Scaler.fit(nothing, project.data.preparation)), ""


def _facts_of_run(project: Project, checkpoint: Checkpoint, data: LoadedData | None) -> DataFacts | None:
    """What a run knows of its data by itself; None where that is not enough."""
    then = checkpoint.data
    results = infer(project.graph).results
    shapes = {
        kind: [results[key].output for key, node in project.graph.nodes.items() if node.kind == kind and key in results]
        for kind in ("input", "output")
    }
    if then is None or len(shapes["input"]) != 1:
        return None
    shape = shapes["input"][0]
    if data is not None and (data.facts.class_names, data.facts.input_shape) == (then.classes, shape):
        return data.facts  # other examples, but of the same kind
    if not then.classes:
        return None
    if len(then.classes) == 2 and shapes["output"] == [(1,)]:
        return DataFacts(shape, 1, "binary", then.classes)
    return DataFacts(shape, len(then.classes), "classes", then.classes)


def _reader(project: Project, known: Prepared, data_dir: Path | None, run: Path) -> ReadPicture:
    facts = known.facts
    if len(facts.input_shape) != 3:
        return _no_picture
    background, how = "white", "fill"
    values = datasets.values(project.data)
    if datasets.dataset(project.data.dataset).needs_folder:
        background, how = str(values.get("background", background)), str(values.get("how", how))
    steps = [step for step in plan(project.data.preparation) if step.spec.stage == PICTURES]
    if not steps:
        return picture_reader(facts.input_shape, background, known.levels, how)
    shape = known.shape or _bare_shape(project, facts, data_dir, run)
    read = picture_reader(shape, background, known.levels, how)

    def prepared(file: Path) -> NDArray[np.uint8]:
        pictures = torch.from_numpy(read(file))[None]
        for step in steps:
            pictures = picture_steps.STEPS[step.spec.kind](pictures, step.values)
        made: NDArray[np.uint8] = pictures[0].numpy()
        return made

    return prepared


def _bare_shape(project: Project, facts: DataFacts, data_dir: Path | None, run: Path) -> Shape:
    """The shape of a picture before any step of the preparation.

    Raises:
        DataError: Only the file of the training tells it, and that is another one or gone.
    """
    bare = datasets.declared(msgspec.structs.replace(project.data, preparation=()))
    if bare is not None:
        return bare.data.input_shape
    values = datasets.values(project.data)
    if "size" in values and "channels" in values:
        side = int(str(values["size"]))
        return int(str(values["channels"])), side, side
    try:
        found = datasets.look(project.data, data_dir)
        prepared = step_facts.prepared(found, project.data.preparation).data.input_shape
        problem = "" if prepared == facts.input_shape else "its pictures have another shape by now"
    except DataError as error:
        problem = str(error)
    if problem:
        raise DataError(
            f"Only the data of this run tell what pictures its preparation begins with: {problem.rstrip('.')}.",
            file=paths.shown(run),
        )
    return found.data.input_shape


def _no_picture(file: Path) -> NDArray[np.uint8]:
    raise DataError("The network takes rows of a table.", file=str(file))
