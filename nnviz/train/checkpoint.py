"""Everything a training needs to go on bit for bit: weights, optimizer, random state, position, best weights.

In memory a :class:`Checkpoint` is a set of copied tensors. In a run file it is a few blobs: the tensors as safetensors,
the plain values as JSON. Nothing is pickled, so that opening a file never executes anything from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeAlias

import msgspec
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from nnviz.data.fingerprint import Fingerprint
from nnviz.errors import DataError, RunFileError
from nnviz.project.curation import MOST_CURATED, curated_problem
from nnviz.project.model import Curated
from nnviz.train.checkpoint_digest import NO_DIGEST, VERSION, digest_of, entry, holds, parts_of
from nnviz.train.example_record import Captured
from nnviz.train.finite import all_finite
from nnviz.train.live_settings import LayerSetting, LiveSettings
from nnviz.train.optimizers import IMPLEMENTATION
from nnviz.train.unit_switches import NO_SWITCHES, Unit, UnitSwitches

Tensors: TypeAlias = Mapping[str, Tensor]
#: Bytes that the state of a random number generator may take; torch's takes 5,056.
_MOST_RANDOM = 65_536
_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
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
        base_rate: The learning rate that the schedule multiplies, as ``float.hex``; empty where
            that is the optimizer's own, as without a schedule.
        best_figure: The figure by which the best epoch is chosen, likewise; empty where that is the loss.
        figures: What was found at the ends of the epochs, from the first, as ``float.hex``, by figure; only those that
            the recipe goes by.
        went_on_after: Epochs after which it was gone on with although early stopping had ended it.
        more_until: How far to train where that is farther than the project says, because somebody asked for more; else
            0.
        loss_scale: What the loss is multiplied by in half floats, as ``float.hex``, or was when it was last computed in
            them; empty where it never was.
        loss_scale_steps: For how many updates it was.
    """

    step: _Count = 0
    evaluated_epochs: _Count = 0
    epoch_loss: str = (0.0).hex()
    epoch_count: _Count = 0
    best_epoch: _Count = 0
    best_loss: str = float("inf").hex()
    test_uses: _Count = 0
    base_rate: str = ""
    best_figure: str = ""
    figures: dict[str, list[str]] = {}
    went_on_after: _Count = 0
    more_until: _Count = 0
    loss_scale: str = ""
    loss_scale_steps: _Count = 0


class _Switches(msgspec.Struct, frozen=True):
    """Units that were switched off or frozen, as the id of a node and the number of its unit, in order."""

    off: list[tuple[str, _Count]] = []
    frozen: list[tuple[str, _Count]] = []


class _Live(msgspec.Struct, frozen=True):
    """What was changed while it trained: settings of the optimizer and of layers, and which layers are frozen."""

    optimizer: list[tuple[str, Any]] = []
    layers: list[tuple[str, str, Any]] = []
    frozen: list[str] = []
    batch_size: _Count = 0
    sizes: list[tuple[_Count, _Count]] = []


class _Header(msgspec.Struct, frozen=True):
    """The plain values of a checkpoint in a file.

    ``digest`` is of all that is in the checkpoint, itself left out; empty in files from before there was one.
    """

    version: Annotated[int, msgspec.Meta(ge=1)]
    progress: Progress
    optimizer_groups: list[dict[str, Any]]
    optimizer_values: dict[str, Any]
    has_best: bool
    data: Fingerprint | None = None
    switches: _Switches = _Switches()
    curation: list[Curated] | None = None
    live: _Live | None = None
    decided: list[Curated] | None = None
    digest: str = ""


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
        data: What it was trained on; None where that is not known, as in files of older versions.
        switches: Units that were switched off or frozen at that step; none in files of older versions.
        examples: What became of every training example, see ``ExampleRecord``; empty where nobody keeps that.
        curation: What was decided about single examples and held for the epoch under way; None where that is not known,
            as in files of older versions.
        average: The average of the weights, by the names of ``weights``; empty where there is none.
        live: The settings that can be changed while it trains; None where that is not known, as in files of older
            versions.
        sizes: From which epoch on a step took how many examples, see ``EpochPlan``; empty likewise.
        decided: What was decided about single examples by then, which holds from the next epoch on; None likewise.
    """

    progress: Progress
    weights: Tensors
    optimizer: Tensors = field(default_factory=dict)
    optimizer_values: Mapping[str, Any] = field(default_factory=dict)
    optimizer_groups: tuple[Mapping[str, Any], ...] = ()
    random: Tensors = field(default_factory=dict)
    best: Tensors | None = None
    data: Fingerprint | None = None
    switches: UnitSwitches = NO_SWITCHES
    examples: Tensors = field(default_factory=dict)
    curation: tuple[Curated, ...] | None = None
    average: Tensors = field(default_factory=dict)
    live: LiveSettings | None = None
    sizes: tuple[tuple[int, int], ...] = ()
    decided: tuple[Curated, ...] | None = None

    @property
    def nbytes(self) -> int:
        """Memory of the tensors that belong to this checkpoint alone."""
        examples = self.examples.nbytes if isinstance(self.examples, Captured) else size_of(self.examples)
        return examples + sum(size_of(tensors) for tensors in (self.weights, self.optimizer, self.random, self.average))

    @property
    def shown_weights(self) -> Tensors:
        """What is validated and kept at this step: the average, or where there is none the weights themselves."""
        return self.average or self.weights

    @property
    def is_finite(self) -> bool:
        """Whether training can go on from it: weights and optimizer hold finite numbers; waits for the device."""
        return all_finite(self.weights.values()) and all_finite(self.optimizer.values())


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
    data: Fingerprint | None = None,
    switches: UnitSwitches = NO_SWITCHES,
    examples: Tensors | None = None,
    curation: tuple[Curated, ...] | None = None,
    average: Tensors | None = None,
    live: LiveSettings | None = None,
    sizes: tuple[tuple[int, int], ...] = (),
    decided: tuple[Curated, ...] | None = None,
    *,
    copied: bool = True,
    whole: Callable[[Tensor], Tensor] | None = None,
) -> Checkpoint:
    """Copies everything; nothing that happens afterwards changes it.

    Args:
        network: What is trained.
        optimizer: What trains it.
        random: State of the random numbers.
        progress: Where it stands.
        best: Weights of the best epoch.
        data: Fingerprint of the data it was trained on.
        switches: Units that are switched off or frozen.
        examples: What became of every training example; the checkpoint's own from here on.
        curation: What was decided about single examples and holds for the epoch under way.
        average: The average of the weights; the checkpoint's own from here on.
        live: The settings that can be changed while it trains.
        sizes: From which epoch on a step takes how many examples.
        decided: What is decided about single examples from the next epoch on.
        copied: False gives the live tensors themselves, for whoever writes them down before the next step.
        whole: Makes a copy of all of a tensor of which this process holds a part alone; called for each, in an order
            that is the same in every process.
    """

    def kept(tensor: Tensor) -> Tensor:
        if whole is not None:
            return whole(tensor)
        return tensor.detach().clone() if copied else tensor.detach()

    tensors: dict[str, Tensor] = {}
    values: dict[str, Any] = {}
    groups: tuple[Mapping[str, Any], ...] = ()
    if optimizer is not None:
        state = optimizer.state_dict()
        groups = tuple(dict(group) for group in state["param_groups"])
        for index, entries in sorted(state["state"].items()):
            for name, value in sorted(entries.items()):
                if isinstance(value, Tensor):
                    tensors[f"{index}/{name}"] = kept(value)
                else:
                    values[f"{index}/{name}"] = value
    weights = {name: kept(tensor) for name, tensor in network.state_dict().items()}
    return Checkpoint(
        progress,
        weights,
        tensors,
        values,
        groups,
        dict(random),
        best,
        data,
        switches,
        examples or {},
        curation,
        average or {},
        live,
        sizes,
        decided,
    )


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


def check_data(checkpoint: Checkpoint, data: Fingerprint | None) -> None:
    """Raises DataError, naming the difference, where a checkpoint was made on other data than is loaded now."""
    if checkpoint.data is None or data is None:
        return
    difference = checkpoint.data.difference(data)
    if difference:
        raise DataError(
            f"This run cannot be gone on with: since it was made the data set has {difference}. Begin a new run.",
            field="data",
        )


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
    """The checkpoint for a file: ``header`` (JSON), ``weights``, ``state`` and, where there are any, ``best``,
    ``examples``.
    """
    header = _Header(
        VERSION,
        checkpoint.progress,
        [dict(group) for group in checkpoint.optimizer_groups],
        dict(checkpoint.optimizer_values),
        checkpoint.best is not None,
        checkpoint.data,
        _Switches(sorted(checkpoint.switches.off), sorted(checkpoint.switches.frozen)),
        None if checkpoint.curation is None else list(checkpoint.curation),
        _live_written(checkpoint),
        None if checkpoint.decided is None else list(checkpoint.decided),
    )
    state = {f"optimizer/{name}": tensor for name, tensor in checkpoint.optimizer.items()}
    state |= {f"random/{name}": tensor for name, tensor in checkpoint.random.items()}
    state |= {f"average/{name}": tensor for name, tensor in checkpoint.average.items()}
    blobs = {"weights": _save(checkpoint.weights), "state": _save(state)}
    extra: dict[str, bytes] = {}
    if checkpoint.best is not None:
        blobs["best"] = _save(checkpoint.best)
    if checkpoint.examples:
        # Not among what the digest is of: programs that know nothing of it leave it alone.
        extra["examples"] = _save(checkpoint.examples)
    bare = msgspec.json.encode(header)
    return {"header": bare.replace(NO_DIGEST, entry(digest_of(bare, blobs)), 1), **blobs, **extra}


def from_blobs(blobs: Mapping[str, bytes], *, whole: bool = False) -> Checkpoint:
    """Reads what :func:`to_blobs` made.

    Args:
        blobs: The parts.
        whole: They were compared with their digest already.

    Raises:
        RunFileError: A part is missing, damaged or of a newer version.
    """
    try:
        header = msgspec.json.decode(blobs["header"], type=_Header)
        if header.version > VERSION:
            raise RunFileError("The checkpoint was made by a newer nnviz: update this one.")
        parts = parts_of(blobs, has_best=header.has_best)
    except KeyError as error:
        raise RunFileError(f"The checkpoint has no part {error}.") from None
    except _BROKEN as error:
        raise _damaged(error) from error
    if not whole and not holds(blobs["header"], header.digest, parts):
        raise RunFileError("The checkpoint is damaged: its parts are not those that were written together.")
    try:
        progress = header.progress
        figures = [figure for one in progress.figures.values() for figure in one]
        for number in (progress.epoch_loss, progress.best_loss, progress.base_rate or "0", *figures):
            float.fromhex(number)
        if not 0 < float.fromhex(progress.loss_scale or "1") < math.inf:
            raise ValueError("the scale of the loss is none")
        if progress.best_figure and math.isnan(float.fromhex(progress.best_figure)):
            raise ValueError("the figure of the best epoch is not a number")
        if math.isnan(float.fromhex(header.progress.best_loss)):
            raise ValueError("the loss of the best epoch is not a number")
        tensors = {name: safetensors.torch.load(part) for name, part in parts.items()}
    except _BROKEN as error:
        raise _damaged(error) from error
    state = tensors["state"]
    random = _part(state, "random/")
    optimizer, average = _part(state, "optimizer/"), _part(state, "average/")
    if len(random) + len(optimizer) + len(average) != len(state) or not random.keys() <= {"cpu", "device"}:
        raise RunFileError("The checkpoint is damaged: it holds what no checkpoint does.")
    if any(part.dtype != torch.uint8 or part.dim() != 1 or len(part) > _MOST_RANDOM for part in random.values()):
        raise RunFileError("The checkpoint is damaged: the state of the random numbers is none.")
    if "cpu" not in random:
        raise RunFileError("The checkpoint is damaged: the state of the random numbers is missing.")
    return Checkpoint(
        header.progress,
        tensors["weights"],
        optimizer,
        header.optimizer_values,
        tuple(_with_tuples(group) for group in header.optimizer_groups),
        random,
        tensors.get("best"),
        header.data,
        UnitSwitches(_units(header.switches.off), _units(header.switches.frozen)),
        _examples(blobs.get("examples")),
        _curation(header.curation),
        average,
        _live_read(header.live),
        () if header.live is None else _sizes_read(header.live.sizes),
        _curation(header.decided),
    )


def _live_written(checkpoint: Checkpoint) -> _Live | None:
    live = checkpoint.live
    if live is None:
        return None
    sizes = list(checkpoint.sizes)
    return _Live(list(live.optimizer), list(live.layers), sorted(live.frozen), live.batch_size, sizes)


def _sizes_read(sizes: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    epochs = [epoch for epoch, _ in sizes]
    if epochs[:1] not in ([], [0]) or epochs != sorted(set(epochs)) or not all(size for _, size in sizes):
        raise RunFileError("The checkpoint is damaged: batches cannot have had such sizes.")
    return tuple(sizes)


def _live_read(live: _Live | None) -> LiveSettings | None:
    """As it stands there; whether a training can have such settings, it looks for itself."""
    if live is None:
        return None
    plain = (*(value for _, value in live.optimizer), *(value for *_, value in live.layers))
    if not all(isinstance(value, bool | int | float | str) for value in plain):
        raise RunFileError("The checkpoint is damaged: the settings that were changed are none.")
    layers = tuple(LayerSetting(*one) for one in live.layers)
    return LiveSettings(tuple(live.optimizer), layers, frozenset(live.frozen), live.batch_size)


def _curation(entries: list[Curated] | None) -> tuple[Curated, ...] | None:
    if entries is None:
        return None
    if len(entries) > MOST_CURATED or any(curated_problem(entry) for entry in entries):
        raise RunFileError("The checkpoint is damaged: what was decided about single examples cannot have been.")
    return tuple(entries)


def _examples(blob: bytes | None) -> Tensors:
    """What became of the training examples; nothing where it is missing or damaged: it decides no weight."""
    if blob is None:
        return {}
    try:
        return safetensors.torch.load(blob)
    except _BROKEN:
        return {}


#: What the readers of JSON and safetensors raise over bytes that are none of theirs.
_BROKEN = (
    msgspec.MsgspecError,
    SafetensorError,
    ValueError,
    TypeError,
    KeyError,
    OverflowError,
    RecursionError,
    RuntimeError,
    AttributeError,
)


def _damaged(error: Exception) -> RunFileError:
    words = "".join(letter if letter.isprintable() else "?" for letter in str(error)[:200])
    return RunFileError(f"The checkpoint is damaged: {words or type(error).__name__}")


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
        # The optimizer takes tensors over and writes into them; its kernels read them in the order of the weights.
        taken = _laid_as(value, parameters[int(index)]) if isinstance(value, Tensor) else value
        state.setdefault(int(index), {})[name] = taken
    # Which of torch's implementations computes the update belongs to this device, not to the one it was saved on.
    groups = [
        {**group, "params": list(group["params"]), **{name: mine[name] for name in IMPLEMENTATION if name in mine}}
        for group, mine in zip(checkpoint.optimizer_groups, own["param_groups"], strict=True)
    ]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _laid_as(tensor: Tensor, parameter: Tensor) -> Tensor:
    """A copy that lies in memory as its parameter does."""
    if tensor.shape != parameter.shape:
        return tensor.clone()
    return torch.empty_like(parameter, dtype=tensor.dtype, device=tensor.device).copy_(tensor).detach()


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


def _units(kept: list[tuple[str, int]]) -> frozenset[Unit]:
    return frozenset(Unit(node, number) for node, number in kept)


def _part(tensors: Tensors, prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _with_tuples(group: Mapping[str, Any]) -> dict[str, Any]:
    """JSON knows no tuples; Adam's betas are one."""
    return {name: tuple(v) if isinstance(v, list) and name != "params" else v for name, v in group.items()}


def _form(tensor: Tensor) -> str:
    sizes: Iterable[str] = (str(size) for size in tensor.shape)
    return f"{'×'.join(sizes) or 'one number'} ({str(tensor.dtype).removeprefix('torch.')})"
