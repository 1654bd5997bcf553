"""A run whose every number is known, and looks like a real one: digits-cnn over eight epochs."""

from __future__ import annotations

import math

import numpy as np

from nnviz.project.document import Document
from nnviz.record.quantities import EXAMPLE_FORGOTTEN, EXAMPLE_LOSS, EXAMPLE_MARGIN, QUANTITIES
from nnviz.record.readings import ArrayReading, Cure, Finding, Histogram, Scalar
from nnviz.record.run import Run, RunInfo

STEPS_PER_EPOCH = 9


def planted_run(document: Document, epochs: int = 8, steps_per_epoch: int = STEPS_PER_EPOCH) -> Run:
    """Everything the probes would have measured."""
    run = Run(RunInfo(title="planted"))
    random = np.random.default_rng(0)
    steps = epochs * steps_per_epoch
    inference = document.inference
    trained = [node for node in inference.order if inference.results[node].parameters]
    nodes = document.project.graph.nodes
    rectifiers = [node for node in inference.order if nodes[node].kind == "relu"]
    for step in range(1, steps + 1):
        decay = math.exp(-3.2 * step / steps)
        noise = float(random.normal(0, 0.09))
        run.append(
            [
                Scalar("loss/train", step, (2.25 * decay + 0.06) * math.exp(noise)),
                Scalar("accuracy/train", step, min(1.0, max(0.0, 1 - 0.9 * decay + noise * 0.2))),
            ]
        )
        for index, node in enumerate(trained):
            size = 10 ** (-1 - 0.55 * (len(trained) - index) - 0.8 * step / steps + float(random.normal(0, 0.06)))
            ratio = 10 ** (-2.6 - 0.2 * index + float(random.normal(0, 0.05)))
            run.append([Scalar(f"gradient_norm/{node}", step, size), Scalar(f"update_ratio/{node}", step, ratio)])
        if step % steps_per_epoch == 0:
            epoch = step // steps_per_epoch
            run.append(
                [
                    Scalar("epoch", step, float(epoch)),
                    Scalar("loss/validation", step, 2.2 * decay + 0.09 + 0.004 * max(epoch - 5, 0) ** 2),
                    Scalar("accuracy/validation", step, 1 - 0.85 * decay - 0.01),
                ]
            )
    for index, node in enumerate(rectifiers):
        units = int(inference.results[node].output[0])
        last = [0.03, 0.27, 0.12][index % 3]
        for step in range(0, steps + 1, 4):
            run.append([Scalar(f"dead_fraction/{node}", step, last * min(1.0, 2 * step / steps))])
        dead = np.zeros(units, dtype=bool)
        dead[random.choice(units, max(1, round(last * units)), replace=False)] = True
        run.append(
            [
                Scalar(f"dead_fraction/{node}", steps, float(dead.mean())),
                ArrayReading(f"dead_units/{node}", steps, dead, {"images": 2000}),
                ArrayReading(f"dead_since/{node}", steps, np.where(dead, 41, -1)),
            ]
        )
    for node in inference.order:
        shape = inference.results[node].output
        values = random.normal(0, 1.0, 4000)
        if nodes[node].kind == "relu":
            values = np.maximum(values, 0)
        counts, edges = np.histogram(values, 40)
        run.append(
            [
                Histogram(f"activation_histogram/{node}", steps, counts.astype(np.int64), edges.astype(np.float64)),
                Scalar(f"activation_mean/{node}", steps, float(values.mean())),
                Scalar(f"activation_deviation/{node}", steps, float(values.std())),
                ArrayReading(f"output/{node}", steps, blobs(shape, random), {"sample": 4, "label": "7"}),
            ]
        )
    for node in trained:
        source = inference.inputs[node][0]
        inputs, outputs = inference.results[source].output[0], inference.results[node].output[0]
        if nodes[node].kind == "conv2d":
            weights = random.normal(0, 0.12, (outputs, inputs, 3, 3))
        else:
            weights = random.normal(0, 0.05, (outputs, inputs))
        run.append([ArrayReading(f"weights/{node}", steps, weights.astype(np.float32))])
    for quantity in QUANTITIES:
        if quantity.curves is not None and not run.names(quantity.prefix):
            # One that was declared since: any numbers will do.
            for index, node in enumerate(trained):
                run.append([Scalar(quantity.series(node), step, 0.1 * index) for step in range(0, steps + 1, 4)])
    for step in (steps_per_epoch, steps):
        loss = random.exponential(0.5, 40).astype(np.float32)
        of_examples = {EXAMPLE_LOSS: loss, EXAMPLE_FORGOTTEN: np.floor(loss), EXAMPLE_MARGIN: 1 - loss}
        run.append([ArrayReading(quantity.series(), step, array) for quantity, array in of_examples.items()])
    right = random.integers(0, 10, 40)
    taken, sure = np.where(random.uniform(size=40) < 0.8, right, (right + 3) % 10), random.uniform(0.3, 1, 40)
    columns = (taken, sure, right, (taken != right) * 2)
    meta = {"classes": 10, "loss": 0.4, "weights_of": steps}
    run.append([ArrayReading("evaluated/validation", steps, np.stack(columns, 1).astype(np.float32), meta)])
    sick = rectifiers[1]
    run.append(
        [
            Finding(
                f"finding/dead/{sick}",
                41,
                "warning",
                f"{sick}: 17 of 64 channels are dead since step 41.",
                "Learning rate 0.02 was high for He initialisation.",
                sick,
                (Cure("Show units", "show_units", sick), Cure("Try 0.005", "set_learning_rate", "0.005")),
            ),
            Finding(
                "finding/plateau",
                63,
                "information",
                "Validation loss has not improved for 2 epochs.",
                "Best weights kept: epoch 5.",
                "",
                (Cure("Restore", "restore_best"),),
            ),
        ]
    )
    return run


def blobs(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Something that looks like feature maps: a slanted stroke, differently bright and shifted."""
    if len(shape) != 3:
        return np.maximum(random.normal(0, 1, shape), -0.5).astype(np.float32)
    channels, height, width = shape
    y, x = np.mgrid[0:height, 0:width]
    maps = []
    for _ in range(channels):
        shift, strength = random.normal(0, 0.08), random.uniform(0.2, 1.5)
        line = np.abs(x / width + 0.4 * y / height - 0.7 - shift)
        maps.append(strength * np.exp(-((line / 0.1) ** 2)) - random.uniform(0, 0.3))
    return np.stack(maps).astype(np.float32)
