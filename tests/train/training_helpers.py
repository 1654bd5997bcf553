"""Small projects and made-up data sets that train in milliseconds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from nnviz.data.tensors import LoadedData, Scaler, Split
from nnviz.network.losses import LossFunction
from nnviz.project.model import Choice, DataConfig, DataFacts, Graph, ParamValue, Project, TrainConfig
from nnviz.project.samples import sketch
from nnviz.project.samples.sketch import chain, conv, dropout, flatten, image, linear, output, plain, pool, relu
from nnviz.record.run import Run
from nnviz.train.checkpoint import Checkpoint, from_blobs
from nnviz.train.loop import Evaluation, EvaluationResult
from nnviz.train.session import SessionState, TrainingSession
from nnviz.train.training import Training

CPU = torch.device("cpu")

#: The trainings of the test that runs; they are put to rest after it.
MADE: list[Training] = []

#: Dropout, batch normalisation and a convolution: everything that keeps a state of its own.
CNN = chain(
    image(1, 8, 8), conv(4, 3), plain("batch_norm2d"), relu(), pool(), flatten(), dropout(0.3), linear(3), output()
)
MLP = chain(sketch.features(6), linear(16), relu(), dropout(0.2), linear(3), output())


def evaluate(
    network: nn.Module,
    loss_function: LossFunction,
    batches: Iterable[tuple[Tensor, Tensor]],
    between: Callable[[], None] | None = None,
) -> EvaluationResult:
    """Loss and accuracy over a whole split at once; ``between`` is called after each batch and may raise."""
    evaluation = Evaluation(network, loss_function, batches)
    while evaluation.advance():
        if between is not None:
            between()
    return evaluation.result()


def images(
    train: int = 60, validation: int = 25, test: int = 20, shape: tuple[int, ...] = (1, 8, 8), classes: int = 3
) -> LoadedData:
    """Noise of three brightnesses, as bytes; more classes only have more names."""
    generator = torch.Generator().manual_seed(99)

    def split(count: int) -> Split:
        targets = torch.randint(0, 3, (count,), generator=generator)
        inputs = torch.randint(0, 128, (count, *shape), generator=generator)
        inputs = inputs + 60 * targets.reshape(-1, *(1 for _ in shape)) // 2
        return Split(inputs.clamp(0, 255).to(torch.uint8), targets)

    parts = split(train), split(validation), split(test)
    facts = DataFacts(shape, classes, "classes", tuple("abcdefghij"[:classes]))
    return LoadedData("made", DataConfig(), facts, *parts, Scaler.fit(parts[0], (Choice("scale"),)))


def tables(train: int = 60, validation: int = 25, test: int = 20, features: int = 6) -> LoadedData:
    """Features of three classes."""
    generator = torch.Generator().manual_seed(7)

    def split(count: int) -> Split:
        targets = torch.randint(0, 3, (count,), generator=generator)
        inputs = torch.randn(count, features, generator=generator)
        inputs[torch.arange(count), targets] += 2
        return Split(inputs, targets)

    parts = split(train), split(validation), split(test)
    facts = DataFacts((features,), 3, "classes", ("a", "b", "c"))
    return LoadedData("made", DataConfig(), facts, *parts, Scaler.fit(parts[0], (Choice("scale"),)))


def project_of(graph: Graph = MLP, *, keep_best: bool = False, epochs: int = 3, **more: ParamValue) -> Project:
    """A project with batches of 10 (6 steps an epoch with 60 examples) and Adam, unless told otherwise."""
    optimizer = str(more.pop("optimizer", "adam"))
    params = {name: value for name, value in more.items() if name != "seed"} or {"learning_rate": 0.01}
    training = TrainConfig(optimizer=Choice(optimizer, params), batch_size=10, epochs=epochs, keep_best=keep_best)
    return Project(name="made", graph=graph, training=training)


def made_training(graph: Graph = MLP, data: LoadedData | None = None, **more: Any) -> Training:
    """A training of a small project on the CPU; ``more`` is for ``project_of``."""
    training = Training(project_of(graph, **more), data or (images() if graph is CNN else tables()), CPU)
    MADE.append(training)
    return training


def weights(network: nn.Module) -> dict[str, Tensor]:
    """A copy of the state dict."""
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def advance(training: Training, steps: int) -> None:
    """Steps with the end of each epoch as a session does it."""
    for _ in range(steps):
        training.advance()
        if training.epoch_end_due:
            training.settle()
            evaluation = training.evaluation("validation")
            while evaluation.advance():
                pass
            training.finish_epoch(evaluation.result())


@contextmanager
def served(session: TrainingSession) -> Iterator[TrainingSession]:
    """A session with a thread of its own, prepared; closed and joined in the end."""
    thread = threading.Thread(target=session.serve, name="nnviz-test-session", daemon=True)
    thread.start()
    try:
        from waiting import wait_for  # here: processes that only damage checkpoints do not find it

        wait_for(lambda: session.state not in (SessionState.IDLE, SessionState.PREPARING))
        yield session
    finally:
        session.close()
        thread.join(20)
        assert not thread.is_alive(), "the session's thread did not end"


def session_of(
    graph: Graph = MLP, data: LoadedData | None = None, run: Run | None = None, **more: Any
) -> TrainingSession:
    """A session of a small project without probes, unless told otherwise."""
    names = ("epochs", "keep_best", "optimizer", "learning_rate")
    of_project = {name: more.pop(name) for name in names if name in more}
    more.setdefault("probes", ())
    loaded = data or (images() if graph is CNN else tables())
    project = project_of(graph, **of_project)
    return TrainingSession(project, run or Run(), data=loaded, device="cpu", **more)


class Kept:
    """A store of the last checkpoint alone."""

    def __init__(self) -> None:
        self.last: Checkpoint | None = None

    def save_checkpoint(self, step: int, epoch: int, blobs: Mapping[str, bytes], tag: str = "") -> None:
        self.last = from_blobs(dict(blobs))
