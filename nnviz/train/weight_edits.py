"""Numbers of a network that were set by hand: what was written where and when, so that it can be undone and made again.

An edit writes numbers in the place of others between two batches; all else that decides the training stays as it was.
Going back to a step behind an edit makes the steps on the way once more, and each edit at its own place among them.

torch is not imported here: the window says what is to be changed in these words.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from nnviz.errors import ParamError
from nnviz.record.number_text import exact_number
from nnviz.train.at_hand import at_hand, rows_at_hand

if TYPE_CHECKING:
    from torch import Tensor, nn

    from nnviz.network.network import Network


#: A node's id -> what it is called on the screen.
NameOf: TypeAlias = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a number of a network stands: which node, its parameter as the module calls it, and the index there."""

    node: str
    parameter: str
    index: tuple[int, ...]

    def text(self, name_of: NameOf = str) -> str:
        """In words: ``weight of linear1[3, 2]``."""
        return f"{self.parameter} of {name_of(self.node)}[{', '.join(map(str, self.index))}]"


@dataclass(frozen=True, slots=True)
class WeightChange:
    """A number that is to stand somewhere, as a 32-bit float."""

    node: str
    parameter: str
    index: tuple[int, ...]
    value: float

    @property
    def place(self) -> Place:
        """Where."""
        return Place(self.node, self.parameter, self.index)


Numbers: TypeAlias = Mapping[Place, float]


class Kind(Enum):
    """What was done."""

    EDIT = "edit"
    #: More of the edit before it, as while a hand drags: both are undone together.
    MORE = "more"
    UNDO = "undo"
    REDO = "redo"


_BY_HAND = (Kind.EDIT, Kind.MORE)


@dataclass(frozen=True, slots=True)
class WeightEdit:
    """Numbers that were written at one moment.

    Attributes:
        kind: What was done.
        step: Updates made by then.
        evaluated_epochs: Epochs whose validation was done by then: at the end of an epoch it may be before or after.
        before: What stood there.
        after: What was written.
        average_before: What stood there in the average of the weights; empty where there was none yet.
        average_after: What was written there in the average; likewise.
    """

    kind: Kind
    step: int
    evaluated_epochs: int
    before: Numbers
    after: Numbers
    average_before: Numbers = field(default_factory=dict)
    average_after: Numbers = field(default_factory=dict)

    @property
    def moment(self) -> tuple[int, int]:
        """When it was: steps made, and epochs evaluated."""
        return self.step, self.evaluated_epochs

    def and_then(self, more: WeightEdit) -> WeightEdit:
        """This edit and what went on with it, as one."""
        return replace(
            self,
            before={**more.before, **self.before},
            after={**self.after, **more.after},
            average_before={**more.average_before, **self.average_before},
            average_after={**self.average_after, **more.average_after},
        )

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes that were concerned."""
        return tuple(dict.fromkeys(place.node for place in self.after))

    def in_node(self, node: str) -> WeightEdit:
        """What was written to one of the nodes; the average left out."""
        before, after = (
            {place: value for place, value in numbers.items() if place.node == node}
            for numbers in (self.before, self.after)
        )
        return replace(self, before=before, after=after, average_before={}, average_after={})

    def where(self, name_of: NameOf = str) -> str:
        """What was written to, in words."""
        if len(self.after) == 1:
            return next(iter(self.after)).text(name_of)
        where = " and ".join(dict.fromkeys(f"{place.parameter} of {name_of(place.node)}" for place in self.after))
        return f"{len(self.after)} numbers of {where}"

    def text(self, name_of: NameOf = str) -> str:
        """What was done, as a sentence."""
        return f"{self.what(name_of)} at step {self.step}."

    def what(self, name_of: NameOf = str) -> str:
        """What was done, in words that do not say when."""
        verb = {Kind.UNDO: "put back", Kind.REDO: "set again"}.get(self.kind, "set")
        if len(self.after) == 1:
            ((place, value),) = self.after.items()
            change = f"from {exact_number(self.before[place])} to {exact_number(value)}"
            return f"{self.where(name_of)} was {verb} {change}"
        return f"{self.where(name_of)} were {verb}"


class WeightEdits:
    """All edits of a training, oldest first. Belongs to the thread that owns the network.

    Attributes:
        made: What was written, in its order; what a hand that drags wrote at one moment is one.
        count: How often something was written, other weights were put in, or training went another way from an earlier
            step: the same step with the same count means the same weights.
    """

    def __init__(self) -> None:
        self.made: list[WeightEdit] = []
        self.count = 0
        #: Edits that hold, and those that were undone; the next to be asked for last.
        self._done: list[WeightEdit] = []
        self._undone: list[WeightEdit] = []
        #: The same as ``made``, in whole strokes of the hand.
        self._strokes: list[_Stroke] = []

    @property
    def undoable(self) -> WeightEdit | None:
        """What an undo takes back: the newest edit that holds, with all that continued it; None without one."""
        return self._done[-1] if self._done else None

    @property
    def redoable(self) -> WeightEdit | None:
        """What a redo makes again; None where nothing was undone, or something else was edited since."""
        return self._undone[-1] if self._undone else None

    def add(self, edit: WeightEdit) -> None:
        """Something was written."""
        self.count += 1
        last = self.made[-1] if self.made else None
        if edit.kind is Kind.MORE and last is not None and last.moment == edit.moment and last.kind in _BY_HAND:
            self.made[-1] = last.and_then(edit)
        else:
            self.made.append(edit)
        self._take_in(edit)

    def forget_after(self, step: int) -> None:
        """Training goes another way from this step."""
        self.count += 1
        self.made = [edit for edit in self.made if edit.step <= step]
        self._done, self._undone, self._strokes = [], [], []
        for edit in self.made:
            self._take_in(edit)

    def clear(self) -> None:
        """Other weights stand there now, or it begins anew: nothing can be undone or made again."""
        self.count += 1
        self.made, self._done, self._undone, self._strokes = [], [], [], []

    def at(self, step: int, evaluated_epochs: int) -> list[WeightEdit]:
        """What was written at one moment, in its order."""
        return [edit for edit in self.made if edit.moment == (step, evaluated_epochs)]

    @property
    def newest_began(self) -> int:
        """The step at which the newest edit began: a hand that drags may have begun it many steps ago; -1 for none."""
        return self._strokes[-1].step if self._strokes else -1

    def changes_at(self, step: int, name_of: NameOf = str) -> dict[str, str]:
        """What was set by hand at a step, by node, in words, against what stood there before that step.

        A hand that drags while training goes on is told once, where it began. What stands again as it stood before is
        not told.
        """
        found: dict[str, _InNode] = {}
        for index in range(bisect_left(self._strokes, step, key=lambda stroke: stroke.step), len(self._strokes)):
            stroke = self._strokes[index]
            if stroke.step > step:
                break
            for node, told in stroke.by_node.items():
                found[node] = found[node].and_then(told) if node in found else told
        texts = {node: told.text(name_of) for node, told in found.items()}
        return {node: text for node, text in texts.items() if text}

    def _take_in(self, edit: WeightEdit) -> None:
        goes_on = edit.kind is Kind.MORE and bool(self._strokes) and self._strokes[-1].kind in _BY_HAND
        if goes_on:
            self._strokes[-1].go_on(edit)
        else:
            self._strokes.append(_Stroke.of(edit))
        if edit.kind is Kind.UNDO:
            self._undone.append(self._done.pop())
        elif edit.kind is Kind.REDO:
            self._done.append(self._undone.pop())
        else:
            self._undone.clear()
            self._done.append(self._done.pop().and_then(edit) if goes_on else edit)


@dataclass(frozen=True, slots=True)
class _InNode:
    """What edits of one node come to together, and the step of the last of them."""

    whole: WeightEdit
    until: int

    @classmethod
    def of(cls, edit: WeightEdit, node: str) -> _InNode:
        return cls(edit.in_node(node), edit.step)

    def and_then(self, more: _InNode) -> _InNode:
        whole = self.whole.and_then(more.whole)
        same = self.whole.kind is more.whole.kind
        return _InNode(whole if same else replace(whole, kind=Kind.EDIT), more.until)

    def text(self, name_of: NameOf) -> str:
        """In words; empty where it comes to nothing."""
        whole = self.whole
        if self.until > whole.step:
            return f"{whole.what(name_of)}, dragged until step {self.until}"
        after = {place: value for place, value in whole.after.items() if value != whole.before[place]}
        return replace(whole, after=after).what(name_of) if after else ""


@dataclass(slots=True)
class _Stroke:
    """One edit, undo or redo with all that continued it, kept as it grows: each event of a drag costs the same."""

    kind: Kind
    step: int
    by_node: dict[str, _InNode]

    @classmethod
    def of(cls, edit: WeightEdit) -> _Stroke:
        return cls(edit.kind, edit.step, {node: _InNode.of(edit, node) for node in edit.nodes})

    def go_on(self, edit: WeightEdit) -> None:
        for node in edit.nodes:
            more, before = _InNode.of(edit, node), self.by_node.get(node)
            self.by_node[node] = more if before is None else before.and_then(more)


def checked(network: Network, changes: Sequence[WeightChange]) -> dict[Place, float]:
    """What is to be written, as 32-bit floats hold it; of two changes of one place the later one.

    Raises:
        ParamError: There is no such place, or no such number.
    """
    if not changes:
        raise ParamError("There is nothing to set.", field="changes")
    numbers = {}
    for change in changes:
        place = Place(change.node, change.parameter, tuple(change.index))
        parameter = _parameter(network, place)
        sizes = tuple(parameter.shape)
        inside = len(place.index) == len(sizes) and all(
            0 <= at < size for at, size in zip(place.index, sizes, strict=True)
        )
        if not inside:
            raise ParamError(
                f"The {place.parameter} of {place.node} is {' × '.join(map(str, sizes))}, counted from 0: there is "
                f"nothing at {', '.join(map(str, place.index))}.",
                field="index",
            )
        numbers[place] = as_float32(place, change.value)
    return numbers


class Hand(Protocol):
    """Reaches for numbers of a training, those of the live network or of the average of its weights."""

    def read(self, places: Sequence[Place], *, averaged: bool) -> dict[Place, float]:
        """What stands there."""

    def write(self, numbers: Numbers, *, averaged: bool) -> None:
        """Puts numbers where they belong, and touches nothing else."""


class OwnHand:
    """Reaches for those of networks that this process holds as a whole.

    Args:
        network: The live one.
        average: That with the average of its weights; None where there is none.
    """

    def __init__(self, network: Network, average: Network | None) -> None:
        self._network, self._average = network, average

    def read(self, places: Sequence[Place], *, averaged: bool) -> dict[Place, float]:
        """What stands there."""
        return read(self._of(averaged), places)

    def write(self, numbers: Numbers, *, averaged: bool) -> None:
        """Puts numbers where they belong, and touches nothing else."""
        write(self._of(averaged), numbers)

    def _of(self, averaged: bool) -> Network:
        return self._average if averaged and self._average is not None else self._network


def read(network: Network, places: Sequence[Place]) -> dict[Place, float]:
    """What stands there; of a network that is divided, in those that this process holds."""
    return {place: own.item() for place in places if (own := _at_hand(network, place)) is not None}


def write(network: Network, numbers: Numbers) -> None:
    """Puts numbers where they belong, and touches nothing else; what another process holds is left to it."""
    for place, value in numbers.items():
        own = _at_hand(network, place)
        if own is not None:
            own.fill_(value)


def _at_hand(network: Network, place: Place) -> Tensor | None:
    """The number itself, in its memory; None where another process holds it."""
    parameter = _parameter(network, place)
    if not place.index:
        return at_hand(parameter)
    rows = rows_at_hand(parameter, place.index[:1])
    return at_hand(parameter)[(*rows, *place.index[1:])] if rows else None


def _parameter(network: Network, place: Place) -> nn.Parameter:
    if place.node not in network.node_ids:
        raise ParamError(f"There is no layer '{place.node[:80]}' in this network.", field="node")
    parameters = dict(network.module_of(place.node).named_parameters())
    found = parameters.get(place.parameter)
    if found is None:
        has = f"it has {' and '.join(parameters)}" if parameters else "it has none"
        raise ParamError(f"{place.node} has no parameter '{place.parameter[:40]}' ({has}).", field="parameter")
    return found


def as_float32(place: Place, value: float) -> float:
    """A number as a 32-bit float holds it.

    Raises:
        ParamError: It is infinite, NaN, or beyond what one can hold.
    """
    if not math.isfinite(value):
        raise ParamError(f"{place.text()} must be a number that is finite, not {value}.", field="value")
    with np.errstate(over="ignore", under="ignore"):
        kept = float(np.float32(value))
    if not math.isfinite(kept) or (kept == 0 and value != 0):
        size = "large" if kept else "small"
        raise ParamError(
            f"{value:g} is too {size} for {place.text()}: a 32-bit float holds sizes from 1.4e-45 to 3.4e38.",
            field="value",
        )
    return kept
