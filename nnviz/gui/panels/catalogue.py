"""All instruments, in the order in which they stand in menus and, at first, in the window.

A panel is found by the file it stands in, and the panel of a quantity that declares its curves is made here: neither is
named in a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from pkgutil import iter_modules

from nnviz.gui import panels
from nnviz.gui.panels.base import Panel
from nnviz.gui.panels.layer_curves import curves_panel
from nnviz.record.quantities import QUANTITIES
from nnviz.record.quantity import Quantity

#: Keys of those whose place has a reason, such as what a beginner looks at first; all others follow, by their titles.
_FIRST = (
    "loss",
    "gradients",
    "dead_units",
    "findings",
    "filters",
    "feature_maps",
    "activations",
    "update_ratios",
    "problems",
    "history",
    "outline",
)


def drawn_panels() -> Iterator[type[Panel]]:
    """The panels that draw their picture themselves: every class with a key of its own in a file of this folder."""
    for module in iter_modules(panels.__path__, f"{panels.__name__}."):
        if module.name == __name__:
            continue
        for found in vars(import_module(module.name)).values():
            if isinstance(found, type) and issubclass(found, Panel) and found.key and found.__module__ == module.name:
                yield found


def all_panels(quantities: Iterable[Quantity] = QUANTITIES) -> tuple[type[Panel], ...]:
    """Those, and one for each quantity that declares its curves."""
    found = [*drawn_panels(), *(curves_panel(one) for one in quantities if one.curves is not None)]
    places = {key: place for place, key in enumerate(_FIRST)}
    return tuple(sorted(found, key=lambda panel: (places.get(panel.key, len(places)), panel.title)))


PANELS = all_panels()
