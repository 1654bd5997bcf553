"""What a checkpoint keeps of how its data became the numbers that the network sees.

With it another example can be prepared once the data of the training have changed or are gone. It lies beside the parts
of the checkpoint (in a file once for all of a run), as JSON with a digest of its own: it decides no step of a training,
and programs that know nothing of it leave it alone. Whoever reads it takes nothing in it for granted.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Final, Literal

import msgspec
import numpy as np
import torch
from torch import Tensor

from nnviz.data import datasets, step_facts
from nnviz.data.examples import LoadedData, Scaler, Split
from nnviz.data.image_files import Levels
from nnviz.data.missing import known_means
from nnviz.data.preparation import Line, Part
from nnviz.data.table_choice import CATEGORY, DATE, NUMBER
from nnviz.data.table_recipe import Recipe
from nnviz.data.unlabelled import Likewise
from nnviz.errors import NnvizError, RunFileError
from nnviz.project.checks.shapes import infer
from nnviz.project.checks.validate import problems_that_stop, validate
from nnviz.project.model import DataFacts, Project, Shape
from nnviz.project.text import clean_name
from nnviz.record.file_format import PREPARATION

#: What the part of a checkpoint is called.
PART: Final = PREPARATION
#: Bytes of it: more is not kept, and refused where it is read.
MOST_BYTES = 4 << 20
#: Pixels along a side of a picture before its preparation; what is read from files has no more.
_MOST_SIDE = 4096
_LONGEST = 200
#: Four bytes a number, the same on every machine.
_FLOATS = np.dtype("<f4")


@dataclass(frozen=True, eq=False)
class Prepared:
    """What makes another example what those of the training were.

    Attributes:
        facts: Shape, targets and classes.
        scaler: Fitted on the training split.
        shape: Of one example before the preparation; None where nobody knows.
        means: float32[features], what stands in for a number that is missing; None where none may be.
        likewise: How the table of the training was read, and what became of its columns; None of other data.
        levels: What is black and white in pictures of more than 8 bits; None where nothing says.
    """

    facts: DataFacts
    scaler: Scaler
    shape: Shape | None = None
    means: Tensor | None = None
    likewise: Likewise | None = None
    levels: Levels | None = None


class _How(msgspec.Struct, frozen=True):
    """As ``HowToRead``, which is imported only where there is a table."""

    separator: Literal["auto", "comma", "semicolon", "tab", "bar"]
    decimal: Literal["auto", "point", "comma"]
    encoding: Literal["auto", "utf-8", "cp1252", "utf-16"]
    header: Literal["auto", "yes", "no"]
    sheet: Annotated[str, msgspec.Meta(max_length=_LONGEST)]
    only_sheet: bool


class _Kept(msgspec.Struct, frozen=True):
    """All of it; numbers as float32, little-endian, in base64, so that none loses a bit."""

    facts: DataFacts
    shape: tuple[Annotated[int, msgspec.Meta(ge=1, le=2**31)], ...]
    numbers: tuple[str, ...]
    means: str | None = None
    how: _How | None = None
    columns: tuple[Recipe, ...] = ()
    levels: Levels | None = None


class _Sealed(msgspec.Struct, frozen=True):
    """As it is written: SHA-256 of ``kept`` as it stands there."""

    digest: str
    kept: msgspec.Raw


def prepared_of(data: LoadedData) -> Prepared:
    """How an example of this data set is prepared.

    Raises:
        DataError: The examples lie on the disk and cannot be read.
    """
    read, inputs = data.as_read, data.train.inputs
    means = None
    if datasets.dataset(data.config.dataset).needs_folder and inputs.is_floating_point():
        means = known_means(inputs) if read is None or read.means is None else read.means
    if read is None:
        return Prepared(data.facts, data.scaler, means=means)
    return Prepared(data.facts, data.scaler, read.shape, means, read.likewise, read.levels)


def part_of(data: LoadedData) -> dict[str, bytes]:
    """The part of a checkpoint that keeps it; nothing where it is too large, or holds what a file cannot."""
    if data.as_read is None:
        return {}
    try:
        prepared = prepared_of(data)
    except NnvizError:  # the training goes on without it
        return {}
    if any(part.numbers for part in prepared.scaler.parts if not isinstance(part, Line)):
        return {}
    numbers = [*prepared.scaler.numbers, *(() if prepared.means is None else (prepared.means,))]
    if not all(bool(one.isfinite().all()) for one in numbers) or 4 * sum(one.numel() for one in numbers) > MOST_BYTES:
        return {}
    how, columns = prepared.likewise or (None, ())
    kept = _Kept(
        prepared.facts,
        tuple(data.as_read.shape),
        tuple(_written(one) for one in prepared.scaler.numbers),
        None if prepared.means is None else _written(prepared.means),
        None if how is None else _How(**asdict(how)),
        tuple(columns),
        prepared.levels,
    )
    try:
        content = msgspec.json.encode(kept)
    except (ValueError, UnicodeEncodeError):  # a name that is no text
        return {}
    blob = msgspec.json.encode(_Sealed(hashlib.sha256(content).hexdigest(), msgspec.Raw(content)))
    return {PART: blob} if len(blob) <= MOST_BYTES else {}


def read(blob: bytes, project: Project, classes: Sequence[str] | None) -> Prepared:
    """Reads what :func:`part_of` made.

    Args:
        blob: From a file: it may hold anything.
        project: The run's, effective.
        classes: Names that the checkpoint itself knows; None where it knows none.

    Raises:
        RunFileError: It is damaged, or does not belong to this project; ``field`` says which part it is.
    """
    if len(blob) > MOST_BYTES:
        raise _damaged("it is too large")
    try:
        sealed = msgspec.json.decode(blob, type=_Sealed)
        if hashlib.sha256(bytes(sealed.kept)).hexdigest() != sealed.digest:
            raise _damaged("it is not what was written")
        kept = msgspec.json.decode(sealed.kept, type=_Kept)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise _damaged("it cannot be read") from None
    facts = kept.facts
    _check_facts(facts, project, classes)
    if step_facts.shape_after(kept.shape, project.data.preparation) != facts.input_shape:
        raise _damaged("its examples have another shape")
    if len(kept.shape) == 3 and max(kept.shape) > _MOST_SIDE:
        raise _damaged("its examples are too large")
    for pair in () if kept.levels is None else (kept.levels.whole, kept.levels.real):
        if pair is not None and not (all(map(math.isfinite, pair)) and pair[0] < pair[1]):
            raise _damaged("its pictures are not brought to 8 bits like that")
    likewise = None
    if kept.how is not None:
        _check_columns(kept.columns, facts)
        from nnviz.data.table_of_file import HowToRead  # noqa: PLC0415 - polars: only a table needs it

        likewise = HowToRead(**msgspec.structs.asdict(kept.how)), kept.columns
    return Prepared(
        facts,
        _scaler(kept.numbers, project, facts),
        kept.shape,
        None if kept.means is None else _read(kept.means, torch.zeros(facts.input_shape)),
        likewise,
        kept.levels,
    )


def _check_facts(facts: DataFacts, project: Project, classes: Sequence[str] | None) -> None:
    inference = infer(project.graph)
    if inference.network_input_shape != facts.input_shape:
        raise _damaged("its examples are not those that the network takes")
    if classes is not None and facts.class_names != tuple(classes):
        raise _damaged("its classes are others than those of the checkpoint")
    named = len(facts.feature_names)
    if named not in (0, math.prod(facts.input_shape)) or facts.task not in ("classes", "binary", "regression", "none"):
        raise _damaged("its columns are not those that the network takes")
    if not 0 <= facts.targets <= max(1, *(math.prod(one.output or ()) for one in inference.results.values())):
        raise _damaged("its answers are not those that the network gives")
    if problems_that_stop(validate(project, facts, inference)):
        raise _damaged("the network does not fit it")


def _check_columns(columns: Sequence[Recipe], facts: DataFacts) -> None:
    from nnviz.data.table_cells import DATE_FORMS  # noqa: PLC0415 - polars: only a table needs it

    names = [one.name for one in columns]
    if len(set(names)) != len(names) or sum(one.width for one in columns) != math.prod(facts.input_shape):
        raise _damaged("its columns are not those that the network takes")
    for one in columns:
        fine = (
            one.kind in (NUMBER, CATEGORY, DATE)
            and one.form in ("", *DATE_FORMS)
            and len(one.levels) == len(set(one.levels))
            and (one.kind == CATEGORY or not one.levels)
            and clean_name(one.name) == one.name
        )
        if not fine:
            raise _damaged("a column becomes numbers in no known way")


def _scaler(numbers: Sequence[str], project: Project, facts: DataFacts) -> Scaler:
    """The scaler with these numbers: which steps there are follows from the project, and only those were kept."""
    kind = torch.uint8 if len(facts.input_shape) == 3 else torch.float32
    one = Split(torch.zeros((1, *facts.input_shape), dtype=kind), torch.zeros(1, dtype=torch.int64))
    scaler = Scaler.fit(one, project.data.preparation)
    if len(scaler.numbers) != len(numbers):
        raise _damaged("its preparation has other steps")
    rest = iter(numbers)

    def like(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else _read(next(rest), tensor)

    parts: list[Part] = []
    for part in scaler.parts:
        parts.append(Line(like(part.offset), like(part.divisor)) if isinstance(part, Line) else part)
    return replace(scaler, parts=tuple(parts))


def _written(tensor: Tensor) -> str:
    return base64.b64encode(tensor.cpu().contiguous().numpy().astype(_FLOATS).tobytes()).decode()


def _read(text: str, like: Tensor) -> Tensor:
    """float32 numbers of that shape."""
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError:
        raise _damaged("its numbers cannot be read") from None
    if len(content) != 4 * like.numel():
        raise _damaged("it has another number of numbers than its examples")
    found = torch.from_numpy(np.frombuffer(content, _FLOATS).astype(np.float32)).reshape(like.shape)
    if not bool(found.isfinite().all()):
        raise _damaged("its numbers are not finite")
    return found


def _damaged(why: str) -> RunFileError:
    return RunFileError(f"What the checkpoint keeps of how its data were prepared is damaged: {why}.", field=PART)
