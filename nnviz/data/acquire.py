"""Fetches one of torchvision's data sets into torchvision's own layout, from torchvision's own addresses."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from nnviz.data.datasets import DatasetSpec
from nnviz.data.download import fetch, has_sum, unpack_gzip, unpack_tar, unpack_zip
from nnviz.data.folder_locks import locked
from nnviz.data.folders import places, search_roots
from nnviz.data.torchvision_bridge import remotes
from nnviz.errors import Cancelled, DataError, StorageError
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

    with _alone(folder, lambda: report(0, 0)):
        for remote in remotes(spec.kind):
            archive = folder / remote.name
            unpacked = _unpacked(spec, remote.name)
            # What is taken as it came is known by its sum; what was unpacked, by being there: its reader looks at it.
            there = all(is_regular(folder / name) for name in unpacked) if unpacked else False
            if there and not everything:
                continue
            if not has_sum(archive, remote.md5, lambda: report(0, 0)):  # else somebody has put it there
                try:
                    fetch(remote.urls, archive, remote.md5, report)
                except DataError as error:
                    raise DataError(f"{error.message} {by_hand(spec, folder)}", file=error.file) from None
            before += archive.stat().st_size
            if not unpacked:
                continue
            _unpack(spec, archive, folder, lambda: report(0, 0))
            with contextlib.suppress(OSError):
                archive.unlink()


@contextlib.contextmanager
def _alone(folder: Path, wait: Callable[[], None]) -> Iterator[None]:
    """One nnviz at a time downloads a set: two that write into one part of a file spoil it for both."""
    held = contextlib.ExitStack()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        held.enter_context(locked(folder, wait, leave=False))
    except OSError as error:
        raise StorageError(f"{folder} could not be written: {error.strerror or error}.") from error
    with held:
        yield


def by_hand(spec: DatasetSpec, folder: Path) -> str:
    """What can be done without the internet, as a sentence."""
    names = [remote.name for remote in remotes(spec.kind)]
    several = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    where = remotes(spec.kind)[0].urls[0].rpartition("/")[0]
    return f"Or put {several} (from {where}) into {folder} by hand, and download again: what is there is taken."


def _unpacked(spec: DatasetSpec, archive: str) -> tuple[str, ...]:
    """The files that an archive of the set becomes; none where it is read as it is."""
    if archive.endswith((".tar.gz", ".zip")):
        return _kept_packed(spec) if archive.endswith(".zip") else spec.files
    return (archive.removesuffix(".gz"),) if archive.endswith(".gz") else ()


def _kept_packed(spec: DatasetSpec) -> tuple[str, ...]:
    """What comes out of a zip archive: itself packed, and read so, since it is several times as large unpacked."""
    return tuple(f"{name}.gz" for name in spec.files)


def _unpack(spec: DatasetSpec, archive: Path, folder: Path, wait: Callable[[], None]) -> None:
    if archive.name.endswith(".tar.gz"):
        unpack_tar(archive, folder, (*spec.files, *spec.beside), wait)
    elif archive.name.endswith(".zip"):
        unpack_zip(archive, folder, _kept_packed(spec), wait)
    else:
        unpack_gzip(archive, folder / archive.name.removesuffix(".gz"), _MOST_UNPACKED, wait)
