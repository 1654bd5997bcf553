"""All shortcuts by group, for the sheet: menus, instruments, inspector, canvas, pages, timeline, lecture."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence

from nnviz.gui.canvas.hands.keys import CANVAS_KEYS
from nnviz.gui.data.keys import DATA_KEYS
from nnviz.gui.explain.neuron_keys import NEURON_KEYS
from nnviz.gui.explain.sheet_keys import SHEET_KEYS
from nnviz.gui.lecture.keys import LECTURE_KEYS
from nnviz.gui.parts.action import actions_by_menu, plain
from nnviz.gui.parts.key_use import KeyUse
from nnviz.gui.window.command_entries import Findable
from nnviz.gui.window.timeline import TIMELINE_KEYS


@dataclass(frozen=True)
class ShortcutGroup:
    """Some shortcuts under one heading."""

    title: str
    uses: tuple[KeyUse, ...]


def shortcut_groups(find: Findable) -> list[ShortcutGroup]:
    """Everything that a key does, in the order of the menus; the places with keys of their own come last."""
    groups = []
    for title, offered in actions_by_menu(find.offered):
        uses = [_of_action(find.actions[offer.name], plain(offer.text)) for offer in offered]
        if plain(title) == "View":
            uses += [_of_action(one, f"Show the map: {plain(one.text()).lower()}") for one in find.minimap.actions()]
        groups.append(ShortcutGroup(plain(title), tuple(use for use in uses if use.keys)))
    docks, inspector = find.docks(), find.inspector()
    if docks is not None:
        for key, dock in docks.docks.items():
            uses = [_of_action(dock.toggleViewAction(), "Show or hide")]
            uses += [_of_action(entry.action, entry.words) for entry in docks.actions[key].entries]
            groups.append(ShortcutGroup(f"Instrument: {docks.kinds[key].title}", tuple(uses)))
    if inspector is not None:
        tabs = tuple(KeyUse(tab.title, (tab.keys,)) for tab in inspector.kinds.values())
        groups.append(ShortcutGroup("Inspector", tabs))
    groups.append(ShortcutGroup("On the canvas", CANVAS_KEYS))
    groups.append(ShortcutGroup("In the neuron view", NEURON_KEYS))
    groups.append(ShortcutGroup("On a number taken apart", SHEET_KEYS))
    groups.append(ShortcutGroup("On the data page", DATA_KEYS))
    groups.append(ShortcutGroup("On the timeline", TIMELINE_KEYS))
    groups.append(ShortcutGroup("In a lecture", LECTURE_KEYS))
    return groups


def _of_action(action: QAction, words: str) -> KeyUse:
    portable = QKeySequence.SequenceFormat.PortableText
    return KeyUse(words, tuple(sequence.toString(portable) for sequence in action.shortcuts()))
