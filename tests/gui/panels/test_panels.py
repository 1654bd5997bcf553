"""The panels with a planted run: exact numbers, exact exports, nothing drawn for nothing."""

from __future__ import annotations

import csv
import io
import math
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import shiboken6
from planted_run import planted_run
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QDockWidget
from pytestqt.qtbot import QtBot
from workspace_kit import workspace_of

from nnviz.gui.look import theme as themes
from nnviz.gui.panels import base, curves
from nnviz.gui.panels.activations import ActivationsPanel
from nnviz.gui.panels.arrays import RGB
from nnviz.gui.panels.base import Panel
from nnviz.gui.panels.catalogue import PANELS
from nnviz.gui.panels.curves import CurvesPanel
from nnviz.gui.panels.dead_units import DeadUnitsPanel, Row, SharesView
from nnviz.gui.panels.feature_maps import FeatureMapsPanel
from nnviz.gui.panels.filters import FiltersPanel
from nnviz.gui.panels.findings import FindingsPanel
from nnviz.gui.panels.layer_curves import LayerCurvesPanel
from nnviz.gui.panels.loss import LossPanel
from nnviz.gui.panels.problems import ProblemsPanel
from nnviz.gui.parts.background import Background
from nnviz.gui.runs.shown import Shown
from nnviz.gui.window.dock_title import DockTitle
from nnviz.project.document import Document
from nnviz.project.edits import AddNodes
from nnviz.project.files.atomic import write_atomically
from nnviz.project.model import Node
from nnviz.project.samples import templates
from nnviz.record.age import Moment
from nnviz.record.quantities import DEAD_FRACTION
from nnviz.record.readings import ArrayReading, Cure, Finding, Scalar
from nnviz.record.run import Run, RunInfo

GradientsPanel = next(panel for panel in PANELS if panel.key == "gradients")


def shown(kind: type[Panel], document: Document, qtbot: QtBot) -> Panel:
    panel = kind(workspace_of(document))
    qtbot.addWidget(panel)
    panel.resize(410, 200)
    panel.show()
    return panel


def choose_channel(panel: FiltersPanel, channel: int) -> None:
    box = panel.view.channel_box
    box.setCurrentIndex(box.findData(channel))
    box.activated.emit(box.currentIndex())


def table(panel: Panel) -> list[list[str]]:
    return list(csv.reader(io.StringIO(panel.to_csv())))


@pytest.mark.parametrize("kind", [kind for kind in PANELS if kind.prefixes])
def test_every_panel_says_what_to_do_fills_and_empties(
    kind: type[Panel], document: Document, run: Run, qtbot: QtBot
) -> None:
    panel = shown(kind, document, qtbot)
    assert panel.is_empty and len(panel.empty) > 30 and len(panel.help) > 200
    panel.refresh(Shown(run), frozenset(run.names()))
    assert not panel.is_empty
    panel.refresh(Shown(run, step=20), frozenset())
    panel.refresh(Shown(Run(RunInfo())), frozenset())
    assert panel.is_empty


@pytest.mark.parametrize("kind", PANELS)
@pytest.mark.parametrize("name", ["dark", "light"])
def test_every_panel_draws_in_both_themes_and_exports(
    kind: type[Panel], name: str, document: Document, run: Run, qtbot: QtBot, tmp_path: Path
) -> None:
    panel = shown(kind, document, qtbot)
    if kind is ProblemsPanel:
        document.apply(AddNodes((Node("loose", "relu", y=2000.0),)))
    panel.refresh(Shown(run), frozenset(run.names()))
    themes.set_theme(name)
    image = panel.to_image()
    assert image.width() == 820 and image.devicePixelRatio() == 2.0
    ground = themes.current().panel.rgb()
    different = sum(image.pixel(x, y) != ground for x in range(0, 820, 4) for y in range(80, 390, 4))
    assert different > 100
    panel.save(tmp_path / "a.png")
    panel.save(tmp_path / "a.svg")
    panel.save(tmp_path / "a.csv")
    # scikit-learn, which finds the figures of an evaluation, may be imported for the first time here.
    qtbot.waitUntil(lambda: not panel.workspace.background.busy, timeout=60_000)
    assert QImage(str(tmp_path / "a.png")).width() == 820
    assert QSvgRenderer(str(tmp_path / "a.svg")).isValid()
    # What is asked of a network has only the heads of its columns here, where there is none.
    assert len((tmp_path / "a.csv").read_text().splitlines()) > (1 if kind.prefixes else 0)
    panel.copy_image()
    assert QGuiApplication.clipboard().image().width() == 820


def test_a_picture_named_without_its_ending_replaces_nothing_that_was_not_asked_about(
    document: Document, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = shown(LossPanel, document, qtbot)
    for name in ("loss.svg", "loss v1.2.csv"):
        (tmp_path / name).write_bytes(b"precious")
    for chosen, command in (("loss", "svg"), ("loss v1.2", "csv"), ("loss.png", "csv")):
        monkeypatch.setattr(base.QFileDialog, "getSaveFileName", lambda *_, chosen=chosen: (str(tmp_path / chosen), ""))
        panel.do(command)
    qtbot.waitUntil(lambda: not panel.workspace.background.busy)
    assert {file.name for file in tmp_path.iterdir() if file.read_bytes() != b"precious"} == {
        "loss (2).svg",
        "loss v1.2 (2).csv",
        "loss.png",  # the ending that was typed says what it is
    }
    assert (tmp_path / "loss.svg").read_bytes() == (tmp_path / "loss v1.2.csv").read_bytes() == b"precious"


def test_a_folder_that_cannot_be_written_is_named(document: Document, run: Run, qtbot: QtBot, tmp_path: Path) -> None:
    panel = shown(LossPanel, document, qtbot)
    with qtbot.waitSignal(panel.failed) as failed:
        panel.save(tmp_path / "missing" / "loss.csv")
    assert re.search(r"loss\.csv could not be saved", failed.args[0])
    assert not list(tmp_path.iterdir())


def test_files_are_written_by_another_thread_and_what_they_hold_is_what_was_seen(
    document: Document, run: Run, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = shown(LossPanel, document, qtbot)
    panel.refresh(Shown(run), frozenset(run.names()))
    threads: list[int] = []

    def write(data: bytes, path: Path) -> None:
        threads.append(threading.get_ident())
        write_atomically(data, path)

    monkeypatch.setattr(base, "write_atomically", write)
    expected = panel.to_csv()
    with qtbot.waitSignal(panel.message) as said:
        panel.save(tmp_path / "loss.csv")
        panel.refresh(Shown(Run(RunInfo())), frozenset())  # what is drawn meanwhile is not what is written
    assert said.args == ["Saved loss.csv."]
    assert threads and threading.get_ident() not in threads
    assert (tmp_path / "loss.csv").read_text(encoding="utf-8") == expected


def test_a_panel_that_is_gone_before_its_file_is_written_says_nothing(
    document: Document, run: Run, qtbot: QtBot, tmp_path: Path
) -> None:
    background = Background()
    panel = LossPanel(workspace_of(document, background))
    panel.resize(400, 300)
    panel.refresh(Shown(run), frozenset(run.names()))
    panel.save(tmp_path / "loss.csv")
    shiboken6.delete(panel)
    qtbot.waitUntil(lambda: not background.busy)
    assert (tmp_path / "loss.csv").exists()


def test_the_loss_export_is_exact(document: Document, qtbot: QtBot) -> None:
    run = Run(RunInfo())
    values = [0.1 + 0.2, 1 / 3, math.pi, math.nan]
    run.append([Scalar("loss/train", step, value) for step, value in enumerate(values, 1)])
    run.append([Scalar("loss/validation", 3, 2 / 7), Scalar("epoch", 3, 1.0)])
    panel = shown(LossPanel, document, qtbot)
    panel.refresh(Shown(run), frozenset(run.names()))
    rows = table(panel)
    assert rows[0] == ["step", "loss/train", "loss/validation"]
    assert [row[0] for row in rows[1:]] == ["1", "2", "3", "4"]
    assert [float(row[1]) for row in rows[1:4]] == values[:3] and rows[4][1] == "nan"
    assert [row[2] for row in rows[1:]] == ["", "", repr(2 / 7), ""]


def test_what_a_training_went_back_behind_is_drawn_no_longer(document: Document, qtbot: QtBot) -> None:
    run = Run(RunInfo())
    run.append([Scalar("loss/train", step, 1.0 / step) for step in range(1, 20)])
    run.append([Scalar("gradient_norm/linear1", step, 1.0 / step) for step in range(5, 20)])
    run.append([Scalar("loss/validation", 10, 0.4), Scalar("epoch", 10, 1.0)])
    names = frozenset(run.names())
    panel, gradients = shown(LossPanel, document, qtbot), shown(GradientsPanel, document, qtbot)
    assert isinstance(panel, LossPanel)
    for step, left in ((19, {"loss/train", "loss/validation"}), (4, {"loss/train"}), (0, set())):
        run.rewind(step)
        for one in (panel, gradients):
            one.refresh(Shown(run), names)
        # What is dear to draw is drawn a moment later.
        qtbot.waitUntil(lambda left=left: panel.plots["loss"].curves.keys() == left)  # type: ignore[misc]
        qtbot.waitUntil(lambda step=step: gradients.is_empty is (step < 5))  # type: ignore[misc]
    assert panel.is_empty and panel.best_epoch is None


def test_the_best_epoch_is_the_lowest_validation_loss(document: Document, qtbot: QtBot) -> None:
    run = Run(RunInfo())
    for epoch, loss in enumerate([0.9, 0.4, 0.7], 1):
        run.append([Scalar("epoch", 10 * epoch, float(epoch)), Scalar("loss/validation", 10 * epoch, loss)])
    panel = shown(LossPanel, document, qtbot)
    assert isinstance(panel, LossPanel)
    panel.refresh(Shown(run), frozenset(run.names()))
    assert panel.best_epoch == (20, 0.4)
    assert [entry.title for entry in panel.legend.entries] == ["validation", "best epoch 2"]


def test_the_legend_shows_the_value_at_the_step_of_the_timeline(document: Document, qtbot: QtBot) -> None:
    run = Run(RunInfo())
    run.append([Scalar("loss/train", step, 10.0 - step) for step in range(1, 6)])
    panel = shown(LossPanel, document, qtbot)
    assert isinstance(panel, LossPanel)
    panel.refresh(Shown(run), frozenset(run.names()))
    assert panel.legend.entries[0].value == themes.format_number(5.0)
    panel.refresh(Shown(run, step=2), frozenset())
    assert panel.legend.entries[0].value == themes.format_number(8.0)


def test_only_changed_series_are_set_again(
    document: Document, run: Run, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = shown(GradientsPanel, document, qtbot)
    assert isinstance(panel, LayerCurvesPanel)
    panel.refresh(Shown(run), frozenset(run.names()))
    given: list[str] = []
    original = panel.plot.set_curve
    monkeypatch.setattr(
        panel.plot, "set_curve", lambda key, *rest, **named: (given.append(key), original(key, *rest, **named))
    )
    run.append([Scalar("gradient_norm/conv2", 73, 0.01), Scalar("loss/train", 73, 0.5)])
    panel.refresh(Shown(run), frozenset({"gradient_norm/conv2", "loss/train"}))
    assert given == ["conv2"]
    panel.refresh(Shown(run), frozenset({"loss/train"}))
    assert given == ["conv2"]


def test_a_drawing_reads_what_all_its_curves_share_once(
    document: Document, run: Run, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Layers, ends of epochs and changes by hand, however many curves there are, of however many runs."""
    asked: Counter[str] = Counter()
    for name in ("trained_nodes", "epoch_ends", "event_marks"):
        asked_for = getattr(curves, name)

        def counted(*given: object, name: str = name, asked_for: Callable[..., object] = asked_for) -> object:
            asked[name] += 1
            return asked_for(*given)

        monkeypatch.setattr(curves, name, counted)
    others = planted_run(document, 4), planted_run(document, 2, 20)
    for kind in (LossPanel, GradientsPanel):
        panel = shown(kind, document, qtbot)
        assert isinstance(panel, CurvesPanel)
        panel.set_axis("epoch")
        asked.clear()
        panel.refresh(Shown(run, others), frozenset(run.names()))
        # Once for the shown run; of each other one for its curves and for where they end. Of the loss in two plots.
        plots = 2 if kind is LossPanel else 1
        assert asked["epoch_ends"] <= 1 + 2 * plots * len(others) and asked["event_marks"] == 1
        assert asked["trained_nodes"] <= 1
        asked.clear()
        panel.redraw()
        assert not asked["trained_nodes"]
        document.apply(AddNodes((Node(f"late_{panel.key}", "dense"),)))
        panel.redraw()
        assert asked["trained_nodes"] == (kind is not LossPanel)


def test_gradients_are_labelled_where_they_end_and_a_click_selects(document: Document, run: Run, qtbot: QtBot) -> None:
    panel = shown(GradientsPanel, document, qtbot)
    assert isinstance(panel, LayerCurvesPanel)
    panel.refresh(Shown(run), frozenset(run.names()))
    labels = panel.plot._labels
    assert labels is not None
    assert labels.shown == ["linear2", "linear1", "conv2", "conv1"]
    height = round(labels._places[[label.key for label in labels._labels].index("conv2")])
    with qtbot.waitSignal(panel.node_requested) as asked:
        qtbot.mouseClick(labels, Qt.MouseButton.LeftButton, pos=QPoint(20, height))
    assert asked.args == ["conv2"]


def test_a_gradient_of_zero_leaves_a_gap(document: Document, qtbot: QtBot) -> None:
    run = Run(RunInfo())
    run.append([Scalar("gradient_norm/conv1", step, value) for step, value in enumerate([0.1, 0.0, 0.01], 1)])
    panel = shown(GradientsPanel, document, qtbot)
    assert isinstance(panel, LayerCurvesPanel)
    panel.set_smoothing(0.0)
    panel.refresh(Shown(run), frozenset(run.names()))
    _, drawn = panel.plot.curves["conv1"].items[1].getOriginalDataset()
    np.testing.assert_allclose(drawn, [-1.0, np.nan, -2.0])


def test_epochs_along_the_axis(document: Document, qtbot: QtBot) -> None:
    run = Run(RunInfo())
    run.append([Scalar("loss/train", step, 1.0) for step in range(1, 21)])
    run.append([Scalar("epoch", 10, 1.0), Scalar("epoch", 20, 2.0)])
    panel = shown(LossPanel, document, qtbot)
    assert isinstance(panel, LossPanel)
    panel.set_axis("epoch")
    panel.refresh(Shown(run), frozenset(run.names()))
    np.testing.assert_allclose(panel.plots["loss"].curves["loss/train"].x[[4, 9, 19]], [0.5, 1.0, 2.0])


def test_a_course_is_a_dot_a_measurement_and_a_line_only_where_somebody_looked(
    styled: QApplication, qtbot: QtBot
) -> None:
    view = SharesView()
    qtbot.addWidget(view)
    view.resize(300, 60)

    def drawn(count: int, passing: int = 0) -> int:
        """Columns of the course in which something is drawn."""
        steps, steps_passing = np.arange(count) * 50, np.arange(passing) * 5
        view.show_rows(
            [
                Row(
                    "relu1",
                    DEAD_FRACTION,
                    0.2,
                    steps,
                    np.full(count, 0.2),
                    passing_steps=steps_passing,
                    passing=np.full(passing, 0.2),
                )
            ],
            "",
            None,
            100,
            Moment(),
        )
        image = view.grab().toImage()
        colour = themes.level_colour(themes.current(), DEAD_FRACTION.bands.level(0.2))
        below = range(view.sizeHint().height() // 2, image.height())
        return sum(any(image.pixelColor(x, y).rgb() == colour.rgb() for y in below) for x in range(image.width()))

    assert 1 <= drawn(1) <= 4
    assert 2 <= drawn(2) <= 8  # nobody looked between the two
    assert drawn(2, passing=11) > 60


def test_where_nothing_can_die_play_is_not_what_is_missing(qtbot: QtBot) -> None:
    panel = shown(DeadUnitsPanel, Document(templates.sample("perceptron")), qtbot)
    assert panel.is_empty and "no ReLU, sigmoid or tanh" in panel.hint and "Press Play" not in panel.hint
    panel.set_obstacle("Choose the folder.")
    assert panel.hint == "Choose the folder."


def test_five_of_twenty_dead_units_are_25_percent(document: Document, qtbot: QtBot) -> None:
    run = Run(RunInfo())
    dead = np.zeros(20, dtype=bool)
    dead[[1, 4, 9, 12, 19]] = True
    since = np.where(dead, 40, -1)
    run.append(
        [
            Scalar("dead_fraction/relu1", 50, 0.25),
            ArrayReading("dead_units/relu1", 50, dead, {"images": 2000}),
            ArrayReading("dead_since/relu1", 50, since),
            Scalar("dead_fraction/relu2", 50, 0.0),
        ]
    )
    panel = shown(DeadUnitsPanel, document, qtbot)
    assert isinstance(panel, DeadUnitsPanel)
    panel.refresh(Shown(run), frozenset(run.names()))
    first, second = panel.view.rows
    assert (first.node, first.text, first.quantity.bands.level(first.share)) == ("relu1", "25 %", "warning")
    assert (second.node, second.text, second.quantity.bands.level(second.share)) == ("relu2", "0 %", "good")
    assert first.note == "5 of 20 units dead since step 40: 1, 4, 9, 12, 19"
    assert panel._subtitle.text() == "never fire on 2\u202f000 examples"
    assert table(panel)[1:] == [["relu1", "dead", "50", "0.25"], ["relu2", "dead", "50", "0.0"]]
    with qtbot.waitSignal(panel.node_requested) as asked:
        qtbot.mouseClick(panel.view, Qt.MouseButton.LeftButton, pos=QPoint(100, 5))
    assert asked.args == ["relu1"]


def test_since_when_is_told_as_what_is_known(document: Document, qtbot: QtBot) -> None:
    run = Run(RunInfo())
    dead = np.array([True, False, True, True])
    run.append(
        [
            Scalar("dead_fraction/relu1", 600, 0.75),
            ArrayReading("dead_units/relu1", 600, dead, {"images": 2000}),
            ArrayReading("dead_since/relu1", 600, np.where(dead, 560, -1)),
            ArrayReading("alive_until/relu1", 600, np.where(dead, 541, -1)),
            Scalar("silent_fraction/relu1", 640, 0.5),
            Scalar("dead_fraction/relu2", 600, float("nan")),
        ]
    )
    panel = shown(DeadUnitsPanel, document, qtbot)
    assert isinstance(panel, DeadUnitsPanel)
    panel.refresh(Shown(run), frozenset(run.names()))
    first, second = panel.view.rows
    assert first.note == "3 of 4 units dead between steps 541 and 560: 0, 2, 3. At step 640: silent 50 %."
    assert (second.text, second.note) == ("NaN", "its outputs are not a number (NaN).")


def test_top_5_and_f1_are_curves_of_an_epoch_where_the_run_has_them(document: Document, qtbot: QtBot) -> None:
    def trained(classes: int) -> Run:
        run = Run(RunInfo())
        for epoch in range(1, 4):
            step = 10 * epoch
            run.append([Scalar("loss/train", step, 1 / epoch), Scalar("accuracy/train", step, 0.5)])
            run.append([Scalar("loss/validation", step, 1 / epoch), Scalar("accuracy/validation", step, 0.5)])
            run.append([Scalar("epoch", step, epoch), Scalar("macro_f1/validation", step, 0.2 * epoch)])
            if classes > 5:
                run.append([Scalar("top5_accuracy/validation", step, 0.3 * epoch)])
        return run

    ten, three, regression = trained(10), trained(3), Run(RunInfo())
    regression.append([Scalar("loss/train", 1, 1.0)])
    panel = shown(LossPanel, document, qtbot)
    assert isinstance(panel, LossPanel)
    panel.refresh(Shown(ten, (three,)), frozenset(ten.names()))
    panel._segments._buttons["top5"].click()
    curves = panel.plots["accuracy"].curves
    assert set(curves) == {"top5_accuracy/validation"} and panel.plots["loss"].isHidden()
    np.testing.assert_allclose(curves["top5_accuracy/validation"].raw, [0.3, 0.6, 0.9])
    assert panel.legend.entries[0].value == "90.0 %"
    panel.set_option("view", "f1")
    assert set(curves) == {"macro_f1/validation", "macro_f1/validation of run 0"}
    assert "top5_accuracy/validation" in panel.exported()  # what is not drawn is saved as well
    # Before the first epoch of a run there is no dot yet, and the plot says so.
    fresh = Run(RunInfo())
    fresh.append([Scalar("loss/train", 1, 1.0), Scalar("accuracy/train", 1, 0.5)])
    panel.refresh(Shown(fresh), frozenset(fresh.names()))
    assert panel.view == "f1" and not curves and "no epoch is finished yet" in panel.plots["accuracy"].words
    panel.refresh(Shown(ten), frozenset(ten.names()))
    assert curves and not panel.plots["accuracy"].words
    # With three classes top-5 would be all of them; in a regression nothing is right.
    panel.set_option("view", "top5")
    panel.refresh(Shown(three), frozenset(three.names()))
    assert panel.view == "accuracy" and set(curves) == {"accuracy/train", "accuracy/validation"}
    assert panel._segments._buttons["top5"].isHidden() and not panel._segments._buttons["f1"].isHidden()
    panel.refresh(Shown(regression), frozenset(regression.names()))
    assert panel.view == "loss" and not panel._segments._buttons["accuracy"].isEnabled()


def test_after_one_step_there_is_a_dot(document: Document, qtbot: QtBot) -> None:
    run = Run(RunInfo())
    run.append([Scalar("loss/train", 1, 0.7), Scalar("accuracy/train", 1, 0.5)])
    panel = shown(LossPanel, document, qtbot)
    assert isinstance(panel, LossPanel)
    panel.refresh(Shown(run), frozenset(run.names()))
    curve = panel.plots["loss"].curves["loss/train"]
    assert [len(x) for x in curve.items[2].getData()] == [1, 1]
    run.append([Scalar("loss/train", 2, 0.6)])
    panel.refresh(Shown(run), frozenset(run.names()))
    assert [len(x) for x in curve.items[2].getData()] == [0, 0]


def test_saturation_is_named_as_such(document: Document, qtbot: QtBot) -> None:
    run = Run(RunInfo())
    run.append([Scalar("saturation/relu1", 1, 0.5)])
    panel = shown(DeadUnitsPanel, document, qtbot)
    with qtbot.waitSignal(panel.titled) as called:  # so that the tab is called as the header is
        panel.refresh(Shown(run), frozenset(run.names()))
    assert panel._title.text() == "Saturated units" == called.args[0]


def test_what_is_counted_is_named_before_anything_was(qtbot: QtBot) -> None:
    for sample, title in (("digits-cnn", "Dead ReLU units"), ("spiral", "Saturated units")):
        panel = shown(DeadUnitsPanel, Document(templates.sample(sample)), qtbot)
        panel.refresh(Shown(Run(RunInfo())), frozenset())
        assert panel._title.text() == title


def test_findings_offer_their_cures_and_go_when_resolved(document: Document, run: Run, qtbot: QtBot) -> None:
    panel = shown(FindingsPanel, document, qtbot)
    assert isinstance(panel, FindingsPanel)
    panel.refresh(Shown(run), frozenset(run.names()))
    assert [card.finding.severity for card in panel.cards] == ["warning", "information"]
    kept = panel.cards[0]
    with qtbot.waitSignal(panel.cure_requested) as asked:
        kept.details.linkActivated.emit("1")
    assert asked.args == [Cure("Try 0.005", "set_learning_rate", "0.005")]
    run.append([Finding("finding/plateau", 70, "resolved", "")])
    panel.refresh(Shown(run), frozenset({"finding/plateau"}))
    assert panel.cards == [kept]


def test_symptoms_are_folded_under_their_cause(document: Document, qtbot: QtBot) -> None:
    run, cause = Run(RunInfo()), "finding/learning_rate_too_high"
    symptoms = [
        Finding(f"finding/dead_units/{node}", 5, "warning", f"{node} is dead.", "", node, (), cause)
        for node in ("relu1", "relu2")
    ]
    run.append([Finding(cause, 5, "warning", "The learning rate is too high."), *symptoms])
    panel = shown(FindingsPanel, document, qtbot)
    assert isinstance(panel, FindingsPanel)
    panel.refresh(Shown(run), frozenset(run.names()))
    (card,) = panel.cards
    assert [one.finding for one in card.symptoms] == symptoms
    assert card.fold.text() == "2 signs of it" and "relu1 is dead." in card.fold.accessibleName()
    assert card.fold.isVisible() and not any(one.isVisible() for one in card.symptoms)
    assert card.fold.focusPolicy() & Qt.FocusPolicy.TabFocus
    for key, opened in ((Qt.Key.Key_Space, True), (Qt.Key.Key_Return, False), (Qt.Key.Key_Return, True)):
        qtbot.keyClick(card.fold, key)
        assert all(one.isVisible() is opened for one in card.symptoms)
    with qtbot.waitSignal(panel.node_requested) as asked:
        qtbot.mouseClick(card.symptoms[1], Qt.MouseButton.LeftButton)
    assert asked.args == ["relu2"]
    assert [row[3] for row in table(panel)[1:]] == [
        "The learning rate is too high.",
        "relu1 is dead.",
        "relu2 is dead.",
    ]
    before = card
    # It stays open when its numbers change, and a sign that goes is gone. What has the keyboard keeps it.
    run.append([Finding(cause, 9, "warning", "The learning rate of 3 is too high.")])
    run.append([Finding(symptoms[0].series, 9, "resolved", "")])
    panel.refresh(Shown(run), frozenset(run.names()))
    qtbot.waitUntil(lambda: card.fold.text() == "1 sign of it" and card.symptoms[0].isVisible())
    assert panel.cards == [before]
    assert card.text.text() == "The learning rate of 3 is too high."
    # Without its cause it stands for itself.
    run.append([Finding(cause, 10, "resolved", "")])
    panel.refresh(Shown(run), frozenset(run.names()))
    qtbot.waitUntil(lambda: [one.finding for one in panel.cards] == symptoms[1:])
    assert not panel.cards[0].fold.isVisible()


def test_filters_print_their_range_and_follow_the_selection(document: Document, run: Run, qtbot: QtBot) -> None:
    panel = shown(FiltersPanel, document, qtbot)
    assert isinstance(panel, FiltersPanel)
    panel.refresh(Shown(run), frozenset(run.names()))
    assert panel.node == "conv1"
    panel.set_selection("conv2")
    assert panel.node == "conv2"
    sample = run.latest("weights/conv2")
    assert isinstance(sample, ArrayReading) and panel.view.stack is not None
    choose_channel(panel, 3)
    limit = float(np.abs(sample.array).max())  # one scale for all filters and all their input channels
    assert panel.view.range_bar.ends == themes.format_range(-limit, limit, 2)
    assert panel.view.channel_box.count() == 16
    panel.set_selection("relu2")
    assert panel.node == "conv2", "a layer without weights leaves the panel where it is"
    assert len(table(panel)) == 1 + sample.array.size


def test_three_input_channels_are_a_colour_composite(qtbot: QtBot) -> None:
    document = Document(templates.sample("alexnet"))
    run = Run(RunInfo())
    weights = np.random.default_rng(0).normal(size=(96, 3, 11, 11)).astype(np.float32)
    first = next(node for node in document.inference.order if document.project.graph.nodes[node].kind == "conv2d")
    run.append([ArrayReading(f"weights/{first}", 0, weights)])
    panel = shown(FiltersPanel, document, qtbot)
    assert isinstance(panel, FiltersPanel)
    panel.refresh(Shown(run), frozenset(run.names()))
    assert panel.view.channel == RGB
    shown_data = panel.view.grid.data
    assert shown_data is not None and shown_data.values.shape == (96, 3, 11, 11)
    choose_channel(panel, 1)
    assert panel.view.grid.data is not None
    np.testing.assert_array_equal(panel.view.grid.data.values, weights[:, 1])


def test_feature_maps_frame_the_dead_and_switch_their_scale(document: Document, run: Run, qtbot: QtBot) -> None:
    panel = shown(FeatureMapsPanel, document, qtbot)
    assert isinstance(panel, FeatureMapsPanel)
    panel.set_selection("relu2")
    panel.refresh(Shown(run), frozenset(run.names()))
    units = run.latest("dead_units/relu2")
    assert isinstance(units, ArrayReading) and panel.view.grid.data is not None
    assert panel.view.grid.data.marked == frozenset(np.flatnonzero(units.array))
    own = panel.view.grid.data.colours
    assert (own.max(axis=(1, 2)) == own.max()).all(), "each map reaches the top of its own scale"
    panel.view.set_shared(True)
    shared = panel.view.grid.data.colours
    assert not np.array_equal(own, shared)
    assert "example 4" in panel.view.enlarged_title() and "7" in panel.view.enlarged_title()


def test_an_enlarged_map_follows_the_run(document: Document, run: Run, qtbot: QtBot) -> None:
    panel = shown(FeatureMapsPanel, document, qtbot)
    assert isinstance(panel, FeatureMapsPanel)
    panel.refresh(Shown(run), frozenset(run.names()))
    panel.view.enlarge(2)
    popup = panel.view._enlarged
    assert popup is not None and popup.index == 2
    before = popup.reading.text()
    run.append([ArrayReading("output/conv1", 99, np.full((16, 26, 26), 3.0, np.float32), {"sample": 4, "label": "7"})])
    panel.refresh(Shown(run), frozenset({"output/conv1"}))
    assert popup.reading.text() != before
    qtbot.keyClick(popup, Qt.Key.Key_Right)
    assert popup.index == 3
    qtbot.keyClick(popup, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: panel.view._enlarged is None)


def test_histograms_keep_every_count(document: Document, run: Run, qtbot: QtBot) -> None:
    panel = shown(ActivationsPanel, document, qtbot)
    panel.refresh(Shown(run), frozenset(run.names()))
    rows = table(panel)[1:]
    assert sum(int(row[4]) for row in rows if row[0] == "conv1") == 4000


def test_a_hidden_panel_catches_up_when_it_is_shown(document: Document, run: Run, qtbot: QtBot) -> None:
    panel = shown(LossPanel, document, qtbot)
    assert isinstance(panel, LossPanel)
    panel.refresh(Shown(run), frozenset(run.names()))
    panel.hide()
    run.append([Scalar("loss/train", 100, 0.125)])
    panel.show()
    assert panel.legend.entries[0].value == themes.format_number(0.125)


def test_large_text_is_larger_everywhere(document: Document, run: Run, qtbot: QtBot) -> None:
    panel = shown(LossPanel, document, qtbot)
    panel.refresh(Shown(run), frozenset(run.names()))
    before = panel._empty.font().pixelSize(), panel.header.height()
    themes.set_text_scale(2.0)
    assert panel._empty.font().pixelSize() == 2 * before[0]
    assert panel.header.height() > before[1]


def test_help_opens_with_what_the_panel_says(document: Document, qtbot: QtBot) -> None:
    panel = shown(GradientsPanel, document, qtbot)
    panel._help_button.click()
    popups = [child for child in panel.children() if child.objectName() == "help-popup"]
    assert len(popups) == 1
    popups[0].close()


def test_a_curve_that_grows_and_one_that_goes_back_are_drawn_as_if_read_at_once(
    document: Document, qtbot: QtBot
) -> None:
    random = np.random.default_rng(1)
    run = Run(RunInfo())
    panel = shown(GradientsPanel, document, qtbot)
    assert isinstance(panel, LayerCurvesPanel)
    for start in (1, 20, 10, 50):  # the third goes back in time, as after a step back
        values = random.lognormal(size=30)
        run.append([Scalar("gradient_norm/conv1", start + at, float(value)) for at, value in enumerate(values)])
        panel.refresh(Shown(run), frozenset(run.names()))
        panel._cost = 0.0
        fresh = shown(GradientsPanel, document, qtbot)
        assert isinstance(fresh, LayerCurvesPanel)
        fresh.refresh(Shown(run), frozenset(run.names()))
        for field in ("x", "raw", "shown", "placed", "behind"):
            np.testing.assert_allclose(
                getattr(panel.plot.curves["conv1"], field), getattr(fresh.plot.curves["conv1"], field)
            )


def test_what_is_dear_to_draw_is_drawn_rarely_and_never_forgotten(document: Document, run: Run, qtbot: QtBot) -> None:
    panel = shown(LossPanel, document, qtbot)
    assert isinstance(panel, LossPanel)
    panel.refresh(Shown(run), frozenset(run.names()))
    panel._cost = 0.03
    run.append([Scalar("loss/train", 100, 0.125)])
    panel.refresh(Shown(run), frozenset({"loss/train"}))
    assert panel.legend.entries[0].value != themes.format_number(0.125)
    qtbot.waitUntil(lambda: panel.legend.entries[0].value == themes.format_number(0.125))


def test_on_full_cores_curves_follow_less_often_and_at_once_when_training_rests(
    document: Document, run: Run, qtbot: QtBot
) -> None:
    panel = shown(LossPanel, document, qtbot)
    assert isinstance(panel, LossPanel)
    feed = panel.workspace.feed
    feed.set_run(run)

    def follows(value: float) -> bool:
        panel._cost = 0.005  # 20 times that is over in any case, 80 times it is not
        panel._drawn_at = time.perf_counter() - 0.12
        run.append([Scalar("loss/train", round(1000 * value), value)])
        panel.refresh(Shown(run), frozenset({"loss/train"}))
        return panel.legend.entries[0].value == themes.format_number(value)

    run.state = "running"
    panel.refresh(Shown(run), frozenset(run.names()))
    assert follows(0.125)
    feed.cores_are_full = True
    assert feed.holds_up_training and not follows(0.25)
    run.state = "paused"
    assert not feed.holds_up_training and follows(0.5)


def test_gradients_at_a_step_stand_at_the_ends_of_their_lines(document: Document, qtbot: QtBot) -> None:
    run = Run(RunInfo())
    run.append([Scalar("gradient_norm/conv1", step, 10.0**-step) for step in range(1, 5)])
    panel = shown(GradientsPanel, document, qtbot)
    assert isinstance(panel, LayerCurvesPanel) and panel.plot._labels is not None
    panel.refresh(Shown(run, step=2), frozenset(run.names()))
    assert panel.plot._labels.shown == [f"conv1 {themes.format_number(0.01)}"]
    assert panel._subtitle.text() == "values at step 2"
    panel.refresh(Shown(run), frozenset())
    assert panel.plot._labels.shown == ["conv1"]
    panel.set_selection("conv1")
    assert panel._subtitle.text() == f"conv1: {themes.format_number(1e-4)}"


def test_the_curves_of_other_runs_are_drawn_faintly_under_their_titles(document: Document, qtbot: QtBot) -> None:
    def trained(title: str, offset: float, last: int) -> Run:
        run = Run(RunInfo(title=title))
        run.append([Scalar("loss/train", step, offset - 0.1 * step) for step in range(last + 1)])
        run.append([Scalar("loss/validation", step, offset) for step in range(0, last + 1, 2)])
        run.append([Scalar("epoch", step, step / 2) for step in range(2, last + 1, 2)])
        return run

    mine, other, long = trained("mine", 3.0, 4), trained("wider", 2.0, 8), trained("t" * 80, 1.0, 2)
    panel = shown(LossPanel, document, qtbot)
    assert isinstance(panel, LossPanel)
    panel.set_smoothing(0.0)
    panel.refresh(Shown(mine), frozenset(mine.names()))
    plot = panel.plots["loss"]
    alone = set(plot.curves)
    assert alone == {"loss/train", "loss/validation"}
    panel.refresh(Shown(mine, (other, long)), frozenset())
    beside = [curve for key, curve in plot.curves.items() if key not in alone]
    assert [curve.title for curve in beside] == ["wider", "wider", "t" * 23 + "…", "t" * 23 + "…"]
    np.testing.assert_allclose(beside[0].shown, other.scalars("loss/train")[1])
    assert [bool(curve.pattern) for curve in beside] == [False, True, False, True]
    ground = QColor(themes.current().panel)
    strong = plot.curves["loss/train"].colour

    def contrast(colour: QColor) -> float:
        return sum(abs(a - b) for a, b in zip(colour.getRgb()[:3], ground.getRgb()[:3], strict=True))

    assert all(contrast(curve.colour) < contrast(strong) for curve in beside)
    assert [entry.title for entry in panel.legend.entries][:4] == ["batch", "validation", "wider", "t" * 23 + "…"]
    # The axis reaches to the end of the longest; an epoch of each is its own.
    assert panel._end_beside() == 8.0
    other.append([Scalar("loss/train", 9, 0.5)])
    panel.refresh(Shown(mine, (other, long)), frozenset({"loss/train"}))
    assert panel._end_beside() == 9.0 and beside[0].shown[-1] == 0.5
    panel.set_axis("epoch")
    assert panel._end_beside() == pytest.approx(4.5)
    # What belongs to the shown run stays about it: the best epoch, the table.
    assert panel.best_epoch == (0, 3.0) and table(panel)[0] == ["step", "loss/train", "loss/validation"]
    panel.refresh(Shown(mine), frozenset())
    assert set(plot.curves) == alone
    assert [entry.title for entry in panel.legend.entries][:2] == ["batch", "validation"]


def test_a_panel_whose_title_bar_has_gone_takes_another_theme(document: Document, qtbot: QtBot) -> None:
    panel = shown(LossPanel, document, qtbot)
    dock = QDockWidget()
    qtbot.addWidget(dock)
    title = DockTitle(panel, dock, "View")
    shiboken6.delete(title)
    assert not shiboken6.isValid(panel.header)
    panel.restyle()
