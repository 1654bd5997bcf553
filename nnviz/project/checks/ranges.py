"""What is known of the numbers that flow out of each layer: never negative, from 0 to 1, or anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nnviz.project import registry
from nnviz.project.checks.shapes import Inference
from nnviz.project.model import Graph
from nnviz.project.spec import LayerSpec, OutputRange, Range

_OWN = frozenset({"any", "not_negative", "unit", "symmetric"})


def output_ranges(graph: Graph, inference: Inference) -> dict[str, Range]:
    """The range of every node's output, walked from the inputs down; nodes on a circle are left out.

    Of what comes in nothing is known, but that images are light: never negative.

    Args:
        graph: That of which the inference is.
        inference: The shapes; what is found is kept with them.
    """
    kept: dict[str, Range] | None = inference.found.get("ranges")
    if kept is None:
        kept = inference.found["ranges"] = _walked(graph, inference)
    return kept


def _walked(graph: Graph, inference: Inference) -> dict[str, Range]:
    found: dict[str, Range] = {}
    nodes, inputs, results = graph.nodes, inference.inputs, inference.results
    specs: dict[str, LayerSpec] = {}
    for node_id in inference.order:
        result = results.get(node_id)
        if result is None:
            found[node_id] = "any"
            continue
        kind = nodes[node_id].kind
        spec = specs.get(kind)
        if spec is None:
            spec = specs[kind] = registry.layer(kind)
        if spec.output_range in _OWN and spec.max_inputs:
            found[node_id] = spec.output_range  # type: ignore[assignment]  # whatever comes in
        elif len(inputs[node_id]) == 1 and spec.output_range == "as_input" and spec.max_inputs:
            found[node_id] = found.get(inputs[node_id][0], "any")
        elif not spec.max_inputs:
            found[node_id] = "not_negative" if len(result.output) == 3 else "any"
        else:
            found[node_id] = _resolved(spec, [found.get(source, "any") for source in inputs[node_id]])
    return found


def _resolved(spec: LayerSpec, inputs: Iterable[Range]) -> Range:
    declared: OutputRange = spec.output_range
    if declared not in {"as_input", "sign_as_input"}:
        return declared  # type: ignore[return-value]  # what is left are the ranges themselves
    common = _common(inputs)
    return common if declared == "as_input" else _ONLY_SIGN[common]


#: What remains known when numbers may become larger but keep their sign.
_ONLY_SIGN: Mapping[Range, Range] = {
    "any": "any",
    "symmetric": "any",
    "not_negative": "not_negative",
    "unit": "not_negative",
}


def _common(ranges: Iterable[Range]) -> Range:
    """The narrowest range that holds all of these: 0 to 1 lies within both −1 to 1 and what is never negative."""
    different = set(ranges)
    if len(different) > 1:
        different.discard("unit")
    return different.pop() if len(different) == 1 else "any"
