"""Units that are switched off (their output is 0), and units and layers that are frozen (their weights stay).

All are done to the live network from outside and leave no trace when they are taken back: a hook on the module whose
outputs are silenced, and an updater that puts the frozen rows back after each update. A training without switches
takes the same way, and has the same bits, as one that never heard of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from nnviz.errors import ParamError
from nnviz.network.network import Network
from nnviz.record.quantities import FINDING, SWITCHED
from nnviz.train.at_hand import at_hand, rows_at_hand
from nnviz.train.loop import Updater


class Unit(NamedTuple):
    """One unit of a layer: the id of the node, and which of its outputs (a feature, or a channel), from 0."""

    node: str
    number: int


@dataclass(frozen=True, slots=True)
class UnitSwitches:
    """Which units are not as usual.

    Attributes:
        off: What these nodes put out at these places is 0, in training as in evaluation: for whatever comes behind, it
            is as if all weights that go out from there were 0.
        frozen: The weights of these nodes that lead to these units, and their biases, are left as they are.
    """

    off: frozenset[Unit] = frozenset()
    frozen: frozenset[Unit] = frozenset()

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self.off or self.frozen)


#: Everything as usual.
NO_SWITCHES = UnitSwitches()

_DONE = {
    ("off", True): "switched off",
    ("off", False): "switched on again",
    ("frozen", True): "frozen",
    ("frozen", False): "thawed",
}


class Switched(NamedTuple):
    """A unit that is other than before.

    Attributes:
        unit: Which one.
        what: ``off`` or ``frozen``.
        now: Whether it is so now.
    """

    unit: Unit
    what: str
    now: bool

    @property
    def series(self) -> str:
        """What it is called in a run, behind the name of the quantity."""
        return f"{SWITCHED[self.what].removeprefix(FINDING.prefix)}{self.unit.node}/{self.unit.number}"

    def text(self, name: str) -> str:
        """In words that do not say when.

        Args:
            name: What its node is called.
        """
        return f"Unit {self.unit.number} of {name} was {_DONE[self.what, self.now]}"


def switched(before: UnitSwitches, after: UnitSwitches) -> list[Switched]:
    """The units that are other than before."""
    return [
        Switched(unit, what, unit in now)
        for what, old, now in (("off", before.off, after.off), ("frozen", before.frozen, after.frozen))
        for unit in sorted(old ^ now)
    ]


class _Silence:
    """A forward hook: the outputs that are switched off are 0, and nothing flows back through them."""

    def __init__(self, units: Iterable[int], count: int) -> None:
        self._units = sorted(units)
        self._count = count

    def __call__(self, module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        if output.dim() < 2 or output.shape[1] != self._count:
            return output  # An instrument asks for the curve of the function, not for the units.
        silent = torch.zeros(output.shape[1], dtype=torch.bool, device=output.device)
        silent[self._units] = True
        return output.masked_fill(silent.reshape(-1, *[1] * (output.dim() - 2)), 0.0)


class HeldUpdates:
    """Makes the updates of another updater, and leaves some rows of some parameters bit for bit as they were.

    Their gradients count as 0, so that neither clipping nor momentum sees them; weight decay and what momentum had
    gathered before do not reach them either.

    Args:
        updates: Makes the updates.
        rows: Parameter, and which rows of what this process holds of it are held; a slice of all for a whole one.
    """

    def __init__(self, updates: Updater, rows: list[tuple[nn.Parameter, Tensor | slice]]) -> None:
        self._updates = updates
        self._rows = rows

    def zero_grad(self) -> None:
        """Lets all gradients go."""
        self._updates.zero_grad()

    def step(self) -> None:
        """One update of all the others."""
        with torch.no_grad():
            kept = [at_hand(parameter)[rows].clone() for parameter, rows in self._rows]
            for parameter, rows in self._rows:
                if parameter.grad is not None:
                    at_hand(parameter.grad)[rows] = 0.0
        self._updates.step()
        with torch.no_grad():
            for (parameter, rows), numbers in zip(self._rows, kept, strict=True):
                at_hand(parameter)[rows] = numbers


def check(network: Network, switches: UnitSwitches) -> None:
    """Whether these units are there.

    Raises:
        ParamError: One is not, or has nothing to be frozen.
    """
    results = network.inference.results
    for unit in (*switches.off, *switches.frozen):
        if unit.node not in network.node_ids or unit.node == network.input_id:
            raise ParamError(f"There is no layer '{unit.node[:80]}' whose units can be switched.", field="node")
        count = results[unit.node].output[0]
        if not 0 <= unit.number < count:
            raise ParamError(
                f"{unit.node} has {count} units, numbered from 0: there is no {unit.number}.", field="unit"
            )
    for unit in switches.frozen:
        if not any(len(p) == results[unit.node].output[0] for p in network.module_of(unit.node).parameters()):
            raise ParamError(f"{unit.node} has no weights that could be frozen.", field="node")


@dataclass(slots=True)
class Switchboard:
    """The switches of one training. Belongs to the thread that owns the network.

    Attributes:
        network: Whose units.
        now: How they stand.
        history: How they stood from which step on, oldest first: going back makes the steps as they were made.
        layers: The nodes that are frozen as a whole; the training's settings say so, and keep their own history.
        average: The copy with the average of the weights, in which the same units are off; None where there is none.
    """

    network: Network
    now: UnitSwitches = NO_SWITCHES
    history: list[tuple[int, UnitSwitches]] = field(default_factory=list)
    layers: frozenset[str] = frozenset()
    average: Network | None = None
    #: How they stood where the history begins.
    _began_with: UnitSwitches = NO_SWITCHES
    _hooks: list[RemovableHandle] = field(default_factory=list)

    def at(self, step: int) -> UnitSwitches:
        """How they stood when this step had been made."""
        return next((switches for since, switches in reversed(self.history) if since <= step), NO_SWITCHES)

    def changes_at(self, step: int) -> list[Switched]:
        """What was switched at a step, against how it stood before."""
        before = next((switches for since, switches in reversed(self.history) if since < step), self._began_with)
        after = next((switches for since, switches in self.history if since == step), before)
        return switched(before, after)

    def record(self, step: int, switches: UnitSwitches) -> None:
        """They stand so from this step on."""
        self.history = [entry for entry in self.history if entry[0] < step] + [(step, switches)]

    def begin_from(self, step: int, switches: UnitSwitches) -> None:
        """They stand so at the step of a checkpoint, and nothing is known of before."""
        self.history = [(step, switches)]
        self._began_with = switches

    def go_back(self, step: int) -> None:
        """Training goes another way from this step."""
        self.history = [entry for entry in self.history if entry[0] <= step]

    def use(self, switches: UnitSwitches) -> None:
        """Silence what is off, and nothing else."""
        for hook in self._hooks:
            hook.remove()
        by_node: dict[str, list[int]] = {}
        for unit in switches.off:
            by_node.setdefault(unit.node, []).append(unit.number)
        results = self.network.inference.results
        networks = [network for network in (self.network, self.average) if network is not None]
        self._hooks = [
            network.module_of(node).register_forward_hook(_Silence(units, results[node].output[0]))
            for network in networks
            for node, units in by_node.items()
        ]
        for network in networks:
            network.switched_off = {node: frozenset(units) for node, units in by_node.items()}
        self.now = switches

    def held(self, updates: Updater, network: Network | None = None) -> Updater:
        """What makes the updates now.

        Args:
            updates: Makes them where nothing is frozen.
            network: Whose parameters; None for the live network, otherwise a copy of it.
        """
        network = self.network if network is None else network
        by_node: dict[str, list[int]] = {}
        for unit in self.now.frozen:
            by_node.setdefault(unit.node, []).append(unit.number)
        rows: list[tuple[nn.Parameter, Tensor | slice]] = [
            (parameter, slice(None))
            for node in sorted(self.layers)
            for parameter in network.module_of(node).parameters()
        ]
        for node, units in by_node.items():
            count = network.inference.results[node].output[0]
            for parameter in network.module_of(node).parameters() if node not in self.layers else ():
                if len(parameter) == count:
                    own = torch.tensor(rows_at_hand(parameter, units), dtype=torch.int64, device=parameter.device)
                    rows.append((parameter, own))
        return HeldUpdates(updates, rows) if rows else updates
