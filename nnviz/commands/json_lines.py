"""Events as a program reads them: one JSON object a line, of what goes on for long."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from nnviz import streams
from nnviz.commands.json_text import json_text
from nnviz.errors import Cancelled


class JsonLines:
    """Prints events on standard output, on any thread; numbers that JSON does not know (NaN) become null.

    A reader that goes away, such as ``head``, and a full disk behind the output end nothing: that is said once. After
    a full disk the command ends with status 1.
    """

    def __init__(self) -> None:
        self._lost = False
        self._line = threading.Lock()  # warnings come from another thread

    def print(self, event: Mapping[str, object]) -> None:
        """One of them, at once."""
        with self._line:
            if self._lost:
                return
            try:
                print(json_text(event), flush=True)
            except (OSError, ValueError) as error:
                self._lost = True
                streams.give_up_output(error)
                why = (
                    "is not taken any more" if isinstance(error, BrokenPipeError) else f"could not be written ({error})"
                )
                streams.complain(f"The output {why}; training goes on.")


def ended_by(error: BaseException | None) -> str:
    """What the last event is called: ``finished``, ``interrupted`` or ``failed``, by what broke it off."""
    if error is None:
        return "finished"
    return "interrupted" if isinstance(error, (Cancelled, KeyboardInterrupt)) else "failed"
