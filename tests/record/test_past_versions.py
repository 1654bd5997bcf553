"""Run files of every past version of the format open for ever: fixtures were made by the program of their time."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from nnviz.project.files import io
from nnviz.record.samples import ArraySample
from nnviz.record.store import open_run

FIXTURES = Path(__file__).parent / "fixtures"
VERSIONS = sorted(FIXTURES.glob("version-*.nnvizrun"))


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
def test_a_run_of_a_past_version_is_read_to_the_last_digit(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    run = open_run(copy)
    try:
        assert (run.info.title, run.info.seed) == (expected["title"], expected["seed"])
        assert (run.last_step, run.finished) == (expected["last_step"], expected["finished"])
        assert set(run.names()) >= expected["scalars"].keys() | expected["arrays"].keys()
        for name, (count, step, value) in expected["scalars"].items():
            steps, values = run.scalars(name)
            assert (len(steps), int(steps[-1]), float(values[-1])) == (count, step, value), name
        for name, (step, dtype, shape, digest) in expected["arrays"].items():
            sample = run.latest(name)
            assert isinstance(sample, ArraySample)
            assert (sample.step, str(sample.array.dtype), list(sample.array.shape)) == (step, dtype, shape), name
            assert hashlib.sha256(sample.array.tobytes()).hexdigest() == digest, name
        blobs = run.load_checkpoint()
        assert {name: hashlib.sha256(blob).hexdigest() for name, blob in blobs.items()} == expected["checkpoint"]
        project = io.loads(run.info.project_json, path.name)
        assert project.graph.nodes["linear1"].params["out_features"] == 10
    finally:
        run.close()


def test_there_is_a_fixture_of_the_first_version() -> None:
    assert [path.stem for path in VERSIONS][:1] == ["version-1"]
