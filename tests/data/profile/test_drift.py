"""Divergence of distributions: that of scipy where chance is small, and nothing where it is all chance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from harness.data.profile.drift import divergence, drift


def test_it_is_the_jensen_shannon_divergence_of_large_samples() -> None:
    first_B, later_B = np.array([500_000, 300_000, 200_000, 0]), np.array([400_000, 100_000, 400_000, 100_000])
    assert divergence(first_B, later_B) == pytest.approx(jensenshannon(first_B, later_B, base=2) ** 2, abs=1e-4)
    assert divergence(later_B, first_B) == pytest.approx(divergence(first_B, later_B), abs=1e-4)


def test_the_same_is_0_and_nothing_in_common_is_1() -> None:
    half = np.repeat([10_000, 0], 4)
    assert divergence(half, half) == 0
    assert divergence(half, half[::-1]) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(("first", "later"), [(300, 300), (300, 30_000), (5000, 800)])
@pytest.mark.parametrize("exponent", [0.0, 1.3])
def test_samples_of_one_distribution_do_not_drift(first: int, later: int, exponent: float) -> None:
    """By counts alone they would: several hundredths of a bit, or tenths."""
    law = np.arange(1, 257) ** -exponent
    rng = np.random.default_rng(0)
    drawn = [(rng.multinomial(first, law / law.sum()), rng.multinomial(later, law / law.sum())) for _ in range(40)]
    assert np.mean([divergence(*pair) for pair in drawn]) < 0.015
    assert np.mean([jensenshannon(*pair, base=2) ** 2 for pair in drawn]) > 0.02


def test_it_is_told_of_periods_behind_the_first_that_have_rows() -> None:
    counts = np.array([[1000, 0], [1000, 0], [0, 0], [0, 1000]])
    first, second, third, last = drift(counts)
    assert first is third is None
    assert second == 0
    assert last == pytest.approx(1, abs=0.01)
    thin = np.array([[0, 3], [997, 0], [1000, 0]])
    assert drift(thin)[:2] == (None, None), "three rows are no reference"
    assert drift(np.zeros((2, 3), np.int64)) == (None, None)
