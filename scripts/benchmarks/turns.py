"""Whole programs that train in turn, an epoch each: all but one are held still.

What a machine can do changes within tens of seconds by a quarter and more, so programs that run one after another are
measured at different speeds. Here they all run beside each other, and each is let go for one epoch at a time: the
epochs of a pair lie seconds apart. A program that is held still computes nothing and waits for nothing; what it still
had to write at the end of an epoch, it writes in its next turn.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TextIO

import psutil


@dataclass(frozen=True)
class Program:
    """What trains, and says in a line of JSON when an epoch has ended.

    Attributes:
        arguments: What Python is to run.
        interpreter: Which Python.
        variables: Of its environment, besides those of this process.
    """

    arguments: Sequence[str]
    interpreter: str = sys.executable
    variables: Mapping[str, str] = field(default_factory=dict)


class _Running:
    """A program's process. It is held still between turns.

    Args:
        program: Which.
        told: Where it writes what went wrong.
    """

    def __init__(self, program: Program, told: TextIO) -> None:
        self._program, self._told = program, told
        self._process = subprocess.Popen(
            [program.interpreter, *program.arguments],
            stdout=subprocess.PIPE,
            stderr=told,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **program.variables},
        )
        self._control = psutil.Process(self._process.pid)

    def wait_for_epoch(self) -> float:
        """When it said that an epoch has ended; it is held still from then on.

        Raises:
            RuntimeError: It ended instead.
        """
        for line in self._process.stdout or ():
            if line.startswith("{") and json.loads(line).get("event") == "epoch":
                ended = time.perf_counter()
                self._control.suspend()
                return ended
        self._process.wait()
        raise self._failed()

    def epoch(self) -> float:
        """Seconds that its next epoch takes, while it is let go.

        Raises:
            RuntimeError: It ended instead.
        """
        began = time.perf_counter()
        self._control.resume()
        return self.wait_for_epoch() - began

    def finish(self) -> None:
        """Let it go to its end.

        Raises:
            RuntimeError: It failed.
        """
        self._control.resume()
        self._process.communicate()
        if self._process.returncode != 0:
            raise self._failed()

    def close(self) -> None:
        """End it, whatever it is doing."""
        if self._process.poll() is None:
            self._process.kill()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process.wait()

    def _failed(self) -> RuntimeError:
        self._told.seek(0)
        words = " ".join(self._program.arguments)
        return RuntimeError(f"{words} ended with {self._process.returncode}: {self._told.read()[-2000:]}")


def epochs_in_turn(programs: Mapping[str, Program], epochs: int) -> dict[str, list[float]]:
    """Seconds of each epoch of programs that train in turn, the order turned round every time.

    The first epoch of each, in which all warms up, is not in it.

    Args:
        programs: By a name.
        epochs: How many each of them trains, at least 2.

    Raises:
        RuntimeError: One failed, or trains fewer epochs.
    """
    with ExitStack() as stack:
        running = {name: stack.enter_context(_running(program)) for name, program in programs.items()}
        taken: dict[str, list[float]] = {name: [] for name in programs}
        for index in range(epochs - 1):
            for name in running if index % 2 == 0 else reversed(running):
                taken[name].append(running[name].epoch())
        for one in running.values():
            one.finish()
    return taken


@contextmanager
def _running(program: Program) -> Iterator[_Running]:
    """A program after its first epoch; it does not outlive the context."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as told:
        one = _Running(program, told)
        try:
            one.wait_for_epoch()
            yield one
        finally:
            one.close()
