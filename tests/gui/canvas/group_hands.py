"""Networks with groups, and hands that hold their cards and frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from canvas_hands import LEFT, NONE, Hands, chain
from msgspec.structs import replace
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtTest import QTest

from nnviz.gui.canvas.items.frame_item import FrameItem
from nnviz.project.model import Edge, Graph, Group, Node, PortRef, Project

#: A block with a shortcut: what comes in goes to the first convolution and to the sum.
RESIDUAL = Project(
    name="residual",
    graph=Graph(
        {
            node.id: node
            for node in (
                Node("input", "input", {"shape": (4, 12, 12)}, x=0.0, y=0.0),
                Node("conv1", "conv2d", {"out_channels": 4, "padding": (1, 1)}, x=195.0, y=0.0),
                Node("relu", "relu", x=390.0, y=0.0),
                Node("conv2", "conv2d", {"out_channels": 4, "padding": (1, 1)}, x=585.0, y=0.0),
                Node("add", "add", x=780.0, y=0.0),
                Node("flatten", "flatten", x=975.0, y=0.0),
                Node("linear", "linear", {"out_features": 3}, x=1170.0, y=0.0),
                Node("output", "output", x=1365.0, y=0.0),
            )
        },
        (
            Edge(PortRef("input"), PortRef("conv1")),
            Edge(PortRef("conv1"), PortRef("relu")),
            Edge(PortRef("relu"), PortRef("conv2")),
            Edge(PortRef("conv2"), PortRef("add")),
            Edge(PortRef("input"), PortRef("add", 1)),
            Edge(PortRef("add"), PortRef("flatten")),
            Edge(PortRef("flatten"), PortRef("linear")),
            Edge(PortRef("linear"), PortRef("output")),
        ),
    ),
)
BLOCK = ("conv1", "relu", "conv2", "add")


def with_groups(project: Project, groups: Iterable[Group], members: Mapping[str, str]) -> Project:
    """The project with groups, and with nodes in them: id of the node -> id of its group."""
    graph = project.graph
    nodes = {key: replace(node, group=members.get(key, "")) for key, node in graph.nodes.items()}
    return replace(project, graph=replace(graph, nodes=nodes, groups={group.id: group for group in groups}))


#: The block as one card, with what follows it moved up.
FOLDED = with_groups(
    RESIDUAL, [Group("block", "Residual block", x=195.0, y=0.0)], dict.fromkeys(BLOCK, "block")
)  # fmt: skip
#: The block as a frame.
UNFOLDED = with_groups(
    RESIDUAL, [Group("block", "Residual block", collapsed=False, x=195.0, y=0.0)], dict.fromkeys(BLOCK, "block")
)
#: Three groups in each other, all folded.
NESTED = with_groups(
    RESIDUAL,
    [
        Group("inner", "Inner", "middle", x=195.0, y=0.0),
        Group("middle", "Middle", "outer", x=195.0, y=0.0),
        Group("outer", "Outer", "", x=195.0, y=0.0),
    ],
    {"conv1": "inner", "relu": "inner", "conv2": "middle", "add": "outer"},
)
#: A block in the middle of a row.
CHAIN_BLOCK = with_groups(
    chain("input", "flatten", "linear", "relu", "output", input={"shape": (1, 8, 8)}),
    [Group("pair", "Pair", x=390.0, y=0.0)],
    {"linear": "pair", "relu": "pair"},
)


def frame_of(hands: Hands, group: str) -> FrameItem:
    """The frame of an unfolded group."""
    return hands.view.canvas_scene.frames.items[group]


def title_of(hands: Hands, group: str) -> QPoint:
    """A point on the title of a frame, away from the triangle."""
    head = frame_of(hands, group).head_rect()
    return hands.place(QPointF(head.left() + 80.0, head.center().y()))


def sign_of(hands: Hands, group: str) -> QPoint:
    """The triangle of a frame."""
    return hands.place(frame_of(hands, group).sign_rect().center())


def double_click(hands: Hands, point: QPoint) -> None:
    """Twice, quickly."""
    hands.drag_to(point)
    QTest.mouseDClick(hands.view.viewport(), LEFT, NONE, point)


def roomy(hands: Hands) -> None:
    """A canvas on which a whole network is seen at full size."""
    hands.view.resize(1900, 900)
    hands.view.camera.set_zoom(1.0)
    hands.view.centerOn(hands.view.camera.content_rect().center())


def seen(hands: Hands) -> set[str]:
    """Ids of the cards that are shown."""
    return set(hands.view.canvas_scene.cards)


def shown_wires(hands: Hands) -> set[tuple[str, str]]:
    """The wires between the cards that are shown."""
    return {(edge.source.node, edge.target.node) for edge in hands.view.canvas_scene.wires}


def places(hands: Hands, nodes: Iterable[str]) -> dict[str, tuple[float, float]]:
    """Where nodes stand in the document."""
    return {node: (hands.graph.nodes[node].x, hands.graph.nodes[node].y) for node in nodes}


def same_look(hands: Hands) -> None:
    """What is shown is what a scene that is made from nothing would show."""
    scene, graph = hands.view.canvas_scene, hands.graph
    view = scene.seen
    assert set(scene.cards) == {*view.nodes, *view.cards}
    assert set(scene.wires) == set(view.wires)
    assert list(scene.frames.items) == list(view.frames)
    for key, card in scene.cards.items():
        item = graph.nodes.get(key) or graph.groups[key]
        assert card.place == (item.x, item.y), key


def severity_of(hands: Hands, group: str) -> str:
    """How grave what is wrong in a group looks, on its card or its frame."""
    scene = hands.view.canvas_scene
    return scene.cards[group].look.severity if group in scene.cards else scene.frames.items[group].severity


def undone_at_once(hands: Hands, before: Graph) -> None:
    """The last change was one step, which can be taken back and done again."""
    after = hands.graph
    assert after != before
    hands.document.undo()
    assert hands.graph == before
    same_look(hands)
    hands.document.redo()
    assert hands.graph == after
    same_look(hands)
