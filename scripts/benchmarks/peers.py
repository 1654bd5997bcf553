"""Training as the user gets it, against Lightning and Keras: ``scripts/bench.py peers --data-dir DIR``.

Where they are is said by the variable ``NNVIZ_PEERS_PYTHON``: a Python that can import ``lightning`` or ``keras``, and
numpy and the same torch as nnviz has; by default the Python that runs this. A row says what is not there. To have them
beside a checkout without installing torch twice, and without anything new in its ``.venv``::

    python3.11 -m venv /tmp/peers                     # the Python of .venv
    echo "$PWD/.venv/lib/python3.11/site-packages" > /tmp/peers/lib/python3.11/site-packages/nnviz.pth
    /tmp/peers/bin/pip install lightning keras        # and tensorflow, if that backend is wanted
    NNVIZ_PEERS_PYTHON=/tmp/peers/bin/python python3 scripts/bench.py peers

Each program is a process of its own that is told to compute with as many threads as the others. They train in turn, an
epoch each, with ``nnviz train``, which measures with all its instruments and writes its run and checkpoints. The peers
get the examples that nnviz splits off, in memory, the same batch size and optimizer, and validate on all of the
validation split after each epoch; each goes once without anything that writes, and once with a log and a checkpoint at
the end of each epoch, as its manual shows it. Whose torch is another one than ours is not measured. The first epoch, in
which all warms up, is not counted.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from as_used import CASES, OURS, Case, command
from rows import Row, Settings, ratios
from turns import Program, epochs_in_turn

from nnviz.data.tensors import load
from nnviz.project.samples import templates
from nnviz.train.cores import granted_cores

_PROGRAMS = Path(__file__).resolve().parent / "programs"
#: Names the Python that has the peers.
VARIABLE = "NNVIZ_PEERS_PYTHON"


@dataclass(frozen=True)
class Peer:
    """Another way to train a network.

    Attributes:
        title: As it is said.
        program: Its program.
        backend: What Keras computes with; empty for what is not Keras.
    """

    title: str
    program: str
    backend: str = ""

    @property
    def variables(self) -> dict[str, str]:
        """Of its process."""
        return {**_threads(), **({"KERAS_BACKEND": self.backend} if self.backend else {})}


PEERS = (
    Peer("Lightning", "lightning_fit"),
    Peer("Keras on torch", "keras_fit", "torch"),
    Peer("Keras on TensorFlow", "keras_fit", "tensorflow"),
)


def measure(settings: Settings) -> Iterator[Row]:
    """Rows of this file."""
    if settings.data_dir is None:
        yield Row("training against peers", "not measured", "needs --data-dir with MNIST")
        return
    interpreter = os.environ.get(VARIABLE, sys.executable)
    there: dict[Peer, str] = {}
    for peer in PEERS:
        version, missing = _looked_for(peer, interpreter)
        if missing:
            yield Row(peer.title, "not measured", f"{missing}; {VARIABLE} names a Python that has it")
        else:
            there[peer] = version
    for case in CASES if there else ():
        yield from _case(case, there, interpreter, settings.data_dir, case.epochs(settings.quick))


def _case(case: Case, peers: dict[Peer, str], interpreter: str, data_dir: Path, epochs: int) -> Iterator[Row]:
    """All programs in turn, an epoch each."""
    ways = [(peer, files) for peer in peers for files in (False, True)]
    with tempfile.TemporaryDirectory() as kept:
        place = Path(kept)
        examples = _examples(case, data_dir, place)
        programs = {OURS: Program(command(OURS, case.sample, epochs, data_dir, place / "ours"), variables=_threads())}
        for index, (peer, files) in enumerate(ways):
            words = _words(peer, case.sample, epochs, examples, place / str(index), files)
            programs[_name(peer, files)] = Program(words, interpreter, peer.variables)
        taken = epochs_in_turn(programs, epochs)
    ours = taken[OURS]
    for peer, files in ways:
        theirs = taken[_name(peer, files)]
        low, middle, high = ratios(ours, theirs)
        yield Row(
            f"{case.sample}, {OURS}, against {_name(peer, files)}",
            f"{middle:.3f} times its time ({low:.3f}–{high:.3f})",
            f"{statistics.median(ours):.2f} s an epoch, {peer.title} {peers[peer]}: {statistics.median(theirs):.2f} s",
        )


def _looked_for(peer: Peer, interpreter: str) -> tuple[str, str]:
    """Its version, or what is not there."""
    try:
        asked = subprocess.run(
            [interpreter, str(_PROGRAMS / f"{peer.program}.py"), "version"],
            env={**os.environ, **peer.variables},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    except OSError as error:
        return "", f"there is no {interpreter}: {error.strerror}"
    if asked.returncode:
        return "", (asked.stderr.strip() or "it cannot be imported").splitlines()[-1][:80]
    *torchs, version = asked.stdout.split()
    other = next((one for one in torchs if one != torch.__version__), "")
    return version, f"it has torch {other}, not {torch.__version__}" if other else ""


def _threads() -> dict[str, str]:
    """As many for all of them, whatever they would choose by themselves; what the user has set counts."""
    count = os.environ.get("OMP_NUM_THREADS") or str(granted_cores())
    return {"OMP_NUM_THREADS": count, "TF_NUM_INTRAOP_THREADS": count}


def _name(peer: Peer, files: bool) -> str:
    return f"{peer.title}, {'log and checkpoint' if files else 'nothing written'}"


def _words(peer: Peer, sample: str, epochs: int, examples: Path, folder: Path, files: bool) -> Sequence[str]:
    folder.mkdir()
    program = str(_PROGRAMS / f"{peer.program}.py")
    return [program, sample, str(epochs), str(examples), str(folder), *(["files"] if files else [])]


def _examples(case: Case, data_dir: Path, folder: Path) -> Path:
    """The examples of a sample as nnviz splits them, in a file that needs no nnviz to be read: bytes and labels."""
    project = templates.sample(case.sample)
    data = load(project.data, data_dir)
    path = folder / f"{case.sample}.npz"
    np.savez(
        path,
        inputs=data.train.inputs[:].numpy(),
        targets=data.train.targets.numpy(),
        held_inputs=data.validation.inputs[:].numpy(),
        held_targets=data.validation.targets.numpy(),
        batch_size=project.training.batch_size,
        divisor=255.0 if [step.kind for step in project.data.preparation] == ["scale"] else 1.0,
    )
    return path
