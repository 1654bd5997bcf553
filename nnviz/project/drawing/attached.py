"""Arrows hold on to what they begin and end at: who is moved takes the ends along that lie on it or next to it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace as changed

from nnviz.project.drawing.frames import FRAME_HEAD, Rect, Sizes, card_rects, frame_rects
from nnviz.project.edit import Edit, Several
from nnviz.project.graph.groups import GraphView, view_of
from nnviz.project.graph_edits import Move
from nnviz.project.group_edits import Annotate
from nnviz.project.model import Arrow, Graph

#: An end that is no farther than this from something belongs to it, in scene units.
REACH = 24.0


def attached_ends(view: GraphView, sizes: Sizes | None = None) -> dict[str, tuple[str, str]]:
    """By id of each arrow that is seen what its tail and what its tip belong to; an empty id for nothing.

    An end belongs to the card or note it lies on, the smaller where there are two, else to the nearest one. A frame is
    taken by its title and from outside: what lies inside it belongs to what stands there.
    """
    cards, frames = card_rects(view, sizes), frame_rects(view, sizes)

    def owner(x: float, y: float) -> str:
        point = Rect(x, y, 0.0, 0.0)
        near = [(rect.distance(point), rect.width * rect.height, item) for item, rect in cards.items()]
        for item, rect in frames.items():
            distance = rect.distance(point)
            if distance or y <= rect.y + FRAME_HEAD:
                near.append((distance, rect.width * rect.height, item))
        return min((found for found in near if found[0] <= REACH * REACH), default=(0.0, 0.0, ""))[2]

    return {
        arrow.id: (owner(arrow.x, arrow.y), owner(arrow.x + arrow.across, arrow.y + arrow.down))
        for arrow in view.arrows.values()
    }


def arrows_following(
    graph: Graph, places: Mapping[str, tuple[float, float]], sizes: Sizes | None = None, root: str = ""
) -> dict[str, Arrow]:
    """The arrows, by id, that change because something they begin or end at is put to another place.

    Args:
        graph: The whole, before.
        places: The new places of all that moves, members of groups included. An arrow that is named is moved by itself
            and keeps its form.
        sizes: Of cards.
        root: The group that is looked into.
    """
    view = view_of(graph, root)
    if not view.arrows:
        return {}
    ends = attached_ends(view, sizes)
    before = {**card_rects(view, sizes), **frame_rects(view, sizes)}
    after = {**card_rects(view, sizes, places), **frame_rects(view, sizes, places)}

    def way(item: str) -> tuple[float, float]:
        return (after[item].x - before[item].x, after[item].y - before[item].y) if item else (0.0, 0.0)

    found: dict[str, Arrow] = {}
    for identity, (tail, tip) in ends.items():
        (right, down), (tip_right, tip_down) = way(tail), way(tip)
        if identity not in places and (right or down or tip_right or tip_down):
            arrow = view.arrows[identity]
            found[identity] = changed(
                arrow,
                x=arrow.x + right,
                y=arrow.y + down,
                across=arrow.across + tip_right - right,
                down=arrow.down + tip_down - down,
            )
    return found


def moved_edit(
    graph: Graph,
    places: Mapping[str, tuple[float, float]],
    sizes: Sizes | None = None,
    root: str = "",
    gesture: str = "",
) -> Edit:
    """Puts cards to new places, and the arrows along that belong to them; see :func:`arrows_following`."""
    move = Move(places, gesture=gesture)
    arrows = arrows_following(graph, places, sizes, root)
    return Several((move, Annotate(arrows=arrows)), move.title, gesture=gesture) if arrows else move


def arranged_edits(
    graph: Graph, places: Mapping[str, tuple[float, float]], sizes: Sizes | None = None, root: str = ""
) -> tuple[Edit, ...]:
    """Puts everything to the places of an arrangement; arrows that belong to something at both ends lead there still.

    Others go where the arrangement puts them, with what is nearest to their tip.
    """
    held = {arrow for arrow, ends in attached_ends(view_of(graph, root), sizes).items() if all(ends)}
    kept = {item: place for item, place in places.items() if item not in held}
    arrows = arrows_following(graph, kept, sizes, root)
    return (Move(kept), Annotate(arrows=arrows)) if arrows else (Move(kept),)
