"""Units over the plane of two features: every cell is what the network says for that one point."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from probe_networks import arrays, chain, cnn, images, pinned_to

from nnviz.network.network import Network
from nnviz.probes.base import InputPlane, Measurement
from nnviz.probes.catalogue import default_probes
from nnviz.probes.planes import SIDE, PlaneProbe
from nnviz.record.interest import Interest

PLANE = InputPlane((-3.0, 5.0), (-1.0, 1.0), torch.tensor([[0.5, 0.25, 1.0], [-2.0, 0.0, 0.0]]))


def middles(low: float, high: float) -> list[float]:
    """The middles of 32 equal pieces of a range, computed one by one."""
    return [low + (high - low) * (2 * index + 1) / 64 for index in range(32)]


def network(units: int = 5) -> Network:
    made = Network(
        chain(
            ("input1", "input", {"shape": (2,)}),
            ("linear1", "linear", {"out_features": units}),
            ("norm1", "batch_norm1d", {}),
            ("tanh1", "tanh", {}),
            ("dropout1", "dropout", {"probability": 0.5}),
            ("linear2", "linear", {"out_features": 1}),
            ("output1", "output", {}),
        ),
        seed=4,
    )
    made.train()
    made(torch.randn(50, 2))  # running statistics that are not 0 and 1
    return made


def test_each_cell_is_the_output_for_its_middle_computed_alone() -> None:
    made = network()
    found = arrays(PlaneProbe().measure(Measurement(made, 7, plane=PLANE)))
    assert {f"plane/{node}" for node in made.node_ids} | {"input/points"} == set(found)
    made.eval()
    for row, x2 in enumerate(reversed(middles(*PLANE.x2))):
        for column, x1 in enumerate(middles(*PLANE.x1)):
            if (row + 3 * column) % 7:
                continue  # one cell in seven, in every row and column
            with torch.no_grad():
                alone = made.forward_all(torch.tensor([[x1, x2]]))
            for node in made.node_ids:
                measured = found[f"plane/{node}"].array[:, row, column]
                np.testing.assert_allclose(measured, alone[node][0].numpy(), rtol=1e-4, atol=1e-5)


def test_a_linear_unit_is_its_slope_with_the_largest_x2_on_top() -> None:
    graph = chain(("i", "input", {"shape": (2,)}), ("linear1", "linear", {"out_features": 2}), ("o", "output", {}))
    made = Network(graph)
    linear = made.module_of("linear1")
    assert isinstance(linear, torch.nn.Linear)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([[0.0, 2.0], [3.0, -1.0]]))
        linear.bias.copy_(torch.tensor([0.5, -1.0]))
    reading = arrays(PlaneProbe().measure(Measurement(made, 0, plane=PLANE)))["plane/linear1"]
    x1 = np.array(middles(*PLANE.x1))[None, :]
    x2 = np.array(middles(*PLANE.x2))[::-1][:, None]
    assert reading.array.shape == (2, SIDE, SIDE) and reading.array.dtype == np.float32
    np.testing.assert_allclose(reading.array[0], 2 * x2 + 0.5 + 0 * x1, atol=1e-5)
    np.testing.assert_allclose(reading.array[1], 3 * x1 - x2 - 1, atol=1e-5)
    assert (reading.array[0, 0] > reading.array[0, -1]).all()
    assert dict(reading.meta) == {
        "x1_low": -3.0, "x1_high": 5.0, "x2_low": -1.0, "x2_high": 1.0, "shown": 2, "of": 2,
    }  # fmt: skip


def test_only_what_is_watched_and_the_points_only_once() -> None:
    probe, made = PlaneProbe(), network(70)
    measurement = Measurement(made, 1, plane=PLANE, interest=Interest(nodes=frozenset({"linear1"})))
    found = arrays(probe.measure(measurement))
    assert set(found) == {"plane/linear1", "input/points"}
    assert np.array_equal(found["input/points"].array, PLANE.points.numpy())
    reading = found["plane/linear1"]
    assert reading.array.shape == (64, SIDE, SIDE)
    assert (reading.meta["shown"], reading.meta["of"]) == (64, 70)
    assert reading.array.base is None  # it keeps nothing else alive
    assert set(arrays(probe.measure(measurement))) == {"plane/linear1"}
    measurement.interest = Interest(nodes=frozenset())
    assert probe.measure(measurement) == []
    probe.reset()
    assert set(arrays(probe.measure(measurement))) == {"input/points"}


def test_it_is_there_only_for_two_features() -> None:
    assert "planes" in {probe.name for probe in default_probes((2,))}
    for shape in [(), (1,), (3,), (2, 2), (1, 28, 28)]:
        assert "planes" not in {probe.name for probe in default_probes(shape)}
    assert PlaneProbe().measure(Measurement(cnn(), 1, examples=pinned_to(images(1)))) == []


@pytest.mark.parametrize("measured", [True, False])
def test_measuring_leaves_weights_statistics_and_random_state(measured: bool) -> None:
    torch.manual_seed(3)
    made = network()
    reference = {name: value.clone() for name, value in made.state_dict().items()}
    torch.manual_seed(11)
    if measured:
        PlaneProbe().measure(Measurement(made, 1, plane=PLANE))
    drawn = torch.rand(5)
    torch.manual_seed(11)
    assert torch.equal(drawn, torch.rand(5))
    assert all(module.training for module in made.modules())
    for name, value in made.state_dict().items():
        assert torch.equal(value, reference[name]), name
