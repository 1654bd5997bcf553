"""How a project becomes a training that can begin: its data, its network, where it begins, and its instruments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nnviz.data.tensors import LoadedData, Progress
from nnviz.data.tensors import load as load_data
from nnviz.errors import NnvizError
from nnviz.network.memory import refuse_without_room
from nnviz.probes.base import Probe
from nnviz.probes.catalogue import default_probes
from nnviz.project.curation import merged
from nnviz.project.files import io
from nnviz.project.model import Project, named
from nnviz.record.run import Run
from nnviz.train import devices, failures
from nnviz.train.checkpoint import Checkpoint
from nnviz.train.checkpoint_store import CheckpointStore
from nnviz.train.instruments import Instruments
from nnviz.train.position import EpochResult
from nnviz.train.runner import Runner
from nnviz.train.start import WarmStart
from nnviz.train.training import Training
from nnviz.train.warm_start import begin_warm

if TYPE_CHECKING:
    from nnviz.train.distributed import Together


@dataclass(kw_only=True)
class Preparing:
    """What a training is made of, and how far that has come. Belongs to the thread that prepares it.

    Attributes:
        project: What to train.
        run: Takes all that is measured.
        data: The data set, where it is loaded already; else once it is.
        data_dir: Where else to look for it.
        probes: The instruments; None is all that suit the data.
        budget: Seconds of measuring for a second of training.
        device_name: Name of the device as asked for; once it is prepared, of the one that is used.
        progress: Called with how loading goes.
        on_epoch: Called at the end of each epoch.
        store: Where checkpoints go; None keeps none.
        resume: What to go on from; let go of once it is restored.
        warm: What to begin warm with; likewise.
        together: The other processes that have a part of each batch.
        resumed: Whether it goes on from a checkpoint.
        doing: What it is at, in words, for the sentence about what there was no memory for.
    """

    project: Project
    run: Run
    data: LoadedData | None
    data_dir: Path | None
    probes: Sequence[Probe] | None
    budget: float
    device_name: str
    progress: Progress | None
    on_epoch: Callable[[EpochResult], None] | None
    store: CheckpointStore | None
    resume: Checkpoint | None
    warm: WarmStart | None
    together: Together | None
    resumed: bool = False
    doing: str = ""

    def prepare(
        self,
        *,
        to_the_end: bool,
        broken_off: Callable[[], bool],
        tell: Callable[[str], None],
        on_trouble: Callable[[NnvizError], None],
    ) -> Runner | None:
        """The training with all around it, measured once; None where it was broken off while the data were loaded.

        Args:
            to_the_end: It ends where the project says, whatever the checkpoint says.
            broken_off: Whether nobody wants it any more; asked on other threads too.
            tell: Takes a sentence about how it begins.
            on_trouble: Called with what goes wrong later without ending the training.
        """
        devices.fit_threads()
        device = devices.resolve(self.device_name)
        self.device_name = str(device)
        self.run.tell_device(self.device_name)
        self.doing = failures.LOADING
        refuse_without_room()
        if self.data is None:
            self.data = load_data(self.project.data, self.data_dir, progress=self.progress, cancelled=broken_off)
        if broken_off():
            return None
        self.doing = failures.BUILDING
        # Whoever wants no instruments wants no record of the examples either.
        measured = self.probes is None or len(self.probes) > 0
        training = Training(self.project, self.data, device, record_examples=measured, together=self.together)
        devices.fit_threads(training.work)
        self._begin_where_asked(training, tell)
        if self.together is not None:
            self.together.meet(None, self.data.mark)
        probes = default_probes(self.data.facts.input_shape) if self.probes is None else self.probes
        view = self.project.view
        runner = Runner(
            training,
            Instruments(training, self.run, probes, self.budget, view.pinned, map(named, view.pins)),
            self.run,
            # Without a window it ends where the project, and who asks for it, says.
            epochs=training.epochs if training.goes_beyond and not to_the_end else self.project.training.epochs,
            keep_best=self.project.training.keep_best,
            store=self.store,
            on_epoch=self.on_epoch,
            on_trouble=on_trouble,
        )
        # The pictures of the pinned example are there at once; the pass over the probe set takes seconds for a large
        # network and goes on piece by piece while whoever asked for the session can already play.
        self.doing = runner.doing
        runner.begin()
        if self.resumed:
            self._take_on_what_was_asked(runner)
        return runner

    def _begin_where_asked(self, training: Training, tell: Callable[[str], None]) -> None:
        """At a checkpoint, or with the weights of another run where they fit, or at the start."""
        if self.resume is not None:
            self.doing = failures.RESUMING
            training.restore(self.resume)
            self.resumed = True
            self.resume = None  # It is as large as the training, and of no more use.
        elif self.warm is not None:
            report = begin_warm(training, self.warm)
            self.warm = None
            self.run.append([report.finding])
            tell(report.sentence)

    def _take_on_what_was_asked(self, runner: Runner) -> None:
        """A run is gone on with as it was at the checkpoint, but for what its project says now and did not say then."""
        try:
            recorded = io.loads(self.run.info.project_json)
        except NnvizError:
            return
        has = runner.training.live_settings
        if (wanted := has.merged(recorded, self.project)) != has:
            runner.take_on(wanted)
        decided = runner.training.coming.decided
        if (asked := merged(decided, recorded.curation, self.project.curation)) != decided:
            runner.curate(asked)
