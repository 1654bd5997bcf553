"""A sweep makes every run once, says mean and spread as numpy does, goes on where it stopped, and executes nothing."""

from __future__ import annotations

import itertools
import json
import math
import pickle
import threading
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from nnviz.data.examples import LoadedData
from nnviz.data.tensors import load as load_data
from nnviz.errors import InputError, StorageError, TooLargeError
from nnviz.project.entrants import entrants_of
from nnviz.project.files import io
from nnviz.project.model import Project
from nnviz.project.samples import templates
from nnviz.project.settings import with_setting
from nnviz.project.starts import one_start_note, starts_of, with_one_start, with_own_start
from nnviz.project.variations import Variation
from nnviz.record.library import Library
from nnviz.record.places import runs_folder
from nnviz.record.run_lock import RunLock
from nnviz.record.store import open_run
from nnviz.train import sweep_record
from nnviz.train.headless import train_to_file
from nnviz.train.position import Outcome
from nnviz.train.sweep import Budget, Progress, Sweep
from nnviz.train.sweep_record import Plan, SweepRecord, SweptRun, Trial
from nnviz.train.sweep_search import Judge, next_point
from nnviz.train.sweep_space import Space


def project(**changed: object) -> Project:
    found = templates.sample("spiral")
    for path, value in {"training.epochs": 2, "training.batch_size": 400, **changed}.items():
        found = with_setting(found, path, value)
    return found


def plan(*vary: str, **others: object) -> Plan:
    return Plan("tried", io.dumps(project()).decode(), vary, **others)  # type: ignore[arg-type]  # its fields


def trial(number: int, value: float | None, *, curve: tuple[float, ...] = (), rate: float = 0.01) -> Trial:
    run = SweptRun(0, "a.nnvizrun", "failed" if value is None else "done", value, curve)
    return Trial(number, {"training.learning_rate": rate}, (), (run,))


def losses_in_file(run: SweptRun) -> list[float]:
    """The validation losses at the ends of the epochs, as the run's own file has them."""
    with open_run(runs_folder() / run.run) as stored:
        assert not len(stored.scalars("loss/test")[0]), "the test split decides nothing"
        return [float(value) for step, value in zip(*stored.scalars("loss/validation"), strict=True) if step > 0]


def test_a_grid_has_every_value_with_every_other_and_what_means_nothing_is_left_out() -> None:
    vary = ("training.optimizer=sgd,adam", "training.momentum=0,0.9", "training.learning_rate=1e-4..1e-1:log:4")
    space = Space.of(vary, project(), {})
    rates = [float(f"{rate:.6g}") for rate in np.geomspace(1e-4, 1e-1, 4)]
    points = [tuple(point.values()) for point in space.grid()]
    assert points == [*itertools.product(("sgd", "adam"), ("0", "0.9"), rates)]
    # Adam has no momentum: its points with one and with another are the same, and made once.
    trials: list[Trial] = []
    while (found := next_point(plan(*vary), space, trials)) is not None:
        trials.append(found)
    assert len(trials) == len({found.meant for found in trials}) == 2 * 4 + 4


@pytest.mark.parametrize(
    ("vary", "words"),
    [
        ("training.seed=1,2", "number of seeds"),
        ("training.learning_rate=0..0.1:log", "begins above 0"),
        ("training.learning_rate=0.1..0.01", "from a lower number"),
        ("training.learning_rate=0.1,-1", "learning rate is -1"),
        ("training.epochs=1.5..3", "whole numbers"),
        ("training.optimizer=sgd,none-such", "none-such"),
        ("nowhere.at_all=1,2", "no such setting"),
        ("training.batch_size=1..", "no range"),
    ],
)
def test_what_cannot_be_varied_is_said_in_a_sentence(vary: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Space.of([vary], project(), {})


def test_search_and_judge_go_by_what_the_trials_say() -> None:
    """TPE looks where the loss was low; a run that is worse than the median at its epoch is given up."""
    vary = ("training.learning_rate=1e-4..1:log",)
    space = Space.of(vary, project(), {})
    rates = np.geomspace(1e-4, 1, 25)
    trials = [trial(at, abs(math.log10(rate) + 3), rate=float(rate)) for at, rate in enumerate(rates)]
    asked = [
        next_point(plan(*vary, search="tpe"), space, [*trials, *(trial(25 + n, None) for n in range(extra))])
        for extra in range(6)
    ]
    found = [float(one.settings["training.learning_rate"]) for one in asked if one is not None]
    assert abs(np.median(np.log10(found)) + 3) < 0.7  # of a range four decades wide
    judged = [trial(at, 0.5, curve=(1.0, 0.9, 0.5)) for at in range(3)]
    pruning = plan(*vary, pruning=True)
    assert not Judge(pruning, space, judged, trial(3, None)).gives_up((0.9, 0.8))
    assert Judge(pruning, space, judged, trial(3, None)).gives_up((1.1, 1.1))


def test_how_long_it_takes_is_known_once_a_run_has_ended() -> None:
    assert math.isnan(Progress(trial=0, epochs=2, planned=4).left_seconds)
    assert Progress(trial=1, epoch=1, epochs=2, runs=1, planned=4, run_seconds=8.0).left_seconds == 20.0


def test_mean_and_spread_are_those_of_the_run_files_and_a_failure_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def train(project: Project, *arguments: Any, **others: Any) -> Outcome:
        if project.training.optimizer.params["learning_rate"] == 0.02:
            raise TooLargeError("The memory is not enough.")
        return train_to_file(project, *arguments, **others)

    monkeypatch.setattr("nnviz.train.sweep.train_to_file", train)
    sweep = Sweep.begin(plan("training.learning_rate=0.02,0.01", seeds=2), Budget(), probes=())
    assert sweep.run() == "Every combination was tried."
    record = sweep_record.load(sweep.path)
    assert record == sweep.record
    failed, good = record.trials
    assert [(run.state, run.reason) for run in failed.runs] == [("failed", "The memory is not enough.")] * 2
    best = [min(losses_in_file(run)) for run in good.runs]
    assert good.values == best
    assert good.mean == pytest.approx(np.mean(best))
    assert good.spread == pytest.approx(np.std(best, ddof=1))
    assert record.best_first() == [good, failed]
    assert {label.tags for label in Library(runs_folder()).labels().values()} == {("sweep: tried",)}


def test_no_name_takes_the_file_of_another_sweep_and_each_can_be_opened_again() -> None:
    """Long names are cut for their files, and so must not be cut to the same one."""
    names = ["x" * 70, "x" * 70, "x" * 71, "y" * 200, "y" * 200, "v1. (2)", "v1. (2)", "👨\u200d👩\u200d👧 tried"]
    made = [
        Sweep.begin(msgspec.structs.replace(plan("training.learning_rate=0.1"), name=name), Budget()) for name in names
    ]
    assert len({one.path for one in made}) == len(names)
    for name, one in zip(names, made, strict=True):
        record = Sweep.reopen(one.path, Budget()).record
        assert record == one.record and sweep_record.path_of(record.plan.name) == one.path
        assert record.plan.name.startswith(name[:60])


def test_where_nothing_can_be_kept_the_real_reason_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(InputError, match=r"tried\.nnvizsweep: The sweep cannot be kept here: Permission denied\.$"):
        Sweep.begin(plan("training.learning_rate=0.1"), Budget())


def test_a_sweep_that_was_broken_off_makes_exactly_what_is_missing() -> None:
    whole = plan("training.learning_rate=1e-3..1e-1:log", search="tpe", seeds=2)
    straight = Sweep.begin(whole, Budget(runs=3), probes=())
    straight.run()
    before = len(Library(runs_folder()).runs())

    def stop() -> None:
        if broken.record.runs == 1 and broken.progress.epoch == 1:
            broken.stop()

    broken = Sweep.begin(whole, Budget(runs=3), on_change=stop, probes=())
    assert "Stopped" in broken.run()
    kept = sweep_record.load(broken.path)
    assert [run.state for found in kept.trials for run in found.runs] == ["done", "begun"]
    again = Sweep.reopen(broken.path, Budget(runs=3), probes=())
    again.run()
    assert len(Library(runs_folder()).runs()) == before + 3
    assert kept.trials[0].runs[1].run == again.record.trials[0].runs[1].run  # gone on with in its own file

    def made(record: SweepRecord) -> list[object]:
        return [(found.settings, [(run.seed, run.curve) for run in found.runs]) for found in record.trials]

    assert made(again.record) == made(straight.record)


@pytest.mark.parametrize("moment", ["between two runs", "while a run is prepared"])
def test_it_rests_at_once_whenever_it_is_told_to(moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked where no session could be paused: no epoch ends until it may go on, and it says at once that it rests."""
    asked = threading.Event()
    said: list[bool] = []
    trained_asleep: list[int] = []

    def rest() -> None:
        if not asked.is_set():
            sweep.rest()
            said.append(sweep.progress.resting)
            asked.set()

    def on_change() -> None:
        if moment == "between two runs" and sweep.progress.trial == 0:
            rest()
        if sweep.progress.epoch and sweep.progress.resting:
            trained_asleep.append(sweep.progress.epoch)

    def load(*arguments: Any, **others: Any) -> LoadedData:
        if moment == "while a run is prepared":
            rest()
        return load_data(*arguments, **others)

    monkeypatch.setattr("nnviz.train.preparing.load_data", load)
    sweep = Sweep.begin(plan("training.learning_rate=0.01"), Budget(), on_change=on_change, probes=())
    thread = threading.Thread(target=sweep.run)
    thread.start()
    try:
        assert asked.wait(20)
        thread.join(0.4)
        assert thread.is_alive() and sweep.progress.resting
        sweep.go_on()
        assert not sweep.progress.resting
        thread.join(20)
    finally:
        sweep.stop()
    assert said == [True] and not trained_asleep
    assert sweep.progress.ended == "Every combination was tried." and sweep.record.trials[0].values


def test_one_sitting_at_a_time_and_what_passes_leaves_the_run_to_be_made() -> None:
    """A second one ends with a sentence; a busy file or a full disk is no result."""
    whole = plan("training.learning_rate=0.01,0.02")
    said: list[str] = []

    def another() -> None:
        if first.progress.epoch == 1 and not said:
            with pytest.raises(InputError, match="Another nnviz is making the runs") as refused:
                Sweep.reopen(first.path, Budget(), probes=()).run()
            said.append(str(refused.value))
            first.stop()

    first = Sweep.begin(whole, Budget(), on_change=another, probes=())
    opened_before = Sweep.reopen(first.path, Budget(), probes=())
    first.run()
    begun = first.record.trials[0].runs[0]
    assert said and begun.state == "begun"
    lock = RunLock.take(runs_folder() / begun.run)
    with pytest.raises(InputError, match="being written"):
        Sweep.reopen(first.path, Budget(), probes=()).run()
    lock.release()
    assert sweep_record.load(first.path).trials[0].runs[0].run == begun.run

    def full(*arguments: object, **others: object) -> Outcome:
        raise InputError("The run cannot be kept here: no space is left.") from StorageError("no space is left")

    opened_before.run()
    record = sweep_record.load(first.path)
    assert [(run.run == begun.run, run.state) for found in record.trials for run in found.runs] == [
        (True, "done"),
        (False, "done"),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nnviz.train.sweep.train_to_file", full)
        other = Sweep.begin(whole, Budget(), probes=())
        with pytest.raises(InputError, match="no space"):
            other.run()
    assert [(run.run, run.state) for run in sweep_record.load(other.path).trials[0].runs] == [("", "begun")]


def test_without_a_validation_split_it_ends_with_a_sentence() -> None:
    none_held_back = with_setting(project(), "data.validation_fraction", 0)
    whole = Plan("none", io.dumps(none_held_back).decode(), ("training.learning_rate=0.01,0.1",))
    with pytest.raises(InputError, match="held back"):
        Sweep.begin(whole, Budget(), probes=()).run()


class _Told:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("executed"),))  # type: ignore[return-value]


def test_a_hostile_file_is_refused_and_executes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bad.nnvizsweep"
    good = SweepRecord(plan("training.learning_rate=0.01..0.1", seeds=2), (trial(0, 0.5, rate=0.02),))
    assert pickle.loads(pickle.dumps(_Told())) is None and Path("executed").exists()
    Path("executed").unlink()

    def with_run(**changed: object) -> bytes:
        plain = json.loads(msgspec.json.encode(good))
        plain["trials"][0]["runs"][0] |= changed
        return msgspec.json.encode(plain)

    def with_runs(*seeds: int) -> bytes:
        plain = json.loads(msgspec.json.encode(good))
        plain["trials"][0]["runs"] = [plain["trials"][0]["runs"][0] | {"seed": seed} for seed in seeds]
        return msgspec.json.encode(plain)

    plain = json.loads(msgspec.json.encode(good))
    hostile = {
        "a pickle": pickle.dumps(_Told()),
        "deep": b"[" * 100_000,
        "another place": with_run(run="../../passwd.nnvizrun"),
        "absolute": with_run(run="/etc/x.nnvizrun"),
        "no run": with_run(run="library.json"),
        "infinite": with_run(value=0.5).replace(b"0.5", b"1e999"),
        "a list": with_run(seed=[1]),
        "the seed of the next run": with_run(seed=1),
        "the seed of the next run, begun": with_run(seed=1, state="begun"),
        "a seed twice": with_runs(0, 0),
        "seeds the wrong way round": with_runs(1, 0),
        "more runs than seeds": with_runs(0, 1, 2),
        "unknown search": msgspec.json.encode({**plain, "plan": {**plain["plan"], "search": "os.system"}}),
        "unknown figure": msgspec.json.encode({**plain, "plan": {**plain["plan"], "objective": "__class__"}}),
        "another setting": msgspec.json.encode(
            {**plain, "trials": [{**plain["trials"][0], "settings": {"training.device": "cuda"}}]}
        ),
        "outside": msgspec.json.encode(
            {**plain, "trials": [{**plain["trials"][0], "settings": {"training.learning_rate": 7.0}}]}
        ),
        "no project": msgspec.json.encode({**plain, "plan": {**plain["plan"], "project": "{}"}}),
    }
    for what, data in hostile.items():
        path.write_bytes(data)
        try:
            Sweep.reopen(path, Budget(runs=1))
        except InputError as error:
            assert "\n" not in str(error), what
            assert "seed" not in what or ("bad.nnvizsweep" in str(error) and "trials[0].runs" in str(error)), what
        else:
            assert what == "no project"  # which is an empty one, with nothing to vary in it
    assert not Path("executed").exists()
    path.write_bytes(msgspec.json.encode(good))
    assert Sweep.reopen(path, Budget(runs=1)).run() == "The budget of 1 runs is used."


def test_the_start_of_the_weights_varies_in_all_layers_also_in_those_with_one_of_their_own() -> None:
    digits = templates.sample("digits-cnn")
    vary = ("training.initialisation=zeros,he_normal",)
    sweep = Sweep.begin(Plan("starts", io.dumps(digits).decode(), vary), Budget(runs=2), probes=())
    kept = sweep_record.load(sweep.path)
    swept = io.loads(kept.plan.project.encode(), "")
    assert not with_own_start(swept.graph) and with_own_start(digits.graph)
    for point in Sweep.reopen(sweep.path, Budget(), probes=()).space.grid():
        trained, _ = sweep.space.applied(point)
        starts = starts_of(trained.graph, trained.training.initialisation)
        assert {start.choice.kind for start in starts.values()} == {point["training.initialisation"]}
        assert len(starts) == 4
    # A layer whose own start is varied as well keeps it; so does a sweep that was begun before this was so.
    both = (*vary, "conv1.weight_initialisation=zeros,xavier_normal")
    assert [node.id for node in with_own_start(with_one_start(digits, Plan("", "", both).paths).graph)] == ["conv1"]
    assert with_one_start(digits, ["training.learning_rate"]) == digits
    older = SweepRecord(Plan("older", io.dumps(digits).decode(), vary))
    sweep_record.save(older, sweep_record.path_of("older"))
    again = Sweep.reopen(sweep_record.path_of("older"), Budget(runs=1), probes=())
    assert with_own_start(again.space.project.graph) == with_own_start(digits.graph)
    named = one_start_note(digits, Plan("", "", vary).paths)
    assert "in all layers, also in those with one of their own: conv1, conv2, linear1." in named
    racing = entrants_of([Variation("training.initialisation", ("zeros", "he_normal"))], digits)
    assert not any(with_own_start(entrant.project(digits).graph) for entrant in racing)
    start = with_one_start(digits, ["training.initialisation"])
    assert [entrant.project(digits) for entrant in racing] == [
        with_setting(start, "training.initialisation", kind) for kind in ("zeros", "he_normal")
    ]
