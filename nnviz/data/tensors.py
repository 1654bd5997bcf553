"""A data set is loaded as tensors, and batches are made of them on the training device.

Images stay the bytes they are (uint8) in memory and on the device; a batch is gathered by index and scaled there, so
that one epoch costs neither a decoder nor a copy from the host.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import one_hot

from nnviz.data import datasets, picture_steps
from nnviz.data.acquire import download_place, fetch_set
from nnviz.data.as_read import AsRead
from nnviz.data.augmentation import Augmentation
from nnviz.data.cache import Cache
from nnviz.data.division import stratified
from nnviz.data.epoch_plan import EpochPlan
from nnviz.data.examples import LoadedData, Scaler, Split
from nnviz.data.fingerprint import Fingerprint, content_hash
from nnviz.data.leaks import Leaks, leaks
from nnviz.data.missing import without_missing
from nnviz.data.picture_memory import MEMORY
from nnviz.data.preparation import Planned, plan
from nnviz.data.readers import RawData, read, stamp
from nnviz.data.remembered import remembers
from nnviz.data.selection import STEPS as SELECTIONS
from nnviz.data.selection import Selection
from nnviz.data.sources.source import CancelledCheck, Progress, Request
from nnviz.data.streamed import Inputs, Streamed, bytes_in_memory, found_once, read_ahead
from nnviz.data.table_memory import MEMORY as TABLES
from nnviz.errors import DataError
from nnviz.project.declared.preparations import EXAMPLES, PICTURES
from nnviz.project.model import Choice, DataConfig, DataFacts
from nnviz.regular_files import is_regular

__all__ = ["CancelledCheck", "Feeder", "LoadedData", "Progress", "Scaler", "Split", "clear_cache", "load", "load_asked"]

#: So many classes are named one by one.
_MOST_NAMED = 8
#: Loaded sets of this process: opening a session again after an edit costs nothing.
_CACHE = Cache(limit=1 << 30)
#: Numbers of examples in the orders that a feeder remembers: of one epoch at least.
_REMEMBERED = 1 << 16


def load(
    config: DataConfig,
    data_dir: Path | str | None = None,
    progress: Progress | None = None,
    cancelled: CancelledCheck | None = None,
    download: bool = False,
) -> LoadedData:
    """Reads, divides and prepares a data set; from any thread.

    Args:
        config: Which one, how divided, how prepared.
        data_dir: Where to look for it first (then NNVIZ_DATA, then the user's data folder).
        progress: Told what is being done, from this thread.
        cancelled: Asked now and then; True ends the loading.
        download: Fetch it when it is in none of the places.

    Raises:
        DataError: It is missing or corrupt, or the choice is not allowed; names the file or the field.
        Cancelled: ``cancelled`` said so; nothing half-done is left behind but what a later download continues.
        StorageError: A download could not be written.
    """
    root = None if data_dir is None else Path(data_dir)
    spec, chosen = datasets.dataset(config.dataset), datasets.values(config)
    return load_asked(config, Request(spec, chosen, root, progress, cancelled), download)


def load_asked(config: DataConfig, request: Request, download: bool = False) -> LoadedData:
    """As :func:`load`, where there is a request already: what else is asked by it fits to what was loaded.

    Raises:
        DataError: As there.
        Cancelled: Likewise.
        StorageError: Likewise.
    """
    spec = request.spec
    datasets.validation_count(config, 1)  # refused before the time for reading is spent
    steps = plan(config.preparation)
    try:
        raw, key = _read(request, datasets.place_for(request))
    except DataError:
        if not (download and spec.folder):
            raise
        raw, key = _read(request, _download(spec, config, request.data_dir, request.progress, request.cancelled))
    mark_key = (*key, "fingerprint")
    fingerprint = _CACHE.get(mark_key)
    if not isinstance(fingerprint, Fingerprint):
        fingerprint = _fingerprint(spec, raw, request)
        _CACHE.put(mark_key, fingerprint, 0)
    as_read = _as_read(request, raw, key)
    _check_suiting(steps, raw.facts)
    augmentation = Augmentation.of(config.augmentation, raw.facts)  # refused before anything is trained
    raw, key = _with_pictures(raw, key, [step for step in steps if step.spec.stage == PICTURES])
    divided_key = (*key, config.validation_fraction, config.split_seed)
    splits = _CACHE.get(divided_key)
    if not isinstance(splits, tuple):
        train, validation = _divide(spec, config, raw)
        warnings = _warnings(spec, raw, train, validation)
        test = raw.training if spec.undivided else raw.test
        train, validation, test, means = without_missing(train, validation, test, raw.training.inputs)
        own = [split for split in (train, validation, test) if split is not raw.training and split is not raw.test]
        splits = train, validation, test, warnings, means
        _CACHE.put(divided_key, splits, sum(split.bytes for split in own))
    train, validation, test, warnings, means = splits
    train = _selected(train, raw.facts, divided_key, [step for step in steps if step.spec.stage == EXAMPLES])
    scaler_key = (*divided_key, "scaler", *_names(config.preparation))  # without steps, too, it is another thing
    scaler = _CACHE.get(scaler_key)
    if not isinstance(scaler, Scaler):
        scaler = Scaler.fit(train, config.preparation)
        _CACHE.put(scaler_key, scaler, 0)
    return LoadedData(
        spec.kind,
        config,
        raw.facts,
        train,
        validation,
        test,
        scaler,
        fingerprint,
        warnings,
        augmentation,
        replace(as_read, means=means),
    )


def _as_read(request: Request, raw: RawData, key: tuple[Hashable, ...]) -> AsRead:
    """How the set was read: asked for now, while its files are those that were read.

    Raises:
        DataError: The file of a table was written meanwhile: its columns may be others than its numbers.
    """
    there, key = key[2], (*key, "as read")
    found = _CACHE.get(key)
    if not isinstance(found, AsRead):
        source, shape = datasets.source_of(request.spec.kind), raw.facts.input_shape
        levels = source.levels(request) if len(shape) == 3 else None
        found = AsRead(shape, source.recipes(request), levels)
        if found.likewise is not None and isinstance(there, tuple) and stamp(request, Path(there[0])) != there:
            raise DataError("The file was changed while it was read: load it again.", file=there[0])
        _CACHE.put(key, found, 0)
    return found


def _names(preparation: Sequence[Choice]) -> tuple[Hashable, ...]:
    return tuple((choice.kind, tuple(sorted(choice.params.items()))) for choice in preparation)


def _check_suiting(steps: Sequence[Planned], facts: DataFacts) -> None:
    """Refuses steps that these data do not allow.

    Raises:
        DataError: Names the step.
    """
    for step in steps:
        if problem := step.spec.unsuited(facts):
            raise DataError(problem, field=f"{step.field}.kind")


def _with_pictures(
    raw: RawData, key: tuple[Hashable, ...], steps: Sequence[Planned]
) -> tuple[RawData, tuple[Hashable, ...]]:
    """The set with other pictures, of all splits alike, and the key it is kept under."""
    if not steps:
        return raw, key
    key = (*key, *((step.spec.kind, tuple(sorted(step.values.items()))) for step in steps))
    found = _CACHE.get(key)
    if isinstance(found, RawData):
        return found, key
    for step in steps:
        work = picture_steps.STEPS[step.spec.kind]
        try:
            training = _with_inputs(raw.training, _worked(work, raw.training.inputs, step))
            test = (
                training if raw.test is raw.training else _with_inputs(raw.test, _worked(work, raw.test.inputs, step))
            )
        except DataError as error:
            raise DataError(error.message, field=step.field) from None
        shape = tuple(training.inputs.shape[1:])
        raw = RawData(msgspec.structs.replace(raw.facts, input_shape=shape), training, test, raw.validation)
    _CACHE.put(key, raw, raw.bytes)
    return raw, key


def _worked(work: picture_steps.Step, inputs: Inputs, step: Planned) -> Inputs:
    """Other pictures: made at once in memory; of streamed ones each time that they are read."""
    if not isinstance(inputs, Streamed):
        return work(inputs, step.values)
    name = f"{step.spec.kind} {sorted(step.values.items())}"
    return inputs.then(name, lambda part: work(part, step.values))


def _with_inputs(split: Split, inputs: Inputs) -> Split:
    """Other pictures of the same examples, which remember how they were read."""
    return replace(split, inputs=inputs, read=split.inputs if split.read is None else split.read)


def _selected(train: Split, facts: DataFacts, key: tuple[Hashable, ...], steps: Sequence[Planned]) -> Split:
    """The training examples that are trained on, as what they are trained."""
    if not steps or not len(train):
        return train
    key = (*key, *((step.spec.kind, tuple(sorted(step.values.items()))) for step in steps))
    found = _CACHE.get(key)
    if isinstance(found, Split):
        return found
    classes = {"binary": 2, "classes": facts.targets}.get(facts.task, 0)
    size = bytes_in_memory(train.inputs) // len(train)
    chosen = Selection(np.arange(len(train)), train.targets.numpy(), classes, size)
    for step in steps:
        try:
            chosen = SELECTIONS[step.spec.kind](chosen, step.values)
        except DataError as error:
            raise DataError(error.message, field=step.field) from None
    split = train.take(torch.from_numpy(chosen.numbers))
    if any(step.spec.kind == "label_noise" for step in steps):
        split = replace(split, targets=torch.from_numpy(chosen.labels), true_targets=split.targets)
    if chosen.weights is not None:
        split = replace(split, weights=torch.from_numpy(chosen.weights.astype(np.float32)))
    _CACHE.put(key, split, split.bytes)
    return split


def _warnings(spec: datasets.DatasetSpec, raw: RawData, train: Split, validation: Split) -> tuple[str, ...]:
    """What of a division somebody might not have wanted."""
    if spec.undivided:
        return ()
    found = _leaks(train.inputs, validation.inputs, raw.test.inputs)
    warnings = [found.describe()] if found else []
    names = raw.facts.class_names
    if names and not train.targets.is_floating_point():
        untrained = sorted(set(range(len(names))) - set(np.unique(train.targets.numpy()).tolist()))
        if untrained:
            named = ", ".join(f"'{names[one]}'" for one in untrained[:_MOST_NAMED])
            rest = f" and {len(untrained) - _MOST_NAMED} more" if len(untrained) > _MOST_NAMED else ""
            what = "class has" if len(untrained) == 1 else "classes have"
            warnings.append(f"{len(untrained)} {what} no training example: {named}{rest}.")
    return tuple(warnings)


def _leaks(*splits: Inputs) -> Leaks:
    """What stands in more than one of training, validation and test."""
    train, validation, test = splits

    def find() -> bytes:
        return msgspec.json.encode(leaks(train.numpy(), validation.numpy(), test.numpy()))

    try:
        return msgspec.json.decode(found_once(splits, "leaks 1", find), type=Leaks)
    except msgspec.MsgspecError:  # it is not what was kept
        return msgspec.json.decode(find(), type=Leaks)


def clear_cache() -> None:
    """Forgets every loaded set."""
    _CACHE.clear()
    MEMORY.clear()
    TABLES.clear()


remembers(_CACHE.clear)


def _read(request: Request, place: Path | None) -> tuple[RawData, tuple[Hashable, ...]]:
    """The whole set, from the cache where nothing has changed, and the key it is kept under."""
    key = (request.spec.kind, tuple(sorted(request.values.items())), stamp(request, place))
    raw = _CACHE.get(key)
    if not isinstance(raw, RawData):
        raw = read(request, place)
        # The answers of a file are read before its inputs: they would be those of others.
        if request.spec.takes_file and stamp(request, place) != key[-1]:
            raise DataError("The file was changed while it was read: load it again.", file=str(place))
        _CACHE.put(key, raw, raw.bytes)
    return raw, key


def _fingerprint(spec: datasets.DatasetSpec, raw: RawData, request: Request) -> Fingerprint:
    splits = (raw.training,) if spec.undivided else (raw.training, raw.test)
    # What is drawn follows from the settings, which are compared as they stand.
    read = () if spec.offline else tuple(tensor for split in splits for tensor in (split.inputs, split.targets))
    counts = (len(raw.training), len(raw.test))

    def wait() -> None:
        request.report(0, sum(counts), "Looking through")

    def find() -> bytes:
        return content_hash(read, wait).encode()

    content = found_once(read, "content 1", find).decode("ascii", "replace") if read else ""
    return Fingerprint(raw.facts.class_names, counts, content)


def _download(
    spec: datasets.DatasetSpec,
    config: DataConfig,
    data_dir: Path | None,
    progress: Progress | None,
    cancelled: CancelledCheck | None,
) -> Path:
    """Fetches a set that is missing, or what is damaged or missing of one that is there."""
    try:
        found = datasets.locate(config, data_dir)
    except DataError:
        found = None
    folder = download_place(spec, data_dir) if found is None else found
    whole = all(is_regular(folder / name) or is_regular(folder / f"{name}.gz") for name in spec.files)
    fetch_set(spec, folder, progress, cancelled, everything=whole)
    return folder


def _divide(spec: datasets.DatasetSpec, config: DataConfig, raw: RawData) -> tuple[Split, Split]:
    if spec.undivided:
        return raw.training, raw.training
    count = len(raw.training)
    if raw.validation is not None:
        numbers, trained = torch.arange(count), count - raw.validation
        return raw.training.take(numbers[:trained]), raw.training.take(numbers[trained:])
    held_back = datasets.validation_count(config, count)
    if not held_back:
        nothing = torch.zeros(0, dtype=torch.int64)
        return raw.training, raw.training.take(nothing)
    chosen = stratified(raw.training.targets.numpy(), held_back, config.split_seed)
    rest = np.ones(count, bool)
    rest[chosen] = False
    if spec.needs_folder and raw.facts.class_names:
        _check_every_class_is_trained(raw, rest)
    return raw.training.take(torch.from_numpy(np.flatnonzero(rest))), raw.training.take(torch.from_numpy(chosen))


def _check_every_class_is_trained(raw: RawData, trained: NDArray[np.bool_]) -> None:
    """Refuses a division that leaves a class without a training example.

    Raises:
        DataError: The validation share is too large for so few examples.
    """
    labels = raw.training.targets.numpy()
    untrained = np.setdiff1d(labels, labels[trained])
    if len(untrained):
        name = raw.facts.class_names[int(untrained[0])]
        raise DataError(
            f"The class '{name}' has no training example left: {int(trained.sum())} of {len(labels)} examples are left "
            f"for {raw.facts.targets} classes. Choose a smaller validation share.",
            field="data.validation_fraction",
        )


def free_bytes(device: torch.device) -> int | None:
    """Memory that is still free on ``device``; None where it cannot be asked or is the same as the CPU's."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return None


class Feeder:
    """Batches of one split on the training device, in an order that depends on (seed, epoch) alone.

    The whole split is moved to the device once, as it is (uint8), where it takes at most half of what is free there;
    else it stays on the CPU and each batch is copied. What is streamed stays on the disk, and a worker reads a few
    batches ahead. Belongs to one thread.

    Args:
        split: The examples.
        scaler: Applied to every batch on the device.
        batch_size: Examples a batch; the last one of an epoch is smaller where they do not divide evenly.
        device: Where the batches are wanted.
        seed: With the epoch it fixes the order.
        shuffle: False gives the examples in their own order in every epoch, for measuring.
        join_single: Where a last batch would hold a single example, that one joins the batch before it.
        resident: Whether the split lives on the device; None decides by the memory that is free.
        augmentation: What is done to the examples of a batch anew each time, fixed by (seed, epoch, batch); never to
            what :meth:`prepare` gives.
        weights: float[n], how much each example weighs: one that weighs nothing is mixed into no other.
        one_hot: So many classes are written as a row of 0 and 1 in a batch; 0 hands out their numbers.
    """

    def __init__(
        self,
        split: Split,
        scaler: Scaler,
        batch_size: int,
        device: torch.device | str = "cpu",
        seed: int = 0,
        *,
        shuffle: bool = True,
        join_single: bool = False,
        resident: bool | None = None,
        augmentation: Augmentation | None = None,
        weights: Tensor | None = None,
        one_hot: int = 0,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"a batch of {batch_size} examples")
        self.device = torch.empty(0, device=device).device  # "cuda" becomes "cuda:0", as tensors say it
        self.seed = seed
        self.shuffle = shuffle
        self.augmentation = augmentation
        self.count = len(split)
        #: How its batches lie in the epochs; whoever changes their size gives another one.
        self.plan = EpochPlan(self.count, batch_size, join_single=join_single)
        #: The orders of the latest epochs that were asked for.
        self._orders: dict[int, Tensor] = {}
        self.scaler = scaler.to(self.device)
        if isinstance(split.inputs, Streamed):
            resident = False
        elif resident is None:
            free = free_bytes(self.device)
            resident = free is None or 2 * split.bytes <= free
        self.resident = resident
        home = self.device if resident else torch.device("cpu")
        self._inputs: Inputs = split.inputs if isinstance(split.inputs, Streamed) else split.inputs.to(home)
        self._targets = split.targets.to(home)
        self._weights = weights
        self._one_hot = one_hot

    def label(self, targets: Tensor, weights: Tensor | None = None) -> None:
        """Other targets and weights for the same examples, from the next batch on: as many, of the same type."""
        if targets.shape != self._targets.shape:
            raise ValueError(f"{tuple(targets.shape)} targets for {tuple(self._targets.shape)}")
        self._targets = targets.to(self._targets.device)
        self._weights = weights

    @property
    def targets(self) -> Tensor:
        """Of all examples, where the split lives; never written to."""
        return self._targets

    @property
    def batch_size(self) -> int:
        """Examples in a batch, as far as they divide evenly; of the latest size where it is changed in between."""
        return self.plan.last_size

    def __len__(self) -> int:
        """Batches of the first epoch, which is each one where their size is not changed in between."""
        return self.plan.piece_of(0).steps

    def examples_before(self, batch: int, epoch: int = 0) -> int:
        """Examples in the batches of an epoch before this one, from 0."""
        return self.plan.piece_of(epoch).bounds[batch]

    def order(self, epoch: int) -> Tensor:
        """The indices of the examples in the order of one epoch, int64[n] on the CPU; not to be written to.

        Drawn by numpy, whose streams do not depend on the device or on torch's version and whose use leaves torch's own
        random state alone.
        """
        if not self.shuffle:
            return torch.arange(self.count)
        known = self._orders.get(epoch)
        if known is None:
            random = np.random.Generator(np.random.PCG64([self.seed % 2**64, epoch]))
            known = torch.from_numpy(random.permutation(self.count))
            while self._orders and len(self._orders) * self.count >= _REMEMBERED:
                del self._orders[next(iter(self._orders))]
            self._orders[epoch] = known
        return known

    def numbers(self, epoch: int, batch: int) -> list[int]:
        """Which examples the batch of an epoch holds, in its order."""
        first, last = self.plan.piece_of(epoch).bounds[batch : batch + 2]
        chosen: list[int] = self.order(epoch)[first:last].tolist()
        return chosen

    def batches(self, epoch: int = 0, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of one epoch: (inputs float32[b, *shape], targets) on the device.

        Args:
            epoch: Chooses the order.
            start: Number of batches to leave out at the beginning: a run continues in the middle of an epoch.
        """
        bounds = [slice(first, last) for first, last in pairwise(self.plan.piece_of(epoch).bounds[start:])]
        # In their own order a batch is a slice: no indices, no gathering.
        order = self.order(epoch).to(self._inputs.device) if self.shuffle else None
        if isinstance(self._inputs, Streamed):
            read = read_ahead(self._inputs, (part if order is None else order[part] for part in bounds))
        else:
            own = self._inputs
            read = (own[part] if order is None else own.index_select(0, order[part]) for part in bounds)
        for batch, part in enumerate(bounds, start):
            # The targets are taken now and not ahead: they may become others between two batches.
            targets = self._targets[part] if order is None else self._targets.index_select(0, order[part])
            yield self._augmented(next(read), targets, (epoch, batch))

    def prepare(self, indices: Sequence[int] | Tensor) -> Tensor:
        """The examples at ``indices`` as the network sees them, float32[n, *shape] on the device."""
        return self._ready(*self._taken(indices))[0]

    def targets_of(self, indices: Sequence[int] | Tensor) -> Tensor:
        """The targets at ``indices``, on the device."""
        return self._moved(self._taken(indices)[1])

    def _taken(self, indices: Sequence[int] | Tensor) -> tuple[Tensor, Tensor]:
        chosen = torch.as_tensor(indices, dtype=torch.int64).to(self._inputs.device)
        return self._inputs.index_select(0, chosen), self._targets.index_select(0, chosen)

    def _moved(self, tensor: Tensor) -> Tensor:
        if tensor.device == self.device:
            return tensor
        if self.device.type == "cuda":  # pinned memory lets the copy run beside the computation
            return tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor.to(self.device)

    def _augmented(self, inputs: Tensor, targets: Tensor, place: tuple[int, int]) -> tuple[Tensor, Tensor]:
        if self._one_hot:
            targets = one_hot(targets.reshape(-1), self._one_hot).to(torch.float32)
        if self.augmentation is None:
            return self._ready(inputs, targets)
        inputs, targets = self._moved(inputs), self._moved(targets)
        drawn = self.augmentation.at(self.seed, *place)
        apart = None
        if self._weights is not None:
            apart = self._weights[torch.tensor(self.numbers(*place))] == 0
        return drawn.together(self.scaler.apply(drawn.each(inputs)), targets, apart)

    def _ready(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        # Bytes travel, floats are made on the device: a quarter of the traffic.
        return self.scaler.apply(self._moved(inputs)), self._moved(targets)
