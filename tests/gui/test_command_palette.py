from __future__ import annotations

from pathlib import Path

import pytest
import shiboken6
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDockWidget, QLineEdit
from pytestqt.qtbot import QtBot
from window_hands import CONTROL, SHIFT, Person
from window_kit import TIMEOUT, OpenWindow, state_is

from nnviz.data import datasets
from nnviz.gui.look import theme
from nnviz.gui.look.mode import Mode
from nnviz.gui.parts.action import Action
from nnviz.gui.parts.settings import Settings
from nnviz.gui.window.command_entries import PROVIDERS, Entry, all_entries
from nnviz.gui.window.command_palette import CommandPalette, Results
from nnviz.gui.window.window import MainWindow
from nnviz.project import registry
from nnviz.project.edits import AddNodes
from nnviz.project.model import Node
from nnviz.project.samples import templates

Key = Qt.Key


def opened(person: Person) -> CommandPalette:
    """The palette, called by its key."""
    person.keys("K", CONTROL)
    palette = person.window.overlays.palette
    assert palette.isVisible() and person.window.focusWidget() is palette.search
    return palette


def titles(palette: CommandPalette) -> list[str]:
    results = palette.results
    return [str(results.index(row, 0).data()) for row in range(results.rowCount())]


def chosen(palette: CommandPalette) -> str:
    assert palette.current is not None
    return palette.current.title


def test_its_veil_stays_over_instruments_that_are_brought_forward(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    window.resize(1280, 720)
    palette = opened(Person(window, qtbot))
    corner = QPoint(300, window.height() - 120)

    def covered() -> bool:
        found = [window.childAt(place) for place in (corner, QPoint(8, window.height() // 2))]
        # In the letters of a lecture its card is so large that it covers the corner.
        return all(one is palette or palette.isAncestorOf(one) for one in found)

    assert window.docks is not None
    qtbot.waitUntil(covered, timeout=TIMEOUT)
    for behind in (*window.docks.docks.values(), window.centralWidget()):
        behind.raise_()
    assert not covered()
    qtbot.waitUntil(covered, timeout=TIMEOUT)
    late = QDockWidget("Made later", window)
    window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, late)
    qtbot.waitUntil(lambda: late.isVisible() and covered(), timeout=TIMEOUT)
    late.raise_()
    assert not covered() or not late.geometry().contains(corner)
    qtbot.waitUntil(covered, timeout=TIMEOUT)
    # A row that is too narrow for all becomes tabs, which Qt raises; a page may lie below the veil, too.
    window.resize(900, 720)
    qtbot.waitUntil(lambda: palette.width() == window.width(), timeout=TIMEOUT)
    for _ in range(10):
        QApplication.processEvents()
    qtbot.waitUntil(covered, timeout=TIMEOUT)
    theme.set_mode(Mode.LECTURE)
    page = window.lecture.page
    assert page is not None
    page.stackUnder(palette)
    late.raise_()
    qtbot.waitUntil(covered, timeout=TIMEOUT)
    palette.dismiss()
    found = window.childAt(corner)
    assert found is not None and (found is page or page.isAncestorOf(found))


def test_it_opens_and_closes_with_its_keys(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    person = Person(window, qtbot)
    window.canvas.setFocus()
    palette = opened(person)
    card = palette.card.geometry()
    assert abs(card.center().x() - window.width() // 2) <= 1 and card.top() < 80
    person.keys(Key.Key_Escape)
    assert palette.isHidden() and window.focusWidget() is window.canvas
    person.keys("P", CONTROL | SHIFT)
    assert palette.isVisible()
    person.keys("K", CONTROL)
    assert palette.isHidden() and window.focusWidget() is window.canvas
    person.menu("Help", "Find anything")
    assert palette.isVisible()


def test_a_press_beside_it_closes_it_and_does_nothing_else(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    person = Person(window, qtbot)
    palette = opened(person)
    before = window.document.project
    person.click(palette, QPoint(20, window.height() - 200))
    assert palette.isHidden() and window.document.project is before and window.canvas.selected == ()


def test_everything_can_be_found(open_window: OpenWindow, tmp_path: Path) -> None:
    window = open_window("digits-cnn", ready=False)
    window.settings.remember(tmp_path / "mine.nnviz")
    entries = {entry.key: entry for entry in all_entries(window.findable)}
    names = {offer.name for offer in window.offered if isinstance(offer, Action)}
    assert {key.removeprefix("action/") for key in entries if key.startswith("action/")} == names - {"command_palette"}
    assert {f"layer/{kind}" for kind in registry.layers()} <= entries.keys()
    assert {f"sample/{info.name}" for info in templates.samples()} <= entries.keys()
    assert {f"dataset/{kind}" for kind in datasets.datasets()} <= entries.keys()
    assert {f"node/{node}" for node in window.document.project.graph.nodes} <= entries.keys()
    assert window.docks is not None
    # An instrument with an action of its own is not there twice.
    assert {f"panel/{key}" for key in window.docks.docks.keys() - names} <= entries.keys()
    assert not {"panel/problems", "panel/outline"} & entries.keys()
    assert f"file/{tmp_path / 'mine.nnviz'}" in entries
    assert entries["node/conv2"].title == "Go to conv2 – Conv2d 32×11×11"
    assert all("&" not in entry.title and "…" not in entry.title for entry in entries.values())
    assert len(entries) == len(all_entries(window.findable)), "two entries share a key"


def test_an_action_is_done_by_a_few_letters_and_enter(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    person = Person(window, qtbot)
    dark = theme.current().dark
    palette = opened(person)
    person.write("dark")
    assert chosen(palette) == "Dark or light"
    person.keys(Key.Key_Return)
    assert palette.isHidden() and theme.current().dark is not dark


def test_a_layer_is_added_as_from_the_layers_at_the_left(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    person = Person(window, qtbot)
    window.canvas.select(["conv2"])
    before = set(person.nodes)
    opened(person)
    person.write("add dropout")
    person.keys(Key.Key_Return)
    (added,) = set(person.nodes) - before
    assert window.document.project.graph.nodes[added].kind == "dropout"
    assert ("conv2", added) in person.wires
    window.action("undo").trigger()
    assert set(person.nodes) == before


def test_a_card_is_found_selected_and_shown(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    person = Person(window, qtbot)
    palette = opened(person)
    person.write("go conv2")
    assert chosen(palette).startswith("Go to conv2")
    person.keys(Key.Key_Return)
    assert window.canvas.selected == ("conv2",)
    person.until(lambda: "conv2" in window.canvas.visible_nodes())


def test_a_data_set_is_used_in_one_step_of_undo(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    person = Person(window, qtbot)
    before = window.document.project
    opened(person)
    person.write("use fashion")
    person.keys(Key.Key_Return)
    assert window.document.project.data.dataset == "fashion_mnist"
    window.action("undo").trigger()
    assert window.document.project.data == before.data


def test_a_sample_asks_before_changes_are_lost(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    person = Person(window, qtbot)
    window.apply(AddNodes((Node("extra", "relu", x=900.0, y=900.0),)))
    opened(person)
    person.write("open sample spiral")
    person.keys(Key.Key_Return)
    box = window.files.question
    assert box is not None and "extra" in window.document.project.graph.nodes
    box.button(box.StandardButton.Discard).click()
    assert window.document.project == templates.sample("spiral")


def test_a_panel_is_shown_and_hidden(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    person = Person(window, qtbot)
    assert window.docks is not None
    dock = window.docks.docks["filters"]
    assert dock.isHidden()
    opened(person)
    person.write("show filters")
    person.keys(Key.Key_Return)
    assert not dock.isHidden()
    opened(person)
    person.write("hide filters")
    person.keys(Key.Key_Return)
    assert dock.isHidden()


def test_a_recent_file_is_opened(qtbot: QtBot, open_window: OpenWindow, tmp_path: Path) -> None:
    from nnviz.project.files import io

    window = open_window("and", ready=False)
    person = Person(window, qtbot)
    path = tmp_path / "quincunx.nnviz"
    io.save(templates.sample("spiral"), path)
    window.settings.remember(path)
    opened(person)
    person.write("quincunx")
    person.keys(Key.Key_Return)
    person.until(lambda: window.document.path == path)


def test_what_cannot_be_done_says_why_and_stays(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    person = Person(window, qtbot)
    palette = opened(person)
    person.write("undo")
    entry = palette.current
    assert entry is not None and not entry.enabled and entry.reason == "There is nothing to take back."
    person.keys(Key.Key_Return)
    assert palette.isVisible() and window.message.text() == entry.reason
    assert "not available: There is nothing to take back." in palette.search.accessibleDescription()


def test_rows_are_walked_with_the_keys(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    person = Person(window, qtbot)
    palette = opened(person)
    assert palette.list.viewport().height() <= 12 * palette.list.sizeHintForRow(0) + 2
    row = lambda: palette.list.currentIndex().row()  # noqa: E731 - asked often
    last = palette.results.rowCount() - 1
    assert row() == 0 and last > 100
    person.keys(Key.Key_Down)
    person.keys(Key.Key_Tab)
    assert row() == 2 and window.focusWidget() is palette.search
    person.keys(Key.Key_Up)
    assert row() == 1
    person.keys(Key.Key_PageDown)
    assert row() > 8 and palette.list.visualRect(palette.list.currentIndex()).top() >= 0
    person.keys(Key.Key_PageUp)
    assert row() == 1
    person.keys(Key.Key_Up)
    person.keys(Key.Key_Up)
    assert row() == last
    person.keys(Key.Key_Down)
    assert row() == 0


def test_a_row_is_chosen_with_the_mouse(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    person = Person(window, qtbot)
    palette = opened(person)
    person.write("go to conv")
    row = titles(palette).index("Go to conv2 – Conv2d 32×11×11")
    QApplication.processEvents()
    person.click(palette.list.viewport(), palette.list.visualRect(palette.results.index(row, 0)).center())
    assert palette.isHidden() and window.canvas.selected == ("conv2",)


def test_what_was_used_comes_first_next_time(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    person = Person(window, qtbot)
    for words in ("fit network", "actual size"):
        opened(person)
        person.write(words)
        person.keys(Key.Key_Return)
    again = Settings(window.settings.path)
    window.settings.sync()
    assert again.recent_commands[:2] == ("action/zoom_reset", "action/fit")
    assert titles(opened(person))[:2] == ["Actual size", "Fit network"]


def test_it_works_while_training_runs(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral")
    person = Person(window, qtbot)
    person.keys(Key.Key_F5)
    person.until(state_is(window, "running"))
    palette = opened(person)
    step = window.training.standing.step
    person.until(lambda: window.training.standing.step > step + 20)
    person.write("pause")
    assert chosen(palette) == "Pause" and palette.isVisible()
    person.keys(Key.Key_Return)
    qtbot.waitUntil(state_is(window, "paused"), timeout=TIMEOUT)


def test_the_keyboard_goes_where_the_command_puts_it(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    person = Person(window, qtbot)
    opened(person)
    person.write("search layers")
    person.keys(Key.Key_Return)
    assert window.focusWidget() is window.palette_panel.search_field
    person.write("relu")
    assert window.palette_panel.search_field.text() == "relu"
    palette = opened(person)
    assert isinstance(palette.search, QLineEdit) and palette.search.text() == ""


@pytest.mark.parametrize("size", [(1680, 1050), (1000, 600)])
def test_it_fits_the_window_and_large_letters(size: tuple[int, int], qtbot: QtBot, open_window: OpenWindow) -> None:
    window: MainWindow = open_window("and", ready=False)
    person = Person(window, qtbot)
    window.resize(*size)
    for scale in (1.0, 32 / 13):
        theme.set_text_scale(scale)
        palette = opened(person)
        assert window.rect().adjusted(10, 10, -10, -10).contains(palette.card.geometry())
        assert palette.list.viewport().height() >= 3 * palette.list.sizeHintForRow(0)
        assert palette.search.font().pixelSize() >= 12
        person.write("zzzzqqq")
        assert palette.results.rowCount() == 0 and palette.current is None
        person.keys(Key.Key_Return)
        person.keys(Key.Key_Escape)
        assert palette.isHidden()


def test_five_thousand_entries_are_filtered_while_one_types(qtbot: QtBot, styled: QApplication) -> None:
    def nothing() -> None:
        """Is never done."""

    entries = [Entry(f"node/{n}", f"Go to conv{n} – Conv2d 32×26×{n}", "Network", nothing, 6) for n in range(5000)]
    line = QLineEdit()
    qtbot.addWidget(line)
    results = Results(line)
    results.set_entries(entries, ["node/77"])
    assert results.entry(0) is entries[77]
    results.search("c")
    assert results.rowCount() == 5000
    for end in range(2, 10):
        results.search("conv4999"[:end])
    assert results.entry(0) is entries[4999]
    narrowed = results.rowCount()
    results.search("")
    results.search("conv4999")
    assert results.rowCount() == narrowed
    results.search("conv4999z")
    assert results.rowCount() == 0


def test_every_provider_is_a_function_that_can_be_asked_at_any_time(open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    for provider in PROVIDERS:
        assert provider.__doc__
        for entry in provider(window.findable):
            assert entry.title and entry.category and entry.lead < len(entry.title)


def test_it_closes_though_the_field_that_had_the_keyboard_has_gone(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("xnor-two-layer")
    field = QLineEdit(window)
    field.show()
    field.setFocus()
    window.overlays.show_command_palette()
    palette = window.overlays.palette
    assert palette.isVisible()
    shiboken6.delete(field)
    QTest.keyClick(palette.search, Qt.Key.Key_Escape)
    assert not palette.isVisible()
