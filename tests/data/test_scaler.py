"""Scaling against numpy in double precision."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from nnviz.data import picture_steps, selection
from nnviz.data.preparation import STEPS, moments
from nnviz.data.tensors import Scaler, Split
from nnviz.errors import DataError
from nnviz.project import registry
from nnviz.project.declared.preparations import BY_SCALING
from nnviz.project.model import Choice


def images(count: int = 50, seed: int = 0) -> Split:
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (count, 3, 5, 4), generator=generator).to(torch.uint8)
    pixels[:, 1] //= 3
    pixels[:, 2] = 7  # a channel that never changes
    return Split(pixels, torch.zeros(count, dtype=torch.int64))


def table() -> Split:
    generator = torch.Generator().manual_seed(1)
    numbers = torch.randn(40, 3, generator=generator) * torch.tensor([1.0, 100.0, 0.0]) + torch.tensor([0.0, 5.0, 2.0])
    return Split(numbers, torch.zeros(40, dtype=torch.int64))


def expected(split: Split, scaling: str) -> np.ndarray:
    raw = split.inputs.numpy().astype(np.float64)
    is_image = split.inputs.dtype == torch.uint8
    axes = (0, 2, 3) if is_image else (0,)
    mean, deviation = raw.mean(axes, keepdims=True), raw.std(axes, keepdims=True)
    full = 255.0 if is_image else 1.0
    return {
        "none": raw,
        "unit": raw / full,
        "centre": (raw - mean) / full,
        "standardise": (raw - mean) / np.where(deviation > 0, deviation, 1),
    }[scaling]


@pytest.mark.parametrize("scaling", ["unit", "centre", "standardise", "none"])
@pytest.mark.parametrize("split", [images(), table()], ids=["images", "table"])
def test_scaling(split: Split, scaling: str) -> None:
    before = split.inputs.clone()
    scaler = Scaler.fit(split, BY_SCALING[scaling])
    scaled = scaler.apply(split.inputs)
    assert scaled.dtype == torch.float32
    np.testing.assert_allclose(scaled.numpy(), expected(split, scaling), rtol=1e-5, atol=1e-4)
    assert torch.equal(split.inputs, before), "the raw examples were written to"
    assert scaler.describe().endswith(".")


def test_unit_is_bit_for_bit_what_torchvision_does() -> None:
    every = torch.arange(256, dtype=torch.uint8).reshape(256, 1, 1, 1)
    scaler = Scaler.fit(Split(every, torch.zeros(256, dtype=torch.int64)), BY_SCALING["unit"])
    assert torch.equal(scaler.apply(every), every.to(torch.float32).div(255))


def test_only_the_training_split_is_asked() -> None:
    train = images(seed=0)
    scaler = Scaler.fit(train, BY_SCALING["standardise"])
    other = scaler.apply(images(seed=9).inputs)
    assert abs(float(other[:, 0].mean())) < 0.1
    assert scaler.fitted_on == 50
    assert "from 50 training examples" in scaler.describe()


def test_descriptions_give_the_real_numbers() -> None:
    flat = Split(torch.full((4, 1, 2, 2), 51, dtype=torch.uint8), torch.zeros(4, dtype=torch.int64))
    assert Scaler.fit(flat, BY_SCALING["unit"]).describe() == "Pixels from 0–255 are divided by 255."
    assert "(51)" in Scaler.fit(flat, BY_SCALING["centre"]).describe()
    assert Scaler.fit(table(), BY_SCALING["unit"]).describe() == "Values are taken as they are."
    assert "each feature" in Scaler.fit(table(), BY_SCALING["standardise"]).describe()


def test_moments_of_images_match_the_straightforward_way_over_several_chunks() -> None:
    generator = torch.Generator().manual_seed(2)
    pixels = torch.randint(0, 256, (9000, 2, 2, 3), generator=generator).to(torch.uint8)
    mean, deviation = moments(pixels)
    straightforward: Tensor = pixels.double().transpose(0, 1).reshape(2, -1)
    assert mean.flatten().tolist() == pytest.approx(straightforward.mean(1).tolist(), rel=1e-12)
    assert deviation.flatten().tolist() == pytest.approx(straightforward.std(1, correction=0).tolist(), rel=1e-12)


def test_unknown_scaling_is_refused() -> None:
    with pytest.raises(DataError, match="no preparation 'log'") as caught:
        Scaler.fit(table(), (Choice("log"),))
    assert caught.value.field == "data.preparation[0].kind"


def test_an_empty_training_split_can_be_scaled() -> None:
    empty = Split(torch.zeros(0, 1, 2, 2, dtype=torch.uint8), torch.zeros(0, dtype=torch.int64))
    for scaling in ("unit", "centre", "standardise"):
        assert Scaler.fit(empty, BY_SCALING[scaling]).apply(empty.inputs).shape == (0, 1, 2, 2)


@pytest.mark.parametrize("split", [images(), table()], ids=["images", "table"])
def test_the_four_usual_preparations_are_bit_for_bit_the_older_scalings(split: Split) -> None:
    """The arithmetic of before they were steps, written out: one float32 subtraction, one float32 division."""
    is_image = split.inputs.dtype == torch.uint8
    full = torch.tensor(255.0) if is_image else None
    mean, deviation = moments(split.inputs)
    divisor = torch.where(deviation > 0, deviation, torch.ones_like(deviation)).float()
    older = {
        "none": (None, None),
        "unit": (None, full),
        "centre": (mean.float(), full),
        "standardise": (mean.float(), divisor),
    }
    for name, (offset, by) in older.items():
        wanted = split.inputs.to(torch.float32, copy=True)
        if offset is not None:
            wanted.sub_(offset)
        if by is not None:
            wanted.div_(by)
        assert torch.equal(Scaler.fit(split, BY_SCALING[name]).apply(split.inputs), wanted), name


def step(kind: str) -> Choice:
    return Choice(kind, {"low": -0.25, "high": 60.0} if kind == "clip" else {})


KINDS = ["scale", "centre", "standardise", "divide", "clip"]


@pytest.mark.parametrize("split", [images(), table()], ids=["images", "table"])
@pytest.mark.parametrize("kinds", [list(kinds) for count in (2, 3) for kinds in itertools.product(KINDS, repeat=count)])
def test_steps_in_a_row_are_as_if_each_were_done_on_its_own(split: Split, kinds: list[str]) -> None:
    wanted = split.inputs.numpy().astype(np.float64)
    is_image = split.inputs.dtype == torch.uint8
    axes = (0, 2, 3) if is_image else (0,)
    for kind in kinds:
        if kind == "scale":
            wanted = wanted / (255.0 if is_image else 1.0)
            continue
        if kind == "divide":
            wanted = wanted / 10.0
            continue
        if kind == "clip":
            wanted = np.clip(wanted, -0.25, 60.0)
            continue
        mean, deviation = wanted.mean(axes, keepdims=True), wanted.std(axes, keepdims=True)
        wanted = wanted - mean
        if kind == "standardise":
            wanted = wanted / np.where(deviation > 1e-9, deviation, 1)
    scaler = Scaler.fit(split, tuple(map(step, kinds)))
    np.testing.assert_allclose(scaler.apply(split.inputs).numpy(), wanted, rtol=1e-5, atol=1e-4)


def test_every_declared_preparation_can_be_carried_out() -> None:
    done = (*STEPS, *picture_steps.STEPS, *selection.STEPS)
    assert sorted(done) == sorted(registry.PREPARATIONS.all)


def test_dividing_by_a_number() -> None:
    split = table()
    scaler = Scaler.fit(split, (Choice("divide", {"by": 4.0}),))
    assert torch.equal(scaler.apply(split.inputs), split.inputs / 4.0)
    assert scaler.describe() == "Values are divided by 4."
    with pytest.raises(DataError, match="above 0") as caught:
        Scaler.fit(split, (Choice("scale"), Choice("divide", {"by": 0.0})))
    assert caught.value.field == "data.preparation[1].params.by"


def test_what_never_changes_has_no_deviation_whatever_its_mean_is_rounded_to() -> None:
    still = Split(torch.full((37, 2), 0.1), torch.zeros(37, dtype=torch.int64))
    mean, deviation = moments(still.inputs)
    assert deviation.tolist() == [0.0, 0.0] and torch.equal(mean, still.inputs[0].double())
    assert Scaler.fit(still, BY_SCALING["standardise"]).apply(still.inputs).abs().max() == 0


def test_clipping_between_two_lines() -> None:
    split = table()
    steps = (Choice("standardise"), Choice("clip", {"low": -1.0, "high": 0.5}), Choice("centre"), Choice("divide"))
    raw = split.inputs.double().numpy()
    deviation = raw.std(0)
    clipped = np.clip((raw - raw.mean(0)) / np.where(deviation > 0, deviation, 1), -1.0, 0.5)
    scaler = Scaler.fit(split, steps)
    np.testing.assert_allclose(scaler.apply(split.inputs).numpy(), (clipped - clipped.mean(0)) / 10, atol=1e-6)
    before = split.inputs.clone()
    scaler.apply(split.inputs)
    assert torch.equal(split.inputs, before), "the raw examples were written to"
    assert len(scaler.parts) == 3 and len(scaler.numbers) == 4
    words = scaler.describe()
    assert "kept between -1 and 0.5" in words and words.endswith("from 40 training examples.")
    assert Scaler.fit(split, (Choice("clip"),)).describe() == "Values are kept between -3 and 3."


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (2.0, -1.0)])
def test_a_range_that_is_none_is_refused(low: float, high: float) -> None:
    with pytest.raises(DataError, match="must lie above low") as caught:
        Scaler.fit(table(), (Choice("scale"), Choice("clip", {"low": low, "high": high})))
    assert caught.value.field == "data.preparation[1].params.high"
