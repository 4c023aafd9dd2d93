"""Simulated populations and published tables, as `perf.pooling` makes them."""

from __future__ import annotations

import pytest
from scipy import stats

from harness.base.places import ROOT
from perf import pooling

TABLES = ROOT / "results" / "tables"


@pytest.mark.parametrize(("data_sets", "spread"), [(3, 0.005), (10, 0.002)])
def test_intervals_hold_a_new_data_set_where_the_spread_is_far_above_the_errors(data_sets: int, spread: float) -> None:
    """Where errors are small, what is asked is known: a share of .95, within chance."""
    kept = pooling.simulate(data_sets, spread, 0.0002, 0, 800, seed=1)
    low, high = stats.binom.interval(0.999, 800, 0.95)
    assert low <= 800 * kept.held <= high


def test_without_a_spread_the_interval_holds_and_its_chances_are_sure_of_what_is_so() -> None:
    kept = pooling.simulate(10, 0.0, 0.0005, 0, 200, seed=2)
    assert (kept.held, kept.came) == (1, 1)
    assert kept.said > 0.9


def test_published_gains_are_read_once_for_each_data_set_and_each_is_predicted_from_the_others() -> None:
    gains = pooling.published(TABLES)["frequency_adaptive_lr"]
    names = [gain.data_set for gain in gains]
    assert {"avazu_like", "random-1", "retail", "globo by session"} <= set(names)
    assert len(names) == len(set(names))
    assert [name for name, _ in pooling.left_out(gains)] == names
    assert "hashing" not in {line[0] for line in pooling.of_published(TABLES)}, "it is on one data set alone"
    far = pooling.Gain("far", 1.0, 0.001)
    assert dict(pooling.left_out([*gains, far]))["far"] > 0.975
