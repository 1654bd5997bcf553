"""What an edit is: a change to a project that can be applied, inverted and merged. The edits are in ``edits.py``."""
# ruff: noqa: D102 - what the methods do is said once, in Edit.

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from msgspec.structs import replace as changed

from nnviz.errors import ProjectError
from nnviz.project.graph.wiring import MOST_EDGES, MOST_NODES, shortened
from nnviz.project.model import Graph, Node, Project


@dataclass(frozen=True)
class Edit(ABC):
    """One invertible change of a project; undo applies its inverse.

    Attributes:
        gesture: Edits of one gesture of the hand (a drag, a turn of the wheel) carry the same text here, and the
            history merges them into one step where they change the same thing.
        title: What it does, for the menu: ``Set kernel size of conv2``.
    """

    gesture: str = field(default="", kw_only=True)

    if TYPE_CHECKING:  # Not at run time: there an inherited property would stand in the way of the field in Several.

        @property
        def title(self) -> str: ...

    @abstractmethod
    def apply(self, project: Project) -> Project:
        """The project with the change made.

        Raises:
            ProjectError: The change does not fit this project.
            ParamError: It would set a parameter to a value that is not allowed.
        """

    @abstractmethod
    def invert(self, before: Project) -> Edit:
        """The edit that takes the change back, given the project to which this one is applied."""

    def target(self) -> Hashable:
        """What it sets, for edits of which a later one makes an earlier one superfluous; None for all others."""
        return None

    def merge(self, later: Edit) -> Edit | None:
        """One edit for both, or None where they do not belong together."""
        if not self.gesture or self.gesture != later.gesture:
            return None
        return self.joined(later)

    def joined(self, later: Edit) -> Edit | None:
        """Like :meth:`merge`, whatever the gesture."""
        if self.target() is None or self.target() != later.target():
            return None
        return later


@dataclass(frozen=True)
class Several(Edit):
    """Edits that are one step for the user, applied in order: all of them or none.

    Attributes:
        edits: In their order.
        title: For the menu.
        arranges: It puts cards to places that a rule has found, where no hand has moved them: a view may show the way.
    """

    edits: tuple[Edit, ...]
    title: str
    arranges: bool = False

    def apply(self, project: Project) -> Project:
        for edit in self.edits:
            project = edit.apply(project)
        return project

    def invert(self, before: Project) -> Edit:
        inverses: list[Edit] = []
        for edit in self.edits:
            inverses.append(edit.invert(before))
            before = edit.apply(before)
        return replace(self, edits=tuple(reversed(inverses)))

    def joined(self, later: Edit) -> Edit | None:
        if not isinstance(later, Several) or self.title != later.title:
            return None
        targets = [edit.target() for edit in self.edits]
        alike = targets == [edit.target() for edit in later.edits] and None not in targets
        if alike and len(set(targets)) == len(targets):  # They touch different things, so the order does not matter.
            pairs = (first.joined(second) for first, second in zip(self.edits, later.edits, strict=True))
            edits = tuple(edit for edit in pairs if edit is not None)
            if len(edits) == len(targets):
                return replace(later, edits=edits)
        return replace(later, edits=self.edits + later.edits)


def with_graph(project: Project, graph: Graph) -> Project:
    """The project with another graph.

    Raises:
        ProjectError: The graph has more nodes or wires than a project file may have.
    """
    if len(graph.nodes) > MOST_NODES or len(graph.edges) > MOST_EDGES:
        raise ProjectError(f"A network has at most {MOST_NODES} layers and {MOST_EDGES} wires.")
    return changed(project, graph=graph)


def with_nodes(project: Project, nodes: Iterable[Node]) -> Project:
    """The project with nodes exchanged for others of the same ids."""
    return with_graph(project, changed(project.graph, nodes={**project.graph.nodes, **{n.id: n for n in nodes}}))


def node_of(project: Project, node_id: str) -> Node:
    """A node of the project.

    Raises:
        ProjectError: There is none of that id.
    """
    try:
        return project.graph.nodes[node_id]
    except KeyError:
        raise ProjectError(f"There is no node '{shortened(node_id)}' in this network.") from None


def listed(ids: Iterable[str]) -> str:
    """Ids for a title: up to three by name, more by their number."""
    names = list(ids)
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} layers"
