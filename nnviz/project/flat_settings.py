"""A project taken apart into settings: a flat list of values by the paths that ``--set`` takes, for tables of runs.

Settings of data and training stand there with their defaults, so that two runs can be laid beside each other. Of a
layer only what differs from its declaration's defaults is listed; :func:`setting` fills in the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from nnviz.errors import NnvizError
from nnviz.project import choices, registry
from nnviz.project import settings as declared_settings
from nnviz.project.files import io
from nnviz.project.model import Choice, DataConfig, ParamValue, Project, TrainConfig
from nnviz.project.spec import Spec, brief

#: A value that one cell of a table holds.
Flat: TypeAlias = "str | int | float | bool | None"
#: What a layer's bypass is called, and that its parameters are left as they are.
_BYPASSED, _FROZEN = "bypassed", "frozen"
#: Settings of training and data that are one of several titles.
_FIELDS = tuple(param for param in (*declared_settings.TRAINING, *declared_settings.DATA) if param.choices)


def flat_settings(project: Project) -> dict[str, Flat]:
    """Values by path: ``training.optimizer``, ``training.learning_rate``, ``data.dataset``, ``conv1.kernel_size``.

    The path of a layer itself holds its kind. Names, places, notes and groups are left out: they decide nothing.
    """
    found: dict[str, Flat] = {}
    for place, config in (("training", project.training), ("data", project.data)):
        for name in config.__struct_fields__:
            found.update(_of_field(place, name, getattr(config, name), config))
    for key, node in project.graph.nodes.items():
        found[key] = node.kind
        for name, value in node.params.items():
            found.update(_of_value(f"{key}.{name}", value))
        if node.bypassed:
            found[f"{key}.{_BYPASSED}"] = True
        if node.frozen:
            found[f"{key}.{_FROZEN}"] = True
    if project.curation:
        found["curation"] = f"{len(project.curation)} examples"
    return found


def changed_settings(before: TrainConfig | DataConfig, after: TrainConfig | DataConfig) -> dict[str, Flat]:
    """The settings that are not the same in two configurations of one type, by path, with their values after.

    Another kind of something, or another data set, counts once, whatever settings come with it.
    """
    place = "training" if isinstance(after, TrainConfig) else "data"
    names = after.__struct_fields__
    if isinstance(after, DataConfig) and getattr(before, "dataset", "") != after.dataset:
        names = ("dataset",)
    found: dict[str, Flat] = {}
    for name in names:
        old, new = getattr(before, name), getattr(after, name)
        if isinstance(new, Choice) and old.kind != new.kind:
            found[f"{place}.{name}"] = new.kind
        elif old != new:
            first, second = (dict(_of_field(place, name, value, after)) for value in (old, new))
            paths = dict.fromkeys((*second, *first))
            found.update({path: second.get(path) for path in paths if first.get(path) != second.get(path)})
    return found


def settings_in(project_json: bytes) -> dict[str, Flat]:
    """The same of a project as its file holds it; nothing where that is none, or of a newer nnviz."""
    try:
        return flat_settings(io.loads(project_json))
    except NnvizError:
        return {}


def setting(settings: Mapping[str, Flat], path: str) -> Flat:
    """A value by its path; of a layer that is there and does not say it, the default. None where there is none."""
    if path in settings:
        return settings[path]
    layer, _, name = path.partition(".")
    kind = settings.get(layer)
    if not name or not isinstance(kind, str) or kind not in registry.layers():
        return None
    if name in (_BYPASSED, _FROZEN):
        return False
    spec = registry.layer(kind)
    default = next((param.default for param in spec.params if param.name == name), None)
    return dict(_of_value(path, default)).get(path)


def words_of(path: str) -> str:
    """What a setting is called: ``learning rate``, ``data set``, ``kernel size of conv1``, ``conv1 frozen``."""
    place, _, name = path.partition(".")
    if path == "data.dataset":
        return "data set"
    if place in ("training", "data"):
        return name.replace(".", " ").replace("_", " ")
    if name in (_BYPASSED, _FROZEN):
        return f"{place} {name}"
    return f"{name.replace('.', ' ').replace('_', ' ')} of {place}" if name else f"kind of {place}"


def title_of(settings: Mapping[str, Flat], path: str) -> Flat:
    """The value of a setting as people call it: ``Adam`` rather than ``adam``; what is declared nowhere as it is.

    Args:
        settings: Of one project.
        path: Of the setting.
    """
    value = setting(settings, path)
    place, _, name = path.partition(".")
    if not isinstance(value, str):
        return value
    if not name:
        return registry.layer(value).title if value in registry.layers() else value
    if place in ("training", "data"):
        slot = choices.slot(name)
        if slot is not None:
            kinds = value.split(", ") if slot.many else [value]
            return ", ".join(slot.known(kind).title for kind in kinds) if all(map(slot.known.all.get, kinds)) else value
        titles = next((dict(param.choices) for param in _FIELDS if param.name == name), {})
        return titles.get(value, value)
    kind = settings.get(place)
    declared = registry.layer(kind).params if isinstance(kind, str) and kind in registry.layers() else ()
    return next((dict(param.choices).get(value, value) for param in declared if param.name == name), value)


def _of_field(place: str, name: str, value: object, config: TrainConfig | DataConfig) -> Iterator[tuple[str, Flat]]:
    path = f"{place}.{name}"
    slot = choices.slot(name)
    if isinstance(value, Choice):
        yield path, value.kind
        spec = slot.known(value.kind) if slot is not None and value.kind in slot.known else None
        # The command line knows those of the optimizer without its name, and so does whoever types.
        yield from _of_params(place if name == "optimizer" else path, value, spec)
    elif isinstance(value, tuple):
        yield path, ", ".join(_said(one) for one in value) or "none"
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _of_value(f"{place}.{key}", one)
    else:
        yield from _of_value(path, value)  # type: ignore[arg-type]  # a field of a project


def _of_params(path: str, choice: Choice, spec: Spec | None) -> Iterator[tuple[str, Flat]]:
    declared = {} if spec is None else {param.name: param.default for param in spec.params}
    for name, value in {**declared, **choice.params}.items():
        yield from _of_value(f"{path}.{name}", value)


def _of_value(path: str, value: ParamValue) -> Iterator[tuple[str, Flat]]:
    if isinstance(value, Choice):
        yield path, value.kind
        yield from _of_params(path, value, None)
    elif value is None or isinstance(value, bool | int | float | str):
        yield path, value
    else:
        yield path, _said(value)


def _said(value: object) -> str:
    """A value in one cell."""
    if isinstance(value, Choice):
        inside = ", ".join(f"{name.replace('_', ' ')} {_said(one)}" for name, one in value.params.items())
        return f"{value.kind} ({inside})" if inside else value.kind
    if isinstance(value, tuple) and len(value) <= 6 and all(isinstance(one, int) for one in value):
        return " × ".join(map(str, value))
    # Of Python's own writing only what a reader of mathematics knows: no comma after the only one, no quotes.
    return value if isinstance(value, str) else brief(value).replace(",)", ")").replace("'", "")
