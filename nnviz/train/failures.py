"""What went wrong, in a sentence that a person can act on."""

from __future__ import annotations

import torch

from nnviz.errors import NnvizError, TooLargeError, TrainingError

_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory")


def readable(error: BaseException, *, device: str, step: int, batch_size: int) -> Exception:
    """The error to show for what was caught; what nnviz raised itself is readable as it is.

    Args:
        error: What was caught.
        device: Where it trained.
        step: Updates made before.
        batch_size: Examples a batch, for the advice.

    Returns:
        A new error whose ``__cause__`` is the old one, or the old one.
    """
    if isinstance(error, NnvizError):
        return error
    message = str(error).strip()
    first_line = message.splitlines()[0] if message else type(error).__name__
    found: TrainingError
    if is_out_of_memory(error):
        found = TooLargeError(
            f"The memory of {device} was not enough at step {step} with batches of {batch_size}: make the batch or "
            "the largest layer smaller."
        )
    elif isinstance(error, torch.AcceleratorError):
        found = TrainingError(
            f"The device {device} failed at step {step}: {first_line}. Start the program again before using it."
        )
    else:
        found = TrainingError(f"Training stopped at step {step}: {type(error).__name__}: {first_line}")
    found.__cause__ = error
    return found


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on the CPU or on a GPU; the CPU allocator raises a plain RuntimeError."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(part in str(error).lower() for part in _OUT_OF_MEMORY)
