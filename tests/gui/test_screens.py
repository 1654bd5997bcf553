"""Every window is on the screen with its frame: the pure function, and what uses it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QMargins, QPoint, QRect, QSize

from nnviz.gui.parts.screens import beside, fitted

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
