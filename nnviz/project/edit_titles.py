"""What a step is called in the menu and the history: of settings of data or training what changed, and to what.

Such an edit holds all settings as they are to be; what it changes is seen beside those that were there before.
"""

from __future__ import annotations

from nnviz.project.edits import Edit, SetData, SetTraining
from nnviz.project.flat_settings import Flat, changed_settings, title_of, words_of
from nnviz.project.value_text import number_text

#: Letters of a value in a title, at most: longer ones, such as names of columns, are left out.
_LONGEST = 24


def title_of_step(edit: Edit, inverse: Edit) -> str:
    """``Set learning rate to 0.01``, ``Set optimizer to Adam``; what an edit is called where it says that by itself.

    Args:
        edit: What was done.
        inverse: What takes it back, with the settings as they were.
    """
    before, after = (one.config if isinstance(one, SetTraining | SetData) else None for one in (inverse, edit))
    if before is None or after is None or type(before) is not type(after):
        return edit.title
    changed = changed_settings(before, after)
    if len(changed) != 1:
        return edit.title
    ((path, value),) = changed.items()
    text = _text(title_of({path: value}, path))
    return f"Set {words_of(path)} to {text}" if 0 < len(text) <= _LONGEST else f"Change {words_of(path)}"


def _text(value: Flat) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    return value if isinstance(value, str) else number_text(value)
