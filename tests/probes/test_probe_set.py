"""Activations, dead units and saturation over the probe set, against slow computations and planted cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from probe_networks import arrays, chain, cnn, histograms, images, scalars

from nnviz.network.network import Network
from nnviz.probes.activations import BINS, ActivationStatistics, _Bins
from nnviz.probes.base import Measurement
from nnviz.probes.dead_units import DeadUnits
from nnviz.probes.probe_set import ProbeSetPass
from nnviz.probes.saturation import Saturation
from nnviz.project.model import Graph
from nnviz.record.readings import Reading


def everything() -> ProbeSetPass:
    return ProbeSetPass([DeadUnits(), ActivationStatistics(), Saturation()])


def outputs_by_hand(network: Network, inputs: torch.Tensor) -> dict[str, np.ndarray]:  # type: ignore[type-arg]  # of floats
    """One image at a time, layer by layer, on a network in evaluation mode."""
    training = network.training
    network.eval()
    rows: dict[str, list[torch.Tensor]] = {}
    with torch.no_grad():
        for image in inputs:
            value = image[None]
            for node in network.node_ids:
                if node != network.input_id:
                    value = network.module_of(node)(value)
                rows.setdefault(node, []).append(value)
    network.train(training)
    return {node: torch.cat(values).numpy() for node, values in rows.items()}


def in_parts(probe: ProbeSetPass, measurement: Measurement, part: int) -> list[Reading]:
    """A whole pass cut into parts of this many images."""
    measurement.whole = False
    while True:
        probe._part.images = part
        readings = probe.measure(measurement)
        if not probe.busy:
            return readings


def test_moments_and_histograms_are_those_of_numpy():
    network = cnn()
    measurement = Measurement(network, 12, probe_inputs=images(50))
    readings = everything().measure(measurement)
    expected = outputs_by_hand(network, images(50))
    numbers, distributions = scalars(readings), histograms(readings)
    for node, values in expected.items():
        if node == "output1":
            assert f"activation_mean/{node}" not in numbers
            continue
        wide = values.astype(np.float64)
        assert numbers[f"activation_mean/{node}"] == pytest.approx(wide.mean(), rel=1e-4, abs=1e-6)
        assert numbers[f"activation_deviation/{node}"] == pytest.approx(wide.std(), rel=1e-4, abs=1e-6)
        histogram = distributions[f"activation_histogram/{node}"]
        assert histogram.step == 12
        assert histogram.counts.sum() == values.size
        assert len(histogram.counts) <= BINS
        assert histogram.edges[0] <= wide.min() < histogram.edges[1]
        assert histogram.edges[-2] <= wide.max() < histogram.edges[-1]
        counted, _ = np.histogram(wide, histogram.edges)
        # The batched pass may round the last bit otherwise than one image at a time does.
        assert np.abs(counted - histogram.counts).sum() <= 4


@pytest.mark.parametrize("part", [1, 7, 25, 50])
def test_the_result_does_not_depend_on_the_parts(part: int):
    network = cnn()
    measurement = Measurement(network, 1, probe_inputs=images(50))
    whole = everything().measure(measurement)
    parts = in_parts(everything(), measurement, part)
    assert [reading.series for reading in parts] == [reading.series for reading in whole]
    for series, value in scalars(whole).items():
        assert scalars(parts)[series] == pytest.approx(value, rel=1e-4, abs=1e-6)
    for series, histogram in histograms(whole).items():
        other = histograms(parts)[series]
        assert np.array_equal(other.edges, histogram.edges)
        assert np.abs(other.counts - histogram.counts).sum() <= 4
    for series, reading in arrays(whole).items():
        assert np.array_equal(arrays(parts)[series].array, reading.array)


finite = st.floats(width=32, allow_nan=False, allow_infinity=False).map(lambda x: 0.0 if abs(x) < 1e-28 else x)
numbers32 = st.lists(finite, min_size=1, max_size=60)


@settings(max_examples=150)
@given(st.lists(numbers32, min_size=1, max_size=5))
def test_bins_for_any_numbers(parts: list[list[float]]):
    """The same as numpy counts, the same however it is cut, never more than 64 bins."""
    bins, at_once = _Bins(), _Bins()
    for part in parts:
        tensor = torch.tensor(part, dtype=torch.float32)
        bins.add(tensor, float(tensor.min()), float(tensor.max()))
    together = torch.tensor([number for part in parts for number in part], dtype=torch.float32)
    at_once.add(together, float(together.min()), float(together.max()))
    result, expected = bins.result(), at_once.result()
    assert result is not None
    assert expected is not None
    assert np.array_equal(result[0], expected[0])
    assert np.array_equal(result[1], expected[1])
    counts, edges = result
    assert len(counts) <= BINS
    assert len(edges) == len(counts) + 1
    assert (np.diff(edges) > 0).all()
    values = together.double().numpy()
    places = np.searchsorted(edges, values, side="right") - 1
    assert np.array_equal(np.bincount(places, minlength=len(counts)), counts)


def test_a_mean_far_from_zero_does_not_cost_the_deviation():
    graph = chain(("i", "input", {"shape": (1000,)}), ("f", "flatten", {}), ("o", "output", {}))
    inputs = 1e4 + torch.randn(30, 1000, generator=torch.Generator().manual_seed(0))
    readings = ProbeSetPass([ActivationStatistics()]).measure(Measurement(Network(graph), 1, probe_inputs=inputs))
    assert scalars(readings)["activation_deviation/i"] == pytest.approx(
        float(inputs.double().std(correction=0)), rel=1e-5
    )
    assert scalars(readings)["activation_mean/f"] == scalars(readings)["activation_mean/i"]


def test_numbers_that_are_not_finite():
    graph = chain(("i", "input", {"shape": (2,)}), ("r", "relu", {}), ("o", "output", {}))
    inputs = torch.tensor([[1.0, math.nan], [2.0, math.inf], [3.0, -1.0]])
    readings = everything().measure(Measurement(Network(graph), 1, probe_inputs=inputs))
    assert math.isnan(scalars(readings)["activation_mean/r"])
    assert histograms(readings)["activation_histogram/r"].counts.sum() == 4
    assert math.isnan(scalars(readings)["dead_fraction/r"])  # it is not 0 % either
    assert not arrays(readings)["dead_units/r"].array.any()  # what is not a number did not fail to fire
    graph = chain(("i", "input", {"shape": (2,)}), ("t", "tanh", {}), ("o", "output", {}))
    readings = everything().measure(Measurement(Network(graph), 1, probe_inputs=inputs))
    assert math.isnan(scalars(readings)["saturation/t"])
    readings = everything().measure(Measurement(Network(graph), 1, probe_inputs=inputs[1:, :1] * torch.ones(2, 2)))
    assert scalars(readings)["saturation/t"] == 0.5


# -- dead units --------------------------------------------------------------------------------------------------------


def kill(network: Network, node: str, units: list[int]) -> None:
    with torch.no_grad():
        network.module_of(node).bias[units] = -1e6  # type: ignore[index, operator, union-attr]  # a tensor on the module


def test_five_of_twenty_units_forced_dead_are_a_quarter():
    network = cnn()
    with torch.no_grad():
        network.module_of("linear1").bias.fill_(10.0)  # type: ignore[operator, union-attr]  # all fire
    killed = [0, 3, 7, 12, 19]
    kill(network, "linear1", killed)
    readings = everything().measure(Measurement(network, 8, probe_inputs=images(30)))
    assert scalars(readings)["dead_fraction/relu2"] == 0.25
    assert np.flatnonzero(arrays(readings)["dead_units/relu2"].array).tolist() == killed
    since = arrays(readings)["dead_since/relu2"].array
    assert since.dtype == np.int64
    assert [unit for unit in range(20) if since[unit] == 8] == killed
    assert set(since) == {-1, 8}
    assert arrays(readings)["dead_units/relu2"].meta["images"] == 30


def test_a_healthy_relu_whose_minimum_is_zero_has_no_dead_unit():
    graph = chain(("i", "input", {"shape": (6,)}), ("r", "relu", {}), ("o", "output", {}))
    inputs = -torch.ones(100, 6)
    inputs[torch.arange(6), torch.arange(6)] = 1e-3  # each fires for exactly one image of a hundred
    readings = everything().measure(Measurement(Network(graph), 1, probe_inputs=inputs))
    assert scalars(readings)["dead_fraction/r"] == 0.0
    assert histograms(readings)["activation_histogram/r"].edges[0] == 0
    inputs[3, 3] = 0.0  # and now one never does: an output of exactly 0 is not firing
    readings = everything().measure(Measurement(Network(graph), 1, probe_inputs=inputs))
    assert scalars(readings)["dead_fraction/r"] == pytest.approx(1 / 6)


def test_a_channel_that_fires_anywhere_is_alive():
    graph = chain(("i", "input", {"shape": (3, 5, 5)}), ("r", "relu", {}), ("o", "output", {}))
    inputs = -torch.ones(10, 3, 5, 5)
    inputs[9, 1, 4, 4] = 0.5
    readings = everything().measure(Measurement(Network(graph), 1, probe_inputs=inputs))
    assert arrays(readings)["dead_units/r"].array.tolist() == [True, False, True]


def test_dead_units_agree_with_looking_at_every_number():
    network = cnn(seed=3)
    kill(network, "linear1", [2, 5])
    kill(network, "norm1", [1])
    readings = everything().measure(Measurement(network, 1, probe_inputs=images(60)))
    for node, values in outputs_by_hand(network, images(60)).items():
        if node not in ("relu1", "relu2"):
            assert f"dead_fraction/{node}" not in scalars(readings)
            continue
        dead = [all(number <= 0 for number in values[:, unit].ravel()) for unit in range(values.shape[1])]
        assert arrays(readings)[f"dead_units/{node}"].array.tolist() == dead
        assert scalars(readings)[f"dead_fraction/{node}"] == sum(dead) / len(dead)


def test_since_when_a_unit_is_dead():
    network = cnn()
    probe = everything()

    def since(step: int) -> list[int]:
        readings = probe.measure(Measurement(network, step, probe_inputs=images(30), fixed=True))
        return list(arrays(readings)["dead_since/relu2"].array[:2])

    with torch.no_grad():
        network.module_of("linear1").bias.fill_(10.0)  # type: ignore[operator, union-attr]  # a tensor on the module
    assert since(0) == [-1, -1]
    kill(network, "linear1", [0])
    assert since(10) == [10, -1]
    kill(network, "linear1", [1])
    assert since(20) == [10, 20]
    assert since(30) == [10, 20]
    with torch.no_grad():
        network.module_of("linear1").bias[0] = 10.0  # type: ignore[index, operator, union-attr]  # it comes back
    assert since(40) == [-1, 20]
    kill(network, "linear1", [0])
    assert since(50) == [50, 20]
    probe.go_back(15)
    assert since(15) == [10, 15]  # training went back: what was known then is known again
    probe.reset()
    assert since(60) == [60, 60]


# -- saturation --------------------------------------------------------------------------------------------------------


def test_saturation_agrees_with_the_formulas():
    network = cnn(seed=2)
    with torch.no_grad():
        network.module_of("linear2").weight.mul_(60.0)  # type: ignore[operator, union-attr]  # a tensor on the module
        network.module_of("linear3").weight.mul_(9.0)  # type: ignore[operator, union-attr]  # as above
    readings = everything().measure(Measurement(network, 1, probe_inputs=images(60)))
    values = {node: array.astype(np.float64) for node, array in outputs_by_hand(network, images(60)).items()}
    sigmoid, tanh = values["sigmoid1"], values["tanh1"]
    expected = {
        "saturation/sigmoid1": float((sigmoid * (1 - sigmoid) < 0.05 * 0.25).mean()),
        "saturation/tanh1": float((1 - tanh**2 < 0.05).mean()),
    }
    found = {series: value for series, value in scalars(readings).items() if series.startswith("saturation/")}
    assert found == pytest.approx(expected, abs=2 / sigmoid.size)
    assert 0.05 < found["saturation/sigmoid1"] < 0.95


def test_planted_saturation():
    graph = chain(("i", "input", {"shape": (4,)}), ("s", "sigmoid", {}), ("o", "output", {}))
    # The derivative is 5 % of its maximum at ±4.3567.
    inputs = torch.tensor([[0.0, 4.35, 4.36, -50.0]] * 25)
    readings = everything().measure(Measurement(Network(graph), 1, probe_inputs=inputs))
    assert scalars(readings)["saturation/s"] == 0.5


# -- the pass ----------------------------------------------------------------------------------------------------------


def test_all_numbers_of_a_pass_belong_to_the_step_at_which_it_began():
    network = cnn()
    measurement = Measurement(network, 5, probe_inputs=images(40))
    expected = scalars(everything().measure(measurement))
    probe = everything()
    measurement.whole = False
    probe._part.images = 4
    assert probe.measure(measurement) == []
    assert probe.busy
    readings: list[Reading] = []
    while probe.busy:
        with torch.no_grad():  # training goes on meanwhile
            for tensor in [*network.parameters(), *network.buffers()]:
                tensor.add_(1)
        measurement.step += 1
        probe._part.images = 4
        readings = probe.measure(measurement)
    assert {reading.step for reading in readings} == {5}
    assert scalars(readings) == pytest.approx(expected, rel=1e-4, abs=1e-6)
    measurement.whole = True
    assert {reading.step for reading in probe.measure(measurement)} == {measurement.step}
    assert scalars(probe.measure(measurement)) != pytest.approx(expected)


def test_what_is_wanted_at_once_does_not_wait_for_an_older_pass():
    network = cnn()
    probe = everything()
    probe._part.images = 4
    probe.measure(Measurement(network, 5, probe_inputs=images(40), whole=False))
    readings = probe.measure(Measurement(network, 9, probe_inputs=images(40)))
    assert {reading.step for reading in readings} == {9}
    assert not probe.busy


def test_patience_ends_a_long_pass_which_goes_on_later():
    now = 0.0

    class Slow(DeadUnits):
        def take(self, outputs):  # type: ignore[no-untyped-def]  # as in its base
            nonlocal now
            now += 0.5 * len(next(iter(outputs.values())))  # half a second an image
            super().take(outputs)

    probe = ProbeSetPass([Slow()], lambda: now)
    measurement = Measurement(cnn(), 5, probe_inputs=images(40), patience=2.0)
    calls = 1
    while not (readings := probe.measure(measurement)):
        assert probe.busy
        calls += 1
    assert calls > 3
    assert {reading.step for reading in readings} == {5}


def test_a_pass_of_a_fixed_step_is_brought_to_its_end():
    """Whatever is asked for meanwhile: it belongs into the story."""
    network = cnn()
    for asked in ({}, {"whole": False, "fixed": True}):
        probe = everything()
        probe._part.images = 4
        assert not probe.measure(Measurement(network, 5, probe_inputs=images(40), whole=False, fixed=True))
        assert not probe.measure(Measurement(network, 6, probe_inputs=images(40), whole=False, anew=True))
        readings = probe.measure(Measurement(network, 9, probe_inputs=images(40), **asked))  # type: ignore[arg-type]  # flags
        while probe.busy:
            readings += probe.measure(Measurement(network, 10, probe_inputs=images(40), whole=False))
        assert sorted({reading.step for reading in readings}) == [5, 9]
    probe = everything()
    probe._part.images = 4
    probe.measure(Measurement(network, 5, probe_inputs=images(40), whole=False, fixed=True))
    probe.go_back(5)
    assert probe.busy, "training went back, but not behind it"
    probe.go_back(4)
    assert not probe.busy


def test_what_is_wanted_anew_begins_with_the_weights_as_they_are_now():
    probe = everything()
    probe._part.images = 4
    probe.measure(Measurement(cnn_ := cnn(), 5, probe_inputs=images(40), whole=False))
    readings: list[Reading] = probe.measure(Measurement(cnn_, 7, probe_inputs=images(40), whole=False, anew=True))
    while probe.busy:
        readings += probe.measure(Measurement(cnn_, 8, probe_inputs=images(40), whole=False))
    assert {reading.step for reading in readings} == {7}


def test_a_look_with_the_best_weights_has_their_past():
    network = cnn()
    probe = everything()

    def look(step: int, **more: object) -> tuple[list[int], list[int]]:
        readings = probe.measure(Measurement(network, step, probe_inputs=images(30), **more))  # type: ignore[arg-type]  # flags
        found = arrays(readings)
        return list(found["dead_since/relu2"].array[:2]), list(found["alive_until/relu2"].array[:2])

    with torch.no_grad():
        network.module_of("linear1").bias.fill_(10.0)  # type: ignore[operator, union-attr]  # a tensor on the module
    assert look(0, fixed=True) == ([-1, -1], [-1, -1])
    kill(network, "linear1", [0])
    assert look(20, fixed=True) == ([20, -1], [0, -1])
    kill(network, "linear1", [1])
    assert look(30) == ([20, 30], [0, 20]), "found by the way, and not told yet"
    assert look(40, fixed=True) == ([20, 40], [0, 20])
    with torch.no_grad():
        network.module_of("linear1").bias[1] = 10.0  # type: ignore[index, operator, union-attr]  # as above
    assert look(60, weights_of=25) == ([20, -1], [0, -1])
    kill(network, "linear1", [1])
    assert look(60) == ([20, 40], [0, 20]), "back again where it was"


def test_parts_follow_the_time_they_take():
    now = 0.0
    probe = ProbeSetPass([DeadUnits()], lambda: now)

    class Slow(DeadUnits):
        def take(self, outputs):  # type: ignore[no-untyped-def]  # as in its base
            nonlocal now
            now += 0.001 * len(next(iter(outputs.values())))  # a millisecond an image

    probe = ProbeSetPass([Slow()], lambda: now)
    measurement = Measurement(cnn(), 5, probe_inputs=images(400), whole=False)
    longest = []
    while not longest or probe.busy:
        before = now
        probe.measure(measurement)
        longest.append(now - before)
    assert max(longest) == pytest.approx(0.020)
    assert longest[-2] >= 0.019


def test_another_network_is_another_pass():
    probe = everything()
    one, other = cnn(0), cnn(7)
    first = scalars(probe.measure(Measurement(one, 5, probe_inputs=images())))
    second = scalars(probe.measure(Measurement(other, 5, probe_inputs=images())))
    assert first != second
    assert scalars(probe.measure(Measurement(one, 5, probe_inputs=images()))) == pytest.approx(
        first, rel=1e-4, abs=1e-6
    )


def test_there_may_be_nothing_to_look_at():
    assert everything().measure(Measurement(cnn(), 1)) == []
    assert everything().measure(Measurement(cnn(), 1, probe_inputs=images(0))) == []
    graph = chain(("i", "input", {"shape": (2,)}), ("l", "linear", {}), ("o", "output", {}))
    assert isinstance(graph, Graph)
    readings = ProbeSetPass([DeadUnits(), Saturation()]).measure(
        Measurement(Network(graph), 1, probe_inputs=torch.ones(3, 2))
    )
    assert readings == []
