"""The two sets of colours that the program comes with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field

from PySide6.QtGui import QColor


def _families(**colours: str) -> Mapping[str, QColor]:
    return {family: QColor(colour) for family, colour in colours.items()}


@dataclass(frozen=True, eq=False)
class Theme:
    """One set of colours. Fields are QColor: never change one in place.

    Attributes:
        name: ``dark`` or ``light``.
        window: Behind everything, and the canvas.
        panel: Side bars, docks and bars; ``panel_raised``: cards, buttons; ``field``: where one types.
        border: Lines between regions; ``grid``: dots of the canvas and lines of plots.
        text, text_muted, text_faint: Content, labels, hints. All have a contrast of at least 4.5 on every ground.
        accent, accent_text: The one accent, and what is written on it.
        good, warning, danger, information: States.
        plot_background: Behind curves and pictures.
        series: Eight colours for curves that colour-blind eyes tell apart.
        runs: Six colours for runs beside each other, any two of which lie at least 0.1 apart in Oklab, for normal
            sight and for all three kinds of colour blindness.
        families: Colour of each family of layers.
        neutral: Middle of the diverging scale.
        positive, negative: Signs of numbers, everywhere; see ``scales``.
        classes: Colours of classes, apart from those of signs.
    """

    name: str
    dark: bool
    window: QColor
    panel: QColor
    panel_raised: QColor
    field: QColor
    border: QColor
    grid: QColor
    text: QColor
    text_muted: QColor
    text_faint: QColor
    accent: QColor
    accent_text: QColor
    good: QColor
    warning: QColor
    danger: QColor
    information: QColor
    plot_background: QColor
    neutral: QColor
    positive: QColor
    negative: QColor
    classes: tuple[QColor, ...]
    series: tuple[QColor, ...]
    runs: tuple[QColor, ...]
    families: Mapping[str, QColor] = dataclass_field(repr=False)

    def family(self, family: str) -> QColor:
        """The colour of a family of layers (that of ``shape`` for an unknown one)."""
        return self.families.get(family, self.families["shape"])


DARK = Theme(
    name="dark",
    dark=True,
    window=QColor("#161a20"),
    panel=QColor("#1b1f26"),
    panel_raised=QColor("#222731"),
    field=QColor("#262c37"),
    border=QColor("#2e3542"),
    grid=QColor("#272d38"),
    text=QColor("#e8ecf2"),
    text_muted=QColor("#98a2b3"),
    text_faint=QColor("#8a95a6"),
    accent=QColor("#4da3ff"),
    accent_text=QColor("#0a1420"),
    good=QColor("#4cc38a"),
    warning=QColor("#ffb454"),
    danger=QColor("#ff6b6b"),
    information=QColor("#4da3ff"),
    plot_background=QColor("#0f1216"),
    neutral=QColor("#22262e"),
    positive=QColor("#58b0ff"),
    negative=QColor("#ff9d3c"),
    classes=tuple(
        QColor(colour) for colour in ("#a3e635", "#8f5cf0", "#2fc9b5", "#f9a8d4", "#c9ceda", "#2e9e5b", "#a8477f")
    ),
    series=tuple(
        QColor(colour)
        for colour in ("#4da3ff", "#ffa23f", "#2fb9a8", "#f471b5", "#b185f7", "#e6d355", "#8ecbff", "#c98b5e")
    ),
    runs=tuple(QColor(colour) for colour in ("#b185f7", "#f3e26b", "#e8501c", "#8ecbff", "#ff9a3c", "#a765a8")),
    families=_families(
        input_output="#c9ceda",
        convolution="#4c9ffe",
        pooling="#2fb9a8",
        dense="#b185f7",
        activation="#ffab3d",
        regularise="#f471b5",
        shape="#8fa3bf",
        join="#9aa3b2",
        group="#6f8fd8",
    ),
)

LIGHT = Theme(
    name="light",
    dark=False,
    window=QColor("#eef0f4"),
    panel=QColor("#f8f9fb"),
    panel_raised=QColor("#ffffff"),
    field=QColor("#ffffff"),
    border=QColor("#d3d8e0"),
    grid=QColor("#d9dee6"),
    text=QColor("#1a212c"),
    text_muted=QColor("#566072"),
    text_faint=QColor("#626c7e"),
    accent=QColor("#0e69cb"),
    accent_text=QColor("#ffffff"),
    good=QColor("#18774e"),
    warning=QColor("#a05700"),
    danger=QColor("#c92a30"),
    information=QColor("#0e69cb"),
    plot_background=QColor("#ffffff"),
    neutral=QColor("#f1f1ef"),
    positive=QColor("#0a5fb4"),
    negative=QColor("#b85300"),
    classes=tuple(
        QColor(colour) for colour in ("#7a9a00", "#5a23b0", "#00a58f", "#d977ae", "#4d5563", "#1e6b3c", "#8a2a62")
    ),
    series=tuple(
        QColor(colour)
        for colour in ("#0f6fd6", "#c96400", "#0d8577", "#c2307f", "#7440c9", "#8a7400", "#3f97de", "#8a5630")
    ),
    runs=tuple(QColor(colour) for colour in ("#7a1fa8", "#9a7b00", "#8c2d04", "#5b8def", "#cf5fa0", "#23276e")),
    families=_families(
        input_output="#5c6675",
        convolution="#1d76dd",
        pooling="#12907f",
        dense="#8350d6",
        activation="#d17a00",
        regularise="#d03d8b",
        shape="#5f7492",
        join="#6d7786",
        group="#3f5fb0",
    ),
)
