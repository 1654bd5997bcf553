"""The settings of a project that can be varied: each with the path that ``--set`` takes, title and declaration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nnviz.project import choices, registry
from nnviz.project.edit import Edit, Several
from nnviz.project.edits import SetData, SetKind, SetParam, SetTraining
from nnviz.project.flat_settings import words_of
from nnviz.project.model import Choice, Project
from nnviz.project.settings import DATA, TRAINING
from nnviz.project.spec import ParamSpec
from nnviz.project.variations import ACTIVATIONS, DROPOUT, activations_of, dropouts_of

#: What one cell of a form can hold; a matrix or a list of texts is not varied.
_TYPES = frozenset({"int", "float", "bool", "choice", "chosen", "pair", "shape"})
#: The seed has a count of its own; where it is trained decides nothing.
_LEFT_OUT = frozenset({"training.seed", "training.device"})


@dataclass(frozen=True)
class Settable:
    """A setting that can be varied.

    Attributes:
        path: As ``--set`` takes it.
        title: What a list shows: ``learning rate``, ``kernel size of conv1``.
        spec: What it may be.
    """

    path: str
    title: str
    spec: ParamSpec


def settable(
    project: Project, dataset_params: Mapping[str, tuple[ParamSpec, ...]] | None = None
) -> dict[str, Settable]:
    """All of a project, by path; those of the training first, the layers in their order, the data last.

    What another optimizer has and the chosen one has not is there too, since the optimizer may vary with it.
    """
    found = (
        *_of_training(project),
        *_of_layers(project),
        *_of_data(project, (dataset_params or {}).get(project.data.dataset, ())),
    )
    settings: dict[str, Settable] = {}
    for one in found:
        if one.spec.type in _TYPES and one.path not in _LEFT_OUT:
            settings.setdefault(one.path, one)
    return settings


def _of_training(project: Project) -> Iterator[Settable]:
    config = project.training
    for spec in TRAINING:
        yield _named(f"training.{spec.name}", spec)
    for slot in choices.TRAINING:
        if slot.many:
            continue
        yield _named(f"training.{slot.name}", choices.kinds(slot))
        choice = getattr(config, slot.name)
        if isinstance(choice, Choice) and choice.kind in slot.known:
            place = "training" if slot.name == "optimizer" else f"training.{slot.name}"
            for spec in slot.known(choice.kind).params:
                yield _named(f"{place}.{spec.name}", spec)
    for kind in registry.optimizers().values():
        for spec in kind.params:
            yield Settable(f"training.{spec.name}", f"{spec.title} of {kind.title}", spec)


def _of_layers(project: Project) -> Iterator[Settable]:
    if activations_of(project):
        functions = [(kind, spec.title) for kind, spec in registry.layers().items() if spec.function is not None]
        help = "The function of every activation between the layers."
        spec = ParamSpec(ACTIVATIONS, ACTIVATIONS, help, "choice", functions[0][0], choices=tuple(functions))
        yield Settable(ACTIVATIONS, "all activations", spec)
    if dropouts := dropouts_of(project):
        yield Settable(DROPOUT, "all dropouts", registry.layer(dropouts[0].kind).param("probability"))
    for key, node in project.graph.nodes.items():
        if node.kind in registry.layers():
            for spec in registry.layer(node.kind).params:
                yield _named(f"{key}.{spec.name}", spec)


def _of_data(project: Project, own: tuple[ParamSpec, ...]) -> Iterator[Settable]:
    for spec in (*DATA, *own):
        yield _named(f"data.{spec.name}", spec)


def _named(path: str, spec: ParamSpec) -> Settable:
    return Settable(path, words_of(path), spec)


def change_to(before: Project, after: Project, text: str) -> Several:
    """One step of undo that makes the settings of one project those of another with the same layers and wires."""
    edits: list[Edit] = []
    if after.data != before.data:
        edits.append(SetData(after.data))
    for key, node in after.graph.nodes.items():
        old = before.graph.nodes.get(key)
        if old is None:
            continue
        if node.kind != old.kind:
            edits.append(SetKind(key, node.kind, dict(node.params)))
            continue
        edits += [SetParam(key, name, value) for name, value in node.params.items() if old.params.get(name) != value]
    if after.training != before.training:
        edits.append(SetTraining(after.training))
    return Several(tuple(edits), text)
