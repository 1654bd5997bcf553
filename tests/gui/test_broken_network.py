"""After a training a wire is missing: what is not known of the network is said, and only what can be done offered."""

from __future__ import annotations

from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow, state_is

from nnviz.gui.explain.why_picture import OF_OTHER
from nnviz.gui.look.theme import format_count
from nnviz.gui.panels.evaluation import EvaluationPanel
from nnviz.gui.panels.why import WhyPanel
from nnviz.gui.window.window import MainWindow
from nnviz.project.edits import Disconnect


def cut(window: MainWindow, node: str) -> None:
    edges = window.document.project.graph.edges
    window.document.apply(Disconnect(next(edge for edge in edges if edge.target.node == node)))


def test_what_is_not_known_of_all_layers_is_a_lower_bound(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    tab = window.inspector.layer
    assert tab.pill.text() == f"{format_count(56_714)} parameters" and "at least" not in tab.hint.text()
    cut(window, "relu2")
    qtbot.waitUntil(lambda: tab.pill.text().startswith("≥ 4"), timeout=TIMEOUT)
    assert "13 layers, at least " in tab.hint.text()
    outline = window.docks.show_panel("outline")
    qtbot.waitUntil(lambda: "≥ 4" in outline._subtitle.text(), timeout=TIMEOUT)
    window.canvas.select(["conv1"])
    assert "of the network" not in tab.explanation.text() + tab.arithmetic.text()
    window.document.undo()
    window.canvas.select([])
    qtbot.waitUntil(lambda: "≥" not in tab.pill.text() and "at least" not in tab.hint.text(), timeout=TIMEOUT)


def test_what_cannot_be_done_with_it_does_not_look_as_if_it_could(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    window.training.step()
    qtbot.waitUntil(state_is(window, "paused"), timeout=TIMEOUT)
    panel = window.docks.show_panel("evaluation")
    assert isinstance(panel, EvaluationPanel)
    qtbot.waitUntil(panel.again.isEnabled, timeout=TIMEOUT)
    window.action("lecture").trigger()
    page = window.lecture.page
    assert page is not None
    able = page.head.play.styleSheet()
    assert "Space train" in page.foot._hint
    cut(window, "relu2")
    qtbot.waitUntil(lambda: not window.action("play").isEnabled(), timeout=TIMEOUT)
    qtbot.waitUntil(lambda: page.head.play.styleSheet() != able and "Space" not in page.foot._hint, timeout=TIMEOUT)
    window.action("lecture").trigger()
    qtbot.waitUntil(lambda: not panel.again.isEnabled() and not panel.begin.isEnabled(), timeout=TIMEOUT)
    assert "Problems" in panel.why_not
    window.document.undo()
    qtbot.waitUntil(panel.again.isEnabled, timeout=TIMEOUT)
    window.action("lecture").trigger()
    page = window.lecture.page
    assert page is not None and page.head.play.styleSheet() == able


def test_why_says_that_another_network_answers(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    window.training.step()
    qtbot.waitUntil(state_is(window, "paused"), timeout=TIMEOUT)
    panel = window.docks.show_panel("why")
    assert isinstance(panel, WhyPanel)
    picture = panel.views.why.picture
    qtbot.waitUntil(lambda: bool(picture.accessibleDescription()), timeout=TIMEOUT)
    assert OF_OTHER not in picture.accessibleDescription()
    cut(window, "relu2")
    qtbot.waitUntil(lambda: OF_OTHER in picture.accessibleDescription(), timeout=TIMEOUT)
    picture.grab()
    window.document.undo()
    qtbot.waitUntil(lambda: OF_OTHER not in picture.accessibleDescription(), timeout=TIMEOUT)
