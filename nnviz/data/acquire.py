"""Fetches one of torchvision's data sets into torchvision's own layout, from torchvision's own addresses."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from nnviz.data.datasets import DatasetSpec
from nnviz.data.download import fetch, unpack_gzip, unpack_tar
from nnviz.data.folders import places, search_roots
from nnviz.data.torchvision_bridge import remotes
from nnviz.errors import Cancelled
from nnviz.regular_files import is_regular

#: Largest of the unpacked files of the MNIST family is 47 MB.
_MOST_UNPACKED = 128 << 20


def download_place(spec: DatasetSpec, data_dir: Path | None) -> Path:
    """Where a download goes: into the first of the places in which the set is looked for."""
    found = places(search_roots(data_dir)[0], spec.folder)
    return found[1] if len(found) > 1 else found[0]  # the user may point at the set's own folder


def fetch_set(
    spec: DatasetSpec,
    folder: Path,
    progress: Callable[[str, int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    *,
    everything: bool = False,
) -> None:
    """Downloads what is missing of a data set and unpacks it into ``folder``; the archives are removed.

    Args:
        spec: Which.
        folder: Its own folder (``…/MNIST/raw``, ``…/cifar-10-batches-py``).
        progress: Told (text, bytes so far, bytes of the whole set).
        cancelled: Asked between two pieces; a later call goes on where this one stopped.
        everything: Fetch the files again that are there already (because one is damaged).

    Raises:
        DataError: It could not be fetched.
        StorageError: It could not be written.
        Cancelled: ``cancelled`` said so.
    """
    before = 0
    title = f"Downloading {spec.title}"

    def report(done: int, total: int) -> None:
        if cancelled is not None and cancelled():
            raise Cancelled(f"{title} was stopped; what is here is kept, and another try goes on from there.")
        if progress is not None:
            progress(title, min(before + done, spec.download_bytes), spec.download_bytes)

    for remote in remotes(spec.kind):
        archive = folder / remote.name
        packed_set = not remote.name.endswith(".gz") or remote.name.endswith(".tar.gz")
        wanted = spec.files if packed_set else (remote.name.removesuffix(".gz"),)
        if not everything and all(is_regular(folder / name) for name in wanted):
            continue
        fetch(remote.urls, archive, remote.md5, report)
        before += archive.stat().st_size
        if packed_set:
            unpack_tar(archive, folder, (*wanted, "batches.meta"))  # torchvision asks for the last one too
        else:
            unpack_gzip(archive, folder / wanted[0], _MOST_UNPACKED)
        with contextlib.suppress(OSError):
            archive.unlink()
