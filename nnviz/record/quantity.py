"""What a measured quantity is: its name and unit, where it is healthy, and how panels, cards and findings say it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from nnviz.record.number_text import format_number, percent

#: What one series belongs to: the whole run, a node, a split of the data, or the rule that found something.
Per: TypeAlias = Literal["run", "node", "split", "rule"]
#: What its readings are: Scalar, ArrayReading, Histogram or Finding.
Kind: TypeAlias = Literal["scalar", "array", "histogram", "finding"]
#: The axis on which its values are to be compared.
Scale: TypeAlias = Literal["linear", "log"]
#: How a value stands: healthy, worth a look, in trouble.
Level: TypeAlias = Literal["good", "warning", "error"]

#: Where no value lies beyond.
_NOWHERE = math.inf


@dataclass(frozen=True, slots=True)
class Mark:
    """A threshold that does not flicker: what lies beyond stays so until it falls to the lower mark.

    Attributes:
        at: Where it begins.
        given_up: Where it ends; the same unless said otherwise.
    """

    at: float
    given_up: float = math.nan

    def passed(self, value: float, holds: bool = False) -> bool:
        """Whether a value lies above the mark; ``holds`` where it did before."""
        return value > (self.given_up if holds and not math.isnan(self.given_up) else self.at)

    def undercut(self, value: float, holds: bool = False) -> bool:
        """Whether a value lies below the mark, for marks at the lower end."""
        return value < (self.given_up if holds and not math.isnan(self.given_up) else self.at)


@dataclass(frozen=True, slots=True)
class Bands:
    """Where the values of a quantity are healthy, worth a look, and in trouble.

    Attributes:
        healthy: From where to where a curve is at its best; None where no such band is drawn.
        warning: Above it a value is worth a look: amber, and a finding.
        error: From it on a value is in trouble: red, and the finding is grave.
        low: Below it a value is worth a look, too.
    """

    healthy: tuple[float, float] | None = None
    warning: Mark = field(default_factory=lambda: Mark(_NOWHERE))
    error: float = _NOWHERE
    low: Mark = field(default_factory=lambda: Mark(-_NOWHERE))

    def level(self, value: float) -> Level:
        """How a value stands; one that is not a number is in trouble."""
        if math.isnan(value) or value >= self.error:
            return "error"
        return "warning" if self.warning.passed(value) or self.low.undercut(value) else "good"

    @property
    def limits(self) -> tuple[float, float]:
        """From where to where a value is healthy, both included; infinite where nothing ends it."""
        return self.healthy or (self.low.at, min(self.warning.at, self.error))

    def holds(self, value: float) -> bool:
        """Whether a value is healthy: inside the drawn band where there is one, else neither amber nor red."""
        if self.healthy is None:
            return self.level(value) == "good"
        return self.healthy[0] <= value <= self.healthy[1]


@dataclass(frozen=True, slots=True)
class Badge:
    """The last line of a layer's card: a word and the value.

    Attributes:
        word: Before the value, in one word.
        sentence: What goes behind the value in the card's tooltip.
    """

    word: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Remark:
    """What is said where a node's value lies beyond its warning mark.

    Attributes:
        text: The finding; ``{node}`` and ``{value}`` are filled in.
        evidence: Why it matters.
        panel: Key of the panel whose help explains it.
        spares_last: Not said of the node before the output, where it may be wanted.
    """

    text: str
    evidence: str
    panel: str
    spares_last: bool = False


@dataclass(frozen=True, slots=True)
class Curves:
    """A panel with one curve a layer, for quantities that need no other picture.

    Attributes:
        key: Stable name of the panel.
        letter: Its key in the shortcuts of its actions; every panel has its own.
        symbol: What stands at the vertical axis.
        caption: The quiet text in the header, and what may stand there where there is less room, longest first.
        reading: How to read it, in simple HTML.
    """

    key: str
    letter: str
    symbol: str
    caption: tuple[str, ...]
    reading: str


@dataclass(frozen=True, eq=False)
class Quantity:
    """What a series measures. There is one object of each, so they are compared by identity.

    Attributes:
        name: The series' name (``per`` run), or its part before the first slash.
        title: What menus and headers call it.
        per: What one series of it belongs to.
        kind: What its readings are; types and shapes of arrays stand beside the declarations.
        meaning: What is measured, in one sentence.
        unit: ``share`` is a number from 0 to 1 that is shown as per cent; else the unit's words, empty for none.
        decimals: Of a share, the digits behind the point.
        scale: The axis on which it is compared.
        bands: Where it is healthy.
        layers: Which layers have it: the yes-or-no field of their declaration; empty for all of them.
        badge: How it stands on the cards of these layers; None where it does not.
        remark: The finding where it lies beyond its warning mark; None where there is none, or a rule of its own.
        curves: The panel that shows it as curves; None where there is none, or one of its own.
        lately: For a quantity that is measured exactly, but seldom: what is measured of the same in the training
            batches as they pass, and stands in its place on the cards once that is old.
        holds: It is recorded when it changes, so that a reading is true until the next one and never gets old.
    """

    name: str
    title: str
    per: Per
    kind: Kind
    meaning: str
    unit: str = ""
    decimals: int = 0
    scale: Scale = "linear"
    bands: Bands = field(default_factory=Bands)
    layers: str = ""
    badge: Badge | None = None
    remark: Remark | None = None
    curves: Curves | None = None
    lately: Quantity | None = None
    holds: bool = False

    def __repr__(self) -> str:
        return f"<Quantity {self.name}>"

    def series(self, where: str = "") -> str:
        """The name of one series in a run: of a node, a split or a rule; of the whole run without."""
        assert not where or self.per != "run", f"{self.name} is per run, not of {where}"
        return self.prefix + where

    @property
    def prefix(self) -> str:
        """What the names of all its series begin with."""
        return self.name if self.per == "run" else f"{self.name}/"

    def where(self, series: str) -> str | None:
        """The node, split or rule that a series of this quantity belongs to; None where it is another's."""
        if self.per == "run":
            return "" if series == self.name else None
        return series.removeprefix(self.prefix) if series.startswith(self.prefix) else None

    def owns(self, series: str) -> bool:
        """Whether a series is one of its own."""
        return self.where(series) is not None

    def text(self, value: float) -> str:
        """A value as it is read everywhere: per cent for a share, else three digits and the unit."""
        if self.unit == "share":
            return percent(value, self.decimals)
        return f"{format_number(value)} {self.unit}".rstrip()

    @property
    def healthy_text(self) -> str:
        """Where a value is healthy, in words; empty where nothing says so."""
        low, high = self.bands.limits
        if math.isinf(low) and math.isinf(high):
            return ""
        if math.isinf(low):
            return f"at most {self._mark_text(high)}"
        words = self._mark_text(low)
        return f"at least {words}" if math.isinf(high) else f"{words} to {self._mark_text(high)}"

    def _mark_text(self, mark: float) -> str:
        """A threshold, which was chosen and not measured: without digits that mean nothing."""
        return percent(mark) if self.unit == "share" else f"{mark:.3g} {self.unit}".rstrip()
