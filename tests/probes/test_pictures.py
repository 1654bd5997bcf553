"""Feature maps and filters: the right numbers, the right cut, owned by nobody else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from probe_networks import arrays, chain, cnn, images, pinned_to

from nnviz.network.network import Network
from nnviz.probes import feature_maps, filters
from nnviz.probes.base import ExampleInput, Measurement
from nnviz.probes.feature_maps import FeatureMapProbe
from nnviz.probes.filters import WeightProbe
from nnviz.record.interest import Interest
from nnviz.record.readings import units_in


def test_outputs_are_those_of_each_layer_by_hand():
    network = cnn()
    pinned = images(1, seed=5)
    meta: dict[str, str | int | float] = {"sample": 4, "label": "7"}
    found = arrays(FeatureMapProbe().measure(Measurement(network, 3, examples=pinned_to(pinned, meta))))
    network.eval()
    value = pinned
    with torch.no_grad():
        for node in network.node_ids:
            if node != network.input_id:
                value = network.module_of(node)(value)
            reading = found[f"output/{node}"]
            assert reading.step == 3
            assert dict(reading.meta) == meta
            assert reading.array.dtype == np.float32
            assert np.array_equal(reading.array, value[0].numpy())
    assert np.array_equal(found["input/pinned"].array, pinned[0].numpy())


def test_only_what_is_watched_is_measured():
    measurement = Measurement(
        cnn(),
        1,
        examples=pinned_to(images(1)),
        interest=Interest(nodes=frozenset({"conv1", "relu2"}), closely=frozenset({"linear4"})),
    )
    probe = FeatureMapProbe()
    probe.measure(measurement)
    measurement.whole = False
    assert set(arrays(probe.measure(measurement))) == {"output/conv1", "output/relu2", "output/linear4"}
    measurement.interest = Interest(nodes=frozenset())
    assert probe.measure(measurement) == []
    measurement.examples = pinned_to(images(1, seed=9))  # another sample is pinned
    assert set(arrays(probe.measure(measurement))) == {"input/pinned"}
    measurement.examples = ()
    assert probe.measure(measurement) == []


def test_many_channels_are_cut_unless_looked_at_closely():
    graph = chain(
        ("i", "input", {"shape": (1, 4, 4)}),
        ("conv1", "conv2d", {"out_channels": 100}),
        ("flatten1", "flatten", {}),
        ("o", "output", {}),
    )
    measurement = Measurement(Network(graph), 1, examples=pinned_to(torch.randn(1, 1, 4, 4)))
    found = arrays(FeatureMapProbe().measure(measurement))
    assert found["output/conv1"].array.shape == (64, 2, 2)
    assert dict(found["output/conv1"].meta) == {"shown": 64, "of": 100}
    assert found["output/flatten1"].array.shape == (400,)
    measurement.interest = Interest(closely=frozenset({"conv1"}))
    closely = arrays(FeatureMapProbe().measure(measurement))["output/conv1"]
    assert closely.array.shape == (100, 2, 2)
    assert dict(closely.meta) == {}


def test_single_units_are_shown_wherever_they_lie() -> None:
    graph = chain(
        ("i", "input", {"shape": (1, 4, 4)}),
        ("conv1", "conv2d", {"out_channels": 100}),
        ("flatten1", "flatten", {}),
        ("o", "output", {}),
    )
    network, pinned = Network(graph), torch.randn(1, 1, 4, 4)
    wanted = frozenset({("conv1", 97), ("conv1", 70), ("conv1", 3), ("conv1", 100), ("nowhere", 1)})
    measurement = Measurement(
        network, 1, examples=pinned_to(pinned), interest=Interest(nodes=frozenset(), units=wanted)
    )
    found = arrays(FeatureMapProbe().measure(measurement))
    assert set(found) == {"input/pinned", "output/conv1"}
    reading = found["output/conv1"]
    with torch.no_grad():
        whole = network.module_of("conv1")(pinned)[0].numpy()
    units = units_in(reading.meta, len(reading.array))
    assert units == (*range(64), 70, 97)
    assert dict(reading.meta) == {"shown": 66, "of": 100, "also": "70 97"}
    assert np.array_equal(reading.array, whole[list(units)])


def test_each_example_that_is_looked_at_is_measured_the_first_as_the_pinned_one() -> None:
    network = cnn()
    pictures = [images(1, seed=seed) for seed in (1, 2, 3)]
    examples = [ExampleInput(index, one, {"sample": index}) for index, one in zip((9, 2, 4), pictures, strict=True)]
    found = arrays(FeatureMapProbe().measure(Measurement(network, 3, examples=examples)))
    alone = [
        arrays(FeatureMapProbe().measure(Measurement(network, 3, examples=[one])))["output/relu2"] for one in examples
    ]
    for name, expected in zip(("output/relu2", "output/relu2#2", "output/relu2#4"), alone, strict=True):
        assert dict(found[name].meta) == dict(expected.meta)
        np.testing.assert_allclose(found[name].array, expected.array, rtol=1e-5, atol=1e-6)
    assert np.array_equal(found["input/pinned"].array, pictures[0][0].numpy())
    assert {name.partition("#")[2] for name in found} == {"", "2", "4"}


@pytest.mark.parametrize("also", ["3", "1 1", "-4", "7 6", "x", "9" * 12, "1 2 3 4 5 6", 7.5, "٣"])
def test_units_that_a_file_makes_up_are_not_believed(also: str | float) -> None:
    assert units_in({"also": also}, 5) == (0, 1, 2, 3, 4)


def test_large_maps_are_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(feature_maps, "NUMBERS", 100)
    monkeypatch.setattr(feature_maps, "CLOSE_NUMBERS", 300)
    measurement = Measurement(cnn(), 1, examples=pinned_to(images(1)), interest=Interest(closely=frozenset({"relu1"})))
    found = arrays(FeatureMapProbe().measure(measurement))
    assert found["output/conv1"].array.shape == (2, 7, 7)
    assert found["output/relu1"].array.shape == (6, 7, 7)
    monkeypatch.setattr(feature_maps, "NUMBERS", 10)
    assert arrays(FeatureMapProbe().measure(measurement))["output/conv1"].array.shape == (1, 7, 7)  # one at least


def test_weights_are_copies_with_the_range_of_the_whole():
    network = cnn()
    found = arrays(WeightProbe().measure(Measurement(network, 7)))
    layers = ("conv1", "linear1", "linear2", "linear3", "linear4")
    assert set(found) == {f"{what}/{node}" for what in ("weights", "bias_vector") for node in layers}
    for node in layers:
        bias = network.module_of(node).bias.detach()  # type: ignore[union-attr]  # a tensor on the module
        assert np.array_equal(found[f"bias_vector/{node}"].array, bias.numpy())  # type: ignore[operator]  # as above
    for series, reading in found.items():
        if series.startswith("bias_vector/"):
            continue
        weight = network.module_of(series.removeprefix("weights/")).weight.detach()  # type: ignore[union-attr]  # a tensor on the module
        assert np.array_equal(reading.array, weight.numpy())  # type: ignore[operator]  # as above
        assert reading.meta["minimum"] == float(weight.min())  # type: ignore[operator, arg-type]  # as above
        assert reading.meta["maximum"] == float(weight.max())  # type: ignore[operator, arg-type]  # as above
    before = found["weights/conv1"].array.copy()
    with torch.no_grad():
        network.module_of("conv1").weight.zero_()  # type: ignore[union-attr, operator]  # as above
    assert np.array_equal(found["weights/conv1"].array, before)


def test_large_weights_are_cut_to_their_first_outputs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(filters, "NUMBERS", 100)
    network = cnn()
    weight = network.module_of("linear1").weight  # type: ignore[union-attr]  # a tensor on the module
    with torch.no_grad():
        weight[-1, -1] = 99.0  # type: ignore[index, operator]  # as above
    found = arrays(
        WeightProbe().measure(Measurement(network, 1, interest=Interest(nodes=frozenset({"linear1", "linear2"}))))
    )
    assert found["weights/linear1"].array.shape == (1, 54)
    assert found["weights/linear1"].meta["of"] == 20
    assert found["weights/linear1"].meta["maximum"] == 99
    assert found["weights/linear2"].array.shape == (5, 20)
    monkeypatch.setattr(filters, "NUMBERS", 10)
    assert arrays(WeightProbe().measure(Measurement(network, 1)))["weights/linear1"].array.shape == (1, 10)
