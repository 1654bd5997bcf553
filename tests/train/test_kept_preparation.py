"""A run knows how its data became numbers, so that it names other examples when these have changed or are gone."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image

from nnviz import cli
from nnviz.data import datasets, tensors
from nnviz.data.sources.source import Arrays, Request
from nnviz.data.sources.table_file import TableFile
from nnviz.errors import DataError, RunFileError
from nnviz.project.adapt import choose_data
from nnviz.project.checks.shapes import infer
from nnviz.project.model import Choice, DataConfig, Project, TrainConfig
from nnviz.project.samples.sketch import chain, features, flatten, image, linear, output
from nnviz.train.headless import train_to_file
from nnviz.train.kept_preparation import MOST_BYTES, PART, prepared_of
from nnviz.train.predict import Predictor, predict_to_file

_NEW = "kind;id;size;seen\nrot;1;0,5;01.02.2020\nblau;2;;13.05.2021\nrot;3;7,25;\n;4;1,5;01.01.2020\n"


def _table(red: str = "rot", last: str = "2,5") -> str:
    """Decimal commas, two categories (blau before red), dates, and numbers and categories that are missing."""
    random = np.random.default_rng(3)
    rows = []
    for at in range(60):
        size = "" if at % 7 == 3 else f"{random.normal(3, 2):.3f}".replace(".", ",")
        kind = "" if at % 11 == 5 else (red, "blau")[int(random.integers(2))]
        rows.append(f"{size};{kind};{1 + at % 28:02}.03.2020;{('gut', 'schlecht')[int(random.integers(2))]}")
    return "\n".join(["size;kind;seen;right", *rows, f"{last};blau;01.04.2020;gut"]) + "\n"


def _train(table: Path, run: Path) -> Project:
    steps = (Choice("subset", {"by": "share", "share": 0.5}), Choice("standardise"))
    config = DataConfig("table_file", {"path": str(table), "target": "right"}, preparation=steps)
    inputs = datasets.facts(config).input_shape[0]
    graph = chain(features(inputs), linear(2), output(loss="cross_entropy"))
    project = choose_data(Project(graph=graph), config, datasets.facts(config)).apply(Project(graph=graph))
    project = msgspec.structs.replace(project, training=TrainConfig(batch_size=8, epochs=2))
    train_to_file(project, run, probes=())
    return project


def test_a_table_that_has_changed_or_is_gone_gives_the_same_predictions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, run, new, out = (tmp_path / name for name in ("old.csv", "a.nnvizrun", "new.csv", "out.csv"))
    table.write_text(_table(), encoding="utf-8")
    new.write_text(_NEW, encoding="utf-8")
    project = _train(table, run)
    command = ["predict", str(run), str(new), "--out", str(out), "--force"]

    # What is read of the table of the training itself is what was trained on, to the last bit.
    data = tensors.load(project.data)
    means = prepared_of(data).means
    assert means is not None
    (block,) = Predictor(run).blocks(table)
    inputs = torch.from_numpy(block.inputs)
    filled = {row.numpy().tobytes() for row in torch.where(inputs.isnan(), means, inputs)}
    assert bool(inputs.isnan().any()) and {row.numpy().tobytes() for row in data.train.inputs} <= filled

    assert cli.main(command) == 0
    expected = out.read_bytes()
    with sqlite3.connect(run) as file:
        assert file.execute("SELECT count(*), min(checkpoint) FROM blobs WHERE name = ?", (PART,)).fetchone() == (1, 0)
    assert expected.count(b"\n") == 5 and "training" not in capsys.readouterr().err
    changed = "nnviz: The table of the training has changed: its columns are read as they were then.\n"
    gone = "nnviz: The table of the training cannot be read any more: its columns are read as they were then.\n"
    changes: list[tuple[Callable[[], object], str]] = [
        (lambda: table.write_text(_table(last="2.000,5"), encoding="utf-8"), changed),
        (lambda: table.write_text(_table("tomate"), encoding="utf-8"), changed),  # the same numbers, of another word
        (lambda: table.write_text("nothing\n", encoding="utf-8"), gone),
        (table.unlink, gone),
    ]
    for change, said in changes:
        change()
        tensors.clear_cache()
        out.unlink()
        assert cli.main(command) == 0
        assert capsys.readouterr().err == said
        assert out.read_bytes() == expected
    with sqlite3.connect(run) as file:  # in older files each checkpoint has its own
        file.execute(
            "INSERT INTO blobs (checkpoint, name, part, data) SELECT checkpoints.id, name, part, data FROM blobs, "
            "checkpoints WHERE checkpoint = 0"
        )
        file.execute("DELETE FROM blobs WHERE checkpoint = 0")
    assert cli.main(command) == 0 and out.read_bytes() == expected


def test_deep_pictures_are_black_and_white_where_those_of_the_training_were(tmp_path: Path) -> None:
    """Of 12 bits in files of 16, from each pixel its own mean taken, scaled before and kept in bounds behind."""
    random, run, new = np.random.default_rng(0), tmp_path / "a.nnvizrun", tmp_path / "new.png"
    for name, most in (("dark", 900), ("light", 4000)):
        (tmp_path / "set" / name).mkdir(parents=True)
        for at in range(8):
            Image.fromarray(random.integers(0, most, (6, 6)).astype(np.uint16)).save(
                tmp_path / "set" / name / f"{at}.png"
            )
    Image.fromarray(random.integers(0, 3000, (6, 6)).astype(np.uint16)).save(new)
    steps = (Choice("scale"), Choice("centre", {"per": "pixel"}), Choice("standardise"), Choice("clip"))
    config = DataConfig(
        "image_folder", {"folder": str(tmp_path / "set"), "size": 8, "channels": "1"}, preparation=steps
    )
    graph = chain(image(1, 8, 8), flatten(), linear(1), output(loss="bce_logits"))
    project = choose_data(Project(graph=graph), config, datasets.facts(config)).apply(Project(graph=graph))
    train_to_file(msgspec.structs.replace(project, training=TrainConfig(batch_size=8, epochs=1)), run, probes=())
    predict_to_file(Predictor(run), new, tmp_path / "before.csv")
    shutil.rmtree(tmp_path / "set")
    tensors.clear_cache()
    predictor = Predictor(run)
    assert predictor.remark == (
        "The data of the training cannot be read any more: examples are prepared as they were then."
    )
    predict_to_file(predictor, new, tmp_path / "after.csv")
    assert (tmp_path / "after.csv").read_bytes() == (tmp_path / "before.csv").read_bytes()


def test_a_table_that_is_written_while_it_is_read_never_has_the_columns_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "old.csv"
    table.write_text(_table(), encoding="utf-8")
    read = TableFile.read

    def read_and_write(source: TableFile, request: Request, place: Path | None) -> Arrays:
        found = read(source, request, place)
        table.write_text(_table("tomate"), encoding="utf-8")
        return found

    monkeypatch.setattr(TableFile, "read", read_and_write)
    with pytest.raises(DataError, match=r"old\.csv: The file was changed while it was read"):
        tensors.load(DataConfig("table_file", {"path": str(table)}))


def test_what_a_file_claims_of_its_preparation_is_one_sentence_or_the_truth(tmp_path: Path) -> None:
    table, run, bad, new = (tmp_path / name for name in ("old.csv", "a.nnvizrun", "bad.nnvizrun", "new.csv"))
    table.write_text(_table(), encoding="utf-8")
    new.write_text(_NEW, encoding="utf-8")
    (inputs,) = infer(_train(table, run).graph).results["input"].output or ()
    with contextlib.closing(sqlite3.connect(run)) as file:
        (blob,) = file.execute("SELECT data FROM blobs WHERE name = ? LIMIT 1", (PART,)).fetchone()
    kept = json.loads(blob)["kept"]

    def damaged(content: bytes) -> None:
        shutil.copy(run, bad)
        with contextlib.closing(sqlite3.connect(bad)) as file, file:
            file.execute("UPDATE blobs SET data = ? WHERE name = ?", (content, PART))

    damaged(b"nothing")
    assert Predictor(bad).remark == "", "it is not needed while the table is there"
    table.unlink()
    tensors.clear_cache()

    def sealed(change: Callable[[dict[str, Any]], object]) -> bytes:
        other = json.loads(json.dumps(kept))
        change(other)
        content = json.dumps(other).encode()
        return b'{"digest":"' + hashlib.sha256(content).hexdigest().encode() + b'","kept":' + content + b"}"

    damaged(sealed(lambda _: None))
    predict_to_file(Predictor(bad), new, tmp_path / "out.csv")
    infinite = base64.b64encode(np.full(inputs, np.inf, "<f4").tobytes()).decode()
    claims = [
        b"nothing",
        b"[" * 100_000,
        b" " * (MOST_BYTES + 1),
        blob.replace(b'"rot"', b'"rat"'),
        *map(
            sealed,
            (
                lambda one: one["columns"].pop(),
                lambda one: one["columns"][0].update(name="a\x1b[2J"),
                lambda one: one["columns"][0].update(kind="code"),
                lambda one: one["columns"][2].update(form="%Y" * 99),
                lambda one: one["columns"][1].update(levels=["rot", "rot"]),
                lambda one: one["how"].update(decimal="both"),
                lambda one: one["facts"].update(input_shape=[10**9]),
                lambda one: one["facts"].update(class_names=["gut", "besser"]),
                lambda one: one["facts"].update(targets=10**12),
                lambda one: one["facts"].update(task="magic"),
                lambda one: one.update(shape=[2]),
                lambda one: one.update(numbers=one["numbers"][:1]),
                lambda one: one.update(means=one["means"][4:]),
                lambda one: one.update(means=infinite),
                lambda one: one.update(means="?"),
                lambda one: one.pop("facts"),
            ),
        ),
    ]
    for claim in claims:
        damaged(claim)
        with pytest.raises(RunFileError) as caught:
            Predictor(bad)
        sentence = str(caught.value)
        assert sentence.startswith(f"{bad}: preparation: What the checkpoint keeps of how"), claim[:200]
        assert "\n" not in sentence and len(sentence) < 300 + len(str(bad))
