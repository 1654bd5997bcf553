"""Whether a checkpoint in a file is as it was written: a digest of all its parts stands in its header. No torch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
from safetensors import SafetensorError, deserialize

#: Of checkpoints, as they are written.
VERSION = 1


def entry(digest: str) -> bytes:
    """How a digest stands in the header."""
    return b'"digest":' + msgspec.json.encode(digest)


#: How an empty one does.
NO_DIGEST = entry("")


def digest_of(bare: bytes, blobs: Mapping[str, bytes]) -> str:
    """Of the other parts and of the header as it stands there, so that later versions may have more fields.

    Args:
        bare: The header with an empty digest.
        blobs: The other parts.
    """
    whole = hashlib.sha256(bare)
    for name in sorted(blobs):
        whole.update(f"\n{name} {len(blobs[name])}\n".encode())
        whole.update(blobs[name])
    return whole.hexdigest()


def parts_of(blobs: Mapping[str, bytes], *, has_best: bool) -> dict[str, bytes]:
    """The parts of a checkpoint that its digest is of.

    Raises:
        KeyError: One is missing.
    """
    return {name: blobs[name] for name in ("weights", "state", *(("best",) if has_best else ()))}


def holds(header: bytes, digest: str, parts: Mapping[str, bytes]) -> bool:
    """Whether these parts are those that were written together with a header, as the digest in it says.

    Of a checkpoint from before there was a digest that cannot be said: it is taken to be so.
    """
    return not digest or digest == digest_of(header.replace(entry(digest), NO_DIGEST, 1), parts)


class _Progress(msgspec.Struct, frozen=True):
    step: int = 0


class _Header(msgspec.Struct, frozen=True):
    version: int
    progress: _Progress
    has_best: bool = False
    digest: str = ""


def is_whole(blobs: Mapping[str, bytes], step: int) -> bool:
    """Whether these are the parts of a checkpoint of this step, none of them damaged.

    One of a newer version is whole as far as can be said here: whoever reads it says what it is. Of one from before
    there was a digest no more is seen than that its parts can be read.
    """
    try:
        header = msgspec.json.decode(blobs["header"], type=_Header)
        if header.version > VERSION:
            return True
        parts = parts_of(blobs, has_best=header.has_best)
        if not header.digest:
            for part in parts.values():
                deserialize(part)  # type: ignore[no-untyped-call]  # the library says no types
    except (KeyError, msgspec.MsgspecError, RecursionError, SafetensorError, ValueError):
        return False
    return header.progress.step == step and holds(blobs["header"], header.digest, parts)
