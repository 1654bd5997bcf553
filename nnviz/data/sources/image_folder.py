"""The user's own pictures: a folder with one subfolder a class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nnviz.data.dataset_spec import DatasetSpec, generated_sizes
from nnviz.data.folders import folder_classes, image_files
from nnviz.data.sources.source import Arrays, Request, Source, SourceFacts, hold_out_test
from nnviz.errors import DataError
from nnviz.paths import given_path
from nnviz.project.model import DataFacts
from nnviz.project.spec import ParamSpec

_IMAGE_FOLDER = DatasetSpec(
    "image_folder",
    "Image folder",
    "Your own pictures: one subfolder a class, of any sizes; each is resized and cut to one square. Subfolders 'train' "
    "and 'test' are taken as the splits, otherwise a fifth of every class is the test split.",
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
    ),
    facts=None,
    count=None,
    source="Your own folder.",
    licence="yours",
    offline=False,
    folder_param="folder",
)


class ImageFolder(Source):
    """Pictures of any sizes, each resized and cut to one square."""

    def declare(self) -> tuple[DatasetSpec, ...]:
        """One data set, of which nothing is known before the folder is looked at."""
        return (_IMAGE_FOLDER,)

    def inspect(self, request: Request) -> SourceFacts:
        """The subfolders are the classes; pictures are counted, none is opened."""
        folder = request.text("folder")
        names = folder_classes(folder)
        side, channels = int(request.number("size")), int(request.text("channels"))
        training, test = image_files(folder, lambda done, total: request.report(done, total, "Looking through"))
        counts = [sum(map(len, part)) for part in (training, test or ())]
        sizes = generated_sizes(counts[0]) if test is None else (counts[0], counts[1])
        data = DataFacts((channels, side, side), len(names), "classes", names)
        return SourceFacts(data, sizes, given_path(folder, "data.params.folder", DataError))

    def files(self, request: Request, place: Path) -> Sequence[Path]:
        """Every picture file of the folder: those for training, then those of the test part."""
        training, test = image_files(request.text("folder"))
        return [file for part in (training, test or ()) for group in part for file in group]

    def read(self, request: Request, place: Path | None) -> Arrays:
        """See :meth:`Source.read`."""
        import numpy as np

        from nnviz.data import images

        size, channels = int(request.number("size")), int(request.text("channels"))
        training, test = image_files(request.text("folder"))
        files = [file for group in (*training, *(test or ())) for file in group]
        pixels = images.read_images(files, size, channels, lambda done: request.report(done, len(files)))
        labels = np.concatenate([np.full(len(group), label) for label, group in enumerate(training)])
        if test is None:
            return hold_out_test(request, pixels, labels, generated_sizes(len(labels))[1])
        test_labels = np.concatenate([np.full(len(group), label) for label, group in enumerate(test)])
        return pixels[: len(labels)], labels, pixels[len(labels) :], test_labels
