"""Lists of texts as values of parameters: declared, read from files and from the command line, saved."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnviz.errors import InputError, ParamError, ProjectError
from nnviz.project import settings
from nnviz.project.edits import SetData
from nnviz.project.files import io
from nnviz.project.model import DataConfig, Project
from nnviz.project.spec import MOST_TEXTS, ParamSpec

ENDINGS = ParamSpec("endings", "endings", "Of the files that are read.", "texts", (".png",))
#: Any text of one line that can be shown; what stands around it is not part of it.
LINES = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Cf", "Zl", "Zp")), max_size=20).map(str.strip)
LISTS = st.lists(LINES.filter(bool), max_size=6)


@given(LISTS)
def test_a_list_survives_the_file_the_command_line_and_the_edit(texts: list[str]) -> None:
    wanted = tuple(texts)
    assert ENDINGS.parse(texts) == wanted == ENDINGS.parse(wanted)
    project = Project(data=DataConfig("digits", {"endings": wanted}))
    assert io.loads(io.dumps(project)) == project
    assert SetData(project.data).apply(Project()) == project
    typed = json.dumps(texts)
    known = {"digits": (ENDINGS,)}
    assert settings.with_setting(Project(), "data.endings", typed, known).data.params == {"endings": wanted}


def test_a_single_text_is_a_list_of_one() -> None:
    assert ENDINGS.parse(".jpg") == (".jpg",) and ENDINGS.parse(" ") == () and ENDINGS.parse([" .a "]) == (".a",)
    known = {"digits": (ENDINGS,)}
    changed = settings.with_setting(Project(), "data.endings", ".jpg", known)
    assert changed.data.params == {"endings": (".jpg",)}


@pytest.mark.parametrize(
    "value", [3, None, True, [1], [".a", 1], [["a"]], ["a\nb"], ["a\0"], [""], ["\u202e"], ["a"] * (MOST_TEXTS + 1)]
)
def test_what_is_no_list_of_texts_is_refused(value: object) -> None:
    with pytest.raises(ParamError, match="endings"):
        ENDINGS.parse(value)


@pytest.mark.parametrize("value", [["a", 1], [["a"]], ["a\nb"], ["\0"], ["x" * 5000], ["a"] * (MOST_TEXTS + 1)])
def test_a_file_and_an_edit_refuse_what_no_list_of_texts_is(value: list[object]) -> None:
    with pytest.raises(ProjectError) as caught:
        io.loads(json.dumps({"nnviz": io.VERSION, "data": {"params": {"endings": value}}}).encode())
    assert caught.value.field == "data.params.endings"
    frozen = tuple(tuple(item) if isinstance(item, list) else item for item in value)
    config = msgspec.structs.replace(DataConfig(), params={"endings": frozen})  # type: ignore[dict-item]
    with pytest.raises(InputError):
        SetData(config).apply(Project())


def test_it_says_what_is_allowed() -> None:
    assert ENDINGS.allowed() == "a list of texts of one line each"
