"""Sheets without a window: a walk that is answered at once, on a network of one layer."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtTest import QTest

from nnviz.explain import taken_apart
from nnviz.explain.values import Values
from nnviz.gui.explain.ink import Spot
from nnviz.gui.explain.sheet import Sheet
from nnviz.gui.explain.walk import Walk
from nnviz.gui.runs.shown_network import Asked, ShownNetwork
from nnviz.network.network import Network
from nnviz.project.model import TrainConfig
from nnviz.record.age import Moment


class Answering(QObject):
    """Answers every question at once."""

    changed = Signal()
    key = ("still",)

    def __init__(self, training: object) -> None:
        super().__init__()
        self._training = training

    def ask(
        self,
        question: Callable[[Any], Any],
        done: Callable[[Any], None],
        failed: Callable[..., None],
        _owner: object = None,
    ) -> Asked:
        try:
            found = question(self._training)
        except Exception as error:  # noqa: BLE001 - as the network on the screen does
            failed(error)
        else:
            done(found)
        return cast(Asked, None)


def sheet_of(network: Network, values: Values, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...] = ()) -> Sheet:
    """A sheet on a network through which these values flow; nothing trains it."""
    monkeypatch.setattr(taken_apart, "values_of_example", lambda *_given, **_wanted: values)
    data = SimpleNamespace(
        validation=range(values.count),
        split=lambda _name: range(values.count),
        describe=lambda _index, _split: "right",
        facts=SimpleNamespace(class_names=names),
    )
    training = SimpleNamespace(network=network, data=data, step=0, config=TrainConfig(), optimizer=None)
    walk = Walk(cast(ShownNetwork, Answering(training)), lambda: 0)
    sheet = Sheet(walk, Moment)
    walk.setParent(sheet)
    return sheet


def click(sheet: Sheet, spot: Spot) -> None:
    QTest.mouseClick(
        sheet, Qt.MouseButton.LeftButton, pos=QPoint(round(spot.rect.center().x()), round(spot.rect.center().y()))
    )


def written(sheet: Sheet) -> str:
    """All that is written on it, a line a text."""
    return "\n".join(sheet.texts)
