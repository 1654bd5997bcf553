"""The article's network of sigmoids in Keras itself: ``in_keras.py MNIST/raw SEED [SEED …]``, a line a training.

What the article's own framework gives is what its figure has to be compared with: this shows how far trainings that
differ by their seed alone lie apart there. Needs a Python with Keras and what it computes with (``KERAS_BACKEND``), and
knows no nnviz. Prints the seed, the test accuracy after each epoch, and the best of them; last their mean and range.
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import keras
import numpy as np
from keras import layers


def main(folder: Path, seeds: Sequence[int]) -> None:
    """Trains once for each seed."""
    images, labels = (_read(folder / f"train-{what}-ubyte") for what in ("images-idx3", "labels-idx1"))
    test_images, test_labels = (_read(folder / f"t10k-{what}-ubyte") for what in ("images-idx3", "labels-idx1"))
    best = []
    for seed in seeds:
        keras.utils.set_random_seed(seed)
        model = keras.Sequential(
            [
                keras.Input((784,)),
                layers.Dense(784, activation="sigmoid"),
                layers.Dense(800, activation="sigmoid"),
                layers.Dense(10, activation="softmax"),
            ]
        )
        model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
        history = model.fit(
            _pixels(images),
            keras.utils.to_categorical(labels, 10),
            batch_size=64,
            epochs=5,
            verbose=0,
            validation_data=(_pixels(test_images), keras.utils.to_categorical(test_labels, 10)),
        )
        accuracies = history.history["val_accuracy"]
        best.append(max(accuracies))
        print(seed, *(f"{accuracy:.2%}" for accuracy in accuracies), f"best {best[-1]:.2%}", flush=True)
    print(f"Keras {keras.__version__} on {keras.backend.backend()}: best of 5 epochs, {len(best)} seeds:", end=" ")
    print(f"{mean(best):.2%} ({min(best):.2%} – {max(best):.2%})")


def _read(path: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """An idx file, packed or not."""
    packed = path.with_name(path.name + ".gz")
    content = path.read_bytes() if path.exists() else gzip.decompress(packed.read_bytes())
    shape = np.frombuffer(content, ">i4", content[3], 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(shape)


def _pixels(images: np.ndarray[Any, np.dtype[np.uint8]]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """0 to 255, not scaled, as the article has them."""
    return images.reshape(len(images), 784).astype(np.float32)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(word) for word in sys.argv[2:]])
