"""Every instrument has keys of its own, and says the right ones."""

from __future__ import annotations

from PySide6.QtGui import QKeySequence
from window_kit import OpenWindow


def test_every_instrument_is_shown_and_hidden_by_keys_that_nothing_else_has(open_window: OpenWindow) -> None:
    window = open_window(ready=False)
    assert window.docks is not None
    others = {key.toString() for action in window.actions_by_name.values() for key in action.shortcuts()}
    seen: set[str] = set()
    for action in window.docks.toggle_actions():
        keys = action.shortcut()
        assert keys != QKeySequence() and keys[0].key().name.startswith("Key_"), action.text()
        assert keys.toString() not in others | seen, action.text()
        assert action.toolTip().endswith(f"({keys.toString()})")
        seen.add(keys.toString())
