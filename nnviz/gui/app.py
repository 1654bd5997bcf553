"""Starts the window, or renders it without a display."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nnviz.gui import rooms_below  # first: what it imports is to be imported before Qt

# isort: split
from PySide6.QtCore import (
    QBuffer,
    QByteArray,
    QCoreApplication,
    QEvent,
    QEventLoop,
    QIODevice,
    QLibraryInfo,
    QPluginLoader,
    QPoint,
    QSize,
    Qt,
)
from PySide6.QtGui import QGuiApplication, QIcon, QImageWriter, QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from nnviz import __version__, streams, user_folders
from nnviz.errors import InputError, RunFileError, StorageError, TrainingError
from nnviz.gui import display
from nnviz.gui.look import theme
from nnviz.gui.parts import collector
from nnviz.gui.parts.settings import Settings
from nnviz.gui.window.ending import EndingWatch
from nnviz.gui.window.files import RUN_SUFFIX
from nnviz.gui.window.notices import start_logging
from nnviz.paths import check_file, given_path
from nnviz.project.document import Document
from nnviz.project.files import io
from nnviz.project.files.atomic import write_atomically
from nnviz.project.samples import templates
from nnviz.resources import resource

if TYPE_CHECKING:
    from nnviz.train.session import Position

rooms_below.give_back()

_SAMPLE = "sample:"
_DEFAULT_SIZE = (1680, 1050)


def application(name: str = "system") -> QApplication:
    """The one QApplication, styled; made if there is none yet.

    Args:
        name: Theme: ``system``, ``dark`` or ``light``.
    """
    found = QApplication.instance()
    if not isinstance(found, QApplication):
        QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
        found = QApplication(sys.argv[:1])
    collector.install(found)
    QCoreApplication.setApplicationName("nnviz")
    QCoreApplication.setApplicationVersion(__version__)
    QGuiApplication.setDesktopFileName("nnviz")
    QGuiApplication.setWindowIcon(QIcon(str(resource("icons", "nnviz.svg"))))
    theme.apply(found, theme.current())
    theme.set_theme(name)
    return found


def open_target(target: str | None) -> tuple[Document, Path | None]:
    """The document for what stands on the command line, and the run to replay in front of the one to begin with.

    Args:
        target: ``sample:NAME``, the path of a project or of a run, or None for the sample to begin with.

    Raises:
        InputError: There is no such sample or file, or it cannot be read.
    """
    if target is None:
        return Document(templates.sample(templates.DEFAULT)), None
    if target.startswith(_SAMPLE):
        return Document(templates.sample(target.removeprefix(_SAMPLE))), None
    path = given_path(target)
    if path.suffix.lower() == RUN_SUFFIX:
        check_file(path, kind=RunFileError)
        from nnviz.record.opening import checked_connection  # noqa: PLC0415 - sqlite is only needed for a run

        with checked_connection(path):
            return Document(templates.sample(templates.DEFAULT)), path
    return Document(io.load(path), path), None


def main(target: str | None = None, data_dir: Path | None = None) -> int:
    """Open the window and stay until it is closed.

    Raises:
        InputError: The target cannot be opened; nothing was shown.
    """
    start_logging()
    document, run_path = open_target(target)
    refuse_without_display()
    settings = Settings()
    app = application(settings.theme)
    from nnviz.gui.window.window import MainWindow  # noqa: PLC0415 - the widgets are only needed once there is an application

    window = MainWindow(document, run_path, data_dir, settings, welcome=target is None)
    window.centre.choose_for_network()
    window.net.install()
    ending = EndingWatch()
    ending.asked.connect(window.end)
    if document.path is not None:
        settings.remember(document.path)
    window.completed.connect(collector.spare)
    window.show()
    if (folder := user_folders.substitute()) is not None:
        homeless = f"There is no home folder: settings, runs and unsaved work are kept in {folder}."
        streams.complain(homeless)
        window.notices.show_notice("home", homeless, "warning")
    window.safety.start()
    status = app.exec() or window.exit_status
    window.finish()
    ending.close()
    if window.bridge.alive:
        # Its thread is deep inside an import or a batch of minutes. Everything is saved; ending the interpreter under
        # such a thread can abort, leaving at once cannot.
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


def render(
    target: str | None,
    out: Path,
    size: tuple[int, int] = _DEFAULT_SIZE,
    *,
    data_dir: Path | None = None,
    steps: int = 0,
    theme_name: str = "dark",
    scale: float = 1.0,
    select: str = "",
    prepare: Callable[[object], None] | None = None,
    timeout: float = 300.0,
) -> Path:
    """Write a picture of the window, without a display.

    Args:
        target: As for :func:`main`.
        out: The picture to write, a PNG or another kind that Qt writes, by the ending.
        size: Of the window, in device-independent pixels.
        data_dir: Where data sets are looked for first.
        steps: Batches to train first.
        theme_name: ``dark`` or ``light``.
        scale: Pixels for each device-independent pixel; HiDPI as on a real screen in a process without an application.
        select: Layer to select.
        prepare: Called with the window before the picture is taken.
        timeout: Seconds to wait for the network and the training.

    Raises:
        InputError: The target cannot be opened, or the ending of ``out`` is of no picture.
        TrainingError: The network could not be prepared or trained, or not in time.
        StorageError: The picture could not be written.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    encoding = _picture_format(out)
    document, run_path = open_target(target)
    refuse_without_display()
    if scale != 1.0 and QApplication.instance() is None:
        os.environ["QT_SCALE_FACTOR"] = str(scale)
    app = application(theme_name)
    from nnviz.gui.window.window import MainWindow  # noqa: PLC0415 - as above

    with tempfile.TemporaryDirectory(prefix="nnviz-") as folder:
        window = MainWindow(document, run_path, data_dir, Settings(Path(folder) / "settings.ini"))
        # What this computer takes for a training belongs neither into a picture nor, for its sake, into the cache.
        window.training.expected.stop()
        try:
            window.centre.choose_for_network()
            window.resize(QSize(*size))
            window.show()
            wait = _Patience(app, timeout)
            training = window.training
            wait.until(lambda: window.docks is not None, "the window")
            if run_path is not None:
                wait.until(lambda: training.state == "replay" or bool(window.notices.notice("file")), "the run")
                notice = window.notices.notice("file")
                if notice is not None:
                    raise InputError(notice.text)
            elif not training.blocked() or training.failure:
                wait.until(lambda: training.state in {"ready", "failed"} or bool(training.blocked()), "the network")
            if steps and training.state == "failed":
                raise TrainingError(training.failure)
            if steps and not training.blocked():
                # A short plan ends before that.
                planned = training.standing.steps or steps
                last = min(steps, planned)
                training.bridge.step(last)
                wait.until(lambda: training.standing.step >= last or training.state == "failed", f"{last} steps")
            if select:
                window.canvas.select([select])
            if prepare is not None:
                prepare(window)
            wait.settle(0.6)
            if not run_path and training.state != "failed":
                # The pass over the probe set goes on after the network is ready.
                wait.until(lambda: not _measuring(training.bridge.position), "the instruments")
            window.feed.refresh()
            wait.settle(0.4)
            while window.shown_network.busy:  # an answer may bring the next question
                wait.until(lambda: not window.shown_network.busy, "what is asked of the network")
                wait.settle(0.4)
            _write(_grab(window, scale), encoding, out)
        finally:
            # Nobody waits at a screen, and ending the process under a thread that imports torch would abort it.
            window.finish(patience=60.0)
            window.deleteLater()
            app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return out


def _measuring(position: Position | None) -> bool:
    return position is not None and position.activity == "measuring"


def _grab(window: QWidget, scale: float) -> QPixmap:
    if window.devicePixelRatioF() == scale:
        picture = window.grab()
    else:
        # There was an application already, and its scale cannot be changed: text and lines are sharp all the same.
        picture = QPixmap(window.size() * scale)
        picture.setDevicePixelRatio(scale)
        window.render(picture)
    for dialog in window.findChildren(QDialog):
        if dialog.isVisible():
            # Windows of their own, which stand before it on a screen.
            corner = QPoint((window.width() - dialog.width()) // 2, (window.height() - dialog.height()) // 2)
            painter = QPainter(picture)
            painter.drawPixmap(corner, dialog.grab())
            painter.end()
    return picture


def _picture_format(out: Path) -> str:
    """The kind of picture that the ending of a name stands for.

    Raises:
        InputError: There is no ending, or Qt writes no such pictures.
    """
    known = sorted(bytes(name.data()).decode() for name in QImageWriter.supportedImageFormats())
    ending = out.suffix.lower().removeprefix(".")
    if ending not in known:
        problem = f"The ending {out.suffix} is of no picture" if ending else "The name has no ending"
        raise InputError(f"{problem}: name the file .png (or one of {', '.join(known)}).", file=str(out), field="--out")
    return ending


def _write(picture: QPixmap, encoding: str, out: Path) -> None:
    """Into the file as a whole or not at all: a picture that was there before is lost only to a complete one.

    Raises:
        StorageError: It could not be written.
    """
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not picture.save(buffer, encoding.upper()):
        raise StorageError(f"{out} could not be written: Qt cannot make this picture.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{out} could not be written: {error.strerror or error}.") from error
    write_atomically(bytes(data.data()), out)


def refuse_without_display() -> None:
    """Before there is an application: where Qt would only abort.

    Raises:
        InputError: There is no display, or a library that Qt needs to reach it is missing.
    """
    if QApplication.instance() is not None:
        return
    found = display.platforms()
    if not found:
        raise InputError(display.NO_DISPLAY)
    reasons = [reason for name in found if (reason := _plugin_problem(name))]
    if len(reasons) == len(found):
        raise InputError(f"Qt cannot open a window here: {'; '.join(reasons)}.")


def _plugin_problem(platform: str) -> str:
    """Why Qt's plugin for a platform cannot be used, such as a missing library; empty when it can."""
    own_folder = os.environ.get("QT_QPA_PLATFORM_PLUGIN_PATH") or os.environ.get("QT_PLUGIN_PATH")
    if platform == "native" or own_folder:
        return ""
    folder = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath), "platforms")
    if platform.startswith("wayland"):
        platform = "wayland"
    file = folder / f"libq{platform}.so"
    if not file.exists():
        return f"there is no platform '{platform}'"
    loader = QPluginLoader(str(file))
    return "" if loader.load() else " ".join(loader.errorString().split())


class _Patience:
    """Keeps the event loop going until something is so."""

    def __init__(self, app: QApplication, seconds: float) -> None:
        self._app = app
        self._deadline = time.monotonic() + seconds

    def until(self, so: Callable[[], bool], what: str) -> None:
        """Wait.

        Raises:
            TrainingError: It took too long.
        """
        while not so():
            if time.monotonic() > self._deadline:
                raise TrainingError(f"Waiting for {what} took too long.")
            self._app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
            time.sleep(0.002)

    def settle(self, seconds: float) -> None:
        """Let everything that is under way be drawn."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
            time.sleep(0.002)
