"""Which parts of an example made a score: one number for each of its numbers, by the published definitions.

Each is computed in the precision of the inputs, on a network of one's own (:mod:`nnviz.explain.score`). Those that take
long tell how far they are and can be cancelled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import EllipsisType
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import Function, FunctionCtx
from torch.nn import functional

from nnviz.errors import Cancelled, InputError
from nnviz.explain.score import CancelledCheck, Goal, OwnNetwork, Progress, ReluRule

#: Places at which the gradient is taken on the way from the baseline: doubled until the sum is right, up to the last.
_FEWEST_PLACES, _MOST_PLACES = 32, 512
#: The part of the difference of the scores by which the sum may miss it.
_COMPLETE_TO = 0.01


def _nobody(_done: int, _total: int) -> None:
    """Told how far it is."""


def _never() -> bool:
    return False


def gradient(own: OwnNetwork, inputs: Tensor, goal: Goal, relu: ReluRule | None = None) -> Tensor:
    """∂ score / ∂ x for each example by itself, shaped like the inputs ``(n, *input shape)``.

    Zero where nothing leads from the inputs to the score, such as through a step.

    K. Simonyan, A. Vedaldi, A. Zisserman, "Deep Inside Convolutional Networks", 2013: its magnitude is the saliency.
    """
    with torch.enable_grad():
        free = inputs.detach().clone().requires_grad_()
        score = own.score(free, goal, relu=relu).sum()
        if not score.requires_grad:
            return torch.zeros_like(inputs)
        (found,) = torch.autograd.grad(score, free, allow_unused=True)
    return torch.zeros_like(inputs) if found is None else found


def gradient_times_input(own: OwnNetwork, inputs: Tensor, goal: Goal) -> Tensor:
    """The input times the gradient, x · ∂ score / ∂ x, number by number; x as the network sees it.

    A. Shrikumar et al., "Not Just a Black Box: Learning Important Features Through Propagating Activation Differences",
    2016.
    """
    return inputs * gradient(own, inputs, goal)


class _Guided(Function):
    """A ReLU through which only what is positive comes back, and only where its input was."""

    @staticmethod
    def forward(ctx: FunctionCtx, value: Tensor) -> Tensor:
        ctx.save_for_backward(value)
        return value.clamp(min=0)

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> Tensor:
        (value,) = ctx.saved_tensors  # type: ignore[attr-defined]  # torch's types do not know it
        return cast(Tensor, gradients[0].clamp(min=0) * (value > 0))


class _Deconvolution(Function):
    """A ReLU through which only what is positive comes back, wherever."""

    @staticmethod
    def forward(ctx: FunctionCtx, value: Tensor) -> Tensor:
        return value.clamp(min=0)

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> Tensor:
        return gradients[0].clamp(min=0)


def guided_gradient(own: OwnNetwork, inputs: Tensor, goal: Goal) -> Tensor:
    """The gradient, where each ReLU lets back what is positive and where its input was positive.

    J. T. Springenberg et al., "Striving for Simplicity: The All Convolutional Net", 2015, section 3.4.
    """
    return gradient(own, inputs, goal, _Guided.apply)


def deconvolution(own: OwnNetwork, inputs: Tensor, goal: Goal) -> Tensor:
    """The gradient, where each ReLU lets back what is positive, whatever its input was.

    Max pooling sends back to its winners and a convolution through its transpose, as in the gradient: M. D. Zeiler and
    R. Fergus, "Visualizing and Understanding Convolutional Networks", 2014, section 2.1.
    """
    return gradient(own, inputs, goal, _Deconvolution.apply)


@dataclass(frozen=True, slots=True)
class Integrated:
    """What integrated gradients found.

    Attributes:
        numbers: ``(1, *input shape)``.
        score, baseline_score: At the two ends of the way; the numbers sum to their difference.
        places: At how many places of the way the gradient was taken.
    """

    numbers: Tensor
    score: float
    baseline_score: float
    places: int

    @property
    def missing(self) -> float:
        """What the numbers lack to the difference of the scores."""
        return self.score - self.baseline_score - float(self.numbers.double().sum())


def integrated_gradients(
    own: OwnNetwork,
    inputs: Tensor,
    baseline: Tensor,
    goal: Goal,
    progress: Progress = _nobody,
    cancelled: CancelledCheck = _never,
) -> Integrated:
    """(x − x₀) · mean of ∂ score / ∂ x along the straight way from a baseline x₀ to x.

    The integral by Gauss and Legendre, with twice as many places until the numbers sum to the difference of the scores
    within 1 %, or 512 are reached. M. Sundararajan, A. Taly, Q. Yan, "Axiomatic Attribution for Deep Networks", 2017.

    Args:
        own: The network.
        inputs: ``(1, *input shape)``.
        baseline: ``(1, *input shape)``.
        goal: The score.
        progress: Told how far it is.
        cancelled: Asked between two batches.

    Raises:
        Cancelled: ``cancelled`` said so.
    """
    ends = own.scores(torch.cat([baseline, inputs]), goal).tolist()
    size, places = own.batch_size(goal.node), _FEWEST_PLACES
    while True:
        at, weights = (torch.from_numpy(one).to(inputs) for one in np.polynomial.legendre.leggauss(places))
        at, weights = (at + 1) / 2, weights / 2
        mean = torch.zeros_like(inputs)
        for first in range(0, places, size):
            if cancelled():
                raise Cancelled("Cancelled.")
            progress(first, places)
            part = slice(first, first + size)
            shape = (-1, *(1 for _ in inputs.shape[1:]))
            points = baseline + at[part].reshape(shape) * (inputs - baseline)
            mean += (weights[part].reshape(shape) * gradient(own, points, goal)).sum(0, keepdim=True)
        found = Integrated((inputs - baseline) * mean, ends[1], ends[0], places)
        if abs(found.missing) <= _COMPLETE_TO * abs(ends[1] - ends[0]) or places >= _MOST_PLACES:
            return found
        places *= 2


def grad_cam(own: OwnNetwork, inputs: Tensor, goal: Goal, layer: str) -> Tensor:
    """max(0, Σₖ αₖ Aₖ), where αₖ is the mean of ∂ score / ∂ Aₖ over map k; as large as the maps, ``(1, h, w)``.

    R. R. Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", 2017,
    equations 1 and 2. :func:`over_image` enlarges it.

    Raises:
        InputError: The layer has no maps that lead to the score.
    """
    if layer not in own.map_layers(goal):
        raise InputError(
            f"'{layer[:80]}' has no maps before {goal.node}: choose a layer of channels, rows and columns."
        )
    with torch.enable_grad():
        values = own.run(inputs, {layer, goal.node}, free=layer)
        maps, score = values[layer], own.read(values[goal.node], goal).sum()
        found: Tensor | None = None
        if score.requires_grad:
            (found,) = torch.autograd.grad(score, maps, allow_unused=True)
    if found is None:
        return torch.zeros_like(maps[:, 0])
    weights = found.mean((2, 3), keepdim=True)
    return (weights * maps.detach()).sum(1).clamp(min=0)


def over_image(maps: Tensor, height: int, width: int) -> Tensor:
    """A coarse map ``(1, h, w)`` over an image, bilinearly: ``(1, height, width)``."""
    return functional.interpolate(maps[:, None], (height, width), mode="bilinear", align_corners=False)[:, 0]


def occlusion(
    own: OwnNetwork,
    inputs: Tensor,
    goal: Goal,
    fill: Tensor,
    patch: int,
    stride: int,
    progress: Progress = _nobody,
    cancelled: CancelledCheck = _never,
) -> Tensor:
    """What covering a place costs: the mean, over the patches that cover it, of the score minus that without them.

    A patch covers all channels; at the far border it is cut. M. D. Zeiler and R. Fergus, "Visualizing and
    Understanding Convolutional Networks", 2014, section 4.2; means over patches that overlap.

    Args:
        own: The network.
        inputs: ``(1, *input shape)``.
        goal: The score.
        fill: ``(1, *input shape)``: what a patch is covered with.
        patch: Numbers along each side of a patch; of a vector, features side by side.
        stride: From one patch to the next.
        progress: Told how far it is.
        cancelled: Asked between two batches.

    Returns:
        ``(1, height, width)``, of a vector ``(1, features)``.

    Raises:
        Cancelled: ``cancelled`` said so.
    """
    sizes = inputs.shape[2:] if inputs.dim() > 2 else inputs.shape[1:]
    windows = list(_windows(tuple(sizes), patch, min(stride, patch)))
    whole = own.scores(inputs, goal)
    cost, covered = torch.zeros(sizes).to(inputs), torch.zeros(sizes).to(inputs)
    size = own.batch_size(goal.node)
    for first in range(0, len(windows), size):
        if cancelled():
            raise Cancelled("Cancelled.")
        progress(first, len(windows))
        part = windows[first : first + size]
        examples = inputs.repeat(len(part), *(1 for _ in inputs.shape[1:]))
        for number, window in enumerate(part):
            place: tuple[EllipsisType | slice, ...] = (..., *window)
            examples[number][place] = fill[0][place]
        for window, drop in zip(part, whole - own.scores(examples, goal), strict=True):
            cost[window] += drop
            covered[window] += 1
    return (cost / covered)[None]


def _windows(sizes: tuple[int, ...], patch: int, stride: int) -> Iterator[tuple[slice, ...]]:
    """Patches that together cover everything."""
    if not sizes:
        yield ()
        return
    starts = range(0, max(sizes[0] - patch, 0) + stride, stride)
    for start in starts:
        for rest in _windows(sizes[1:], patch, stride):
            yield (slice(start, min(start + patch, sizes[0])), *rest)
