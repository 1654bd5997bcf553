"""What the keys do on the data page; the shortcut sheet shows it."""

from __future__ import annotations

from nnviz.gui.parts.key_use import KeyUse

DATA_KEYS: tuple[KeyUse, ...] = (
    KeyUse("The example beside, above, below", ("Left", "Right", "Up", "Down")),
    KeyUse("The first example, the last one", ("Home", "End")),
    KeyUse("A page of examples", ("PgUp", "PgDown")),
    KeyUse("Enlarge the example", ("Return",)),
    KeyUse("Search", ("/",)),
    KeyUse("Back: to the wall, to the canvas", ("Esc",)),
)
