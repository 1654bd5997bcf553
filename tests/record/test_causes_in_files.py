"""What explains a finding is in the file, and files from before there was a cause still open."""

from __future__ import annotations

import json

from nnviz.record.file_format import pack_finding, unpack_finding
from nnviz.record.readings import Cure, Finding


def test_a_cause_comes_back() -> None:
    cures = (Cure("Why?", "show_help", "loss"),)
    for cause in ("", "finding/learning_rate_too_high"):
        finding = Finding("finding/dead_units/relu1", 5, "warning", "text", "evidence", "relu1", cures, cause)
        assert unpack_finding(finding.series, 5, pack_finding(finding)) == finding


def test_what_was_written_before_there_was_a_cause_has_none() -> None:
    old = '{"severity":"warning","text":"old","evidence":"e","node":"relu1","cures":[["Why?","show_help","loss"]]}'
    found = unpack_finding("finding/x", 3, old)
    assert (found.text, found.cause, found.cures) == ("old", "", (Cure("Why?", "show_help", "loss"),))


def test_a_program_from_before_reads_what_has_no_cause() -> None:
    assert "cause" not in json.loads(pack_finding(Finding("finding/x", 1, "warning", "text")))
