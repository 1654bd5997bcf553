"""Units that are switched off or frozen, and training at a pace."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import torch

from nnviz.data.tensors import load
from nnviz.errors import ParamError, RunFileError
from nnviz.explain.at_rest import network_at_rest
from nnviz.probes.base import Measurement
from nnviz.probes.live_units import LiveUnits
from nnviz.probes.probe_set import ProbeSetPass
from nnviz.probes.saturation import Saturation
from nnviz.project.model import Choice, Project
from nnviz.project.samples import templates
from nnviz.record.readings import Scalar
from nnviz.record.run import Run
from nnviz.train.checkpoint import from_blobs, to_blobs
from nnviz.train.session import SessionState, TrainingSession
from nnviz.train.training import Training
from nnviz.train.unit_switches import NO_SWITCHES, Unit, UnitSwitches

CPU = torch.device("cpu")
#: One hidden unit of each layer.
SOME = UnitSwitches(frozenset({Unit("tanh1", 3), Unit("tanh2", 0)}), frozenset({Unit("linear2", 5)}))


def spiral(**changes: Any) -> Project:
    project = templates.sample("spiral")
    return msgspec.structs.replace(project, training=msgspec.structs.replace(project.training, **changes))


def made(project: Project) -> Training:
    return Training(project, load(project.data), CPU)


def bits(training: Training) -> list[bytes]:
    return [parameter.detach().numpy().tobytes() for parameter in training.network.parameters()]


def advance(training: Training, steps: int) -> None:
    for _ in range(steps):
        training.advance()


def test_a_unit_that_is_off_is_a_unit_whose_outgoing_weights_are_zero() -> None:
    training, other = made(spiral()), made(spiral())
    advance(training, 40)
    advance(other, 40)
    training.switch_units(UnitSwitches(off=SOME.off))
    weights = other.network.state_dict()
    weights["linear2.weight"][:, 3] = 0.0
    weights["linear3.weight"][:, 0] = 0.0
    inputs, targets = training.coming.peek()
    for mode in (False, True):
        training.network.train(mode)
        other.network.train(mode)
        assert torch.equal(training.network(inputs), other.network(inputs))
        assert torch.equal(network_at_rest(training.network, training=mode)(inputs), other.network(inputs))
    # Trained on, nothing flows back into what leads to it alone, and the others get the gradients of that network.
    training.advance()
    theirs = dict(other.network.named_parameters())
    other.network.zero_grad()
    loss = other.loss_function(other.network(inputs), targets)
    loss.backward()
    for name, parameter in training.network.named_parameters():
        assert parameter.grad is not None and theirs[name].grad is not None
        ours, expected = parameter.grad.clone(), theirs[name].grad.clone()
        if name == "linear2.weight":
            assert not ours[:, 3].any()
            expected[:, 3] = 0.0  # with respect to the weights themselves: here the unit gives nothing to multiply
        if name == "linear3.weight":
            assert not ours[:, 0].any()
            expected[:, 0] = 0.0
        assert torch.allclose(ours, expected, atol=1e-7), name


@pytest.mark.parametrize(("kind", "by"), [("tanh", 9.0), ("sigmoid", 9.0), ("sigmoid", 4000.0)])
def test_a_unit_that_is_off_is_not_saturated(kind: str, by: float) -> None:
    """All others count as before, in the exact share and in the live one: also a sigmoid so far out that it is 0."""
    project = templates.sample("spiral")
    nodes = {
        name: msgspec.structs.replace(node, kind=kind) if node.kind == "tanh" else node
        for name, node in project.graph.nodes.items()
    }
    training = made(msgspec.structs.replace(project, graph=msgspec.structs.replace(project.graph, nodes=nodes)))
    with torch.no_grad():
        training.network.module_of("linear1").weight.mul_(by)  # type: ignore[operator, union-attr]  # a tensor
    inputs = training.data.validation.inputs
    sums = training.network.module_of("linear1")(inputs).detach()
    flat = (
        1 - torch.tanh(sums) ** 2 < 0.05
        if kind == "tanh"
        else torch.sigmoid(sums).mul(1 - torch.sigmoid(sums)) < 0.0125
    )
    assert flat[:, 3].float().mean() > 0.3
    looks = ProbeSetPass([Saturation()])
    looks.measure(Measurement(training.network, 0, probe_inputs=inputs))
    training.switch_units(UnitSwitches(off=frozenset({Unit("tanh1", 3)})))
    flat[:, 3] = False
    exact = looks.measure(Measurement(training.network, 1, probe_inputs=inputs))
    found = {reading.series: reading.value for reading in exact if isinstance(reading, Scalar)}
    assert found["saturation/tanh1"] == pytest.approx(float(flat.float().mean()), abs=2 / flat.numel())
    live = LiveUnits()
    live.watch(training.network)["tanh1"](training.network.module_of("tanh1")(sums))
    assert int(live._ends["tanh1"][0]) == pytest.approx(int(flat.sum()), abs=1)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"optimizer": Choice("sgd", {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.01})},
        {"optimizer": Choice("adamw", {"learning_rate": 0.05, "weight_decay": 0.1})},
    ],
)
def test_frozen_units_keep_every_bit_and_the_others_train(changes: dict[str, Any]) -> None:
    training = made(spiral(**changes))
    advance(training, 30)
    before = {name: value.clone() for name, value in training.network.state_dict().items()}
    training.switch_units(UnitSwitches(frozen=SOME.frozen))
    advance(training, 30)
    after = training.network.state_dict()
    assert torch.equal(after["linear2.weight"][5], before["linear2.weight"][5])
    assert torch.equal(after["linear2.bias"][5], before["linear2.bias"][5])
    for name, value in after.items():
        rows = torch.ones(len(value), dtype=torch.bool)
        if name.startswith("linear2"):
            rows[5] = False
        assert (value[rows] != before[name][rows]).flatten(1).any(1).all() if value.dim() > 1 else True, name


def test_without_a_switch_every_bit_is_as_if_there_were_none() -> None:
    plain, switched = made(spiral()), made(spiral())
    short = switched._ways.gradients
    switched.switch_units(SOME)
    assert switched._ways.gradients is None
    inputs, _ = switched.coming.peek()
    switched.network(inputs)
    switched.switch_units(NO_SWITCHES)
    assert switched._ways.gradients is short and short is not None
    advance(plain, 60)
    advance(switched, 60)
    assert bits(plain) == bits(switched)
    with pytest.raises(ParamError, match="numbered from 0: there is no 8"):
        switched.switch_units(UnitSwitches(off=frozenset({Unit("tanh1", 8)})))
    with pytest.raises(ParamError, match="no weights"):
        switched.switch_units(UnitSwitches(frozen=frozenset({Unit("tanh1", 1)})))


def test_going_back_makes_the_steps_with_the_switches_that_they_had() -> None:
    training = made(spiral())
    start = training.capture()
    known = {0: bits(training)}
    plan = {10: SOME, 20: UnitSwitches(off=frozenset({Unit("tanh1", 0)})), 30: NO_SWITCHES}
    for step in range(1, 41):
        training.advance()
        known[step] = bits(training)
        if step in plan:
            training.switch_units(plan[step])
    for target, switches in ((35, NO_SWITCHES), (25, plan[20]), (15, SOME), (5, NO_SWITCHES)):
        training.go_back(start, target)
        while training.replaying:
            training.advance()
        assert bits(training) == known[target]
        assert training.switches == switches


def test_a_checkpoint_keeps_the_switches_and_resuming_goes_on_with_them_bit_for_bit() -> None:
    training = made(spiral())
    advance(training, 10)
    training.switch_units(SOME)
    advance(training, 10)
    blobs = to_blobs(training.capture())
    advance(training, 10)
    resumed = made(spiral())
    resumed.switch_units(UnitSwitches(off=frozenset({Unit("tanh1", 7)})))
    resumed.restore(from_blobs(blobs))
    assert resumed.switches == SOME
    advance(resumed, 10)
    assert bits(resumed) == bits(training)
    # Behind a switch that was made after resuming, those that the file kept hold again.
    state = resumed.capture()
    resumed.restore(from_blobs(blobs))
    start = resumed.capture()
    assert resumed.changes_at(resumed.step) == [], "what the file kept was not changed here"
    advance(resumed, 8)
    resumed.switch_units(NO_SWITCHES)
    assert len(resumed.changes_at(28)) == len(SOME.off) + len(SOME.frozen)
    resumed.go_back(start, 25)
    advance(resumed, 5)
    assert resumed.switches == SOME and state.switches == SOME
    # A file of an older version has none; one that names a unit that is not there is refused, and nothing is changed.
    header = msgspec.json.decode(blobs["header"])
    assert header["switches"] == {"off": [["tanh1", 3], ["tanh2", 0]], "frozen": [["linear2", 5]]}
    del header["digest"]
    before = bits(resumed)
    for wrong in ({"off": [["nobody", 0]]}, {"off": [["tanh1", 8]]}, {"frozen": [["tanh1", 0]]}):
        forged = blobs | {"header": msgspec.json.encode(header | {"switches": wrong})}
        with pytest.raises(RunFileError, match="damaged: of the units"):
            resumed.restore(from_blobs(forged))
    with pytest.raises(RunFileError, match="damaged"):
        from_blobs(blobs | {"header": msgspec.json.encode(header | {"switches": {"off": [["tanh1", -1]]}})})
    assert bits(resumed) == before and resumed.switches == SOME
    del header["switches"]
    resumed.restore(from_blobs(blobs | {"header": msgspec.json.encode(header)}))
    assert resumed.switches == NO_SWITCHES


@pytest.fixture
def session() -> Iterator[TrainingSession]:
    session = TrainingSession(spiral(epochs=2000), Run())
    thread = threading.Thread(target=session.serve, daemon=True)
    thread.start()
    while session.state is not SessionState.READY:
        time.sleep(0.01)
    yield session
    session.close()
    thread.join(20)


def test_what_is_switched_is_written_into_the_run(session: TrainingSession) -> None:
    session.step(3).result(10)
    while session.ask(lambda: session.training.step).result(10) < 3:
        time.sleep(0.01)
    session.switch_units(SOME).result(10)
    session.switch_units(UnitSwitches(frozen=SOME.frozen)).result(10)
    said = {finding.series: finding for finding in session.run.findings()}
    frozen = said["finding/unit_frozen/linear2/5"]
    assert frozen.text == "Unit 5 of linear2 was frozen at step 3." and frozen.severity == "information"
    assert session.ask(lambda: session.training.switches).result(10) == UnitSwitches(frozen=SOME.frozen)
    assert (session.position.switches, session.position.edits) == (2, 0)
    with pytest.raises(ParamError):
        session.switch_units(UnitSwitches(off=frozenset({Unit("nobody", 0)}))).result(10)


def test_at_a_pace_it_answers_between_the_steps(session: TrainingSession) -> None:
    session.set_pace(0.001).result(10)  # one step, and the next in a quarter of an hour
    session.play().result(10)
    steps = [session.ask(lambda: session.training.step).result(5) for _ in range(50)]
    assert steps[-1] <= 1 and session.state is SessionState.RUNNING
    session.set_pace(None).result(5)
    while session.ask(lambda: session.training.step).result(5) < 5:
        time.sleep(0.01)
    with pytest.raises(ParamError):
        session.set_pace(0.0).result(5)
