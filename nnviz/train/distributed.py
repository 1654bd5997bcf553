"""One training in several processes: each finds the gradients of its part of every batch, and all take the same step.

The first process leads. It is the training as it always is, with session, instruments and run; before each thing that
takes all processes it sends an :class:`Order`, which the others wait for and do (``train/follower.py``). So whatever it
decides, by a clock or by a finding, is decided once, and nobody waits for a collective operation that does not come.

A step: every process takes the same batch and computes what the network puts out for its own part; these outputs are
gathered, so that each finds the loss of the whole batch, whatever the loss is; DistributedDataParallel adds the
gradients up while they are found. That is the sum that one process finds with the whole batch, but for the order in
which it is added. Of several batches that make one update, each is divided so, and the gradients are added up over the
processes with the last. All make the same update, so an average of the weights is the same everywhere. Batch
normalisation takes its statistics over the whole batch (:mod:`nnviz.train.shared_norm`).

Where one device cannot hold the whole network with its gradients and the optimizer's numbers, or where that is asked
for, each process holds a part of them (:mod:`nnviz.train.sharded`). What needs the whole, a checkpoint or weights that
are put in, is an order of its own then, and goes tensor by tensor.
"""

from __future__ import annotations

import itertools
import struct
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace as replace_fields
from datetime import timedelta
from enum import IntEnum
from typing import NamedTuple, TypeVar

import msgspec
import torch
import torch.distributed as dist
from msgspec.structs import replace
from torch import Tensor, nn
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from nnviz.errors import InputError, NnvizError, ProjectError, TrainingError, is_out_of_memory
from nnviz.network.network import Network
from nnviz.project.model import Project
from nnviz.train import checkpoint as checkpoints
from nnviz.train import sharded, shared_norm, weight_edits
from nnviz.train.checkpoint import Checkpoint, Progress, Tensors
from nnviz.train.ranks import Ranks
from nnviz.train.sharded import Shards
from nnviz.train.weight_edits import Hand, Numbers, Place

_Result = TypeVar("_Result")
#: How long a process waits for the next order: as long as the first one measures, writes or is asked things.
_PATIENCE = timedelta(days=30)
#: Seconds between two questions whether another process was asked to end.
_ASK_EVERY = 0.5
#: The splits, as an order names them.
SPLITS = ("train", "validation", "test")
_FAILED, _STOP, _SHARD = "failed", "stop", "shard"
#: Seconds between two looks at what the first process has decided.
_LOOK_EVERY = 0.02
#: What the tensors of a state that is divided are called on their way.
_WEIGHTS, _OPTIMIZER, _AVERAGE, _WITHIN = "weights", "optimizer", "average", ":"
#: Numbers the connections that a program makes one after the other: each has words of its own.
_connections = itertools.count()


class What(IntEnum):
    """What all are to do now.

    MEET: everybody says whether it is ready. STATE: take the weights and all else from the first one. STEP: train on
    the batch of the step. EVALUATE: a batch of a split. GATHER: where each holds a part of the numbers, give it for a
    checkpoint. SETTINGS: there, take all else but the numbers. REACH: there, read or set single numbers. END: nothing
    more comes.
    """

    MEET = 0
    STATE = 1
    STEP = 2
    EVALUATE = 3
    END = 4
    GATHER = 5
    SETTINGS = 6
    REACH = 7


class Order(NamedTuple):
    """What the first process sends to the others.

    Attributes:
        what: To do.
        number: The step (its updates before it), or the number of a batch; of GATHER whether the weights alone are
            wanted, those that are validated.
        other: The number of a split, or of bytes.
        value: The learning rate.
    """

    what: What
    number: int = 0
    other: int = 0
    value: float = 0.0


class _Said(msgspec.Struct):
    """What a process says when all meet: what it failed by, and what it trains on."""

    failure: str = ""
    data: str = ""


class _Reached(msgspec.Struct):
    """Single numbers that are read, or set where there are values, in the network or in the average of its weights."""

    places: list[tuple[str, str, tuple[int, ...]]]
    values: list[float] | None
    averaged: bool


class Together:
    """The connection of this process with the others of the same training. Belongs to the thread of the training.

    Args:
        ranks: Which of them it is.
        device: Where it computes; chooses between NCCL (CUDA) and Gloo.
        shard: Each process is to hold a part of the network, also where one device could hold it all.

    Attributes:
        ranks: As given.
        device: As given.
        on_stop: Called in the first process, in the middle of a step, when another one was asked to end.

    Raises:
        TrainingError: The processes do not find each other.
    """

    def __init__(self, ranks: Ranks, device: torch.device, *, shard: bool = False) -> None:
        self._asked_to_shard = shard
        self.ranks = ranks
        self.device = device
        try:
            store, _, _ = next(rendezvous("env://", ranks.rank, ranks.size))
            store = PrefixStore(f"nnviz{next(_connections)}", store)
            self._store = PrefixStore("said", store)
            dist.init_process_group(
                "nccl" if device.type == "cuda" else "gloo",
                store=PrefixStore("gradients", store),
                rank=ranks.rank,
                world_size=ranks.size,
                device_id=device if device.type == "cuda" else None,
            )
            # Orders are plain numbers of the processor, and are waited for as long as it takes.
            self._orders = dist.new_group(backend="gloo", timeout=_PATIENCE)
        except (RuntimeError, ValueError, OSError) as error:  # torch's own errors of connections are RuntimeErrors
            raise TrainingError(f"The {ranks.size} processes do not find each other: {_first_line(error)}") from error
        #: The network as DistributedDataParallel or FSDP wraps it.
        self._parallel: nn.Module | None = None
        #: Divides the numbers of the network; None where each process holds all of them.
        self._shards: Shards | None = None
        self._network: Network | None = None
        #: Makes the state that the others are to take; of the first process alone.
        self._state: Callable[[], Mapping[str, bytes]] | None = None
        #: Whether the others have another state than the first one.
        self._stale = True
        self._ended = False
        #: Whether this process left something undone that the others may still wait for: they take no order then.
        self._broken = False
        #: When (``monotonic``) it may be asked again whether another process was asked to end.
        self._next_question = 0.0
        #: Called in the first process when another one was asked to end.
        self.on_stop: Callable[[], None] = lambda: None

    # -- the first process --------------------------------------------------------------------------------------------

    def shards(self, fits: Callable[[], bool]) -> Shards | None:
        """What divides the numbers of the network among the processes; called by each, before it builds the network.

        Args:
            fits: Whether a device can hold all; the first process asks its own, and what it finds holds for all.

        Returns:
            None where each process holds the whole network.

        Raises:
            TrainingError: The first process has gone.
        """
        with self._waiting():
            if self.ranks.leads:
                self._store.set(_SHARD, "1" if self._asked_to_shard or not fits() else "0")
            else:
                # The first one may load its data for as long as it takes.
                while not self._store.check([_SHARD]):
                    time.sleep(_LOOK_EVERY)
            if self._store.get(_SHARD) == b"1":
                self._shards = Shards(self.device)
        return self._shards

    def part_of(self, project: Project) -> Project:
        """The project with the batches that this process computes: what it takes memory for."""
        share = -(-project.training.batch_size // self.ranks.size)
        return replace(project, training=replace(project.training, batch_size=share))

    def attach(self, network: Network, state: Callable[[], Mapping[str, bytes]]) -> None:
        """The network that is trained, and what makes the blobs of all that decides how it goes on.

        Where the numbers of the network are divided, these are left out of it.

        Raises:
            ProjectError: It has no weights, so that there is nothing to divide.
        """
        if not any(parameter.requires_grad for parameter in network.parameters()):
            raise ProjectError("A network without weights is not trained: nothing can be divided among processes.")
        self._network, self._state = network, state
        if self._shards is None:
            shared_norm.share(network)
        else:
            self._stale = False  # each has made its part of the same initial weights

    def state_changed(self) -> None:
        """What decides the next step is no longer what the last one made of it: the others are to have it before.

        Where each holds a part of the numbers, the others have got theirs already (:meth:`divide`), and get the rest.
        """
        self._stale = True

    def divide(self, checkpoint: Checkpoint) -> Checkpoint:
        """In the first process: a state that all are to take, of which each process gets its part.

        Returns:
            The same with this process's own part of weights and optimizer.
        """
        bare = replace_fields(checkpoint, weights={}, optimizer={}, average={}, best=None, examples={})
        tensors = _named(checkpoint)
        forms = {name: (str(tensor.dtype).removeprefix("torch."), list(tensor.shape)) for name, tensor in tensors}
        self._send_blobs({"forms": msgspec.json.encode(forms), **checkpoints.to_blobs(bare)})
        parts: dict[str, Tensor] = {}
        for name, tensor in tensors:
            whole = tensor.detach().cpu().contiguous()
            self._broadcast(whole)
            parts[name] = self._part(name, whole)
        return _with_parts(checkpoint, parts)

    def gathering(self, *, weights_alone: bool = False) -> Callable[[Tensor], Tensor]:
        """In the first process: what makes a whole of each tensor of a checkpoint, in the order of ``capture``."""
        self._send_state_if_stale()  # what an optimizer keeps follows from its settings
        self.send(Order(What.GATHER, int(weights_alone)))
        return self.whole

    def whole(self, tensor: Tensor) -> Tensor:
        """All of a tensor of which each process holds a part, on the CPU; asked for in all processes at once."""
        with self._waiting():
            return sharded.whole(tensor)

    def whole_weights(self, network: Network) -> Tensors:
        """In the first process: weights and buffers of which each holds a part, on the CPU."""
        return checkpoints.capture(network, None, {}, Progress(), whole=self.gathering(weights_alone=True)).weights

    def hand(self, network: Network, showing: Callable[[], AbstractContextManager[None]]) -> Hand:
        """In the first process: reaches for single numbers of a network that is divided, wherever they are.

        Args:
            network: The live one.
            showing: Within it the network has the average of its weights.
        """
        return _FarHand(self, network, showing)

    def reach(
        self, network: Network, showing: Callable[[], AbstractContextManager[None]], asked: bytes
    ) -> dict[Place, float]:
        """In all processes at once: reads or sets single numbers, each process its own.

        Returns:
            What stands there, wherever it is; nothing where numbers were set.
        """
        found = msgspec.json.decode(asked, type=_Reached)
        places = [Place(*place) for place in found.places]
        with showing() if found.averaged else nullcontext():
            if found.values is not None:
                weight_edits.write(network, dict(zip(places, found.values, strict=True)))
                return {}
            own = weight_edits.read(network, places)
        # A sum to which one process alone adds anything, of the bits: it takes no number for another.
        bits = torch.tensor([own.get(place, 0.0) for place in places], dtype=torch.float32).view(torch.int32)
        with self._waiting():
            dist.all_reduce(bits, group=self._orders)
        return dict(zip(places, bits.view(torch.float32).tolist(), strict=True))

    def order_to_reach(self, asked: bytes) -> None:
        """From the first process to all others, which do :meth:`reach` then."""
        self.send(Order(What.REACH, len(asked)))
        self._broadcast(torch.frombuffer(bytearray(asked), dtype=torch.uint8))

    def give(self, network: Network, optimizer: torch.optim.Optimizer | None) -> None:
        """In a process that follows: its part of what the first one gathers, weights alone without an optimizer."""

        def given(tensor: Tensor) -> Tensor:
            self.whole(tensor)  # which only the first one keeps
            return tensor

        checkpoints.capture(network, optimizer, {}, Progress(), whole=given)

    def begin_step(self, step: int, rate: float) -> None:
        """Every process is to make this step; called by the first one right before it does."""
        if self.ranks.leads:
            self._send_state_if_stale()
            self.send(Order(What.STEP, step, 0, rate))
            if time.monotonic() >= self._next_question:
                self._next_question = time.monotonic() + _ASK_EVERY
                if self._asked_to_stop:
                    self.on_stop()

    def forward_of(
        self, split: str, network: Network, showing: Callable[[], AbstractContextManager[None]]
    ) -> nn.Module:
        """Stands in for a network in an evaluation of a whole split, whose batches it gets one after the other.

        Args:
            split: Which one.
            network: What is evaluated in every process: the one that is trained, or the average of its weights.
            showing: Within it the network has the numbers that are evaluated.
        """
        return _SharedForward(self, network, SPLITS.index(split), showing)

    def begin_evaluating(self, batch: int, split: int) -> None:
        """Every process is to do its part of a batch of a split."""
        if self.ranks.leads:
            self._send_state_if_stale()
            self.send(Order(What.EVALUATE, batch, split))

    def meet(self, failure: NnvizError | None, data: str) -> None:
        """Everybody says whether it is ready, and is connected with the others; called once by each, before any step.

        Args:
            failure: Why this process is not.
            data: A mark of what it trains on, which must be the same everywhere.

        Raises:
            TrainingError: Another one is not ready, or has other data.
            NnvizError: This one is not ready: its own failure.
        """
        if self.ranks.leads:
            self.send(Order(What.MEET))
        said = self._everybody(_Said("" if failure is None else str(failure), data))
        # Where one cannot, all know it and nobody waits for an order.
        self._broken = any(one.failure or one.data != said[0].data for one in said)
        if failure is not None:
            raise failure
        for rank, one in enumerate(said):
            if one.failure:
                raise TrainingError(f"Process {rank} of {self.ranks.size} cannot train: {one.failure}")
            if one.data != said[0].data:
                raise TrainingError(f"Process {rank} of {self.ranks.size} has other examples than the first one.")
        with self._waiting():
            self._wrap()

    def end(self) -> None:
        """Nothing more comes. The first process tells the others, which end as well."""
        if self._ended:
            return
        self._ended = True
        self._parallel = None
        try:
            if self.ranks.leads and not self._store.check([_SHARD]):
                self._store.set(_SHARD, "0")  # somebody may wait for that
            if self._broken:
                self.report_failure("it could not go on.")
            elif self.ranks.leads and not self._store.check([_FAILED]):
                self.send(Order(What.END))
            if not (self._broken and self.device.type == "cuda"):
                # NCCL would wait for those that do not come any more; the end of the process takes its part away.
                dist.destroy_process_group()
        except (RuntimeError, TrainingError):
            pass  # Somebody has gone already, and that was said.

    @property
    def _asked_to_stop(self) -> bool:
        """Whether another process was asked to end; asks over the network, so not at every step."""
        try:
            return bool(self._store.check([_STOP]))
        except RuntimeError:
            return False

    def ask_to_stop(self) -> None:
        """This process was asked to end: all are to, and the first one keeps the run."""
        self._store.set(_STOP, "1")

    def report_failure(self, sentence: str) -> None:
        """This process cannot go on, and goes away: whoever waits for it finds the first reason here."""
        try:
            if self._store.check([_FAILED]):
                return
            self._store.set(_FAILED, f"Process {self.ranks.rank} of {self.ranks.size} failed: {sentence}")
        except RuntimeError:
            return  # nobody is left who would read it

    # -- every process ------------------------------------------------------------------------------------------------

    @contextmanager
    def taking(self, count: int, last: bool) -> Iterator[int]:
        """Within it all processes compute a batch, one of those of a step.

        Only in the last one the gradients go from one process to the other, as the sum of all; where each holds a part
        of them it has no room for the sum of the others before.

        Args:
            count: Examples in it.
            last: Whether it is the last of the step.

        Returns:
            What the loss of the batch is to be multiplied by: the gradients are averaged over the processes, where each
            has a share of their sum, or all have the whole of it.
        """
        network = self._parallel
        assert network is not None
        apart = isinstance(network, DistributedDataParallel) and not last
        with (
            self._waiting(),
            shared_norm.over(count),
            network.no_sync() if apart else nullcontext(),  # type: ignore[operator]  # it is DistributedDataParallel's
        ):
            yield self.ranks.size if count >= self.ranks.size else 1

    def own_rows(self, inputs: Tensor) -> Tensor:
        """What the network that is trained puts out for some examples; its gradients are added up over all."""
        assert self._parallel is not None
        outputs: Tensor = self._parallel(inputs)
        return outputs

    def with_all_rows(self, forward: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
        """What the network puts out for a whole batch, the same in every process.

        Args:
            forward: :meth:`own_rows`, in whatever numbers it computes.
            inputs: The whole batch, the same in every process.

        Returns:
            float[n, …]; this process's own rows have a graph behind them, what the others' are is found by them.
        """
        count = inputs.shape[0]
        part = self.ranks.part(count)
        outputs = forward(inputs[part])
        found = self._rows_of_all(outputs.detach(), count)
        return torch.cat((found[: part.start], outputs, found[part.stop :]))

    def outputs(self, network: nn.Module, inputs: Tensor) -> Tensor:
        """What a network puts out for a whole batch, each process for its part; nothing is learned from it."""
        count = inputs.shape[0]
        if self._shards is not None and self._parallel is not None:
            network = self._parallel
        with self._waiting():
            return self._rows_of_all(network(inputs[self.ranks.part(count)]), count)

    def send(self, order: Order) -> None:
        """From the first process to all others."""
        self._broadcast(_packed(order))

    def receive(self) -> Order:
        """The next order, however long that takes; of the others.

        Raises:
            TrainingError: The first process has gone.
        """
        packed = torch.zeros(4, dtype=torch.int64)
        self._broadcast(packed)
        what, number, other, bits = packed.tolist()
        (value,) = struct.unpack("<d", struct.pack("<q", bits))
        return Order(What(what), number, other, value)

    def receive_state(self, order: Order) -> Checkpoint:
        """The state that comes behind an order of STATE or SETTINGS; of what is divided, this process's part."""
        sizes = self.receive_bytes(order.number)
        lengths = msgspec.json.decode(sizes, type=dict[str, int])
        blobs = {name: self.receive_bytes(length) for name, length in lengths.items()}
        checkpoint = checkpoints.from_blobs(blobs)
        if self._shards is None or order.what is What.SETTINGS:
            return checkpoint
        parts: dict[str, Tensor] = {}
        for name, (kind, shape) in msgspec.json.decode(blobs["forms"], type=dict[str, tuple[str, list[int]]]).items():
            whole = torch.empty(shape, dtype=getattr(torch, kind))
            self._broadcast(whole)
            parts[name] = self._part(name, whole)
        return _with_parts(checkpoint, parts)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _wrap(self) -> None:
        """The network as one of several; takes all processes, so none may have failed."""
        network = self._network
        assert network is not None
        if self._shards is not None:
            self._parallel = self._shards.whole_network(network)
            return
        reached = {id(p) for node in network.trained_ids for p in network.module_of(node).parameters()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # the new name of an argument, which torch 2.10 has not yet
            self._parallel = DistributedDataParallel(
                network,
                device_ids=[self.device] if self.device.type == "cuda" else None,
                broadcast_buffers=False,  # they are the same everywhere, see shared_norm
                # What leads nowhere gets no gradient, and none is waited for.
                find_unused_parameters=any(id(p) not in reached for p in network.parameters() if p.requires_grad),
            )

    def _send_state_if_stale(self) -> None:
        if not self._stale:
            return
        assert self._state is not None
        self._send_blobs(self._state(), What.STATE if self._shards is None else What.SETTINGS)
        self._stale = False

    def _send_blobs(self, blobs: Mapping[str, bytes], what: What = What.STATE) -> None:
        lengths = msgspec.json.encode({name: len(blob) for name, blob in blobs.items()})
        self.send(Order(what, len(lengths)))
        for part in (lengths, *blobs.values()):
            if part:
                self._broadcast(torch.frombuffer(bytearray(part), dtype=torch.uint8))

    def _part(self, name: str, whole: Tensor) -> Tensor:
        """What this process holds of a tensor: its rows, or all where nothing is divided (statistics, counts)."""
        assert self._shards is not None and self._network is not None
        section, _, rest = name.partition(_WITHIN)
        weights = self._network.state_dict()
        # What an optimizer counts are single numbers.
        divided = whole.dim() > 0 if section == _OPTIMIZER else sharded.is_divided(weights[rest])
        return self._shards.part(whole) if divided else whole.clone()

    def receive_bytes(self, length: int) -> bytes:
        """What comes behind an order, of the others."""
        received = torch.empty(length, dtype=torch.uint8)
        if length:
            self._broadcast(received)
        return received.numpy().tobytes()

    def _broadcast(self, tensor: Tensor) -> None:
        with self._waiting():
            dist.broadcast(tensor, src=0, group=self._orders)

    def _everybody(self, said: _Said) -> list[_Said]:
        """What each process says, in order."""
        text = msgspec.json.encode(said)[:65_536]
        length = torch.tensor([len(text)])
        lengths = [torch.zeros(1, dtype=torch.int64) for _ in range(self.ranks.size)]
        with self._waiting():
            dist.all_gather(lengths, length, group=self._orders)
            padded = torch.zeros(max(int(one) for one in lengths), dtype=torch.uint8)
            padded[: len(text)] = torch.frombuffer(bytearray(text), dtype=torch.uint8)
            texts = [torch.zeros_like(padded) for _ in range(self.ranks.size)]
            dist.all_gather(texts, padded, group=self._orders)
        return [
            msgspec.json.decode(one.numpy().tobytes()[: int(size)], type=_Said)
            for one, size in zip(texts, lengths, strict=True)
        ]

    def _rows_of_all(self, own: Tensor, count: int) -> Tensor:
        """The rows of every process, in the order of the batch; float[count, …] on the device."""
        size = self.ranks.size
        if count < size:  # everybody has all of them
            return own
        most = -(-count // size)
        padded = own.new_zeros((most, *own.shape[1:]))
        padded[: own.shape[0]] = own
        found = [torch.empty_like(padded) for _ in range(size)]
        dist.all_gather(found, padded)
        parts = (Ranks(rank, size, 0).part(count) for rank in range(size))
        return torch.cat([rows[: part.stop - part.start] for rows, part in zip(found, parts, strict=True)])

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """Within it other processes are waited for: where one has gone, that is said, and why as far as it is known."""
        try:
            yield
        except BaseException as error:
            self._broken = True
            if not isinstance(error, RuntimeError) or not _is_of_connection(error):
                raise
            raise TrainingError(self._why_gone()) from error

    def _why_gone(self) -> str:
        try:
            if self._store.check([_FAILED]):
                return str(self._store.get(_FAILED).decode("utf-8", "replace"))
        except RuntimeError:
            pass  # The store was that of the process that has gone.
        return f"Another of the {self.ranks.size} processes has ended, so this one cannot go on."


class _FarHand:
    """Reaches for single numbers that are in one of the processes each."""

    def __init__(
        self, together: Together, network: Network, showing: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._together, self._network, self._showing = together, network, showing

    def read(self, places: Sequence[Place], *, averaged: bool) -> dict[Place, float]:
        """What stands there."""
        return self._reach(places, None, averaged)

    def write(self, numbers: Numbers, *, averaged: bool) -> None:
        """Puts numbers where they belong, and touches nothing else."""
        self._reach([*numbers], [*numbers.values()], averaged)

    def _reach(self, places: Sequence[Place], values: list[float] | None, averaged: bool) -> dict[Place, float]:
        there = [(place.node, place.parameter, place.index) for place in places]
        asked = msgspec.json.encode(_Reached(there, values, averaged))
        self._together.order_to_reach(asked)
        return self._together.reach(self._network, self._showing, asked)


class _SharedForward(nn.Module):
    """The network in an evaluation, with a part of each batch in every process."""

    def __init__(
        self, together: Together, network: Network, split: int, showing: Callable[[], AbstractContextManager[None]]
    ) -> None:
        super().__init__()
        self.network = network
        self._together, self._split, self._batch, self._showing = together, split, 0, showing

    def forward(self, inputs: Tensor) -> Tensor:
        """The outputs for the next batch of the split."""
        self._together.begin_evaluating(self._batch, self._split)
        self._batch += 1
        with self._showing():
            return self._together.outputs(self.network, inputs)


def device_of(name: str, ranks: Ranks) -> torch.device:
    """The device of this process: on a computer with several GPUs each process has its own.

    Args:
        name: As the project or the command line says it.
        ranks: Which process it is.

    Raises:
        InputError: There is no GPU for it, or the name means one and the same device for all.
    """
    wanted = name.strip().lower()
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    if wanted == "cpu":
        return torch.device("cpu")
    if wanted != "cuda":
        raise InputError(
            f"Several processes train on cuda, each on the GPU of its own number, or on cpu; not on {name}.",
            field="training.device",
        )
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if ranks.local_rank >= count:
        there = "no GPU" if not count else "1 GPU" if count == 1 else f"{count} GPUs"
        raise InputError(
            f"This computer has {there} that torch can use, too few for its processes: start fewer of them, or choose "
            "--device cpu.",
            field="training.device",
        )
    torch.cuda.set_device(ranks.local_rank)
    return torch.device("cuda", ranks.local_rank)


def _named(checkpoint: Checkpoint) -> list[tuple[str, Tensor]]:
    """The tensors that are divided, in the order in which they are sent."""
    return [
        *((f"{_WEIGHTS}{_WITHIN}{name}", tensor) for name, tensor in checkpoint.weights.items()),
        *((f"{_OPTIMIZER}{_WITHIN}{name}", tensor) for name, tensor in checkpoint.optimizer.items()),
        *((f"{_AVERAGE}{_WITHIN}{name}", tensor) for name, tensor in checkpoint.average.items()),
    ]


def _with_parts(checkpoint: Checkpoint, parts: Mapping[str, Tensor]) -> Checkpoint:
    found: dict[str, dict[str, Tensor]] = {_WEIGHTS: {}, _OPTIMIZER: {}, _AVERAGE: {}}
    for name, part in parts.items():
        section, _, rest = name.partition(_WITHIN)
        found[section][rest] = part
    return replace_fields(checkpoint, weights=found[_WEIGHTS], optimizer=found[_OPTIMIZER], average=found[_AVERAGE])


def _packed(order: Order) -> Tensor:
    (bits,) = struct.unpack("<q", struct.pack("<d", order.value))
    return torch.tensor([order.what, order.number, order.other, bits], dtype=torch.int64)


def _is_of_connection(error: RuntimeError) -> bool:
    """Whether it was the way to another process that broke, not the computation or this process's own device."""
    if is_out_of_memory(error) or isinstance(error, torch.AcceleratorError):
        return False
    if isinstance(error, dist.DistError):
        return True
    words = ("connection", "gloo", "peer", "nccl", "socket", "timed out")
    return any(word in str(error).lower() for word in words)


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
