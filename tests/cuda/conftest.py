"""What the tests for CUDA have in common: they need a GPU, and compare without TF32, which would hide errors."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "train"))  # training_helpers


@pytest.fixture
def device(request: pytest.FixtureRequest) -> Iterator[torch.device]:
    """The GPU that ``auto`` takes; without any the test is left out."""
    if not torch.cuda.is_available():
        why = "torch was installed without CUDA" if torch.version.cuda is None else "torch finds no NVIDIA GPU"
        pytest.skip(f"needs a GPU: {why}")
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    yield torch.device("cuda", torch.cuda.current_device())
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before
