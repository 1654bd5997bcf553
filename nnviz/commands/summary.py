"""``nnviz summary``: a network as a row a layer, and what training it takes; without torch."""

from __future__ import annotations

from collections.abc import Sequence

from nnviz import streams
from nnviz.commands.given_project import open_project, refuse, with_choices
from nnviz.commands.json_text import json_text
from nnviz.commands.tables import print_table
from nnviz.data import datasets as data_sets
from nnviz.errors import DataError
from nnviz.project import registry
from nnviz.project.checks.memory import Estimate, Examples, Needs, bytes_text, shares_text
from nnviz.project.checks.shapes import infer
from nnviz.project.checks.validate import problems_that_stop, validate
from nnviz.project.graph.bypass import effective, effective_graph
from nnviz.project.model import Project
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
    if (data is not None or given) and data_sets.dataset(project.data.dataset).needs_folder:
        found = data_sets.source_facts(project.data)
        for warning in found.warnings:
            streams.complain(warning)
        for column in found.columns[:_MOST_COLUMNS]:
            use = column.kind if column.use == "input" else column.use
            streams.complain(f"column '{column.name}' ({use}): {column.about}")
    inference = infer(effective_graph(project.graph))
    expected = _expected(project) if inference.macs else None
    needs = _needs(project) if inference.macs else None
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
        total = ("total", "", "", f"{inference.parameters:,}", f"{inference.macs:,}")
        print_table(("layer", "kind", "output", "parameters", "MACs"), [*table, total], right={3, 4})
        if expected is not None:
            print(f"Training takes {expected.text}. {expected.why}")
        if needs is not None:
            print(f"Training takes about {bytes_text(needs.needed)} of memory on the processor: {shares_text(needs)}.")
    if len(known) < len(order):
        # A card that lies aside does no harm; what is wrong on the way from input to output is bad input.
        refuse(problems_that_stop(validate(project, None, inference, try_fixes=False)), target)
    return 0


def _needs(project: Project) -> Needs:
    """What training needs of the memory; without the examples where the data are not there."""
    try:
        facts = data_sets.counted(data_sets.facts(project.data), project.data)
    except DataError:
        facts = None
    whole = effective(project)
    return Estimate(whole, infer(whole.graph), Examples.of(facts)).needs()


def _expected(project: Project) -> Duration | None:
    """What training takes, as far as that is known on this computer without trying it."""
    pace = paces.recall(project)
    if pace is None:
        return None
    try:
        examples = data_sets.split_sizes(project.data)
    except DataError:
        return None
    config = project.training
    return paces.duration(pace, examples[0], examples[1], config.step_size, config.epochs)
