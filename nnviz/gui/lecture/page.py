"""The page of a lecture: the network as a strip, what is talked about large, one instrument, a slim head and foot."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QAction,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QWidget

from nnviz.explain.place import LOSS
from nnviz.gui.canvas.cards.describe import describe
from nnviz.gui.canvas.cards.facts import ON_CARDS
from nnviz.gui.canvas.cards.lens import Looking
from nnviz.gui.canvas.following import REFRESH
from nnviz.gui.canvas.items.stage import Stage
from nnviz.gui.canvas.scene import CanvasScene
from nnviz.gui.explain.written_update import WrittenUpdate
from nnviz.gui.lecture import foot, head
from nnviz.gui.lecture.band import LectureBand
from nnviz.gui.lecture.instrument import INSTRUMENTS, InstrumentPlace, kind_of
from nnviz.gui.lecture.keys import KEPT, instrument_of
from nnviz.gui.lecture.magnifier import Magnifier
from nnviz.gui.lecture.measure import LETTERS, Measure
from nnviz.gui.lecture.place import Place
from nnviz.gui.lecture.pointer import Pointer
from nnviz.gui.lecture.spotlight import Spotlight
from nnviz.gui.lecture.strip import Strip
from nnviz.gui.look import theme
from nnviz.gui.look.painting import guarded
from nnviz.gui.panels.base import Panel
from nnviz.gui.panels.explain import ExplainPanel
from nnviz.gui.panels.sweep import SweepPanel
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.soon import soon
from nnviz.gui.runs.interests import OF_THE_SELECTED
from nnviz.gui.runs.run_events import event_marks
from nnviz.gui.runs.shown import Shown
from nnviz.gui.runs.workspace import Workspace
from nnviz.project.graph.groups import title_of, trail
from nnviz.project.model import Project
from nnviz.record.interest import NOTHING, Interest, merged
from nnviz.record.quantities import FINDING
from nnviz.record.readings import Cure

if TYPE_CHECKING:
    from nnviz.explain.explanation import Explanation
    from nnviz.explain.place import Place as NumberPlace

_HINT = "← → walk · Space train · Esc back"
#: Where a recorded run is shown, which nothing trains, and where something has to be mended first.
_REPLAY_HINT = "← → walk · Esc back"
#: On the page: the margin, and the gaps between its parts.
_MARGIN, _GAP, _BELOW = 28, 18, 12
#: Of the width, what is talked about has beside the instrument.
_SHARE = 0.53
#: And beside an update that is written out, which gets all of it where it needs that.
_SHARE_BESIDE = 0.3


class LecturePage(QWidget):
    """Covers the window. It has views of its own on document and run, and changes nothing of those behind it.

    Attributes:
        strip: The network.
        spotlight: What is talked about.
        beside: The instrument.
        band: What is shown in the place of what flows forwards.
        head: Title, step, play.
        foot: The run, what the keys do, what is said.
        pointer: The ring round the mouse.

    Signals:
        left: The lecture is over.
        forward_wanted: What flows forwards is to be shown again.
        part_wanted: A step is to be taken apart up to this part, by its name.
        interest_changed: What it looks at: an :class:`Interest`.
        cure_requested: A cure of a finding was pressed.
        chosen: Another card is talked about: the id of its layer or group.

    Args:
        window: What is covered.
        workspace: What is shown.
        actions: Those of the window, by name.
        place: Where the lecture begins.
        number: Gives the number that is taken apart at the desk; None where none is.
    """

    chosen = Signal(str)
    left = Signal()
    forward_wanted = Signal()
    part_wanted = Signal(str)
    interest_changed = Signal(object)
    cure_requested = Signal(object)

    def __init__(
        self,
        window: QWidget,
        workspace: Workspace,
        actions: Mapping[str, QAction],
        place: Place,
        number: Callable[[], NumberPlace | None],
    ) -> None:
        super().__init__(window)
        self._number = number
        self._workspace = replace(workspace, say=self.say)
        self._actions = actions
        self._measure = Measure()
        self._shown: Shown | None = None
        self._interest = NOTHING
        self.setObjectName("Lecture")
        self.setAccessibleName("Lecture")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        # Every pixel is filled, so that nothing behind it is painted.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._stage = Stage()
        self._scene = CanvasScene(workspace.document, self._stage, self)
        self.head = head.LectureHead(workspace, actions, self._title, self)
        self.strip = Strip(self._scene, self._stage, self)
        self.spotlight = Spotlight(self._scene, self._stage, workspace.document, self)
        self.band = LectureBand(self)
        self.beside = InstrumentPlace(self._workspace, place.instrument, self)
        self.foot = foot.LectureFoot(workspace.feed, self)
        self.foot.set_hint(_HINT)
        self.pointer = Pointer(self)
        if not place.pointer:
            self.pointer.switch()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._repaint)
        self._repainted = 0.0
        self.head.said.connect(self.say)
        self.band.part_wanted.connect(self.part_wanted)
        self.strip.picked.connect(self.choose)
        self.strip.entered.connect(lambda _node: self.enter())  # the press before it has chosen the card
        self.strip.seen_changed.connect(self._tell_interest)
        self.spotlight.entered.connect(self.enter)
        self.beside.node_requested.connect(self.choose)
        self.beside.cure_requested.connect(self._on_cure)
        self.beside.said.connect(self.say)
        self.beside.looked.connect(self._tell_interest)
        self.beside.stepped.connect(self.next_instrument)
        self.beside.closed.connect(self.leave)
        self._scene.refreshed.connect(self._on_refreshed)
        follow(workspace.document.changed, self._on_document_changed)
        follow(theme.notifier.changed, self._restyle)
        workspace.training.changed.connect(self._on_training)
        workspace.training.moved.connect(self._on_training)
        workspace.feed.step_changed.connect(self._on_training)
        workspace.feed.subscribe(self.take, self)
        self._scene.enter(place.root)
        self.strip.follow()
        self.strip.choose(place.chosen)
        self.spotlight.show_node(self.strip.chosen)
        workspace.runs.sweeps.look()
        self.show_instrument(place.filling or place.instrument)
        for widget in (self, *self.findChildren(QWidget)):
            if widget is not self.pointer:
                self.pointer.watch(widget)
        self._restyle()
        self._on_training()

    # ---- what is shown -------------------------------------------------------------------------------------------

    @property
    def place(self) -> Place:
        """Where the lecture is."""
        key, narrow = self.beside.key, self.beside.narrow
        return Place(self._scene.root, self.strip.chosen, narrow, self.pointer.on, key if key != narrow else "")

    @property
    def measure(self) -> Measure:
        """How large everything is."""
        return self._measure

    @property
    def scene(self) -> CanvasScene:
        """The cards that the strip shows."""
        return self._scene

    @property
    def interest(self) -> Interest:
        """What it looks at."""
        return self._interest

    @property
    def panel(self) -> Panel | None:
        """The instrument; None for none."""
        return self.beside.panel

    @property
    def glass(self) -> Magnifier:
        """What enlarges the instrument."""
        return self.beside.glass

    @property
    def written(self) -> WrittenUpdate:
        """The update of one weight, which stands in the place of the instrument for a while."""
        return self.beside.written

    def choose(self, node: str) -> None:
        """Talk about a card; of a layer inside a folded group about the group."""
        node = node if node in self._scene.cards else self._scene.seen.owner.get(node, "")
        if not node or node == self.strip.chosen:
            return
        self.strip.choose(node)
        self._follow_choice()
        self.chosen.emit(node)

    def walk(self, by: int) -> None:
        """Go so many cards on, or back."""
        self.choose(self.strip.neighbour(by))

    def enter(self) -> None:
        """Look inside the chosen card, where it is a group; take a number of it apart, where it is a layer."""
        if self.strip.chosen in self._scene.seen.cards:
            self._scene.enter(self.strip.chosen)
        elif self.strip.chosen:
            self.show_instrument(ExplainPanel.key)

    def leave(self) -> None:
        """Back to what was shown before: the instrument, what flows forwards; out of the group; out of the lecture."""
        if self.beside.is_filling:
            self.show_instrument(self.beside.narrow)
        elif self.band.looking is not None:
            self.forward_wanted.emit()
        elif self._scene.root:
            self.step_out()
        else:
            self.left.emit()

    def step_out(self) -> None:
        """Out of the group that is looked into, which is talked about then."""
        root = self._scene.root
        if root:
            around = trail(self._scene.graph, root)
            self._scene.enter(around[-2] if len(around) > 1 else "")
            self.choose(root)

    def show_looking(self, looking: Looking | None) -> None:
        """Show gradients or a part of a step on the cards, and say so; None shows what flows forwards again."""
        across = self.width() - 2 * self._measure.px(_MARGIN)
        before = self.band.height_at(across)
        self.band.show_looking(looking)
        self._scene.show_lens(looking.lens if looking is not None else None)
        if self.band.height_at(across) != before or self.beside.is_filling:
            self._arrange()
        self._repaint()

    def show_update(self, update: tuple[Explanation, float] | None) -> None:
        """Write the update of one weight out in the place of the instrument; None shows that again."""
        begun = update is not None and not self.beside.is_written
        self.beside.show_update(update)
        self._arrange()
        self._tell_interest()
        if begun:
            soon(self._tell_chosen)

    def _tell_chosen(self) -> None:
        """What is written out is of the layer that is talked about."""
        self.chosen.emit(self.strip.chosen)

    def show_instrument(self, key: str) -> None:
        """Show another instrument beside what is talked about, or all over the page; an empty key shows none."""
        kind = kind_of(key)
        if kind is not None and kind.key == self.beside.key:
            return
        self.beside.show_kind(kind, self._pictured())
        self._take_number()
        self._arrange()
        if self._shown is not None:
            self.beside.refresh(self._shown, self._shown.names)
        self._tell_state()
        self._tell_interest()

    def _take_number(self) -> None:
        """What is taken apart at the desk is taken apart here, where it is of the chosen layer."""
        number, card = self._number(), self._scene.cards.get(self.strip.chosen)
        if not isinstance(self.panel, ExplainPanel) or number is None or card is None:
            return
        if number.node == card.facts.pictured or (number.node == LOSS and card.facts.kind == "output"):
            self.panel.walk.start(number)

    def take_apart(self, number: NumberPlace) -> None:
        """Go on with a number that was large at the desk, also where it is of no card that could be chosen here."""
        if isinstance(self.panel, ExplainPanel) and self.panel.walk.place != number:
            self.panel.walk.start(number)

    def switch_instrument(self, key: str) -> None:
        """Show an instrument that fills the page, or the one before it again."""
        if self.beside.key == key:
            self.show_instrument(self.beside.narrow)
        elif key == SweepPanel.key and not self.beside.has_sweep:
            self.say("There is no sweep yet: the panel Sweep (Ctrl+Alt+T at the desk) makes one.")
        else:
            self.show_instrument(key)

    def next_instrument(self, by: int) -> None:
        """Show the instrument so many places on; behind the last one comes the first."""
        self.show_instrument(self.beside.neighbour(by))

    def close_panel(self) -> None:
        """The lecture is over: the instrument goes at once, and asks for nothing any more."""
        self.beside.end_panel()

    def _on_cure(self, cure: Cure) -> None:
        """What only shows something shows it here: behind the page nobody would see it."""
        kind = next((kind for kind in INSTRUMENTS if kind.key == cure.value), None)
        if cure.action == "show_units":
            self.choose(cure.value)
            self.show_instrument("feature_maps")
        elif cure.action == "show_help" and kind is not None:
            # Not at once: the link that was pressed stands in the instrument that goes.
            soon(self._explain, kind)
        else:
            self.cure_requested.emit(cure)

    def _explain(self, kind: type[Panel]) -> None:
        """An instrument, and beside it how to read it."""
        from nnviz.gui.panels.help import HelpPopup  # noqa: PLC0415 - opened by hand

        self.show_instrument(kind.key)
        margin = self._measure.px(_MARGIN)
        letters = round(self._measure.px(LETTERS) / theme.text_scale())
        # What it shows and how to read it; what follows is said to a hand that holds the mouse.
        text = "</p>".join(kind.help.split("</p>")[:2])
        HelpPopup(kind.title, text, self, letters, self.spotlight.width() - margin).show_over(self.spotlight, self)

    def set_obstacle(self, text: str) -> None:
        """What has to be done before the network can be trained; empty where nothing has to."""
        self.beside.set_obstacle(text)
        self._on_training()

    def _switch_filters(self) -> None:
        """Picture the chosen layer's weights, or what it puts out."""
        if not self.spotlight.switch_filters():
            self.say("This layer has no filters.")

    def say(self, text: str) -> None:
        """Show a sentence at the foot for a while."""
        self.foot.say(text)

    def take(self, shown: Shown, changed: frozenset[str]) -> None:
        """What the feed brings: to the cards, and to the instrument."""
        before, self._shown = self._shown, shown
        elsewhere = before is None or shown.run is not before.run or shown.step != before.step
        elsewhere = elsewhere or (before is not None and shown.example != before.example)
        self._stage.live.show(shown.run, shown.step, shown.instead, shown.example)
        self.spotlight.show_run(shown.run, shown.step)
        self._scene.follow_facts()
        touched = self._scene.take_values(changed)
        if elsewhere or any(FINDING.owns(series) for series in changed):
            self._scene.refresh_findings()
        self.beside.refresh(shown, changed)
        if elsewhere:
            self._repaint()
        elif touched and not self._later.isActive():
            waited = (time.perf_counter() - self._repainted) * 1000.0
            self._later.start(max(0, round(REFRESH - waited)))

    def _repaint(self) -> None:
        self._repainted = time.perf_counter()
        self.strip.update()
        self.spotlight.update()

    def _pictured(self) -> str:
        """The layer whose output is pictured on the chosen card."""
        card = self._scene.cards.get(self.strip.chosen)
        return card.facts.pictured if card is not None else ""

    def _follow_choice(self) -> None:
        node = self.strip.chosen
        self.spotlight.show_node(node)
        self.beside.set_selection(self._pictured())
        self._tell_interest()
        if node in self._scene.cards:
            self.setAccessibleDescription(describe(self._scene, self._stage.live, node))
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))

    def _tell_interest(self) -> None:
        """Cards in sight, the chosen one closely, and the instrument; that alone where it stands in front of them."""
        cards = self._scene.cards
        seen = frozenset(cards[node].facts.pictured for node in self.strip.seen if node in cards)
        closely = frozenset({self._pictured()} - {""})
        looks = [Interest(ON_CARDS, seen), Interest(OF_THE_SELECTED if closely else frozenset(), closely, closely)]
        if self.beside.is_filling:
            looks = []
        instrument = self.beside.looks_at()
        found = merged([*looks, instrument] if instrument is not None else looks)
        if found != self._interest:
            self._interest = found
            self.interest_changed.emit(found)

    # ---- following -----------------------------------------------------------------------------------------------

    def _on_refreshed(self) -> None:
        """Other cards, or the same with other things on them."""
        self.strip.follow()
        self._arrange()
        self._follow_choice()

    def _on_document_changed(self, before: Project, after: Project, edit: object) -> None:
        self.update()
        self.head.update()

    def _on_training(self, *_: object) -> None:
        """Head and line follow the training."""
        training, feed = self._workspace.training, self._workspace.feed
        last = max(feed.run.last_step, 0)
        planned = last if training.state == "replay" else max(training.standing.steps, last)
        self.foot.line.set_range(last, planned)
        self.foot.line.set_events(event_marks(feed.run))
        self.foot.line.update()
        self.head.follow_training()
        self._tell_state()

    def _tell_state(self) -> None:
        """What the keys do, at the foot."""
        hint = self.panel.page_hint if self.beside.is_filling and self.panel is not None else ""
        stuck = not self.head.can_train and bool(self._workspace.training.blocked())
        self.foot.set_hint(hint or (_REPLAY_HINT if self.head.is_recorded or stuck else _HINT))

    def _restyle(self) -> None:
        for part in (self.head, self.beside, self.foot):
            part.restyle()
        self.update()

    # ---- keys ----------------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Keep the keys of actions behind the page from them: nobody would see what they do."""
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            pressed = QKeySequence(event.keyCombination())
            event.setAccepted(
                not any(pressed in self._actions[name].shortcuts() for name in KEPT if name in self._actions)
            )
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk, train, choose an instrument, leave."""
        event.accept()
        instrument = instrument_of(event)
        if instrument is not None:
            show = self.switch_instrument if instrument == SweepPanel.key else self.show_instrument
            show(instrument)
            return
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier != Qt.KeyboardModifier.NoModifier:
            return
        if self.beside.take_key(event):
            return
        uses: Mapping[Qt.Key, Callable[[], object]] = {
            Qt.Key.Key_Left: lambda: self.walk(-1),
            Qt.Key.Key_Right: lambda: self.walk(1),
            Qt.Key.Key_PageUp: lambda: self.walk(-1),
            Qt.Key.Key_PageDown: lambda: self.walk(1),
            Qt.Key.Key_Home: lambda: self.walk(-len(self.strip.order)),
            Qt.Key.Key_End: lambda: self.walk(len(self.strip.order)),
            Qt.Key.Key_Up: lambda: self.next_instrument(-1),
            Qt.Key.Key_Down: lambda: self.next_instrument(1),
            Qt.Key.Key_Return: self.enter,
            Qt.Key.Key_Enter: self.enter,
            Qt.Key.Key_Escape: self.leave,
            Qt.Key.Key_Backspace: self.step_out,
            Qt.Key.Key_V: self.beside.next_view,
            Qt.Key.Key_F: self._switch_filters,
            Qt.Key.Key_P: self.pointer.switch,
            Qt.Key.Key_E: lambda: self.switch_instrument(ExplainPanel.key),
            Qt.Key.Key_F8: lambda: self.switch_instrument(ExplainPanel.key),
            Qt.Key.Key_S: lambda: self.switch_instrument(SweepPanel.key),
        }
        key = Qt.Key(event.key())
        if key in uses:
            uses[key]()
        elif key is Qt.Key.Key_Space and not event.isAutoRepeat():
            self.head.toggle_play()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Keep the keyboard, and go to the next instrument."""
        self.next_instrument(1 if forward else -1)
        return True

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Nothing behind the page is pressed."""
        event.accept()

    # ---- places --------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Everything is as large as the page allows."""
        super().resizeEvent(event)
        self._measure = Measure.of(self.size())
        for part in (self.head, self.strip, self.spotlight, self.band, self.beside, self.foot, self.pointer):
            part.set_measure(self._measure)
        self._restyle()
        self._arrange()

    def _arrange(self) -> None:
        measure, wide = self._measure, self.width()
        margin = measure.px(_MARGIN)
        across, high = wide - 2 * margin, measure.px(foot.HEIGHT)
        bottom, top = self.height() - high, measure.px(head.HEIGHT)
        self.head.setGeometry(0, 0, wide, top)
        self.foot.setGeometry(0, bottom, wide, high)
        filling = self.beside.is_filling
        for part in (self.strip, self.spotlight):
            part.setVisible(not filling)
        self.band.setVisible(self.band.looking is not None and not filling)
        if filling:
            self.beside.setGeometry(margin, top, across, bottom - top)
        else:
            self._arrange_side_by_side(margin, top, across, bottom)
        self.foot.place_sentence()
        self.update()

    def _arrange_side_by_side(self, left: int, top: int, across: int, bottom: int) -> None:
        """The network above; below it what is talked about, and beside that the instrument."""
        gap, below = self._measure.px(_GAP), self._measure.px(_BELOW)
        self.strip.set_width(across)
        high = self.strip.sizeHint().height()
        self.strip.setGeometry(left, top, across, high)
        top += high + below
        banded = self.band.height_at(across)
        if banded:
            self.band.setGeometry(left, top, across, banded)
            top += banded + below
        room = bottom - top
        talked = across if self.beside.is_empty else round(_SHARE * across)
        if self.beside.is_written:
            talked = round(_SHARE_BESIDE * across)
            if not self.beside.fits_written(QSize(across - talked - gap, room)):
                talked = 0
        self.spotlight.setVisible(talked > 0)
        self.spotlight.setGeometry(left, top, talked, room)
        beside = talked + gap if talked else 0
        self.beside.setGeometry(left + beside, top, max(0, across - beside), room)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """The ground."""
        QPainter(self).fillRect(event.rect(), theme.current().window)

    def _title(self) -> str:
        """The project's name, and the groups that are looked into."""
        project = self._workspace.document.project
        groups = trail(project.graph, self._scene.root) if self._scene.root else ()
        names = [title_of(project.graph.groups[group]) for group in groups]
        return " › ".join([project.name or "untitled", *names])


__all__ = ["LecturePage"]
