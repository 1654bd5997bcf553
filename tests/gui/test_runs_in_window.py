"""The list of runs and the page of comparison, in a real window by mouse and keys."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import msgspec
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from run_file_mutations import good_run
from window_hands import Person
from window_kit import TIMEOUT, OpenWindow, press_notice

from nnviz.gui.compare.page import ComparePage
from nnviz.gui.compare.results import ResultsTable, lines_of
from nnviz.gui.look import theme as themes
from nnviz.gui.look.theme import format_number
from nnviz.gui.panels.layer_curves import LayerCurvesPanel
from nnviz.gui.panels.loss import LossPanel
from nnviz.gui.panels.runs import RunsPanel
from nnviz.gui.runs.run_names import distinct_names
from nnviz.gui.runs.run_row import RunRow
from nnviz.project.samples import templates
from nnviz.record.library import Library
from nnviz.record.places import runs_folder
from nnviz.record.readings import Scalar
from nnviz.record.stored import open_run
from nnviz.record.summary import Summary

Key = Qt.Key


def plant() -> list[Path]:
    """Two trainings of digits-cnn and one of the spiral, the newest last."""
    folder = runs_folder()
    folder.mkdir(parents=True, exist_ok=True)
    first = good_run(folder / "one.nnvizrun", "digits-cnn")
    second = folder / "two.nnvizrun"
    shutil.copy(first, second)
    connection = sqlite3.connect(second, isolation_level=None)  # another training: it began later
    (info,) = connection.execute("SELECT value FROM facts WHERE name = 'info'").fetchone()
    later = msgspec.json.encode({**msgspec.json.decode(info), "created": 1.8e9})
    connection.execute("UPDATE facts SET value = ? WHERE name = 'info'", (later,))
    connection.close()
    return [first, second, good_run(folder / "three.nnvizrun", "spiral")]


def click_row(person: Person, panel: RunsPanel, path: Path, *, tick: bool = False) -> None:
    row = next(at for at, one in enumerate(panel.model.rows) if one.path == path)
    area = panel.table.visualRect(panel.model.index(row, 0))
    # The box for the tick stands at the left, the name at the right of it.
    person.click(panel.table.viewport(), QPoint(area.left() + (14 if tick else 110), area.center().y()))


def test_runs_are_found_compared_renamed_deleted_and_brought_back(qtbot: QtBot, open_window: OpenWindow) -> None:
    one, two, three = plant()
    window = open_window("xnor-two-layer", ready=False)
    person = Person(window, qtbot)
    person.keys(Key.Key_R, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    panel = person.panel("runs")
    assert isinstance(panel, RunsPanel)
    person.until(lambda: {row.path for row in panel.model.rows} == {one, two, three})
    QApplication.processEvents()

    # Words and settings find some; nothing is lost by it.
    person.click(panel.field)
    person.write("digits accuracy>50%")
    person.until(lambda: {row.path for row in panel.model.rows} == {one, two})
    for typed, told in ((" loss>", "2 of 3 runs"), ("abc", "'abc' is no number")):  # unfinished is no error
        person.write(typed)
        person.until(lambda told=told: told in panel.words.text())
    panel.field.clear()
    person.until(lambda: len(panel.model.rows) == 3)

    # Ticked, they are drawn beside the run on the screen, layer by layer too.
    click_row(person, panel, one, tick=True)
    click_row(person, panel, two, tick=True)
    person.until(lambda: len(window.feed.shown.others) == 2)
    assert window.kept_runs.compared == (one, two)
    loss, gradients = person.panel("loss"), person.panel("gradients")
    assert isinstance(loss, LossPanel) and isinstance(gradients, LayerCurvesPanel)
    person.until(lambda: len([key for key in loss.plots["loss"].curves if key.endswith(("run 0", "run 1"))]) >= 4)
    person.until(lambda: {key[0] for key, curve in gradients.plot.curves.items() if not curve.title} == {"0", "1"})
    assert window.kept_runs.run_of(one) is window.feed.shown.others[0]

    # A name is typed in its place and stands beside the file, not in it.
    click_row(person, panel, two)
    person.keys(Key.Key_F2)
    person.keys(Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    person.write("wide")
    person.keys(Key.Key_Return)
    person.until(lambda: Library(runs_folder()).labels().get(two.name, None) is not None)
    assert Library(runs_folder()).labels()[two.name].title == "wide"
    person.until(lambda: "wide" in [entry.title for entry in loss.legend.entries])
    window.kept_runs.rename(two, " wi\nde\u202e\x1b ")
    person.until(lambda: Library(runs_folder()).labels()[two.name].title == "wi de")
    window.kept_runs.rename(two, "wide")
    person.keys(Key.Key_P)
    person.until(lambda: panel.model.rows[0].path == two and panel.model.rows[0].label.pinned)

    # Side by side: what differs, what is best, and the maps of both at the step of the timeline.
    person.click(panel.compare_button)
    page = window.compare_room.page
    assert isinstance(page, ComparePage)
    person.until(lambda: page.table.columnCount() == 2)
    assert page.table.lines[0].title == "Results"
    with open_run(one) as stored:
        lowest = stored.scalars("loss/validation")[1].min()
    row = next(line for line in page.table.lines if line.title == "Lowest validation loss")
    assert all(float(text) == round(float(lowest), len(text.partition(".")[2])) for text in row.cells)
    person.click(page.views._buttons["layers"])
    person.until(lambda: all(side.document is not None for side in page.sides))
    window.feed.set_step(8)
    person.until(lambda: all(side.at.text() == "step 8" for side in page.sides))
    page.sides[0].hold.setChecked(True)
    window.feed.set_step(40)
    person.until(lambda: [side.at.text() for side in page.sides] == ["step 8", "step 40"])

    # The cards of all layers: numbers as the files have them, and what only one network has is said.
    person.click(page.views._buttons["cards"])
    left, right = page.sides
    person.until(lambda: not left.cards.isHidden() and left.cards.rows == right.cards.rows != ())
    left.hold.setChecked(False)
    window.feed.set_step(None)
    person.until(lambda: all(side.cards._step is None for side in page.sides))
    for side in page.sides:
        assert side.path is not None
        with open_run(side.path) as stored:
            gradient = stored.latest("gradient_norm/conv1")
        assert isinstance(gradient, Scalar)
        written = {number.title: number.text for number in side.cards.numbers("conv1")}
        assert written["gradient norm"] == format_number(gradient.value)
    left.slider.setValue(8)
    right.slider.setValue(24)  # this run alone goes elsewhere
    person.until(lambda: [side.at.text() for side in page.sides] == ["step 8", "step 24"])
    page._choose(three, True)
    person.until(lambda: three in [path for path, _ in page._paths])
    page._set_side(right, three)
    person.until(lambda: "tanh1" in right.cards.nodes and "tanh1" in [node for node, _ in left.cards.rows])
    assert left.cards.seen("tanh1") is None and right.cards.seen("conv1") is None
    assert page.grab().toImage() != page.grab(QRect(0, 0, 1, 1)).toImage()  # painted without a complaint
    page._choose(three, False)
    right.hold.setChecked(False)
    person.keys(Key.Key_Escape)
    person.until(lambda: not window.compare_room.shown)
    window.feed.set_step(None)

    # One edit takes its settings over, and undo gives the own ones back.
    before = window.document.project
    click_row(person, panel, three)
    person.keys(Key.Key_S)
    person.until(lambda: window.document.project.training == templates.sample("spiral").training)
    window.action("undo").trigger()
    assert window.document.project == before

    # Into the trash and back.
    click_row(person, panel, two)
    person.keys(Key.Key_Delete)
    person.until(lambda: window.notices.notice("deleted") is not None and not two.exists())
    person.until(lambda: window.kept_runs.compared == (one,) and len(window.feed.shown.others) == 1)
    person.until(lambda: {row.path for row in panel.model.rows} == {one, three})
    press_notice(window, "deleted", "Bring back")
    person.until(lambda: two.exists() and {row.path for row in panel.model.rows} == {one, two, three})
    assert next(row for row in panel.model.rows if row.path == two).name == "wide"

    # A run from a file comes before the document, and what is compared stays beside it.
    click_row(person, panel, two)
    person.keys(Key.Key_Return)
    qtbot.waitUntil(lambda: window.replay.path == two, timeout=TIMEOUT)
    person.until(lambda: len(window.feed.shown.others) == 1 and window.feed.run is not window.training.workbench.run)
    person.until(lambda: panel.model.places.get(two) == -1)
    window.replay.back()
    person.until(lambda: len(window.feed.shown.others) == 1 and window.feed.run is window.training.workbench.run)
    window.files.new()
    person.until(lambda: window.kept_runs.compared == () and not window.feed.shown.others)


def test_sides_of_the_comparison_say_when_they_are_empty_and_name_the_run_that_they_show(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    one, two, three = plant()
    window = open_window("xnor-two-layer", ready=False)
    person, runs = Person(window, qtbot), window.kept_runs
    window.compare_room.show()
    page = window.compare_room.page
    assert isinstance(page, ComparePage) and "no run here yet" in page.hint.text()
    page.show_view("cards")

    def empty() -> bool:
        told = all(side.trouble.isVisible() and "Choose runs above" in side.trouble.text() for side in page.sides)
        return told and page.list.count() == 0 and all(not side.cards.isVisible() for side in page.sides)

    assert empty()
    person.until(lambda: len(runs.rows) == 3)
    runs.compare([one, two, three])
    left, right = page.sides
    person.until(lambda: left.cards.isVisible() and right.cards.isVisible() and page.list.count() > 0)
    assert (left.path, right.path) == (one, two)

    # The file under another Path object is the same run; a step is held of one run, not of the next.
    right.slider.setValue(3)
    assert right.held == 3
    page._set_side(right, Path(str(three)))
    assert right.box.currentData() == three and right.held is None and not right.hold.isChecked()
    page._on_runs()
    assert right.box.currentData() == three

    # One is deleted: another stands there, at its own newest step, and not the one beside it.
    right.slider.setValue(3)
    runs.delete([three])
    person.until(lambda: three not in runs.compared)
    assert (left.path, right.path, right.held) == (one, two, None)
    assert right.box.currentData() == two

    runs.compare(())
    person.until(empty)
    runs.compare([one, two])
    person.until(lambda: left.cards.isVisible() and page.list.count() > 0)
    window.files.new()
    person.until(empty)


def test_runs_of_equal_settings_are_not_called_alike_where_a_hand_changed_one() -> None:
    settings = {"training.seed": 0}
    plain, warm, edited = (
        RunRow(Path(f"{name}.nnvizrun"), Summary(settings=settings, **more))  # type: ignore[arg-type]
        for name, more in (
            ("plain", {}),
            ("warm", {"warm_from": "earlier.nnvizrun"}),
            ("edited", {"by_hand": ("step 3: Momentum: 0 → 0.9", "step 5: Momentum: 0.9 → 0")}),
        )
    )
    assert lines_of([plain, plain])[-1].title == "None: they were made alike"
    # Those that began within one minute are told apart by its seconds.
    first, second, later = (RunRow(Path(f"{at}.nnvizrun"), Summary("a", created=at)) for at in (3e8, 3e8 + 7, 3e8 + 90))
    names = distinct_names([first, second, later])
    assert len(set(names)) == 3 and [name.count(":") for name in names] == [2, 2, 1]
    began, changed = lines_of([plain, warm, edited])[-2:]
    assert (began.title, began.cells) == ("Began with weights of", ("–", "earlier.nnvizrun", "–"))
    assert (changed.title, changed.cells) == ("Changed by hand", ("–", "–", "; ".join(edited.summary.by_hand)))
    assert changed.tips[2].splitlines() == list(edited.summary.by_hand)


def test_a_run_on_the_screen_is_called_by_the_name_that_it_was_given(qtbot: QtBot, open_window: OpenWindow) -> None:
    one, _, _ = plant()
    window = open_window("xnor-two-layer", ready=False)
    person = Person(window, qtbot)
    person.keys(Key.Key_R, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    person.until(lambda: window.kept_runs.row(one) is not None)

    def told() -> str:
        notice = window.notices.notice("replay")
        return "" if notice is None else notice.text

    window.kept_runs.rename(one, "wide")
    person.until(lambda: window.kept_runs.row(one).label.title == "wide")  # type: ignore[union-attr]  # asked above
    window.files.open(one)
    person.until(lambda: told().startswith("Replay of wide, read-only."))
    window.kept_runs.rename(one, "narrow")
    person.until(lambda: told().startswith("Replay of narrow, read-only."))
    window.kept_runs.rename(one, "")
    person.until(lambda: told().startswith("Replay of one, read-only."))


def test_no_value_of_a_comparison_is_cut_in_large_letters(qtbot: QtBot, styled: QApplication) -> None:
    """A name may end with dots; ``1.00e…`` says nothing."""
    names = [f"a run with quite a long name {number}" for number in range(4)]
    summaries = [
        Summary(title=name, settings={"training.optimizer": kind, "training.epsilon": 10.0**-power})
        for name, kind, power in zip(names, ("adam", "adadelta", "adagrad", "rmsprop"), (8, 6, 10, 7), strict=True)
    ]
    rows = [RunRow(Path(f"{one.title}.nnvizrun"), one) for one in summaries]
    table = ResultsTable(None)  # type: ignore[arg-type]  # a table of its own
    qtbot.addWidget(table)
    table.resize(420, 400)
    table.show()
    for scale in (1.0, 1.25, 1.5):
        themes.set_text_scale(scale)
        table.restyle()
        table.show_runs(rows, names, tuple(range(4)))
        wanted = {
            item.text(): (table.sizeHintForIndex(table.indexFromItem(item)).width(), item.column())
            for row in range(table.rowCount())
            for column in range(table.columnCount())
            if (item := table.item(row, column)) is not None
        }
        assert {"Adadelta", "RMSprop"} <= wanted.keys()
        short = {
            text: (width, table.columnWidth(at))
            for text, (width, at) in wanted.items()
            if width > table.columnWidth(at)
        }
        assert short == {}, scale
