"""Numbers set by hand in a live network: exact, undone and made again, and true on every way back."""

from __future__ import annotations

import math
import random
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from training_helpers import CNN, CPU, MLP, advance, made_training, same, served, session_of, tables, weights
from waiting import wait_for

from nnviz.data.tensors import Feeder
from nnviz.errors import NnvizError
from nnviz.project.samples.sketch import chain, features, linear, output, relu
from nnviz.record.number_text import exact_number
from nnviz.record.quantities import BIASES, OUTPUT, WEIGHTS
from nnviz.record.readings import ArrayReading
from nnviz.record.run import Run, RunView
from nnviz.record.store import RunWriter, open_run
from nnviz.record.summary import summary, summary_of
from nnviz.train.checkpoint import from_blobs
from nnviz.train.session import SessionState, TrainingSession
from nnviz.train.unit_switches import Unit, UnitSwitches
from nnviz.train.weight_edits import Kind, Place, WeightChange, WeightEdit, WeightEdits

PLAIN = chain(features(6), linear(16), relu(), linear(3), output())


def rests_at(session: TrainingSession, step: int) -> None:
    """Until it rests at a step, with everything measured."""
    wait_for(lambda: (session.position.step, session.position.activity) == (step, ""))
    session.ask(lambda: None).result(20)


def test_an_edit_equals_the_same_edit_in_plain_torch() -> None:
    """Trained, set by hand, and trained on: bit for bit what a script does that writes into the tensor."""
    data = tables()
    training = made_training(PLAIN, data)
    torch.manual_seed(0)
    by_hand = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
    assert all(torch.equal(a, b) for a, b in zip(training.network.parameters(), by_hand.parameters(), strict=True))
    optimizer = torch.optim.Adam(by_hand.parameters(), lr=0.01, fused=True)
    batches = [*Feeder(data.train, data.scaler, 10, CPU, seed=0).batches(0)]

    def train(inputs: Tensor, targets: Tensor) -> None:
        training.advance()
        optimizer.zero_grad()
        nn.functional.cross_entropy(by_hand(inputs), targets).backward()
        optimizer.step()

    for batch in batches[:3]:
        train(*batch)
    training.by_hand.edit([WeightChange("linear1", "weight", (3, 2), 1.0), WeightChange("linear2", "bias", (1,), -0.3)])
    with torch.no_grad():
        by_hand[0].weight[3, 2] = 1.0
        by_hand[2].bias[1] = -0.3
    for batch in batches[3:6]:
        train(*batch)
    assert all(torch.equal(a, b) for a, b in zip(training.network.parameters(), by_hand.parameters(), strict=True))


def test_going_back_makes_the_edits_on_the_way_again() -> None:
    """Before the end of an epoch, between it and its validation, and after it: every later state is bit for bit."""
    training = made_training(CNN, keep_best=True)
    start = training.capture()
    states: dict[int, dict[str, Tensor]] = {}
    for step in range(1, 15):
        training.advance()
        if step == 6:  # the epoch is over and not yet validated
            training.by_hand.edit([WeightChange("conv1", "weight", (0, 0, 0, 0), 5.0)])
        if training.epoch_end_due:
            training.settle()
            evaluation = training.evaluation("validation")
            while evaluation.advance():
                pass
            training.finish_epoch(evaluation.result())
        if step == 12:
            training.by_hand.edit([WeightChange("linear1", "bias", (2,), 2.0)])
        if step == 9:
            training.by_hand.edit([WeightChange("conv1", "bias", (1,), -1.0)])
            training.by_hand.edit([WeightChange("conv1", "bias", (1,), -2.0)], more=True)
        if step == 10:
            training.by_hand.undo()
        states[step] = weights(training.network)
    best, best_loss = training.best, training.best_loss
    assert best is not None
    for target in (13, 12, 9, 6):  # each from the very start
        training.go_back(start, target)
        advance(training, target)
        assert training.step == target
        assert same(weights(training.network), states[target]), target
        if target >= 12:
            assert training.best is not None
            assert (training.best_loss, same(dict(training.best), dict(best))) == (best_loss, True)
    # What was edited behind the step is dropped, and what was undone behind it holds again.
    assert training.by_hand.edits.undoable is not None
    assert training.by_hand.edits.undoable.where() == "weight of conv1[0, 0, 0, 0]"


def test_an_edit_in_a_session_is_recorded_measured_undone_and_made_again() -> None:
    run = Run()
    saved: list[tuple[int, dict[str, bytes], str]] = []

    class Store:
        def save_checkpoint(self, step: int, epoch: int, blobs: dict[str, bytes], tag: str) -> None:
            saved.append((step, blobs, tag))

    def shown(name: str) -> ArrayReading:
        reading = run.latest(name)
        assert isinstance(reading, ArrayReading)
        return reading

    with served(session_of(PLAIN, run=run, probes=None, store=Store())) as session:
        session.step(4).result(20)
        rests_at(session, 4)
        before = session.ask(lambda: weights(session.training.network)).result(20)
        old = before["linear1.weight"][3, 2].item()
        output_before = shown(OUTPUT.series("linear1"))
        session.edit_weights([WeightChange("linear1", "weight", (3, 2), 1.0)]).result(20)
        assert shown(WEIGHTS.series("linear1")).array[3, 2] == 1.0
        output = shown(OUTPUT.series("linear1"))
        example = shown("input/pinned").array
        assert output.array[3] == pytest.approx(output_before.array[3] + (1.0 - old) * example[2], abs=1e-5)
        (finding,) = [one for one in run.findings() if one.series == "finding/edited/linear1"]
        assert (finding.step, finding.node) == (4, "linear1")
        assert finding.text.startswith("weight of linear1[3, 2] was set from ")
        assert finding.text.endswith(" to 1.0 at step 4.")
        assert session.position.edits == 1
        assert session.position.undoable_edit == "weight of linear1[3, 2]"
        wait_for(lambda: bool(saved) and saved[-1][0] == 4)
        assert from_blobs(saved[-1][1]).weights["linear1.weight"][3, 2] == 1.0

        session.step(2).result(20)
        rests_at(session, 6)
        session.step_back().result(20)
        session.go_back(4).result(20)
        rests_at(session, 4)
        assert session.ask(lambda: weights(session.training.network)).result(20)["linear1.weight"][3, 2] == 1.0
        session.undo_edit().result(20)
        assert same(session.ask(lambda: weights(session.training.network)).result(20), before)
        assert (session.position.undoable_edit, session.position.redoable_edit) == ("", "weight of linear1[3, 2]")
        session.redo_edit().result(20)
        assert shown(WEIGHTS.series("linear1")).array[3, 2] == 1.0
        # A hand that drags: one edit to undo, and the bias follows at once.
        for value in (0.5, 0.75, 1.5):
            session.edit_weights([WeightChange("linear1", "bias", (0,), value)], more=value > 0.5).result(20)
        assert shown(BIASES.series("linear1")).array[0] == 1.5
        said = {one.series: one for one in run.findings()}["finding/edited/linear1"]
        began = exact_number(before["linear1.bias"][0].item())
        assert said.text == f"bias of linear1[0] was set from {began} to 1.5 at step 4."
        session.undo_edit().result(20)
        said = {one.series: one for one in run.findings()}["finding/edited/linear1"]
        assert said.text == f"bias of linear1[0] was put back from 1.5 to {began} at step 4."
        assert "Redo edit of weights" in said.evidence and "Undo" not in said.evidence
        assert shown(BIASES.series("linear1")).array[0] == before["linear1.bias"][0]
        session.go_back(3).result(20)  # before all of it
        rests_at(session, 3)
        assert session.position.undoable_edit == ""
        assert not any(one.series.startswith("finding/edited") for one in run.findings())


def test_each_edit_and_each_switched_unit_is_one_event_of_the_run_and_goes_back_with_it(tmp_path: Path) -> None:
    path = tmp_path / "run.nnvizrun"
    run = Run()

    def events(of: RunView = run) -> list[tuple[int, str]]:
        return [(event.step, event.text) for event in of.events()]

    writer = RunWriter(run, path, interval=0.01)
    with served(session_of(PLAIN, run=run, probes=())) as session:

        def step(count: int) -> None:
            goal = session.position.step + count
            session.step(count).result(20)
            rests_at(session, goal)

        def set_to(value: float, *, more: bool = False) -> None:
            session.edit_weights([WeightChange("linear1", "bias", (0,), value)], more=more).result(20)

        def bias() -> str:
            network = session.ask(lambda: weights(session.training.network)).result(20)
            return exact_number(network["linear1.bias"][0].item())

        step(2)
        old = bias()
        for value in (0.5, 0.75, 1.5):  # a hand that drags while it rests
            set_to(value, more=value > 0.5)
        assert events() == [(2, f"bias of linear1[0] was set from {old} to 1.5")]
        assert len([one for one in run.findings() if one.node == "linear1"]) == 1
        session.undo_edit().result(20)
        assert events() == []
        session.redo_edit().result(20)
        step(1)
        began = bias()
        for value in (2.0, 3.0, 4.0):  # and while it trains
            set_to(value, more=value > 2.0)
            step(1)
        off = UnitSwitches(off=frozenset({Unit("linear1", 1)}))
        session.switch_units(off).result(20)
        said = [
            (2, f"bias of linear1[0] was set from {old} to 1.5"),
            (3, f"bias of linear1[0] was set from {began} to 4.0, dragged until step 5"),
            (6, "Unit 1 of linear1 was switched off"),
        ]
        assert events() == said
        before = bias()
        session.undo_edit().result(20)
        assert events() == [*said[:2], (6, f"bias of linear1[0] was put back from {before} to {began}"), said[2]]
        assert summary_of(run, {}).by_hand == tuple(f"step {at}: {text}" for at, text in events())
        writer.flush()
        with closing(open_run(path)) as stored:
            assert events(stored) == events()
            assert summary(path).by_hand == summary_of(run, {}).by_hand
        session.switch_units(UnitSwitches()).result(20)
        assert events()[2:] == [(6, f"bias of linear1[0] was put back from {before} to {began}")]
        session.go_back(4).result(20)  # in the midst of what was dragged
        rests_at(session, 4)
        assert events() == [said[0], (3, f"bias of linear1[0] was set from {began} to 3.0, dragged until step 4")]
        session.go_back(2).result(20)
        rests_at(session, 2)
        assert events() == said[:1]
        session.go_back(1).result(20)
        rests_at(session, 1)
        assert events() == []
    writer.close()


def told_at(made: list[WeightEdit], step: int) -> dict[str, str]:
    """What is told of a step, worked out anew from all that was written."""
    by_hand = (Kind.EDIT, Kind.MORE)
    goes_on = [
        one.kind is Kind.MORE and before is not None and before.kind in by_hand
        for before, one in zip([None, *made], made, strict=False)
    ]
    found: dict[str, list[WeightEdit]] = {}
    began = -1
    for one, more in zip(made, goes_on, strict=True):
        began = began if more else one.step
        for place in one.after if began == step else ():
            if one not in found.setdefault(place.node, []):
                found[place.node].append(one)
    told = {}
    for node, edits in found.items():
        before, after = dict[Place, float](), dict[Place, float]()
        for one in edits:
            for place, value in one.after.items():
                if place.node == node:
                    before.setdefault(place, one.before[place])
                    after[place] = value
        first, last = edits[0].step, edits[-1].step
        if first == last:
            after = {place: value for place, value in after.items() if value != before[place]}
        kind = edits[0].kind if len({one.kind for one in edits}) == 1 else Kind.EDIT
        if after:
            words = WeightEdit(kind, first, 0, before, after).what()
            told[node] = words if first == last else f"{words}, dragged until step {last}"
    return told


def test_what_is_told_of_a_step_is_that_of_all_edits_that_began_there() -> None:
    chance = random.Random(3)
    for _ in range(60):
        edits, step = WeightEdits(), 0
        stands = {Place(node, "bias", (at,)): 0.0 for node in "ab" for at in range(2)}
        for _ in range(14):
            step += chance.random() < 0.4
            kind = chance.choice([Kind.EDIT, Kind.MORE, Kind.MORE, Kind.MORE, Kind.UNDO, Kind.REDO])
            changed = {place: float(chance.randrange(3)) for place in chance.sample([*stands], chance.randint(1, 3))}
            if kind in (Kind.UNDO, Kind.REDO):
                taken = edits.undoable if kind is Kind.UNDO else edits.redoable
                if taken is None:
                    continue
                changed = dict(taken.before if kind is Kind.UNDO else taken.after)
            edits.add(WeightEdit(kind, step, 0, {place: stands[place] for place in changed}, changed))
            stands |= changed
            if chance.random() < 0.05:
                step = chance.randint(0, step)
                edits.forget_after(step)
            assert [edits.changes_at(at) for at in range(step + 1)] == [
                told_at(edits.made, at) for at in range(step + 1)
            ]
            assert not edits.made or edits.changes_at(edits.newest_began) == told_at(edits.made, edits.newest_began)


def test_an_event_of_a_long_drag_costs_what_one_of_a_short_drag_does(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = [0]
    for name in ("in_node", "and_then", "nodes", "moment"):
        monkeypatch.setattr(WeightEdit, name, counted(getattr(WeightEdit, name), calls))
    edits, place, costs = WeightEdits(), Place("linear1", "bias", (0,)), list[int]()
    for step in range(200):
        before = calls[0]
        kind = Kind.MORE if step else Kind.EDIT
        edits.add(WeightEdit(kind, step, 0, {place: float(step)}, {place: step + 1.0}))
        told = edits.changes_at(edits.newest_began)
        costs.append(calls[0] - before)
    assert told == {"linear1": "bias of linear1[0] was set from 0.0 to 200.0, dragged until step 199"}
    assert set(costs[2:]) == {costs[2]} and costs[2] < 10


def test_what_a_hand_goes_on_with_after_an_undo_is_no_part_of_an_older_edit() -> None:
    edits, place = WeightEdits(), Place("linear1", "bias", (0,))
    for kind, before, after in (
        (Kind.EDIT, 0.0, 1.0),
        (Kind.EDIT, 1.0, 2.0),
        (Kind.UNDO, 2.0, 1.0),  # while the hand still drags
        (Kind.MORE, 1.0, 3.0),
        (Kind.MORE, 3.0, 4.0),
    ):
        edits.add(WeightEdit(kind, 5, 0, {place: before}, {place: after}))
    assert edits.undoable is not None
    assert (edits.undoable.before, edits.undoable.after) == ({place: 1.0}, {place: 4.0})


def counted(made: Any, calls: list[int]) -> Any:
    """The same method or property, which counts how often it is asked."""

    def asked(*given: Any) -> Any:
        calls[0] += 1
        return (made.fget if isinstance(made, property) else made)(*given)

    return property(asked) if isinstance(made, property) else asked


def test_the_same_step_with_other_weights_has_another_count() -> None:
    """Another way from an earlier step, the best weights in place of the last, and the last again."""
    with served(session_of(MLP, probes=None, epochs=8, keep_best=True, learning_rate=0.9)) as session:

        def key() -> tuple[int, int]:
            return session.position.step, session.position.edits

        session.step(3).result(20)
        rests_at(session, 3)
        third = key()
        session.go_back(2).result(20)
        rests_at(session, 2)
        session.set_learning_rate(0.8).result(20)
        session.step().result(20)
        rests_at(session, 3)
        assert key() != third
        session.step(45).result(20)
        rests_at(session, 48)
        last = key()
        session.play()
        wait_for(lambda: session.state is SessionState.DONE)
        assert session.ask(lambda: session.training.weights_of).result(20) < 48, "choose another learning rate"
        best = key()
        session.set_epochs(9).result(20)
        session.restore_best().result(20)
        assert len({last, best, key()}) == 3


def test_it_can_be_edited_while_it_trains_and_goes_on_from_edited_best_weights() -> None:
    with served(session_of(PLAIN, probes=None, epochs=400, keep_best=True)) as session:
        session.play()
        wait_for(lambda: session.position.step > 3)
        session.edit_weights([WeightChange("linear2", "bias", (0,), 40.0)]).result(20)
        session.pause().result(20)
        edits = session.ask(lambda: session.training.by_hand.edits.made).result(20)
        assert len(edits) == 1
        session.set_epochs(1)
        session.play()
        wait_for(lambda: session.state is SessionState.DONE)
        session.edit_weights([WeightChange("linear2", "bias", (1,), -7.0)]).result(20)
        session.set_epochs(1000)
        session.step().result(20)
        assert session.ask(lambda: weights(session.training.network)).result(20)["linear2.bias"][1] < -6


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (WeightChange("nobody", "weight", (0, 0), 1.0), "no layer 'nobody'"),
        (WeightChange("relu1", "weight", (0, 0), 1.0), "it has none"),
        (WeightChange("linear1", "mean", (0, 0), 1.0), "it has weight and bias"),
        (WeightChange("linear1", "weight", (16, 0), 1.0), "16 × 6"),
        (WeightChange("linear1", "weight", (3,), 1.0), "16 × 6"),
        (WeightChange("linear1", "weight", (-1, 0), 1.0), "nothing at -1, 0"),
        (WeightChange("linear1", "weight", (0, 0), math.nan), "finite"),
        (WeightChange("linear1", "weight", (0, 0), 1e39), "too large"),
        (WeightChange("linear1", "weight", (0, 0), 1e-46), "too small"),
    ],
)
def test_what_cannot_be_set_is_refused_in_words(change: WeightChange, words: str) -> None:
    training = made_training(PLAIN)
    before = weights(training.network)
    with pytest.raises(NnvizError, match=words):
        training.by_hand.edit([WeightChange("linear1", "bias", (0,), 9.0), change])
    assert same(weights(training.network), before)
    with pytest.raises(NnvizError, match="no edit"):
        training.by_hand.undo()
