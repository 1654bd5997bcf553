"""``True``, ``1`` and ``1.0`` are three values: shapes, errors and history tell them apart."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nnviz.project.checks.shapes import infer, infer_from
from nnviz.project.document import Document
from nnviz.project.edits import SetParam
from nnviz.project.model import Edge, Graph, Node, Params, ParamValue, PortRef, Project
from nnviz.project.values import same_params, same_value

LIKE_ONE: tuple[ParamValue, ...] = (True, 1, 1.0)
LIKE_ONES: tuple[ParamValue, ...] = ((1, 1), (True, 1), (1.0, 1), (1, True))


def convolution(params: Params) -> Graph:
    nodes = {"input": Node("input", "input", {"shape": (3, 8, 8)}), "conv1": Node("conv1", "conv2d", params)}
    return Graph(nodes, (Edge(PortRef("input"), PortRef("conv1")),))


PARAMS = st.fixed_dictionaries(
    {"out_channels": st.sampled_from(LIKE_ONE), "kernel_size": st.sampled_from(LIKE_ONES)},
    optional={"bias": st.sampled_from((*LIKE_ONE, False, 0))},
)


@given(st.lists(PARAMS, min_size=2, max_size=5))
def test_what_is_known_follows_a_value_that_is_equal_but_of_another_type(steps: list[Params]) -> None:
    found = infer(convolution(steps[0]))
    for params in steps[1:]:
        graph = convolution(params)
        found, anew = infer_from(graph, found), infer(graph)
        assert found.results == anew.results
        assert {key: str(one) for key, one in found.problems.items()} == {
            key: str(one) for key, one in anew.problems.items()
        }


@given(st.recursive(st.sampled_from((*LIKE_ONE, 0, 0.0, False, None, "1")), lambda inner: st.tuples(inner, inner)))
def test_a_value_is_the_same_as_itself_alone(value: ParamValue) -> None:
    assert same_value(value, value) and same_params({"a": value}, {"a": value})
    for other in (*LIKE_ONE, *LIKE_ONES, None, "1"):
        assert same_value(value, other) is (repr(value) == repr(other))
    assert not same_params({"a": value}, {"b": value}) and not same_params({"a": value}, {})


def test_an_error_for_true_goes_when_it_becomes_1() -> None:
    document = Document(Project(graph=convolution({"out_channels": True})))
    assert "conv1" in document.inference.problems
    document.apply(SetParam("conv1", "out_channels", 1))
    assert document.inference.shape("conv1") == (1, 6, 6) and not document.inference.problems
    assert document.history.position == 1
    document.apply(SetParam("conv1", "out_channels", 1))
    assert document.history.position == 1
