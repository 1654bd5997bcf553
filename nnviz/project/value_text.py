"""Values as text and back: what an editor shows and takes, and what ``--set PATH=VALUE`` takes, are read by one parser.

``parse_text(spec, to_text(spec, value)) == value`` for every declared parameter and every value that it allows.
"""

from __future__ import annotations

import json
import math
import re

from nnviz.errors import ParamError
from nnviz.project.model import Choice, ParamValue
from nnviz.project.spec import ParamSpec, brief

_SEPARATORS = re.compile(r"[\s,;×x*]+")
_WHOLE = re.compile(r"[+-]?[0-9]{1,400}")
_YES, _NO = frozenset({"on", "true", "yes"}), frozenset({"off", "false", "no"})
_NOTHING = frozenset({"", "null", "none"})
#: A longer text is no list of numbers that anybody wrote.
_MOST_JSON = 1_000_000


def number_text(value: float) -> str:
    """A number so that typing it again gives the same one: ``0.001``, ``1e-08``, ``3``."""
    if isinstance(value, (bool, int)):
        return str(value)
    text = f"{value:.10g}"
    text = text if float(text) == value else repr(value)
    return text.replace("e-0", "e-").replace("e+0", "e")


def to_text(spec: ParamSpec, value: ParamValue) -> str:
    """A value as its editor shows it: ``3 × 3``, ``0.001``, ``on``; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    if spec.type in {"pair", "shape"} and isinstance(value, tuple):
        return " × ".join(str(item) for item in value)
    if spec.type == "texts" and isinstance(value, tuple):
        lines = "\n".join(str(item) for item in value)
        return json.dumps(value, ensure_ascii=False) if lines.startswith("[") else lines  # which would be read as JSON
    if spec.type == "vector" and isinstance(value, tuple):
        return "  ".join(_item(item) for item in value) or "[]"
    if spec.type == "matrix" and isinstance(value, tuple):
        rows = (row for row in value if isinstance(row, tuple))
        return "\n".join("  ".join(_item(item) for item in row) for row in rows)
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, Choice):
        return json.dumps({"kind": value.kind, "params": dict(value.params)}, ensure_ascii=False)
    return str(value)


def _item(value: ParamValue) -> str:
    return number_text(value) if isinstance(value, (int, float)) else str(value)


def parse_text(spec: ParamSpec, text: str) -> ParamValue:
    """The value that somebody typed, in its normal form.

    ``5 x 5``, ``5×5``, ``5, 5``, ``[5, 5]`` and ``5`` for a pair; ``on`` or ``true`` for a switch; the key or the title
    of a choice, or an object with its kind and params; one text a line, or a list, for texts; a decimal point or a
    decimal comma; nothing for weights that are not given.

    Raises:
        ParamError: It is no such value or not allowed; the sentence says what is.
    """
    if spec.type == "text":
        return spec.parse(text)
    if spec.type == "texts":
        return spec.parse(_json(text) if text.startswith("[") else [line for line in text.split("\n") if line.strip()])
    typed = text.strip()
    if spec.type in {"choice", "chosen"}:
        return spec.parse(_json(typed) if typed.startswith("{") else _chosen(spec, typed))
    if spec.type == "bool":
        word = typed.casefold()
        if word not in _YES | _NO:
            raise refusal(spec, typed)
        return spec.parse(word in _YES)
    typed = typed.replace("−", "-")
    if spec.type in {"vector", "matrix"} and typed.casefold() in _NOTHING:
        return spec.parse(None)
    if typed.startswith("[") and spec.type not in {"int", "float"}:
        listed = _json(typed)
        if isinstance(listed, list):
            return spec.parse(listed)
    try:
        if spec.type == "matrix":
            return spec.parse(tuple(_numbers(row) for row in typed.splitlines() if row.strip()))
        if spec.type in {"pair", "shape"}:
            return spec.parse(tuple(_whole(part) for part in _parts(typed)))
        if spec.type == "vector":
            return spec.parse(_numbers(typed))
        return spec.parse(_whole_or_number(typed) if spec.type == "int" else _number(typed))
    except ValueError:
        raise refusal(spec, typed) from None


def refusal(spec: ParamSpec, text: str) -> ParamError:
    """The error for something typed that is no value at all."""
    shown = text if len(text) <= 24 else text[:23] + "…"
    shown = f"“{shown}”" if shown.isprintable() else brief(shown)
    what = f"{shown} is not allowed" if text else "A value is needed"
    return ParamError(f"{what}: {spec.title} must be {spec.allowed()}.", field=spec.name)


def unquoted(text: str) -> str:
    """A text without the quotation marks of JSON around it, which older command lines needed."""
    if len(text) >= 2 and text[0] == text[-1] == '"' and len(text) <= _MOST_JSON:
        try:
            inner = json.loads(text)
        except ValueError:
            return text
        return inner if isinstance(inner, str) else text
    return text


def _chosen(spec: ParamSpec, typed: str) -> str:
    """The key that was typed, or whose title was, in whatever case."""
    if any(typed == key for key, _ in spec.choices):
        return typed
    word = typed.casefold()
    return next((key for key, title in spec.choices if word in {key.casefold(), title.casefold()}), typed)


def _json(text: str) -> object:
    """What a text says in JSON; the text itself where it is none."""
    if len(text) > _MOST_JSON:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _parts(text: str) -> list[str]:
    return [part for part in _SEPARATORS.split(text.strip("()[] ")) if part]


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(_number(part) for part in re.split(r"[\s,;]+", text.strip("()[] ,;")) if part)


def _number(text: str) -> float:
    cleaned = text.replace("\u202f", "").replace("\u00a0", "").replace(" ", "")
    if "," in cleaned and "." not in cleaned:
        cleaned = cleaned.replace(",", ".")
    number = float(cleaned)
    if math.isnan(number):
        raise ValueError(text)
    return number


def _whole_or_number(text: str) -> int | float:
    """Whole numbers exactly, however large; what is none is left to the declaration to refuse."""
    if _WHOLE.fullmatch(text):
        return int(text)
    number = _number(text)
    return int(number) if number.is_integer() else number


def _whole(text: str) -> int:
    number = _whole_or_number(text)
    if not isinstance(number, int):
        raise ValueError(text)
    return number
