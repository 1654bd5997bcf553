"""What tells one state of a data set from another, so that a training is never gone on with on other examples."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import msgspec

from nnviz.data.streamed import Inputs, chunks


class Fingerprint(msgspec.Struct, frozen=True):
    """A data set as it was when it was loaded, before it was divided into training and validation.

    Attributes:
        classes: Names of the classes in their order; empty for regression.
        counts: Number of (training + validation, test) examples.
        content: SHA-256 of all examples and their targets; empty for data that follow from their settings alone, where
            the last bit of a sine may differ between two machines.
    """

    classes: tuple[str, ...] = ()
    counts: tuple[int, int] = (0, 0)
    content: str = ""

    def difference(self, other: Fingerprint) -> str:
        """How ``other`` differs from this, in words that follow "the data has"; empty where it does not."""
        if self.classes != other.classes:
            gone, new = _first(self.classes, other.classes), _first(other.classes, self.classes)
            if gone and new:
                return f"other classes ('{new}' is new, '{gone}' is gone)"
            if gone or new:
                return f"other classes ('{new}' is new)" if new else f"other classes ('{gone}' is gone)"
            return "its classes in another order"
        if self.counts != other.counts:
            before, now = ("{:,} + {:,}".format(*counts) for counts in (self.counts, other.counts))
            return f"another number of examples ({now} for training and test, not {before})"
        if self.content and other.content and self.content != other.content:
            return "other content (at least one example or its class is another)"
        return ""


def content_hash(tensors: Sequence[Inputs], wait: Callable[[], None] = lambda: None) -> str:
    """SHA-256 of the types, shapes and bytes of tensors on the CPU, wherever they lie; about a second a gigabyte.

    Args:
        tensors: In the order that counts.
        wait: Called now and then; what it raises ends it.
    """
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(f"{tensor.dtype} {tuple(tensor.shape)};".encode())
        for part in chunks(tensor):
            wait()
            found.update(part.contiguous().numpy().reshape(-1).view("uint8").data)
    return found.hexdigest()


def _first(names: Sequence[str], others: Sequence[str]) -> str:
    known = set(others)
    return next((name for name in names if name not in known), "")
