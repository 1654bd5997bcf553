"""The slim head of the page of a lecture: whose network it is, at which step, and the button that trains it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QToolButton, QWidget

from nnviz.gui.lecture.measure import Measure
from nnviz.gui.look import icons, theme
from nnviz.gui.look.painting import guarded
from nnviz.gui.runs.workspace import Workspace

#: On the page: its height, the margin at both sides, the button.
HEIGHT, _MARGIN = 76, 28
_BUTTON, _ICON = QSize(64, 46), 26
#: Letters of the title and the step, and of the words beside them.
_TITLE, _WORDS = 32, 26
#: What stands behind the name of a project that nothing trains.
_RECORDED = "recorded run"
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class LectureHead(QWidget):
    """Title, step, play or pause.

    Args:
        workspace: What is trained, and the step that is shown.
        actions: Those of the window, by name.
        title: Says whose network it is.
        parent: Owner.

    Signals:
        said: Why it cannot be trained, or how it can.
    """

    said = Signal(str)

    def __init__(
        self, workspace: Workspace, actions: Mapping[str, QAction], title: Callable[[], str], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._training = workspace.training
        self._feed = workspace.feed
        self._actions = actions
        self._title = title
        self._differs = False
        #: The icon of the button and its colour: faint where there is nothing to train.
        self._shown = ("", "accent_text")
        self._measure = Measure()
        self.play = QToolButton(self)
        self.play.setObjectName("LecturePlay")
        self.play.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.play.clicked.connect(self.toggle_play)

    def set_measure(self, measure: Measure) -> None:
        """Have another size."""
        self._measure = measure
        self._arrange()

    @property
    def is_recorded(self) -> bool:
        """Whether what is shown is a recorded run, which no race makes: nothing trains it."""
        return self._training.replay is not None and self._training.race is None

    @property
    def can_train(self) -> bool:
        """Whether the button does something: trains, pauses, or says how another network is begun with."""
        return self._training.state == "running" or self._actions["play"].isEnabled() or self._can_restart

    def toggle_play(self) -> None:
        """Train, or pause; where neither can be done, say why."""
        action = self._actions["play"]
        if action.isEnabled() or self._training.state == "running":
            action.trigger()
        elif self._can_restart:
            self.said.emit(self._how_to_restart())
        else:
            self.said.emit(str(action.property("reason") or action.statusTip()))

    @property
    def _can_restart(self) -> bool:
        return self._training.differs and self._actions["reset"].isEnabled()

    def _how_to_restart(self) -> str:
        keys = self._actions["reset"].shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        return f"The network is another one now: {keys} begins again with it."

    def follow_training(self) -> None:
        """The button pauses, or trains; another network has to be begun with first."""
        self.play.setHidden(self.is_recorded)
        if self._training.differs != self._differs:
            self._differs = self._training.differs
            if self._can_restart:
                self.said.emit(self._how_to_restart())
        running = self._training.state == "running"
        words = "Pause (Space)" if running else "Train (Space)"
        if self.play.toolTip() != words:
            self.play.setToolTip(words)
            self.play.setAccessibleName("Pause" if running else "Train")
        shown = ("pause" if running else "play", "accent_text" if self.can_train else "text_faint")
        if shown != self._shown:
            self._shown = shown
            icons.bind(self.play, *shown)
            self.restyle()
        self.update()

    def restyle(self) -> None:
        """Take the colours of the theme."""
        colours = theme.current()
        radius = self._measure.px(8)
        ground = colours.accent if self._shown[1] == "accent_text" else colours.field
        self.play.setStyleSheet(
            f"#LecturePlay {{ background: {ground.name()}; border: none; border-radius: {radius}px; }}"
            f"#LecturePlay:hover {{ background: {theme.mixed(ground, colours.text, 0.15).name()}; }}"
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The button stays at the right."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        measure = self._measure
        button = QSize(measure.px(_BUTTON.width()), measure.px(_BUTTON.height()))
        self.play.setFixedSize(button)
        self.play.setIconSize(QSize(measure.px(_ICON), measure.px(_ICON)))
        self.play.move(self.width() - measure.px(_MARGIN) - button.width(), (self.height() - button.height()) // 2)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """The title at the left, the step at the right."""
        measure, colours = self._measure, theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        margin, high = measure.px(_MARGIN), self.height()
        right = float(self.width() - margin if self.play.isHidden() else self.play.x() - measure.px(20))
        last = max(self._feed.run.last_step, 0)
        step = self._feed.current_step
        number = theme.format_count(last if step is None else step)
        # The figures have the room of four, so that nothing moves while they count.
        wide = max(measure.width(number, _TITLE, 700), measure.width("0000", _TITLE, 700))
        painter.setFont(measure.font(_TITLE, 700))
        painter.setPen(colours.text if step is None else colours.warning)
        painter.drawText(QRectF(right - wide, 0, wide, high), _RIGHT, number)
        right -= wide + measure.px(14)
        words = "step" if step is None else "earlier step"
        wide = measure.width(words, _WORDS)
        painter.setFont(measure.font(_WORDS))
        painter.setPen(colours.text_muted)
        painter.drawText(QRectF(right - wide, measure.px(2), wide, high), _RIGHT, words)
        right -= wide + measure.px(24)
        painter.setFont(measure.font(_TITLE, 600))
        painter.setPen(colours.text)
        metrics = painter.fontMetrics()
        title = metrics.elidedText(self._title(), Qt.TextElideMode.ElideRight, int(right - margin))
        painter.drawText(QRectF(margin, 0, right - margin, high), _LEFT, title)
        left = margin + metrics.horizontalAdvance(title) + measure.px(20)
        if self.play.isHidden() and left + measure.width(_RECORDED, _WORDS) <= right:
            painter.setFont(measure.font(_WORDS))
            painter.setPen(colours.text_muted)
            painter.drawText(QRectF(left, measure.px(2), right - left, high), _LEFT, _RECORDED)
        painter.end()
