"""Augmentation against torchvision.transforms.v2, picture by picture; and that it touches nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from nnviz.data.augmentation import STEPS, Augmentation
from nnviz.data.tensors import Feeder, Scaler, Split
from nnviz.data.torchvision_bridge import import_torchvision
from nnviz.errors import DataError
from nnviz.project import registry
from nnviz.project.declared.augmentations import TOGETHER
from nnviz.project.model import Choice, DataFacts, ParamValue

FACTS = DataFacts((3, 14, 10), 4, "classes", ("a", "b", "c", "d"))


@pytest.fixture(scope="module")
def v2() -> Any:
    return import_torchvision("torchvision.transforms.v2.functional")


def pictures(count: int = 12, channels: int = 3) -> Tensor:
    """Smooth blobs, so that a wrong direction shows and rounding does not."""
    generator = torch.Generator().manual_seed(3)
    coarse = torch.rand(count, channels, 5, 4, generator=generator) * 255
    fine = torch.nn.functional.interpolate(coarse, (14, 10), mode="bilinear", align_corners=True)
    return fine.round().to(torch.uint8)


class Told(np.random.Generator):
    """A generator that remembers what it drew."""

    def __init__(self) -> None:
        super().__init__(np.random.PCG64(5))
        self.drawn: list[np.ndarray] = []

    def uniform(self, *arguments: Any, **more: Any) -> Any:
        self.drawn.append(super().uniform(*arguments, **more))
        return self.drawn[-1]

    def random(self, *arguments: Any, **more: Any) -> Any:
        self.drawn.append(super().random(*arguments, **more))
        return self.drawn[-1]

    def integers(self, *arguments: Any, **more: Any) -> Any:
        self.drawn.append(super().integers(*arguments, **more))
        return self.drawn[-1]


def done(kind: str, **settings: ParamValue) -> tuple[Tensor, Tensor, list[np.ndarray]]:
    """Pictures before and after a step, and what it drew."""
    before, random = pictures().float(), Told()
    values = registry.AUGMENTATIONS(kind).values(settings)
    return before, STEPS[kind](before.clone(), values, random), random.drawn


def compare(after: Tensor, before: Tensor, slow: Callable[[int, Tensor], Tensor]) -> None:
    wanted = torch.stack([slow(number, picture) for number, picture in enumerate(before)])
    assert (after - wanted).abs().max() < 0.01
    assert (after - before).abs().mean() > 1, "nothing was done"


@pytest.mark.parametrize(("around", "fill"), [("black", 0.0), ("grey", 128.0), ("white", 255.0)])
def test_turned_enlarged_and_moved_as_torchvision_does(v2: Any, around: str, fill: float) -> None:
    def affine(
        picture: Tensor, angle: float = 0.0, down: float = 0.0, right: float = 0.0, scale: float = 1.0
    ) -> Tensor:
        # Filled beforehand: torchvision fades into what it fills with, here the picture does.
        moved = v2.affine(
            picture - fill, angle, [right, down], scale, [0.0, 0.0], interpolation=v2.InterpolationMode.BILINEAR
        )
        return (moved + fill).clamp(0, 255)

    before, after, (angles, _) = done("rotate", degrees=60.0, around=around)
    compare(after, before, lambda number, picture: affine(picture, angle=float(angles[number])))
    before, after, (factors, _) = done("scale", by=0.5, around=around)
    compare(after, before, lambda number, picture: affine(picture, scale=1 + float(factors[number])))
    before, after, (_, _) = done("shift", by=0.3, around=around)
    random = np.random.Generator(np.random.PCG64(5))
    moves = np.round(random.uniform(-0.3, 0.3, (len(before), 2)) * (14, 10))
    assert np.abs(moves).max(axis=0).tolist() == [4, 3]
    compare(after, before, lambda n, picture: affine(picture, down=float(moves[n, 0]), right=float(moves[n, 1])))


def test_colours_as_torchvision_changes_them(v2: Any) -> None:
    before, after, (chance, brightness, contrast, saturation) = done(
        "colour", brightness=0.5, contrast=0.9, saturation=0.9, chance=0.7
    )

    def slow(number: int, picture: Tensor) -> Tensor:
        if chance[number] >= 0.7:
            return picture
        picture = v2.adjust_brightness(picture / 255, 1 + 0.5 * brightness[number])
        picture = v2.adjust_contrast(picture, 1 + 0.9 * contrast[number])
        return v2.adjust_saturation(picture, 1 + 0.9 * saturation[number]) * 255

    compare(after, before, slow)
    assert any(chance >= 0.7)


def test_mirrored_and_covered_pixel_by_pixel() -> None:
    before, after, (across, down) = done("flip", along="both")
    for number, (old, new) in enumerate(zip(before.numpy(), after.numpy(), strict=True)):
        mirrored = old[:, :, ::-1] if across[number] < 0.5 else old
        assert np.array_equal(new, mirrored[:, ::-1] if down[number] < 0.5 else mirrored)
    before, after, (top, left, chance) = done("cut_out", size=0.5, **{"with": "white"})
    for number, (old, new) in enumerate(zip(before.numpy(), after.numpy(), strict=True)):
        if chance[number] < 0.5:
            old[:, top[number] : top[number] + 7, left[number] : left[number] + 5] = 255
        assert np.array_equal(new, old)


def test_what_has_no_strength_changes_nothing() -> None:
    nothing: dict[str, dict[str, ParamValue]] = {
        "flip": {"chance": 0.0}, "shift": {"by": 0.0}, "rotate": {"degrees": 0.0}, "scale": {"by": 0.0},
        "colour": {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0}, "cut_out": {"chance": 0.0},
    }  # fmt: skip
    assert set(nothing) == set(STEPS)
    for kind, settings in nothing.items():
        before, after, _ = done(kind, **settings)
        assert (after - before).abs().max() < 1e-3, kind
    together = {kind for kind, spec in registry.AUGMENTATIONS.all.items() if spec.stage == TOGETHER}
    assert set(STEPS) | together == set(registry.AUGMENTATIONS.all)


def feeder(*chosen: Choice, seed: int = 1, shuffle: bool = True) -> Feeder:
    split = Split(pictures(), torch.arange(12) % 4)
    scaler = Scaler.fit(split, (Choice("standardise", {"per": "pixel"}),))
    return Feeder(split, scaler, 5, "cpu", seed, augmentation=Augmentation.of(chosen, FACTS), shuffle=shuffle)


ALL = tuple(Choice(kind) for kind in registry.AUGMENTATIONS.all)


def test_what_is_drawn_follows_from_seed_epoch_and_batch_alone() -> None:
    before = torch.get_rng_state()
    whole = list(feeder(*ALL).batches(3))
    torch.manual_seed(77)
    again = list(feeder(*ALL).batches(3, start=1))
    assert len(whole) == 3 and len(again) == 2
    for one, other in zip(whole[1:], again, strict=True):
        assert torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])
    torch.set_rng_state(before)
    # In one order, so that only what is drawn can differ.
    first = {key: next(feeder(*ALL, seed=seed, shuffle=False).batches(epoch))[0] for key, seed, epoch in
             ((0, 1, 0), (1, 1, 1), (2, 2, 0))}  # fmt: skip
    assert not any(torch.equal(first[0], first[other]) for other in (1, 2))
    assert torch.equal(feeder(*ALL).prepare([2, 3]), feeder().prepare([2, 3])), "what is measured was augmented"


def test_mixed_examples_have_mixed_answers() -> None:
    """λ is found again from the answers, and then every number of the batch is λ·a + (1 − λ)·b."""
    chosen = Choice("mix_up", {"alpha": 1.0})
    for (mixed, shares), (plain, labels) in zip(feeder(chosen).batches(2), feeder().batches(2), strict=True):
        neighbours = labels.roll(1)
        differs = next(number for number in range(len(labels)) if labels[number] != neighbours[number])
        share = float(shares[differs, labels[differs]])
        assert 0 < share < 1
        for number, (label, neighbour) in enumerate(zip(labels.tolist(), neighbours.tolist(), strict=True)):
            wanted = np.zeros(4)
            wanted[label] += share
            wanted[neighbour] += 1 - share
            assert shares[number].tolist() == pytest.approx(wanted.tolist(), abs=1e-6)
            inputs = share * plain[number].double() + (1 - share) * plain[number - 1].double()
            assert torch.allclose(mixed[number].double(), inputs, atol=1e-5)


def test_what_is_left_out_is_mixed_into_no_other() -> None:
    split = Split(torch.eye(6), torch.zeros(6, 1))
    chosen = Augmentation.of([Choice("mix_up", {"alpha": 1.0})], DataFacts((6,), 1, "regression"))
    weights = torch.tensor([1.0, 0.0, 2.0, 1.0, 0.0, 1.0])
    fed = Feeder(split, Scaler.fit(split, ()), 6, shuffle=False, augmentation=chosen, weights=weights)
    mixed = next(fed.batches(0))[0]
    partners = [set(row.nonzero().flatten().tolist()) for row in mixed]
    assert partners == [{0, 5}, {1}, {0, 2}, {2, 3}, {4}, {3, 5}]


def test_what_cannot_be_done_is_refused() -> None:
    table = DataFacts((3,), 1, "regression")
    with pytest.raises(DataError, match="“Flip” is for pictures") as caught:
        Augmentation.of([Choice("mix_up"), Choice("flip")], table)
    assert caught.value.field == "data.augmentation[1].kind"
    with pytest.raises(DataError, match="no augmentation 'warp'"):
        Augmentation.of([Choice("warp")], FACTS)
    with pytest.raises(DataError) as caught:
        Augmentation.of([Choice("rotate", {"degrees": 999.0})], FACTS)
    assert caught.value.field == "data.augmentation[0].params.degrees"
    assert Augmentation.of([], FACTS) is None
