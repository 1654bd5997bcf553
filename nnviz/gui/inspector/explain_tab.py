"""What the selected layer does, its formula, its numbers, and how to read the instruments on it."""

from __future__ import annotations

import html

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from nnviz.gui.inspector.formulas import formula_of, numbers_of
from nnviz.gui.inspector.tab import Tab
from nnviz.gui.look import theme as themes
from nnviz.gui.panels.catalogue import PANELS
from nnviz.project import registry
from nnviz.project.model import Node
from nnviz.record.quantities import QUANTITIES

#: Instruments that say something about layers with parameters, and about every layer; others say of which they do.
_OF_PARAMETERS = ("gradients", "update_ratios")
_OF_OUTPUTS = ("feature_maps", "activations")


class ExplainTab(Tab):
    """Text only: what, why, how much, and how to read it."""

    key = "explain"
    title = "Explain"
    keys = "Alt+4"

    def build(self) -> None:
        """One text that can be selected and copied."""
        self.body = self.text(self.page, 13)
        self.body.setTextFormat(Qt.TextFormat.RichText)
        self.body.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.LinksAccessibleByMouse
        )
        self.body.linkActivated.connect(self.node_requested.emit)
        self.column.addWidget(self.body)

    def put_first(self, widget: QWidget) -> None:
        """Something that is explained beside the layer stands above the text."""
        self.column.insertWidget(0, widget)

    def show_document(self) -> None:
        """The text about the selected layer."""
        nodes = self.document.project.graph.nodes
        chosen = [nodes[node] for node in self.selection if node in nodes]
        if len(chosen) != 1:
            text = "Select one layer: what it does, its formula and its numbers are explained here."
            note = self.document.project.note
            name = html.escape(self.document.project.name)
            if note and not chosen:
                text = f"<h3>{name}</h3><p>{html.escape(note)}</p><p>{text}</p>"
            self.body.setText(text)
            return
        self.body.setText(self.explain(chosen[0]))

    def explain(self, node: Node) -> str:
        """The text about one layer, as HTML."""
        spec = registry.layer(node.kind)
        muted = themes.current().text_muted.name()
        parts = [f"<h3>{html.escape(spec.title)} <span style='color: {muted}'>{html.escape(node.id)}</span></h3>"]
        parts.append(f"<p>{html.escape(spec.help)}</p>")
        formula = formula_of(node)
        if formula:
            parts.append(self._heading("Formula") + f"<p style='font-size: large'>{formula}</p>")
        numbers = numbers_of(self.document, node)
        if numbers:
            rows = "".join(
                f"<tr><td style='color: {muted}; padding-right: 12px'>{html.escape(name)}</td><td>{value}</td></tr>"
                for name, value in numbers
            )
            parts.append(self._heading("Numbers of this layer") + f"<table cellspacing='3'>{rows}</table>")
        if spec.params:
            items = "".join(
                f"<p><b>{html.escape(param.title)}.</b> {html.escape(param.help)}</p>" for param in spec.params
            )
            parts.append(self._heading("Settings") + items)
        keys = self._instruments(node)
        helps = "".join(f"<p><b>{panel.title}</b></p>{panel.help}" for panel in PANELS if panel.key in keys)
        if helps:
            parts.append(self._heading("Reading the instruments") + helps)
        return "".join(parts)

    def _heading(self, text: str) -> str:
        return (
            f"<p style='color: {themes.current().text_muted.name()}; font-size: {themes.font(12).pixelSize()}px;"
            f" margin-top: 14px'><b>{text.upper()}</b></p>"
        )

    def _instruments(self, node: Node) -> set[str]:
        spec = registry.layer(node.kind)
        result = self.document.inference.results.get(node.id)
        keys: set[str] = set(_OF_OUTPUTS)
        if result is not None and result.parameters:
            keys |= set(_OF_PARAMETERS)
        has = {one for one in QUANTITIES if one.layers and getattr(spec, one.layers)}
        return keys | {panel.key for panel in PANELS if not has.isdisjoint(panel.quantities)}
