"""How the top bar fits into a width: its forms, from the roomiest to the narrowest."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial


@dataclass(frozen=True)
class BarForm:
    """How the bar fits into a width. Nothing in it depends on what is shown: names and counts move no button.

    Attributes:
        compact: Buttons show their icon only.
        brand: The program's name stands at the left.
        title: Pixels of the project's name, at the text scale of a desk.
        data: The text that the pill of the data set has room for.
        short: Captions are their short ones.
        hidden: What is found under the last button instead.
    """

    compact: bool = False
    brand: bool = False
    title: int = 180
    data: str = "Handwritten digits · 1 150 train / 287 val"
    short: bool = False
    hidden: tuple[str, ...] = ()


_PAIR, _NAME = "Handwritten digits · 1 437 / 360", "Handwritten digits"
#: What gives way to the rest where there is no room, what weighs least first.
_LESSER = ("device", "test", "progress", "pace", "data", "optimizer", "batch", "step")


def _forms() -> tuple[BarForm, ...]:
    """From the roomiest to the narrowest."""
    small = partial(BarForm, compact=True, title=116, data=_NAME)
    hiding = [small(short=True, hidden=_LESSER[: count + 1]) for count in range(len(_LESSER))]
    return (
        BarForm(brand=True),
        BarForm(title=140, data=_PAIR),
        small(data=_PAIR),
        small(),
        small(short=True),
        *hiding,
        small(title=60, short=True, hidden=_LESSER),
    )


#: The bar takes the first of these that has room.
FORMS = _forms()
