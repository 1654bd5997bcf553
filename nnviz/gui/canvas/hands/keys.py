"""The keys that the canvas knows beside the menus' shortcuts: the one table of them.

``keyboard.py`` does what stands here, the shortcut sheet shows it, and a test holds the two against each other.
"""

from __future__ import annotations

from nnviz.gui.parts.key_use import KeyUse, arrows

CANVAS_KEYS: tuple[KeyUse, ...] = (
    KeyUse("Search layers", ("/",)),
    KeyUse("Play or pause", ("Space",)),
    KeyUse("Move the view: hold and drag", ("Space",)),
    KeyUse("Next card as the data flows", ("Tab",)),
    KeyUse("Card before", ("Shift+Tab",)),
    KeyUse("Card on that side", arrows("Alt")),
    KeyUse("Select it as well", arrows("Alt+Shift")),
    KeyUse("First and last card", ("Home", "End")),
    KeyUse("Select nothing, break off, leave a group", ("Esc",)),
    KeyUse("Edit the selected card", ("Return", "Enter")),
    KeyUse("Remove what is selected", ("Backspace",)),
    KeyUse("Move the selected cards", arrows()),
    KeyUse("Move them finely", arrows("Shift")),
    KeyUse("Move the view", arrows("Ctrl")),
    KeyUse("Show the whole network", ("F",)),
)


def documentation() -> str:
    """The table as text, a line a key."""
    return "\n".join(f"{', '.join(use.shown):<24} {use.words}" for use in CANVAS_KEYS)
