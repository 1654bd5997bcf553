"""By what a list of runs can be sorted. Imports nothing: the command line knows the names before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping

#: What a list of runs can be sorted by, and whether the greatest comes first.
ORDERS: Mapping[str, bool] = {
    "date": True,
    "name": False,
    "epochs": True,
    "loss": False,
    "accuracy": True,
    "test": True,
    "time": False,
}
