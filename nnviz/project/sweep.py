"""A window that slides along one axis: how many places it has, and which pixels it never reads.

Whole numbers in closed form, like the shape rules: what is never read is counted by residues and ranges, one for each
point of the window, and never pixel by pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Sweep:
    """A window of ``kernel`` points, ``dilation`` apart, moved along ``size`` pixels in steps of ``stride``.

    Attributes:
        size: Pixels of the input along this axis.
        kernel: Points of the window.
        stride: Pixels from one place to the next.
        padding: Zeros in front of the first pixel and behind the last.
        dilation: Pixels from one point of the window to the next.
        ceil_mode: The last window may reach over the far edge.
    """

    size: int
    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    ceil_mode: bool = False

    @property
    def reach(self) -> int:
        """Pixels from the first point of the window to its last: the effective kernel."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def span(self) -> int:
        """Pixels that the window can be moved by inside the padded input; negative where it does not fit in."""
        return self.size + 2 * self.padding - self.reach

    @property
    def left_out(self) -> bool:
        """Whether rounding up gave a window that would start in the padding behind the input: it is not counted."""
        return self.ceil_mode and (self._rounded - 1) * self.stride >= self.size + self.padding

    @property
    def count(self) -> int:
        """Places of the window, which is the size of the output; below 1 where it does not fit in."""
        return self._rounded - self.left_out

    @property
    def _rounded(self) -> int:
        return (self.span + (self.stride - 1 if self.ceil_mode else 0)) // self.stride + 1

    @property
    def starts(self) -> range:
        """Where the window stands, counted from the first pixel; negative in the padding."""
        return range(-self.padding, -self.padding + self.count * self.stride, self.stride)

    @property
    def blind(self) -> bool:
        """Whether a window that begins in the padding steps over the whole input, so that it reads no pixel at all."""
        # Where its points are no farther apart than the input is long, one of them lands there.
        ahead = self.starts[: -(-self.padding // self.stride)]
        return self.dilation > self.size and any(start % self.dilation >= self.size for start in ahead)

    @cached_property
    def _read(self) -> tuple[int, int]:
        """(number of pixels that some window reads, the last of them or −1)."""
        if self.count < 1:
            return 0, -1
        if self.dilation == 1 and self.stride <= self.kernel:
            end = min(self.size, self.starts[-1] + self.reach)
            return max(end, 0), max(end, 0) - 1
        # Point k of the window visits padding-shifted pixels of one residue by the stride: a run of its quotients.
        runs: dict[int, list[tuple[int, int]]] = {}
        last = -1
        for point in range(self.kernel):
            first = point * self.dilation - self.padding
            low = max(0, -(first // self.stride))
            high = min(self.count - 1, (self.size - 1 - first) // self.stride)
            if low <= high:
                quotient, residue = divmod(first, self.stride)
                runs.setdefault(residue, []).append((quotient + low, quotient + high))
                last = max(last, first + high * self.stride)
        return sum(_length(spans) for spans in runs.values()), last

    @property
    def unread(self) -> int:
        """Pixels that no window ever reads, wherever they lie."""
        return self.size - self._read[0]

    @property
    def unread_end(self) -> int:
        """Pixels at the far end (bottom or right) behind the last one that is read."""
        return self.size - 1 - self._read[1]

    def reads(self, pixel: int) -> bool:
        """Whether any position of the window covers this pixel of the input."""
        for point in range(self.kernel):
            place, odd = divmod(pixel + self.padding - point * self.dilation, self.stride)
            if not odd and 0 <= place < self.count:
                return True
        return False


def _length(spans: list[tuple[int, int]]) -> int:
    """How many whole numbers lie in the union of closed ranges."""
    total, end = 0, None
    for low, high in sorted(spans):
        if end is None or low > end:
            total += high - low + 1
            end = high
        elif high > end:
            total += high - end
            end = high
    return total
