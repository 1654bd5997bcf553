"""One step in five parts: what is shown is what the step does, and five sub-steps are one step, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from torch import Tensor
from training_helpers import CNN, CPU, MLP, images, made_training, served, session_of, tables
from waiting import wait_for

from nnviz.data.tensors import LoadedData, Split, load
from nnviz.errors import TrainingError
from nnviz.explain.flow import flow_of_example
from nnviz.explain.sub_steps import Part, changes, look_at, parameters_of
from nnviz.explain.taken_apart import Place, take_apart
from nnviz.explain.updates import explain_update
from nnviz.explain.values import Example, values_of_example
from nnviz.project.model import Choice, Curated, Project
from nnviz.project.samples.templates import sample
from nnviz.record.readings import ArrayReading, Reading, Scalar
from nnviz.record.run import Run
from nnviz.train.checkpoint import to_blobs
from nnviz.train.session import SessionState, TrainingSession
from nnviz.train.sub_steps import SubStep
from nnviz.train.training import Training
from nnviz.train.unit_switches import NO_SWITCHES, Unit, UnitSwitches
from tests.explain.test_flow_of_values import diamond

Made = tuple[Project, LoadedData]


def of_sample(name: str, **training: Any) -> Made:
    project = sample(name)
    project = msgspec.structs.replace(project, training=msgspec.structs.replace(project.training, **training))
    return project, load(project.data)


def of_helpers(**more: Any) -> Made:
    """Convolution, batch normalisation and dropout."""
    made = made_training(CNN)
    project = Project(name="made", graph=CNN, training=msgspec.structs.replace(made.config, **more))
    return project, images()


def weighted(**more: Any) -> Made:
    """The spiral, whose examples weigh differently."""
    project, _ = of_sample("spiral", optimizer=Choice("sgd", {"learning_rate": 0.1}))
    steps = (*project.data.preparation, *more.pop("steps", ()))
    project = msgspec.structs.replace(project, data=msgspec.structs.replace(project.data, preparation=steps), **more)
    return project, load(project.data)


CASES: dict[str, Callable[[], Made]] = {
    "spiral": lambda: of_sample("spiral"),  # the short way of a dense chain
    "digits-cnn": lambda: of_sample("digits-cnn"),  # dropout
    "batch norm": lambda: of_helpers(
        optimizer=Choice("sgd", {"learning_rate": 0.05, "momentum": 0.9}), clipping=Choice("norm", {"limit": 0.5})
    ),
    "class weights": lambda: weighted(steps=(Choice("balance", {"by": "weight"}),)),
    "curated": lambda: weighted(curation=tuple(Curated(at, weight=at % 3 / 2) for at in range(200))),
}


def looking(session: TrainingSession) -> Callable[[SubStep], Part]:
    return lambda part: look_at(session.training, part)


def plain(reading: Reading) -> object:
    """What was measured; seconds and their like are no measurement of the network."""
    if isinstance(reading, Scalar):
        return reading.value
    if isinstance(reading, ArrayReading):
        return reading.array.tobytes(), dict(reading.meta)
    return repr(reading)


def at_rest(session: TrainingSession, step: int) -> None:
    wait_for(lambda: session.state is SessionState.PAUSED and session.position.step == step)
    wait_for(lambda: session.ask(lambda: not session.training.epoch_end_due).result(20))
    wait_for(lambda: session.position.activity == "")


@pytest.mark.parametrize("case", CASES)
def test_five_sub_steps_are_one_step_bit_for_bit(case: str) -> None:
    project, data = CASES[case]()
    ends: list[tuple[dict[str, bytes], dict[str, object]]] = []
    parts: list[Part] = []
    for taken_apart in (False, True):
        run = Run()
        session = TrainingSession(project, run, data=data, device="cpu")
        with served(session):
            session.step(2).result(20)
            at_rest(session, 2)
            if taken_apart:
                for part in SubStep:
                    before = session.position.step
                    done, found = session.sub_step_on(looking(session)).result(20)
                    assert done is found.part is part is session.sub_step and before == found.step == 2
                    parts.append(found)
            else:
                session.step().result(20)
            at_rest(session, 3)
            ends.append(
                (
                    to_blobs(session.capture().result(20)),
                    {
                        name: plain(reading)
                        for name, reading in run.at(3).items()
                        if reading.step == 3 and not name.startswith(("speed", "steps_per_second", "cost"))
                    },
                )
            )
            if taken_apart:
                after = session.ask(lambda: parameters_of(session.training)).result(20)  # noqa: B023 - called at once
                measured = run.latest("loss/train")
    (ordinary, seen), (apart, also_seen) = ends
    assert ordinary == apart
    assert (
        seen.keys() == also_seen.keys() and {"loss/train", *(name for name in seen if "gradient" in name)} < seen.keys()
    )
    for name, value in seen.items():
        # What is measured over the probe set is summed in pieces, which depend on the clock.
        whole = isinstance(value, float) and not name.startswith(("loss", "gradient", "update"))
        assert also_seen[name] == (pytest.approx(value, rel=1e-6, abs=1e-9, nan_ok=True) if whole else value), name
    # What was shown before the step is what the step used.
    assert isinstance(measured, Scalar) and parts[2].loss == parts[3].loss == measured.value
    assert parts[2].losses is not None and parts[2].loss is not None
    training = Training(project, data, CPU)
    weights = training._batches.curation.weights
    weights = None if weights is None else weights[training._batches.feeder.numbers(0, 2)]
    assert np.average(parts[2].losses.astype(np.float64), weights=weights) == pytest.approx(parts[2].loss, rel=1e-5)
    assert parts[2].weighted == (weights is not None) == (case in ("class weights", "curated"))
    made = changes(parts[4], after)
    assert made and parts[4].before is not None
    for node, named in made.items():
        for name, added in named.items():
            place = np.unravel_index(int(np.abs(added).argmax()), added.shape)
            index = tuple(int(at) for at in place)
            explained = parts[4].before.explain(node, name, index)  # after the step, from what was taken before it
            assert explained.total == pytest.approx(after[node][name][index], rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients_that_are_shown_are_those_of_the_step(case: str) -> None:
    training = Training(*CASES[case](), CPU)
    for _ in range(3):
        training.advance()
    shown = {part: look_at(training, part) for part in SubStep}
    forward, back, before = shown[SubStep.FORWARD].flow, shown[SubStep.BACKWARD].flow, shown[SubStep.UPDATE].before
    assert forward is not None and back is not None and before is not None
    outputs: dict[str, Tensor] = {}
    gradients: dict[str, Tensor] = {}
    losses: list[float] = []

    def watcher(node: str) -> Callable[[Tensor], None]:
        return lambda output: outputs.__setitem__(node, output.detach().clone())

    def look(loss: Tensor, _outputs: Tensor, targets: Tensor) -> None:
        losses.append(loss.item())
        assert torch.equal(
            targets.reshape(len(targets), -1)[:, 0].float(), torch.tensor(shown[SubStep.BATCH].batch.targets)
        )
        gradients.update(
            {name: one.grad.clone() for name, one in training.network.named_parameters() if one.grad is not None}
        )

    with training.network.watched({node: watcher(node) for node in training.network.trained_ids}):
        training.advance(look)
    training.random.release()
    assert losses == [shown[SubStep.LOSS].loss] == [back.loss] == [before.values.loss]
    assert outputs
    for node, output in outputs.items():
        assert np.array_equal(forward.outputs[node], output[0].numpy()), node
        assert np.array_equal(back.outputs[node], output[0].numpy()), node
    named = {
        f"{training.network.module_name(node)}.{name}": gradient
        for node, values in before.values.nodes.items()
        for name, gradient in values.parameter_gradients.items()
    }
    assert named.keys() == gradients.keys()
    assert all(np.array_equal(named[name], gradient.numpy()) for name, gradient in gradients.items())
    for node, norm in back.norms.items():
        own = [gradients[name] for name in gradients if name.startswith(f"{training.network.module_name(node)}.")]
        assert norm == pytest.approx(float(torch.cat([one.flatten() for one in own]).double().norm()))


def test_a_value_used_twice_has_a_gradient_for_each_wire_and_their_sum_as_its_own() -> None:
    data = tables(features=3)
    parts = {
        name: Split(data.split(name).inputs, data.split(name).targets % 2) for name in ("train", "validation", "test")
    }
    facts = msgspec.structs.replace(data.facts, targets=2, class_names=("a", "b"))
    training = made_training(diamond(), replace(data, facts=facts, **parts))
    found = flow_of_example(training, Example("validation", 2))
    values = values_of_example(training, Example("validation", 2))
    into = {(edge.source.node, edge.target.node, edge.target.port): norm for edge, norm in found.wires.items()}
    product, summed = values.nodes["product"], values.nodes["sum"]
    flowing = [product.input_gradients[0], product.input_gradients[1], summed.input_gradients[1]]
    wires = [("bent", "product", 0), ("bent", "product", 1), ("bent", "sum", 1)]
    assert all(part is not None for part in flowing)
    for wire, part in zip(wires, flowing, strict=True):
        assert into[wire] == pytest.approx(float(np.linalg.norm(part[0])), rel=1e-6)  # type: ignore[index]  # see above
    assert found.gradients["bent"] == pytest.approx(sum(part[0] for part in flowing), rel=1e-5)  # type: ignore[index, misc]
    assert ("bent", "nowhere", 0) not in into and "nowhere" not in found.gradients


def test_a_frozen_unit_stays_and_the_others_are_clipped_without_it() -> None:
    project, data = of_helpers(
        optimizer=Choice("adam", {"learning_rate": 0.01}), clipping=Choice("norm", {"limit": 0.1})
    )
    training = Training(project, data, CPU)
    training.switch_units(UnitSwitches(frozen=frozenset({Unit("conv1", 2), Unit("linear1", 0)})))
    training.advance()
    part = look_at(training, SubStep.UPDATE)
    training.advance()
    training.random.release()
    after = parameters_of(training)
    assert part.before is not None
    for node, name, index in (
        ("conv1", "weight", (1, 0, 1, 1)),
        ("linear1", "weight", (1, 3)),
        ("linear1", "bias", (2,)),
    ):
        explained = part.before.explain(node, name, index)
        assert explained.total == pytest.approx(after[node][name][index], rel=1e-6) and len(explained.terms) > 1
    for node, name, index in (("conv1", "weight", (2, 0, 1, 1)), ("linear1", "bias", (0,))):
        explained = part.before.explain(node, name, index)
        assert explained.total == after[node][name][index] and "frozen" in explained.words


def test_gradients_asked_for_in_between_leave_no_trace_in_the_training() -> None:
    ends = []
    for asks in (False, True):
        training = made_training(CNN)
        for step in range(8):
            if asks:
                flow_of_example(training, Example("validation", step))
                look_at(training, tuple(SubStep)[step % 5])
            training.advance()
        ends.append(to_blobs(training.capture()))
        training.random.release()
    assert ends[0] == ends[1]


def test_it_is_refused_while_something_is_under_way_and_abandoned_by_whatever_trains() -> None:
    session = session_of(MLP, epochs=50)
    with served(session):
        look = looking(session)
        assert session.sub_step_on(look).result(20)[0] is SubStep.BATCH
        assert session.state is SessionState.READY and session.position.step == 0

        def fails(part: SubStep) -> None:
            raise ValueError(part)

        with pytest.raises(ValueError, match="forward"):
            session.sub_step_on(fails).result(20)
        assert session.sub_step_on(look).result(20)[0] is SubStep.FORWARD  # nothing was done before
        for abandon in (session.step, session.step_back, lambda: session.go_back(0), session.restore_best):
            session.step(7).result(20)  # past the end of an epoch: there are best weights
            wait_for(lambda: session.ask(lambda: session.has_errand).result(20) is False)
            assert session.sub_step is None
            session.sub_step_on(look).result(20)
            assert session.sub_step is SubStep.BATCH
            abandon().result(20)
            assert session.sub_step is None
            wait_for(lambda: session.ask(lambda: session.has_errand).result(20) is False)
        session.sub_step_on(look).result(20)
        session.switch_units(NO_SWITCHES).result(20)
        assert session.sub_step is None
        session.sub_step_on(look).result(20)
        session.leave_sub_steps().result(20)
        assert session.sub_step is None
        session.step(3)
        with pytest.raises(TrainingError, match="under way"):
            session.sub_step_on(look).result(20)
        session.play().result(20)
        with pytest.raises(TrainingError, match="pause"):
            session.sub_step_on(look).result(20)
        session.set_epochs(1).result(20)
        wait_for(lambda: session.state is SessionState.DONE)
        with pytest.raises(TrainingError, match="higher number of epochs"):
            session.sub_step_on(look).result(20)


def test_an_update_is_explained_alike_before_and_after_its_step() -> None:
    training = made_training(MLP, optimizer="nadam", learning_rate=0.01)  # which has no way of its own for its pace
    training.advance()
    before = look_at(training, SubStep.UPDATE).before
    expected = explain_update(training, "linear1", "weight", (2, 3))
    training.advance()
    training.random.release()
    assert before is not None and before.explain("linear1", "weight", (2, 3)) == expected


def test_the_gradient_of_an_answer_is_taken_apart_with_what_its_example_weighs() -> None:
    training = Training(*CASES["curated"](), CPU)
    training.advance()
    for number in range(6):
        place = Place(training.network.output_id, "output", (0,), True, batch=number)
        found = take_apart(training, place).explanation
        assert found.total == pytest.approx(found.value, rel=1e-5, abs=1e-9)


def test_an_example_that_was_relabelled_is_called_what_it_is_trained_as() -> None:
    project, data = of_sample("spiral")
    label = data.class_names[1] if data.class_names else "1"
    project = msgspec.structs.replace(project, curation=tuple(Curated(at, label=label) for at in range(1000)))
    batch = look_at(Training(project, data, CPU), SubStep.BATCH).batch
    assert set(batch.right) == {label} and set(batch.targets.tolist()) == {1.0}
