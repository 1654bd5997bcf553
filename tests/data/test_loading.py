"""load(): every offline set, the division, labels, the cache, progress and cancelling, and MNIST where it is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from nnviz.data import datasets, shapes, tensors
from nnviz.data.preparation import Line
from nnviz.data.tensors import LoadedData, Split, load
from nnviz.errors import Cancelled, DataError
from nnviz.project.declared.preparations import BY_SCALING
from nnviz.project.model import Choice, DataConfig, DataFacts

SMALL = {"shapes": {"count": 60}, "own_numbers": {"rows": ((1.0, 2.0, 0.0), (3.0, 4.0, 1.0)), "right": "classes"}}
OFFLINE = [kind for kind, spec in datasets.datasets().items() if spec.offline]


def rows(split: Split) -> set[bytes]:
    return {row.numpy().tobytes() for row in split.inputs}


@pytest.mark.parametrize("kind", OFFLINE)
def test_what_is_loaded_is_what_was_declared(kind: str) -> None:
    config = DataConfig(kind, SMALL.get(kind, {}))
    data = load(config)
    facts = datasets.facts(config)
    assert (data.spec_key, data.config, data.facts) == (kind, config, facts)
    assert (len(data.train), len(data.validation), len(data.test)) == datasets.split_sizes(config)
    for split in (data.train, data.validation, data.test):
        assert tuple(split.inputs.shape[1:]) == facts.input_shape
        assert split.inputs.dtype == (torch.uint8 if len(facts.input_shape) == 3 else torch.float32)
        assert split.inputs.is_contiguous()
        if facts.task == "regression":
            assert split.targets.dtype == torch.float32 and split.targets.shape[1:] == (facts.targets,)
            continue
        assert split.targets.dtype == torch.int64 and split.targets.ndim == 1
        assert int(split.targets.min()) >= 0 and int(split.targets.max()) < len(facts.class_names)


@pytest.mark.parametrize("kind", [kind for kind in OFFLINE if not datasets.dataset(kind).undivided])
def test_the_splits_share_no_example_and_lose_none(kind: str) -> None:
    config = DataConfig(kind, SMALL.get(kind, {}))
    data = load(config)
    parts = [rows(split) for split in (data.train, data.validation, data.test)]
    spec = datasets.dataset(kind)
    twice = kind == "iris"  # two of Fisher's flowers have the same lengths
    assert len(parts[0] | parts[1] | parts[2]) + twice == sum(spec.count(datasets.values(config)))
    assert twice or not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])


def test_the_test_split_stays_the_same_whatever_is_held_back() -> None:
    first = load(DataConfig("digits", {"size": "8"}))
    other = load(
        DataConfig("digits", {"size": "8"}, validation_fraction=0.5, split_seed=9, preparation=BY_SCALING["centre"])
    )
    assert torch.equal(first.test.inputs, other.test.inputs)
    assert rows(first.train) | rows(first.validation) == rows(other.train) | rows(other.validation)
    assert len(other.validation) == 718
    assert min(torch.bincount(first.test.targets)) >= 34, "a class is missing its share of the test split"


def test_the_split_seed_chooses_the_validation_examples() -> None:
    one, same, other = (load(DataConfig("moons", split_seed=seed)).validation for seed in (1, 1, 2))
    assert torch.equal(one.inputs, same.inputs) and not torch.equal(one.inputs, other.inputs)


def test_truth_tables_are_the_same_rows_everywhere() -> None:
    data = load(DataConfig("truth_table", {"function": "xor"}, validation_fraction=0.9))
    assert data.train is data.validation is data.test
    assert data.train.inputs.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert data.train.targets.tolist() == [0, 1, 1, 0]
    assert torch.equal(data.scaler.apply(data.train.inputs), data.train.inputs)


def test_nothing_held_back_is_possible() -> None:
    data = load(DataConfig("xor", validation_fraction=0.0))
    assert (len(data.train), len(data.validation), len(data.test)) == (400, 0, 100)
    assert data.validation.inputs.shape == (0, 2)


def test_labels() -> None:
    data = load(DataConfig("credit"))
    for index in range(10):
        score, income = data.test.inputs[index].tolist()
        assert data.describe(index, "test") == ("repays" if 2 * score + income - 10 > 0 else "does not repay")
    assert data.class_names == ("does not repay", "repays")
    for index in (-1, 80):
        with pytest.raises(IndexError, match="80 examples"):
            data.describe(index)
    numbers = Split(torch.zeros(1, 2), torch.tensor([[1.5, -2.0]]))
    facts = DataFacts((2,), 2, "regression")
    regression = LoadedData("x", data.config, facts, numbers, numbers, numbers, data.scaler)
    assert regression.describe(0) == "1.5, -2"


def test_opening_again_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    config = DataConfig("shapes", {"count": 100})
    first = load(config)

    def forbidden(count: int, seed: int) -> None:
        raise AssertionError("drawn again")

    monkeypatch.setattr(shapes, "draw", forbidden)
    again = load(config)
    assert again.train is first.train and again.scaler is first.scaler
    scaled = load(DataConfig("shapes", {"count": 100}, preparation=BY_SCALING["standardise"]))
    assert scaled.train is first.train and scaled.scaler is not first.scaler
    divided = load(DataConfig("shapes", {"count": 100}, validation_fraction=0.5))
    assert divided.test is first.test and len(divided.train) == 40
    with pytest.raises(AssertionError, match="drawn again"):
        load(DataConfig("shapes", {"count": 100, "seed": 1}))
    tensors.clear_cache()
    with pytest.raises(AssertionError, match="drawn again"):
        load(config)


def test_many_threads_load_at_once() -> None:
    configs = [DataConfig("spiral", {"seed": number % 3}) for number in range(24)]
    with ThreadPoolExecutor(4) as pool:
        loaded = list(pool.map(load, configs))
    for number, data in enumerate(loaded):
        assert torch.equal(data.train.inputs, loaded[number % 3].train.inputs)


def test_bad_choices_are_refused_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensors, "read", lambda *_: pytest.fail("was read"))
    for config, field in (
        (DataConfig("nothing"), "data.dataset"),
        (DataConfig("digits", {"size": "9"}), "data.params.size"),
        (DataConfig("digits", validation_fraction=1.0), "data.validation_fraction"),
        (DataConfig("mnist"), "data.dataset"),
        (DataConfig("image_folder"), "data.params.folder"),
    ):
        with pytest.raises(DataError) as caught:
            load(config)
        assert caught.value.field == field
    monkeypatch.undo()
    with pytest.raises(DataError, match="no preparation 'wild'"):
        load(DataConfig("xor", preparation=(Choice("wild"),)))


def test_progress_and_cancelling(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, int, int]] = []
    load(DataConfig("digits"), progress=lambda *what: told.append(what))
    assert told and told[0][0] == "Loading Handwritten digits"
    tensors.clear_cache()
    with pytest.raises(Cancelled, match="Handwritten digits was stopped"):
        load(DataConfig("digits"), cancelled=lambda: True)


# --- MNIST as torchvision lays it out --------------------------------------------------------------------------------


def test_mnist_is_what_torchvision_reads(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nnviz.data.torchvision_bridge import import_torchvision

    monkeypatch.setenv("NNVIZ_DATA", str(shared_data))
    data = load(DataConfig("mnist"))
    assert (len(data.train), len(data.validation), len(data.test)) == (48_000, 12_000, 10_000)
    theirs = import_torchvision("torchvision.datasets").MNIST(shared_data, train=False)
    assert torch.equal(data.test.inputs[:, 0], theirs.data) and torch.equal(data.test.targets, theirs.targets)
    whole = import_torchvision("torchvision.datasets").MNIST(shared_data, train=True)
    together = torch.cat((data.train.inputs, data.validation.inputs)).to(torch.int64).sum((1, 2, 3))
    assert torch.equal(together.sort().values, whole.data.to(torch.int64).sum((1, 2)).sort().values)
    assert load(DataConfig("mnist"), shared_data / "MNIST" / "raw").train is data.train
    standard = load(DataConfig("mnist", preparation=BY_SCALING["standardise"])).scaler
    (line,) = standard.parts
    assert isinstance(line, Line) and line.offset is not None and line.divisor is not None
    exact = data.train.inputs.to(torch.float64)
    assert float(line.offset) == pytest.approx(float(exact.mean()), rel=1e-6)
    assert float(line.divisor) == pytest.approx(float(exact.std(correction=0)), rel=1e-6)


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    from idx_files import write_set

    folder = tmp_path / "MNIST" / "raw"
    write_set(folder, 60_000, 10_000, value=1)
    assert int(load(DataConfig("mnist"), tmp_path).test.inputs.max()) == 1
    write_set(folder, 60_000, 10_000, value=2)
    assert int(load(DataConfig("mnist"), tmp_path).test.inputs.max()) == 2


def test_damage_is_named_with_the_file_and_the_cure(tmp_path: Path) -> None:
    from idx_files import write_set

    folder = tmp_path / "MNIST" / "raw"
    write_set(folder, 60_000, 10_000)
    (folder / "t10k-images-idx3-ubyte").write_bytes((folder / "t10k-images-idx3-ubyte").read_bytes()[:-5])
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte: The file is cut off.*Download it"):
        load(DataConfig("mnist"), tmp_path)
    (folder / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte: The file is missing.*--data-dir"):
        load(DataConfig("mnist"), tmp_path)


def test_classes_keep_their_share_in_validation() -> None:
    data = load(DataConfig("digits"))
    whole = np.bincount(np.concatenate((data.train.targets.numpy(), data.validation.targets.numpy())))
    held = np.bincount(data.validation.targets.numpy())
    assert np.abs(held - whole * (287 / 1437)).max() <= 1.5
