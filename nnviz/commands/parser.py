"""What can be typed: every command with its options, and the help of each."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from collections.abc import Sequence
from typing import Any, NoReturn

from nnviz import __version__, streams
from nnviz.commands import argument_types

#: What can stand behind ``nnviz``, and what it does; without any of them the window opens.
COMMANDS = {
    "samples": "list the sample networks",
    "datasets": "list the data sets and where they come from",
    "summary": "print a row a layer: shapes, parameters, MACs; and what training takes",
    "train": "train without a window",
    "race": "train variations beside each other from the same start",
    "sweep": "train again and again with other settings and seeds",
    "runs": "list the kept runs",
    "compare": "print where runs differ, side by side",
    "export-tensorboard": "write the curves of a run for TensorBoard",
    "evaluate": "print how the network of a run does on a whole split",
    "predict": "write what a trained network says of unlabelled examples",
    "explain": "take one number of a network apart",
    "screenshot": "render the window to a PNG, without a display",
}

EPILOGUE = f"""\
commands (nnviz COMMAND --help says more):
{chr(10).join(f"  {name:<20}{what}" for name, what in COMMANDS.items())}

Without a command the window opens, with FILE, RUN or sample:NAME if one is given:
  nnviz                          the start sample
  nnviz mine.nnviz               a project
  nnviz mine.nnvizrun            a run: replayed, or followed live while it grows
  nnviz "digits cnn 2"           a kept run, by its name or a part of it (nnviz runs lists them)
  nnviz sample:cnn-25            one of the samples (nnviz samples lists them)

Exit status: 0 done; 1 the run failed, or the output could not be written; 2 bad input or usage, with one line that says
what; 130 interrupted, and what was done so far is kept.
"""

_TRAIN_EPILOGUE = """\
  nnviz train sample:digits-cnn --epochs 5 --seed 1 --run-file mine.nnvizrun
  nnviz train mine.nnvizrun --resume --epochs 10                          the same run, to ten epochs
  nnviz train mine.nnviz --data FOLDER --set training.optimizer=sgd --json
  torchrun --standalone --nproc_per_node 2 -m nnviz train mine.nnviz --run-file two.nnvizrun

Without --run-file the run is kept in the user's folder of runs (nnviz runs lists it). Ctrl-C and kill end the training
after the batch under way and keep the run; a second one, a second later, breaks off what is under way, the batch or the
writing of the end. Exit status: 0 done; 1 it failed, or its run or the event files could not be kept as a
whole; 2 bad input; 130 interrupted.
"""

#: Letters on a line of a description, however narrow the terminal says that it is.
_NARROWEST = 20

_A_RUN = "a .nnvizrun file, or a kept run by its name or a part of it (nnviz runs lists them)"
_RACE_EPILOGUE = """\
  nnviz race sample:digits-cnn --vary training.optimizer=sgd,rmsprop,adam --epochs 3
  nnviz race sample:digits-cnn --vary activations=sigmoid,tanh,relu       of all layers between
  nnviz race sample:digits-cnn --vary dropout=0,0.5                       of all layers with dropout
  nnviz race sample:spiral --preset optimizers                            six optimizers, as in the window

All start from the same weights and see the same batches, as far as the seed is the same. Nobody looks at the test
split. Each is kept as a run with the tag "race: NAME". Exit status 0 if at least one gets to its end and
all could be kept.
"""

_SWEEP_EPILOGUE = """\
  nnviz sweep sample:spiral --vary training.optimizer=sgd,adam --seeds 3
  nnviz sweep mine.nnviz --vary training.learning_rate=1e-4..1e-1:log --search tpe --runs 20 --name rates
  nnviz sweep rates --resume --runs 40                                    twenty more

Exit status 0 if a run at least has the figure and all could be kept as a whole.
"""

_EXPLAIN_EPILOGUE = """\
  nnviz explain sample:xnor-two-layer linear1 --unit 1                   a neuron: weights times inputs, and bias
  nnviz explain sample:digits-cnn conv1 --unit 2 --at 3,4                a convolution at one pixel
  nnviz explain sample:digits-cnn loss                                   logits, exp, sum, −log p
  nnviz explain sample:digits-cnn conv1 --at 3,4 --backward              the chain rule
  nnviz explain sample:digits-cnn linear1 --parameter weight --index 0,3 an update, with what the optimizer keeps
  nnviz explain sample:graph-sums b --backward                           a value used twice: both gradients are added
  nnviz explain sample:credit linear1 --data own_numbers --set "data.rows=6 5"      numbers of one's own
"""


def parse(given: Sequence[str]) -> argparse.Namespace:
    """What was typed: ``command`` says of which command the options are, ``window`` where there is none.

    Raises:
        SystemExit: With 2 where it is no usage, which was said in one line; with 0 after ``--help`` or ``--version``.
    """
    parser = _parser()
    first = next((word for word in given if not word.startswith("-")), None)
    if first is None or first not in COMMANDS:
        return _window_parser(parser).parse_args(given)
    found, rest = parser.parse_known_args(given)
    if rest:
        _Parser(prog=f"nnviz {first}").error(f"unrecognized arguments: {' '.join(rest)}")
    return found


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the usage in one line, without the page that --help gives."""

    def error(self, message: str) -> NoReturn:
        streams.complain(f"{' '.join(message.split())} (see {self.prog} --help)", self.prog)
        raise SystemExit(2)


def _window_parser(parent: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="nnviz",
        description=parent.description,
        epilog=parent.epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage=f"nnviz [FILE | RUN | sample:NAME] [--data-dir DIR]\n       nnviz {{{','.join(COMMANDS)}}} …",
    )
    _add_project_or_run(parser, nargs="?")
    _add_data_folder(parser)
    parser.add_argument("--version", action="version", version=f"nnviz {__version__}")
    parser.set_defaults(command="window")
    return parser


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="nnviz",
        description="Click a neural network together, train it, and watch every part of it work.",
        epilog=EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands: Any = parser.add_subparsers(dest="command", required=True)
    _add_command(commands, "samples", "List the sample networks: nnviz sample:NAME opens one, nnviz train trains it.")
    _add_command(commands, "datasets", "List the data sets, how large they are, and where they come from.")
    _add_summary(commands)
    _add_train(commands)
    _add_race(commands)
    _add_sweep(commands)
    _add_run_commands(commands)
    _add_evaluate(commands)
    _add_predict(commands)
    _add_explain(commands)
    _add_screenshot(commands)
    return parser


def _add_summary(commands: Any) -> None:
    summary = _add_command(
        commands,
        "summary",
        "Print a row a layer: its id, kind, output shape, parameters and multiply-accumulate operations for one "
        "example; then the sum, and what memory and time a training of it takes, as far as that is known.",
    )
    _add_project(summary)
    _add_choices(summary)
    _add_json(summary)


def _add_train(commands: Any) -> None:
    train = _add_command(
        commands,
        "train",
        "Train a project without a window, keep the run, and measure on the test split at the end. Under torchrun, "
        "several processes train it together.",
        _TRAIN_EPILOGUE,
    )
    _add_project(train, "; with --resume also the run to go on with, by its file or its whole name, as it was made")
    _add_choices(train)
    _add_data_folder(train)
    _add_epochs(train)
    _add_seed_and_device(train)
    train.add_argument(
        "--run-file",
        "--run",
        dest="run",
        type=argument_types.path,
        metavar="FILE",
        help="keep the run in this .nnvizrun file (under torchrun only --run-file: it takes --run for an option of its "
        "own)",
    )
    _add_skip_bad(train)
    _add_download(train)
    train.add_argument(
        "--resume",
        action="store_true",
        help="go on where the run stopped that stands in --run-file FILE, or in place of PROJECT",
    )
    train.add_argument(
        "--warm-from",
        metavar="RUN",
        help="layers that fit begin with the weights of this run, a file or a kept run by its name; the others start "
        "fresh, and so does the optimizer",
    )
    train.add_argument(
        "--shard",
        action="store_true",
        help="under torchrun: each process holds a part of the weights, also where one device could hold them all",
    )
    train.add_argument(
        "--tensorboard",
        type=argument_types.path,
        metavar="DIR",
        help="write every curve to an event file of TensorBoard in DIR, too",
    )
    _add_json(train, "one JSON object a line")


def _add_race(commands: Any) -> None:
    race = _add_command(
        commands,
        "race",
        "Train variations of a project beside each other, step by step in turn, and print who got how far.",
        _RACE_EPILOGUE,
    )
    _add_project(race)
    race.add_argument(
        "--vary",
        action="append",
        default=[],
        metavar="PATH=A,B,C",
        help="a setting and its values, as --set takes them, or activations or dropout (may be repeated: every value "
        "meets every other)",
    )
    race.add_argument(
        "--preset",
        metavar="NAME",
        help="a ready list: optimizers, activations, dropout, initialisations, rates or seeds",
    )
    _add_choices(race)
    _add_data_folder(race)
    _add_epochs(race, " of each")
    _add_seed_and_device(race, " of all")
    _add_skip_bad(race)
    _add_download(race)
    _add_json(race, "one JSON object a line")


def _add_sweep(commands: Any) -> None:
    sweep = _add_command(
        commands,
        "sweep",
        "Train a project again and again with other settings and seeds, each a kept run, and print mean "
        "and spread of a figure of the validation split, the best first. The test split is not looked at.",
        _SWEEP_EPILOGUE,
    )
    _add_project(sweep, "; with --resume also the sweep to go on with, by its name")
    _add_choices(sweep)
    _add_data_folder(sweep)
    _add_epochs(sweep, " of each run")
    _add_seed_and_device(sweep, " of the first run of each combination")
    sweep.add_argument(
        "--vary",
        action="append",
        default=[],
        metavar="PATH=VALUES",
        help="a setting and its values: training.optimizer=sgd,adam or a range training.learning_rate=1e-4..1e-1:log, "
        "with :N values on a grid (may be repeated; activations and dropout stand for all layers)",
    )
    sweep.add_argument("--seeds", type=argument_types.count, metavar="N", help="runs of each combination (default: 1)")
    sweep.add_argument("--runs", type=argument_types.count, metavar="N", help="at most so many runs in the whole sweep")
    sweep.add_argument(
        "--minutes", type=argument_types.minutes, metavar="M", help="begin no run that would end later than this"
    )
    sweep.add_argument(
        "--search",
        choices=("grid", "random", "tpe"),
        help="every combination, points at random, or where the trials so far promise most (default: grid)",
    )
    sweep.add_argument(
        "--objective",
        metavar="FIGURE",
        help="validation_loss, validation_accuracy, validation_top5 or validation_f1; of each run its "
        "best epoch counts (default: by which the project chooses its best epoch)",
    )
    sweep.add_argument(
        "--prune", action="store_true", help="end a run early that is worse than the median of the others at its epoch"
    )
    sweep.add_argument("--name", metavar="NAME", help="its name; the runs are tagged 'sweep: NAME'")
    sweep.add_argument(
        "--resume",
        action="store_true",
        help="go on with the sweep of that name, with the options that it was begun with (another budget may be given)",
    )
    _add_skip_bad(sweep)
    _add_download(sweep)
    _add_json(sweep, "one JSON object a line")


def _add_run_commands(commands: Any) -> None:
    """The commands about runs that are there already."""
    from nnviz.record.orders import ORDERS  # noqa: PLC0415 - nothing else needs it

    runs = _add_command(
        commands,
        "runs",
        "List the runs that are kept in the user's data folder: name, date, state, epochs, the best "
        "validation loss and what the test split said.",
    )
    runs.add_argument(
        "text",
        nargs="*",
        metavar="TEXT",
        help="only runs with all of these words in name, tags or settings, and where all of these hold: "
        "'accuracy>0.9', optimizer=adam",
    )
    runs.add_argument("--tag", action="append", default=[], metavar="TAG", help="only with this tag (may be repeated)")
    runs.add_argument(
        "--sort",
        choices=tuple(ORDERS),
        default="date",
        help="the newest, the lowest best validation loss, the highest accuracy … first (default: date)",
    )
    runs.add_argument("--reverse", action="store_true", help="the other way round")
    runs.add_argument("--limit", type=argument_types.count, metavar="N", help="the first N only")
    runs.add_argument("--folder", type=argument_types.path, metavar="DIR", help="runs in another folder")
    _add_json(runs)

    compare = _add_command(
        commands,
        "compare",
        "Print the settings in which runs differ, and what came out of each: best epoch, losses, accuracy, "
        "time. A run is a file, or a kept run by its name or a part of it (nnviz runs lists them).",
    )
    compare.add_argument("runs", nargs="+", metavar="RUN", help="two runs or more")
    compare.add_argument("--folder", type=argument_types.path, metavar="DIR", help="look for names in another folder")
    _add_json(compare)

    export = _add_command(
        commands,
        "export-tensorboard",
        "Write every curve of a run, each value at its step, and its settings as an event file into DIR; "
        "tensorboard --logdir DIR shows it.",
    )
    export.add_argument("run", metavar="RUN", help=_A_RUN)
    export.add_argument("folder", type=argument_types.path, metavar="DIR", help="made where it is missing")


def _add_evaluate(commands: Any) -> None:
    evaluate = _add_command(
        commands,
        "evaluate",
        "Print how the network of a run does on a whole split: accuracy, precision, recall and F1 of each "
        "class, the confusion matrix and calibration; of a regression its errors.",
    )
    _add_run(evaluate)
    evaluate.add_argument(
        "--split",
        choices=("validation", "test", "training"),
        default="validation",
        help="which examples; each use of the test set is counted in the run (default: validation)",
    )
    evaluate.add_argument(
        "--data", metavar="NAME_OR_PLACE", help="another data set of the same kind, prepared as the run's"
    )
    _add_step(evaluate)
    which = evaluate.add_mutually_exclusive_group()
    which.add_argument(
        "--best",
        dest="weights",
        action="store_const",
        const="best",
        default="",
        help="those of the best epoch until there",
    )
    which.add_argument(
        "--last",
        dest="weights",
        action="store_const",
        const="last",
        help="those of the last step, or of --step (default: without --step the best where the project keeps them)",
    )
    evaluate.add_argument(
        "--out", type=argument_types.path, metavar="FILE.csv", help="write what it makes of every example"
    )
    _add_force(evaluate)
    _add_json(evaluate)
    _add_data_folder(evaluate)


def _add_predict(commands: Any) -> None:
    predict = _add_command(
        commands,
        "predict",
        "Write what the network of a run says of each picture of a folder, or each row of a table, as a "
        "CSV of filename,label,probability (row,label … for a table; the numbers themselves for a regression).",
    )
    _add_run(predict)
    predict.add_argument(
        "unlabelled", type=argument_types.path, metavar="DATA", help="a folder of pictures, a picture, or a table"
    )
    predict.add_argument(
        "--out", type=argument_types.path, required=True, metavar="FILE.csv", help="the table to write"
    )
    _add_step(predict)
    predict.add_argument(
        "--weights",
        choices=("best", "last"),
        default="",
        help="those of the best epoch until there, or those of the step itself (default: the best where the project "
        "keeps them)",
    )
    _add_skip_bad(predict, "leave out what cannot be read, and list it")
    _add_force(predict)
    _add_data_folder(predict)


def _add_explain(commands: Any) -> None:
    explain = _add_command(
        commands,
        "explain",
        "Take one number of a network apart into terms that sum to it: of a project with its initial weights, of a run "
        "with its last ones.",
        _EXPLAIN_EPILOGUE,
    )
    _add_project_or_run(explain)
    explain.add_argument("node", metavar="NODE", help="id of a layer (nnviz summary lists them), or loss")
    explain.add_argument("--unit", type=int, metavar="N", help="unit of a vector, or channel (default: 0)")
    explain.add_argument(
        "--at", type=argument_types.places, metavar="Y,X", help="position in the channel's map (default: the middle)"
    )
    explain.add_argument("--example", type=int, metavar="K", help="number of the example (default: the pinned one)")
    explain.add_argument(
        "--split", choices=("train", "validation", "test"), help="where that example is (default: validation)"
    )
    _add_step(explain, "of a run: weights of the nearest checkpoint not after it")
    explain.add_argument(
        "--mode",
        choices=("evaluation", "training"),
        default="evaluation",
        help="training: the batch that comes next, with its dropout and its own mean and variance; --example counts "
        "in it (default: evaluation)",
    )
    explain.add_argument("--backward", action="store_true", help="how the loss changes with the number")
    explain.add_argument(
        "--parameter",
        metavar="NAME",
        help="a number of a parameter such as weight: what the next step makes of it, or with --backward its gradient",
    )
    explain.add_argument(
        "--index", type=argument_types.places, metavar="I,J,…", help="where that number stands in the parameter"
    )
    _add_choices(explain)
    _add_data_folder(explain)
    _add_json(explain)


def _add_screenshot(commands: Any) -> None:
    screenshot = _add_command(
        commands, "screenshot", "Render the window with a project or a run in it to a PNG; no display is needed."
    )
    _add_project_or_run(screenshot)
    screenshot.add_argument(
        "--out", type=argument_types.path, required=True, metavar="FILE.png", help="the picture to write"
    )
    screenshot.add_argument(
        "--size",
        type=argument_types.size,
        default=(1680, 1050),
        metavar="WxH",
        help="of the window in pixels (default: 1680x1050)",
    )
    screenshot.add_argument("--theme", choices=("dark", "light"), default="dark", help="its colours (default: dark)")
    _add_data_folder(screenshot)


def _add_command(commands: Any, name: str, description: str, epilogue: str = "") -> _Parser:
    """A command with its help: of what is printed behind the options the lines are kept as they are."""
    parser: _Parser = commands.add_parser(
        name,
        help=COMMANDS[name],
        description=textwrap.fill(description, max(shutil.get_terminal_size().columns - 2, _NARROWEST)),
        epilog=epilogue,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


# -- what several of them have -----------------------------------------------------------------------------------------


def _add_project(parser: argparse.ArgumentParser, more: str = "") -> None:
    parser.add_argument("project", metavar="PROJECT", help=f"a .nnviz file or sample:NAME{more}")


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=argument_types.path, metavar="RUN", help=_A_RUN)


def _add_project_or_run(parser: argparse.ArgumentParser, nargs: str | None = None) -> None:
    what = f"a .nnviz file or sample:NAME; or {_A_RUN}"
    parser.add_argument("target", nargs=nargs, metavar="PROJECT_OR_RUN", help=what)


def _add_step(
    parser: argparse.ArgumentParser, meaning: str = "weights of the nearest checkpoint not after it (default: the last)"
) -> None:
    parser.add_argument("--step", type=int, metavar="S", help=meaning)


def _add_epochs(parser: argparse.ArgumentParser, of_what: str = "") -> None:
    parser.add_argument(
        "--epochs", type=argument_types.count, metavar="N", help=f"number of epochs{of_what} (default: the project's)"
    )


def _add_seed_and_device(parser: argparse.ArgumentParser, of_what: str = "") -> None:
    seed_fixes = f"fixes weights, order and dropout{of_what} (default: the project's)"
    parser.add_argument("--seed", type=argument_types.seed, metavar="N", help=seed_fixes)
    parser.add_argument("--device", metavar="D", help="auto, cpu, cuda, cuda:1 or mps (default: the project's)")


def _add_skip_bad(
    parser: argparse.ArgumentParser, what: str = "leave out pictures that cannot be read, and list them"
) -> None:
    parser.add_argument("--skip-bad", action="store_true", help=what)


def _add_download(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--download",
        action="store_true",
        help="fetch the data set from where it is published if it is not there yet; what is broken off goes on next "
        "time",
    )


def _add_force(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="replace FILE.csv if it is there")


def _add_json(parser: argparse.ArgumentParser, what: str = "JSON") -> None:
    parser.add_argument("--json", action="store_true", help=f"print {what}")


def _add_data_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data-dir",
        type=argument_types.path,
        metavar="DIR",
        help="folder with data sets (before NNVIZ_DATA and the user's own)",
    )


def _add_choices(parser: argparse.ArgumentParser) -> None:
    """What can be asked for instead of what the project holds."""
    parser.add_argument(
        "--data",
        metavar="NAME_OR_PLACE",
        help="another data set than the project's, or a table's file, or a folder of pictures, one subfolder a class "
        "(./NAME is always a file or a folder); the network's input and last layer follow",
    )
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        type=argument_types.setting,
        metavar="PATH=VALUE",
        help="any setting: training.learning_rate=0.01, data.noise=0.2, conv1.kernel_size=5 (may be repeated; those of "
        "the data go before the others, in any order)",
    )
