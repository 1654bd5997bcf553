"""The other small real tables that scikit-learn carries: iris, breast cancer, diabetes."""

from __future__ import annotations

from pathlib import Path

from nnviz.data.dataset_spec import DatasetSpec
from nnviz.data.sources.source import DRAWN_TEST_PARAMS, Arrays, Request, Source, fixed, hold_out_test, shared
from nnviz.project.model import Choice, DataFacts
from nnviz.project.spec import ParamSpec

_IRIS = DatasetSpec(
    "iris",
    "Iris",
    "150 irises of three kinds, each with four lengths in cm: setosa stands apart, the other two overlap.",
    "tables",
    DRAWN_TEST_PARAMS,
    facts=fixed(DataFacts((4,), 3, "classes", ("setosa", "versicolor", "virginica"))),
    count=shared(150),
    source="R. A. Fisher: The Use of Multiple Measurements in Taxonomic Problems, 1936; as scikit-learn carries it.",
    licence="CC BY 4.0",
    feature_names=("sepal length", "sepal width", "petal length", "petal width"),
    preparation=(Choice("standardise"),),
)

_MEASURED = (
    "radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave points", "symmetry",
    "fractal dimension",
)  # fmt: skip
_BREAST_CANCER = DatasetSpec(
    "breast_cancer",
    "Breast cancer",
    "569 tumours, benign or malignant, each with 30 numbers measured in a picture of its cell nuclei.",
    "tables",
    DRAWN_TEST_PARAMS,
    facts=fixed(DataFacts((30,), 1, "binary", ("malignant", "benign"))),
    count=shared(569),
    source="W. H. Wolberg, O. L. Mangasarian and W. N. Street: Breast Cancer Wisconsin (Diagnostic), UCI Machine "
    "Learning Repository, 1995; as scikit-learn carries it.",
    licence="CC BY 4.0",
    feature_names=tuple(f"{of} {what}" for of in ("mean", "error of", "worst") for what in _MEASURED),
    preparation=(Choice("standardise"),),
)

_DIABETES = DatasetSpec(
    "diabetes",
    "Diabetes",
    "Regression on 442 people with diabetes: how far the disease has gone a year later, from age, sex, body mass "
    "index, blood pressure and six values of the blood. No network predicts it well.",
    "tables",
    (
        ParamSpec(
            "unit",
            "unit of the answer",
            "The disease is scored from 25 to 346. In hundreds, usual learning rates fit; as scored, they are far too "
            "large.",
            "choice",
            "100",
            choices=(("100", "hundreds"), ("1", "as scored")),
        ),
        *DRAWN_TEST_PARAMS,
    ),
    facts=fixed(DataFacts((10,), 1, "regression")),
    count=shared(442),
    source="B. Efron, T. Hastie, I. Johnstone and R. Tibshirani: Least Angle Regression, 2004; as scikit-learn carries "
    "it.",
    licence="none stated; free to use with citation",
    feature_names=(
        "age", "sex", "body mass index", "blood pressure", "cholesterol", "LDL", "HDL", "cholesterol by HDL",
        "triglycerides (log)", "glucose",
    ),
    preparation=(Choice("standardise"),),
)  # fmt: skip


class BundledTables(Source):
    """Rows that come with scikit-learn, read from its files."""

    def declare(self) -> tuple[DatasetSpec, ...]:
        """What is known of them without looking at the disk."""
        return (_IRIS, _BREAST_CANCER, _DIABETES)

    def read(self, request: Request, place: Path | None) -> Arrays:
        """See :meth:`Source.read`."""
        import numpy as np

        from nnviz.data.bundled import bundled_table, damaged

        spec = request.spec
        assert spec.facts is not None and spec.count is not None
        facts, rows = spec.facts(request.values), sum(spec.count(request.values))
        columns = facts.input_shape[0]
        if facts.task == "regression":
            inputs = bundled_table("diabetes_data_raw.csv.gz", columns, separator=" ")
            answers = bundled_table("diabetes_target.csv.gz", 1)
            if not len(inputs) == len(answers) == rows:
                raise damaged("diabetes_data_raw.csv.gz")
            scored = answers / float(request.text("unit"))
            return hold_out_test(request, inputs.astype(np.float32), scored.astype(np.float32))
        file = f"{spec.kind}.csv"
        table = bundled_table(file, columns + 1, skipped_lines=1)
        labels = table[:, -1].astype(np.int64)
        if len(table) != rows or labels.min() < 0 or labels.max() >= len(facts.class_names):
            raise damaged(file)
        return hold_out_test(request, table[:, :-1].astype(np.float32), labels)
