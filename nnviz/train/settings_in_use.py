"""The settings and the learning rate that network and optimizer have just now, and how they get others."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from torch import Tensor
from torch.optim import Optimizer

from nnviz.network.network import Network
from nnviz.project import registry
from nnviz.project.model import TrainConfig
from nnviz.train import optimizers
from nnviz.train.live_settings import LiveSettings
from nnviz.train.updates import Updates


class SettingsInUse:
    """Gives optimizer and layers other settings, where they are others. Belongs to the thread that owns the network.

    Args:
        config: How it is trained, as the project says.
        settings: The live ones that network and optimizer were built with.
        network: The live network.
        optimizer: torch's; None where no layer has weights.
        kernels: The optimizer's own updates; None where there is none.

    Attributes:
        config: The same, with the optimizer's settings as they are just now.
        keeps_too_much: Whether the optimizer keeps what it may have no use for, see :meth:`let_go`.
    """

    def __init__(
        self,
        config: TrainConfig,
        settings: LiveSettings,
        network: Network,
        optimizer: Optimizer | None,
        kernels: Updates | None,
    ) -> None:
        self.config = config
        self.keeps_too_much = False
        #: None where the optimizer's came with a checkpoint.
        self._settings: LiveSettings | None = settings
        #: The learning rate that the optimizer has; None where it is not known yet, or came with a checkpoint.
        self._rate: float | None = None
        self._network = network
        self._optimizer = optimizer
        self._kernels = kernels

    def use(self, settings: LiveSettings, *, begun: bool) -> None:
        """Network and optimizer have these from here on.

        Args:
            settings: What is frozen among them is up to the switchboard.
            begun: Whether a step was made.
        """
        before = self._settings
        config = self.config
        if self._optimizer is not None and (before is None or before.optimizer != settings.optimizer):
            chosen = settings.with_rate(config.optimizer.kind, optimizers.learning_rate(config))
            optimizers.set_settings(self._optimizer, chosen, begun=begun)
            self.config = msgspec.structs.replace(config, optimizer=chosen)
            self.keeps_too_much = True
            if self._kernels is not None:
                self._kernels.look_anew()
        for one in settings.layers if before is None or before.layers != settings.layers else ():
            self._network.set_live(*one)
        self._settings = settings

    def are(self, settings: LiveSettings) -> bool:
        """Whether it is this very value that is in use."""
        return settings is self._settings

    def use_rate(self, value: float) -> None:
        """The optimizer has this learning rate from here on."""
        if self._optimizer is not None and value != self._rate:
            optimizers.set_learning_rate(self._optimizer, value)
            self._rate = value

    def came_with_checkpoint(self) -> None:
        """The optimizer has the settings and the rate that were kept with its state."""
        self._rate = self._settings = None

    def let_go(self) -> None:
        """A step is made with other settings: what the optimizer gathered for those before has no use any more."""
        self.keeps_too_much = False
        if self._optimizer is not None:
            optimizers.forget_unneeded(self._optimizer, self.config.optimizer)

    def needed(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What a checkpoint keeps of the optimizer's state: without what :meth:`let_go` would take away."""
        spec = registry.optimizer(self.config.optimizer.kind)
        names = {kept.name for kept in spec.state(spec.values(self.config.optimizer.params))}
        return {key: one for key, one in state.items() if key.partition("/")[2] in names}
