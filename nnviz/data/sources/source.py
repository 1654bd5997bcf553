"""What a source of data does, and the facts that are found about it. Loads neither numpy nor torch.

A source declares one or several data sets, finds out what only the disk can tell, and reads the examples. Declaring
costs microseconds and is done for all of them at the start of the program; so what needs numpy is imported inside
:meth:`Source.read`.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from nnviz.data.dataset_spec import TEST_SHARE, DatasetSpec, generated_sizes
from nnviz.data.folders import find, search_roots
from nnviz.errors import Cancelled, DataError
from nnviz.paths import check_file, given_path
from nnviz.project.model import DataFacts, Params
from nnviz.project.spec import ParamSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nnviz.data.image_files import Levels
    from nnviz.data.row_blocks import RowBlocks
    from nnviz.data.stored_rows import StoredRows
    from nnviz.data.table_of_file import HowToRead
    from nnviz.data.table_recipe import Recipe

#: (what is being done, how much of it is done, of how much): called from the thread that does it.
Progress: TypeAlias = Callable[[str, int, int], None]
#: How what is being done begins while examples are brought to the disk for good.
IMPORTING = "Importing"
#: Asked now and then by what takes long; True ends it with :class:`~nnviz.errors.Cancelled`.
CancelledCheck: TypeAlias = Callable[[], bool]
#: Inputs as a source gives them: in memory, or on the disk.
ReadInputs: TypeAlias = "NDArray[Any] | StoredRows"
#: Arrays as a source gives them: (training inputs, training targets, test inputs, test targets).
Arrays: TypeAlias = "tuple[ReadInputs, NDArray[Any], ReadInputs, NDArray[Any]]"


@dataclass(frozen=True)
class ColumnFacts:
    """What was made of a column of a table.

    Attributes:
        name: Its name.
        kind: ``number``, ``category``, ``date`` or ``left out``.
        use: ``input``, ``target`` or ``left out``.
        about: What stands in it, in words; why, where it is left out.
    """

    name: str
    kind: str
    use: str
    about: str


@dataclass(frozen=True)
class SourceFacts:
    """What is known of a chosen data set without its examples: what views show.

    Attributes:
        data: Shape, targets and classes.
        sizes: Number of (training + validation, test) examples.
        place: Where its files lie; None where it has none, or they are missing.
        missing: What is missing and how to get it, in sentences; empty where nothing is.
        looked: Whether the disk has been asked; otherwise ``place`` and ``missing`` say nothing.
        validation: How many of the training examples, the last ones, are the validation split by themselves; None where
            they are divided by the validation share.
        notes: What was made of what lies there, in sentences.
        warnings: What of it could not be used, or somebody might not have wanted; likewise.
        columns: Of a table of the user's own: every column of it, in its order.
        unreadable: How many examples cannot be read, and are left out if somebody says yes to that.
        first_unreadable: The first of these with their reasons.
    """

    data: DataFacts
    sizes: tuple[int, int]
    place: Path | None = None
    missing: str = ""
    looked: bool = True
    validation: int | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    columns: tuple[ColumnFacts, ...] = ()
    unreadable: int = 0
    first_unreadable: tuple[str, ...] = ()

    @property
    def unreadable_words(self) -> str:
        """What cannot be read, in a sentence; empty where all can."""
        if not self.unreadable:
            return ""
        named = "; ".join(one.rstrip(".") for one in self.first_unreadable)
        rest = self.unreadable - len(self.first_unreadable)
        what = "1 example cannot be read" if self.unreadable == 1 else f"{self.unreadable:,} examples cannot be read"
        return f"{what}: {named}{f'; and {rest:,} more' if rest else ''}."


@dataclass(frozen=True)
class LeftOutFile:
    """A file that lies with the examples and holds none: its name, and why, as a sentence."""

    file: str
    reason: str


@dataclass(frozen=True)
class Request:
    """What a source is asked about.

    Attributes:
        spec: Which of the data sets that it declares.
        values: All of its parameters, checked.
        data_dir: Where its files are looked for first.
        progress: Told how far it is, from the thread that works.
        cancelled: Asked now and then; True ends the work.
        known: What a source has found out about it, so that it says the same all along.
    """

    spec: DatasetSpec
    values: Params
    data_dir: Path | None = None
    progress: Progress | None = None
    cancelled: CancelledCheck | None = None
    known: dict[str, object] = field(default_factory=dict, repr=False, compare=False)

    def report(self, done: int, total: int, doing: str = "Loading") -> None:
        """Tells the listener how far it is, and stops here when that was asked for.

        Raises:
            Cancelled: The listener wants no more.
        """
        if self.cancelled is not None and self.cancelled():
            raise Cancelled(f"{doing} {self.spec.title} was stopped.")
        if self.progress is not None:
            self.progress(f"{doing} {self.spec.title}", done, total)

    def report_import(self, done: int, total: int, what: str) -> None:
        """As :meth:`report`, of examples that are brought to the disk for good.

        Args:
            done: How many are there.
            total: Of how many.
            what: What they are called, in the plural.
        """
        try:
            self.report(done, total, IMPORTING)
        except Cancelled:
            how_far = f"about {done:,} of {total:,} {what}"
            raise Cancelled(f"The import was stopped at {how_far}. Next time it goes on from there.") from None

    def brought(self, rows: RowBlocks, *, streamed: bool) -> ReadInputs:
        """All examples that come in blocks: in memory, or on the disk for good.

        Raises:
            DataError: Their file is damaged, or was changed meanwhile.
            StorageError: The disk has no room for them, or cannot be written.
            Cancelled: The listener wants no more.
        """
        count = rows.shape[0]
        if streamed:
            return rows.on_disk(lambda done: self.report_import(done, count, rows.what))
        return rows.in_memory(lambda done: self.report(done, count))

    def number(self, name: str) -> float:
        """A numeric parameter."""
        value = self.values[name]
        assert isinstance(value, (int, float))  # the ParamSpec parsed it
        return value

    def text(self, name: str) -> str:
        """A parameter that is a text or a choice."""
        return str(self.values[name])

    def own_file(self) -> Path:
        """The file of the user's own, of a data set that is one.

        Raises:
            DataError: None is named, or what is named is no file.
        """
        named, field = self.text(self.spec.folder_param), f"data.params.{self.spec.folder_param}"
        if not named:
            raise DataError(f"Choose the file of the {self.spec.title}.", field=field)
        path = given_path(named, field, DataError)
        check_file(path, field, DataError)
        return path


class Source:
    """Where examples come from. A new one is a file with a subclass, and its line in ``sources/__init__.py``.

    Only :meth:`declare` and :meth:`read` have to be written for what comes without files of the user's own.
    """

    def declare(self) -> tuple[DatasetSpec, ...]:
        """The data sets that it offers, in the order to show them; asks no disk."""
        raise NotImplementedError

    def inspect(self, request: Request) -> SourceFacts:
        """What only the disk can tell, added to what is declared: a worker's job, never the GUI thread's.

        Raises:
            DataError: Not even shape and classes can be told; names the field or the file.
            Cancelled: ``request.cancelled`` said so.
        """
        known = declared(request.spec, request.values)
        assert known is not None, f"{request.spec.kind} declares no facts and does not look for them"
        place, missing = located(request)
        return SourceFacts(known.data, known.sizes, place, missing)

    def listed(self, request: Request) -> SourceFacts | None:
        """What is declared, else what the mere names of the files tell: nothing is read, nothing is kept on the disk.

        None where only reading tells.

        Raises:
            DataError: The files cannot be listed, or are no such data.
            Cancelled: ``request.cancelled`` said so.
        """
        return declared(request.spec, request.values)

    def files(self, request: Request, place: Path) -> Sequence[Path]:
        """The files whose change makes its examples others; those that are missing do no harm."""
        return [place / f"{name}{packed}" for name in request.spec.files for packed in ("", ".gz")]

    def state(self, request: Request, place: Path) -> Hashable:
        """Changes when its files do, so that nothing outdated is kept: names, sizes and times of all of them."""
        marks = []
        for file in self.files(request, place):
            with contextlib.suppress(OSError):
                facts = file.stat()
                marks.append((str(file), facts.st_size, facts.st_mtime_ns))
        return hash(tuple(marks)), len(marks)

    def read(self, request: Request, place: Path | None) -> Arrays:
        """The examples; ``place`` is where its files lie, as :meth:`inspect` found it.

        Returns:
            Training inputs (uint8[n, channels, height, width] or float32[n, features]), training targets (int64[n], or
            float32[n, k] for regression), and the same of the test split. A missing number of a table is NaN: it
            becomes the mean of its column over the training split, as soon as that is known.

        Raises:
            DataError: Its files are missing or corrupt.
            Cancelled: ``request.cancelled`` said so.
        """
        raise NotImplementedError

    def levels(self, request: Request) -> Levels | None:
        """What is black and white in its pictures of more than 8 bits, for others like them; None where nothing says.

        Raises:
            DataError: They cannot be read.
        """
        return None

    def recipes(self, request: Request) -> tuple[HowToRead, tuple[Recipe, ...]] | None:
        """How a table is read and its columns become numbers, for others like it; None where nothing says.

        Raises:
            DataError: It cannot be read.
        """
        return None

    def example_files(self, request: Request) -> tuple[Sequence[str], Sequence[str]] | None:
        """Which file each example is, as a person would name it: training (with validation) and test, as read.

        None where examples have no files of their own.
        """
        return None

    def left_out(self, request: Request) -> tuple[LeftOutFile, ...]:
        """Every file that lies with the examples and holds none; :meth:`inspect` names the first few of them."""
        return ()


def declared(spec: DatasetSpec, values: Params) -> SourceFacts | None:
    """What is known without asking the disk; None where only looking tells."""
    if spec.facts is None or spec.count is None:
        return None
    return SourceFacts(spec.facts(values), spec.count(values), looked=not spec.folder)


def located(request: Request) -> tuple[Path | None, str]:
    """Where torchvision's folder of a data set lies, else what is missing; neither where it has no folder.

    Looked for in ``request.data_dir``, then in NNVIZ_DATA, then in the user's data folder.

    Raises:
        DataError: One of those can be no folder.
    """
    spec = request.spec
    if not spec.folder:
        return None, ""
    roots = search_roots(request.data_dir)
    found = find(roots, spec.folder, spec.files) or (find(roots, ".", spec.files) if spec.flat else None)
    if found is not None:
        return found, ""
    looked = ", ".join(str(root / spec.folder) for root in roots)
    return None, f"{spec.title} was not found. Looked for {looked}. {how_to_get(spec)}"


def how_to_get(spec: DatasetSpec) -> str:
    """The cure for a missing or damaged data set, as a sentence."""
    megabytes = max(1, round(spec.download_bytes / 1e6))
    return (
        f"Download it from the Data tab ({megabytes} MB) or with 'nnviz train … --download', or name a folder that "
        "torchvision downloaded with --data-dir or NNVIZ_DATA."
    )


def hold_out_test(request: Request, inputs: ReadInputs, targets: NDArray[Any], count: int | None = None) -> Arrays:
    """Takes the test split out of an undivided set: always the same examples, every class with its share.

    Args:
        request: What is read.
        inputs: All examples.
        targets: Their answers.
        count: How many are taken; as declared by default. The parameter ``test_seed`` fixes which ones.
    """
    import numpy as np

    from nnviz.data.division import stratified

    if count is None:
        assert request.spec.count is not None
        _, count = request.spec.count(request.values)
    chosen = stratified(targets, count, test_share(request)[1])
    rest: NDArray[np.bool_] = np.ones(len(inputs), bool)
    rest[chosen] = False
    return some(inputs, rest), targets[rest], some(inputs, chosen), targets[chosen]


def _test_params(where: str) -> tuple[ParamSpec, ParamSpec]:
    share = f"Share of the examples that is the sealed test split, of every class its part{where}. 0: there is none."
    return (
        ParamSpec("test_share", "test share", share, "float", TEST_SHARE, 0.0, 0.9),
        ParamSpec(
            "test_seed",
            "test seed",
            "Fixes which examples the test split holds.",
            "int",
            0,
            0,
            2**31 - 1,
            advanced=True,
        ),
    )


#: How much of what is generated, or comes as one table, is the test split.
DRAWN_TEST_PARAMS = _test_params("")
#: The same of the user's own data, where the files have none of their own.
TEST_PARAMS = _test_params(", where the files have none of their own")


def test_share(request: Request) -> tuple[float, int]:
    """What :data:`TEST_PARAMS` say: the share, and the seed."""
    return request.number("test_share"), int(request.number("test_seed"))


def test_sizes(request: Request, count: int) -> tuple[int, int]:
    """Number of (training + validation, test) examples among so many undivided ones of the user's own."""
    return generated_sizes(count, test_share(request)[0])


def hold_out_share(request: Request, inputs: ReadInputs, targets: NDArray[Any]) -> Arrays:
    """Takes the test split out of undivided examples of the user's own, as :data:`TEST_PARAMS` say."""
    return hold_out_test(request, inputs, targets, test_sizes(request, len(targets))[1])


def some(inputs: ReadInputs, which: slice | NDArray[Any]) -> ReadInputs:
    """Some examples; of what lies on the disk nothing is read yet."""
    import numpy as np

    return inputs[which] if isinstance(inputs, np.ndarray) else inputs.only(which)


def streamed_note(what: str) -> str:
    """What is told of a set that is streamed."""
    from nnviz.data.row_store import root

    return (
        f"Streamed: the {what} lie ready in {root()} and are read from there batch by batch. That folder may be "
        "deleted: they are then brought there anew."
    )


def state_of(files: Sequence[Path]) -> str:
    """Says which files these are and in which state, in any process; one that cannot be looked at counts as such."""
    found = hashlib.sha256()
    for file in files:
        try:
            facts = file.stat()
            mark = f"{facts.st_size} {facts.st_mtime_ns}"
        except (OSError, ValueError):
            mark = "gone"
        found.update(f"{file.absolute()}\0{mark}\0".encode("utf-8", "surrogatepass"))
    return found.hexdigest()


def missing_files(request: Request) -> DataError:
    """The error of a set whose files are in none of the places."""
    return DataError(located(request)[1], field="data.dataset")


# --- what several declarations share --------------------------------------------------------------------------------


def count_param(default: int, most: int, help: str) -> ParamSpec:
    """The parameter that says how many examples are drawn, for sources that generate them."""
    return ParamSpec(
        "count",
        "examples",
        help,
        "int",
        default,
        minimum=20,
        maximum=most,
        logarithmic=True,
    )


#: Fixes what is drawn.
SEED = ParamSpec("seed", "seed", "The same seed gives the same examples again.", "int", 0, minimum=0, maximum=2**32 - 1)


def counted(params: Params) -> tuple[int, int]:
    """Sizes of the splits where the parameters ``count`` and ``test_share`` say how many examples are drawn."""
    count = params["count"]
    assert isinstance(count, int)  # the ParamSpec parsed it
    return shared(count)(params)


def shared(count: int) -> Callable[[Params], tuple[int, int]]:
    """The sizes of so many examples that the parameter ``test_share`` divides."""

    def sizes(params: Params) -> tuple[int, int]:
        share = params["test_share"]
        assert isinstance(share, float)  # the ParamSpec parsed it
        return generated_sizes(count, share)

    return sizes


def fixed(value: DataFacts) -> Callable[[Params], DataFacts]:
    """The facts of a data set that is the same whatever its parameters."""
    return lambda params: value


def sized(training: int, test: int) -> Callable[[Params], tuple[int, int]]:
    """The sizes of a data set that are the same whatever its parameters."""
    return lambda params: (training, test)
