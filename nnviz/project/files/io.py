"""Projects as files: versioned JSON that a person can read, compare and mend.

Reading goes in stages, each of which can trust the one before: bytes (size, UTF-8, depth) -> JSON (no NaN, no doubled
keys) -> version -> migrations -> schema (msgspec) -> every name, number and wire against the registry. Whatever is in
the file, the answer is a project or one sentence with the file and the field; nothing in it is ever executed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from nnviz import paths
from nnviz.errors import InputError, ParamError, ProjectError, StorageError
from nnviz.project import choices, registry, settings
from nnviz.project.choices import Chosen, Slot
from nnviz.project.curation import MOST_CURATED, curated_problem
from nnviz.project.files import own_folder
from nnviz.project.files.atomic import write_atomically
from nnviz.project.files.file_schema import (
    MIGRATIONS,
    VERSION,
    ArrowFile,
    CuratedFile,
    DataFile,
    EdgeFile,
    FileObject,
    GraphFile,
    GroupFile,
    NodeFile,
    NoteFile,
    ProjectFile,
    TrainingFile,
    ViewFile,
    schema_problem,
)
from nnviz.project.files.safe_json import LARGEST_FILE, joined, parse_json, size_problem
from nnviz.project.graph.bypass import bypass_problem
from nnviz.project.graph.wiring import MOST_EDGES, MOST_NODES, can_connect, find_cycle, id_problem, shortened
from nnviz.project.graph_edits import FARTHEST
from nnviz.project.group_edits import MOST_GROUPS, MOST_NOTES, group_problem, item_flaw
from nnviz.project.model import (
    MOST_PINS,
    PIN_SPLITS,
    Arrow,
    Choice,
    Curated,
    DataConfig,
    Edge,
    Graph,
    Group,
    Node,
    Note,
    Params,
    ParamValue,
    Pin,
    PortRef,
    Project,
    TrainConfig,
    View,
)
from nnviz.project.spec import MOST_TEXTS, ParamSpec, Spec
from nnviz.project.text import (
    DATASET_KEY,
    clean_name,
    device_problem,
    line_problem,
    name_problem,
    note_problem,
    run_name_problem,
    value_problem,
)
from nnviz.regular_files import open_regular

SUFFIX = ".nnviz"


# -- Reading ----------------------------------------------------------------------------------------------------------


def load(path: Path | str) -> Project:
    """The project in a file; a folder of the user's own is made absolute (see ``own_folder.py``).

    Raises:
        ProjectError: There is no such file, or it cannot be used; the sentence names the file and the field.
    """
    path = Path(path)
    try:
        with open_regular(path) as file:
            data = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = "There is no permission to read it." if isinstance(error, PermissionError) else paths.reason_of(error)
        raise ProjectError(reason, file=paths.shown(path)) from None
    return own_folder.of_project(loads(data, paths.shown(path)), path)


def load_run_name(path: Path | str) -> str:
    """What the file of a project calls the run that holds its weights; empty where it names none or is no project."""
    try:
        with open_regular(Path(path)) as file:
            named = _with_version(parse_json(file.read(LARGEST_FILE + 1))).get("run", "")
    except (OSError, ValueError, InputError):
        return ""
    return named if isinstance(named, str) and not run_name_problem(named) else ""


def loads(data: bytes, name: str = "") -> Project:
    """The project in the bytes of a file.

    Args:
        data: As :func:`dumps` gives them.
        name: Of the file, for the sentence when something is wrong.

    Raises:
        ProjectError: It cannot be used; the sentence names the file and the field.
    """
    try:
        raw = _migrated(_with_version(parse_json(data)))
        return _built(raw)
    except InputError as error:
        raise ProjectError(error.message, field=error.field, file=name) from None


def _with_version(raw: object) -> FileObject:
    if not isinstance(raw, dict):
        raise ProjectError(f"This is not a project file: it holds {_noun(raw)} instead of an object.")
    if "nnviz" not in raw:
        raise ProjectError("This is not a project file: the format's version is missing.", field="nnviz")
    version = raw["nnviz"]
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ProjectError("The format's version must be a whole number from 1 on.", field="nnviz")
    if version > VERSION:
        raise ProjectError(
            f"This file was written by a newer nnviz (format {shortened(str(version))}, this one knows formats up to "
            f"{VERSION}): update nnviz to open it.",
            field="nnviz",
        )
    return raw


def _noun(value: object) -> str:
    names: Iterable[tuple[type, str]] = (
        (bool, "true or false"), (int, "a number"), (float, "a number"), (str, "text"), (list, "a list"),
    )  # fmt: skip
    return next((name for kind, name in names if isinstance(value, kind)), "nothing")


def _migrated(raw: FileObject) -> FileObject:
    """The JSON in the current version, one step at a time."""
    while (version := raw["nnviz"]) < VERSION:
        try:
            raw = {**MIGRATIONS[version](raw), "nnviz": version + 1}
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            raise ProjectError(f"This file of the older format {version} is damaged and cannot be read.") from None
    return raw


# -- Building ---------------------------------------------------------------------------------------------------------


def _built(raw: FileObject) -> Project:
    try:
        file = msgspec.convert(raw, ProjectFile)
    except msgspec.ValidationError as error:
        raise schema_problem(str(error)) from None
    problems = _Problems()
    problems.text("run", file.run, run_name_problem)
    project = Project(
        # As a later edit would leave it: else undoing that edit would not lead back.
        name=clean_name(problems.text("name", file.name, name_problem)),
        note=problems.text("note", file.note, note_problem),
        data=_data(file.data, problems),
        training=_training(file.training, problems),
        view=_view(file.view, problems),
        graph=_graph(file.graph, problems),
        curation=_curation(file.curation, problems),
    )
    problems.raise_first()
    return project


class _Problems:
    """Collects what is wrong, so that the sentence can say how many more there are."""

    def __init__(self) -> None:
        self._found: list[tuple[str, str]] = []

    def add(self, field: str, message: str) -> None:
        self._found.append((field, message))

    def text(self, field: str, value: str, problem: Callable[[str], str]) -> str:
        message = problem(value)
        if message:
            self.add(field, message)
        return value

    def params(self, field: str, specs: Iterable[ParamSpec], given: Mapping[str, object]) -> dict[str, ParamValue]:
        """The values in normal form; in the order of the declaration."""
        parsed: dict[str, ParamValue] = {}
        for spec in specs:
            if spec.name in given:
                try:
                    parsed[spec.name] = spec.parse(given[spec.name])
                except ParamError as error:
                    self.add(joined(field, spec.name), error.message)
        return parsed

    def params_of(self, field: str, spec: Spec, given: Mapping[str, object]) -> dict[str, ParamValue]:
        """Like :meth:`params`, and refuses names that the Spec does not know."""
        for name in given:
            try:
                spec.param(name)
            except ParamError:
                known = ", ".join(param.name for param in spec.params) or "none"
                self.add(joined(field, name), f"{spec.title} has no parameter '{shortened(name)}' (it has: {known}).")
        return self.params(field, spec.params, given)

    def choices(self, field: str, slots: Iterable[Slot], file: DataFile | TrainingFile) -> dict[str, Chosen]:
        """What the slots of a part of the file hold."""
        parsed: dict[str, Chosen] = {}
        for slot in slots:
            try:
                parsed[slot.name] = slot.parse(getattr(file, slot.name))
            except ParamError as error:
                self.add(f"{field}.{error.field}", error.message)
        return parsed

    def raise_first(self) -> None:
        if not self._found:
            return
        field, message = self._found[0]
        more = len(self._found) - 1
        if more:
            message += f" ({more} more {'problem' if more == 1 else 'problems'} in this file.)"
        raise ProjectError(message, field=field)


def _data(file: DataFile, problems: _Problems) -> DataConfig:
    if not DATASET_KEY.fullmatch(file.dataset):
        problems.add("data.dataset", f"'{shortened(file.dataset)}' cannot be the key of a data set.")
    own: dict[str, object] = {**problems.params("data", settings.DATA, msgspec.structs.asdict(file))}
    own.update(problems.choices("data", choices.DATA, file))
    params = {
        name: value
        for name, raw in file.params.items()
        if (value := _plain(raw, joined("data.params", name), problems)) is not _REFUSED
    }
    return DataConfig(dataset=file.dataset, params=params, **own)  # type: ignore[arg-type]  # the declarations carry the types


_REFUSED = ("refused",)


def _plain(raw: object, field: str, problems: _Problems) -> ParamValue:
    """A value of a data set, whose declaration is not known here: a number, a text, a list of either, or a table."""
    if raw is None or isinstance(raw, (bool, int, float)):
        return raw
    if isinstance(raw, str):
        if problem := value_problem(raw):
            problems.add(field, problem)
            return _REFUSED
        return raw
    if isinstance(raw, list) and all(item is None or isinstance(item, (bool, int, float)) for item in raw):
        return tuple(raw)
    if isinstance(raw, list) and all(isinstance(row, list) and all(map(_is_number, row)) for row in raw):
        return tuple(map(tuple, raw))
    if isinstance(raw, list) and len(raw) <= MOST_TEXTS and all(isinstance(item, str) for item in raw):
        if problem := next(filter(None, map(line_problem, raw)), ""):
            problems.add(field, problem)
            return _REFUSED
        return tuple(raw)
    problems.add(
        field, "This must be a number, a text, true, false, or a list of numbers, of texts or of rows of numbers."
    )
    return _REFUSED


def _is_number(raw: object) -> bool:
    return isinstance(raw, (int, float)) and not isinstance(raw, bool)


def _training(file: TrainingFile, problems: _Problems) -> TrainConfig:
    own: dict[str, object] = {**problems.params("training", settings.TRAINING, msgspec.structs.asdict(file))}
    device = own.get("device", "auto")
    if isinstance(device, str):
        problems.text("training.device", device, device_problem)
    own.update(problems.choices("training", choices.TRAINING, file))
    return TrainConfig(**own)  # type: ignore[arg-type]  # the declarations carry the types


_PIN_SPLITS = "This must be train or validation: the test set is sealed."


def _view(file: ViewFile, problems: _Problems) -> View:
    if not 0 <= file.pinned_sample < 2**31:
        problems.add("view.pinned_sample", "This must be a whole number from 0 on.")
    if file.pinned_split not in PIN_SPLITS:
        problems.add("view.pinned_split", _PIN_SPLITS)
    if len(file.pins) > MOST_PINS:
        problems.add("view.pins", f"This list has {len(file.pins)} entries; at most {MOST_PINS} are allowed.")
        return View(file.pinned_sample)
    pins: dict[Pin, None] = {}
    for place, one in enumerate(file.pins):
        if not 0 <= one.index < 2**31:
            problems.add(f"view.pins[{place}].index", "This must be a whole number from 0 on.")
        if one.split not in PIN_SPLITS:
            problems.add(f"view.pins[{place}].split", _PIN_SPLITS)
        pins[Pin(one.index, one.split)] = None
    return View(file.pinned_sample, file.pinned_split, tuple(pins))


def _curation(items: Sequence[CuratedFile], problems: _Problems) -> tuple[Curated, ...]:
    if len(items) > MOST_CURATED:
        raise ProjectError(f"This list has {len(items)} entries; at most {MOST_CURATED} are allowed.", field="curation")
    found: dict[int, Curated] = {}
    for at, item in enumerate(items):
        entry = Curated(item.example, item.mark, item.label, item.weight)
        if problem := curated_problem(entry):
            problems.add(f"curation[{at}].{problem[0]}", problem[1])
        elif entry.example in found:
            problems.add(f"curation[{at}].example", f"There are two entries for example {entry.example}.")
        elif not entry.is_usual:
            found[entry.example] = entry
    return tuple(found[example] for example in sorted(found))


def _graph(file: GraphFile, problems: _Problems) -> Graph:
    for field, items, most in (("graph.nodes", file.nodes, MOST_NODES), ("graph.edges", file.edges, MOST_EDGES)):
        if len(items) > most:
            raise ProjectError(f"This list has {len(items)} entries; at most {most} are allowed.", field=field)
    nodes: dict[str, Node] = {}
    known: set[str] = set()
    for at, item in enumerate(file.nodes):
        field = f"graph.nodes[{at}]"
        problem = id_problem(item.id)
        if not problem and item.id in known:
            problem = f"There are two nodes with the id '{item.id}'."
        if problem:
            problems.add(f"{field}.id", problem)
            continue
        known.add(item.id)
        node = _node(item, field, problems)
        if node is not None:
            nodes[item.id] = node
    edges = _edges(file.edges, nodes, known, problems)
    groups = _items("graph.groups", file.groups, Group, MOST_GROUPS, known, problems)
    notes = _items("graph.notes", file.notes, Note, MOST_NOTES, known, problems)
    arrows = _items("graph.arrows", file.arrows, Arrow, MOST_NOTES, known, problems)
    graph = Graph(nodes, edges, groups, notes, arrows)
    if not _homeless(file, groups, problems) and (problem := group_problem(graph)):
        problems.add("graph.groups", problem)
    circle = find_cycle(graph)
    if circle:
        shown = " → ".join((*circle[:8], "…" if len(circle) > 8 else circle[0]))
        problems.add("graph.edges", f"The wires run in a circle: {shown}.")
    return graph


def _homeless(file: GraphFile, groups: Mapping[str, Group], problems: _Problems) -> bool:
    """Whether something stands in a group that there is not; each such thing is a problem."""
    named = [
        *((f"graph.nodes[{at}].group", node.id, node.group) for at, node in enumerate(file.nodes)),
        *((f"graph.groups[{at}].parent", group.id, group.parent) for at, group in enumerate(file.groups)),
        *((f"graph.notes[{at}].group", note.id, note.group) for at, note in enumerate(file.notes)),
        *((f"graph.arrows[{at}].group", arrow.id, arrow.group) for at, arrow in enumerate(file.arrows)),
    ]
    missing = [entry for entry in named if entry[2] and entry[2] not in groups]
    for field, item, group in missing:
        problems.add(field, f"There is no group '{shortened(group)}' for {shortened(item)}.")
    return bool(missing)


def _node(item: NodeFile, field: str, problems: _Problems) -> Node | None:
    try:
        spec = registry.layer(item.kind)
    except ProjectError:
        problems.add(f"{field}.kind", f"There is no layer '{shortened(item.kind)}'.")
        return None
    for name, value in (("x", item.x), ("y", item.y)):
        if abs(value) > FARTHEST:
            problems.add(f"{field}.{name}", f"This is {value:g}, but must lie between -{FARTHEST:g} and {FARTHEST:g}.")
    title = clean_name(problems.text(f"{field}.name", item.name, name_problem))
    params = problems.params_of(f"{field}.params", spec, item.params)
    node = Node(item.id, spec.kind, params, title, item.x, item.y, item.group, item.bypassed, item.frozen)
    problem = bypass_problem(node) if item.bypassed else ""
    if problem:
        problems.add(f"{field}.bypassed", problem)
    return node


_Item = TypeVar("_Item", Group, Note, Arrow)


def _items(
    field: str,
    items: Sequence[GroupFile] | Sequence[NoteFile] | Sequence[ArrowFile],
    made: type[_Item],
    most: int,
    known: set[str],
    problems: _Problems,
) -> dict[str, _Item]:
    """Groups, notes or arrows by their ids, in the order of these."""
    if len(items) > most:
        raise ProjectError(f"This list has {len(items)} entries; at most {most} are allowed.", field=field)
    found: dict[str, _Item] = {}
    for at, item in enumerate(items):
        built = made(**msgspec.structs.asdict(item))
        wrong, problem = item_flaw(built)
        if not problem and built.id in known:
            wrong, problem = "id", f"The id '{built.id}' is taken already."
        if problem:
            problems.add(f"{field}[{at}].{wrong}", problem)
            continue
        known.add(built.id)
        found[built.id] = built
    return dict(sorted(found.items()))


def _edges(items: list[EdgeFile], nodes: Mapping[str, Node], known: set[str], problems: _Problems) -> tuple[Edge, ...]:
    edges: list[Edge] = []
    taken: dict[PortRef, int] = {}
    bare = Graph(nodes, ())
    for at, item in enumerate(items):
        field = f"graph.edges[{at}]"
        edge = Edge(PortRef(item.source, item.source_port), PortRef(item.target, item.target_port))
        for end, node_id in (("source", item.source), ("target", item.target)):
            if node_id not in known:
                problems.add(f"{field}.{end}", f"There is no node '{shortened(node_id)}'.")
        if item.source not in nodes or item.target not in nodes:
            continue
        reason = can_connect(bare, edge.source, edge.target)
        if not reason and edge.target in taken:
            reason = f"This ends at the same input as graph.edges[{taken[edge.target]}]; an input takes one wire."
        if reason:
            problems.add(field, reason)
            continue
        taken[edge.target] = at
        edges.append(edge)
    return tuple(edges)


# -- Writing ----------------------------------------------------------------------------------------------------------


def dumps(project: Project, run: str = "") -> bytes:
    """The bytes of a file: JSON, a node and a wire a line, everything else a field a line, in a stable order.

    Args:
        project: What it holds.
        run: What it calls the run that holds the weights.

    Raises:
        ProjectError: It holds something that no file can (NaN, a text that is no text).
    """
    try:
        return "".join(_lines(project, run)).encode()
    except ValueError as error:
        raise ProjectError(f"This project cannot be saved: {error}.") from None


def save(project: Project, path: Path | str, run: str = "") -> None:
    """Writes the project, and what it calls its run, to a file, wholly or not at all.

    Raises:
        StorageError: It could not be written; the old file is untouched.
    """
    data = dumps(own_folder.for_file(project, Path(path)), run)
    problem = size_problem(data)
    if problem:  # It could not be opened again.
        raise StorageError(f"{path} could not be saved: it {problem}. What was there before is untouched.")
    write_atomically(data, Path(path))


def _lines(project: Project, run: str) -> Iterator[str]:
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
