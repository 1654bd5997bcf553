"""What flows out of a layer for the pinned example."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QSpinBox

from nnviz.explain.place import Place
from nnviz.gui.look import theme as themes
from nnviz.gui.look.planes import Edges, probabilities
from nnviz.gui.look.scales import NO_NUMBER, SIGNS, Scale, missing_in
from nnviz.gui.panels.array_view import ArrayView
from nnviz.gui.panels.arrays import Numbers, map_stack, with_maps
from nnviz.gui.panels.base import Cell
from nnviz.gui.panels.node_panel import NodePanel
from nnviz.gui.panels.panel_actions import PanelChoice, PanelOption
from nnviz.gui.panels.tile_data import TileData
from nnviz.gui.parts.widgets import Segments, set_font
from nnviz.project import registry
from nnviz.project.checks.shapes import shape_text
from nnviz.project.model import Choice
from nnviz.record.age import Moment, ReadingShown, moment_of
from nnviz.record.interest import Interest
from nnviz.record.pinned import Followed, latest_of
from nnviz.record.quantities import DEAD_UNITS, OUTPUT, PLANE
from nnviz.record.readings import ArrayReading, count_in, fits, units_in
from nnviz.record.run import RunView


class MapView(ArrayView):
    """The feature maps of one layer for the pinned example; dead channels have a red frame."""

    def build(self) -> None:
        """A choice behind the caption."""
        self._maps: Numbers | None = None
        self._meta: dict[str, str | int | float] = {}
        self._units: tuple[int, ...] = ()
        self._dead: frozenset[int] = frozenset()
        self._dead_step = 0
        self._rank = 3
        self._edges: Edges | None = None
        self.shared = False
        self.scale_switch = Segments(
            (
                ("own", "each", "Each map fills the colour scale with its own range"),
                ("shared", "shared", "All maps have one colour scale"),
            ),
            self,
        )
        self.scale_switch.chosen.connect(lambda key: self.set_shared(key == "shared"))
        self.add_choice(self.scale_switch)

    @property
    def maps(self) -> Numbers | None:
        """The numbers that are shown, float32[maps, height, width]."""
        return self._maps

    @property
    def units(self) -> tuple[int, ...]:
        """The numbers of the channels or features that are shown."""
        return self._units if self._maps is not None else ()

    @property
    def total(self) -> int:
        """How many channels or features there are, shown or not."""
        return count_in(self._meta, "of", len(self.units))

    @property
    def over_plane(self) -> bool:
        """Whether units are shown over the plane of two features."""
        return self._edges is not None

    @property
    def dead(self) -> frozenset[int]:
        """Channels that never fire."""
        return self._dead

    def set_shared(self, shared: bool) -> None:
        """One scale for all maps, or each its own."""
        self.shared = shared
        self.scale_switch.set_value("shared" if shared else "own")
        self._colour()

    def refresh(self, run: RunView, node: str, step: int | None, example: Followed | None = None) -> bool:
        """Show a node's output at a step, of the pinned example or of one that is named; False where none is there."""
        plane = run.latest(PLANE.series(node), step)
        self._edges = Edges.of(plane.meta) if isinstance(plane, ArrayReading) and plane.array.ndim == 3 else None
        sample = latest_of(run, OUTPUT.series(node), step, example) if self._edges is None else plane
        self._node = node
        shape = self._document.inference.shape(node)
        if shape is not None and isinstance(sample, ArrayReading):
            expected = tuple(shape) if self._edges is None else (*shape[:1], *sample.array.shape[1:])
            if not fits(sample, expected):  # it is of the network of before
                sample = None
        if not isinstance(sample, ArrayReading) or not sample.array.size:
            self.clear()
            return False
        self._rank = sample.array.ndim
        self._maps, self._meta = map_stack(sample.array), dict(sample.meta)
        if len(self._maps) < len(sample.array.reshape(-1) if self._rank < 2 else sample.array):
            self._meta.setdefault("of", len(sample.array))
        self._units = units_in(self._meta, len(self._maps))
        dead = run.latest(DEAD_UNITS.series(node), step)
        found = set(np.flatnonzero(dead.array).tolist()) if isinstance(dead, ArrayReading) else set()
        self._dead_step = dead.step if dead is not None else 0
        self.set_measured(sample, moment_of(run, step))
        self._dead = frozenset(place for place, unit in enumerate(self._units) if unit in found)
        self._colour()
        return True

    def set_moment(self, moment: Moment) -> None:
        """The dead units were counted at a step of their own."""
        super().set_moment(moment)
        old = bool(self._dead) and moment.is_old(self._dead_step, DEAD_UNITS.series(self._node))
        self.reading.set_age(self._age_of_dead if old else None)

    def _age_of_dead(self) -> str:
        return f"The dead units were {self._moment.words(self._dead_step)}"

    def readings_shown(self) -> tuple[ReadingShown, ...]:
        """The range, and how many units are marked as dead."""
        shown = super().readings_shown()
        dead = self._dead_words()
        if not shown or not dead:
            return shown
        return (*shown, ReadingShown(DEAD_UNITS.series(self._node), dead, self._dead_step, self.reading.old, "dead"))

    def _dead_words(self) -> str:
        count = 0 if self._maps is None else len([index for index in self._dead if index < len(self._maps)])
        return f"{count} dead (red)" if count and self._edges is None else ""

    def clear(self) -> None:
        """Show no maps."""
        self._maps = None
        self.show_tiles(None)

    def place_of(self, tile: int, row: int, column: int) -> Place | None:
        """A pixel of a map, a unit, or of a unit over the plane the example nearest to the point."""
        maps = self._maps
        if maps is None or not 0 <= tile < len(self._units):
            return None
        unit = self._units[tile]
        if self._edges is not None:
            return Place(self._node, index=(unit,), near=self._edges.middle(row, column, *maps.shape[1:]))
        return Place(self._node, index=(unit, row, column)[: self._rank] if self._rank != 2 else (unit, column))

    def enlarged_hint(self) -> str:
        """What a click does."""
        return "Click: explain a number" if self.explains_enlarged else ""

    def enlarged_title(self) -> str:
        """The layer and the sample."""
        return f"{self._node} · {self._sample()}"

    def restyle(self) -> None:
        """Colour the tiles on the scale of the theme."""
        super().restyle()
        self._colour()

    def rows(self) -> Iterator[Sequence[Cell]]:
        """Every number of every map."""
        yield ("map", "row", "column", "value")
        if self._maps is not None:
            for index, value in np.ndenumerate(self._maps):
                yield (*(int(place) for place in index), float(value))

    def _sample(self) -> str:
        number, label = self._meta.get("sample"), self._meta.get("label")
        text = "example" if number is None else f"example {number}"
        return text if label in {None, ""} else f"{text} “{label}”"

    def _names(self, count: int) -> tuple[str, ...]:
        facts = self._document.facts
        if self._rank == 1:
            classes = facts.class_names if facts is not None and len(facts.class_names) == count else ()
            return tuple(f"“{name}”" for name in classes) or tuple(f"unit {unit}" for unit in self._units)
        return tuple(f"channel {unit}" for unit in self._units)

    def _colour(self) -> None:
        maps = self._maps
        if maps is None:
            return
        if self._edges is not None:
            self._show_plane(maps, self._edges)
            return
        # A vector has one number a cell: on its own scale each would look the same.
        shared = self.shared or self._rank == 1
        found = self._document.project.graph.nodes.get(self._node)
        image = found is not None and found.kind == "input" and self._rank == 3 and len(maps) in {1, 3}
        if image and len(maps) == 3:
            self._show_image(maps)
            return
        if image:
            scales: tuple[Scale, ...] = (Scale.picture(maps),)
        elif self._rank == 1 and bool((maps < 0).any()):
            scales = (Scale.signs(maps),)
        elif shared:
            scales = (Scale.amounts(maps),)
        else:
            scales = tuple(Scale.amounts(one) for one in maps)
        self.scale_switch.setVisible(self._rank > 1 and not image)
        total = count_in(self._meta, "of", len(maps))
        if self._grows:
            words, short = ("Outputs", "Outputs") if self._rank == 1 else ("Feature maps", "Maps")
            sample = self._sample()
            self.set_caption(f"{words} · {sample}", f"{short} · {sample}", sample, words, short)
        else:
            shape = (total, *maps.shape[1:]) if self._rank == 3 else (total,)
            self.set_caption(f"{shape_text(shape)} · {self._sample()}")
        idle = "" if self._rank == 1 or image else "one scale" if shared else "own scales"
        notes = []
        if dead := self._dead_words():
            notes.append(dead)
        if total > len(maps):
            notes.append(f"{'' if 'also' in self._meta else 'the first '}{len(maps)} of {total}")
        if notes:
            idle = " · ".join([*notes, *([idle] if idle else [])])
        self.set_idle_text(idle)
        marked = self._dead if len(self._dead) <= len(maps) else frozenset()
        self.show_tiles(TileData.painted(maps, scales, self._names(len(maps)), marked, "dead"))

    def _show_plane(self, maps: Numbers, edges: Edges) -> None:
        """Each unit over the plane of the two input features; of the Output what it decides."""
        node = self._document.project.graph.nodes.get(self._node)
        facts = self._document.facts
        decides = node is not None and node.kind == "output" and facts is not None and facts.shown_task != "regression"
        names: tuple[str, ...]
        scales: tuple[Scale, ...]
        if decides and node is not None and facts is not None:
            loss = Choice.of(registry.layer(node.kind).values(node.params)["loss"]).kind
            classes = facts.class_names[1:] if len(maps) == 1 else facts.class_names
            names = tuple(classes) if len(classes) == len(maps) else tuple(f"output {k}" for k in range(len(maps)))
            maps = probabilities(loss, maps).astype(np.float32)
            scales = (Scale.decision(maps) if len(maps) == 1 else Scale("sequential", 0.0, 1.0, missing_in(maps)),)
        else:
            noun = "x" if node is not None and node.kind == "input" else "unit "
            names = tuple(f"{noun}{index + (noun == 'x')}" for index in range(len(maps)))
            scales = (Scale.signs(maps),) if self.shared else tuple(Scale.signs(one) for one in maps)
        self.scale_switch.setVisible(not decides and len(maps) > 1)
        across = "x1 " + " … ".join(themes.format_range(edges.x1_low, edges.x1_high, 2))
        up = "x2 " + " … ".join(themes.format_range(edges.x2_low, edges.x2_high, 2))
        self.set_caption(f"{across}, {up}")
        total = count_in(self._meta, "of", len(maps))
        idle = f"the first {len(maps)} of {total} units" if total > len(maps) else ""
        dead = len([index for index in self._dead if index < len(maps)])
        if dead:
            idle = f"{dead} dead (red)" + (f" · {idle}" if idle else "")
        self.set_idle_text(idle)
        self.show_tiles(TileData.painted(maps, scales, names, self._dead, "dead", edges))

    def _show_image(self, image: Numbers) -> None:
        """A colour image that comes in, as what it is."""
        self.scale_switch.setVisible(False)
        self.set_caption(f"{shape_text(image.shape)} · {self._sample()}")
        self.set_idle_text("")
        self.show_tiles(TileData.painted(image[None], (Scale.picture(image),), ("pixel",)))


class FeatureMapsPanel(NodePanel):
    """What flows out of the selected layer for the pinned example."""

    key = "feature_maps"
    title = "Feature maps"
    empty = "Press Play, or choose a sample: what flows out of each layer appears here."
    letter = "M"
    needs_training = True
    choices = (
        PanelChoice(
            "scale",
            "own",
            (
                PanelOption(
                    "own", "Colour scale: &each map its own", "Every map fills the colour scale with its own range", "E"
                ),
                PanelOption(
                    "shared",
                    "&One colour scale for all maps",
                    "One colour scale for all maps, so that they compare",
                    "O",
                ),
            ),
        ),
    )
    quantities = (OUTPUT, DEAD_UNITS, PLANE)
    help = (
        "<p><b>What it shows.</b> The output of a layer for the pinned example, in evaluation mode: one picture a "
        "channel. "
        "<i>each</i>: every map fills the colour scale with its own range, so that weak ones can be seen, too. "
        "<i>shared</i>: one scale for all, so that strengths compare. The range is printed.</p>"
        "<p><b>How to read it.</b> A bright place is where the filter found what it looks for. Maps that all look "
        "alike: the filters are copies of each other. A red frame: the channel is dead, it fires for no image of the "
        f"probe set. Of a vector with negative numbers: {SIGNS[0].lower()}{SIGNS[1:]}. {NO_NUMBER}.</p>"
        "<p><b>Two features.</b> Where the input is two features, each tile is one unit over their whole plane: x1 "
        f"from left to right, x2 upwards. {SIGNS}. For the Output how likely the second class is: the colours are "
        "those of the classes, as of the points, and neutral is undecided.</p>"
        "<p>Point for a value, click to enlarge, arrow keys move.</p>"
    )

    def build(self) -> None:
        """The view fills the body."""
        self.view = MapView(self.document, parent=self.body)
        self.body_layout.addWidget(self.view, 1)
        super().build()
        self.view.number_picked.connect(self.number_requested)
        self.view.explains_enlarged = True
        self.view.scale_switch.chosen.connect(lambda key: self.option_changed.emit("scale", key))
        self.unit_box = QSpinBox(self.header)
        self.unit_box.setAccessibleName("Channel")
        self.unit_box.setToolTip("A channel behind those that are shown: its map is measured and shown, too")
        self.unit_box.setSpecialValueText("channel …")
        self.unit_box.setPrefix("channel ")
        self.unit_box.setRange(-1, -1)
        self.unit_box.setKeyboardTracking(False)
        set_font(self.unit_box, 12)
        self.unit_box.valueChanged.connect(self._on_unit)
        self.unit_box.hide()
        self.add_to_header(self.unit_box)
        self._unit: tuple[str, int] | None = None

    def set_picking(self, on: bool) -> None:
        """A click on a number takes it apart."""
        self.view.grid.picks = on

    def looks_at(self) -> Interest:
        """The layer that is shown, and the channel of it that was asked for."""
        units = frozenset({self._unit} if self._unit is not None and self._unit[0] == self.node else ())
        return super().looks_at() | Interest(frozenset(), frozenset(), units=units)

    def _on_unit(self, unit: int) -> None:
        self._unit = (self.node, unit) if unit >= 0 else None
        self.tell_interest()

    def _offer_units(self) -> None:
        """A layer with more channels than are kept has a box to ask for any of them."""
        with QSignalBlocker(self.unit_box):
            self.unit_box.setMaximum(max(self.view.total - 1, 0))
            if self._unit is not None and self._unit[0] != self.node:
                self._unit = None
                self.unit_box.setValue(-1)
        self.unit_box.setVisible(not self.view.over_plane and self.view.units != tuple(range(self.view.total)))

    def option(self, key: str) -> str:
        """Whether there is one scale or one a map."""
        return "shared" if self.view.shared else "own"

    def set_option(self, key: str, value: str) -> None:
        """One scale for all, or each map its own."""
        self.view.set_shared(value == "shared")
        self.option_changed.emit("scale", value)

    def candidates(self) -> list[str]:
        """The layers that put something out."""
        return with_maps(self.document)

    def first(self, nodes: list[str]) -> str:
        """The first layer that makes feature maps."""
        shape = self.document.inference.shape
        for node in nodes[1:]:
            if len(shape(node) or ()) == 3:
                return node
        return nodes[1] if len(nodes) > 1 and tuple(shape(nodes[0]) or ()) == (2,) else nodes[0] if nodes else ""

    def draw(self, run: RunView, changed: frozenset[str], step: int | None, *, fresh: bool) -> bool:
        """Show the maps of the chosen layer."""
        node = self.choose(run, OUTPUT)
        example = None if self.shown is None else self.shown.example
        mine = {OUTPUT.series(node), DEAD_UNITS.series(node), PLANE.series(node)}
        if not fresh and not (mine & changed) and (node, step, example) == self._drawn:
            return not self.is_empty
        self._drawn = (node, step, example)
        if not node:
            self.view.clear()
        shown = bool(node) and self.view.refresh(run, node, step, example)
        self._offer_units()
        return shown

    def readings_shown(self) -> tuple[ReadingShown, ...]:
        """The range of the maps, and how many are dead."""
        return self.view.readings_shown()

    def show_ages(self) -> None:
        """Mark what is old."""
        self.view.set_moment(self.moment)

    def rows(self) -> Iterator[Sequence[Cell]]:
        """Every number of the maps."""
        return self.view.rows()
