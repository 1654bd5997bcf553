"""Networks that read digits (and one that fails on photographs), with the training of the articles they come from."""

from __future__ import annotations

from nnviz.project.model import DataConfig, Graph
from nnviz.project.samples.sketch import (
    Layer,
    Recipe,
    chain,
    conv,
    dropout,
    flatten,
    image,
    linear,
    output,
    plain,
    pool,
    relu,
    sigmoid,
    training,
)

_SEVENTY_THIRTY = DataConfig("mnist", validation_fraction=0.3)
_MNIST = DataConfig("mnist", validation_fraction=0.2)


def _perceptron(*hidden: int, rate: float | None = None) -> Graph:
    """Dense layers with ReLU on a digit, each with dropout if a rate is given."""
    layers: list[Layer] = [image(1, 28, 28), flatten()]
    for count in hidden:
        layers += [linear(count), relu(), *([] if rate is None else [dropout(rate)])]
    return chain(*layers, linear(10), output())


def _digits_cnn() -> Graph:
    # With the default, a third of the first filters is dead from the start: the dark border outweighs their bias.
    he = "he_normal"
    # The dense layer sees what pooling lets through, which is never negative: a fifth to a third of its units answer
    # no digit at the start, and as ReLU they would be dead for good. A leaky one wakes up.
    return chain(
        image(1, 28, 28),
        *(conv(16, 3, weight_initialisation=he), relu(), pool()),
        *(conv(32, 3, weight_initialisation=he), relu(), pool()),
        *(flatten(), linear(64, weight_initialisation=he), plain("leaky_relu"), dropout(0.2)),
        *(linear(10), output()),
    )


def _cnn_numpy() -> Graph:
    return chain(image(1, 28, 28), conv(8, 3), relu(), pool(), flatten(), linear(10), output())


def _cnn_25() -> Graph:
    return chain(
        image(1, 28, 28),
        *(conv(25, 5), relu(), pool()),
        *(conv(25, 5), relu(), pool()),
        *(conv(25, 4), relu()),
        *(flatten(), linear(50), relu()),
        *(linear(10), output()),
    )


def _cnn_32_64() -> Graph:
    return chain(
        image(1, 28, 28),
        *(conv(32, 3), relu(), conv(32, 3), relu(), pool()),
        *(conv(64, 3), relu(), conv(64, 3), relu(), pool()),
        *(flatten(), linear(1024), sigmoid(), dropout(0.2)),
        *(linear(1024), sigmoid(), dropout(0.2)),
        *(linear(10), output()),
    )


def _mlp_784_800() -> Graph:
    return chain(image(1, 28, 28), flatten(), linear(784), sigmoid(), linear(800), sigmoid(), linear(10), output())


START = Recipe(
    "digits-cnn",
    "Digits with a small CNN",
    "The place to begin: two convolutions find strokes and then parts of digits, two dense layers decide. It learns "
    "1,797 real handwritten digits to about 98 % within seconds, and needs no download.",
    _digits_cnn,
    DataConfig("digits", {"size": "28"}, validation_fraction=0.2),
    training("adam", 0.002, 64, 15),
)

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        "softmax-regression",
        "Softmax regression",
        "No hidden layer at all: each digit has one template of 784 weights, and the best match wins. Look at the "
        "weights as pictures to see the templates.",
        _perceptron,
        _MNIST,
        training("sgd", 0.5, 128, 10),
    ),
    Recipe(
        "mlp-50",
        "MLP with 50 units",
        "One hidden layer of 50 ReLU units: the baseline that the wider and deeper networks are compared with.",
        lambda: _perceptron(50),
        _SEVENTY_THIRTY,
        training("adam", 0.001, 128, 5),
    ),
    Recipe(
        "mlp-500",
        "Wide MLP",
        "Ten times wider than the baseline: 500 hidden units. More units see more patterns, and the result is better.",
        lambda: _perceptron(500),
        _SEVENTY_THIRTY,
        training("adam", 0.001, 128, 5),
    ),
    Recipe(
        "mlp-5x50",
        "Deep MLP",
        "Five narrow layers in place of one. Deeper is not better by itself: after five epochs it is about "
        "the same as the baseline. Compare the gradient magnitudes of the first and the last layer.",
        lambda: _perceptron(*[50] * 5),
        _SEVENTY_THIRTY,
        training("adam", 0.001, 128, 5),
    ),
    Recipe(
        "mlp-5x50-dropout",
        "Deep MLP with dropout",
        "The deep network with dropout 0.2 after each hidden layer. It learns more slowly and needs its 50 epochs, but "
        "does not learn by heart.",
        lambda: _perceptron(*[50] * 5, rate=0.2),
        _SEVENTY_THIRTY,
        training("adam", 0.001, 128, 50),
    ),
    Recipe(
        "mlp-5x500-dropout",
        "Deep, wide MLP with dropout",
        "Deep, wide and with dropout: 1.4 million parameters, and the best of the dense networks here.",
        lambda: _perceptron(*[500] * 5, rate=0.2),
        _SEVENTY_THIRTY,
        training("adam", 0.001, 128, 25),
    ),
    Recipe(
        "mlp-512-dropout",
        "MLP 512-512 with dropout",
        "Untrained it guesses (about 10 % right), trained it reads 98 of 100 digits. The weights of the epoch with the "
        "best validation loss are kept.",
        lambda: _perceptron(512, 512, rate=0.2),
        _MNIST,
        training("rmsprop", 0.001, 128, 20, keep_best=True, alpha=0.9, epsilon=1e-7),
    ),
    Recipe(
        "mlp-784-800-sigmoid",
        "MLP with sigmoid",
        "Two large layers with sigmoid, as networks were made before ReLU. Watch how many units saturate, and how "
        "small the gradient of the first layer is.",
        _mlp_784_800,
        _MNIST,
        training("adam", 0.001, 64, 5),
    ),
    Recipe(
        "cnn-numpy",
        "The smallest CNN",
        "One convolution with eight filters, one pooling, one dense layer: as much as one writes in plain NumPy in an "
        "afternoon. It gets past 90 % on MNIST.",
        _cnn_numpy,
        _MNIST,
        training("sgd", 0.01, 32, 3),
    ),
    Recipe(
        "cnn-25",
        "CNN with 25 filters",
        "Three convolutions of 25 filters: 28 135 parameters, fewer than the small MLP, and better than every dense "
        "network here, because a filter finds its pattern anywhere.",
        _cnn_25,
        _SEVENTY_THIRTY,
        training("adam", 0.001, 128, 5),
    ),
    Recipe(
        "cnn-32-64",
        "CNN 32-64",
        "Two pairs of convolutions, then two large dense layers: about 99 % after two epochs. Nearly all of the two "
        "million parameters are in the dense layers, four fifths of the work in the convolutions.",
        _cnn_32_64,
        _MNIST,
        training("adam", 0.001, 32, 2),
    ),
    Recipe(
        "cifar-10-10",
        "Photographs with ten units",
        "Two hidden layers of ten units on colour photographs: right about three times in ten, where guessing is right "
        "once. Ten numbers cannot carry what 3 072 pixels show.",
        lambda: chain(image(3, 32, 32), flatten(), linear(10), relu(), linear(10), relu(), linear(10), output()),
        DataConfig("cifar10", validation_fraction=0.2),
        training("sgd", 0.01, 128, 10),
    ),
)
