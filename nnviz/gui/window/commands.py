"""What the actions of the window do, beyond what canvas, files and training do by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMenu

from nnviz import __version__
from nnviz.errors import ParamError
from nnviz.gui.look import motion, theme
from nnviz.gui.look.mode import Mode
from nnviz.gui.panels.panel_actions import instrument_actions
from nnviz.gui.parts.action import Action, Key, Offer, Submenu, literal
from nnviz.gui.runs.standing import with_learning_rate
from nnviz.gui.welcome.welcome import Welcome
from nnviz.gui.window.actions import fill_recent, fill_runs, filled_menu
from nnviz.gui.window.files import RUN_SUFFIX
from nnviz.gui.window.notices import log_file
from nnviz.project import registry
from nnviz.record.places import free_paths
from nnviz.record.readings import Cure

if TYPE_CHECKING:
    from nnviz.gui.window.command_palette import CommandPalette
    from nnviz.gui.window.project_details import ProjectDetails
    from nnviz.gui.window.shortcut_sheet import ShortcutSheet
    from nnviz.gui.window.window import MainWindow


class Commands(QObject):
    """The window's own actions, and what each of them does."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._welcome: Welcome | None = None
        self._palette: CommandPalette | None = None
        self._sheet: ShortcutSheet | None = None
        self._details: ProjectDetails | None = None
        window.canvas.minimap.set_mode(window.settings.minimap)
        motion.choose(window.settings.motion)

    @property
    def welcome(self) -> Welcome | None:
        """The chooser of samples, while it is open."""
        return self._welcome

    def actions(self) -> tuple[Offer, ...]:
        """What the window itself contributes: files, undo and redo, what is shown, and help."""
        return (
            *self._file_actions(),
            *self._view_actions(),
            *self._help_actions(),
            *instrument_actions(self.use_instrument),
        )

    def _file_actions(self) -> tuple[Offer, ...]:
        window, files, document = self._window, self._window.files, self._window.document

        def recent(menu: QMenu) -> None:
            fill_recent(menu, window.settings.recent, files.open)

        def runs(menu: QMenu) -> None:
            fill_runs(menu, window.recorder.kept, files.open, files.choose_in)

        def undo_wording() -> tuple[str, str]:
            text = f"&Undo {literal(document.undo_title)}" if document.can_undo else "&Undo"
            return text, "Take the last change back"

        def redo_wording() -> tuple[str, str]:
            text = f"&Redo {literal(document.redo_title)}" if document.can_redo else "&Redo"
            return text, "Make the change again"

        return (
            Action(
                name="new",
                text="&New",
                help="An empty canvas",
                do=files.new,
                keys=(Key.New,),
                icon="file-new",
                menu="&File",
                section=1,
            ),
            Action(
                name="samples",
                text="New from sa&mple…",
                help="Choose one of the sample networks",
                do=lambda: self.show_welcome(at_start=False),
                keys=("Ctrl+Shift+N",),
                icon="network",
                menu="&File",
                section=1,
            ),
            Action(
                name="open",
                text="&Open…",
                help="Open a project, or a run that was recorded",
                do=files.choose,
                keys=(Key.Open,),
                icon="folder-open",
                menu="&File",
                section=1,
            ),
            Submenu(menu="&File", section=1, make=lambda menu: [filled_menu("Open r&ecent", menu, recent)]),
            Submenu(menu="&File", section=1, make=lambda menu: [filled_menu("Recent r&uns", menu, runs)]),
            Action(
                name="save",
                text="&Save",
                help="Save the project",
                do=files.save,
                keys=(Key.Save,),
                icon="save",
                menu="&File",
                section=2,
            ),
            Action(
                name="save_as",
                text="Save &as…",
                help="Save the project under another name",
                do=files.save_as,
                keys=(
                    Key.SaveAs,
                    "Ctrl+Shift+S",
                ),
                menu="&File",
                section=2,
            ),
            Action(
                name="save_run",
                text="Save &run as…",
                help="Keep everything this training measured in one file",
                do=self.save_run,
                keys=("Ctrl+Shift+E",),
                menu="&File",
                section=2,
                why_not=lambda: "" if window.training.trained else "Nothing has been trained yet.",
            ),
            Action(
                name="details",
                text="Project &details…",
                help="Name and note of the project",
                do=self.show_details,
                keys=("Alt+Return",),
                icon="note",
                menu="&File",
                section=3,
            ),
            Action(
                name="quit",
                text="&Quit",
                help="Close the window",
                do=window.close,
                keys=(
                    Key.Quit,
                    "Ctrl+Q",
                ),
                menu="&File",
                section=4,
            ),
            Action(
                name="undo",
                text="&Undo",
                help="Take the last change back",
                do=lambda: window.guarded(document.undo),
                keys=(Key.Undo,),
                icon="undo",
                menu="&Edit",
                section=1,
                why_not=lambda: "" if document.can_undo else "There is nothing to take back.",
                wording=undo_wording,
            ),
            Action(
                name="redo",
                text="&Redo",
                help="Make the change again",
                do=lambda: window.guarded(document.redo),
                keys=(
                    Key.Redo,
                    "Ctrl+Shift+Z",
                ),
                icon="redo",
                menu="&Edit",
                section=1,
                why_not=lambda: "" if document.can_redo else "Nothing has been taken back.",
                wording=redo_wording,
            ),
            Action(
                name="find_layer",
                text="&Search layers",
                help="Search the palette, as / does",
                do=self.find_layer,
                keys=("Ctrl+F",),
                icon="search",
                menu="&Add",
                section=1,
            ),
        )

    def _view_actions(self) -> tuple[Offer, ...]:
        window = self._window
        return (
            Submenu(menu="&View", section=1, make=lambda _menu: [window.minimap_menu]),
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
                name="show_palette",
                text="&Palette",
                help="Show or hide the layers on the left",
                do=self.show_palette,
                keys=("Ctrl+B",),
                menu="&View",
                section=2,
                on=lambda: not window.palette_panel.isHidden(),
            ),
            Action(
                name="show_inspector",
                text="I&nspector",
                help="Show or hide the settings on the right",
                do=self.show_inspector,
                keys=("Ctrl+I",),
                menu="&View",
                section=2,
                on=lambda: not window.side.isHidden(),
            ),
            Action(
                name="outline",
                text="Outlin&e",
                help="The network as a list, for the keyboard",
                do=self.show_outline,
                keys=("Ctrl+Shift+O",),
                icon="table",
                menu="&View",
                section=2,
            ),
            Action(
                name="problems",
                text="Pro&blems",
                help="What is wrong, with cures",
                do=self.show_problems,
                keys=("Ctrl+Shift+B",),
                icon="warning",
                menu="&View",
                section=2,
            ),
            Action(
                name="notice",
                text="Ans&wer the notice",
                help="Put the keyboard on the notice above the canvas",
                do=self.answer_notice,
                keys=("F6",),
                menu="&View",
                section=2,
            ),
            Action(
                name="reset_arrangement",
                text="&Reset arrangement",
                help="Put everything back in its place",
                do=window.reset_arrangement,
                keys=("Ctrl+Alt+0",),
                menu="&View",
                section=2,
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
                on=lambda: window.settings.theme == "system",
            ),
            Action(
                name="lecture",
                text="&Lecture mode",
                help="Large text, no side bars: for a projector",
                do=self.set_lecture,
                keys=("Ctrl+L",),
                menu="&View",
                section=3,
                on=lambda: theme.mode() is Mode.LECTURE,
            ),
            Action(
                name="full_screen",
                text="Full s&creen",
                help="The whole screen",
                do=lambda on: window.showFullScreen() if on else window.showNormal(),
                keys=(
                    Key.FullScreen,
                    "F11",
                ),
                menu="&View",
                section=3,
                on=window.isFullScreen,
            ),
        )

    def _help_actions(self) -> tuple[Offer, ...]:
        return (
            Action(
                name="command_palette",
                text="&Find anything…",
                help="Search every action",
                do=self.show_command_palette,
                keys=(
                    "Ctrl+K",
                    "Ctrl+Shift+P",
                ),
                icon="search",
                menu="&Help",
                section=1,
            ),
            Action(
                name="shortcuts",
                text="&Keyboard shortcuts",
                help="All keys on one page",
                do=self.show_shortcuts,
                keys=(
                    "F1",
                    "Ctrl+/",
                ),
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

    # ---- showing -------------------------------------------------------------------------------------------------

    def show_node(self, node: str) -> None:
        """Select a layer and bring it into view."""
        self._window.canvas.reveal(node)

    def show_minimap(self, mode: str) -> None:
        """Say when the map of the network is shown (see ``canvas.minimap.MODES``)."""
        self._window.settings.minimap = mode
        self._window.canvas.minimap.set_mode(mode)
        self._window.update_actions()

    def switch_minimap(self) -> None:
        """Show the map where it is hidden, hide it where it is shown."""
        self.show_minimap("always" if self._window.canvas.minimap.isHidden() else "never")

    def set_motion(self, on: bool) -> None:
        """Let cards and view glide to their places, or be there at once."""
        self._window.settings.motion = "system" if on else "never"
        motion.choose(self._window.settings.motion)

    def show_problems(self) -> None:
        """Everything that is wrong with the network, in its panel."""
        panel = self._window.docks.show_panel("problems") if self._window.docks is not None else None
        if panel is not None:
            panel.focus_first()

    def answer_notice(self) -> None:
        """Put the keyboard on the notice above the canvas."""
        if not self._window.notices.focus_first():
            self._window.message.say("There is no notice to answer.")

    def show_outline(self) -> None:
        """The network as a list, with the keyboard in it."""
        panel = self._window.docks.show_panel("outline") if self._window.docks is not None else None
        if panel is not None:
            panel.focus_first()

    def show_palette(self, shown: bool) -> None:
        """Show or hide the palette."""
        self._window.palette_panel.setVisible(shown)

    def show_inspector(self, shown: bool) -> None:
        """Show or hide the inspector."""
        self._window.side.setVisible(shown)

    def show_tab(self, key: str) -> None:
        """Bring a tab of the inspector to the front."""
        self._window.side.setVisible(True)
        if self._window.inspector is not None:
            self._window.inspector.show_tab(key)
        self._window.update_actions()

    def enter_tab(self, key: str) -> None:
        """Bring a tab of the inspector to the front, and the keyboard into its first field."""
        self.show_tab(key)
        if self._window.inspector is not None:
            self._window.inspector.enter(key)

    def use_dataset(self, kind: str) -> None:
        """Take another data set, as the Data tab does."""
        if self._window.inspector is not None:
            self._window.inspector.data.choose(kind)

    def edit_layer(self) -> None:
        """Put the keyboard into the first field of the selected layer."""
        self.show_tab("layer")
        if self._window.inspector is not None:
            self._window.inspector.enter("layer")

    def show_data(self) -> None:
        """Open the Data tab."""
        self.show_tab("data")

    def find_layer(self) -> None:
        """Put the cursor into the palette's search."""
        self._window.palette_panel.setVisible(True)
        self._window.palette_panel.focus_search()

    def show_welcome(self, at_start: bool) -> None:
        """Offer the samples."""
        if self._welcome is None:
            recent, background = self._window.settings.recent, self._window.background
            self._welcome = Welcome(self._window, at_start, recent, background)
            self._welcome.chosen.connect(self._on_sample_chosen)
            self._welcome.open_requested.connect(self._window.files.choose)
            self._welcome.new_requested.connect(self._window.files.new)
            self._welcome.recent_chosen.connect(self._window.files.open)
            self._welcome.destroyed.connect(self._on_welcome_gone)
        self._window.settings.welcome_seen = True
        self._welcome.show()
        self._welcome.raise_()

    def _on_welcome_gone(self) -> None:
        self._welcome = None

    def _on_sample_chosen(self, name: str, play: bool) -> None:
        self._window.files.open_sample(name, self._window.training.play_when_ready if play else None)

    def cure(self, cure: Cure) -> None:
        """Do what a finding offers."""
        if cure.action == "set_learning_rate":
            if self._set_learning_rate(cure.value):
                self._window.message.say(f"Learning rate {cure.value}")
        elif cure.action == "show_units":
            self.show_node(cure.value)
            if self._window.docks is not None:
                self._window.docks.show_panel("feature_maps")
        elif cure.action == "go_back":
            step, _, rate = cure.value.partition(" ")
            if len(step) < 16 and step.isdecimal() and self._set_learning_rate(rate):
                self._window.training.go_back(int(step))
                self._window.message.say(f"Back to step {step}, learning rate {rate}: press play to go on")
        elif cure.action == "restore_best":
            self._window.bridge.restore_best()
        elif cure.action == "show_help" and self._window.docks is not None:
            panel = self._window.docks.show_panel(cure.value or "findings")
            if panel is not None:
                panel.show_help()

    def _set_learning_rate(self, text: str) -> bool:
        """Whether it could be set; a cure may come out of a file, and hold anything."""
        project = self._window.document.project
        try:
            value = registry.optimizer(project.training.optimizer.kind).param("learning_rate").parse(float(text))
        except ValueError:
            return False
        except ParamError as error:
            self._window.message.say(error.message)
            return False
        self._window.apply(with_learning_rate(project, cast(float, value)))
        return True

    @property
    def palette(self) -> CommandPalette:
        """The search over everything; made when it is first wanted."""
        if self._palette is None:
            from nnviz.gui.window.command_entries import all_entries  # noqa: PLC0415 - the window opens before it is wanted
            from nnviz.gui.window.command_palette import CommandPalette  # noqa: PLC0415 - as above

            window = self._window
            self._palette = CommandPalette(
                window, lambda: all_entries(window.findable), window.settings, window.message.say
            )
        return self._palette

    @property
    def sheet(self) -> ShortcutSheet:
        """The page of all keys; made when it is first wanted."""
        if self._sheet is None:
            from nnviz.gui.window.shortcut_sheet import ShortcutSheet  # noqa: PLC0415 - as above
            from nnviz.gui.window.shortcut_table import shortcut_groups  # noqa: PLC0415 - as above

            window = self._window
            self._sheet = ShortcutSheet(window, lambda: shortcut_groups(window.findable))
        return self._sheet

    @property
    def details(self) -> ProjectDetails:
        """Name and note of the project; made when it is first wanted."""
        if self._details is None:
            from nnviz.gui.window.project_details import ProjectDetails  # noqa: PLC0415 - as above

            self._details = ProjectDetails(self._window, self._window.document, self._window.apply)
        return self._details

    def show_details(self) -> None:
        """Edit name and note; again to close."""
        self.details.toggle()

    def use_instrument(self, command: str) -> None:
        """Do something with the instrument that was used last."""
        docks = self._window.docks
        if docks is not None:
            docks.actions[docks.current].action(command).trigger()

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

    def show_about(self) -> None:
        """Version and licences."""
        self._show_text(
            "About nnviz",
            f"<h3>nnviz {__version__}</h3><p>Click a neural network together, train it, and watch every part of it "
            "work.</p><p>MIT licence. Made with PyTorch, Qt for Python (LGPL) and pyqtgraph; the Inter typeface is "
            "under the SIL Open Font Licence.</p>",
        )

    def _show_text(self, title: str, text: str) -> None:
        from nnviz.gui.parts.pages import TextPage  # noqa: PLC0415 - opened by hand

        page = TextPage(title, text, self._window)
        page.show()

    def open_log(self) -> None:
        """Show the log in the desktop's own viewer."""
        path = log_file()
        if not path.exists():
            self._window.message.say("Nothing has gone wrong: the log is empty.")
        elif not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
            self._window.message.say(f"The log is {path}")

    # ---- looks and files -----------------------------------------------------------------------------------------

    def switch_theme(self) -> None:
        """Dark becomes light and light dark."""
        name = "light" if theme.current().dark else "dark"
        self._window.settings.theme = name
        theme.set_theme(name)

    def follow_system_theme(self, on: bool) -> None:
        """Take the desktop's choice, or stay with what is shown."""
        self._window.settings.theme = "system" if on else theme.current().name
        theme.set_theme(self._window.settings.theme)

    def set_lecture(self, on: bool) -> None:
        """Large text and no side bars."""
        theme.set_mode(Mode.LECTURE if on else Mode.DESK)

    def save_run(self) -> None:
        """Ask where to keep the run on the screen."""
        name = f"{self._window.document.project.name}{RUN_SUFFIX}"
        chosen, _ = QFileDialog.getSaveFileName(
            self._window, "Save run", str(self._window.settings.folder / name), f"Runs (*{RUN_SUFFIX})"
        )
        if chosen:
            target = Path(chosen)
            if target.suffix.lower() != RUN_SUFFIX:
                # It was not asked whether what has the longer name may be replaced.
                target = next(free_paths(target.with_name(target.name + RUN_SUFFIX)))
            self._window.recorder.save_as(self._window.training.run, self._window.replay.path, target)
