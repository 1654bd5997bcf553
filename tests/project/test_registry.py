"""The declarations are whole, and the registry is closed."""

from __future__ import annotations

import pytest

from nnviz.errors import ParamError, ProjectError
from nnviz.project import registry
from nnviz.project.registry import Registry
from nnviz.project.spec import ParamSpec, Spec

KINDS = {
    "input output linear conv1d conv2d conv_transpose2d max_pool1d max_pool2d avg_pool2d adaptive_avg_pool2d flatten "
    "reshape select identity zero_pad2d upsample step relu leaky_relu prelu elu gelu silu hardswish sigmoid tanh "
    "softplus softmax log_softmax dropout dropout2d batch_norm1d batch_norm2d layer_norm group_norm "
    "local_response_norm add subtract multiply concatenate"
}.pop()
EVERY_SPEC = [
    *registry.layers().values(),
    *registry.optimizers().values(),
    *registry.losses().values(),
    *registry.initialisers().values(),
]


def test_every_layer_is_there_once() -> None:
    assert set(registry.layers()) == set(KINDS.split())


def test_palette_runs_through_the_families_in_order() -> None:
    families = [spec.family for spec in registry.layers().values()]
    assert list(dict.fromkeys(families)) == [key for key, _ in registry.FAMILIES]
    assert families == sorted(families, key=[key for key, _ in registry.FAMILIES].index)


@pytest.mark.parametrize("spec", EVERY_SPEC, ids=lambda spec: spec.kind)
def test_declarations_are_finished(spec: Spec) -> None:
    assert spec.title and spec.help.endswith(".") and len(spec.help) > 20
    for param in spec.params:
        assert param.title and param.help.endswith("."), param.name
        assert param.parse(param.default) == param.default, param.name
        assert (
            param.type in ("bool", "text", "choice", "chosen") or param.minimum > float("-inf") or param.default is None
        )
        if param.shown_when:
            other, values = param.shown_when
            assert all(spec.param(other).parse(value) == value for value in values)
    assert spec.values({}) == {param.name: param.default for param in spec.params}


def test_layers_that_saturate_or_die_are_marked() -> None:
    layers = registry.layers()
    assert {kind for kind, spec in layers.items() if spec.rectifier} == {"relu"}
    assert {kind for kind, spec in layers.items() if spec.saturates} == {"sigmoid", "tanh"}
    assert {kind for kind, spec in layers.items() if spec.weight_view == "filters"} == {
        "conv1d",
        "conv2d",
        "conv_transpose2d",
    }
    assert {kind for kind, spec in layers.items() if spec.weight_view == "matrix"} == {"linear"}


def test_only_input_starts_only_output_ends_and_joins_take_many() -> None:
    layers = registry.layers()
    assert {kind for kind, spec in layers.items() if spec.max_inputs == 0} == {"input"}
    assert {kind for kind, spec in layers.items() if spec.outputs == 0} == {"output"}
    assert {kind for kind, spec in layers.items() if spec.min_inputs == 2} == {
        "add",
        "subtract",
        "multiply",
        "concatenate",
    }


def test_optimizers_begin_with_a_logarithmic_learning_rate() -> None:
    assert list(registry.optimizers()) == ["sgd", "rmsprop", "adagrad", "adadelta", "adam", "adamw", "nadam", "lion"]
    for spec in registry.optimizers().values():
        assert spec.params[0].name == "learning_rate" and spec.params[0].logarithmic
        with pytest.raises(ParamError, match="above 0"):
            spec.values({"learning_rate": 0})


def test_losses_and_initialisers_are_offered_where_they_belong() -> None:
    choices = [key for key, _ in registry.layer("output").param("loss").choices]
    assert choices == list(registry.losses())
    assert set(choices) == {
        "cross_entropy",
        "nll",
        "hinge",
        "bce",
        "bce_logits",
        "mse",
        "l1",
        "huber",
        "perceptron",
        "output_itself",
    }
    given = dict(registry.layer("linear").param("weight_initialisation").choices)
    assert set(given) == set(registry.initialisers())
    assert set(dict(registry.layer("conv2d").param("weight_initialisation").choices)) == set(given)
    # A whole network cannot have its numbers written down, nor follow itself.
    assert {"given", "pytorch"} == set(given) - set(registry.NETWORK_INITIALISERS.all)


def test_unknown_kinds_are_refused_with_the_nearest_name() -> None:
    with pytest.raises(ProjectError, match=r"There is no layer 'conv2D'\. Did you mean 'conv2d'\?"):
        registry.layer("conv2D")
    with pytest.raises(ProjectError, match="There are: sgd"):
        registry.optimizer("zzzzzz")
    with pytest.raises(ProjectError) as caught:
        registry.layer("x" * 100_000)
    assert len(str(caught.value)) < 1000
    for find in (registry.loss, registry.initialiser):
        with pytest.raises(ProjectError):
            find("os.system")


def test_old_names_are_known() -> None:
    assert registry.layer("dense") is registry.layer("linear")
    assert "dense" not in registry.layers()


def test_a_registry_refuses_duplicates() -> None:
    one, other = Spec("a", "A", "", aliases=("b",)), Spec("b", "B", "")
    with pytest.raises(ValueError, match="'b' is declared twice"):
        Registry("thing", (one, other))
    with pytest.raises(ValueError, match="'a' is declared twice"):
        Registry("thing", (one, one))
    size = ParamSpec("size", "size", "", "int", 1)
    with pytest.raises(ValueError, match="a parameter twice"):
        Registry("thing", (Spec("c", "C", "", params=(size, size)),))
    with pytest.raises(ValueError, match="normal form"):
        Registry("thing", (Spec("c", "C", "", params=(ParamSpec("size", "size", "", "pair", 3),)),))
    with pytest.raises(ParamError):
        Registry("thing", (Spec("c", "C", "", params=(ParamSpec("size", "size", "", "int", 0, minimum=1),)),))


def test_a_registry_cannot_be_written_to() -> None:
    with pytest.raises(TypeError):
        registry.layers()["mine"] = registry.layer("relu")  # type: ignore[index]  # that is the point
    things = Registry("thing", (Spec("a", "A", "", aliases=("old",)),))
    assert "old" in things and "new" not in things and list(things.all) == ["a"]


def test_ids_are_short_and_numbered() -> None:
    taken: set[str] = set()
    for kind, expected in [
        ("input", "input"),
        ("conv2d", "conv1"),
        ("batch_norm2d", "norm1"),
        ("relu", "relu1"),
        ("conv1d", "conv2"),
        ("max_pool2d", "pool1"),
        ("avg_pool2d", "pool2"),
        ("conv_transpose2d", "deconv1"),
        ("log_softmax", "log_softmax1"),
        ("input", "input2"),
        ("input", "input3"),
        ("output", "output"),
    ]:
        found = registry.free_id(kind, taken)
        assert found == expected
        taken.add(found)
    assert registry.free_id("conv2d", {"conv2"}) == "conv1"
