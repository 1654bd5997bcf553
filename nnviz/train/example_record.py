"""How the network does on every single training example, epoch by epoch, kept while it trains.

Nothing is computed for it but what the step has computed anyway: the outputs of each batch are set aside (a reference,
not a copy), and now and then the losses of all that waits are found at once and laid down by the number of the example.
It waits for no device and draws no random number, so that the weights are the same with it and without.

An example is *right* where its margin is above zero. Its margin is the output of its label less the largest other
output; of a single yes-or-no output, how far it lies on the right side of the threshold. It is *forgotten* where it was
right in one epoch and wrong in the next (Toneva et al., 2019, https://arxiv.org/abs/1812.05159). The mean margin over
the epochs is the area under the margin (Pleiss et al., 2020, https://arxiv.org/abs/2001.10528): the lower it is, the
more the network disagrees with the label. All are as the step saw them: in training mode, before its update.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from nnviz.data.tensors import Feeder
from nnviz.network.losses import LossFunction
from nnviz.project import registry
from nnviz.record.file_format import MOST_NUMBERS
from nnviz.record.quantities import EXAMPLE_FORGOTTEN, EXAMPLE_LOSS, EXAMPLE_MARGIN
from nnviz.record.readings import ArrayReading

#: What is set aside at most before it is worked through: batches, epochs that they are of, outputs in them.
_MOST_BATCHES, _MOST_EPOCHS, _MOST_OUTPUTS = 4096, 32, 1 << 20
#: Of each doubling of the epochs so many are recorded: up to twice as many every one, then every second, every fourth …
_DENSE = 32
#: Numbers that these come to at most: of very many examples fewer epochs are recorded.
_DENSE_NUMBERS = 1 << 20
#: Multiplications of an epoch for each of them: one that lasts milliseconds is not to wait for its record.
_DENSE_WORK = 1 << 28
_FEWEST = 4
#: What a checkpoint keeps, by its type.
_STATE: Mapping[str, torch.dtype] = {
    "loss": torch.float16,
    "margin": torch.float32,
    "seen": torch.int32,
    "right": torch.int8,
    "forgotten": torch.int32,
}


class ExampleRecord:
    """The losses of all training examples in the epoch that goes on, and what became of them over the epochs.

    Belongs to the thread that owns the network.

    Args:
        feeder: Feeds the examples; says which of them a batch holds, and their labels.
        loss: What the network is trained on.
        outputs: Numbers that the network puts out for one example.
        work: Multiplications of the forward pass of an epoch.
    """

    def __init__(self, feeder: Feeder, loss: LossFunction, outputs: int, work: int) -> None:
        self._feeder = feeder
        self._loss = loss
        self._device = feeder.device
        dense = min(_DENSE, _DENSE_NUMBERS // max(feeder.count, 1), work // _DENSE_WORK)
        self._dense = max(_FEWEST, dense)
        by_size = _MOST_OUTPUTS // max(1, outputs * feeder.batch_size)
        self._most = max(1, min(_MOST_BATCHES, by_size, _MOST_EPOCHS * len(feeder)))
        #: The outputs of the batches that were set aside, and the step of the first, from 0.
        self._waiting: list[Tensor] = []
        self._first = 0
        self._state = self._blank()

    @property
    def nbytes(self) -> int:
        """Memory that a copy of it takes."""
        return sum(tensor.numel() * tensor.element_size() for tensor in self._state.values())

    def _blank(self) -> dict[str, Tensor]:
        count = self._feeder.count
        state = {name: torch.zeros(count, dtype=kind, device=self._device) for name, kind in _STATE.items()}
        state["loss"].fill_(torch.nan)
        state["right"].fill_(-1)  # nobody knows yet
        return state

    # -- while it trains ----------------------------------------------------------------------------------------------

    def add(self, step: int, outputs: Tensor) -> None:
        """Sets the outputs of a batch aside.

        Args:
            step: Steps before this one; each is given in its turn.
            outputs: float[n, …] without a graph behind them, in the order of the batch; never written to again.
        """
        waiting = self._waiting
        if not waiting:
            self._first = step
        waiting.append(outputs)
        if len(waiting) >= self._most:
            self.settle()

    def settle(self) -> None:
        """Works through what was set aside, however many epochs that is of, all at once; waits for nothing."""
        if not self._waiting:
            return
        outputs = torch.cat(self._waiting) if len(self._waiting) > 1 else self._waiting[0]
        epochs, numbers = self._numbers(self._first, len(self._waiting))
        self._waiting.clear()
        targets = self._feeder.targets_of(numbers)
        count, state = self._feeder.count, self._state
        with torch.no_grad():
            # A row an epoch: only in the first and in the last one examples may be missing.
            places = torch.cat([row * count + part for row, part in enumerate(epochs)]).to(self._device)
            seen = torch.zeros(len(epochs) * count, dtype=torch.bool, device=self._device)
            seen.index_fill_(0, places, True)
            seen = seen.view(-1, count)

            def in_rows(values: Tensor) -> Tensor:
                rows = torch.zeros(len(epochs) * count, dtype=values.dtype, device=self._device)
                return rows.index_copy_(0, places, values).view(-1, count)

            losses = in_rows(self._loss.each(outputs, targets).to(torch.float16))
            for row in range(max(0, len(epochs) - 2), len(epochs)):
                state["loss"] = torch.where(seen[row], losses[row], state["loss"])
            if not self._loss.has_accuracy:
                return
            margins = self._loss.margins(outputs, targets).to(torch.float32)
            right = in_rows((margins > 0).to(torch.int8))
            # Who is missing in a row is taken to be as before.
            right[0] = torch.where(seen[0], right[0], state["right"])
            if len(epochs) > 1:
                right[-1] = torch.where(seen[-1], right[-1], right[-2])
            before = torch.cat([state["right"][None], right[:-1]])
            state["forgotten"] += ((before == 1) & (right == 0)).sum(0, dtype=torch.int32)
            state["right"] = right[-1].clone()
            for row in in_rows(margins):  # one by one: the sum is the same however many epochs come together
                state["margin"] += row
            state["seen"] += seen.sum(0, dtype=torch.int32)

    def _numbers(self, first: int, batches: int) -> tuple[list[Tensor], Tensor]:
        """Which examples the batches from a step on hold: int64 by epochs, and one behind the other."""
        feeder = self._feeder
        found: list[Tensor] = []
        while batches:
            epoch, batch = divmod(first, len(feeder))
            taken = min(batches, len(feeder) - batch)
            bounds = slice(feeder.examples_before(batch), feeder.examples_before(batch + taken))
            found.append(feeder.order(epoch)[bounds])
            first, batches = first + taken, batches - taken
        return found, torch.cat(found)

    # -- keeping ------------------------------------------------------------------------------------------------------

    def capture(self, *, copied: bool = True) -> dict[str, Tensor]:
        """What a checkpoint keeps of it; ``copied`` False gives the live tensors."""
        self.settle()
        return {name: tensor.clone() if copied else tensor for name, tensor in self._state.items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Goes on from what a checkpoint kept; begins anew where that is not of these examples."""
        self._waiting.clear()
        count = self._feeder.count
        fits = state.keys() == _STATE.keys() and all(
            tensor.shape == (count,) and tensor.dtype == _STATE[name] for name, tensor in state.items()
        )
        self._state = {name: state[name].to(self._device, copy=True) for name in _STATE} if fits else self._blank()

    # -- what goes into the run ---------------------------------------------------------------------------------------

    def is_recorded(self, epoch: int) -> bool:
        """Whether the end of an epoch, from 1, is one of those that are recorded: ever fewer, the same in every run."""
        every = 1
        while epoch > 2 * self._dense * every:
            every *= 2
        return epoch % every == 0

    def readings(self, step: int) -> list[ArrayReading]:
        """What became of each example until now; waits for the device."""
        self.settle()
        if self._feeder.count > MOST_NUMBERS or registry.loss(self._loss.kind).takes_nothing:
            return []
        found = [(EXAMPLE_LOSS, self._state["loss"])]
        if self._loss.has_accuracy:
            seen = self._state["seen"].clamp(min=1)
            found += [
                (EXAMPLE_FORGOTTEN, self._state["forgotten"]),
                (EXAMPLE_MARGIN, (self._state["margin"] / seen).to(torch.float16)),
            ]
        return [
            ArrayReading(quantity.series(), step, np.array(values.cpu().numpy(), copy=True), {})
            for quantity, values in found
        ]
