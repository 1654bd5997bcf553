"""What can be done with an instrument: declared once, offered in its own menu, in the menu bar, and by keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from PySide6.QtCore import QObject, SignalInstance
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from nnviz.gui.parts.action import Action, Offer

#: The key before the letter of an instrument and the letter of what is done with it: ``Ctrl+J, L, D``.
LEAD = "Ctrl+J"


@dataclass(frozen=True)
class PanelOption:
    """One of the values of a choice, or something to do.

    Attributes:
        key: Value of the choice, or the name of what is done.
        text: In the menu, with its mnemonic.
        help: Tooltip; the shortcut is added to it.
        letter: Last key of its shortcut; no other of the same instrument has it.
    """

    key: str
    text: str
    help: str
    letter: str


@dataclass(frozen=True)
class PanelChoice:
    """Something of which exactly one value is chosen; :meth:`Panel.set_option` chooses."""

    key: str
    default: str
    options: tuple[PanelOption, ...]


class Instrument(Protocol):
    """What the actions of a panel know of it; see ``Panel``."""

    key: ClassVar[str]
    title: ClassVar[str]
    letter: ClassVar[str]
    choices: ClassVar[tuple[PanelChoice, ...]]

    @property
    def option_changed(self) -> SignalInstance:
        """Which choice, and its new value."""

    def do(self, command: str) -> None:
        """Do one of the :data:`COMMANDS`."""

    def option(self, key: str) -> str:
        """The value that is chosen now."""

    def set_option(self, key: str, value: str) -> None:
        """Choose a value."""


#: What can be done with each instrument.
COMMANDS: tuple[PanelOption, ...] = (
    PanelOption("help", "&How to read it", "Say what this instrument shows and how to read it", "H"),
    PanelOption("copy", "&Copy picture", "Put the picture of this instrument on the clipboard", "C"),
    PanelOption("png", "Save as &PNG…", "Save the picture of this instrument", "P"),
    PanelOption("svg", "Save as S&VG…", "Save this instrument as a drawing that stays sharp in print", "V"),
    PanelOption("csv", "Save as CSV (&data)…", "Save the numbers behind this instrument as a table", "D"),
)


def plain_words(text: str) -> str:
    """The words of an entry, without mnemonic and dots."""
    return text.replace("&", "").rstrip("…")


@dataclass(frozen=True)
class PanelAction:
    """An action of an instrument, and what it is called outside of the instrument's own menu."""

    key: str
    words: str
    help: str
    action: QAction


class PanelActions(QObject):
    """The actions of one instrument. They outlive the panel: one that is made anew takes the options over.

    Args:
        kind: The instrument.
        parent: Owner of the actions.
        perform: Called with what is to be done with the panel; the window shows the panel first.
    """

    def __init__(
        self, kind: type[Instrument], parent: QWidget, perform: Callable[[Callable[[Instrument], None]], object]
    ) -> None:
        super().__init__(parent)
        self._kind = kind
        self._perform = perform
        self._values = {choice.key: choice.default for choice in kind.choices}
        self._entries: list[PanelAction] = []
        for choice in kind.choices:
            group = QActionGroup(self)
            # A value between those offered, as by the slider, ticks none of them.
            group.setExclusionPolicy(QActionGroup.ExclusionPolicy.ExclusiveOptional)
            for option in choice.options:
                action = self._add(f"{choice.key}={option.key}", option, parent)
                action.setCheckable(True)
                action.setChecked(option.key == choice.default)
                group.addAction(action)
                action.triggered.connect(
                    lambda _checked=False, key=choice.key, value=option.key: self._choose(key, value)
                )
        for command in COMMANDS:
            action = self._add(command.key, command, parent)
            action.triggered.connect(lambda _checked=False, key=command.key: self._perform(lambda panel: panel.do(key)))

    @property
    def entries(self) -> tuple[PanelAction, ...]:
        """All of them, in the order of the menu."""
        return tuple(self._entries)

    def action(self, key: str) -> QAction:
        """The action of a command (``csv``), or of a value of a choice (``axis=epoch``)."""
        return next(entry.action for entry in self._entries if entry.key == key)

    def fill(self, menu: QMenu, between: Callable[[QMenu], None] = lambda _menu: None) -> None:
        """Put all of them into a menu; ``between`` may add more behind the choices."""
        menu.setToolTipsVisible(True)
        for choice in self._kind.choices:
            if menu.actions():
                menu.addSeparator()
            menu.addActions([self.action(f"{choice.key}={option.key}") for option in choice.options])
        between(menu)
        if menu.actions():
            menu.addSeparator()
        menu.addActions([self.action(command.key) for command in COMMANDS])

    def follow(self, panel: Instrument) -> None:
        """Give a new panel the options that were chosen, and tick from now on what it says."""
        for key, value in list(self._values.items()):
            if value != panel.option(key):
                panel.set_option(key, value)
        panel.option_changed.connect(self._tick)

    def _choose(self, key: str, value: str) -> None:
        self._perform(lambda panel: panel.set_option(key, value))
        self._tick(key, value)

    def _tick(self, key: str, value: str) -> None:
        self._values[key] = value
        for entry in self._entries:
            if entry.key.partition("=")[0] == key:
                entry.action.setChecked(entry.key == f"{key}={value}")

    def _add(self, key: str, option: PanelOption, parent: QWidget) -> QAction:
        action = QAction(option.text, parent)
        action.setObjectName(f"action-{self._kind.key}-{key}")
        action.setShortcut(QKeySequence(f"{LEAD}, {self._kind.letter}, {option.letter}"))
        shown = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        action.setToolTip(f"{option.help} ({shown})")
        action.setStatusTip(f"{self._kind.title}: {option.help}")
        self._entries.append(PanelAction(key, plain_words(option.text), option.help, action))
        return action


def instrument_actions(use: Callable[[str], object]) -> tuple[Offer, ...]:
    """What can be done with the instrument used last; ``use`` is given the key of one of :data:`COMMANDS`."""

    def action(name: str, command: str, text: str, help: str, keys: str, section: int = 1) -> Action:
        return Action(
            name=name,
            text=text,
            help=help,
            do=lambda: use(command),
            keys=(keys,),
            menu="&Instruments",
            submenu="&Instrument used last",
            section=section,
        )

    return (
        action("copy_picture", "copy", "&Copy picture", "Copy the picture of the instrument used last", "Ctrl+Alt+C"),
        action("save_picture", "png", "Save &picture…", "Save the picture of the instrument used last", "Ctrl+Alt+S"),
        action("save_numbers", "csv", "Save &numbers…", "Save the table of the instrument used last", "Ctrl+Alt+D"),
        action("read_instrument", "help", "&How to read it", "Explain the instrument used last", "Ctrl+Alt+R"),
    )


def list_actions(enter: Callable[[str], object]) -> tuple[Offer, ...]:
    """The instruments that are lists, for the keyboard; ``enter`` is given the key of one to show and to go into."""
    return (
        Action(
            name="outline",
            text="Outlin&e",
            help="The network as a list, for the keyboard",
            do=lambda: enter("outline"),
            keys=("Ctrl+Shift+O",),
            icon="table",
            menu="&View",
            section=2,
        ),
        Action(
            name="problems",
            text="Pro&blems",
            help="What is wrong, with cures",
            do=lambda: enter("problems"),
            keys=("Ctrl+Shift+B",),
            icon="warning",
            menu="&View",
            section=2,
        ),
        Action(
            name="runs",
            text="&Kept runs",
            help="Every training: find, name, compare, open",
            do=lambda: enter("runs"),
            keys=("Ctrl+Shift+R",),
            icon="recent",
            menu="&File",
            section=3,
        ),
    )
