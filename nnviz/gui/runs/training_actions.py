"""What can be done with the training, as actions for menus, keys and the command palette."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import msgspec

from nnviz.gui.parts.action import Action, Offer
from nnviz.gui.runs.pace import beside
from nnviz.gui.runs.pinning import Pinning
from nnviz.gui.runs.training import Training, more_epochs_meaning
from nnviz.project.checks.validate import problems_that_stop
from nnviz.project.edits import Edit, SetTraining, SetView

_MENU = "&Train"
#: A menu in it: which example the cards show.
_EXAMPLES = "E&xample on the cards"
_LARGEST_SEED = 2**31 - 1
#: The three parts of the menu: to train, what else there is of a training, and which example is shown.
_training = partial(Action, menu=_MENU, section=1)
_more = partial(Action, menu=_MENU, section=2)
_example = partial(Action, menu=_MENU, submenu=_EXAMPLES, section=3)


def training_actions(training: Training, apply: Callable[[Edit], object], pinning: Pinning) -> tuple[Offer, ...]:
    """What the training contributes to the window's actions.

    Args:
        training: What is played, paused and stepped.
        apply: Changes the document; says what is refused.
        pinning: Which examples are pinned, and which of them the cards show.
    """
    document, feed = training.shown_document, training.feed

    def waiting() -> str:
        if training.replay is not None:
            return training.blocked()
        if training.state in {"ready", "running", "paused", "done"}:
            return ""
        return f"The network is being prepared ({training.status()})."

    def why_no_play() -> str:
        if training.just_ended:
            return "All epochs are done; in a moment it can be trained on."
        return "" if training.state == "running" or training.race is not None else training.blocked() or waiting()

    def play_wording() -> tuple[str, str]:
        if (race := training.race) is not None:
            return ("&Pause", "Pause the race") if race.running else ("&Play", "Go on with the race")
        running = training.state == "running"
        able = "Pause after this batch" if running else "Train"
        if training.state == "done":
            if training.just_ended:
                return "Train on (&Play)", why_no_play()
            meaning = more_epochs_meaning(document.project)
            able = f"All epochs are done: train {document.project.training.epochs} more. {meaning}".rstrip(". ")
        words = "&Pause" if running else "Train on (&Play)" if training.state == "done" else "&Play"
        return words, training.blocked() or waiting() or able

    def why_no_step() -> str:
        if (race := training.race) is not None:
            return "Pause the race first." if race.running else ""
        ended = {"running": "Pause first.", "done": "All epochs are done."}
        return training.blocked() or waiting() or ended.get(training.state, "")

    def step_wording() -> tuple[str, str]:
        if training.race is not None:
            return "&Step", why_no_step() or "One step of everyone who races"
        return "&Step", training.blocked() or waiting() or "Train one batch"

    def why_no_epoch() -> str:
        return training.blocked() or waiting() or ("All epochs are done." if training.state == "done" else "")

    def reset_with_a_new_seed() -> None:
        seed = (document.project.training.seed + 1) % (_LARGEST_SEED + 1)
        apply(SetTraining(msgspec.structs.replace(document.project.training, seed=seed)))
        training.reset()

    def new_seed_wording() -> tuple[str, str]:
        seed = (document.project.training.seed + 1) % (_LARGEST_SEED + 1)
        words = f"Begin again with other untrained weights and another order of the examples: the seed becomes {seed}"
        return "Reset wit&h a new seed", why_no_reset() or words

    def why_no_step_back() -> str:
        if training.replay is not None:
            return training.blocked()
        able = not waiting() and training.state != "running" and training.standing.step > 0
        return "" if able else "No batch can be taken back now."

    def why_no_more() -> str:
        if training.replay is not None or training.blocked():
            return training.blocked()
        return "" if training.state == "done" else "The epochs of the project are not done yet."

    def why_no_reset() -> str:
        reason = training.blocked()
        if problems_that_stop(document.diagnostics):
            return reason or "The network has a problem that stops training."
        return reason if training.state in {"idle", "replay"} else ""

    def reset_wording() -> tuple[str, str]:
        reason = training.blocked()
        stopped = problems_that_stop(document.diagnostics)
        if training.replay is not None:
            return "&Reset", reason
        return "&Reset", reason if stopped and reason else "Begin again with untrained weights"

    def why_no_pin() -> str:
        return document.read_only

    def count() -> int:
        standing, split = training.standing, document.project.view.pinned_split
        if split == "train":
            return standing.train_count
        return standing.validation_count or standing.train_count

    def pinned() -> int:
        return document.project.view.pinned_sample

    def any_of_them() -> int:
        return random.randrange(max(count(), 1))  # noqa: S311 - nothing depends on who can guess it

    def speed(name: str, text: str, by: int, keys: str) -> Action:
        def change() -> None:
            pace = beside(training.pace, by)
            if pace is not None:
                training.set_pace(pace.steps_per_second)

        def wording() -> tuple[str, str]:
            pace = beside(training.pace, by)
            return text, f"Train at {pace.words}" if pace is not None else why_not()

        def why_not() -> str:
            end = "It trains at full speed already." if by > 0 else "It makes one step a second already."
            return "" if beside(training.pace, by) is not None else end

        return _more(
            name=name,
            text=text,
            help="How many steps a second are made, so that each can be looked at",
            do=change,
            keys=(keys,),
            why_not=why_not,
            wording=wording,
        )

    def stepping(name: str, text: str, help_text: str, keys: str, icon: str, index: Callable[[], int]) -> Action:
        def pin() -> None:
            if count():
                view = msgspec.structs.replace(document.project.view, pinned_sample=index() % count())
                apply(SetView(view, gesture="pin"))

        return _example(
            name=name,
            text=text,
            help=help_text,
            do=pin,
            keys=(keys,),
            icon=icon,
            why_not=why_no_pin,
        )

    def why_no_undo_edit() -> str:
        position = training.bridge.position
        undoable = position is not None and position.undoable_edit
        return training.hand.why_not() or ("" if undoable else "No weight was set by hand.")

    def undo_edit_wording() -> tuple[str, str]:
        position = training.bridge.position
        what = position.undoable_edit if position is not None else ""
        able = f"Put back what stood there: {what}" if what else "Put back what stood there before it was set by hand"
        return "Undo &edit of weights", why_no_undo_edit() or able

    def why_no_redo_edit() -> str:
        position = training.bridge.position
        redoable = position is not None and position.redoable_edit
        return training.hand.why_not() or ("" if redoable else "No edit of weights was undone.")

    return (
        _training(
            name="play",
            text="&Play",
            help="Train; again to pause",
            do=training.toggle,
            keys=("F5",),
            icon="play",
            why_not=why_no_play,
            wording=play_wording,
        ),
        _training(
            name="step",
            text="&Step",
            help="Train one batch",
            do=training.step,
            keys=("F10",),
            icon="step",
            why_not=why_no_step,
            wording=step_wording,
        ),
        _training(
            name="epoch",
            text="&One epoch",
            help="Train to the end of the present epoch, then pause",
            do=training.epoch,
            keys=("Ctrl+F10",),
            icon="epoch",
            why_not=why_no_epoch,
            wording=lambda: ("&One epoch", why_no_epoch() or "Train to the end of the present epoch, then pause"),
        ),
        _training(
            name="step_back",
            text="Step &back",
            help="Take the last batch back",
            do=training.step_back,
            keys=("Shift+F10",),
            icon="step-back",
            why_not=why_no_step_back,
        ),
        _training(
            name="reset",
            text="&Reset",
            help="Begin again with untrained weights",
            do=training.reset,
            keys=("Ctrl+R",),
            icon="reset",
            why_not=why_no_reset,
            wording=reset_wording,
        ),
        _training(
            name="reset_new_seed",
            text="Reset wit&h a new seed",
            help="Begin again with other untrained weights; undo brings the seed back",
            do=reset_with_a_new_seed,
            keys=("Ctrl+Shift+F5",),
            why_not=why_no_reset,
            wording=new_seed_wording,
        ),
        _training(
            name="reset_warm",
            text="Restart w&arm",
            help="Begin again: layers that fit keep their trained weights, the others start fresh",
            do=training.start_warm,
            keys=("Ctrl+F5",),
            why_not=training.why_no_warm_start,
        ),
        _training(
            name="more_epochs",
            text="Yet more epo&chs…",
            help="After the last epoch: choose how many more; the project stays as it is",
            do=training.more_requested.emit,
            keys=("Shift+F5",),
            why_not=why_no_more,
        ),
        speed("slower", "Slo&wer", -1, "Ctrl+Shift+PgDown"),
        speed("faster", "&Faster", 1, "Ctrl+Shift+PgUp"),
        _more(
            name="evaluate_test",
            text="Evaluate on the &test set",
            help="Measure on the test set; it is counted",
            do=training.evaluate_test,
            keys=("Ctrl+T",),
            why_not=waiting,
        ),
        _more(
            name="undo_weight_edit",
            text="Undo &edit of weights",
            help="Put back what stood there before it was set by hand",
            do=training.hand.undo,
            keys=("Ctrl+Alt+Z",),
            why_not=why_no_undo_edit,
            wording=undo_edit_wording,
        ),
        _more(
            name="redo_weight_edit",
            text="Redo edit of wei&ghts",
            help="Set once more what an undo has put back",
            do=training.hand.redo,
            keys=("Ctrl+Alt+Y",),
            why_not=why_no_redo_edit,
        ),
        _more(
            name="live",
            text="Return to &live",
            help="Show the newest values",
            do=lambda: feed.set_step(None),
            keys=("Ctrl+End",),
            icon="live",
            why_not=lambda: "The newest values are shown already." if feed.live else "",
        ),
        stepping(
            "previous_sample",
            "Pre&vious example",
            "Pin the example before",
            "Ctrl+[",
            "chevron-left",
            lambda: pinned() - 1,
        ),
        stepping(
            "next_sample",
            "Ne&xt example",
            "Pin the next example",
            "Ctrl+]",
            "chevron-right",
            lambda: pinned() + 1,
        ),
        stepping("random_sample", "Rando&m example", "Pin any example", "Ctrl+\\", "dice", any_of_them),
        _example(
            name="keep_sample",
            text="Keep th&is example pinned",
            help="It stays at hand in the strip above the Input; several can be pinned at the same time",
            do=lambda _on=None: pinning.toggle(),
            keys=("Ctrl+F3",),
            icon="pin",
            why_not=pinning.why_no_pin,
            on=lambda: pinning.is_pinned,
        ),
        _example(
            name="next_pinned",
            text="Next pi&nned example",
            help="Show the pinned example that follows on the cards",
            do=lambda: pinning.step(1),
            keys=("F3",),
            why_not=pinning.why_no_step,
        ),
        _example(
            name="previous_pinned",
            text="Previous pinne&d example",
            help="Show the pinned example before on the cards",
            do=lambda: pinning.step(-1),
            keys=("Shift+F3",),
            why_not=pinning.why_no_step,
        ),
    )
