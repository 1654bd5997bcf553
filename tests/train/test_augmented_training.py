"""A training with augmentation: gone on with bit for bit, measured on untouched examples, mixed answers by hand."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
import torch
from torch.nn.functional import log_softmax, one_hot
from training_helpers import (
    CNN,
    CPU,
    MADE,
    MLP,
    advance,
    images,
    made_training,
    project_of,
    same,
    served,
    session_of,
    tables,
    weights,
)

from nnviz.data.augmentation import Augmentation
from nnviz.data.tensors import LoadedData
from nnviz.errors import InputError
from nnviz.explain.place import LOSS, Place
from nnviz.explain.sub_steps import batch_of, look_at
from nnviz.explain.taken_apart import take_apart
from nnviz.explain.values import values_of_next_batch
from nnviz.network.losses import LossFunction
from nnviz.project import registry
from nnviz.project.model import Choice, Graph
from nnviz.train.checkpoint import from_blobs, to_blobs
from nnviz.train.sub_steps import SubStep
from nnviz.train.training import Training

#: The losses of classes that take what the last layer of these networks puts out.
CLASS_LOSSES = [kind for kind, spec in registry.losses().items() if "classes" in spec.tasks and kind != "nll"]


def augmented(data: LoadedData, *kinds: str) -> LoadedData:
    chosen = tuple(Choice(kind) for kind in kinds or registry.AUGMENTATIONS.all)
    return replace(data, augmentation=Augmentation.of(chosen, data.facts))


def test_gone_on_with_bit_for_bit_from_the_middle_of_an_epoch() -> None:
    """60 examples, 6 steps an epoch; dropout draws beside it. Of the same weights, kept, put into a file and read."""
    data = augmented(images())
    whole = made_training(CNN, data)
    advance(whole, 15)
    other = made_training(CNN, data)
    advance(other, 4)
    kept = from_blobs(to_blobs(other.capture()))
    again = made_training(CNN, data)
    again.restore(kept)
    for one in (again, other):
        advance(one, 11)
        assert same(weights(one.network), weights(whole.network))
    plain = made_training(CNN, images())
    advance(plain, 15)
    assert not same(weights(plain.network), weights(whole.network))


def test_going_back_and_looking_ahead_see_the_same_pictures() -> None:
    training = made_training(CNN, augmented(images()))
    start = training.capture()
    ahead = training.coming.peek()
    assert all(torch.equal(one, other) for one, other in zip(ahead, training.coming.peek(), strict=True))
    advance(training, 9)
    seen = weights(training.network)
    training.go_back(start, 9)
    advance(training, 9)
    assert same(weights(training.network), seen)


def test_validation_and_test_are_untouched() -> None:
    data = augmented(images())
    training, plain = made_training(CNN, data), made_training(CNN, images())
    for split in ("validation", "test", "train"):
        for one, other in zip(training.feeder(split).batches(3), plain.feeder(split).batches(0), strict=True):
            assert torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])
    assert not torch.equal(training.coming.peek()[0], plain.coming.peek()[0])


@pytest.mark.parametrize(("graph", "data"), [(MLP, tables()), (CNN, images())], ids=["chain", "autograd"])
def test_the_loss_of_mixed_examples_is_that_of_mixed_answers(graph: Graph, data: LoadedData) -> None:
    """By the definition of cross-entropy, −Σ q·log p, in doubles; the accuracy asks for the larger share."""
    training = made_training(graph, augmented(data, "mix_up"))
    _, shares = training.coming.peek()
    assert shares.shape == (10, 3) and torch.allclose(shares.sum(1), torch.ones(10))
    outputs = torch.randn(10, 3, generator=torch.Generator().manual_seed(1))
    wanted = -(shares.double() * log_softmax(outputs.double(), 1)).sum(1).mean()
    loss, gradient = training.loss_function.with_gradient(outputs, shares)
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-6)
    slopes = (outputs.double().softmax(1) - shares) / 10
    assert torch.allclose(gradient.double(), slopes, atol=1e-7)
    right = training.loss_function.right(outputs, shares)
    assert right is not None and right.tolist() == (outputs.argmax(1) == shares.argmax(1)).tolist()
    advance(training, 7)
    assert training.is_finite
    values = values_of_next_batch(training)
    assert values.targets is not None and values.targets.shape == (10, 3)


@pytest.mark.parametrize("loss", CLASS_LOSSES)
@pytest.mark.parametrize(("graph", "data"), [(MLP, tables()), (CNN, images())], ids=["chain", "autograd"])
def test_answers_as_index_and_as_one_hot_train_alike(graph: Graph, data: LoadedData, loss: str) -> None:
    """Every loss and every weight are the same, for cross-entropy up to the last bits; so is what is recorded."""
    trained, kept = [], []
    for written in ("index", "one_hot"):
        step = Choice("answers", {"as": written})
        prepared = replace(data, config=msgspec.structs.replace(data.config, preparation=(step,)))
        nodes = dict(graph.nodes)
        nodes["output"] = msgspec.structs.replace(nodes["output"], params={"loss": loss})
        project = project_of(msgspec.structs.replace(graph, nodes=nodes))
        training = Training(project, prepared, CPU, record_examples=True)
        MADE.append(training)
        assert training.coming.peek()[1].shape == ((10,) if written == "index" else (10, 3))
        advance(training, 9)
        training.settle()
        assert training.examples is not None
        trained.append([*weights(training.network).values(), torch.tensor(training._losses.total)])
        kept.append(training.examples.capture())
    for one, other in zip(*trained, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
    for name, tensor in kept[0].items():
        torch.testing.assert_close(tensor, kept[1][name], rtol=1e-3, atol=1e-3, equal_nan=True)


def test_no_loss_of_classes_is_another_for_one_hot_answers() -> None:
    outputs = torch.randn(10, 3, generator=torch.Generator().manual_seed(2)).log_softmax(1)
    labels = torch.arange(10) % 3
    for kind, spec in registry.losses().items():
        if "classes" in spec.tasks:
            loss = LossFunction(kind, "classes", 3, spec.threshold, spec.values({}))
            found = [loss(outputs, one) for one in (labels, one_hot(labels).float())]
            torch.testing.assert_close(*found)
            torch.testing.assert_close(*(loss.each(outputs, one) for one in (labels, one_hot(labels).float())))


def test_of_mixed_examples_nothing_is_recorded_under_the_label_of_one() -> None:
    for step, recorded in (("mix_up", False), ("shift", True)):
        project, data = project_of(CNN), augmented(images(), step)
        training = Training(project, data, CPU, record_examples=True)
        MADE.append(training)
        assert (training.examples is not None) is recorded


def test_the_parts_of_a_step_say_the_class_with_the_larger_share() -> None:
    training = made_training(MLP, augmented(tables(), "mix_up"))
    batch = batch_of(training)
    shares = training.coming.peek()[1]
    assert batch.targets.tolist() == shares.argmax(1).tolist()
    for words, row in zip(batch.right, shares.tolist(), strict=True):
        wanted = sorted(((share, name) for share, name in zip(row, "abc", strict=True) if share > 0), reverse=True)
        assert words == (wanted[0][1] if len(wanted) == 1 else " + ".join(f"{s:.2f} × {name}" for s, name in wanted))
    part = look_at(training, SubStep.LOSS)
    assert part.losses is not None and len(part.losses) == 10


def test_what_stands_in_two_splits_is_a_finding_of_the_run() -> None:
    words = "2 of 25 validation examples are trained on as well: they are equal to the last bit."
    with served(session_of(MLP, replace(tables(), warnings=(words,)))) as session:
        (found,) = session.run.findings()
        assert (found.severity, found.text) == ("warning", words)


def test_class_weights_are_those_of_torch() -> None:
    """A step on weighed classes is one with CrossEntropyLoss(weight=…)."""
    data = tables()
    shares = torch.tensor([0.5, 1.5, 2.0])
    weighed = replace(data, train=replace(data.train, weights=shares[data.train.targets]))
    training, plain = made_training(MLP, weighed, optimizer="sgd"), made_training(MLP, data, optimizer="sgd")
    inputs, targets = training.coming.peek()
    with plain.random:
        loss = torch.nn.functional.cross_entropy(plain.network(inputs), targets, weight=shares)
        torch.autograd.backward(loss)
    training.advance()
    for one, other in zip(training.network.parameters(), plain.network.parameters(), strict=True):
        assert other.grad is not None and one.grad is not None
        assert torch.allclose(one.grad, other.grad, atol=1e-7)


def test_a_mixed_example_is_not_taken_apart_as_one_class() -> None:
    from nnviz.explain.kinds.losses import Answer

    training = made_training(MLP, augmented(tables(), "mix_up"))
    values = values_of_next_batch(training)
    with pytest.raises(InputError, match="Mixed examples"):
        _ = Answer(values, values.nodes["linear2"], 0).label
    for node in ("linear1", training.network.output_id):  # what leads to the answer is, without its loss
        found = take_apart(training, Place(node, "output", (1,), batch=0))
        assert found.explanation.terms and found.shares is None and found.answer is None
    with pytest.raises(InputError, match="Mixed examples"):
        take_apart(training, Place(LOSS, LOSS, (), batch=0))
