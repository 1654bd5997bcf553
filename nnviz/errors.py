"""Every error that nnviz raises on purpose.

::

    NnvizError                  one clear sentence for the person at the screen
    ├── InputError              bad input or usage: exit status 2
    │   ├── ParamError          a value that a ParamSpec does not allow
    │   ├── ProjectError        a project that cannot be used: bad graph, bad file
    │   ├── DataError           a data set that is missing, corrupt or does not fit
    │   └── RunFileError        a run file that cannot be read
    │       └── DamagedRun      because of what stands in it: trying again does not help
    ├── TrainingError           the run failed: exit status 1
    │   ├── TooLargeError       the memory is not enough: refused before it is built, or run out of
    │   └── NotFiniteError      a number of the training became infinite or NaN; says which and when
    ├── StorageError            a file could not be written (disk full, no permission)
    └── Cancelled               the person asked to stop; nobody's fault
"""

from __future__ import annotations

import errno
import unicodedata


class NnvizError(Exception):
    """Base of all errors; ``str(error)`` is a sentence that can be shown as it is."""


#: What says that memory ran out, in the words of torch, of its allocators, of C++ and of the threading module.
_OUT_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "failed to allocate",
    "alloc_failed",  # cuBLAS and cuDNN write it in capitals
    "allocation_failed",
    "bad_alloc",
    "could not create a primitive",  # oneDNN names no reason, but has no other than that
    "could not create a memory",
    "can't start new thread",
    "failed to map segment",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on the processor or on an accelerator, whoever noticed it.

    torch's CPU allocator raises a plain RuntimeError. Native code written in Rust panics, which is no Exception: it
    only ever does so here when it cannot have the memory for an answer. Native code that forgets to say why it gave up
    has run out of memory as well: it has no other reason not to find words.
    """
    if isinstance(error, MemoryError) or type(error).__name__ in ("OutOfMemoryError", "PanicException"):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    if isinstance(error, SystemError) and "without exception set" in str(error):
        return True
    return isinstance(error, (RuntimeError, ImportError, OSError)) and any(
        part in str(error).lower() for part in _OUT_OF_MEMORY
    )


class InputError(NnvizError):
    """Something handed to the program is wrong.

    Args:
        message: What is wrong, as a sentence.
        field: Where, as a path such as ``graph.nodes[3].params.kernel_size``; empty when it is the whole file.
        file: The file it stands in; empty when there is none.
    """

    def __init__(self, message: str, *, field: str = "", file: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.file = file

    def __str__(self) -> str:
        return ": ".join(on_one_line(part) for part in (self.file, self.field, self.message) if part)

    def at(self, *, file: str = "", field: str = "") -> InputError:
        """The same error with its place filled in where it was not known yet."""
        return type(self)(self.message, field=self.field or field, file=self.file or file)


def on_one_line(text: str) -> str:
    """The text with line breaks and other control characters written out: a file may be called anything."""
    if text.isprintable():
        return text
    return "".join(letter if _can_be_shown(letter) else ascii(letter)[1:-1] for letter in text)


def _can_be_shown(letter: str) -> bool:
    # To Python the narrow spaces that group the digits of a number are unprintable too.
    return letter.isprintable() or unicodedata.category(letter) == "Zs"


class ParamError(InputError):
    """A value that a ParamSpec does not allow; the message names the allowed range."""


class ProjectError(InputError):
    """A project that cannot be used."""


class DataError(InputError):
    """A data set that is missing, corrupt or does not fit the network; the message says how to get it."""


class RunFileError(InputError):
    """A run file that cannot be read."""


class DamagedRun(RunFileError):
    """A run file, or a part of one, that is not as it was written: trying again does not help."""


class TrainingError(NnvizError):
    """A training run that cannot go on."""


class TooLargeError(TrainingError):
    """The memory is not enough: refused beforehand, with the number, or run out of while training."""


class NotFiniteError(TrainingError):
    """A number that decides the training is infinite or not a number.

    Args:
        message: What, where and when, as a sentence.
        step: The update that could not be made, from 1, or the one that made it so.
        node: Id of the layer where it began; empty while that is not known.
        quantity: What is not finite: ``input``, ``activation``, ``loss``, ``gradient``, ``weights``,
            ``running_statistics`` or ``optimizer_state``.
        restored: The step after which the network stands now, all finite; None where no such state was kept.
    """

    def __init__(
        self, message: str, *, step: int, node: str = "", quantity: str = "loss", restored: int | None = None
    ) -> None:
        super().__init__(message)
        self.restored = restored
        self.step = step
        self.node = node
        self.quantity = quantity


class StorageError(NnvizError):
    """A file could not be written; the old one is still there."""


class Cancelled(NnvizError):
    """The person asked to stop."""
