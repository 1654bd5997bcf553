"""What flows through the network on the canvas: forwards as always, backwards, or one step in its five parts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent

from nnviz.gui.canvas import CanvasView
from nnviz.gui.canvas.cards.lens import Lens, Looking
from nnviz.gui.canvas.geometry import FAR_ZOOM
from nnviz.gui.explain.flow_bar import FlowBand, FlowBar, height_of
from nnviz.gui.explain.lenses import ON_WIRES, SIGN_WORDS, backward_lens, backward_words, part_lens, part_words
from nnviz.gui.explain.update_view import UpdateView
from nnviz.gui.look import theme
from nnviz.gui.parts.action import Action
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.runs.shown_network import Asked
from nnviz.gui.runs.workspace import Workspace
from nnviz.project.graph.bypass import computation
from nnviz.project.model import Pinned, Project
from nnviz.record.quantities import PINNED_INPUT
from nnviz.record.readings import ArrayReading
from nnviz.train.sub_steps import SubStep

if TYPE_CHECKING:
    from nnviz.explain.explanation import Explanation
    from nnviz.explain.flow import Flow
    from nnviz.explain.given_input import OwnInput
    from nnviz.explain.sub_steps import Part
    from nnviz.gui.explain.lenses import Parameters
    from nnviz.train.training import Training

#: Seconds between two questions while training goes on.
_ASK_EVERY = 0.33
_MARGIN = 8
#: From the edge of the band to the switch in it, which does not move when the band comes.
_INSIDE = 4
#: What is fitted below the switch keeps a margin of its own, of which so much is to spare.
_FIT_OVERLAP = 6
#: From this height of the canvas on cards and update have room beside each other.
_ROOMY = 540
#: What is said of the last part where one weight's update stands below.
_WRITTEN_OUT = "Below, one of them written out."
#: And from this one on cards below the band.
_FOR_BAND = 200
_READY = frozenset({"ready", "paused", "done"})


class FlowOnCanvas(QObject):
    """Shows gradients or the parts of a step on the cards and wires of a canvas, and nothing where neither is wanted.

    Numbers come from the network that is shown, live or recorded, which is asked again when its weights are others;
    while nothing is switched on nobody is asked anything.

    Attributes:
        bar: The switch in the corner of the canvas.
        band: Says what is shown.
        update: One weight's update written out, in the last part of a step.
    """

    #: Something was switched on or off.
    changed = Signal()
    #: What is seen through the lens is another: a Looking, or None for what flows forwards.
    looking_changed = Signal(object)
    #: The update of one weight was written out: (the explanation, what the weight is now); None: it is not any more.
    update_changed = Signal(object)
    #: The cards are to be seen: something is shown on them.
    cards_wanted = Signal()

    def __init__(self, workspace: Workspace, canvas: CanvasView, parent: QObject) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._network = workspace.network
        self._training = workspace.training
        self._canvas = canvas
        self.bar, self.band, self.update = FlowBar(canvas), FlowBand(canvas), UpdateView(canvas)
        self._backward = False
        #: What is shown of a step that is taken apart.
        self._part: Part | None = None
        #: Whether the step of the last part is made: what it has added is shown.
        self._made = False
        self._after: Parameters = {}
        self._added: Parameters = {}
        #: The session whose step it is.
        self._session: object = None
        self._looking: Looking | None = None
        self._asked: Asked | None = None
        self._explaining: Asked | None = None
        self._asked_at = 0.0
        self._again = False
        self._pinned: Pinned = -1
        self._own: OwnInput | None = None
        self._covered = 0
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._ask)
        self.bar.backward_chosen.connect(self.set_backward)
        self.bar.sub_step_wanted.connect(self.sub_step)
        self.band.part_wanted.connect(self.to_part)
        self.band.left.connect(self.leave)
        self.update.wanted.connect(self._explain_update)
        self.update.written_out.connect(self._place)
        canvas.installEventFilter(self)
        canvas.selection_changed.connect(self._on_selection)
        canvas.corner_reserved.connect(self._place)
        self._network.changed.connect(self._on_network_changed)
        self._training.changed.connect(self._look_after_part)
        workspace.feed.ticked.connect(self._on_ticked)  # also while a lecture covers the canvas
        workspace.feed.shown_changed.connect(self._on_example)
        workspace.feed.instead_changed.connect(self._on_example)
        follow(workspace.document.changed, self._on_document_changed)
        follow(theme.notifier.changed, self._place)  # behind those whose letters have another size now
        self._place()

    # ---- what can be done ----------------------------------------------------------------------------------------

    @property
    def backward(self) -> bool:
        """Whether the gradients are shown that flow back."""
        return self._backward

    @property
    def part(self) -> SubStep | None:
        """The part of a step that is shown; None where none is."""
        return self._part.part if self._part is not None else None

    @property
    def looking(self) -> Looking | None:
        """What is shown in the place of what flows forwards, and what is said about it."""
        return self._looking

    def _look(self, looking: Looking | None) -> None:
        """Show something on the cards and in the band; None shows what flows forwards."""
        self._looking = looking
        self._canvas.canvas_scene.show_lens(looking.lens if looking is not None else None)
        if looking is not None:
            part = SubStep(looking.part) if looking.part else None
            words = f"{looking.words} {looking.on_canvas}" if looking.on_canvas else looking.words
            self.band.say(looking.title, words, part, signs=looking.signs)
            self._place()
        self.looking_changed.emit(looking)

    def actions(self) -> tuple[Action, ...]:
        """What is contributed to the window's actions."""
        return (
            Action(
                name="sub_step",
                text="S&ub-step",
                help="Take the next part of a step: batch, forward, loss, backward, update",
                do=self.sub_step,
                keys=("F7",),
                menu="&Train",
                section=1,
                why_not=self._why_no_sub_step,
                wording=self._sub_step_wording,
            ),
            Action(
                name="sub_steps",
                text="All fi&ve sub-steps",
                help="Make the step that is taken apart, or the next one, whole, and show what it adds to each weight",
                do=lambda: self.sub_step_to(SubStep.UPDATE),
                keys=("Shift+F7",),
                menu="&Train",
                section=1,
                why_not=self._why_no_sub_step,
            ),
            Action(
                name="backward",
                text="Bac&kward",
                help="Show the gradients that flow back, on cards and wires; again for what flows forwards",
                do=self.set_backward,
                keys=("F9",),
                menu="&Train",
                section=1,
                on=lambda: self._backward,
            ),
        )

    def _why_no_sub_step(self) -> str:
        training = self._training
        if reason := training.blocked():
            return reason
        if training.state == "running":
            return "Pause first."
        return "" if training.state in _READY else f"The network is being prepared ({training.status()})."

    def _sub_step_wording(self) -> tuple[str, str]:
        parts = " · ".join(f"[{part.value}]" if part is self._following else part.value for part in SubStep)
        return "S&ub-step", self._why_no_sub_step() or f"Take the next part of a step: {parts}"

    @property
    def _following(self) -> SubStep:
        return SubStep.BATCH if self._part is None else self._part.part.following

    def set_backward(self, on: bool) -> None:
        """Show the gradients that flow back, or what flows forwards again."""
        self._leave_parts()
        if on and not self._backward:
            self._backward = True
            self.cards_wanted.emit()
            before = self._looking.lens if self._looking is not None else None
            self._look_backward(before, "The gradients are being computed.")
            self._ask()
        elif not on:
            self._backward = False
            self._cancel()
        self._show_state()

    def leave(self) -> None:
        """Show what flows forwards, as always."""
        self.set_backward(False)

    def sub_step(self) -> None:
        """Do the next part of a step and show it."""
        self.sub_step_to(self._following)

    def sub_step_to(self, part: SubStep) -> None:
        """Do the parts of a step up to this one and show it.

        Where the step is at this part already, or behind it, and not yet made, it is begun again: until the update
        nothing has changed. Behind the update it is the next step.
        """
        if reason := self._why_no_sub_step():
            self._workspace.say(reason)
            return
        if self._asked is not None and not self._backward:
            return  # one after the other
        self._backward = False
        self.cards_wanted.emit()
        self._cancel()
        self._session = self._training.bridge.session
        following, parts = self._following, tuple(SubStep)
        if parts.index(part) < parts.index(following):
            self._training.bridge.leave_sub_steps()
            following = SubStep.BATCH
        self._do(following, part)

    def to_part(self, part: SubStep) -> None:
        """As :meth:`sub_step_to`; but a click on the update that is shown makes no more: it may be the second."""
        if part is not SubStep.UPDATE or self.part is not SubStep.UPDATE:
            self.sub_step_to(part)

    def _do(self, following: SubStep, wanted: SubStep) -> None:
        """Do the next part, and then those behind it until the one that is wanted, which is shown."""

        def look(training: Training, part: SubStep) -> Part | SubStep:
            from nnviz.explain.sub_steps import look_at  # noqa: PLC0415 - torch belongs to that thread

            return look_at(training, part) if part is wanted else part

        def done(found: Part | SubStep) -> None:
            if not isinstance(found, SubStep):
                self._show_part(found)
            elif found is following:
                self._do(following.following, wanted)
            else:  # a step was made meanwhile, and this is a part of the next one
                self._asked = None
                self._leave_parts()
                self._show_state()

        self._asked = self._network.sub_step_on(look, done, self._on_refused)

    def stop(self) -> None:
        """Ask nothing more: the window goes."""
        self._later.stop()
        self._cancel()

    # ---- backward ------------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        """Have the gradients computed for the example that the cards show."""
        if not self._backward:
            return
        if self._asked is not None:
            self._again = True
            return
        self._again = False
        self._asked_at = time.monotonic()
        pinned, own = self._pinned, self._own = self._pinned_now(), self._workspace.own_input

        def question(training: Training) -> Flow:
            from nnviz.explain.asked import pinned_example  # noqa: PLC0415 - torch belongs to that thread
            from nnviz.explain.flow import flow_of_example  # noqa: PLC0415 - as above
            from nnviz.explain.values import own_example  # noqa: PLC0415 - as above

            return flow_of_example(training, own_example(own) if own else pinned_example(training, pinned))

        self._asked = self._network.ask(question, self._show_backward, self._on_no_answer)

    def _pinned_now(self) -> Pinned:
        """The example that the cards show at the step that is shown."""
        shown = self._workspace.feed.shown
        reading = shown.run.latest(PINNED_INPUT.series(), shown.step)
        if shown.example is not None:
            return shown.example
        meta = reading.meta if isinstance(reading, ArrayReading) else {}
        number, split = meta.get("sample"), meta.get("split")
        if isinstance(number, int) and number >= 0:
            return (split, number) if isinstance(split, str) and split in ("train", "validation") else number
        return self._workspace.document.project.view.pinned

    def _ask_later(self) -> None:
        if not self._backward or self._later.isActive():
            return
        waited = time.monotonic() - self._asked_at
        self._later.start(max(0, round(1000 * (_ASK_EVERY - waited))))

    def _show_backward(self, flow: Flow) -> None:
        self._asked = None
        self._look_backward(backward_lens(flow), backward_words(flow), ON_WIRES)
        if self._again:
            self._ask_later()

    def _on_no_answer(self, error: BaseException) -> None:
        self._asked = None
        self._look_backward(Lens(backward=True, fades=True), sentence_of(error))
        if self._again:
            self._ask_later()

    def _look_backward(self, lens: Lens | None, words: str, on_canvas: str = "") -> None:
        self._look(Looking(lens, f"← Backward: {SIGN_WORDS}", words, signs=True, on_canvas=on_canvas))

    # ---- the parts of a step -------------------------------------------------------------------------------------

    def _show_part(self, part: Part) -> None:
        self._asked = None
        self._part, self._made, self._added = part, False, {}
        self._hide_update()
        self._paint_part()
        if part.part is SubStep.UPDATE:
            self._look_after_part()
        self._show_state()

    def _paint_part(self) -> None:
        part = self._part
        if part is None:
            return
        ends = {node.kind: node.id for node in self._workspace.document.project.graph.nodes.values()}
        added = self._added if self._made else None
        lens = part_lens(part, ends.get("input", ""), ends.get("output", ""), added)
        signs = part.part in (SubStep.BACKWARD, SubStep.UPDATE)
        beside = {SubStep.BACKWARD: ON_WIRES, SubStep.UPDATE: _WRITTEN_OUT if self._made else ""}.get(part.part, "")
        parts = tuple(one.value for one in SubStep)
        words = part_words(part, made=self._made)
        self._look(Looking(lens, "Sub-steps", words, part.part.value, parts, signs, beside))

    def _on_refused(self, error: BaseException) -> None:
        self._asked = None
        self._workspace.say(sentence_of(error))
        self._show_state()  # the gradients that were shown before are not followed any more

    def _on_network_changed(self) -> None:
        if self._backward:
            self._ask_later()
        self._look_after_part()

    def _look_after_part(self) -> None:
        """Whether the part that is shown is still true: the step may have been made, made whole, or never be made."""
        part = self._part
        if part is None or self._asked is not None:
            return
        bridge = self._training.bridge
        if not self._network.is_live or bridge.session is not self._session or bridge.sub_step is not part.part:
            unfinished = part.part is not SubStep.UPDATE
            self._leave_parts()
            self._show_state()
            if unfinished:
                self._workspace.say("The step is not taken apart any more: its parts are forgotten.")
            return
        step = bridge.position.step if bridge.position is not None else part.step
        if part.part is SubStep.UPDATE and not self._made and step == part.step + 1:
            self._look_at_update(part)
        elif step != part.step + self._made and not (part.part is SubStep.UPDATE and step == part.step):
            self._leave_parts()
            self._show_state()

    def _look_at_update(self, part: Part) -> None:
        """The step is made: find out what it has added to each weight."""

        def question(training: Training) -> tuple[int, Parameters, Parameters]:
            from nnviz.explain.sub_steps import changes, parameters_of  # noqa: PLC0415 - torch belongs to that thread

            after = parameters_of(training)
            return training.step, changes(part, after), after

        def done(found: tuple[int, Parameters, Parameters]) -> None:
            self._asked = None
            step, self._added, self._after = found
            if step != part.step + 1 or self._part is not part:
                self._look_after_part()
                return
            self._made = True
            self._paint_part()
            self._show_update(self._canvas.selected)
            self._show_state()

        self._asked = self._network.ask(question, done, self._on_refused)

    def _show_update(self, selected: tuple[str, ...] | list[str]) -> None:
        """Write a weight of the selected layer out, or of the first layer that has weights."""
        if not self._made or self._part is None:
            return
        chosen = next((node for node in selected if node in self._added), next(iter(self._added), ""))
        if not chosen:
            return
        self.update.show_layer(chosen, self._added[chosen], self._after[chosen])
        self._place()

    def _explain_update(self, node: str, name: str, index: tuple[int, ...]) -> None:
        part = self._part
        if part is None or part.before is None:
            return
        if part.unwritten:
            self.update.show_failure(part.unwritten)
            return
        before = part.before
        if self._explaining is not None:
            self._explaining.cancel()

        after = self._after[node][name]

        def question(_training: Any) -> Explanation:
            return before.explain(node, name, index)

        def done(found: Explanation) -> None:
            self.update.show_explanation(found)
            self.update_changed.emit((found, float(after[index])))

        self._explaining = self._network.ask(question, done, lambda error: self.update.show_failure(sentence_of(error)))

    def _leave_parts(self) -> None:
        if self._part is None:
            return
        if self._training.bridge.sub_step is not None and self._training.bridge.session is self._session:
            self._training.bridge.leave_sub_steps()
        self._part, self._made, self._added, self._after, self._session = None, False, {}, {}, None
        self._cancel()
        self._hide_update()

    def _hide_update(self) -> None:
        self.update.hide()
        self.update_changed.emit(None)

    def write_out(self, node: str) -> None:
        """Write out a weight of this layer, where a step was just made that moved it."""
        if self._made and node in self._added and node != self.update.shown[0]:
            self._show_update([node])

    # ---- following -----------------------------------------------------------------------------------------------

    def _cancel(self) -> None:
        for asked in (self._asked, self._explaining):
            if asked is not None:
                asked.cancel()
        self._asked = self._explaining = None

    def _on_ticked(self, changed: frozenset[str]) -> None:
        if PINNED_INPUT.series() in changed:
            self._on_example()

    def _on_example(self, _shown: object = None) -> None:
        """The cards show another example of a recorded run, or an input of one's own."""
        own, before = self._workspace.own_input, self._own
        same = own is before or (own is not None and before is not None and own.numbers is before.numbers)
        if self._backward and not (same and self._pinned_now() == self._pinned):
            self._ask_later()

    def _on_selection(self, nodes: list[str]) -> None:
        known = next((node for node in nodes if node in self._added), "")
        self.write_out(known)

    def _on_document_changed(self, before: Project, after: Project, edit: object) -> None:
        """The gradients of another network are not those of this one."""
        if before.graph is after.graph or not (self._backward or self._part is not None):
            return
        if edit is not None and computation(before.graph) == computation(after.graph):
            return
        if self._part is not None:
            self._leave_parts()
            self._show_state()
        else:
            self._look_backward(Lens(backward=True, fades=True), "The gradients of the new network are being computed.")
            self._ask_later()

    def _show_state(self) -> None:
        """Bring the switch, the band and the cards in line with what is on."""
        showing = self._backward or self._part is not None
        self.bar.show_state(self._backward or self.part is SubStep.BACKWARD)
        if not showing and self._looking is not None:
            self._look(None)
        self._place()
        self.changed.emit()

    # ---- place ---------------------------------------------------------------------------------------------------

    def cover(self, top: int) -> None:
        """Stand below something else that covers so many pixels of the upper edge of the canvas."""
        self._covered = top
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in place when the canvas is resized; Esc where nothing is selected shows again what flows forwards."""
        if event.type() is QEvent.Type.Resize:
            self._place()
        elif event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            looking = self._backward or self._part is not None
            if looking and event.key() == Qt.Key.Key_Escape and not self._canvas.selected:
                self.leave()
                return True
        return False

    def _place(self) -> None:
        """In the corner the switch, beside it the band, at the lower edge the update; what is fitted makes room."""
        canvas, bar, band, update = self._canvas, self.bar, self.band, self.update
        # Over a strip, as above a number that is taken apart, it would cover what it speaks of.
        strip = canvas.height() < _FOR_BAND
        band.setVisible((self._backward or self._part is not None) and not strip)
        update.setVisible(self._made and update.shown[0] in self._added and not strip)
        width, top = canvas.width(), self._covered + _MARGIN
        taken = canvas.reserved_corner
        bar.fit(width - taken)
        bar.move(width - taken - bar.width() - _MARGIN - _INSIDE, top + _INSIDE)
        covered = self._covered
        if not band.isHidden():
            wide = width - 2 * _MARGIN - taken
            band.set_free(bar.size(), wide)
            band.set_low(False)
            high = height_of(band, wide)
            # Gradients are seen on cards only: better no second row than cards that are bare titles.
            if self.part is None and canvas.height() < canvas.camera.height_for(FAR_ZOOM, top + high):
                band.set_low(True)
                high = height_of(band, wide)
            band.setGeometry(_MARGIN, top, wide, high)
            covered = top + band.height()
        bar.raise_()
        canvas.groups.cover(covered)
        canvas.camera.set_corner(QSize(width - bar.x() + _MARGIN, bar.geometry().bottom() + 1 - _FIT_OVERLAP))
        foot = 0
        if not update.isHidden():
            wide = min(width - 2 * _MARGIN, 940)
            # On a low canvas it lies over cards rather than leave them no room.
            roomy = canvas.height() >= _ROOMY
            high = min(update.height_at(wide, low=not roomy), round((0.5 if roomy else 0.72) * canvas.height()))
            update.setGeometry((width - wide) // 2, canvas.height() - high - _MARGIN, wide, high)
            update.raise_()
            foot = high + _MARGIN if roomy else 0
        canvas.camera.set_foot(foot)
