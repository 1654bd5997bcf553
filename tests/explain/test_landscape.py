"""Landscapes of the loss: against a slow computation, numpy's SVD, planted valleys and torch's own optimizers."""

from __future__ import annotations

import copy
import math
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from training_helpers import CNN, CPU, advance, images, made_training, same, weights

from nnviz.data.tensors import LoadedData, Scaler, Split
from nnviz.errors import InputError
from nnviz.explain.asked import of_project, of_run
from nnviz.explain.landscape import (
    LossOfExamples,
    Measurement,
    Weight,
    kept_states,
    over_weights,
    path_section,
    random_section,
)
from nnviz.explain.valley import Walker
from nnviz.project import registry
from nnviz.project.files.io import dumps
from nnviz.project.model import Choice, DataConfig, DataFacts, Graph, Project, TrainConfig
from nnviz.project.samples.sketch import Layer, chain, conv, features, flatten, image, linear, output, plain, relu
from nnviz.project.samples.templates import sample
from nnviz.record.readings import Scalar
from nnviz.record.run import Run, RunInfo
from nnviz.record.store import RunWriter
from nnviz.train import checkpoint as checkpoints
from nnviz.train.lion import Lion
from nnviz.train.training import Training


def measured(loss: LossOfExamples, section: Any, *axes: Any) -> np.ndarray:
    measurement = Measurement(loss, section, axes)
    while measurement.advance():
        pass
    assert measurement.picture().whole
    return measurement.picture().losses


def slow_loss(network: nn.Module, training: Training, indices: Tensor, replaced: dict[str, Tensor]) -> float:
    """Every parameter written into a copy in double precision, one example after the other."""
    exact = copy.deepcopy(network).double().eval()
    for name, numbers in replaced.items():
        dict(exact.named_parameters())[name].data = numbers.double()
    feeder = training.feeder("validation")
    inputs, targets = feeder.prepare(indices).double(), feeder.targets_of(indices)
    losses = []
    for number in range(len(indices)):
        with torch.no_grad():
            losses.append(float(training.loss_function(exact(inputs[[number]]), targets[[number]])))
    return math.fsum(losses) / len(losses)


#: Filters that are counted the other way round, normalisation, dropout, biases.
NET = chain(
    image(1, 8, 8), conv(3, 3), plain("batch_norm2d"), relu(), Layer("conv_transpose2d", {"out_channels": 2}),
    plain("dropout"), flatten(), linear(3), output(),
)  # fmt: skip


def test_random_directions_are_filter_normalised_and_the_losses_are_those_of_replaced_weights() -> None:
    training = made_training(NET, images())
    advance(training, 7)
    before, state = weights(training.network), torch.get_rng_state()
    loss = LossOfExamples.take(training, count=9, seed=4)
    section = random_section(loss, axes=2, seed=5)
    axis, other = np.array([-0.7, 0.0, 0.4]), np.array([-0.5, 0.9])
    losses = measured(loss, section, axis, other)
    # The same numbers are drawn, and scaled filter by filter.
    generator, directions = torch.Generator().manual_seed(5), []
    network = training.network
    for _ in range(2):
        direction: dict[str, Tensor] = {}
        for name, parameter in network.named_parameters():
            drawn = torch.randn(parameter.shape, generator=generator).double()
            if parameter.dim() == 1:
                continue
            along = 1 if isinstance(network.get_submodule(name.split(".")[0]), nn.ConvTranspose2d) else 0
            for filter_ in range(parameter.shape[along]):
                numbers, weight = drawn.select(along, filter_), parameter.detach().double().select(along, filter_)
                numbers *= math.sqrt(float((weight**2).sum())) / math.sqrt(float((numbers**2).sum()))
            direction[name] = drawn
        directions.append(direction)
    assert directions[0].keys() == set(section.directions[0])
    indices = torch.from_numpy(np.sort(np.random.Generator(np.random.PCG64(4)).permutation(25)[:9]))
    start = dict(network.named_parameters())
    for column, first in enumerate(axis):
        for row, second in enumerate(other):
            replaced = {
                name: start[name].detach().double() + first * directions[0][name] + second * directions[1][name]
                for name in directions[0]
            }
            assert losses[row, column] == pytest.approx(slow_loss(network, training, indices, replaced), rel=2e-5)
    assert torch.equal(torch.get_rng_state(), state) and same(before, weights(network)) and network.training
    # Biases and the parameters of normalisations move only where that is asked for, each as one filter.
    with_all = random_section(loss, axes=1, small_ones=True).directions[0]
    assert with_all.keys() == loss.present.keys()
    for key, numbers in loss.present.items():
        assert float(with_all[key].norm()) == pytest.approx(float(numbers.norm()), rel=1e-5, abs=1e-12)


def test_a_landscape_is_coarse_first_and_can_be_stopped() -> None:
    training = made_training(CNN, images())
    loss = LossOfExamples.take(training)
    axes = (np.linspace(-1, 1, 17), np.linspace(-1, 1, 9))
    stop = False
    measurement = Measurement(loss, random_section(loss), axes, lambda: stop)
    for _ in range(6):  # every eighth place
        measurement.advance()
    early = measurement.picture()
    assert early.done == 6 and early.reached.sum() > 100 and np.unique(early.losses[early.reached]).size == 6
    stop = True
    assert not measurement.advance() and measurement.done == 6
    stop = False
    while measurement.advance():
        pass
    whole = measurement.picture()
    assert whole.reached.all() and (early.losses[::8, ::8] == whole.losses[::8, ::8]).all()
    here = training.evaluation("validation")
    while here.advance():
        pass
    assert whole.losses[4, 8] == pytest.approx(here.result().loss, rel=1e-5)


def test_the_way_of_a_run_lies_in_the_plane_that_numpy_finds() -> None:
    training = made_training(CNN, images())
    loss = LossOfExamples.take(training)
    random = torch.Generator().manual_seed(1)
    states = [
        (step, {key: one + torch.randn(one.shape, generator=random) / (step + 1) for key, one in loss.present.items()})
        for step in range(5)
    ]
    path = path_section(loss, states)
    flat = [torch.cat([state[key].double().flatten() for key in loss.present]).numpy() for _, state in states]
    end = torch.cat([one.double().flatten() for one in loss.present.values()]).numpy()
    rows = np.array(flat) - end
    _, sizes, principal = np.linalg.svd(rows, full_matrices=False)
    assert path.shares == pytest.approx(sizes[:2] ** 2 / (sizes**2).sum(), rel=1e-4)
    assert path.steps == (0, 1, 2, 3, 4, training.step) and path.places[-1] == pytest.approx([0, 0], abs=1e-5)
    for axis in range(2):
        found = torch.cat([path.section.directions[axis][key].double().flatten() for key in loss.present]).numpy()
        sign = np.sign(found @ principal[axis])
        assert found == pytest.approx(sign * principal[axis], abs=1e-4)
        assert path.places[:-1, axis] == pytest.approx(rows @ (sign * principal[axis]), abs=1e-3)
    assert (path.places[0] >= 0).all()
    # A way along one line: all of it is on the first axis, and the second is at right angles.
    line = path_section(loss, [(0, {key: one + 1 for key, one in loss.present.items()})])
    assert line.shares == (1.0, 0.0)
    assert line.places[0] == pytest.approx([math.sqrt(len(end)), 0.0], abs=1e-2)
    nowhere: list[list[tuple[int, Any]]] = [[], [(0, loss.present)]]
    for none in nowhere:
        with pytest.raises(InputError, match="no way yet"):
            path_section(loss, none)


X = torch.linspace(-1.5, 2, 12)[:, None]
Y = 1.7 * X + 0.1 * torch.sin(9 * X)


def one_line(graph: Graph, optimizer: Choice | None = None) -> Training:
    """y ≈ 1.7·x from 12 points, all of which are in one batch."""
    split = Split(X, Y)
    facts = DataFacts((1,), 1, "regression")
    data = LoadedData("made", DataConfig(), facts, split, split, split, Scaler.fit(split, ()))
    return Training(
        Project("made", graph=graph, training=TrainConfig(optimizer or Choice("sgd"), batch_size=12)), data, CPU
    )


ONE_WEIGHT = chain(features(1), linear(1, bias=False), output("mse"))
WEIGHT = Weight("linear1", "weight", (0, 0))


def test_the_valley_of_one_weight_is_the_parabola_that_it_is() -> None:
    loss = LossOfExamples.take(one_line(ONE_WEIGHT))
    section = over_weights(loss, [WEIGHT])
    assert section.titles == ("linear1 weight[0, 0]",) and loss.count == 12
    w = np.linspace(-3, 5, 33)
    x, y = X.double().numpy(), Y.double().numpy()
    expected = [((w_ * x - y) ** 2).mean() for w_ in w]
    assert measured(loss, section, w) == pytest.approx(expected, rel=1e-5)
    assert section.here[0] == pytest.approx(float(loss.present["linear1.weight"]))
    # Two weights: a paraboloid over weight and bias.
    loss = LossOfExamples.take(one_line(chain(features(1), linear(1), output("mse"))))
    both = measured(loss, over_weights(loss, [WEIGHT, Weight("linear1", "bias", (0,))]), w[:5], w[:4])
    assert both == pytest.approx(np.array([[((a * x + b - y) ** 2).mean() for a in w[:5]] for b in w[:4]]), rel=1e-5)
    for wrong in ([WEIGHT, WEIGHT], [Weight("linear1", "weight", (0, 1))], [Weight("linear1", "gain", (0,))]):
        with pytest.raises(InputError):
            over_weights(loss, wrong)


#: As one sets them beside each other in a lecture, and as torch calls the same.
BALLS: dict[str, tuple[dict[str, float], Callable[[list[nn.Parameter]], torch.optim.Optimizer]]] = {
    "sgd": ({"learning_rate": 0.1, "momentum": 0.9}, lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)),
    "rmsprop": ({"learning_rate": 0.05}, lambda p: torch.optim.RMSprop(p, 0.05)),
    "adagrad": ({"learning_rate": 0.5}, lambda p: torch.optim.Adagrad(p, 0.5)),
    "adadelta": ({"learning_rate": 1.0}, lambda p: torch.optim.Adadelta(p, 1.0)),
    "adam": ({"learning_rate": 0.2}, lambda p: torch.optim.Adam(p, 0.2)),
    "adamw": ({"learning_rate": 0.2, "weight_decay": 0.0}, lambda p: torch.optim.AdamW(p, 0.2, weight_decay=0.0)),
    "nadam": ({"learning_rate": 0.2}, lambda p: torch.optim.NAdam(p, 0.2)),
    "lion": ({"learning_rate": 0.1}, lambda p: Lion(p, 0.1)),  # torch has none
}


@pytest.mark.parametrize("kind", sorted(registry.optimizers()))
def test_a_ball_walks_as_torch_trains(kind: str) -> None:
    params, make = BALLS[kind]
    choice = Choice(kind, params)
    training = one_line(ONE_WEIGHT, choice)
    loss = LossOfExamples.take(training)
    walker = Walker(loss, over_weights(loss, [WEIGHT]), [-2.0], choice)
    plain_layer = nn.Linear(1, 1, bias=False)
    plain_layer.weight.data.fill_(-2.0)
    optimizer = make([plain_layer.weight])
    training.network.module_of("linear1").weight.data.fill_(-2.0)
    for _ in range(25):
        optimizer.zero_grad()
        value = nn.functional.mse_loss(plain_layer(X), Y)
        value.backward()
        assert walker.losses[-1] == pytest.approx(value.item(), rel=1e-4, abs=1e-6)
        assert walker.slopes[-1][0] == pytest.approx(plain_layer.weight.grad.item(), rel=1e-3, abs=1e-5)
        optimizer.step()
        training.advance()
        assert walker.advance()
        assert walker.places[-1][0] == pytest.approx(plain_layer.weight.item(), rel=1e-4, abs=1e-5)
        # It is the training itself where there is no other weight and the batch holds everything.
        live = training.network.module_of("linear1").weight.item()
        assert walker.places[-1][0] == pytest.approx(live, rel=1e-4, abs=1e-5)
    assert walker.losses[-1] < walker.losses[0]


def test_a_ball_that_leaves_all_numbers_stays_there() -> None:
    loss = LossOfExamples.take(one_line(ONE_WEIGHT))
    walker = Walker(loss, over_weights(loss, [WEIGHT]), [1.0], Choice("sgd", {"learning_rate": 900.0}))
    steps = 0
    while walker.advance():
        steps += 1
    assert walker.lost and 5 < steps < 100 and len(walker.places) == steps + 1


def test_the_states_of_a_run_are_those_of_its_file_before_the_present_weights(tmp_path: Path) -> None:
    path, project = tmp_path / "kept.nnvizrun", sample("spiral")
    run, training = Run(RunInfo(dumps(project))), of_project(project)
    with RunWriter(run, path) as writer:
        first = training.capture()
        for step in (8, 20, 32, 12, 26):
            if step < training.step:  # it went back, and another way from there
                training.go_back(first, step)
            while training.step < step:
                training.advance()
            last = training.capture()
            first = last if step == 8 else first
            writer.save_checkpoint(step, 0, checkpoints.to_blobs(last), f"at {step}")
        run.append([Scalar("loss/train", 26, 0.5)])
        run.finished = True
    loss = LossOfExamples.take(of_run(path)[1])
    states = kept_states(loss, path)
    # 20 and 32 were left again by going back to 12; 26 is the present.
    assert [step for step, _ in states] == [0, 8, 12] and loss.step == 26
    for step, state in states:
        then = {key: one.detach() for key, one in of_run(path, step)[1].network.named_parameters()}
        assert then.keys() == state.keys() and all(torch.equal(then[key], state[key]) for key in then)
    way = path_section(loss, states)
    assert way.steps == (0, 8, 12, 26) and sum(way.shares) <= 1.0 + 1e-9
    assert [step for step, _ in kept_states(loss, None)] == [0]
    assert kept_states(LossOfExamples.take(of_project(project)), path) == []
    with closing(sqlite3.connect(path)) as connection, connection:
        damaged = "SELECT id FROM checkpoints WHERE step = 8"
        connection.execute(f"UPDATE blobs SET data = zeroblob(9) WHERE name = 'weights' AND checkpoint IN ({damaged})")
    assert [step for step, _ in kept_states(loss, path)] == [0, 12]
