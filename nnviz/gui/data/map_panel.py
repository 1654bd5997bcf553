"""The map of examples with what can be chosen about it; maps are made on a worker and can be stopped."""

from __future__ import annotations

from collections.abc import Callable

import shiboken6
from PySide6.QtCore import Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from nnviz.data import described
from nnviz.data.described import PlaneMap
from nnviz.data.viewing import ViewedData
from nnviz.errors import Cancelled
from nnviz.gui.data.map_view import PlanePoints
from nnviz.gui.data.thumbnails import ThumbnailSize, sheet
from nnviz.gui.parts.background import Background
from nnviz.gui.parts.chooser import ShorteningChooser
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.parts.widgets import ElidedLabel, Segments, set_font

_LANE = "data maps"
_MAKING = {
    "columns": "Placing the examples…",
    "pca": "Finding the directions in which the examples vary most…",
    "tsne": "Finding neighbours (t-SNE). This takes up to half a minute; the training goes on meanwhile…",
}


class MapPanel(QWidget):
    """Signals: ``selected``: a point was clicked, the number of its example."""

    selected = Signal(int)

    def __init__(self, background: Background, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._data: ViewedData | None = None
        self._made: dict[object, PlaneMap] = {}
        self._job: _Job | None = None
        self._picturing = 0
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(6)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.kinds = Segments(
            [
                ("columns", "Two axes", "Two columns, or measures of pictures, against each other"),
                ("pca", "PCA", "The plane in which the examples vary most"),
                ("tsne", "t-SNE", "Neighbours side by side"),
            ],
            self,
        )
        self.kinds.chosen.connect(lambda _key: self.make())
        row.addWidget(self.kinds)
        self.across, self.up = ShorteningChooser(self), ShorteningChooser(self)
        for box, name in ((self.across, "Across"), (self.up, "Upwards")):
            box.setAccessibleName(name)
            box.setToolTip(name)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(12)
            set_font(box, 12)
            box.activated.connect(lambda _index: self.make())
            row.addWidget(box)
        self.pictures = QCheckBox("Pictures", self)
        self.pictures.setToolTip("Small pictures in place of points, where there is room")
        set_font(self.pictures, 12)
        self.pictures.toggled.connect(lambda _on: self._show_pictures())
        row.addWidget(self.pictures)
        row.addStretch(1)
        self.stop = QPushButton("Stop", self)
        set_font(self.stop, 12, 500)
        self.stop.clicked.connect(self.cancel)
        self.stop.hide()
        row.addWidget(self.stop)
        column.addLayout(row)
        self.plane = PlanePoints(self)
        self.plane.selected.connect(self.selected)
        self.plane.moved = self._show_pictures
        column.addWidget(self.plane, 1)
        self.words = ElidedLabel("", self)
        self.words.setProperty("role", "muted")
        set_font(self.words, 12)
        column.addWidget(self.words)

    @property
    def busy(self) -> bool:
        """Whether a map is being made."""
        return self._job is not None

    def show_data(self, data: ViewedData | None) -> None:
        """Another data set; nothing is made before the map is looked at."""
        self.cancel()
        self._data = data
        self._made.clear()
        self.plane.show_map(None, None, "")
        self.words.set_whole("")
        self.pictures.setVisible(data is not None and data.is_images)
        titles = () if data is None else described.axes(data)
        for place, box in enumerate((self.across, self.up)):
            box.clear()
            box.addItems(list(titles[:500]))
            box.setCurrentIndex(min(place, len(titles) - 1))

    def make(self) -> None:
        """Show the chosen map, made now where it was not yet."""
        self.cancel()
        data, kind = self._data, self.kinds.value
        for box in (self.across, self.up):
            box.setVisible(kind == "columns")
        if data is None or not len(data):
            return
        across, up = self.across.currentIndex(), self.up.currentIndex()
        key = (kind, across, up) if kind == "columns" else kind
        if key in self._made:
            self._show(self._made[key])
            return
        self.plane.show_map(None, None, _MAKING[kind])
        self.words.set_whole("")
        job = self._job = _Job()
        self.stop.show()
        work: Callable[[], PlaneMap] = {
            "columns": lambda: described.plane(data, max(across, 0), max(up, 0)),
            "pca": lambda: described.pca_map(data, lambda: job.cancelled),
            "tsne": lambda: described.tsne_map(data, lambda: job.cancelled),
        }[kind]

        def done(found: PlaneMap) -> None:
            if shiboken6.isValid(self) and self._job is job:
                self._end()
                self._made[key] = found
                self._show(found)

        def failed(error: BaseException) -> None:
            if shiboken6.isValid(self) and self._job is job:
                self._end()
                self.plane.show_map(None, None, "Stopped." if isinstance(error, Cancelled) else sentence_of(error))

        self._background.start(work, done, failed, _LANE)

    def cancel(self) -> None:
        """The map under way is not wanted any more."""
        if self._job is not None:
            self._job.cancelled = True
            self._end()
            self.plane.show_map(None, None, "Stopped. Choose a map to begin again.")

    def _end(self) -> None:
        self._job = None
        self.stop.hide()

    def _show(self, found: PlaneMap) -> None:
        self.plane.show_map(self._data, found, "")
        self.words.set_whole(f"{found.words} Click a point; wheel: nearer; drag: move; double-click: all.")
        self._show_pictures()

    def _show_pictures(self) -> None:
        """Small pictures of those that do not lie over each other, from a worker."""
        data = self._data
        shown = self.plane._map
        self._picturing += 1
        if data is None or shown is None or not self.pictures.isChecked() or not data.is_images:
            self.plane.show_pictures(None, self.plane.spread(0), 1, 1)
            return
        places, wanted = self.plane.spread(), self._picturing
        height, width = data.inputs[0].shape[-2:]
        size = ThumbnailSize.of(height, width, 32)
        if not len(places):
            return

        def done(made: QImage) -> None:
            if shiboken6.isValid(self) and wanted == self._picturing and shown is self.plane._map:
                self.plane.show_pictures(made, places, size.width, size.height)

        chosen = shown.numbers[places]
        self._background.start(lambda: sheet(data.inputs_of(chosen), size), done, lambda _error: None, "thumbnails")


class _Job:
    """A map under way; the thread that makes it asks whether it is wanted."""

    def __init__(self) -> None:
        self.cancelled = False
