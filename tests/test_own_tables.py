"""Tables of the user's own on the command line: trained on for classes and for numbers, the network follows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nnviz import cli


def table(folder: Path) -> None:
    """Rows of which both a class and a number can be learned."""
    rows = [f"{at % 10};{at % 3},5;{'rot' if at % 10 > 4 else 'süß'};{(at % 10) / 2}".replace(".", ",")
            for at in range(80)]  # fmt: skip
    (folder / "mine.csv").write_text("\n".join(["a;b;sorte;half", *rows]), encoding="cp1252")


def test_a_table_is_trained_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(tmp_path)
    monkeypatch.chdir(tmp_path)
    common = ["--data", "mine.csv", "--epochs", "8", "--json", "--run", "mine.nnvizrun"]
    assert cli.main(["train", "sample:spiral", *common, "--set", "data.target=sorte"]) == 0
    out, err = capsys.readouterr()
    assert "input.shape 2 → 3, linear3.out_features 1 → 2, output.loss bce_logits → cross_entropy" in err
    assert json.loads(out.splitlines()[-1])["test_accuracy"] > 0.9
    (tmp_path / "mine.nnvizrun").unlink()
    assert cli.main(["train", "sample:spiral", *common, "--set", "data.params.target=half"]) == 0
    out, err = capsys.readouterr()
    assert "output.loss bce_logits → mse" in err
    losses = [json.loads(line)["validation_loss"] for line in out.splitlines() if '"epoch"' in line[:20]]
    assert losses[-1] < 0.5 * losses[0]
    assert cli.main(["summary", "sample:spiral", "--data", "mine.csv", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["layers"][-1]["output_shape"] == [1]
    assert "nnviz: column 'sorte' (category): 2: rot, süß" in err
    assert "the last one, 'half', is the target" in err and "nnviz: column 'half' (target): 0 to 4.5" in err
    assert cli.main(["explain", "sample:spiral", "output", "--data", "mine.csv", "--set", "data.target=sorte"]) == 0
    # A changed table is not gone on with.
    (tmp_path / "mine.csv").write_text((tmp_path / "mine.csv").read_text("cp1252") + "\n9;0;rot;4,5", "cp1252")
    again = ["train", "sample:spiral", *common, "--set", "data.target=half", "--resume"]
    assert cli.main([*again[:-1], "--epochs", "9", "--resume"]) == 2
    assert "another number of examples" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["train", "summary"])
def test_what_is_wrong_with_a_table_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str) -> None:
    table(tmp_path)
    for named, more, sentence in (
        ("mine.csv", ["--set", "data.target=preis"], "data.params.target: There is no column 'preis'."),
        ("none.csv", [], "none.csv: data.params.path: There is no such file."),
        ("mine.nnviz", [], "no such"),
    ):
        assert cli.main([command, "sample:spiral", "--data", str(tmp_path / named), *more]) == 2
        assert sentence in capsys.readouterr().err
    (tmp_path / "notes.pdf").write_bytes(b"%PDF")
    assert cli.main([command, "sample:spiral", "--data", str(tmp_path / "notes.pdf")]) == 2
    assert "and data come from files that end in " in capsys.readouterr().err
