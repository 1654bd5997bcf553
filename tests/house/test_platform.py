"""Facts about the ground that the program stands on (each was measured; none is obvious)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from PySide6.QtGui import QColor, QFont, QImage, QPainter
from PySide6.QtWidgets import QLabel

ROOT = Path(__file__).resolve().parents[2]


def test_qt_keeps_its_references_to_none(qtbot) -> None:
    """PySide6 6.12 on Python 3.11 lost one at nearly every call and aborted after a few thousand."""
    label = QLabel()
    qtbot.addWidget(label)
    before = sys.getrefcount(None)
    for index in range(1000):
        label.setText(str(index))
    assert abs(sys.getrefcount(None) - before) < 50


def test_letters_are_letters(qapp) -> None:
    """PySide6 brings no fonts: with none at all every letter is the same hollow box."""
    from nnviz.gui.look import theme

    def drawn(letter: str) -> bytes:
        image = QImage(40, 40, QImage.Format.Format_Grayscale8)
        image.fill(QColor("black"))
        painter = QPainter(image)
        painter.setPen(QColor("white"))
        font = QFont(theme.font(24))
        painter.setFont(font)
        painter.drawText(4, 32, letter)
        painter.end()
        return bytes(image.constBits())

    assert drawn("A") != drawn("B")
    assert any(drawn("A"))


def test_torchvision_works_beside_any_torch() -> None:
    code = (
        "from nnviz.data.torchvision_bridge import import_torchvision as load;"
        "[load(f'torchvision.{name}') for name in ('datasets', 'transforms.v2', 'models')]; print('ok')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=200)
    assert done.stdout.strip() == "ok", done.stderr


def test_no_training_waits_for_the_compiler_of_torch(tmp_path: Path) -> None:
    """It takes as long to import as torch itself, and came with the first network and the first optimizer."""
    code = (
        "import sys; from nnviz.cli import main; status = main(sys.argv[1:]);"
        "print(status, {'torch._dynamo', 'torch.fx.experimental.symbolic_shapes', 'sympy'} & sys.modules.keys())"
    )
    arguments = ["train", "sample:spiral", "--epochs", "2", "--json", "--run", str(tmp_path / "kept.nnvizrun")]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=ROOT, timeout=100
    )
    assert done.stdout.splitlines()[-1] == "0 set()", done.stderr


def test_an_installed_wheel_finds_its_resources(tmp_path: Path) -> None:
    """Built as a wheel and unpacked elsewhere, the package finds fonts and icons inside itself."""
    import zipfile

    source = ROOT
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "--wheel-dir", str(tmp_path), str(source)],
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("nnviz-*.whl")
    place = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    code = (
        "import nnviz, nnviz.resources as r; print(r.resources_folder());"
        "print(r.resource('fonts', 'Inter_400Regular.ttf').stat().st_size); print(any(r.resource('icons').iterdir()))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(place)!r}); {code}"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
    )
    folder, size, icons = done.stdout.split()
    assert Path(folder) == place / "nnviz" / "resources"
    assert int(size) > 100_000
    assert icons == "True"


def test_a_checkout_finds_its_resources() -> None:
    from nnviz.resources import resources_folder

    assert resources_folder() == ROOT / "resources"
