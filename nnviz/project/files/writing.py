"""A project as the lines of its file: a node and a wire a line, in an order that does not change."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator

import msgspec

from nnviz.project import choices, registry, settings
from nnviz.project.choices import Slot
from nnviz.project.files.file_schema import VERSION, FileObject
from nnviz.project.model import (
    Arrow,
    Choice,
    Curated,
    DataConfig,
    Edge,
    Group,
    Node,
    Note,
    Params,
    ParamValue,
    Project,
    TrainConfig,
    View,
)


def lines(project: Project, run: str) -> Iterator[str]:
    """The lines of the file of a project; joined they are JSON.

    Raises:
        ValueError: It holds something that no file can.
    """
    data, training, usual = project.data, project.training, TrainConfig()
    yield f'{{\n  "nnviz": {VERSION},\n'
    yield f'  "name": {_json(project.name)},\n'
    yield f'  "note": {_json(project.note)},\n'
    if run:
        yield f'  "run": {_json(run)},\n'
    yield from _block(
        "data",
        {
            "dataset": data.dataset,
            "params": _listed(data.params),
            **{spec.name: getattr(data, spec.name) for spec in settings.DATA},
            **_chosen(choices.DATA, data, DataConfig()),
        },
    )
    yield from _block(
        "training",
        {
            **_chosen(choices.TRAINING, training, usual),
            **{
                spec.name: getattr(training, spec.name)
                for spec in settings.TRAINING
                if spec.name not in settings.LEFT_OUT or getattr(training, spec.name) != getattr(usual, spec.name)
            },
        },
    )
    yield from _block("view", _view_fields(project.view))
    yield '  "graph": {\n    "nodes": ['
    yield from _rows(_node_row(node) for node in project.graph.nodes.values())
    yield '],\n    "edges": ['
    yield from _rows(_edge_row(edge) for edge in project.graph.edges)
    graph = project.graph
    for name, items in (("groups", graph.groups), ("notes", graph.notes), ("arrows", graph.arrows)):
        if items:
            yield f'],\n    "{name}": ['
            yield from _rows(_item_row(item) for item in items.values())
    yield "]\n  }"
    if project.curation:
        yield ',\n  "curation": ['
        yield from _rows(_curated_row(entry) for entry in project.curation)
        yield "]"
    yield "\n}\n"


def _chosen(slots: Iterable[Slot], config: DataConfig | TrainConfig, usual: DataConfig | TrainConfig) -> FileObject:
    """What the slots hold, those left out that older versions do not know and that are as usual."""
    held = {slot.name: (slot, getattr(config, slot.name)) for slot in slots}
    return {
        name: choices.listed(slot, chosen)
        for name, (slot, chosen) in held.items()
        if not slot.left_out or chosen != getattr(usual, name)
    }


def _view_fields(view: View) -> FileObject:
    fields: FileObject = {"pinned_sample": view.pinned_sample}
    if view.pinned_split:
        fields["pinned_split"] = view.pinned_split
    if view.pins:
        fields["pins"] = [{"index": pin.index, **({"split": pin.split} if pin.split else {})} for pin in view.pins]
    return fields


def _curated_row(entry: Curated) -> FileObject:
    usual = msgspec.structs.asdict(Curated(entry.example))
    fields = msgspec.structs.asdict(entry)
    return {key: value for key, value in fields.items() if key == "example" or value != usual[key]}


def _block(name: str, fields: FileObject) -> Iterator[str]:
    rows = (f"    {_json(key)}: {_json(value)}" for key, value in fields.items())
    yield f'  "{name}": {{\n' + ",\n".join(rows) + "\n  },\n"


def _rows(rows: Iterable[FileObject]) -> Iterator[str]:
    separator = "\n"
    for row in rows:
        yield f"{separator}      {_json(row)}"
        separator = ",\n"
    if separator != "\n":
        yield "\n    "


def _node_row(node: Node) -> FileObject:
    row: FileObject = {"id": node.id, "kind": node.kind}
    if node.name:
        row["name"] = node.name
    row["x"], row["y"] = _short(node.x), _short(node.y)
    if node.group:
        row["group"] = node.group
    if node.bypassed:
        row["bypassed"] = True
    if node.frozen:
        row["frozen"] = True
    if node.params:
        row["params"] = _listed(node.params, [spec.name for spec in registry.layer(node.kind).params])
    return row


def _item_row(item: Group | Note | Arrow) -> FileObject:
    """A group, a note or an arrow without what is as usual."""
    usual = msgspec.structs.asdict(type(item)(item.id))
    return {
        key: _short(value) if isinstance(value, float) else value
        for key, value in msgspec.structs.asdict(item).items()
        if key == "id" or value != usual[key]
    }


def _edge_row(edge: Edge) -> FileObject:
    row: FileObject = {"source": edge.source.node, "target": edge.target.node}
    if edge.source.port:
        row["source_port"] = edge.source.port
    if edge.target.port:
        row["target_port"] = edge.target.port
    return row


def _listed(params: Params, order: Iterable[str] = ()) -> FileObject:
    """The parameters in the order of their declaration, others after them by name."""
    ranks = {name: rank for rank, name in enumerate(order)}
    return {
        name: _plain_choice(params[name])
        for name in sorted(params, key=lambda name: (ranks.get(name, len(ranks)), name))
    }


def _plain_choice(value: ParamValue) -> object:
    return {"kind": value.kind, "params": _listed(value.params)} if isinstance(value, Choice) else value


def _short(value: float) -> int | float:
    return int(value) if math.isfinite(value) and value == int(value) else value


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(", ", ": "))
