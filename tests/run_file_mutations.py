"""Run files with one thing wrong: rows that lie, bytes that are others, bombs. The same seed gives the same file."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from nnviz.data import datasets
from nnviz.project.document import Document
from nnviz.project.files import io
from nnviz.project.samples import templates
from nnviz.record import file_format as form
from nnviz.record.readings import ArrayReading, Finding, Histogram, Scalar
from nnviz.record.run import Run, RunInfo
from nnviz.record.store import RunWriter

sys.path.insert(0, str(Path(__file__).parent / "gui" / "panels"))

from planted_run import planted_run

SAMPLES = ("digits-cnn", "xnor-two-layer")
COLUMNS = {
    "facts": ("name", "value"),
    "series": ("id", "name", "kind"),
    "scalars": ("id", "series", "first_step", "last_step", "count", "codec", "data"),
    "arrays": ("id", "series", "step", "size", "codec", "dtype", "shape", "meta", "data"),
    "findings": ("id", "series", "step", "content"),
    "checkpoints": ("id", "step", "epoch", "tag", "created"),
    "blobs": ("id", "checkpoint", "name", "part", "data"),
}
_BLOBS, _REALS = {"value", "data"}, {"created"}
_TEXTS = {"name", "kind", "codec", "dtype", "shape", "meta", "content", "tag"}
_INTEGERS = (0, -1, 1, 2, 255, 2**16, 2**16 + 1, 2**31, 2**53 + 1, 2**62, -(2**62), 2**63 - 1, -(2**63))
_WORDS = (
    "", "x" * 70_000, "raw", "zlib", "f4", "f8", "bool", "int64", "float64", "histogram", "object", "scalar",
    "snapshot", "finding", "[]", "[0]", "[1]", "[4194304]", "[2048,2048]", "[1,1,1,1]", "[5,0]", "[9e9]", "{}", "null",
    "[[[[", '{"of": 1e300}', '{"of": "many"}', '{"sample": 1e999}',
    '{"x1_low": 0, "x1_high": 1e-320, "x2_low": 0, "x2_high": 1}',
    "NaN", "\x00", "finding/x\n<b>y</b>", "loss/train", "output/input", "epoch", "../../x",
)  # fmt: skip
_NUMBERS = (float("nan"), float("inf"), -float("inf"), 1e308, -1e308, 5e-324, 0.0, -0.0, -1.0, 1e-30, 3.4e38, 1e19)
_SHAPES = ((), (0,), (1,), (5,), (5, 0), (0, 3, 3), (3, 1, 1), (1, 40), (1, 1, 40), (3, 4, 4), (2, 3, 4, 5), (1000,),
           (64, 3, 3), (2,), (1, 9, 9), (9, 3), (700, 1, 1), (1, 2000, 2))  # fmt: skip


def good_run(path: Path, sample: str) -> Path:
    """A run as nnviz writes it, with every kind of series."""
    document = Document(templates.sample(sample))
    document.set_facts(datasets.facts(document.project.data))
    planted = planted_run(document) if sample == "digits-cnn" else _plane_run(document)
    info = RunInfo(io.dumps(document.project), 1.7e9, "0.1", 0, "cpu", document.project.name, {"processor": "some"})
    run = Run(info)
    with RunWriter(run, path, interval=60.0) as writer:
        for name in planted.names():
            if name in planted._scalars:
                steps, values = planted.scalars(name)
                run.append(Scalar(name, int(at), float(value)) for at, value in zip(steps, values, strict=True))
            elif (newest := planted.latest(name)) is not None:
                run.append([newest])
        run.append([Scalar("learning_rate", 1, 0.01), Scalar("loss/test", planted.last_step, 0.5)])
        run.state, run.finished = "done", True
        writer.save_checkpoint(planted.last_step, 8, {"weights": b"w" * 3000, "state": b"{}"}, "last")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("UPDATE checkpoints SET created = 1.7e9")
    connection.execute("VACUUM")  # the same bytes whenever the writer's thread came to it
    connection.close()
    return path


def _plane_run(document: Document) -> Run:
    """A network of two features: planes, points, and the decision."""
    run = Run()
    numbers = np.random.default_rng(0)
    edges = {"x1_low": -1.0, "x1_high": 1.0, "x2_low": -1.0, "x2_high": 1.0}
    run.append([ArrayReading("input/points", 0, numbers.normal(size=(40, 3)).astype(np.float32), edges)])
    run.append([ArrayReading("input/pinned", 0, np.zeros(2, np.float32), {"sample": 4, "label": "1"})])
    for step in range(30):
        run.append([Scalar("loss/train", step, 1.0 / (step + 1)), Scalar("loss/validation", step, 1.1 / (step + 1))])
        run.append([Scalar("epoch", step, float(step))])
    for node, result in document.inference.results.items():
        units = result.output[0]
        plane = numbers.normal(size=(units, 32, 32)).astype(np.float32)
        run.append([ArrayReading(f"plane/{node}", 29, plane, {**edges, "shown": units, "of": units})])
        run.append([ArrayReading(f"output/{node}", 29, plane[:, 0, 0].copy(), {"sample": 4, "label": "1"})])
        counts, bins = np.histogram(plane, 20)
        run.append([Histogram(f"activation_histogram/{node}", 29, counts.astype(np.int64), bins.astype(np.float64))])
        run.append([Scalar(f"saturation/{node}", 29, 0.2), Scalar(f"gradient_norm/{node}", 29, 0.1)])
        run.append([ArrayReading(f"weights/{node}", 29, numbers.normal(size=(units, 2)).astype(np.float32))])
    run.append([Finding("finding/plateau", 9, "information", "Nothing has improved.")])
    return run


#: Files beyond this are not changed byte by byte.
_LARGEST = 2**28


def mutated(good: Path, path: Path, seed: int) -> str:
    """Copy a good file to ``path`` and damage it; what was done, in words."""
    generator = random.Random(seed)
    for ending in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    shutil.copyfile(good, path)
    done = []
    for _ in range(generator.choice((1, 1, 1, 2, 4))):
        mutate = generator.choice(_MUTATIONS)
        try:
            done.append(f"{mutate.__name__.strip('_')}: {mutate(path, generator)}")
        except (sqlite3.Error, ValueError, TypeError, LookupError) as error:  # what came before broke too much
            done.append(f"{mutate.__name__.strip('_')}: {error}")
    if generator.random() < 0.4:
        done.append(f"bytes: {_bytes(path, generator)}")
    return "; ".join(done)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.text_factory = bytes
    return connection


def _where(connection: sqlite3.Connection, table: str, generator: random.Random) -> str:
    key = "name" if table == "facts" else "id"
    rows = [row[0] for row in connection.execute(f"SELECT {key} FROM {table} ORDER BY 1")]
    if not rows or generator.random() < 0.25:
        return "1"
    row = generator.choice(rows)
    return f"{key} = {row!r}" if isinstance(row, int) else f"{key} = '{row.decode()}'"


def _value(column: str, old: Any, generator: random.Random) -> Any:
    if column in _BLOBS:
        size = len(old or b"")
        return generator.choice(
            (
                lambda: b"",
                lambda: (old or b"")[: generator.randrange(size + 1)],
                lambda: (old or b"") + b"\x00" * generator.choice((1, 8, 4096)),
                lambda: generator.randbytes(size),
                lambda: b"\xff" * size,
                lambda: np.full(max(size // 4, 1), np.nan, "<f4").tobytes()[:size],
                lambda: zlib.compress(bytes(32 * 2**20), 9),
                lambda: b"{}",
            )
        )()
    if column in _TEXTS:
        return generator.choice(_WORDS)
    return generator.choice(_NUMBERS) if column in _REALS else generator.choice(_INTEGERS)


def _cell(path: Path, generator: random.Random) -> str:
    """Another value in one column, of one row or of all."""
    connection = _open(path)
    table = generator.choice(tuple(COLUMNS))
    column = generator.choice(COLUMNS[table])
    where = _where(connection, table, generator)
    old = connection.execute(f"SELECT {column} FROM {table} WHERE {where} LIMIT 1").fetchone()
    value = _value(column, old[0] if old else None, generator)
    try:
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (value,))
    finally:
        connection.close()
    return f"{table}.{column} = {str(value)[:60]!r} where {where}"


def _type(path: Path, generator: random.Random) -> str:
    """A value of a type that the column does not allow: the table is declared otherwise for a moment."""
    connection = _open(path)
    table = generator.choice(tuple(name for name in COLUMNS if name != "facts"))
    column = generator.choice(COLUMNS[table][1:])
    value = generator.choice((None, 1.5, "text", b"\x00\xff", float("inf"), 7))
    (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    connection.execute("PRAGMA writable_schema = ON")
    loose = sql.replace(b" STRICT", b"").replace(b" NOT NULL", b"").replace(f"{column} ".encode(), b"any ", 1)
    for kind in (b"INTEGER,", b"TEXT,", b"BLOB,", b"REAL,"):
        loose = loose.replace(kind, b"BLOB,")
    loose = loose.replace(b"any ", f"{column} ".encode())
    connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (loose.decode(), table))
    connection.close()
    connection = _open(path)
    where = _where(connection, table, generator)
    connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (value,))
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (sql.decode(), table))
    connection.close()
    return f"{table}.{column} = {value!r} where {where}"


def _swap(path: Path, generator: random.Random) -> str:
    """Two rows exchange what stands in some columns."""
    connection = _open(path)
    table = generator.choice(("scalars", "arrays", "series", "findings"))
    columns = generator.sample(COLUMNS[table][1:], generator.randint(1, len(COLUMNS[table]) - 1))
    rows = [row[0] for row in connection.execute(f"SELECT id FROM {table} ORDER BY id")]
    one, other = generator.sample(rows, 2)
    names = ", ".join(columns)
    read = f"SELECT {names} FROM {table} WHERE id = ?"
    first, second = connection.execute(read, (one,)).fetchone(), connection.execute(read, (other,)).fetchone()
    if table == "series" and "name" in columns:
        connection.execute("UPDATE series SET name = 'moved' WHERE id = ?", (one,))
    put = f"UPDATE {table} SET {', '.join(f'{column} = ?' for column in columns)} WHERE id = ?"
    texts = [
        [
            value.decode() if isinstance(value, bytes) and column in _TEXTS else value
            for column, value in zip(columns, row, strict=True)
        ]
        for row in (first, second)
    ]
    connection.execute(put, (*texts[0], other))
    connection.execute(put, (*texts[1], one))
    connection.close()
    return f"{table} {one} and {other}: {names}"


def _array(path: Path, generator: random.Random) -> str:
    """A well-formed array that no instrument would write: another shape, other numbers, other facts."""
    connection = _open(path)
    rows = connection.execute("SELECT id, series, step FROM arrays ORDER BY id").fetchall()
    row, _, step = generator.choice(rows)
    shape = generator.choice(_SHAPES)
    kind = generator.choice(tuple(form.DTYPES))
    with np.errstate(all="ignore"):
        numbers = np.array([generator.choice((generator.gauss(0, 1), generator.choice(_NUMBERS))) for _ in range(64)])
        if generator.random() < 0.4:
            numbers[:] = generator.choice(_NUMBERS)
        array = np.resize(np.nan_to_num(numbers) if kind[0] in "biu" else numbers, shape).astype(form.DTYPES[kind])
    meta: dict[str, Any] = {
        "sample": generator.choice((0, -5, "x", 1e300, 2**70)),
        "label": generator.choice(("", "7")),
    }
    if generator.random() < 0.5:
        meta |= {"of": generator.choice((0, 2, "y", 1e300)), "x1_low": -1.0, "x1_high": 1e308, "x2_low": -1e308}
        meta |= {"x2_high": generator.choice((1e308, 1.0)), "images": generator.choice((3, "many", -1e300))}
    if generator.random() < 0.3:
        edges = np.cumsum([generator.choice((5e-324, 1e-300, 1.0, 1e300)) for _ in range(9)]) - 2.0
        counts = np.array([generator.choice((0, 1, 2**62, 2**63 - 1)) for _ in range(8)])
        packed = form.pack_reading(Histogram("x", 0, counts, edges))
    else:
        packed = form.pack_reading(ArrayReading("x", int(step), array, {}))
        packed = (*packed[:3], json.dumps(meta), packed[4])
    codec, dtype, sizes, facts, data = packed
    connection.execute(
        "UPDATE arrays SET codec = ?, dtype = ?, shape = ?, meta = ?, data = ?, size = ? WHERE id = ?",
        (codec, dtype, sizes, facts, data, len(data), row),
    )
    connection.close()
    return f"row {row}: {dtype} {sizes} {facts[:60]}"


def _curve(path: Path, generator: random.Random) -> str:
    """A well-formed curve with numbers that nobody measures, or at steps that nobody reaches."""
    connection = _open(path)
    rows = connection.execute("SELECT DISTINCT series FROM scalars ORDER BY 1").fetchall()
    count = generator.choice((1, 2, 3, 70, 5000))
    values = np.array([generator.choice(_NUMBERS) for _ in range(count)])
    if generator.random() < 0.5:
        values[:] = generator.choice(_NUMBERS)
    first = generator.choice((0, 1, 10**6, 2**53 - count, 2**40))
    steps = np.arange(first, first + count, dtype=np.int64)
    codec, data = form.pack_scalars(steps, values)
    chosen = rows if generator.random() < 0.3 else generator.sample(rows, min(4, len(rows)))
    for (series,) in chosen:
        connection.execute("DELETE FROM scalars WHERE series = ?", (series,))
        connection.execute(
            "INSERT INTO scalars(series, first_step, last_step, count, codec, data) VALUES (?, ?, ?, ?, ?, ?)",
            (series, int(steps[0]), int(steps[-1]), count, codec, data),
        )
    connection.close()
    return f"{len(chosen)} curves of {count} points from {first}, such as {values[0]}"


def _fact(path: Path, generator: random.Random) -> str:
    """Facts of the right types with absurd values."""
    connection = _open(path)
    name = generator.choice(("info", "info", "state", "project"))
    (old,) = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    if name == "project":
        value = generator.choice(
            (b"", b"{}", old[: len(old) // 2], io.dumps(templates.sample(generator.choice(SAMPLES))))
        )
    else:
        facts = json.loads(old or b"{}")
        odd: tuple[Any, ...] = (
            1e300,
            -1e300,
            2**62,
            -(2**62),
            2**200,
            "x" * 2**20,
            "a\nb\x00<b>",
            "",
            None,
            [],
            True,
            0,
        )
        keys = ("created", "seed", "device", "title", "nnviz_version", "facts")
        key = generator.choice(keys if name == "info" else ("state", "finished", "last_step"))
        facts[key] = generator.choice(odd)
        value = json.dumps(facts).encode()
    connection.execute("UPDATE facts SET value = ? WHERE name = ?", (value, name))
    connection.close()
    return f"{name}: {value[:60]!r}"


def _finding(path: Path, generator: random.Random) -> str:
    connection = _open(path)
    content = {
        "severity": generator.choice(("error", "warning", "fatal", "")),
        "text": generator.choice(("", "<img src='/etc/passwd'>", "x" * 50_000, "a\nb", "\x00")),
        "node": generator.choice(("", "conv1", "nobody")),
        "cures": [["<b>", generator.choice(("set_learning_rate", "restore_best", "run")), "1e999"]],
    }
    connection.execute("UPDATE findings SET content = ?", (json.dumps(content),))
    connection.close()
    return str(content)[:80]


def _bomb(path: Path, generator: random.Random) -> str:
    """A few kilobytes that claim as much as is allowed, many times."""
    connection = _open(path)
    numbers = form.MOST_NUMBERS
    packed = zlib.compress(bytes(4 * numbers), 9)
    connection.execute(
        "UPDATE arrays SET codec = 'zlib', dtype = 'float32', shape = ?, data = ? "
        "WHERE id IN (SELECT id FROM arrays ORDER BY id * 7919 % 31 LIMIT 6)",
        (generator.choice((f"[{numbers}]", f"[1,2048,{numbers // 2048}]", f"[{numbers // 4},2,2]")), packed),
    )
    connection.close()
    return f"six arrays are {numbers} zeros"


def _log(path: Path, generator: random.Random) -> str:
    """A write-ahead log beside it, as a killed writer leaves it, with wrong bytes in it."""
    writing = path.with_name("writing")
    shutil.copyfile(path, writing)
    connection = sqlite3.connect(writing, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    for _ in range(5):
        connection.execute("UPDATE scalars SET count = count WHERE id % ? = 0", (generator.randint(1, 4),))
    shutil.copyfile(writing, path)
    log = bytearray(writing.with_name("writing-wal").read_bytes())
    connection.close()
    writing.unlink()
    way = generator.choice(("bits", "short", "noise", "whole"))
    if way == "bits":
        for _ in range(20):
            log[generator.randrange(len(log))] ^= 1 << generator.randrange(8)
    elif way == "short":
        del log[generator.randrange(len(log)) :]
    elif way == "noise":
        log = bytearray(generator.randbytes(len(log)))
    path.with_name(path.name + "-wal").write_bytes(log)
    return way


def _bytes(path: Path, generator: random.Random) -> str:
    """Wrong bytes: single bits, a cut, exchanged pages, zeros."""
    if path.stat().st_size > _LARGEST:  # a change before this one left a hole of terabytes behind what is there
        return "too large"
    content = bytearray(path.read_bytes())
    way = generator.choice(("bits", "cut", "pages", "zeros", "more"))
    if not content:
        return "nothing"
    if way == "bits":
        for _ in range(generator.choice((1, 10, 300))):
            content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
    elif way == "cut":
        del content[generator.randrange(len(content)) :]
    elif way == "pages" and len(content) >= 3 * 8192:
        count = len(content) // 8192
        one, other = (8192 * generator.randrange(1, count) for _ in range(2))
        content[one : one + 8192], content[other : other + 8192] = (
            content[other : other + 8192],
            content[one : one + 8192],
        )
    elif way == "zeros":
        start = generator.randrange(len(content))
        length = min(generator.choice((16, 8192)), len(content) - start)
        content[start : start + length] = bytes(length)
    else:
        content += generator.randbytes(10_000)
    path.write_bytes(content)
    return way


_MUTATIONS: tuple[Callable[[Path, random.Random], str], ...] = (
    _cell, _cell, _cell, _type, _swap, _array, _array, _curve, _curve, _fact, _finding, _bomb, _log, _bytes,
)  # fmt: skip
