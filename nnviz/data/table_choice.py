"""Which files are tables, what their columns can be taken as, how that stands in the parameters. Loads nothing."""

from __future__ import annotations

from nnviz.errors import DataError
from nnviz.project.model import Params, ParamValue

TEXT_ENDINGS = (".csv", ".tsv", ".tab", ".txt")
PARQUET_ENDINGS = (".parquet",)
EXCEL_ENDINGS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
#: Of the files that are taken for tables.
ENDINGS = (*TEXT_ENDINGS, *PARQUET_ENDINGS, *EXCEL_ENDINGS)

NUMBER, CATEGORY, DATE, MONTH_FIRST, LEFT_OUT = "number", "category", "date", "date month first", "left out"
#: What a column can be taken as, in the words of the parameter.
KINDS = (NUMBER, CATEGORY, DATE, MONTH_FIRST, LEFT_OUT)
#: What else can be said of one: that it is what is right; and that the program finds its kind.
TARGET, FOUND = "target", "found"
#: What can be said of the target.
CLASSES, NUMBERS = "target: classes", "target: numbers"


def kinds_of(entries: tuple[str, ...]) -> dict[str, str]:
    """The kinds by the names of the columns.

    Args:
        entries: As the parameter holds them, ``NAME=KIND``.

    Raises:
        DataError: One says no kind; ``field`` is the parameter.
    """
    kinds = {}
    for entry in entries:
        name, _, kind = (part.strip() for part in entry.rpartition("="))
        if not name or kind not in KINDS:
            raise DataError(
                f"“{entry[:80]}” must be NAME=KIND with one of {', '.join(KINDS)}.", field="data.params.kinds"
            )
        kinds[name] = kind
    return kinds


def texts_of(params: Params, name: str) -> tuple[str, ...]:
    """A parameter that is a list of texts."""
    value = params.get(name, ())
    return tuple(map(str, value)) if isinstance(value, tuple) else ()


def with_use(params: Params, name: str, use: str) -> dict[str, ParamValue]:
    """The parameters with another use of one column.

    Args:
        params: Those of the data set, as they are chosen.
        name: The column.
        use: One of ``KINDS``, ``TARGET``, ``FOUND``; of the target ``CLASSES`` or ``NUMBERS``.
    """
    found = dict(params)
    if use in (CLASSES, NUMBERS):
        return {**found, "task": use.removeprefix(f"{TARGET}: ")}
    kinds = [entry for entry in texts_of(params, "kinds") if entry.rpartition("=")[0].strip() != name]
    left_out = [one for one in texts_of(params, "left_out") if one != name]
    if use == TARGET:
        found |= {"target": name, "task": "auto"}
    elif use == LEFT_OUT:
        left_out.append(name)
    elif use != FOUND:
        kinds.append(f"{name}={use}")
    for param, texts in (("kinds", kinds), ("left_out", left_out)):
        found.pop(param, None)
        if texts:
            found[param] = tuple(texts)
    return found
