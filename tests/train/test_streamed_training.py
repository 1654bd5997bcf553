"""A training whose examples lie on the disk is the training whose examples lie in memory, bit for bit."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from training_helpers import CNN, advance, images, made_training, same, session_of, weights

from nnviz.data.augmentation import Augmentation
from nnviz.data.curation import curated, mark_of
from nnviz.data.examples import LoadedData, Split
from nnviz.data.stored_rows import StoredRows
from nnviz.data.streamed import Streamed
from nnviz.explain.example_answers import example_answers
from nnviz.explain.own_input import example_of, facts_of
from nnviz.explain.score import Goal, own_network
from nnviz.explain.unit_wishes import top_examples
from nnviz.project.model import Choice, Curated, DataConfig, Project
from nnviz.train.change import differences
from nnviz.train.checkpoint import from_blobs, to_blobs
from nnviz.train.data_evidence import evidence


@pytest.fixture
def both(tmp_path: Path) -> tuple[LoadedData, LoadedData]:
    """The same augmented examples in memory and on the disk, there in an order of its own."""
    held = images()
    kinds = Choice("flip"), Choice("mix_up")
    held = replace(held, augmentation=Augmentation.of(kinds, held.facts))

    def streamed(name: str) -> Split:
        split = held.split(name)
        order = np.random.default_rng(5).permutation(len(split))
        on_disk = split.inputs[torch.from_numpy(order)]
        (tmp_path / name).write_bytes(on_disk.numpy().tobytes())
        numbers = np.argsort(order)
        return Split(Streamed(StoredRows(tmp_path / name, tuple(on_disk.shape), numbers)), split.targets)

    return held, replace(held, train=streamed("train"), validation=streamed("validation"), test=streamed("test"))


def test_weights_losses_and_ways_back_are_the_same(both: tuple[LoadedData, LoadedData]) -> None:
    """60 examples, 6 steps an epoch, with dropout, flips and mix-up; looked ahead, kept, and gone back."""
    first, second = (made_training(CNN, data) for data in both)
    start = second.capture()
    for _ in range(9):
        assert all(torch.equal(*pair) for pair in zip(first.coming.peek(), second.coming.peek(), strict=True))
        advance(first, 1)
        advance(second, 1)
    assert same(weights(first.network), weights(second.network))
    assert first.best_loss == second.best_loss
    again = made_training(CNN, both[1])
    again.restore(from_blobs(to_blobs(second.capture())))
    advance(first, 4)
    advance(again, 4)
    assert same(weights(first.network), weights(again.network))
    second.go_back(start, 9)
    advance(second, 13)
    assert same(weights(first.network), weights(second.network))
    for split in ("train", "test"):
        results = []
        for training in (first, second):
            evaluation = training.evaluation(split)
            while evaluation.advance():
                pass
            results.append(evaluation.result())
        assert results[0] == results[1]


def test_what_is_decided_and_asked_is_the_same(both: tuple[LoadedData, LoadedData]) -> None:
    held, streamed = both
    entry = Curated(7, mark_of(held.train.as_read(7)), "b", 0.5)
    found = [curated(data.train, data.facts, [entry]) for data in both]
    assert torch.equal(found[0].targets, found[1].targets) and not found[1].astray
    trainings = [made_training(CNN, data) for data in both]
    for training in trainings:
        advance(training, 7)
    answers = [example_answers(own_network(training), ("train", "test")) for training in trainings]
    assert np.array_equal(answers[0].losses, answers[1].losses)
    goal = Goal(next(node for node in trainings[0].network.node_ids if "conv" in node), 0)
    tops = [top_examples(own_network(training), goal, "train", 5) for training in trainings]
    assert [one.index for one in tops[0].examples] == [one.index for one in tops[1].examples]
    for what in ("zero", "mean"):
        baselines = [own_network(training).baseline(what) for training in trainings]  # type: ignore[arg-type]
        assert torch.equal(*baselines)
    assert np.array_equal(example_of(trainings[0], 3).numbers, example_of(trainings[1], 3).numbers)
    assert facts_of(trainings[1]).whole
    found_of = [evidence(data, 3) for data in both]
    assert found_of[0].constant == found_of[1].constant and found_of[0].shares == found_of[1].shares
    assert streamed.describe(3, "train") == held.describe(3, "train")


def test_a_session_with_its_instruments_trains_from_the_disk(both: tuple[LoadedData, LoadedData]) -> None:
    runs = []
    for data in both:
        session = session_of(CNN, data, epochs=2, probes=None)
        outcome = session.train()
        assert session.training is not None and outcome.steps == 12
        runs.append(weights(session.training.network))
    assert same(*runs)
    assert sum(thread.name.startswith("streaming") for thread in threading.enumerate()) <= 2


def test_where_the_examples_lie_decides_no_number_of_a_run() -> None:
    one, other = (
        Project(name="x", data=DataConfig("image_folder", {"folder": "pets", "memory": memory}))
        for memory in ("memory", "disk")
    )
    (found,) = differences(one, other)
    assert found.continues and "memory" in found.text
