"""What else than the loss acts on the weights. Declarations only; ``train/recipe.py`` applies them.

They act on weights of more than one dimension (dense layers, convolutions), not on biases and normalisations. What they
add to the gradient is no part of the loss that is shown.
"""

from __future__ import annotations

from nnviz.project.spec import ParamSpec, Spec


def _strength(default: float) -> ParamSpec:
    return ParamSpec(
        "strength",
        "strength",
        "How strongly it pulls, λ in the formula.",
        "float",
        default,
        minimum=0,
        maximum=10,
        logarithmic=True,
    )


REGULARISERS: tuple[Spec, ...] = (
    Spec(
        "l1",
        "L1",
        "Adds λ·sign(w) to the gradient of each weight, as a penalty of λ·Σ|w| does: many weights become 0.",
        params=(_strength(1e-5),),
    ),
    Spec(
        "l2",
        "L2",
        "Adds λ·w to the gradient of each weight, as a penalty of λ/2·Σw² does: weights stay small.",
        params=(_strength(1e-4),),
    ),
    Spec(
        "max_norm",
        "Max-norm",
        "After each step, a unit whose incoming weights are longer than the limit is shortened to it.",
        params=(
            ParamSpec(
                "limit",
                "limit",
                "Largest L2 norm of the weights that lead into one unit; 3 to 4 is usual beside dropout.",
                "float",
                3.0,
                minimum=0,
                maximum=1000,
                exclusive_minimum=True,
                logarithmic=True,
            ),
        ),
    ),
)
