"""Begins a network with the weights of another one, layer by layer, where they fit.

A layer fits where the other network has one of the same id and kind, with parameters and buffers of the same names,
shapes and types. All of it is taken or nothing: half a layer is none. Every other one starts as it would have without.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from nnviz.errors import RunFileError
from nnviz.network.network import Network
from nnviz.project.files import io
from nnviz.project.graph.bypass import effective_graph
from nnviz.record.quantities import FINDING
from nnviz.record.readings import Finding
from nnviz.record.stored import open_run
from nnviz.train import taken_state
from nnviz.train.start import WarmStart, Weights
from nnviz.train.training import Training

WARM_START = FINDING.series("warm_start")


@dataclass(frozen=True)
class Report:
    """Which layers began with trained weights and which did not; each as the screen calls it.

    Attributes:
        source: What the weights come from.
        which: Which of its weights, in words.
        remark: As in :class:`Weights`.
        taken: Layers that have them.
        fresh: Layers that start fresh, with the reason.
    """

    source: str
    which: str
    remark: str
    taken: tuple[str, ...]
    fresh: tuple[tuple[str, str], ...]

    @property
    def sentence(self) -> str:
        """It in words."""
        taken = f"{_listed(self.taken)} {'begins' if len(self.taken) == 1 else 'begin'} with trained weights"
        words = f"Warm start from {self.which} of {self.source}: {taken}"
        if self.fresh:
            fresh = [f"{name} ({reason})" for name, reason in self.fresh]
            words += f"; {_listed(fresh)} {'starts' if len(fresh) == 1 else 'start'} fresh"
        return " ".join(filter(None, (self.remark, f"{words}. The optimizer begins anew.")))

    @property
    def finding(self) -> Finding:
        """It as a reading of the run, at its first step."""
        fresh = ", ".join(name for name, _ in self.fresh)
        return Finding(WARM_START, 0, "information", self.sentence, f"Started fresh: {fresh}." if fresh else "")


#: Layers that a sentence names before it counts the rest.
_MOST_NAMED = 6


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "no layer"
    if len(names) > _MOST_NAMED:
        return f"{', '.join(names[: _MOST_NAMED - 1])} and {len(names) - _MOST_NAMED + 1} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def weights_of(training: Training) -> Weights:
    """A copy of the weights of a live network, the ones that :func:`read` takes; on the thread that owns it.

    Where numbers were set by hand, what stands there is meant, not the best weights.
    """
    shown = training.shown_network
    best = training.best if training.config.keep_best and training.by_hand.edits.undoable is None else None
    own = shown.state_dict() if best is None else best
    return Weights(
        {name: tensor.detach().to("cpu", copy=True) for name, tensor in own.items()},
        {node: training.network.kind_of(node) for node in training.network.node_ids},
        training.weights_of,
        best_epoch=0 if best is None else training.best_epoch,
        averaged=shown is not training.network,
    )


def read(path: Path) -> Weights:
    """The weights of a run's last checkpoint that can be read.

    They are those that were validated, and with which examples are predicted: the best ones where the project of the
    run keeps them, else the average if there is any.

    Raises:
        RunFileError: The file cannot be read, or holds no weights.
        ProjectError: Its project cannot be read.
    """
    with open_run(path) as stored:
        project = io.loads(stored.info.project_json, str(path))
        newest = taken_state.find(stored)
    if newest is None:
        raise RunFileError("The run holds no weights to start warm from: it ended too early.", file=str(path))
    checkpoint = taken_state.take(newest, str(path))
    kinds = {node.id: node.kind for node in effective_graph(project.graph).nodes.values()}
    best = checkpoint.best if project.training.keep_best else None
    return Weights(
        checkpoint.shown_weights if best is None else best,
        kinds,
        checkpoint.progress.step,
        best_epoch=0 if best is None else checkpoint.progress.best_epoch,
        averaged=bool(checkpoint.average),
        remark=newest.used_instead,
    )


def begin_warm(training: Training, start: WarmStart) -> Report:
    """Puts the weights that fit into a network that was not trained yet.

    Raises:
        RunFileError: The file of the weights cannot be read, or no layer fits; nothing was changed.
    """
    weights = start.weights
    if weights is None:
        if start.path is None:
            raise RunFileError("There is nothing to start warm from.")
        weights = read(start.path)
    network = training.network
    own = network.state_dict()
    taken: dict[str, Tensor] = {}
    names: list[str] = []
    fresh: list[tuple[str, str]] = []
    for node in network.node_ids:
        keys = _keys(network, node, own)
        if not keys:
            continue
        reason = _why_not(network, node, keys, own, weights)
        if reason:
            fresh.append((network.name_of(node), reason))
        else:
            taken.update({key: _as_begun(key, weights.tensors[key]) for key in keys})
            names.append(network.name_of(node))
    if not names:
        why = ", ".join(f"{name}: {reason}" for name, reason in fresh[:_MOST_NAMED])
        raise RunFileError(
            f"No layer fits the weights of {start.source}{f' ({why})' if why else ''}, so nothing can start warm.",
            file="" if start.path is None else str(start.path),
        )
    if training.is_divided:  # of what starts fresh, too, each process has a part alone
        own = dict(training.weights.whole_shown())
    training.weights.use({**own, **taken})
    return Report(start.source, weights.which, weights.remark, tuple(names), tuple(fresh))


def _as_begun(key: str, tensor: Tensor) -> Tensor:
    """As the layer begins with it: how many batches a normalisation has seen counts anew, which decides nothing."""
    return torch.zeros_like(tensor) if key.endswith("num_batches_tracked") else tensor


def _keys(network: Network, node: str, tensors: Mapping[str, Tensor]) -> list[str]:
    prefix = f"{network.module_name(node)}."
    return [key for key in tensors if key.startswith(prefix)]


def _why_not(network: Network, node: str, keys: Sequence[str], own: Mapping[str, Tensor], weights: Weights) -> str:
    """Why a layer does not take its trained weights; empty where it does."""
    if node not in weights.kinds:
        return "new"
    if weights.kinds[node] != network.kind_of(node):
        return "another kind of layer"
    others = weights.tensors
    if set(keys) != set(_keys(network, node, others)):
        return "other parameters"
    for key in keys:
        if own[key].shape != others[key].shape or own[key].dtype != others[key].dtype:
            return f"{_form(own[key])}, not {_form(others[key])}"
        if others[key].is_floating_point() and not bool(torch.isfinite(others[key]).all()):
            return "not finite there"
    return ""


def _form(tensor: Tensor) -> str:
    return " × ".join(str(size) for size in tensor.shape) or "one number"
