"""How long an epoch takes: the order of magnitude, and its words."""

from __future__ import annotations

import pytest

from nnviz.data.effort import epoch_seconds, epoch_words
from nnviz.project.checks.shapes import infer
from nnviz.project.samples.templates import sample


def seconds(name: str) -> float | None:
    project = sample(name)
    return epoch_seconds(project, infer(project.graph))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("and", "under a second an epoch"),
        ("perceptron", "under a second an epoch"),
        ("mlp-784-800-sigmoid", "seconds an epoch"),
        ("cnn-32-64", "minutes an epoch"),  # 73 s an epoch in the source
        ("alexnet", "time depends on your data"),
    ],
)
def test_the_words_for_known_networks(name: str, words: str) -> None:
    assert epoch_words(seconds(name)) == words


def test_more_work_takes_longer() -> None:
    times = [seconds(name) for name in ("mlp-50", "mlp-500", "mlp-5x500-dropout", "cnn-32-64")]
    assert all(time is not None for time in times) and times == sorted(times, key=lambda time: time or 0.0)


def test_hours() -> None:
    assert epoch_words(7200.0) == "hours an epoch"
