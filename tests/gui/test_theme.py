from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import shiboken6
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QFontMetricsF, QIcon, QImage, QPainter
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from nnviz.gui.look import icons, pictures, scales, theme
from nnviz.gui.look.scales import Scale
from nnviz.project import registry
from nnviz.resources import resource


def luminance(colour: QColor) -> float:
    """Relative luminance of WCAG 2."""
    parts = (colour.redF(), colour.greenF(), colour.blueF())
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: QColor, second: QColor) -> float:
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.fixture(params=["dark", "light"])
def colours(request: pytest.FixtureRequest, styled: QApplication) -> Iterator[theme.Theme]:
    # It is dark already, and styling an application takes a while.
    yield theme.current() if theme.current().name == request.param else theme.set_theme(request.param)


def test_text_can_be_read_on_everything_it_stands_on(colours: theme.Theme) -> None:
    for ground in (colours.window, colours.panel, colours.panel_raised, colours.field, colours.plot_background):
        assert contrast(colours.text, ground) >= 7
        assert contrast(colours.text_muted, ground) >= 4.5
        assert contrast(colours.text_faint, ground) >= 4.5
        for state in (colours.accent, colours.good, colours.warning, colours.danger, colours.information):
            assert contrast(state, ground) >= 4.5
    for tint in (colours.information, colours.warning, colours.danger):  # notices
        assert contrast(colours.text, theme.mixed(colours.panel_raised, tint, 0.10)) >= 7
    assert contrast(colours.text, theme.mixed(colours.panel_raised, colours.accent, 0.22)) >= 4.5  # what is selected
    assert contrast(colours.accent_text, colours.accent) >= 4.5


def test_every_family_of_layers_has_its_own_colour(colours: theme.Theme) -> None:
    families = {family: colours.family(family).name() for family, _ in registry.FAMILIES}
    assert len(set(families.values())) == len(families)
    for colour in families.values():
        assert contrast(QColor(colour), colours.panel) >= 2.5


def test_the_palette_and_the_stylesheet_follow_the_theme(styled: QApplication) -> None:
    theme.set_theme("light")
    assert styled.palette().window().color() == theme.LIGHT.panel
    assert theme.LIGHT.accent.name() in styled.styleSheet()
    theme.set_theme("dark")
    assert styled.palette().window().color() == theme.DARK.panel
    assert "$" not in styled.styleSheet()


def test_changes_are_told_with_the_theme(styled: QApplication, qtbot: QtBot) -> None:
    with qtbot.waitSignal(theme.notifier.changed) as told:
        theme.set_theme("light")
    assert told.args == [theme.LIGHT]


def test_letters_differ_and_figures_are_equally_wide(styled: QApplication) -> None:
    def drawn(letter: str) -> bytes:
        image = QImage(QSize(24, 24), QImage.Format.Format_RGB32)
        image.fill(QColor("white"))
        painter = QPainter(image)
        painter.setFont(theme.font(16))
        painter.drawText(2, 20, letter)
        painter.end()
        return bytes(image.constBits())

    assert drawn("A") != drawn("B")
    metrics = QFontMetricsF(theme.font(13))
    widths = {metrics.horizontalAdvance(figure * 8) for figure in "0123456789"}
    assert len(widths) == 1
    assert metrics.horizontalAdvance("iiii") < metrics.horizontalAdvance("mmmm")


def test_text_is_never_under_twelve_pixels_and_follows_its_scale(styled: QApplication) -> None:
    assert theme.font(9).pixelSize() == 12
    theme.set_text_scale(32 / 13)
    assert theme.font(13).pixelSize() == 32  # 24 pt at 96 dots an inch
    assert theme.scene_font(13).pixelSize() == 13


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.2345, "1.23"),
        (0.0713, "0.0713"),
        (0.00123, "0.00123"),
        (0.00019, "1.9e−4"),
        (-3.2, "−3.20"),
        (12345.6, "12\u202f346"),
        (2.5e7, "2.5e7"),
        (math.nan, "NaN"),
        (-math.inf, "−∞"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert theme.format_number(value) == text


def test_counts_durations_and_sizes() -> None:
    assert theme.format_count(18496) == "18\u202f496"
    assert theme.format_count(-7) == "−7"
    assert [theme.format_duration(s) for s in (7, 112, 7389, math.nan, -1)] == ["0:07", "1:52", "2:03:09", "–", "–"]
    assert [theme.format_bytes(n) for n in (5, 812_000, 1.94e9)] == ["5\u202fB", "812\u202fkB", "1.9\u202fGB"]


def test_every_icon_draws_something_in_its_colour(styled: QApplication) -> None:
    for path in resource("icons").glob("*.svg"):
        image = icons.pixmap(path.stem, QColor("#ff0000"), 24, 2.0).toImage()
        assert image.width() == 48
        seen = {image.pixelColor(x, y).alpha() for x in range(0, 48, 2) for y in range(0, 48, 2)}
        assert max(seen) > 128, path.stem


def test_bound_icons_follow_the_theme_when_pyside_forgets_their_action(styled: QApplication, qtbot: QtBot) -> None:
    line = QLineEdit()
    qtbot.addWidget(line)
    action = line.addAction(QIcon(), QLineEdit.ActionPosition.LeadingPosition)
    icons.bind(action, "search")
    before = action.icon().cacheKey()
    shiboken6.invalidate(action)  # type: ignore[attr-defined]  # as PySide does now and then, by itself
    theme.set_theme("light")
    assert line.actions()[0].icon().cacheKey() != before


def test_bound_icons_follow_the_theme(styled: QApplication, qtbot: QtBot) -> None:
    button = QPushButton()
    qtbot.addWidget(button)
    icons.bind(button, "play")
    before = button.icon().cacheKey()
    theme.set_theme("light")
    assert button.icon().cacheKey() != before
    icons.bind(button, "pause", "danger")
    paused = button.icon().cacheKey()
    assert paused == icons.icon("pause", theme.LIGHT.danger).cacheKey()


class TestPictures:
    def test_a_number_becomes_the_colour_of_its_place_on_the_scale(self, styled: QApplication) -> None:
        values = np.array([[0.0, 0.5, 1.0], [0.25, 2.0, -1.0]], dtype=np.float32)
        image = pictures.paint(values, Scale("sequential", 0.0, 1.0))
        lut = scales.sequential_lut()
        for y in range(2):
            for x in range(3):
                level = round(min(1.0, max(0.0, float(values[y, x]))) * 255)
                expected = tuple(int(part) for part in lut[level])
                colour = image.pixelColor(x, y)
                assert max(abs(a - b) for a, b in zip(colour.getRgb()[:3], expected, strict=True)) <= 3

    def test_the_diverging_scale_is_centred_on_zero(self, colours: theme.Theme) -> None:
        values = np.array([-2.0, 0.0, 0.5], dtype=np.float32)
        image = pictures.paint(values, Scale.signs(values))
        orange, neutral, blue = (image.pixelColor(x, 0) for x in range(3))
        assert blue.blue() > blue.red() and orange.red() > orange.blue()
        near = (neutral.red() - colours.neutral.red(), neutral.blue() - colours.neutral.blue())
        assert max(map(abs, near)) <= 3
        lut = scales.diverging_lut(colours.dark).astype(float)
        ends = [luminance(QColor(*(int(part) for part in lut[index]))) for index in (0, 255)]
        assert abs(ends[0] - ends[1]) < 0.06

    def test_equal_steps_look_equally_large(self, colours: theme.Theme) -> None:
        lut = scales.diverging_lut(colours.dark)
        lab = np.array([scales._to_oklab(QColor(*(int(part) for part in row))) for row in lut])
        steps = np.linalg.norm(np.diff(lab, axis=0), axis=1)
        for half in (steps[:120], steps[136:]):
            smooth = np.convolve(half, np.ones(16) / 16, mode="valid")
            assert smooth.max() / smooth.min() < 1.25

    def test_what_is_no_number_has_a_colour_of_its_own(self, styled: QApplication) -> None:
        values = np.array([0.0, np.nan, np.inf, 1.0], dtype=np.float32)
        image = pictures.paint(values, Scale.amounts(values))
        assert image.pixel(1, 0) == image.pixel(2, 0) == scales.NOT_A_NUMBER
        assert scales.NOT_A_NUMBER not in {image.pixel(0, 0), image.pixel(3, 0)}
        assert scales.value_range(np.array([np.nan, 3.0, -1.0])) == (-1.0, 3.0)
        assert scales.value_range(np.array([np.nan])) == (0.0, 0.0)

    def test_constant_arrays_and_zeros(self, styled: QApplication) -> None:
        nothing = np.zeros((2, 2), dtype=np.float32)
        zeros = pictures.paint(nothing, Scale.signs(nothing))
        neutral = scales.diverging_lut(True)[128]
        assert abs(zeros.pixelColor(0, 0).red() - int(neutral[0])) <= 3
        pictures.paint(np.full((3, 3), 7.0), Scale.amounts(np.full((3, 3), 7.0)))

    def test_tiles_lie_where_the_grid_says(self, styled: QApplication) -> None:
        maps = np.stack([np.full((2, 3), float(index)) for index in range(5)])
        grid = pictures.TileGrid(3, 2, 4, 1, 3, 2)
        image = pictures.tiles(maps, 3, Scale.amounts(maps), 1, 4)
        assert (image.width(), image.height()) == (grid.width, grid.height) == (38, 17)
        for index in range(5):
            x, y, width, height = grid.rectangle(index)
            expected = Scale.amounts(maps).paint(maps)[index, 0, 0]
            for px, py in ((x, y), (x + width - 1, y + height - 1)):
                assert image.pixel(px, py) == expected
                assert grid.index_at(px, py, 5) == index
        assert image.pixelColor(37, 16).alpha() == 0
        assert grid.index_at(12.5, 0, 5) is None and grid.index_at(30, 12, 5) is None

    def test_pictures_grow_in_whole_multiples_and_with_hard_edges(self, styled: QApplication) -> None:
        assert pictures.whole_multiple(QSize(28, 28), QSize(100, 200)) == QSize(84, 84)
        assert pictures.whole_multiple(QSize(28, 28), QSize(100, 200), 2.0) == QSize(196, 196)
        assert pictures.whole_multiple(QSize(200, 100), QSize(100, 100)) == QSize(100, 50)
        checker = pictures.paint(np.indices((4, 4)).sum(axis=0) % 2, Scale("grey", 0.0, 1.0))
        enlarged = pictures.fitted(checker, QSize(20, 20), 2.0).toImage()
        assert enlarged.width() == 40
        assert {enlarged.pixelColor(x, 20).red() for x in range(40)} == {0, 255}

    def test_colour_images(self, styled: QApplication) -> None:
        array = np.zeros((3, 1, 2), dtype=np.float32)
        array[0, 0, 0], array[2, 0, 1] = 1.0, 0.5
        image = pictures.sample_picture(array)
        assert image.pixelColor(0, 0).getRgb()[:3] == (255, 0, 0)
        assert image.pixelColor(1, 0).getRgb()[:3] == (0, 0, 128)

    def test_pictures_own_their_memory(self, styled: QApplication) -> None:
        array = np.ones((4, 4), dtype=np.float32)
        image = pictures.paint(array, Scale("grey", 0.0, 1.0))
        before = image.pixel(0, 0)
        del array
        np.zeros((512, 512))
        assert image.pixel(0, 0) == before


@pytest.mark.parametrize(
    ("low", "high", "digits", "ends"),
    [
        (-0.9999999, 1.0, 3, ("−1.00", "1.00")),
        (-1.0, 0.99951, 3, ("−1.00", "1.00")),
        (float(np.float32(0.1)), float(np.float32(0.7)), 3, ("0.100", "0.700")),
        (0.1237, 0.1231, 3, ("0.123", "0.124")),
        (-0.1231, -0.1237, 3, ("−0.124", "−0.123")),
        (-3.14159, 3.14159, 2, ("−3.2", "3.2")),
        (1.04e-5, 2.06e-5, 3, ("1.0e−5", "2.1e−5")),
        (123_456.0, 987_654.0, 3, ("1.2e5", "9.9e5")),
        (12_345.6, 12_345.4, 3, ("12\u202f345", "12\u202f346")),
        (0.0, math.inf, 3, ("0", "∞")),
        (-math.inf, math.nan, 3, ("−∞", "NaN")),
        (5e-324, 1.7e308, 3, ("4.9e−324", "1.7e308")),
    ],
)
def test_ends_of_a_range_are_rounded_outwards(low: float, high: float, digits: int, ends: tuple[str, str]) -> None:
    assert theme.format_range(low, high, digits) == ends


@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.integers(2, 4))
def test_a_range_holds_what_was_measured(value: float, digits: int) -> None:
    low, high = (
        float(text.replace("\u202f", "").replace("−", "-")) for text in theme.format_range(value, value, digits)
    )
    slack = 1e-6 * abs(value)
    assert low <= value + slack and value - slack <= high
    if value and abs(value) >= 1e-30:
        assert high - low <= 1.0001 * 10.0 ** (math.floor(math.log10(abs(value))) - max(0, digits - 2))
