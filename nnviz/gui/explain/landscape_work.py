"""Measures landscapes of the loss for a view: asks the network once for a copy, then works beside the window.

What is asked for and what comes back are plain values; the copy itself is handed from thread to thread and never looked
into by the window.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from nnviz.errors import InputError, NnvizError
from nnviz.gui.runs.shown_network import Asked
from nnviz.gui.runs.workspace import Workspace
from nnviz.project.model import Choice

if TYPE_CHECKING:
    from nnviz.explain.landscape import LossOfExamples, Picture, Section
    from nnviz.train.training import Training

Floats = NDArray[np.float64]

_LANE = "landscape"
#: Milliseconds between two looks at what is new, and seconds after which the worker lets others compute for a moment.
_LOOK_EVERY, _GIVE_WAY = 60, 0.02
#: Numbers of a parameter up to which they are shown, to choose one by clicking.
_MOST_SHOWN = 4096
#: Lines of equal loss.
_LINES = 9
#: How many times larger the largest loss must be for powers of ten.
_WIDE = 30.0
#: The first step of a ball whose learning rate nobody chose, as a share of the longest axis; the rate it is tried with.
_STRIDE, _TRIED = 0.04, 0.1
#: Points along an axis where nobody says how many: the first where all of them take no longer than so many seconds.
_CHOSEN, _PATIENCE = (33, 17), 12.0
#: How far the axes reach beyond the way of a run, as a share of it.
_MARGIN = 0.25


@dataclass(frozen=True)
class Place:
    """One weight: node, parameter, and where it stands there."""

    node: str
    parameter: str
    index: tuple[int, ...]


@dataclass(frozen=True)
class Wanted:
    """Which landscape is wanted.

    Attributes:
        what: ``one`` (along one weight), ``two`` (over two), ``random`` (directions) or ``way`` (of the run).
        weights: Of the first two: which; the first of the network where nothing is said.
        reach: How far it goes to each side of the present weights; None chooses.
        points: Along each axis of a plane, a line has four times as many; None chooses.
        split, count: The examples.
        axes: Of ``random``: 1 or 2.
        seed: Of ``random``: chooses the directions.
        small_ones: Of ``random``: biases and the parameters of normalisations move, too.
    """

    what: str = "one"
    weights: tuple[Place, ...] = ()
    reach: float | None = None
    points: int | None = None
    split: str = "validation"
    count: int = 256
    axes: int = 2
    seed: int = 0
    small_ones: bool = False


@dataclass(frozen=True)
class Catalogue:
    """What can be chosen.

    Attributes:
        shapes: Node -> parameter -> its sizes.
        numbers: (node, parameter) -> its numbers, of those that are not too large to be shown.
    """

    shapes: Mapping[str, Mapping[str, tuple[int, ...]]]
    numbers: Mapping[tuple[str, str], NDArray[Any]]

    def first(self, node: str = "") -> Place | None:
        """The first weight of a node, or of the network where it has none."""
        node = node if self.shapes.get(node) else next((one for one, own in self.shapes.items() if own), "")
        parameter = next(iter(self.shapes.get(node, {})), "")
        return Place(node, parameter, tuple(0 for _ in self.shapes[node][parameter])) if parameter else None

    @property
    def has_one_weight(self) -> bool:
        """Whether the network has a single one, so that the loss along it is all of its landscape."""
        return sum(math.prod(sizes) for own in self.shapes.values() for sizes in own.values()) == 1

    def has(self, place: Place) -> bool:
        """Whether there is such a weight."""
        sizes = self.shapes.get(place.node, {}).get(place.parameter)
        return (
            sizes is not None
            and len(sizes) == len(place.index)
            and all(0 <= at < size for at, size in zip(place.index, sizes, strict=True))
        )


@dataclass(frozen=True, eq=False)
class Way:
    """The way of a run: where it was at which steps (the last is the present), float64[n, axes].

    ``shares`` say how much of it lies along each axis; empty where the axes were chosen without it.
    """

    steps: tuple[int, ...]
    places: Floats
    shares: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Landscape:
    """A landscape as far as it is measured.

    Attributes:
        wanted: What it is of; its weights are said.
        titles: Of its axes.
        here: Where the present weights are.
        picture: Its numbers.
        lines: (loss, float64[n, 2, 2] pieces of the line of equal loss, in coordinates); made when all is measured.
        way: Of the run; None where only the present weights are known.
        step: Of the weights.
        count: Examples.
        no_way: Why there is no way, as a sentence.
    """

    wanted: Wanted
    titles: tuple[str, ...]
    here: tuple[float, ...]
    picture: Picture
    lines: tuple[tuple[float, Floats], ...]
    way: Way | None
    step: int
    count: int
    no_way: str = ""

    @property
    def logarithmic(self) -> bool:
        """Whether its heights are better told apart by their powers of ten."""
        return is_wide(self.picture.losses)


@dataclass(frozen=True, eq=False)
class Ball:
    """The way of an optimizer over a landscape: float64[steps + 1, axes] places, with loss and slopes there."""

    choice: Choice
    places: Floats
    losses: Floats
    slopes: Floats


class LandscapeWork(QObject):
    """One landscape at a time, and balls on it. Lives on the GUI thread."""

    #: Something of :attr:`landscape`, :attr:`balls`, :attr:`progress` or :attr:`problem` is another.
    changed = Signal()

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self.landscape: Landscape | None = None
        self.catalogue: Catalogue | None = None
        self.balls: tuple[Ball, ...] = ()
        #: Share that is done, 0 to 1; None at rest.
        self.progress: float | None = None
        #: Why there is nothing, as a sentence.
        self.problem = ""
        self._asked: Asked | None = None
        self._stop = threading.Event()
        self._stop_balls = threading.Event()
        #: What the weights were copied for, and the copy.
        self._taken: tuple[tuple[object, ...], LossOfExamples] | None = None
        #: Of the landscape that is shown; it belongs to the lane.
        self._ground: tuple[LossOfExamples, Section] | None = None
        self._lock = threading.Lock()
        self._news: Landscape | None = None
        self._ball_news: tuple[Ball, ...] | None = None
        self._share = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_EVERY)
        self._timer.timeout.connect(self._look)

    # ------------------------------------------------------------------ asking

    def measure(self, wanted: Wanted) -> None:
        """Measure this one; one that is under way is broken off."""
        self.cancel()
        self.problem, self.progress, self._share = "", 0.0, 0.0
        stop = self._stop = threading.Event()
        key = (*self._workspace.network.key, wanted.split, wanted.count)
        path = self._workspace.network.kept_file
        if self._taken is not None and self._taken[0] == key:
            self._start(wanted, self._taken[1], path, stop)
            return
        self._taken = None

        def question(training: Training) -> tuple[LossOfExamples, Catalogue]:
            from nnviz.explain.landscape import LossOfExamples  # noqa: PLC0415 - torch belongs to this thread

            loss = LossOfExamples.take(training, split=wanted.split, count=wanted.count)
            return loss, _catalogue(loss)

        def done(answer: tuple[LossOfExamples, Catalogue]) -> None:
            loss, catalogue = answer
            if self.catalogue is None or catalogue.shapes != self.catalogue.shapes:
                # What is shown is of another network: its weights cannot be named beside those of this one.
                self.landscape, self._ground, self.balls = None, None, ()
            self.catalogue = catalogue
            self._taken = (key, loss)
            self._start(wanted, loss, path, stop)

        self._asked = self._workspace.network.ask(question, done, lambda error: self._failed(error, stop))
        self.changed.emit()

    def walk(self, choices: Sequence[Choice], start: Sequence[float], steps: int) -> None:
        """Let balls go down the landscape that is shown, from a place of it; nothing where there is none.

        A ball without a learning rate gets one with which its first step can be seen.
        """
        self._stop_balls.set()
        stop = self._stop_balls = threading.Event()
        if self._ground is None or not choices:
            self.balls = ()
            self.changed.emit()
            return
        loss, section = self._ground
        shown = self.landscape
        stride = (
            _STRIDE * max((float(axis[-1] - axis[0]) for axis in shown.picture.axes), default=1.0) if shown else 1.0
        )

        def work() -> None:
            from nnviz.explain.valley import Walker  # noqa: PLC0415 - torch belongs to this thread

            found = [
                choice if "learning_rate" in choice.params else _with_rate(Walker, loss, section, start, choice, stride)
                for choice in choices
            ]
            walkers = [Walker(loss, section, start, choice) for choice in found]
            rest = _Rest()
            for made in range(steps + 1):
                if stop.is_set():
                    return
                if rest.due() or made == steps:
                    with self._lock:
                        self._ball_news = tuple(_ball(walker) for walker in walkers)
                for walker in walkers:
                    walker.advance()

        def done(_nothing: None) -> None:
            if not stop.is_set():
                self._look()
                if self.progress is None:
                    self._timer.stop()

        def failed(error: BaseException) -> None:
            if not stop.is_set():
                self.balls = ()
                self._failed(error, stop)

        self._workspace.background.start(work, done, failed, _LANE)
        self._timer.start()

    def cancel(self) -> None:
        """Break off what is under way; what is measured so far stays."""
        self._stop.set()
        self._stop_balls.set()
        if self._asked is not None:
            self._asked.cancel()
            self._asked = None
        self._timer.stop()
        with self._lock:
            self._news = self._ball_news = None
        if self.progress is not None:
            self.progress = None
            self.changed.emit()

    def release(self) -> None:
        """Nobody looks any more: break off, and let the copy of the weights go."""
        self.cancel()
        self._taken = self._ground = None

    # ------------------------------------------------------------------ working

    def _start(self, wanted: Wanted, loss: LossOfExamples, path: Path | None, stop: threading.Event) -> None:
        catalogue = self.catalogue
        assert catalogue is not None  # it came with the copy

        def work() -> tuple[Landscape, Section]:
            return _measured(wanted, loss, catalogue, path, stop, self._tell)

        def done(answer: tuple[Landscape, Section]) -> None:
            if stop.is_set():
                return
            self._timer.stop()
            with self._lock:
                self._news = None
            self.landscape, section = answer
            self._ground = (loss, section)
            self.balls = ()
            self.progress = None
            self.changed.emit()

        def failed(error: BaseException) -> None:
            self._failed(error, stop)

        self._workspace.background.start(work, done, failed, _LANE)
        self._timer.start()
        self.changed.emit()

    def _tell(self, landscape: Landscape, share: float) -> None:
        """On the worker: the newest state, which takes the place of an earlier one that nobody has seen."""
        with self._lock:
            self._news, self._share = landscape, share

    def _look(self) -> None:
        with self._lock:
            news, self._news = self._news, None
            balls, self._ball_news = self._ball_news, None
            share = self._share
        if news is not None:
            self.landscape, self.progress = news, share
            self.balls = ()
        if balls is not None:
            self.balls = balls
        if news is not None or balls is not None:
            self.changed.emit()

    def _failed(self, error: BaseException, stop: threading.Event) -> None:
        if stop.is_set():
            return
        self._timer.stop()
        self.progress = None
        self.landscape, self._ground = None, None
        self.problem = str(error) if isinstance(error, NnvizError) else f"It could not be measured: {error}"
        self.changed.emit()


class _Rest:
    """Says now and then that it is time to tell of what was done, and lets others compute for a moment."""

    def __init__(self) -> None:
        self._next = time.perf_counter() + _GIVE_WAY

    def due(self) -> bool:
        if time.perf_counter() < self._next:
            return False
        time.sleep(0.001)
        self._next = time.perf_counter() + _GIVE_WAY
        return True


def _catalogue(loss: LossOfExamples) -> Catalogue:
    """On the thread that owns the network."""
    shapes: dict[str, dict[str, tuple[int, ...]]] = {}
    numbers = {}
    for key, one in loss.present.items():
        node, _, parameter = key.partition(".")
        shapes.setdefault(node, {})[parameter] = tuple(one.shape)
        if one.numel() <= _MOST_SHOWN:
            numbers[node, parameter] = one.cpu().numpy().copy()
    return Catalogue(shapes, numbers)


def _measured(
    wanted: Wanted,
    loss: LossOfExamples,
    catalogue: Catalogue,
    path: Path | None,
    stop: threading.Event,
    tell: Any,
) -> tuple[Landscape, Section]:
    """On the worker: the whole landscape; ``tell`` is given it as far as it is measured."""
    from nnviz.explain import landscape as core  # noqa: PLC0415 - torch belongs to this thread

    wanted = _with_weights(wanted, catalogue)
    way = None
    states, no_way = _states(core, loss, path)
    if wanted.what == "way":
        if no_way:
            raise InputError(no_way)
        found = core.path_section(loss, states)
        section, way = found.section, Way(found.steps, found.places, found.shares)
    elif wanted.what == "random":
        section = core.random_section(loss, axes=wanted.axes, seed=wanted.seed, small_ones=wanted.small_ones)
    else:
        section = core.over_weights(loss, [core.Weight(one.node, one.parameter, one.index) for one in wanted.weights])
        if states:
            steps = (*(step for step, _ in states), loss.step)
            way = Way(steps, section.places([*(state for _, state in states), loss.present]))
    points = wanted.points or _affordable(loss, section)
    points = 4 * points - 3 if len(section.here) == 1 else points
    ranges = _ranges(wanted, section.here, way)
    if wanted.what == "one" and wanted.reach is None and catalogue.has_one_weight:
        ranges = [core.over_the_valley(loss, section, *ranges[0])]
    axes = [np.linspace(low, high, points) for low, high in ranges]
    measurement = core.Measurement(loss, section, axes, stop.is_set)
    rest = _Rest()

    def so_far() -> Landscape:
        return Landscape(
            wanted, section.titles, section.here, measurement.picture(), (), way, loss.step, loss.count, no_way
        )

    while measurement.advance():
        if rest.due():
            tell(so_far(), measurement.done / measurement.total)
    whole = so_far()
    lines = contour_lines(whole.picture.axes, whole.picture.losses) if len(axes) == 2 else ()
    return replace(whole, lines=lines), section


def _affordable(loss: LossOfExamples, section: Section) -> int:
    """Points along an axis that this machine measures within a time that one waits for."""
    seconds = loss.seconds(section.weights(section.here))
    fine, coarse = _CHOSEN
    return fine if seconds * fine ** len(section.here) <= _PATIENCE else coarse


def _states(core: Any, loss: LossOfExamples, path: Path | None) -> tuple[list[Any], str]:
    """Those of the run before the present weights; a sentence where they cannot be read."""
    try:
        return core.kept_states(loss, path), ""
    except NnvizError as error:
        return [], str(error)


def _with_weights(wanted: Wanted, catalogue: Catalogue) -> Wanted:
    """Says which weights, where nothing was said or there is no such any more."""
    count = {"one": 1, "two": 2}.get(wanted.what, 0)
    if not count:
        return wanted
    chosen = [one for one in wanted.weights if catalogue.has(one)][:count]
    everywhere = (
        Place(node, parameter, tuple(int(at) for at in index))
        for node, own in catalogue.shapes.items()
        for parameter, sizes in own.items()
        for index in np.ndindex(*sizes)
    )
    while len(chosen) < count:
        found = next((one for one in everywhere if one not in chosen), None)
        if found is None:
            raise InputError(
                "This network has no weight." if not chosen else "This network has a single weight: look along it."
            )
        chosen.append(found)
    return replace(wanted, weights=tuple(chosen))


def _ranges(wanted: Wanted, here: Sequence[float], way: Way | None) -> list[tuple[float, float]]:
    """From where to where each axis goes: around the present weights, and over the whole way of the run."""
    found = []
    for axis, centre in enumerate(here):
        if wanted.reach is not None:
            found.append((centre - wanted.reach, centre + wanted.reach))
            continue
        half = 1.0 if wanted.what == "random" else max(2.0, 1.5 * abs(centre))
        low, high = centre - half, centre + half
        if way is not None:
            along = way.places[:, axis][np.isfinite(way.places[:, axis])]
            first, last = float(along.min(initial=centre)), float(along.max(initial=centre))
            if wanted.what == "way":
                low, high = first, last
            else:
                low, high = min(low, first), max(high, last)
        found.append((low, high))
    if wanted.what == "way":
        # Both axes are lengths in the space of the weights: the shorter one has at least a third of the longer one.
        longest = max(high - low for low, high in found) or 1.0
        for axis, (low, high) in enumerate(found):
            room = max(_MARGIN * (high - low), (longest / 3 - (high - low)) / 2, 0.02 * longest)
            found[axis] = (low - room, high + room)
    return found


def _with_rate(
    walker: Any, loss: LossOfExamples, section: Section, start: Sequence[float], choice: Choice, stride: float
) -> Choice:
    """On the worker: the optimizer with a round learning rate that makes its first step about as long as ``stride``."""
    tried = Choice(choice.kind, {**choice.params, "learning_rate": _TRIED})
    trial = walker(loss, section, start, tried)
    trial.advance()
    moved = math.dist(trial.places[0], trial.places[-1])
    rate = _TRIED * stride / moved if moved > 0 and math.isfinite(moved) else _TRIED
    return Choice(choice.kind, {**choice.params, "learning_rate": _rounded(min(max(rate, 1e-6), 1000.0))})


def _rounded(rate: float) -> float:
    """1, 2 or 5 times a power of ten, not above it."""
    power = 10.0 ** math.floor(math.log10(rate) + 1e-9)
    return float(f"{next(power * one for one in (5, 2, 1) if power * one <= rate * (1 + 1e-9)):.1g}")


def _ball(walker: Any) -> Ball:
    return Ball(walker.choice, np.array(walker.places), np.array(walker.losses), np.array(walker.slopes))


# ------------------------------------------------------------------ heights


def is_wide(losses: Floats) -> bool:
    """Whether the largest loss is many times the smallest, and all are above 0."""
    finite = losses[np.isfinite(losses)]
    return bool(finite.size and finite.min() > 0 and finite.max() > _WIDE * finite.min())


def heights(losses: Floats, *, logarithmic: bool) -> Floats:
    """What is coloured and what lines are drawn at even distances of: the losses, or their powers of ten."""
    if not logarithmic:
        return losses
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(losses > 0, np.log10(losses), np.nan)


def contour_lines(axes: Sequence[Floats], losses: Floats) -> tuple[tuple[float, Floats], ...]:
    """Lines of equal loss: (loss, float64[n, 2, 2] pieces from one place to another)."""
    import pyqtgraph as pg  # noqa: PLC0415 - called by the worker

    logarithmic = is_wide(losses)
    height = heights(losses, logarithmic=logarithmic)
    finite = height[np.isfinite(height)]
    if not finite.size or finite.min() == finite.max():
        return ()
    filled = np.where(np.isfinite(height), height, finite.max())
    found = []
    for level in np.linspace(float(finite.min()), float(finite.max()), _LINES + 2)[1:-1]:
        pieces = np.array(pg.isocurve(filled.T, level), dtype=np.float64).reshape(-1, 2, 2) - 0.5
        for axis, places in enumerate(axes):
            pieces[..., axis] = np.interp(pieces[..., axis], np.arange(len(places)), places)
        value = 10.0**level if logarithmic else float(level)
        if len(pieces) and math.isfinite(value):
            found.append((value, pieces))
    return tuple(found)
