"""A live network as a plain module: the same weights, and every node's module is called.

While it trains, a network takes short ways: a chain of dense layers is computed without calling any of its modules
(``network/chain.py``), input and output are passed over, and what does not lead to the output is left out. Whoever puts
a hook on a live module, or traces the live network, sees little or nothing; whoever changes its mode, its gradients or
its statistics disturbs the training. Here is what may be hooked, traced, differentiated and switched at will.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor, fx, nn

from nnviz.network.network import Network
from nnviz.project.checks.shapes import inputs_of

#: Under this key the ``meta`` of a node of the fx graph holds the id of the node of ours.
NODE = "nnviz_node"
#: What a node's submodule cannot be called in a GraphModule.
_RESERVED = frozenset(dir(fx.GraphModule(nn.Module(), fx.Graph())))


@dataclass(frozen=True, slots=True, eq=False)
class NetworkAtRest:
    """A copy of a network that computes the same and calls every module. Belongs to whoever asked for it.

    Attributes:
        module: ``(n, *input shape)`` -> ``(n, *output shape)``. Its graph has one ``call_module`` a node, Input and
            Output among them. It can be given to ``torch.fx.Interpreter``, to ``ShapeProp``, and to whatever takes an
            ``nn.Module``. ``torch.fx.symbolic_trace`` need not be called, and would see less: it looks into modules
            that are not torch's own (joins) and writes down what they do in their place.
        names: Node id -> name of its submodule: the same as in the live network, but where a GraphModule has an
            attribute of that name, which gets ``node_`` before it.
    """

    module: fx.GraphModule
    names: Mapping[str, str]

    def __call__(self, inputs: Tensor) -> Tensor:
        """The output for a batch."""
        return cast(Tensor, self.module(inputs))

    def module_of(self, node_id: str) -> nn.Module:
        """The submodule of a node.

        Raises:
            KeyError: There is no such node in this network.
        """
        return self.module.get_submodule(self.names[node_id])


def network_at_rest(network: Network, *, training: bool = False, copied: bool = True) -> NetworkAtRest:
    """A copy of a network to be looked into; nothing that is done with it reaches the live one.

    It has gradients, mode, hooks and running statistics of its own. What leads to the output is computed first and in
    the order of the live network, so that in training mode dropout draws the same numbers; the rest comes after it.

    Call it on the thread that owns the network (``TrainingSession.ask``).

    Args:
        network: The live one.
        training: Its mode: training (dropout, statistics of the batch) or evaluation.
        copied: False shares the memory of the weights with the live network, and so costs nothing and holds only until
            the next batch is trained: for whoever is done before that and writes no weight. Statistics are always
            copied.
    """
    own = {id(parameter): _parameter(parameter, copied) for parameter in network.parameters()}
    graph = fx.Graph()
    values: dict[str, fx.Node] = {}
    modules: dict[str, Any] = {}
    names: dict[str, str] = {}
    inputs = graph.placeholder("inputs")
    trained = network.trained_ids
    for node_id in (*trained, *(node for node in network.node_ids if node not in set(trained))):
        name = network.module_name(node_id)
        while name in _RESERVED or name in modules:
            name = f"node_{name}"
        # The parameters are there already, so that neither they nor their gradients are copied another time.
        modules[name] = copy.deepcopy(network.module_of(node_id), dict(own))
        sources = tuple(values[source] for source in inputs_of(network.graph, node_id)) or (inputs,)
        values[node_id] = graph.call_module(name, sources)
        values[node_id].meta[NODE] = node_id
        names[node_id] = name
    graph.output(values[network.output_id])
    module = fx.GraphModule(modules, graph, class_name="NetworkAtRest")
    module.train(training)
    return NetworkAtRest(module, names)


def _parameter(parameter: nn.Parameter, copied: bool) -> nn.Parameter:
    numbers = parameter.detach()
    return nn.Parameter(numbers.clone() if copied else numbers, requires_grad=parameter.requires_grad)
