"""Hostile project files, the same for the same seed: made from every sample and from projects that use everything."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from nnviz.project import registry, settings
from nnviz.project.drawing.grouping import group_edit
from nnviz.project.edits import AddNodes, Annotate, Bypass
from nnviz.project.files import io
from nnviz.project.model import Arrow, Node, Note, Project
from nnviz.project.samples import templates

#: Names that Python, torch or a file system take for something else.
IDS = (
    "forward", "train", "training", "parameters", "random_state", "children", "modules", "named_modules", "state_dict",
    "load_state_dict", "register_buffer", "register_parameter", "add_module", "apply", "eval", "half", "float",
    "double",
    "cpu", "cuda", "to", "type", "call_super_init", "dump_patches", "t_destination", "zero_grad", "requires_grad_",
    "share_memory", "get_parameter", "get_submodule", "compile", "bfloat16", "buffers", "extra_repr", "ipu", "xpu",
    "__init__", "__class__", "__dict__", "_modules", "_parameters", "self", "none", "None", "lambda", "class", "loss",
    "a.b", "a/b", "../x", "", " ", "A", "0", "ä", "a" * 64, "a" * 65, "nodes", "input", "output", "group1", "note1",
)  # fmt: skip
TEXTS = (
    "", " ", "x", "\n", "\t", "\0", "\x1b[31m", "\u202eabc", "\u2028", "\ud800", "\udfff\ud800", "😀", "é" * 300,
    "<b>fett</b>", "**a** [x](javascript:1)", "%s%n{0}{__class__}", "$(touch x)", "`id`", "'; DROP TABLE", "網" * 9000,
    "http://localhost:1/x", "~nobody-of-this-name", "/dev/zero", "/proc/self/mem", "a" * 5000, "- \n" * 4000, "[*]",
)  # fmt: skip
NUMBERS = (
    0, 1, -1, 2, 3, 7, 255, 256, 4095, 65_536, 2**31 - 1, 2**31, 2**53, 2**63, 2**64, -(2**63), 10**18, 10**30, 10**300,
    -(10**40), 0.0, -0.0, 0.5, 1.5, -1e-9, 1e-320, 1e6, 1e6 + 1, -1e6, 1e18, 1e300, -1e308, 1.7e308, 3.0, 1e15,
)  # fmt: skip
_RAW = (
    b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"9" * 5000, b"0." + b"0" * 9000, b"[" * 60, b"{" * 60,
    b"\xff", b"\0", b"\xef\xbb\xbf", b"\xed\xa0\x80", b'"\\ud800"', b'"\\u0000"', b"\\", b'"', b",", b",,", b":", b"//",
    b"null", b"true", b"[]", b"{}", b'{"nnviz":', b"\r", b'"nnviz": 1,', b'"id": "x", "id": "y",', b"SQLite format 3\0",
)  # fmt: skip


def everything() -> Project:
    """A project with groups in groups, notes, arrows, bypassed and loose layers, and written weights."""
    project = templates.sample("digits-cnn")
    chosen = [node for node in project.graph.nodes if node.startswith(("conv", "relu"))]
    project = group_edit(project.graph, chosen[:2], "inner").apply(project)
    inner = next(iter(project.graph.groups))
    project = group_edit(project.graph, [inner, chosen[2]], "outer").apply(project)
    loose = tuple(Node(f"loose{at}", kind, x=80.0 * at) for at, kind in enumerate(registry.layers()))
    project = AddNodes(loose).apply(project)
    notes = {f"note{at}": Note(f"note{at}", "**What** happens\n- here", 10.0 * at, 5.0, group=inner) for at in range(4)}
    project = Annotate(notes, {"arrow1": Arrow("arrow1", 0.0, 0.0, 100.0, 50.0)}).apply(project)
    return Bypass({chosen[1]: True}).apply(project)


class Forge:
    """Makes one hostile file after the other."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        projects = [everything()] + [templates.sample(sample.name) for sample in templates.samples()]
        written = sorted((io.dumps(project) for project in projects), key=len)
        #: Small ones first, which are drawn more often: a fault rarely needs a large network.
        self._bases = [*written, *(data.replace(b'"nnviz": 2', b'"nnviz": 1') for data in written)]
        self._rich = io.dumps(projects[0])

    def file(self) -> bytes:
        """The next one."""
        draw = self.draw
        base = self._rich if draw.random() < 0.4 else self._bases[int(len(self._bases) * draw.random() ** 2)]
        if draw.random() < 0.35:
            return self._torn(base)
        root: Any = json.loads(base)
        if draw.random() < 0.6:
            for _ in range(draw.choice((1, 1, 2, 5, 20))):
                self._plausibly(root)
            return json.dumps(root).encode()
        for _ in range(draw.choice((1, 1, 1, 2, 3, 8))):
            root = self._changed(root)
        data = json.dumps(root, ensure_ascii=draw.random() < 0.5).encode("utf-8", "surrogatepass")
        return self._torn(data) if draw.random() < 0.1 else data

    # -- as JSON ------------------------------------------------------------------------------------------------------

    def value(self, deep: int = 0) -> Any:
        """Any value."""
        draw = self.draw
        kind = draw.randrange(9 if deep < 3 else 6)
        match kind:
            case 0:
                return draw.choice((None, True, False))
            case 1 | 2:
                return draw.choice(NUMBERS)
            case 3:
                return draw.choice(TEXTS)
            case 4:
                return draw.choice(IDS)
            case 5:
                return draw.choice((*registry.layers(), *registry.optimizers(), "mnist", "image_folder", "digits"))
            case 6:
                return [self.value(deep + 1) for _ in range(draw.randrange(5))]
            case 7:
                return [draw.choice(NUMBERS)] * draw.choice((1, 2, 3, 4, 9, 5000))
            case _:
                return {draw.choice((*IDS, *self._names())): self.value(deep + 1) for _ in range(draw.randrange(4))}

    def _names(self) -> list[str]:
        known = [param.name for spec in registry.layers().values() for param in spec.params]
        return [
            *known,
            "preparation",
            "scaling",
            *(param.name for param in (*settings.DATA, *settings.TRAINING)),
            "source",
            "target",
            "group",
        ]

    def _plausibly(self, root: Any) -> None:
        """A change that a person or a program of good will could have made."""
        draw = self.draw
        graph = root["graph"]
        nodes, edges = graph["nodes"], graph["edges"]
        groups = graph.get("groups", [])
        node = draw.choice(nodes) if nodes else {"id": "none", "kind": "relu"}
        match draw.randrange(11):
            case 0 if edges:
                edges.remove(draw.choice(edges))
            case 1 if nodes:
                nodes.remove(node)
                graph["edges"] = [edge for edge in edges if node["id"] not in (edge["source"], edge["target"])]
            case 2 if edges:
                draw.choice(edges)["target"] = draw.choice(nodes)["id"]
            case 3:
                node.setdefault("params", {})
                specs = registry.layer(node["kind"]).params
                if specs:
                    small = (1, 2, 3, 5, 16, 0, 0.5, True, [2, 3], [1, 28, 28], "same", "relu", None, 4096)
                    node["params"][draw.choice(specs).name] = draw.choice(small)
            case 4:
                node["kind"] = draw.choice(list(registry.layers()))
                node.pop("params", None)
            case 5:
                node["bypassed"] = draw.random() < 0.5
            case 6 if groups:
                inner = draw.choice([*nodes, *groups, *graph.get("notes", [])])
                inner["parent" if inner in groups else "group"] = draw.choice([*groups, {"id": ""}])["id"]
            case 7:
                old, new = node["id"], draw.choice(IDS)
                for edge in edges:
                    edge.update({end: new for end in ("source", "target") if edge[end] == old})
                node["id"] = new
            case 8:
                root["data"] = {
                    **root["data"],
                    "dataset": draw.choice(("digits", "xor", "mnist", "image_folder")),
                    "params": {},
                }
            case 9:
                root[draw.choice(("name", "note"))] = draw.choice(TEXTS)
            case _:
                node["x"], node["y"] = draw.choice(NUMBERS[:20]), draw.choice((0.0, 1e5, -3.5))

    def _changed(self, root: Any) -> Any:
        draw = self.draw
        places = list(_places(root))
        if not places:
            return self.value()
        # The head of a file is small beside its nodes: half of the changes go there.
        near = [place for place in places if place[2] <= 3]
        container, key, _ = draw.choice(near if near and draw.random() < 0.5 else places)
        old = container[key]
        match draw.randrange(10):
            case 0:
                del container[key]
            case 1 | 2 | 3:
                container[key] = self.value()
            case 4 if isinstance(old, int | float) and not isinstance(old, bool):
                container[key] = draw.choice((old + 1, old - 1, -old, old * 1000, old / 3, float(old), str(old), [old]))
            case 4 if isinstance(old, str):
                container[key] = draw.choice(
                    (old.upper(), old * 40, old + "\0", [old], {old: old}, old[:-1], "ä" + old)
                )
            case 5 if isinstance(container, dict):
                container[draw.choice((*IDS, *self._names()))] = self.value()
            case 5 if isinstance(container, list):
                container.insert(draw.randrange(len(container) + 1), self.value())
            case 6 if isinstance(old, list) and len(old) < 2000:
                container[key] = old * draw.choice((0, 2, 3, 40, 400))
            case 7:
                other = draw.choice(places)
                container[key] = json.loads(json.dumps(other[0].get(other[1]) if isinstance(other[0], dict) else old))
            case 8:
                for _ in range(draw.choice((1, 5, 40, 200))):
                    old = [old] if draw.random() < 0.5 else {"x": old}
                container[key] = old
            case _:
                self._cross(root)
        return root

    def _cross(self, root: Any) -> None:
        """Wires, groups and parents that lead to wrong things or in circles."""
        draw = self.draw
        graph = root.get("graph") if isinstance(root, dict) else None
        if not isinstance(graph, dict):
            return
        lists = [graph[name] for name in ("nodes", "edges", "groups", "notes", "arrows") if graph.get(name)]
        items = [item for one in lists if isinstance(one, list) for item in one if isinstance(item, dict)]
        names = [item["id"] for item in items if isinstance(item.get("id"), str)]
        if not names:
            return
        for _ in range(draw.choice((1, 3, 10))):
            item = draw.choice(items)
            fields = [name for name in ("source", "target", "group", "parent", "id", "source_port") if name in item]
            if fields:
                item[draw.choice(fields)] = draw.choice(names)
        if draw.random() < 0.3 and isinstance(graph.get("edges"), list):
            graph["edges"] += [
                {"source": draw.choice(names), "target": draw.choice(names), "target_port": draw.choice((0, 1, 63, 64))}
                for _ in range(draw.choice((1, 20, 300)))
            ]

    # -- as bytes -----------------------------------------------------------------------------------------------------

    def _torn(self, data: bytes) -> bytes:
        draw = self.draw
        for _ in range(draw.choice((1, 1, 2, 5))):
            at = draw.randrange(len(data) + 1)
            match draw.randrange(6):
                case 0:
                    data = data[:at]
                case 1:
                    data = data[:at] + bytes([draw.randrange(256)]) + data[at + 1 :]
                case 2 | 3:
                    data = data[:at] + draw.choice(_RAW) + data[at + draw.choice((0, 0, 1, 4)) :]
                case 4:
                    data = data[:at] + data[at + draw.randrange(1, 40) :]
                case _:
                    end = draw.randrange(at, len(data) + 1)
                    data = data[:end] + data[at:end][:5000] + data[end:]
        return data


def _places(value: Any, depth: int = 1) -> Iterator[tuple[Any, Any, int]]:
    """Every (container, key) in a value, and how deep it lies."""
    entries = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    for key, inner in entries:
        yield value, key, depth
        yield from _places(inner, depth + 1)
