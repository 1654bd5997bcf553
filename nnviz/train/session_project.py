"""What the session beside a document trains: the project it was opened with, and what was passed on to it since."""

from __future__ import annotations

import dataclasses

import msgspec

from nnviz.errors import NnvizError
from nnviz.project.choices import with_param
from nnviz.project.model import Project, TrainConfig
from nnviz.train.change import Live, learning_rate_of
from nnviz.train.live_settings import LiveSettings
from nnviz.train.start import Continued
from nnviz.train.workbench_sides import Host


class SessionProject:
    """Belongs to the document's thread.

    Args:
        host: Keeps the session, and is told what changes.

    Attributes:
        opened: The project of the session that was opened last; None before the first and while none is to come.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self.opened: Project | None = None
        #: Of that, the settings that can be changed live; None where one of them is not allowed.
        self._settings: LiveSettings | None = None
        #: Live settings that were passed on to that session since; None where it has those of its project.
        self._passed_on = Live()
        #: Epochs of the project, and to how many it is trained instead because somebody asked for more of them.
        self._more: tuple[int, int] | None = None

    def clear(self) -> None:
        """There is no session, and none is to come."""
        self.opened = self._more = None

    def open(self, project: Project) -> None:
        """A session of this project is about to be opened."""
        self._more = None
        self.opened = project
        self._settings = _settings_of(project)
        self._passed_on = Live()

    def begin_again(self) -> None:
        """The session is ready: it has what its project says, whatever was said to it while it was not."""
        self._passed_on = Live()

    def go_on_with(self, continued: Continued) -> None:
        """It goes on with a run, but with what stands on the screen: that may be newer than the last checkpoint."""
        assert self.opened is not None
        self._host.set_learning_rate(learning_rate_of(self.opened))
        if self._settings is not None:
            self._host.take_on(self._settings)
        epochs = self.opened.training.epochs
        if continued.more_until > epochs:
            self._more = (epochs, continued.more_until)

    def train_on(self, project: Project, epochs: int) -> None:
        """Train to so many epochs, although the project says fewer; whoever changes the project's takes that back."""
        self._more = (project.training.epochs, epochs)
        self._host.train_on(epochs)

    def epochs(self, project: Project) -> int:
        """How far is trained: to the project's epochs, or to as many more as somebody asked for."""
        epochs = project.training.epochs
        return self._more[1] if self._more is not None and self._more[0] == epochs else epochs

    def config(self) -> TrainConfig | None:
        """The settings that the network in training has; None without a session."""
        if self.opened is None:
            return None
        config, live = self.opened.training, self._passed_on
        if live.epochs is not None:
            config = msgspec.structs.replace(config, epochs=live.epochs)
        if live.settings is not None:
            rate = learning_rate_of(self.opened)
            config = msgspec.structs.replace(
                config,
                optimizer=live.settings.with_rate(config.optimizer.kind, rate),
                batch_size=live.settings.batch_size,
            )
        if live.learning_rate is not None:
            config = msgspec.structs.replace(
                config, optimizer=with_param(config.optimizer, "learning_rate", live.learning_rate)
            )
        return config

    def follow(self, project: Project) -> None:
        """Pass on what the session takes on live: this project's values where they are others than it has."""
        opened, passed_on = self.opened, self._passed_on
        if opened is None:
            return
        if project.training.optimizer.kind == opened.training.optimizer.kind:
            has = learning_rate_of(opened) if passed_on.learning_rate is None else passed_on.learning_rate
            if (rate := learning_rate_of(project)) != has:
                passed_on = dataclasses.replace(passed_on, learning_rate=rate)
                self._host.set_learning_rate(rate)
        has_epochs = opened.training.epochs if passed_on.epochs is None else passed_on.epochs
        more = self._more
        if more is not None and more[0] != project.training.epochs:
            self._more, has_epochs = None, more[1]
        if project.training.epochs != has_epochs:
            passed_on = dataclasses.replace(passed_on, epochs=project.training.epochs)
            self._host.set_epochs(project.training.epochs)
        has_curation = opened.curation if passed_on.curation is None else passed_on.curation
        if project.curation != has_curation:
            passed_on = dataclasses.replace(passed_on, curation=project.curation)
            self._host.curate(project.curation)
        has_settings = self._settings if passed_on.settings is None else passed_on.settings
        if has_settings is not None and (settings := has_settings.following(opened, project)) != has_settings:
            passed_on = dataclasses.replace(passed_on, settings=settings)
            self._host.take_on(settings)
        self._passed_on = passed_on


def _settings_of(project: Project) -> LiveSettings | None:
    try:
        return LiveSettings.of(project)
    except NnvizError:
        return None
