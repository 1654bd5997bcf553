"""What the user made, as frozen values.

Every change makes a new :class:`Project` that shares all unchanged parts with the old one, so that keeping the whole
history costs little, and a value handed to another thread can never change under its hands. Mappings inside are frozen
by convention: build a new one, never write into one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

#: What a parameter can hold. Sequences are tuples (nested for matrices), so that values compare by content. A Choice
#: stands where one of several declared things has settings of its own; without any, its kind stands alone, as text.
ParamValue: TypeAlias = "bool | int | float | str | None | Choice | tuple[ParamValue, ...]"
Params: TypeAlias = Mapping[str, ParamValue]
#: A tensor's sizes without the batch: ``(channels, height, width)``, ``(channels, length)`` or ``(features,)``.
Shape: TypeAlias = tuple[int, ...]


class PortRef(msgspec.Struct, frozen=True, order=True):
    """One end of a wire: a node and the index of its port (joins number their inputs 0, 1, 2 … in order)."""

    node: str
    port: int = 0


class Edge(msgspec.Struct, frozen=True, order=True):
    """A wire from an output port to an input port."""

    source: PortRef
    target: PortRef


class Node(msgspec.Struct, frozen=True):
    """One layer on the canvas.

    Attributes:
        id: Stable, unique, lower case letters, digits and ``_``, starting with a letter: it is also the name of the
            torch submodule, the prefix in the state dict and the suffix of the series (``gradient_norm/<id>``).
        kind: Key into the registry, such as ``conv2d``.
        params: Only the values that differ from the Spec's defaults need to stand here.
        name: Title the user gave; empty shows the Spec's title.
        x, y: Top left corner of the card, in scene units.
        group: Id of the group it stands in; empty at the top.
        bypassed: Left out for the time being: what comes in at its first input goes out as it is (see ``bypass.py``).
        frozen: Its parameters are left as they are by training, from the start on or from when that is set.
    """

    id: str
    kind: str
    params: Params = msgspec.field(default_factory=dict)
    name: str = ""
    x: float = 0.0
    y: float = 0.0
    group: str = ""
    bypassed: bool = False
    frozen: bool = False


class Group(msgspec.Struct, frozen=True):
    """A named block of nodes and other groups. It changes how a network is drawn, never what it computes.

    Attributes:
        id: Like a node's id, and different from all of them.
        name: Title of its card or frame; empty shows "Group".
        parent: Id of the group it stands in; empty at the top.
        collapsed: Drawn as one card; otherwise as a frame around its members.
        x, y: Top left corner of that card, in scene units. Members have places of their own, as all cards do.
    """

    id: str
    name: str = ""
    parent: str = ""
    collapsed: bool = True
    x: float = 0.0
    y: float = 0.0


class Note(msgspec.Struct, frozen=True):
    """A text on the canvas.

    Attributes:
        id: Like a node's id, and different from all of them.
        x, y: Top left corner, in scene units.
        width, height: Of its paper; the text wraps inside.
        colour: One of :data:`NOTE_COLOURS`.
        group: Id of the group it stands in; empty at the top.
    """

    id: str
    text: str = ""
    x: float = 0.0
    y: float = 0.0
    width: float = 220.0
    height: float = 90.0
    colour: str = "plain"
    group: str = ""


class Arrow(msgspec.Struct, frozen=True):
    """An arrow on the canvas that points at something.

    Attributes:
        x, y: Its tail, in scene units.
        across, down: From the tail to the tip.
    """

    id: str
    x: float = 0.0
    y: float = 0.0
    across: float = 100.0
    down: float = 0.0
    colour: str = "plain"
    group: str = ""


#: What a note or an arrow can be coloured; the theme knows the tones.
NOTE_COLOURS = ("plain", "accent", "good", "warning", "bad")


class Graph(msgspec.Struct, frozen=True):
    """The network as drawn: nodes by id in the order they were added, and wires in the order they were drawn.

    Groups, notes and arrows stand in the order of their ids. Make a changed graph with ``msgspec.structs.replace``, so
    that what does not change is kept.
    """

    nodes: Mapping[str, Node] = msgspec.field(default_factory=dict)
    edges: tuple[Edge, ...] = ()
    groups: Mapping[str, Group] = msgspec.field(default_factory=dict)
    notes: Mapping[str, Note] = msgspec.field(default_factory=dict)
    arrows: Mapping[str, Arrow] = msgspec.field(default_factory=dict)


class Choice(msgspec.Struct, frozen=True):
    """One of several declared things with its settings: an optimizer, a schedule, a step of preparation.

    Attributes:
        kind: Key of its declaration, such as ``adam``.
        params: Only the values that differ from the declaration's defaults need to stand here.
    """

    kind: str
    params: Params = msgspec.field(default_factory=dict)

    @classmethod
    def of(cls, value: ParamValue) -> Choice:
        """The Choice that a parameter holds: a kind alone stands for that kind with its usual settings."""
        return value if isinstance(value, Choice) else cls(value if isinstance(value, str) else "")


class DataConfig(msgspec.Struct, frozen=True):
    """Which examples, and how they are split and prepared.

    Attributes:
        dataset: Key of the data set, such as ``digits`` or ``mnist``.
        params: Its own parameters (noise, size, seed …) as its declaration names them.
        validation_fraction: Share of the training examples held back for validation, 0 to 0.9.
        split_seed: Fixes which examples those are.
        preparation: What is done to them before the network sees them, in this order; nothing where empty.
        augmentation: What is done to training examples anew each time they are seen, in this order.
    """

    dataset: str = "digits"
    params: Params = msgspec.field(default_factory=dict)
    validation_fraction: float = 0.2
    split_seed: int = 0
    preparation: tuple[Choice, ...] = (Choice("scale"),)
    augmentation: tuple[Choice, ...] = ()


class TrainConfig(msgspec.Struct, frozen=True):
    """How the network is trained.

    Attributes:
        optimizer: How the weights follow the gradient; ``learning_rate`` is among its parameters.
        batch_size: Examples in one step.
        epochs: How often every training example is seen.
        seed: Fixes the initial weights, the order of the batches and dropout.
        device: ``auto`` (cuda, else mps, else cpu), ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        keep_best: Put the weights of the best epoch back at the end.
        schedule: How the learning rate changes with the step, as a multiple of the optimizer's.
        clipping: What is done to gradients that are too large.
        regularisers: What else than the loss acts on the weights, in this order.
        accumulation: Batches whose gradients make one update, and so one step; memory is needed for one of them.
        best_by: Which figure of the validation split decides which epoch is the best; the loss breaks ties.
        initialisation: How the weights of all layers start that follow it.
        early_stopping: When it ends before its last epoch.
        averaging: What is validated and kept in place of the weights themselves.
        precision: In what numbers a step is computed: ``single``, ``mixed`` or ``auto``.
        channels_last: Whether the channels of a pixel lie beside each other: ``never``, ``always`` or ``auto``.
    """

    optimizer: Choice = Choice("adam")
    batch_size: int = 128
    epochs: int = 10
    seed: int = 0
    device: str = "auto"
    keep_best: bool = False
    schedule: Choice = Choice("constant")
    clipping: Choice = Choice("none")
    regularisers: tuple[Choice, ...] = ()
    accumulation: int = 1
    best_by: str = "loss"
    initialisation: Choice = Choice("default")
    early_stopping: Choice = Choice("none")
    averaging: Choice = Choice("none")
    precision: str = "single"
    channels_last: str = "never"

    @property
    def step_size(self) -> int:
        """Examples in one step, all batches of an update together."""
        return self.batch_size * self.accumulation


#: Examples that are pinned at the same time, at most: what each layer makes of all of them is measured together.
MOST_PINS = 8
#: The splits that can be named by a pin; the test set is sealed. Empty: where examples are usually taken from, the
#: validation split, or the training split where nothing was held back.
PIN_SPLITS = ("", "train", "validation")


def usual_split(held_back: int) -> str:
    """The split where examples are usually taken from, if so many are held back for validation."""
    return "validation" if held_back else "train"


#: Which example: its number in the split where they are usually taken from, or a split and the number in that.
Pinned: TypeAlias = int | tuple[str, int]


class Pin(msgspec.Struct, frozen=True):
    """An example that stays at hand: its number in a split, one of :data:`PIN_SPLITS`."""

    index: int
    split: str = ""


class View(msgspec.Struct, frozen=True):
    """What belongs to looking, saved with the project.

    Attributes:
        pinned_sample: The example that the cards show, by its number in a split.
        pinned_split: Which split, one of :data:`PIN_SPLITS`.
        pins: The examples that are pinned, in the order in which they were; the cards show any of them, or another.
    """

    pinned_sample: int = 0
    pinned_split: str = ""
    pins: tuple[Pin, ...] = ()

    @property
    def shown(self) -> Pin:
        """The example that the cards show."""
        return Pin(self.pinned_sample, self.pinned_split)

    @property
    def pinned(self) -> Pinned:
        """The same as those take it who look into the network."""
        return named(self.shown)

    def showing(self, pin: Pin) -> View:
        """The same with another example on the cards."""
        return View(pin.index, pin.split, self.pins)


def named(pin: Pin) -> Pinned:
    """A pin as those take it who look into the network."""
    return (pin.split, pin.index) if pin.split else pin.index


class Curated(msgspec.Struct, frozen=True):
    """What somebody decided about one training example. The data themselves are never written to.

    Attributes:
        example: Its number among those for training and validation, as the data set gives them.
        mark: Tells it from others by its numbers, see ``data.curation.mark_of``, so that what was decided never falls
            on another example when the data change.
        label: Its class from now on, by name; of a data set without names the number. Empty leaves it.
        weight: How much its loss counts; 1 is as usual, 0 leaves it out.
    """

    example: int
    mark: str = ""
    label: str = ""
    weight: float = 1.0

    @property
    def is_usual(self) -> bool:
        """Whether nothing is decided."""
        return not self.label and self.weight == 1.0


class Project(msgspec.Struct, frozen=True):
    """The whole document. ``note`` says in a few sentences what it shows."""

    name: str = "untitled"
    note: str = ""
    graph: Graph = msgspec.field(default_factory=Graph)
    data: DataConfig = msgspec.field(default_factory=DataConfig)
    training: TrainConfig = msgspec.field(default_factory=TrainConfig)
    view: View = msgspec.field(default_factory=View)
    curation: tuple[Curated, ...] = ()


#: Fewer typed rows than this are no picture of a plane.
_FEWEST_ON_A_PLANE = 4


class DataFacts(msgspec.Struct, frozen=True):
    """What a graph has to know of a data set, without loading it: ``data.datasets.facts(config)`` gives it.

    Attributes:
        input_shape: Shape of one example, ``(channels, height, width)`` or ``(features,)``.
        targets: Number of values the network must put out for one example: the classes, 1 for a yes/no or a number; 0
            where any number of them will do.
        task: ``classes`` (an integer label), ``binary`` (one value, 0 or 1), ``regression`` (real values) or ``none``
            (nobody knows what is right: the network is only evaluated).
        class_names: One a class; empty for regression.
        examples: How many there are for training, validation and test; None where that is not known.
        feature_names: The names of the numbers of a table, where somebody has given them.
        typed: Rows that somebody typed in: a network without weights is of use on them, too.
        streamed: The examples stay on the disk and are read batch by batch, so that they take no memory.
    """

    input_shape: Shape
    targets: int
    task: str
    class_names: tuple[str, ...] = ()
    examples: tuple[int, int, int] | None = None
    feature_names: tuple[str, ...] = ()
    typed: bool = False
    streamed: bool = False

    @property
    def shown_task(self) -> str:
        """How answers are shown: without a right answer they are numbers, as those of a regression are."""
        return "regression" if self.task == "none" else self.task

    @property
    def on_a_plane(self) -> bool:
        """Whether examples are points of a plane, over which every unit can be drawn.

        A few rows that somebody typed are looked at number by number, and so are those without a right answer.
        """
        few = self.typed and self.examples is not None and self.examples[0] < _FEWEST_ON_A_PLANE
        return self.input_shape == (2,) and self.task != "none" and not few
