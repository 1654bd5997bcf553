"""The sample networks by name, as finished projects: laid out, with their data, their training and a note."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from nnviz.errors import ProjectError
from nnviz.project.model import Project
from nnviz.project.samples import digits, famous, graphs, neurons

__all__ = ["DEFAULT", "FEATURED", "SECTIONS", "SampleInfo", "Section", "sample", "samples"]


@dataclass(frozen=True)
class Section:
    """A chapter of the samples.

    Attributes:
        note: What its networks have in common, in a sentence.
        tags: The samples in it, in teaching order, each with one or two words on what it is here for.
    """

    title: str
    note: str
    tags: Mapping[str, str]


#: The chapters in the order one would teach them; every sample stands in exactly one.
SECTIONS: tuple[Section, ...] = (
    Section(
        "Single neurons and logic",
        "Networks small enough to follow every number.",
        {
            "and": "by hand",
            "or": "by hand",
            "not": "by hand",
            "xnor-two-layer": "by hand",
            "xnor-gates": "by hand",
            "neuron-sigmoid": "one step",
            "xor-one-neuron": "cannot learn it",
        },
    ),
    Section(
        "Computational graphs",
        "Numbers that you type in: every value and every gradient can be reckoned along.",
        {
            "graph-difference": "chain rule",
            "graph-sums": "used twice",
            "graph-product": "∇f = (y, x)",
            "graph-square": "used twice",
            "credit-person": "by hand",
            "dense-by-hand": "by hand",
            "softmax-by-hand": "by hand",
            "pooling-by-hand": "winners",
            "one-weight": "a valley",
            "one-filter": "5·5·3 + 1",
            "filters-and-strides": "26 and 11",
        },
    ),
    Section(
        "Points in the plane",
        "Two features, two classes: what a network decides can be seen as a picture.",
        {
            "credit": "by hand",
            "perceptron": "history",
            "credit-learned": "one line",
            "spiral": "deep",
        },
    ),
    Section(
        "Digits: dense",
        "Every pixel is wired to every unit: wider, deeper, with dropout.",
        {
            "softmax-regression": "templates",
            "mlp-50": "baseline",
            "mlp-500": "wide",
            "mlp-5x50": "deep",
            "mlp-5x50-dropout": "dropout",
            "mlp-5x500-dropout": "deep and wide",
            "mlp-512-dropout": "dropout",
            "mlp-784-800-sigmoid": "saturates",
        },
    ),
    Section(
        "Digits: convolution",
        "Filters that slide over the image: fewer weights, better answers.",
        {
            "digits-cnn": "begin here",
            "cnn-numpy": "smallest",
            "cnn-25": "few weights",
            "cnn-32-64": "99 %",
        },
    ),
    Section(
        "Photographs",
        "Colour images of ten kinds of things.",
        {"cifar-10-10": "too small"},
    ),
    Section(
        "The winners (ImageNet networks)",
        "To be looked at, and trained on a folder of your own pictures.",
        {
            "alexnet": "2012",
            "zfnet": "2013",
            "vgg16": "2014",
            "googlenet": "2014",
            "resnet18": "2015",
        },
    ),
)
#: What the window opens with.
DEFAULT = digits.START.name
#: The samples to show first: of each kind one that trains at once, without a download.
FEATURED: tuple[str, ...] = (DEFAULT, "spiral", "perceptron", "xnor-two-layer")

_ALL = {
    recipe.name: recipe
    for recipe in (digits.START, *neurons.RECIPES, *graphs.RECIPES, *digits.RECIPES, *famous.RECIPES)
}
_TAGS = {name: tag for section in SECTIONS for name, tag in section.tags.items()}
_RECIPES = {name: _ALL[name] for name in dict.fromkeys((DEFAULT, *_TAGS))}


@dataclass(frozen=True)
class SampleInfo:
    """What a list of samples shows.

    Attributes:
        name: As in ``sample:NAME``.
        note: What it shows, in one to three sentences.
        dataset: Key of the data set it is trained on.
        tag: One or two words on what it is here for.
    """

    name: str
    title: str
    note: str
    dataset: str
    tag: str = ""

    @property
    def sentence(self) -> str:
        """The first sentence of the note."""
        first, _, _ = self.note.partition(". ")
        return first.rstrip(".") + "."


def samples() -> tuple[SampleInfo, ...]:
    """All samples in the order one would teach them, the one to begin with first. Builds none of them."""
    return tuple(
        SampleInfo(item.name, item.title, item.note, item.data.dataset, _TAGS[item.name]) for item in _RECIPES.values()
    )


@cache
def sample(name: str) -> Project:
    """One sample as a project.

    Raises:
        ProjectError: There is none of that name; the message says what is nearest.
    """
    recipe = _RECIPES.get(name)
    if recipe is None:
        near = difflib.get_close_matches(name[:80], _RECIPES, 1)
        hint = f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(_RECIPES)}."
        raise ProjectError(f"There is no sample '{name[:80]}'. {hint}", field="sample")
    return recipe.project()
