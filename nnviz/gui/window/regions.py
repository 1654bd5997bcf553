"""The regions of the window, as they come to be, and the ways to bring one of them to the front."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMainWindow, QWidget

from nnviz.data import datasets
from nnviz.gui.canvas import CanvasView, Palette
from nnviz.gui.panels.panel_actions import instrument_actions, list_actions
from nnviz.gui.parts.action import Action, Key, Offer
from nnviz.gui.window.centre_views import CentreViews
from nnviz.gui.window.notices import NoticeArea

if TYPE_CHECKING:
    from nnviz.gui.explain.number_column import NumberColumn
    from nnviz.gui.inspector import Inspector
    from nnviz.gui.panels.base import Panel
    from nnviz.gui.window.docks import Docks


class Regions(QObject):
    """What the window is put together from. Inspector and instruments come after the window is on the screen.

    Attributes:
        canvas: The network.
        palette: The layers at the left.
        notices: What stands above the canvas.
        side: What stands at the right: the inspector, or until it is there what keeps its place.
        inspector: The settings at the right; None until they are there.
        docks: The instruments; None until they are there.
        changed: Signal: something else is shown, so that other things can be done.
    """

    changed = Signal()

    def __init__(
        self,
        canvas: CanvasView,
        palette: Palette,
        side: QWidget,
        centre: CentreViews,
        notices: NoticeArea,
        say: Callable[[str], object],
        window: QMainWindow,
    ) -> None:
        super().__init__(window)
        self.canvas = canvas
        self._centre = centre
        self.palette = palette
        self.notices = notices
        self.side = side
        self.inspector: Inspector | None = None
        self.docks: Docks | None = None
        self._say = say
        #: What a number changes, once one was taken apart large; and the tab that stood there before.
        self._beside: NumberColumn | None = None
        self._tab_before = "layer"
        self._window = window

    def actions(self, reset: Callable[[], object]) -> tuple[Offer, ...]:
        """What is shown and what has the keyboard, and what is done with the instrument used last.

        Args:
            reset: Puts everything back in its place.
        """
        window = self._window
        return (
            Action(
                name="find_layer",
                text="&Search layers",
                help="Search the palette, as / does",
                do=self.find_layer,
                keys=("Ctrl+F",),
                icon="search",
                menu="&Add",
                section=1,
            ),
            Action(
                name="show_palette",
                text="&Palette",
                help="Show or hide the layers on the left",
                do=self.show_palette,
                keys=("Ctrl+B",),
                menu="&View",
                section=2,
                on=lambda: not self.palette.isHidden(),
            ),
            Action(
                name="show_inspector",
                text="I&nspector",
                help="Show or hide the settings on the right",
                do=self.show_inspector,
                keys=("Ctrl+I",),
                menu="&View",
                section=2,
                on=lambda: not self.side.isHidden(),
            ),
            *list_actions(self.enter_panel),
            Action(
                name="explain_large",
                text="Explain, &large",
                help="Take a number apart over the canvas, for a hall; again to close",
                do=self.explain_large,
                keys=("F8",),
                menu="E&xplain",
                section=1,
                why_not=lambda: "" if self.docks is not None else "The instruments are not there yet.",
            ),
            Action(
                name="notice",
                text="Ans&wer the notice",
                help="Put the keyboard on the notice above the canvas",
                do=self.answer_notice,
                keys=("F6",),
                menu="&Help",
                section=1,
            ),
            Action(
                name="reset_arrangement",
                text="&Reset arrangement",
                help="Put everything back in its place",
                do=reset,
                keys=("Ctrl+Alt+0",),
                menu="&View",
                section=2,
            ),
            Action(
                name="full_screen",
                text="Full s&creen",
                help="The whole screen",
                do=lambda on: window.showFullScreen() if on else window.showNormal(),
                keys=(Key.FullScreen, "F11"),
                menu="&View",
                section=3,
                on=window.isFullScreen,
            ),
            *instrument_actions(self.use_instrument),
        )

    def set_selection(self, nodes: list[str], closely: str) -> None:
        """What is selected on the canvas: instruments and inspector follow it.

        Args:
            nodes: All of it.
            closely: The one layer that is selected alone; empty for none or several.
        """
        if self.docks is not None:
            self.docks.set_selection(closely)
        if self.inspector is not None:
            self.inspector.set_selection(nodes)

    # ---- canvas and palette --------------------------------------------------------------------------------------

    def show_node(self, node: str) -> None:
        """Select a layer and bring it into view; where neurons stand in front, the cards come there."""
        self._centre.show_neurons(False)
        self.canvas.reveal(node)

    def show_palette(self, shown: bool) -> None:
        """Show or hide the palette."""
        self.palette.setVisible(shown)

    def find_layer(self) -> None:
        """Put the cursor into the palette's search."""
        self.palette.setVisible(True)
        self.palette.focus_search()

    def answer_notice(self) -> None:
        """Put the keyboard on the notice above the canvas."""
        if not self.notices.focus_first():
            self._say("There is no notice to answer.")

    # ---- inspector -----------------------------------------------------------------------------------------------

    def show_inspector(self, shown: bool) -> None:
        """Show or hide the inspector."""
        self.side.setVisible(shown)

    def show_tab(self, key: str) -> None:
        """Bring a tab of the inspector to the front."""
        self.side.setVisible(True)
        if self.inspector is not None:
            self.inspector.show_tab(key)
        self.changed.emit()

    def enter_tab(self, key: str) -> None:
        """Bring a tab of the inspector to the front, and the keyboard into its first field."""
        self.show_tab(key)
        if self.inspector is not None:
            self.inspector.enter(key)

    def edit_layer(self) -> None:
        """Put the keyboard into the first field of the selected layer."""
        self.enter_tab("layer")

    def show_data(self) -> None:
        """Open the Data tab."""
        self.show_tab("data")

    def use_dataset(self, kind: str) -> None:
        """Take another data set, as the Data tab does."""
        if self.inspector is not None:
            self.inspector.data.choose(kind)

    def use_data_file(self, path: Path) -> None:
        """Take a file of the user's own as the data, as the Data tab does; the tab shows what becomes of it."""
        spec = datasets.taking(path)
        if self.inspector is not None and spec is not None:
            self.show_data()
            self.inspector.data.take_place(path, spec)

    def choose_own_data(self) -> None:
        """Ask for a folder or a file of the user's own."""
        if self.inspector is not None:
            self.show_data()
            self.inspector.data.browse_own()

    # ---- instruments ---------------------------------------------------------------------------------------------

    def show_panel(self, key: str) -> Panel | None:
        """Bring an instrument to the front; None where there is none of that name, or none yet."""
        return self.docks.show_panel(key) if self.docks is not None else None

    def enter_panel(self, key: str) -> None:
        """Bring an instrument to the front, and the keyboard into it."""
        panel = self.show_panel(key)
        if panel is not None:
            panel.focus_first()

    def explain_large(self) -> None:
        """Take a number apart over the canvas, or go back to what was there."""
        if self.docks is not None:
            shown = self._centre.neurons if self._centre.neurons_shown else None
            self.docks.toggle_explain_page(shown.followed() if shown is not None else None)

    def explain_beside(self, large: bool) -> None:
        """Beside a number that is taken apart large stands what it changes, in the tab that explains."""
        inspector, docks = self.inspector, self.docks
        if inspector is None or docks is None:
            return
        panel = docks.panels["explain"]
        if self._beside is None:
            from nnviz.gui.explain.number_column import NumberColumn  # noqa: PLC0415 - opened by hand
            from nnviz.gui.panels.explain import ExplainPanel  # noqa: PLC0415 - as above

            assert isinstance(panel, ExplainPanel)
            self._beside = NumberColumn(panel.walk, panel.workspace.network, self._draw_input)
            inspector.explain.put_first(self._beside)
        self._beside.attend(large)
        if large:
            self._tab_before = inspector.tab
            inspector.show_tab("explain")
        elif inspector.tab == "explain":
            inspector.show_tab(self._tab_before)

    def _draw_input(self) -> None:
        """An input by hand needs the canvas: what lies over it goes."""
        self.explain_large()
        self.enter_panel("own_input")

    def show_problems(self) -> None:
        """Everything that is wrong with the network, in its panel."""
        self.enter_panel("problems")

    def use_instrument(self, command: str) -> None:
        """Do something with the instrument that was used last."""
        if self.docks is not None:
            self.docks.actions[self.docks.current].action(command).trigger()
