"""How the network is trained: optimizer, schedule, clipping, regularisers; batches, epochs, seed, device.

What is seldom wanted stands at the end, folded away until it is asked for or chosen.
"""

from __future__ import annotations

import math

from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QWidget

from nnviz.gui.inspector.choice_form import ChoiceForm, ChoiceListForm
from nnviz.gui.inspector.form import ParamForm
from nnviz.gui.inspector.rate_curve import RateCurve
from nnviz.gui.inspector.tab import Tab
from nnviz.gui.look import theme as themes
from nnviz.gui.parts.widgets import set_font
from nnviz.gui.runs.workspace import Workspace
from nnviz.project import choices, registry
from nnviz.project.choices import Chosen
from nnviz.project.edit import Several
from nnviz.project.edits import UNSET, SetParam, SetTraining
from nnviz.project.model import ParamValue, TrainConfig
from nnviz.project.settings import TRAINING
from nnviz.project.starts import PARAM, with_own_start

#: Layers that are named before the rest is counted.
_MOST_NAMED = 4


class TrainingTab(Tab):
    """Everything in TrainConfig. Each change is one edit of the document."""

    key = "training"
    title = "Training"
    keys = "Alt+2"

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(workspace, parent)
        self.known.changed.connect(self.follow)
        workspace.training.expected.changed.connect(self.follow)

    def build(self) -> None:
        """A section for each thing that is chosen among several, the optimizer first, and the plain settings."""
        self.choices: dict[str, ChoiceForm | ChoiceListForm] = {}
        self._captions: dict[str, QWidget] = {}
        self._all_shown = False
        for slot in choices.TRAINING:
            self._captions[slot.name] = self.caption(self.page, slot.title)
            self.column.addWidget(self._captions[slot.name])
            form: ChoiceForm | ChoiceListForm
            form = ChoiceListForm(slot, self.page) if slot.many else ChoiceForm(slot, self.page)
            form.edited.connect(lambda chosen, gesture, name=slot.name: self._choose(name, chosen, gesture))
            self.choices[slot.name] = form
            self.column.addWidget(form)
            if slot.name == "optimizer":
                self._add_settings()
            if slot.name == "initialisation":
                self._add_keeping()
            if slot.name == "schedule":
                self.curve = RateCurve(self.page)
                self.column.addWidget(self.curve)
        self.more = QPushButton(self.page)
        self.more.setProperty("role", "link")
        set_font(self.more, 12)
        self.more.clicked.connect(self._on_more)
        self.column.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)

    def _add_keeping(self) -> None:
        """What is said where layers do not follow what is chosen for all of them, and what is done about it."""
        self.keeping = self.text(self.page, 12, 400, "muted")
        self.column.addWidget(self.keeping)
        self.follow_all = QPushButton("Let all layers follow", self.page)
        self.follow_all.setProperty("role", "link")
        self.follow_all.setToolTip("Take away the initial weights of their own that these layers have")
        set_font(self.follow_all, 12)
        self.follow_all.clicked.connect(self._on_follow_all)
        self.column.addWidget(self.follow_all, 0, Qt.AlignmentFlag.AlignLeft)

    def _add_settings(self) -> None:
        self.column.addWidget(self.caption(self.page, "Training"))
        self.training = ParamForm(self.page)
        self.training.set_specs(TRAINING)
        self.training.edited.connect(self._on_edited)
        self.training.reset.connect(
            lambda name: self._on_edited(name, next(spec.default for spec in TRAINING if spec.name == name), "")
        )
        self.column.addWidget(self.training)
        self.summary = self.text(self.page, 12, 400, "muted")
        self.column.addWidget(self.summary)
        self.expected = self.text(self.page, 12, 400, "muted")
        self.column.addWidget(self.expected)

    def show_document(self) -> None:
        """The values of the document."""
        config = self.document.project.training
        for name, form in self.choices.items():
            if isinstance(form, ChoiceListForm):
                form.show_choices(getattr(config, name))
            else:
                form.show_choice(getattr(config, name))
        self.training.set_values({param.name: (getattr(config, param.name),) for param in TRAINING})
        self.summary.setText(self._sum_up())
        self._show_expected()
        sizes = self.known.split_sizes(self.document.project.data)
        self.curve.show_config(config, 0 if sizes is None else self._steps_of(sizes[0]))
        self._fold()
        self._show_keeping()

    def _show_keeping(self) -> None:
        """Which layers keep initial weights of their own, where others are chosen for all."""
        project = self.document.project
        chosen = registry.NETWORK_INITIALISERS.all.get(project.training.initialisation.kind)
        own = () if chosen is None or chosen.follows else with_own_start(project.graph)
        self.keeping.setVisible(bool(own))
        self.follow_all.setVisible(bool(own))
        if own:
            names = [node.name or node.id for node in own]
            if len(names) > _MOST_NAMED:
                names = [*names[: _MOST_NAMED - 1], f"{len(names) - _MOST_NAMED + 1} more"]
            listed = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
            words = ("has", "its", "keeps") if len(own) == 1 else ("have", "their", "keep")
            self.keeping.setText("{} {} initial weights of {} own and {} them.".format(listed, *words))

    def _on_follow_all(self) -> None:
        own = with_own_start(self.document.project.graph)
        self.change(Several(tuple(SetParam(node.id, PARAM, UNSET) for node in own), "Let all layers follow"))

    def _fold(self) -> None:
        """What is seldom wanted is seen where something is chosen, and when it was asked for."""
        config, usual = self.document.project.training, TrainConfig()
        seldom = [slot for slot in choices.TRAINING if slot.advanced]
        folded = [slot for slot in seldom if getattr(config, slot.name) == getattr(usual, slot.name)]
        for slot in seldom:
            visible = self._all_shown or slot not in folded
            self._captions[slot.name].setVisible(visible)
            self.choices[slot.name].setVisible(visible)
        titles = ", ".join(slot.title for slot in folded)
        self.more.setText("Fewer settings" if self._all_shown else f"{titles[:1].upper()}{titles[1:]} …")
        self.more.setVisible(bool(folded))

    def _on_more(self) -> None:
        self._all_shown = not self._all_shown
        self._fold()

    def _sum_up(self) -> str:
        """What the settings come to, in steps."""
        project = self.document.project
        sizes = self.known.split_sizes(project.data)
        if sizes is None:
            return "Looking for the examples…" if self.known.looking(project.data) else ""
        examples = sizes[0]
        steps = self._steps_of(examples)
        together = project.training.accumulation
        several = f", {themes.format_count(together)} of them a step" if together > 1 else ""
        total = steps * project.training.epochs
        return (
            f"{themes.format_count(examples)} examples in batches of "
            f"{themes.format_count(project.training.batch_size)}{several}: {themes.format_count(steps)} "
            f"step{'s' * (steps != 1)} an epoch, {themes.format_count(total)} in all."
        )

    def _steps_of(self, examples: int) -> int:
        """Of an epoch of so many examples."""
        return math.ceil(examples / max(self.document.project.training.step_size, 1))

    def _show_expected(self) -> None:
        """How long it is going to take, where somebody knows."""
        sizes = self.known.split_sizes(self.document.project.data)
        duration = self.workspace.training.expected.duration(sizes)
        self.expected.setVisible(duration is not None)
        if duration is not None:
            self.expected.setText(f"{duration.text[:1].upper()}{duration.text[1:]}.")
            self.expected.setToolTip(duration.why)

    def _on_edited(self, name: str, value: ParamValue, gesture: str) -> None:
        self._apply(replace(self.document.project.training, **{name: value}), gesture)

    def _choose(self, name: str, chosen: Chosen, gesture: str) -> None:
        self._apply(replace(self.document.project.training, **{name: chosen}), gesture)

    def _apply(self, config: TrainConfig, gesture: str) -> None:
        self.change(SetTraining(config, gesture=gesture))
