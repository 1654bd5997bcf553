"""The window's actions and menus as Qt has them: made from what the rooms offer, and kept in line with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from nnviz.gui.look import icons, theme
from nnviz.gui.parts.action import Action, Offer, by_menu, literal
from nnviz.gui.parts.plain_text import plain_tip
from nnviz.record.library import KeptRun

#: Runs that the menu names; any other is opened by its file.
_MOST_RUNS_SHOWN = 30


def describe(action: QAction, help: str) -> None:
    """Give an action its tooltip, with its shortcut behind it."""
    shortcut = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
    text = f"{help} ({shortcut})" if shortcut else help
    action.setToolTip(text)
    action.setStatusTip(help)


def make_actions(parent: QWidget, offered: Iterable[Offer]) -> dict[str, QAction]:
    """All actions by name, connected."""
    made: dict[str, QAction] = {}
    for offer in offered:
        if not isinstance(offer, Action):
            continue
        action = QAction(offer.text, parent)
        action.setObjectName(f"action-{offer.name}")
        action.setShortcuts(offer.sequences)
        action.setCheckable(offer.on is not None)
        describe(action, offer.help)
        if offer.icon:
            icons.bind(action, offer.icon, "text_muted")
        if offer.on is not None:
            action.triggered.connect(offer.do)
        else:
            action.triggered.connect(lambda _checked=False, do=offer.do: do())
        made[offer.name] = action
        parent.addAction(action)
    return made


def update_actions(made: Mapping[str, QAction], offered: Iterable[Offer]) -> None:
    """Bring every action in line with what can be done now; why one is off can be read where it is offered."""
    for offer in offered:
        if not isinstance(offer, Action):
            continue
        action = made[offer.name]
        if offer.wording is not None:
            text, help = offer.wording()
            action.setText(text)
            describe(action, help)
        reason = offer.why_not()
        action.setEnabled(not reason)
        action.setProperty("reason", reason)
        if offer.on is not None:
            action.setChecked(offer.on())


def keys_of(made: Mapping[str, QAction], name: str) -> str:
    """The first shortcut of an action, as it is written on this system."""
    return made[name].shortcut().toString(QKeySequence.SequenceFormat.NativeText)


def restrict_keys(window: QWidget, canvas: QWidget, made: Mapping[str, QAction], offered: Iterable[Offer]) -> None:
    """Keys that belong to the canvas do nothing where something else in the window has the focus."""
    for offer in offered:
        if isinstance(offer, Action) and offer.canvas_only:
            action = made[offer.name]
            window.removeAction(action)
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            canvas.addAction(action)


def make_menus(bar: QMenuBar, made: Mapping[str, QAction], offered: Sequence[Offer]) -> list[QMenu]:
    """Fill the menu bar."""
    menus: list[QMenu] = []
    for title, sections in by_menu(offered):
        menu = bar.addMenu(title)
        menu.setObjectName(f"menu-{title.replace('&', '')}")
        menu.setToolTipsVisible(True)
        for section in sections:
            if menu.actions():
                menu.addSeparator()
            inner: dict[str, QMenu] = {}
            for offer in section:
                if isinstance(offer, Action):
                    if offer.submenu and offer.submenu not in inner:
                        inner[offer.submenu] = menu.addMenu(offer.submenu)
                        inner[offer.submenu].setToolTipsVisible(True)
                    inner.get(offer.submenu, menu).addAction(made[offer.name])
                else:
                    for submenu in offer.make(menu):
                        menu.addMenu(submenu)
        menus.append(menu)
    return menus


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


def filled_menu(text: str, parent: QWidget, fill: Callable[[QMenu], object]) -> QMenu:
    """A submenu whose entries change: they are made whenever it opens."""
    menu = QMenu(text, parent)
    menu.aboutToShow.connect(lambda: fill(menu))
    return menu


def fill_recent(menu: QMenu, recent: Sequence[Path], open_file: Callable[[Path], object]) -> None:
    """The projects opened or saved last."""
    menu.clear()
    for path in recent:
        action = menu.addAction(literal(path.name))
        action.setToolTip(plain_tip(str(path)))
        action.triggered.connect(lambda _checked=False, path=path: open_file(path))
    if not recent:
        menu.addAction("No file yet").setEnabled(False)


def fill_runs(
    menu: QMenu, kept: Sequence[KeptRun], open_file: Callable[[Path], object], choose_in: Callable[[Path], object]
) -> None:
    """The runs that were kept: the newest by name, and how many there are and how large, since none goes by itself."""
    menu.clear()
    for run in kept[:_MOST_RUNS_SHOWN]:
        action = menu.addAction(f"{literal(run.path.stem)}   {theme.format_bytes(run.size)}")
        action.triggered.connect(lambda _checked=False, path=run.path: open_file(path))
    if not kept:
        menu.addAction("Nothing trained yet").setEnabled(False)
        return
    menu.addSeparator()
    size = theme.format_bytes(sum(run.size for run in kept))
    folder = kept[0].path.parent
    every = menu.addAction(f"{len(kept):,} {'run' if len(kept) == 1 else 'runs'}, {size}: open another…")
    every.setToolTip(f"They stay in {folder} until you remove them")
    every.triggered.connect(lambda: choose_in(folder))
