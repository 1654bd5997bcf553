"""How a layer, an optimizer, a loss, an initialiser or a data set is declared: once, and everything is derived from it.

The palette, the inspector's editors, validation, tooltips, the command line, code export and the tests all read the
same :class:`Spec`. A layer that is added later costs one declaration here and one builder in ``network/builders.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from nnviz.errors import ParamError
from nnviz.project.model import Choice, Params, ParamValue, Shape
from nnviz.project.sweep import Sweep
from nnviz.project.text import line_problem, value_problem

ParamType: TypeAlias = Literal[
    "int", "float", "bool", "choice", "chosen", "pair", "shape", "matrix", "vector", "text", "texts"
]

#: Types all of whose numbers are whole.
_WHOLE = frozenset({"int", "pair", "shape"})
#: More texts than this in one list are nobody's wish.
MOST_TEXTS = 1000


@dataclass(frozen=True)
class ParamSpec:
    """One parameter: what it is called, what it means, what it may be.

    Attributes:
        name: Key in ``Node.params``; the field's own term (``kernel_size``).
        title: What the inspector shows ("kernel size").
        help: One or two sentences for the tooltip.
        type: ``pair`` is (height, width); a single int is taken for both. ``shape`` is a tuple of ints of any length.
            ``matrix`` and ``vector`` hold floats, or None for "not given". ``texts`` is a tuple of texts of
            one line each, without spaces around them; a single text is taken for a list of one. ``chosen`` is one of
            several declared things with settings of its own: a Choice, or its kind as text where no setting is given.
        default: Used where the node says nothing.
        minimum, maximum: Inclusive range of every number in the value.
        exclusive_minimum: The minimum itself is not allowed.
        choices: Allowed values of a ``choice`` or kinds of what is ``chosen``, each with the title to show.
        kinds: The declarations of what can be ``chosen``.
        unit: Shown behind the number.
        logarithmic: The editor steps in factors rather than in differences.
        shown_when: (other parameter, values): the inspector shows this one only when the other has one of the values.
        advanced: Folded away in the inspector until asked for.
        live: Of a layer: a training that goes on takes another value on from its next step on.
    """

    name: str
    title: str
    help: str
    type: ParamType
    default: ParamValue
    minimum: float = -math.inf
    maximum: float = math.inf
    exclusive_minimum: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    kinds: tuple[Spec, ...] = field(default=(), compare=False, repr=False)
    unit: str = ""
    logarithmic: bool = False
    shown_when: tuple[str, tuple[ParamValue, ...]] | None = None
    advanced: bool = False
    live: bool = False

    def parse(self, value: object) -> ParamValue:
        """The value in its normal form (lists become tuples, an int becomes a pair, ``1`` a float where one is due).

        Raises:
            ParamError: It is not allowed; the message names the value and the allowed range.
        """
        return _PARSERS[self.type](self, value)

    def allowed(self) -> str:
        """The allowed range as words, for messages and tooltips: ``a whole number from 1 to 4,096``."""
        if self.type == "bool":
            return "true or false"
        if self.type in ("choice", "chosen"):
            return "one of " + ", ".join(key for key, _ in self.choices)
        if self.type == "text":
            return "text"
        noun = {
            "int": "a whole number",
            "float": "a number",
            "pair": "one or two whole numbers",
            "shape": "a list of whole numbers",
            "matrix": "rows of numbers, or nothing",
            "vector": "a list of numbers, or nothing",
            "texts": "a list of texts of one line each",
        }[self.type]
        low, high = (self._limit(end) for end in (self.minimum, self.maximum))
        above = "above" if self.exclusive_minimum else "at least"
        if low and high:
            return (
                f"{noun} above {low} and at most {high}" if self.exclusive_minimum else f"{noun} from {low} to {high}"
            )
        if low:
            return f"{noun}, {above} {low}"
        return f"{noun}, at most {high}" if high else noun

    def _limit(self, end: float) -> str:
        """An end of the range; empty where there is none."""
        if not math.isfinite(end):
            return ""
        return f"{int(end):,}" if self.type in _WHOLE else f"{end:g}"

    def settings_of(self, kind: str) -> tuple[ParamSpec, ...]:
        """The settings of one of the kinds that can be chosen; none of a kind that there is not."""
        return next((spec.params for spec in self.kinds if spec.kind == kind), ())

    def refuse(self, value: object) -> ParamError:
        """The error for a value that is not allowed."""
        return ParamError(f"{self.title} is {brief(value)}, but must be {self.allowed()}.", field=self.name)


def brief(value: object) -> str:
    """Any value as it is written in Python, for a sentence: cut where it is long, nested deep or has many digits."""
    try:
        shown = repr(value)
    except (RecursionError, ValueError):  # ValueError: a whole number of more than 4,300 digits.
        return f"a {type(value).__name__} too large to be shown"
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _number(spec: ParamSpec, value: object, *, whole: bool, original: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise spec.refuse(original)
    if whole:
        if isinstance(value, float):
            if not value.is_integer():
                raise spec.refuse(original)
            value = int(value)
    else:
        try:
            value = float(value)
        except OverflowError:
            raise spec.refuse(original) from None
        if not math.isfinite(value):
            raise spec.refuse(original)
    if value < spec.minimum or value > spec.maximum or (spec.exclusive_minimum and value == spec.minimum):
        raise spec.refuse(original)
    return value


def _sequence(spec: ParamSpec, value: object, original: object, longest: int = 100_000) -> Sequence[object]:
    if not isinstance(value, (list, tuple)) or len(value) > longest:
        raise spec.refuse(original)
    return value


def _parse_bool(spec: ParamSpec, value: object) -> ParamValue:
    if not isinstance(value, bool):
        raise spec.refuse(value)
    return value


def _parse_text(spec: ParamSpec, value: object) -> ParamValue:
    if not isinstance(value, str):
        raise spec.refuse(value)
    problem = value_problem(value)
    if problem:
        raise ParamError(f"{spec.title}: {problem}", field=spec.name)
    return value


def _parse_texts(spec: ParamSpec, value: object) -> ParamValue:
    items = ([value] if value.strip() else []) if isinstance(value, str) else _sequence(spec, value, value, MOST_TEXTS)
    texts = []
    for item in items:
        if not isinstance(item, str):
            raise spec.refuse(value)
        problem = line_problem(text := item.strip())
        if problem or not text:
            raise ParamError(f"{spec.title}: {problem or 'A text of this list is empty.'}", field=spec.name)
        texts.append(text)
    return tuple(texts)


def _parse_choice(spec: ParamSpec, value: object) -> ParamValue:
    if not isinstance(value, str) or value not in {key for key, _ in spec.choices}:
        raise spec.refuse(value)
    return value


def _parse_chosen(spec: ParamSpec, value: object) -> ParamValue:
    if isinstance(value, Choice):
        value = {"kind": value.kind, "params": value.params}
    if isinstance(value, str):
        value = {"kind": value}
    if not isinstance(value, Mapping) or not {"kind"} <= value.keys() <= {"kind", "params"}:
        raise spec.refuse(value)
    declared = next((one for one in spec.kinds if one.kind == value["kind"]), None)
    given = value.get("params", {})
    if declared is None or not isinstance(given, Mapping):
        raise spec.refuse(value["kind"] if declared is None else value)
    for name in given:
        declared.param(str(name))
    params = {param.name: param.parse(given[param.name]) for param in declared.params if param.name in given}
    return Choice(declared.kind, params) if params else declared.kind


def _parse_pair(spec: ParamSpec, value: object) -> ParamValue:
    items = (value, value) if isinstance(value, (int, float)) else _sequence(spec, value, value, 2)
    if len(items) == 1:
        items = (items[0], items[0])
    if len(items) != 2:
        raise spec.refuse(value)
    return tuple(_number(spec, item, whole=True, original=value) for item in items)


def _parse_shape(spec: ParamSpec, value: object) -> ParamValue:
    items = (value,) if isinstance(value, (int, float)) else _sequence(spec, value, value, 8)
    if not items:
        raise spec.refuse(value)
    return tuple(_number(spec, item, whole=True, original=value) for item in items)


def _parse_vector(spec: ParamSpec, value: object) -> ParamValue:
    if value is None:
        return None
    return tuple(_number(spec, item, whole=False, original=value) for item in _sequence(spec, value, value))


def _parse_matrix(spec: ParamSpec, value: object) -> ParamValue:
    if value is None:
        return None
    rows = tuple(
        tuple(_number(spec, item, whole=False, original=value) for item in _sequence(spec, row, value))
        for row in _sequence(spec, value, value)
    )
    if not rows or not rows[0] or any(len(row) != len(rows[0]) for row in rows):
        raise spec.refuse(value)
    return rows


_PARSERS: Mapping[ParamType, Callable[[ParamSpec, object], ParamValue]] = {
    "int": lambda spec, value: _number(spec, value, whole=True, original=value),
    "float": lambda spec, value: _number(spec, value, whole=False, original=value),
    "bool": _parse_bool,
    "text": _parse_text,
    "texts": _parse_texts,
    "choice": _parse_choice,
    "chosen": _parse_chosen,
    "pair": _parse_pair,
    "shape": _parse_shape,
    "vector": _parse_vector,
    "matrix": _parse_matrix,
}


@dataclass(frozen=True)
class Spec:
    """A thing the user can choose: what it is called, what it does, what can be set.

    Attributes:
        kind: Its key in files and on the command line; never changes (old keys go into ``aliases``).
        title: The field's own name, as on the palette (``Conv2d``).
        help: What it does and when one takes it, in two or three sentences.
        family: Groups the palette and chooses the colour.
        params: In the order the inspector shows them.
        aliases: Keys under which older files know it.
    """

    kind: str
    title: str
    help: str
    family: str = ""
    params: tuple[ParamSpec, ...] = ()
    aliases: tuple[str, ...] = ()

    def param(self, name: str) -> ParamSpec:
        """The declaration of one parameter.

        Raises:
            ParamError: There is none of that name.
        """
        for spec in self.params:
            if spec.name == name:
                return spec
        known = ", ".join(spec.name for spec in self.params) or "none"
        shown = name if len(name) <= 60 else f"{name[:57]}..."
        raise ParamError(f"{self.title} has no parameter '{shown}' (it has: {known}).", field=name)

    def values(self, given: Params) -> dict[str, ParamValue]:
        """All parameters: the given ones, checked, over the defaults.

        Raises:
            ParamError: One is unknown or not allowed.
        """
        for name in given:
            self.param(name)
        return {spec.name: spec.parse(given[spec.name]) if spec.name in given else spec.default for spec in self.params}


@dataclass(frozen=True)
class ShapeResult:
    """What a layer does to the sizes, in closed form.

    Attributes:
        output: Shape of one example's output.
        parameters: Trainable numbers in the layer.
        macs: Multiply-accumulate operations for one example's forward pass (0 where there are none worth counting).
        arithmetic: The calculation with the real numbers, for the inspector: ``(28 - 3 + 2*0) / 1 + 1 = 26``.
        sweeps: How a window slides, one for each axis (height, then width); empty where there is no window.
    """

    output: Shape
    parameters: int = 0
    macs: int = 0
    arithmetic: str = ""
    sweeps: tuple[Sweep, ...] = ()


class ShapeError(Exception):
    """A layer cannot take this input; ``str`` is the sentence, ``fixes`` name cures that ``validate`` can build."""

    def __init__(self, message: str, fixes: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.fixes = tuple(fixes)


#: (all parameter values, shapes of the inputs in port order) -> result; raises ShapeError.
ShapeRule: TypeAlias = Callable[[Params, Sequence[Shape]], ShapeResult]


@dataclass(frozen=True)
class Footprint:
    """What a layer holds in memory while a batch is on its way through it (see ``checks/footprint.py``).

    Attributes:
        inputs, output: Whether what comes in, or what it puts out, is kept for the way back.
        view: It puts out the very numbers that came in, in another shape.
        beside: Bytes that are kept beside that for each number put out: places of the largest, masks, own sums.
        back: Bytes that are laid out on the way back for each number put out, gradients not counted.
        blocked: Its numbers are brought into the order of channels that oneDNN computes with, and back; ``spread``
            (transposed convolution) in a way of its own.
        shares_gradient: What comes back is handed on as it is to every input.
        in_chain: The layer has a place in a chain of dense layers (see ``network/chain.py``).
    """

    inputs: bool = False
    output: bool = False
    view: bool = False
    beside: int = 0
    back: int = 0
    blocked: str = ""
    shares_gradient: bool = False
    in_chain: bool = False


#: What is known of numbers: from 0 to 1, from −1 to 1, never below 0, or nothing.
Range: TypeAlias = Literal["any", "not_negative", "unit", "symmetric"]
#: What is known of the numbers a layer puts out: a range whatever comes in; or that of what came in, since it puts out
#: those numbers or means of them; or only that what was never negative stays so.
OutputRange: TypeAlias = Range | Literal["as_input", "sign_as_input"]


@dataclass(frozen=True)
class LayerSpec(Spec):
    """A layer: a Spec with its sizes and the way it is connected.

    Attributes:
        rule: Output shape, parameter count and MACs in closed form (see ``shapes.py``).
        min_inputs, max_inputs: Number of wires it takes; a join takes 2 to 64.
        outputs: 0 for Output, else 1.
        rectifier: Its output is exactly zero for part of its inputs, so a unit can be dead (ReLU).
        saturates: Its derivative vanishes at both ends (sigmoid, tanh).
        output_range: What is known of the numbers it puts out (see ``ranges.py``).
        over_batch: In training each channel is normalised over the batch, for which one value a channel is too few.
        random: It draws random numbers while training.
        stem: What the ids of its nodes start with; empty for the kind itself.
        weight_view: Whether it has a ``weight`` that can be looked at: ``filters`` (convolution), ``matrix`` (dense).
        inputs_first: That weight counts the channels that come in first, then those that go out.
        formula: What it computes, as HTML; empty where there is nothing to compute.
        weight_product, bias_product: How many weights and biases it has, in letters: ``F·F·D·K`` and ``K``.
        function: (values, x) -> y of a layer that turns each number into one other, for pictures and explanations.
        footprint: What it holds in memory while a batch is on its way.
        followers: Kinds that usually come next, the likeliest first.
        card_note: What its card says about its settings, with their names in braces: ``p {probability:g}``.
        dense: Every number it puts out is a weighted sum of all that come in, so that two in a row are one.
        flattens: It lays all numbers in one row.
        keeps_numbers: It puts out what came in, number by number in the same order, but for a mask.
        pads: It only frames the image, as the padding of a convolution does.
        picks_param: The parameter that says which one of the numbers or channels that come in goes out; empty where all
            do.
        width_param: The parameter that decides on the first size of its output; empty where none does.
        joins_along: Of a join: the parameter that names the dimension along which its inputs may differ.
        stretches: Of a join: a size of 1 is stretched to fit the other inputs.
        groups_param: The parameter with the number of groups of one example that it normalises one by one.
        other_axes: The same layer for inputs of another rank (Conv1d for Conv2d): its kind.
        replacement: The kind that does what was meant where this one cannot.
        of_one_number: What it always puts out where a single number comes in; None where that depends on the number.
        softmax_unchanged: A softmax behind it gives the same as without it.
        no_gradient: Its derivative is 0 everywhere, so that nothing before it learns.
    """

    rule: ShapeRule = field(default=lambda params, shapes: ShapeResult(shapes[0]))
    min_inputs: int = 1
    max_inputs: int = 1
    outputs: int = 1
    rectifier: bool = False
    saturates: bool = False
    output_range: OutputRange = "any"
    over_batch: bool = False
    random: bool = False
    stem: str = ""
    weight_view: Literal["", "filters", "matrix"] = ""
    inputs_first: bool = False
    formula: str = ""
    weight_product: str = ""
    bias_product: str = ""
    function: Callable[[Params, float], float] | None = None
    footprint: Footprint = Footprint(inputs=True)
    followers: tuple[str, ...] = ()
    card_note: str = ""
    dense: bool = False
    flattens: bool = False
    keeps_numbers: bool = False
    pads: bool = False
    picks_param: str = ""
    width_param: str = ""
    joins_along: str = ""
    stretches: bool = False
    groups_param: str = ""
    other_axes: str = ""
    replacement: str = ""
    of_one_number: int | None = None
    softmax_unchanged: bool = False
    no_gradient: bool = False

    def needs_several(self, output: Shape) -> bool:
        """Whether a batch of a single example cannot be trained on, given the shape of one example's output."""
        return self.over_batch and math.prod(output[1:]) == 1

    def normalises_nothing(self, values: Params, output: Shape) -> bool:
        """Whether each of its groups has a single number, which is its own mean: torch refuses to train on that."""
        return bool(self.groups_param) and math.prod(output) == values[self.groups_param]
