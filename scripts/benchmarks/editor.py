"""The editor under the hand: an edit until it is painted, drags, opening large networks, moving over them."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from documents import large_graph
from msgspec.structs import replace
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from rows import Row, Settings, milliseconds, seconds

from nnviz.gui import app as application
from nnviz.gui.canvas import CanvasView
from nnviz.gui.canvas.items.node_item import NodeItem
from nnviz.gui.parts import collector
from nnviz.gui.parts.settings import Settings as WindowSettings
from nnviz.gui.window.command_entries import Entry
from nnviz.gui.window.command_palette import Results
from nnviz.gui.window.window import MainWindow
from nnviz.project.document import Document
from nnviz.project.drawing.group_layout import arrange_view
from nnviz.project.edits import Edit, Move, SetKind, SetParam
from nnviz.project.files import io
from nnviz.project.graph.wiring import MOST_NODES
from nnviz.project.model import Graph, Group, Node, Note, Project
from nnviz.project.safety.autosave import Autosave
from nnviz.project.safety.recovery import Work
from nnviz.project.safety.window_lock import WindowLock
from nnviz.project.samples import templates

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
FRAME = 1 / 60


def measure(settings: Settings) -> Iterator[Row]:
    """Rows of this file."""
    app = application.application("dark")
    yield Row("load of the machine while this is measured", f"{os.getloadavg()[0]:.1f} of {os.cpu_count()} cores", "")
    yield from edit(app, settings)
    yield from largest(app, settings)
    yield from drag(app, settings)
    yield from opening(app, settings)
    yield from frames(app, settings)
    yield from palette(app, settings)
    yield from autosave(settings)


def grouped(graph: Graph, size: int, *, collapsed: bool) -> Graph:
    """The graph with every ``size`` nodes that follow each other in a group, in order."""
    names = list(graph.nodes)
    group_of = {name: f"block{index // size}" for index, name in enumerate(names)}
    groups = {
        key: Group(key, f"Block {key[5:]}", collapsed=collapsed) for key in sorted(dict.fromkeys(group_of.values()))
    }
    nodes = {name: replace(node, group=group_of[name]) for name, node in graph.nodes.items()}
    graph = replace(graph, nodes=nodes, groups=groups)
    return Move(arrange_view(graph)).apply(Project(graph=graph)).graph


def edit(app: QApplication, settings: Settings) -> Iterator[Row]:
    """From the edit until the changed cards are painted in the window, shapes and diagnostics of all included."""
    for what in ("near the output", "near the input", "of the input, every shape a new one"):
        graph = large_graph(500)
        with window_on(app, Project(graph=graph)) as window:
            node = "conv2" if "input" in what else [name for name in graph.nodes if name.startswith("conv")][-1]
            canvas = window.canvas
            canvas.camera.zoom_reset()
            canvas.camera.look_at(canvas.canvas_scene.cards[node].card_rect().center())
            rest(app)
            sides = iter(range(10**6))

            def change(
                window: MainWindow = window, node: str = node, what: str = what, sides: Iterator[int] = sides
            ) -> None:
                step = next(sides)
                if what.startswith("of"):
                    window.document.apply(SetParam("input", "shape", (16, 33 + step, 33 + step)))
                else:
                    # An even kernel loses a pixel each time: every shape behind it changes, and the joins complain.
                    window.document.apply(SetParam(node, "kernel_size", (3 + step % 2, 3 + step % 2)))
                window.canvas.viewport().repaint()

            painted = canvas.stage.painted
            taken = seconds(change, settings.rounds(30), warm_up=3)
            if canvas.stage.painted - painted < len(taken):
                raise RuntimeError("the edit did not paint a card")
        yield Row(
            f"500 nodes: edit {what} → badges painted in the window",
            milliseconds(taken),
            "limit 30 ms",
            statistics.median(taken) < 0.030,
        )


def largest(app: QApplication, settings: Settings) -> Iterator[Row]:
    """Edits of as many layers as a project may have, a chain with skips, until the changed cards are painted."""
    began = time.perf_counter()
    with window_on(app, Project(graph=large_graph(MOST_NODES - 10))) as window:
        shown = time.perf_counter() - began
        yield Row("10,000 nodes: the window opened", f"{shown:.1f} s", "limit 15 s", shown < 15)
        canvas = window.canvas
        canvas.camera.zoom_reset()
        canvas.camera.look_at(canvas.canvas_scene.cards["conv2000"].card_rect().center())
        rest(app, 3.0)
        node = window.document.project.graph.nodes["relu2000"]
        steps = iter(range(10**6))
        edits: dict[str, Callable[[int], Edit]] = {
            "a card moved": lambda step: Move({"relu2000": (node.x + 3.0 * (step % 2), node.y)}),
            "a layer's kind changed": lambda step: SetKind("relu2000", ("sigmoid", "relu")[step % 2]),
            "a new shape for 5,000 layers": lambda step: SetParam("conv2000", "kernel_size", (3 + step % 2, 3)),
        }
        for what, make in edits.items():

            def change(make: Callable[[int], Edit] = make) -> None:
                window.document.apply(make(next(steps)))
                window.canvas.viewport().repaint()

            taken = seconds(change, settings.rounds(12), warm_up=2)
            rest(app, 1.0)
            median = statistics.median(taken)
            yield Row(f"10,000 nodes: {what} → painted", milliseconds(taken), "limit 200 ms", median < 0.2)


class PaintCounter(QObject):
    """Counts how often a widget is painted."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Takes note and lets everything pass."""
        if event.type() == QEvent.Type.Paint:
            self.count += 1
        return False


def drag(app: QApplication, settings: Settings) -> Iterator[Row]:
    """Frames while the mouse drags cards: events of the window system, wires laid anew, the view painted."""
    for count in (1, 50):
        with window_on(app, Project(graph=large_graph(500))) as window:
            canvas, handle = window.canvas, window.windowHandle()
            scene, viewport = canvas.canvas_scene, canvas.viewport()
            canvas.camera.set_zoom(0.5)
            canvas.camera.look_at(QPointF(1100.0, 700.0))
            rest(app)
            seen = sorted(
                (item for item in scene.items(canvas.camera.visible_rect()) if isinstance(item, NodeItem)),
                key=lambda card: abs(card.y() - 700.0) + abs(card.x() - 1100.0),
            )
            canvas.select([card.node for card in seen[:count]])
            rect = seen[0].card_rect()
            start = viewport.mapTo(window, canvas.mapFromScene(QPointF(rect.center().x(), rect.top() + 15.0)))
            QTest.mousePress(handle, LEFT, NONE, start)
            steps = iter(range(10**6))

            def move(
                start: QPoint = start,
                steps: Iterator[int] = steps,
                handle: object = handle,
            ) -> None:
                step = next(steps)
                QTest.mouseMove(handle, start + QPoint(10 + 4 * (step % 30), 8 + 3 * (step % 20)))  # type: ignore[call-overload]  # a QWindow
                # The event asks for one paint, as on a screen; a repaint beside it would be a second one.
                app.processEvents()

            paints = PaintCounter(viewport)
            taken = seconds(move, settings.rounds(90), warm_up=5)
            if paints.count < len(taken):
                raise RuntimeError(f"only {paints.count} of {len(taken)} frames were painted")
            if canvas.overlay.gesture is None or scene.cards[seen[0].node].place == (seen[0].x() + 1, seen[0].y()):
                raise RuntimeError("nothing was dragged")
            canvas.gestures.cancel()
        cards = "one card" if count == 1 else f"{count} selected cards"
        yield Row(
            f"500 nodes: {cards} dragged by the mouse",
            f"{milliseconds(taken)} a frame",
            "limit 16.7 ms",
            statistics.median(taken) < FRAME,
        )


def opening(app: QApplication, settings: Settings) -> Iterator[Row]:
    """From the text of a file to the painted window, put in order on the way."""
    resnet = templates.sample("resnet18")
    expanded = replace(
        resnet.graph, groups={key: replace(group, collapsed=False) for key, group in resnet.graph.groups.items()}
    )
    large = large_graph(1000)
    kinds = ("conv2d", "relu", "linear", "flatten")
    loose = Graph({f"layer{index}": Node(f"layer{index}", kinds[index % 4]) for index in range(10_000)})
    works = (
        ("resnet18, groups collapsed", resnet, 0.5),
        ("resnet18, groups expanded", replace(resnet, graph=expanded), 0.5),
        ("1,000 nodes", Project(graph=large), 2.0),
        ("10,000 layers without a wire", Project(graph=loose), 3.0),
        ("1,000 nodes in 100 groups, collapsed", Project(graph=grouped(large, 10, collapsed=True)), 2.0),
        ("1,000 nodes in 100 groups, expanded", Project(graph=grouped(large, 10, collapsed=False)), 2.0),
    )
    with window_on(app, Project()) as window:
        for what, project, limit in works:
            text = io.dumps(project)

            def open_it(text: bytes = text) -> None:
                read = io.loads(text)
                sizes = window.canvas.groups.sizes()
                window.document.replace(Move(arrange_view(read.graph, sizes)).apply(read))
                window.canvas.viewport().repaint()

            taken = seconds(open_it, settings.rounds(9))
            yield Row(
                f"open, lay out and show {what}",
                f"{statistics.median(taken):.3f} s ({min(taken):.3f}–{max(taken):.3f})",
                f"limit {limit:g} s",
                statistics.median(taken) < limit,
            )
            window.document.replace(Project())
            rest(app)


def frames(app: QApplication, settings: Settings) -> Iterator[Row]:
    """Pan and zoom over 1,000 nodes in 100 frames with 60 notes, the map in its corner; and the map alone."""
    graph = grouped(large_graph(1000), 10, collapsed=False)
    corners = [(node.x, node.y) for node in list(graph.nodes.values())[::17]]
    notes = {
        f"note{index:03}": Note(f"note{index:03}", "**What** happens here\n- in words", x + 10.0, y - 130.0)
        for index, (x, y) in enumerate(corners)
    }
    document = Document(Project(graph=replace(graph, notes=notes)))
    view = CanvasView(document)
    view.resize(1280, 720)
    view.minimap.set_mode("always")
    view.show()
    rest(app)

    def whole() -> None:
        view.camera.fit()

    def full_size() -> None:
        view.camera.zoom_reset()
        view.camera.look_at(QPointF(*corners[0]))

    works: tuple[tuple[str, Callable[[], None], Callable[[int], None]], ...] = (
        ("pan, all in view", whole, lambda index: view.camera.pan_by(9.0 if index % 40 < 20 else -9.0, 0.0)),
        ("zoom, all in view", whole, lambda index: _zoom(view, index)),
        ("pan, full size", full_size, lambda index: view.camera.pan_by(9.0 if index % 40 < 20 else -9.0, 3.0)),
        ("zoom, full size", full_size, lambda index: _zoom(view, index)),
    )
    for what, prepare, move in works:
        prepare()
        rest(app)
        taken = []
        for index in range(settings.rounds(90)):
            began = time.perf_counter()
            move(index)
            view.viewport().repaint()
            view.minimap.repaint()
            taken.append(time.perf_counter() - began)
        yield Row(
            f"1,000 nodes, 100 frames, {len(notes)} notes, map: {what}",
            f"{milliseconds(taken)} a frame",
            "limit 16.7 ms",
            statistics.median(taken) < FRAME,
        )

    def draw_map() -> None:
        view.minimap._draw_anew()  # What redraw() does a moment later.
        view.minimap.repaint()

    taken = seconds(draw_map, settings.rounds(30))
    yield Row("map of 1,000 nodes drawn anew", milliseconds(taken), "limit 16.7 ms", statistics.median(taken) < FRAME)
    view.close()
    view.deleteLater()


def _zoom(view: CanvasView, index: int) -> None:
    """As the wheel does it: a frame has little time for cards that only need to be sharper."""
    view._hurry()
    view.camera.set_zoom(view.camera.zoom * (1.03 if index % 20 < 10 else 1 / 1.03))


def palette(app: QApplication, settings: Settings) -> Iterator[Row]:
    """A letter typed into the command palette, over 5,000 entries."""
    holder = QWidget()
    results = Results(holder)
    entries = [Entry(f"node/{n}", f"Go to conv{n} – Conv2d 32×26×{n}", "Network", lambda: None, 6) for n in range(5000)]
    results.set_entries(entries, ())
    words = ("c", "co", "con", "conv", "gtc", "26x", "4999", "cv2d", "nothing of it")
    at = iter(range(10**6))

    def search() -> None:
        results.search("")
        began = time.perf_counter()
        results.search(words[next(at) % len(words)])
        taken.append(time.perf_counter() - began)

    taken: list[float] = []
    for _ in range(settings.rounds(9 * len(words))):
        search()
    yield Row(
        "command palette: a letter over 5,000 entries",
        milliseconds(taken),
        "limit 10 ms",
        statistics.median(taken) < 0.010,
    )
    holder.deleteLater()


def autosave(settings: Settings) -> Iterator[Row]:
    """What keeping the work costs the thread of the window at each change; the writing has a thread of its own."""
    with tempfile.TemporaryDirectory() as folder:
        keeper = Autosave(WindowLock(Path(folder)))
        document = Document(Project(graph=large_graph(1000)))
        places = iter(range(10**6))
        taken = []
        for _ in range(settings.rounds(90)):
            document.apply(Move({"conv2": (float(next(places)), 0.0)}))
            began = time.perf_counter()
            keeper.note(Work(document.project, document.path, "") if document.is_modified else None)
            taken.append(time.perf_counter() - began)
        keeper.close()
    yield Row(
        "autosave of 1,000 nodes: a change, on the window's thread",
        milliseconds(taken),
        "limit 2 ms",
        statistics.median(taken) < 0.002,
    )


def rest(app: QApplication, seconds: float = 0.3) -> None:
    """Let the window come to rest, so that what is measured next is measured alone."""
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        app.processEvents()
        time.sleep(0.002)


@contextmanager
def window_on(app: QApplication, project: Project) -> Iterator[MainWindow]:
    """A real window on a project, complete, closed at the end."""
    with tempfile.TemporaryDirectory() as folder:
        window = MainWindow(Document(project), settings=WindowSettings(Path(folder) / "settings.ini"))
        completed: list[bool] = []
        window.completed.connect(lambda: completed.append(True))
        window.resize(1680, 1050)
        window.show()
        deadline = time.monotonic() + 60
        while not completed and time.monotonic() < deadline:
            app.processEvents()
        collector.spare()  # As where the program starts.
        rest(app, 1.0)
        try:
            yield window
        finally:
            window.finish()
            window.deleteLater()
