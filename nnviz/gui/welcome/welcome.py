"""The welcome page: every sample as a card that trains at once, the files opened last, and an empty network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QMargins, QObject, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QIcon, QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from nnviz.gui.look import icons, theme
from nnviz.gui.parts.background import Background
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.plain_text import plain_tip
from nnviz.gui.parts.screens import StayOnScreen, frame_of
from nnviz.gui.welcome.page_scale import page_scale, refresh_page_fonts, scaled, set_page_font
from nnviz.gui.welcome.sample_card import CARD_WIDTH, SampleCard
from nnviz.gui.welcome.sample_picture import SamplePicture, sample_picture
from nnviz.gui.welcome.sample_shelf import Chapter, Shelf
from nnviz.project.samples.templates import FEATURED, SECTIONS, sample, samples

#: As large as it gets, and how much of the window it leaves free at each side, and above and below.
_LARGEST = QSize(1430, 940)
_BESIDE, _ABOVE = 40, 12
_SIDE = 236
_RECENT = 8
_START = "Start here"
_ARROWS = {Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down}


class Welcome(QDialog):
    """Samples in teaching order. Not modal: the window behind keeps working.

    Args:
        parent: The window.
        at_start: Whether it was opened by the program itself.
        recent: Files opened or saved last, the newest first.
        background: Where the pictures are made; a pool of its own by default.
        head: The bars of the window, which stay in sight: the page begins below them.
    """

    #: (name of the sample, train at once)
    chosen = Signal(str, bool)
    open_requested = Signal()
    new_requested = Signal()
    #: A file of the recent ones.
    recent_chosen = Signal(object)

    def __init__(
        self,
        parent: QWidget | None = None,
        at_start: bool = True,
        recent: Sequence[Path] = (),
        background: Background | None = None,
        head: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._head = head
        if parent is not None:
            parent.installEventFilter(self)
        self.setObjectName("Welcome")
        self.setWindowTitle("Welcome to nnviz" if at_start else "Sample networks")
        self.setModal(False)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._background = background or Background(self)
        self._gone = False
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._make_side(at_start, recent))
        row.addWidget(self._make_main(), 1)
        self._recent_names = [path.stem for path in list(recent)[:_RECENT]]
        self._take_sizes()
        StayOnScreen(self)
        follow(theme.notifier.changed, self._on_theme)
        self.cards[0].setFocus()
        self._draw_pictures()

    # ---- building ------------------------------------------------------------------------------------------------

    def _make_side(self, at_start: bool, recent: Sequence[Path]) -> QWidget:
        side = QWidget(self)
        side.setObjectName("WelcomeSide")
        side.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._side = side
        column = QVBoxLayout(side)
        column.setContentsMargins(18, 20, 16, 16)
        column.setSpacing(8)
        name = QLabel("nnviz", side)
        set_page_font(name, 26, 700)
        column.addWidget(name)
        column.addWidget(_words("Click a neural network together, train it, and watch every part of it work.", side))
        column.addSpacing(8)
        self.new_network = self._side_button("New empty network", "file-new", self.new_requested.emit)
        self.open_file = self._side_button("Open a file…", "folder-open", self.open_requested.emit)
        column.addWidget(self.new_network)
        column.addWidget(self.open_file)
        column.addSpacing(12)
        heading = QLabel("Recent", side)
        set_page_font(heading, 13, 600)
        column.addWidget(heading)
        self.recent: list[QPushButton] = []
        for path in list(recent)[:_RECENT]:
            button = self._side_button(path.stem, "recent", partial(self.recent_chosen.emit, path), "flat")
            button.setToolTip(plain_tip(str(path)))
            button.setAccessibleName(f"Open {path.name}")
            column.addWidget(button)
            self.recent.append(button)
        if not self.recent:
            column.addWidget(_words("What you save or open stands here the next time.", side))
        column.addStretch(1)
        keys = "Arrow keys walk over the cards.\nEnter trains one, Space opens it.\n/ searches, Esc closes."
        column.addWidget(_words(keys, side))
        column.addSpacing(4)
        self.stay = QPushButton("Stay with the open one" if at_start else "Close", side)
        self.stay.setAutoDefault(False)
        set_page_font(self.stay, 13)
        self.stay.clicked.connect(self.close)
        column.addWidget(self.stay)
        return side

    def _side_button(self, title: str, icon: str, then: Callable[[], object], role: str = "") -> QPushButton:
        button = QPushButton(title, self)
        button.setAutoDefault(False)
        set_page_font(button, 13, 400 if role else 500)
        button.setProperty("role", role)
        button.setProperty("align", "left")
        icons.bind(button, icon, "text_muted" if role else "accent")

        def go() -> None:
            self.close()
            then()

        button.clicked.connect(go)
        return button

    def _make_main(self) -> QWidget:
        main = QWidget(self)
        column = QVBoxLayout(main)
        column.setContentsMargins(22, 18, 12, 0)
        column.setSpacing(12)
        head = QHBoxLayout()
        head.setSpacing(14)
        titles = QVBoxLayout()
        titles.setSpacing(2)
        heading = QLabel("Choose a network to begin with", main)
        set_page_font(heading, 20, 700)
        titles.addWidget(heading)
        note = QLabel("Everything can be changed afterwards.", main)
        set_page_font(note, 13)
        note.setProperty("role", "muted")
        titles.addWidget(note)
        head.addLayout(titles, 1)
        self.search = QLineEdit(main)
        self.search.setPlaceholderText("Search samples   /")
        self.search.setAccessibleName("Search the samples")
        set_page_font(self.search, 13)
        self.search.setClearButtonEnabled(True)
        icons.bind(self.search.addAction(QIcon(), QLineEdit.ActionPosition.LeadingPosition), "search", "text_muted")
        self.search.installEventFilter(self)
        head.addWidget(self.search, 0, Qt.AlignmentFlag.AlignTop)
        head.addSpacing(12)
        column.addLayout(head)
        self._area = QScrollArea(main)
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)  # the cards keep their width
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.verticalScrollBar().setSingleStep(40)
        column.addWidget(self._area, 1)
        self.shelf = Shelf(self._area)
        by_name = {info.name: info for info in samples()}
        self.cards: list[SampleCard] = []
        chapters = [(_START, "Each trains within seconds, without a download.", FEATURED)]
        chapters += [(section.title, section.note, tuple(section.tags)) for section in SECTIONS]
        for title, text, names in chapters:
            cards = [SampleCard(by_name[one], title, self.shelf) for one in names]
            for card in cards:
                card.clicked.connect(partial(self._choose, card.info.name, False))
                card.train_requested.connect(partial(self._choose, card.info.name, True))
                card.installEventFilter(self)
            self.cards += cards
            self.shelf.chapters.append(Chapter(title, text, cards, self.shelf, one_row=title == _START))
        self.search.textChanged.connect(self._search)
        self._area.setWidget(self.shelf)
        # Headings that are too long for a narrow window are cut; the page does not grow beyond it.
        main.setMinimumWidth(1)
        return main

    def _on_theme(self) -> None:
        """The letters of the window may have another size."""
        if self._scale != page_scale():
            refresh_page_fonts(self)
            self._take_sizes()
            for card in self.cards:
                card.rescale()
            self.shelf.arrange()

    def _take_sizes(self) -> None:
        """Everything of a fixed size, at the scale of the page."""
        self._scale = page_scale()
        self._side.setFixedWidth(scaled(_SIDE))
        self.search.setFixedSize(min(scaled(262), 300), scaled(34))
        for button in (self.new_network, self.open_file):
            button.setMinimumHeight(scaled(34))
            button.setIconSize(QSize(scaled(16), scaled(16)))
        for button, name in zip(self.recent, self._recent_names, strict=True):
            button.setMinimumHeight(scaled(28))
            room = scaled(_SIDE) - 88
            button.setText(button.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, room))
        self._take_place()

    def _take_place(self) -> None:
        """In the middle of the window below its bars, as large as it allows."""
        parent, largest = self.parentWidget(), _LARGEST * page_scale()
        if parent is None:
            self.resize(largest)
            return
        top = 0 if self._head is None else self._head.mapTo(parent, QPoint(0, self._head.height())).y()
        # Offscreen nobody puts a frame around it.
        frame = QMargins() if QGuiApplication.platformName() == "offscreen" else frame_of(self)
        around = QMargins(_BESIDE, top + _ABOVE, _BESIDE, _ABOVE)
        room = parent.rect().marginsRemoved(around).marginsRemoved(frame)
        least = QSize(scaled(_SIDE + CARD_WIDTH) + 60, min(420, room.height()))
        size = room.size().boundedTo(largest).expandedTo(least)
        self.resize(size)
        spare = room.size() - size
        corner = room.topLeft() + QPoint(spare.width() // 2, max(spare.height() // 2, 0))
        self.move(parent.mapToGlobal(corner - QPoint(frame.left(), frame.top())))

    def _draw_pictures(self) -> None:
        """Make the pictures one after the other on another thread; a card shows its own as soon as it is there."""
        for name in dict.fromkeys(card.info.name for card in self.cards):
            self._background.start(
                partial(self._make_picture, name), partial(self._on_picture, name), self._on_no_picture, "welcome"
            )

    def _make_picture(self, name: str) -> SamplePicture | None:
        return None if self._gone else sample_picture(sample(name))

    def _on_picture(self, name: str, picture: SamplePicture | None) -> None:
        if self._gone or picture is None:
            return
        for card in self.cards:
            if card.info.name == name:
                card.set_picture(picture)

    def _on_no_picture(self, error: BaseException) -> None:
        if not self._gone:
            raise error

    # ---- choosing ------------------------------------------------------------------------------------------------

    def _choose(self, name: str, play: bool, _checked: bool = False) -> None:
        self.close()
        self.chosen.emit(name, play)

    def _search(self, text: str) -> None:
        self.shelf.filter(text)
        self._area.verticalScrollBar().setValue(0)

    def done(self, result: int) -> None:
        """However it is closed, no picture is wanted any more."""
        self._gone = True
        super().done(result)

    # ---- keys ----------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """``/`` or any letter searches; Esc empties the search first."""
        if event.text() == "/":
            self.search.setFocus()
            self.search.selectAll()
        elif event.text().isalnum() and not event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier:
            self.search.setFocus()
            self.search.setText(event.text())
        elif event.key() == Qt.Key.Key_Escape and self.search.text():
            self.search.clear()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrow keys walk over the cards, from the search into them, and up from the first row back."""
        if watched is self.parentWidget() and event.type() in (QEvent.Type.Resize, QEvent.Type.Move):
            self._take_place()
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            key = Qt.Key(event.key())
            if watched is self.search:
                return self._search_key(key)
            if isinstance(watched, SampleCard) and key in _ARROWS:
                target = self.shelf.neighbour(watched, key)
                if target is not None:
                    self._go_to(target)
                elif key == Qt.Key.Key_Up:
                    self.search.setFocus()
                return True
        elif event.type() == QEvent.Type.FocusIn and isinstance(watched, SampleCard):
            self._area.ensureWidgetVisible(watched, 0, 44)
        return super().eventFilter(watched, event)

    def _search_key(self, key: Qt.Key) -> bool:
        shown = self.shelf.shown
        if not shown or key not in {Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            return False
        # Enter only goes to the first answer: a second Enter trains it, so that nothing starts by surprise.
        self._go_to(shown[0])
        return True

    def _go_to(self, card: SampleCard) -> None:
        card.setFocus(Qt.FocusReason.TabFocusReason)
        self._area.ensureWidgetVisible(card, 0, 44)


def _words(text: str, parent: QWidget) -> QLabel:
    label = QLabel(text, parent)
    set_page_font(label, 12)
    label.setProperty("role", "muted")
    label.setWordWrap(True)
    return label
