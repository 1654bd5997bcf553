"""Devices are chosen and refused in words; optimizers are torch's with the declared values; failures are readable."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from training_helpers import MLP, session_of

from nnviz.errors import NnvizError, ParamError, ProjectError, TooLargeError, TrainingError
from nnviz.project import registry
from nnviz.project.model import Choice, Graph, ParamValue, TrainConfig
from nnviz.project.samples.sketch import chain, features, linear, output, relu
from nnviz.train import devices, optimizers
from nnviz.train.failures import readable

#: Four million multiply-accumulate operations for an example, ten times that for a batch.
WIDE = chain(features(6), linear(2048), relu(), linear(2048), relu(), linear(3), output())


def test_auto_takes_the_best_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    assert str(devices.resolve("auto")) == "cuda:0"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert str(devices.resolve()) == "mps"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert str(devices.resolve()) == "cpu"


def test_a_gpu_that_is_not_there_is_refused_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    assert str(devices.resolve("cuda")) == "cuda:1"
    assert str(devices.resolve("CUDA:0")) == "cuda:0"
    with pytest.raises(ParamError, match="no cuda:2: this computer has cuda:0 to cuda:1"):
        devices.resolve("cuda:2")


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "", "tpu", "cuda:1:2"])
def test_an_unknown_device_is_refused_with_the_choice(name: str) -> None:
    with pytest.raises(ParamError, match="choose auto, cpu"):
        devices.resolve(name)


def test_without_a_gpu_cuda_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ParamError, match="cannot be used: "):
        devices.resolve("cuda:0")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ParamError, match="no Apple GPU"):
        devices.resolve("mps")


def test_a_device_is_described_in_words() -> None:
    assert devices.describe(torch.device("cpu")).startswith("cpu, ")
    devices.synchronise(torch.device("cpu"))


def test_warming_up_leaves_the_random_state_alone() -> None:
    before = torch.get_rng_state()
    devices.warm_up()
    assert torch.equal(torch.get_rng_state(), before)


def test_no_more_threads_than_granted(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    used: list[int] = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: used[-1] if used else 64)
    monkeypatch.setattr(torch, "set_num_threads", used.append)
    monkeypatch.setattr(devices, "granted_cores", lambda: 3)
    devices._all_threads.cache_clear()
    devices.fit_threads()
    assert used == [3]
    devices.fit_threads()
    assert used == [3]
    devices.fit_threads(1000)
    assert used == [3, 1], "a small network pays for threads that wait for each other"
    devices.fit_threads(10**9)
    assert used == [3, 1, 3], "the next one is large again"
    monkeypatch.undo()
    devices._all_threads.cache_clear()
    assert torch.get_num_threads() == before
    assert devices.granted_cores() >= 1


@pytest.mark.parametrize(("graph", "threads"), [(MLP, 1), (WIDE, 3)])
def test_the_network_decides_how_many_threads_train_it(
    graph: Graph, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = [2]
    monkeypatch.setattr(torch, "get_num_threads", lambda: used[-1])
    monkeypatch.setattr(torch, "set_num_threads", used.append)
    monkeypatch.setattr(devices, "_all_threads", lambda: 3)
    session = session_of(graph, epochs=1)
    session.train()
    assert used[-1] == threads
    layers = [module for module in session.training.network.modules() if isinstance(module, nn.Linear)]
    assert session.training.work == 10 * sum(layer.in_features * layer.out_features for layer in layers)


def test_every_declared_optimizer_can_be_built_with_its_defaults() -> None:
    assert set(optimizers.OPTIMIZERS) == set(registry.optimizers())
    for kind in registry.optimizers():
        layer = nn.Linear(2, 1)
        optimizer = optimizers.build_optimizer(layer.parameters(), Choice(kind, {}))
        assert optimizer is not None
        torch.autograd.backward(layer(torch.ones(1, 2)).sum())
        optimizer.step()


#: Names of the project -> names in torch's parameter groups.
TORCH_NAMES = {"learning_rate": "lr", "epsilon": "eps", "beta1": "betas", "beta2": "betas"}


@pytest.mark.parametrize("kind", sorted(optimizers.OPTIMIZERS))
def test_every_declared_parameter_reaches_torch(kind: str) -> None:
    spec = registry.optimizer(kind)
    for param in spec.params:
        given = {"momentum": 0.5} if param.name == "nesterov" else {}
        value = True if param.type == "bool" else 0.123
        optimizer = optimizers.build_optimizer(nn.Linear(2, 1).parameters(), Choice(kind, {**given, param.name: value}))
        assert optimizer is not None
        found = optimizer.param_groups[0][TORCH_NAMES.get(param.name, param.name)]
        if isinstance(found, tuple):
            found = found[param.name == "beta2"]
        assert found == value, param.name


def test_nesterov_without_momentum_is_plain_descent() -> None:
    optimizer = optimizers.build_optimizer(
        nn.Linear(2, 1).parameters(), Choice("sgd", {"nesterov": True, "momentum": 0.0})
    )
    assert optimizer is not None
    assert optimizer.param_groups[0]["nesterov"] is False


def test_nothing_to_train_gives_no_optimizer() -> None:
    assert optimizers.build_optimizer([], Choice("adam", {})) is None


def test_an_unknown_optimizer_is_refused() -> None:
    with pytest.raises(ProjectError, match="no optimizer called 'tiger'"):
        optimizers.build_optimizer(nn.Linear(1, 1).parameters(), Choice("tiger", {}))


def test_the_learning_rate_can_be_read_and_changed() -> None:
    assert optimizers.learning_rate(TrainConfig(optimizer=Choice("sgd", {"learning_rate": 0.3}))) == 0.3
    optimizer = optimizers.build_optimizer(nn.Linear(2, 1).parameters(), Choice("adam", {}))
    assert optimizer is not None
    optimizers.set_learning_rate(optimizer, 0.5)
    assert optimizer.param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize(
    ("error", "kind", "part"),
    [
        (MemoryError(), TooLargeError, "batches of 64"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"), TooLargeError, "memory of cuda:0"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), TooLargeError, "memory"),
        (RuntimeError("mat1 and mat2 shapes\ncannot be multiplied"), TrainingError, "step 7: RuntimeError: mat1"),
        (ZeroDivisionError(), TrainingError, "ZeroDivisionError"),
    ],
)
def test_failures_become_sentences(error: Exception, kind: type[Exception], part: str) -> None:
    found = readable(error, device="cuda:0", step=7, batch_size=64)
    assert isinstance(found, kind)
    assert part in str(found)
    assert "\n" not in str(found)
    assert found.__cause__ is error


def test_own_errors_stay_as_they_are() -> None:
    error = NnvizError("It is so.")
    assert readable(error, device="cpu", step=0, batch_size=1) is error


# -- each optimizer against its paper, in numpy ----------------------------------------------------------------------

Numbers = np.ndarray


def written_out(kind: str, v: dict[str, Any], start: Numbers, gradients: list[Numbers]) -> Numbers:
    """The weights after the gradients, by the formulas of the papers with what torch adds to them said here."""
    w, rate, decay = start.copy(), v["learning_rate"], v.get("weight_decay", 0.0)
    a, b, product = np.zeros_like(w), np.zeros_like(w), 1.0
    for t, plain in enumerate(gradients, 1):
        apart = kind in ("adamw", "lion")  # which let the weights decay by themselves
        g = plain if apart else plain + decay * w
        if apart:
            w = w - rate * decay * w
        if kind == "sgd":
            a = g if t == 1 else v["momentum"] * a + g  # torch's momentum begins with the whole first gradient
            w = w - rate * (g + v["momentum"] * a if v["nesterov"] else a)
        elif kind == "rmsprop":
            b = v["alpha"] * b + (1 - v["alpha"]) * g**2
            a = v["momentum"] * a + g / (np.sqrt(b) + v["epsilon"])
            w = w - rate * a
        elif kind == "adagrad":
            b = b + g**2
            w = w - rate * g / (np.sqrt(b) + v["epsilon"])
        elif kind == "adadelta":
            b = v["rho"] * b + (1 - v["rho"]) * g**2
            moved = np.sqrt(a + v["epsilon"]) / np.sqrt(b + v["epsilon"]) * g
            a = v["rho"] * a + (1 - v["rho"]) * moved**2
            w = w - rate * moved
        elif kind == "lion":
            w = w - rate * np.sign(v["beta1"] * a + (1 - v["beta1"]) * g)
            a = v["beta2"] * a + (1 - v["beta2"]) * g
        else:
            a = v["beta1"] * a + (1 - v["beta1"]) * g
            b = v["beta2"] * b + (1 - v["beta2"]) * g**2
            size = np.sqrt(b / (1 - v["beta2"] ** t)) + v["epsilon"]
            if kind == "nadam":
                now, after = (v["beta1"] * (1 - 0.5 * 0.96 ** (n * v["momentum_decay"])) for n in (t, t + 1))
                product *= now
                w = w - rate * ((1 - now) / (1 - product) * g + after / (1 - product * after) * a) / size
            else:
                w = w - rate * a / (1 - v["beta1"] ** t) / size
    return w


@pytest.mark.parametrize("more", [{}, {"weight_decay": 0.1, "momentum": 0.9, "nesterov": True, "learning_rate": 0.05}])
@pytest.mark.parametrize("kind", sorted(registry.optimizers()))
def test_an_optimizer_is_that_of_its_paper(kind: str, more: dict[str, ParamValue]) -> None:
    spec = registry.optimizer(kind)
    params = {name: value for name, value in more.items() if any(param.name == name for param in spec.params)}
    random = np.random.default_rng(3)
    start, gradients = random.normal(size=5), [random.normal(size=5) for _ in range(12)]
    weights = nn.Parameter(torch.from_numpy(start.copy()))
    optimizer = optimizers.build_optimizer([weights], Choice(kind, params))
    assert optimizer is not None
    for gradient in gradients:
        weights.grad = torch.from_numpy(gradient)
        optimizer.step()
    wanted = written_out(kind, dict(spec.values(params)), start, gradients)
    assert weights.detach().numpy() == pytest.approx(wanted, rel=1e-6, abs=1e-9)
    assert np.abs(wanted - start).max() > 1e-4
