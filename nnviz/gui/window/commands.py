"""What the actions of the window do, beyond what canvas, files and training do by themselves."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec
from PySide6.QtCore import QObject, QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog

from nnviz import __version__
from nnviz.errors import ParamError
from nnviz.gui.look import motion, theme
from nnviz.gui.parts.action_table import COLOURS
from nnviz.gui.runs.standing import with_learning_rate
from nnviz.gui.welcome.welcome import Welcome
from nnviz.gui.window.files import RUN_SUFFIX
from nnviz.gui.window.notices import log_file
from nnviz.project import registry
from nnviz.project.drawing.alignment import Alignment, Direction
from nnviz.project.edits import SetView
from nnviz.record.places import free_paths
from nnviz.record.samples import Cure

if TYPE_CHECKING:
    from nnviz.gui.window.command_palette import CommandPalette
    from nnviz.gui.window.project_details import ProjectDetails
    from nnviz.gui.window.shortcut_sheet import ShortcutSheet
    from nnviz.gui.window.window import MainWindow


class Commands(QObject):
    """One method an action; the keys of :meth:`handlers` are the names in ``actions.MENUS``."""

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

    def handlers(self) -> dict[str, Callable[..., object]]:
        """What each action calls."""
        return {
            "new": self._window.files.new,
            "samples": lambda: self.show_welcome(at_start=False),
            "open": self._window.files.choose,
            "save": self._window.files.save,
            "save_as": self._window.files.save_as,
            "save_run": self.save_run,
            "details": self.show_details,
            "quit": self._window.close,
            "undo": lambda: self._window.guarded(self._window.document.undo),
            "redo": lambda: self._window.guarded(self._window.document.redo),
            "cut": self._window.canvas.editing.cut,
            "copy": self._window.canvas.editing.copy,
            "paste": self._window.canvas.editing.paste,
            "duplicate": self._window.canvas.editing.duplicate,
            "delete": self._window.canvas.delete_selection,
            "select_all": self._window.canvas.select_all,
            "group": self._window.canvas.groups.group_selected,
            "ungroup": self._window.canvas.groups.ungroup_selected,
            "fold": self._window.canvas.groups.toggle_selected,
            "bypass": self._window.canvas.groups.bypass_selected,
            "enter_group": self._window.canvas.groups.enter_selected,
            "leave_group": self._window.canvas.groups.leave,
            "fold_all": lambda: self._window.canvas.groups.set_all(fold=True),
            "unfold_all": lambda: self._window.canvas.groups.set_all(fold=False),
            "rename": self._window.canvas.rename_selected,
            "connect": self._connect_by_keyboard,
            "arrange": self._window.canvas.arrange,
            "quick_add": self._add_at_mouse,
            "notice": self.answer_notice,
            "note": self._window.canvas.notes.add,
            "arrow": self._window.canvas.notes.arm,
            **{f"colour_{colour}": partial(self._window.canvas.notes.colour, colour) for colour, _, _ in COLOURS},
            **{f"align_{line.value}": partial(self._window.canvas.editing.align, line) for line in Alignment},
            **{f"distribute_{way.value}": partial(self._window.canvas.editing.distribute, way) for way in Direction},
            "find_layer": self.find_layer,
            "zoom_in": self._window.canvas.zoom_in,
            "zoom_out": self._window.canvas.zoom_out,
            "zoom_reset": self._window.canvas.zoom_reset,
            "fit": self._window.canvas.fit_or_all,
            "zoom_selection": self._window.canvas.zoom_to_selection,
            "minimap": self.switch_minimap,
            "motion": self.set_motion,
            "show_palette": self.show_palette,
            "show_inspector": self.show_inspector,
            "reset_arrangement": self._window.reset_arrangement,
            "switch_theme": self.switch_theme,
            "system_theme": self.follow_system_theme,
            "lecture": self.set_lecture,
            "full_screen": lambda on: self._window.showFullScreen() if on else self._window.showNormal(),
            "copy_picture": lambda: self.use_instrument("copy"),
            "save_picture": lambda: self.use_instrument("png"),
            "save_numbers": lambda: self.use_instrument("csv"),
            "read_instrument": lambda: self.use_instrument("help"),
            "play": self._window.training.toggle,
            "step": self._window.training.step,
            "step_back": self._window.training.step_back,
            "reset": self._window.training.reset,
            "evaluate_test": self._window.training.evaluate_test,
            "live": lambda: self._window.feed.set_step(None),
            "previous_sample": lambda: self.pin_by(-1),
            "next_sample": lambda: self.pin_by(1),
            "random_sample": self.pin_any,
            "command_palette": self.show_command_palette,
            "shortcuts": self.show_shortcuts,
            "log": self.open_log,
            "outline": self.show_outline,
            "problems": self.show_problems,
            "about": self.show_about,
        }

    # ---- network and data ----------------------------------------------------------------------------------------

    def pin_by(self, difference: int) -> None:
        """Pin the sample so many places on, round and round."""
        count = self._window.training.standing.validation_count or self._window.training.standing.train_count
        if count:
            self._pin((self._window.document.project.view.pinned_sample + difference) % count)

    def pin_any(self) -> None:
        """Pin any sample."""
        count = self._window.training.standing.validation_count or self._window.training.standing.train_count
        if count:
            self._pin(random.randrange(count))  # noqa: S311 - nothing depends on who can guess it

    def _pin(self, index: int) -> None:
        view = msgspec.structs.replace(self._window.document.project.view, pinned_sample=index)
        self._window.apply(SetView(view, gesture="pin"))

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

    def _add_at_mouse(self) -> None:
        self._window.canvas.setFocus()
        self._window.canvas.quick_add.open()

    def _connect_by_keyboard(self) -> None:
        self._window.canvas.setFocus()
        self._window.canvas.start_wire_by_keyboard()

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
            self._palette = CommandPalette(window, lambda: all_entries(window), window.settings, window.message.say)
        return self._palette

    @property
    def sheet(self) -> ShortcutSheet:
        """The page of all keys; made when it is first wanted."""
        if self._sheet is None:
            from nnviz.gui.window.shortcut_sheet import ShortcutSheet  # noqa: PLC0415 - as above
            from nnviz.gui.window.shortcut_table import shortcut_groups  # noqa: PLC0415 - as above

            window = self._window
            self._sheet = ShortcutSheet(window, lambda: shortcut_groups(window))
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

    def use_instrument(self, deed: str) -> None:
        """Do something with the instrument that was used last."""
        docks = self._window.docks
        if docks is not None:
            docks.actions[docks.current].action(deed).trigger()

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
        self._window.actions_by_name["lecture"].setChecked(on)
        for name, widget in (("show_palette", self._window.palette_panel), ("show_inspector", self._window.side)):
            widget.setVisible(not on)
            self._window.actions_by_name[name].setChecked(not on)
        theme.set_text_scale(theme.LECTURE_SCALE if on else 1.0)
        # From the last row of a hall nobody reads smaller letters.
        self._window.canvas.set_legible_zoom(1.0 if on else 0.0)
        if self._window.docks is not None:
            self._window.docks.make_room(on)
            self._window.docks.rebuild()
            self._window.docks.spread()
        QTimer.singleShot(0, self._window.canvas.fit)

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
