"""No word is cut in the real window, at any size it is used at; what a list holds can be reached by wheel and bar."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QTextDocument, QWheelEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLabel, QScrollArea, QToolButton, QWidget
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow

from nnviz.gui.panels.findings import FindingsPanel, _unbroken
from nnviz.gui.parts.widgets import ElidedLabel, Legend, LegendEntry
from nnviz.gui.runs.standing import with_learning_rate
from nnviz.gui.window.window import MainWindow
from nnviz.project.edits import SetProject
from nnviz.project.model import Project
from nnviz.project.samples import templates
from nnviz.project.samples.sketch import chain, flatten, image, linear, output, relu

SIZES = ((1024, 600), (1280, 720), (1366, 768), (1680, 1050))


def whole(window: MainWindow, qtbot: QtBot) -> None:
    """Nothing is cut once all is laid out, and stays so; on a busy machine that takes longer."""
    looks: list[list[str]] = []

    def still() -> bool:
        looks.append(cut(window))
        return looks[-4:] == [[]] * 4

    try:
        qtbot.waitUntil(still, timeout=20_000)
    except qtbot.TimeoutError:
        pytest.fail(f"{window.size()}: {looks[-1] or looks[-4:]}")


def cut(window: MainWindow) -> list[str]:
    """What stands in the window with less room than it needs."""
    found = []
    for label in window.findChildren(QLabel):
        if label.isVisible() and label.wordWrap() and "<" in label.text():
            page = QTextDocument()
            page.setDefaultFont(label.font())
            page.setHtml(label.text())
            page.setTextWidth(label.width())
            if page.idealWidth() > label.width() + 1:
                found.append(f"page {page.toPlainText()}")
    for label in window.findChildren(QLabel):
        text = label.text()
        if not text or text.startswith("<") or not label.isVisible() or label.visibleRegion().isEmpty():
            continue
        wide = QFontMetrics(label.font()).horizontalAdvance(text)
        if isinstance(label, ElidedLabel):
            # Says less where there is less room, but no part of a word.
            if label.shown_text().endswith("…") and not text.endswith("…"):
                found.append(f"label {text}")
        elif label.wordWrap():
            if label.heightForWidth(label.width()) > label.height() + 2:
                found.append(f"text {text}")
        elif wide > label.width() + 1:
            found.append(f"label {text}")
    for button in window.findChildren(QAbstractButton):
        words = button.text().replace("&", "")
        icon_only = isinstance(button, QToolButton) and (
            button.toolButtonStyle() is Qt.ToolButtonStyle.ToolButtonIconOnly and not button.icon().isNull()
        )
        seen = button.isVisible() and not button.visibleRegion().isEmpty() and not icon_only
        if words and seen and QFontMetrics(button.font()).horizontalAdvance(words) > button.width() - 4:
            found.append(f"button {words}")
    for box in window.findChildren(QComboBox):
        wide = QFontMetrics(box.font()).horizontalAdvance(box.currentText())
        if box.isVisible() and not box.visibleRegion().isEmpty() and wide > box.width() - 22:
            found.append(f"choice {box.currentText()}")
    return found


def test_no_word_is_cut_at_any_size(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    window.training.bridge.step(20)
    qtbot.waitUntil(lambda: window.training.standing.step == 20, timeout=TIMEOUT)
    window.canvas.select(["conv1"])
    assert window.docks is not None and window.inspector is not None
    for size in SIZES:
        window.resize(*size)
        for tab in ("layer", "training", "data", "explain"):
            window.inspector.show_tab(tab)
            for _ in range(5):
                QApplication.processEvents()
            assert cut(window) == [], (size, tab)
    for key in window.docks.docks:
        window.docks.show_panel(key)
    for size in SIZES[::-1]:
        window.resize(*size)
        whole(window, qtbot)


def test_a_long_cure_is_read_whole(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    window.resize(1024, 600)
    window.apply(with_learning_rate(window.document.project, 0.5))
    window.training.bridge.step(60)
    qtbot.waitUntil(lambda: window.training.standing.step == 60, timeout=TIMEOUT)
    assert window.docks is not None
    panel = window.docks.panels["findings"]
    assert isinstance(panel, FindingsPanel)
    qtbot.waitUntil(lambda: bool(panel.cards) and panel.cards[0].isVisible(), timeout=TIMEOUT)
    whole(window, qtbot)
    card = panel.cards[0]
    card.details.setText(
        card.details.text().replace("Why?", "")
        + f"<a href='0'>{_unbroken('Go back to step 0, with a learning rate of 0.01')}</a>"
    )
    whole(window, qtbot)


def eight_layers() -> Project:
    """Digits through eight dense layers with ReLU."""
    project = templates.sample("digits-cnn")
    row = [layer for _ in range(8) for layer in (linear(12), relu())]
    graph = chain(image(1, 28, 28), flatten(), *row, linear(10), output())
    return project.__class__(project.name, project.note, graph, project.data, project.training)


def in_sight(area: QScrollArea) -> bool:
    """Whether nothing of it needs to be scrolled to."""
    return area.widget().height() <= area.viewport().height()


def can_be_scrolled(area: QScrollArea) -> bool:
    """Whether there is a bar, with somewhere to go."""
    bar = area.verticalScrollBar()
    return bar.isVisible() and bar.maximum() > 0


def turn_wheel(area: QScrollArea) -> None:
    """One notch down in the middle; like a mouse's, it goes on to what lies around until something takes it."""
    spot = area.viewport().mapToGlobal(area.viewport().rect().center())
    target: QWidget | None = QApplication.widgetAt(spot) or area.viewport()
    while target is not None and target is not area:
        turn = QWheelEvent(
            QPointF(target.mapFromGlobal(spot)),
            QPointF(spot),
            QPoint(),
            QPoint(0, -120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        if QApplication.sendEvent(target, turn) and turn.isAccepted():
            return
        target = target.parentWidget()


def test_every_row_of_every_list_is_reached_by_the_wheel(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window(eight_layers())
    window.resize(1280, 720)
    window.training.bridge.step(3)
    qtbot.waitUntil(lambda: window.training.standing.step == 3, timeout=TIMEOUT)
    assert window.docks is not None
    scrolled = set()
    for key, panel in window.docks.panels.items():
        window.docks.show_panel(key)
        qtbot.waitUntil(lambda panel=panel: panel.isVisible(), timeout=TIMEOUT)  # type: ignore[misc]
        qtbot.wait(150)
        for area in panel.findChildren(QScrollArea):
            page = area.widget()
            if not area.isVisible() or page is None:
                continue
            # All of it is in what scrolls: nothing is squeezed into less than it needs.
            assert page.height() >= page.minimumSizeHint().height(), key
            bar = area.verticalScrollBar()
            # On a busy machine the page is laid out later: then all of it is in sight, or it scrolls.
            qtbot.waitUntil(lambda area=area: in_sight(area) or can_be_scrolled(area), timeout=TIMEOUT)  # type: ignore[misc]
            if in_sight(area):
                continue
            scrolled.add(key)
            for _ in range(200):
                if bar.value() == bar.maximum():
                    break
                turn_wheel(area)
            assert bar.value() == bar.maximum() > 0, key
    assert "dead_units" in scrolled


def test_a_long_name_moves_nothing_out_of_sight(open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    window.resize(1024, 600)
    window.apply(SetProject(name="A network of which the name is much longer than any bar"))
    QApplication.processEvents()
    assert window.top_bar._lecture.geometry().right() <= window.width()


def test_a_legend_shortens_words_and_takes_lines_but_never_loses_a_value(styled: QApplication) -> None:
    legend = Legend()
    colour = QColor("white")
    batch = LegendEntry("batch", colour, "0.153")
    validation = LegendEntry("validation", colour, "0.196", short="val.")
    best = LegendEntry("best epoch 3", colour, short="best 3", dot=True)
    legend.set_entries([batch, validation, best])
    assert legend.lines(1000) == ((batch, validation, best),)
    seen: list[list[str]] = []
    for width in range(500, 60, -1):
        shown = [" ".join(f"{entry.title} {entry.value}" for entry in line).strip() for line in legend.lines(width)]
        if not seen or seen[-1] != shown:
            seen.append(shown)
    assert seen[1:] == [
        ["batch 0.153 validation 0.196 best 3"],
        ["batch 0.153 val. 0.196 best 3"],
        ["batch 0.153 validation 0.196"],
        ["batch 0.153 val. 0.196"],
        ["batch 0.153", "val. 0.196"],
    ]
    grouped = [LegendEntry("batch", colour, "9", group=group) for group in ("loss", "loss", "share", "share")]
    legend.set_entries(grouped)
    assert [len(line) for line in legend.lines(300)] == [2, 2], "what belongs together stands together"
    legend.set_entries([batch, validation, best])
    legend.resize(1000, 40)
    legend.show()
    line = legend.minimumSizeHint().height()
    legend.resize(110, 40)
    assert legend.minimumSizeHint().height() > 1.5 * line
