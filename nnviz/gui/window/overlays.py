"""What opens over the window or before it: samples, search over everything, keys, details, about, log."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from nnviz import __version__
from nnviz.gui.parts.action import Action, Offer
from nnviz.gui.runs.workspace import Workspace
from nnviz.gui.window.files import Files
from nnviz.gui.window.notices import log_file

if TYPE_CHECKING:
    from nnviz.gui.welcome.welcome import Welcome
    from nnviz.gui.window.command_entries import Findable
    from nnviz.gui.window.command_palette import CommandPalette
    from nnviz.gui.window.project_details import ProjectDetails
    from nnviz.gui.window.shortcut_sheet import ShortcutSheet


class Overlays(QObject):
    """Each is made when it is first wanted; of search and keys only one is open.

    Args:
        workspace: The document, and what is remembered.
        files: Opens what is chosen.
        findable: What the search over everything and the page of keys read.
        window: What they cover.
        head: Gives its bars, which the samples leave free.
    """

    def __init__(
        self,
        workspace: Workspace,
        files: Files,
        findable: Callable[[], Findable],
        window: QWidget,
        head: Callable[[], QWidget | None] = lambda: None,
    ) -> None:
        super().__init__(window)
        self._workspace = workspace
        self._files = files
        self._findable = findable
        self._window = window
        self._head = head
        self._welcome: Welcome | None = None
        self._palette: CommandPalette | None = None
        self._sheet: ShortcutSheet | None = None
        self._details: ProjectDetails | None = None

    def actions(self) -> tuple[Offer, ...]:
        """What helps to find the way."""
        return (
            Action(
                name="command_palette",
                text="&Find anything…",
                help="Search every action",
                do=self.show_command_palette,
                keys=("Ctrl+K", "Ctrl+Shift+P"),
                icon="search",
                menu="&Help",
                section=1,
            ),
            Action(
                name="shortcuts",
                text="&Keyboard shortcuts",
                help="All keys on one page",
                do=self.show_shortcuts,
                keys=("F1", "Ctrl+/"),
                icon="help",
                menu="&Help",
                section=2,
            ),
            Action(
                name="log",
                text="Open &log",
                help="Where the program writes what went wrong",
                do=self.open_log,
                keys=("Ctrl+Alt+Shift+G",),
                menu="&Help",
                section=2,
            ),
            Action(
                name="about",
                text="&About nnviz",
                help="Version and licences",
                do=self.show_about,
                keys=("Shift+F1",),
                icon="information",
                menu="&Help",
                section=2,
            ),
        )

    # ---- samples -------------------------------------------------------------------------------------------------

    @property
    def welcome(self) -> Welcome | None:
        """The chooser of samples, while it is open."""
        return self._welcome

    def show_welcome(self, at_start: bool) -> None:
        """Offer the samples."""
        settings = self._workspace.settings
        if self._welcome is None:
            from nnviz.gui.welcome.welcome import Welcome  # noqa: PLC0415 - most starts need no page of samples

            self._welcome = Welcome(self._window, at_start, settings.recent, self._workspace.background, self._head())
            self._welcome.chosen.connect(self._on_sample_chosen)
            self._welcome.open_requested.connect(self._files.choose)
            self._welcome.new_requested.connect(self._files.new)
            self._welcome.recent_chosen.connect(self._files.open)
            self._welcome.destroyed.connect(self._on_welcome_gone)
        settings.welcome_seen = True
        self._welcome.show()
        self._welcome.raise_()

    def _on_welcome_gone(self) -> None:
        self._welcome = None

    def _on_sample_chosen(self, name: str, play: bool) -> None:
        self._files.open_sample(name, self._workspace.training.play_when_ready if play else None)

    # ---- over the window -----------------------------------------------------------------------------------------

    @property
    def palette(self) -> CommandPalette:
        """The search over everything; made when it is first wanted."""
        if self._palette is None:
            from nnviz.gui.window.command_entries import all_entries  # noqa: PLC0415 - the window opens before it is wanted
            from nnviz.gui.window.command_palette import CommandPalette  # noqa: PLC0415 - as above

            self._palette = CommandPalette(
                self._window, lambda: all_entries(self._findable()), self._workspace.settings, self._workspace.say
            )
        return self._palette

    @property
    def sheet(self) -> ShortcutSheet:
        """The page of all keys; made when it is first wanted."""
        if self._sheet is None:
            from nnviz.gui.window.shortcut_sheet import ShortcutSheet  # noqa: PLC0415 - as above
            from nnviz.gui.window.shortcut_table import shortcut_groups  # noqa: PLC0415 - as above

            self._sheet = ShortcutSheet(self._window, lambda: shortcut_groups(self._findable()))
        return self._sheet

    @property
    def details(self) -> ProjectDetails:
        """Name and note of the project; made when it is first wanted."""
        if self._details is None:
            from nnviz.gui.window.project_details import ProjectDetails  # noqa: PLC0415 - as above

            self._details = ProjectDetails(self._window, self._workspace.document, self._workspace.apply)
        return self._details

    def show_details(self) -> None:
        """Edit name and note; again to close."""
        self.details.toggle()

    def show_command_palette(self) -> None:
        """Search everything that can be done; again to close."""
        if self._sheet is not None:
            self._sheet.dismiss()
        self.palette.toggle()

    def show_shortcuts(self) -> None:
        """All keys on one page; again to close."""
        if self._palette is not None:
            self._palette.dismiss()
        self.sheet.toggle()

    # ---- help ----------------------------------------------------------------------------------------------------

    def show_about(self) -> None:
        """Version and licences."""
        from nnviz.gui.parts.pages import TextPage  # noqa: PLC0415 - opened by hand

        page = TextPage(
            "About nnviz",
            f"<h3>nnviz {__version__}</h3><p>Click a neural network together, train it, and watch every part of it "
            "work.</p><p>MIT licence. Made with PyTorch, Qt for Python (LGPL) and pyqtgraph; the Inter typeface is "
            "under the SIL Open Font Licence.</p>",
            self._window,
        )
        page.show()

    def open_log(self) -> None:
        """Show the log in the desktop's own viewer."""
        path = log_file()
        if not path.exists():
            self._workspace.say("Nothing has gone wrong: the log is empty.")
        elif not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
            self._workspace.say(f"The log is {path}")
