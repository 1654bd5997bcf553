"""The one place where torchvision is imported, and what is taken from it: addresses and checksums.

torchvision from PyPI is built for CUDA. Beside a CPU-only torch its compiled part does not load, and ``import
torchvision`` ends in ``operator torchvision::nms does not exist``. Declaring the two missing operators cures that: data
sets, transforms and models then work (only those two operators themselves do not). It is done only after the import has
failed, so a torchvision that fits its torch is left as it is.
"""

from __future__ import annotations

import importlib
import sys
import threading
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch

from nnviz.errors import DataError

_LOCK = threading.Lock()
_MISSING = ("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
            "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # fmt: skip
#: Our key of a data set -> torchvision's class.
_CLASSES = {
    "mnist": "MNIST", "fashion_mnist": "FashionMNIST", "kmnist": "KMNIST", "emnist": "EMNIST", "qmnist": "QMNIST",
    "usps": "USPS", "cifar10": "CIFAR10", "cifar100": "CIFAR100", "svhn": "SVHN", "stl10": "STL10",
}  # fmt: skip


@dataclass(frozen=True)
class Remote:
    """A file to download: its name, where it lies (mirrors in order) and its MD5 sum."""

    name: str
    urls: tuple[str, ...]
    md5: str


def import_torchvision(name: str = "torchvision") -> ModuleType:
    """Imports torchvision or one of its modules, declaring the missing operators where that is needed.

    Raises:
        DataError: It is not installed, or does not work with this torch.
    """
    with _LOCK:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            raise DataError(f"torchvision is needed here, but '{error.name}' is not installed.") from error
        except RuntimeError as error:
            if "torchvision::nms" not in str(error):
                raise DataError(f"torchvision does not work with torch {torch.__version__}: {error}") from error
        for half_loaded in [key for key in sys.modules if key.partition(".")[0] == "torchvision"]:
            del sys.modules[half_loaded]
        for schema in _MISSING:
            operator, _, signature = schema.partition("(")
            torch.library.define(f"torchvision::{operator}", f"({signature}")
        return importlib.import_module(name)


def _dataset_class(kind: str) -> Any:
    return getattr(import_torchvision("torchvision.datasets"), _CLASSES[kind])


def remotes(kind: str) -> tuple[Remote, ...]:
    """The files that a download of the data set fetches, with torchvision's own addresses and checksums."""
    source = _dataset_class(kind)
    if kind in ("cifar10", "cifar100", "stl10"):
        return (Remote(source.filename, (source.url,), source.tgz_md5),)
    if kind == "emnist":
        return (Remote(source.url.rpartition("/")[2], (source.url,), source.md5),)
    if kind == "qmnist":
        listed = [(url, md5) for split in ("train", "test") for url, md5 in source.resources[split]]
        return tuple(Remote(url.rpartition("/")[2], (url,), md5) for url, md5 in listed)
    if kind in ("usps", "svhn"):
        published = [source.split_list[split] for split in ("train", "test")]
        return tuple(Remote(name, (url,), md5) for url, name, md5 in published)
    return tuple(
        Remote(name, tuple(f"{mirror}{name}" for mirror in source.mirrors), md5) for name, md5 in source.resources
    )


def checksums(kind: str) -> dict[str, str]:
    """The MD5 sums of the files that are read, where torchvision knows them: the batches of CIFAR, USPS and SVHN."""
    if kind in ("usps", "svhn"):
        return {remote.name: remote.md5 for remote in remotes(kind)}
    source = _dataset_class(kind)
    return dict(source.train_list + source.test_list)
