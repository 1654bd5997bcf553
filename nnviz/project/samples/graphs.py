"""Computational graphs and layers by hand: every number of them can be reckoned along on a blackboard."""

from __future__ import annotations

from nnviz.project.model import DataConfig, Graph, ParamValue
from nnviz.project.samples.sketch import (
    Layer,
    Recipe,
    Sketch,
    chain,
    conv,
    features,
    flatten,
    neurons,
    output,
    plain,
    pool,
    training,
)

#: There are no weights: a training only measures.
_NOTHING_TO_LEARN = training("sgd", 0.1, 1, 1)
#: The output is the sum of hundreds of places, and so is the gradient of each weight: a step as large would blow it up.
_ALL_PLACES = training("sgd", 1e-6, 1, 1)


def _typed(row: tuple[float, ...], columns: tuple[str, ...], **params: ParamValue) -> DataConfig:
    """Own numbers: one row, with names."""
    return DataConfig(
        "own_numbers",
        {"rows": (row,), **({"columns": columns} if columns else {}), **params},
        validation_fraction=0.0,
        preparation=(),
    )


class _Formula(Sketch):
    """A graph whose nodes are called as in its formula."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.add(features(len(names)))
        for index, (node, title) in enumerate(name.partition("=")[::2] for name in names):
            self.add(Layer("select", {"index": index}, title or node), "input", called=node)

    def join(self, node: str, kind: str, title: str, *sources: str) -> None:
        """A join of values that are there."""
        self.add(Layer(kind, {}, title), *sources, called=node)

    def finished(self) -> Graph:
        """With the Output behind the last value."""
        self.add(output("output_itself"))
        return self.graph()


def _difference() -> Graph:
    formula = _Formula("a", "b", "c")
    formula.join("d", "subtract", "d = a − b", "a", "b")
    formula.join("e", "multiply", "e = d · c", "d", "c")
    return formula.finished()


def _sums() -> Graph:
    formula = _Formula("a", "b", "five=5")
    formula.join("c", "add", "c = a + b", "a", "b")
    formula.join("d", "add", "d = b + 5", "b", "five")
    formula.join("e", "multiply", "e = c · d", "c", "d")
    return formula.finished()


def _product() -> Graph:
    formula = _Formula("x", "y")
    formula.join("f", "multiply", "f = x · y", "x", "y")
    return formula.finished()


def _twice() -> Graph:
    formula = _Formula("x")
    formula.join("f", "multiply", "f = x · x", "x", "x")
    return formula.finished()


def _one_weight() -> Graph:
    """One neuron without a bias."""
    written = neurons([(-1,)], [])
    bare = {name: value for name, value in written.params.items() if name != "bias_values"}
    return chain(features(1), Layer("linear", {**bare, "bias": False}, "y = w·x"), output("mse"))


#: Three colours of 4×4 squares: red grows to the right, green downwards, blue is a cross.
_SQUARES = tuple(
    [column / 3 for _ in range(4) for column in range(4)]
    + [row / 3 for row in range(4) for _ in range(4)]
    + [float(row in (1, 2) or column in (1, 2)) for row in range(4) for column in range(4)]
)


def _over_colours(*layers: Layer) -> Graph:
    """Convolutions over a picture of 32×32 pixels in three colours, made of 48 numbers."""
    picture = (plain("reshape", shape=(3, 4, 4)), plain("upsample", scale_factor=8))
    return chain(features(48), *picture, *layers, flatten(), output("output_itself"))


_CLASSES: dict[str, ParamValue] = {"right": "classes", "answers": ("first", "second", "third")}

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        "graph-difference",
        "Computational graph: e = (a − b)·c",
        "The formula e = (a − b)·c as a graph, with a = 7, b = 3 and c = 2 typed in. Forwards each node computes one "
        "value, up to e = 8. Backwards each gets its gradient by the chain rule: 2 for a, −2 for b, 4 for c.",
        _difference,
        _typed((7.0, 3.0, 2.0), ("a", "b", "c")),
        _NOTHING_TO_LEARN,
    ),
    Recipe(
        "graph-sums",
        "Computational graph: e = (a + b)·(b + 5)",
        "Here b = 1 is used twice, in c = a + b and in d = b + 5, with a = 2. Both ways lead to e = 18, and what flows "
        "back along them is added: 6 through c and 3 through d make 9.",
        _sums,
        _typed((2.0, 1.0, 5.0), ("a", "b", "five")),
        _NOTHING_TO_LEARN,
    ),
    Recipe(
        "graph-product",
        "Computational graph: f = x·y",
        "The gradient of a product is the other factor: ∇f = (y, x). With x = 3 and y = 4 it is (4, 3); type other "
        "numbers into the Data tab and see it change.",
        _product,
        _typed((3.0, 4.0), ("x", "y")),
        _NOTHING_TO_LEARN,
    ),
    Recipe(
        "graph-square",
        "Computational graph: a value used twice",
        "Both factors of f = x·x are the same x = 3. Each wire brings back the other factor, 3, and their sum is the "
        "derivative 2x = 6 that one knows.",
        _twice,
        _typed((3.0,), ("x",)),
        _NOTHING_TO_LEARN,
    ),
    Recipe(
        "credit-person",
        "Credit: one person",
        "A person with credit score 6 and income 5 asks for a loan: 2·6 + 5 − 10 = 7 is above 0, so the answer is that "
        "they repay. Type in your own numbers; for (1, 8) the sum is exactly 0.",
        lambda: chain(features(2), neurons([(2, 1)], [-10]), output("bce_logits")),
        _typed(
            (6.0, 5.0, 1.0),
            ("credit_score", "income"),
            right="classes",
            answers=("does not repay", "repays"),
        ),
        training("sgd", 0.01, 1, 1),
    ),
    Recipe(
        "dense-by-hand",
        "A dense layer by hand",
        "The row (1, 2) times the weights gives (3, 1.5, 6). Softmax makes the shares 0.0469, 0.0105 and 0.9426 of it, "
        "and the loss is −ln 0.9426 = 0.0591, for the third class is right.",
        # (1, 2) × [[1, 0.5, 2], [1, 0.5, 2]]: a row of weights a unit.
        lambda: chain(features(2), neurons([(1, 1), (0.5, 0.5), (2, 2)], [0, 0, 0]), output("cross_entropy")),
        _typed((1.0, 2.0, 2.0), ("x1", "x2"), **_CLASSES),
        training("sgd", 0.1, 1, 1),
    ),
    Recipe(
        "softmax-by-hand",
        "Softmax by hand",
        "Three scores become three shares: e to the power of each, divided by the sum of all. The scores 2, 1 and 0.1 "
        "give 0.6590, 0.2424 and 0.0986; the mean squared error compares them with (1, 0, 0).",
        lambda: chain(features(3), plain("softmax"), output("mse")),
        _typed((2.0, 1.0, 0.1, 0.0), ("z1", "z2", "z3"), **_CLASSES),
        _NOTHING_TO_LEARN,
    ),
    Recipe(
        "pooling-by-hand",
        "Max pooling by hand",
        "Sixteen numbers as an image of 4×4: of each window of 2×2 the largest goes on, here 6, 8, 3 and 4. On the way "
        "back only the winners get the gradient; the others get 0.",
        lambda: chain(features(16), plain("reshape", shape=(1, 4, 4)), pool(2), flatten(), output("output_itself")),
        _typed((1.0, 1.0, 2.0, 4.0, 5.0, 6.0, 7.0, 8.0, 3.0, 2.0, 1.0, 0.0, 1.0, 2.0, 3.0, 4.0), ()),
        _NOTHING_TO_LEARN,
    ),
    Recipe(
        "one-weight",
        "One weight: y = w·x",
        "One weight has to find the line through three points that you type in. The squared loss over w is a valley "
        "(Explain, Loss landscape) with its lowest point at w = Σxy / Σx² = 2; the weight starts at −1 and each step "
        "walks down the slope. Too high a learning rate climbs out on the other side.",
        _one_weight,
        DataConfig(
            "own_numbers",
            {
                "rows": ((1.0, 2.5), (2.0, 3.0), (3.0, 6.5)),
                "columns": ("x",),
                "right": "numbers",
                "answers": ("y",),
            },
            validation_fraction=0.0,
            preparation=(),
        ),
        training("sgd", 0.02, 3, 40),
    ),
    Recipe(
        "one-filter",
        "One filter: 76 weights",
        "A filter is as deep as its input: over 32×32 pixels in 3 colours a filter of 5×5 has 5·5·3 = 75 weights and "
        "1 bias, 76 numbers in all, and (32 − 5)/1 + 1 = 28 places to stand in each direction. The picture is made of "
        "48 typed numbers, each a square of 8×8 pixels; double-click a weight of the filter to type another.",
        lambda: _over_colours(conv(1, 5)),
        _typed(_SQUARES, ()),
        _ALL_PLACES,
    ),
    Recipe(
        "filters-and-strides",
        "Filters and strides: 32, 26, 11",
        "Ten filters of 7×7 make 26×26 of 32×32 pixels, for (32 − 7)/1 + 1 = 26. Six of 5×5 with stride 2 make 11×11 "
        "of that: (26 − 5)/2 + 1 is 11.5, so that the last row and column are never read. Change kernel, stride and "
        "padding, and see the sizes follow.",
        lambda: _over_colours(conv(10, 7), conv(6, 5, stride=2)),
        _typed(_SQUARES, ()),
        _ALL_PLACES,
    ),
)
