"""What the tabs of the inspector have in common: a scrolling column and one way to change the document."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from nnviz.errors import InputError
from nnviz.gui.inspector.editors import Editor
from nnviz.gui.look import theme as themes
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.parts.widgets import refresh_fonts, set_font
from nnviz.gui.runs.shown import Shown
from nnviz.gui.runs.workspace import Workspace
from nnviz.project.edits import Edit
from nnviz.project.model import Project
from nnviz.record.interest import NOTHING, Interest

_MARGIN = 14


class Tab(QScrollArea):
    """One tab. It follows the document while it can be seen, and catches up when it is shown again.

    The inspector makes one of each class in its list and finds all it needs to know on it.

    Attributes:
        key: Stable name.
        title: What its button says.
        keys: The shortcut that brings it to the front, and the keyboard into its first field.

    Args:
        document: What it shows and changes.
        theme: Colours.
        known: What is known of data sets without asking the disk; one of its own by default.
        parent: Owner.
    """

    key: ClassVar[str] = ""
    title: ClassVar[str] = ""
    keys: ClassVar[str] = ""

    message = Signal(str)
    node_requested = Signal(str)
    cure_requested = Signal(object)
    #: Its key and what it looks at from now on: an :class:`Interest`.
    interest_changed = Signal(str, object)

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self.document = document = workspace.document
        self.known = workspace.known
        self.selection: tuple[str, ...] = ()
        self._stale = True
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setProperty("ring", True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.page = QWidget()
        self.column = QVBoxLayout(self.page)
        self.column.setContentsMargins(_MARGIN, 10, _MARGIN, 16)
        self.column.setSpacing(8)
        self.setWidget(self.page)
        self.build()
        self.column.addStretch(1)
        self.verticalScrollBar().rangeChanged.connect(self._on_scroll_range)
        follow(document.changed, self._on_changed)
        follow(document.diagnostics_changed, self._on_diagnostics)
        follow(themes.notifier.changed, self.restyle)

    # ------------------------------------------------------------------ for the tabs

    def build(self) -> None:
        """Make the widgets of the column."""
        raise NotImplementedError

    def show_document(self) -> None:
        """Bring everything up to date with the document and the selection; emits nothing and changes nothing."""
        raise NotImplementedError

    def refresh(self, shown: Shown, changed: frozenset[str]) -> None:
        """Bring what shows the run up to date."""

    def looks_at(self) -> Interest:
        """What has to be measured for it while it can be seen, beyond what is measured for whatever is selected."""
        return NOTHING

    @property
    def interest(self) -> Interest:
        """What has to be measured for it: nothing while it cannot be seen."""
        return self.looks_at() if self.isVisible() else NOTHING

    def tell_interest(self) -> None:
        """Say what it looks at now."""
        self.interest_changed.emit(f"tab {self.key}", self.interest)

    def follow(self) -> None:
        """Show the document now if the tab can be seen, else when it is shown."""
        if self.isVisible():
            self._stale = False
            self.show_document()
        else:
            self._stale = True

    def set_selection(self, nodes: tuple[str, ...]) -> None:
        """Takes the ids of the selected nodes and shows what belongs to them."""
        if nodes != self.selection:
            self.selection = nodes
            self.tell_interest()
            self.follow()

    def change(self, edit: Edit) -> bool:
        """Change the document; what is wrong with the change is said in a message."""
        try:
            self.document.apply(edit)
        except InputError as error:
            self.message.emit(sentence_of(error))
            self.show_document()
            return False
        return True

    def restyle(self) -> None:
        """Take the letters of the theme, and words that hold its colours; the fields have followed by themselves."""
        refresh_fonts(self.page)
        self.follow()

    @staticmethod
    def text(parent: QWidget, pixel_size: int = 13, weight: int = 400, role: str = "") -> QLabel:
        """A label that wraps."""
        label = QLabel(parent)
        label.setTextFormat(Qt.TextFormat.PlainText)  # most of it is somebody's; whoever writes HTML says so
        set_font(label, pixel_size, weight)
        label.setWordWrap(True)
        if role:
            label.setProperty("role", role)
        return label

    @classmethod
    def caption(cls, parent: QWidget, text: str) -> QLabel:
        """The heading of a section, in small capitals as in the palette."""
        label = cls.text(parent, 12, 600, "caption")
        label.setText(text.upper())
        label.setContentsMargins(0, 8, 0, 0)
        return label

    def focus_first(self) -> None:
        """Put the keyboard into the first field, or where there is none into the first thing that takes it."""
        chain = [self.page]
        while (following := chain[-1].nextInFocusChain()) not in (None, self.page):
            chain.append(following)
        able = [
            widget
            for widget in chain[1:]
            if self.page.isAncestorOf(widget)
            and widget.isVisibleTo(self.page)
            and widget.isEnabled()
            and widget.focusProxy() is None
            and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        ]
        fields = [widget for widget in able if isinstance(widget.parentWidget(), Editor)]
        for widget in (fields or able)[:1]:
            widget.setFocus(Qt.FocusReason.TabFocusReason)
            self.ensureWidgetVisible(widget)

    # ------------------------------------------------------------------ events

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up."""
        super().showEvent(event)
        self.tell_interest()
        if self._stale:
            self._stale = False
            self.show_document()

    def hideEvent(self, event: QHideEvent) -> None:
        """What cannot be seen looks at nothing."""
        super().hideEvent(event)
        self.tell_interest()

    def _on_scroll_range(self, low: int, high: int) -> None:
        """The bar takes its room from the margin, so that nothing moves when it comes or goes."""
        bar = self.verticalScrollBar().sizeHint().width() if high > low else 0
        margins = self.column.contentsMargins()
        if margins.right() != _MARGIN - bar:
            margins.setRight(max(_MARGIN - bar, 2))
            self.column.setContentsMargins(margins)

    def _on_changed(self, before: Project, after: Project, edit: object) -> None:
        self.follow()

    def _on_diagnostics(self, diagnostics: tuple[object, ...]) -> None:
        self.follow()
