"""A training by Keras: ``keras_fit.py SAMPLE EPOCHS EXAMPLES.npz FOLDER [files]``, a JSON line an epoch.

``KERAS_BACKEND`` says what computes. The numbers are prepared before, as the source articles do it. ``files`` writes a
log (CSVLogger) and the best model so far. ``version`` alone prints those of torch, where that
computes, and Keras. Knows no nnviz.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault(
    "KERAS_HOME", sys.argv[4] if len(sys.argv) > 4 else tempfile.gettempdir()
)  # else it writes into the home folder
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from keras import layers


def mlp() -> keras.Sequential:
    """mlp-512-dropout."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Flatten(),
            layers.Dense(512, activation="relu"), layers.Dropout(0.2),
            layers.Dense(512, activation="relu"), layers.Dropout(0.2),
            layers.Dense(10),
        ]
    )  # fmt: skip


def cnn() -> keras.Sequential:
    """cnn-32-64."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"), layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"), layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(1024, activation="sigmoid"), layers.Dropout(0.2),
            layers.Dense(1024, activation="sigmoid"), layers.Dropout(0.2),
            layers.Dense(10),
        ]
    )  # fmt: skip


#: sample -> (the network, the optimizer of the sample)
CASES: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "mlp-512-dropout": (mlp, lambda: keras.optimizers.RMSprop(learning_rate=0.001, rho=0.9)),
    "cnn-32-64": (cnn, lambda: keras.optimizers.Adam(learning_rate=0.001)),
}


class Tell(keras.callbacks.Callback):  # type: ignore[misc]  # not known where it is not installed
    """Prints a line at the end of each epoch, behind its validation."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """The end of one."""
        print(json.dumps({"event": "epoch", "epoch": epoch + 1}), flush=True)


def main(sample: str, epochs: int, examples: Path, folder: Path, files: bool) -> None:
    """Train and tell."""
    with np.load(examples) as found:
        data = {name: found[name] for name in found.files}
    inputs, held = (
        data[name].reshape(-1, 28, 28, 1).astype(np.float32) / np.float32(data["divisor"])
        for name in ("inputs", "held_inputs")
    )
    build, optimizer_of = CASES[sample]
    model = build()
    model.compile(optimizer_of(), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    writers = [
        keras.callbacks.CSVLogger(str(folder / "log.csv")),
        keras.callbacks.ModelCheckpoint(str(folder / "best.keras"), monitor="val_loss", save_best_only=True),
    ]
    model.fit(
        inputs,
        data["targets"],
        batch_size=int(data["batch_size"]),
        epochs=epochs,
        validation_data=(held, data["held_targets"]),
        validation_batch_size=256,
        verbose=0,
        callbacks=[*(writers if files else ()), Tell()],
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["version"]:
        computing = importlib.import_module("torch").__version__ if keras.backend.backend() == "torch" else ""
        print(computing, keras.__version__)
        raise SystemExit
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]), "files" in sys.argv[5:])
