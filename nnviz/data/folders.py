"""Looks into folders of images, and finds data sets on the disk. No torch, no numpy."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from nnviz import user_folders
from nnviz.errors import DataError
from nnviz.paths import check_folder, given_path
from nnviz.regular_files import is_regular

#: Endings of the files that are taken for pictures.
IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".pgm", ".tif", ".tiff", ".avif")
#: More subfolders than this is not a folder of classes but somebody's whole disk.
MOST_CLASSES = 1000
#: More pictures than this do not fit into memory at any useful size.
MOST_IMAGES = 2_000_000


def _subfolders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if _is_folder(entry) and not entry.name.startswith("."))
    except FileNotFoundError:
        raise DataError("There is no such folder.", field="data.params.folder", file=str(folder)) from None
    except NotADirectoryError:
        raise DataError("This is a file, not a folder.", field="data.params.folder", file=str(folder)) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"The folder cannot be read: {reason}.", field="data.params.folder", file=str(folder)) from None
    except ValueError:  # a null character, or half of a surrogate pair
        raise DataError("No folder can have this name.", field="data.params.folder", file=str(folder)) from None
    for name in names:
        if not _is_text(name):
            raise DataError("The name of this folder is no text: rename it.", file=str(folder / name))
    return names


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is one; a link that leads nowhere or in a circle is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_text(name: str) -> bool:
    """Whether a name can be shown and written: one of bytes that are no UTF-8 cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _split_roots(folder: str) -> tuple[Path, Path | None]:
    """The folder with the training classes and, where there is one, that with the test classes."""
    if not folder:
        raise DataError("Choose the folder whose subfolders are the classes.", field="data.params.folder")
    root = given_path(folder, "data.params.folder", DataError)
    names = _subfolders(root)
    if "train" in names and "test" in names:
        return root / "train", root / "test"
    return root, None


def folder_classes(folder: str) -> tuple[str, ...]:
    """The class names of an image folder: its subfolders in alphabetical order.

    Raises:
        DataError: There is no such folder, or it has fewer than two or more than 1,000 subfolders.
    """
    root, test = _split_roots(folder)
    names = tuple(_subfolders(root))
    if not 2 <= len(names) <= MOST_CLASSES:
        raise DataError(_no_classes(root, names), field="data.params.folder", file=str(root))
    if test is not None:
        unknown = sorted(set(_subfolders(test)) - set(names))
        if unknown:
            raise DataError(f"The class '{unknown[0]}' has no training images.", file=str(test))
    return names


def _no_classes(root: Path, names: tuple[str, ...]) -> str:
    """Why these are no subfolders of an image folder, as a sentence."""
    due = f"an image folder has a subfolder for each class, from 2 to {MOST_CLASSES}"
    if len(names) == 1:
        return f"There is only the class '{names[0]}', but {due}."
    if names:
        return f"There are {len(names)} subfolders, but {due}."
    if _pictures(root):
        return f"There are 0 subfolders, the pictures lie in the folder itself, but {due}."
    return f"There are 0 subfolders and 0 pictures in it, but {due}."


#: The pictures of one class, in alphabetical order.
Pictures: TypeAlias = tuple[Path, ...]


def image_files(
    folder: str, report: Callable[[int, int], None] = lambda done, total: None
) -> tuple[list[Pictures], list[Pictures] | None]:
    """The pictures of each class in alphabetical order: of the training part, and of the test part where there is one.

    A folder is listed again only after it has changed, so that asking often costs a few microseconds a class.

    Args:
        folder: The user's.
        report: Told (classes listed, of how many) in between; what it raises ends the listing.

    Raises:
        DataError: As :func:`folder_classes`; or a class of the training part has no picture.
    """
    names = folder_classes(folder)
    root, test = _split_roots(folder)
    total = len(names) * (1 if test is None else 2)
    training = []
    for done, name in enumerate(names):
        report(done, total)
        training.append(_pictures(root / name))
    for name, files in zip(names, training, strict=True):
        if not files:
            raise DataError(
                f"There is no picture in it (known endings: {', '.join(IMAGE_ENDINGS)}).", file=str(root / name)
            )
    if test is None:
        return training, None
    tested = set(_subfolders(test))
    held = []
    for done, name in enumerate(names, len(names)):
        report(done, total)
        held.append(_pictures(test / name) if name in tested else ())
    return training, held


def _pictures(folder: Path) -> Pictures:
    try:
        changed = folder.stat().st_mtime_ns
    except OSError as error:
        raise DataError(f"The folder cannot be read: {error.strerror or error}.", file=str(folder)) from None
    return _listed(folder, changed)


@lru_cache(maxsize=2 * MOST_CLASSES)
def _listed(folder: Path, changed: int) -> Pictures:
    """``changed`` is the time of the folder's last change: part of the key, so that a changed folder is read anew."""
    return tuple(sorted(_images(folder)))


def _images(folder: Path) -> Iterator[Path]:
    """Whatever has the ending of a picture and is no folder: if it is no file either, reading it says so."""
    number = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.lower().endswith(IMAGE_ENDINGS) and not _is_folder(entry):
                    number += 1
                    if number > MOST_IMAGES:
                        raise DataError(f"There are more than {MOST_IMAGES:,} pictures in it.", file=str(folder))
                    yield Path(entry.path)
    except OSError as error:
        raise DataError(f"The folder cannot be read: {error.strerror or error}.", file=str(folder)) from None


def user_folder() -> Path:
    """Where downloads go when nothing else is said: the user's data folder of this system."""
    return user_folders.data_folder() / "datasets"


def search_roots(data_dir: Path | None) -> list[Path]:
    """Where data sets are looked for, first to last: ``data_dir``, the variable NNVIZ_DATA, the user's data folder.

    Raises:
        DataError: One of them can be no folder.
    """
    variable = os.environ.get("NNVIZ_DATA", "")
    named = [(data_dir, "--data-dir"), (variable or None, "NNVIZ_DATA")]
    roots = [_root(path, option) for path, option in named if path is not None]
    return [*roots, user_folder().resolve()]


def _root(named: Path | str, option: str) -> Path:
    root = given_path(named, option, DataError)
    check_folder(root, option, DataError)
    return root.resolve()


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def places(root: Path, folder: str) -> list[Path]:
    """Where ``folder`` (such as ``MNIST/raw``) may lie when the user points at ``root``.

    That is torchvision's own ``root``, the folder itself, or one of those between. Names decide and not contents: the
    files of MNIST, Fashion-MNIST and KMNIST are called alike, and one must never pass for another.
    """
    parts = Path(folder).parts
    found = [root / folder]
    for taken in range(1, len(parts) + 1):
        own = root.parts[-taken:]
        if len(own) == taken and [_plain(part) for part in own] == [_plain(part) for part in parts[:taken]]:
            found.append(root.joinpath(*parts[taken:]))
    if _plain(root.name) == _plain(parts[0]):
        found.append(root)
    return list(dict.fromkeys(found))


def find(roots: list[Path], folder: str, files: tuple[str, ...]) -> Path | None:
    """The first place that holds at least one of ``files``, plain or packed (``.gz``); None where there is none."""
    for root in roots:
        for place in places(root, folder):
            if any(is_regular(place / f"{name}{packed}") for name in files for packed in ("", ".gz")):
                return place
    return None
