"""What a declaration of a data set holds. Loads nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nnviz.project.model import Choice, DataFacts, Params
from nnviz.project.spec import Spec

#: Share of a generated or undivided set that is kept for the test split, whatever the validation fraction is.
TEST_SHARE = 0.2


@dataclass(frozen=True)
class DatasetSpec(Spec):
    """A data set: a Spec with what can be known of it without loading it.

    Attributes:
        facts: Shape, targets and classes for a full set of parameter values; None where only looking at the disk tells.
        count: Number of (training + validation, test) examples for a full set of parameter values; None likewise.
        source: Where it comes from, in a sentence with the authors or the address.
        licence: Under which terms it may be used.
        offline: It is generated or comes with nnviz's own dependencies: nothing has to be found or downloaded.
        download_bytes: What a download costs; 0 where there is none.
        folder: Where torchvision keeps it below its ``root``; empty when it is not such a set.
        files: What must lie in that folder.
        beside: What a download keeps beside them: torchvision asks for it, nnviz does not.
        flat: torchvision puts its files into its ``root`` itself, and not into that folder.
        folder_param: The parameter that names a folder or a file of the user's own; empty where it needs none.
        endings: In small letters, of the files that it names; empty where it names a folder.
        feature_names: The names of the numbers of a table; empty for images.
        preparation: The ``DataConfig.preparation`` that suits it; offered when the data set is chosen.
        undivided: All splits are the same examples: a truth table has nothing to hold back.
        table: Its rows are typed in: its parameters are those of a ``TypedTable``.
        drawn: Its points are drawn by hand: its parameters are those of ``DrawnPoints``.
        fitting: How its pictures were fitted into their frames, as ``own_picture.FITTINGS`` has it; empty where nobody
            did that to them.
    """

    facts: Callable[[Params], DataFacts] | None = None
    count: Callable[[Params], tuple[int, int]] | None = None
    source: str = ""
    licence: str = ""
    offline: bool = True
    download_bytes: int = 0
    folder: str = ""
    files: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    flat: bool = False
    folder_param: str = ""
    endings: tuple[str, ...] = ()
    feature_names: tuple[str, ...] = ()
    preparation: tuple[Choice, ...] = (Choice("scale"),)
    undivided: bool = False
    table: bool = False
    drawn: bool = False
    fitting: str = ""

    @property
    def sizes(self) -> tuple[int, int]:
        """Number of (training + validation, test) examples with the default parameters; 0 where nobody knows."""
        return (0, 0) if self.count is None else self.count(self.values({}))

    @property
    def needs_folder(self) -> bool:
        """There is nothing to train on before the user has named a folder or a file."""
        return bool(self.folder_param)

    @property
    def takes_file(self) -> bool:
        """Whether what the user names is a file."""
        return bool(self.endings)

    @property
    def downloads(self) -> bool:
        """Whether the program can fetch the data set when it is asked to."""
        return self.download_bytes > 0

    def without_folder(self, params: Params) -> bool:
        """Whether it needs a folder or a file and none is named."""
        return self.needs_folder and not params.get(self.folder_param)


def generated_sizes(count: int, share: float = TEST_SHARE) -> tuple[int, int]:
    """Number of (training + validation, test) examples among ``count`` undivided ones; one is always trained on."""
    test = min(round(count * share), max(count - 1, 0))
    return count - test, test
