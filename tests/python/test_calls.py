"""`import multiepoch`: a frame in, a result out; nothing twice; bad input is one line before anything trains."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from support.engine import TINY
from support.plans import Inline, record_bytes

import multiepoch as me
from harness.execution.launcher import Event
from harness.metrics.catalog import sign_of
from harness.report.write import analyse

SMALL: dict[str, Any] = {"model": {"name": "dnn", "dim": 4, "hidden": [8]}, "epochs": 2, "seeds": 2}
BOTH = ["none", "reinit"]


def test_a_frame_is_benchmarked_and_the_same_call_finds_it_all(
    inline: Path, log: pl.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    found = me.benchmark(log, "click", BOTH, **SMALL)
    assert "4 runs trained, 0 found in 'results'" in (said := capsys.readouterr().out)
    assert "named as a user" in said
    (before, files) = record_bytes(inline / "results"), sorted((inline / "results" / "inputs").iterdir())
    again = me.benchmark(pl.concat([log[:700], log[700:]], rechunk=False), ["click"], ["reinit"], **SMALL)
    assert "0 runs trained, 4 found" in capsys.readouterr().out
    assert record_bytes(inline / "results") == before
    assert sorted((inline / "results" / "inputs").iterdir()) == files
    assert again.table().sort("strategy").equals(found.table().sort("strategy"))


def test_another_frame_and_another_label_are_other_data(inline: Path, log: pl.DataFrame) -> None:
    for frame, label in ((log, "click"), (log[1:], "click"), (log.rename({"click": "buy"}), "buy")):
        me.benchmark(frame, label, BOTH, **SMALL | {"epochs": 1, "seeds": 1}, progress=False)
    assert len(list((inline / "results" / "data").iterdir())) == 3


def test_pandas_and_a_path_are_the_same_data(
    inline: Path, log: pl.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    once = SMALL | {"epochs": 1, "seeds": 1}
    me.benchmark(log.with_columns(pl.col("item").cast(pl.String)), "click", BOTH, **once)
    (path,) = (inline / "results" / "inputs").glob("*.parquet")
    capsys.readouterr()
    me.benchmark(path, "click", BOTH, **once)
    assert "0 runs trained" in capsys.readouterr().out
    pandas = log.to_pandas()
    pandas["item"] = pandas["item"].astype(str).astype("category")
    for frame in (pandas, pandas.set_index("user")):
        me.benchmark(frame, "click", BOTH, **once)
        assert "0 runs trained" in capsys.readouterr().out


def test_generated_data_and_further_keys(inline: Path) -> None:
    data = {"name": "powerlaw", **TINY}
    found = me.benchmark(
        data, "checkout", [], **SMALL | {"seeds": [5]}, overrides={"train.batch_size": 512}, progress=False
    )
    plan = found.analysis.comparison.plan
    assert (plan.train.batch_size, plan.search.task, plan.strategies, plan.seeds) == (512, "checkout", ("none",), (5,))


def test_a_plan_runs_as_by_its_command_and_is_loaded(inline: Path) -> None:
    keys = {"strategies": BOTH, "seeds": [1], "name": "mine", "dataset": [{"name": "powerlaw", **TINY}]}
    keys |= {"model": [SMALL["model"]], "train": {"epochs": 1, "batch_size": 512}}
    found = me.run_plan(keys, overrides={"train.epochs": 2}, progress=False)
    assert found.complete
    assert me.load().table().equals(found.table())
    assert me.load("results", "mine").name == "mine"
    assert me.compare("results", "results").select("strategy", "verdict", "difference").rows() == [
        (name, "the same runs", 0.0) for name in found.table()["strategy"]
    ]
    me.run_plan(keys | {"name": "other"}, progress=False)
    with pytest.raises(me.UserError, match="plan: 'results' has 2 plans; accepted: mine, other"):
        me.load()


def test_frames_hold_the_numbers_of_the_analysis(inline: Path, log: pl.DataFrame) -> None:
    found = me.benchmark(log, "click", BOTH, **SMALL, progress=False)
    (each,) = analyse(inline / "results", "benchmark").groups
    for metric in ("auc", "logloss"):
        table = found.table(metric=metric)
        rows = {row.arm.label: row for row in each.compared("click", metric)}
        assert table["strategy"].to_list() == list(rows)
        for line in table.filter(pl.col("strategy") != "one epoch").iter_rows(named=True):
            gain, row = rows[line["strategy"]].value("gain"), rows[line["strategy"]]
            assert gain is not None
            assert (line["gain"], line["low"], line["p"]) == (gain.mean, gain.low, row.p("gain"))
            base = table.filter(strategy="one epoch")["value"].item()
            assert line["gain"] == pytest.approx(sign_of(metric) * (line["value"] - base))
    curves, records = found.curves(metric="logloss"), found.records()
    sample = records.filter(split="sample", metric="logloss", bucket="").filter(pl.col("strategy") != "one epoch")
    mean = sample.group_by("strategy", "position").agg(pl.col("value").mean()).sort("strategy", "position")
    assert curves.sort("strategy", "position")["value"].to_list() == pytest.approx(mean["value"].to_list())
    assert records.filter(boundary=True, split="test")["seed"].unique().sort().to_list() == [1, 2]


def test_it_is_shown_as_text_as_html_and_as_a_figure(inline: Path, log: pl.DataFrame) -> None:
    found = me.benchmark(log, "click", BOTH, **SMALL, progress=False)
    assert found.verdict.headline in str(found)
    assert found.verdict.headline in found._repr_html_()
    assert found.verdicts == {"frame / dnn": found.verdict}
    assert repr(found) == "Result(plan 'benchmark' in 'results', 3 arms)"
    assert ">reinit</text>" in found.plot().save(inline / "curves.svg").read_text()
    assert found.plot(metric="logloss").svg != found.plot()._repr_svg_()
    assert found.report().read_text().count("reinit") > 3


BAD: list[tuple[dict[str, Any], str]] = [
    ({"labels": "clik"}, "labels: unknown column 'clik'; did you mean 'click'? accepted: click, item, user"),
    ({"labels": "user"}, "labels 'user': the column has "),
    ({"time": "item_"}, "time: unknown column of times 'item_'; did you mean 'item'?"),
    ({"strategies": ["none", "reinti"]}, "unknown strategy 'reinti'; did you mean 'reinit'?"),
    ({"strategies": "reinit"}, "strategies = 'reinit' is not accepted; accepted: a list"),
    ({"strategies": ["reinit", "reinit"]}, "strategy 'reinit' is listed twice"),
    ({"model": "dn"}, "unknown model 'dn'; did you mean 'dnn'?"),
    ({"epochs": 0}, "benchmark: train.epochs = 0 is not accepted"),
    ({"seeds": 0}, "seeds = [] is not accepted: at least one is needed"),
    ({"overrides": {"train.epoch": 2}}, "unknown key 'epoch'; did you mean 'epochs'?"),
    ({"overrides": ["train.epochs=2"]}, "overrides = ['train.epochs=2'] is not accepted; accepted: keys of a plan"),
    ({"workers": 0}, "workers = 0 is not accepted; accepted: 1 or more"),
    ({"name": "a/b"}, "name = 'a/b' is not accepted"),
    ({"data": 3}, "data = 3 is not accepted; accepted: a polars or pandas DataFrame, a path"),
    ({"data": pl.LazyFrame({"a": [1]})}, "a LazyFrame is not accepted; accepted: data.collect()"),
    ({"data": pl.DataFrame({"user": [], "click": []})}, "has 0 rows"),
    ({"data": pd.DataFrame({"a": [2**63, -1]}, dtype=object)}, "data: column 'a' cannot be read: Python int too large"),
    ({"data": pd.DataFrame({"a": [1], "z": [1j]})}, "data: column 'z' cannot be read: Unsupported numpy type 15"),
    (
        {"data": pd.DataFrame({"a": [1], "z": pd.Series([1j], dtype=object)})},
        "data: column 'z' cannot be read",
    ),
    (
        {"data": pl.DataFrame({"b": [1], "a": [object()]})},
        "data: column 'a' holds objects of Python; accepted: numbers",
    ),
    ({"data": "clicks.parquet"}, "path = 'clicks.parquet': the file does not exist"),
    ({"schema": "avazoo"}, "schema = 'avazoo'"),
]


@pytest.mark.parametrize(("given", "said"), BAD, ids=lambda value: str(value).split(" at 0x")[0][:40])
def test_what_is_not_accepted_is_one_line_before_anything_trains(
    inline: Path, log: pl.DataFrame, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(me.UserError) as error:
        me.benchmark(**dict[str, Any](data=log, labels="click", strategies=BOTH, progress=False) | SMALL | given)
    assert said in str(error.value)
    assert "--" not in str(error.value)
    assert "\n" not in str(error.value)
    assert not (inline / "results" / "runs").exists()
    assert error.value._render_traceback_() == [f"UserError: {error.value}"]


def test_a_path_with_dashes_is_named_as_it_is() -> None:
    with pytest.raises(me.UserError, match=r"^plugins 'mine--too' is not a folder$"):
        me.run_plan("smoke", plugins="mine--too")


def test_what_is_done_before_ctrl_c_is_kept(
    inline: Path, log: pl.DataFrame, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train, events = Inline.events, iter(range(9))

    def stopped(launcher: Inline, timeout: float) -> Iterator[Event]:
        if next(events) == 3:
            raise KeyboardInterrupt
        return train(launcher, timeout)

    monkeypatch.setattr(Inline, "events", stopped)
    with pytest.raises(KeyboardInterrupt):
        me.benchmark(log, "click", BOTH, **SMALL)
    assert "interrupted: what is done is in 'results'" in capsys.readouterr().out
    assert me.load().table()["strategy"].to_list() == ["none", "one epoch"]
    monkeypatch.setattr(Inline, "events", train)
    me.benchmark(log, "click", BOTH, **SMALL)
    assert "1 run trained" in capsys.readouterr().out


SCRIPT = """
import os, sys
import polars as pl
import multiepoch as me
from multiepoch import RowStep, Strategy

assert not {"torch", "pandas", "mlflow"} & sys.modules.keys()
from factors import factor

class Slower(Strategy):
    name = "slower"

    def on_rows(self, step: RowStep) -> RowStep:
        return step.scale_lr(factor() * step.seen_K.sign())

os.chdir("below")
model = {"name": "dnn", "dim": 4, "hidden": [8]}
found = me.benchmark("log.parquet", "click", ["none", Slower], model=model, epochs=1, seeds=1, workers=1)
print(found.table()["seeds"].to_list())
"""


def test_a_class_of_a_script_without_a_guard_reaches_worker_processes(tmp_path: Path, log: pl.DataFrame) -> None:
    (tmp_path / "below").mkdir()
    log.write_parquet(tmp_path / "below" / "log.parquet")
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "factors.py").write_text("def factor():\n    return 0.5\n")
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "2 runs trained, 0 found in 'results'" in done.stdout
    assert done.stdout.splitlines()[-1] == "[1, 1, 1]"
    (tmp_path / "factors.py").write_text("def factor():\n    return 0.25\n")
    again = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 run trained, 1 found in 'results'" in again.stdout
    assert me.load(tmp_path / "below" / "results").table().filter(strategy="slower")["value"].item() > 0
