"""Batches: every example once, an order of (seed, epoch) alone, and going on in the middle."""

from __future__ import annotations

import pytest
import torch

from nnviz.data import tensors
from nnviz.data.tensors import Feeder, Scaler, Split
from nnviz.project.model import Choice

SPLIT = Split(torch.arange(23, dtype=torch.uint8).reshape(23, 1, 1, 1) * 11, torch.arange(23))
SCALER = Scaler.fit(SPLIT, (Choice("scale"),))


def feeder(**arguments: object) -> Feeder:
    return Feeder(SPLIT, SCALER, **{"batch_size": 5, "device": "cpu", "seed": 3, **arguments})  # type: ignore[arg-type]


@pytest.mark.parametrize("resident", [None, True, False])
def test_each_example_comes_once_and_the_last_batch_is_smaller(resident: bool | None) -> None:
    batches = list(feeder(resident=resident).batches(0))
    assert [len(inputs) for inputs, _ in batches] == [5, 5, 5, 5, 3] and len(feeder()) == 5
    targets = torch.cat([target for _, target in batches])
    assert sorted(targets.tolist()) == list(range(23))
    inputs = torch.cat([input for input, _ in batches])
    assert inputs.dtype == torch.float32
    assert torch.equal(inputs.flatten(), (targets * 11).to(torch.float32) / 255), "an input lost its target"


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    reference = feeder().order(2).tolist()
    torch.manual_seed(99)
    used = feeder(batch_size=7)
    list(used.batches(0))
    assert used.order(2).tolist() == reference == feeder(resident=False).order(2).tolist()
    others = [feeder().order(epoch).tolist() for epoch in (0, 1, 3)] + [feeder(seed=4).order(2).tolist()]
    assert reference not in others and len({tuple(order) for order in others}) == 4
    assert sorted(reference) == list(range(23)) != reference


def test_torchs_own_random_state_is_left_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    list(feeder().batches(1))
    assert torch.equal(torch.get_rng_state(), before)


def test_seeds_of_every_kind() -> None:
    assert feeder(seed=-1).order(0).tolist() != feeder(seed=1).order(0).tolist()
    assert sorted(feeder(seed=2**64 - 1).order(0).tolist()) == list(range(23))


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("start", [0, 1, 4, 5, 9])
def test_going_on_in_the_middle_gives_the_same_rest(shuffle: bool, start: int) -> None:
    whole = list(feeder(shuffle=shuffle).batches(7))
    rest = list(feeder(shuffle=shuffle).batches(7, start=start))
    assert len(rest) == max(0, 5 - start)
    for (inputs, targets), (same_inputs, same_targets) in zip(whole[start:], rest, strict=True):
        assert torch.equal(inputs, same_inputs) and torch.equal(targets, same_targets)


def test_without_shuffling_examples_come_in_their_own_order() -> None:
    measured = feeder(shuffle=False)
    for epoch in (0, 1):
        assert torch.cat([target for _, target in measured.batches(epoch)]).tolist() == list(range(23))
    assert measured.order(4).tolist() == list(range(23))


def test_chosen_examples() -> None:
    assert (feeder().prepare([4, 0]).flatten() * 255).tolist() == pytest.approx([44, 0])
    assert feeder().prepare(torch.tensor([2])).shape == (1, 1, 1, 1)
    assert feeder().targets_of([22, 1]).tolist() == [22, 1]
    assert feeder().prepare([]).shape == (0, 1, 1, 1)


def test_batches_belong_to_their_taker() -> None:
    raw = SPLIT.inputs.clone()
    for shuffle in (True, False):
        for inputs, _ in feeder(shuffle=shuffle).batches(0):
            inputs.fill_(-1)
    none = Scaler.fit(SPLIT, ())
    table = Split(torch.ones(4, 2), torch.zeros(4, dtype=torch.int64))
    for inputs, _ in Feeder(table, Scaler.fit(table, ()), 2, shuffle=False).batches():
        inputs.fill_(-1)
    assert torch.equal(table.inputs, torch.ones(4, 2))
    assert torch.equal(SPLIT.inputs, raw) and none.apply(raw).dtype == torch.float32


def test_a_split_that_does_not_fit_stays_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    for free, resident in ((2 * SPLIT.bytes, True), (2 * SPLIT.bytes - 1, False), (None, True)):
        monkeypatch.setattr(tensors, "free_bytes", lambda device, free=free: free)
        assert feeder().resident is resident


def test_an_empty_split_has_no_batches() -> None:
    empty = Feeder(SPLIT.take(torch.zeros(0, dtype=torch.int64)), SCALER, 4)
    assert len(empty) == 0 and list(empty.batches(0)) == []


@pytest.mark.parametrize("shuffle", [True, False])
def test_a_single_last_example_joins_the_batch_before_where_that_is_asked_for(shuffle: bool) -> None:
    plain, joined = (feeder(batch_size=11, shuffle=shuffle, join_single=join) for join in (False, True))
    assert [len(targets) for _, targets in plain.batches(2)] == [11, 11, 1]
    assert [len(targets) for _, targets in joined.batches(2)] == [11, 12] and len(joined) == 2
    assert [len(targets) for _, targets in joined.batches(2, start=1)] == [12]
    one, other = (torch.cat([targets for _, targets in each.batches(2)]) for each in (plain, joined))
    assert torch.equal(one, other), "the order of the examples stays"
    assert [len(targets) for _, targets in feeder(join_single=True).batches(0)] == [5, 5, 5, 5, 3]
    assert len(feeder(batch_size=1, join_single=True)) == 23


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="batch of 0"):
        feeder(batch_size=0)
    with pytest.raises(ValueError, match="2 inputs but 3 targets"):
        Split(torch.zeros(2, 1), torch.zeros(3))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("resident", [True, False])
def test_on_a_gpu_the_same_batches_come(resident: bool) -> None:
    there = feeder(device="cuda", resident=resident)
    assert there.device.index is not None
    for (inputs, targets), (same, labels) in zip(there.batches(1), feeder().batches(1), strict=True):
        assert inputs.is_cuda and targets.is_cuda
        assert torch.equal(inputs.cpu(), same) and torch.equal(targets.cpu(), labels)
