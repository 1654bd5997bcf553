"""The list in which the keyboard chooses where a wire ends; what cannot be chosen says why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QMargins,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QLabel,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import Saved, answering, guarded
from nnviz.gui.panels.outline_rows import OutlineWords
from nnviz.gui.parts.plain_text import plain_tip
from nnviz.gui.parts.screens import fitted
from nnviz.project.checks.shapes import Inference
from nnviz.project.checks.trial import misfit
from nnviz.project.edits import can_connect
from nnviz.project.graph.wiring import as_target, wire_into
from nnviz.project.model import Edge, PortRef

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
_Role = Qt.ItemDataRole
_REASON_ROLE = _Role.UserRole + 1
_NOTE_ROLE = _Role.UserRole + 2
_DOUBT_ROLE = _Role.UserRole + 3
_WIDTH, _MOST_ROWS = 380, 8


class TargetModel(QAbstractListModel):
    """The layers to which a wire from one output could run. What speaks against one is worked out when it is wanted."""

    def __init__(self, words: OutlineWords) -> None:
        super().__init__()
        self._words = words
        self._source = PortRef("")
        self._targets: Sequence[str] = ()
        self._inference: Inference | None = None
        self._reasons: dict[str, str] = {}
        self._notes: dict[str, tuple[str, bool]] = {}

    def offer(self, source: PortRef, targets: Sequence[str], inference: Inference) -> None:
        """Replaces the layers that a wire may lead to."""
        self.beginResetModel()
        self._source, self._targets, self._inference = source, targets, inference
        self._reasons, self._notes = {}, {}
        self.endResetModel()

    def rowCount(self, parent: _Index = _ROOT) -> int:
        """One a layer."""
        return 0 if parent.isValid() else len(self._targets)

    @answering(lambda: None)
    def data(self, index: _Index, role: int = _Role.DisplayRole) -> Any:  # Qt: the type depends on the role
        """Title and id; why not, or what comes of it."""
        if not index.isValid() or index.row() >= len(self._targets):
            return None
        target = self._targets[index.row()]
        if role == _Role.DisplayRole:
            return self._words.text(target)
        if role == _REASON_ROLE:
            return self.reason(target)
        if role == _NOTE_ROLE:
            return self.note(target)[0]
        if role == _DOUBT_ROLE:
            return self.note(target)[1]
        if role == _Role.AccessibleTextRole:
            reason = self.reason(target)
            told = f"cannot be chosen: {reason}" if reason else self.note(target)[0]
            return f"{self._words.text(target)}, {told}"
        if role == _Role.ToolTipRole:
            return plain_tip(self.reason(target) or self.note(target)[0])
        return None

    def target(self, row: int) -> str:
        """The layer in a row."""
        return self._targets[row]

    def edge(self, target: str) -> Edge:
        """The wire that would be drawn."""
        return Edge(self._source, as_target(self._words.graph, target))

    def reason(self, target: str) -> str:
        """Why no wire can run there; empty where one can."""
        if target not in self._reasons:
            edge = self.edge(target)
            self._reasons[target] = can_connect(self._words.graph, edge.source, edge.target)
        return self._reasons[target]

    def note(self, target: str) -> tuple[str, bool]:
        """What comes of the wire, for one that can be drawn, and whether that speaks against it."""
        if self.reason(target):
            return "", False
        if target not in self._notes:
            edge = self.edge(target)
            doubt = misfit(self._words.graph, edge, self._inference) if self._inference is not None else ""
            old = wire_into(self._words.graph, edge.target)
            if doubt:
                self._notes[target] = f"Allowed, but: {doubt}", True
            elif old is not None:
                self._notes[target] = f"Takes the place of the wire from {old.source.node}.", False
            else:
                self._notes[target] = "Can be connected.", False
        return self._notes[target]


class _TargetPainter(QStyledItemDelegate):
    """Title and id over a line of what comes of it, or why it cannot be."""

    @answering(QSize)
    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """Two lines of text."""
        return QSize(10, themes.font(13).pixelSize() + themes.font(12).pixelSize() + 19)

    @guarded
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Draw one row."""
        colours, state = themes.current(), option.state
        rect = QRectF(option.rect)
        reason = str(index.data(_REASON_ROLE))
        with Saved(painter):
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            plate = rect.adjusted(2.0, 1.0, -2.0, -1.0)
            if state & QStyle.StateFlag.State_Selected:
                painter.setBrush(themes.mixed(colours.panel_raised, colours.accent, 0.28))
                painter.drawRoundedRect(plate, 5.0, 5.0)
            elif state & QStyle.StateFlag.State_MouseOver:
                painter.setBrush(themes.mixed(colours.panel_raised, colours.text, 0.07))
                painter.drawRoundedRect(plate, 5.0, 5.0)
            half = rect.height() / 2 + 1.0
            head = rect.adjusted(10.0, 4.0, -8.0, -half + 3.0)
            foot = rect.adjusted(10.0, half - 1.0, -8.0, -4.0)
            left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            painter.setFont(themes.font(13, 400 if reason else 600))
            painter.setPen(colours.text_muted if reason else colours.text)
            self._write(painter, head, left, str(index.data()))
            painter.setFont(themes.font(12))
            painter.setPen(colours.warning if index.data(_DOUBT_ROLE) else colours.text_muted)
            self._write(painter, foot, left, reason or str(index.data(_NOTE_ROLE)))

    @staticmethod
    def _write(painter: QPainter, room: QRectF, flags: int, text: str) -> None:
        text = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, flags, text)


class _Targets(QListView):
    """The rows; Enter takes the one that the arrow keys have reached."""

    taken = Signal(QModelIndex)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter takes; everything else as in any list."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.taken.emit(self.currentIndex())
            event.accept()
            return
        super().keyPressEvent(event)


class TargetList(QFrame):
    """Offers layers as the end of a wire: arrow keys or the first letters choose, Enter connects, Escape gives up.

    Signals:
        chosen: The wire, and what would not fit as a sentence or nothing; the list is hidden already.
        refused: A sentence why the row cannot be chosen; the list stays.
    """

    chosen = Signal(object, str)
    refused = Signal(str)

    def __init__(self, words: OutlineWords, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("OverlayCard")
        self.setAccessibleName("Connect to")
        self._model = TargetModel(words)
        self._heading = QLabel(self)
        self._heading.setTextFormat(Qt.TextFormat.PlainText)
        self._list = _Targets(self)
        self._list.setModel(self._model)
        self._list.setItemDelegate(_TargetPainter(self._list))
        self._list.setFrameShape(QFrame.Shape.NoFrame)
        self._list.setUniformItemSizes(True)
        self._list.setMouseTracking(True)
        self._list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.taken.connect(self._take)
        self._list.clicked.connect(self._take)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        column.addWidget(self._heading)
        column.addWidget(self._list, 1)
        self.setFocusProxy(self._list)

    @property
    def rows(self) -> QListView:
        """The list widget that shows the layers."""
        return self._list

    @property
    def model(self) -> TargetModel:
        """The item model of the layers that a wire may lead to."""
        return self._model

    def offer(
        self, heading: str, source: PortRef, targets: Sequence[str], inference: Inference, place: QPoint, within: QRect
    ) -> None:
        """Show layers beside a point of the screen; the first one behind the source that can be chosen is.

        Args:
            heading: Where the wire begins.
            source: The output.
            targets: Ids of layers in the order of the rows.
            inference: Shapes of the network as it is.
            place: The point.
            within: The part of the screen that the list should not leave.
        """
        self._model.offer(source, targets, inference)
        self._heading.setFont(themes.font(12))
        self._heading.setText(heading)
        self._list.setAccessibleName(heading)
        behind = targets.index(source.node) + 1 if source.node in targets else 0
        rows = [*range(behind, len(targets)), *range(behind)]
        first = next((row for row in rows if not self._model.reason(targets[row])), 0)
        self._list.setCurrentIndex(self._model.index(first))
        height = self._list.sizeHintForRow(0) if targets else 0
        top = self._heading.sizeHint().height() + 26
        wide = min(round(_WIDTH * min(themes.text_scale(), 1.8)), within.width() - 8)
        high = top + max(2, min(_MOST_ROWS, len(targets))) * height
        self.setGeometry(fitted(QRect(place, QSize(wide, high)), within, QMargins(4, 4, 4, 4)))
        self.show()
        self._list.setFocus(Qt.FocusReason.PopupFocusReason)
        self._list.scrollTo(self._model.index(first), QAbstractItemView.ScrollHint.PositionAtCenter)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape gives up."""
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
            event.accept()
            return
        super().keyPressEvent(event)

    def _take(self, index: QModelIndex) -> None:
        if not index.isValid():
            return
        target = self._model.target(index.row())
        reason = self._model.reason(target)
        if reason:
            self.refused.emit(reason)
            return
        words, doubtful = self._model.note(target)
        self.hide()
        self.chosen.emit(self._model.edge(target), words if doubtful else "")
