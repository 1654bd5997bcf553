"""A network that would not fit is refused with the number before it is built."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import torch

from nnviz.errors import TooLargeError
from nnviz.network import memory
from nnviz.project.model import Project, TrainConfig
from nnviz.project.samples.sketch import chain, features, linear, output
from nnviz.project.templates import sample

CPU = torch.device("cpu")


def test_a_network_beyond_all_memory_is_refused_at_once_with_the_number() -> None:
    project = Project(graph=chain(features(1_000_000), linear(1_000_000), output()))
    with pytest.raises(TooLargeError, match=r"needs about 28\.0 TB, but the memory has .* left\. Most of it"):
        memory.build_network(project, CPU)


def test_the_batch_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    project = sample("digits-cnn")
    large = msgspec.structs.replace(project, training=TrainConfig(batch_size=65_536))
    small = msgspec.structs.replace(project, training=TrainConfig(batch_size=1))
    memory.build_network(small, CPU, available=100_000_000)
    with pytest.raises(TooLargeError, match="batches of 65536"):
        memory.build_network(large, CPU, available=100_000_000)


def test_the_memory_of_this_computer_is_known() -> None:
    assert memory.available_bytes(CPU) > 0


def test_a_container_has_less_than_the_computer(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000000000\n")
    (tmp_path / "memory.current").write_text("700000000\n")
    (tmp_path / "memory.stat").write_text("anon 400000000\ninactive_file 200000000\nactive_file 100000000\n")
    assert memory._container_limit(tmp_path) == 600_000_000


def test_a_container_without_a_limit(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("700000000\n")
    (tmp_path / "memory.stat").write_text("anon 1\n")
    assert memory._container_limit(tmp_path) > 1 << 60
