"""Has cards glide to their places when all of them are put in order, and back when that is undone."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPointF, QRectF, Signal
from PySide6.QtWidgets import QWidget

from nnviz.gui.canvas.camera import Camera
from nnviz.gui.canvas.glide import Glide
from nnviz.gui.canvas.scene import CanvasScene
from nnviz.gui.look import motion
from nnviz.gui.parts.following import follow
from nnviz.project.edits import Edit, Several
from nnviz.project.model import Project

GLIDE_MILLISECONDS = 250
#: More cards than these are at their places at once: no eye follows them, and every frame would take too long.
MOST_CARDS = 300


class Rearranging(QObject):
    """Shows the way from the old places to the new ones, after the document has changed.

    The document knows nothing of it: it has changed once, and the cards only appear to be elsewhere for a moment.

    Args:
        scene: With the cards.
        camera: What was fitted stays fitted while they glide.
        view: Cards glide only where it is on the screen; the glide dies with it.

    Signals:
        settled: The cards have come to rest.
    """

    settled = Signal()

    def __init__(self, scene: CanvasScene, camera: Camera, view: QWidget) -> None:
        super().__init__(view)
        self._view = view
        self._scene = scene
        self._camera = camera
        self._glide = Glide(self)
        self._goal = QRectF()
        self._places: dict[str, tuple[float, float]] = {}
        self._remember()
        follow(scene.document.changed, self._on_changed)

    @property
    def goal(self) -> QRectF | None:
        """The rectangle around all cards when they will have come to rest; None while they are."""
        return self._goal if self._glide.active else None

    def finish(self) -> None:
        """End the glide at once: put all cards where they belong."""
        self._glide.finish()

    def _remember(self) -> None:
        self._places = {node: card.place for node, card in self._scene.cards.items()}

    def _on_changed(self, before: Project, after: Project, edit: Edit | None) -> None:
        """Have the cards come from their old places: the scene has put them to the new ones already."""
        self._glide.cancel()
        cards = self._scene.cards
        glides = isinstance(edit, Several) and edit.arranges and motion.allowed() and self._view.isVisible()
        if not glides or len(cards) > MOST_CARDS:
            self._remember()
            return
        ways = {
            node: (QPointF(*self._places[node]), QPointF(*card.place))
            for node, card in cards.items()
            if self._places.get(node, card.place) != card.place
        }
        if not ways:
            self._remember()
            return
        self._goal = self._scene.content_rect()

        def frame(share: float) -> None:
            places = {node: start + (end - start) * share for node, (start, end) in ways.items()}
            self._scene.preview(places)
            # Where an undo in the middle begins.
            self._places.update({node: (place.x(), place.y()) for node, place in places.items()})

        self._glide.start(GLIDE_MILLISECONDS, frame, self._on_done)
        frame(0.0)
        if self._camera.fitted:
            self._camera.fit(glide=True)

    def _on_done(self) -> None:
        self._scene.settle()
        self._remember()
        self.settled.emit()
