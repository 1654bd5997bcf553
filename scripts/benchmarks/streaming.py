"""Feeding from the disk against feeding from memory, and the import of pictures of many sizes into the file for it."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from feeding import EXAMPLES, consume
from PIL import Image
from rows import Row, Settings, in_turn, ratios

from nnviz.data import images, row_store
from nnviz.data.examples import Split
from nnviz.data.stored_rows import StoredRows
from nnviz.data.streamed import Streamed
from nnviz.data.tensors import Feeder, load
from nnviz.project.model import DataConfig

#: Pictures that are imported in each round, and once in all; and the sides that they have.
IMPORTED, ALL_OF_THEM, SIDES = 600, 60_000, (32, 64, 100, 160, 240, 320, 500, 640)
#: Milliseconds of one core for a picture: 60,000 in a minute.
MOST_FOR_A_PICTURE = 1.0
#: An epoch of training from the disk may take so many times one from memory.
MOST_TIMES = 1.05
#: And so many times the bytes of some rows may be read for them: those of whole blocks of the disk.
MOST_READ = 2.0


def measure(settings: Settings) -> Iterator[Row]:
    """Rows of this file."""
    name = "digits" if settings.data_dir is None else "mnist"
    data = load(DataConfig(name, validation_fraction=0.0), settings.data_dir)
    split = data.train.take(torch.arange(min(EXAMPLES, len(data.train))))
    yield from streamed(split, Feeder(split, data.scaler, 128), settings)
    if (row := cold()) is not None:
        yield row
    yield imported(settings)
    if not settings.quick:
        yield imported_in_full()


def streamed(split: Split, feeder: Feeder, settings: Settings) -> Iterator[Row]:
    """The same batches from a file of the disk: alone, and beside the steps of a small network."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pixels"
        inputs = split.inputs[:]
        path.write_bytes(inputs.numpy().tobytes())
        count, channels, height, width = inputs.shape
        on_disk = Split(Streamed(StoredRows(path, (count, channels, height, width))), split.targets)
        other = Feeder(on_disk, feeder.scaler, feeder.batch_size)
        taken = in_turn([lambda: consume(other.batches(0)), lambda: consume(feeder.batches(0))], settings.rounds(7))
        low, middle, high = ratios(*taken)
        yield Row(f"feeding {count:,} examples from the disk", f"{middle:.2f} times memory ({low:.2f}–{high:.2f})", "")
        network = torch.nn.Sequential(
            torch.nn.Conv2d(channels, 16, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.LazyLinear(10)
        )
        network(feeder.prepare([0]))
        optimizer = torch.optim.SGD(network.parameters(), 0.01)

        def epoch(source: Feeder) -> None:
            for batch, targets in source.batches(0):
                optimizer.zero_grad()
                torch.autograd.backward(torch.nn.functional.cross_entropy(network(batch), targets))
                optimizer.step()

        taken = in_turn([lambda: epoch(other), lambda: epoch(feeder)], settings.rounds(5))
        low, middle, high = ratios(*taken)
        yield Row(
            f"an epoch of {count:,} examples from the disk",
            f"{middle:.2f} times memory ({low:.2f}–{high:.2f})",
            f"limit {MOST_TIMES:g} times",
            middle <= MOST_TIMES,
        )


def cold() -> Row | None:
    """What is brought from the disk for rows that are not in memory; None where the system does not tell."""
    count, each, asked = 10_000, 12_288, 600
    told = Path("/proc/self/io")
    if not told.exists() or not hasattr(os, "posix_fadvise"):
        return None

    def brought() -> int:
        return int(told.read_text().partition("read_bytes: ")[2].split()[0])

    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "pixels").open("wb+") as file:
        for _ in range(10):
            file.write(bytes(count * each // 10))
        file.flush()
        os.fsync(file.fileno())
        rows = StoredRows(Path(file.name), (count, each))
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        before, began = brought(), time.perf_counter()
        rows[np.random.default_rng(0).choice(count, asked, replace=False)]
        taken, times = time.perf_counter() - began, (brought() - before) / (asked * each)
    if not times:  # a disk in memory
        return None
    return Row(
        f"{asked} rows of {each:,} bytes that are not in memory",
        f"{times:.2f} times their bytes read, in {taken * 1000:.0f} ms",
        f"limit {MOST_READ:g} times",
        times <= MOST_READ,
    )


def imported(settings: Settings) -> Row:
    """Pictures of many sizes brought to 64×64 and kept; seconds of all cores together."""
    with tempfile.TemporaryDirectory() as folder:
        files = pictures(Path(folder), IMPORTED)
        costs = [imported_once(files, Path(folder) / str(turn))[0] for turn in range(settings.rounds(5))]
    each = sorted(cost / IMPORTED * 1000 for cost in costs)
    middle = each[len(each) // 2]
    return Row(
        f"importing {IMPORTED} pictures of {SIDES[0]} to {SIDES[-1]} pixels",
        f"{middle:.2f} ms of a core for each ({each[0]:.2f}–{each[-1]:.2f})",
        f"limit {MOST_FOR_A_PICTURE:g} ms: 60,000 in a minute",
        middle <= MOST_FOR_A_PICTURE,
    )


def imported_in_full() -> Row:
    """As :func:`imported`, but of as many pictures as the limit speaks of; making them takes longer than that."""
    with tempfile.TemporaryDirectory() as folder:
        files = pictures(Path(folder), ALL_OF_THEM)
        processor, clock = imported_once(files, Path(folder) / "kept")
    most = ALL_OF_THEM * MOST_FOR_A_PICTURE / 1000
    return Row(
        f"importing {ALL_OF_THEM:,} pictures of {SIDES[0]} to {SIDES[-1]} pixels",
        f"{processor:.1f} s of a core ({clock:.1f} s on the clock)",
        f"limit {most:g} s of a core",
        processor <= most,
    )


def pictures(folder: Path, count: int) -> list[Path]:
    """So many JPEG files of noise, of many sizes, always the same; in folders of a thousand."""
    random = np.random.default_rng(0)
    files = []
    for number in range(count):
        side = SIDES[number % len(SIDES)]
        small = Image.fromarray(random.integers(0, 256, (32, 32, 3)).astype(np.uint8))
        files.append(folder / f"pictures{number // 1000}" / f"{number}.jpg")
        if number % 1000 == 0:
            files[-1].parent.mkdir()
        small.resize((side, max(16, round(side * random.uniform(0.6, 1.4))))).save(files[-1], quality=88)
    return files


def imported_once(files: list[Path], kept: Path) -> tuple[float, float]:
    """Seconds of all cores together, and on the clock, for one import into an empty folder."""
    usual, row_store.root = row_store.root, lambda: kept
    try:
        began, clock = time.process_time(), time.perf_counter()
        images.store_pictures(files, 64, 3, "white", lambda done: None, state="")
        return time.process_time() - began, time.perf_counter() - clock
    finally:
        row_store.root = usual
