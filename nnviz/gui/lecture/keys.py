"""What keys do in a lecture, for the page that obeys them and for the sheet of shortcuts."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

from nnviz.gui.lecture.instrument import INSTRUMENTS, kind_of
from nnviz.gui.panels.catalogue import PANELS
from nnviz.gui.parts.key_use import KeyUse

#: What the keys do in a lecture; the shortcut sheet shows it, too.
LECTURE_KEYS: tuple[KeyUse, ...] = (
    KeyUse("The layer before or behind", ("Left", "Right", "PgUp", "PgDown")),
    KeyUse("The first layer, the last one", ("Home", "End")),
    KeyUse("Train, or pause", ("Space",)),
    KeyUse("Look inside a group; take a number of a layer apart", ("Return",)),
    KeyUse("A number taken apart, or back", ("E", "F8")),
    KeyUse("The sweep, or back", ("S",)),
    KeyUse("The race, or back", ("Shift+F12",)),
    KeyUse("Gradients that flow back, or what flows forwards again", ("F9",)),
    KeyUse("The next part of a step: batch, forward, loss, backward, update", ("F7",)),
    KeyUse("All parts of a step, to its update", ("Shift+F7",)),
    KeyUse("Back: to the instrument before, to what flows forwards, out of the group, out of the lecture", ("Esc",)),
    KeyUse("The instrument before or behind", ("Up", "Down")),
    KeyUse("An instrument by its number; none", ("1", "9", "0")),
    KeyUse("What the instrument shows: its next view; the next page of an update", ("V",)),
    KeyUse("The layer's filters, or what it puts out", ("F",)),
    KeyUse("The ring round the mouse", ("P",)),
)
#: Actions of the window whose keys go on working; what others do could not be seen.
KEPT = (
    "lecture", "play", "step", "epoch", "step_back", "reset", "live", "evaluate_test", "switch_theme", "system_theme",
    "full_screen", "save", "quit", "backward", "sub_step", "sub_steps", "previous_sample", "next_sample",
    "random_sample", "shortcuts", "race",
)  # fmt: skip
_DESK = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier


def instrument_of(event: QKeyEvent) -> str | None:
    """The instrument that a key shows; empty for none in its place, None where it shows nothing.

    A number by itself means one of the lecture's own; the keys that show an instrument at a desk show it here, too.
    """
    held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    if held == _DESK:
        for number, kind in enumerate(PANELS, start=1):
            keys = QKeySequence(f"Ctrl+Alt+{number if number <= 9 else kind.letter}")
            if keys == QKeySequence(event.keyCombination()) and kind_of(kind.key) is not None:
                return kind.key
        return None
    number = event.key() - int(Qt.Key.Key_0)
    if held != Qt.KeyboardModifier.NoModifier or not 0 <= number <= min(9, len(INSTRUMENTS)):
        return None
    return INSTRUMENTS[number - 1].key if number else ""
