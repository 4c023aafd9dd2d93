"""How much of what ids say lasts: against labels whose answer is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.synthetic import coded

from harness.data.profile.lasting import GROUPS, Lasting, by_label, jackknife, lasting, shared
from harness.data.profile.tables import lasts

IDS, ROWS, SPREAD = 2_000, 200_000, 0.1


def labels(kept: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Ids, and labels of rates that have the correlation `kept` between the halves."""
    rng = np.random.default_rng(seed)
    id_N, first_V, other_V = rng.integers(IDS, size=ROWS), rng.standard_normal(IDS), rng.standard_normal(IDS)
    later_V = kept * first_V + np.sqrt(1 - kept**2) * other_V
    rate_N = 0.4 + SPREAD * np.clip(np.where(np.arange(ROWS) < ROWS // 2, first_V[id_N], later_V[id_N]), -3, 3)
    return id_N, (rng.random(ROWS) < rate_N).astype(float)


def later(rows: int = ROWS) -> np.ndarray:
    return np.arange(rows) >= rows // 2


@pytest.mark.parametrize("kept", [1.0, 0.5, 0.0])
def test_the_part_that_lasts_is_that_of_the_rates(kept: float) -> None:
    found = lasting(*labels(kept), later())
    assert found is not None
    explained = SPREAD**2 / (0.4 * 0.6)
    assert found.told
    assert found.at_random == pytest.approx(explained * (1 + kept) / 2, rel=0.15)
    assert found.by_time == pytest.approx(explained * kept, abs=0.15 * explained)
    assert abs(found.share - kept / ((1 + kept) / 2)) < 5 * found.error + 0.02


def test_its_error_is_the_spread_over_logs() -> None:
    """Over 40 logs a standard deviation is within 35 % of its expectation 99 times in 100."""
    found = [lasting(*labels(0.5, seed), later(), seed) for seed in range(40)]
    apart = np.std([each.share for each in found if each], ddof=1)
    assert np.mean([each.error for each in found if each]) == pytest.approx(apart, rel=0.35)


def test_ids_that_live_briefly_are_not_taken_for_stale() -> None:
    """Half of the rows are of ids that each live a two-thousandth of the log; no id ever changes what it says."""
    rng, rows = np.random.default_rng(7), 100_000
    brief_N, at_N = rng.random(rows) < 0.5, np.arange(rows)
    id_N = np.where(brief_N, 1_000 + at_N * 2_000 // rows, rng.integers(1_000, size=rows))
    said_V = np.concatenate([rng.choice([-0.05, 0.05], 1_000), rng.choice([-0.2, 0.2], 2_001)])
    found = lasting(id_N, (rng.random(rows) < 0.4 + said_V[id_N]).astype(float), later(rows))
    assert found is not None
    assert abs(found.share - 1) < 5 * found.error


def test_a_rate_that_moves_is_nothing_that_ids_say() -> None:
    rng, rows = np.random.default_rng(8), 100_000
    at_N = np.arange(rows) / rows
    id_N = np.floor((at_N + rng.uniform(0, 1 / 3, rows)) * 900).astype(int)
    found = lasting(id_N, (rng.random(rows) < 0.1 + 0.4 * at_N).astype(float), later(rows))
    assert found is not None
    assert not found.told


@pytest.mark.parametrize("ids", [2, 3, 10, 30])
def test_fields_of_few_ids_that_say_nothing_are_not_told(ids: int) -> None:
    told = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        found = lasting(rng.integers(ids, size=4_000), (rng.random(4_000) < 0.3).astype(float), later(4_000))
        told += found is not None and found.told
    assert told <= 5


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    value_G = np.random.default_rng(5).standard_normal(GROUPS)
    without_G = (value_G.sum() - value_G) / (GROUPS - 1)
    assert jackknife(without_G) == pytest.approx(value_G.std(ddof=1) / np.sqrt(GROUPS))


def test_it_is_the_weighted_mean_of_products() -> None:
    """Two ids have one row in each half and so weigh alike; a third is in the first half alone."""
    late_M = np.array([False, False, True, True, False])
    found = shared(np.array([0, 1, 0, 1, 2]), np.array([1.0, -2.0, 3.0, -1.0, 9.0]), late_M, np.arange(3))
    assert found.share == pytest.approx((1 * 3 + 2 * 1) / 2)
    assert found.without_G[:3].tolist() == pytest.approx([2.0, 3.0, 2.5])
    assert found.chance == pytest.approx(np.sqrt(2) / 2)


def test_too_few_ids_or_labels_of_one_kind_tell_nothing() -> None:
    id_N, label_N = np.arange(40) % 20, (np.arange(40) % 3 == 0).astype(float)
    assert lasting(id_N, label_N, later(40)) is not None
    assert lasting(id_N % 9, label_N, later(40)) is None
    assert lasting(np.arange(40), label_N, later(40)) is None
    assert lasting(id_N, np.ones(40), later(40)) is None
    assert lasting(np.array([], int), np.array([]), later(0)) is None


def test_where_ids_say_nothing_nothing_is_told() -> None:
    rng = np.random.default_rng(3)
    found = lasting(rng.integers(IDS, size=ROWS), (rng.random(ROWS) < 0.3).astype(float), later())
    assert found is not None
    assert not found.told
    assert max(found.at_random, found.by_time) < 0.001


def test_a_log_is_told_apart_by_field(tmp_path: Path) -> None:
    """All items change once, anywhere in the log; pages never do, and tags say nothing at all."""
    population = {
        "rows": 200_000,
        "interaction": 0,
        "drift": 0,
        "fields": {
            "item": {"ids": 500, "exponent": 0.2, "changes": 1.0},
            "page": {"ids": 400, "exponent": 0.2},
            "tag": {"ids": 300, "exponent": 0.2},
        },
        "tasks": {"click": {"rate": 0.3, "weights": {"item": 0.5, "page": 0.5, "tag": 0}}},
    }
    log = coded(population, tmp_path)
    table = lasts(found := by_label(log), log.fields)
    assert table is not None
    assert table.columns == ("lasts, by label", "click")
    assert [row[0] for row in table.rows] == ["item", "page"]
    item, page = (found["click"][name] for name in ("item", "page"))
    assert item.share + 5 * item.error < 1
    assert abs(page.share - 1) < 5 * page.error
    assert lasts({"click": {"tag": found["click"]["tag"]}}, log.fields) is None
    for time_N in (None, np.zeros_like(log.train.time_N)):
        assert lasts(by_label(replace(log, train=replace(log.train, time_N=time_N))), log.fields) is None


def test_it_is_written_with_its_interval() -> None:
    assert str(Lasting(0.02, 0.015, 0.05, told=True)) == "0.75 [0.65, 0.85]"
