"""Numbers that are no longer finite: noticed at each step, without making the device wait.

On the CPU a loss is there as soon as it is computed: it is looked at before the update, which is then left out, so that
no weight is ever spoilt. A GPU is still computing it when the next step is handed over: each loss is copied to the host
beside the computation, and what was copied is looked at before the step after the next, so a training goes at most one
update too far.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import torch
from torch import Tensor

from nnviz.data.streamed import Inputs, extremes
from nnviz.data.tensors import LoadedData, Scaler, Split
from nnviz.errors import DataError


def all_finite(tensors: Iterable[Tensor]) -> bool:
    """Whether no tensor holds an infinite number or NaN; whole numbers always are finite. Waits for the device."""
    return all(is_finite(tensor) for tensor in tensors)


def is_finite(tensor: Tensor) -> bool:
    """Whether a tensor holds neither an infinite number nor NaN; waits for the device."""
    if not tensor.numel() or not tensor.is_floating_point():
        return True
    # One pass without a mask as large as the tensor; NaN stays NaN in both.
    low, high = torch.aminmax(tensor.detach())
    return math.isfinite(float(low)) and math.isfinite(float(high))


def what_is_wrong(tensor: Tensor) -> str:
    """``not a number`` or ``infinite``, for a tensor that is not finite."""
    return "not a number" if bool(torch.isnan(tensor).any()) else "infinite"


class Slot(Protocol):
    """One number on its way from the device to the host."""

    def send(self, value: Tensor) -> None:
        """Begins to copy; nothing waits."""

    def arrived(self) -> bool:
        """Whether it is there."""

    def receive(self) -> float:
        """The number; waits for it where it must."""


class LossWatch:
    """Looks at the loss of every step.

    Args:
        device: Where the losses are computed.
        slot: Makes what carries a number from the device; None chooses by the device. Where there is nothing that
            carries it without waiting (MPS), only :meth:`is_spoilt` and whoever fetches the losses tell.
    """

    def __init__(self, device: torch.device, slot: Callable[[], Slot] | None = None) -> None:
        if slot is None and device.type == "cuda":
            slot = lambda: _PinnedSlot(device)  # noqa: E731 - a class for one line helps nobody
        #: Whether a loss can be read where it is computed without waiting for anything.
        self.at_once = slot is None and device.type == "cpu"
        self._free: deque[Slot] = deque() if slot is None else deque((slot(), slot()))
        self._sent: deque[tuple[int, Slot]] = deque()

    def is_spoilt(self, loss: Tensor) -> bool:
        """Whether the update that belongs to this loss must not be made; False where that is not known yet."""
        return self.at_once and not math.isfinite(loss.item())

    def send(self, step: int, loss: Tensor) -> None:
        """The step has been handed to the device."""
        if self._free:
            slot = self._free.popleft()
            slot.send(loss)
            self._sent.append((step, slot))

    def first_spoilt(self, step: int) -> int | None:
        """Before this step is handed over: the first step whose loss is not finite, as far as is known by now.

        It waits for no other loss than that of the step before the last, while the device has the last one to compute.
        """
        while self._sent:
            sent, slot = self._sent[0]
            if sent > step - 2 and not slot.arrived():
                return None
            value = slot.receive()
            self._free.append(self._sent.popleft()[1])
            if not math.isfinite(value):
                return sent
        return None

    def forget(self) -> None:
        """Training goes on from elsewhere: what is on its way belongs to nothing any more."""
        while self._sent:
            self._sent[0][1].receive()  # so that the slot is free to be written to
            self._free.append(self._sent.popleft()[1])


class _PinnedSlot:
    """Memory of the host that a GPU writes to by itself, and the mark behind the copy in the GPU's queue."""

    def __init__(self, device: torch.device) -> None:
        self._number = torch.empty((), dtype=torch.float32, pin_memory=True)
        self._device = device
        self._copied: Any = torch.cuda.Event()  # type: ignore[no-untyped-call]  # torch leaves it without annotations

    def send(self, value: Tensor) -> None:
        """Begins to copy."""
        self._number.copy_(value, non_blocking=True)
        self._copied.record(torch.cuda.current_stream(self._device))

    def arrived(self) -> bool:
        """Whether the GPU has come past the mark."""
        return bool(self._copied.query())

    def receive(self) -> float:
        """The number; the GPU goes on with what is behind the mark meanwhile."""
        self._copied.synchronize()
        return self._number.item()


def refuse_unusable(data: LoadedData) -> None:
    """Raises DataError, naming split and example, where the data itself is not finite: no training can mend that.

    Looks at what the network would see, so at the scaled numbers.
    """
    seen: list[Split] = []
    for name, split in (("training", data.train), ("validation", data.validation), ("test", data.test)):
        if any(split is one for one in seen):
            continue
        seen.append(split)
        for what, tensor, scaler in (("inputs", split.inputs, data.scaler), ("targets", split.targets, None)):
            if not _usable(_telling(tensor), scaler):
                raise DataError(_where(name, what, _telling(tensor)), field="data")


def _telling(inputs: Inputs) -> Tensor:
    """What tells whether inputs are of use: of streamed numbers their ends, of streamed bytes any; else all of them."""
    if isinstance(inputs, Tensor):
        return inputs
    return extremes(inputs) if len(inputs) and inputs.is_floating_point() else inputs[:1]


def _usable(tensor: Tensor, scaler: Scaler | None) -> bool:
    if not is_finite(tensor):
        return False
    if scaler is None or not len(tensor):
        return True
    if not all(is_finite(number) for number in scaler.numbers):
        return False
    if not tensor.is_floating_point():
        return True
    # Scaling keeps the order, so the extremes tell of all.
    low, high = torch.aminmax(tensor, dim=0)
    return is_finite(scaler.apply(torch.stack((low, high))))


def _where(split: str, what: str, tensor: Tensor) -> str:
    bad = ~torch.isfinite(tensor.float())
    if not bool(bad.any()):
        scaled = "their numbers are too far apart for 32-bit arithmetic"
        return f"The {what} of the {split} data cannot be used: once they are scaled {scaled}."
    examples = bad.flatten(1).any(1) if bad.dim() > 1 else bad
    first = int(examples.nonzero()[0])
    place = ""
    if tensor.dim() == 2 and tensor.shape[1] > 1:
        noun = "feature" if what == "inputs" else "number"
        place = f", {noun} {int(bad[first].nonzero()[0]) + 1}"
    return (
        f"The {what} of the {split} data are not all finite numbers: {int(examples.sum())} of {len(tensor)} examples "
        f"hold NaN or infinity, the first is number {first + 1}{place}."
    )
