"""Rows that somebody types: what may be done with the table, how it is kept, and what is refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
import torch

from nnviz import cli
from nnviz.data import datasets
from nnviz.data.tensors import load
from nnviz.data.typed_table import MOST_ROWS, TypedTable
from nnviz.errors import DataError, ParamError
from nnviz.project.adapt import choose_data
from nnviz.project.document import Document
from nnviz.project.files import io
from nnviz.project.model import DataConfig, Project
from nnviz.project.samples.templates import sample

TABLE = TypedTable(((6.0, 5.0, 1.0), (1.0, 8.0, 0.0)), ("score", "income"), "classes", ("no", "yes"))


def config(table: TypedTable) -> DataConfig:
    return DataConfig("own_numbers", table.params, preparation=())


def test_all_splits_are_the_rows_as_they_were_typed() -> None:
    found = load(config(TABLE))
    assert found.train.inputs.tolist() == [[6, 5], [1, 8]] and found.train.targets.tolist() == [1, 0]
    assert found.test is found.train and found.validation is found.train
    assert datasets.split_sizes(config(TABLE)) == (2, 2, 2)
    assert (found.describe(0), found.facts.task, found.facts.feature_names) == ("yes", "binary", ("score", "income"))
    numbers = load(config(TABLE.with_right("numbers", ("e", "f"))))
    assert numbers.train.targets.tolist() == [[0, 0], [0, 0]] and numbers.facts.task == "regression"
    nothing = load(config(TABLE.with_right("none")))
    assert nothing.train.targets.shape == (2, 0) and nothing.describe(1) == ""
    assert nothing.train.inputs.dtype == torch.float32


def test_typing_pasting_and_changing_rows_and_columns() -> None:
    assert TABLE.with_text(0, 1, " −2,5 ").rows[0] == (6.0, -2.5, 1.0)  # a decimal comma, a minus as it is printed
    assert TABLE.with_text(1, 2, "YES").rows[1][2] == 1.0 and TABLE.with_text(0, 2, "0").text(0, 2) == "no"
    pasted = TABLE.pasted(1, 0, "3\t4\tyes\n\n5;6;no\n7 8 1\n")
    assert pasted.rows == ((6, 5, 1), (3, 4, 1), (5, 6, 0), (7, 8, 1))
    assert TABLE.with_row(1).rows == (TABLE.rows[0], TABLE.rows[0], TABLE.rows[1])
    assert TABLE.without_rows({0}).rows == (TABLE.rows[1],)
    wider = TABLE.with_column()
    assert wider.rows[0] == (6, 5, 0, 1) and wider.columns == ("score", "income", "x3")
    assert wider.without_column(0).rows[0] == (5, 0, 1)
    fewer = TABLE.with_right("classes", ("a", "b", "c")).with_text(0, 2, "c").with_right("classes", ("a", "b"))
    assert [row[2] for row in fewer.rows] == [0, 0]  # a class that there is no more
    for words, change in (
        ("“many” is not allowed: score in row 1 must be a number", lambda: TABLE.with_text(0, 0, "many")),
        ("score in row 2 is 1e+99", lambda: TABLE.with_text(1, 0, "1e99")),
        ("class in row 1 is 'maybe', but must be one of no, yes", lambda: TABLE.with_text(0, 2, "maybe")),
        ("class in row 1", lambda: TABLE.with_text(0, 2, "2")),
        ("Line 1 has 4 numbers, but there is room for 3", lambda: TABLE.pasted(0, 0, "1 2 0 4")),
        ("at most 1,000", lambda: TABLE.pasted(0, 0, "1 2 0\n" * (MOST_ROWS + 1))),
        ("The last row stays", lambda: TABLE.without_rows({0, 1})),
        ("The last column stays", lambda: TABLE.without_column(0).without_column(0)),
        ("right answer", lambda: TABLE.without_column(2)),
    ):
        with pytest.raises(ParamError) as refused:
            change()
        assert words in refused.value.message


def test_any_order_of_changes_leaves_a_table_that_a_file_gives_back() -> None:
    for seed in range(40):
        random = Random(seed)
        table = TABLE
        for _ in range(12):
            row, column = random.randrange(len(table.rows)), random.randrange(len(table.titles))
            changes = (
                lambda: table.with_text(row, column, str(random.randint(-3, 3))),  # noqa: B023 - called at once
                lambda: table.with_row(row),  # noqa: B023 - called at once
                lambda: table.without_rows({row}),  # noqa: B023 - called at once
                table.with_column,
                lambda: table.without_column(column),  # noqa: B023 - called at once
                lambda: table.with_setting("right", random.choice(("none", "numbers", "classes"))),  # noqa: B023 - called at once
                lambda: table.with_setting("answers", ("p", "q", "r")[: random.randint(0, 3)]),  # noqa: B023 - called at once
            )
            try:
                table = random.choice(changes)()
            except ParamError:
                continue
            project = Project(data=config(table))
            again = io.loads(io.dumps(project)).data
            assert again == project.data and TypedTable.of(datasets.values(again)) == table


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"rows": [[1, 2], [3]]}, "data.params.rows: "),
        ({"rows": [[1, "a"]]}, "data.params.rows: This must be"),
        ({"rows": [[1, True]]}, "data.params.rows: This must be"),
        ({"rows": [[[1]]]}, "data.params.rows: This must be"),
        ({"rows": [[1e31]]}, "data.params.rows: rows is"),
        ({"rows": []}, "data.params.rows: "),
        ({"rows": [[]]}, "data.params.rows: "),
        ({"rows": None}, "data.params.rows: There are no rows"),
        ({"rows": [[1]] * 1001}, "data.params.rows: There are 1,001 rows; at most 1,000"),
        ({"rows": [[1] * 101]}, "data.params.rows: A row has 101 numbers; at most 100"),
        ({"rows": [[1, 2]], "columns": ["a"]}, "data.params.columns: Of 2 numbers"),
        ({"rows": [[1]], "right": "numbers"}, "data.params.rows: A row has 1 number"),
        ({"rows": [[1, 0.5]], "right": "classes"}, "data.params.rows: The class of row 1 is 0.5"),
        ({"rows": [[1, 0]], "right": "classes", "answers": ["only"]}, "data.params.answers: There is one class"),
        ({"rows": [[1, 2]], "right": "both"}, "data.params.right: "),
        ({"rows": [[1, 2]], "more": 1}, "data.params.more: "),
    ],
)
def test_a_file_that_holds_something_else_is_refused_in_one_sentence(
    params: dict[str, object], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = json.loads(io.dumps(sample("graph-product")))
    plain["data"]["params"] = params
    path = tmp_path / "other.nnviz"
    path.write_text(json.dumps(plain))
    for command in (["explain", str(path), "f"], ["train", str(path)]):
        assert cli.main(command) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert f"{path}: {words}" in line


def test_taking_own_numbers_is_one_edit_and_the_network_follows() -> None:
    document = Document(sample("credit"))
    chosen = datasets.chosen(document.project.data, "own_numbers")
    document.apply(choose_data(document.project, chosen, datasets.facts(chosen)))
    assert document.project.graph.nodes["output"].params["loss"] == "output_itself"
    document.undo()
    assert document.project == sample("credit")
    with pytest.raises(DataError, match="at least one that comes in"):
        datasets.facts(config(TypedTable(((1.0,),), (), "numbers", ("y",))))
