"""What is wrong with the network as it is drawn, in sentences, with buttons that mend it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from nnviz.errors import InputError
from nnviz.gui.panels.base import Cell, Panel
from nnviz.gui.parts.diagnostic_rows import SEVERITIES, DiagnosticCard, rest_text, worst_first
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.parts.widgets import set_font
from nnviz.gui.runs.shown import NOTHING_SHOWN
from nnviz.project import registry
from nnviz.project.checks.validate import Diagnostic, Fix
from nnviz.project.document import Document
from nnviz.project.model import Project
from nnviz.record.run import RunView

_GROUPS = {
    "error": "Has to be mended before training",
    "warning": "Probably a mistake",
    "information": "Good to know",
}
#: What is said where there are no problems, by the state of the training.
_STANDS = {
    "ready": "No problems: the network is ready to train.",
    "running": "No problems: the network is being trained.",
    "stopping": "No problems: the network is being trained.",
    "paused": "No problems: the training is paused.",
    "done": "No problems: the training is done.",
}
#: How many rows are shown at once; thousands of rows would stop the window.
_MOST = 100


def problem_count(diagnostics: Sequence[Diagnostic]) -> int:
    """How many of them are problems: what is only good to know is none."""
    return sum(one.severity != "information" for one in diagnostics)


def counts_text(diagnostics: Sequence[Diagnostic]) -> str:
    """``2 errors · 1 warning``."""
    words = {"error": ("error", "errors"), "warning": ("warning", "warnings"), "information": ("hint", "hints")}
    counts = {severity: sum(one.severity == severity for one in diagnostics) for severity in SEVERITIES}
    return " · ".join(f"{count} {words[severity][count > 1]}" for severity, count in counts.items() if count)


class _Rows(QWidget):
    """The column of rows; the arrow keys walk through it."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down, Home and End."""
        cards = self.findChildren(DiagnosticCard)
        cards.sort(key=lambda card: card.y())
        at = next((index for index, card in enumerate(cards) if card.hasFocus() or card.isAncestorOf(self.focus())), -1)
        moves = {
            Qt.Key.Key_Down: at + 1,
            Qt.Key.Key_Up: max(0, at - 1),
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: len(cards) - 1,
        }
        key = Qt.Key(event.key())
        if key in moves and cards:
            cards[min(moves[key], len(cards) - 1)].setFocus(Qt.FocusReason.TabFocusReason)
        else:
            super().keyPressEvent(event)

    def focus(self) -> QWidget:
        """What has the keyboard; the column itself where nothing has."""
        return self.window().focusWidget() or self


class ProblemsPanel(Panel):
    """Every diagnostic of the document, the worst first; it needs no run."""

    key = "problems"
    title = "Problems"
    letter = "P"
    empty = "No problems in the network."
    help = (
        "<p><b>What it shows.</b> What is wrong with the network on the canvas: sizes that do not fit, missing wires, "
        "a loss that does not suit the data. It is worked out from the drawing alone, before anything is trained; what "
        "goes wrong <i>while</i> it trains stands under Findings.</p>"
        "<p><b>How to read it.</b> Red has to be mended before training, amber is probably a mistake, blue is good to "
        "know. Each button mends it in one step, which can be undone. Click a row, or press Enter, to see its "
        "layer.</p>"
    )

    def build(self) -> None:
        """A scrolling column of rows, each group with its heading."""
        self._cards: dict[tuple[str, str], DiagnosticCard] = {}
        self._headings: dict[str, QLabel] = {}
        holder = _Rows()
        self._column = QVBoxLayout(holder)
        self._column.setContentsMargins(0, 2, 6, 4)
        self._column.setSpacing(6)
        for severity in SEVERITIES:
            heading = self._headings[severity] = QLabel(_GROUPS[severity], holder)
            heading.setProperty("role", "muted")
            set_font(heading, 12, 600)
            heading.setWordWrap(True)
            self._column.addWidget(heading)
        self.rest = QLabel(holder)
        self.rest.setWordWrap(True)
        self.rest.setProperty("role", "muted")
        set_font(self.rest, 12)
        self._column.addWidget(self.rest)
        self._column.addStretch(1)
        self.add_scrolling(holder)
        follow(self.document.diagnostics_changed, self._on_diagnostics)
        follow(self.document.changed, self._on_changed)
        follow(self.workspace.training.changed, self._say_where_it_stands)
        self._say_where_it_stands()

    @property
    def cards(self) -> list[DiagnosticCard]:
        """The rows from top to bottom."""
        return list(self._cards.values())

    def draw(self, run: RunView, changed: frozenset[str], step: int | None, *, fresh: bool) -> bool:
        """Show what the document says; rows that say the same as before stay, and with them the focus."""
        diagnostics = self.document.diagnostics
        shown = worst_first(diagnostics, _MOST)
        self.rest.setText(rest_text(len(diagnostics) - len(shown)))
        self.rest.setVisible(bool(self.rest.text()))
        held = next((at for at, card in enumerate(self.cards) if self._holds_focus(card)), None)
        held_key = list(self._cards)[held] if held is not None else None
        kept: dict[tuple[str, str], DiagnosticCard] = {}
        for diagnostic in shown:
            key = (diagnostic.node, diagnostic.text)
            card = self._cards.pop(key, None)
            if card is not None and (card.diagnostic, card.where) != (diagnostic, where_of(self.document, diagnostic)):
                self._drop(card)
                card = None
            kept[key] = card or self._new_card(diagnostic)
        for card in self._cards.values():
            self._drop(card)
        self._cards = kept
        self._put_in_order()
        self.set_subtitle(counts_text(diagnostics))
        if held is not None and held_key is not None and kept:
            card = kept.get(held_key) or self.cards[min(held, len(kept) - 1)]
            if not self._holds_focus(card):
                card.setFocus(Qt.FocusReason.OtherFocusReason)
        return bool(diagnostics)

    def set_obstacle(self, text: str) -> None:
        """What is in the way of training, the rows say; where there are none, how it stands."""
        self._say_where_it_stands()

    def _say_where_it_stands(self) -> None:
        training = self.workspace.training
        state = "other" if training.differs or training.replay is not None else training.state
        if state == "ready" and training.trained:  # a recorded run that is gone on with
            state = "paused"
        text = _STANDS.get(state, self.empty)
        if text != self.hint:
            self._empty.say(text)

    def redraw(self) -> None:
        """Draw everything again; there need not be a run for it."""
        super().redraw()
        if self.run is None and self.isVisible():
            self.refresh(NOTHING_SHOWN, frozenset())

    def focus_first(self) -> None:
        """Put the keyboard into the first row."""
        for card in self.cards[:1]:
            card.setFocus(Qt.FocusReason.TabFocusReason)

    def rows(self) -> Iterator[Sequence[Cell]]:
        """One row a diagnostic."""
        yield ("severity", "layer", "problem", "cures")
        for one in self.document.diagnostics:
            yield (one.severity, one.node, one.text, "; ".join(fix.title for fix in one.fixes))

    def _new_card(self, diagnostic: Diagnostic) -> DiagnosticCard:
        card = DiagnosticCard(diagnostic, where=where_of(self.document, diagnostic))
        card.node_requested.connect(self.node_requested.emit)
        card.fix_requested.connect(self._on_fix)
        return card

    def _put_in_order(self) -> None:
        wanted: list[QWidget] = []
        for severity, heading in self._headings.items():
            cards = [card for card in self.cards if card.diagnostic.severity == severity]
            heading.setVisible(bool(cards))
            wanted += [heading, *cards]
        for index, widget in enumerate(wanted):
            if self._column.indexOf(widget) != index:
                self._column.removeWidget(widget)
                self._column.insertWidget(index, widget)
        for card in self.cards:
            card.show()  # At once: what is not shown yet cannot take the focus.

    @staticmethod
    def _holds_focus(card: DiagnosticCard) -> bool:
        return card.hasFocus() or any(button.hasFocus() for button in card.buttons)

    def _drop(self, card: DiagnosticCard) -> None:
        self._column.removeWidget(card)
        card.hide()
        card.deleteLater()

    def _on_fix(self, fix: Fix) -> None:
        try:
            self.document.apply(fix.edit)
        except InputError as error:
            self.message.emit(sentence_of(error))
        else:
            self.message.emit(f"Done: {fix.title}.")

    def _on_diagnostics(self, _diagnostics: object) -> None:
        self.redraw()

    def _on_changed(self, before: Project, after: Project, edit: object) -> None:
        """A new name of a layer stands in its row."""
        if before.graph is not after.graph:
            self.redraw()


def where_of(document: Document, diagnostic: Diagnostic) -> str:
    """The layer that a diagnostic is about: its title and id; empty for the whole project."""
    node = document.project.graph.nodes.get(diagnostic.node)
    if node is None:
        return ""
    title = node.name or (registry.layer(node.kind).title if node.kind in registry.layers() else node.kind)
    return f"{title} {node.id}"
