"""Every change to a project, as a frozen value that can be applied, inverted and merged.

For every edit ``e`` that applies to a project ``p``::

    e.invert(p).apply(e.apply(p)) == p                     the order of nodes and wires included
    a.merge(b).apply(p) == b.apply(a.apply(p))             where the merge is not None

An edit that cannot be applied raises :class:`ProjectError` (or :class:`ParamError` for a value that is not allowed) and
has changed nothing, since projects are frozen. A node's wires keep their port numbers whatever happens to the others.
"""
# ruff: noqa: D102 - what the methods do is said once, in Edit.

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeVar

from msgspec.structs import replace as changed

from nnviz.errors import ParamError, ProjectError
from nnviz.project import choices, registry, settings
from nnviz.project.curation import Curate
from nnviz.project.edit import Edit, Several, node_of, with_nodes
from nnviz.project.graph.wiring import can_connect, free_port, new_id, shortened, wire_into, wires_into, wires_out_of
from nnviz.project.graph_edits import AddNodes, Connect, Disconnect, InsertOnEdge, Move, RemoveNodes
from nnviz.project.group_edits import Annotate, Bypass, Freeze, Regroup
from nnviz.project.model import MOST_PINS, PIN_SPLITS, DataConfig, Params, ParamValue, Project, TrainConfig, View
from nnviz.project.spec import MOST_TEXTS, ParamSpec
from nnviz.project.text import DATASET_KEY, clean_name, clean_note, device_problem, line_problem, note_problem

__all__ = [
    "UNSET", "AddNodes", "Annotate", "Bypass", "Connect", "Curate", "Disconnect", "Edit", "Freeze", "InsertOnEdge",
    "Move", "Regroup", "RemoveNodes", "Rename", "SetData", "SetKind", "SetParam", "SetProject", "SetTraining",
    "SetView", "Several", "Unset", "can_connect", "free_port", "new_id", "wire_into", "wires_into", "wires_out_of",
]  # fmt: skip


_Config = TypeVar("_Config", DataConfig, TrainConfig)


class Unset(Enum):
    """The type of :data:`UNSET`."""

    UNSET = "unset"


#: As the value of a :class:`SetParam`: take the parameter out of the node, so that the default holds.
UNSET = Unset.UNSET


@dataclass(frozen=True)
class SetParam(Edit):
    """Sets a parameter of a node to a value in any form its ParamSpec can parse, or to :data:`UNSET`."""

    node: str
    name: str
    value: ParamValue | Unset

    @property
    def title(self) -> str:
        return f"{'Reset' if self.value is UNSET else 'Set'} {self.name.replace('_', ' ')} of {self.node}"

    def apply(self, project: Project) -> Project:
        node = node_of(project, self.node)
        spec = registry.layer(node.kind).param(self.name)
        params = dict(node.params)
        if isinstance(self.value, Unset):
            params.pop(self.name, None)
        else:
            params[self.name] = spec.parse(self.value)
        return with_nodes(project, [changed(node, params=params)])

    def invert(self, before: Project) -> Edit:
        return replace(self, value=node_of(before, self.node).params.get(self.name, UNSET))

    def target(self) -> Hashable:
        return ("param", self.node, self.name)


@dataclass(frozen=True)
class SetKind(Edit):
    """Makes a node another kind of layer, with its id and wires: Dropout to Dropout2d.

    Attributes:
        params: The new parameters; None keeps those that the new kind knows too and allows.
    """

    node: str
    kind: str
    params: Mapping[str, ParamValue] | None = None

    @property
    def title(self) -> str:
        return f"Make {self.node} a {registry.layer(self.kind).title}"

    def apply(self, project: Project) -> Project:
        node = node_of(project, self.node)
        old, new = registry.layer(node.kind), registry.layer(self.kind)
        params: dict[str, ParamValue]
        if (old.min_inputs, old.max_inputs, old.outputs) != (new.min_inputs, new.max_inputs, new.outputs):
            raise ProjectError(f"{old.title} cannot become {new.title}: they take different wires.")
        if self.params is not None:
            params = {name: new.param(name).parse(value) for name, value in self.params.items()}
        else:
            params = {spec.name: node.params[spec.name] for spec in new.params if _keeps(spec, node.params)}
        return with_nodes(project, [changed(node, kind=self.kind, params=params)])

    def invert(self, before: Project) -> Edit:
        node = node_of(before, self.node)
        return SetKind(node.id, node.kind, dict(node.params), gesture=self.gesture)


def _keeps(spec: ParamSpec, params: Params) -> bool:
    """Whether a value of another kind's parameter of the same name is right for this one as it is."""
    try:
        return spec.name in params and spec.parse(params[spec.name]) == params[spec.name]
    except ParamError:
        return False


@dataclass(frozen=True)
class Rename(Edit):
    """Gives a node the title that its card shows; empty brings its kind's title back. The id stays."""

    node: str
    name: str

    @property
    def title(self) -> str:
        return f"Rename {self.node}"

    def apply(self, project: Project) -> Project:
        return with_nodes(project, [changed(node_of(project, self.node), name=clean_name(self.name))])

    def invert(self, before: Project) -> Edit:
        return replace(self, name=node_of(before, self.node).name)

    def target(self) -> Hashable:
        return ("name", self.node)


@dataclass(frozen=True)
class SetData(Edit):
    """Another data set, split or preparation. What differs from before has to be allowed."""

    config: DataConfig

    @property
    def title(self) -> str:
        return "Change data"

    def apply(self, project: Project) -> Project:
        old, new = project.data, self.config
        if new.dataset != old.dataset and not DATASET_KEY.fullmatch(new.dataset):
            raise ParamError(f"'{shortened(new.dataset)}' cannot be the key of a data set.", field="dataset")
        for name, value in new.params.items():
            if not _is_plain(value):
                raise ParamError(f"{shortened(name)} cannot be {shortened(repr(value))}.", field=name)
        return changed(project, data=_settled_choices(choices.DATA, old, _settled(settings.DATA, old, new)))

    def invert(self, before: Project) -> Edit:
        return replace(self, config=before.data)

    def target(self) -> Hashable:
        return "data"


def _settled(specs: tuple[ParamSpec, ...], old: _Config, new: _Config) -> _Config:
    """The settings with every value that differs in its normal form.

    Raises:
        ParamError: One of those is not allowed. What was wrong before may stay, to be mended piece by piece.
    """
    values = {spec.name: getattr(new, spec.name) for spec in specs}
    return changed(
        new,
        **{
            spec.name: spec.parse(values[spec.name])
            for spec in specs
            if type(values[spec.name]) is not type(getattr(old, spec.name))
            or values[spec.name] != getattr(old, spec.name)
        },
    )


def _settled_choices(slots: tuple[choices.Slot, ...], old: _Config, new: _Config) -> _Config:
    """The Choices with what differs in its normal form.

    Raises:
        ParamError: One of those is not allowed.
    """
    for slot in slots:
        before, chosen = getattr(old, slot.name), getattr(new, slot.name)
        if chosen != before:
            new = changed(new, **{slot.name: slot.settled(before, chosen)})
    return new


def _is_plain(value: object) -> bool:
    """Whether a file can hold this: a finite number, a text, nothing, a row of those, or rows of numbers."""
    if isinstance(value, tuple):
        if value and all(isinstance(item, tuple) for item in value):
            return all(_is_finite(number) for row in value for number in row)
        if any(isinstance(item, str) for item in value):
            return len(value) <= MOST_TEXTS and all(isinstance(item, str) and not line_problem(item) for item in value)
        return all(not isinstance(item, tuple) and _is_plain(item) for item in value)
    if isinstance(value, str):
        return not note_problem(value)
    return value is None or isinstance(value, bool) or _is_finite(value)


def _is_finite(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True)
class SetTraining(Edit):
    """Another way of training. What differs from before has to be allowed."""

    config: TrainConfig

    @property
    def title(self) -> str:
        return "Change training"

    def apply(self, project: Project) -> Project:
        old, new = project.training, self.config
        if new.device != old.device and (problem := device_problem(new.device)):
            raise ParamError(problem, field="device")
        new = _settled_choices(choices.TRAINING, old, _settled(settings.TRAINING, old, new))
        return changed(project, training=new)

    def invert(self, before: Project) -> Edit:
        return replace(self, config=before.training)

    def target(self) -> Hashable:
        return "training"


@dataclass(frozen=True)
class SetProject(Edit):
    """The project's name or note; None leaves it as it is."""

    name: str | None = None
    note: str | None = None

    @property
    def title(self) -> str:
        return "Rename project" if self.note is None else "Change note" if self.name is None else "Change name and note"

    def apply(self, project: Project) -> Project:
        return changed(
            project,
            name=project.name if self.name is None else clean_name(self.name),
            note=project.note if self.note is None else clean_note(self.note),
        )

    def invert(self, before: Project) -> Edit:
        return replace(
            self,
            name=None if self.name is None else before.name,
            note=None if self.note is None else before.note,
        )

    def target(self) -> Hashable:
        return ("project", self.name is None, self.note is None)


@dataclass(frozen=True)
class SetView(Edit):
    """What is looked at, such as the pinned example."""

    view: View

    @property
    def title(self) -> str:
        return "Choose sample"

    def apply(self, project: Project) -> Project:
        view = self.view
        for pin in (view.shown, *view.pins):
            if not 0 <= pin.index < 2**31:
                raise ProjectError(f"There is no sample {pin.index}.")
            if pin.split not in PIN_SPLITS:
                raise ProjectError(f"Examples of the {pin.split} split cannot be pinned.")
        if len(view.pins) > MOST_PINS or len(set(view.pins)) < len(view.pins):
            raise ProjectError(f"At most {MOST_PINS} examples are pinned at the same time, each once: unpin one first.")
        return changed(project, view=view)

    def invert(self, before: Project) -> Edit:
        return replace(self, view=before.view)

    def target(self) -> Hashable:
        return "view"
