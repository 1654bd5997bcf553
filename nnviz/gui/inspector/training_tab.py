"""How the network is trained: the optimizer with its parameters, batches, epochs, seed, device."""

from __future__ import annotations

import math

from msgspec.structs import replace

from nnviz.data import datasets
from nnviz.errors import InputError
from nnviz.gui import theme as themes
from nnviz.gui.inspector.form import ParamForm
from nnviz.gui.inspector.tab import Tab
from nnviz.gui.theme import Theme
from nnviz.project import registry
from nnviz.project.edits import SetTraining
from nnviz.project.model import ParamValue
from nnviz.project.settings import TRAINING, with_setting
from nnviz.project.spec import ParamSpec


def optimizer_choice() -> ParamSpec:
    """The choice of the optimizer, declared like any other parameter."""
    optimizers = registry.optimizers()
    return ParamSpec(
        "optimizer",
        "optimizer",
        "How the weights follow the gradient.",
        "choice",
        "adam",
        choices=tuple((kind, spec.title) for kind, spec in optimizers.items()),
    )


class TrainingTab(Tab):
    """Everything in TrainConfig. Each change is one edit of the document."""

    def build(self) -> None:
        """The optimizer, its parameters, and the rest."""
        self.column.addWidget(self.caption(self.page, "Optimizer"))
        self.choice = ParamForm(self.page)
        self.choice.set_specs((optimizer_choice(),))
        self.choice.edited.connect(self._on_edited)
        self.choice.reset.connect(lambda name: self._set(name, optimizer_choice().default, ""))
        self.column.addWidget(self.choice)
        self.explanation = self.text(self.page, 12, 400, "muted")
        self.column.addWidget(self.explanation)
        self.optimizer = ParamForm(self.page)
        self.optimizer.edited.connect(self._on_edited)
        self.optimizer.reset.connect(self._on_reset_optimizer)
        self.column.addWidget(self.optimizer)
        self.column.addWidget(self.caption(self.page, "Training"))
        self.training = ParamForm(self.page)
        self.training.set_specs(TRAINING)
        self.training.edited.connect(self._on_edited)
        self.training.reset.connect(
            lambda name: self._set(name, next(spec.default for spec in TRAINING if spec.name == name), "")
        )
        self.column.addWidget(self.training)
        self.summary = self.text(self.page, 12, 400, "muted")
        self.column.addWidget(self.summary)

    def show_document(self) -> None:
        """The values of the document."""
        config = self.document.project.training
        spec = registry.optimizer(config.optimizer)
        self.choice.set_values({"optimizer": (spec.kind,)})
        self.explanation.setText(spec.help)
        self.optimizer.set_specs(spec.params)
        values = {param.name: (config.optimizer_params.get(param.name, param.default),) for param in spec.params}
        self.optimizer.set_values(values)
        self.training.set_values({param.name: (getattr(config, param.name),) for param in TRAINING})
        self.summary.setText(self._sum_up())

    def apply_theme(self, theme: Theme) -> None:
        """Take the colours of another theme."""
        for form in (self.choice, self.optimizer, self.training):
            form.apply_theme()
        super().apply_theme(theme)

    def _sum_up(self) -> str:
        """What the settings come to, in steps."""
        project = self.document.project
        try:
            examples = datasets.split_sizes(project.data)[0]
        except InputError:
            return ""
        steps = math.ceil(examples / max(project.training.batch_size, 1))
        total = steps * project.training.epochs
        return (
            f"{themes.format_count(examples)} examples in batches of "
            f"{themes.format_count(project.training.batch_size)}: {themes.format_count(steps)} "
            f"step{'s' * (steps != 1)} an epoch, {themes.format_count(total)} in all."
        )

    def _on_edited(self, name: str, value: ParamValue, gesture: str) -> None:
        self._set(name, value, gesture)

    def _set(self, name: str, value: ParamValue, gesture: str) -> None:
        try:
            after = with_setting(self.document.project, f"training.{name}", value)
        except InputError as error:
            self.message.emit(str(error))
            self.show_document()
            return
        self.change(SetTraining(after.training, gesture=gesture))

    def _on_reset_optimizer(self, name: str) -> None:
        config = self.document.project.training
        kept = {key: value for key, value in config.optimizer_params.items() if key != name}
        self.change(SetTraining(replace(config, optimizer_params=kept)))
