"""Arrays of NumPy: every layout and name, what becomes of their numbers, and damaged files in a sentence each."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nnviz.data import datasets, numpy_sets, tensors
from nnviz.data.tensors import load
from nnviz.errors import DataError
from nnviz.project.model import DataConfig

RANDOM = np.random.default_rng(0)
LABELS = np.arange(40) % 4
GREY = RANDOM.integers(0, 256, (40, 5, 6), dtype=np.uint8)
GREY[0, 0, :2] = 0, 255  # so that their range is the whole
COLOUR = RANDOM.integers(0, 256, (40, 5, 6, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def nothing_known() -> None:
    numpy_sets.forget()


def on(path: Path, **params: str) -> DataConfig:
    return DataConfig("numpy_file", {"path": str(path), **params}, preparation=())


def saved(folder: Path, **arrays: Any) -> Path:
    path = folder / "set.npz"
    np.savez_compressed(path, **arrays)
    return path


def whole(config: DataConfig) -> dict[bytes, Any]:
    """Every example of all splits with its answer."""
    data = load(config)
    found = {}
    for split in (data.train, data.validation, data.test):
        for inputs, targets in zip(split.inputs, split.targets, strict=True):
            found[inputs.numpy().tobytes()] = targets.tolist()
    return found


@pytest.mark.parametrize(
    ("stored", "planes"),
    [
        (GREY, GREY[:, None]),
        (COLOUR, COLOUR.transpose(0, 3, 1, 2)),
        (COLOUR.transpose(0, 3, 1, 2), COLOUR.transpose(0, 3, 1, 2)),
        (np.asfortranarray(COLOUR), COLOUR.transpose(0, 3, 1, 2)),
        (GREY.astype(">i4"), GREY[:, None]),
        (GREY > 99, (GREY[:, None] > 99) * np.uint8(255)),
        (GREY / 255.0, GREY[:, None]),
        ((GREY / 127.5 - 1.0).astype(np.float32), GREY[:, None]),
        (GREY.astype(np.float64), GREY[:, None]),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_pictures_are_those_that_were_stored(tmp_path: Path, stored: Any, planes: Any, packed: bool) -> None:
    if packed:
        path = saved(tmp_path, images=stored, labels=LABELS)
    else:
        path = tmp_path / "x_all.npy"
        np.save(path, stored)
        np.save(tmp_path / "y_all.npy", LABELS)
    found = whole(on(path))
    assert found == {picture.astype(np.uint8).tobytes(): label for picture, label in zip(planes, LABELS, strict=True)}


def test_splits_that_have_arrays_of_their_own(tmp_path: Path) -> None:
    parts = {"train": slice(0, 24), "val": slice(24, 32), "test": slice(32, 40)}
    arrays = {
        f"{name}_{split}": array[part] for split, part in parts.items() for name, array in (("x", GREY), ("y", LABELS))
    }
    path = saved(tmp_path, **arrays)
    data = load(on(path))
    for split, name in ((data.train, "train"), (data.validation, "val"), (data.test, "test")):
        assert np.array_equal(split.inputs[:, 0], GREY[parts[name]])
        assert np.array_equal(split.targets, LABELS[parts[name]])
    assert datasets.inspect(on(path)).notes[0] == (
        "Inputs 'x_train' with 'y_train', validation split 'x_val' with 'y_val', test split 'x_test' with 'y_test'."
    )
    medical = saved(
        tmp_path,
        train_images=GREY[:30],
        train_labels=LABELS[:30, None],
        test_images=GREY[30:],
        test_labels=LABELS[30:, None],
    )
    data = load(on(medical))
    assert len(data.test) == 10 and len(data.train) + len(data.validation) == 30
    for split, part in parts.items():
        np.save(tmp_path / f"X_{split}.npy", GREY[part])
        np.save(tmp_path / f"y_{split}.npy", LABELS[part])
    data = load(on(tmp_path / "X_train.npy"))
    assert [len(split) for split in (data.train, data.validation, data.test)] == [24, 8, 8]


@pytest.mark.parametrize(
    ("answers", "params", "task", "targets", "right"),
    [
        (LABELS, {}, "classes", 4, LABELS.tolist()),
        (LABELS * 10 - 5, {}, "classes", 4, LABELS.tolist()),
        (np.array(["a", "c", "b", "d"])[LABELS], {}, "classes", 4, [(0, 2, 1, 3)[label] for label in LABELS]),
        (np.eye(4)[LABELS], {}, "classes", 4, LABELS.tolist()),
        (LABELS > 1, {}, "binary", 1, (LABELS > 1).astype(int).tolist()),
        (LABELS.astype(float), {}, "classes", 4, LABELS.tolist()),
        (LABELS, {"task": "numbers"}, "regression", 1, LABELS[:, None].astype(float).tolist()),
        (LABELS / 8, {}, "regression", 1, (LABELS[:, None] / 8).tolist()),
        (np.stack([LABELS / 8, LABELS / 4], 1), {}, "regression", 2, np.stack([LABELS / 8, LABELS / 4], 1).tolist()),
        (LABELS / 8, {"task": "classes"}, "classes", 4, LABELS.tolist()),
    ],
)
def test_answers(
    tmp_path: Path, answers: Any, params: dict[str, str], task: str, targets: int, right: list[Any]
) -> None:
    features = RANDOM.normal(size=(40, 3)).astype(np.float32)
    config = on(saved(tmp_path, x=features, y=answers), **params)
    facts = datasets.facts(config)
    assert (facts.task, facts.targets, facts.input_shape) == (task, targets, (3,))
    assert whole(config) == {row.tobytes(): answer for row, answer in zip(features, right, strict=True)}


def test_a_table_of_its_own_and_arrays_by_name(tmp_path: Path) -> None:
    table = np.column_stack((RANDOM.normal(size=(40, 2)), LABELS))
    np.save(tmp_path / "table.npy", table)
    found = whole(on(tmp_path / "table.npy"))
    assert found == {row[:2].astype(np.float32).tobytes(): int(row[2]) for row in table}
    path = saved(tmp_path, first=GREY, second=COLOUR, truth=LABELS, other=LABELS // 2)
    assert datasets.facts(on(path, inputs="second", targets="other")).input_shape == (3, 5, 6)
    assert datasets.facts(on(path, inputs="second", targets="other")).targets == 2
    assert whole(on(path, inputs="first", targets="truth"))[GREY[7].tobytes()] == 3


class Evil:
    """What a pickle would call."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return print, ("it ran",)


def test_what_cannot_be_taken_is_refused_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(said: str, *, params: dict[str, str] | None = None, **arrays: Any) -> None:
        with pytest.raises(DataError) as caught:
            load(on(saved(tmp_path, **arrays), **(params or {})))
        assert said in str(caught.value) and len(str(caught.value)) < 500

    features = RANDOM.normal(size=(40, 3))
    objects = np.array([Evil()] * 40, object)
    refused("Python objects, which could run anything", x=objects, y=LABELS[:, None].astype(object))
    refused("The array 'x' holds complex numbers", x=features * 1j)
    refused("40 examples in 'x' and 39 answers in 'y'", x=features, y=LABELS[1:])
    refused("It is not clear which array holds the inputs", one=features, two=LABELS)
    refused("There is no array 'q' in it. There are: 'x', 'y'.", params={"inputs": "q"}, x=features, y=LABELS)
    refused("There is one class", x=features, y=LABELS * 0)
    broken = features.copy()
    broken[17, 1] = np.nan
    refused("Example 17 of 'x' (counted from 0)", x=broken, y=LABELS)
    refused("An answer is infinite or no number", x=features, y=broken[:, 1])
    refused("pictures have 1 or 3 channels", x=np.zeros((40, 7, 7, 5)), y=LABELS)
    refused("has 5 dimensions", x=np.zeros((40, 2, 2, 2, 2)), y=LABELS)
    refused("its shape is 0 × 3", x=features[:0], y=LABELS[:0])
    refused("holds texts: inputs must be numbers", x=np.array(["a"] * 40), y=LABELS)
    refused(
        "The class '3' of 'x_test' has no training example",
        x_train=features[:3],
        y_train=LABELS[:3],
        x_test=features,
        y_test=LABELS,
    )
    refused("The answers are texts", params={"task": "numbers"}, x=features, y=np.array(["a", "b"] * 20))
    # The answers, or half of a split, are not passed over.
    refused("The array 'y' holds Python objects", x=features, y=objects)
    refused("The array 'Y' holds Python objects", X=features, Y=objects, other=features)
    refused("The array 'x' holds Python objects", x=objects, y=LABELS)
    refused("The array 'y' holds Python objects", params={"inputs": "x"}, x=features, y=objects)
    refused("The array 'q' holds Python objects", params={"targets": "q"}, x=features, y=LABELS, q=objects)
    refused(
        "The array 'y_test' holds Python objects", x_train=features, y_train=LABELS, x_test=features, y_test=objects
    )
    refused("The array 'q' holds Python objects", params={"targets": "q"}, x=features, q=objects)
    assert load(on(saved(tmp_path, table=features, remarks=objects))).facts.input_shape == (2,)
    assert "it ran" not in capsys.readouterr().out
    (tmp_path / "set.txt").write_text("x")
    for path, said in (
        (tmp_path / "none.npz", "no such file"),
        (tmp_path, "folder"),
        (tmp_path / "set.txt", "ends in"),
    ):
        with pytest.raises(DataError, match=said) as caught:
            load(on(path))
        assert caught.value.field == "data.params.path"


def damaged(tmp_path: Path) -> list[tuple[str, bytes]]:
    """Contents of files that promise what they do not hold."""
    stream = io.BytesIO()
    np.save(stream, np.column_stack((RANDOM.normal(size=(40, 2)), LABELS)))
    good = stream.getvalue()
    large = good.replace(b"(40, 3)", b"(4000000000000, 3)")[: len(good)]
    found = [("npy", good[:cut]) for cut in (0, 5, 9, 60, 128, 700)]
    found += [
        ("npy", b"no array at all"),
        ("npy", pickle.dumps([1, 2])),
        ("npy", large),
        ("npy", good.replace(b"'<f8'", b"'|O8'")),
        ("npy", good.replace(b"'<f8'", b"'<q9'")),
        ("npy", good.replace(b"(40, 3)", b"(-4, 3)")),
        ("npy", good.replace(b"False", b"print")),
        ("npy", good[:6] + b"\x09\x00" + good[8:]),
    ]
    path = saved(tmp_path, x=GREY, y=LABELS)
    archive = path.read_bytes()
    found += [("npz", archive[:cut]) for cut in (0, 30, 300, len(archive) - 30)]
    spoilt = bytearray(archive)
    spoilt[400:420] = bytes(20)
    found += [("npz", bytes(spoilt)), ("npz", b"PK\x03\x04 nothing")]
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**9, 9)})
        file.writestr("x.npy", header.getvalue() + bytes(1 << 20))
        file.writestr("y.npy", header.getvalue())
    found.append(("npz", bomb.getvalue()))
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    found.append(("npz", empty.getvalue()))
    return found


def test_damaged_files_get_a_sentence(tmp_path: Path) -> None:
    for number, (ending, content) in enumerate(damaged(tmp_path)):
        path = tmp_path / f"damaged{number}.{ending}"
        path.write_bytes(content)
        with pytest.raises(DataError) as caught:
            load(on(path))
        assert caught.value.file == str(path) and "\n" not in str(caught.value), number


def test_what_is_too_large_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path, x=GREY, y=LABELS)
    monkeypatch.setattr(numpy_sets, "MOST_BYTES", 1_000)
    monkeypatch.setattr(numpy_sets.FileArray, "pieces", lambda self: pytest.fail("it was read"))
    with pytest.raises(DataError, match=r"would take .* GB, more than the 0 GB .* let them be streamed") as caught:
        load(on(path, memory="memory"))
    assert caught.value.field == "data.params.memory"
    path = saved(tmp_path, x=np.asfortranarray(GREY), y=LABELS)
    with pytest.raises(DataError, match=r"lies column by column, so that its .* GB would have to be read at once"):
        load(on(path))


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = saved(tmp_path, x=GREY, y=LABELS)
    assert datasets.facts(on(path)).targets == 4
    path = saved(tmp_path, x=GREY[:20], y=LABELS[:20] // 2)
    assert datasets.facts(on(path)).targets == 2 and len(load(on(path)).test) == 4
    tensors.clear_cache()


def test_answers_that_come_later_are_found_and_only_beside_the_inputs(tmp_path: Path) -> None:
    folder = tmp_path / "arrays"
    (folder / "sub").mkdir(parents=True)
    np.save(folder / "x.npy", RANDOM.normal(size=(40, 3)))
    for elsewhere in (folder / "sub", tmp_path):
        np.save(elsewhere / "y.npy", LABELS)
    x = on(folder / "x.npy")
    assert datasets.inspect(x).data.input_shape == (2,)
    np.save(folder / "y.npy", LABELS)
    assert datasets.inspect(x).data.input_shape == (3,) and load(x).facts.targets == 4
    (folder / "y.npy").unlink()
    assert datasets.inspect(x).data.input_shape == (2,)
    for named in ("sub/y", "../y.npy", str(tmp_path / "y.npy")):
        with pytest.raises(DataError, match=r"There is no file '.*' beside it") as caught:
            load(on(folder / "x.npy", targets=named))
        assert caught.value.field == "data.params.targets"


@pytest.mark.parametrize("labels", [LABELS, LABELS / 7])
def test_black_and_white_are_those_of_the_training_examples(tmp_path: Path, labels: Any) -> None:
    """Those of the test split, a fifth, change nothing about the others."""
    pictures = np.random.default_rng(1).normal(size=(40, 5, 6)) * 3

    def trained(stored: Any) -> torch.Tensor:
        numpy_sets.forget()
        data = load(on(saved(tmp_path, x=stored, y=labels)))
        return torch.cat((data.train.inputs, data.validation.inputs))

    before, same = trained(pictures), 0
    for number in range(40):
        changed = pictures.copy()
        changed[number, 0, 0] = 1_000
        same += torch.equal(trained(changed), before)
    assert len(before) == 32 and same == 8
