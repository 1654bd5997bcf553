"""A training as one writes it by hand in PyTorch: ``bare.py SAMPLE EPOCHS DATA_DIR FOLDER``, a JSON line an epoch.

It does what the sample does: the same tensors, optimizer, batch size and splits, a full validation each epoch, the best
weights kept, and at the end of each epoch a checkpoint and a line of a log on the disk.
"""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hand_written import CASES

from nnviz.data.tensors import load
from nnviz.project.samples import templates


def main(sample: str, epochs: int, data_dir: Path, folder: Path) -> None:
    """Train and tell."""
    project = templates.sample(sample)
    data = load(project.data, data_dir)
    scaled = [step.kind for step in project.data.preparation] == ["scale"]
    build, optimizer_of = next((build, optimizer) for name, build, optimizer, _ in CASES if name == sample)
    module = build()
    optimizer = optimizer_of(module)
    criterion = nn.CrossEntropyLoss()
    batch_size = project.training.batch_size
    best, best_loss = None, float("inf")
    with (folder / "log.jsonl").open("w", encoding="utf-8") as log:
        for epoch in range(1, epochs + 1):
            module.train()
            order = torch.randperm(len(data.train))
            total = torch.zeros(())
            for first in range(0, len(order), batch_size):
                chosen = order[first : first + batch_size]
                inputs = data.train.inputs[chosen].float()
                if scaled:
                    inputs.div_(255)
                optimizer.zero_grad()
                loss = criterion(module(inputs), data.train.targets[chosen])
                loss.backward()
                optimizer.step()
                total += loss.detach() * len(chosen)
            module.eval()
            right, held = 0, 0.0
            with torch.no_grad():
                for first in range(0, len(data.validation), 256):
                    inputs = data.validation.inputs[first : first + 256].float()
                    if scaled:
                        inputs.div_(255)
                    outputs, targets = module(inputs), data.validation.targets[first : first + 256]
                    right += int((outputs.argmax(1) == targets).sum())
                    held += float(criterion(outputs, targets)) * len(targets)
            if held < best_loss:
                best, best_loss = copy.deepcopy(module.state_dict()), held
            checkpoint = {"weights": module.state_dict(), "optimizer": optimizer.state_dict(), "best": best}
            torch.save(checkpoint, folder / "checkpoint.pt")
            event = {"event": "epoch", "epoch": epoch, "train_loss": float(total) / len(order), "right": right}
            log.write(json.dumps(event) + "\n")
            log.flush()
            print(json.dumps(event), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))
