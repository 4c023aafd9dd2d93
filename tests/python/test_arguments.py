"""Whatever is given to a function of `import multiepoch`, it is taken for what it means or refused in one line."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from support.engine import TINY
from support.plans import Trained

import multiepoch as me
from harness.commands import benchmark as command

ONCE: dict[str, Any] = {"model": {"name": "dnn", "dim": 4, "hidden": [8]}, "epochs": 1, "seeds": 1, "progress": False}
ODD: list[Any] = [
    None, 3, 0, -1, 2.5, float("nan"), True, "", "3", "x", "a\0b", "a/b", "--x", b"x", object(), print, int, ...,
    pickle, (), [], [None], [[]], ["x"], (1, 2), {}, {"a": 1}, {3: 4}, {"name": 3}, {"train.epochs": [2]}, set(),
    range(2), np.int64(1), np.float32(0.5), np.bool_(1), np.str_("x"), np.array(3), np.arange(2), np.array(["x"]),
    np.zeros((2, 2)), pd.NA, pd.NaT, pd.Series([1, 2]), pd.Index(["x"]), pd.DataFrame({"x": [1]}),
    pd.Timestamp("2024-05-01"), pl.Series([1]), pl.DataFrame({"x": [1]}),
    Path("x"), Path("/dev/null"), Path("/dev/null/x"),
]  # fmt: skip


@pytest.fixture(scope="module")
def small() -> pl.DataFrame:
    rows = np.arange(300)
    return pl.DataFrame({"user": rows % 37, "item": rows % 11, "click": rows * rows % 7 % 2})


def refused(call: Callable[..., Any], **given: Any) -> str:
    """The message; empty: it is accepted."""
    said = ""
    try:
        call(**given)
    except me.UserError as error:
        said = str(error)
    except Trained:
        pass
    assert said.isprintable()
    return said


def asked(frame: Any, **given: Any) -> dict[str, Any]:
    return {"data": frame, "labels": "click", "strategies": ["none"]} | ONCE | given


def names_of(function: Callable[..., Any], *but: str) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name not in but]


@pytest.mark.parametrize("name", names_of(me.benchmark))
def test_no_argument_of_benchmark_is_an_error_of_another_kind(untrained: Path, small: pl.DataFrame, name: str) -> None:
    for value in ODD:
        refused(me.benchmark, **asked(small, **{name: value}))


PLAN: dict[str, Any] = {
    "name": "mine", "strategies": ["none"], "seeds": [1], "dataset": [{"name": "powerlaw", **TINY}],
    "model": [ONCE["model"]], "train": {"epochs": 1, "batch_size": 512}, "search": {"trials": 0},
}  # fmt: skip


@pytest.mark.parametrize("name", names_of(me.run_plan))
def test_nor_of_run_plan(untrained: Path, name: str) -> None:
    for value in ODD:
        refused(me.run_plan, **{"plan": PLAN, "progress": False} | {name: value})


def test_nor_of_what_reads_results(inline: Path, small: pl.DataFrame) -> None:
    found = me.benchmark(small, "click", ["none"], **ONCE)
    readers: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        (me.load, {}),
        (me.compare, {"first": "results", "second": "results"}),
    ]
    for function, more in readers:
        for name in names_of(function):
            for value in ODD:
                refused(function, **{**more, name: value})
    for method in (found.table, found.curves, found.plot):
        for name in names_of(method):
            for value in ODD:
                assert bool(refused(method, **{name: value})) == (value is not None)
    figure = found.plot()
    for value in ODD:
        assert refused(figure.save, path=value)


def test_a_file_that_cannot_be_written_is_named(inline: Path, small: pl.DataFrame) -> None:
    found = me.benchmark(small, "click", ["none"], **ONCE)
    with pytest.raises(me.UserError, match=r"^path = '/nonexist/x.svg' cannot be written: No such file or directory$"):
        found.plot().save("/nonexist/x.svg")
    (inline / "a.svg").mkdir()
    with pytest.raises(me.UserError, match=r"^path = 'a.svg' cannot be written: Is a directory$"):
        found.plot().save("a.svg")
    (inline / "results" / "report").write_text("no folder")
    with pytest.raises(me.UserError, match=r"^the report in 'results' cannot be written: File exists$"):
        found.report()


def test_a_folder_that_cannot_be_written_is_named_where_a_class_is_too(inline: Path, small: pl.DataFrame) -> None:
    (inline / "results").write_text("no folder")

    with pytest.raises(me.UserError, match=r"^results folder 'results/inputs' cannot be written: Not a directory$"):
        me.benchmark(small, "click", ["none", Halved], **ONCE)


class Halved(me.Strategy):
    """At the top of a module, as a strategy must be."""

    name = "halved"

    def on_rows(self, step: me.RowStep) -> me.RowStep:
        return step.scale_lr(0.5 * step.seen_K.sign())


ALIKE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"seeds": np.int64(2)}, {"seeds": 2}),
    ({"seeds": np.arange(1, 3)}, {"seeds": [1, 2]}),
    ({"seeds": pd.Series([5, 7])}, {"seeds": [5, 7]}),
    ({"seeds": range(2, 4)}, {"seeds": [2, 3]}),
    ({"epochs": np.int32(2)}, {"epochs": 2}),
    ({"trials": np.int64(0)}, {"trials": 0}),
    ({"workers": np.uint8(1)}, {"workers": 1}),
    ({"progress": np.bool_(0)}, {"progress": False}),
    ({"labels": np.array(["click"])}, {"labels": ["click"]}),
    ({"labels": pd.Index(["click"])}, {"labels": "click"}),
    ({"labels": pl.Series(["click"])}, {"labels": "click"}),
    ({"strategies": np.array(["none", "reinit"])}, {"strategies": ["none", "reinit"]}),
    ({"overrides": {"train.batch_size": np.int64(512)}}, {"overrides": {"train.batch_size": 512}}),
    ({"model": {"name": "dnn", "dim": np.int64(4), "hidden": np.array([8])}}, {"model": ONCE["model"]}),
]


@pytest.mark.parametrize(("given", "meant"), ALIKE, ids=lambda value: str(value)[:40])
def test_values_of_numpy_pandas_and_polars_mean_those_of_python(
    untrained: Path, monkeypatch: pytest.MonkeyPatch, small: pl.DataFrame, given: dict[str, Any], meant: dict[str, Any]
) -> None:
    plans = list[Any]()

    def trained(console: Any, plan: Any, registry: Any, results: Any, where: Any, kind: Any) -> None:
        plans.append((plan, results, where, kind))
        raise Trained

    monkeypatch.setattr(command, "trained", trained)
    for each in (given, meant):
        assert refused(me.benchmark, **asked(small, **each)) == ""
    assert plans[0] == plans[1]


@pytest.mark.parametrize("labels", [3, "3", [3], np.int64(3), np.array([3])])
def test_columns_of_pandas_without_a_header_are_named_by_their_numbers(
    untrained: Path, small: pl.DataFrame, labels: Any
) -> None:
    frame = small.with_columns(time=pl.int_range(pl.len())).select("user", "item", "time", "click").to_pandas()
    frame.columns = pd.RangeIndex(4)
    assert refused(me.benchmark, **asked(frame, labels=labels, time=2)) == ""
    assert refused(me.benchmark, **asked(frame, labels=4)).startswith("labels: unknown column '4'")


SAID: list[tuple[dict[str, Any], str]] = [
    (
        {"labels": None},
        "labels = None is not accepted; accepted: the name of a column, or a list of names; () has them",
    ),
    ({"labels": [["click"]]}, "labels[0] = ['click'] is not accepted; accepted: the name of a column"),
    ({"labels": {"click"}}, "labels = {'click'} is not accepted; accepted: a list of names, as a set has no first one"),
    ({"data": {"name": "powerlaw"}, "time": "ts"}, "time = 'ts' is of a table; accepted: none, where data names a"),
    ({"time": ["ts"]}, "time = ['ts'] is not accepted; accepted: the name of a column"),
    ({"seeds": "3"}, "seeds = '3' is not accepted; accepted: how many, as 3, or which, as [1, 2]"),
    ({"seeds": True}, "seeds = True is not accepted"),
    ({"seeds": [1, 2.5]}, "seeds[1] = 2.5 is not accepted; accepted: a whole number"),
    ({"workers": "2"}, "workers = '2' is not accepted; accepted: 1 or more"),
    ({"workers": np.int64(0)}, "workers = 0 is not accepted; accepted: 1 or more"),
    ({"results": None}, "results = None is not accepted; accepted: a folder"),
    ({"schema": {"fields": {}}}, "schema = {'fields': {}} is not accepted; accepted: a TOML file, or a ready schema"),
    ({"mlflow": "no"}, "mlflow = 'no' is not accepted; accepted: True or False"),
    ({"model": {3: 4}}, "model = {3: 4} is not accepted; accepted: a name, or a table as {'name': 'dnn', 'dim': 8}"),
    ({"overrides": {3: 4}}, "overrides = {3: 4} is not accepted; accepted: keys of a plan, as {'train.epochs': 2}"),
]


@pytest.mark.parametrize(("given", "said"), SAID, ids=lambda value: str(value)[:40])
def test_what_is_refused_is_quoted_with_its_argument(
    untrained: Path, small: pl.DataFrame, given: dict[str, Any], said: str
) -> None:
    assert said in refused(me.benchmark, **asked(small, **given))


def test_a_plan_that_is_none_is_refused() -> None:
    said = "plan = 3 is not accepted; accepted: the name of one, a TOML file, or the keys of one"
    assert refused(me.run_plan, plan=3) == said
