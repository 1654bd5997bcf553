"""Optimizers: the new weight as a sum, from the gradient and from what was kept before."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np

from nnviz.explain.explanation import COMPUTED, Factor, Index, Term, place_name
from nnviz.explain.kinds.way import Doubles
from nnviz.project import registry
from nnviz.project.model import Params


@dataclass(frozen=True, eq=False)
class Before:
    """One weight before its update.

    Attributes:
        node, index: Whose it is, and where it stands in its parameter.
        weight: The weight.
        gradient: The gradient that the optimizer gets: penalties and clipping are in it.
        state: What the optimizer keeps of this weight; nothing before its first update.
        settings: The optimizer's, defaults included.
        rate: The learning rate of this step.
        stepped: () -> the new weights of the whole parameter, as the optimizer itself makes them.
        of_weights: What it keeps of each weight; the rest of ``state`` is kept of the whole parameter.
    """

    node: str
    index: Index
    weight: Factor
    gradient: Factor
    state: Mapping[str, float]
    settings: Params
    rate: float
    stepped: Callable[[], Doubles]
    of_weights: frozenset[str]

    def setting(self, name: str) -> float:
        """A setting that is a number."""
        return float(cast(float, self.settings[name]))

    def computed(self, value: float, name: str, *made_of: Term) -> Factor:
        """A number that is computed for this update."""
        return Factor(self.node, COMPUTED, (), value, name, made_of=made_of)

    def kept(self, name: str, symbol: str) -> Factor:
        """What the optimizer keeps; 0 before its first update."""
        return Factor(self.node, name, self.index, self.state.get(name, 0.0), place_name(symbol, self.index))

    @property
    def steps(self) -> float:
        """Which update of the optimizer this is, from 1."""
        return self.state.get("step", 0.0) + 1.0

    @property
    def descent(self) -> Factor:
        """−η: against the gradient, as far as the learning rate says."""
        return self.computed(-self.rate, "−η")

    def decayed(self) -> Factor:
        """The gradient with the pull of the weight decay: g + λ·w."""
        decay = self.setting("weight_decay")
        if not decay:
            return self.gradient
        value = self.gradient.value + decay * self.weight.value
        pull = Term((self.computed(decay, "λ"), self.weight), "weight decay")
        return self.computed(value, "g + λ·w", Term((self.gradient,), "the gradient"), pull)

    def mean_square(self, kept: str, setting: str, symbol: str, gradient: Factor) -> Factor:
        """The running mean of the squared gradients, with this one."""
        before, memory = self.kept(kept, "v"), self.setting(setting)
        share = self.computed(1 - memory, f"1 − {symbol}")
        value = memory * before.value + (1 - memory) * gradient.value**2
        return self.computed(
            value,
            "v",
            Term((self.computed(memory, symbol), before), "what was kept"),
            Term((share, gradient, gradient), "this gradient, squared"),
        )

    def one_over(self, value: float, name: str, *made_of: Factor) -> Factor:
        """1 / a number."""
        return self.computed(1.0 / value, f"1 / {name}", *(Term((factor,), factor.name) for factor in made_of))


@dataclass(frozen=True, slots=True)
class UpdateWay:
    """How an update is taken apart.

    Attributes:
        terms: What the new weight is the sum of; the first of them is the weight before.
        formula: In symbols, with the settings that are in use: a momentum of 0 does not stand in it.
    """

    terms: Callable[[Before], list[Term]]
    formula: Callable[[Params], str]


def _weight(before: Before) -> Term:
    return Term((before.weight,), "the weight before")


def _sgd(before: Before) -> list[Term]:
    momentum, decay = before.setting("momentum"), before.setting("weight_decay")
    ahead = bool(before.settings["nesterov"]) and momentum > 0
    further = (before.computed(1 + momentum, "1 + μ"),) if ahead else ()
    terms = [_weight(before), Term((before.descent, *further, before.gradient), "the gradient")]
    if decay:
        terms.append(Term((before.descent, *further, before.computed(decay, "λ"), before.weight), "weight decay"))
    if momentum:
        share = before.computed(momentum**2, "μ²") if ahead else before.computed(momentum, "μ")
        terms.append(Term((before.descent, share, before.kept("momentum_buffer", "b")), "momentum"))
    return terms


def _sgd_formula(settings: Params) -> str:
    gradient = "g + λ · w" if settings["weight_decay"] else "g"
    if not settings["momentum"]:
        return f"w′ = w − η · ({gradient})" if settings["weight_decay"] else "w′ = w − η · g"
    step = f"({gradient} + μ · b)" if settings["nesterov"] else "b"
    return f"w′ = w − η · {step}, b = μ · b_before + {gradient}"


def _rmsprop_formula(settings: Params) -> str:
    mean = "v = α · v_before + (1 − α) · g²"
    if not settings["momentum"]:
        return f"w′ = w − η · g / (√v + ε), {mean}"
    return f"w′ = w − η · b, b = μ · b_before + g / (√v + ε), {mean}"


def _rmsprop(before: Before) -> list[Term]:
    gradient = before.decayed()
    square = before.mean_square("square_avg", "alpha", "α", gradient)
    pace = before.one_over(math.sqrt(square.value) + before.setting("epsilon"), "(√v + ε)", square)
    terms = [_weight(before), Term((before.descent, pace, gradient), "the gradient, at the pace of this weight")]
    momentum = before.setting("momentum")
    if momentum:
        share = before.computed(momentum, "μ")
        terms.append(Term((before.descent, share, before.kept("momentum_buffer", "b")), "momentum"))
    return terms


def _adagrad(before: Before) -> list[Term]:
    gradient, kept = before.decayed(), before.kept("sum", "s")
    square = before.computed(
        kept.value + gradient.value**2,
        "s",
        Term((kept,), "all before"),
        Term((gradient, gradient), "this one, squared"),
    )
    pace = before.one_over(math.sqrt(square.value) + before.setting("epsilon"), "(√s + ε)", square)
    return [_weight(before), Term((before.descent, pace, gradient), "the gradient, at the pace of this weight")]


def _adadelta(before: Before) -> list[Term]:
    gradient, epsilon = before.decayed(), before.setting("epsilon")
    square = before.mean_square("square_avg", "rho", "ρ", gradient)
    moved = before.kept("acc_delta", "u")
    length = before.computed(math.sqrt(moved.value + epsilon), "√(u + ε)", Term((moved,), "how far it moved lately"))
    pace = before.one_over(math.sqrt(square.value + epsilon), "√(v + ε)", square)
    return [_weight(before), Term((before.descent, length, pace, gradient), "the gradient, as far as it moved lately")]


def _moments(before: Before, gradient: Factor) -> tuple[Factor, Factor]:
    """(the running mean of the gradients before, 1 / (√v̂ + ε) with this gradient)."""
    square = before.mean_square("exp_avg_sq", "beta2", "β₂", gradient)
    correction = 1 - before.setting("beta2") ** before.steps
    corrected = before.computed(square.value / correction, f"v̂ = v / (1 − β₂^{before.steps:g})", Term((square,), "v"))
    pace = before.one_over(math.sqrt(corrected.value) + before.setting("epsilon"), "(√v̂ + ε)", corrected)
    return before.kept("exp_avg", "m"), pace


def _adam(before: Before, *, apart: bool = False) -> list[Term]:
    gradient = before.gradient if apart else before.decayed()
    memory = before.setting("beta1")
    mean, pace = _moments(before, gradient)
    correction = before.one_over(1 - memory**before.steps, f"(1 − β₁^{before.steps:g})")
    terms = [_weight(before)]
    if apart and before.setting("weight_decay"):
        decay = before.computed(before.setting("weight_decay"), "λ")
        terms.append(Term((before.descent, decay, before.weight), "weight decay"))
    now, kept = before.computed(1 - memory, "1 − β₁"), before.computed(memory, "β₁")
    terms.append(Term((before.descent, correction, pace, now, gradient), "the gradient, at the pace of this weight"))
    terms.append(Term((before.descent, correction, pace, kept, mean), "the gradients before it"))
    return terms


def _nadam(before: Before) -> list[Term]:
    gradient, memory = before.decayed(), before.setting("beta1")
    mean, pace = _moments(before, gradient)
    steps, decay = before.steps, before.setting("momentum_decay")
    present, following = (memory * (1 - 0.5 * 0.96 ** (step * decay)) for step in (steps, steps + 1))
    product = before.state.get("mu_product", 1.0) * present
    # torch's own order: the gradient itself, and the mean that already holds it, one step further.
    direct = before.computed((1 - present) / (1 - product), "(1 − μ_t) / (1 − Π μ)")
    ahead = before.computed(following / (1 - product * following), "μ_t+1 / (1 − Π μ · μ_t+1)")
    now, kept = before.computed(1 - memory, "1 − β₁"), before.computed(memory, "β₁")
    return [
        _weight(before),
        Term((before.descent, direct, pace, gradient), "the gradient, at the pace of this weight"),
        Term((before.descent, ahead, pace, now, gradient), "the gradient, looked ahead"),
        Term((before.descent, ahead, pace, kept, mean), "the gradients before it, looked ahead"),
    ]


def _lion(before: Before) -> list[Term]:
    memory, decay = before.setting("beta1"), before.setting("weight_decay")
    mean, gradient = before.kept("exp_avg", "m"), before.gradient
    value = memory * mean.value + (1 - memory) * gradient.value
    blend = before.computed(
        value,
        "c",
        Term((before.computed(memory, "β₁"), mean), "the gradients before it"),
        Term((before.computed(1 - memory, "1 − β₁"), gradient), "the gradient"),
    )
    sign = before.computed(float(np.sign(value)), "sign(c)", Term((blend,), "c"))
    terms = [_weight(before), Term((before.descent, sign), "the sign of the averaged gradient")]
    if decay:
        terms.append(Term((before.descent, before.computed(decay, "λ"), before.weight), "weight decay"))
    return terms


_TERMS: Mapping[str, Callable[[Before], list[Term]]] = {
    "sgd": _sgd,
    "rmsprop": _rmsprop,
    "adagrad": _adagrad,
    "adadelta": _adadelta,
    "adam": _adam,
    "adamw": lambda before: _adam(before, apart=True),
    "nadam": _nadam,
    "lion": _lion,
}

#: Those whose formula is shorter where a setting is 0.
_FORMULAS: Mapping[str, Callable[[Params], str]] = {"sgd": _sgd_formula, "rmsprop": _rmsprop_formula}


def _declared(kind: str, _settings: Params) -> str:
    return registry.optimizer(kind).formula


OPTIMIZERS: Mapping[str, UpdateWay] = {
    kind: UpdateWay(terms, _FORMULAS.get(kind) or partial(_declared, kind)) for kind, terms in _TERMS.items()
}
