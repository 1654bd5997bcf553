"""The card of one sample: its picture, its title, one sentence, and what it will cost to train it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import QAbstractButton, QPushButton, QWidget

from nnviz.data import datasets
from nnviz.errors import InputError
from nnviz.gui.look import icons, theme
from nnviz.gui.look.painting import Saved, answering, guarded
from nnviz.gui.welcome.page_scale import page_scale, scaled, set_page_font
from nnviz.gui.welcome.sample_picture import SamplePicture, paint
from nnviz.project.samples.templates import SampleInfo

CARD_HEIGHT = 294
#: Narrower than this its lines would be cut.
CARD_WIDTH = 252
_PICTURE = 132
_MARGIN = 13
_RADIUS = 9.0
_SENTENCE_LINES = 3
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


def source_words(kind: str) -> str:
    """The name of a data set, and whether it has to be fetched first."""
    try:
        spec = datasets.dataset(kind)
    except InputError:
        return kind
    if spec.download_bytes:
        return f"{spec.title} · {theme.format_bytes(spec.download_bytes)} once"
    return spec.title


def trainable(kind: str) -> bool:
    """Whether Play has something to train on without a choice of the user's own."""
    try:
        return not datasets.dataset(kind).needs_folder
    except InputError:
        return True


class SampleCard(QAbstractButton):
    """One sample. A click opens it; its Train button, and Enter, open it and start the training.

    Args:
        info: The sample.
        section: Title of the chapter it stands in; found by the search.
    """

    #: Open it and train at once.
    train_requested = Signal()

    def __init__(self, info: SampleInfo, section: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.info = info
        self.picture: SamplePicture | None = None
        self._drawn: QPixmap | None = None
        self._words = f"{info.title} {info.name} {info.note} {info.tag} {section} {source_words(info.dataset)}".lower()
        self.setObjectName("SampleCard")
        self.setAccessibleName(f"{info.title}. {info.sentence}")
        self.setAccessibleDescription("Space opens it, Enter opens it and trains it.")
        self.setToolTip(f"<p>{info.note}</p>")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.train = QPushButton("Train", self)
        self.train.setObjectName("TrainSample")
        self.train.setAccessibleName(f"Train {info.title}")
        self.train.setToolTip("Open it and train it at once (Enter)")
        set_page_font(self.train, 12, 600)
        self.train.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # one stop for each card; Enter does the same
        self.train.setAutoDefault(False)
        self.train.clicked.connect(self.train_requested)
        self.train.setVisible(trainable(info.dataset))
        self.rescale()
        self._show_emphasis()

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """As large as the grid makes it."""
        return QSize(scaled(CARD_WIDTH), scaled(CARD_HEIGHT))

    def rescale(self) -> None:
        """Take the scale of the page: what is painted follows by itself."""
        self.train.setFixedSize(scaled(74), scaled(28))
        self.train.setIconSize(QSize(scaled(14), scaled(14)))
        self._place_train()
        self._forget_drawing()

    def set_picture(self, picture: SamplePicture) -> None:
        """Show what was drawn of it meanwhile."""
        self.picture = picture
        self._forget_drawing()

    def matches(self, words: list[str]) -> bool:
        """Whether all words, in small letters, occur in what is known of the sample."""
        return all(word in self._words for word in words)

    # ---- keys and hovering ---------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter trains where it can; Space opens, as with every button."""
        if event.key() not in _ENTER:
            super().keyPressEvent(event)
        elif trainable(self.info.dataset):
            self.train_requested.emit()
        else:
            self.click()

    def enterEvent(self, event: QEnterEvent) -> None:
        """The Train button comes forward."""
        super().enterEvent(event)
        self._show_emphasis()

    def leaveEvent(self, event: QEvent) -> None:
        """And goes back."""
        super().leaveEvent(event)
        self._show_emphasis()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The same by keyboard."""
        super().focusInEvent(event)
        self._show_emphasis()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """And back."""
        super().focusOutEvent(event)
        self._show_emphasis()

    def _show_emphasis(self) -> None:
        strong = self.underMouse() or self.hasFocus()
        role = "primary" if strong else ""
        icons.bind(self.train, "play", "accent_text" if strong else "accent")
        if self.train.property("role") != role:
            self.train.setProperty("role", role)
            self.train.style().unpolish(self.train)
            self.train.style().polish(self.train)
        self.update()

    # ---- painting ------------------------------------------------------------------------------------------------

    def changeEvent(self, event: QEvent) -> None:
        """Another theme draws the picture anew."""
        super().changeEvent(event)
        if event.type() in {QEvent.Type.PaletteChange, QEvent.Type.StyleChange}:
            self._forget_drawing()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The Train button stays in its corner."""
        super().resizeEvent(event)
        self._place_train()
        self._forget_drawing()

    def _place_train(self) -> None:
        margin = scaled(_MARGIN)
        self.train.move(self.width() - self.train.width() - margin, self.height() - self.train.height() - margin)

    def _forget_drawing(self) -> None:
        self._drawn = None
        self.update()

    @guarded
    def paintEvent(self, _event: QPaintEvent) -> None:
        """The picture above, the words below."""
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(page_scale(), page_scale())
        strong = self.hasFocus() or self.underMouse()
        size = self._size()
        frame = QRectF(QPointF(), size).adjusted(1.0, 1.0, -1.0, -1.0)
        outline = QPainterPath()
        outline.addRoundedRect(frame, _RADIUS, _RADIUS)
        painter.fillPath(outline, colours.panel_raised)
        with Saved(painter):
            painter.setClipPath(outline)
            painter.fillRect(QRectF(0.0, 0.0, size.width(), _PICTURE), colours.plot_background)
            painter.drawPixmap(0, 0, self._drawing())
            painter.setPen(QPen(colours.border, 1.0))
            painter.drawLine(QPointF(0.0, _PICTURE), QPointF(size.width(), _PICTURE))
        self._paint_words(painter, colours)
        painter.setPen(QPen(colours.accent if strong else colours.border, 2.0 if self.hasFocus() else 1.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(outline)
        painter.end()

    def _size(self) -> QSizeF:
        """The size of the card in the units in which it is painted: at the usual scale of the page, pixels."""
        return QSizeF(self.size()) / page_scale()

    def _drawing(self) -> QPixmap:
        ratio = self.devicePixelRatioF() * page_scale()
        width = self._size().width()
        if self._drawn is None or self._drawn.devicePixelRatioF() != ratio:
            drawn = QPixmap(QSize(round(width * ratio), round(_PICTURE * ratio)))
            drawn.setDevicePixelRatio(ratio)
            drawn.fill(Qt.GlobalColor.transparent)
            if self.picture is not None:
                painter = QPainter(drawn)
                area = QRectF(16.0, 13.0, width - 32.0, _PICTURE - 26.0)
                paint(painter, area, self.picture, theme.current())
                painter.end()
            self._drawn = drawn
        return self._drawn

    def _paint_words(self, painter: QPainter, colours: theme.Theme) -> None:
        size = self._size()
        width = size.width() - 2.0 * _MARGIN
        top = _PICTURE + 9.0
        _paint_line(
            painter, QRectF(_MARGIN, top, width, 22.0), self.info.title, theme.scene_font(15, 600), colours.text
        )
        font = theme.scene_font(12)
        sentence = QRectF(_MARGIN, top + 25.0, width, 54.0)
        draw_lines(painter, sentence, self.info.sentence, font, colours.text_muted)
        row = size.height() - _MARGIN - 59.0
        tag = self._paint_tag(painter, row, colours)
        _paint_line(
            painter,
            QRectF(_MARGIN, row, width - tag - 8.0, 18.0),
            source_words(self.info.dataset),
            font,
            colours.text_muted,
        )
        # The Train button stands at the end of these two lines.
        room = width - (self.train.width() / page_scale() + 8.0 if trainable(self.info.dataset) else 0.0)
        if self.picture is not None:
            text = f"{theme.format_count(self.picture.parameters)} parameters"
            _paint_line(painter, QRectF(_MARGIN, row + 24.0, room, 18.0), text, theme.scene_font(12, 600), colours.text)
            epoch = QRectF(_MARGIN, row + 41.0, room, 18.0)
            _paint_line(painter, epoch, self.picture.epoch, font, colours.text_muted)

    def _paint_tag(self, painter: QPainter, top: float, colours: theme.Theme) -> float:
        """The words of the tag at the right; how much room they took."""
        if not self.info.tag:
            return 0.0
        font = theme.scene_font(12, 500)
        width = QFontMetricsF(font).horizontalAdvance(self.info.tag) + 16.0
        pill = QRectF(self._size().width() - _MARGIN - width, top - 1.0, width, 20.0)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.mixed(colours.panel_raised, colours.text, 0.09))
        painter.drawRoundedRect(pill, 10.0, 10.0)
        painter.setPen(colours.text_muted)
        painter.setFont(font)
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, self.info.tag)
        return width


def _paint_line(painter: QPainter, area: QRectF, text: str, font: QFont, colour: QColor) -> None:
    """One line, cut with … where it is too long."""
    painter.setFont(font)
    painter.setPen(colour)
    shown = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, area.width())
    painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)


def draw_lines(painter: QPainter, area: QRectF, text: str, font: QFont, colour: QColor) -> None:
    """A text in at most three lines; the last one ends in … where there is more."""
    layout = QTextLayout(text, font)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WordWrap)
    layout.setTextOption(option)
    metrics = QFontMetricsF(font)
    painter.setFont(font)
    painter.setPen(colour)
    step = metrics.height() + 2.0
    layout.beginLayout()
    for row in range(_SENTENCE_LINES):
        line = layout.createLine()
        if not line.isValid():
            break
        line.setLineWidth(area.width())
        start = line.textStart()
        shown = text[start : start + line.textLength()].rstrip()
        if row == _SENTENCE_LINES - 1:
            shown = metrics.elidedText(text[start:], Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(QRectF(area.left(), area.top() + row * step, area.width(), step), shown)
    layout.endLayout()
