"""A number that becomes infinite or NaN: noticed at the step itself, named, nothing spoilt, and there is a way back."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from training_helpers import (
    CNN,
    CPU,
    MLP,
    advance,
    images,
    made_training,
    project_of,
    same,
    served,
    session_of,
    tables,
    weights,
)
from waiting import wait_for

from nnviz.cli import main
from nnviz.data.tensors import LoadedData, Split, load
from nnviz.errors import DataError, NotFiniteError
from nnviz.probes.verdict import NOT_TRIED
from nnviz.project.files import io
from nnviz.project.model import DataConfig, Graph
from nnviz.project.samples.sketch import chain, conv, features, flatten, image, linear, output, plain, relu
from nnviz.record.readings import Finding
from nnviz.record.run import Run
from nnviz.record.store import open_run
from nnviz.train.checkpoint import from_blobs, to_blobs
from nnviz.train.finite import LossWatch, all_finite
from nnviz.train.instruments import Instruments
from nnviz.train.loop import EvaluationResult, train_step
from nnviz.train.runner import Runner
from nnviz.train.session import SessionState, TrainingSession
from nnviz.train.training import Training
from nnviz.train.weight_edits import WeightChange

SQUARED = chain(features(6), linear(16), linear(3), output("mse"))
#: Running statistics and dropout: a forward pass leaves traces.
TRACES = chain(
    image(1, 8, 8), conv(4, 3), plain("batch_norm2d"), relu(), flatten(), plain("dropout"), linear(3), output("mse")
)


def not_finite(run: Run) -> Finding:
    (finding,) = [finding for finding in run.findings() if finding.series == "finding/not_finite"]
    return finding


def wild_training(graph: Graph, rate: float) -> Training:
    """With a learning rate that no project may have."""
    training = made_training(graph, tables() if graph is SQUARED else images(), optimizer="sgd", learning_rate=0.1)
    training.learning_rate = rate
    return training


def first_spoilt_step(training: Training) -> int:
    """By a bare loop that looks at every loss, with torch's own optimizer and autograd."""
    assert training.optimizer is not None
    for step in range(1, 2000):
        inputs, targets = training._batches.next(training.step)
        with training.random:
            loss = train_step(training.network, training.loss_function, training.optimizer, inputs, targets)
        if not math.isfinite(float(loss)):
            return step
        training._state.step += 1
    raise AssertionError("choose another learning rate for this test")


def runner_of(training: Training, run: Run | None = None, **more: Any) -> Runner:
    run = run or Run()
    runner = Runner(training, Instruments(training, run, (), 0.1), run, epochs=100, **more)
    runner.begin()
    return runner


def until_it_rests(runner: Runner, most: int = 2000) -> NotFiniteError:
    for _ in range(most):
        runner.advance()
        if runner.trouble is not None:
            return runner.trouble
    raise AssertionError("it did not break")


@pytest.mark.parametrize(("graph", "rate"), [(SQUARED, 5.0), (TRACES, 1e18), (CNN, 1e30)])
def test_it_rests_before_the_first_spoilt_update_with_the_weights_of_the_step_before(graph: Graph, rate: float) -> None:
    first = first_spoilt_step(wild_training(graph, rate))
    expected = wild_training(graph, rate)
    advance(expected, first - 1)
    training = wild_training(graph, rate)
    error = until_it_rests(runner_of(training))
    assert error.step == first
    assert training.step == first - 1
    assert same(weights(training.network), weights(expected.network))
    assert same(dict(training.capture().random), dict(expected.capture().random))
    assert all_finite(weights(training.network).values())
    assert error.node in training.network.graph.nodes
    assert error.node in str(error)
    assert f"step {first}" in str(error)
    assert error.restored == first - 1 and str(error).endswith(f"The network stands as it did after step {first - 1}.")


def test_the_layer_is_named_whose_output_overflows_first() -> None:
    """The loss is cut by a sigmoid before it; only the product of two large layers overflows."""
    graph = chain(features(6), linear(16), linear(16), linear(3), output("mse"))
    training = made_training(graph, optimizer="sgd", learning_rate=0.001)
    with torch.no_grad():
        for node in ("linear1", "linear2"):
            for parameter in training.network.module_of(node).parameters():
                parameter.fill_(1e25)
    error = until_it_rests(runner_of(training))
    assert (error.node, error.quantity, error.step) == ("linear2", "activation", 1)


def planted(training: Training, plant: Callable[[int], None]) -> None:
    """Has something done around each update, also when the way is gone a second time."""
    updates = training._ways.updates
    assert updates is not None
    update = updates.step

    def step() -> None:
        plant(training.step + 1)
        update()
        plant(-training.step - 1)

    updates.step = step  # type: ignore[method-assign]


def test_a_gradient_that_is_not_finite_is_named_although_the_loss_was() -> None:
    training = made_training(MLP)

    def plant(step: int) -> None:
        if step == 5:
            gradient = training.network.module_of("linear1").weight.grad
            assert isinstance(gradient, Tensor)
            gradient[0, 0] = math.nan

    planted(training, plant)
    expected = made_training(MLP)
    advance(expected, 4)
    error = until_it_rests(runner_of(training))
    assert (error.node, error.quantity, error.step) == ("linear1", "gradient", 5)
    assert same(weights(training.network), weights(expected.network))


def test_a_weight_that_overflows_behind_a_saturating_layer_is_found_when_the_state_is_kept() -> None:
    """The loss stays finite for ever: tanh of infinity is 1."""
    graph = chain(features(6), linear(16), plain("tanh"), linear(3), output())
    training = made_training(graph)

    def plant(step: int) -> None:
        if step == -7:
            with torch.no_grad():
                training.network.module_of("linear1").bias[3] = math.inf  # type: ignore[index]

    planted(training, plant)
    runner = runner_of(training)
    error = until_it_rests(runner)
    assert (error.node, error.quantity, error.step) == ("linear1", "weights", 7)
    assert training.step == 6
    assert training.is_finite


def test_what_adam_keeps_may_overflow_too() -> None:
    training = made_training(MLP)

    def plant(step: int) -> None:
        if step == 3:
            gradient = training.network.module_of("linear2").weight.grad
            assert isinstance(gradient, Tensor)
            gradient[0, 0] = 1e30  # its square is infinite, and the weight does not move any more

    planted(training, plant)
    runner = runner_of(training)
    for _ in range(10):
        runner.advance()
    runner.keep()
    error = until_it_rests(runner)
    assert (error.node, error.quantity, error.step) == ("linear2", "optimizer_state", 3)


class Late:
    """Carries a number as a GPU does that is far behind: it is there once it is waited for."""

    waited = 0

    def __init__(self) -> None:
        self._value = 0.0

    def send(self, value: Tensor) -> None:
        self._value = float(value)

    def arrived(self) -> bool:
        return False

    def receive(self) -> float:
        Late.waited += 1
        return self._value


@pytest.mark.parametrize("graph", [SQUARED, TRACES])
def test_on_a_gpu_it_goes_one_update_too_far_and_comes_back(graph: Graph) -> None:
    rate = 5.0 if graph is SQUARED else 1e18
    first = first_spoilt_step(wild_training(graph, rate))
    expected = wild_training(graph, rate)
    advance(expected, first - 1)
    training = wild_training(graph, rate)
    training._losses.watch = LossWatch(CPU, Late)
    runner = runner_of(training)
    runner._published = math.inf  # nothing else fetches the losses
    furthest = 0
    while runner.trouble is None:
        runner.advance()
        furthest = max(furthest, training.step)
    assert furthest == first + 1
    assert runner.trouble.step == first
    assert training.step == first - 1
    assert same(weights(training.network), weights(expected.network))
    with pytest.raises(NotFiniteError):  # the same way leads to the same place
        advance(training, 3)


def test_the_watch_waits_for_no_loss_but_that_of_the_step_before_the_last() -> None:
    watch = LossWatch(CPU, Late)
    Late.waited = 0
    for step in range(1, 6):
        assert watch.first_spoilt(step) is None
        assert Late.waited == max(0, step - 2)
        watch.send(step, torch.tensor(1.0))
    watch.forget()
    watch.send(6, torch.tensor(math.nan))
    assert watch.first_spoilt(7) is None
    assert watch.first_spoilt(8) == 6


def test_where_no_state_is_kept_the_first_spoilt_layer_is_named_and_it_still_rests() -> None:
    """A network too large to go back on a GPU: the weights are lost, which is said."""
    training = made_training(SQUARED, optimizer="sgd", learning_rate=5.0)
    training._losses.watch = LossWatch(CPU, Late)
    run = Run()
    runner = runner_of(training, run)
    runner.states.rewind.clear()
    error = until_it_rests(runner)
    assert error.node and error.restored is None and "No state before it is kept" in str(error)
    assert [cure.action for cure in not_finite(run).cures] == ["show_help"]
    runner.leave_trouble()
    assert until_it_rests(runner, 5).node == error.node


# -- what is kept -----------------------------------------------------------------------------------------------------


class Shelf:
    def __init__(self) -> None:
        self.kept: list[tuple[int, str]] = []
        self.blobs: dict[str, bytes] = {}

    def save_checkpoint(self, step: int, epoch: int, blobs: Any, tag: str) -> None:
        self.kept.append((step, tag))
        self.blobs = dict(blobs)


def test_a_state_that_is_not_finite_is_kept_nowhere() -> None:
    training = made_training(MLP)
    shelf = Shelf()
    runner = runner_of(training, store=shelf)
    advance(training, 6)
    runner.save("epoch")
    assert shelf.kept == [(6, "epoch")]
    advance(training, 1)
    with torch.no_grad():
        training.network.module_of("linear2").weight[0, 0] = math.nan  # type: ignore[index]
    runner.save("stop")
    assert shelf.kept == [(6, "epoch")]
    runner.keep()
    assert runner.states.rewind.steps == [0]


def test_the_best_weights_are_of_a_finite_validation() -> None:
    training = made_training(MLP)
    for loss in (math.nan, -math.inf, math.inf):
        training.finish_epoch(EvaluationResult(loss, None, 3))
        assert training.best is None
    training.finish_epoch(EvaluationResult(1.0, None, 3))
    best = training.best
    assert best is not None
    with torch.no_grad():
        training.network.module_of("linear2").weight[0, 0] = math.inf  # type: ignore[index]
    training.finish_epoch(EvaluationResult(0.5, None, 3))
    assert training.best is best


# -- in a session -----------------------------------------------------------------------------------------------------


def test_the_window_rests_with_cures_that_can_be_taken() -> None:
    run, told = Run(), []
    session = session_of(SQUARED, run=run, epochs=100, optimizer="sgd", learning_rate=5.0, probes=None)
    session.refused.connect(told.append)
    with served(session):
        session.play()
        wait_for(lambda: session.state is SessionState.PAUSED)
        wait_for(lambda: bool(told))
        wait_for(lambda: "Tried on a copy" in not_finite(run).evidence)
        finding = not_finite(run)
        assert finding.severity == "error" and NOT_TRIED not in finding.evidence
        assert finding.step == session.position.step + 1
        assert f"step {finding.step}" in told[0]
        cures = {cure.action: cure for cure in finding.cures}
        assert list(cures) == ["go_back", "show_help"], "no epoch is over: there are no best weights"
        step, rate = cures["go_back"].value.split()
        session.set_learning_rate(0.01)
        session.go_back(int(step)).result(20)
        wait_for(lambda: not session.ask(lambda: session.has_errand).result(20))
        assert session.position.step == int(step)
        assert f"with {rate} from step {step} on" in finding.evidence and float(rate) < 5.0
        assert run.findings() == ()
        session.play()
        wait_for(lambda: session.position.step > int(step) + 100)
        assert session.state is SessionState.RUNNING


def test_playing_on_without_a_change_breaks_at_the_same_step() -> None:
    run = Run()
    with served(session_of(SQUARED, run=run, epochs=100, optimizer="sgd", learning_rate=5.0, probes=None)) as session:
        session.play()
        wait_for(lambda: session.state is SessionState.PAUSED)
        wait_for(lambda: NOT_TRIED not in not_finite(run).evidence)
        first = not_finite(run)
        session.play().result(20)
        wait_for(lambda: session.state is SessionState.PAUSED)
        wait_for(lambda: NOT_TRIED not in not_finite(run).evidence)
        assert not_finite(run) == first
        session.step(3).result(20)
        wait_for(lambda: not session.ask(lambda: session.has_errand).result(20))
        assert session.position.step == first.step - 1


def test_the_best_weights_are_offered_once_there_are_some() -> None:
    run = Run()
    with served(session_of(SQUARED, run=run, epochs=100, optimizer="sgd", learning_rate=0.01, probes=None)) as session:
        session.step(12).result(20)
        wait_for(lambda: session.position.step == 12)
        session.set_learning_rate(100.0)
        session.play()
        wait_for(lambda: bool(run.findings()) and session.state is SessionState.PAUSED)
        cures = {cure.action: cure.value for cure in not_finite(run).cures}
        assert {"go_back", "restore_best"} <= set(cures)
        step = int(cures["go_back"].split()[0])
        assert step in (11, 12), "the last steps before the rate was raised"
        session.restore_best().result(20)
        assert not [one for one in run.findings() if one.series == "finding/not_finite"]


def far_validation(data: LoadedData) -> LoadedData:
    """The same with validation examples far away from all others."""
    far = Split(data.validation.inputs.sign() * 3e38, data.validation.targets)
    return dataclasses.replace(data, validation=far)


def test_a_validation_that_alone_is_not_finite_is_named_too() -> None:
    graph = chain(features(6), linear(16), linear(3), output())
    session = session_of(graph, far_validation(tables()), epochs=3)
    with pytest.raises(NotFiniteError, match=r"after step 6.*for the validation examples") as caught:
        session.train()
    assert caught.value.quantity == "activation"
    runner = session._controls.runner  # which nobody gets of a training that failed
    assert runner is not None
    assert runner.training.best is None
    assert runner.training.is_finite


# -- at the command line ----------------------------------------------------------------------------------------------


def saved(path: Path, rate: float, *, kind: str = "sgd") -> Path:
    """Two epochs of digits with a squared error."""
    graph = chain(image(1, 8, 8), flatten(), linear(10), output("mse"))
    project = project_of(graph, epochs=2, optimizer=kind, learning_rate=rate)
    project = type(project)(
        name="broken", graph=graph, training=project.training, data=DataConfig("digits", {"size": "8"})
    )
    io.save(project, path)
    return path


def test_the_command_line_says_layer_quantity_and_step_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = saved(tmp_path / "broken.nnviz", 10.0)
    assert main(["train", str(project), "--run", str(tmp_path / "r.nnvizrun"), "--json"]) == 1
    out, err = capsys.readouterr()
    events = [json.loads(line) for line in out.splitlines()]
    last = events[-1]
    assert last["event"] == "failed"
    assert (last["node"], last["quantity"]) == ("output", "loss")
    assert last["step"] > 1 and last["restored"] == last["step"] - 1
    assert [event["event"] for event in events].count("finished") == 0
    lines = [line for line in err.splitlines() if line.startswith("nnviz:")]
    assert lines == [f"nnviz: {last['reason']}"]
    assert f"step {last['step']}" in last["reason"]
    assert "output" in last["reason"]
    stored = open_run(tmp_path / "r.nnvizrun")
    found = {one.series: one.cause for one in stored.findings()}
    assert found == {"finding/not_finite": "finding/learning_rate_too_high", "finding/learning_rate_too_high": ""}
    assert stored.load_checkpoint() == {}
    stored.close()


def test_the_last_good_checkpoint_stays_in_the_file(tmp_path: Path) -> None:
    """It breaks in the second epoch; the file keeps the end of the first, and goes on from there more slowly."""
    project, run = saved(tmp_path / "good.nnviz", 0.01), tmp_path / "r.nnvizrun"
    assert main(["train", str(project), "--run", str(run), "--epochs", "1", "--json"]) == 0
    stored = open_run(run)
    before = from_blobs(stored.load_checkpoint())
    stored.close()
    # The learning rate of a checkpoint counts, so the weights are made wild instead.
    wild = {name: tensor * 1e25 for name, tensor in before.weights.items()}
    training = Training(io.load(project), session_data(project), CPU)
    training.restore(before)
    training.weights.use(wild)
    runner = runner_of(training, store=(shelf := Shelf()))
    until_it_rests(runner)
    runner.save("stop")
    assert shelf.kept == []
    training.random.release()


def session_data(path: Path) -> LoadedData:
    return load(io.load(path).data)


@pytest.mark.parametrize("rate", ["inf", "nan", "Infinity", "1e999", "1e400"])
def test_a_learning_rate_that_is_no_number_is_refused(
    rate: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = saved(tmp_path / "p.nnviz", 0.1)
    assert main(["train", str(project), "--set", f"training.learning_rate={rate}", "--run", str(tmp_path / "r")]) == 2
    assert "learning_rate" in capsys.readouterr().err
    text = project.read_text(encoding="utf-8").replace('"learning_rate": 0.1', f'"learning_rate": {rate}')
    assert rate in text
    project.write_text(text, encoding="utf-8")
    assert main(["train", str(project), "--run", str(tmp_path / "r")]) == 2


def test_adam_with_a_rate_of_a_thousand_ends_well_or_says_why(tmp_path: Path) -> None:
    project = saved(tmp_path / "p.nnviz", 1000.0, kind="adam")
    assert main(["train", str(project), "--run", str(tmp_path / "r.nnvizrun"), "--json"]) in (0, 1)


# -- the data ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_data_that_is_not_finite_is_refused_before_training(split: str, value: float) -> None:
    data = tables()
    inputs = data.split(split).inputs.clone()
    inputs[4, 2] = value
    broken = dataclasses.replace(data, **{split: Split(inputs, data.split(split).targets)})
    session = TrainingSession(project_of(), Run(), data=broken, device="cpu")
    with pytest.raises(DataError, match=r"1 of \d+ examples hold NaN or infinity, the first is number 5, feature 3"):
        session.train()


def test_a_checkpoint_of_before_may_hold_nan_and_is_refused() -> None:
    training = made_training(MLP)
    advance(training, 3)
    with torch.no_grad():
        training.network.module_of("linear2").weight[0, 0] = math.nan  # type: ignore[index]
    blobs = to_blobs(training.capture())
    assert not from_blobs(blobs).is_finite


def test_numbers_set_by_hand_a_moment_before_are_named_in_place_of_the_learning_rate() -> None:
    training, run = made_training(MLP, tables()), Run()
    runner = runner_of(training, run)
    for _ in range(4):
        runner.advance()
    huge = [WeightChange("linear1", "bias", (unit,), 3e38 * (-1) ** unit) for unit in range(4)]
    runner.edit_weights(lambda training: training.by_hand.edit(huge))
    until_it_rests(runner)
    said = not_finite(run).evidence
    assert "4 numbers of bias of linear1 were set at step 4." in said and "'Undo edit of weights'" in said
    assert "usual cause" not in said
