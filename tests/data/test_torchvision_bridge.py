"""torchvision comes up beside any torch, and gives addresses and sums."""

from __future__ import annotations

import subprocess
import sys

import pytest

from nnviz.data import datasets, torchvision_bridge
from nnviz.errors import DataError
from nnviz.project.model import DataConfig


def test_it_can_be_imported_in_a_fresh_process_and_all_of_it_works() -> None:
    program = (
        "from nnviz.data.torchvision_bridge import import_torchvision\n"
        "import torch\n"
        "torchvision = import_torchvision()\n"
        "assert import_torchvision() is torchvision\n"
        "v2 = import_torchvision('torchvision.transforms.v2')\n"
        "assert v2.Resize((4, 4))(torch.zeros(3, 8, 8)).shape == (3, 4, 4)\n"
        "import_torchvision('torchvision.models').resnet18(weights=None)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_addresses_and_sums_fit_the_declarations() -> None:
    for kind, spec in datasets.datasets().items():
        if not spec.folder:
            continue
        remotes = torchvision_bridge.remotes(kind)
        assert all(url.startswith("http") and url.endswith(remote.name) for remote in remotes for url in remote.urls)
        assert all(len(remote.md5) == 32 and remote.urls for remote in remotes)
        theirs = torchvision_bridge.import_torchvision("torchvision.datasets")
        source = getattr(theirs, torchvision_bridge._CLASSES[kind])
        names = {remote.name for remote in remotes}
        if kind.startswith("cifar"):
            assert set(torchvision_bridge.checksums(kind)) == set(spec.files) and spec.folder == source.base_folder
        elif kind == "stl10":
            assert spec.folder == source.base_folder and {one[0] for one in source.test_list} < set(spec.files)
        elif kind in ("usps", "svhn"):
            assert set(torchvision_bridge.checksums(kind)) == set(spec.files) == names and spec.flat
        else:
            assert spec.folder == f"{source.__name__}/raw"
            assert names == ({"gzip.zip"} if kind == "emnist" else {f"{name}.gz" for name in spec.files})


def test_classes_are_named_as_torchvision_names_them() -> None:
    theirs = torchvision_bridge.import_torchvision("torchvision.datasets")
    for kind, name in (("fashion_mnist", "FashionMNIST"), ("kmnist", "KMNIST")):
        assert list(datasets.facts(DataConfig(kind)).class_names) == getattr(theirs, name).classes
    for split, names in theirs.EMNIST.classes_split_dict.items():
        ours = datasets.facts(DataConfig("emnist", {"split": split})).class_names
        assert list(ours) == ([name.upper() for name in names[1:]] if split == "letters" else names)
    hundred = datasets.facts(DataConfig("cifar100")).class_names
    assert len(hundred) == len(set(hundred)) == 100 and list(hundred) == sorted(hundred)


def test_what_does_not_work_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    def broken(name: str) -> None:
        raise RuntimeError("compiled for another torch")

    monkeypatch.setattr(torchvision_bridge.importlib, "import_module", missing)
    with pytest.raises(DataError, match="'torchvision' is not installed"):
        torchvision_bridge.import_torchvision()
    monkeypatch.setattr(torchvision_bridge.importlib, "import_module", broken)
    with pytest.raises(DataError, match=r"does not work with torch .*compiled for another"):
        torchvision_bridge.import_torchvision()
