"""How the weights follow the gradient. Declarations only; ``train`` builds them.

``learning_rate`` is the first parameter of each: it can be changed while the training runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nnviz.project.model import Params
from nnviz.project.spec import ParamSpec, Spec


@dataclass(frozen=True)
class Kept:
    """What an optimizer keeps of every tensor that it trains.

    Attributes:
        name: What it is called in checkpoints; torch calls it the same.
        each_weight: A number for each weight; False is a single number for the whole tensor.
        counts_steps: It is the number of updates that were made.
        of_squares: It is a sum or a mean of squares, which is never negative.
    """

    name: str
    each_weight: bool = True
    counts_steps: bool = False
    of_squares: bool = False


_STEPS = Kept("step", each_weight=False, counts_steps=True)
_MOMENTUM = Kept("momentum_buffer")
_MEAN_SQUARE = Kept("square_avg", of_squares=True)
#: The running means of the gradients and of their squares.
_MOMENTS = (Kept("exp_avg"), Kept("exp_avg_sq", of_squares=True))


@dataclass(frozen=True)
class OptimizerSpec(Spec):
    """An optimizer: a Spec with what it keeps.

    Attributes:
        state: (its settings, defaults included) -> what it keeps, beside the gradient. Memory, checkpoints and their
            checks go by it.
        from_the_start: Whether it keeps that before its first update.
        while_updating: Numbers that it lays out while it makes an update (see ``train/updates.py``): how many for each
            weight, and how many for each weight of the layer that is updated just then.
        formula: One update, as the help and explanations show it; w is a weight, g its gradient, η the learning rate.
    """

    state: Callable[[Params], tuple[Kept, ...]] = lambda values: (_STEPS, *_MOMENTS)
    from_the_start: bool = False
    while_updating: tuple[int, int] = (0, 0)
    formula: str = ""
    reach: float = 10.0

    def numbers(self, values: Params) -> int:
        """Numbers that it keeps for each weight, with these settings, defaults included."""
        return sum(kept.each_weight for kept in self.state(values))


def _momentum_only(values: Params) -> tuple[Kept, ...]:
    return (_MOMENTUM,) if _has_momentum(values) else ()


def _square_and_momentum(values: Params) -> tuple[Kept, ...]:
    return (_STEPS, _MEAN_SQUARE, *_momentum_only(values))


def _has_momentum(values: Params) -> bool:
    momentum = values["momentum"]
    return isinstance(momentum, (int, float)) and momentum > 0


def _learning_rate(default: float) -> ParamSpec:
    return ParamSpec(
        "learning_rate",
        "learning rate",
        "How far the weights move along the gradient in one step. Too small and nothing happens, too large and the "
        "loss jumps about or explodes.",
        "float",
        default,
        minimum=0,
        maximum=1000,
        exclusive_minimum=True,
        logarithmic=True,
    )


def _momentum() -> ParamSpec:
    return ParamSpec(
        "momentum",
        "momentum",
        "Share of the last step that is kept, as a rolling ball keeps its speed. 0.9 is usual; 0 switches it off.",
        "float",
        0.0,
        minimum=0,
        maximum=0.9999,
    )


def _weight_decay(default: float = 0.0) -> ParamSpec:
    return ParamSpec(
        "weight_decay",
        "weight decay",
        "Pulls all weights towards 0 a little at each step (L2), against over-fitting.",
        "float",
        default,
        minimum=0,
        maximum=10,
        advanced=True,
    )


def _epsilon(default: float) -> ParamSpec:
    return ParamSpec(
        "epsilon",
        "epsilon",
        "Added to the divisor, so that nothing is divided by zero.",
        "float",
        default,
        minimum=0,
        maximum=1,
        exclusive_minimum=True,
        logarithmic=True,
        advanced=True,
    )


def _average(name: str, title: str, help: str, default: float) -> ParamSpec:
    return ParamSpec(name, title, help, "float", default, minimum=0, maximum=0.999999, advanced=True)


def _adam_params(weight_decay: float) -> tuple[ParamSpec, ...]:
    return (
        _learning_rate(0.001),
        _average("beta1", "beta 1", "How long the average of the gradients remembers.", 0.9),
        _average("beta2", "beta 2", "How long the average of the squared gradients remembers.", 0.999),
        _epsilon(1e-8),
        _weight_decay(weight_decay),
    )


OPTIMIZERS: tuple[OptimizerSpec, ...] = (
    OptimizerSpec(
        "sgd",
        "SGD",
        "Stochastic gradient descent: each step goes straight down the gradient of one batch, with momentum if wanted.",
        params=(
            _learning_rate(0.01),
            _momentum(),
            ParamSpec(
                "nesterov",
                "Nesterov",
                "Looks ahead: takes the gradient where the momentum is about to carry the weights. Works only with a "
                "momentum above 0.",
                "bool",
                False,
                advanced=True,
            ),
            _weight_decay(),
        ),
        formula="w′ = w − η · b, b = μ · b_before + g + λ · w (Nesterov: w − η · (g + λ · w + μ · b))",
        state=_momentum_only,
        reach=100.0,
    ),
    OptimizerSpec(
        "rmsprop",
        "RMSprop",
        "Divides each gradient by the running size of that gradient, so that all weights move at a similar pace.",
        params=(
            _learning_rate(0.001),
            _average("alpha", "alpha", "How long the average of the squared gradients remembers.", 0.99),
            _momentum(),
            _epsilon(1e-8),
            _weight_decay(),
        ),
        formula="w′ = w − η · b, b = μ · b_before + g / (√v + ε), v = α · v_before + (1 − α) · g²",
        state=_square_and_momentum,
        while_updating=(1, 0),
    ),
    OptimizerSpec(
        "adagrad",
        "Adagrad",
        "Divides each gradient by the size of all gradients so far: weights that moved much move ever less.",
        params=(_learning_rate(0.01), _epsilon(1e-10), _weight_decay()),
        formula="w′ = w − η · g / (√s + ε), s = s_before + g²",
        state=lambda values: (_STEPS, Kept("sum", of_squares=True)),
        from_the_start=True,
    ),
    OptimizerSpec(
        "adadelta",
        "Adadelta",
        "Takes the size of each step from the sizes of the last steps; hardly needs a learning rate.",
        params=(
            _learning_rate(1.0),
            _average("rho", "rho", "How long the averages remember.", 0.9),
            _epsilon(1e-6),
            _weight_decay(),
        ),
        formula="w′ = w − η · √(u_before + ε) / √(v + ε) · g, v = ρ · v_before + (1 − ρ) · g²",
        state=lambda values: (_STEPS, _MEAN_SQUARE, Kept("acc_delta", of_squares=True)),
        while_updating=(0, 2),
    ),
    OptimizerSpec(
        "adam",
        "Adam",
        "Momentum and a pace of its own for each weight together. A good first choice.",
        params=_adam_params(0.0),
        formula=(
            "w′ = w − η · m̂ / (√v̂ + ε), m = β₁ · m_before + (1 − β₁) · g, v = β₂ · v_before + (1 − β₂) · "
            "g², m̂ = m / (1 − β₁^t), v̂ = v / (1 − β₂^t)"
        ),
        state=lambda values: (_STEPS, *_MOMENTS),
    ),
    OptimizerSpec(
        "adamw",
        "AdamW",
        "Adam with weight decay that acts on the weights themselves instead of on the gradients.",
        params=_adam_params(0.01),
        formula=(
            "w′ = w − η · λ · w − η · m̂ / (√v̂ + ε), m = β₁ · m_before + (1 − β₁) · g, v = β₂ · v_before + (1 − β₂) · g²"
        ),
        state=lambda values: (_STEPS, *_MOMENTS),
    ),
    OptimizerSpec(
        "nadam",
        "NAdam",
        "Adam that looks ahead along its momentum, as Nesterov's does.",
        params=(
            *_adam_params(0.0),
            _average("momentum_decay", "momentum decay", "How quickly the look ahead grows to its full length.", 0.004),
        ),
        formula="w′ = w − η · ((1 − μ_t) / (1 − Π μ) · g + μ_t+1 / (1 − Π μ · μ_t+1) · m) / (√v̂ + ε)",
        state=lambda values: (_STEPS, Kept("mu_product", each_weight=False), *_MOMENTS),
        while_updating=(0, 2),
    ),
    # Chen et al.: Symbolic Discovery of Optimization Algorithms (2023), program 1.
    OptimizerSpec(
        "lion",
        "Lion",
        "Takes only the sign of the averaged gradient: every weight moves by the same amount at each step, up or down. "
        "It keeps one average where Adam keeps two, and wants a learning rate 3 to 10 times smaller than Adam's.",
        params=(
            _learning_rate(0.0001),
            _average("beta1", "beta 1", "Share of the average of the gradients in what the sign is taken of.", 0.9),
            _average("beta2", "beta 2", "How long the average of the gradients remembers.", 0.99),
            _weight_decay(),
        ),
        formula=("w′ = w − η · (sign(c) + λ · w), c = β₁ · m_before + (1 − β₁) · g, m = β₂ · m_before + (1 − β₂) · g"),
        state=lambda values: (Kept("exp_avg"),),
        while_updating=(0, 1),
    ),
)
