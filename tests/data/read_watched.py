"""Reads every picture of a folder in a process of its own and says what came of it, as JSON.

Arguments: the folder, and the most memory in MiB that the process may have (0: any).
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import watched

from nnviz.data.images import read_image, read_images
from nnviz.errors import DataError


def main(folder: Path, most: int) -> None:
    warnings.simplefilter("ignore")
    if most:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (most << 20, most << 20))
    refused = watched.install(folder)
    outcomes: dict[str, str] = {}
    files = sorted(folder.iterdir())
    for file in files:
        try:
            read = read_image(file, 8, 3)
            assert read.shape == (3, 8, 8)
            outcomes[file.name] = ""
        except DataError as error:
            assert error.file == str(file)
            outcomes[file.name] = error.message
        except BaseException as error:  # noqa: BLE001 - the test tells of it
            outcomes[file.name] = f"FAULT {error!r}"
    good = [file for file in files if not outcomes[file.name]]
    together = read_images(good, 8, 1, lambda done: None)
    imported = sorted(name for name in sys.modules if name.startswith("PIL.") and name.endswith("ImagePlugin"))
    report = {"outcomes": outcomes, "refused": refused, "plugins": imported, "together": len(together)}
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
