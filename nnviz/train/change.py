"""What differs between two projects, and what that means: for a session that is there, and for a recorded run.

No Qt, no torch and no state: the Workbench, the command line and whatever else trains a project follow these rules.

* :func:`differences` takes two projects apart into settings. Each setting says what a live session does with it and
  whether a recorded run may be continued with another value of it. All other rules here follow from that list.
* :func:`change` says what an edit means for a session: nothing, something that it takes on, or a restart and why.
* :func:`difference` says why a recorded run may not be continued with a project.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TypeAlias

from nnviz.data import datasets
from nnviz.errors import NnvizError, ParamError
from nnviz.project import choices, registry
from nnviz.project.files import own_folder
from nnviz.project.graph.bypass import effective_graph, same_computation
from nnviz.project.model import Choice, Curated, DataConfig, Graph, Node, ParamValue, Project, TrainConfig
from nnviz.project.spec import ParamSpec, Spec, brief
from nnviz.train.live_settings import LiveSettings

#: What a running session takes on from the next batch on; batch size and curation from the next epoch on.
_LIVE = frozenset({"training.epochs", "training.batch_size", "curation"})
#: Likewise, with all that belongs to them.
_LIVE_WITHIN = ("training.optimizer.params.",)
#: Likewise, of every layer.
_FROZEN = "frozen"
#: What decides neither a weight nor a number of a run: where it is computed, which weights are kept at the end, and
#: where the examples lie meanwhile.
_NO_NUMBERS = frozenset({"training.device", "training.keep_best", "data.params.memory"})
#: Of these, what no network, no example and no end of a training hangs on: a session goes on without it.
_NO_SESSION = frozenset({"data.params.memory"})
#: What of the data is a list of steps.
_LISTS = frozenset({"preparation", "augmentation"})
#: Likewise, with all that belongs to them: when it ends.
_NO_NUMBERS_WITHIN = ("training.early_stopping.",)


# ---- what differs --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """One setting in which two projects differ.

    Attributes:
        field: Its path, as in messages about files: ``graph.nodes.conv1.params.kernel_size``.
        text: Which layer and which setting, with both values: ``kernel size of conv1: 5 × 5, not 3 × 3``.
        live: Whether a session that is there takes it on.
        moved: It is where the user's own data lie, under the same name: whether they are the same, a checkpoint knows.
        values: What differs, and its value before and after; none where a layer, a wire or an example differs.
    """

    field: str
    text: str
    live: bool = False
    moved: bool = False
    values: tuple[str, str, str] | None = None

    def told(self, before: str, after: str) -> str:
        """The same where nobody could know which value is whose: ``seed: 1 in the run, 0 asked for now``.

        Args:
            before: What is said behind the value before.
            after: Likewise behind that after.
        """
        if self.values is None:
            return self.text
        title, one, other = self.values
        return f"{title}: {one} {before}, {other} {after}"

    @property
    def continues(self) -> bool:
        """Whether a recorded run may be continued with the other value."""
        return self.live or self.moved or self.field in _NO_NUMBERS or self.field.startswith(_NO_NUMBERS_WITHIN)


def differences(before: Project, after: Project) -> Iterator[Difference]:
    """Every setting in which two projects differ, as far as it concerns training: no names, places, groups or notes.

    A setting that is left out is the same as its default written down.
    """
    if not (before.graph is after.graph or same_computation(before.graph, after.graph)):
        yield from _of_graphs(before.graph, after.graph)
    if before.data is not after.data:
        yield from _of_data(before.data, after.data)
    if before.training is not after.training:
        yield from _of_training(before.training, after.training)
    if before.graph is not after.graph:
        yield from _of_frozen(before.graph, after.graph)
    if before.curation != after.curation:
        count = len(frozenset(before.curation) ^ frozenset(after.curation))
        yield Difference("curation", f"{count} curated examples", live=True)


def difference(recorded: Project, project: Project) -> Difference | None:
    """The first setting because of which a run of one project may not be continued with the other; None if it may.

    Args:
        recorded: What the run was made with.
        project: What it is to be continued with.
    """
    return next((found for found in differences(recorded, project) if not found.continues), None)


def learning_rate_of(project: Project) -> float:
    """The learning rate that the project asks for."""
    return learning_rate_of_config(project.training)


def learning_rate_of_config(config: TrainConfig) -> float:
    """The learning rate that a training asks for, before any schedule."""
    optimizer = config.optimizer
    spec = registry.optimizer(optimizer.kind)
    value = optimizer.params.get("learning_rate", spec.param("learning_rate").default)
    return float(value) if isinstance(value, (int, float)) else 0.0


def _of_graphs(before: Graph, after: Graph) -> Iterator[Difference]:
    first, second = effective_graph(before), effective_graph(after)
    for key, node in after.nodes.items():
        if key not in before.nodes:
            yield Difference(f"graph.nodes.{key}", f"{_named(node)} was added")
    for key, node in before.nodes.items():
        if key not in after.nodes:
            yield Difference(f"graph.nodes.{key}", f"{_named(node)} was removed")
    for key in (key for key in first.nodes if key in second.nodes and first.nodes[key] is not second.nodes[key]):
        yield from _of_nodes(before.nodes[key], after.nodes[key], first.nodes[key], second.nodes[key])
    if first.edges is second.edges or first.edges == second.edges:
        return
    if ends := {edge.target.node for edge in frozenset(first.edges) ^ frozenset(second.edges)}:
        where = next((node for key, node in after.nodes.items() if key in ends), None)
        yield Difference("graph.edges", f"the wires of {_named(where)}" if where is not None else "the wires")


def _of_frozen(before: Graph, after: Graph) -> Iterator[Difference]:
    for key, node in after.nodes.items():
        other = before.nodes.get(key)
        if other is not None and other is not node and other.frozen != node.frozen:
            words = "frozen" if node.frozen else "not frozen"
            yield Difference(f"graph.nodes.{key}.{_FROZEN}", f"{_named(node)} is {words}", live=True)


def _of_nodes(before: Node, after: Node, first: Node, second: Node) -> Iterator[Difference]:
    """``first`` and ``second`` are what is computed in their place."""
    path = f"graph.nodes.{after.id}"
    if (first.kind, first.params) == (second.kind, second.params):
        return
    if before.bypassed != after.bypassed:
        yield Difference(f"{path}.bypassed", f"{_named(after)} is {'bypassed' if after.bypassed else 'not bypassed'}")
    elif first.kind != second.kind:
        yield _differs(f"{path}.kind", f"kind of {_named(after)}", first.kind, second.kind)
    else:
        spec = registry.layer(second.kind) if second.kind in registry.layers() else None
        # Compared as they stand: a value of another type can mean another thing to a layer.
        for name in sorted(first.params.keys() | second.params.keys()):
            if first.params.get(name, _default(spec, name)) != second.params.get(name, _default(spec, name)):
                yield _setting(f"{path}.params.{name}", spec, name, first.params, second.params, f" of {_named(after)}")


def _of_data(before: DataConfig, after: DataConfig) -> Iterator[Difference]:
    for name in DataConfig.__struct_fields__:
        one, other = getattr(before, name), getattr(after, name)
        if one == other or (name in _LISTS and _in_full(name, one) == _in_full(name, other)):
            continue
        if name != "params":
            yield _differs(
                f"data.{name}", "data set" if name == "dataset" else f"{_words(name)} of the data", one, other
            )
        elif before.dataset == after.dataset:  # of another data set they are other settings
            spec = datasets.dataset(after.dataset) if datasets.known(after.dataset) else None
            first, second = _data_values(spec, one), _data_values(spec, other)
            for key in sorted(first.keys() | second.keys()):
                if first.get(key) != second.get(key):
                    found = _differs(
                        f"data.params.{key}", f"{_words(key)} of the data", first.get(key), second.get(key), spec, key
                    )
                    moved = key in own_folder.PARAMS and _last(first.get(key)) == _last(second.get(key)) != ""
                    yield replace(found, moved=moved)


def _in_full(slot: str, steps: tuple[Choice, ...]) -> list[tuple[str, Mapping[str, ParamValue]]]:
    return [(step.kind, _data_values(_spec(slot, step.kind), step.params)) for step in steps]


def _data_values(spec: Spec | None, params: Mapping[str, ParamValue]) -> Mapping[str, ParamValue]:
    """All settings of a data set or a step, defaults included; as they stand where one is unknown or not allowed."""
    if spec is None:
        return params
    try:
        return spec.values(params)
    except ParamError:
        return {**{param.name: param.default for param in spec.params}, **params}


def _last(place: ParamValue) -> str:
    """The name of a file or a folder, without where it is."""
    return PurePath(place.replace("\\", "/")).name if isinstance(place, str) else ""


def _of_training(before: TrainConfig, after: TrainConfig) -> Iterator[Difference]:
    for name in TrainConfig.__struct_fields__:
        one, other = getattr(before, name), getattr(after, name)
        if one == other:
            continue
        path = f"training.{name}"
        if isinstance(one, Choice):
            yield from _of_choices(path, name, one, other)
        elif isinstance(one, tuple):
            yield from _of_lists(path, name, one, other)
        else:
            yield _differs(path, _words(name), one, other)


def _of_choices(path: str, slot: str, before: Choice, after: Choice) -> Iterator[Difference]:
    if before.kind != after.kind:
        yield _differs(f"{path}.kind", _words(slot), before.kind, after.kind)
        if slot != "optimizer":
            return
    spec = _spec(slot, after.kind)
    known = _spec(slot, before.kind)
    for name in sorted(before.params.keys() | after.params.keys() | {"learning_rate"} & _names(spec)):
        if before.kind != after.kind and name != "learning_rate":
            continue
        one, other = before.params.get(name, _default(known, name)), after.params.get(name, _default(spec, name))
        if one != other:
            yield _differs(
                f"{path}.params.{name}", f"{_title(spec, name)} of the {_words(slot)}", one, other, spec, name
            )


def _of_lists(path: str, slot: str, before: tuple[Choice, ...], after: tuple[Choice, ...]) -> Iterator[Difference]:
    kinds, others = [one.kind for one in before], [one.kind for one in after]
    if kinds != others:
        yield _differs(path, _words(slot), ", ".join(kinds) or "none", ", ".join(others) or "none")
        return
    for index, (one, other) in enumerate(zip(before, after, strict=True)):
        yield from _of_choices(f"{path}[{index}]", slot, one, other)


def _setting(
    path: str,
    spec: Spec | None,
    name: str,
    before: Mapping[str, ParamValue],
    after: Mapping[str, ParamValue],
    of: str,
) -> Difference:
    one, other = before.get(name, _default(spec, name)), after.get(name, _default(spec, name))
    return _differs(path, f"{_title(spec, name)}{of}", one, other, spec, name)


def _differs(
    path: str, title: str, before: object, after: object, spec: Spec | None = None, name: str = ""
) -> Difference:
    param = _param(spec, name)
    live = path in _LIVE or path.startswith(_LIVE_WITHIN) or (param is not None and param.live)
    one, other = _said(param, before), _said(param, after)
    return Difference(path, f"{title}: {other}, not {one}", live, values=(title, one, other))


def _said(param: ParamSpec | None, value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "nothing"
    if isinstance(value, str):
        titles = dict(param.choices) if param is not None else {}
        return titles.get(value, value if 0 < len(value) <= 60 else brief(value))
    if isinstance(value, tuple) and len(value) <= 4 and all(isinstance(size, int) for size in value):
        return " × ".join(str(size) for size in value)
    return brief(value)


def _named(node: Node) -> str:
    return node.name or node.id


def _words(name: str) -> str:
    return name.replace("_", " ")


def _spec(slot_name: str, kind: str) -> Spec | None:
    slot = choices.slot(slot_name)
    return slot.known(kind) if slot is not None and kind in slot.known else None


def _names(spec: Spec | None) -> set[str]:
    return set() if spec is None else {param.name for param in spec.params}


def _param(spec: Spec | None, name: str) -> ParamSpec | None:
    return None if spec is None else next((param for param in spec.params if param.name == name), None)


def _default(spec: Spec | None, name: str) -> ParamValue:
    param = _param(spec, name)
    return None if param is None else param.default


def _title(spec: Spec | None, name: str) -> str:
    param = _param(spec, name)
    return _words(name) if param is None else param.title


# ---- what a change means -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Nothing:
    """The session goes on as it is."""


@dataclass(frozen=True)
class Live:
    """What a session takes on at once; None is left as it is.

    Attributes:
        learning_rate: Of the optimizer, before any schedule.
        epochs: How far to train.
        curation: What was decided about single examples.
        settings: What else can be changed of optimizer and layers.
    """

    learning_rate: float | None = None
    epochs: int | None = None
    curation: tuple[Curated, ...] | None = None
    settings: LiveSettings | None = None

    def __bool__(self) -> bool:
        return self != Live()


@dataclass(frozen=True)
class Restart:
    """Only another session can train this.

    Attributes:
        reason: Which layer or which setting, in words: ``kernel size of conv1: 5 × 5, not 3 × 3 (and 2 more)``.
        field: Path of the first setting that differs.
        live: What the present session takes on nevertheless. Not the learning rate of another optimizer.
        computes: Whether anything that is computed becomes other. False is where the examples lie meanwhile: what was
            trained goes on as it is, and the next session has it.
    """

    reason: str
    field: str
    live: Live = Live()
    computes: bool = True


Change: TypeAlias = Nothing | Live | Restart


def change(before: Project, after: Project) -> Change:
    """What it means for a session of one project that another one is wanted now.

    Args:
        before: What the session was opened with, or what its document held before an edit.
        after: What is wanted.
    """
    found = list(differences(before, after))
    fields = {one.field for one in found}
    same_optimizer = before.training.optimizer.kind == after.training.optimizer.kind
    rate = same_optimizer and "training.optimizer.params.learning_rate" in fields
    settings = _settings(before, after) if any(one.live for one in found) else None
    live = Live(
        learning_rate=learning_rate_of(after) if rate else None,
        epochs=after.training.epochs if "training.epochs" in fields else None,
        curation=after.curation if "curation" in fields else None,
        settings=settings,
    )
    lasting = sorted((one for one in found if not one.live), key=lambda one: one.field in _NO_SESSION)
    if lasting:
        more = f" (and {len(lasting) - 1} more)" if len(lasting) > 1 else ""
        return Restart(f"{lasting[0].text}{more}", lasting[0].field, live, lasting[0].field not in _NO_SESSION)
    return live or Nothing()


def _settings(before: Project, after: Project) -> LiveSettings | None:
    """What a session of the one takes on of the other; None where that is nothing, or is not allowed."""
    try:
        has = LiveSettings.of(before)
    except NnvizError:
        return None
    wanted = has.following(before, after)
    return None if wanted == has else wanted
