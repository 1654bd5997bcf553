"""Activations explained: curve, derivative, and why gradients vanish behind many of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nnviz.gui.explain.activation_page import ActivationPage, explained, in_graph
from nnviz.gui.panels.base import Cell, Panel
from nnviz.gui.parts.following import follow
from nnviz.project.model import Project
from nnviz.record.run import RunView

if TYPE_CHECKING:
    from nnviz.train.training import Training


class ActivationCurvesPanel(Panel):
    """Shows the activations of the network, with its settings, and any others beside them."""

    key = "activation_curves"
    title = "Activation curves"
    letter = "K"
    least_width = 400
    least_height = 300
    help = (
        "<p><b>What it shows.</b> Activations over an input x: the curve y, its derivative y′, and the gradient that "
        "is left behind several layers of it, each of which multiplies its input with the same weight: the product of "
        "weight × y′ of all layers, as a power of ten. The activations of the network are chosen at first, with their "
        "settings.</p>"
        "<p><b>How to read it.</b> Drag the line, or click, to read off another x. Training goes back through all "
        "layers and multiplies a derivative at each: where these are below 1, as the sigmoid's, which never has more "
        "than 0.25, the gradient vanishes with the layers; where they are 0, as of a ReLU below 0, nothing comes "
        "through (the line lies at the foot). A weight above 1 can make it explode.</p>"
        "<p>In the table: y and y′ at x, the gradient behind all layers, and the largest there is for any x; below it "
        "the factors of the layers one by one.</p>"
    )

    def build(self) -> None:
        """It is made when it is looked at first."""
        self.page: ActivationPage | None = None
        self._own: object = None
        follow(self.document.changed, self._on_document)
        follow(self.workspace.network.changed, self._ask_learned)

    def draw(self, run: RunView, changed: frozenset[str], step: int | None, *, fresh: bool) -> bool:
        """The network's own activations are chosen when it has others than before."""
        if self.page is None:
            self.page = ActivationPage(self.workspace.background, self.body)
            self.body_layout.addWidget(self.page, 1)
        if fresh:
            self._choose_own()
        return True

    def rows(self) -> Iterator[Sequence[Cell]]:
        """One row an activation and input."""
        yield ("activation", "x", "y", "derivative", "gradient behind all layers")
        if self.page is None:
            return
        x = self.page.inputs
        for one in self.page.curves:
            numbers = zip(x.tolist(), one.y.tolist(), one.slopes.tolist(), one.gradients[-1].tolist(), strict=True)
            for row in numbers:
                yield (one.activation.kind, *row)

    def _choose_own(self) -> None:
        page = self.page
        own = in_graph(self.document.project.graph)
        if page is None or (own == self._own and page.chosen):
            return
        self._own = own
        # A network without any: those that a course begins with, which saturate or can be dead.
        usual = {kind: spec.values({}) for kind, spec in explained().items() if spec.saturates or spec.rectifier}
        page.choose(own or usual)
        self._ask_learned()

    def _on_document(self, before: Project, after: Project, edit: object) -> None:
        if before.graph is not after.graph and self.isVisible():
            self._choose_own()

    def _ask_learned(self) -> None:
        """What the network has learned of parameters that activations have; where there is none, nothing is asked."""
        page = self.page
        if page is None or not self.isVisible() or not any(one.learned for one in page.curves):
            return
        kinds = {node.id: node.kind for node in self.document.project.graph.nodes.values() if node.kind in page.chosen}

        def question(training: Training) -> dict[str, dict[str, float]]:
            found: dict[str, dict[str, float]] = {}
            for node, kind in kinds.items():
                if node in training.network.node_ids:
                    named = training.network.module_of(node).named_parameters()
                    own = {name: float(one.detach().mean()) for name, one in named}
                    if own:
                        found.setdefault(kind, own)
            return found

        def done(learned: dict[str, dict[str, float]]) -> None:
            page.show_learned(learned)

        self.workspace.network.ask(question, done, lambda _error: None, page)
