"""CIFAR-10, in torchvision's own layout."""

from __future__ import annotations

from pathlib import Path

from nnviz.data.dataset_spec import DatasetSpec
from nnviz.data.sources.source import Arrays, Request, Source, fixed, how_to_get, missing_files, sized
from nnviz.project.model import DataFacts

_CIFAR_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_CIFAR10 = DatasetSpec(
    "cifar10",
    "CIFAR-10",
    "60,000 colour photographs of 32×32 pixels in ten classes, from airplane to truck.",
    "images",
    facts=fixed(DataFacts((3, 32, 32), 10, "classes", _CIFAR_NAMES)),
    count=sized(50_000, 10_000),
    source="A. Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009.",
    licence="none stated; free to use with citation",
    offline=False,
    download_bytes=170_498_071,
    folder="cifar-10-batches-py",
    files=("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"),
)


class Cifar10(Source):
    """50,000 colour photographs of 32×32 pixels to train and 10,000 to test."""

    def declare(self) -> tuple[DatasetSpec, ...]:
        """What is known of CIFAR-10 without looking at the disk."""
        return (_CIFAR10,)

    def read(self, request: Request, place: Path | None) -> Arrays:
        """See :meth:`Source.read`."""
        from nnviz.data import cifar, torchvision_bridge

        if place is None:
            raise missing_files(request)
        spec = request.spec
        assert spec.count is not None
        training, test = spec.count(request.values)
        sums = torchvision_bridge.checksums(spec.kind)
        request.report(0, training + test)
        inputs, targets = cifar.read_cifar10(place, spec.files[:-1], sums, how_to_get(spec))
        request.report(training, training + test)
        return inputs, targets, *cifar.read_cifar10(place, spec.files[-1:], sums, how_to_get(spec))
