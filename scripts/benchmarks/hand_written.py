"""Two samples as one writes them by hand in PyTorch. Knows torch alone: peers are trained where there is no nnviz."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn


def mlp() -> nn.Module:
    """mlp-512-dropout, as one writes it by hand."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 512), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(512, 512), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(512, 10),
    )  # fmt: skip


def cnn() -> nn.Module:
    """cnn-32-64, as one writes it by hand."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(), nn.Conv2d(64, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(1024, 1024), nn.Sigmoid(), nn.Dropout(0.2),
        nn.Linear(1024, 1024), nn.Sigmoid(), nn.Dropout(0.2),
        nn.Linear(1024, 10),
    )  # fmt: skip


#: sample, its hand-written twin, optimizer as the sample's, steps of a piece (about a second)
CASES: tuple[tuple[str, Callable[[], nn.Module], Callable[[nn.Module], torch.optim.Optimizer], int], ...] = (
    (
        "mlp-512-dropout",
        mlp,
        lambda module: torch.optim.RMSprop(module.parameters(), lr=0.001, alpha=0.9, eps=1e-7),
        120,
    ),
    ("cnn-32-64", cnn, lambda module: torch.optim.Adam(module.parameters(), lr=0.001), 25),
)
