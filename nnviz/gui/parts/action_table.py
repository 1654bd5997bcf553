"""The table of the window's actions: their words and their keys, and in which menu each stands.

Menus, context menus, the command palette and the shortcut sheet all say what stands here.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QKeySequence

from nnviz.project.drawing.alignment import Alignment, Direction

_Key = QKeySequence.StandardKey

#: Each with its words and its keys.
ALIGNMENTS: tuple[tuple[Alignment, str, str], ...] = (
    (Alignment.LEFT, "Align &left", "Ctrl+Shift+Left"),
    (Alignment.CENTRE, "Align &centre", "Ctrl+Shift+C"),
    (Alignment.RIGHT, "Align &right", "Ctrl+Shift+Right"),
    (Alignment.TOP, "Align &top", "Ctrl+Shift+Up"),
    (Alignment.MIDDLE, "Align &middle", "Ctrl+Shift+M"),
    (Alignment.BOTTOM, "Align &bottom", "Ctrl+Shift+Down"),
)
DISTRIBUTIONS: tuple[tuple[Direction, str, str], ...] = (
    (Direction.HORIZONTAL, "Distribute &horizontally", "Ctrl+Shift+H"),
    (Direction.VERTICAL, "Distribute &vertically", "Ctrl+Shift+V"),
)
#: Of notes and arrows.
COLOURS: tuple[tuple[str, str, str], ...] = (
    ("plain", "&Plain", "Alt+5"),
    ("accent", "&Blue", "Alt+6"),
    ("good", "&Green", "Alt+7"),
    ("warning", "&Orange", "Alt+8"),
    ("bad", "Re&d", "Alt+9"),
)


@dataclass(frozen=True)
class ActionSpec:
    """One action.

    Attributes:
        name: Key in the window's table of handlers.
        text: In the menu, with its mnemonic.
        help: Tooltip; the shortcut is added to it.
        keys: The first is shown.
        icon: Name of an icon, or empty.
        checkable: It is switched on and off; its handler takes a bool.
    """

    name: str
    text: str
    help: str
    keys: tuple[_Key | str, ...] = ()
    icon: str = ""
    checkable: bool = False


def _spec(name: str, text: str, help: str, *keys: _Key | str, icon: str = "", checkable: bool = False) -> ActionSpec:
    return ActionSpec(name, text, help, keys, icon, checkable)


_LINES = {
    Alignment.LEFT: "Left edges",
    Alignment.CENTRE: "Centres, one above the other",
    Alignment.RIGHT: "Right edges",
    Alignment.TOP: "Top edges",
    Alignment.MIDDLE: "Middles, side by side",
    Alignment.BOTTOM: "Bottom edges",
}

#: Menus in order: title, and the actions in it; None is a line, a text in angle brackets is a submenu made elsewhere.
MENUS: tuple[tuple[str, tuple[ActionSpec | str | None, ...]], ...] = (
    (
        "&File",
        (
            _spec("new", "&New", "An empty canvas", _Key.New, icon="file-new"),
            _spec("samples", "New from sa&mple…", "Choose one of the sample networks", "Ctrl+Shift+N", icon="network"),
            _spec("open", "&Open…", "Open a project, or a run that was recorded", _Key.Open, icon="folder-open"),
            "<recent>",
            "<runs>",
            None,
            _spec("save", "&Save", "Save the project", _Key.Save, icon="save"),
            _spec("save_as", "Save &as…", "Save the project under another name", _Key.SaveAs, "Ctrl+Shift+S"),
            _spec("save_run", "Save &run as…", "Keep everything this training measured in one file", "Ctrl+Shift+E"),
            None,
            _spec("details", "Project &details…", "Name and note of the project", "Alt+Return", icon="note"),
            None,
            _spec("quit", "&Quit", "Close the window", _Key.Quit, "Ctrl+Q"),
        ),
    ),
    (
        "&Edit",
        (
            _spec("undo", "&Undo", "Take the last change back", _Key.Undo, icon="undo"),
            _spec("redo", "&Redo", "Make the change again", _Key.Redo, "Ctrl+Shift+Z", icon="redo"),
            None,
            _spec("cut", "Cu&t", "Cut the selected layers", _Key.Cut, icon="cut"),
            _spec("copy", "&Copy", "Copy the selected layers", _Key.Copy, icon="copy"),
            _spec("paste", "&Paste", "Paste layers", _Key.Paste, icon="paste"),
            _spec("duplicate", "&Duplicate", "Double the selected layers", "Ctrl+D"),
            _spec("delete", "Remo&ve", "Remove the selected layers and wires", _Key.Delete, icon="trash"),
            _spec("select_all", "Select &all", "Select every layer", _Key.SelectAll),
            None,
            _spec("bypass", "&Bypass", "Leave the selected layers out for the time being, or take them in again", "B"),
            None,
            _spec("rename", "Rena&me", "Write another title on the selected card", "F2"),
            _spec("connect", "Co&nnect to…", "Draw a wire from the selected layer by keyboard", "C"),
        ),
    ),
    (
        "&Add",
        (
            _spec("quick_add", "&At the mouse…", "Find a layer and add it at the mouse", "Shift+A", icon="plus"),
            _spec("find_layer", "&Search layers", "Search the palette, as / does", "Ctrl+F", icon="search"),
            None,
            _spec("note", "&Note", "Write a note at the mouse", "N", icon="note"),
            _spec("arrow", "A&rrow", "Draw an arrow on the canvas", "Shift+N", icon="arrow"),
            *(
                _spec(f"colour_{colour}", f"Colour: {words.lower()}", "Colour the selected notes and arrows", keys)
                for colour, words, keys in COLOURS
            ),
            None,
            "<layers>",
        ),
    ),
    (
        "A&rrange",
        (
            _spec("arrange", "Arran&ge", "Put all cards in order", "Ctrl+Shift+A", icon="arrange"),
            None,
            *(
                _spec(f"align_{line.value}", text, f"{_LINES[line]} of the selected cards", keys)
                for line, text, keys in ALIGNMENTS
            ),
            None,
            *(
                _spec(f"distribute_{along.value}", text, "Equal gaps between the selected cards", keys)
                for along, text, keys in DISTRIBUTIONS
            ),
        ),
    ),
    (
        "&Group",
        (
            _spec("group", "&Group", "Make one block of the selected layers", "Ctrl+G"),
            _spec("ungroup", "&Ungroup", "Take the selected group apart", "Ctrl+Shift+G"),
            None,
            _spec("fold", "&Fold or unfold", "Show the selected group as one card, or what stands in it", "Ctrl+."),
            _spec("fold_all", "Fold &all", "Every group as one card", "Ctrl+Alt+."),
            _spec("unfold_all", "U&nfold all", "Show what stands in every group", "Ctrl+Shift+."),
            None,
            _spec("enter_group", "Look &inside", "Show only what stands in the selected group", "Ctrl+Return"),
            _spec("leave_group", "&Leave", "Show what stands around the group", "Ctrl+Backspace"),
        ),
    ),
    (
        "&View",
        (
            _spec("zoom_in", "Zoom &in", "Larger cards", _Key.ZoomIn, "Ctrl+=", icon="zoom-in"),
            _spec("zoom_out", "Zoom &out", "Smaller cards", _Key.ZoomOut, icon="zoom-out"),
            _spec("zoom_reset", "&Actual size", "Cards at 100 %", "Ctrl+0"),
            _spec("fit", "&Fit network", "Show the whole network", "Ctrl+1", icon="fit"),
            _spec("zoom_selection", "Zoom to &selection", "Show the selected layers", "Ctrl+2"),
            "<minimap>",
            _spec("minimap", "&Map of the network", "Show or hide the small map of the network", "Ctrl+M"),
            _spec("motion", "&Glide", "Cards and view move smoothly to their places", "Ctrl+Alt+G", checkable=True),
            None,
            _spec("show_palette", "&Palette", "Show or hide the layers on the left", "Ctrl+B", checkable=True),
            _spec("show_inspector", "I&nspector", "Show or hide the settings on the right", "Ctrl+I", checkable=True),
            _spec("outline", "Outlin&e", "The network as a list, for the keyboard", "Ctrl+Shift+O", icon="table"),
            _spec("problems", "Pro&blems", "What is wrong, with cures", "Ctrl+Shift+B", icon="warning"),
            _spec("notice", "Ans&wer the notice", "Put the keyboard on the notice above the canvas", "F6"),
            _spec("reset_arrangement", "&Reset arrangement", "Put everything back in its place", "Ctrl+Alt+0"),
            None,
            _spec("switch_theme", "&Dark or light", "Switch between dark and light", "Ctrl+Shift+L", icon="moon"),
            _spec("system_theme", "Theme of the s&ystem", "Follow the desktop's choice", "Ctrl+Alt+L", checkable=True),
            _spec("lecture", "&Lecture mode", "Large text, no side bars: for a projector", "Ctrl+L", checkable=True),
            _spec("full_screen", "Full s&creen", "The whole screen", _Key.FullScreen, "F11", checkable=True),
        ),
    ),
    (
        "&Instruments",
        (
            _spec("copy_picture", "&Copy picture", "Copy the picture of the instrument used last", "Ctrl+Alt+C"),
            _spec("save_picture", "Save &picture…", "Save the picture of the instrument used last", "Ctrl+Alt+S"),
            _spec("save_numbers", "Save &numbers…", "Save the table of the instrument used last", "Ctrl+Alt+D"),
            _spec("read_instrument", "&How to read it", "Explain the instrument used last", "Ctrl+Alt+R"),
            None,
            "<panels>",
        ),
    ),
    (
        "&Train",
        (
            _spec("play", "&Play", "Train; again to pause", "F5", icon="play"),
            _spec("step", "&Step", "Train one batch", "F10", icon="step"),
            _spec("step_back", "Step &back", "Take the last batch back", "Shift+F10", icon="step-back"),
            _spec("reset", "&Reset", "Begin again with untrained weights", "Ctrl+R", icon="reset"),
            None,
            _spec("evaluate_test", "Evaluate on the &test set", "Measure on the test set; it is counted", "Ctrl+T"),
            _spec("live", "Return to &live", "Show the newest values", "Ctrl+End", icon="live"),
            None,
            _spec("previous_sample", "Pre&vious sample", "Pin the sample before", "Ctrl+[", icon="chevron-left"),
            _spec("next_sample", "Ne&xt sample", "Pin the next sample", "Ctrl+]", icon="chevron-right"),
            _spec("random_sample", "Rando&m sample", "Pin any sample", "Ctrl+\\", icon="dice"),
        ),
    ),
    (
        "&Help",
        (
            _spec("command_palette", "&Find anything…", "Search every action", "Ctrl+K", "Ctrl+Shift+P", icon="search"),
            None,
            _spec("shortcuts", "&Keyboard shortcuts", "All keys on one page", "F1", "Ctrl+/", icon="help"),
            _spec("log", "Open &log", "Where the program writes what went wrong", "Ctrl+Alt+Shift+G"),
            _spec("about", "&About nnviz", "Version and licences", "Shift+F1", icon="information"),
        ),
    ),
)


#: Actions whose keys belong to the canvas: they do nothing where something else has the focus.
CANVAS_ACTIONS = (
    "cut",
    "copy",
    "paste",
    "duplicate",
    "delete",
    "select_all",
    "group",
    "ungroup",
    "fold",
    "bypass",
    "enter_group",
    "leave_group",
    "rename",
    "connect",
    "quick_add",
    "note",
    "arrow",
    *(f"colour_{colour}" for colour, _, _ in COLOURS),
    *(f"align_{line.value}" for line, _, _ in ALIGNMENTS),
    *(f"distribute_{along.value}" for along, _, _ in DISTRIBUTIONS),
)


def sequences_of(spec: ActionSpec) -> list[QKeySequence]:
    """Its keys on this system; the first is shown."""
    found: list[QKeySequence] = []
    for key in spec.keys:
        own = QKeySequence.keyBindings(key) if isinstance(key, _Key) else [QKeySequence(key)]
        if isinstance(key, _Key):
            own = own[:1]
        found += [sequence for sequence in own if sequence not in found]
    return found


def plain(text: str) -> str:
    """The words of a menu, without mnemonics and dots."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&").rstrip("…")


def literal(text: str) -> str:
    """A text that somebody has written, for a menu or a button: its ``&`` marks no letter."""
    return text.replace("&", "&&")


_SPECS = {spec.name: spec for _, entries in MENUS for spec in entries if isinstance(spec, ActionSpec)}


def menu_text(name: str, words: str = "") -> str:
    """An action for a context menu: its words, or others that fit the place better, and its keys as they are shown."""
    spec = _SPECS[name]
    keys = [sequence.toString(QKeySequence.SequenceFormat.NativeText) for sequence in sequences_of(spec)[:1]]
    return "\t".join([words or spec.text.replace("&", ""), *keys])
