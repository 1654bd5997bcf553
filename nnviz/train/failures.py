"""What went wrong, in a sentence that a person can act on."""

from __future__ import annotations

import traceback

import torch

from nnviz.errors import NnvizError, TooLargeError, TrainingError, is_out_of_memory

LOADING, BUILDING, RESUMING = "loading the data", "building the network", "going on from the checkpoint"
_HELP = {
    LOADING: "choose fewer or smaller examples, or close other programs",
    BUILDING: "make the largest layer smaller, or close other programs",
    RESUMING: "close other programs",
    "keeping a checkpoint": "make the largest layer smaller, or choose an optimizer that keeps less, such as SGD",
}


def readable(error: BaseException, *, device: str, step: int, batch_size: int, doing: str = "a step") -> Exception:
    """The error to show for what was caught; what nnviz raised itself is readable as it is.

    Args:
        error: What was caught.
        device: Where it trained.
        step: Updates made before.
        batch_size: Examples a batch, for the advice.
        doing: What it was at.

    Returns:
        A new error whose ``__cause__`` is the old one, or the old one.
    """
    if isinstance(error, NnvizError):
        return error
    message = str(error).strip()
    first_line = message.splitlines()[0] if message else type(error).__name__
    found: TrainingError
    if is_out_of_memory(error):
        where = "" if doing in (LOADING, BUILDING, RESUMING) else f" (step {step}, batches of {batch_size})"
        found = TooLargeError(
            f"The memory of {device} was not enough for {doing}{where}: "
            f"{_HELP.get(doing, 'make the batch or the largest layer smaller')}."
        )
    elif "no kernel image" in message:
        found = TrainingError(
            f"This torch ({torch.__version__}) was not built for {device}: choose the device cpu, or install a torch "
            "that was built for this GPU."
        )
    elif isinstance(error, torch.AcceleratorError):
        found = TrainingError(
            f"The device {device} failed at step {step}: {first_line}. Start the program again before using it."
        )
    else:
        found = TrainingError(f"Training stopped at step {step}: {type(error).__name__}: {first_line}")
    found.__cause__ = error
    return found


def let_go(error: BaseException) -> None:
    """Frees what the frames hold that an error came through: the tensors of the step that did not fit."""
    seen: set[int] = set()
    chained: BaseException | None = error
    while chained is not None and id(chained) not in seen:
        seen.add(id(chained))
        traceback.clear_frames(chained.__traceback__)
        chained = chained.__cause__ or chained.__context__
