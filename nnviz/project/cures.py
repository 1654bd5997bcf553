"""What the cure of a finding does to the document: one edit, which undo takes back.

A cure names what is to be done and no values of its own, so that it does what suits the document at the moment in which
it is pressed. It may come out of a file and hold anything: what makes no sense gives no edit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from nnviz.project import choices, registry, starts
from nnviz.project.edits import Several
from nnviz.project.model import Choice, Project
from nnviz.project.settable import change_to
from nnviz.project.variations import activations_of

#: Actions of cures: start as is usual, let the inputs be prepared (the value says how), put ReLU where it saturates.
USUAL_START: Final = "usual_start"
PREPARE: Final = "prepare"
USE_RELU: Final = "use_relu"
#: Steps of preparation that a cure may add.
SCALE, STANDARDISE = "scale", "standardise"
_RELU: Final = "relu"


def edit_of(action: str, value: str, project: Project) -> Several | None:
    """The edit that a cure stands for.

    Args:
        action: One of the above.
        value: Its argument.
        project: The document.

    Returns:
        None where it would change nothing, or is no cure of the document.
    """
    known = _EDITS.get(action)
    if known is None:
        return None
    title, change = known
    mended = change(project, value)
    return None if mended == project else change_to(project, mended, title)


def changes_the_document(action: str) -> bool:
    """Whether a cure is an edit."""
    return action in _EDITS


def _usual_start(project: Project, value: str) -> Project:
    return starts.with_usual_starts(project)


def _prepare(project: Project, value: str) -> Project:
    steps = project.data.preparation
    if value not in (SCALE, STANDARDISE) or any(step.kind == value for step in steps):
        return project
    slot = choices.slot("preparation", choices.DATA)
    assert slot is not None
    ordered = slot.ordered((Choice(value), *steps) if value == SCALE else (*steps, Choice(value)))
    return replace(project, data=replace(project.data, preparation=ordered))


def _use_relu(project: Project, value: str) -> Project:
    """What saturates lets pass instead; a signal that ReLU halves needs weights that double it."""
    squashing = [node for node in activations_of(project) if registry.layer(node.kind).saturates]
    if not squashing:
        return project
    nodes = {**project.graph.nodes, **{node.id: replace(node, kind=_RELU, params={}) for node in squashing}}
    project = replace(project, graph=replace(project.graph, nodes=nodes))
    found = starts.starts_of(project.graph, project.training.initialisation)
    he = starts.usual_before(passes=True)
    kinds = starts.usual_kinds(project.graph, found)
    also = frozenset(key for key, kind in kinds.items() if kind == he != found[key].choice.kind)
    return starts.with_usual_starts(project, also)


_EDITS: Mapping[str, tuple[str, Callable[[Project, str], Project]]] = {
    USUAL_START: ("Usual initial weights", _usual_start),
    PREPARE: ("Scale the inputs", _prepare),
    USE_RELU: ("ReLU for what saturates", _use_relu),
}
