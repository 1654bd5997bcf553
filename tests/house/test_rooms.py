"""The rooms of the house: who may know whom."""

from __future__ import annotations

import ast
import functools
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ["project", "record", "data", "network", "probes", "train", "explain"]

IMPORT_ALL = """
import importlib, pkgutil, sys
BLOCKED = {blocked!r}
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ImportError(name + " is taken away for this test")
sys.meta_path.insert(0, Block())
def import_all(room):
    package = importlib.import_module("nnviz." + room)
    count = 1
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
        count += 1
    assert not BLOCKED & {{name.split(".")[0] for name in sys.modules}}
    print(count, flush=True)
"""
#: Each room in a process of its own, which begins with torch and numpy: importing them takes longer than all else.
EACH_ALONE = """
import os, torch
for room in {rooms!r}:
    child = os.fork()
    if child == 0:
        try:
            print(room, end=" ")
            import_all(room)
        except BaseException as error:
            print(repr(error).replace(chr(10), " "), flush=True)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
"""


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@functools.cache
def modules_without_qt() -> dict[str, str]:
    """How many modules of each room of the core are imported where there is no Qt, or what is wrong."""
    code = IMPORT_ALL.format(blocked={"PySide6", "shiboken6", "pyqtgraph"})
    if hasattr(os, "fork"):
        lines = run_python(code + EACH_ALONE.format(rooms=CORE)).splitlines()
    else:
        lines = [f"{room} {run_python(f'{code}import_all({room!r})')}" for room in CORE]
    return {room: found for room, _, found in (line.partition(" ") for line in lines)}


@pytest.mark.parametrize("room", CORE)
def test_the_core_works_without_qt(room: str) -> None:
    assert int(modules_without_qt()[room]) > 1


@pytest.mark.parametrize("room", ["project", "record"])
def test_documents_and_records_work_without_torch(room: str) -> None:
    blocked = {"PySide6", "shiboken6", "pyqtgraph", "torch", "torchvision", "sklearn"}
    if room == "project":
        blocked.add("numpy")
    assert int(run_python(f"{IMPORT_ALL.format(blocked=blocked)}import_all({room!r})")) > 1


def test_the_command_line_loads_torch_and_qt_only_when_a_command_needs_them() -> None:
    blocked = {"PySide6", "shiboken6", "pyqtgraph", "torch", "torchvision", "sklearn"}
    assert int(run_python(f"{IMPORT_ALL.format(blocked=blocked)}import_all('commands')")) > 10


def test_importing_nnviz_loads_neither_torch_nor_qt() -> None:
    heavy = "{'torch', 'numpy', 'msgspec', 'tqdm', 'PySide6', 'pyqtgraph', 'sklearn'}"
    assert run_python(f"import sys, nnviz, nnviz.cli; print({heavy} & set(sys.modules))").strip() == "set()"


def test_the_window_is_imported_without_torch() -> None:
    code = "import sys, nnviz.gui.window.window; print({'torch', 'torchvision', 'sklearn'} & set(sys.modules))"
    assert run_python(code).strip() == "set()"


def test_import_contracts_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert f"{len(contracts)} kept, 0 broken" in done.stdout


def test_no_two_test_files_have_the_same_name() -> None:
    """Without packages, pytest takes the second one for the first and reports an error instead of its tests."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(set(names)) == sorted(names)


def test_what_is_put_off_belongs_to_somebody() -> None:
    """``QTimer.singleShot(0, self.changed.emit)`` comes to an object that has gone with its window: see ``soon``."""
    without_owner = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in (ROOT / "nnviz" / "gui").rglob("*.py")
        if "singleShot" in (text := path.read_text(encoding="utf-8"))
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "singleShot" and len(call.args) < 3
    ]
    assert without_owner == []
