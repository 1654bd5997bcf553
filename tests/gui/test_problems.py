"""Guidance: the panel of problems, wires that are wrong, old pictures that must not stay, and what is not offered."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from msgspec.structs import replace as changed
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot
from window_hands import Person
from window_kit import TIMEOUT, OpenWindow

from nnviz.gui.canvas.cards.describe import tooltip
from nnviz.gui.look import theme
from nnviz.gui.panels.findings import FindingsPanel
from nnviz.gui.panels.problems import ProblemsPanel
from nnviz.gui.parts.words_button import WordsButton
from nnviz.gui.window.window import MainWindow
from nnviz.project.edits import AddNodes, Disconnect, RemoveNodes, Rename, SetParam, SetTraining
from nnviz.project.model import Edge, Node, PortRef, Project
from nnviz.project.samples import templates
from nnviz.project.samples.sketch import chain, image, linear, output, plain
from nnviz.record.readings import Finding

SAMPLE = "digits-cnn"


def broken() -> Project:
    """Without its Flatten, the first Linear cannot take what comes in."""
    return RemoveNodes(("flatten1",), rejoin=True).apply(templates.sample(SAMPLE))


def problems(window: MainWindow) -> ProblemsPanel:
    assert window.docks is not None
    panel = window.docks.panels["problems"]
    assert isinstance(panel, ProblemsPanel)
    return panel


def opened(window: MainWindow, qtbot: QtBot) -> ProblemsPanel:
    """The panel, shown by its action."""
    window.action("problems").trigger()
    panel = problems(window)
    qtbot.waitUntil(panel.isVisible, timeout=TIMEOUT)
    return panel


def tab_title(window: MainWindow) -> str:
    assert window.docks is not None
    return window.docks.docks["problems"].windowTitle()


def known(window: MainWindow) -> Callable[[], bool]:
    return lambda: window.document.facts is not None


def test_the_panel_says_what_is_wrong_and_mends_it_in_one_step(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(broken(), ready=False)
    person = Person(window, qtbot)
    qtbot.waitUntil(known(window), timeout=TIMEOUT)
    panel = opened(window, qtbot)
    assert tab_title(window) == "Problems 1"
    (card,) = panel.cards
    assert card.diagnostic.node == "linear1"
    assert "gets 32×5×5" in card.accessibleName()
    before = window.document.project
    person.click(card.text, QPoint(5, 5))
    assert window.canvas.selected == ("linear1",)
    (button,) = card.buttons
    assert button.text() == "Insert Flatten 32×5×5→800"
    person.click(button)
    assert window.document.diagnostics == ()
    assert tab_title(window) == "Problems"
    assert panel.is_empty
    window.document.undo()
    assert window.document.project == before
    assert tab_title(window) == "Problems 1"
    assert not panel.is_empty


def test_rows_are_walked_by_keys_and_keep_the_focus(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(broken(), ready=False)
    qtbot.waitUntil(known(window), timeout=TIMEOUT)
    window.document.apply(AddNodes((Node("drop", "dropout", y=900.0), Node("more", "relu", y=1200.0))))
    panel = opened(window, qtbot)
    assert [card.diagnostic.severity for card in panel.cards] == ["error", "warning", "warning"]
    assert tab_title(window) == "Problems 3"
    first, second, third = panel.cards
    qtbot.waitUntil(first.hasFocus, timeout=TIMEOUT)
    QTest.keyClick(first, Qt.Key.Key_Down)
    assert second.hasFocus()
    QTest.keyClick(second, Qt.Key.Key_End)
    assert third.hasFocus()
    QTest.keyClick(third, Qt.Key.Key_Return)
    assert window.canvas.selected == (third.diagnostic.node,)
    third.setFocus()
    window.document.apply(SetParam("conv1", "out_channels", 12))
    assert third in panel.cards
    assert third.hasFocus()
    third.buttons[-1].setFocus()
    QTest.keyClick(third.buttons[-1], Qt.Key.Key_Space)
    assert [card.diagnostic.node for card in panel.cards] == [first.diagnostic.node, second.diagnostic.node]
    assert panel.cards[1].hasFocus()


def test_a_row_follows_the_layers_name(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(broken(), ready=False)
    panel = opened(window, qtbot)
    window.document.apply(Rename("linear1", "Head"))
    assert panel.cards[0].where == "Head linear1"


def test_the_foot_counts_and_opens(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(broken(), ready=False)
    person = Person(window, qtbot)
    qtbot.waitUntil(known(window), timeout=TIMEOUT)
    button = next(found for found in window.timeline.findChildren(QToolButton) if found.text().endswith("problem"))
    qtbot.waitUntil(button.isVisible, timeout=TIMEOUT)
    assert button.text() == "1 problem"
    person.click(button)
    qtbot.waitUntil(problems(window).isVisible, timeout=TIMEOUT)
    window.document.apply(window.document.diagnostics[0].fixes[0].edit)
    qtbot.waitUntil(lambda: not button.isVisible(), timeout=TIMEOUT)


def test_inspector_and_panel_show_the_same_row(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(broken(), ready=False)
    panel = opened(window, qtbot)
    window.canvas.select(["linear1"])
    assert window.inspector is not None
    (mine,) = window.inspector.layer.diagnostics.cards
    (theirs,) = panel.cards
    assert type(mine) is type(theirs)
    assert [found.text() for found in mine.buttons] == [found.text() for found in theirs.buttons]


def test_a_wire_that_is_wrong_is_coloured_and_says_why(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(broken(), ready=False)
    qtbot.waitUntil(known(window), timeout=TIMEOUT)
    scene = window.canvas.canvas_scene
    wrong = Edge(PortRef("pool2"), PortRef("linear1"))
    assert {edge for edge, wire in scene.wires.items() if wire.severity} == {wrong}
    wire = scene.wires[wrong]
    assert wire.pen().color() == QColor(theme.current().danger)
    point = wire.curve.pointAtPercent(0.5)
    assert scene.card_at(point) is None
    assert "Linear expects a flat input and gets 32×5×5." in tooltip(scene, window.canvas.stage, point)
    window.document.apply(window.document.diagnostics[0].fixes[0].edit)
    assert not any(found.severity for found in scene.wires.values())


def test_what_works_stays_live_and_what_does_not_shows_no_old_picture(
    open_window: OpenWindow, qtbot: QtBot
) -> None:  # fmt: skip
    window = open_window(SAMPLE)
    person = Person(window, qtbot)
    live, cards = window.canvas.stage.live, window.canvas.canvas_scene.cards
    qtbot.waitUntil(lambda: all(live.picture(card.facts) is not None for card in cards.values()), timeout=TIMEOUT)
    qtbot.wait(50)
    before = {node: person.picture(node) for node in ("conv1", "linear2")}
    window.document.apply(RemoveNodes(("flatten1",), rejoin=True))
    shown = {node for node, card in cards.items() if live.picture(card.facts) is not None}
    assert shown == {"input", "conv1", "relu1", "pool1", "conv2", "relu2", "pool2"}
    assert live.gradient(cards["linear1"].facts) is None
    assert live.badge(cards["relu3"].facts) is None
    qtbot.waitUntil(lambda: not np.array_equal(person.picture("linear2"), before["linear2"]), timeout=TIMEOUT)
    qtbot.waitUntil(lambda: window.training.blocked() != "", timeout=TIMEOUT)
    assert shown == {node for node, card in cards.items() if live.picture(card.facts) is not None}
    window.document.undo()
    qtbot.waitUntil(lambda: all(live.picture(card.facts) is not None for card in cards.values()), timeout=TIMEOUT)


def trained(window: MainWindow, qtbot: QtBot) -> None:
    window.training.step()
    qtbot.waitUntil(lambda: window.training.trained and window.training.state == "paused", timeout=TIMEOUT)


def test_restart_is_not_offered_while_nothing_can_be_trained(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window("xnor-two-layer")
    trained(window, qtbot)
    assert window.action("reset").isEnabled()
    last = window.document.project.graph.edges[-1]
    window.document.apply(Disconnect(last))
    qtbot.waitUntil(lambda: window.notices.notice("differs") is not None, timeout=TIMEOUT)
    assert not window.action("reset").isEnabled()
    assert offered(window) == ["Keep training the old one"]
    window.document.undo()
    qtbot.waitUntil(lambda: window.notices.notice("differs") is None, timeout=TIMEOUT)
    assert window.action("reset").isEnabled()
    linear = next(node.id for node in window.document.project.graph.nodes.values() if node.kind == "linear")
    window.document.apply(SetParam(linear, "bias", False))
    qtbot.waitUntil(lambda: window.notices.notice("differs") is not None, timeout=TIMEOUT)
    assert offered(window) == ["Restart with the new network", "Restart warm", "Keep training the old one"]


def offered(window: MainWindow) -> list[str]:
    notice = window.notices.notice("differs")
    assert notice is not None
    return [button.text() for button in notice.buttons]


def test_nothing_of_an_old_run_stays_on_an_empty_canvas(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window("xnor-two-layer")
    trained(window, qtbot)
    run = window.feed.run
    assert run.last_step > 0
    window.document.apply(RemoveNodes(tuple(window.document.project.graph.nodes)))
    qtbot.waitUntil(lambda: window.feed.run is not run, timeout=TIMEOUT)
    assert window.docks is not None
    for key in ("dead_units", "findings", "gradients", "loss"):
        qtbot.waitUntil(lambda key=key: window.docks.panels[key].is_empty, timeout=TIMEOUT)  # type: ignore[misc]
    qtbot.waitUntil(lambda: window.notices.notice("differs") is not None, timeout=TIMEOUT)
    assert offered(window) == ["Undo"]
    assert not window.action("reset").isEnabled()
    notice = window.notices.notice("differs")
    assert notice is not None
    notice.buttons[0].click()
    qtbot.waitUntil(lambda: window.feed.run is run, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: window.notices.notice("differs") is None, timeout=TIMEOUT)
    assert window.training.trained


def test_findings_about_layers_that_are_gone_go_too(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window("xnor-two-layer")
    assert window.docks is not None
    panel = window.docks.panels["findings"]
    assert isinstance(panel, FindingsPanel)
    run = window.training.run
    assert run is not None
    node = next(node.id for node in window.document.project.graph.nodes.values() if node.kind == "linear")
    run.append([Finding(f"finding/dead_units/{node}", 0, "warning", f"{node}: planted.", node=node)])
    qtbot.waitUntil(lambda: len(panel.cards) == 1, timeout=TIMEOUT)
    window.document.apply(RemoveNodes((node,)))
    assert panel.cards == []
    window.document.undo()
    qtbot.waitUntil(lambda: len(panel.cards) == 1, timeout=TIMEOUT)


def test_a_sweep_is_drawn_beside_the_arithmetic(open_window: OpenWindow, qtbot: QtBot) -> None:
    sample = templates.sample(SAMPLE)
    window = open_window(SetParam("conv1", "stride", (2, 2)).apply(changed(sample)), ready=False)
    window.canvas.select(["conv1"])
    assert window.inspector is not None
    tab = window.inspector.layer
    (sweep,) = tab.sweep.sweeps
    assert (sweep.count, sweep.unread_end) == (13, 1)
    assert "The last row and the last column of 28×28 are never read." in tab.arithmetic.text()
    assert tab.sweep.accessibleName() == "A window of 3 at 13 places, 2 apart, over 28 pixels, 1 never read."
    assert tab.sweep.isVisible()
    image = tab.sweep.grab().toImage()
    colours = {image.pixelColor(x, 5).name() for x in range(image.width())}
    assert QColor(theme.current().danger).name() in colours
    window.canvas.select(["relu1"])
    assert not tab.sweep.isVisible()


def test_a_long_cure_ends_in_an_ellipsis_and_is_whole_in_its_tip(open_window: OpenWindow, qtbot: QtBot) -> None:
    graph = chain(image(1, 28, 28), linear(8), plain("relu"), linear(5), output())
    window = open_window(changed(templates.sample(SAMPLE), graph=graph), ready=False)
    qtbot.waitUntil(known(window), timeout=TIMEOUT)
    window.resize(1280, 720)
    panel = opened(window, qtbot)
    title = "Insert Flatten 1×28×28→784 and set out features of linear2 to 10"
    qtbot.waitUntil(lambda: [card.buttons[0].text() for card in panel.cards] == [title], timeout=TIMEOUT)
    (button,) = panel.cards[0].buttons
    assert isinstance(button, WordsButton)
    qtbot.waitUntil(lambda: button.width() < button.sizeHint().width(), timeout=TIMEOUT)
    shown = button.shown_text()
    assert shown.endswith("…") and title.startswith(shown[:-1]) and len(shown) > 20
    assert button.fontMetrics().horizontalAdvance(shown) < button.width() - 8
    assert title in button.toolTip()
    painted = button.grab().toImage()
    button.setText(shown)
    assert painted == button.grab().toImage()


def test_without_problems_it_says_how_the_training_stands(open_window: OpenWindow, qtbot: QtBot) -> None:
    project = templates.sample("spiral")
    window = open_window(changed(project, training=changed(project.training, epochs=2000)))
    panel = opened(window, qtbot)
    qtbot.waitUntil(lambda: panel.hint.endswith("the network is ready to train."), timeout=TIMEOUT)
    window.training.play()
    qtbot.waitUntil(lambda: panel.hint.endswith("the network is being trained."), timeout=TIMEOUT)
    window.training.pause()
    qtbot.waitUntil(lambda: panel.hint.endswith("the training is paused."), timeout=TIMEOUT)
    window.document.apply(SetTraining(changed(window.document.project.training, epochs=1)))
    window.training.play()
    qtbot.waitUntil(lambda: panel.hint.endswith("the training is done."), timeout=TIMEOUT)
    assert panel.is_empty
