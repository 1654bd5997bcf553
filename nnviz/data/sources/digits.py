"""The handwritten digits that scikit-learn carries."""

from __future__ import annotations

from math import ceil
from pathlib import Path

from nnviz.data.dataset_spec import DatasetSpec
from nnviz.data.sources.source import DRAWN_TEST_PARAMS, Arrays, Request, Source, hold_out_test
from nnviz.project.model import DataFacts, Params
from nnviz.project.spec import ParamSpec

#: Also of MNIST.
DIGIT_NAMES = tuple("0123456789")
_DIGITS_THERE_ARE = 1797


def _digits_facts(params: Params) -> DataFacts:
    side = int(str(params["size"]))
    return DataFacts((1, side, side), 10, "classes", DIGIT_NAMES)


def _digits_count(params: Params) -> tuple[int, int]:
    share = params["test_share"]
    assert isinstance(share, float)  # the ParamSpec parsed it
    test = min(ceil(_DIGITS_THERE_ARE * share), _DIGITS_THERE_ARE - 1)  # a fifth was 360 of them from the beginning
    return _DIGITS_THERE_ARE - test, test


_DIGITS = DatasetSpec(
    "digits",
    "Handwritten digits",
    "1,797 real handwritten digits by 43 people, scanned in Turkey in the 1990s. Small enough to train on in seconds.",
    "images",
    (
        ParamSpec(
            "size",
            "size",
            "The scans have 8×8 pixels; enlarged to 28×28 they fit the networks made for MNIST.",
            "choice",
            "28",
            choices=(("8", "8×8, as scanned"), ("28", "28×28, enlarged")),
        ),
        *DRAWN_TEST_PARAMS,
    ),
    facts=_digits_facts,
    count=_digits_count,
    source="E. Alpaydin and C. Kaynak: Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, "
    "1998; the part that scikit-learn carries.",
    licence="CC BY 4.0",
    fitting="scans",
)


class Digits(Source):
    """1,797 scans of 8×8 pixels, as they are or enlarged."""

    def declare(self) -> tuple[DatasetSpec, ...]:
        """What is known of the handwritten digits without looking at the disk."""
        return (_DIGITS,)

    def read(self, request: Request, place: Path | None) -> Arrays:
        """See :meth:`Source.read`."""
        from nnviz.data import digits

        request.report(0, 1)
        return hold_out_test(request, *digits.digits(int(request.text("size"))))
