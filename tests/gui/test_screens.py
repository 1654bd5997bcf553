"""Every window is on the screen with its frame: the pure function, and what uses it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import forked
import opened_on_screens
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QMargins, QPoint, QRect, QSize

from nnviz.gui.parts.screens import LIKELY_FRAME, beside, fitted

places = st.builds(
    QRect, st.integers(-9000, 9000), st.integers(-9000, 9000), st.integers(1, 6000), st.integers(1, 6000)
)
screens = st.builds(
    QRect, st.integers(-4000, 4000), st.integers(-4000, 4000), st.integers(320, 8000), st.integers(240, 4500)
)
frames = st.builds(QMargins, st.integers(0, 12), st.integers(0, 60), st.integers(0, 12), st.integers(0, 12))


@given(places, screens, frames)
def test_the_window_and_its_frame_are_on_the_screen(wanted: QRect, available: QRect, frame: QMargins) -> None:
    assert available.contains(fitted(wanted, available, frame).marginsAdded(frame))


@given(places, screens, frames)
def test_what_is_in_place_stays(wanted: QRect, available: QRect, frame: QMargins) -> None:
    once = fitted(wanted, available, frame)
    assert fitted(once, available, frame) == once
    if available.contains(wanted.marginsAdded(frame)):
        assert once == wanted


@given(places, screens, frames)
def test_it_is_no_smaller_and_moves_no_further_than_it_must(wanted: QRect, available: QRect, frame: QMargins) -> None:
    found, room = fitted(wanted, available, frame), available.marginsRemoved(frame)
    assert found.width() == min(wanted.width(), room.width()) and found.height() == min(wanted.height(), room.height())
    # Each edge is where it was wanted, or at the edge of the screen.
    assert found.left() in {wanted.left(), room.left(), room.right() - found.width() + 1}
    assert found.top() in {wanted.top(), room.top(), room.bottom() - found.height() + 1}


@given(st.lists(st.builds(QPoint, st.integers(-9000, 9000), st.integers(-9000, 9000)), min_size=1, max_size=3), screens)
def test_a_card_opens_at_the_first_place_that_has_room(wanted: list[QPoint], available: QRect) -> None:
    size = QSize(200, 150)
    found = beside(size, wanted, available)
    assert available.contains(found) and found.size() == size
    free = [place for place in wanted if available.marginsRemoved(QMargins(8, 8, 8, 8)).contains(QRect(place, size))]
    if free:
        assert found.topLeft() == free[0]


def opened(folder: Path, screens: list[tuple[int, int, int, int]], moved: list[int] | None = None) -> dict[str, Any]:
    """Where window, welcome, a dialog and a floating panel are on such screens; what is remembered is in the folder."""
    names = "abc"
    config = folder / "screens.json"
    entries = [
        {"name": name, "x": x, "y": y, "width": width, "height": height, "logicalDpi": 96, "dpr": 1}
        for name, (x, y, width, height) in zip(names, screens, strict=False)
    ]
    config.write_text(json.dumps({"synchronousWindowSystemEvents": True, "screens": entries}))
    out = folder / "opened.json"
    out.unlink(missing_ok=True)
    process = forked.context().Process(
        target=opened_on_screens.main,
        args=(f"offscreen:configfile={config}", folder / "settings.ini", moved, out),
        daemon=True,
    )
    process.start()
    process.join(120)
    assert process.exitcode == 0, "see its standard error"
    found: dict[str, Any] = json.loads(out.read_text())
    return found


@pytest.mark.parametrize("size", [(683, 384), (1024, 600), (1366, 768), (1680, 1050), (2560, 1440)])
def test_everything_opens_on_the_screen_with_its_frame(tmp_path: Path, size: tuple[int, int]) -> None:
    found = opened(tmp_path, [(0, 0, *size)])
    screen = QRect(0, 0, *size)
    for name in ("window", "welcome", "page", "floating"):
        assert screen.contains(QRect(*found[f"{name} with its frame"])), (name, found)
    assert screen.contains(QRect(*found["window"]).marginsAdded(LIKELY_FRAME))
    assert found["smallest"][0] <= size[0] and found["smallest"][1] <= size[1] - 36
    if size[0] > 1700:
        assert found["window"][2:] == [1680, 1050]


def test_a_small_screen_overwrites_nothing_of_a_large_one(tmp_path: Path) -> None:
    large, small = [(0, 0, 2560, 1440)], [(0, 0, 1366, 768)]
    mine = [300, 200, 1500, 900]
    opened(tmp_path, large, moved=mine)
    on_small = opened(tmp_path, small, moved=[5, 40, 1100, 650])
    assert on_small["window"] != mine and QRect(0, 0, 1366, 768).contains(QRect(*on_small["window"]))
    again = opened(tmp_path, large)
    assert again["window"] == mine and again["splitter"][0] == 250
    assert opened(tmp_path, small)["window"] == [5, 40, 1100, 650]


def test_a_window_of_a_screen_that_is_gone_is_brought_in(tmp_path: Path) -> None:
    both = [(0, 0, 1366, 768), (1366, 0, 1920, 1080)]
    opened(tmp_path, both, moved=[1800, 100, 1200, 700])
    assert opened(tmp_path, both)["window"] == [1800, 100, 1200, 700]
    alone = QRect(*opened(tmp_path, both[:1])["window"])
    assert QRect(0, 0, 1366, 768).contains(alone.marginsAdded(LIKELY_FRAME))
