"""The update of one weight written out: beside the weights of its layer, or large in a lecture."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, TypeAlias

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont, QTextDocument
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from nnviz.gui.look import theme
from nnviz.gui.look.painting import answering
from nnviz.gui.parts.following import follow

if TYPE_CHECKING:
    from nnviz.explain.explanation import Explanation, Factor, Term

#: Letters of (pixels, weight).
_Fonts: TypeAlias = Callable[[int, int], QFont]

_MOST_TERMS, _MOST_STEPS = 5, 4
#: Pixels of letters: of the title, the formula, the terms, and of what stands below them.
_TITLE, _FORMULA, _TERMS, _SMALL = 16, 14, 13, 12
_GAP = 2


def _digits(value: float) -> str:
    """Five digits: what is multiplied here has to fit into a row."""
    return f"{value + 0.0:.5g}".replace("-", "−") if math.isfinite(value) else theme.format_number(value)


def _whole(text: str) -> str:
    """A text that stays in one line."""
    return escape(text).replace(" ", "&nbsp;")


class WrittenUpdate(QWidget):
    """Which weight, from what to what; the rule with this weight's numbers; each term with its factors."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("writtenUpdate")
        self.setAccessibleName("The update of one weight, written out")
        self._fonts: _Fonts = theme.font
        self._found: Explanation | None = None
        self._after = 0.0
        #: The terms without what stands below them.
        self._products = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(_GAP)
        self._title, self._formula, self._terms = QLabel(self), QLabel(self), QLabel(self)
        self._title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        for label in (self._title, self._formula):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            label.setWordWrap(True)
            column.addWidget(label)
        self._terms.setTextFormat(Qt.TextFormat.RichText)
        self._terms.setWordWrap(True)
        self._terms.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        #: Where the terms stand that have no room.
        self.rest = scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self._terms)
        scroll.setObjectName("updateTerms")
        scroll.viewport().setAutoFillBackground(False)
        column.addWidget(scroll, 1)
        self._restyle()
        follow(theme.notifier.changed, self._restyle)

    @property
    def words(self) -> str:
        """Title, formula and terms as they are read."""
        terms = self._terms.text().replace("&nbsp;", " ")
        return "\n".join((self._title.text(), self._formula.text(), terms))

    def set_fonts(self, fonts: _Fonts) -> None:
        """Take other letters than those of the interface.

        Args:
            fonts: The letters for so many pixels of the interface, and their weight.
        """
        self._fonts = fonts
        self._restyle()

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """Room for a rule with two terms."""
        return QSize(480, 180)

    def height_at(self, width: int) -> int:
        """How high it has to be at a width, so that nothing of it is scrolled."""
        labels = (self._title, self._formula, self._terms)
        return sum(label.heightForWidth(max(width, 1)) for label in labels) + 4 * _GAP

    def fits(self, size: QSize) -> bool:
        """Whether all of it can be read in so much room: no product is cut, and nothing has to be scrolled."""
        page = QTextDocument()
        page.setDefaultFont(self._terms.font())
        page.setHtml(self._products)
        return page.idealWidth() <= size.width() and self.height_at(size.width()) <= size.height()

    def begin(self, title: str) -> None:
        """A weight was chosen, whose update is not known yet; what stands below stays until it is."""
        self._found = None
        self._title.setText(title)

    def show_update(self, found: Explanation, after: float) -> None:
        """Write it out.

        Args:
            found: The new weight as a sum.
            after: What the weight is now, as the network has it.
        """
        self._found, self._after = found, after
        self._write()

    def show_failure(self, sentence: str) -> None:
        """Say why it cannot be written out."""
        self._found = None
        self._formula.setText("")
        self._terms.setText(escape(sentence))

    def _write(self) -> None:
        found, colours = self._found, theme.current()
        if found is None:
            return
        from nnviz.explain.text import number, steps_behind  # noqa: PLC0415 - the window opens without them

        faint, small = colours.text_muted.name(), self._fonts(_SMALL, 400).pixelSize()
        before = found.terms[0].value if found.terms else 0.0
        place = str(list(found.index)) if found.index else ""
        self._title.setText(f"{found.node} · {found.part}{place}:  {number(before)} → {number(self._after)}")
        rule, _, further = found.formula.partition(", ")
        # In the order of the formula: the weight before stands first, also where it was 0.
        order = {id(term): at for at, term in enumerate(found.terms)}
        shown = tuple(sorted(found.largest(_MOST_TERMS), key=lambda term: order.get(id(term), len(order))))
        added = "".join(f" {'−' if term.value < 0 else '+'} {number(abs(term.value))}" for term in shown)
        # The sum begins without a plus, and with a minus that belongs to its number.
        begun = f"−{added[3:]}" if added.startswith(" − ") else added.removeprefix(" + ")
        self._formula.setText(f"{rule} = {begun} = {number(found.total)}")
        rows = "".join(self._rows_of(term, place, faint, small) for term in shown)
        said = [found.words] if len(found.terms) == 1 else []
        lines = [self._step(place, *step) for step in steps_behind(shown)[:_MOST_STEPS]]
        lines = [*said, *lines, further] if further else [*said, *lines]
        steps = "".join(f"<div style='color:{faint}; font-size:{small}px'>{escape(line)}</div>" for line in lines)
        self._products = f"<table cellspacing='0' cellpadding='0'>{rows}</table>"
        self._terms.setText(f"{self._products}{steps}")
        self.setAccessibleDescription(f"{self._title.text()}. {self._formula.text()}")

    def _rows_of(self, term: Term, place: str, faint: str, small: int) -> str:
        """A term as numbers in a row, each over what it is; the weight before needs one row only."""
        value = f"<b>{_digits(term.value)}</b>&nbsp;&nbsp;"
        if len(term.factors) < 2:
            return f"<tr><td align='right'>{value}</td><td style='color:{faint}'>{escape(term.source)}</td></tr>"
        signs = ["="] + ["·"] * (len(term.factors) - 1)
        values = "".join(
            f"<td>{sign}&nbsp;{_digits(factor.value)}&nbsp;</td>"
            for sign, factor in zip(signs, term.factors, strict=True)
        )
        style = f"color:{faint}; font-size:{small}px"
        names = "".join(
            f"<td style='{style}'>&nbsp;&nbsp;{_whole(_short(factor.name, place))}&nbsp;</td>"
            for factor in term.factors
        )
        # Every term has columns of its own: those of another would pull its factors apart.
        factors = f"<table cellspacing='0' cellpadding='0'><tr>{values}</tr><tr>{names}</tr></table>"
        source = f"<div align='right' style='{style}'>{escape(term.source)}&nbsp;&nbsp;</div>"
        return f"<tr><td align='right'>{value}{source}</td><td>{factors}</td></tr>"

    def _step(self, place: str, factor: Factor, parts: Sequence[Term]) -> str:
        """What a computed factor is made of, in one line."""
        sides = []
        for term in parts:
            counted: dict[tuple[str, float], int] = {}
            for one in term.factors:
                key = (_short(one.name, place), one.value)
                counted[key] = counted.get(key, 0) + 1
            products = [
                f"{_digits(value)} ({name})" if count == 1 else f"({_digits(value)})² ({name}²)"
                for (name, value), count in counted.items()
            ]
            sides.append(" · ".join(products) if products else f"{term.source} {_digits(term.value)}")
        return f"{factor.name} = {_digits(factor.value)}  from  {' + '.join(sides)}"

    def _restyle(self) -> None:
        colours = theme.current()
        for label, pixels, weight in ((self._title, _TITLE, 700), (self._formula, _FORMULA, 400),
                                      (self._terms, _TERMS, 400)):  # fmt: skip
            label.setFont(self._fonts(pixels, weight))
        self.setStyleSheet(
            f"#writtenUpdate QLabel {{ color: {colours.text.name()}; background: transparent; }}"
            "#updateTerms { background: transparent; }"
        )
        self._write()


def _short(name: str, place: str) -> str:
    """The name of a factor without the place that the title names."""
    bare = name.removesuffix(place)
    if bare.startswith("dL/d"):
        return "g"
    return f"{bare} before" if place and bare not in (name, "w") else bare
