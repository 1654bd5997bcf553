"""Which setting a bar shows at which step, and whether that of the project waits: worked out case by case by hand."""

from __future__ import annotations

import math

import msgspec
import pytest

from nnviz.project.model import Choice, Project, TrainConfig
from nnviz.record.seen import Seen
from nnviz.train.settings_seen import SettingSeen, batch_size_seen, learning_rate_seen, optimizer_seen

#: The project says 0.5, 32 examples and Adam.
WANTED = TrainConfig(batch_size=32, optimizer=Choice("adam", {"learning_rate": 0.5}))
PROJECT = Project(training=WANTED)
#: The network in training has these.
USED = TrainConfig(batch_size=8, optimizer=Choice("sgd", {"learning_rate": 0.25}))


@pytest.mark.parametrize(
    ("used", "seen", "rate", "size"),
    [
        (None, Seen(), SettingSeen(0.5, 0.5), SettingSeen(32, 32)),
        (WANTED, Seen(), SettingSeen(0.5, 0.5), SettingSeen(32, 32)),
        (USED, Seen(), SettingSeen(0.5, 0.5, in_use=0.25), SettingSeen(32, 32, in_use=8)),
        # What an earlier step was made with waits for nothing, whatever the network has now.
        (
            USED,
            Seen(7, learning_rate=0.1, batch_size=4),
            SettingSeen(0.1, 0.5, made=True),
            SettingSeen(4, 32, made=True),
        ),
        # Also where it is what the project says, it is said of the step.
        (
            None,
            Seen(7, learning_rate=0.5, batch_size=32),
            SettingSeen(0.5, 0.5, made=True),
            SettingSeen(32, 32, made=True),
        ),
        # Of a step of which nobody knows it, the project's own is shown.
        (USED, Seen(7, learning_rate=math.nan), SettingSeen(0.5, 0.5, in_use=0.25), SettingSeen(32, 32, in_use=8)),
    ],
)
def test_rate_and_batch_size(
    used: TrainConfig | None, seen: Seen, rate: SettingSeen[float], size: SettingSeen[int]
) -> None:
    assert learning_rate_seen(PROJECT, used, seen) == rate
    assert batch_size_seen(PROJECT, used, seen) == size


def test_one_optimizer_made_all_steps_of_a_run() -> None:
    opened = msgspec.structs.replace(PROJECT, training=USED)
    # Live the project's is shown, and waits once the hand rests; an earlier step was made with the run's own.
    assert optimizer_seen(PROJECT, None, opened, earlier=False) == SettingSeen("adam", "adam")
    assert optimizer_seen(PROJECT, USED, opened, earlier=False) == SettingSeen("adam", "adam", in_use="sgd")
    for used in (None, USED):
        assert optimizer_seen(PROJECT, used, opened, earlier=True) == SettingSeen("sgd", "adam", made=True)
    # In a recorded run nothing waits, and its project is the one on the screen.
    for earlier in (False, True):
        assert optimizer_seen(PROJECT, None, None, earlier=earlier) == SettingSeen("adam", "adam")
        assert optimizer_seen(PROJECT, USED, PROJECT, earlier=earlier) == SettingSeen("adam", "adam")
