"""The table of what the articles say and what comes out here; see ``scripts/reproduce.py``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean

from articles import CASES, Case
from trainings import Trained, as_in_keras, loaded, sample, trained

from nnviz.errors import NnvizError
from nnviz.project.files.atomic import write_atomically
from nnviz.project.model import DataConfig

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- reproduced: scripts/reproduce.py writes from here -->", "<!-- reproduced: to here -->"
HEAD = (
    "| network | parameters | recipe | the article | here | difference | dead ReLUs |",
    "| --- | ---: | --- | --- | ---: | ---: | ---: |",
)


def main(arguments: Sequence[str]) -> int:
    """Trains what is asked for, prints a row for each, and puts the table where it is wanted."""
    options = _options(arguments)
    done: dict[str, list[dict[str, object]]] = {}
    if options.keep is not None and options.keep.exists():
        done = json.loads(options.keep.read_text(encoding="utf-8"))
    rows = list(HEAD)
    print("\n".join(HEAD), flush=True)
    for case in CASES:
        if options.names and case.sample not in options.names:
            continue
        try:
            results = [Trained(**one) for one in done.get(case.key, ())]  # type: ignore[arg-type]  # its own fields
            for seed in range(len(results), case.seeds):
                results.append(_train(case, seed, options.data_dir))
                done[case.key] = [asdict(one) for one in results]
                if options.keep is not None:
                    text = json.dumps(done, indent=1).encode()
                    write_atomically(text, options.keep)
        except NnvizError as error:
            print(f"| `{case.sample}` | | | {case.words} | not trained: {error} | | |", flush=True)
            continue
        rows.append(row(case, results))
        print(rows[-1], flush=True)
    if options.readme:
        _into_readme(rows)
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="samples to train; all where none is named")
    parser.add_argument("--data-dir", type=Path, default=_shared_data(), help="where MNIST lies")
    parser.add_argument("--keep", type=Path, metavar="FILE.json", help="what is done; read again by the next start")
    parser.add_argument("--readme", action="store_true", help="put the table into README.md")
    return parser.parse_args(arguments)


def _shared_data() -> Path | None:
    if os.environ.get("NNVIZ_DATA"):
        return None  # It is looked at without being named.
    beside = ROOT.parent / "shared" / "data"
    return beside if beside.is_dir() else None


def _train(case: Case, seed: int, data_dir: Path | None) -> Trained:
    project = sample(case.sample, case.settings, seed=seed, epochs=case.epochs, data=_photographs(case, data_dir))
    if case.recipe == "article":
        project = as_in_keras(project)
    data = loaded(project, data_dir, test_as_validation=case.recipe == "article")
    result: Trained | None = None
    for result in trained(project, data):
        if sys.stderr.isatty():
            print(f"\r{case.sample}, seed {seed}: epoch {len(result.tests)}", end="\033[K\r", file=sys.stderr)
    assert result is not None
    return result


def _photographs(case: Case, data_dir: Path | None) -> DataConfig | None:
    """For CIFAR-10, the folder of 6,000 of its pictures, where the whole set is not there."""
    folder = data_dir / "cifar10-images" if data_dir is not None else None
    if not case.sample.startswith("cifar") or folder is None or not folder.is_dir():
        return None
    if (folder.parent / "cifar-10-batches-py").is_dir():
        return None
    return DataConfig("image_folder", {"folder": str(folder), "size": 32})


def row(case: Case, results: Sequence[Trained]) -> str:
    """A row of the table: the mean of several seeds with the lowest and the highest."""
    figures = [_figure(case, one) for one in results]
    here = f"{mean(figures):.2%}"
    if len(figures) > 1:
        here += f" ({min(figures):.2%} – {max(figures):.2%}, {len(figures)} seeds)"
    said = case.words if case.source is None else f"{case.source:.2%}, {case.words}"
    difference = "" if case.source is None else f"{(mean(figures) - case.source) * 100:+.2f}"
    dead = [one.dead for one in results if one.dead is not None]
    recipe = "the article's" if case.recipe == "article" else "the sample's"
    if case.settings:
        recipe += ", " + ", ".join(f"{path.partition('.')[2]} {value}" for path, value in case.settings.items())
    if case.epochs is not None:
        recipe += f", {case.epochs} epochs"
    return (
        f"| `{case.sample}` | {results[0].parameters:,} | {recipe} | {said} | {here} | {difference} | "
        f"{f'{mean(dead):.1%}' if dead else ''} |"
    )


def _figure(case: Case, result: Trained) -> float:
    if case.figure == "untrained":
        return result.untrained
    return max(result.tests) if case.figure == "best" else result.kept


def _into_readme(rows: Sequence[str]) -> None:
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, found, rest = text.partition(BEGIN)
    _, closed, after = rest.partition(END)
    if not (found and closed):
        raise SystemExit(f"{readme} has no place for the table: {BEGIN} … {END}")
    readme.write_text("\n".join((before + BEGIN, "", *rows, "", END + after)), encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
