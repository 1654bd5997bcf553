"""Activations side by side: curve, derivative, and what many layers of them in a row make of a gradient.

All numbers come from the modules that a network would have, computed on another thread; here they are only drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QGridLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from nnviz.gui.explain.chart import Chart, letters_for, pen, usable
from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import guarded
from nnviz.gui.parts.background import Background
from nnviz.gui.parts.flow_row import FlowRow
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import SegmentButton, Segments, set_font
from nnviz.project import registry
from nnviz.project.model import Graph, Params
from nnviz.project.spec import LayerSpec, ParamSpec

if TYPE_CHECKING:
    from nnviz.explain.activation_curves import ActivationCurve

Floats = NDArray[np.float64]

_LANE = "activation curves"
#: Inputs that are drawn, to each side of 0, and how many of them.
REACH, _POINTS = 6.0, 601
#: The most layers in a row, the largest weight between two of them, and how far a setting without an end goes.
_MOST_LAYERS, _MOST_WEIGHT, _FAR = 20, 3.0, 3.0
#: Powers of ten that the plot of gradients shows.
_FLOOR, _CEILING = -8.0, 3.0
#: From this width on everything stands side by side.
_BESIDE, _COLUMN, _ANY_WIDTH = 860, 336, 2**24 - 1
_VIEWS = (
    ("curve", "y", "The activation itself"),
    ("slope", "y′", "Its derivative"),
    ("row", "In a row", "The gradient behind several layers of it"),
    ("settings", "Settings", "Which activations, their settings, and the numbers"),
)


def explained() -> dict[str, LayerSpec]:
    """The activations that turn each number into one other, by kind, in the order of the palette."""
    return {
        kind: spec
        for kind, spec in registry.layers().items()
        if spec.family == "activation" and spec.of_one_number is None
    }


def in_graph(graph: Graph) -> dict[str, Params]:
    """The activations that a network has, with the settings of the first layer of each kind."""
    known = explained()
    found: dict[str, Params] = {}
    for node in graph.nodes.values():
        kind = registry.layer(node.kind).kind if node.kind in registry.layers() else ""
        if kind in known and kind not in found:
            found[kind] = known[kind].values(node.params)
    return found


@dataclass(frozen=True)
class Chain:
    """Layers in a row, the weight between two of them, and the input that is read off."""

    layers: int = 5
    weight: float = 1.0
    x: float = 1.0


class ActivationWork:
    """Asks for curves on another thread; while some are made only the newest question waits.

    Args:
        background: Where the work is done.
        done: Called on the GUI thread with the curves, whose last input is the one that is read off.
    """

    def __init__(self, background: Background, done: Callable[[tuple[ActivationCurve, ...], Floats], object]) -> None:
        self._background, self._done = background, done
        self._busy = False
        self._next: tuple[Mapping[str, Params], Mapping[str, Mapping[str, float]], Chain] | None = None
        #: Why there are none, as a sentence.
        self.problem = ""

    @property
    def busy(self) -> bool:
        """Whether curves are being made."""
        return self._busy

    def ask(
        self, wanted: Mapping[str, Params], learned: Mapping[str, Mapping[str, float]], chain: Chain
    ) -> None:  # fmt: skip
        """Curves of these kinds with these settings and learned numbers."""
        self._next = (dict(wanted), {kind: dict(own) for kind, own in learned.items()}, chain)
        if not self._busy:
            self._start()

    def _start(self) -> None:
        if self._next is None:
            return
        (wanted, learned, chain), self._next = self._next, None
        self._busy = True
        x = np.append(np.linspace(-REACH, REACH, _POINTS), chain.x)

        def work() -> tuple[ActivationCurve, ...]:
            from nnviz.explain.activation_curves import Activation, activation_curve  # noqa: PLC0415 - torch is there

            return tuple(
                activation_curve(
                    Activation(kind, params, learned.get(kind, {})), x, layers=chain.layers, weight=chain.weight
                )
                for kind, params in wanted.items()
            )

        def done(curves: tuple[ActivationCurve, ...]) -> None:
            self._busy = False
            self._done(curves, x)
            self._start()

        def failed(error: BaseException) -> None:
            self._busy = False
            self.problem = str(error)
            self._start()

        self._background.start(work, done, failed, _LANE)


class _Chip(SegmentButton):
    """One activation: pressed it is drawn, and then it shows its colour."""

    def __init__(self, spec: LayerSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.colour: QColor | None = None
        self.setText(spec.title)
        self.setCheckable(True)
        self.setToolTip(spec.help)
        self.setAccessibleName(spec.title)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        set_font(self, 13, 500)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """The button, and a line of the colour of its curve at its foot."""
        super().paintEvent(event)
        if self.colour is not None:
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(self.colour, 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawLine(QPointF(7, self.height() - 3.5), QPointF(self.width() - 7, self.height() - 3.5))


class _Setting(QWidget):
    """A number with a slider."""

    moved = Signal(float)

    def __init__(self, title: str, tip: str, low: float, high: float, step: float, parent: QWidget) -> None:
        super().__init__(parent)
        self._title, self._step, self._whole = title, step, float(step).is_integer()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        self.label = QLabel(title, self)
        set_font(self.label, 12)
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setRange(round(low / step), round(high / step))
        self.slider.setAccessibleName(title)
        self.slider.setToolTip(tip)
        self.label.setToolTip(tip)
        column.addWidget(self.label)
        column.addWidget(self.slider)
        self.slider.valueChanged.connect(self._on_moved)

    @property
    def value(self) -> float:
        """The number."""
        return round(self.slider.value() * self._step, 6)

    def show_value(self, value: float) -> None:
        """Show a number; nothing is emitted. One between two steps of the slider is written as it is."""
        blocked = self.slider.blockSignals(True)
        self.slider.setValue(round(value / self._step))
        self.slider.blockSignals(blocked)
        self._say(value)

    def _say(self, value: float) -> None:
        text = f"{value:.0f}" if self._whole else themes.format_number(value, 3)
        self.label.setText(f"{self._title}: {text}")

    def _on_moved(self, _place: int) -> None:
        self._say(self.value)
        self.moved.emit(self.value)


class _Plot(QWidget):
    """One of the three plots with its heading, and the line that reads it off."""

    line_moved = Signal(float)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        self.heading = QLabel(title, self)
        self.heading.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        set_font(self.heading, 13, 600)
        column.addWidget(self.heading)
        self.chart = Chart(self)
        column.addWidget(self.chart, 1)
        self._curves: list[pg.PlotCurveItem] = []
        self._zeros = [pg.InfiniteLine(pos=0, angle=angle, movable=False) for angle in (0, 90)]
        for line in self._zeros:
            self.chart.add(line, -5)
        self._dots = pg.ScatterPlotItem(pxMode=True, useCache=False)
        self.chart.add(self._dots, 20)
        self.line = pg.InfiniteLine(angle=90, movable=True, bounds=(-REACH, REACH))
        self.chart.add(self.line, 10)
        self.line.sigPositionChanged.connect(self._on_line)
        self.chart.clicked.connect(lambda x, _y: self.line_moved.emit(min(max(x, -REACH), REACH)))
        self._told = 0.0

    def draw(self, x: Floats, rows: Sequence[Floats], colours: Sequence[QColor], at: float) -> None:
        """Draw these curves; the last number of each is that at the line."""
        while len(self._curves) < len(rows):
            item = pg.PlotCurveItem(connect="finite")
            self.chart.add(item, 5)
            self._curves.append(item)
        spots = []
        for number, item in enumerate(self._curves):
            item.setVisible(number < len(rows))
            if number >= len(rows):
                continue
            values = usable(rows[number])
            item.setData(x[:-1], values[:-1], pen=pen(colours[number], 3.0))
            if np.isfinite(values[-1]):
                spots.append({"pos": (at, values[-1]), "brush": pg.mkBrush(colours[number]), "size": 13})
        self._dots.setData(spots, pen=pen(QColor(themes.current().panel), 2))
        self._told = at
        self.line.setPos(at)
        theme = themes.current()
        self.line.setPen(pen(theme.text_muted, 1.5))
        self.line.setHoverPen(pen(theme.accent, 3.0))
        for zero in self._zeros:
            zero.setPen(pen(theme.border, 1.0))

    def _on_line(self) -> None:
        at = float(self.line.value())
        if at != self._told:
            self._told = at
            self.line_moved.emit(at)

    def set_letters(self, size: int) -> None:
        """Letters of another size, in pixels before the text scale."""
        self.chart.set_letters(size)
        set_font(self.heading, size + 1, 600)


class ActivationPage(QWidget):
    """The whole explorer.

    Args:
        background: Where curves are computed.
        parent: Owner.

    Attributes:
        chosen: The kinds that are drawn, with all their settings.
        learned: Numbers of parameters that are learned, by kind; where none is said, those that training begins with.
        chain: Layers in a row.
        curves: What is drawn.
    """

    #: Other curves are drawn.
    drawn = Signal()

    def __init__(self, background: Background, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._specs = explained()
        self.chosen: dict[str, Params] = {}
        self._settings: dict[str, Params] = {kind: spec.values({}) for kind, spec in self._specs.items()}
        self.learned: dict[str, dict[str, float]] = {}
        self.chain = Chain()
        self.curves: tuple[ActivationCurve, ...] = ()
        self._x: Floats = np.zeros(1)
        self._sliders: dict[tuple[str, str], _Setting] = {}
        self.work = ActivationWork(background, self._on_curves)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.setMinimumSize(200, 90)
        self._build()
        follow(themes.notifier.changed, self._draw)

    @property
    def is_ready(self) -> bool:
        """Whether what is drawn is what was asked for."""
        return bool(self.curves) and not self.work.busy

    @property
    def inputs(self) -> Floats:
        """What the curves are drawn over; the last one is read off."""
        return self._x

    # ------------------------------------------------------------------ building

    def _build(self) -> None:
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(6)
        self.views = Segments(_VIEWS, self)
        self.views.chosen.connect(lambda _key: self._lay())
        whole.addWidget(self.views, 0, Qt.AlignmentFlag.AlignLeft)
        row = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        row.setSpacing(12)
        whole.addLayout(row, 1)
        holder = QWidget(self)
        self._plots_row = QBoxLayout(QBoxLayout.Direction.LeftToRight, holder)
        self._plots_row.setContentsMargins(0, 0, 0, 0)
        self._plots_row.setSpacing(10)
        self.plots = {"curve": _Plot("y"), "slope": _Plot("y′"), "row": _Plot("")}
        for plot in self.plots.values():
            self._plots_row.addWidget(plot, 1)
            plot.line_moved.connect(self._on_line)
            plot.chart.set_titles("x", "")
        self.plots["row"].chart.set_logarithmic(True)
        row.addWidget(holder, 1)
        self._holder = holder
        self.side = QScrollArea(self)
        self.side.setWidgetResizable(True)
        self.side.setFrameShape(QFrame.Shape.NoFrame)
        self.side.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        row.addWidget(self.side)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 6, 4)
        column.setSpacing(10)
        chips = FlowRow(content, gap=4)
        self.chips: dict[str, _Chip] = {}
        for kind, spec in self._specs.items():
            chip = self.chips[kind] = _Chip(spec, chips)
            chip.clicked.connect(lambda on, kind=kind: self._on_chip(kind, on))
            chips.add(chip)
        column.addWidget(chips)
        self.table = QLabel("", content)
        self.table.setTextFormat(Qt.TextFormat.RichText)
        self.table.setWordWrap(True)
        self.table.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        set_font(self.table, 13)
        column.addWidget(self.table)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        column.addLayout(grid)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        self._grid = grid
        self.layers = _Setting("Layers in a row", "How many of them follow one another", 1, _MOST_LAYERS, 1, content)
        self.weight = _Setting(
            "Weight between", "What each number is multiplied with before an activation", -_MOST_WEIGHT, _MOST_WEIGHT,
            0.05, content,
        )  # fmt: skip
        self.layers.show_value(self.chain.layers)
        self.weight.show_value(self.chain.weight)
        self.layers.moved.connect(lambda value: self._use(replace(self.chain, layers=round(value))))
        self.weight.moved.connect(lambda value: self._use(replace(self.chain, weight=value)))
        grid.addWidget(self.layers, 0, 0)
        grid.addWidget(self.weight, 0, 1)
        column.addStretch(1)
        self.side.setWidget(content)
        self._content = content

    # ------------------------------------------------------------------ what is chosen

    def choose(self, kinds: Mapping[str, Params]) -> None:
        """Draw these, with these settings."""
        self._settings.update(kinds)
        self._show({kind: self._settings[kind] for kind in self._specs if kind in kinds})

    def show_learned(self, learned: Mapping[str, Mapping[str, float]]) -> None:
        """These are what the network has learned."""
        self.learned.update({kind: dict(own) for kind, own in learned.items()})
        self._show(self.chosen)

    def _show(self, chosen: Mapping[str, Params]) -> None:
        self.chosen = dict(chosen)
        for kind, chip in self.chips.items():
            chip.setChecked(kind in chosen)
        self.work.ask(self.chosen, self.learned, self.chain)

    def _on_chip(self, kind: str, on: bool) -> None:
        kinds = {one for one in self.chosen if one != kind} | ({kind} if on else set())
        self._show({one: self._settings[one] for one in self._specs if one in kinds})

    def _use(self, chain: Chain) -> None:
        self.chain = chain
        self.work.ask(self.chosen, self.learned, chain)

    def _on_line(self, x: float) -> None:
        self._use(replace(self.chain, x=x))

    def _on_setting(self, kind: str, name: str, value: float) -> None:
        self._settings[kind] = {**self._settings[kind], name: value}
        self._show({one: self._settings[one] for one in self.chosen})

    def _on_learned(self, kind: str, name: str, value: float) -> None:
        self.show_learned({kind: {**self.learned.get(kind, {}), name: value}})

    # ------------------------------------------------------------------ what is shown

    def _on_curves(self, curves: tuple[ActivationCurve, ...], x: Floats) -> None:
        self.curves, self._x = curves, x
        self._draw()

    def _colours(self) -> dict[str, QColor]:
        series = themes.current().series
        return {kind: series[number % len(series)] for number, kind in enumerate(self._specs)}

    def _draw(self) -> None:
        colours, x, at = self._colours(), self._x, self.chain.x
        for kind, chip in self.chips.items():
            chip.colour = colours[kind] if kind in self.chosen else None
            chip.update()
        if len(x) < 2:
            return
        shown = [colours[one.activation.kind] for one in self.curves]
        self.plots["curve"].draw(x, [one.y for one in self.curves], shown, at)
        self.plots["slope"].draw(x, [one.slopes for one in self.curves], shown, at)
        rows = []
        for one in self.curves:
            with np.errstate(divide="ignore"):
                power = np.log10(np.abs(one.gradients[-1]))
            # What is 0 has no power of ten: it lies at the foot.
            rows.append(np.where(np.isnan(power), np.nan, np.clip(power, _FLOOR, 300.0)))
        self.plots["row"].draw(x, rows, shown, at)
        self.plots["curve"].chart.show_range((-REACH, REACH), (-2.2, 4.2))
        self.plots["slope"].chart.show_range((-REACH, REACH), (-0.35, 1.35))
        self.plots["row"].chart.show_range((-REACH, REACH), (_FLOOR, _CEILING))
        self._say_headings()
        self._show_settings()
        self.table.setText(self.table_words())
        self.drawn.emit()

    def _say_headings(self) -> None:
        """What each plot is of; where the table is out of sight, also what is read off at the line."""
        layers, colours = self.chain.layers, self._colours()
        titles = {
            "curve": "y = f(x)",
            "slope": "y′, the derivative",
            "row": f"gradient behind {layers} layer{'s' * (layers != 1)}, |∂h/∂x|",
        }
        for key, plot in self.plots.items():
            text = titles[key]
            if self.side.isHidden():
                at = themes.format_number(self.chain.x, 3)
                values = (
                    one.y[-1] if key == "curve" else one.slopes[-1] if key == "slope" else abs(one.gradients[-1, -1])
                    for one in self.curves
                )
                numbers = ", ".join(
                    f'<span style="color:{colours[one.activation.kind].name()}">'
                    f"{self._specs[one.activation.kind].title} {themes.format_number(float(value), 3)}</span>"
                    for one, value in zip(self.curves, values, strict=True)
                )
                short = {"curve": "y", "slope": "y′", "row": f"|∂h/∂x|, {layers} layers"}[key]
                text = f"{short} at {at}: {numbers}"
            plot.heading.setText(text)

    def table_words(self) -> str:
        """What is read off at the line, as HTML."""
        theme, layers = themes.current(), self.chain.layers
        muted = theme.text_muted.name()
        head = f"x = {themes.format_number(self.chain.x, 3)}"
        cells = "".join(
            f'<td align="right" style="padding-left:10px; color:{muted}">{one}</td>'
            for one in ("y", "y′", f"behind {layers}", "at most")
        )
        rows = [f"<tr><td><b>{head}</b></td>{cells}</tr>"]
        colours = self._colours()
        for one in self.curves:
            kind = one.activation.kind
            numbers = (
                float(one.y[-1]),
                float(one.slopes[-1]),
                float(one.gradients[-1, -1]),
                float(np.abs(one.gradients[-1]).max()),
            )
            values = "".join(
                f'<td align="right" style="padding-left:10px">{themes.format_number(number, 3)}</td>'
                for number in numbers
            )
            name = f'<span style="color:{colours[kind].name()}">●</span> {self._specs[kind].title}'
            rows.append(f"<tr><td>{name}</td>{values}</tr>")
            product = " · ".join(themes.format_number(float(value), 2) for value in one.factors[:5, -1])
            more = " · …" if layers > 5 else ""
            rows.append(f'<tr><td colspan="5" style="color:{muted}">&nbsp;&nbsp;&nbsp;{product}{more}</td></tr>')
        return f'<table cellspacing="0" cellpadding="1">{"".join(rows)}</table>'

    def _show_settings(self) -> None:
        """A slider for each number that can be set of those that are drawn."""
        wanted: dict[tuple[str, str], tuple[float, Callable[[float], None]]] = {}
        for one in self.curves:
            kind = one.activation.kind
            for param in self._specs[kind].params:
                value = one.activation.params.get(param.name, param.default)
                if param.type == "float" and isinstance(value, (int, float)):
                    wanted[kind, param.name] = (
                        float(value),
                        lambda new, kind=kind, name=param.name: self._on_setting(kind, name, new),  # type: ignore[misc]  # bound by default
                    )
            for name, number in one.learned.items():
                wanted[kind, f"learned {name}"] = (
                    number,
                    lambda new, kind=kind, name=name: self._on_learned(kind, name, new),  # type: ignore[misc]  # bound by default
                )
        for key, (value, changed) in wanted.items():
            if key not in self._sliders:
                slider = self._sliders[key] = self._slider_of(*key)
                slider.moved.connect(changed)
                place = len(self._sliders) + 1
                self._grid.addWidget(slider, place // 2, place % 2)
            if not self._sliders[key].slider.isSliderDown():
                self._sliders[key].show_value(value)
        for key, slider in self._sliders.items():
            slider.setVisible(key in wanted)

    def _slider_of(self, kind: str, name: str) -> _Setting:
        spec = self._specs[kind]
        param: ParamSpec | None = next((one for one in spec.params if one.name == name), None)
        if param is None:
            tip = "It is learned; here it can be tried"
            return _Setting(f"{spec.title} {name.removeprefix('learned ')}", tip, -1.0, 1.0, 0.01, self._content)
        low = 0.0 if param.minimum is None else float(param.minimum)
        high = _FAR if param.maximum is None else min(float(param.maximum), _FAR)
        return _Setting(f"{spec.title} {param.title}", param.help, low, high, 0.01, self._content)

    # ------------------------------------------------------------------ room

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A wide place has everything side by side."""
        super().resizeEvent(event)
        self._lay()

    def _lay(self) -> None:
        narrow = self.width() < _BESIDE * themes.text_scale()
        view = self.views.value
        self.views.setVisible(narrow)
        self.side.setVisible(not narrow or view == "settings")
        self._holder.setVisible(not narrow or view != "settings")
        column = round(_COLUMN * themes.text_scale())
        self.side.setMinimumWidth(0 if narrow else column)
        self.side.setMaximumWidth(_ANY_WIDTH if narrow else column)
        for key, plot in self.plots.items():
            plot.setVisible(not narrow or key == view)
        high = self.height() > 0.9 * self.width()
        room, height = self.width() - (0 if narrow else column), self.height()
        letters = letters_for(room if narrow or high else room // 3, height if narrow or not high else height // 3)
        for plot in self.plots.values():
            plot.set_letters(letters)
        set_font(self.table, max(letters, 13))
        self._say_headings()
        self._plots_row.setDirection(QBoxLayout.Direction.TopToBottom if high else QBoxLayout.Direction.LeftToRight)
        self._plots_row.update()
