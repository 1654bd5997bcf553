"""The neuron view of spiral while it trains: frames a second, and epochs a second beside the bare loop."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

from PySide6.QtWidgets import QApplication
from rows import Row, Settings
from training import SPIRAL_EPOCHS, spiral_loop
from window import _wait, _window

from nnviz.data.tensors import load
from nnviz.gui.app import application
from nnviz.gui.window.window import MainWindow
from nnviz.project.samples import templates

#: Seconds of one look, and what is to be held.
_SECONDS = 2.0
_FRAMES, _SHARE = 30.0, 0.8


def measure(settings: Settings) -> Iterator[Row]:
    """Rows of this file."""
    app = application("dark")
    project = templates.sample("spiral")
    data, batch_size = load(project.data), project.training.batch_size
    spiral_loop(data, batch_size)
    with _window("spiral", settings) as window:
        _wait(app, lambda: window.training.state == "ready", 60)
        window.bridge.set_epochs(100_000)
        window.centre.show_neurons(True)
        window.training.play()
        _wait(app, lambda: window.training.standing.epoch >= 20, 60)
        frames: list[float] = []
        shares: list[float] = []
        epochs: list[float] = []
        for _ in range(settings.rounds(5)):
            seen, trained = _look(window, app)
            window.training.pause()
            _wait(app, lambda: window.training.state == "paused", 20)
            bare = SPIRAL_EPOCHS / statistics.median(spiral_loop(data, batch_size) for _ in range(3))
            frames.append(seen)
            epochs.append(trained)
            shares.append(trained / bare)
            window.training.play()
            _wait(app, lambda: window.training.state == "running", 20)
            _wait(app, _after(0.3), 5)
    yield Row(
        "neuron view of spiral 2-8-8-1 while it trains",
        f"{statistics.median(frames):.0f} frames/s ({min(frames):.0f}–{max(frames):.0f})",
        f"limit {_FRAMES:.0f} frames/s",
        statistics.median(frames) >= 0.95 * _FRAMES,
    )
    yield Row(
        "spiral 2-8-8-1 with the neuron view open, against a bare loop",
        f"{statistics.median(shares):.2f} of its epochs a second ({min(shares):.2f}–{max(shares):.2f})",
        f"limit {_SHARE} ({statistics.median(epochs):.0f} epochs/s)",
        statistics.median(shares) >= _SHARE,
    )


def _look(window: MainWindow, app: QApplication) -> tuple[float, float]:
    """Frames and epochs a second."""
    view = window.centre.neurons
    position = window.bridge.position
    assert view is not None and position is not None
    began, painted, step = time.perf_counter(), view.picture.painted, position.step
    _wait(app, _after(_SECONDS), 20)
    seconds = time.perf_counter() - began
    now = window.bridge.position
    assert now is not None
    return (view.picture.painted - painted) / seconds, (now.step - step) / now.steps_per_epoch / seconds


def _after(seconds: float) -> Callable[[], bool]:
    end = time.perf_counter() + seconds
    return lambda: time.perf_counter() > end
