"""The runs of the user's folder as the window sees them: listed, named, pinned, put into the trash, compared.

The disk is another thread's work: what is here is what was found last, and every deed is begun here and done there. The
live run is among them, and says of itself what it has in memory.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from nnviz.errors import NnvizError, StorageError
from nnviz.gui.parts.background import Background
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.runs.run_names import distinct_names
from nnviz.gui.runs.run_row import RunRow
from nnviz.gui.runs.sweeps import Sweeps
from nnviz.project.flat_settings import flat_settings, settings_in
from nnviz.project.model import Project
from nnviz.project.text import clean_name
from nnviz.record.library import KeptRun, Label, Library
from nnviz.record.places import runs_folder
from nnviz.record.run import Run, RunView
from nnviz.record.summary import Summary, summary_of

if TYPE_CHECKING:
    from nnviz.gui.runs.training import Training
    from nnviz.record.summaries import Summaries
    from nnviz.record.tolerant import TolerantRun

#: All that touches the folder goes one after the other.
_LANE = "library"
#: Compared runs are read on and closed one after the other.
_COMPARED_LANE = "follow compared"
#: Seconds that one look reads new files for, before it shows what it has and goes on.
_SLICE = 0.25
#: Milliseconds between two looks at runs that are compared and still written by somebody.
_FOLLOW = 1000
#: Runs that are drawn beside the one on the screen: more than that nobody can tell apart.
MOST_COMPARED = 11


class KeptRuns(QObject):
    """Every training of the user, and which of them are compared.

    Args:
        training: Has the live run, and shows what is compared.
        background: Where the folder is looked at.
        path_of: The file of a live run, as of now.
    """

    #: The list, or what is said about its runs, is another.
    changed = Signal()
    #: Other runs are drawn beside the one on the screen.
    compared_changed = Signal()
    #: Runs went into the trash: where they are now, to be brought back, and what they are called.
    deleted = Signal(object, str)
    #: What is compared is to be seen large, side by side.
    page_requested = Signal()
    #: A run is to be gone on with as the training of the document: its file.
    continue_requested = Signal(object)
    #: Something could not be done: a sentence.
    failed = Signal(str)
    #: Something went well, in a few words.
    message = Signal(str)

    def __init__(
        self,
        training: Training,
        background: Background,
        path_of: Callable[[Run], Path | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._training = training
        self._background = background
        self._path_of = path_of
        self._rows: tuple[RunRow, ...] = ()
        self._trashed: tuple[RunRow, ...] = ()
        self._looking = self._again = False
        #: How often something was asked to be done with runs.
        self._asked = 0
        #: Whether every file was read once, and whether the folder has changed since it was looked at.
        self.complete = False
        self.stale = True
        self._summaries: tuple[Summaries, Summaries] | None = None
        #: Files that are compared, opened or on their way, in their order.
        self._wanted: tuple[Path, ...] = ()
        self._opened: dict[Path, TolerantRun] = {}
        self._opening: set[Path] = set()
        #: The run of a race that is written to a file.
        self.of_race: Callable[[Path], RunView | None] = lambda _path: None
        #: The files of the run on the screen and of the live one, as they were told last.
        self._told: tuple[Path | None, Path | None] = (None, None)
        #: The settings of the live run, taken apart once.
        self._live_settings: tuple[Project, Mapping[str, object]] | None = None
        #: What those that are drawn are called; None where that has to be worked out anew.
        self._names: dict[Path, str] | None = None
        self.changed.connect(self._forget_names)
        self.compared_changed.connect(self._forget_names)
        #: Trainings with other settings and seeds; each is a run of this list.
        self.sweeps = Sweeps(training, background, self._label_new, self.expire, self)
        self._follow = QTimer(self)
        self._follow.setInterval(_FOLLOW)
        self._follow.timeout.connect(self._read_on)

    def attach(self) -> None:
        """Follow the training, once the window is there."""
        follow(self._training.changed, self._on_training)
        self.sweeps.failed.connect(self.failed)

    # ---- what there is -------------------------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        """Where the runs are."""
        return runs_folder()

    @property
    def rows(self) -> tuple[RunRow, ...]:
        """The runs, the newest first, with the live one as it is now."""
        live = self.live_path
        return tuple(self._as_live(row) if row.path == live else row for row in self._rows)

    @property
    def trashed(self) -> tuple[RunRow, ...]:
        """The runs in the trash."""
        return self._trashed

    @property
    def live_path(self) -> Path | None:
        """The file of the live run; None before it has one."""
        run = self._training.workbench.run
        return None if run is None else self._path_of(run)

    def live_row(self) -> RunRow | None:
        """The live run as it is now; None where it is not in the list."""
        live = self.live_path
        return None if live is None else self.row(live)

    def row(self, path: Path) -> RunRow | None:
        """What is known of the run in a file."""
        found = next((row for row in self._rows if row.path == path), None)
        return self._as_live(found) if found is not None and path == self.live_path else found

    @property
    def shown_path(self) -> Path | None:
        """The file of the run on the screen, live or replayed; None where it has none."""
        replay = self._training.replay
        if replay is None:
            return self.live_path
        return self._path_of(replay.run) if isinstance(replay.run, Run) else getattr(replay.run, "path", None)

    @property
    def compared(self) -> tuple[Path, ...]:
        """The files that are drawn beside the run on the screen, in their order."""
        return tuple(path for path in self._wanted if not self._is_shown(path))

    @property
    def places(self) -> dict[Path, int]:
        """Their places, which decide their colours; the run on the screen keeps its own free."""
        return {path: place for place, path in enumerate(self._wanted) if not self._is_shown(path)}

    @property
    def shown_place(self) -> int:
        """The place whose colour the run on the screen has in its curves; -1 where it stands for itself."""
        shown = self._training.feed.shown
        return shown.gap if shown.gap is not None and shown.others else -1

    def run_of(self, path: Path) -> RunView | None:
        """The run that is drawn for a file: the one on the screen, or one beside it; None while it is being opened."""
        if self._is_shown(path):
            return self._training.feed.run
        if path == self.live_path:
            return self._training.workbench.run
        return self.of_race(path) or self._opened.get(path)

    def names(self, paths: Sequence[Path]) -> dict[Path, str]:
        """What these runs are called beside each other: no two alike, as far as anything differs."""
        rows = [row for path in paths if (row := self.row(path)) is not None]
        return {row.path: name for row, name in zip(rows, distinct_names(rows), strict=True)}

    def name_of(self, run: RunView) -> str:
        """What a run that is drawn beside the one on the screen is called; empty where it is none of those."""
        path = next((path for path in self._wanted if self.run_of(path) is run), None)
        if path is None:
            return ""
        if self._names is None:  # asked for at every drawing
            shown = self.shown_path
            self._names = self.names((*self.compared, *((shown,) if shown is not None else ())))
        return self._names.get(path, "")

    def _forget_names(self) -> None:
        self._names = None

    def _is_shown(self, path: Path) -> bool:
        shown = self.shown_path
        return shown is not None and path == shown

    def _as_live(self, row: RunRow) -> RunRow:
        bench = self._training.workbench
        run = bench.run
        if run is None or bench.opened is None:
            return row
        if self._live_settings is None or self._live_settings[0] is not bench.opened:
            self._live_settings = (bench.opened, flat_settings(bench.opened))
        return replace(row, summary=summary_of(run, self._live_settings[1]), live=True)  # type: ignore[arg-type]

    # ---- looking -------------------------------------------------------------------------------------------------

    def expire(self) -> None:
        """The folder has changed: whoever shows it looks again."""
        self.stale = True
        self.changed.emit()

    def look(self) -> None:
        """See which runs there are, and read what is not known of them; what is found comes bit by bit."""
        if self._looking:
            self._again = True
            return
        self._looking, self._again, self.stale = True, False, False
        folder, asked = self.folder, self._asked

        def work() -> tuple[tuple[RunRow, ...], tuple[RunRow, ...], bool]:
            from nnviz.record.summaries import Summaries  # noqa: PLC0415 - sqlite is only needed for this

            library = Library(folder)
            if self._summaries is None or self._summaries[0].folder != folder:
                trash = Summaries(folder / "trash", settings_in)
                self._summaries = (Summaries(folder, settings_in), trash)
            labels = library.labels()
            runs, trashed = library.runs(), library.trashed()
            kept, all_kept = self._summaries[0].of(runs, _SLICE)
            gone, all_gone = self._summaries[1].of(trashed, _SLICE)
            if all_kept and all_gone:
                self._summaries[0].keep(runs)
                self._summaries[1].keep(trashed)
            return (
                _rows(runs, kept, labels, trashed=False),
                _rows(trashed, gone, labels, trashed=True),
                all_kept and all_gone,
            )

        def done(found: tuple[tuple[RunRow, ...], tuple[RunRow, ...], bool]) -> None:
            self._looking = False
            if asked != self._asked:  # it was looked before something was done that is shown, or will be, already
                self.look()
                return
            rows, trashed, complete = found
            told = (rows, trashed, complete) != (self._rows, self._trashed, self.complete)
            self._rows, self._trashed, self.complete = rows, trashed, complete
            if told:
                self.changed.emit()
            if self._again or not complete:
                self.look()

        def failed(error: BaseException) -> None:
            self._looking = False
            self.failed.emit(f"The runs in {folder} could not be listed: {sentence_of(error)}")

        self._background.start(work, done, failed, lane=_LANE)

    # ---- what the user says --------------------------------------------------------------------------------------

    def rename(self, path: Path, title: str) -> None:
        """Call a run something else; an empty name takes that of its project again."""
        self._label({path: lambda label: _relabelled(label, title=clean_name(title))})

    def tag(self, paths: Iterable[Path], tags: Sequence[str]) -> None:
        """Give runs these tags in place of those they have."""
        clean = tuple(dict.fromkeys(word for tag in tags if (word := clean_name(tag)[:60].rstrip())))[:20]
        self._label({path: lambda label: _relabelled(label, tags=clean) for path in paths})

    def pin(self, paths: Iterable[Path], pinned: bool) -> None:
        """Keep runs at the top of the list, or no longer."""
        self._label({path: lambda label: _relabelled(label, pinned=pinned) for path in paths})

    def _label_new(self, path: Path, label: Label) -> None:
        """Say something about a run that is not in the list yet."""
        self._do(lambda: Library(path.parent).label(path, label), lambda _nothing: self.expire())

    def _label(self, changes: Mapping[Path, Callable[[Label], Label]]) -> None:
        before = self._rows
        after = {row.path: changes[row.path](row.label) for row in before if row.path in changes}
        if not after:
            return
        self._rows = tuple(replace(row, label=after.get(row.path, row.label)) for row in before)
        self.changed.emit()
        folder = self.folder
        self._do(lambda: Library(folder).label_all(after), lambda _nothing: None)

    # ---- the trash -----------------------------------------------------------------------------------------------

    def delete(self, paths: Sequence[Path]) -> None:
        """Move runs into the trash; the one that is trained stays."""
        folder = self.folder
        closing = [run for path in paths if (run := self._opened.get(path)) is not None]
        self._forget(paths)
        names = [row.name for row in self._rows if row.path in paths]
        words = f"“{names[0]}”" if len(names) == 1 else f"{len(paths)} runs"

        def work() -> tuple[list[Path], str]:
            for run in closing:  # Windows moves no file that is open
                run.close()
            return _each(paths, Library(folder).delete)

        def done(result: tuple[list[Path], str]) -> None:
            moved, refused = result
            if moved:
                self.deleted.emit(tuple(moved), words)
            if refused:
                self.failed.emit(refused)
            self.look()

        self._do(work, done)

    def restore(self, paths: Sequence[Path]) -> None:
        """Bring runs back out of the trash."""
        folder = self.folder

        def work() -> tuple[list[Path], str]:
            return _each(paths, Library(folder).restore)

        def done(result: tuple[list[Path], str]) -> None:
            moved, refused = result
            if moved:
                self.message.emit("Brought back" if len(moved) == 1 else f"Brought back {len(moved)} runs")
            if refused:
                self.failed.emit(refused)
            self.look()

        self._do(work, done)

    def _do(self, work: Callable[[], object], done: Callable[[Any], None]) -> None:
        self._asked += 1

        def failed(error: BaseException) -> None:
            self.failed.emit(sentence_of(error))
            self.look()

        self._background.start(work, done, failed, lane=_LANE)

    # ---- projects ------------------------------------------------------------------------------------------------

    def project_of(self, path: Path, done: Callable[[Project], None]) -> None:
        """Read the project that a run was made with; what goes wrong is said."""

        def work() -> Project:
            from nnviz.project.files import io  # noqa: PLC0415 - as above
            from nnviz.record.stored import open_run  # noqa: PLC0415 - as above

            run = open_run(path)
            try:
                return io.loads(run.info.project_json, path.name)
            finally:
                run.close()

        self._background.start(work, done, lambda error: self.failed.emit(sentence_of(error)), lane=_LANE)

    def continue_training(self, path: Path) -> None:
        """Go on with a run as the training of the document."""
        self.continue_requested.emit(path)

    def start_warm(self, path: Path) -> None:
        """Begin the document's network again with the weights of a run, as far as its layers fit."""
        self._training.start_warm(path)

    # ---- comparing -----------------------------------------------------------------------------------------------

    def compare(self, paths: Iterable[Path], shown: Path | None = None) -> None:
        """Draw these runs beside the one on the screen, in place of those before; at most :data:`MOST_COMPARED`.

        Args:
            paths: Their files, in their order.
            shown: The one of them that comes on the screen next; by default the one that is there.
        """
        wanted = tuple(dict.fromkeys(paths))
        if len([path for path in wanted if path != shown and not self._is_shown(path)]) > MOST_COMPARED:
            self.failed.emit(f"At most {MOST_COMPARED} runs are drawn beside the one on the screen.")
            wanted = wanted[:MOST_COMPARED]
        if wanted == self._wanted:
            return
        self._forget([path for path in self._wanted if path not in wanted])
        self._wanted = wanted
        self._show()
        self.compared_changed.emit()

    def end_comparison(self) -> None:
        """Another project has taken the place of the document: nothing is drawn beside it."""
        self._forget(self._wanted)

    def _open(self, path: Path) -> None:
        self._opening.add(path)

        def work() -> TolerantRun:
            from nnviz.record.tolerant import open_tolerantly  # noqa: PLC0415 - as above

            return open_tolerantly(path)

        def done(run: TolerantRun) -> None:
            self._opening.discard(path)
            if path not in self._wanted or path in self._opened:
                self._close([run])
                return
            self._opened[path] = run
            self._show()
            self.compared_changed.emit()

        def failed(error: BaseException) -> None:
            self._opening.discard(path)
            self._wanted = tuple(one for one in self._wanted if one != path)
            self.failed.emit(sentence_of(error))
            self.compared_changed.emit()

        self._background.start(work, done, failed, lane=_LANE)

    def _show(self) -> None:
        """Open what is not open yet, and hand what is to the training, which leaves out the run on the screen."""
        live = self.live_path
        runs: list[RunView] = []
        for path in self._wanted:
            run: RunView | None = self._training.workbench.run if path == live else self.of_race(path)
            run = run or self._opened.get(path)
            if run is not None:
                runs.append(run)
            elif path not in self._opening:
                self._open(path)
        self._training.compare(runs)
        if any(not run.finished for run in self._opened.values()):
            self._follow.start()

    def _forget(self, paths: Sequence[Path]) -> None:
        """Compare these no longer."""
        gone = set(paths)
        if not gone & {*self._wanted, *self._opened}:
            return
        self._wanted = tuple(path for path in self._wanted if path not in gone)
        closing = [run for path in gone if (run := self._opened.pop(path, None)) is not None]
        self._show()
        self._close(closing)
        self.compared_changed.emit()

    def _close(self, runs: Sequence[TolerantRun]) -> None:
        """Let go of files of runs that are drawn no more, behind whoever reads on in them."""

        def work() -> None:
            for run in runs:
                run.close()

        if runs:
            self._background.start(work, lambda _nothing: None, lambda _error: None, lane=_COMPARED_LANE)

    def _read_on(self) -> None:
        """Runs that somebody else still writes are followed."""
        # Also those that nobody writes just now: somebody may go on with one.
        unfinished = [run for run in self._opened.values() if not run.finished]
        if not unfinished:
            self._follow.stop()
            return

        def work() -> None:
            for run in unfinished:
                with contextlib.suppress(NnvizError, OSError):  # the others go on; it is tried again
                    run.refresh()

        self._background.start(work, lambda _nothing: None, lambda _error: None, lane=_COMPARED_LANE)

    def _on_training(self) -> None:
        """Another run may be on the screen, or another be trained."""
        now = (self.shown_path, self.live_path)
        if now != self._told:
            self._told = now
            self._show()
            self.compared_changed.emit()

    def stop(self) -> None:
        """The window ends."""
        self.sweeps.end()
        self._follow.stop()
        self._close(list(self._opened.values()))
        self._opened.clear()


def _rows(
    runs: Iterable[KeptRun], summaries: Mapping[Path, Summary], labels: Mapping[str, Label], *, trashed: bool
) -> tuple[RunRow, ...]:
    return tuple(
        RunRow(
            run.path,
            summaries[run.path],
            labels.get(run.path.name, Label()),
            run.size,
            run.modified,
            trashed=trashed,
        )
        for run in runs
        if run.path in summaries
    )


def _relabelled(
    label: Label, *, title: str | None = None, tags: tuple[str, ...] | None = None, pinned: bool | None = None
) -> Label:
    return Label(
        label.title if title is None else title,
        label.tags if tags is None else tags,
        label.pinned if pinned is None else pinned,
    )


def _each(paths: Sequence[Path], do: Callable[[Path], Path]) -> tuple[list[Path], str]:
    """Do it to each; where they are now, and the first reason why one stayed."""
    moved: list[Path] = []
    refused = ""
    for path in paths:
        try:
            moved.append(do(path))
        except StorageError as error:
            refused = refused or str(error)
    return moved, refused
