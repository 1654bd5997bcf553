"""Where examples come from: one file a source, and here its line in the order to show them.

A source is found because it stands here, not because of its name or its place: nothing is imported by a text.
"""

from __future__ import annotations

from collections.abc import Mapping

from nnviz.data.dataset_spec import DatasetSpec
from nnviz.data.sources.bundled_tables import BundledTables
from nnviz.data.sources.cifar10 import Cifar10
from nnviz.data.sources.digits import Digits
from nnviz.data.sources.drawn_points import DrawnByHand
from nnviz.data.sources.generators import Generators
from nnviz.data.sources.idx_sets import IdxSets
from nnviz.data.sources.image_folder import ImageFolder
from nnviz.data.sources.numpy_file import NumpyFile
from nnviz.data.sources.own_numbers import OwnNumbers
from nnviz.data.sources.published import Published
from nnviz.data.sources.shapes import Shapes
from nnviz.data.sources.source import Source
from nnviz.data.sources.surfaces import Surfaces
from nnviz.data.sources.table_file import TableFile
from nnviz.data.sources.toys import Toys
from nnviz.data.sources.truth_table import TruthTable
from nnviz.data.sources.wine import Wine

#: In the order to show them.
SOURCES: tuple[Source, ...] = (
    Digits(),
    Shapes(),
    Toys(),
    Surfaces(),
    Generators(),
    DrawnByHand(),
    TruthTable(),
    OwnNumbers(),
    Wine(),
    BundledTables(),
    IdxSets(),
    Cifar10(),
    Published(),
    ImageFolder(),
    NumpyFile(),
    TableFile(),
)


def _declared() -> Mapping[str, tuple[DatasetSpec, Source]]:
    found: dict[str, tuple[DatasetSpec, Source]] = {}
    for source in SOURCES:
        for spec in source.declare():
            if spec.kind in found:
                raise ValueError(f"The data set '{spec.kind}' is declared twice.")
            found[spec.kind] = spec, source
    return found


#: Each data set with the source that declares it, in the order to show them.
DECLARED: Mapping[str, tuple[DatasetSpec, Source]] = _declared()
