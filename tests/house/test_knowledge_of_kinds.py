"""What is known of a kind stands in its declaration, so that a new kind needs no change anywhere else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from nnviz.project import choices, registry

ROOT = Path(__file__).resolve().parents[2] / "nnviz"

#: Where kinds are the subject: what they are, how torch makes them, and ready-made networks.
EXEMPT = (
    "project/declared/",
    "project/samples/",
    "project/files/",  # older formats name kinds as they were
    "network/builders.py",
    "network/initialise.py",
    "network/losses.py",
    "train/optimizers.py",
    "train/recipe.py",
    "train/schedules.py",
    "explain/kinds/",  # how each is taken apart
    "data/formula.py",  # the names of mathematics, which some layers share
)
#: Every network has these two: they are part of what a graph is.
STRUCTURAL = frozenset({"input", "output"})
#: Kinds whose keys mean other things elsewhere; they only count beside something that is called a kind or a choice.
AMBIGUOUS = frozenset({"step", "none", "norm", "value", "constant", "default", "given", "identity"})

KINDS = (
    frozenset(
        {
            *registry.layers(),
            *registry.losses(),
            *registry.initialisers(),
            *(kind for slot in choices.TRAINING for kind in slot.known.all),
        }
    )
    - STRUCTURAL
)
#: Words of what a comparison is about.
NAMED = ("kind", "choice", "loss", "optimizer", "schedule", "clipping", "initial", "way")


def literals(node: ast.expr) -> set[str]:
    """The texts in a literal: itself, or the items of a tuple, a set or a call such as ``frozenset({…})``."""
    if isinstance(node, ast.Constant):
        return {node.value} if isinstance(node.value, str) else set()
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return {text for item in node.elts for text in literals(item)}
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"frozenset", "set"}:
        return {text for item in node.args for text in literals(item)}
    return set()


def offences(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Comparisons with a kind, and tables by kind."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            found = {text for side in sides for text in literals(side)} & KINDS
            told = " ".join(ast.unparse(side) for side in sides if not literals(side)).lower()
            if told.endswith("answer"):
                continue  # How an answer is read is declared by the loss; softmax and sigmoid are words for it.
            if found - AMBIGUOUS or (found and any(word in told for word in NAMED)):
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.MatchValue) and literals(node.value) & (KINDS - AMBIGUOUS):
            yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Dict):
            keys = {key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
            if len(keys & (KINDS - AMBIGUOUS)) >= 2:
                yield node.lineno, ast.unparse(node)[:100]
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, (ast.Tuple, ast.Set, ast.Call)):
            items = getattr(node.value, "elts", [])
            if all(isinstance(item, ast.Constant) for item in items) and literals(node.value) & (KINDS - AMBIGUOUS):
                yield node.lineno, ast.unparse(node)[:100]


def test_no_kind_is_known_beside_its_declaration() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in sorted(ROOT.rglob("*.py"))
        if not str(path.relative_to(ROOT).as_posix()).startswith(EXEMPT)
        for line, text in offences(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found, "make it a field of the kind's declaration:\n" + "\n".join(found)


@pytest.mark.parametrize(
    "code",
    [
        'if loss.kind != "mse": pass',
        'if spec.kind in ("dropout", "dropout2d"): pass',
        '_STATE = {"sgd": 0, "adam": 2}',
        '_PAIRS = frozenset({"sgd", "rmsprop"})',
        'if schedule.kind != "constant": pass',
        'if spec.kind == "step": pass',
        "match kind:\n    case 'relu': pass",
    ],
)
def test_the_rule_sees_what_it_is_for(code: str) -> None:
    assert list(offences(ast.parse(code)))


@pytest.mark.parametrize(
    "code", ['if node.kind == "output": pass', 'if axis == "step": pass', 'names = {"step": 1, "epoch": 2}']
)
def test_the_rule_lets_through_what_is_no_kind(code: str) -> None:
    assert not list(offences(ast.parse(code)))


def test_what_a_declaration_names_exists() -> None:
    layers, losses = registry.layers(), registry.losses()
    for spec in layers.values():
        assert set(spec.followers) <= set(layers)
        assert {spec.other_axes, spec.replacement} <= {"", *layers}
        for name in (spec.width_param, spec.joins_along, spec.groups_param):
            assert not name or spec.param(name)
        if spec.other_axes:
            assert layers[spec.other_axes].other_axes == spec.kind
        if spec.max_inputs and spec.outputs:
            assert spec.formula and spec.followers, spec.kind
        if spec.card_note:
            assert "{" not in spec.card_note.format_map(spec.values({}))
    for loss in losses.values():
        assert not loss.includes or loss.includes in layers
        assert not loss.counterpart or losses[loss.counterpart].counterpart == loss.kind
        assert loss.tasks and loss.formula and loss.axis
