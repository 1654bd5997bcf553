"""``nnviz evaluate``: how the network of a run does on a whole split, as a table for people or as JSON."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from nnviz import streams
from nnviz.commands.data_folder import check_data_folder
from nnviz.commands.given_project import named_data
from nnviz.commands.given_run import given_run
from nnviz.commands.json_text import json_text
from nnviz.commands.parsed_options import options_of
from nnviz.commands.tables import print_table
from nnviz.errors import DataError, InputError, NnvizError, on_one_line

if TYPE_CHECKING:
    from nnviz.record.evaluated import AnyEvaluated
    from nnviz.train.figures import ClassFigures, NumberFigures
    from nnviz.train.training import Training

#: Classes up to which all pairs are printed; of more the pairs that are confused most.
_MOST_CLASSES, _MOST_PAIRS = 20, 10
#: Letters of the name of a class in a table, and the errors of a regression that are listed.
_LONGEST, _MOST_ERRORS = 16, 10


@dataclass(frozen=True)
class EvaluateOptions:
    """What ``nnviz evaluate`` was asked for."""

    run: Path
    split: str
    step: int | None
    weights: str
    data: str | None
    data_dir: Path | None
    out: Path | None
    force: bool
    json: bool

    @classmethod
    def of(cls, options: argparse.Namespace) -> EvaluateOptions:
        """From the parsed command line."""
        return options_of(cls, options)


def evaluate(options: EvaluateOptions) -> int:
    """Print the figures of a split; write what was made of every example where that is asked for."""
    check_data_folder(options.data_dir)
    options = replace(options, run=given_run(options.run))
    from nnviz.train import share_cores  # noqa: PLC0415 - goes before the next

    share_cores()
    from nnviz.explain import asked  # noqa: PLC0415 - brings torch, which takes seconds to import
    from nnviz.project.files.atomic import write_atomically  # noqa: PLC0415 - goes after the sharing of cores
    from nnviz.record.number_text import format_times  # noqa: PLC0415 - brings numpy
    from nnviz.train import predict, remarks  # noqa: PLC0415 - brings torch
    from nnviz.train.evaluation import evaluate as evaluate_split  # noqa: PLC0415 - brings torch
    from nnviz.train.figures import figures_of  # noqa: PLC0415 - brings torch
    from nnviz.train.loop import EvaluationResult  # noqa: PLC0415 - brings torch
    from nnviz.train.test_use import count_in_file  # noqa: PLC0415 - brings torch

    if options.out is not None:
        predict.check_out(options.out, options.run, force=options.force)
    _, training, remark = asked.of_run(options.run, options.step, options.data_dir)
    if remark:
        streams.complain(remark)
    _choose_weights(training, options)
    split = {"training": "train"}.get(options.split, options.split)
    batches = None if options.data is None else _other_batches(training, split, options)
    evaluated = evaluate_split(training, split, batches)
    figures = figures_of(evaluated)
    counted: int | None = None
    if split == "test" and batches is None:
        means = {key: value for key, _, value in _means(figures, evaluated.loss) if math.isfinite(value)}
        others = {name: value for name, value in means.items() if name not in ("loss", "accuracy")}
        result = EvaluationResult(evaluated.loss, means.get("accuracy"), len(evaluated), others)
        try:
            counted = count_in_file(options.run, evaluated, remarks.scores(split, evaluated.step, result))
        except (NnvizError, OSError) as error:
            streams.complain(f"This use of the test set could not be counted in the run: {error}")
    if options.out is not None:
        predict.check_out(options.out, options.run, force=options.force)  # it may have come meanwhile
        write_atomically(predict.as_csv(*_rows(evaluated)), options.out)
    if options.json:
        print(json_text(_plain(options, training, evaluated, figures, counted), indent=1))
        return 0
    _print(options, training, evaluated, figures)
    if counted is not None:
        print(f"\nThe test set was used {format_times(counted)}: it is counted in the run.")
    if options.out is not None:
        print(f"\n{on_one_line(str(options.out))}: {len(evaluated):,} rows")
    return 0


def _choose_weights(training: Training, options: EvaluateOptions) -> None:
    """Puts the best weights in where these are asked for, or are what the run ended with."""
    wanted = options.weights == "best" or (not options.weights and training.config.keep_best and options.step is None)
    if wanted and training.best is not None:
        training.weights.use_best()
    elif options.weights == "best":
        raise InputError("The run keeps no best weights: there was no validation yet.", field="--best")


def _other_batches(training: Training, split: str, options: EvaluateOptions) -> Iterator[Any]:
    """Batches of another data set, prepared with what was taken from the run's own training examples."""
    from nnviz.data.tensors import Feeder, load  # noqa: PLC0415 - brings torch

    own = training.data
    assert options.data is not None
    config = named_data(own.config, options.data)
    config = msgspec.structs.replace(config, preparation=own.config.preparation, augmentation=own.config.augmentation)
    other = load(config, options.data_dir)
    for what, one, two in (
        ("examples of the shape", own.facts.input_shape, other.facts.input_shape),
        ("the task", own.facts.task, other.facts.task),
        ("classes", own.facts.class_names, other.facts.class_names),
        ("numbers to answer", own.facts.targets, other.facts.targets),
    ):
        if one != two:
            raise DataError(
                f"The network of this run was trained for {what} {_words(one)}, and these data have {_words(two)}.",
                field="--data",
            )
    examples = other.split(split)
    if not len(examples):
        raise DataError(f"These data have no {options.split} examples.", field="--split")
    return Feeder(examples, own.scaler, training.feeder(split).batch_size, training.device, shuffle=False).batches()


def _words(value: object) -> str:
    if isinstance(value, tuple) and all(isinstance(one, int) for one in value):
        return "×".join(map(str, value))
    if isinstance(value, tuple):
        return ", ".join(map(str, value[:8])) + (", …" if len(value) > 8 else "")
    return str(value)


def _rows(evaluated: AnyEvaluated) -> tuple[list[str], list[list[str | float]]]:
    """One row an example."""
    from nnviz.record.evaluated import EvaluatedClasses  # noqa: PLC0415 - brings numpy

    if isinstance(evaluated, EvaluatedClasses):
        names = evaluated.names
        found: list[list[str | float]] = []
        for place in range(len(evaluated)):
            predicted, sure = int(evaluated.predicted[place]), float(evaluated.probability[place])
            found.append(
                [
                    place,
                    names[evaluated.target[place]],
                    names[predicted] if predicted >= 0 else "",
                    "" if math.isnan(sure) else round(sure, 6),
                    int(evaluated.rank[place]) + 1,
                ]
            )
        return ["example", "target", "predicted", "probability", "rank_of_target"], found
    many = len(evaluated.names) > 1
    head = ["example"]
    for number in range(len(evaluated.names)):
        end = f"_{number + 1}" if many else ""
        head += [f"target{end}", f"predicted{end}", f"error{end}"]
    rows: list[list[str | float]] = []
    for place, (target, predicted) in enumerate(zip(evaluated.target, evaluated.predicted, strict=True)):
        row: list[str | float] = [place]
        for right, answer in zip(target.tolist(), predicted.tolist(), strict=True):
            row += [right, answer, answer - right]
        rows.append(row)
    return head, rows


def _means(figures: ClassFigures | NumberFigures, loss: float) -> list[tuple[str, str, float]]:
    """(key, what it is called, value) of the figures of the whole split."""
    from nnviz.record.quantities import MACRO_F1, TOP5_ACCURACY  # noqa: PLC0415 - brings numpy
    from nnviz.train.figures import ClassFigures  # noqa: PLC0415 - as above

    if isinstance(figures, ClassFigures):
        error = math.nan if figures.calibration is None else figures.calibration.error
        return [
            ("loss", "loss", loss),
            ("accuracy", "accuracy", figures.accuracy),
            (TOP5_ACCURACY.name, "top-5 accuracy", figures.top5),
            ("macro_precision", "macro precision", figures.macro_precision),
            ("macro_recall", "macro recall", figures.macro_recall),
            (MACRO_F1.name, "macro F1", figures.macro_f1),
            ("expected_calibration_error", "expected calibration error", error),
        ]
    return [
        ("loss", "loss", loss),
        ("mae", "mean absolute error", figures.mae),
        ("rmse", "root mean squared error", figures.rmse),
        ("r2", "R²", figures.r2),
        ("largest_error", "largest error", figures.largest),
    ]


def _plain(
    options: EvaluateOptions,
    training: Training,
    evaluated: AnyEvaluated,
    figures: ClassFigures | NumberFigures,
    counted: int | None,
) -> dict[str, Any]:
    """All figures as JSON has them."""
    from nnviz.record.quantities import TEST_USES  # noqa: PLC0415 - brings numpy
    from nnviz.train.figures import ClassFigures  # noqa: PLC0415 - as above

    plain: dict[str, Any] = {
        "run": str(options.run),
        "split": options.split,
        "data": options.data,
        "step": evaluated.weights_of,
        "best_epoch": training.best_epoch if evaluated.weights_of != evaluated.step else None,
        "examples": len(evaluated),
        TEST_USES.name: counted,
        **{key: float(value) for key, _, value in _means(figures, evaluated.loss)},
    }
    if not isinstance(figures, ClassFigures):
        return {**plain, "not_finite": figures.not_finite}
    plain["unanswered"] = figures.unanswered
    plain["classes"] = [
        {
            "class": name,
            "precision": float(figures.precision[place]),
            "recall": float(figures.recall[place]),
            "f1": float(figures.f1[place]),
            "examples": int(figures.support[place]),
            "taken_for": int(figures.named[place]),
        }
        for place, name in enumerate(evaluated.names)
    ]
    plain["confusion"] = figures.confusion.tolist()
    bins = figures.calibration
    plain["calibration"] = (
        None
        if bins is None
        else [
            {
                "from": float(bins.edges[place]),
                "to": float(bins.edges[place + 1]),
                "examples": int(bins.count[place]),
                "probability": float(bins.confidence[place]),
                "accuracy": float(bins.accuracy[place]),
            }
            for place in range(len(bins.count))
        ]
    )
    return plain


def _print(
    options: EvaluateOptions,
    training: Training,
    evaluated: AnyEvaluated,
    figures: ClassFigures | NumberFigures,
) -> None:
    from nnviz.record.evaluated import EvaluatedClasses  # noqa: PLC0415 - brings numpy
    from nnviz.record.number_text import percent  # noqa: PLC0415 - as above
    from nnviz.train.figures import ClassFigures, NumberFigures  # noqa: PLC0415 - as above

    best = evaluated.weights_of != evaluated.step
    which = f"step {evaluated.weights_of}" + (f" (epoch {training.best_epoch}, the best one)" if best else "")
    count = f"{len(evaluated):,} example" + ("" if len(evaluated) == 1 else "s")
    whose = on_one_line(f"{options.run}: weights of {which}, {options.data or 'its data'}, {options.split} split")
    print(f"{whose}, {count}\n")
    shares = isinstance(figures, ClassFigures)
    print_table(
        ("figure", "value"),
        [
            (words, percent(value, 2) if shares and key != "loss" else f"{value:.6g}")
            for key, words, value in _means(figures, evaluated.loss)
            if math.isfinite(value) or key == "loss"
        ],
        {1},
    )
    if isinstance(figures, ClassFigures) and isinstance(evaluated, EvaluatedClasses):
        _print_classes(evaluated, figures)
    elif isinstance(figures, NumberFigures):
        print()
        hardest = figures.hardest[:_MOST_ERRORS].tolist()
        rows = [
            (
                str(place),
                ", ".join(f"{value:.6g}" for value in evaluated.target[place].tolist()),
                ", ".join(f"{value:.6g}" for value in evaluated.predicted[place].tolist()),
                ", ".join(f"{value:+.4g}" for value in figures.residuals[place].tolist()),
            )
            for place in hardest
        ]
        print("Largest errors (predicted less right):")
        print_table(("example", "right", "predicted", "error"), rows, {0, 1, 2, 3})


def _print_classes(evaluated: Any, figures: ClassFigures) -> None:
    from nnviz.record.number_text import percent  # noqa: PLC0415 - brings numpy

    def share(value: float) -> str:
        return "–" if math.isnan(value) else percent(value, 1)

    names = [name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…" for name in evaluated.names]
    print()
    print_table(
        ("class", "precision", "recall", "F1", "examples", "taken for it"),
        [
            (
                names[place],
                share(figures.precision[place]),
                share(figures.recall[place]),
                share(figures.f1[place]),
                f"{figures.support[place]:,}",
                f"{figures.named[place]:,}",
            )
            for place in range(len(names))
        ],
        {1, 2, 3, 4, 5},
    )
    pairs = figures.confusion
    if len(names) <= _MOST_CLASSES:
        print("\nConfusion: a row is what is right, a column what it was taken for")
        print_table(
            ("", *names),
            [(name, *(f"{count:,}" for count in row)) for name, row in zip(names, pairs.tolist(), strict=True)],
            set(range(1, len(names) + 1)),
        )
    wrong = [
        (int(pairs[row, column]), row, column) for row, column in zip(*pairs.nonzero(), strict=True) if row != column
    ]
    if wrong and len(names) > _MOST_CLASSES:
        print("\nConfused most")
        print_table(
            ("right", "taken for", "examples", "of"),
            [
                (names[row], names[column], f"{count:,}", f"{figures.support[row]:,}")
                for count, row, column in sorted(wrong, key=lambda one: (-one[0], one[1], one[2]))[:_MOST_PAIRS]
            ],
            {2, 3},
        )
    if figures.unanswered:
        print(f"\n{figures.unanswered:,} without an answer")
