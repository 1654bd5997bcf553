"""From far one item paints all frames and notes and one all wires: it looks the same, and follows every change."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from canvas_hands import Hands, chain
from msgspec.structs import replace
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRectF
from PySide6.QtGui import QImage, QPaintEvent, QRegion
from PySide6.QtWidgets import QApplication, QWidget

from nnviz.gui.canvas.geometry import FAR_ZOOM
from nnviz.gui.canvas.items import far_items
from nnviz.gui.look import theme
from nnviz.project.edits import AddNodes, Annotate, Disconnect, Move, RemoveNodes, SetParam
from nnviz.project.model import Arrow, Group, Node, Note, PortRef, Project
from nnviz.project.samples.sketch import chain as drawn
from nnviz.project.samples.sketch import features, linear, output

PROJECT = chain("input", "conv2d", "relu", "flatten", "linear", "tanh", "output", input={"shape": (1, 8, 8)})
NAMES = list(PROJECT.graph.nodes)
GROUPS = {"outer": Group("outer", "Outer", collapsed=False), "inner": Group("inner", "In it", "outer", collapsed=False)}
MEMBERS = {NAMES[1]: "outer", NAMES[2]: "inner", NAMES[3]: "inner"}
NOTES = {
    "note1": Note("note1", "**What** happens here\n- in words", 80.0, -260.0, 420.0, 160.0),
    "note2": Note("note2", "It lies over the other", 300.0, -200.0, 420.0, 160.0, colour="warning"),
}
FULL = replace(
    PROJECT,
    graph=replace(
        PROJECT.graph,
        nodes={key: replace(node, group=MEMBERS.get(key, "")) for key, node in PROJECT.graph.nodes.items()},
        groups=GROUPS,
        notes=NOTES,
        arrows={"arrow1": Arrow("arrow1", 200.0, -100.0, 900.0, 200.0)},
    ),
)
ZOOMS = (0.09, 0.15, 0.3)


def seen(hands: Hands) -> QImage:
    QApplication.processEvents()
    return hands.view.viewport().grab().toImage()


class Painted(QObject):
    """The part of a widget that is painted anew."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.region = QRegion()
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent):
            self.region = self.region.united(event.region())
        return False


def unlike(one: QImage, other: QImage) -> list[QPoint]:
    """Some of the places at which two pictures differ."""
    pixels = [
        np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), image.width()) for image in (one, other)
    ]
    rows, columns = np.nonzero(pixels[0] != pixels[1])
    return [QPoint(int(x), int(y)) for x, y in zip(columns[::41], rows[::41], strict=True)]


def by_themselves(hands: Hands) -> QImage:
    """What is seen when every item paints itself."""
    layers = hands.view.canvas_scene._far_items
    for layer in layers:
        layer.show_far(False)
    image = seen(hands)
    for layer in layers:
        layer.show_far(True)
    return image


def choose(*items: str) -> Callable[[Hands], None]:
    return lambda hands: hands.view.canvas_scene.select(items)


def choose_wire(hands: Hands) -> None:
    scene = hands.view.canvas_scene
    scene.select((), [next(iter(scene.wires))])


def hover(hands: Hands) -> None:
    scene = hands.view.canvas_scene
    scene.frames.items["inner"].set_look(hovered=True)
    scene.annotations.notes["note1"].set_look(hovered=True)
    list(scene.wires.values())[2].set_look(hovered=True)


def drag(hands: Hands) -> None:
    hands.view.canvas_scene.preview({NAMES[2]: QPointF(2600.0, 900.0), "note1": QPointF(-900.0, 700.0)})


CHANGES: dict[str, Callable[[Hands], None]] = {
    "a frame is chosen": choose("outer"),
    "a note is chosen and lies on top": choose("note1"),
    "a wire is chosen": choose_wire,
    "the mouse is over them": hover,
    "an error in a frame and at a wire": lambda hands: hands.document.apply(
        SetParam(NAMES[1], "kernel_size", (99, 99))
    ),
    "cards and a note are dragged": drag,
    "a card is elsewhere": lambda hands: hands.document.apply(Move({NAMES[3]: (3000.0, 1500.0)})),
    "a note is written": lambda hands: hands.document.apply(Annotate({"note2": replace(NOTES["note2"], text="Other")})),
    "a note comes": lambda hands: hands.document.apply(Annotate({"new": Note("new", "New", -900.0, 900.0, 500.0)})),
    "a note goes": lambda hands: hands.document.apply(Annotate({"note2": None})),
    "a wire goes": lambda hands: hands.document.apply(Disconnect(hands.graph.edges[3])),
    "cards and wires come": lambda hands: hands.document.apply(
        AddNodes((Node("new", "relu", x=1500.0, y=2500.0),), (replace(hands.graph.edges[0], target=PortRef("new")),))
    ),
    "a frame goes with what is in it": lambda hands: hands.document.apply(RemoveNodes(NAMES[2:4])),
    "other colours": lambda hands: theme.set_theme("light"),
}


@pytest.mark.parametrize("zoom", ZOOMS)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("hands", [FULL], indirect=True)
def test_it_looks_as_if_each_painted_itself_and_follows_every_change(hands: Hands, zoom: float, change: str) -> None:
    hands.view.camera.set_zoom(zoom)
    hands.view.centerOn(hands.view.camera.content_rect().center())
    before = seen(hands)
    assert before == by_themselves(hands)
    QApplication.processEvents()
    painted = Painted(hands.view.viewport())
    CHANGES[change](hands)
    QApplication.processEvents()
    region = painted.region
    after = seen(hands)
    assert after != before
    assert all(region.contains(place) for place in unlike(before, after))
    assert after == by_themselves(hands)
    theme.set_theme("dark")


@pytest.mark.parametrize("hands", [FULL], indirect=True)
def test_items_are_painted_once_wherever_one_looks_from(hands: Hands) -> None:
    scene = hands.view.canvas_scene
    own = [*scene.frames.items.values(), *scene.annotations.notes.values(), *scene.wires.values()]
    flag = own[0].GraphicsItemFlag.ItemHasNoContents
    for zoom in (1.0, FAR_ZOOM - 0.01, 0.1, FAR_ZOOM + 0.01):
        hands.view.camera.set_zoom(zoom)
        far = zoom < FAR_ZOOM
        assert [layer.isVisible() for layer in scene._far_items] == [far, far]
        assert {bool(item.flags() & flag) for item in own} == {far}


@pytest.mark.parametrize("hands", [FULL], indirect=True)
def test_from_far_the_mouse_finds_what_it_found(hands: Hands) -> None:
    scene = hands.view.canvas_scene
    frame, wire = scene.frames.items["inner"], list(scene.wires.values())[-1]
    corner = frame.card_rect().topLeft() + QPointF(8.0, 8.0)
    middle = wire.curve.pointAtPercent(0.5)
    on_note = QPointF(650.0, -60.0)
    for zoom in (1.0, 0.1):
        hands.view.camera.set_zoom(zoom)
        assert scene.frames.at(corner) is frame
        assert scene.wire_at(middle) is wire
        assert scene.annotations.at(on_note, 1.0) is scene.annotations.notes["note2"]


@pytest.mark.parametrize("hands", [FULL], indirect=True)
def test_for_a_part_of_the_scene_all_that_reaches_into_it_is_painted(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(far_items, "_BUNCH", 2)
    hands.view.camera.set_zoom(0.15)
    scene = hands.view.canvas_scene
    whole = hands.view.camera.content_rect()
    for layer in scene._far_items:
        everything = list(layer.in_sight(whole.adjusted(-50.0, -50.0, 50.0, 50.0)))
        fewer = 0
        for step in range(10):
            left = whole.left() + whole.width() * step / 10
            part = QRectF(left, whole.top(), whole.width() / 10, whole.height())
            there = [item for item in everything if item.outline.intersects(part)]
            assert list(layer.in_sight(part)) == there
            fewer += len(there) < len(everything)
        assert fewer


SAME = Project(graph=drawn(features(8), linear(8), linear(8), linear(8), output("mse")))


@pytest.mark.parametrize("hands", [SAME], indirect=True)
def test_two_layers_of_a_kind_say_their_own_names_from_far(hands: Hands) -> None:
    camera = hands.view.camera

    def pictures(zoom: float) -> list[QImage]:
        camera.set_zoom(zoom)
        hands.view.centerOn(camera.content_rect().center())
        whole = seen(hands)
        size = round(100 * zoom)
        corners = [hands.card(node) for node, one in SAME.graph.nodes.items() if one.kind == "linear"]
        return [whole.copy(corner.x() - size // 2, corner.y(), size, size // 2) for corner in corners]

    one, two, three = pictures(0.44)
    assert one != two != three != one
    one, two, three = pictures(0.2)
    assert one == two == three
