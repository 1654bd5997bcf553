"""Every kind is taken apart on a sheet; what is read there sums; hands and keys walk, slide and go back."""

from __future__ import annotations

import logging
import math
import re
from random import Random

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from nnviz.explain.at_rest import network_at_rest
from nnviz.explain.kinds import way_of
from nnviz.explain.place import LOSS, Place
from nnviz.explain.values import values_of
from nnviz.gui.explain.terms_view import number, sum_of
from nnviz.network.losses import LossFunction
from nnviz.network.network import Network
from nnviz.project.model import Edge, Graph, Node, PortRef
from tests.explain.explain_helpers import CASES, any_index, flowing
from tests.gui.explain.explain_sheets import click, sheet_of, written

PAGE, DOCK = (1340, 780), (420, 210)


@pytest.mark.parametrize("kind", sorted(CASES))
def test_every_kind_is_taken_apart_and_its_sum_is_its_value(
    styled: QApplication, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    random = Random(len(kind))
    network, values = flowing(CASES[kind](random), training=False, count=1)
    sheet = sheet_of(network, values, monkeypatch)
    shape = values.nodes["layer"].output.shape[1:]
    places = [Place("layer", index=any_index(random, shape), backward=back) for back in (False, True)]
    places += [
        Place("layer", name, any_index(random, array.shape), backward=back)
        for name, array in values.nodes["layer"].parameters.items()
        for back in (False, True)
    ]
    if way_of(kind).window is not None:  # what comes back to what its window reads
        source = values.nodes["layer"].sources[0]
        places += [Place(source, index=any_index(random, values.nodes[source].output.shape[1:]), backward=True)]
    with caplog.at_level(logging.ERROR):
        for place in places:
            for size, letters in ((PAGE, 21.0), (DOCK, 12.0)):
                sheet.resize(*size)
                sheet.set_letters(letters)
                sheet.walk.start(place)
                taken = sheet.walk.taken
                assert taken is not None and not sheet.walk.failure
                found = taken.explanation
                slack = 1e-5 * (math.fsum(abs(term.value) for term in found.terms) + abs(found.value)) + 1e-30
                assert abs(found.total - found.value) <= slack
                value = number(found.value)
                assert number(sum_of(found)) == value
                texts = sheet.texts
                # In the title, and where the sum stands.
                assert sum(value in text for text in texts) >= 2 or size == DOCK, (place, texts)
                if taken.window is not None and not taken.place.backward:
                    window = taken.window
                    own = float(window.sums.sum()) + (window.bias or 0.0)
                    assert own == pytest.approx(found.value, abs=slack)
                if taken.back is not None and place.node != "layer":
                    assert taken.back.total == pytest.approx(found.value, abs=slack)
    assert not [record for record in caplog.records if "failed" in record.message]


def convolution(weights: torch.Tensor, picture: np.ndarray, **params: object) -> tuple[Network, object]:
    """A convolution with these weights over a picture, and what flows through it."""
    count, _, high, wide = weights.shape
    nodes = {
        "input": Node("input", "input", {"shape": tuple(picture.shape)}),
        "conv": Node("conv", "conv2d", {"out_channels": count, "kernel_size": (high, wide), **params}),
        "output": Node("output", "output", {"loss": "mse"}),
    }
    edges = (Edge(PortRef("input"), PortRef("conv")), Edge(PortRef("conv"), PortRef("output")))
    network = Network(Graph(nodes, edges))
    module = network.module_of("conv")
    with torch.no_grad():
        module.weight.copy_(weights)
        module.bias.zero_()
    inputs = torch.from_numpy(picture.astype(np.float32))[None]
    loss = LossFunction("mse", "regression", 1, 0.0)
    shape = network.inference.results["output"].output
    return network, values_of(network, network_at_rest(network), inputs, loss, torch.zeros(1, *shape))


def test_a_window_slides_by_mouse_keys_and_itself_and_every_weight_has_its_place(
    styled: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = np.arange(2 * 6 * 6).reshape(2, 6, 6) / 10
    weights = torch.arange(18.0).reshape(1, 2, 3, 3) / 10 - 0.7
    sheet = sheet_of(*convolution(weights, picture, padding=(1, 1)), monkeypatch)  # type: ignore[arg-type]
    sheet.resize(*PAGE)
    sheet.set_letters(20.0)
    sheet.walk.start(Place("conv", index=(0, 2, 3)))
    expected = torch.nn.functional.conv2d(torch.from_numpy(picture).float()[None], weights, padding=1)[0]

    def value() -> float:
        taken = sheet.walk.taken
        assert taken is not None
        assert taken.explanation.value == pytest.approx(float(expected[taken.index]), rel=1e-5)
        assert number(taken.explanation.value) in written(sheet)
        return taken.explanation.value

    value()
    # Each drawn weight can be found by where it lies, and lies where it is said to.
    channel = sheet.channel
    for row in range(3):
        for column in range(3):
            rect = sheet.rect_of("conv", "weight", (0, channel, row, column))
            assert rect is not None
            assert sheet.place_at(rect.center()) == ("conv", "weight", (0, channel, row, column))
    bias = sheet.rect_of("conv", "bias", (0,))
    assert bias is not None and sheet.place_at(bias.center()) == ("conv", "bias", (0,))
    # Keys.
    for key, index in ((Qt.Key.Key_Right, (0, 2, 4)), (Qt.Key.Key_Up, (0, 1, 4)), (Qt.Key.Key_Up, (0, 0, 4))):
        QTest.keyClick(sheet, key)
        assert sheet.walk.place is not None and sheet.walk.place.index == index
        value()
    # The padding counts nothing, and is not walked to.
    padded = [spot for spot in sheet.spots if spot.zone == "window" and "padding" in spot.words]
    assert len(padded) == 3 and not any(spot.leads for spot in padded)
    # The mouse: pressed in the lower right corner of the map.
    map_spot = next(spot for spot in sheet.spots if spot.zone == "map")
    corner = map_spot.rect.bottomRight() - QPointF(3, 3)
    QTest.mouseClick(sheet, Qt.MouseButton.LeftButton, pos=corner.toPoint())
    assert sheet.walk.place is not None and sheet.walk.place.index == (0, 5, 5)
    # By itself it goes on with the next row, here with the first.
    sheet.sliding.let(True)
    assert sheet.sliding.active
    monkeypatch.setattr(sheet, "isVisible", lambda: True)
    sheet.sliding._go_on()
    assert sheet.walk.place is not None and sheet.walk.place.index == (0, 0, 0)
    value()
    # Another channel of what comes in.
    other = next(
        spot
        for spot in sheet.spots
        if spot.words
        == f"channel {1 - channel} contributes " + number(float(sheet.walk.taken.window.sums[1 - channel]))
    )  # type: ignore[union-attr]  # it is a convolution
    click(sheet, other)
    assert sheet.channel == 1 - channel
    # Walk into a pixel, and back.
    pixel = next(spot for spot in sheet.spots if spot.zone == "window" and spot.target is not None)
    click(sheet, pixel)
    assert sheet.walk.place is not None and sheet.walk.place.node == "input" and len(sheet.walk.trail) == 2
    QTest.keyClick(sheet, Qt.Key.Key_Backspace)
    assert sheet.walk.place.node == "conv" and len(sheet.walk.trail) == 1


@pytest.mark.parametrize("count", [3, 4000])
def test_a_long_sum_shows_its_largest_terms_and_one_line_for_the_others(
    styled: QApplication, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    nodes = {
        "input": Node("input", "input", {"shape": (count,)}),
        "linear": Node("linear", "linear", {"out_features": 1}),
        "output": Node("output", "output", {"loss": "mse"}),
    }
    edges = (Edge(PortRef("input"), PortRef("linear")), Edge(PortRef("linear"), PortRef("output")))
    network = Network(Graph(nodes, edges), seed=3)
    inputs = torch.linspace(-1, 2, count)[None]
    sheet = sheet_of(network, values_of(network, network_at_rest(network), inputs), monkeypatch)
    sheet.resize(*PAGE)
    sheet.set_letters(20.0)
    sheet.walk.start(Place("linear", index=(0,)))
    products = (network.module_of("linear").weight[0].detach() * inputs[0]).double()  # type: ignore[union-attr,operator,index]
    lines = written(sheet)
    largest = products[products.abs().argmax()].item()
    assert number(largest) in lines
    if count > 100:
        more = next(text for text in sheet.texts if text.startswith("and "))
        hidden = int(more.split()[1].replace(",", ""))
        bias = float(network.module_of("linear").bias[0].detach())  # type: ignore[union-attr,index,arg-type]
        kept = sorted([*products.tolist(), bias], key=abs, reverse=True)[: count + 1 - hidden]
        rest = math.fsum([*products.tolist(), bias]) - math.fsum(kept)
        assert number(rest) in lines
    else:
        assert "and " not in lines


def test_softmax_is_a_table_that_leads_to_the_loss(styled: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures of the source: softmax of (2.0, 1.0, 0.1) is (0.659, 0.242, 0.0986)."""
    nodes = {
        "input": Node("input", "input", {"shape": (3,)}),
        "output": Node("output", "output", {"loss": "cross_entropy"}),
    }
    network = Network(Graph(nodes, (Edge(PortRef("input"), PortRef("output")),)))
    loss = LossFunction("cross_entropy", "multiclass", 3, 0.0)
    inputs = torch.tensor([[2.0, 1.0, 0.1]])
    values = values_of(network, network_at_rest(network), inputs, loss, torch.tensor([0]))
    sheet = sheet_of(network, values, monkeypatch, names=("cat", "dog", "cow"))
    sheet.resize(*PAGE)
    sheet.set_letters(20.0)
    sheet.walk.start(Place(LOSS, LOSS))
    for text in ("0.659", "0.242", "0.0986", "7.39", "2.72", "1.11", "cat", "Σ e^z = 11.2"):
        assert text in written(sheet)
    assert number(-math.log(0.6590011)) in written(sheet)
    click(sheet, next(spot for spot in sheet.spots if spot.words.startswith("class dog")))
    assert sheet.walk.place == Place("output", index=(1,), example=sheet.walk.place.example)  # type: ignore[union-attr]
    sheet.walk.set_backward(True)
    assert "0.242" in written(sheet) and number(0.6590011 - 1) in written(sheet)  # p − y


def test_a_probability_near_one_has_the_digits_that_its_logarithm_needs(
    styled: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = {
        "input": Node("input", "input", {"shape": (12,)}),
        "output": Node("output", "output", {"loss": "cross_entropy"}),
    }
    network = Network(Graph(nodes, (Edge(PortRef("input"), PortRef("output")),)))
    loss = LossFunction("cross_entropy", "multiclass", 12, 0.0)
    inputs = torch.zeros(1, 12)
    inputs[0, 0] = 9.0
    values = values_of(network, network_at_rest(network), inputs, loss, torch.tensor([0]))
    sheet = sheet_of(network, values, monkeypatch)
    sheet.resize(PAGE[0], 300)
    sheet.set_letters(20.0)
    sheet.walk.start(Place(LOSS, LOSS))
    text = written(sheet)
    share = re.search(r"−log (0\.\d+) = ", text)
    assert share is not None
    # Who reckons along with what stands there gets what stands there.
    assert number(-math.log(float(share[1]))) in text
    assert re.search(r"and \d+ more", text)


def test_of_a_largest_number_the_winner_is_marked_and_gets_the_gradient(
    styled: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = {
        "input": Node("input", "input", {"shape": (1, 4, 4)}),
        "pool": Node("pool", "max_pool2d", {"kernel_size": (2, 2), "stride": (2, 2)}),
        "output": Node("output", "output", {"loss": "mse"}),
    }
    edges = (Edge(PortRef("input"), PortRef("pool")), Edge(PortRef("pool"), PortRef("output")))
    network = Network(Graph(nodes, edges))
    picture = torch.tensor([[1.0, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]])[None, None]
    loss = LossFunction("mse", "regression", 1, 0.0)
    values = values_of(network, network_at_rest(network), picture, loss, torch.zeros(1, 1, 2, 2))
    sheet = sheet_of(network, values, monkeypatch)
    sheet.resize(*PAGE)
    sheet.set_letters(20.0)
    for index, winner, largest in (((0, 0, 0), (1, 1), 6.0), ((0, 0, 1), (1, 1), 8.0), ((0, 1, 0), (0, 0), 3.0)):
        sheet.walk.start(Place("pool", index=index, backward=True))
        window = sheet.walk.taken.window  # type: ignore[union-attr]
        assert window is not None and window.largest == winner
        gradient = number(2 * largest / 4)
        back = [spot.words for spot in sheet.spots if spot.zone == "back"]
        assert len(back) == 4 and sum(text.startswith(f"{number(largest)} × 1.00") for text in back) == 1
        assert sheet.texts.count(gradient) >= 2 and "the other 3 get 0" in written(sheet)


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([1.0, 2.0, 3.0, 4.0], "The largest of 4. On"),
        ([2.5911, 2.0, 2.5934, 0.0], "The largest of 4, by 0.00230. On"),
        ([3.0, 3.0, 1.0, 0.0], "The largest of 4; another is as large, the first counts. On"),
    ],
)
def test_a_winner_that_reads_like_the_next_one_says_by_how_much_it_leads(
    styled: QApplication, monkeypatch: pytest.MonkeyPatch, numbers: list[float], words: str
) -> None:
    nodes = {
        "input": Node("input", "input", {"shape": (1, 2, 2)}),
        "pool": Node("pool", "max_pool2d", {"kernel_size": (2, 2)}),
        "output": Node("output", "output", {"loss": "mse"}),
    }
    edges = (Edge(PortRef("input"), PortRef("pool")), Edge(PortRef("pool"), PortRef("output")))
    network = Network(Graph(nodes, edges))
    picture = torch.tensor(numbers).reshape(1, 1, 2, 2)
    loss = LossFunction("mse", "regression", 1, 0.0)
    values = values_of(network, network_at_rest(network), picture, loss, torch.zeros(1, 1, 1, 1))
    sheet = sheet_of(network, values, monkeypatch)
    sheet.resize(*PAGE)
    sheet.set_letters(20.0)
    sheet.walk.start(Place("pool", index=(0, 0, 0)))
    assert words in written(sheet)
    window = sheet.walk.taken.window  # type: ignore[union-attr]
    assert window is not None and window.largest == divmod(int(np.argmax(numbers)), 2)


def test_an_activation_shows_where_it_is_dead(styled: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, words in (("relu", "dead: slope 0"), ("sigmoid", "saturated: slope near 0")):
        nodes = {
            "input": Node("input", "input", {"shape": (3,)}),
            "bent": Node("bent", kind, {}),
            "output": Node("output", "output", {"loss": "mse"}),
        }
        edges = (Edge(PortRef("input"), PortRef("bent")), Edge(PortRef("bent"), PortRef("output")))
        network = Network(Graph(nodes, edges))
        values = values_of(network, network_at_rest(network), torch.tensor([[-9.0, 3.0, 9.0]]))
        sheet = sheet_of(network, values, monkeypatch)
        sheet.resize(*PAGE)
        sheet.walk.start(Place("bent", index=(1,)))
        curve = sheet.walk.taken.curve  # type: ignore[union-attr]
        assert curve is not None and words in written(sheet)
        expected = 1.0 if kind == "relu" else torch.sigmoid(torch.tensor(3.0)).item() * (1 - 0.952574)
        assert curve.chosen[2] == pytest.approx(expected, abs=1e-5) and curve.count == 3
        assert any(low <= -9 <= high for low, high in curve.flat)
        assert not any(low <= 1 <= high for low, high in curve.flat)
