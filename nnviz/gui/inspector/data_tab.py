"""Which examples: the data set, its split and preparation, and the sample that is pinned."""

from __future__ import annotations

import html
import random
from dataclasses import dataclass
from pathlib import Path

import shiboken6
from msgspec.structs import replace
from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QSizePolicy, QToolButton, QWidget

from nnviz.data import datasets
from nnviz.data.datasets import SourceFacts
from nnviz.data.drawn_points import POINTS, DrawnPoints
from nnviz.data.step_facts import is_balanced
from nnviz.data.table_choice import with_use
from nnviz.data.typed_table import ROWS, TypedTable
from nnviz.errors import Cancelled, InputError, ParamError
from nnviz.gui.inspector.choice_form import ChoiceListForm
from nnviz.gui.inspector.columns_table import ColumnsTable
from nnviz.gui.inspector.form import ParamForm
from nnviz.gui.inspector.points_plane import PointsPlane
from nnviz.gui.inspector.rows_table import RowsTable
from nnviz.gui.inspector.steps_preview import StepsPreview, changes_pictures
from nnviz.gui.inspector.tab import Tab
from nnviz.gui.look import pictures
from nnviz.gui.look import theme as themes
from nnviz.gui.look.icons import bind
from nnviz.gui.look.painting import guarded
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.parts.widgets import ElidedLabel, set_font, set_icon_size
from nnviz.gui.runs.shown import Shown
from nnviz.gui.runs.workspace import Workspace
from nnviz.project import choices
from nnviz.project.adapt import choose_data
from nnviz.project.checks.shapes import shape_text
from nnviz.project.choices import Chosen
from nnviz.project.edits import SetView
from nnviz.project.files.own_folder import rooted
from nnviz.project.model import DataConfig, DataFacts, ParamValue, Pin
from nnviz.project.settings import DATA, find
from nnviz.project.spec import ParamSpec
from nnviz.record.pinned import latest_of
from nnviz.record.quantities import PINNED_INPUT
from nnviz.record.readings import ArrayReading, count_in

_LOOKING = "looking…"
#: So many features are named.
_MOST_NAMED = 16
#: As whom this tab asks what is known.
_OWNER = "data tab"


def dataset_choice() -> ParamSpec:
    """The choice of the data set, declared like any other parameter."""
    known = datasets.datasets()
    return ParamSpec(
        "dataset",
        "data set",
        "The examples that the network learns from.",
        "choice",
        "digits",
        choices=tuple((kind, spec.title) for kind, spec in known.items()),
    )


class SamplePicture(QWidget):
    """The pinned example, in whole multiples of its pixels."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image: QImage | None = None
        self._hint = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(148)

    @property
    def image(self) -> QImage | None:
        """The picture, a pixel a number."""
        return self._image

    def show_image(self, image: QImage | None, hint: str) -> None:
        """Show a picture, or a hint while there is none."""
        self._image, self._hint = image, hint
        self.setAccessibleName("Pinned example" if image is not None else hint)
        self.update()

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """The picture in the middle."""
        theme = themes.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(theme.border))
        painter.setBrush(QColor(theme.plot_background))
        painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), 6, 6)
        if self._image is None:
            painter.setPen(QColor(theme.text_muted))
            painter.setFont(themes.font(13))
            room = self.rect().adjusted(20, 10, -20, -10)
            painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap), self._hint)
            return
        ratio = self.devicePixelRatioF()
        shown = pictures.fitted(self._image, QSize(self.width() - 12, self.height() - 12), ratio)
        width, height = shown.width() / ratio, shown.height() / ratio
        place = QRect(
            round((self.width() - width) / 2), round((self.height() - height) / 2), round(width), round(height)
        )
        painter.drawPixmap(place, shown)


@dataclass(frozen=True)
class _Wish:
    """A choice that waits for the look at a folder, and the choice of the document that it changes."""

    before: DataConfig
    config: DataConfig


class DataTab(Tab):
    """Everything in DataConfig, and the pinned example."""

    key = "data"
    title = "Data"
    keys = "Alt+3"

    #: The chosen data set shall be fetched: its key.
    download_requested = Signal(str)
    #: All examples shall be seen.
    viewer_requested = Signal()

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(workspace, parent)
        self._wish: _Wish | None = None
        self.known.changed.connect(self.follow)
        self.known.progressed.connect(self._on_progress)

    def build(self) -> None:
        """Data set, its facts, its parameters, the split, the sample."""
        self._shown: Shown | None = None
        #: The file whose columns are shown.
        self._columns_of = ""
        self.choice = ParamForm(self.page)
        self.choice.set_specs((dataset_choice(),))
        self.choice.edited.connect(lambda _name, value, _gesture: self.choose(str(value)))
        self.column.addWidget(self.choice)
        self.about = self.text(self.page, 13)
        self.column.addWidget(self.about)
        # Before all that is said of the data: a small window shows it without scrolling.
        self.points = PointsPlane(self.page)
        self.points.edited.connect(lambda points: self._set_config(replace(self._wished(), params=points.params), ""))
        self.column.addWidget(self.points)
        self.facts = self.text(self.page, 12, 400, "muted")
        self.facts.setTextFormat(Qt.TextFormat.RichText)
        self.column.addWidget(self.facts)
        self.download = QPushButton(self.page)
        set_font(self.download, 12, 500)
        self.download.clicked.connect(self._on_download)
        self.column.addWidget(self.download, 0, Qt.AlignmentFlag.AlignLeft)
        self.look = QPushButton("See all examples", self.page)
        bind(self.look, "data")
        self.look.setToolTip("Search them, see one in numbers, how they are spread, maps of them (F4)")
        set_font(self.look, 12, 500)
        self.look.clicked.connect(self.viewer_requested)
        self.column.addWidget(self.look, 0, Qt.AlignmentFlag.AlignLeft)
        self.rows = RowsTable(self.page)
        self.rows.edited.connect(lambda table: self._set_config(replace(self._wished(), params=table.params), ""))
        self.column.addWidget(self.rows)
        self.columns = ColumnsTable(self.page)
        self.columns.chosen.connect(self._on_use)
        self.column.addWidget(self.columns)
        self.own = ParamForm(self.page)
        self.own.edited.connect(self._on_own)
        self.own.reset.connect(self._on_reset)
        self.column.addWidget(self.own)
        self.browse = QToolButton(self.page)
        set_font(self.browse, 12, 500)
        self.browse.clicked.connect(self.browse_own)
        self.column.addWidget(self.browse, 0, Qt.AlignmentFlag.AlignRight)
        self.column.addWidget(self.caption(self.page, "Split"))
        self.split = ParamForm(self.page)
        self.split.set_specs(DATA)
        self.split.edited.connect(self._on_split)
        self.split.reset.connect(self._on_reset)
        self.column.addWidget(self.split)
        self.steps: dict[str, ChoiceListForm] = {}
        for slot in choices.DATA:
            self.column.addWidget(self.caption(self.page, slot.title))
            form = self.steps[slot.name] = ChoiceListForm(slot, self.page)
            form.edited.connect(lambda chosen, gesture, name=slot.name: self._on_steps(name, chosen, gesture))
            self.column.addWidget(form)
        self.preview_head = QWidget(self.page)
        head = QHBoxLayout(self.preview_head)
        head.setContentsMargins(0, 0, 0, 0)
        head.addWidget(self.caption(self.preview_head, "What the steps do"), 1)
        self.other = self._button(self.preview_head, "dice", "Other examples", self._on_other_examples)
        head.addWidget(self.other)
        self.column.addWidget(self.preview_head)
        self.preview = StepsPreview(self.workspace.background, lambda: self.known.data_dir, self.page)
        self.column.addWidget(self.preview)
        self._shown_examples = 0
        self.column.addWidget(self.caption(self.page, "Pinned example"))
        row = QWidget(self.page)
        buttons = QHBoxLayout(row)
        buttons.setContentsMargins(0, 0, 0, 0)
        buttons.setSpacing(4)
        self.sample_text = ElidedLabel("", row)
        set_font(self.sample_text, 13, 500)
        buttons.addWidget(self.sample_text, 1)
        self.previous = self._button(row, "chevron-left", "Previous example", lambda: self.pin(self._pinned() - 1))
        self.next = self._button(row, "chevron-right", "Next example", lambda: self.pin(self._pinned() + 1))
        self.any = self._button(row, "dice", "Any example", self._on_random)
        for button in (self.previous, self.next, self.any):
            buttons.addWidget(button)
        self.column.addWidget(row)
        self.picture = SamplePicture(self.page)
        self.column.addWidget(self.picture)
        self.column.addWidget(self.caption(self.page, "Classes"))
        self.classes = self.text(self.page, 13)
        self.column.addWidget(self.classes)

    def _button(self, parent: QWidget, icon: str, tip: str, action: object) -> QToolButton:
        button = QToolButton(parent)
        bind(button, icon)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        set_icon_size(button, 16, 28, 26)
        button.clicked.connect(action)
        return button

    # ------------------------------------------------------------------ showing

    def show_document(self) -> None:
        """The values of the document, or those that it has as soon as a folder has been looked at."""
        config = self._wished()
        try:
            spec = datasets.dataset(config.dataset)
        except InputError as error:
            self.about.setText(sentence_of(error))
            return
        self.choice.set_values({"dataset": (spec.kind,)})
        self.about.setText(spec.help)
        self._show_rows(spec, config)
        self.own.set_specs(tuple(param for param in spec.params if param not in (ROWS, POINTS)))
        self.own.setVisible(bool(spec.params))
        self.own.set_values({param.name: (config.params.get(param.name, param.default),) for param in spec.params})
        self.browse.setVisible(spec.needs_folder)
        self.browse.setText("Choose file…" if spec.takes_file else "Choose folder…")
        self.split.set_values({param.name: (getattr(config, param.name),) for param in DATA})
        self.split.setEnabled(not spec.undivided)
        for name, form in self.steps.items():
            form.show_choices(getattr(config, name))
        seen = spec.family == "images" and changes_pictures(config) and not spec.without_folder(config.params)
        self.preview_head.setVisible(seen)
        self.preview.setVisible(seen)
        if seen:
            self.preview.show_steps(config, self._shown_examples)
        self.known.want(config)
        facts = self.known.facts(config)
        self._show_columns(config, facts)
        # Its room is kept while nobody knows whether it is needed, so that nothing jumps.
        policy = self.download.sizePolicy()
        policy.setRetainSizeWhenHidden(spec.downloads)
        self.download.setSizePolicy(policy)
        self.download.setVisible(spec.downloads and facts is not None and bool(facts.missing))
        size = themes.format_bytes(spec.download_bytes)
        self.download.setText(f"Download {spec.title} ({size})")
        self.facts.setText("<br>".join(self._fact_lines(config, spec, facts)))
        self._show_sample()

    def _show_rows(self, spec: datasets.DatasetSpec, config: DataConfig) -> None:
        """The table of rows that are typed in, or the plane of points that are drawn, where the data are such."""
        own = self._by_hand(spec, config)
        self.rows.setVisible(isinstance(own, TypedTable))
        self.points.setVisible(isinstance(own, DrawnPoints))
        if isinstance(own, TypedTable):
            self.rows.show_table(own)
        elif own is not None:
            self.points.show_points(own)

    def _show_columns(self, config: DataConfig, facts: SourceFacts | None) -> None:
        """What was made of the columns of a file; they stay while another choice among them is looked at."""
        if facts is not None:
            self.columns.show_columns(facts.columns, facts.data.task)
        named = datasets.place_of(config)
        stays = named == self._columns_of and (facts is None or bool(facts.columns))
        self.columns.setVisible(bool(facts.columns) if facts is not None else bool(named) and stays)
        if facts is not None:
            self._columns_of = named if facts.columns else ""

    @staticmethod
    def _by_hand(spec: datasets.DatasetSpec, config: DataConfig) -> TypedTable | DrawnPoints | None:
        """What is typed in or drawn; None of other data, and where the file holds none that can be used."""
        if not (spec.table or spec.drawn):
            return None
        try:
            return (DrawnPoints if spec.drawn else TypedTable).of(datasets.values(config))
        except InputError:
            return None

    def _on_progress(self, what: str, done: int, total: int) -> None:
        """How far the look at a folder is, where its classes will stand."""
        if done and self.isVisible() and self.known.looking(self._wished()):
            if datasets.dataset(self._wished().dataset).takes_file:
                return  # it is read in a few pieces: no number is worth showing
            of = "folders" if what.startswith("Looking") else "pictures"
            self.classes.setText(f"{_LOOKING} {themes.format_count(done)} of {themes.format_count(total)} {of}")

    def _fact_lines(self, config: DataConfig, spec: datasets.DatasetSpec, facts: SourceFacts | None) -> list[str]:
        lines = []
        sizes = self.known.split_sizes(config)
        if facts is not None and sizes is not None:
            train, validation, test = (themes.format_count(size) for size in sizes)
            repeated = " before the classes are balanced" if is_balanced(config.preparation) else ""
            left_out = sum(entry.weight == 0 for entry in self.document.project.curation)
            without = f" ({themes.format_count(left_out)} left out)" if left_out else ""
            lines.append(f"{train} to train{without}{repeated}, {validation} to validate, {test} to test")
            shape = facts.data.input_shape
            named = () if facts.columns else (facts.data.feature_names or spec.feature_names)[: shape[0]]
            names = ", ".join(named[:_MOST_NAMED]) + (", …" if len(named) > _MOST_NAMED else "")
            lines.append(f"each {shape_text(shape)}" + (f" ({html.escape(names)})" if names else ""))
            lines += [html.escape(text) for text in (*facts.warnings, *facts.notes)]
            self.classes.setText(", ".join(facts.data.class_names) or "a real number")
        elif self.known.looking(config):
            lines += [_LOOKING, _LOOKING]  # as many lines as there will be
            self.classes.setText(_LOOKING)
        else:
            lines.append(html.escape(self.known.problem(config) or "The sizes of its splits are not known."))
            self.classes.setText("–")
        if spec.offline:
            lines.append("needs no download")
        elif facts is not None and facts.place is not None:
            lines.append(f"found in {html.escape(str(facts.place))}")
        elif facts is not None and facts.missing:
            lines.append("not on this computer yet")
        elif self.known.looking(config):
            lines.append(_LOOKING)
        lines.append(f"{html.escape(spec.source)} Licence: {html.escape(spec.licence)}.")
        return lines

    @property
    def _pinned_place(self) -> tuple[str, int]:
        """Split and number of the example that the cards show; no split is the usual one."""
        shown = self._shown
        if shown is not None and shown.example is not None:  # another one of those that a recorded run followed
            return shown.example
        view = self.document.project.view
        return view.pinned_split, view.pinned_sample

    def _pinned(self) -> int:
        return self._pinned_place[1]

    def validation_count(self) -> int:
        """Number of samples that can be pinned of the split that the pinned one is of; 0 where it is not known."""
        sizes = self.known.split_sizes(self.document.project.data)
        if sizes is None:
            return 0
        return sizes[0] if self._pinned_place[0] == "train" else sizes[1]

    def refresh(self, shown: Shown, changed: frozenset[str]) -> None:
        """The picture of the pinned example."""
        before, self._shown = self._shown, shown
        same = before is not None and (before.run is shown.run and before.example == shown.example)
        if same and PINNED_INPUT.series() not in changed:
            return
        self._show_sample()

    def _show_sample(self) -> None:
        count = self.validation_count()
        split, index = self._pinned_place
        of = f" of {themes.format_count(count)}" if count else ""
        shown = self._shown
        sample = None if shown is None else latest_of(shown.run, PINNED_INPUT.series(), None, shown.example)
        label = ""
        image = None
        fits = isinstance(sample, ArrayReading) and split in ("", sample.meta.get("split"))
        if fits and isinstance(sample, ArrayReading) and count_in(sample.meta, "sample", -1) == index:
            image = pictures.sample_picture(sample.array)
            label = str(sample.meta.get("label", ""))
        where = f"{split} " if split else ""
        self.sample_text.setText(f"{where}#{themes.format_count(index)}{of}" + (f" · “{label}”" if label else ""))
        self.picture.show_image(image, "The sample appears here as soon as the network is prepared.")
        self.previous.setEnabled(index > 0)
        self.next.setEnabled(not count or index < count - 1)
        self.any.setEnabled(count > 1)

    # ------------------------------------------------------------------ changing

    def choose(self, kind: str) -> None:
        """Take another data set: one step of undo, the network's input follows."""
        try:
            config = datasets.chosen(self.document.project.data, kind)
        except InputError as error:
            self.message.emit(sentence_of(error))
            self.show_document()
            return
        self._set_config(config, "")

    def pin(self, index: int) -> None:
        """Pin another sample of the validation split."""
        count = self.validation_count()
        index = max(0, min(index, count - 1) if count else index)
        view = self.document.project.view
        self.change(SetView(view.showing(Pin(index, view.pinned_split)), gesture="pin"))

    def _on_other_examples(self) -> None:
        self._shown_examples += 1
        self.preview.show_steps(self._wished(), self._shown_examples)

    def _on_random(self) -> None:
        count = self.validation_count()
        if count > 1:
            # Any but the present one.
            self.pin((self._pinned() + random.randrange(1, count)) % count)  # noqa: S311 - not a secret

    def _on_own(self, name: str, value: ParamValue, gesture: str) -> None:
        config = self._wished()
        by_hand = self._by_hand(datasets.dataset(config.dataset), config)
        if by_hand is None:
            config = replace(config, params={**config.params, name: value})
        else:
            try:
                config = replace(config, params=by_hand.with_setting(name, value).params)
            except ParamError as error:
                self.message.emit(error.message)
                self.own.set_values({})
                self.show_document()
                return
        file = self.document.path
        self._set_config(rooted(config, Path.cwd() if file is None else file.absolute().parent), gesture)

    def _on_split(self, name: str, value: ParamValue, gesture: str) -> None:
        self._set_config(replace(self._wished(), **{name: value}), gesture)

    def _on_steps(self, name: str, chosen: Chosen, gesture: str) -> None:
        self._set_config(replace(self._wished(), **{name: chosen}), gesture)

    def _on_reset(self, name: str) -> None:
        config = self._wished()
        common = find(DATA, name)
        if common is not None and name in self.split.editors:
            self._set_config(replace(config, **{name: common.default}), "")
        else:
            spec = datasets.dataset(config.dataset)
            if self._by_hand(spec, config) is not None:
                self._on_own(name, spec.param(name).default, "")
                return
            kept = {key: value for key, value in config.params.items() if key != name}
            self._set_config(replace(config, params=kept), "")

    def _wished(self) -> DataConfig:
        """What the document holds, or shall hold as soon as a folder has been looked at."""
        present = self.document.project.data
        return self._wish.config if self._wish is not None and self._wish.before == present else present

    def _set_config(self, config: DataConfig, gesture: str) -> None:
        """Take up another choice; where only the disk knows its shape, as soon as a worker has found out."""
        present = self.document.project.data
        self._wish = None
        try:
            datasets.values(config)
            spec = datasets.dataset(config.dataset)
        except InputError as error:
            self.message.emit(sentence_of(error))
            self.show_document()
            return
        same = (config.dataset, config.params) == (present.dataset, present.params)
        facts = self.known.facts(config)
        if same or facts is not None or spec.without_folder(config.params):
            self.known.forget(_OWNER)
            self._take(config, None if facts is None else facts.data, gesture)
            return
        wish = self._wish = _Wish(present, config)

        def found(facts: SourceFacts | None) -> None:
            if shiboken6.isValid(self) and self._wish is wish:
                self._wish = None
                if facts is not None and facts.warnings:
                    more = f" ({len(facts.warnings) - 1} more)" if len(facts.warnings) > 1 else ""
                    self.message.emit(facts.warnings[0] + more)
                if self.document.project.data == wish.before:
                    self._take(config, None if facts is None else facts.data, gesture)

        def failed(error: BaseException) -> None:
            if not isinstance(error, Cancelled):
                # A folder that cannot be used is taken up all the same: what is wrong with it is said with its cure.
                found(None)
            elif shiboken6.isValid(self) and self._wish is wish:
                self._wish = None
                self.message.emit(sentence_of(error))
                self.show_document()

        self.known.go_on(config)  # where it was stopped before
        self.known.ask(config, found, failed, _OWNER)

    def _take(self, config: DataConfig, facts: DataFacts | None, gesture: str) -> None:
        try:
            edit = choose_data(self.document.project, config, facts, gesture)
        except InputError as error:
            self.message.emit(sentence_of(error))
            self.show_document()
            return
        self.change(edit)

    def _on_download(self) -> None:
        self.download_requested.emit(self.document.project.data.dataset)

    def _on_use(self, name: str, use: str) -> None:
        """Take a column of a table as something else."""
        config = self._wished()
        self._set_config(replace(config, params=with_use(config.params, name, use)), "")

    def browse_own(self) -> None:
        """Ask for a folder or a file of the user's own, and take it."""
        spec = datasets.dataset(self._wished().dataset)
        if not spec.needs_folder:
            return
        if spec.takes_file:
            endings = " ".join(f"*{ending}" for ending in spec.endings)
            chosen, _ = QFileDialog.getOpenFileName(
                self, f"{spec.title} to learn from", "", f"{spec.title} ({endings})"
            )
            if chosen:
                self.take_place(Path(chosen), spec)
            return
        chosen = QFileDialog.getExistingDirectory(self, "The folder whose subfolders are the classes")
        if chosen:
            self._on_own(spec.folder_param, chosen, "")

    def take_place(self, place: Path, spec: datasets.DatasetSpec) -> None:
        """Take a folder or a file of the user's own, as it was chosen or dropped: one step of undo."""
        self._set_config(datasets.named(self._wished(), spec, place), "")
