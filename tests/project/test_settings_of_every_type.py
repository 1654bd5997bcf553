"""Every setting given a value of every type JSON has, of every size: a project that can be saved, or one sentence."""

from __future__ import annotations

import json
import random

import pytest

from nnviz.commands.train import TrainOptions
from nnviz.data import datasets as data_sets
from nnviz.errors import InputError
from nnviz.project import registry, settings
from nnviz.project.checks.validate import validate
from nnviz.project.files import io
from nnviz.project.flat_settings import flat_settings, words_of
from nnviz.project.model import Node, Project
from nnviz.project.samples import templates

TEXTS = [
    "", "0", "-1", "1", "5", "64", "0.5", "-0.0", "1e-320", "1e308", "1e999", "-1e999", "NaN", "Infinity", "-Infinity",
    str(10**18), str(2**64), str(-(2**63)), "9" * 400, "9" * 4300, "9" * 6000, "1." + "1" * 9000,
    "true", "false", "null", "[]", "{}", "[[]]", "[1]", "[1, 2]", "[1, 2, 3]", "[0, 0]", "[-1, -1]", "[1.5, 2]",
    "[null, 1]", '["a", "b"]', "[[1, 2], [3]]", "[[1, 2], [3, 4]]", "[NaN, 1]", "[1e999]", '{"a": 1}', '[{"a": []}]',
    "[" * 20 + "]" * 20, "[" * 500 + "]" * 500, "[" * 970 + "]" * 970, "[" * 50_000 + "]" * 50_000,
    json.dumps(list(range(9))), json.dumps([1] * 20_000), json.dumps([[1.0] * 300] * 300), "x" * 30_000,
    "adam", "auto", "cuda:999", "cuda:1000", "gpu", "mnist", "../..", "__class__", "forward", "unit", '"text"', '""',
    '"\\u0000"', '"\\ud800"', '"a\\nb"', '"\\u202e"', "日本", "\x1b[31m", "a\0b", "\udcff", "~nobody-of-this-name",
]  # fmt: skip


def every_path(project: Project) -> list[str]:
    """All settings there are, and some there are not."""
    found = ["name", "data.dataset", "training.optimizer", "nonsense", "data.", ".", "training.nonsense", "\0.\0"]
    found += [f"data.{spec.name}" for spec in settings.DATA]
    found += ["data.preparation", "data.preparation.by", "data.scaling"]
    found += [f"data.params.{spec.name}" for spec in data_sets.dataset(project.data.dataset).params]
    found += [f"training.{spec.name}" for spec in settings.TRAINING]
    found += [f"training.{spec.name}" for spec in registry.optimizer(project.training.optimizer.kind).params]
    for node in project.graph.nodes.values():
        found += [f"{node.id}.{spec.name}" for spec in registry.layer(node.kind).params]
    found += [f"{node.id}.{spec.name}" for node in [*project.graph.nodes.values()][:2] for spec in settings.SWITCHES]
    return found


def checked(project: Project, path: str, text: str) -> bool:
    """Whether the value was taken; whatever it is, what comes out can be used or is a sentence on one line."""
    options = TrainOptions("x", None, None, None, None, None, ((path, text),), None, False, False)
    try:
        after = options.apply(project)
    except InputError as error:
        assert str(error).isprintable() and len(str(error)) < 3000
        return False
    written = io.dumps(after)
    if len(written) < 2**20:
        assert io.loads(written) == after
    try:
        facts = data_sets.facts(after.data)
    except InputError as error:
        assert str(error).isprintable()
    else:
        for found in validate(after, facts, try_fixes=False):
            assert found.text
    return True


SAMPLES = ["digits-cnn", "resnet18", "and"]


@pytest.mark.parametrize("name", SAMPLES)
def test_every_setting_of_a_sample(name: str) -> None:
    project = templates.sample(name)
    paths = every_path(project)
    draw = random.Random(3)
    some = [(path, text) for path in paths for text in TEXTS]
    taken = sum(checked(project, path, text) for path, text in draw.sample(some, min(len(some), 1500)))
    assert taken > 40


def test_every_parameter_of_every_layer_and_data_set() -> None:
    draw = random.Random(7)
    base = templates.sample("and")
    project = base
    for kind in registry.layers():
        nodes = {**project.graph.nodes, f"a_{kind}": Node(f"a_{kind}", kind)}
        project = type(project)(graph=type(project.graph)(nodes, ()))
    paths = [path for path in every_path(project) if path.startswith("a_")]
    assert len(paths) > 50
    for path in paths:
        for text in draw.sample(TEXTS, 12):
            checked(project, path, text)
    for kind, spec in data_sets.datasets().items():
        chosen = type(base)(data=type(base.data)(dataset=kind))
        for param in spec.params:
            for text in TEXTS:
                checked(chosen, f"data.{param.name}", text)


@pytest.mark.parametrize("text", ["[]", "{}", "[[1]]", "null", "3", "true"])
@pytest.mark.parametrize("path", ["training.optimizer", "data.dataset", "name"])
def test_a_list_where_a_name_is_wanted(path: str, text: str) -> None:
    project = templates.sample("and")
    value = json.loads(text)
    if path == "name" and text == "3":
        assert settings.with_setting(project, path, value).name == "3"
        return
    with pytest.raises(InputError):
        settings.with_setting(project, path, value, {"mnist": ()})


def test_a_layer_is_frozen_and_left_out_by_the_paths_that_a_run_lists() -> None:
    asked = {"linear1.frozen": True, "tanh2.bypassed": True}
    project = templates.sample("spiral")
    for path in asked:
        project = settings.with_setting(project, path, "true")
    assert asked.items() <= flat_settings(project).items()
    assert [words_of(path) for path in asked] == ["linear1 frozen", "tanh2 bypassed"]
    assert settings.with_setting(project, "linear1.frozen", "false").graph.nodes["linear1"].frozen is False
    with pytest.raises(InputError, match="nothing to pass on"):
        settings.with_setting(project, "input.bypassed", "true")
