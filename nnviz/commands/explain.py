"""``nnviz explain``: one number of a network as a sum of terms, for people or as JSON."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from nnviz import streams
from nnviz.commands.data_folder import check_data_folder
from nnviz.commands.given_project import known_data, open_project, with_choices
from nnviz.commands.given_run import run_in_place_of_project
from nnviz.commands.json_text import json_text
from nnviz.commands.parsed_options import options_of
from nnviz.errors import InputError, on_one_line


@dataclass(frozen=True)
class ExplainOptions:
    """What ``nnviz explain`` was asked for."""

    target: str
    node: str
    unit: int | None
    at: tuple[int, ...] | None
    example: int | None
    split: str | None
    step: int | None
    backward: bool
    parameter: str | None
    index: tuple[int, ...] | None
    mode: str
    data: str | None
    settings: tuple[tuple[str, str], ...]
    data_dir: Path | None
    json: bool

    @classmethod
    def of(cls, options: argparse.Namespace) -> ExplainOptions:
        """From the parsed command line."""
        return options_of(cls, options)


def explain(options: ExplainOptions) -> int:
    """Print one number of a network as a sum of terms."""
    check_data_folder(options.data_dir)
    path = run_in_place_of_project(options.target)
    if options.step is not None and path is None:
        raise InputError("Only a run has steps; a project is explained with its initial weights.", field="--step")
    project = None
    if path is not None and (options.data is not None or options.settings):
        field = "--set" if options.data is None else "--data"
        raise InputError("A run is explained as it was: other data and settings are a project's.", field=field)
    if path is None:
        project = with_choices(open_project(options.target), options.data, options.settings)
        known_data(project, options.target)

    from nnviz.train import share_cores  # noqa: PLC0415 - goes before the next

    share_cores()
    from nnviz.explain import asked, text  # noqa: PLC0415 - brings torch, which takes seconds to import

    if project is None:
        assert path is not None
        project, training, remark = asked.of_run(path, options.step, options.data_dir)
        if remark:
            streams.complain(remark)
    else:
        training = asked.of_project(project, options.data_dir)
    question = asked.Question(
        options.node,
        options.unit,
        options.at,
        options.example,
        options.split,
        options.backward,
        options.parameter,
        options.index,
        options.mode,
    )
    answered = asked.answer(training, question, pinned=project.view.pinned)
    example = answered.example
    if options.json:
        whose: dict[str, object] | None = None
        if example is not None:
            whose = {"split": example.split, "index": example.index, "right": answered.right}
            if answered.in_batch is not None:
                whose["in_batch"] = answered.in_batch
        plain = {"target": options.target, "step": answered.step, "mode": options.mode, "example": whose}
        print(json_text({**plain, **text.plain_values(answered.explanation)}, indent=1))
        return 0
    where = "the batch that comes next"
    if example is not None:
        where = f"example {example.index} of the {example.split} split ({answered.right or 'no right answer'})"
        if answered.in_batch is not None:
            where = f"training mode, {where}, number {answered.in_batch} of the batch that comes next"
    print(on_one_line(f"{project.name}, step {answered.step}, {where}"))
    if options.step is not None and answered.step != options.step:
        print(f"(step {answered.step} has the nearest weights that are kept and not after step {options.step})")
    print()
    print("\n".join(text.lines_of(answered.explanation)))
    return 0
