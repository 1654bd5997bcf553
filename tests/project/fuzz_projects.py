"""``python fuzz_projects.py SEED COUNT FOLDER``: everything the program does with a project, done with hostile files.

A process of its own, because a hook that watches what Python does stays for ever. It refuses to start programs, to
speak to the network, to run code that was text, and to write outside FOLDER. Prints one JSON object.
"""

from __future__ import annotations

import contextlib
import io as streams
import json
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from fuzzed_projects import Forge

from nnviz.commands.summary import summary
from nnviz.data import datasets as data_sets
from nnviz.errors import InputError
from nnviz.project import registry
from nnviz.project.checks.shapes import infer
from nnviz.project.checks.validate import validate
from nnviz.project.document import Document
from nnviz.project.drawing.group_layout import arrange_view
from nnviz.project.drawing.grouping import group_edit, remove_edit, ungroup_edit
from nnviz.project.drawing.unfolding import collapsed, expanded
from nnviz.project.edits import (
    AddNodes,
    Bypass,
    Connect,
    Disconnect,
    Edit,
    Move,
    RemoveNodes,
    Rename,
    SetKind,
    SetParam,
    SetProject,
    new_id,
)
from nnviz.project.files import io
from nnviz.project.graph.bypass import effective_graph
from nnviz.project.model import Edge, Node, PortRef, Project
from nnviz.project.samples import templates

#: Seconds and bytes that one file may take at most; a busy machine is several times slower than a free one.
SECONDS, BYTES = 60, 1_500_000_000
_FORBIDDEN = (
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.startfile",
    "pty.spawn", "socket.", "urllib.Request", "ctypes.dlopen", "compile", "pickle.find_class", "marshal.load",
    "webbrowser.open", "sqlite3.connect", "os.putenv", "sys.settrace",
)  # fmt: skip
_CHANGING = (
    "os.remove",
    "os.rename",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "shutil.",
)


class BreachError(BaseException):
    """Something was done that no project may bring about."""


class Guard:
    """The hook; harmless until it is armed."""

    def __init__(self, folder: Path) -> None:
        self.folder = os.path.realpath(folder)
        self.armed = False
        self.breaches: list[str] = []
        sys.addaudithook(self._look)

    def _look(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.armed:
            return
        wrong = event.startswith(_FORBIDDEN)
        if event == "open":
            path, mode, flags = arguments
            writes = any(sign in (mode or "") for sign in "wax+") or (flags or 0) & (
                os.O_WRONLY | os.O_RDWR | os.O_CREAT
            )
            wrong = bool(writes) and not self._own(path)
        elif event.startswith(_CHANGING):
            wrong = any(isinstance(one, str | bytes | os.PathLike) and not self._own(one) for one in arguments)
        if wrong:
            self.breaches.append(f"{event} {arguments!r:.200}")
            raise BreachError(event)

    def _own(self, path: object) -> bool:
        if isinstance(path, int):
            return True  # Opened before, which was looked at.
        name = os.path.realpath(os.fsdecode(path))  # type: ignore[arg-type]
        return name.startswith(self.folder + os.sep)


def random_edit(project: Project, draw: random.Random) -> Edit:
    """Any edit, sensible or not."""
    graph = project.graph
    ids = list(graph.nodes)
    items = [*ids, *graph.groups, *graph.notes, *graph.arrows]
    node = draw.choice(ids) if ids else "missing"
    spec = registry.layer(graph.nodes[node].kind) if ids else registry.layer("relu")
    match draw.randrange(14):
        case 0:
            kind = draw.choice(list(registry.layers()))
            return AddNodes((Node(new_id(graph, kind), kind, x=draw.uniform(-1e6, 1e6)),))
        case 1:
            return RemoveNodes((node,), draw.random() < 0.5)
        case 2:
            other = draw.choice(ids) if ids else node
            return Connect(Edge(PortRef(node), PortRef(other, draw.choice((0, 0, 1, 5)))))
        case 3 if graph.edges:
            return Disconnect(draw.choice(graph.edges))
        case 4:
            return SetKind(node, draw.choice(list(registry.layers())))
        case 5 if spec.params:
            param = draw.choice(spec.params)
            values = (0, 1, 2, 3, -1, 0.5, True, (3, 3), (1, 2, 3), "same", None, 10**9, 1e30)
            return SetParam(node, param.name, draw.choice(values))  # type: ignore[arg-type]
        case 6 if items:
            far = draw.choice((10.0, 1e5, 1e6, 2e6))
            return Move({draw.choice(items): (draw.uniform(-far, far), draw.uniform(-far, far))})
        case 7 if items:
            return group_edit(graph, draw.sample(items, min(len(items), draw.randrange(1, 6))), "a group")
        case 8 if graph.groups:
            make = draw.choice((expanded, collapsed, ungroup_edit))
            return make(graph, draw.choice(list(graph.groups)))
        case 9 if items:
            return remove_edit(graph, draw.sample(items, min(len(items), draw.randrange(1, 5))), draw.random() < 0.5)
        case 10:
            return Move(arrange_view(graph))
        case 11:
            return Bypass({node: draw.random() < 0.5})
        case 12:
            return SetProject(draw.choice(("", "x", "網")), None)
        case _:
            return Rename(node, draw.choice(("", "a name", "b" * 300)))


def use(path: Path, draw: random.Random) -> bool:
    """Do with a file what the program does; whether it could be opened.

    Raises:
        InputError: It was refused, as it may be.
    """
    try:
        project = io.load(path)
    except InputError as error:
        text = str(error)
        assert text.isprintable() and len(text) < 2000 and path.name in text, text
        return False
    try:
        facts = data_sets.facts(project.data)
    except InputError:
        facts = None
    inference = infer(effective_graph(project.graph))
    small = len(project.graph.nodes) < 150
    for found in validate(project, facts, inference, memory_limit=2**31, try_fixes=small):
        assert found.text and found.text.replace("\u202f", " ").isprintable(), found
        if small and found.fixes:
            with contextlib.suppress(InputError):
                found.fixes[0].edit.apply(project)
    out = streams.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(InputError):
        summary(str(path), as_json=draw.random() < 0.5)
    assert "total" in out.getvalue()
    io.save(project, path)
    assert io.load(path) == project
    assert io.dumps(io.load(path)) == path.read_bytes()
    document = Document(project)
    document.set_facts(facts)
    for _ in range(20 if small else 3):
        try:
            document.apply(random_edit(document.project, draw))
        except InputError as error:
            assert str(error).isprintable()
    edited = document.project
    assert io.loads(io.dumps(edited)) == edited
    while document.undo():
        pass
    assert document.project == project, "undoing everything does not lead back"
    while document.redo():
        pass
    assert document.project == edited, "doing everything again leads elsewhere"
    return True


def too_slow(*_: object) -> None:
    """Ends a file that takes too long."""
    raise TimeoutError(f"one file took more than {SECONDS} seconds")


def main() -> None:
    """Try them all."""
    seed, count, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    forge = Forge(seed)
    guard = Guard(folder)
    path = folder / "fuzzed.nnviz"
    for sample in templates.samples()[:2]:  # What is imported on first use is imported here.
        io.save(templates.sample(sample.name), path)
        use(path, random.Random(0))
    if hasattr(signal, "SIGALRM"):
        import resource

        import psutil

        most = psutil.Process().memory_info().vms + BYTES
        with contextlib.suppress(ValueError, OSError):  # macOS knows no such limit.
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
        signal.signal(signal.SIGALRM, too_slow)
    opened, slowest, failures = 0, 0.0, []
    for number in range(count):
        data = forge.file()
        path.write_bytes(data)
        began = time.perf_counter()
        if hasattr(signal, "SIGALRM"):
            signal.alarm(SECONDS)
        guard.armed = True
        try:
            opened += use(path, random.Random(seed * 1_000_003 + number))
        except BaseException as error:  # each is a find, and the next file may show another
            guard.armed = False
            if isinstance(error, KeyboardInterrupt):
                raise
            kept = folder / f"failed-{seed}-{number}.nnviz"
            kept.write_bytes(data)
            failures.append({"file": str(kept), "error": repr(error)[:300], "trace": traceback.format_exc()[-1500:]})
        finally:
            guard.armed = False
            if hasattr(signal, "SIGALRM"):
                signal.alarm(0)
        slowest = max(slowest, time.perf_counter() - began)
    result = {"files": count, "opened": opened, "slowest": slowest, "failures": failures[:10], "count": len(failures)}
    sys.stdout.write(json.dumps({**result, "breaches": guard.breaches[:10]}))


if __name__ == "__main__":
    main()
