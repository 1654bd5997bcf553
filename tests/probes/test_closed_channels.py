"""Closed channels: planted cases, a slower count, and what follows from the declaration alone."""

from __future__ import annotations

import math

import pytest
import torch
from probe_networks import CNN, chain, cnn, scalars

from nnviz.network.network import Network
from nnviz.probes.base import Measurement
from nnviz.probes.closed_channels import ClosedChannels
from nnviz.probes.findings import FindingRules
from nnviz.project import registry
from nnviz.record.quantities import CLOSED_CHANNELS, badge_of
from nnviz.record.readings import Scalar
from nnviz.record.run import Run


def measured(network: Network) -> dict[str, float]:
    return scalars(ClosedChannels().measure(Measurement(network, 7)))


def factors_of(network: Network, node: str) -> torch.Tensor:
    weight = network.module_of(node).weight
    assert isinstance(weight, torch.Tensor)
    return weight


def test_a_fresh_normalisation_is_open() -> None:
    assert measured(cnn()) == {"closed_channels/norm1": 0.0}


@pytest.mark.parametrize(
    ("factors", "share"),
    [
        ([1.0, 0.0, 0.5, -0.5, 0.0, 2.0], 2 / 6),
        ([1.0, 0.01, 0.0101, -0.009, 0.5, -1.0], 2 / 6),
        ([0.0] * 6, 1.0),
        ([1e-6] * 6, 0.0),
        ([-3.0, 0.02, 0.029, 0.031, 1.0, 1.0], 2 / 6),
    ],
)
def test_planted_factors(factors: list[float], share: float) -> None:
    network = cnn()
    with torch.no_grad():
        factors_of(network, "norm1").copy_(torch.tensor(factors))
    assert measured(network)["closed_channels/norm1"] == pytest.approx(share)


def test_factors_that_are_not_numbers_are_no_share() -> None:
    network = cnn()
    with torch.no_grad():
        factors_of(network, "norm1")[2] = math.nan
    assert math.isnan(measured(network)["closed_channels/norm1"])


def test_against_a_count_by_hand() -> None:
    generator = torch.Generator().manual_seed(4)
    for _ in range(50):
        network = cnn()
        with torch.no_grad():
            factors_of(network, "norm1").copy_(10.0 ** (-4 * torch.rand(6, generator=generator)))
        numbers = [abs(float(number)) for number in factors_of(network, "norm1").tolist()]
        by_hand = sum(1 for number in numbers if number / max(numbers) <= 0.01) / len(numbers)
        assert measured(network)["closed_channels/norm1"] == pytest.approx(by_hand)


def test_a_normalisation_without_factors_has_none() -> None:
    graph = chain(
        ("input1", "input", {"shape": (4,)}),
        ("norm1", "batch_norm1d", {"affine": False}),
        ("output1", "output", {}),
    )
    assert measured(Network(graph)) == {}


def test_its_badge_and_its_finding_follow_from_the_declaration() -> None:
    assert badge_of(registry.layer("batch_norm2d")) is CLOSED_CHANNELS
    assert badge_of(registry.layer("layer_norm")) is None
    run, rules = Run(), FindingRules(CNN)
    run.append([Scalar("closed_channels/norm1", 5, 0.3)])
    assert rules.examine(run) == []
    run.append([Scalar("closed_channels/norm1", 6, 0.75)])
    (found,) = rules.examine(run)
    assert (found.series, found.severity) == ("finding/closed_channels/norm1", "warning")
    assert found.text == "norm1: 75 % of the channels are closed."
    assert [cure.value for cure in found.cures] == ["closed_channels"]
