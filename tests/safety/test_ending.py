"""Asked to end from outside, the command line ends in order: status 130, and the run so far is kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from nnviz import cli, interruption
from nnviz.commands.training_report import JsonReport
from nnviz.record.store import RunWriter, open_run
from nnviz.train.position import EpochResult
from nnviz.train.session_work import SessionWork

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without asking it")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_training_without_a_window_ends_in_order(name: str, tmp_path: Path) -> None:
    if signal.getsignal(signal.Signals[name]) == signal.SIG_IGN:
        pytest.skip(f"{name} is ignored where the tests run, and so by what they start")
    path = tmp_path / "kept.nnvizrun"
    command = [sys.executable, "-m", "nnviz", "train", "sample:xnor-two-layer", "--epochs", "100000", "--json"]
    with subprocess.Popen(
        [*command, "--run", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["event"] == "epoch":
                break
        process.send_signal(signal.Signals[name])
        last = [json.loads(line) for line in process.stdout][-1]
        while process.poll() is None:  # what comes while the interpreter is taken down changes nothing
            process.send_signal(signal.SIGTERM)
            time.sleep(0.02)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert last == {"event": "interrupted", "step": last["step"], "run": str(path)}
    assert errors.splitlines()[-1] == "nnviz: interrupted" and "Traceback" not in errors
    run = open_run(path)
    assert run.finished and run.last_step == last["step"] and run.checkpoints()[-1].step == last["step"]
    run.close()


def test_a_signal_while_the_end_is_written_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    close = RunWriter.close

    def interrupted(writer: RunWriter, *wishes: float | None, discard: bool = False) -> bool:
        signal.raise_signal(signal.SIGTERM)
        return close(writer, *wishes, discard=discard)

    monkeypatch.setattr(RunWriter, "close", interrupted)
    path = tmp_path / "kept.nnvizrun"
    assert cli.main(["train", "sample:xnor-two-layer", "--epochs", "2", "--json", "--run-file", str(path)]) == 130
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["run"] == str(path)
    with open_run(path) as run:
        assert run.finished and run.checkpoints()[-1].epoch == 2


@pytest.mark.parametrize("place", ["the session's end", "the file's end"])
def test_a_second_signal_breaks_off_the_end_that_the_first_one_began(
    place: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], own_folders: None
) -> None:
    monkeypatch.setattr(interruption, "ECHO", 0.0)
    signals, ended = [], []
    owner, name = (SessionWork, "_end") if place == "the session's end" else (RunWriter, "close")
    end, epoch = getattr(owner, name), JsonReport.epoch

    def first(report: JsonReport, result: EpochResult) -> None:
        signals.append("while it trains")
        signal.raise_signal(signal.SIGINT)
        epoch(report, result)

    def second(*given: object, **wishes: object) -> object:
        try:
            if len(signals) == 1:
                signals.append("while the end is written")
                signal.raise_signal(signal.SIGINT)
                ended.append(place)
        finally:  # no thread is left behind
            found = end(*given, **wishes)
        return found

    monkeypatch.setattr(JsonReport, "epoch", first)
    monkeypatch.setattr(owner, name, second)
    assert cli.main(["train", "sample:xnor-two-layer", "--epochs", "5", "--json"]) == 130
    assert len(signals) == 2 and not ended
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["event"], last["step"]) == ("interrupted", 1) and Path(last["run"]).is_file()


def test_an_ignored_hangup_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert signal.SIGHUP not in interruption.ending_signals()
        with interruption.raised():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_was_there_before_is_put_back_also_after_an_interruption() -> None:
    before = [signal.getsignal(number) for number in interruption.ending_signals()]
    with pytest.raises(KeyboardInterrupt), interruption.raised():
        signal.raise_signal(signal.SIGTERM)
    assert [signal.getsignal(number) for number in interruption.ending_signals()] == before


def test_another_thread_than_the_main_one_changes_nothing() -> None:
    before, inside = signal.getsignal(signal.SIGTERM), []

    def work() -> None:
        with interruption.raised():
            inside.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert inside == [before]
