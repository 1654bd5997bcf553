"""Reads mutated pictures, alone and as image folders, in a watched process with bounded memory; prints what happened.

Arguments: a folder to work in, how many pictures, the seed, the most memory in MiB.

A picture is a good file of an allowed format, a bomb or a file of any other format that Pillow knows, changed by one to
three of: flipped bits, bytes or whole blocks of noise, cut off or doubled parts, numbers of two, four or eight bytes
replaced by telling ones (0, 1, the largest), and often the ending of another format. Whatever comes out other than a
picture or a DataError is kept in the folder ``faults`` with its number: the same seed and number find it again.
"""

from __future__ import annotations

import json
import random
import sys
import traceback
import warnings
from pathlib import Path

import picture_corpus
import watched

from nnviz.data import folders
from nnviz.data.images import read_image, read_images
from nnviz.errors import DataError

_TELLING = (
    0,
    1,
    2,
    7,
    8,
    16,
    255,
    256,
    32_767,
    32_768,
    65_535,
    1 << 20,
    1 << 24,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
)


def mutated(content: bytes, chance: random.Random) -> bytes:
    """The content with one to three faults; more of them near the beginning, where the headers are."""
    found = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 3))):
        if not found:
            break
        reach = min(len(found), chance.choice((32, 256, len(found), len(found))))
        place = chance.randrange(reach)
        kind = chance.randrange(7)
        if kind == 0:
            found[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            found[place] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        elif kind in (2, 3):
            size = chance.choice((2, 4, 4, 8))
            number = chance.choice(_TELLING) & ((1 << 8 * size) - 1)
            found[place : place + size] = number.to_bytes(size, chance.choice(("little", "big")))
        elif kind == 4:
            del found[chance.randrange(len(found)) :]
        elif kind == 5:
            end = min(len(found), place + chance.choice((1, 4, 64)))
            found[place:end] = b"" if chance.random() < 0.5 else found[place:end] * 2
        else:
            end = min(len(found), place + chance.choice((4, 32, 512)))
            found[place:end] = chance.randbytes(end - place)
    return bytes(found)


def main(folder: Path, count: int, seed: int, most: int) -> None:
    warnings.simplefilter("ignore")
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (most << 20, most << 20))
    seeds = [*picture_corpus.valid_files().items()]
    seeds += [(name, content) for name, content in picture_corpus.bombs().items() if len(content) < 200_000]
    others = [(f"{kind}.png", content) for kind, content in picture_corpus.corpus().items()]
    others += [("EPS.png", picture_corpus.EPS)] * len(others)  # the one that starts programs
    refused = watched.install(folder)
    chance = random.Random(seed)
    tally = {"pictures": 0, "read": 0, "refused": 0, "folders": 0, "folders read": 0}
    faults: list[str] = []
    classes = [folder / "set" / name for name in ("a", "b")]
    for place in classes:
        place.mkdir(parents=True)

    def attempt(name: str, content: bytes, read: object) -> bool:
        try:
            read()  # type: ignore[operator]
        except DataError as error:
            assert error.file and "\n" not in str(error)
            return False
        except BaseException:  # noqa: BLE001 - told to whoever looks for faults
            (folder / "faults").mkdir(exist_ok=True)
            (folder / "faults" / name).write_bytes(content)
            faults.append(f"{name}: {traceback.format_exc()}")
            return False
        return True

    def whole_folder() -> None:
        found = folders.image_files(str(folder / "set"))
        assert found.test is None
        files = [file for group in found.training for file in group]
        assert read_images(files, 8, 3, lambda done: None).shape == (len(files), 3, 8, 8)

    endings = folders.IMAGE_ENDINGS
    for number in range(count):
        name, content = chance.choice(seeds if chance.random() < 0.8 else others)
        content = mutated(content, chance)
        ending = chance.choice(endings) if chance.random() < 0.3 else f".{name.rpartition('.')[2]}"
        path = classes[number % 2] / f"{number}{ending}"
        path.write_bytes(content)
        tally["pictures"] += 1
        if attempt(path.name, content, lambda path=path: read_image(path, 8, chance.choice((1, 3)))):
            tally["read"] += 1
        else:
            tally["refused"] += 1
            if number // 10 % 2:
                path.unlink()  # every other folder holds only what can be read
        if number % 10 == 9:
            tally["folders"] += 1
            tally["folders read"] += attempt(f"folder{number}", b"", whole_folder)
            for file in [file for place in classes for file in place.iterdir()]:
                file.unlink()
    sys.stdout.write(json.dumps({"tally": tally, "faults": faults, "refused": refused}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:5]))
