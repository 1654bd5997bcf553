"""Formulas that somebody types, such as ``sin(x) + 0.5*y``: read into a tree of numbers, never run as a program.

Python's own parser reads the text and runs nothing. Of the tree that it gives, only numbers, names that are allowed,
five operations and a few functions are taken; all else is refused in a sentence. Reading needs no numpy.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from nnviz.errors import ParamError

#: Longer formulas, or of more pieces, are refused: so the time for a point is bounded.
MOST_LETTERS, MOST_PIECES, DEEPEST = 200, 80, 25
#: Of numpy, under its own names.
FUNCTIONS: Final = tuple("sin cos tan tanh exp log sqrt abs".split())  # noqa: SIM905 - no kinds of layers
_CONSTANTS: Final[Mapping[str, float]] = {"pi": math.pi, "e": math.e}
_OPERATIONS: Final[Mapping[type[ast.operator], str]] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
}
#: What people write, and how the parser wants it.
_WRITTEN: Final[Mapping[str, str]] = {"−": "-", "·": "*", "×": "*", "÷": "/", "π": "pi"}


@dataclass(frozen=True)
class Piece:
    """A number (``value``), a letter (``name``), or the function of numpy that ``does`` names, of what is below."""

    value: float = 0.0
    name: str = ""
    does: str = ""
    of: tuple[Piece, ...] = ()


@dataclass(frozen=True)
class Formula:
    """A formula that has been read.

    Attributes:
        text: As it was typed, without ``y =`` before it.
        letters: What may stand in it, such as ``("x", "y")``.
        tree: What it says.
    """

    text: str
    letters: tuple[str, ...]
    tree: Piece

    @classmethod
    def read(cls, text: str, letters: Sequence[str] = ("x", "y"), answer: str = "") -> Formula:
        """Reads a formula.

        Args:
            text: What was typed; ``y = `` before it is left out where ``answer`` is ``y``.
            letters: What may stand in it.
            answer: What it is the formula of.

        Raises:
            ParamError: It is no formula, or something in it is not allowed; the sentence says what.
        """
        typed = text.strip()
        for written, meant in _WRITTEN.items():
            typed = typed.replace(written, meant)
        before, equals, after = typed.partition("=")
        if equals and answer and before.strip() == answer:
            typed = after.strip()
        return cls(typed, tuple(letters), _Reader(tuple(letters)).read(typed))


class _Reader:
    """Takes the parser's tree apart."""

    def __init__(self, letters: tuple[str, ...]) -> None:
        self._letters = letters
        self._pieces = 0

    def read(self, typed: str) -> Piece:
        if not typed:
            raise _refused("There is no formula: type one, such as sin(x).")
        if len(typed) > MOST_LETTERS:
            raise _refused(f"The formula has {len(typed):,} letters; at most {MOST_LETTERS} are allowed.")
        if "^" in typed:
            raise _refused("“^” is not allowed: powers are written with **, as in x**2.")
        try:
            tree = ast.parse(typed, mode="eval")
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            raise _refused(
                f"“{_brief(typed)}” is not a formula that can be read: write it like 0.5*x + sin(2*x)."
            ) from None
        return self._piece(tree.body, 0)

    def _piece(self, node: ast.AST, depth: int) -> Piece:
        self._pieces += 1
        if self._pieces > MOST_PIECES or depth > DEEPEST:
            raise _refused(f"The formula has too many pieces: at most {MOST_PIECES}, {DEEPEST} in one another.")
        match node:
            case ast.Constant(value=bool()):
                raise self._not_allowed(node)
            case ast.Constant(value=int() | float() as value):
                try:
                    number = float(value)
                except OverflowError:
                    number = math.inf
                if not math.isfinite(number):
                    raise _refused("A number in the formula is too large.")
                return Piece(number)
            case ast.Name(id=name) if name in self._letters:
                return Piece(name=name)
            case ast.Name(id=name) if name in _CONSTANTS:
                return Piece(_CONSTANTS[name])
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return Piece(does="negative", of=(self._piece(inner, depth + 1),))
            case ast.UnaryOp(op=ast.UAdd(), operand=inner):
                return self._piece(inner, depth + 1)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
                both = self._piece(left, depth + 1), self._piece(right, depth + 1)
                return Piece(does=_OPERATIONS[type(op)], of=both)
            case ast.Call(func=ast.Name(id=name), args=[inner], keywords=[]) if name in FUNCTIONS:
                return Piece(does=name, of=(self._piece(inner, depth + 1),))
            case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
                raise _refused(f"{name} takes one value: {name}(x).")
            case ast.Name(id=name) if name in FUNCTIONS:
                raise _refused(f"{name} needs a value in brackets: {name}(x).")
            case ast.Tuple():
                raise _refused("A comma is not allowed: numbers have a decimal point, and functions one value.")
            case _:
                raise self._not_allowed(node)

    def _not_allowed(self, node: ast.AST) -> ParamError:
        letters = ", ".join(self._letters)
        return _refused(
            f"“{_brief(ast.unparse(node))}” is not allowed in the formula: only numbers, {letters}, pi, e, + - * / ** "
            f"and {', '.join(FUNCTIONS[:-1])} and {FUNCTIONS[-1]} are."
        )


def _brief(text: str) -> str:
    shown = "".join(letter if letter.isprintable() else "�" for letter in text)
    return shown if len(shown) <= 30 else shown[:29] + "…"


def _refused(sentence: str) -> ParamError:
    return ParamError(sentence, field="formula")
