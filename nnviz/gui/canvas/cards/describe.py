"""A card in words: for the tooltip, and for those who listen instead of looking."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from nnviz.gui.canvas.cards.card_pictures import scale_of, shown_values
from nnviz.gui.canvas.cards.facts import CardFacts, Picture
from nnviz.gui.canvas.cards.lens import Lens
from nnviz.gui.canvas.cards.live import LiveValues
from nnviz.gui.canvas.geometry import Level
from nnviz.gui.canvas.items.arrow_item import ArrowItem
from nnviz.gui.canvas.items.frame_item import FrameItem
from nnviz.gui.canvas.items.note_item import NoteItem
from nnviz.gui.canvas.items.note_text import plain_text
from nnviz.gui.canvas.items.stage import Stage
from nnviz.gui.canvas.scene import CanvasScene
from nnviz.gui.look.scales import CLASS_WORDS, SIGNS
from nnviz.gui.look.theme import format_count, format_number
from nnviz.project.checks.shapes import shape_text
from nnviz.record.quantities import GRADIENT_NORM

#: So many letters of a note are shown beside the mouse.
_LONGEST_TOOLTIP = 1_500
#: An arrow points at the card whose edge is nearer than this to its tip, in scene units.
_POINTS_AT = 40.0


def describe_selection(scene: CanvasScene, live: LiveValues, chosen: Sequence[str]) -> str:
    """What is selected, for those who listen: the one thing in full, several by their number."""
    if len(chosen) != 1:
        return f"{len(chosen)} selected" if chosen else "Nothing selected"
    item = scene.item(chosen[0])
    if isinstance(item, NoteItem):
        return f"Note: {plain_text(item.note.text)}" if item.note.text else "Empty note"
    if isinstance(item, FrameItem):
        wrong = f", {item.severity} inside" if item.severity else ""
        return f"{item.facts.title}, unfolded group {item.node}, {item.facts.summary}{wrong}."
    if isinstance(item, ArrowItem):
        aim = _pointed_at(scene, item)
        return f"Arrow that points at {aim}" if aim else "Arrow"
    return describe(scene, live, chosen[0]) if chosen[0] in scene.cards else "1 selected"


def _pointed_at(scene: CanvasScene, arrow: ArrowItem) -> str:
    """The title of the card at the tip of an arrow; empty where none is near."""
    tip = arrow.ends[1]
    area = QRectF(tip.x() - _POINTS_AT, tip.y() - _POINTS_AT, 2 * _POINTS_AT, 2 * _POINTS_AT)
    near = (card for card in scene.cards.values() if card.card_rect().intersects(area))
    nearest = min(near, key=lambda card: _gap(card.card_rect(), tip), default=None)
    return f"{nearest.facts.title}, {nearest.node}" if nearest is not None else ""


def _gap(rect: QRectF, point: QPointF) -> float:
    across = max(rect.left() - point.x(), 0.0, point.x() - rect.right())
    down = max(rect.top() - point.y(), 0.0, point.y() - rect.bottom())
    return across + down


def describe(scene: CanvasScene, live: LiveValues, node: str) -> str:
    """One sentence or a few: what it is, what comes out, what it is wired to, what is wrong."""
    facts = scene.cards[node].facts
    parts = [f"{facts.title}, {node}"]
    if facts.members:
        parts.append(f"folded group of {facts.note}")
    parts.append(f"output {shape_text(facts.shape)}" if facts.shape else "output unknown")
    if facts.parameters:
        parts.append(f"{facts.parameters} parameters")
    sources = [edge.source.node for edge in sorted(scene.wires_at(node)) if edge.target.node == node]
    targets = [edge.target.node for edge in sorted(scene.wires_at(node)) if edge.source.node == node]
    parts.append(f"from {', '.join(sources)}" if sources else "no input wire" if facts.input_ports else "")
    parts.append(f"to {', '.join(targets)}" if targets else "no output wire" if facts.output_ports else "")
    found = live.badge_reading(facts)
    if found is not None and found[0].badge is not None:
        quantity, reading = found
        parts.append(f"{found[0].badge.word} {quantity.text(reading.value)}")
    sentence = ", ".join(part for part in parts if part) + "."
    return " ".join([sentence, *scene.cards[node].reasons()])


def tooltip(scene: CanvasScene, stage: Stage, point: QPointF) -> str:
    """What is under the mouse, as rich text; empty where nothing is."""
    live = stage.live
    card = scene.card_at(point)
    pinned = scene.pins.example_at(point)
    if pinned is not None:
        does = "the cards show it" if pinned.shown else "click: the cards show it"
        return f"Pinned example, {escape(pinned.words)}: {does}"
    if card is None:
        wire = scene.wire_at(point)
        if wire is None:
            return _note(scene, point, far=stage.level is Level.FAR)
        source = scene.cards[wire.edge.source.node].facts
        line = f"{escape(wire.edge.source.node)} → {escape(wire.edge.target.node)}: {shape_text(source.shape)}"
        if wire.flow is not None:
            line += f"<br>{escape(wire.flow.sentence)}"
        return f"<p>{line}<br>{escape(wire.reason)}</p>" if wire.reason else line
    facts = card.facts
    lines = [f"<b>{escape(facts.title)}</b>&nbsp; {escape(facts.node)}"]
    lines += [escape(reason) for reason in card.reasons()]
    lines.append(_sizes(facts))
    if stage.lens is not None:
        lines += [line for line in (*_through(facts, stage.lens), _badge(facts, live)) if line]
    else:
        if live.is_own(live.picture(facts)):
            lines.append("the picture is that of your own input, not of the pinned example")
        lines += [line for line in (_picture(facts, live), _gradient(facts, live), _badge(facts, live)) if line]
    return "<p style='white-space:pre-wrap'>" + "<br>".join(lines) + "</p>"


def _note(scene: CanvasScene, point: QPointF, *, far: bool) -> str:
    """The text of a note that cannot be read as it is drawn: from far, or on too little paper."""
    item = scene.annotations.at(point, 0.0)
    if not isinstance(item, NoteItem) or not item.hides_text(far=far):
        return ""
    text = plain_text(item.note.text)
    short = text if len(text) <= _LONGEST_TOOLTIP else f"{text[:_LONGEST_TOOLTIP]} …"
    return f"<p style='white-space:pre-wrap'>{escape(short)}</p>"


def _sizes(facts: CardFacts) -> str:
    text = f"output {shape_text(facts.shape)}" if facts.shape else "output unknown"
    if facts.parameters:
        text += f" · {format_count(facts.parameters)} parameters"
    return text


def _picture(facts: CardFacts, live: LiveValues) -> str:
    sample = live.picture(facts)
    if sample is None or facts.picture in (Picture.BARS, Picture.POINTS):
        return ""
    if facts.picture is Picture.DECISION:
        return ", ".join(f"{name}: {word}" for name, word in zip(facts.class_names, CLASS_WORDS, strict=False))
    values = np.asarray(sample.array)
    if values.size == 0 or not np.issubdtype(values.dtype, np.number):
        return ""
    shown = shown_values(facts, values, Level.NORMAL)
    if facts.picture is Picture.PLANES:
        return f"each unit on its own scale; {SIGNS[0].lower()}{SIGNS[1:]}"
    scale = scale_of(facts, values, Level.NORMAL)
    text = f"colours: {scale.range_words(3)}"
    if scale.kind == "diverging":
        text += f"; {SIGNS[0].lower()}{SIGNS[1:]}"
    if facts.picture is Picture.TILES and facts.shape is not None:
        text = f"{shown.shape[0]} of {facts.shape[0]} maps, {text}"
    return f"{text}, {live.moment.words(sample.step)}"


def _through(facts: CardFacts, lens: Lens) -> tuple[str, ...]:
    """What a lens shows of a card."""
    picture, norm = lens.pictures.get(facts.pictured), lens.norm(facts.members or (facts.node,))
    parts = (f"‖{lens.norm_sign}‖ = {format_number(norm)}: {lens.norm_words}" if norm is not None else "",)
    if picture is None:
        return parts
    return (escape(picture.sentence), *parts)


def _gradient(facts: CardFacts, live: LiveValues) -> str:
    found = live.gradient_reading(facts)
    if found is None:
        return ""
    age = live.moment.words(found.step)
    return f"‖gradient‖ {GRADIENT_NORM.text(found.value)} (bar: 1e-6 to 1e1, logarithmic), {age}"


def _badge(facts: CardFacts, live: LiveValues) -> str:
    found = live.badge_reading(facts)
    if found is None or found[0].badge is None:
        return ""
    quantity, reading = found
    age = live.moment.words(reading.step)
    if math.isnan(reading.value):
        return f"its outputs are not a number (NaN), {age}"
    return f"{quantity.text(reading.value)} {found[0].badge.sentence}, {age}"
