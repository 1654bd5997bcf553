"""The instruments that a training session has unless others are given."""

from __future__ import annotations

from nnviz.probes.activations import ActivationStatistics
from nnviz.probes.base import Probe
from nnviz.probes.closed_channels import ClosedChannels
from nnviz.probes.dead_units import DeadUnits
from nnviz.probes.feature_maps import FeatureMapProbe
from nnviz.probes.filters import WeightProbe
from nnviz.probes.gradients import GradientProbe
from nnviz.probes.live_units import LiveUnits
from nnviz.probes.loss import LossProbe
from nnviz.probes.planes import PlaneProbe
from nnviz.probes.probe_set import ProbeSetPass
from nnviz.probes.saturation import Saturation
from nnviz.probes.updates import UpdateProbe
from nnviz.project.model import Shape


def default_probes(input_shape: Shape = ()) -> list[Probe]:
    """A fresh set of all instruments, the most urgent first. They fit every network: each finds its own nodes.

    Args:
        input_shape: Of one example; two features can be drawn as a plane, and get an instrument of their own.
    """
    planes: list[Probe] = [PlaneProbe()] if tuple(input_shape) == (2,) else []
    return [
        LossProbe(),
        LiveUnits(),
        GradientProbe(),
        UpdateProbe(),
        FeatureMapProbe(),
        *planes,
        WeightProbe(),
        ClosedChannels(),
        ProbeSetPass([DeadUnits(), ActivationStatistics(), Saturation()]),
    ]
