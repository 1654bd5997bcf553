"""The window while it works: lateness of its event loop, the canvas, the plots, the smallest network at full speed."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from documents import large_graph
from PySide6.QtCore import QElapsedTimer, QEventLoop, Qt, QTimer
from PySide6.QtWidgets import QApplication
from rows import Row, Settings, milliseconds, percentile

from nnviz.gui import app as application
from nnviz.gui.canvas import CanvasView
from nnviz.gui.panels.loss import LossPanel
from nnviz.gui.parts.settings import Settings as WindowSettings
from nnviz.gui.runs.shown import Shown
from nnviz.gui.window.window import MainWindow
from nnviz.project.document import Document
from nnviz.project.model import Project
from nnviz.project.samples import templates
from nnviz.record.readings import Scalar
from nnviz.record.run import Run

TICK = 5


def measure(settings: Settings) -> Iterator[Row]:
    """Rows of this file."""
    app = application.application("dark")
    yield from canvas(app, settings)
    yield from plot(app, settings)
    yield from lateness(app, settings)
    yield from spiral(app, settings)


def canvas(app: QApplication, settings: Settings) -> Iterator[Row]:
    """Frames of a large network while it is moved and zoomed."""
    document = Document(Project(graph=large_graph(1000)))
    view = CanvasView(document)
    view.resize(1280, 720)
    view.show()
    app.processEvents()
    for what, prepare, move in (
        ("pan, whole network in view", view.camera.fit, _pan),
        ("zoom, whole network in view", view.camera.fit, _zoom),
        ("pan, full size", view.camera.zoom_reset, _pan),
    ):
        prepare()
        app.processEvents()
        taken = []
        for index in range(settings.rounds(90)):
            began = time.perf_counter()
            move(view, index)
            view.viewport().repaint()
            taken.append(time.perf_counter() - began)
        yield Row(
            f"canvas of 1,000 nodes: {what}",
            f"{milliseconds(taken)} a frame",
            "limit 16.7 ms",
            statistics.median(taken) < 1 / 60,
        )
    view.close()
    view.deleteLater()


def _pan(view: CanvasView, index: int) -> None:
    bar = view.horizontalScrollBar()
    bar.setValue(bar.value() + (9 if index % 40 < 20 else -9))


def _zoom(view: CanvasView, index: int) -> None:
    factor = 1.03 if index % 20 < 10 else 1 / 1.03
    view.scale(factor, factor)


def plot(app: QApplication, settings: Settings) -> Iterator[Row]:
    """A frame of the loss panel with a million measured points behind it."""
    run = Run()
    values = np.random.default_rng(0).normal(1.0, 0.1, 1_000_000)
    for first in range(0, len(values), 10_000):
        run.append(Scalar("loss/train", step, float(values[step])) for step in range(first, first + 10_000))
    folder = tempfile.TemporaryDirectory(prefix="nnviz-")
    remembered = WindowSettings(Path(folder.name) / "settings.ini")
    window = MainWindow(Document(templates.sample("digits-cnn")), settings=remembered)  # for its workspace: never shown
    panel = LossPanel(window.workspace)
    panel.resize(520, 240)
    panel.show()
    app.processEvents()
    panel.refresh(Shown(run), frozenset({"loss/train"}))
    taken = []
    for index in range(settings.rounds(30)):
        run.append([Scalar("loss/train", 1_000_000 + index, 1.0)])
        began = time.perf_counter()
        panel.refresh(Shown(run), frozenset({"loss/train"}))
        panel.repaint()
        app.processEvents()
        taken.append(time.perf_counter() - began)
    yield Row(
        "loss panel over a million steps, one more arriving",
        f"{milliseconds(taken)} a frame",
        "limit 16 ms",
        statistics.median(taken) < 0.016,
    )
    panel.close()
    panel.deleteLater()
    window.finish()
    window.deleteLater()
    folder.cleanup()


def lateness(app: QApplication, settings: Settings) -> Iterator[Row]:
    """How late a 5 ms timer of the GUI thread fires while cnn-32-64 trains beside it."""
    if settings.data_dir is None:
        yield Row("event loop while cnn-32-64 trains", "not measured", "needs --data-dir with MNIST")
        return
    with _window("cnn-32-64", settings) as window:
        _wait(app, lambda: window.training.state == "ready", 120)
        window.canvas.select(["conv2"])
        window.training.toggle()
        _wait(app, lambda: window.training.standing.step >= 2, 60)
        late = _timer_lateness(app, 10 if settings.quick else 30)
        steps = window.training.standing.step
    p50, p99, worst = percentile(late, 0.5) * 1000, percentile(late, 0.99) * 1000, max(late) * 1000
    yield Row(
        f"event loop lateness while cnn-32-64 trains ({steps} steps)",
        f"p50 {p50:.1f}, p99 {p99:.1f}, worst {worst:.1f} ms",
        "limit p50 5, p99 33, worst 100 ms",
        p50 < 5 and p99 < 33 and worst < 100,
    )


def spiral(app: QApplication, settings: Settings) -> Iterator[Row]:
    """Epochs a second of the smallest network with the window live."""
    with _window("spiral", settings) as window:
        _wait(app, lambda: window.training.state == "ready", 60)
        window.training.toggle()
        _wait(app, lambda: window.training.standing.epoch >= 5, 60)
        began, first = time.perf_counter(), window.training.standing.step
        _wait(app, lambda: time.perf_counter() - began > 4 or window.training.state == "done", 60)
        position = window.bridge.position
        assert position is not None
        epochs = (position.step - first) / position.steps_per_epoch / (time.perf_counter() - began)
    yield Row(
        "spiral 2-8-8-1, batch 10, in the window with all instruments",
        f"{epochs:.0f} epochs/s",
        "limit 60 epochs/s",
        epochs >= 60,
    )


class _window:  # noqa: N801 - used like a function, as context managers are
    """A real window on a sample, closed at the end."""

    def __init__(self, sample: str, settings: Settings) -> None:
        self._folder = tempfile.TemporaryDirectory()
        document = Document(templates.sample(sample))
        remembered = WindowSettings(Path(self._folder.name) / "settings.ini")
        self._window = MainWindow(document, None, settings.data_dir, remembered)

    def __enter__(self) -> MainWindow:
        self._window.resize(1680, 1050)
        self._window.show()
        return self._window

    def __exit__(self, *error: object) -> None:
        self._window.finish()
        self._window.deleteLater()
        self._folder.cleanup()


def _wait(app: QApplication, so: Callable[[], bool], seconds: float) -> None:
    # An event loop that sleeps, as the program's own does: asking over and over would take the interpreter's lock.
    deadline = time.monotonic() + seconds
    loop = QEventLoop(app)
    timer = QTimer()
    timer.timeout.connect(lambda: loop.quit() if so() or time.monotonic() > deadline else None)
    timer.start(20)
    loop.exec()
    timer.stop()
    if not so():
        raise TimeoutError("the window did not get there in time")


def _timer_lateness(app: QApplication, seconds: float) -> list[float]:
    """Seconds by which a timer was late, each time."""
    late: list[float] = []
    clock = QElapsedTimer()
    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)

    def fired() -> None:
        late.append(max(0.0, clock.nsecsElapsed() / 1e9 - TICK / 1000))
        clock.restart()

    timer.timeout.connect(fired)
    clock.start()
    timer.start(TICK)
    loop = QEventLoop()
    QTimer.singleShot(round(seconds * 1000), loop.quit)
    loop.exec()
    timer.stop()
    return late
