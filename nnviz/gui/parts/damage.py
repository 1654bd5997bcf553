"""Damaged series of a run's file, in words: the panels and the notice say the same."""

from __future__ import annotations

from collections.abc import Sequence


def damage_words(series: Sequence[str]) -> str:
    """A sentence about series that cannot be read; empty for none."""
    if not series:
        return ""
    if len(series) == 1:
        return f"{series[0]} cannot be shown: it is damaged in the file."
    listed = ", ".join(series[:3]) + (", …" if len(series) > 3 else "")
    return f"{len(series)} series cannot be shown: they are damaged in the file ({listed})."
