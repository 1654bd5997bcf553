"""What a change of the settings of data or training is called in the menu and the history: what changed, and to what.

An edit holds all settings as they are to be; what it changes is seen beside those that were there before.
"""

from __future__ import annotations

from collections.abc import Iterator

from nnviz.project import choices, settings
from nnviz.project.choices import Slot
from nnviz.project.model import Choice, DataConfig, Params, ParamValue, TrainConfig
from nnviz.project.spec import ParamSpec
from nnviz.project.value_text import number_text, to_text

#: Letters of a value in a title, at most: longer ones, such as the points of a drawn schedule, are left out.
_LONGEST = 24
_SLOTS = {slot.name: slot for slot in (*choices.TRAINING, *choices.DATA)}
_PARAMS = {param.name: param for param in (*settings.TRAINING, *settings.DATA)}


def title_of(before: TrainConfig | DataConfig, after: TrainConfig | DataConfig, otherwise: str) -> str:
    """``Set learning rate to 0.01``, ``Set optimizer to Adam``, ``Add L2 penalty``.

    Args:
        before: All settings as they were.
        after: As they are then, of the same type.
        otherwise: What it is called where several things change.
    """
    if isinstance(after, DataConfig) and getattr(before, "dataset", "") != after.dataset:
        return _set("data set", after.dataset)
    titles = [title for name in after.__struct_fields__ for title in _of_field(before, after, name)]
    return titles[0] if len(titles) == 1 else otherwise


def _of_field(before: TrainConfig | DataConfig, after: TrainConfig | DataConfig, name: str) -> Iterator[str]:
    old, new = getattr(before, name), getattr(after, name)
    if old == new:
        return
    slot = _SLOTS.get(name)
    if isinstance(old, Choice) and isinstance(new, Choice) and slot is not None:
        yield from _of_choice(slot, old, new)
    elif isinstance(old, tuple) and isinstance(new, tuple) and slot is not None:
        yield _of_list(slot, old, new)
    elif name == "params":
        yield from _of_params((), old, new)
    else:
        yield _of_value(_PARAMS.get(name), name, new)


def _of_choice(slot: Slot, old: Choice, new: Choice) -> Iterator[str]:
    if old.kind != new.kind:
        yield _set(slot.title, _kind(slot, new))
        return
    declared = slot.spec(new).params if new.kind in slot.known else ()
    yield from _of_params(declared, old.params, new.params)


def _of_list(slot: Slot, old: tuple[Choice, ...], new: tuple[Choice, ...]) -> str:
    added, gone = ([one for one in ours if one not in others] for ours, others in ((new, old), (old, new)))
    if len(added) == 1 and not gone:
        return f"Add {_kind(slot, added[0])}"
    if len(gone) == 1 and not added:
        return f"Remove {_kind(slot, gone[0])}"
    if len(added) == len(gone) == 1 and added[0].kind == gone[0].kind:
        titles = list(_of_choice(slot, gone[0], added[0]))
        if len(titles) == 1:
            return titles[0]
    return f"Change {slot.title}"


def _of_params(declared: tuple[ParamSpec, ...], old: Params, new: Params) -> Iterator[str]:
    known = {param.name: param for param in declared}
    for name in dict.fromkeys((*old, *new)):
        param = known.get(name)
        default = None if param is None else param.default
        before, after = old.get(name, default), new.get(name, default)
        if before != after:
            yield _of_value(param, name, after)


def _of_value(param: ParamSpec | None, name: str, value: ParamValue) -> str:
    title = name.replace("_", " ") if param is None else param.title
    if isinstance(value, bool):
        return f"Turn {title} {'on' if value else 'off'}"
    if value is None:
        return f"Change {title}"
    if param is None:
        return _set(
            title, value if isinstance(value, str) else number_text(value) if isinstance(value, int | float) else ""
        )
    shown = dict(param.choices).get(value) if isinstance(value, str) else None
    return _set(title, to_text(param, value) if shown is None else shown)


def _kind(slot: Slot, choice: Choice) -> str:
    if choice.kind not in slot.known:
        return choice.kind
    title: str = slot.known(choice.kind).title
    return title


def _set(title: str, value: str) -> str:
    plain = value and len(value) <= _LONGEST and "\n" not in value
    return f"Set {title} to {value}" if plain else f"Change {title}"
