"""Several batches make one update: what one large batch makes, with the memory of one."""

from __future__ import annotations

import msgspec
import pytest
import torch
from torch import Tensor
from training_helpers import CNN, CPU, MADE, advance, images, project_of, same, tables, weights

from nnviz.errors import TrainingError
from nnviz.explain.updates import explain_update
from nnviz.explain.values import values_of_next_batch
from nnviz.project.model import Choice, Curated, Project
from nnviz.project.samples.sketch import chain, features, linear, output, relu
from nnviz.record.run import Run
from nnviz.train.accumulation import bounds_of
from nnviz.train.checkpoint import from_blobs, to_blobs
from nnviz.train.session import TrainingSession
from nnviz.train.training import Training

#: Without dropout and batch normalisation, which see single batches.
PLAIN = chain(features(6), linear(16), relu(), linear(3), output())


def planned(batch: int, together: int, graph: object = PLAIN, **changes: object) -> Project:
    project = project_of(graph, optimizer="sgd", learning_rate=0.3, momentum=0.9, epochs=3)  # type: ignore[arg-type]
    config = msgspec.structs.replace(project.training, batch_size=batch, accumulation=together, **changes)
    return msgspec.structs.replace(project, training=config)


def made(batch: int, together: int, curation: tuple[Curated, ...] = ()) -> Training:
    project = msgspec.structs.replace(planned(batch, together), curation=curation)
    training = Training(project, tables(train=57), CPU)
    MADE.append(training)
    return training


@pytest.mark.parametrize("curation", [(), tuple(Curated(n, weight=0.25 * n) for n in range(20))])
def test_accumulated_batches_make_the_update_of_one_large_batch(curation: tuple[Curated, ...]) -> None:
    """The last step of an epoch has fewer batches, and a smaller one; examples may weigh differently."""
    parts, whole = made(8, 2, curation), made(16, 1, curation)
    assert parts.steps_per_epoch == whole.steps_per_epoch == 4 and parts.step_size == 16
    for _ in range(9):
        seen: list[tuple[Tensor, ...]] = []

        def keep(*told: Tensor, kept: list[tuple[Tensor, ...]] = seen) -> None:
            kept.append(told)

        for training in (parts, whole):
            training.advance(keep)
            if training.epoch_end_due:
                training.finish_epoch(None)
        for one, other in zip(*seen, strict=True):
            assert torch.allclose(one, other, rtol=1e-5, atol=1e-6)
    for name, tensor in weights(parts.network).items():
        assert torch.allclose(tensor, weights(whole.network)[name], rtol=1e-5, atol=1e-6)
    parts.settle()
    whole.settle()
    assert parts.epoch_loss == pytest.approx(whole.epoch_loss, rel=1e-5)
    assert parts.step == 9 and parts.epoch == 2, "a step is an update"


def test_a_forward_pass_holds_one_batch() -> None:
    training = made(5, 4)
    sizes: list[int] = []
    training.network.module_of("linear1").register_forward_hook(lambda module, given, out: sizes.append(len(out)))
    training.advance()
    assert sizes == [5, 5, 5, 5]
    assert bounds_of(21, 5) == [0, 5, 10, 15, 20, 21] and bounds_of(21, 5, True) == [0, 5, 10, 15, 21]


def test_what_a_batch_normalisation_sees_and_a_resume_repeats() -> None:
    """With dropout, batch normalisation, a schedule and a clipping: resumed in the middle, bit for bit."""
    project = planned(6, 3, CNN, schedule=Choice("cosine"), clipping=Choice("norm", {"limit": 0.4}))
    whole, first, second = (Training(project, images(train=55), CPU) for _ in range(3))
    advance(whole, 9)
    advance(first, 5)
    second.restore(from_blobs(to_blobs(first.capture())))
    advance(second, 4)
    assert same(weights(whole.network), weights(second.network))
    start = first.capture()
    advance(first, 4)
    first.go_back(start, 7)
    while first.replaying:
        advance(first, 1)
    advance(first, 2)
    assert same(weights(whole.network), weights(first.network))
    with pytest.raises(
        TrainingError, match="takes 3 batches, and each goes through dropout or normalisation by itself"
    ):
        values_of_next_batch(whole)
    for training in (whole, first, second):
        training.random.release()


def test_an_update_is_taken_apart_where_the_batches_make_one() -> None:
    training = made(8, 2)
    found = explain_update(training, "linear1", "weight", (3, 2))
    training.advance()
    weight = dict(training.network.module_of("linear1").named_parameters())["weight"]
    assert found.total == pytest.approx(weight.detach()[3, 2].item(), rel=1e-5)


def test_instruments_and_events_count_updates() -> None:
    run = Run()
    TrainingSession(planned(5, 4), run, data=tables(), device="cpu").train()
    assert run.last_step == 9 and run.scalars("epoch")[0].tolist() == [3, 6, 9]
    large = Run()
    TrainingSession(planned(20, 1), large, data=tables(), device="cpu").train()
    for series in ("loss/train", "gradient_norm/linear1", "loss/validation"):
        steps, values = run.scalars(series)
        others = dict(zip(*(part.tolist() for part in large.scalars(series)), strict=True))
        both = [
            (value, others[step]) for step, value in zip(steps.tolist(), values.tolist(), strict=True) if step in others
        ]
        assert both and all(one == pytest.approx(other, rel=1e-4) for one, other in both)
