"""A selected group in words: what it is made of, what goes in and what comes out."""

from __future__ import annotations

import html
from collections.abc import Iterable

from nnviz.gui.look import theme as themes
from nnviz.project import registry
from nnviz.project.checks.shapes import shape_text
from nnviz.project.document import Document
from nnviz.project.graph.groups import contents
from nnviz.project.model import Shape

#: More members than these are counted only.
_MOST_ROWS = 60


def group_summary(document: Document, group: str) -> str:
    """Number of layers, shapes in and out, multiplications, in one or two sentences."""
    graph, inference = document.project.graph, document.inference
    held = contents(graph, [group])
    members = set(held.nodes)
    inputs: dict[object, Shape | None] = {}
    outputs: dict[object, Shape | None] = {}
    for edge in graph.edges:
        if edge.target.node in members and edge.source.node not in members:
            inputs[edge.source] = inference.shape(edge.source.node)
        if edge.source.node in members and edge.target.node not in members:
            outputs[edge.source] = inference.shape(edge.source.node)
    count = len(members)
    text = f"A group of {count} layer{'' if count == 1 else 's'}"
    if held.groups:
        text += f" in {len(held.groups)} smaller group{'' if len(held.groups) == 1 else 's'}"
    parts = [text + "."]
    if inputs or outputs:
        parts.append(f"In: {_shapes(inputs.values())}. Out: {_shapes(outputs.values())}.")
    macs = sum(inference.results[node].macs for node in members if node in inference.results)
    if macs:
        least = "" if members <= inference.results.keys() else "At least "
        parts.append(f"{least}{themes.format_count(macs)} multiplications for one example.")
    return " ".join(parts)


def members_html(document: Document, group: str) -> str:
    """A row for each layer of a group, in the order in which the data flows; its id is a link."""
    graph, inference = document.project.graph, document.inference
    members = contents(graph, [group]).nodes
    order = {node: index for index, node in enumerate(inference.order)}
    # A label that is given the same words keeps the colours it has: another theme makes other words.
    accent = themes.current().accent.name()
    rows = []
    for node in sorted(members, key=lambda node: order.get(node, len(order)))[:_MOST_ROWS]:
        found = graph.nodes[node]
        result = inference.results.get(node)
        title = html.escape(found.name or registry.layer(found.kind).title)
        shape = shape_text(result.output) if result is not None else "?"
        count = _short(result.parameters) if result is not None and result.parameters else ""
        link = f"<a href='{html.escape(node)}' style='color: {accent}'>{html.escape(node)}</a>"
        cells = f"<td>{link}&nbsp;</td><td>{title}&nbsp;</td><td align='right'>{shape}&nbsp;</td>"
        rows.append(f"<tr>{cells}<td align='right' style='white-space: nowrap'>{count}</td></tr>")
    more = len(members) - len(rows)
    tail = f"<p>and {more} more</p>" if more > 0 else ""
    return f"<table cellspacing='3'>{''.join(rows)}</table>{tail}"


def _short(count: int) -> str:
    """A number as on the cards: the exact one stands at the layer itself, and would break the row in two."""
    return themes.format_count(count) if count < 1_000_000 else f"{count / 1e6:.1f}\u00a0M"


def _shapes(shapes: Iterable[Shape | None]) -> str:
    found = [shape_text(shape) if shape else "?" for shape in shapes]
    return ", ".join(dict.fromkeys(found)) or "nothing"
