"""Random projects and random edits for hypothesis."""

from __future__ import annotations

from contextlib import suppress
from functools import cache

from hypothesis import strategies as st
from msgspec.structs import replace as changed

from nnviz.errors import ProjectError
from nnviz.project import registry, settings
from nnviz.project.declared.preparations import StepSpec
from nnviz.project.drawing.group_layout import arrange_view
from nnviz.project.drawing.grouping import group_edit, remove_edit, ungroup_edit
from nnviz.project.drawing.unfolding import collapsed, expanded
from nnviz.project.edits import (
    UNSET,
    AddNodes,
    Annotate,
    Bypass,
    Connect,
    Disconnect,
    Edit,
    InsertOnEdge,
    Move,
    Regroup,
    RemoveNodes,
    Rename,
    SetData,
    SetKind,
    SetParam,
    SetProject,
    SetTraining,
    SetView,
    Several,
    can_connect,
    new_id,
)
from nnviz.project.graph.bypass import bypass_problem
from nnviz.project.graph.groups import trail
from nnviz.project.group_edits import LARGEST_NOTE, LEAST_NOTE
from nnviz.project.model import (
    NOTE_COLOURS,
    Arrow,
    Choice,
    DataConfig,
    Edge,
    Graph,
    Group,
    Node,
    Note,
    Params,
    ParamValue,
    PortRef,
    Project,
    TrainConfig,
    View,
)
from nnviz.project.spec import ParamSpec

#: Letters of several scripts, an emoji, quotes, a backslash: what breaks careless readers and writers.
NAMES = st.text(st.sampled_from("abcÄß字😀'\"\\ /{}[]:,-→"), max_size=12).map(lambda text: " ".join(text.split()))
NOTES = st.text(st.sampled_from('ab\n\tÄ字😀"\\{}'), max_size=30)
COORDINATES = st.one_of(
    st.integers(-2000, 2000).map(float), st.floats(-1e6, 1e6, allow_nan=False, allow_infinity=False)
)

NOTE_SIDES = st.floats(LEAST_NOTE, LARGEST_NOTE)
ARROW_PLACES = st.floats(-9e5, 9e5)


# Hypothesis looks through each new strategy before it draws from it, which takes longer than to draw: what hangs on a
# declaration alone is made once.


@cache
def param_values(spec: ParamSpec) -> st.SearchStrategy[ParamValue]:
    """Allowed values of a parameter in their normal form."""
    low, high = max(spec.minimum, -1e9), min(spec.maximum, 1e9)
    whole = st.integers(int(low), int(high))
    real = st.floats(low, high, exclude_min=spec.exclusive_minimum, allow_nan=False)
    match spec.type:
        case "bool":
            return st.booleans()
        case "choice":
            return st.sampled_from([key for key, _ in spec.choices])
        case "chosen":
            kinds = [kind for kind, _ in spec.choices]
            return st.sampled_from(kinds).flatmap(
                lambda kind: params_of(spec.settings_of(kind)).map(lambda given: Choice(kind, given) if given else kind)
            )
        case "text":
            return st.just("auto") if spec.name == "device" else NAMES
        case "texts":
            return st.lists(NAMES.filter(bool), max_size=4).map(tuple)
        case "int":
            return whole
        case "float":
            return real
        case "pair":
            return st.tuples(whole, whole)
        case "shape":
            return st.lists(whole, min_size=1, max_size=4).map(tuple)
        case "vector":
            return st.none() | st.lists(real, max_size=4).map(tuple)
        case "matrix":
            row = st.tuples(real, real)
            return st.none() | st.lists(row, min_size=1, max_size=3).map(tuple)


@cache
def params_of(specs: tuple[ParamSpec, ...]) -> st.SearchStrategy[Params]:
    """Some of the parameters, others left to their defaults."""
    if not specs:
        return st.builds(dict)
    some = st.lists(st.sampled_from(specs), unique_by=lambda spec: spec.name)

    @st.composite
    def params(draw: st.DrawFn) -> Params:
        return {spec.name: draw(param_values(spec)) for spec in draw(some)}

    return params()


@cache
def one_of_these(items: tuple[str, ...]) -> st.SearchStrategy[str]:
    """One of a few names, such as kinds of layers or groups."""
    return st.sampled_from(items)


#: Now and then.
RARELY = st.integers(0, 5).map(lambda number: number == 0)
PORTS = [st.integers(0, most) for most in range(5)]


@st.composite
def new_nodes(draw: st.DrawFn, graph: Graph, taken: tuple[str, ...] = (), kind: str = "") -> Node:
    """A node that could be added."""
    kind = kind or draw(one_of_these(tuple(registry.layers())))
    params = draw(params_of(registry.layer(kind).params))
    group = draw(one_of_these(("", *graph.groups)))
    x, y = draw(COORDINATES), draw(COORDINATES)
    node = Node(new_id(graph, kind, taken), kind, params, draw(NAMES), x, y, group)
    return changed(node, bypassed=draw(RARELY) and not bypass_problem(node))


@st.composite
def graphs(draw: st.DrawFn, most: int = 8) -> Graph:
    """Any graph that can be drawn: loose cards, branches, joins, double wires into a join, groups in groups, notes and
    arrows, layers left out; never a circle.
    """
    groups = draw(group_trees())
    nodes: dict[str, Node] = {}
    for _ in range(draw(st.integers(0, most))):
        node = draw(new_nodes(Graph(nodes, groups=groups)))
        nodes[node.id] = node
    edges: list[Edge] = []
    ids = list(nodes)
    for _ in range(draw(st.integers(0, 2 * len(ids)))):
        source, target = draw(one_of_these(tuple(ids))), draw(one_of_these(tuple(ids)))
        spec = registry.layer(nodes[target].kind)
        edge = Edge(PortRef(source), PortRef(target, draw(PORTS[min(4, max(0, spec.max_inputs - 1))])))
        free = all(other.target != edge.target for other in edges)
        if free and not can_connect(Graph(nodes, tuple(edges)), edge.source, edge.target):
            edges.append(edge)
    notes = {note.id: note for note in [draw(new_notes(f"note{at}", groups)) for at in range(draw(st.integers(0, 2)))]}
    arrows = {
        item.id: item for item in [draw(new_arrows(f"arrow{at}", groups)) for at in range(draw(st.integers(0, 1)))]
    }
    return Graph(nodes, tuple(draw(st.permutations(edges))), groups, notes, arrows)


@st.composite
def group_trees(draw: st.DrawFn, most: int = 4) -> dict[str, Group]:
    """Groups in groups, in the order of their ids; not always the outer ones first."""
    ids = draw(st.permutations([f"group{at}" for at in range(draw(st.integers(0, most)))]))
    groups: dict[str, Group] = {}
    for identity in ids:
        parent = draw(one_of_these(("", *groups)))
        place = draw(COORDINATES), draw(COORDINATES)
        groups[identity] = Group(identity, draw(NAMES), parent, draw(st.booleans()), *place)
    return dict(sorted(groups.items()))


@st.composite
def new_notes(draw: st.DrawFn, identity: str, groups: dict[str, Group]) -> Note:
    """A note."""
    colour, group = draw(one_of_these(NOTE_COLOURS)), draw(one_of_these(("", *groups)))
    place = draw(COORDINATES), draw(COORDINATES)
    return Note(identity, draw(NOTES), *place, draw(NOTE_SIDES), draw(NOTE_SIDES), colour, group)


@st.composite
def new_arrows(draw: st.DrawFn, identity: str, groups: dict[str, Group]) -> Arrow:
    """An arrow."""
    colour, group = draw(one_of_these(NOTE_COLOURS)), draw(one_of_these(("", *groups)))
    x, y, across, down = (draw(ARROW_PLACES) / 2 for _ in range(4))
    return Arrow(identity, x, y, across, down, colour, group)


@st.composite
def steps(draw: st.DrawFn, known: registry.Registry[StepSpec]) -> Choice:
    """A step of preparation or augmentation with settings of its own."""
    spec = known(draw(one_of_these(tuple(known.all))))
    return Choice(spec.kind, draw(params_of(spec.params)))


DATASETS = st.sampled_from(["digits", "mnist", "moons"])
#: Parameters of a data set, which the project does not know.
DATASET_PARAMS = st.dictionaries(
    st.sampled_from(["noise", "seed", "size", "folder"]),
    st.one_of(
        st.lists(NAMES.filter(bool), min_size=1, max_size=3).map(tuple),
        st.booleans(),
        st.integers(-99, 99),
        st.floats(-9, 9),
        NAMES,
        st.tuples(st.integers(0, 9)),
    ),
    max_size=3,
)
PREPARATIONS = st.lists(steps(registry.PREPARATIONS), max_size=3).map(tuple)
AUGMENTATIONS = st.lists(steps(registry.AUGMENTATIONS), max_size=2).map(tuple)


@st.composite
def data_configs(draw: st.DrawFn) -> DataConfig:
    """Settings of data, with parameters that only the data set knows."""
    own = draw(params_of(settings.DATA))
    return DataConfig(
        dataset=draw(DATASETS),
        params=draw(DATASET_PARAMS),
        preparation=draw(PREPARATIONS),
        augmentation=draw(AUGMENTATIONS),
        **own,
    )


@st.composite
def train_configs(draw: st.DrawFn) -> TrainConfig:
    """Settings of training."""
    kind = draw(one_of_these(tuple(registry.optimizers())))
    own = draw(params_of(settings.TRAINING))
    return TrainConfig(optimizer=Choice(kind, draw(params_of(registry.optimizer(kind).params))), **own)


@st.composite
def projects(draw: st.DrawFn, most: int = 8) -> Project:
    """Any project that the program can make."""
    return Project(
        name=draw(NAMES),
        note=draw(NOTES),
        graph=draw(graphs(most)),
        data=draw(data_configs()),
        training=draw(train_configs()),
        view=View(draw(st.integers(0, 2**31 - 1))),
    )


def gesture_edits(project: Project, gesture: str = "") -> list[st.SearchStrategy[Edit]]:
    """Edits that set a value, by what they set; they apply in whatever order."""
    made: list[st.SearchStrategy[Edit]] = [
        data_configs().map(lambda config: SetData(config, gesture=gesture)),
        train_configs().map(lambda config: SetTraining(config, gesture=gesture)),
        st.integers(0, 99).map(lambda at: SetView(View(at), gesture=gesture)),
        st.tuples(st.none() | NAMES, st.none() | NOTES).map(lambda both: SetProject(*both, gesture=gesture)),
    ]
    graph = project.graph
    for group in graph.groups.values():
        texts = NAMES.map(lambda name, group=group: {group.id: changed(group, name=name)})
        made.append(texts.map(lambda groups: Regroup(groups, gesture=gesture)))
    for note in graph.notes.values():
        texts = NOTES.map(lambda text, note=note: {note.id: changed(note, text=text)})
        made.append(texts.map(lambda notes: Annotate(notes, gesture=gesture)))
    ids = list(graph.nodes)
    movable = [*ids, *graph.groups, *graph.notes]
    if movable:
        anywhere = st.tuples(COORDINATES, COORDINATES)
        made.append(st.dictionaries(st.sampled_from(movable), anywhere).map(lambda to: Move(to, gesture=gesture)))
    able = [node.id for node in graph.nodes.values() if not bypass_problem(node)]
    if able:
        chosen = st.dictionaries(st.sampled_from(able), st.booleans(), min_size=1)
        made.append(chosen.map(lambda nodes: Bypass(nodes, gesture=gesture)))
    if not ids:
        return made
    made.append(st.tuples(st.sampled_from(ids), NAMES).map(lambda both: Rename(both[0], both[1], gesture=gesture)))
    for node in project.graph.nodes.values():
        for spec in registry.layer(node.kind).params:
            values = st.just(UNSET) | param_values(spec)
            made.append(
                values.map(lambda value, at=node.id, spec=spec: SetParam(at, spec.name, value, gesture=gesture))
            )
    return made


def edits(project: Project) -> st.SearchStrategy[Edit]:
    """Any edit that applies to this project."""
    graph = project.graph
    made = [*gesture_edits(project), additions(graph), drawing_edits(graph)]
    ids = list(graph.nodes)
    if ids:
        some = st.lists(st.sampled_from(ids), min_size=1, max_size=4, unique=True).map(tuple)
        made.append(st.builds(RemoveNodes, some, st.booleans()))
        legal = [
            Edge(PortRef(source), PortRef(target, port))
            for source in ids
            for target in ids
            for port in range(min(3, registry.layer(graph.nodes[target].kind).max_inputs))
            if not can_connect(graph, PortRef(source), PortRef(target, port))
        ]
        if legal:
            made.append(st.sampled_from(legal).map(Connect))
        made.extend(swaps(graph))
    if graph.edges:
        made.append(st.sampled_from(graph.edges).map(Disconnect))
        made.append(insertions(graph))
    return st.one_of(made)


@st.composite
def drawing_edits(draw: st.DrawFn, graph: Graph) -> Edit:
    """Edits of groups, notes and arrows, as the hand makes them and as they are made by themselves."""
    groups, notes, arrows = dict(graph.groups), [*graph.notes, "note9"], [*graph.arrows, "arrow9"]
    everything = [*graph.nodes, *graph.groups, *graph.notes, *graph.arrows]
    made = [new_notes(note, groups).map(lambda note: Annotate({note.id: note})) for note in notes]
    made += [new_arrows(arrow, groups).map(lambda arrow: Annotate(arrows={arrow.id: arrow})) for arrow in arrows]
    made += [st.just(Annotate({note: None})) for note in graph.notes]
    made.append(st.just(Move(_within_bounds(arrange_view(graph)))))
    for group in groups.values():
        free = ["", *(other for other in groups if group.id not in trail(graph, other))]
        made.append(st.sampled_from(free).map(lambda to, group=group: Regroup({group.id: changed(group, parent=to)})))
        made += [st.just(make(graph, group.id)) for make in (expanded, collapsed)]
        with suppress(ProjectError):  # What stands at the very edge cannot give way.
            made.append(st.just(ungroup_edit(graph, group.id)))
    if everything:
        some = st.lists(st.sampled_from(everything), min_size=1, max_size=4, unique=True)
        made.append(st.builds(remove_edit, st.just(graph), some, st.booleans()))
        members = [item for item in everything if item not in groups]
        if members:
            to = st.dictionaries(st.sampled_from(members), st.sampled_from(["", *groups]), min_size=1)
            made.append(to.map(lambda members: Regroup({}, members)))
        chosen = draw(some)
        try:
            made.append(st.just(group_edit(graph, chosen, draw(NAMES), draw(st.booleans()))))
        except ProjectError as error:
            assert error.message.endswith(".")
    edit = draw(st.one_of(made))
    try:
        edit.apply(Project(graph=graph))
    except ProjectError as error:  # What stands at the very edge cannot give way.
        assert "cannot lie at" in error.message, error
        return Annotate()
    return edit


def _within_bounds(places: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """Without what lies too far away: a note keeps its distance from its card, however far that is."""
    return {item: place for item, place in places.items() if max(map(abs, place)) <= 1e6}


def swaps(graph: Graph) -> list[st.SearchStrategy[Edit]]:
    """Other kinds with the same wires."""
    specs = list(registry.layers().values())
    pairs = [
        SetKind(node.id, other.kind)
        for node in graph.nodes.values()
        for spec in [registry.layer(node.kind)]
        for other in specs
        if (spec.min_inputs, spec.max_inputs, spec.outputs) == (other.min_inputs, other.max_inputs, other.outputs)
    ]
    return [st.sampled_from(pairs)]


@st.composite
def additions(draw: st.DrawFn, graph: Graph) -> Edit:
    """New nodes, wired to each other and to what is there."""
    nodes: list[Node] = []
    for _ in range(draw(st.integers(1, 3))):
        nodes.append(draw(new_nodes(graph, tuple(node.id for node in nodes))))
    edit = AddNodes(tuple(nodes))
    after = edit.apply(Project(graph=graph)).graph
    edges: list[Edge] = []
    fresh = [node.id for node in nodes]
    for _ in range(draw(st.integers(0, 4))):
        ends = [draw(one_of_these(tuple(fresh))), draw(one_of_these(tuple(after.nodes)))]
        source, target = draw(st.permutations(ends))
        edge = Edge(PortRef(source), PortRef(target, draw(st.integers(0, 2))))
        taken = {other.target for other in after.edges}
        if edge.target not in taken and not can_connect(after, edge.source, edge.target):
            edges.append(edge)
            after = changed(after, edges=(*after.edges, edge))
    return AddNodes(tuple(nodes), tuple(edges))


@st.composite
def insertions(draw: st.DrawFn, graph: Graph) -> Edit:
    """A layer dropped onto a wire: a new one, or one of the loose cards."""
    edge = draw(st.sampled_from(graph.edges))
    through = [kind for kind, spec in registry.layers().items() if spec.max_inputs and spec.outputs]
    new = InsertOnEdge(draw(new_nodes(graph, kind=draw(one_of_these(tuple(through))))), edge)
    touched = {end for wire in graph.edges for end in (wire.source.node, wire.target.node)}
    loose = [node for node in graph.nodes.values() if node.id not in touched and node.kind in through]
    if loose and draw(st.booleans()):
        return InsertOnEdge(changed(draw(st.sampled_from(loose)), x=draw(COORDINATES)), edge)
    return new


@st.composite
def several(draw: st.DrawFn, project: Project) -> Several:
    """A few edits as one."""
    made: list[Edit] = []
    for _ in range(draw(st.integers(0, 4))):
        edit = draw(edits(project))
        made.append(edit)
        project = edit.apply(project)
    return Several(tuple(made), "Several")
