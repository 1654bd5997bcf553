"""JSON from strangers: read within bounds of size, depth and time, and nothing in it that JSON has not.

Python's reader takes NaN and 1e999, recurses as deep as the text is nested, keeps the last of two equal keys and needs
hours for a number of a milliard digits. Here each of these is one sentence.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any, TypeAlias

from nnviz.errors import ProjectError
from nnviz.project.graph.wiring import shortened

LARGEST_FILE = 16 * 2**20
MOST_VALUES = 500_000
DEEPEST = 32
LONGEST_NUMBER = 400


def size_problem(data: bytes) -> str:
    """What is too large about a file, as the end of a sentence; empty when nothing is."""
    if len(data) > LARGEST_FILE:
        return f"has more than {LARGEST_FILE // 2**20} MB"
    # Every value but the first is announced by one of these; those inside of texts are few.
    if data.count(b",") + data.count(b"[") + data.count(b"{") > MOST_VALUES:
        return f"holds more than {MOST_VALUES} values"
    return ""


def parse_json(data: bytes) -> object:
    """The value in the bytes of a file.

    Raises:
        ProjectError: It is too large, no UTF-8, no JSON, too deep, or holds a doubled key or a number that is none.
    """
    problem = size_problem(data)
    if problem:
        raise ProjectError(f"This file {problem}; no project does.")
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise ProjectError("This file is empty.")
    if data.startswith(b"SQLite format 3\0"):
        raise ProjectError("This is a run (.nnvizrun), not a project.")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise ProjectError(f"This is not a project file: byte {error.start} is not UTF-8 text.") from None
    _refuse_depth(data)
    try:
        parsed: object = json.loads(
            text, object_pairs_hook=_Pairs, parse_int=_whole, parse_float=_real, parse_constant=float
        )
    except json.JSONDecodeError as error:
        raise _malformed(text, error) from None
    except RecursionError:
        raise ProjectError(f"This file is nested more than {DEEPEST} levels deep; no project is.") from None
    _refuse_unfit_values(parsed)
    return parsed


class _Pairs(dict[str, Any]):
    """A JSON object that remembers a key which stood in it twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.doubled = ""
        if len(self) < len(pairs):
            seen: set[str] = set()
            self.doubled = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # add gives None, so the first key seen twice is taken


class _Overlong:
    """Stands for a number with so many digits that reading it would take long."""

    def __init__(self, digits: int) -> None:
        self.digits = digits

    def __str__(self) -> str:
        return f"a number of {self.digits} digits"


def _whole(text: str) -> int | _Overlong:
    return int(text) if len(text) <= LONGEST_NUMBER else _Overlong(len(text))


def _real(text: str) -> float | _Overlong:
    return float(text) if len(text) <= LONGEST_NUMBER else _Overlong(len(text))


_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def _refuse_depth(data: bytes) -> None:
    """Refuses deep nesting before anything recurses: takes the innermost brackets away, one level at a time."""
    brackets = data.translate(None, _NO_BRACKETS)
    if brackets.count(b"[") + brackets.count(b"{") <= DEEPEST:
        return
    brackets = _STRING.sub(b"", data).translate(None, _NO_BRACKETS)
    for _ in range(DEEPEST):
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    if brackets.count(b"[") + brackets.count(b"{") > DEEPEST:
        raise ProjectError(f"This file is nested more than {DEEPEST} levels deep; no project is.")


def _malformed(text: str, error: json.JSONDecodeError) -> ProjectError:
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        return ProjectError(f"The file ends in the middle, in line {text.count(chr(10)) + 1}: it was cut off.")
    return ProjectError(f"This is not valid JSON: {error.msg.lower()}, line {error.lineno}, column {error.colno}.")


#: An object or a list, with the way to it: the entry of what it stands in, and its key there.
_Place: TypeAlias = "tuple[Any, _Place | None, str | int]"


def _refuse_unfit_values(root: object) -> None:
    """Refuses, anywhere, what JSON readers take but no project may hold. Does not recurse."""
    waiting: list[_Place] = [([root], None, "")]
    while waiting:
        place = waiting.pop()
        container = place[0]
        if isinstance(container, _Pairs):
            if container.doubled:
                raise ProjectError("This key stands twice in one object.", field=_path(place, container.doubled))
            entries: Iterable[tuple[str | int, object]] = container.items()
        else:
            entries = enumerate(container)
        inner: list[_Place] = []
        for key, value in entries:
            kind = type(value)
            if _is_torn(key) or _is_torn(value):
                raise ProjectError("This text holds half a character (a lone surrogate).", field=_path(place, key))
            if kind is _Pairs or kind is list:
                inner.append((value, place, key))
            elif kind is float and not math.isfinite(value):  # type: ignore[arg-type]  # its type was just looked at
                raise ProjectError("This is not a finite number.", field=_path(place, key))
            elif kind is _Overlong:
                raise ProjectError(f"This is {value}.", field=_path(place, key))
        inner.reverse()  # So that what stands first in the file is named first, roughly.
        waiting.extend(inner)


def _is_torn(value: object) -> bool:
    """Whether a text holds half of a pair of escapes, which no file can hold and no screen can show."""
    if not isinstance(value, str) or value.isascii():
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


def _path(place: _Place, key: str | int) -> str:
    """The field ``key`` in a place: ``graph.nodes[3].x``."""
    keys = [key]
    parent: _Place | None = place
    while parent is not None:
        keys.append(parent[2])
        parent = parent[1]
    path = ""
    for step in keys[-3::-1]:  # The last two are the root and the list it was put into.
        path = f"{path}[{step}]" if isinstance(step, int) else joined(path, step)
    return path


def joined(path: str, key: str) -> str:
    """The path of a field in an object."""
    key = shortened(key)
    return f"{path}.{key}" if path else key
