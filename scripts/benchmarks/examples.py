"""The wall of examples: a scroll step over 60,000 pictures, small pictures made beside it."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import numpy as np
from PySide6.QtWidgets import QApplication
from rows import Row, Settings, percentile

from nnviz.data.viewing import ViewedData
from nnviz.gui import app as application
from nnviz.gui.data.choosing import Wish, choose
from nnviz.gui.data.wall import Wall
from nnviz.gui.parts.background import Background
from nnviz.project.model import DataConfig, DataFacts

COUNT = 60_000


def measure(settings: Settings) -> Iterator[Row]:
    """Rows of this file."""
    app = application.application("dark")
    names = tuple(str(digit) for digit in range(10))
    drawn = np.random.default_rng(0)
    pictures = drawn.integers(0, 256, (COUNT, 1, 28, 28), np.uint8)
    labels = drawn.integers(0, 10, COUNT)
    facts = DataFacts((1, 28, 28), 10, "classes", names)
    data = ViewedData(DataConfig("mnist"), "MNIST", facts, (pictures,), (labels,))
    background = Background()
    wall = Wall(background)
    wall.resize(1000, 860)
    wall.show()
    began = time.perf_counter()
    wall.show_chosen(data, None, choose(data, None, Wish()), "")
    wall.viewport().repaint()
    first = time.perf_counter() - began
    taken = list(_scrolled(app, wall, settings.rounds(900)))
    p50, p99, worst = percentile(taken, 0.5) * 1000, percentile(taken, 0.99) * 1000, max(taken) * 1000
    yield Row(
        f"wall of {COUNT:,} pictures: a step of scrolling, far jumps too",
        f"p50 {p50:.1f}, p99 {p99:.1f}, worst {worst:.1f} ms",
        "limit p99 33 ms",
        p99 < 33,
    )
    yield Row(f"wall of {COUNT:,} pictures: sorted by class and laid out", f"{first * 1000:.0f} ms", "")
    kept = wall.thumbnails.bytes / 2**20
    yield Row("small pictures that are kept meanwhile", f"{kept:.0f} MiB", "limit 160 MiB", kept <= 160)
    background.close(5.0)
    wall.close()
    wall.deleteLater()


def _scrolled(app: QApplication, wall: Wall, steps: int) -> Iterator[float]:
    """Seconds that each step takes on the GUI thread, with whatever has arrived meanwhile."""
    bar, jumps = wall.verticalScrollBar(), random.Random(0)  # noqa: S311 - not a secret
    for step in range(steps):
        began = time.perf_counter()
        bar.setValue(jumps.randrange(bar.maximum()) if step % 40 == 39 else bar.value() + 120)
        app.processEvents()
        yield time.perf_counter() - began
        time.sleep(0.002)
