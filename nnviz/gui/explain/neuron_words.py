"""What is said about a weight, a bias, a unit and an answer of a small dense network: plain words, real numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnviz.gui.explain.neuron_places import BiasPlace, LinePlace, UnitPlace
from nnviz.gui.look.planes import probabilities
from nnviz.gui.look.theme import format_number
from nnviz.project import registry

if TYPE_CHECKING:
    from nnviz.explain.neurons import NeuronNumbers

#: Products that are written out, and inputs.
_PRODUCTS, _GIVEN = 3, 3


def unit_name(numbers: NeuronNumbers, layer: int, unit: int) -> str:
    """``x1`` or the name of a feature, ``unit 3``, ``output``, or the name of a class.

    Units are counted from 0, as in the panel Explain, in filters and maps, and on the command line.
    """
    layers = numbers.chain.layers
    if layer == 0:
        names = numbers.feature_names
        return names[unit] if len(names) == layers[0].units else f"x{unit + 1}"
    if layer == len(layers) - 1:
        if layers[-1].units == 1:
            return "output"
        return numbers.class_names[unit] if unit < len(numbers.class_names) else f"output {unit + 1}"
    return f"unit {unit}"


def column_title(numbers: NeuronNumbers, layer: int) -> str:
    """``input``, ``tanh``, ``output``, ``output, sigmoid``."""
    layers = numbers.chain.layers
    activations = ", ".join(layers[layer].activations)
    if layer == 0:
        return "input"
    if layer < len(layers) - 1:
        return activations or "sum"
    return f"output, {activations}" if activations else "output"


def tip_of(numbers: NeuronNumbers, place: LinePlace | BiasPlace, value: float | None = None) -> tuple[str, str, str]:
    """(what it is, its value, its gradient) of a weight or a bias.

    Args:
        numbers: Of the network.
        place: Which one.
        value: What stands there now, where that is newer.
    """
    layer = numbers.layers[place.layer]
    name = unit_name(numbers, place.layer, place.unit)
    if isinstance(place, LinePlace):
        title = f"w from {unit_name(numbers, place.layer - 1, place.source)} to {name}"
        number = None if layer.weights is None else float(layer.weights[place.unit, place.source])
        gradients = layer.weight_gradients
        slope = None if gradients is None else float(gradients[place.unit, place.source])
    else:
        title = f"bias of {name}"
        number = None if layer.biases is None else float(layer.biases[place.unit])
        slope = None if layer.bias_gradients is None else float(layer.bias_gradients[place.unit])
    number = number if value is None else value
    shown = "none" if number is None else format_number(number, 4)
    letter = "w" if isinstance(place, LinePlace) else "b"
    gradient = "" if slope is None else f"∂L/∂{letter} {format_number(slope)} ({numbers.gradients_of})"
    return title, shown, gradient


def unit_sentence(numbers: NeuronNumbers, place: UnitPlace) -> str:
    """What a unit computes: in general, and with the numbers of the example that is shown."""
    layers, layer, unit = numbers.layers, place.layer, place.unit
    here = layers[layer]
    if layer == 0:
        value = "" if here.values is None else f" = {format_number(float(here.values[unit]))}"
        return f"{unit_name(numbers, 0, unit)}{value}: what comes in."
    activations = here.layer.activations
    name = unit_name(numbers, layer, unit)
    if here.sums is None or here.values is None or here.weights is None:
        count = layers[layer - 1].layer.units
        inner = f"sum of {count} weights · inputs" + ("" if here.biases is None else " + bias")
        return f"{name} = {activations[-1]}({inner})" if activations else f"{name} = {inner}"
    before = layers[layer - 1].values
    assert before is not None
    products = here.weights[unit] * before
    order = np.argsort(-np.abs(products))[:_PRODUCTS]
    pairs = [(float(here.weights[unit, i]), float(before[i])) for i in sorted(order.tolist())]
    terms = [f"{format_number(weight)}·{_factor(value)}" for weight, value in pairs]
    more = len(products) - len(terms)
    if more:
        rest = float(products.sum() - products[order].sum())
        terms.append(f"({more} more: {format_number(rest)})")
    if here.biases is not None:
        terms.append(f"{format_number(float(here.biases[unit]))} (bias)")
    total, result = float(here.sums[unit]), float(here.values[unit])
    sentence = f"{name}: {' + '.join(terms)} = {format_number(total)}"
    if (here.layer.output, unit) in numbers.switches.off:
        return f"{sentence}, but it is switched off → {format_number(result)}"
    return f"{sentence} → {activations[-1]} → {format_number(result)}" if activations else sentence


def _factor(value: float) -> str:
    text = format_number(value)
    return text if value >= 0 else f"({text})"


def answer_sentence(numbers: NeuronNumbers) -> str:
    """What the network says about the example that is shown, what is right, and what it loses by it."""
    output, example = numbers.output, numbers.example
    if output is None or example is None:
        return ""
    loss = "" if numbers.loss is None else f" Loss of this example: {format_number(numbers.loss)}."
    inputs = numbers.layers[0].values
    given = "" if inputs is None or len(inputs) > _GIVEN else ", ".join(format_number(float(one)) for one in inputs)
    head = f"({given}) of the {example.split} split: " if given else f"Example {example.index} of {example.split}: "
    if numbers.task == "regression":
        said = ", ".join(format_number(float(value)) for value in output)
        return f"{head}the network says {said}, right is {numbers.right}.{loss}"
    shares = np.atleast_1d(probabilities(numbers.loss_kind, output))
    declared = registry.losses().get(numbers.loss_kind)
    answer = "identity" if declared is None else declared.answer
    names = numbers.class_names
    if len(output) == 1:
        share = float(shares[0])
        way = {"sigmoid": f"{format_number(float(output[0]))} → σ → {share:.1%}"}.get(
            answer, format_number(float(output[0]))
        )
        chosen = int(share > 0.5)
    else:
        chosen = int(np.nanargmax(shares)) if np.isfinite(shares).any() else 0
        way = format_number(float(output[chosen]))
        way = f"{way} → softmax → {shares[chosen]:.1%}" if answer == "softmax" else way
    said = names[chosen] if chosen < len(names) else str(chosen)
    verdict = "right" if said == numbers.right else f"wrong: it is {numbers.right}"
    of = f" for {names[1] if len(names) > 1 else 1}" if len(output) == 1 else ""
    return f"{head}{way}{of}, so {said}, {verdict}.{loss}"
