"""Predictions: the label that the network gives, the examples prepared as in the training, and a file written whole."""

from __future__ import annotations

import contextlib
import csv
import os
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

from nnviz import cli
from nnviz.data import datasets, tensors
from nnviz.errors import DataError, InputError
from nnviz.project.adapt import choose_data
from nnviz.project.model import Choice, DataConfig, ParamValue, Project, TrainConfig
from nnviz.project.samples import templates
from nnviz.project.samples.sketch import chain, features, linear, output
from nnviz.record.store import open_run
from nnviz.train.checkpoint import from_blobs
from nnviz.train.headless import train_to_file
from nnviz.train.kept_preparation import PART
from nnviz.train.predict import Predictor, UnreadableError, as_csv, predict_to_file


@pytest.fixture
def pets(tmp_path: Path) -> Iterator[Path]:
    random = np.random.default_rng(0)
    for name, tone in (("=cat", 40), ("dog", 200)):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(12):
            pixels = np.clip(random.normal(tone, 40, (9, 9, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / name / f"{number}.png")
    yield tmp_path / "pets"
    tensors.clear_cache()


def project_on(folder: Path, preparation: str = "standardise") -> Project:
    project = templates.sample("digits-cnn")
    config = DataConfig(
        "image_folder", {"folder": str(folder), "size": 28, "channels": "1"}, preparation=(Choice(preparation),)
    )
    project = choose_data(project, config, datasets.facts(config)).apply(project)
    training = msgspec.structs.replace(project.training, epochs=2, batch_size=4)
    return msgspec.structs.replace(project, training=training)


def make_older(run: Path) -> None:
    """As a run was before it kept how its data were prepared."""
    with contextlib.closing(sqlite3.connect(run)) as file, file:
        assert file.execute("DELETE FROM blobs WHERE name = ?", (PART,)).rowcount


def read_back(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_labels_and_probabilities_are_those_of_the_training_itself(
    pets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Against the network of the run asked in torch, with the mean and deviation of the training split by hand."""
    run, out = tmp_path / "a.nnvizrun", tmp_path / "out.csv"
    project = project_on(pets)
    train_to_file(project, run)
    (tmp_path / "new" / "deep").mkdir(parents=True)
    Image.new("RGB", (31, 17), (60, 60, 60)).save(tmp_path / "new" / "a, b.png")
    Image.new("L", (28, 28), 190).save(tmp_path / "new" / "deep" / "=1+1.png")
    (tmp_path / "new" / "broken.png").write_bytes(b"no picture")

    command = ["predict", str(run), str(tmp_path / "new"), "--out", str(out)]
    assert cli.main(command) == 2
    refused = capsys.readouterr().err
    assert "broken.png" in refused and "--skip-bad" in refused and refused.count("\n") == 1 and not out.exists()
    assert cli.main([*command, "--skip-bad"]) == 0
    assert "broken.png" in capsys.readouterr().err

    header, *rows = read_back(out)
    assert header == ["filename", "label", "probability"]
    assert [row[0] for row in rows] == ["a, b.png", "deep/=1+1.png"]

    data = tensors.load(project.data)
    pixels = data.train.inputs.double()
    mean, deviation = pixels.mean(), pixels.std(correction=0)
    with open_run(run) as stored:
        kept = from_blobs(stored.load_checkpoint())
    from nnviz.network.network import Network  # the slow way: a network of its own, filled by hand
    from nnviz.project.checks.shapes import infer

    network = Network(project.graph, infer(project.graph), seed=5)
    network.load_state_dict(dict(kept.best if project.training.keep_best and kept.best else kept.weights))
    network.eval()
    for row, tone in zip(rows, (60, 190), strict=True):
        picture = ((torch.full((1, 1, 28, 28), float(tone), dtype=torch.float64) - mean) / deviation).float()
        shares = network(picture).softmax(1)[0]
        label = int(shares.argmax())
        assert row[1] == ["'=cat", "dog"][label]
        assert float(row[2]) == pytest.approx(shares[label].item(), abs=2e-5)

    # Nothing is replaced unasked, and never what is read.
    assert cli.main([*command, "--skip-bad"]) == 2
    assert "--force" in capsys.readouterr().err
    assert cli.main([*command, "--skip-bad", "--force", "--step", "0"]) == 2
    assert "first are of step" in capsys.readouterr().err
    assert read_back(out) == [header, *rows]
    inside = str(tmp_path / "new" / "a, b.png")
    assert cli.main(["predict", str(run), inside, "--out", inside, "--force"]) == 2


def test_changed_data_are_refused_where_an_older_run_needs_them(pets: Path, tmp_path: Path) -> None:
    runs = {}
    for kind in ("standardise", "scale"):
        runs[kind] = tmp_path / f"{kind}.nnvizrun"
        train_to_file(project_on(pets, kind), runs[kind])
    kept = tmp_path / "kept.nnvizrun"
    shutil.copy(runs["standardise"], kept)
    for run in runs.values():
        make_older(run)
    picture = tmp_path / "one.png"
    Image.new("L", (28, 28), 190).save(picture)
    before = tmp_path / "before.csv"
    predict_to_file(Predictor(runs["scale"]), picture, before)
    predict_to_file(Predictor(kept), picture, tmp_path / "kept before.csv")
    (pets / "dog").rename(pets / "wolf")
    tensors.clear_cache()
    with pytest.raises(DataError, match=r"'wolf' is new, 'dog' is gone.*needs them"):
        Predictor(runs["standardise"])
    # Nothing is taken from the examples, and the run knows its classes.
    after = tmp_path / "after.csv"
    predict_to_file(Predictor(runs["scale"]), picture, after)
    assert after.read_bytes() == before.read_bytes()
    predictor = Predictor(kept)
    assert predictor.remark == "The data of the training have changed: examples are prepared as they were then."
    predict_to_file(predictor, picture, tmp_path / "kept after.csv")
    assert (tmp_path / "kept after.csv").read_bytes() == (tmp_path / "kept before.csv").read_bytes()


def test_pictures_are_resized_as_those_of_the_training_were(pets: Path, tmp_path: Path) -> None:
    project, run = project_on(pets, "scale"), tmp_path / "a.nnvizrun"
    steps = (Choice("resize", {"size": (14, 20), "how": "fit", "rest": "grey"}), Choice("colour", {"to": "colour"}))
    config = msgspec.structs.replace(project.data, preparation=(*steps, Choice("scale")))
    project = choose_data(project, config, datasets.facts(config)).apply(project)
    train_to_file(project, run)
    data = tensors.load(project.data)
    trained = {row.numpy().tobytes() for split in (data.train, data.validation, data.test) for row in split.inputs}
    picture = pets / "dog" / "0.png"
    (block,) = Predictor(run).blocks(picture)
    assert block.inputs.shape == (1, 3, 14, 20) and block.inputs[0].tobytes() in trained
    picture = picture.rename(tmp_path / "0.png")
    (pets / "dog").rename(pets / "wolf")
    tensors.clear_cache()
    (again,) = Predictor(run).blocks(picture)  # the data are others by now
    assert np.array_equal(again.inputs, block.inputs)


def test_rows_of_a_table(tmp_path: Path) -> None:
    run, table, out = tmp_path / "a.nnvizrun", tmp_path / "new.csv", tmp_path / "out.csv"
    project = templates.sample("spiral")
    project = msgspec.structs.replace(project, training=msgspec.structs.replace(project.training, epochs=2))
    train_to_file(project, run)
    # With a semicolon the comma is the decimal one; the third row holds no number, the fourth nothing.
    table.write_text("a;b\n0,5;1\n-1,25;2\nx;3\n;4\n", encoding="utf-8")
    predictor = Predictor(run)
    with pytest.raises(UnreadableError, match=r"Row 3: column 'a' holds 'x'.*Row 4: column 'a' is empty"):
        predict_to_file(predictor, table, out)
    done = predict_to_file(predictor, table, out, skip_bad=True)
    assert (done.count, len(done.left_out)) == (2, 2)
    header, *rows = read_back(out)
    assert header == ["row", "label", "probability"] and [row[0] for row in rows] == ["1", "2"]
    with pytest.raises(InputError, match="rows of 2 numbers"):
        predict_to_file(predictor, tmp_path, out, force=True)
    with pytest.raises(InputError, match="is read from"):
        predict_to_file(predictor, table, table, force=True)


def test_no_text_becomes_a_formula() -> None:
    cells = ["=1+1", "+1", "-1", "-1e3", "-1+2", "-x", "@x", "\tx", "plain", 'a"b,c', "two\nlines"]
    text = as_csv(("filename", "label"), [(cell, -1.5) for cell in cells]).decode()
    found = list(csv.reader(text.splitlines(keepends=True)))[1:]
    assert [row[0] for row in found] == [
        "'=1+1",
        "+1",
        "-1",
        "-1e3",
        "'-1+2",
        "'-x",
        "'@x",
        "'\tx",
        "plain",
        'a"b,c',
        "two\nlines",
    ]
    assert {row[1] for row in found} == {"-1.5"}


def test_a_table_of_ones_own_with_categories_and_a_target_in_thousands(tmp_path: Path) -> None:
    """price = 20,000 · rooms, and 10,000 more in Bern: learned in thousands, told in francs."""
    table, new, out = tmp_path / "flats.csv", tmp_path / "new.csv", tmp_path / "out.csv"
    rows = [
        f"{rooms},{town},{20_000 * rooms + 10_000 * (town == 'Bern')}"
        for _ in range(30)
        for rooms in range(1, 6)
        for town in ("Bern", "Chur")
    ]
    table.write_text("rooms,town,price\n" + "\n".join(rows) + "\n", encoding="utf-8")
    params = {"path": str(table), "target": "price", "task": "numbers", "target_unit": 10_000.0}
    config = DataConfig("table_file", params, preparation=(Choice("standardise"),))
    graph = chain(features(3), linear(1), output(loss="mse"))
    project = choose_data(Project(graph=graph), config, datasets.facts(config)).apply(Project(graph=graph))
    training = TrainConfig(optimizer=Choice("adam", {"learning_rate": 0.1}), batch_size=20, epochs=60)
    train_to_file(msgspec.structs.replace(project, training=training), tmp_path / "a.nnvizrun", probes=())
    # A number that is missing is the mean of the training, 3 rooms, as it was there.
    new.write_text("town;rooms\nChur;2\nBern;4\nBern;x\nChur;\n", encoding="utf-8")
    done = predict_to_file(Predictor(tmp_path / "a.nnvizrun"), new, out, skip_bad=True)
    assert [one.reason for one in done.left_out] == ["Row 3: column 'rooms' holds 'x', no finite number."]
    header, *found = read_back(out)
    assert header == ["row", "label"] and [row[0] for row in found] == ["1", "2", "4"]
    assert [float(row[1]) for row in found] == pytest.approx([40_000, 90_000, 60_000], rel=0.03)


def test_data_that_are_gone_or_have_changed_never_give_wrong_answers(tmp_path: Path) -> None:
    """Two classes told apart by one number, of a file that is moved; a table with one category more."""
    run, arrays, new = tmp_path / "a.nnvizrun", tmp_path / "arrays.npz", tmp_path / "new.csv"
    x = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    np.savez(arrays, x=x, y=(x[:, 0] > 0).astype(np.int64))
    config = DataConfig("numpy_file", {"path": str(arrays)})
    graph = chain(features(3), linear(1), output(loss="bce_logits"))
    project = choose_data(Project(graph=graph), config, datasets.facts(config)).apply(Project(graph=graph))
    training = TrainConfig(optimizer=Choice("adam", {"learning_rate": 0.1}), batch_size=20, epochs=20)
    train_to_file(msgspec.structs.replace(project, training=training), run, probes=())
    new.write_text("a,b,c\n2,0,0\n-2,0,0\n", encoding="utf-8")
    before, after = tmp_path / "before.csv", tmp_path / "after.csv"
    predict_to_file(Predictor(run), new, before)
    assert [row[1] for row in read_back(before)[1:]] == ["1", "0"]
    arrays.rename(tmp_path / "moved.npz")
    tensors.clear_cache()
    predict_to_file(Predictor(run), new, after)
    assert after.read_bytes() == before.read_bytes()

    table, run = tmp_path / "table.csv", tmp_path / "b.nnvizrun"
    rows = "".join(f"{n},{'ab'[n % 2]},{'xy'[n % 2]}\n" for n in range(40))
    table.write_text("size,kind,right\n" + rows, encoding="utf-8")
    trained_on(table, run, 3, preparation="")
    make_older(run)
    for change in (lambda: table.write_text("size,kind,right\n" + rows + "1,c,x\n2,c,x\n"), table.unlink):
        change()
        tensors.clear_cache()
        with pytest.raises(DataError, match=r"not those that it was trained on.*how its columns become numbers"):
            Predictor(run)


def test_pictures_of_arrays_are_prepared_as_those_of_the_training_were(tmp_path: Path) -> None:
    run, arrays, picture = tmp_path / "a.nnvizrun", tmp_path / "arrays.npz", tmp_path / "0.png"
    x = np.random.default_rng(0).integers(0, 256, (20, 9, 9, 3), np.uint8)
    np.savez(arrays, x=x, y=np.arange(20) % 2)
    Image.fromarray(x[0]).save(picture)
    steps = (Choice("resize", {"size": (28, 28)}), Choice("colour", {"to": "grey"}), Choice("scale"))
    config, project = DataConfig("numpy_file", {"path": str(arrays)}, preparation=steps), templates.sample("digits-cnn")
    project = choose_data(project, config, datasets.facts(config)).apply(project)
    training = msgspec.structs.replace(project.training, epochs=1, batch_size=8)
    train_to_file(msgspec.structs.replace(project, training=training), run, probes=())
    data = tensors.load(project.data)
    trained = {row.numpy().tobytes() for split in (data.train, data.validation, data.test) for row in split.inputs}
    (block,) = Predictor(run).blocks(picture)
    assert block.inputs.shape == (1, 1, 28, 28) and block.inputs[0].tobytes() in trained
    arrays.rename(tmp_path / "moved.npz")
    tensors.clear_cache()
    (again,) = Predictor(run).blocks(picture)
    assert np.array_equal(again.inputs, block.inputs)
    make_older(run)
    with pytest.raises(DataError, match=r"a\.nnvizrun.*arrays\.npz"):
        Predictor(run)


def trained_on(table: Path, run: Path, inputs: int, preparation: str = "standardise", **params: ParamValue) -> None:
    config = DataConfig(
        "table_file", {"path": str(table), **params}, preparation=(Choice(preparation),) if preparation else ()
    )
    graph = chain(features(inputs), linear(2), output(loss="cross_entropy"))
    project = choose_data(Project(graph=graph), config, datasets.facts(config)).apply(Project(graph=graph))
    train_to_file(msgspec.structs.replace(project, training=TrainConfig(batch_size=20, epochs=1)), run, probes=())


@pytest.mark.parametrize("categories", ["one_hot", "index"])
def test_a_table_is_understood_as_that_of_the_training_was(tmp_path: Path, categories: str) -> None:
    """Dates, letters in cp1252, codes, thousands and missing values, against numbers by hand."""
    table, new, run = tmp_path / "old.csv", tmp_path / "new.csv", tmp_path / "a.nnvizrun"
    towns = ("Bern", "Zürich")
    rows = [
        f'{1 + n % 9:02}.01.2000,{towns[n % 2]},{("007", "012")[n // 2 % 2]},"1,{n % 10:03}",{("no", "yes")[n % 2]}'
        for n in range(40)
    ]
    table.write_bytes(("day,town,code,sum,right\n" + "\n".join(rows) + "\n").encode("cp1252"))
    choice = {"categories": categories, "kinds": ("code=category",)}
    trained_on(table, run, 4 if categories == "index" else 6, **choice)
    text = (
        'sum,code,town,id,day\n"1,037",007,Zürich,5,31.12.1999\nNA,12,Bern,6,13.01.2000\n1,7,Chur,7,01.02.2000\n'
        "1,7\n2,7,Bern,8,soon\n3,7,Bern,9,02.02.2000\n"
    )
    new.write_bytes(text.encode("cp1252"))
    predictor = Predictor(run)
    (block,) = predictor.blocks(new)
    assert sorted(one.reason for one in block.left_out) == [
        "Row 3: column 'town' holds 'Chur', which the network was not trained on.",
        "Row 4 has 2 values, not 5.",
        "Row 5: column 'day' holds 'soon', no date like those of the training.",
    ]
    assert block.names == ("1", "2", "6") and (block.done, block.total) == (6, 6)
    codes = {"Bern": (1, 0), "Zürich": (0, 1), "12": (1, 0), "7": (0, 1)}

    def one(day: float, town: str, code: str, total: float) -> list[float]:
        if categories == "index":
            return [day, codes[town].index(1), codes[code].index(1), total]
        return [day, *codes[town], *codes[code], total]

    expected = [one(-1, "Zürich", "7", 1037), one(12, "Bern", "12", np.nan), one(32, "Bern", "7", 3)]
    assert np.array_equal(block.inputs, np.array(expected, np.float32), equal_nan=True)
    # The same as a Parquet file, which says itself that there are days and whole numbers.
    columns = {"day": [date(1999, 12, 31)], "town": ["Zürich"], "code": [7], "sum": [1037], "more": [[1, 2]]}
    pl.DataFrame(columns).write_parquet(tmp_path / "new.parquet")
    (block,) = predictor.blocks(tmp_path / "new.parquet")
    assert block.inputs.tolist() == expected[:1] and not block.left_out
    # A form in which nothing tells day and month apart is none that was trained on.
    new.write_text("day,town,code,sum\n01/02/2000,Bern,7,1\n", encoding="utf-8")
    (block,) = predictor.blocks(new)
    assert [one.reason for one in block.left_out] == [
        "Row 1: column 'day' holds '01/02/2000', no date like those of the training."
    ]
    # As many columns, but others: never taken by their places.
    new.write_text("id,day,town,code\n1,01.01.2000,Bern,7\n", encoding="utf-8")
    with pytest.raises(DataError, match="no column 'sum'"):
        next(predictor.blocks(new))
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match="pipe, not a file"):
        next(predictor.blocks(tmp_path / "pipe.csv"))
