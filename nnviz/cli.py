"""The entry point: runs the command that was typed, and says which exit status it ends in.

Importing this loads neither torch nor Qt; each command's file is loaded when that command runs. Exit status: 0 done,
1 the run failed, 2 bad input or usage with one clear line, 130 interrupted (the run so far is kept).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from nnviz import interruption, streams
from nnviz.commands.parser import parse
from nnviz.errors import Cancelled, InputError, NnvizError, is_out_of_memory


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status.

    Args:
        arguments: What was typed; None is this process's own, which ends with that status.
    """
    if arguments is not None:
        return _status(arguments)
    interruption.end_with(interruption.STATUS)
    status = _status(sys.argv[1:])
    interruption.end_with(status)  # all is done, and said
    return status


def _status(arguments: Sequence[str]) -> int:
    streams.prepare()
    status = 0
    try:
        with interruption.raised():
            try:
                status = _run(parse(arguments))
            except SystemExit:  # of the parser, which has said what is wrong, or printed the help
                sys.stdout.flush()
                raise
        sys.stdout.flush()  # so that output which nobody takes is noticed here
        return status or int(streams.output_failed())
    except InputError as error:
        streams.complain(str(error))
        return 2
    except (Cancelled, KeyboardInterrupt):
        streams.complain("interrupted")
        return interruption.STATUS
    except NnvizError as error:
        streams.complain(str(error))
        return 1
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        streams.drop(sys.stdout)
        return status
    except BaseException as error:
        if is_out_of_memory(error):
            streams.complain("The memory was not enough: close other programs.")
            return 1
        if not isinstance(error, OSError):
            raise
        if isinstance(error, FileNotFoundError) and not error.filename:  # of os.getcwd
            streams.complain("The folder that this was started in is not there any more.")
            return 2
        streams.drop(sys.stdout)
        what = error.filename or "the output could not be written"
        streams.complain(f"{what}: {error.strerror or error}.")
        return 1


def _run(options: argparse.Namespace) -> int:
    match options.command:
        case "samples":
            from nnviz.commands import listings

            return listings.samples()
        case "datasets":
            from nnviz.commands import listings

            return listings.datasets()
        case "summary":
            from nnviz.commands.summary import summary

            return summary(options.project, as_json=options.json, data=options.data, given=options.settings)
        case "train":
            from nnviz.commands.train import TrainOptions, train

            return train(TrainOptions.of(options))
        case "race":
            from nnviz.commands.race import RaceOptions, race

            return race(RaceOptions.of(options))
        case "sweep":
            from nnviz.commands.sweep import SweepOptions, sweep

            return sweep(SweepOptions.of(options))
        case "runs":
            from nnviz.commands.runs import RunsOptions, runs

            return runs(RunsOptions.of(options))
        case "compare":
            from nnviz.commands.runs import compare

            return compare(options.runs, folder=options.folder, as_json=options.json)
        case "export-tensorboard":
            from nnviz.commands.runs import export_tensorboard

            return export_tensorboard(options.run, options.folder)
        case "evaluate":
            from nnviz.commands.evaluate import EvaluateOptions, evaluate

            return evaluate(EvaluateOptions.of(options))
        case "predict":
            from nnviz.commands.predict import PredictOptions, predict

            return predict(PredictOptions.of(options))
        case "explain":
            from nnviz.commands.explain import ExplainOptions, explain

            return explain(ExplainOptions.of(options))
        case "screenshot":
            from nnviz.commands.window import screenshot

            return screenshot(options.target, options.out, options.size, options.theme, options.data_dir)
        case _:
            from nnviz.commands.window import window

            return window(options.target, options.data_dir)
