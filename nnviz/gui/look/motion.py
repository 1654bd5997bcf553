"""Whether things glide to their places or are there at once."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

#: Platforms on which nobody looks: what is rendered there shows where things come to rest.
_UNSEEN = frozenset({"offscreen", "minimal"})
#: Platforms whose desktop tells Qt whether it wants effects. Of the others Qt 6.11 knows nothing and answers "none":
#: there the choice in the View menu stands alone.
_TELLING = frozenset({"windows"})


@dataclass
class _State:
    """What was chosen; one for the process, as with the theme."""

    choice: str = "system"


_state = _State()


def choose(choice: str) -> None:
    """Sets when cards and views glide to their places: always, never, or as the system says.

    Args:
        choice: ``system``: unless the desktop asks for little motion, and never where no screen is; ``always``;
            ``never``.
    """
    _state.choice = choice


def choice() -> str:
    """The setting that :func:`choose` was given last."""
    return _state.choice


def allowed() -> bool:
    """Whether things may glide now."""
    if _state.choice != "system":
        return _state.choice == "always"
    return QGuiApplication.platformName() not in _UNSEEN and not _desktop_wants_stillness()


def _desktop_wants_stillness() -> bool:
    return QGuiApplication.platformName() in _TELLING and not QApplication.isEffectEnabled(Qt.UIEffect.UI_General)
