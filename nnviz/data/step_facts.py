"""What the steps of preparation make of what is known of a data set, without any of its examples. Loads nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import msgspec

from nnviz.data.sources.source import SourceFacts
from nnviz.errors import ParamError
from nnviz.project import registry
from nnviz.project.declared.preparations import StepSpec
from nnviz.project.model import Choice, DataFacts, Params, Shape
from nnviz.project.registry import Registry


def prepared(facts: SourceFacts, preparation: Sequence[Choice]) -> SourceFacts:
    """The facts of a source with the shape that an example has once it is prepared."""
    shape = shape_after(facts.data.input_shape, preparation)
    if shape == facts.data.input_shape:
        return facts
    return replace(facts, data=msgspec.structs.replace(facts.data, input_shape=shape))


def shape_after(shape: Shape, preparation: Sequence[Choice]) -> Shape:
    """The shape of one example after all steps; what is no picture keeps its own."""
    for kind, values in _known(preparation) if len(shape) == 3 else ():
        if kind == "resize":
            shape = (shape[0], *picture_size(values))
        elif kind == "colour":
            shape = (1 if values["to"] == "grey" else 3, *shape[1:])
    return shape


def training_count(count: int, preparation: Sequence[Choice]) -> int:
    """How many training examples a subset leaves. What balancing the classes adds is not known beforehand."""
    for kind, values in _known(preparation):
        if kind == "subset":
            count = subset_count(count, values)
    return count


def is_balanced(preparation: Sequence[Choice]) -> bool:
    """Whether examples are repeated, so that nobody knows how many there are before they are read."""
    return any(kind == "balance" and values["by"] == "repeat" for kind, values in _known(preparation))


def one_hot_classes(facts: DataFacts, preparation: Sequence[Choice]) -> int:
    """How many numbers the class of a training example is written as; 0 where it is the number of its class."""
    written = [values["as"] for kind, values in _known(preparation) if kind == "answers"]
    return facts.targets if written[-1:] == ["one_hot"] and facts.task == "classes" else 0


def subset_count(total: int, values: Params) -> int:
    """How many of so many examples a subset holds: at least one, where there are any."""
    share, count = values["share"], values["count"]
    assert isinstance(share, float) and isinstance(count, int)  # the ParamSpecs parsed them
    return max(min(total, 1), min(total, count if values["by"] == "count" else round(share * total)))


def picture_size(values: Params) -> tuple[int, int]:
    """Height and width that pictures are brought to."""
    size = values["size"]
    assert isinstance(size, tuple)  # the ParamSpec parsed it
    height, width = size
    assert isinstance(height, int) and isinstance(width, int)
    return height, width


def suiting(chosen: tuple[Choice, ...], known: Registry[StepSpec], *, pictures: bool) -> tuple[Choice, ...]:
    """The steps that can be taken with data that are pictures, or with others."""
    return tuple(one for one in chosen if pictures or not (one.kind in known and known(one.kind).pictures))


def _known(preparation: Sequence[Choice]) -> Iterator[tuple[str, Params]]:
    """Kind and values of each step that there is and that is allowed; the checks tell of the others."""
    for choice in preparation:
        if choice.kind in registry.PREPARATIONS:
            spec: StepSpec = registry.PREPARATIONS(choice.kind)
            try:
                yield spec.kind, spec.values(choice.params)
            except ParamError:
                continue
