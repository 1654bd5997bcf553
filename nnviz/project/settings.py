"""The settings of data and training, declared like the parameters of a layer; and how a setting is named in text.

The inspector, validation, the project file and ``nnviz train --set PATH=VALUE`` all read these declarations.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import msgspec

from nnviz.errors import InputError, ParamError
from nnviz.limits import MOST_EPOCHS
from nnviz.project import choices, registry
from nnviz.project.choices import Chosen, Slot
from nnviz.project.declared.figures import TITLES
from nnviz.project.declared.preparations import BY_SCALING
from nnviz.project.graph.bypass import bypass_problem
from nnviz.project.graph.wiring import shortened
from nnviz.project.model import Choice, DataConfig, Graph, Params, ParamValue, Project, TrainConfig
from nnviz.project.spec import ParamSpec, brief
from nnviz.project.text import clean_name, device_problem, name_problem
from nnviz.project.value_text import parse_text, unquoted

#: Layers that a sentence counts up; there may be 10,000.
_MOST_NAMED = 100

#: Fields of DataConfig that are the same for every data set.
DATA: Final = (
    ParamSpec(
        "validation_fraction",
        "validation share",
        "Share of the training examples held back: never trained on, measured after every epoch.",
        "float",
        0.2,
        0.0,
        0.9,
    ),
    ParamSpec(
        "split_seed",
        "split seed",
        "Fixes which examples are held back for validation.",
        "int",
        0,
        0,
        2**31 - 1,
        advanced=True,
    ),
)

#: What every node of a graph has beside the parameters of its kind; none of these bears such a name.
SWITCHES: Final = (
    ParamSpec("frozen", "frozen", "Training leaves the layer's parameters as they are.", "bool", False),
    ParamSpec("bypassed", "bypassed", "What comes in goes out as it is.", "bool", False),
)

#: Fields of TrainConfig beside the optimizer and its own parameters.
TRAINING: Final = (
    ParamSpec(
        "batch_size",
        "batch size",
        "Examples that go through the network together: the gradient is their mean. One step takes one batch, unless "
        "several are accumulated.",
        "int",
        128,
        1,
        65_536,
        logarithmic=True,
    ),
    ParamSpec("epochs", "epochs", "How often every training example is seen.", "int", 10, 1, MOST_EPOCHS),
    ParamSpec(
        "seed",
        "seed",
        "Fixes the initial weights, the order of the examples and dropout: the same seed gives the same run.",
        "int",
        0,
        0,
        2**31 - 1,
    ),
    ParamSpec(
        "device",
        "device",
        "Where the network is trained: auto takes a GPU if there is one. Others: cpu, cuda, cuda:1, mps.",
        "text",
        "auto",
        advanced=True,
    ),
    ParamSpec(
        "keep_best",
        "keep best weights",
        "At the end, put back the weights of the epoch with the lowest validation loss, or the best by another figure.",
        "bool",
        False,
    ),
    ParamSpec(
        "best_by",
        "best by",
        "Which figure of the validation split decides which epoch is the best. Of equal ones the loss decides.",
        "choice",
        TITLES[0][0],
        choices=TITLES,
        advanced=True,
    ),
    ParamSpec(
        "accumulation",
        "accumulated batches",
        "Batches that make one update: their gradients are averaged, as if they were one large batch, with the memory "
        "of one. A step is then one update over all of them. BatchNorm still sees single batches.",
        "int",
        1,
        1,
        1024,
        logarithmic=True,
        advanced=True,
    ),
    ParamSpec(
        "precision",
        "precision",
        "Mixed computes the products of a step with 16-bit numbers and keeps weights, gradients and loss in 32 bits: "
        "faster where the device has instructions for it, and other in the third digit. Validation, instruments and "
        "explanations always compute in 32 bits. Auto takes it where it was measured to pay: for convolutions on a "
        "processor that multiplies brain floats.",
        "choice",
        "single",
        choices=(("single", "single (32 bits)"), ("mixed", "mixed (16 and 32 bits)"), ("auto", "auto")),
        advanced=True,
    ),
    ParamSpec(
        "channels_last",
        "channels last",
        "Puts the channels of a pixel beside each other in memory, which many convolutions are faster with. The same "
        "network; sums may differ in their last digit. Auto does so where it was measured to pay: on a processor.",
        "choice",
        "never",
        choices=(("never", "never"), ("always", "always"), ("auto", "auto")),
        advanced=True,
    ),
)


#: Of these, files say nothing where they are as usual, so that older versions can read them.
LEFT_OUT: Final = frozenset({"best_by", "accumulation", "precision", "channels_last"})


def find(params: tuple[ParamSpec, ...], name: str) -> ParamSpec | None:
    """The declaration of that name, or None."""
    return next((param for param in params if param.name == name), None)


def _parsed(spec: ParamSpec, value: object) -> ParamValue:
    """A text as it may be typed anywhere, or a value that is one already."""
    if not isinstance(value, str):
        return spec.parse(value)
    return parse_text(spec, unquoted(value))


def _kind_or_json(value: object) -> object:
    """A kind, or the object or list that a text describes: ``{"kind": "step", "params": {"every": 5}}``."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[", '"')) or len(value) > 100_000:
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def with_setting(
    project: Project, path: str, value: object, dataset_params: Mapping[str, tuple[ParamSpec, ...]] | None = None
) -> Project:
    """The project with one setting changed.

    Args:
        project: The project before.
        path: ``name``; ``data.dataset``; ``data.FIELD`` (of the data set or of every data set); ``data.preparation``
            (a list of kinds, or of kinds with their params); ``training.SLOT`` (a kind, or a kind with its params,
            such as ``training.schedule``); ``training.SLOT.PARAM``; ``training.FIELD`` (of training or of the
            optimizer, such as ``training.learning_rate``); ``NODE.PARAM``, such as ``conv1.kernel_size``;
            ``NODE.PARAM.SETTING``, such as ``output.loss.delta``; or ``NODE.frozen`` and ``NODE.bypassed``.
        value: The new value, or a text that says it as one types it (see ``value_text.py``).
        dataset_params: Parameters of every known data set by key; the project itself does not know the data sets.

    Raises:
        InputError: There is no such setting, or the value is not allowed; the error's field is the path.
    """
    place, _, field = path.partition(".")
    try:
        if place == "name" and not field:
            return msgspec.structs.replace(project, name=_name(value))
        if place == "data" and field:
            return msgspec.structs.replace(project, data=_data(project.data, field, value, dataset_params or {}))
        if place == "training" and field:
            return msgspec.structs.replace(project, training=_training(project.training, field, value))
        if place in project.graph.nodes and field:
            return msgspec.structs.replace(project, graph=_layer(project.graph, place, field, value))
    except ParamError as error:
        raise ParamError(error.message, field=shortened(path, 120)) from None
    names = list(project.graph.nodes)
    layers = ", ".join([*names[:_MOST_NAMED], f"… {len(names) - _MOST_NAMED} more"] if names[_MOST_NAMED:] else names)
    raise InputError(
        "There is no such setting. Settings are name, data.FIELD, training.FIELD or LAYER.PARAMETER "
        f"(layers: {layers}).",
        field=shortened(path),
    )


def _name(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise ParamError(f"The name is {brief(value)}, but must be text.")
    text = unquoted(value)
    problem = name_problem(text)
    if problem:
        raise ParamError(problem)
    return clean_name(text)


def _data(
    config: DataConfig, field: str, value: object, dataset_params: Mapping[str, tuple[ParamSpec, ...]]
) -> DataConfig:
    field = field.removeprefix("params.")
    if field == "dataset":
        value = unquoted(value) if isinstance(value, str) else value
        if not isinstance(value, str) or value not in dataset_params:
            raise ParamError(f"There is no data set {brief(value)} (there are: {', '.join(dataset_params)}).")
        return msgspec.structs.replace(config, dataset=value, params={})
    place, _, name = field.partition(".")
    slot = choices.slot(place, choices.DATA)
    if slot is not None and name:
        raise ParamError(f"The {slot.title} is a list: give it as a whole.")
    if slot is not None:
        return msgspec.structs.replace(config, **{place: slot.parse(_kind_or_json(value))})
    if field == "scaling":
        return msgspec.structs.replace(config, preparation=_by_scaling(value))
    spec = find(DATA, field)
    if spec is not None:
        return msgspec.structs.replace(config, **{field: _parsed(spec, value)})
    own = dataset_params.get(config.dataset, ())
    spec = find(own, field)
    if spec is None:
        known = ("dataset", *(slot.name for slot in choices.DATA), *(param.name for param in (*DATA, *own)))
        raise ParamError(f"Data set '{config.dataset}' has no such setting (there are: {', '.join(known)}).")
    return msgspec.structs.replace(config, params={**config.params, field: _parsed(spec, value)})


def _by_scaling(value: object) -> tuple[Choice, ...]:
    """What the older setting ``data.scaling`` stands for; command lines that name it are kept working."""
    if not isinstance(value, str) or value not in BY_SCALING:
        raise ParamError(f"The scaling is {brief(value)}, but must be one of {', '.join(BY_SCALING)}.")
    return BY_SCALING[value]


def _training(config: TrainConfig, field: str, value: object) -> TrainConfig:
    place, _, name = field.partition(".")
    name = name.removeprefix("params.")
    if place == "optimizer_params":
        place = "optimizer"
    slot = choices.slot(place, choices.TRAINING)
    if slot is not None and name:
        chosen = getattr(config, place)
        if not isinstance(chosen, Choice):
            raise ParamError(f"The {slot.title} are a list: give it as a whole.")
        parsed = _parsed(slot.spec(chosen).param(name), value)
        return _with_choice(config, slot, choices.with_param(chosen, name, parsed))
    if slot is not None:
        # Its own defaults apply: a good learning rate for one optimizer is a bad one for the next.
        return _with_choice(config, slot, slot.parse(_kind_or_json(value)))
    spec = find(TRAINING, field)
    if spec is not None:
        parsed = _parsed(spec, value)
        if field == "device" and (problem := device_problem(str(parsed))):
            raise ParamError(problem)
        return msgspec.structs.replace(config, **{field: parsed})
    own = registry.optimizer(config.optimizer.kind).params
    spec = find(own, field)
    if spec is None:
        known = (*(slot.name for slot in choices.TRAINING), *(param.name for param in (*TRAINING, *own)))
        raise ParamError(f"Training has no such setting (there are: {', '.join(known)}).")
    return msgspec.structs.replace(config, optimizer=choices.with_param(config.optimizer, field, _parsed(spec, value)))


def _with_choice(config: TrainConfig, slot: Slot, chosen: Chosen) -> TrainConfig:
    return msgspec.structs.replace(config, **{slot.name: chosen})


def _layer(graph: Graph, node_id: str, field: str, value: object) -> Graph:
    node = graph.nodes[node_id]
    switch = find(SWITCHES, field)
    if switch is not None:
        on = _parsed(switch, value)
        if on and field == "bypassed" and (problem := bypass_problem(node)):
            raise ParamError(problem)
        return msgspec.structs.replace(
            graph, nodes={**graph.nodes, node_id: msgspec.structs.replace(node, **{field: on})}
        )
    field, _, inner = field.removeprefix("params.").partition(".")
    if inner:
        value = _with_inner(registry.layer(node.kind).param(field), node.params, inner.removeprefix("params."), value)
    parsed = _parsed(registry.layer(node.kind).param(field.removeprefix("params.")), value)
    changed = msgspec.structs.replace(node, params={**node.params, field.removeprefix("params."): parsed})
    return msgspec.structs.replace(graph, nodes={**graph.nodes, node_id: changed})


def _with_inner(spec: ParamSpec, params: Params, name: str, value: object) -> ParamValue:
    """What is chosen, with another value of one of its own settings: ``conv1.weight_initialisation.deviation``."""
    if not spec.kinds:
        raise ParamError(f"The {spec.title} has no settings of its own.")
    choice = Choice.of(params.get(spec.name, spec.default))
    param = find(spec.settings_of(choice.kind), name)
    if param is None:
        known = ", ".join(one.name for one in spec.settings_of(choice.kind)) or "none"
        raise ParamError(f"The {spec.title} '{choice.kind[:80]}' has no such setting (it has: {known}).")
    return choices.with_param(choice, name, _parsed(param, value))
