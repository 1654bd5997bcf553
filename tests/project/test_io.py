"""Files: what was saved comes back, and whatever else is in a file gets one sentence with file and field."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from strategies import projects

from nnviz.errors import InputError, ProjectError, StorageError
from nnviz.project.declared.preparations import BY_SCALING
from nnviz.project.document import Document
from nnviz.project.edits import Rename, SetProject
from nnviz.project.files import atomic, io
from nnviz.project.files.file_schema import VERSION
from nnviz.project.files.safe_json import DEEPEST, LARGEST_FILE
from nnviz.project.model import (
    Arrow,
    Choice,
    DataConfig,
    Edge,
    Graph,
    Group,
    Node,
    Note,
    ParamValue,
    PortRef,
    Project,
    TrainConfig,
)
from nnviz.project.samples import templates

ROOT = Path(__file__).resolve().parents[2]


def raw(project: Project | None = None) -> dict[str, Any]:
    """A good file as JSON, to be spoilt."""
    parsed: dict[str, Any] = json.loads(io.dumps(project or templates.sample("cnn-25")))
    return parsed


def refusal(data: bytes | dict[str, Any]) -> ProjectError:
    """The error for a file; that it is one clear sentence is checked every time."""
    content = data if isinstance(data, bytes) else json.dumps(data).encode()
    with pytest.raises(ProjectError) as caught:
        io.loads(content, "mine.nnviz")
    text = str(caught.value)
    assert text.startswith("mine.nnviz: ")
    assert text.endswith((".", ")", "?"))
    assert "\n" not in text
    assert len(text) < 400
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    return caught.value


def names(folder: Path) -> list[str]:
    """Everything in a folder, hidden files too."""
    return sorted(path.name for path in folder.iterdir())


# -- there and back ---------------------------------------------------------------------------------------------------


@hypothesis_settings(max_examples=150)
@given(projects())
def test_what_was_saved_comes_back(project: Project) -> None:
    data = io.dumps(project)
    again = io.loads(data)
    assert again == project
    assert list(again.graph.nodes) == list(project.graph.nodes)
    assert io.dumps(again) == data


@pytest.mark.parametrize("name", [sample.name for sample in templates.samples()])
def test_every_sample_comes_back(name: str, tmp_path: Path) -> None:
    project = templates.sample(name)
    path = tmp_path / "sample.nnviz"
    io.save(project, path)
    assert io.load(path) == project


def test_the_file_is_made_for_people_and_for_diff() -> None:
    project = templates.sample("cnn-25")
    text = io.dumps(project).decode()
    assert text.endswith("}\n")
    lines = text.splitlines()
    assert lines[1] == f'  "nnviz": {VERSION},'
    for node in project.graph.nodes.values():
        (line,) = [line for line in lines if f'"id": "{node.id}"' in line]
        assert json.loads(line.strip().rstrip(","))["kind"] == node.kind
    for edge in project.graph.edges:
        assert sum(f'"source": "{edge.source.node}", "target": "{edge.target.node}"' in line for line in lines) == 1
    assert '"x": 0,' in text or '"x": 0 ' in text or '"x": 195' in text  # No 195.0 and no 195.00000000000003.
    assert max(map(len, lines)) < 400


def test_one_change_changes_one_line() -> None:
    project = templates.sample("cnn-25")
    node = next(node for node in project.graph.nodes.values() if node.kind == "conv2d")
    nodes = {**project.graph.nodes, node.id: Node(node.id, node.kind, {"out_channels": 9}, node.name, node.x, node.y)}
    other = Project(project.name, project.note, Graph(nodes, project.graph.edges), project.data, project.training)
    before, after = io.dumps(project).splitlines(), io.dumps(other).splitlines()
    assert len(before) == len(after)
    assert sum(one != two for one, two in zip(before, after, strict=True)) == 1


def test_the_order_of_parameters_does_not_depend_on_the_order_of_setting() -> None:
    one = Project(graph=Graph({"a": Node("a", "conv2d", {"stride": (2, 2), "out_channels": 3})}))
    two = Project(graph=Graph({"a": Node("a", "conv2d", {"out_channels": 3, "stride": (2, 2)})}))
    assert io.dumps(one) == io.dumps(two)


def test_a_file_written_by_hand() -> None:
    text = """\ufeff
    {"nnviz": 1,
     "graph": {
        "nodes": [{"id": "input", "kind": "input", "params": {"shape": [2]}},
                  {"id": "l", "kind": "dense", "params": {"out_features": 1.0, "initial_deviation": 1}},
                  {"id": "out", "kind": "output"}],
        "edges": [{"source": "input", "target": "l"}, {"source": "l", "target": "out"}]}}
    """
    project = io.loads(text.encode())
    assert project.graph.nodes["l"] == Node("l", "linear", {"out_features": 1})
    assert type(project.graph.nodes["l"].params["out_features"]) is int
    assert project.training == Project().training


def test_a_project_that_no_file_can_hold_is_refused_before_writing(tmp_path: Path) -> None:
    path = tmp_path / "a.nnviz"
    path.write_text("old")
    for project in (
        Project(graph=Graph({"a": Node("a", "relu", x=float("nan"))})),
        Project(data=DataConfig(params={"noise": float("inf")})),
        Project(name="half \ud800"),
    ):
        with pytest.raises(InputError, match="cannot be saved"):
            io.save(project, path)
    assert path.read_text() == "old"


# -- bytes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b" \n\t ", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\x89PNG\r\n\x1a\n", "not UTF-8"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b'{"nnviz": 1, "name": "\xff"}', "byte 22 is not UTF-8"),
        (b"SQLite format 3\0 and more", "a run"),
        (b"PK\x03\x04 torch", "not valid JSON"),
        (b"import os; os.system('true')", "not valid JSON"),
        (b"[]", "holds a list instead"),
        (b'"text"', "holds text instead"),
        (b"1", "holds a number instead"),
        (b"true", "holds true or false instead"),
        (b"null", "holds nothing instead"),
        (b"{}", "version is missing"),
        (b'{"nnviz": 1} {"nnviz": 1}', "not valid JSON"),
        (b'{"nnviz": 1,}', "not valid JSON"),
        (b"{'nnviz': 1}", "not valid JSON"),
        (b'{"nnviz": 1, "name": "a\nb"}', "not valid JSON"),
        (b'{"nnviz": 01}', "not valid JSON"),
    ],
)
def test_what_is_not_a_project_file(data: bytes, words: str) -> None:
    assert words in str(refusal(data))


def test_every_cut_of_a_file_is_refused() -> None:
    data = io.dumps(templates.sample("cnn-25"))
    for at in range(1, len(data) - 2, 7):
        error = refusal(data[:at])
        assert "ends in the middle" in str(error) or "not valid JSON" in str(error)
    assert "ends in the middle, in line" in str(refusal(data[: len(data) // 2]))


@pytest.mark.parametrize(
    "data",
    [
        b"[" * (LARGEST_FILE - 1),
        b'{"a":' * 3_000_000,
        b'{"nnviz": 1, "x": ' + b"[" * 5_000_000 + b"]" * 5_000_000 + b"}",
        b'{"nnviz": 1, "x": ' + b"[{}]," * 2_500_000 + b"1}",
        b'{"nnviz": 1, "x": [' + b"[]," * 4_000_000 + b"[]]}",
        b'{"nnviz": 1, "x": [' + b"1," * 7_000_000 + b"1]}",
        b'["' + b'","' * 4_000_000 + b'"]',
        b'"' * 15_000_000,
        b'"\\' * 7_000_000,
        b"[[]" * 5_000_000,
        b"][" * 8_000_000,
        b'{"nnviz": 1, "name": "' + b"\\u0041" * 2_000_000 + b'"}',
        b'{"nnviz": ' + b"9" * 10_000_000 + b"}",
        b'{"nnviz": 0.' + b"9" * 10_000_000 + b"}",
        b'{"nnviz": 1e' + b"9" * 10_000_000 + b"}",
        b"\x00" * 10_000_000,
        b"{" + b",".join(b'"k%d":1' % at for at in range(900_000)) + b"}",
        b'{"nnviz": 1, "x": [' + b"{}," * 240_000 + b"{}]}",
        b"[" * 240_000 + b"]" * 240_000,
        b'{"":' * 240_000,
        b'["' + b"[" * 100_000 + b'"' + b"[" * 100_000,
        b'{"nnviz": 1, "graph": {"edges": [' + b'{"source": "a", "target": "b"},' * 90_000 + b"{}]}}",
    ],
    ids=lambda data: repr(data[:16]),
)
def test_bombs_are_refused(data: bytes) -> None:
    """Without the bounds each of them takes minutes, gigabytes or the stack; with them each takes under a second."""
    refusal(data)


def test_more_than_the_largest_file(tmp_path: Path) -> None:
    path = tmp_path / "huge.nnviz"
    with path.open("wb") as file:
        file.truncate(100 * 2**20)  # 100 MB that take no room on the disk.
    with pytest.raises(ProjectError, match=r"huge.nnviz: This file has more than 16 MB"):
        io.load(path)


def test_what_could_not_be_opened_again_is_not_saved(tmp_path: Path) -> None:
    path = tmp_path / "a.nnviz"
    path.write_text("old")
    values = tuple((0.5,) * 1000 for _ in range(600))
    params: dict[str, ParamValue] = {"weight_initialisation": "given", "weight_values": values}
    with pytest.raises(StorageError, match="more than 500000 values"):
        io.save(Project(graph=Graph({"a": Node("a", "linear", params)})), path)
    assert path.read_text() == "old"


def test_nesting_up_to_the_bound_is_not_called_deep() -> None:
    inside = "[" * (DEEPEST - 3) + "]" * (DEEPEST - 3)
    error = refusal(f'{{"nnviz": 1, "data": {{"params": {{"a": {inside}}}}}}}'.encode())
    assert error.field == "data.params.a"
    deeper = "[" * 200 + "]" * 200
    assert "nested more than 32 levels" in str(refusal(f'{{"nnviz": 1, "x": {deeper}}}'.encode()))
    quoted = '"' + "[{" * 5000 + '"'
    assert "nested" not in str(refusal(f'{{"nnviz": 1, "x": {quoted}}}'.encode()))


# -- version ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [0, -1, 1.0, 1.5, "1", None, True, [1], {}])
def test_versions_that_are_none(version: object) -> None:
    assert refusal({**raw(), "nnviz": version}).field == "nnviz"


@pytest.mark.parametrize("version", [VERSION + 1, VERSION + 2, 10**30])
def test_a_newer_version_says_so_whatever_else_is_in_it(version: int) -> None:
    error = refusal({"nnviz": version, "layers": "of the future"})
    assert "newer nnviz" in str(error)
    assert error.field == "nnviz"


def test_older_versions_are_brought_up_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def one(old: dict[str, Any]) -> dict[str, Any]:
        return {**{key: value for key, value in old.items() if key != "title"}, "name": old["title"]}

    def two(old: dict[str, Any]) -> dict[str, Any]:
        return {**old, "note": old["name"].upper()}

    monkeypatch.setattr(io, "VERSION", 3)
    monkeypatch.setattr(io, "MIGRATIONS", {1: one, 2: two})
    assert io.loads(b'{"nnviz": 1, "title": "a"}') == Project(name="a", note="A")
    assert io.loads(b'{"nnviz": 2, "name": "b"}') == Project(name="b", note="B")
    assert io.loads(b'{"nnviz": 3, "name": "c"}') == Project(name="c")
    assert "older format 1 is damaged" in str(refusal(b'{"nnviz": 1}'))
    assert "older format 2 is damaged" in str(refusal(b'{"nnviz": 2, "name": 3}'))


def test_a_file_of_version_1_opens_as_what_it_was() -> None:
    """A file that the first version saved, against a plain reading of its JSON."""
    path = Path(__file__).parent / "fixtures" / "version-1.nnviz"
    project, parsed = io.load(path), json.loads(path.read_text())

    def read(value: Any) -> Any:
        return tuple(read(item) for item in value) if isinstance(value, list) else value

    nodes = {
        row["id"]: Node(
            row["id"],
            row["kind"],
            {key: read(value) for key, value in row.get("params", {}).items()},
            row.get("name", ""),
            float(row["x"]),
            float(row["y"]),
        )
        for row in parsed["graph"]["nodes"]
    }
    edges = tuple(
        Edge(PortRef(row["source"]), PortRef(row["target"], row.get("target_port", 0)))
        for row in parsed["graph"]["edges"]
    )
    assert project.graph == Graph(nodes, edges)
    assert list(project.graph.nodes) == list(nodes)
    assert (project.name, project.note) == (parsed["name"], parsed["note"])
    preparation = BY_SCALING[parsed["data"].pop("scaling")]
    assert project.data == DataConfig(**parsed["data"], preparation=preparation)
    kind, params = parsed["training"].pop("optimizer"), parsed["training"].pop("optimizer_params")
    assert project.training == TrainConfig(Choice(kind, params), **parsed["training"])
    assert io.loads(io.dumps(project)) == project


def test_every_version_has_its_migration() -> None:
    assert set(io.MIGRATIONS) == set(range(1, io.VERSION))


# -- content ----------------------------------------------------------------------------------------------------------


def spoil(*path: str | int, value: object) -> dict[str, Any]:
    """A good file with one value changed."""
    parsed = raw()
    place: Any = parsed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return parsed


NODE = ("graph", "nodes", 1)


@pytest.mark.parametrize(
    ("path", "value", "field", "words"),
    [
        (("name",), 3, "name", "must be text, but is a whole number"),
        (("name",), "a\x00b", "name", "cannot be shown (U+0000)"),
        (("name",), "\u202egnp", "name", "U+202E"),
        (("name",), "x" * 1000, "name", "1000 characters"),
        (("note",), "\x1b[31m", "note", "U+001B"),
        (("graph",), [], "graph", "must be an object, but is a list"),
        (("graph",), None, "graph", "but is nothing"),
        (("graph", "nodes"), {}, "graph.nodes", "must be a list"),
        (("graph", "nodes"), [[]], "graph.nodes[0]", "must be an object"),
        (("graph", "nodes"), [{"kind": "relu"}], "graph.nodes[0].id", "missing"),
        (("graph", "nodes"), [{"id": "a"}], "graph.nodes[0].kind", "missing"),
        (("graph", "extra"), 1, "graph.extra", "no such field"),
        (("pickle",), "cos\nsystem", "pickle", "no such field"),
        ((*NODE, "kind"), "os.system", "graph.nodes[1].kind", "no layer 'os.system'"),
        ((*NODE, "kind"), "", "graph.nodes[1].kind", "no layer ''"),
        ((*NODE, "kind"), "conv2d\n" * 99, "graph.nodes[1].kind", "no layer"),
        ((*NODE, "kind"), 7, "graph.nodes[1].kind", "must be text"),
        ((*NODE, "id"), "a.b", "graph.nodes[1].id", "cannot be a node's id"),
        ((*NODE, "id"), "", "graph.nodes[1].id", "cannot be a node's id"),
        ((*NODE, "id"), "ünï", "graph.nodes[1].id", "cannot be a node's id"),
        ((*NODE, "id"), "__class__", "graph.nodes[1].id", "cannot be a node's id"),
        ((*NODE, "id"), "lambda", "graph.nodes[1].id", "reserved"),
        ((*NODE, "id"), "train", "graph.nodes[1].id", "reserved"),
        ((*NODE, "id"), "a" * 65, "graph.nodes[1].id", "too long"),
        ((*NODE, "id"), "a\n", "graph.nodes[1].id", "cannot be a node's id"),
        ((*NODE, "id"), "input", "graph.nodes[1].id", "two nodes with the id 'input'"),
        ((*NODE, "name"), "a\tb", "graph.nodes[1].name", "U+0009"),
        ((*NODE, "x"), "left", "graph.nodes[1].x", "must be a number, but is text"),
        ((*NODE, "x"), 1e7, "graph.nodes[1].x", "must lie between"),
        ((*NODE, "params"), [], "graph.nodes[1].params", "must be an object"),
        ((*NODE, "params"), {"out_channels": 0}, "graph.nodes[1].params.out_channels", "from 1 to"),
        ((*NODE, "params"), {"out_channels": 10**10}, "graph.nodes[1].params.out_channels", "from 1 to"),
        ((*NODE, "params"), {"out_channels": 10**390}, "graph.nodes[1].params.out_channels", "from 1 to"),
        ((*NODE, "params"), {"out_channels": 1.5}, "graph.nodes[1].params.out_channels", "is 1.5, but must be"),
        ((*NODE, "params"), {"out_channels": "8"}, "graph.nodes[1].params.out_channels", "is '8'"),
        ((*NODE, "params"), {"out_channels": True}, "graph.nodes[1].params.out_channels", "is True"),
        ((*NODE, "params"), {"out_channels": None}, "graph.nodes[1].params.out_channels", "is None"),
        ((*NODE, "params"), {"bias": 1}, "graph.nodes[1].params.bias", "true or false"),
        ((*NODE, "params"), {"kernel_size": [3, 3, 3]}, "graph.nodes[1].params.kernel_size", "must be"),
        ((*NODE, "params"), {"kernel_size": [[3]]}, "graph.nodes[1].params.kernel_size", "must be"),
        ((*NODE, "params"), {"kernel_size": {}}, "graph.nodes[1].params.kernel_size", "must be"),
        ((*NODE, "params"), {"speed": 1}, "graph.nodes[1].params.speed", "no parameter 'speed'"),
        ((*NODE, "params"), {"a\nb": 1}, "graph.nodes[1].params.a\\nb", "no parameter"),
        (("graph", "edges"), [{"source": "ghost", "target": "output"}], "graph.edges[0].source", "no node 'ghost'"),
        (("graph", "edges"), [{"source": "input", "target": "ghost"}], "graph.edges[0].target", "no node 'ghost'"),
        (("graph", "edges"), [{"source": "output", "target": "input"}], "graph.edges[0]", "no output"),
        (("graph", "edges"), [{"source": "input", "target": "input"}], "graph.edges[0]", "takes no wire"),
        (
            ("graph", "edges"),
            [{"source": "input", "target": "output", "target_port": 1}],
            "graph.edges[0]",
            "at most 1 wire",
        ),
        (
            ("graph", "edges"),
            [{"source": "input", "target": "output", "source_port": -1}],
            "graph.edges[0]",
            "only 1 output",
        ),
        (
            ("graph", "edges"),
            [{"source": "input", "target": "output"}] * 2,
            "graph.edges[1]",
            "same input as graph.edges[0]",
        ),
        (("graph", "edges"), ["input -> output"], "graph.edges[0]", "must be an object, but is text"),
        (("data", "dataset"), "../../etc", "data.dataset", "cannot be the key"),
        (("data", "preparation"), ["log"], "data.preparation[0].kind", "no preparation 'log'"),
        (("data", "validation_fraction"), 1, "data.validation_fraction", "from 0 to 0.9"),
        (("data", "validation_fraction"), "a", "data.validation_fraction", "from 0 to 0.9"),
        (("data", "params"), {"a": {"b": 1}}, "data.params.a", "must be a number, a text"),
        (("data", "params"), {"folder": "\x00"}, "data.params.folder", "U+0000"),
        (("data", "params"), {"folder": "x" * 10_000}, "data.params.folder", "10000 characters"),
        (("data", "secret"), 1, "data.secret", "no such field"),
        (("training", "optimizer"), "magic", "training.optimizer.kind", "no optimizer 'magic'"),
        (
            ("training", "optimizer", "params"),
            {"learning_rate": 0},
            "training.optimizer.params.learning_rate",
            "above 0",
        ),
        (("training", "optimizer", "params"), {"lr": 1}, "training.optimizer.params.lr", "no parameter 'lr'"),
        (("training", "batch_size"), 0, "training.batch_size", "from 1 to"),
        (("training", "batch_size"), "all", "training.batch_size", "from 1 to"),
        (("training", "epochs"), -1, "training.epochs", "from 1 to"),
        (("training", "seed"), 2**70, "training.seed", "from 0 to"),
        (("training", "device"), "tpu", "training.device", "no device"),
        (("training", "keep_best"), "yes", "training.keep_best", "true or false"),
        (("view", "pinned_sample"), -1, "view.pinned_sample", "from 0"),
        (("view", "pinned_sample"), 2**80, "view.pinned_sample", "from 0"),
        (("view", "zoom"), 2, "view.zoom", "no such field"),
    ],
)
def test_wrong_content_is_named_with_its_field(
    path: tuple[str | int, ...], value: object, field: str, words: str
) -> None:
    error = refusal(spoil(*path, value=value))
    assert error.field == field
    assert words in str(error)


@pytest.mark.parametrize(
    ("token", "words"),
    [
        (b"NaN", "not a finite number"),
        (b"Infinity", "not a finite number"),
        (b"-Infinity", "not a finite number"),
        (b"1e999", "not a finite number"),
        (b"-1e999", "not a finite number"),
        (b"1" * 5000, "a number of 5000 digits"),
        (b"-" + b"1" * 10**6, "digits"),
        (b"0." + b"1" * 5000, "digits"),
    ],
)
@pytest.mark.parametrize(
    ("place", "field"),
    [
        (b'{"nnviz": 1, "graph": {"nodes": [{"id": "a", "kind": "relu", "x": @}]}}', "graph.nodes[0].x"),
        (b'{"nnviz": 1, "data": {"params": {"noise": @}}}', "data.params.noise"),
        (b'{"nnviz": 1, "training": {"optimizer_params": {"learning_rate": @}}}', None),
        (b'{"nnviz": 1, "anything": [1, {"at": [@]}]}', "anything[1].at[0]"),
        (b'{"nnviz": 1, "graph": {"nodes": [{"id": "a", "kind": "linear", "params": {"out_features": @}}]}}', None),
    ],
)
def test_numbers_that_are_none_are_found_wherever_they_stand(
    token: bytes, words: str, place: bytes, field: str | None
) -> None:
    error = refusal(place.replace(b"@", token))
    assert words in str(error)
    assert field is None or error.field == field


def test_a_doubled_key_is_named() -> None:
    error = refusal(b'{"nnviz": 1, "graph": {"nodes": [], "edges": [], "nodes": [{}]}}')
    assert error.field == "graph.nodes"
    assert "twice" in str(error)
    assert refusal(b'{"nnviz": 1, "nnviz": 1}').field == "nnviz"


def test_a_circle_is_refused_with_its_way() -> None:
    nodes = [{"id": name, "kind": "relu"} for name in "abc"]
    edges = [{"source": one, "target": two} for one, two in ("ab", "bc", "ca")]
    error = refusal({"nnviz": 1, "graph": {"nodes": nodes, "edges": edges}})
    assert error.field == "graph.edges"
    assert "a → b → c → a" in str(error) or "b → c → a → b" in str(error) or "c → a → b → c" in str(error)
    loop = [{"source": "a", "target": "a"}]
    assert "itself" in str(refusal({"nnviz": 1, "graph": {"nodes": nodes, "edges": loop}}))


def test_a_long_circle_is_shown_in_short() -> None:
    names = [f"relu{at}" for at in range(3000)]
    nodes = [{"id": name, "kind": "relu"} for name in names]
    edges = [{"source": one, "target": two} for one, two in zip(names, [*names[1:], names[0]], strict=True)]
    assert "…" in str(refusal({"nnviz": 1, "graph": {"nodes": nodes, "edges": edges}}))


def test_the_first_of_several_problems_is_told_and_the_rest_counted() -> None:
    parsed = raw()
    parsed["graph"]["nodes"][1]["params"] = {"out_channels": 0, "kernel_size": 0}
    parsed["training"]["batch_size"] = 0
    assert "(2 more problems in this file.)" in str(refusal(parsed))
    parsed["training"]["batch_size"] = 8
    assert "(1 more problem in this file.)" in str(refusal(parsed))


def test_too_many_nodes() -> None:
    nodes = [{"id": f"n{at}", "kind": "relu"} for at in range(10_001)]
    error = refusal({"nnviz": 1, "graph": {"nodes": nodes}})
    assert error.field == "graph.nodes"
    assert "10001 entries" in str(error)


def test_a_milliard_features_load_in_no_time_and_are_refused_by_their_size_later() -> None:
    """The range allows them; what they would take is said by validate and by network, with the number."""
    nodes = [{"id": "a", "kind": "linear", "params": {"out_features": 10**9}}]
    project = io.loads(json.dumps({"nnviz": 1, "graph": {"nodes": nodes}}).encode())
    assert project.graph.nodes["a"].params == {"out_features": 10**9}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@hypothesis_settings(max_examples=300)
@given(st.data())
def test_anything_in_place_of_anything_is_a_project_or_one_sentence(data: st.DataObject) -> None:
    parsed: Any = raw(templates.sample("and"))
    place = parsed
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], (dict, list)) or not place[key] or data.draw(st.integers(0, 3)) == 0:
            break
        place = place[key]
    action = data.draw(st.sampled_from(["replace", "delete", "add", "copy"]))
    if action == "replace":
        place[key] = data.draw(JSON)
    elif action == "delete":
        del place[key]
    elif isinstance(place, list):
        place.append(place[key] if action == "copy" else data.draw(JSON))
    else:
        place[data.draw(st.text(max_size=8))] = place[key] if action == "copy" else data.draw(JSON)
    content = json.dumps(parsed).encode()
    try:
        project = io.loads(content)
    except ProjectError:
        refusal(content)
    else:
        assert io.loads(io.dumps(project)) == project


@hypothesis_settings(max_examples=200)
@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=4))
def test_any_bytes_in_place_of_any_are_a_project_or_one_sentence(at: int, noise: bytes) -> None:
    data = io.dumps(templates.sample("and"))
    at %= len(data)
    content = data[:at] + noise + data[at + len(noise) :]
    try:
        io.loads(content)
    except ProjectError:
        refusal(content)


# -- files ------------------------------------------------------------------------------------------------------------


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no such file"):
        io.load(tmp_path / "missing.nnviz")
    with pytest.raises(ProjectError, match="a folder"):
        io.load(tmp_path)
    with pytest.raises(ProjectError, match="cannot be read"):
        io.load(tmp_path / "nul\0.nnviz")
    with pytest.raises(ProjectError):
        io.load(tmp_path / ("x" * 300))
    with pytest.raises(ProjectError):
        io.load(tmp_path / "file.nnviz" / "deeper")
    loop = tmp_path / "loop.nnviz"
    loop.symlink_to(loop)
    with pytest.raises(ProjectError):
        io.load(loop)
    pipe = tmp_path / "pipe.nnviz"
    os.mkfifo(pipe)
    with pytest.raises(ProjectError, match="a device or a pipe"):
        io.load(pipe)
    with pytest.raises(ProjectError, match="a device or a pipe"):
        io.load("/dev/zero")


def test_names_are_read_as_an_edit_would_leave_them() -> None:
    project = Project(name="  a   name ", graph=Graph({"relu1": Node("relu1", "relu", name=" b  c ")}, ()))
    document = Document(io.loads(io.dumps(project)))
    assert document.project.name == "a name" and document.project.graph.nodes["relu1"].name == "b c"
    before = document.project
    document.apply(SetProject(name="x"))
    document.apply(Rename("relu1", "y"))
    assert document.undo() and document.undo() and document.project == before


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "locked.nnviz"
    io.save(Project(), path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("os.open", refuse)  # The tests may run as root, whom nothing stops.
    with pytest.raises(ProjectError, match=r"locked.nnviz: There is no permission to read"):
        io.load(path)


def test_saving_makes_a_file_with_the_usual_permissions(tmp_path: Path) -> None:
    path = tmp_path / "new.nnviz"
    old = os.umask(0o027)
    try:
        io.save(Project(), path)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert names(tmp_path) == ["new.nnviz"]


def test_saving_keeps_permissions_and_follows_links(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "real.nnviz"
    target.parent.mkdir()
    target.write_text("old")
    target.chmod(0o604)
    link = tmp_path / "link.nnviz"
    link.symlink_to(Path("deep") / "real.nnviz")
    io.save(Project(name="new"), link)
    assert link.is_symlink()
    assert io.load(target).name == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o604
    dangling = tmp_path / "dangling.nnviz"
    dangling.symlink_to(tmp_path / "deep" / "fresh.nnviz")
    io.save(Project(name="fresh"), dangling)
    assert io.load(tmp_path / "deep" / "fresh.nnviz").name == "fresh"


def test_a_long_name_and_strange_letters(tmp_path: Path) -> None:
    for name in ("x" * 248 + ".nnviz", "Ä 😀 'q\".nnviz", "-rf", "new\nline"):
        io.save(Project(name="long"), tmp_path / name)
        assert io.load(tmp_path / name).name == "long"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder, "it is a folder"),
        (lambda folder: folder / "missing" / "a.nnviz", "no such folder"),
        (lambda folder: folder / ("x" * 300), "too long"),
        (lambda folder: folder / "nul\0", "no file name"),
        (lambda folder: Path("/dev/full"), "a device"),
        (lambda folder: Path("/proc/nnviz"), "could not be saved"),
    ],
)
def test_places_where_nothing_can_be_saved(make: Callable[[Path], Path], words: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=words):
        io.save(Project(), make(tmp_path))
    assert names(tmp_path) == []


def test_a_write_protected_file_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.nnviz"
    path.write_text("old")
    path.chmod(0o444)
    monkeypatch.setattr(os, "access", lambda *_: False)  # The tests may run as root, who may write everything.
    with pytest.raises(StorageError, match="write-protected"):
        io.save(Project(), path)
    assert path.read_text() == "old"


@pytest.mark.parametrize("call", ["open", "write", "fsync", "close", "replace", "fchmod"])
@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "disk is full"), (errno.EACCES, "no permission"), (errno.EIO, "an error")]
)
def test_any_failure_leaves_the_old_file_and_nothing_beside_it(
    call: str, number: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.nnviz"
    path.write_text("old")
    real = getattr(os, call)

    def fail(*arguments: Any, **named: Any) -> None:
        if call == "close":
            real(*arguments)
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch, pytest.raises(StorageError, match=words):
        patch.setattr(os, call, fail)
        io.save(Project(), path)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.nnviz"]


def test_an_interruption_leaves_the_old_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.nnviz"
    path.write_text("old")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for call in ("write", "fsync", "replace"):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(os, call, interrupt)
            io.save(Project(), path)
        assert path.read_text() == "old"
        assert names(tmp_path) == ["a.nnviz"]


def test_short_writes_are_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk may take a part only and report no error: the count is what tells."""
    path, real = tmp_path / "a.nnviz", os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, bytes(data[:7])))
    io.save(Project(name="whole"), path)
    assert io.load(path).name == "whole"
    monkeypatch.setattr(os, "write", lambda file, data: 0)
    with pytest.raises(StorageError, match="disk is full"):
        io.save(Project(name="other"), path)
    assert io.load(path).name == "whole"


def test_the_data_is_on_the_disk_before_it_takes_the_place_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, calls = tmp_path / "a.nnviz", []
    sync, put = os.fsync, os.replace

    def note_sync(file: int) -> None:
        calls.append("folder" if stat.S_ISDIR(os.fstat(file).st_mode) else "file")
        sync(file)

    def note_put(source: Path, target: Path) -> None:
        calls.append("replace")
        put(source, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_put)
    io.save(Project(), path)
    assert calls == ["file", "replace", "folder"]


def test_a_folder_that_cannot_be_synced_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def sync(file: int) -> None:
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, "not here")
        real(file)

    monkeypatch.setattr(os, "fsync", sync)
    io.save(Project(name="there"), tmp_path / "a.nnviz")
    assert io.load(tmp_path / "a.nnviz").name == "there"


def test_a_really_full_place(tmp_path: Path) -> None:
    """A process that may write 1 kB a file: the kernel takes a part and then refuses, as a full disk does."""
    path = tmp_path / "a.nnviz"
    path.write_text("old")
    program = textwrap.dedent(f"""
        import resource, sys
        from pathlib import Path
        from nnviz.errors import StorageError
        from nnviz.project.files import io
        from nnviz.project.model import Project
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
        try:
            io.save(Project(note="x" * 5000), Path({str(path)!r}))
        except StorageError as error:
            sys.exit(f"refused: {{error}}")
    """)
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "refused:" in done.stderr
    assert "larger than is allowed" in done.stderr
    assert "Traceback" not in done.stderr
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.nnviz"]


def test_two_savers_never_share_a_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real = os.open

    def note(path: Any, flags: int, *rest: Any) -> int:
        if flags & os.O_CREAT:
            assert flags & os.O_EXCL
            opened.append(str(path))
        return real(path, flags, *rest)

    monkeypatch.setattr(os, "open", note)
    for _ in range(5):
        atomic.write_atomically(b"x", tmp_path / "a")
    assert len(set(opened)) == 5
    assert all(Path(name).parent == tmp_path for name in opened)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"nnviz": 1, "view": {"pinned_sample": "\\ud800"}}', "view.pinned_sample"),
        ('{"nnviz": 1, "graph": {"edges": ["\\udfff"]}}', "graph.edges[0]"),
        ('{"nnviz": 1, "name": "good \\ud83d\\ude00, bad \\ude00"}', "name"),
        ('{"nnviz": 1, "data": {"params": {"\\ud800": 1}}}', "data.params.\\ud800"),
    ],
)
def test_half_a_character_is_refused_wherever_it_stands(text: str, field: str) -> None:
    error = refusal(text.encode())
    assert error.field == field
    assert "half a character" in error.message
    str(error).encode()


# -- groups, notes, arrows --------------------------------------------------------------------------------------------


def drawn(**lists: list[dict[str, Any]]) -> dict[str, Any]:
    """A file of two layers with groups, notes or arrows."""
    nodes = [{"id": "a", "kind": "relu"}, {"id": "b", "kind": "relu"}]
    return {"nnviz": VERSION, "graph": {"nodes": nodes, **lists}}


@pytest.mark.parametrize(
    ("lists", "field", "words"),
    [
        ({"groups": [{"id": "g", "parent": "g"}]}, "graph.groups", "g would stand in itself"),
        ({"groups": [{"id": "g", "parent": "h"}, {"id": "h", "parent": "g"}]}, "graph.groups", "would stand in itself"),
        ({"groups": [{"id": "g", "parent": "h"}]}, "graph.groups[0].parent", "no group 'h' for g"),
        ({"nodes": [{"id": "a", "kind": "relu", "group": "g"}]}, "graph.nodes[0].group", "no group 'g' for a"),
        ({"notes": [{"id": "n", "group": "a"}]}, "graph.notes[0].group", "no group 'a' for n"),
        ({"arrows": [{"id": "n", "group": "g"}]}, "graph.arrows[0].group", "no group 'g' for n"),
        ({"groups": [{"id": "a"}]}, "graph.groups[0].id", "'a' is taken already"),
        ({"groups": [{"id": "g"}, {"id": "g"}]}, "graph.groups[1].id", "'g' is taken already"),
        ({"groups": [{"id": "g"}], "notes": [{"id": "g"}]}, "graph.notes[0].id", "'g' is taken already"),
        ({"notes": [{"id": "n"}], "arrows": [{"id": "n"}]}, "graph.arrows[0].id", "'n' is taken already"),
        ({"groups": [{"id": "G 1"}]}, "graph.groups[0].id", "lower case"),
        ({"groups": [{"id": "g", "name": "two\nlines"}]}, "graph.groups[0].name", "cannot be shown"),
        ({"groups": [{"id": "g", "x": 1e7}]}, "graph.groups[0].x", "cannot lie at x = 1e+07"),
        ({"groups": [{"id": "g", "collapsed": 1}]}, "graph.groups[0].collapsed", "true or false"),
        ({"groups": [{"id": "g", "colour": "bad"}]}, "graph.groups[0].colour", "no such field"),
        ({"notes": [{"id": "n", "y": -1e7}]}, "graph.notes[0].y", "cannot lie at y"),
        ({"notes": [{"id": "n", "colour": "pink"}]}, "graph.notes[0].colour", "must be one of plain"),
        ({"notes": [{"id": "n", "width": -5}]}, "graph.notes[0].width", "width of n is -5"),
        ({"notes": [{"id": "n", "height": 1e5}]}, "graph.notes[0].height", "must be from 24 to 4000"),
        ({"notes": [{"id": "n", "text": "x" * 30_000}]}, "graph.notes[0].text", "30000 characters"),
        ({"arrows": [{"id": "n", "across": 1e9}]}, "graph.arrows[0].across", "cannot lie at across"),
        ({"arrows": [{"id": "n", "colour": ""}]}, "graph.arrows[0].colour", "must be one of"),
        ({"arrows": [{"id": "n", "x": "left"}]}, "graph.arrows[0].x", "must be a number"),
        ({"nodes": [{"id": "a", "kind": "input", "bypassed": True}]}, "graph.nodes[0].bypassed", "nothing to pass on"),
        ({"nodes": [{"id": "a", "kind": "relu", "bypassed": "yes"}]}, "graph.nodes[0].bypassed", "true or false"),
        ({"groups": [{"id": f"g{at}"} for at in range(100_000)]}, "graph.groups", "100000 entries; at most 5000"),
        ({"notes": [{"id": f"n{at}"} for at in range(5_001)]}, "graph.notes", "5001 entries"),
        ({"arrows": [{"id": f"n{at}"} for at in range(5_001)]}, "graph.arrows", "5001 entries"),
    ],
)
def test_what_is_wrong_with_groups_and_notes_is_named(lists: dict[str, Any], field: str, words: str) -> None:
    error = refusal(drawn(**lists))
    assert error.field == field
    assert words in str(error)


@pytest.mark.parametrize("item", ["groups", "notes", "arrows"])
def test_places_that_are_no_numbers_are_refused(item: str) -> None:
    text = b'{"nnviz": 2, "graph": {"%s": [{"id": "g", "x": NaN}]}}' % item.encode()
    assert refusal(text).field == f"graph.{item}[0].x"


def test_groups_may_stand_in_each_other_but_not_without_end() -> None:
    def nested(deep: int) -> dict[str, Any]:
        return drawn(groups=[{"id": f"g{at}", "parent": f"g{at - 1}" if at else ""} for at in range(deep)])

    assert len(io.loads(json.dumps(nested(32)).encode()).graph.groups) == 32
    assert "more than 32 deep" in str(refusal(nested(33)))
    assert "more than 32 deep" in str(refusal(nested(5_000)))
    circle = nested(5_000)
    circle["graph"]["groups"][0]["parent"] = "g4999"
    assert "would stand in itself" in str(refusal(circle))


@pytest.mark.parametrize(
    ("scaling", "preparation"),
    [
        ("unit", (Choice("scale"),)),
        ("centre", (Choice("scale"), Choice("centre"))),
        ("standardise", (Choice("standardise"),)),
        ("none", ()),
        (None, (Choice("scale"),)),
    ],
)
@pytest.mark.parametrize("version", [1, 2])
def test_the_scaling_of_older_files_becomes_a_preparation(
    version: int, scaling: str | None, preparation: tuple[Choice, ...]
) -> None:
    data = {} if scaling is None else {"scaling": scaling}
    project = io.loads(json.dumps({"nnviz": version, "data": data}).encode())
    assert project.data.preparation == preparation
    assert io.loads(io.dumps(project)) == project


@pytest.mark.parametrize("scaling", ["log", 3, None, ["unit"], {"a": 1}])
def test_a_wrong_scaling_of_an_older_file_is_named(scaling: object) -> None:
    with pytest.raises(ProjectError, match="no scaling") as caught:
        io.loads(json.dumps({"nnviz": 2, "data": {"scaling": scaling}}).encode(), "old.nnviz")
    assert (caught.value.field, caught.value.file) == ("data.scaling", "old.nnviz")


def test_what_is_as_usual_is_not_written() -> None:
    text = io.dumps(templates.sample("and")).decode()
    assert not any(word in text for word in ("group", "note1", "arrows", "bypassed"))
    grouped = io.dumps(templates.sample("resnet18")).decode()
    assert '{"id": "layer1_0", "name": "layer1.0", "parent": "layer1"' in grouped
    assert '"collapsed"' not in grouped


def test_a_file_of_version_2_opens_as_what_it_was() -> None:
    """Groups, notes, arrows, bypassed nodes, an optimizer with its settings and a scaling, as version 2 saved them."""
    project = io.load(Path(__file__).parent / "fixtures" / "version-2.nnviz")
    graph = project.graph
    assert list(graph.nodes) == ["input", "linear1", "tanh1", "linear2", "tanh2", "linear3", "output"]
    assert graph.nodes["linear1"] == Node("linear1", "linear", {"out_features": 8}, "", 390.0, 0.0, "block1")
    assert graph.nodes["tanh1"] == Node("tanh1", "tanh", {}, "left out", 585.0, 0.0, "block1", True)
    assert graph.groups == {"block1": Group("block1", "First block", "", True, 10.0, 20.0)}
    assert graph.notes == {"note1": Note("note1", "Hello\nworld", 1.0, 2.0, colour="good")}
    assert graph.arrows == {"arrow1": Arrow("arrow1", 3.0, 4.0, 50.0, 60.0, "bad")}
    assert len(graph.edges) == 6
    assert project.data.preparation == (Choice("standardise"),)
    assert (project.training.epochs, project.training.keep_best, project.view.pinned_sample) == (3, True, 3)
    assert io.loads(io.dumps(project)) == project
