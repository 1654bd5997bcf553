"""What a training makes small. Declarations only; ``network.loss_function`` builds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from nnviz.project.spec import ParamSpec, Spec

#: What is done to the last layer's numbers to read an answer from them.
Answer: TypeAlias = Literal["softmax", "sigmoid", "sign", "largest", "identity"]


@dataclass(frozen=True)
class LossSpec(Spec):
    """A loss: a Spec with what it takes.

    Attributes:
        tasks: Kinds of targets it can be used for: ``classes``, ``binary``, ``regression``, or ``none`` where the data
            have no right answers.
        expects: What the network should put out: ``logits`` (any number; the loss applies softmax or sigmoid itself),
            ``probabilities`` (0 to 1) or ``values`` (compared as they are).
        answer: How the answer is read from the outputs: ``softmax`` or ``sigmoid`` (a probability), ``sign`` (+1 above
            0, −1 below; 0 itself is shown as −1 and counts as a mistake), ``largest`` (the class of the largest number,
            without a probability) or ``identity`` (the numbers are the answer).
        threshold: Yes or no only: an output above it is a yes.
        formula: For one example, as the help shows it; y is the target, p the output or probability, z the logit.
        takes_labels: A target is the number of the right class; else it has the shape of the output.
        takes_nothing: There are no targets: it is of what comes out alone.
        includes: The kind of layer that it has built in; empty for none.
        counterpart: The loss for the same targets with that layer, or without it.
        needs: The kind of layer that has to stand in front of the Output; empty for any.
        short: Its title where there is little room, as on a card; empty for the title itself.
        axis: What its values are called beside a plot; empty for "loss".
    """

    tasks: tuple[str, ...] = ()
    expects: str = "values"
    answer: Answer = "identity"
    threshold: float = 0.5
    formula: str = ""
    takes_labels: bool = False
    takes_nothing: bool = False
    includes: str = ""
    counterpart: str = ""
    needs: str = ""
    short: str = ""
    axis: str = ""


LOSSES: tuple[LossSpec, ...] = (
    LossSpec(
        "cross_entropy",
        "Cross-entropy",
        "The surprise at the right class: minus the logarithm of the probability the network gave it. Softmax is "
        "included, so the last layer puts out plain scores (logits).",
        tasks=("classes",),
        params=(
            ParamSpec(
                "label_smoothing",
                "label smoothing",
                "Share ε of each target that is spread evenly over all classes: right is 1 − ε + ε/K, wrong ε/K. It "
                "keeps the network from being ever more sure of itself. The validation loss is computed alike.",
                "float",
                0.0,
                minimum=0,
                maximum=0.99,
                advanced=True,
            ),
            ParamSpec(
                "class_weights",
                "class weights",
                "How much the loss of an example counts by its class. Balanced: all n / (classes · n of its class), so "
                "that rare classes count as much as common ones; where a step of the data has balanced them already, "
                "that is 1. The mean is still taken over the examples.",
                "choice",
                "none",
                choices=(("none", "None"), ("balanced", "Balanced"), ("typed", "Typed")),
                advanced=True,
            ),
            ParamSpec(
                "weights",
                "weights",
                "One weight a class, in the order of the classes.",
                "vector",
                None,
                minimum=0,
                maximum=1e6,
                shown_when=("class_weights", ("typed",)),
            ),
        ),
        expects="logits",
        answer="softmax",
        formula="−log( exp(z_y) / Σ_k exp(z_k) )",
        takes_labels=True,
        includes="softmax",
        counterpart="nll",
        axis="cross-entropy",
    ),
    LossSpec(
        "nll",
        "Negative log-likelihood",
        "Cross-entropy for a network that ends in a LogSoftmax: minus the logarithm of the probability of the right "
        "class, which is the number that comes out for it.",
        tasks=("classes",),
        expects="logits",
        answer="softmax",
        formula="−z_y, with z_k = log p_k",
        takes_labels=True,
        counterpart="cross_entropy",
        needs="log_softmax",
        short="NLL",
        axis="negative log-likelihood",
    ),
    # Weston, Watkins: Support Vector Machines for Multi-Class Pattern Recognition (1999).
    LossSpec(
        "hinge",
        "Hinge",
        "The score of the right class has to be larger than every other by a margin; what is missing is the loss, "
        "summed over the other classes, and an example that keeps the margin costs nothing. The answer is the class of "
        "the largest score: there are no probabilities.",
        tasks=("classes",),
        params=(
            ParamSpec(
                "margin",
                "margin",
                "How much larger the score of the right class has to be.",
                "float",
                1.0,
                minimum=0,
                maximum=1e6,
                exclusive_minimum=True,
                logarithmic=True,
            ),
        ),
        expects="logits",
        answer="largest",
        formula="Σ_k≠y max(0, z_k − z_y + margin)",
        takes_labels=True,
        axis="hinge loss",
    ),
    LossSpec(
        "bce_logits",
        "Binary cross-entropy (logits)",
        "For yes or no. The sigmoid is included, so the last layer puts out one plain score: above 0 is yes.",
        tasks=("binary",),
        expects="logits",
        answer="sigmoid",
        threshold=0.0,
        formula="−y·log σ(z) − (1 − y)·log(1 − σ(z))",
        includes="sigmoid",
        counterpart="bce",
        short="BCE (logits)",
        axis="binary cross-entropy",
    ),
    LossSpec(
        "bce",
        "Binary cross-entropy",
        "For yes or no after a Sigmoid: minus the logarithm of the probability given to the right answer.",
        tasks=("binary",),
        expects="probabilities",
        formula="−y·log p − (1 − y)·log(1 − p)",
        counterpart="bce_logits",
        short="BCE",
        axis="binary cross-entropy",
    ),
    LossSpec(
        "mse",
        "Mean squared error",
        "The squared distance between output and target, averaged. Classes are compared as one-hot vectors, yes and "
        "no as 1 and 0.",
        tasks=("regression", "binary", "classes"),
        expects="values",
        formula="mean of (p − y)²",
        short="MSE",
        axis="squared error",
    ),
    LossSpec(
        "l1",
        "Mean absolute error",
        "The distance between output and target, averaged. One answer that is far off pulls no harder than the others, "
        "as it does with the squared error.",
        tasks=("regression",),
        expects="values",
        formula="mean of |p − y|",
        short="L1",
        axis="absolute error",
    ),
    LossSpec(
        "huber",
        "Huber",
        "The squared error for small distances, the absolute error beyond delta: smooth around the target, and an "
        "answer that is far off pulls no harder than one at delta.",
        tasks=("regression",),
        params=(
            ParamSpec(
                "delta",
                "delta",
                "The distance at which the square goes over into a straight line.",
                "float",
                1.0,
                minimum=0,
                maximum=1e6,
                exclusive_minimum=True,
                logarithmic=True,
            ),
        ),
        expects="values",
        formula="mean of (p − y)²/2 where |p − y| ≤ δ, else δ·(|p − y| − δ/2)",
        axis="Huber loss",
    ),
    # Rosenblatt: The Perceptron, Psychological Review 65 (1958) 386–408; as a loss to go down on, Duda and Hart:
    # Pattern Classification and Scene Analysis (1973), 5.5, and Bishop: PRML (2006), 4.1.7. Its gradient for one
    # example is −y·x where that is on the wrong side, else 0: a step of SGD with learning rate 1 and batches of one
    # is Rosenblatt's w ← w + y·x.
    LossSpec(
        "perceptron",
        "Perceptron",
        "Rosenblatt's rule for yes or no, written as a loss: how far an example is on the wrong side of the line, and "
        "0 on the right side. The answer is +1 or −1, the sign of the last layer's number; exactly on the line (0), "
        "either is a mistake. With SGD, learning rate 1 and batches of one, each mistake adds the example to the "
        "weights (yes) or takes it away (no).",
        tasks=("binary",),
        expects="logits",
        answer="sign",
        threshold=0.0,
        formula="max(0, −y·z), with y = +1 or −1",
        axis="perceptron loss",
    ),
    LossSpec(
        "output_itself",
        "Output itself",
        "For rows without a right answer: the loss is what comes out itself, the sum where these are several numbers. "
        "So the gradient at each value says how the output changes with it, as in a computational graph. Where there "
        "are weights, training makes the output small.",
        tasks=("none",),
        expects="values",
        formula="sum of p",
        takes_nothing=True,
        short="output itself",
        axis="output",
    ),
)
