"""What the columns of a table are, and the numbers that become of them: inputs, target, what is missing.

A column is found to be a number, a category or a date, and which can be chosen otherwise. Nothing here is learned from
the rows but the names of categories: a missing number stays NaN until the training split is known (``missing.py``).
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nnviz.data.row_blocks import RowBlocks
from nnviz.data.sources.source import ColumnFacts
from nnviz.data.table_cells import (
    EPOCH,
    LARGEST,
    MOST_CLASSES,
    as_dates,
    as_numbers,
    cleaned,
    days_of,
    known_texts,
    places_among,
)
from nnviz.data.table_choice import CATEGORY, DATE, LEFT_OUT, MONTH_FIRST, NUMBER
from nnviz.data.table_facts import TableFacts
from nnviz.data.table_large import KeptColumn, LargeFrame
from nnviz.data.table_of_file import FileTable
from nnviz.data.table_recipe import Recipe
from nnviz.errors import DataError
from nnviz.project.model import DataFacts
from nnviz.project.value_text import number_text

#: Names of a column that says what is right, in the order in which they are looked for.
TARGET_NAMES = ("target", "label", "class", "y")
MOST_FEATURES = 10_000
#: Whole numbers of at most so many values are classes, where each comes twice on average.
_FEW_VALUES = 20
#: A text of more values than this is a name or a remark, unless somebody says that it is a category.
_USUAL_CATEGORIES = 100
#: Numbers of a block: large enough that each column is taken apart seldom.
_NUMBERS_AT_ONCE = 1 << 23
_FEWEST_TOLD = 20
#: This share of a column must be numbers or dates for the rest to count as missing.
_MOSTLY = 0.9
_COUNTERS = frozenset({"id", "index", "no", "nr", "row", "rowid", "column 1", "unnamed: 0"})
_MOST_NAMED = 20
_TARGET, _KINDS_FIELD = "data.params.target", "data.params.kinds"


@dataclass(frozen=True)
class HowToTake:
    """What the columns of a table are for, as it was chosen.

    Attributes:
        target: The column that says what is right; empty: one that is called so, else the last.
        task: ``auto``, ``classes`` or ``numbers``.
        kinds: What columns are taken as, by their names.
        left_out: Columns that the network does not see.
        missing: ``mean``, ``category`` (its own) or ``drop`` (the row).
        categories: ``one_hot`` or ``index``.
        target_unit: The target is counted in it.
    """

    target: str = ""
    task: str = "auto"
    kinds: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    missing: str = "mean"
    categories: str = "one_hot"
    target_unit: float = 1.0


@dataclass(frozen=True, eq=False)
class Understood:
    """What a table is taken as, its inputs still to be made.

    Attributes:
        rows: float32[n, features]; NaN where a number is missing.
        targets: int64[n] classes, or float32[n, 1].
        facts: All else that is known of it.
    """

    rows: RowBlocks
    targets: NDArray[Any]
    facts: TableFacts


@dataclass(frozen=True, eq=False)
class _Column:
    """A column understood: its values are floats, or texts of a category; null where one is missing."""

    name: str
    kind: str
    held: pl.Series | KeptColumn
    warnings: tuple[str, ...] = ()
    why_out: str = ""
    whole: bool = False
    form: str = ""
    of_numbers: bool = False
    truth: bool = False

    @property
    def values(self) -> pl.Series:
        """All of them, brought into memory where they lie on the disk."""
        return self.held if isinstance(self.held, pl.Series) else self.held.slice(0, len(self.held))

    def kept(self, table: FileTable) -> _Column:
        """The same column, on the disk where those of its table are."""
        if not isinstance(table.frame, LargeFrame) or isinstance(self.held, KeptColumn):
            return self
        return replace(self, held=KeptColumn(self.held, table.frame.pieces))


def understand(
    table: FileTable, how: HowToTake, file: str, state: str, report: Callable[[int, int], None]
) -> Understood:
    """Inputs and targets of a table.

    Args:
        table: The columns as they were read.
        how: What they are for.
        file: For sentences.
        state: Says which file it is, in which state, and how it is read and taken.
        report: Told how far it is; may raise to end the work.

    Raises:
        DataError: There is no such column, nothing to tell apart, no row that is left, too many features.
    """
    names = table.frame.columns
    target_name, guessed = _target_name(names, how, file)
    warnings = [*table.warnings]
    for name in (*how.left_out, *how.kinds):
        if name not in names:
            where = "left_out" if name in how.left_out else "kinds"
            raise _no_column(name, names, file, f"data.params.{where}")
    if target_name in how.left_out or how.kinds.get(target_name) == LEFT_OUT:
        raise DataError(f"'{target_name}' is the target and cannot be left out.", file=file, field=_TARGET)
    understood: list[_Column] = []
    for at, series in enumerate(table.frame.iter_columns()):
        report(at, len(names))
        understood.append(_understand(series, table, how, is_target=series.name == target_name).kept(table))
    if guessed:
        warnings.append(f"No column is called {', '.join(TARGET_NAMES[:-1])} or y: the last one, '{target_name}', is "
                        "the target.")  # fmt: skip
    for column in understood:
        warnings += column.warnings
    target = next(column for column in understood if column.name == target_name)
    if target.kind == LEFT_OUT and target.why_out.startswith("holds"):
        sentence = f"The target '{target_name}' {target.why_out}, which nnviz does not take. Choose another."
        raise DataError(sentence, file=file, field=_TARGET)
    inputs = [column for column in understood if column is not target]
    kept = [column for column in inputs if column.kind != LEFT_OUT]
    rows, row_words = _rows(table, target, kept, how, file)
    warnings += row_words
    if rows is not None:
        target = replace(target, held=target.values.gather(rows))
        inputs = [replace(one, held=one.values.gather(rows)).kept(table) for one in inputs]
    answers, task, classes, target_words, target_about = _answers(target, how, file, names)
    warnings += target_words
    rows_made, features, about, left, recipes = _features(inputs, how, file, state)
    warnings += left
    columns = [
        ColumnFacts(one.name, one.kind, "target" if one.name == target_name else about[one.name][0],
                    target_about if one.name == target_name else about[one.name][1])
        for one in understood
    ]  # fmt: skip
    data = DataFacts(
        (len(features),), len(classes) if task == "classes" else 1, task, classes, feature_names=tuple(features)
    )
    if len(warnings) > _MOST_NAMED:
        warnings = [*warnings[:_MOST_NAMED], f"{len(warnings) - _MOST_NAMED} more remarks on other columns."]
    facts = TableFacts(data, tuple(columns), table.notes, tuple(warnings), tuple(recipes), table.decimal)
    return Understood(rows_made, answers, facts)


def _target_name(names: Sequence[str], how: HowToTake, file: str) -> tuple[str, bool]:
    """The target, and whether nothing but its place speaks for it."""
    if how.target:
        if how.target in names:
            return how.target, False
        alike = [name for name in names if name.casefold() == how.target.strip().casefold()]
        if len(alike) == 1:
            return alike[0], False
        raise _no_column(how.target, names, file, _TARGET)
    if len(names) == 1:
        raise DataError(
            f"There is one column, '{names[0]}': one that comes in and a target are needed. Is “separator” right?",
            file=file,
            field="data.params.separator",
        )
    for wanted in TARGET_NAMES:
        for name in names:
            if name.casefold() == wanted:
                return name, False
    return names[-1], True


def _no_column(name: str, names: Sequence[str], file: str, field: str) -> DataError:
    return DataError(f"There is no column '{name[:60]}'. There are: {_listed(names)}.", file=file, field=field)


def _listed(names: Sequence[str], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(name[:40] for name in names[:most]) + more


# ---- what a column is ----------------------------------------------------------------------------------------------


def _understand(series: pl.Series, table: FileTable, how: HowToTake, *, is_target: bool) -> _Column:
    name, wanted = series.name, how.kinds.get(series.name, "auto")
    if name in how.left_out or wanted == LEFT_OUT:
        return _Column(name, LEFT_OUT, series, why_out="left out as you chose")
    dtype = series.dtype
    if is_target and how.task == "numbers" and wanted == "auto":
        wanted = NUMBER if not dtype.is_temporal() else DATE
    if dtype == pl.Boolean:
        texts = series.cast(pl.String)
        if wanted == CATEGORY or is_target:
            return _Column(name, CATEGORY, texts)
        return replace(_number(name, series, table), truth=True)
    if dtype.is_numeric():
        if wanted in (DATE, MONTH_FIRST):
            raise DataError(f"'{name}' holds numbers, which are no dates.", field=_KINDS_FIELD)
        found = _number(name, series, table)
        return _as_category(found, series) if wanted == CATEGORY else found
    if dtype in (pl.Date, pl.Datetime):
        return _Column(name, DATE, days_of(series))
    if dtype in (pl.Categorical, pl.Enum):
        series = series.cast(pl.String)
    if series.dtype != pl.String:
        return _Column(name, LEFT_OUT, series, (f"'{name}' holds {dtype}, which nnviz does not take: left out.",),
                       why_out=f"holds {dtype}")  # fmt: skip
    return _text(series, table, wanted, how)


def _number(name: str, series: pl.Series, table: FileTable, shown: pl.Series | None = None) -> _Column:
    values = series.cast(pl.Float64, strict=False).fill_nan(None)
    warnings: tuple[str, ...] = ()
    large = (values.abs() > LARGEST).fill_null(value=False)
    if large.any():
        warnings = (_cells(name, _TOO_LARGE, series if shown is None else shown, large, table),)
        values = values.set(large, None)
    known = values.drop_nulls()
    return _Column(name, NUMBER, values, warnings, whole=bool((known == known.round(0)).all()))


def _as_category(column: _Column, series: pl.Series) -> _Column:
    if series.dtype.is_integer():
        return replace(column, kind=CATEGORY, held=series.cast(pl.String), of_numbers=True)
    texts = {value: number_text(value) for value in column.values.unique().drop_nulls().to_list()}
    values = column.values.replace_strict(texts, return_dtype=pl.String, default=None)
    return replace(column, kind=CATEGORY, held=values, of_numbers=True)


def _text(series: pl.Series, table: FileTable, wanted: str, how: HowToTake) -> _Column:
    """Texts: numbers where (nearly) all of them are, else dates, else categories."""
    name = series.name
    texts = known_texts(series)
    known = texts.len() - texts.null_count()
    if not known:
        return _Column(name, LEFT_OUT, texts, (), why_out="empty: all values are missing")
    if wanted == CATEGORY:
        return _Column(name, CATEGORY, cleaned(texts))
    if wanted in ("auto", NUMBER):
        numbers = as_numbers(texts, table.decimal)
        good = numbers.len() - numbers.null_count()
        if wanted == NUMBER and not good:
            field = "data.params.kinds" if name in how.kinds else "data.params.task"
            raise DataError(f"'{name}' holds no numbers, such as “{texts.drop_nulls()[0][:40]}”.", field=field)
        if wanted == NUMBER or good >= _MOSTLY * known:
            found = _number(name, numbers, table, texts)
            bad = texts.is_not_null() & numbers.is_null()
            if bad.any():
                words = _cells(name, _NO_NUMBER, texts, bad, table)
                found = replace(found, warnings=(words, *found.warnings))
            return found
    days, words, form = as_dates(texts, month_first=wanted == MONTH_FIRST)
    good = 0 if days is None else days.len() - days.null_count()
    if days is not None and (good >= _MOSTLY * known or (wanted in (DATE, MONTH_FIRST) and good)):
        warnings = [words] if words and wanted == "auto" else []
        bad = texts.is_not_null() & days.is_null()
        if bad.any():
            warnings.append(_cells(name, _NO_DATE, texts, bad, table))
        return _Column(name, DATE, days, tuple(warnings), form=form)
    if wanted in (DATE, MONTH_FIRST):
        raise DataError(f"'{name}' holds no dates, such as “{texts.drop_nulls()[0][:40]}”.", field=_KINDS_FIELD)
    return _Column(name, CATEGORY, cleaned(texts))


#: What is wrong with a cell, and with several.
_NO_NUMBER, _NO_DATE = ("is no number", "are no numbers"), ("is no date", "are no dates")
_TOO_LARGE = ("is too large to compute with", "are too large to compute with")


def _cells(name: str, wrong: tuple[str, str], shown: pl.Series, bad: pl.Series, table: FileTable) -> str:
    """The sentence on cells that count as missing."""
    at = bad.arg_true()
    first = f"“{str(shown[int(at[0])])[:40]}” in line {table.lines(int(at[0])):,}"
    if len(at) == 1:
        return f"'{name}': {first} {wrong[0]} and counts as missing."
    return f"'{name}': {len(at):,} cells {wrong[1]} and count as missing; the first is {first}."


# ---- rows ----------------------------------------------------------------------------------------------------------


def _rows(
    table: FileTable, target: _Column, kept: Sequence[_Column], how: HowToTake, file: str
) -> tuple[pl.Series | None, list[str]]:
    """The numbers of the rows that are examples, None where all are; and what is to be said about the others."""
    known = target.values.is_not_null()
    words = []
    empty = table.empty_rows if table.frame.width else ~known
    without = int((~known & ~empty).sum())
    if not known.any():
        raise DataError(f"The target '{target.name}' is missing in every row.", file=file, field=_TARGET)
    if without:
        first = table.lines(int((~known & ~empty).arg_true()[0]))
        rows = f"line {first:,}, which has" if without == 1 else f"{without:,} rows (the first is line {first:,}) with"
        words.append(f"Left out: {rows} no target '{target.name}'.")
    if how.missing == "drop":
        whole = known
        for column in kept:
            whole = whole & column.values.is_not_null()
        if gone := int((known & ~whole).sum()):
            if not whole.any():
                raise DataError(
                    "Every row lacks a value, so none is left; take another way with missing values, or leave out "
                    "columns.", file=file, field="data.params.missing")  # fmt: skip
            words.append(f"Left out: {gone:,} rows with a missing value.")
        known = whole
    if int(known.sum()) < 2:
        raise DataError("One row is left: at least two are needed.", file=file, field="data.params.path")
    return (None if known.all() else known.arg_true()), words


# ---- target --------------------------------------------------------------------------------------------------------


def _answers(
    target: _Column, how: HowToTake, file: str, names: Sequence[str]
) -> tuple[NDArray[Any], str, tuple[str, ...], list[str], str]:
    values = target.values
    distinct = values.n_unique()
    others = f"Choose another target: {_listed([name for name in names if name != target.name])}."
    if target.kind == CATEGORY and how.task == "numbers":
        raise DataError(f"'{target.name}' holds no numbers.", file=file, field="data.params.task")
    few = target.whole and distinct <= _FEW_VALUES and 2 * distinct <= len(values)
    classes = target.kind == CATEGORY or how.task == "classes" or (how.task == "auto" and target.kind == NUMBER and few)
    if distinct == 1:
        what = f"always {_shown(values[0])}" if values.dtype != pl.String else f"'{values[0]}' in every row"
        raise DataError(f"The target '{target.name}' is {what}: there is nothing to tell apart. {others}", file=file,
                        field=_TARGET)  # fmt: skip
    if not classes:
        numbers = values.to_numpy().astype(np.float64) / how.target_unit
        if float(np.abs(numbers).max()) > LARGEST:
            sentence = (
                f"Counted in {number_text(how.target_unit)}, '{target.name}' has numbers too large to compute with."
            )
            raise DataError(sentence, file=file, field="data.params.target_unit")
        words = []
        spread = float(numbers.std())
        if spread > 100 or spread < 0.01:
            unit = 10.0 ** round(np.log10(spread * how.target_unit))
            words.append(
                f"The target '{target.name}' spreads by {spread:.3g} around its mean: with an error that is squared, "
                f"training may be unstable or slow. Count it in “target unit” {number_text(unit)}."
            )
        about = _extent(target)
        return numbers.astype(np.float32).reshape(-1, 1), "regression", (), words, about
    if distinct > MOST_CLASSES or (
        target.kind == CATEGORY and len(values) >= _FEWEST_TOLD and 2 * distinct > len(values)
    ):
        raise DataError(
            f"The target '{target.name}' has {distinct:,} different values in {len(values):,} rows, which are no "
            f"classes. {others}", file=file, field=_TARGET)  # fmt: skip
    levels = values.unique().sort()
    codes = values.replace_strict(levels, pl.int_range(len(levels), eager=True), return_dtype=pl.Int64)
    shown = tuple(str(one) if values.dtype == pl.String else number_text(one) for one in levels.to_list())
    counts = np.bincount(codes.to_numpy(), minlength=len(levels))
    rare = [name for name, count in zip(shown, counts.tolist(), strict=True) if count == 1]
    words = [f"The class '{name}' has one row: nothing tells how well it is recognised." for name in rare[:3]]
    if len(rare) > 3:
        words.append(f"{len(rare) - 3} more classes have one row.")
    about = f"{len(shown)} classes: {_listed(shown, 6)}"
    return np.ascontiguousarray(codes.to_numpy(), np.int64), "classes", shown, words, about


def _extent(column: _Column) -> str:
    """From where to where the numbers or days of a column go."""
    low, high = float(column.values.min()), float(column.values.max())  # type: ignore[arg-type]  # they are floats
    if column.kind == DATE:
        return f"{_date_text(low)} to {_date_text(high)}"
    return f"{_shown(low)} to {_shown(high)}" if low != high else f"always {_shown(low)}"


def _shown(value: Any) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else str(value)[:40]


# ---- inputs --------------------------------------------------------------------------------------------------------


def _features(
    columns: Sequence[_Column], how: HowToTake, file: str, state: str
) -> tuple[RowBlocks, list[str], dict[str, tuple[str, str]], list[str], list[Recipe]]:
    """The numbers that come in, their names, (use, words) of every column, what was left out by itself, and how."""
    made: list[_Feature] = []
    about: dict[str, tuple[str, str]] = {}
    words: list[str] = []
    recipes: list[Recipe] = []
    for column in columns:
        values, name = column.values, column.name
        missing = values.null_count()
        lack = f", {missing:,} missing" if missing else ""
        why = column.why_out or (_why_out(column, how) if column.kind != LEFT_OUT else "")
        if why:
            about[name] = ("left out", why)
            if not why.endswith("as you chose"):
                words += [] if column.warnings and column.kind == LEFT_OUT else [f"'{name}' is left out: {why}."]
            continue
        own = bool(missing) and how.missing == "category"
        if column.kind != CATEGORY:
            days = f"; as days since {EPOCH}" if column.kind == DATE else ""
            about[name] = ("input", f"{_extent(column)}{lack}{days}")
            made.append(_Feature(name, column.held, _as_it_is))
            if own:
                made.append(_Feature(f"{name} missing", column.held, pl.Series.is_null))
            empty, truth = how.missing != "drop", column.truth
            recipes.append(Recipe(name, column.kind, column.form, gap=own, empty=empty, truth=truth))
            continue
        levels = values.unique().drop_nulls().sort()
        about[name] = ("input", f"{len(levels)}: {_listed(levels.to_list(), 6)}{lack}")
        if len(made) + len(levels) > MOST_FEATURES and how.categories == "one_hot":
            raise _too_many(len(made) + len(levels), file)
        index = how.categories == "index"
        recipes.append(
            Recipe(name, CATEGORY, "", tuple(levels.to_list()), column.of_numbers, index, bool(missing) and not index,
                   bool(missing))
        )  # fmt: skip
        if index:
            made.append(_Feature(name, column.held, partial(places_among, levels=levels)))
            continue
        for level in levels.to_list():
            made.append(_Feature(f"{name} = {level}", column.held, partial(_is_level, level=level)))
        if missing:
            made.append(_Feature(f"{name} missing", column.held, pl.Series.is_null))
    if not made:
        raise DataError("No column is left that could come in.", file=file, field="data.params.left_out")
    rows = len(columns[0].held)
    if len(made) > MOST_FEATURES:
        raise _too_many(len(made), file)
    blocks = RowBlocks(
        f"table 1 {state}",
        (rows, len(made)),
        np.dtype(np.float32),
        partial(_blocks, made, rows),
        "rows",
        "leave out columns",
    )
    return blocks, [one.name for one in made], about, words, recipes


@dataclass(frozen=True, eq=False)
class _Feature:
    """One of the numbers that come in: its name, the column that it is made of, and how."""

    name: str
    held: pl.Series | KeptColumn
    make: Callable[[pl.Series], pl.Series]


def _as_it_is(values: pl.Series) -> pl.Series:
    return values


def _is_level(values: pl.Series, level: str) -> pl.Series:
    return values == level


def _blocks(made: Sequence[_Feature], rows: int, first: int) -> Iterator[NDArray[Any]]:
    """The numbers of all features from a row on, some rows at a time."""
    size = max(1, _NUMBERS_AT_ONCE // len(made))
    for begin in range(first, rows, size):
        count = min(size, rows - begin)
        numbers = np.empty((count, len(made)), np.float32)
        held, values = None, pl.Series()
        for at, one in enumerate(made):
            if held is not one.held:  # those of one category follow each other
                held, values = one.held, one.held.slice(begin, count)
            found = one.make(values)
            if found.dtype == pl.Boolean:
                found = found.fill_null(value=False)
            numbers[:, at] = found.cast(pl.Float32).fill_null(float("nan")).to_numpy()
        yield numbers


def _why_out(column: _Column, how: HowToTake) -> str:
    """Why a column tells nothing, unless somebody says what it is."""
    values, count = column.values, len(column.values)
    if values.null_count() == count:
        return "empty: all values are missing"
    asked = how.kinds.get(column.name, "auto") != "auto"
    if column.kind == CATEGORY:
        distinct = values.drop_nulls().n_unique()
        if distinct > MOST_CLASSES and how.categories == "one_hot":
            return f"{distinct:,} different texts, more than {MOST_CLASSES:,}"
        many = distinct > _USUAL_CATEGORIES or (count >= _FEWEST_TOLD and 2 * distinct > count)
        if many and not asked:
            return f"{distinct:,} different texts in {count:,} rows, as names or remarks have"
    elif column.whole and not asked and count > 2 and column.name.casefold() in _COUNTERS and not values.null_count():
        steps = values.diff().drop_nulls()
        if bool((steps == 1).all()):
            return "it only counts the rows"
    return ""


def _date_text(days: float) -> str:
    return str((datetime.datetime(2000, 1, 1) + datetime.timedelta(days=days)).date())


def _too_many(count: int, file: str) -> DataError:
    return DataError(
        f"The columns would become {count:,} numbers for each row; at most {MOST_FEATURES:,} are taken. Leave out "
        "columns, or take categories as an index.",
        file=file,
        field="data.params.categories",
    )
