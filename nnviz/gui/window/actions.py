"""The actions of the window and its menus, made from their table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from nnviz.gui.look import icons
from nnviz.gui.parts.action_table import MENUS, ActionSpec, sequences_of
from nnviz.project import registry


def describe(action: QAction, help: str) -> None:
    """Give an action its tooltip, with its shortcut behind it."""
    shortcut = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
    text = f"{help} ({shortcut})" if shortcut else help
    action.setToolTip(text)
    action.setStatusTip(help)


def make_actions(parent: QWidget, handlers: Mapping[str, Callable[..., object]]) -> dict[str, QAction]:
    """All actions by name, connected; every one in ``MENUS`` needs a handler."""
    actions: dict[str, QAction] = {}
    for _title, entries in MENUS:
        for spec in entries:
            if not isinstance(spec, ActionSpec):
                continue
            action = QAction(spec.text, parent)
            action.setObjectName(f"action-{spec.name}")
            action.setShortcuts(sequences_of(spec))
            action.setCheckable(spec.checkable)
            describe(action, spec.help)
            if spec.icon:
                icons.bind(action, spec.icon, "text_muted")
            handler = handlers[spec.name]
            if spec.checkable:
                action.triggered.connect(handler)
            else:
                action.triggered.connect(lambda _checked=False, handler=handler: handler())
            actions[spec.name] = action
            parent.addAction(action)
    return actions


def make_menus(bar: QMenuBar, actions: Mapping[str, QAction], submenus: Mapping[str, QMenu]) -> list[QMenu]:
    """Fill the menu bar; ``submenus`` are put where ``MENUS`` names them."""
    menus: list[QMenu] = []
    for title, entries in MENUS:
        menu = bar.addMenu(title)
        menu.setToolTipsVisible(True)
        for entry in entries:
            if entry is None:
                menu.addSeparator()
            elif isinstance(entry, ActionSpec):
                menu.addAction(actions[entry.name])
            elif entry == "<layers>":
                for family in submenus["layers"].findChildren(QMenu):
                    menu.addMenu(family)
            elif entry == "<panels>":
                # They come when the instruments are there, which is after the window is on the screen.
                menu.setObjectName("InstrumentsMenu")
            else:
                menu.addMenu(submenus[entry.strip("<>")])
        menus.append(menu)
    return menus


def layers_menu(parent: QWidget, add: Callable[[str], object]) -> QMenu:
    """A menu of menus: each family of layers with its layers."""
    top = QMenu(parent)
    for family, title in registry.FAMILIES:
        menu = QMenu(title, top)
        menu.setToolTipsVisible(True)
        for kind, spec in registry.layers().items():
            if spec.family == family:
                action = menu.addAction(spec.title)
                action.setToolTip(spec.help)
                action.triggered.connect(lambda _checked=False, kind=kind: add(kind))
    return top


#: When the map is shown, in words, what that means, and its keys.
_MAP_CHOICES = (
    ("automatic", "&Automatic", "Show the map while not the whole network is in sight", "Ctrl+Alt+M, A"),
    ("always", "A&lways", "Show the map at all times", "Ctrl+Alt+M, L"),
    ("never", "&Never", "Do not show the map", "Ctrl+Alt+M, N"),
)


def minimap_menu(parent: QWidget, choose: Callable[[str], object]) -> QMenu:
    """When the map of the network is shown: one of three; each action's data is its key."""
    menu = QMenu("S&how the map", parent)
    menu.setToolTipsVisible(True)
    group = QActionGroup(menu)
    for key, words, help, keys in _MAP_CHOICES:
        action = menu.addAction(words)
        action.setCheckable(True)
        action.setData(key)
        action.setShortcut(keys)
        describe(action, help)
        action.triggered.connect(lambda _checked=False, key=key: choose(key))
        group.addAction(action)
    parent.addActions(group.actions())
    return menu
