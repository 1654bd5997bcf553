"""A new layer costs one declaration and one builder: everything else follows, from the palette to the training."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import msgspec
import pytest
import torch
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot
from torch import Tensor, nn
from window_kit import TIMEOUT, OpenWindow, state_is

from nnviz.cli import main
from nnviz.errors import InputError, ParamError
from nnviz.network import builders
from nnviz.network.network import Network
from nnviz.project import registry
from nnviz.project.checks.shapes import infer
from nnviz.project.checks.validate import validate
from nnviz.project.declared.layers import LAYERS
from nnviz.project.edits import InsertOnEdge, SetParam, new_id
from nnviz.project.files import io
from nnviz.project.model import Node, Params, Project, Shape
from nnviz.project.samples import templates
from nnviz.project.spec import LayerSpec, ParamSpec, ShapeResult
from nnviz.record.quantities import DEAD_FRACTION

# ---- all that a new layer needs: one declaration …


def _rule(values: Params, shapes: Sequence[Shape]) -> ShapeResult:
    return ShapeResult(shapes[0], parameters=shapes[0][0], arithmetic=f"{shapes[0][0]} scales")


SHRINK = LayerSpec(
    "shrink",
    "Shrink",
    "Leaves out what is near 0 and scales the size of the rest.",
    "activation",
    (
        ParamSpec("threshold", "threshold", "What is nearer to 0 is left out.", "float", 0.1, minimum=0, maximum=10),
        ParamSpec("noise", "noise", "Share of noise while training.", "float", 0.1, minimum=0, maximum=1),
        ParamSpec("soft", "soft", "Whether the rest moves towards 0 too.", "bool", True),
    ),
    rule=_rule,
    rectifier=True,
    output_range="not_negative",
    random=True,
)


# ---- … and one builder


class Shrink(nn.Module):
    def __init__(self, features: int, threshold: float, noise: float, soft: bool) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.empty(features))
        self.threshold, self.noise, self.soft = threshold, noise, soft

    def reset_parameters(self) -> None:
        nn.init.uniform_(self.scale, 0.5, 1.5)

    def forward(self, x: Tensor) -> Tensor:
        size = x.abs()
        rest = (size - self.threshold).clamp(min=0) if self.soft else size * (size > self.threshold)
        if self.training:
            rest = rest * (1 + self.noise * torch.rand_like(rest))
        return rest * self.scale.abs().reshape(-1, *[1] * (x.dim() - 2))


def build_shrink(params: Params, shapes: list[Shape]) -> nn.Module:
    threshold, noise = cast(float, params["threshold"]), cast(float, params["noise"])
    return Shrink(shapes[0][0], threshold, noise, cast(bool, params["soft"]))


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "_LAYERS", registry.Registry("layer", (*LAYERS, SHRINK)))
    monkeypatch.setattr(builders, "BUILDERS", {**builders.BUILDERS, "shrink": build_shrink})
    yield


def with_shrink(**params: float) -> Project:
    """The digits network with the new layer behind its first convolution."""
    project = templates.sample("digits-cnn")
    wire = next(edge for edge in project.graph.edges if edge.source.node == "conv1")
    return InsertOnEdge(Node("shrink1", "shrink", params), wire).apply(project)


def test_shapes_parameters_and_files_know_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = with_shrink(threshold=0.25)
    assert new_id(project.graph, "shrink") == "shrink2"
    inference = infer(project.graph)
    channels = inference.results["conv1"].output[0]
    assert inference.results["shrink1"].parameters == channels
    assert not [found for found in validate(project) if found.severity == "error"]
    io.save(project, tmp_path / "new.nnviz")
    assert io.load(tmp_path / "new.nnviz") == project
    assert main(["summary", str(tmp_path / "new.nnviz"), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["layers"]
    assert [row["parameters"] for row in rows if row["kind"] == "shrink"] == [channels]
    assert main(["summary", str(tmp_path / "new.nnviz")]) == 0
    assert "shrink1" in capsys.readouterr().out


def test_its_numbers_are_taken_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    io.save(with_shrink(threshold=0.05), tmp_path / "new.nnviz")
    of_parameter = "shrink1 --backward --parameter scale --index 0"
    for asked in ("shrink1", "shrink1 --unit 2 --at 3,4", "conv1 --backward", of_parameter):
        assert main(["explain", str(tmp_path / "new.nnviz"), *asked.split(), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert sum(term["value"] for term in found["terms"]) == pytest.approx(found["value"], rel=1e-4, abs=1e-7)


def test_values_out_of_range_are_named() -> None:
    with pytest.raises(ParamError, match=r"threshold is 99\.0, but must be a number from 0 to 10"):
        SetParam("shrink1", "threshold", 99.0).apply(with_shrink())
    data = io.dumps(with_shrink(threshold=0.25)).replace(b"0.25", b"99.0")
    with pytest.raises(InputError, match=r"threshold is 99\.0, but must be a number from 0 to 10") as refused:
        io.loads(data, "new.nnviz")
    assert str(refused.value).startswith("new.nnviz: graph.nodes[13].params.threshold")
    node = Node("shrink1", "shrink", {"threshold": 99.0})
    project = with_shrink()
    graph = msgspec.structs.replace(project.graph, nodes={**project.graph.nodes, "shrink1": node})
    found = validate(msgspec.structs.replace(project, graph=graph))
    assert any("from 0 to 10" in one.text for one in found if one.node == "shrink1")


def test_its_weights_come_from_the_seed() -> None:
    project = with_shrink()
    one, same, other = (Network(project.graph, seed=seed).state_dict() for seed in (1, 1, 2))
    scale = one["shrink1.scale"]
    assert ((scale >= 0.5) & (scale <= 1.5)).all()
    assert all(torch.equal(value, same[name]) for name, value in one.items())
    assert not torch.equal(scale, other["shrink1.scale"])
    assert Network(project.graph).draws_random_numbers


def test_it_is_built_shown_changed_and_trained_in_the_window(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window(with_shrink())
    palette, document = window.palette_panel, window.document
    assert "shrink" in palette.kinds()
    palette.search_field.setText("near 0")
    assert "shrink" in palette.kinds()

    card = window.canvas.canvas_scene.cards["shrink1"]
    assert card.facts.title == "Shrink" and card.facts.badge is DEAD_FRACTION
    assert not card.facts.signed and card.facts.parameters == card.facts.shape[0]

    window.canvas.canvas_scene.select(["shrink1"])
    qtbot.waitUntil(lambda: set(window.inspector.layer.form.editors) == {"threshold", "noise", "soft", "frozen"})
    texts = " ".join(label.text() for label in window.inspector.layer.findChildren(QLabel))
    assert "Shrink" in texts
    document.apply(SetParam("shrink1", "threshold", 0.2))
    window.training.play()
    qtbot.waitUntil(lambda: window.training.standing.step > 5, timeout=TIMEOUT)
    window.training.pause()
    qtbot.waitUntil(state_is(window, "paused"), timeout=TIMEOUT)
    run = window.training.run
    assert run is not None and b"0.2" in run.info.project_json, "the network as it was changed is what was trained"
    expected = {f"{name}/shrink1" for name in ("gradient_norm", "update_ratio", "output", "dead_fraction")}
    qtbot.waitUntil(lambda: expected <= set(run.names()), timeout=TIMEOUT)
    document.undo()
    assert document.project == with_shrink()
