"""What is done to the examples before the network sees them. Declarations only.

``data/preparation.py`` carries them out, in the order in which they stand: first what chooses examples and what makes
other pictures of them, then what is done to their numbers. Means and deviations are taken from the training examples
only, as they are then: per channel or per pixel for images, per feature for tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from nnviz.project.model import Choice, DataFacts
from nnviz.project.spec import ParamSpec, Spec

#: The stages of preparation, in their order: which examples, what pictures, what numbers.
EXAMPLES, PICTURES, NUMBERS = 0, 1, 2


@dataclass(frozen=True)
class StepSpec(Spec):
    """A step that is taken with data.

    Attributes:
        stage: Steps of a lower one stand before those of a higher one.
        pictures: It is for pictures only.
        classes: It is for examples that belong to classes only.
        shapes: It decides the shape of an example.
    """

    stage: int = NUMBERS
    pictures: bool = False
    classes: bool = False
    shapes: bool = False

    def unsuited(self, facts: DataFacts) -> str:
        """Why it cannot be taken with such data, as a sentence; empty where it can."""
        if self.pictures and len(facts.input_shape) != 3:
            return f"“{self.title}” is for pictures, and these examples are none."
        if self.classes and facts.task not in ("classes", "binary"):
            return f"“{self.title}” is for examples of classes, and these have none."
        return ""


#: Colours by their names, as grey levels.
LEVELS: Mapping[str, int] = {"black": 0, "grey": 128, "white": 255}
COLOURS = (("black", "black"), ("grey", "middle grey"), ("white", "white"))

_SEED = ParamSpec("seed", "seed", "The same seed chooses the same examples.", "int", 0, minimum=0, maximum=2**32 - 1)
_PER = ParamSpec(
    "per",
    "per",
    "Of pictures: one mean for each channel, or one for each pixel of each channel. Tables have one for each feature.",
    "choice",
    "channel",
    choices=(("channel", "channel"), ("pixel", "pixel")),
)

PREPARATIONS: tuple[StepSpec, ...] = (
    StepSpec(
        "scale",
        "0–255 to 0–1",
        "Divides the bytes of pictures by 255. The numbers of tables stay as they are.",
    ),
    StepSpec(
        "centre",
        "Mean 0",
        "Subtracts the mean of each channel, pixel or feature, taken from the training examples only.",
        params=(_PER,),
    ),
    StepSpec(
        "standardise",
        "Mean 0, variance 1",
        "Subtracts the mean of each channel, pixel or feature and divides by its standard deviation, both taken from "
        "the training examples only. What never changes is only centred.",
        params=(_PER,),
    ),
    StepSpec(
        "divide",
        "Divide",
        "Divides all numbers by the same one, such as 10 for points between -6 and 6.",
        params=(
            ParamSpec(
                "by",
                "by",
                "The number that all others are divided by.",
                "float",
                10.0,
                minimum=0,
                maximum=1e9,
                exclusive_minimum=True,
                logarithmic=True,
            ),
        ),
    ),
    StepSpec(
        "clip",
        "Clip",
        "Takes numbers that lie outside a range to its nearer end: max(low, min(x, high)). Behind “Mean 0, variance 1” "
        "it keeps a few outliers from deciding everything.",
        params=(
            ParamSpec("low", "low", "What is smaller becomes this number.", "float", -3.0, minimum=-1e9, maximum=1e9),
            ParamSpec(
                "high",
                "high",
                "What is larger becomes this number; it must lie above the other.",
                "float",
                3.0,
                minimum=-1e9,
                maximum=1e9,
            ),
        ),
    ),
    StepSpec(
        "resize",
        "Resize",
        "Brings all pictures to another size, which the network's input follows. Squash takes the whole picture and "
        "changes its proportions; fit takes the whole and fills the rest; fill cuts off what is too much; crop cuts "
        "out the middle and keeps the size of things.",
        params=(
            ParamSpec("size", "size", "Height and width.", "pair", (28, 28), minimum=1, maximum=512, unit="px"),
            ParamSpec(
                "how",
                "how",
                "What becomes of other proportions.",
                "choice",
                "fill",
                choices=(("squash", "squash"), ("fit", "fit"), ("fill", "fill"), ("crop", "crop")),
            ),
            ParamSpec(
                "rest",
                "rest",
                "What stands where the picture does not reach.",
                "choice",
                "black",
                choices=COLOURS,
                shown_when=("how", ("fit", "crop")),
            ),
        ),
        stage=PICTURES,
        pictures=True,
        shapes=True,
    ),
    StepSpec(
        "colour",
        "Grey or colour",
        "Makes grey pictures of coloured ones (0.299 red + 0.587 green + 0.114 blue), or gives grey ones three equal "
        "channels, for networks that want colour.",
        params=(
            ParamSpec(
                "to",
                "to",
                "Which of the two.",
                "choice",
                "grey",
                choices=(("grey", "grey"), ("colour", "red, green, blue")),
            ),
        ),
        stage=PICTURES,
        pictures=True,
        shapes=True,
    ),
    StepSpec(
        "subset",
        "Subset",
        "Trains on a part of the training examples only, of every class its share. Validation and test stay whole, so "
        "that the scores can be compared.",
        params=(
            ParamSpec(
                "by",
                "by",
                "How its size is given.",
                "choice",
                "share",
                choices=(("share", "share"), ("count", "number of examples")),
            ),
            ParamSpec(
                "share",
                "share",
                "Part of the training examples.",
                "float",
                0.1,
                minimum=0,
                maximum=1,
                exclusive_minimum=True,
                shown_when=("by", ("share",)),
            ),
            ParamSpec(
                "count",
                "examples",
                "How many at most.",
                "int",
                1000,
                minimum=1,
                maximum=10**9,
                logarithmic=True,
                shown_when=("by", ("count",)),
            ),
            _SEED,
        ),
        stage=EXAMPLES,
    ),
    StepSpec(
        "label_noise",
        "Label noise",
        "Gives a share of the training examples a wrong class, each of the others with the same chance. Validation and "
        "test keep the true ones: they show whether the network learns the noise.",
        params=(
            ParamSpec(
                "share",
                "share",
                "Part of the training examples that become wrong.",
                "float",
                0.1,
                minimum=0,
                maximum=1,
            ),
            _SEED,
        ),
        stage=EXAMPLES,
        classes=True,
    ),
    StepSpec(
        "balance",
        "Balance classes",
        "Lets every class count as much as the others in training, so that none is neglected for being rare: repeats "
        "examples of the smaller classes until each has as many as the largest, or weighs the loss of an example by "
        "n / (k · nₖ), of n examples in k classes. Validation and test stay as they are.",
        params=(
            ParamSpec(
                "by",
                "by",
                "How: more steps an epoch, or other weights in the loss.",
                "choice",
                "repeat",
                choices=(("repeat", "repeating examples"), ("weight", "weighing the loss")),
            ),
            replace(_SEED, shown_when=("by", ("repeat",))),
        ),
        stage=EXAMPLES,
        classes=True,
    ),
    StepSpec(
        "answers",
        "Answers as",
        "How the class of a training example is handed to the loss: as its number (index), or as a row of numbers with "
        "1 for its class and 0 for the others (one-hot). No loss is another for it: cross-entropy is −log p of the "
        "class either way, and the squared error compares with the one-hot row, which it makes itself of a number.",
        params=(
            ParamSpec(
                "as",
                "as",
                "Index takes less memory; one-hot is what mixtures of classes are written in, too. Yes or no stays 1 "
                "or 0.",
                "choice",
                "one_hot",
                choices=(("index", "index"), ("one_hot", "one-hot")),
            ),
        ),
        stage=EXAMPLES,
        classes=True,
    ),
)

#: What the older setting ``scaling`` stands for, of files of format 1 and 2 and on the command line.
BY_SCALING: Mapping[str, tuple[Choice, ...]] = {
    "none": (),
    "unit": (Choice("scale"),),
    "centre": (Choice("scale"), Choice("centre")),
    "standardise": (Choice("standardise"),),
}
