"""``nnviz train`` with no instrument: ``silent.py SAMPLE EPOCHS DATA_DIR FOLDER``, a JSON line an epoch."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import msgspec

from nnviz.train import share_cores
from nnviz.train.cores import CoreWatch


def main(sample: str, epochs: int, data_dir: Path, folder: Path) -> None:
    """Train and tell."""
    share_cores(CoreWatch(), watched=True)
    from nnviz.project.samples import templates  # noqa: PLC0415 - goes after the setting of threads, as in the program
    from nnviz.train.headless import train_to_file  # noqa: PLC0415 - likewise

    project = templates.sample(sample)
    project = msgspec.structs.replace(project, training=msgspec.structs.replace(project.training, epochs=epochs))
    train_to_file(
        project,
        folder / "bench.nnvizrun",
        data_dir=data_dir,
        probes=(),
        on_epoch=lambda result: print(json.dumps({"event": "epoch", **asdict(result)}), flush=True),
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))
