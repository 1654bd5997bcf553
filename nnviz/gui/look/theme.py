"""How everything looks: colours, fonts, the widget style, and how numbers are written.

One :class:`Theme` and one :class:`Mode` are current at a time, and nobody is handed them. Widgets built from stock
parts follow by themselves (palette and stylesheet of the application); whoever paints by hand reads :func:`current`
while painting, and is painted again because the palette is another; whoever keeps something made of colours or letters
(a picture, a stylesheet, a height) makes it anew on ``notifier.changed``. A lecture changes none of that: its page
lies over the window and has letters of its own; who opens it follows ``notifier.mode_changed``.

Fonts are given in pixels by :func:`font` and follow the text scale; a stylesheet never sets a font size, so that
``setFont`` always means what it says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QMenu, QMenuBar, QStyleFactory, QTabBar, QToolTip

from nnviz.gui.look import colours
from nnviz.gui.look.mode import Mode
from nnviz.gui.look.stylesheet import stylesheet
from nnviz.record import number_text
from nnviz.record.quantity import Level
from nnviz.resources import resource

Theme = colours.Theme
DARK, LIGHT = colours.DARK, colours.LIGHT
#: Smallest text anywhere, in pixels.
MINIMUM_PIXEL_SIZE = 12
#: What it multiplies menus, notices and tips with: a menu of 16 entries still fits a projector of 720 lines.
SURROUNDING_SCALE = 1.7
#: Over the page of a lecture letters are so many times larger, and at least so many pixels: those of the page.
_LECTURE_SCALE, _LECTURE_LETTERS = 1.75, 24

_FONT_FILES = ("Inter_400Regular.ttf", "Inter_500Medium.ttf", "Inter_600SemiBold.ttf", "Inter_700Bold.ttf")
_NARROW_SPACE = "\u202f"
_MINUS = "\u2212"


_THEMES: Mapping[str, Theme] = {"dark": DARK, "light": LIGHT}


class _Notifier(QObject):
    """Says what is another one now.

    Attributes:
        changed: Signal: the theme or the text scale; the argument is the current Theme.
        mode_changed: Signal: the mode.
    """

    changed = Signal(object)
    mode_changed = Signal()


@dataclass
class _State:
    """What is current; one for the process, because a QApplication has one palette."""

    theme: Theme = DARK
    scale: float = 1.0
    mode: Mode = Mode.DESK


notifier = _Notifier()
_state = _State()


def current() -> Theme:
    """The theme to paint with."""
    return _state.theme


def mode() -> Mode:
    """Whether the window is looked at from a desk or in a lecture."""
    return _state.mode


def set_mode(mode: Mode) -> None:
    """Make a mode current; whoever opens the page of a lecture follows ``notifier``."""
    if mode is not _state.mode:
        _state.mode = mode
        notifier.mode_changed.emit()


def text_scale() -> float:
    """What :func:`font` multiplies sizes with: 1, or more for large letters."""
    return _state.scale


def system_theme() -> str:
    """``dark`` or ``light`` as the desktop asks for it; ``dark`` where it does not say."""
    application = QGuiApplication.instance()
    if isinstance(application, QGuiApplication) and application.styleHints().colorScheme() == Qt.ColorScheme.Light:
        return "light"
    return "dark"


def set_theme(name: str) -> Theme:
    """Make ``dark``, ``light`` or ``system`` current and restyle the whole application."""
    _state.theme = _THEMES[system_theme() if name == "system" else name]
    _restyle()
    return _state.theme


def set_text_scale(scale: float) -> bool:
    """Make all text of :func:`font` larger or smaller; what paints in scene units uses :func:`scene_font`.

    Palette and stylesheet hold no size and stay as they are: setting them again would polish every widget anew, which
    takes a second in a window with all its instruments.

    Returns:
        Whether it was another one before.
    """
    changed = scale != _state.scale
    if changed:
        _state.scale = scale
        application = QApplication.instance()
        if isinstance(application, QApplication):
            _use_surrounding_fonts(application)
        notifier.changed.emit(_state.theme)
    return changed


def apply(application: QApplication, theme: Theme) -> None:
    """Style an application: Fusion, palette, stylesheet, fonts, and the colours of plots."""
    application.setStyle(QStyleFactory.create("Fusion"))
    load_fonts()
    application.setPalette(_palette(theme))
    application.setFont(font(13))
    application.setStyleSheet(stylesheet(theme, resource("icons")))
    _use_surrounding_fonts(application)


def _use_surrounding_fonts(application: QApplication) -> None:
    """Give menus, tabs and tips the letters of what surrounds the network: those there are, and those made later."""
    around = surrounding_font(13)
    QToolTip.setFont(around)
    application.setFont(around, "QMenu")  # type: ignore[arg-type]  # it refuses the bytes that it asks for
    application.setFont(around, "QTabBar")  # type: ignore[arg-type]  # as above; Qt makes those of docks as it needs them
    for widget in application.allWidgets():
        if isinstance(widget, QMenu | QMenuBar | QTabBar):
            widget.setFont(around)


def _restyle() -> None:
    application = QApplication.instance()
    if isinstance(application, QApplication):
        # Put in the place of another, a stylesheet is taken by every widget once for itself and once for each of those
        # that it stands in: seven times in a whole window. Taken away and set again, it is so twice.
        application.setPalette(_palette(_state.theme))
        application.setStyleSheet("")
        application.setStyleSheet(stylesheet(_state.theme, resource("icons")))
        for widget in application.allWidgets():
            if not widget.testAttribute(Qt.WidgetAttribute.WA_WState_Polished):
                widget.ensurePolished()  # what was never seen keeps the colours that it was made with until then
        _use_surrounding_fonts(application)  # a stylesheet gives each widget the letters back that it was polished with
    notifier.changed.emit(_state.theme)


@cache
def load_fonts() -> str:
    """Load the fonts of resources/fonts once; the name of the family."""
    for name in _FONT_FILES:
        QFontDatabase.addApplicationFont(str(resource("fonts", name)))
    return "Inter"


def font(pixel_size: float = 13, weight: int = 400) -> QFont:
    """The interface font, with tabular figures, times the text scale; never under 12 px."""
    return _font(max(MINIMUM_PIXEL_SIZE, round(pixel_size * _state.scale)), weight)


def surrounding_scale() -> float:
    """What :func:`surrounding_font` multiplies sizes with: 1, or in large letters less than the text scale."""
    return min(_state.scale, SURROUNDING_SCALE)


def surrounding_font(pixel_size: float = 13, weight: int = 400) -> QFont:
    """The interface font for menus, notices, tips and captions: they grow only as far as all fits."""
    return _font(max(MINIMUM_PIXEL_SIZE, round(pixel_size * surrounding_scale())), weight)


def overlay_scale() -> float:
    """What :func:`overlay_font` multiplies sizes with: the text scale, and in a lecture at least that of its page."""
    return max(_state.scale, _LECTURE_SCALE) if _state.mode is Mode.LECTURE else _state.scale


def overlay_font(pixel_size: float = 13, weight: int = 400) -> QFont:
    """The interface font for what comes in front of the window for a moment; in a lecture as large as its page's."""
    least = _LECTURE_LETTERS if _state.mode is Mode.LECTURE else MINIMUM_PIXEL_SIZE
    return _font(max(least, round(pixel_size * overlay_scale())), weight)


def scene_font(pixel_size: float = 13, weight: int = 400) -> QFont:
    """The interface font for what is painted in scene units or has a fixed size: it does not follow the text scale."""
    return _font(max(MINIMUM_PIXEL_SIZE, round(pixel_size)), weight)


def _font(pixel_size: int, weight: int) -> QFont:
    return QFont(_pattern(pixel_size, weight))


@cache
def _pattern(pixel_size: int, weight: int) -> QFont:
    """A font to be copied, never changed: a window asks a thousand times for one when it opens."""
    result = QFont(load_fonts())
    result.setPixelSize(pixel_size)
    result.setWeight(QFont.Weight(weight))
    result.setFeature(QFont.Tag("tnum"), 1)
    result.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return result


def mixed(first: QColor, second: QColor, share: float) -> QColor:
    """``first`` with ``share`` (0 to 1) of ``second`` mixed in."""
    keep = 1.0 - share
    return QColor.fromRgbF(
        first.redF() * keep + second.redF() * share,
        first.greenF() * keep + second.greenF() * share,
        first.blueF() * keep + second.blueF() * share,
    )


def _palette(theme: Theme) -> QPalette:
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    palette = QPalette()
    for key, colour in (
        (role.Window, theme.panel),
        (role.WindowText, theme.text),
        (role.Base, theme.field),
        (role.AlternateBase, theme.panel_raised),
        (role.Text, theme.text),
        (role.PlaceholderText, theme.text_faint),
        (role.Button, theme.panel_raised),
        (role.ButtonText, theme.text),
        (role.BrightText, theme.danger),
        (role.ToolTipBase, theme.panel_raised),
        (role.ToolTipText, theme.text),
        (role.Highlight, theme.accent),
        (role.HighlightedText, theme.accent_text),
        (role.Accent, theme.accent),
        (role.Link, theme.accent),
        (role.LinkVisited, theme.accent),
        (role.Light, mixed(theme.panel_raised, theme.text, 0.08)),
        (role.Midlight, theme.panel_raised),
        (role.Mid, theme.border),
        (role.Dark, theme.border),
        (role.Shadow, mixed(theme.window, QColor("#000000"), 0.5)),
    ):
        palette.setColor(key, colour)
    for key in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(group.Disabled, key, theme.text_faint)
    palette.setColor(group.Disabled, role.Highlight, theme.border)
    palette.setColor(group.Disabled, role.HighlightedText, theme.text_faint)
    return palette


def level_colour(theme: Theme, level: Level) -> QColor:
    """Green, amber or red: the colour in which a value stands everywhere."""
    return {"good": theme.good, "warning": theme.warning, "error": theme.danger}[level]


#: A measured number is written in one way everywhere, on the screen and in what the program says of a run.
format_number, format_range = number_text.format_number, number_text.format_range


def format_count(value: int) -> str:
    """A whole number in groups of three: ``18 496`` (with a narrow space that does not break)."""
    text = f"{abs(value):,}".replace(",", _NARROW_SPACE)
    return _MINUS + text if value < 0 else text


def format_duration(seconds: float) -> str:
    """``0:07``, ``1:52``, ``2:03:09``; a dash where it is not known."""
    if not math.isfinite(seconds) or seconds < 0:
        return "–"
    whole = round(seconds)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"


def format_bytes(count: float) -> str:
    """``812 kB``, ``1.9 GB``: decimal units, three figures at most."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size * 0.9995:
            value = count / size
            return f"{value:.1f}{_NARROW_SPACE}{unit}" if value < 10 else f"{value:.0f}{_NARROW_SPACE}{unit}"
    return f"{count:.0f}{_NARROW_SPACE}B"
