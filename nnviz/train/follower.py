"""A process that follows the first one of a training: it computes its part of every batch, and writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType

import torch
from torch import Tensor

from nnviz import interruption
from nnviz.data.tensors import load as load_data
from nnviz.errors import Cancelled, NnvizError
from nnviz.project.model import Project
from nnviz.train import devices, failures
from nnviz.train.distributed import Together
from nnviz.train.failures import readable
from nnviz.train.loop import evaluation_mode
from nnviz.train.orders import SPLITS, Order, What
from nnviz.train.training import Training


def follow(project: Project, together: Together, data_dir: Path | None = None) -> bool:
    """Load the data, build the network, and do what the first process orders until it says that nothing more comes.

    Asked to end from outside, it passes that on: the first process ends all after the batch that is under way.

    Args:
        project: The same as that of the first process.
        together: The connection with it.
        data_dir: Where to look for the data set first.

    Returns:
        Whether it was asked to end from outside.

    Raises:
        TrainingError: It cannot go on, or the first process has gone.
        NnvizError: It could not begin.
    """
    was_asked = False

    def interrupted(number: int, frame: FrameType | None) -> None:
        nonlocal was_asked
        was_asked = True
        with suppress(RuntimeError):
            together.ask_to_stop()

    with interruption.handled_by(interrupted):
        follower = _Follower(project, together, data_dir)
        try:
            follower.work()
        finally:
            together.end()
    return was_asked


class _Follower:
    def __init__(self, project: Project, together: Together, data_dir: Path | None) -> None:
        self._project, self._together, self._data_dir = project, together, data_dir
        self._training: Training | None = None
        #: What is left of the batches of an evaluation, of which split, and the number of the next one.
        self._batches: Iterator[tuple[Tensor, Tensor]] = iter(())
        self._evaluated = (-1, -1)
        self._doing = ""

    def work(self) -> None:
        failure: NnvizError | None = None
        try:
            self._prepare()
        except Exception as error:  # noqa: BLE001 - it is said when all meet, so that nobody waits for ever
            failure = self._readable(error)
        while True:
            order = self._together.receive()
            if order.what is What.END:
                return
            if order.what is What.MEET:
                self._together.meet(failure, "" if self._training is None else self._training.data.mark)
                continue
            if failure is not None:  # the first one begins with a state before all meet
                self._together.report_failure(str(failure))
                raise failure
            try:
                self._do(order)
            except Exception as error:
                found = self._readable(error)
                self._together.report_failure(str(found))
                raise found from error

    def _prepare(self) -> None:
        self._doing = failures.LOADING
        devices.fit_threads()
        data = load_data(self._project.data, self._data_dir)
        self._doing = failures.BUILDING
        self._training = Training(self._project, data, self._together.device, together=self._together)
        devices.fit_threads(self._training.work // self._together.ranks.size)
        self._doing = "a step"

    def _do(self, order: Order) -> None:
        training = self._training
        assert training is not None
        following = training.following
        match order.what:
            case What.STATE:
                following.take(self._together.receive_state(order))
            case What.SETTINGS:
                following.take_settings(self._together.receive_state(order))
            case What.STEP:
                following.step(order.number, order.value)
            case What.GATHER:
                following.give(weights_alone=bool(order.number))
            case What.REACH:
                following.reach(self._together.receive_bytes(order.number))
            case What.EVALUATE:
                self._evaluate(training, order.number, order.other)

    def _evaluate(self, training: Training, batch: int, split: int) -> None:
        if self._evaluated != (split, batch):
            self._batches = training.feeder(SPLITS[split]).batches(start=batch)
        self._evaluated = (split, batch + 1)
        inputs, _ = next(self._batches)
        with training.showing(), evaluation_mode(training.shown_network), torch.no_grad():
            self._together.outputs(training.shown_network, inputs)

    def _readable(self, error: Exception) -> NnvizError:
        step = 0 if self._training is None else self._training.step
        size = self._project.training.batch_size
        found = readable(error, device=str(self._together.device), step=step, batch_size=size, doing=self._doing)
        return found if isinstance(found, NnvizError) else Cancelled(str(found))
