"""How the network is trained: optimizer, schedule, clipping, regularisers; batches, epochs, seed, device."""

from __future__ import annotations

import math

from msgspec.structs import replace
from PySide6.QtWidgets import QWidget

from nnviz.gui.inspector.choice_form import ChoiceForm, ChoiceListForm
from nnviz.gui.inspector.form import ParamForm
from nnviz.gui.inspector.tab import Tab
from nnviz.gui.look import theme as themes
from nnviz.gui.runs.workspace import Workspace
from nnviz.project import choices
from nnviz.project.choices import Chosen
from nnviz.project.edits import SetTraining
from nnviz.project.model import ParamValue, TrainConfig
from nnviz.project.settings import TRAINING


class TrainingTab(Tab):
    """Everything in TrainConfig. Each change is one edit of the document."""

    key = "training"
    title = "Training"
    keys = "Alt+2"

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(workspace, parent)
        self.known.changed.connect(self.follow)

    def build(self) -> None:
        """A section for each thing that is chosen among several, the optimizer first, and the plain settings."""
        self.choices: dict[str, ChoiceForm | ChoiceListForm] = {}
        for slot in choices.TRAINING:
            self.column.addWidget(self.caption(self.page, slot.title))
            form: ChoiceForm | ChoiceListForm
            form = ChoiceListForm(slot, self.page) if slot.many else ChoiceForm(slot, self.page)
            form.edited.connect(lambda chosen, gesture, name=slot.name: self._choose(name, chosen, gesture))
            self.choices[slot.name] = form
            self.column.addWidget(form)
            if slot.name == "optimizer":
                self._add_settings()

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

    def _sum_up(self) -> str:
        """What the settings come to, in steps."""
        project = self.document.project
        sizes = self.known.split_sizes(project.data)
        if sizes is None:
            return "Looking for the examples…" if self.known.looking(project.data) else ""
        examples = sizes[0]
        steps = math.ceil(examples / max(project.training.batch_size, 1))
        total = steps * project.training.epochs
        return (
            f"{themes.format_count(examples)} examples in batches of "
            f"{themes.format_count(project.training.batch_size)}: {themes.format_count(steps)} "
            f"step{'s' * (steps != 1)} an epoch, {themes.format_count(total)} in all."
        )

    def _on_edited(self, name: str, value: ParamValue, gesture: str) -> None:
        self._apply(replace(self.document.project.training, **{name: value}), gesture)

    def _choose(self, name: str, chosen: Chosen, gesture: str) -> None:
        self._apply(replace(self.document.project.training, **{name: chosen}), gesture)

    def _apply(self, config: TrainConfig, gesture: str) -> None:
        self.change(SetTraining(config, gesture=gesture))
