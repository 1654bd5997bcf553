"""What a key does, in words: an entry of a table that the shortcut sheet shows."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QKeySequence

_ARROWS = {"Left", "Right", "Up", "Down"}
_SIGNS = {
    "Left": "←", "Right": "→", "Up": "↑", "Down": "↓", "Return": "Enter", "PgUp": "Page Up", "PgDown": "Page Down",
}  # fmt: skip


@dataclass(frozen=True)
class KeyUse:
    """One thing that keys do where the keyboard is.

    Attributes:
        words: What happens, as one would say it.
        keys: Portable names such as ``Alt+Left``; any of them does it.
    """

    words: str
    keys: tuple[str, ...]

    @property
    def shown(self) -> tuple[str, ...]:
        """The keys as they are printed on the keyboard; the four arrows together are one."""
        before, _, last = self.keys[0].rpartition("+")
        if {key.rpartition("+")[2] for key in self.keys} == _ARROWS and len(self.keys) == len(_ARROWS):
            return (f"{before}+← ↑ → ↓" if last and before else "← ↑ → ↓",)
        return tuple(dict.fromkeys(printed(key) for key in self.keys))


def printed(key: str) -> str:
    """A portable name as it stands on the keyboard."""
    text = QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
    before, plus, last = text.rpartition("+")
    return before + plus + _SIGNS.get(last, last) if last else text


def arrows(modifiers: str = "") -> tuple[str, ...]:
    """All four arrow keys with modifiers such as ``Alt+Shift``."""
    lead = f"{modifiers}+" if modifiers else ""
    return tuple(lead + arrow for arrow in ("Left", "Right", "Up", "Down"))
