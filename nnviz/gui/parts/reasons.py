"""Why something could not be done, as a sentence for the screen."""

from __future__ import annotations

from pathlib import Path

from nnviz.data import datasets
from nnviz.errors import InputError, NnvizError
from nnviz.project import settings
from nnviz.project.spec import ParamSpec

#: Files in which a field is found by its path: there it is left as it is.
_WRITTEN_BY_HAND = (".nnviz", ".nnvizrun")


def sentence_of(error: BaseException) -> str:
    """An error in the words of the screen: the field by its title instead of a path such as ``data.params.folder``."""
    if not isinstance(error, InputError):
        return str(error) if isinstance(error, NnvizError) else f"{type(error).__name__}: {error}"
    if error.file.endswith(_WRITTEN_BY_HAND):
        return str(error)
    title, message = title_of(error.field), error.message
    if title and message.lower().startswith(title.lower()):
        message = message[:1].upper() + message[1:]
    if title.lower() in message.lower():
        title = ""
    place = " ".join(part for part in (title[:1].upper() + title[1:], error.file) if part)
    # The error itself writes out what cannot be printed.
    return str(InputError(message, file=place))


def title_of(field: str) -> str:
    """What the inspector calls a field: ``folder`` for ``data.params.folder``; empty for no field."""
    name = field.rpartition(".")[2].partition("[")[0]
    if field.startswith("data.params."):
        found = (spec.param(name) for spec in datasets.datasets().values() if name in {one.name for one in spec.params})
        spec: ParamSpec | None = next(found, None)
        return spec.title if spec is not None else _words(name)
    known = {one.name: one.title for one in (*settings.TRAINING, *settings.DATA)}
    return known.get(name, _words(name))


def _words(name: str) -> str:
    return name.replace("_", " ")


def reason_of(error: BaseException, path: Path, verb: str) -> str:
    """An error as a sentence that names the file."""
    if isinstance(error, NnvizError):
        return sentence_of(error)
    if isinstance(error, OSError):
        return f"{path.name} could not be {verb}: {error.strerror or error}."
    return f"{path.name} could not be {verb}: {type(error).__name__}: {error}"


__all__ = ["reason_of", "sentence_of", "title_of"]
