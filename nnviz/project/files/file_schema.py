"""What a project file holds, in its current version, and the ways from older versions to it.

A field that may hold anything here is checked by its ParamSpec afterwards, which knows the better sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from nnviz.errors import ProjectError
from nnviz.project.declared.preparations import BY_SCALING
from nnviz.project.files.safe_json import joined
from nnviz.project.graph.wiring import shortened
from nnviz.project.spec import brief

VERSION = 3

FileObject: TypeAlias = dict[str, Any]


def _from_1(raw: FileObject) -> FileObject:
    """Version 2 brought groups, notes, arrows and bypassed nodes; a file without any is the same."""
    return raw


def _from_2(raw: FileObject) -> FileObject:
    """Version 3 writes what is chosen among several as a kind with its params.

    That are the optimizer, the steps of preparation, and how weights start.
    """
    raw = _with_chosen_weights(raw)
    data = raw.get("data")
    if isinstance(data, dict) and "scaling" in data:
        scaling = data["scaling"]
        steps = BY_SCALING.get(scaling) if isinstance(scaling, str) else None
        if steps is None:
            raise ProjectError(f"There is no scaling {brief(scaling)}.", field="data.scaling")
        rest = {key: value for key, value in data.items() if key != "scaling"}
        raw = {**raw, "data": {**rest, "preparation": [{"kind": step.kind} for step in steps]}}
    training = raw.get("training")
    if not isinstance(training, dict):
        return raw
    params = training.get("optimizer_params")
    chosen = {"kind": training.get("optimizer", "adam"), **({"params": params} if params else {})}
    rest = {key: value for key, value in training.items() if key != "optimizer_params"}
    return {**raw, "training": {**rest, "optimizer": chosen}}


def _with_chosen_weights(raw: FileObject) -> FileObject:
    """The deviation of normal weights belongs to that choice; beside any other it said nothing."""
    graph = raw.get("graph")
    nodes = graph.get("nodes") if isinstance(graph, dict) else None
    if not isinstance(graph, dict) or not isinstance(nodes, list):
        return raw
    return {**raw, "graph": {**graph, "nodes": [_with_chosen_weight(node) for node in nodes]}}


def _with_chosen_weight(node: object) -> object:
    params = node.get("params") if isinstance(node, dict) else None
    if not isinstance(node, dict) or not isinstance(params, dict) or "initial_deviation" not in params:
        return node
    rest = {key: value for key, value in params.items() if key != "initial_deviation"}
    if rest.get("weight_initialisation") == "gaussian":
        chosen = {"kind": "gaussian", "params": {"deviation": params["initial_deviation"]}}
        rest["weight_initialisation"] = chosen
    return {**node, "params": rest}


#: From a version to the next: takes the JSON of the one and gives the JSON of the other.
MIGRATIONS: Mapping[int, Callable[[FileObject], FileObject]] = {1: _from_1, 2: _from_2}


class NodeFile(msgspec.Struct, forbid_unknown_fields=True):
    """A node."""

    id: str
    kind: str
    name: str = ""
    x: float = 0.0
    y: float = 0.0
    group: str = ""
    bypassed: bool = False
    frozen: bool = False
    params: dict[str, Any] = {}


class EdgeFile(msgspec.Struct, forbid_unknown_fields=True):
    """A wire."""

    source: str
    target: str
    source_port: int = 0
    target_port: int = 0


class GroupFile(msgspec.Struct, forbid_unknown_fields=True):
    """A group."""

    id: str
    name: str = ""
    parent: str = ""
    collapsed: bool = True
    x: float = 0.0
    y: float = 0.0


class NoteFile(msgspec.Struct, forbid_unknown_fields=True):
    """A note on the canvas."""

    id: str
    text: str = ""
    x: float = 0.0
    y: float = 0.0
    width: float = 220.0
    height: float = 90.0
    colour: str = "plain"
    group: str = ""


class ArrowFile(msgspec.Struct, forbid_unknown_fields=True):
    """An arrow on the canvas."""

    id: str
    x: float = 0.0
    y: float = 0.0
    across: float = 100.0
    down: float = 0.0
    colour: str = "plain"
    group: str = ""


class GraphFile(msgspec.Struct, forbid_unknown_fields=True):
    """The network."""

    nodes: list[NodeFile] = []
    edges: list[EdgeFile] = []
    groups: list[GroupFile] = []
    notes: list[NoteFile] = []
    arrows: list[ArrowFile] = []


class DataFile(msgspec.Struct, forbid_unknown_fields=True):
    """Which data."""

    dataset: str = "digits"
    params: dict[str, Any] = {}
    validation_fraction: Any = 0.2
    split_seed: Any = 0
    preparation: Any = ("scale",)
    augmentation: Any = ()


class TrainingFile(msgspec.Struct, forbid_unknown_fields=True):
    """How it is trained."""

    optimizer: Any = "adam"
    schedule: Any = "constant"
    clipping: Any = "none"
    regularisers: Any = ()
    batch_size: Any = 128
    epochs: Any = 10
    seed: Any = 0
    device: Any = "auto"
    keep_best: Any = False
    best_by: Any = "loss"
    accumulation: Any = 1
    initialisation: Any = "default"
    early_stopping: Any = "none"
    averaging: Any = "none"
    precision: Any = "single"
    channels_last: Any = "never"


class PinFile(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """An example that is pinned."""

    index: int
    split: str = ""


class ViewFile(msgspec.Struct, forbid_unknown_fields=True):
    """What belongs to looking."""

    pinned_sample: int = 0
    pinned_split: str = ""
    pins: list[PinFile] = msgspec.field(default_factory=list)


class CuratedFile(msgspec.Struct, forbid_unknown_fields=True):
    """What was decided about one training example."""

    example: int
    mark: str = ""
    label: str = ""
    weight: float = 1.0


class ProjectFile(msgspec.Struct, forbid_unknown_fields=True):
    """The whole file; ``nnviz`` is the version of its format.

    ``run`` names the run that holds the weights (``record/named_run.py``). It belongs to the file and not to the
    project: saving writes it, and undo, comparing and the runs themselves know nothing of it.
    """

    nnviz: int
    name: str = "untitled"
    note: str = ""
    run: str = ""
    data: DataFile = msgspec.field(default_factory=DataFile)
    training: TrainingFile = msgspec.field(default_factory=TrainingFile)
    view: ViewFile = msgspec.field(default_factory=ViewFile)
    graph: GraphFile = msgspec.field(default_factory=GraphFile)
    curation: list[CuratedFile] = []


_TYPES = {
    "`str`": "text", "`int`": "a whole number", "`float`": "a number", "`bool`": "true or false",
    "`object`": "an object", "`array`": "a list", "`null`": "nothing",
}  # fmt: skip


def schema_problem(message: str) -> ProjectError:
    """The sentence of msgspec in our words: ``Expected `int`, got `str` - at `$.graph.nodes[3].id```."""
    text, _, place = message.partition(" - at `")
    field = place.rstrip("`").removeprefix("$").removeprefix(".")
    expected = re.fullmatch(r"Expected (`\w+`(?: \| `\w+`)*), got (`\w+`)", text)
    missing = re.fullmatch(r"Object missing required field `(\w+)`", text)
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", text, re.DOTALL)
    if expected:
        wanted = " or ".join(_TYPES.get(kind, kind) for kind in expected[1].split(" | "))
        text = f"This must be {wanted}, but is {_TYPES.get(expected[2], expected[2])}."
    elif missing:
        field, text = joined(field, missing[1]), "This field is missing."
    elif unknown:
        field, text = joined(field, unknown[1]), "There is no such field."
    else:
        text = shortened(text, 120) + "."
    return ProjectError(text, field=field)
