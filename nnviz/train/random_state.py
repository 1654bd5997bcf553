"""A training's own stream of random numbers, on top of torch's global one.

Dropout draws from torch's global random state, which all threads of a process share. A :class:`RandomStream` keeps a
state of its own and swaps it in only while its training runs, so that neither another training nor anything else in
the process changes what is drawn, and drawing changes nothing for them.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import torch
from torch import Tensor


class _Shared:
    """Whose state torch's global one is at the moment, and what it was before anybody here touched it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.holder: RandomStream | None = None
        self.outside: dict[str, Tensor] = {}


_shared = _Shared()


class RandomStream:
    """Use it as a context manager around everything that draws; :meth:`release` it when resting.

    While one stream is held, another one waits: two trainings in one process take turns, step by step. Between two
    steps of the same training nothing is swapped, so holding costs less than a microsecond.

    Args:
        device: The device of the training; its generator is kept beside that of the CPU.
        seed: For the device's generator, and for the CPU's unless a state is given.
        state: State of the CPU's generator to go on from.
    """

    def __init__(self, device: torch.device, seed: int, state: Tensor | None = None) -> None:
        self._device = device
        self._states = {"cpu": torch.Generator().manual_seed(seed).get_state() if state is None else state.clone()}
        if device.type != "cpu":
            self._states["device"] = torch.Generator(device).manual_seed(seed).get_state()

    @classmethod
    def from_here(cls, device: torch.device) -> RandomStream:
        """A stream of its own that begins with the numbers that come next in the one that is drawn from now."""
        stream = cls(device, 0)
        with _shared.lock:
            stream.restore(_read(device))
        return stream

    def __enter__(self) -> None:
        _shared.lock.acquire()
        holder = _shared.holder
        if holder is self:
            return
        if holder is not None:
            holder.release()
        _shared.outside = _read(self._device)
        _write(self._device, self._states)
        _shared.holder = self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _shared.lock.release()

    def begin_anew(self, *of: int) -> None:
        """From here on the numbers that follow from these: the same ones give the same numbers."""
        text = " ".join(map(str, of)).encode()
        seed = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest()) >> 1
        states = {"cpu": torch.Generator().manual_seed(seed).get_state()}
        if self._device.type != "cpu":
            states["device"] = torch.Generator(self._device).manual_seed(seed).get_state()
        self.restore(states)

    def release(self) -> None:
        """Gives the global random state back to whoever had it before."""
        with _shared.lock:
            if _shared.holder is self:
                self._states = _read(self._device)
                _write(self._device, _shared.outside)
                _shared.holder = None

    @contextmanager
    def borrowed(self) -> Iterator[None]:
        """Inside, the numbers are drawn that would come next; afterwards it is as if none had been drawn."""
        with _shared.lock:
            held = _shared.holder is self
            with self:
                states = _read(self._device)
                try:
                    yield
                finally:
                    _write(self._device, states)
            if not held:
                self.release()

    def capture(self) -> dict[str, Tensor]:
        """The state now: ``cpu`` and, on a GPU, ``device``."""
        with _shared.lock:
            states = _read(self._device) if _shared.holder is self else self._states
            return {name: state.clone() for name, state in states.items()}

    def restore(self, states: dict[str, Tensor]) -> None:
        """Goes on from a captured state. One that was captured without this device leaves the device's as it is."""
        with _shared.lock:
            self._states = {**self.capture(), **{name: state.clone() for name, state in states.items()}}
            if self._device.type == "cpu":
                self._states.pop("device", None)
            if _shared.holder is self:
                _write(self._device, self._states)


def _read(device: torch.device) -> dict[str, Tensor]:
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["device"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        states["device"] = torch.mps.get_rng_state()
    return states


def _write(device: torch.device, states: dict[str, Tensor]) -> None:
    torch.set_rng_state(states["cpu"])
    if "device" in states:
        if device.type == "cuda":
            torch.cuda.set_rng_state(states["device"], device)
        elif device.type == "mps":
            torch.mps.set_rng_state(states["device"])
