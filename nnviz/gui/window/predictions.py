"""Predictions for examples that nobody has labelled: what the network of the run on the screen says, as a CSV file."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from nnviz.errors import Cancelled, NnvizError
from nnviz.gui.look.theme import format_count
from nnviz.gui.parts.action import Action
from nnviz.gui.runs.workspace import Workspace
from nnviz.gui.window.notices import Button, NoticeArea

if TYPE_CHECKING:
    from nnviz.train.predict import Predicted

_KEY = "predictions"
#: What was left out is named up to here, one a line.
_MOST_NAMED = 100


class Predictions(QObject):
    """Asks for the examples and for the file, and shows how far it is; the work is done on a thread of its own.

    Args:
        workspace: The run on the screen, and where its data are looked for.
        notices: Where progress, refusals and the result stand.
        window: Asks.
    """

    #: Examples done, of how many; from the thread that works.
    _progressed = Signal(int, int)

    def __init__(self, workspace: Workspace, notices: NoticeArea, window: QWidget) -> None:
        super().__init__(window)
        self._workspace = workspace
        self._notices = notices
        self._window = window
        self._stop: threading.Event | None = None
        self._progressed.connect(self._on_progress)

    def action(self) -> Action:
        """The entry of the menu."""
        return Action(
            name="predict",
            text="&Predict unlabelled examples…",
            help="Write what this network says of a folder of pictures, or of a table, as filename,label",
            do=self.choose,
            keys=("Ctrl+Alt+P",),
            menu="&File",
            section=2,
            why_not=self.why_not,
        )

    def why_not(self) -> str:
        """Why nothing can be predicted now, as a sentence; empty where it can."""
        if self._stop is not None:
            return "Predictions are under way."
        if self._workspace.document.inference.network_input_shape is None:
            return "It is not known yet what the network takes."
        return "" if self._workspace.network.kept_file is not None else "Nothing has been trained yet."

    def choose(self) -> None:
        """Ask for the examples, then for the file to write."""
        shape, settings = self._workspace.document.inference.network_input_shape, self._workspace.settings
        if shape is None:
            return
        if len(shape) == 3:
            given = QFileDialog.getExistingDirectory(
                self._window, "Folder of unlabelled pictures", str(settings.folder)
            )
        else:
            given, _ = QFileDialog.getOpenFileName(
                self._window,
                "Table of unlabelled rows",
                str(settings.folder),
                "Tables (*.csv *.tsv *.tab *.txt *.parquet *.xlsx *.xls *.xlsb *.ods);;All files (*)",
            )
        if not given:
            return
        name = str(settings.folder / f"{Path(given).stem}-labels.csv")
        out, _ = QFileDialog.getSaveFileName(self._window, "Write the labels to", name, "CSV (*.csv)")
        if out:
            self.start(Path(given), Path(out))

    def start(self, given: Path, out: Path, *, skip_bad: bool = False) -> None:
        """Predict, with progress and a way to stop. The file may be replaced: that was asked where it was chosen.

        Args:
            given: The examples.
            out: The file to write.
            skip_bad: Leave out what cannot be read; else it is asked.
        """
        run, step = self._workspace.network.kept_file, self._workspace.feed.shown.step
        if run is None or self._stop is not None:
            return
        data_dir = self._workspace.training.data_dir
        stop = self._stop = threading.Event()
        notice = self._notices.show_notice(
            _KEY,
            f"Predicting what is in {given.name}…",
            "information",
            (Button("Cancel", stop.set, stays=True),),
            closable=False,
        )
        notice.progress.setRange(0, 0)
        notice.progress.show()

        def work() -> Predicted:
            from nnviz.train import predict  # noqa: PLC0415 - torch belongs to this thread

            predictor = predict.Predictor(run, step, "", data_dir)
            return predict.predict_to_file(
                predictor,
                given,
                out,
                skip_bad=skip_bad,
                force=True,
                progress=self._progressed.emit,
                cancelled=stop.is_set,
            )

        self._workspace.background.start(
            work, lambda done: self._on_done(done, out), lambda error: self._on_failed(error, given, out), _KEY
        )

    def stop(self) -> None:
        """Predict no further: the window goes, and nothing is written after it."""
        if self._stop is not None:
            self._stop.set()

    def _on_progress(self, done: int, total: int) -> None:
        notice = self._notices.notice(_KEY)
        if notice is not None and self._stop is not None:
            notice.progress.setRange(0, total)
            notice.progress.setValue(done)

    def _on_done(self, done: Predicted, out: Path) -> None:
        self._stop = None
        which = f"epoch {done.best_epoch}, the best one" if done.best_epoch else f"step {format_count(done.step)}"
        left_out = len(done.left_out)
        more = f", {format_count(left_out)} left out" if left_out else ""
        text = f"{out.name}: {format_count(done.count)} rows{more}. The weights are those of {which}."
        if done.remark:
            text = f"{text} {done.remark}"
        details = "\n".join(f"{one.file.name}: {one.reason}" for one in done.left_out[:_MOST_NAMED])
        self._notices.show_notice(_KEY, text, "warning" if left_out else "information", (), details)

    def _on_failed(self, error: BaseException, given: Path, out: Path) -> None:
        from nnviz.data.unlabelled import UnreadableError  # noqa: PLC0415 - numpy and Pillow, which are there by now

        self._stop = None
        if isinstance(error, Cancelled):
            self._notices.dismiss(_KEY)
            self._workspace.say("Predicting was stopped; nothing was written.")
        elif isinstance(error, UnreadableError):
            skip = Button("Leave them out", lambda: self.start(given, out, skip_bad=True), primary=True)
            self._notices.show_notice(_KEY, f"{error} Nothing was written.", "warning", (skip,))
        else:
            sentence = str(error) if isinstance(error, NnvizError) else f"Nothing could be predicted: {error}"
            self._notices.show_notice(_KEY, sentence, "error")
