"""Who has to go where the folder of the streamed rows is full: nobody for nothing, and never what is needed itself."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from nnviz import user_folders
from nnviz.data import folder_locks, room_for_rows
from nnviz.data.row_blocks import RowBlocks
from nnviz.data.row_store import findings_of
from nnviz.data.stored_rows import StoredRows
from nnviz.errors import StorageError

#: 40 KB each.
ROWS, EACH = 100, 100


def stored(name: str, rows: int = ROWS) -> StoredRows:
    return RowBlocks.of(name, np.ones((rows, EACH), np.float32)).on_disk(lambda done: None)


def there(*sets: StoredRows) -> list[bool]:
    return [one.path.exists() for one in sets]


@pytest.fixture
def three() -> list[StoredRows]:
    """Three sets, the first one longest unused."""
    return [stored(name) for name in "abc"]


def test_what_can_never_fit_takes_nothing_away(three: list[StoredRows], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_for_rows, "MOST_BYTES", 150_000)
    endless = RowBlocks("endless", (10**9, EACH), np.dtype(np.float32), lambda first: iter(()))
    with pytest.raises(StorageError, match="take 400"):
        endless.on_disk(lambda done: None)
    assert there(*three) == [True] * 3
    # One that is being imported elsewhere is no room.
    lock = folder_locks.lock_of(three[0].path.parent)
    with lock, pytest.raises(StorageError, match="has room for"):
        stored("d", 3 * ROWS)
    assert there(*three) == [True] * 3
    stored("d", 3 * ROWS)
    assert there(*three) == [False] * 3


def test_no_set_goes_for_another_of_the_same_load(three: list[StoredRows], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_for_rows, "MOST_BYTES", 130_000)
    with room_for_rows.together():
        inputs = stored("a")  # it is there, and becomes one of this load
        targets = stored("targets")
        assert there(inputs, targets, *three[1:]) == [True, True, False, True]
        with pytest.raises(StorageError, match="has room for"):
            stored("more", 2 * ROWS)
        assert there(inputs, targets, three[2]) == [True, True, True]
    stored("more", 2 * ROWS)
    assert there(inputs, targets, three[2]).count(True) == 1


def test_what_is_deleted_and_still_in_use_takes_no_other_set_along(
    three: list[StoredRows], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that reads a set keeps its bytes on the disk after the set is deleted."""
    monkeypatch.setattr(room_for_rows, "LEFT_FREE", 0)
    in_use = {three[0].path}
    freed = lambda: sum(one.nbytes for one in three if one.path not in in_use and not one.path.exists())  # noqa: E731
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


def test_what_is_known_of_sets_that_are_gone_goes_as_well(three: list[StoredRows]) -> None:
    old, new = (findings_of(name, "state") for name in ("old", "new"))
    for one in (old, new):
        one.put("key", b"value")
    os.utime(old.path, (0, 0))
    stored("d")
    assert not old.path.exists() and new.path.exists()
    # Whoever asks for it keeps it, as long as its set is there.
    for one in (new.path, *(row.path.parent / "whole.json" for row in three)):
        os.utime(one, (0, 0))
    assert findings_of("new", "state").get("key") == b"value"
    stored("e")
    assert new.path.exists()
