"""What is done to training examples anew each time they are seen. Declarations only.

``data/augmentation.py`` carries them out, in the order in which they stand. The definitions are those of
torchvision.transforms.v2.
"""

from __future__ import annotations

from nnviz.project.declared.preparations import COLOURS, StepSpec
from nnviz.project.spec import ParamSpec

#: The stages of augmentation: one picture by itself, then whole examples with each other.
EACH, TOGETHER = 0, 1


def _chance(default: float) -> ParamSpec:
    return ParamSpec(
        "chance", "chance", "Part of the examples that it is done to.", "float", default, minimum=0, maximum=1
    )


def _strength(name: str, default: float, help: str, maximum: float = 1.0) -> ParamSpec:
    return ParamSpec(name, name, help, "float", default, minimum=0, maximum=maximum)


_AROUND = ParamSpec(
    "around",
    "around it",
    "What comes in where the picture does not reach.",
    "choice",
    "black",
    choices=(*COLOURS, ("edge", "its outermost pixels")),
)

AUGMENTATIONS: tuple[StepSpec, ...] = (
    StepSpec(
        "flip",
        "Flip",
        "Mirrors pictures. For things that look alike from both sides; not for digits and letters.",
        params=(
            ParamSpec(
                "along",
                "along",
                "What is exchanged.",
                "choice",
                "horizontal",
                choices=(
                    ("horizontal", "left and right"),
                    ("vertical", "top and bottom"),
                    ("both", "both, separately"),
                ),
            ),
            _chance(0.5),
        ),
        stage=EACH,
        pictures=True,
    ),
    StepSpec(
        "shift",
        "Shift",
        "Moves pictures by whole pixels, in any direction.",
        params=(_strength("by", 0.1, "At most this part of height and width."), _chance(1.0), _AROUND),
        stage=EACH,
        pictures=True,
    ),
    StepSpec(
        "rotate",
        "Rotate",
        "Turns pictures about their middle, to either side.",
        params=(
            ParamSpec("degrees", "degrees", "At most so far.", "float", 15.0, minimum=0, maximum=180, unit="°"),
            _chance(1.0),
            _AROUND,
        ),
        stage=EACH,
        pictures=True,
    ),
    StepSpec(
        "scale",
        "Scale",
        "Makes what is in the picture larger or smaller, about its middle.",
        params=(
            _strength("by", 0.1, "From 1 minus this to 1 plus this times as large.", 0.9),
            _chance(1.0),
            _AROUND,
        ),
        stage=EACH,
        pictures=True,
    ),
    StepSpec(
        "colour",
        "Colour",
        "Changes brightness, contrast and saturation, each by a factor from 1 minus to 1 plus the strength.",
        params=(
            _strength("brightness", 0.2, "How much brighter or darker."),
            _strength("contrast", 0.2, "How much farther from, or nearer to, the picture's mean grey."),
            _strength("saturation", 0.2, "How much farther from, or nearer to, grey. Grey pictures have none."),
            _chance(1.0),
        ),
        stage=EACH,
        pictures=True,
    ),
    StepSpec(
        "cut_out",
        "Cut out",
        "Covers a rectangle anywhere in the picture, so that the network cannot rely on one place.",
        params=(
            _strength("size", 0.3, "Height and width of the rectangle, as a part of the picture's."),
            ParamSpec("with", "with", "What covers it.", "choice", "black", choices=COLOURS),
            _chance(0.5),
        ),
        stage=EACH,
        pictures=True,
    ),
    StepSpec(
        "mix_up",
        "Mix up",
        "Mixes each example of a batch with its neighbour in it, λ·a + (1 − λ)·b, and its answer likewise. λ is drawn "
        "for each batch from a Beta(α, α) distribution. The training loss is then that of mixed answers, and of single "
        "examples no loss is recorded.",
        params=(
            ParamSpec(
                "alpha",
                "α",
                "Small: nearly always one of the two. 1: all mixtures alike.",
                "float",
                0.2,
                minimum=0,
                maximum=100,
                exclusive_minimum=True,
                logarithmic=True,
            ),
        ),
        stage=TOGETHER,
    ),
)
