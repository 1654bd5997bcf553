"""What is typed behind an option, read as what it means, or refused in one clear sentence."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from nnviz import paths
from nnviz.errors import InputError


def size(text: str) -> tuple[int, int]:
    """Width and height in pixels: ``1680x1050``."""
    width, _, height = text.lower().partition("x")
    try:
        size = int(width), int(height)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 1680x1050") from None
    if not (640 <= size[0] <= 8192 and 400 <= size[1] <= 8192):
        raise argparse.ArgumentTypeError(f"{text!r} is out of range: 640x400 to 8192x8192")
    return size


def setting(text: str) -> tuple[str, str]:
    """A path and the text of its value: ``training.batch_size=64``."""
    path, equals, value = text.partition("=")
    if not equals or not path:
        raise argparse.ArgumentTypeError(f"{text!r} is not PATH=VALUE, such as training.batch_size=64")
    return path, value


def count(text: str) -> int:
    """A whole number from 1."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 100,000")
    return number


def seed(text: str) -> int:
    """A whole number that torch takes for a seed."""
    try:
        number = int(text)
    except ValueError:
        number = -1
    if not 0 <= number < 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {2**31 - 1:,}")
    return number


def minutes(text: str) -> float:
    """A number above 0."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 < found <= 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of minutes above 0")
    return found


def places(text: str) -> tuple[int, ...]:
    """Whole numbers, with commas between several: ``3,4``."""
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if not 1 <= len(numbers) <= 8:
        raise argparse.ArgumentTypeError(f"{text!r} is not one whole number, or several with commas such as 3,4")
    return numbers


def path(text: str) -> Path:
    """A path that a person typed, refused where no file can have it."""
    try:
        return paths.given_path(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
