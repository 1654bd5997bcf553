"""All instruments, in the order in which they stand in menus and, at first, in the window."""

from __future__ import annotations

from nnviz.gui.panels.activations import ActivationsPanel
from nnviz.gui.panels.base import Panel
from nnviz.gui.panels.dead_units import DeadUnitsPanel
from nnviz.gui.panels.feature_maps import FeatureMapsPanel
from nnviz.gui.panels.filters import FiltersPanel
from nnviz.gui.panels.findings import FindingsPanel
from nnviz.gui.panels.gradients import GradientsPanel
from nnviz.gui.panels.history import HistoryPanel
from nnviz.gui.panels.layer_curves import curves_panel
from nnviz.gui.panels.loss import LossPanel
from nnviz.gui.panels.outline import OutlinePanel
from nnviz.gui.panels.problems import ProblemsPanel
from nnviz.gui.panels.update_ratios import UpdateRatiosPanel
from nnviz.record.quantities import QUANTITIES

_DRAWN: tuple[type[Panel], ...] = (
    LossPanel,
    GradientsPanel,
    DeadUnitsPanel,
    FindingsPanel,
    FiltersPanel,
    FeatureMapsPanel,
    ActivationsPanel,
    UpdateRatiosPanel,
    ProblemsPanel,
    HistoryPanel,
    OutlinePanel,
)
_KEYS = frozenset(panel.key for panel in _DRAWN)

#: Those that have a file of their own, then one for each quantity that declares its curves and has none.
PANELS: tuple[type[Panel], ...] = (
    *_DRAWN,
    *(curves_panel(one) for one in QUANTITIES if one.curves is not None and one.curves.key not in _KEYS),
)
