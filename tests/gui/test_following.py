"""Listening to a signal ends with the life of whoever listens."""

import gc
import weakref
from pathlib import Path

import psygnal
import pytest
import shiboken6
from PySide6.QtCore import QObject, Signal

from nnviz.gui.parts.following import follow


class QtSource(QObject):
    """Emits by Qt."""

    changed = Signal(object)


class PlainSource:
    """Emits by psygnal."""

    changed = psygnal.Signal(object)


class Listener(QObject):
    """Writes down what it hears."""

    def __init__(self, heard, name="", parent=None):
        super().__init__(parent)
        self.heard, self.name = heard, name

    def hear(self, value):
        self.heard.append((self.name, value))


class Helper:
    """Listens for a QObject that owns it."""

    def __init__(self, heard):
        self.heard = heard

    def hear(self, value):
        self.heard.append(value)


@pytest.fixture(params=[QtSource, PlainSource])
def source(request, qapp):
    return request.param()


def test_it_hears_until_qt_deletes_it(source):
    heard = []
    listener = Listener(heard)
    following = follow(source.changed, listener.hear)
    source.changed.emit(1)
    shiboken6.delete(listener)
    source.changed.emit(2)
    assert heard == [("", 1)]
    assert following.ended


def test_a_connection_of_psygnal_is_removed_with_its_owner(qapp):
    source = PlainSource()
    listener = Listener([])
    follow(source.changed, listener.hear)
    assert len(source.changed) == 1
    shiboken6.delete(listener)
    assert len(source.changed) == 0


def test_it_keeps_neither_listener_nor_source_alive(source):
    listener = Listener([])
    follow(source.changed, listener.hear)
    gone = weakref.ref(listener)
    del listener
    gc.collect()
    assert gone() is None
    other = Listener([])
    follow(source.changed, other.hear)
    gone = weakref.ref(source)
    emitter = type(source)()
    follow(emitter.changed, other.hear)
    gone = weakref.ref(emitter)
    del emitter
    gc.collect()
    assert gone() is None


def test_an_owner_that_goes_with_its_parent_ends_it(source):
    heard, parent = [], QObject()
    follow(source.changed, Listener(heard, parent=parent).hear)
    source.changed.emit(1)
    shiboken6.delete(parent)
    source.changed.emit(2)
    assert heard == [("", 1)]


def test_slots_are_called_in_the_order_in_which_they_were_connected(source):
    heard = []
    listeners = [Listener(heard, name) for name in "abcde"]
    for listener in listeners[:3]:
        follow(source.changed, listener.hear)
    source.changed.connect(lambda value: heard.append(("plain", value)))
    for listener in listeners[3:]:
        follow(source.changed, listener.hear)
    source.changed.emit(0)
    assert [name for name, _ in heard] == ["a", "b", "c", "plain", "d", "e"]


def test_who_is_deleted_while_it_is_emitted_is_not_called_any_more_and_all_others_are(source):
    heard = []
    last = Listener(heard, "last")

    class Deleting(Listener):
        def hear(self, value):
            super().hear(value)
            shiboken6.delete(doomed)
            first_connection.end()

    doomed = Listener(heard, "doomed")
    deleting = Deleting(heard, "deleting")
    first_connection = follow(source.changed, deleting.hear)
    follow(source.changed, doomed.hear)
    follow(source.changed, last.hear)
    source.changed.emit(0)
    source.changed.emit(1)
    assert heard == [("deleting", 0), ("last", 0), ("last", 1)]


def test_it_can_be_ended_twice_and_after_either_side_is_gone(source):
    listener = Listener([])
    following = follow(source.changed, listener.hear)
    following.end()
    following.end()
    source.changed.emit(0)
    assert listener.heard == []
    following = follow(source.changed, listener.hear)
    if isinstance(source, QObject):
        shiboken6.delete(source)
    following.end()
    assert following.ended
    shiboken6.delete(listener)


def test_a_helper_that_is_no_qobject_lives_as_long_as_its_owner(source):
    heard, owner = [], QObject()
    helper = Helper(heard)
    follow(source.changed, helper.hear, owner)
    source.changed.emit(1)
    shiboken6.delete(owner)
    source.changed.emit(2)
    assert heard == [1]


def test_values_that_the_slot_does_not_take_are_left_out(source):
    class Deaf(QObject):
        called = 0

        def note(self):
            self.called += 1

    deaf = Deaf()
    follow(source.changed, deaf.note)
    source.changed.emit(1)
    assert deaf.called == 1


def test_what_nobody_owns_is_refused(source):
    with pytest.raises(TypeError, match="no bound method"):
        follow(source.changed, lambda value: None)
    with pytest.raises(TypeError, match="name the owner"):
        follow(source.changed, Helper([]).hear)


def test_no_view_ends_its_connections_to_the_document_by_hand():
    """Look is below parts: its icons leave that to Qt."""
    root = Path(__file__).parents[2] / "nnviz" / "gui"
    by_hand = ("document.changed.", "document.saved.", "document.diagnostics_changed.", "notifier.changed.")
    found = [
        f"{path.relative_to(root)}: {line.strip()}"
        for path in sorted(set(root.rglob("*.py")) - set((root / "look").glob("*.py")))
        for line in path.read_text(encoding="utf-8").splitlines()
        for signal in by_hand
        if f"{signal}connect(" in line or f"{signal}disconnect(" in line
    ]
    assert not found, "use nnviz.gui.parts.following.follow: " + "; ".join(found)
