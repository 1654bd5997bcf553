"""Folding and unfolding where the network was in order: it is put in order again, rather than pushed apart.

Room made for one frame (``unfolding.py``) keeps what a hand has arranged. Where nothing has been moved since the last
arrangement, another arrangement looks better.
"""

from __future__ import annotations

from msgspec.structs import replace as changed

from nnviz.project.drawing.frames import Sizes
from nnviz.project.drawing.group_layout import arrange_view
from nnviz.project.drawing.unfolding import collapsed, expanded, group_of, moving
from nnviz.project.edit import Edit, Several
from nnviz.project.graph.groups import GraphView, title_of, trail, view_of
from nnviz.project.group_edits import Regroup
from nnviz.project.model import Graph, Group, Node, Project

_Room = tuple[float, float] | None
#: Cards that stand no farther than this from where the arrangement puts them have not been moved by hand.
_NEAR = 1.5


def is_tidy(graph: Graph, sizes: Sizes | None = None, root: str = "", room: _Room = None) -> bool:
    """Whether all that is seen stands as :func:`arrange_view` puts it, apart from where the whole begins."""
    view = view_of(graph, root)
    seen = _cards(view)
    if not seen:
        return True
    # The arrangement for a view and the one for none are both in order.
    for given in dict.fromkeys((room, None)):
        places = arrange_view(graph, sizes, root, given)
        x, y = places[seen[0].id]
        across, down = seen[0].x - x, seen[0].y - y
        if all(
            abs(item.x - across - places[item.id][0]) <= _NEAR and abs(item.y - down - places[item.id][1]) <= _NEAR
            for item in seen
        ):
            return True
    return False


def _cards(view: GraphView) -> list[Node | Group]:
    return [*view.nodes.values(), *view.cards.values()]


def toggle_edit(graph: Graph, group: str, sizes: Sizes | None = None, root: str = "", room: _Room = None) -> Edit:
    """Unfolds a collapsed group, or folds an expanded one.

    Args:
        graph: The whole.
        group: Id of the group.
        sizes: Of cards, by id of the node or group; also of those that come into sight.
        root: The group that is looked into.
        room: (width, height) of the view.

    Raises:
        ProjectError: There is no such group.
    """
    item = group_of(graph, group)
    change = (expanded if item.collapsed else collapsed)(graph, group, sizes)
    if not is_tidy(graph, sizes, root, room):
        return change
    title = f"{'Unfold' if item.collapsed else 'Fold'} {title_of(item)}"
    return _arranged(graph, Regroup({group: changed(item, collapsed=not item.collapsed)}), title, sizes, root, room)


def fold_all_edit(graph: Graph, fold: bool, sizes: Sizes | None = None, root: str = "", room: _Room = None) -> Edit:
    """Folds up, or unfolds, every group inside what is looked into, and arranges what is seen then."""
    groups = {
        group: changed(item, collapsed=fold)
        for group, item in graph.groups.items()
        if item.collapsed is not fold and group != root and (not root or root in trail(graph, group))
    }
    title = f"{'Fold' if fold else 'Unfold'} all groups"
    return _arranged(graph, Regroup(groups), title, sizes, root, room) if groups else Several((), title)


def _arranged(graph: Graph, change: Edit, title: str, sizes: Sizes | None, root: str, room: _Room) -> Edit:
    """A change of the groups, with everything in order afterwards; the whole begins where it did."""
    after = change.apply(Project(graph=graph)).graph
    places = arrange_view(after, sizes, root, room)
    seen = _cards(view_of(graph, root))
    across = min((item.x for item in seen), default=0.0)
    down = min((item.y for item in seen), default=0.0)
    left = min((x for x, _ in places.values()), default=0.0)
    top = min((y for _, y in places.values()), default=0.0)
    moved = {item: (x - left + across, y - top + down) for item, (x, y) in places.items()}
    return Several((change, *moving(after, moved)), title, arranges=True)
