"""A lecture: the page for a hall comes over the window, and when it goes every pixel is as before."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QImage, QTransform
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot
from run_file_mutations import good_run
from window_hands import Person
from window_kit import TIMEOUT, OpenWindow, state_is

from nnviz.gui.canvas.cards import card_pictures
from nnviz.gui.lecture import large_pictures
from nnviz.gui.lecture.instrument import INSTRUMENTS
from nnviz.gui.lecture.keys import KEPT
from nnviz.gui.lecture.measure import LETTERS, Measure
from nnviz.gui.lecture.page import LecturePage
from nnviz.gui.lecture.spotlight import figures_of
from nnviz.gui.lecture.strip import window_of
from nnviz.gui.look import theme
from nnviz.gui.look.mode import Mode
from nnviz.gui.look.scales import Scale
from nnviz.gui.panels.explain import ExplainPanel
from nnviz.gui.panels.help import HelpPopup
from nnviz.gui.panels.loss import LossPanel
from nnviz.gui.parts.widgets import FittedText
from nnviz.gui.window.window import MainWindow
from nnviz.project.edits import SetParam
from nnviz.record.quantities import GRADIENT_NORM, LOSS, PINNED_INPUT, UPDATE_RATIO, WEIGHTS
from nnviz.record.readings import ArrayReading, Cure, Scalar
from nnviz.train.sub_steps import SubStep

SIZES = [(1280, 720), (1680, 1050)]


def page_of(window: MainWindow) -> LecturePage:
    page = window.lecture.page
    assert page is not None and page.isVisible()
    return page


def begin(window: MainWindow) -> LecturePage:
    window.action("lecture").trigger()
    return page_of(window)


def picture(window: MainWindow) -> np.ndarray:
    """The window's pixels without the figures that count by themselves: memory, cost, speed and time left."""
    image = window.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4).copy()
    bar, foot = window.top_bar, window.timeline
    for figure in (one for one in (foot._memory, foot._cost, bar._speed, bar._eta) if one.isVisible()):
        corner = figure.mapTo(window, QPoint(0, 0))
        pixels[corner.y() : corner.y() + figure.height(), corner.x() : corner.x() + figure.width()] = 0
    return pixels[:, : image.width(), :3]


def settled(qtbot: QtBot, window: MainWindow) -> np.ndarray:
    """The picture of the window once it does not change any more."""
    assert window.docks is not None
    panels = window.docks.panels.values()
    window.feed.refresh()
    qtbot.wait(400)
    before = [picture(window)]

    def same() -> bool:
        # Panels whose curves are dear draw what is new a little later.
        if any(panel._waiting and panel.isVisible() for panel in panels):
            return False
        before.append(picture(window))
        return len(before) > 4 and all(np.array_equal(before[-1], one) for one in before[-4:-1])

    qtbot.waitUntil(same, timeout=TIMEOUT)
    return before[-1]


def arrangement(window: MainWindow) -> tuple[object, ...]:
    canvas, docks = window.canvas, window.docks
    assert docks is not None and window.inspector is not None
    return (
        window.geometry(),
        window.frame.splitter.sizes(),
        {key: (dock.geometry(), dock.isHidden(), dock.isFloating()) for key, dock in docks.docks.items()},
        {key: (panel.geometry(), panel.minimumSizeHint()) for key, panel in docks.panels.items()},
        docks.current,
        canvas.camera.zoom,
        canvas.camera.visible_rect(),
        canvas.selected,
        canvas.canvas_scene.root,
        window.inspector.tab,
        window.top_bar.geometry(),
        window.timeline.geometry(),
        window.focusWidget(),
    )


# ---- on and off -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_on_and_off_leaves_every_pixel_as_it_was(qtbot: QtBot, open_window: OpenWindow, size: tuple[int, int]) -> None:
    window = open_window("digits-cnn")
    window.resize(*size)
    window.training.bridge.step(12)
    qtbot.waitUntil(lambda: window.training.standing.step >= 12 and window.training.state != "running", timeout=TIMEOUT)
    window.canvas.select(["conv2"])
    window.canvas.camera.set_zoom(1.37)
    window.canvas.camera.pan_by(-61, 17)
    window.canvas.setFocus()
    settled(qtbot, window)
    assert window.docks is not None
    for panel in window.docks.panels.values():
        panel.redraw()  # an axis remembers how it came to its range; a change of the theme begins it anew
    before, arranged = settled(qtbot, window), arrangement(window)

    page = begin(window)
    qtbot.wait(300)
    assert page.strip.chosen == "conv2"
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_5, Qt.Key.Key_End):
        qtbot.keyClick(page, key)
        qtbot.wait(60)
    window.action("switch_theme").trigger()
    qtbot.wait(60)
    window.action("switch_theme").trigger()
    qtbot.keyClick(page, Qt.Key.Key_Escape)
    assert window.lecture.page is None and theme.mode() is Mode.DESK
    assert arrangement(window) == arranged
    after = settled(qtbot, window)
    different = np.argwhere((before != after).any(axis=2))
    assert not len(different), f"{len(different)} pixels from {different.min(axis=0)} to {different.max(axis=0)}"
    assert arrangement(window) == arranged


def test_the_same_key_leaves(open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    begin(window)
    assert window.action("lecture").isChecked()
    window.action("lecture").trigger()
    assert window.lecture.page is None and not window.action("lecture").isChecked()


def test_one_comes_back_to_where_one_was_unless_something_else_was_selected(open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    page = begin(window)
    assert page.strip.chosen == "input" and isinstance(page.panel, LossPanel)
    page.choose("pool2")
    page.show_instrument("gradients")
    window.action("lecture").trigger()
    assert (begin(window).strip.chosen, page_of(window).place.instrument) == ("pool2", "gradients")
    window.action("lecture").trigger()
    window.canvas.select(["relu1"])
    assert begin(window).strip.chosen == "relu1"


def test_a_lecture_may_be_left_and_the_window_closed_in_any_order(open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    begin(window)
    window.finish()
    assert theme.mode() is Mode.DESK


def test_the_page_covers_the_window_whatever_its_size(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    page = begin(window)
    for size in ((1024, 640), (1920, 1080)):
        window.resize(*size)
        qtbot.waitUntil(lambda: page.geometry() == window.rect(), timeout=TIMEOUT)
        assert page.measure == Measure.of(page.size())
        assert page.strip.height() == page.strip.sizeHint().height()

    # Qt brings docks forward when it turns them into tabs: they stay behind the page, and so do the tabs.
    def in_front() -> bool:
        found = window.childAt(window.rect().center()), window.childAt(QPoint(300, window.height() - 120))
        return all(one is not None and (one is page or page.isAncestorOf(one)) for one in found)

    assert window.docks is not None and in_front()
    for behind in (*window.docks.docks.values(), window.centralWidget()):
        behind.raise_()
    assert not in_front()
    qtbot.waitUntil(in_front, timeout=TIMEOUT)


def test_what_is_behind_the_page_is_told_nothing_and_looks_at_nothing(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    assert window.docks is not None and window.inspector is not None
    window.docks.show_panel("update_ratios")
    explain = window.docks.show_panel("explain")
    assert isinstance(explain, ExplainPanel)
    qtbot.waitUntil(lambda: explain.walk.attended and explain.walk.taken is not None, timeout=TIMEOUT)
    explain.sheet.sliding.let(True)
    qtbot.waitUntil(lambda: window.interests.merged.wants(UPDATE_RATIO), timeout=TIMEOUT)
    told: list[str] = []
    panels = window.docks.panels
    for key, panel in panels.items():
        draw = panel._draw
        panel._draw = lambda *a, key=key, draw=draw, **k: (told.append(key), draw(*a, **k))[1]  # type: ignore[method-assign]
    window.training.bridge.step(1)
    qtbot.waitUntil(lambda: "loss" in told, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: window.training.state == "paused", timeout=TIMEOUT)

    page = begin(window)
    assert not window.interests.merged.wants(UPDATE_RATIO)
    assert not explain.walk.attended and not explain.sheet.sliding.active
    qtbot.wait(150)
    told.clear()
    painted = window.canvas.stage.painted
    window.training.bridge.step(8)
    qtbot.waitUntil(lambda: window.feed.run.last_step >= 9 and page.panel is not None, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: page.panel is not None and not page.panel.is_empty, timeout=TIMEOUT)
    window.feed.poll()
    assert told == [] and window.canvas.stage.painted == painted

    window.action("lecture").trigger()
    assert window.interests.merged.wants(UPDATE_RATIO) and explain.walk.attended
    qtbot.waitUntil(lambda: "loss" in told, timeout=TIMEOUT)  # and catches up


def test_the_chosen_layer_is_looked_at_closely_and_only_what_is_seen_is_measured(open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    window.resize(1280, 720)
    page = begin(window)
    page.choose("conv1")
    looked = window.interests.merged
    assert looked.closely == {"conv1"} and looked.wants(WEIGHTS)
    assert looked.nodes is not None and set(page.strip.seen) <= looked.nodes and "output" not in looked.nodes
    page.walk(100)
    looked = window.interests.merged
    assert looked.nodes is not None and "output" in looked.nodes and "input" not in looked.nodes


# ---- walking --------------------------------------------------------------------------------------------------------


def test_arrows_walk_along_the_network_and_stop_at_its_ends(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    window.resize(1280, 720)
    page = begin(window)
    order = list(window.document.inference.order)
    walked = [page.strip.chosen]
    for _ in range(len(order) + 1):
        qtbot.keyClick(page, Qt.Key.Key_Right)
        walked.append(page.strip.chosen)
        assert page.strip.chosen in page.strip.seen
    assert walked == [*order, order[-1], order[-1]]
    qtbot.keyClick(page, Qt.Key.Key_Left)
    assert page.strip.chosen == order[-2] == page.spotlight.node
    qtbot.keyClick(page, Qt.Key.Key_Home)
    assert page.strip.chosen == order[0]


@pytest.mark.parametrize("sample", ["digits-cnn", "spiral", "resnet18", "googlenet"])
def test_tiles_are_whole_apart_and_their_titles_fit(open_window: OpenWindow, sample: str) -> None:
    window = open_window(sample, ready=False)
    for size in ((1280, 720), (1680, 1050), (1920, 1080)):
        window.resize(*size)
        page = begin(window)
        strip, measure = page.strip, page.measure
        for by in (0, 2, 5, 100):
            page.walk(by)
            places = [strip.places[node] for node in strip.seen]
            assert all(left.right() + measure.px(20) < right.left() for left, right in pairwise(places)), size
            assert all(QRectF(strip.rect()).contains(place) for place in places), size
            before, behind = strip.hidden
            assert before + len(places) + behind == len(strip.order), size
            chosen = strip.order.index(strip.chosen)
            near = strip.order[max(0, chosen - 1) : chosen + 2]
            assert set(near) <= set(strip.seen), size
            for tile in strip._tiles:
                if tile.node in strip.seen:
                    widest = max(measure.width(line, 24, 600) for line in tile.lines)
                    assert widest <= tile.width - measure.px(16) or len(tile.lines) == 2, (size, tile)
        page.walk(-len(strip.order))
        window.action("lecture").trigger()
        assert not page.isVisible()


@pytest.mark.parametrize("chosen", range(9))
def test_a_window_on_the_row_holds_the_chosen_one_and_its_neighbours(chosen: int) -> None:
    widths = [100, 140, 100, 180, 100, 140, 100, 100, 130]
    for first in range(9):
        start, stop = window_of(widths, chosen, first, 620, 30, 58)
        taken = sum(widths[start:stop]) + 30 * (stop - start - 1) + 58 * ((start > 0) + (stop < 9))
        assert taken <= 620
        assert max(chosen - 1, 0) >= start and min(chosen + 2, 9) <= stop
    assert window_of(widths, chosen, 0, 5000, 30, 58) == (0, 9)


def test_one_tile_that_is_wider_than_the_row_is_shown_all_the_same() -> None:
    assert window_of([900, 900, 900], 1, 0, 620, 30, 58) == (1, 2)


def test_a_click_chooses_and_the_ends_lead_on(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    window.resize(1280, 720)
    page = begin(window)
    qtbot.mouseClick(page.strip, Qt.MouseButton.LeftButton, pos=page.strip.places["pool1"].center().toPoint())
    assert page.strip.chosen == "pool1"
    last = page.strip.seen[-1]
    beyond = page.strip.order[page.strip.order.index(last) + 1]
    qtbot.mouseClick(page.strip, Qt.MouseButton.LeftButton, pos=QPoint(page.strip.width() - 12, 60))
    assert page.strip.chosen == beyond


def test_a_folded_group_is_entered_and_left(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("resnet18", ready=False)
    page = begin(window)
    folded = next(node for node in page.strip.order if node in page.scene.seen.cards)
    page.choose(folded)
    qtbot.keyClick(page, Qt.Key.Key_Return)
    assert page.scene.root == folded and folded not in page.strip.order and page.strip.chosen in page.strip.order
    assert window.canvas.canvas_scene.root == ""  # the canvas behind has not moved
    qtbot.keyClick(page, Qt.Key.Key_Escape)
    assert page.scene.root == "" and page.strip.chosen == folded and window.lecture.page is page
    place = page.strip.places[folded].center().toPoint()
    qtbot.mouseDClick(page.strip, Qt.MouseButton.LeftButton, pos=place)
    assert page.scene.root == folded
    qtbot.keyClick(page, Qt.Key.Key_Backspace)
    qtbot.keyClick(page, Qt.Key.Key_Backspace)
    assert page.scene.root == "" and window.lecture.page is page
    qtbot.keyClick(page, Qt.Key.Key_Escape)
    assert window.lecture.page is None


# ---- instruments ----------------------------------------------------------------------------------------------------


def test_numbers_and_arrows_choose_the_instrument(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    page = begin(window)
    keys = [kind.key for kind in INSTRUMENTS]
    assert keys[:3] == ["loss", "gradients", "dead_units"]
    for number, key in enumerate(keys[:9], start=1):
        qtbot.keyClick(page, Qt.Key(int(Qt.Key.Key_0) + number))
        assert page.place.instrument == key and page.panel is not None and page.panel.isVisible()
    page.show_instrument("loss")
    qtbot.keyClick(page, Qt.Key.Key_Down)
    assert page.place.instrument == keys[1]
    qtbot.keyClick(page, Qt.Key.Key_Up)
    qtbot.keyClick(page, Qt.Key.Key_Up)
    assert page.place.instrument == keys[-1]
    wide = page.spotlight.width()
    qtbot.keyClick(page, Qt.Key.Key_0)
    assert page.panel is None and not page.glass.isVisible() and page.spotlight.width() > 1.5 * wide
    qtbot.keyClick(page, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
    assert page.place.instrument == "gradients"


def test_the_instrument_follows_the_chosen_layer_and_its_views_are_walked_through(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    window = open_window("digits-cnn", ready=False)
    page = begin(window)
    page.choose("conv2")
    page.show_instrument("filters")
    assert page.panel is not None and page.panel.selection == "conv2"
    page.walk(1)
    assert page.panel.selection == "relu2"
    page.show_instrument("loss")
    qtbot.keyClick(page, Qt.Key.Key_V)
    assert page.panel is not None and page.panel.option("view") == "accuracy"


def test_keys_of_actions_that_nobody_would_see_do_nothing_in_a_lecture(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    window.canvas.select(["conv2"])
    page = begin(window)
    window.activateWindow()
    page.setFocus()
    before = window.document.project
    shift = Qt.KeyboardModifier.ShiftModifier
    control = Qt.KeyboardModifier.ControlModifier
    for key, held in (
        (Qt.Key.Key_B, control), (Qt.Key.Key_I, control), (Qt.Key.Key_Delete, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_B, Qt.KeyboardModifier.NoModifier), (Qt.Key.Key_A, shift), (Qt.Key.Key_G, control),
    ):  # fmt: skip
        qtbot.keyClick(page, key, held)
    assert window.document.project is before
    assert not window.palette_panel.isHidden() and not window.side.isHidden()
    assert {name for name in KEPT if name not in window.actions_by_name} == set()


# ---- training -------------------------------------------------------------------------------------------------------


def test_space_trains_and_pauses_and_the_figures_follow(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    page = begin(window)
    qtbot.keyClick(page, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: window.training.standing.step > 3, timeout=TIMEOUT)
    assert page.head.play.accessibleName() == "Pause"
    qtbot.keyClick(page, Qt.Key.Key_Space)
    qtbot.waitUntil(state_is(window, "paused"), timeout=TIMEOUT)
    qtbot.waitUntil(lambda: page.head.play.accessibleName() == "Train", timeout=TIMEOUT)
    assert page.panel is not None
    qtbot.waitUntil(lambda: page.panel is not None and not page.panel.is_empty, timeout=TIMEOUT)
    window.action("lecture").trigger()
    assert window.training.state == "paused"


def test_why_nothing_can_be_trained_is_said(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("resnet18", ready=False)
    qtbot.waitUntil(lambda: bool(window.training.blocked()), timeout=TIMEOUT)
    page = begin(window)
    qtbot.keyClick(page, Qt.Key.Key_Space)
    assert page.foot.said and page.panel is not None and "Press Play" not in page.panel.hint


def test_the_line_at_the_foot_seeks_and_returns(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    window.training.bridge.step(5)
    qtbot.waitUntil(lambda: window.feed.run.last_step >= 5, timeout=TIMEOUT)
    page = begin(window)
    qtbot.mouseClick(page.foot.line, Qt.MouseButton.LeftButton, pos=QPoint(3, page.foot.line.height() // 2))
    assert window.feed.current_step == 0
    qtbot.mouseDClick(page.foot.line, Qt.MouseButton.LeftButton, pos=QPoint(3, page.foot.line.height() // 2))
    assert window.feed.current_step is None


def test_what_the_window_says_stands_on_the_page(open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    page = begin(window)
    window.message.say("Something has happened.")
    assert page.foot.said == "Something has happened."
    window.notices.show_notice("one", "And this needs an answer.")
    assert page.foot.said == "And this needs an answer."
    # Neither lies over the line of the run.
    assert not page.foot.line.isVisible()
    page.say("")
    assert page.foot.line.isVisible()


def test_a_ring_follows_the_mouse_until_it_is_switched_off(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    page = begin(window)
    assert not page.pointer.isVisible()
    qtbot.mouseMove(page.spotlight, QPoint(100, 90))
    qtbot.mouseMove(page.spotlight, QPoint(120, 80))
    here = page.spotlight.mapTo(page, QPoint(120, 80))
    qtbot.waitUntil(lambda: page.pointer.isVisible() and page.pointer.geometry().contains(here), timeout=TIMEOUT)
    assert (page.pointer.geometry().center() - here).manhattanLength() <= 2
    qtbot.keyClick(page, Qt.Key.Key_P)
    assert not page.pointer.isVisible() and not page.place.pointer


# ---- letters --------------------------------------------------------------------------------------------------------


def letters_of(widget: QWidget) -> list[tuple[float, str]]:
    """Every text that a widget draws as text, with the pixels of its letters, read from a drawing of it."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    drawing = QSvgGenerator()
    drawing.setOutputDevice(buffer)
    drawing.setResolution(96)
    drawing.setSize(widget.size())
    drawing.setViewBox(widget.rect())
    widget.render(drawing)
    del drawing
    found: list[tuple[float, str]] = []

    def walk(element: ElementTree.Element, scale: float, size: float) -> None:
        matrix = re.search(r"matrix\(([^)]*)\)", element.get("transform", ""))
        if matrix:
            a, b, c, d, *_ = (float(number) for number in re.split("[ ,]+", matrix.group(1)))
            scale *= abs(QTransform(a, b, c, d, 0, 0).determinant()) ** 0.5
        given = element.get("font-size", "")
        if given:
            size = float(given.removesuffix("px").removesuffix("pt"))
        if element.tag.endswith("text") and (element.text or "").strip():
            found.append((size * scale, (element.text or "").strip()))
        for child in element:
            walk(child, scale, size)

    walk(ElementTree.fromstring(bytes(data.data())), 1.0, 12.0)
    return found


def test_what_an_empty_instrument_says_is_never_cut(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    window.resize(1280, 720)
    page = begin(window)
    for kind in INSTRUMENTS:
        page.show_instrument(kind.key)
        assert page.panel is not None
        for said in page.panel.findChildren(FittedText):
            if said.isVisible():
                room, flags = said.contentsRect(), int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignCenter)
                needed = QFontMetrics(said.font()).boundingRect(room, flags, said.text())
                assert needed.height() <= room.height(), kind.key


def test_a_long_sentence_stands_whole_above_the_foot(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    window.resize(1280, 720)
    page = begin(window)
    page.say("What was said is longer than the foot of the page is wide, as sentences that name both values are. " * 2)
    label = page.foot.sentence
    lines = QFontMetrics(label.font()).boundingRect(
        QRect(0, 0, label.width(), 1000), int(Qt.TextFlag.TextWordWrap), label.text()
    )
    assert lines.height() > 52 and label.geometry().bottom() == page.rect().bottom()
    assert label.height() >= lines.height() and page.rect().contains(label.geometry())
    assert label.font().pixelSize() == LETTERS


def test_a_network_that_is_another_one_now_is_begun_with_by_the_key_that_is_said(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    window = open_window("spiral")
    window.training.bridge.step(3)
    qtbot.waitUntil(lambda: window.feed.run.last_step >= 3 and state_is(window, "paused")(), timeout=TIMEOUT)
    page = begin(window)
    window.document.apply(SetParam("linear1", "out_features", 5))
    qtbot.waitUntil(lambda: "Ctrl+R begins again" in page.foot.said, timeout=TIMEOUT)
    page.say("")
    qtbot.keyClick(page, Qt.Key.Key_Space)
    assert "Ctrl+R begins again" in page.foot.said and not window.training.running
    qtbot.keyClick(page, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: not window.training.differs and state_is(window, "ready")(), timeout=TIMEOUT)
    qtbot.keyClick(page, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: window.feed.run.last_step > 0, timeout=TIMEOUT)


def test_an_input_of_ones_own_stands_on_the_page_too(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    page = begin(window)
    own = np.linspace(0, 1, 28 * 28, dtype=np.float32).reshape(1, 28, 28)
    for readings in ([ArrayReading(PINNED_INPUT.series(), 0, own, {"label": "7"})], []):
        window.feed.set_instead(readings)
        window.feed.poll(1.0)
        facts = page.scene.cards["input"].facts
        shown = page._stage.live.picture(facts)
        assert shown is not None and np.array_equal(shown.array, own) is bool(readings)
        said = [figure.text for figure in figures_of(facts, page._stage)]
        assert said == (["own input", "7"] if readings else said[-1:])


def test_what_a_finding_shows_is_shown_on_the_page_and_nothing_behind_it_moves(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    window = open_window("digits-cnn")
    window.resize(1280, 720)
    places = {key: one.isVisible() for key, one in window.docks.panels.items()}
    page = begin(window)
    page.show_instrument("findings")
    assert page.panel is not None
    page.panel.cure_requested.emit(Cure("Show units", "show_units", "relu2"))
    assert page.strip.chosen == "relu2" and type(page.panel).key == "feature_maps"
    page.show_instrument("findings")
    page.panel.cure_requested.emit(Cure("Why?", "show_help", "gradients"))
    qtbot.waitUntil(lambda: type(page.panel).key == "gradients", timeout=TIMEOUT)
    (card,) = [one for one in page.findChildren(HelpPopup) if one.isVisible()]
    body = max(card.findChildren(QLabel), key=lambda label: len(label.text()))
    assert body.font().pixelSize() >= LETTERS and "How to read it" in body.text()
    assert QRect(page.mapToGlobal(QPoint()), page.size()).contains(card.geometry())
    assert body.height() >= body.heightForWidth(body.width())
    card.close()
    window.action("lecture").trigger()
    assert {key: one.isVisible() for key, one in window.docks.panels.items()} == places


def test_a_recorded_run_offers_no_training(qtbot: QtBot, open_window: OpenWindow, tmp_path: Path) -> None:
    path = good_run(tmp_path / "kept.nnvizrun", "spiral")
    window = open_window("and")
    page = begin(window)
    assert page.head.play.isVisible() and "train" in page.foot.hint
    window.files.open(path)
    qtbot.waitUntil(state_is(window, "replay"), timeout=TIMEOUT)
    page = page_of(window)
    qtbot.waitUntil(page.head.play.isHidden, timeout=TIMEOUT)
    assert "train" not in page.foot.hint


@pytest.mark.parametrize("sample", ["digits-cnn", "spiral"])
def test_no_letter_on_the_page_is_smaller_than_24_pixels(
    qtbot: QtBot, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch, sample: str
) -> None:
    window = open_window(sample)
    window.resize(1280, 720)
    window.training.bridge.step(40)
    qtbot.waitUntil(lambda: window.feed.run.last_step >= 40, timeout=TIMEOUT)
    in_pictures: list[float] = []
    paint = card_pictures.paint_picture

    def noted(facts: object, sample: object, size: QSize, ratio: float, *more: object, **named: object) -> object:
        in_pictures.append(12 * ratio)
        return paint(facts, sample, size, ratio, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(card_pictures, "paint_picture", noted)
    monkeypatch.setattr(large_pictures, "paint_picture", noted)
    page = begin(window)
    seen: set[str] = set()
    for kind in INSTRUMENTS:
        page.show_instrument(kind.key)
        for node in page.strip.order:
            if kind.key not in {"loss", "filters", "feature_maps"} and node not in page.strip.order[1:3]:
                continue
            page.choose(node)
            window.feed.poll()
            for size, text in letters_of(page):
                assert size >= LETTERS - 0.01, (kind.key, node, text, size)
                seen.add(text)
    assert {sample, "step", "Loss", "batch", "‖gradient‖", "1" if sample == "digits-cnn" else "0"} <= seen, seen
    assert in_pictures and min(in_pictures) >= LETTERS
    page.grab()


def test_everything_grows_with_the_page() -> None:
    assert Measure.of(QSize(1280, 720)).unit == 1.0
    assert Measure.of(QSize(1920, 1080)).unit == 1.5
    assert Measure.of(QSize(1680, 1050)).unit == pytest.approx(1.3125)
    assert Measure.of(QSize(1920, 1080)).font(24).pixelSize() == 36
    assert Measure.of(QSize(1280, 720)).glass * 12 == LETTERS


# ---- large pictures -------------------------------------------------------------------------------------------------


def test_tiles_of_a_grid_are_whole_multiples_and_as_large_as_they_can_be() -> None:
    room = QSize(640, 320)
    for count in (1, 3, 8, 16, 24):
        for width, height in ((26, 26), (5, 5), (11, 13)):
            grid = large_pictures.grid_of(count, width, height, room, 4)
            assert grid.scale == int(grid.scale) >= 1
            assert grid.size.width() <= room.width() and grid.size.height() <= room.height()
            larger = int(grid.scale) + 1
            for columns in range(1, count + 1):  # no arrangement holds the next multiple
                rows = -(-count // columns)
                wide, high = columns * (width * larger + 4) - 4, rows * (height * larger + 4) - 4
                assert wide > room.width() or high > room.height()


def test_the_input_is_painted_pixel_by_pixel(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    window.resize(1280, 720)
    page = begin(window)
    qtbot.waitUntil(lambda: page.scene.cards["input"].facts.shape is not None, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: window.feed.run.latest(PINNED_INPUT.series()) is not None, timeout=TIMEOUT)
    window.feed.poll()
    image = page.spotlight.grab().toImage()
    place = page.spotlight.picture_place
    cell = place.width() / 28
    assert cell == int(cell) >= 10 and place.width() == place.height()
    values = np.asarray(window.feed.run.latest(PINNED_INPUT.series()).array)[0]  # type: ignore[union-attr]
    for row, column in ((0, 0), (14, 14), (6, 15), (20, 16)):
        corner = QPointF(place.left() + column * cell, place.top() + row * cell)
        for inside in (QPointF(1, 1), QPointF(cell - 2, cell - 2)):
            assert abs(image.pixelColor((corner + inside).toPoint()).red() - 255 * values[row, column]) <= 1.5


def test_a_long_sentence_is_cut_between_words() -> None:
    from nnviz.gui.lecture.spotlight import lines_of

    width: Callable[[str], float] = len
    assert lines_of("one two three", 2, width, 7) == ["one two", "three"]
    assert lines_of("one two three four five", 2, width, 9) == ["one two", "three …"]
    assert lines_of("", 2, width, 9) == []


def test_what_was_measured_long_ago_is_drawn_as_old_in_a_lecture(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    window.resize(1280, 720)
    window.training.bridge.step(5)
    qtbot.waitUntil(lambda: window.feed.run.last_step >= 5, timeout=TIMEOUT)
    page = begin(window)
    page.choose("conv1")
    window.feed.poll()
    new = page.spotlight.grab().toImage()
    (gradient,) = page.spotlight.readings_shown()
    assert gradient.series == GRADIENT_NORM.series("conv1") and gradient.step == 5 and not gradient.old
    window.feed.run.append([Scalar(LOSS.series("train"), 405, 1.0)])
    window.feed.poll()
    old = page.spotlight.grab().toImage()
    (again,) = page.spotlight.readings_shown()
    assert again.old and (again.text, again.step) == (gradient.text, gradient.step)
    assert old != new, "it has a clock, and is muted"


def test_filters_are_a_view_of_the_chosen_layer(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    window.resize(1280, 720)
    page = begin(window)
    page.choose("conv1")
    qtbot.waitUntil(lambda: window.feed.run.latest(WEIGHTS.series("conv1")) is not None, timeout=TIMEOUT)
    window.feed.poll()
    maps = page.spotlight.grab().toImage()
    qtbot.keyClick(page, Qt.Key.Key_F)
    assert page.spotlight.shows_filters and page.spotlight.grab().toImage() != maps
    weights = window.feed.run.latest(WEIGHTS.series("conv1"))
    assert isinstance(weights, ArrayReading)
    # The first pixel of the first filter has the colour of the first weight, on the scale of all of them.
    place = page.spotlight.picture_place
    expected = Scale.signs(weights.array).colour(float(weights.array.flat[0]))
    assert page.spotlight.grab().toImage().pixelColor(place.topLeft().toPoint() + QPoint(4, 4)) == expected
    page.walk(1)
    assert not page.spotlight.shows_filters, "a ReLU has none"
    page.walk(-1)
    assert page.spotlight.shows_filters
    qtbot.keyClick(page, Qt.Key.Key_F)
    assert page.spotlight.grab().toImage() == maps


def test_gradients_and_parts_of_a_step_by_their_keys_and_what_was_on_the_canvas_stays(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    window = open_window("spiral")
    person, flow, canvas = Person(window, qtbot), window.flow, window.canvas.desk.stage
    qtbot.waitUntil(lambda: window.bridge.position is not None and not window.bridge.position.activity, timeout=TIMEOUT)
    page = begin(window)
    page.choose("linear2")

    def large() -> QImage:
        return page.spotlight.grab().toImage()

    person.keys(Qt.Key.Key_F9)
    person.until(lambda: flow.looking is not None and flow.looking.lens is not None)
    assert page.band.isVisible() and page.band.looking is flow.looking and "∂loss" in flow.looking.title
    seen = flow.looking.lens.pictures["linear2"]
    assert page._stage.lens is flow.looking.lens and len(seen.values) == 8
    below = page.band.geometry().bottom()
    assert page.strip.geometry().bottom() < page.band.y() and below < page.spotlight.y() == page.beside.y()
    # What stands large are the colours of these numbers, cell by cell.
    image, place = large(), page.spotlight.picture_place
    columns = min(range(1, 9), key=lambda count: abs(place.width() / count - place.height() / -(-8 // count)))
    colours = Scale.signs(seen.values).paint(seen.values)
    for at, colour in enumerate(colours):
        row, column = divmod(at, columns)
        x = place.left() + (column + 0.1) * place.width() / columns
        y = place.top() + (row + 0.1) * place.height() / -(-8 // columns)
        assert image.pixel(round(x), round(y)) & 0xFFFFFF == int(colour) & 0xFFFFFF, at
    person.keys(Qt.Key.Key_Escape)
    assert page.isVisible() and not page.band.isVisible() and page._stage.lens is None and canvas.lens is None
    assert large() != image
    for part in SubStep:
        person.keys(Qt.Key.Key_F7)
        person.until(lambda: page.band.looking is not None and page.band.looking.part == part.value)  # noqa: B023 - called at once
    person.until(lambda: flow.looking is not None and "is made" in flow.looking.words)
    assert flow.looking is not None and flow.looking.lens is not None
    assert page.band.looking is flow.looking and "linear2" in flow.looking.lens.norms
    page.spotlight.grab()
    (norm,) = page.spotlight._figures
    assert norm.text == theme.format_number(flow.looking.lens.norms["linear2"]) and norm.words[0] == "‖change‖"
    # One weight's update stands large in the place of the instrument, of the layer that is talked about.
    person.until(lambda: page.written.isVisible() and "→" in page.written.words)
    page.choose("linear3")
    person.until(lambda: "linear3 · weight" in page.written.words and "√v̂" in page.written.words)
    assert page.written.words.splitlines()[:2] == flow.update.words.splitlines()[:2] and not page.glass.isVisible()
    assert page.written.fits(page.written.size()) and page.beside.rect().contains(page.written.geometry())
    # What was switched on in the lecture ends with it.
    person.keys(Qt.Key.Key_Escape)
    assert not page.written.isVisible() and page.glass.isVisible() is (page.panel is not None)
    person.keys(Qt.Key.Key_F7)
    person.until(lambda: page.band.looking is not None)
    theme.set_mode(Mode.DESK)
    assert flow.looking is None and canvas.lens is None and not flow.band.isVisible()
