"""Work that may take a while (files, mostly) off the GUI thread; the answer comes back on it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import shiboken6
from PySide6.QtCore import QObject, QRunnable, Qt, QThreadPool, Signal

from nnviz.gui.parts.late_signal import emit_late

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")


class _Answer(QObject):
    """Carries one answer from the pool's thread to the GUI thread."""

    done = Signal(object, object)


class _Job(QRunnable):
    def __init__(self, work: Callable[[], Any], answer: _Answer) -> None:
        super().__init__()
        self._work = work
        self._answer = answer
        self._done = answer.done

    def run(self) -> None:
        result: object = None
        failure: BaseException | None = None
        try:
            result = self._work()
        except BaseException as error:  # noqa: BLE001 - every failure is handed to the GUI thread, which tells of it
            failure = error
        if not emit_late(self._answer, self._done, result, failure):
            _log.debug("A job ended after Qt was gone.", exc_info=failure)


class Background(QObject):
    """A small pool for jobs of one window.

    Jobs of the same ``lane`` run one after the other in the order in which they were started, so that two saves of one
    file never overtake each other; other lanes run beside them.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pools: dict[str, QThreadPool] = {}
        self._answers: set[_Answer] = set()
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether any job is under way."""
        return bool(self._answers)

    def start(
        self,
        work: Callable[[], _Result],
        done: Callable[[_Result], None],
        failed: Callable[[BaseException], None],
        lane: str = "files",
    ) -> None:
        """Run ``work`` on another thread, then ``done(result)`` or ``failed(error)`` on this one."""
        # Without a parent: the job holds it, so that it is there to be emitted also when the window has gone meanwhile.
        answer = _Answer()

        def deliver(result: Any, failure: BaseException | None) -> None:
            answer.deleteLater()
            if self._closed or not shiboken6.isValid(self):
                # What was only looked up for the window is wanted no more; that something failed must not be lost.
                if failure is not None:
                    _log.warning("A job failed after the window was closed.", exc_info=failure)
                return
            self._answers.discard(answer)
            if failure is not None:
                failed(failure)
            else:
                done(result)

        answer.done.connect(deliver, Qt.ConnectionType.QueuedConnection)
        self._answers.add(answer)
        pool = self._pools.get(lane)
        if pool is None:
            pool = self._pools[lane] = QThreadPool(self)
            pool.setMaxThreadCount(1)
        pool.start(_Job(work, answer))

    def close(self, seconds: float) -> bool:
        """The window ends: wait for what was started; answers that have not come by now are given to nobody.

        A job that was begun when the window opened may have been answered in the last moment: the answer then waits
        for the loop, which comes to it when the window has gone.

        Args:
            seconds: How long to wait at most.

        Returns:
            Whether everything has ended.
        """
        ended = self.wait(seconds)
        self._closed = True
        self._answers.clear()
        return ended

    def wait(self, seconds: float) -> bool:
        """Wait for everything that was started; False when the time was not enough. Answers still come by the loop."""
        return all(pool.waitForDone(round(seconds * 1000)) for pool in self._pools.values())
