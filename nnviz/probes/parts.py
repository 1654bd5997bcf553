"""How many images at a time, where each call has its price besides that of the images."""

from __future__ import annotations

import math

#: Weight of what is known when a new part comes in.
_FADES = 0.8
#: A part is at least so long that its images take this many times what the call itself takes.
_WORTH = 1.0


class PartSize:
    """Learns from each part what a call takes (a little for each layer) and what an image takes.

    The parts last about ``seconds``, as far as that is worth it: where the call alone takes as long, as in a network of
    a thousand layers, one image at a time would be as dear as a hundred, so there the images of a part get as much time
    as the call.

    Args:
        seconds: What a part should take.
        first: Images of the first part.
    """

    def __init__(self, seconds: float, first: int) -> None:
        self.images = first
        self._seconds = seconds
        self._weight = self._n = self._s = self._nn = self._ns = 0.0
        self._call = 0.0
        self._knows = False

    @property
    def call_seconds(self) -> float:
        """What a call takes whatever the number of images, as far as is known."""
        return self._call

    def learn(self, images: int, seconds: float, most: int) -> None:
        """A part of this many images took this long; the next may have at most so many (for its memory)."""
        n, s = float(images), max(seconds, 1e-9)
        self._weight = _FADES * self._weight + 1
        self._n, self._s = _FADES * self._n + n, _FADES * self._s + s
        self._nn, self._ns = _FADES * self._nn + n * n, _FADES * self._ns + n * s
        mean_n, mean_s = self._n / self._weight, self._s / self._weight
        spread = self._nn / self._weight - mean_n * mean_n
        # Parts of one size say nothing of which is which: then what was known before holds.
        if spread > 0.01 * mean_n * mean_n:
            slope = (self._ns / self._weight - mean_n * mean_s) / spread
            self._call = min(max(mean_s - slope * mean_n, 0.0), mean_s)
            self._knows = True
        per_image = max((mean_s - self._call) / mean_n, 1e-3 * mean_s / mean_n)
        time_for_images = max(self._seconds - self._call, _WORTH * self._call)
        fitting = math.floor(time_for_images / per_image)
        if not self._knows:  # One of another size will tell; half of what takes long is safe.
            fitting = max(fitting, images // 2)
        self.images = max(min(fitting, most, 4 * max(images, 1)), 1)
