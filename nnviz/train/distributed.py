"""One training in several processes: each finds the gradients of its part of every batch, and all take the same step.

The first process leads. It is the training as it always is, with session, instruments and run; before each thing that
takes all processes it sends an order (``train/orders.py``), which the others wait for and do (``train/follower.py``).
So whatever it decides, by a clock or by a finding, is decided once, and nobody waits for a collective operation that
does not come. All of it goes over one :class:`~nnviz.train.connection.Connection`.

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

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace as replace_fields

import msgspec
import torch
from msgspec.structs import replace
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from nnviz.errors import InputError, NnvizError, ProjectError, TrainingError
from nnviz.network.network import Network
from nnviz.project.model import Project
from nnviz.train import checkpoint as checkpoints
from nnviz.train import sharded, shared_norm, weight_edits
from nnviz.train.checkpoint import Checkpoint, Progress, Tensors
from nnviz.train.connection import Connection
from nnviz.train.orders import SPLITS, Order, What
from nnviz.train.ranks import Ranks
from nnviz.train.sharded import Shards
from nnviz.train.weight_edits import Hand, Numbers, Place

#: Seconds between two questions whether another process was asked to end.
_ASK_EVERY = 0.5
#: What the tensors of a state that is divided are called on their way.
_WEIGHTS, _OPTIMIZER, _AVERAGE, _WITHIN = "weights", "optimizer", "average", ":"


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
    """The part of this process in a training of several processes. Belongs to the thread of the training.

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
        self._connection = Connection(ranks, device)
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
        with self._connection.waiting():
            if self._connection.agree_on_shards(lambda: self._asked_to_shard or not fits()):
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
            self._connection.broadcast(whole)
            parts[name] = self._part(name, whole)
        return _with_parts(checkpoint, parts)

    def gathering(self, *, weights_alone: bool = False) -> Callable[[Tensor], Tensor]:
        """In the first process: what makes a whole of each tensor of a checkpoint, in the order of ``capture``."""
        self._send_state_if_stale()  # what an optimizer keeps follows from its settings
        self._connection.send(Order(What.GATHER, int(weights_alone)))
        return self.whole

    def whole(self, tensor: Tensor) -> Tensor:
        """All of a tensor of which each process holds a part, on the CPU; asked for in all processes at once."""
        with self._connection.waiting():
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
        self._connection.add_up(bits)
        return dict(zip(places, bits.view(torch.float32).tolist(), strict=True))

    def order_to_reach(self, asked: bytes) -> None:
        """From the first process to all others, which do :meth:`reach` then."""
        self._connection.send(Order(What.REACH, len(asked)))
        self._connection.send_bytes(asked)

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
            self._connection.send(Order(What.STEP, step, 0, rate))
            if time.monotonic() >= self._next_question:
                self._next_question = time.monotonic() + _ASK_EVERY
                if self._connection.asked_to_stop:
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
            self._connection.send(Order(What.EVALUATE, batch, split))

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
            self._connection.send(Order(What.MEET))
        text = msgspec.json.encode(_Said("" if failure is None else str(failure), data))[:65_536]
        said = [msgspec.json.decode(one, type=_Said) for one in self._connection.everybody(text)]
        # Where one cannot, all know it and nobody waits for an order.
        self._connection.broken = any(one.failure or one.data != said[0].data for one in said)
        if failure is not None:
            raise failure
        for rank, one in enumerate(said):
            if one.failure:
                raise TrainingError(f"Process {rank} of {self.ranks.size} cannot train: {one.failure}")
            if one.data != said[0].data:
                raise TrainingError(f"Process {rank} of {self.ranks.size} has other examples than the first one.")
        with self._connection.waiting():
            self._wrap()

    def end(self) -> None:
        """Nothing more comes. The first process tells the others, which end as well."""
        if self._ended:
            return
        self._ended = True
        self._parallel = None
        self._connection.end(Order(What.END))

    def ask_to_stop(self) -> None:
        """This process was asked to end: all are to, and the first one keeps the run."""
        self._connection.ask_to_stop()

    def report_failure(self, sentence: str) -> None:
        """This process cannot go on, and goes away: whoever waits for it finds the first reason here."""
        self._connection.report_failure(sentence)

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
            self._connection.waiting(),
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
        found = self._connection.rows_of_all(outputs.detach(), count)
        return torch.cat((found[: part.start], outputs, found[part.stop :]))

    def outputs(self, network: nn.Module, inputs: Tensor) -> Tensor:
        """What a network puts out for a whole batch, each process for its part; nothing is learned from it."""
        count = inputs.shape[0]
        if self._shards is not None and self._parallel is not None:
            network = self._parallel
        with self._connection.waiting():
            return self._connection.rows_of_all(network(inputs[self.ranks.part(count)]), count)

    def receive(self) -> Order:
        """The next order, however long that takes; of the others.

        Raises:
            TrainingError: The first process has gone.
        """
        return self._connection.receive()

    def receive_bytes(self, length: int) -> bytes:
        """What comes behind an order, of the others."""
        return self._connection.receive_bytes(length)

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
            self._connection.broadcast(whole)
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
        self._connection.send(Order(what, len(lengths)))
        for part in (lengths, *blobs.values()):
            self._connection.send_bytes(part)

    def _part(self, name: str, whole: Tensor) -> Tensor:
        """What this process holds of a tensor: its rows, or all where nothing is divided (statistics, counts)."""
        assert self._shards is not None and self._network is not None
        section, _, rest = name.partition(_WITHIN)
        weights = self._network.state_dict()
        # What an optimizer counts are single numbers.
        divided = whole.dim() > 0 if section == _OPTIMIZER else sharded.is_divided(weights[rest])
        return self._shards.part(whole) if divided else whole.clone()


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
