"""Values as text: one parser for the editors and for ``--set``, and writing then reading gives the same value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import param_values

from nnviz.commands.train import TrainOptions
from nnviz.data import datasets
from nnviz.errors import InputError, ParamError
from nnviz.project import choices, registry, settings
from nnviz.project.model import Choice, ParamValue, TrainConfig
from nnviz.project.samples import templates
from nnviz.project.spec import ParamSpec
from nnviz.project.value_text import parse_text, to_text, unquoted

#: Every parameter that is declared anywhere, and what can be chosen itself.
PARAMS = {
    **{f"{spec.kind}.{p.name}": p for spec in registry.layers().values() for p in spec.params},
    **{f"{one.kind}.{p.name}": p for slot in choices.TRAINING for one in slot.known.all.values() for p in one.params},
    **{f"{spec.kind}.{p.name}": p for spec in datasets.datasets().values() for p in spec.params},
    **{f"data.{p.name}": p for p in settings.DATA},
    **{f"training.{p.name}": p for p in settings.TRAINING},
    **{slot.name: choices.kinds(slot) for slot in choices.TRAINING},
}  # fmt: skip
PAIR = ParamSpec("kernel_size", "kernel size", "", "pair", (3, 3), 1, 255)


@pytest.mark.parametrize("param", PARAMS.values(), ids=PARAMS)
def test_a_default_written_and_read_is_the_same(param: ParamSpec) -> None:
    assert parse_text(param, to_text(param, param.default)) == param.default


@given(st.sampled_from(list(PARAMS.values())).flatmap(lambda param: st.tuples(st.just(param), param_values(param))))
def test_any_value_written_and_read_is_the_same(drawn: tuple[ParamSpec, ParamValue]) -> None:
    param, value = drawn
    value = param.parse(value)
    again = parse_text(param, to_text(param, value))
    assert again == value and type(again) is type(value)


@pytest.mark.parametrize("text", ["5", "5 x 5", "5×5", "5 × 5", "5, 5", "[5,5]", "(5, 5)", " [5, 5] ", "5*5", "[5]"])
def test_a_pair_however_it_is_typed(text: str) -> None:
    assert parse_text(PAIR, text) == (5, 5)
    project = templates.sample("digits-cnn")
    options = TrainOptions("x", None, None, None, None, None, (("conv1.kernel_size", text),), None, False, False)
    assert options.apply(project).graph.nodes["conv1"].params["kernel_size"] == (5, 5)


@pytest.mark.parametrize(
    ("type", "text", "value"),
    [
        ("bool", "on", True), ("bool", "OFF", False), ("bool", "true", True), ("bool", "False", False),
        ("int", "1e3", 1000), ("int", "1\u202f024", 1024), ("int", "−3", -3), ("int", "9007199254740993", 2**53 + 1),
        ("float", "0,01", 0.01), ("float", "1e-3", 0.001), ("float", "5", 5.0),
        ("shape", "3 28 28", (3, 28, 28)), ("shape", "[784]", (784,)),
        ("vector", "", None), ("vector", "null", None), ("vector", "1, 2", (1.0, 2.0)), ("vector", "[]", ()),
        ("matrix", "1 2\n3 4", ((1.0, 2.0), (3.0, 4.0))), ("matrix", "[[1, 2], [3, 4]]", ((1.0, 2.0), (3.0, 4.0))),
        ("text", " as it is ", " as it is "),
    ],
)  # fmt: skip
def test_what_can_be_typed(type: str, text: str, value: ParamValue) -> None:
    assert parse_text(ParamSpec("a", "a", "", type, None), text) == value  # type: ignore[arg-type]


def test_a_choice_by_its_key_or_its_title() -> None:
    size = ParamSpec("size", "size", "", "choice", "8", choices=(("8", "8×8"), ("28", "28×28, enlarged")))
    assert [parse_text(size, text) for text in ("8", " 28 ", "8×8", "28×28, Enlarged")] == ["8", "28", "8", "28"]
    with pytest.raises(ParamError, match="one of 8, 28"):
        parse_text(size, "9")


@pytest.mark.parametrize("text", ["", "0", "3 x 0", "3.5", "three", "1 2 3", "300", "nan", "1e999", "[[1]]", "\x1b[3m"])
def test_what_is_not_allowed_is_refused_in_a_line_with_the_range(text: str) -> None:
    with pytest.raises(ParamError, match="one or two whole numbers from 1 to 255") as caught:
        parse_text(PAIR, text)
    assert str(caught.value).isprintable()


@given(st.sampled_from(list(PARAMS.values())), st.text(max_size=40))
def test_any_text_is_a_value_or_a_sentence(param: ParamSpec, text: str) -> None:
    try:
        value = parse_text(param, text)
    except ParamError as error:
        assert error.message and error.message.isprintable()
    else:
        assert param.parse(value) == value


def test_quotation_marks_of_json_are_taken_away() -> None:
    assert [unquoted(text) for text in ('"a"', '"a', '"\\u0041"', 'a"b', '"', '""')] == ["a", '"a', "A", 'a"b', '"', ""]


@pytest.mark.parametrize(
    ("path", "text", "wanted"),
    [
        ("training.keep_best", "on", TrainConfig(keep_best=True)),
        ("training.learning_rate", "0,5", TrainConfig(optimizer=Choice("adam", {"learning_rate": 0.5}))),
        (
            "training.schedule",
            '{"kind": "step", "params": {"every": 5}}',
            TrainConfig(schedule=Choice("step", {"every": 5})),
        ),
        ("training.schedule.final_share", "0.1", None),
        ("training.regularisers", '["l1", "l2"]', TrainConfig(regularisers=(Choice("l1"), Choice("l2")))),
        ("training.device", '"cpu"', TrainConfig(device="cpu")),
    ],
)  # fmt: skip
def test_settings_are_read_by_the_same_parser(path: str, text: str, wanted: TrainConfig | None) -> None:
    empty = type(templates.sample("and"))()
    if wanted is None:
        with pytest.raises(InputError):
            settings.with_setting(empty, path, text)
        return
    assert settings.with_setting(empty, path, text).training == wanted
