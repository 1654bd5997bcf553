"""What is written on a sheet is painted once for each number; pointing, and what goes from before it, paint a ring."""

from __future__ import annotations

from random import Random

import pytest
from PySide6.QtCore import QPoint, QSize
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from nnviz.explain.place import Place
from nnviz.gui.explain.sheet import Sheet
from tests.explain.explain_helpers import CASES, flowing
from tests.gui.explain.explain_sheets import sheet_of


def test_pointing_paints_no_number_anew_and_leaves_every_pixel(
    styled: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[object] = []
    write = Sheet._paint_written

    def counted(sheet: Sheet, painter: QPainter) -> None:
        written.append(painter)
        write(sheet, painter)

    monkeypatch.setattr(Sheet, "_paint_written", counted)
    network, values = flowing(CASES["conv2d"](Random(1)), training=False, count=1)
    sheet = sheet_of(network, values, monkeypatch)
    sheet.resize(900, 600)
    sheet.walk.start(Place("layer", index=(0, 0, 0)))
    sheet.show()
    first = sheet.grab().toImage()
    QApplication.processEvents()
    written.clear()
    spot = next(spot for spot in sheet.spots if spot.leads and spot.zone != "input")
    sheet._hovered = spot.rect.center()
    sheet._light_up()
    sheet.grab()
    sheet._hovered = None
    assert sheet.grab().toImage() == first and not written
    # Another number, other letters, another size, or somebody who asks for it: written anew, and the same again.
    sheet.walk.start(Place("layer", index=(0, 1, 1)))
    assert sheet.grab().toImage() != first and len(written) == 1
    sheet.walk.start(Place("layer", index=(0, 0, 0)))
    sheet.set_letters(17.0)
    other = sheet.grab().toImage()
    assert other != first and len(written) >= 2
    written.clear()
    sheet.update()
    assert sheet.grab().toImage() == other and len(written) == 1
    # Rendered larger it is sharp: nothing kept is stretched.
    image = QImage(QSize(1800, 1200), QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    painter.scale(2.0, 2.0)
    sheet.render(painter, QPoint(0, 0))
    painter.end()
    assert len(written) == 2
    sheet.close()
