"""A training by Lightning: ``lightning_fit.py SAMPLE EPOCHS EXAMPLES.npz FOLDER [files]``, a JSON line an epoch.

Examples come from a DataLoader over a TensorDataset, as the manual shows it; bytes become numbers in the step.
``files`` writes a log (CSVLogger) and the best and the last checkpoint. ``version`` alone prints those of torch
and Lightning. Knows no nnviz.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hand_written import CASES


def _let_torchvision_load() -> None:
    """Lightning imports it where it is there; one that was built for CUDA does not load beside a torch without.

    Declaring the two operators that it misses cures that, as nnviz does it.
    """
    try:
        importlib.import_module("torchvision")
    except ImportError:
        return
    except RuntimeError:
        for half_loaded in [key for key in sys.modules if key.partition(".")[0] == "torchvision"]:
            del sys.modules[half_loaded]
        torch.library.define("torchvision::nms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        torch.library.define("torchvision::qnms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


_let_torchvision_load()

import lightning  # noqa: E402 - works only from here on
from lightning.pytorch.callbacks import Callback, ModelCheckpoint  # noqa: E402 - likewise
from lightning.pytorch.loggers import CSVLogger  # noqa: E402 - likewise


class Classifier(lightning.LightningModule):  # type: ignore[misc]  # not known where it is not installed
    """A network of the benchmarks."""

    def __init__(self, sample: str, divisor: float) -> None:
        super().__init__()
        build, self._optimizer_of = next((build, optimizer) for name, build, optimizer, _ in CASES if name == sample)
        self._network = build()
        self._divisor = divisor
        self._criterion = nn.CrossEntropyLoss()

    def training_step(self, batch: list[Tensor], number: int) -> Tensor:
        """The loss of a batch."""
        loss, _ = self._judged(batch)
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: list[Tensor], number: int) -> None:
        """Loss and accuracy of a batch."""
        loss, outputs = self._judged(batch)
        self.log("validation_loss", loss)
        self.log("validation_accuracy", (outputs.argmax(1) == batch[1]).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """That of the sample."""
        return self._optimizer_of(self._network)

    def _judged(self, batch: list[Tensor]) -> tuple[Tensor, Tensor]:
        inputs, targets = batch
        outputs = self._network(inputs.float() / self._divisor)
        return self._criterion(outputs, targets), outputs


class Tell(Callback):  # type: ignore[misc]  # as above
    """Prints a line when an epoch is over: Lightning writes checkpoints behind what all others do at its end."""

    def on_train_epoch_start(self, trainer: Any, module: Any) -> None:
        """The one before it is over."""
        if trainer.current_epoch:
            print(json.dumps({"event": "epoch", "epoch": trainer.current_epoch}), flush=True)

    def on_train_end(self, trainer: Any, module: Any) -> None:
        """The last one is over."""
        print(json.dumps({"event": "epoch", "epoch": trainer.max_epochs}), flush=True)


def main(sample: str, epochs: int, examples: Path, folder: Path, files: bool) -> None:
    """Train and tell."""
    with np.load(examples) as found:
        data = {name: found[name] for name in found.files}
    splits = [
        TensorDataset(torch.from_numpy(data[f"{which}inputs"]), torch.from_numpy(data[f"{which}targets"]).long())
        for which in ("", "held_")
    ]
    writers = [ModelCheckpoint(folder, monitor="validation_loss", save_last=True)] if files else []
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        devices=1,
        logger=CSVLogger(folder) if files else False,
        callbacks=[*writers, Tell()],
        enable_checkpointing=files,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=folder,
    )
    trainer.fit(
        Classifier(sample, float(data["divisor"])),
        DataLoader(splits[0], batch_size=int(data["batch_size"]), shuffle=True),
        DataLoader(splits[1], batch_size=256),
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["version"]:
        print(torch.__version__, lightning.__version__)
        raise SystemExit
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]), "files" in sys.argv[5:])
