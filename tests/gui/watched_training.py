"""What a watched training did, kept step by step, and every number of it computed a second time in plain numpy.

Nothing here is taken from the instruments: the weights and batches of each step are copied on the session's own thread
between two batches, and what follows from them is computed when somebody asks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from nnviz.probes.live_units import BATCHES, EXAMPLES, LiveUnits
from nnviz.record.quantities import quantity_of
from nnviz.train.batches import Batches
from nnviz.train.training import Training

Array = NDArray[np.float64]
#: A derivative under this share of its maximum is flat.
FLAT = 0.05


def softplus(x: Array) -> Array:
    return np.logaddexp(0.0, x)


ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "relu": (lambda x: np.where(np.isnan(x), x, np.maximum(x, 0.0)), lambda x: (x > 0).astype(float)),
    "tanh": (np.tanh, lambda x: 1.0 - np.tanh(x) ** 2),
    "sigmoid": (
        lambda x: np.exp(-softplus(-x)),
        lambda x: np.exp(-softplus(-x)) * np.exp(-softplus(x)),
    ),
}


class Truth:
    """The weights, batches and looks of one training, and what is true of them."""

    def __init__(self) -> None:
        self.training: Training | None = None
        #: Number of the validation example that is shown on the cards.
        self.pinned = 0
        self.weights: dict[int, dict[str, tuple[Array, Array]]] = {}
        self.batches: dict[int, tuple[Array, NDArray[np.int64]]] = {}
        self.looks: list[int] = []

    # -- kept on the session's thread ---------------------------------------------------------------------------------

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        advance, next_batch, measure = Training.advance, Batches.next, LiveUnits.measure

        def advanced(training: Training, *stages: Any) -> int:
            self.training = training
            self.keep(training.step)
            count = advance(training, *stages)
            self.keep(training.step)
            return count

        def taken(batches: Batches, step: int) -> tuple[torch.Tensor, torch.Tensor]:
            inputs, targets = next_batch(batches, step)
            self.batches[step + 1] = inputs.double().numpy().copy(), targets.numpy().copy()
            return inputs, targets

        def looked(probe: LiveUnits, measurement: Any) -> Any:
            if probe._maxima or probe._ends:
                self.looks.append(measurement.step)
            return measure(probe, measurement)

        monkeypatch.setattr(Training, "advance", advanced)
        monkeypatch.setattr(Batches, "next", taken)
        monkeypatch.setattr(LiveUnits, "measure", looked)

    def keep(self, step: int) -> None:
        assert self.training is not None
        network = self.training.network
        kept: dict[str, tuple[Array, Array]] = {}
        for node in self.layers:
            module = network.module_of(node)
            if isinstance(module, torch.nn.Linear):
                kept[node] = (
                    module.weight.detach().double().numpy().copy(),
                    module.bias.detach().double().numpy().copy(),
                )
        self.weights[step] = kept

    @property
    def layers(self) -> list[str]:
        """The nodes of the chain, from the input on."""
        assert self.training is not None
        return list(self.training.network.inference.order)

    def kind(self, node: str) -> str:
        assert self.training is not None
        return self.training.network.graph.nodes[node].kind

    def split(self, name: str) -> tuple[Array, NDArray[np.int64]]:
        assert self.training is not None
        feeder = self.training.feeder(name)
        everything = torch.arange(len(self.training.data.split(name)))
        return feeder.prepare(everything).double().numpy(), feeder.targets_of(everything).numpy()

    # -- computed a second time ---------------------------------------------------------------------------------------

    def outputs(self, step: int, inputs: Array) -> dict[str, Array]:
        """What every node puts out with the weights of a step; where that leaves 32-bit floats, computed with them."""
        found = self._outputs(step, inputs)
        if all(np.abs(value).max(initial=0.0) < 1e30 for value in found.values()):
            return found
        return {
            node: value.astype(np.float64) for node, value in self._outputs(step, inputs.astype(np.float32)).items()
        }

    def _outputs(self, step: int, inputs: Array) -> dict[str, Array]:
        found: dict[str, Array] = {}
        value = inputs
        with np.errstate(all="ignore"):
            for node in self.layers:
                kind = self.kind(node)
                if kind == "linear":
                    weight, bias = self.weights[step][node]
                    value = value @ weight.T.astype(value.dtype) + bias.astype(value.dtype)
                elif kind in ACTIVATIONS:
                    value = ACTIVATIONS[kind][0](value)
                found[node] = value
        return found

    def loss_and_share(self, step: int, inputs: Array, targets: NDArray[np.int64]) -> tuple[float, float]:
        """Mean cross-entropy, and the share of the examples that was right."""
        logits = self.outputs(step, inputs)[self.layers[-1]]
        with np.errstate(all="ignore"):
            if logits.shape[1] == 1:
                one, yes = logits[:, 0], targets.reshape(-1) > 0.5
                return float((softplus(one) - yes * one).mean()), float(((one > 0) == yes).mean())
            shifted = logits - logits.max(1, keepdims=True)
            losses = np.log(np.exp(shifted).sum(1)) - shifted[np.arange(len(targets)), targets]
        return float(losses.mean()), float((logits.argmax(1) == targets).mean())

    def gradients(self, step: int) -> dict[str, float]:
        """The norm of the gradient of each dense layer, for the batch of a step: backwards by hand."""
        inputs, targets = self.batches[step]
        outputs = self.outputs(step - 1, inputs)
        logits = outputs[self.layers[-1]]
        if logits.shape[1] == 1:
            shares = ACTIVATIONS["sigmoid"][0](logits) - (targets.reshape(-1, 1) > 0.5)
        else:
            shares = np.exp(logits - logits.max(1, keepdims=True))
            shares /= shares.sum(1, keepdims=True)
            shares[np.arange(len(targets)), targets] -= 1.0
        slope, norms = shares / len(targets), {}
        for index in range(len(self.layers) - 1, 0, -1):
            node, before = self.layers[index], outputs[self.layers[index - 1]]
            kind = self.kind(node)
            if kind == "linear":
                norms[node] = math.hypot(float(np.linalg.norm(slope.T @ before)), float(np.linalg.norm(slope.sum(0))))
                slope = slope @ self.weights[step - 1][node][0]
            elif kind in ACTIVATIONS:
                slope = slope * ACTIVATIONS[kind][1](before)
        return norms

    def update(self, step: int, node: str) -> float:
        """By how much of itself a layer changed in a step."""
        before, after = self.weights[step - 1][node], self.weights[step][node]
        change = math.hypot(*(float(np.linalg.norm(new - old)) for new, old in zip(after, before, strict=True)))
        size = math.hypot(*(float(np.linalg.norm(old)) for old in before))
        return change / size if size else math.inf if change else 0.0

    def saturated(self, node: str, step: int, inputs: Array) -> NDArray[np.bool_]:
        """Of each output of a sigmoid or tanh whether its derivative is under 5 % of its maximum."""
        before = self.outputs(step, inputs)[self.layers[self.layers.index(node) - 1]]
        steepest = 0.25 if self.kind(node) == "sigmoid" else 1.0
        return np.asarray(ACTIVATIONS[self.kind(node)][1](before) < FLAT * steepest)

    def window(self, step: int) -> list[int]:
        """The steps of the batches that were looked at last."""
        size = len(self.batches[step][0])
        return [one for one in self.looks if one <= step][-max(BATCHES, math.ceil(EXAMPLES / size)) :]

    def dead(self, node: str, step: int) -> NDArray[np.bool_]:
        return np.asarray((self.outputs(step, self.split("validation")[0])[node] <= 0).all(0))

    def value(self, series: str, step: int, of: str) -> float:
        """What a number on the screen has to be.

        Raises:
            KeyError: Nobody knows how to compute it: a number stands on the screen that is not watched.
        """
        with np.errstate(all="ignore"):
            return self._value(series, step, of)

    def _value(self, series: str, step: int, of: str) -> float:
        found = quantity_of(series)
        assert found is not None, series
        name, where = found[0].name, found[1]
        if name in ("loss", "accuracy"):
            if where == "train":
                pair = self.loss_and_share(step - 1, *self.batches[step])
            else:
                pair = self.loss_and_share(step, *self.split(where))
            return pair[name == "accuracy"]
        if name == "gradient_norm":
            return self.gradients(step)[where]
        if name == "update_ratio":
            return self.update(step, where)
        if name == "silent_fraction":
            fired = [(self.outputs(one - 1, self.batches[one][0])[where] > 0).any(0) for one in self.window(step)]
            return float(1.0 - np.any(fired, axis=0).mean())
        if name == "saturating":
            return float(
                np.concatenate(
                    [self.saturated(where, one - 1, self.batches[one][0]) for one in self.window(step)]
                ).mean()
            )
        if name == "weights":
            return ends(self.weights[step][where][0], of)
        if name == "bias_vector":
            return ends(self.weights[step][where][1], of)
        inputs = self.split("validation")[0]
        if name == "output":
            output = self.outputs(step, inputs[self.pinned : self.pinned + 1])[where][0]
            if of == "winner" and len(output) == 1:
                return float(ACTIVATIONS["sigmoid"][0](output)[0])
            if of == "winner":
                shares = np.exp(output - output.max())
                return float(shares.max() / shares.sum())
            if of.startswith("number "):
                return float(output.reshape(-1)[int(of.removeprefix("number "))])
            return ends(output, of)
        if name == "saturation":
            return float(self.saturated(where, step, inputs).mean())
        if name in ("dead_fraction", "dead_units"):
            dead = self.dead(where, step)
            return float(dead.sum()) if name == "dead_units" else float(dead.mean())
        output = self.outputs(step, inputs)[where]
        return {
            "activation_mean": lambda: float(output.mean()),
            "activation_deviation": lambda: float(output.std()),
            "activation_histogram": lambda: ends(output, of),
        }[name]()


def ends(numbers: Array, of: str) -> float:
    """The smallest or the largest of those that are finite; or how many there are."""
    finite = numbers[np.isfinite(numbers)]
    if of.startswith("colours"):
        # A scale of signs is as long on either side of zero; one of amounts ends where the numbers do.
        signed = numbers.ndim == 2 or bool((finite < 0).any())
        limit = float(np.abs(finite).max())
        if signed:
            return limit if of == "colours high" else -limit
        of = of.removeprefix("colours ")
    if of == "more":
        return float(finite.size)
    if not finite.size:
        return math.nan
    return float({"low": finite.min, "high": finite.max}[of]())


def number_in(text: str) -> tuple[float, float]:
    """A number as it stands on the screen, and how much its last digit is worth."""
    plain = text.replace("\u202f", "").replace("\u2212", "-").replace("\u00a0", "")
    if plain in ("NaN", "∞", "-∞"):
        return {"NaN": math.nan, "∞": math.inf, "-∞": -math.inf}[plain], 0.0
    found = re.match(r"<?(-?\d+)(\.\d+)?(?:e(-?\d+))?( %)?", plain)
    assert found is not None, text
    digit = 10.0 ** (int(found[3] or 0) - max(len(found[2] or "") - 1, 0))
    number = float(f"{found[1]}{found[2] or ''}e{found[3] or 0}")
    scale = 0.01 if found[4] else 1.0
    return number * scale, digit * scale


#: What 32-bit floats leave of a number that would be nothing: a likely class of 1 is off by so much.
FLOOR = {"loss": 5e-7, "gradient_norm": 3e-6, "update_ratio": 1e-6}


def agrees(text: str, value: float, floor: float = 1e-9) -> bool:
    """Whether what is written is this number: rounded to its digits, either way, and but for the float's own error."""
    number, digit = number_in(text)
    if not math.isfinite(value) or not math.isfinite(number):
        return str(number) == str(value) or (math.isinf(number) and abs(value) > 1e38)
    return abs(number - value) <= 1.001 * digit + 1e-3 * abs(value) + floor
