"""The best of k trials, against its definition and by drawing."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from harness.analysis.expected_best import budgets, expected_best

VALUES = [0.61, 0.7, 0.64, 0.7, 0.59]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("k", [1, 2, 4])
def test_it_is_the_mean_over_all_ways_to_draw(k: int, sign: int) -> None:
    every = [sign * max(sign * value for value in drawn) for drawn in product(VALUES, repeat=k)]
    assert expected_best(VALUES, k, sign) == pytest.approx(np.mean(every), rel=1e-12)


def test_more_trials_reach_more_and_never_more_than_the_best() -> None:
    found = [expected_best(VALUES, k, 1) for k in (1, 2, 5, 50, 5000)]
    assert found == sorted(found)
    assert found[-1] == pytest.approx(max(VALUES))


def test_budgets_double_up_to_all() -> None:
    assert budgets(1) == [1]
    assert budgets(12) == [1, 2, 4, 8, 12]
    assert budgets(16) == [1, 2, 4, 8, 16]
