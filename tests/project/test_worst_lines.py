"""Which places of a network's way can be the worst for memory: the few that are kept answer as all of them do."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nnviz.project.checks import footprint
from nnviz.project.checks.footprint import Line, highest, worst
from nnviz.project.checks.memory import Estimate
from nnviz.project.checks.shapes import infer, infer_from
from nnviz.project.edits import Move, SetParam
from nnviz.project.samples import templates

NUMBERS = st.integers(0, 6)


@given(st.lists(st.tuples(NUMBERS, NUMBERS)), st.integers(1, 8))
def test_the_few_that_are_kept_answer_as_all_do(numbers: list[tuple[int, int]], batch: int) -> None:
    lines = [Line(str(index), fixed, each) for index, (fixed, each) in enumerate(numbers)]
    assert highest(worst(lines), batch) == highest(lines, batch)


def test_of_a_deep_network_a_few_are_kept() -> None:
    project = templates.sample("resnet18")
    inference = infer(project.graph)
    lines = footprint.ways(project.graph, inference)[0]
    assert 0 < len(worst(lines)) < len(lines) / 4


def test_an_edit_that_moves_a_card_does_not_walk_the_network_again_and_one_of_a_layer_does() -> None:
    project = templates.sample("digits-cnn")
    first = infer(project.graph)
    Estimate(project, first)
    moved = Move({"conv1": (5.0, 5.0)}).apply(project)
    after = infer_from(moved.graph, first)
    assert after.found["way"] is first.found["way"]
    larger = SetParam("conv1", "out_channels", 64).apply(moved)
    widened = infer_from(larger.graph, after)
    assert Estimate(larger, widened).needs() == Estimate(larger, infer(larger.graph)).needs()
    assert Estimate(larger, widened).needs().needed > Estimate(project, first).needs().needed


def test_of_many_equal_blocks_a_few_are_kept() -> None:
    """What is held falls block by block as the gradients grow: lines through one point, of which two are enough."""
    lines = [Line(str(at), 1000 * at, 70_000 * (500 - at)) for at in range(500)]
    assert [line.node for line in worst(lines)] == ["0", "499"]
    for batch in (1, 2, 50):
        assert highest(worst(lines), batch) is highest(lines, batch)
    # Where they cross at a whole batch all are equal there, and the first of them is named.
    crossing = [Line(str(at), 1000 * at, 500 * (500 - at)) for at in range(250, 500)]
    assert highest(worst(crossing), 2) is highest(crossing, 2) is crossing[0]
