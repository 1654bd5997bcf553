"""The pictures of the window, and how each of them comes about (started by screenshots.py)."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "resources" / "screenshots"
#: Rows and columns of a seven, as shares of its picture, with the bar that the scans' writers gave it; and the steps of
#: two balls.
_SEVEN = (((0.2, 0.3), (0.2, 0.72), (0.5, 0.55), (0.85, 0.42)), ((0.52, 0.38), (0.52, 0.7)))
_BALL_STEPS = 8
LARGE, SMALL = (1680, 1050), (1280, 720)


@dataclass(frozen=True)
class Picture:
    """One picture.

    Attributes:
        target: What is opened.
        steps: Batches to train first.
        select: Layer that is selected.
        themes, sizes: It is rendered in each of both.
        prepare: What the person at the screen did before, given the window.
    """

    target: str
    steps: int = 0
    select: str = ""
    themes: tuple[str, ...] = ("dark", "light")
    sizes: tuple[tuple[int, int], ...] = (LARGE, SMALL)
    prepare: Callable[[object], None] | None = None


def break_a_layer(window: object) -> None:
    """A kernel that is larger than what it looks at, and a wire that is missing."""
    from nnviz.gui.window.window import MainWindow  # noqa: PLC0415 - brings Qt
    from nnviz.project.edits import Disconnect, SetParam  # noqa: PLC0415 - kept beside it

    assert isinstance(window, MainWindow)
    window.document.apply(SetParam("conv2", "kernel_size", (21, 21)))
    edge = next(edge for edge in window.document.project.graph.edges if edge.target.node == "relu3")
    window.document.apply(Disconnect(edge))
    window.canvas.select(["conv2"])


def show_samples(window: object) -> None:
    """The chooser of samples."""
    from nnviz.gui.window.window import MainWindow  # noqa: PLC0415 - brings Qt

    assert isinstance(window, MainWindow)
    window.overlays.show_welcome(at_start=False)


def unfold(window: object) -> None:
    """Every group shows what stands in it."""
    from nnviz.gui.window.window import MainWindow  # noqa: PLC0415 - brings Qt

    assert isinstance(window, MainWindow)
    window.canvas.groups.set_all(fold=False)


def unfold_a_module(window: object) -> None:
    """One Inception module is open among the others."""
    from nnviz.gui.window.window import MainWindow  # noqa: PLC0415 - brings Qt

    assert isinstance(window, MainWindow)
    window.canvas.groups.toggle("inception_3a")


def look_at_neurons(window: object) -> None:
    """The circles and lines stand in the place of the cards."""
    from nnviz.gui.window.window import MainWindow  # noqa: PLC0415 - brings Qt

    assert isinstance(window, MainWindow)
    window.centre.choose(True)


def roll_two_balls(window: object) -> None:
    """The loss along the only weight, and two optimizers on their way down."""
    from nnviz.gui.panels.landscape import LandscapePanel  # noqa: PLC0415 - brings Qt

    panel = shown_panel(window, "landscape")
    assert isinstance(panel, LandscapePanel)
    work = panel.work
    wait_for(lambda: len(work.balls) == 2 and min(len(ball.losses) for ball in work.balls) > _BALL_STEPS)
    assert panel.page is not None
    for _ in range(_BALL_STEPS):
        panel.page.bar.step.click()


def explain_a_number(window: object) -> None:
    """A number of the selected layer, written out over the whole width."""
    from nnviz.gui.panels.explain import ExplainPanel  # noqa: PLC0415 - brings Qt
    from nnviz.gui.window.window import MainWindow  # noqa: PLC0415 - brings Qt

    assert isinstance(window, MainWindow)
    window.action("explain_large").trigger()
    wait_for(lambda: window.docks is not None and isinstance(window.docks.panels.get("explain"), ExplainPanel))
    assert window.docks is not None
    panel = window.docks.panels["explain"]
    assert isinstance(panel, ExplainPanel)
    wait_for(lambda: panel.walk.taken is not None and not panel.walk.waiting)


def draw_a_digit(window: object) -> None:
    """A seven, drawn by hand; and which parts of it made the answer."""
    from nnviz.gui.panels.own_input import OwnInputPanel  # noqa: PLC0415 - brings Qt
    from nnviz.gui.panels.why import WhyPanel  # noqa: PLC0415 - as above

    panel = shown_panel(window, "own_input")
    assert isinstance(panel, OwnInputPanel)
    wait_for(lambda: panel.view is not None and panel.view.picture is not None)
    view = panel.view
    assert view is not None and view.picture is not None
    side = view.picture.shape[1]
    for stroke in _SEVEN:
        view.picture.stroke([(side * row, side * column) for row, column in stroke], 0.09 * side, (1.0,))
    view.picture_changed()
    wait_for(lambda: view.answer_shown is not None)
    why = shown_panel(window, "why")
    assert isinstance(why, WhyPanel)
    wait_for(lambda: why.views.why.answer is not None and why.views.why.answer.question.own is not None)


def shown_panel(window: object, key: str) -> object:
    """An instrument, in front."""
    from nnviz.gui.window.window import MainWindow  # noqa: PLC0415 - brings Qt

    assert isinstance(window, MainWindow)
    assert window.docks is not None
    return window.docks.show_panel(key)


def wait_for(so: Callable[[], bool], seconds: float = 60.0) -> None:
    """Let the window work until something is so."""
    from PySide6.QtWidgets import QApplication  # noqa: PLC0415 - brings Qt

    until = time.monotonic() + seconds
    while not so():
        if time.monotonic() > until:
            raise TimeoutError("What the picture shows did not come about.")
        QApplication.processEvents()
        time.sleep(0.01)


PICTURES = {
    "start": Picture("sample:digits-cnn"),
    "training": Picture("sample:digits-cnn", steps=150, select="conv2"),
    "error": Picture("sample:digits-cnn", prepare=break_a_layer),
    "spiral": Picture("sample:spiral", steps=3000, select="linear2", sizes=(LARGE,)),
    "lecture": Picture(
        "sample:digits-cnn",
        steps=150,
        sizes=((1280, 720), (1920, 1080)),
        themes=("dark",),
        prepare=lambda window: window.looks.set_lecture(True),  # type: ignore[attr-defined]  # the MainWindow
    ),
    "explain": Picture(
        "sample:digits-cnn",
        steps=150,
        select="conv1",
        sizes=(LARGE,),
        prepare=explain_a_number,
    ),
    "backward": Picture(
        "sample:digits-cnn",
        steps=30,
        sizes=(LARGE,),
        prepare=lambda window: window.action("backward").trigger(),  # type: ignore[attr-defined]  # the MainWindow
    ),
    "neurons": Picture("sample:spiral", steps=3000, sizes=(LARGE,), prepare=look_at_neurons),
    "valley": Picture("sample:one-weight", sizes=(LARGE,), prepare=roll_two_balls),
    "own-input": Picture("sample:digits-cnn", steps=270, sizes=(LARGE,), prepare=draw_a_digit),
    "welcome": Picture("sample:digits-cnn", sizes=(LARGE,), prepare=show_samples),
    "resnet18": Picture("sample:resnet18", sizes=(LARGE,)),
    "resnet18-unfolded": Picture("sample:resnet18", sizes=(LARGE,), prepare=unfold),
    "googlenet": Picture("sample:googlenet", sizes=(LARGE,)),
    "googlenet-module": Picture("sample:googlenet", sizes=(LARGE,), prepare=unfold_a_module),
    "googlenet-unfolded": Picture("sample:googlenet", sizes=(LARGE,), prepare=unfold),
}


def main() -> int:
    """Render all pictures, or those named, each in a process of its own."""
    # Named as what is typed: screenshots.py sets up and becomes this program.
    parser = argparse.ArgumentParser(prog="scripts/screenshots.py", description="Render resources/screenshots.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PICTURES)}; default: all")
    parser.add_argument("--one", nargs=3, metavar=("NAME", "THEME", "SIZE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, theme, size = options.one
        render(name, theme, tuple(int(part) for part in size.split("x")))  # type: ignore[arg-type]  # two of them
        return 0
    unknown = set(options.names) - set(PICTURES)
    if unknown:
        parser.error(f"no such picture: {', '.join(sorted(unknown))}")
    for name in options.names or PICTURES:
        for theme in PICTURES[name].themes:
            for width, height in PICTURES[name].sizes:
                command = [sys.executable, __file__, "--one", name, theme, f"{width}x{height}"]
                if subprocess.call(command) != 0:
                    return 1
    return 0


def render(name: str, theme: str, size: tuple[int, int]) -> None:
    """One picture."""
    from nnviz.gui import app  # noqa: PLC0415 - brings Qt, which the parent process does not need

    picture = PICTURES[name]
    out = FOLDER / f"{name}-{theme}-{size[0]}x{size[1]}.png"
    app.render(
        picture.target,
        out,
        size,
        steps=picture.steps,
        theme_name=theme,
        select=picture.select,
        prepare=picture.prepare,
    )
    print(out.relative_to(FOLDER.parent.parent), flush=True)


if __name__ == "__main__":
    sys.exit(main())
