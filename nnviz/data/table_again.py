"""A column of another table, understood as the one of the training was: what is predicted comes in like that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nnviz.data.table_cells import (
    DAY_FIRST_FORMS,
    LARGEST,
    MONTH_FIRST_FORMS,
    as_dates,
    as_numbers,
    cleaned,
    days_of,
    known_texts,
    places_among,
)
from nnviz.data.table_choice import CATEGORY, DATE, NUMBER
from nnviz.data.table_recipe import Recipe


@dataclass(frozen=True, eq=False)
class Found:
    """A column of another table, understood as the one of that name was.

    Attributes:
        recipe: How that was.
        values: Numbers; of categories their places. Null where there is none.
        bad: Which cells hold something else than ``recipe`` knows.
        shown: The cells as they stand.
    """

    recipe: Recipe
    values: pl.Series
    bad: pl.Series
    shown: pl.Series

    def numbers(self, first: int, size: int) -> tuple[NDArray[np.float32], dict[int, str]]:
        """The numbers of some rows, and why there are none for a row.

        Args:
            first: The first of the rows.
            size: How many, at most.

        Returns:
            float32[n, width], NaN where a number is missing; by the row from ``first`` on what its cell is, in words.
        """
        values, recipe = self.values.slice(first, size), self.recipe
        missing = values.is_null()
        bad = self.bad.slice(first, size)
        what = {NUMBER: "no finite number", DATE: "no date like those of the training"}
        what |= {CATEGORY: "which the network was not trained on"}
        wrong = {
            int(at): f"holds '{str(self.shown[first + int(at)])[:40]}', {what[recipe.kind]}" for at in bad.arg_true()
        }
        if not recipe.empty:
            wrong |= {int(at): "is empty" for at in (missing & ~bad).arg_true()}
        parts: list[NDArray[Any]] = []
        if recipe.kind != CATEGORY:
            parts.append(values.cast(pl.Float32).fill_null(float("nan")).to_numpy()[:, None])
        elif recipe.index:
            parts.append(values.fill_null(len(recipe.levels)).to_numpy()[:, None])
        else:
            parts.append(values.fill_null(-1).to_numpy()[:, None] == np.arange(len(recipe.levels)))
        if recipe.gap:
            parts.append(missing.to_numpy()[:, None])
        return np.concatenate([part.astype(np.float32) for part in parts], axis=1), wrong


def again(recipe: Recipe, series: pl.Series, decimal: str) -> Found:
    """Understands a column as the one of the training was, whatever it would be taken for by itself.

    Args:
        recipe: How that was.
        series: The column, as ``read_table`` gives it.
        decimal: As in ``FileTable``.
    """
    if series.dtype in (pl.Categorical, pl.Enum):
        series = series.cast(pl.String)
    cells = known_texts(series) if series.dtype == pl.String else series
    if cells.dtype.is_float():
        cells = cells.fill_nan(None)
    nothing = pl.repeat(None, len(series), dtype=pl.Float64, eager=True)
    if recipe.kind == CATEGORY:
        values = _places(cells, recipe, decimal)
    elif recipe.kind == DATE:
        values = _dates_again(cells, recipe) if cells.dtype in (pl.String, pl.Date, pl.Datetime) else nothing
    elif cells.dtype == pl.String:
        values = as_numbers(_truths(cells, "1", "0") if recipe.truth else cells, decimal)
    else:
        numeric = cells.dtype.is_numeric() or cells.dtype == pl.Boolean
        values = cells.cast(pl.Float64, strict=False) if numeric else nothing
    if recipe.kind == NUMBER:
        values = values.fill_nan(None)
        values = values.set((values.abs() > LARGEST).fill_null(value=False), None)
    return Found(recipe, values, cells.is_not_null() & values.is_null(), series)


def _truths(texts: pl.Series, yes: str, no: str) -> pl.Series:
    """Texts that say yes or no, in capitals or not, in other words; all others as they are."""
    plain = texts.str.strip_chars().str.to_lowercase()
    said = pl.when(plain == "true").then(pl.lit(yes)).when(plain == "false").then(pl.lit(no)).otherwise(texts)
    return pl.select(said.alias(texts.name)).to_series()


def _places(cells: pl.Series, recipe: Recipe, decimal: str) -> pl.Series:
    """Which of the categories each cell is; null where it is none.

    A number is the same one however it is written, where one of the two tables holds nothing but numbers: what is 7
    there may stand as '007' here.
    """
    levels = list(recipe.levels)
    if cells.dtype.is_nested() or cells.dtype in (pl.Binary, pl.Duration, pl.Object):
        return pl.repeat(None, len(cells), dtype=pl.Int64, eager=True)
    texts = cells.cast(pl.String, strict=False) if cells.dtype != pl.String else cleaned(cells)
    by_word = {level.lower(): level for level in levels}
    if by_word.keys() == {"true", "false"} and len(levels) == 2:
        # The same whether a file has a kind of its own for them, and however it spells them.
        texts = _truths(texts, by_word["true"], by_word["false"])
    places = places_among(texts, pl.Series(levels, dtype=pl.String))
    places = places.set(~texts.is_in(levels).fill_null(value=False), None)
    if recipe.of_numbers or cells.dtype.is_numeric():
        numbers = as_numbers(cells, decimal) if cells.dtype == pl.String else cells.cast(pl.Float64, strict=False)
        values = pl.Series(levels, dtype=pl.String).cast(pl.Float64, strict=False)
        alone = (values.is_not_null() & values.is_unique()).arg_true()
        if len(alone):
            found = numbers.replace_strict(values.gather(alone), alone, default=None, return_dtype=pl.Int64)
            places = places.zip_with(places.is_not_null(), found)
    return places


def _dates_again(cells: pl.Series, recipe: Recipe) -> pl.Series:
    """Days since the epoch; in another form only where none of the texts has that of the training."""
    if cells.dtype != pl.String:
        return days_of(cells)
    days = days_of(cells.str.to_datetime(recipe.form, strict=False)) if recipe.form else None
    if days is not None and days.null_count() < days.len():
        return days
    other, words, _ = as_dates(cells, month_first=recipe.form in MONTH_FIRST_FORMS)
    guessed = words and recipe.form not in DAY_FIRST_FORMS  # nothing says which number is the day
    return pl.repeat(None, len(cells), dtype=pl.Float64, eager=True) if other is None or guessed else other
