"""``nnviz summary``: a network as a row a layer, and what training it takes; without torch."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from nnviz import streams
from nnviz.commands.data_bar import DataBar
from nnviz.commands.given_project import open_project, refuse, with_choices
from nnviz.commands.json_text import json_text
from nnviz.commands.tables import print_table
from nnviz.data import datasets as data_sets
from nnviz.data.sources.source import SourceFacts
from nnviz.errors import DataError, NnvizError
from nnviz.project import registry
from nnviz.project.checks.memory import Estimate, Examples, Needs, bytes_text, shares_text
from nnviz.project.checks.shapes import Inference, infer
from nnviz.project.checks.validate import problems_that_stop, validate
from nnviz.project.graph.bypass import effective, effective_graph
from nnviz.project.model import DataConfig, Project
from nnviz.train import paces
from nnviz.train.paces import Duration

#: Stands for a shape or a number that nobody knows yet.
_UNKNOWN = "?"
#: Columns of a table that are explained one by one.
_MOST_COLUMNS = 100


def summary(target: str, *, as_json: bool, data: str | None = None, given: Sequence[tuple[str, object]] = ()) -> int:
    """Print a row a layer: id, kind, output shape, parameters, MACs; then totals, of what is known.

    Args:
        target: A project's path or ``sample:NAME``.
        as_json: Print JSON instead of a table.
        data: Another data set, or a file or a folder.
        given: Settings to change first.

    Raises:
        InputError: The project cannot be read, or a setting is not allowed; or, after the rows, it is no network yet.
    """
    project = with_choices(open_project(target), data, given)
    found: SourceFacts | None = None
    chosen = data is not None or any(path.startswith("data.") for path, _ in given)
    if chosen and data_sets.dataset(project.data.dataset).needs_folder:
        with DataBar() as bar:
            found = data_sets.source_facts(project.data, bar)
        for warning in found.warnings:
            streams.complain(warning)
        for column in found.columns[:_MOST_COLUMNS]:
            use = column.kind if column.use == "input" else column.use
            streams.complain(f"column '{column.name}' ({use}): {column.about}")
    inference = infer(effective_graph(project.graph))
    # A card that lies aside does no harm; what is wrong on the way from input to output is bad input.
    problems = [] if inference.is_of_all else problems_that_stop(validate(project, None, inference, try_fixes=False))
    trains = bool(inference.macs) and not problems
    known_data = (found or _listed(project.data)) if trains else None
    sizes = _sizes(project.data, known_data)
    expected = _expected(project, sizes) if trains else None
    needs = _needs(project, inference, known_data, sizes) if trains else None
    ordered = set(inference.order)
    order = [*inference.order, *(node for node in project.graph.nodes if node not in ordered)]
    known = inference.results
    if as_json:
        rows = [
            {
                "id": node,
                "kind": project.graph.nodes[node].kind,
                "bypassed": project.graph.nodes[node].bypassed,
                "output_shape": list(known[node].output) if node in known else None,
                "parameters": known[node].parameters if node in known else None,
                "macs": known[node].macs if node in known else None,
            }
            for node in order
        ]
        totals = {"parameters": inference.parameters, "macs": inference.macs}
        told: dict[str, object] = {"project": project.name, "layers": rows, "total": totals}
        if expected is not None:
            told["expected"] = {"epoch_seconds": expected.epoch, "epochs": expected.epochs, "why": expected.why}
        if needs is not None:
            told["memory"] = {
                "needed": needs.needed,
                "parts": {name: size for name, size in needs.parts.items() if size},
            }
        print(json_text(told, indent=1))
    else:
        table = [
            (
                node,
                registry.layer(project.graph.nodes[node].kind).title
                + (" (bypassed)" if project.graph.nodes[node].bypassed else ""),
                "×".join(map(str, known[node].output)) if node in known else _UNKNOWN,
                f"{known[node].parameters:,}" if node in known else _UNKNOWN,
                f"{known[node].macs:,}" if node in known else _UNKNOWN,
            )
            for node in order
        ]
        least = "" if inference.is_of_all else "≥ "
        total = ("total", "", "", f"{least}{inference.parameters:,}", f"{least}{inference.macs:,}")
        print_table(("layer", "kind", "output", "parameters", "MACs"), [*table, total], right={3, 4})
        if expected is not None:
            print(f"Training takes {expected.text}. {expected.why}")
        if needs is not None:
            beside = "" if sizes is not None else " The data come on top of that."
            text = f"Training takes about {bytes_text(needs.needed)} of memory on the processor: {shares_text(needs)}."
            print(text + beside)
    refuse(problems, target)
    return 0


def _listed(config: DataConfig) -> SourceFacts | None:
    """What is known of the data without reading any; None where they are not there, or only reading tells."""
    try:
        with DataBar() as bar:
            return data_sets.listed(config, bar)
    except NnvizError:  # a summary is of the network
        return None


def _sizes(config: DataConfig, found: SourceFacts | None) -> tuple[int, int, int] | None:
    """How many examples each split has, as far as that is known."""
    try:
        return None if found is None else data_sets.divided(config, found.sizes, found.validation)
    except DataError:
        return None


def _needs(
    project: Project, inference: Inference, found: SourceFacts | None, sizes: tuple[int, int, int] | None
) -> Needs:
    """What training needs of the memory; without the examples where nothing is known of them."""
    facts = None if found is None else msgspec.structs.replace(found.data, examples=sizes)
    return Estimate(effective(project), inference, Examples.of(facts)).needs()


def _expected(project: Project, sizes: tuple[int, int, int] | None) -> Duration | None:
    """What training takes, as far as that is known on this computer without trying it."""
    pace = None if sizes is None else paces.recall(project)
    if pace is None or sizes is None:
        return None
    config = project.training
    return paces.duration(pace, sizes[0], sizes[1], config.step_size, config.epochs)
