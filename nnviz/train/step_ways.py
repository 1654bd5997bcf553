"""How the steps of a training find their gradients and make their updates, as precision, batches and switches ask."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import torch
from torch.optim import Optimizer

from nnviz.network.chain import DenseChain
from nnviz.network.network import Network
from nnviz.project.model import TrainConfig
from nnviz.train import loop
from nnviz.train.long_way import LongWay
from nnviz.train.precision import MixedPrecision, mixed_type
from nnviz.train.recipe import with_recipe
from nnviz.train.unit_switches import Switchboard, UnitSwitches
from nnviz.train.updates import Updates

if TYPE_CHECKING:
    from nnviz.train.distributed import Together


class StepWays:
    """The ways of the steps that come next. Belongs to the thread that owns the network.

    Args:
        network: The live network.
        optimizer: torch's; None where no layer has weights.
        config: How it is trained.
        device: Where.
        batch_size: Says how many examples are computed at once just now.
        divided: Whether this process holds a part of the network's numbers alone.
        together: The other processes that have a part of each batch; None where it is alone.

    Attributes:
        gradients: The way to the gradients: a short one of a dense chain, past those of a network that has no weights,
            that of accumulated batches, of mixed precision or of several processes; None for the usual one.
        updates: Makes the updates, with clipping and regularisers.
        kernels: The optimizer's own updates; None where there is none.
        mixed: How steps are computed with narrow numbers; None for 32 bits.
        switchboard: Units and layers that are switched off or frozen, and since when.
    """

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer | None,
        config: TrainConfig,
        device: torch.device,
        batch_size: Callable[[], int],
        *,
        divided: bool,
        together: Together | None = None,
    ) -> None:
        self.gradients: loop.Gradients | None = loop.without_gradients(network)
        self.updates: loop.Updater = loop.NoUpdates()
        self.kernels: Updates | None = None
        self.mixed: MixedPrecision | None = None
        #: The scale of the loss in the checkpoint that it goes on from, (0, 0) for none: that updates may have been
        #: left out stays true where steps are computed without a scale from here on.
        self._scale_before = (0.0, 0)
        #: Makes the way that calls every module, and that way; None where it is the usual one.
        self._long: LongWay | None = None
        self._long_way: loop.Gradients | None = None
        if optimizer is not None:
            self.gradients = None if divided else DenseChain.of(network)
            self.kernels = None if divided else Updates(optimizer)
            self.updates = with_recipe(self.kernels or optimizer, [*network.parameters()], config)
            # Whether it pays was never measured where weights come together for a moment.
            narrow = mixed_type(config, network, device) if not divided or config.precision == "mixed" else None
            if narrow is not None:
                self.mixed = MixedPrecision(device, narrow, [p for p in network.parameters() if p.requires_grad])
                self.updates = self.mixed.updates(self.updates)
            if config.accumulation > 1 or self.mixed is not None:
                self._long = LongWay(self.mixed, batch_size)
                self.gradients = self._long_way = self._long.of_training(network)
            if together is not None:
                way = self._long or LongWay(None, batch_size)
                self.gradients = self._long_way = way.of_several(network, together)
        #: The way, and the updates, as long as no unit is switched off or frozen.
        self._short_way = self.gradients
        self._all_updates = self.updates
        self.switchboard = Switchboard(network)

    def use_switches(self, switches: UnitSwitches) -> None:
        """Units are off or frozen like this from here on."""
        self.switchboard.use(switches)
        # The short way calls no module, and so would pass by what silences one.
        self.gradients = self._long_way if switches.off else self._short_way
        self.updates = self.switchboard.held(self._all_updates)

    def freeze(self, layers: frozenset[str]) -> None:
        """These nodes are left as they are, as a whole, from here on."""
        if self.switchboard.layers != layers:
            self.switchboard.layers = layers
            self.updates = self.switchboard.held(self._all_updates)

    def way_for(self, copy: Network) -> loop.Gradients | None:
        """How the steps of a copy find their gradients; None for the usual way."""
        return None if self._long is None else self._long.of_copy(copy)

    def computing(self) -> AbstractContextManager[object]:
        """Inside, modules compute as in a step."""
        return nullcontext() if self.mixed is None else self.mixed.computing()

    @property
    def scale(self) -> tuple[float, int]:
        """The scale of the loss for a checkpoint, and for how many steps it has held; (0, 0) for none."""
        own = (0.0, 0) if self.mixed is None else self.mixed.scale
        return own if own[0] else self._scale_before

    def restore_scale(self, scale: float, steps: int) -> None:
        """Goes on with that of a checkpoint; 0 for none, which leaves the own one as it is."""
        self._scale_before = (scale, steps) if scale else (0.0, 0)
        if scale and self.mixed is not None:
            self.mixed.scale = scale, steps
