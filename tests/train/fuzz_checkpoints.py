"""Damages checkpoints in many ways and goes on from each: to be run as a process of its own, for its audit hook stays.

    python tests/train/fuzz_checkpoints.py FOLDER COUNT SEED

Prints one JSON object: how many were refused, and how many were gone on with; ends with 1 and a traceback where
anything else than a RunFileError comes out, where a refused one has changed the training, or where one that was taken
is not what was written.
"""

from __future__ import annotations

import json
import os
import random
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import safetensors.torch
import torch
from training_helpers import CNN, MLP, advance, made_training, same, weights

from nnviz.errors import RunFileError
from nnviz.train.checkpoint import Progress, from_blobs, to_blobs
from nnviz.train.checkpoint_digest import NO_DIGEST, digest_of, entry
from nnviz.train.training import Training

Blobs = dict[str, bytes]

#: What a process may not do while it reads somebody's file: start another, talk to a network, run what it reads.
FORBIDDEN = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.startfile",
    "pty.spawn",
    "socket.connect",
    "socket.bind",
    "socket.getaddrinfo",
    "urllib.Request",
    "ctypes.dlopen",
    "pickle.find_class",
    "shutil.rmtree",
)
#: Writing, deleting and renaming: allowed in its own folder alone.
TOUCHING = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod")


class Escape(BaseException):
    """Something was done that no file may bring about; no handler for errors may catch it."""


def watch(folder: Path) -> None:
    """Refuses, from now on and for ever, what :data:`FORBIDDEN` names, and writing outside of the folder."""
    home = os.path.realpath(folder)

    def inside(path: object) -> bool:
        if isinstance(path, int):  # an open file
            return True
        return os.path.realpath(os.fsdecode(path)).startswith(home)  # type: ignore[arg-type]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in FORBIDDEN:
            raise Escape(f"{event}{arguments!r:.200}")
        if event == "open":
            path, mode, flags = arguments
            writes = (isinstance(mode, str) and set(mode) & set("wax+")) or (
                isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            )
            if writes and not inside(path):
                raise Escape(f"open{arguments!r:.200}")
        elif event in TOUCHING and not inside(arguments[0]):
            raise Escape(f"{event}{arguments!r:.200}")

    sys.addaudithook(hook)


# -- mutations --------------------------------------------------------------------------------------------------------

WILD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 7, 2**31, 2**53, 2**63, 2**64, 10**12, -(10**12), 10**400, 0.5, -0.0, 1e-320, 1e308,
    "", "nan", "inf", "-inf", "0x1p-1", "0x1p99999", "elephant", "\x00", "é" * 50, [], {}, [0], [None], ["x"], {"a": 1},
    [0.9, 0.999], [[[[]]]],
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where in a JSON value something can be put."""
    found = [path] if path else []
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inside:
        found += places(part, (*path, key))
    return found


def changed_json(value: Any, dice: random.Random) -> Any:
    """The value with one thing replaced, dropped, doubled or added, anywhere in it."""
    value = json.loads(json.dumps(value))
    spots = places(value)
    if not spots:
        return dice.choice(WILD)
    path = dice.choice(spots)
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    match dice.randrange(5):
        case 0 | 1:
            holder[path[-1]] = dice.choice(WILD)
        case 2:
            del holder[path[-1]]
        case 3 if isinstance(holder[path[-1]], int | float) and not isinstance(holder[path[-1]], bool):
            holder[path[-1]] = dice.choice((-1, 1, 2, 0.5, 1000)) * holder[path[-1]] + dice.choice((0, 1, -1))
        case _:
            if isinstance(holder, list):
                holder.insert(dice.randrange(len(holder) + 1), dice.choice(WILD))
            else:
                holder[dice.choice(("step", "lr", "digest", "new", "", "__class__"))] = dice.choice(WILD)
    return value


def in_the_header(blobs: Blobs, dice: random.Random) -> Blobs:
    header = json.loads(blobs["header"])
    for _ in range(dice.choice((1, 1, 1, 2, 5))):
        header = changed_json(header, dice)
    return blobs | {"header": json.dumps(header).encode("utf-8", "surrogatepass")}


def in_the_bytes(blobs: Blobs, dice: random.Random) -> Blobs:
    name = dice.choice(sorted(blobs))
    data = bytearray(blobs[name])
    for _ in range(dice.choice((1, 1, 2, 8, 64))):
        place = dice.randrange(len(data) + 1)
        match dice.randrange(5):
            case 0 if data:
                data[place % len(data)] ^= 1 << dice.randrange(8)
            case 1:
                del data[place : place + dice.choice((1, 4, 64, 4096))]
            case 2:
                data[place:place] = dice.randbytes(dice.choice((1, 8, 300)))
            case 3:
                data[place : place + 8] = dice.choice((b"\xff" * 8, b"\x00" * 8, (2**40).to_bytes(8, "little")))
            case _:
                del data[place:]
    return blobs | {name: bytes(data)}


def in_the_table(blobs: Blobs, dice: random.Random) -> Blobs:
    """In the JSON with which safetensors says where its tensors lie."""
    name = dice.choice([name for name in sorted(blobs) if name != "header"])
    length = int.from_bytes(blobs[name][:8], "little")
    table = changed_json(json.loads(blobs[name][8 : 8 + length]), dice)
    text = json.dumps(table).encode("utf-8", "surrogatepass")
    size = dice.choice((len(text), len(text), len(text), length, 2**63, 0))
    return blobs | {name: size.to_bytes(8, "little") + text + blobs[name][8 + length :]}


def in_the_tensors(blobs: Blobs, dice: random.Random) -> Blobs:
    """A tensor dropped, doubled, renamed, of another form, type or content; the file itself is as it should be."""
    name = dice.choice([name for name in sorted(blobs) if name != "header"])
    tensors = safetensors.torch.load(blobs[name])
    key = dice.choice(sorted(tensors))
    tensor = tensors.pop(key)
    whole = not tensor.is_floating_point()
    forms: tuple[Callable[[], torch.Tensor], ...] = (
        tensor.flatten,
        lambda: tensor.unsqueeze(0).clone(),
        tensor.double,
        lambda: tensor.to(torch.bfloat16),
        lambda: tensor.to(torch.int64),
        lambda: tensor[:0].clone() if tensor.dim() else tensor,
        lambda: torch.full_like(tensor, 255 if whole else float("nan")),
        lambda: torch.full_like(tensor, 0),
        lambda: torch.full_like(tensor, 127 if whole else float("inf")),
        lambda: -tensor if not whole else tensor.flip(0) if tensor.dim() else tensor,
        lambda: tensor * 2 if not whole else tensor,
    )
    match dice.randrange(4):
        case 0:
            tensors[dice.choice((f"{key}x", "", "random/x", "optimizer/0/x", "optimizer/-1/step", "a/b/c"))] = tensor
        case 1:
            pass
        case _:
            tensors[key] = dice.choice(forms)()
    return blobs | {name: safetensors.torch.save(tensors)}


def between_parts(blobs: Blobs, dice: random.Random) -> Blobs:
    one, other = dice.choice(sorted(blobs)), dice.choice(sorted(blobs))
    match dice.randrange(3):
        case 0:
            return {name: blob for name, blob in blobs.items() if name != one}
        case 1:
            return blobs | {one: blobs[other]}
        case _:
            return blobs | {one: dice.choice((b"", b"{}", b"null", dice.randbytes(200)))}


MUTATIONS = (in_the_header, in_the_header, in_the_bytes, in_the_table, in_the_tensors, in_the_tensors, between_parts)


def signed(blobs: Blobs, dice: random.Random) -> Blobs:
    """Mostly without the digest or with the right one: as somebody would forge it who has read the program."""
    choice = dice.randrange(3)
    if choice == 0 or "header" not in blobs:
        return blobs
    try:
        fields = msgspec.json.decode(blobs["header"])
        fields.pop("digest", None)
        if choice == 1:
            return blobs | {"header": msgspec.json.encode(fields)}
        bare = msgspec.json.encode({**fields, "digest": ""})
        parts = {name: blob for name, blob in blobs.items() if name in ("weights", "state", "best")}
        return blobs | {"header": bare.replace(NO_DIGEST, entry(digest_of(bare, parts)), 1)}
    except Exception:  # noqa: BLE001 - what cannot be read cannot be signed
        return blobs


# -- trying -----------------------------------------------------------------------------------------------------------


def written_alike(progress: Progress) -> Progress:
    """With its numbers in the one form that Python itself writes."""
    numbers = {name: float.fromhex(getattr(progress, name)).hex() for name in ("epoch_loss", "best_loss")}
    return msgspec.structs.replace(progress, **numbers)


def consistent(training: Training, blobs: Blobs) -> None:
    """What was taken is what stands in the blobs, it can go on, and it writes itself again as it was."""
    taken = from_blobs(blobs)
    assert same(weights(training.network), dict(taken.weights)), "other weights than were written"
    assert training.step == taken.progress.step
    again = from_blobs(to_blobs(training.capture()))
    assert written_alike(again.progress) == written_alike(taken.progress), "it stands somewhere else"
    assert same(dict(again.optimizer), dict(taken.optimizer)), "another state of the optimizer"
    assert same(dict(again.weights), dict(taken.weights))
    assert torch.equal(again.random["cpu"], taken.random["cpu"])
    training.advance()
    assert training.step == taken.progress.step + 1


def main(folder: Path, count: int, seed: int) -> None:
    """Tries so many."""
    torch.set_num_threads(1)
    originals: list[tuple[dict[str, Any], Any, Blobs]] = []
    for graph, more in (
        (CNN, {}),
        (MLP, {"optimizer": "sgd", "learning_rate": 0.1, "momentum": 0.9}),
        (MLP, {"optimizer": "adagrad", "learning_rate": 0.01}),
        (CNN, {"optimizer": "rmsprop", "learning_rate": 0.001, "momentum": 0.5}),
    ):
        for steps in (0, 8, 12):
            training = made_training(graph, **more)
            advance(training, steps)
            originals.append((more, graph, to_blobs(training.capture())))
            training.advance()  # all that torch loads lazily is loaded
            training.random.release()
    watch(folder)
    dice = random.Random(seed)
    outcomes: Counter[str] = Counter()
    for number in range(count):
        more, graph, blobs = dice.choice(originals)
        mutated = signed(dice.choice(MUTATIONS)(dict(blobs), dice), dice)
        training = made_training(graph, **more)
        before = weights(training.network)
        try:
            try:
                training.restore(from_blobs(mutated))
            except RunFileError as error:
                assert "\n" not in str(error), f"more than one line: {error}"
                assert same(weights(training.network), before), "refused, but changed"
                assert training.step == 0
                outcomes["refused"] += 1
            else:
                consistent(training, mutated)
                outcomes["taken"] += 1
        except BaseException:  # noqa: BLE001 - also an escape: what brought it about is kept
            for name, blob in mutated.items():
                (folder / f"{number}.{name}").write_bytes(blob)
            sys.stderr.write(f"mutation {number} of seed {seed}; its parts are in {folder}\n")
            traceback.print_exc()
            sys.exit(1)
        finally:
            training.random.release()
    sys.stdout.write(json.dumps(dict(outcomes)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
