"""What a click may do against what was found: edits of the document, each offered only where it is the answer.

That a start or the size of the inputs is to blame can be computed from what the project says and what the data are; it
is not guessed from what came of it. Where neither is, and a network with layers that saturate learns nothing, others
may take their place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from nnviz.probes.course import Course, Layers, first
from nnviz.project.checks.shapes import inputs_of
from nnviz.project.cures import PREPARE, SCALE, USE_RELU, USUAL_START, edit_of
from nnviz.project.model import Project
from nnviz.project.starts import Start, starts_of, usual_before, usual_kinds
from nnviz.record.number_text import format_number as measured
from nnviz.record.quantities import INPUT_SIZE, SATURATION
from nnviz.record.readings import Cure


class Remedies:
    """Which edits of the document are the answer to what was found.

    Args:
        layers: Of the network.
        project: What is trained; without it nothing is known of how it started, and nothing is offered.
    """

    def __init__(self, layers: Layers, project: Project | None) -> None:
        self._layers = layers
        self._project = project
        self._known: dict[Cure, bool] = {}

    @cached_property
    def _starts(self) -> dict[str, Start]:
        project = self._project
        return {} if project is None else starts_of(project.graph, project.training.initialisation)

    def of_equal_units(self, node: str) -> tuple[Cure, ...]:
        """A random start, where the start made them equal."""
        start = self._starts.get(node)
        return self._possible([Cure("Start at random", USUAL_START)] if start is not None and start.alike else [])

    def of_dead_from_the_start(self, node: str) -> tuple[Cure, ...]:
        """Another start of the layer before, where its biases or weights cannot but do that."""
        return self._possible(self._other_start(self._before(node), lambda start: start.odd))

    def of_too_large(self, course: Course) -> tuple[Cure, ...]:
        """Smaller inputs, or smaller weights to begin with."""
        return self._possible([*self._smaller_inputs(course), *self._other_start(self._starts, lambda one: one.strong)])

    def of_vanishing(self, course: Course) -> tuple[Cure, ...]:
        """Another start, where it is odd; else layers that let more pass."""
        return self._possible([*self._other_start(self._starts, lambda one: one.odd)]) or self._relu(course)

    def of_saturated(self, node: str, course: Course) -> tuple[Cure, ...]:
        """What makes its inputs so large from the start; where nothing does, and nothing is learned, ReLU."""
        found = course.run.scalars(SATURATION.series(node))[1]
        began = first(course.run, SATURATION.series(node))
        if len(found) and (began is None or SATURATION.bands.warning.passed(began)):
            foremost = node in self._layers.saturating[:1]
            offered = [
                *(self._smaller_inputs(course) if foremost else ()),
                *self._other_start(self._before(node), lambda one: one.strong or one.alike),
            ]
            if possible := self._possible(offered):
                return possible
        return self._relu(course)

    def reason(self, cures: Iterable[Cure], course: Course) -> str:
        """What the first of them is the answer to, as a sentence with the number; empty where nothing was found."""
        foremost = next(iter(cures), None)
        if foremost is not None and foremost.action == PREPARE and course.data is not None:
            return f"The inputs are about {measured(course.data.size)} in size (root mean square), where 1 is usual."
        strongest = max((one.strength for one in self._starts.values() if one.strong), default=0.0)
        if foremost is not None and foremost.action == USUAL_START and strongest:
            return f"The weights start so large that a layer makes a signal up to {measured(strongest)} times as large."
        return ""

    def _smaller_inputs(self, course: Course) -> Iterator[Cure]:
        data = course.data
        if data is not None and data.scaling and INPUT_SIZE.warning.passed(data.size):
            title = "Scale the inputs to 0–1" if data.scaling == SCALE else "Standardise the inputs"
            yield Cure(title, PREPARE, data.scaling)

    def _other_start(self, nodes: Iterable[str], to_blame: Callable[[Start], bool]) -> Iterator[Cure]:
        for node in nodes:
            if self._project is not None and node in self._starts and to_blame(self._starts[node]):
                passes = usual_kinds(self._project.graph, (node,))[node] == usual_before(passes=True)
                name = "He" if passes else "Xavier"
                yield Cure(f"Start with {name} weights", USUAL_START)
                return

    def _relu(self, course: Course) -> tuple[Cure, ...]:
        return () if course.learns() else self._possible([Cure("Use ReLU, with He weights", USE_RELU)])

    def _before(self, node: str) -> list[str]:
        """The layers with weights whose outputs a layer gets, with none of their kind between."""
        seen, ahead, found = {node}, [node], list[str]()
        while ahead:
            for source in inputs_of(self._layers.graph, ahead.pop()):
                if source in seen:
                    continue
                seen.add(source)
                (found if source in self._layers.weighted else ahead).append(source)
        return found

    def _possible(self, cures: Iterable[Cure]) -> tuple[Cure, ...]:
        """Those that would change something."""
        return tuple(one for one in cures if self._changes(one))

    def _changes(self, cure: Cure) -> bool:
        if cure not in self._known:
            project = self._project
            self._known[cure] = project is not None and edit_of(cure.action, cure.value, project) is not None
        return self._known[cure]
