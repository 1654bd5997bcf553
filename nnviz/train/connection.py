"""The connection between the processes of one training: orders, bytes and rows go over it, and it says who has gone."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from nnviz.errors import TrainingError, is_out_of_memory
from nnviz.train.orders import Order, packed, unpacked
from nnviz.train.ranks import Ranks

#: How long a process waits for the next order: as long as the first one measures, writes or is asked things.
_PATIENCE = timedelta(days=30)
#: Seconds between two looks at what the first process has decided.
_LOOK_EVERY = 0.02
_FAILED, _STOP, _SHARD = "failed", "stop", "shard"
#: Numbers the connections that a program makes one after the other: each has words of its own.
_connections = itertools.count()


class Connection:
    """Connects this process with the others. Belongs to the thread of the training.

    Args:
        ranks: Which of them it is.
        device: Where it computes; chooses between NCCL (CUDA) and Gloo.

    Attributes:
        broken: Whether this process left something undone that the others may still wait for: they take no order then.

    Raises:
        TrainingError: The processes do not find each other.
    """

    def __init__(self, ranks: Ranks, device: torch.device) -> None:
        self._ranks = ranks
        self._device = device
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
        self.broken = False

    # -- orders and bytes ---------------------------------------------------------------------------------------------

    def send(self, order: Order) -> None:
        """From the first process to all others."""
        self.broadcast(packed(order))

    def receive(self) -> Order:
        """The next order, however long that takes; of the others.

        Raises:
            TrainingError: The first process has gone.
        """
        travelled = torch.zeros(4, dtype=torch.int64)
        self.broadcast(travelled)
        return unpacked(travelled)

    def send_bytes(self, part: bytes) -> None:
        """From the first process to all others, which know how many they are to take."""
        if part:
            self.broadcast(torch.frombuffer(bytearray(part), dtype=torch.uint8))

    def receive_bytes(self, length: int) -> bytes:
        """What comes behind an order, of the others."""
        received = torch.empty(length, dtype=torch.uint8)
        if length:
            self.broadcast(received)
        return received.numpy().tobytes()

    def broadcast(self, tensor: Tensor) -> None:
        """The first one's numbers, written into the tensor of each; on the CPU."""
        with self.waiting():
            dist.broadcast(tensor, src=0, group=self._orders)

    # -- from all to all ----------------------------------------------------------------------------------------------

    def everybody(self, text: bytes) -> Sequence[bytes]:
        """What each process says, in order."""
        length = torch.tensor([len(text)])
        lengths = [torch.zeros(1, dtype=torch.int64) for _ in range(self._ranks.size)]
        with self.waiting():
            dist.all_gather(lengths, length, group=self._orders)
            padded = torch.zeros(max(int(one) for one in lengths), dtype=torch.uint8)
            padded[: len(text)] = torch.frombuffer(bytearray(text), dtype=torch.uint8)
            texts = [torch.zeros_like(padded) for _ in range(self._ranks.size)]
            dist.all_gather(texts, padded, group=self._orders)
        return [one.numpy().tobytes()[: int(size)] for one, size in zip(texts, lengths, strict=True)]

    def add_up(self, numbers: Tensor) -> None:
        """Each process gets the sum of all, in the place of its own; on the CPU."""
        with self.waiting():
            dist.all_reduce(numbers, group=self._orders)

    def rows_of_all(self, own: Tensor, count: int) -> Tensor:
        """The rows of every process, in the order of the batch; float[count, …] on the device."""
        size = self._ranks.size
        if count < size:  # everybody has all of them
            return own
        most = -(-count // size)
        padded = own.new_zeros((most, *own.shape[1:]))
        padded[: own.shape[0]] = own
        found = [torch.empty_like(padded) for _ in range(size)]
        dist.all_gather(found, padded)
        parts = (Ranks(rank, size, 0).part(count) for rank in range(size))
        return torch.cat([rows[: part.stop - part.start] for rows, part in zip(found, parts, strict=True)])

    # -- what is said beside all that ---------------------------------------------------------------------------------

    def agree_on_shards(self, wanted: Callable[[], bool]) -> bool:
        """Whether each process holds a part of the network: what the first one finds, which alone is asked."""
        with self.waiting():
            if self._ranks.leads:
                self._store.set(_SHARD, "1" if wanted() else "0")
            else:
                # The first one may load its data for as long as it takes.
                while not self._store.check([_SHARD]):
                    time.sleep(_LOOK_EVERY)
            return bool(self._store.get(_SHARD) == b"1")

    def ask_to_stop(self) -> None:
        """This process was asked to end: all are to, and the first one keeps the run."""
        self._store.set(_STOP, "1")

    def report_failure(self, sentence: str) -> None:
        """This process cannot go on, and goes away: whoever waits for it finds the first reason here."""
        try:
            if self._store.check([_FAILED]):
                return
            self._store.set(_FAILED, f"Process {self._ranks.rank} of {self._ranks.size} failed: {sentence}")
        except RuntimeError:
            return  # nobody is left who would read it

    @property
    def asked_to_stop(self) -> bool:
        """Whether another process was asked to end; asks over the network, so not at every step."""
        try:
            return bool(self._store.check([_STOP]))
        except RuntimeError:
            return False

    # -- the end ------------------------------------------------------------------------------------------------------

    def end(self, last: Order) -> None:
        """Nothing more comes. The first process tells the others by a last order."""
        try:
            if self._ranks.leads and not self._store.check([_SHARD]):
                self._store.set(_SHARD, "0")  # somebody may wait for that
            if self.broken:
                self.report_failure("it could not go on.")
            elif self._ranks.leads and not self._store.check([_FAILED]):
                self.send(last)
            if not (self.broken and self._device.type == "cuda"):
                # NCCL would wait for those that do not come any more; the end of the process takes its part away.
                dist.destroy_process_group()
        except (RuntimeError, TrainingError):
            pass  # Somebody has gone already, and that was said.

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Within it other processes are waited for: where one has gone, that is said, and why as far as it is known."""
        try:
            yield
        except BaseException as error:
            self.broken = True
            if not isinstance(error, RuntimeError) or not is_of_connection(error):
                raise
            raise TrainingError(self._why_gone()) from error

    def _why_gone(self) -> str:
        try:
            if self._store.check([_FAILED]):
                return str(self._store.get(_FAILED).decode("utf-8", "replace"))
        except RuntimeError:
            pass  # The store was that of the process that has gone.
        return f"Another of the {self._ranks.size} processes has ended, so this one cannot go on."


def is_of_connection(error: RuntimeError) -> bool:
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
