"""All shortcuts by group, for the sheet: menus, instruments, inspector, canvas and timeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QKeySequence

from nnviz.gui.action_table import MENUS, ActionSpec, plain
from nnviz.gui.canvas.keys import CANVAS_KEYS
from nnviz.gui.key_use import KeyUse
from nnviz.gui.timeline import TIMELINE_KEYS

if TYPE_CHECKING:
    from nnviz.gui.window import MainWindow


@dataclass(frozen=True)
class ShortcutGroup:
    """Some shortcuts under one heading."""

    title: str
    uses: tuple[KeyUse, ...]


def shortcut_groups(window: MainWindow) -> list[ShortcutGroup]:
    """Everything that a key does, in the order of the menus; the places with keys of their own come last."""
    groups = []
    for title, entries in MENUS:
        uses = [
            _of_action(window.actions_by_name[entry.name], plain(entry.text))
            for entry in entries
            if isinstance(entry, ActionSpec)
        ]
        groups.append(ShortcutGroup(plain(title), tuple(use for use in uses if use.keys)))
    if window.docks is not None:
        toggles = [_of_action(dock.toggleViewAction(), dock.windowTitle()) for dock in window.docks.docks.values()]
        groups.append(ShortcutGroup("Instruments", tuple(use for use in toggles if use.keys)))
    if window.inspector is not None:
        tabs = tuple(KeyUse(name, (f"Alt+{number}",)) for number, (_, name) in enumerate(window.inspector.TABS, 1))
        groups.append(ShortcutGroup("Inspector", tabs))
    groups.append(ShortcutGroup("On the canvas", CANVAS_KEYS))
    groups.append(ShortcutGroup("On the timeline", TIMELINE_KEYS))
    return groups


def _of_action(action: QAction, words: str) -> KeyUse:
    portable = QKeySequence.SequenceFormat.PortableText
    return KeyUse(words, tuple(sequence.toString(portable) for sequence in action.shortcuts()))
