"""Examples that nobody has labelled: the pictures of a folder, or the rows of a table, for a network to name.

They come in blocks, so that memory stays bounded however many there are. What cannot be read is handed over with its
reason, never raised: whoever asked decides what becomes of it. No torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnviz.data.folders import IMAGE_ENDINGS, pictures_below
from nnviz.data.image_files import Levels, read_image
from nnviz.data.images import LeftOut
from nnviz.data.table_choice import ENDINGS as TABLE_ENDINGS
from nnviz.errors import DataError
from nnviz.paths import shown
from nnviz.project.text import clean_name

if TYPE_CHECKING:
    from nnviz.data.table_of_file import FileTable, HowToRead
    from nnviz.data.table_recipe import Recipe
    from nnviz.project.model import Shape

_MOST_IN_BLOCK, _MOST_NUMBERS = 256, 1 << 24
#: How the table of the training was read, and what became of each of its columns.
Likewise: TypeAlias = "tuple[HowToRead, tuple[Recipe, ...]]"


class UnreadableError(DataError):
    """Some of the examples cannot be read, and nobody has said that they may be left out."""


@dataclass(frozen=True, eq=False)
class Block:
    """Some examples of a folder or a table, in its order.

    Attributes:
        names: What each is called: its path below the folder, or the number of its row from 1.
        inputs: uint8[n, channels, height, width] of pictures, float32[n, features] of rows.
        left_out: What cannot be read.
        done: Examples so far, those left out included.
        total: Examples altogether.
    """

    names: tuple[str, ...]
    inputs: NDArray[np.uint8] | NDArray[np.float32]
    left_out: tuple[LeftOut, ...]
    done: int
    total: int


#: Reads one picture to uint8[channels, height, width], or raises DataError.
ReadPicture = Callable[[Path], NDArray[np.uint8]]


def blocks(
    given: Path,
    shape: Shape,
    features: Sequence[str],
    read: ReadPicture,
    *,
    missing: bool = False,
    likewise: Likewise | None = None,
) -> Iterator[Block]:
    """The examples of a folder of pictures, of one picture, or of a table.

    Args:
        given: Where they lie.
        shape: Of one example: (channels, height, width) asks for pictures, (features,) for a table.
        features: What the columns of a table are called; empty where nobody knows, which takes them in their order.
        read: Makes numbers of a picture, as it was done for the training.
        missing: A number may be missing: it comes as NaN, which the preparation fills.
        likewise: Where the network was trained on a table of the user's own: its columns, instead of ``features``.

    Raises:
        DataError: There is no such thing, it is the wrong one of the two, or it holds no example.
    """
    if not given.exists():
        raise DataError("There is no such file or folder.", file=shown(given))
    if len(shape) == 3:
        yield from _of_pictures(given, shape, read)
    else:
        yield from _of_table(given, math.prod(shape), features, missing, likewise)


def _of_pictures(given: Path, shape: Shape, read: ReadPicture) -> Iterator[Block]:
    if given.is_dir():
        folder, files = given, pictures_below(given)
        if not files:
            raise DataError(
                f"There is no picture in this folder (known endings: {', '.join(IMAGE_ENDINGS)}).", file=shown(given)
            )
    elif given.suffix.lower() in TABLE_ENDINGS:
        raise DataError(
            "This is a table, but the network of this run takes pictures: name a folder.", file=shown(given)
        )
    else:
        folder, files = given.parent, (given,)
    size = max(1, min(_MOST_IN_BLOCK, _MOST_NUMBERS // math.prod(shape)))
    for first in range(0, len(files), size):
        part = files[first : first + size]
        names: list[str] = []
        pixels: list[NDArray[np.uint8]] = []
        bad: list[LeftOut] = []
        for file in part:
            try:
                pixels.append(read(file))
            except DataError as error:
                if isinstance(error.__cause__, MemoryError):
                    raise
                bad.append(LeftOut(file, error.message))
            else:
                names.append(file.relative_to(folder).as_posix())
        inputs = np.stack(pixels) if pixels else np.zeros((0, *shape), np.uint8)
        yield Block(tuple(names), inputs, tuple(bad), first + len(part), len(files))


def picture_reader(shape: Shape, background: str, levels: Levels | None, how: str = "fill") -> ReadPicture:
    """Reads pictures as the image folder's are: upright, resized and cut to the middle, on a plain background.

    Args:
        shape: Channels, height and width; a square.
        background: A key of ``image_files.BACKGROUNDS``.
        levels: What is black and white in pictures of more than 8 bits, as it was for the training.
        how: What becomes of other proportions, see ``image_files.read_image``.
    """
    channels, height, width = shape
    if height != width or channels not in (1, 3):
        raise DataError(f"The network takes pictures of {channels} × {height} × {width}, which no file can be made.")
    return lambda file: read_image(file, height, channels, background, levels, how)


# --- tables ----------------------------------------------------------------------------------------------------------


def _of_table(
    given: Path, count: int, features: Sequence[str], missing: bool, likewise: Likewise | None
) -> Iterator[Block]:
    from nnviz.data.table_again import again  # noqa: PLC0415 - as in read_table
    from nnviz.data.table_large import LargeFrame  # noqa: PLC0415 - as in read_table

    if given.is_dir() or given.suffix.lower() not in TABLE_ENDINGS:
        raise DataError(
            f"The network of this run takes rows of {count} numbers: name a table ({', '.join(TABLE_ENDINGS)}).",
            file=shown(given),
        )
    table = read_table(given, None if likewise is None else likewise[0])
    recipes = _chosen(table.frame.columns, count, features, missing, given) if likewise is None else likewise[1]
    lacking = [one.name for one in recipes if one.name not in table.frame.columns]
    if lacking:
        raise _lacks(lacking, given)
    frame = table.frame
    assert not isinstance(frame, LargeFrame)  # it was not asked for one
    columns = [again(one, frame.get_column(one.name), table.decimal) for one in recipes]
    rows = frame.height
    total = rows + len(table.ragged)
    if not total:
        raise DataError("There is no row in this table.", file=shown(given))
    # Rows are counted as they stand in the file, those of another length with them.
    places = np.delete(np.arange(1, total + 1), [at for at, _ in table.ragged])
    bad = [LeftOut(given, f"Row {at + 1} {why}.") for at, why in table.ragged]
    size = max(1, min(1 << 14, _MOST_NUMBERS // max(count, 1)))
    for first in range(0, max(rows, 1), size):
        numbers = []
        wrong: dict[int, str] = {}
        for column in columns:
            part, reasons = column.numbers(first, size)
            numbers.append(part)
            for row, why in reasons.items():
                wrong.setdefault(row, f"Row {places[first + row]}: column '{column.recipe.name[:60]}' {why}.")
        inputs = np.concatenate(numbers, axis=1)
        bad += [LeftOut(given, why) for _, why in sorted(wrong.items())]
        fine = np.delete(np.arange(len(inputs)), list(wrong))
        names = tuple(map(str, places[first + fine].tolist()))
        done = total if first + size >= rows else first + size
        yield Block(names, inputs[fine], tuple(bad), done, total)
        bad = []


def read_table(path: Path, how: HowToRead | None = None) -> FileTable:
    """A table as tables are read for a training.

    Args:
        path: Its file.
        how: What was chosen for the training; None finds everything out.

    Raises:
        DataError: It cannot be read; names the file.
    """
    from nnviz.data import table_of_file, table_reading  # noqa: PLC0415 - polars and a reader of workbooks: only a table needs them

    try:
        return table_reading.read_table(path, how or table_of_file.HowToRead(), lambda _done, _total: None)
    except DataError as error:
        raise DataError(error.message, file=shown(path)) from None
    except MemoryError as error:
        raise DataError("There is not enough memory to read this table.", file=shown(path)) from error


def _chosen(names: Sequence[str], count: int, features: Sequence[str], missing: bool, given: Path) -> list[Recipe]:
    """Which columns the inputs are, in the order of the training: by their names, else by their places."""
    from nnviz.data.table_choice import NUMBER  # noqa: PLC0415 - with the next
    from nnviz.data.table_recipe import Recipe  # noqa: PLC0415 - as above

    if not features and len(names) != count:
        sentence = f"The network takes {count} numbers a row, but the table has {len(names)} columns."
        raise DataError(sentence, file=shown(given))
    by_name = {clean_name(name)[:100].strip(): name for name in features}
    lacking = [name for clean, name in by_name.items() if clean not in names]
    if lacking:
        raise _lacks(lacking, given)
    return [Recipe(name, NUMBER, empty=missing) for name in (by_name or names)]


def _lacks(names: Sequence[str], given: Path) -> DataError:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    sentence = f"There is no column '{names[0][:60]}'{more}, which the network was trained on."
    return DataError(sentence, file=shown(given))
