"""JSON as every command prints it: a number that JSON does not know is null."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping


def json_text(value: object, *, indent: int | None = None) -> str:
    """Of plain values, however deep. NaN and infinity become null; a line, which programs read, is all ASCII."""
    return json.dumps(_known(value), indent=indent, ensure_ascii=indent is None)


def _known(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _known(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_known(one) for one in value]
    return value
