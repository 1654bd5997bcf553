"""Examples that are relabelled, left out or weighted: the training goes on with that, and the data stay as they are."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
import torch
from torch.nn import functional
from training_helpers import (
    CNN,
    CPU,
    MADE,
    MLP,
    Kept,
    advance,
    images,
    project_of,
    same,
    served,
    session_of,
    tables,
    weights,
)
from waiting import wait_for

from nnviz.data.curation import curated, mark_of
from nnviz.data.examples import LoadedData, Split
from nnviz.errors import ParamError, ProjectError, RunFileError
from nnviz.probes.loss import LossProbe
from nnviz.project.document import Document
from nnviz.project.edits import Curate
from nnviz.project.files import io
from nnviz.project.model import Curated, Graph, Project
from nnviz.record.quantities import ACCURACY
from nnviz.record.run import Run, RunInfo
from nnviz.train.change import Live, change, difference
from nnviz.train.checkpoint import from_blobs, to_blobs
from nnviz.train.instruments import Instruments
from nnviz.train.session import TrainingSession
from nnviz.train.training import Training

ENTRIES = (Curated(3, label="c"), Curated(7, weight=0.0), Curated(8, weight=2.5), Curated(40, label="a", weight=0.5))


def made(graph: Graph = MLP, entries: tuple[Curated, ...] = (), data: LoadedData | None = None) -> Training:
    project = msgspec.structs.replace(project_of(graph), curation=entries)
    training = Training(project, data or (images() if graph is CNN else tables()), CPU, record_examples=True)
    MADE.append(training)
    return training


@pytest.mark.parametrize("graph", [MLP, CNN], ids=["chain", "cnn"])
def test_a_curated_training_is_the_one_written_by_hand(graph: Graph) -> None:
    """Against a loop over autograd: other labels, and the weighted mean of the losses of each batch."""
    training, by_hand = made(graph, ENTRIES), made(graph)
    targets = by_hand.data.train.targets.clone()
    targets[3], targets[40] = 2, 0
    weight = torch.ones(60)
    weight[7], weight[8], weight[40] = 0.0, 2.5, 0.5
    before = by_hand.data.train.targets.clone()
    advance(training, 18)
    optimizer = by_hand.optimizer
    assert optimizer is not None
    for epoch in range(3):
        for batch in range(6):
            chosen = by_hand._batches.feeder.numbers(epoch, batch)
            with by_hand.random:
                outputs = by_hand.network(by_hand._batches.feeder.prepare(chosen))
            losses = functional.cross_entropy(outputs, targets[chosen], reduction="none")
            optimizer.zero_grad()
            torch.autograd.backward((losses * weight[chosen]).sum() / weight[chosen].sum())
            optimizer.step()
    assert torch.equal(training.data.train.targets, before)
    for name, tensor in training.network.state_dict().items():
        torch.testing.assert_close(tensor, by_hand.network.state_dict()[name], rtol=1e-4, atol=1e-5)


def test_who_is_left_out_counts_in_no_loss_and_no_accuracy() -> None:
    """Of an epoch the mean loss is Σ w·l / Σ w over all its examples; an accuracy is of those that are not left out."""
    entries = (*(Curated(at, weight=0.0) for at in range(20)), Curated(30, weight=3.0))
    training, by_hand, run = made(entries=entries), made(entries=entries), Run()
    weight = torch.ones(60)
    weight[:20], weight[30] = 0.0, 3.0
    instruments = Instruments(training, run, (LossProbe(),), 1.0)
    total, right = 0.0, []
    for batch in range(6):
        chosen = by_hand._batches.feeder.numbers(0, batch)
        seen: list[torch.Tensor] = []
        by_hand.advance(lambda loss, outputs, targets, seen=seen: seen.append(outputs.clone()))
        labels = by_hand.data.train.targets[chosen]
        total += float((functional.cross_entropy(seen[0], labels, reduction="none") * weight[chosen]).sum())
        hits = (seen[0].argmax(1) == labels)[weight[chosen] > 0]
        right.append(hits.double().mean().item() if len(hits) else None)
        instruments.advance(forced=True)
    training.settle()
    assert training.epoch_loss == pytest.approx(total / float(weight.sum()), rel=1e-5)
    steps, shares = run.scalars(ACCURACY.series("train"))
    assert dict(zip(steps.tolist(), shares.tolist(), strict=True)) == pytest.approx(
        {step: share for step, share in enumerate(right, 1) if share is not None}
    )


def test_what_is_left_out_decides_nothing_and_no_decision_changes_no_bit() -> None:
    plain, empty = made(), made(entries=(Curated(200_000, "00"),)[:0])
    left_out = made(entries=(Curated(7, weight=0.0),))
    data = tables()
    spoilt = data.train.inputs.clone()
    spoilt[7] = 1e4
    other = LoadedData(
        "made", data.config, data.facts, Split(spoilt, data.train.targets), data.validation, data.test, data.scaler
    )
    elsewhere = made(entries=(Curated(7, weight=0.0),), data=other)
    for training in (plain, empty, left_out, elsewhere):
        advance(training, 12)
    assert same(weights(plain.network), weights(empty.network))
    assert same(weights(left_out.network), weights(elsewhere.network))
    assert not same(weights(plain.network), weights(left_out.network))


def test_it_holds_from_the_next_epoch_on_and_again_on_the_way_back() -> None:
    training, late = made(), made()
    advance(training, 8)  # in the middle of the second epoch
    assert training.coming.curate(ENTRIES) == ""
    advance(training, 4)
    advance(late, 12)
    assert same(weights(training.network), weights(late.network))
    late.coming.curate(ENTRIES)
    kept = training.capture()
    advance(training, 6)
    advance(late, 6)
    third = weights(training.network)
    assert same(third, weights(late.network))
    # Back before that epoch and forward again: what was decided holds at its own place.
    training.go_back(kept, 15)
    advance(training, 3)
    advance(training, 3)
    assert training.step == 18 and same(third, weights(training.network))
    # Taken back, from the next epoch on.
    training.coming.curate(())
    advance(training, 6)
    assert training._batches.curation.weights is None


def test_the_weights_are_those_of_the_batch_also_where_the_batches_change_their_size() -> None:
    """Against the order of each epoch; the mean loss of an epoch counts by the weights of its own examples."""
    training = made(entries=ENTRIES)
    weight = torch.ones(60)
    weight[7], weight[8], weight[40] = 0.0, 2.5, 0.5
    advance(training, 4)
    training.take_on(replace(training.live_settings, batch_size=4))
    losses: list[float] = []
    shares: list[float] = []

    def keep(loss: torch.Tensor, outputs: torch.Tensor, targets: torch.Tensor) -> None:
        losses.append(loss.item())

    while training.epoch < 3:
        numbers, found = training.coming.peek_numbers(), training.coming.weights_of_next()
        assert found is not None and found.tolist() == weight[numbers].tolist()
        training.advance(keep)
        shares.append(float(weight[numbers].sum()))
        if training.epoch < 3 and training.epoch_end_due:
            training.finish_epoch(None)
            losses.clear()
            shares.clear()
    training.settle()
    mean = sum(loss * share for loss, share in zip(losses, shares, strict=True)) / float(weight.sum())
    assert len(losses) == 15 and training.epoch_loss == pytest.approx(mean, rel=1e-5)


def test_gone_on_with_in_the_middle_of_an_epoch_the_decisions_hold_from_the_same_step_on() -> None:
    """Against the one that was never closed; a file of an older version does not say what held."""
    training = made(entries=ENTRIES[:2])
    advance(training, 8)
    training.coming.curate(ENTRIES)
    blobs = to_blobs(training.capture())
    resumed = made(entries=ENTRIES)
    resumed.restore(from_blobs(blobs))
    advance(training, 3)
    advance(resumed, 3)
    assert same(weights(training.network), weights(resumed.network))
    again = made(entries=ENTRIES)
    again.restore(from_blobs(to_blobs(resumed.capture())))
    for one in (training, resumed, again):
        advance(one, 18 - one.step)
        assert same(weights(training.network), weights(one.network))
    header = msgspec.json.decode(blobs["header"])
    del header["digest"]
    wrong = header | {"curation": [{"example": 3, "weight": -1.0}]}
    with pytest.raises(RunFileError, match="damaged"):
        from_blobs(blobs | {"header": msgspec.json.encode(wrong)})
    del header["curation"]
    older = made(entries=ENTRIES)
    older.restore(from_blobs(blobs | {"header": msgspec.json.encode(header)}))
    assert older._batches.curation_at(older.step).entries == ENTRIES


def test_a_decision_follows_its_example_and_never_falls_on_another() -> None:
    data = tables()
    split = data.train
    mark = mark_of(split.inputs[5])
    entry = Curated(5, mark, label="b", weight=3.0)
    # The examples come in another order, with one before them.
    moved = Split(torch.cat([torch.zeros(1, 6), split.inputs]), torch.cat([torch.zeros(1).long(), split.targets]))
    found = curated(moved, data.facts, (entry,))
    assert found.weights is not None and found.weights.nonzero()[:, 0].tolist() == list(range(61))
    assert (found.weights != 1).nonzero()[:, 0].tolist() == [6] and int(found.targets[6]) == 1 and not found.astray
    changed = curated(Split(split.inputs + 1, split.targets), data.facts, (entry, Curated(2, label="no such")))
    assert changed.weights is None and torch.equal(changed.targets, split.targets) and len(changed.astray) == 2
    assert "2 examples" in changed.remark
    # Of a part, and of the part that it is not in.
    part = split.take(torch.arange(4, 60))
    assert int(curated(part, data.facts, (entry,)).targets[1]) == 1
    other = curated(split.take(torch.arange(6, 60)), data.facts, (entry,))
    assert other.weights is None and not other.astray


def test_decisions_are_edits_of_the_document_and_stand_in_its_file() -> None:
    document = Document(project_of())
    start = document.project
    document.apply(Curate((Curated(4, "ab", label="a"),)))
    document.apply(Curate((Curated(2, weight=0.0), Curated(4, "ab", label="b"))))
    assert [entry.example for entry in document.project.curation] == [2, 4]
    assert document.undo_title == "Weight 2 examples"
    assert io.loads(io.dumps(document.project)) == document.project
    assert change(start, document.project) == Live(curation=document.project.curation)
    assert difference(start, document.project) is None
    document.undo()
    assert document.project.curation == (Curated(4, "ab", label="a"),)
    document.apply(Curate((Curated(4),)))
    assert document.project == start and b"curation" not in io.dumps(start)
    too_small, no_number = Curated(1, weight=-1.0), Curated(1, weight=float("nan"))
    for wrong in (Curated(-1), too_small, no_number, Curated(1, "x"), Curated(1, label="\n")):
        with pytest.raises(ParamError, match="curation"):
            document.apply(Curate((wrong,)))
    twice = b'[{"example": 1, "label": "a"}, {"example": 1, "label": "b"}]'
    for text in (b'[{"example": 1, "weight": 1e9}]', twice, b"[3]"):
        with pytest.raises(ProjectError, match="curation"):
            io.loads(io.dumps(Project()).rstrip()[:-1] + b', "curation": ' + text + b"}")


def test_what_could_not_be_done_is_said_once_it_is_ready() -> None:
    """Whoever shows refusals begins to when the session is ready."""
    project = msgspec.structs.replace(project_of(), curation=(Curated(1000, label="a"),))
    session = TrainingSession(project, Run(), data=tables(), device="cpu")
    heard: list[str] = []
    session.state_changed.connect(lambda state: heard.append(state.value))
    session.refused.connect(heard.append)
    with served(session):
        wait_for(lambda: len(heard) == 3)
    assert heard[:2] == ["preparing", "ready"] and heard[2].startswith("What was decided about example 1000 is left")


def test_a_session_takes_it_on() -> None:
    said: list[str] = []
    with served(session_of()) as session:
        session.refused.connect(said.append)
        session.step(3).result(20)
        wait_for(lambda: session.position.step == 3)
        session.curate((*ENTRIES, Curated(1000, label="a"))).result(20)
        session.step(4).result(20)
        wait_for(lambda: session.position.step == 7)
        weights_now = session.ask(lambda: session.training._batches.curation.weights).result(20)
        assert weights_now is not None and float(weights_now[8]) == 2.5
    assert said == ["What was decided about example 1000 is left aside: the data have changed, or know no such class."]


def test_it_is_an_event_of_the_run_at_the_step_behind_which_it_was_decided() -> None:
    def told() -> list[tuple[int, str]]:
        return [(event.step, event.text) for event in session.run.events() if event.series.endswith("curation")]

    with served(session_of()) as session:
        session.step(3).result(20)
        wait_for(lambda: session.position.step == 3)
        session.curate(ENTRIES[:1]).result(20)
        assert told() == [(3, "Example 3: relabelled as c, from the next epoch on")]
        session.curate(()).result(20)  # undone at the same step: nothing was decided
        assert told() == []
        session.curate(ENTRIES).result(20)
        assert told() == [(3, "Examples: 2 relabelled, 1 left out, 1 weighted, from the next epoch on")]
        session.step(4).result(20)
        wait_for(lambda: session.position.step == 7)
        session.curate((*ENTRIES[:1], *ENTRIES[2:])).result(20)
        assert told()[1:] == [(7, "Example 7: weight 0 → 1, from the next epoch on")]
        # Back before both, and on: what is decided now holds from there on, and is marked there.
        session.go_back(2).result(20)
        wait_for(lambda: session.position.step == 2 and not session.position.activity)
        assert told() == [(2, "Examples: 2 relabelled, 1 weighted, from the next epoch on")]


def test_a_run_is_gone_on_with_what_was_decided_in_it_but_for_what_its_project_says_other_now() -> None:
    """Decided in the middle of one epoch and of the next, and closed before the latter holds; nothing told is lost."""
    own = project_of(epochs=9)
    run, store = Run(RunInfo(project_json=io.dumps(own))), Kept()

    def gone_on(project: Project = own) -> TrainingSession:
        return TrainingSession(project, run, data=tables(), device="cpu", probes=(), store=store, resume=store.last)

    def decided(session: TrainingSession) -> tuple[Curated, ...]:
        return session.ask(lambda: session.training.coming.decided).result(20)

    def told() -> list[tuple[int, str]]:
        return [(event.step, event.text) for event in run.events()]

    with served(gone_on()) as session:
        session.step(2).result(20)
        wait_for(lambda: not session.has_errand)
        session.curate(ENTRIES[:1]).result(20)
        session.step(7).result(20)
        wait_for(lambda: not session.has_errand)
        session.set_learning_rate(0.5).result(20)
        session.curate(ENTRIES[:2]).result(20)
    before = told()
    assert [step for step, _ in before] == [2, 9, 9]
    with served(gone_on()) as session:
        assert decided(session) == ENTRIES[:2]
        held = session.ask(lambda: session.training._batches.curation_at(9).entries).result(20)
        assert held == ENTRIES[:1]
        # What the window says to it, whose settings are those.
        session.set_learning_rate(0.5).result(20)
        session.curate(ENTRIES[:2]).result(20)
        assert told() == before
        session.curate(()).result(20)
        session.curate(ENTRIES[:2]).result(20)  # there and back: what was changed at this step before is told again
        assert told() == before
    asked = msgspec.structs.replace(own, curation=ENTRIES[3:])
    with served(gone_on(asked)) as session:
        assert decided(session) == (*ENTRIES[:2], *ENTRIES[3:])
        marks = [step for step, _ in told()], told()[0], told()[1][1].partition("; then ")
        assert marks[:2] == ([2, 9, 9], before[0]) and marks[2][0] == before[1][1] and "Example 40" in marks[2][2]
