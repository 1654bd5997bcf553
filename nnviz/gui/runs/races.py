"""The race of the window: who takes part, and the thread on which all of them train.

A race has a thread and runs of its own beside the session of the document, which rests meanwhile. Nothing here waits
for it: what stands on the screen is read ten times a second from values that the thread leaves there.
"""

from __future__ import annotations

import logging
import math
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from nnviz.data import datasets
from nnviz.errors import InputError
from nnviz.gui.look.theme import format_count
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.runs.kept_runs import MOST_COMPARED, KeptRuns
from nnviz.gui.runs.training import Training
from nnviz.project.checks.validate import problems_that_stop
from nnviz.project.entrants import MOST, Entrant, Preset, checked, presets
from nnviz.project.model import Project
from nnviz.project.variations import varied
from nnviz.record.interest import NOTHING, Interest
from nnviz.record.run import Run, RunView
from nnviz.train.change import learning_rate_of

if TYPE_CHECKING:
    from nnviz.train.race import Race, Standing

_log = logging.getLogger(__name__)

#: Milliseconds between two looks at where everyone stands.
_LOOK_EVERY = 100
#: Whether a race is being prepared, can be played, or is over; in the words of ``RaceState``, and before the first one.
NONE = "none"
_ALIVE = frozenset({"preparing", "ready", "running", "paused"})


class _Voice(QObject):
    """Carries what the race's thread says to the GUI thread."""

    made = Signal(object)
    refused = Signal(str)
    said = Signal(str)


class Races(QObject):
    """Keeps the entrants that are chosen, and the race that they run; at most one.

    Args:
        training: The document's own session, which rests while a race runs.
        kept: Lists the runs of the race as it does all others, and draws them beside each other.
        parent: Owner.
    """

    #: The entrants, or what can be pressed, are others.
    changed = Signal()
    #: Everyone may stand somewhere else.
    moved = Signal()
    #: Something could not be done, as a sentence.
    failed = Signal(str)
    #: An entrant shall be the run on the screen: its project, its run, its file.
    show_requested = Signal(object, object, object)

    def __init__(self, training: Training, kept: KeptRuns, parent: QObject) -> None:
        super().__init__(parent)
        self._training = training
        self._kept = kept
        #: The project that is varied; None before the first look.
        self._project: Project | None = None
        self._rates: tuple[tuple[Entrant, ...], Project, tuple[float, ...]] | None = None
        self._entrants: tuple[Entrant, ...] = ()
        self._race: Race | None = None
        self._thread: threading.Thread | None = None
        #: The files of races before, as long as somebody still looks at a run of them.
        self._former: weakref.WeakKeyDictionary[Run, Path] = weakref.WeakKeyDictionary()
        self._told = NONE
        self._refusal = ""
        #: The lane that is on the screen; -1 for none.
        self._shown = -1
        self._interest: Interest = NOTHING
        self._closed = False
        #: Whether it shall end as soon as it has been made.
        self._stop_wished = False
        self._voice = _Voice()
        self._voice.made.connect(self._on_made, Qt.ConnectionType.QueuedConnection)
        self._voice.refused.connect(self._on_refused, Qt.ConnectionType.QueuedConnection)
        self._voice.said.connect(self.failed, Qt.ConnectionType.QueuedConnection)
        #: Steps a second of each at the most; None for as many as the computer makes.
        self._pace: float | None = None
        training.races = self
        self._look = QTimer(self)
        self._look.setInterval(_LOOK_EVERY)
        self._look.timeout.connect(self._on_look)
        self._sweep_runs = kept.sweeps.running
        follow(training.changed, self._on_training, self)
        follow(kept.sweeps.changed, self._on_sweep, self)
        self.changed.connect(self._tell_sweeps)

    # ---- what is so ----------------------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """``none``, or what the race is doing, in the words of ``RaceState``."""
        if self._thread is not None and self._race is None:
            return "preparing"
        return NONE if self._race is None else self._race.state.value

    @property
    def alive(self) -> bool:
        """Whether a race is under way, also one that rests."""
        return self.state in _ALIVE

    @property
    def running(self) -> bool:
        """Whether everyone trains just now."""
        return self.state == "running"

    @property
    def pace(self) -> float | None:
        """Steps a second of each at the most; None for as many as the computer makes."""
        return self._pace

    def set_pace(self, steps_per_second: float | None) -> None:
        """So many steps a second of each, this race and the next; it tells whoever shows it."""
        self._pace = steps_per_second
        if self._race is not None:
            self._race.set_pace(steps_per_second)
        self.changed.emit()

    def steps_of(self, run: RunView) -> int | None:
        """How many steps a run is to make that still races; None of all others."""
        lanes = () if self._race is None or not self.alive else self._race.lanes
        return next((lane.steps for lane in lanes if lane.run is run and not run.finished), None)

    @property
    def entrants(self) -> tuple[Entrant, ...]:
        """Who takes part."""
        return self._entrants

    @property
    def learning_rates(self) -> tuple[float, ...]:
        """With which each of them begins: its optimizer's own unless it says so; NaN where that cannot be made."""
        project = self._project or self._training.document.project
        if self._rates is None or self._rates[0] is not self._entrants or self._rates[1] is not project:
            self._rates = (self._entrants, project, tuple(_rate_of(project, one) for one in self._entrants))
        return self._rates[2]

    @property
    def project(self) -> Project | None:
        """What they are variations of."""
        return self._project

    @property
    def standings(self) -> tuple[Standing, ...]:
        """Where everyone stands, in the order of the entrants; empty before there is a race."""
        return () if self._race is None else self._race.standings

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs of the race, in the order of the entrants."""
        return () if self._race is None else tuple(lane.run for lane in self._race.lanes)

    @property
    def shown(self) -> int:
        """The entrant whose run is on the screen; -1 where it is none of them."""
        replay = self._training.replay
        runs = self.runs
        return next((at for at, run in enumerate(runs) if replay is not None and replay.run is run), -1)

    def presets(self) -> tuple[Preset, ...]:
        """Lists of entrants that are ready for the document."""
        return presets(self._training.document.project)

    def path_of(self, run: Run) -> Path | None:
        """The file of a run of the race, or of one before that is still looked at."""
        lanes = () if self._race is None else self._race.lanes
        return next((lane.path for lane in lanes if lane.run is run), self._former.get(run))

    def run_at(self, path: Path) -> Run | None:
        """The run of the race, or of one before that is still looked at, that is written to a file."""
        lanes = () if self._race is None else self._race.lanes
        former = next((run for run, own in self._former.items() if own == path), None)
        return next((lane.run for lane in lanes if lane.path == path), former)

    def why_not_start(self) -> str:
        """Why no race can begin now, as a sentence; empty where it can."""
        if self.alive:
            return "The race is under way."
        if self._kept.sweeps.running:
            return "A sweep is under way: stop it first."
        problems = problems_that_stop(self._training.document.diagnostics)
        if problems:
            return f"The network cannot be trained yet: {problems[0].text}"
        if len(self._entrants) < 2:
            return "Choose a list of entrants, or add two or more."
        return ""

    def words(self) -> str:
        """What is going on, in a few words."""
        if self._refusal:
            return self._refusal
        if self.state == "preparing":
            return "preparing: everyone gets the same initial weights"
        standings = self.standings
        if not standings:
            return ""
        step = max(one.step for one in standings)
        most = max(standings, key=lambda one: one.epoch)
        planned = max(one.steps for one in standings)
        of = f" of {format_count(planned)}" if planned else ""
        return f"step {format_count(step)}{of} · epoch {most.epoch} of {most.epochs}"

    # ---- who takes part ------------------------------------------------------------------------------------------

    def choose(self, preset: Preset) -> None:
        """Take a ready list in place of who was there."""
        if preset.why_not:
            self.failed.emit(preset.why_not)
        else:
            self._set(preset.entrants)

    def add(self, entrant: Entrant) -> str:
        """One more; gives back why not, as a sentence, or an empty text."""
        reason = self._problem_of(entrant)
        if reason:
            return reason
        if len(self._entrants) >= MOST:
            return f"At most {MOST} race: more curves cannot be told apart."
        self._set((*self._entrants, entrant))
        return ""

    def replace(self, at: int, entrant: Entrant) -> str:
        """Another one in the place of an entrant; answers as :meth:`add` does."""
        reason = self._problem_of(entrant, at)
        if not reason:
            self._set((*self._entrants[:at], entrant, *self._entrants[at + 1 :]))
        return reason

    def remove(self, at: int) -> None:
        """One less."""
        self._set((*self._entrants[:at], *self._entrants[at + 1 :]))

    def _problem_of(self, entrant: Entrant, at: int = -1) -> str:
        others = [one.name for place, one in enumerate(self._entrants) if place != at]
        if entrant.name in others:
            return f"There is one called “{entrant.name}” already."
        params = {kind: spec.params for kind, spec in datasets.datasets().items()}
        try:
            entrant.project(self._training.document.project, params)
        except InputError as error:
            return error.message
        return ""

    def _set(self, entrants: Sequence[Entrant]) -> None:
        if self.alive:
            self.failed.emit("The race is under way: stop it to change who takes part.")
            return
        self._entrants, self._refusal = tuple(entrants), ""
        self._leave_race()
        self._thread = None
        self.changed.emit()

    # ---- the race ------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Begin the race, or go on with it."""
        if self.alive:
            self._rest_document()
            if self._race is not None:
                self._race.play()
                self._on_look()
            return
        self._begin(play=True)

    def step(self) -> None:
        """Everyone makes one step; the race begins with it where there is none."""
        if self._race is not None and self.alive:
            self._race.step()
            self._on_look()
        elif not self.alive:
            self._begin(play=False)

    def pause(self) -> None:
        """Everyone rests at the same step."""
        if self._race is not None:
            self._race.pause()

    def toggle(self) -> None:
        """Play or pause."""
        if self.state == "running":
            self.pause()
        else:
            self.play()

    def stop(self) -> None:
        """End the race here; the runs so far are kept."""
        self._stop_wished = True
        if self._race is not None:
            self._race.close()

    def show(self, at: int) -> None:
        """Put the run of an entrant on the screen: cards, panels and timeline are its."""
        race = self._race
        if race is None or not 0 <= at < len(race.lanes) or race.state.value == "preparing":
            return
        lane = race.lanes[at]
        if lane.path is None:
            self.failed.emit(f"The run of {lane.entrant.name} is not written to a file, so it cannot be shown.")
            return
        self._compare(at)
        self.show_requested.emit(lane.project, lane.run, lane.path)
        self._shown = at
        race.look(at, self._interest)
        self.changed.emit()

    def look_at(self, interest: Interest) -> None:
        """What is looked at in the window: it is measured of the entrant on the screen."""
        self._interest = interest
        if self._race is not None and self.shown >= 0:
            self._race.look(self.shown, interest)

    def close(self, seconds: float) -> bool:
        """The window ends: the race does, too; False if it did not in time."""
        self._closed = True
        self._look.stop()
        if self._race is not None:
            self._race.close()
        thread = self._thread
        if thread is not None and thread.is_alive():
            thread.join(seconds)
        return thread is None or not thread.is_alive()

    # ---- inside --------------------------------------------------------------------------------------------------

    def _begin(self, *, play: bool) -> None:
        reason = self.why_not_start()
        if reason:
            self.failed.emit(reason)
            return
        self._rest_document()
        project, entrants = self._training.document.project, checked(self._entrants)
        data_dir = self._training.data_dir
        self._leave_race()
        self._project, self._refusal = project, ""
        self._stop_wished, self._told = False, NONE
        voice, pace = self._voice, self._pace

        def work() -> None:
            try:
                from nnviz.train import give_way  # noqa: PLC0415 - torch belongs to this thread

                give_way()
                from nnviz.train.race import Race  # noqa: PLC0415 - as above

                race = Race(
                    project,
                    entrants,
                    data_dir=data_dir,
                    interest=NOTHING,
                    on_warning=voice.said.emit,
                )
            except InputError as error:
                voice.refused.emit(sentence_of(error))
                return
            except Exception as error:  # noqa: BLE001 - it is said; else the race would be prepared for good
                _log.warning("The race could not be made.", exc_info=True)
                voice.refused.emit(sentence_of(error))
                return
            race.set_pace(pace)
            if play:
                race.play()
            else:
                race.step()
            voice.made.emit(race)
            race.serve()

        self._thread = threading.Thread(target=work, name="nnviz-race", daemon=True)
        self._thread.start()
        self._look.start()
        self.changed.emit()

    def _leave_race(self) -> None:
        """There is another one, or none; a run of it may still be on the screen, or be drawn beside that."""
        for lane in () if self._race is None else self._race.lanes:
            if lane.path is not None:
                self._former[lane.run] = lane.path
        self._race, self._shown = None, -1

    def _rest_document(self) -> None:
        """The document's own training rests: both would want the same cores."""
        if self._training.bridge.state == "running":
            self._training.workbench.pause()

    def _on_made(self, race: Race) -> None:
        if self._closed:
            race.close()
            return
        if self._stop_wished:
            race.close()
        self._race = race
        race.set_pace(self._pace)  # it may have been chosen meanwhile
        self._on_look()

    def _on_refused(self, sentence: str) -> None:
        self._refusal, self._thread = sentence, None
        self._look.stop()
        self.changed.emit()

    def _on_look(self) -> None:
        state, race = self.state, self._race
        if race is not None and state != self._told:
            before, self._told = self._told, state
            if state == "failed":
                self._refusal = race.failure
            elif before in (NONE, "preparing", "done", "failed") and state != "preparing":
                self._on_ready()
            if not self.alive:
                self._look.stop()
                self._kept.expire()
            self.changed.emit()
        self.moved.emit()

    def _on_ready(self) -> None:
        """Everyone has a file: they are listed, and drawn beside each other, the first one on the screen."""
        self._kept.expire()
        self._kept.look()
        if self._training.document.project is self._project and not self._stop_wished:
            self.show(0)  # not in front of another project that was opened meanwhile

    def _compare(self, shown: int) -> None:
        """Draw the others beside it, as many as can be told apart; each keeps its place, and its colour."""
        paths = [] if self._race is None else [lane.path for lane in self._race.lanes]
        chosen = [at for at, path in enumerate(paths) if path is not None and at != shown][:MOST_COMPARED]
        wanted = [path for at, path in enumerate(paths) if path is not None and (at in chosen or at == shown)]
        self._kept.compare(wanted, shown=paths[shown])

    def _on_training(self) -> None:
        """The user trains the document: the race rests."""
        if self._training.bridge.state == "running" and self.state == "running":
            self.pause()
            self.failed.emit("The race rests while the network itself is trained.")
        if self._race is not None and self._shown >= 0 and self.shown < 0:  # nobody looks at any of them any more
            self._shown = -1
            self._race.look(None)

    def _on_sweep(self) -> None:
        """A race begins only while no sweep goes on."""
        if self._sweep_runs != self._kept.sweeps.running:
            self._sweep_runs = self._kept.sweeps.running
            self.changed.emit()

    def _tell_sweeps(self) -> None:
        """And the other way round."""
        self._kept.sweeps.hinder("A race is under way: stop it first." if self.alive else "")


def changes_of(text: str) -> tuple[tuple[str, object], ...]:
    """What was typed: ``training.optimizer=sgd; training.momentum=0.9``.

    Raises:
        InputError: It is no setting with a value.
    """
    found: list[tuple[str, object]] = []
    for part in filter(None, (one.strip() for one in text.split(";"))):
        path, equals, value = part.partition("=")
        if not equals or not path.strip() or not value.strip():
            raise InputError("Write a setting and its value, such as training.optimizer=sgd; training.momentum=0.9")
        found.append((path.strip(), value.strip()))
    return tuple(found)


def text_of(changes: Sequence[tuple[str, object]]) -> str:
    """The same as it is typed."""
    parts: list[str] = []
    for path, value in changes:
        params: Mapping[str, object] = getattr(value, "params", {})
        parts.append(f"{path}={getattr(value, 'kind', value)}")
        parts += [f"{path}.{name}={one}" for name, one in params.items()]
    return "; ".join(parts)


__all__ = ["MOST", "Races", "changes_of", "text_of"]


def _rate_of(project: Project, entrant: Entrant) -> float:
    try:
        return learning_rate_of(varied(project, entrant.changes))
    except InputError:
        return math.nan
