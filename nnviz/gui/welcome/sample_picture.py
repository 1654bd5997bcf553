"""The picture on a sample's card: the network drawn from its graph, and beside it what it learns.

Small networks are drawn unit by unit, with the wires coloured and as wide as their weights where those are given.
Others are drawn as blocks in the order of the flow: as high as their maps, as thick as they have channels, in the
colours of the families. Nothing here is stored: the picture is that of the graph as it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

from nnviz.data.effort import epoch_seconds, epoch_words
from nnviz.data.previews import Preview, preview
from nnviz.gui.look import theme
from nnviz.gui.look.painting import Saved
from nnviz.gui.look.planes import Dots, Edges, decision, draw_dots
from nnviz.gui.look.scales import Scale, image_of, sign_colour
from nnviz.gui.look.theme import Theme
from nnviz.project import registry
from nnviz.project.checks.shapes import Inference, infer
from nnviz.project.model import Choice, Graph, Node, Project, Shape
from nnviz.record.quantities import POINTS
from nnviz.record.readings import ArrayReading

#: More units in a layer than this are drawn as a block.
_MOST_UNITS = 8
#: Families that only change what a block puts out: a stripe on its edge, no block of their own.
_STRIPES = frozenset({"activation", "regularise"})
_HIDDEN = frozenset({"shape"})
_SOLID_BLOCKS = 16


@dataclass(frozen=True)
class Block:
    """One layer in the picture of a sample: its place, size and colour.

    Attributes:
        family: Decides the colour.
        shape: Of its output.
        depth, lane, lanes: Its column, and which of how many that stand above each other there.
        sources: The blocks that it is fed by, as indices.
        stripe: Whether an activation follows.
        weights: Rows of given weights; empty where they are learned.
        picks: The only one of the units before it that it passes on; None where it takes all.
    """

    family: str
    shape: Shape
    depth: int
    lane: int
    lanes: int
    sources: tuple[int, ...]
    stripe: bool
    weights: tuple[tuple[float, ...], ...] = ()
    picks: int | None = None


@dataclass(frozen=True)
class SamplePicture:
    """All that a card shows of a sample, made once on any thread."""

    blocks: tuple[Block, ...]
    preview: Preview
    loss: str
    parameters: int
    epoch: str


def sample_picture(project: Project) -> SamplePicture:
    """What a card shows of a project; may be called on any thread."""
    inference = infer(project.graph)
    output = next((node for node in project.graph.nodes.values() if node.kind == "output"), None)
    loss = "" if output is None else Choice.of(registry.layer(output.kind).values(output.params)["loss"]).kind
    words = epoch_words(epoch_seconds(project, inference))
    return SamplePicture(blocks_of(project.graph, inference), preview(project), loss, inference.parameters, words)


def blocks_of(graph: Graph, inference: Inference) -> tuple[Block, ...]:
    """The layers that are drawn, in the order of the flow."""
    drawn: list[str] = []
    stands_for: dict[str, tuple[str, ...]] = {}
    striped: set[str] = set()
    for name in inference.order:
        node = graph.nodes[name]
        spec = registry.layer(node.kind)
        family = spec.family
        before = tuple(dict.fromkeys(one for source in inference.inputs[name] for one in stands_for.get(source, ())))
        if family in _STRIPES or (family in _HIDDEN and not spec.picks_param) or node.kind == "output":
            stands_for[name] = before
            striped.update(before if family == "activation" else ())
        else:
            stands_for[name] = (name,)
            drawn.append(name)
    sources = {
        name: tuple(dict.fromkeys(one for source in inference.inputs[name] for one in stands_for.get(source, ())))
        for name in drawn
    }
    depth: dict[str, int] = {}
    for name in drawn:
        depth[name] = max((depth[source] + 1 for source in sources[name]), default=0)
    columns: dict[int, list[str]] = {}
    for name in drawn:
        columns.setdefault(depth[name], []).append(name)
    index = {name: position for position, name in enumerate(drawn)}
    return tuple(
        Block(
            registry.layer(graph.nodes[name].kind).family,
            inference.results[name].output,
            depth[name],
            columns[depth[name]].index(name),
            len(columns[depth[name]]),
            tuple(index[source] for source in sources[name]),
            name in striped,
            _given_weights(graph.nodes[name]),
            _picked(graph.nodes[name]),
        )
        for name in drawn
    )


def _picked(node: Node) -> int | None:
    spec = registry.layer(node.kind)
    return cast(int, spec.values(node.params)[spec.picks_param]) if spec.picks_param else None


def _given_weights(node: Node) -> tuple[tuple[float, ...], ...]:
    if not registry.layer(node.kind).dense or not registry.has_written_weights(node.params):
        return ()
    return cast("tuple[tuple[float, ...], ...]", node.params.get("weight_values") or ())


# ---- painting ------------------------------------------------------------------------------------------------------


def paint(painter: QPainter, area: QRectF, picture: SamplePicture, colours: Theme) -> None:
    """Draw a sample into ``area``: the network, with its example before it or the plane behind it."""
    with Saved(painter):
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shown = picture.preview
        if shown.points is not None:
            side = area.height()
            square = QRectF(area.right() - side, area.top(), side, side)
            _paint_plane(painter, square, picture, colours)
            area = QRectF(area.left(), area.top(), area.width() - side - 18.0, side)
        elif shown.image is not None:
            side = 3.0 * shown.image.shape[0]
            square = QRectF(area.left(), area.center().y() - side / 2, side, side)
            _paint_image(painter, square, shown, colours)
            area = QRectF(square.right() + 14.0, area.top(), area.right() - square.right() - 14.0, area.height())
        if (
            picture.blocks
            and all(block.shape == (block.shape[0],) for block in picture.blocks)
            and all(block.shape[0] <= _MOST_UNITS for block in picture.blocks)
        ):
            _paint_units(painter, area, picture.blocks, colours)
        else:
            # The example stands for the Input.
            _paint_blocks(painter, area, picture.blocks, colours, input_shown=shown.image is not None)


def _paint_plane(painter: QPainter, square: QRectF, picture: SamplePicture, colours: Theme) -> None:
    shown = picture.preview
    assert shown.points is not None  # the caller looked
    clip = QPainterPath()
    clip.addRoundedRect(square, 5.0, 5.0)
    with Saved(painter):
        painter.setClipPath(clip)
        painter.fillRect(square, colours.neutral)
        if shown.surface is not None:
            painted = decision(picture.loss, "binary", shown.surface[None], colours)
            # Paler than on the canvas: here the points and the network share the card.
            painter.setOpacity(0.62)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(square, image_of(painted))
            painter.setOpacity(1.0)
        edges = Edges(*shown.edges)
        draw_dots(painter, square, edges, Dots(ArrayReading(POINTS.series(), 0, shown.points, {})), colours)


def _paint_image(painter: QPainter, square: QRectF, shown: Preview, colours: Theme) -> None:
    assert shown.image is not None  # the caller looked
    painted = Scale("grey", 0.0, 255.0).paint(np.asarray(shown.image, np.float32))
    painter.drawImage(square, image_of(painted))
    painter.setPen(QPen(colours.border, 1.0))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(square)


def _paint_units(painter: QPainter, area: QRectF, blocks: tuple[Block, ...], colours: Theme) -> None:
    """A circle a unit and a wire a weight."""
    last = max(block.depth for block in blocks)
    units = [0] * (last + 1)
    for block in blocks:
        units[block.depth] += block.shape[0]
    most = max(units)
    radius = min(10.0, 0.36 * area.height() / most, 0.22 * area.width() / (last + 1))
    across = (area.width() - 2 * radius - 4.0) / max(1, last)
    apart = min((area.height() - 2 * radius - 2.0) / max(1, most - 1), 3.6 * radius)
    places: list[list[QPointF]] = []
    above = [0] * (last + 1)  # Blocks of one column stand below each other.
    for block in blocks:
        x = area.left() + radius + 2.0 + block.depth * across if last else area.center().x()
        middle = (units[block.depth] - 1) / 2 - above[block.depth]
        above[block.depth] += block.shape[0]
        places.append([QPointF(x, area.center().y() + (row - middle) * apart) for row in range(block.shape[0])])
    for position, block in enumerate(blocks):
        for source in block.sources:
            for row, end in enumerate(places[position]):
                for column, start in enumerate(places[source]):
                    weight = block.weights[row][column] if block.weights else None
                    if weight == 0 or block.picks not in (None, column):
                        continue
                    colour = colours.text_faint if weight is None else sign_colour(weight, colours)
                    width = 1.0 if weight is None else min(1.0 + 0.9 * abs(weight), 3.4)
                    painter.setPen(QPen(colour, width))
                    painter.drawLine(QLineF(start, end))
    # In no colour: beside wires that of the activations would be a sign, beside points that of dense layers a class.
    painter.setBrush(theme.mixed(colours.plot_background, colours.text_muted, 0.55))
    for position, block in enumerate(blocks):
        painter.setPen(QPen(colours.text if block.stripe else colours.text_muted, 2.0))
        for place in places[position]:
            painter.drawEllipse(place, radius, radius)


def _size(shape: Shape, height: float) -> tuple[float, float]:
    """Height and thickness of a block: logarithms, or the 224 pixels of a photograph would leave nothing of 7."""
    if len(shape) >= 3:
        tall = math.log2(1 + max(shape[-2:])) / math.log2(1 + 227)
        return height * (0.16 + 0.84 * tall), 1.0 + 1.05 * math.log2(shape[0])
    tall = math.log2(1 + math.prod(shape)) / 13.0
    return height * min(1.0, 0.08 + 0.72 * tall), 3.4


def _paint_blocks(
    painter: QPainter, area: QRectF, blocks: tuple[Block, ...], colours: Theme, *, input_shown: bool
) -> None:
    """A block a layer, from left to right; what runs past other layers is an arc over them."""
    if not blocks:
        return
    first = 1 if input_shown and len(blocks) > 1 else 0
    last = max(block.depth for block in blocks)
    solid = last + 1 - first <= _SOLID_BLOCKS
    slant = 7.0 if solid else 0.0
    tall = area.height() - slant - 4.0
    thick = [0.0] * (last + 1)
    for block in blocks:
        thick[block.depth] = max(thick[block.depth], _size(block.shape, tall)[1])
    count = last + 1 - first
    gap = max(1.6, min(13.0, 0.42 * area.width() / count))
    # Few layers stay slim and stand further apart; many share the width.
    stretch = min(3.0, (area.width() - gap * (count - 1) - slant - 3.0) / sum(thick[first:]))
    if count > 1:
        gap = min(46.0, (area.width() - stretch * sum(thick[first:]) - slant - 3.0) / (count - 1))
    used = stretch * sum(thick[first:]) + gap * (count - 1) + slant
    left, x = {}, area.left() + (0.0 if first else max(0.0, (area.width() - used) / 2))
    for depth in range(first, last + 1):
        left[depth] = x
        x += stretch * thick[depth] + gap
    boxes: list[QRectF] = []
    for block in blocks:
        height, width = _size(block.shape, tall)
        height, width = height / (1 if block.lanes == 1 else block.lanes * 0.8), max(1.6, stretch * width)
        lane = tall / block.lanes
        middle = area.center().y() + slant / 2 + (block.lane - (block.lanes - 1) / 2) * lane
        start = left.get(block.depth, area.left() - 14.0)
        boxes.append(QRectF(start, middle - height / 2, width, height))
    _paint_wires(painter, area, blocks, boxes, colours, first)
    for block, box in zip(blocks, boxes, strict=True):
        if block.depth >= first:
            _paint_box(painter, box, block, slant, colours, striped=solid)


def _paint_wires(
    painter: QPainter, area: QRectF, blocks: tuple[Block, ...], boxes: list[QRectF], colours: Theme, first: int
) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme.mixed(colours.text_faint, colours.plot_background, 0.25), 1.2))
    for block, box in zip(blocks, boxes, strict=True):
        for source in block.sources:
            start, end = boxes[source], box
            if blocks[source].depth < first:
                painter.drawLine(QPointF(start.left(), end.center().y()), QPointF(end.left(), end.center().y()))
                continue
            out, into = QPointF(start.right(), start.center().y()), QPointF(end.left(), end.center().y())
            path = QPainterPath(out)
            if len(block.shape) == 1 == len(blocks[source].shape):
                # Every number of the one goes into every number of the other.
                fan = QPolygonF([start.topRight(), end.topLeft(), end.bottomLeft(), start.bottomRight()])
                painter.fillPath(_closed(fan), theme.mixed(colours.plot_background, colours.family("dense"), 0.22))
                continue
            if block.depth - blocks[source].depth > 1 and block.lanes == 1 and blocks[source].lanes == 1:
                between = [
                    other.top()
                    for one, other in zip(blocks, boxes, strict=True)
                    if blocks[source].depth <= one.depth <= block.depth
                ]
                top = max(area.top() + 1.0, min(between) - 7.0)
                path = QPainterPath(QPointF(start.center().x(), start.top()))
                path.cubicTo(
                    QPointF(start.center().x(), top),
                    QPointF(end.center().x(), top),
                    QPointF(end.center().x(), end.top()),
                )
            else:
                middle = (out.x() + into.x()) / 2
                path.cubicTo(QPointF(middle, out.y()), QPointF(middle, into.y()), into)
            painter.drawPath(path)


def _closed(polygon: QPolygonF) -> QPainterPath:
    path = QPainterPath()
    path.addPolygon(polygon)
    path.closeSubpath()
    return path


def _paint_box(painter: QPainter, box: QRectF, block: Block, slant: float, colours: Theme, *, striped: bool) -> None:
    colour = colours.family(block.family)
    face = theme.mixed(colours.plot_background, colour, 0.78)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(face)
    painter.drawRect(box)
    if slant and len(block.shape) >= 3:
        # Maps are seen a little from the side, as in the figures of the papers; vectors are flat.
        up = QPointF(slant, -slant)
        painter.setBrush(theme.mixed(face, QColor("#ffffff"), 0.22))
        painter.drawPolygon(QPolygonF([box.topLeft(), box.topLeft() + up, box.topRight() + up, box.topRight()]))
        painter.setBrush(theme.mixed(face, QColor("#000000"), 0.22))
        painter.drawPolygon(QPolygonF([box.topRight(), box.topRight() + up, box.bottomRight() + up, box.bottomRight()]))
    if block.stripe and striped:
        painter.setBrush(colours.family("activation"))
        width = min(2.2, box.width() * 0.4)
        painter.drawRect(QRectF(box.right() - width, box.top(), width, box.height()))
