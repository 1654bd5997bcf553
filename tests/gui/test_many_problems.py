"""Thousands of loose cards: what is wrong is told in as many rows as a person reads, and the window goes on."""

from __future__ import annotations

from window_kit import OpenWindow

from nnviz.gui.panels.problems import ProblemsPanel
from nnviz.project.model import Graph, Node, Project

_LOOSE = 300


def test_rows_end_where_nobody_reads_on(open_window: OpenWindow) -> None:
    nodes = {f"relu{at}": Node(f"relu{at}", "relu", x=200.0 * (at % 20), y=200.0 * (at // 20)) for at in range(_LOOSE)}
    window = open_window(Project(graph=Graph(nodes)), ready=False)
    assert window.docks is not None and window.inspector is not None
    panel = window.docks.show_panel("problems")
    assert isinstance(panel, ProblemsPanel)
    every = len(window.document.diagnostics)
    assert every > _LOOSE
    assert len(panel.cards) == 100
    assert panel.rest.text().startswith(f"And {every - 100} more") and panel.rest.isVisible()
    window.canvas.desk.select_all()
    listed = window.inspector.layer.diagnostics
    assert len(listed.cards) == 20 and listed.rest.isVisible()
    window.canvas.editing.delete()
    assert len(panel.cards) == len(window.document.diagnostics) < 100
    assert panel.rest.isHidden()
