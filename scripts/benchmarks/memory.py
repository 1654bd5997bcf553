"""What a training really takes, beside what is said before it starts: each network in a process of its own.

The largest take some gigabytes; they run one after the other. ``--quick`` leaves those above 1 GB out. Run alone, this
file is the process that trains one of them: ``memory.py NAME`` prints a line of JSON.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nnviz.project.checks.memory import Estimate, Examples, bytes_text
from nnviz.project.checks.shapes import infer
from nnviz.project.model import Choice, DataConfig, DataFacts, Graph, Project, Shape, TrainConfig
from nnviz.project.samples.sketch import (
    Layer,
    chain,
    conv,
    dropout,
    features,
    flatten,
    image,
    linear,
    output,
    plain,
    pool,
    relu,
    sigmoid,
)
from nnviz.project.samples.templates import sample

#: Estimate by measured that is still right.
TOLERANCE = 0.2


@dataclass(frozen=True)
class Case:
    """A network to train: its graph, what it is fed, and how.

    Attributes:
        examples: Training, validation, test.
        large: Left out where it shall be quick.
    """

    graph: Callable[[], Graph]
    shape: Shape
    examples: tuple[int, int, int]
    batch: int
    optimizer: str = "adam"
    keep_best: bool = False
    classes: int = 10
    large: bool = False

    def project(self) -> Project:
        """The project, with two epochs."""
        config = TrainConfig(
            Choice(self.optimizer), batch_size=self.batch, epochs=2, device="cpu", keep_best=self.keep_best
        )
        return Project("memory", graph=self.graph(), training=config)


def dense(*sizes: int) -> Graph:
    """A chain of dense layers with ReLU between them."""
    layers: list[Layer] = [features(sizes[0])]
    for size in sizes[1:]:
        layers += [linear(size), relu()]
    return chain(*layers, linear(10), output())


def convolutions(channels: int, side: int, *widths: int, dense: int = 128, norm: bool = False) -> Graph:
    """Convolutions of 3×3 with pooling between them."""
    layers: list[Layer] = [image(channels, side, side)]
    for width in widths:
        layers += [conv(width, 3, padding=1), *([plain("batch_norm2d")] if norm else []), relu(), pool()]
    return chain(*layers, flatten(), linear(dense), relu(), linear(10), output())


def dropping(size: int, *sizes: int) -> Graph:
    """A chain that autograd goes back over: dropout behind every layer."""
    layers: list[Layer] = [features(size)]
    for width in sizes:
        layers += [linear(width), sigmoid(), dropout(0.2)]
    return chain(*layers, linear(10), output())


#: 10⁵ to 10⁸ parameters.
CASES: dict[str, Case] = {
    "dense 1e5": Case(lambda: dense(784, 120, 64), (784,), (4096, 512, 64), 1024),
    "convolutions 1e5": Case(lambda: convolutions(1, 28, 16, 32, dense=64), (1, 28, 28), (2048, 512, 64), 256),
    "convolutions 1e5, large batch": Case(
        lambda: convolutions(1, 28, 16, 32, dense=64), (1, 28, 28), (2048, 512, 64), 1024
    ),
    "cnn-32-64 1e6": Case(lambda: sample("cnn-32-64").graph, (1, 28, 28), (1024, 512, 64), 256),
    "dense 1e6, SGD": Case(lambda: dense(784, 800, 400), (784,), (8192, 1024, 64), 4096, "sgd"),
    "dropout 4e6, RMSprop": Case(lambda: dropping(1024, 1500, 1500), (1024,), (8192, 1024, 64), 4096, "rmsprop"),
    "normalised 2e6": Case(
        lambda: convolutions(3, 64, 64, 128, 128, dense=256, norm=True), (3, 64, 64), (256, 128, 16), 128
    ),
    "dense 1e7": Case(lambda: dense(1000, 2500, 2500), (1000,), (2048, 512, 64), 512),
    "resnet18 1e7": Case(lambda: sample("resnet18").graph, (3, 224, 224), (64, 32, 4), 16, classes=1000),
    "dense 3e7, Adadelta": Case(lambda: dense(2000, 4000, 4000), (2000,), (1024, 256, 64), 256, "adadelta"),
    "convolutions 4e7, Adagrad": Case(
        lambda: convolutions(3, 64, 64, 128, dense=1200), (3, 64, 64), (256, 64, 16), 128, "adagrad"
    ),
    "alexnet 6e7, SGD": Case(
        lambda: sample("alexnet").graph, (3, 227, 227), (64, 32, 4), 32, "sgd", classes=1000, large=True
    ),
    "dense 1e8, keep best": Case(
        lambda: dense(2000, 8000, 9000), (2000,), (512, 128, 32), 256, "adam", keep_best=True, large=True
    ),
}  # fmt: skip


def measure(settings: object) -> Iterator[object]:
    """Rows of this file."""
    from rows import Row  # noqa: PLC0415 - beside this file, not where it runs as a process of its own

    for name, case in CASES.items():
        if case.large and getattr(settings, "quick", False):
            continue
        found = measured(name)
        low, high = 1 - TOLERANCE, 1 + TOLERANCE
        yield Row(
            f"{name}: estimate of the memory",
            f"{found['estimate'] / found['peak']:.2f} times what was used ({bytes_text(found['peak'])})",
            f"limit {low:.1f} to {high:.1f} ({found['parameters']:,} parameters, batch {case.batch})",
            low <= found["estimate"] / found["peak"] <= high,
        )


def measured(name: str) -> dict[str, int]:
    """Trains one of the cases in a process of its own; bytes at its peak, and what was estimated."""
    done = subprocess.run([sys.executable, __file__, name], check=True, capture_output=True, text=True, timeout=1800)
    answer: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return answer


def train(name: str) -> dict[str, int]:
    """In the process of its own: two epochs with all instruments, validation and checkpoints, and what they took."""
    # torch is imported before the baseline is taken.
    import torch  # noqa: PLC0415 - in the process that is measured

    from nnviz.data.tensors import LoadedData, Scaler, Split  # noqa: PLC0415 - in the process that is measured
    from nnviz.record.run import Run, RunInfo  # noqa: PLC0415 - in the process that is measured
    from nnviz.record.store import RunWriter  # noqa: PLC0415 - in the process that is measured
    from nnviz.train.session import TrainingSession, warm_up  # noqa: PLC0415 - in the process that is measured

    case = CASES[name]
    project = case.project()
    inference = infer(project.graph)
    warm_up()
    gc.collect()
    peak = Peak()
    generator = torch.Generator().manual_seed(0)

    def split(count: int) -> Split:
        if len(case.shape) > 1:
            inputs = torch.randint(0, 256, (count, *case.shape), dtype=torch.uint8, generator=generator)
        else:
            inputs = torch.randn(count, *case.shape, generator=generator)
        return Split(inputs, torch.randint(0, case.classes, (count,), generator=generator))

    parts = [split(count) for count in case.examples]
    names = tuple(str(number) for number in range(case.classes))
    facts = DataFacts(case.shape, case.classes, "classes", names)
    data = LoadedData(
        "made", DataConfig(), facts, parts[0], parts[1], parts[2], Scaler.fit(parts[0], (Choice("scale"),))
    )
    with tempfile.TemporaryDirectory() as folder:
        run = Run(RunInfo())
        with RunWriter(run, Path(folder) / "memory.nnvizrun") as writer:
            session = TrainingSession(project, run, data=data, store=writer)
            session.begin()
            session.play()
            runner = session.runner
            while session.take_turn(sys.maxsize):
                peak.look()
            for _ in range(2):  # What a window that rests measures.
                runner.rest()
                while runner.instruments.busy:
                    runner.measure_on()
            if session.error is not None:
                raise session.error
            history = runner.states.rewind.nbytes + run.nbytes
            session.end()
    needs = Estimate(project, inference, Examples(*case.examples, loaded=True)).needs()
    estimate = needs.everything + history + sum(part.bytes for part in parts)
    return {
        "parameters": inference.parameters,
        "peak": peak.bytes,
        "estimate": estimate,
        "history": history,
        "slack": needs.slack,
        **{f"part: {part}": size for part, size in {**needs.parts, **needs.extras}.items()},
    }


class Peak:
    """The most memory that this process has had since this was made, beyond what it had then."""

    def __init__(self) -> None:
        import psutil  # noqa: PLC0415 - in the process that is measured

        self._process = psutil.Process()
        self._before = self._process.memory_info().rss
        self._sampled = 0
        try:  # Linux alone can forget an earlier peak.
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:
            return
        time.sleep(0.01)

    def look(self) -> None:
        """Takes a sample, for where the system does not note the peak itself."""
        self._sampled = max(self._sampled, self._process.memory_info().rss)

    @property
    def bytes(self) -> int:
        """Bytes."""
        try:
            status = Path("/proc/self/status").read_text()
            peak = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
        except (OSError, StopIteration):
            peak = self._sampled
        return int(peak - self._before)


if __name__ == "__main__":
    print(json.dumps(train(sys.argv[1])))
