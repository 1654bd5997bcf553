"""What people type or paste, names and notes above all: what it may hold, and how it is made so."""

from __future__ import annotations

import re

LONGEST_NAME = 200
LONGEST_NOTE = 20_000
#: Of a parameter that is a text, such as a folder.
LONGEST_VALUE = 4096
#: Control characters, halves of characters, and marks that turn the writing direction: they break titles and sentences.
_UNFIT = "\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_UNFIT_IN_NAMES = re.compile(f"[{_UNFIT}]")
_UNFIT_IN_NOTES = re.compile(f"(?![\t\n])[{_UNFIT}]")


def clean_name(text: str) -> str:
    """The text as one line without what is unfit for a title, cut at the longest that is kept."""
    return " ".join(_UNFIT_IN_NAMES.sub(" ", text).split())[:LONGEST_NAME].rstrip()


def clean_note(text: str) -> str:
    """The text without what is unfit for a note; its lines stay lines."""
    return _UNFIT_IN_NOTES.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))[:LONGEST_NOTE]


def name_problem(text: str) -> str:
    """Why this cannot be a name, as a sentence; empty when it can."""
    return _problem(text, _UNFIT_IN_NAMES, LONGEST_NAME)


def note_problem(text: str) -> str:
    """Why this cannot be a note, as a sentence; empty when it can."""
    return _problem(text, _UNFIT_IN_NOTES, LONGEST_NOTE)


def value_problem(text: str) -> str:
    """Why this cannot be a parameter's value, as a sentence; empty when it can."""
    return _problem(text, _UNFIT_IN_NOTES, LONGEST_VALUE)


def line_problem(text: str) -> str:
    """Why this cannot be one of a list of texts, each of one line, as a sentence; empty when it can."""
    return _problem(text, _UNFIT_IN_NAMES, LONGEST_VALUE)


def run_name_problem(text: str) -> str:
    """Why a file cannot call its run so, as a sentence; empty when it can, or when it names none."""
    if not text:
        return ""
    if not text.endswith(".nnvizrun"):
        return "This must be the name of a .nnvizrun file."
    if text.startswith("/") or "\\" in text or re.match("[A-Za-z]:", text):
        return "This must be a way from the project's own folder, with / between folders, or kept: and a file name."
    return name_problem(text) if len(text) <= LONGEST_NAME else line_problem(text)


def _problem(text: str, unfit: re.Pattern[str], longest: int) -> str:
    if len(text) > longest:
        return f"This text has {len(text)} characters; at most {longest} are allowed."
    found = unfit.search(text)
    if found:
        return f"This text holds a character that cannot be shown (U+{ord(found.group()):04X})."
    return ""


#: The key of a data set; which there are is known to ``data.datasets`` only.
DATASET_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:[0-9]{1,3})?")


def device_problem(text: str) -> str:
    """Why this names no device, as a sentence; empty when it does. Whether the computer has it is another question."""
    if _DEVICE.fullmatch(text):
        return ""
    return f"{text[:40]!r} is no device: it must be auto, cpu, cuda, cuda:1 or mps."
