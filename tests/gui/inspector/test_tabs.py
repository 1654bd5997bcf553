"""What the inspector knows of its tabs stands on their classes, and nowhere else."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot
from workspace_kit import workspace_of

from nnviz.gui.inspector import inspector as inspectors
from nnviz.gui.inspector.inspector import TABS, Inspector
from nnviz.gui.inspector.tab import Tab
from nnviz.project.document import Document
from nnviz.record.interest import NOTHING, Interest
from nnviz.record.quantities import SATURATION


class Planted(Tab):
    """A tab that nobody knows but the list."""

    key = "planted"
    title = "Planted"
    keys = "Ctrl+Alt+9"

    def build(self) -> None:
        """Nothing."""

    def show_document(self) -> None:
        """Nothing."""

    def looks_at(self) -> Interest:
        """Something that nobody else looks at."""
        return Interest(frozenset({SATURATION}), frozenset(self.selection))


def test_every_tab_says_what_it_is_called() -> None:
    for what in ("key", "title", "keys"):
        said = [getattr(kind, what) for kind in TABS]
        assert all(said) and len(set(said)) == len(said)


def test_a_tab_costs_one_line_beside_its_file(
    qtbot: QtBot, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspectors, "TABS", (*TABS, Planted))
    inspector = Inspector(workspace_of(document))
    qtbot.addWidget(inspector)
    told: list[tuple[str, Interest]] = []
    inspector.interest_changed.connect(lambda source, interest: told.append((source, interest)))
    inspector.show()
    button = next(one for one in inspector.findChildren(QToolButton) if one.text() == "Planted")
    assert button.toolTip() == "Planted (Ctrl+Alt+9)"
    assert ("tab planted", Interest(frozenset({SATURATION}), frozenset())) not in told
    button.click()
    assert inspector.tab == "planted"
    assert told[-1] == ("tab planted", Interest(frozenset({SATURATION}), frozenset()))
    inspector.set_selection(["conv1"])
    assert told[-1] == ("tab planted", Interest(frozenset({SATURATION}), frozenset({"conv1"})))
    inspector.show_tab("layer")
    assert [interest for source, interest in told if source == "tab planted"][-1] == NOTHING
