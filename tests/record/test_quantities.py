"""Quantities: names there and back, one threshold and one wording each, and no series name anywhere else."""

from __future__ import annotations

import ast
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnviz.project import registry
from nnviz.record import quantities
from nnviz.record.number_text import percent
from nnviz.record.quantities import QUANTITIES, badge_of, quantity_of
from nnviz.record.quantity import Bands, Mark

SOURCE = Path(quantities.__file__).parents[1]
#: As they stand in every run file so far: a name that changes makes those files unreadable.
NAMES = {
    "loss", "accuracy", "learning_rate", "epoch", "speed/samples_per_second", "cost/probes", "gradient_norm",
    "gradient_mean", "update_ratio", "activation_mean", "activation_deviation", "activation_histogram",
    "dead_fraction", "dead_units", "dead_since", "saturation", "weights", "output", "input/pinned", "plane",
    "input/points", "finding",
}  # fmt: skip


def test_the_names_of_the_files_stay() -> None:
    assert {quantity.name for quantity in QUANTITIES} >= NAMES
    assert len({quantity.name for quantity in QUANTITIES}) == len(QUANTITIES)


@given(st.sampled_from(QUANTITIES), st.text(min_size=1, max_size=20))
def test_a_series_leads_back_to_its_quantity(quantity: quantities.Quantity, where: str) -> None:
    where = "" if quantity.per == "run" else where
    series = quantity.series(where)
    assert quantity_of(series) == (quantity, where)
    assert [one for one in QUANTITIES if one.owns(series)] == [quantity]
    assert quantity.where(series) == where


@pytest.mark.parametrize("name", ["", "/", "loss", "loss/", "epoch/3", "input", "input/other", "cost", "lossy/train"])
def test_other_names_belong_to_nobody(name: str) -> None:
    assert quantity_of(name) is None


@given(st.floats(min_value=0.0, max_value=1.0), st.integers(min_value=0, max_value=3))
def test_a_share_never_reads_as_nothing_or_as_all_of_it(share: float, decimals: int) -> None:
    text = percent(share, decimals)
    number = float(text.removesuffix(" %").removeprefix("<"))
    assert text.endswith(" %")
    assert (number == 0) is (share == 0)
    assert (number == 100) is (share == 1)
    if not text.startswith("<"):
        assert abs(number - 100 * share) <= (1.0 if share > 0.9 else 0.5000001)
    else:
        assert 100 * share < number


@pytest.mark.parametrize(
    ("share", "decimals", "text"),
    [
        (0.0004, 0, "<0.1 %"),
        (0.0005, 0, "0.1 %"),
        (0.0094, 0, "0.9 %"),
        (0.0096, 0, "1 %"),
        (0.996, 0, "99 %"),
        (0.9996, 1, "99.9 %"),
        (0.97253, 2, "97.25 %"),
        (3.2, 0, "320 %"),
        (math.inf, 0, "∞ %"),
        (math.nan, 0, "NaN"),
    ],
)
def test_shares_in_words(share: float, decimals: int, text: str) -> None:
    assert percent(share, decimals) == text


def test_a_value_is_the_same_to_panel_card_and_finding() -> None:
    for quantity in (quantities.DEAD_FRACTION, quantities.SATURATION):
        bands = quantity.bands
        for hundredths in range(101):
            level = bands.level(hundredths / 100)
            assert (level != "good") is bands.warning.passed(hundredths / 100)
            assert (level == "error") is (hundredths / 100 >= bands.error)
    assert quantities.SATURATION.bands.level(0.30) == "good"
    assert Bands().level(1e9) == Bands().level(-1e9) == "good"
    assert Bands().level(math.nan) == "error"


def test_where_a_value_is_healthy_in_words() -> None:
    assert quantities.UPDATE_RATIO.healthy_text == "0.0003 to 0.003"
    assert quantities.DEAD_FRACTION.healthy_text == "at most 20 %"
    assert quantities.SATURATION.healthy_text == "at most 50 %"
    assert quantities.ACTIVATION_MEAN.healthy_text == ""
    low = quantities.Quantity("a", "A", "node", "scalar", "A.", bands=Bands(low=Mark(0.5)))
    assert low.healthy_text == "at least 0.5"


@pytest.mark.parametrize("value", [-1e9, -1.0, 0.0, 1e-7, 3e-4, 1e-3, 3e-3, 0.1, 0.2, 0.5, 0.9, 1e3, 1e4, math.nan])
def test_a_value_within_the_words_is_healthy(value: float) -> None:
    for quantity in QUANTITIES:
        low, high = quantity.bands.limits
        assert quantity.bands.holds(value) is (low <= value <= high)
        if quantity.bands.holds(value):
            assert quantity.bands.level(value) == "good"


def test_a_mark_does_not_flicker() -> None:
    mark = Mark(0.2, 0.15)
    holds = False
    seen = []
    for value in (0.1, 0.19, 0.21, 0.18, 0.16, 0.14, 0.19):
        holds = mark.passed(value, holds)
        seen.append(holds)
    assert seen == [False, False, True, True, True, False, False]
    assert Mark(1.0).passed(1.5, True) and not Mark(1.0).passed(0.9, True)


def test_what_a_quantity_asks_of_a_layer_is_a_field_of_its_declaration() -> None:
    for quantity in QUANTITIES:
        if quantity.layers:
            assert any(bool(getattr(spec, quantity.layers)) for spec in registry.layers().values())
    badges = {kind: badge_of(spec) for kind, spec in registry.layers().items()}
    assert badges["relu"] is quantities.DEAD_FRACTION
    assert badges["tanh"] is quantities.SATURATION
    assert badges["conv2d"] is None


def test_every_quantity_says_what_it_is() -> None:
    for quantity in QUANTITIES:
        assert quantity.title and quantity.meaning.endswith(".")


#: Names that say nothing else in this program, so that the bare word is a series' name wherever it stands.
DISTINCT = {
    quantity.name
    for quantity in QUANTITIES
    # A loss, an epoch, an output are many things; "dead_units" is a panel, two others are settings, too.
    if quantity.name
    not in {
        "loss",
        "accuracy",
        "learning_rate",
        "batch_size",
        "epoch",
        "weights",
        "output",
        "plane",
        "finding",
        "dead_units",
    }
}
#: Where such a word means something else: the saturation of colours.
OTHERWISE = {
    ("project/declared/augmentations.py", "saturation"),
    ("data/augmentation.py", "saturation"),
    ("record/run.py", "epochs_planned"),  # what a module offers
}
#: What names a series in its first argument.
NAMING = {"Scalar", "ArrayReading", "Histogram", "Finding", "latest", "scalars", "names"}
PREFIX = re.compile("|".join(f"^{re.escape(q.name)}/" for q in QUANTITIES if q.per != "run"))


def _literals(tree: ast.AST) -> list[tuple[int, str]]:
    """Texts that spell a series' name; docstrings and other statements of nothing but a text are none."""
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    named: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in NAMING:
                named.add(id(node.args[0]))
        if isinstance(node, ast.Compare) and any(
            isinstance(right, ast.Name) and right.id == "changed" for right in node.comparators
        ):
            named.add(id(node.left))
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in said:
            continue
        if node.value in DISTINCT or PREFIX.match(node.value) or (id(node) in named and quantity_of(node.value)):
            found.append((node.lineno, node.value))
    return found


def test_a_planted_literal_is_found() -> None:
    planted = (
        '"""loss/train"""\nrun.latest("epoch")\nf"weights/{node}"\nx = "gradient_norm"\n'
        'if "loss/test" in changed: pass\n'
        'y = f"dead_units/{node}"\nparams["learning_rate"]\nkind = "output"\n'
    )
    assert sorted(line for line, _ in _literals(ast.parse(planted))) == [2, 3, 4, 5, 6]


def test_series_names_stand_in_one_place() -> None:
    found = [
        f"{path.relative_to(SOURCE)}:{line}: {text!r}"
        for path in sorted(SOURCE.rglob("*.py"))
        if path != Path(quantities.__file__)
        for line, text in _literals(ast.parse(path.read_text(encoding="utf-8")))
        if (path.relative_to(SOURCE).as_posix(), text) not in OTHERWISE
    ]
    assert not found, "\n".join(found)
