"""What is kept of every example and the figures of it, against the same counted slowly by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from training_helpers import CNN, advance, images, made_training, same, served, session_of, weights
from waiting import wait_for

from nnviz.errors import DataError
from nnviz.network.losses import LossFunction
from nnviz.record.evaluated import EvaluatedClasses, EvaluatedNumbers, from_reading, to_reading
from nnviz.record.quantities import EVALUATION, MACRO_F1, TEST_USES, TOP5_ACCURACY
from nnviz.record.readings import ArrayReading, Scalar
from nnviz.record.run import RunView
from nnviz.record.store import RunWriter
from nnviz.record.stored import open_run
from nnviz.train.answers import labels_of
from nnviz.train.evaluation import Collector, evaluate
from nnviz.train.figures import class_figures, number_figures
from nnviz.train.tally import ClassTally
from nnviz.train.unit_switches import Unit, UnitSwitches


def classes(
    predicted: NDArray[np.int64], target: NDArray[np.int64], count: int, probability: NDArray[np.float32] | None = None
) -> EvaluatedClasses:
    if probability is None:
        probability = np.full(len(target), np.nan, np.float32)
    rank = np.where(predicted == target, 0, 1).astype(np.int64)
    names = tuple(str(number) for number in range(count))
    return EvaluatedClasses("validation", 3, 3, 0.5, names, predicted, probability, target, rank)


def test_figures_of_planted_confusions() -> None:
    """Of 0 ten, three taken for 1; of 1 five, one taken for 0, one without an answer; 2 is never right or named."""
    target = np.array([0] * 10 + [1] * 5 + [3] * 2)
    predicted = np.array([0] * 7 + [1] * 3 + [1] * 3 + [0, -1] + [3, 3])
    found = class_figures(classes(predicted, target, 4))
    assert found.confusion.tolist() == [[7, 3, 0, 0], [1, 3, 0, 0], [0, 0, 0, 0], [0, 0, 0, 2]]
    assert found.support.tolist() == [10, 5, 0, 2] and found.named.tolist() == [8, 6, 0, 2] and found.unanswered == 1
    assert found.accuracy == pytest.approx(12 / 17) and math.isnan(found.top5) and found.calibration is None
    np.testing.assert_allclose(found.precision, [7 / 8, 1 / 2, np.nan, 1])
    np.testing.assert_allclose(found.recall, [0.7, 0.6, np.nan, 1])
    np.testing.assert_allclose(found.f1, [14 / 18, 6 / 11, np.nan, 1])
    assert found.macro_f1 == pytest.approx((14 / 18 + 6 / 11 + 1) / 3)


def test_calibration_against_a_loop_over_bins() -> None:
    random = np.random.default_rng(3)
    probability = random.uniform(0.2, 1.0, 500).astype(np.float32)
    probability[:3] = (0.5, 0.8, 1.0)  # exactly on edges: in the bin below
    target = random.integers(0, 7, 500)
    predicted = np.where(random.uniform(size=500) < probability**2, target, (target + 1) % 7)
    found = class_figures(classes(predicted, target, 7, probability)).calibration
    assert found is not None
    error = 0.0
    for place in range(10):
        low, high = found.edges[place], found.edges[place + 1]
        chosen = [n for n in range(500) if low < float(probability[n]) <= high]
        assert found.count[place] == len(chosen) and [*np.flatnonzero(found.place == place)] == chosen
        if not chosen:
            assert math.isnan(found.accuracy[place])
            continue
        right = sum(predicted[n] == target[n] for n in chosen) / len(chosen)
        sure = sum(float(probability[n]) for n in chosen) / len(chosen)
        assert found.accuracy[place] == pytest.approx(right) and found.confidence[place] == pytest.approx(sure)
        error += len(chosen) / 500 * abs(right - sure)
    assert found.error == pytest.approx(error)


@pytest.mark.parametrize("count", [2, 5, 9])
def test_what_is_kept_of_classes_and_counted_on_the_way(count: int) -> None:
    generator = torch.Generator().manual_seed(count)
    outputs = torch.randn(137, count, generator=generator).round(decimals=1)  # with equal ones among them
    targets = torch.randint(0, count, (137,), generator=generator)
    loss = LossFunction("cross_entropy", "classes", count, 0.5)
    collector, tally = Collector(loss), ClassTally(loss)
    for first in range(0, 137, 50):
        part = slice(first, first + 50)
        collector.add(outputs[part], targets[part])
        tally.add(outputs[part], targets[part])
    kept = collector.result("validation", 8, 8, 1.5, ("a",))
    assert isinstance(kept, EvaluatedClasses) and kept.names == ("a", *map(str, range(1, count)))
    for n in range(137):
        scores = outputs[n].tolist()
        exponentials = [math.exp(score) for score in scores]
        named = int(labels_of(loss, outputs[n : n + 1])[0])
        assert scores[named] == max(scores) and kept.predicted[n] == named and kept.target[n] == targets[n]
        assert kept.probability[n] == pytest.approx(exponentials[named] / sum(exponentials), rel=1e-5)
        before = sum(score > scores[targets[n]] for score in scores)
        assert kept.rank[n] == (0 if named == targets[n] else max(before, 1))
    found, counted = class_figures(kept), tally.figures()
    assert counted[MACRO_F1.name] == pytest.approx(found.macro_f1)
    assert (TOP5_ACCURACY.name in counted) is (count >= 6)
    if count >= 6:
        by_hand = sum(bool(outputs[n, targets[n]] >= outputs[n].sort().values[-5]) for n in range(137)) / 137
        assert counted[TOP5_ACCURACY.name] == found.top5 == by_hand


def test_yes_or_no_and_outputs_that_are_no_number() -> None:
    outputs = torch.tensor([[2.0], [-1.0], [0.0], [math.nan]])
    targets = torch.tensor([1, 1, 0, 0])
    for kind, answers, sure in (
        ("bce_logits", [1, 0, 0, -1], [0.8808, 0.7311, 0.5]),
        ("perceptron", [1, 0, -1, -1], None),
    ):
        loss = LossFunction(kind, "binary", 1, 0.0)
        collector = Collector(loss)
        collector.add(outputs, targets)
        kept = collector.result("test", 0, 0, math.nan, ("no", "yes"))
        assert isinstance(kept, EvaluatedClasses) and kept.predicted.tolist() == answers
        right = loss.right(outputs, targets)
        assert right is not None and (kept.rank[:3] == 0).tolist() == right[:3].tolist() and kept.rank[3] == 1
        if sure is None:
            assert np.isnan(kept.probability).all()
        else:
            np.testing.assert_allclose(kept.probability[:3], sure, atol=1e-4)
    with pytest.raises(DataError, match="no right answers"):
        Collector(LossFunction("output_itself", "none", 1, 0.5))


def test_figures_of_numbers() -> None:
    random = np.random.default_rng(5)
    target = random.normal(size=(40, 2))
    predicted = target + random.normal(size=(40, 2)) / 3
    predicted[7, 1] = target[7, 1] - 5.0
    predicted[9, 0] = np.nan
    found = number_figures(EvaluatedNumbers("validation", 1, 1, 0.0, ("a", "b"), predicted, target))
    kept = [n for n in range(40) if n != 9]
    errors = [predicted[n, k] - target[n, k] for n in kept for k in range(2)]
    assert found.mae == pytest.approx(sum(map(abs, errors)) / 78) and found.largest == pytest.approx(5.0)
    assert found.rmse == pytest.approx(math.sqrt(sum(error * error for error in errors) / 78))
    of_each = []
    for k in range(2):
        mean = sum(target[n, k] for n in kept) / 39
        squared = sum((predicted[n, k] - target[n, k]) ** 2 for n in kept)
        of_each.append(1 - squared / sum((target[n, k] - mean) ** 2 for n in kept))
    assert found.r2 == pytest.approx(sum(of_each) / 2)
    assert found.hardest[:2].tolist() == [9, 7] and found.not_finite == 1
    assert found.counts.sum() == 78 and found.edges[0] == pytest.approx(-5.0)


def is_outdated(run: RunView, split: str) -> bool:
    evaluated = from_reading(run.latest(EVALUATION.series(split)))
    assert evaluated is not None
    return evaluated.outdated


def test_an_evaluation_on_demand_is_recorded_and_leaves_no_trace(tmp_path: Path) -> None:
    plain, asked = made_training(CNN), made_training(CNN)
    advance(plain, 6)
    advance(asked, 3)
    for split in ("validation", "train"):
        evaluate(asked, split)
    advance(asked, 3)
    assert same(weights(plain.network), weights(asked.network))
    plain.random.release()
    asked.random.release()

    session = session_of(CNN, data=images())
    run = session.run
    with served(session), RunWriter(run, tmp_path / "a.nnvizrun"):
        session.step(4).result(20)
        wait_for(lambda: session.position.step == 4)
        found = session.evaluate("validation").result(20)
        assert session.position.test_uses == 0 and TEST_USES.series() not in run.names()
        test = [session.evaluate("test"), session.evaluate_test()]
        assert test[0].result(20).split == "test" and test[1].result(20).count == len(test[0].result(20))
        training = session.training
        network, data = training.network, training.data

        def by_hand() -> list[int]:
            network.eval()
            outputs = network(data.scaler.apply(data.validation.inputs))
            network.train()
            return [int(row.argmax()) for row in outputs]

        assert isinstance(found, EvaluatedClasses) and found.step == 4
        assert found.predicted.tolist() == session.ask(by_hand).result(20)
        assert found.target.tolist() == data.validation.targets.tolist()
        session.evaluate_test().result(20)
        # What was found of this step is of the network before a unit was switched off there, whoever reads it later.
        session.switch_units(UnitSwitches(off=frozenset({Unit("conv1", 0)})))
        wait_for(lambda: session.position.switches == 1)
        assert all(is_outdated(run, split) for split in ("validation", "test"))
    with open_run(tmp_path / "a.nnvizrun") as stored:
        again = from_reading(stored.latest(EVALUATION.series("validation")))
        assert is_outdated(stored, "validation") and not found.outdated
        assert isinstance(again, EvaluatedClasses) and again.names == found.names and again.loss == found.loss
        for name in ("predicted", "target", "rank", "probability"):
            np.testing.assert_array_equal(getattr(again, name), getattr(found, name))
        # Two that waited together were one look at it.
        uses = stored.latest(TEST_USES.series())
        assert isinstance(uses, Scalar) and uses.value == 2
        assert from_reading(stored.latest(EVALUATION.series("test"))) is not None


def test_a_file_may_claim_anything() -> None:
    good = to_reading(classes(np.array([0, 1, 1]), np.array([0, 1, 0]), 2))
    assert good is not None and from_reading(good) is not None

    def changed(place: tuple[int, int], value: float, **meta: str | int | float) -> object:
        array = good.array.copy()
        array[place] = value
        return from_reading(ArrayReading(good.series, 3, array, {**good.meta, **meta}))

    assert changed((0, 0), 1) is not None and changed((0, 1), math.inf) is not None
    for value in (2, -2, 0.5, math.nan, math.inf):
        assert changed((0, 0), value) is None and changed((0, 2), value) is None
    for meta in (1, 3_000, 10**12):
        assert changed((0, 0), 0, classes=meta) is None
    assert changed((0, 0), 0, classes="many", names="[[[") is not None  # then these are numbers
    assert from_reading(ArrayReading(good.series, 3, good.array[0], good.meta)) is None
    assert from_reading(ArrayReading("weights/validation", 3, good.array, good.meta)) is None
    assert from_reading(Scalar(good.series, 3, 1.0)) is None
