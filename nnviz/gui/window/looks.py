"""How the window looks, as the user chose it: theme, letters, lecture, map of the network, motion; remembered."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from nnviz.gui.canvas.minimap import Minimap
from nnviz.gui.look import motion, theme
from nnviz.gui.look.mode import Mode
from nnviz.gui.parts.action import Action, Offer, Submenu
from nnviz.gui.parts.settings import Settings
from nnviz.gui.window.actions import minimap_menu

#: What large letters multiply the usual ones with.
LARGE_LETTERS = 1.5


class Looks(QObject):
    """Takes what was chosen last up again, and remembers what is chosen now. A lecture is for once: it is not kept.

    Attributes:
        minimap_menu: When the map of the network is shown.
        changed: Signal: something was chosen that the actions do not know of.
    """

    changed = Signal()

    def __init__(self, settings: Settings, minimap: Minimap, window: QWidget) -> None:
        super().__init__(window)
        self._settings = settings
        self._minimap = minimap
        minimap.set_mode(settings.minimap)
        motion.choose(settings.motion)
        if settings.large_letters:
            theme.set_text_scale(LARGE_LETTERS)
        self.minimap_menu = minimap_menu(window, self.show_minimap)

    def actions(self) -> tuple[Offer, ...]:
        """What of the looks is chosen in the menu View."""
        return (
            Submenu(menu="&View", section=1, make=lambda _menu: [self.minimap_menu]),
            Action(
                name="minimap",
                text="&Map of the network",
                help="Show or hide the small map of the network",
                do=self.switch_minimap,
                keys=("Ctrl+M",),
                menu="&View",
                section=1,
            ),
            Action(
                name="motion",
                text="&Glide",
                help="Cards and view move smoothly to their places",
                do=self.set_motion,
                keys=("Ctrl+Alt+G",),
                menu="&View",
                section=1,
                on=lambda: motion.choice() != "never",
            ),
            Action(
                name="switch_theme",
                text="&Dark or light",
                help="Switch between dark and light",
                do=self.switch_theme,
                keys=("Ctrl+Shift+L",),
                icon="moon",
                menu="&View",
                section=3,
            ),
            Action(
                name="system_theme",
                text="Theme of the s&ystem",
                help="Follow the desktop's choice",
                do=self.follow_system_theme,
                keys=("Ctrl+Alt+L",),
                menu="&View",
                section=3,
                on=lambda: self._settings.theme == "system",
            ),
            Action(
                name="large_letters",
                text="Large le&tters",
                help="Make all letters of the window half as large again",
                do=self.set_large_letters,
                keys=("Ctrl+Alt+Shift+L",),
                menu="&View",
                section=3,
                on=lambda: theme.text_scale() > 1.0,
            ),
            Action(
                name="lecture",
                text="&Lecture mode",
                help="The network and one instrument, large: for a projector",
                do=self.set_lecture,
                keys=("Ctrl+L",),
                menu="&View",
                section=3,
                on=lambda: theme.mode() is Mode.LECTURE,
            ),
        )

    def show_minimap(self, mode: str) -> None:
        """Say when the map of the network is shown (see ``canvas.minimap.MODES``)."""
        self._settings.minimap = mode
        self._minimap.set_mode(mode)
        self.changed.emit()

    def switch_minimap(self) -> None:
        """Show the map where it is hidden, hide it where it is shown."""
        self.show_minimap("always" if self._minimap.isHidden() else "never")

    def tick_minimap(self) -> None:
        """Tick in the menu when the map is shown."""
        for choice in self.minimap_menu.actions():
            choice.setChecked(choice.data() == self._minimap.mode)

    def set_motion(self, on: bool) -> None:
        """Let cards and view glide to their places, or be there at once."""
        self._settings.motion = "system" if on else "never"
        motion.choose(self._settings.motion)

    def switch_theme(self) -> None:
        """Dark becomes light and light dark."""
        name = "light" if theme.current().dark else "dark"
        self._settings.theme = name
        theme.set_theme(name)

    def follow_system_theme(self, on: bool) -> None:
        """Take the desktop's choice, or stay with what is shown."""
        self._settings.theme = "system" if on else theme.current().name
        theme.set_theme(self._settings.theme)

    def set_large_letters(self, on: bool) -> None:
        """Make the letters larger, or as large as usual; remembered."""
        self._settings.large_letters = on
        theme.set_text_scale(LARGE_LETTERS if on else 1.0)

    def set_lecture(self, on: bool) -> None:
        """Lay the page for a hall over the window, or take it away."""
        theme.set_mode(Mode.LECTURE if on else Mode.DESK)
