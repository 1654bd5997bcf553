"""One project in several variations: which settings are changed, to which values, and what each is called.

A race trains variations beside each other, a sweep one after the other. Two things that stand in many layers at once
can be varied like a setting: ``activations`` and ``dropout``.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from nnviz.errors import InputError, ParamError
from nnviz.project import choices, registry
from nnviz.project.flat_settings import words_of
from nnviz.project.model import Choice, Node, Project
from nnviz.project.settings import with_setting
from nnviz.project.spec import ParamSpec, brief
from nnviz.project.text import clean_name

#: A setting by its path, as ``--set`` takes it, and its value, which may be a text that says it.
Change: TypeAlias = "tuple[str, object]"
#: Values of one setting: a longer list is a slip.
MOST_VALUES: Final = 1000
#: A number as it stands in a range.
NUMBER: Final = r"[-−+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"\s*{NUMBER}\s*\.\.")
_OPENING, _CLOSING = "[{(", "]})"
_LONGEST_VALUE = 40
#: What stands in many layers at once: the function of all activations between layers, the probability of all dropouts.
ACTIVATIONS: Final = "activations"
DROPOUT: Final = "dropout"
_PROBABILITY = "probability"
_OUTPUT = "output"


@dataclass(frozen=True)
class Variation:
    """A setting and the values that it is to take.

    Attributes:
        path: As ``--set`` takes it.
        values: As texts that say them, in the order in which they were given; at least one.
    """

    path: str
    values: tuple[str, ...]

    @property
    def changes(self) -> tuple[Change, ...]:
        """The setting with each of its values."""
        return tuple((self.path, value) for value in self.values)


def varied_path(text: str) -> str:
    """The path of the setting that ``PATH=…`` varies, whatever its values are."""
    return text.partition("=")[0].strip()


def parse_variation(text: str) -> Variation:
    """What ``PATH=A,B,C`` says; a comma in brackets or in quotation marks belongs to the value.

    Raises:
        InputError: There is no path, no value, an empty value, or too many.
    """
    path = varied_path(text)
    _, equals, rest = text.partition("=")
    if not equals or not path:
        raise InputError(f"{brief(text)} is not PATH=VALUE,VALUE such as training.optimizer=sgd,adam.")
    values = tuple(_split(rest))
    if not all(values):
        raise InputError(f"{brief(text)} lacks a value: values are separated by single commas.", field=path[:120])
    if len(values) > MOST_VALUES:
        raise InputError(f"There are {len(values)} values; at most {MOST_VALUES} are allowed.", field=path[:120])
    return Variation(path, values)


def is_range(text: str) -> bool:
    """Whether the values of ``PATH=…`` are a range, as a sweep takes it: ``1..5``, ``1e-4..1e-1:log``."""
    _, _, rest = text.partition("=")
    return "," not in rest and _RANGE.match(rest) is not None


def combinations(variations: Sequence[Variation]) -> list[tuple[Change, ...]]:
    """Every value of each with every value of the others; the last one changes fastest."""
    return [tuple(combined) for combined in itertools.product(*(one.changes for one in variations))]


def varied(
    project: Project, changes: Sequence[Change], dataset_params: Mapping[str, tuple[ParamSpec, ...]] | None = None
) -> Project:
    """The project with all of these made, one after the other; see :func:`nnviz.project.settings.with_setting`.

    Raises:
        InputError: There is no such setting, or a value is not allowed; the error's field is the path.
    """
    for path, value in changes:
        if path == ACTIVATIONS:
            project = _with_activations(project, value)
        elif path == DROPOUT:
            project = _with_dropout(project, value)
        else:
            project = with_setting(project, path, value, dataset_params)
    return project


def activations_of(project: Project) -> list[Node]:
    """The activations that can be another function: of each number by itself, and not the network's last word."""
    last = {edge.source.node for edge in project.graph.edges if project.graph.nodes[edge.target.node].kind == _OUTPUT}
    return [node for node in project.graph.nodes.values() if _is_function(node.kind) and node.id not in last]


def dropouts_of(project: Project) -> list[Node]:
    """The layers that drop values out."""
    return [
        node
        for node in project.graph.nodes.values()
        if node.kind in registry.layers() and any(one.name == _PROBABILITY for one in registry.layer(node.kind).params)
    ]


def _is_function(kind: str) -> bool:
    return kind in registry.layers() and registry.layer(kind).function is not None


def _with_activations(project: Project, value: object) -> Project:
    known = [kind for kind in registry.layers() if _is_function(kind)]
    if not isinstance(value, str) or value not in known:
        raise ParamError(
            f"There is no such activation {brief(value)} (there are: {', '.join(known)}).", field=ACTIVATIONS
        )
    found = activations_of(project)
    if not found:
        raise ParamError("This network has no activation between its layers.", field=ACTIVATIONS)
    return _replaced(
        project,
        found,
        lambda node: node if node.kind == value else msgspec.structs.replace(node, kind=value, params={}),
    )


def _with_dropout(project: Project, value: object) -> Project:
    found = dropouts_of(project)
    if not found:
        raise ParamError("This network has no dropout.", field=DROPOUT)
    for node in found:
        try:
            project = with_setting(project, f"{node.id}.{_PROBABILITY}", value)
        except ParamError as error:
            raise ParamError(error.message, field=DROPOUT) from None
    return project


def _replaced(project: Project, found: Sequence[Node], another: Callable[[Node], Node]) -> Project:
    nodes = {**project.graph.nodes, **{node.id: another(node) for node in found}}
    return msgspec.structs.replace(project, graph=msgspec.structs.replace(project.graph, nodes=nodes))


def name_of(changes: Sequence[Change]) -> str:
    """What a variation is called: ``Adam``, ``learning rate 0.1``, ``Adam, batch size 64``; or ``as it is``."""
    return clean_name(", ".join(_said(path, value) for path, value in changes)) or "as it is"


def distinct_names(names: Sequence[str]) -> list[str]:
    """The same names, of which those that come again get a number behind them."""
    found: list[str] = []
    for name in names:
        candidate, number = name, 2
        while candidate in found:
            candidate, number = f"{name} ({number})", number + 1
        found.append(candidate)
    return found


def _said(path: str, value: object) -> str:
    if path == ACTIVATIONS and isinstance(value, str) and value in registry.layers():
        return registry.layer(value).title
    place, _, field = path.partition(".")
    slot = choices.slot(field) if place in ("training", "data") else None
    if slot is not None and not slot.many:
        kind = value.kind if isinstance(value, Choice) else value
        if isinstance(kind, str) and kind in slot.known:
            title: str = slot.known(kind).title
            return title if slot.name == "optimizer" else f"{slot.title} {title}"
    text = value.kind if isinstance(value, Choice) else value if isinstance(value, str) else brief(value)
    text = text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
    return f"{path if path in (ACTIVATIONS, DROPOUT) else words_of(path)} {text}"


def _split(text: str) -> list[str]:
    """At the commas that stand in no bracket and in no quotation marks."""
    parts, begun, depth, quoted = list[str](), 0, 0, False
    for at, letter in enumerate(text):
        if letter == '"' and (at == 0 or text[at - 1] != "\\"):
            quoted = not quoted
        elif quoted:
            continue
        elif letter in _OPENING:
            depth += 1
        elif letter in _CLOSING:
            depth = max(0, depth - 1)
        elif letter == "," and not depth:
            parts.append(text[begun:at].strip())
            begun = at + 1
    return [*parts, text[begun:].strip()]
