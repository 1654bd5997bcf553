"""What must not wait is measured while training goes on, and keeps within the budget."""

from __future__ import annotations

from training_helpers import advance, made_training

from nnviz.probes.base import Measurement, Probe, Stage
from nnviz.record.quantities import SILENT_FRACTION
from nnviz.record.readings import Reading
from nnviz.record.run import Run
from nnviz.train.instruments import Instruments


class Long(Probe):
    """Never done."""

    name, title, stage, fills = "long", "Long", Stage.REST, (SILENT_FRACTION,)
    at_fixed_steps = True

    @property
    def busy(self) -> bool:
        return True

    @property
    def progress(self) -> float:
        return 0.0

    def measure(self, measurement: Measurement) -> list[Reading]:
        return []


def test_what_the_news_call_for_takes_its_part_of_the_budget_and_only_a_fixed_step_more() -> None:
    training, probe = made_training(), Long()
    share = 0.10
    instruments = Instruments(training, Run(), (probe,), share)
    advance(training, 4)  # on the way to the next fixed step a pass that is at its beginning lies behind
    given_out = instruments._budget.share
    for anew in (True, False):
        measurement = instruments._measurement(False)
        measurement.anew, measurement.fixed = anew, not anew
        instruments._press([probe], measurement)
        began, took, _ = instruments._pressing["long"]
        later = began + 100.0
        assert took < 0.01 * 100.0
        assert instruments._due_pressing(later) == [probe]
        instruments._note_pressing(probe, (share - given_out) * 100.0 - took)
        assert instruments._due_pressing(later + 1.0) == [probe]
        instruments._note_pressing(probe, 1.0)
        # The rest of the budget is used up: what began at a fixed step has to be done before the next one all the same.
        assert instruments._due_pressing(later) == ([] if anew else [probe])
