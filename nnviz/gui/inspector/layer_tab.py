"""The selected layer: its parameters, its arithmetic, its weights and what flows out of it."""

from __future__ import annotations

import html
from dataclasses import replace

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from nnviz.gui.explain.weight_editing import WeightEditing
from nnviz.gui.inspector.form import ParamForm
from nnviz.gui.inspector.group_text import group_summary, members_html
from nnviz.gui.inspector.sweep_view import SweepView
from nnviz.gui.inspector.tab import Tab
from nnviz.gui.look import theme as themes
from nnviz.gui.panels.feature_maps import MapView
from nnviz.gui.panels.filters import FilterView
from nnviz.gui.parts.diagnostic_rows import DiagnosticList
from nnviz.gui.parts.widgets import ElidedLabel, set_font
from nnviz.gui.runs.shown import Shown
from nnviz.project import choices, registry
from nnviz.project.checks.shapes import shape_text
from nnviz.project.checks.validate import Diagnostic, Fix
from nnviz.project.edits import UNSET, Edit, Freeze, SetParam, Several, Unset
from nnviz.project.graph.groups import contents
from nnviz.project.model import Choice, Node, ParamValue
from nnviz.project.spec import LayerSpec, ParamSpec, ShapeResult
from nnviz.record.age import ReadingShown, moment_of
from nnviz.record.quantities import BIASES, DEAD_UNITS, OUTPUT, PLANE, WEIGHTS
from nnviz.record.readings import ArrayReading
from nnviz.record.run import RunView


def parameters_text(count: int, *, of_all: bool = True) -> str:
    """``18 496 parameters``; ``≥ 4 800 parameters`` where not every layer is known."""
    return f"{'' if of_all else '≥ '}{themes.format_count(count)} parameter{'' if count == 1 else 's'}"


def arithmetic_html(result: ShapeResult) -> str:
    """The calculation line by line with its result in bold, the output shape behind the line about the sizes."""
    shape = f"→ {shape_text(result.output)}"
    lines = [line for line in result.arithmetic.splitlines() if line.strip()]
    shown = []
    for line in lines:
        left, sign, right = html.escape(line).rpartition(" = ")
        if not sign:
            shown.append(right)
            continue
        number, space, rest = right.partition(" ")
        shown.append(f"{left} = <b>{number}</b>{space}{rest}")
    sizes = [index for index, line in enumerate(lines) if "parameter" not in line and not line.endswith(".")]
    if not sizes:
        return "<br>".join([html.escape(shape), *shown])
    shown[sizes[-1]] += f" &nbsp;{html.escape(shape)}"
    return "<br>".join(shown)


def of_nodes(diagnostics: tuple[Diagnostic, ...], nodes: set[str]) -> list[Diagnostic]:
    """The diagnostics about these nodes; the empty id is the whole project."""
    return [one for one in diagnostics if one.node in nodes]


#: Not a parameter, but shown like one: it can be switched while training.
_FROZEN = ParamSpec(
    "frozen",
    "frozen",
    "Training leaves the parameters of this layer as they are: no update, no weight decay. Its gradient is measured "
    "all the same; a normalisation goes on to follow its batches. Can be changed while training.",
    "bool",
    False,
)

#: More weights than these are not written down: a project file is to be readable.
_MOST_WRITTEN = 4096


class LayerTab(Tab):
    """Follows the selection: nothing, one layer, or several at once."""

    key = "layer"
    title = "Layer"
    keys = "Alt+1"

    def build(self) -> None:
        """Heading, diagnostics, editors, arithmetic, weights, outputs."""
        self._run: RunView | None = None
        self._step: int | None = None
        self._drawn: tuple[object, ...] = ()
        #: Name in the form -> the parameter that chooses, a kind that it can choose, and a setting of that kind.
        self._inner: dict[str, tuple[ParamSpec, str, ParamSpec]] = {}

        heading = QWidget(self.page)
        row = QHBoxLayout(heading)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(7)
        self.heading = QLabel(heading)
        self.heading.setTextFormat(Qt.TextFormat.PlainText)
        set_font(self.heading, 16, 600)
        self.heading.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.identity = ElidedLabel("", heading)
        self.identity.setProperty("role", "muted")
        set_font(self.identity, 14)
        self.pill = QLabel(heading)
        self.pill.setTextFormat(Qt.TextFormat.PlainText)
        self.pill.setProperty("role", "pill")
        set_font(self.pill, 12)
        self.pill.setMinimumHeight(27)  # The style rounds it with a radius of 13.
        row.addWidget(self.heading)
        row.addWidget(self.identity, 1)
        row.addWidget(self.pill)
        self.column.addWidget(heading)

        self.hint = self.text(self.page, 13, 400, "muted")
        self.column.addWidget(self.hint)
        self.members = self.text(self.page, 13, 400, "muted")
        self.members.setTextFormat(Qt.TextFormat.RichText)
        self.members.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.members.linkActivated.connect(self.node_requested.emit)
        self.column.addWidget(self.members)
        self.diagnostics = DiagnosticList(self.page)
        self.diagnostics.fix_requested.connect(self._on_fix)
        self.column.addWidget(self.diagnostics)
        self.form = ParamForm(self.page)
        self.form.edited.connect(self._on_edited)
        self.form.reset.connect(lambda name: self._set(name, UNSET, ""))
        self.column.addWidget(self.form)
        self.explanation = self.text(self.page, 13, 400, "muted")
        self.explanation.setTextFormat(Qt.TextFormat.RichText)
        self.column.addWidget(self.explanation)
        self.arithmetic = self.text(self.page, 13, 400, "muted")
        # One word of it is no sign of HTML: without this, what stands for a space would be read out.
        self.arithmetic.setTextFormat(Qt.TextFormat.RichText)
        self.column.addWidget(self.arithmetic)
        self.sweep = SweepView(self.page)
        self.column.addWidget(self.sweep)

        self.filters = FilterView(self.document, grows=True, most_height=250, parent=self.page)
        self.filters.editing = WeightEditing(self.workspace.training, self.workspace.say)
        self.filters.set_shared(True)
        self.column.addWidget(self.filters)
        self.maps = MapView(self.document, grows=True, most_height=250, parent=self.page)
        self.column.addWidget(self.maps)
        self.filters.hide()
        self.maps.hide()

    # ------------------------------------------------------------------ showing

    def nodes(self) -> list[Node]:
        """The selected nodes that are in the graph; a group stands for all of its layers."""
        graph = self.document.project.graph
        chosen = [node_id for node_id in self.selection if node_id in graph.nodes]
        groups = [group for group in self.selection if group in graph.groups]
        return [graph.nodes[node_id] for node_id in dict.fromkeys([*chosen, *contents(graph, groups).nodes])]

    def common(self) -> tuple[ParamSpec, ...]:
        """The parameters that all selected layers have: those of the kind if it is one, else those declared alike."""
        specs = [registry.layer(node.kind) for node in self.nodes()]
        if not specs:
            return ()
        if len({spec.kind for spec in specs}) == 1:
            return specs[0].params
        return tuple(param for param in specs[0].params if all(param in spec.params for spec in specs[1:]))

    def show_document(self) -> None:
        """Heading, editors and arithmetic from the document."""
        nodes = self.nodes()
        self.members.hide()
        if len(self.selection) == 1 and self.selection[0] in self.document.project.graph.groups:
            self._show_group(self.selection[0])
        elif not nodes:
            self._show_nothing()
        elif len(nodes) == 1:
            self._show_one(nodes[0])
        else:
            self._show_several(nodes)
        self.form.setVisible(bool(self.form.specs))
        self._show_run()

    def _show_nothing(self) -> None:
        inference, project = self.document.inference, self.document.project
        count = len(project.graph.nodes)
        self.heading.setText(project.name or "untitled")
        self.identity.setText("")
        # Behind a missing wire no layer knows how many it has.
        of_all = inference.is_of_all
        self._show_pill(parameters_text(inference.parameters, of_all=of_all) if count else "")
        if count:
            least = "" if of_all else "at least "
            work = f"{least}{themes.format_count(inference.macs)} multiplication{'s' * (inference.macs != 1)}"
            layers = f"{count} layer{'s' * (count != 1)}"
            hint = f"{layers}, {work} for one example. Select a layer to see and change it."
        else:
            hint = "The canvas is empty. Double-click a layer in the palette, or drag one here, to begin."
        self.hint.setText(f"{project.note}\n\n{hint}" if project.note else hint)
        self.hint.show()
        self.form.set_specs(())
        self.arithmetic.hide()
        self.sweep.show_sweeps(())
        self.explanation.hide()
        self.diagnostics.show_diagnostics(of_nodes(self.document.diagnostics, {""}))

    def _show_group(self, group: str) -> None:
        found = self.document.project.graph.groups[group]
        members = {node.id for node in self.nodes()}
        results = self.document.inference.results
        total = sum(results[node].parameters for node in members if node in results)
        self.heading.setText(found.name or "Group")
        self.identity.setText(f"group {group}")
        self._show_pill(parameters_text(total, of_all=members <= results.keys()) if total else "")
        fold = "Double-click its card to unfold it" if found.collapsed else "Double-click its title to fold it up"
        self.hint.setText(f"{group_summary(self.document, group)}\n\n{fold}, Ctrl+Enter to look inside.")
        self.hint.show()
        self.members.setText(members_html(self.document, group))
        self.members.setVisible(bool(members))
        self.form.set_specs(())
        self.arithmetic.hide()
        self.sweep.show_sweeps(())
        self.explanation.hide()
        self.diagnostics.show_diagnostics(of_nodes(self.document.diagnostics, members))

    def _show_one(self, node: Node) -> None:
        spec = registry.layer(node.kind)
        result = self.document.inference.results.get(node.id)
        self.heading.setText(node.name or spec.title)
        self.identity.setText(f"{spec.title} {node.id}" if node.name else node.id)
        self._show_pill(parameters_text(result.parameters) if result is not None and result.parameters else "")
        self.hint.hide()
        self._show_params([node], spec.params)
        self._explain_choice(node, spec)
        known = result is not None and spec.kind not in {"output"}
        self.arithmetic.setVisible(known)
        self.sweep.show_sweeps(result.sweeps if result is not None else ())
        if result is not None and known:
            self.arithmetic.setText(arithmetic_html(result))
        self.diagnostics.show_diagnostics(of_nodes(self.document.diagnostics, {node.id}))

    def _show_several(self, nodes: list[Node]) -> None:
        results = self.document.inference.results
        kinds = {node.kind for node in nodes}
        title = registry.layer(nodes[0].kind).title if len(kinds) == 1 else "layers"
        self.heading.setText(f"{len(nodes)} {title}")
        self.identity.setText(", ".join(node.id for node in nodes))
        total = sum(results[node.id].parameters for node in nodes if node.id in results)
        self._show_pill(parameters_text(total, of_all=all(node.id in results for node in nodes)) if total else "")
        specs = self.common()
        self.hint.setText(
            "What is changed here is changed in all of them, as one step of undo."
            if specs
            else "These layers have no parameter in common. Select one of them to change it."
        )
        self.hint.show()
        self._show_params(nodes, specs)
        self.arithmetic.hide()
        self.sweep.show_sweeps(())
        self.explanation.hide()
        found = of_nodes(self.document.diagnostics, {node.id for node in nodes})
        self.diagnostics.show_diagnostics(found)

    def _show_pill(self, text: str) -> None:
        self.pill.setText(text)
        self.pill.setVisible(bool(text))

    def _explain_choice(self, node: Node, spec: LayerSpec) -> None:
        """The loss of an Output is explained in place, with its formula."""
        loss = registry.layer(spec.kind).values(node.params).get("loss") if spec.kind == "output" else None
        self.explanation.setVisible(loss is not None)
        if loss is not None:
            chosen = registry.loss(Choice.of(loss).kind)
            text = f"<p>{html.escape(chosen.help)}</p>"
            if chosen.formula:
                text += f"<p style='font-style: italic'>L = {html.escape(chosen.formula)}</p>"
            self.explanation.setText(text)

    @staticmethod
    def _value(node: Node, param: ParamSpec) -> ParamValue:
        return node.params.get(param.name, param.default)

    def _show_params(self, nodes: list[Node], specs: tuple[ParamSpec, ...]) -> None:
        """The editors; the settings of what is chosen stand right below it, while all nodes have chosen the same."""
        shown: list[ParamSpec] = []
        values: dict[str, tuple[ParamValue, ...]] = {}
        self._inner = {}
        for param in specs:
            of_each = tuple(self._value(node, param) for node in nodes)
            shown.append(param)
            values[param.name] = of_each
            if not param.kinds:
                continue
            chosen = [Choice.of(value) for value in of_each]
            values[param.name] = tuple(choice.kind for choice in chosen)
            for kind, setting in ((spec.kind, setting) for spec in param.kinds for setting in spec.params):
                # All of them, shown where they apply: the chooser stays the same while one walks through the kinds.
                name = f"{param.name}.{kind}.{setting.name}"
                self._inner[name] = (param, kind, setting)
                when: tuple[str, tuple[ParamValue, ...]] = (param.name, (kind,))
                if setting.shown_when is not None:  # on another setting of that kind, which is there with it
                    when = (f"{param.name}.{kind}.{setting.shown_when[0]}", setting.shown_when[1])
                shown.append(replace(setting, name=name, shown_when=when))
                mine = [choice.params for choice in chosen if choice.kind == kind]
                values[name] = tuple(one.get(setting.name, setting.default) for one in mine) or (setting.default,)
        results = self.document.inference.results
        if nodes and all(node.id in results and results[node.id].parameters for node in nodes):
            shown.append(_FROZEN)
            values[_FROZEN.name] = tuple(node.frozen for node in nodes)
        self.form.set_specs(tuple(shown))
        self.form.set_values(values)

    # ------------------------------------------------------------------ the run

    def refresh(self, shown: Shown, changed: frozenset[str]) -> None:
        """Weights and outputs of the selected layer."""
        node = self.selection[0] if len(self.selection) == 1 else ""
        mine = {WEIGHTS.series(node), OUTPUT.series(node), DEAD_UNITS.series(node), PLANE.series(node)}
        if shown.run is self._run and shown.step == self._step and not (mine & changed):
            self._follow_ages()
            return
        self._run, self._step = shown.run, shown.step
        self._show_run()

    def readings_shown(self) -> tuple[ReadingShown, ...]:
        """The ranges of the weights and of the outputs, and how many units are dead."""
        views = (self.filters, self.maps)
        return tuple(reading for view in views if view.isVisibleTo(self) for reading in view.readings_shown())

    def _follow_ages(self) -> None:
        """What was not measured again grows old while training goes on."""
        if self._run is None:
            return
        moment = moment_of(self._run, self._step)
        for view in (self.filters, self.maps):
            if view.isVisibleTo(self):
                view.set_moment(moment)

    def _show_run(self) -> None:
        node = self.selection[0] if len(self.selection) == 1 else ""
        known = node in self.document.project.graph.nodes
        run = self._run
        filters = maps = False
        if run is not None and known:
            filters = self.filters.refresh(run, node, self._step)
            maps = self.maps.refresh(run, node, self._step)
        self.filters.setVisible(filters)
        self.maps.setVisible(maps)

    # ------------------------------------------------------------------ changing

    def _on_edited(self, name: str, value: ParamValue, gesture: str) -> None:
        self._set(name, value, gesture)

    def _set(self, name: str, value: ParamValue | Unset, gesture: str) -> None:
        if name == _FROZEN.name:
            frozen = not isinstance(value, Unset) and bool(value)
            self.change(Freeze({node.id: frozen for node in self.nodes()}))
            return
        edits: list[Edit] = []
        for node in self.nodes():
            if name not in self._inner:
                edits.append(SetParam(node.id, name, value, gesture=gesture))
                edits += self._trained(node, name, value)
                continue
            param, kind, setting = self._inner[name]
            choice = Choice.of(self._value(node, param))
            if choice.kind != kind:
                continue
            if isinstance(value, Unset):
                choice = choices.without_param(choice, setting.name)
            else:
                choice = choices.with_param(choice, setting.name, value)
            edits.append(SetParam(node.id, param.name, param.parse(choice), gesture=gesture))
        if len(edits) == 1:
            self.change(edits[0])
        elif edits:
            count = len({edit.node for edit in edits if isinstance(edit, SetParam)})
            of = f"{count} layers" if count > 1 else self.nodes()[0].id
            title = f"Set {name.replace('_', ' ')} of {of}"
            self.change(Several(tuple(edits), title, gesture=gesture))

    def _trained(self, node: Node, name: str, value: ParamValue | Unset) -> list[Edit]:
        """With the choice to write the weights down: those that it has now, unless some are written already."""
        spec = registry.layer(node.kind)
        if self._run is None or isinstance(value, Unset):
            return []
        if not registry.has_written_weights({**node.params, name: value}):
            return []
        if registry.has_written_weights(node.params) or node.params.get("weight_values") is not None:
            return []
        weights = self._run.latest(WEIGHTS.series(node.id), self._step)
        biases = self._run.latest(BIASES.series(node.id), self._step)
        if not isinstance(weights, ArrayReading) or weights.array.ndim < 2 or "of" in weights.meta:
            return []
        if weights.array.size > _MOST_WRITTEN or not np.isfinite(weights.array).all():
            return []
        # Windows over one channel line by line, as they are drawn; else all of a filter in a row.
        sizes = weights.array.shape
        across = sizes[-1] if all(size == 1 for size in sizes[1:-2]) else -1
        table = weights.array.reshape(-1, across) if across > 0 else weights.array.reshape(sizes[0], -1)
        # As many digits as it takes to be the very same number again.
        rows = tuple(tuple(float(str(number)) for number in row) for row in table)
        edits: list[Edit] = [SetParam(node.id, "weight_values", spec.param("weight_values").parse(rows))]
        if isinstance(biases, ArrayReading) and np.isfinite(biases.array).all():
            written = tuple(float(str(number)) for number in biases.array)
            edits.append(SetParam(node.id, "bias_values", spec.param("bias_values").parse(written)))
        return edits

    def _on_fix(self, fix: Fix) -> None:
        if self.change(fix.edit):
            self.message.emit(f"Done: {fix.title}.")
