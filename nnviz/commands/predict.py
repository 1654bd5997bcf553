"""``nnviz predict``: what the network of a run says of unlabelled examples, as a file."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

from nnviz import paths, streams
from nnviz.commands.data_folder import check_data_folder
from nnviz.commands.given_run import given_run
from nnviz.commands.parsed_options import options_of
from nnviz.errors import DataError, InputError, on_one_line

#: So many of the examples that were left out are listed one by one.
_MOST_LISTED = 50


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
        return options_of(cls, options)


def predict(options: PredictOptions) -> int:
    """Write what the network of a run says of unlabelled examples."""
    check_data_folder(options.data_dir)
    options = replace(options, run=given_run(options.run))
    if options.step is not None and options.step < 0:
        raise InputError(f"There is no step {options.step}: steps are counted from 0.", field="--step")

    from nnviz.train import share_cores  # noqa: PLC0415 - goes before the next

    share_cores()
    from nnviz.train import predict as predicting  # noqa: PLC0415 - brings torch, which takes seconds to import

    for read in (options.unlabelled, options.run):
        predicting.check_out(options.out, read, force=options.force)
    weights: predicting.Weights = "best" if options.weights == "best" else "last" if options.weights == "last" else ""
    predictor = predicting.Predictor(options.run, options.step, weights, options.data_dir)
    if predictor.remark:
        streams.complain(predictor.remark)
    try:
        done = predicting.predict_to_file(
            predictor, options.unlabelled, options.out, skip_bad=options.skip_bad, force=options.force
        )
    except predicting.UnreadableError as error:
        raise DataError(f"{error.message} --skip-bad leaves them out.", file=error.file) from None
    for one in done.left_out[:_MOST_LISTED]:
        streams.complain(f"left out: {DataError(one.reason, file=paths.shown(one.file))}")
    if (rest := len(done.left_out) - _MOST_LISTED) > 0:
        streams.complain(f"left out: {rest:,} more that cannot be read")
    which = f"weights of epoch {done.best_epoch}, the best one" if done.best_epoch else f"weights of step {done.step}"
    print(f"{on_one_line(str(options.out))}: {done.count:,} {'row' if done.count == 1 else 'rows'}, {which}")
    return 0
