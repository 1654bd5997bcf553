"""What a row of a file is must not hang on how much memory there is: read whole or in pieces it is the same table."""

from __future__ import annotations

import codecs
import csv
import io
import random
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from nnviz.data.table_large import LargeFrame
from nnviz.data.table_lines import Lines
from nnviz.data.table_of_file import FileTable, HowToRead
from nnviz.data.table_reading import read_table
from nnviz.errors import DataError

#: What stands in the place of rows 5 and 40 of a plain table, or is done to all of its text.
PLANTED: dict[str, str | Callable[[bytes], bytes]] = {
    "short": "q,1",
    "one": "q",
    "long": "q,1,2,b,5",
    "comment": "# note",
    "blank": "",
    "spaces": "   ",
    "separators only": ",,,",
    "a separator too many": "q,1,2,b,",
    "last one missing": "q,1,2,",
    "all missing": "NA,NA,NA,NA",
    "quoted": 'q,1,2,"a, ""é""\nsecond"',
    "quoted and short": 'q,1,"a\n\nb"',
    "other line end": "q,1,2,b\rq,1,2,b",
    "line end in a short row": "q,1\r2",
    "word": "q,oops,2,b",
    "decimal comma": 'q,"1,5",2,b',
    "open quote": 'q,1,2,"b',
    "letters": "q,1,2,日本",
    "end of row": "q,1,2,b\r",
    "empty": lambda text: b"",
    "only empty": lambda text: b"\n \r\n",
    "no line end": lambda text: text.rstrip(b"\n"),
    "empty lines behind": lambda text: text + b"\n\r\n\n",
    "blanks behind": lambda text: text + b"   \n\x1a",
    "mark of order": lambda text: codecs.BOM_UTF8 + text,
    "windows": lambda text: text.replace(b"\n", b"\r\n"),
    "tabs": lambda text: text.replace(b",", b"\t") + b"p\t1\t\t\n",
    "lines before": lambda text: b"made by hand\n\n" + text,
    "cp1252": lambda text: text.replace("é".encode(), b"\xe9"),
    "cp1252 at the end": lambda text: text + b"p,1,2,\xe9\n",
    "zero": lambda text: text + b"p,1,2,\0\n",
}  # fmt: skip


@pytest.mark.parametrize("what", PLANTED)
@pytest.mark.parametrize("last_known", [True, False], ids=["last known", "last missing"])
def test_a_table_read_in_pieces_is_the_one_read_whole(
    what: str, last_known: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nnviz.data.table_text._AT_ONCE", 17)
    monkeypatch.setattr("nnviz.data.table_text_pieces._BYTES_OF_A_PIECE", 250)
    chance = random.Random(3)
    lines = [f"{chance.choice('pq')},{chance.random():.3f},{row},{chance.choice(('é', 'b'))}" for row in range(60)]
    if not last_known:
        lines[20] = "p,1,2,"
    planted = PLANTED[what]
    if isinstance(planted, str):
        lines[5] = lines[40] = planted
        text = "\n".join(["y,a,b,text", *lines, ""]).encode()
    else:
        text = planted("\n".join(["y,a,b,text", *lines, ""]).encode())
    file = tmp_path / "t.csv"
    file.write_bytes(text)
    told = [_told(file, most) for most in (None, 0)]
    assert told[0] == told[1]


def _told(file: Path, most: int | None) -> object:
    """The cells, the lines they stand in, what was left out; or why there are none."""
    try:
        table: FileTable = read_table(file, HowToRead(), lambda done, total: None, most)
    except DataError as error:
        return str(error)
    columns = list(table.frame.iter_columns())
    assert most is None or isinstance(table.frame, LargeFrame) or b"\0" in file.read_bytes() or _is_other(file)
    return (
        [(one.name, one.dtype == pl.String, one.to_list()) for one in columns],
        table.empty_rows.to_list(),
        [table.lines(row) for row in range(table.frame.height)],
        table.warnings,
    )


def _is_other(file: Path) -> bool:
    """Whether a text has to be read whole: it is not in UTF-8, or something stands behind it."""
    try:
        return file.read_text("utf-8").endswith("\x1a")
    except UnicodeDecodeError:
        return True


@pytest.mark.parametrize("most", [None, 0], ids=["whole", "in pieces"])
@pytest.mark.parametrize(
    "text",
    [
        'c0,c1,c2,c3\r\nabc,1,-,true\r\n1,inf,nan,\t\r\n"a\nb",inf,"a""b",a"b\n\n\n',
        'c0,c1,c2\nNA,NA,NA\n"q",abc,1\nabc,a"b,"',
        '"a""b"|1,5| 4|"a,b"\nx|"a\nb"|inf|2.5\nnan|inf|2.5|-3\n"q"|2.5|inf|abc\n007|a"b|nan|1e3\n',
        'made by hand\n"c\n0",c1\n"p\n\n""x""",1\nq,2\n"r\n",3\n"",4\n',
    ],
)
def test_quotation_marks_anywhere_do_not_lead_astray(
    text: str, most: int | None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(text.encode())
    table = read_table(file, HowToRead(), lambda done, total: None, most)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=table.notes[0].count("bars") * "|" or ",")
    rows = [(reader.line_num, row) for row in reader if len(row) > 1]
    rows = rows[-table.frame.height :]
    assert [table.lines(row) for row in range(table.frame.height)] == [line for line, _ in rows]
    texts = [one for one in table.frame.iter_columns() if one.dtype == pl.String]
    assert texts and all(one.len() == len(rows) for one in texts)
    assert capfd.readouterr().err == "", "polars says what goes wrong within it to the terminal"


def test_lines_of_rows_are_those_of_the_csv_module() -> None:
    chance = random.Random(5)
    cells = ["1", "", '"q"', '""', '"a,b"', '"a\nb"', '"a\r\n\n""b"', '""""', '"""\n"""']
    for _ in range(60):
        text = "\n".join(",".join(chance.choice(cells) for _ in range(3)) for _ in range(9)).encode()
        stray = chance.random() < 0.2
        if stray:
            text += chance.choice((b'\n"', b'\n,a"', b'\n"a" ,'))
        lines, at = Lines(",", skipped=2), 0
        while at < len(text):
            step = chance.randint(0, 4)
            lines.add(text[at : at + step])
            at += step
        lines.end()
        assert lines.sound != stray
        reader = csv.reader(io.StringIO(text.decode(), newline=""))
        # A line end of two letters counts once, as a line of an editor does.
        ends = [reader.line_num for _ in reader if reader.line_num > 2]
        assert stray or [lines.line(row) for row in range(lines.rows)] == ends
