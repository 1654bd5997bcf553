"""The wines against scikit-learn's own loader."""

from __future__ import annotations

import numpy as np
import torch

from nnviz.data import datasets
from nnviz.data.tensors import load
from nnviz.project.model import DataConfig


def test_the_wines_are_those_of_scikit_learn() -> None:
    from sklearn.datasets import load_wine

    theirs = load_wine()
    data = load(datasets.chosen(DataConfig(), "wine"))
    splits = (data.train, data.validation, data.test)
    ours = np.column_stack(
        (torch.cat([split.inputs for split in splits]).numpy(), torch.cat([split.targets for split in splits]).numpy())
    )
    wanted = np.column_stack((theirs.data.astype(np.float32), theirs.target.astype(np.float32)))
    assert sorted(map(tuple, ours.tolist())) == sorted(map(tuple, wanted.tolist()))
    assert [len(split) for split in splits] == [114, 28, 36]


def test_they_are_standardised_unless_somebody_says_otherwise() -> None:
    data = load(datasets.chosen(DataConfig(), "wine"))
    seen = data.scaler.apply(data.train.inputs)
    assert torch.allclose(seen.mean(0), torch.zeros(13), atol=1e-4)
    assert torch.allclose(seen.std(0, correction=0), torch.ones(13), atol=1e-4)
