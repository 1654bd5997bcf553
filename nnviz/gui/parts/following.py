"""One way to listen to a signal: for as long as somebody lives, and not a call longer."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from contextlib import suppress
from types import MethodType
from typing import Any, Protocol, TypeVar, cast

import shiboken6
from PySide6.QtCore import QObject

_Given = TypeVar("_Given")


class Emitter(Protocol):
    """A bound signal, Qt's or psygnal's: what of it is used here."""

    @property
    def connect(self) -> Callable[..., object]:
        """Have a function called at every emission."""

    @property
    def disconnect(self) -> Callable[..., object]:
        """Call a function no more."""


#: What has been found out about functions: half of the connections of a window are made with one that is known.
_taken_by: weakref.WeakKeyDictionary[Callable[..., object], int | None] = weakref.WeakKeyDictionary()


class Following:
    """One connection that :func:`follow` has made; needed only by whoever ends it before its owner dies."""

    def __init__(self, signal: Emitter, slot: MethodType, owner: QObject) -> None:
        self._signal = signal
        self._slot = weakref.WeakMethod(slot)
        self._owner = weakref.ref(owner)
        function = slot.__func__
        if function not in _taken_by:
            _taken_by[function] = _values_taken(slot)
        self._taken = _taken_by[function]
        self._ended = False

        # Functions, not methods: both kinds of signal hold methods weakly, and nobody else holds this object.
        def deliver(*values: Any) -> None:
            self._deliver(values)

        def end(*_destroyed: object) -> None:
            self.end()

        self._receiver, self._end = deliver, end
        signal.connect(deliver)
        owner.destroyed.connect(end)

    @property
    def ended(self) -> bool:
        """Whether the slot is called no more."""
        return self._ended

    def end(self) -> None:
        """Never call the slot again, not even for an emission that is under way; ending twice does nothing."""
        if self._ended:
            return
        self._ended = True
        owner = self._owner()
        if owner is not None and shiboken6.isValid(owner):
            owner.destroyed.disconnect(self._end)
        with suppress(RuntimeError):  # Qt has deleted the sender, and the connection with it
            self._signal.disconnect(self._receiver)

    def _deliver(self, values: tuple[Any, ...]) -> None:
        slot, owner = self._slot(), self._owner()
        if self._ended or slot is None or owner is None or not shiboken6.isValid(owner):
            return
        slot(*values[: self._taken])


def _values_taken(slot: MethodType) -> int | None:
    """How many values a slot takes; None for any number."""
    parameters = inspect.signature(slot).parameters.values()
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return None
    return sum(
        parameter.kind in {parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD} for parameter in parameters
    )


def follow(signal: object, slot: Callable[..., object], owner: QObject | None = None) -> Following:
    """Call a bound method at every emission of a signal, until its owner is destroyed.

    The owner is held weakly and is never called once Qt has deleted it, whatever emits then. Slots are called in the
    order in which they were connected, on the thread that emits: for signals of other threads use Qt's own ``connect``.

    Args:
        signal: A bound signal of Qt (``button.clicked``) or of psygnal (``document.changed``).
        slot: A bound method; values that it does not take are left out, as Qt does.
        owner: Whose life it is; the object of the method where that is a QObject.

    Returns:
        The connection, for whoever wants to end it earlier.

    Raises:
        TypeError: The slot is no bound method, or nobody owns it: it would be called for ever.
    """
    if not isinstance(slot, MethodType):
        raise TypeError(f"{slot!r} is no bound method, so nobody's life ends it")
    life = slot.__self__ if owner is None else owner
    if not isinstance(life, QObject):
        raise TypeError(f"{slot!r} is no method of a QObject: name the owner")
    return Following(cast(Emitter, signal), slot, life)


def while_there(owner: QObject, call: Callable[[_Given], object]) -> Callable[[_Given], None]:
    """The same call with an answer that comes later, unless its owner has gone meanwhile."""

    def then(given: _Given) -> None:
        if shiboken6.isValid(owner):
            call(given)

    return then
