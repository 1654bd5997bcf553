"""Tables of the user's own: a file of text, Parquet or a workbook, with a column that says what is right."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nnviz.data.dataset_spec import DatasetSpec
from nnviz.data.memory_budget import WHERE, budget_bytes, is_streamed
from nnviz.data.sources.source import (
    TEST_PARAMS,
    Arrays,
    Request,
    Source,
    SourceFacts,
    hold_out_share,
    state_of,
    streamed_note,
    test_sizes,
)
from nnviz.data.table_choice import ENDINGS, TEXT_ENDINGS, kinds_of, texts_of
from nnviz.errors import DataError
from nnviz.project.model import Choice
from nnviz.project.spec import ParamSpec

if TYPE_CHECKING:
    from nnviz.data.table_of_file import FileTable, HowToRead
    from nnviz.data.table_recipe import Recipe
    from nnviz.data.table_taken import Taken

_PATH = "data.params.path"
#: What does not decide which numbers come in.
_NO_ROWS = frozenset({"path", "memory", "test_share", "test_seed"})

_TABLE_FILE = DatasetSpec(
    "table_file",
    "Table",
    "Your own table: CSV, TSV, Parquet or a workbook. One column is the target, the others come in; texts become "
    "categories, dates days. A fifth of the rows is the test split.",
    "tables",
    (
        ParamSpec("path", "file", "The file that holds the table.", "text", ""),
        ParamSpec(
            "target",
            "target",
            "The column that says what is right. Nothing: one called target, label, class or y, else the last.",
            "text",
            "",
        ),
        ParamSpec(
            "task",
            "target is",
            "Found: texts and few whole numbers are classes, other numbers are numbers.",
            "choice",
            "auto",
            choices=(("auto", "found"), ("classes", "classes"), ("numbers", "numbers")),
        ),
        ParamSpec(
            "target_unit",
            "target unit",
            "Numbers of the target are divided by this: prices counted in 100,000 are learned better than in 1.",
            "float",
            1.0,
            minimum=0,
            maximum=1e12,
            exclusive_minimum=True,
            logarithmic=True,
        ),
        ParamSpec(
            "missing",
            "missing values",
            "Mean: of the known numbers of the training split; a missing category is a category of its own. Own "
            "category: beside each number that is missing somewhere, a second one says so. Or the row is left out.",
            "choice",
            "mean",
            choices=(("mean", "mean"), ("category", "own category"), ("drop", "leave the row out")),
        ),
        ParamSpec(
            "categories",
            "categories",
            "One-hot: a number of 0 or 1 for each category. Index: one number, its place in the alphabet.",
            "choice",
            "one_hot",
            choices=(("one_hot", "one-hot"), ("index", "index")),
        ),
        ParamSpec("left_out", "left out", "Names of the columns that do not come in, one a line.", "texts", ()),
        ParamSpec(
            "kinds",
            "kinds",
            "What columns are taken as where it was found wrongly, one a line: NAME=number, NAME=category, NAME=date, "
            "NAME=date month first, NAME=left out.",
            "texts",
            (),
        ),
        ParamSpec(
            "separator",
            "separator",
            "What stands between the columns of a text.",
            "choice",
            "auto",
            choices=(
                ("auto", "found"), ("comma", "comma"), ("semicolon", "semicolon"), ("tab", "tab"), ("bar", "bar |"),
            ),
            advanced=True,
        ),
        ParamSpec(
            "decimal",
            "decimals",
            "What stands before the decimals of a number.",
            "choice",
            "auto",
            choices=(("auto", "found"), ("point", "point"), ("comma", "comma")),
            advanced=True,
        ),
        ParamSpec(
            "encoding",
            "encoding",
            "How letters are written as bytes.",
            "choice",
            "auto",
            choices=(("auto", "found"), ("utf-8", "UTF-8"), ("cp1252", "cp1252"), ("utf-16", "UTF-16")),
            advanced=True,
        ),
        ParamSpec(
            "header",
            "header",
            "Whether the first row names the columns.",
            "choice",
            "auto",
            choices=(("auto", "found"), ("yes", "first row"), ("no", "none")),
            advanced=True,
        ),
        ParamSpec("sheet", "sheet", "Of a workbook: its name; nothing for the first.", "text", "", advanced=True),
        WHERE,
        *TEST_PARAMS,
    ),
    facts=None,
    count=None,
    source="Your own file.",
    licence="yours",
    offline=False,
    folder_param="path",
    endings=ENDINGS,
    preparation=(Choice("standardise"),),
)  # fmt: skip


class TableFile(Source):
    """Rows of a file; read once for looking at it and for loading it."""

    def declare(self) -> tuple[DatasetSpec, ...]:
        """One data set, of which nothing is known before the file is looked at."""
        return (_TABLE_FILE,)

    def inspect(self, request: Request) -> SourceFacts:
        """Reads the file: only that tells what its columns are."""
        path = request.own_file()
        taken = _taken(request, path)
        sizes = test_sizes(request, len(taken.targets))
        facts = taken.facts
        notes = (*facts.notes, streamed_note("rows")) if facts.data.streamed else facts.notes
        return SourceFacts(facts.data, sizes, path, notes=notes, warnings=facts.warnings, columns=facts.columns)

    def files(self, request: Request, place: Path) -> Sequence[Path]:
        """The one file."""
        return [place]

    def read(self, request: Request, place: Path | None) -> Arrays:
        """See :meth:`Source.read`; numbers that are missing are NaN."""
        taken = _taken(request, request.own_file())
        return hold_out_share(request, taken.inputs, taken.targets)

    def recipes(self, request: Request) -> tuple[HowToRead, tuple[Recipe, ...]]:
        """See :meth:`Source.recipes`."""
        path = request.own_file()
        how, facts = _how_to_read(request), _taken(request, path).facts
        # A small table to be predicted says less of how it is written than the one of the training did.
        if path.suffix.lower() in TEXT_ENDINGS:
            how = replace(how, decimal=facts.decimal)
        return replace(how, only_sheet=True), facts.recipes


def _bytes(rows: int, columns: int) -> int:
    """Memory that the numbers of a table would take."""
    return 4 * rows * columns


def _how_to_read(request: Request) -> HowToRead:
    from nnviz.data.table_of_file import HowToRead

    separator, decimal, encoding = (request.text(name) for name in ("separator", "decimal", "encoding"))
    return HowToRead(separator, decimal, encoding, request.text("header"), request.text("sheet"))


def _table(request: Request, path: Path, key: Hashable) -> FileTable:
    """The table as it stands in the file, from memory where that has not changed."""
    from nnviz.data.table_memory import MEMORY
    from nnviz.data.table_reading import read_table

    where = request.text("memory")
    # A table of text takes about four times its bytes while it is looked at.
    most = None if where == "memory" else budget_bytes() // 4

    def read() -> FileTable:
        return read_table(path, _how_to_read(request), request.report, most)

    return MEMORY.table(key, read)


def _taken(request: Request, path: Path) -> Taken:
    """The table as it was chosen, from memory or from the disk where neither file nor choice has changed."""
    from nnviz.data import table_taken
    from nnviz.data.table_columns import HowToTake, understand
    from nnviz.data.table_large import LostColumnsError
    from nnviz.data.table_memory import MEMORY
    from nnviz.data.table_of_file import MOST_CELLS

    # What is other where the file is, or how it is read.
    state = f"{state_of([path])} {_how_to_read(request)}"
    where = request.text("memory")
    table_key, most = (state, where), _bytes(MOST_CELLS, 1)
    # All that decides what the rows are, in any process.
    values = tuple(sorted((name, value) for name, value in request.values.items() if name not in _NO_ROWS))
    whole_state = f"rows 2 {state} {values}"

    def make() -> Taken:
        # What lies on the disk is known without a look into the file.
        known = None if where == "memory" else table_taken.opened(whole_state)
        if known is not None and is_streamed(where, _bytes(*known.inputs.shape), most):
            return known
        chosen = HowToTake(
            target=request.text("target"),
            task=request.text("task"),
            kinds=kinds_of(texts_of(request.values, "kinds")),
            left_out=texts_of(request.values, "left_out"),
            missing=request.text("missing"),
            categories=request.text("categories"),
            target_unit=request.number("target_unit"),
        )
        found = understand(
            _table(request, path, table_key),
            chosen,
            str(path),
            whole_state,
            lambda done, total: request.report(done, total, "Understanding"),
        )
        needed = _bytes(*found.rows.shape)
        if is_streamed(where, needed, most):
            return table_taken.on_disk(
                found, whole_state, lambda done, total: request.report_import(done, total, "rows")
            )
        if needed > most:
            rows, features = found.rows.shape
            raise DataError(
                f"The columns become {features:,} numbers in each of {rows:,} rows, and at most {MOST_CELLS:,} numbers "
                "are held in memory: let them be streamed from the disk, leave out columns, or take categories as an "
                "index.",
                field="data.params.memory",
            )
        return table_taken.in_memory(found, request.report)

    def make_of_what_is_there() -> Taken:
        try:
            return make()
        except LostColumnsError:  # somebody emptied the folder of the columns meanwhile
            MEMORY.forget_table(table_key)
            return make()

    try:
        return MEMORY.taken((state, values, where), make_of_what_is_there, lambda: request.report(0, 1))
    except DataError as error:
        raise error.at(file=str(path)) from None
