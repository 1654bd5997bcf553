"""Which sets are held in memory, and which are streamed from the disk."""

from __future__ import annotations

import math
import os
from functools import cache

from nnviz.errors import DataError
from nnviz.project.spec import ParamSpec

#: Says the budget in megabytes, in place of half of the memory that is free.
VARIABLE = "NNVIZ_MEMORY_BUDGET"
#: A set is there twice while it is used: as it was read, and divided into training and validation.
_COPIES = 2

WHERE = ParamSpec(
    "memory",
    "kept",
    "In memory, or brought once into a file on the disk and read from there batch by batch. What takes more than half "
    "of the free memory is streamed by itself. Nothing that is computed changes by it.",
    "choice",
    "auto",
    choices=(
        ("auto", "streamed if large"),
        ("memory", "always in memory"),
        ("disk", "always streamed"),
    ),
)


def is_streamed(choice: str, nbytes: int, most: int) -> bool:
    """Whether examples are streamed.

    Args:
        choice: A value of :data:`WHERE`.
        nbytes: What all of them take, as they are trained on.
        most: What is never held in memory unless somebody says so.

    Raises:
        DataError: The variable that says the budget holds no number.
    """
    if choice != "auto":
        return choice == "disk"
    return nbytes > most or _COPIES * nbytes > budget_bytes()


def budget_bytes() -> int:
    """Memory that a set may take: what the variable says, else half of what was free when it was first asked.

    Raises:
        DataError: The variable holds no number.
    """
    named = os.environ.get(VARIABLE, "")
    if not named:
        return _half_of_free()
    try:
        megabytes = float(named)
    except ValueError:
        megabytes = math.nan
    if not 0 <= megabytes < math.inf:
        raise DataError(f"{VARIABLE} is '{named[:40]}', but must be a number of megabytes.", field=VARIABLE)
    return int(megabytes * 1e6)


@cache
def _half_of_free() -> int:
    """Once: the answer must be the same when a set is looked at and when it is loaded."""
    from nnviz.free_memory import free_bytes  # noqa: PLC0415 - psutil, which only own data need

    return free_bytes() // 2
