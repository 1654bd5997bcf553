"""A project out of the JSON of its file: every name, number and wire of it is checked against the registry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

from nnviz.errors import ParamError, ProjectError
from nnviz.project import choices, registry, settings
from nnviz.project.choices import Chosen, Slot
from nnviz.project.curation import MOST_CURATED, curated_problem
from nnviz.project.files.file_schema import (
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
from nnviz.project.files.safe_json import joined
from nnviz.project.graph.bypass import bypass_problem
from nnviz.project.graph.wiring import MOST_EDGES, MOST_NODES, can_connect, find_cycle, id_problem, shortened
from nnviz.project.graph_edits import FARTHEST
from nnviz.project.group_edits import MOST_GROUPS, MOST_NOTES, group_problem, item_flaw
from nnviz.project.model import (
    MOST_PINS,
    PIN_SPLITS,
    Arrow,
    Curated,
    DataConfig,
    Edge,
    Graph,
    Group,
    Node,
    Note,
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


def built(raw: FileObject) -> Project:
    """The project in the JSON of a file of the current version.

    Raises:
        ProjectError: It cannot be used; the sentence names the field, and says how many more problems there are.
    """
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
