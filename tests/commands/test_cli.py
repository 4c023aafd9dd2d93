"""The command as a person meets it: help, one-line refusals, exit statuses, Ctrl-C."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from support.checkout import changed, commit
from support.command_line import PROGRAM, multiepoch, multiepoch_process
from support.plans import PLAN
from support.simulated import Bench

from harness import cli
from harness.base.places import ROOT
from harness.commands import check
from harness.commands.application import main as application
from harness.commands.list_plugins import print_plugins
from harness.metrics.catalog import METRICS
from harness.testing.conformance import Verdict
from harness.tracking import background

COMMANDS = ("benchmark", "run", "tune", "list", "data", "report", "sync", "ui", "dashboard", "check")


def test_help_names_every_command(tmp_path: Path) -> None:
    found = multiepoch_process("--help", cwd=tmp_path)
    assert found.returncode == 0
    assert all(command in found.stdout for command in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["benchmark", "no.toml"], "plan 'no.toml' does not exist"),
        (["benchmark", "my.toml", "--set", "train.epoch=3"], "unknown key 'epoch'; did you mean 'epochs'?"),
        (["run", "none", "--plan", "my.toml", "--set", f"name={'n' * 77}"], "too long a name; accepted: --set name="),
        (["benchmark", "my.toml", "--set", "epochs=3"], "unknown key 'epochs'; did you mean 'train.epochs'?"),
        (["benchmark", "my.toml", "--set", "trials=3"], "unknown key 'trials'; did you mean 'search.trials'?"),
        (["benchmark", "my.toml", "--plugins", "nowhere"], "--plugins 'nowhere' is not a folder"),
        (["benchmark", "my.toml", "--results", "my.toml"], "results folder 'my.toml' cannot be written"),
        (["run", "reinitt", "--plan", "my.toml"], "unknown strategy 'reinitt'; did you mean 'reinit'?"),
        (["tune", "reinitt", "--plan", "my.toml"], "unknown strategy 'reinitt'; did you mean 'reinit'?"),
        (["tune", "none", "--plan", "my.toml", "--set", "search.trials=0"], "say how many with --trials"),
        (["report", "nothing"], "unknown plan 'nothing'"),
        (["sync", "nothing"], "unknown plan 'nothing'"),
        (["ui"], "no 'results/mlflow.db' yet; `multiepoch benchmark` writes it"),
        (["dashboard"], "no 'results/optuna.journal' yet; `multiepoch benchmark` and `tune` write it"),
        (["list", "strategy"], "unknown kind or name 'strategy'; did you mean 'strategies'?"),
        (["check", "hasing"], "unknown plug-in 'hasing'; did you mean 'hashing'?"),
    ],
)
def test_bad_input_is_one_line_and_exit_status_2(tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "my.toml").write_text(PLAN)
    found = multiepoch(*arguments, cwd=tmp_path)
    assert found.returncode == 2
    assert message in found.stderr
    assert found.stderr.count("\n") == 1
    assert not (tmp_path / "results" / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "--sett", "x=1"], "no such option: --sett"),
        (["benchmrk"], "Did you mean 'benchmark'? `"),
        (["benchmark", "--workers", "0"], "'--workers' / '-j': '0'; accepted: greater than or equal to 1;"),
        (["benchmark", "-j", "1000000"], "'--workers' / '-j': '1000000'; accepted: less than or equal to 1024;"),
        (["benchmark", "--workers", "two"], "'--workers' / '-j': 'two'; accepted: a valid integer"),
        (["report", "--results", ""], "'--results': '' is no path"),
        (["benchmark", "--plugins", " "], "'--plugins': ' ' is no path"),
        (["compare", "", "results"], "'FIRST': '' is no path"),
        (["data", "write", "ads", "--out", ""], "'--out': '' is no path"),
        (["benchmark", "--plugins"], "requires an argument"),
        (["run"], "missing argument 'strategy'"),
    ],
)
def test_a_command_line_that_is_not_accepted_is_one_line(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = multiepoch(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert message in done.stderr
    assert done.stderr.startswith("multiepoch: ")
    assert done.stderr.endswith("--help` says what is accepted\n")
    assert done.stderr.count("\n") == 1


def test_a_table_that_is_not_there_is_refused_before_training(tmp_path: Path) -> None:
    plan = (ROOT / "plans" / "real_taobao.toml").read_text()
    plan = re.sub(r"\$LOGS/[\w.]+", "no.parquet", plan)
    (tmp_path / "my.toml").write_text(plan)
    found = multiepoch("benchmark", "my.toml", cwd=tmp_path)
    assert (found.returncode, found.stderr.count("\n")) == (2, 1)
    assert "'no.parquet': the file does not exist" in found.stderr


def test_the_list_names_every_plugin_once_and_fits_80_columns() -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    print_plugins(console, None)
    text = console.export_text()
    assert "\u2026" not in text
    assert len(re.findall(r"^none  ", text, flags=re.MULTILINE)) == 1
    assert re.search(r"^   min_count +2 +1 to 100 +yes *$", text, flags=re.MULTILINE)
    assert "out-of-vocabulary" in text or "shared row" in text
    assert "inf to inf" not in text


@pytest.mark.parametrize(
    ("what", "has", "lacks"),
    [
        ("plans", "Seven strategies on power-law", "reinit"),
        ("presets", "avazu_like", "deepfm"),
        ("metrics", "needs groups", "row_norm"),
        ("probes", "row_norm", "gauc"),
        ("quick", f"file: {ROOT / 'plans' / 'quick.toml'}", "smoke"),
        ("models", "deepfm", "redraw"),
        ("schemas", "avazu", "deepfm"),
        ("reinit", "source: Liu et al. 2023, arXiv 2305.19531", "hashing"),
    ],
)
def test_a_part_of_the_list_can_be_asked_for(what: str, has: str, lacks: str) -> None:
    console = Console(width=400, record=True, file=io.StringIO())
    print_plugins(console, None, what)
    text = console.export_text()
    assert has in text
    assert lacks not in text.replace("strategies/reinit.py", "")


def test_epochs_and_rows_are_those_of_the_command_and_a_checkout_stays_clean(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(f'table = "quick"\n{PLAN}')
    commit(tmp_path, "quick.md", "quick.csv", "quick-1.svg")
    ran = multiepoch("benchmark", "my.toml", "--no-mlflow", "--epochs", "2", "--rows", "3000", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"^plan my: .* 2 epochs.*; at most \d+ runs, \d+ at a time$", ran.stdout, flags=re.MULTILINE)
    kept = json.loads((tmp_path / "results" / "plans" / "my.json").read_text())["plan"]
    assert kept["train"]["epochs"] == 2
    assert [each["rows"] for each in kept["dataset"]] == [3000]
    assert (tmp_path / "results" / "report" / "quick.md").exists()
    assert changed(tmp_path) == []


def test_a_run_prints_its_epochs_and_a_report_and_a_sync_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "LEAST", 300.0)  # left behind on a busy machine, it would write beside the sync
    (tmp_path / "my.toml").write_text(f'table = "published"\n{PLAN}')
    ran = multiepoch("run", "reinit", "--plan", "my.toml", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "powerlaw/dnn/reinit" in ran.stdout
    assert re.search(r"^ click +1( +\d\.\d{4}){4} *$", ran.stdout, flags=re.MULTILINE)
    said = " ".join(ran.stdout.split())
    (heads,) = re.findall(r"^ task +epoch +(.*?) *$", ran.stdout, flags=re.MULTILINE)
    titles = [info.title for info in METRICS.values() if info.title in re.split(" {2,}", heads)]
    assert "  ".join(titles) == re.sub(" {2,}", "  ", heads)
    assert all(f"{info.title}: {info.meaning}" in said for info in METRICS.values() if info.title in titles)
    assert multiepoch("report", cwd=tmp_path).returncode == 0
    (page,) = (tmp_path / "results" / "report").glob("*.md")
    assert page.stem == "my-run"
    assert "By \\`multiepoch run\\`, on the data, network and training of plan my." in page.read_text()
    assert re.search(r"1 reporting run and 0 trials trained and evaluated for \d+ seconds?", page.read_text())
    assert (tmp_path / "results" / "report.html").stat().st_size > 10_000
    assert multiepoch("sync", cwd=tmp_path).returncode == 0


def test_a_plan_that_would_overwrite_the_table_of_another_is_refused(tmp_path: Path) -> None:
    Bench(tmp_path / "results", name="first").write()
    (tmp_path / "second.toml").write_text(f'table = "first"\n{PLAN}')
    found = multiepoch("benchmark", "second.toml", "--no-mlflow", cwd=tmp_path)
    assert (found.returncode, found.stderr.count("\n")) == (2, 1), found.stderr
    assert "would both write report/first.md; give this one another table, as --set table=second" in found.stderr


def test_a_report_of_two_results_folders_compares_them(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        Bench(tmp_path / folder).write()
    found = [multiepoch(command, "first", "second", cwd=tmp_path) for command in ("report", "compare")]
    assert [f.returncode for f in found] == [0, 0], found[0].stderr
    assert found[0].stdout == found[1].stdout
    assert "the same runs" in " ".join(found[0].stdout.split())
    assert not list(tmp_path.glob("*/report.html"))


def test_a_full_disk_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(**_: bool) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(application, "app", full)
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    assert "No space left on device; once mended, the same command goes on" in capsys.readouterr().err


@pytest.fixture
def heard() -> Iterator[None]:
    """SIGHUP is heeded, also where the tests were started by nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("heard")
def test_the_signals_are_given_back_to_who_called(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)
    before, during = [signal.getsignal(n) for n in numbers], list[object]()
    monkeypatch.setattr(cli, "_run", lambda: during.extend(signal.getsignal(n) for n in numbers))
    cli.main()
    assert [signal.getsignal(n) for n in numbers] == before
    assert not set(map(id, before)) & set(map(id, during))


def test_under_nohup_a_terminal_that_goes_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """nohup starts a program with SIGHUP ignored."""
    survived = list[bool]()

    def hung_up() -> None:
        signal.raise_signal(signal.SIGHUP)
        survived.append(True)

    monkeypatch.setattr(cli, "_run", hung_up)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        cli.main()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert survived


def test_output_that_nobody_reads_any_more_is_one_line_and_a_status_of_its_own() -> None:
    with subprocess.Popen([*PROGRAM, "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        command.stdout.close()
        assert command.stderr is not None
        said = command.stderr.read()
    assert said == "multiepoch: stopped, as its output was closed; the same command goes on with what is missing\n"
    assert command.returncode == 141


@pytest.mark.parametrize(("columns", "shown"), [("0", "area under the ROC curve"), ("10", "truth_a?")])
def test_a_terminal_without_width_or_with_few_signs_is_shown_what_it_can(columns: str, shown: str) -> None:
    """On ten columns a name ends with an ellipsis, which is no sign of ASCII."""
    environment = os.environ | {"COLUMNS": columns, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([*PROGRAM, "list", "metrics"], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert shown in done.stdout


def test_brackets_in_a_path_or_a_reason_are_printed_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Bench(tmp_path / "old [/b] [red]", name="quick").write()
    done = multiepoch("report", "--results", "old [/b] [red]", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "report: old [/b] [red]/report.html\n")
    said, verdict = io.StringIO(), Verdict("strategy", "mine", "learns", "failed", "ValueError: [/b] in [red]")
    monkeypatch.setattr(check, "conformance", lambda *_: [verdict])
    assert check.print_conformance(Console(file=said), [], None) == 1
    assert "strategy mine: learns - ValueError: [/b] in [red]" in said.getvalue()


def test_an_interruption_during_start_up_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def importing() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_run", importing)
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 130
    assert capsys.readouterr().err == "multiepoch: interrupted; the same command goes on with what is missing\n"


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("list",)])
def test_help_version_and_list_load_nothing_heavy(arguments: tuple[str, ...]) -> None:
    code = f"import sys; sys.argv = ['multiepoch', *{arguments!r}]; from harness.cli import main\n"
    code += "try: main()\nexcept SystemExit: pass\n"
    code += "print([m for m in ('torch', 'numba', 'mlflow', 'optuna', 'polars', 'matplotlib') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.stdout.splitlines()[-1] == "[]", found.stderr


def test_a_search_alone_prints_its_trials_and_how_to_train_the_winner(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(PLAN)
    strategy = "low_frequency_filter(min_count=3)+return_to_mean"
    options = ("--trials", "2", "--no-mlflow", "--workers", "1", "--set", "train.epochs=3")
    arguments = (strategy, "--plan", "my.toml", *options)
    found = multiepoch("tune", *arguments, cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    said = " ".join(found.stdout.split())
    assert "powerlaw/dnn/low_frequency_filter(min_count=3)+return_to_mean, valid click AUC" in said
    for column in ("best_epoch: valid click AUC at the epoch", "gain over own epoch 1: ", "logloss jump at boundary: "):
        assert column in said
    assert re.search(r"^ +1 +0\.\d{4} +[12] +[+-]0\.\d{4} +[+-]\d\.\d{4}", found.stdout, re.MULTILINE)
    assert "one epoch" not in found.stdout
    assert re.search(r"expected best, of trials drawn from these: 0\.\d{4} after 1, 0\.\d{4} after 2", found.stdout)
    winner = next(line for line in found.stdout.splitlines() if line.startswith("multiepoch run "))
    again = multiepoch(*shlex.split(winner)[1:], "--no-mlflow", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    (number,) = re.findall(r"winner by best_epoch: trial (\d)", found.stdout)
    keys = re.findall(r"[0-9a-f]{20}", found.stdout)[int(number)], re.findall(r"[0-9a-f]{20}", again.stdout)[0]
    trial, run = (json.loads((tmp_path / "results" / "runs" / key / "spec.json").read_text()) for key in keys)
    for part in ("dataset", "model", "strategy", "train"):
        assert run[part] == trial[part]
    assert run["train"]["epochs"] == 3


def test_a_server_that_is_not_there_is_refused_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my.toml").write_text(PLAN)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    found = multiepoch("benchmark", "my.toml", cwd=tmp_path)
    assert (found.returncode, found.stderr.count("\n")) == (2, 1), found.stderr
    assert "MLflow at 'http://127.0.0.1:9' cannot be used" in found.stderr
    assert "--no-mlflow" in found.stderr
    assert not (tmp_path / "results" / "runs").exists()


def test_a_failed_run_is_told_and_the_exit_status_is_1(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(PLAN)
    arguments = ("my.toml", "--set", "train.dense_lr=1e30", "--set", "search.trials=0", "--no-mlflow", "--workers", "1")
    found = multiepoch("benchmark", *arguments, cwd=tmp_path)
    assert found.returncode == 1, found.stderr
    assert "failed" in found.stdout
    assert "not a finite number" in found.stdout


def test_ctrl_c_is_one_line_and_a_status_of_its_own(tmp_path: Path) -> None:
    """A terminal sends it to every process of the command."""
    (tmp_path / "my.toml").write_text(PLAN)
    command = [*PROGRAM, "benchmark", "my.toml", "--no-mlflow", "--workers", "1"]
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, start_new_session=True
    ) as process:
        while not list(tmp_path.glob("results/runs/*/records.jsonl")):
            assert process.poll() is None, "it ended before it could be interrupted"
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "multiepoch: interrupted; the same command goes on with what is missing\n"


TERMINATES = '''"""Ends who launched it, in the middle of a run."""
import multiprocessing, os, signal, time
from harness.api import Strategy, Tables

class Terminates(Strategy):
    name = "terminates"
    def on_epoch_start(self, epoch: int, tables: Tables) -> None:
        if epoch == 2:
            os.kill(multiprocessing.parent_process().pid, signal.SIGTERM)
            time.sleep(2)
            os.kill(multiprocessing.parent_process().pid, signal.SIGTERM)
            time.sleep(900)
'''


def test_a_second_termination_ends_it_at_once_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "terminates.py").write_text(TERMINATES)
    (tmp_path / "my.toml").write_text(PLAN)
    options = ("--plan", "my.toml", "--plugins", ".", "--no-mlflow")
    done = multiepoch("run", "terminates", *options, cwd=tmp_path)
    assert done.returncode == 75
    assert done.stderr == "multiepoch: stopped by SIGTERM; the same command goes on with what is missing\n"


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 75), (signal.SIGUSR1, 75), (signal.SIGHUP, 129)], ids=lambda each: str(each)
)
def test_a_signal_is_one_line_and_a_status_of_its_own(
    number: signal.Signals, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "_run", lambda: signal.raise_signal(number))
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == status
    assert capsys.readouterr().err.startswith(f"multiepoch: stopped by {number.name}; the same command")
