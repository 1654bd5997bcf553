"""The declarations of the data sets, and where they are looked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nnviz.data import datasets
from nnviz.errors import DataError
from nnviz.project import registry
from nnviz.project.model import DataConfig, DataFacts

OFFLINE = [kind for kind, spec in datasets.datasets().items() if spec.offline]
PLANE = ["circle", "xor", "gauss", "spiral", "moons", "credit", "marbles"]


def test_importing_and_asking_loads_nothing_heavy() -> None:
    program = (
        "import sys; from nnviz.data import datasets; from nnviz.project.model import DataConfig\n"
        "for kind, spec in datasets.datasets().items():\n"
        "    if not spec.needs_folder: datasets.facts(DataConfig(kind)); datasets.split_sizes(DataConfig(kind))\n"
        "heavy = {'torch', 'torchvision', 'sklearn', 'numpy', 'polars', 'scipy', 'PIL', 'PySide6'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_every_declaration_is_complete() -> None:
    assert next(iter(datasets.datasets())) == "digits"
    for kind, spec in datasets.datasets().items():
        assert spec.kind == kind
        for text in (spec.title, spec.help, spec.source, spec.licence):
            assert text.strip() == text and text
        assert all(step.kind in registry.PREPARATIONS for step in spec.preparation)
        assert (spec.download_bytes > 0) == bool(spec.folder)
        for param in spec.params:
            assert param.parse(param.default) == param.default
            assert param.help.endswith(".")


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (DataConfig("digits"), DataFacts((1, 28, 28), 10, "classes", tuple("0123456789"))),
        (DataConfig("digits", {"size": "8"}), DataFacts((1, 8, 8), 10, "classes", tuple("0123456789"))),
        (DataConfig("shapes"), DataFacts((3, 32, 32), 10, "classes", datasets.SHAPE_NAMES)),
        (DataConfig("spiral"), DataFacts((2,), 1, "binary", ("green", "violet"))),
        (DataConfig("credit"), DataFacts((2,), 1, "binary", ("does not repay", "repays"))),
        (DataConfig("truth_table", {"function": "xor"}), DataFacts((2,), 1, "binary", ("0", "1"))),
        (DataConfig("truth_table", {"function": "not"}), DataFacts((1,), 1, "binary", ("0", "1"))),
        (DataConfig("mnist"), DataFacts((1, 28, 28), 10, "classes", tuple("0123456789"))),
    ],
)
def test_facts(config: DataConfig, expected: DataFacts) -> None:
    assert datasets.facts(config) == expected


@pytest.mark.parametrize("kind", ["fashion_mnist", "kmnist", "cifar10"])
def test_classes_are_ten_and_named(kind: str) -> None:
    facts = datasets.facts(DataConfig(kind))
    assert facts.targets == len(facts.class_names) == len(set(facts.class_names)) == 10


def test_sizes_of_the_splits() -> None:
    assert datasets.split_sizes(DataConfig("mnist")) == (48_000, 12_000, 10_000)
    assert datasets.split_sizes(DataConfig("digits")) == (1150, 287, 360)
    assert datasets.split_sizes(DataConfig("spiral", {"count": 100})) == (64, 16, 20)
    assert datasets.split_sizes(DataConfig("truth_table")) == (4, 4, 4)
    assert datasets.split_sizes(DataConfig("spiral", {"count": 20}, validation_fraction=0.0)) == (16, 0, 4)
    assert datasets.dataset("cifar10").sizes == (50_000, 10_000)


@pytest.mark.parametrize("fraction", [-0.1, 0.91, float("nan"), float("inf")])
def test_a_validation_fraction_out_of_range_is_refused(fraction: float) -> None:
    with pytest.raises(DataError, match=r"must be from 0 to 0\.9") as caught:
        datasets.split_sizes(DataConfig("digits", validation_fraction=fraction))
    assert caught.value.field == "data.validation_fraction"


def test_unknown_data_set_and_parameters_are_named() -> None:
    with pytest.raises(DataError, match=r"no data set 'imagenet'.*digits") as caught:
        datasets.facts(DataConfig("imagenet"))
    assert caught.value.field == "data.dataset"
    with pytest.raises(DataError, match="no parameter 'colour'") as caught:
        datasets.facts(DataConfig("digits", {"colour": 3}))
    assert caught.value.field == "data.params.colour"
    with pytest.raises(DataError, match="whole number from 20 to 100,000") as caught:
        datasets.facts(DataConfig("spiral", {"count": 10**9}))
    assert caught.value.field == "data.params.count"


# --- where they are looked for ---------------------------------------------------------------------------------------


def planted(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "train-images-idx3-ubyte").write_bytes(b"")
    return folder


@pytest.mark.parametrize("kind", OFFLINE)
def test_offline_sets_need_no_folder(kind: str) -> None:
    assert datasets.locate(DataConfig(kind)) is None


@pytest.mark.parametrize("pointed_at", ["", "MNIST", "MNIST/raw"])
def test_the_folder_itself_or_any_parent_is_taken(tmp_path: Path, pointed_at: str) -> None:
    raw = planted(tmp_path / "data" / "MNIST" / "raw")
    assert datasets.locate(DataConfig("mnist"), tmp_path / "data" / pointed_at) == raw


def test_one_set_never_passes_for_another_with_the_same_file_names(tmp_path: Path) -> None:
    raw = planted(tmp_path / "FashionMNIST" / "raw")
    assert datasets.locate(DataConfig("fashion_mnist"), raw) == raw
    for elsewhere in (raw, raw.parent, tmp_path):
        with pytest.raises(DataError):
            datasets.locate(DataConfig("mnist"), elsewhere)


def test_places_are_searched_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = DataConfig("mnist")
    by_hand, by_variable = tmp_path / "a", tmp_path / "b"
    monkeypatch.setenv("NNVIZ_DATA", str(by_variable))
    with pytest.raises(DataError) as caught:
        datasets.locate(config, by_hand)
    message = str(caught.value)
    assert str(by_hand / "MNIST/raw") in message and str(by_variable / "MNIST/raw") in message
    assert "Download it from the Data tab (12 MB)" in message and "--data-dir" in message
    own = planted(tmp_path / "xdg_data_home" / "nnviz" / "datasets" / "MNIST" / "raw")
    if sys.platform == "linux":
        assert datasets.locate(config, by_hand) == own
    second = planted(by_variable / "MNIST" / "raw")
    assert datasets.locate(config, by_hand) == second
    first = planted(by_hand / "MNIST" / "raw")
    assert datasets.locate(config, by_hand) == first
    assert datasets.locate(config) == second
