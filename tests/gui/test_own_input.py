"""A digit is drawn, pasted, moved and spoilt by hand in the real window, and every card and the answer follow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow

from nnviz.data.own_picture import scanned_like_digits
from nnviz.explain.place import LOSS, Place
from nnviz.gui.canvas.geometry import Level
from nnviz.gui.explain.own_input_view import OwnInputView
from nnviz.gui.panels.explain import ExplainPanel
from nnviz.gui.panels.own_input import OwnInputPanel
from nnviz.gui.panels.why import WhyPanel
from nnviz.gui.window.window import MainWindow
from nnviz.project.edits import SetProject
from nnviz.record.quantities import OUTPUT, PINNED_INPUT
from tests.gui.explain.explain_sheets import written
from tests.gui.pointer import move_pointer

if TYPE_CHECKING:
    from nnviz.explain.taken_apart import TakenApart


def opened(qtbot: QtBot, window: MainWindow) -> OwnInputView:
    panel = window.docks.show_panel("own_input")
    assert isinstance(panel, OwnInputPanel)
    qtbot.waitUntil(lambda: panel.view is not None and panel.view._facts is not None, timeout=TIMEOUT)
    assert panel.view is not None
    return panel.view


def rests(qtbot: QtBot, view: OwnInputView) -> None:
    """Until the last question is answered."""
    qtbot.waitUntil(lambda: not (view._soon.isActive() or view._dirty or view._asked), timeout=TIMEOUT)


def directly(window: MainWindow, numbers: Any) -> dict[str, Any]:
    """What each node makes of an input: a forward pass of the live network, prepared by hand."""
    session = window.bridge.session
    assert session is not None

    def question() -> dict[str, Any]:
        import torch

        training = session.training
        network = training.network.eval()
        try:
            with torch.no_grad():
                inputs = training.data.scaler.apply(torch.from_numpy(numbers)[None])
                found = {node: one[0].numpy().copy() for node, one in network.forward_all(inputs).items()}
                found["whole"] = network(inputs)[0].numpy().copy()
        finally:
            network.train()
        return found

    return session.ask(question).result(20)


def weights(window: MainWindow) -> bytes:
    session = window.bridge.session
    assert session is not None
    return session.ask(
        lambda: b"".join(one.detach().numpy().tobytes() for one in session.training.network.parameters())
    ).result(20)


def drag(field: Any, places: list[tuple[float, float]], side: int) -> None:
    """Along these rows and columns of the picture, with the left button."""
    area = field.area()

    def spot(row: float, column: float) -> QPoint:
        return QPointF(area.left() + column * area.width() / side, area.top() + row * area.height() / side).toPoint()

    QTest.mousePress(field, Qt.MouseButton.LeftButton, pos=spot(*places[0]))
    for place in places[1:]:
        move_pointer(field, spot(*place), Qt.MouseButton.LeftButton)
    QTest.mouseRelease(field, Qt.MouseButton.LeftButton, pos=spot(*places[-1]))


def test_a_drawn_digit_is_answered_and_stands_on_the_cards(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    before = weights(window)
    view = opened(qtbot, window)
    assert view.picture is not None and view.controls is not None
    side = view.picture.shape[1]
    assert not window.feed.shown.instead  # nothing is drawn: the pinned example stays
    drag(view.draw_field, [(0.15 * side, 0.5 * side), (0.5 * side, 0.5 * side), (0.85 * side, 0.5 * side)], side)
    # It is made as the examples are that the network knows, until that is switched off.
    rests(qtbot, view)
    assert view.controls.fit.isChecked() and "scans" in view._seen_text.text()
    assert np.array_equal(view.numbers(), np.rint(255 * scanned_like_digits(view.picture.canvas, (side, side))))
    view.controls.fit.click()
    rests(qtbot, view)
    numbers = view.numbers()
    assert numbers.shape == view.picture.shape
    assert numbers[0, side // 2, side // 2] == 255 and numbers[0, 0, 0] == 0
    # The answer and every card are those of a forward pass by hand.
    expected = directly(window, numbers)
    shares = np.exp(expected["whole"] - expected["whole"].max())
    assert view.bars.shares == pytest.approx(shares / shares.sum(), abs=1e-6)
    names = view._facts.class_names  # type: ignore[union-attr]
    assert view.bars.answer == names[int(expected["whole"].argmax())]
    live = window.canvas.stage.live
    cards = {node: card for node, card in window.canvas.scene().cards.items() if card.facts.kind != "input"}
    qtbot.waitUntil(lambda: all(live.is_own(live.picture(card.facts)) for card in cards.values()), timeout=TIMEOUT)

    def differing() -> list[str]:
        pictures = {node: live.picture(card.facts) for node, card in cards.items()}
        return [
            node
            for node, picture in pictures.items()
            if picture is None or not np.allclose(picture.array, expected[node][: len(picture.array)], atol=1e-5)
        ]

    # Until then those of the answer before it stand there, whose input was fitted.
    qtbot.waitUntil(lambda: differing() == [], timeout=TIMEOUT)
    assert OUTPUT.series(next(iter(cards))) in window.feed.shown.instead
    # An arrow key moves it by a pixel, and it is asked anew.
    QTest.keyClick(view.seen_field, Qt.Key.Key_Right)
    rests(qtbot, view)
    assert np.array_equal(view.numbers()[:, :, 1:], numbers[:, :, :-1])
    assert view.bars.shares == pytest.approx(
        np.exp(lp := directly(window, view.numbers())["whole"]) / np.exp(lp).sum(), abs=1e-6
    )
    # A patch is blacked out by a drag, a pixel is typed, and both are taken back.
    drag(view.seen_field, [(2.5, 2.5), (side - 2.5, side - 2.5)], side)
    assert not view.numbers()[:, 3:-3, 3:-3].any()
    QTest.keyClick(view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert view.numbers().any()
    cell = view.seen_field.cell_rect(1, 2).center().toPoint()
    QTest.mouseClick(view.seen_field, Qt.MouseButton.LeftButton, pos=cell)
    field = next(one for one in view.seen_field.children() if one.objectName() == "number-field")
    QTest.keyClicks(field.line, "200")  # type: ignore[attr-defined]
    QTest.keyClick(field.line, Qt.Key.Key_Return)  # type: ignore[attr-defined]
    assert view.numbers()[0, 1, 2] == 200
    # A slider that is dragged is one step, two drags are two; all of it goes back and forward, the document stays.
    window.document.apply(SetProject(window.document.project.name + "!"))
    stands, slider = view.numbers(), view.controls.angle
    for ends in ((5, 12, 20), (40, 60)):
        slider.setSliderDown(True)
        for at in ends:
            slider.setValue(at)
        slider.setSliderDown(False)
    turned = view.numbers()
    undo, redo = (
        (Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier),
        (Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier),
    )
    QTest.keyClick(slider, *undo)
    assert slider.value() == 20
    QTest.keyClick(view.draw_field, *undo)
    assert slider.value() == 0 and np.array_equal(view.numbers(), stands)
    for _ in range(2):
        QTest.keyClick(view.seen_field, *redo)
    assert slider.value() == 60 and np.array_equal(view.numbers(), turned)
    for _ in range(20):
        QTest.keyClick(view, *undo)
    assert view.is_blank and window.document.project.name.endswith("!")
    for _ in range(20):
        QTest.keyClick(view, *redo)
    assert np.array_equal(view.numbers(), turned)
    # Put away, the cards show the pinned example again; the training never noticed.
    window.docks.docks["own_input"].hide()
    qtbot.waitUntil(lambda: not window.feed.shown.instead, timeout=TIMEOUT)
    assert weights(window) == before


def test_an_example_and_pictures_of_files_and_of_the_clipboard(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path
) -> None:
    window = open_window("digits-cnn")
    view = opened(qtbot, window)
    assert view.picture is not None and view.controls is not None
    run = window.feed.run
    view.controls.asked.emit("example")
    qtbot.waitUntil(lambda: not view.is_blank, timeout=TIMEOUT)
    rests(qtbot, view)
    pinned = run.latest(PINNED_INPUT.series())
    assert view.answer_shown is not None
    shown = {one.series: one for one in view.answer_shown.readings}
    assert np.array_equal(shown[PINNED_INPUT.series()].array, pinned.array)  # type: ignore[union-attr]
    assert view._label == pinned.meta["label"]  # type: ignore[union-attr]
    for series, one in shown.items():
        measured = run.latest(series)
        if series != PINNED_INPUT.series() and measured is not None:
            assert np.allclose(one.array, measured.array, atol=1e-5)  # type: ignore[union-attr]
    # Dark ink on paper is turned round, and fits the picture.
    path = tmp_path / "seven.png"
    paper = np.full((60, 60), 255, np.uint8)
    paper[10:16, 15:45] = 0
    Image.fromarray(paper).save(path)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    view.draw_field.dropped.emit(data)
    qtbot.waitUntil(lambda: view.picture.treatment.inverted, timeout=TIMEOUT)  # type: ignore[union-attr]
    seen = view.numbers()[0] / 255
    row = round(13 / 60 * len(seen))
    assert seen[row, len(seen) // 2] > 0.5 and seen[-3].max() < 0.02
    assert view._label == ""
    pasted = QImage(28, 28, QImage.Format.Format_RGB32)
    pasted.fill(QColor(40, 40, 40))
    data = QMimeData()
    data.setImageData(pasted)
    view.take(data)
    qtbot.waitUntil(lambda: view.numbers().mean() == 40, timeout=TIMEOUT)


def test_a_kept_run_answers_beside_it_and_numbers_are_typed(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path
) -> None:
    from nnviz.cli import main

    path = tmp_path / "kept.nnvizrun"
    assert main(["train", "sample:spiral", "--epochs", "2", "--run", str(path)]) == 0
    window = open_window("spiral")
    view = opened(qtbot, window)
    assert view.rows is not None
    qtbot.waitUntil(lambda: view.answer_shown is not None, timeout=TIMEOUT)  # it begins with the pinned example
    view.beside.choose(path)
    QTest.keyClicks(view.rows.fields[0], "")
    for index, text in enumerate(("0,5", "-0.25")):
        view.rows.fields[index].setText(text)
        view.rows.fields[index].editingFinished.emit()
    qtbot.waitUntil(lambda: bool(view.beside.bars.answer) and not view.beside.busy, timeout=TIMEOUT)
    rests(qtbot, view)
    assert view.numbers().tolist() == [0.5, -0.25]
    expected = directly(window, view.numbers())["whole"]
    answer = view.bars.shares
    assert answer[-1] == pytest.approx(1 / (1 + np.exp(-expected[0])), abs=1e-6) or answer == pytest.approx(
        np.exp(expected) / np.exp(expected).sum(), abs=1e-6
    )
    # The other is trained, this one is not: they do not say the same.
    assert view.beside.bars.shares != pytest.approx(answer, abs=1e-3)
    refused: list[str] = []
    view.rows.refused.connect(refused.append)
    view.rows.fields[0].setText("much")
    view.rows.fields[0].editingFinished.emit()
    assert refused and view.numbers()[0] == 0.5
    # What somebody says of them stays while they are changed, and goes back like a number.
    names = view._facts.class_names  # type: ignore[union-attr]
    view.right.box.setCurrentIndex(1)
    view.right.box.activated.emit(1)
    assert view.rows.label == names[0]
    view.rows.sliders[0].setValue(300)
    assert view.right.label == view.rows.label == names[0]
    for _ in range(2):
        QTest.keyClick(view.rows.sliders[0], Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert view.right.label == "" and view.numbers().tolist() == [0.5, -0.25]
    # Numbers go back, too, from the field as from the slider.
    view.rows.sliders[1].setValue(900)
    slid = view.numbers().tolist()
    QTest.keyClick(view.rows.fields[1], Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert view.numbers().tolist() == [0.5, -0.25]
    QTest.keyClick(
        view.rows.sliders[0], Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    )
    assert view.numbers().tolist() == slid


def by_hand(window: MainWindow, numbers: Any, right: int) -> dict[str, Any]:
    """Loss, gradients and saliency of a class: digits-cnn written down in torch's own functions."""
    session = window.bridge.session
    assert session is not None

    def question() -> dict[str, Any]:
        import torch
        from torch.nn import functional

        training = session.training
        own = {name: one.detach() for name, one in training.network.named_parameters()}

        def of(layer: str) -> tuple[Any, Any]:
            weight, bias = (next(one for name, one in own.items() if name.endswith(f"{layer}.{which}"))
                            for which in ("weight", "bias"))  # fmt: skip
            return weight, bias

        with torch.enable_grad():
            inputs = training.data.scaler.apply(torch.from_numpy(numbers)[None]).requires_grad_()
            conv1 = functional.conv2d(inputs, *of("conv1"))
            pooled = functional.max_pool2d(torch.relu(conv1), 2)
            pooled = functional.max_pool2d(torch.relu(functional.conv2d(pooled, *of("conv2"))), 2)
            hidden = functional.leaky_relu(functional.linear(pooled.flatten(1), *of("linear1")), 0.01)
            logits = functional.linear(hidden, *of("linear2"))[0]
            loss = torch.logsumexp(logits, 0) - logits[right]
            (of_conv1,) = torch.autograd.grad(loss, conv1, retain_graph=True)
            (slope,) = torch.autograd.grad(logits[right], inputs)
        return {"loss": loss.item(), "conv1": of_conv1[0].numpy(), "saliency": slope[0].abs().numpy().max(0)}

    return session.ask(question).result(20)


def choose(qtbot: QtBot, view: OwnInputView, name: str) -> None:
    """A class in the box beside the drawing, by two clicks."""
    box = view.right.box
    assert box.isVisible()
    QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=box.rect().center())
    rows = box.view()
    qtbot.waitUntil(rows.isVisible, timeout=TIMEOUT)
    qtbot.wait(QApplication.doubleClickInterval() + 50)  # until then the list takes a release for that of the first
    QTest.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton,
                     pos=rows.visualRect(rows.model().index(box.findText(name), 0)).center())  # fmt: skip


def test_a_drawn_digit_is_told_its_class_and_has_a_loss(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    window.resize(1280, 720)
    view, flow = opened(qtbot, window), window.flow
    assert window.docks is not None and view.picture is not None and view.controls is not None
    view.controls.fit.click()  # what is drawn stays where it is
    # It is drawn beside the cards, which keep their pictures in a small window, and the palette lends its room.
    qtbot.waitUntil(lambda: not window.palette_panel.isVisible() and view.width() > 300, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: not window.canvas.camera.gliding, timeout=TIMEOUT)
    assert window.canvas.stage.level is not Level.FAR and view.draw_field.area().width() >= 120
    side = view.picture.shape[1]
    # No part of it is like another: of equal numbers in a window of a pooling either may be the winner.
    drag(view.draw_field, [(0.31 * side, 0.33 * side), (0.16 * side, 0.61 * side), (0.83 * side, 0.47 * side)], side)
    rests(qtbot, view)
    window.action("backward").trigger()
    qtbot.waitUntil(lambda: flow.looking is not None and "Nobody said" in flow.looking.words, timeout=TIMEOUT)
    choose(qtbot, view, "1")
    assert view.right.label == "1"
    qtbot.waitUntil(lambda: flow.looking is not None and "your own input, a “1”" in flow.looking.words, timeout=TIMEOUT)
    expected = by_hand(window, view.numbers(), 1)
    lens = window.canvas.stage.lens
    assert lens is not None and np.abs(expected["conv1"]).max() > 1e-6
    assert lens.pictures["conv1"].values == pytest.approx(expected["conv1"], rel=1e-4, abs=1e-8)
    explain, why = window.docks.show_panel("explain"), window.docks.show_panel("why")
    assert isinstance(explain, ExplainPanel) and isinstance(why, WhyPanel)
    explain.toggle_page()
    place = max(np.ndindex(expected["conv1"].shape), key=lambda at: abs(expected["conv1"][at]))
    for asked_about, value in (
        (Place(LOSS, LOSS), expected["loss"]),
        (Place("conv1", index=place, backward=True), float(expected["conv1"][place])),
    ):
        explain.explain(asked_about)
        qtbot.waitUntil(
            lambda: (there := explain.walk.place) is not None and there.node == asked_about.node,  # noqa: B023 - called at once
            timeout=TIMEOUT,
        )
        qtbot.waitUntil(lambda: not (explain.walk.waiting or explain.walk.failure), timeout=TIMEOUT)
        taken = explain.walk.taken
        assert taken is not None and taken.right == "1" and taken.explanation.value == pytest.approx(value, rel=1e-4)
        assert explain.page is not None and "your own input, a “1”" in written(explain.page.sheet)
    explain.toggle_page()
    # Where the answer is looked into, the right class can be asked about, whatever the answer is.
    window.docks.show_panel("why")
    why.views.why.choose("saliency", "right")
    qtbot.waitUntil(lambda: (found := why.views.why.answer) is not None and found.target == 1, timeout=TIMEOUT)
    assert why.views.why.answer is not None
    assert why.views.why.answer.map == pytest.approx(expected["saliency"], rel=1e-3, abs=1e-6)
    # A lecture shows the same input and says the same about it.
    window.looks.set_lecture(True)
    page = window.lecture.page
    assert page is not None and page.band.looking is not None and "a “1”" in page.band.looking.words
    assert window.feed.shown.instead and window.workspace.own_input is not None
    window.looks.set_lecture(False)
    # What was said is taken back and said again like a stroke; an empty canvas is of no class.
    QTest.keyClick(view.draw_field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert view.right.label == "" and not view.is_blank
    qtbot.waitUntil(lambda: flow.looking is not None and "Nobody said" in flow.looking.words, timeout=TIMEOUT)
    QTest.keyClick(view.draw_field, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert view.right.label == "1"
    QTest.keyClick(view.draw_field, Qt.Key.Key_Delete)
    assert view.right.label == "" and view.is_blank
    # Put away, the palette has its room again.
    window.docks.docks["own_input"].close()
    qtbot.waitUntil(window.palette_panel.isVisible, timeout=TIMEOUT)


def test_an_own_input_is_taken_apart_while_it_stands_on_the_cards(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    assert window.docks is not None
    view, explain, large = opened(qtbot, window), window.docks.panels["explain"], window.action("explain_large")
    assert isinstance(explain, ExplainPanel)
    walk, flow = explain.walk, window.flow

    def taken(place: Place) -> TakenApart:
        """Ask about a number, and wait for it."""
        explain.explain(place)
        qtbot.waitUntil(
            lambda: not (walk.waiting or walk.failure) and walk.place is not None and walk.place.node == place.node,
            timeout=TIMEOUT,
        )
        assert walk.taken is not None
        return walk.taken

    pixel = Place("conv1", index=(0, 12, 12))
    large.trigger()
    assert explain.page is not None
    sheet = explain.page.sheet
    pinned = taken(pixel)
    assert "example 0" in written(sheet) and "own" not in written(sheet)
    large.trigger()
    # The pinned example, moved by a pixel: what stands on the card is taken apart, and its class still is right.
    view.take_example()
    qtbot.waitUntil(lambda: view.answer_shown is not None, timeout=TIMEOUT)
    large.trigger()
    assert not view.isVisible()
    right = taken(pixel).right
    view._on_moved(0, 1)
    rests(qtbot, view)
    expected = directly(window, view.numbers())
    wanted = float(expected["conv1"][0, 12, 12])
    assert abs(wanted - pinned.explanation.value) > 1e-3
    qtbot.waitUntil(lambda: abs(walk.taken.explanation.value - wanted) < 1e-5, timeout=TIMEOUT)  # type: ignore[union-attr]
    assert walk.taken is not None and walk.taken.explanation.total == pytest.approx(wanted, abs=1e-5)
    assert f"your own input, a “{right}”" in written(sheet) and len(walk.trail) == 1
    logits = expected["whole"].astype(float)
    loss = float(np.log(np.exp(logits).sum()) - logits[view._facts.class_names.index(right)])  # type: ignore[union-attr]
    assert taken(Place(LOSS, LOSS)).explanation.value == pytest.approx(loss, rel=1e-4)
    window.action("backward").trigger()
    qtbot.waitUntil(lambda: flow.looking is not None and "your own input" in flow.looking.words, timeout=TIMEOUT)
    # Drawn from nothing, nobody said what is right: forwards it is taken apart, and of a loss a sentence says so.
    window.action("backward").trigger()
    if explain.is_large:
        large.trigger()
    assert view.picture is not None
    side = view.picture.shape[1]
    view._do("clear")
    drag(view.draw_field, [(0.15 * side, 0.5 * side), (0.85 * side, 0.5 * side)], side)
    rests(qtbot, view)
    large.trigger()
    found, expected = taken(Place("conv2", index=(3, 4, 4))), directly(window, view.numbers())
    assert found.explanation.value == pytest.approx(float(expected["conv2"][3, 4, 4]), abs=1e-5)
    assert "your own input" in written(sheet) and not found.right
    shares = taken(Place("output", index=(2,))).shares
    assert shares is not None and shares.right is None and shares.shares == pytest.approx(view.bars.shares, abs=1e-6)
    explain.explain(Place(LOSS, LOSS))
    qtbot.waitUntil(lambda: walk.failure.startswith("Nobody said what is right"), timeout=TIMEOUT)
    assert "Nobody said" in written(sheet)
    # What is in front of it as a tab explains it, too; put away, the cards show the pinned example.
    large.trigger()
    window.docks.show_panel("explain")
    qtbot.waitUntil(explain.isVisible, timeout=TIMEOUT)
    qtbot.wait(150)
    assert view.is_active and window.feed.shown.instead
    # Off the cards, it is the pinned example's number again.
    taken(pixel)
    view.on_cards.setChecked(False)
    qtbot.waitUntil(lambda: "example 0" in written(sheet), timeout=TIMEOUT)
    assert walk.taken is not None and walk.taken.explanation.value == pinned.explanation.value
