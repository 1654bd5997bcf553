"""The inspector by mouse and keyboard: each movement of the hand is one change of the document."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from workspace_kit import workspace_of

from nnviz.data import datasets
from nnviz.gui.inspector import Inspector
from nnviz.gui.inspector.editors import ChoiceEditor, MatrixEditor, SwitchEditor, TextEditor, TextsEditor, make_editor
from nnviz.gui.inspector.explain_tab import ExplainTab
from nnviz.gui.inspector.formulas import formula_of
from nnviz.gui.runs.shown import Shown
from nnviz.project import registry
from nnviz.project.document import Document
from nnviz.project.edits import SetParam
from nnviz.project.model import Choice
from nnviz.project.samples import templates
from nnviz.project.spec import ParamSpec
from nnviz.record.readings import ArrayReading
from nnviz.record.run import Run, RunInfo


class Counter:
    """How often the document said that it has changed."""

    def __init__(self, document: Document) -> None:
        self.count = 0
        document.changed.connect(self.on_changed)

    def on_changed(self, before: object, after: object, edit: object) -> None:
        self.count += 1


@pytest.fixture
def inspector(document: Document, qtbot: QtBot) -> Inspector:
    made = Inspector(workspace_of(document))
    qtbot.addWidget(made)
    made.resize(340, 700)
    made.show()
    made.set_selection(["conv2"])
    return made


def editor(inspector: Inspector, name: str) -> TextEditor:
    found = inspector.layer.form.editors[name]
    assert isinstance(found, TextEditor)
    return found


def params(document: Document, node: str) -> dict[str, object]:
    return dict(document.project.graph.nodes[node].params)


def test_a_kernel_size_typed_is_one_change_and_undo_brings_the_editor_back(
    inspector: Inspector, document: Document, qtbot: QtBot
) -> None:
    changes = Counter(document)
    kernel = editor(inspector, "kernel_size")
    kernel.field.setFocus()
    kernel.line.selectAll()
    qtbot.keyClicks(kernel.line, "5")
    assert changes.count == 0, "nothing is handed out while one types"
    qtbot.keyClick(kernel.line, Qt.Key.Key_Return)
    assert params(document, "conv2")["kernel_size"] == (5, 5)
    assert changes.count == 1 and kernel.line.text() == "5 × 5"
    assert "(13 − 5 + 2·0) / 1 + 1 = <b>9</b>" in inspector.layer.arithmetic.text()
    assert "32×9×9" in inspector.layer.arithmetic.text()
    assert inspector.layer.pill.text() == "12\u202f832 parameters"
    kernel.field.clearFocus()
    assert changes.count == 1
    document.undo()
    assert kernel.line.text() == "3 × 3" and changes.count == 2
    document.redo()
    assert kernel.line.text() == "5 × 5" and changes.count == 3


def test_a_bad_value_never_leaves_the_editor_and_the_range_is_shown(
    inspector: Inspector, document: Document, qtbot: QtBot
) -> None:
    changes = Counter(document)
    channels = editor(inspector, "out_channels")
    sentence = inspector.layer.form.problems["out_channels"]
    channels.field.setFocus()
    channels.line.selectAll()
    qtbot.keyClicks(channels.line, "0")
    assert sentence.isVisible() and "from 1 to" in sentence.text()
    assert channels.field.property("invalid") is True
    qtbot.keyClick(channels.line, Qt.Key.Key_Return)
    assert changes.count == 0 and channels.line.text() == "0", "it stays until it is mended"
    qtbot.keyClick(channels.line, Qt.Key.Key_Escape)
    assert channels.line.text() == "32" and not sentence.isVisible()
    assert not channels.field.property("invalid")
    channels.line.selectAll()
    qtbot.keyClicks(channels.line, "many")
    inspector.layer.setFocus()
    channels.field.clearFocus()
    assert channels.line.text() == "32" and changes.count == 0


def test_steps_by_key_are_one_undo(inspector: Inspector, document: Document, qtbot: QtBot) -> None:
    kernel = editor(inspector, "kernel_size")
    kernel.field.setFocus()
    for _ in range(3):
        qtbot.keyClick(kernel.field, Qt.Key.Key_Up)
    assert params(document, "conv2")["kernel_size"] == (6, 6)
    document.undo()
    assert "kernel_size" not in params(document, "conv2") and kernel.line.text() == "3 × 3"


def drag(title: QWidget, way: list[QPoint]) -> None:
    def send(kind: QMouseEvent.Type, point: QPoint, button: Qt.MouseButton, buttons: Qt.MouseButton) -> None:
        place = QPointF(point)
        event = QMouseEvent(kind, place, title.mapToGlobal(place), button, buttons, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(title, event)

    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    send(QMouseEvent.Type.MouseButtonPress, way[0], left, left)
    for point in way:
        send(QMouseEvent.Type.MouseMove, point, none, left)
    send(QMouseEvent.Type.MouseButtonRelease, way[-1], left, none)


def test_a_drag_along_the_title_is_one_undo(inspector: Inspector, document: Document) -> None:
    changes = Counter(document)
    title = inspector.layer.form._titles["out_channels"]

    drag(title, [QPoint(x, 5) for x in range(10, 71, 3)])
    assert params(document, "conv2")["out_channels"] == 42
    assert changes.count == 10
    document.undo()
    assert params(document, "conv2") == {"out_channels": 32}
    assert editor(inspector, "out_channels").line.text() == "32"


def test_a_drag_farther_down_goes_by_tens(inspector: Inspector, document: Document) -> None:
    title = inspector.layer.form._titles["out_channels"]
    drag(title, [QPoint(10, 5), QPoint(22, 5), QPoint(22, 60), QPoint(46, 60)])
    assert params(document, "conv2")["out_channels"] == 32 + 2 + 40
    document.undo()
    assert params(document, "conv2") == {"out_channels": 32}


def test_a_shape_is_turned_size_by_size(inspector: Inspector, document: Document) -> None:
    first = next(node for node in document.project.graph.nodes.values() if node.kind == "input")
    inspector.set_selection([first.id])
    shape = editor(inspector, "shape")
    assert shape.line.text() == "1 × 28 × 28"
    shape.line.setCursorPosition(0)
    title = inspector.layer.form._titles["shape"]
    # Doubled, and from farther down by ones.
    drag(title, [QPoint(10, 5), QPoint(52, 5), QPoint(52, 60), QPoint(58, 60)])
    assert params(document, first.id)["shape"] == (129, 28, 28)
    shape.line.setCursorPosition(len(shape.line.text()))
    shape.step(1)
    assert params(document, first.id)["shape"] == (129, 28, 32)


def test_the_wheel_scrolls_the_page_and_turns_only_the_editor_with_the_focus(
    inspector: Inspector, document: Document, qtbot: QtBot
) -> None:
    from PySide6.QtGui import QWheelEvent

    channels = editor(inspector, "out_channels")

    def turn() -> None:
        place = QPointF(5, 5)
        event = QWheelEvent(
            place, channels.field.mapToGlobal(place), QPoint(0, 0), QPoint(0, 120),
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(channels.field, event)

    channels.field.clearFocus()
    turn()
    assert params(document, "conv2") == {"out_channels": 32}
    inspector.activateWindow()
    channels.field.setFocus()
    qtbot.waitUntil(channels.field.hasFocus)
    turn()
    assert params(document, "conv2") == {"out_channels": 33}


def test_a_switch_and_a_choice(inspector: Inspector, document: Document, qtbot: QtBot) -> None:
    bias = inspector.layer.form.editors["bias"]
    assert isinstance(bias, SwitchEditor)
    qtbot.mouseClick(bias.field, Qt.MouseButton.LeftButton)
    assert params(document, "conv2")["bias"] is False
    assert inspector.layer.pill.text() == "4\u202f608 parameters"
    document.undo()
    assert bias._switch.isChecked()
    choice = inspector.layer.form.editors["weight_initialisation"]
    assert isinstance(choice, ChoiceEditor)
    choice.field.setFocus()
    keys = [key for key, _ in choice.spec.choices]
    for _ in range(keys.index("gaussian")):
        qtbot.keyClick(choice.field, Qt.Key.Key_Down)
    assert params(document, "conv2")["weight_initialisation"] == "gaussian"
    assert inspector.layer.form.editors["weight_initialisation.gaussian.deviation"].isVisibleTo(inspector.layer.form)
    document.undo()
    assert "weight_initialisation" not in params(document, "conv2"), "walking through choices by key is one step"


def test_what_is_chosen_shows_its_own_settings(inspector: Inspector, document: Document) -> None:
    form = inspector.layer.form
    name = "weight_initialisation.gaussian.deviation"
    assert not form.editors[name].isVisibleTo(form)
    document.apply(SetParam("conv2", "weight_initialisation", "gaussian"))
    deviation = form.editors[name]
    assert isinstance(deviation, TextEditor) and deviation.isVisibleTo(form) and deviation.value == 0.01
    deviation.line.setText("0,25")
    assert deviation.commit()
    assert params(document, "conv2")["weight_initialisation"] == Choice("gaussian", {"deviation": 0.25})
    assert form.editors[name] is deviation and form.editors["weight_initialisation"].value == "gaussian"
    form.reset.emit(name)
    assert params(document, "conv2")["weight_initialisation"] == "gaussian"
    document.undo()
    assert deviation.value == 0.25
    document.undo()
    document.undo()
    assert "weight_initialisation" not in params(document, "conv2") and not deviation.isVisibleTo(form)


def test_a_setting_of_what_is_chosen_is_changed_where_it_is_chosen(inspector: Inspector, document: Document) -> None:
    document.apply(SetParam("conv1", "weight_initialisation", "gaussian"))
    inspector.set_selection(("conv1", "conv2"))
    deviation = inspector.layer.form.editors["weight_initialisation.gaussian.deviation"]
    assert deviation.isVisibleTo(inspector.layer.form) and not deviation.mixed
    deviation.hand_out(0.5)
    assert params(document, "conv1")["weight_initialisation"] == Choice("gaussian", {"deviation": 0.5})
    assert "weight_initialisation" not in params(document, "conv2")


def test_given_weights_are_typed_as_rows(qtbot: QtBot) -> None:
    document = Document(templates.sample("and"))
    node = next(node for node in document.project.graph.nodes.values() if node.kind == "linear")
    inspector = Inspector(workspace_of(document))
    qtbot.addWidget(inspector)
    inspector.show()
    inspector.set_selection([node.id])
    matrix = inspector.layer.form.editors["weight_values"]
    assert isinstance(matrix, MatrixEditor)
    matrix._text.setPlainText("2 3\n4")
    assert inspector.layer.form.problems["weight_values"].isVisible()
    assert not matrix.commit()
    matrix._text.setPlainText("2 -1.5")
    assert matrix.commit()
    assert document.project.graph.nodes[node.id].params["weight_values"] == ((2.0, -1.5),)


def test_several_layers_of_one_kind_change_together(inspector: Inspector, document: Document, qtbot: QtBot) -> None:
    inspector.set_selection(["conv1", "conv2"])
    channels = editor(inspector, "out_channels")
    assert channels.mixed and channels.line.text() == "" and channels.line.placeholderText() == "various"
    channels.field.setFocus()
    qtbot.keyClicks(channels.line, "24")
    qtbot.keyClick(channels.line, Qt.Key.Key_Return)
    assert [params(document, node)["out_channels"] for node in ("conv1", "conv2")] == [24, 24]
    document.undo()
    assert params(document, "conv1") == {} and params(document, "conv2") == {"out_channels": 32}
    inspector.set_selection(["relu1", "flatten1"])
    assert inspector.layer.form.specs == ()


def test_another_selection_while_typing_hands_out_what_was_typed_to_its_own_layer(
    inspector: Inspector, document: Document, qtbot: QtBot
) -> None:
    channels = editor(inspector, "out_channels")
    inspector.activateWindow()
    channels.field.setFocus()
    qtbot.waitUntil(channels.field.hasFocus)
    channels.line.selectAll()
    qtbot.keyClicks(channels.line, "48")
    channels.field.clearFocus()
    inspector.set_selection(["conv1"])
    assert params(document, "conv2") == {"out_channels": 48} and params(document, "conv1") == {}


def test_a_fix_is_one_click_and_one_undo(inspector: Inspector, document: Document, qtbot: QtBot) -> None:
    document.apply(SetParam("linear2", "out_features", 7))
    node = next(one.node for one in document.diagnostics if one.fixes)
    inspector.set_selection([node])
    card = inspector.layer.diagnostics.cards[0]
    before = document.project
    qtbot.mouseClick(card.buttons[0], Qt.MouseButton.LeftButton)
    assert document.project != before and inspector.layer.diagnostics.isHidden()
    document.undo()
    assert document.project == before


def test_the_output_chooses_its_loss_and_explains_it(inspector: Inspector, document: Document) -> None:
    inspector.set_selection(["output"])
    assert "minus the logarithm" in inspector.layer.explanation.text()
    choice = inspector.layer.form.editors["loss"]
    assert isinstance(choice, ChoiceEditor)
    choice._combo.activated.emit(choice._combo.findData("mse"))
    assert params(document, "output")["loss"] == "mse"
    assert "squared" in inspector.layer.explanation.text()


def test_training_changes_are_one_edit_each(inspector: Inspector, document: Document, qtbot: QtBot) -> None:
    inspector.show_tab("training")
    rate = inspector.training.choices["optimizer"].params.editors["learning_rate"]
    assert isinstance(rate, TextEditor) and rate.line.text() == "0.002"
    rate.field.setFocus()
    qtbot.keyClick(rate.field, Qt.Key.Key_Down)
    assert document.project.training.optimizer.params["learning_rate"] == 0.001
    choice = inspector.training.choices["optimizer"].kind.editors["optimizer"]
    assert isinstance(choice, ChoiceEditor)
    choice._combo.activated.emit(choice._combo.findData("sgd"))
    assert document.project.training.optimizer.kind == "sgd"
    assert "momentum" in inspector.training.choices["optimizer"].params.editors
    document.undo()
    assert (
        document.project.training.optimizer.kind == "adam"
        and "beta1" in inspector.training.choices["optimizer"].params.editors
    )
    assert "18 steps an epoch" in inspector.training.summary.text()


def test_another_data_set_takes_the_input_with_it_in_one_undo(inspector: Inspector, document: Document) -> None:
    inspector.show_tab("data")
    before = document.project
    inspector.data.choose("shapes")
    after = document.project
    assert after.data.dataset == "shapes" and after.graph.nodes["input"].params["shape"] == (3, 32, 32)
    assert document.undo_title == "Use shapes"
    document.undo()
    assert document.project == before


def test_the_classes_follow_only_where_that_is_certain(document: Document, inspector: Inspector) -> None:
    inspector.show_tab("data")
    inspector.data.choose("spiral")
    assert params(document, "linear2")["out_features"] == 10, "from classes to yes and no: the diagnostics offer it"
    assert any(one.severity == "error" for one in document.diagnostics)


@pytest.mark.parametrize("kind", datasets.datasets())
def test_every_data_set_can_be_looked_at(kind: str, document: Document, inspector: Inspector, qtbot: QtBot) -> None:
    inspector.show_tab("data")
    inspector.data.choose(kind)
    spec = datasets.dataset(kind)
    assert document.project.data.dataset == kind
    assert spec.licence in inspector.data.facts.text()
    qtbot.waitUntil(lambda: not inspector.data.known.looking(document.project.data))
    assert inspector.data.download.isVisibleTo(inspector.data) == bool(spec.download_bytes)


def test_the_pinned_sample(inspector: Inspector, document: Document, qtbot: QtBot) -> None:
    inspector.show_tab("data")
    assert not inspector.data.previous.isEnabled()
    qtbot.mouseClick(inspector.data.next, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(inspector.data.next, Qt.MouseButton.LeftButton)
    assert document.project.view.pinned_sample == 2
    run = Run(RunInfo())
    run.append([ArrayReading("input/pinned", 0, np.ones((1, 28, 28), np.float32), {"sample": 2, "label": "9"})])
    inspector.refresh(Shown(run), frozenset(run.names()))
    assert inspector.data.sample_text.text() == "#2 of 287 · “9”"
    assert inspector.data.picture.image is not None
    qtbot.mouseClick(inspector.data.any, Qt.MouseButton.LeftButton)
    assert document.project.view.pinned_sample != 2
    assert inspector.data.picture.image is None, "an old picture is never shown under a new number"


def test_weights_and_maps_of_the_selected_layer(inspector: Inspector) -> None:
    run = Run(RunInfo())
    weights = np.linspace(-0.5, 0.25, 32 * 16 * 9, dtype=np.float32).reshape(32, 16, 3, 3)
    maps = np.zeros((32, 11, 11), np.float32)
    run.append([ArrayReading("weights/conv2", 0, weights), ArrayReading("output/conv2", 0, maps, {"sample": 0})])
    inspector.refresh(Shown(run), frozenset(run.names()))
    assert inspector.layer.filters.isVisible() and inspector.layer.maps.isVisible()
    assert inspector.layer.filters.channel_box.count() == 16
    inspector.set_selection(["relu1"])
    assert not inspector.layer.filters.isVisible() and not inspector.layer.maps.isVisible()


@pytest.mark.parametrize("kind", registry.layers())
def test_every_kind_of_layer_is_explained(kind: str, document: Document, qtbot: QtBot) -> None:
    from nnviz.project.edits import AddNodes, new_id
    from nnviz.project.model import Node

    node_id = new_id(document.project.graph, kind)
    document.apply(AddNodes((Node(node_id, kind),)))
    node = document.project.graph.nodes[node_id]
    assert formula_of(node) or kind == "input"
    tab = ExplainTab(workspace_of(document))
    qtbot.addWidget(tab)
    assert registry.layer(kind).title in tab.explain(node)


def test_the_numbers_of_a_convolution(document: Document, qtbot: QtBot) -> None:
    tab = ExplainTab(workspace_of(document))
    qtbot.addWidget(tab)
    text = tab.explain(document.project.graph.nodes["conv2"])
    assert "F·F·D·K + K" in text and "3·3·16·32 + 32 = 4\u202f640" in text and "557\u202f568" in text


def test_nothing_selected_says_what_to_do(inspector: Inspector) -> None:
    inspector.set_selection([])
    assert "Select a layer" in inspector.layer.hint.text()
    assert inspector.layer.pill.text() == "56\u202f714 parameters"


def test_a_document_that_is_replaced_is_shown(inspector: Inspector, document: Document) -> None:
    document.replace(templates.sample("and"))
    assert inspector.layer.form.specs == () and inspector.layer.heading.text()


def test_a_hidden_tab_costs_nothing_and_catches_up(
    inspector: Inspector, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(inspector.training, "show_document", lambda: calls.append("training"))
    document.apply(SetParam("conv2", "out_channels", 8))
    assert calls == []
    inspector.show_tab("training")
    assert calls == ["training"]


def test_steps_of_preparation_are_added_and_removed(inspector: Inspector, document: Document) -> None:
    inspector.show_tab("data")
    form = inspector.data.steps["preparation"]
    assert [shown.kind.editors["preparation"].value for shown in form.forms] == ["scale"]
    next(action for action in form.menu.actions() if action.text() == "Mean 0").trigger()
    assert document.project.data.preparation == (Choice("scale"), Choice("centre"))
    assert len(form.forms) == 2
    document.undo()
    assert document.project.data.preparation == (Choice("scale"),) and len(form.forms) == 1
    form._remove(0)
    assert document.project.data.preparation == ()


def test_a_list_of_texts_is_edited_a_text_a_line(qtbot: QtBot) -> None:
    editor = make_editor(ParamSpec("endings", "endings", "Of the files that are read.", "texts", (".png",)))
    qtbot.addWidget(editor)
    assert isinstance(editor, TextsEditor)
    editor.set_value((".png", ".jpg"))
    assert editor._text.toPlainText() == ".png\n.jpg"
    given: list[object] = []
    editor.edited.connect(lambda value, _gesture: given.append(value))
    editor._text.setPlainText(" .gif \n\n.bmp")
    assert editor.commit() and given == [(".gif", ".bmp")]
    editor._text.setPlainText("x" * 5000)
    assert not editor.commit() and len(given) == 1
