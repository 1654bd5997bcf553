"""What this unit wants: a unit is chosen and looked into, at the press of a button, beside the training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from PySide6.QtWidgets import QWidget

from nnviz.errors import Cancelled
from nnviz.gui.explain.asked_view import AskedView, offer
from nnviz.gui.explain.own_asking import Job, KeptCopy, OwnAsking
from nnviz.gui.explain.unit_picture import UnitPicture
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import FittedText, Segments
from nnviz.gui.runs.workspace import Workspace
from nnviz.project.checks.shapes import shape_text
from nnviz.project.model import Project

if TYPE_CHECKING:
    from nnviz.explain.score import OwnNetwork
    from nnviz.explain.unit_wishes import TopExamples, Wish

#: Milliseconds from another unit to the work that it begins.
_SOON = 250
#: Examples that are shown.
_MOST = 9
_HINT = "Choose a unit and press “Find out”: the examples that excite it most, and an input made to excite it."


class UnitView(AskedView):
    """Controls, the picture, and how far the work is."""

    picture: UnitPicture
    _asking: OwnAsking[tuple[Wish, TopExamples]]

    def __init__(self, workspace: Workspace, kept: KeptCopy, parent: QWidget | None = None) -> None:
        super().__init__(workspace, "Find out", 110, parent)
        #: Whether another unit is looked into without another press.
        self._going = False
        self.node_box.setAccessibleName("Layer of the unit")
        self.node_box.setToolTip("The layer; selecting one on the canvas chooses it, too")
        self.over = Segments(
            (
                ("max", "largest", "Of a map its largest number counts: where it fires most"),
                ("mean", "mean", "Of a map the mean of all its numbers counts"),
            ),
            self,
        )
        self.start = Segments(
            (
                ("noise", "from noise", "The input is made from noise around the mean colour"),
                ("mean", "from the mean", "The input is made from the mean of the training examples"),
            ),
            self,
        )
        self.go.setToolTip("Make an input that excites the unit, and look through the validation examples")
        for widget in (self.node_box, self.unit_box, self.over, self.start, self.go, self.cancel, self.bar):
            self.row.add(widget)
        self.column.addWidget(self.row)
        self.hint = FittedText(_HINT)
        self.column.addWidget(self.hint, 1)
        self.picture = UnitPicture(self)
        self.column.addWidget(self.picture, 1)
        self._asking = OwnAsking(workspace, kept, "wish", self._found, self._refused, self)
        self._asking.moved.connect(self._show_state)
        self._later.timeout.connect(self._put)
        self.node_box.activated.connect(lambda _index: self._chosen())
        self.unit_box.valueChanged.connect(lambda _value: self._chosen())
        self.over.chosen.connect(lambda _key: self._chosen())
        self.start.chosen.connect(lambda _key: self._chosen())
        self._words = ""
        self._arrange()
        follow(self._document.changed, self._on_document)

    # ---- for the panel

    def clear(self) -> None:
        """Another run is shown."""
        self._give_up()
        self.failure = ""
        self.picture.show_found("", None, None, self._moment)
        self._show_state()

    @property
    def node(self) -> str:
        """The layer."""
        return str(self.node_box.currentData() or "")

    # ---- choosing

    def _appear(self) -> None:
        self.changed.emit()

    def _vanish(self) -> None:
        self._give_up()

    def _on_node(self) -> None:
        self._going = False
        self._chosen()

    def choose(self, node: str, unit: int) -> None:
        """What a person does with the boxes."""
        self.node_box.setCurrentIndex(self.node_box.findData(node))
        self._arrange()
        self.unit_box.setValue(unit)
        self._chosen()

    def _fill(self) -> None:
        shapes, nodes = self._document.inference, self._document.project.graph.nodes
        offered = [node for node in shapes.order if node in nodes and nodes[node].kind not in {"input", "output"}]
        entries: list[tuple[str, object]] = [
            (f"{node} · {shape_text(shape)}", node) for node in offered if (shape := shapes.shape(node))
        ]
        offer(self.node_box, entries)

    def _arrange(self) -> None:
        self.row.show_one(self.over, len(self._offer_units()) > 1)
        self._show_state()

    def _chosen(self) -> None:
        self._arrange()
        self._asking.cancel()
        self.picture.show_found("", None, None, self._moment)
        if self._going:
            self._later.start(_SOON)
        self._show_state()
        self.changed.emit()

    def _on_document(self, before: Project, after: Project, _edit: object) -> None:
        if self._on and before.graph is not after.graph:
            self._fill()
            self._arrange()

    # ---- working

    def _press(self) -> None:
        self._going = True
        self._put()

    def _give_up(self) -> None:
        self._later.stop()
        self._going = False
        self._asking.cancel()
        self._show_state()

    def _put(self) -> None:
        node, unit = self.node, self.unit_box.value()
        over: Literal["max", "mean"] = "mean" if self.over.value == "mean" and not self.over.isHidden() else "max"
        start: Literal["noise", "mean"] = "mean" if self.start.value == "mean" else "noise"
        self._words = f"{node}, {self.unit_box.text()}"

        def work(own: OwnNetwork, job: Job) -> tuple[Wish, TopExamples]:
            # torch is not for the thread of the window
            from nnviz.explain.unit_wishes import Climb, maximise, top_examples  # noqa: PLC0415 - brings torch
            from nnviz.explain.why import pinned_example  # noqa: PLC0415 - brings torch

            goal, split = own.unit_goal(node, unit, over), pinned_example(own, 0).split
            total = len(own.data.split(split))
            climb = Climb(start)
            # Both halves fill half of the bar, however long they take.
            wish = maximise(
                own, goal, climb, lambda found: job.show((found, None)),
                lambda done, of: job.tell(done * total // of, 2 * total), job.is_cancelled,
            )  # fmt: skip

            def seen(found: TopExamples) -> None:
                job.tell(total + found.seen, 2 * total)
                job.show((wish, found))

            top = top_examples(own, goal, split, _MOST, seen, job.is_cancelled)
            if job.cancelled:
                raise Cancelled("Cancelled.")
            return wish, top

        self.failure = ""
        self._asking.ask(work)
        self.changed.emit()

    def _found(self, found: tuple[Wish, TopExamples], _seconds: float) -> None:
        self.picture.show_found(self._words, *found, self._moment)
        self.changed.emit()

    def _refused(self, sentence: str) -> None:
        self.failure = sentence
        self._going = False
        self.changed.emit()

    def _show_state(self) -> None:
        job = self._asking.job
        self.row.show_one(self.cancel, job is not None)
        self.row.show_one(self.bar, job is not None)
        self.row.show_one(self.go, job is None and not self._later.isActive())
        if job is not None:
            self._show_progress(job)
            if job.so_far is not None:
                wish, top = job.so_far
                self.picture.show_found(self._words, wish, top, self._moment)
        found = self.picture.step is not None or job is not None
        self.hint.setText(self.failure or _HINT)
        self.hint.setVisible(not found)
        self.picture.setVisible(found)
