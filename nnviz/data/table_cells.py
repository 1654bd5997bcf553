"""What the cells of a column say: numbers, days, or names of categories, from texts or from what a file holds."""

from __future__ import annotations

import polars as pl

from nnviz.data.table_choice import MONTH_FIRST
from nnviz.data.table_of_file import MISSING
from nnviz.project.text import clean_name

#: Categories of a column that are told apart.
MOST_CLASSES = 1000
#: Larger numbers are too large to compute with.
LARGEST = 1e30
#: Dates count from here: the same whichever rows a file holds.
EPOCH = "2000-01-01"
_DATES = (
    "%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.fZ", "%d.%m.%Y", "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S", "%d.%m.%y", "%Y/%m/%d", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%d-%m-%Y",
)  # fmt: skip
DAY_FIRST_FORMS = ("%d/%m/%Y", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%y")
MONTH_FIRST_FORMS = ("%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%y", "%m-%d-%Y")
#: All forms that dates of texts are looked for in.
DATE_FORMS = (*_DATES, *DAY_FIRST_FORMS, *MONTH_FIRST_FORMS)


def known_texts(series: pl.Series) -> pl.Series:
    """The texts without what stands around them; null where one stands for a missing value."""
    texts = series.str.strip_chars()
    return texts.set(texts.is_in(list(MISSING)).fill_null(value=False), None)


def cleaned(texts: pl.Series) -> pl.Series:
    """Categories by names that can be shown, one line each."""
    names = texts.unique().drop_nulls()
    odd = {one: clean_name(one)[:100] or "?" for one in names.to_list()} if len(names) <= 2 * MOST_CLASSES else {}
    odd = {one: clean for one, clean in odd.items() if one != clean}
    return texts.replace(odd) if odd else texts.cast(pl.String)


def as_numbers(texts: pl.Series, decimal: str) -> pl.Series:
    """The texts as numbers, null where one is none: with points or commas, and thousands set apart by the other."""
    thousands = {"point": r"^[-+]?\d{1,3}(,\d{3})+(\.\d+)?$", "comma": r"^[-+]?\d{1,3}(\.\d{3})+(,\d+)?$"}

    def point() -> pl.Series:
        return texts.cast(pl.Float64, strict=False)

    def grouped() -> pl.Series:
        apart = texts.str.contains(thousands["point"])
        joined = pl.when(apart).then(texts.str.replace_all(",", "", literal=True)).otherwise(texts)
        return pl.select(joined).to_series().cast(pl.Float64, strict=False)

    def comma() -> pl.Series:
        apart, pointed = texts.str.contains(thousands["comma"]), texts.str.contains(".", literal=True)
        joined = pl.when(apart).then(texts.str.replace_all(".", "", literal=True)).when(~pointed).then(texts)
        return pl.select(joined).to_series().str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)

    found: list[pl.Series] = []
    for way in (comma, point) if decimal == "comma" else (point, grouped, comma):
        found.append(way().alias(texts.name))
        if found[-1].null_count() == texts.null_count():
            return found[-1]
    return min(found, key=lambda numbers: numbers.null_count())


def days_of(series: pl.Series) -> pl.Series:
    """Days since :data:`EPOCH`, with what a day has of them behind the point."""
    times = series.cast(pl.Datetime("us"))
    start = pl.Series([EPOCH]).str.to_datetime("%Y-%m-%d").dt.epoch("us").item()
    days: pl.Series = (times.dt.epoch("us") - start) / 86_400e6
    return days.alias(series.name)


def as_dates(texts: pl.Series, *, month_first: bool) -> tuple[pl.Series | None, str, str]:
    """Days since the epoch by the form that fits most texts; a word where day and month may be exchanged; the form."""
    sample = texts.drop_nulls().head(300)
    if not sample.str.contains(r"^\d{1,4}[-./]\d{1,2}[-./]\d").any():
        return None, "", ""
    forms = (*MONTH_FIRST_FORMS, *_DATES) if month_first else DATE_FORMS

    def fits(some: pl.Series, form: str) -> int:
        return some.len() - some.str.to_datetime(form, strict=False).null_count()

    best = max(forms, key=lambda form: fits(sample, form))
    if not fits(sample, best):
        return None, "", ""
    if best in DAY_FIRST_FORMS and not month_first:  # a 13th at the end of a long file tells the two apart
        other = best.replace("%d/%m", "%m/%d")
        if fits(texts, other) > fits(texts, best):
            best = other
        elif fits(texts, other) == fits(texts, best):
            days = days_of(texts.str.to_datetime(best, strict=False))
            words = f"'{texts.name}' is read with the day before the month; the other way is “{MONTH_FIRST}”."
            return days, words, best
    return days_of(texts.str.to_datetime(best, strict=False)), "", best


def places_among(values: pl.Series, levels: pl.Series) -> pl.Series:
    """The place of each category in their order; a missing one stands behind the last."""
    numbers = pl.int_range(len(levels), eager=True)
    return values.replace_strict(levels, numbers, default=len(levels), return_dtype=pl.Int64)
