"""What random edits mean for a session, beside a slower comparison of everything."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import edits, projects

from nnviz.project import choices
from nnviz.project.graph.bypass import same_computation
from nnviz.project.model import Project, TrainConfig
from nnviz.train.change import Live, Restart, change, difference, differences, learning_rate_of


@given(st.data())
@settings(max_examples=150)
def test_a_change_is_nothing_live_or_a_restart_as_a_slower_comparison_says(data: st.DataObject) -> None:
    before = data.draw(projects(5))
    after = before
    for _ in range(data.draw(st.integers(0, 3))):
        after = data.draw(edits(after)).apply(after)
    found = change(before, after)

    def full(project: Project) -> tuple[object, ...]:
        lists = [
            [(one.kind, choices.values(slot, one)) for one in (value if isinstance(value, tuple) else (value,))]
            for slot in choices.TRAINING
            for value in [getattr(project.training, slot.name)]
        ]
        lists[0][0][1].pop("learning_rate")
        rest = {
            name: getattr(project.training, name)
            for name in TrainConfig.__struct_fields__
            if choices.slot(name) is None and name != "epochs"
        }
        return lists, rest, project.data

    same = full(before) == full(after) and same_computation(before.graph, after.graph)
    if same:
        assert not isinstance(found, Restart)
        wanted = (learning_rate_of(after), after.training.epochs)
        had = (learning_rate_of(before), before.training.epochs)
        live = found if isinstance(found, Live) else Live()
        told = (live.learning_rate, live.epochs)
        assert told == tuple(new if new != old else None for new, old in zip(wanted, had, strict=True))
    elif full(before) != full(after):
        assert isinstance(found, Restart) and found.reason and found.field
    if difference(before, after) is not None:
        assert isinstance(found, Restart)
    assert {one.field for one in differences(before, after)} == {one.field for one in differences(after, before)}
