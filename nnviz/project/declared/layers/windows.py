"""Sliding windows as convolutions and pools have them: sizes, the arithmetic in words, and what would fit."""

from __future__ import annotations

from collections.abc import Sequence

from nnviz.project.declared.layers.common import plural, set_fix, shape_text, sizes, zero_pad_fix
from nnviz.project.model import Params
from nnviz.project.spec import ShapeError
from nnviz.project.sweep import Sweep

AXES = {1: ("length",), 2: ("height", "width")}
#: What lies along an axis, in the order of :data:`AXES`.
_LINES = {1: ("position",), 2: ("row", "column")}


def spread(values: Params, name: str, axes: int) -> tuple[int, ...]:
    """A size for each axis; one number stands for all of them."""
    given = sizes(values, name)
    return given * axes if len(given) == 1 else given


def slide(title: str, values: Params, spatial: Sequence[int], *, ceil_mode: bool = False) -> tuple[Sweep, ...]:
    """How a window moves along each axis: its size, its steps, and how many places it has.

    Its places are ``floor((size + 2·padding − dilation·(kernel − 1) − 1) / stride) + 1``; with ``ceil_mode`` the
    quotient is rounded up, unless the last window would then start beyond the input and its left padding.

    Raises:
        ShapeError: The window is larger than the padded input.
    """
    axes = len(spatial)
    kernel, stride, padding = (spread(values, name, axes) for name in ("kernel_size", "stride", "padding"))
    dilation = spread(values, "dilation", axes) if "dilation" in values else (1,) * axes
    sweeps = tuple(
        Sweep(*numbers, ceil_mode=ceil_mode) for numbers in zip(spatial, kernel, stride, padding, dilation, strict=True)
    )
    if any(sweep.count < 1 for sweep in sweeps):
        raise _too_small(title, sweeps)
    return sweeps


def sweep_text(sweeps: Sequence[Sweep]) -> str:
    """The arithmetic of a window's places line by line, and what it never reads as sentences."""
    lines = [*reach_lines(sweeps), *axis_lines([_places_text(sweep) for sweep in sweeps])]
    return "\n".join([*lines, *_unread_lines(sweeps)])


def axis_lines(texts: Sequence[str]) -> list[str]:
    """What is said of each axis: once where it is the same of all, else with the name of the axis before it."""
    if len(set(texts)) == 1:
        return [texts[0]]
    return [f"{name}: {text}" for name, text in zip(AXES[len(texts)], texts, strict=True)]


def reach_lines(sweeps: Sequence[Sweep]) -> list[str]:
    """The effective kernel of a dilated window: ``effective kernel 2·(3 − 1) + 1 = 5``."""
    if all(sweep.dilation == 1 for sweep in sweeps):
        return []
    texts = [
        f"effective kernel {sweep.dilation}·({sweep.kernel} − 1) + 1 = {sweep.reach}"
        if sweep.dilation > 1
        else f"kernel {sweep.kernel}"
        for sweep in sweeps
    ]
    return axis_lines(texts)


def _places_text(sweep: Sweep) -> str:
    fraction = f"({sweep.size} − {sweep.reach} + 2·{sweep.padding}) / {sweep.stride}"
    if sweep.span % sweep.stride == 0:
        return f"{fraction} + 1 = {sweep.count}"
    if sweep.ceil_mode:
        note = " − 1 (a window that starts in the padding is left out)" if sweep.left_out else ""
        return f"⌈{fraction}⌉ + 1{note} = {sweep.count}"
    return f"⌊{fraction}⌋ + 1 = {sweep.count}"


def _unread_lines(sweeps: Sequence[Sweep]) -> list[str]:
    """What is lost: the far edge that no window comes to, and gaps between the points of the window."""
    lines = _LINES[len(sweeps)]
    gaps = [(sweep, line) for sweep, line in zip(sweeps, lines, strict=True) if sweep.unread > sweep.unread_end]
    edges = [(sweep, line) for sweep, line in zip(sweeps, lines, strict=True) if sweep.unread_end > 0]
    said: list[str] = []
    if edges and len(sweeps) == 1:
        lost = edges[0][0].unread_end
        words = "last of" if lost == 1 else f"last {lost} of"
        said.append(f"The {words} {plural(sweeps[0].size, 'position')} {'is' if lost == 1 else 'are'} never read.")
    elif edges:
        parts = [
            f"the last {line}" if sweep.unread_end == 1 else f"the last {plural(sweep.unread_end, line)}"
            for sweep, line in edges
        ]
        several = len(edges) > 1 or edges[0][0].unread_end > 1
        whole = shape_text([sweep.size for sweep in sweeps])
        said.append(f"{_sentence(parts)} of {whole} {'are' if several else 'is'} never read.")
    if gaps:
        parts = [f"{sweep.unread} of {plural(sweep.size, line)}" for sweep, line in gaps]
        several = len(gaps) > 1 or gaps[0][0].unread > 1
        cause = "steps over them" if any(sweep.stride > sweep.reach for sweep, _ in gaps) else "leaves gaps"
        said.append(f"{_sentence(parts)} {'are' if several else 'is'} never read in all: the window {cause}.")
    return said


def _sentence(parts: Sequence[str]) -> str:
    text = " and ".join(parts)
    return text[:1].upper() + text[1:]


def _too_small(title: str, sweeps: Sequence[Sweep]) -> ShapeError:
    kernel = tuple(sweep.kernel for sweep in sweeps)
    spatial = tuple(sweep.size for sweep in sweeps)
    window = f"The kernel of {title} is {shape_text(kernel)}"
    if any(sweep.dilation > 1 for sweep in sweeps):
        window += f" and with its dilation reaches over {shape_text([sweep.reach for sweep in sweeps])}"
    there = f"the input is only {shape_text(spatial)}"
    if any(sweep.padding for sweep in sweeps):
        there += f" ({shape_text([sweep.size + 2 * sweep.padding for sweep in sweeps])} with its padding)"
    return ShapeError(f"{window}, but {there}.", _fitting(sweeps))


def _fitting(sweeps: Sequence[Sweep]) -> tuple[str, ...]:
    """A smaller kernel; padding with which one window fits in; padding that keeps the size; zeros put around before."""
    smaller = tuple(min(sweep.kernel, (sweep.size + 2 * sweep.padding - 1) // sweep.dilation + 1) for sweep in sweeps)
    enough = tuple(max(sweep.padding, -(-(sweep.reach - sweep.size) // 2)) for sweep in sweeps)
    keeping = tuple((sweep.reach - 1) // 2 for sweep in sweeps)
    fixes = [_set("kernel_size", smaller), _set("padding", enough)]
    if keeping != enough and all(sweep.reach % 2 == 1 and sweep.stride == 1 for sweep in sweeps):
        fixes.append(_set("padding", keeping))
    if len(sweeps) == 2:
        top, left = (max(0, sweep.reach - sweep.size - 2 * sweep.padding) for sweep in sweeps)
        fixes.append(zero_pad_fix(left // 2, left - left // 2, top // 2, top - top // 2))
    return tuple(fixes)


def _set(name: str, value: tuple[int, ...]) -> str:
    return set_fix(name, value[0] if len(value) == 1 else value)
