"""How large the gradient of each node is."""

from __future__ import annotations

import math

import torch

from nnviz.probes.base import Measurement, Probe, Stage, node_parameters
from nnviz.record.quantities import GRADIENT_MEAN, GRADIENT_NORM
from nnviz.record.readings import Reading, Scalar


class GradientProbe(Probe):
    """Gradient magnitude of each node with parameters.

    Definition: ``gradient_norm/<node>`` is the L2 norm of dL/dθ over all parameters of the node (weights and biases
    together), of the batch's mean loss, after the backward pass, before any clipping and before the update;
    ``gradient_mean/<node>`` is the mean absolute value of the same numbers.

    How to read it: on a logarithmic axis the nodes should lie within a few powers of ten of each other. When the first
    layers lie far below the last, the gradient vanishes on its way back and they hardly learn; when it shoots up, the
    learning rate is too high or the weights are too large.

    All norms are computed on the device and fetched in one transfer.
    """

    name = "gradients"
    title = "Gradient magnitude"
    stage = Stage.BACKWARD
    fills = (GRADIENT_NORM, GRADIENT_MEAN)
    wanted_interval = 0.03
    weight = 3.0  # Cheap, and on every card with weights.

    def measure(self, measurement: Measurement) -> list[Reading]:
        """Norm and mean absolute value of each node's gradient."""
        gradients: list[torch.Tensor] = []
        nodes: list[tuple[str, int, int]] = []  # node, number of its tensors, number of its parameters
        for node_id, parameters in node_parameters(measurement.network).items():
            own = [parameter.grad for parameter in parameters if parameter.grad is not None]
            if own:
                gradients += own
                nodes.append((node_id, len(own), sum(gradient.numel() for gradient in own)))
        if not gradients:
            return []
        with torch.no_grad():
            norms = [*torch._foreach_norm(gradients, 2), *torch._foreach_norm(gradients, 1)]
            numbers = torch.stack(norms).cpu().tolist()
        squares, sums = numbers[: len(gradients)], numbers[len(gradients) :]
        readings: list[Reading] = []
        start = 0
        for node_id, tensors, count in nodes:
            end = start + tensors
            # hypot neither overflows nor underflows where squaring would.
            readings.append(Scalar(GRADIENT_NORM.series(node_id), measurement.step, math.hypot(*squares[start:end])))
            readings.append(Scalar(GRADIENT_MEAN.series(node_id), measurement.step, sum(sums[start:end]) / count))
            start = end
        return readings
