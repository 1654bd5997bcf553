"""Planted sicknesses: small networks and made-up data that go wrong in one way each, and some that do not.

Each is trained step by step with every instrument measuring at fixed steps, so that what is found depends on the seed
and on nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor
from training_helpers import CPU, MADE

from nnviz.data.tensors import LoadedData, Scaler, Split
from nnviz.errors import NotFiniteError
from nnviz.probes.base import Probe
from nnviz.probes.dead_units import DeadUnits
from nnviz.probes.filters import WeightProbe
from nnviz.probes.gradients import GradientProbe
from nnviz.probes.loss import LossProbe
from nnviz.probes.probe_set import ProbeSetPass
from nnviz.probes.saturation import Saturation
from nnviz.probes.updates import UpdateProbe
from nnviz.project.model import Choice, DataConfig, DataFacts, Graph, Project, TrainConfig
from nnviz.project.samples.sketch import Layer, chain, features, linear, neurons, output, relu, sigmoid
from nnviz.record.readings import Finding
from nnviz.record.run import Run
from nnviz.train.instruments import Instruments
from nnviz.train.runner import Runner
from nnviz.train.training import Training

FEATURES, CLASSES = 8, 4
#: Steps between two measurements of everything.
EVERY = 20


def clouds(
    seed: int,
    train: int = 400,
    validation: int = 200,
    *,
    classes: int = CLASSES,
    distance: float = 3.0,
    change: Callable[[Tensor, Tensor, torch.Generator], tuple[Tensor, Tensor]] | None = None,
) -> LoadedData:
    """Round clouds of points, one a class; ``change`` makes inputs and labels of both splits what they are to be."""
    random = torch.Generator().manual_seed(1000 + seed)
    middles = distance * torch.nn.functional.normalize(torch.randn(classes, FEATURES, generator=random), dim=1)

    def split(count: int) -> Split:
        targets = torch.arange(count) % classes
        inputs = torch.randn(count, FEATURES, generator=random) + middles[targets]
        if change is not None:
            inputs, targets = change(inputs, targets, random)
        return Split(inputs, targets)

    parts = split(train), split(validation), split(50)
    names = tuple("abcdefghij"[:classes])
    facts = DataFacts((FEATURES,), classes, "classes", names)
    return LoadedData("made", DataConfig(), facts, *parts, Scaler.fit(parts[0], ()))


def dense(*hidden: int, between: Callable[[], Layer] = relu, classes: int = CLASSES, **params: object) -> Graph:
    """Dense layers with something between them."""
    layers: list[Layer] = [features(FEATURES)]
    for count in hidden:
        layers += [linear(count, **params), between()]  # type: ignore[arg-type]
    return chain(*layers, linear(classes), output())


@dataclass(frozen=True)
class Sickness:
    """What is planted, and what is to be found.

    Attributes:
        cause: Name of the finding on top; empty where nothing is to be said.
        graph: The network.
        data: Of a seed.
        optimizer, rate, batch, epochs: How it is trained.
        jump: (step, learning rate): from there on.
        says: What its text and evidence must hold.
    """

    cause: str
    graph: Callable[[], Graph] = lambda: dense(24)
    data: Callable[[int], LoadedData] = clouds
    optimizer: str = "sgd"
    rate: float = 0.05
    batch: int = 20
    epochs: int = 6
    jump: tuple[int, float] | None = None
    says: tuple[str, ...] = ()
    params: Mapping[str, float] = field(default_factory=dict)


def project_of(sick: Sickness, seed: int) -> Project:
    config = TrainConfig(
        Choice(sick.optimizer, {"learning_rate": sick.rate, **sick.params}), sick.batch, sick.epochs, seed
    )
    return Project("sick", "", sick.graph(), training=config)


def trained(sick: Sickness, seed: int, on_look: Callable[[Run], None] | None = None) -> Run:
    """The run of a training to its end, looked at every few steps."""
    training = Training(project_of(sick, seed), sick.data(seed), CPU)
    MADE.append(training)
    run = Run()
    instruments = Instruments(training, run, what_findings_need(), 0.0)
    runner = Runner(training, instruments, run, epochs=sick.epochs)
    runner.begin()
    whole(instruments)
    while not runner.finished and not runner.halted:
        step = training.step
        if sick.jump is not None and step == sick.jump[0]:
            runner.set_learning_rate(sick.jump[1])
        if training.epoch_end_due:
            runner.advance()
        else:
            single(runner, forced=step < 5 or step % 5 == 0)
        if training.step % EVERY == 0 and not training.epoch_end_due:
            whole(instruments)
            if on_look is not None:
                on_look(run)
    while runner.has_errand or (runner.halted and runner.trouble is None):
        runner.advance()
    whole(instruments)
    return run


def what_findings_need() -> list[Probe]:
    """No others: the pictures take longer than the training."""
    return [LossProbe(), GradientProbe(), UpdateProbe(), WeightProbe(), ProbeSetPass([DeadUnits(), Saturation()])]


def single(runner: Runner, *, forced: bool) -> None:
    """One step; ``forced`` with everything measured that belongs to it."""
    try:
        runner.instruments.advance(forced=forced)
    except NotFiniteError as error:
        runner.break_down(error.step)


def whole(instruments: Instruments) -> None:
    """Measures all there is to measure, says what there is to say, and tries what there is to try."""
    instruments.measure_all()
    while True:
        while instruments.busy:
            instruments.continue_measuring()
        instruments.examine()
        if not instruments.busy:
            return


def causes(run: Run) -> list[Finding]:
    """What stands on top: no symptom of another one."""
    return [finding for finding in run.findings() if not finding.cause]


# -- what is planted --------------------------------------------------------------------------------------------------


def mixed_labels(inputs: Tensor, targets: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
    return inputs, torch.randint(0, CLASSES, (len(targets),), generator=random)


def noisy_labels(inputs: Tensor, targets: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
    wrong = torch.rand(len(targets), generator=random) < 0.3
    return inputs, torch.where(wrong, torch.randint(0, CLASSES, (len(targets),), generator=random), targets)


def shuffled_inputs(inputs: Tensor, targets: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
    return inputs[torch.randperm(len(inputs), generator=random)], targets


def no_inputs(inputs: Tensor, targets: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
    return torch.full_like(inputs, 0.5), targets


def huge_inputs(inputs: Tensor, targets: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
    return inputs * 1e5, targets


def one_that_overflows(inputs: Tensor, targets: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """One example is as large as a number can be."""
    changed = inputs.clone()
    changed[7] = 3e38
    return changed, targets


def mostly_one(inputs: Tensor, targets: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Eleven of twelve of one class, and the rest in the middle of it, where no line parts them."""
    rare = torch.arange(len(targets)) % 12 == 0
    moved = torch.randn(inputs.shape, generator=random)
    moved[rare] *= 0.2
    return moved, rare.long()


def rings(seed: int) -> LoadedData:
    """Two classes that no line parts: inside and outside."""

    def change(inputs: Tensor, targets: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        points = torch.randn(inputs.shape, generator=random)
        points[:, 2:] = 0.0
        return points, (points[:, :2].norm(dim=1) > 1.1774).long()

    return clouds(seed, classes=2, change=change)


def with_(change: Callable[..., tuple[Tensor, Tensor]], **more: int) -> Callable[[int], LoadedData]:
    return lambda seed: clouds(seed, change=change, **more)  # type: ignore[arg-type]


def perceptron() -> Graph:
    return chain(features(FEATURES), linear(1, weight_initialisation="zeros"), output("perceptron"))


def two_far_clouds(seed: int) -> LoadedData:
    made = clouds(seed, 100, 40, classes=2, distance=6.0)
    facts = DataFacts((FEATURES,), 1, "binary", ("a", "b"))
    return replace(made, facts=facts)


def given(units: int, inputs: int, weight: float | None, bias: float = 0.0) -> Layer:
    """A dense layer with weights that are all alike, or small and random; and one bias for all units."""
    random = torch.Generator().manual_seed(3)
    values = torch.full((units, inputs), weight) if weight is not None else torch.randn(units, inputs, generator=random)
    scale = 1.0 if weight is not None else 0.3
    return neurons((scale * values).tolist(), [bias] * units)


def started_with(**params: object) -> Callable[[], Graph]:
    return lambda: dense(24, 24, **params)


SICKNESSES: dict[str, Sickness] = {
    "healthy": Sickness("", epochs=10),
    "healthy, adam": Sickness("", optimizer="adam", rate=0.005, epochs=10),
    "healthy, sigmoid": Sickness("", lambda: dense(24, between=sigmoid), optimizer="adam", rate=0.01, epochs=10),
    "healthy, long after it converged": Sickness("", optimizer="adam", rate=0.01, epochs=18),
    "converged perceptron": Sickness("", perceptron, two_far_clouds, rate=1.0, batch=1, epochs=4),
    "learning rate jumps to 0.5": Sickness(
        "learning_rate_too_high",
        optimizer="adam",
        rate=0.005,
        jump=(141, 0.5),
        epochs=10,
        says=("from 0.005 to 0.5 at step 141",),
    ),
    "learning rate 1000": Sickness("learning_rate_too_high", rate=1000.0, says=("1000",)),
    "Adam at 0.5": Sickness(
        "learning_rate_too_high", lambda: dense(24, 24, 24), optimizer="adam", rate=0.5, says=("0.5",)
    ),
    "learning rate too low": Sickness("update_too_small", rate=1e-6, says=("1e-06",)),
    "started at zero": Sickness("equal_units/linear1", started_with(weight_initialisation="zeros")),
    "all units started alike": Sickness(
        "equal_units/linear1",
        lambda: chain(features(FEATURES), given(24, FEATURES, 0.1), relu(), given(CLASSES, 24, 0.1), output()),
    ),
    "deep with sigmoid": Sickness("vanishing_gradient", lambda: dense(*[16] * 8, between=sigmoid), rate=0.5, epochs=6),
    "weights too large": Sickness(
        "exploding_gradient", lambda: dense(*[32] * 5, weight_initialisation=Choice("gaussian", {"deviation": 2.0}))
    ),
    "inputs too large": Sickness("exploding_gradient", data=with_(huge_inputs)),
    "biases of -10": Sickness(
        "dead_units/relu1",
        lambda: chain(features(FEATURES), given(24, FEATURES, None, -10.0), relu(), linear(CLASSES), output()),
    ),
    "noisy labels learned by heart": Sickness(
        "no_improvement",
        lambda: dense(64, 64),
        with_(noisy_labels, train=200),
        "adam",
        0.01,
        epochs=25,
        says=("by heart",),
    ),
    "random labels": Sickness(
        "no_signal", lambda: dense(64, 64), with_(mixed_labels, train=200), "adam", 0.005, epochs=20
    ),
    "random labels, small network": Sickness("no_signal", data=with_(mixed_labels)),
    "shuffled inputs": Sickness("no_signal", data=with_(shuffled_inputs)),
    "constant input": Sickness("constant_input", data=with_(no_inputs)),
    "not a number": Sickness("not_finite", data=with_(one_that_overflows)),
    "only the majority": Sickness(
        "only_majority", lambda: dense(8, classes=2), with_(mostly_one, classes=2), rate=0.02, epochs=10
    ),
    "too small": Sickness(
        "under_fitting", lambda: dense(1, between=sigmoid, classes=2), rings, "adam", 0.05, epochs=45
    ),
}
