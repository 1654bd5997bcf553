"""What a training takes on while it goes on, beside its learning rate, its goal and its curation. No torch.

One frozen value, :class:`LiveSettings`, holds how it is just now. A training keeps which of them held from which step
on, so that going back makes every step with the settings that it was made with.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from nnviz.errors import NnvizError
from nnviz.project import registry, settings
from nnviz.project.graph.bypass import effective_graph
from nnviz.project.model import Choice, Graph, Node, ParamValue, Project
from nnviz.project.spec import ParamSpec

#: It is planned for itself: a schedule multiplies it.
_RATE = "learning_rate"


class LayerSetting(NamedTuple):
    """One setting of a layer that can be changed while it trains: the node's id, the parameter's name, the value."""

    node: str
    name: str
    value: ParamValue


class Changed(NamedTuple):
    """One setting that is another than before.

    Attributes:
        field: Its path, as in messages about files.
        text: What it is called, what it was and what it is: ``Momentum: 0.9 → 0.5``.
        node: The layer that it belongs to; empty for the training.
    """

    field: str
    text: str
    node: str = ""


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """What holds for a step.

    Attributes:
        optimizer: Its settings beside the learning rate, by name, defaults included, in their declared order.
        layers: The settings of layers whose declaration says that they are live.
        frozen: The nodes whose parameters are left as they are.
        batch_size: Examples in a batch; one that is changed holds from the next epoch on.
    """

    optimizer: tuple[tuple[str, ParamValue], ...] = ()
    layers: tuple[LayerSetting, ...] = ()
    frozen: frozenset[str] = frozenset()
    batch_size: int = 1

    @classmethod
    def of(cls, project: Project) -> LiveSettings:
        """What a project asks for.

        Raises:
            NnvizError: A setting is not allowed.
        """
        graph = effective_graph(project.graph)
        layers = [setting for node in graph.nodes.values() for setting in _of_layer(node)]
        config = project.training
        return cls(_of_optimizer(config.optimizer), tuple(layers), _frozen(graph), config.batch_size)

    def following(self, opened: Project, project: Project) -> LiveSettings:
        """What a session of one project takes on of another; what only another session could have stays as it is.

        Args:
            opened: What the session was opened with.
            project: What the document says now.
        """
        try:
            wanted = LiveSettings.of(project)
        except NnvizError:
            return self  # a setting that is wrong, to be mended by and by
        first, second = effective_graph(opened.graph), effective_graph(project.graph)
        same = {key for key, node in second.nodes.items() if key in first.nodes and first.nodes[key].kind == node.kind}
        values = {(one.node, one.name): one for one in wanted.layers if one.node in same}
        return LiveSettings(
            wanted.optimizer if opened.training.optimizer.kind == project.training.optimizer.kind else self.optimizer,
            tuple(values.get((one.node, one.name), one) for one in self.layers),
            frozenset(wanted.frozen & same | self.frozen - same),
            wanted.batch_size,
        )

    def merged(self, before: Project, after: Project) -> LiveSettings:
        """The same with what one project asks for and another did not: what a run is gone on with."""
        old, new = LiveSettings.of(before), LiveSettings.of(after)
        asked = {(one.node, one.name): one for one in new.layers if one not in old.layers}
        return replace(
            self,
            optimizer=new.optimizer if new.optimizer != old.optimizer else self.optimizer,
            layers=tuple(asked.get((one.node, one.name), one) for one in self.layers),
            frozen=(self.frozen | (new.frozen - old.frozen)) - (old.frozen - new.frozen),
            batch_size=new.batch_size if new.batch_size != old.batch_size else self.batch_size,
        )

    def with_rate(self, kind: str, rate: float) -> Choice:
        """The optimizer of that kind with these settings and a learning rate."""
        return Choice(kind, {_RATE: rate, **dict(self.optimizer)})

    def problem(self, kind: str, nodes: Mapping[str, Node]) -> str:
        """Why a training cannot have these settings, in words; empty where it can.

        Args:
            kind: Of its optimizer.
            nodes: Of its network.
        """
        declared = {param.name: param for param in registry.optimizer(kind).params if param.name != _RATE}
        if [name for name, _ in self.optimizer] != list(declared):
            return "the settings of the optimizer are not those that it has"
        asked: list[tuple[ParamSpec, ParamValue]] = [(declared[name], value) for name, value in self.optimizer]
        asked.append((_batch_size(), self.batch_size))
        for one in self.layers:
            node = nodes.get(one.node)
            live = {} if node is None else {param.name: param for param in registry.layer(node.kind).params}
            if one.name not in live or not live[one.name].live:
                return f"{one.node[:80]} has no setting '{one.name[:80]}' that could be changed"
            asked.append((live[one.name], one.value))
        for param, value in asked:
            try:
                if param.parse(value) != value or type(param.parse(value)) is not type(value):
                    return f"the {param.title} is {value!r:.40}"
            except NnvizError as error:
                return str(error)
        missing = next((node for node in self.frozen if node not in nodes), None)
        return "" if missing is None else f"there is no layer '{missing[:80]}' that could be frozen"


def changes(before: LiveSettings, after: LiveSettings, optimizer: str, nodes: Mapping[str, Node]) -> Iterator[Changed]:
    """What differs, setting by setting, in words.

    Args:
        before: How it was.
        after: How it is.
        optimizer: The kind of both.
        nodes: Of the network.
    """
    spec = registry.optimizer(optimizer)
    old = dict(before.optimizer)
    for name, value in after.optimizer:
        if name in old and old[name] != value:
            param = spec.param(name)
            yield Changed(f"training.optimizer.params.{name}", changed_text(param, old[name], value))
    was = {(one.node, one.name): one.value for one in before.layers}
    for one in after.layers:
        if (one.node, one.name) in was and was[one.node, one.name] != one.value and one.node in nodes:
            node = nodes[one.node]
            param = registry.layer(node.kind).param(one.name)
            text = changed_text(param, was[one.node, one.name], one.value, f" of {node.name or node.id}")
            yield Changed(f"graph.nodes.{one.node}.params.{one.name}", text, one.node)
    if before.batch_size != after.batch_size:
        text = changed_text(_batch_size(), before.batch_size, after.batch_size)
        yield Changed("training.batch_size", f"{text}, from the next epoch on")
    for key in sorted(before.frozen ^ after.frozen):
        if key in nodes:
            words = "frozen" if key in after.frozen else "trained again"
            yield Changed(f"graph.nodes.{key}.frozen", f"{nodes[key].name or key}: {words}", key)


def _batch_size() -> ParamSpec:
    param = settings.find(settings.TRAINING, "batch_size")
    assert param is not None
    return param


def changed_text(param: ParamSpec, before: ParamValue, after: ParamValue, of: str = "") -> str:
    """``Momentum: 0.9 → 0.5``."""
    title = f"{param.title[:1].upper()}{param.title[1:]}{of}"
    return f"{title}: {_said(before)} → {_said(after)}"


def _said(value: ParamValue) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _of_optimizer(choice: Choice) -> tuple[tuple[str, ParamValue], ...]:
    values = registry.optimizer(choice.kind).values(choice.params)
    return tuple((name, value) for name, value in values.items() if name != _RATE)


def _of_layer(node: Node) -> Iterator[LayerSetting]:
    if node.kind not in registry.layers():
        return
    for param in registry.layer(node.kind).params:
        if param.live:
            yield LayerSetting(node.id, param.name, param.parse(node.params.get(param.name, param.default)))


def _frozen(graph: Graph) -> frozenset[str]:
    return frozenset(node.id for node in graph.nodes.values() if node.frozen)


def among(live: LiveSettings, nodes: Collection[str]) -> LiveSettings:
    """The same of the nodes that a network has: what is not wired in is in none."""
    return replace(
        live,
        layers=tuple(one for one in live.layers if one.node in nodes),
        frozen=frozenset(live.frozen & frozenset(nodes)),
    )
