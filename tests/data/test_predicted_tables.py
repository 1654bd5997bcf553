"""Tables without answers are read as the one of the training was: decimals, yes and no, sheets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from damaged_corpus import _workbook

from nnviz.data import datasets
from nnviz.data.sources.source import Request
from nnviz.data.table_of_file import HowToRead
from nnviz.data.table_reading import read_table
from nnviz.data.unlabelled import Likewise, blocks
from nnviz.errors import DataError
from nnviz.project.model import DataConfig

ROWS = 40


def trained_on(path: Path) -> Likewise:
    config = DataConfig("table_file", {"path": str(path)})
    request = Request(datasets.dataset("table_file"), datasets.values(config))
    found = datasets.source_of("table_file").recipes(request)
    assert found is not None
    return found


def numbers_of(path: Path, likewise: Likewise) -> list[list[float]]:
    width = sum(one.width for one in likewise[1])
    (block,) = blocks(path, (width,), (), lambda file: np.zeros(0, np.uint8), missing=True, likewise=likewise)
    assert not block.left_out, block.left_out[0].reason
    return block.inputs.tolist()  # type: ignore[no-any-return]  # numpy leaves it open


def test_yes_and_no_are_the_same_however_a_file_says_them(tmp_path: Path) -> None:
    whole = pl.DataFrame({
        "a": [float(at) for at in range(ROWS)],
        "b": [at % 2 == 0 for at in range(ROWS)],
        "y": ["u" if at % 3 else "v" for at in range(ROWS)],
    })  # fmt: skip
    whole.write_parquet(tmp_path / "train.parquet")
    capitals = "".join(f"{at},{'TRUE' if at % 2 == 0 else 'FALSE'},{'u' if at % 3 else 'v'}\n" for at in range(ROWS))
    (tmp_path / "train.csv").write_text("a,b,y\n" + capitals)
    few = whole.drop("y").head(4)
    few.write_parquet(tmp_path / "few.parquet")
    few.write_csv(tmp_path / "few.csv")
    (tmp_path / "spelled.csv").write_text("a,b\n0,True\n1,FALSE\n2,true\n3,False\n")
    for given in ("few.parquet", "few.csv", "spelled.csv"):
        by_number = numbers_of(tmp_path / given, trained_on(tmp_path / "train.parquet"))
        assert by_number == [[0, 1], [1, 0], [2, 1], [3, 0]], given
        by_word = numbers_of(tmp_path / given, trained_on(tmp_path / "train.csv"))  # no, yes
        assert by_word == [[0, 0, 1], [1, 1, 0], [2, 0, 1], [3, 1, 0]], given


def test_decimals_are_those_of_the_training(tmp_path: Path) -> None:
    """A few rows alone do not tell 1.234 from 1,234: the table of the training does."""
    body = "".join(f"{at},25;{at};{'u' if at % 3 else 'v'}\n" for at in range(ROWS))
    (tmp_path / "commas.csv").write_text("a;b;y\n" + body)
    (tmp_path / "points.csv").write_text("a;b;y\n" + body.replace(",", "."))
    for text, by_commas, by_points in (
        ("1.234;7\n2.345;8\n", [1234, 2345], [1.234, 2.345]),
        ("1,234;7\n2,345;8\n", [1.234, 2.345], [1234, 2345]),
        ("1.5;7\n2.25;8\n", [1.5, 2.25], [1.5, 2.25]),
        ("1,5;7\n2,25;8\n", [1.5, 2.25], [1.5, 2.25]),
    ):
        (tmp_path / "given.csv").write_text("a;b\n" + text)
        for trained, expected in (("commas.csv", by_commas), ("points.csv", by_points)):
            found = [row[0] for row in numbers_of(tmp_path / "given.csv", trained_on(tmp_path / trained))]
            assert found == pytest.approx(expected), (text, trained)


def test_the_only_sheet_is_meant_whatever_it_is_called(tmp_path: Path) -> None:
    book = tmp_path / "book.xlsx"
    book.write_bytes(_workbook("<row><c><v>1</v></c><c><v>2</v></c></row>" * 3))
    assert read_table(book, HowToRead(sheet="prices", only_sheet=True), lambda *_: None).frame.shape == (3, 2)
    with pytest.raises(DataError, match=r"There is no sheet 'prices'\. There are: s"):
        read_table(book, HowToRead(sheet="prices"), lambda *_: None)
