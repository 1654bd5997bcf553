"""From a project and its data to the network that is trained: all that may refuse, then what is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from nnviz.data.tensors import LoadedData
from nnviz.errors import ProjectError, TooLargeError
from nnviz.network.memory import build_network, fits
from nnviz.network.network import Network
from nnviz.project.checks.memory import Estimate, Examples
from nnviz.project.checks.shapes import Inference, infer
from nnviz.project.checks.validate import problems_that_stop, validate
from nnviz.project.model import Project, TrainConfig
from nnviz.train.finite import refuse_unusable
from nnviz.train.precision import puts_channels_last
from nnviz.train.room import Room

if TYPE_CHECKING:
    from nnviz.train.distributed import Together


class Built(NamedTuple):
    """What a training begins with.

    Attributes:
        network: With its initial weights, in training mode, on the device.
        room: Says whether there is memory for copies.
        divided: Whether this process holds a part of the network's numbers alone.
    """

    network: Network
    room: Room
    divided: bool


def checked(project: Project, data: LoadedData) -> Inference:
    """The shapes in the network of a project that can be trained on this data.

    Raises:
        ProjectError: The project has errors; the message is the first of them.
        DataError: The data holds numbers that are not finite.
    """
    inference = infer(project.graph)
    problems = problems_that_stop(validate(project, data.facts, inference))
    if problems:
        raise ProjectError(problems[0].text, field=problems[0].node and f"graph.nodes.{problems[0].node}")
    if len(data.train) == 0:
        raise ProjectError("There are no training examples: hold back fewer for validation.", field="data")
    refuse_unusable(data)
    return inference


def build(
    project: Project, inference: Inference, data: LoadedData, device: torch.device, together: Together | None
) -> Built:
    """Builds the network where it is to be trained.

    Args:
        project: What to train.
        inference: What :func:`checked` found.
        data: Its data set.
        device: Where.
        together: The other processes that train with this one, which may hold parts of the network; None for none.

    Raises:
        TooLargeError: It would not fit into memory; nothing was built.
    """
    examples = Examples(len(data.train), len(data.validation), len(data.test), loaded=True)
    held = project if together is None else together.part_of(project)
    shards = None if together is None else together.shards(lambda: fits(held, inference, examples, device))
    processes = together.ranks.size if together is not None and shards is not None else 1
    try:
        network = build_network(
            held,
            device,
            inference=inference,
            examples=examples,
            processes=processes,
            place=None if shards is None else shards.place,
        )
    except TooLargeError as error:
        if processes == 1:
            raise
        raise TooLargeError(f"{error} That is the share of one of {processes} processes.") from None
    estimate = Estimate(held, inference, examples, accelerator=device.type != "cpu", processes=processes)
    # Copies of what is divided are whole, and lie in the memory of the first process's computer.
    room = Room(device if shards is None else torch.device("cpu"), estimate.reserve)
    network.train()
    if shards is None and puts_channels_last(project.training, network, device):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as torch says itself
    return Built(network, room, shards is not None)


def refuse_for_divided(config: TrainConfig) -> None:
    """Whether a network of which each process holds a part can be trained like this.

    Raises:
        ProjectError: It cannot.
    """
    if config.channels_last == "always":
        raise ProjectError(
            "Channels last are for a network that each process holds as a whole: this one is divided by rows, which "
            "torch takes in the usual order alone. Choose auto, or never.",
            field="training.channels_last",
        )
