"""Brings live values to the cards: only those in sight are painted, together, at most fifteen times a second."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, QTimer, Signal

from nnviz.gui.canvas.camera import Camera
from nnviz.gui.canvas.geometry import Level
from nnviz.gui.canvas.items.node_item import NodeItem
from nnviz.gui.canvas.items.stage import Stage
from nnviz.gui.canvas.scene import CanvasScene
from nnviz.gui.runs.shown import Shown
from nnviz.record.quantities import FINDING

#: Cards show new values at most this often, in milliseconds.
REFRESH = 66


class RunFollower(QObject):
    """Takes what the feed brings to the cards, and finds out which can be seen, so that only those are measured.

    Args:
        scene: With the cards.
        stage: Where they find the values.
        camera: Which of them are in sight.

    Signals:
        visible_changed: Ids of the nodes that can be seen and show values, as a frozenset.
    """

    visible_changed = Signal(object)

    def __init__(self, scene: CanvasScene, stage: Stage, camera: Camera, parent: QObject) -> None:
        super().__init__(parent)
        self._scene = scene
        self._stage = stage
        self._camera = camera
        self._shown: Shown | None = None
        self._seen: frozenset[str] = frozenset()
        self._refreshed = 0.0
        self._refresh = QTimer(self)
        self._refresh.setSingleShot(True)
        self._refresh.timeout.connect(self.refresh)
        self._look = QTimer(self)
        self._look.setSingleShot(True)
        self._look.setInterval(120)
        self._look.timeout.connect(self._look_now)

    def take(self, shown: Shown, changed: frozenset[str]) -> None:
        """Mark the cards that show new values, and have those in sight painted."""
        scene, live = self._scene, self._stage.live
        live.show(shown.run, shown.step, shown.instead, shown.example)
        scene.follow_facts()
        before, self._shown = self._shown, shown
        if before is not None and shown.run is not before.run:
            self._stage.pictures.clear()  # else those of every training pile up to what the cache may hold
        elsewhere = before is None or shown.run is not before.run or shown.step != before.step
        elsewhere = elsewhere or (before is not None and shown.example != before.example)
        if elsewhere:
            for card in scene.cards.values():
                card.mark_stale()
        scene.take_values(changed)
        if elsewhere or any(FINDING.owns(series) for series in changed):
            scene.refresh_findings()
        if elsewhere:
            self.refresh()
        elif not self._refresh.isActive():
            waited = (time.perf_counter() - self._refreshed) * 1000.0
            self._refresh.start(max(0, round(REFRESH - waited)))

    def refresh(self) -> None:
        """Paint the cards in sight that do not show the newest values yet; from far they show none."""
        self._refreshed = time.perf_counter()
        if self._stage.level is Level.FAR:
            return
        for item in self._scene.items(self._camera.visible_rect()):
            if isinstance(item, NodeItem) and (item.stale or item.has_aged()):
                item.mark_stale()
                item.update()

    def look_later(self) -> None:
        """Look which cards are in sight once the view has come to rest."""
        self._look.start()

    def visible_nodes(self) -> frozenset[str]:
        """Ids of the nodes whose card can be seen and shows values."""
        if self._stage.level is Level.FAR:
            return frozenset()
        items = self._scene.items(self._camera.visible_rect())
        return frozenset(item.facts.pictured for item in items if isinstance(item, NodeItem))

    def _look_now(self) -> None:
        seen = self.visible_nodes()
        if seen != self._seen:
            self._seen = seen
            self.visible_changed.emit(seen)
