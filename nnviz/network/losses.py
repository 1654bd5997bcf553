"""What the network is trained on: the loss of a batch, and how many of its answers were right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from nnviz.errors import ProjectError
from nnviz.project import registry
from nnviz.project.model import Choice, DataFacts, Graph, Params, ParamValue

#: (outputs, targets, settings of the loss) -> one number, the mean over the batch
_Formula = Callable[[Tensor, Tensor, Params], Tensor]


@dataclass(frozen=True)
class LossFunction:
    """The loss of a batch and, where there is a right answer, how many are right.

    Calling it gives the mean loss of the batch, a tensor of no dimensions through which gradients flow.

    Attributes:
        kind: Key of the loss, such as ``cross_entropy``.
        task: ``classes``, ``binary``, ``regression`` or ``none`` (no right answers), from the data set.
        classes: Number of values the network puts out for one example.
        threshold: Binary only: the answer is yes above it, as the loss declares it.
        values: The settings of the loss, defaults included; ``weights`` are those of the classes, where they count.
    """

    kind: str
    task: str
    classes: int
    threshold: float
    values: Params = field(default_factory=dict)

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean loss of the batch.

        Args:
            outputs: ``(n, k)``, what the network put out.
            targets: ``(n,)`` integer labels, or ``(n, k)`` numbers; ``(n, 0)`` where there are no right answers. Where
                examples are mixed with each other, ``(n, k)`` shares of the classes.
        """
        return _FORMULAS[self.kind](outputs, self.encode(outputs, targets), self.values)

    def with_gradient(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss of the batch and its gradient with respect to the outputs, as autograd finds it, bit for bit.

        Args:
            outputs: ``(n, k)``, without a graph behind them.
            targets: As for a call.
        """
        encoded = self.encode(outputs, targets)
        written_out = _WITH_GRADIENT.get(self.kind)
        plain = not (self.kind in _TAKES_LABELS and is_mixed(encoded)) and not _is_special(self.values)
        if written_out is not None and plain:
            return written_out(outputs, encoded)
        with torch.enable_grad():
            free = outputs.detach().requires_grad_()
            loss = _FORMULAS[self.kind](free, encoded, self.values)
            (gradient,) = torch.autograd.grad(loss, free)
        return loss.detach(), gradient

    def each(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The loss of each example by itself, float[n]: their mean is the loss of the batch.

        Args:
            outputs: As for a call. Gradients flow where there is a graph behind them.
            targets: Likewise.
        """
        encoded = self.encode(outputs, targets)
        alone = _EACH.get(self.kind)
        if alone is not None:
            return alone(outputs, encoded, self.values)
        formula, values = _FORMULAS[self.kind], self.values
        found: Tensor = torch.vmap(lambda one, right: formula(one[None], right[None], values))(outputs, encoded)
        return found

    def of_part(self, part: slice, count: int) -> tuple[LossFunction, float | Tensor]:
        """For some examples of a batch: (their loss, its share of the loss of the batch).

        Args:
            part: Which examples, with both ends.
            count: Examples in the batch.
        """
        return self, (part.stop - part.start) / count

    def margins(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """How clearly each answer is right, float[n]: above 0 it is, below 0 it is not.

        Of classes the output of the right one less the largest other; of a yes or no how far the output lies on the
        right side of the threshold. Only where an answer is right or wrong at all.

        Args:
            outputs: As for a call; or those of the same examples several times, one time behind the other.
            targets: As for a call, of the examples once.
        """
        if self.task == "binary" and outputs.shape[1:].numel() == 1:
            distance = outputs.reshape(-1, len(targets))
            if self.threshold:
                distance = distance - self.threshold
            side = torch.where(targets.reshape(-1) > 0.5, 1.0, -1.0).to(distance.dtype)
            return (distance * side).reshape(-1)
        scores = outputs.reshape(-1, len(targets), outputs.shape[1:].numel())
        labels = targets.reshape(-1) if targets.dim() == 1 or targets.shape[1] == 1 else targets.argmax(1)
        labels = labels.long()[None, :, None].expand(len(scores), -1, -1)
        own = scores.gather(2, labels)[..., 0]
        return (own - scores.scatter(2, labels, -torch.inf).amax(2)).reshape(-1)

    def encode(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The targets in the form the loss declares: labels, or numbers shaped like the outputs."""
        if self.kind in _TAKES_NOTHING:
            return targets
        if self.kind in _TAKES_LABELS:
            return targets if is_mixed(targets) else targets.reshape(-1).long()
        if self.task == "classes" and not targets.is_floating_point():
            one_hot = functional.one_hot(targets.reshape(-1), self.classes)
            return one_hot.to(outputs.dtype).reshape(outputs.shape)
        return targets.to(outputs.dtype).reshape(outputs.shape)

    @property
    def has_accuracy(self) -> bool:
        """Whether an answer is right or wrong; a regression's is not, nor one that nobody knows the right one of."""
        return self.task in _RIGHT_OR_WRONG

    @property
    def has_answers(self) -> bool:
        """Whether somebody knows what is right, so that there is something to compare an answer with."""
        return self.task not in _WITHOUT_ANSWERS

    def correct(self, outputs: Tensor, targets: Tensor) -> Tensor | None:
        """The number of right answers in the batch, an integer tensor of no dimensions; None where no answer can be."""
        right = self.right(outputs, targets)
        return None if right is None else right.sum()

    def right(self, outputs: Tensor, targets: Tensor) -> Tensor | None:
        """Which answers are right, bool[n]; None where none can be. Examples of several batches may come together.

        A class is the arg max of the outputs. A yes is an output strictly above ``threshold``. With an answer that is a
        sign, an output of exactly 0 is neither and never right: the rule that trains counts it as a mistake too.
        """
        if not self.has_accuracy:
            return None
        if self.task == "binary" and outputs.shape[1:].numel() == 1:
            numbers = outputs.reshape(-1)
            answers = numbers > self.threshold
            if self.kind in _BY_SIGN:
                return (answers == (targets.reshape(-1) > 0.5)) & (numbers.abs() > 0)
            return answers == (targets.reshape(-1) > 0.5)
        labels = targets.reshape(-1) if targets.dim() == 1 or targets.shape[1] == 1 else targets.argmax(1)
        return outputs.flatten(1).argmax(1) == labels


@dataclass(frozen=True)
class WeightedLoss(LossFunction):
    """The loss of a batch whose examples weigh differently: Σ w·l / Σ w.

    Attributes:
        weights: float32[n] of one batch, on its device; where all are 0 the loss is 0.
    """

    weights: Tensor = field(kw_only=True)

    @classmethod
    def of(cls, loss: LossFunction, weights: Tensor) -> WeightedLoss:
        """The same loss with weights for the examples of one batch."""
        return cls(loss.kind, loss.task, loss.classes, loss.threshold, loss.values, weights=weights)

    @property
    def plain(self) -> LossFunction:
        """The same loss without weights, as that of one example by itself is."""
        return LossFunction(self.kind, self.task, self.classes, self.threshold, self.values)

    def of_part(self, part: slice, count: int) -> tuple[LossFunction, float | Tensor]:
        """Likewise: the share is that of its weights."""
        own = WeightedLoss.of(self, self.weights[part])
        return own, own.weights.sum() / self.weights.sum().clamp(min=torch.finfo(torch.float32).tiny)

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Weighted mean loss of the batch, see :class:`LossFunction`."""
        # What weighs nothing adds nothing, also where its loss is infinite.
        losses = torch.where(self.weights > 0, self.each(outputs, targets), 0.0)
        return (losses * self.weights).sum() / self.weights.sum().clamp(min=torch.finfo(torch.float32).tiny)

    def with_gradient(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Weighted mean loss and its gradient, see :class:`LossFunction`."""
        with torch.enable_grad():
            free = outputs.detach().requires_grad_()
            loss = self(free, targets)
            (gradient,) = torch.autograd.grad(loss, free)
        return loss.detach(), gradient


def is_mixed(targets: Tensor) -> bool:
    """Whether targets of classes are shares of several, as mixed examples have them."""
    return targets.dim() == 2 and targets.is_floating_point()


def loss_function(graph: Graph, facts: DataFacts, amounts: Sequence[float] = ()) -> LossFunction:
    """The loss that the graph's Output node asks for, fitted to the data set.

    Args:
        graph: The network as drawn.
        facts: Of the data set.
        amounts: How much there is of each class to be trained on, see :func:`class_amounts`; balanced weights of the
            classes follow from it, and are 1 where it is not known.

    Raises:
        ProjectError: The graph has no output, or its loss does not go with the data.
    """
    outputs = [node for node in graph.nodes.values() if node.kind == "output"]
    if len(outputs) != 1:
        raise ProjectError("The network needs exactly one output.", field="graph.nodes")
    node = outputs[0]
    choice = Choice.of(registry.layer(node.kind).values(node.params)["loss"])
    kind = choice.kind
    field = f"graph.nodes.{node.id}.params.loss"
    if kind not in _FORMULAS:
        raise ProjectError(f"There is no loss called '{kind}'.", field=field)
    if facts.task not in _RIGHT_OR_WRONG and facts.task not in registry.loss(kind).tasks:
        specs = (spec for spec in registry.losses().values() if facts.task in spec.tasks)
        fitting = [f"the {spec.title[:1].lower()}{spec.title[1:]} ({spec.kind})" for spec in specs]
        asks = "asks for numbers" if facts.task == "regression" else "has no right answers"
        raise ProjectError(f"The data set {asks}, so the loss must be {' or '.join(fitting)}.", field=field)
    spec = registry.loss(kind)
    values = spec.values(choice.params)
    if "class_weights" in values:
        values = {**values, "weights": _class_weights(values, facts.targets, amounts, field)}
    return LossFunction(kind, facts.task, facts.targets, spec.threshold, values)


def class_amounts(targets: Tensor, weights: Tensor | None, classes: int) -> tuple[float, ...]:
    """How much there is of each class: its examples, each as much as it weighs.

    Args:
        targets: Labels, integers, one an example; of anything else nothing is counted.
        weights: Of the examples; None where all weigh 1.
        classes: How many there are.
    """
    labels = targets.reshape(-1)
    if targets.is_floating_point() or len(labels) != len(targets) or not len(labels):
        return ()
    each = torch.ones(len(labels), dtype=torch.float64) if weights is None else weights.cpu().double()
    return tuple(torch.bincount(labels.cpu().long(), each, minlength=classes).tolist()[:classes])


def _class_weights(values: Params, classes: int, amounts: Sequence[float], field: str) -> ParamValue:
    """The weights of the classes, or None where all count alike.

    Balanced ones are those of scikit-learn, and of the step of the data with that name: all examples over (the classes
    that there are, times the examples of the class).
    """
    way = values["class_weights"]
    if way == "balanced" and amounts:
        there = sum(amount > 0 for amount in amounts)
        return tuple(sum(amounts) / (there * amount) if amount > 0 else 1.0 for amount in amounts)
    typed = values["weights"]
    if way != "typed":
        return None
    count = len(typed) if isinstance(typed, tuple) else 0
    if count != classes:
        raise ProjectError(
            f"The loss needs one weight for each of the {classes} classes, and {count} are typed.", field=field
        )
    return typed


def _is_special(values: Params) -> bool:
    """Whether a loss has settings for which there is a formula but no kernel."""
    return bool(values.get("label_smoothing")) or (
        values.get("class_weights", "none") != "none" and values.get("weights") is not None
    )


def _cross_entropy(outputs: Tensor, targets: Tensor, values: Params) -> Tensor:
    if _is_special(values):
        return _each_cross_entropy(outputs, targets, values).mean()
    return functional.cross_entropy(outputs.flatten(1), targets)


def _each_cross_entropy(outputs: Tensor, targets: Tensor, values: Params) -> Tensor:
    """w_y · ((1 − ε)·(−log p_y) + ε/K·Σ_k −log p_k) of each example; of mixed classes with their shares."""
    scores = outputs.flatten(1)
    if not _is_special(values):
        return functional.cross_entropy(scores, targets, reduction="none")
    losses = functional.cross_entropy(scores, targets, reduction="none")
    smoothing = cast(float, values.get("label_smoothing", 0.0))
    if smoothing:
        losses = (1 - smoothing) * losses - smoothing * torch.log_softmax(scores, 1).mean(1)
    if values.get("class_weights", "none") != "none" and values.get("weights") is not None:
        weights = torch.tensor(values["weights"], dtype=scores.dtype, device=scores.device)
        losses = losses * (targets.to(scores.dtype) @ weights if is_mixed(targets) else weights[targets])
    return losses


def _negative_log_likelihood(outputs: Tensor, targets: Tensor, values: Params) -> Tensor:
    logarithms = outputs.flatten(1)
    if is_mixed(targets):
        return -(targets * logarithms).sum(1).mean()
    return -logarithms.gather(1, targets.reshape(-1, 1)).mean()


def _hinge(outputs: Tensor, targets: Tensor, values: Params) -> Tensor:
    """Mean of Σ_k≠y max(0, z_k − z_y + margin); of mixed classes that of each by its share. NaN stays NaN."""
    scores, margin = outputs.flatten(1), cast(float, values["margin"])
    if is_mixed(targets):
        short = (scores[:, None, :] - scores[:, :, None] + margin).clamp(min=0).sum(2) - margin
        return (targets * short).sum(1).mean()
    short = scores - scores.gather(1, targets.reshape(-1, 1)) + margin
    return (short.clamp(min=0).sum(1) - margin).mean()


def _mean_squared_error(outputs: Tensor, targets: Tensor, values: Params) -> Tensor:
    return functional.mse_loss(outputs, targets)


def _mean_absolute_error(outputs: Tensor, targets: Tensor, values: Params) -> Tensor:
    return functional.l1_loss(outputs, targets)


def _huber(outputs: Tensor, targets: Tensor, values: Params) -> Tensor:
    return functional.huber_loss(outputs, targets, delta=cast(float, values["delta"]))


def _binary_cross_entropy(outputs: Tensor, targets: Tensor, values: Params) -> Tensor:
    """Binary cross-entropy of probabilities; NaN where an output is none.

    torch refuses a value outside 0 to 1 with an exception on the CPU and by killing the CUDA context. Here such a
    batch has the loss NaN, which is reported like any other loss that is not a number.
    """
    is_probability = (outputs >= 0) & (outputs <= 1)
    safe = torch.where(is_probability, outputs, 0.5)
    losses = functional.binary_cross_entropy(safe, targets, reduction="none")
    return torch.where(is_probability, losses, torch.nan).mean()


def _binary_cross_entropy_of_logits(outputs: Tensor, targets: Tensor, values: Params) -> Tensor:
    return functional.binary_cross_entropy_with_logits(outputs, targets)


def _perceptron(outputs: Tensor, targets: Tensor, values: Params) -> Tensor:
    """Mean of max(0, −y·z) with y = ±1. An example on the line itself (z = 0) counts as a mistake.

    That is Rosenblatt's own reading and what lets training begin with all weights 0; hence the slope at 0 is −y, where
    ``relu`` would have 0. The accuracy counts it as a mistake as well. NaN stays NaN.
    """
    margins = (2.0 * targets - 1.0) * outputs
    return torch.where(margins > 0, 0.0, -margins).mean()


def _output_itself(outputs: Tensor, targets: Tensor, values: Params) -> Tensor:
    """Mean over the batch of the sum of what comes out for an example."""
    return outputs.flatten(1).sum(1).mean()


_FORMULAS: Mapping[str, _Formula] = {
    "cross_entropy": _cross_entropy,
    "nll": _negative_log_likelihood,
    "hinge": _hinge,
    "mse": _mean_squared_error,
    "l1": _mean_absolute_error,
    "huber": _huber,
    "bce": _binary_cross_entropy,
    "bce_logits": _binary_cross_entropy_of_logits,
    "perceptron": _perceptron,
    "output_itself": _output_itself,
}


def _cross_entropy_with_gradient(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    scores = outputs.flatten(1)
    logarithms = torch.log_softmax(scores, 1)
    loss, weight = _aten.nll_loss_forward.default(logarithms, targets, None, _MEAN, _NO_LABEL)
    slope = _aten.nll_loss_backward.default(torch.ones_like(loss), logarithms, targets, None, _MEAN, _NO_LABEL, weight)
    gradient = _aten._log_softmax_backward_data.default(slope, logarithms, 1, scores.dtype)
    return loss, gradient.reshape(outputs.shape)


def _mean_squared_error_with_gradient(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    loss = functional.mse_loss(outputs, targets)
    return loss, _aten.mse_loss_backward.default(torch.ones_like(loss), outputs, targets, _MEAN)


def _binary_cross_entropy_of_logits_with_gradient(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    loss = torch.binary_cross_entropy_with_logits(outputs, targets, None, None, _MEAN)
    return loss, outputs.sigmoid().sub_(targets).div_(outputs.numel())


def _mean_of_each(losses: Tensor) -> Tensor:
    """The mean loss of each example; where it is of one number, that."""
    return losses.flatten() if losses.numel() == len(losses) else losses.flatten(1).mean(1)


#: (outputs, encoded targets, settings) -> the loss of each example; the formula for one at a time does the others.
_EACH: Mapping[str, Callable[[Tensor, Tensor, Params], Tensor]] = {
    "cross_entropy": _each_cross_entropy,
    "mse": lambda outputs, targets, values: _mean_of_each((outputs - targets).square()),
    "bce_logits": lambda outputs, targets, values: _mean_of_each(
        functional.binary_cross_entropy_with_logits(outputs, targets, reduction="none")
    ),
}

#: The losses whose targets are numbers of classes, looked up once: they are asked for at every step.
_TAKES_LABELS = frozenset(kind for kind, spec in registry.losses().items() if spec.takes_labels)

#: Those of what comes out alone.
_TAKES_NOTHING = frozenset(kind for kind, spec in registry.losses().items() if spec.takes_nothing)

#: The tasks in which nobody knows what is right.
_WITHOUT_ANSWERS = frozenset({"none"})
#: The tasks in which an answer is right or wrong.
_RIGHT_OR_WRONG = frozenset({"classes", "binary"})

#: Those whose answer is the sign of the output.
_BY_SIGN = frozenset(kind for kind, spec in registry.losses().items() if spec.answer == "sign")

_aten = torch.ops.aten
#: torch's own numbers: a loss is the mean over the batch, and the label that its kernels pass over.
_MEAN, _NO_LABEL = 1, -100

#: (outputs, encoded targets) -> the loss and its gradient; autograd does the others.
_WITH_GRADIENT: Mapping[str, Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]] = {
    "cross_entropy": _cross_entropy_with_gradient,
    "mse": _mean_squared_error_with_gradient,
    "bce_logits": _binary_cross_entropy_of_logits_with_gradient,
}
