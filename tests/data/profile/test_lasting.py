"""How much of what ids say lasts: against labels whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from perf.stale import halves, lasting, shared

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
    at_random, by_time, ratio, error = lasting(*labels(kept))
    explained = SPREAD**2 / (0.4 * 0.6)
    assert at_random == pytest.approx(explained * (1 + kept) / 2, rel=0.15)
    assert by_time == pytest.approx(explained * kept, abs=0.15 * explained)
    assert abs(ratio - kept / ((1 + kept) / 2)) < 5 * error + 0.02


def test_an_id_of_one_half_says_nothing() -> None:
    later_N = np.array([False, False, False, True, True])
    rows_2V, sum_2V = halves(np.array([7, 7, 9, 7, 7]), np.array([1.0, 1, 0, 1, 0]), later_N)
    assert rows_2V.tolist() == [[2, 1], [2, 0]]
    assert sum_2V.ravel().tolist() == pytest.approx([2 / 3, -2 / 3, 0, 0])
    assert shared(rows_2V, sum_2V, 0.25) == 1e-5


def test_where_ids_say_nothing_little_is_shared() -> None:
    rng = np.random.default_rng(3)
    at_random, by_time, _, _ = lasting(rng.integers(IDS, size=ROWS), (rng.random(ROWS) < 0.3).astype(float))
    assert max(at_random, by_time) < 0.001
