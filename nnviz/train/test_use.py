"""A look at the test set from outside of a training, counted in the file of the run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nnviz.record.evaluated import AnyEvaluated, to_reading
from nnviz.record.readings import Reading
from nnviz.record.run import RunView
from nnviz.record.run_lock import RunLock
from nnviz.record.store import RunWriter
from nnviz.record.stored import open_run
from nnviz.record.test_uses import uses_of
from nnviz.train import remarks


def count_in_file(path: Path, evaluated: AnyEvaluated, scores: Iterable[Reading]) -> int:
    """Writes down that the test set was used once more; from any thread, while nobody else writes the run.

    What was measured is put beside it, unless the run knows something of a later step already.

    Args:
        path: The run's file.
        evaluated: What was made of every test example.
        scores: Its means, at the same step.

    Returns:
        How often it was used, with this time.

    Raises:
        StorageError: The file cannot be written, or somebody else writes it.
        RunFileError: It cannot be read as a whole.
        OSError: There is no place for its lock.
    """
    open_run(path).close()  # before anything is laid beside what may be no run at all
    lock = RunLock.take(path.resolve())
    try:
        with open_run(path) as stored:
            run = stored.to_run()
            run.finished = stored.finished
    except BaseException:
        lock.release()
        raise
    uses = uses_of(run) + 1
    kept = to_reading(evaluated)
    measured: list[Reading] = [*scores, *([] if kept is None else [kept])]
    with RunWriter(run, path, resume=True, lock=lock) as writer:
        run.append([one for one in measured if not _is_overtaken(run, one)])
        run.append(remarks.test_used(max(run.last_step, 0), uses))
        writer.close()
    if writer.error is not None:
        raise writer.error
    return uses


def _is_overtaken(run: RunView, reading: Reading) -> bool:
    """Whether a series knows something later, which a reading from before would take away."""
    newest = run.latest(reading.series)
    return newest is not None and newest.step > reading.step
