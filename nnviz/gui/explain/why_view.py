"""Why this answer: method, score and settings are chosen, the rest follows the network and the pinned example."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtWidgets import (
    QComboBox,
    QLabel,
    QSlider,
    QSpinBox,
    QWidget,
)

from nnviz.explain.methods import BY_KEY, METHODS
from nnviz.gui.explain.asked_view import AskedView, offer
from nnviz.gui.explain.own_asking import Job, KeptCopy, OwnAsking
from nnviz.gui.explain.why_picture import WhyPicture
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.plain_text import plain_tip
from nnviz.gui.parts.widgets import ElidedLabel, set_font
from nnviz.gui.runs.workspace import Workspace
from nnviz.project.checks.shapes import shape_text
from nnviz.project.model import Project
from nnviz.record.pinned import Followed
from nnviz.record.readings import ArrayReading

if TYPE_CHECKING:
    from nnviz.explain.score import OwnNetwork
    from nnviz.explain.why import WhyAnswer

#: Milliseconds from a change to the question; between two questions while the network trains, at least.
_SOON, _PACE = 120, 1000
#: So many times as long as an answer took passes before the next one while the network trains.
_CHEAP = 20
#: Multiply-accumulate operations of a question that is put without being told to.
_BY_ITSELF = 3e10
#: Forward passes that a question takes, nearly; of occlusion it depends on the image.
_PASSES = {"integrated_gradients": 200.0}
_ANSWER, _RIGHT, _UNIT = "answer", "right", "unit"


class WhyView(AskedView):
    """Controls, the picture, and how far the work is."""

    picture: WhyPicture
    _asking: OwnAsking[WhyAnswer]

    def __init__(self, workspace: Workspace, kept: KeptCopy, parent: QWidget | None = None) -> None:
        super().__init__(workspace, "Work it out", 90, parent)
        self._own: ArrayReading | None = None
        self._example: Followed | None = None
        self._cost = 0.0
        self.node_box.setAccessibleName("Layer of the unit")
        self.node_box.setToolTip("The layer whose unit is explained; selecting one chooses it")
        self.method_box = self._box("Method", "How it is asked")
        for method in METHODS:
            self.method_box.addItem(method.title, method.key)
            place = self.method_box.count() - 1
            tip = f"{method.formula}\n{method.meaning}\n{method.published}"
            self.method_box.setItemData(place, plain_tip(tip), Qt.ItemDataRole.ToolTipRole)
        self.target_box = self._box("Score", "Which score is explained: of the answer given, of a class, or of a unit")
        self.layer_box = self._box("Layer whose maps are looked at", "Grad-CAM: the layer whose maps are looked at")
        self.patch_box = self._spin("Patch", "patch ", 1)
        self.stride_box = self._spin("Stride", "every ", 1)
        self.baseline_box = self._box("Baseline", "What says nothing: the beginning of the way, and what covers")
        self.strength = QSlider(Qt.Orientation.Horizontal, self)
        self.strength.setRange(0, 100)
        self.strength.setFixedWidth(96)
        self.strength.setAccessibleName("Strength of the map over the example")
        self.strength.setToolTip("How much of the map lies over the example; at the right end the map alone")
        over = QLabel("map over it", self)
        over.setProperty("role", "muted")
        set_font(over, 12)
        self.overlay = self._beside(over, self.strength)
        for widget in (
            self.method_box, self.target_box, self.node_box, self.unit_box, self.layer_box, self.patch_box,
            self.stride_box, self.baseline_box, self.overlay, self.go, self.cancel, self.bar,
        ):  # fmt: skip
            self.row.add(widget)
        self.column.addWidget(self.row)
        self.picture = WhyPicture(self)
        self.column.addWidget(self.picture, 1)
        self.note = ElidedLabel("", self)
        self.note.setProperty("role", "muted")
        set_font(self.note, 12)
        self.note.hide()
        self.column.addWidget(self.note)
        self.strength.setValue(round(100 * self.picture.strength))
        self.strength.valueChanged.connect(lambda value: self.picture.set_strength(value / 100))
        for box in (self.method_box, self.target_box, self.node_box, self.layer_box, self.baseline_box):
            box.activated.connect(self._chosen)
        for spin in (self.unit_box, self.patch_box, self.stride_box):
            spin.valueChanged.connect(self._chosen)
        self._asking = OwnAsking(workspace, kept, "why", self._answered, self._refused, self)
        self._asking.moved.connect(self._show_state)
        self._later.timeout.connect(self._ask)
        # Work that has just begun is not worth a bar.
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(400)
        self._patience.timeout.connect(self._show_state)
        self._waits = False
        self._arrange()
        follow(self._document.changed, self._on_document)
        follow(workspace.network.changed, self._on_network)

    # ---- for the panel

    def clear(self) -> None:
        """Another run is shown."""
        self.failure = ""
        self.picture.show_answer(None, (), self._moment)
        self._soon(_SOON)

    def set_own(self, own: ArrayReading | None) -> None:
        """What stands on the cards in place of the pinned example, as the network sees it; None where nothing does."""
        if own is not self._own:
            self._own = own
            self._soon(_SOON)

    def set_example(self, example: Followed | None) -> None:
        """Which of the examples that a replayed run followed the cards show; None is the one that they showed then."""
        if example != self._example:
            self._example = example
            self._soon(_SOON)

    @property
    def waiting(self) -> bool:
        """Whether it waits to be told to begin, or works."""
        return self._waits or self.busy

    @property
    def answer(self) -> WhyAnswer | None:
        """What is shown."""
        return self.picture.answer

    def restyle(self) -> None:
        """Take the letters of the theme."""
        super().restyle()
        self.overlay.setMinimumHeight(self.node_box.sizeHint().height())

    # ---- choosing

    def _appear(self) -> None:
        self._soon(0)

    def _vanish(self) -> None:
        self._later.stop()
        self._asking.cancel()

    def _on_node(self) -> None:
        if self._target == _UNIT:
            self._chosen()
        else:
            self._arrange()

    @property
    def method(self) -> str:
        """Key of the method."""
        return str(self.method_box.currentData())

    def choose(self, method: str = "", target: str | int | None = None, unit: int | None = None) -> None:
        """What a person does with the boxes: a method, a class or ``answer``, ``right`` or ``unit``, a unit."""
        if method:
            self.method_box.setCurrentIndex(self.method_box.findData(method))
        if target is not None:
            self.target_box.setCurrentIndex(self.target_box.findData(target))
        self._arrange()
        if unit is not None:
            self.unit_box.setValue(unit)
        self._chosen()

    @property
    def _target(self) -> object:
        return self.target_box.currentData()

    def _box(self, name: str, tip: str) -> QComboBox:
        box = QComboBox(self)
        box.setAccessibleName(name)
        box.setToolTip(tip)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        set_font(box, 12)
        return box

    def _spin(self, name: str, prefix: str, least: int = 0) -> QSpinBox:
        box = QSpinBox(self)
        box.setAccessibleName(name)
        box.setPrefix(prefix)
        box.setRange(least, least)
        box.setKeyboardTracking(False)
        set_font(box, 12)
        return box

    def _fill(self) -> None:
        """Offer what this network and these data have."""
        facts, shapes = self._document.facts, self._document.inference
        classes = self._classes
        targets: list[tuple[str, object]] = [("the answer given", _ANSWER)]
        if facts is not None and facts.task == "regression":
            targets = [("the number it gives", _ANSWER)]
            targets += [(f"number {k}", k) for k in range(1, facts.targets)]
        else:
            targets += [("the right class", _RIGHT)] if classes else []
            targets += [(f"“{name}”", k) for k, name in enumerate(classes)]
        targets.append(("a unit of a layer", _UNIT))
        offer(self.target_box, targets)
        nodes = [node for node in shapes.order if shapes.shape(node) is not None]
        kinds = {node: found.kind for node, found in self._document.project.graph.nodes.items()}
        inner = [node for node in nodes if kinds.get(node) not in {"input", "output"}]
        offer(self.node_box, [(node, node) for node in inner])
        maps = [node for node in inner if len(shapes.shape(node) or ()) == 3]
        layers: list[tuple[str, object]] = [("last convolution", "")]
        layers += [(f"{node} · {shape_text(shapes.shape(node) or ())}", node) for node in maps]
        offer(self.layer_box, layers)
        shape = self._shape
        longest = min(shape[1:]) if len(shape) == 3 else max(shape[0] if shape else 1, 1)
        fresh = self.patch_box.maximum() != longest
        with QSignalBlocker(self.patch_box), QSignalBlocker(self.stride_box):
            for box in (self.patch_box, self.stride_box):
                box.setMaximum(max(longest, 1))
            if fresh:
                patch = max(1, round(longest / 7)) if len(shape) == 3 else 1
                self.patch_box.setValue(patch)
                self.stride_box.setValue(max(1, patch // 2))

    @property
    def _shape(self) -> tuple[int, ...]:
        """Of an example."""
        facts = self._document.facts
        return tuple(facts.input_shape) if facts is not None else ()

    @property
    def _classes(self) -> tuple[str, ...]:
        facts = self._document.facts
        return tuple(facts.class_names) if facts is not None else ()

    def _arrange(self) -> None:
        """Only what the method uses is in sight."""
        uses, unit = BY_KEY[self.method].uses, self._target == _UNIT
        image = len(self._shape) == 3
        for widget, wanted in (
            (self.node_box, unit),
            (self.unit_box, unit),
            (self.layer_box, "layer" in uses and image),
            (self.patch_box, "patch" in uses),
            (self.stride_box, "stride" in uses),
            (self.baseline_box, "baseline" in uses),
            (self.overlay, image),
        ):
            self.row.show_one(widget, wanted)
        black = " (black)" if len(self._shape) == 3 else ""
        verb = "covered with" if self.method == "occlusion" else "from"
        offer(self.baseline_box, [(f"{verb} 0{black}", "zero"), (f"{verb} the mean example", "mean")])
        if unit:
            self._offer_units()
        self._show_state()

    def _chosen(self, _value: object = None) -> None:
        self._arrange()
        self._soon(_SOON)

    # ---- asking

    def _soon(self, milliseconds: int) -> None:
        if self._on and not self._later.isActive():
            self._later.start(milliseconds)

    def _on_document(self, before: Project, after: Project, _edit: object) -> None:
        if not self._on:
            return
        if before.graph is not after.graph or before.data != after.data:
            self._fill()
            self._arrange()
        if before.view.shown != after.view.shown:
            self._soon(_SOON)

    def _on_network(self) -> None:
        """Other weights: asked anew at once at rest, and now and then while the network trains."""
        if not self._on:
            return
        self._fill()
        if self._workspace.training.state != "running":
            self._later.stop()
            self._soon(_SOON)
        elif not self._asking.busy:
            self._soon(max(_PACE, round(1000 * _CHEAP * self._cost)))

    def heavy(self) -> bool:
        """Whether the question takes so long that it waits to be told to begin."""
        passes = _PASSES.get(self.method, 4.0)
        if self.method == "occlusion":
            shape = self._shape
            sizes = shape[1:] if len(shape) == 3 else shape
            passes = 1.0
            for size in sizes:
                passes *= max(1, size // min(self.stride_box.value(), self.patch_box.value()))
        return passes * self._document.inference.macs > _BY_ITSELF

    def _ask(self) -> None:
        if self._on:
            self._waits = self.heavy()
            if self._waits:
                self._asking.cancel()
                self._show_state()
                self.changed.emit()
            else:
                self._put()

    def _press(self) -> None:
        self._waits = False
        self._put()

    def _give_up(self) -> None:
        self._later.stop()
        self._asking.cancel()
        self._waits = True
        self._show_state()

    def _put(self) -> None:
        method, target = self.method, self._target
        pinned, drawn = self._workspace.pinned, self._own
        array = None if drawn is None else np.asarray(drawn.array, np.float32)
        label = "" if drawn is None else str(drawn.meta.get("label", ""))
        node = str(self.node_box.currentData() or "") if target == _UNIT else ""
        chosen = target if isinstance(target, int) else None
        unit, layer = self.unit_box.value(), str(self.layer_box.currentData() or "")
        patch, stride = self.patch_box.value(), self.stride_box.value()
        mean = self.baseline_box.currentData() == "mean" and "baseline" in BY_KEY[method].uses

        def work(own: OwnNetwork, job: Job) -> WhyAnswer:
            from nnviz.explain.why import WhyQuestion, about_right, pinned_example, why  # noqa: PLC0415 - brings torch

            example = pinned_example(own, pinned)
            question = WhyQuestion(
                method, example.split, example.index, chosen, node, unit, layer, patch, stride,
                "mean" if mean else "zero", array, label,
            )  # fmt: skip
            if target == _RIGHT:
                question = about_right(own, question)
            return why(own, question, job.tell, job.is_cancelled)

        self._patience.start()
        self._asking.ask(work)

    def _answered(self, answer: WhyAnswer, seconds: float) -> None:
        self._cost, self.failure = seconds, ""
        self.picture.show_answer(answer, self._classes, self._moment)
        self.changed.emit()

    def _refused(self, sentence: str) -> None:
        self.failure = sentence
        self.picture.show_answer(None, (), self._moment)
        self.changed.emit()

    def _show_state(self) -> None:
        job = self._asking.job
        long = job is not None and not self._patience.isActive()
        self.row.show_one(self.cancel, long)
        self.row.show_one(self.bar, long)
        self.row.show_one(self.go, self._waits and job is None)
        if job is not None and long:
            self._show_progress(job)
