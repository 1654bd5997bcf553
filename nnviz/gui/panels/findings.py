"""What the program noticed, in sentences, with the evidence and the cures."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QToolButton, QVBoxLayout, QWidget

from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import guarded
from nnviz.gui.panels.base import Cell, Panel
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import refresh_fonts, set_font
from nnviz.record.quantities import FINDING
from nnviz.record.readings import Cure, Finding
from nnviz.record.run import RunView

#: Pixels by which the symptoms stand in under their cause.
_INDENT = 16
_COLOURS = {"information": "information", "warning": "warning", "error": "danger"}


class _Fold(QToolButton):
    """Opens and closes the symptoms of a cause; Enter does what Space does."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter and Space."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.click()
        else:
            super().keyPressEvent(event)


#: Characters of a link that the narrowest panel has room for in one line.
_ONE_LINE = 24


class FindingCard(QWidget):
    """One finding: a coloured edge, the sentence, the evidence, the cures as links, and below them what it explains.

    Its symptoms are folded; :attr:`fold` opens them.
    """

    cure_requested = Signal(object)
    node_requested = Signal(str)
    folded = Signal(bool)

    def __init__(self, finding: Finding, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.finding = finding
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 2, 4, 2)
        column.setSpacing(1)
        self.text = QLabel(self)
        self.details = QLabel(self)
        for label in (self.text, self.details):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.RichText)
            column.addWidget(label)
        set_font(self.text, 13)
        set_font(self.details, 12)
        self.details.setProperty("role", "muted")
        self.details.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.details.linkActivated.connect(self._on_link)
        self.fold = _Fold(self)
        self.fold.setCheckable(True)
        self.fold.setAutoRaise(True)
        self.fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.fold.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.fold.setProperty("role", "muted")
        set_font(self.fold, 12)
        self.fold.toggled.connect(self._on_fold)
        column.addWidget(self.fold, 0, Qt.AlignmentFlag.AlignLeft)
        self.symptoms: list[FindingCard] = []
        self._holder = QWidget(self)
        self._below = QVBoxLayout(self._holder)
        self._below.setContentsMargins(_INDENT - 12, 4, 0, 0)
        self._below.setSpacing(6)
        column.addWidget(self._holder)
        self._on_fold(False)
        self.show_symptoms(())
        self.show_finding(finding)
        follow(themes.notifier.changed, self.restyle)

    def show_finding(self, finding: Finding) -> None:
        """Say what the finding says now; what has the keyboard keeps it."""
        self.finding = finding
        self.setAccessibleName(f"{finding.severity}: {finding.text} {finding.evidence}")
        if finding.node:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
            self.setToolTip(f"Select {finding.node} (noticed at step {themes.format_count(finding.step)})")
        else:
            self.unsetCursor()
            self.setToolTip("")
        self.restyle()

    def show_symptoms(self, findings: Sequence[Finding]) -> None:
        """Fold these under it; those that say the same as before stay as they are."""
        kept = {card.finding.series: card for card in self.symptoms}
        self.symptoms = []
        for index, finding in enumerate(findings):
            card = kept.pop(finding.series, None)
            if card is not None:
                if card.finding != finding:
                    card.show_finding(finding)
            else:
                card = FindingCard(finding, self._holder)
                card.cure_requested.connect(self.cure_requested.emit)
                card.node_requested.connect(self.node_requested.emit)
            if self._below.indexOf(card) != index:
                self._below.removeWidget(card)
                self._below.insertWidget(index, card)
            self.symptoms.append(card)
        for card in kept.values():
            self._below.removeWidget(card)
            card.hide()
            card.deleteLater()
        count = len(self.symptoms)
        self.fold.setVisible(count > 0)
        self.fold.setText("1 sign of it" if count == 1 else f"{count} signs of it")
        said = "; ".join(finding.text for finding in findings)
        self.fold.setAccessibleName(f"{self.fold.text()}: {said}")
        self._holder.setVisible(count > 0 and self.fold.isChecked())

    def _on_fold(self, opened: bool) -> None:
        self.fold.setArrowType(Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)
        self._holder.setVisible(opened and bool(self.symptoms))
        self.folded.emit(opened)

    def restyle(self) -> None:
        """Take the letters and the colour of the links of the theme."""
        refresh_fonts(self)
        lead, mark, rest = self.finding.text.partition(":")
        if mark and lead == self.finding.node:
            self.text.setText(f"<b>{html.escape(lead)}</b>:{html.escape(rest)}")
        else:
            self.text.setText(html.escape(self.finding.text))
        accent = QColor(themes.current().accent).name()
        links = " · ".join(
            f'<a href="{index}" style="color: {accent}; text-decoration: none;">{_unbroken(cure.title)}</a>'
            for index, cure in enumerate(self.finding.cures)
        )
        self.details.setText(" ".join(part for part in (html.escape(self.finding.evidence), links) if part))
        self.details.setVisible(bool(self.finding.evidence or self.finding.cures))
        self.update()

    def cure(self, index: int) -> Cure:
        """One of the cures, from left to right."""
        return self.finding.cures[index]

    def _on_link(self, link: str) -> None:
        self.cure_requested.emit(self.cure(int(link)))

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """The coloured edge."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(getattr(themes.current(), _COLOURS.get(self.finding.severity, "information"))))
        painter.drawRoundedRect(QRectF(0, 0, 3, self.height()), 1.5, 1.5)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QColor(themes.current().accent))
            painter.drawRoundedRect(QRectF(4.5, 0.5, self.width() - 5, self.height() - 1), 4, 4)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click selects the node it is about."""
        if self.finding.node and event.button() == Qt.MouseButton.LeftButton:
            self.node_requested.emit(self.finding.node)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter does the same."""
        if self.finding.node and event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.node_requested.emit(self.finding.node)
        else:
            super().keyPressEvent(event)


def _unbroken(text: str) -> str:
    """A link that is not cut in two by the end of a line, unless it is so long that a line may be too short for it."""
    escaped = html.escape(text)
    return escaped.replace(" ", "&nbsp;") if len(text) <= _ONE_LINE else escaped


def _row(finding: Finding, cause: str) -> Sequence[Cell]:
    cures = "; ".join(cure.title for cure in finding.cures)
    return (finding.step, finding.severity, finding.node, finding.text, finding.evidence, cures, cause)


class FindingsPanel(Panel):
    """The findings that hold, the worst first."""

    key = "findings"
    title = "Findings"
    letter = "N"
    empty = "Nothing to report. What goes wrong while the network trains is explained here, with cures."
    quantities = (FINDING,)
    help = (
        "<p><b>What it shows.</b> What the program noticed while the network trained: dead units, a gradient that "
        "vanishes or explodes, a loss that is no number, over-fitting. Each finding says what was measured and "
        "offers cures. What has one cause stands under it: open its signs with a click, or with Space. A learning rate "
        "is offered only after some steps with it on a copy of the network. What edits the project, such as a random "
        "start or scaled inputs, can be undone, and holds once the training begins again.</p>"
        "<p><b>How to read it.</b> Red has to be mended before going on, amber is worth a look, blue is good to "
        "know. A "
        "finding goes away by itself when it no longer holds. Click one to select its layer.</p>"
    )

    def build(self) -> None:
        """A scrolling column of cards."""
        self._cards: dict[str, FindingCard] = {}
        self._opened: set[str] = set()  # causes whose symptoms are to be seen
        self.follow_layers()
        holder = QWidget()
        self._column = QVBoxLayout(holder)
        self._column.setContentsMargins(0, 4, 6, 4)
        self._column.setSpacing(10)
        self._column.addStretch(1)
        self.add_scrolling(holder)

    @property
    def cards(self) -> list[FindingCard]:
        """The cards from top to bottom; those of symptoms stand in the cards of their causes."""
        return list(self._cards.values())

    def draw(self, run: RunView, changed: frozenset[str], step: int | None, *, fresh: bool) -> bool:
        """Show the findings that hold; cards that say the same as before stay as they are."""
        nodes = self.document.project.graph.nodes
        findings = [one for one in run.findings(step) if not one.node or one.node in nodes]
        shown = {one.series for one in findings}
        tops = [one for one in findings if one.cause not in shown]
        kept: dict[str, FindingCard] = {}
        for finding in tops:
            card = self._cards.pop(finding.series, None)
            if card is not None:
                if card.finding != finding:
                    card.show_finding(finding)
            else:
                card = FindingCard(finding)
                card.cure_requested.connect(self.cure_requested.emit)
                card.node_requested.connect(self.node_requested.emit)
                card.fold.setChecked(finding.series in self._opened)
                card.folded.connect(lambda opened, series=finding.series: self._on_folded(series, opened))
            card.show_symptoms([one for one in findings if one.cause == finding.series])
            kept[finding.series] = card
        for card in self._cards.values():
            self._drop(card)
        self._cards = kept
        for index, card in enumerate(kept.values()):
            if self._column.indexOf(card) != index:
                self._column.removeWidget(card)
                self._column.insertWidget(index, card)
        self.set_subtitle(str(len(tops)) if tops else "")
        return bool(tops)

    def _on_folded(self, series: str, opened: bool) -> None:
        (self._opened.add if opened else self._opened.discard)(series)

    def rows(self) -> Iterator[Sequence[Cell]]:
        """One row a finding; a symptom names its cause."""
        yield ("step", "severity", "layer", "finding", "evidence", "cures", "cause")
        for card in self.cards:
            yield _row(card.finding, "")
            for symptom in card.symptoms:
                yield _row(symptom.finding, card.finding.text)

    def _drop(self, card: FindingCard) -> None:
        self._column.removeWidget(card)
        card.hide()
        card.deleteLater()
