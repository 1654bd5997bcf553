"""Which actions can be used now and what they say; the menus that change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu

from nnviz.gui.look import motion, theme
from nnviz.gui.parts.action_table import literal
from nnviz.gui.parts.plain_text import plain_tip
from nnviz.gui.window.actions import describe
from nnviz.project.checks.validate import problems_that_stop

if TYPE_CHECKING:
    from nnviz.gui.window.window import MainWindow

#: Runs that the menu names; any other is opened by its file.
_MOST_RUNS_SHOWN = 30


def update_actions(window: MainWindow) -> None:
    """Bring every action in line with document, training and window."""
    action, training, document = window.actions_by_name, window.training, window.document
    state, reason = training.state, training.blocked()
    ready = state in {"ready", "running", "paused", "done"}
    running = state == "running"
    waiting = "" if ready else f"The network is being prepared ({training.status()})."
    words = "Pause" if running else "Play"
    if window.docks is not None:
        window.docks.set_obstacle(_obstacle(window, reason))
    action["play"].setText(f"&{words}")
    help = reason or waiting or ("Pause after this batch" if running else _play_help(window, state))
    describe(action["play"], help)
    _allow(action["play"], running or not (reason or waiting), reason or waiting)
    describe(action["step"], reason or waiting or "Train one batch")
    step = not (reason or waiting) and not running and state != "done"
    _allow(action["step"], step, reason or waiting or ("Pause first." if running else "All epochs are done."))
    _allow(action["step_back"], ready and not running and training.standing.step > 0, "No batch can be taken back now.")
    stopped = problems_that_stop(document.diagnostics)
    describe(action["reset"], reason if stopped and reason else "Begin again with untrained weights")
    _allow(action["reset"], not stopped and not (reason and state == "idle"), reason)
    _allow(action["evaluate_test"], ready, waiting)
    _allow(action["live"], not window.feed.live, "The newest values are shown already.")
    _allow(action["save_run"], training.trained, "Nothing has been trained yet.")
    _allow(action["undo"], document.can_undo, "There is nothing to take back.")
    action["undo"].setText(f"&Undo {literal(document.undo_title)}" if document.can_undo else "&Undo")
    _allow(action["redo"], document.can_redo, "Nothing has been taken back.")
    action["redo"].setText(f"&Redo {literal(document.redo_title)}" if document.can_redo else "&Redo")
    action["show_palette"].setChecked(not window.palette_panel.isHidden())
    action["show_inspector"].setChecked(not window.side.isHidden())
    for choice in window.minimap_menu.actions():
        choice.setChecked(choice.data() == window.canvas.minimap.mode)
    action["motion"].setChecked(motion.choice() != "never")
    action["system_theme"].setChecked(window.settings.theme == "system")


def _obstacle(window: MainWindow, reason: str) -> str:
    """What to do before the network can be trained, for instruments that have nothing to show yet."""
    if not window.document.project.graph.nodes:
        return f"Draw a network first: take a layer from the left, or open a sample ({_keys(window, 'samples')})."
    count = len(problems_that_stop(window.document.diagnostics))
    if count and reason:
        words = "the problem" if count == 1 else f"the {count} problems"
        return f"Mend {words} first: the instrument Problems ({_keys(window, 'problems')}) has the cures."
    if reason:
        return f"It cannot be trained now. {reason}"
    return ""


def _keys(window: MainWindow, name: str) -> str:
    return window.actions_by_name[name].shortcut().toString(QKeySequence.SequenceFormat.NativeText)


def _allow(action: QAction, allowed: bool, reason: str) -> None:
    """Switch an action on or off; why it is off can be read where it is offered all the same."""
    action.setEnabled(allowed)
    action.setProperty("reason", "" if allowed else reason)


def _play_help(window: MainWindow, state: str) -> str:
    if state == "done":
        count = window.document.project.training.epochs
        return f"All epochs are done: train {count} more"
    return "Train"


def fill_recent(menu: QMenu, window: MainWindow) -> None:
    """The projects opened or saved last."""
    menu.clear()
    for path in window.settings.recent:
        action = menu.addAction(literal(path.name))
        action.setToolTip(plain_tip(str(path)))
        action.triggered.connect(lambda _checked=False, path=path: window.files.open(path))
    if not window.settings.recent:
        menu.addAction("No file yet").setEnabled(False)


def fill_runs(menu: QMenu, window: MainWindow) -> None:
    """The runs that were kept: the newest by name, and how many there are and how large, since none goes by itself."""
    menu.clear()
    kept = window.recorder.kept
    for run in kept[:_MOST_RUNS_SHOWN]:
        action = menu.addAction(f"{literal(run.path.stem)}   {theme.format_bytes(run.size)}")
        action.triggered.connect(lambda _checked=False, path=run.path: window.files.open(path))
    if not kept:
        menu.addAction("Nothing trained yet").setEnabled(False)
        return
    menu.addSeparator()
    size = theme.format_bytes(sum(run.size for run in kept))
    folder = kept[0].path.parent
    every = menu.addAction(f"{len(kept):,} {'run' if len(kept) == 1 else 'runs'}, {size}: open another…")
    every.setToolTip(f"They stay in {folder} until you remove them")
    every.triggered.connect(lambda: window.files.choose_in(folder))
