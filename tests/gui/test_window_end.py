from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
import threading
import weakref
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow, press_notice

from nnviz.errors import RunFileError
from nnviz.gui.app import open_target, render
from nnviz.gui.parts.settings import Settings
from nnviz.gui.window.window import MainWindow
from nnviz.project.document import Document
from nnviz.project.samples import templates

# ---- exceptions and the end ----------------------------------------------------------------------------------------


def test_an_exception_in_a_slot_becomes_a_notice_and_the_window_works(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral")

    def explode() -> None:
        raise RuntimeError("planted in a slot")

    window.net.install()
    try:
        window.action("about").triggered.connect(explode)
        window.action("about").trigger()
        window.action("about").trigger()
        thread = threading.Thread(target=explode, name="nnviz-planted")
        thread.start()
        thread.join()
    finally:
        window.net.remove()
    qtbot.waitUntil(lambda: window.notices.notice("exception") is not None, timeout=TIMEOUT)
    notice = window.notices.notice("exception")
    assert notice is not None and "planted in a slot" in notice.text
    qtbot.waitUntil(lambda: "×3" in notice._label.text(), timeout=TIMEOUT)
    by_title = {found.text(): found for found in notice.buttons}
    by_title["Copy"].click()
    assert "RuntimeError: planted in a slot" in QGuiApplication.clipboard().text()
    by_title["Details"].click()
    assert notice._details.isVisible()
    window.training.play()
    qtbot.waitUntil(lambda: window.training.standing.step > 3, timeout=TIMEOUT)


def used_and_closed(qtbot: QtBot, settings: Settings) -> weakref.ref[MainWindow]:
    """A window in which every instrument was opened and a step was made, and which has ended."""
    window = MainWindow(Document(templates.sample("spiral")), settings=settings)
    window.show()
    qtbot.waitUntil(lambda: window.training.state == "ready" and window.docks is not None, timeout=TIMEOUT)
    assert window.docks is not None
    for key in window.docks.docks:
        window.docks.show_panel(key)
    window.training.step()
    qtbot.waitUntil(lambda: window.training.standing.step == 1, timeout=TIMEOUT)
    window.finish()
    window.deleteLater()
    return weakref.ref(window)


def test_a_window_that_was_closed_is_gone_from_memory(qtbot: QtBot, styled: QApplication, tmp_path: Path) -> None:
    """Whatever holds a part of it holds all of it, 11 MB."""
    window = used_and_closed(qtbot, Settings(tmp_path / "settings.ini"))
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def is_gone() -> bool:
        gc.collect()
        return window() is None

    # A thread of the window that still ends, on a busy machine, holds it a moment longer.
    qtbot.waitUntil(is_gone, timeout=TIMEOUT)


def test_a_window_that_goes_just_after_an_edit_tells_nobody(qtbot: QtBot, styled: QApplication, tmp_path: Path) -> None:
    """What is found wrong with a network is told between two events: by then the window may have gone."""
    window = MainWindow(Document(templates.sample("spiral")), settings=Settings(tmp_path / "settings.ini"))
    window.show()
    qtbot.waitUntil(lambda: window.training.state == "ready" and window.docks is not None, timeout=TIMEOUT)
    window.training._on_diagnostics_changed(window.document.diagnostics)
    window.finish()
    window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    with qtbot.captureExceptions() as exceptions:
        qtbot.wait(50)
    assert exceptions == []


def test_an_exception_in_training_becomes_a_notice_and_the_window_works(
    qtbot: QtBot, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nnviz.train import loop

    window = open_window("spiral")
    run = window.training.run
    with monkeypatch.context() as patch:

        def explode(*args: object, **named: object) -> None:
            raise RuntimeError("planted in training")

        for module in [loop, *[m for name, m in sys.modules.items() if name.startswith("nnviz.train.")]]:
            if hasattr(module, "train_step"):
                patch.setattr(module, "train_step", explode)
        window.training.play()
        qtbot.waitUntil(lambda: window.notices.notice("failure") is not None, timeout=TIMEOUT)
    notice = window.notices.notice("failure")
    assert notice is not None and "planted in training" in notice.text + notice.details
    assert not window.action("play").isEnabled()
    press_notice(window, "failure", "Try again")
    qtbot.waitUntil(lambda: window.training.state == "ready" and window.training.run is not run, timeout=TIMEOUT)
    window.training.step()
    qtbot.waitUntil(lambda: window.training.standing.step == 1, timeout=TIMEOUT)


def run_program(program: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
    )


def test_the_program_ends_with_zero_while_it_trains(tmp_path: Path) -> None:
    finished = run_program(
        """
        import sys
        from PySide6.QtCore import QTimer
        from PySide6.QtWidgets import QApplication
        from nnviz.gui import app
        from nnviz.gui.window import window

        def look() -> None:
            found = [w for w in QApplication.topLevelWidgets() if isinstance(w, window.MainWindow)]
            if not found:
                return
            training = found[0].training
            if training.state == "ready":
                training.play()
            elif training.standing.step > 5:
                timer.stop()
                print("torch" in sys.modules, training.state)
                found[0].close()

        application = app.application()
        timer = QTimer()
        timer.timeout.connect(look)
        timer.start(20)
        status = app.main("sample:digits-cnn")
        print("status", status)
        sys.exit(status)
        """,
        tmp_path,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.split() == ["True", "running", "status", "0"]
    assert "Traceback" not in finished.stderr


def test_the_program_ends_with_zero_while_torch_is_being_imported(tmp_path: Path) -> None:
    finished = run_program(
        """
        import sys
        from PySide6.QtCore import QTimer
        from PySide6.QtWidgets import QApplication
        from nnviz.gui import app
        from nnviz.gui.window import window

        application = app.application()
        QTimer.singleShot(100, lambda: [w.close() for w in QApplication.topLevelWidgets()
                                        if isinstance(w, window.MainWindow)])
        sys.exit(app.main("sample:and"))
        """,
        tmp_path,
    )
    assert finished.returncode == 0, finished.stderr


def test_the_window_is_on_the_screen_before_torch_is_imported(tmp_path: Path) -> None:
    finished = run_program(
        """
        import sys
        from PySide6.QtCore import QTimer
        from nnviz.gui import app
        from nnviz.gui.window import window
        real = window.MainWindow.showEvent
        def show(self, event):
            real(self, event)
            print([name for name in ("torch", "pyqtgraph", "sklearn") if name in sys.modules])
            QTimer.singleShot(0, self.close)
        window.MainWindow.showEvent = show
        sys.exit(app.main("sample:digits-cnn"))
        """,
        tmp_path,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip() == "[]"


def test_a_picture_of_the_window(styled: QApplication, tmp_path: Path) -> None:
    out = render("sample:spiral", tmp_path / "pictures" / "window.png", (1280, 720), steps=4, theme_name="light")
    image = QImage(str(out))
    assert (image.width(), image.height()) == (1280, 720)
    colours = {image.pixel(x, y) for x in range(0, 1280, 16) for y in range(0, 720, 16)}
    assert len(colours) > 12


def test_a_picture_at_scale_two_is_drawn_with_twice_the_pixels(styled: QApplication, tmp_path: Path) -> None:
    out = render("sample:and", tmp_path / "sharp.png", (1280, 720), scale=2.0)
    assert QImage(str(out)).width() == 2560


def test_a_run_that_is_none_is_refused_before_a_window_opens(styled: QApplication, tmp_path: Path) -> None:
    path = tmp_path / "mine.nnvizrun"
    path.write_text("hello")
    with pytest.raises(RunFileError, match=r"mine\.nnvizrun: This is not a run"):
        open_target(str(path))
    with pytest.raises(RunFileError):
        render(str(path), tmp_path / "window.png", (1280, 720))
    assert not (tmp_path / "window.png").exists()


def test_the_palette_is_hidden_and_shown_by_its_key(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    caught: list[str] = []
    window.net.caught.connect(lambda *told: caught.append(str(told)))
    window.net.install()
    try:
        for shown in (False, True):
            qtbot.keyClick(window, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
            assert window.palette_panel.isVisible() is shown
    finally:
        window.net.remove()
    assert caught == []
