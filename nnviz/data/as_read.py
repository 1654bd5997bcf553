"""How the examples of a data set were read, for whoever reads others like them. Loads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from nnviz.data.image_files import Levels
    from nnviz.data.table_of_file import HowToRead
    from nnviz.data.table_recipe import Recipe
    from nnviz.project.model import Shape


@dataclass(frozen=True, eq=False)
class AsRead:
    """What reading another example takes, found when the data set itself was read.

    Attributes:
        shape: Of one example before any step of the preparation.
        likewise: How a table was read, and what became of each of its columns; None of other data.
        levels: What is black and white in pictures of more than 8 bits; None where nothing says.
        means: float32[features], what stood in for numbers that were missing; None where none was.
    """

    shape: Shape
    likewise: tuple[HowToRead, tuple[Recipe, ...]] | None = None
    levels: Levels | None = None
    means: Tensor | None = None
