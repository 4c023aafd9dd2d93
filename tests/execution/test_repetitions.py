"""Repetitions on data of their own: a seed trains and tests on its time origin, the search stays on the first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support.plans import PLAN, go, plan_of

from harness.analysis import load
from harness.api import UserError
from harness.data import indexed
from harness.data.build import data_folder
from harness.results.keys import ArmRole, RunRole

ROWS, SPLIT = 4000, '[split]\nby = "time"\nrolling = 3\nvalid = 0.1\ntest = 0.1\n'


def write(folder: Path, split: str = SPLIT) -> str:
    """A log whose row n is of hour n, and a plan on it."""
    random = np.random.default_rng(0)
    hour = 1_600_000_000 + 3600 * np.arange(ROWS)
    frame = pl.DataFrame({"user": random.integers(0, 50, ROWS), "ts": hour, "y": random.integers(0, 2, ROWS)})
    frame.write_parquet(folder / "log.parquet")
    (folder / "schema.toml").write_text(f'fields = ["user"]\ntime = "ts"\n[labels]\nclick = "y"\n{split}')
    table = f'name = "table_file"\nschema = "{folder}/schema.toml"\npath = "{folder}/log.parquet"\n[[model]]'
    before, rest = PLAN.split('name = "powerlaw"')
    return before + table + rest.partition("[[model]]")[2]


def test_every_seed_has_its_time_origin_and_the_search_the_first(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, write(tmp_path), "seeds=[7, 2, 5]")
    result, watched = go(plan, tmp_path / "results")
    assert result.complete
    tested: dict[tuple[str, int], set[int]] = {}
    for job in watched.trained:
        data = indexed.load(data_folder(tmp_path / "results", job.data))
        assert data.test.time_N is not None
        tested.setdefault((job.role, job.number), set()).add(int(data.test.time_N[0] - 1_600_000_000) // 3600)
    seeds = {number: hours for (role, number), hours in tested.items() if role == RunRole.SEED}
    assert seeds == {7: {2800}, 2: {3200}, 5: {3600}}, "every arm has the same data for a seed"
    assert {hour for (role, _), hours in tested.items() if role == RunRole.TRIAL for hour in hours} == {2800}
    assert {arm.role for arm in result.arms} == {ArmRole.ARM, ArmRole.ONE_EPOCH}
    assert all(len(set(arm.runs.values())) == 3 for arm in result.arms)
    (group,) = load.load(tmp_path / "results", plan.name).groups
    assert group.draws == 3
    assert go(plan, tmp_path / "results")[1].trained == []


def test_a_plan_of_one_data_set_has_one_and_more_seeds_than_origins_are_refused(tmp_path: Path) -> None:
    text = write(tmp_path)
    with pytest.raises(UserError, match=r"rolling = 3 is less than the seeds of the plan.*accepted: 3 seeds at most"):
        go(plan_of(tmp_path, text, "seeds=[1, 2, 3, 4]"), tmp_path / "results")
    for name, overrides, split in [
        ("named", ["dataset.origin=1"], SPLIT),
        ("plain", [], SPLIT.replace("rolling = 3\n", "")),
    ]:
        plan = plan_of(tmp_path, write(tmp_path, split), "search.trials=0", *overrides)
        _, watched = go(plan, tmp_path / name)
        assert len({job.data for job in watched.trained}) == 1
        assert len(watched.trained) == 4
