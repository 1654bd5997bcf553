"""Which examples are pinned, and which of them the cards show: of the document, or of the run that is replayed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from nnviz.gui.parts.following import follow
from nnviz.gui.runs.run_feed import RunFeed
from nnviz.gui.runs.shown import Shown
from nnviz.project.document import Document
from nnviz.project.edits import Edit, SetView
from nnviz.project.model import MOST_PINS, Pin, Project, View
from nnviz.record.pinned import Followed, example_of, followed
from nnviz.record.quantities import PINNED_INPUT
from nnviz.record.readings import ArrayReading


@dataclass(frozen=True, eq=False)
class PinnedExample:
    """One of the pinned examples.

    Attributes:
        pin: Its number in a split.
        reading: What it is, as the network sees it; None while that is not known.
        shown: Whether the cards show it.
    """

    pin: Pin
    reading: ArrayReading | None
    shown: bool

    @property
    def words(self) -> str:
        """Which one it is, with its label where that is known."""
        meta = {} if self.reading is None else self.reading.meta
        split = self.pin.split or str(meta.get("split", ""))
        label = str(meta.get("label", ""))
        return f"{split} #{self.pin.index:,}".strip() + (f" “{label}”" if label else "")


class Pinning(QObject):
    """The pinned examples, in order; those of the document are edits of it, so that Undo takes them back.

    In a replayed run they are the examples that it followed: another one is shown, and nothing is changed.

    Signals:
        changed: Others are pinned, another one is shown, or more is known of one.
    """

    changed = Signal()

    def __init__(
        self, document: Document, feed: RunFeed, apply: Callable[[Edit], object], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document, self._feed, self._apply = document, feed, apply
        follow(document.changed, self._on_changed, self)
        feed.shown_changed.connect(self._on_shown)
        feed.ticked.connect(self._on_ticked)

    @property
    def _replayed(self) -> bool:
        return self._feed.shown.project is not None

    def examples(self) -> tuple[PinnedExample, ...]:
        """The pinned examples, in order; in a replayed run those that it followed, where they are several."""
        shown = self._feed.shown
        found = followed(shown.run, shown.step)
        if self._replayed:
            now = shown.example or example_of(shown.run.latest(PINNED_INPUT.series(), shown.step))
            if len(found) < 2:
                return ()
            return tuple(PinnedExample(Pin(at[1], at[0]), one, at == now) for at, one in found.items())
        view = self._document.project.view
        return tuple(
            PinnedExample(pin, next((one for at, one in found.items() if _is(pin, at)), None), pin == view.shown)
            for pin in view.pins
        )

    def why_no_step(self) -> str:
        """Why there is none to step to."""
        few = self._feed.shown.run is not None and len(self.examples()) == 0
        if self._replayed:
            return "This run followed one example only." if few else ""
        return "No example is pinned: pin some with Ctrl+F3, or on the page of all examples." if few else ""

    def step(self, by: int) -> None:
        """Show the pinned example that follows in this direction, around the ends."""
        examples = self.examples()
        if not examples:
            return
        at = next((place for place, one in enumerate(examples) if one.shown), -1 if by > 0 else 0)
        self.choose(examples[(at + by) % len(examples)].pin)

    def choose(self, pin: Pin) -> None:
        """Show one of the pinned examples on the cards."""
        if self._replayed:
            self._feed.set_example((pin.split, pin.index))
        else:
            self._apply(SetView(self._document.project.view.showing(pin), gesture="pin"))

    @property
    def is_pinned(self) -> bool:
        """Whether the example that the cards show is one of the pinned ones."""
        view = self._document.project.view
        return view.shown in view.pins

    def why_no_pin(self) -> str:
        """Why the example that the cards show cannot be pinned, or taken from those that are."""
        if self._document.read_only:
            return self._document.read_only
        full = len(self._document.project.view.pins) >= MOST_PINS and not self.is_pinned
        return f"{MOST_PINS} examples are pinned, which is as many as can be: take one away first." if full else ""

    def toggle(self) -> None:
        """Pin the example that the cards show, or take it from those that are."""
        self._apply(SetView(toggled(self._document.project.view, self._document.project.view.shown)))

    def _on_changed(self, before: Project, after: Project, edit: object) -> None:
        if edit is None or before.view is not after.view:
            self.changed.emit()

    def _on_shown(self, shown: Shown) -> None:
        self.changed.emit()

    def _on_ticked(self, names: frozenset[str]) -> None:
        if any(name.startswith(PINNED_INPUT.name) for name in names):
            self.changed.emit()


def toggled(view: View, pin: Pin) -> View:
    """With an example among the pinned ones and on the cards, or no longer among them."""
    if pin in view.pins:
        return View(view.pinned_sample, view.pinned_split, tuple(one for one in view.pins if one != pin))
    return View(pin.index, pin.split, (*view.pins, pin))


def _is(pin: Pin, example: Followed) -> bool:
    return pin.index == example[1] and pin.split in ("", example[0])
