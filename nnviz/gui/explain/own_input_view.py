"""An input of one's own: drawn, loaded or typed; what the network makes of it stands on the cards and beside it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QKeyCombination, QMimeData, QObject, QRect, QSize, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QImage, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QCheckBox,
    QFileDialog,
    QLineEdit,
    QWidget,
)

from nnviz.data import datasets
from nnviz.data.own_picture import FITTINGS, OwnPicture, Treatment
from nnviz.gui.explain.network_beside import NetworkBeside
from nnviz.gui.explain.number_rows import NumberRows
from nnviz.gui.explain.own_answer import OwnAnswerBars
from nnviz.gui.explain.own_input_places import OwnInputPlaces, Parts
from nnviz.gui.explain.picture_controls import PictureControls
from nnviz.gui.explain.picture_fields import DrawField, SeenField
from nnviz.gui.explain.right_class import RightClass
from nnviz.gui.look.theme import format_count
from nnviz.gui.parts.following import while_there
from nnviz.gui.parts.number_field import NumberField
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.parts.widgets import ElidedLabel, set_font
from nnviz.gui.runs.workspace import Workspace
from nnviz.record.number_text import format_number

if TYPE_CHECKING:
    from nnviz.explain.own_input import InputFacts, OwnAnswer, TakenExample
    from nnviz.gui.runs.shown_network import Asked

_Keys = QKeySequence.StandardKey
#: The other key for it on many desks.
_ALSO_REDO = QKeyCombination(Qt.KeyboardModifier.ControlModifier, Qt.Key.Key_Y)
_PICTURES = "Pictures (*.png *.jpg *.jpeg *.gif *.bmp *.webp *.tif *.tiff *.avif *.ppm *.pgm)"
#: Paper, as a mean over all pixels: from here on a grey picture is taken for dark ink on light paper.
_LIGHT = 0.5


class OwnInputView(QWidget):
    """Canvas, controls and answers.

    While it is active (:meth:`set_active`) and something stands in it, the cards show what the network makes of that,
    in place of the pinned example. Questions are put one behind the other: what changed meanwhile is asked once.

    Args:
        workspace: The network on the screen, and what can be said.
        parent: Owner.
    """

    def __init__(self, workspace: Workspace, parent: QWidget) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._network = workspace.network
        self._active = False
        self._facts: InputFacts | None = None
        #: Of which network these facts are.
        self._facts_of: tuple[object, ...] = ()
        self._learning = False
        self.picture: OwnPicture | None = None
        self.rows: NumberRows | None = None
        self._typed = False
        #: The data set that what is drawn is made alike.
        self._fitted = ""
        self._asked: Asked | None = None
        self._dirty = False
        self.answer_shown: OwnAnswer | None = None
        self.draw_field = DrawField(self)
        self.seen_field = SeenField(self)
        self._seen_text = self._text("As the network sees it")
        self._seen_text.set_wordings("As the network sees it", "Seen")
        self._draw_text = self._text("Canvas")
        self.right = RightClass(self)
        self.right.hide()
        self.right.chosen.connect(self._on_right)
        self.bars = OwnAnswerBars(self)
        self.on_cards = QCheckBox("On the cards", self)
        self.on_cards.setChecked(True)
        self.on_cards.setToolTip("Show what each layer makes of it on the cards, in place of the pinned example")
        set_font(self.on_cards, 12)
        self.on_cards.toggled.connect(lambda _on: self._put_on_cards())
        self.beside = NetworkBeside(workspace, lambda: None if self.is_blank else (self.numbers(), self._label), self)
        self.beside.chosen.connect(self._on_beside)
        self.controls: PictureControls | None = None
        self.options = QWidget(self)
        in_options = QBoxLayout(QBoxLayout.Direction.LeftToRight, self.options)
        in_options.setContentsMargins(0, 0, 0, 0)
        in_options.setSpacing(6)
        in_options.addWidget(self.on_cards)
        in_options.addWidget(self.beside.chooser)
        parts = Parts(
            (self._draw_text, self.draw_field),
            (self._seen_text, self.seen_field),
            self.right,
            self.bars,
            self.beside.bars,
            self.options,
            in_options,
        )
        self._places = OwnInputPlaces(self, parts)
        self._arrange()
        self.draw_field.drawn.connect(self.picture_changed)
        self.draw_field.dropped.connect(self.take)
        self.seen_field.pixel_chosen.connect(self._on_pixel)
        self.seen_field.patch_drawn.connect(self._on_patch)
        self.seen_field.pointed.connect(self._on_pointed)
        for field in (self.draw_field, self.seen_field):
            field.moved.connect(self._on_moved)
        self._network.changed.connect(self._on_network)
        #: What several events of one moment change is asked once.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._ask)

    @property
    def _label(self) -> str:
        """What is right, where that is known."""
        changed = self.picture if self.picture is not None else self.rows
        return changed.label if changed is not None else ""

    @_label.setter
    def _label(self, label: str) -> None:
        changed = self.picture if self.picture is not None else self.rows
        if changed is not None:
            changed.label = label

    def _arrange(self) -> None:
        """Everything in its place: one beside the other where there is width, else one below the other."""
        if self.controls is not None:
            self.controls.set_wide(self._places.upright)
        self._places.arrange(self.controls or self.rows, numbers=self.rows is not None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow place everything stands below each other."""
        super().resizeEvent(event)
        if self._places.fit(self.size()):
            self._arrange()

    def _text(self, words: str) -> ElidedLabel:
        label = ElidedLabel(words, self)
        label.setProperty("role", "muted")
        set_font(label, 12)
        return label

    # ---- on and off ----------------------------------------------------------------------------------------------

    def set_active(self, active: bool) -> None:
        """Whether it can be seen: only then its input stands on the cards."""
        if active == self._active:
            return
        self._active = active
        if active:
            self.beside.look_for_runs()
            self._on_network()
        else:
            self._workspace.feed.set_instead(())

    @property
    def is_active(self) -> bool:
        """Whether its input stands on the cards, where there is one and that is wished."""
        return self._active

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to ask about."""
        if self.picture is not None:
            return self.picture.is_blank
        return not self._typed

    def _on_network(self) -> None:
        """Other weights, or another network."""
        if not self._active:
            return
        key = self._network.key[:2]
        if self._facts is not None and self._facts_of == key:
            self._changed()
        elif not self._learning:
            self._learn(key)

    def _learn(self, key: tuple[object, ...]) -> None:
        """Find out what an input is like."""
        self._learning = True

        def question(training: object) -> InputFacts:
            from nnviz.explain.own_input import facts_of  # noqa: PLC0415 - torch belongs to that thread

            return facts_of(training)  # type: ignore[arg-type]  # as the network hands it

        def done(facts: InputFacts) -> None:
            self._learning = False
            before, self._facts, self._facts_of = self._facts, facts, key
            if before is None or before.class_names != facts.class_names:
                self.right.offer(facts.class_names)
            if before is None or before.shape != facts.shape or before.whole != facts.whole:
                self._take_shape(facts)
            elif self._fitted != self._workspace.document.project.data.dataset:
                self._fit_as_the_data()
                self._show_picture()
            if self._network.key[:2] != key:
                self._on_network()
            else:
                self._changed()

        def failed(error: BaseException) -> None:
            self._learning = False
            self.bars.show_hint(self._workspace.document.project.name, sentence_of(error))

        self._network.ask(question, while_there(self, done), while_there(self, failed))

    def _take_shape(self, facts: InputFacts) -> None:
        """Fields for pictures, or for numbers."""
        for part in (self.controls, self.rows):
            if part is not None:
                self._places.let_go(part)
                part.hide()
                part.deleteLater()
        self.controls = self.rows = None
        self.picture = None
        self._typed = False
        is_picture = len(facts.shape) == 3 and facts.shape[0] in (1, 3)
        for widget in (self.draw_field, self.seen_field, self._draw_text, self._seen_text):
            widget.setVisible(is_picture)
        if is_picture:
            channels, height, width = facts.shape
            self.picture = OwnPicture((channels, height, width))
            self.controls = PictureControls(max(height, width), channels, self)
            self.controls.asked.connect(self._do)
            self.controls.pen_changed.connect(self._on_pen)
            self.controls.treated.connect(self._on_treated)
            self._on_pen()
            self._fit_as_the_data()
            self._show_picture()
        else:
            count = int(np.prod(facts.shape))
            low, high = (np.broadcast_to(one, (count,)) for one in (facts.low, facts.high))
            self.rows = NumberRows(low, high, self)
            self.rows.changed.connect(self._on_typed)
            for field in self.rows.fields:
                field.installEventFilter(self)
            self.rows.refused.connect(self._workspace.say)
            self.take_example()
        self._arrange()

    def _fit_as_the_data(self) -> None:
        """What is drawn is made as the examples were that the network learns from, until somebody switches that off."""
        picture, controls = self.picture, self.controls
        self._fitted = self._workspace.document.project.data.dataset
        if picture is None or controls is None:
            return
        fitting = datasets.dataset(self._fitted).fitting
        controls.offer_fitting(fitting or "mnist")
        picture.treatment = replace(picture.treatment, fitted=fitting)

    # ---- what is drawn -------------------------------------------------------------------------------------------

    def numbers(self) -> NDArray[np.float32]:
        """The input in the data set's own numbers."""
        facts = self._facts
        assert facts is not None
        if self.picture is not None:
            seen = self.picture.result()
            if facts.whole:
                return np.asarray(np.rint(seen * 255), np.float32)
            low, high = float(facts.low.min()), float(facts.high.max())
            return np.asarray(low + (high - low) * seen, np.float32)
        assert self.rows is not None
        return self.rows.values.reshape(facts.shape)

    def _show_picture(self) -> None:
        picture = self.picture
        if picture is None or self.controls is None:
            return
        self.draw_field.show_picture(picture)
        self.seen_field.show_pixels(picture.result())
        self.controls.show_treatment(picture.treatment)
        size = f"{picture.shape[2]} × {picture.shape[1]}"
        fitting = FITTINGS.get(picture.treatment.fitted)
        how = "" if fitting is None else f", {fitting.result}"
        self._seen_text.set_wordings(f"As the network sees it, {size}{how}", f"Seen, {size}{how}", f"{size}{how}", size)

    def _changed(self) -> None:
        self.right.show_label(self._label)
        self._dirty = True
        self.beside.mark_changed()
        self._soon.start(0)

    def picture_changed(self) -> None:
        """The picture is another: show it, and ask what the network makes of it."""
        self._show_picture()
        self._changed()

    def _on_right(self, label: str) -> None:
        """Somebody says what is right."""
        if self.rows is not None:
            self.rows.say(label)
        elif self.picture is not None and label != self.picture.label:
            self.picture.remember()
            self.picture.label = label
            self.picture_changed()

    def _on_typed(self) -> None:
        self._typed = True
        self._changed()

    def _on_pen(self) -> None:
        if self.controls is not None:
            self.draw_field.pen, self.draw_field.ink = self.controls.pen, self.controls.ink

    def _on_treated(self, treatment: Treatment) -> None:
        picture = self.picture
        if picture is not None and treatment != picture.treatment:
            picture.remember(self.controls.gesture if self.controls is not None else "")
            picture.treatment = treatment
            self.picture_changed()

    def _on_moved(self, down: int, right: int) -> None:
        if self.controls is not None:
            self.controls.shift(down, right)

    def _on_patch(self, top: int, left: int, height: int, width: int) -> None:
        if self.picture is None:
            return
        self.picture.remember()
        treatment = self.picture.treatment
        self.picture.treatment = replace(treatment, patches=(*treatment.patches, (top, left, height, width)))
        self.picture_changed()

    def _on_pixel(self, row: int, column: int, cell: QRect) -> None:
        """Type another value in the place of a pixel's."""
        picture, facts = self.picture, self._facts
        if picture is None or facts is None:
            return
        numbers = self.numbers()[:, row, column]
        top = 255.0 if facts.whole else float(facts.high.max())
        base = 0.0 if facts.whole else float(facts.low.min())

        def take(value: float) -> str:
            if not base <= value <= top:
                return f"A pixel is a number from {format_number(base)} to {format_number(top)}."
            picture.remember()
            treatment = picture.treatment
            seen = (value - base) / (top - base) if top > base else 0.0
            picture.treatment = replace(treatment, pixels=(*treatment.pixels, (-1, row, column, seen)))
            self.picture_changed()
            return ""

        NumberField(f"Pixel [{row}, {column}]", float(numbers.mean()), take, cell, self.seen_field)

    def _on_pointed(self, row: int, column: int) -> None:
        if row < 0 or self.picture is None:
            self._show_picture()
            return
        values = "  ".join(format_number(float(one)) for one in self.numbers()[:, row, column])
        self._seen_text.setText(f"[{row}, {column}] = {values}")

    def _do(self, what: str) -> None:
        picture = self.picture
        if what == "example":
            self.take_example()
        elif what == "open":
            chosen, _ = QFileDialog.getOpenFileName(self, "Open a picture", "", _PICTURES)
            if chosen:
                self.read(Path(chosen))
        elif what == "paste":
            self.take(QGuiApplication.clipboard().mimeData())
        elif what in {"undo", "redo"}:
            self._take_back(again=what == "redo")
        elif picture is not None and what == "clear":
            picture.remember()
            picture.clear()
            self._fit_as_the_data()
            self._label = ""
            self.picture_changed()

    def _take_back(self, *, again: bool) -> None:
        """The last change here, never one of the document; or make it again."""
        changed = self.picture if self.picture is not None else self.rows
        if changed is None:
            return
        if not (changed.redo() if again else changed.undo()):
            self._workspace.say(f"There is nothing more to {'make again' if again else 'take back'}.")
        elif self.picture is not None:
            self.picture_changed()

    # ---- where a picture comes from ------------------------------------------------------------------------------

    def take_example(self, index: int | None = None) -> None:
        """Begin with an example: the pinned one, unless another is named."""
        wanted = self._workspace.pinned if index is None else index

        def question(training: object) -> TakenExample:
            from nnviz.explain.own_input import example_of  # noqa: PLC0415 - torch belongs to that thread

            return example_of(training, wanted)  # type: ignore[arg-type]  # as the network hands it

        def done(example: TakenExample) -> None:
            facts = self._facts
            if facts is None or example.numbers.shape != facts.shape:
                return
            if self.rows is not None:
                if self._typed:
                    self.rows.remember()
                self.rows.take(example.numbers, example.label)
                self._on_typed()
            elif self.picture is not None:
                low, high = (0.0, 255.0) if facts.whole else (float(facts.low.min()), float(facts.high.max()))
                self.picture.remember()
                self._label = example.label
                self.picture.load(np.asarray((example.numbers - low) / ((high - low) or 1.0), np.float32))
                self.picture.treatment = replace(self.picture.treatment, fitted="", inverted=False)
                self.picture_changed()

        self._network.ask(question, while_there(self, done), while_there(self, self._tell))

    def take(self, data: QMimeData) -> None:
        """A picture that was dropped or stands on the clipboard: a file, or the picture itself."""
        local = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
        if local:
            self.read(local[0])
        elif data.hasImage():
            image = QImage(data.imageData())
            if image.isNull():
                self._workspace.say("There is no picture on the clipboard.")
            else:
                self._read_with(lambda size, channels: _through_a_file(image, size, channels))
        else:
            self._workspace.say("There is no picture on the clipboard.")

    def read(self, path: Path) -> None:
        """A picture from a file, read on another thread."""

        def work(size: int, channels: int) -> NDArray[np.uint8]:
            from nnviz.data.image_files import read_image  # noqa: PLC0415 - Pillow, only for those who read pictures

            return read_image(path, size, channels)

        self._read_with(work)

    def _read_with(self, work: Callable[[int, int], NDArray[np.uint8]]) -> None:
        picture = self.picture
        if picture is None:
            self._workspace.say("This network takes numbers, not pictures.")
            return
        channels, rows, columns = picture.canvas.shape

        def done(pixels: NDArray[np.uint8]) -> None:
            if self.picture is picture:
                self._load(picture, pixels)

        self._workspace.background.start(
            lambda: work(max(rows, columns), channels),
            while_there(self, done),
            while_there(self, self._tell),
            "own picture",
        )

    def _load(self, picture: OwnPicture, pixels: NDArray[np.uint8]) -> None:
        _, rows, columns = picture.canvas.shape
        top, left = (pixels.shape[1] - rows) // 2, (pixels.shape[2] - columns) // 2
        found = np.asarray(pixels[:, top : top + rows, left : left + columns] / np.float32(255), np.float32)
        picture.remember()
        picture.load(found)
        paper = len(found) == 1 and float(found.mean()) > _LIGHT
        picture.treatment = replace(picture.treatment, inverted=paper)
        self._label = ""
        if paper:
            self._workspace.say("Dark ink on light paper: inverted, as the network was trained on light ink.")
        self.picture_changed()

    def _tell(self, error: BaseException) -> None:
        self._workspace.say(sentence_of(error))

    # ---- what is answered ----------------------------------------------------------------------------------------

    def _ask(self) -> None:
        if not self._active or self._facts is None:
            return
        if self.is_blank:
            self.answer_shown = None
            self.bars.show_hint(self._workspace.document.project.name, "Draw something: the answer stands here.")
            self.beside.show_nothing()
            self._put_on_cards()
            return
        self.beside.ask()
        if self._asked is not None or not self._dirty:
            return
        self._dirty = False
        numbers, label, facts = self.numbers(), self._label, self._facts

        def question(training: object) -> OwnAnswer:
            from nnviz.explain.own_input import answer_to  # noqa: PLC0415 - torch belongs to that thread

            return answer_to(training, numbers, label=label, facts=facts)  # type: ignore[arg-type]  # as it is handed

        def done(answer: OwnAnswer) -> None:
            self._asked = None
            self.answer_shown = answer
            heading = (self._workspace.document.project.name, f"step {format_count(answer.step)}")
            one = answer.facts
            self.bars.show_answer(heading, answer.output, one.class_names, one.task, one.loss, label)
            self._put_on_cards()
            if self._dirty:
                self._ask()

        def failed(error: BaseException) -> None:
            self._asked = None
            self.bars.show_hint(self._workspace.document.project.name, sentence_of(error))
            self._facts_of = ()  # it is another network: what it takes is found out anew

        self._asked = self._network.ask(question, while_there(self, done), while_there(self, failed))

    def _on_beside(self) -> None:
        """Another network answers beside this one, or none any more."""
        self._arrange()
        if self.beside.is_there:
            self._changed()

    def _put_on_cards(self) -> None:
        """The cards show it, or the pinned example again."""
        answer = self.answer_shown
        wanted = self._active and self.on_cards.isChecked() and answer is not None and not self.is_blank
        self._workspace.feed.set_instead(answer.readings if wanted and answer is not None else ())

    # ---- events --------------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Where the keyboard is in here, undo and paste are those of the picture."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._key(event):
            event.accept()
            return True
        return super().event(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """In a field that nothing was typed into, undo is that of the numbers, too."""
        keys = (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress)
        if event.type() in keys and isinstance(event, QKeyEvent) and isinstance(watched, QLineEdit):
            what = self._key(event)
            if what in {"undo", "redo"} and not watched.isModified():
                if event.type() == QEvent.Type.KeyPress:
                    self._do(what)
                event.accept()
                return True
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Likewise."""
        what = self._key(event)
        if what:
            self._do(what)
        else:
            super().keyPressEvent(event)

    def _key(self, event: QKeyEvent) -> str:
        if event.matches(_Keys.Undo):
            return "undo"
        redo = event.matches(_Keys.Redo) or event.keyCombination() == _ALSO_REDO
        if redo:
            return "redo"
        if self.picture is None:
            return ""
        if event.matches(_Keys.Paste):
            return "paste"
        return "clear" if event.key() == Qt.Key.Key_Delete else ""

    def sizeHint(self) -> QSize:
        """Room for two pictures, the controls and two answers."""
        return QSize(300, 560) if self._places.upright else QSize(900, 230)


def _through_a_file(image: QImage, size: int, channels: int) -> NDArray[np.uint8]:
    """A picture of the clipboard, read as every other is; on a thread of its own."""
    from nnviz.data.image_files import read_image  # noqa: PLC0415 - as above

    with tempfile.TemporaryDirectory(prefix="nnviz-") as folder:
        path = Path(folder) / "pasted.png"
        if not image.save(str(path)):
            raise OSError("The picture of the clipboard cannot be read.")
        return read_image(path, size, channels)
