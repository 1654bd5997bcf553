"""Makes a data set of arrays in a ``.npy`` or ``.npz`` file: which are what, how they lie, what their numbers mean."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from nnviz.data.cache import Cache
from nnviz.data.dataset_spec import TEST_SHARE, generated_sizes
from nnviz.data.division import stratified
from nnviz.data.memory_budget import is_streamed
from nnviz.data.numpy_arrays import FileArray, beside, open_npy, open_npz, shown
from nnviz.data.row_blocks import RowBlocks
from nnviz.data.row_store import findings_of, root
from nnviz.data.sources.source import state_of
from nnviz.errors import DataError
from nnviz.project.model import DataFacts

#: All examples that are kept in memory take no more than this.
MOST_BYTES = 4 << 30
#: More classes than this are numbers; whole numbers that are stored with decimals are classes only where they are few.
MOST_CLASSES, _FEW = 1_000, 20
_MOST_FEATURES, _MOST_SIDE, _MOST_TARGETS = 100_000, 4_096, 1_000

#: What inputs and answers are called, in small letters, the usual first.
_PAIRS: Final = (
    ("x", "y"), ("images", "labels"), ("image", "label"), ("data", "labels"), ("data", "targets"), ("data", "target"),
    ("data", "y"), ("inputs", "targets"), ("input", "target"), ("inputs", "labels"), ("features", "labels"),
    ("features", "targets"), ("imgs", "labels"), ("arr_0", "arr_1"),
)  # fmt: skip
#: What becomes black and white, and the sentences about it.
_Said: TypeAlias = tuple[tuple[float, float] | None, list[str]]
_TRAIN: Final = ("train", "training", "tr")
_VALIDATION: Final = ("val", "valid", "validation")
_TEST: Final = ("test", "testing", "te")


@dataclass(frozen=True)
class Pair:
    """Inputs and answers of one split; the last column of the inputs is the answer where ``targets`` is None."""

    inputs: FileArray
    targets: FileArray | None


@dataclass(frozen=True)
class HowToTake:
    """What the user has chosen about the arrays; empty where it shall be found."""

    inputs: str = ""
    targets: str = ""
    layout: str = "auto"
    task: str = "auto"
    test_share: float = TEST_SHARE
    test_seed: int = 0
    memory: str = "auto"


@dataclass(frozen=True, eq=False)
class Plan:
    """What a file holds, and how it becomes examples.

    Attributes:
        training, validation, test: The arrays; None where there are none of a split.
        facts: Shape, targets and classes.
        notes: What was made of the arrays, in sentences.
        layout: ``features``, ``grey`` (n, h, w), ``last`` (n, h, w, c) or ``first`` (n, c, h, w).
        levels: What of the numbers becomes black and white; None of bytes and of features.
        labels: int64[n] or float32[n, k] of each split that is there, in the order training, validation, test.
        streamed: Its examples are read from the disk batch by batch.
    """

    training: Pair
    validation: Pair | None
    test: Pair | None
    facts: DataFacts
    notes: tuple[str, ...]
    layout: str
    levels: tuple[float, float] | None
    labels: tuple[NDArray[Any], ...]
    streamed: bool = False

    @property
    def parts(self) -> list[Pair]:
        """Those that are there: of training, validation and test."""
        return [part for part in (self.training, self.validation, self.test) if part is not None]

    @property
    def files(self) -> list[Path]:
        """All files that it reads."""
        arrays = [array for part in self.parts for array in (part.inputs, part.targets) if array is not None]
        return list(dict.fromkeys(array.file for array in arrays))

    def rows(self, state: str) -> RowBlocks:
        """The inputs of all :attr:`parts` as a network takes them.

        They are uint8[n, channels, height, width] or float32[n, features].

        Args:
            state: Says which files these are, in which state.
        """
        count = sum(part.inputs.shape[0] for part in self.parts)
        kind = np.dtype(np.float32 if self.layout == "features" else np.uint8)
        arrays = [(part.inputs.name, part.inputs.member) for part in self.parts]
        return RowBlocks(
            f"numpy 1 {state} {self.layout} {self.levels} {arrays}",
            (count, *self.facts.input_shape),
            kind,
            self._blocks,
            "examples",
            "take fewer, or smaller ones",
        )

    def _blocks(self, first: int) -> Iterator[NDArray[Any]]:
        for part in self.parts:
            count = part.inputs.shape[0]
            if first < count:
                for piece in part.inputs.pieces(first):
                    yield self._examples(piece)
            first = max(first - count, 0)

    def _examples(self, piece: NDArray[Any]) -> NDArray[Any]:
        if self.layout == "features":
            return piece.reshape(len(piece), -1)[:, : self.facts.input_shape[0]].astype(np.float32)
        lying = as_pictures(piece, self.layout)
        if self.levels is None:
            return lying * np.uint8(255) if lying.dtype.kind == "b" else lying.astype(np.uint8)
        low, high = self.levels
        scaled = (lying.astype(np.float64) - low) * (255.0 / (high - low))
        return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def as_pictures(array: NDArray[Any], layout: str) -> NDArray[Any]:
    """[n, channels, height, width] of what is laid out as :attr:`Plan.layout` says."""
    if layout == "grey":
        return array[:, None]
    return array.transpose(0, 3, 1, 2) if layout == "last" else array


#: What was found out about files, so that looking at one and loading it read it once.
_PLANS = Cache(limit=256 << 20)


def plan_of(path: Path, how: HowToTake, report: Callable[[int, int], None]) -> Plan:
    """What a file holds: reads the headers, the answers, and the numbers once for their range.

    Args:
        path: The ``.npy`` or ``.npz`` file.
        how: What the user has chosen.
        report: Told how far it is; what it raises ends the reading.

    Raises:
        DataError: It cannot be read, or it is not clear what is what.
    """
    known = _PLANS.get((path, how))
    if isinstance(known, tuple) and known[1] == _state(known[0].files):
        found: Plan = known[0]
        # Of .npy files another may lie beside it by now: the headers tell.
        if path.suffix.lower() == ".npz" or _parts(path, how) == (found.training, found.validation, found.test):
            return found
    found = _plan(path, how, report)
    size = sum(labels.nbytes for labels in found.labels)
    _PLANS.put((path, how), (found, _state(found.files)), size + 1_000)
    return found


def forget() -> None:
    """Forgets what was found out."""
    _PLANS.clear()


def _state(files: list[Path]) -> Hashable:
    marks: list[Hashable] = []
    for file in files:
        try:
            facts = file.stat()
        except OSError:
            marks.append(None)
        else:
            marks.append((facts.st_size, facts.st_mtime_ns))
    return tuple(marks)


def _plan(path: Path, how: HowToTake, report: Callable[[int, int], None]) -> Plan:
    training, validation, test = _parts(path, how)
    notes = [_named(training, validation, test)]
    layout, shape, channels = _layout(training.inputs, how.layout, path)
    if layout != "features":
        notes.append(channels)
    own_answers = training.targets is None
    if own_answers:
        if layout != "features" or len(training.inputs.shape) != 2 or training.inputs.shape[1] < 2:
            raise DataError(
                f"There are no answers to '{shown(training.inputs.name)}': name their array, or put a file with them "
                "beside it (x.npy and y.npy).",
                file=str(path),
                field="data.params.targets",
            )
        shape = (shape[0] - 1,)
        notes.append("The last column is the answer.")
    parts = [part for part in (training, validation, test) if part is not None]
    _check_parts(parts, path)
    streamed = _is_streamed(parts, shape, layout, how, path)
    raw = [_answers(part) for part in parts]
    labels, facts, about = _taken(raw, parts, shape, how.task, layout, path)
    trained: NDArray[np.bool_] = np.ones(len(labels[0]), bool)
    if len(parts) == 1:  # its test split is taken out of it, see ``hold_out_test``
        held_out = generated_sizes(len(trained), how.test_share)[1]
        trained[stratified(labels[0], held_out, how.test_seed)] = False

    def find() -> _Said:
        return _levels(parts, trained, layout, path, report)

    levels, said = _found_once(parts, f"{layout} {how}", find) if streamed else find()
    notes += said + about
    facts = msgspec.structs.replace(facts, streamed=streamed)
    return Plan(training, validation, test, facts, tuple(notes), layout, levels, tuple(labels), streamed)


def _found_once(parts: list[Pair], what: str, find: Callable[[], _Said]) -> _Said:
    """What reading all numbers of large arrays tells; kept until one of their files changes."""
    arrays = [array for part in parts for array in (part.inputs, part.targets) if array is not None]
    names = [f"{array.name} {array.member}" for array in arrays]
    state = state_of(list(dict.fromkeys(array.file for array in arrays)))
    kept, key = findings_of(f"numpy 1 {state}", state), f"levels 1 {names} {what}"
    try:
        found: _Said = msgspec.json.decode(kept.get(key) or b"", type=_Said)
    except msgspec.MsgspecError:  # nothing is kept, or not what was
        found = find()
        with contextlib.suppress(OSError):
            root().mkdir(parents=True, exist_ok=True)
        kept.put(key, msgspec.json.encode(found))
    return found


# --- which arrays ---------------------------------------------------------------------------------------------------


def _parts(path: Path, how: HowToTake) -> tuple[Pair, Pair | None, Pair | None]:
    if path.suffix.lower() == ".npz":
        return _named_parts(*open_npz(path), how, path)
    own = open_npy(path)
    if how.targets:
        answers = beside(path, how.targets.removesuffix(".npy"))
        if answers is None:
            raise DataError(
                f"There is no file '{shown(how.targets)}' beside it.", file=str(path), field="data.params.targets"
            )
        return Pair(own, answers), None, None
    for wanted in _answers_of(path.stem):
        answers = beside(path, wanted)
        if answers is None:
            continue
        held_back = []
        for names in (_VALIDATION, _TEST):
            pair = None
            for other_x, other_y in _other_splits(path.stem, wanted, names):
                inputs, targets = beside(path, other_x), beside(path, other_y)
                if inputs is not None and targets is not None:
                    pair = Pair(inputs, targets)
                    break
            held_back.append(pair)
        return Pair(own, answers), held_back[0], held_back[1]
    return Pair(own, None), None, None


def _answers_of(stem: str) -> list[str]:
    """What the answers to inputs of a name may be called: that name with its word for inputs exchanged."""
    found = []
    for inputs, answers in _PAIRS:
        for ours, theirs in ((inputs, answers), (inputs.upper(), answers), (inputs.upper(), answers.upper())):
            if stem == ours:
                found.append(theirs)
            for joint in ("_", "-"):
                if stem.startswith(f"{ours}{joint}"):
                    found.append(f"{theirs}{stem[len(ours) :]}")
                if stem.endswith(f"{joint}{ours}"):
                    found.append(f"{stem[: -len(ours)]}{theirs}")
    return list(dict.fromkeys(found))


def _other_splits(inputs: str, answers: str, names: tuple[str, ...]) -> list[tuple[str, str]]:
    """The names of the arrays of another split, where those of training have a word for training in theirs."""
    found = []
    for train in _TRAIN:
        for name in names:
            for first, second in ((train, name), (train.upper(), name.upper()), (train.title(), name.title())):
                if first in inputs and first in answers:
                    found.append((inputs.replace(first, second), answers.replace(first, second)))
    return found


def _named_parts(
    arrays: Mapping[str, FileArray], refused: Mapping[str, DataError], how: HowToTake, path: Path
) -> tuple[Pair, Pair | None, Pair | None]:
    listed = ", ".join(f"'{shown(name)}'" for name in list(arrays)[:8]) + (", …" if len(arrays) > 8 else "")

    def chosen(name: str, field: str) -> FileArray:
        if name in refused:
            raise refused[name]
        if name not in arrays:
            raise DataError(
                f"There is no array '{shown(name)}' in it. There are: {listed}.",
                file=str(path),
                field=f"data.params.{field}",
            )
        return arrays[name]

    if how.inputs:
        inputs = chosen(how.inputs, "inputs")
        if how.targets:
            names = how.inputs, how.targets
        else:
            answers = next((name for name in _answers_of(how.inputs) if name in arrays), "")
            if not answers and len(arrays) == 2:
                answers = next(name for name in arrays if name != how.inputs)
            if not answers:
                _check_none_refused([how.inputs, *_answers_of(how.inputs)], refused)
                return Pair(inputs, None), None, None
            names = how.inputs, answers
        chosen(names[1], "targets")
    else:
        usual = _usual(arrays)
        if usual is None:
            _check_none_refused(_usual([*arrays, *refused]) or (), refused)
        if how.targets:
            chosen(how.targets, "targets")
        if usual is None and len(arrays) == 1:
            return Pair(next(iter(arrays.values())), None), None, None
        if usual is None:
            raise DataError(
                f"It is not clear which array holds the inputs: name them. There are: {listed}.",
                file=str(path),
                field="data.params.inputs",
            )
        names = (usual[0], chosen(how.targets, "targets").name) if how.targets else usual
    held_back: list[Pair | None] = []
    for split in (_VALIDATION, _TEST):
        possible = _other_splits(*names, split)
        pairs = [pair for pair in possible if pair[0] in arrays and pair[1] in arrays]
        if not pairs:  # half of one must not be passed over
            _check_none_refused([name for pair in possible if {*pair} & {*arrays} for name in pair], refused)
        held_back.append(Pair(arrays[pairs[0][0]], arrays[pairs[0][1]]) if pairs else None)
    return Pair(arrays[names[0]], arrays[names[1]]), held_back[0], held_back[1]


def _check_none_refused(names: Iterable[str], refused: Mapping[str, DataError]) -> None:
    """Says why an array that is needed is refused, rather than going on without it."""
    for name in names:
        if name in refused:
            raise refused[name]


def _usual(arrays: Iterable[str]) -> tuple[str, str] | None:
    """Inputs and answers by names that many use, those of training first."""
    plain = {name.lower(): name for name in arrays}
    for first, second in _PAIRS:
        pairs = [(f"{first}{joint}{word}", f"{second}{joint}{word}") for word in _TRAIN for joint in ("_", "-", "")]
        pairs += [(f"{word}{joint}{first}", f"{word}{joint}{second}") for word in _TRAIN for joint in ("_", "-", "")]
        for inputs, answers in (*pairs, (first, second)):
            if inputs in plain and answers in plain:
                return plain[inputs], plain[answers]
    return None


def _named(training: Pair, validation: Pair | None, test: Pair | None) -> str:
    def pair(part: Pair) -> str:
        inputs = shown(part.inputs.name)
        return f"'{inputs}'" if part.targets is None else f"'{inputs}' with '{shown(part.targets.name)}'"

    text = f"Inputs {pair(training)}"
    text += "" if validation is None else f", validation split {pair(validation)}"
    return text + ("." if test is None else f", test split {pair(test)}.")


# --- how they lie ---------------------------------------------------------------------------------------------------


def _layout(inputs: FileArray, asked: str, path: Path) -> tuple[str, tuple[int, ...], str]:
    """The layout, the shape of one example, and a sentence about it."""
    shape, name = inputs.shape, shown(inputs.name)
    if inputs.dtype.kind in "US":
        raise DataError(f"The array '{name}' holds texts: inputs must be numbers.", file=str(path))
    if len(shape) <= 2:
        features = shape[1] if len(shape) == 2 else 1
        if features > _MOST_FEATURES:
            sentence = f"Its examples have {features:,} numbers; at most {_MOST_FEATURES:,} can be."
            raise DataError(sentence, file=str(path))
        return "features", (features,), ""
    if len(shape) == 3:
        layout, picture = "grey", (1, shape[1], shape[2])
    elif len(shape) == 4:
        layout = asked if asked != "auto" else "last" if shape[3] in (1, 3) else "first"
        picture = (shape[3], shape[1], shape[2]) if layout == "last" else (shape[1], shape[2], shape[3])
    else:
        raise DataError(
            f"The array '{name}' has {len(shape)} dimensions: features have two [n, k], pictures three [n, h, w] or "
            "four [n, h, w, c] or [n, c, h, w].",
            file=str(path),
        )
    if picture[0] not in (1, 3):
        raise DataError(
            f"The array '{name}' is {' × '.join(map(str, shape))}: pictures have 1 or 3 channels, behind the examples "
            "[n, c, h, w] or last [n, h, w, c].",
            file=str(path),
            field="data.params.layout",
        )
    if max(picture[1:]) > _MOST_SIDE:
        sentence = f"Its pictures are {picture[2]}×{picture[1]}; at most {_MOST_SIDE} pixels a side can be."
        raise DataError(sentence, file=str(path))
    order = {"grey": "[n, h, w]", "last": "[n, h, w, c]", "first": "[n, c, h, w]"}[layout]
    return layout, picture, f"The pictures lie as {order}."


def _check_parts(parts: list[Pair], path: Path) -> None:
    first = parts[0]
    for part in parts:
        count = part.inputs.shape[0]
        name = shown(part.inputs.name)
        if part.inputs.shape[1:] != first.inputs.shape[1:]:
            raise DataError(
                f"Examples of '{name}' have another shape than those of '{shown(first.inputs.name)}'.", file=str(path)
            )
        if part.targets is not None and part.targets.shape[0] != count:
            raise DataError(
                f"There are {count:,} examples in '{name}' and {part.targets.shape[0]:,} answers in "
                f"'{shown(part.targets.name)}'.",
                file=str(path),
            )
    if parts[0].inputs.shape[0] < 2:
        raise DataError("There is one example: at least two are needed.", file=str(path))


def _is_streamed(parts: list[Pair], shape: tuple[int, ...], layout: str, how: HowToTake, path: Path) -> bool:
    """Whether the examples are read from the disk batch by batch; refuses what then still would not fit."""
    each = int(np.prod(shape, dtype=object)) * (4 if layout == "features" else 1)
    needed = each * sum(part.inputs.shape[0] for part in parts)
    # What lies column by column is read whole before it is turned.
    turned = max((part.inputs.nbytes for part in parts if part.inputs.fortran), default=0)
    answers = sum(part.targets.nbytes for part in parts if part.targets is not None)
    streamed = is_streamed(how.memory, needed, MOST_BYTES)
    held, what = (answers, "answers") if streamed else (needed + answers, "examples")
    if turned + held <= MOST_BYTES:
        return streamed
    most = f"more than the {MOST_BYTES / 2**30:.0f} GB that are held in memory"
    if turned > held:
        sentence = (
            f"The array lies column by column, so that its {turned / 2**30:.1f} GB would have to be read at once, "
            f"{most}: save it row by row (numpy.ascontiguousarray)."
        )
        raise DataError(sentence, file=str(path))
    cure = "take fewer, or smaller ones" if streamed else "let them be streamed from the disk, or take fewer"
    sentence = f"The {what} would take {(turned + held) / 2**30:.1f} GB, {most}: {cure}."
    raise DataError(sentence, file=str(path), field="" if streamed else "data.params.memory")


# --- what their numbers mean ----------------------------------------------------------------------------------------


def _levels(
    parts: list[Pair], trained: NDArray[np.bool_], layout: str, path: Path, report: Callable[[int, int], None]
) -> _Said:
    """What becomes black and white, by the pictures of the first part that are ``trained``; and that all are finite."""
    if layout != "features" and all(part.inputs.dtype.kind == "b" or part.inputs.dtype == np.uint8 for part in parts):
        return None, []
    total = sum(part.inputs.shape[0] for part in parts)
    done = 0
    low, high = np.inf, -np.inf
    for part in parts:
        for piece in part.inputs.pieces():
            report(done, total)
            if piece.dtype.kind == "f" or layout == "features":
                bad = ~np.isfinite(piece.reshape(len(piece), -1).astype(np.float32)).all(axis=1)
                if bad.any():
                    place = done - sum(one.inputs.shape[0] for one in parts[: parts.index(part)])
                    number = place + int(np.argmax(bad))
                    raise DataError(
                        f"Example {number:,} of '{shown(part.inputs.name)}' (counted from 0) holds "
                        "a number that is infinite, NaN, or too large for single precision.",
                        file=str(path),
                    )
            if part is parts[0] and layout != "features":
                chosen = trained[done : done + len(piece)]
                seen = piece if chosen.all() else piece[chosen]
                if len(seen):
                    low, high = min(low, float(seen.min())), max(high, float(seen.max()))
            done += len(piece)
    if layout == "features":
        return None, []
    whole = parts[0].inputs.dtype.kind in "ui"
    for least, most in ((0.0, 255.0),) if whole else ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)):
        if least <= low and high <= most:
            black, white = least, most
            break
    else:
        black, white = low, high if high > low else low + 1.0
    if (black, white) == (0.0, 255.0) and whole:
        return (0.0, 255.0), []
    return (black, white), [f"Of the pixels {black:g} is black and {white:g} white; each becomes one of 256 steps."]


def _answers(part: Pair) -> NDArray[Any]:
    if part.targets is not None:
        return part.targets.whole()
    return np.concatenate([piece[:, -1] for piece in part.inputs.pieces()])


def _taken(
    raw: list[NDArray[Any]], parts: list[Pair], shape: tuple[int, ...], task: str, layout: str, path: Path
) -> tuple[list[NDArray[Any]], DataFacts, list[str]]:
    """The answers of each split as classes or numbers, and what a graph has to know."""
    field = "data.params.task"
    notes: list[str] = []
    answers = [np.squeeze(part, axis=1) if part.ndim == 2 and part.shape[1] == 1 else part for part in raw]
    if any(part.ndim > 2 for part in answers) or len({part.shape[1:] for part in answers}) > 1:
        raise DataError("Answers must be one a line [n], or some numbers a line [n, k].", file=str(path))
    first = answers[0]
    if first.ndim == 2 and first.shape[1] > _MOST_TARGETS:
        sentence = f"Each answer has {first.shape[1]:,} numbers; at most {_MOST_TARGETS:,} can be."
        raise DataError(sentence, file=str(path))
    if any(part.dtype.kind == "f" and not np.isfinite(part).all() for part in answers):
        raise DataError("An answer is infinite or no number (NaN).", file=str(path))
    if first.ndim == 2 and first.dtype.kind not in "US" and task != "numbers" and all(map(_one_hot, answers)):
        answers = [part.argmax(axis=1) for part in answers]
        notes.append("The answers are one-hot: each becomes the number of its class.")
        first = answers[0]
    texts = first.dtype.kind in "US"
    if texts and (task == "numbers" or first.ndim == 2):
        raise DataError("The answers are texts: they can only be classes, one a line.", file=str(path), field=field)
    classes = task == "classes" or (task == "auto" and _are_classes(first, texts=texts))
    if classes and first.ndim == 2:
        raise DataError("Classes need one answer a line, or one-hot ones.", file=str(path), field=field)
    if not classes:
        numbers = [part.reshape(len(part), -1).astype(np.float32) for part in answers]
        if not all(np.isfinite(part).all() for part in numbers):
            raise DataError("An answer is too large for single precision.", file=str(path))
        return numbers, DataFacts(shape, numbers[0].shape[1], "regression"), notes
    values = np.unique(first)
    if not 2 <= len(values) <= MOST_CLASSES:
        count = "one class" if len(values) == 1 else f"{len(values):,} classes"
        cure = "" if texts or len(values) == 1 else " If they are numbers, choose that below."
        raise DataError(
            f"There is {count} among the answers, but from 2 to {MOST_CLASSES:,} are needed.{cure}",
            file=str(path),
            field=field,
        )
    labels = []
    for part, answer in zip(parts, answers, strict=True):
        places = np.searchsorted(values, answer).clip(max=len(values) - 1)
        unknown = np.flatnonzero(values[places] != answer)
        if len(unknown):
            raise DataError(
                f"The class '{_word(answer[unknown[0]])}' of '{shown(part.inputs.name)}' has no training example.",
                file=str(path),
            )
        labels.append(places.astype(np.int64))
    names = tuple(_word(value) for value in values)
    if len(set(names)) < len(names):
        raise DataError("Two classes have names that look alike.", file=str(path))
    task, targets = ("binary", 1) if len(names) == 2 and layout == "features" else ("classes", len(names))
    return labels, DataFacts(shape, targets, task, names), notes


def _one_hot(answers: NDArray[Any]) -> bool:
    if answers.shape[1] < 2 or not ((answers == 0) | (answers == 1)).all():
        return False
    return bool((answers.astype(np.int64).sum(axis=1) == 1).all())


def _are_classes(answers: NDArray[Any], *, texts: bool) -> bool:
    if answers.ndim == 2:
        return False
    if texts or answers.dtype.kind == "b":
        return True
    most = 100
    if answers.dtype.kind == "f":
        if not (answers == np.rint(answers)).all():
            return False
        most = _FEW
    return len(np.unique(answers)) <= most


def _word(value: Any) -> str:
    """A class as it is called."""
    if isinstance(value, (bytes, np.bytes_)):
        value = value.decode("utf-8", "replace")
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    text = f"{value:g}" if isinstance(value, (float, np.floating)) else str(value)
    return shown(text.strip()) or "(empty)"
