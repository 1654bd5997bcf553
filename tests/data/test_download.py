"""Downloads from a server on this machine: whole, resumed, broken, wrong, cancelled, and a full disk."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import pickle
import re
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from idx_files import write_set

from nnviz.cli import main
from nnviz.commands import train
from nnviz.data import acquire, datasets, download, torchvision_bridge
from nnviz.data.tensors import load
from nnviz.data.torchvision_bridge import Remote
from nnviz.errors import Cancelled, DataError, StorageError
from nnviz.project.model import DataConfig

CONTENT = np.random.default_rng(0).bytes(300_000)
MD5 = hashlib.md5(CONTENT).hexdigest()


@dataclass
class Site:
    """A small web server whose manners the test chooses."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    #: For each request in turn: how many bytes of the answer are sent before the connection is cut (None: all).
    cuts: list[int | None] = field(default_factory=list)
    ranges: bool = True
    asked: list[tuple[str, str]] = field(default_factory=list)

    def url(self, name: str) -> str:
        return f"{self.address}/{name}"


@pytest.fixture
def site() -> Iterator[Site]:
    shown = Site(files={"file.bin": CONTENT})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.lstrip("/")
            wanted = self.headers.get("Range", "")
            shown.asked.append((name, wanted))
            cut = shown.cuts.pop(0) if shown.cuts else None
            content = shown.files.get(name)
            if content is None:
                self.send_error(404)
                return
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted and shown.ranges else 0  # type: ignore[index]
            if start >= len(content) > 0:
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start:] if cut is None else content[start : start + cut])
            self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="test-site", daemon=True)
    thread.start()
    shown.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield shown
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def quiet(done: int, total: int) -> None:
    """A listener that does not mind."""


def fetch(site: Site, target: Path, md5: str = MD5, report: download.Report = quiet, attempts: int = 3) -> None:
    download.fetch([site.url("file.bin")], target, md5, report, attempts=attempts, pause=0.0, timeout=5.0)


def test_a_whole_download_tells_its_progress(site: Site, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    target = tmp_path / "new" / "folder" / "file.bin"
    fetch(site, target, report=lambda done, total: told.append((done, total)))
    assert target.read_bytes() == CONTENT
    assert told[0] == (0, 300_000) and told[-1] == (300_000, 300_000) and len(told) > 3
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert [path.name for path in target.parent.iterdir()] == ["file.bin"]


def test_an_interrupted_download_goes_on_where_it_stopped(site: Site, tmp_path: Path) -> None:
    site.cuts = [100_000, 50_000, None]
    fetch(site, tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert site.asked == [("file.bin", ""), ("file.bin", "bytes=100000-"), ("file.bin", "bytes=150000-")]


def test_a_download_that_keeps_breaking_fails_and_the_next_call_goes_on(site: Site, tmp_path: Path) -> None:
    site.cuts = [1000, 1000]
    with pytest.raises(
        DataError, match=r"after 2 attempts .*the connection ended after 2,000 of 300,000 bytes"
    ) as caught:
        fetch(site, tmp_path / "file.bin", attempts=2)
    assert site.address in str(caught.value) and not (tmp_path / "file.bin").exists()
    assert (tmp_path / "file.bin.part").stat().st_size == 2000
    fetch(site, tmp_path / "file.bin")
    assert site.asked[-1] == ("file.bin", "bytes=2000-")
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_server_without_ranges_is_asked_for_everything_again(site: Site, tmp_path: Path) -> None:
    site.cuts, site.ranges = [100_000], False
    fetch(site, tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == CONTENT and len(site.asked) == 2


def test_a_corrupt_download_is_thrown_away_and_named(site: Site, tmp_path: Path) -> None:
    old = tmp_path / "file.bin"
    old.write_bytes(b"what was here before")
    site.files["file.bin"] = CONTENT[:-1] + b"x"
    with pytest.raises(DataError, match="not the published file"):
        fetch(site, old, attempts=2)
    assert old.read_bytes() == b"what was here before"
    assert [path.name for path in tmp_path.iterdir()] == ["file.bin"]


def test_a_corrupt_beginning_is_found_out_and_fetched_anew(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(b"rubbish from another day")
    fetch(site, tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert [wanted for _, wanted in site.asked] == ["bytes=24-", ""]


@pytest.mark.parametrize("rest", [b"", b"more than there is"])
def test_a_part_that_was_complete_or_too_long(site: Site, tmp_path: Path, rest: bytes) -> None:
    (tmp_path / "file.bin.part").write_bytes(CONTENT + rest)
    fetch(site, tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_the_next_mirror_is_tried(site: Site, tmp_path: Path) -> None:
    urls = [site.url("gone.bin"), "http://127.0.0.1:1/refused", "file:///etc/passwd", site.url("file.bin")]
    download.fetch(urls, tmp_path / "file.bin", MD5, quiet, pause=0.0)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    with pytest.raises(DataError, match=r"404 Not Found.*refused.*only http and https"):
        download.fetch(urls[:3], tmp_path / "other.bin", MD5, quiet, attempts=1)


def test_cancelling_keeps_what_is_here(site: Site, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done > 100_000:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        fetch(site, tmp_path / "file.bin", report=stop)
    kept = (tmp_path / "file.bin.part").stat().st_size
    assert 100_000 < kept < 300_000
    fetch(site, tmp_path / "file.bin")
    assert site.asked[-1] == ("file.bin", f"bytes={kept}-")


def test_cancelling_while_it_waits_for_the_next_attempt(site: Site, tmp_path: Path) -> None:
    calls = 0

    def stop(done: int, total: int) -> None:
        nonlocal calls
        calls += 1
        if calls > 2:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        download.fetch([site.url("gone.bin")], tmp_path / "x", MD5, stop, pause=60.0)


def test_a_full_disk_and_a_forbidden_folder_are_storage_errors(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="could not be written"):
        fetch(site, tmp_path / "file" / "file.bin")
    with monkeypatch.context() as patch:
        patch.setattr(download.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1000})())
        with pytest.raises(StorageError, match="the download needs"):
            fetch(site, tmp_path / "file.bin")

    class FullFile(io.BytesIO):
        name = "file.bin.part"

        def write(self, piece: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download, "_opened", lambda path, mode: FullFile())
    with pytest.raises(StorageError, match="No space left on device"):
        fetch(site, tmp_path / "file.bin")
    assert not (tmp_path / "file.bin").exists()


# --- whole data sets -------------------------------------------------------------------------------------------------


@pytest.fixture
def served_mnist(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """MNIST's four archives on the site, with sums of their own."""
    made = tmp_path / "made"
    write_set(made, 60_000, 10_000, value=3)
    remotes = []
    for name in datasets.dataset("mnist").files:
        packed = gzip.compress((made / name).read_bytes(), 1)
        site.files[f"{name}.gz"] = packed
        remotes.append(Remote(f"{name}.gz", (site.url(f"{name}.gz"),), hashlib.md5(packed).hexdigest()))
    monkeypatch.setattr(acquire, "remotes", lambda kind: tuple(remotes))
    return site


def test_a_missing_set_is_downloaded_into_torchvisions_layout_only_when_asked(
    served_mnist: Site, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    with pytest.raises(DataError, match="was not found"):
        load(DataConfig("mnist"), root)
    assert served_mnist.asked == []
    told: list[tuple[str, int, int]] = []
    data = load(DataConfig("mnist"), root, progress=lambda *what: told.append(what), download=True)
    assert int(data.train.inputs.max()) == 3 and len(data.test) == 10_000
    assert sorted(path.name for path in (root / "MNIST" / "raw").iterdir()) == sorted(datasets.dataset("mnist").files)
    downloading = [what for what in told if what[0] == "Downloading MNIST"]
    assert downloading and {total for _, _, total in downloading} == {11_594_722}
    assert [done for _, done, _ in downloading] == sorted(done for _, done, _ in downloading)
    asked = len(served_mnist.asked)
    assert load(DataConfig("mnist"), root, download=True).train is data.train and len(served_mnist.asked) == asked
    theirs = torchvision_bridge.import_torchvision("torchvision.datasets").MNIST(root, train=False)
    assert len(theirs) == 10_000


def test_only_what_is_missing_or_damaged_is_fetched(
    served_mnist: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_folders: None
) -> None:
    monkeypatch.setattr(train, "_train", lambda *given: 0)
    monkeypatch.setattr("nnviz.train.race.Race.train", lambda race: ())
    monkeypatch.setattr("nnviz.train.sweep.Sweep.run", lambda sweep: "")
    folder = tmp_path / "data" / "MNIST" / "raw"
    write_set(folder, 60_000, 10_000, value=3)
    missing = folder / "t10k-labels-idx1-ubyte"
    there = ["sample:softmax-regression", "--data-dir", str(tmp_path / "data")]
    vary = ["--vary", "training.seed=0,1", "--epochs", "1"]
    for command in (["train", *there], ["race", *there, *vary], ["sweep", *there, *vary]):
        missing.unlink()
        served_mnist.asked.clear()
        main([*command, "--download"])
        assert [name for name, _ in served_mnist.asked] == ["t10k-labels-idx1-ubyte.gz"] and missing.exists()
    missing.write_bytes(b"damaged")
    with pytest.raises(DataError, match="t10k-labels"):
        load(DataConfig("mnist"), tmp_path / "data")
    assert len(load(DataConfig("mnist"), tmp_path / "data", download=True).test) == 10_000


def test_two_that_download_the_same_fetch_it_once(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first goes on only when the second has come and waits."""
    packed = gzip.compress(CONTENT)
    site.files["x.gz"] = packed
    remote = Remote("x.gz", (site.url("x.gz"),), hashlib.md5(packed).hexdigest())
    monkeypatch.setattr(acquire, "remotes", lambda kind: (remote,))
    both = threading.Barrier(2)
    came: set[str] = set()

    def come(who: str) -> None:
        if who not in came:
            came.add(who)
            both.wait(20)

    def get(who: str) -> None:
        acquire.fetch_set(datasets.dataset("mnist"), tmp_path / "set", lambda *what: come(who))

    threads = [threading.Thread(target=get, args=(who,)) for who in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert site.asked == [("x.gz", "")] and came == {"a", "b"}
    assert (tmp_path / "set" / "x").read_bytes() == CONTENT
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["x"]


def test_cancelled_and_continued(served_mnist: Site, tmp_path: Path) -> None:
    answers = iter([False] * 3)
    with pytest.raises(Cancelled, match="another try goes on"):
        load(DataConfig("mnist"), tmp_path / "data", cancelled=lambda: next(answers, True), download=True)
    assert len(load(DataConfig("mnist"), tmp_path / "data", download=True).train) == 48_000


def test_places_of_downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mnist, cifar = datasets.dataset("mnist"), datasets.dataset("cifar10")
    assert acquire.download_place(mnist, tmp_path) == tmp_path / "MNIST" / "raw"
    assert acquire.download_place(mnist, tmp_path / "MNIST") == tmp_path / "MNIST" / "raw"
    assert acquire.download_place(mnist, tmp_path / "MNIST" / "raw") == tmp_path / "MNIST" / "raw"
    folder = tmp_path / "cifar-10-batches-py"
    assert acquire.download_place(cifar, tmp_path) == acquire.download_place(cifar, folder) == folder
    monkeypatch.setenv("NNVIZ_DATA", str(tmp_path / "variable"))
    assert acquire.download_place(mnist, None) == tmp_path / "variable" / "MNIST" / "raw"


def tar_bytes(members: dict[str, bytes], link: str = "") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        if link:
            member = tarfile.TarInfo(link)
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(member)
    return packed.getvalue()


def test_cifar10_is_downloaded_and_unpacked(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = datasets.dataset("cifar10")
    content = pickle.dumps({"data": np.zeros((10_000, 3072), np.uint8), "labels": [3] * 10_000}, 2)
    members = {f"cifar-10-batches-py/{name}": content for name in (*spec.files, "batches.meta", "readme.html")}
    site.files["cifar.tar.gz"] = packed = tar_bytes(members)
    remote = Remote("cifar.tar.gz", (site.url("cifar.tar.gz"),), hashlib.md5(packed).hexdigest())
    monkeypatch.setattr(acquire, "remotes", lambda kind: (remote,))
    sums = dict.fromkeys(spec.files, hashlib.md5(content).hexdigest())
    monkeypatch.setattr(torchvision_bridge, "checksums", lambda kind: sums)
    data = load(DataConfig("cifar10"), tmp_path, download=True)
    assert data.describe(0) == "cat" and len(data.train) == 40_000
    there = {path.name for path in (tmp_path / "cifar-10-batches-py").iterdir()}
    assert there == {*spec.files, "batches.meta"}


def test_hostile_archives_write_nothing_outside(tmp_path: Path) -> None:
    archive, folder = tmp_path / "a.tar.gz", tmp_path / "deep" / "folder"
    archive.write_bytes(tar_bytes({"../../evil": b"1", "/tmp/evil": b"2", "../../../wanted": b"3"}, link="other"))
    download.unpack_tar(archive, folder, ["wanted"])
    assert [path.name for path in folder.iterdir()] == ["wanted"] and not (tmp_path / "evil").exists()
    with pytest.raises(DataError, match="lacks other"):  # a link is not a file
        download.unpack_tar(archive, folder, ["other"])
    for damaged in (b"", b"no archive", archive.read_bytes()[:60]):
        (tmp_path / "bad.tar.gz").write_bytes(damaged)
        with pytest.raises(DataError, match=r"damaged|lacks"):
            download.unpack_tar(tmp_path / "bad.tar.gz", folder, ["wanted"])


def test_packed_files_that_are_damaged_or_too_large(tmp_path: Path) -> None:
    archive, target = tmp_path / "a.gz", tmp_path / "a"
    archive.write_bytes(gzip.compress(bytes(2_000_000)))
    with pytest.raises(DataError, match="unpacks to more than 1,000,000"):
        download.unpack_gzip(archive, target, 1_000_000)
    archive.write_bytes(gzip.compress(CONTENT)[:-20])
    with pytest.raises(DataError, match="damaged"):
        download.unpack_gzip(archive, target)
    assert [path.name for path in tmp_path.iterdir()] == ["a.gz"]
