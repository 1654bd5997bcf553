"""The value of a setting, as tables of runs show it."""

from __future__ import annotations

import pytest

from nnviz.project import settings
from nnviz.project.flat_settings import Flat, flat_settings, title_of
from nnviz.project.samples import templates


@pytest.mark.parametrize(
    ("path", "value", "shown"),
    [
        ("training.optimizer", "nadam", "NAdam"),
        ("training.schedule", "one_cycle", "One cycle"),
        ("training.best_by", "accuracy", "Accuracy"),
        ("training.regularisers", ["l1", "l2"], "L1, L2"),
        ("training.regularisers", [{"kind": "l2", "params": {"strength": 0.1}}], "l2 (strength 0.1)"),
        ("training.regularisers", [], "none"),
        ("data.preparation", ["scale"], "0–255 to 0–1"),
        ("training.batch_size", 64, 64),
        ("training.keep_best", True, True),
        ("training.device", "cpu", "cpu"),
        ("output.loss", "hinge", "Hinge"),
    ],
)
def test_what_is_declared_with_a_title_is_called_by_it(path: str, value: object, shown: Flat) -> None:
    project = settings.with_setting(templates.sample("mlp-512-dropout"), path, value)
    assert title_of(flat_settings(project), path) == shown


def test_a_layer_is_called_by_its_kind_and_what_is_unknown_stays() -> None:
    found = {"layer": "conv2d", "strange": "not_a_kind", "training.optimizer": "not_one", "layer.padding_mode": "?"}
    assert title_of(found, "layer") == "Conv2d"
    assert title_of(found, "strange") == "not_a_kind"
    assert title_of(found, "training.optimizer") == "not_one"
    assert title_of(found, "layer.padding_mode") == "?"
    assert title_of(found, "missing") is None
    assert title_of(found, "missing.at_all") is None
