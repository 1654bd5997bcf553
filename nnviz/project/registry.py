"""Kind -> Spec: the closed list of everything a project can name.

A project file can only name keys of these registries; nothing in it is ever imported or evaluated.
"""

from __future__ import annotations

import difflib
from collections.abc import Container, Iterable, Mapping
from types import MappingProxyType
from typing import Generic, TypeVar

from nnviz.errors import ProjectError
from nnviz.project.declared import augmentations as augmentations_declared
from nnviz.project.declared import averaging as averaging_declared
from nnviz.project.declared import clipping as clipping_declared
from nnviz.project.declared import early_stopping as early_stopping_declared
from nnviz.project.declared import figures as figures_declared
from nnviz.project.declared import optimizers as optimizers_declared
from nnviz.project.declared import preparations as preparations_declared
from nnviz.project.declared import regularisers as regularisers_declared
from nnviz.project.declared import schedules as schedules_declared
from nnviz.project.declared.averaging import AveragingSpec
from nnviz.project.declared.figures import FigureSpec
from nnviz.project.declared.initialisers import INITIALISERS, InitialiserSpec
from nnviz.project.declared.layers import FAMILIES, LAYERS
from nnviz.project.declared.losses import LOSSES, LossSpec
from nnviz.project.declared.optimizers import OptimizerSpec
from nnviz.project.declared.preparations import StepSpec
from nnviz.project.declared.schedules import ScheduleSpec
from nnviz.project.model import Choice, Params
from nnviz.project.spec import LayerSpec, Spec

__all__ = [
    "AUGMENTATIONS",
    "AVERAGING",
    "CLIPPINGS",
    "EARLY_STOPPING",
    "FAMILIES",
    "FIGURES",
    "NETWORK_INITIALISERS",
    "OPTIMIZERS",
    "PREPARATIONS",
    "REGULARISERS",
    "SCHEDULES",
    "Registry",
    "free_id",
    "has_written_weights",
    "id_stem",
    "initialiser",
    "initialisers",
    "layer",
    "layers",
    "loss",
    "losses",
    "numbered",
    "optimizer",
    "optimizers",
]

SpecT = TypeVar("SpecT", bound=Spec)


class Registry(Generic[SpecT]):
    """Specs by kind, in the order they were declared. Knows old names; refuses duplicates when it is made.

    Args:
        noun: What one entry is called in messages, such as ``layer``.
        specs: The declarations.

    Raises:
        ValueError: Two declarations claim one name, or one has two parameters of one name or a default out of range.
    """

    def __init__(self, noun: str, specs: Iterable[SpecT]) -> None:
        self.noun = noun
        self._specs: dict[str, SpecT] = {}
        self._names: dict[str, SpecT] = {}
        for spec in specs:
            self._check(spec)
            self._specs[spec.kind] = spec
            for name in (spec.kind, *spec.aliases):
                if name in self._names:
                    raise ValueError(f"The {noun} '{name}' is declared twice.")
                self._names[name] = spec

    def _check(self, spec: SpecT) -> None:
        names = [param.name for param in spec.params]
        if len(names) != len(set(names)):
            raise ValueError(f"The {self.noun} '{spec.kind}' declares a parameter twice.")
        for param in spec.params:
            if param.parse(param.default) != param.default:
                raise ValueError(f"The default of {spec.kind}.{param.name} is not in its normal form.")

    def __call__(self, kind: str) -> SpecT:
        """The declaration of a kind, also under an old name.

        Raises:
            ProjectError: There is none; the message says what is nearest.
        """
        found = self._names.get(kind)
        if found is None:
            near = difflib.get_close_matches(str(kind)[:80], self._names, 1)
            hint = f" Did you mean '{near[0]}'?" if near else f" There are: {', '.join(self._specs)}."
            raise ProjectError(f"There is no {self.noun} '{str(kind)[:80]}'.{hint}", field="kind")
        return found

    def __contains__(self, kind: object) -> bool:
        return kind in self._names

    @property
    def all(self) -> Mapping[str, SpecT]:
        """Every declaration by its kind, in order, without the old names."""
        return MappingProxyType(self._specs)


_LAYERS: Registry[LayerSpec] = Registry("layer", LAYERS)
OPTIMIZERS: Registry[OptimizerSpec] = Registry("optimizer", optimizers_declared.OPTIMIZERS)
SCHEDULES: Registry[ScheduleSpec] = Registry("schedule", schedules_declared.SCHEDULES)
CLIPPINGS: Registry[Spec] = Registry("clipping", clipping_declared.CLIPPINGS)
EARLY_STOPPING: Registry[Spec] = Registry("early stopping", early_stopping_declared.EARLY_STOPPING)
AVERAGING: Registry[AveragingSpec] = Registry("averaging", averaging_declared.AVERAGING)
FIGURES: Registry[FigureSpec] = Registry("figure", figures_declared.FIGURES)
PREPARATIONS: Registry[StepSpec] = Registry("preparation", preparations_declared.PREPARATIONS)
AUGMENTATIONS: Registry[StepSpec] = Registry("augmentation", augmentations_declared.AUGMENTATIONS)
REGULARISERS: Registry[Spec] = Registry("regulariser", regularisers_declared.REGULARISERS)
_LOSSES: Registry[LossSpec] = Registry("loss", LOSSES)
_INITIALISERS: Registry[InitialiserSpec] = Registry("initialiser", INITIALISERS)
#: Those that a whole network can be set to.
NETWORK_INITIALISERS: Registry[InitialiserSpec] = Registry(
    "initialiser", tuple(spec for spec in INITIALISERS if not spec.of_a_layer)
)

_family_keys = [key for key, _ in FAMILIES]
for _spec in LAYERS:
    if _spec.family not in _family_keys:
        raise ValueError(f"The layer '{_spec.kind}' belongs to the unknown family '{_spec.family}'.")


def layer(kind: str) -> LayerSpec:
    """The declaration of a layer, also under an old name.

    Raises:
        ProjectError: There is none.
    """
    return _LAYERS(kind)


def layers() -> Mapping[str, LayerSpec]:
    """All layers by kind, in the order of the palette."""
    return _LAYERS.all


def optimizer(kind: str) -> OptimizerSpec:
    """The declaration of an optimizer.

    Raises:
        ProjectError: There is none.
    """
    return OPTIMIZERS(kind)


def optimizers() -> Mapping[str, OptimizerSpec]:
    """All optimizers by kind."""
    return OPTIMIZERS.all


def loss(kind: str) -> LossSpec:
    """The declaration of a loss.

    Raises:
        ProjectError: There is none.
    """
    return _LOSSES(kind)


def losses() -> Mapping[str, LossSpec]:
    """All losses by kind."""
    return _LOSSES.all


def initialiser(kind: str) -> InitialiserSpec:
    """The declaration of a weight initialisation.

    Raises:
        ProjectError: There is none.
    """
    return _INITIALISERS(kind)


def initialisers() -> Mapping[str, InitialiserSpec]:
    """All weight initialisations by kind."""
    return _INITIALISERS.all


def has_written_weights(params: Params) -> bool:
    """Whether a layer with these parameters starts with weights that are written down in them."""
    found = _INITIALISERS.all.get(Choice.of(params.get("weight_initialisation", "")).kind)
    return found is not None and found.written


#: Kinds of which a network usually has one, so that the first needs no number.
_SINGLE = frozenset({"input", "output"})


def id_stem(kind: str) -> str:
    """What the ids of this kind start with: ``conv`` for conv2d, ``norm`` for batch_norm1d, ``relu`` for relu.

    Raises:
        ProjectError: There is no such layer.
    """
    spec = layer(kind)
    return spec.stem or spec.kind


def numbered(stem: str, taken: Container[str], tried: dict[str, int] | None = None) -> str:
    """The first of ``note1``, ``note2`` … that is not taken.

    Args:
        stem: What stands before the number.
        taken: Ids that are given away.
        tried: Where many ids are asked for in a row: the last number of each stem that was tried. The search goes on
            behind it and keeps it up, so that thousands of ids do not take millions of looks.
    """
    number = tried.get(stem, 0) + 1 if tried is not None else 1
    while f"{stem}{number}" in taken:
        number += 1
    if tried is not None:
        tried[stem] = number
    return f"{stem}{number}"


def free_id(kind: str, taken: Container[str], tried: dict[str, int] | None = None) -> str:
    """The first id for a node of this kind that is not taken: ``conv1``, ``conv2`` …, but ``input``, then ``input2``.

    Args:
        kind: Key of the layer.
        taken: Ids that are given away.
        tried: See :func:`numbered`.

    Raises:
        ProjectError: There is no such layer.
    """
    stem = id_stem(kind)
    if stem in _SINGLE and stem not in taken:
        return stem
    if stem in _SINGLE:
        tried = {stem: 1} if tried is None else tried
        tried.setdefault(stem, 1)
    return numbered(stem, taken, tried)
