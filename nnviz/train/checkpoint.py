"""Everything a training needs to go on bit for bit: weights, optimizer, random state, position, best weights.

In memory a :class:`Checkpoint` is a set of copied tensors. In a run file it is a few blobs: the tensors as safetensors,
the plain values as JSON. Nothing is pickled, so that opening a file never executes anything from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from nnviz.errors import RunFileError

Tensors: TypeAlias = Mapping[str, Tensor]
_VERSION = 1
#: What safetensors calls the types that a training keeps; its numbers are written as this processor holds them.
_TYPE_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
#: Settings of an optimizer that change how it computes, not what.
_IMPLEMENTATION = ("foreach", "fused")


class Progress(msgspec.Struct, frozen=True):
    """Where a training stands.

    Attributes:
        step: Updates made.
        evaluated_epochs: Epochs whose validation is done.
        epoch_loss: Sum over the examples of the unfinished epoch of their losses, as ``float.hex`` (it may be NaN).
        epoch_count: How many examples that were.
        best_epoch: Epoch with the lowest validation loss so far, from 1; 0 for none.
        best_loss: That loss, as ``float.hex``.
        test_uses: How often the test set was looked at.
    """

    step: int = 0
    evaluated_epochs: int = 0
    epoch_loss: str = (0.0).hex()
    epoch_count: int = 0
    best_epoch: int = 0
    best_loss: str = float("inf").hex()
    test_uses: int = 0


class _Header(msgspec.Struct, frozen=True):
    """The plain values of a checkpoint in a file."""

    version: int
    progress: Progress
    optimizer_groups: list[dict[str, Any]]
    optimizer_values: dict[str, Any]
    has_best: bool


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A training at one step.

    Attributes:
        progress: Where it stood.
        weights: Parameters and buffers by their names in the state dict.
        optimizer: Tensors of the optimizer as ``<parameter index>/<name>``.
        optimizer_values: What it keeps that is no tensor, by the same keys.
        optimizer_groups: Its settings, the learning rate among them.
        random: State of the random numbers, see ``RandomStream``.
        best: Weights of the best epoch so far, or None. Shared between checkpoints, never written to.
    """

    progress: Progress
    weights: Tensors
    optimizer: Tensors = field(default_factory=dict)
    optimizer_values: Mapping[str, Any] = field(default_factory=dict)
    optimizer_groups: tuple[Mapping[str, Any], ...] = ()
    random: Tensors = field(default_factory=dict)
    best: Tensors | None = None

    @property
    def nbytes(self) -> int:
        """Memory of the tensors that belong to this checkpoint alone."""
        return size_of(self.weights) + size_of(self.optimizer) + size_of(self.random)


def size_of(tensors: Tensors) -> int:
    """Memory that tensors take."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def copy_weights(network: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers, copied, on the device they are on."""
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def state_bytes(network: nn.Module, optimizer: torch.optim.Optimizer | None) -> int:
    """Memory that :func:`capture` would take, best weights and random state left out."""
    count = size_of(network.state_dict())
    if optimizer is not None:
        for entries in optimizer.state.values():
            count += size_of({name: value for name, value in entries.items() if isinstance(value, Tensor)})
    return count


def capture(
    network: nn.Module,
    optimizer: torch.optim.Optimizer | None,
    random: Tensors,
    progress: Progress,
    best: Tensors | None = None,
    *,
    copied: bool = True,
) -> Checkpoint:
    """Copies everything; nothing that happens afterwards changes it.

    Args:
        network: What is trained.
        optimizer: What trains it.
        random: State of the random numbers.
        progress: Where it stands.
        best: Weights of the best epoch.
        copied: False gives the live tensors themselves, for whoever writes them down before the next step.
    """

    def kept(tensor: Tensor) -> Tensor:
        return tensor.detach().clone() if copied else tensor.detach()

    tensors: dict[str, Tensor] = {}
    values: dict[str, Any] = {}
    groups: tuple[Mapping[str, Any], ...] = ()
    if optimizer is not None:
        state = optimizer.state_dict()
        groups = tuple(dict(group) for group in state["param_groups"])
        for index, entries in state["state"].items():
            for name, value in entries.items():
                if isinstance(value, Tensor):
                    tensors[f"{index}/{name}"] = kept(value)
                else:
                    values[f"{index}/{name}"] = value
    weights = {name: kept(tensor) for name, tensor in network.state_dict().items()}
    return Checkpoint(progress, weights, tensors, values, groups, dict(random), best)


def restore(checkpoint: Checkpoint, network: nn.Module, optimizer: torch.optim.Optimizer | None) -> None:
    """Puts weights and optimizer back; random state and position are the training's to put back.

    Raises:
        RunFileError: The checkpoint belongs to another network or optimizer; nothing was changed.
    """
    check_weights(checkpoint.weights, network)
    if optimizer is not None and checkpoint.optimizer_groups:
        _restore_optimizer(checkpoint, optimizer)
    load_weights(checkpoint.weights, network)
    network.zero_grad(set_to_none=True)


def load_weights(weights: Tensors, network: nn.Module) -> None:
    """Copies weights into the network, wherever it lives.

    Raises:
        RunFileError: They belong to another network.
    """
    check_weights(weights, network)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            tensor.copy_(weights[name])


def check_weights(weights: Tensors, network: nn.Module) -> None:
    """Raises RunFileError, naming the first difference, where weights are not those of this network."""
    own = network.state_dict()
    for name in sorted(own.keys() | weights.keys()):
        if name not in weights:
            raise RunFileError(f"The saved weights belong to another network: they have no '{name}'.")
        if name not in own:
            raise RunFileError(f"The saved weights belong to another network: '{name}' is not in this one.")
        if weights[name].shape != own[name].shape or weights[name].dtype != own[name].dtype:
            raise RunFileError(
                f"The saved weights belong to another network: '{name}' is {_form(weights[name])} there and "
                f"{_form(own[name])} here."
            )


def to_blobs(checkpoint: Checkpoint) -> dict[str, bytes]:
    """The checkpoint for a file: ``header`` (JSON), ``weights``, ``state`` and, where there are any, ``best``."""
    header = _Header(
        _VERSION,
        checkpoint.progress,
        [dict(group) for group in checkpoint.optimizer_groups],
        dict(checkpoint.optimizer_values),
        checkpoint.best is not None,
    )
    state = {f"optimizer/{name}": tensor for name, tensor in checkpoint.optimizer.items()}
    state |= {f"random/{name}": tensor for name, tensor in checkpoint.random.items()}
    blobs = {
        "header": msgspec.json.encode(header),
        "weights": _save(checkpoint.weights),
        "state": _save(state),
    }
    if checkpoint.best is not None:
        blobs["best"] = _save(checkpoint.best)
    return blobs


def from_blobs(blobs: Mapping[str, bytes]) -> Checkpoint:
    """Reads what :func:`to_blobs` made.

    Raises:
        RunFileError: A part is missing, damaged or of a newer version.
    """
    try:
        header = msgspec.json.decode(blobs["header"], type=_Header)
        if header.version > _VERSION:
            raise RunFileError("The checkpoint was made by a newer nnviz: update this one.")
        state = safetensors.torch.load(blobs["state"])
        return Checkpoint(
            header.progress,
            safetensors.torch.load(blobs["weights"]),
            _part(state, "optimizer/"),
            header.optimizer_values,
            tuple(_with_tuples(group) for group in header.optimizer_groups),
            _part(state, "random/"),
            safetensors.torch.load(blobs["best"]) if header.has_best else None,
        )
    except KeyError as error:
        raise RunFileError(f"The checkpoint has no part {error}.") from None
    except (msgspec.MsgspecError, SafetensorError, ValueError, TypeError) as error:
        raise RunFileError(f"The checkpoint is damaged: {error}") from error


def _restore_optimizer(checkpoint: Checkpoint, optimizer: torch.optim.Optimizer) -> None:
    own = optimizer.state_dict()
    same = len(own["param_groups"]) == len(checkpoint.optimizer_groups) and all(
        mine.keys() == saved.keys() and mine["params"] == list(saved["params"])
        for mine, saved in zip(own["param_groups"], checkpoint.optimizer_groups, strict=True)
    )
    if not same:
        raise RunFileError("The saved state belongs to another optimizer.")
    state: dict[int, dict[str, Any]] = {}
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for key, value in [*checkpoint.optimizer.items(), *checkpoint.optimizer_values.items()]:
        index, _, name = key.partition("/")
        if not index.isdecimal() or int(index) >= len(parameters):
            raise RunFileError(f"The saved state belongs to another optimizer: it has no parameter '{index}'.")
        if isinstance(value, Tensor) and value.dim() > 0 and value.shape != parameters[int(index)].shape:
            raise RunFileError(f"The saved state belongs to another optimizer: '{key}' is {_form(value)}.")
        # The optimizer takes tensors over and writes into them.
        state.setdefault(int(index), {})[name] = value.clone() if isinstance(value, Tensor) else value
    # Which of torch's implementations computes the update belongs to this device, not to the one it was saved on.
    groups = [
        {**group, "params": list(group["params"]), **{name: mine[name] for name in _IMPLEMENTATION if name in mine}}
        for group, mine in zip(checkpoint.optimizer_groups, own["param_groups"], strict=True)
    ]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _save(tensors: Tensors) -> bytes:
    """Tensors in the safetensors format, in one piece of memory that is asked for once.

    ``safetensors.torch.save`` makes two copies, and where there is no memory for them its native code ends the whole
    process. This raises MemoryError. Format: https://huggingface.co/docs/safetensors
    """
    # As the library does it: the widest numbers first, so that every tensor begins at a multiple of its own width.
    order = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    entries: dict[str, dict[str, object]] = {}
    pieces: list[memoryview] = []
    end = 0
    for name in order:
        tensor = tensors[name].detach().cpu().contiguous()
        start, end = end, end + tensor.numel() * tensor.element_size()
        entries[name] = {
            "dtype": _TYPE_NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [start, end],
        }
        pieces.append(tensor.reshape(-1).view(torch.uint8).numpy().data)
    header = msgspec.json.encode(entries)
    header += b" " * (-len(header) % 8)
    return b"".join([len(header).to_bytes(8, "little"), header, *pieces])


def _part(tensors: Tensors, prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _with_tuples(group: Mapping[str, Any]) -> dict[str, Any]:
    """JSON knows no tuples; Adam's betas are one."""
    return {name: tuple(v) if isinstance(v, list) and name != "params" else v for name, v in group.items()}


def _form(tensor: Tensor) -> str:
    sizes: Iterable[str] = (str(size) for size in tensor.shape)
    return f"{'×'.join(sizes) or 'one number'} ({str(tensor.dtype).removeprefix('torch.')})"
