"""Looks into folders of images, and finds data sets on the disk. No torch, no numpy."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeAlias

from nnviz import user_folders
from nnviz.data.label_files import Labelled, candidates, labelled, labelled_by
from nnviz.errors import DataError
from nnviz.paths import check_folder, given_path
from nnviz.regular_files import is_regular

#: Endings of the files that are taken for pictures.
IMAGE_ENDINGS = (
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".bmp", ".dib", ".gif", ".webp", ".ppm", ".pgm", ".pbm",
    ".pnm", ".tif", ".tiff", ".avif", ".avifs",
)  # fmt: skip
#: Endings of pictures in formats that are not read: they are counted, so that nobody wonders where they went.
UNREAD_ENDINGS = (
    ".heic", ".heif", ".hif", ".jxl", ".jp2", ".j2k", ".jpx", ".jxr", ".svg", ".psd", ".xcf", ".eps", ".ai", ".pdf",
    ".ico", ".tga", ".exr", ".hdr", ".dcm", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".raw",
)  # fmt: skip
#: What systems and programs put beside pictures, in small letters; and whatever begins with a dot, as ``._0.png`` does.
_SYSTEM_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
_SYSTEM_FOLDERS = frozenset({"__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found"})
#: What subfolders are called that are splits, in small letters.
_TRAINING = frozenset({"train", "training"})
_VALIDATION = frozenset({"val", "valid", "validation"})
_TEST = frozenset({"test", "testing"})
#: More subfolders than this is not a folder of classes but somebody's whole disk.
MOST_CLASSES = 1000
#: More pictures than this do not fit into memory at any useful size.
MOST_IMAGES = 2_000_000
#: More folders inside a class are somebody's whole disk too; nobody goes further down than this.
MOST_FOLDERS = 20_000
DEEPEST = 32


def _subfolders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if _is_folder(entry) and not _is_system_folder(entry.name))
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


def _is_system_folder(name: str) -> bool:
    return name.startswith(".") or name.lower() in _SYSTEM_FOLDERS


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


@dataclass(frozen=True)
class _Roots:
    """The folders whose subfolders are the classes; None where there is none for a split."""

    training: Path
    validation: Path | None = None
    test: Path | None = None

    @property
    def held_back(self) -> tuple[Path, ...]:
        return tuple(root for root in (self.validation, self.test) if root is not None)


def _split_roots(folder: str) -> _Roots:
    """Where the training classes lie, and where there are any those of the other splits.

    Subfolders are splits where one is called ``train`` and another ``val``, ``valid``, ``validation`` or ``test`` (in
    large or small letters), or where ``train`` is the only one; all others are classes.
    """
    if not folder:
        raise DataError("Choose the folder whose subfolders are the classes.", field="data.params.folder")
    root = given_path(folder, "data.params.folder", DataError)
    names = _subfolders(root)
    training, validation, test = (_the_one(root, names, part) for part in (_TRAINING, _VALIDATION, _TEST))
    if training is not None and (validation is not None or test is not None):
        return _Roots(training, validation, test)
    if training is not None and len(names) == 1 and _subfolders(training):
        return _Roots(training)
    return _Roots(root)


def _the_one(root: Path, names: list[str], called: frozenset[str]) -> Path | None:
    found = [name for name in names if name.lower() in called]
    if len(found) > 1:
        raise DataError(
            f"The folders '{found[0]}' and '{found[1]}' would be the same split: leave one of them.",
            field="data.params.folder",
            file=str(root),
        )
    return root / found[0] if found else None


def folder_classes(folder: str, labels: str = "") -> tuple[str, ...]:
    """The class names of an image folder: its subfolders, or the labels of a file, in alphabetical order.

    Args:
        folder: The user's.
        labels: The file that says the classes, where one is named, see :func:`image_files`.

    Raises:
        DataError: There is no such folder, or it has fewer than two or more than 1,000 classes.
    """
    roots = _split_roots(folder)
    by_file = _by_file(roots, labels, folder)
    if by_file is not None:
        return tuple(by_file.training.groups)
    names = tuple(_subfolders(roots.training))
    if not 2 <= len(names) <= MOST_CLASSES:
        raise DataError(_no_classes(roots.training, names), field="data.params.folder", file=str(roots.training))
    for root in roots.held_back:
        unknown = sorted(set(_subfolders(root)) - set(names))
        if unknown:
            raise DataError(f"The class '{unknown[0]}' has no training images.", file=str(root))
    return names


def _no_classes(root: Path, names: tuple[str, ...]) -> str:
    """Why these are no subfolders of an image folder, as a sentence."""
    due = f"an image folder has a subfolder for each class, from 2 to {MOST_CLASSES}"
    if len(names) == 1:
        inner = len(_subfolders(root / names[0]))
        cure = f" If its {inner} subfolders are the classes, choose '{names[0]}' itself." if inner > 1 else ""
        return f"There is only the class '{names[0]}', but {due}.{cure}"
    if names:
        return f"There are {len(names)} subfolders, but {due}."
    if _pictures(root).files:
        cure = "a CSV of filename,label in the folder or beside it says the classes as well"
        return f"There are 0 subfolders, the pictures lie in the folder itself, but {due}; {cure}."
    return f"There are 0 subfolders and 0 pictures in it, but {due}."


#: The pictures of one class, in alphabetical order.
Pictures: TypeAlias = tuple[Path, ...]


@dataclass(frozen=True)
class _Contents:
    """What lies in a folder, or in it and all folders inside.

    Attributes:
        files: The pictures, in alphabetical order.
        folders: Names of the folders in it; empty where they were looked into.
        system: Files that systems put there, first the one to name.
        unread: Pictures in formats that are not read.
    """

    files: Pictures = ()
    folders: tuple[str, ...] = ()
    system: tuple[Path, ...] = ()
    unread: tuple[Path, ...] = ()


class FolderPictures(NamedTuple):
    """The pictures of a folder by split and class.

    Attributes:
        training: The pictures of each class.
        test: Likewise; None where there is no folder for them.
        validation: Likewise.
        system: Files that systems put beside them; they are left out.
        unread: Pictures in formats that are not read; likewise.
        parts: Names of the folders of training, validation and test; empty where there is none.
        names: What the classes are called.
        labels: The files that say the classes, where subfolders do not.
        notes: What was made of those, in sentences.
        warnings: What of them could not be used, likewise.
    """

    training: list[Pictures]
    test: list[Pictures] | None
    validation: list[Pictures] | None
    system: tuple[Path, ...]
    unread: tuple[Path, ...]
    parts: tuple[str, str, str]
    names: tuple[str, ...]
    labels: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _ByFile:
    """Pictures whose classes a file says, for each split; ``silent`` are folders of splits without such a file."""

    training: Labelled
    validation: Labelled | None
    test: Labelled | None
    silent: tuple[str, ...] = ()
    #: The splits lie in folders of their own.
    apart: bool = False

    @property
    def there(self) -> list[Labelled]:
        return [part for part in (self.training, self.validation, self.test) if part is not None]


def _by_named_file(roots: _Roots, labels: str, folder: str) -> _ByFile:
    """What the file says that somebody has named."""
    place = given_path(folder, "data.params.folder", DataError)
    places = () if "\0" in labels else (place, place.parent)
    file = next((path for root in places if is_regular(path := root / labels)), None)
    if file is None:
        raise DataError(
            f"There is no file '{labels[:200]}': name it by its whole path, or from the folder of the pictures.",
            field="data.params.labels",
            file=str(place / labels),
        )

    def of(root: Path | None) -> Labelled | None:
        return None if root is None else labelled_by(file, root, _pictures(root).files)

    training = of(roots.training)
    if training is None:
        raise DataError("It names no picture of the folder.", field="data.params.labels", file=str(file))
    found = _ByFile(training, of(roots.validation), of(roots.test), apart=bool(roots.held_back))
    if not 2 <= len(training.groups) <= MOST_CLASSES:
        raise DataError(_not_so_many(training), file=str(training.file))
    for part in found.there[1:]:
        _check_trained(part, training)
    return found


def _not_so_many(training: Labelled) -> str:
    return f"It names {len(training.groups):,} classes; an image folder has from 2 to {MOST_CLASSES:,}."


def _check_trained(part: Labelled, training: Labelled) -> None:
    unknown = sorted(set(part.groups) - set(training.groups))
    if unknown:
        raise DataError(f"The class '{unknown[0]}' has no training images.", file=str(part.file))


def _by_file(roots: _Roots, labels: str, folder: str) -> _ByFile | None:
    """What files say of the pictures; None where subfolders are the classes."""
    if labels:
        return _by_named_file(roots, labels, folder)
    pictures = _pictures(roots.training).files if _may_be_labelled(roots.training) else ()
    training = labelled(roots.training, pictures) if pictures else None
    if training is None:
        return None
    folders = _subfolders(roots.training)
    if len(folders) > 1 and (not training.explicit or set(training.groups) <= set(folders)):
        return None
    if not 2 <= len(training.groups) <= MOST_CLASSES:
        raise DataError(_not_so_many(training), file=str(training.file))
    found: list[Labelled | None] = []
    silent = []
    for held_back, called in ((roots.validation, _VALIDATION), (roots.test, _TEST)):
        if roots.held_back:
            part = None if held_back is None else labelled(held_back, _pictures(held_back).files)
            if held_back is not None and part is None:
                silent.append(held_back.name)
        else:
            part = (
                labelled(roots.training, pictures, tuple(called)) if training.file.stem.lower() in _TRAINING else None
            )
        if part is not None:
            _check_trained(part, training)
        found.append(part)
    return _ByFile(training, found[0], found[1], tuple(silent), bool(roots.held_back))


def _may_be_labelled(root: Path) -> bool:
    """Whether there is any file that may say classes: asked first, since listing all pictures takes longer."""
    return bool(candidates(root))


def _pictures_by_file(found: _ByFile) -> FolderPictures:
    """In the shape of a folder of classes."""
    names = tuple(found.training.groups)

    def groups(part: Labelled | None) -> list[Pictures] | None:
        return None if part is None else [part.groups.get(name, ()) for name in names]

    training = groups(found.training)
    assert training is not None
    notes, warnings = [], []
    for what, part in (("classes", found.training), ("validation split", found.validation), ("test split", found.test)):
        if part is None:
            continue
        notes.append(f"'{part.file.name}' says the {what}.")
        if part.lost:
            more = f" and {len(part.lost) - 1:,} more" if len(part.lost) > 1 else ""
            warnings.append(f"Left out: '{part.file.name}' names '{part.lost[0]}'{more}, which is not there.")
        if part.without:
            warnings.append(f"Left out: {part.without:,} without a label in '{part.file.name}'.")
        if part.unnamed and (found.apart or len(found.there) == 1):
            warnings.append(f"Left out: {part.unnamed:,} pictures that '{part.file.name}' does not name.")
    warnings += [f"Left out: the folder '{name}', in which no file says the classes." for name in found.silent]
    files = tuple(part.file for part in found.there)
    return FolderPictures(
        training,
        groups(found.test),
        groups(found.validation),
        (),
        (),
        ("", "", ""),
        names,
        files,
        tuple(notes),
        tuple(warnings),
    )


def image_files(
    folder: str, report: Callable[[int, int], None] = lambda done, total: None, labels: str = ""
) -> FolderPictures:
    """The pictures of each class in alphabetical order, with those in folders inside; nothing is opened.

    A folder is listed again only after it has changed, so that asking often costs a few microseconds a class.

    Args:
        folder: The user's.
        report: Told (classes listed, of how many) in between; what it raises ends the listing.
        labels: A CSV of filename,label that is to say the classes: its whole path, or from the folder or from the one
            above. Empty: it is found, where there is one.

    Raises:
        DataError: As :func:`folder_classes`; or a class of the training part has no picture.
    """
    roots = _split_roots(folder)
    by_file = _by_file(roots, labels, folder)
    if by_file is not None:
        report(0, 1)
        return _pictures_by_file(by_file)
    names = folder_classes(folder, labels)
    total = len(names) * (1 + len(roots.held_back))
    done = 0
    system: list[Path] = []
    unread: list[Path] = []

    def listed(root: Path) -> list[Pictures]:
        nonlocal done
        there = set(names) if root == roots.training else set(_subfolders(root))
        found = []
        for name in names:
            report(done, total)
            done += 1
            inside = _pictures(root / name) if name in there else _Contents()
            system.extend(inside.system)
            unread.extend(inside.unread)
            found.append(inside.files)
        return found

    training = listed(roots.training)
    for name, files in zip(names, training, strict=True):
        if not files:
            raise DataError(
                f"There is no picture in it (known endings: {', '.join(IMAGE_ENDINGS)}).",
                file=str(roots.training / name),
            )
    validation = None if roots.validation is None else listed(roots.validation)
    test = None if roots.test is None else listed(roots.test)
    training_name = roots.training.name if roots.held_back else ""
    parts = (training_name, *("" if root is None else root.name for root in (roots.validation, roots.test)))
    shown = parts[0], parts[1], parts[2]
    return FolderPictures(training, test, validation, tuple(system), tuple(unread), shown, names)


@dataclass
class _Walk:
    """Through a folder and those inside, each once however links lead."""

    seen: set[tuple[int, int]] = field(default_factory=set)
    files: list[Path] = field(default_factory=list)
    system: list[Path] = field(default_factory=list)
    unread: list[Path] = field(default_factory=list)

    def into(self, folder: Path, depth: int = 0) -> None:
        try:
            facts = folder.stat()
        except OSError as error:
            raise DataError(f"The folder cannot be read: {error.strerror or error}.", file=str(folder)) from None
        key = facts.st_dev, facts.st_ino
        if key in self.seen and facts.st_ino:
            return
        self.seen.add(key)
        if len(self.seen) > MOST_FOLDERS:
            raise DataError(f"There are more than {MOST_FOLDERS:,} folders in it.", file=str(folder))
        found = _listed(folder, facts.st_mtime_ns)
        self.files += found.files
        self.system += found.system
        self.unread += found.unread
        if len(self.files) > MOST_IMAGES:
            raise DataError(f"There are more than {MOST_IMAGES:,} pictures in it.", file=str(folder))
        for name in found.folders if depth < DEEPEST else ():
            self.into(folder / name, depth + 1)


def _pictures(folder: Path) -> _Contents:
    """What lies in a folder and in all folders inside."""
    walk = _Walk()
    walk.into(folder)
    return _Contents(tuple(sorted(walk.files)), (), tuple(walk.system), tuple(walk.unread))


def pictures_below(folder: Path) -> Pictures:
    """All pictures in a folder and in those inside, in alphabetical order, whatever their classes; none is opened.

    Raises:
        DataError: A folder cannot be read, or there are too many.
    """
    return _pictures(folder).files


@lru_cache(maxsize=4 * MOST_CLASSES)
def _listed(folder: Path, changed: int) -> _Contents:
    """What lies in one folder; ``changed`` is the time of its last change, so that a changed folder is read anew.

    Whatever has the ending of a picture and is no folder is taken: if it is no file either, reading it says so.
    """
    files: list[Path] = []
    folders: list[str] = []
    system: list[Path] = []
    unread: list[Path] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name.lower()
                if _is_folder(entry):
                    if not _is_system_folder(entry.name):
                        folders.append(entry.name)
                elif name.startswith(".") or name in _SYSTEM_FILES:
                    system.append(Path(entry.path))
                elif name.endswith(IMAGE_ENDINGS):
                    files.append(Path(entry.path))
                    if len(files) > MOST_IMAGES:
                        raise DataError(f"There are more than {MOST_IMAGES:,} pictures in it.", file=str(folder))
                elif name.endswith(UNREAD_ENDINGS):
                    unread.append(Path(entry.path))
    except OSError as error:
        raise DataError(f"The folder cannot be read: {error.strerror or error}.", file=str(folder)) from None
    return _Contents(tuple(sorted(files)), tuple(sorted(folders)), tuple(sorted(system)), tuple(sorted(unread)))


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
    if not parts:
        return [root]
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
