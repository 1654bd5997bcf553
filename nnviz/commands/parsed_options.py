"""What was typed as the options of a command: plain values with names that are checked."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Options = TypeVar("_Options", bound="DataclassInstance")


def options_of(kind: type[_Options], parsed: argparse.Namespace, but: Collection[str] = ()) -> _Options:
    """The options of a command from the parsed command line; what may be given several times is a tuple.

    Args:
        kind: Their class, of which every field is an option of that name.
        parsed: The parsed command line.
        but: Fields that nobody can type.
    """
    given = {field.name: getattr(parsed, field.name) for field in fields(kind) if field.name not in but}
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})
