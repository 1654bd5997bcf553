"""Beside a number that is taken apart large: what it changes, its weights with their gradients, the input by hand."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from nnviz.gui.explain.terms_view import number
from nnviz.gui.explain.walk import Walk
from nnviz.gui.look import theme
from nnviz.gui.look.scales import image_of, sign_colour
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import set_font
from nnviz.gui.runs.shown_network import Asked, ShownNetwork

if TYPE_CHECKING:
    from nnviz.explain.influence import Changed, Influence
    from nnviz.explain.taken_apart import TakenApart
    from nnviz.train.training import Training

_SIDE = 120


class NumberColumn(QWidget):
    """Follows a walk while it can be seen. A name of a layer leads there.

    Args:
        walk: Where one stands.
        network: Answers.
        draw: Lets an input be drawn.
    """

    def __init__(self, walk: Walk, network: ShownNetwork, draw: Callable[[], object]) -> None:
        super().__init__()
        self._walk, self._network = walk, network
        self._of: TakenApart | None = None
        self._asked: Asked | None = None
        self.found: Influence | None = None
        self.setAccessibleName("What this number changes")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self.text = QLabel(self)
        self.text.setTextFormat(Qt.TextFormat.RichText)
        self.text.setWordWrap(True)
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.LinksAccessibleByMouse
        )
        self.text.linkActivated.connect(self._go)
        set_font(self.text, 13)
        column.addWidget(self.text)
        self._heading = QLabel(self)
        column.addWidget(self._heading)
        self.picture = QLabel(self)
        self.picture.setFixedSize(_SIDE, _SIDE)
        beside = QHBoxLayout()
        beside.setSpacing(10)
        beside.addWidget(self.picture)
        self.draw = QPushButton("Draw, shift…", self)
        set_font(self.draw, 13)
        self.draw.setToolTip("An input by hand: draw, erase, shift it, or change one pixel, and every map follows")
        self.draw.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.draw.clicked.connect(lambda _checked=False: draw())
        beside.addWidget(self.draw, 0, Qt.AlignmentFlag.AlignTop)
        beside.addStretch(1)
        column.addLayout(beside)
        follow(walk.changed, self._on_walked)
        follow(theme.notifier.changed, self._show)
        self._show()

    def attend(self, on: bool) -> None:
        """It can be seen, or not: then it asks nothing."""
        self.setVisible(on)
        if on:
            self._on_walked()

    def _on_walked(self) -> None:
        taken = self._walk.taken
        if self.isHidden() or taken is self._of:
            return
        self._of = taken
        if self._asked is not None:
            self._asked.cancel()
            self._asked = None
        if taken is None or taken.example is None or taken.place.part != "output" or taken.in_batch:
            self.found = None
            self._show()
            return

        def question(training: Training) -> Influence:
            from nnviz.explain.influence import influence  # noqa: PLC0415 - torch belongs to that thread

            return influence(training, taken)

        self._asked = self._network.ask(question, self._done, lambda _error: self._done(None))

    def _done(self, found: Influence | None) -> None:
        self._asked = None
        self.found = found
        self._show()

    def _go(self, link: str) -> None:
        found = self.found
        place = found.changed[int(link)].place if found is not None else None
        if place is not None:
            self._walk.go(place)

    def _show(self) -> None:
        found, colours = self.found, theme.current()
        muted = colours.text_muted.name()
        head = f"<p style='color:{muted}; font-size:{theme.font(12).pixelSize()}px; margin:8px 0 4px 0'><b>{{}}</b></p>"
        table = "<table width='100%' cellspacing='0' cellpadding='2'>{}</table>"
        parts = []
        if found is not None:
            rows = [
                f"<tr><td>{_link(at, one)}</td><td align='right'>{escape(_words(one))}</td></tr>"
                for at, one in enumerate(found.changed)
            ]
            if found.gradient is not None:
                colour = sign_colour(found.gradient, colours).name()
                slope = f"<b style='color:{colour}'>{number(found.gradient)}</b>"
                rows.append(f"<tr><td>loss</td><td align='right'>∂L/∂y = {slope}</td></tr>")
            parts.append(head.format("WHAT THIS NUMBER CHANGES") + table.format("".join(rows)))
        if found is not None and found.weights:
            titles = "<td>weight</td><td align='right'>value</td><td align='right'>∂L/∂w</td>"
            rows = [f"<tr style='color:{muted}'>{titles}</tr>"]
            for _node, part, index, value, gradient in found.weights:
                place = ", ".join(map(str, index))
                cells = (number(value), "–" if gradient is None else number(gradient))
                right = "".join(f"<td align='right'>{cell}</td>" for cell in cells)
                rows.append(f"<tr><td>{escape(part)}[{place}]</td>{right}</tr>")
            # Of an own input of which nobody said what is right there is no loss.
            known = any(gradient is not None for *_, gradient in found.weights)
            title = "ITS WEIGHTS, GRADIENTS OF THIS EXAMPLE" if known else "ITS WEIGHTS; WITHOUT A LOSS NO GRADIENTS"
            parts.append(head.format(title) + table.format("".join(rows)))
        self.text.setText("".join(parts))
        self.text.setVisible(bool(parts))
        picture = found.picture if found is not None else None
        for widget in (self._heading, self.picture, self.draw):
            widget.setVisible(picture is not None)
        if picture is not None:
            self._heading.setText(head.format("INPUT, BY HAND"))
            self.picture.setPixmap(_pixmap(picture, round(_SIDE * self.devicePixelRatioF())))


def _link(at: int, one: Changed) -> str:
    if one.place is None:
        return escape(one.node)
    which = list(one.place.index or ()) if one.count == 1 else f"· {one.count} numbers"
    colour = theme.current().accent.name()
    return f"<a href='{at}' style='color:{colour}; text-decoration:none'>{escape(f'{one.node} {which}')}</a>"


def _words(one: Changed) -> str:
    if not one.count:
        return "nothing: others are larger" if one.picks else "nothing: its slope there is 0"
    if one.count == 1:
        return "it is the largest" if one.picks and one.slope == 1.0 else f"× {number(one.slope)}"
    if one.place is not None and len(one.place.index or ()) > 1 and one.count % one.maps == 0:
        return f"{one.count // one.maps} each of {one.maps} maps"
    return ""


def _pixmap(picture: NDArray[np.float32], side: int) -> QPixmap:
    """Grey, or in colours where there are three channels; from its least number to its largest."""
    channels = picture if len(picture) == 3 else np.repeat(picture[:1], 3, axis=0)
    low, high = float(channels.min()), float(channels.max())
    grey = np.nan_to_num((channels - low) / (high - low or 1.0) * 255).astype(np.uint32)
    pixels = np.uint32(0xFF000000) | (grey[0] << 16) | (grey[1] << 8) | grey[2]
    scaled = image_of(pixels.astype(np.uint32)).scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio)
    return QPixmap.fromImage(scaled)
