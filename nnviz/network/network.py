"""The torch module that a graph describes: one submodule a node, run from a plan that is made once.

The plan is a tuple of (module, input slots, output slot, slots to let go): no lookup, no sorting and no branching on
kinds while training. A slot is used again as soon as its value is not needed any more, so an intermediate output lives
no longer than it has to. A plain chain takes an even shorter road, the loop of ``nn.Sequential``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias, cast

import msgspec
import torch
from torch import Tensor, nn

from nnviz.errors import ProjectError
from nnviz.network.builders import build_layer, set_live
from nnviz.network.initialise import USUAL as USUAL_INITIALISATION
from nnviz.network.initialise import initialise
from nnviz.project import registry
from nnviz.project.checks.shapes import Inference, infer, inputs_of
from nnviz.project.model import Choice, Graph, ParamValue

#: (module, input slots, output slot, slots that are not needed afterwards)
_PlanStep: TypeAlias = tuple[nn.Module, tuple[int, ...], int, tuple[int, ...]]
#: Shown what a node puts out for a batch, while it passes; it must not change it, nor keep it.
Watcher: TypeAlias = Callable[[Tensor], None]


@dataclass(frozen=True)
class _Layer:
    """A node of the graph together with what feeds it, in topological order."""

    node: str
    kind: str
    sources: tuple[str, ...]
    module: nn.Module


class Network(nn.Module):
    """A graph as a torch module.

    Every node has a submodule named by its id, so the state dict, the series and the canvas speak of the same things.
    An id that is an attribute of ``nn.Module`` or of this class (``train``, ``random_state``) gets the prefix ``node_``
    there; ask :meth:`module_of` rather than guess. Input and output are ``nn.Identity`` and are not called by
    :meth:`forward`.

    Parts of the graph that do not lead to the output are built but not computed while training.

    Args:
        graph: The network as drawn.
        inference: Its shapes, when they are known already.
        seed: Fixes the initial weights; they are the same on every device.
        initialisation: How the weights of the layers start that do not say it themselves.
        place: Takes each layer once its weights are written, before the next one is built.

    Attributes:
        graph: The part of the graph that was built: a card that is not wired in yet is in no network.
        inference: As given.
        input_id, output_id: The ids of its input and its output.
        random_state: State of the random numbers after the initial weights were drawn, where dropout goes on.
        switched_off: The numbers of the units that put out 0 because somebody switched them off, by node.

    Raises:
        ProjectError: The graph has no input or no output, or a layer's sizes do not fit.
    """

    def __init__(
        self,
        graph: Graph,
        inference: Inference | None = None,
        *,
        seed: int = 0,
        initialisation: Choice = USUAL_INITIALISATION,
        place: Callable[[nn.Module], None] | None = None,
    ) -> None:
        super().__init__()
        inference = infer(graph) if inference is None else inference
        self.graph = graph
        self.inference = inference
        self.input_id = _only_node(graph, "input")
        self.output_id = _only_node(graph, "output")
        # Every attribute is there before the first node is: a node may bear the name of any of them.
        self._names: dict[str, str] = {}
        self.random_state = torch.empty(0, dtype=torch.uint8)
        self._layers: tuple[_Layer, ...] = ()
        self._plan: tuple[_PlanStep, ...] = ()
        self._slots = self._output_slot = 0
        self._chain: tuple[nn.Module, ...] | None = None
        self._planned_ids: tuple[str, ...] = ()  # of the plan, step by step
        self._watchers: Mapping[str, Watcher] | None = None
        self.switched_off: Mapping[str, frozenset[int]] = {}
        self._layers = self._build_layers(seed, initialisation, place)
        self.graph = _only_built(graph, self._names)
        self._plan, self._slots, self._output_slot = self._compile()
        self._chain = self._compile_chain()

    # -- asking -------------------------------------------------------------------------------------------------------

    @property
    def node_ids(self) -> tuple[str, ...]:
        """Every node that was built, in topological order."""
        return tuple(layer.node for layer in self._layers)

    def module_of(self, node_id: str) -> nn.Module:
        """The submodule of a node.

        Raises:
            KeyError: There is no such node in this network.
        """
        return cast(nn.Module, getattr(self, self._names[node_id]))

    def module_name(self, node_id: str) -> str:
        """The name of a node's submodule: its prefix in the state dict."""
        return self._names[node_id]

    @property
    def trained_ids(self) -> tuple[str, ...]:
        """The nodes that lead to the output, in topological order: the others are not computed while training."""
        needed = self._ancestors({self.output_id})
        return tuple(layer.node for layer in self._layers if layer.node in needed)

    def kind_of(self, node_id: str) -> str:
        """The kind of a node, as in the registry."""
        return self.graph.nodes[node_id].kind

    def name_of(self, node_id: str) -> str:
        """What a node is called on the screen."""
        return self.graph.nodes[node_id].name or node_id

    @property
    def draws_random_numbers(self) -> bool:
        """Whether a forward pass in training mode consumes the global random state (dropout)."""
        return any(registry.layer(layer.kind).random for layer in self._layers)

    @property
    def chain(self) -> tuple[nn.Module, ...] | None:
        """What a forward pass calls, in order, where each takes only what the one before it made; else None."""
        return self._chain

    @property
    def planned_ids(self) -> tuple[str, ...]:
        """The nodes that a forward pass calls, in order; those of :attr:`chain` where there is one."""
        return self._planned_ids

    @property
    def watchers(self) -> Mapping[str, Watcher] | None:
        """Who is shown what passes just now, see :meth:`watched`."""
        return self._watchers

    def set_live(self, node_id: str, name: str, value: ParamValue) -> None:
        """Another value of a setting that its declaration calls live: it holds from the next forward pass on.

        Raises:
            KeyError: There is no such node in this network.
        """
        module, node = self.module_of(node_id), self.graph.nodes[node_id]
        set_live(module, node.kind, name, value)
        changed = msgspec.structs.replace(node, params={**node.params, name: value})
        self.graph = msgspec.structs.replace(self.graph, nodes={**self.graph.nodes, node_id: changed})

    # -- computing ----------------------------------------------------------------------------------------------------

    @contextmanager
    def watched(self, watchers: Mapping[str, Watcher]) -> Iterator[None]:
        """Inside, each forward pass shows these nodes' outputs to their watchers, as soon as they are made.

        The outputs are those that training computes, so nothing is computed twice. Where a training takes a shorter
        way than :meth:`forward` (:class:`~nnviz.network.chain.DenseChain`), it shows them the same.
        """
        self._watchers = watchers
        try:
            yield
        finally:
            self._watchers = None

    def forward(self, x: Tensor) -> Tensor:
        """The output for a batch: ``(n, *input shape)`` -> ``(n, *output shape)``."""
        if self._watchers is not None:
            return self._forward_watched(x, self._watchers)
        if self._chain is not None:
            for module in self._chain:
                x = module(x)
            return x
        values: list[Tensor | None] = [None] * self._slots
        values[0] = x
        del x
        for module, sources, target, finished in self._plan:
            if len(sources) == 1:
                result = module(values[sources[0]])
            else:
                result = module(*[values[source] for source in sources])
            for slot in finished:
                values[slot] = None
            values[target] = result
        return cast(Tensor, values[self._output_slot])

    def _forward_watched(self, x: Tensor, watchers: Mapping[str, Watcher]) -> Tensor:
        """The same along the plan, which a chain has as well."""
        values: list[Tensor | None] = [None] * self._slots
        values[0] = x
        del x
        for node, (module, sources, target, finished) in zip(self._planned_ids, self._plan, strict=True):
            result = module(*[values[source] for source in sources])
            watcher = watchers.get(node)
            if watcher is not None:
                watcher(result.detach().float())  # in mixed precision it is of narrow numbers
            for slot in finished:
                values[slot] = None
            values[target] = result
        return cast(Tensor, values[self._output_slot])

    def forward_all(self, x: Tensor, wanted: Collection[str] | None = None) -> dict[str, Tensor]:
        """The outputs of many nodes for one batch, also of those that do not lead to the output.

        Args:
            x: ``(n, *input shape)``.
            wanted: Which nodes; None means all of them. Nodes that nobody wants and nobody needs are not computed.

        Returns:
            Node id -> output, in topological order.
        """
        needed = self._ancestors(set(self._names) if wanted is None else set(wanted) & set(self._names))
        values: dict[str, Tensor] = {}
        for layer in self._layers:
            if layer.node not in needed:
                continue
            if layer.node == self.input_id:
                values[layer.node] = x
            else:
                values[layer.node] = layer.module(*[values[source] for source in layer.sources])
        return {node: value for node, value in values.items() if wanted is None or node in wanted}

    # -- building -----------------------------------------------------------------------------------------------------

    def _build_layers(
        self, seed: int, initialisation: Choice, place: Callable[[nn.Module], None] | None
    ) -> tuple[_Layer, ...]:
        """Makes the submodules in topological order and writes their weights."""
        generator = torch.Generator().manual_seed(seed)
        own_attributes = frozenset(dir(self))
        layers = []
        for node_id in self.inference.order:
            node = self.graph.nodes[node_id]
            if node_id not in self.inference.results:
                continue
            sources = tuple(inputs_of(self.graph, node_id))
            spec = registry.layer(node.kind)
            values = spec.values(node.params)
            shapes = [self.inference.results[source].output for source in sources]
            # Built without memory first: torch would draw its own weights from the global random state.
            with torch.device("meta"):
                module = build_layer(spec.kind, values, shapes)
            # As to_empty does it; but that way torch imports its symbolic shapes first, which takes half a second.
            module = module._apply(_without_values)  # type: ignore[no-untyped-call]  # torch leaves it unannotated
            initialise(module, values, generator, where=f"graph.nodes.{node_id}.params", usual=initialisation)
            if place is not None:
                place(module)
            name = f"node_{node_id}" if node_id in own_attributes else node_id
            while name in self._names.values():
                name = f"node_{name}"
            self._names[node_id] = name
            self.add_module(name, module)
            layers.append(_Layer(node_id, spec.kind, sources, module))
        self.random_state = generator.get_state()
        if self.output_id not in self._names:
            for node_id, problem in self.inference.problems.items():
                raise ProjectError(str(problem), field=f"graph.nodes.{node_id}")
            raise ProjectError("The output is not reached from the input.", field=f"graph.nodes.{self.output_id}")
        return tuple(layers)

    def _ancestors(self, nodes: Collection[str]) -> set[str]:
        """These nodes and everything they are computed from."""
        needed = set(nodes)
        for layer in reversed(self._layers):
            if layer.node in needed:
                needed.update(layer.sources)
        return needed

    def _compile(self) -> tuple[tuple[_PlanStep, ...], int, int]:
        """Assigns slots: each value gets one, and gives it back after its last use."""
        needed = self._ancestors({self.output_id})
        layers = [layer for layer in self._layers if layer.node in needed]
        last_use: dict[str, int] = {}
        for index, layer in enumerate(layers):
            for source in layer.sources:
                last_use[self._alias(source)] = index
        last_use[self._alias(self.output_id)] = len(layers)
        slot_of: dict[str, int] = {self.input_id: 0}
        free: list[int] = []
        slots = 1
        plan: list[_PlanStep] = []
        planned: list[str] = []
        for index, layer in enumerate(layers):
            if layer.node in (self.input_id, self.output_id):
                continue
            inputs = tuple(slot_of[self._alias(source)] for source in layer.sources)
            sources = dict.fromkeys(self._alias(source) for source in layer.sources)
            finished = [slot_of[source] for source in sources if last_use[source] == index]
            free.extend(finished)
            if free:
                target = free.pop()
            else:
                target = slots
                slots += 1
            slot_of[layer.node] = target
            plan.append((layer.module, inputs, target, tuple(slot for slot in finished if slot != target)))
            planned.append(layer.node)
        self._planned_ids = tuple(planned)
        return tuple(plan), slots, slot_of[self._alias(self.output_id)]

    def _alias(self, node_id: str) -> str:
        """The node whose value this is: the output passes on what it gets."""
        if node_id != self.output_id:
            return node_id
        return next(layer.sources[0] for layer in self._layers if layer.node == node_id)

    def _compile_chain(self) -> tuple[nn.Module, ...] | None:
        """The modules in order when each takes only what the one before it made; None otherwise."""
        previous = 0
        for _, sources, target, _ in self._plan:
            if sources != (previous,):
                return None
            previous = target
        return tuple(module for module, _, _, _ in self._plan) if previous == self._output_slot else None


def _without_values(made: Tensor) -> Tensor:
    """Memory for a tensor that has none yet."""
    return torch.empty(made.shape, dtype=made.dtype)


def _only_built(graph: Graph, built: Collection[str]) -> Graph:
    """The graph without the nodes that nothing flows through; the graph itself where there are none."""
    if len(built) == len(graph.nodes):
        return graph
    nodes = {node_id: node for node_id, node in graph.nodes.items() if node_id in built}
    edges = tuple(edge for edge in graph.edges if edge.source.node in nodes and edge.target.node in nodes)
    return msgspec.structs.replace(graph, nodes=nodes, edges=edges)


def _only_node(graph: Graph, kind: str) -> str:
    """The id of the one node of this kind."""
    found = [node.id for node in graph.nodes.values() if node.kind == kind]
    if len(found) != 1:
        problem = f"has no {kind}" if not found else f"has {len(found)} nodes of the kind {kind}"
        raise ProjectError(f"The network {problem}; it needs exactly one.", field="graph.nodes")
    return found[0]
