"""Whatever breaks in a sample network, each cure that is offered leaves fewer errors, or says that it does not."""

from __future__ import annotations

import random

import pytest

from nnviz.errors import NnvizError
from nnviz.project import registry
from nnviz.project.checks.tried_fixes import REMAINS
from nnviz.project.checks.validate import Diagnostic, problems_that_stop, validate
from nnviz.project.edits import Edit, RemoveNodes, SetParam
from nnviz.project.model import Edge, PortRef, Project
from nnviz.project.samples import templates

#: Breakages of one sample that are tried.
_MOST = 25
NAMES = [info.name for info in templates.samples()]


def errors(project: Project) -> tuple[Diagnostic, ...]:
    return problems_that_stop(validate(project))


def breakages(project: Project) -> list[Edit]:
    """Every layer taken out, with its gap closed or open, and parameters set to values that seldom fit."""
    found: list[Edit] = []
    chance = random.Random(5)
    for name, node in project.graph.nodes.items():
        found += [RemoveNodes((name,)), RemoveNodes((name,), rejoin=True)]
        for param in registry.layer(node.kind).params:
            if param.type == "int":
                found.append(SetParam(name, param.name, chance.choice([1, 2, 3, 7, 50])))
            elif param.type == "pair":
                found.append(SetParam(name, param.name, (chance.choice([1, 2, 9, 30]),) * 2))
    return chance.sample(found, min(_MOST, len(found)))


@pytest.mark.parametrize("name", NAMES)
def test_every_cure_leaves_fewer_errors_or_says_that_it_does_not(name: str) -> None:
    project = templates.sample(name)
    for breakage in breakages(project):
        try:
            broken = breakage.apply(project)
        except NnvizError:
            continue
        before = errors(broken)
        if (len(before) + 2) * 4 * len(broken.graph.nodes) > 1500:
            continue  # Not all of its cures are tried at once.
        for error in before:
            honest = [fix for fix in error.fixes if not fix.title.endswith(REMAINS)]
            assert not honest or len(honest) == len(error.fixes), "beside a cure nothing worse is offered"
            for fix in honest:
                after = fix.edit.apply(broken)
                assert len(errors(after)) < len(before), (breakage, error.text, fix.title)
                assert fix.edit.invert(broken).apply(after) == broken


def test_behind_a_flatten_that_was_deleted_one_cure_does_all() -> None:
    project = templates.sample("digits-cnn")
    broken = RemoveNodes(("flatten1",)).apply(project)
    (error,) = [error for error in errors(broken) if error.node == "linear1"]
    assert error.fixes[0].title == "Connect pool2 to linear1 and insert Flatten 32×5×5→800"
    mended = error.fixes[0].edit.apply(broken)
    assert not errors(mended)
    assert Edge(PortRef("pool2"), PortRef("linear1")) not in mended.graph.edges


def test_further_steps_of_a_cure_say_of_which_layer_they_are() -> None:
    project = templates.sample("digits-cnn")
    titles = [
        fix.title
        for breakage in breakages(project)
        for error in errors(breakage.apply(project))
        for fix in error.fixes
        if " and set kernel size" in fix.title
    ]
    assert titles
    assert all(" and set kernel size of " in title for title in titles)
