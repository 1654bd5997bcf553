"""The letters of the page of samples: larger with large letters, but not so large that a page holds a single card."""

from __future__ import annotations

from PySide6.QtGui import QFont
from PySide6.QtWidgets import QWidget

from nnviz.gui.look import theme

#: With more, two cards would not stand side by side in a window of 1280 pixels.
_MOST = 1.4
_FONT = "nnviz_page_font"


def page_scale() -> float:
    """How many times as large as usual everything on the page is."""
    return min(theme.text_scale(), _MOST)


def scaled(length: float) -> int:
    """A length of the welcome page in pixels, at the present size of text."""
    return round(length * page_scale())


def page_font(pixel_size: float = 13, weight: int = 400) -> QFont:
    """The interface font at the scale of the page."""
    return theme.scene_font(pixel_size * page_scale(), weight)


def set_page_font(widget: QWidget, pixel_size: int = 13, weight: int = 400) -> None:
    """Give a widget the font and remember it, so that :func:`refresh_page_fonts` can follow large letters."""
    widget.setProperty(_FONT, [pixel_size, weight])
    widget.setFont(page_font(pixel_size, weight))


def refresh_page_fonts(root: QWidget) -> None:
    """Set the fonts of everything below a widget again, after the text scale has changed."""
    for widget in root.findChildren(QWidget):
        wanted = widget.property(_FONT)
        if wanted is not None:
            pixel_size, weight = wanted
            widget.setFont(page_font(int(pixel_size), int(weight)))
