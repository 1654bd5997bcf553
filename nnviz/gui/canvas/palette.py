"""The palette: every layer by family, found by typing, added by double-click, Enter or dragging."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import (
    QEvent,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QDrag, QFontMetrics, QKeyEvent, QPainter, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from nnviz.gui.canvas.geometry import CARD_RADIUS, CARD_WIDTH
from nnviz.gui.canvas.hands.gestures import LAYER_MIME
from nnviz.gui.look import theme
from nnviz.gui.look.painting import Saved, answering, guarded
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.matching import Candidate, rank
from nnviz.project import registry
from nnviz.project.document import Document
from nnviz.project.spec import LayerSpec

_KIND = Qt.ItemDataRole.UserRole
_FAMILY = Qt.ItemDataRole.UserRole + 1
_ROW, _HEADER, _FIRST_HEADER = 25, 32, 24
#: Left of a name its dot, left of a heading a margin; and the margin at the right of both.
_BEFORE_NAME, _BEFORE_HEADING, _AFTER = 33, 8, 4
#: Pixels of names and headings in usual letters, and what stands between two letters of a heading.
_NAME, _HEADING, _SPREAD = 13, 12, 0.5


def fitting(specs: Sequence[LayerSpec], text: str) -> list[int]:
    """Places of the layers that fit what was typed, the best first: by title, then by kind and by what they do."""
    return rank(text, [Candidate(spec.title, keywords=f"{spec.kind} {spec.help}") for spec in specs])


class _Painter(QStyledItemDelegate):
    """Draws a layer with a dot in the family's colour and the title, and headings in small capitals."""

    @answering(QSize)
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """The size of a row; headings have room above them."""
        scale = max(1.0, theme.text_scale() * 0.8)
        if index.data(_KIND) is None:
            return QSize(10, round((_FIRST_HEADER if index.row() == 0 else _HEADER) * scale))
        return QSize(10, round(_ROW * scale))

    @guarded
    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Draw one row."""
        colours = theme.current()
        rect = QRectF(option.rect)
        state = option.state
        view = self.parent()
        letters = view.letters() if isinstance(view, _LayerList) else (_NAME, _HEADING)
        with Saved(painter):
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            text = str(index.data(Qt.ItemDataRole.DisplayRole))
            if index.data(_KIND) is None:
                font = theme.scene_font(letters[1], 600)
                font.setLetterSpacing(font.SpacingType.AbsoluteSpacing, _SPREAD)
                painter.setFont(font)
                painter.setPen(colours.text_muted)
                place = rect.adjusted(_BEFORE_HEADING, 0.0, -_AFTER, -5.0)
                heading = painter.fontMetrics().elidedText(
                    text.upper(), Qt.TextElideMode.ElideRight, round(place.width())
                )
                painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, heading)
                return
            plate = rect.adjusted(2.0, 1.0, -2.0, -1.0)
            painter.setPen(Qt.PenStyle.NoPen)
            if state & QStyle.StateFlag.State_Selected:
                painter.setBrush(theme.mixed(colours.panel, colours.accent, 0.26))
                painter.drawRoundedRect(plate, 5.0, 5.0)
            elif state & QStyle.StateFlag.State_MouseOver:
                painter.setBrush(theme.mixed(colours.panel, colours.text, 0.07))
                painter.drawRoundedRect(plate, 5.0, 5.0)
            painter.setBrush(colours.family(str(index.data(_FAMILY))))
            painter.drawRoundedRect(QRectF(rect.left() + 15.0, rect.center().y() - 4.0, 9.0, 9.0), 2.5, 2.5)
            painter.setFont(theme.scene_font(letters[0]))
            painter.setPen(colours.text)
            place = rect.adjusted(_BEFORE_NAME, 0.0, -_AFTER, 0.0)
            name = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, round(place.width()))
            painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)


class _LayerList(QListWidget):
    """Lists the layers; each can be dragged away as a copy."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        #: The letters, and for which width and scale of letters they were chosen.
        self._letters, self._chosen_for = (_NAME, _HEADING), (0, 0.0)

    def letters(self) -> tuple[int, int]:
        """Pixels of the letters of names and of headings: as large as asked for, where the longest of each is whole."""
        width = self.viewport().width()
        if self._chosen_for != (width, theme.text_scale()):
            self._chosen_for = width, theme.text_scale()
            names = [spec.title for spec in registry.layers().values()]
            headings = [title.upper() for _family, title in registry.FAMILIES]
            self._letters = (
                largest(names, _NAME, 400, width - _BEFORE_NAME - _AFTER),
                largest(headings, _HEADING, 600, width - _BEFORE_HEADING - _AFTER, _SPREAD),
            )
        return self._letters

    def mimeTypes(self) -> list[str]:
        """The type of what a dragged layer carries: its kind."""
        return [LAYER_MIME]

    def mimeData(self, items: Iterable[QListWidgetItem]) -> QMimeData:
        """What a dragged layer carries."""
        data = QMimeData()
        for item in items:
            kind = item.data(_KIND)
            if kind is not None:
                data.setData(LAYER_MIME, str(kind).encode())
        return data

    def startDrag(self, actions: Qt.DropAction) -> None:  # noqa: N802 (Qt's own name)
        """Drag the current layer, shown as a small card."""
        item = self.currentItem()
        if item is None or item.data(_KIND) is None:
            return
        drag = QDrag(self)
        drag.setMimeData(self.mimeData([item]))
        picture = drag_picture(registry.layer(str(item.data(_KIND))), self.devicePixelRatioF())
        drag.setPixmap(picture)
        drag.setHotSpot(QPointF(CARD_WIDTH / 2, 15.0).toPoint())
        drag.exec(Qt.DropAction.CopyAction)


def largest(texts: Sequence[str], pixels: int, weight: int, room: int, spread: float = 0.0) -> int:
    """Pixels of the largest letters in which all of these have room: at most as large as the text scale asks for.

    Not smaller than they are in usual letters: a column that is too narrow for those cuts the longest.
    """
    letters = theme.font(pixels, weight).pixelSize()
    while letters > pixels:
        metrics = QFontMetrics(theme.scene_font(letters, weight))
        if all(metrics.horizontalAdvance(text) + spread * len(text) <= room for text in texts):
            break
        letters -= 1
    return letters


def drag_picture(spec: LayerSpec, ratio: float) -> QPixmap:
    """The head of a card, to be seen under the mouse while a layer is dragged."""
    colours = theme.current()
    pixmap = QPixmap(round(CARD_WIDTH * ratio), round(31 * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(colours.family(spec.family))
    painter.setBrush(colours.panel_raised)
    painter.drawRoundedRect(QRectF(0.5, 0.5, CARD_WIDTH - 1.0, 30.0), CARD_RADIUS, CARD_RADIUS)
    painter.setFont(theme.scene_font(13, 600))
    painter.setPen(colours.text)
    painter.drawText(QRectF(10.0, 0.0, CARD_WIDTH - 20.0, 31.0), Qt.AlignmentFlag.AlignVCenter, spec.title)
    painter.end()
    return pixmap


class Palette(QWidget):
    """All layers. ``add_requested`` asks to add one; ``left`` says that the keyboard goes back to the canvas."""

    add_requested = Signal(str)
    left = Signal()

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.setAccessibleName("Layers")
        self._search = QLineEdit(self)
        self._search.setPlaceholderText("Search layers…  /")
        self._search.setClearButtonEnabled(True)
        self._search.setAccessibleName("Search layers")
        self._search.setToolTip("Type a name and press Enter to add the layer  (/)")
        self._list = _LayerList(self)
        self._list.setItemDelegate(_Painter(self._list))
        self._list.setFrameShape(QFrame.Shape.NoFrame)
        self._list.setDragEnabled(True)
        self._list.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self._list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setMouseTracking(True)
        self._list.setAccessibleName("Layers by family")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 10, 4, 4)
        layout.setSpacing(6)
        row = QVBoxLayout()
        row.setContentsMargins(0, 0, 6, 0)
        row.addWidget(self._search)
        layout.addLayout(row)
        layout.addWidget(self._list, 1)
        self._search.textChanged.connect(self._filter)
        self._search.installEventFilter(self)
        self._list.installEventFilter(self)
        self._list.itemDoubleClicked.connect(self._on_double_clicked)
        follow(theme.notifier.changed, self._on_theme_changed)
        self._on_theme_changed()
        self._filter("")

    @property
    def search_field(self) -> QLineEdit:
        """The search field."""
        return self._search

    @property
    def list_widget(self) -> QListWidget:
        """The list of layers."""
        return self._list

    def kinds(self) -> list[str]:
        """The layers that are listed now, best match first."""
        items = (self._list.item(row) for row in range(self._list.count()))
        return [str(item.data(_KIND)) for item in items if item.data(_KIND) is not None]

    def current_kind(self) -> str | None:
        """The layer that Enter would add."""
        item = self._list.currentItem()
        kind = item.data(_KIND) if item is not None else None
        return None if kind is None else str(kind)

    def focus_search(self) -> None:
        """Put the keyboard into the search field, over what stood there."""
        self._search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._search.selectAll()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Go up, down and add by Enter from the search field; clear it by Esc, then go back to the canvas."""
        if event.type() is not QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return super().eventFilter(watched, event)
        code = event.key()
        if code in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._add_current()
            return True
        if code == Qt.Key.Key_Escape:
            if self._search.text():
                self._search.clear()
            else:
                self.left.emit()
            return True
        if watched is self._search and code in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self._step(1 if code == Qt.Key.Key_Down else -1)
            return True
        if (
            watched is self._list
            and event.text().strip()
            and not event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier
        ):
            self._search.setFocus()
            self._search.setText("" if event.text() == "/" else event.text())
            return True
        return super().eventFilter(watched, event)

    def _add_current(self) -> None:
        kind = self.current_kind()
        if kind is not None:
            self.add_requested.emit(kind)
            self._search.selectAll()

    def _on_double_clicked(self, item: QListWidgetItem) -> None:
        if item.data(_KIND) is not None:
            self.add_requested.emit(str(item.data(_KIND)))

    def _step(self, by: int) -> None:
        """Go to the next layer, over the headings."""
        row = self._list.currentRow() + by
        while 0 <= row < self._list.count():
            if self._list.item(row).data(_KIND) is not None:
                self._list.setCurrentRow(row)
                return
            row += by

    def _filter(self, text: str) -> None:
        """List what fits: by family while nothing is typed, else the best first."""
        self._list.clear()
        if not text.strip():
            by_family: dict[str, list[LayerSpec]] = {}
            for spec in registry.layers().values():
                by_family.setdefault(spec.family, []).append(spec)
            for family, title in registry.FAMILIES:
                self._heading(title)
                for spec in by_family.get(family, ()):
                    self._layer(spec)
            self._list.setCurrentRow(-1)
            return
        specs = tuple(registry.layers().values())
        found = fitting(specs, text)
        titles = dict(registry.FAMILIES)
        self._heading("Best match first" if found else "Nothing fits")
        for at in found:
            self._layer(specs[at], titles.get(specs[at].family, ""))
        if found:
            self._list.setCurrentRow(1)

    def _heading(self, title: str) -> None:
        item = QListWidgetItem(title)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        self._list.addItem(item)

    def _layer(self, spec: LayerSpec, family: str = "") -> None:
        item = QListWidgetItem(spec.title)
        item.setData(_KIND, spec.kind)
        item.setData(_FAMILY, spec.family)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{spec.title}. {family}")
        item.setToolTip(f"<p><b>{spec.title}</b></p><p>{spec.help}</p><p>Drag it, double-click it or press Enter.</p>")
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsDragEnabled)
        self._list.addItem(item)

    def _on_theme_changed(self) -> None:
        self._search.setFont(theme.font(13))
        colours = theme.current()
        self._list.setStyleSheet(f"QListWidget {{ background: {colours.panel.name()}; border: none; }}")
        self._list.doItemsLayout()
        self._list.viewport().update()
