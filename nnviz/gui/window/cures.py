"""What a finding offers, done."""

from __future__ import annotations

from typing import cast

from nnviz.errors import ParamError
from nnviz.gui.runs.session_bridge import SessionBridge
from nnviz.gui.runs.standing import with_learning_rate
from nnviz.gui.runs.workspace import Workspace
from nnviz.gui.window.regions import Regions
from nnviz.project import registry
from nnviz.project.cures import changes_the_document, edit_of
from nnviz.record.readings import Cure

#: Cures of findings that do something to the training.
_CHANGING_CURES = frozenset({"set_learning_rate", "go_back", "restore_best"})


class Cures:
    """Does what a cure says. One may come out of a file, and hold anything: what makes no sense does nothing."""

    def __init__(self, workspace: Workspace, bridge: SessionBridge, regions: Regions) -> None:
        self._workspace = workspace
        self._bridge = bridge
        self._regions = regions

    def cure(self, cure: Cure) -> None:
        """Do what a finding offers; in a replay only what shows something."""
        say = self._workspace.say
        replayed = self._workspace.document.read_only
        edits = changes_the_document(cure.action)
        if replayed and (edits or cure.action in _CHANGING_CURES):
            say(replayed)
        elif edits:
            edit = edit_of(cure.action, cure.value, self._workspace.document.project)
            if edit is None:
                say("The project is so already: restart to train it.")
            else:
                self._workspace.apply(edit)
                say(f"{edit.title}: restart to train with it.")
        elif cure.action == "set_learning_rate":
            if self._set_learning_rate(cure.value):
                say(f"Learning rate {cure.value}")
        elif cure.action == "show_units":
            self._regions.show_node(cure.value)
            self._regions.show_panel("feature_maps")
        elif cure.action == "go_back":
            step, _, rate = cure.value.partition(" ")
            if len(step) < 16 and step.isdecimal() and self._set_learning_rate(rate):
                self._workspace.training.go_back(int(step))
                say(f"Back to step {step}, learning rate {rate}: press play to go on")
        elif cure.action == "restore_best":
            self._workspace.training.restore_best()
        elif cure.action == "show_help":
            panel = self._regions.show_panel(cure.value or "findings")
            if panel is not None:
                panel.show_help()

    def _set_learning_rate(self, text: str) -> bool:
        """Whether it could be set."""
        project = self._workspace.document.project
        try:
            value = registry.optimizer(project.training.optimizer.kind).param("learning_rate").parse(float(text))
        except ValueError:
            return False
        except ParamError as error:
            self._workspace.say(error.message)
            return False
        self._workspace.apply(with_learning_rate(project, cast(float, value)))
        return True
