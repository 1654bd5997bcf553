"""A network of a recorded run, built beside the one on the screen and asked the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from nnviz.gui.parts.background import Background

if TYPE_CHECKING:
    from nnviz import train

_Result = TypeVar("_Result")
_LANE = "kept network"


class KeptNetwork:
    """The last network of a run file. It is built by the first question, on a thread of its own, and kept.

    Args:
        background: Where it is built and asked.
        path: The run's file.
        data_dir: Where its data are looked for first.
        tell: Told in a sentence, on the GUI thread, where the last state is damaged and an earlier one is asked.
    """

    def __init__(
        self, background: Background, path: Path, data_dir: Path | None, tell: Callable[[str], object]
    ) -> None:
        self._background = background
        self.path = path
        self._data_dir = data_dir
        self._tell = tell
        #: Belongs to the thread that builds.
        self._training: train.training.Training | None = None
        #: What is still to be told.
        self._remark = ""

    def ask(
        self,
        question: Callable[[train.training.Training], _Result],
        done: Callable[[_Result], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Have a question answered; as :meth:`ShownNetwork.ask`, but it cannot be taken back."""

        def work() -> _Result:
            if self._training is None:
                from nnviz.explain.asked import of_run  # noqa: PLC0415 - torch belongs to this thread

                _, self._training, self._remark = of_run(self.path, None, self._data_dir)
            return question(self._training)

        def answered(result: _Result) -> None:
            remark, self._remark = self._remark, ""
            if remark:
                self._tell(f"{self.path.name}: {remark}")
            done(result)

        self._background.start(work, answered, failed, lane=_LANE)
