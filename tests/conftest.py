"""What every test gets: no display, one thread for torch, its own user folders, and nothing that it leaves behind."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import psutil
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

#: Seconds after which a whole run is given up; it takes five minutes on two cores.
RUN_LIMIT = float(os.environ.get("NNVIZ_TEST_LIMIT", "2700"))

# The same examples in every run, so that a red run is red again; --hypothesis-profile=explore looks for new ones.
settings.register_profile("nnviz", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("nnviz")

# Hypothesis also draws the numbers and texts that stand in the program's modules, of those that are loaded by then: a
# file of tests alone drew others than the whole suite, and every edit of any module changed what all tests draw. It has
# no setting for that. Whoever explores still gets them; where a version collects none, nothing is to be done.
if hasattr(providers, "_get_local_constants"):
    _of_loaded_modules, _none = providers._get_local_constants, type(providers._local_constants)()
    providers._get_local_constants = lambda: _none if settings.default.derandomize else _of_loaded_modules()

ROOT = Path(__file__).resolve().parent.parent
#: Tests between two rounds of the garbage collector over all that is new, and between two over everything: what has
#: survived one round (modules, caches) would be gone through some 500 times, a quarter of a second and more each.
_FULL_ROUND, _WHOLE_ROUND = 20, 1000
_finished, _unasked = itertools.count(1), itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """How long the tests look that can look for ever."""
    parser.addoption("--fuzz", type=int, default=None, help="how many mutated inputs each fuzzer tries")


def pytest_configure(config: pytest.Config) -> None:
    """A run that hangs where no test's own limit reaches ends with a word, before whoever waits for it gives up."""
    if not hasattr(config, "workerinput"):
        limit = threading.Timer(RUN_LIMIT, give_up)
        limit.daemon = True
        limit.start()


def pytest_sessionstart(session: pytest.Session) -> None:
    """What a process of tests tells and asks about second tries, before and after each test, goes out at once.

    pytest-rerunfailures does it in two small packets, of which the second waited for the system to confirm the first:
    no test took less than 40 ms, whatever it did.
    """
    connection = getattr(getattr(session.config, "failures_db", None), "sock", None)
    if isinstance(connection, socket.socket):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """The garbage collector does no rounds while modules and tests come into being, and passes over them afterwards.

    They stay until the end. Each of fifty rounds went through all of them here, and each full round between two tests.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def give_up() -> None:
    """End this process and every process that it started."""
    print(f"\nThe tests were not through after {RUN_LIMIT:g} seconds: given up.", file=sys.__stderr__, flush=True)
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            child.kill()
    os._exit(3)


@pytest.fixture(autouse=True)
def own_folders(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Settings, state and data of the person who runs the tests are neither read nor written.

    Where a test asks for no folder of its own, none is made: on a busy disk that takes longer than most tests.
    """
    if "tmp_path" in request.fixturenames:
        folder = request.getfixturevalue("tmp_path")
    else:
        folder = tmp_path_factory.getbasetemp() / f"unasked-{next(_unasked)}"
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(folder / variable.lower()))
    monkeypatch.delenv("NNVIZ_DATA", raising=False)
    yield
    if "tmp_path" not in request.fixturenames and folder.exists():
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def no_leaked_threads(own_folders: None) -> Iterator[None]:
    """A thread that a test started has ended, or ends soon: on a busy machine it may have a batch to finish.

    Only then does its folder go, in which it may still write.
    """
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 10
    while True:
        left = [
            thread
            for thread in threading.enumerate()
            if thread not in before and thread.is_alive() and thread.name.startswith("nnviz")
        ]
        if not left or time.monotonic() > deadline:
            break
        time.sleep(0.02)
    assert not left, f"threads still running after the test: {[thread.name for thread in left]}"


@pytest.fixture(autouse=True)
def no_held_random_state(no_leaked_threads: None) -> Iterator[None]:
    """The process has its global random state back: a training that was left holding it would disturb later tests."""
    yield
    # Looked up, not imported: most tests need no torch.
    module = sys.modules.get("nnviz.train.random_state")
    holder = None if module is None else module._shared.holder
    if holder is not None:
        holder.release()
    assert holder is None, "a training of this test was left holding torch's random state: release its stream"


@pytest.fixture(autouse=True)
def garbage_collected() -> Iterator[None]:
    """Where a window has switched Python's own collector off, its rounds are done here, between two tests."""
    yield
    if gc.isenabled():
        return
    finished = next(_finished)
    if finished % _FULL_ROUND:
        gc.collect(1)
        return
    if finished % _WHOLE_ROUND == 0:
        gc.unfreeze()
    gc.collect()
    gc.freeze()


@pytest.fixture
def shared_data() -> Path:
    """The folder with MNIST in torchvision's layout and CIFAR-10 as image folders; skips where it is missing."""
    folder = Path(os.environ.get("NNVIZ_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "MNIST" / "raw").is_dir():
        pytest.skip(f"needs MNIST in torchvision's layout in {folder} (or the folder named by NNVIZ_TEST_DATA)")
    return folder
