"""Plans that keep states, and plans that begin with them."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support.plans import PLAN, go, plan_of, record_bytes

from harness.base.errors import UserError
from harness.execution.prepare import prepare
from harness.plugins.registry import Registry

SCHEMA = """
[fields]
user = "user"
price = { number = "price" }
[labels]
click = "clicked"
[split]
by = "row"
"""
ONE = ("search.trials=0", "seeds=[1]", 'strategies=["none"]')


def test_a_run_begins_with_what_another_kept(tmp_path: Path) -> None:
    results = tmp_path / "results"
    go(plan_of(tmp_path, PLAN, *ONE, "train.keep=true"), results)
    (state,) = (results / "states").iterdir()
    cold = record_bytes(results)
    assert [state.stem] == list(cold)
    result, watcher = go(plan_of(tmp_path, PLAN, *ONE, f"train.start.source={state.stem}"), results)
    assert len(watcher.trained) == 1
    (key,) = {key for arm in result.arms for key in arm.runs.values()}
    assert record_bytes(results)[key] != cold[state.stem]
    copy = state.rename(tmp_path / "elsewhere.pt")
    again, watcher = go(plan_of(tmp_path, PLAN, *ONE, f"train.start.source={copy}"), results)
    assert not watcher.trained, "the key follows the content of the file, and not its place"
    assert [arm.runs for arm in again.arms] == [arm.runs for arm in result.arms]


def test_a_run_whose_state_is_gone_is_trained_again_where_it_is_to_be_kept(tmp_path: Path) -> None:
    results, keeping = tmp_path / "results", plan_of(tmp_path, PLAN, *ONE, "train.keep=true")
    go(plan_of(tmp_path, PLAN, *ONE), results)
    assert not (results / "states").exists()
    before = record_bytes(results)
    for trained in (1, 0):
        assert len(go(keeping, results)[1].trained) == trained
    assert record_bytes(results) == before


@pytest.mark.parametrize("killed", [False, True])
def test_a_finished_run_outlives_an_attempt_to_keep_its_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    """As where the disk is full, or the process dies after some records."""
    results, keeping = tmp_path / "results", plan_of(tmp_path, PLAN, *ONE, "train.keep=true")
    go(plan_of(tmp_path, PLAN, *ONE), results)
    before = record_bytes(results)

    def full(state: object, path: Path) -> None:
        raise KeyboardInterrupt if killed else OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("harness.engine.warm_start.save", full)
        with nullcontext() if not killed else pytest.raises(KeyboardInterrupt):
            go(keeping, results)
    again, watcher = go(plan_of(tmp_path, PLAN, *ONE), results)
    assert (again.complete, watcher.trained) == (True, [])
    assert record_bytes(results) == before
    assert len(go(keeping, results)[1].trained) == 1
    assert record_bytes(results) == before
    assert not list((results / "checkpoints").glob("*.finished"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            ["train.start.source=nowhere"],
            "unknown file, or run that kept its state, 'nowhere'; accepted: [0-9a-f]{20}$",
        ),
        (["train.start.source={state}", "model.dim=8"], r"is of model dnn\(dim=4, .*this run has dnn\(dim=8, "),
        (["train.start.source={state}", 'train.table_optimizer="sgd"'], "is of table optimizer adam; this run has sgd"),
        (["train.start.source={state}", 'strategies=["none","mlet"]'], "is of table width 4; this run has"),
        (["train.start.source={plan}"], "is no state that a run has kept"),
    ],
)
def test_what_no_arm_can_begin_with_is_refused_before_any_work(
    tmp_path: Path, settings: list[str], message: str
) -> None:
    results, plan = tmp_path / "results", tmp_path / "tiny.toml"
    go(plan_of(tmp_path, PLAN, *ONE, "train.keep=true"), results)
    (state,) = (results / "states").iterdir()
    filled = [setting.format(state=state, plan=plan) for setting in settings]
    with pytest.raises(UserError, match=message):
        prepare(plan_of(tmp_path, PLAN, *ONE, *filled), Registry(), results)


def test_the_next_days_log_begins_once_the_schema_has_the_scale_that_the_message_names(tmp_path: Path) -> None:
    """A file a day, with one schema: the second day's prices are other ones."""
    results, schema = tmp_path / "results", tmp_path / "schema.toml"
    schema.write_text(SCHEMA)
    plans = list[str]()
    for day in (1, 2):
        rng = np.random.default_rng(day)
        price_N = day + rng.normal(size=600)
        clicked_N = rng.random(600) < 1 / (1 + np.exp(-price_N))
        log = pl.DataFrame({"user": rng.integers(0, 9, 600), "price": price_N, "clicked": clicked_N.astype(int)})
        log.write_parquet(tmp_path / f"{day}.parquet")
        plans.append(f"{PLAN.split('[[dataset]]')[0]}[[dataset]]\nname = 'table_file'\nschema = '{schema}'\n"
                     f"path = '{tmp_path}/{day}.parquet'\n[[model]]{PLAN.split('[[model]]')[1]}")  # fmt: skip
    task = (*ONE, 'search.task="click"')
    go(plan_of(tmp_path, plans[0], *task, "train.keep=true"), results)
    (state,) = (results / "states").iterdir()
    second = plan_of(tmp_path, plans[1], *task, f"train.start.source={state.stem}")
    with pytest.raises(UserError, match="reads number 'price' by scale standard, mean") as got:
        prepare(second, Registry(), results)
    said = str(got.value).partition("by a schema with price: ")[2]
    schema.write_text(SCHEMA.replace('number = "price"', f'number = "price", {said}'))
    assert len(go(second, results)[1].trained) == 1


def test_a_misspelt_key_of_the_start_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train.start: unknown key 'sauce'; did you mean 'source'"):
        plan_of(tmp_path, PLAN, "train.start.sauce=x")
