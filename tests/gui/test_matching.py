from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnviz.gui.parts.matching import Candidate, fold, matched, rank


def best(query: str, *texts: str) -> list[str]:
    """Titles that fit, the best first; the text up to a bar is the verb."""
    candidates = [Candidate(text.replace("|", ""), text.index("|") if "|" in text else 0) for text in texts]
    return [candidates[index].text for index in rank(query, candidates)]


def shown(query: str, text: str, lead: int = 0) -> str:
    candidate = Candidate(text, lead)
    places = matched(query, candidate)
    return "".join(letter.upper() if at in places else "." for at, letter in enumerate(text))


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("step", ["Step", "Add |step", "Step back", "First step", "Misstep", "Set the pen"]),
        ("open", ["Open", "Open recent", "Reopen"]),
        ("conv2d", ["Add |Conv2d", "Add |Conv2dTranspose", "Go to |conv1 – Conv2d 6×24×24"]),
    ],
)
def test_better_fits_come_first(query: str, order: list[str]) -> None:
    found = best(query, *reversed(order))
    expected = [text.replace("|", "") for text in order]
    assert found == expected


@pytest.mark.parametrize(
    ("query", "text", "letters"),
    [
        ("opres", "Open ResNet-18", "OP...RES......"),
        ("bn", "Add BatchNorm2d", "....B....N....."),
        ("mp2", "MaxPool2d", "M..P...2."),
        ("32x26", "conv2 – Conv2d 32×26×26", "...............32×26..."),
        ("resnet18", "Open ResNet-18", ".....RESNET.18"),
        ("mnst", "Use MNIST", "....MN.ST"),
        ("conv add", "Add Conv2d", "ADD.CONV.."),
        ("SELECTION", "Zoom to selection", "........SELECTION"),
    ],
)
def test_the_letters_that_fit_are_known(query: str, text: str, letters: str) -> None:
    assert shown(query, text) == letters


def test_keywords_find_but_show_nothing() -> None:
    words = Candidate("Dark or light", 0, "theme Ctrl+Shift+L")
    assert rank("theme", [words]) == [0] and matched("theme", words) == frozenset()
    assert rank("ctrl shift l", [words]) == [0]
    assert rank("theme", [words, Candidate("Theme")]) == [1, 0]


def test_what_was_used_of_late_comes_first_among_its_like_only() -> None:
    candidates = [Candidate(text) for text in ("Play", "Paste", "Palette", "Deploy")]
    assert rank("p", candidates) == [0, 1, 2, 3]
    assert rank("p", candidates, {2: 0, 1: 1}) == [2, 1, 0, 3]
    assert rank("p", candidates, {3: 0})[-1] == 3
    assert rank("", candidates, {3: 1, 1: 0}) == [1, 3, 0, 2]


def test_signs_alone_find_nothing_and_other_scripts_do() -> None:
    assert rank("–/", [Candidate("a")]) == []
    assert best("größ", "Größe", "Gross") == ["Größe"]
    assert best("層", "畳み込み層") == ["畳み込み層"]


@given(st.text(max_size=12), st.lists(st.text(max_size=30), max_size=8))
def test_what_fits_has_the_letters_in_order_of_each_word(query: str, texts: list[str]) -> None:
    candidates = [Candidate(text) for text in texts]
    found = rank(query, candidates)
    assert len(set(found)) == len(found)
    for index in found:
        places = matched(query, candidates[index])
        assert all(0 <= place < len(texts[index]) for place in places)
        letters = {fold(texts[index])[place] for place in places}
        assert letters <= set(fold(query))


@given(st.text(alphabet="abcAB2 -×", min_size=1, max_size=6), st.text(alphabet="abcAB2 -×", max_size=20))
def test_a_query_fits_only_where_every_beginning_of_it_fitted(query: str, text: str) -> None:
    candidates = [Candidate(text)]
    if rank(query, candidates):
        assert all(rank(query[:end], candidates) for end in range(1, len(query)) if query[:end].strip(" -"))


def test_nothing_that_is_typed_takes_long() -> None:
    # Expressions that go back would take years for these, and run into the time limit of all tests.
    hostile = [Candidate("a " * 2000), Candidate("aA" * 2000), Candidate("a" * 4000)]
    for query in ("a" * 90 + "b", "a " * 45 + "b", "aA" * 50):
        rank(query, hostile)
        for candidate in hostile:
            matched(query, candidate)
