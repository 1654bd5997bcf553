"""Single neurons, logic and the plane: networks small enough to follow every number."""

from __future__ import annotations

from collections.abc import Callable

from nnviz.project.model import Arrow, Choice, DataConfig, Graph, Note
from nnviz.project.samples.sketch import (
    Recipe,
    annotated,
    chain,
    features,
    linear,
    neurons,
    output,
    sigmoid,
    step,
    tanh,
    training,
)


def _table(function: str) -> DataConfig:
    return DataConfig("truth_table", {"function": function}, validation_fraction=0.0, preparation=())


def _gate(weights: tuple[float, ...], bias: float) -> Callable[[], Graph]:
    return lambda: chain(features(len(weights)), neurons([weights], [bias]), step(), output("mse"))


#: The step's slope is 0, so these networks stay as they were written; one epoch is enough to measure them.
_BY_HAND = training("sgd", 0.1, 4, 1)


def _xnor_two_layer() -> Graph:
    graph = chain(
        features(2),
        neurons([(-1, -1), (1, 1)], [0.5, -1.5], "NOR, AND"),
        step(),
        neurons([(1, 1)], [-0.5], "OR"),
        step(),
        output("mse"),
    )
    looks = "Two neurons look at the inputs: the first fires when **none** is 1, the second when **both** are."
    joins = "One neuron joins them: it fires as soon as **one of the two** has fired."
    return annotated(
        graph,
        Note("note1", looks, 195.0, 226.0, 250.0, 73.0, "accent"),
        Note("note2", joins, 585.0, 226.0, 250.0, 56.0, "accent"),
        Arrow("arrow1", 273.0, 222.0, 0.0, -56.0, "accent"),
        Arrow("arrow2", 663.0, 222.0, 0.0, -56.0, "accent"),
    )


def _xnor_gates() -> Graph:
    return chain(
        features(2),
        neurons([(1, 0), (-2, 0), (0, 1), (0, -2)], [-0.5, 1, -0.5, 1], "A, A′, B, B′"),
        step(),
        neurons([(1, 0, 1, 0), (0, 1, 0, 1)], [-0.5, -0.5], "A+B, A′+B′"),
        step(),
        neurons([(1, 1)], [-1.5], "AND"),
        step(),
        neurons([(-2,)], [1], "NOT"),
        step(),
        output("mse"),
    )


_CREDIT = DataConfig("credit", preparation=())

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        "and",
        "AND",
        "One neuron computes AND: step(−1.5 + x1 + x2) fires only when both inputs are 1. Any bias between −1 and −2 "
        "works as well; try it.",
        _gate((1, 1), -1.5),
        _table("and"),
        _BY_HAND,
        pinned=3,
    ),
    Recipe(
        "or",
        "OR",
        "The same neuron with another bias computes OR: step(−0.5 + x1 + x2) fires as soon as one input is 1.",
        _gate((1, 1), -0.5),
        _table("or"),
        _BY_HAND,
        pinned=1,
    ),
    Recipe(
        "not",
        "NOT",
        "A negative weight turns an input round: step(1 − 2·x1) fires when x1 is 0.",
        _gate((-2,), 1),
        _table("not"),
        _BY_HAND,
    ),
    Recipe(
        "xnor-two-layer",
        "XNOR in two layers",
        "XNOR (both inputs alike) is impossible with one neuron, because no straight line parts its cases. Two neurons "
        "look for “none” and “both”, a third joins them with OR.",
        _xnor_two_layer,
        _table("xnor"),
        _BY_HAND,
        pinned=3,
    ),
    Recipe(
        "xnor-gates",
        "XNOR from gates",
        "XNOR from nothing but AND, OR and NOT: the same table as the two-layer network, but deeper. Follow one row of "
        "the table through every gate.",
        _xnor_gates,
        _table("xnor"),
        _BY_HAND,
        pinned=3,
    ),
    Recipe(
        "neuron-sigmoid",
        "One sigmoid neuron",
        "Weights (1, 2) and bias 0 make 3 of the inputs (1, 1), and σ(3) = 0.9526. Press step and watch how far one "
        "batch moves the weights.",
        lambda: chain(features(2), neurons([(1, 2)], [0]), sigmoid(), output("bce")),
        _table("or"),
        training("sgd", 0.5, 4, 200),
        pinned=3,
    ),
    Recipe(
        "xor-one-neuron",
        "XOR with one neuron",
        "One neuron draws one straight line, and no line parts the cases of XOR. It trains as long as you like and "
        "never gets all four right.",
        lambda: chain(features(2), linear(1), sigmoid(), output("bce")),
        _table("xor"),
        training("sgd", 0.5, 4, 300),
        pinned=3,
    ),
    Recipe(
        "credit",
        "Credit, by hand",
        "Who repays a loan? Where 2·credit_score + income − 10 is above 0; a person with (6, 5) gets 7. The weights "
        "are written down, nothing has to be learned.",
        lambda: chain(features(2), neurons([(2, 1)], [-10]), output("bce_logits")),
        _CREDIT,
        training("sgd", 1e-4, 10, 1),
    ),
    Recipe(
        "perceptron",
        "The perceptron",
        "Rosenblatt's rule of 1958: each mistake adds its example to the weights or takes it away, until there are no "
        "mistakes. The answer is +1 or −1. Where a line parts the classes it comes to an end, here after 164 mistakes; "
        "choose the truth table of XOR as data and it never does.",
        lambda: chain(features(2), linear(1, weight_initialisation="zeros"), output("perceptron")),
        # Few examples and standardised: on 500 raw ones Rosenblatt's rule needs thousands of mistakes.
        DataConfig("credit", {"count": 100}, preparation=(Choice("standardise"),)),
        training("sgd", 1.0, 1, 60),
    ),
    Recipe(
        "credit-learned",
        "Credit, learned",
        "The same neuron, but it has to find its line from examples. Compare the weights it learns with 2, 1 and −10: "
        "any multiple of them is the same line.",
        lambda: chain(features(2), linear(1), output("bce_logits")),
        _CREDIT,
        training("adam", 0.1, 10, 40),
    ),
    Recipe(
        "spiral",
        "Spiral",
        "Two interleaved spirals and only x1 and x2 to go by: two hidden layers of eight tanh units bend the plane "
        "until a line can part them. Every unit is a picture of the plane; watch them fold.",
        lambda: chain(features(2), linear(8), tanh(), linear(8), tanh(), linear(1), output("bce_logits")),
        DataConfig("spiral", preparation=()),
        training("adam", 0.01, 10, 300),
    ),
)
