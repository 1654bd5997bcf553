"""Hostile project files opened in the real window: shown or refused in a sentence, and nothing goes wrong unseen."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow

sys.path.append(str(Path(__file__).resolve().parent.parent / "project"))
from fuzzed_projects import Forge

from nnviz.errors import InputError
from nnviz.project.files import io

_USUAL = 8


@pytest.mark.timeout(0)
def test_hostile_projects_in_the_window(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    wanted = request.config.getoption("--fuzz") or _USUAL
    window = open_window("and")
    told: list[str] = []
    window.files.failed.connect(lambda sentence, _details: told.append(sentence))
    window.files.replaced.connect(lambda: told.append(""))
    forge = Forge(5)
    shown = refused = 0
    while shown < wanted or refused < wanted:
        data = forge.file()
        try:
            size = len(io.loads(data).graph.nodes)
        except InputError:
            size = 0
        opens = size > 0
        if size > 100 or (shown if opens else refused) >= wanted:
            continue
        path = tmp_path / f"fuzzed{shown}-{refused}.nnviz"
        path.write_bytes(data)
        told.clear()
        window.files.load(path)
        qtbot.waitUntil(lambda: bool(told), timeout=TIMEOUT)
        if opens:
            assert told == [""] and window.document.path == path
        shown, refused = shown + opens, refused + (not opens)
        window.canvas.camera.fit()
        window.canvas.viewport().repaint()
        qtbot.wait(20)
        for node in list(window.document.project.graph.nodes)[:2]:
            window.canvas.select([node])
            qtbot.wait(5)
        assert window.notices.notice("exception") is None, data[:500]
