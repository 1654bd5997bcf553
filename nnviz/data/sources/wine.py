"""The wines that scikit-learn carries: a small real table with more than two features."""

from __future__ import annotations

from pathlib import Path

from nnviz.data.dataset_spec import DatasetSpec
from nnviz.data.sources.source import DRAWN_TEST_PARAMS, Arrays, Request, Source, fixed, hold_out_test, shared
from nnviz.project.model import Choice, DataFacts

_WINES, _FEATURES = 178, 13

_WINE = DatasetSpec(
    "wine",
    "Wines",
    "178 wines of three grapes from one valley, each with 13 numbers of its chemistry. Proline is counted in hundreds "
    "and hue around 1: without standardising, a network sees little but proline.",
    "tables",
    DRAWN_TEST_PARAMS,
    facts=fixed(DataFacts((_FEATURES,), 3, "classes", ("Barolo", "Grignolino", "Barbera"))),
    count=shared(_WINES),
    source="M. Forina, S. Aeberhard and R. Leardi: Wine, UCI Machine Learning Repository, 1991; as scikit-learn "
    "carries it.",
    licence="CC BY 4.0",
    feature_names=(
        "alcohol", "malic acid", "ash", "alkalinity of ash", "magnesium", "phenols", "flavonoids", "other phenols",
        "proanthocyanins", "colour", "hue", "OD280/OD315", "proline",
    ),
    preparation=(Choice("standardise"),),
)  # fmt: skip


class Wine(Source):
    """The wine table: 178 rows of 13 chemical measurements, three growers."""

    def declare(self) -> tuple[DatasetSpec, ...]:
        """What is known of the wine table without looking at the disk."""
        return (_WINE,)

    def read(self, request: Request, place: Path | None) -> Arrays:
        """See :meth:`Source.read`."""
        import numpy as np

        from nnviz.data.bundled import bundled_table, damaged

        table = bundled_table("wine_data.csv", _FEATURES + 1, skipped_lines=1)
        labels = table[:, -1].astype(np.int64)
        if len(table) != _WINES or labels.min() < 0 or labels.max() > 2:
            raise damaged("wine_data.csv")
        return hold_out_test(request, table[:, :-1].astype(np.float32), labels)
