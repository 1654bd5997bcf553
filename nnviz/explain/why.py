"""Why an answer: a question as a person puts it, and the map, the scores and the check that answer it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from nnviz.errors import InputError
from nnviz.explain import attribution
from nnviz.explain.methods import BY_KEY, Baseline
from nnviz.explain.score import CancelledCheck, Goal, OwnNetwork, Progress, frozen
from nnviz.explain.values import NO_RIGHT, Example, Numbers, pinned_place
from nnviz.project.model import Pinned

if TYPE_CHECKING:
    from torch import Tensor

#: The part of an example that is covered to see whether the map tells the truth.
COVERED = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class WhyQuestion:
    """What is asked for.

    Attributes:
        method: Key of one of the methods.
        split, index: Which example.
        target: A class by its place, where no unit is named; None means the answer that the network gives.
        node, unit: The unit that is asked about instead; an empty node means a class.
        layer: For Grad-CAM; empty means the last convolution and what belongs to it.
        patch, stride: For occlusion; 0 means a seventh of the shorter side, and half of a patch.
        baseline: What says nothing: the beginning of the way, and what is put in place of what is covered.
        own: An input of one's own in place of the example, as the network sees it.
        label: What would be right for that, in words; empty where nobody knows.
    """

    method: str
    split: str
    index: int
    target: int | None = None
    node: str = ""
    unit: int = 0
    layer: str = ""
    patch: int = 0
    stride: int = 0
    baseline: Baseline = "zero"
    own: Numbers | None = None
    label: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class WhyAnswer:
    """What was found. All arrays are read-only.

    Attributes:
        question: What was asked.
        step: Updates that the weights had seen.
        goal: The number that is the score.
        example: As the network sees it, shaped like its input.
        right: What the example really is, in words.
        outputs: What the network puts out for it.
        answer: The class that it is taken for.
        target: The class that was asked about; None for a unit.
        channel: Whether the unit is a channel.
        map: How much each place did: ``(height, width)`` of an image, else shaped like the input. Of several channels
            the sum where there are signs, else the largest.
        coarse: Of Grad-CAM the map in the size of the layer's maps; None else.
        layer: Of Grad-CAM the layer.
        layers: Those that it can look at.
        patch, stride: Of occlusion.
        score: Of the example.
        baseline_score: Of the baseline.
        total: Sum of the map.
        covered: bool, shaped like the map: the tenth of the places that did most for the score.
        covered_example: The example with the baseline in these places.
        covered_score: Of that.
        loss, task: What the network is trained for, which says how its outputs are read: see ``LossFunction``.
    """

    question: WhyQuestion
    step: int
    goal: Goal
    example: Numbers
    right: str
    outputs: Numbers
    answer: int
    target: int | None
    channel: bool
    map: Numbers
    coarse: Numbers | None
    layer: str
    layers: tuple[str, ...]
    patch: int
    stride: int
    score: float
    baseline_score: float
    total: float
    covered: Numbers
    covered_example: Numbers
    covered_score: float
    loss: str
    task: str


def pinned_example(own: OwnNetwork, pinned: Pinned) -> Example:
    """The pinned example: of the training split where nothing was held back; the first where there is none such."""
    return Example(*pinned_place(own.data, pinned))


def about_right(own: OwnNetwork, question: WhyQuestion) -> WhyQuestion:
    """The same question about the class that is right for the example.

    Raises:
        InputError: It is an input of one's own, and nobody said which class is right for it.
    """
    names = own.data.class_names
    right = question.label if question.own is not None else own.data.describe(question.index, question.split)
    if right not in names:
        raise InputError(NO_RIGHT)
    return replace(question, target=names.index(right))


def why(
    own: OwnNetwork,
    question: WhyQuestion,
    progress: Progress = lambda _done, _total: None,
    cancelled: CancelledCheck = lambda: False,
) -> WhyAnswer:
    """Answers a question on a network of one's own.

    Raises:
        InputError: There is no such example, class, unit or layer, or the input does not fit the network.
        Cancelled: ``cancelled`` said so.
    """
    method = BY_KEY[question.method]
    inputs = _inputs(own, question)
    with torch.no_grad():
        outputs = own.run(inputs, {own.output_id})[own.output_id]
    answer, target = own.answer(outputs), None
    if question.node:
        goal = own.unit_goal(question.node, question.unit)
    else:
        target = answer if question.target is None else question.target
        goal = own.class_goal(target)
    baseline = own.baseline(question.baseline)
    image = inputs.dim() == 4
    shorter = min(inputs.shape[2:]) if image else 7
    patch = question.patch or max(1, round(shorter / 7))
    stride = question.stride or max(1, patch // 2)
    layers, layer, coarse = own.map_layers(goal), "", None
    if method.key == "grad_cam":
        layer = question.layer if question.layer in layers else own.last_convolution(goal)
        coarse = attribution.grad_cam(own, inputs, goal, layer)
        found = attribution.over_image(coarse, *inputs.shape[2:])
    elif method.key == "occlusion":
        found = attribution.occlusion(own, inputs, goal, baseline, patch, stride, progress, cancelled)
    elif method.key == "integrated_gradients":
        found = attribution.integrated_gradients(own, inputs, baseline, goal, progress, cancelled).numbers
    else:
        found = _numbers(own, inputs, goal, method.key)
    if found.dim() == 4:
        found = found.sum(1) if method.signed else found.amax(1)
    covered = _foremost(found)
    hidden = torch.where(_spread(covered, inputs), baseline, inputs)
    ends = own.scores(torch.cat([inputs, baseline, hidden]), goal)
    score, baseline_score, covered_score = ends.tolist()
    return WhyAnswer(
        question=question,
        step=own.step,
        goal=goal,
        example=frozen(inputs[0]),
        right=question.label if question.own is not None else own.data.describe(question.index, question.split),
        outputs=frozen(outputs[0]),
        answer=answer,
        target=target,
        channel=len(own.shapes[goal.node]) > 1,
        map=frozen(found[0]),
        coarse=None if coarse is None else frozen(coarse[0]),
        layer=layer,
        layers=layers,
        patch=patch,
        stride=stride,
        score=score,
        baseline_score=baseline_score,
        total=float(found.double().sum()),
        covered=frozen(covered[0]).astype(bool),
        covered_example=frozen(hidden[0]),
        covered_score=covered_score,
        loss=own.loss.kind,
        task=own.loss.task,
    )


def _inputs(own: OwnNetwork, question: WhyQuestion) -> Tensor:
    if question.own is None:
        return own.example(Example(question.split, question.index))
    expected = tuple(own.shapes[own.input_id])
    if question.own.shape != expected:
        given = " × ".join(map(str, question.own.shape))
        raise InputError(f"This network takes {' × '.join(map(str, expected))} numbers, not {given}.")
    return torch.from_numpy(question.own.copy())[None].to(own.device)


def _numbers(own: OwnNetwork, inputs: Tensor, goal: Goal, method: str) -> Tensor:
    if method == "saliency":
        return attribution.gradient(own, inputs, goal).abs()
    if method == "gradient_input":
        return attribution.gradient_times_input(own, inputs, goal)
    if method == "guided_gradient":
        return attribution.guided_gradient(own, inputs, goal)
    if method == "deconvolution":
        return attribution.deconvolution(own, inputs, goal)
    return attribution.gradient(own, inputs, goal)


def _foremost(found: Tensor) -> Tensor:
    """The tenth of the places with the largest numbers above zero, bool, shaped like the map ``(1, …)``."""
    flat = found.flatten().nan_to_num(0.0)
    count = max(1, round(COVERED * len(flat)))
    top = flat.topk(count).indices
    covered = torch.zeros_like(flat, dtype=torch.bool)
    covered[top] = flat[top] > 0
    return covered.reshape(found.shape)


def _spread(covered: Tensor, inputs: Tensor) -> Tensor:
    """A place of an image is all its channels."""
    return covered[:, None] if covered.dim() < inputs.dim() else covered
