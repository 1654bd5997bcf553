"""Joins: several wires become one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from nnviz.project.declared.layers.common import set_fix, shape_text, whole
from nnviz.project.model import Params, Shape
from nnviz.project.spec import Footprint, LayerSpec, ParamSpec, ShapeError, ShapeResult

MOST_INPUTS = 64
_FOLLOWERS = ("relu", "conv2d", "batch_norm2d", "max_pool2d", "linear", "batch_norm1d", "conv1d", "dropout", "output")


def _listed(shapes: Sequence[Shape]) -> str:
    """Different shapes in words, not all sixty-four of them: ``64×8×8 and 32×8×8``."""
    texts = list(dict.fromkeys(shape_text(shape) for shape in shapes))
    if len(texts) > 4:
        return f"{', '.join(texts[:3])} and {len(texts) - 3} other shapes"
    return " and ".join((", ".join(texts[:-1]), texts[-1])) if len(texts) > 1 else texts[0]


def _equal_rule(values: Params, shapes: Sequence[Shape], *, title: str) -> ShapeResult:
    if any(shape != shapes[0] for shape in shapes):
        raise ShapeError(f"{title} needs inputs of one shape and gets {_listed(shapes)}.")
    return ShapeResult(shapes[0])


def _multiply_rule(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
    """A size of 1 is stretched, so that one number a channel can open or close a whole feature map."""
    if any(len(shape) != len(shapes[0]) for shape in shapes):
        raise ShapeError(f"Multiply needs inputs of one shape and gets {_listed(shapes)}.")
    output = tuple(max(column) for column in zip(*shapes, strict=True))
    if any(size not in (1, most) for shape in shapes for size, most in zip(shape, output, strict=True)):
        raise ShapeError(f"Multiply needs inputs of one shape and gets {_listed(shapes)}.")
    return ShapeResult(output)


def _concatenate_rule(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
    dimension, first = whole(values, "dimension"), shapes[0]
    if any(len(shape) != len(first) for shape in shapes):
        raise ShapeError(f"Concatenate needs inputs with equally many sizes and gets {_listed(shapes)}.")
    if dimension >= len(first):
        raise ShapeError(
            f"Concatenate is to join along dimension {dimension}, but {_listed(shapes)} has only "
            f"{'dimension 0' if len(first) == 1 else f'dimensions 0 to {len(first) - 1}'}.",
            (set_fix("dimension", 0),),
        )
    if any(size != wanted for shape in shapes for axis, (size, wanted) in _others(shape, first, dimension)):
        raise ShapeError(
            f"Concatenate joins along dimension {dimension}, so all other sizes must agree, but the inputs are "
            f"{_listed(shapes)}."
        )
    joined = [shape[dimension] for shape in shapes]
    output = (*first[:dimension], sum(joined), *first[dimension + 1 :])
    shown = joined if len(joined) <= 8 else [*joined[:6]]
    dots = " + …" if len(joined) > len(shown) else ""
    return ShapeResult(output, arithmetic=f"{' + '.join(map(str, shown))}{dots} = {sum(joined)}")


def _others(shape: Shape, first: Shape, dimension: int) -> list[tuple[int, tuple[int, int]]]:
    """The pairs of sizes along every axis but the one that is joined."""
    return [(axis, sizes) for axis, sizes in enumerate(zip(shape, first, strict=True)) if axis != dimension]


LAYERS: tuple[LayerSpec, ...] = (
    LayerSpec(
        "add",
        "Add",
        "The sum of all inputs, number by number. Makes the short cut of a residual network; on the way back every "
        "input gets the whole gradient.",
        "join",
        rule=partial(_equal_rule, title="Add"),
        output_range="sign_as_input",
        min_inputs=2,
        max_inputs=MOST_INPUTS,
        formula="y = x<sub>1</sub> + x<sub>2</sub> + …; each input gets the whole gradient",
        footprint=Footprint(shares_gradient=True),
        followers=_FOLLOWERS,
        replacement="concatenate",
    ),
    LayerSpec(
        "subtract",
        "Subtract",
        "The first input minus the second, number by number. On the way back the first gets the gradient as it is, the "
        "second the same with the other sign.",
        "join",
        rule=partial(_equal_rule, title="Subtract"),
        min_inputs=2,
        max_inputs=2,
        formula="y = x<sub>1</sub> − x<sub>2</sub>; the second input gets the gradient with the other sign",
        footprint=Footprint(),
        followers=_FOLLOWERS,
        replacement="add",
    ),
    LayerSpec(
        "multiply",
        "Multiply",
        "The product of all inputs, number by number, as a gate does. A size of 1 is stretched to fit.",
        "join",
        rule=_multiply_rule,
        output_range="as_input",
        min_inputs=2,
        max_inputs=MOST_INPUTS,
        formula="y = x<sub>1</sub> · x<sub>2</sub> · …; each input's gradient is scaled by the others",
        footprint=Footprint(inputs=True),
        followers=_FOLLOWERS,
        stretches=True,
    ),
    LayerSpec(
        "concatenate",
        "Concatenate",
        "Puts the inputs behind each other: channels beside channels, as an Inception module does.",
        "join",
        (
            ParamSpec(
                "dimension",
                "dimension",
                "Along which size they are joined: 0 is channels or features, 1 height, 2 width.",
                "int",
                0,
                minimum=0,
                maximum=2,
            ),
        ),
        rule=_concatenate_rule,
        output_range="as_input",
        stem="concat",
        min_inputs=2,
        max_inputs=MOST_INPUTS,
        formula="y = (x<sub>1</sub>, x<sub>2</sub>, …); each input gets its part of the gradient",
        footprint=Footprint(),
        followers=("conv2d", "relu", "batch_norm2d", "linear", "conv1d", "dropout", "output"),
        joins_along="dimension",
    ),
)
