"""What a thread has to say to a window that has gone is said to nobody, and nobody is disturbed."""

from __future__ import annotations

import shiboken6
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from nnviz.gui.parts.late_signal import emit_late


class Sender(QObject):
    told = Signal(int, str)


def test_a_signal_of_an_object_that_is_there_is_emitted(qtbot: QtBot) -> None:
    sender, heard = Sender(), list[tuple[int, str]]()
    sender.told.connect(lambda number, words: heard.append((number, words)))
    assert emit_late(sender, sender.told, 3, "words")
    assert heard == [(3, "words")]


def test_one_of_an_object_that_has_gone_is_not(qtbot: QtBot) -> None:
    sender, heard = Sender(), list[tuple[int, str]]()
    sender.told.connect(lambda number, words: heard.append((number, words)))
    signal = sender.told
    shiboken6.delete(sender)
    assert not emit_late(sender, signal, 3, "words")
    assert heard == []
