"""Steps that choose examples and make other pictures, what they are fitted on, and what stands in two splits."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nnviz.data import datasets, picture_steps, tensors
from nnviz.data.curation import curated, mark_of
from nnviz.data.division import stratified
from nnviz.data.leaks import leaks
from nnviz.data.preparation import moments
from nnviz.data.readers import RawData
from nnviz.data.tensors import LoadedData, Scaler, Split, load
from nnviz.data.torchvision_bridge import import_torchvision
from nnviz.data.viewing import view
from nnviz.errors import DataError
from nnviz.project import registry
from nnviz.project.adapt import choose_data
from nnviz.project.model import Choice, Curated, DataConfig, DataFacts, ParamValue
from nnviz.project.samples.templates import sample

SHAPE = (3, 9, 6)
VALIDATION = stratified(np.arange(100) % 10 // 7, 20, 0)


def noise(count: int, low: int, high: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(low, high, (count, *SHAPE), generator=generator).to(torch.uint8)


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Iterator[RawData]:
    """A set of 70 and 30 dark examples of two classes, whose validation and test examples alone are bright."""
    inputs = noise(100, 0, 100, 0)
    inputs[VALIDATION] = noise(20, 200, 256, 1)
    labels = torch.from_numpy(np.arange(100) % 10 // 7)
    test = Split(noise(20, 200, 256, 2), torch.arange(20) % 2)
    raw = RawData(DataFacts(SHAPE, 2, "classes", ("a", "b")), Split(inputs, labels), test)
    tensors.clear_cache()
    monkeypatch.setattr(tensors, "read", lambda request, place: raw)
    yield raw
    tensors.clear_cache()


def prepared(*steps: tuple[str, dict[str, ParamValue]]) -> LoadedData:
    return load(DataConfig(preparation=tuple(Choice(kind, settings) for kind, settings in steps)))


def trained(raw: RawData) -> np.ndarray:
    return np.setdiff1d(np.arange(100), VALIDATION)


@pytest.mark.parametrize("per", ["channel", "pixel"])
def test_statistics_come_from_the_training_split_alone(planted: RawData, per: str) -> None:
    axes = (0, 2, 3) if per == "channel" else (0,)
    dark = planted.training.inputs.numpy()[trained(planted)].astype(np.float64)
    mean, deviation = dark.mean(axes)[..., None, None], dark.std(axes)[..., None, None]
    if per == "pixel":
        mean, deviation = mean[..., 0, 0], deviation[..., 0, 0]
    for kind, by in (("standardise", deviation), ("centre", np.ones_like(mean))):
        data = prepared((kind, {"per": per}))
        for split in (data.train, data.validation, data.test):
            wanted = (split.inputs.numpy() - mean) / by
            np.testing.assert_allclose(data.scaler.apply(split.inputs).numpy(), wanted, rtol=1e-5, atol=1e-4)
        assert data.scaler.apply(data.validation.inputs).mean() > 1.5, "the bright ones were looked at"
        assert f"of each {per}" in data.scaler.describe()


KINDS: tuple[Choice, ...] = (
    Choice("scale"), Choice("clip", {"low": -0.4, "high": 60.0}), Choice("centre"), Choice("centre", {"per": "pixel"}),
    Choice("standardise"), Choice("standardise", {"per": "pixel"}),
)  # fmt: skip


def test_per_pixel_and_per_channel_in_a_row_are_as_if_each_were_done_on_its_own() -> None:
    split = Split(noise(15, 0, 256, 4), torch.zeros(15, dtype=torch.int64))
    split.inputs[:, 1, 2, 3] = 7  # a pixel that never changes
    for steps in itertools.permutations(KINDS, 3):
        wanted = split.inputs.numpy().astype(np.float64)
        for one in steps:
            wanted = one_by_one(one, wanted)
        prepared = Scaler.fit(split, steps).apply(split.inputs).numpy()
        np.testing.assert_allclose(prepared, wanted, rtol=1e-4, atol=1e-4, err_msg=str(steps))


def one_by_one(step: Choice, numbers: np.ndarray) -> np.ndarray:
    """A step on the numbers that come to it, in doubles."""
    if step.kind == "scale":
        return numbers / 255
    if step.kind == "clip":
        return np.clip(numbers, -0.4, 60.0)
    axes = (0,) if step.params else (0, 2, 3)
    deviation = numbers.std(axes, keepdims=True)
    numbers = numbers - numbers.mean(axes, keepdims=True)
    return numbers / np.where(deviation > 1e-9, deviation, 1) if step.kind == "standardise" else numbers


def test_moments_in_several_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnviz.data.streamed.NUMBERS_AT_ONCE", 500)
    inputs = noise(50, 0, 256, 5)
    mean, deviation = moments(inputs, each_pixel=True)
    np.testing.assert_allclose(mean.numpy(), inputs.numpy().mean(0, dtype=np.float64), rtol=1e-12)
    np.testing.assert_allclose(deviation.numpy(), inputs.numpy().astype(np.float64).std(0), rtol=1e-12)


def test_subset_noise_and_balance_change_the_training_split_alone(planted: RawData) -> None:
    whole, part = prepared(), prepared(("subset", {"share": 0.5, "seed": 3}))
    dark = {
        row.numpy().tobytes(): int(label) for row, label in zip(whole.train.inputs, whole.train.targets, strict=True)
    }
    rows = [row.numpy().tobytes() for row in part.train.inputs]
    assert len(set(rows)) == len(rows) == 40 and all(row in dark for row in rows)
    assert Counter(part.train.targets.tolist()) == {0: 28, 1: 12}  # 56 and 24 of 80
    other = prepared(("subset", {"by": "count", "count": 40, "seed": 4}))
    assert len(other.train) == 40 and not torch.equal(other.train.inputs, part.train.inputs)
    assert len(prepared(("subset", {"by": "count", "count": 10**9})).train) == 80

    noisy = prepared(("label_noise", {"share": 0.25}))
    assert noisy.train.true_targets is not None and torch.equal(noisy.train.true_targets, whole.train.targets)
    wrong = torch.nonzero(noisy.train.targets != whole.train.targets).flatten().tolist()
    assert len(wrong) == 20 and torch.equal(noisy.train.inputs, whole.train.inputs)
    assert noisy.describe(wrong[0], "train").endswith(f"(truly {'ab'[int(whole.train.targets[wrong[0]])]})")

    even = prepared(("balance", {}))
    seen = Counter(row.numpy().tobytes() for row in even.train.inputs)
    assert seen.keys() == dark.keys(), "an example was lost"
    for label, times in ((0, {1}), (1, {2, 3})):  # 56 of 24 are twice each and once more for eight of them
        counts = [count for row, count in seen.items() if dark[row] == label]
        assert sum(counts) == 56 and set(counts) == times
    weighed = prepared(("balance", {"by": "weight"}))
    assert torch.equal(weighed.train.inputs, whole.train.inputs) and weighed.train.weights is not None
    by_class = {0: 80 / (2 * 56), 1: 80 / (2 * 24)}
    assert weighed.train.weights.tolist() == pytest.approx([by_class[one] for one in whole.train.targets.tolist()])
    both = prepared(("balance", {}), ("label_noise", {"share": 1.0}), ("subset", {"share": 0.25}))
    assert len(both.train) == 28 and torch.equal(both.train.targets, 1 - both.train.true_targets)  # type: ignore[operator]

    for data in (part, noisy, even, both):
        for name in ("validation", "test"):
            assert torch.equal(data.split(name).inputs, whole.split(name).inputs)
            assert torch.equal(data.split(name).targets, whole.split(name).targets)
        assert data.fingerprint == whole.fingerprint


def test_label_noise_goes_to_every_other_class_alike() -> None:
    config = DataConfig(preparation=(Choice("label_noise", {"share": 1.0}),))
    data = load(config)
    assert data.train.true_targets is not None
    steps = Counter(((data.train.targets - data.train.true_targets) % 10).tolist())
    assert set(steps) == set(range(1, 10)) and max(steps.values()) < 1.6 * min(steps.values())


def by_pillow(picture: np.ndarray, size: tuple[int, int], how: str) -> np.ndarray:
    """The same with Pillow, a picture at a time."""
    image = Image.fromarray(picture.transpose(1, 2, 0))
    height, width = size
    if how == "squash":
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    else:
        factors = height / image.height, width / image.width
        factor = {"fit": min(factors), "fill": max(factors), "crop": 1.0}[how]
        image = image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.BILINEAR)
        canvas = Image.new("RGB", (width, height), (255, 255, 255))
        canvas.paste(image, ((width - image.width) // 2, (height - image.height) // 2))
        image = canvas
    return np.asarray(image).transpose(2, 0, 1)


def test_resized_as_pillow_does(planted: RawData) -> None:
    raw = planted.test.inputs
    values = registry.PREPARATIONS("resize").values({})
    for size, how in itertools.product([(5, 11), (18, 4), (9, 6), (1, 1), (3, 1)], ["squash", "fit", "fill", "crop"]):
        made = picture_steps.STEPS["resize"](raw, {**values, "size": size, "how": how, "rest": "white"})
        assert tuple(made.shape[1:]) == (3, *size)
        for one, other in zip(made[:5].numpy(), raw.numpy(), strict=False):
            wanted = by_pillow(other, size, how)
            assert np.abs(one.astype(int) - wanted.astype(int)).max() <= 1, (size, how)
    data = prepared(("resize", {"size": (5, 11)}))
    assert data.facts.input_shape == (3, 5, 11)
    assert torch.equal(data.test.inputs, picture_steps.STEPS["resize"](raw, {**values, "size": (5, 11)}))
    assert tuple(data.train.inputs.shape) == (80, 3, 5, 11) and tuple(data.validation.inputs.shape) == (20, 3, 5, 11)


def test_grey_and_colour(planted: RawData) -> None:
    grey = prepared(("colour", {}))
    red, green, blue = grey_of = planted.test.inputs.numpy().astype(np.float64).transpose(1, 0, 2, 3)
    assert len(grey_of) == 3 and grey.facts.input_shape == (1, 9, 6)
    assert np.abs(grey.test.inputs[:, 0].numpy() - (0.299 * red + 0.587 * green + 0.114 * blue)).max() < 1.1
    back = prepared(("colour", {}), ("colour", {"to": "colour"}))
    assert back.facts.input_shape == (3, 9, 6) and torch.equal(back.test.inputs, grey.test.inputs.expand(-1, 3, -1, -1))


def test_the_network_and_the_counts_follow_the_steps() -> None:
    project = sample("cnn-32-64")
    steps = (
        Choice("resize", {"size": (20, 32)}),
        Choice("colour", {"to": "colour"}),
        Choice("subset"),
        Choice("scale"),
    )
    config = DataConfig("mnist", preparation=steps)
    assert project.data.dataset == "mnist"
    edit = choose_data(project, config, datasets.facts(config))
    after = edit.apply(project)
    assert after.graph.nodes["input"].params["shape"] == (3, 20, 32)
    assert after.view == project.view and edit.invert(project).apply(after) == project
    assert datasets.split_sizes(config) == (4800, 12000, 10000)
    table = datasets.chosen(config, "wine")
    assert [step.kind for step in table.preparation] == ["subset", "scale"]


def test_what_cannot_be_done_is_refused_by_its_field(planted: RawData) -> None:
    cases: list[tuple[DataConfig, str, str]] = [
        (
            DataConfig(preparation=(Choice("scale"), Choice("resize"))),
            "preparation[1].kind",
            "must stand before “0–255",
        ),
        (DataConfig(preparation=(Choice("resize", {"size": (0, 3)}),)), "preparation[0].params.size", "from 1 to 512"),
        (DataConfig(augmentation=(Choice("flip", {"chance": 2.0}),)), "augmentation[0].params.chance", "from 0 to 1"),
    ]
    for config, field, words in cases:
        with pytest.raises(DataError) as caught:
            load(config)
        assert caught.value.field == f"data.{field}" and words in caught.value.message
    facts = DataFacts((3,), 1, "regression")
    refused = {spec.kind for spec in registry.PREPARATIONS.all.values() if spec.unsuited(facts)}
    assert refused == {"resize", "colour", "label_noise", "balance", "answers"}


def test_steps_take_little_memory_whatever_the_proportions(monkeypatch: pytest.MonkeyPatch) -> None:
    resize, colour = (registry.PREPARATIONS(kind).values({}) for kind in ("resize", "colour"))
    resize = {**resize, "size": (64, 64), "how": "fill", "rest": "white"}
    raw = torch.randint(0, 256, (40, 3, 4, 40), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))

    def made() -> list[torch.Tensor]:
        grey = picture_steps.STEPS["colour"](raw, {**colour, "to": "grey"})
        return [grey, picture_steps.STEPS["resize"](raw, resize)]

    largest: list[int] = []
    functional = import_torchvision("torchvision.transforms.v2.functional")
    whole, real = made(), functional.resize

    def watched(part: torch.Tensor, size: list[int], *, antialias: bool) -> torch.Tensor:
        found: torch.Tensor = real(part, size, antialias=antialias)
        largest.append(found.numel() * 4)
        return found

    monkeypatch.setattr(functional, "resize", watched)
    monkeypatch.setattr(picture_steps, "_TOGETHER_BYTES", 1 << 20)
    assert all(map(torch.equal, made(), whole))
    assert max(largest) == 4 * 2 * 3 * 64 * 640  # two of 480 KB
    with pytest.raises(DataError, match="too extreme for “fill”: choose squash or crop"):
        flat = torch.zeros(1, 1, 1, 4096, dtype=torch.uint8)
        picture_steps.STEPS["resize"](flat, {**resize, "size": (512, 1)})


def test_what_stands_in_two_splits_is_counted(planted: RawData) -> None:
    assert prepared().warnings == ()
    inputs, (first, second, *rest) = planted.training.inputs, VALIDATION.tolist()
    inputs[first] = inputs[trained(planted)[0]]
    inputs[second] = inputs[trained(planted)[1]]
    planted.test.inputs[3] = inputs[rest[0]]
    tensors.clear_cache()
    data = prepared()
    assert data.warnings == (
        "2 of 20 validation examples are trained on as well, and 1 of 20 test examples is also in another split: they "
        "are equal to the last bit.",
    )
    assert not leaks(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros((3, 2)))
    found = leaks(np.array([[0.0, 1.0]]), np.array([[-0.0, 1.0], [1.0, 0.0]]), np.array([[1.0, 0.0]]))
    assert (found.validation, found.test) == ((1, 2), (1, 1))


def test_what_is_decided_about_an_example_holds_for_each_time_it_is_repeated(planted: RawData) -> None:
    """And is found by how it was read, whatever size it has by now."""
    whole = prepared()
    place = int(torch.nonzero(whole.train.targets == 1)[0])
    entry = Curated(whole.train.number(place), mark_of(whole.train.inputs[place]), label="a", weight=0.5)
    data = prepared(("resize", {"size": (4, 4)}), ("balance", {}))
    found = curated(data.train, data.facts, (entry,))
    assert not found.astray and found.weights is not None
    changed = torch.nonzero(found.targets != data.train.targets).flatten().tolist()
    assert len(changed) >= 2 and {data.train.number(one) for one in changed} == {entry.example}
    assert torch.nonzero(found.weights == 0.5).flatten().tolist() == changed


def test_what_is_decided_holds_for_each_time_it_is_repeated_though_it_has_another_number_now(planted: RawData) -> None:
    data = prepared(("balance", {}))
    numbers, counts = torch.unique(data.train.numbers, return_counts=True)
    number = int(numbers[counts >= 2][0])
    entry = Curated(9_999, mark_of(planted.training.inputs[number]), weight=0.5)
    found = curated(data.train, data.facts, (entry,))
    assert data.train.numbers is not None and found.weights is not None and not found.astray
    assert torch.equal(found.weights == 0.5, data.train.numbers == number)


def test_what_is_decided_on_the_data_page_holds_whatever_becomes_of_the_numbers(tmp_path: Path) -> None:
    """Pictures of another size, and a gap that each split fills with another number."""
    table = tmp_path / "table.csv"
    table.write_text("a,b,y\n" + "".join(f"{row},{'' if row % 2 else row**2},{row / 3}\n" for row in range(40)))
    small = Choice("resize", {"size": (4, 4)})
    for config, later in (
        (DataConfig("digits", preparation=(small,)), DataConfig("digits")),
        (DataConfig("digits"), DataConfig("digits", preparation=(small,))),
        (DataConfig("table_file", {"path": str(table)}), DataConfig("table_file", {"path": str(table)}, split_seed=5)),
    ):
        seen, trained = view(config), load(later).train
        assert trained.numbers is not None
        both = sorted({*trained.numbers.tolist()} & {*seen.numbers[0].tolist()})
        assert len(both) > 10
        places = [seen.numbers[0].tolist().index(number) for number in both]
        entries = [Curated(seen.read_as(place), seen.mark_of(place), weight=0.5) for place in places]
        found = curated(trained, load(later).facts, entries)
        assert not found.astray and found.weights is not None
        assert int((found.weights == 0.5).sum()) == len(both)


def test_a_class_without_training_examples_is_named(planted: RawData) -> None:
    planted.training.targets[:] = 1
    tensors.clear_cache()
    assert prepared().warnings == ("1 class has no training example: 'a'.",)
