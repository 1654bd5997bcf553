"""Tables of the user's own, against Python's csv module and against planted cases of every kind of fault."""

from __future__ import annotations

import csv
import datetime
import io
import math
import random
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from nnviz.data import datasets, memory_budget, table_workbook, tensors
from nnviz.data.examples import LoadedData
from nnviz.data.sources.source import SourceFacts
from nnviz.data.streamed import Streamed
from nnviz.data.table_choice import with_use
from nnviz.errors import DataError
from nnviz.project.model import DataConfig, ParamValue


def config(path: Path, **params: ParamValue) -> DataConfig:
    """A table, chosen, its numbers taken as they are."""
    return DataConfig("table_file", {"path": str(path), **params}, preparation=())


def written(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    """A file of that content."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def looked(folder: Path, content: str | bytes, name: str = "table.csv", **params: ParamValue) -> SourceFacts:
    """What is found out about a file of that content."""
    return datasets.inspect(config(written(folder, content, name), **params))


def about(found: SourceFacts) -> dict[str, tuple[str, str]]:
    """Kind and use of each column."""
    return {column.name: (column.kind, column.use) for column in found.columns}


def rows_of(loaded: LoadedData) -> dict[float, tuple[str, list[float], float]]:
    """(split, what comes in, what is right) of each example by its first number, which is another in every row."""
    found = {}
    for name in ("train", "validation", "test"):
        split = loaded.split(name)
        for inputs, target in zip(split.inputs.tolist(), split.targets.flatten().tolist(), strict=True):
            found[inputs[0]] = name, inputs, target
    return found


def mixed_table(path: Path, separator: str, comma: bool, encoding: str) -> None:
    """Numbers, a category, a date and their gaps, drawn by a seed; ``key`` is another number in every row."""
    draw = random.Random(7)

    def number(value: float) -> str:
        return f"{value}".replace(".", "," if comma else ".")

    with path.open("w", encoding=encoding, newline="") as file:
        out = csv.writer(file, delimiter=separator)
        out.writerow(["key", "größe", "farbe", "seen", "price"])
        for at in range(60):
            day = datetime.date(2024, 1, 1) + datetime.timedelta(days=draw.randrange(300))
            gap = draw.random() < 0.2
            colour = draw.choice(["rot", "weiß, hell", 'mit "Punkten"', ""])
            size = "NA" if gap else number(round(draw.uniform(1, 9), 3))
            out.writerow([at * 2, size, colour, day.isoformat(), number(round(draw.uniform(0, 5), 3))])


@pytest.mark.parametrize(
    ("separator", "comma", "encoding"), [(",", False, "utf-8"), (";", True, "cp1252"), ("\t", True, "utf-16")]
)
def test_the_numbers_are_those_that_the_csv_module_reads(
    tmp_path: Path, separator: str, comma: bool, encoding: str
) -> None:
    """Read row by row, encoded by hand, and missing numbers filled with the mean of the rows that train."""
    path = tmp_path / "table.csv"
    mixed_table(path, separator, comma, encoding)
    loaded = tensors.load(config(path))
    names = loaded.facts.feature_names
    with path.open(encoding=encoding, newline="") as file:
        rows = list(csv.DictReader(file, delimiter=separator))
    found = rows_of(loaded)
    sizes = [float(row["größe"].replace(",", ".")) if row["größe"] != "NA" else math.nan for row in rows]
    trains = [found[float(row["key"])][0] == "train" for row in rows]
    mean = np.float32(np.nanmean([size for size, train in zip(sizes, trains, strict=True) if train]))
    gaps = [math.isnan(size) for size in sizes]
    assert {(True, True), (True, False)} < set(zip(gaps, trains, strict=True)), "some are missing inside and outside"
    colours = sorted({row["farbe"] for row in rows} - {""}, key=lambda text: text.encode())
    assert names == ("key", "größe", *(f"farbe = {colour}" for colour in colours), "farbe missing", "seen")
    for row, size in zip(rows, sizes, strict=True):
        days = (datetime.date.fromisoformat(row["seen"]) - datetime.date(2000, 1, 1)).days
        hot = [float(row["farbe"] == colour) for colour in (*colours, "")]
        expected = [float(row["key"]), mean if math.isnan(size) else size, *hot, days]
        split, inputs, target = found[float(row["key"])]
        assert inputs == pytest.approx(expected, rel=1e-6), split
        assert target == pytest.approx(float(row["price"].replace(",", ".")), rel=1e-6)
    assert len(found) == len(rows) == 60
    assert [len(loaded.split(name)) for name in ("train", "validation", "test")] == list(
        datasets.split_sizes(config(path))
    )


def test_other_ways_with_what_is_missing_and_with_categories(tmp_path: Path) -> None:
    path = written(tmp_path, "key,a,b,y\n" + "".join(f"{at},{'' if at % 3 == 0 else at},{'uv'[at % 2]},{'pq'[at % 2]}\n"
                                                       for at in range(30)))  # fmt: skip
    own = tensors.load(config(path, missing="category", categories="index"))
    assert own.facts.feature_names == ("key", "a", "a missing", "b")
    for key, (_, inputs, target) in rows_of(own).items():
        assert inputs[2:] == [float(key % 3 == 0), key % 2] and target == key % 2
    dropped = tensors.load(config(path, missing="drop"))
    assert sorted(rows_of(dropped)) == [at for at in range(30) if at % 3]
    assert "Left out: 10 rows with a missing value." in datasets.inspect(config(path, missing="drop")).warnings


CLASSES = "".join(f"{at},{at * at % 7 + 0.5},{'abc'[at % 3]}\n" for at in range(30))


@pytest.mark.parametrize(
    ("header", "body", "params", "task", "names", "features"),
    [
        ("n,x,kind", CLASSES, {}, "classes", ("a", "b", "c"), ("n", "x")),
        ("y,x,kind", CLASSES, {}, "regression", (), ("x", "kind = a", "kind = b", "kind = c")),
        ("n,x,kind", CLASSES, {"target": "n", "task": "numbers"}, "regression", (), ("x", "kind = a")),
        ("x,label", "".join(f"{at}.5,{at % 4 + 3}\n" for at in range(20)), {}, "classes", ("3", "4", "5", "6"), ("x",)),
        ("x,label", "".join(f"{at}.5,{at % 4 + 3}\n" for at in range(20)), {"task": "numbers"}, "regression", (), ()),
        ("x,label", "".join(f"{at}.5,{at * 3}\n" for at in range(40)), {}, "regression", (), ("x",)),
        ("flag,class", "true,yes\nfalse,no\n" * 3, {}, "classes", ("no", "yes"), ("flag = false", "flag = true")),
        ("id,x,y", "".join(f"{at + 1},{at % 5}.5,{at % 2}\n" for at in range(9)), {}, "classes", ("0", "1"), ("x",)),
        ("n,x,kind", CLASSES, {"left_out": ("n",), "kinds": ("x=category",)}, "classes", ("a", "b", "c"), ("x = 0.5",)),
        ("n,x,kind", CLASSES, {"kinds": ("kind=category", "n = left out")}, "classes", ("a", "b", "c"), ("x",)),
    ],
)  # fmt: skip
def test_what_is_right_and_what_comes_in(
    tmp_path: Path,
    header: str,
    body: str,
    params: dict[str, ParamValue],
    task: str,
    names: tuple[str, ...],
    features: tuple[str, ...],
) -> None:
    found = looked(tmp_path, f"{header}\n{body}", **params)
    assert (found.data.task, found.data.class_names) == (task, names)
    assert found.data.feature_names[: len(features)] == features
    assert found.data.input_shape == (len(found.data.feature_names),)
    assert found.data.targets == (len(names) or 1)
    assert {column.name for column in found.columns} == set(header.split(","))


def test_dates_thousands_and_odd_files_are_understood(tmp_path: Path) -> None:
    text = "a;b;c;d;y\n" + "05/01/2024;13.02.2024;2024-01-05T10:30:00;1.234,5;1,5\n06/02/2024;01.03.2024;;2;2,25\n" * 2
    found = looked(tmp_path, text)
    assert about(found) == {**dict.fromkeys("abc", ("date", "input")), "d": ("number", "input"),
                            "y": ("number", "target")}  # fmt: skip
    assert any("'a' is read with the day before the month" in one for one in found.warnings)
    inputs = tensors.load(config(tmp_path / "table.csv")).train.inputs
    new_year = (datetime.date(2024, 1, 1) - datetime.date(2000, 1, 1)).days
    assert set(inputs[:, 0].tolist()) <= {new_year + 4, new_year + 36}
    assert set(inputs[:, 3].tolist()) <= {1234.5, 2.0}
    american = looked(tmp_path, text, kinds=("a=date month first",))
    assert next(column.about for column in american.columns).startswith("2024-05-01 to 2024-06-02")
    for content in (
        "sep=;\nx;y\n1;u\n2;v\n3;u\n",
        "My flowers\n\nx,y\n1,u\n2,v\n3,u\n",
        "x,y,\n1,u,\n2,v,\n3,u,\n",
        "x,y\n1,u,\n2,v,\n3,u,\n",
        "\ufeffx,y\r\n1,u\r\n2,v\r\n\r\n3,u\r\n\r\n",
        "x,y\r1,u\r2,v\r3,u",
        "x|y\n1|u\n2|v\n3|u\n",
        '"x"\t"y"\n1\t"u"\n2\t"v"\n3\t"u"\n',
        "x, y\n 1, u\n 2, v\n 3, u\n",
        "x;y\n1;u\n2;v\n3;u\n".encode("utf-16-le"),
    ):
        found = looked(tmp_path, content)
        assert (found.data.feature_names, found.data.class_names, sum(found.sizes)) == (("x",), ("u", "v"), 3), content
    headless = looked(tmp_path, "5.1,3.5,Iris-a\n4.9,3.0,Iris-b\n4.9,3.1,Iris-a\n")
    assert headless.data.feature_names == ("column 1", "column 2") and sum(headless.sizes) == 3
    twice = looked(tmp_path, "a,a,y\n1,2,u\n3,4,v\n5,6,u\n")
    assert twice.data.feature_names == ("a", "a (2)") and "More than one column is called 'a'" in twice.warnings[0]


def test_rows_and_cells_that_do_not_fit_are_left_out_and_named(tmp_path: Path) -> None:
    found = looked(tmp_path, 'a,b,y\n1,2,u\n1,2\n"x\ny",2,u\n1,2,v,9\n3,4,v\n5,6,u\n')
    assert found.warnings[:2] == (
        "Left out: line 3 has 2 values, not 3.",
        "Left out: line 6 has 4 values, not 3.",
    )
    assert sum(found.sizes) == 4
    many = "".join(f"{at}.5,{'uv'[at % 2]}\n" for at in range(40))
    found = looked(tmp_path, f"x,y\n{many}abc,u\n1e300,v\ninf,v\n2,\n")
    assert (
        found.warnings
        == (
            "'x': “abc” in line 42 is no number and counts as missing.",
            "'x': 2 cells are too large to compute with and count as missing; the first is “1e300” in line 43.",
            "Left out: line 45, which has no target 'y'.",
        )
        and sum(found.sizes) == 43
    )
    for ending in ("", "\n", "\r\n \t \n\x1a"):  # the last row ends in an empty value
        found = looked(
            tmp_path, "x\ty\tz\n" + "".join(f"{at}\t{at}\t5\n" for at in range(30)) + "7\t6\t" + ending, target="y"
        )
        assert sum(found.sizes) == 31 and found.warnings == ()
    names = "".join(f"{at},name {at},{'uv'[at % 2]}\n" for at in range(30))
    found = looked(tmp_path, f"x,who,y\n{names}")
    assert (
        about(found)["who"] == ("category", "left out") and "'who' is left out: 30 different texts" in found.warnings[0]
    )


@pytest.mark.parametrize(
    ("content", "params", "sentence"),
    [
        ("", {}, "The file is empty."),
        ("\n \n\n", {}, "nothing but empty lines"),
        ("a,b,y\n", {}, "only a header and no row below it"),
        ("a\n1\n2\n", {}, "There is one column, 'a'"),
        ("a,y\n1,u\n", {}, "One row is left"),
        ("a,y\n1,\n2,NA\n", {}, "The target 'y' is missing in every row."),
        ("a,y\n1,u\n2,u\n", {}, "The target 'y' is 'u' in every row"),
        ("a,y\n1,u\n2,v\n", {"target": "why"}, "data.params.target: There is no column 'why'. There are: a, y."),
        ("a,y\n1,u\n2,v\n", {"left_out": ("q",)}, "data.params.left_out: There is no column 'q'"),
        ("a,y\n1,u\n2,v\n", {"left_out": ("a",)}, "data.params.left_out: No column is left that could come in."),
        ("a,y\n1,u\n2,v\n", {"left_out": ("y",)}, "'y' is the target and cannot be left out"),
        ("a,y\n1,u\n2,v\n", {"kinds": ("a",)}, "data.params.kinds: “a” must be NAME=KIND"),
        ("a,y\n1,u\n2,v\n", {"kinds": ("a=date",)}, "'a' holds numbers, which are no dates"),
        ("a,y\n1,u\n2,v\n", {"task": "numbers"}, "data.params.task: 'y' holds no numbers, such as “u”"),
        ("a,b,y\n1,,u\n,2,v\n", {"missing": "drop"}, "Every row lacks a value"),
        ("a,y\n" + "".join(f"1,name {at}\n" for at in range(30)), {}, "30 different values in 30 rows"),
        (",".join(f"c{at}" for at in range(1_000_000)), {}, "columns; at most 4,096 are taken"),
        (",".join(f"c{at}" for at in range(5000)) + "\n" + ",".join("1" * 5000), {}, "5,000 columns; at most 4,096"),
        (bytes(range(256)) * 20, {}, "This is no text: it holds bytes of the value 0"),
        (b"\x89PNG\r\n\x1a\nabc", {}, "This is no text but a picture"),
        (b"PK\x03\x04abc", {}, "a ZIP archive or an Excel workbook"),
        ("a,y\n1,süß\n".encode() + "2,kühl\n".encode("cp1252"), {}, "mixes two encodings"),
        ("a,y\n1,süß\n2,kühl\n".encode("cp1252"), {"encoding": "utf-8"}, "Line 2 is no UTF-8; cp1252 may be right"),
        ("a,y\n1,u\n".encode("utf-16")[:-1], {}, "no whole text in UTF-16"),
        ('a,b,y\n1,"open,u\n2,3,v\n', {}, "A quotation mark is opened in line 2 and never closed."),
        ("a,b,y\n1,2,u\n2,3,v\n" + "1 2 3\n" * 9, {"separator": "comma"}, "9 of 11 rows have another number of values"),
        ("a,y\n" + "x" * 200_000 + ",u\n", {}, "a cell has more than 131,072 letters"),
    ],
)  # fmt: skip
def test_what_is_no_table_gets_one_sentence_with_its_file(
    tmp_path: Path, content: str | bytes, params: dict[str, ParamValue], sentence: str
) -> None:
    with pytest.raises(DataError) as refused:
        looked(tmp_path, content, **params)
    assert sentence in str(refused.value) and str(refused.value).count("\n") == 0
    assert refused.value.file == str(tmp_path / "table.csv") and refused.value.field.startswith("data.params.")


def test_what_does_not_fit_into_memory_is_refused_by_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnviz.data.table_of_file.MOST_CELLS", 1000)
    with pytest.raises(DataError, match="401 rows of 3 columns; at most 1,000 values are taken, which are 333 such"):
        looked(tmp_path, "a,b,y\n" + "1,2,3\n" * 400, memory="memory")
    monkeypatch.setattr("nnviz.data.table_reading.MOST_BYTES", 1000)
    with pytest.raises(DataError, match=r"The file has 0\.0 GB; at most"):
        looked(tmp_path, "a,b,y\n" + "1,2,3\n" * 400, memory="memory")
    monkeypatch.setattr("nnviz.data.table_columns.MOST_FEATURES", 20)
    with pytest.raises(DataError, match="The columns would become 31 numbers for each row"):
        looked(tmp_path, "n,t,y\n" + "".join(f"1,{'ab'[at % 2]}{at % 30},{at % 2}\n" for at in range(120)))


# ---- workbooks and Parquet -----------------------------------------------------------------------------------------

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PARTS = "http://schemas.openxmlformats.org/package/2006"


def workbook(sheets: dict[str, Sequence[Sequence[object]]]) -> bytes:
    """A workbook as spreadsheet programs write it; a pair of texts is a formula with its saved result."""

    def cell(place: str, value: object) -> str:
        if value is None:
            return ""
        if isinstance(value, tuple):
            saved = "" if value[1] is None else f"<v>{value[1]}</v>"
            return f'<c r="{place}"><f>{value[0]}</f>{saved}</c>'
        if isinstance(value, str):
            return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'
        return f'<c r="{place}"><v>{value}</v></c>'

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        types, books, links = "", "", ""
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
        for at, (name, rows) in enumerate(sheets.items(), 1):
            types += f'<Override PartName="/xl/worksheets/sheet{at}.xml" ContentType="{kind}.worksheet+xml"/>'
            books += f'<sheet name="{name}" sheetId="{at}" r:id="rId{at}"/>'
            links += f'<Relationship Id="rId{at}" Type="{_LINKS}/worksheet" Target="worksheets/sheet{at}.xml"/>'
            lines = "".join(
                f'<row r="{row + 1}">'
                + "".join(cell(f"{chr(65 + c)}{row + 1}", v) for c, v in enumerate(cells))
                + "</row>"
                for row, cells in enumerate(rows)
            )
            archive.writestr(
                f"xl/worksheets/sheet{at}.xml", f'<worksheet xmlns="{_MAIN}"><sheetData>{lines}</sheetData></worksheet>'
            )
        types += f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        packed = "application/vnd.openxmlformats-package.relationships+xml"
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{_PARTS}/content-types"><Default Extension="rels" ContentType="{packed}"/>{types}</Types>',
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_PARTS}/relationships"><Relationship Id="rId1" Type="{_LINKS}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}"><sheets>{books}</sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_PARTS}/relationships">{links}</Relationships>'
        )
    return out.getvalue()


def test_workbooks_are_read_with_the_results_of_their_formulas(tmp_path: Path) -> None:
    rows = [["Flowers of 2024"], [], ["key", "twice", "never saved", "kind"]]
    rows += [[at, (f"A{at}*2", 2 * at), ("A1*3", None), "rose" if at % 2 else "lily"] for at in range(20)]
    rows[8][1] = "#DIV/0!"
    content = workbook({"Empty": [], "Flowers": rows})
    found = looked(tmp_path, content, "flowers.xlsx", sheet="Flowers")
    assert found.data.feature_names[:2] == ("key", "twice") and found.data.class_names == ("lily", "rose")
    assert found.notes == ("Sheet 'Flowers' of the workbook, one of 2.",)
    assert "One line before the table left out: “Flowers of 2024”." in found.warnings
    loaded = tensors.load(config(tmp_path / "flowers.xlsx", sheet="Flowers"))
    twice = {key: inputs[1] for key, (_, inputs, _) in rows_of(loaded).items()}
    assert len(twice) == 20 and all(twice[key] == 2 * key for key in twice if key != 5)
    for params, sentence in (({"sheet": "Trees"}, "There is no sheet 'Trees'. There are: Empty, Flowers."),
                             ({}, "The sheet 'Empty' is empty.")):  # fmt: skip
        with pytest.raises(DataError, match=sentence):
            looked(tmp_path, content, "flowers.xlsx", **params)
    for damaged in (content[:900], content[:-40], b"hello", bytes(range(200)), b"PK\x03\x04" + bytes(500)):
        for ending in (".xlsx", ".xls", ".ods", ".parquet"):
            with pytest.raises(DataError, match=r"cannot be read|is damaged|no whole"):
                looked(tmp_path, damaged, f"damaged{ending}")


def test_parquet_says_what_its_columns_are(tmp_path: Path) -> None:
    days = [datetime.date(2024, 1, 1) + datetime.timedelta(days=at) for at in range(20)]
    pl.DataFrame({
        "key": range(20),
        "day": days,
        "list": [[at] for at in range(20)],
        "colour": pl.Series(["red", "blue", None, "red"] * 5, dtype=pl.Categorical),
        "good": [at % 2 == 0 for at in range(20)],
    }).write_parquet(tmp_path / "table.parquet")  # fmt: skip
    found = datasets.inspect(config(tmp_path / "table.parquet"))
    assert found.data.class_names == ("false", "true")
    assert found.data.feature_names == ("key", "day", "colour = blue", "colour = red", "colour missing")
    assert about(found)["list"] == ("left out", "left out")
    for key, (_, inputs, target) in rows_of(tensors.load(config(tmp_path / "table.parquet"))).items():
        assert inputs[1] == (days[int(key)] - datetime.date(2000, 1, 1)).days and target == (key % 2 == 0)


@pytest.mark.parametrize(
    "values",
    [
        pl.Series([datetime.time(at) for at in range(20)]),
        pl.Series([datetime.timedelta(days=at) for at in range(20)]),
        pl.Series([[at] for at in range(20)]),
        pl.Series([{"a": at} for at in range(20)]),
        pl.Series([bytes([at]) for at in range(20)]),
    ],
    ids=lambda values: str(values.dtype),
)
def test_a_target_of_what_is_not_taken_is_refused(tmp_path: Path, values: pl.Series) -> None:
    path = tmp_path / "table.parquet"
    pl.DataFrame({"x": range(20), "y": values}).write_parquet(path)
    for task in ("auto", "classes", "numbers"):
        with pytest.raises(DataError, match=r"which nnviz does not take\. Choose another") as refused:
            datasets.inspect(config(path, task=task))
        assert "The target 'y' holds " in str(refused.value)
        assert (refused.value.file, refused.value.field) == (str(path), "data.params.target")


# ---- the rest of the road ------------------------------------------------------------------------------------------


def test_the_splits_are_disjoint_and_a_changed_file_is_other_data(tmp_path: Path) -> None:
    path = written(tmp_path, "key,y\n" + "".join(f"{at},{'abc'[at % 3]}\n" for at in range(90)))
    loaded = tensors.load(config(path))
    keys = [set(loaded.split(name).inputs[:, 0].tolist()) for name in ("train", "validation", "test")]
    assert [len(part) for part in keys] == [58, 14, 18] and len(set.union(*keys)) == 90
    assert torch.bincount(loaded.test.targets).tolist() == [6, 6, 6]
    assert tensors.load(config(path)).train is loaded.train, "nothing is read twice"
    written(tmp_path, "key,y\n" + "".join(f"{at + 500},{'abc'[at % 3]}\n" for at in range(90)))
    changed = tensors.load(config(path))
    assert loaded.fingerprint is not None and changed.fingerprint is not None
    assert "other content" in loaded.fingerprint.difference(changed.fingerprint)


def test_columns_are_chosen_by_a_click_and_by_words_alike(tmp_path: Path) -> None:
    params: dict[str, ParamValue] = {"path": "t.csv"}
    params = with_use(params, "a=b", "category")
    params = with_use(params, "c", "left out")
    assert params == {"path": "t.csv", "kinds": ("a=b=category",), "left_out": ("c",)}
    assert with_use(params, "c", "target") == {
        "path": "t.csv",
        "kinds": ("a=b=category",),
        "target": "c",
        "task": "auto",
    }
    assert with_use(with_use(params, "c", "found"), "a=b", "found") == {"path": "t.csv"}
    found = looked(tmp_path, "a=b,c,y\n1,2,u\n2,3,v\n1,4,u\n", kinds=("a=b=category",), left_out=("c",))
    assert found.data.feature_names == ("a=b = 1", "a=b = 2")


def test_a_workbook_that_is_read_by_a_process_of_its_own_and_streamed_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [["key", "size", "kind"], *([at, at * 1.5, "rose" if at % 2 else "lily"] for at in range(3000))]
    path = written(tmp_path, workbook({"Flowers": rows, "Others": []}), "flowers.xlsx")
    whole = tensors.load(config(path, memory="memory"))
    tensors.clear_cache()
    monkeypatch.setattr(table_workbook, "_FEW_CELLS", 100)  # the two columns of the head come to more
    monkeypatch.setattr(table_workbook, "_read_here", None)
    monkeypatch.setenv(memory_budget.VARIABLE, "0")
    streamed = tensors.load(config(path, sheet="Flowers"))
    assert isinstance(streamed.train.inputs, Streamed) and streamed.facts.streamed
    assert torch.equal(streamed.train.inputs[:], whole.train.inputs[:])
    assert torch.equal(streamed.train.targets, whole.train.targets)
    with pytest.raises(DataError, match="There is no sheet 'Trees'"):
        tensors.load(config(path, sheet="Trees"))


def test_two_cells_at_the_corners_of_a_sheet_take_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(memory_budget.VARIABLE, "0")
    monkeypatch.setattr(table_workbook, "_LEAST_BUDGET", 300 << 20)
    plain = workbook({"Sheet": [["a", "b"], [1, 2]]})
    for place in ('r = "XFD1048576"', 'r="&#88;FD1048576"', 'r="XFD1048576"'):
        content = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(plain)) as old, zipfile.ZipFile(content, "w") as archive:
            for entry in old.infolist():
                archive.writestr(entry, old.read(entry).replace(b'r="B2"', place.encode()))
        assert not table_workbook._is_small(tmp_path, content.getvalue())
        assert table_workbook._is_small(tmp_path, plain)
        old = bytes.fromhex("d0cf11e0")  # the reader looks for that first
        assert not table_workbook._is_small(tmp_path, old + plain)
    with pytest.raises(DataError, match="these are read in pieces"):
        looked(tmp_path, content.getvalue(), "corners.xlsx")
