"""The keys of the neuron view, for the sheet of shortcuts; ``neuron_picture.py`` and ``neuron_view.py`` obey them."""

from __future__ import annotations

from nnviz.gui.parts.key_use import KeyUse, arrows

NEURON_KEYS: tuple[KeyUse, ...] = (
    KeyUse("Unit on that side", arrows()),
    KeyUse("What can be done to the unit", ("Return", "Enter")),
    KeyUse("Switch it off, or on", ("O",)),
    KeyUse("Freeze it, or let it train", ("F",)),
    KeyUse("Begin anew with untrained weights", ("R",)),
    KeyUse("Take the last change back", ("Ctrl+Z",)),
    KeyUse("Choose no unit", ("Esc",)),
    KeyUse("Play or pause", ("Space",)),
)
