"""Rows of numbers that somebody types: a frozen table, what may be done with it, and what is wrong with it.

It is kept in the project as the parameters of a data set, so that undo, files and the command line treat it like any
other setting. Loads neither numpy nor torch.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from nnviz.errors import DataError, ParamError
from nnviz.project.model import DataFacts, Params, ParamValue
from nnviz.project.spec import ParamSpec
from nnviz.project.value_text import number_text, parse_text

#: More than anybody types; a file with more is refused.
MOST_ROWS, MOST_COLUMNS = 1_000, 100
#: Far inside what a number of single precision can hold.
LARGEST = 1e30
NOTHING, NUMBERS, CLASSES = "none", "numbers", "classes"

ROWS = ParamSpec(
    "rows",
    "rows",
    "One row an example: the numbers that come in, then the right answer where there is one. Of a class its number, "
    "counted from 0.",
    "matrix",
    ((1.0, 2.0),),
    minimum=-LARGEST,
    maximum=LARGEST,
)
PARAMS = (
    ROWS,
    ParamSpec("columns", "columns", "Names of the numbers that come in; x1, x2 … where none are given.", "texts", ()),
    ParamSpec(
        "right",
        "right answer",
        "Nothing: the network is only evaluated, and the loss is what comes out of it. Else each row ends with what is "
        "right: numbers, or a class.",
        "choice",
        NOTHING,
        choices=((NOTHING, "nothing"), (NUMBERS, "numbers"), (CLASSES, "a class")),
    ),
    ParamSpec(
        "answers",
        "names of the answers",
        "Of the numbers that are right, one a column (y where none is given), or of the classes, in their order.",
        "texts",
        (),
        shown_when=("right", (NUMBERS, CLASSES)),
    ),
)


@dataclass(frozen=True)
class TypedTable:
    """What was typed.

    Attributes:
        rows: All of one length: the numbers that come in, then what is right.
        columns: Names of the numbers that come in.
        right: ``none``, ``numbers`` or ``classes``.
        answers: Names of the numbers that are right, or of the classes; empty where nothing is.
    """

    rows: tuple[tuple[float, ...], ...]
    columns: tuple[str, ...]
    right: str = NOTHING
    answers: tuple[str, ...] = ()

    @classmethod
    def of(cls, params: Params) -> TypedTable:
        """The table in the parameters of the data set, all of them and parsed.

        Raises:
            DataError: They do not belong together, or there are too many rows; ``field`` says which is wrong.
        """
        rows, right = _rows(params), str(params["right"])
        answers = _texts(params["answers"])
        if right == NOTHING:
            answers = ()
        elif right == NUMBERS:
            answers = answers or ("y",)
        elif not answers:
            answers = ("0", "1")
        elif len(answers) < 2:
            raise _wrong("answers", f"There is one class, {answers[0]}: at least two are needed.")
        width, ends = len(rows[0]), _ends(right, answers)
        if width <= ends:
            needs = f"{ends} for the right answer" if right == NUMBERS else "one for the class"
            raise _wrong("rows", f"A row has {_many(width)}: {needs}, and at least one that comes in, are needed.")
        columns = _texts(params["columns"])
        if columns and len(columns) != width - ends:
            raise _wrong(
                "columns", f"Of {_many(width - ends)} that come in the names are needed, but {len(columns)} are given."
            )
        found = cls(rows, columns or tuple(f"x{at + 1}" for at in range(width - ends)), right, answers)
        if right == CLASSES:
            found._check_classes()
        return found

    def _check_classes(self) -> None:
        for at, row in enumerate(self.rows):
            if not (row[-1].is_integer() and 0 <= row[-1] < len(self.answers)):
                last = len(self.answers) - 1
                raise _wrong(
                    "rows",
                    f"The class of row {at + 1} is {number_text(row[-1])}, but must be a whole number from 0 "
                    f"({self.answers[0]}) to {last} ({self.answers[last]}).",
                )

    @property
    def params(self) -> dict[str, ParamValue]:
        """The parameters that say the same; names that would be given anyhow are left out."""
        usual = tuple(f"x{at + 1}" for at in range(len(self.columns)))
        found: dict[str, ParamValue] = {"rows": self.rows}
        if self.columns != usual:
            found["columns"] = self.columns
        if self.right != NOTHING:
            found |= {"right": self.right, "answers": self.answers}
        return found

    @property
    def facts(self) -> DataFacts:
        """What a graph has to know of it. Two classes are a yes or no."""
        task, targets = "none", 0
        names: tuple[str, ...] = ()
        if self.right == NUMBERS:
            task, targets = "regression", len(self.answers)
        elif self.right == CLASSES:
            task, targets, names = "classes", len(self.answers), self.answers
            if targets == 2:
                task, targets = "binary", 1
        examples = (len(self.rows),) * 3
        return DataFacts((len(self.columns),), targets, task, names, examples, feature_names=self.columns, typed=True)

    @property
    def titles(self) -> tuple[str, ...]:
        """Of all columns: the names of what comes in, then of what is right."""
        if self.right == CLASSES:
            return (*self.columns, "class")
        return (*self.columns, *self.answers)

    # ------------------------------------------------------------------ cells

    def is_answer(self, column: int) -> bool:
        """Whether what is right stands in a column."""
        return column >= len(self.columns)

    def text(self, row: int, column: int) -> str:
        """What stands in a cell: a number, or the name of a class."""
        value = self.rows[row][column]
        return self.answers[int(value)] if self._is_class(column) else number_text(value)

    def with_text(self, row: int, column: int, text: str) -> TypedTable:
        """The table with another number or class in a cell.

        Raises:
            ParamError: It is none; the sentence names the cell.
        """
        value = self._value(row, column, text)
        changed = (*self.rows[row][:column], value, *self.rows[row][column + 1 :])
        return replace(self, rows=(*self.rows[:row], changed, *self.rows[row + 1 :]))

    def pasted(self, row: int, column: int, text: str) -> TypedTable:
        """The table with lines of numbers put over it from a cell on; rows are added where there are not enough.

        Args:
            row: Where the first line goes; the number of rows puts it behind the last.
            column: Where its first number goes.
            text: A line a row; tabs, semicolons, commas or spaces between the numbers.

        Raises:
            ParamError: One of them is no number, or there are too many; the table is as it was.
        """
        lines = [_cells(line) for line in text.splitlines() if line.strip()]
        width = len(self.titles)
        if row + len(lines) > MOST_ROWS:
            raise ParamError(f"That would be {row + len(lines):,} rows; at most {MOST_ROWS:,} can be typed in.")
        found = self
        while len(found.rows) < row + len(lines):
            found = found.with_row(len(found.rows))
        rows = [list(one) for one in found.rows]
        for at, line in enumerate(lines):
            if column + len(line) > width:
                raise ParamError(f"Line {at + 1} has {_many(len(line))}, but there is room for {width - column}.")
            for across, cell in enumerate(line):
                rows[row + at][column + across] = self._value(row + at, column + across, cell)
        return replace(self, rows=tuple(map(tuple, rows)))

    def _is_class(self, column: int) -> bool:
        return self.right == CLASSES and self.is_answer(column)

    def _value(self, row: int, column: int, text: str) -> float:
        title = f"{self.titles[column]} in row {row + 1}"
        if self._is_class(column):
            name = text.strip().casefold()
            names = [one.casefold() for one in self.answers]
            if name in names:
                return float(names.index(name))
            spec = ParamSpec(
                column_name(column), title, "", "choice", "", choices=tuple((one, one) for one in self.answers)
            )
            if not (name.isdecimal() and len(name) < 6 and int(name) < len(names)):
                parse_text(spec, text)
            return float(name)
        spec = ParamSpec(column_name(column), title, "", "float", 0.0, minimum=-LARGEST, maximum=LARGEST)
        value = parse_text(spec, text)
        assert isinstance(value, float)  # the declaration says so
        return value

    # ------------------------------------------------------------------ rows and columns

    def with_row(self, at: int) -> TypedTable:
        """The table with one more row, which is like the one before it.

        Raises:
            ParamError: There are too many already.
        """
        if len(self.rows) >= MOST_ROWS:
            raise ParamError(f"There are {MOST_ROWS:,} rows, which is as many as can be typed in.")
        return replace(self, rows=(*self.rows[:at], self.rows[max(at - 1, 0)], *self.rows[at:]))

    def without_rows(self, gone: Collection[int]) -> TypedTable:
        """The table without some rows; one stays.

        Raises:
            ParamError: None would be left.
        """
        kept = tuple(row for at, row in enumerate(self.rows) if at not in gone)
        if not kept:
            raise ParamError("The last row stays: a network needs at least one example.")
        return replace(self, rows=kept)

    def with_column(self) -> TypedTable:
        """The table with one more number that comes in, 0 in every row.

        Raises:
            ParamError: There are too many already.
        """
        if len(self.titles) >= MOST_COLUMNS:
            raise ParamError(f"There are {MOST_COLUMNS} columns, which is as many as can be typed in.")
        count = len(self.columns)
        rows = tuple((*row[:count], 0.0, *row[count:]) for row in self.rows)
        taken = set(self.columns)
        name = next(name for number in range(count + 1, 2 * count + 3) if (name := f"x{number}") not in taken)
        return replace(self, rows=rows, columns=(*self.columns, name))

    def without_column(self, column: int) -> TypedTable:
        """The table without one of the numbers that come in.

        Raises:
            ParamError: It is the last one, or what is right, which another setting takes away.
        """
        if self.is_answer(column):
            raise ParamError("That is the right answer: “right answer” below takes it away.")
        if len(self.columns) == 1:
            raise ParamError("The last column stays: at least one number comes in.")
        rows = tuple((*row[:column], *row[column + 1 :]) for row in self.rows)
        return replace(self, rows=rows, columns=(*self.columns[:column], *self.columns[column + 1 :]))

    def with_setting(self, name: str, value: ParamValue) -> TypedTable:
        """The table with one of its other parameters changed; the rows follow.

        Raises:
            ParamError: The names are too many or too few.
        """
        if name == "right":
            return self.with_right(str(value))
        names = _texts(value)
        if name == "answers":
            if self.right == CLASSES and len(names) == 1:
                raise ParamError(f"There is one class, {names[0]}: at least two are needed.", field=name)
            if len(self.columns) + len(names) > MOST_COLUMNS:
                raise ParamError(f"There are {len(names)} names; at most {MOST_COLUMNS} columns can be typed in.")
            return self.with_right(self.right, names)
        usual = tuple(f"x{at + 1}" for at in range(len(self.columns)))
        if names and len(names) != len(usual):
            raise ParamError(f"{_many(len(usual))} come in, so {len(usual)} names are needed.", field=name)
        return replace(self, columns=names or usual)

    def with_right(self, right: str, answers: Sequence[str] = ()) -> TypedTable:
        """The table with another kind of right answer, or with other names of the answers; the rows follow.

        A number that is new is 0, and so is a class that there is no more.
        """
        usual = {NOTHING: (), NUMBERS: ("y",), CLASSES: ("0", "1")}[right]
        names = usual if right == NOTHING else tuple(answers) or usual
        kept = len(self.columns)
        before = kept if right != self.right else kept + _ends(right, self.answers)
        width = kept + _ends(right, names)
        rows = tuple((*row[: min(before, width)], *[0.0] * (width - before)) for row in self.rows)
        if right == CLASSES:
            rows = tuple((*row[:-1], row[-1] if row[-1] < len(names) else 0.0) for row in rows)
        return replace(self, rows=rows, right=right, answers=names)


def column_name(column: int) -> str:
    """What a column is called where only letters will do."""
    return f"column_{column + 1}"


def _rows(params: Params) -> tuple[tuple[float, ...], ...]:
    rows = params["rows"]
    if not isinstance(rows, tuple):
        raise _wrong("rows", "There are no rows: type in at least one.")
    if len(rows) > MOST_ROWS:
        raise _wrong("rows", f"There are {len(rows):,} rows; at most {MOST_ROWS:,} can be typed in.")
    found = tuple(row for row in rows if isinstance(row, tuple))
    if len(found[0]) > MOST_COLUMNS:
        raise _wrong("rows", f"A row has {_many(len(found[0]))}; at most {MOST_COLUMNS} can be typed in.")
    return found  # type: ignore[return-value]  # the declaration has parsed them: numbers, in rows of one length


def _texts(value: ParamValue) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, tuple) else ()


def _ends(right: str, answers: Sequence[str]) -> int:
    """With how many numbers of what is right a row ends."""
    return {NOTHING: 0, NUMBERS: len(answers), CLASSES: 1}[right]


def _many(count: int) -> str:
    return f"{count} number" + ("" if count == 1 else "s")


def _wrong(name: str, sentence: str) -> DataError:
    return DataError(sentence, field=f"data.params.{name}")


def _cells(line: str) -> list[str]:
    """The numbers of a line as they were copied: from a table tabs stand between them."""
    for separator in ("\t", ";"):
        if separator in line:
            return [cell.strip() for cell in line.split(separator)]
    return [cell for cell in re.split(r"[,\s]+", line.strip()) if cell]
