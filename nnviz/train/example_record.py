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

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from nnviz.data.tensors import Feeder
from nnviz.network.losses import LossFunction
from nnviz.project import registry
from nnviz.record.file_format import MOST_NUMBERS
from nnviz.record.quantities import EXAMPLE_FORGOTTEN, EXAMPLE_LOSS, EXAMPLE_MARGIN
from nnviz.record.readings import ArrayReading
from nnviz.train.loop import AfterBackward

Tensors: TypeAlias = Mapping[str, Tensor]

#: What is set aside at most before it is worked through: batches, epochs that they are of, outputs in them.
_MOST_BATCHES, _MOST_EPOCHS, _MOST_OUTPUTS = 4096, 64, 1 << 20
#: Batches whose outputs are put into one array at a time.
_TOGETHER = 64
#: Numbers that wait and are kept by a checkpoint as they are: many checkpoints are kept at a time.
_MOST_KEPT = 1 << 15
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


class Captured(Mapping[str, Tensor]):
    """The state of a record at one step, worked out when somebody asks for it.

    Args:
        record: Whose it is.
        state: What was worked through.
        first: Step of the first batch that was not.
        batches: How many batches were not.
        waiting: What the network put out for them, one behind the other; the checkpoints of one run share it.
        targets: Of all examples, as they were learned.
    """

    def __init__(
        self,
        record: ExampleRecord,
        state: Tensors,
        first: int,
        batches: int,
        waiting: tuple[Tensor, ...],
        targets: Tensor,
    ) -> None:
        self._record, self._state, self._targets = record, state, targets
        self._first, self._batches, self._waiting = first, batches, waiting

    @property
    def nbytes(self) -> int:
        """Memory that it takes, worked out or not."""
        return self._record.nbytes + 4 * _MOST_KEPT

    def __getitem__(self, name: str) -> Tensor:
        """One of the tensors."""
        if self._waiting:
            (self._state,) = self._record._settled(
                self._state, self._first, self._batches, self._waiting, self._targets
            )
            self._waiting = ()
        return self._state[name]

    def __iter__(self) -> Iterator[str]:
        """Their names."""
        return iter(_STATE)

    def __len__(self) -> int:
        """How many they are."""
        return len(_STATE)


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
        self._outputs = outputs
        #: The outputs of the latest batches that were set aside.
        self._latest: list[Tensor] = []
        #: Room for those of all that wait, once there are many; how many rows and batches of it are written.
        self._joined: Tensor | None = None
        self._joined_rows = self._joined_batches = 0
        #: Steps behind the last batch that was set aside.
        self._end = 0
        #: What the network put out for the batch of the step that is being made.
        self._heard: Tensor | None = None
        self.resized()
        #: Never written to: checkpoints share it.
        self._state = self._blank()
        #: The steps after which what became of the examples goes into the run, as far as it waits to be worked out; and
        #: what was worked out, each with its step.
        self._marked: list[int] = []
        self._found: list[tuple[int, Tensors]] = []

    def resized(self) -> None:
        """The batches have other sizes from some epoch on: as much memory holds another number of them."""
        sizes = [size for _, size in self._feeder.plan.sizes]
        #: Outputs of one batch.
        self._each = self._outputs * max(sizes)
        by_size = _MOST_OUTPUTS // max(1, self._each)
        steps = -(-self._feeder.count // max(sizes))
        most = max(1, min(_MOST_BATCHES, by_size, _MOST_EPOCHS * steps))
        # Whole epochs are worked through in less time than parts of them.
        self._most = most - most % steps if most > steps else most
        self._plan_join()

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

    def hearing(self, told: AfterBackward) -> AfterBackward:
        """The same as somebody else is told, and what the network puts out is known when the step is done."""

        def both(loss: Tensor, outputs: Tensor, targets: Tensor) -> None:
            self._heard = outputs
            told(loss, outputs, targets)

        return both

    def hear(self, loss: Tensor, outputs: Tensor, targets: Tensor) -> None:
        """What the network puts out for the batch of the step that is being made.

        Args:
            loss: Of the batch.
            outputs: float[n, …] without a graph behind them, in the order of the batch; never written to again.
            targets: What is right for it.
        """
        self._heard = outputs

    def add_heard(self, step: int) -> None:
        """The step is done: sets aside what the network put out.

        Args:
            step: Steps before this one; each is given in its turn.
        """
        if self._heard is None:
            return
        latest = self._latest
        latest.append(self._heard)
        self._heard = None
        self._end = step + 1
        if len(latest) >= self._join_at:
            self._join()

    def _plan_join(self) -> None:
        """Says how many of the latest outputs are to be made one."""
        self._join_at = min(_TOGETHER, self._most - self._joined_batches)

    def _join(self) -> None:
        """Puts the latest outputs behind those before them, and works through all that waits where that is enough."""
        # While they are still in the processor's cache, and into memory that is there: many small pieces, and looking
        # for memory for larger ones, cost more than all that is done with them.
        latest, plan = self._latest, self._feeder.plan
        begun = self._end - self._batches
        if self._joined is None:
            last = begun + max(self._most, len(latest))
            self._joined = latest[0].new_empty((plan.examples(begun, last), *latest[0].shape[1:]))
        rows = plan.examples(begun, self._end)
        if rows <= len(self._joined):
            torch.cat(latest, out=self._joined[self._joined_rows : rows])
            self._joined_rows, self._joined_batches = rows, self._batches
            latest.clear()
        if latest or self._joined_batches >= self._most:
            self.settle()
        self._plan_join()

    @property
    def _batches(self) -> int:
        """How many batches wait to be worked through."""
        return self._joined_batches + len(self._latest)

    @property
    def _waiting(self) -> tuple[Tensor, ...]:
        """The outputs of all batches that wait, one behind the other; what the first holds beyond that is none."""
        return tuple(self._latest) if self._joined is None else (self._joined, *self._latest)

    def _forget_waiting(self) -> None:
        self._latest.clear()
        self._joined = None  # not written anew: checkpoints share it
        self._joined_rows = self._joined_batches = 0
        self._plan_join()

    def settle(self) -> None:
        """Works through what was set aside, however many epochs that is of, all at once; waits for nothing."""
        batches = self._batches
        if batches:
            marked, first = tuple(self._marked), self._end - batches
            targets = self._feeder.targets
            *found, self._state = self._settled(self._state, first, batches, self._waiting, targets, marked)
            self._found += zip(marked, found, strict=True)
            self._forget_waiting()
            self._marked.clear()

    def _settled(
        self,
        state: Tensors,
        first: int,
        batches: int,
        waiting: Sequence[Tensor],
        targets: Tensor,
        marked: Sequence[int] = (),
    ) -> list[dict[str, Tensor]]:
        """States with what was set aside since: at each of the marked steps, and with all of it.

        Args:
            state: Before; not written to.
            first: Step of the first batch.
            batches: How many there are.
            waiting: What the network put out for them, one behind the other; what the first holds beyond that is none.
            targets: Of all examples, as they were learned.
            marked: Steps behind the first, ascending, at each of which an epoch has ended.
        """
        at, end = self._feeder.plan.at, first + batches
        begun, *latest = waiting
        begun = begun[: self._feeder.plan.examples(first, end) - sum(map(len, latest))]
        outputs = torch.cat((begun, *latest)) if latest else begun
        with torch.no_grad():
            if not at(first).batch and not at(end).batch:
                rows = [at(step).epoch - at(first).epoch for step in (*marked, end)]
                different = sorted(set(rows))
                states = self._after_whole(state, at(first).epoch, different, outputs, targets)
                return [dict(states[different.index(row)]) for row in rows]
            found: list[dict[str, Tensor]] = []
            done = taken = 0
            for until in (*marked, end):
                if until == first + done:  # where the last mark is at the very end
                    found.append(dict(found[-1]))
                    continue
                numbers = self._numbers(first + done, until - first - done)
                piece = outputs[taken : taken + len(numbers[1])]
                found.append(self._after_parts(found[-1] if found else state, numbers, piece, targets))
                done, taken = until - first, taken + len(numbers[1])
            return found

    def _after_whole(
        self, state: Tensors, first: int, wanted: Sequence[int], outputs: Tensor, targets: Tensor
    ) -> list[dict[str, Tensor]]:
        """Where epochs are there from their beginning to their end, as nearly all are.

        Outputs are put in the order of the examples, a row an epoch, so that all that follows is done to rows; of the
        losses only those of the wanted ones are found.

        Args:
            state: Before; not written to.
            first: The first epoch, from 0.
            wanted: After how many of the epochs a state is wanted, ascending; the last is after all of them.
            outputs: Of the network, in the order of the batches.
            targets: Of all examples, as they were learned.
        """
        epochs = wanted[-1]
        count = self._feeder.count
        placed = self._placed(first, epochs, outputs)
        targets = targets.to(self._device)

        if wanted[0] == epochs:
            ends, learned = placed[-count:], targets
        else:
            ends = torch.cat([placed[count * (row - 1) : count * row] for row in wanted])
            learned = targets.repeat(len(wanted), *(1,) * (targets.dim() - 1))
        losses = self._loss.each(ends, learned).to(torch.float16).view(-1, count).unbind()
        if not self._loss.has_accuracy:
            return [{**state, "loss": loss} for loss in losses]
        rows = self._loss.margins(placed, targets).to(torch.float32).view(epochs, count)
        right = torch.empty((epochs + 1, count), dtype=torch.int8, device=self._device)
        right[0] = state["right"]
        torch.gt(rows, 0, out=right[1:])
        # From 1 to 0 is the only way down.
        fell = right[:-1] > right[1:]
        found: list[dict[str, Tensor]] = []
        before = 0
        for row, loss in zip(wanted, losses, strict=True):
            state = {
                "loss": loss,
                "margin": _with_rows(state["margin"], rows[before:row]),
                "seen": state["seen"] + (row - before),
                "right": right[row],
                "forgotten": state["forgotten"] + fell[before:row].sum(0, dtype=torch.int32),
            }
            found.append(state)
            before = row
        # The others are for readings, which are made soon: they may be a part of what holds many epochs.
        found[-1] = {**state, "loss": state["loss"].clone(), "right": state["right"].clone()}
        return found

    def _placed(self, first: int, epochs: int, outputs: Tensor) -> Tensor:
        """What the network put out in whole epochs, a row an epoch, in the order of the examples instead."""
        orders = [self._feeder.order(epoch) for epoch in range(first, first + epochs)]
        places = (torch.stack(orders) if epochs > 1 else orders[0][None]).to(self._device)
        if outputs.numel() == len(outputs):
            rows = outputs.reshape(epochs, -1)
            return torch.empty_like(rows).scatter_(1, places, rows).view(outputs.shape)
        if epochs > 1:
            places += torch.arange(0, len(outputs), self._feeder.count, device=self._device)[:, None]
        return torch.empty_like(outputs).index_copy_(0, places.view(-1), outputs)

    def _after_parts(
        self, state: Tensors, numbers: tuple[list[Tensor], Tensor], outputs: Tensor, targets: Tensor
    ) -> dict[str, Tensor]:
        """Where of the first or of the last epoch some examples are missing."""
        epochs, found = numbers[0], dict(state)
        targets = targets.index_select(0, numbers[1].to(targets.device)).to(self._device)
        count = self._feeder.count
        # A row an epoch.
        places = torch.cat([row * count + part for row, part in enumerate(epochs)]).to(self._device)
        seen = torch.zeros(len(epochs) * count, dtype=torch.bool, device=self._device)
        seen.index_fill_(0, places, True)
        seen = seen.view(-1, count)

        def in_rows(values: Tensor) -> Tensor:
            rows = torch.zeros(len(epochs) * count, dtype=values.dtype, device=self._device)
            return rows.index_copy_(0, places, values).view(-1, count)

        losses = in_rows(self._loss.each(outputs, targets).to(torch.float16))
        for row in range(max(0, len(epochs) - 2), len(epochs)):
            found["loss"] = torch.where(seen[row], losses[row], found["loss"])
        if not self._loss.has_accuracy:
            return found
        margins = self._loss.margins(outputs, targets).to(torch.float32)
        right = in_rows((margins > 0).to(torch.int8))
        # Who is missing in a row is taken to be as before.
        right[0] = torch.where(seen[0], right[0], state["right"])
        if len(epochs) > 1:
            right[-1] = torch.where(seen[-1], right[-1], right[-2])
        before = torch.cat([state["right"][None], right[:-1]])
        found["forgotten"] = state["forgotten"] + (before > right).sum(0, dtype=torch.int32)
        found["right"] = right[-1].clone()
        found["margin"] = _with_rows(state["margin"], in_rows(margins))
        found["seen"] = state["seen"] + seen.sum(0, dtype=torch.int32)
        return found

    def _numbers(self, first: int, batches: int) -> tuple[list[Tensor], Tensor]:
        """Which examples the batches from a step on hold: int64 by epochs, and one behind the other."""
        feeder = self._feeder
        found: list[Tensor] = []
        while batches:
            epoch, batch = feeder.plan.at(first)
            taken = min(batches, feeder.plan.piece_at(first).steps - batch)
            bounds = slice(feeder.examples_before(batch, epoch), feeder.examples_before(batch + taken, epoch))
            found.append(feeder.order(epoch)[bounds])
            first, batches = first + taken, batches - taken
        return found, torch.cat(found)

    # -- keeping ------------------------------------------------------------------------------------------------------

    def capture(self, *, copied: bool = True) -> Mapping[str, Tensor]:
        """What a checkpoint keeps of it: nothing that happens afterwards changes it.

        Checkpoints are kept at every epoch, and hardly ever gone back to: what waits is then not worked through, but
        kept as it is, where it is little. Read it on the thread that owns the network.

        Args:
            copied: False for whoever writes it down before the next step: then everything is worked through.
        """
        batches = self._batches
        if copied and batches and self._each * batches <= _MOST_KEPT:
            waiting = self._waiting
            if self._joined is not None and self._joined.numel() > _MOST_KEPT:  # most of it is not for this checkpoint
                waiting = (self._joined[: self._joined_rows].clone(), *self._latest)
            return Captured(self, self._state, self._end - batches, batches, waiting, self._feeder.targets)
        self.settle()
        return dict(self._state)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Goes on from what a checkpoint kept; begins anew where that is not of these examples."""
        self._forget_waiting()
        self._marked.clear()
        self._found.clear()
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

    @property
    def goes_into_run(self) -> bool:
        """Whether what became of the examples is a reading: of very many it would be too large."""
        return self._feeder.count <= MOST_NUMBERS and not registry.loss(self._loss.kind).takes_nothing

    @property
    def has_marked(self) -> bool:
        """Whether there are readings to be taken."""
        return bool(self._marked or self._found)

    def mark(self, step: int) -> None:
        """An epoch has ended at this step, and is recorded: its readings can be taken, now or later.

        Those of several epochs that are worked out together cost little more than those of one.
        """
        if not self.goes_into_run:
            return
        if self._batches:
            self._marked.append(step)
        else:
            self._found.append((step, self._state))

    def take(self) -> list[ArrayReading]:
        """What became of each example until each of the marked steps, the earliest first; waits for the device."""
        if self._marked:
            self.settle()
        found, self._found = self._found, []
        return self._readings(found) if found else []

    def _readings(self, found: Sequence[tuple[int, Tensors]]) -> list[ArrayReading]:
        # All at once: of few numbers each call costs more than what it does.
        def rows(name: str) -> Tensor:
            return torch.stack([state[name] for _, state in found])

        tensors = [(EXAMPLE_LOSS, _finite_halves(rows("loss")))]
        if self._loss.has_accuracy:
            margins = rows("margin") / rows("seen").clamp(min=1)
            tensors += [(EXAMPLE_FORGOTTEN, rows("forgotten")), (EXAMPLE_MARGIN, _finite_halves(margins))]
        arrays = [(quantity.series(), tensor.cpu().numpy()) for quantity, tensor in tensors]
        steps = [step for step, _ in found]
        return [ArrayReading(name, step, array[row], {}) for row, step in enumerate(steps) for name, array in arrays]


def _finite_halves(values: Tensor) -> Tensor:
    """Half the precision is enough; what is too large for it becomes its largest number, not an infinity."""
    most = torch.finfo(torch.float16).max
    return values.clamp(-most, most).to(torch.float16)


def _with_rows(before: Tensor, rows: Tensor) -> Tensor:
    """What was there and all of the rows, one by one, so that the sum is the same however many come together.

    Args:
        before: What they are added to; not written to.
        rows: Each as long; written to.
    """
    rows[0] += before
    if rows.device.type == "cpu" and len(before) > 1:
        # numpy does so in one call wherever it does not add along the axis that is the fast one in memory.
        return torch.from_numpy(np.add.reduce(rows.numpy(), axis=0))
    total = rows[0].clone()
    for row in rows[1:].unbind():
        total += row
    return total
