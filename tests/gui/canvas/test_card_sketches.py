"""Cards find out what they say when they are seen or asked; what they say is what an eager card would say."""

from __future__ import annotations

from itertools import pairwise

import pytest
from canvas_hands import Hands, chain
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from nnviz.gui.canvas.cards.describe import tooltip
from nnviz.gui.canvas.cards.facts import CardFacts, CardSketch, Picture, card_facts, is_plane, wired_ports
from nnviz.gui.canvas.cards.shape_glyph import paint_shape
from nnviz.gui.canvas.items.stage import Stage
from nnviz.gui.canvas.scene import CanvasScene
from nnviz.gui.look import theme
from nnviz.project.checks.ranges import output_ranges
from nnviz.project.document import Document
from nnviz.project.edits import Connect, Disconnect, Rename, SetParam
from nnviz.project.model import DataFacts, Edge, Graph, Node, ParamValue, PortRef, Project, Shape

CNN = chain(
    "input", "conv2d", "relu", "dropout", "max_pool2d", "flatten", "linear", "output",
    input={"shape": (1, 28, 28)}, conv2d={"out_channels": 8, "kernel_size": (3, 3)}, linear={"out_features": 10},
)  # fmt: skip
ROW = {f"relu{at}": Node(f"relu{at}", "relu", x=200.0 * at) for at in range(1, 60)}
LONG = Project(
    graph=Graph(
        {"input": Node("input", "input", {"shape": (1, 28, 28)}), **ROW},
        tuple(Edge(PortRef(one), PortRef(other)) for one, other in pairwise(["input", *ROW])),
    )
)

CHANGES: list[tuple[str, str, ParamValue]] = [
    ("input", "shape", (1, 28, 28)),
    ("input", "shape", (3, 40, 12)),
    ("input", "shape", (2,)),
    ("input", "shape", (1, 2, 2)),
    ("conv2d", "out_channels", 3),
    ("conv2d", "kernel_size", (9, 9)),
    ("conv2d", "kernel_size", (3, 3)),
    ("dropout", "probability", 0.25),
    ("linear", "out_features", 2),
    ("linear", "out_features", 10),
    ("output", "loss", "mse"),
]


def told_at_once(document: Document, before: dict[str, CardFacts]) -> dict[str, CardFacts]:
    """What every card says, made at once after each change, from what it said before."""
    graph, inference = document.project.graph, document.inference
    ranges, wired, plane = output_ranges(inference.graph, inference), wired_ports(graph), is_plane(graph, inference)
    return {
        key: card_facts(
            node,
            inference,
            [found for found in document.diagnostics if found.node == key],
            document.facts,
            signed=ranges.get(key, "any") in {"any", "symmetric"},
            wired_inputs=wired.get(key, 0),
            previous=before.get(key),
            plane=plane,
        )
        for key, node in graph.nodes.items()
    }


@hypothesis_settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 16), st.integers(0, 9), st.booleans()), min_size=1, max_size=12))
def test_what_a_card_says_late_is_what_it_would_have_said_at_once(
    qapp: QApplication, steps: list[tuple[int, int, bool]]
) -> None:
    document = Document(CNN)
    scene = CanvasScene(document, Stage())
    expected = told_at_once(document, {})
    for step, which, asked in steps:
        edges = document.project.graph.edges
        if step < len(CHANGES):
            document.apply(SetParam(*CHANGES[step]))
        elif step == len(CHANGES):
            document.set_facts(DataFacts((1, 28, 28), 12, "classes", tuple("abcdefghijkl")))
        elif step == len(CHANGES) + 1:
            document.set_facts(DataFacts((2,), 1, "binary", ("no", "yes")))
        elif step == len(CHANGES) + 2 and edges:
            document.apply(Disconnect(edges[which % len(edges)]))
        elif step == len(CHANGES) + 3 and not any(edge.target.node == "relu" for edge in edges):
            document.apply(Connect(Edge(PortRef("conv2d"), PortRef("relu"))))
        elif step == len(CHANGES) + 4:
            document.undo()
        expected = told_at_once(document, expected)
        scene.follow_facts()
        for key, card in scene.cards.items():
            # Where it stands follows before anybody asks.
            assert card.layout == expected[key].layout
            assert card.content.input_ports == expected[key].input_ports
            assert card.look.severity == expected[key].severity
            if asked:
                assert card.facts == expected[key], key
                assert card.reasons() == list(expected[key].reasons)
    assert {key: card.facts for key, card in scene.cards.items()} == expected


@pytest.mark.parametrize("hands", [LONG], indirect=True)
def test_only_the_cards_in_sight_are_told_all_after_an_edit_that_changes_every_shape(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands.view.grab()
    told: list[str] = []
    facts = CardSketch.facts

    def watched(card: CardSketch) -> CardFacts:
        told.append(card.node)
        return facts(card)

    monkeypatch.setattr(CardSketch, "facts", watched)
    hands.document.apply(SetParam("input", "shape", (1, 30, 30)))
    hands.view.grab()
    scene = hands.view.canvas_scene
    seen = {node for node, card in scene.cards.items() if card.card_rect().intersects(hands.view.camera.visible_rect())}
    assert 0 < len(seen) < 30
    assert seen <= set(told) and len(told) < 40
    hidden = next(card for node, card in scene.cards.items() if node not in told)
    assert "1×30×30" in tooltip(scene, hands.view.stage, hidden.card_rect().center())
    assert hidden.facts.shape == (1, 30, 30) and told[-1] == hidden.node


@pytest.mark.parametrize("hands", [CNN], indirect=True)
def test_what_is_painted_after_an_edit_is_never_out_of_date(hands: Hands) -> None:
    before = hands.view.viewport().grab().toImage()
    hands.document.apply(SetParam("input", "shape", (1, 40, 40)))
    hands.document.apply(SetParam("dropout", "probability", 0.25))
    late = hands.view.viewport().grab().toImage()
    assert late != before
    for card in hands.view.canvas_scene.cards.values():
        card.touch()
    assert hands.view.viewport().grab().toImage() == late


@pytest.mark.parametrize("hands", [CNN], indirect=True)
@pytest.mark.parametrize("zoom", [1.0, 0.2])
def test_a_new_name_is_seen_near_and_far(hands: Hands, zoom: float) -> None:
    hands.view.camera.set_zoom(zoom)
    before = hands.view.viewport().grab().toImage()
    hands.document.apply(Rename("relu", "Bend"))
    assert hands.view.canvas_scene.cards["relu"].facts.title == "Bend"
    assert hands.view.viewport().grab().toImage() != before


@pytest.mark.parametrize("shape", [(1, 28, 28), (64, 8, 8), (64, 100), (10,)])
@pytest.mark.parametrize("scale", [1.0, 1.37])
def test_a_drawing_of_a_shape_that_is_kept_looks_like_a_new_one(qapp: QApplication, shape: Shape, scale: float) -> None:
    def drawn(corner: float) -> QImage:
        image = QImage(300, 200, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.black)
        painter = QPainter(image)
        painter.scale(scale, scale)
        colour = theme.current().family("convolution")
        paint_shape(painter, QRectF(corner, corner, 120.0, 90.0), shape, colour, theme.current())
        painter.end()
        return image

    blank = QImage(300, 200, QImage.Format.Format_ARGB32_Premultiplied)
    blank.fill(Qt.GlobalColor.black)
    first = drawn(10.3)
    assert first != blank and drawn(10.3) == first
    assert drawn(14.6) != first, "another place is another drawing"


def test_the_card_of_the_output_keeps_its_size_while_its_shape_is_unknown() -> None:
    """An answer that is a picture: an edit that breaks the network for a moment moves nothing that stands around it."""
    project = chain("input", "conv2d", "output", input={"shape": (1, 8, 8)}, output={"loss": "mse"})
    document = Document(project)
    scene = CanvasScene(document, Stage())
    card = scene.cards["output"]
    whole, stands = card.facts, card.stands
    assert whole.picture is Picture.TILES
    document.apply(SetParam("conv2d", "kernel_size", (31, 31)))
    assert (card.facts.shape, card.facts.picture, card.stands) == (None, Picture.TILES, stands)
    document.undo()
    assert card.facts == whole
    # One that was never known is expected to be shares of classes.
    assert CanvasScene(Document(chain("output")), Stage()).cards["output"].facts.picture is Picture.BARS
