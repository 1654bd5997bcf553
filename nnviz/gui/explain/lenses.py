"""From what flows through a network to what the canvas shows of it: a lens, and a sentence that says what is seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnviz.gui.canvas.cards.lens import CHANGE, Lens, LensPicture, Shows
from nnviz.gui.look.theme import format_count, format_number
from nnviz.train.sub_steps import SubStep

if TYPE_CHECKING:
    from nnviz.explain.flow import Flow
    from nnviz.explain.sub_steps import Part

#: Parameter -> numbers, by the layer's id.
Parameters = Mapping[str, Mapping[str, NDArray[Any]]]
#: The sign on the cards, and the same in words, once for the whole canvas.
SIGN, SIGN_OF_INPUT, SIGN_WORDS = "∂L/∂y", "∂L/∂x", "∂loss / ∂value"
#: What is said where wires are shown.
ON_WIRES = "A wire is as wide as what flows back along it."


def backward_lens(flow: Flow) -> Lens:
    """The gradients of the loss with respect to every value; wires as wide as what flows back along them."""
    taking = {edge.target.node for edge in flow.wires} | {edge.source.node for edge in flow.wires}
    fed = {edge.target.node for edge in flow.wires}
    pictures = {
        node: LensPicture(
            gradient,
            Shows.SIGNS,
            SIGN if node in fed or node not in taking else SIGN_OF_INPUT,
            sentence=_gradient_words(node, gradient),
            short="∂L",
        )
        for node, gradient in flow.gradients.items()
    }
    words = "norm of the gradient with respect to its parameters"
    return Lens(pictures, flow.norms, "g", words, flow.wires, backward=True, fades=True)


def backward_words(flow: Flow) -> str:
    """Of what the gradients are, in a sentence or two."""
    which = "the first example of the batch"
    if flow.example is not None and flow.example.own is not None:
        which = "your own input"
    elif flow.example is not None:
        which = f"{flow.example.split} example {format_count(flow.example.index)}"
    right = f", a “{flow.right}”," if flow.right else ""
    loss = format_number(flow.loss) if flow.loss is not None else "?"
    return f"Loss {loss} of {which}{right} at step {format_count(flow.step)}."


def part_lens(part: Part, input_id: str, output_id: str, added: Parameters | None = None) -> Lens:
    """What the canvas shows in one part of a step.

    Args:
        part: What there is to see.
        input_id: The card of what comes in.
        output_id: That of what goes out.
        added: What the step has added to each parameter, once it is made.
    """
    if part.part is SubStep.BATCH:
        return Lens({input_id: _batch_picture(part)}, fades=True)
    if part.part is SubStep.UPDATE:
        return _update_lens(added) if added is not None else Lens(fades=True)
    assert part.flow is not None
    if part.part is SubStep.BACKWARD:
        return backward_lens(part.flow)
    pictures = {
        node: LensPicture(
            output,
            Shows.OUTPUT,
            words=part.flow.right if node == output_id else "",
            sentence="What it gives for the first example of the batch.",
        )
        for node, output in part.flow.outputs.items()
    }
    if part.part is SubStep.LOSS and part.losses is not None and part.loss is not None:
        mean = format_number(part.loss)
        which = "mean, as they weigh," if part.weighted else "mean"
        sentence = f"The loss of each of {part.batch.count} examples; their {which} is {mean}."
        pictures[output_id] = LensPicture(
            part.losses, Shows.LOSSES, "loss", f"mean {mean}", sentence, mean=part.loss
        )  # fmt: skip
    return Lens(pictures, fades=True)


def part_words(part: Part, *, made: bool = False) -> str:
    """What happens in a part of a step, in a sentence or two."""
    batch, step = part.batch, format_count(part.step + 1)
    count = format_count(batch.count)
    first = f"a “{batch.right[0]}”" if batch.right and batch.right[0] else "the first example"
    loss = format_number(part.loss) if part.loss is not None else ""
    if part.part is SubStep.BATCH:
        return (
            f"Step {step} takes {count} of {format_count(batch.of)} training examples, mixed anew in each epoch. "
            f"The first one, {first}, is followed."
        )
    if part.part is SubStep.FORWARD:
        return f"The batch flows through the network. The cards show its first example, {first}."
    if part.part is SubStep.LOSS:
        if batch.count == 1:
            return f"Loss {loss}: that of the one example, {first}, a bar on the Output card."
        mean = "weighted mean" if part.weighted else "mean"
        return f"Loss {loss}: the {mean} over {count} examples, each a bar on the Output card; the first is {first}."
    if part.part is SubStep.BACKWARD:
        return f"{SIGN_WORDS}: how the loss {loss} of the batch changes with each value of {first}."
    if made:
        return f"Step {step} is made. Each card shows what was added to its weights."
    return f"Step {step} is being made."


def _gradient_words(node: str, gradient: NDArray[Any]) -> str:
    size = float(np.sqrt(np.sum(np.square(gradient, dtype=np.float64))))
    return f"How the loss changes with each of {gradient.size:,} values of {node}: ‖∂L/∂y‖ = {format_number(size)}"


def _batch_picture(part: Part) -> LensPicture:
    batch = part.batch
    words = f"{format_count(len(batch.inputs))} of {format_count(batch.of)}"
    sentence = f"The batch of step {part.step + 1}: {batch.count} examples; the first one is framed."
    return LensPicture(batch.inputs, Shows.EXAMPLES, words, "", sentence, labels=batch.targets)


def _update_lens(added: Parameters) -> Lens:
    """What was added to the weights of each layer, the largest parameter of each as a picture."""
    pictures: dict[str, LensPicture] = {}
    norms: dict[str, float] = {}
    for node, named in added.items():
        name, numbers = max(named.items(), key=lambda item: item[1].size)
        pictures[node] = LensPicture(
            as_picture(numbers), Shows.SIGNS, "Δw", sentence=f"What the step added to {name} of {node}."
        )  # fmt: skip
        norms[node] = float(np.sqrt(sum(np.sum(np.square(one, dtype=np.float64)) for one in named.values())))
    return Lens(pictures, norms, CHANGE, "norm of what the step added to its parameters", fades=True)


def as_picture(numbers: NDArray[Any]) -> NDArray[Any]:
    """A parameter as maps, as a table or as a row: filters over each other are one map after the other."""
    if numbers.ndim >= 4:
        return numbers.reshape(-1, *numbers.shape[-2:])
    if numbers.ndim == 3:
        return numbers.reshape(-1, numbers.shape[-1])
    return numbers
