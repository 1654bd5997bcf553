"""The loss as a landscape: along one weight, over two, in random directions, or along the way of the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QToolButton

from nnviz.gui.explain.landscape_page import WHATS, LandscapePage
from nnviz.gui.explain.landscape_work import LandscapeWork
from nnviz.gui.look import theme as themes
from nnviz.gui.panels.base import Cell, Panel
from nnviz.gui.panels.panel_actions import PanelChoice, PanelOption
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import set_font
from nnviz.record.run import RunView

#: Milliseconds for which the weights have to stay as they are before they are measured again by themselves.
_SETTLED = 400
#: In the menu, and the last key of the shortcut.
_ENTRIES = {
    "one": ("One &weight", "W"),
    "two": ("&Two weights", "T"),
    "random": ("&Random directions", "R"),
    "way": ("W&ay of the run", "A"),
}


class LandscapePanel(Panel):
    """Measured on a copy of the network, beside its training, when somebody looks; then it says of which step it is."""

    key = "landscape"
    title = "Loss landscape"
    letter = "V"
    least_width = 560
    least_height = 360
    empty = "Put a network together: its loss is a landscape over its weights."
    choices = (
        PanelChoice(
            "what", "one", tuple(PanelOption(key, _ENTRIES[key][0], tip, _ENTRIES[key][1]) for key, _, tip in WHATS)
        ),
    )
    help = (
        "<p><b>What it shows.</b> The mean loss of fixed examples, in evaluation mode, for other weights than the "
        "present ones. <i>One weight</i>: all others stay, and the curve is the valley that this weight lies in. "
        "<i>Two weights</i>: the same over a plane. <i>Random directions</i>: all weights move, each filter as far as "
        "it is large (Li et al., 2018), so that 1 is a step as long as the weights. <i>Way of the run</i>: the plane "
        "in which the states that the run keeps differ most, with its way from the start to now (star).</p>"
        "<p><b>Balls.</b> Each is one optimizer that sees only these one or two weights and all the examples at each "
        "step. Press play, or click the landscape to put them elsewhere. The slope says which way is down: where it is "
        "negative, the weight grows.</p>"
        "<p><b>How to read it.</b> Dark is a low loss; lines join places of the same loss. A flat valley forgives "
        "large steps, a narrow one does not. A way seen in a plane looks straighter than it is: the axes say how much "
        "of it they show. Marks at the foot of a curve say where this weight was earlier in the run.</p>"
        "<p>It is of the step that is written above. While the network trains on, press “Measure again”.</p>"
    )

    def build(self) -> None:
        """Only what is needed to be chosen from; the rest is made when it is looked at first."""
        self.work = LandscapeWork(self.workspace, self)
        self.page: LandscapePage | None = None
        self._what = "one"
        self._measured: tuple[object, ...] | None = None
        self._shows_old = False
        self.settings_button = QToolButton(self.header)
        self.settings_button.setText("Settings")
        self.settings_button.setCheckable(True)
        self.settings_button.setProperty("role", "flat")
        self.settings_button.setToolTip("Choose what is measured, and the balls")
        set_font(self.settings_button, 12)
        self.settings_button.toggled.connect(self._on_settings)
        self.settings_button.hide()
        self.add_to_header(self.settings_button)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLED)
        self._settle.timeout.connect(self._measure_if_other)
        self.work.changed.connect(self._on_work)
        follow(self.workspace.network.changed, self._on_other_weights)
        self.workspace.training.changed.connect(self._on_other_weights)

    def option(self, key: str) -> str:
        """What it is of."""
        return self._what

    def set_option(self, key: str, value: str) -> None:
        """Choose what it is of."""
        if value == self._what:
            return
        self._what = value
        if self.page is not None:
            self.page.set_what(value)
            if self.isVisible():
                self.page.measure()
        self.option_changed.emit(key, value)

    def on_selection(self) -> None:
        """Another layer on the canvas: along its first weight, where it has one."""
        catalogue, page = self.work.catalogue, self.page
        if page is None or catalogue is None or not catalogue.shapes.get(self.selection):
            return
        now = page.wanted.weights
        place = catalogue.first(self.selection)
        if page.has_balls and place is not None and (not now or now[0].node != self.selection):
            page.set_weights((place, *(one for one in now[1:2] if one != place)))
            if self.isVisible():
                page.measure()

    def draw(self, run: RunView, changed: frozenset[str], step: int | None, *, fresh: bool) -> bool:
        """It is measured at the first look; a run that goes on only makes it older."""
        if not any(node.kind for node in self.document.project.graph.nodes.values()):
            return False
        if self.page is None:
            self._make()
        if self._measured is None:
            self._settle.start(0)
        return True

    def rows(self) -> Iterator[Sequence[Cell]]:
        """One row a point that was measured, then the way of the run, then the balls."""
        yield ("what", "x", "y", "loss", "step")
        landscape = self.work.landscape
        if landscape is None:
            return
        axes = landscape.picture.axes
        if len(axes) == 1:
            for x, loss in zip(axes[0].tolist(), landscape.picture.losses.tolist(), strict=True):
                yield (landscape.titles[0], x, "", loss, landscape.step)
        else:
            for y, row in zip(axes[1].tolist(), landscape.picture.losses.tolist(), strict=True):
                for x, loss in zip(axes[0].tolist(), row, strict=True):
                    yield (" × ".join(landscape.titles), x, y, loss, landscape.step)
        if landscape.way is not None:
            for at, place in zip(landscape.way.steps, landscape.way.places.tolist(), strict=True):
                yield ("way of the run", place[0], place[1] if len(place) > 1 else "", "", at)
        for ball in self.work.balls:
            for at, (place, loss) in enumerate(zip(ball.places.tolist(), ball.losses.tolist(), strict=True)):
                yield (f"ball {ball.choice.kind}", place[0], place[1] if len(place) > 1 else "", loss, at)

    # ------------------------------------------------------------------ measuring

    def _make(self) -> None:
        self.page = page = LandscapePage(self.work, self.body)
        page.set_what(self._what)
        page.what_chosen.connect(self._on_what_chosen)
        page.asked.connect(self._on_asked)
        self.body_layout.addWidget(page, 1)
        page.resized.connect(lambda: self.settings_button.setVisible(page.is_narrow))

    def _on_asked(self) -> None:
        self._measured = self.workspace.network.key

    def _measure_if_other(self) -> None:
        """At rest the present weights are shown by themselves; while they change the landscape only grows old."""
        other = self._measured != self.workspace.network.key
        at_rest = self._measured is None or not self.workspace.training.running
        if self.isVisible() and self.page is not None and other and at_rest:
            self.page.measure()

    def _on_other_weights(self) -> None:
        if self.isVisible() and self.page is not None:
            self._settle.start()

    def _on_what_chosen(self, what: str) -> None:
        self._what = what
        self.option_changed.emit("what", what)

    def _on_settings(self, on: bool) -> None:
        if self.page is not None:
            self.page.toggle_settings(on)

    def _on_work(self) -> None:
        landscape = self.work.landscape
        if landscape is None:
            self.set_subtitle("")
        else:
            step = f"step {themes.format_count(landscape.step)}"
            self.set_subtitle(f"{step}, {themes.format_count(landscape.count)} examples", step)
        self.show_ages()

    # ------------------------------------------------------------------ age and sight

    @property
    def is_old(self) -> bool:
        """Whether the weights have moved on since it was measured."""
        landscape = self.work.landscape
        return landscape is not None and self.moment.is_old(landscape.step)

    def has_aged(self) -> bool:
        """Whether it has become old, or is new again, since that was said."""
        return self.is_old is not self._shows_old

    def show_ages(self) -> None:
        """Say that it is of earlier weights."""
        self._shows_old = self.is_old
        landscape = self.work.landscape
        words = None if landscape is None or not self._shows_old else self._age_words
        self._subtitle.set_age(words)
        if self.page is not None:
            self.page.view.set_old(self._shows_old)

    def _age_words(self) -> str:
        landscape = self.work.landscape
        return "" if landscape is None else self.moment.words(landscape.step)

    def showEvent(self, event: QShowEvent) -> None:
        """Other weights may be there than when it was seen last."""
        super().showEvent(event)
        self._settle.start(0)

    def hideEvent(self, event: QHideEvent) -> None:
        """What nobody sees costs nothing: no copy of the weights, no work."""
        super().hideEvent(event)
        if self.work.progress is not None:
            self._measured = None
        self.work.release()
        if self.page is not None:
            self.page.bar.stop()
