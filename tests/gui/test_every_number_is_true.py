"""The real window is watched as a person would, while planted courses train, while the timeline is dragged, and in a
replay: every number on cards, panels, inspector and bars is what the weights of the step that it claims make of it, and
none is older than it says.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot
from watched_training import FLOOR, Truth, agrees
from window_kit import TIMEOUT, OpenWindow, state_is

from nnviz.gui.inspector.layer_tab import LayerTab
from nnviz.gui.inspector.values_tab import ValuesTab
from nnviz.gui.look.theme import format_count
from nnviz.gui.panels import base
from nnviz.gui.runs.standing import with_learning_rate
from nnviz.gui.window.window import MainWindow
from nnviz.project.model import Choice, DataConfig, Graph, Project, TrainConfig
from nnviz.project.samples.sketch import Layer, chain, features, linear, output, relu, sigmoid, tanh
from nnviz.record.age import ReadingShown
from nnviz.record.quantities import STEPS_PER_SECOND, quantity_of
from nnviz.record.run import RunView
from nnviz.record.store import RunWriter

#: Milliseconds between two looks, and looks at a course.
EVERY, LOOKS = 200, 4
PANELS = ("loss", "gradients", "dead_units", "activations")
NOISE = DataConfig("circle", {"noise": 0.4})
WINE = DataConfig("wine", preparation=(Choice("standardise"),))


@dataclass(frozen=True)
class Course:
    """A training in which something happens.

    Attributes:
        layers: Between the 13 features of the wines and the three classes.
        rate: Learning rate.
        later: The learning rate from the second look on.
        breaks: Training ends by itself, because its numbers are none any more.
        batch: Examples in a step.
        noisy: Points of the plane in and around a circle, many of which have the wrong label, instead of wines.
    """

    layers: tuple[Layer, ...]
    rate: float = 0.02
    later: float | None = None
    breaks: bool = False
    batch: int = 16
    noisy: bool = False

    @property
    def project(self) -> Project:
        graph: Graph = (
            chain(features(2), *self.layers, linear(1), output("bce_logits"))
            if self.noisy
            else chain(features(13), *self.layers, linear(3), output())
        )
        config = TrainConfig(Choice("sgd", {"learning_rate": self.rate}), self.batch, 1_000, 3)
        return Project("watched", "", graph, data=NOISE if self.noisy else WINE, training=config)


WIDE = Choice("gaussian", {"deviation": 6.0})
COURSES = {
    "healthy": Course((linear(16), relu(), linear(8), relu())),
    "the learning rate jumps to 0.5": Course((linear(16), relu(), linear(8), relu()), later=0.5),
    "saturating": Course((linear(12, weight_initialisation=WIDE), sigmoid(), linear(8), tanh())),
    "zero start": Course((linear(12, weight_initialisation="zeros"), relu(), linear(8), tanh())),
    "label noise": Course((linear(6), tanh(), linear(4), relu()), rate=0.1, noisy=True),
    "converged": Course((linear(24), tanh()), rate=0.5, batch=142),
    "not a number": Course((linear(16), linear(8)), rate=1000.0, breaks=True),
}


@dataclass(frozen=True)
class Seen:
    """A number, where it stood, and the steps that the run had before and after it was read."""

    place: str
    reading: ReadingShown
    before: int
    after: int
    limit: int
    shown: int | None

    def __str__(self) -> str:
        one = self.reading
        old = "old" if one.old else "new"
        return f"{self.place}: {one.series} {one.of} “{one.text}” of step {one.step} ({old}; run {self.before})"


def limit_of(run: RunView, before: int, step: int | None) -> int:
    """The most steps that count as of now, at any moment since the run had ``before``."""
    if step is not None:
        return 20  # no second passes at an earlier step
    steps, speeds = run.scalars(STEPS_PER_SECOND.series())
    first = max(0, int(steps.searchsorted(before, side="right")) - 1)
    return max([20, *(math.ceil(speed) for speed in speeds[first:])])


def readings_in(window: MainWindow) -> Iterator[tuple[str, ReadingShown]]:
    """Every measured number that can be seen now."""
    canvas = window.canvas
    in_sight = canvas.mapToScene(canvas.viewport().rect()).boundingRect()
    for card in canvas.canvas_scene.cards.values():
        if card.card_rect().intersects(in_sight):
            yield from ((f"card {card.node}", one) for one in card.readings_shown())
    assert window.docks is not None and window.inspector is not None
    for key, panel in window.docks.panels.items():
        if panel.isVisible() and not panel.is_empty:
            yield from ((f"panel {key}", one) for one in panel.readings_shown())
    for tab in window.inspector.tabs.values():
        if isinstance(tab, LayerTab | ValuesTab) and tab.isVisible():
            yield from ((f"inspector {tab.key}", one) for one in tab.readings_shown())


def look(window: MainWindow, course: str = "") -> list[Seen]:
    """Read everything, as it is painted now."""
    feed = window.feed
    run, shown = feed.run, feed.current_step
    before = run.last_step
    feed.poll(60.0)
    QApplication.processEvents()
    window.canvas._follower.refresh()
    window.canvas.viewport().grab()
    found = list(readings_in(window))
    limit = limit_of(run, before, shown)
    says_step(window, shown)
    return [Seen(place, one, before, run.last_step, limit, shown) for place, one in found]


def says_step(window: MainWindow, shown: int | None) -> None:
    """Top bar and foot say one step: the newest, or the one that is shown."""
    assert window.timeline is not None
    words = window.timeline.findChildren(QLabel)
    step = window.training.standing.step if shown is None else shown
    assert window.top_bar.settings.step.text() == format_count(step)
    said = f"step {format_count(step)} ·"
    assert any(label.text().startswith(said) for label in words), said


def sizes_are_told(window: MainWindow, truth: Truth) -> None:
    """Every place that says how many examples there are says what training has."""
    assert truth.training is not None and window.inspector is not None
    data = truth.training.data
    train, validation, test = (format_count(len(one)) for one in (data.train, data.validation, data.test))
    words = f"{train} examples to train, {validation} to validate, {test} to test"
    assert words in window.top_bar.pills.data.toolTip()
    window.inspector.show_tab("data")
    assert f"{train} to train, {validation} to validate, {test} to test" in window.inspector.data.facts.text()
    window.inspector.show_tab("training")
    steps = format_count(truth.training.steps_per_epoch)
    batch = truth.training.batch_size
    labels = [label.text() for label in window.inspector.training.findChildren(QLabel)]
    assert any(f"{train} examples in batches of {batch}: {steps} step" in text for text in labels), labels


def ages_are_told(seen: Seen) -> None:
    one = seen.reading
    quantity = quantity_of(one.series)
    assert quantity is not None, seen
    if quantity[0].holds:
        assert not one.old, seen
        return
    first, last = (seen.before, seen.after) if seen.shown is None else (seen.shown, seen.shown)
    assert one.step <= last, f"{seen}: measured later than what is shown"
    if first - one.step > seen.limit:
        assert one.old, f"{seen}: it does not say that it is old"
    if last - one.step <= 20:
        assert not one.old, f"{seen}: it is said to be old"


def all_true(seen: list[Seen], truth: Truth) -> None:
    known: dict[tuple[str, int, str], float] = {}
    for number in seen:
        ages_are_told(number)
        one = number.reading
        quantity = quantity_of(one.series)
        assert quantity is not None, number
        texts = {one.of: one.text}
        if " to " in one.text:
            texts = dict(zip(("low", "high"), one.text.partition(",")[0].split(" to "), strict=True))
        elif one.of == "more" and one.text == "NaN":
            texts = {"low": "NaN"}
        elif quantity[0].kind in ("array", "histogram") and not one.of and quantity[0].name != "dead_units":
            continue  # a shape
        if quantity[0].name in UNCHECKED or one.of in ("spike", "picture", "plane", "missing"):
            continue
        for of, text in texts.items():
            key = (one.series, one.step, of)
            if key not in known:
                known[key] = truth.value(*key)
            if text == "–":
                assert not math.isfinite(known[key]), number
            else:
                floor = FLOOR.get(quantity[0].name, 1e-9)
                assert agrees(text, known[key], floor), f"{number}: it is {known[key]}"


#: What stands on the screen without being a number that follows from the weights.
UNCHECKED = {"dead_since", "alive_until", "input/pinned", "gradient_mean", "plane"}


def one_truth(seen: list[Seen]) -> None:
    """At rest, what stands in several places is one reading, and a number is written with the same digits in all."""
    said: dict[tuple[str, str], Seen] = {}
    for number in seen:
        one = number.reading
        quantity = quantity_of(one.series)
        assert quantity is not None
        if one.of in ("more", "members"):
            continue
        other = said.setdefault((one.series, one.of), number)
        assert one.step == other.reading.step, f"{number}; {other}"
        if quantity[0].kind == "scalar":
            assert one.text == other.reading.text, f"{number}; {other}"


def watched(window: MainWindow) -> None:
    """Arrange the window so that as much as possible is seen."""
    window.resize(1680, 1050)
    assert window.docks is not None
    for key in PANELS:
        window.docks.show_panel(key)
    window.docks.use("loss", lambda panel: panel.set_option("view", "both"))
    QApplication.processEvents()


@pytest.mark.parametrize("name", COURSES)
def test_every_number_is_true(
    name: str, qtbot: QtBot, open_window: OpenWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "_AGES_EVERY", 0.0)
    truth = Truth()
    truth.watch(monkeypatch)
    truth.pinned = COURSES[name].project.view.pinned_sample
    course = COURSES[name]
    window = open_window(course.project)
    watched(window)
    nodes = [node for node, kind in window.document.project.graph.nodes.items() if kind.kind != "input"]
    assert window.inspector is not None
    run = window.training.run
    assert run is not None
    seen: list[Seen] = []
    window.bridge.play()
    for turn in range(LOOKS):
        window.canvas.select([nodes[turn % len(nodes)]])
        window.inspector.show_tab("values" if turn % 2 else "layer")
        if turn == 1 and course.later is not None:
            window.apply(with_learning_rate(window.document.project, course.later))
        qtbot.wait(EVERY)
        seen += look(window)
        if turn == 2:
            # The timeline is dragged while training goes on behind it.
            window.feed.set_step(run.last_step // 2)
            seen += look(window)
            window.feed.set_step(None)
    if not course.breaks:
        window.bridge.pause()
    qtbot.waitUntil(lambda: window.training.state in {"paused", "done", "failed"}, timeout=TIMEOUT)
    qtbot.wait(EVERY)
    window.inspector.show_tab("values")
    # What was measured when it came to rest is drawn a moment later.
    qtbot.waitUntil(lambda: one_truth(look(window)), timeout=TIMEOUT)
    at_rest = look(window)
    all_true(seen + at_rest, truth)
    assert {one.place.split()[0] for one in seen} == {"card", "panel", "inspector"}
    dragged(window, truth, run)
    sizes_are_told(window, truth)

    # The same from its file.
    path = tmp_path / "watched.nnvizrun"
    with RunWriter(run, path, interval=60.0):
        pass
    window.files.open(path)
    qtbot.waitUntil(state_is(window, "replay"), timeout=TIMEOUT)
    watched(window)
    replayed = look(window)
    one_truth(replayed)
    all_true(replayed, truth)
    dragged(window, truth, window.feed.run)


def dragged(window: MainWindow, truth: Truth, run: RunView) -> None:
    """Drag the timeline over the course, from its end to its start."""
    last = run.last_step
    seen: list[Seen] = []
    for share in (0.9, 0.5, 0.15, 0.0):
        window.feed.set_step(round(share * last))
        now = look(window)
        one_truth(now)
        seen += now
    window.feed.set_step(None)
    all_true(seen, truth)


@pytest.mark.parametrize(
    ("text", "value", "true"),
    [
        ("0.0713", 0.07131, True), ("0.0713", 0.0715, False), ("12 %", 0.124, True), ("12 %", 0.14, False),
        ("<0.1 %", 0.0002, True), ("1.2e−4", 1.23e-4, True), ("1.2e−4", 1.5e-4, False), ("NaN", math.nan, True),
        ("0 %", math.nan, False), ("NaN", 0.0, False), ("1\u202f234", 1233.6, True), ("∞", math.inf, True),
    ],
)  # fmt: skip
def test_the_watcher_can_read(text: str, value: float, true: bool) -> None:
    assert agrees(text, value) is true


@pytest.mark.parametrize(
    ("step", "old", "series", "told"),
    [
        (400, True, "saturation/tanh", True), (400, False, "saturation/tanh", False),
        (499, False, "saturation/tanh", True), (499, True, "saturation/tanh", False),
        (501, False, "saturation/tanh", False), (0, False, "input/pinned", True), (0, True, "input/pinned", False),
    ],
)  # fmt: skip
def test_the_watcher_sees_who_hides_its_age(step: int, old: bool, series: str, told: bool) -> None:
    seen = Seen("card", ReadingShown(series, "12 %", step, old), 500, 500, 20, None)
    if told:
        ages_are_told(seen)
    else:
        with pytest.raises(AssertionError):
            ages_are_told(seen)
