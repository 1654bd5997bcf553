"""Refuses a network that would not fit, with the number, before anything of it is built."""

from __future__ import annotations

from pathlib import Path

import psutil
import torch

from nnviz.errors import TooLargeError
from nnviz.network.network import Network
from nnviz.project.bypass import effective
from nnviz.project.memory import bytes_text, estimate_bytes
from nnviz.project.model import Project
from nnviz.project.shapes import Inference, infer


def available_bytes(device: torch.device) -> int:
    """Memory that could be had on a device now, without pushing anything out to disk."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        # What torch's allocator holds but does not use can be had as well.
        return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return min(int(psutil.virtual_memory().available), _container_limit())


def roomiest_bytes() -> int:
    """Memory that a training could have on the device with the most of it: beyond that, no choice of device helps."""
    names = ["cpu"] + [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    return max(available_bytes(torch.device(name)) for name in names)


def refuse_too_large(needed: int, available: int, device: torch.device, batch_size: int) -> None:
    """Raises when training needs more memory than there is.

    Raises:
        TooLargeError: With both numbers and what would help.
    """
    if needed <= available:
        return
    place = "the memory" if device.type == "cpu" else f"the memory of {device}"
    raise TooLargeError(
        f"Training this network with batches of {batch_size} needs about {bytes_text(needed)}, but {place} has "
        f"{bytes_text(available)} left. Make the largest layer or the batch smaller."
    )


def build_network(
    project: Project,
    device: torch.device,
    *,
    inference: Inference | None = None,
    available: int | None = None,
) -> Network:
    """The network of a project on a device, with its initial weights.

    Args:
        project: Graph, batch size and seed are taken from it.
        device: Where the weights are to live.
        inference: The graph's shapes, when they are known already.
        available: Bytes that may be used; by default what the device has.

    Raises:
        TooLargeError: It would not fit; nothing was built.
        ProjectError: The graph is not a network.
    """
    project = effective(project)
    inference = infer(project.graph) if inference is None else inference
    batch_size = project.training.batch_size
    needed = estimate_bytes(project, inference, batch_size)
    refuse_too_large(needed, available_bytes(device) if available is None else available, device, batch_size)
    network = Network(project.graph, inference, seed=project.training.seed)
    return network.to(device)


#: Files of a control group, newest kind first: its limit, what it uses, and of what that consists.
_CONTROL_GROUPS = (
    ("memory.max", "memory.current", "memory.stat"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat"),
)


def _container_limit(root: Path = Path("/sys/fs/cgroup")) -> int:
    """What the control group of this process (a container, a job) has left; a huge number where there is no limit.

    Pages that only cache files are given back when they are needed, so they count as free.
    """
    for limit_file, used_file, parts_file in _CONTROL_GROUPS:
        try:
            limit = int((root / limit_file).read_text())
            used = int((root / used_file).read_text())
            parts = dict(line.split() for line in (root / parts_file).read_text().splitlines())
        except (OSError, ValueError):
            continue  # Another kind of control groups, "max" for no limit, or not Linux.
        cached = int(parts.get("inactive_file", 0)) + int(parts.get("active_file", 0))
        return max(0, limit - max(0, used - cached))
    return 1 << 62
