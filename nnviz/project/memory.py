"""How much memory training a network takes, estimated in closed form before anything is built."""

from __future__ import annotations

import math

from nnviz.project.model import Project
from nnviz.project.shapes import Inference

BYTES_PER_NUMBER = 4
#: Numbers that an optimizer keeps for each parameter, beside its gradient.
_STATE = {"sgd": 0, "rmsprop": 1, "adagrad": 1, "adadelta": 2, "adam": 2, "adamw": 2}
#: Optimizers that keep one number more when their momentum is above 0.
_MOMENTUM = frozenset({"sgd", "rmsprop"})
#: Layers whose derivative is computed from what they put out, so that they keep it.
_KEEP_OUTPUT = frozenset({"relu", "sigmoid", "tanh", "softmax", "log_softmax"})
#: Layers whose derivative does not need what came in. Of all others it is taken that they keep it.
_NEED_NO_INPUT = _KEEP_OUTPUT | {"add", "concatenate", "dropout", "dropout2d", "zero_pad2d", "upsample", "step"}
#: Layers that put out the very numbers that came in, so what is kept behind them is what stands before them.
_VIEWS = frozenset({"flatten", "reshape"})
#: What a layer keeps beside that, in bytes for each number it puts out: places of the largest, masks, own sums.
_BESIDE = {"max_pool1d": 8, "max_pool2d": 8, "dropout": 4, "dropout2d": 4, "local_response_norm": 8}


def estimate_bytes(project: Project, inference: Inference, batch_size: int | None = None) -> int:
    """Bytes for training with batches of this size: parameters, gradients, optimizer state and activations.

    Counted are the activations that the way back needs, together with what pooling and dropout remember, and at the
    worst place the gradients that stand beside them. Workspaces of single operations and the library itself are not in
    it. Nodes whose shapes are unknown count nothing.
    """
    batch = project.training.batch_size if batch_size is None else batch_size
    return fixed_bytes(project, inference) + batch * bytes_per_example(project, inference)


def fixed_bytes(project: Project, inference: Inference) -> int:
    """What does not grow with the batch: parameters, gradients, optimizer state, the best weights if kept."""
    training = project.training
    copies = 2 + _STATE.get(training.optimizer.kind, 2) + training.keep_best
    momentum = training.optimizer.params.get("momentum", 0)
    if training.optimizer.kind in _MOMENTUM and isinstance(momentum, (int, float)) and momentum > 0:
        copies += 1
    return copies * BYTES_PER_NUMBER * inference.parameters


def bytes_per_example(project: Project, inference: Inference) -> int:
    """Activations that are kept, and the gradients beside them at the worst place of the way back, for one example."""
    nodes, results = project.graph.nodes, inference.results
    needed: set[str] = set()
    for node_id in reversed(inference.order):
        kind = nodes[node_id].kind
        if kind in _KEEP_OUTPUT:
            needed.add(node_id)
        if node_id in needed if kind in _VIEWS else kind not in _NEED_NO_INPUT:
            needed.update(inference.inputs[node_id])
    kept = worst = 0
    for node_id in inference.order:
        if node_id not in results:
            continue
        kind, size = nodes[node_id].kind, math.prod(results[node_id].output)
        if node_id in needed and kind not in _VIEWS:
            kept += size * BYTES_PER_NUMBER
        kept += size * _BESIDE.get(kind, 0)
        # What was kept behind this node is gone when the way back comes to it.
        gradients = size + sum(math.prod(shape) for shape in inference.input_shapes(node_id) or ())
        worst = max(worst, kept + gradients * BYTES_PER_NUMBER)
    return worst


def bytes_text(count: int) -> str:
    """``1.9 GB``: two or three digits, in steps of a thousand."""
    if count < 1000:
        return f"{count} bytes"
    units = ("kB", "MB", "GB", "TB", "PB", "EB")
    power = 1
    while count >= 1000 ** (power + 1) and power < len(units):
        power += 1
    tenths = count // (1000**power // 10)
    return f"{tenths / 10:.1f} {units[power - 1]}" if tenths < 1000 else f"{tenths // 10} {units[power - 1]}"
