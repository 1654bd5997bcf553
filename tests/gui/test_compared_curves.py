"""The curves of compared runs, and what stands in their place: why there is none, which line is which run."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from PySide6.QtGui import QFontMetrics
from pytestqt.qtbot import QtBot

from nnviz.gui.compare.card_column import Number, titles_room
from nnviz.gui.compare.overlay import Overlay
from nnviz.gui.compare.race_list import RaceList, RaceRow
from nnviz.gui.compare.race_page import unfinished
from nnviz.gui.compare.results import ResultsTable, shared, swatch
from nnviz.gui.look import theme
from nnviz.gui.panels.plot import CurvePlot
from nnviz.gui.runs.run_row import RunRow
from nnviz.record.readings import Scalar
from nnviz.record.run import Run
from nnviz.record.summary import Summary
from nnviz.train.race import Standing


def run_with(*series: str, epochs: int = 2, classes: bool = True) -> Run:
    """One step, and so many epochs with these series of the validation split."""
    run = Run()
    run.append([Scalar("loss/train", 1, 1.0), *([Scalar("accuracy/train", 1, 0.5)] if classes else [])])
    for epoch in range(1, epochs + 1):
        step = 10 * epoch
        run.append([Scalar("epoch", step, epoch), Scalar("loss/validation", step, 0.5)])
        run.append([Scalar(f"{one}/validation", step, 0.5) for one in series])
    return run


def overlay_in(qtbot: QtBot, width: int = 560) -> Overlay:
    overlay = Overlay(None)  # type: ignore[arg-type]
    qtbot.addWidget(overlay)
    overlay.resize(width, 400)
    overlay.show()
    return overlay


def test_what_none_of_the_runs_has_is_not_drawn_as_an_empty_plot(qtbot: QtBot) -> None:
    overlay = overlay_in(qtbot)
    digits = run_with("accuracy", "top5_accuracy", "macro_f1")
    overlay.show_runs([(digits, "digits", 0)])
    overlay.show_view("top5")
    assert set(overlay.plot.curves) == {"0"} and not overlay.plot.words
    # Of few classes there is no top-5; of a run of an older version no F1; of a regression nothing at all.
    spiral = run_with("accuracy")
    for view in ("top5", "f1"):
        overlay.show_runs([(digits, "digits", 0), (spiral, "spiral", 1)])
        overlay.show_view(view)
        overlay.show_runs([(spiral, "spiral", 0)])
        assert overlay.view == overlay.views.value == "accuracy" and set(overlay.plot.curves) == {"0"}
        assert overlay.views._buttons[view].isHidden() and overlay.plot.isVisible()
    overlay.show_runs([(run_with(classes=False), "regression", 0)])
    assert overlay.view == "validation" and set(overlay.plot.curves) == {"0"}

    # Before the first epoch what was chosen is waited for, and the plot says so; then the curve is there.
    overlay.show_runs([(digits, "digits", 0)])
    overlay.show_view("f1")
    fresh = run_with("macro_f1", epochs=0)
    overlay.show_runs([(fresh, "fresh", 0)])
    assert overlay.view == "f1" and "no epoch is finished yet" in overlay.plot.words
    fresh.append([Scalar("epoch", 10, 1), Scalar("loss/validation", 10, 0.5), Scalar("macro_f1/validation", 10, 0.5)])
    overlay.refresh(frozenset({"epoch"}))
    assert overlay.view == "f1" and not overlay.plot.words and set(overlay.plot.curves) == {"0"}
    overlay.show_runs([(run_with("accuracy"), "spiral", 0)])
    assert overlay.view == "accuracy"


def test_many_names_stand_beside_the_curves_and_few_above_them(qtbot: QtBot) -> None:
    overlay = overlay_in(qtbot)
    runs = [(run_with("accuracy"), f"learning rate 0.00{at}", at) for at in range(11)]
    overlay.show_runs(runs)
    assert overlay.names.isVisible() and not overlay.legend.isVisible()
    assert [overlay.names.item(at).text() for at in range(11)] == [name for _, name, _ in runs]
    qtbot.waitUntil(lambda: overlay.plot.width() > 0.6 * overlay.width())
    overlay.show_runs(runs[:3])
    assert overlay.legend.isVisible() and not overlay.names.isVisible()
    overlay.has_legend = False
    overlay.show_runs(runs)
    assert not overlay.legend.isVisible() and not overlay.names.isVisible()


def test_the_line_before_a_name_shows_its_gaps(qtbot: QtBot) -> None:
    def drawn(place: int) -> int:
        picture = swatch(place).toImage()
        return sum(picture.pixelColor(x, 12).alpha() > 128 for x in range(picture.width()))

    # Every seventh run has the colour of the first one: only the gaps in its line tell it from that.
    assert drawn(0) > 30 and drawn(6) < swatch(6).width() - 8 and drawn(12) < drawn(6)


def test_who_has_no_validation_loss_after_a_race_that_was_stopped_is_told() -> None:
    done = Standing("SGD", step=10, loss=0.5)
    third = replace(done, name="Adam", loss=math.nan)
    words = "Adam: no validation loss, as its epoch was not finished when the race was stopped."
    assert unfinished([done, done, third]) == words
    assert unfinished([done, third, replace(third, name="Lion")]).startswith("Adam, Lion: no validation loss, as their")
    assert unfinished([done, done]) == unfinished([third, third]) == ""
    assert unfinished([done, replace(third, failure="Its loss is not a number.")]) == ""


def test_the_mark_of_an_old_number_beside_a_card_has_its_place_behind_the_title(qtbot: QtBot) -> None:
    for letters in (12, 14, 20):
        metrics = QFontMetrics(theme.font(letters))
        for title in ("gradient norm", "filter colours", "update ratio", "a much longer title"):
            assert titles_room([Number(title, "1")], metrics) > metrics.horizontalAdvance(title)


def test_an_axis_of_epochs_has_no_half_ones_once_it_is_two_long(qtbot: QtBot) -> None:
    plot = CurvePlot()
    qtbot.addWidget(plot)
    plot.resize(560, 300)
    plot.show()
    plot.set_axis("epoch", "loss", whole_x=False)
    for epochs in (2, 3, 4, 6, 7, 12):
        for width in (330.0, 420.0, 560.0, 900.0):
            ticks = plot._ticks_along(0.0, 1.02 * epochs, width)
            assert len(ticks) >= 2 and all(text.isdigit() for _, text in ticks), (epochs, width, ticks)
    assert any("." in text for _, text in plot._ticks_along(0.0, 1.02, 560.0))


def test_a_plot_that_says_why_it_is_empty_has_no_numbers_of_a_range_behind_it(qtbot: QtBot) -> None:
    overlay = overlay_in(qtbot)
    overlay.none_yet = "Start the race"
    overlay.show_runs([])
    plot = overlay.plot
    left, bottom = plot._item.getAxis("left"), plot._item.getAxis("bottom")
    assert plot.words == "Start the race"
    lines = plot._grid.getData()[0]
    assert left._tickLevels == [[]] == bottom._tickLevels and (lines is None or not len(lines))
    overlay.show_runs([(run_with("accuracy"), "spiral", 0)])
    assert not plot.words and left._tickLevels[0] and bottom._tickLevels[0] and len(plot._grid.getData()[0])


def test_the_columns_of_the_results_share_the_room_and_the_widest_give_way() -> None:
    assert shared(600, [100, 200], [84, 84]) == [250, 350]
    assert shared(300, [100, 300], [84, 84]) == [100, 200]
    assert shared(300, [220, 300, 84], [84, 84, 84]) == [108, 108, 84]
    assert shared(100, [220, 300], [84, 84]) == [84, 84]
    assert shared(100, [], []) == []


def test_a_long_name_over_its_results_ends_with_dots(qtbot: QtBot) -> None:
    table = ResultsTable(None)  # type: ignore[arg-type]  # alone
    qtbot.addWidget(table)
    table.resize(520, 400)
    table.show()
    long = "SGD with a learning rate that is far too high for this network, second try of Monday"
    names = ["baseline, adam as it comes", long, "digits-cnn · seed 7"]
    rows = [
        RunRow(Path(f"{at}.nnvizrun"), Summary(best_loss=0.1 * at, settings={"training.learning_rate": 0.1 * at}))
        for at in range(3)
    ]
    table.show_runs(rows, names, [0, 1, 2])
    header, metrics = table.horizontalHeader(), table.horizontalHeader().fontMetrics()
    for at in range(3):
        head = table.horizontalHeaderItem(at)
        assert head is not None and head.toolTip()
        for line in head.text().split("\n"):
            assert metrics.horizontalAdvance(line) <= header.sectionSize(at) - 18, line
    assert table.horizontalHeaderItem(1).text().endswith("…")
    assert table.horizontalHeaderItem(2).text() == "digits-cnn\nseed 7"
    assert header.length() <= table.viewport().width()  # none is out of sight


def test_before_the_first_epoch_has_ended_a_narrow_list_of_a_race_shows_the_loss_of_the_batches(qtbot: QtBot) -> None:
    entrants = RaceList(None)  # type: ignore[arg-type]  # alone
    qtbot.addWidget(entrants)
    entrants.resize(330, 300)
    entrants.show()
    told: list[tuple[int | None, int | None]] = []
    entrants.columns_changed.connect(lambda: told.append((entrants.columns.start, entrants.columns.stop)))
    entrants.show_rows([RaceRow(name, 1, ("2.38", "–", "–")) for name in ("SGD with momentum", "Adam")])
    assert entrants.columns.start == 0
    assert told
    entrants.show_rows([RaceRow("SGD with momentum", 1, ("2.0", "1.9", "20 %")), RaceRow("Adam", 2, ("2.3", "–", "–"))])
    assert entrants.columns.start == 0  # they are still ranked by it
    entrants.show_rows([RaceRow("SGD with momentum", 1, ("2.0", "1.9", "20 %")), RaceRow("Adam", 2, ("2", "2", "9 %"))])
    assert entrants.columns.start == 1 and len(told) == 2
