"""Some examples with their pictures, or as rows, and what the network made of each; a click pins one to the canvas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QHideEvent, QIcon, QPixmap, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QListView, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from nnviz.gui.look import theme as themes
from nnviz.gui.look.pictures import sample_picture
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.plain_text import plain_tip
from nnviz.gui.parts.widgets import line_height, set_font
from nnviz.gui.runs.shown_network import Asked, ShownNetwork
from nnviz.record.number_text import format_number

if TYPE_CHECKING:
    from nnviz import train

#: Examples that are listed.
MOST = 60
#: Side of a picture, in pixels at the letters of a desk; and numbers of a row that are written.
_SIDE, _MOST_NUMBERS = 56, 4
#: Pixels of the list beside a line of numbers.
_BESIDE_TEXT = 12
#: Pixels of height from which on there is room for what a click does, which stands in the tooltip else.
_ROOMY = 300


def numbers_of(training: train.training.Training, split: str, places: Sequence[int]) -> dict[int, NDArray[np.float32]]:
    """The raw numbers of some examples, pictures from 0 to 1; on the thread that owns the network."""
    inputs = training.data.split(split).inputs
    known = {}
    for place in places:
        if 0 <= place < len(inputs):
            raw = inputs[place]
            scale = 1.0 if raw.is_floating_point() else 1 / 255
            known[place] = np.asarray(raw.float().numpy() * scale, np.float32)
    return known


class ExampleTiles(QWidget):
    """A heading and the examples below it.

    Args:
        network: Asked for the pictures.
        parent: Owner.

    Attributes:
        chosen: Signal: the place in the split of an example that was clicked.
    """

    chosen = Signal(int)

    def __init__(self, network: ShownNetwork, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._network = network
        self._split = ""
        self._places: tuple[int, ...] = ()
        self._words: Callable[[int], str] = str
        self._known: dict[int, NDArray[np.float32]] = {}
        self._of: object = None
        self._asked: Asked | None = None
        self._always = False
        #: Whether they are pictures; as before while nothing is known of the new ones.
        self._pictures = True
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self.title = QLabel("", self)
        self.title.setWordWrap(True)
        self.title.setTextFormat(Qt.TextFormat.PlainText)  # classes have the names that their owner gave them
        set_font(self.title, 12, 600)
        column.addWidget(self.title)
        self.list = QListWidget(self)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setMovement(QListView.Movement.Static)
        self.list.setUniformItemSizes(True)
        self.list.setWordWrap(True)
        self.list.setMinimumSize(120, 60)
        self.list.itemClicked.connect(self._on_item)
        self.list.itemActivated.connect(self._on_item)
        column.addWidget(self.list, 1)
        self.hint = QLabel("", self)
        self.hint.setProperty("role", "muted")
        self.hint.setWordWrap(True)
        self.hint.setTextFormat(Qt.TextFormat.PlainText)
        set_font(self.hint, 12)
        column.addWidget(self.hint)
        follow(themes.notifier.changed, self._show_items)

    def show_examples(
        self, of: object, split: str, title: str, places: Sequence[int], words: Callable[[int], str], hint: str
    ) -> None:
        """Show some examples.

        Args:
            of: What they belong to; with another, what is known of others is forgotten.
            split: Where they are.
            title: What they have in common.
            places: In the split, the most telling first; the first 60 are listed.
            words: One or two lines about each.
            hint: What a click does.
        """
        if of is not self._of or split != self._split:
            self._known, self._of, self._split = {}, of, split
            self.forget()
        listed = tuple(int(place) for place in places[:MOST])
        count = len(places)
        some = f" · first {MOST} of {themes.format_count(count)}" if count > MOST else ""
        self.title.setText(f"{title}{some}")
        self.list.setAccessibleName(title)
        self._say(hint if listed else "")
        self._words = words
        if listed != self._places:
            self._places = listed
            self.list.clear()
            for place in listed:
                item = QListWidgetItem(self.list)
                item.setData(Qt.ItemDataRole.UserRole, place)
        self._show_items()
        self._ask()

    def clear(self) -> None:
        """Nothing of what was shown stays."""
        self.forget()
        self._places, self._known, self._of = (), {}, None
        self.list.clear()
        self.title.clear()
        self._say("")

    def forget(self) -> None:
        """What was asked is not wanted any more."""
        if self._asked is not None:
            self._asked.cancel()
            self._asked = None

    def _say(self, text: str, *, always: bool = False) -> None:
        self.hint.setText(text)
        self.list.setToolTip(plain_tip(text))
        self._always = always
        self._show_hint()

    def _show_hint(self) -> None:
        self.hint.setVisible(bool(self.hint.text()) and (self._always or self.height() >= _ROOMY))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The line at the foot stands where there is room for it."""
        super().resizeEvent(event)
        self._show_hint()
        if not self._pictures:
            self._show_items()

    def _ask(self) -> None:
        missing = [place for place in self._places if place not in self._known]
        if not missing or self._asked is not None or not self.isVisible():
            return
        split = self._split
        self._asked = self._network.ask(
            lambda training: numbers_of(training, split, missing), self._on_known, self._on_unknown
        )

    def _on_known(self, known: dict[int, NDArray[np.float32]]) -> None:
        self._asked = None
        self._known.update(known)
        self._show_items()
        if known:
            self._ask()  # others may have been listed meanwhile

    def _on_unknown(self, error: BaseException) -> None:
        self._asked = None
        self._say(str(error), always=True)

    def _show_items(self) -> None:
        if self._known:
            self._pictures = any(known.ndim == 3 for known in self._known.values())
        pictures = self._pictures
        side = round(_SIDE * themes.text_scale())
        self.list.setFont(themes.font(12))
        icons = QListView.ViewMode.IconMode if pictures else QListView.ViewMode.ListMode
        if self.list.viewMode() is not icons:
            self.list.setViewMode(icons)
            self.list.setMovement(QListView.Movement.Static)
        self.list.setWordWrap(pictures)
        never, needed = Qt.ScrollBarPolicy.ScrollBarAlwaysOff, Qt.ScrollBarPolicy.ScrollBarAsNeeded
        self.list.setHorizontalScrollBarPolicy(needed if pictures else never)
        self.list.setIconSize(QSize(side, side))
        cell = QSize(max(round(side * 1.75), 84), side + 2 * line_height() + 12)
        self.list.setGridSize(cell if pictures else QSize())
        centred = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
        texts = self._texts()
        lines = texts if pictures else self._fitting(texts)
        for row, (text, shown) in enumerate(zip(texts, lines, strict=True)):
            item = self.list.item(row)
            place = int(item.data(Qt.ItemDataRole.UserRole))
            numbers = self._known.get(place)
            if pictures:
                item.setTextAlignment(centred)
                item.setSizeHint(cell)
                if numbers is not None:
                    item.setIcon(QIcon(_picture(numbers, side)))
            else:
                item.setSizeHint(QSize())
            if item.text() != shown:
                item.setText(shown)
                item.setToolTip(plain_tip(f"Example {themes.format_count(place)}: {text}"))

    def _texts(self) -> list[str]:
        """What is said about each, line by line."""
        texts = []
        for row in range(self.list.count()):
            place = int(self.list.item(row).data(Qt.ItemDataRole.UserRole))
            text, numbers = self._words(place), self._known.get(place)
            if not self._pictures and numbers is not None:
                some = ", ".join(format_number(float(one)) for one in numbers.reshape(-1)[:_MOST_NUMBERS])
                text += f"\n({some}{', …' if numbers.size > _MOST_NUMBERS else ''})"
            texts.append(text)
        return texts

    def _fitting(self, texts: Sequence[str]) -> list[str]:
        """Two lines each where these have room, else three; what is longer than the list is wide ends with dots."""
        metrics, room = QFontMetrics(themes.font(12)), self.list.viewport().width() - _BESIDE_TEXT
        joined = [text.replace("\n", ", ", 1) if text.count("\n") > 1 else text for text in texts]
        if all(metrics.horizontalAdvance(text.partition("\n")[0]) <= room for text in joined):
            texts = joined
        dots = Qt.TextElideMode.ElideRight
        return ["\n".join(metrics.elidedText(line, dots, room) for line in text.split("\n")) for text in texts]

    def _on_item(self, item: QListWidgetItem) -> None:
        self.chosen.emit(int(item.data(Qt.ItemDataRole.UserRole)))

    def showEvent(self, event: QShowEvent) -> None:
        """What was not asked while it was hidden."""
        super().showEvent(event)
        self._show_items()
        self._ask()

    def hideEvent(self, event: QHideEvent) -> None:
        """What nobody sees is not asked for."""
        super().hideEvent(event)
        self.forget()


def _picture(numbers: NDArray[np.float32], side: int) -> QPixmap:
    ratio = Qt.AspectRatioMode.KeepAspectRatio
    return QPixmap.fromImage(
        sample_picture(numbers).scaled(side, side, ratio, Qt.TransformationMode.FastTransformation)
    )
