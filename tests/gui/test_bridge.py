from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from nnviz.gui.runs.session_bridge import SessionBridge
from nnviz.network import memory
from nnviz.project.model import DataConfig
from nnviz.project.samples import templates
from nnviz.record.run import Run
from nnviz.train import session as session_module

TIMEOUT = 60_000


@pytest.fixture
def bridge(qtbot: QtBot) -> Iterator[SessionBridge]:
    bridge = SessionBridge()
    bridge.start()
    yield bridge
    assert bridge.close(10.0)


def ready(qtbot: QtBot, bridge: SessionBridge, name: str = "spiral") -> Run:
    run = Run()
    bridge.open(templates.sample(name), run)
    qtbot.waitUntil(lambda: bridge.state == "ready", timeout=TIMEOUT)
    return run


def test_a_session_becomes_ready_plays_pauses_and_steps(qtbot: QtBot, bridge: SessionBridge) -> None:
    run = ready(qtbot, bridge)
    assert run.last_step == 0 and run.names("output/")
    bridge.play()
    qtbot.waitUntil(lambda: run.last_step > 20 and bridge.state == "running", timeout=TIMEOUT)
    bridge.pause()
    qtbot.waitUntil(lambda: bridge.state == "paused", timeout=TIMEOUT)
    position = bridge.position
    assert position is not None
    bridge.step(3)
    qtbot.waitUntil(lambda: bridge.position.step == position.step + 3, timeout=TIMEOUT)
    bridge.step_back()
    qtbot.waitUntil(lambda: bridge.position.step == position.step + 2, timeout=TIMEOUT)


def test_what_is_asked_before_the_session_is_there_is_not_lost(qtbot: QtBot, bridge: SessionBridge) -> None:
    run = Run()
    bridge.open(templates.sample("spiral"), run)
    bridge.step(5)
    qtbot.waitUntil(lambda: run.last_step == 5, timeout=TIMEOUT)


def test_what_is_asked_while_the_session_is_being_put_in_place_is_not_lost(
    qtbot: QtBot, bridge: SessionBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, asked = threading.Event(), threading.Event()
    signal = session_module.TrainingSession.told

    class Slow(session_module.TrainingSession):
        """Made already; the bridge still connects to it."""

        @property
        def told(self) -> object:
            made.set()
            asked.wait(TIMEOUT / 1000)
            return signal.__get__(self, type(self))

    monkeypatch.setattr(session_module, "TrainingSession", Slow)
    run = Run()
    bridge.open(templates.sample("spiral"), run)
    assert made.wait(TIMEOUT / 1000)
    bridge.step(3)
    asked.set()
    qtbot.waitUntil(lambda: run.last_step == 3, timeout=TIMEOUT)


def test_the_next_session_replaces_one_that_is_training(qtbot: QtBot, bridge: SessionBridge) -> None:
    first = ready(qtbot, bridge)
    bridge.play()
    qtbot.waitUntil(lambda: first.last_step > 5, timeout=TIMEOUT)
    states: list[str] = []
    bridge.state_changed.connect(states.append)
    second = ready(qtbot, bridge, "xor-one-neuron")
    stopped_at = first.last_step
    assert states[-2:] == ["preparing", "ready"]
    assert "running" not in states  # nothing of the old session comes through
    bridge.step(2)
    qtbot.waitUntil(lambda: second.last_step == 2, timeout=TIMEOUT)
    assert first.last_step == stopped_at


def test_only_the_last_of_many_openings_is_made(qtbot: QtBot, bridge: SessionBridge) -> None:
    runs = [Run() for _ in range(6)]
    for run in runs:
        bridge.open(templates.sample("spiral"), run)
    qtbot.waitUntil(lambda: bridge.state == "ready", timeout=TIMEOUT)
    assert runs[-1].last_step == 0
    bridge.step(1)
    qtbot.waitUntil(lambda: runs[-1].last_step == 1, timeout=TIMEOUT)


def test_data_that_is_missing_is_a_sentence_and_the_thread_lives_on(
    qtbot: QtBot, bridge: SessionBridge, tmp_path: Path
) -> None:
    import msgspec

    project = msgspec.structs.replace(templates.sample("mlp-50"), data=DataConfig("mnist"))
    with qtbot.waitSignal(bridge.failed, timeout=TIMEOUT) as failed:
        bridge.open(project, Run(), tmp_path / "nowhere")
    assert "MNIST was not found" in failed.args[0]
    qtbot.waitUntil(lambda: bridge.state == "failed", timeout=TIMEOUT)
    ready(qtbot, bridge)


def test_an_exception_on_the_thread_is_told_and_the_thread_lives_on(
    qtbot: QtBot, bridge: SessionBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(qtbot, bridge)

    def explode(self: object) -> None:
        raise RuntimeError("planted")

    with monkeypatch.context() as patch:
        patch.setattr(session_module.TrainingSession, "serve", explode)
        with qtbot.waitSignal(bridge.failed, timeout=TIMEOUT) as failed:
            bridge.open(templates.sample("spiral"), Run())
    assert "planted" in failed.args[0] and "Traceback" in failed.args[1]
    qtbot.waitUntil(lambda: bridge.state == "failed", timeout=TIMEOUT)
    ready(qtbot, bridge)


def test_a_question_is_answered_by_the_owner_of_the_network(qtbot: QtBot, bridge: SessionBridge) -> None:
    ready(qtbot, bridge)
    answer = bridge.ask(lambda session: (threading.current_thread().name, session.training.network is not None))
    assert answer.result(30) == ("nnviz-session", True)
    bridge.close_session()
    assert bridge.ask(lambda session: 1).cancelled()


def test_closing_while_training_is_quick_and_leaves_no_thread(qtbot: QtBot) -> None:
    bridge = SessionBridge()
    bridge.start()
    run = ready(qtbot, bridge)
    bridge.play()
    qtbot.waitUntil(lambda: run.last_step > 5, timeout=TIMEOUT)
    assert bridge.close(10.0)
    assert not any(thread.name == "nnviz-session" for thread in threading.enumerate())


def test_the_gui_imports_no_torch() -> None:
    program = (
        "import sys, nnviz.gui.window.window, nnviz.gui.app, nnviz.gui.window.docks\n"
        "assert not {'torch', 'sklearn', 'torchvision'} & set(sys.modules), 'torch was imported'"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_starting_the_window_does_not_import_pyqtgraph() -> None:
    program = "import sys, nnviz.gui.window.window, nnviz.gui.app\nassert 'pyqtgraph' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_memory_goes_back_to_the_system_after_every_session(
    qtbot: QtBot, bridge: SessionBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured on digits-cnn, resetting grew by 7 MB each time before: what was freed lay in the allocator."""
    released: list[str] = []
    monkeypatch.setattr(memory, "release_unused", lambda: released.append(threading.current_thread().name))
    ready(qtbot, bridge)
    ready(qtbot, bridge)
    qtbot.waitUntil(lambda: released == ["nnviz-session"], timeout=TIMEOUT)
