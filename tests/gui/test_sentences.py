"""What the window says of an error: the field by its title, never by its path; in a file it stays findable."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow

from nnviz.data import datasets
from nnviz.errors import DataError, InputError, ParamError, ProjectError, TrainingError
from nnviz.gui.parts.reasons import sentence_of, title_of
from nnviz.project.edits import SetData
from nnviz.project.model import DataConfig


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DataError("There is no such folder.", field="data.params.folder", file="/x"), "/x: There is no such folder."),
        (DataError("Nothing is there.", field="data.params.folder", file="/x"), "Folder /x: Nothing is there."),
        (DataError("It must be larger.", field="data.params.noise"), "Noise: It must be larger."),
        (ParamError("learning rate is 0, but must be above 0.", field="learning_rate"), "Learning rate is 0, but must"),
        (ParamError("It is too large.", field="training.batch_size"), "Batch size: It is too large."),
        (ProjectError("It is no kind.", field="graph.nodes[3].kind", file="a.nnviz"), "a.nnviz: graph.nodes[3].kind"),
        (InputError("Nothing fits."), "Nothing fits."),
        (TrainingError("It stopped."), "It stopped."),
        (ValueError("odd"), "ValueError: odd"),
    ],
)
def test_a_field_is_called_by_its_title(error: Exception, said: str) -> None:
    assert sentence_of(error).startswith(said)


def test_no_setting_of_any_data_set_is_called_by_a_path() -> None:
    for spec in datasets.datasets().values():
        for param in spec.params:
            sentence = sentence_of(DataError("It is wrong.", field=f"data.params.{param.name}"))
            assert "data.params" not in sentence and "_" not in title_of(f"data.params.{param.name}")


def test_a_folder_that_is_not_there_is_told_without_a_path_of_a_field(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path
) -> None:
    window = open_window("digits-cnn", ready=False)
    said: list[str] = []
    window.training.failed.connect(lambda text, _details: said.append(text))
    wrong = DataConfig("image_folder", {"folder": str(tmp_path / "nowhere")})
    window.apply(
        SetData(msgspec.structs.replace(window.document.project.data, dataset=wrong.dataset, params=wrong.params))
    )
    qtbot.waitUntil(lambda: bool(window.training.failure), timeout=TIMEOUT)
    assert window.inspector is not None
    shown = [window.training.failure, window.inspector.data.about.text(), *said]
    shown += [notice.text for key in ("failure", "blocked") if (notice := window.notices.notice(key)) is not None]
    assert not any("data.params" in text for text in shown), shown
