"""Repetitions on data of their own: a seed trains and tests on its time origin, the search stays on the first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support.plans import PLAN, go, plan_of

from harness.analysis import load
from harness.analysis.analysis import GroupAnalysis
from harness.api import UserError
from harness.data import indexed
from harness.data.build import data_folder
from harness.diagnose import power
from harness.execution.prepare import prepare
from harness.experiment.plan import Plan
from harness.plugins.registry import Registry
from harness.report.tables.certainty import sensitivity
from harness.results.influences import influence, influences_file
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


def test_every_repetition_has_its_draw_and_the_search_another(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, PLAN, 'repetitions="draws"', "data_seed=5", "evaluation.test_error=true")
    result, watched = go(plan, tmp_path / "results")
    assert result.complete
    drawn = {(job.role, job.number if job.role == RunRole.SEED else 0): job.spec.data_seed for job in watched.trained}
    assert drawn == {(RunRole.TRIAL, 0): 5, (RunRole.SEED, 1): 6, (RunRole.SEED, 2): 7}
    found = load.load(tmp_path / "results", plan.name)
    (group,) = found.groups
    assert (group.draws, group.data_seeds) == (2, 2)
    gains = [row.value("gain") for row in GroupAnalysis(group, found.plan).ranked]
    assert [gain.test_error for gain in gains if gain is not None] == [0, 0, 0], "each value holds that of its own rows"


def test_draws_of_what_is_not_generated_are_refused(tmp_path: Path) -> None:
    text = write(tmp_path, SPLIT.replace("rolling = 3\n", ""))
    with pytest.raises(UserError, match=r"repetitions are draws: data set 'table_file' is not generated.*'seeds'"):
        go(plan_of(tmp_path, text, 'repetitions="draws"'), tmp_path / "results")
    assert len(list((tmp_path / "results" / "data").iterdir())) == 1


def test_the_error_of_a_shared_test_set_enters_intervals_where_runs_keep_it(tmp_path: Path) -> None:
    """Of the mean over seeds: by hand, from the influences on disk."""
    plan = plan_of(tmp_path, PLAN, "search.trials=0", "evaluation.test_error=true")
    result, watched = go(plan, tmp_path)
    plain = plan_of(tmp_path, PLAN, "search.trials=0")
    keys = {job.key for arm in prepare(plain, Registry(), tmp_path) for job in [arm.job({}, RunRole.SEED, 1, 1)]}
    assert not keys & {job.key for job in watched.trained}, "a run that keeps more is another"
    assert "test_error" not in plain.evaluation.model_dump()
    found = load.load(tmp_path, plan.name)
    (group,) = found.groups
    analysis = GroupAnalysis(group, found.plan)
    row = next(row for row in analysis.ranked if row.arm.label == "reinit")
    gain = row.value("gain")
    assert gain is not None
    own, base = np.zeros(1), np.zeros(1)
    for seed, run in row.arm.finished.items():
        assert run.folder is not None
        here = influence(run.folder, analysis.epochs[id(row.arm)][seed], "test/auc/click")
        there = influence(tmp_path / "runs" / result.arms[-1].runs[seed], 1, "test/auc/click")
        assert here is not None
        assert there is not None
        own, base = own + here / 2, base + there / 2
    assert gain.test_error == pytest.approx(np.sqrt(np.square(own - base).sum()), rel=1e-6)
    alone = GroupAnalysis(replace(group, arms=(row.arm,)), found.plan)
    assert power.alike(alone) == pytest.approx(own @ base / np.sqrt((own @ own) * (base @ base)), rel=1e-4)
    assert gain.high is not None
    assert gain.high - gain.mean >= 1.9 * gain.test_error
    lost = influences_file(tmp_path / "runs" / result.arms[-1].runs[1], 1)
    content = lost.read_bytes()
    for damage, message in ((None, "is missing, without which"), (b"", "is damaged"), (content[:-30], "is damaged")):
        lost.unlink() if damage is None else lost.write_bytes(damage)
        with pytest.raises(UserError, match=f"influences-1.npz' {message}"):
            _ = GroupAnalysis(group, found.plan).ranked


def without_test(folder: Path) -> Plan:
    return plan_of(folder, PLAN, "search.trials=0", "evaluation.test_error=true", "evaluation.test=false")


def by_windows(folder: Path) -> Plan:
    text = write(folder, SPLIT.replace("rolling = 3\n", ""))
    return plan_of(folder, text, "search.trials=0", "evaluation.test_error=true", "train.continual={windows=3}")


def by_gauc(folder: Path) -> Plan:
    return plan_of(folder, PLAN, "search.trials=0", "evaluation.test_error=true", 'search.metric="gauc"')


def test_test_rows_of_one_group_tell_no_error_and_the_page_says_so(tmp_path: Path) -> None:
    text = write(tmp_path, SPLIT.replace("rolling = 3\n", ""))
    log, schema = tmp_path / "log.parquet", tmp_path / "schema.toml"
    pl.read_parquet(log).with_columns(shop=pl.lit("the only one")).write_parquet(log)
    schema.write_text('group = "shop"\n' + schema.read_text())
    plan = plan_of(tmp_path, text, "search.trials=0", "evaluation.test_error=true")
    go(plan, tmp_path)
    found = load.load(tmp_path, plan.name)
    analysis = GroupAnalysis(found.groups[0], found.plan)
    gains = [row.value("gain") for row in analysis.ranked]
    assert [gain.test_error for gain in gains if gain is not None] == [0, 0, 0]
    said = sensitivity(analysis)
    assert "intervals are of other seeds alone" in said
    assert "test rows of one group, or with one positive, do not tell by how much" in said


@pytest.mark.parametrize(("asked", "split"), [(without_test, "valid"), (by_windows, "test"), (by_gauc, "test")])
def test_where_no_error_of_test_rows_can_be_kept_a_plan_that_asks_for_it_is_read_without(
    asked: Callable[[Path], Plan], split: str, tmp_path: Path
) -> None:
    """And is not told to ask for it."""
    plan = asked(tmp_path)
    go(plan, tmp_path)
    found = load.load(tmp_path, plan.name)
    (group,) = found.groups
    analysis = GroupAnalysis(group, found.plan)
    gains = [row.value("gain") for row in analysis.ranked]
    assert [gain.test_error for gain in gains if gain is not None] == [0, 0, 0]
    assert group.split == split
    said = sensitivity(analysis)
    assert said
    assert "`evaluation.test_error" not in said


@pytest.mark.parametrize(("settle", "most"), [(10.0, 6), (1e-9, 8)])
def test_an_arm_is_repeated_until_it_is_settled_and_no_more(settle: float, most: int, tmp_path: Path) -> None:
    text = PLAN.replace("seeds = [1, 2]\n", f"repetitions = {{ most = 8, settle = {settle} }}\n")
    text = text.replace('"reinit"', '"embedding_dropout"')
    plan = plan_of(tmp_path, text, "search.trials=0", "train.epochs=1")
    assert plan.seeds == tuple(range(1, 9))
    result, watched = go(plan, tmp_path)
    assert result.complete
    took = {arm.strategy: len(arm.runs) for arm in result.arms if arm.role == ArmRole.ARM}
    (base,) = (arm for arm in result.arms if arm.role == ArmRole.ONE_EPOCH)
    assert took == {"none": 6, "embedding_dropout": most}, "one epoch of none is the baseline, to the bit: settled"
    assert len(base.runs) == most
    assert {job.spec.data_seed for job in watched.trained} == set(range(1, most + 1))
    assert go(plan, tmp_path)[1].trained == []
    (group,) = load.load(tmp_path, plan.name).groups
    assert not any(arm.failed for arm in group.everything)


def test_repetitions_that_settle_count_their_own_seeds(tmp_path: Path) -> None:
    for text, why in [
        (PLAN, "seeds are 2 and repetitions.most 8; leave out seeds"),
        (PLAN.replace("seeds = [1, 2]\n", "").replace('"none", ', ""), "needs strategy 'none'"),
    ]:
        with pytest.raises(UserError, match=why):
            plan_of(tmp_path, text, "repetitions={ most = 8, settle = 0.0005 }")
