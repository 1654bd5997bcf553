"""What each command does: the same code paths as the window, printed.

Nothing here is imported before a command runs, and each loads only what it needs: ``samples``, ``datasets`` and
``summary`` answer without torch.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from nnviz.data import datasets as data_sets
from nnviz.errors import InputError, ProjectError, TrainingError
from nnviz.project import io, registry, settings, templates
from nnviz.project.adapt import choose_data
from nnviz.project.bypass import effective_graph
from nnviz.project.model import Project
from nnviz.project.shapes import infer
from nnviz.project.validate import problems_that_stop, validate
from nnviz.record.places import RUN_SUFFIX, run_place
from nnviz.reports import BarReport, JsonReport


def open_project(target: str) -> Project:
    """The project of a path or of ``sample:NAME``.

    Raises:
        InputError: There is no such sample or file, or the file cannot be used.
    """
    if target.startswith("sample:"):
        return templates.sample(target.removeprefix("sample:"))
    return io.load(Path(target))


def samples() -> int:
    """Print the sample networks, one a line."""
    rows = [(sample.name, sample.dataset, sample.title) for sample in templates.samples()]
    _print_table(("sample", "data", "what it shows"), rows)
    return 0


def datasets() -> int:
    """Print the data sets, one a line."""
    rows = []
    for kind, spec in data_sets.datasets().items():
        training, test = spec.sizes
        size = f"{training:,} + {test:,}" if training else "yours"
        where = "at once, offline" if spec.offline else f"found or downloaded ({spec.download_bytes / 1e6:.0f} MB)"
        if kind == "image_folder":
            where = "from your folder"
        rows.append((kind, size, where, spec.title))
    _print_table(("data set", "train + test", "available", "title"), rows)
    return 0


def summary(target: str, *, as_json: bool) -> int:
    """Print a row a layer: id, kind, output shape, parameters, MACs; then totals."""
    project = open_project(target)
    inference = infer(effective_graph(project.graph))
    if inference.problems:
        node, problem = next(iter(inference.problems.items()))
        raise ProjectError(str(problem), file=target, field=f"graph.nodes.{node}")
    rows = [
        {
            "id": node,
            "kind": project.graph.nodes[node].kind,
            "bypassed": project.graph.nodes[node].bypassed,
            "output_shape": list(inference.results[node].output),
            "parameters": inference.results[node].parameters,
            "macs": inference.results[node].macs,
        }
        for node in inference.order
    ]
    if as_json:
        totals = {"parameters": inference.parameters, "macs": inference.macs}
        print(json.dumps({"project": project.name, "layers": rows, "total": totals}, indent=1))
        return 0
    table = [
        (
            str(row["id"]),
            registry.layer(str(row["kind"])).title + (" (bypassed)" if row["bypassed"] else ""),
            "×".join(map(str, inference.results[str(row["id"])].output)),
            f"{row['parameters']:,}",
            f"{row['macs']:,}",
        )
        for row in rows
    ]
    total = ("total", "", "", f"{inference.parameters:,}", f"{inference.macs:,}")
    _print_table(("layer", "kind", "output", "parameters", "MACs"), [*table, total], right={3, 4})
    return 0


@dataclass(frozen=True)
class TrainOptions:
    """What ``nnviz train`` was asked for."""

    project: str
    data: str | None
    data_dir: Path | None
    epochs: int | None
    seed: int | None
    device: str | None
    settings: tuple[tuple[str, str], ...]
    run: Path | None
    resume: bool
    json: bool

    @classmethod
    def of(cls, options: argparse.Namespace) -> TrainOptions:
        """From the parsed command line."""
        return cls(
            options.project,
            options.data,
            options.data_dir,
            options.epochs,
            options.seed,
            options.device,
            tuple(options.settings),
            options.run,
            options.resume,
            options.json,
        )

    def apply(self, project: Project) -> Project:
        """The project as it shall be trained.

        Raises:
            InputError: A setting does not exist or its value is not allowed.
        """
        if self.data is not None and self.data != project.data.dataset:
            project = _with_data(project, self.data)
        asked = [(path, settings.parse_text(text)) for path, text in self.settings]
        for name in ("epochs", "seed", "device"):
            value = getattr(self, name)
            if value is not None:
                asked.append((f"training.{name}", value))
        dataset_params = {kind: spec.params for kind, spec in data_sets.datasets().items()}
        for path, value in asked:
            if path == "data.dataset":
                project = _with_data(project, str(value))
            else:
                project = settings.with_setting(project, path, value, dataset_params)
        return project


def _with_data(project: Project, name: str) -> Project:
    """The project on another data set: input shape, loss and outputs follow, as when it is chosen in the window."""
    config = data_sets.chosen(project.data, name)
    return choose_data(project, config, data_sets.facts(config)).apply(project)


def train(options: TrainOptions) -> int:
    """Train without a window; print progress, or one JSON object a line."""
    project = options.apply(open_project(options.project))
    errors = problems_that_stop(validate(project, data_sets.facts(project.data)))
    if errors:
        more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
        field = f"graph.nodes.{errors[0].node}" if errors[0].node else ""
        raise ProjectError(errors[0].text + more, file=options.project, field=field)
    if options.resume and options.run is None:
        raise InputError("--resume needs --run FILE: the run to go on with.")
    path = None if options.run is None else run_place(options.run, resume=options.resume)

    from nnviz.train import share_cores  # noqa: PLC0415 - goes before the next

    share_cores()
    from nnviz.train.headless import Kept, train_to_file  # noqa: PLC0415 - brings torch, which takes seconds to import

    report = JsonReport() if options.json else BarReport(project)
    if path is not None and path != options.run:
        print(f"nnviz: {options.run} has no {RUN_SUFFIX} at its end: the run is kept in {path}", file=sys.stderr)
    kept = Kept(None, complete=True)

    def note(found: Kept) -> None:
        nonlocal kept
        kept = found

    try:
        outcome = train_to_file(
            project,
            path,
            data_dir=options.data_dir,
            resume=options.resume,
            on_session=report.begin,
            on_epoch=report.epoch,
            on_warning=report.warning,
            on_kept=note,
        )
    except TrainingError as error:
        report.end()  # before the last event, which nothing may follow
        report.failed(error)
        raise
    finally:
        report.end()
        if not options.json and kept.path is not None:
            what = "The run" if kept.complete else "A part of the run"
            print(f"{what} is kept in {kept.path}", file=sys.stderr)
    report.finished(outcome, kept.path, complete=kept.complete)
    return 0 if kept.complete else 1


def screenshot(target: str, out: Path, size: tuple[int, int], theme: str, data_dir: Path | None) -> int:
    """Render the window to a PNG without a display."""
    from nnviz.gui.app import render  # noqa: PLC0415 - brings Qt

    render(target, out, size=size, theme_name=theme, data_dir=data_dir)
    print(out)
    return 0


def window(target: str | None, data_dir: Path | None) -> int:
    """Open the window; returns when it is closed."""
    from nnviz.gui.app import main  # noqa: PLC0415 - brings Qt

    return main(target, data_dir)


def _print_table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> None:
    """Columns as wide as their widest cell; those in ``right`` flush right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())
