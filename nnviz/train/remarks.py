"""What the training itself has to say beside its numbers, as findings of the run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from nnviz.probes.verdict import NOT_TRIED
from nnviz.project import registry
from nnviz.project.value_text import number_text
from nnviz.record.number_text import format_times
from nnviz.record.quantities import ACCURACY, CHANGE, EDITED, FINDING, LOSS, MACRO_F1, TEST_USES, TOP5_ACCURACY
from nnviz.record.readings import Cure, Finding, Reading, Scalar
from nnviz.record.run import RunView
from nnviz.train.live_settings import Changed
from nnviz.train.loop import EvaluationResult
from nnviz.train.origin import Origin
from nnviz.train.training import Training
from nnviz.train.unit_switches import Switched
from nnviz.train.weight_edits import Kind, WeightEdit

NOT_FINITE = FINDING.series("not_finite")
#: What is said of weights that are put in after the last epoch.
_BEST, _AVERAGE = "best_weights", "average_weights"


def scores(split: str, step: int, result: EvaluationResult) -> list[Reading]:
    """Loss of a whole split and, where an answer is right or wrong, accuracy and the other figures."""
    readings: list[Reading] = [Scalar(LOSS.series(split), step, result.loss)]
    if result.accuracy is not None:
        readings.append(Scalar(ACCURACY.series(split), step, result.accuracy))
    for quantity in (TOP5_ACCURACY, MACRO_F1):
        if quantity.name in result.figures:
            readings.append(Scalar(quantity.series(split), step, result.figures[quantity.name]))
    return readings


def of_data(training: Training) -> list[Finding]:
    """What of the division into splits somebody might not have wanted."""
    return [
        Finding(FINDING.series(f"division_{number}"), training.step, "warning", sentence, "")
        for number, sentence in enumerate(training.data.warnings)
    ]


def test_used(step: int, uses: int) -> list[Reading]:
    """The test set was looked at, and how often."""
    return [
        Scalar(TEST_USES.series(), step, float(uses)),
        Finding(
            FINDING.series("test_used"),
            step,
            "information",
            f"The test set was used {format_times(uses)}.",
            "Each look at it makes it a little more part of the training: choose by the validation set.",
        ),
    ]


def best_put_back(training: Training) -> Finding:
    """The weights are no longer those of the last step."""
    return Finding(
        FINDING.series(_BEST),
        training.step,
        "information",
        f"The weights of epoch {training.best_epoch} were put back.",
        _why_the_best(training),
    )


def _why_the_best(training: Training) -> str:
    figure = registry.FIGURES(training.config.best_by)
    if not figure.higher_is_better or not math.isfinite(training.best_figure):
        return f"Its validation loss, {training.best_loss:.4g}, was the lowest."
    return f"Its validation {figure.title[:1].lower()}{figure.title[1:]}, {training.best_figure:.4g}, was the highest."


def average_put_in(training: Training) -> Finding:
    """The weights are no longer those that were trained."""
    return Finding(
        FINDING.series(_AVERAGE),
        training.step,
        "information",
        "The average of the weights was put in their place.",
        "It is what was validated. Training goes on from the weights themselves.",
    )


def put_in_no_longer(step: int, run: RunView) -> list[Finding]:
    """The weights that were put in at the end have left again: training goes on from those of the last step."""
    said = (run.latest(FINDING.series(name)) for name in (_BEST, _AVERAGE))
    return [replace(one, step=step, severity="resolved") for one in said if isinstance(one, Finding)]


def ended_early(training: Training) -> Finding:
    """Not all epochs were trained."""
    return Finding(
        FINDING.series("early_stopping"),
        training.step,
        "information",
        f"Early stopping ended the training after epoch {training.epoch} of {training.epochs}.",
        "The validation has brought nothing better for as many epochs as it has patience. Play goes on from here.",
    )


def unit_switched(step: int, one: Switched, name: str) -> Finding:
    """A unit was switched off or frozen by hand, or is as usual again.

    Args:
        step: When.
        one: Which one, and how it is now.
        name: What its node is called.
    """
    evidence = {"off": "Its output is 0.", "frozen": "Its weights and its bias are not trained."}[one.what]
    return Finding(
        FINDING.series(one.series),
        step,
        "information" if one.now else "resolved",
        f"{one.text(name)} at step {step}.",
        evidence if one.now else "",
        one.unit.node,
    )


def changed(found: list[Changed], step: int, run: RunView, standing: Mapping[str, Finding]) -> list[Finding]:
    """What was changed by hand at a step, as events of the run; what it says of that step else is taken back.

    Args:
        found: The changes, against what held before that step.
        step: They hold from the next one on.
        run: What has recorded them so far.
        standing: Events of this step, by series, from before the training was begun here from a checkpoint: of what
            they tell it knows nothing, so they are not taken back, and what is changed once more is told behind them.
    """
    events = _events(found, step, standing)
    fields = {event.series for event in events}
    outdated = [one for one in run.events() if one.step == step and one.series not in fields]
    before = [standing.get(one.series, replace(one, severity="resolved")) for one in outdated]
    return [*events, *(after for one, after in zip(outdated, before, strict=True) if after != one)]


def dragged(found: list[Changed], step: int, run: RunView, standing: Mapping[str, Finding]) -> list[Finding]:
    """Numbers that were dragged since a step, or until another than the run says: the same events, told anew.

    Args:
        found: What was set by hand, beginning at that step.
        step: The one at which the hand began.
        run: What has recorded them so far.
        standing: As for :func:`changed`.
    """
    return [one for one in _events(found, step, standing) if run.latest(one.series) != one]


def _events(found: list[Changed], step: int, standing: Mapping[str, Finding]) -> list[Finding]:
    events = []
    for one in found:
        series, text = CHANGE.series(one.field), one.text
        if series in standing:
            text = f"{standing[series].text}; then {text}"
        events.append(Finding(series, step, "information", text, "Changed by hand while it trained.", one.node))
    return events


def edited(training: Training, edit: WeightEdit) -> list[Finding]:
    """Numbers were set by hand; one finding a node, which the next edit of it replaces.

    Of a number that is dragged it says where it began, not where the hand was a moment ago.
    """
    whole = training.by_hand.edits.undoable
    if edit.kind is Kind.MORE and whole is not None and whole.after.keys() == edit.after.keys():
        edit = replace(whole, step=edit.step)
    undone = edit.kind is Kind.UNDO
    back = "'Redo edit of weights' sets it again." if undone else "'Undo edit of weights' takes it back."
    return [
        Finding(
            f"{EDITED}{node}",
            edit.step,
            "information",
            edit.text(training.network.name_of),
            f"It was done by hand: {back}",
            node,
        )
        for node in edit.nodes
    ]


def left_out(step: int, sentence: str) -> Finding:
    """There was no room for a copy that the training can do without."""
    name = sentence.partition(":")[0].lower().replace(" ", "_")
    return Finding(FINDING.series(f"left_out/{name}"), step, "information", sentence)


def not_finite(training: Training, origin: Origin, good_step: int | None) -> Finding:
    """Training rests because a number is no longer finite.

    Args:
        training: As it rests.
        origin: Where it began.
        good_step: Where to begin again; None where there is no such step, or it cannot be reached.
    """
    rate, slower = training.learning_rate, number_text(_slower(training))
    node = training.network.graph.nodes[origin.node]
    clause = origin.clause(node.name or node.id)
    when = f"at step {origin.step}" if origin.split == "train" else f"after step {origin.step}"
    cures = []
    evidence = "The update was not made, so that what was learned is not lost."
    if origin.split != "train":
        evidence = "The weights are finite: it is in evaluation mode, or with these examples, that it happens."
    elif origin.step > 1:
        evidence = f"The learning rate is {number_text(float(f'{rate:.6g}'))}; too large a one is the usual cause."
    edit = training.by_hand.edits.undoable
    if edit is not None and edit.step >= (origin.step - 1 if good_step is None else good_step):
        evidence = f"{edit.text(training.network.name_of)} 'Undo edit of weights' takes that back."
    if good_step is not None:
        title = f"Go back to step {good_step}, with a learning rate of {slower}"
        cures.append(Cure(title, "go_back", f"{good_step} {slower}"))
        evidence += NOT_TRIED
    if training.best is not None:
        cures.append(Cure(f"Restore the best weights (epoch {training.best_epoch})", "restore_best"))
    cures.append(Cure("Why?", "show_help", "loss"))
    text = f"{clause[0].upper()}{clause[1:]} {when}: training rests."
    return Finding(NOT_FINITE, max(origin.step, 0), "error", text, evidence, origin.node, tuple(cures))


def _slower(training: Training) -> float:
    """A tenth of the learning rate, to one digit; the optimizer's default where that is out of the usual, too."""
    spec = registry.optimizer(training.config.optimizer.kind)
    usual = spec.param("learning_rate").default
    tenth = float(f"{training.learning_rate / 10:.1g}")
    return usual if isinstance(usual, float) and tenth > spec.reach * usual else tenth


def mended(step: int, run: RunView) -> Finding:
    """What stopped the training is left behind."""
    before = next((finding for finding in run.findings() if finding.series == NOT_FINITE), None)
    return Finding(NOT_FINITE, step, "resolved", "" if before is None else before.text)


def last_good_step(run: RunView, broken: int) -> int | None:
    """The last step after which the network was no worse than it had been, before its loss ran away.

    That is where the loss was at most twice its median so far, and at most what it was at the start. It lies at least
    two steps before the broken one: the update between them is the first that a lower learning rate changes.

    Args:
        run: With the loss of each batch.
        broken: The step whose loss is not finite.
    """
    steps, losses = run.scalars(LOSS.series("train"))
    known = (steps < broken) & np.isfinite(losses)
    steps, losses = steps[known], losses[known]
    if not len(losses):
        return None
    good = np.flatnonzero(losses <= min(float(losses[0]), 2 * float(np.median(losses))))
    last = int(steps[good[-1]]) if len(good) else int(steps[0])
    target = min(last - 1, broken - 2)  # The loss of a step is that of the weights before it.
    return target if target >= 0 else None
