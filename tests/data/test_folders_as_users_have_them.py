"""Folders of pictures as people have them: transparent, deep, rare, divided, nested, littered, damaged."""

from __future__ import annotations

import io
import struct
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from nnviz.data import datasets, folders, image_files, images
from nnviz.data.division import stratified
from nnviz.data.image_files import BACKGROUNDS, Extent, Levels, read_image
from nnviz.data.images import ReadPictures
from nnviz.data.picture_memory import PictureMemory
from nnviz.data.tensors import LoadedData, load
from nnviz.errors import Cancelled, DataError
from nnviz.project.model import DataConfig


def fill(root: Path, counts: dict[str, int], first: int = 0) -> Path:
    """Each class in its own colour, its pictures numbered by their blue."""
    for which, (name, count) in enumerate(counts.items()):
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            Image.new("RGB", (8, 8), (50 * which, 0, first + number)).save(root / name / f"{first + number}.png")
    return root


def on(root: Path, **params: object) -> DataConfig:
    return DataConfig("image_folder", {"folder": str(root), "size": 8, **params})  # type: ignore[dict-item]


def numbers(split: object) -> list[tuple[int, int]]:
    """(class, number) of the pictures that :func:`fill` made, sorted."""
    inputs, targets = split.inputs, split.targets  # type: ignore[attr-defined]
    assert torch.equal(inputs[:, 0, 0, 0].long(), 50 * targets)
    return sorted(zip(targets.tolist(), inputs[:, 2, 0, 0].tolist(), strict=True))


def every(data: LoadedData) -> int:
    return len(data.train) + len(data.validation) + len(data.test)


# --- transparent -----------------------------------------------------------------------------------------------------


def drawing(mode: str) -> Image.Image:
    """A black line and a half transparent red square on nothing."""
    picture = Image.new("RGBA", (40, 30), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    draw.line((2, 2, 35, 25), fill=(0, 0, 0, 255), width=3)
    draw.rectangle((20, 2, 30, 8), fill=(200, 10, 10, 128))
    return picture.convert(mode)


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize(("mode", "ending"), [("RGBA", "png"), ("LA", "png"), ("RGBA", "webp"), ("P", "gif")])
@pytest.mark.parametrize("channels", [1, 3])
def test_transparent_pictures_are_laid_on_a_background(
    tmp_path: Path, mode: str, ending: str, channels: int, background: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"x.{ending}"
    options = {"lossless": True, "exact": True} if ending == "webp" else {}
    drawing(mode).save(path, **options)
    with Image.open(path) as written:
        pixels = np.asarray(written.convert("RGBA"), np.float64)
    alpha = pixels[..., 3:] / 255
    expected = np.rint(pixels[..., :3] * alpha + np.array(BACKGROUNDS[background]) * (1 - alpha)).astype(np.uint8)
    square = Image.fromarray(expected[:, 5:35])
    if channels == 1:
        square = square.convert("L")
    monkeypatch.setattr(image_files, "_STRIP", 100)
    found = read_image(path, 30, channels, background).astype(int)
    reference = np.asarray(square, int).reshape(30, 30, channels).transpose(2, 0, 1)
    assert np.abs(found - reference).max() <= 1
    assert len(np.unique(found)) >= 2


@pytest.mark.parametrize("size", [(40, 10), (7, 21), (300, 1)])
def test_other_proportions_fit_or_are_squeezed(tmp_path: Path, size: tuple[int, int]) -> None:
    tones = np.add.outer(np.arange(size[1]), np.arange(size[0])) * (200 / sum(size))
    picture = Image.fromarray(tones.astype(np.uint8))
    picture.save(tmp_path / "x.png")
    squeezed = np.asarray(picture.resize((20, 20), Image.Resampling.BICUBIC))
    assert np.array_equal(read_image(tmp_path / "x.png", 20, 1, how="squash")[0], squeezed)
    found = read_image(tmp_path / "x.png", 20, 3, "grey", how="fit")
    width, height = (max(1, round(20 * side / max(size))) for side in size)
    left, top = (20 - width) // 2, (20 - height) // 2
    inside = np.zeros((20, 20), bool)
    inside[top : top + height, left : left + width] = True
    assert (found[:, ~inside] == 128).all()
    fitted = np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC))
    assert np.array_equal(found[0][inside].reshape(height, width), fitted)


def test_a_black_dot_on_nothing_is_seen(tmp_path: Path) -> None:
    dot = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    dot.putpixel((4, 4), (0, 0, 0, 255))
    dot.save(tmp_path / "dot.png")
    found = read_image(tmp_path / "dot.png", 8, 1)
    assert found[0, 4, 4] == 0 and (found == 255).sum() == 63


def test_the_background_is_a_setting(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(4):
            Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(tmp_path / name / f"{number}.png")
    for background, grey in (("white", 255), ("grey", 128), ("black", 0)):
        assert bool((load(on(tmp_path, background=background)).train.inputs == grey).all())
    assert bool((load(on(tmp_path)).train.inputs == 255).all()), "white unless said otherwise"


# --- more than 8 bits ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "whole", "levels"),
    [
        (0, 255, True, (0, 255)),
        (0, 1000, True, (0, 1023)),
        (10, 4095, True, (0, 4095)),
        (0, 16000, True, (0, 16383)),
        (0, 65535, True, (0, 65535)),
        (30000, 31000, True, (30000, 31000)),
        (-1000, 3000, True, (-1000, 3000)),
        (0, 100_000, True, (0, 100_000)),
        (0.0, 1.0, False, (0, 1)),
        (0.2, 0.9, False, (0, 1)),
        (0.4, 0.5, False, (0.4, 0.5)),
        (0.0, 200.0, False, (0, 255)),
        (-1.0, 1.0, False, (-1, 1)),
        (7, 7, True, (0, 255)),
        (-7, -7, True, (-7, 0)),
        (1e30, 1e30, False, (1e30, 2e30)),
    ],
)
def test_levels_by_content(low: float, high: float, whole: bool, levels: tuple[float, float]) -> None:
    found = Levels.of([Extent(low, high, whole)])
    assert (found.whole if whole else found.real) == levels
    assert (found.real if whole else found.whole) is None


def save_deep(path: Path, values: NDArray[np.generic]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)


@pytest.mark.parametrize(("kind", "black", "white"), [("uint16", 0, 4095), ("float32", -2.5, 2.5)])
def test_one_rule_for_all_pictures_of_a_set(tmp_path: Path, kind: str, black: float, white: float) -> None:
    """A bright and a dark class stay bright and dark, and twelve bits are not black."""
    random = np.random.default_rng(0)
    written: dict[str, NDArray[np.float64]] = {}
    for name, (low, high) in {"bright": (0.7, 1.0), "dark": (0.0, 0.2)}.items():
        for number in range(6):
            share = random.uniform(low, high, (8, 8))
            share[0, 0] = {"bright": 1.0, "dark": 0.0}[name]
            values = (black + share * (white - black)).astype(kind)
            save_deep(tmp_path / name / f"{number}.tif", values)
            written[f"{name}{number}"] = values.astype(np.float64)
    found = datasets.inspect(on(tmp_path, channels="1"))
    assert any(f"{black:,.6g} is black and {white:,.6g} is white" in note for note in found.notes)
    files = [file for name in ("bright", "dark") for file in sorted((tmp_path / name).iterdir())]
    read = images.read_pictures(files, 8, 1, "white", lambda done: None)
    for file, pixels in zip(files, read.pixels, strict=True):
        values = written[f"{file.parent.name}{file.stem}"]
        assert np.abs(pixels[0] - (values - black) * 255 / (white - black)).max() <= 0.51
    data = load(on(tmp_path, channels="1"))
    brightness = data.train.inputs.double().mean((1, 2, 3))
    assert brightness[data.train.targets == 0].min() > 150 and brightness[data.train.targets == 1].max() < 60


def test_ordinary_pictures_beside_deep_ones_stay_what_they_are(tmp_path: Path) -> None:
    fill(tmp_path, {"a": 4, "b": 4})
    save_deep(tmp_path / "a" / "deep.png", np.full((8, 8), 3000, np.uint16) + np.eye(8, dtype=np.uint16) * 1000)
    files = [file for name in "ab" for file in sorted((tmp_path / name).iterdir())]
    plain = [file for file in files if file.stem != "deep"]
    read = images.read_pictures(files, 8, 3, "white", lambda done: None)
    for number, file in enumerate(files):
        if file in plain:
            assert np.array_equal(read.pixels[number], read_image(file, 8, 3))


def png_of(values: NDArray[np.uint16], colour_type: int, more: bytes = b"") -> bytes:
    """A PNG of 16 bits as its specification says (ISO/IEC 15948), each row less the pixel before (filter 1)."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    height, width, samples = values.shape
    rows = values.astype(">u2").view(np.uint8).reshape(height, width * samples * 2)
    before = np.pad(rows, ((0, 0), (2 * samples, 0)))[:, : rows.shape[1]]
    content = np.hstack([np.ones((height, 1), np.uint8), rows - before]).tobytes()
    head = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + (chunk(b"tRNS", more) if more else b"")
        + chunk(b"IDAT", zlib.compress(content))
        + chunk(b"IEND", b"")
    )


def tiff_of(values: NDArray[np.uint16]) -> bytes:
    """A TIFF of 16 bits in colour, as TIFF 6.0 says: the pixels as they are, behind them what they are."""
    height, width, samples = values.shape
    pixels = values.astype("<u2").tobytes()
    bits = 8 + len(pixels)
    entries = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, bits), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 8),
        (277, 3, 1, samples), (278, 4, 1, height), (279, 4, 1, len(pixels)),
    ]  # fmt: skip
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *one) for one in entries) + bytes(4)
    return b"II*\0" + struct.pack("<I", bits + 6) + pixels + struct.pack("<3H", 16, 16, 16) + directory


@pytest.mark.parametrize("top", [4095, 65535])
def test_colours_of_16_bits_keep_all_of_them(tmp_path: Path, top: int) -> None:
    """Twelve bits in sixteen are not black, and transparency is laid on the background; written without Pillow."""
    random = np.random.default_rng(top)
    values = random.integers(0, top + 1, (8, 8, 3)).astype(np.uint16)
    values[0, 0] = 0, top // 2, top
    expected = np.rint(values * (255.0 / top)).transpose(2, 0, 1)
    file = tmp_path / "colour.png"
    file.write_bytes(png_of(values, 2))
    assert np.array_equal(read_image(file, 8, 3), expected)
    # One colour is none: that of the second pixel.
    file.write_bytes(png_of(values, 2, values[0, 1].astype(">u2").tobytes()))
    holed = expected.copy()
    holed[:, 0, 1] = 255
    assert np.array_equal(read_image(file, 8, 3), holed)
    alpha = np.full((8, 8, 1), 65535, np.uint16)
    alpha[3] = 0
    file.write_bytes(png_of(np.dstack([values, alpha]), 6))
    laid = expected.copy()
    laid[:, 3] = 0
    assert np.array_equal(read_image(file, 8, 3, "black"), laid)
    file.write_bytes(png_of(np.dstack([values[..., 2:], alpha]), 4))
    assert np.abs(read_image(file, 8, 1, "black")[0].astype(int) - laid[2]).max() <= 1
    (tmp_path / "colour.tif").write_bytes(tiff_of(values))
    assert np.array_equal(read_image(tmp_path / "colour.tif", 8, 3), expected)
    # A set goes by what all of its pictures hold, the grey ones too.
    file.write_bytes(png_of(values // 8, 2))
    save_deep(tmp_path / "grey.png", values[..., 0])
    read = images.read_pictures([file, tmp_path / "grey.png"], 8, 3, "white", lambda done: None)
    assert read.levels == Levels((0.0, float(top)))
    assert np.abs(read.pixels[0] - (values // 8 * (255.0 / top)).transpose(2, 0, 1)).max() <= 0.51


def planar_tiff_of(
    values: NDArray[np.uint16],
    order: str,
    compression: int,
    predictor: int,
    tiled: bool,
    extra: int | None = None,
    colours: int = 2,
) -> bytes:
    """A TIFF of 16 bits, each colour a plane of its own, in strips of 3 rows or tiles of 16 x 16, as TIFF 6.0 says."""
    height, width, samples = values.shape
    parts: list[bytes] = []
    for plane in np.moveaxis(values, 2, 0):
        if tiled:
            full = np.zeros((-height % 16 + height, -width % 16 + width), np.uint16)
            full[:height, :width] = plane
            pieces = [
                full[top : top + 16, left : left + 16]
                for top in range(0, len(full), 16)
                for left in range(0, full.shape[1], 16)
            ]
        else:
            pieces = [plane[top : top + 3] for top in range(0, height, 3)]
        for piece in pieces:
            before = np.pad(piece, ((0, 0), (1, 0)))[:, :-1] if predictor == 2 else np.uint16(0)
            content = (piece - before).astype(f"{order}u2").tobytes()
            parts.append(zlib.compress(content) if compression == 8 else content)
    content, places = bytearray(8), []
    for part in parts:
        places.append(len(content))
        content += part + bytes(len(part) % 2)
    several = {258: (3, [16] * samples), 273 + 51 * tiled: (4, places), 279 + 46 * tiled: (4, [len(p) for p in parts])}
    entries: dict[int, tuple[int, list[int]]] = {
        256: (4, [width]), 257: (4, [height]), 259: (3, [compression]), 262: (3, [colours if samples > 1 else 1]),
        277: (3, [samples]), 284: (3, [2]), 317: (3, [predictor]), **several,
    }  # fmt: skip
    entries |= {322: (4, [16]), 323: (4, [16])} if tiled else {278: (4, [3])}
    entries |= {} if extra is None else {338: (3, [extra])}
    directory = b""
    for tag, (kind, numbers) in sorted(entries.items()):
        packed = struct.pack(f"{order}{len(numbers)}{'HL'[kind - 3]}", *numbers)
        if len(packed) > 4:
            packed, at = struct.pack(f"{order}L", len(content)), packed
            content += at + bytes(len(at) % 2)
        directory += struct.pack(f"{order}HHL", tag, kind, len(numbers)) + packed.ljust(4, b"\0")
    content[:8] = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HL", 42, len(content))
    return bytes(content) + struct.pack(f"{order}H", len(entries)) + directory + bytes(4)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize(("compression", "predictor"), [(1, 1), (8, 1), (8, 2)])
def test_planes_of_16_bits_keep_all_of_them(
    tmp_path: Path, order: str, tiled: bool, compression: int, predictor: int
) -> None:
    """Numbers whose upper bytes are nearly alike; written without Pillow, and laid on what is behind them."""
    random = np.random.default_rng(compression + predictor)
    values = random.integers(20_000, 21_001, (20, 20, 4)).astype(np.uint16)
    values[0, 0], values[0, 1] = 20_000, 21_000
    expected = np.rint((values[..., :3] - 20_000.0) * 0.255).transpose(2, 0, 1)
    file = tmp_path / "planes.tif"
    how = order, compression, predictor, tiled
    file.write_bytes(planar_tiff_of(values[..., :3], *how))
    assert np.array_equal(read_image(file, 20, 3), expected)
    file.write_bytes(planar_tiff_of(values[..., :1], *how))
    assert np.array_equal(read_image(file, 20, 1), expected[:1])
    values[..., 3] = np.where(np.arange(20) % 2, 65_535, 0)[:, None]
    file.write_bytes(planar_tiff_of(values, *how, extra=2))
    laid = expected.copy()
    laid[:, ::2] = 255
    assert np.array_equal(read_image(file, 20, 3), laid)
    # Weakened to half already, which is taken back before it is laid on black.
    half = values.copy()
    half[..., :3] = np.rint(values[..., :3] * (32_768 / 65_535))
    half[..., 3] = 32_768
    file.write_bytes(planar_tiff_of(half, *how, extra=1))
    assert np.abs(read_image(file, 20, 3, "black") - expected / 2).max() <= 2
    # Four inks: of each the upper byte, as where they lie side by side.
    inks = random.integers(0, 65_536, (20, 20, 4)).astype(np.uint16)
    file.write_bytes(planar_tiff_of(inks, *how, colours=5))
    shown = np.asarray(Image.fromarray((inks >> 8).astype(np.uint8), "CMYK").convert("RGB"))
    assert np.array_equal(read_image(file, 20, 3), shown.transpose(2, 0, 1))


def test_other_colours_of_16_bits_keep_all_of_them(tmp_path: Path) -> None:
    """Colours side by side with a fourth number that means nothing, or weakens them; and those of a PPM."""
    values = np.random.default_rng(3).integers(20_000, 21_001, (8, 8, 4)).astype(np.uint16)
    values[0, 0], values[0, 1] = 20_000, 21_000
    expected = np.rint((values[..., :3] - 20_000.0) * 0.255).transpose(2, 0, 1)
    (tmp_path / "a.ppm").write_bytes(b"P6 8 8 65535\n" + values[..., :3].astype(">u2").tobytes())
    assert np.array_equal(read_image(tmp_path / "a.ppm", 8, 3), expected)
    # 12 bits, as a grey PGM of them has them: the largest number that it allows is white.
    twelve = np.random.default_rng(4).integers(0, 4096, (8, 8, 3))
    (tmp_path / "b.ppm").write_bytes(b"P6 8 8 4095\n" + twelve.astype(">u2").tobytes())
    assert np.abs(read_image(tmp_path / "b.ppm", 8, 3) - twelve.transpose(2, 0, 1) * (255 / 4095)).max() <= 0.51
    # The same written as decimal numbers, with remarks between them.
    for name, pixels, most in (("a", values[..., :3], 65_535), ("b", twelve, 4095)):
        text = "\n".join(" ".join(map(str, row.reshape(-1))) + " # 999 of a row" for row in pixels)
        (tmp_path / "plain.ppm").write_text(f"P3\n# made by hand\n8 8\n{most}\n{text}\n")
        assert np.array_equal(read_image(tmp_path / "plain.ppm", 8, 3), read_image(tmp_path / f"{name}.ppm", 8, 3))
    for damage, words in ((text[:90], "not 192"), (text.replace(" ", " -", 1), "stands between"), ("", "0 numbers")):
        (tmp_path / "plain.ppm").write_text(f"P3 8 8 4095\n{damage}")
        with pytest.raises(DataError, match=words):
            read_image(tmp_path / "plain.ppm", 8, 3)
    (tmp_path / "plain.ppm").write_text(f"P3 8 8 300\n{text}")
    with pytest.raises(DataError, match="is above 300"):
        read_image(tmp_path / "plain.ppm", 8, 3)
    for extra, factor in ((0, 1.0), (1, 0.5)):
        pixels = values.copy()
        if extra:
            pixels[..., :3] = np.rint(values[..., :3] * (32_768 / 65_535))
            pixels[..., 3] = 32_768
        entries = [
            (256, 4, 1, 8), (257, 4, 1, 8), (258, 3, 4, 8), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 16),
            (277, 3, 1, 4), (278, 4, 1, 8), (279, 4, 1, 512), (338, 3, 1, extra),
        ]  # fmt: skip
        directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *one) for one in entries)
        head = b"II*\0" + struct.pack("<I4H", 16 + 512, 16, 16, 16, 16)
        (tmp_path / "c.tif").write_bytes(head + pixels.astype("<u2").tobytes() + directory + bytes(4))
        read = read_image(tmp_path / "c.tif", 8, 3, "black")
        assert np.abs(read - expected * factor).max() <= (2 if extra else 0)


# --- rare classes ----------------------------------------------------------------------------------------------------


@given(labels=st.lists(st.integers(0, 6), min_size=1, max_size=80), share=st.floats(0, 1), seed=st.integers(0, 99))
def test_what_is_left_holds_every_class_as_long_as_the_number_allows(
    labels: list[int], share: float, seed: int
) -> None:
    targets = np.array(labels)
    count = round(share * len(labels))
    left = np.setdiff1d(np.arange(len(labels)), stratified(targets, count, seed))
    classes = len(set(labels))
    assert len(left) == len(labels) - count
    assert len(set(targets[left].tolist())) == min(classes, len(left))


@pytest.mark.parametrize("seed", range(8))
def test_every_class_is_trained_on(tmp_path: Path, seed: int) -> None:
    fill(tmp_path, {"cat": 8, "dog": 8, "owl": 1, "emu": 2})
    config = DataConfig("image_folder", {"folder": str(tmp_path), "size": 8}, split_seed=seed)
    data = load(config)
    assert set(data.train.targets.tolist()) == {0, 1, 2, 3} and every(data) == 19
    warnings = datasets.inspect(config).warnings
    assert warnings == (
        "The class 'owl' has one picture: it is trained on, and nothing tells how well it is recognised.",
    )


def test_a_share_that_leaves_a_class_without_training_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, dict.fromkeys(("a", "b", "c", "d"), 2))
    config = DataConfig("image_folder", {"folder": str(tmp_path), "size": 8}, validation_fraction=0.8)
    with pytest.raises(DataError, match="no training example left: 1 of 6 examples are left for 4 classes") as caught:
        load(config)
    assert caught.value.field == "data.validation_fraction"


# --- splits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [("train", "val"), ("Train", "VALID"), ("training", "validation")])
def test_train_and_val_are_the_splits(tmp_path: Path, names: tuple[str, str]) -> None:
    fill(tmp_path / names[0], {"cat": 5, "dog": 5})
    fill(tmp_path / names[1], {"cat": 3, "dog": 2}, first=100)
    data = load(on(tmp_path))
    assert numbers(data.train) == [(label, number) for label in (0, 1) for number in range(5)]
    assert numbers(data.validation) == [(0, 100), (0, 101), (0, 102), (1, 100), (1, 101)]
    assert len(data.test) == 0 and datasets.split_sizes(on(tmp_path)) == (10, 5, 0)
    (note,) = datasets.inspect(on(tmp_path)).notes
    assert f"'{names[1]}' the validation split" in note and "no test split" in note and "no effect" in note


def test_three_splits_are_all_used_each_in_its_place(tmp_path: Path) -> None:
    for part, first in (("train", 0), ("valid", 100), ("test", 200)):
        fill(tmp_path / part, {"cat": 5, "dog": 5}, first)
    (tmp_path / "valid" / "cat" / "100.png").write_bytes(b"damaged")
    data = load(on(tmp_path))
    for split, first in ((data.train, 0), (data.validation, 100), (data.test, 200)):
        assert {number // 100 * 100 for _, number in numbers(split)} == {first}
    assert (len(data.train), len(data.validation), len(data.test)) == datasets.split_sizes(on(tmp_path)) == (10, 9, 10)


def test_splits_that_cannot_be_told_apart_and_classes_called_so(tmp_path: Path) -> None:
    for part in ("train", "val", "validation"):
        fill(tmp_path / "both" / part, {"cat": 2, "dog": 2})
    with pytest.raises(DataError, match="'val' and 'validation' would be the same split"):
        datasets.facts(on(tmp_path / "both"))
    fill(tmp_path / "vehicles", {"plane": 3, "train": 3})
    assert datasets.facts(on(tmp_path / "vehicles")).class_names == ("plane", "train")
    fill(tmp_path / "alone" / "train", {"cat": 5, "dog": 5})
    assert datasets.facts(on(tmp_path / "alone")).class_names == ("cat", "dog")
    assert every(load(on(tmp_path / "alone"))) == 10
    fill(tmp_path / "wrapped" / "pets", {"cat": 5, "dog": 5})
    with pytest.raises(DataError, match=r"only the class 'pets'.*choose 'pets' itself"):
        datasets.facts(on(tmp_path / "wrapped"))


# --- what else lies there --------------------------------------------------------------------------------------------


def test_files_of_the_system_are_left_out_and_counted(tmp_path: Path) -> None:
    fill(tmp_path, {"cat": 6, "dog": 6})
    (tmp_path / "cat" / "._0.png").write_bytes(bytes.fromhex("0005160700020000") + bytes(116))
    (tmp_path / "cat" / ".DS_Store").write_bytes(b"Bud1")
    (tmp_path / "dog" / "Thumbs.db").write_bytes(b"db")
    fill(tmp_path / "__MACOSX", {"cat": 2})
    found = datasets.inspect(on(tmp_path))
    assert found.data.class_names == ("cat", "dog") and sum(found.sizes) == 12
    assert found.warnings == () and found.notes == (".DS_Store: 3 files of the system left out.",)
    assert every(load(on(tmp_path))) == 12


def test_pictures_in_folders_inside_a_class_are_taken(tmp_path: Path) -> None:
    fill(tmp_path, {"cat": 3, "dog": 3})
    fill(tmp_path / "cat", {"persian": 5}, first=50)
    (tmp_path / "dog" / "a" / "b").mkdir(parents=True)
    fill(tmp_path / "dog" / "a", {"b": 4}, first=90)
    found = folders.image_files(str(tmp_path)).training
    assert [len(files) for files in found] == [8, 7] and every(load(on(tmp_path))) == 15
    fill(tmp_path / "dog" / "a", {"b": 1}, first=99)
    assert every(load(on(tmp_path))) == 16, "a change deep inside is noticed"


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    fill(tmp_path, {"cat": 3, "dog": 3})
    try:
        (tmp_path / "cat" / "again").symlink_to(tmp_path / "cat", target_is_directory=True)
    except OSError:
        pytest.skip("no links can be made here")
    assert [len(files) for files in folders.image_files(str(tmp_path)).training] == [3, 3]


def test_all_endings_that_can_be_read_are(tmp_path: Path) -> None:
    fill(tmp_path, {"cat": 5, "dog": 5})
    for name in ("cat", "dog"):
        Image.new("RGB", (8, 8), (9, 9, 9)).save(tmp_path / name / "x.jfif", format="JPEG")
        try:
            Image.new("RGB", (8, 8), (9, 9, 9)).save(tmp_path / name / "y.avif")
        except (KeyError, OSError):
            pytest.skip("this Pillow was built without AVIF")
    assert every(load(on(tmp_path))) == 14


def test_avif_without_a_reader_is_named_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, {"cat": 5, "dog": 5})
    (tmp_path / "cat" / "y.avif").write_bytes(b"\0\0\0\x1cftypavif" + bytes(100))
    monkeypatch.setattr(image_files, "_KNOWN", tuple(name for name in image_files._KNOWN if name != "AVIF"))
    (warning,) = datasets.inspect(on(tmp_path)).warnings
    assert warning.startswith(f"Left out: {Path('cat', 'y.avif')}: ") and "built without AVIF" in warning


def test_pictures_that_nobody_reads_here_are_counted(tmp_path: Path) -> None:
    fill(tmp_path, {"cat": 5, "dog": 5})
    for number in range(3):
        (tmp_path / "dog" / f"{number}.HEIC").write_bytes(b"x")
    (warning,) = datasets.inspect(on(tmp_path)).warnings
    assert "3 files were left out" in warning and ".heic" in warning and "0.HEIC" in warning


# --- damaged ---------------------------------------------------------------------------------------------------------


def cut_jpeg() -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    written = io.BytesIO()
    Image.fromarray(noise).save(written, "JPEG")
    return written.getvalue()[:900]


def test_one_damaged_picture_is_left_out_and_named(tmp_path: Path) -> None:
    fill(tmp_path, {"cat": 6, "dog": 5})
    (tmp_path / "dog" / "3a.jpg").write_bytes(cut_jpeg())
    found = datasets.inspect(on(tmp_path))
    (warning,) = found.warnings
    assert warning.startswith(f"Left out: {Path('dog', '3a.jpg')}: ") and "truncated" in warning
    data = load(on(tmp_path))
    assert every(data) == sum(found.sizes) == 11
    seen = Counter(pair for split in (data.train, data.validation, data.test) for pair in numbers(split))
    assert seen == Counter([(0, number) for number in range(6)] + [(1, number) for number in range(5)])


def test_a_class_of_damaged_pictures_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, {"cat": 6, "dog": 0})
    for number in range(3):
        (tmp_path / "dog" / f"{number}.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="None of the 3 pictures of this class can be read") as caught:
        datasets.facts(on(tmp_path))
    assert caught.value.file == str(tmp_path / "dog" / "0.png")


def test_a_lack_of_memory_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, {"cat": 3, "dog": 3})

    def lacking(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(image_files, "_checked_pixels", lacking)
    with pytest.raises(DataError, match="not enough memory"):
        datasets.facts(on(tmp_path))


def test_a_folder_is_read_once_for_looking_and_loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, {"cat": 6, "dog": 6})
    read: list[int] = []
    reading = images.read_pictures

    def counted(files: list[Path], *rest: object) -> ReadPictures:
        read.append(len(files))
        return reading(files, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(images, "read_pictures", counted)
    for _ in range(2):
        datasets.inspect(on(tmp_path))
        load(on(tmp_path))
    assert read == [12]


def test_who_waits_for_another_reader_can_give_up() -> None:
    memory = PictureMemory()
    asked = []

    def inside() -> ReadPictures:
        def give_up() -> None:
            asked.append(1)
            raise Cancelled("enough")

        with pytest.raises(Cancelled):
            memory.about("other", pytest.fail, give_up)
        return ReadPictures(np.zeros((1, 1, 2, 2), np.uint8), np.zeros(1, np.int64), (), Levels())

    assert len(memory.about("one", inside, lambda: None).pixels) == 0 and asked == [1]
    assert len(memory.take("one", pytest.fail, lambda: None).pixels) == 1, "kept for who loads it"
