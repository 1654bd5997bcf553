"""Choosing other data takes the network along, as one step."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from strategies import data_configs, projects

from nnviz.data import datasets
from nnviz.project.adapt import choose_data
from nnviz.project.checks.validate import problems_that_stop, validate
from nnviz.project.document import Document
from nnviz.project.edits import SetView
from nnviz.project.model import DataConfig, DataFacts, View
from nnviz.project.samples import templates

FACTS = [DataFacts((1, 28, 28), 10, "classes"), DataFacts((2,), 1, "binary"), DataFacts((4,), 3, "regression")]


@pytest.mark.parametrize("sample", ["mlp-50", "cnn-25", "softmax-regression", "spiral", "mlp-512-dropout"])
@pytest.mark.parametrize("dataset", ["digits", "shapes", "mnist", "moons", "cifar10", "truth_table", "credit"])
def test_samples_follow_other_data(sample: str, dataset: str) -> None:
    document = Document(templates.sample(sample))
    document.apply(SetView(View(5)))
    config = DataConfig(dataset=dataset)
    facts = datasets.facts(config)
    edit = choose_data(document.project, config, facts)
    start = document.project
    document.apply(edit)
    document.set_facts(facts)
    left = problems_that_stop(document.diagnostics)
    if len(facts.input_shape) == 3 or not sample.startswith("cnn"):
        assert left == ()
    else:  # A convolution over a table is nothing that could be guessed.
        assert "expects an image" in left[0].text
    assert document.project.data == config
    assert document.project.view.pinned_sample == (5 if dataset == start.data.dataset else 0)
    if document.project != start:
        document.undo()
    assert document.project == start


@hypothesis_settings(max_examples=60)
@given(st.data())
def test_it_works_on_any_project(data: st.DataObject) -> None:
    project, config, facts = data.draw(projects(5)), data.draw(data_configs()), data.draw(st.sampled_from(FACTS))
    edit = choose_data(project, config, facts)
    after = edit.apply(project)
    assert edit.invert(project).apply(after) == project
    if (config.dataset, config.params) != (project.data.dataset, project.data.params):
        assert not any(found.text.startswith("Input is ") for found in validate(after, facts))
