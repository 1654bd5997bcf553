"""``nnviz samples`` and ``nnviz datasets``: what there is to begin with, one a line; without torch."""

from __future__ import annotations

from nnviz.commands.tables import print_table
from nnviz.data import datasets as data_sets
from nnviz.project.samples import templates


def samples() -> int:
    """Print the sample networks, one a line."""
    rows = [(sample.name, sample.dataset, sample.title) for sample in templates.samples()]
    print_table(("sample", "data", "what it shows"), rows)
    return 0


def datasets() -> int:
    """Print the data sets, one a line."""
    rows = []
    for kind, spec in data_sets.datasets().items():
        training, test = spec.sizes
        size = f"{training:,} + {test:,}" if training and not (spec.table or spec.drawn) else "yours"
        where = "at once, offline" if spec.offline else f"found or downloaded ({spec.download_bytes / 1e6:.0f} MB)"
        if spec.needs_folder:
            where = "from your file" if spec.takes_file else "from your folder"
        if spec.table:
            where = "typed in"
        if spec.drawn:
            where = "drawn by hand"
        rows.append((kind, size, where, spec.title))
    print_table(("data set", "train + test", "available", "title"), rows)
    return 0
