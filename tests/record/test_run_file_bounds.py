"""A few megabytes that claim gigabytes are read in a process that could not hold them."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import textwrap
import zlib
from pathlib import Path

import numpy as np
import pytest

from nnviz.record import file_format as form
from nnviz.record.readings import ArrayReading, Scalar
from nnviz.record.run import Run, RunInfo
from nnviz.record.store import RunWriter

ROOT = Path(__file__).resolve().parent.parent.parent
#: What is read, and the address space it may take: the interpreter with numpy maps about 700 MB of it.
READS = """
    import resource, sys
    import numpy, sqlite3, msgspec
    from nnviz.record.tolerant import open_tolerantly
    from nnviz.record.store import open_run
    from nnviz.errors import RunFileError
    with open("/proc/self/statm") as stream:
        mapped = int(stream.read().split()[0]) * resource.getpagesize()
    limit = mapped + {room} * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        run = open_tolerantly(sys.argv[1])
    except RunFileError as error:
        print("refused", error)
        sys.exit()
    kept = []
    for name in run.names():
        kept.append(run.scalars(name))
        run.latest(name)
        run.latest(name, 7)
    print(len(run.names()), len(run.damaged))
    run.close()
    try:
        with open_run(sys.argv[1]) as strict:
            strict.to_run()
        print("whole")
    except RunFileError as error:
        print("refused", error)
"""


def read_with(path: Path, room: int) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(READS.format(room=room)), str(path)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return ended.stdout


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.nnvizrun"
    run = Run(RunInfo(title="x"))
    with RunWriter(run, path):
        run.append([Scalar("loss/train", 1, 1.0), ArrayReading("output/a", 1, np.ones(3))])
    return path


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="address space can be limited on Linux only")


@pytest.mark.parametrize(
    ("count", "numbers", "dtype", "damaged"),
    [
        (100, 2**24, "float64", 100),  # 13 GB, of which one array alone would be refused
        (60, form.MOST_NUMBERS, "float64", 0),  # 2 GB in arrays that are each allowed
    ],
)
def test_bombs_among_the_arrays(small: Path, count: int, numbers: int, dtype: str, damaged: int) -> None:
    packed = zlib.compress(bytes(numbers * form.DTYPES[dtype].itemsize), 9)
    connection = sqlite3.connect(small, isolation_level=None)
    connection.execute("BEGIN")
    for index in range(count):
        connection.execute(
            "INSERT INTO series(id, name, kind) VALUES (?, ?, 'snapshot')", (1000 + index, f"output/{index}")
        )
        connection.execute(
            "INSERT INTO arrays(series, step, size, codec, dtype, shape, meta, data) "
            "VALUES (?, 5, 1, 'zlib', ?, ?, '{}', ?)",
            (1000 + index, dtype, f"[{numbers}]", packed),
        )
    connection.execute("COMMIT")
    connection.close()
    assert small.stat().st_size < 30 * 2**20
    first, second = read_with(small, 700).splitlines()
    assert first == f"{count + 2} {damaged}"
    assert second.startswith("refused" if damaged else "whole")


def test_very_many_long_curves(small: Path) -> None:
    steps = np.arange(form.MOST_POINTS, dtype=np.int64)
    codec, data = form.pack_scalars(steps, np.zeros(form.MOST_POINTS))
    connection = sqlite3.connect(small, isolation_level=None)
    connection.execute("BEGIN")
    for index in range(400):
        connection.execute(
            "INSERT INTO series(id, name, kind) VALUES (?, ?, 'scalar')", (1000 + index, f"loss/{index}")
        )
        connection.execute(
            "INSERT INTO scalars(series, first_step, last_step, count, codec, data) VALUES (?, 0, ?, ?, ?, ?)",
            (1000 + index, form.MOST_POINTS - 1, form.MOST_POINTS, codec, data),
        )
    connection.execute("COMMIT")
    connection.close()
    # 26 million points are 420 MB as they are.
    assert read_with(small, 450).splitlines()[0] == "402 0"


def test_very_many_series_and_findings_are_refused(small: Path) -> None:
    connection = sqlite3.connect(small, isolation_level=None)
    connection.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) "
        'INSERT INTO findings(series, step, content) SELECT 2000, i, \'{"severity": "error", "text": "x"}\' FROM n'
    )
    connection.execute("INSERT INTO series(id, name, kind) VALUES (2000, 'finding/x', 'finding')")
    connection.close()
    assert read_with(small, 300).splitlines()[0] == "3 0"  # of one series the newest 256
    connection = sqlite3.connect(small, isolation_level=None)
    connection.execute(
        "WITH RECURSIVE n(i) AS (SELECT 3000 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) "
        "INSERT INTO series(id, name, kind) SELECT i, printf('%0400d', i), 'scalar' FROM n"
    )
    connection.close()
    assert read_with(small, 300).startswith("refused")
