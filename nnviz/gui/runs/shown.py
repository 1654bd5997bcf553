"""What is drawn: which run at which step, and what stands beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nnviz.project.model import Project
from nnviz.record.pinned import Followed
from nnviz.record.readings import ArrayReading
from nnviz.record.run import Run, RunView


def empty_run() -> RunView:
    """A run in which nothing was measured: what is shown while there is no run, so that everything clears."""
    run = Run()
    run.finished = True
    return run


@dataclass(frozen=True, eq=False)
class Shown:
    """One frozen value for all that draw a run.

    Attributes:
        run: What is drawn.
        others: Further runs drawn beside it, in this order; never the run itself.
        step: The step that is shown; None is live: the newest of everything.
        against: Another step of the run, shown beside that one; None where there is none.
        instead: What stands on the cards in place of what was measured for the pinned example, by the names of the
            series: an input of one's own, and what each layer makes of it.
        example: Of the examples that a replayed run followed the one that the cards show, by split and number; None is
            the one that they showed at that step.
        gap: The place among the others that the run itself would have, and that stays free for it, with its colour.
        project: What a replayed run was made with. None of the live run, whose project is the user's document.
    """

    run: RunView
    others: tuple[RunView, ...] = ()
    step: int | None = None
    against: int | None = None
    project: Project | None = None
    instead: Mapping[str, ArrayReading] = field(default_factory=dict)
    example: Followed | None = None
    gap: int | None = None

    def __post_init__(self) -> None:
        kept: list[RunView] = []
        for other in self.others:
            if other is not self.run and not any(other is one for one in kept):
                kept.append(other)
        object.__setattr__(self, "others", tuple(kept))

    @property
    def runs(self) -> tuple[RunView, ...]:
        """All runs that are drawn, the shown one first."""
        return (self.run, *self.others)

    @property
    def names(self) -> frozenset[str]:
        """The series of all these runs."""
        return frozenset(name for run in self.runs for name in run.names())

    def same_runs(self, other: Shown | None) -> bool:
        """Whether the same runs are drawn in the same order; runs are the same only if they are one object."""
        return other is not None and [id(run) for run in self.runs] == [id(run) for run in other.runs]

    @property
    def steps(self) -> tuple[int | None, int | None]:
        """The shown step, and the one beside it."""
        return self.step, self.against

    def place(self, index: int) -> int:
        """The place of one of the others, which decides its colour: the same whichever of them is on the screen."""
        return index if self.gap is None or index < self.gap else index + 1

    def at(self, step: int | None) -> Shown:
        """The same at another step."""
        return replace(self, step=step)


NOTHING_SHOWN = Shown(empty_run())
