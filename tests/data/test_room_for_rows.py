"""Who has to go where the folder of the streamed rows is full: nobody for nothing, and never what is in use."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from nnviz import user_folders
from nnviz.data import folder_locks, remembered, room_for_rows
from nnviz.data.row_blocks import RowBlocks
from nnviz.data.row_store import findings_of
from nnviz.data.stored_rows import StoredRows
from nnviz.errors import StorageError

#: 40 KB each.
ROWS, EACH = 100, 100


def stored(name: str, rows: int = ROWS) -> StoredRows:
    return RowBlocks.of(name, np.ones((rows, EACH), np.float32)).on_disk(lambda done: None)


def there(*sets: Path) -> list[bool]:
    return [one.exists() for one in sets]


@pytest.fixture
def three() -> list[Path]:
    """Three sets that nobody uses, the first one longest unused."""
    return [stored(name).path for name in "abc"]


def test_what_can_never_fit_takes_nothing_away(three: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_for_rows, "MOST_BYTES", 150_000)
    endless = RowBlocks("endless", (10**9, EACH), np.dtype(np.float32), lambda first: iter(()))
    with pytest.raises(StorageError, match="take 400"):
        endless.on_disk(lambda done: None)
    assert there(*three) == [True] * 3
    # One that is being imported elsewhere is no room.
    with FileLock(folder_locks.lock_path(three[0].parent)), pytest.raises(StorageError, match="has room for"):
        stored("d", 3 * ROWS)
    assert there(*three) == [True] * 3
    stored("d", 3 * ROWS)
    assert there(*three) == [False] * 3


def test_no_set_goes_for_another_of_the_same_load(three: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_for_rows, "MOST_BYTES", 130_000)
    with room_for_rows.together():
        inputs = stored("a").path  # it is there, and becomes one of this load
        targets = stored("targets").path
        assert there(inputs, targets, *three[1:]) == [True, True, False, True]
        with pytest.raises(StorageError, match="has room for"):
            stored("more", 2 * ROWS)
        assert there(inputs, targets, three[2]) == [True, True, True]
    stored("more", 2 * ROWS)
    assert there(inputs, targets, three[2]).count(True) == 1


def test_what_is_deleted_and_still_in_use_takes_no_other_set_along(
    three: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads a file without saying so keeps its bytes on the disk after it is deleted."""
    monkeypatch.setattr(room_for_rows, "LEFT_FREE", 0)
    each, in_use = three[0].stat().st_size, {three[0]}
    freed = lambda: sum(each for one in three if one not in in_use and not one.exists())  # noqa: E731 - asked often
    monkeypatch.setattr(room_for_rows, "_free", lambda folder: 10_000 + freed())
    with pytest.raises(StorageError, match="has room for"):
        stored("d")
    assert there(*three) == [False, True, True]
    stored("d")
    assert there(*three) == [False, False, True]


def test_what_an_earlier_version_kept_goes_once_nobody_uses_it() -> None:
    old = user_folders.cache_folder() / "pictures"
    for name, days in (("used", 1), ("unused", 30)):
        (old / name).mkdir(parents=True)
        for file in ("whole.json", "rows"):
            (old / name / file).write_bytes(bytes(1000))
            os.utime(old / name / file, (0, time.time() - days * 86_400))
    stored("a")
    assert sorted(one.name for one in old.iterdir() if one.is_dir()) == ["used"]
    os.utime(old / "used" / "whole.json", (0, 0))
    os.utime(old / "used" / "rows", (0, 0))
    stored("b")
    assert not old.exists()


def test_a_link_in_the_old_folder_leads_nobody_astray(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_bytes(b"1")
    old = user_folders.cache_folder() / "pictures"
    old.mkdir(parents=True)
    (old / "link").symlink_to(precious)
    stored("a")
    assert (precious / "file").exists()


def test_what_is_known_of_sets_that_are_gone_goes_as_well(three: list[Path]) -> None:
    old, new = (findings_of(name, "state") for name in ("old", "new"))
    for one in (old, new):
        one.put("key", b"value")
    os.utime(old.path, (0, 0))
    stored("d")
    assert not old.path.exists() and new.path.exists()
    # Whoever asks for it keeps it, as long as its set is there.
    for one in (new.path, *(rows.parent / "whole.json" for rows in three)):
        os.utime(one, (0, 0))
    assert findings_of("new", "state").get("key") == b"value"
    stored("e")
    assert new.path.exists()


_USER = """
import sys, time, numpy as np
from nnviz.data.row_blocks import RowBlocks
rows = RowBlocks.of("a", np.ones((100, 100), np.float32)).opened()
print(len(rows), flush=True)
time.sleep(60)
"""


def test_a_set_in_use_elsewhere_stays_until_who_uses_it_is_gone(
    three: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_for_rows, "MOST_BYTES", 130_000)
    user = subprocess.Popen([sys.executable, "-c", _USER], stdout=subprocess.PIPE, env=dict(os.environ))
    try:
        assert user.stdout is not None and user.stdout.readline() == b"100\n"
        for later, rows in enumerate(three):  # the one in use is the one that was not used for longest
            os.utime(rows.parent / "whole.json", (0, time.time() + 10 * later))
        stored("d")
        assert there(*three) == [True, False, True]
        with pytest.raises(
            StorageError, match=r"8\d\.\d kB beside 1 set that is in use \(40\.\d kB\).* may take 130 kB"
        ):
            stored("e", 3 * ROWS)
        assert there(*three) == [True, False, True]
    finally:
        user.send_signal(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
        user.communicate()
    stored("e", 3 * ROWS)
    assert there(*three) == [False, False, False]


def test_what_this_program_uses_stays_and_what_it_only_remembers_goes(
    three: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_for_rows, "MOST_BYTES", 130_000)
    memory = [stored("a")]
    used = stored("b")
    part = used.only(np.array([3, 1]))
    del used
    monkeypatch.setattr(remembered, "_forgetting", [memory.clear])
    stored("d")
    assert there(*three) == [True, True, False] and memory, "nothing is forgotten without need"
    stored("e", 2 * ROWS)
    assert there(*three) == [False, True, False] and not memory
    assert np.array_equal(part[:], np.ones((2, EACH)))
    del part
    stored("f", 3 * ROWS)
    assert there(*three) == [False, False, False]


def test_who_comes_in_the_moment_of_the_deletion_keeps_the_set(
    three: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is opened after it was seen to be idle; the second is seen by nobody, and goes."""
    monkeypatch.setattr(room_for_rows, "MOST_BYTES", 90_000)
    looked, opened = room_for_rows.is_used, []

    def is_used(folder: Path) -> bool:
        found = looked(folder)
        if folder == three[0].parent and not opened:
            opened.append(stored("a"))
        return found

    monkeypatch.setattr(room_for_rows, "is_used", is_used)
    stored("d")
    assert there(*three) == [True, False, False]
    assert np.array_equal(stored("a")[5], np.ones(EACH)), "it is whole as before"
