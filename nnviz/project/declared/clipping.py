"""What is done to gradients that are too large. Declarations only; ``train/recipe.py`` applies them.

The instruments measure gradients before they are clipped.
"""

from __future__ import annotations

from nnviz.project.spec import ParamSpec, Spec


def _limit(help: str) -> ParamSpec:
    return ParamSpec(
        "limit", "limit", help, "float", 1.0, minimum=0, maximum=1e6, exclusive_minimum=True, logarithmic=True
    )


CLIPPINGS: tuple[Spec, ...] = (
    Spec("none", "None", "Gradients are used as they are."),
    Spec(
        "norm",
        "By norm",
        "Where the gradient of all weights together is longer than the limit, it is shortened to it; its direction "
        "stays. Keeps single batches from throwing the network out of its valley.",
        params=(_limit("Largest L2 norm of the gradient of all weights together."),),
    ),
    Spec(
        "value",
        "By value",
        "Each number of the gradient is cut off at the limit, up and down. The direction may change.",
        params=(_limit("Largest size of a single number of the gradient."),),
    ),
)
