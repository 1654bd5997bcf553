"""A progress bar while data are fetched or read."""

from __future__ import annotations

import sys
from typing import Self

from tqdm import tqdm

#: Seconds for which nobody needs to be told that something is being done.
_MOMENT = 1.0


class DataBar:
    """A progress bar on standard error for data that take longer than a moment; nothing where that is no terminal."""

    def __init__(self) -> None:
        self._bar: tqdm[None] | None = None
        self._shown = sys.stderr is not None and sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, what: str, done: int, total: int) -> None:
        """As ``data.sources.source.Progress``."""
        if not self._shown:
            return
        if self._bar is None:
            self._bar = tqdm(total=total, desc=what, dynamic_ncols=True, leave=False, delay=_MOMENT)
        if self._bar.desc != f"{what}: ":
            self._bar.set_description(what, refresh=False)
        self._bar.total = total
        self._bar.update(done - self._bar.n)
