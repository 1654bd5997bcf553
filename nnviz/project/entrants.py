"""Who takes part in a race: variations of one project, and lists of them that are ready to be chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import Final

from nnviz.errors import InputError
from nnviz.project import registry
from nnviz.project.declared import races
from nnviz.project.model import Choice, Project
from nnviz.project.spec import ParamSpec
from nnviz.project.starts import USUAL, following_changes
from nnviz.project.value_text import number_text
from nnviz.project.variations import (
    ACTIVATIONS,
    DROPOUT,
    Change,
    Variation,
    activations_of,
    combinations,
    distinct_names,
    dropouts_of,
    name_of,
    varied,
)

#: So many race beside each other: as many curves as can be told apart.
MOST: Final = 8
_SEEDS: Final = 5


@dataclass(frozen=True)
class Entrant:
    """One of those that race.

    Attributes:
        name: Short; no two of a race have the same.
        changes: What makes it another one than the project, in the order in which they are made.
    """

    name: str
    changes: tuple[Change, ...] = ()

    @classmethod
    def of(cls, *changes: Change) -> Entrant:
        """Named by what is changed."""
        return cls(name_of(changes), changes)

    def project(self, project: Project, dataset_params: Mapping[str, tuple[ParamSpec, ...]] | None = None) -> Project:
        """What it trains.

        Raises:
            InputError: A setting does not exist, or its value is not allowed.
        """
        return varied(project, self.changes, dataset_params)


@dataclass(frozen=True)
class Preset:
    """A list of entrants, ready to be chosen.

    Attributes:
        key: Stays the same from version to version.
        title: What it is called.
        entrants: Who races; empty where that makes no sense for the project.
        why_not: Why it makes none, as a sentence.
        same_start: Whether the first loss is the same for all: they differ in nothing that acts before the first step.
    """

    key: str
    title: str
    entrants: tuple[Entrant, ...]
    why_not: str = ""
    same_start: bool = True


def presets(project: Project) -> tuple[Preset, ...]:
    """All that are ready for a project; those that make no sense for it say why."""
    return (
        Preset("optimizers", "Six optimizers", tuple(starmap(_optimizer, races.OPTIMIZERS))),
        _activations(project),
        _dropout(project),
        _initialisations(project),
        _rates(project),
        Preset(
            "seeds",
            "Five seeds",
            tuple(Entrant.of(("training.seed", project.training.seed + more)) for more in range(_SEEDS)),
            same_start=False,
        ),
    )


def entrants_of(variations: Sequence[Variation], project: Project | None = None) -> tuple[Entrant, ...]:
    """One for every combination of the values.

    Args:
        variations: Which settings vary.
        project: What they are of: where the start varies, all its layers start so.

    Raises:
        InputError: There are none or too many.
    """
    found = combinations(variations)
    names = distinct_names([*map(name_of, found)])
    following = () if project is None else following_changes(project, [one.path for one in variations])
    return checked(Entrant(name, (*following, *made)) for name, made in zip(names, found, strict=True))


def checked(entrants: Iterable[Entrant]) -> tuple[Entrant, ...]:
    """The same, if they can race.

    Raises:
        InputError: There are fewer than two or too many, or two have one name.
    """
    found = tuple(entrants)
    if not 2 <= len(found) <= MOST:
        raise InputError(f"{len(found)} cannot race: from 2 to {MOST} can, each with a curve that can be told apart.")
    names = [entrant.name for entrant in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"Two entrants are called “{twice}”: give one of them another name.")
    return found


def _optimizer(name: str, choice: Choice) -> Entrant:
    found = Entrant.of(("training.optimizer", choice))
    return Entrant(name, found.changes) if name else found


def _activations(project: Project) -> Preset:
    title = "Sigmoid, tanh, ReLU"
    if not activations_of(project):
        return Preset(ACTIVATIONS, title, (), "This network has no activation between its layers.")
    return Preset(
        ACTIVATIONS, title, tuple(Entrant.of((ACTIVATIONS, kind)) for kind in races.FUNCTIONS), same_start=False
    )


def _dropout(project: Project) -> Preset:
    title = "With and without dropout"
    found = dropouts_of(project)
    if not found:
        return Preset(DROPOUT, title, (), "This network has no dropout: add the layer, then race.")
    return Preset(DROPOUT, title, (Entrant("with dropout"), Entrant("without dropout", ((DROPOUT, 0.0),))))


def _initialisations(project: Project) -> Preset:
    """All layers start so, also those with a start of their own; where there are such, the project races as well."""
    following = following_changes(project, [USUAL])
    found = tuple(
        Entrant(registry.NETWORK_INITIALISERS(kind).title, (*following, (USUAL, kind))) for kind in races.INITIALISERS
    )
    own = (Entrant.of(),) if following else ()
    return Preset("initialisations", "Initial weights", (*own, *found), same_start=False)


def _rates(project: Project) -> Preset:
    optimizer = project.training.optimizer
    rate = registry.optimizer(optimizer.kind).values(optimizer.params)["learning_rate"]
    assert isinstance(rate, int | float)
    rates = [float(f"{rate * factor:.3g}") for factor in (1 / 9, 1 / 3, 1, 3, 9)]
    return Preset(
        "rates",
        "Learning rates ×3",
        tuple(
            Entrant(f"learning rate {number_text(one)}", (("training.learning_rate", one),)) for one in rates if one > 0
        ),
    )
