"""Another data set as one edit that takes along what follows from it."""

from __future__ import annotations

from collections.abc import Iterator

from nnviz.project import registry
from nnviz.project.checks.diagnosis import Fix, Look
from nnviz.project.checks.shapes import infer
from nnviz.project.checks.task_checks import check_input, check_output
from nnviz.project.checks.wire_checks import check_shapes
from nnviz.project.edits import Edit, InsertOnEdge, SetData, SetView, Several
from nnviz.project.model import Choice, DataConfig, DataFacts, ParamValue, Project, View
from nnviz.project.value_text import to_text

#: Input shape, a Flatten or a few, loss, number of outputs: more would be guessing.
_ROUNDS = 8


def choose_data(project: Project, config: DataConfig, facts: DataFacts | None, gesture: str = "") -> Edit:
    """The edit that takes up other data: Input gets its shape, the loss and the last Linear fit its answers.

    It does what the first cures of the diagnostics about the data would do, and stops where there is none; what then
    still does not fit (a convolution over a table) is for the person to decide. It is one step in the history, and the
    pinned example is the first one again where the data are others. Where only the split is another, or steps that
    leave the shape of an example as it is, the network is left alone.

    Args:
        project: The project before.
        config: The data to take.
        facts: What is known of them; None where nothing is yet (a folder that is not chosen): then nothing follows.
        gesture: Edits of one movement of the hand carry the same text.
    """
    title = f"Use {config.dataset}" if config.dataset != project.data.dataset else "Change data"
    edits: list[Edit] = [SetData(config, gesture=gesture)]
    same = (config.dataset, config.params) == (project.data.dataset, project.data.params)
    if same and _shaping(config) == _shaping(project.data):
        return edits[0]
    if not same:
        edits.append(SetView(View(), gesture=gesture))
    for edit in edits:
        project = edit.apply(project)
    for _ in range(_ROUNDS if facts is not None else 0):
        assert facts is not None
        fix = next(_cures(Look(project, facts, infer(project.graph))), None)
        if fix is None:
            break
        edits.append(fix.edit)
        project = fix.edit.apply(project)
    return Several(tuple(edits), title, gesture=gesture)


def end_params(kind: str, facts: DataFacts | None) -> dict[str, ParamValue]:
    """What a new Input or Output is given so that it fits the data, where what it has by itself does not.

    Args:
        kind: Key of the new layer; others than these two are left as they are.
        facts: What is known of the data.
    """
    if facts is None:
        return {}
    usual = registry.layer(kind).values({})
    if kind == "input" and usual["shape"] != facts.input_shape:
        return {"shape": facts.input_shape}
    if kind == "output":
        fitting = [spec.kind for spec in registry.losses().values() if facts.task in spec.tasks]
        if fitting and usual["loss"] not in fitting:
            return {"loss": fitting[0]}
    return {}


def _shaping(config: DataConfig) -> tuple[Choice, ...]:
    """The steps that decide the shape of an example."""
    known = registry.PREPARATIONS
    return tuple(one for one in config.preparation if one.kind in known and known(one.kind).shapes)


def changes(before: Project, after: Project) -> tuple[str, ...]:
    """What is other in the network of ``after``, in a few words each: ``input.shape 1×8×8 → 3×32×32``."""
    found = [f"{name} is new" for name in after.graph.nodes if name not in before.graph.nodes]
    found += [f"{name} is gone" for name in before.graph.nodes if name not in after.graph.nodes]
    for name, node in after.graph.nodes.items():
        old = before.graph.nodes.get(name)
        if old is None or old.params == node.params or old.kind != node.kind:
            continue
        spec = registry.layer(node.kind)
        values, earlier = spec.values(node.params), spec.values(old.params)
        for param in spec.params:
            if values[param.name] != earlier[param.name]:
                texts = [to_text(param, each[param.name]) for each in (earlier, values)]
                found.append(f"{name}.{param.name} {texts[0]} → {texts[1]}")
    return tuple(found)


def _cures(look: Look) -> Iterator[Fix]:
    for found in check_input(look):
        yield from found.fixes[:1]
    for found in check_shapes(look):
        yield from (fix for fix in found.fixes[:1] if _is_flatten(fix.edit))
    for found in check_output(look):
        if found.severity == "error":
            yield from found.fixes[:1]


def _is_flatten(edit: Edit) -> bool:
    return isinstance(edit, InsertOnEdge) and registry.layer(edit.node.kind).flattens
