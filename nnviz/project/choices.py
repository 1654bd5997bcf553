"""Choices: one of several declared things with its settings, read, checked, written and set by the same code.

A :class:`Slot` says where in the project a Choice stands and which declarations it may name. Files, the command line,
the edits and the inspector all read the slots, so a new kind costs its declaration and nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from nnviz.errors import ParamError
from nnviz.project import registry
from nnviz.project.declared.preparations import StepSpec
from nnviz.project.model import Choice, ParamValue
from nnviz.project.registry import Registry
from nnviz.project.spec import ParamSpec, Spec

#: More than this in one list is nobody's wish.
MOST = 32
#: What a slot holds.
Chosen: TypeAlias = "Choice | tuple[Choice, ...]"


@dataclass(frozen=True)
class Slot:
    """A place in the project for a Choice, or for a list of them.

    Attributes:
        name: Field of ``TrainConfig`` or ``DataConfig``, and the key in files and on the command line.
        title: What the inspector shows.
        help: What it decides, in one sentence.
        known: The declarations it may name.
        many: It holds a tuple of Choices, in order.
        left_out: Files say nothing of it where it is as usual, so that older versions can read them.
        advanced: The inspector folds it away while it is as usual.
    """

    name: str
    title: str
    help: str
    known: Registry[Any]
    many: bool = False
    left_out: bool = False
    advanced: bool = False

    def spec(self, choice: Choice) -> Spec:
        """The declaration of a choice.

        Raises:
            ProjectError: There is none.
        """
        found: Spec = self.known(choice.kind)
        return found

    def ordered(self, chosen: tuple[Choice, ...]) -> tuple[Choice, ...]:
        """The same Choices by the stages that their declarations name; within one they stay as they stand."""

        def stage(choice: Choice) -> int:
            spec = self.spec(choice) if choice.kind in self.known else None
            return spec.stage if isinstance(spec, StepSpec) else 0

        return tuple(sorted(chosen, key=stage))

    def parse(self, value: object) -> Chosen:
        """What the slot holds, from JSON or from a text on the command line.

        A kind alone stands for that kind with its defaults, and takes the place of a list of one.

        Raises:
            ParamError: It names an unknown kind, or a setting is not allowed; the field begins with the slot's name.
        """
        if not self.many:
            return self._one(value, self.name)
        if isinstance(value, (str, Choice, Mapping)):
            value = [value] if value else []
        if not isinstance(value, Sequence):
            raise ParamError(f"The {self.title} must be a list.", field=self.name)
        if len(value) > MOST:
            raise ParamError(f"There are {len(value)} {self.title}; at most {MOST} are allowed.", field=self.name)
        return tuple(self._one(item, f"{self.name}[{index}]") for index, item in enumerate(value))

    def settled(self, before: Chosen, after: Chosen) -> Chosen:
        """What differs from before in its normal form; a setting that was wrong may stay, to be mended by and by.

        Raises:
            ParamError: Something that differs is not allowed.
        """
        if isinstance(before, Choice) and isinstance(after, Choice):
            return self._settled_one(before, after)
        if isinstance(before, tuple) and isinstance(after, tuple) and len(after) <= MOST:
            ones = enumerate(after)
            return tuple(
                one if one in before else self._settled_one(before[index] if index < len(before) else None, one)
                for index, one in ones
            )
        return self.parse(after)

    def _settled_one(self, before: Choice | None, after: Choice) -> Choice:
        if before is None or before.kind != after.kind or after.kind not in self.known:
            return self._one(after, self.name)
        spec = self.spec(after)
        params = {
            name: value if value == before.params.get(name) else spec.param(name).parse(value)
            for name, value in after.params.items()
        }
        return Choice(spec.kind, params)

    def _one(self, value: object, field: str) -> Choice:
        if isinstance(value, Choice):
            value = {"kind": value.kind, "params": value.params}
        if isinstance(value, str):
            value = {"kind": value}
        if not isinstance(value, Mapping) or not isinstance(value.get("kind"), str):
            raise ParamError("This must be a kind, or an object with a kind and its params.", field=field)
        params = value.get("params", {})
        unknown = next((key for key in value if key not in ("kind", "params")), None)
        if unknown is not None or not isinstance(params, Mapping):
            raise ParamError("This may hold a kind and its params, nothing else.", field=field)
        if value["kind"] not in self.known:
            known = ", ".join(self.known.all)
            raise ParamError(
                f"There is no {self.known.noun} '{value['kind'][:80]}' (there are: {known}).", field=f"{field}.kind"
            )
        spec: Spec = self.known(value["kind"])
        for name in params:
            if not any(param.name == name for param in spec.params):
                has = ", ".join(param.name for param in spec.params) or "none"
                raise ParamError(
                    f"{spec.title} has no parameter '{str(name)[:80]}' (it has: {has}).", field=f"{field}.params.{name}"
                )
        parsed: dict[str, ParamValue] = {}
        for param in spec.params:
            if param.name in params:
                try:
                    parsed[param.name] = param.parse(params[param.name])
                except ParamError as error:
                    raise ParamError(error.message, field=f"{field}.params.{param.name}") from None
        return Choice(spec.kind, parsed)


#: The Choices of ``TrainConfig``, in the order in which they are shown.
TRAINING: tuple[Slot, ...] = (
    Slot("optimizer", "optimizer", "How the weights follow the gradient.", registry.OPTIMIZERS),
    Slot("schedule", "schedule", "How the learning rate changes with the step.", registry.SCHEDULES),
    Slot("clipping", "clipping", "What is done to gradients that are too large.", registry.CLIPPINGS),
    Slot(
        "regularisers", "regularisers", "What else than the loss acts on the weights.", registry.REGULARISERS, many=True
    ),
    Slot(
        "initialisation",
        "initial weights",
        "How the weights start, of all layers that follow it: of each whose own weight initialisation is not chosen.",
        registry.NETWORK_INITIALISERS,
        left_out=True,
        advanced=True,
    ),
    Slot(
        "early_stopping",
        "early stopping",
        "When the training ends before its last epoch.",
        registry.EARLY_STOPPING,
        left_out=True,
        advanced=True,
    ),
    Slot(
        "averaging",
        "averaged weights",
        "Whether an average of the weights over the steps is validated and kept in their place.",
        registry.AVERAGING,
        left_out=True,
        advanced=True,
    ),
)

#: The Choices of ``DataConfig``.
DATA: tuple[Slot, ...] = (
    Slot(
        "preparation",
        "preparation",
        "What is done to the examples before the network sees them, step by step.",
        registry.PREPARATIONS,
        many=True,
    ),
    Slot(
        "augmentation",
        "augmentation",
        "What is done to training examples anew each time they are seen; validation and test stay as they are.",
        registry.AUGMENTATIONS,
        many=True,
        left_out=True,
    ),
)


def slot(name: str, among: Sequence[Slot] = (*TRAINING, *DATA)) -> Slot | None:
    """The slot of that name, or None."""
    return next((slot for slot in among if slot.name == name), None)


def kinds(slot: Slot) -> ParamSpec:
    """The kind of a choice, declared like any other parameter."""
    titles = tuple((kind, spec.title) for kind, spec in slot.known.all.items())
    return ParamSpec(slot.name, slot.title, slot.help, "choice", titles[0][0], choices=titles)


def values(slot: Slot, choice: Choice) -> dict[str, ParamValue]:
    """All settings of a choice, defaults included.

    Raises:
        ProjectError: There is no such kind.
        ParamError: A setting is not allowed.
    """
    return slot.spec(choice).values(choice.params)


def with_param(choice: Choice, name: str, value: ParamValue) -> Choice:
    """The same choice with another value of a setting."""
    return Choice(choice.kind, {**choice.params, name: value})


def without_param(choice: Choice, name: str) -> Choice:
    """The same choice with the default of a setting."""
    return Choice(choice.kind, {key: value for key, value in choice.params.items() if key != name})


def listed(slot: Slot, chosen: Chosen) -> object:
    """What a file holds: an object with the kind and, where there are any, its params in their declared order."""
    if isinstance(chosen, tuple):
        return [_listed_one(slot, choice) for choice in chosen]
    return _listed_one(slot, chosen)


def _listed_one(slot: Slot, choice: Choice) -> dict[str, object]:
    order = [param.name for param in slot.spec(choice).params] if choice.kind in slot.known else []
    ranks = {name: rank for rank, name in enumerate(order)}
    params = {name: choice.params[name] for name in sorted(choice.params, key=lambda n: (ranks.get(n, len(ranks)), n))}
    return {"kind": choice.kind, "params": params} if params else {"kind": choice.kind}
