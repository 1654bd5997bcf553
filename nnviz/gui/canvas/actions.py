"""What can be done on the canvas, as actions for menus, keys and the command palette."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from PySide6.QtWidgets import QMenu

from nnviz.gui.canvas.hands.noting import COLOURS
from nnviz.gui.canvas.hands.tools import Tools
from nnviz.gui.parts.action import Action, Key, Offer, Submenu, always
from nnviz.project import registry
from nnviz.project.drawing.alignment import Alignment, Direction
from nnviz.project.model import Edge

#: Each with its words, its keys and what of the cards comes to lie on one line.
ALIGNMENTS: tuple[tuple[Alignment, str, str, str], ...] = (
    (Alignment.LEFT, "Align &left", "Ctrl+Shift+Left", "Left edges"),
    (Alignment.CENTRE, "Align &centre", "Ctrl+Shift+C", "Centres, one above the other"),
    (Alignment.RIGHT, "Align &right", "Ctrl+Shift+Right", "Right edges"),
    (Alignment.TOP, "Align &top", "Ctrl+Shift+Up", "Top edges"),
    (Alignment.MIDDLE, "Align &middle", "Ctrl+Shift+M", "Middles, side by side"),
    (Alignment.BOTTOM, "Align &bottom", "Ctrl+Shift+Down", "Bottom edges"),
)
DISTRIBUTIONS: tuple[tuple[Direction, str, str], ...] = (
    (Direction.HORIZONTAL, "Distribute &horizontally", "Ctrl+Shift+H"),
    (Direction.VERTICAL, "Distribute &vertically", "Ctrl+Shift+V"),
)


#: Actions that change nothing of the network; all others cannot be used where it is read-only.
_ONLY_LOOK = frozenset(
    (
        *("copy", "select_all", "enter_group", "leave_group", "explain_number"),
        *("zoom_in", "zoom_out", "zoom_reset", "fit", "zoom_selection"),
    )
)


def canvas_actions(tools: Tools) -> tuple[Offer, ...]:
    """What the canvas contributes to the window's actions."""

    def action(
        name: str,
        text: str,
        help: str,
        do: Callable[..., object],
        *keys: Key | str,
        place: tuple[str, int],
        icon: str = "",
        everywhere: bool = False,
    ) -> Action:
        menu, section = place
        return Action(
            name=name,
            text=text,
            help=help,
            do=do,
            keys=keys,
            icon=icon,
            menu=menu,
            section=section,
            why_not=always if name in _ONLY_LOOK else why_no_change,
            canvas_only=not everywhere,
        )

    def why_no_change() -> str:
        return tools.desk.read_only

    def add_at_mouse() -> None:
        desk.take_keyboard()
        tools.quick_add.open()

    def connect_by_keyboard() -> None:
        desk.take_keyboard()
        tools.connect_by_keys()

    desk, groups, notes = tools.desk, tools.groups, tools.notes
    editing, camera, scene = desk.editing, desk.camera, desk.scene
    edit = ("&Edit", 2)
    line, gaps = ("A&rrange", 2), ("A&rrange", 3)
    look = ("&View", 1)
    return (
        action("cut", "Cu&t", "Cut the selected layers", editing.cut, Key.Cut, icon="cut", place=edit),
        action("copy", "&Copy", "Copy the selected layers", editing.copy, Key.Copy, icon="copy", place=edit),
        action("paste", "&Paste", "Paste layers", editing.paste, Key.Paste, icon="paste", place=edit),
        action("duplicate", "&Duplicate", "Double the selected layers", editing.duplicate, "Ctrl+D", place=edit),
        action(
            "delete",
            "Remo&ve",
            "Remove the selected layers and wires",
            editing.delete,
            Key.Delete,
            icon="trash",
            place=edit,
        ),
        action("select_all", "Select &all", "Select every layer", desk.select_all, Key.SelectAll, place=edit),
        Action(
            name="select_before",
            text="Se&lect layers before",
            help="Select, beside the selected cards, all those that their values come from",
            do=lambda: scene.select(with_those_before(scene.wires, scene.selected)),
            keys=("Ctrl+Alt+A",),
            menu="&Edit",
            section=2,
            why_not=lambda: "" if scene.selected else "Select a layer first.",
            canvas_only=True,
        ),
        action(
            "bypass",
            "&Bypass",
            "Leave the selected layers out for the time being, or take them in again",
            groups.bypass_selected,
            "B",
            place=("&Edit", 3),
        ),
        action(
            "freeze",
            "Free&ze",
            "Leave the parameters of the selected layers as they are while training, or train them again",
            groups.freeze_selected,
            "Shift+B",
            place=("&Edit", 3),
        ),
        action(
            "rename",
            "Rena&me",
            "Write another title on the selected card",
            tools.rename,
            "F2",
            place=("&Edit", 4),
        ),
        action(
            "connect",
            "Co&nnect to…",
            "Draw a wire from the selected layer by keyboard",
            connect_by_keyboard,
            "C",
            place=("&Edit", 4),
        ),
        action(
            "explain_number",
            "Explain this &number",
            "Take a number of the selected layer apart: what it is made of, and what it changes",
            tools.explain_selected,
            "E",
            place=("E&xplain", 1),
        ),
        action(
            "quick_add",
            "&At the mouse…",
            "Find a layer and add it at the mouse",
            add_at_mouse,
            "Shift+A",
            icon="plus",
            place=("&Add", 1),
        ),
        action("note", "&Note", "Write a note at the mouse", notes.add, "N", icon="note", place=("&Add", 2)),
        action("arrow", "A&rrow", "Draw an arrow on the canvas", notes.arm, "Shift+N", icon="arrow", place=("&Add", 2)),
        *(
            action(
                f"colour_{colour}",
                f"Colour: {words.lower()}",
                "Colour the selected notes and arrows",
                partial(notes.colour, colour),
                keys,
                place=("&Add", 2),
            )
            for colour, words, keys in COLOURS
        ),
        Submenu(menu="&Add", section=3, make=lambda parent: layer_menus(parent, desk.add_layer)),
        action(
            "arrange",
            "Arran&ge",
            "Put all cards in order",
            desk.arrange,
            "Ctrl+Shift+A",
            icon="arrange",
            place=("A&rrange", 1),
            everywhere=True,
        ),
        *(
            action(
                f"align_{way.value}",
                text,
                f"{edges} of the selected cards",
                partial(editing.align, way),
                keys,
                place=line,
            )
            for way, text, keys, edges in ALIGNMENTS
        ),
        *(
            action(
                f"distribute_{along.value}",
                text,
                "Equal gaps between the selected cards",
                partial(editing.distribute, along),
                keys,
                place=gaps,
            )
            for along, text, keys in DISTRIBUTIONS
        ),
        action(
            "group",
            "&Group",
            "Make one block of the selected layers",
            groups.group_selected,
            "Ctrl+G",
            place=("&Group", 1),
        ),
        action(
            "ungroup",
            "&Ungroup",
            "Take the selected group apart",
            groups.ungroup_selected,
            "Ctrl+Shift+G",
            place=("&Group", 1),
        ),
        action(
            "fold",
            "&Fold or unfold",
            "Show the selected group as one card, or what stands in it",
            groups.toggle_selected,
            "Ctrl+.",
            place=("&Group", 2),
        ),
        action(
            "fold_all",
            "Fold &all",
            "Every group as one card",
            lambda: groups.set_all(fold=True),
            "Ctrl+Alt+.",
            place=("&Group", 2),
            everywhere=True,
        ),
        action(
            "unfold_all",
            "U&nfold all",
            "Show what stands in every group",
            lambda: groups.set_all(fold=False),
            "Ctrl+Shift+.",
            place=("&Group", 2),
            everywhere=True,
        ),
        action(
            "enter_group",
            "Look &inside",
            "Show only what stands in the selected group",
            groups.enter_selected,
            "Ctrl+Return",
            place=("&Group", 3),
        ),
        action(
            "leave_group",
            "&Leave",
            "Show what stands around the group",
            groups.leave,
            "Ctrl+Backspace",
            place=("&Group", 3),
        ),
        action(
            "zoom_in",
            "Zoom &in",
            "Larger cards",
            camera.zoom_in,
            Key.ZoomIn,
            "Ctrl+=",
            icon="zoom-in",
            place=look,
            everywhere=True,
        ),
        action(
            "zoom_out",
            "Zoom &out",
            "Smaller cards",
            camera.zoom_out,
            Key.ZoomOut,
            icon="zoom-out",
            place=look,
            everywhere=True,
        ),
        action(
            "zoom_reset", "&Actual size", "Cards at 100 %", camera.zoom_reset, "Ctrl+0", place=look, everywhere=True
        ),
        action(
            "fit",
            "&Fit network",
            "Show the whole network",
            lambda: camera.fit(glide=True),
            "Ctrl+1",
            icon="fit",
            place=look,
            everywhere=True,
        ),
        action(
            "zoom_selection",
            "Zoom to &selection",
            "Show the selected layers",
            desk.zoom_to_selection,
            "Ctrl+2",
            place=look,
            everywhere=True,
        ),
    )


def with_those_before(wires: Iterable[Edge], chosen: Iterable[str]) -> list[str]:
    """Some cards, and behind them all cards from which a way along the wires leads to one of them."""
    sources: dict[str, list[str]] = {}
    for wire in wires:
        sources.setdefault(wire.target.node, []).append(wire.source.node)
    found = dict.fromkeys(chosen)
    waiting = list(found)
    while waiting:
        fresh = [source for source in sources.get(waiting.pop(), ()) if source not in found]
        found.update(dict.fromkeys(fresh))
        waiting += fresh
    return list(found)


def layer_menus(parent: QMenu, add: Callable[[str], object]) -> list[QMenu]:
    """Each family of layers as a menu of its layers."""
    menus = []
    for family, title in registry.FAMILIES:
        menu = QMenu(title, parent)
        menu.setToolTipsVisible(True)
        for kind, spec in registry.layers().items():
            if spec.family == family:
                entry = menu.addAction(spec.title)
                entry.setToolTip(spec.help)
                entry.triggered.connect(lambda _checked=False, kind=kind: add(kind))
        menus.append(menu)
    return menus
