"""Arrays of the user's own: a ``.npy`` or ``.npz`` file of pictures or of numbers, with their answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nnviz.data.dataset_spec import DatasetSpec
from nnviz.data.memory_budget import WHERE
from nnviz.data.sources.source import (
    TEST_PARAMS,
    Arrays,
    Request,
    Source,
    SourceFacts,
    hold_out_share,
    some,
    state_of,
    streamed_note,
    test_share,
    test_sizes,
)
from nnviz.errors import DataError
from nnviz.project.spec import ParamSpec

if TYPE_CHECKING:
    from nnviz.data.numpy_sets import Plan

_PATH = "data.params.path"

_NUMPY_FILE = DatasetSpec(
    "numpy_file",
    "NumPy arrays",
    "Your own arrays: a .npz file with x and y (or x_train, y_train, x_test, y_test), or "
    "x.npy with y.npy beside it. Pictures [n, h, w], [n, h, w, c] or [n, c, h, w]; features [n, k]. Without arrays for "
    "it a fifth is the test split. Arrays of Python objects are never opened.",
    "tables",
    (
        ParamSpec("path", "file", "The .npy or .npz file.", "text", ""),
        ParamSpec(
            "inputs",
            "inputs",
            "The name of the array of inputs in a .npz file. Nothing: it is found by the usual names, such as x, "
            "x_train, images or data.",
            "text",
            "",
        ),
        ParamSpec(
            "targets",
            "answers",
            "The name of the array of answers, or of their .npy file. Nothing: y, labels or targets.",
            "text",
            "",
        ),
        ParamSpec(
            "layout",
            "channels",
            "Where the colours stand in an array of four dimensions. Found: last where that has 1 or 3.",
            "choice",
            "auto",
            choices=(("auto", "found"), ("last", "last [n, h, w, c]"), ("first", "first [n, c, h, w]")),
        ),
        ParamSpec(
            "task",
            "answers are",
            "Found: texts and few whole numbers are classes, other numbers are numbers.",
            "choice",
            "auto",
            choices=(("auto", "found"), ("classes", "classes"), ("numbers", "numbers")),
        ),
        WHERE,
        *TEST_PARAMS,
    ),
    facts=None,
    count=None,
    source="Your own file.",
    licence="yours",
    offline=False,
    folder_param="path",
    endings=(".npz", ".npy"),
)


class NumpyFile(Source):
    """Arrays in a file, read piece by piece."""

    def declare(self) -> tuple[DatasetSpec, ...]:
        """One data set, of which nothing is known before the file is looked at."""
        return (_NUMPY_FILE,)

    def inspect(self, request: Request) -> SourceFacts:
        """Reads headers and answers, and the range of the numbers."""
        path = _path(request)
        plan = _plan(request, path)
        count = plan.training.inputs.shape[0]
        validation = None if plan.validation is None else plan.validation.inputs.shape[0]
        test = 0 if plan.test is None else plan.test.inputs.shape[0]
        undivided = plan.test is None and plan.validation is None
        sizes = test_sizes(request, count) if undivided else (count + (validation or 0), test)
        notes = (*plan.notes, streamed_note("examples")) if plan.streamed else plan.notes
        return SourceFacts(plan.facts, sizes, path, validation=validation, notes=notes)

    def files(self, request: Request, place: Path) -> Sequence[Path]:
        """The file, and those beside it that hold the answers."""
        return _plan(request, _path(request)).files

    def read(self, request: Request, place: Path | None) -> Arrays:
        """See :meth:`Source.read`; validation comes last in the training part where there is one."""
        import numpy as np

        plan = _plan(request, _path(request))
        inputs = request.brought(plan.rows(state_of(plan.files)), streamed=plan.streamed)
        targets = np.concatenate(plan.labels)
        if plan.validation is None and plan.test is None:
            return hold_out_share(request, inputs, targets)
        tested = 0 if plan.test is None else len(plan.labels[-1])
        first, rest = slice(None, len(targets) - tested), slice(len(targets) - tested, None)
        return some(inputs, first), targets[first], some(inputs, rest), targets[rest]


def _path(request: Request) -> Path:
    """The file that is named.

    Raises:
        DataError: None is, or what is named is no file.
    """
    path = request.own_file()
    if path.suffix.lower() not in _NUMPY_FILE.endings:
        raise DataError("A file of NumPy arrays ends in .npy or .npz.", field=_PATH, file=str(path))
    return path


def _plan(request: Request, path: Path) -> Plan:
    from nnviz.data.numpy_sets import HowToTake, plan_of

    inputs, targets, layout, task = (request.text(name) for name in ("inputs", "targets", "layout", "task"))
    how = HowToTake(inputs, targets, layout, task, *test_share(request), request.text("memory"))
    return plan_of(path, how, lambda done, total: request.report(done, total, "Looking through"))
