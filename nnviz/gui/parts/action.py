"""What can be done in the window: one record an action, contributed by the room that owns it.

Menus, context menus, the command palette, the shortcut sheet and the tests all read the same list: the window's
``offered``, which is what the rooms contribute, one behind the other. An action stands where ``menu`` and ``section``
say, behind those of the same section that were contributed before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu

Key = QKeySequence.StandardKey

#: The titles of the menus, in order.
MENU_TITLES = (
    *("&File", "&Edit", "&Add", "A&rrange", "&Group", "&View"),
    *("&Instruments", "E&xplain", "&Train", "&Help"),
)


def always() -> str:
    """The reason why an action that can be used at all times cannot be used: none."""
    return ""


@dataclass(frozen=True, kw_only=True)
class Action:
    """One thing that can be done: its words, its keys, what it does, and why it cannot be done now.

    Attributes:
        name: Its key; stays the same from version to version, so that it can be remembered.
        text: In the menu, with its mnemonic.
        help: Tooltip; the shortcut is added to it.
        do: Does it; one that is switched on and off is given the new state.
        menu: Title of its menu, one of :data:`MENU_TITLES`.
        section: Which part of the menu it stands in, between two lines; 1 is the first.
        keys: Its shortcuts; the first is shown.
        why_not: Why it cannot be used now, as a sentence; empty when it can.
        on: Whether it is switched on now; None for one that is not switched.
        wording: Text and help as they are now, for one that says other things at other times.
        icon: Name of an icon, or empty.
        submenu: Title of a menu inside that menu, which holds all of the section that name it; empty: it stands there
            itself.
        canvas_only: Its keys belong to the canvas: they do nothing where something else has the focus.
    """

    name: str
    text: str
    help: str
    do: Callable[..., object]
    menu: str
    section: int
    keys: tuple[Key | str, ...] = ()
    why_not: Callable[[], str] = always
    on: Callable[[], bool] | None = None
    wording: Callable[[], tuple[str, str]] | None = None
    icon: str = ""
    submenu: str = ""
    canvas_only: bool = False

    @property
    def sequences(self) -> list[QKeySequence]:
        """Its keys on this system; the first is shown."""
        found: list[QKeySequence] = []
        for key in self.keys:
            own = QKeySequence.keyBindings(key)[:1] if isinstance(key, Key) else [QKeySequence(key)]
            found += [sequence for sequence in own if sequence not in found]
        return found

    def entry(self, words: str = "") -> str:
        """The action in a context menu: its words, or others that fit the place better, and its keys as shown."""
        keys = [sequence.toString(QKeySequence.SequenceFormat.NativeText) for sequence in self.sequences[:1]]
        return "\t".join([words or self.text.replace("&", ""), *keys])


@dataclass(frozen=True, kw_only=True)
class Submenu:
    """A menu in a menu, made by the room that owns it.

    Attributes:
        menu: Title of the menu that it stands in.
        section: Which part of that menu.
        make: The menus to put there, owned by the menu that is given.
    """

    menu: str
    section: int
    make: Callable[[QMenu], list[QMenu]]


Offer = Action | Submenu


def by_menu(offered: Iterable[Offer]) -> Iterator[tuple[str, list[list[Offer]]]]:
    """Each menu's title and its sections, in order; what stands in them in the order in which it was contributed."""
    entries = list(offered)
    for title in MENU_TITLES:
        own = [entry for entry in entries if entry.menu == title]
        yield title, [[entry for entry in own if entry.section == part] for part in sorted({e.section for e in own})]


def actions_by_menu(offered: Iterable[Offer]) -> Iterator[tuple[str, list[Action]]]:
    """Each menu's title and the actions in it, from top to bottom."""
    for title, sections in by_menu(offered):
        yield title, [entry for section in sections for entry in section if isinstance(entry, Action)]


def plain(text: str) -> str:
    """The words of a menu, without mnemonics and dots."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&").rstrip("…")


def literal(text: str) -> str:
    """A text that somebody has written, for a menu or a button: its ``&`` marks no letter."""
    return text.replace("&", "&&")
