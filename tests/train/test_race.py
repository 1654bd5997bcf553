"""A race: one start, one order of batches, each as if it were alone, and one that fails ends alone."""

from __future__ import annotations

import math
import signal
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from waiting import wait_for

from nnviz import interruption
from nnviz.errors import Cancelled, InputError, TooLargeError
from nnviz.gui.panels.numbers import smooth
from nnviz.project.entrants import MOST, Entrant, presets
from nnviz.project.model import Project
from nnviz.project.samples.templates import sample
from nnviz.project.starts import starts_of
from nnviz.record.library import Label, Library
from nnviz.record.places import runs_folder
from nnviz.record.readings import Scalar
from nnviz.record.run import Run
from nnviz.record.store import RunWriter, open_run
from nnviz.train import checkpoint as checkpoints
from nnviz.train import race as races
from nnviz.train.preparing import Preparing
from nnviz.train.race import Race, RaceState, Standing, memory_of, ranked
from nnviz.train.session import TrainingSession
from nnviz.train.state import TrainingState


def _spiral(epochs: int = 2) -> Project:
    project = sample("spiral")
    return msgspec.structs.replace(project, training=msgspec.structs.replace(project.training, epochs=epochs))


def _with_dropout() -> Project:
    """Digits with a short course and dropout, which draws random numbers in every step."""
    project = sample("digits-cnn")
    training = msgspec.structs.replace(project.training, epochs=1, batch_size=64)
    data = msgspec.structs.replace(project.data, validation_fraction=0.8)
    return msgspec.structs.replace(project, training=training, data=data)


def _preset(project: Project, key: str) -> tuple[Entrant, ...]:
    return next(preset.entrants for preset in presets(project) if preset.key == key)


def _alone(project: Project) -> dict[str, torch.Tensor]:
    session = TrainingSession(project, Run(), probes=())
    session.train()
    return dict(session.training.network.state_dict())


def _weights(path: Path) -> dict[str, torch.Tensor]:
    with open_run(path) as run:
        return dict(checkpoints.from_blobs(run.load_checkpoint()).weights)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))


def test_each_of_six_optimizers_starts_alike_and_becomes_what_it_is_alone() -> None:
    project = _spiral(epochs=1)
    race = Race(project, _preset(project, "optimizers"))
    found = race.train()
    assert len(found) == 6 and all(one.done and one.epoch == 1 for one in found)
    assert len({one.start for one in found}) == 1 and math.isfinite(found[0].start)
    first = [lane.run.scalars("loss/train")[1][0] for lane in race.lanes]
    assert len(set(first)) == 1  # of the first batch, before the first update
    assert sorted(one.rank for one in found) == [1, 2, 3, 4, 5, 6]
    assert found[[one.rank for one in found].index(1)].loss == min(one.loss for one in found)
    finals = []
    for lane in race.lanes:
        assert lane.path is not None
        mine, own = _weights(lane.path), _alone(lane.project)
        assert mine.keys() == own.keys() and all(torch.equal(mine[name], own[name]) for name in mine)
        finals.append(mine)
    name = next(iter(finals[0]))
    assert all(not torch.equal(finals[0][name], other[name]) for other in finals[1:])
    labels = Library(race.lanes[0].path.parent).labels()
    assert {(label.title, label.tags) for label in labels.values()} == {
        (lane.entrant.name, ("race: spiral",)) for lane in race.lanes
    }


def test_dropout_draws_for_each_what_it_draws_alone() -> None:
    project = _with_dropout()
    race = Race(project, _preset(project, "dropout"), probes=lambda: ())
    found = race.train()
    assert found[0].start == found[1].start
    lane = race.lanes[0]
    assert lane.path is not None
    mine, own = _weights(lane.path), _alone(lane.project)
    assert all(torch.equal(mine[name], own[name]) for name in own)


def test_one_that_fails_ends_alone_with_its_sentence() -> None:
    changes = (("training.optimizer", "sgd"), ("training.learning_rate", 1000.0), ("activations", "relu"))
    project = _spiral()
    graph = project.graph
    output = graph.nodes["output"]
    loss = msgspec.structs.replace(output, params={**output.params, "loss": "mse"})
    project = msgspec.structs.replace(
        project, graph=msgspec.structs.replace(graph, nodes={**graph.nodes, "output": loss})
    )
    race = Race(project, (Entrant("careful"), Entrant("wild", changes)))
    careful, wild = race.train()
    assert careful.done and careful.epoch == 2 and careful.rank == 1 and not careful.failure
    assert not wild.done and wild.rank == 0 and "finite" in wild.failure
    assert race.state is RaceState.DONE and race.lanes[1].run.finished and race.lanes[1].run.state == "failed"


def test_a_run_of_which_a_part_is_lost_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = RunWriter._end

    def without_a_part(writer: RunWriter, written: bool) -> None:
        writer._thinned = True
        ended(writer, written)

    monkeypatch.setattr(RunWriter, "_end", without_a_part)
    said: list[str] = []
    race = Race(_spiral(1), _preset(_spiral(1), "activations")[:2], probes=lambda: (), on_warning=said.append)
    race.train()
    assert not any(lane.complete for lane in race.lanes)
    assert said == [f"{lane.path} holds only a part of the run." for lane in race.lanes]


def test_a_step_that_was_torn_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second Ctrl-C: who was in the middle of a step keeps its last whole state, the others the present one."""
    race = Race(_spiral(), (Entrant("whole"), Entrant("torn", (("training.seed", 5),))), probes=lambda: ())
    made = TrainingState.step_made
    monkeypatch.setattr(interruption, "ECHO", 0.0)

    def tear(state: TrainingState) -> None:
        if state.step == 39 and race.lanes[1].session is not None and state is race.lanes[1].session.training._state:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        made(state)

    monkeypatch.setattr(TrainingState, "step_made", tear)
    with pytest.raises(KeyboardInterrupt):
        race.train()
    last = []
    for lane in race.lanes:
        assert lane.path is not None
        with open_run(lane.path) as run:
            last.append((run.checkpoints()[-1].step, run.checkpoints()[-1].tag == "stop"))
    assert last[0][0] > 32 and last[0][1] and last[1] == (32, False)


@pytest.mark.parametrize("at", [0, 1])
def test_a_race_that_is_closed_before_it_begins_leaves_no_file_and_each_has_its_tag_from_its_making(
    at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    race = Race(_spiral(), (Entrant("one"), Entrant("other", (("training.seed", 5),))), on_warning=said.append)
    measure = Race._measure_start
    labels: list[Label | None] = []

    def interrupted(self: Race, lane: races.Lane) -> None:
        assert lane.path is not None
        labels.append(Library(runs_folder()).labels().get(lane.path.name))
        if lane is self.lanes[at]:
            signal.raise_signal(signal.SIGINT)
        measure(self, lane)

    monkeypatch.setattr(Race, "_measure_start", interrupted)
    with pytest.raises(Cancelled, match="nothing of it is kept"):
        race.train()
    assert labels == [Label(name, (race.tag,)) for name in ("one", "other")[: at + 1]]
    assert not Library(runs_folder()).runs() and not Library(runs_folder()).labels()
    assert not said and all(lane.path is None and lane.complete for lane in race.lanes)


def test_everyone_trains_on_data_of_their_own_where_the_first_cannot_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    """The data that are passed on are those of the second, and the third asked for those of the first."""
    prepare = Preparing.prepare

    def failing(preparing: Preparing, **wishes: Any) -> Any:
        if preparing.project.training.seed == 5:
            raise TooLargeError("The memory is not enough.")
        return prepare(preparing, **wishes)

    monkeypatch.setattr(Preparing, "prepare", failing)
    other = ("data.validation_fraction", 0.5)
    entrants = (Entrant("first", (("training.seed", 5),)), Entrant("second", (other,)), Entrant("third"))
    race = Race(_spiral(), entrants, keep=False, probes=lambda: ())
    race._prepare()
    held_back = [lane.session.position.validation_count if lane.session else None for lane in race.lanes]
    race._end()
    alone = TrainingSession(race.lanes[2].project, Run(), probes=())
    alone.begin()
    assert held_back[0] is None and held_back[2] == alone.position.validation_count != held_back[1]
    alone.end()


def test_pausing_and_stepping_leave_all_at_the_same_step() -> None:
    project = _spiral(epochs=500)
    race = Race(project, _preset(project, "activations"), keep=False)
    thread = threading.Thread(target=race.serve)
    thread.start()

    def wait(state: RaceState, least: int) -> set[int]:
        def there() -> bool:
            assert race.state is not RaceState.FAILED, race.failure
            return race.state is state and min(one.step for one in race.standings) >= least

        wait_for(there, 60)
        return {one.step for one in race.standings}

    try:
        wait(RaceState.READY, 0)
        race.step()
        assert wait(RaceState.PAUSED, 1) == {1}
        race.play()
        wait(RaceState.RUNNING, 5)
        race.pause()
        stood = wait(RaceState.PAUSED, 5)
        assert len(stood) == 1
    finally:
        race.close()
        thread.join(30)
    assert not thread.is_alive() and race.state is RaceState.DONE
    assert all(lane.run.finished and not lane.failure for lane in race.lanes)


def test_what_cannot_race_is_refused_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    project = _spiral()
    with pytest.raises(InputError, match="1 cannot race"):
        Race(project, (Entrant("one"),))
    with pytest.raises(InputError, match="9 cannot race"):
        Race(project, [Entrant(str(number)) for number in range(MOST + 1)])
    with pytest.raises(InputError, match="Two entrants are called"):
        Race(project, (Entrant("one"), Entrant("one")))
    with pytest.raises(InputError, match="much: learning rate is"):
        Race(project, (Entrant("one"), Entrant("much", (("training.learning_rate", 1e9),))))
    race = Race(project, _preset(project, "optimizers"), keep=False)
    monkeypatch.setattr(races, "available_bytes", lambda device: 2**20)
    with pytest.raises(TooLargeError, match="A race of 6 needs about"):
        race.train()


def test_initial_weights_race_in_all_layers_also_in_those_with_a_start_of_their_own() -> None:
    project = sample("digits-cnn")
    entrants = _preset(project, "initialisations")
    assert [one.name for one in entrants][:3] == ["as it is", "PyTorch default", "Zeros"]
    for entrant in entrants[1:]:
        varied = entrant.project(project)
        kind = varied.training.initialisation.kind
        starts = starts_of(varied.graph, varied.training.initialisation)
        assert {start.choice.kind for start in starts.values()} == {kind} and len(starts) == 4
    mlp = sample("mlp-50")  # of which no layer says anything
    assert _preset(mlp, "initialisations")[0].name == "PyTorch default"


def test_ranks_go_by_validation_once_there_is_one_and_leave_out_who_failed() -> None:
    def standing(name: str, loss: float, batch: float, failure: str = "") -> Standing:
        return Standing(name, loss=loss, batch_loss=batch, failure=failure)

    nan = math.nan
    before = ranked([standing("a", nan, 2.0), standing("b", nan, 1.0), standing("c", nan, nan)])
    assert [one.rank for one in before] == [2, 1, 3]
    between = ranked([standing("a", 0.5, 2.0), standing("b", nan, 1.0)])  # whose epoch has not ended yet is not behind
    assert [one.rank for one in between] == [2, 1]
    after = ranked([standing("a", 0.5, 2.0), standing("b", 0.7, 1.0), standing("c", 0.1, 0.1, "gone")])
    assert [one.rank for one in after] == [1, 2, 0]
    # After the first step all have the loss with which they began: nobody is ahead.
    alike = ranked([standing("a", nan, 2.38), standing("b", nan, 2.38), standing("c", nan, 2.38)])
    assert [one.rank for one in alike] == [1, 1, 1]
    two = ranked([standing("a", 0.5, 1.0), standing("b", 0.5, 1.0), standing("c", 0.7, 1.0)])
    assert [one.rank for one in two] == [1, 1, 3]


@pytest.mark.parametrize("steps", [1, 7, 99, 100, 640])
def test_the_loss_of_the_batches_is_where_its_curve_ends(steps: int) -> None:
    values = 2.0 + np.random.default_rng(3).normal(size=steps)
    run = Run()
    run.append([Scalar("loss/train", at + 1, float(value)) for at, value in enumerate(values)])
    lane = Race(_spiral(epochs=1), _preset(_spiral(), "activations")[:2], keep=False).lanes[0]
    standing = replace(lane, run=run).standing
    assert math.isclose(standing.batch_loss, smooth(values, memory_of(steps))[-1], rel_tol=1e-6)


def test_slow_motion_is_one_round_at_a_time_and_lets_go_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    race = Race(_spiral(epochs=1), _preset(_spiral(), "activations")[:2], keep=False)
    rounds: list[int] = []
    inner = race._round
    monkeypatch.setattr(race, "_round", lambda steps: (rounds.append(steps), inner(steps)))
    with pytest.raises(InputError):
        race.set_pace(0.0)
    race.set_pace(1e-4)  # the second round would come after hours
    race.play()
    thread = threading.Thread(target=race.serve)
    thread.start()
    try:
        wait_for(lambda: rounds == [1] and all(one.step == 1 for one in race.standings))
        assert race.state is RaceState.RUNNING and race.standings[0].steps == 32
        race.step()  # asked for in between, everyone makes one, and rests
        wait_for(lambda: race.state is RaceState.PAUSED and {one.step for one in race.standings} == {2})
        race.play()
        race.set_pace(None)
        thread.join(30)
    finally:
        race.close()
        thread.join(30)
    assert all(one.done and one.step == 32 for one in race.standings) and max(rounds) > 1
