"""What fills the page of a lecture: a number taken apart, a sweep; and an update that is longer than its room."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot
from test_lecture import begin, letters_of
from test_sweep_beside_others import made
from window_hands import Person
from window_kit import TIMEOUT, OpenWindow

from nnviz.explain.place import LOSS, Place
from nnviz.gui.lecture.measure import LETTERS
from nnviz.gui.look import theme
from nnviz.gui.look.mode import Mode
from nnviz.gui.panels.explain import ExplainPanel
from nnviz.gui.panels.sweep import SweepPanel

Key = Qt.Key


def test_a_number_is_taken_apart_in_letters_for_a_hall(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    window.resize(1280, 720)
    window.training.bridge.step(20)
    qtbot.waitUntil(lambda: window.feed.run.last_step >= 20, timeout=TIMEOUT)
    page = begin(window)
    for node in ("conv1", "output"):
        page.choose(node)
        qtbot.keyClick(page, Key.Key_Return)
        panel = page.panel
        assert isinstance(panel, ExplainPanel) and not page.strip.isVisible() and not page.spotlight.isVisible()
        walk = panel.walk
        qtbot.waitUntil(lambda: walk.taken is not None and not walk.waiting, timeout=TIMEOUT)  # noqa: B023 - called at once
        assert walk.taken is not None and walk.taken.place.node in (node, LOSS)
        for _ in range(2):
            for size, text in letters_of(page):
                assert size >= LETTERS - 0.01, (node, text, size)
            qtbot.keyClick(page, Key.Key_V)
            qtbot.waitUntil(lambda: not walk.waiting, timeout=TIMEOUT)  # noqa: B023 - called at once
        qtbot.keyClick(page, Key.Key_Escape)
        assert page.strip.isVisible() and page.place.instrument == "loss" == page.beside.key

    # What is large at the desk goes on in the lecture.
    theme.set_mode(Mode.DESK)
    assert window.docks is not None
    place = Place("conv2", index=(3, 4, 5))
    window.docks.explain(place)
    window.docks.toggle_explain_page()
    page = begin(window)
    panel = page.panel
    assert isinstance(panel, ExplainPanel) and page.strip.chosen == "conv2" and panel.walk.place == place
    # The keys that slide at the desk slide here, and those of the lecture lead back from it, step by step.
    qtbot.waitUntil(lambda: panel.walk.taken is not None and not panel.walk.waiting, timeout=TIMEOUT)
    qtbot.keyClick(page, Key.Key_Right)
    moved = panel.walk.place  # once it was answered it says of which example it is
    assert moved is not None and (moved.node, moved.index) == ("conv2", (3, 4, 6))
    assert page.strip.chosen == "conv2" and not panel.controls.size_button.isVisible()
    # A press on what comes in puts the window there, and the arrows go on sliding.
    qtbot.waitUntil(lambda: not panel.walk.waiting, timeout=TIMEOUT)
    spot = next(one for one in panel.sheet.spots if one.zone == "input" and one.press is not None)
    qtbot.mouseClick(panel.sheet, Qt.MouseButton.LeftButton, pos=spot.rect.center().toPoint())
    qtbot.waitUntil(lambda: not panel.walk.waiting, timeout=TIMEOUT)
    pressed = panel.walk.place
    qtbot.keyClick(page, Key.Key_Right)
    moved = panel.walk.place
    assert pressed is not None and pressed.index is not None and moved is not None
    assert moved.index == (*pressed.index[:2], pressed.index[2] + 1)
    # Nothing but the instrument is seen, and so nothing else is measured.
    assert page.interest == panel.looks_at()
    # Its cross goes while it is pressed.
    (cross,) = [one for one in panel.findChildren(QToolButton) if one.accessibleName() == "Back (Esc)"]
    cross.click()
    qtbot.waitUntil(page.strip.isVisible, timeout=TIMEOUT)
    qtbot.keyClick(page, Key.Key_E)
    assert isinstance(page.panel, ExplainPanel)
    qtbot.keyClick(page, Key.Key_E)
    assert page.beside.key == "loss"
    theme.set_mode(Mode.DESK)
    assert window.docks.is_explained_large


def test_a_number_of_a_card_that_cannot_be_chosen_goes_on_in_the_lecture(open_window: OpenWindow) -> None:
    window = open_window("resnet18", ready=False)
    assert window.docks is not None
    scene = window.canvas.canvas_scene
    folded = [node for node, group in scene.seen.owner.items() if group in scene.cards and group != node]
    window.docks.explain(Place(folded[0], index=(0, 1, 1)))
    window.docks.toggle_explain_page()
    for place, root in ((Place(folded[1], index=(0, 1, 1)), ""), (Place(LOSS, LOSS), scene.seen.owner[folded[0]])):
        window.docks.explain(place)
        scene.enter(root)
        panel = begin(window).panel
        assert isinstance(panel, ExplainPanel) and panel.walk.place == place
        theme.set_mode(Mode.DESK)


def test_a_sweep_is_shown_in_a_lecture_while_it_goes_on(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("xnor-two-layer")
    window.resize(1280, 720)
    person, sweeps = Person(window, qtbot), window.kept_runs.sweeps
    page = begin(window)
    qtbot.keyClick(page, Key.Key_S)
    assert "no sweep yet" in page.foot.said and page.beside.key == "loss"
    made(2)
    sweeps.look()
    person.until(lambda: bool(sweeps.known))
    qtbot.keyClick(page, Key.Key_S)
    panel = page.panel
    assert isinstance(panel, SweepPanel) and page.beside.is_filling and not page.spotlight.isVisible()
    person.until(lambda: panel.table.rowCount() == 2)
    assert not panel.views._buttons["setup"].isVisible()
    # The arrows walk from trial to trial, the best first, and it is said which; each view has letters for a hall.
    assert sweeps.record is not None
    best = sweeps.record.best_first()
    for trial in (best[0], best[1], best[1]):
        qtbot.keyClick(page, Key.Key_Right)
        assert panel.chosen is not None and panel.chosen.number == trial.number
        assert panel.words.shown_text().startswith(f"Trial {trial.number + 1}, learning rate")
    for view in ("table", "parallel", "scatter"):
        assert panel.views.value == view
        sizes = letters_of(page)
        assert len(sizes) > 8 and min(size for size, _ in sizes) >= LETTERS - 0.01, (view, min(sizes))
        qtbot.keyClick(page, Key.Key_V)
    assert panel.views.value == "table"
    # It goes on, and the page shows it.
    sweeps.go_on(4, None)
    person.until(lambda: sweeps.running and panel.words.shown_text().startswith(("Run ", "Beginning")))
    person.until(lambda: not sweeps.running)
    assert panel.table.rowCount() == 4
    # It is the last of the instruments, and Esc leads back to the one before.
    page.show_instrument("loss")
    qtbot.keyClick(page, Key.Key_Up)
    assert page.beside.key == "sweep" and page.place.filling == "sweep" and page.place.instrument == "loss"
    qtbot.keyClick(page, Key.Key_Escape)
    assert page.beside.key == "loss" and page.spotlight.isVisible()
    # A race comes by its key, too, and goes.
    person.keys(Key.Key_F12, Qt.KeyboardModifier.ShiftModifier)
    assert window.race_room.shown
    person.keys(Key.Key_Escape)
    assert not window.race_room.shown and window.focusWidget() is page


def test_an_update_is_written_out_in_letters_for_a_hall_and_turned_where_it_is_long(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    window = open_window("spiral")
    window.resize(1280, 720)
    person = Person(window, qtbot)
    page = begin(window)
    page.choose("linear2")
    person.until(lambda: window.action("sub_steps").isEnabled())
    person.keys(Key.Key_F7, Qt.KeyboardModifier.ShiftModifier)
    person.until(lambda: page.written.isVisible() and "linear2 · weight" in page.written.words)  # the one talked about
    least = LETTERS * page.measure.unit
    assert min(letters for letters, _ in letters_of(page)) >= least - 0.6
    bar, more = page.written.rest.verticalScrollBar(), page.beside.more
    assert more.isVisible() is (bar.maximum() > 0) is not page.written.fits(page.written.size())
    theme.set_theme("light")
    assert more.font().pixelSize() == LETTERS
    assert more.isVisible() and not page.spotlight.isVisible()
    assert not more.geometry().intersects(page.written.geometry())
    assert QFontMetrics(more.font()).horizontalAdvance(more.text()) < more.width()
    while bar.value() < bar.maximum():
        assert "more below" in more.text()
        before = bar.value()
        qtbot.keyClick(page, Key.Key_V)
        assert bar.value() > before
    person.click(more)
    assert bar.value() == 0
    assert QRect(page.rect()).contains(page.beside.geometry())
    # Put in front of an instrument that fills the page, it is looked at beside the cards again.
    page.show_instrument("explain")
    assert page.interest.closely == {"linear2"}
    page.show_update(None)
    assert page.beside.is_filling and page.panel is not None and page.interest == page.panel.looks_at()
