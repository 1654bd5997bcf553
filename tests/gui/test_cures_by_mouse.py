"""A planted sickness is found, what its finding offers is pressed with the mouse, and the next training is healthy."""

from __future__ import annotations

import msgspec
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow, is_ready, state_is

from nnviz.gui.panels.findings import FindingCard, FindingsPanel
from nnviz.gui.window.window import MainWindow
from nnviz.project.model import Choice, DataConfig, Graph, Project, TrainConfig
from nnviz.project.samples import templates
from nnviz.project.samples.sketch import chain, flatten, image, linear, output, relu, sigmoid

LEFT = Qt.MouseButton.LeftButton
ADAM = Choice("adam", {"learning_rate": 0.01})


def of_digits(graph: Graph, preparation: tuple[Choice, ...], optimizer: Choice = ADAM) -> Project:
    return msgspec.structs.replace(
        templates.sample("digits-cnn"),
        graph=graph,
        data=DataConfig("digits", {"size": "8"}, preparation=preparation),
        training=TrainConfig(optimizer, batch_size=64, epochs=2),
    )


def started_at_zero() -> Project:
    zeros = {"weight_initialisation": "zeros"}
    dense = (linear(24, **zeros), relu(), linear(24, **zeros), relu(), linear(10, **zeros))
    return of_digits(chain(image(1, 8, 8), flatten(), *dense, output()), (Choice("scale"),))


def pixels_as_they_are() -> Project:
    return of_digits(chain(image(1, 8, 8), flatten(), linear(24), sigmoid(), linear(10), output()), ())


def press_link(card: FindingCard, title: str, qtbot: QtBot) -> None:
    """Where a person would: the link is looked for with the mouse."""
    label = card.details
    (wanted,) = [str(index) for index, cure in enumerate(card.finding.cures) if cure.title == title]
    under: list[str] = []
    hovered = label.linkHovered.connect(under.append)
    for y in range(4, label.height(), 6):
        for x in range(4, label.width(), 8):
            point = QPointF(x, y)
            move = QMouseEvent(
                QMouseEvent.Type.MouseMove, point, label.mapToGlobal(point), Qt.MouseButton.NoButton,
                Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
            )  # fmt: skip
            QApplication.sendEvent(label, move)
            if under and under[-1] == wanted:
                label.linkHovered.disconnect(hovered)
                assert label.visibleRegion().contains(QPoint(x, y))
                QTest.mouseClick(label, LEFT, pos=QPoint(x, y))
                return
    raise AssertionError(f"There is no {title!r} under the mouse in {label.text()!r}.")


def card_of(window: MainWindow, series: str) -> FindingCard | None:
    panel = window.docks.panels["findings"]
    assert isinstance(panel, FindingsPanel)
    return next((card for card in panel.cards if card.finding.series == series), None)


@pytest.mark.parametrize(
    ("project", "series", "title"),
    [
        (started_at_zero(), "finding/equal_units/linear1", "Start at random"),
        (pixels_as_they_are(), "finding/saturation/sigmoid1", "Scale the inputs to 0–1"),
    ],
    ids=["started at zero", "pixels as they are"],
)
def test_the_cure_of_a_finding_is_pressed_and_the_next_training_is_healthy(
    project: Project, series: str, title: str, qtbot: QtBot, open_window: OpenWindow
) -> None:
    window = open_window(project)
    window.regions.show_panel("findings")
    window.training.play()
    qtbot.waitUntil(lambda: state_is(window, "done")() and card_of(window, series) is not None, timeout=TIMEOUT)
    card = card_of(window, series)
    assert card is not None
    before = window.document.project
    press_link(card, title, qtbot)
    cured = window.document.project
    assert cured != before
    press_link(card, title, qtbot)
    assert window.document.project is cured, "once is enough"
    qtbot.waitUntil(lambda: window.notices.notice("differs") is not None, timeout=TIMEOUT)
    notice = window.notices.notice("differs")
    restart = next(one for one in notice.buttons if one.text() == "Restart with the new network")
    qtbot.mouseClick(restart, LEFT)
    qtbot.waitUntil(lambda: is_ready(window), timeout=TIMEOUT)
    window.training.play()
    qtbot.waitUntil(state_is(window, "done"), timeout=TIMEOUT)
    assert not window.feed.run.findings()
    window.document.undo()
    assert window.document.project == before
