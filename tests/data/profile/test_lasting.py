"""How much of what ids say lasts: against labels whose answer is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.synthetic import coded

from harness.data.profile.lasting import GROUPS, Lasting, jackknife, lasting, shared
from harness.data.profile.statistics import profile
from harness.data.profile.tables import lasts

IDS, ROWS, SPREAD = 2_000, 200_000, 0.1


def labels(kept: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Ids, and labels of rates that have the correlation `kept` between the halves."""
    rng = np.random.default_rng(seed)
    id_N, first_V, other_V = rng.integers(IDS, size=ROWS), rng.standard_normal(IDS), rng.standard_normal(IDS)
    later_V = kept * first_V + np.sqrt(1 - kept**2) * other_V
    rate_N = 0.4 + SPREAD * np.clip(np.where(np.arange(ROWS) < ROWS // 2, first_V[id_N], later_V[id_N]), -3, 3)
    return id_N, (rng.random(ROWS) < rate_N).astype(float)


@pytest.mark.parametrize("kept", [1.0, 0.5, 0.0])
def test_the_part_that_lasts_is_that_of_the_rates(kept: float) -> None:
    found = lasting(*labels(kept))
    assert found is not None
    explained = SPREAD**2 / (0.4 * 0.6)
    assert found.told
    assert found.at_random == pytest.approx(explained * (1 + kept) / 2, rel=0.15)
    assert found.by_time == pytest.approx(explained * kept, abs=0.15 * explained)
    assert abs(found.share - kept / ((1 + kept) / 2)) < 5 * found.error + 0.02


def test_its_error_is_the_spread_over_logs() -> None:
    """Over 40 logs a standard deviation is within 35 % of its expectation 99 times in 100."""
    found = [lasting(*labels(0.5, seed), seed) for seed in range(40)]
    apart = np.std([each.share for each in found if each], ddof=1)
    assert np.mean([each.error for each in found if each]) == pytest.approx(apart, rel=0.35)


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    value_G = np.random.default_rng(5).standard_normal(GROUPS)
    without_G = (value_G.sum() - value_G) / (GROUPS - 1)
    assert jackknife(without_G) == pytest.approx(value_G.std(ddof=1) / np.sqrt(GROUPS))


def test_ids_of_one_half_say_nothing() -> None:
    """Id 0 has residuals 1/3 and 1/3 in two rows of the first half, id 1 is in no later one."""
    late_N, part_V = np.array([False, False, False, True, True]), np.zeros(2, int)
    label_N = np.array([1.0, 1, 0, 1, 1])
    found = shared(np.array([0, 0, 1, 0, 0]), label_N, late_N, part_V)
    assert found is not None
    assert found.share == pytest.approx(0.0)
    assert shared(np.array([0, 0, 1, 2, 2]), label_N, late_N, np.zeros(3, int)) is None
    assert shared(np.array([0, 0, 0, 0, 0]), np.ones(5), late_N, part_V) is None
    assert lasting(np.array([], int), np.array([])) is None


def test_where_ids_say_nothing_nothing_is_told() -> None:
    rng = np.random.default_rng(3)
    found = lasting(rng.integers(IDS, size=ROWS), (rng.random(ROWS) < 0.3).astype(float))
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
    table = lasts(found := profile(log))
    assert table is not None
    assert table.columns == ("field, by label", "click")
    assert [row[0] for row in table.rows] == ["item", "page"]
    item, page = (found.lasting["click"][name] for name in ("item", "page"))
    assert item.share + 5 * item.error < 1
    assert abs(page.share - 1) < 5 * page.error
    assert lasts(replace(found, lasting={"click": {"tag": found.lasting["click"]["tag"]}})) is None
    untimed = replace(log, train=replace(log.train, time_N=None))
    assert lasts(profile(untimed)) is None


def test_it_is_written_with_its_interval() -> None:
    assert str(Lasting(0.02, 0.015, 0.05, told=True)) == "0.75 [0.65, 0.85]"
