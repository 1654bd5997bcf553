"""What the menu File offers, and undo and redo: actions for menus, keys and the command palette."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from nnviz.gui.parts.action import Action, Key, Offer, Submenu, literal
from nnviz.gui.runs.recording import Recorder
from nnviz.gui.runs.workspace import Workspace
from nnviz.gui.window.actions import fill_recent, fill_runs, filled_menu
from nnviz.gui.window.files import RUN_SUFFIX, Files
from nnviz.project.document import Document
from nnviz.record.places import free_paths


def file_actions(
    workspace: Workspace,
    files: Files,
    recorder: Recorder,
    shown_file: Callable[[], Path | None],
    show_samples: Callable[[], object],
    show_details: Callable[[], object],
    window: QWidget,
) -> tuple[Offer, ...]:
    """What is done with projects and runs as files.

    Args:
        workspace: The document, its run, and the files used last.
        files: Opens and saves.
        recorder: Keeps the runs.
        shown_file: The file of the run that is replayed; None while a live one is shown.
        show_samples: Offers the samples.
        show_details: Edits name and note of the project.
        window: Asks, and is closed.
    """

    def recent(menu: QMenu) -> None:
        fill_recent(menu, workspace.settings.recent, files.open)

    def save_help(words: str) -> str:
        return f"{words}: your own, not that of the replay" if workspace.document.read_only else words

    def runs(menu: QMenu) -> None:
        fill_runs(menu, recorder.kept, files.open, files.choose_in)

    def save_run() -> None:
        """Ask where to keep the run on the screen."""
        settings = workspace.settings
        name = f"{workspace.document.project.name}{RUN_SUFFIX}"
        chosen, _ = QFileDialog.getSaveFileName(
            window, "Save run", str(settings.folder / name), f"Runs (*{RUN_SUFFIX})"
        )
        if chosen:
            target = Path(chosen)
            if target.suffix.lower() != RUN_SUFFIX:
                # It was not asked whether what has the longer name may be replaced.
                target = next(free_paths(target.with_name(target.name + RUN_SUFFIX)))
            recorder.save_as(workspace.training.run, shown_file(), target)

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
            do=show_samples,
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
            wording=lambda: ("&Save", save_help("Save the project")),
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
            wording=lambda: ("Save &as…", save_help("Save the project under another name")),
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
            do=save_run,
            keys=("Ctrl+Shift+E",),
            menu="&File",
            section=2,
            why_not=lambda: "" if workspace.training.trained else "Nothing has been trained yet.",
        ),
        Action(
            name="details",
            text="Project &details…",
            help="Name and note of the project",
            do=show_details,
            why_not=lambda: workspace.document.read_only,
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
    )


def history_actions(document: Document, guarded: Callable[[Callable[[], object]], object]) -> tuple[Offer, ...]:
    """Undo and redo.

    Args:
        document: Whose changes.
        guarded: Does something, and says what is refused.
    """

    def undo_wording() -> tuple[str, str]:
        text = f"&Undo {literal(document.undo_title)}" if document.can_undo else "&Undo"
        return text, "Take the last change back"

    def redo_wording() -> tuple[str, str]:
        text = f"&Redo {literal(document.redo_title)}" if document.can_redo else "&Redo"
        return text, "Make the change again"

    return (
        Action(
            name="undo",
            text="&Undo",
            help="Take the last change back",
            do=lambda: guarded(document.undo),
            keys=(Key.Undo,),
            icon="undo",
            menu="&Edit",
            section=1,
            why_not=lambda: document.read_only or ("" if document.can_undo else "There is nothing to take back."),
            wording=undo_wording,
        ),
        Action(
            name="redo",
            text="&Redo",
            help="Make the change again",
            do=lambda: guarded(document.redo),
            keys=(
                Key.Redo,
                "Ctrl+Shift+Z",
            ),
            icon="redo",
            menu="&Edit",
            section=1,
            why_not=lambda: document.read_only or ("" if document.can_redo else "Nothing has been taken back."),
            wording=redo_wording,
        ),
    )
