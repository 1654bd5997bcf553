"""A question as a person puts it: which number of which node; and its explanation, or what is wrong with it."""

from __future__ import annotations

import difflib
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import torch

from nnviz.data.tensors import load
from nnviz.errors import InputError, RunFileError
from nnviz.explain.explanation import Explanation
from nnviz.explain.layers import explain, explain_gradient, explain_loss, explain_parameter_gradient, needed
from nnviz.explain.place import LOSS
from nnviz.explain.updates import explain_update
from nnviz.explain.values import Example, pinned_place, values_of_example, values_of_next_batch
from nnviz.project.files import io
from nnviz.project.model import Pinned, Project, Shape
from nnviz.record.stored import CheckpointInfo, open_run
from nnviz.train import taken_state
from nnviz.train.newest_state import in_question
from nnviz.train.session import TrainingSession
from nnviz.train.training import Training

_MOST_NAMES = 12
#: How a network computes: as it answers, or as it learns.
EVALUATION, TRAINING = "evaluation", "training"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for; None is left to the program.

    Attributes:
        node: Id of the layer, or ``loss``.
        unit: Of a vector the unit, else the channel; the first where nothing is said.
        at: Where in the channel: (row, column), or the position in a sequence; the middle where nothing is said.
        example: Number of the example; the pinned one where nothing is said.
        split: ``validation``, ``train`` or ``test``.
        backward: Ask how the loss changes with the number, instead of what it is made of.
        parameter: Ask about a number of this parameter: backward its gradient, else what the next step makes of it.
        index: Where it stands there.
        mode: ``evaluation`` of one example; or ``training``: of the batch that comes next, with its dropout and the
            statistics of that batch, in which ``example`` is counted.
    """

    node: str
    unit: int | None = None
    at: tuple[int, ...] | None = None
    example: int | None = None
    split: str | None = None
    backward: bool = False
    parameter: str | None = None
    index: tuple[int, ...] | None = None
    mode: str = EVALUATION


@dataclass(frozen=True, slots=True)
class Answered:
    """An explanation, and what it is of.

    Attributes:
        example: Which one; None for an update, which is that of a batch.
        right: What that example really is, in words; empty for an update.
        step: Updates that the weights had seen.
        in_batch: In training mode, which one of the batch it is; else None.
    """

    explanation: Explanation
    example: Example | None
    right: str
    step: int
    in_batch: int | None = None


def of_project(project: Project, data_dir: Path | None = None) -> Training:
    """A network with the initial weights of the project's seed, on the CPU.

    Raises:
        NnvizError: The project has errors, or its data are not there.
    """
    return Training(project, load(project.data, data_dir), torch.device("cpu"))


def of_run(path: Path, step: int | None = None, data_dir: Path | None = None) -> tuple[Project, Training, str]:
    """A network as it was at the last checkpoint of a run, or at the nearest one that is not after a step; on the CPU.

    Before the first checkpoint it has the initial weights, which follow from the project and its seed: step 0.

    Returns:
        The project of the run, the network, and where the checkpoint is damaged, so that the one before it is taken, a
        sentence that says so; else an empty one.

    Raises:
        NnvizError: The file cannot be read, has no checkpoint although none is named, or its data are not there.
    """
    if step is not None and step < 0:
        raise InputError(f"There is no step {step}: steps are counted from 0, the initial weights.", field="--step")
    with open_run(path) as stored:
        project = io.loads(stored.info.project_json, str(path))
        newest = taken_state.find(stored, step)
    if newest is None:
        if step is None:
            raise RunFileError("The run has no weights: no checkpoint was kept.", file=str(path))
        return project, of_project(project, data_dir), ""
    checkpoint = taken_state.take(newest, str(path))
    training = of_project(project, data_dir)
    try:
        training.restore(checkpoint)
    except RunFileError as error:
        raise error.at(file=str(path)) from error
    return project, training, newest.used_instead


def kept_at(path: Path, step: int | None = None) -> CheckpointInfo | None:
    """The state that :func:`of_run` would take if it is whole; None stands for the initial weights, or none at all.

    Raises:
        RunFileError: The file cannot be read.
    """
    with open_run(path) as stored:
        return next(reversed(in_question(stored.checkpoints(), step)), None)


def answer(training: Training, question: Question, *, pinned: Pinned = 0) -> Answered:
    """Finds the number that is asked about and takes it apart.

    Args:
        training: Of the network, at rest.
        question: What is asked for.
        pinned: The example that is taken where none is named, if there is one of that number.

    Raises:
        InputError: There is no such number; names the option.
    """
    _check_node(training, question)
    if question.parameter is None:
        if question.index is not None:
            raise InputError("An index belongs to a parameter: give --parameter NAME, too.", field="--index")
        index: tuple[int, ...] = () if _is_loss(training, question) else _place(training, question)
    else:
        index = _index(training, question)
        if not question.backward:
            return Answered(explain_update(training, question.node, question.parameter, index), None, "", training.step)
    wanted = needed(training.network, question.node, backwards=question.backward)
    learning = question.mode == TRAINING
    at = 0
    if learning:
        at, example = _example_of_batch(training, question)
        values = values_of_next_batch(training, wanted=wanted)
    else:
        example = _example(training, question, pinned)
        values = values_of_example(training, example, wanted=wanted, backwards=question.backward)
    if question.parameter is not None:
        found = explain_parameter_gradient(values, question.node, question.parameter, index)
    elif _is_loss(training, question):
        found = explain_loss(values, example=at)
    elif question.backward:
        found = explain_gradient(values, question.node, index, example=at)
    else:
        found = explain(values, question.node, index, example=at)
    right = training.data.describe(example.index, example.split)
    return Answered(found, example, right, training.step, at if learning else None)


def ask(session: TrainingSession, question: Question, *, pinned: Pinned = 0) -> Future[Answered]:
    """:func:`answer`, asked by any thread and answered between two batches; an InputError comes with the Future."""
    return session.ask(lambda: answer(session.training, question, pinned=pinned))


def _is_loss(training: Training, question: Question) -> bool:
    return question.node == LOSS and LOSS not in training.network.node_ids


def _check_node(training: Training, question: Question) -> None:
    nodes = training.network.node_ids
    if question.node in nodes:
        return
    if not _is_loss(training, question):
        near = difflib.get_close_matches(question.node[:80], [*nodes, LOSS], 3)
        names = [f"'{name}'" for name in near]
        listed = ", ".join(nodes[:_MOST_NAMES]) + (", …" if len(nodes) > _MOST_NAMES else "")
        hint = f"Did you mean {' or '.join(names)}?" if near else f"There are: {listed}, and {LOSS}."
        raise InputError(f"There is no layer '{question.node[:80]}' in this network. {hint}", field="NODE")
    for option, given in (
        ("--unit", question.unit),
        ("--at", question.at),
        ("--parameter", question.parameter),
        ("--backward", question.backward or None),
    ):
        if given is not None:
            raise InputError(
                "The loss is one number: it has neither units nor parameters, nor a gradient.", field=option
            )


def _place(training: Training, question: Question) -> tuple[int, ...]:
    """Where the number stands in the output."""
    shape: Shape = training.network.inference.results[question.node].output
    units, *sizes = shape
    unit = question.unit or 0
    what = "channel" if sizes else "unit"
    if not 0 <= unit < units:
        has = f"{units} {what}s, numbered from 0" if units > 1 else f"one {what}, number 0"
        raise InputError(f"{question.node} has {has}: there is no {what} {unit}.", field="--unit")
    if question.at is None:
        return (unit, *(size // 2 for size in sizes))
    if not sizes:
        raise InputError(f"{question.node} puts out {units} units and no maps: there are no positions.", field="--at")
    names = ("Y,X", "two numbers") if len(sizes) == 2 else ("X", "one number")
    if len(question.at) != len(sizes):
        raise InputError(f"A position in {question.node} is {names[1]}, {names[0]}.", field="--at")
    if not all(0 <= at < size for at, size in zip(question.at, sizes, strict=True)):
        given = ",".join(map(str, question.at))
        raise InputError(
            f"The maps of {question.node} are {' × '.join(map(str, sizes))}, counted from 0: "
            f"there is nothing at {given}.",
            field="--at",
        )
    return (unit, *question.at)


def _index(training: Training, question: Question) -> tuple[int, ...]:
    """Where the number stands in the parameter."""
    if question.unit is not None or question.at is not None:
        option = "--at" if question.unit is None else "--unit"
        raise InputError("A number of a parameter is named by --index.", field=option)
    parameters = dict(training.network.module_of(question.node).named_parameters())
    parameter = parameters.get(question.parameter or "")
    if parameter is None:
        has = f"it has {' and '.join(parameters)}" if parameters else "it has none"
        raise InputError(
            f"{question.node} has no parameter '{str(question.parameter)[:40]}' ({has}).", field="--parameter"
        )
    sizes = " × ".join(map(str, parameter.shape))
    what = f"The {question.parameter} of {question.node} is {sizes}, counted from 0"
    if question.index is None:
        raise InputError(
            f"{what}: say which number of it with --index {','.join('0' for _ in parameter.shape)}.", field="--index"
        )
    inside = len(question.index) == parameter.dim() and all(
        0 <= at < size for at, size in zip(question.index, parameter.shape, strict=True)
    )
    if not inside:
        raise InputError(f"{what}: there is nothing at {','.join(map(str, question.index))}.", field="--index")
    return question.index


def _example_of_batch(training: Training, question: Question) -> tuple[int, Example]:
    """Which one of the batch that comes next, and which one of the training split that is."""
    if question.split not in (None, "train"):
        raise InputError(
            "In training mode the batch that comes next is explained, of the train split.", field="--split"
        )
    chosen, at = training.coming.peek_numbers(), question.example or 0
    if not 0 <= at < len(chosen):
        raise InputError(
            f"The batch that comes next has {len(chosen):,} examples, numbered from 0: there is no number {at}.",
            field="--example",
        )
    return at, Example("train", chosen[at])


def pinned_example(training: Training, pinned: Pinned) -> Example:
    """The example that the cards show: of the validation split, or of training where none was held back.

    Raises:
        InputError: There is none.
    """
    return _example(training, Question(""), pinned)


def _example(training: Training, question: Question, pinned: Pinned) -> Example:
    """The example that is asked for; of the training split where none was held back."""
    at, index = pinned_place(training.data, pinned)
    if question.split and not isinstance(pinned, tuple):
        at, index = question.split, pinned
    split = question.split or at
    count = len(training.data.split(split))
    if question.example is None:
        if not count:
            raise InputError(f"The {split} split has no examples.", field="--split")
        return Example(split, index if split == at and index < count else 0)
    if not 0 <= question.example < count:
        raise InputError(
            f"The {split} split has {count:,} examples, numbered from 0: there is no number {question.example}.",
            field="--example",
        )
    return Example(split, question.example)
