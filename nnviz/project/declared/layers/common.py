"""What the declarations of all layers share: reading values, words for shapes, cures, common parameters.

Shapes leave the batch out and put channels first: ``(features,)``, ``(channels, length)`` or
``(channels, height, width)``. All counts are Python integers in closed form, so that a layer of a milliard features is
answered as quickly as one of ten.

A :class:`~nnviz.project.spec.ShapeError` names cures as text (see :func:`set_fix`, :func:`reshape_fix`,
:data:`INSERT_FLATTEN`), which ``shapes.read_fix`` takes apart again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import cast

from nnviz.project.declared.initialisers import INITIALISERS
from nnviz.project.model import Choice, Params, ParamValue, Shape
from nnviz.project.spec import ParamSpec, ShapeError

#: The cure "put a Flatten in front of this layer".
INSERT_FLATTEN = "insert_flatten"

#: The most features or channels a layer may declare. Far beyond any memory, on purpose: the size check that follows
#: says with the number how much it would take.
MOST_FEATURES = 1_000_000_000
_MOST_WINDOW = 4096
_NARROW_SPACE = "\u202f"
#: What usually follows an activation. Where a layer does not take the shape, it is passed over.
AFTER_ACTIVATION = (
    "max_pool2d",
    "conv2d",
    "linear",
    "output",
    "dropout",
    "max_pool1d",
    "conv1d",
    "dropout2d",
    "flatten",
    "batch_norm2d",
    "batch_norm1d",
)


# ---------------------------------------------------------------------------------------------------- reading values


def whole(values: Params, name: str) -> int:
    """The value of an ``int`` parameter."""
    return cast(int, values[name])


def number(values: Params, name: str) -> float:
    """The value of a ``float`` parameter."""
    return cast(float, values[name])


def flag(values: Params, name: str) -> bool:
    """The value of a ``bool`` parameter."""
    return cast(bool, values[name])


def sizes(values: Params, name: str) -> tuple[int, ...]:
    """The value of a ``pair`` or ``shape`` parameter; a plain int counts as a tuple of one."""
    value = values[name]
    return (value,) if isinstance(value, int) else cast("tuple[int, ...]", value)


# -------------------------------------------------------------------------------------------------- words for numbers


def shape_text(shape: Sequence[int] | None) -> str:
    """A shape as people write it: ``64×5×5``; a question mark while it is unknown."""
    return "×".join(str(size) for size in shape) if shape else "?"


def count_text(count: int) -> str:
    """A count with its thousands apart: ``18 496``."""
    return f"{count:,}".replace(",", _NARROW_SPACE)


def plural(count: int, noun: str) -> str:
    """``1 channel``, ``3 channels``."""
    return f"{count_text(count)} {noun}" + ("" if count == 1 else "s")


def product_text(factors: Sequence[int | str]) -> str:
    """A product spelled out: ``3·3·32``."""
    return "·".join(str(factor) for factor in factors)


def parameter_text(weight_factors: Sequence[int | str], biases: int, total: int) -> str:
    """How a parameter count comes about: ``3·3·32·64 + 64 = 18 496 parameters``."""
    addition = f" + {biases}" if biases else ""
    return f"{product_text(weight_factors)}{addition} = {count_text(total)} parameters"


# ---------------------------------------------------------------------------------------------------------- fixes


def set_fix(name: str, value: ParamValue) -> str:
    """The cure "give this parameter that value"."""
    return f"set:{name}:{json.dumps(value)}"


def reshape_fix(shape: Shape) -> str:
    """The cure "put a Reshape to this shape in front of the layer"."""
    return f"insert_reshape:{json.dumps(shape)}"


def zero_pad_fix(left: int, right: int, top: int, bottom: int) -> str:
    """The cure "put a ZeroPad2d in front of the layer"."""
    return f"insert_zero_pad2d:{json.dumps((left, right, top, bottom))}"


# ------------------------------------------------------------------------------------------------------------- checks


def need_image(title: str, shape: Shape) -> Shape:
    """The shape when it is channels×height×width.

    Raises:
        ShapeError: It is not; a flat input that could be an image gets a Reshape as cure.
    """
    if len(shape) == 3:
        return shape
    if len(shape) == 1:
        raise ShapeError(
            f"{title} expects an image (channels×height×width) and gets {plural(shape[0], 'flat feature')}.",
            _image_fixes(shape[0]),
        )
    raise ShapeError(
        f"{title} expects an image (channels×height×width) and gets {shape_text(shape)}.",
        (reshape_fix((shape[0], 1, shape[1])),) if len(shape) == 2 else (),
    )


def need_sequence(title: str, shape: Shape) -> Shape:
    """The shape when it is channels×length.

    Raises:
        ShapeError: It is not.
    """
    if len(shape) == 2:
        return shape
    if len(shape) == 1:
        raise ShapeError(
            f"{title} expects a sequence (channels×length) and gets {plural(shape[0], 'flat feature')}.",
            (reshape_fix((1, shape[0])),),
        )
    fixes = (reshape_fix((shape[0], math.prod(shape[1:]))),)
    raise ShapeError(f"{title} expects a sequence (channels×length) and gets {shape_text(shape)}.", fixes)


def _image_fixes(features: int) -> tuple[str, ...]:
    """Reshape to a square grey or coloured image, when the features are that many."""
    for channels in (1, 3):
        side = math.isqrt(features // channels)
        if side > 1 and channels * side * side == features:
            return (reshape_fix((channels, side, side)),)
    return (reshape_fix((features, 1, 1)),)


# -------------------------------------------------------------------------------------------------- common parameters


def kernel_param(default: int, axes: int, help: str) -> ParamSpec:
    """``kernel_size``: one number for a sequence, (height, width) for an image."""
    return _window_param("kernel_size", "kernel size", help, default, axes, 1)


def stride_param(default: int, axes: int) -> ParamSpec:
    """The declaration of ``stride``, in as many directions as the layer has axes."""
    return _window_param(
        "stride", "stride", "How far the window moves from one position to the next.", default, axes, 1
    )


def padding_param(
    axes: int, help: str = "Zeros added on each side. With stride 1, (kernel − 1) / 2 keeps the size."
) -> ParamSpec:
    """The declaration of ``padding``, in as many directions as the layer has axes."""
    return _window_param("padding", "padding", help, 0, axes, 0)


def dilation_param(axes: int) -> ParamSpec:
    """The declaration of ``dilation``, in as many directions as the layer has axes."""
    help = "Distance between neighbouring points of the window: above 1 it looks further with as many weights."
    return _window_param("dilation", "dilation", help, 1, axes, 1, advanced=True)


def _window_param(
    name: str, title: str, help: str, default: int, axes: int, minimum: int, *, advanced: bool = False
) -> ParamSpec:
    return ParamSpec(
        name,
        title,
        help,
        "int" if axes == 1 else "pair",
        default if axes == 1 else (default, default),
        minimum=minimum,
        maximum=_MOST_WINDOW,
        advanced=advanced,
    )


def bias_param() -> ParamSpec:
    """The declaration of ``bias``: whether a number is added to each output."""
    return ParamSpec(
        "bias", "bias", "Adds one learned number to each output. Not needed right before a BatchNorm.", "bool", True
    )


def weight_params(layout: str) -> tuple[ParamSpec, ...]:
    """``weight_initialisation``, and the numbers themselves where they are written down.

    Args:
        layout: What a row of the written weights is, as the end of a sentence.
    """
    written = ("weight_initialisation", tuple(spec.kind for spec in INITIALISERS if spec.written))
    return (
        ParamSpec(
            "weight_initialisation",
            "weight initialisation",
            "Where the weights start. Too small and the signal dies on its way through the layers, too large and it "
            "explodes; He normal suits ReLU, Xavier suits tanh and sigmoid. Like all layers: what the training "
            "is set to, which is PyTorch's own unless another is chosen there.",
            "chosen",
            "default",
            choices=tuple((spec.kind, "Like all layers" if spec.follows else spec.title) for spec in INITIALISERS),
            kinds=INITIALISERS,
        ),
        ParamSpec("weight_values", "weights", f"The weights themselves: {layout}", "matrix", None, shown_when=written),
        ParamSpec(
            "bias_values",
            "biases",
            "The biases themselves: one for each output. Nothing stands for zeros.",
            "vector",
            None,
            shown_when=written,
        ),
    )


def check_given(title: str, values: Params, sizes: Shape, outputs: int, needed: str, count: str = "") -> None:
    """Weights written down by hand have to fit the wires.

    Args:
        title: Of the layer.
        values: All its parameters.
        sizes: Of the weights, as torch has them; a written row is all that belongs to the first of them, or a part.
        outputs: How many biases there are, if any.
        needed: What the sizes follow from, in words: ``2 outputs and 3 inputs``.
        count: The parameter that says how many rows there are, if one does.

    Raises:
        ShapeError: There are none, or they have other sizes.
    """
    if Choice.of(values["weight_initialisation"]).kind != "given":
        return
    let_go = set_fix("weight_initialisation", "default")
    rows = cast("tuple[tuple[float, ...], ...] | None", values["weight_values"])
    whole_row = math.prod(sizes[1:])
    if rows is None:
        raise ShapeError(
            f"The weights of {title} are to be given, but there are none: {plural(sizes[0], 'row')} of "
            f"{plural(whole_row, 'number')} are needed.",
            (let_go,),
        )
    numbers, across = len(rows) * len(rows[0]), len(rows[0])
    fits = across in {math.prod(sizes[at:]) for at in range(1, len(sizes))}
    if not fits or numbers != math.prod(sizes):
        lines = f", or {math.prod(sizes[:-1])}×{sizes[-1]} with a line for each row of a window" if sizes[2:] else ""
        raise ShapeError(
            f"The given weights of {title} are {len(rows)}×{across}, but {needed} need {sizes[0]}×{whole_row}{lines}.",
            (*((set_fix(count, numbers // whole_row),) if count and fits and numbers % whole_row == 0 else ()), let_go),
        )
    biases = cast("tuple[float, ...] | None", values["bias_values"])
    if biases is not None and flag(values, "bias") and len(biases) != outputs:
        raise ShapeError(
            f"{title} is given {plural(len(biases), 'bias value')}, but has {plural(outputs, 'output')}.",
            (set_fix("bias_values", None),),
        )


def epsilon_param() -> ParamSpec:
    """``epsilon`` of the normalising layers."""
    return ParamSpec(
        "epsilon",
        "epsilon",
        "Added to the variance, so that nothing is divided by zero.",
        "float",
        1e-5,
        minimum=0,
        maximum=1,
        exclusive_minimum=True,
        logarithmic=True,
        advanced=True,
    )


def affine_param() -> ParamSpec:
    """``affine`` of the normalising layers."""
    help = "Learns a scale and a shift after normalising, so that the layer can undo what it did."
    return ParamSpec("affine", "scale and shift", help, "bool", True)
