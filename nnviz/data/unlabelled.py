"""Examples that nobody has labelled: the pictures of a folder, or the rows of a table, for a network to name.

They come in blocks, so that memory stays bounded however many there are. What cannot be read is handed over with its
reason, never raised: whoever asked decides what becomes of it. No torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nnviz.data.folders import IMAGE_ENDINGS, pictures_below
from nnviz.data.image_files import Levels, read_image
from nnviz.data.images import LeftOut
from nnviz.errors import DataError
from nnviz.paths import shown

if TYPE_CHECKING:
    import polars

    from nnviz.project.model import Shape

#: Endings of the files that are taken for tables.
TABLE_ENDINGS = (".csv", ".tsv", ".tab", ".txt", ".parquet", ".xlsx", ".xls", ".xlsb", ".ods")
_MOST_IN_BLOCK, _MOST_NUMBERS = 256, 1 << 24
_MOST_TABLE_BYTES = 2 << 30
_SNIFFED = 1 << 16


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
    given: Path, shape: Shape, features: Sequence[str], read: ReadPicture, *, missing: bool = False
) -> Iterator[Block]:
    """The examples of a folder of pictures, of one picture, or of a table.

    Args:
        given: Where they lie.
        shape: Of one example: (channels, height, width) asks for pictures, (features,) for a table.
        features: What the columns of a table are called; empty where nobody knows, which takes them in their order.
        read: Makes numbers of a picture, as it was done for the training.
        missing: A number may be missing: it comes as NaN, which the preparation fills.

    Raises:
        DataError: There is no such thing, it is the wrong one of the two, or it holds no example.
    """
    if not given.exists():
        raise DataError("There is no such file or folder.", file=shown(given))
    if len(shape) == 3:
        yield from _of_pictures(given, shape, read)
    else:
        yield from _of_table(given, math.prod(shape), features, missing)


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


def picture_reader(shape: Shape, background: str, levels: Levels | None) -> ReadPicture:
    """Reads pictures as the image folder's are: upright, resized and cut to the middle, on a plain background.

    Args:
        shape: Channels, height and width; a square.
        background: A key of ``image_files.BACKGROUNDS``.
        levels: What is black and white in pictures of more than 8 bits, as it was for the training.
    """
    channels, height, width = shape
    if height != width or channels not in (1, 3):
        raise DataError(f"The network takes pictures of {channels} × {height} × {width}, which no file can be made.")
    return lambda file: read_image(file, height, channels, background, levels)


# --- tables ----------------------------------------------------------------------------------------------------------


def _of_table(given: Path, count: int, features: Sequence[str], missing: bool) -> Iterator[Block]:
    if given.is_dir() or given.suffix.lower() not in TABLE_ENDINGS:
        raise DataError(
            f"The network of this run takes rows of {count} numbers: name a table ({', '.join(TABLE_ENDINGS)}).",
            file=shown(given),
        )
    table = read_table(given)
    columns = _chosen(table, count, features, given)
    total = table.height
    if not total:
        raise DataError("There is no row in this table.", file=shown(given))
    size = max(1, min(1 << 14, _MOST_NUMBERS // max(count, 1)))
    for first in range(0, total, size):
        part = table.slice(first, size)
        numbers = np.stack([column.numbers(part[column.name]) for column in columns], axis=1)
        empty = np.stack([_is_empty(part[column.name]) for column in columns], axis=1)
        wrong = ~np.isfinite(numbers) & ~(empty & missing)
        bad = []
        for row in np.flatnonzero(wrong.any(axis=1)):
            at = int(np.flatnonzero(wrong[row])[0])
            name = columns[at].name
            why = "is empty" if empty[row, at] else f"holds '{str(part[name][int(row)])[:40]}', no finite number"
            bad.append(LeftOut(given, f"Row {first + int(row) + 1}: column '{name[:60]}' {why}."))
        fine = ~wrong.any(axis=1)
        names = tuple(str(first + int(row) + 1) for row in np.flatnonzero(fine))
        yield Block(names, numbers[fine].astype(np.float32), tuple(bad), min(total, first + size), total)


@dataclass(frozen=True)
class _Feature:
    """One number that comes in, and the column it is made of.

    Attributes:
        name: Of the column.
        level: 1 where the column holds this category, else 0; None for a column of numbers.
        gap: 1 where the column holds nothing, else 0.
    """

    name: str
    level: str | None = None
    gap: bool = False

    def numbers(self, column: polars.Series) -> NDArray[np.float64]:
        if self.gap:
            return _is_empty(column).astype(np.float64)
        if self.level is not None:
            cells = [" ".join(str(cell).split()) if cell is not None else None for cell in column.to_list()]
            return np.array([float(cell == self.level) for cell in cells])
        return _numbers(column)


def _is_empty(column: polars.Series) -> NDArray[np.bool_]:
    return np.array([cell is None or not str(cell).strip() for cell in column.to_list()], bool)


def read_table(path: Path) -> polars.DataFrame:
    """A table as it stands, text where its format knows no types.

    Raises:
        DataError: It cannot be read; names the file.
    """
    import polars  # noqa: PLC0415 - only a table needs it

    ending = path.suffix.lower()
    try:
        if path.stat().st_size > _MOST_TABLE_BYTES:
            raise DataError(f"The table is larger than {_MOST_TABLE_BYTES >> 30} GB.", file=shown(path))
        if ending == ".parquet":
            return polars.read_parquet(path)
        if ending in (".xlsx", ".xls", ".xlsb", ".ods"):
            return polars.read_excel(path)
        with path.open("rb") as file:
            head = file.read(_SNIFFED)
        if b"\0" in head:
            raise DataError("This is no table of text.", file=shown(path))
        first = head.decode("utf-8-sig", "replace").split("\n", 1)[0]
        separator = max("\t;,", key=first.count)
        named = any(not _is_number(cell) for cell in first.strip().split(separator))
        return polars.read_csv(
            path,
            has_header=named,
            separator=separator,
            infer_schema=False,
            encoding="utf8-lossy",
            try_parse_dates=False,
        )
    except DataError:
        raise
    except MemoryError as error:
        raise DataError("There is not enough memory to read this table.", file=shown(path)) from error
    except OSError as error:
        raise DataError(f"The table cannot be read: {error.strerror or error}.", file=shown(path)) from None
    except Exception as error:  # noqa: BLE001 - the readers of four formats fail in ways of their own
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")
        raise DataError(f"The table cannot be read: {reason}.", file=shown(path)) from None


def _chosen(table: polars.DataFrame, count: int, features: Sequence[str], given: Path) -> list[_Feature]:
    """What the inputs are made of, in the order of the training."""
    by_name = {name.strip(): name for name in reversed(table.columns)}
    found = [_feature(name, by_name) for name in features]
    if features and all(one is not None for one in found):
        return [one for one in found if one is not None]
    if table.width == count:
        return [_Feature(name) for name in table.columns]
    lacking = [name for name, one in zip(features, found, strict=True) if one is None]
    if lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        sentence = f"There is no column '{lacking[0][:60]}'{more}, which the network was trained on."
        raise DataError(sentence, file=shown(given))
    sentence = f"The network takes {count} numbers a row, but the table has {table.width} columns."
    raise DataError(sentence, file=shown(given))


def _feature(name: str, by_name: Mapping[str, str]) -> _Feature | None:
    """A feature by its name: a column, ``column = category``, or ``column missing``; see ``table_columns``."""
    if name in by_name:
        return _Feature(by_name[name])
    for column, own in by_name.items():
        if name.startswith(f"{column} = "):
            return _Feature(own, level=name.removeprefix(f"{column} = "))
        if name == f"{column} missing":
            return _Feature(own, gap=True)
    return None


def _numbers(column: polars.Series) -> NDArray[np.float64]:
    """float64[n]; NaN where there is no number. A decimal comma is one where the column has no point."""
    import polars  # noqa: PLC0415 - as above

    if column.dtype != polars.String:
        return column.cast(polars.Float64, strict=False).fill_null(math.nan).to_numpy().astype(np.float64)
    text = column.str.strip_chars()
    if not text.str.contains(".", literal=True).any() and text.str.contains(",", literal=True).any():
        text = text.str.replace(",", ".", literal=True)
    return text.cast(polars.Float64, strict=False).fill_null(math.nan).to_numpy().astype(np.float64)


def _is_number(cell: str) -> bool:
    try:
        float(cell.strip().strip('"').replace(",", "."))
    except ValueError:
        return False
    return True
