"""Refuses a network that would not fit, with the number, before anything of it is built."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Callable

import torch
from torch import nn

from nnviz.errors import TooLargeError
from nnviz.free_memory import free_bytes
from nnviz.network.network import Network
from nnviz.project.checks.memory import Estimate, Examples, bytes_text, cure_text, shares_text, surely_fits
from nnviz.project.checks.shapes import Inference, infer
from nnviz.project.graph.bypass import effective
from nnviz.project.model import Project

#: What libraries lay out for themselves when they are first used, whatever the network is.
_FOR_LIBRARIES = 256 * 2**20


def available_bytes(device: torch.device) -> int:
    """Memory that could be had on a device now, without pushing anything out to disk."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        # What torch's allocator holds but does not use can be had as well.
        return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return free_bytes()


def roomiest_bytes() -> int:
    """Memory that a training could have on the device with the most of it: beyond that, no choice of device helps.

    Of a GPU all that it has: to ask what is free there would take some hundred megabytes on each, and keep them.
    """
    gpus = (torch.cuda.get_device_properties(torch.device("cuda", index)) for index in range(torch.cuda.device_count()))
    return max(available_bytes(torch.device("cpu")), *(int(one.total_memory) for one in gpus), 0)


def fits(project: Project, inference: Inference, examples: Examples, device: torch.device) -> bool:
    """Whether a device has the memory for the training of a network."""
    try:
        refuse_too_large(project, inference, examples, device, available_bytes(device))
    except TooLargeError:
        return False
    return True


def refuse_too_large(
    project: Project,
    inference: Inference,
    examples: Examples,
    device: torch.device,
    available: int,
    processes: int = 1,
) -> None:
    """Raises when training needs more memory than there is.

    Args:
        project: What is to be trained.
        inference: Of its graph.
        examples: What it will be trained on.
        device: Where.
        available: Bytes that it has.
        processes: Among which the numbers of the network are divided.

    Raises:
        TooLargeError: With both numbers, what takes most, and the setting that would help.
    """
    if surely_fits(project, inference, examples, available):
        return
    estimate = Estimate(project, inference, examples, accelerator=device.type != "cpu", processes=processes)
    needs = estimate.needs()
    if needs.needed <= available:
        return
    place = "the memory" if device.type == "cpu" else f"the memory of {device}"
    raise TooLargeError(
        f"Training this network with batches of {project.training.batch_size} needs about {bytes_text(needs.needed)}, "
        f"but {place} has {bytes_text(available)} left. Most of it: {shares_text(needs)}. "
        f"{cure_text(project, inference, estimate, available)}"
    )


def refuse_without_room(nbytes: int = 0) -> None:
    """Raises where not even the libraries could work that read the data and train.

    They ask for buffers of their own when they are first used, a part for each thread, and end the whole process when
    they do not get them (OpenBLAS, OpenMP): nothing can be said any more then.

    Args:
        nbytes: What is to be read beside that.

    Raises:
        TooLargeError: With what there is and what is needed.
    """
    free = available_bytes(torch.device("cpu"))
    needed = nbytes + _FOR_LIBRARIES
    if free < needed:
        what = "reading the checkpoint takes" if nbytes else "reading the data and training take at least"
        raise TooLargeError(
            f"Only {bytes_text(free)} of memory are left, but {what} {bytes_text(needed)}. Close other programs."
        )


def release_unused() -> None:
    """Gives memory that nothing uses any more back to the system, after a network was closed.

    glibc keeps what was freed: tensors of a few hundred kilobytes lie between small objects, so that each training and
    reset of digits-cnn left 7 MB behind, although no object of it lived. A caching allocator of a GPU keeps its blocks
    as well. Giving back 400 MB took 31 to 35 ms; the thread that closed the network calls it. Python's collector is not
    asked: in the window its rounds belong to the GUI thread.
    """
    if torch.cuda.is_available():
        with contextlib.suppress(RuntimeError):  # of a GPU that has failed: nothing can be given back there
            torch.cuda.empty_cache()
    if sys.platform == "linux":
        # musl has no such function, and gives back by itself.
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def build_network(
    project: Project,
    device: torch.device,
    *,
    inference: Inference | None = None,
    available: int | None = None,
    examples: Examples | None = None,
    processes: int = 1,
    place: Callable[[nn.Module], None] | None = None,
) -> Network:
    """The network of a project on a device, with its initial weights.

    Args:
        project: Graph, batch size and seed are taken from it.
        device: Where the weights are to live.
        inference: The graph's shapes, when they are known already.
        available: Bytes that may be used; by default what the device has.
        examples: What it will be trained on, as far as it needs memory yet.
        processes: Among which the numbers of the network are divided.
        place: Takes each layer as soon as it has its initial weights, and keeps what belongs on the device; by default
            the whole network goes there.

    Raises:
        TooLargeError: It would not fit; nothing was built.
        ProjectError: The graph is not a network.
    """
    project = effective(project)
    inference = infer(project.graph) if inference is None else inference
    free = available_bytes(device) if available is None else available
    refuse_too_large(project, inference, examples or Examples(), device, free, processes)
    network = Network(
        project.graph,
        inference,
        seed=project.training.seed,
        initialisation=project.training.initialisation,
        place=place,
    )
    return network.to(device) if place is None else network
