"""What the command palette can find: one small function a kind of thing.

A new kind of thing is one more function in :data:`PROVIDERS`; it is asked whenever the palette opens, on the GUI
thread, so it must neither read files nor build anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu

from nnviz.data import datasets
from nnviz.gui.canvas.items.note_text import note_title
from nnviz.gui.parts.action import Offer, actions_by_menu, plain
from nnviz.gui.runs.workspace import Workspace
from nnviz.project import registry
from nnviz.project.checks.shapes import shape_text
from nnviz.project.drawing.layout import GROUP
from nnviz.project.graph.groups import members_by_group, title_of
from nnviz.project.samples.templates import samples
from nnviz.record.library import KeptRun

if TYPE_CHECKING:
    from nnviz.gui.inspector import Inspector
    from nnviz.gui.window.docks import Docks


#: A note is found by so many of its first letters.
_MOST_KEYWORDS = 300
#: Of the kept runs, the newest that are searched: each letter that is typed is compared with every title.
_MOST_RUNS = 300


@dataclass(frozen=True)
class Entry:
    """One thing that can be done.

    Attributes:
        key: Stays the same from start to start, so that it can be remembered.
        title: A few words that begin with a verb.
        category: What kind of thing it is.
        run: Does it.
        lead: Length of a verb (and a space) before the name that one types, as in "Add Conv2d".
        keywords: Other words by which it is found.
        shortcut: As it is written in menus.
        icon: Name of an icon, or empty; ``family``: a layer's, for a dot in its colour.
        checked: It is on now.
        reason: Why it cannot be done now; empty where it can.
    """

    key: str
    title: str
    category: str
    run: Callable[[], object]
    lead: int = 0
    keywords: str = ""
    shortcut: str = ""
    icon: str = ""
    family: str = ""
    checked: bool = False
    reason: str = ""

    @property
    def enabled(self) -> bool:
        """Whether it can be done now."""
        return not self.reason


@dataclass(frozen=True)
class Findable:
    """What is searched, as the window hands it in.

    Attributes:
        workspace: The document, its training, and the files used last.
        offered: Everything that can be done, and ``actions``: the same as Qt has it, by name.
        minimap: The menu that says when the map of the network is shown.
        docks: The instruments, once they are there; ``inspector`` likewise.
        kept: The runs that were kept, the newest first.
        show_node: Selects a layer, a group or a note and brings it into view.
        enter_tab: Brings a tab of the inspector to the front, and the keyboard into it.
        use_dataset: Takes another data set.
        add_layer: Adds a layer of a kind, as a double click in the palette does.
    """

    workspace: Workspace
    offered: tuple[Offer, ...]
    actions: Mapping[str, QAction]
    minimap: QMenu
    docks: Callable[[], Docks | None]
    inspector: Callable[[], Inspector | None]
    kept: Callable[[], Sequence[KeptRun]]
    show_node: Callable[[str], object]
    enter_tab: Callable[[str], object]
    use_dataset: Callable[[str], object]
    add_layer: Callable[[str], object]


def _named(verb: str, name: str) -> tuple[str, int]:
    return f"{verb} {name}", len(verb) + 1


def action_entries(find: Findable) -> Iterator[Entry]:
    """Every action of the menus."""
    for title, offered in actions_by_menu(find.offered):
        for offer in offered:
            if offer.name == "command_palette":
                continue
            action = find.actions[offer.name]
            shortcut = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            yield Entry(
                key=f"action/{offer.name}",
                title=plain(action.text()),
                category=plain(title),
                run=action.trigger,
                keywords=f"{offer.help} {shortcut} {plain(offer.text)}",
                shortcut=shortcut,
                icon=offer.icon,
                checked=action.isCheckable() and action.isChecked(),
                reason=offer.why_not(),
            )


def map_entries(find: Findable) -> Iterator[Entry]:
    """When the map of the network is shown."""
    for action in find.minimap.actions():
        yield Entry(
            f"map/{action.data()}",
            f"Show the map: {plain(action.text()).lower()}",
            "View",
            action.trigger,
            keywords=f"minimap {action.statusTip()}",
            shortcut=action.shortcut().toString(QKeySequence.SequenceFormat.NativeText),
            checked=action.isChecked(),
        )


def panel_entries(find: Findable) -> Iterator[Entry]:
    """Every instrument, and every tab of the inspector."""
    docks = find.docks()
    if docks is not None:
        for key, dock in docks.docks.items():
            panel = docks.kinds[key]
            shortcut = dock.toggleViewAction().shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            title, lead = _named("Show", panel.title)
            # Those with an action of their own in another menu are there already.
            if key not in find.actions:
                yield Entry(
                    f"panel/{key}",
                    title,
                    "Instrument",
                    partial(docks.show_panel, key),
                    lead,
                    "instrument dock panel",
                    shortcut,
                    "panels",
                    checked=not dock.isHidden(),
                )
            if not dock.isHidden():
                title, lead = _named("Hide", panel.title)
                yield Entry(f"panel/hide/{key}", title, "Instrument", dock.close, lead, "close instrument dock panel")
    inspector = find.inspector()
    if inspector is not None:
        for key, tab in inspector.kinds.items():
            title, lead = _named("Open", f"the {tab.title} tab")
            yield Entry(
                f"tab/{key}",
                title,
                "Inspector",
                partial(find.enter_tab, key),
                lead,
                "inspector settings",
                tab.keys,
            )


def instrument_entries(find: Findable) -> Iterator[Entry]:
    """Every option of every instrument, and every way to take what it shows elsewhere."""
    docks = find.docks()
    if docks is None:
        return
    for key, actions in docks.actions.items():
        panel = docks.kinds[key]
        for entry in actions.entries:
            yield Entry(
                f"instrument/{key}/{entry.key}",
                f"{panel.title}: {entry.words[:1].lower()}{entry.words[1:]}",
                "Instrument",
                entry.action.trigger,
                keywords=entry.help,
                shortcut=entry.action.shortcut().toString(QKeySequence.SequenceFormat.NativeText),
                icon="panels",
                checked=entry.action.isChecked(),
            )


def node_entries(find: Findable) -> Iterator[Entry]:
    """Every layer of the network: it is selected and shown."""
    document = find.workspace.document
    for node in document.project.graph.nodes.values():
        spec = registry.layers().get(node.kind)
        kind = spec.title if spec is not None else node.kind
        shape = document.inference.shape(node.id)
        name = node.name if node.name and node.name != node.id else ""
        parts = (name, kind if kind != name else "", shape_text(shape) if shape else "")
        words = " ".join(part for part in parts if part)
        title, lead = _named("Go to", f"{node.id} – {words}" if words else node.id)
        yield Entry(
            f"node/{node.id}",
            title,
            "Network",
            partial(find.show_node, node.id),
            lead,
            family=spec.family if spec is not None else "shape",
        )


def group_entries(find: Findable) -> Iterator[Entry]:
    """Every group of layers: its card or its frame is selected and shown."""
    graph = find.workspace.document.project.graph
    counts = {group: len(members) for group, members in members_by_group(graph).items()}
    for group in graph.groups.values():
        count = counts[group.id]
        words = f"{title_of(group)}, a group of {count} layer{'' if count == 1 else 's'}"
        title, lead = _named("Go to", words)
        yield Entry(
            f"group/{group.id}",
            title,
            "Network",
            partial(find.show_node, group.id),
            lead,
            f"{group.id} block frame",
            family=GROUP,
        )


def note_entries(find: Findable) -> Iterator[Entry]:
    """Every note on the canvas: it is selected and shown."""
    for note in find.workspace.document.project.graph.notes.values():
        title, lead = _named("Go to note", note_title(note.text))
        yield Entry(
            f"note/{note.id}",
            title,
            "Network",
            partial(find.show_node, note.id),
            lead,
            note.text[:_MOST_KEYWORDS],
            icon="note",
        )


def layer_entries(find: Findable) -> Iterator[Entry]:
    """Every kind of layer: it is added as by a double click in the palette."""
    families = dict(registry.FAMILIES)
    for kind, spec in registry.layers().items():
        title, lead = _named("Add", spec.title)
        words = f"{kind} {families.get(spec.family, '')} {spec.help}"
        yield Entry(
            f"layer/{kind}",
            title,
            "Layer",
            partial(find.add_layer, kind),
            lead,
            words,
            family=spec.family,
        )


def sample_entries(find: Findable) -> Iterator[Entry]:
    """Every sample network."""
    for info in samples():
        title, lead = _named("Open sample", info.title)
        words = f"{info.name} {info.dataset}"
        yield Entry(
            f"sample/{info.name}",
            title,
            "Sample",
            partial(find.workspace.files.open_sample, info.name),
            lead,
            words,
            icon="network",
        )


def dataset_entries(find: Findable) -> Iterator[Entry]:
    """Every data set."""
    current = find.workspace.document.project.data.dataset
    for kind, spec in datasets.datasets().items():
        title, lead = _named("Use", spec.title)
        words = f"{kind} data set dataset"
        yield Entry(
            f"dataset/{kind}",
            title,
            "Data",
            partial(find.use_dataset, kind),
            lead,
            words,
            icon="data",
            checked=kind == current,
        )


def recent_entries(find: Findable) -> Iterator[Entry]:
    """Files opened or saved last, and the runs that were kept."""
    for path in find.workspace.settings.recent:
        title, lead = _named("Open", path.name)
        yield Entry(
            f"file/{path}",
            title,
            "Recent file",
            partial(find.workspace.files.open, path),
            lead,
            str(path.parent),
            icon="recent",
        )
    for kept in find.kept()[:_MOST_RUNS]:
        title, lead = _named("Open run", kept.path.stem)
        yield Entry(
            f"file/{kept.path}", title, "Recent run", partial(find.workspace.files.open, kept.path), lead, icon="recent"
        )


#: Who is asked, in the order in which things stand while nothing is typed.
PROVIDERS: tuple[Callable[[Findable], Iterable[Entry]], ...] = (
    action_entries,
    map_entries,
    panel_entries,
    node_entries,
    group_entries,
    note_entries,
    instrument_entries,
    layer_entries,
    sample_entries,
    dataset_entries,
    recent_entries,
)


def all_entries(find: Findable) -> list[Entry]:
    """Everything that the palette can find now."""
    return [entry for provider in PROVIDERS for entry in provider(find)]
