"""The user's own pictures: a folder with one subfolder a class."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from nnviz.data.dataset_spec import DatasetSpec
from nnviz.data.folders import FolderPictures, Pictures, image_files
from nnviz.data.memory_budget import WHERE, is_streamed
from nnviz.data.sources.source import (
    TEST_PARAMS,
    Arrays,
    LeftOutFile,
    Request,
    Source,
    SourceFacts,
    hold_out_share,
    some,
    state_of,
    streamed_note,
    test_sizes,
)
from nnviz.errors import DataError, on_one_line
from nnviz.paths import given_path
from nnviz.project.model import DataFacts
from nnviz.project.spec import ParamSpec

if TYPE_CHECKING:
    from nnviz.data.image_files import Levels
    from nnviz.data.images import ReadPictures

#: So many files are named one by one.
_MOST_NAMED = 8
#: And so many where it is asked whether they may be left out.
_MOST_ASKED = 3

_IMAGE_FOLDER = DatasetSpec(
    "image_folder",
    "Image folder",
    "Your own pictures: one subfolder a class, or a CSV of filename,label inside or beside. They may have any sizes: "
    "each is resized and cut to one square. Subfolders 'train' with 'val' (or 'valid', 'validation') or 'test' are "
    "taken as the splits, otherwise a fifth of every class is the test split. What cannot be read is left out and "
    "named.",
    "images",
    (
        ParamSpec("folder", "folder", "The folder whose subfolders are the classes.", "text", ""),
        ParamSpec("size", "size", "Width and height that all pictures are resized to.", "int", 32, 8, 512, unit="px"),
        ParamSpec(
            "channels",
            "colours",
            "Grey pictures need a third of the memory.",
            "choice",
            "3",
            choices=(("3", "red, green, blue"), ("1", "grey")),
        ),
        ParamSpec(
            "how",
            "how",
            "What becomes of pictures that are no squares: fill cuts out the middle, fit lays the whole on the "
            "background, squash changes the proportions.",
            "choice",
            "fill",
            choices=(("fill", "fill"), ("fit", "fit"), ("squash", "squash")),
        ),
        ParamSpec(
            "background",
            "background",
            "What transparent pictures are laid on, and what stands beside those that fit.",
            "choice",
            "white",
            choices=(("white", "white"), ("grey", "middle grey"), ("black", "black")),
        ),
        WHERE,
        ParamSpec(
            "labels",
            "label file",
            "A CSV of filename,label that says the classes: its whole path, or from the folder of the pictures. "
            "Nothing: it is found where subfolders are no classes.",
            "text",
            "",
            advanced=True,
        ),
        *TEST_PARAMS,
    ),
    facts=None,
    count=None,
    source="Your own folder.",
    licence="yours",
    offline=False,
    folder_param="folder",
)


def _found(request: Request, report: Callable[[int, int], None] = lambda done, total: None) -> _Found:
    """The pictures as they lay there when it was first asked: whatever comes in meanwhile, all answers fit together."""
    found = request.known.get("pictures")
    if not isinstance(found, _Found):
        pictures = image_files(request.text("folder"), report, request.text("labels"))
        found = _Found(pictures, state_of(pictures.labels))
        request.known["pictures"] = found
    return found


class ImageFolder(Source):
    """Pictures of any sizes, each resized and cut to one square."""

    def declare(self) -> tuple[DatasetSpec, ...]:
        """One data set, of which nothing is known before the folder is looked at."""
        return (_IMAGE_FOLDER,)

    def inspect(self, request: Request) -> SourceFacts:
        """The subfolders are the classes; pictures are read, for only that tells which of them can be."""
        found = _found(request, lambda done, total: request.report(done, total, "Looking through"))
        names = found.pictures.names
        read = found.look(request, pixels=False)
        counts = found.counts(read)
        refused = found.refused(read)
        if refused is not None:
            raise refused
        facts = found.facts(request, [sum(part) for part in counts])
        place = given_path(request.text("folder"), "data.params.folder", DataError)
        return replace(
            facts,
            place=place,
            notes=found.notes(read, streamed=facts.data.streamed),
            warnings=found.warnings(read, place, names),
            unreadable=len(read.left_out),
            first_unreadable=tuple(_named(one.file, one.reason, place) for one in read.left_out[:_MOST_ASKED]),
        )

    def listed(self, request: Request) -> SourceFacts:
        """See :meth:`Source.listed`: as if every picture could be read."""
        found = _found(request, lambda done, total: request.report(done, total, "Looking through"))
        pictures = found.pictures
        parts = pictures.training, pictures.validation, pictures.test
        return found.facts(request, [sum(map(len, part or ())) for part in parts])

    def files(self, request: Request, place: Path) -> Sequence[Path]:
        """Every picture file of the folder: those for training, then those of the other splits."""
        found = _found(request)
        return [*found.files, *found.pictures.labels]

    def state(self, request: Request, place: Path) -> Hashable:
        """See :meth:`Source.state`: as it was when it was first asked."""
        found = _found(request)
        return found.state, found.labels

    def levels(self, request: Request) -> Levels:
        """By what all pictures of the folder hold together."""
        return _found(request).look(request, pixels=False).levels

    def read(self, request: Request, place: Path | None) -> Arrays:
        """See :meth:`Source.read`; validation comes last in the training part where the folder has one."""
        import numpy as np

        found = _found(request)
        read = found.look(request, pixels=True)
        counts = found.counts(read)
        labels = np.concatenate([np.full(count, label) for part in counts for label, count in enumerate(part)])
        if found.pictures.test is None and found.pictures.validation is None:
            return hold_out_share(request, read.pixels, labels)
        trained = sum(counts[0]) + sum(counts[1])
        first, rest = slice(None, trained), slice(trained, None)
        return some(read.pixels, first), labels[first], some(read.pixels, rest), labels[rest]

    def example_files(self, request: Request) -> tuple[Sequence[str], Sequence[str]] | None:
        """See :meth:`Source.example_files`: below the folder, in the order of :meth:`read`."""
        import numpy as np

        found = _found(request)
        read, place = found.look(request, pixels=False), given_path(request.text("folder"), "folder", DataError)
        files = found.files
        names = [_below(files[number], place) for number in read.numbers.tolist()]
        counts = found.counts(read)
        if found.pictures.test is None and found.pictures.validation is None:
            labels = np.concatenate([np.full(count, label) for part in counts for label, count in enumerate(part)])
            trained, _, tested, _ = hold_out_share(request, np.array(names), labels)
            return [str(name) for name in trained[:]], [str(name) for name in tested[:]]
        first = sum(counts[0]) + sum(counts[1])
        return names[:first], names[first:]

    def left_out(self, request: Request) -> tuple[LeftOutFile, ...]:
        """See :meth:`Source.left_out`."""
        found = _found(request)
        read, place = found.look(request, pixels=False), given_path(request.text("folder"), "folder", DataError)
        unread = "nnviz does not read such pictures."
        return (
            *(LeftOutFile(_below(one.file, place), one.reason) for one in read.left_out),
            *(LeftOutFile(_below(file, place), unread) for file in found.pictures.unread),
            *(LeftOutFile(_below(file, place), "It belongs to the system.") for file in found.pictures.system),
        )


def _below(file: Path, place: Path) -> str:
    return on_one_line(str(file.relative_to(place) if file.is_relative_to(place) else file))


@dataclass(frozen=True)
class _Found:
    """The pictures of a folder, in one order: those of training, of validation, of test, each class by class.

    Attributes:
        pictures: Where they are.
        labels: The state of the files that say the classes.
    """

    pictures: FolderPictures
    labels: str

    @property
    def groups(self) -> list[Pictures]:
        """The classes of all three splits, one after the other."""
        classes = len(self.pictures.training)
        parts = (self.pictures.training, self.pictures.validation, self.pictures.test)
        return [group for part in parts for group in (part if part is not None else [()] * classes)]

    @cached_property
    def files(self) -> list[Path]:
        """All of them."""
        return [file for group in self.groups for file in group]

    @cached_property
    def state(self) -> str:
        """Says which files these are, and in what state they were when this was first asked."""
        return state_of(self.files)

    def look(self, request: Request, *, pixels: bool) -> ReadPictures:
        """Reads them, or remembers how they were read."""
        from nnviz.data import images
        from nnviz.data.picture_memory import MEMORY

        files = self.files
        size, channels = int(request.number("size")), int(request.text("channels"))
        background, how = request.text("background"), request.text("how")
        streamed, state = self.is_streamed(request), self.state

        def report(done: int) -> None:
            if streamed:
                request.report_import(done, len(files), "pictures")
            else:
                request.report(done, len(files))

        def read() -> ReadPictures:
            if streamed:
                return images.store_pictures(files, size, channels, background, report, how, state=state)
            return images.read_pictures(files, size, channels, background, report, how)

        key = state, len(files), size, channels, background, how, streamed
        if pixels:
            return MEMORY.take(key, read, lambda: report(0))
        # What could not be reached is asked for once: all answers to one request are about the same pictures.
        again = "asked again" not in request.known
        request.known["asked again"] = True
        return MEMORY.about(key, read, lambda: report(0), again=again)

    def is_streamed(self, request: Request) -> bool:
        """Whether they are kept decoded on the disk rather than in memory."""
        from nnviz.data.images import MOST_BYTES

        nbytes = len(self.files) * int(request.text("channels")) * int(request.number("size")) ** 2
        return is_streamed(request.text("memory"), nbytes, MOST_BYTES)

    def facts(self, request: Request, counts: Sequence[int]) -> SourceFacts:
        """What follows from how many pictures of each split there are: training, validation, test."""
        names = self.pictures.names
        side, channels = int(request.number("size")), int(request.text("channels"))
        training, validation, test = counts
        undivided = self.pictures.test is None and self.pictures.validation is None
        sizes = test_sizes(request, training) if undivided else (training + validation, test)
        data = DataFacts((channels, side, side), len(names), "classes", names, streamed=self.is_streamed(request))
        return SourceFacts(data, sizes, validation=None if self.pictures.validation is None else validation)

    def counts(self, read: ReadPictures) -> list[list[int]]:
        """How many of each class can be read, of the three splits."""
        import numpy as np

        bounds = [0, *accumulate(len(group) for group in self.groups)]
        places = np.searchsorted(read.numbers, bounds).tolist()
        counts = [after - before for before, after in pairwise(places)]
        classes = len(self.pictures.training)
        return [counts[first : first + classes] for first in range(0, 3 * classes, classes)]

    def refused(self, read: ReadPictures) -> DataError | None:
        """Why there is nothing to train on: a class of which no picture can be read."""
        for group, count in zip(self.pictures.training, self.counts(read)[0], strict=True):
            if not count:
                first = next(one for one in read.left_out if one.file == group[0])
                if len(group) == 1:
                    return DataError(first.reason, file=str(first.file))
                reason = f"None of the {len(group):,} pictures of this class can be read. The first: {first.reason}"
                return DataError(reason, file=str(first.file))
        return None

    def notes(self, read: ReadPictures, *, streamed: bool) -> tuple[str, ...]:
        """What was made of the folder."""
        notes = list(self.pictures.notes)
        training, validation, test = self.pictures.parts
        if training:
            splits = f"'{training}' is the training split"
            splits += f", '{validation}' the validation split" if validation else ""
            splits += f", '{test}' the test split" if test else ", and there is no test split"
            notes.append(f"{splits}." + (" The validation share has no effect." if validation else ""))
        if levels := read.levels.describe():
            notes.append(levels)
        if streamed:
            notes.append(streamed_note("pictures"))
        if system := self.pictures.system:
            count = "1 file" if len(system) == 1 else f"{len(system):,} files"
            notes.append(str(DataError(f"{count} of the system left out.", file=system[0].name)))
        return tuple(notes)

    def warnings(self, read: ReadPictures, place: Path, names: Sequence[str]) -> tuple[str, ...]:
        """What somebody might not have wanted."""
        warnings = [f"Left out: {_named(one.file, one.reason, place)}" for one in read.left_out[:_MOST_NAMED]]
        warnings += self.pictures.warnings
        if (rest := len(read.left_out) - _MOST_NAMED) > 0:
            warnings.append(f"Left out: {rest:,} more that cannot be read.")
        if unread := self.pictures.unread:
            endings = ", ".join(sorted({file.suffix.lower() for file in unread}))
            more = f" {len(unread):,} files were left out because of that ({endings})." if len(unread) > 1 else ""
            warnings.append(f"Left out: {_named(unread[0], f'nnviz does not read such pictures.{more}', place)}")
        if self.pictures.validation is None and self.pictures.test is None:
            single = [name for name, count in zip(names, self.counts(read)[0], strict=True) if count == 1]
            warnings += [
                f"The class '{name}' has one picture: it is trained on, and nothing tells how well it is recognised."
                for name in single[:_MOST_NAMED]
            ]
            if len(single) > _MOST_NAMED:
                warnings.append(f"{len(single) - _MOST_NAMED} more classes have one picture.")
        return tuple(warnings)


def _named(file: Path, what: str, place: Path) -> str:
    shown = file.relative_to(place) if file.is_relative_to(place) else file
    return str(DataError(what, file=str(shown)))  # on one line, whatever it is called
