"""Nobody needs whom he serves: the graph of imports between the files has no circle where that would bind two rooms.

Read from the sources, so that imports for annotations count too.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

import nnviz

_ROOT = Path(nnviz.__file__).parent
Graph = dict[str, set[str]]


def modules() -> dict[str, Path]:
    """Every module of the package and its file."""
    found = {}
    for path in sorted(_ROOT.rglob("*.py")):
        parts = path.relative_to(_ROOT.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _only_for_annotations(node: ast.If) -> bool:
    return any(isinstance(part, ast.Name) and part.id == "TYPE_CHECKING" for part in ast.walk(node.test))


def _statements(body: Iterable[ast.stmt], *, at_run_time: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """Imports of a module: at run time only those that are executed while it is imported."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If):
            if not (at_run_time and _only_for_annotations(node)):
                yield from _statements(node.body, at_run_time=at_run_time)
            yield from _statements(node.orelse, at_run_time=at_run_time)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if not at_run_time:
                yield from _statements(node.body, at_run_time=at_run_time)
        else:
            for name in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(node, name, []), at_run_time=at_run_time)
            for handler in getattr(node, "handlers", []):
                yield from _statements(handler.body, at_run_time=at_run_time)


def imports(files: Mapping[str, Path], *, at_run_time: bool) -> Graph:
    """Which modules each module names in its imports.

    What a package lends from its own files counts as those files, not as the package: ``from nnviz.gui.canvas import
    CanvasView`` names the package, whose file then names ``view``.
    """
    graph: Graph = {name: set() for name in files}
    for name, path in files.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in _statements(tree.body, at_run_time=at_run_time):
            if isinstance(node, ast.Import):
                named = {alias.name for alias in node.names}
            else:
                assert node.level == 0, f"{name} imports relatively"
                base = node.module or ""
                named = {f"{base}.{alias.name}" if f"{base}.{alias.name}" in files else base for alias in node.names}
            graph[name] |= {other for other in named if other in files and other != name}
    return graph


@functools.cache
def imports_of_the_package(*, at_run_time: bool) -> Graph:
    """Those of every module, read once: it takes two seconds, and several tests ask for the same."""
    return imports(modules(), at_run_time=at_run_time)


def circles(graph: Graph) -> list[tuple[str, ...]]:
    """The sets of modules that all reach each other, by Tarjan's way, without recursion."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    held: set[str] = set()
    found: list[tuple[str, ...]] = []
    for start in graph:
        if start in index:
            continue
        work: list[tuple[str, Iterator[str]]] = [(start, iter(sorted(graph[start])))]
        index[start] = low[start] = len(index)
        stack.append(start)
        held.add(start)
        while work:
            node, others = work[-1]
            for other in others:
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    held.add(other)
                    work.append((other, iter(sorted(graph[other]))))
                    break
                if other in held:
                    low[node] = min(low[node], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    members = []
                    while True:
                        member = stack.pop()
                        held.discard(member)
                        members.append(member)
                        if member == node:
                            break
                    if len(members) > 1:
                        found.append(tuple(sorted(members)))
    return found


def room_of(module: str) -> str:
    """The room that a module stands in: ``nnviz.project``, ``nnviz.gui.canvas``."""
    parts = module.split(".")
    return ".".join(parts[:3] if parts[1:2] == ["gui"] else parts[:2])


def test_no_circle_at_run_time() -> None:
    assert circles(imports_of_the_package(at_run_time=True)) == []


def test_no_circle_binds_two_rooms_not_even_by_annotations() -> None:
    found = circles(imports_of_the_package(at_run_time=False))
    assert [circle for circle in found if len({room_of(module) for module in circle}) > 1] == []


def test_circles_within_a_room_do_not_become_more() -> None:
    assert circles(imports_of_the_package(at_run_time=False)) == []


def test_no_part_of_the_canvas_knows_its_view() -> None:
    """They are told what they need: scene, camera, edits, or a desk with all of these."""
    found = imports_of_the_package(at_run_time=False)
    assert [name for name in found if "nnviz.gui.canvas.view" in found[name]] == ["nnviz.gui.canvas"]


def test_planted_circles_are_found(tmp_path: Path) -> None:
    texts = {
        "a": "from b import thing",
        "b": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from c import other",
        "c": "def work():\n    import a",
        "d": "import a",
    }
    files = {}
    for name, text in texts.items():
        files[name] = tmp_path / f"{name}.py"
        files[name].write_text(text, encoding="utf-8")
    assert circles(imports(files, at_run_time=False)) == [("a", "b", "c")]
    assert circles(imports(files, at_run_time=True)) == []


@pytest.mark.parametrize(
    ("module", "room"), [("nnviz.gui.canvas.view", "nnviz.gui.canvas"), ("nnviz.cli", "nnviz.cli")]
)
def test_rooms(module: str, room: str) -> None:
    assert room_of(module) == room
