"""Finding by a few letters: how well a text fits what was typed, and which of its letters did.

What fits is ranked in steps, the best first: the whole text, its beginning, the beginning of a word, the beginnings
of several words (``opres`` in "Open ResNet"), letters within a word, and last letters that merely follow each other.
Within a step come the texts that were used of late, then those that fit nearer their beginning, then the shorter ones.

Ranking looks at thousands of texts at every key, so it is one pass of string searches and expressions that never go
back (atomic groups): its time is linear in the text whatever is typed. The letters that fit are only worked out for
what can be seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

#: Where a new word begins inside of one: ``Max|Pool|2d``; and all that stands between words.
_BETWEEN = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[^\W\d_])(?=\d)|[\W_]")
_SEPARATORS = re.compile(r"[\W_]+")
_SEPARATOR = re.compile(r"[\W_]")

#: The steps; within one, a place further on costs 100 and a letter more 1.
_WHOLE, _BEGINNING, _WORD = 7_000_000, 6_000_000, 5_000_000
_INITIALS, _INSIDE, _KEYWORD, _SCATTERED = 4_000_000, 3_000_000, 2_000_000, 1_000_000
_FARTHEST = 99
_IN_VERB = 500_000
#: What recent use is worth: more than any place or length, less than a step.
_RECENT, _MOST_RECENT = 100_000, 9


def fold(text: str) -> str:
    """A text without case, letter for letter in the same places; × is found by x, as it is typed."""
    if text.isascii():
        return text.lower()
    return "".join(low if len(low := letter.lower()) == 1 else letter for letter in text).replace("×", "x")


class Candidate:
    """A text that can be found.

    Args:
        text: What is shown.
        lead: Length of a verb before the name itself: in "Add Conv2d" the name begins at 4 and counts as a beginning.
        keywords: Other words by which it is found, if worse; none of them is highlighted.
    """

    __slots__ = ("_words", "keywords", "lead", "plain", "text")

    def __init__(self, text: str, lead: int = 0, keywords: str = "") -> None:
        self.text = text
        self.lead = lead
        #: Folded, every separator a space, with one more in front: a word begins behind a space.
        self.plain = " " + _SEPARATOR.sub(" ", fold(text))
        self.keywords = " " + _SEPARATORS.sub(" ", fold(keywords)) if keywords else ""
        self._words = ""

    @property
    def words(self) -> str:
        """As ``plain``, with a space before each part of a word, too; made when it is first asked for."""
        if not self._words:
            self._words = " " + fold(_BETWEEN.sub(" ", self.text.replace("×", "x")))
        return self._words


class _Token:
    """One word of a query, made ready."""

    __slots__ = ("behind_space", "initials", "scattered", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.behind_space = " " + text
        letters = [re.escape(letter) for letter in text]
        rest = "".join(f"(?>({letter})|.*? ({letter}))" for letter in letters[1:])
        #: Every letter follows the one before it or begins a later word.
        self.initials = re.compile(f"(?>.*? ({letters[0]})){rest}", re.DOTALL)
        #: Letters that follow each other, with anything between them.
        self.scattered = re.compile("".join(f"[^{letter}]*({letter})" for letter in letters))


def _tokens(query: str) -> list[_Token]:
    # More than a hundred letters are no name of anything, and an expression has its bounds.
    return [_token(word) for word in _SEPARATORS.sub(" ", fold(query[:100])).split()]


_token = lru_cache(maxsize=256)(_Token)


def _fit(token: _Token, candidate: Candidate) -> int:
    """How well one word of the query fits; 0: not at all."""
    plain = candidate.plain
    place = plain.find(token.behind_space)
    if place >= 0:
        lead = candidate.lead
        if lead and place != lead and plain.startswith(token.text, lead + 1):
            place = lead
        if place and place != lead:
            return _WORD - (place if place < _FARTHEST else _FARTHEST) * 100
        if len(plain) - 1 - place == len(token.text):
            return _WHOLE
        return _BEGINNING - (50 if lead and not place else 0)
    scattered = token.scattered.match(plain)
    if scattered is None:
        return _KEYWORD if candidate.keywords and token.behind_space in candidate.keywords else 0
    initials = token.initials.match(candidate.words)
    if initials is not None:
        # Two or three letters that begin in the verb are chance: a whole family of titles has them.
        chance = len(token.text) < 4 and initials.start(1) <= candidate.lead
        return (_INSIDE - _IN_VERB if chance else _INITIALS) - min(initials.end(), _FARTHEST) * 100
    place = plain.find(token.text)
    if place >= 0:
        return _INSIDE - (_IN_VERB if place <= candidate.lead else 0) - min(place, _FARTHEST) * 100
    if candidate.keywords and token.behind_space in candidate.keywords:
        return _KEYWORD
    return _SCATTERED - min(scattered.end() - scattered.start(1) - len(token.text), _FARTHEST) * 100


def rank(
    query: str,
    candidates: Sequence[Candidate],
    recent: Mapping[int, int] | None = None,
    among: Iterable[int] | None = None,
) -> list[int]:
    """Indices of the candidates that fit a query, the best first; those that fit alike stay in their order.

    Every word of the query has to fit somewhere, in any order; the worst of them says how well the whole fits, and the
    phrase as it was typed counts when it fits better.

    Args:
        query: What was typed; case and separators do not matter. Empty: everything fits, the recent first.
        candidates: Where to look.
        recent: For indices of candidates that were used of late, how long ago: 0 is the last one.
        among: Indices to look at; all where it is None. What fits a query fitted every beginning of it.
    """
    recent = recent or {}
    tokens = _tokens(query)
    if not tokens:
        if query.strip():
            return []
        first = sorted(recent, key=lambda index: recent[index])
        return [*first, *(index for index in range(len(candidates)) if index not in recent)]
    token = tokens[0]
    phrase = _token(" ".join(other.text for other in tokens)) if len(tokens) > 1 else None
    found: list[tuple[int, int]] = []
    for index in range(len(candidates)) if among is None else sorted(among):
        candidate = candidates[index]
        score = _fit(token, candidate)
        if phrase is not None and score:
            score = min(score, *(_fit(other, candidate) for other in tokens[1:]))
            if score and phrase.behind_space in candidate.plain:
                score = max(score, _fit(phrase, candidate))
        if not score:
            continue
        if index in recent:
            score += _RECENT * max(1, _MOST_RECENT - recent[index])
        length = len(candidate.plain)
        found.append(((length if length < _FARTHEST else _FARTHEST) - score, index))
    found.sort()
    return [index for _, index in found]


def matched(query: str, candidate: Candidate) -> frozenset[int]:
    """Places of the letters in ``candidate.text`` that fit the query, for what is seen."""
    places: set[int] = set()
    for token in _tokens(query):
        places.update(_places(token, candidate))
    return frozenset(places)


def _places(token: _Token, candidate: Candidate) -> Iterable[int]:
    plain, lead, count = candidate.plain, candidate.lead, len(token.text)
    begin = plain.find(token.behind_space)
    if begin >= 0:
        if lead and plain.startswith(token.text, lead + 1):
            begin = lead
        return range(begin, begin + count)
    if found := token.initials.match(candidate.words):
        original = _originals(candidate)
        return [original[found.start(group)] for group in range(1, found.re.groups + 1) if found.start(group) >= 0]
    begin = plain.find(token.text)
    if begin >= 0:
        return range(begin - 1, begin - 1 + count)
    if candidate.keywords and token.behind_space in candidate.keywords:
        return ()
    if found := token.scattered.match(plain):
        return [found.start(group) - 1 for group in range(1, count + 1)]
    return ()


def _originals(candidate: Candidate) -> list[int]:
    """For every place in ``candidate.words`` the place in the text; a space that was put in gets that behind it."""
    places = [0]
    at = 0
    for part in _BETWEEN.finditer(candidate.text.replace("×", "x")):
        places += range(at, part.end())
        at = part.end()
        if part.start() == part.end():
            places.append(at)
    return [*places, *range(at, len(candidate.text) + 1)]
