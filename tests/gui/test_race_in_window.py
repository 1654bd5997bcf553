"""Six optimizers race in a real window, by mouse and keys."""

from __future__ import annotations

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from window_hands import Person
from window_kit import TIMEOUT, OpenWindow, press_notice

from nnviz.gui.look import theme
from nnviz.gui.look.mode import Mode
from nnviz.gui.look.theme import format_count
from nnviz.gui.panels.loss import LossPanel
from nnviz.gui.panels.runs import RunsPanel
from nnviz.gui.panels.runs_model import PLACE_ROLE, SHOWN_ROLE
from nnviz.gui.runs.races import Races
from nnviz.gui.window.window import MainWindow
from nnviz.project.edits import SetTraining
from nnviz.project.samples import templates
from nnviz.record.interest import NOTHING, Interest
from nnviz.record.library import Library
from nnviz.record.places import runs_folder
from nnviz.record.readings import Scalar
from nnviz.train.race import Race

Key = Qt.Key


def test_six_optimizers_race_and_one_of_them_is_looked_at(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("xnor-two-layer")
    training = msgspec.structs.replace(window.document.project.training, epochs=50)
    window.document.apply(SetTraining(training))
    person = Person(window, qtbot)
    own = window.feed.shown.run
    person.keys(Key.Key_F12, Qt.KeyboardModifier.ShiftModifier)
    page, races = window.race_room.page, window.races
    assert page is not None and window.race_room.shown
    assert [row.name for row in page.list.rows][::5] == ["SGD", "Adam"]
    # Each begins with its optimizer's own learning rate, and it is said which.
    assert [row.rate for row in page.list.rows] == ["0.01", "0.01", "0.001", "0.01", "1", "0.001"]
    assert "Adam, learning rate 0.001" in page.list.rows[5].words

    # Another one is typed in, one is taken away; nonsense is answered with a sentence.
    person.click(page.field)
    person.write("training.optimizer=nonsense")
    person.keys(Key.Key_Return)
    assert "no optimizer 'nonsense'" in page.hint.text() and len(races.entrants) == 6
    page.field.clear()
    person.write("training.optimizer=lion")
    person.click(page.add_button)
    assert [entrant.name for entrant in races.entrants][-1] == "Lion"
    person.click(page.list.viewport(), page.list.visualItemRect(page.list.item(6)).center())
    person.click(page.remove_button)
    assert len(races.entrants) == 6

    # One step of everyone: they began alike, and the run of the first one is on the screen.
    person.click(page.step_button)
    person.until(lambda: races.state == "paused")
    assert {one.step for one in races.standings} == {1} and len({one.start for one in races.standings}) == 1
    assert len({run.scalars("loss/train")[1][0] for run in races.runs}) == 1
    person.until(lambda: window.feed.shown.run is races.runs[0])
    person.click(page.list.viewport(), page.list.visualItemRect(page.list.item(3)).center())
    person.until(lambda: window.feed.shown.run is races.runs[3])
    assert window.feed.shown.others == (*races.runs[:3], *races.runs[4:])
    assert [window.feed.shown.place(at) for at in range(5)] == [0, 1, 2, 4, 5]

    # The foot says what is on the screen and how far it is to go; speed and play of the bars are those of the race.
    planned = races.standings[0].steps
    person.until(lambda: window.timeline._where.text() == f"race paused, step 1 of {format_count(planned)}")
    person.keys(Key.Key_Minus)
    assert races.pace == 20.0 and window.training.pace == 20.0 and page.pace.currentText() == "20/s"
    person.keys(Key.Key_Escape)
    person.until(lambda: not window.race_room.shown)
    window.action("faster").trigger()
    assert races.pace is None and window.action("play").isEnabled()
    press_notice(window, "replay", "All who race")
    person.until(lambda: window.race_room.shown)

    # On with it, behind the page; the curves of all are drawn, and the runs are listed as others are.
    person.keys(Key.Key_F5)
    person.until(lambda: races.standings[0].epoch >= 1)
    person.keys(Key.Key_Escape)
    person.until(lambda: not window.race_room.shown)
    loss = person.panel("loss")
    assert isinstance(loss, LossPanel)
    person.until(lambda: {"SGD", "Adam"} <= {entry.title for entry in loss.legend.entries})
    # The run on the screen has one colour everywhere: that of its place among those that race.
    person.keys(Key.Key_R, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    listed, path = person.panel("runs"), races.path_of(races.runs[3])
    assert isinstance(listed, RunsPanel) and path is not None
    person.until(lambda: listed.model.places.get(path) == 3 == loss._place)
    at = next(at for at, row in enumerate(listed.model.rows) if row.path == path)
    assert listed.model.index(at, 0).data(SHOWN_ROLE) and listed.model.index(at, 0).data(PLACE_ROLE) == 3
    person.keys(Key.Key_F12, Qt.KeyboardModifier.ShiftModifier)
    if races.alive:  # it may be through already
        person.click(page.stop_button)
    person.until(lambda: races.state == "done")
    assert {label.tags for label in Library(runs_folder()).labels().values()} == {
        (f"race: {window.document.project.name}",)
    }
    person.keys(Key.Key_Escape)
    press_notice(window, "replay", "Back to my project")
    person.until(lambda: window.feed.shown.run is own)


@pytest.mark.parametrize(("size", "lecture"), [((1280, 720), False), ((1366, 768), False), ((1280, 720), True)])
@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_every_entrant_has_its_learning_rate_in_sight(
    qtbot: QtBot, open_window: OpenWindow, size: tuple[int, int], lecture: bool, scale: float
) -> None:
    window = open_window("xnor-two-layer", ready=False)
    window.resize(*size)
    theme.set_text_scale(scale)
    try:
        window.action("race").trigger()
        window.looks.set_lecture(lecture)
        page = window.race_room.page
        assert page is not None
        shown = page.list
        qtbot.waitUntil(lambda: len(shown.rows) == 6, timeout=TIMEOUT)

        def in_sight() -> bool:
            """Beside each name, or below all of them, and then the rows are high enough for both."""
            rows = [shown.visualItemRect(shown.item(at)) for at in range(6)]
            lines = QFontMetrics(theme.font(shown.letters)).height() + QFontMetrics(theme.font(12)).height()
            names = QFontMetrics(theme.font(shown.letters, 600))
            rates = QFontMetrics(theme.font(12))
            room = shown.viewport().width() - len(("", "", "")[shown.columns]) * shown.column
            wide = max(
                names.horizontalAdvance(row.name) + rates.horizontalAdvance(f" η {row.rate}") for row in shown.rows
            )
            return all(rect.height() >= lines for rect in rows) if shown.rates_below else wide < room

        qtbot.waitUntil(in_sight, timeout=TIMEOUT)
    finally:
        window.looks.set_lecture(False)
        theme.set_text_scale(1.0)


def raced(person: Person) -> Races:
    """Two entrants after one step of each; the first one is on the screen."""
    races = person.window.races
    races.choose(next(one for one in races.presets() if one.key == "activations"))
    while len(races.entrants) > 2:
        races.remove(len(races.entrants) - 1)
    races.step()
    person.until(lambda: races.state == "paused" and races.shown == 0)
    return races


def test_a_run_that_still_races_is_not_gone_on_with_and_the_project_stays(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    window = open_window("xnor-two-layer")
    person = Person(window, qtbot)
    own = window.document.project
    races = raced(person)
    races.show(1)  # with an activation that the document has not
    path = window.replay.path
    assert path is not None and "Continue training" not in titles(window)

    window.continue_run(path)
    person.until(lambda: window.notices.notice("declined") is not None)
    declined = window.notices.notice("declined")
    assert declined is not None and f"{path.name} is being written" in declined.text
    assert "Your project stays as it is." in declined.text and not declined.buttons
    assert window.document.project is own and window.training.replay is not None

    races.stop()
    person.until(lambda: "Continue training" in titles(window))
    press_notice(window, "replay", "Continue training")
    person.until(lambda: window.training.replay is None and window.training.trained)
    assert window.document.project.graph != own.graph


def test_other_entrants_after_a_race_leave_the_run_on_the_screen_its_file(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    window = open_window("xnor-two-layer")
    person = Person(window, qtbot)
    races = raced(person)
    kept, runs, path = window.kept_runs, races.runs, window.replay.path
    beside = races.path_of(runs[1])
    races.stop()
    person.until(lambda: races.state == "done")
    races.remove(0)
    assert window.feed.shown.run is runs[0] and races.runs == ()
    assert kept.shown_path == path and kept.compared == (beside,) and kept.run_of(path) is runs[0]
    person.until(lambda: bool(kept.name_of(runs[0]) and kept.name_of(runs[1])))  # the list of files is read again


def test_nothing_but_losses_is_measured_of_a_race_that_nobody_looks_at(
    qtbot: QtBot, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int | None] = []
    look = Race.look

    def noted(race: Race, lane: int | None, interest: Interest = NOTHING) -> None:
        looked.append(lane)
        look(race, lane, interest)

    monkeypatch.setattr(Race, "look", noted)
    window = open_window("xnor-two-layer")
    races = raced(Person(window, qtbot))
    assert looked[-1] == 0
    window.replay.back()
    assert races.alive and looked[-1] is None
    races.show(1)
    assert looked[-1] == 1


def test_a_race_page_that_closes_in_a_lecture_leaves_the_keyboard_to_it(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("xnor-two-layer", ready=False)
    window.canvas.setFocus()
    window.race_room.show()
    theme.set_mode(Mode.LECTURE)
    window.race_room.close()
    assert window.lecture.page is not None and window.focusWidget() is window.lecture.page


def test_a_race_page_stays_in_front_when_a_lecture_begins_and_ends(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("xnor-two-layer", ready=False)
    person, room, lecture = Person(window, qtbot), window.race_room, window.lecture
    middle = window.rect().center()

    def in_front(page: QWidget | None) -> bool:
        found = window.childAt(middle)
        return page is not None and found is not None and (page is found or page.isAncestorOf(found))

    # Opened at the desk: the first Esc closes it, the second one ends the lecture.
    window.canvas.setFocus()
    room.show()
    theme.set_mode(Mode.LECTURE)
    assert room.page is not None and room.page.isVisible() and lecture.page is not None and not in_front(lecture.page)
    person.click(window, middle)
    person.keys(Key.Key_Escape)
    assert not room.shown and in_front(lecture.page) and window.focusWidget() is lecture.page
    person.keys(Key.Key_Escape)
    assert lecture.page is None
    person.until(window.canvas.hasFocus)

    # Opened in a lecture, it has the keyboard there, and is still there at the desk; who had it before has gone.
    theme.set_mode(Mode.LECTURE)
    room.show()
    person.keys(Key.Key_Escape)
    assert not room.shown and lecture.page is not None
    room.show()
    theme.set_mode(Mode.DESK)
    qtbot.wait(1)
    assert in_front(room.page) and window.focusWidget() is room.page
    person.keys(Key.Key_Escape)
    assert not room.shown and window.canvas.hasFocus()


def titles(window: MainWindow) -> list[str]:
    notice = window.notices.notice("replay")
    return [] if notice is None else [button.text() for button in notice.buttons]


def test_a_race_that_is_prepared_can_be_stopped_and_cannot_hang(
    qtbot: QtBot, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window("xnor-two-layer")
    races, own = window.races, window.feed.shown.run
    window.race_room.show()
    page = window.race_room.page
    assert page is not None and len(races.entrants) == 6

    # A chosen entrant is let go of by a second click, and by another list.
    item = page.list.item(0)
    page.list.itemClicked.emit(item)
    assert page.add_button.text() == "Change"
    page.list.itemClicked.emit(item)
    assert page.add_button.text() == "Add" and not page.field.text()
    page.list.itemClicked.emit(item)
    page._fill_menu()
    page.menu.actions()[0].trigger()
    assert page.add_button.text() == "Add"

    # What goes wrong in making it is said.
    with monkeypatch.context() as broken:
        broken.setattr("nnviz.train.race.Race.__init__", lambda *_args, **_more: {}["no such key"])
        races.play()
        qtbot.waitUntil(lambda: not races.alive, timeout=TIMEOUT)
    assert "no such key" in races.words()

    # Stop is heard before there is a race; twice, as what was told of the first says nothing of the second.
    for _ in range(2):
        races.play()
        assert races.state == "preparing"
        races.stop()
        qtbot.waitUntil(lambda: races.state == "done" and not races._look.isActive(), timeout=TIMEOUT)
        assert all(one.step <= 0 for one in races.standings) and window.feed.shown.run is own

    # At rest nothing is drawn again.
    drawn: list[object] = []
    monkeypatch.setattr(page.overlay, "refresh", drawn.append)
    races.moved.emit()
    assert drawn == []
    races.runs[0].append([Scalar("loss/train", 0, 1.0)])
    races.moved.emit()
    races.moved.emit()
    assert drawn == [frozenset({"loss/train"})]


def test_a_race_that_goes_on_in_front_of_another_project_says_whose_it_is(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    window = open_window("xnor-two-layer")
    person = Person(window, qtbot)
    raced(person)
    window.race_room.show()
    page = window.race_room.page
    assert page is not None and "race of" not in page.hint.text()
    window.files.open_project(templates.sample("and"))
    person.until(lambda: window.document.project.name == "and")
    window.race_room.show()
    assert "This is a race of xnor-two-layer, not of the project that is open." in page.hint.text()
