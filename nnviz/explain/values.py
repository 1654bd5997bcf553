"""What flows through a network: what each node takes and gives, and how the loss changes with each of these numbers.

The gradients are autograd's, by the chain rule: with respect to every value, to every parameter, and along every wire.
A value that several nodes use has the sum of what comes back along its wires.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn

from nnviz.data.examples import LoadedData
from nnviz.errors import InputError, ParamError, TrainingError
from nnviz.explain.at_rest import NODE, NetworkAtRest, network_at_rest
from nnviz.explain.given_input import OWN, OwnInput
from nnviz.network.losses import LossFunction, WeightedLoss
from nnviz.network.network import Network
from nnviz.project import registry
from nnviz.project.checks.shapes import inputs_of
from nnviz.project.model import Params, Pinned, usual_split
from nnviz.train.random_state import RandomStream
from nnviz.train.session import TrainingSession
from nnviz.train.training import Training

_DROPOUTS = (nn.Dropout, nn.Dropout2d)
#: Why an input of one's own has no loss.
NO_RIGHT = (
    "Nobody said what is right for your own input: it has no loss, and nothing flows back. "
    "Say it beside the drawing, where it says “It is a”; one that begins with an example keeps the class of that."
)
_CPU = torch.device("cpu")

#: Read-only.
Numbers: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Example:
    """One example of a split, by its number from 0; or an input of one's own, whose split is ``own``."""

    split: str
    index: int
    own: OwnInput | None = None


def pinned_place(data: LoadedData, pinned: Pinned) -> tuple[str, int]:
    """Split and number of the pinned example; the first of the usual split where there is none such.

    Usual is the validation split, or the training split where nothing was held back. The test set is sealed.
    """
    usual = usual_split(len(data.validation))
    split, index = pinned if isinstance(pinned, tuple) else (usual, pinned)
    if split not in ("train", "validation") or not len(data.split(split)):
        split, index = usual, 0
    return split, index if 0 <= index < len(data.split(split)) else 0


@dataclass(frozen=True, slots=True, eq=False)
class NodeValues:
    """What flows through one node. All arrays are read-only; the first dimension of values is the batch.

    Attributes:
        node: Its id.
        kind: As in the registry.
        sources: The nodes whose values it takes, in port order; none for the input.
        inputs: What it takes, port by port; for the input the example as the network sees it.
        output: What it gives.
        parameters: Its parameters by their names in the module.
        input_gradients: d loss / d value along each wire that comes in; None where nothing flows back, or no loss was
            asked for.
        output_gradient: d loss / d output: the sum of what flows back along the wires that go out; None likewise.
        parameter_gradients: d loss / d parameter; a parameter without an influence on the loss is not in it.
        settings: Its settings, as in the registry, defaults included.
        training: Whether it was in training mode.
        statistics: Its running statistics, as they were before.
        mask: Of a dropout: what each number was multiplied by; None for any other.
        module: Computes the same from the same numbers; those that it holds may have gone on since.
        device: Where it does.
        random: The random numbers that it drew; None where it drew none.
    """

    node: str
    kind: str
    sources: tuple[str, ...]
    inputs: tuple[Numbers, ...]
    output: Numbers
    parameters: Mapping[str, Numbers]
    input_gradients: tuple[Numbers | None, ...]
    output_gradient: Numbers | None
    parameter_gradients: Mapping[str, Numbers]
    settings: Params = field(default_factory=dict)
    training: bool = False
    statistics: Mapping[str, Numbers] = field(default_factory=dict)
    mask: Numbers | None = None
    module: nn.Module | None = None
    device: torch.device = _CPU
    random: RandomStream | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """What flows through a network for one batch.

    Attributes:
        step: Updates that the weights had seen.
        nodes: By node id, in the order of computation; those that were asked for.
        loss: Mean loss of the batch, weighted where its examples weigh differently; None where no targets were given.
        output_id: The network's output, whose numbers the loss is of.
        uses: Node id -> the wires that go out, as (node, port), to all nodes of the network that lead to the output.
        loss_function: What the loss of an example is computed with; None where none was given.
        targets: What is right for each of the batch, in the form of the loss: labels, or numbers shaped like the
            outputs.
        has_gradients: Whether they were asked for, and there are targets.
        losses: The loss of each example of the batch by itself, where that was asked for; ``loss`` is their mean but
            for the order in which it is summed.
        shares: float64[batch], the share that the loss of each example has in that of the batch, 1 together; None where
            all have the same.
    """

    step: int
    nodes: Mapping[str, NodeValues]
    loss: float | None = None
    output_id: str = ""
    uses: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    loss_function: LossFunction | None = None
    targets: NDArray[Any] | None = None
    has_gradients: bool = False
    losses: Numbers | None = None
    shares: NDArray[np.float64] | None = None

    @property
    def count(self) -> int:
        """Examples in the batch, as far as their values were kept."""
        return next((len(values.output) for values in self.nodes.values()), 0)


def values_of(
    network: Network,
    at_rest: NetworkAtRest,
    inputs: Tensor,
    loss_function: LossFunction | None = None,
    targets: Tensor | None = None,
    *,
    wanted: Collection[str] | None = None,
    step: int = 0,
    backwards: bool = True,
    kept: int | None = None,
    each_loss: bool = False,
) -> Values:
    """One pass forwards and, where there are targets, one back.

    Takes the memory of all nodes' values while it computes, and of the wanted ones' values, parameters and gradients
    for the answer.

    Args:
        network: What the copy was made of; nothing is computed with it.
        at_rest: The copy, in the mode that is wanted.
        inputs: ``(n, *input shape)``, on the network's device.
        loss_function: Of the loss that the gradients are of.
        targets: What is right for the batch; None leaves the gradients out.
        wanted: Of which nodes; None means all of them.
        step: Updates that the weights have seen.
        backwards: False leaves the gradients out.
        kept: Of how many examples, from the first, the answer has values and their gradients; None means all.
        each_loss: Judge each example by itself, too.
    """
    random = {node for node in network.node_ids if registry.layer(network.kind_of(node)).random}
    recorder = _Recorder(at_rest.module, random)
    backwards = backwards and loss_function is not None and targets is not None
    with torch.set_grad_enabled(backwards):
        outputs = cast(Tensor, recorder.run(inputs.detach().clone().requires_grad_(backwards)))
        loss = loss_function(outputs, targets) if loss_function is not None and targets is not None else None
    chosen = [node for node in recorder.outputs if wanted is None or node in wanted]
    gradients = {} if loss is None or not backwards else _gradients(loss, recorder, at_rest, chosen, kept)
    sources_of = {node: tuple(inputs_of(network.graph, node)) for node in chosen}
    needed = {*chosen, *(source for sources in sources_of.values() for source in sources)}
    frozen = {node: _frozen(_first(recorder.outputs[node], kept)) for node in needed}
    uses: dict[str, list[tuple[str, int]]] = {node: [] for node in chosen}
    for consumer in network.trained_ids:
        for port, source in enumerate(inputs_of(network.graph, consumer)):
            if source in uses:
                uses[source].append((consumer, port))
    found: dict[str, NodeValues] = {}
    for node, sources in sources_of.items():
        module = at_rest.module_of(node)
        parameters = dict(module.named_parameters())
        kind = network.kind_of(node)
        found[node] = NodeValues(
            node=node,
            kind=kind,
            sources=sources,
            inputs=tuple(frozen[source] for source in sources) or (frozen[node],),
            output=frozen[node],
            parameters=_sealed({name: _frozen(parameter.clone()) for name, parameter in parameters.items()}),
            input_gradients=tuple(gradients.get(id(wire)) for wire in recorder.wires[node]),
            output_gradient=gradients.get(id(recorder.outputs[node])),
            parameter_gradients=_sealed(
                {name: gradients[id(parameter)] for name, parameter in parameters.items() if id(parameter) in gradients}
            ),
            settings=registry.layer(kind).values(network.graph.nodes[node].params),
            training=module.training,
            statistics=recorder.statistics.get(node, _sealed({})),
            mask=_frozen(_first(recorder.masks[node], kept)) if node in recorder.masks else None,
            module=module,
            device=recorder.outputs[node].device,
            random=recorder.random.get(node),
        )
    encoded, losses, shares = None, None, None
    alone = loss_function  # of one example
    if isinstance(loss_function, WeightedLoss):
        alone, shares = loss_function.plain, _shares(loss_function)
    if alone is not None and targets is not None:
        if each_loss:
            losses = _losses(alone, outputs.detach(), targets)
        encoded = alone.encode(outputs, targets).detach().cpu().numpy()
        encoded.setflags(write=False)
    return Values(
        step,
        _sealed(found),
        None if loss is None else float(loss.detach()),
        network.output_id,
        _sealed({node: tuple(wires) for node, wires in uses.items()}),
        alone,
        encoded,
        backwards,
        losses,
        shares,
    )


def values_of_example(
    training: Training, example: Example, *, wanted: Collection[str] | None = None, backwards: bool = True
) -> Values:
    """What flows through a live network in evaluation mode for one example, and back from its loss.

    Call it on the thread that owns the training, or use :func:`ask_for_example`.

    Args:
        training: Of the network.
        example: Which one.
        wanted: Of which nodes; None means all of them.
        backwards: False leaves the gradients out, which is quicker.

    Raises:
        ParamError: There is no such example.
        InputError: An input of one's own is of another shape than those of this network.
    """
    if example.own is not None:
        inputs, right = _of_own(training, example.own)
        return _of_training(
            training, inputs, right, training.loss_function, wanted, training_mode=False, backwards=backwards
        )
    count = len(training.data.split(example.split))
    if not 0 <= example.index < count:
        raise ParamError(
            f"There is no example {example.index}: the {example.split} split has {count}, numbered from 0.",
            field="example",
        )
    feeder = training.feeder(example.split)
    inputs, targets = feeder.prepare([example.index]), feeder.targets_of([example.index])
    return _of_training(
        training, inputs, targets, training.loss_function, wanted, training_mode=False, backwards=backwards
    )


def own_example(own: OwnInput) -> Example:
    """An input of one's own where an example can stand."""
    return Example(OWN, 0, own)


def right_of(training: Training, example: Example) -> str:
    """What an example really is, in words; empty for an input of which nobody said it."""
    if example.own is not None:
        return example.own.label
    return training.data.describe(example.index, example.split)


def refuse_without_right(training: Training, example: Example) -> None:
    """See that an example has a loss.

    Raises:
        InputError: It is an input of one's own, and nobody said which class is right for it.
    """
    if example.own is not None and example.own.label not in training.data.facts.class_names:
        raise InputError(NO_RIGHT)


def _of_own(training: Training, own: OwnInput) -> tuple[Tensor, Tensor | None]:
    """The input as a batch of one, and its target in the form that the data set has them; None where nobody knows."""
    facts = training.data.facts
    shape = training.network.inference.results[training.network.input_id].output
    if own.numbers.shape != tuple(shape):
        raise InputError("Your own input does not fit this network, which takes inputs of another shape.")
    inputs = torch.from_numpy(np.array(own.numbers, np.float32))[None].to(training.device)
    if own.label not in facts.class_names:
        return inputs, None
    split = usual_split(len(training.data.validation))
    return inputs, torch.full_like(training.feeder(split).targets_of([0]), facts.class_names.index(own.label))


def values_of_next_batch(
    training: Training,
    *,
    wanted: Collection[str] | None = None,
    backwards: bool = True,
    kept: int | None = None,
    each_loss: bool = False,
) -> Values:
    """What the step that comes next will compute, in training mode: the same batch, the same random numbers.

    Loss and gradients are those of that step, bit for bit on the CPU; clipping and regularisers come after them. In
    mixed precision they are those of 32 bits, of which the step keeps two or three digits. The training itself does
    not notice. Call it on the thread that owns the training, or use :func:`ask_for_next_batch`.
    The arguments are those of :func:`values_of`.

    Raises:
        TrainingError: The step takes several batches, which cannot be computed as one.
    """
    if training.sees_batches_apart:
        raise TrainingError(
            f"A step of this training takes {training.config.accumulation} batches, and each goes through dropout or "
            "normalisation by itself: it cannot be taken apart. Set the accumulated batches to 1."
        )
    inputs, targets = training.coming.peek()
    return _of_training(
        training,
        inputs,
        targets,
        training.coming.loss_of_next(),
        wanted,
        training_mode=True,
        backwards=backwards,
        kept=kept,
        each_loss=each_loss,
    )


def ask_for_example(
    session: TrainingSession, example: Example, *, wanted: Collection[str] | None = None, backwards: bool = True
) -> Future[Values]:
    """:func:`values_of_example`, asked by any thread and answered between two batches."""
    return session.ask(lambda: values_of_example(session.training, example, wanted=wanted, backwards=backwards))


def ask_for_next_batch(session: TrainingSession, *, wanted: Collection[str] | None = None) -> Future[Values]:
    """:func:`values_of_next_batch`, asked by any thread and answered between two batches."""
    return session.ask(lambda: values_of_next_batch(session.training, wanted=wanted))


def _of_training(
    training: Training,
    inputs: Tensor,
    targets: Tensor | None,
    loss_function: LossFunction,
    wanted: Collection[str] | None,
    *,
    training_mode: bool,
    backwards: bool = True,
    kept: int | None = None,
    each_loss: bool = False,
) -> Values:
    # All is computed and taken out before the next batch, so the weights need no copy.
    at_rest = network_at_rest(training.network, training=training_mode, copied=False)
    with training.random.borrowed():
        return values_of(
            training.network,
            at_rest,
            inputs,
            loss_function,
            targets,
            wanted=wanted,
            step=training.step,
            backwards=backwards,
            kept=kept,
            each_loss=each_loss,
        )


class _Recorder(fx.Interpreter):
    """Keeps what goes into and comes out of every node.

    Each wire is an alias of its own of the value that it carries, so that what flows back along it stays apart.

    Attributes:
        wires: Node id -> what it took, port by port.
        outputs: Node id -> what it gave, in the order of computation.
        masks: Of each node that draws random numbers: d output / d input, number by number.
        statistics: Node id -> the running statistics before the pass.
        random: Of each node that draws random numbers: the stream that begins with them.
    """

    def __init__(self, module: fx.GraphModule, random: Collection[str]) -> None:
        super().__init__(module, garbage_collect_values=False)
        self._drawing = random
        self.wires: dict[str, tuple[Tensor, ...]] = {}
        self.outputs: dict[str, Tensor] = {}
        self.masks: dict[str, Tensor] = {}
        self.statistics: dict[str, Mapping[str, Numbers]] = {}
        self.random: dict[str, RandomStream] = {}

    def run_node(self, n: fx.Node) -> Any:
        """One node of the graph."""
        if n.op != "call_module":
            return super().run_node(n)
        values, _ = self.fetch_args_kwargs_from_env(n)
        wires = tuple(value.view_as(value) for value in values)
        node = n.meta[NODE]
        module = self.submodules[str(n.target)]
        buffers = {name: _frozen(buffer.clone()) for name, buffer in module.named_buffers()}
        if buffers:
            self.statistics[node] = _sealed(buffers)
        if node in self._drawing and module.training:
            self.random[node] = RandomStream.from_here(wires[0].device)
        output = module(*wires) if not isinstance(module, _DROPOUTS) else self._masked(node, module, wires[0])
        self.wires[node] = wires
        # A module that passes on what it got has an output of its own nevertheless.
        self.outputs[node] = output.view_as(output) if any(output is wire for wire in wires) else output
        return self.outputs[node]

    def _masked(self, node: str, module: nn.Module, value: Tensor) -> Tensor:
        """What a dropout gives; what it multiplies with is the slope of that, which is 1 / (1 − p) or 0."""
        with torch.enable_grad():
            free = value if value.requires_grad else value.detach().requires_grad_()
            output = cast(Tensor, module(free))
            (self.masks[node],) = torch.autograd.grad(output, free, torch.ones_like(output), retain_graph=True)
        return output if value.requires_grad else output.detach()


def _gradients(
    loss: Tensor, recorder: _Recorder, at_rest: NetworkAtRest, chosen: Collection[str], kept: int | None
) -> dict[int, Numbers]:
    """The gradients with respect to all that belongs to these nodes, by the id of the tensor."""
    tensors: list[Tensor] = []
    parameters: set[int] = set()
    for node in chosen:
        own = tuple(at_rest.module_of(node).parameters())
        parameters.update(map(id, own))
        tensors += [recorder.outputs[node], *recorder.wires[node], *own]
    free = [tensor for tensor in tensors if tensor.requires_grad]
    found = torch.autograd.grad(loss, free, allow_unused=True) if free else ()
    return {
        id(tensor): _frozen(gradient if id(tensor) in parameters else _first(gradient, kept))
        for tensor, gradient in zip(free, found, strict=True)
        if gradient is not None
    }


def _first(tensor: Tensor, kept: int | None) -> Tensor:
    """The first examples of a batch, without the memory of the others."""
    return tensor if kept is None or kept >= len(tensor) else tensor[:kept].clone()


def _losses(loss_function: LossFunction, outputs: Tensor, targets: Tensor) -> Numbers:
    """Of each example by itself."""
    each = [loss_function(outputs[at : at + 1], targets[at : at + 1]) for at in range(len(outputs))]
    return _frozen(torch.stack(each))


def _shares(loss_function: WeightedLoss) -> NDArray[np.float64]:
    """What share of the loss of its batch that of each example has."""
    weights: NDArray[np.float64] = loss_function.weights.double().cpu().numpy()
    total = weights.sum()
    shares = weights / total if total else weights
    shares.setflags(write=False)
    return shares


def _frozen(tensor: Tensor) -> Numbers:
    numbers: Numbers = tensor.detach().float().cpu().numpy()
    numbers.setflags(write=False)
    return numbers


def _sealed(values: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(values))
