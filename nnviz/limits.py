"""Limits that a project, what is recorded of it, and its training have in common."""

from __future__ import annotations

from typing import Final

#: Epochs that a project may ask for, and that a file may say a training was told.
MOST_EPOCHS: Final = 100_000
