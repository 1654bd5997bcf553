"""The main window: puts the regions together and lets them know of each other. It holds no rule of the domain."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent, QShowEvent
from PySide6.QtWidgets import QMainWindow, QWidget

from nnviz import interruption
from nnviz.errors import NnvizError
from nnviz.gui.canvas.cards.facts import ON_CARDS
from nnviz.gui.explain.flow_on_canvas import FlowOnCanvas
from nnviz.gui.lecture.lecture import Lecture
from nnviz.gui.look import icons, theme
from nnviz.gui.look.mode import Mode
from nnviz.gui.parts.action import Offer
from nnviz.gui.parts.background import Background
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.parts.settings import Settings
from nnviz.gui.parts.soon import soon
from nnviz.gui.runs.continuing import Continuing
from nnviz.gui.runs.interests import OF_THE_SELECTED, Interests
from nnviz.gui.runs.kept_runs import KeptRuns
from nnviz.gui.runs.pinning import Pinning
from nnviz.gui.runs.races import Races
from nnviz.gui.runs.recording import Recorder
from nnviz.gui.runs.run_feed import RunFeed
from nnviz.gui.runs.session_bridge import SessionBridge
from nnviz.gui.runs.shown_network import ShownNetwork
from nnviz.gui.runs.training import Training
from nnviz.gui.runs.training_actions import training_actions
from nnviz.gui.runs.workspace import Workspace
from nnviz.gui.window.actions import keys_of, make_actions, make_menus, restrict_keys, update_actions
from nnviz.gui.window.arrangement import Arrangement
from nnviz.gui.window.command_entries import Findable
from nnviz.gui.window.covering_pages import CoveringPages
from nnviz.gui.window.cures import Cures
from nnviz.gui.window.file_actions import file_actions, history_actions
from nnviz.gui.window.file_drops import accept_files, drop_files
from nnviz.gui.window.files import Files
from nnviz.gui.window.fix_trials import FixTrials
from nnviz.gui.window.frame import Frame
from nnviz.gui.window.guidance import Guidance, obstacle
from nnviz.gui.window.keyboard_place import KeyboardPlace
from nnviz.gui.window.late_parts import LateParts
from nnviz.gui.window.looks import Looks
from nnviz.gui.window.notices import ExceptionNet
from nnviz.gui.window.overlays import Overlays
from nnviz.gui.window.predictions import Predictions
from nnviz.gui.window.project_title import window_title
from nnviz.gui.window.regions import Regions
from nnviz.gui.window.replay import Replay
from nnviz.gui.window.safety import Safety
from nnviz.gui.window.spacetap import SpaceTap
from nnviz.gui.window.timeline import Timeline
from nnviz.gui.window.topbar import TopBar
from nnviz.project.document import Document
from nnviz.project.edits import Edit
from nnviz.project.model import Project
from nnviz.project.shown_document import ShownDocument
from nnviz.record.interest import NOTHING, Interest
from nnviz.record.quantities import LOSS
from nnviz.record.run import Run
from nnviz.train.sub_steps import SubStep
from nnviz.train.workbench import State

if TYPE_CHECKING:
    from nnviz.gui.inspector import Inspector
    from nnviz.gui.window.docks import Docks

_log = logging.getLogger(__name__)


class MainWindow(QMainWindow):
    """One document, one training, and everything that shows them.

    Attributes:
        document: What the user works on, also while a run from a file is shown in front of it.
        shown_document: What the views show.

    Args:
        document: What is open.
        run_path: A run to replay instead of training.
        data_dir: Where data sets are looked for first.
        settings: What is remembered; the user's own by default.
        welcome: Whether to offer the samples at the first start.
    """

    #: The instruments are there, and so is everything else.
    completed = Signal()

    def __init__(
        self,
        document: Document,
        run_path: Path | None = None,
        data_dir: Path | None = None,
        settings: Settings | None = None,
        welcome: bool = False,
    ) -> None:
        super().__init__()
        self.document = document
        self.shown_document = ShownDocument(document)
        self.settings = settings or Settings()
        self._run_path = run_path
        self._welcome_wanted = welcome
        self._shown = False
        self._finished = False
        self._may_close = False
        #: What the program returns when this window has closed.
        self.exit_status = 0
        self.setWindowTitle("nnviz[*]")
        self.setAcceptDrops(True)
        self.setDockNestingEnabled(True)
        self.setAnimated(False)

        self.net = ExceptionNet(self)
        self.background = Background(self)
        self.feed = RunFeed(self)
        self.bridge = SessionBridge(self)
        self.recorder = Recorder(self.background, self)
        self.training = Training(
            self.shown_document, self.bridge, self.feed, self.background, data_dir, self.recorder.store, self
        )
        self.shown_network = ShownNetwork(self.training, self._path_of, self)
        self.kept_runs = KeptRuns(self.training, self.background, self._path_of, self)
        #: Variations of the network that train beside each other.
        self.races = Races(self.training, self.kept_runs, self)
        self.kept_runs.of_race = self.races.run_at
        #: Recorded runs that are gone on with.
        self.continuing = Continuing(self.training, self.recorder, self.background, self)
        self.interests = Interests(document, self)
        self.files = Files(document, self.background, self.settings, self)
        self.files.run_of = self._trained_run
        self.training.path_of = self.recorder.path_of
        #: Where everything stands.
        self.frame = Frame(self, self.shown_document, self.feed)
        self._take_frame(self.frame)
        self.safety = Safety(document, self.files, self.background, self.notices, self)
        #: What panels, tabs and editors may know.
        self.workspace = Workspace(
            self.shown_document,
            self.training,
            self.feed,
            self.shown_network,
            self.files,
            self.kept_runs,
            self.settings,
            self.background,
            self.apply,
            self.message.say,
        )
        #: Which examples are pinned.
        self.pinning = Pinning(self.shown_document, self.feed, self.apply, self)
        #: Forward or backward on the canvas, and one step in five parts.
        self.flow = FlowOnCanvas(self.workspace, self.canvas, self)
        self.looks = Looks(self.settings, self.canvas.minimap, self)
        self.overlays = Overlays(self.workspace, self.files, lambda: self.findable, self, lambda: self.top_bar)
        #: What can lie over the canvas: all examples, runs beside each other, a race.
        self.pages = CoveringPages(self, self.workspace, self.races, self.frame.between_head_and_foot, self.canvas)
        self.data_room, self.compare_room, self.race_room = self.pages.data, self.pages.compare, self.pages.race
        self.cures = Cures(self.workspace, self.bridge, self.regions)
        self.predictions = Predictions(self.workspace, self.notices, self)
        self.offered = self._offers()
        self.actions_by_name = make_actions(self, self.offered)
        self.flow.bar.bind(self.actions_by_name)
        self.flow.band.bind(self.actions_by_name["sub_step"])
        #: The page for a hall, over everything.
        self.lecture = Lecture(self, self.workspace, self.canvas, self.interests, self.actions_by_name)
        self.race_room.lecture = lambda: self.lecture.page
        self.lecture.changed.connect(self.race_room.follow_lecture)
        self.lecture.number = lambda: (
            (self.docks.explained, self.docks.is_explained_large) if self.docks is not None else (None, False)
        )
        self.lecture.cure_requested.connect(self.cures.cure)
        self.message.said.connect(self.lecture.say)
        self.notices.told.connect(self.lecture.say)
        self._build_bars()
        self._build_menus()
        self.guidance = Guidance(
            document, self.training, self.bridge, self.notices, self.apply, self.regions.show_node, self
        )
        self.guidance.problems_requested.connect(self.regions.show_problems)
        self.guidance.own_data_requested.connect(self.regions.choose_own_data)
        self.timeline.problems_requested.connect(self.regions.show_problems)
        self.fix_trials = FixTrials(document, self)
        self.replay = Replay(
            self.training,
            self.files,
            self.background,
            self.notices,
            self.guidance,
            self.canvas,
            self.kept_runs,
            self,
        )
        self.replay.continue_requested.connect(self.continue_run)
        self.files.run_opened.connect(self.replay.show)
        self.files.replaced.connect(self.replay.stop)
        self._connect()
        restrict_keys(self, self.canvas, self.actions_by_name, self.offered)
        self._space = SpaceTap(self.canvas, self.actions_by_name["play"].trigger)
        self.centre.attach(self.workspace, self.actions_by_name["play"].trigger)
        self._keyboard = KeyboardPlace(self, self.canvas)
        self.arrangement.restore()
        self.update_actions()
        self._update_title()

    @property
    def inspector(self) -> Inspector | None:
        """The settings at the right; None until they are there."""
        return self.regions.inspector

    @property
    def docks(self) -> Docks | None:
        """The instruments; None until they are there."""
        return self.regions.docks

    @property
    def side(self) -> QWidget:
        """What stands at the right: the inspector, or until it is there what keeps its place."""
        return self.regions.side

    # ---- building ------------------------------------------------------------------------------------------------

    def _offers(self) -> tuple[Offer, ...]:
        """Everything that can be done: what the rooms contribute, in the order in which it stands in the menus."""
        return (
            *self.canvas.offers,
            *file_actions(
                self.workspace,
                self.files,
                self.recorder,
                lambda: self.replay.path,
                lambda: self.overlays.show_welcome(at_start=False),
                self.overlays.show_details,
                self,
            ),
            self.predictions.action(),
            *history_actions(self.shown_document, self.guarded),
            *self.looks.actions(),
            *self.centre.offers(),
            *self.data_room.actions(),
            *self.compare_room.actions(),
            *self.regions.actions(self.arrangement.reset),
            *self.overlays.actions(),
            *training_actions(self.training, self.apply, self.pinning),
            *self.race_room.actions(),
            *self.flow.actions(),
        )

    def _on_pins(self) -> None:
        self.canvas.canvas_scene.pins.show_examples(self.pinning.examples())
        self.update_actions()

    def _take_frame(self, frame: Frame) -> None:
        """Everybody here may speak to what stands in the frame."""
        self.palette_panel, self.canvas, self.centre = frame.palette, frame.canvas, frame.centre
        self.notices, self.message = frame.notices, frame.message
        self.canvas.editing.recent = self.settings.recent_layers
        self.regions = Regions(
            self.canvas, self.palette_panel, frame.side, self.centre, self.notices, self.message.say, self
        )
        self.arrangement = Arrangement(self, frame.splitter, self.regions, self.settings)

    def _build_bars(self) -> None:
        head, self.menu_bar = self.frame.make_head()
        self.top_bar = TopBar(self.shown_document, self.training, self.actions_by_name, self.apply, head)
        self.frame.put_head(head, self.top_bar)
        self.timeline = Timeline(self.training, self.feed, self)
        self.frame.put_foot(self.timeline)

    def _build_menus(self) -> None:
        make_menus(self.menu_bar, self.actions_by_name, self.offered)
        #: What the command palette and the shortcut sheet read.
        self.findable = Findable(
            workspace=self.workspace,
            offered=self.offered,
            actions=self.actions_by_name,
            minimap=self.looks.minimap_menu,
            docks=lambda: self.docks,
            inspector=lambda: self.inspector,
            kept=lambda: self.recorder.kept,
            show_node=self.regions.show_node,
            enter_tab=self.regions.enter_tab,
            use_dataset=self.regions.use_dataset,
            add_layer=self.palette_panel.add_requested.emit,
        )

    def _connect(self) -> None:
        document, training = self.document, self.training
        follow(self.shown_document.changed, self._on_document_changed)
        follow(document.saved, self._on_saved)
        self.looks.changed.connect(self.update_actions)
        self.centre.changed.connect(self._on_centre)
        self.regions.changed.connect(self.update_actions)
        self.pages.on_changed(self.update_actions)
        self.races.failed.connect(self.message.say)
        self.races.changed.connect(self.update_actions)
        self.races.changed.connect(self.top_bar.refresh)
        self.replay.race_requested.connect(self.race_room.show)
        self.races.show_requested.connect(self.replay.show)
        self.interests.changed.connect(self.races.look_at)
        self.compare_room.interest_changed.connect(self.interests.contribute)
        training.changed.connect(self.update_actions)
        training.moved.connect(self._on_moved)
        training.began.connect(self.recorder.begin)
        training.ended.connect(self.recorder.end)
        training.ended.connect(lambda _run: self.top_bar.refresh())
        self.bridge.refused.connect(self.message.say)
        self.recorder.failed.connect(lambda text: self.guidance.tell_error(text, ""))
        self.recorder.mended.connect(self.guidance.take_back)
        self.recorder.message.connect(self.message.say)
        self.recorder.changed.connect(self.kept_runs.expire)
        self.kept_runs.attach()
        self.kept_runs.failed.connect(lambda text: self.guidance.tell_error(text, ""))
        self.kept_runs.message.connect(self.message.say)
        self.kept_runs.deleted.connect(self._on_deleted)
        self.kept_runs.continue_requested.connect(self.continue_run)
        self.continuing.declined.connect(self.guidance.tell_declined)
        self.continuing.later_found.connect(
            lambda path: self.guidance.tell_later(path, partial(self.continue_run, path))
        )
        follow(document.saved, self._on_training_saved)
        self.continuing.message.connect(self.message.say)
        self.bridge.told.connect(self.guidance.tell_beginning)
        self.shown_network.remarked.connect(self.guidance.tell_other_state)
        training.more_requested.connect(self.guidance.tell_more)
        self.files.replaced.connect(lambda: self.continuing.expect_named(document.path))
        self.files.replaced.connect(self.kept_runs.end_comparison)
        self.files.failed.connect(self.guidance.tell_error)
        self.files.failed.connect(self._on_file_failed)
        self.files.message.connect(self.message.say)
        self.files.replaced.connect(self._on_replaced)
        self.canvas.selection_changed.connect(self._on_selection)
        self.canvas.message.connect(self.message.say)
        self.canvas.canvas_scene.pin_chosen.connect(self.pinning.choose)
        self.pinning.changed.connect(self._on_pins)
        self.notices.covered.connect(self.flow.cover)
        self.notices.covered.connect(self.centre.cover)
        self.flow.changed.connect(self.update_actions)
        self.flow.cards_wanted.connect(self._show_cards)
        self.flow.looking_changed.connect(self.lecture.show_looking)
        self.flow.update_changed.connect(self.lecture.show_update)
        self.lecture.chosen.connect(self.flow.write_out)
        self.lecture.forward_wanted.connect(self.flow.leave)
        self.lecture.part_wanted.connect(lambda part: self.flow.to_part(SubStep(part)))
        self.canvas.search_requested.connect(self.regions.find_layer)
        self.interests.changed.connect(self.training.look)
        self.canvas.visible_changed.connect(self._on_visible)
        self._on_visible(None)
        self.canvas.node_activated.connect(lambda _node: self.regions.edit_layer())
        self.palette_panel.add_requested.connect(self.canvas.desk.add_layer)
        self.palette_panel.left.connect(self.canvas.setFocus)
        self.top_bar.data_requested.connect(self.regions.show_data)
        self.top_bar.left.connect(self.canvas.setFocus)
        self.top_bar.message.connect(self.message.say)
        self.feed.step_changed.connect(lambda _step: self.update_actions())
        self.feed.ticked.connect(self._on_ticked)
        follow(theme.notifier.changed, self._on_theme)
        follow(theme.notifier.mode_changed, self._on_mode)
        # Emitted from any thread; the notice belongs to this one.
        self.net.caught.connect(self.guidance.tell_exception, Qt.ConnectionType.QueuedConnection)
        self.safety.message.connect(self.message.say)
        self.net.interrupted.connect(self.end, Qt.ConnectionType.QueuedConnection)

    def _path_of(self, run: Run) -> Path | None:
        """The file of a run that is trained in this window."""
        return self.recorder.path_of(run) or self.races.path_of(run)

    # ---- coming to life ------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Once it is on the screen, the slow parts follow: instruments, then torch on its thread."""
        super().showEvent(event)
        if not self._shown:
            self._shown = True
            self.arrangement.adapt()
            self.frame.keep_place_of_instruments()
            soon(self._come_to_life)

    def _come_to_life(self) -> None:
        if self._finished:
            return
        if self._run_path is None:  # a run is replayed without torch
            self.bridge.start()
            self.continuing.expect_named(self.document.path)
            self.training.start()
        self._create_late_parts()
        self.recorder.look()
        if self._run_path is not None:
            self.training.start_idle()
            self.files.load(self._run_path)
        self.canvas.camera.fit()
        self.canvas.setFocus()
        if self._welcome_wanted and not self.settings.welcome_seen:
            self.overlays.show_welcome(at_start=True)
        self.completed.emit()

    def _create_late_parts(self) -> None:
        late = LateParts(self.frame, self.regions, self.workspace, self)
        late.message.connect(self.message.say)
        late.failed.connect(lambda sentence: self.guidance.tell_error(sentence, ""))
        late.left.connect(self.canvas.setFocus)
        late.node_requested.connect(self.regions.show_node)
        late.cure_requested.connect(self.cures.cure)
        late.download_requested.connect(self._download)
        late.examples_requested.connect(self.data_room.show)
        late.interest_changed.connect(self.interests.contribute)
        late.explained_large.connect(self.centre.show_cards_meanwhile)
        late.explained_large.connect(self.regions.explain_beside)
        late.make_inspector()
        docks = late.make_docks(self.menu_bar)
        self.update_actions()
        self.centre.number_requested.connect(docks.explain)
        self.flow.changed.connect(lambda: docks.explain_backward(self.flow.backward))
        docks.explain_backward(self.flow.backward)
        for key, panel in docks.made.items():
            self.interests.contribute(key, panel.interest)
        docks.row.spread()
        self.arrangement.restore_docks()

    # ---- edits ---------------------------------------------------------------------------------------------------

    def apply(self, edit: Edit) -> None:
        """Change the document; a refusal is said, not raised."""
        self.guarded(lambda: self.shown_document.apply(edit))

    def guarded(self, work: Callable[[], object]) -> None:
        """Do something that may be refused; the refusal is said, not raised."""
        try:
            work()
        except NnvizError as error:
            self.message.say(sentence_of(error))

    def _download(self) -> None:
        """Fetch the data of the document."""
        if self.shown_document.read_only:
            self.message.say(self.shown_document.read_only)
        else:
            self.guidance.download()

    # ---- files ---------------------------------------------------------------------------------------------------

    def _on_training_saved(self, _path: object) -> None:
        """A file that names what was trained now is not asked any more about what was trained before."""
        if self.training.workbench.trained and self.kept_runs.live_path is not None:
            self.notices.dismiss("later")

    def _on_file_failed(self) -> None:
        """The run with which the window was to begin is none: it begins with the document."""
        training = self.training
        if self._finished or self._run_path is None or training.started or training.replay is not None:
            return
        if training.workbench.state is not State.EMPTY:  # there is a session, or one is on its way
            return
        training.start()

    def _on_replaced(self) -> None:
        self.notices.dismiss("file")
        self.notices.dismiss("failure")
        for key in ("declined", "later", "warm", "more"):
            self.notices.dismiss(key)
        self.canvas.camera.fit()
        self.centre.choose_for_network()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Project and run files are welcome everywhere."""
        accept_files(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped, or say why not."""
        drop_files(event, self.files.open, self._use_data_file, self.message.say)

    def _on_deleted(self, paths: tuple[Path, ...], words: str) -> None:
        self.guidance.tell_deleted(words, len(paths), lambda: self.kept_runs.restore(paths))

    def continue_run(self, path: Path) -> None:
        """Go on with a recorded run as the training of the document."""
        self.continuing.continue_run(path, self.files.ask_unsaved, self.files.take_project, self.replay.back)

    def _trained_run(self) -> Callable[[], Path | None] | None:
        """Finds, on another thread, the file of what was trained with the document; None where nothing was."""
        run = self.training.workbench.run
        return self.recorder.finder(run) if run is not None and self.training.workbench.trained else None

    def _use_data_file(self, path: Path) -> None:
        """Data that were dropped: the document's, unless it cannot be changed now."""
        if self.shown_document.read_only:
            self.message.say(self.shown_document.read_only)
        else:
            self.regions.use_data_file(path)

    # ---- following -----------------------------------------------------------------------------------------------

    def _on_document_changed(self, before: Project, after: Project, edit: object) -> None:
        self.update_actions()
        self._update_title()

    def _on_moved(self, _standing: object) -> None:
        trained = self.training.trained
        if trained != self.actions_by_name["save_run"].isEnabled():
            self.update_actions()

    def _on_saved(self, _path: object) -> None:
        self._update_title()

    def _on_selection(self, nodes: list[str]) -> None:
        node = nodes[0] if len(nodes) == 1 else ""
        closely = frozenset({node} if node else ())
        self.interests.contribute("selection", Interest(OF_THE_SELECTED if node else frozenset(), closely, closely))
        self.regions.set_selection(nodes, node)
        self.compare_room.set_selection(node)
        self.update_actions()

    def _on_visible(self, nodes: frozenset[str] | None) -> None:
        behind = self.centre.neurons_shown
        self.interests.contribute("canvas", NOTHING if behind else Interest(ON_CARDS, nodes))

    def _on_centre(self) -> None:
        """Cards behind the neurons measure nothing, and nothing flows back on them."""
        if self.centre.neurons_shown and (self.flow.backward or self.flow.part is not None):
            self.flow.leave()
        self._on_visible(self.canvas.visible_nodes())
        self.update_actions()

    def _show_cards(self) -> None:
        """Something is shown on the cards; a lecture has cards of its own, and moves nothing behind it."""
        if self.lecture.page is None:
            self.centre.show_neurons(False)

    def _on_ticked(self, changed: frozenset[str]) -> None:
        if LOSS.series("test") in changed:
            self.top_bar.refresh()

    def _on_theme(self) -> None:
        if self._finished:
            return
        self.frame.fit_foot(self.timeline)
        self.arrangement.follow_letters()
        icons.bind(self.actions_by_name["switch_theme"], "sun" if theme.current().dark else "moon", "text_muted")
        self.update_actions()

    def _on_mode(self) -> None:
        if self._finished:
            return
        self.update_actions()

    def update_actions(self) -> None:
        """Bring every action in line with what can be done now."""
        if self._finished:
            return
        update_actions(self.actions_by_name, self.offered)
        self.looks.tick_minimap()
        words = obstacle(self.training, partial(keys_of, self.actions_by_name))
        self.lecture.set_obstacle(words)
        if self.docks is not None:
            self.docks.set_obstacle(words)

    def _update_title(self) -> None:
        self.setWindowTitle(window_title(self.document, self.replay.path))
        self.setWindowModified(self.document.is_modified)

    # ---- the end -------------------------------------------------------------------------------------------------

    def changeEvent(self, event: QEvent) -> None:
        """Full screen may also be left by the desktop."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange and hasattr(self, "actions_by_name"):
            self.actions_by_name["full_screen"].setChecked(self.isFullScreen())

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask about unsaved changes, then end everything within a few seconds."""
        if self._finished:
            event.accept()
            return
        if self.document.is_modified and not self._may_close:
            event.ignore()

            def leave() -> None:
                self._may_close = True
                self.close()

            self.files.ask_unsaved(leave)
            return
        event.accept()
        self.finish()

    def end(self) -> None:
        """Close because the program was asked to end from outside: nobody is asked, unsaved work is offered again."""
        self.exit_status = interruption.STATUS
        self._may_close = True
        self.close()

    def finish(self, patience: float = 3.0) -> None:
        """End timers, threads and files; the window cannot be used afterwards.

        Args:
            patience: Seconds that the training thread may take to end.
        """
        if self._finished:
            return
        self._finished = True
        self.arrangement.keep()
        self.settings.recent_layers = self.canvas.editing.recent
        self.settings.sync()
        self.hide()
        self.replay.close()
        self.fix_trials.stop()
        self.feed.stop()
        self.flow.stop()
        self.data_room.stop()
        self.kept_runs.stop()
        self.predictions.stop()
        self.training.stop()
        if not self.races.close(patience):
            _log.warning("The thread of the race did not end in time.")
        if not self.bridge.close(patience):
            _log.warning("The training thread did not end in time.")
        self.background.close(3.0)
        self.shown_network.close(3.0)
        self.safety.close(keep=self.exit_status != 0 and self.document.is_modified)
        self.recorder.close()
        self.net.remove()
        self._keyboard.stop()
        self.lecture.close()
        theme.set_mode(Mode.DESK)

    def action(self, name: str) -> QAction:
        """One of the window's actions."""
        return self.actions_by_name[name]


__all__ = ["MainWindow"]
