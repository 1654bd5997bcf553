"""Steps of preparation and augmentation by clicks: the preview, the training, and undo."""

from __future__ import annotations

from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot
from window_kit import OpenWindow, button, is_ready

from nnviz.gui.inspector.data_tab import DataTab
from nnviz.project.model import Choice
from nnviz.project.samples.templates import sample


def choose(qtbot: QtBot, tab: DataTab, slot: str, title: str) -> None:
    """Open the menu below a list of steps with the mouse and click on one."""
    form = tab.steps[slot]
    tab.ensureWidgetVisible(form.add_button)
    menu: QMenu = form.menu
    menu.popup(form.add_button.mapToGlobal(form.add_button.rect().bottomLeft()))
    action = next(one for one in menu.actions() if one.text() == title)
    qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(action).center())


def test_standardise_and_augment_by_clicks_then_train_and_undo(qtbot: QtBot, open_window: OpenWindow) -> None:
    project = sample("digits-cnn")
    project = replace(project, training=replace(project.training, epochs=1, batch_size=400, device="cpu"))
    window = open_window(project)
    assert window.inspector is not None
    window.inspector.show_tab("data")
    tab = window.inspector.tabs["data"]
    assert isinstance(tab, DataTab) and not tab.preview.isVisibleTo(tab)
    data = window.document.project.data
    choose(qtbot, tab, "augmentation", "Mix up")
    choose(qtbot, tab, "augmentation", "Shift")
    choose(qtbot, tab, "preparation", "Mean 0, variance 1")
    choose(qtbot, tab, "preparation", "Resize")
    size = tab.steps["preparation"].forms[0].params.editors["size"]
    size.field.setFocus()
    size.field.selectAll()
    qtbot.keyClicks(size.field, "14 × 28")
    qtbot.keyClick(size.field, Qt.Key.Key_Return)
    resize = Choice("resize", {"size": (14, 28)})
    now = window.document.project.data
    # Each where its stage has it, however it was clicked.
    assert now.augmentation == (Choice("shift"), Choice("mix_up"))
    assert now.preparation == (resize, *data.preparation, Choice("standardise"))
    assert window.document.project.graph.nodes["input"].params["shape"] == (1, 14, 28)

    # Up changes the order of what is of one stage, and is there for nothing else.
    form = tab.steps["preparation"]
    qtbot.waitUntil(lambda: [one.isVisibleTo(form) for one in form.up_buttons] == [False, False, True])
    qtbot.mouseClick(form.up_buttons[2], Qt.MouseButton.LeftButton)
    assert window.document.project.data.preparation == (resize, Choice("standardise"), *data.preparation)
    window.document.undo()
    assert window.document.project.data == now

    qtbot.waitUntil(lambda: is_ready(window) and bool(tab.preview.images), timeout=60_000)
    assert tab.preview.isVisibleTo(tab)
    qtbot.waitUntil(lambda: [image.width() for image in tab.preview.images[0]] == [28, 28, 28, 28], timeout=30_000)
    pictures = tab.preview.images
    assert pictures[0][1] != pictures[0][2]
    tab.ensureWidgetVisible(tab.other)
    qtbot.mouseClick(tab.other, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: tab.preview.images != pictures, timeout=30_000)

    qtbot.mouseClick(button(window, "Play"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.training.state != "ready", timeout=60_000)
    qtbot.waitUntil(lambda: (at := window.training.bridge.position) is not None and at.epoch == 1, timeout=60_000)
    qtbot.waitUntil(lambda: window.training.state in ("paused", "done"), timeout=30_000)
    assert window.training.test_uses == 0, "the test set is sealed until it is asked for"
    while window.document.can_undo:
        window.document.undo()
    assert window.document.project == project and not tab.preview.isVisibleTo(tab)
    assert [form.kind.editors["preparation"].value for form in tab.steps["preparation"].forms] == ["scale"]
