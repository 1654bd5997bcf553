"""Every measured quantity, declared once: what its series are called, what it means, and where it is healthy.

A series of a run is named ``quantity`` or ``quantity/where``; *where* is a node's id, a split, or a rule. Nobody else
spells these names: who writes or reads a series asks the quantity for it, and who finds a name in a run asks
:func:`quantity_of`. Titles, units, thresholds and sentences that panels, cards, findings and help texts show stand here
too, so that a value that is amber on a card is amber in the panel, and is the value at which a finding begins.

The names are part of the run files' format: changing one makes the runs of yesterday unreadable.
"""

from __future__ import annotations

from collections.abc import Iterable

from nnviz.record.quantity import Badge, Bands, Curves, Mark, Quantity, Remark

LOSS = Quantity(
    "loss",
    "Loss",
    "split",
    "scalar",
    "How wrong the network is: of the batch at each step, of the whole validation split after each epoch, of the test "
    "split when it was asked for.",
)
ACCURACY = Quantity(
    "accuracy",
    "Accuracy",
    "split",
    "scalar",
    "The share of the examples that was right.",
    unit="share",
    decimals=1,
)
#: Among how many classes an example's own may be; of fewer classes than the second these would be nearly all.
TOP, LEAST_CLASSES_FOR_TOP = 5, 6
TOP5_ACCURACY = Quantity(
    "top5_accuracy",
    "Top-5 accuracy",
    "split",
    "scalar",
    "The share of the examples whose class was among the five that the network found likeliest; with six classes or "
    "more.",
    unit="share",
    decimals=1,
)
MACRO_F1 = Quantity(
    "macro_f1",
    "Macro F1",
    "split",
    "scalar",
    "The mean over the classes of F1, 2·precision·recall / (precision + recall): each class counts the same, however "
    "many examples it has.",
    unit="share",
    decimals=1,
)
LEARNING_RATE = Quantity(
    "learning_rate",
    "Learning rate",
    "run",
    "scalar",
    "The learning rate that the steps use, recorded when it changes.",
    scale="log",
    holds=True,
)
BATCH_SIZE = Quantity(
    "batch_size",
    "Batch size",
    "run",
    "scalar",
    "The examples in a batch of the steps that follow, recorded at the beginning and when it changes.",
    holds=True,
)
EPOCHS_PLANNED = Quantity(
    "epochs_planned",
    "Epochs planned",
    "run",
    "scalar",
    "To how many epochs it is trained, recorded at the beginning and when it changes; perhaps more than the project's.",
    holds=True,
)
EPOCH = Quantity(
    "epoch", "Epoch", "run", "scalar", "The number of finished epochs, recorded when one ends.", holds=True
)
TRAINING_SECONDS = Quantity(
    "training_seconds",
    "Training time",
    "run",
    "scalar",
    "Seconds of training until the end of each epoch, pauses left out; a run that is gone on with counts on.",
    unit="s",
    holds=True,
)
SPEED = Quantity(
    "speed/samples_per_second",
    "Speed",
    "run",
    "scalar",
    "Examples trained on in a second, over the last moments.",
    unit="examples/s",
)
STEPS_PER_SECOND = Quantity(
    "speed/steps_per_second",
    "Steps a second",
    "run",
    "scalar",
    "Steps trained in a second, over the last moments: what was measured longer ago than that is shown as old.",
    unit="steps/s",
)
COST = Quantity(
    "cost/probes",
    "Cost of the instruments",
    "run",
    "scalar",
    "The share of the training time that measuring took.",
    unit="share",
    decimals=1,
)
GRADIENT_NORM = Quantity(
    "gradient_norm",
    "Gradient magnitude",
    "node",
    "scalar",
    "For each layer the L2 norm of ∂L/∂θ over all its parameters, after the backward pass, before clipping and update.",
    scale="log",
    bands=Bands(warning=Mark(1e3, 1e2)),
    curves=Curves(
        "gradients",
        "G",
        "‖∂L/∂θ‖",
        ("‖∂L/∂θ‖ per layer, log", "per layer, log", "log scale"),
        "Lines that lie close together and sink slowly: healthy. The first layers far below "
        "the last ones: the gradient vanishes on its way back, as with many sigmoid layers; try ReLU, another "
        "initialisation or normalisation. All rising steeply: it explodes; lower the learning rate. A gap in a "
        "line: the gradient was exactly zero, there is no logarithm of that.",
    ),
)
#: Of the first layer's gradient norm against the last one's: below, it vanishes on its way back.
GRADIENT_RATIO = Bands(low=Mark(1e-4, 1e-3))
#: Of the accuracy above guessing, as a part of c·(1−c) for the share c that guessing gets right: below, it is guessing.
ABOVE_CHANCE = Bands(low=Mark(0.25, 0.4))
#: Of the loss of some steps against what it was before the learning rate was raised: above, it was raised too far.
LOSS_RISE = Bands(warning=Mark(2.0, 1.4))
#: Of the loss of some steps against that of the first ones: above, nothing has been learned.
LOSS_LEFT = Bands(warning=Mark(0.9, 0.8))
#: Of the last validation loss against the lowest: above, it has risen.
VALIDATION_RISE = Bands(warning=Mark(1.1, 1.05))
#: Of the training accuracy less the validation accuracy: above, the examples are learned by heart.
ACCURACY_GAP = Bands(warning=Mark(0.05, 0.03))
#: Of the update ratio in a single step: above, the layer was thrown away and not changed.
UPDATE_OF_THE_THROWN = Bands(warning=Mark(1.0, 0.5))
#: Of the update ratio of the layer that moves most, while the loss stays what it was: below, the steps are too small.
UPDATE_OF_THE_STUCK = Bands(low=Mark(1e-4, 2e-4))
#: Of the accuracy of the nearest examples less the network's: above, the network misses what the data offers.
MISSED_ACCURACY = Bands(warning=Mark(0.10, 0.05))
#: Of the loss of some epochs against that of the epochs before them: below, it is still falling.
LOSS_FALL = Bands(low=Mark(0.95))
#: Of the units of a layer that are dead before the network had time to learn: above, hardly anything passes through it.
DEAD_AT_FIRST = Bands(warning=Mark(0.90))
#: Of the size of the inputs, the root of the mean of their squares: above, they alone drive a layer far out.
INPUT_SIZE = Bands(warning=Mark(10.0))
#: Of the share of the most frequent class: above, always naming it looks like knowledge.
MAJORITY = Bands(warning=Mark(0.60))
GRADIENT_MEAN = Quantity(
    "gradient_mean",
    "Mean gradient",
    "node",
    "scalar",
    "For each layer the mean absolute value of ∂L/∂θ over all its parameters.",
    scale="log",
)
UPDATE_RATIO = Quantity(
    "update_ratio",
    "Update ratio",
    "node",
    "scalar",
    "For each layer the norm of the change of its parameters in one step, divided by the norm of the parameters.",
    scale="log",
    bands=Bands(healthy=(3e-4, 3e-3), warning=Mark(1e-1, 5e-2), low=Mark(1e-6, 3e-6)),
    curves=Curves(
        "update_ratios",
        "U",
        "‖Δθ‖ / ‖θ‖",
        ("per layer, log · 10⁻³ is healthy", "10⁻³ is healthy", "log scale"),
        "About one thousandth (the shaded band) is healthy. Far above: each step overwrites "
        "what was learned; lower the learning rate. Far below: the layer hardly learns; raise the learning rate, or "
        "look whether its gradient vanishes.",
    ),
)
ACTIVATION_MEAN = Quantity(
    "activation_mean",
    "Mean activation",
    "node",
    "scalar",
    "The mean of the layer's output over the probe set, in evaluation mode.",
)
ACTIVATION_DEVIATION = Quantity(
    "activation_deviation",
    "Deviation of the activations",
    "node",
    "scalar",
    "The standard deviation of the layer's output over the probe set, in evaluation mode.",
)
ACTIVATION_HISTOGRAM = Quantity(
    "activation_histogram",
    "Activations",
    "node",
    "histogram",
    "For each layer how its outputs are distributed over the probe set in evaluation mode.",
)
#: Of dead units, and of those that have been silent lately.
_UNITS = Bands(warning=Mark(0.20, 0.15), error=0.50)
#: Of saturated outputs, over the probe set and in the batches that pass.
_SATURATED = Bands(warning=Mark(0.50, 0.40), error=0.90)
SILENT_FRACTION = Quantity(
    "silent_fraction",
    "Silent units",
    "node",
    "scalar",
    "The share of the units that fired for no training example of the last batches that were looked at: of 8 batches, "
    "and of more where they are small, so that it is at least 256 examples. Most of them are dead; some only wait for "
    "an example of their own.",
    unit="share",
    bands=_UNITS,
    layers="rectifier",
    badge=Badge("silent", "of its units fired for no example of the last training batches"),
)
DEAD_FRACTION = Quantity(
    "dead_fraction",
    "Dead ReLU units",
    "node",
    "scalar",
    "The share of the units (channels over all positions, or features) whose output is not above zero for a single "
    "image of the probe set.",
    unit="share",
    bands=_UNITS,
    layers="rectifier",
    badge=Badge("dead", "of its units never fire on the probe set"),
    lately=SILENT_FRACTION,
)
# Arrays: bool[units].
DEAD_UNITS = Quantity(
    "dead_units", "Which units are dead", "node", "array", "Of each unit whether it is dead.", layers="rectifier"
)
# Arrays: int64[units].
DEAD_SINCE = Quantity(
    "dead_since",
    "Since when units are dead",
    "node",
    "array",
    "Of each unit the first step at which it was found dead, and at every look since then; -1 where it is alive.",
    layers="rectifier",
)
ALIVE_UNTIL = Quantity(
    "alive_until",
    "Until when dead units were alive",
    "node",
    "array",
    "Of each dead unit the last step before at which it was seen alive; -1 where it never was, or is alive.",
    layers="rectifier",
)
SATURATING = Quantity(
    "saturating",
    "Saturated outputs lately",
    "node",
    "scalar",
    "The share of outputs where the derivative is under 5 % of its maximum, among what passed in the last training "
    "batches that were looked at: 8 batches, and more where they are small, so that it is at least 256 examples.",
    unit="share",
    bands=_SATURATED,
    layers="saturates",
    badge=Badge("saturating", "of its outputs were saturated in the last training batches"),
)
SATURATION = Quantity(
    "saturation",
    "Saturated outputs",
    "node",
    "scalar",
    "The share of outputs where the derivative is under 5 % of its maximum, so that hardly any gradient passes.",
    unit="share",
    bands=_SATURATED,
    layers="saturates",
    badge=Badge("saturated", "of its outputs are saturated"),
    lately=SATURATING,
    remark=Remark(
        "{node}: {value} of the outputs are saturated.",
        "There its derivative is under 5 % of the maximum, and the layers before it hardly learn.",
        "activations",
        spares_last=True,
    ),
)
CLOSED_CHANNELS = Quantity(
    "closed_channels",
    "Closed channels",
    "node",
    "scalar",
    "For each batch normalisation the share of its channels whose factor γ is at most 1 % of the largest one, so that "
    "hardly anything passes.",
    unit="share",
    bands=Bands(warning=Mark(0.50, 0.40), error=0.90),
    layers="over_batch",
    badge=Badge("closed", "of its channels are scaled to all but nothing"),
    remark=Remark(
        "{node}: {value} of the channels are closed.",
        "Their factor γ is at most 1 % of the largest one, and hardly anything passes. Less weight decay opens them; "
        "if the network does well, the layer before may have fewer channels.",
        "closed_channels",
    ),
    curves=Curves(
        "closed_channels",
        "B",
        "closed",
        ("share of channels with γ ≈ 0", "γ ≈ 0"),
        "None at the start, few later: healthy. Channels that close one after the other: the network can do without "
        "them, as weight decay finds out. Most of them closed: the layer before is too wide, or the decay too strong.",
    ),
)
# Arrays: float32, in torch's layout, at most 2**20 numbers; meta: ``minimum`` and ``maximum``, ``shown`` and ``of``
# where it is cut.
WEIGHTS = Quantity(
    "weights",
    "Filters",
    "node",
    "array",
    "The layer's weight as it stands between two steps.",
    layers="weight_view",
)
# Arrays: float32[out], for layers that have one and whose weight is not cut.
BIASES = Quantity(
    "bias_vector",
    "Biases",
    "node",
    "array",
    "The layer's bias as it stands between two steps.",
    layers="weight_view",
)
# Arrays: float32, without the batch; meta as of the pinned example, and which channels it has. The same of another
# example that is looked at is named ``output/<node>#<index>``.
OUTPUT = Quantity(
    "output",
    "Feature maps",
    "node",
    "array",
    "The output of a layer for the pinned example, in evaluation mode.",
)
# Arrays: float32, the shape of the input; meta: ``sample`` (its index), ``label``, ``split``.
PINNED_INPUT = Quantity(
    "input/pinned",
    "Pinned example",
    "run",
    "array",
    "The pinned example as the network sees it, after scaling.",
    holds=True,
)
# Arrays: float32[units, 32, 32], row 0 has the largest x2; meta: its edges ``x1_low`` to ``x2_high``.
PLANE = Quantity(
    "plane",
    "Units over the input plane",
    "node",
    "array",
    "What each unit puts out over the plane of two input features.",
)
# Arrays: float32[n, 3]: x1, x2, label of up to 400 training examples, once; meta as of a plane.
POINTS = Quantity(
    "input/points",
    "Training examples",
    "run",
    "array",
    "Some training examples as rows of x1, x2 and label.",
    holds=True,
)
# Arrays: float16[n] over the training split, NaN of examples that the last epoch did not show.
EXAMPLE_LOSS = Quantity(
    "example_loss",
    "Loss of each example",
    "run",
    "array",
    "The loss of every training example in an epoch, as its step saw it: before the update, with dropout.",
)
# Arrays: int32[n] likewise.
EXAMPLE_FORGOTTEN = Quantity(
    "example_forgotten",
    "Times forgotten",
    "run",
    "array",
    "How often every training example was right in one epoch and wrong in the next.",
)
# Arrays: float16[n] likewise.
EXAMPLE_MARGIN = Quantity(
    "example_margin",
    "Mean margin",
    "run",
    "array",
    "For every training example the mean over the epochs of the output of its label less the largest other output: "
    "the lower, the more the network disagrees with the label.",
)
# Arrays: of classes float32[n, 4]: predicted class (-1 for none), its probability (NaN for none), right class, how many
# classes came before the right one; of numbers float32[n, 2k]: k predicted, k right ones. Read by record/evaluated.py.
EVALUATION = Quantity(
    "evaluated",
    "Evaluation",
    "split",
    "array",
    "What the network made of every example of a split, when that was asked for.",
)
TEST_USES = Quantity(
    "test_uses",
    "Uses of the test set",
    "run",
    "scalar",
    "How often the test set was looked at, recorded when it is.",
    holds=True,
)
FINDING = Quantity(
    "finding",
    "Findings",
    "rule",
    "finding",
    "What the program noticed while the network trained, with cures.",
    holds=True,
)

CHANGE = Quantity(
    "changed_by_hand",
    "Changes by hand",
    "rule",
    "finding",
    "A setting, a number or a unit that was changed while the network trained: timeline and curves mark the step "
    "behind which it holds.",
    holds=True,
)

#: What the findings begin with that note weights set by hand; a node's id follows.
EDITED = FINDING.series("edited/")
#: What those begin with that note units switched off, and units frozen; a node's id and the unit's number follow.
SWITCHED = {what: FINDING.series(f"unit_{what}/") for what in ("off", "frozen")}

#: All of them, in the order of their declarations.
QUANTITIES: tuple[Quantity, ...] = tuple(one for one in list(globals().values()) if isinstance(one, Quantity))
_BY_NAME = {quantity.name: quantity for quantity in QUANTITIES}
_STAND_INS = frozenset(quantity.lately for quantity in QUANTITIES)
_BADGES = tuple(quantity for quantity in QUANTITIES if quantity.badge is not None and quantity not in _STAND_INS)


def quantity_of(series: str) -> tuple[Quantity, str] | None:
    """The quantity of a series and what it belongs to (empty for the whole run); None for names that nobody declared.

    Run files are written by other versions and by anybody, so that unknown names are no error.
    """
    whole = _BY_NAME.get(series)
    if whole is not None and whole.per == "run":
        return whole, ""
    name, slash, where = series.partition("/")
    found = _BY_NAME.get(name)
    return (found, where) if found is not None and found.per != "run" and slash and where else None


def prefixes_of(quantities: Iterable[Quantity]) -> tuple[str, ...]:
    """What the series of these quantities begin with, for ``str.startswith``."""
    return tuple(quantity.prefix for quantity in quantities)


def badge_of(spec: object) -> Quantity | None:
    """The quantity that stands on the card of a layer of this declaration: the first that its layers have.

    What is measured of it lately (:attr:`Quantity.lately`) takes its place while it is newer and the exact value old.
    """
    return next((one for one in _BADGES if getattr(spec, one.layers, False)), None)
