"""The program that is killed: edits without a pause, keeps its work and saves now and then, and says what it did.

Its log is written line by line without a buffer, so that a kill takes nothing of it: ``edit N TIME HASH`` after an
edit, ``saving N HASH`` before and ``saved N`` after a save.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

from nnviz.project.document import Document
from nnviz.project.edits import AddNodes, Move, RemoveNodes
from nnviz.project.files import io
from nnviz.project.model import Node, Project
from nnviz.project.safety import disk_state
from nnviz.project.safety.autosave import Autosave
from nnviz.project.safety.recovery import Work
from nnviz.project.safety.window_lock import WindowLock
from nnviz.project.samples import templates

FILE, LOG, STATE = "work.nnviz", "log.txt", "state"


def hash_of(project: Project) -> str:
    return hashlib.sha256(io.dumps(project)).hexdigest()[:16]


class Log:
    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.saving_numbers = itertools.count()

    def write(self, *words: object) -> None:
        os.write(self._file, (" ".join(map(str, words)) + "\n").encode())


class Editor:
    """Somebody who adds, moves and takes away layers; every state is another one."""

    def __init__(self, apply: Callable[[object], object], seed: int) -> None:
        self._apply = apply
        self._random = random.Random(seed)
        self._names = itertools.count()
        self._nodes: list[str] = []

    def edit(self) -> None:
        choice = self._random.random()
        if choice < 0.25 and len(self._nodes) > 5:
            self._apply(RemoveNodes((self._nodes.pop(self._random.randrange(len(self._nodes))),)))
        elif choice < 0.6 and self._nodes:
            node = self._random.choice(self._nodes)
            self._apply(Move({node: (self._random.uniform(-5e3, 5e3), self._random.uniform(-5e3, 5e3))}))
        else:
            name = f"added{next(self._names)}"
            self._nodes.append(name)
            self._apply(AddNodes((Node(name, "relu", x=self._random.uniform(-5e3, 5e3)),)))


def without_window(folder: str, seed: int) -> None:
    """The document, the autosave and the way to save that the window has, without the window."""
    path, chance = Path(folder) / FILE, random.Random(~seed)
    log = Log(Path(folder))
    document = Document(templates.sample("digits-cnn"))
    autosave = Autosave(WindowLock(Path(folder) / STATE))
    known: str | None = None

    def follow(*_told: object) -> None:
        modified = document.is_modified
        autosave.note(Work(document.project, document.path, known or "") if modified else None)

    document.changed.connect(follow)
    document.saved.connect(follow)
    editor = Editor(document.apply, seed)
    share = (0.1, 0.02, 0.0)[seed % 3]  # Some save all the time, some never.
    for number in itertools.count():
        editor.edit()
        log.write("edit", number, time.monotonic(), hash_of(document.project))
        if chance.random() < share:
            log.write("saving", number, hash_of(document.project))
            known = disk_state.save_unless_changed(document.project, path, known)
            assert known is not None
            document.mark_saved(path)
            log.write("saved", number)
        time.sleep(chance.uniform(0, 0.05))


def with_window(folder: str, seed: int) -> None:
    """The window itself, without a screen; its training does not start, so torch stays away."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ["XDG_CONFIG_HOME"] = os.environ["XDG_DATA_HOME"] = folder
    os.environ["XDG_STATE_HOME"] = str(Path(folder) / STATE)
    from PySide6.QtCore import QTimer

    from nnviz.gui.app import application
    from nnviz.gui.parts.settings import Settings
    from nnviz.gui.window.window import MainWindow

    path, chance = Path(folder) / FILE, random.Random(~seed)
    log = Log(Path(folder))
    app = application("dark")
    document = Document(templates.sample("digits-cnn"))
    window = MainWindow(document, settings=Settings(Path(folder) / "settings.ini"))
    window.bridge.start = window.training.start = lambda: None  # type: ignore[method-assign]
    real_save = io.save

    def save(project: Project, target: Path | str) -> None:
        number = next(log.saving_numbers)
        log.write("saving", f"save{number}", hash_of(project))
        real_save(project, target)
        log.write("saved", f"save{number}")

    io.save = save
    window.show()
    window.safety.start()
    editor = Editor(window.apply, seed)
    document.mark_saved(path)
    numbers = itertools.count()

    def turn() -> None:
        editor.edit()
        log.write("edit", next(numbers), time.monotonic(), hash_of(document.project))
        if seed % 2 and chance.random() < 0.02:  # Some never save.
            window.files.save()

    timer = QTimer(interval=20, timeout=turn)
    timer.start()
    app.exec()
