"""Files that say of which class each picture is: a CSV of filename,label inside a folder of pictures or beside it.

Only pictures that lie in the folder are ever meant by a row, whatever it names. polars reads the rows.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from nnviz.errors import DataError
from nnviz.regular_files import is_regular, read_regular

#: What columns are called, in small letters.
_NAMES = frozenset({
    "filename", "file_name", "file", "image", "image_id", "image_name", "imagename", "img", "path", "filepath", "id",
    "name", "picture",
})  # fmt: skip
_LABELS = frozenset({
    "label", "labels", "class", "class_name", "classname", "category", "target", "y", "breed", "species",
})  # fmt: skip
_ENDINGS = (".csv", ".tsv")
_SEPARATORS = (",", ";", "\t", "|")
#: Larger files, or more of them in a folder, are none that are meant.
_MOST_BYTES, _MOST_FILES = 128 << 20, 50


@dataclass(frozen=True)
class LabelRows:
    """What a file says.

    Attributes:
        file: Which.
        rows: (what it calls a picture, the label), the label empty where none is given.
        explicit: Both columns are called what they are.
    """

    file: Path
    rows: tuple[tuple[str, str], ...]
    explicit: bool


@dataclass(frozen=True)
class Labelled:
    """The pictures of a folder by what a file says of them.

    Attributes:
        file: The file.
        groups: The pictures of each label, in alphabetical order.
        lost: What it names and does not lie there.
        without: How many rows give no label.
        unnamed: How many pictures no row names.
        explicit: As of :class:`LabelRows`.
    """

    file: Path
    groups: dict[str, tuple[Path, ...]]
    lost: tuple[str, ...]
    without: int
    unnamed: int
    explicit: bool


def labelled(root: Path, pictures: Sequence[Path], named: Sequence[str] = ()) -> Labelled | None:
    """The pictures of a folder by the first file that tells something of them; None where there is none.

    Args:
        root: The folder.
        pictures: All that lie in it and below.
        named: Only files of these names without their ending, in small letters, and only inside; any where empty.

    Raises:
        DataError: A file contradicts itself.
    """
    for file in candidates(root):
        if named and (file.parent != root or file.stem.lower() not in named):
            continue
        try:
            facts = file.stat()
        except OSError:
            continue
        rows = _rows(file, facts.st_mtime_ns, facts.st_size)
        found = None if rows is None else _matched(rows, root, pictures)
        if found is not None:
            return found
    return None


def labelled_by(file: Path, root: Path, pictures: Sequence[Path]) -> Labelled | None:
    """The pictures of a folder by a file that somebody named; None where it names none of them.

    Raises:
        DataError: It is no such table, or it contradicts itself.
    """
    try:
        facts = file.stat()
    except OSError:
        facts = None
    rows = None if facts is None or not is_regular(file) else _rows(file, facts.st_mtime_ns, facts.st_size)
    if rows is None:
        raise DataError(
            "This is no table of filename,label: a CSV or TSV with a column of file names and one of labels is.",
            field="data.params.labels",
            file=str(file),
        )
    return _matched(rows, root, pictures)


def sorted_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """In the order of their numbers where all are whole numbers, else in that of the alphabet."""
    if all(label.isdecimal() and len(label) < 10 for label in labels):
        return tuple(sorted(labels, key=lambda label: (int(label), label)))
    return tuple(sorted(labels))


def candidates(root: Path) -> list[Path]:
    """Files that may say something: those inside, the likely ones first, then those beside that are called likewise."""
    try:
        with os.scandir(root) as entries:
            inside = sorted(entry.name for entry in entries if entry.name.lower().endswith(_ENDINGS))
    except OSError:
        return []
    likely = (root.name.lower(), "labels", "train", "training")

    def rank(name: str) -> tuple[int, str]:
        stem = Path(name).stem.lower()
        return (likely.index(stem) if stem in likely else len(likely), name)

    found = [root / name for name in sorted(inside, key=rank)[:_MOST_FILES] if not name.startswith(".")]
    for stem in (root.name, f"{root.name}_labels", "labels"):
        found += [path for ending in _ENDINGS if is_regular(path := root.parent / f"{stem}{ending}")]
    return found


@lru_cache(maxsize=32)
def _rows(file: Path, changed: int, size: int) -> LabelRows | None:
    """What a file says; None where it is no such table. ``changed`` and ``size`` make a changed file be read again."""
    if not 0 < size <= _MOST_BYTES:
        return None
    import polars  # noqa: PLC0415 - only where there is such a file

    try:
        content = read_regular(file, _MOST_BYTES)
        text = _text(content)
        first = text[: text.find("\n")] if "\n" in text else text
        separator = max(_SEPARATORS, key=first.count)
        table = polars.read_csv(
            io.BytesIO(text.encode()),
            separator=separator,
            has_header=False,
            infer_schema=False,  # all as texts: 007 is a name
            truncate_ragged_lines=True,
        )
    except (OSError, UnicodeError, polars.exceptions.PolarsError):
        return None
    if table.width < 2 or not table.height:
        return None
    head = [str(cell or "").strip().lower() for cell in table.row(0)]
    name = next((at for at, cell in enumerate(head) if cell in _NAMES), 0)
    label = next((at for at, cell in enumerate(head) if cell in _LABELS and at != name), None)
    if label is None and table.width > 2:
        return None  # two columns need no names
    explicit = head[name] in _NAMES and label is not None
    label = (1 if name != 1 else 0) if label is None else label
    cells = table.slice(1) if explicit or head[name] in _NAMES or head[label] in _LABELS else table
    pairs = zip(cells.to_series(name).to_list(), cells.to_series(label).to_list(), strict=True)
    rows = tuple((str(one or "").strip(), str(other or "").strip()) for one, other in pairs)
    return LabelRows(file, tuple(row for row in rows if row[0]), explicit)


def _text(content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _matched(said: LabelRows, root: Path, pictures: Sequence[Path]) -> Labelled | None:
    """The pictures that the rows mean; None where they mean none."""
    there = {str(picture): picture for picture in pictures}
    by_name: dict[str, list[Path]] = {}
    for picture in pictures:
        by_name.setdefault(picture.name, []).append(picture)
        by_name.setdefault(picture.stem, []).append(picture)
    places = [str(place) for place in (said.file.parent, said.file.parent / said.file.stem, root)]

    def meant(name: str) -> Path | None:
        plain = name.replace("\\", "/")
        for place in places:
            if (found := there.get(os.path.normpath(f"{place}/{plain}"))) is not None:
                return found
        several = by_name.get(plain.rpartition("/")[2], [])
        ends = [one for one in several if one.as_posix().endswith(f"/{plain}")] if len(several) > 1 else several
        if len(several) > 1 and len(ends) != 1:
            raise DataError(
                f"It names '{_shown(name)}', but {len(several)} pictures are called so: write their folders before "
                "them.",
                file=str(said.file),
            )
        return ends[0] if ends else None

    labels: dict[Path, str] = {}
    lost, without = [], 0
    for name, label in said.rows:
        found = meant(name)
        if found is None:
            lost.append(_shown(name))
        elif not label:
            without += 1
        elif labels.setdefault(found, label) != label:
            sentence = f"It says of '{_shown(name)}' both '{_shown(labels[found])}' and '{_shown(label)}'."
            raise DataError(sentence, file=str(said.file))
    if not labels:
        return None
    groups: dict[str, list[Path]] = {}
    for picture in sorted(labels):
        groups.setdefault(_shown(labels[picture]), []).append(picture)
    ordered = {label: tuple(groups[label]) for label in sorted_labels(tuple(groups))}
    unnamed = len(pictures) - len(labels) - without
    return Labelled(said.file, ordered, tuple(lost), without, max(unnamed, 0), said.explicit)


def _shown(text: str) -> str:
    plain = "".join(letter if letter.isprintable() else "�" for letter in text)
    return plain if len(plain) <= 60 else plain[:59] + "…"
