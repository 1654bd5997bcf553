"""Checks of the purpose: does the network fit its data and its loss, can it be trained, is there memory for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias, TypeVar

import msgspec

from nnviz.errors import ParamError
from nnviz.project import choices, registry, settings
from nnviz.project.checks.diagnosis import Diagnostic, Fix, Look, allowed_value, value_text
from nnviz.project.checks.memory import Estimate, Examples, bytes_text, cure_text, shares_text, surely_fits
from nnviz.project.checks.ranges import output_ranges
from nnviz.project.checks.shapes import shape_text
from nnviz.project.choices import Chosen, Slot
from nnviz.project.declared.losses import LossSpec
from nnviz.project.declared.preparations import StepSpec
from nnviz.project.edits import Edit, SetData, SetKind, SetParam, SetTraining
from nnviz.project.model import Choice, DataConfig, DataFacts, Edge, Params, ParamValue, Shape, TrainConfig
from nnviz.project.spec import ParamSpec
from nnviz.project.text import device_problem

_Setter: TypeAlias = Callable[[ParamValue], Edit]
_Config = TypeVar("_Config", bound=DataConfig | TrainConfig)

#: Ranges that keep a layer from putting out just any number.
_LIMITED = frozenset({"unit", "symmetric", "not_negative"})
#: They leave the number of features as it is, so the layer before them decides on it.
_KEEP_SIZE_FAMILIES = frozenset({"activation", "regularise"})


def check_input(look: Look) -> Iterator[Diagnostic]:
    """The Input has the shape of the examples."""
    for node_id in look.of_kind("input")[:1]:
        shape = look.inference.shape(node_id)
        if look.facts is None or shape is None or shape == look.facts.input_shape:
            continue
        wanted = look.facts.input_shape
        text = f"Input is {shape_text(shape)}, but an example of {look.project.data.dataset} is {shape_text(wanted)}."
        fix = Fix(f"Set Input to {shape_text(wanted)}", SetParam(node_id, "shape", wanted))
        yield Diagnostic(node_id, look.severity_at(node_id), text, (fix,))


def check_output(look: Look) -> Iterator[Diagnostic]:
    """The network puts out as many numbers as the data has answers, and in the form that the loss expects."""
    wires = look.into.get(look.output, [])
    if len(wires) != 1 or look.output not in look.inference.results:
        return
    loss = _loss(look)
    shape = look.inference.results[look.output].output
    if look.facts is not None:
        # One thing at a time: what comes last is looked at once the rest is right.
        if look.facts.task not in loss.tasks:
            yield _wrong_loss(look, loss, look.facts)
            return
        if not loss.takes_nothing and shape != (look.facts.targets,):
            yield _wrong_size(look, wires[0], shape, look.facts)
            return
    yield from _check_class_weights(look)
    yield from _check_last_layer(look, wires[0], loss, shape)


def _loss(look: Look) -> LossSpec:
    values = look.specs[look.output].values(look.graph.nodes[look.output].params)
    return registry.loss(Choice.of(values["loss"]).kind)


def _check_class_weights(look: Look) -> Iterator[Diagnostic]:
    """Weights of the classes that were typed: one a class."""
    chosen = Choice.of(look.specs[look.output].values(look.graph.nodes[look.output].params)["loss"])
    settings = registry.loss(chosen.kind).values(chosen.params)
    typed, facts = settings.get("weights"), look.facts
    if settings.get("class_weights") != "typed" or facts is None:
        return
    count = len(typed) if isinstance(typed, tuple) else 0
    if count != facts.targets:
        text = f"The loss needs one weight for each of the {facts.targets} classes, and {count} are typed."
        ones = choices.with_param(chosen, "weights", (1.0,) * facts.targets)
        none = choices.without_param(chosen, "class_weights")
        fixes = (
            Fix("Make all weights 1", SetParam(look.output, "loss", ones)),
            Fix("Take no class weights", SetParam(look.output, "loss", none)),
        )
        yield Diagnostic(look.output, "error", text, fixes)


_TASKS = {
    "classes": "has classes",
    "binary": "asks yes or no",
    "regression": "has numbers as answers",
    "none": "has no right answers",
}


def _wrong_loss(look: Look, loss: LossSpec, facts: DataFacts) -> Diagnostic:
    name = look.project.data.dataset
    text = f"{loss.title} does not fit: {name} {_TASKS.get(facts.task, facts.task)}."
    fitting = [spec for spec in registry.losses().values() if facts.task in spec.tasks]
    last = look.specs[look.into[look.output][0].source.node]
    form = "probabilities" if last.output_range == "unit" else "logits"
    fitting.sort(key=lambda spec: spec.expects != form)  # The one that takes what the last layer gives comes first.
    fixes = tuple(look.set_param(look.output, "loss", spec.kind) for spec in fitting)
    return Diagnostic(look.output, "error", text, fixes)


def _wrong_size(look: Look, wire: Edge, shape: Shape, facts: DataFacts) -> Diagnostic:
    name, wanted = look.project.data.dataset, facts.targets
    needs = {"classes": f"has {wanted} classes", "binary": "asks yes or no, which is one number"}.get(
        facts.task, f"needs {wanted}"
    )
    numbers = f"{shape[0]} {'number' if shape[0] == 1 else 'numbers'}" if len(shape) == 1 else shape_text(shape)
    linear: tuple[str, dict[str, ParamValue]] = ("linear", {"out_features": wanted})
    fixes: list[Fix] = []
    if len(shape) > 1:
        enough = math.prod(shape) == wanted
        fixes.append(look.insert(wire, ("flatten", {}), *(() if enough else (linear,))))
    else:
        last = _last_linear(look, wire.source.node)
        if last:
            fixes.append(look.set_param(last, "out_features", wanted))
        fixes.append(look.insert(wire, linear))
    text = f"The network puts out {numbers}, but {name} {needs}."
    return Diagnostic(look.output, "error", text, tuple(fixes), wire)


def _last_linear(look: Look, node_id: str) -> str:
    """The Linear that decides how many numbers come out at this node; empty when it is something else."""
    while True:
        spec = look.specs[node_id]
        if spec.dense:
            given = registry.has_written_weights(look.graph.nodes[node_id].params)
            return "" if given else node_id
        if spec.family not in _KEEP_SIZE_FAMILIES or len(look.into[node_id]) != 1:
            return ""
        node_id = look.into[node_id][0].source.node


def _check_last_layer(look: Look, wire: Edge, loss: LossSpec, shape: Shape) -> Iterator[Diagnostic]:
    last = wire.source.node
    spec = look.specs[last]
    remove = (look.removal(last),)
    if loss.needs and spec.kind != loss.needs:
        needed = registry.layer(loss.needs)
        text = f"{loss.title} needs what a {needed.title} puts out, but the last layer is {spec.title}."
        other = (look.set_param(look.output, "loss", loss.counterpart),) if loss.counterpart else ()
        yield Diagnostic(look.output, "error", text, (*other, look.insert(wire, (needed.kind, {}))))
    elif loss.needs:
        return
    elif spec.random:
        text = f"{spec.title} right before the Output switches answers off at random while training."
        yield Diagnostic(last, "warning", text, remove)
    elif spec.of_one_number is not None and shape == (1,):
        text = f"{spec.title} of a single number is always {spec.of_one_number}."
        yield Diagnostic(last, "warning", text, (*_replaced(look, last), *remove))
    elif loss.answer == "softmax":
        yield from _before_softmax(look, loss, last, shape, remove)
    elif loss.answer == "sigmoid" and spec.output_range in _LIMITED:
        text = f"{loss.title} applies the sigmoid itself and expects any number, but {spec.title} limits it."
        built_in = spec.kind == loss.includes and loss.counterpart
        other = (look.set_param(look.output, "loss", loss.counterpart),) if built_in else ()
        yield Diagnostic(last, "warning", text, (*remove, *other))
    elif loss.answer == "sign" and spec.output_range in ("unit", "not_negative"):
        text = f"{loss.title} reads the sign of the last number, but {spec.title} gives none below 0."
        yield Diagnostic(last, "warning", text, remove)
    elif loss.expects == "probabilities" and output_ranges(look.graph, look.inference)[last] != "unit":
        text = f"{loss.title} needs numbers from 0 to 1, but {spec.title} can put out others."
        other = (look.set_param(look.output, "loss", loss.counterpart),) if loss.counterpart else ()
        yield Diagnostic(look.output, "error", text, (*other, look.insert(wire, ("sigmoid", {}))))


def _replaced(look: Look, node_id: str) -> tuple[Fix, ...]:
    """The kind that does what was meant, where the layer declares one."""
    other = look.specs[node_id].replacement
    return (Fix(f"Make it {registry.layer(other).title}", SetKind(node_id, other)),) if other else ()


def _before_softmax(
    look: Look, loss: LossSpec, last: str, shape: Shape, remove: tuple[Fix, ...]
) -> Iterator[Diagnostic]:
    """A loss with softmax takes plain scores: what squeezes them first limits how sure the network can be."""
    spec, classes = look.specs[last], math.prod(shape)
    if spec.softmax_unchanged:
        text = f"{loss.title} applies softmax itself; {spec.title} before it changes nothing."
        yield Diagnostic(last, "information", text, remove)
        return
    if spec.output_range == "unit":
        surest = math.e / (math.e + classes - 1)
    elif spec.output_range == "symmetric":
        surest = math.e / (math.e + (classes - 1) / math.e)
    elif spec.output_range == "not_negative":
        text = f"{loss.title} expects any number as a score, but {spec.title} gives none below 0."
        yield Diagnostic(last, "warning", text, remove)
        return
    else:
        return
    text = (
        f"{loss.title} applies softmax itself. After {spec.title} too, no class can get a probability above "
        f"{100 * surest:.0f} %."
    )
    yield Diagnostic(last, "warning", text, remove)


def check_training(look: Look) -> Iterator[Diagnostic]:
    """The settings of training and data are in their ranges, and there is something to train."""
    training, data = look.project.training, look.project.data

    def trained(name: str, value: object) -> Edit:
        return SetTraining(msgspec.structs.replace(training, **{name: value}))

    def split(name: str, value: object) -> Edit:
        return SetData(msgspec.structs.replace(data, **{name: value}))

    for config, declared, edit in ((training, settings.TRAINING, trained), (data, settings.DATA, split)):
        for spec in declared:
            yield from _check_setting(spec, getattr(config, spec.name), partial(edit, spec.name))
    problem = device_problem(training.device)
    if problem:
        yield Diagnostic("", "error", problem, (Fix("Set device to auto", trained("device", "auto")),))
    for slot in choices.TRAINING:
        yield from _check_choice(slot, training, SetTraining)
    for slot in choices.DATA:
        yield from _check_choice(slot, data, SetData)
        if look.facts is not None:
            yield from _check_suiting(slot, data, look.facts)
    yield from _check_nesterov(look)
    complete = look.output in look.inference.results and not look.inference.problems
    typed = look.facts is not None and look.facts.typed
    if complete and look.inference.parameters == 0 and not typed:
        text = "There is nothing to train: no layer of this network has weights."
        yield Diagnostic("", "error", text, _something_to_train(look))


def _something_to_train(look: Look) -> tuple[Fix, ...]:
    """A Linear in front of the Output, with as many outputs as are asked for."""
    wire, shape = look.into[look.output][0], look.inference.results[look.output].output
    wanted = look.facts.targets if look.facts is not None else math.prod(shape)
    flat: tuple[tuple[str, Params], ...] = (("flatten", {}),) if len(shape) > 1 else ()
    return (look.insert(wire, *flat, ("linear", {"out_features": wanted})),)


def _check_setting(spec: ParamSpec, value: object, edit: _Setter) -> Iterator[Diagnostic]:
    try:
        spec.parse(value)
    except ParamError as error:
        better = allowed_value(spec, value)
        yield Diagnostic(
            "", "error", error.message, (Fix(f"Set {spec.title} to {value_text(spec, better)}", edit(better)),)
        )


def _check_choice(slot: Slot, config: _Config, edit: Callable[[_Config], Edit]) -> Iterator[Diagnostic]:
    """A kind that there is, with settings that it knows and that are allowed."""
    chosen: Chosen = getattr(config, slot.name)
    several = chosen if isinstance(chosen, tuple) else (chosen,)

    def put(index: int, choice: Choice | None) -> Edit:
        new = (*several[:index], *((choice,) if choice is not None else ()), *several[index + 1 :])
        return edit(msgspec.structs.replace(config, **{slot.name: new if slot.many else new[0]}))

    for index, choice in enumerate(several):
        if choice.kind not in slot.known:
            usual = getattr(type(config)(), slot.name)
            title = f"Take {slot.known(usual.kind).title}" if not slot.many else f"Remove {choice.kind[:40]}"
            text = f"There is no {slot.known.noun} '{choice.kind[:80]}'."
            yield Diagnostic("", "error", text, (Fix(title, put(index, None if slot.many else usual)),))
            continue
        spec = slot.spec(choice)
        for name, value in choice.params.items():
            try:
                param = spec.param(name)
            except ParamError as error:
                without = put(index, choices.without_param(choice, name))
                yield Diagnostic("", "error", error.message, (Fix(f"Remove {name[:40]}", without),))
                continue

            def given(value: ParamValue, index: int = index, choice: Choice = choice, name: str = name) -> Edit:
                return put(index, choices.with_param(choice, name, value))

            yield from _check_setting(param, value, given)


def _check_suiting(slot: Slot, data: DataConfig, facts: DataFacts) -> Iterator[Diagnostic]:
    """Steps that can be taken with such examples."""
    chosen: tuple[Choice, ...] = getattr(data, slot.name)
    for kind in dict.fromkeys(choice.kind for choice in chosen if choice.kind in slot.known):
        spec = slot.known(kind)
        problem = spec.unsuited(facts) if isinstance(spec, StepSpec) else ""
        if problem:
            rest = tuple(choice for choice in chosen if choice.kind != kind)  # however often it is taken
            edit = SetData(msgspec.structs.replace(data, **{slot.name: rest}))
            yield Diagnostic("", "error", problem, (Fix(f"Remove {spec.title}", edit),))


def _check_nesterov(look: Look) -> Iterator[Diagnostic]:
    training = look.project.training
    params = training.optimizer.params
    if params.get("nesterov") is not True or params.get("momentum"):
        return

    def given(name: str, value: ParamValue) -> Edit:
        return SetTraining(
            msgspec.structs.replace(training, optimizer=choices.with_param(training.optimizer, name, value))
        )

    text = "Nesterov looks ahead along the momentum, but the momentum is 0."
    fixes = (
        Fix("Set momentum to 0.9", given("momentum", 0.9)),
        Fix("Set Nesterov to off", given("nesterov", False)),
    )
    yield Diagnostic("", "error", text, fixes)


def check_layers(look: Look) -> Iterator[Diagnostic]:
    """Layers that work but hardly do what was meant."""
    for node_id, spec in look.specs.items():
        if node_id not in look.inference.results or node_id not in look.leading:
            continue
        if spec.no_gradient and _has_weights_before(look, node_id):
            text = f"The slope of {spec.title} is 0 everywhere: no gradient comes through, so nothing before it learns."
            yield Diagnostic(node_id, "information", text, _replaced(look, node_id))
        elif spec.dense:
            yield from _check_double_linear(look, node_id)
        elif spec.groups_param:
            yield from _check_groups(look, node_id)
        elif look.project.training.batch_size == 1 and spec.needs_several(look.inference.results[node_id].output):
            text = f"{spec.title} needs more than one value a channel, but a batch has only 1 example."
            more = SetTraining(msgspec.structs.replace(look.project.training, batch_size=32))
            yield Diagnostic(node_id, "error", text, (Fix("Set batch size to 32", more), look.removal(node_id)))


def _check_groups(look: Look, node_id: str) -> Iterator[Diagnostic]:
    """A single number is its own mean: it would always become 0, and torch refuses it."""
    spec = look.specs[node_id]
    values = spec.values(look.graph.nodes[node_id].params)
    if spec.normalises_nothing(values, look.inference.results[node_id].output):
        groups = values[spec.groups_param]
        text = f"{spec.title} has a single number in each of its groups ({groups}), which leaves nothing to normalise."
        fewer = (look.set_param(node_id, spec.groups_param, 1),) if groups != 1 else ()
        yield Diagnostic(node_id, "error", text, (*fewer, look.removal(node_id)))


def _has_weights_before(look: Look, node_id: str) -> bool:
    waiting, seen = [node_id], {node_id}
    while waiting:
        for edge in look.into[waiting.pop()]:
            source = edge.source.node
            result = look.inference.results.get(source)
            if result is not None and result.parameters:
                return True
            if source not in seen:
                seen.add(source)
                waiting.append(source)
    return False


def _check_double_linear(look: Look, node_id: str) -> Iterator[Diagnostic]:
    """Two weighted sums in a row are one weighted sum."""
    wire = look.into[node_id][0]
    before = wire.source.node
    while look.specs[before].keeps_numbers and look.into[before]:
        before = look.into[before][0].source.node
    if look.specs[before].dense:
        one = look.specs[node_id].title
        text = f"Without an activation between them, {before} and {node_id} together can do no more than one {one}."
        yield Diagnostic(node_id, "information", text, (look.insert(wire, ("relu", {})),))


def check_memory(look: Look) -> Iterator[Diagnostic]:
    """The training fits into the memory there is, when it is known how much that is."""
    limit = look.memory_limit
    if limit is None:
        return
    project, inference, examples = look.project, look.inference, Examples.of(look.facts)
    if surely_fits(project, inference, examples, limit):
        return
    estimate = Estimate(project, inference, examples)
    needs, batch = estimate.needs(), project.training.batch_size
    if needs.needed <= limit:
        return
    text = (
        f"Training with batches of {batch} needs about {bytes_text(needs.needed)}, but only {bytes_text(limit)} are "
        f"free. Most of it: {shares_text(needs)}. {cure_text(project, inference, estimate, limit)}"
    )
    fixes: tuple[Fix, ...] = ()
    smaller = estimate.largest_batch(limit)
    if 0 < smaller < batch:
        training = msgspec.structs.replace(project.training, batch_size=smaller)
        fixes = (Fix(f"Set batch size to {smaller}", SetTraining(training)),)
    yield Diagnostic(needs.culprit, "error", text, fixes)
