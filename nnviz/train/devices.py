"""Where the training runs: choosing a device, naming it, waiting for it, warming it up."""

from __future__ import annotations

import math
import platform
import re
from functools import cache
from pathlib import Path

import torch
from torch import nn

from nnviz.errors import ParamError
from nnviz.train.cores import granted_cores
from nnviz.train.uncompiled import spare_the_compiler, step_alone

#: Below this many multiply-accumulate operations a batch, one thread is faster than two (measured: mlp-50 and mlp-5x50,
#: 6 million, up to five times; mlp-500, 50 million, about the same).
_WORTH_THREADS = 2**25


def resolve(name: str = "auto") -> torch.device:
    """The device that a project or the command line names.

    Args:
        name: ``auto`` (CUDA, else MPS, else CPU), ``cpu``, ``cuda``, ``cuda:1``, ``mps``.

    Raises:
        ParamError: The name is unknown, or this computer has no such device.
    """
    wanted = name.strip().lower()
    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    if wanted == "cpu":
        return torch.device("cpu")
    if wanted == "mps":
        if not torch.backends.mps.is_available():
            raise ParamError(
                "This computer has no Apple GPU that torch can use: choose auto or cpu.", field="training.device"
            )
        return torch.device("mps")
    match = re.fullmatch(r"cuda(?::(\d{1,3}))?", wanted)
    if match is None:
        raise ParamError(f"'{name}' is no device: choose auto, cpu, cuda, cuda:1 … or mps.", field="training.device")
    if not torch.cuda.is_available():
        reason = "torch was installed without CUDA" if torch.version.cuda is None else "torch finds no NVIDIA GPU"
        raise ParamError(f"The device {wanted} cannot be used: {reason}. Choose auto or cpu.", field="training.device")
    count = torch.cuda.device_count()
    index = torch.cuda.current_device() if match[1] is None else int(match[1])
    if index >= count:
        known = "cuda:0" if count == 1 else f"cuda:0 to cuda:{count - 1}"
        raise ParamError(f"There is no {wanted}: this computer has {known}.", field="training.device")
    return torch.device("cuda", index)


def describe(device: torch.device) -> str:
    """A device in words for a tooltip: ``cuda:0, NVIDIA RTX 4090, 24 GB``."""
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return f"{device}, {properties.name}, {properties.total_memory / 1e9:.0f} GB"
    if device.type == "mps":
        return "mps, Apple GPU"
    threads = torch.get_num_threads()
    return f"cpu, {_processor_name()}, {threads} thread{'' if threads == 1 else 's'}"


def synchronise(device: torch.device) -> None:
    """Waits until the device has done all it was given; nothing to wait for on the CPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def warm_up(device: torch.device | None = None) -> None:
    """One training step of a tiny network, so that the first real one does not stall.

    The first convolution, backward pass and optimizer step of a process load kernels and start threads, 140 ms and
    more. The random state is left as it was. Call it on the thread that is going to train.
    """
    device = torch.device("cpu") if device is None else device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        network = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.5), nn.Linear(4 * 9, 10)
        ).to(device)
        spare_the_compiler()
        optimizer = torch.optim.Adam(network.parameters())
        loss = nn.functional.cross_entropy(
            network(torch.zeros(16, 1, 8, 8, device=device)), torch.zeros(16, dtype=torch.long, device=device)
        )
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        step_alone(optimizer)
    synchronise(device)


def fit_threads(work: float = math.inf) -> None:
    """Uses as many threads as are of use, and no more than this process may have.

    torch counts the cores of the machine; in a container that is granted two of sixty-four it would start sixty-four
    threads that wait for each other. And it wakes them for the smallest sum: a step of mlp-50 takes three times as
    long with two threads as with one.

    Args:
        work: Multiply-accumulate operations of a batch's forward pass.
    """
    wanted = 1 if work < _WORTH_THREADS else _all_threads()
    if torch.get_num_threads() != wanted:
        torch.set_num_threads(wanted)


def fills_cores(device: torch.device) -> bool:
    """Whether what is computed there takes several threads, and all cores that this process may use."""
    return device.type == "cpu" and 1 < torch.get_num_threads() >= granted_cores()


@cache
def _all_threads() -> int:
    """As many as torch, or whoever set OMP_NUM_THREADS, chose at first, and as this process may use."""
    return min(torch.get_num_threads(), granted_cores())


def _processor_name() -> str:
    """The name of the processor, or at least its architecture."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # Not Linux.
    return platform.processor() or platform.machine()
