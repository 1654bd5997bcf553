"""The top bar: what is open, the player's buttons, where training stands, and its settings, editable in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QProgressBar, QToolButton, QVBoxLayout, QWidget

from nnviz.gui.look import icons, theme
from nnviz.gui.look.painting import answering
from nnviz.gui.look.theme import format_count, format_duration
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.in_place import text_width, value_height
from nnviz.gui.parts.widgets import ElidedLabel
from nnviz.gui.runs.standing import Standing
from nnviz.gui.runs.training import Training
from nnviz.gui.window.bar_form import FORMS, BarForm
from nnviz.gui.window.bar_settings import BarSettings
from nnviz.gui.window.data_pills import DataPills
from nnviz.gui.window.project_title import ProjectTitle
from nnviz.project.document import Document
from nnviz.project.edits import Edit
from nnviz.project.model import Project


class TopBar(QWidget):
    """Shows the document and where training stands; every change goes through the document or the actions.

    Args:
        document: What is open.
        training: What is asked and shown.
        actions: Those of ``actions.py``, by name.
        apply: Applies an edit and tells of a refusal.
        parent: The window.
    """

    #: The pill of the data set was pressed.
    data_requested = Signal()
    #: The keyboard goes back to the canvas.
    left = Signal()
    #: Why a value is refused: a sentence.
    message = Signal(str)

    def __init__(
        self,
        document: Document,
        training: Training,
        actions: Mapping[str, QAction],
        apply: Callable[[Edit], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._training = training
        self._actions = actions
        self._form = FORMS[0]
        #: Pixels that the form leaves over.
        self._spare = 0
        self.setObjectName("TopBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("Training")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(8)
        self._row = row
        self._build_document(row)
        row.addSpacing(6)
        self._build_player(row)
        row.addSpacing(6)
        #: Step, epoch and the settings that can be changed here.
        self.settings = BarSettings(document, training, apply, self)
        self.settings.left.connect(self.left)
        self.settings.message.connect(self.message)
        for field in self.settings.fields.values():
            row.addWidget(field)
        row.addStretch(1)
        self._build_progress(row)
        follow(document.changed, self._on_document_changed)
        follow(document.saved, self._on_saved)
        training.changed.connect(self._update_state)
        training.moved.connect(self._show_standing)
        training.expected.changed.connect(lambda: self._show_standing(training.standing))
        training.data_known.connect(lambda _sizes: self.pills.refresh())
        training.known.changed.connect(self.pills.refresh)
        follow(theme.notifier.changed, self._on_theme)
        self._refit()
        self.refresh()

    def refresh(self) -> None:
        """Show everything as it is now."""
        self._update_document()
        self.pills.refresh()
        self.settings.refresh()
        self._update_state()
        self._show_standing(self._training.standing)

    # ---- building ------------------------------------------------------------------------------------------------

    def _build_document(self, row: QHBoxLayout) -> None:
        self._brand = QLabel("nnviz", self)
        row.addWidget(self._brand)
        self._title = ProjectTitle(self._document, self)
        self._title.clicked.connect(self._actions["details"].trigger)
        row.addWidget(self._title)
        #: The data set and its test set.
        self.pills = DataPills(self._document, self._training, self._actions["evaluate_test"], self)
        self.pills.data_requested.connect(self.data_requested)
        row.addWidget(self.pills.data)
        row.addWidget(self.pills.test)

    def _build_player(self, row: QHBoxLayout) -> None:
        self._player: dict[str, QToolButton] = {}
        for name, icon, text in (
            ("reset", "reset", ""),
            ("step_back", "step-back", "step"),
            ("play", "play", "Play"),
            ("step", "step", "step"),
            ("epoch", "epoch", ""),
        ):
            button = QToolButton(self)
            action = self._actions[name]
            button.setText(text)
            button.setAccessibleName(action.text().replace("&", ""))
            button.setToolTip(action.toolTip())
            button.setEnabled(action.isEnabled())
            button.clicked.connect(action.trigger)
            icons.bind(button, icon, "accent_text" if name == "play" else "text")
            if name == "play":
                button.setProperty("role", "primary")
            self._player[name] = button
            action.changed.connect(lambda name=name: self._follow_action(name))
            row.addWidget(button)

    def _build_progress(self, row: QHBoxLayout) -> None:
        self._progress_box = QWidget(self)
        column = QVBoxLayout(self._progress_box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        figures = QHBoxLayout()
        figures.setSpacing(10)
        self._speed = ElidedLabel("", self._progress_box)
        self._eta = QLabel("", self._progress_box)
        for label in (self._speed, self._eta):
            label.setProperty("role", "muted")
        self._eta.setAlignment(Qt.AlignmentFlag.AlignRight)
        figures.addWidget(self._speed, 1)
        figures.addWidget(self._eta)
        column.addStretch(1)
        column.addLayout(figures)
        self._progress = QProgressBar(self._progress_box)
        self._progress.setTextVisible(False)
        self._progress.setRange(0, 1000)
        self._progress.setAccessibleName("Progress")
        column.addWidget(self._progress)
        column.addStretch(1)
        row.addWidget(self._progress_box)
        self._device = QLabel(self)
        self._device.setObjectName("Device")
        self._device.setAlignment(Qt.AlignmentFlag.AlignCenter)
        row.addWidget(self._device)
        self._more = QToolButton(self)
        self._more.setToolTip("What the bar has no room for")
        self._more.setAccessibleName("More of training")
        self._more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        icons.bind(self._more, "more")
        self._rest = QMenu(self._more)
        self._rest.aboutToShow.connect(self._fill_rest)
        self._more.setMenu(self._rest)
        row.addWidget(self._more)
        self._lecture = QToolButton(self)
        self._lecture.setText("Lecture")
        self._lecture.setCheckable(True)
        icons.bind(self._lecture, "lecture")
        action = self._actions["lecture"]
        self._lecture.setToolTip(action.toolTip())
        self._lecture.setAccessibleName("Lecture mode")
        self._lecture.clicked.connect(action.trigger)
        action.toggled.connect(self._lecture.setChecked)
        row.addWidget(self._lecture)

    # ---- sizes ---------------------------------------------------------------------------------------------------

    def _refit(self) -> None:
        """Take the letters of the present text scale everywhere, and the room that they need."""
        scale = theme.surrounding_scale()
        pill, button_height = round(28 * scale), round(32 * scale)
        self.setFixedHeight(max(52, round(15 * scale) + value_height() + 12))
        self._brand.setFont(theme.surrounding_font(15, 700))
        self.pills.refit(pill)
        self._device.setFont(theme.surrounding_font(12, 500))
        self._device.setFixedHeight(pill)
        self._device.setFixedWidth(text_width("cuda:0", theme.surrounding_font(12, 500)) + 26)
        for button in (*self._player.values(), self._more, self._lecture):
            button.setFont(theme.surrounding_font(13, 600 if button is self._player["play"] else 400))
            button.setIconSize(QSize(round(16 * scale), round(16 * scale)))
            button.setFixedHeight(button_height)
        self.settings.refit()
        for label in (self._speed, self._eta):
            label.setFont(theme.surrounding_font(12, 500))
        self._fit_width()

    def _fit_width(self) -> None:
        """The roomiest form that fits; in large letters without words on the buttons, which need the room."""
        for form in FORMS[2:] if theme.text_scale() > 1.0 else FORMS:
            self._take(form)
            if self._lacking() <= 0:
                break
        self._spare = max(0, -self._lacking())
        self._title.setFixedWidth(self._title_room())
        self._update_document()
        self.pills.refresh()

    @property
    def _lesser(self) -> dict[str, QWidget]:
        return {
            "device": self._device,
            "test": self.pills.test,
            "progress": self._progress_box,
            "pace": self.settings.fields["Speed"],
            "data": self.pills.data,
            "optimizer": self.settings.fields["Optimizer"],
            "batch": self.settings.fields["Batch"],
            "step": self.settings.fields["Step"],
        }

    # ---- showing -------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A narrow window shows icons and the essential figures."""
        super().resizeEvent(event)
        self._fit_width()

    def _take(self, form: BarForm) -> None:
        self._form, self._spare, compact = form, 0, form.compact
        self._brand.setVisible(form.brand)
        scale = theme.surrounding_scale()
        beside, only = Qt.ToolButtonStyle.ToolButtonTextBesideIcon, Qt.ToolButtonStyle.ToolButtonIconOnly
        for name, button in self._player.items():
            wordless = name in ("reset", "epoch") or (compact and name != "play")
            button.setToolButtonStyle(only if wordless else beside)
            if wordless:
                button.setFixedWidth(round(34 * scale))
            else:
                widest = "Train on" if name == "play" else "step"
                button.setFixedWidth(text_width(widest, button.font()) + round((54 if name == "play" else 46) * scale))
        self._lecture.setToolButtonStyle(only if compact else beside)
        self._lecture.setFixedWidth(round(34 * scale) if compact else text_width("Lecture", self._lecture.font()) + 50)
        self._more.setFixedWidth(round(34 * scale))
        self._progress_box.setFixedWidth(round((142 if compact else 190) * scale))
        self.pills.make_room(form.data)
        self._row.setSpacing(6 if compact else 8)
        for field in self.settings.fields.values():
            field.shorten(form.short)
        for name, part in self._lesser.items():
            part.setVisible(name not in form.hidden)
        self._more.setVisible(bool(form.hidden))
        self._title.setFixedWidth(self._title_room())

    def _title_room(self) -> int:
        """Pixels of the project's name: what the form gives it, and of what is left over as much as it can use."""
        scale = theme.text_scale()
        return min(round(self._form.title * scale) + self._spare, max(round(form.title * scale) for form in FORMS))

    def _fill_rest(self) -> None:
        """What the bar has no room for, as it is at this moment; what could be changed there can be changed here."""
        menu = self._rest
        menu.clear()
        hidden = self._form.hidden
        if "data" in hidden:
            menu.addAction(f"Data: {self.pills.title}…", self.data_requested.emit)
        if "test" in hidden:
            menu.addAction(self._actions["evaluate_test"])
        self.settings.offer(menu, hidden)
        facts = {
            "step": f"Step {self.settings.step.text()}",
            "progress": " · ".join(part for part in (self._speed.text(), self._eta.text()) if part),
            "device": f"Trains on {self._device.text()}",
        }
        menu.addSeparator()
        for name, words in facts.items():
            if name in hidden and words:
                menu.addAction(words).setEnabled(False)

    def _follow_action(self, name: str) -> None:
        action, button = self._actions[name], self._player[name]
        button.setEnabled(action.isEnabled())
        button.setToolTip(action.toolTip())
        if name == "play":
            race = self._training.race
            running = self._training.running if race is None else race.running
            words = "Pause" if running else "Train on" if self._training.state == "done" else "Play"
            button.setText(words)
            button.setAccessibleName(words)
            colour = "accent_text" if action.isEnabled() else "text_faint"
            icons.bind(button, "pause" if running else "play", colour)

    def _update_state(self) -> None:
        for name in self._player:
            self._follow_action(name)
        self.pills.refresh_uses()
        self.pills.refresh()
        self.settings.show_pace()
        self._show_standing(self._training.standing)

    def _on_document_changed(self, before: Project, after: Project, edit: object) -> None:
        self._update_document()
        if before.training != after.training or edit is None:
            self.settings.refresh()
        if before.data != after.data or edit is None:
            self.pills.refresh()

    def _on_saved(self, _path: object) -> None:
        self._update_document()

    def _on_theme(self) -> None:
        self._refit()  # also of another theme alone: its stylesheet gives letters back that were chosen before
        self._update_state()

    def _update_document(self) -> None:
        self._title.refresh(self._title_room())

    def _lacking(self) -> int:
        """How many pixels the bar is too narrow for what stands in it."""
        # What stands within a field tells the bar of its new size only when the event loop comes round.
        for part in (*self.settings.parts, self._progress_box):
            layout = part.layout()
            if layout is not None:
                layout.activate()
        self._row.invalidate()
        return self._row.minimumSize().width() - self.width()

    def _show_standing(self, standing: Standing) -> None:
        self.settings.show_standing(standing)
        speed = standing.samples_per_second
        running = self._training.running
        number = format_count(round(speed)) if running and speed > 0 else ""
        self._speed.set_wordings(f"{number} samples/s" if number else "", f"{number} /s" if number else "")
        self._eta.setText(f"ETA {format_duration(standing.eta_seconds)}" if running else self._idle_text())
        self._progress.setValue(round(1000 * standing.step / standing.steps) if standing.steps else 0)
        waiting = not standing.device
        self._device.setText(standing.device or "…")
        self._device.setToolTip("Where the network is trained" if standing.device else "PyTorch is being loaded")
        if self._device.property("waiting") != waiting:
            self._device.setProperty("waiting", waiting)
            self._device.style().unpolish(self._device)
            self._device.style().polish(self._device)

    def _idle_text(self) -> str:
        """The state; before the first step with how long all of it is going to take, whose reason is in the tip."""
        expected = None
        if self._training.state == "ready":
            expected = self._training.expected.duration(self._training.split_sizes)
        self._eta.setToolTip(
            "" if expected is None else f"{expected.text[:1].upper()}{expected.text[1:]}. {expected.why}"
        )
        return self._training.status() if expected is None else f"ready, ~{format_duration(expected.whole)}"

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """As wide as the window."""
        return QSize(1280, self.height())

    def minimumSizeHint(self) -> QSize:
        """Parts go under the last button before the window cannot get narrower."""
        return QSize(480, self.height())


__all__ = ["TopBar"]
