"""What the notices say and offer: why nothing can be trained, that networks differ, what failed and how to cure it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from nnviz.data import datasets
from nnviz.data.sources.source import IMPORTING
from nnviz.errors import InputError
from nnviz.gui.look.theme import format_bytes, format_count
from nnviz.gui.parts.damage import damage_words
from nnviz.gui.parts.plain_text import plain_tip
from nnviz.gui.runs.run_names import ending_of
from nnviz.gui.runs.session_bridge import SessionBridge
from nnviz.gui.runs.training import Training, more_epochs_meaning
from nnviz.gui.window.notices import Button, NoticeArea
from nnviz.project.checks.validate import Diagnostic, problems_that_stop
from nnviz.project.document import Document
from nnviz.project.edits import Edit, SetData
from nnviz.project.flat_settings import settings_in
from nnviz.record.run import RunView
from nnviz.record.summary import summary_of

_MOST_FIXES = 2
_WARM = "Start warm from the layers that fit"


def _date(seconds: float) -> str:
    """When something was, in local time."""
    try:
        return time.strftime("%d %B %Y, %H:%M", time.localtime(seconds)) if seconds > 0 else "unknown date"
    except (ValueError, OverflowError, OSError):  # not a time of this calendar
        return "unknown date"


def obstacle(training: Training, keys_of: Callable[[str], str]) -> str:
    """What to do before the network can be trained, for instruments that have nothing to show yet; empty for nothing.

    Args:
        training: And its document.
        keys_of: The keys of an action by its name, as they are written on this system.
    """
    if not training.shown_document.project.graph.nodes:
        return f"Draw a network first: take a layer from the left, or open a sample ({keys_of('samples')})."
    reason = training.blocked()
    count = len(problems_that_stop(training.shown_document.diagnostics))
    if count and reason:
        words = "the problem" if count == 1 else f"the {count} problems"
        return f"Mend {words} first: the instrument Problems ({keys_of('problems')}) has the cures."
    if (race := training.race) is not None:
        return (
            "This is measured while the race goes on."
            if race.running
            else f"The race rests. Press Play ({keys_of('play')}) to go on with it."
        )
    return f"It cannot be trained now. {reason}" if reason else ""


class Guidance(QObject):
    """Keeps the notices in line with the document and the training."""

    #: All problems are to be seen.
    problems_requested = Signal()
    #: A folder or a file of the user's own is to be chosen.
    own_data_requested = Signal()

    def __init__(
        self,
        document: Document,
        training: Training,
        bridge: SessionBridge,
        notices: NoticeArea,
        apply: Callable[[Edit], None],
        show_node: Callable[[str], None],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._document = document
        self._training = training
        self._bridge = bridge
        self._notices = notices
        self._apply = apply
        self._show_node = show_node
        self._window = window
        self._blocking: tuple[Diagnostic, ...] = ()
        #: What was said to differ, and how.
        self._differed = ("", "")
        #: The failure that is told is that no folder was chosen.
        self._lacks_folder = False
        training.changed.connect(self._on_training)
        training.failed.connect(self.tell_failure)
        training.recovered.connect(lambda: notices.dismiss("failure"))
        bridge.progressed.connect(self._on_progress)
        bridge.downloaded.connect(self._on_downloaded)
        training.known.progressed.connect(self._on_import)
        training.known.changed.connect(self._on_known)

    # ---- the network --------------------------------------------------------------------------------------------

    def _on_training(self) -> None:
        if self._lacks_folder and not self._without_folder():
            self._lacks_folder = False
            self._notices.dismiss("failure")
        self._tell_blocking()
        self._tell_difference()
        if self._training.state != "replay":
            self._notices.dismiss("replay")

    def _tell_blocking(self) -> None:
        """An error in the network, with its cures; not while a run is replayed."""
        graph = self._document.project.graph
        problems = problems_that_stop(self._document.diagnostics)
        if self._training.state == "replay" or not graph.nodes:
            problems = ()
        if problems == self._blocking:
            return
        self._blocking = problems
        if not problems:
            self._notices.dismiss("blocked")
            return
        first = problems[0]
        node = graph.nodes.get(first.node)
        buttons = [
            Button(fix.title, lambda edit=fix.edit: self._apply(edit), primary=index == 0)  # type: ignore[misc]
            for index, fix in enumerate(first.fixes[:_MOST_FIXES])
        ]
        where = ""
        if node is not None:
            where = f"{node.name or node.id}: "
            buttons.append(Button("Show", lambda: self._show_node(first.node), stays=True))
        more = len(problems) - 1
        if more:
            buttons.append(Button(f"All {len(problems)} problems", self.problems_requested.emit, stays=True))
        self._notices.show_notice("blocked", f"{where}{first.text}", "warning", buttons, closable=False)

    def _tell_difference(self) -> None:
        """The canvas and the session are not the same; nothing is offered that could not be done."""
        stopped = bool(problems_that_stop(self._document.diagnostics))
        empty = not self._document.project.graph.nodes
        differs = ("empty" if empty else "broken" if stopped else "other") if self._training.differs else ""
        notice = self._notices.notice("differs")
        told = differs, self._training.reason if differs == "other" else ""
        if told == self._differed:
            if notice is not None:
                notice.setToolTip(plain_tip(self._training.reason))
            return
        self._differed = told
        if not differs:
            self._notices.dismiss("differs")
            return
        restart = Button("Restart with the new network", self._training.reset, primary=True)
        warm = Button("Restart warm", self._training.start_warm)
        keep = Button("Keep training the old one", self._training.keep_old)
        undo = Button("Undo", self._undo, primary=True)
        text, buttons = {
            "empty": ("The canvas is empty. The network that was trained is kept until a new one is begun.", (undo,)),
            "broken": ("The network on the canvas cannot be trained yet. The one in training is kept.", (keep,)),
            "other": (f"The project differs from what is in training: {self._training.reason}.", (restart, warm, keep)),
        }[differs]
        notice = self._notices.show_notice("differs", text, "warning", buttons, closable=False)
        notice.setToolTip(plain_tip(self._training.reason))

    def _undo(self) -> None:
        self._document.undo()

    # ---- runs from files -----------------------------------------------------------------------------------------

    def tell_replay(
        self,
        run: RunView,
        path: Path,
        name: str,
        back: Callable[[], None],
        open_project: Callable[[], None],
        go_on: Callable[[], None],
    ) -> None:
        """Say what is looked at, how it is left, and how its network becomes one to work on.

        Args:
            run: What is looked at.
            path: Its file.
            name: What it is called.
            back: Leaves it.
            open_project: Takes its project for the document.
            go_on: Goes on with it.
        """
        info = run.info
        when = _date(info.created)
        ending = "It is still growing and is followed."
        if not run.growing:
            ending = ending_of(summary_of(run, settings_in(info.project_json)))
        where = f" on {info.device}" if info.device not in ("", "auto") else ""
        recorded = f"Recorded {when}{where}, seed {info.seed}."
        self._tell_shown(
            f"Replay of {name}, read-only. {ending}".strip(),
            f"{recorded} Drag the timeline to look around.\n{path}",
            ("Back to my project", back),
            ("Continue training", go_on),
            ("Open its project", open_project),
        )

    def tell_race(
        self,
        run: RunView,
        path: Path,
        back: Callable[[], None],
        open_project: Callable[[], None],
        show_race: Callable[[], None],
    ) -> None:
        """Say that a run of the race that is under way is looked at: what is played and paused is the race.

        Args:
            run: What is looked at.
            path: Its file.
            back: Leaves it.
            open_project: Takes its project for the document.
            show_race: Leads to the page of the race.
        """
        name = run.info.title or path.name
        self._tell_shown(
            f"{name}: its network while it races, read-only. Play, pause, step and speed are those of the race.",
            str(path),
            ("All who race", show_race),
            ("Back to my project", back),
            ("Open its project", open_project),
        )

    def _tell_shown(self, text: str, tip: str, *ways: tuple[str, Callable[[], None]]) -> None:
        """What is on the screen in place of the document, and the ways from there, the usual one first."""
        buttons = tuple(Button(words, do, primary=not at, stays=True) for at, (words, do) in enumerate(ways))
        notice = self._notices.show_notice("replay", text, "information", buttons, closable=False)
        notice.setToolTip(plain_tip(tip))

    def tell_declined(self, sentence: str, path: Path | None) -> None:
        """The run that the project names, or that was chosen, is not gone on with, or not from its last state.

        Args:
            sentence: Why, and what there is instead.
            path: Its file, where there is one to start warm from.
        """
        buttons = () if path is None else (Button(_WARM, lambda: self._training.start_warm(path), primary=True),)
        self._notices.show_notice("declined", sentence, "warning", buttons)

    def tell_later(self, path: Path, go_on: Callable[[], None]) -> None:
        """The project was trained after it was last saved, in a run that its file does not name.

        Args:
            path: The run's file.
            go_on: Goes on with it.
        """
        self._notices.show_notice(
            "later",
            f"A later training of this project, {path.name}, was not saved with it.",
            "information",
            (Button("Go on with that one", go_on, primary=True),),
        )

    def tell_beginning(self, sentence: str) -> None:
        """Which layers began with trained weights, and which did not."""
        self._notices.dismiss("declined")
        self._notices.show_notice("warm", sentence, "information")

    def tell_more(self) -> None:
        """All epochs are done: how many more?"""
        training = self._training
        done, usual = training.standing.epoch, self._document.project.training.epochs
        counts = sorted({1, 5, usual})
        buttons = [
            Button(f"{count} more", lambda count=count: training.play(count), primary=count == usual)  # type: ignore[misc]
            for count in counts
        ]
        noun = "epoch is" if done == 1 else "epochs are"
        meaning = more_epochs_meaning(self._document.project)
        text = f"{format_count(done)} {noun} done. How many more? The project stays as it is. {meaning}".rstrip()
        self._notices.show_notice("more", text, "information", buttons)

    def tell_damage(self, path: Path, series: Sequence[str]) -> None:
        """Parts of the run that is looked at cannot be read."""
        if not series:
            self._notices.dismiss("damage")
            return
        self._notices.show_notice("damage", f"{path.name}: {damage_words(series)}", "warning")

    def tell_other_state(self, sentence: str) -> None:
        """What is asked of the run that is looked at is answered by an earlier state; empty: by its own again."""
        if sentence:
            self._notices.show_notice("state", sentence, "warning")
        else:
            self._notices.dismiss("state")

    def tell_lost(self, sentence: str) -> None:
        """The run that is looked at cannot be followed any further."""
        self._notices.show_notice("follow", f"{sentence} What was read before is still shown.", "warning")

    def tell_deleted(self, words: str, count: int, restore: Callable[[], None]) -> None:
        """Runs went into the trash; they can be brought back at once."""
        bring = Button("Bring back", restore, primary=True)
        verb = "is" if count == 1 else "are"
        self._notices.show_notice("deleted", f"{words} {verb} in the trash of the runs.", "information", (bring,))

    # ---- failures ------------------------------------------------------------------------------------------------

    def tell_failure(self, sentence: str, details: str) -> None:
        """A session that could not be opened or has failed, with what can be done about it."""
        refused = self._training.workbench.refused_run
        if refused is not None:  # its data, its weights or its settings are not what they were
            warm = Button(_WARM, lambda: self._training.start_warm(refused.path), primary=True)
            anew = Button("Start anew", self._training.reset)
            self._notices.show_notice("failure", sentence, "warning", (warm, anew), details)
            return
        buttons: list[Button] = []
        config = self._document.project.data
        try:
            spec = datasets.dataset(config.dataset)
        except InputError:
            spec = None
        missing = spec is not None and not spec.offline and spec.title in sentence
        if self._training.unread is not None:
            buttons.append(Button("Leave them out", self._training.skip_unread, primary=True))
            buttons.append(Button("Look again", self._training.reset))
        elif self._training.known.was_stopped(config):
            buttons.append(Button("Go on", self._go_on_importing, primary=True))
        elif spec is not None and missing and spec.downloads:
            title = f"Download ({format_bytes(spec.download_bytes)})"
            buttons.append(Button(title, self.download, primary=True))
            buttons.append(Button("Choose the folder…", self._choose_data_folder))
        elif spec is not None and spec.takes_file:
            buttons.append(Button("Choose the file…", self.own_data_requested.emit, primary=True))
            buttons.append(Button("Try again", self._training.reset))
        elif spec is not None and spec.needs_folder and (self._without_folder() or missing):
            buttons.append(Button("Choose the folder…", self._choose_own_folder, primary=True))
        else:
            buttons.append(Button("Try again", self._training.reset))
        self._lacks_folder = self._without_folder()
        stopped = self._training.known.was_stopped(config)
        severity, details = ("warning", "") if stopped else ("error", details)
        self._notices.show_notice("failure", sentence, severity, buttons, details)

    def _without_folder(self) -> bool:
        """Whether the project's data would be in a folder, and none is chosen."""
        config = self._document.project.data
        try:
            spec = datasets.dataset(config.dataset)
        except InputError:
            return False
        return spec is not None and spec.needs_folder and spec.without_folder(config.params)

    def tell_exception(self, sentence: str, details: str) -> None:
        """Something that nobody foresaw; the window goes on."""
        self._notices.show_notice("exception", sentence, "error", (), details)

    def tell_error(self, sentence: str, details: str) -> None:
        """A file that could not be read or written."""
        self._notices.show_notice("file", sentence, "error", (), details)

    def take_back(self, sentence: str) -> None:
        """A sentence of :meth:`tell_error` does not hold any more; another one that stands there by now stays."""
        notice = self._notices.notice("file")
        if notice is not None and notice.text == sentence:
            self._notices.dismiss("file")

    def _choose_data_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self._window, "Folder that holds the data set")
        if chosen:
            self._training.data_dir = Path(chosen)
            self._training.reset()

    def _choose_own_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self._window, "Folder whose subfolders are the classes")
        if chosen:
            data = self._document.project.data
            param = datasets.dataset(data.dataset).folder_param
            self._apply(SetData(msgspec.structs.replace(data, params={**data.params, param: chosen})))

    # ---- downloads -----------------------------------------------------------------------------------------------

    def download(self) -> None:
        """Fetch the chosen data set, with progress and a way to stop."""
        config = self._document.project.data
        title = datasets.dataset(config.dataset).title
        self._bridge.close_session()
        notice = self._notices.show_notice(
            "download",
            f"Downloading {title}…",
            "information",
            (Button("Cancel", self._bridge.cancel_download, stays=True),),
            closable=False,
        )
        notice.progress.setRange(0, 0)
        notice.progress.show()
        self._bridge.download(config, self._training.data_dir)

    def _on_progress(self, what: str, done: int, total: int) -> None:
        notice = self._notices.notice("download")
        if notice is None:
            return
        notice.set_text(f"{what}: {format_bytes(done)} of {format_bytes(total)}" if total > 10_000 else what)
        notice.progress.setRange(0, 1000)
        notice.progress.setValue(round(1000 * done / total) if total else 0)

    def _on_downloaded(self, sentence: str) -> None:
        self._notices.dismiss("download")
        if sentence:
            self.tell_failure(sentence, "")
        else:
            self._training.reset()

    # ---- imports -------------------------------------------------------------------------------------------------

    def _on_import(self, what: str, done: int, total: int) -> None:
        """Examples that do not fit into memory are brought into a file: with progress and a way to stop."""
        if not what.startswith(IMPORTING):
            return
        notice = self._notices.notice("import")
        if notice is None:
            self._notices.dismiss("failure")
            notice = self._notices.show_notice(
                "import",
                "Bringing the examples to the disk, once…",
                "information",
                (Button("Stop", self._training.known.stop, stays=True),),
                closable=False,
            )
            notice.progress.setRange(0, 1000)
            notice.progress.setAccessibleName("How much of the import is done")
            notice.progress.show()
        notice.set_text(f"Bringing the examples to the disk, once: {format_count(done)} of {format_count(total)}.")
        notice.progress.setValue(round(1000 * done / total) if total else 0)

    def _on_known(self) -> None:
        if not self._training.known.busy:
            self._notices.dismiss("import")

    def _go_on_importing(self) -> None:
        self._training.known.go_on(self._document.project.data)
        self._training.reset()
