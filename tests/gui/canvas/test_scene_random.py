"""Whatever was done before, the scene is the one that would be made from nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec.structs import replace as facts_with
from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainterPath
from PySide6.QtWidgets import QApplication

from nnviz.errors import NnvizError
from nnviz.gui.canvas.cards.facts import CardFacts, Picture
from nnviz.gui.canvas.items.stage import Stage
from nnviz.gui.canvas.scene import CanvasScene
from nnviz.gui.canvas.view import CanvasView
from nnviz.project.document import Document
from nnviz.project.drawing.alignment import Alignment, Direction
from nnviz.project.edits import Annotate, Connect, Edit, Move, SetParam, can_connect
from nnviz.project.files import io
from nnviz.project.model import Arrow, DataFacts, Edge, Graph, Group, Node, Note, PortRef, Project

DIGITS = DataFacts((1, 28, 28), 10, "classes", tuple("0123456789"))
KINDS = (
    "conv2d", "relu", "max_pool2d", "linear", "add", "concatenate", "output", "input", "flatten", "dropout",
)  # fmt: skip


def start() -> Project:
    """A small network with a fork, a join and a frame, so that the first step finds something to do."""
    nodes = [
        Node("input", "input", {"shape": (1, 28, 28)}),
        Node("conv1", "conv2d", {"padding": (1, 1)}, x=195.0),
        Node("relu1", "relu", x=390.0, y=-150.0, group="block"),
        Node("relu2", "relu", x=390.0, y=150.0, group="block"),
        Node("add1", "add", x=585.0, group="block"),
        Node("output", "output", x=780.0),
    ]
    wires = [("input", "conv1", 0), ("conv1", "relu1", 0), ("conv1", "relu2", 0), ("relu1", "add1", 0)]
    wires += [("relu2", "add1", 1), ("add1", "output", 0)]
    edges = tuple(Edge(PortRef(a), PortRef(b, port)) for a, b, port in wires)
    groups = {"block": Group("block", "Block", collapsed=False)}
    return Project(graph=Graph({node.id: node for node in nodes}, edges, groups))


class Hand:
    """Does things to a canvas; each takes two numbers, of which it makes what it needs."""

    def __init__(self, view: CanvasView, document: Document) -> None:
        self.view, self.document = view, document
        self.notes = 0

    @property
    def graph(self) -> Graph:
        return self.document.project.graph

    def cards(self) -> list[str]:
        return [*self.view.canvas_scene.cards, *self.view.canvas_scene.frames.items]

    def some(self, first: int, second: int) -> list[str]:
        """One to four neighbours in the list of all that can be chosen."""
        cards = self.cards()
        if not cards:
            return []
        at = first % len(cards)
        return (cards + cards)[at : at + 1 + second % min(4, len(cards))]

    def choose(self, a: int, b: int) -> None:
        self.view.select(self.some(a, b))

    def choose_wire(self, a: int, b: int) -> None:
        wires = list(self.view.canvas_scene.wires)
        if wires:
            self.view.canvas_scene.select((), [wires[a % len(wires)]])

    def add(self, a: int, b: int) -> None:
        place = QPointF(a * 37.0 % 1500, b * 53.0 % 700) if b % 2 else None
        self.view.desk.add_layer(KINDS[a % len(KINDS)], place)

    def add_row(self, a: int, b: int) -> None:
        cards = [card for card, item in self.view.canvas_scene.cards.items() if item.facts.output_ports]
        source = PortRef(cards[a % len(cards)]) if cards else None
        self.view.editing.add_row(["conv2d", "relu"], QPointF(a * 11.0, b * 7.0), source=source)

    def connect(self, a: int, b: int) -> None:
        nodes = list(self.graph.nodes)
        if nodes:
            wire = Edge(PortRef(nodes[a % len(nodes)]), PortRef(nodes[b % len(nodes)], (a + b) % 3))
            if not can_connect(self.graph, wire.source, wire.target):
                self.apply(Connect(wire))

    def set_param(self, a: int, b: int) -> None:
        convolutions = [node for node in self.graph.nodes.values() if node.kind == "conv2d"]
        if convolutions:
            side = 1 + b % 32
            self.apply(SetParam(convolutions[a % len(convolutions)].id, "kernel_size", (side, side)))

    def move(self, a: int, b: int) -> None:
        nodes = list(self.graph.nodes)
        if nodes:
            self.apply(Move({nodes[a % len(nodes)]: (a * 91.0 % 1300 - 200, b * 67.0 % 900 - 300)}))

    def note(self, a: int, b: int) -> None:
        groups = ["", *self.graph.groups]
        if self.graph.notes and a % 3 == 0:
            gone = list(self.graph.notes)[b % len(self.graph.notes)]
            self.apply(Annotate({gone: None}))
            return
        self.notes += 1
        group = groups[b % len(groups)]
        place = (a * 31.0 % 900, b * 17.0 % 600)
        note = Note(f"remark{self.notes}", "What this does", *place, group=group)
        arrow = Arrow(f"pointer{self.notes}", *place, group=group)
        taken = {*self.graph.notes, *self.graph.arrows}
        if not {note.id, arrow.id} & taken:
            self.apply(Annotate({note.id: note}, {arrow.id: arrow} if b % 2 else {}))

    def enter(self, a: int, b: int) -> None:
        groups = ["", *self.graph.groups]
        self.view.groups.enter(groups[a % len(groups)])

    def toggle(self, a: int, b: int) -> None:
        groups = list(self.graph.groups)
        if groups:
            self.view.groups.toggle(groups[a % len(groups)])

    def jump(self, a: int, b: int) -> None:
        history = self.document.history
        self.document.jump(a % (history.position + 1) if b % 2 else history.position)

    def drag_and_give_up(self, a: int, b: int) -> None:
        cards = list(self.view.canvas_scene.cards)
        if cards:
            self.view.canvas_scene.preview({cards[a % len(cards)]: QPointF(b, -a)})
            self.view.canvas_scene.settle()

    def learn(self, a: int, b: int) -> None:
        self.document.set_facts(DIGITS if b % 2 else None)
        self.view.canvas_scene.follow_facts()

    def open(self, a: int, b: int) -> None:
        if b % 4 == 0:
            self.document.replace(start())

    def zoom(self, a: int, b: int) -> None:
        self.view.camera.set_zoom(0.15 + 0.3 * (a % 4))

    def apply(self, edit: Edit) -> None:
        with suppress(NnvizError):  # Refused: then the document is as it was.
            self.document.apply(edit)

    def actions(self) -> dict[str, Callable[[int, int], object]]:
        view = self.view
        alignments, directions = list(Alignment), list(Direction)
        return {
            "choose": self.choose,
            "choose wire": self.choose_wire,
            "add": self.add,
            "add row": self.add_row,
            "connect": self.connect,
            "set": self.set_param,
            "move": self.move,
            "nudge": lambda a, b: view.editing.nudge(a % 50, b % 50),
            "delete": lambda a, b: view.editing.delete(),
            "duplicate": lambda a, b: view.editing.duplicate(),
            "align": lambda a, b: view.editing.align(alignments[a % len(alignments)]),
            "distribute": lambda a, b: view.editing.distribute(directions[a % len(directions)]),
            "rename": lambda a, b: [view.editing.rename(node, "é→" * (b % 3)) for node in view.selected],
            "arrange": lambda a, b: view.desk.arrange(),
            "group": lambda a, b: view.groups.group_selected(),
            "ungroup": lambda a, b: view.groups.ungroup_selected(),
            "toggle": self.toggle,
            "toggle chosen": lambda a, b: view.groups.toggle_selected(),
            "fold all": lambda a, b: view.groups.set_all(fold=bool(a % 2)),
            "bypass": lambda a, b: view.groups.bypass_selected(),
            "enter": self.enter,
            "leave": lambda a, b: view.groups.leave(),
            "note": self.note,
            "undo": lambda a, b: self.document.undo(),
            "redo": lambda a, b: self.document.redo(),
            "jump": self.jump,
            "drag and give up": self.drag_and_give_up,
            "facts": self.learn,
            "open": self.open,
            "zoom": self.zoom,
        }


def known(facts: CardFacts) -> CardFacts:
    """What a card says, without what it keeps from earlier while its shape cannot be known."""
    if facts.shape is None:
        return facts_with(facts, picture=Picture.STRIP, has_parameters=False)
    if facts.parameters is None:
        return facts_with(facts, has_parameters=False)
    return facts


def points(path: QPainterPath) -> list[tuple[float, float]]:
    elements = (path.elementAt(index) for index in range(path.elementCount()))
    return [(round(float(at.x), 3), round(float(at.y), 3)) for at in elements]


def compare(scene: CanvasScene) -> None:
    """The scene against one of the same document made from nothing."""
    document = Document(scene.document.project)
    document.set_facts(scene.document.facts)
    fresh = CanvasScene(document, Stage())
    if scene.root:
        fresh.enter(scene.root)
    assert fresh.root == scene.root
    assert set(scene.cards) == set(fresh.cards)
    assert {card: item.place for card, item in scene.cards.items()} == {
        card: item.place for card, item in fresh.cards.items()
    }
    for card, item in fresh.cards.items():
        assert known(scene.cards[card].facts) == known(item.facts), card
        assert scene.cards[card].look.severity == item.look.severity, card
        assert scene.cards[card].look.target is None
        assert (scene.cards[card].x(), scene.cards[card].y()) == scene.cards[card].place
    assert set(scene.wires) == set(fresh.wires)
    for edge, wire in fresh.wires.items():
        found = scene.wires[edge]
        assert (found.severity, found.reason) == (wire.severity, wire.reason), edge
        assert found.isVisible()
    for node in fresh.cards:
        assert scene.wires_at(node) == fresh.wires_at(node), node
    assert list(scene.frames.items) == list(fresh.frames.items)
    for group, frame in fresh.frames.items.items():
        assert scene.frames.items[group].facts == frame.facts
    # No item is left in the scene that nobody knows of.
    count = lambda one, kind: sum(type(item).__name__ == kind for item in one.items())  # noqa: E731 - asked often
    for kind in {type(item).__name__ for item in (*scene.items(), *fresh.items())}:
        assert count(scene, kind) == count(fresh, kind), kind
    selected = set(scene.selected)
    assert {card for card, item in scene.cards.items() if item.look.selected} == selected & set(scene.cards)
    assert {group for group, item in scene.frames.items.items() if item.selected} == selected & set(scene.frames.items)
    assert {edge for edge, wire in scene.wires.items() if wire.selected} == set(scene.selected_wires)
    heights = {card: item.layout.height for card, item in scene.cards.items()}
    if heights != {card: item.layout.height for card, item in fresh.cards.items()}:
        return  # A card whose shape is not known keeps its size: what follows from sizes may be different.
    for group, frame in fresh.frames.items.items():
        assert scene.frames.items[group].card_rect() == frame.card_rect(), group
    assert scene.content_rect() == fresh.content_rect()
    for node in fresh.cards:
        assert scene.ports_of(node) == fresh.ports_of(node), node
    for edge, wire in fresh.wires.items():
        assert points(scene.wires[edge].path()) == points(wire.path()), edge
    fresh.deleteLater()


STEPS = st.lists(st.tuples(st.integers(0, 29), st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=14)


@hypothesis_settings(max_examples=50)
@given(STEPS)
def test_any_sequence_of_changes_leads_to_the_scene_made_from_nothing(
    qapp: QApplication, steps: list[tuple[int, int, int]]
) -> None:
    document = Document(start())
    view = CanvasView(document)
    view.resize(1000, 700)
    hand = Hand(view, document)
    actions = hand.actions()
    names = list(actions)
    for number, a, b in steps:
        actions[names[number]](a, b)
        compare(view.canvas_scene)
    project = document.project
    assert io.loads(io.dumps(project)) == project
    while document.undo():
        pass
    compare(view.canvas_scene)
    while document.redo():
        pass
    compare(view.canvas_scene)
    view.deleteLater()
