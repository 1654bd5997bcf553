"""Columns and lanes: which cards of a network stand behind each other, and which side by side.

The first step of arranging a graph; ``layout.py`` turns columns and lanes into rows and places. Takes time in
proportion to nodes and wires; nothing recurses.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nnviz.project.model import Graph

#: Wires that run past other cards keep a lane free, up to this many cells; beyond it a picture helps nobody.
_MOST_PASSING = 6000
#: What a break of a row costs where it tears the wires of one more output, and where these run on past the next column.
_TORN = 6.0
_TORN_ON_THE_WAY = 6.0


@dataclass(frozen=True)
class Wires:
    """The graph by node index: who feeds whom. Wires to nowhere, to itself and doubled ones are left out."""

    names: Sequence[str]
    sources: list[list[int]]
    targets: list[list[int]]

    @classmethod
    def of(cls, graph: Graph) -> Wires:
        """Those of a graph."""
        names = list(graph.nodes)
        place = {name: index for index, name in enumerate(names)}
        sources: list[list[int]] = [[] for _ in names]
        targets: list[list[int]] = [[] for _ in names]
        pairs = dict.fromkeys(
            (place[edge.source.node], place[edge.target.node])
            for edge in sorted(graph.edges, key=lambda edge: edge.target.port)
            if edge.source.node in place and edge.target.node in place and edge.source.node != edge.target.node
        )
        for source, target in pairs:
            sources[target].append(source)
            targets[source].append(target)
        return cls(names, sources, targets)


@dataclass
class Cells:
    """Where each node of one connected part stands.

    Attributes:
        columns: The nodes of each column, by depth.
        lane: The lane of each node beside others of its column.
        price: What it costs the eye to break the row before a column: the outputs whose wires are torn, and more for
            those that run on past that column.
    """

    columns: list[list[int]]
    lane: dict[int, int]
    price: list[float]


def parts_of(wires: Wires) -> list[list[int]]:
    """The connected parts, each in the order its nodes were added."""
    seen = [False] * len(wires.names)
    parts: list[list[int]] = []
    for start in range(len(wires.names)):
        if seen[start]:
            continue
        seen[start] = True
        part, waiting = [], [start]
        while waiting:
            node = waiting.pop()
            part.append(node)
            for other in (*wires.sources[node], *wires.targets[node]):
                if not seen[other]:
                    seen[other] = True
                    waiting.append(other)
        parts.append(sorted(part))
    return parts


def order_of(wires: Wires, part: Sequence[int]) -> list[int]:
    """Every node after its sources, otherwise as added. A cycle is cut at the node of it that was added first."""
    waiting = {node: len(wires.sources[node]) for node in part}
    ready = [node for node in part if waiting[node] == 0]
    stuck = iter(part)
    order: list[int] = []
    done: set[int] = set()
    while len(order) < len(part):
        if not ready:
            ready = [next(node for node in stuck if node not in done)]
        node = heapq.heappop(ready)
        if node in done:
            continue
        done.add(node)
        order.append(node)
        for target in wires.targets[node]:
            waiting[target] -= 1
            if waiting[target] == 0 and target not in done:
                heapq.heappush(ready, target)
    return order


def _depths(wires: Wires, order: Sequence[int]) -> dict[int, int]:
    """The column of each node: behind the deepest of its sources. A second source stands right before its reader."""
    place = {node: index for index, node in enumerate(order)}
    depth: dict[int, int] = {}
    for node in order:
        depth[node] = max((depth[s] + 1 for s in wires.sources[node] if place[s] < place[node]), default=0)
    for node in reversed(order):
        if not wires.sources[node]:
            readers = [depth[t] for t in wires.targets[node] if place[t] > place[node]]
            depth[node] = max(0, min(readers, default=1) - 1)
    return depth


def cells_of(wires: Wires, order: Sequence[int]) -> Cells:
    """Columns and lanes. A wire that passes columns keeps the lane of its source free, so that no card hides it."""
    depth = _depths(wires, order)
    columns: list[list[int]] = [[] for _ in range(max(depth.values()) + 1)]
    for node in order:
        columns[depth[node]].append(node)
    passing = _passing(wires, order, depth)
    lane: dict[int, int] = {}
    for column, nodes in enumerate(columns):
        taken: set[int] = set()
        for source in sorted(passing.get(column, ()), key=lambda node: lane[node]):
            # The wires of one source share a lane. Where two sources meet in one lane, both wires run there anyway.
            taken.add(lane[source])
        wanted = {node: _wanted_lane(wires, node, column, depth, lane) for node in nodes}
        for node in sorted(nodes, key=lambda node: wanted[node]):
            lane[node] = _nearest_free(wanted[node], taken)
            taken.add(lane[node])
    return Cells(columns, lane, _prices(wires, depth, len(columns)))


def _wanted_lane(wires: Wires, node: int, column: int, depth: Mapping[int, int], lane: Mapping[int, int]) -> int:
    """The uppermost lane among the sources: where branches meet again, the network goes on at the top."""
    return min((lane[s] for s in wires.sources[node] if depth[s] < column and s in lane), default=0)


def _passing(wires: Wires, order: Sequence[int], depth: Mapping[int, int]) -> dict[int, list[int]]:
    """For each column the nodes whose wires run past it; the shortest wires first while there is room for them."""
    spans = sorted((max((depth[t] for t in wires.targets[node]), default=0) - depth[node] - 1, node) for node in order)
    passing: dict[int, list[int]] = {}
    left = _MOST_PASSING
    for span, node in spans:
        if span <= 0:
            continue
        left -= span
        if left < 0:
            break
        for column in range(depth[node] + 1, depth[node] + 1 + span):
            passing.setdefault(column, []).append(node)
    return passing


def _nearest_free(wanted: int, taken: set[int]) -> int:
    """The free lane nearest to the wanted one; below rather than above."""
    for distance in range(len(taken) + 1):
        if wanted + distance not in taken:
            return wanted + distance
        if wanted - distance >= 0 and wanted - distance not in taken:
            return wanted - distance
    return wanted + len(taken) + 1


def _prices(wires: Wires, depth: Mapping[int, int], count: int) -> list[float]:
    """See ``Cells.price``. All wires of one output count once: they can be drawn as a bundle."""
    change = [0.0] * (count + 2)
    for node, start in depth.items():
        end = max((depth[target] for target in wires.targets[node]), default=0)
        if end > start:
            change[start + 1] += _TORN
            change[end + 1] -= _TORN
        if end > start + 1:
            change[start + 1] += _TORN_ON_THE_WAY
            change[end] -= _TORN_ON_THE_WAY
    total, prices = 0.0, []
    for step in change[:count]:
        total += step
        prices.append(max(0.0, total - _TORN))
    return prices
