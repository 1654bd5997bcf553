"""What each kind of layer computes, and the numbers of one layer spelled out. No widgets here; the texts are HTML."""

from __future__ import annotations

import html
from collections.abc import Mapping

from nnviz.gui.look import theme as themes
from nnviz.project import registry
from nnviz.project.checks.shapes import shape_text
from nnviz.project.document import Document
from nnviz.project.model import Node, ParamValue
from nnviz.record.quantities import percent

_SUM = (
    "y<sub>k</sub>[i] = b<sub>k</sub> + Σ<sub>c</sub> Σ<sub>u</sub> w<sub>k,c</sub>[u] · x<sub>c</sub>[s·i + d·u − p]"
)

_FORMULAS: Mapping[str, str] = {
    "linear": "y = W·x + b, &nbsp;so y<sub>k</sub> = b<sub>k</sub> + Σ<sub>j</sub> w<sub>k,j</sub> · x<sub>j</sub>",
    "conv1d": _SUM,
    "conv2d": "y<sub>k</sub>[i, j] = b<sub>k</sub> + Σ<sub>c</sub> Σ<sub>u,v</sub> w<sub>k,c</sub>[u, v] · "
    "x<sub>c</sub>[s·i + d·u − p, s·j + d·v − p]",
    "conv_transpose2d": "each input x<sub>c</sub>[i, j] adds x<sub>c</sub>[i, j] · w<sub>c,k</sub>[u, v] to "
    "y<sub>k</sub>[s·i + d·u − p, s·j + d·v − p]; b<sub>k</sub> is added everywhere",
    "max_pool1d": "y[i] = max over the window of x",
    "max_pool2d": "y<sub>c</sub>[i, j] = max<sub>u,v</sub> x<sub>c</sub>[s·i + d·u − p, s·j + d·v − p]",
    "avg_pool2d": "y<sub>c</sub>[i, j] = mean<sub>u,v</sub> x<sub>c</sub>[s·i + u − p, s·j + v − p]",
    "adaptive_avg_pool2d": "y<sub>c</sub>[i, j] = mean of x<sub>c</sub> over its part of the image",
    "flatten": "y[(c·H + i)·W + j] = x<sub>c</sub>[i, j]",
    "step": "y = 1 where x &gt; 0, else 0",
    "relu": "y = max(0, x); &nbsp;y′ = 1 where x &gt; 0, else 0",
    "leaky_relu": "y = x where x &gt; 0, else a·x; &nbsp;y′ = 1 or a",
    "prelu": "y = x where x &gt; 0, else a·x, and a is learned",
    "elu": "y = x where x &gt; 0, else α·(e<sup>x</sup> − 1)",
    "gelu": "y = x · Φ(x), with Φ the distribution function of the normal distribution",
    "silu": "y = x · σ(x) = x / (1 + e<sup>−x</sup>)",
    "sigmoid": "y = σ(x) = 1 / (1 + e<sup>−x</sup>); &nbsp;y′ = y·(1 − y), at most 0.25",
    "tanh": "y = (e<sup>x</sup> − e<sup>−x</sup>) / (e<sup>x</sup> + e<sup>−x</sup>); &nbsp;y′ = 1 − y²",
    "softplus": "y = ln(1 + e<sup>x</sup>)",
    "softmax": "y<sub>k</sub> = e<sup>x<sub>k</sub></sup> / Σ<sub>j</sub> e<sup>x<sub>j</sub></sup>",
    "log_softmax": "y<sub>k</sub> = x<sub>k</sub> − ln Σ<sub>j</sub> e<sup>x<sub>j</sub></sup>",
    "dropout": "training: y = x·m / (1 − p), m is 0 with probability p, else 1; otherwise y = x",
    "dropout2d": "training: y<sub>c</sub> = x<sub>c</sub>·m<sub>c</sub> / (1 − p), whole channels at once; otherwise "
    "y = x",
    "batch_norm1d": "y = γ · (x − μ) / √(σ² + ε) + β, with μ and σ² over the batch",
    "batch_norm2d": "y<sub>c</sub> = γ<sub>c</sub> · (x<sub>c</sub> − μ<sub>c</sub>) / √(σ<sub>c</sub>² + ε) + "
    "β<sub>c</sub>, "
    "with μ<sub>c</sub> and σ<sub>c</sub>² over the batch and all positions",
    "layer_norm": "y = γ · (x − μ) / √(σ² + ε) + β, with μ and σ² over all numbers of one example",
    "group_norm": "y = γ · (x − μ) / √(σ² + ε) + β, with μ and σ² over each group of channels of one example",
    "local_response_norm": "y<sub>c</sub> = x<sub>c</sub> / (k + α/n · Σ x<sub>j</sub>²)<sup>β</sup>, over n "
    "neighbouring channels",
    "reshape": "the same numbers in the same order, cut another way",
    "identity": "y = x",
    "zero_pad2d": "x with rows and columns of zeros around it",
    "upsample": "y[i, j] = x[⌊i/f⌋, ⌊j/f⌋] (nearest), or between its neighbours (bilinear)",
    "add": "y = x<sub>1</sub> + x<sub>2</sub> + …; each input gets the whole gradient",
    "multiply": "y = x<sub>1</sub> · x<sub>2</sub> · …; each input's gradient is scaled by the others",
    "concatenate": "y = (x<sub>1</sub>, x<sub>2</sub>, …); each input gets its part of the gradient",
}


def formula_of(document: Document, node: Node) -> str:
    """What a layer computes, or nothing where there is nothing to compute."""
    if node.kind == "output":
        loss = registry.layer("output").values(node.params).get("loss")
        formula = registry.loss(str(loss)).formula
        return f"L = {html.escape(formula)}" if formula else ""
    return _FORMULAS.get(node.kind, "")


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
        share = percent(result.macs / inference.macs if inference.macs else 0.0)
        rows.append(("work", f"{themes.format_count(result.macs)}{note} ({share} of the network)"))
    return rows


def parameter_product(document: Document, node: Node) -> str:
    """How many parameters, as the formula with letters and with the real numbers: ``F·F·D·K + K``."""
    result = document.inference.results[node.id]
    total = themes.format_count(result.parameters)
    spec = registry.layer(node.kind)
    values = spec.values(node.params)
    letters = {
        "conv1d": "F·D·K",
        "conv2d": "F·F·D·K",
        "conv_transpose2d": "F·F·D·K",
        "linear": "inputs·outputs",
    }.get(node.kind, "")
    lines = [line for line in result.arithmetic.splitlines() if "parameter" in line]
    if letters and _is(values, "bias"):
        letters += " + outputs" if node.kind == "linear" else " + K"
    if letters and values.get("groups", 1) != 1:
        letters = letters.replace("D", "(D/groups)")
    shown = html.escape(lines[0]) if lines else f"{total}"
    return f"{letters}<br>{shown}" if letters else shown


def _is(values: Mapping[str, ParamValue], name: str) -> bool:
    return values.get(name) is True
