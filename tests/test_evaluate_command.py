"""``nnviz evaluate``: the figures of a run's network, and each use of the test set counted in the run's file."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from nnviz import cli
from nnviz.record.evaluated import from_reading
from nnviz.record.quantities import EVALUATION, LOSS, TEST_USES
from nnviz.record.readings import Scalar
from nnviz.record.run_lock import RunLock
from nnviz.record.stored import open_run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("evaluate") / "spiral.nnvizrun"
    assert cli.main(["train", "sample:spiral", "--epochs", "3", "--run", str(path)]) == 0
    return path


def test_a_table_json_and_a_row_for_each_example(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = trained.read_bytes()
    out = tmp_path / "each.csv"
    assert cli.main(["evaluate", str(trained), "--json", "--out", str(out)]) == 0
    plain = json.loads(capsys.readouterr().out)
    rows = [*csv.DictReader(out.read_text(encoding="utf-8").splitlines())]
    assert plain["examples"] == len(rows) == 80 and plain["split"] == "validation" and plain["test_uses"] is None
    names = [one["class"] for one in plain["classes"]]
    counted = [[sum((row["target"], row["predicted"]) == (a, b) for row in rows) for b in names] for a in names]
    assert plain["confusion"] == counted
    assert plain["accuracy"] == pytest.approx((counted[0][0] + counted[1][1]) / 80)
    assert sum(one["examples"] for one in plain["calibration"]) == 80 and plain["top5_accuracy"] is None
    assert trained.read_bytes() == before  # looking at validation examples writes nothing

    assert cli.main(["evaluate", str(trained), "--split", "training", "--step", "40"]) == 0
    shown = capsys.readouterr().out
    assert "320 examples" in shown and "macro F1" in shown and "Confusion" in shown
    assert cli.main(["evaluate", str(trained), "--out", str(out)]) == 2
    assert "--force" in capsys.readouterr().err
    assert cli.main(["evaluate", str(trained), "--data", "iris"]) == 2
    assert "--data" in capsys.readouterr().err
    assert cli.main(["evaluate", str(trained), "--data", "moons"]) == 0  # two classes of points, too


def test_each_use_of_the_test_set_is_counted(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open_run(trained) as stored:  # the training itself ended with one
        assert stored.latest(TEST_USES.series()) == Scalar(TEST_USES.series(), stored.last_step, 1.0)
        checkpoints = stored.checkpoints()
        kept = from_reading(stored.latest(EVALUATION.series("test")))
        assert kept is not None and len(kept) == 100
    assert cli.main(["evaluate", str(trained), "--split", "test"]) == 0
    assert "used 2 times" in capsys.readouterr().out
    assert cli.main(["evaluate", str(trained), "--split", "test", "--step", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["test_uses"] == 3
    lock = RunLock.take(trained.resolve())
    try:
        assert cli.main(["evaluate", str(trained), "--split", "test"]) == 0
    finally:
        lock.release()
    told = capsys.readouterr()
    assert "could not be counted" in told.err and "counted in the run" not in told.out
    with open_run(trained) as stored:
        assert stored.finished and stored.checkpoints() == checkpoints
        uses, loss = stored.latest(TEST_USES.series()), stored.latest(LOSS.series("test"))
        assert isinstance(uses, Scalar) and uses.value == 3 and loss is not None
        # What an earlier step gave did not take away what the last one did.
        assert loss.step == stored.last_step
        assert "3 times" in next(one.text for one in stored.findings() if "test set" in one.text)
