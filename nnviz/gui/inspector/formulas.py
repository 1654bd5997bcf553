"""What a layer computes, and the numbers of one layer spelled out. No widgets here; the texts are HTML."""

from __future__ import annotations

import html
from collections.abc import Mapping

from nnviz.gui.look import theme as themes
from nnviz.project import registry
from nnviz.project.checks.shapes import shape_text
from nnviz.project.document import Document
from nnviz.project.model import Choice, Node, ParamValue
from nnviz.record.number_text import percent


def formula_of(node: Node) -> str:
    """What a layer computes, or nothing where there is nothing to compute."""
    if node.kind == "output":
        loss = Choice.of(registry.layer(node.kind).values(node.params)["loss"])
        formula = registry.loss(loss.kind).formula
        return f"L = {html.escape(formula)}" if formula else ""
    return registry.layer(node.kind).formula


def numbers_of(document: Document, node: Node) -> list[tuple[str, str]]:
    """(what, number as HTML) for one layer: sizes, parameters as a product, multiplications."""
    inference = document.inference
    result = inference.results.get(node.id)
    rows: list[tuple[str, str]] = []
    shapes = inference.input_shapes(node.id)
    if shapes:
        rows.append(("input" if len(shapes) == 1 else "inputs", ", ".join(shape_text(shape) for shape in shapes)))
    if result is None:
        return rows
    if node.kind != "output":
        rows.append(("output", shape_text(result.output)))
    sizes = [line for line in result.arithmetic.splitlines() if "parameter" not in line and line.strip()]
    if sizes:
        rows.append(("size", "<br>".join(html.escape(line) for line in sizes)))
    if result.parameters:
        rows.append(("parameters", parameter_product(document, node)))
    if result.macs:
        note = " multiplications for one example"
        share = f" ({percent(result.macs / inference.macs if inference.macs else 0.0)} of the network)"
        if any(one not in inference.results for one in document.project.graph.nodes):
            share = ""  # nobody knows how much work the others are
        rows.append(("work", f"{themes.format_count(result.macs)}{note}{share}"))
    return rows


def parameter_product(document: Document, node: Node) -> str:
    """How many parameters, as the formula with letters and with the real numbers: ``F·F·D·K + K``."""
    result = document.inference.results[node.id]
    total = themes.format_count(result.parameters)
    spec = registry.layer(node.kind)
    values = spec.values(node.params)
    letters = spec.weight_product
    lines = [line for line in result.arithmetic.splitlines() if "parameter" in line]
    if letters and _is(values, "bias"):
        letters += f" + {spec.bias_product}"
    if letters and values.get("groups", 1) != 1:
        letters = letters.replace("D", "(D/groups)")
    shown = html.escape(lines[0]) if lines else f"{total}"
    return f"{letters}<br>{shown}" if letters else shown


def _is(values: Mapping[str, ParamValue], name: str) -> bool:
    return values.get(name) is True
