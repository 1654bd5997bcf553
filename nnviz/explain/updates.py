"""What the step that comes next makes of one weight, term by term."""

from __future__ import annotations

import copy
import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from nnviz.errors import TrainingError
from nnviz.explain import kinds
from nnviz.explain.explanation import COMPUTED, PARAMETER_GRADIENT, Explanation, Factor, Index, Term, place_name
from nnviz.explain.kinds.optimizers import Before
from nnviz.explain.kinds.recipe import Doubles
from nnviz.explain.layers import parameter_place
from nnviz.explain.values import Values, values_of_next_batch
from nnviz.project import registry
from nnviz.project.model import TrainConfig
from nnviz.train.optimizers import build_optimizer, set_learning_rate
from nnviz.train.recipe import settings_of
from nnviz.train.training import Training
from nnviz.train.uncompiled import step_alone

_WORDS = (
    "What the next step makes of this weight: the batch that comes next, its gradient, and what the optimizer keeps."
)


@dataclass(frozen=True, eq=False)
class BeforeStep:
    """All that the updates of one step are made of, taken out before it is made: it can be explained afterwards.

    Attributes:
        values: What the step computes; of the parameters that are kept the gradients.
        config: How it is trained.
        learning_rate: Of this step.
        kept: What the optimizer kept of each parameter before, by (node, name); copied.
        frozen: The units of each node whose weights are not trained.
        layers: The nodes of which nothing is trained.
    """

    values: Values
    config: TrainConfig
    learning_rate: float
    kept: Mapping[tuple[str, str], Mapping[str, Any]]
    frozen: Mapping[str, frozenset[int]] = field(default_factory=dict)
    layers: frozenset[str] = frozenset()

    def rows_held(self, node: str, count: int) -> list[int]:
        """The rows of a parameter of so many rows that stay as they are."""
        if node in self.layers:
            return list(range(count))
        found = self.values.nodes[node]
        units = self.frozen.get(node, frozenset())
        return sorted(units) if units and found.output.shape[1] == count else []

    @property
    def step(self) -> int:
        """Updates that the weights had seen."""
        return self.values.step

    def explain(self, node: str, name: str, index: Index) -> Explanation:
        """The new weight as a sum; see :func:`explain_update`. Any thread that may use torch."""
        return _explained(self, node, name, index)


def before_step(training: Training, nodes: Collection[str] | None = None) -> BeforeStep:
    """What the step that comes next is made of, for the updates of these nodes; None means all.

    Call it on the thread that owns the training, at rest between two steps; it does not notice.

    Raises:
        TrainingError: There is nothing to train.
    """
    config = training.config
    if training.optimizer is None:
        raise TrainingError("This network has nothing to train: no layer has weights. Add a Linear or a Conv2d.")
    # The norm by which gradients are clipped is that of all.
    clipped = kinds.CLIPPINGS[config.clipping.kind] is not None
    values = values_of_next_batch(training, wanted=None if clipped else nodes, kept=1)
    kept: dict[tuple[str, str], Mapping[str, Any]] = {}
    for node in values.nodes if nodes is None else nodes:
        if node not in values.nodes:
            continue
        for name, parameter in training.network.module_of(node).named_parameters():
            kept[node, name] = copy.deepcopy(training.optimizer.state.get(parameter, {}))
    frozen: dict[str, frozenset[int]] = {}
    for unit in training.switches.frozen:
        frozen[unit.node] = frozen.get(unit.node, frozenset()) | {unit.number}
    return BeforeStep(values, config, training.learning_rate, kept, frozen, training.frozen_layers)


def explain_update(training: Training, node: str, name: str, index: Index) -> Explanation:
    """The new weight after the step that comes next, as a sum from the gradient and what the optimizer kept before.

    The training does not notice. Call it on the thread that owns it (``TrainingSession.ask``).

    Args:
        training: At rest between two steps.
        node: Id of the layer.
        name: Of its parameter, such as ``weight``.
        index: Where the number stands in it.

    Returns:
        Its ``value`` is the new weight in double precision; the step itself rounds it to single.

    Raises:
        ParamError: There is no such number.
        TrainingError: There is nothing to train.
    """
    return before_step(training, {node}).explain(node, name, index)


def _explained(before: BeforeStep, node: str, name: str, index: Index) -> Explanation:
    values, config = before.values, before.config
    found = parameter_place(values, node, name, index)
    weights = found.parameters[name].astype(np.float64)
    if name not in found.parameter_gradients:
        terms = [Term((_weight(node, name, index, weights),), "the weight before")]
        words = "No gradient comes back to it: it stays as it is."
        return Explanation(node, index, float(weights[index]), tuple(terms), name, "update", 0, "w′ = w", words)
    if index[0] in before.rows_held(node, len(weights)):
        terms = [Term((_weight(node, name, index, weights),), "the weight before")]
        words = f"Its {'layer' if node in before.layers else 'unit'} is frozen: it stays as it is."
        return Explanation(node, index, float(weights[index]), tuple(terms), name, "update", 0, "w′ = w", words)
    gradients = _with_penalties(before)
    present = gradients[node, name]
    clipped = present
    clipping = kinds.CLIPPINGS[config.clipping.kind]
    if clipping is not None:
        clipped = clipping(settings_of("clipping", config.clipping), [*gradients.values()], present)
    state = _state(before, node, name)
    settings = registry.optimizer(config.optimizer.kind).values(config.optimizer.params)
    way = kinds.update_way_of(config.optimizer.kind)
    of_weights = frozenset(key for key, value in state.items() if np.shape(value) == weights.shape)

    @functools.cache
    def stepped() -> Doubles:
        return _stepped(before, node, name, clipped)

    def terms_at(place: Index) -> list[Term]:
        gradient = _gradient(values, node, name, place, float(present[place]), float(clipped[place]))
        here = {
            key: float(value[place] if key in of_weights else value)
            for key, value in state.items()
            if key in of_weights or np.size(value) == 1
        }
        weight = _weight(node, name, place, weights)
        return way.terms(
            Before(node, place, weight, gradient, here, settings, before.learning_rate, stepped, of_weights)
        )

    terms = terms_at(index)
    formula = way.formula(settings)
    for choice in config.regularisers if weights.ndim > 1 else ():
        hold = kinds.CONSTRAINTS.get(choice.kind)
        if hold is not None:
            places = [(index[0], *rest) for rest in np.ndindex(*weights.shape[1:])]
            row = np.array([sum(term.value for term in terms_at(place)) for place in places])
            factor = Factor(node, COMPUTED, (), hold(settings_of("regularisers", choice), row), "held to its norm")
            terms = [Term((*term.factors, factor), term.source) for term in terms]
            formula += "; then all weights of the unit are held to their norm"
    new = sum(term.value for term in terms)
    return Explanation(node, index, new, tuple(terms), name, "update", 0, formula, _WORDS)


def _weight(node: str, name: str, index: Index, weights: Doubles) -> Factor:
    return Factor(node, name, index, float(weights[index]), place_name("w", index))


def _with_penalties(before: BeforeStep) -> dict[tuple[str, str], Doubles]:
    """The gradients of all parameters that are known, with what acts on the weights beside the loss."""
    found: dict[tuple[str, str], Doubles] = {}
    for node in before.values.nodes.values():
        for name, gradient in node.parameter_gradients.items():
            present = gradient.astype(np.float64)
            # Gradients of frozen units count as nothing, so that clipping does not see them either.
            present[before.rows_held(node.node, len(present))] = 0.0
            for choice in before.config.regularisers if present.ndim > 1 else ():
                penalty = kinds.PENALTIES.get(choice.kind)
                if penalty is not None:
                    weights = node.parameters[name].astype(np.float64)
                    present = present + penalty(settings_of("regularisers", choice), weights)
            found[node.node, name] = present
    return found


def _gradient(values: Values, node: str, name: str, index: Index, present: float, clipped: float) -> Factor:
    """g, from the gradient of the loss by way of penalties and clipping."""
    own = float(values.nodes[node].parameter_gradients[name][index])
    factor = Factor(node, f"{PARAMETER_GRADIENT}{name}", index, own, f"dL/d {place_name(name, index)}")
    if present != own:
        parts = (Term((factor,), "the loss"), Term((Factor(node, COMPUTED, (), present - own, "penalty"),), "penalty"))
        factor = Factor(node, COMPUTED, (), present, "g with its penalties", made_of=parts)
    if clipped != present:
        factor = Factor(node, COMPUTED, (), clipped, "g, clipped", made_of=(Term((factor,), factor.name),))
    return factor


def _state(before: BeforeStep, node: str, name: str) -> Mapping[str, Any]:
    """What the optimizer keeps of a parameter, as arrays or single numbers."""
    return {
        key: value.detach().cpu().double().numpy() if isinstance(value, torch.Tensor) else value
        for key, value in before.kept.get((node, name), {}).items()
        if value is not None
    }


def _stepped(before: BeforeStep, node: str, name: str, gradients: Doubles) -> Doubles:
    """The new weights of a whole parameter: such an optimizer makes its step on a copy."""
    found = before.values.nodes[node]
    weights = nn.Parameter(torch.from_numpy(found.parameters[name].copy()).to(found.device))
    weights.grad = torch.from_numpy(gradients).to(weights)
    optimizer = build_optimizer([weights], before.config.optimizer)
    assert optimizer is not None
    set_learning_rate(optimizer, before.learning_rate)
    if before.kept.get((node, name)):
        optimizer.state[weights] = copy.deepcopy(dict(before.kept[node, name]))
    step_alone(optimizer)
    return cast(Doubles, weights.detach().cpu().double().numpy())
