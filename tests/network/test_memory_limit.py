"""A network that would not fit is refused with the number before it is built."""

from __future__ import annotations

from pathlib import Path

import msgspec
import psutil
import pytest
import torch

from nnviz import free_memory
from nnviz.errors import TooLargeError
from nnviz.network import memory
from nnviz.project.model import Project, TrainConfig
from nnviz.project.samples.sketch import chain, features, linear, output
from nnviz.project.samples.templates import sample

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
    assert free_memory.container_limit(tmp_path) == 600_000_000


def test_a_container_without_a_limit(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("700000000\n")
    (tmp_path / "memory.stat").write_text("anon 1\n")
    assert free_memory.container_limit(tmp_path) > 1 << 60


def group(folder: Path, limit: str, used: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text("inactive_file 0\nactive_file 0\n")


def test_a_job_is_limited_by_every_group_it_stands_in(tmp_path: Path) -> None:
    """Only the outermost was asked, which on a computer with systemd has no limit."""
    root, own = tmp_path / "cgroup", tmp_path / "own"
    group(root / "batch" / "job7", "max", 100)
    group(root / "batch", "5000", 1000)
    group(root, "max", 9000)
    own.write_text("0::/batch/job7\n")
    assert free_memory.container_limit(root, own) == 4000
    group(root / "batch" / "job7", "3000", 100)
    assert free_memory.container_limit(root, own) == 2900
    own.write_text("0::/somewhere/of/the/host\n")
    group(root, "7000", 1000)
    assert free_memory.container_limit(root, own) == 6000
    own.unlink()
    assert free_memory.container_limit(root, own) == 6000


def test_a_bounded_address_space_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    used = psutil.Process().memory_info().vms
    monkeypatch.setattr(resource, "getrlimit", lambda which: (used + 300_000_000, -1))
    assert memory.available_bytes(CPU) <= 310_000_000
    with pytest.raises(TooLargeError, match=r"but reading the checkpoint takes 1\.2 GB"):
        memory.refuse_without_room(1_000_000_000)
    monkeypatch.setattr(resource, "getrlimit", lambda which: (used + 1000, -1))
    with pytest.raises(TooLargeError, match="reading the data and training take at least"):
        memory.refuse_without_room()


def test_the_refusal_names_the_largest_parts_and_a_batch_that_fits() -> None:
    large = msgspec.structs.replace(sample("cnn-32-64"), training=TrainConfig(batch_size=4096))
    with pytest.raises(TooLargeError) as caught:
        memory.build_network(large, CPU, available=1_500_000_000)
    said = str(caught.value)
    assert "Most of it: the batch on its way 1." in said
    assert "A batch of 2048 instead of 4096 needs" in said
