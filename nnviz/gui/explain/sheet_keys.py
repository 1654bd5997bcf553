"""What keys do on a number that is taken apart, for the sheet of shortcuts; ``sheet.py`` obeys them."""

from __future__ import annotations

from nnviz.gui.parts.key_use import KeyUse, arrows

SHEET_KEYS: tuple[KeyUse, ...] = (
    KeyUse("Slide the window over the map; elsewhere go to the next part", arrows()),
    KeyUse("The neighbouring map", ("PgUp", "PgDown")),
    KeyUse("Let the window slide by itself, or stop it", ("Space",)),
    KeyUse("Walk to where a part came from", ("Return",)),
    KeyUse("Back to the number before", ("Backspace",)),
    KeyUse("Type another number in the place of a weight", ("F2",)),
    KeyUse("Take back a number that was typed, or set it once more", ("Ctrl+Z", "Ctrl+Shift+Z")),
    KeyUse("Small again", ("Esc",)),
)
