"""What the canvas shows for a while in the place of what the run has measured: gradients, or the parts of one step.

A lens is one frozen value. Whoever knows the network makes it (``gui/explain``); cards and wires paint it; without one
they paint what they always do.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnviz.gui.look.theme import format_number
from nnviz.project.model import Edge

Numbers: TypeAlias = NDArray[Any]
#: Widths of wires in scene units: of the strongest and of the weakest flow, and of one that is exactly nothing.
_WIDEST, _NARROWEST, _NOTHING = 11.0, 1.6, 1.0
#: Powers of ten between the two at least, so that small differences stay small.
_LEAST_SPAN = 2.0
#: Weaker by more powers of ten than this is as good as nothing.
_MOST_SPAN = 6.0
#: The sign of a norm: of what a step adds to the weights of a layer.
CHANGE = "Δ"


class Shows(Enum):
    """How the numbers of a card are painted."""

    #: Around zero, in the colours of signs.
    SIGNS = "signs"
    #: As the card always paints what flows out.
    OUTPUT = "output"
    #: The examples of a batch, [n, …], side by side.
    EXAMPLES = "examples"
    #: A loss for each example of a batch, and their mean.
    LOSSES = "losses"


@dataclass(frozen=True, eq=False)
class LensPicture:
    """What one card shows.

    Attributes:
        values: The numbers.
        shows: How they are painted.
        sign: What they are, in the fewest letters, ``∂L/∂y``: it stands in the place of the shape, which an empty one
            leaves there.
        short: The same in less, for cards that are seen from farther away; empty where the sign is short enough.
        words: Of an output what is right, of losses their mean, as they are written into the picture.
        sentence: What they are, for the tip.
        labels: Of each example its class, or the number that is right.
        mean: Of the losses.
    """

    values: Numbers
    shows: Shows
    sign: str = ""
    words: str = ""
    sentence: str = ""
    labels: Numbers | None = None
    mean: float = math.nan
    short: str = ""


@dataclass(frozen=True, eq=False)
class WireFlow:
    """What flows along a wire.

    Attributes:
        width: Of the wire, in scene units.
        sentence: The number, in words.
        is_number: Whether it is one.
        is_nothing: Whether it is exactly 0.
    """

    width: float
    sentence: str
    is_number: bool = True
    is_nothing: bool = False


@dataclass(frozen=True, eq=False)
class Lens:
    """What the cards and wires of a canvas show.

    Attributes:
        pictures: By the node whose numbers are shown.
        norms: What stands beside the parameters of a layer, by its id: the norm over all of them.
        norm_sign: One letter for what that is the norm of.
        norm_words: The same in words.
        wires: What flows along each wire of the network: a norm.
        backward: What flows runs against the arrows: they are turned around.
        fades: Cards without a picture are faint: they have no part in it.
    """

    pictures: Mapping[str, LensPicture] = field(default_factory=dict)
    norms: Mapping[str, float] = field(default_factory=dict)
    norm_sign: str = "g"
    norm_words: str = ""
    wires: Mapping[Edge, float] = field(default_factory=dict)
    backward: bool = False
    fades: bool = False

    def norm(self, nodes: Collection[str]) -> float | None:
        """Of a layer, or of all layers of a group together; None where nothing is known of them."""
        found = [self.norms[node] for node in nodes if node in self.norms]
        return math.hypot(*found) if found else None

    def flow(self, stands_for: Collection[Edge]) -> WireFlow | None:
        """What flows along a wire between two cards, which may stand for several; None where nothing is known."""
        found = [self.wires[edge] for edge in stands_for if edge in self.wires]
        if not found:
            return None
        strength = math.hypot(*found)
        together = f" ({len(found)} wires together)" if len(found) > 1 else ""
        sentence = f"flows back: ‖∂loss/∂value‖ = {format_number(strength)}{together}"
        if not math.isfinite(strength):
            return WireFlow(_NARROWEST * 2, sentence, is_number=False)
        return WireFlow(self.width(strength), sentence, is_nothing=strength == 0)

    @cached_property
    def _ends(self) -> tuple[float, float]:
        """Powers of ten at the ends of the scale of widths."""
        sizes = [size for size in self.wires.values() if size > 0 and math.isfinite(size)]
        high = math.log10(max(sizes, default=1.0))
        low = max(math.log10(min(sizes, default=1.0)), high - _MOST_SPAN)
        return min(low, high - _LEAST_SPAN), high

    def width(self, strength: float) -> float:
        """How wide a wire is, on a logarithmic scale from the weakest to the strongest of the network."""
        if strength <= 0:
            return _NOTHING
        low, high = self._ends
        share = (math.log10(strength) - low) / (high - low)
        return _NARROWEST + (_WIDEST - _NARROWEST) * float(np.clip(share, 0.0, 1.0))


@dataclass(frozen=True, eq=False)
class Looking:
    """A lens, and what is said about what is seen through it.

    Attributes:
        lens: What cards and wires show; None as long as it is not known: they show what they did.
        title: What that is, in the fewest words.
        words: A sentence or two.
        part: Of a step that is taken apart the part, one of ``parts``; empty where none is.
        parts: All parts of a step, in their order.
        signs: Whether the colours are those of signs.
        on_canvas: A sentence about what only the canvas shows: wires, a weight written out.
    """

    lens: Lens | None
    title: str
    words: str
    part: str = ""
    parts: tuple[str, ...] = ()
    signs: bool = False
    on_canvas: str = ""
