"""Training on a GPU against a bare PyTorch loop there, and in the numbers and orders that may pay: for check_gpu.py."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import torch
from hand_written import CASES
from rows import Row, Settings, in_turn, ratios
from training import Driven, bare_steps, data_of

from nnviz.project.samples import templates
from nnviz.train.devices import resolve, synchronise

#: What is compared with single precision: (precision, channels last).
_OTHERS = (("mixed", "never"), ("single", "always"), ("mixed", "always"))
#: Steps of a piece, for one on the processor: a GPU makes many more in the same time.
_TIMES = 5


def measure(settings: Settings) -> Iterator[Row]:
    """Rows of this file; one that says so where there is no GPU."""
    device = resolve()
    if device.type != "cuda":
        yield Row("training on a GPU", "not measured", "this computer has none that torch can use")
        return
    data = data_of(settings)
    for name, build, optimizer_of, steps in CASES:
        project = templates.sample(name)
        training = msgspec.structs.replace(project.training, epochs=1000, keep_best=False)
        ways = [("single", "never", ()), ("single", "never", None), *((*other, None) for other in _OTHERS)]
        with tempfile.TemporaryDirectory() as folder:
            driven = [
                Driven(
                    msgspec.structs.replace(
                        project, training=msgspec.structs.replace(training, precision=narrow, channels_last=last)
                    ),
                    data,
                    probes,
                    Path(folder) / f"{number}.nnvizrun",
                )
                for number, (narrow, last, probes) in enumerate(ways)
            ]
            bare = bare_steps(build, optimizer_of, data, training.batch_size, device)
            pieces = [partial(_go, way, _TIMES * steps, device) for way in (bare, *(one.steps() for one in driven))]
            taken = in_turn(pieces, settings.rounds(12))
            for one in driven:
                one.close()
        rate = _TIMES * steps * training.batch_size / statistics.median(taken[0])
        beside = f"bare loop {rate:,.0f} samples/s"
        for (narrow, last, probes), own in zip(ways, taken[1:], strict=True):
            low, middle, high = ratios(own, taken[0])
            what = "instruments off" if probes == () else "all instruments live"
            numbers = f"{narrow}{', channels last' if last == 'always' else ''}"
            limit = None if narrow != "single" or last != "never" else 1.02 if probes == () else 1.10
            yield Row(
                f"{name}, {what}, {numbers}, against a bare loop",
                f"{middle:.3f} times its time ({low:.3f}–{high:.3f})",
                beside if limit is None else f"limit {limit:.2f} ({beside})",
                None if limit is None else middle <= limit,
            )


def _go(way: Iterator[None], steps: int, device: torch.device) -> None:
    for _ in range(steps):
        next(way)
    synchronise(device)
