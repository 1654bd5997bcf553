"""The page of a lecture: the network as a strip, what is talked about large, one instrument, a slim head and foot."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QTimer, Signal
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
from PySide6.QtWidgets import QLabel, QToolButton, QWidget

from nnviz.gui.canvas.cards.describe import describe
from nnviz.gui.canvas.cards.facts import ON_CARDS
from nnviz.gui.canvas.cards.lens import Looking
from nnviz.gui.canvas.following import REFRESH
from nnviz.gui.canvas.items.stage import Stage
from nnviz.gui.canvas.scene import CanvasScene
from nnviz.gui.explain.written_update import WrittenUpdate
from nnviz.gui.lecture.band import LectureBand
from nnviz.gui.lecture.magnifier import Magnifier
from nnviz.gui.lecture.measure import LETTERS, Measure
from nnviz.gui.lecture.place import Place
from nnviz.gui.lecture.pointer import Pointer
from nnviz.gui.lecture.run_line import RunLine
from nnviz.gui.lecture.spotlight import Spotlight
from nnviz.gui.lecture.strip import Strip
from nnviz.gui.look import icons, theme
from nnviz.gui.look.painting import guarded
from nnviz.gui.panels.base import Panel
from nnviz.gui.panels.catalogue import PANELS
from nnviz.gui.panels.plot import CurvePlot
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.key_use import KeyUse
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

#: The instruments that can be chosen: those that measure something.
INSTRUMENTS: tuple[type[Panel], ...] = tuple(kind for kind in PANELS if kind.quantities)
#: What the keys do in a lecture; the shortcut sheet shows it, too.
LECTURE_KEYS: tuple[KeyUse, ...] = (
    KeyUse("The layer before or behind", ("Left", "Right", "PgUp", "PgDown")),
    KeyUse("The first layer, the last one", ("Home", "End")),
    KeyUse("Train, or pause", ("Space",)),
    KeyUse("Look inside a group", ("Return",)),
    KeyUse("Gradients that flow back, or what flows forwards again", ("F9",)),
    KeyUse("The next part of a step: batch, forward, loss, backward, update", ("F7",)),
    KeyUse("All parts of a step, to its update", ("Shift+F7",)),
    KeyUse("Back: to what flows forwards, out of the group, out of the lecture", ("Esc",)),
    KeyUse("The instrument before or behind", ("Up", "Down")),
    KeyUse("An instrument by its number; none", ("1", "9", "0")),
    KeyUse("What the instrument shows: its next view", ("V",)),
    KeyUse("The layer's filters, or what it puts out", ("F",)),
    KeyUse("The ring round the mouse", ("P",)),
)
#: Actions of the window whose keys go on working; what others do could not be seen.
KEPT = (
    "lecture", "play", "step", "epoch", "step_back", "reset", "live", "evaluate_test", "switch_theme", "system_theme",
    "full_screen", "save", "quit", "backward", "sub_step", "sub_steps", "previous_sample", "next_sample",
    "random_sample", "shortcuts",
)  # fmt: skip
_HINT = "← → walk · Space train · Esc back"
#: Where a recorded run is shown, which nothing trains.
_REPLAY_HINT = "← → walk · Esc back"
#: On the page: the margin, the gap between its parts, head and foot.
_MARGIN, _GAP, _HEAD, _FOOT = 28, 18, 76, 52
#: Room around an update that is written out, and how much larger than on the canvas it is, where that has room.
_ROOM, _WRITTEN = 16, (1.7, 1.55, 1.4, 1.3, 1.2, 1.1, 1.0)
#: Of the width, what is talked about has beside the instrument.
_SHARE = 0.53
#: And beside an update that is written out.
_SHARE_BESIDE = 0.3
#: What stands behind the name of a project that nothing trains.
_RECORDED = "recorded run"
#: A sentence stands at the foot for so many milliseconds.
_SAID = 8000


class LecturePage(QWidget):
    """Covers the window. It has views of its own on document and run, and changes nothing of those behind it.

    Signals:
        left: The lecture is over.
        forward_wanted: What flows forwards is to be shown again.
        part_wanted: A step is to be taken apart up to this part, by its name.
        interest_changed: What it looks at: an :class:`Interest`.
        cure_requested: A cure of a finding was pressed.
        chosen: Another card is talked about: the id of its layer or group.
    """

    chosen = Signal(str)
    left = Signal()
    forward_wanted = Signal()
    part_wanted = Signal(str)
    interest_changed = Signal(object)
    cure_requested = Signal(object)

    def __init__(self, window: QWidget, workspace: Workspace, actions: Mapping[str, QAction], place: Place) -> None:
        super().__init__(window)
        self._workspace = replace(workspace, say=self.say)
        self._actions = actions
        self._measure = Measure()
        self._shown: Shown | None = None
        self._interest = NOTHING
        self._obstacle = ""
        self._said = ""
        self._hint = _HINT
        self._differs = False
        self.setObjectName("Lecture")
        self.setAccessibleName("Lecture")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        # Every pixel is filled, so that nothing behind it is painted.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._stage = Stage()
        self._scene = CanvasScene(workspace.document, self._stage, self)
        self.strip = Strip(self._scene, self._stage, self)
        self.spotlight = Spotlight(self._scene, self._stage, workspace.document, self)
        self.band = LectureBand(self)
        self.written = WrittenUpdate(self)
        self.written.hide()
        self.line = RunLine(workspace.feed, self)
        self._sentence = QLabel(self)
        self._sentence.setObjectName("LectureSentence")
        self._sentence.setTextFormat(Qt.TextFormat.PlainText)
        self._sentence.setWordWrap(True)
        self._sentence.setAlignment(_RIGHT)
        self._sentence.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._sentence.hide()
        self.play = QToolButton(self)
        self.play.setObjectName("LecturePlay")
        self.play.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.play.clicked.connect(self._toggle_play)
        self.panel: Panel | None = None
        self.glass = Magnifier(self)
        self._before = self._chevron("chevron-left", "The instrument before", -1)
        self._behind = self._chevron("chevron-right", "The next instrument", 1)
        self.pointer = Pointer(self)
        if not place.pointer:
            self.pointer.switch()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._repaint)
        self._repainted = 0.0
        self._silence = QTimer(self)
        self._silence.setSingleShot(True)
        self._silence.setInterval(_SAID)
        self._silence.timeout.connect(lambda: self.say(""))
        self.band.part_wanted.connect(self.part_wanted)
        self.strip.picked.connect(self.choose)
        self.strip.entered.connect(lambda _node: self.enter())  # the press before it has chosen the card
        self.strip.seen_changed.connect(self._tell_interest)
        self.spotlight.entered.connect(self.enter)
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
        self._instrument = ""
        self.show_instrument(place.instrument)
        for widget in (self, *self.findChildren(QWidget)):
            if widget is not self.pointer:
                self.pointer.watch(widget)
        self._restyle()
        self._on_training()

    # ---- what is shown -------------------------------------------------------------------------------------------

    @property
    def place(self) -> Place:
        """Where the lecture is."""
        return Place(self._scene.root, self.strip.chosen, self._instrument, self.pointer.on)

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
        """Look inside the chosen card, where it is a group."""
        if self.strip.chosen in self._scene.seen.cards:
            self._scene.enter(self.strip.chosen)

    def leave(self) -> None:
        """To what flows forwards, where something else is shown; out of the group; out of the lecture."""
        if self.band.looking is not None:
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
        if self.band.height_at(across) != before:
            self._arrange()
        self._repaint()

    def show_update(self, update: tuple[Explanation, float] | None) -> None:
        """Write the update of one weight out in the place of the instrument; None shows that again."""
        if update is not None:
            self.written.show_update(*update)
        self._cover(update is not None)

    def _cover(self, on: bool) -> None:
        """Something else stands in the place of the instrument, or it does again."""
        self.written.setVisible(on)
        for widget in (self.glass, self._before, self._behind):
            widget.setVisible(self.panel is not None and not on)
        self._arrange()

    def show_instrument(self, key: str) -> None:
        """Show another instrument beside what is talked about; an empty key shows none."""
        kind = next((kind for kind in INSTRUMENTS if kind.key == key), None)
        if self.panel is not None and kind is type(self.panel):
            return
        panel, self.panel = self.panel, None
        self.glass.show_widget(None)
        if panel is not None:
            panel.deleteLater()
        self._instrument = kind.key if kind is not None else ""
        if kind is not None:
            self.panel = panel = kind(self._workspace)
            panel.header.hide()
            panel.body_layout.setContentsMargins(6, 0, 6, 2)
            panel.set_obstacle(self._obstacle)
            panel.set_selection(self._pictured())
            panel.node_requested.connect(self.choose)
            panel.cure_requested.connect(self._on_cure)
            panel.message.connect(self.say)
            panel.failed.connect(self.say)
            panel.interest_changed.connect(lambda _key, _interest: self._tell_interest())
            self.glass.show_widget(panel)
            self._weigh()
        self._cover(self.written.isVisibleTo(self))
        if self.panel is not None and self._shown is not None:
            self.panel.refresh(self._shown, self._shown.names)
        self._tell_interest()
        self.update()

    def _on_cure(self, cure: Cure) -> None:
        """What only shows something shows it here: behind the page nobody would see it."""
        kind = next((kind for kind in INSTRUMENTS if kind.key == cure.value), None)
        if cure.action == "show_units":
            self.choose(cure.value)
            self.show_instrument("feature_maps")
        elif cure.action == "show_help" and kind is not None:
            # Not at once: the link that was pressed stands in the instrument that goes.
            QTimer.singleShot(0, self, lambda: self._explain(kind))
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

    def close_panel(self) -> None:
        """The lecture is over: the instrument goes at once, and asks for nothing any more."""
        panel, self.panel = self.panel, None
        self.glass.show_widget(None)
        if panel is not None:
            panel.deleteLater()

    def _weigh(self) -> None:
        """Lines are as much wider as letters are larger."""
        for plot in self.panel.findChildren(CurvePlot) if self.panel is not None else ():
            plot.set_weight(self._measure.glass)

    def next_instrument(self, by: int) -> None:
        """Show the instrument so many places on; behind the last one comes the first."""
        keys = [kind.key for kind in INSTRUMENTS]
        at = keys.index(self._instrument) if self._instrument else -1 if by > 0 else 0
        self.show_instrument(keys[(at + by) % len(keys)])

    def set_obstacle(self, text: str) -> None:
        """What has to be done before the network can be trained; empty where nothing has to."""
        self._obstacle = text
        if self.panel is not None:
            self.panel.set_obstacle(text)
        self._on_training()

    def next_view(self) -> None:
        """Let the instrument show the next of what it can show."""
        panel = self.panel
        if panel is None or not panel.choices:
            return
        choice = panel.choices[0]
        keys = [option.key for option in choice.options]
        value = panel.option(choice.key)
        panel.set_option(choice.key, keys[(keys.index(value) + 1) % len(keys) if value in keys else 0])
        self.update()

    def _switch_filters(self) -> None:
        """Picture the chosen layer's weights, or what it puts out."""
        if not self.spotlight.switch_filters():
            self.say("This layer has no filters.")

    def say(self, text: str) -> None:
        """Show a sentence at the foot for a while."""
        self._said = " ".join(text.split())
        if text:
            self._silence.start()
        # A sentence takes the foot for itself: most are longer than the hint beside the line.
        self.line.setVisible(not self._said)
        self._place_sentence()
        self.update()

    def _place_sentence(self) -> None:
        """In the foot, and for as long as it is there above it, where it is longer than a line."""
        measure, label = self._measure, self._sentence
        label.setText(self._said)
        label.setVisible(bool(self._said))
        label.setFont(measure.font(LETTERS))
        across = self.width() - 2 * measure.px(_MARGIN)
        high = max(label.heightForWidth(across), measure.px(_FOOT))
        label.setGeometry(measure.px(_MARGIN), self.height() - high, across, high)
        label.raise_()

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
        if self.panel is not None:
            self.panel.refresh(shown, changed)
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
        if self.panel is not None:
            self.panel.set_selection(self._pictured())
        self._tell_interest()
        if node in self._scene.cards:
            self.setAccessibleDescription(describe(self._scene, self._stage.live, node))
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))

    def _tell_interest(self) -> None:
        """Cards in sight, the chosen one closely, and the instrument."""
        cards = self._scene.cards
        seen = frozenset(cards[node].facts.pictured for node in self.strip.seen if node in cards)
        closely = frozenset({self._pictured()} - {""})
        looks = [Interest(ON_CARDS, seen), Interest(OF_THE_SELECTED if closely else frozenset(), closely, closely)]
        if self.panel is not None:
            looks.append(self.panel.looks_at())
        found = merged(looks)
        if found != self._interest:
            self._interest = found
            self.interest_changed.emit(found)

    # ---- following -----------------------------------------------------------------------------------------------

    def _on_refreshed(self) -> None:
        """Other cards, or the same with other things on them."""
        self.strip.follow()
        self._arrange()
        self._follow_choice()
        self.update()

    def _on_document_changed(self, before: Project, after: Project, edit: object) -> None:
        self.update()

    def _on_training(self, *_: object) -> None:
        """Head and line follow the training."""
        training, feed = self._workspace.training, self._workspace.feed
        last = max(feed.run.last_step, 0)
        planned = last if training.state == "replay" else max(training.standing.steps, last)
        self.line.set_range(last, planned)
        self.line.set_events(event_marks(feed.run))
        self.line.update()
        self._tell_state()
        running = training.state == "running"
        words = "Pause (Space)" if running else "Train (Space)"
        if self.play.toolTip() != words:
            self.play.setToolTip(words)
            self.play.setAccessibleName("Pause" if running else "Train")
            icons.bind(self.play, "pause" if running else "play", "accent_text")
        self.update(0, 0, self.width(), self._measure.px(_HEAD))

    def _tell_state(self) -> None:
        """A recorded run that no race makes cannot be trained, and another network has to be begun with first."""
        training = self._workspace.training
        recorded = training.replay is not None and training.race is None
        hint = _REPLAY_HINT if recorded else _HINT
        if hint != self._hint:
            self._hint = hint
            self._arrange()
        self.play.setHidden(recorded)
        if training.differs != self._differs:
            self._differs = training.differs
            if self._can_restart:
                self.say(self._how_to_restart())

    @property
    def _can_restart(self) -> bool:
        return self._workspace.training.differs and self._actions["reset"].isEnabled()

    def _how_to_restart(self) -> str:
        keys = self._actions["reset"].shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        return f"The network is another one now: {keys} begins again with it."

    def _toggle_play(self) -> None:
        action = self._actions["play"]
        if action.isEnabled() or self._workspace.training.state == "running":
            action.trigger()
        elif self._can_restart:
            self.say(self._how_to_restart())
        else:
            self.say(str(action.property("reason") or action.statusTip()))

    def _restyle(self) -> None:
        colours = theme.current()
        radius = self._measure.px(8)
        self.play.setStyleSheet(
            f"#LecturePlay {{ background: {colours.accent.name()}; border: none; border-radius: {radius}px; }}"
            f"#LecturePlay:hover {{ background: {theme.mixed(colours.accent, colours.text, 0.15).name()}; }}"
        )
        self._sentence.setStyleSheet(
            f"#LectureSentence {{ background: {colours.window.name()}; color: {colours.text.name()}; }}"
        )
        self.glass.setBackgroundBrush(colours.panel)
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
        key, plain = Qt.Key(event.key()), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if plain == Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier:
            self._choose_by_keys(event)
            return
        if plain != Qt.KeyboardModifier.NoModifier:
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
            Qt.Key.Key_V: self.next_view,
            Qt.Key.Key_F: self._switch_filters,
            Qt.Key.Key_P: self.pointer.switch,
        }
        if key in uses:
            uses[key]()
        elif key is Qt.Key.Key_Space and not event.isAutoRepeat():
            self._toggle_play()
        elif Qt.Key.Key_0 <= key <= Qt.Key.Key_9:
            number = int(key) - int(Qt.Key.Key_0)
            if number <= len(INSTRUMENTS):
                self.show_instrument(INSTRUMENTS[number - 1].key if number else "")

    def _choose_by_keys(self, event: QKeyEvent) -> None:
        """The keys that show an instrument at a desk show it here."""
        for number, kind in enumerate(PANELS, start=1):
            keys = QKeySequence(f"Ctrl+Alt+{number if number <= 9 else kind.letter}")
            if keys == QKeySequence(event.keyCombination()) and kind in INSTRUMENTS:
                self.show_instrument(kind.key)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Keep the keyboard, and go to the next instrument."""
        self.next_instrument(1 if forward else -1)
        return True

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Nothing behind the page is pressed."""
        event.accept()

    # ---- places --------------------------------------------------------------------------------------------------

    def _chevron(self, icon: str, words: str, by: int) -> QToolButton:
        button = QToolButton(self)
        button.setProperty("role", "flat")
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setToolTip(words)
        button.setAccessibleName(words)
        icons.bind(button, icon, "text_muted")
        button.clicked.connect(lambda: self.next_instrument(by))
        return button

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Everything is as large as the page allows."""
        super().resizeEvent(event)
        self._measure = Measure.of(self.size())
        for part in (self.strip, self.spotlight, self.band, self.line, self.pointer):
            part.set_measure(self._measure)
        self.glass.set_glass(self._measure.glass)
        self._weigh()
        self._restyle()
        self._arrange()

    def _arrange(self) -> None:
        measure, wide = self._measure, self.width()
        margin, gap, head, foot = (measure.px(one) for one in (_MARGIN, _GAP, _HEAD, _FOOT))
        across = wide - 2 * margin
        button = QSize(measure.px(64), measure.px(46))
        self.play.setFixedSize(button)
        self.play.setIconSize(QSize(measure.px(26), measure.px(26)))
        self.play.move(wide - margin - button.width(), (head - button.height()) // 2)
        top = head
        self.strip.set_width(across)
        high = self.strip.sizeHint().height()
        self.strip.setGeometry(margin, top, across, high)
        top += high + measure.px(12)
        banded = self.band.height_at(across)
        if banded:
            self.band.setGeometry(margin, top, across, banded)
            top += banded + measure.px(12)
        bottom = self.height() - foot
        written = self.written.isVisibleTo(self)
        share = _SHARE_BESIDE if written else _SHARE if self.panel is not None else 1.0
        left = round(across * share)
        self.spotlight.setGeometry(margin, top, left, bottom - top)
        self._instrument_place = QRectF(margin + left + gap, top, across - left - gap, bottom - top)
        title = measure.px(54)
        inner = self._instrument_place.toRect().adjusted(measure.px(4), title, -measure.px(8), -measure.px(8))
        self.glass.setGeometry(inner)
        if written:
            inset = measure.px(_ROOM)
            room = self._instrument_place.toRect().adjusted(inset, inset, -inset, -inset)
            self.written.setGeometry(room)
            for larger in _WRITTEN:
                self.written.set_fonts(partial(measure.font_of, larger))
                if self.written.fits(room.size()):
                    break
        side = measure.px(44)
        right = round(self._instrument_place.right()) - measure.px(8)
        for index, chevron in enumerate((self._behind, self._before)):
            chevron.setFixedSize(side, side)
            chevron.setIconSize(QSize(measure.px(26), measure.px(26)))
            chevron.move(right - (index + 1) * side, top + (title - side) // 2)
        hint = round(measure.width(self._hint)) + measure.px(24)
        self._place_sentence()
        self.line.setGeometry(margin - measure.px(9), bottom, across - hint + measure.px(9), foot)
        self.update()

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Head, foot and the plate of the instrument."""
        colours, measure = theme.current(), self._measure
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(event.rect(), colours.window)
        self._paint_head(painter, colours)
        written = self.written.isVisibleTo(self)
        if self.panel is not None or written:
            place = self._instrument_place
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.panel)
            painter.drawRoundedRect(place, measure.px(10), measure.px(10))
        if self.panel is not None and not written:
            painter.setPen(colours.text)
            painter.setFont(measure.font(28, 600))
            row = QRectF(place.left() + measure.px(22), place.top(), place.width() - measure.px(130), measure.px(58))
            painter.drawText(row, _LEFT, self._instrument_title())
        foot = QRectF(0, self.height() - measure.px(_FOOT), self.width() - measure.px(_MARGIN), measure.px(_FOOT))
        if not self._said:
            painter.setFont(measure.font(LETTERS))
            painter.setPen(colours.text_muted)
            painter.drawText(foot, _RIGHT, self._hint)
        painter.end()

    def _instrument_title(self) -> str:
        """The instrument's name, and of which layer it speaks or what it shows where that is not said by it."""
        panel = self.panel
        if panel is None:
            return ""
        if panel.choices and panel.choices[0].key == "view":
            value = panel.option("view")
            titles = {"loss": "Loss", "accuracy": "Accuracy", "both": "Loss and accuracy"}
            titles |= {"top5": "Top-5 accuracy", "f1": "Macro F1"}
            return titles.get(value, panel.title)
        return panel.title

    def _paint_head(self, painter: QPainter, colours: theme.Theme) -> None:
        measure = self._measure
        margin, head = measure.px(_MARGIN), measure.px(_HEAD)
        right = float(self.width() - margin if self.play.isHidden() else self.play.x() - measure.px(20))
        feed = self._workspace.feed
        last = max(feed.run.last_step, 0)
        step = feed.current_step
        number = theme.format_count(last if step is None else step)
        # The figures have the room of four, so that nothing moves while they count.
        wide = max(measure.width(number, 32, 700), measure.width("0000", 32, 700))
        painter.setFont(measure.font(32, 700))
        painter.setPen(colours.text if step is None else colours.warning)
        painter.drawText(QRectF(right - wide, 0, wide, head), _RIGHT, number)
        right -= wide + measure.px(14)
        words = "step" if step is None else "earlier step"
        wide = measure.width(words, 26)
        painter.setFont(measure.font(26))
        painter.setPen(colours.text_muted)
        painter.drawText(QRectF(right - wide, measure.px(2), wide, head), _RIGHT, words)
        right -= wide + measure.px(24)
        painter.setFont(measure.font(32, 600))
        painter.setPen(colours.text)
        metrics = painter.fontMetrics()
        title = metrics.elidedText(self._title(), Qt.TextElideMode.ElideRight, int(right - margin))
        painter.drawText(QRectF(margin, 0, right - margin, head), _LEFT, title)
        left = margin + metrics.horizontalAdvance(title) + measure.px(20)
        if self.play.isHidden() and left + measure.width(_RECORDED, 26) <= right:
            painter.setFont(measure.font(26))
            painter.setPen(colours.text_muted)
            painter.drawText(QRectF(left, measure.px(2), right - left, head), _LEFT, _RECORDED)

    def _title(self) -> str:
        """The project's name, and the groups that are looked into."""
        project = self._workspace.document.project
        groups = trail(project.graph, self._scene.root) if self._scene.root else ()
        names: Sequence[str] = [title_of(project.graph.groups[group]) for group in groups]
        return " › ".join([project.name or "untitled", *names])


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


__all__ = ["INSTRUMENTS", "LECTURE_KEYS", "LecturePage"]
