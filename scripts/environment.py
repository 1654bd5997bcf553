"""Sets up ``.venv`` in the checkout: what run.py, test.py and the other scripts do first.

Standard library only, any system. A stamp in ``.venv`` remembers what was installed, so that a second start only
compares two short texts. Every failure ends in one paragraph that names the cure.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "nnviz-stamp"
LOG = VENV / "setup.log"
MINIMUM = (3, 11)
WINDOWS = os.name == "nt"

#: What a window needs on Debian and Ubuntu: library file -> package. The first six also for drawing without a display.
LIBRARIES = {
    "libglib-2.0.so.0": "libglib2.0-0",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}


def say(text: str) -> None:
    """Print a line at once, also into a pipe; to stderr, so that ``--json`` output stays clean."""
    print(text, file=sys.stderr, flush=True)


def stop(problem: str, cure: str) -> NoReturn:
    """End with one sentence on what went wrong and one on what to do."""
    say(f"\nnnviz could not be set up: {problem}\nWhat to do: {cure}")
    raise SystemExit(1)


def python() -> Path:
    """The interpreter inside ``.venv``."""
    return VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")


def ensure(extras: str = "") -> Path:
    """Make sure that ``.venv`` holds what is needed; return its interpreter.

    Args:
        extras: Extra of pyproject.toml to install as well: ``test`` or ``develop``.
    """
    wanted = _fingerprint()
    extras_needed = {extras} if extras else set()
    if STAMP.is_file() and python().is_file():
        lines = STAMP.read_text(encoding="utf-8").splitlines()
        if lines and lines[0] == wanted:
            installed = set(lines[1:])
            if "develop" in installed:  # which takes in the tests' needs
                installed.add("test")
            if extras_needed <= installed:
                return python()
            extras_needed |= installed
    started = time.monotonic()
    if sys.version_info < MINIMUM:
        _restart_with_newer_python()
    say(f"Setting up nnviz in {VENV} (once; the next start skips this).")
    _system_libraries()
    _make_venv()
    _install(sorted(extras_needed))
    STAMP.write_text("\n".join([wanted, *sorted(extras_needed)]) + "\n", encoding="utf-8")
    say(f"Set up in {time.monotonic() - started:.0f} s.")
    return python()


def start(arguments: Sequence[str | Path], environment: dict[str, str] | None = None) -> NoReturn:
    """Become the given program: nothing of the set-up stays in memory, and signals reach the program itself."""
    command = [str(part) for part in arguments]
    variables = {**os.environ, **(environment or {})}
    if WINDOWS:  # exec on Windows returns to the prompt before the program has ended
        try:
            raise SystemExit(subprocess.call(command, env=variables))
        except KeyboardInterrupt:
            raise SystemExit(130) from None
    os.execve(command[0], command, variables)


def _fingerprint() -> str:
    """Changes when something else has to be installed, or the checkout or its Python moved."""
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    version = f"{sys.version_info[0]}.{sys.version_info[1]}" if sys.version_info >= MINIMUM else "any"
    configuration = VENV / "pyvenv.cfg"
    if configuration.is_file():  # what counts is the Python inside, not the one that happens to run this script
        found = re.search(r"^version\s*=\s*(\d+\.\d+)", configuration.read_text(encoding="utf-8"), re.M)
        version = found.group(1) if found else version
    return f"{digest.hexdigest()} {version} {ROOT}"


def _restart_with_newer_python() -> NoReturn:
    """This Python is too old: use a newer one that is installed beside it."""
    names = [f"python3.{minor}" for minor in (13, 12, 11, 14)]
    for name in names:
        found = shutil.which(name)
        if (
            found
            and subprocess.run([found, "-P", "-c", "import venv"], capture_output=True, check=False).returncode == 0
        ):
            say(f"Python {platform.python_version()} is too old; going on with {found}.")
            start([found, *sys.argv])
    stop(
        f"Python {platform.python_version()} is too old; nnviz needs {MINIMUM[0]}.{MINIMUM[1]} or newer.",
        "install Python 3.12 from python.org or with your system's package manager, then run this again with it.",
    )


def _system_libraries() -> None:
    """On Linux, see that the libraries Qt needs are there; on Debian and Ubuntu, install them when root."""
    if not sys.platform.startswith("linux"):
        return
    missing = [package for library, package in LIBRARIES.items() if not _loads(library)]
    if not missing:
        return
    say(f"[1/3] System libraries: {len(missing)} missing.")
    command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if shutil.which("apt-get") is None:
        say(f"      Please install the libraries that Debian calls {' '.join(missing)} with your package manager.")
        return
    if os.geteuid() != 0:
        say(f"      A window needs them. Please run:  sudo {' '.join(command)}")
        return
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["apt-get", "update"], command):
        say(f"      {' '.join(step)}")
        done = subprocess.run(step, capture_output=True, text=True, env=variables, check=False)
        if done.returncode != 0 and step is command:
            stop(
                f"apt-get could not install {' '.join(missing)}:\n{done.stderr.strip()[-800:]}",
                f"run  {' '.join(command)}  by hand and see what it says.",
            )


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _make_venv() -> None:
    healthy = (
        python().is_file()
        and subprocess.run(
            [str(python()), "-P", "-c", "import pip, sys; sys.exit(sys.version_info < (3, 11))"],
            capture_output=True,
            check=False,
        ).returncode
        == 0
    )
    if healthy:
        say("[2/3] Python environment: there already.")
        return
    say(f"[2/3] Python environment: making .venv with Python {platform.python_version()}.")
    command = [sys.executable, "-P", "-m", "venv", "--clear", str(VENV)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    package = f"python3.{sys.version_info[1]}-venv"
    if "ensurepip" in done.stdout + done.stderr and shutil.which("apt-get"):
        if os.geteuid() == 0:
            say(f"      apt-get install {package}")
            subprocess.run(["apt-get", "update"], capture_output=True, check=False)
            subprocess.run(["apt-get", "install", "-y", package], capture_output=True, check=False)
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return
        stop("this Python has no ensurepip.", f"run  sudo apt-get install {package}  and start again.")
    stop(
        f"making .venv failed:\n{(done.stdout + done.stderr).strip()[-800:]}",
        f"see whether the disk is full and {ROOT} may be written, remove {VENV} and start again.",
    )


def _install(extras: Sequence[str]) -> None:
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < 2:
        stop(f"only {free:.1f} GB are free on the disk of {ROOT}.", "make 6 GB of room and start again.")
    note = ""
    if sys.platform.startswith("linux") and shutil.which("nvidia-smi") is None and not _torch_is_there():
        note = (
            "\n      No NVIDIA driver here. Unless your pip is set up to find PyTorch's CPU build, about 5 GB of CUDA"
            "\n      libraries come along; to avoid that, install PyTorch's CPU build into .venv first."
        )
    say("[3/3] Packages: PyTorch, Qt and the rest, a few hundred MB or more." + note)
    target = f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT)
    command = [str(python()), "-P", "-m", "pip", "install", "--progress-bar", "off", "--disable-pip-version-check"]
    command += ["--constraint", str(ROOT / "constraints.txt"), "--editable", target]
    output = _run_with_progress(command)
    if output is not None:
        stop(f"pip failed:\n{_last_words(output)}\nThe whole log is in {LOG}.", _cure(output))


def _torch_is_there() -> bool:
    return any(VENV.glob("lib/python*/site-packages/torch/__init__.py"))


def _run_with_progress(command: Sequence[str]) -> str | None:
    """Run pip, showing what it is at; None when it went well, else all it printed."""
    lines: list[str] = []
    terminal = sys.stderr.isatty()
    started = time.monotonic()
    count = 0
    with (
        LOG.open("w", encoding="utf-8") as log,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace"
        ) as process,
    ):
        for line in process.stdout or ():
            log.write(line)
            lines.append(line)
            text = line.strip()
            shown = ""
            if text.startswith("Collecting "):
                count += 1
                shown = f"{count:2d} packages found, now {text.split()[1]}"
            elif text.startswith("Downloading "):
                shown = text.rsplit("/", 1)[-1]
            elif text.startswith("Installing collected packages"):
                shown = f"unpacking {text.count(',') + 1} packages (a minute or two)"
            if shown and terminal:
                elapsed = time.monotonic() - started
                print(f"\r      {elapsed:4.0f} s  {shown[:80]:<80}", end="", file=sys.stderr, flush=True)
            elif shown and not text.startswith("Collecting "):
                say(f"      {time.monotonic() - started:4.0f} s  {shown[:100]}")
    if terminal:
        print(file=sys.stderr)
    return None if process.returncode == 0 else "".join(lines)


def _last_words(output: str) -> str:
    errors = [line for line in output.splitlines() if line.startswith("ERROR")]
    return "\n".join(errors[-4:]) or output.strip()[-800:]


def _cure(output: str) -> str:
    if re.search(r"No space left|Errno 28|not enough space", output):
        return "the disk is full: make 6 GB of room and start again."
    if re.search(r"NewConnectionError|Temporary failure|timed out|ProxyError|SSLError|getaddrinfo", output):
        return "the package index cannot be reached: check the network and the proxy settings of pip, then start again."
    if re.search(r"No matching distribution|Requires-Python", output):
        return (
            f"there are no packages for Python {platform.python_version()} on this system yet: "
            "remove .venv and start again with Python 3.11, 3.12 or 3.13."
        )
    return f"remove {VENV} and start again; if it fails again, the log says why."
