"""Live values reach the cards: only those in sight are painted, together, at most fifteen times a second."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from nnviz.gui.canvas.geometry import Level
from nnviz.gui.canvas.items.node_item import NodeItem
from nnviz.gui.runs.shown import Shown
from nnviz.record.quantities import FINDING

if TYPE_CHECKING:
    from nnviz.gui.canvas.view import CanvasView

#: Cards show new values at most this often, in milliseconds.
REFRESH = 66


class RunFollower(QObject):
    """Takes what the feed brings, and tells which nodes can be seen, so that only those are measured.

    Signals:
        visible_changed: Ids of the nodes that can be seen and show values, as a frozenset.
    """

    visible_changed = Signal(object)

    def __init__(self, canvas: CanvasView) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._shown: Shown | None = None
        self._seen: frozenset[str] = frozenset()
        self._refreshed = 0.0
        self._refresh = QTimer(self)
        self._refresh.setSingleShot(True)
        self._refresh.timeout.connect(self.refresh)
        self._look = QTimer(self)
        self._look.setSingleShot(True)
        self._look.setInterval(120)
        self._look.timeout.connect(self._tell_visible)

    def take(self, shown: Shown, changed: frozenset[str]) -> None:
        """New values: mark the cards that show them."""
        scene, live = self._canvas.canvas_scene, self._canvas.stage.live
        live.show(shown.run, shown.step)
        scene.follow_facts()
        before, self._shown = self._shown, shown
        elsewhere = before is None or shown.run is not before.run or shown.step != before.step
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
        canvas = self._canvas
        if canvas.stage.level is Level.FAR:
            return
        for item in canvas.canvas_scene.items(canvas.visible_rect()):
            if isinstance(item, NodeItem) and item.stale:
                item.update()

    def look_later(self) -> None:
        """Something else may be in sight now; look when it has come to rest."""
        self._look.start()

    def visible_nodes(self) -> frozenset[str]:
        """Ids of the nodes whose card can be seen and shows values."""
        canvas = self._canvas
        if canvas.stage.level is Level.FAR:
            return frozenset()
        items = canvas.canvas_scene.items(canvas.visible_rect())
        return frozenset(item.facts.pictured for item in items if isinstance(item, NodeItem))

    def _tell_visible(self) -> None:
        seen = self.visible_nodes()
        if seen != self._seen:
            self._seen = seen
            self.visible_changed.emit(seen)
