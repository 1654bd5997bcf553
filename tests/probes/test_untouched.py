"""Measuring changes nothing: weights, mode, statistics, random state, gradients and hooks stay what they were."""

from __future__ import annotations

import copy

import pytest
import torch
from probe_networks import cnn, images, pinned_to
from torch import nn

from nnviz.network.network import Network
from nnviz.probes.base import Answers, Measurement, Stage, at_rest
from nnviz.probes.catalogue import default_probes

TARGETS = torch.arange(400) % 5


def train(network: Network, steps: int, measured: bool) -> None:
    """A plain loop, with all probes at every step or with none."""
    torch.manual_seed(3)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    inputs = images(400)
    probes = default_probes() if measured else []
    for step in range(1, steps + 1):
        batch = torch.randint(0, 400, (16,))
        watchers = {
            node: look
            for probe in probes
            if probe.stage is Stage.FORWARD
            for node, look in probe.watch(network).items()
        }
        with network.watched(watchers):
            loss = nn.functional.cross_entropy(network(inputs[batch]), TARGETS[batch])
        optimizer.zero_grad()
        loss.backward()
        measurement = Measurement(
            network,
            step,
            loss=loss,
            answers=Answers(torch.zeros(16, 1), torch.ones(16), lambda outputs, targets: targets > outputs[:, 0]),
            count=16,
            probe_inputs=inputs[:64],
            examples=pinned_to(inputs[:1]),
            whole=step % 3 == 0,
        )
        for probe in probes:
            if probe.stage is Stage.BACKWARD:
                probe.measure(measurement)
            if probe.stage is Stage.UPDATE:
                probe.before_update(measurement)
        optimizer.step()
        for probe in probes:
            if probe.stage is Stage.FORWARD:
                assert probe.measure(measurement) or step < 20 or step % 3
            elif probe.stage is not Stage.BACKWARD:
                assert probe.measure(measurement) or probe.busy


def test_weights_after_200_steps_are_bit_identical_with_and_without():
    plain, measured = cnn(), cnn()
    train(plain, 200, False)
    train(measured, 200, True)
    state, other = plain.state_dict(), measured.state_dict()
    assert list(state) == list(other)
    for name, tensor in state.items():
        assert torch.equal(tensor, other[name]), name


@pytest.mark.parametrize("probe", default_probes(), ids=lambda probe: probe.name)
def test_a_probe_leaves_everything_as_it_was(probe):  # type: ignore[no-untyped-def]  # one of the probes
    network = cnn()
    network.module_of("dropout1").eval()  # a mode that differs from that of the whole
    loss = nn.functional.cross_entropy(network(images()), TARGETS[:40])
    loss.backward()
    state = copy.deepcopy(network.state_dict())
    gradients = {name: p.grad.clone() for name, p in network.named_parameters()}  # type: ignore[union-attr]  # after backward
    modes = [module.training for module in network.modules()]
    hooks = [len(module._forward_hooks) + len(module._backward_hooks) for module in network.modules()]
    random_state = torch.get_rng_state()
    grad_enabled = torch.is_grad_enabled()

    answers = Answers(torch.zeros(40, 1), torch.ones(40), lambda outputs, targets: targets > outputs[:, 0])
    measurement = Measurement(network, 1, 0, loss, answers, 40, images(), pinned_to(images(1)))
    if probe.stage is Stage.FORWARD:
        for _ in range(10):  # a whole window
            for look in probe.watch(network).values():
                look(images().flatten(1).relu_()[:, :7])
            found = probe.measure(measurement)
        assert found
    else:
        probe.before_update(measurement)
        assert probe.measure(measurement)

    assert [module.training for module in network.modules()] == modes
    assert [len(module._forward_hooks) + len(module._backward_hooks) for module in network.modules()] == hooks
    assert torch.equal(torch.get_rng_state(), random_state)
    assert torch.is_grad_enabled() == grad_enabled
    assert all(torch.equal(tensor, state[name]) for name, tensor in network.state_dict().items())
    assert all(torch.equal(p.grad, gradients[name]) for name, p in network.named_parameters())  # type: ignore[arg-type]  # as above
    assert all(p.requires_grad for p in network.parameters())


def test_everything_is_put_back_even_after_an_error():
    network = cnn()
    random_state = torch.get_rng_state()
    modes = [module.training for module in network.modules()]
    with pytest.raises(RuntimeError, match="in between"), at_rest(network):
        assert not any(module.training for module in network.modules())
        assert not torch.is_grad_enabled()
        torch.rand(5)
        raise RuntimeError("in between")
    assert [module.training for module in network.modules()] == modes
    assert torch.equal(torch.get_rng_state(), random_state)
    assert torch.is_grad_enabled()


def test_a_pass_that_fails_can_be_begun_again():
    network = cnn()
    probe = default_probes()[-1]
    with pytest.raises(RuntimeError):
        probe.measure(Measurement(network, 1, probe_inputs=torch.ones(4, 7)))
    probe.reset()
    assert probe.measure(Measurement(network, 1, probe_inputs=images()))
