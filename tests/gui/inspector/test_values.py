"""Values as text and back, and steps up and down, for every parameter that is declared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnviz.data import datasets
from nnviz.errors import ParamError
from nnviz.gui.inspector.values import stepped
from nnviz.project import registry
from nnviz.project.settings import DATA, TRAINING
from nnviz.project.spec import ParamSpec
from nnviz.project.value_text import parse_text, to_text

ALL = [
    param
    for spec in (
        *registry.layers().values(),
        *registry.optimizers().values(),
        *datasets.datasets().values(),
    )
    for param in spec.params
] + [*DATA, *TRAINING]
TYPED = [param for param in ALL if param.type not in {"bool", "choice"}]
KERNEL = ParamSpec("kernel_size", "kernel size", "", "pair", (3, 3), 1, 255)
RATE = ParamSpec(
    "learning_rate", "learning rate", "", "float", 0.001, 0, 1000, exclusive_minimum=True, logarithmic=True
)
SHAPE = registry.layer("input").param("shape")
BATCH = ParamSpec("batch_size", "batch size", "", "int", 128, 1, 65536, logarithmic=True)


@pytest.mark.parametrize("param", TYPED, ids=lambda param: param.name)
def test_defaults_survive_being_written_and_read(param: ParamSpec) -> None:
    assert parse_text(param, to_text(param, param.default)) == param.default


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=1e-300, max_value=1000))
def test_every_float_survives_being_written_and_read(value: float) -> None:
    assert parse_text(RATE, to_text(RATE, value)) == value


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=2), min_size=1, max_size=4))
def test_matrices_survive_being_written_and_read(rows: list[list[float]]) -> None:
    matrix = ParamSpec("weights", "weights", "", "matrix", None)
    value = tuple(tuple(row) for row in rows)
    assert parse_text(matrix, to_text(matrix, value)) == value
    assert parse_text(matrix, "") is None


@pytest.mark.parametrize("text", ["5", "5x5", "5 × 5", "5, 5", "(5, 5)", " 5 5 "])
def test_pairs_are_read_however_they_are_typed(text: str) -> None:
    assert parse_text(KERNEL, text) == (5, 5)


@pytest.mark.parametrize("text", ["", "0", "3 × 0", "3.5", "three", "1 2 3", "300", "nan", "1e999"])
def test_what_is_not_allowed_is_refused_with_the_range(text: str) -> None:
    with pytest.raises(ParamError, match="one or two whole numbers from 1 to 255"):
        parse_text(KERNEL, text)


def test_a_comma_may_be_a_decimal_point() -> None:
    assert parse_text(RATE, "0,01") == 0.01
    assert parse_text(BATCH, "1\u202f024") == 1024


def test_steps() -> None:
    assert [stepped(RATE, 0.001, steps) for steps in (1, 2, 3, -1)] == [0.002, 0.005, 0.01, 0.0005]
    assert stepped(RATE, 0.003, 1) == 0.005 and stepped(RATE, 0.003, -1) == 0.002
    assert [stepped(BATCH, value, 1) for value in (1, 100, 128, 65536)] == [2, 128, 256, 65536]
    assert [stepped(BATCH, value, -1) for value in (1, 100, 128)] == [1, 64, 64]
    assert stepped(KERNEL, (3, 3), 2) == (5, 5)
    assert stepped(KERNEL, (3, 5), 1, part=1) == (3, 6)
    assert stepped(KERNEL, (1, 1), -1) == (1, 1)
    assert stepped(BATCH, 64, 32, fine=True) == 96
    assert stepped(BATCH, 3, -5, fine=True) == 1
    assert stepped(RATE, 0.005, 1, fine=True) == pytest.approx(0.0051)
    assert stepped(SHAPE, (1, 28, 28), 7, part=0) == (128, 28, 28)
    assert stepped(SHAPE, (128, 28, 28), 64, part=0, fine=True) == (192, 28, 28)


@pytest.mark.parametrize("param", TYPED, ids=lambda param: param.name)
@pytest.mark.parametrize("steps", [-40, -1, 1, 40])
def test_a_step_never_leaves_the_range(param: ParamSpec, steps: int) -> None:
    for fine in (False, True):
        value = stepped(param, param.default, steps, fine=fine)
        assert param.parse(value) == value


@given(
    st.lists(
        st.text(st.characters(blacklist_categories=("Cc", "Cs", "Cf", "Zl", "Zp")), max_size=12)
        .map(str.strip)
        .filter(bool)
    )
)
def test_lists_of_texts_survive_being_written_and_read(texts: list[str]) -> None:
    param = ParamSpec("endings", "endings", "", "texts", ())
    assert parse_text(param, to_text(param, tuple(texts))) == tuple(texts)
