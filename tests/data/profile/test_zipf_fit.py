"""How often ids occur: shares by hand, and Zipf's law recovered from counts whose ranks nobody knows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data.profile.preset_targets import expected_shares
from harness.data.profile.statistics import delong
from harness.data.profile.zipf_fit import exponent_of_ranks, fit, frequencies
from harness.data.synthetic.fields import FieldSpec


def counts(ids: int, exponent: float, shift: float, rows: int, seed: int) -> npt.NDArray[np.int64]:
    p = (np.arange(1, ids + 1) + shift) ** -exponent
    return np.random.default_rng(seed).multinomial(rows, p / p.sum()).astype(np.int64)


def test_shares_are_those_counted_by_hand() -> None:
    found = frequencies(np.array([0, 1, 1, 2, 16, 0, 100]))
    assert (found.ids, found.rows) == (5, 120)
    assert (found.singletons, found.twice) == (0.4, 0.6)
    assert found.ten == pytest.approx(2 / 3)
    assert (found.top_1, found.top_10) == (100 / 120, 100 / 120)


@settings(max_examples=6)
@given(st.integers(0, 1000), st.floats(0.3, 1.4), st.floats(0, 5), st.sampled_from([20_000, 100_000]))
def test_the_exponent_is_recovered_from_counts_alone(seed: int, exponent: float, shift: float, ids: int) -> None:
    """Within twice its 95 % interval, whose nominal coverage then is 99.99 %."""
    law = fit(counts(ids, exponent, shift, 200_000, seed))
    assert law is not None
    assert abs(law.exponent - exponent) < law.high - law.low


def test_few_or_equal_ids_have_no_law_and_no_tail_needs_no_model() -> None:
    assert fit(np.array([5, 3, 1])) is None
    assert fit(np.full(1000, 1, np.int64)) is None
    law = fit(counts(500, 1.1, 0.0, 500_000, 0))
    assert law is not None
    assert law.low - 0.02 < 1.1 < law.high + 0.02


@given(st.integers(0, 1000), st.floats(0, 3), st.integers(2, 400))
def test_known_ranks_give_the_exponent_within_its_interval(seed: int, exponent: float, ids: int) -> None:
    law = exponent_of_ranks(counts(ids, exponent, 0.0, 20_000, seed))
    assert abs(law.exponent - exponent) < 2.6 * (law.high - law.low) / 2  # five standard errors


@settings(max_examples=10)
@given(st.integers(0, 1000), st.floats(0, 1.5), st.integers(100, 30_000))
def test_expected_shares_are_met_by_counts_drawn(seed: int, exponent: float, ids: int) -> None:
    found = frequencies(counts(ids, exponent, 0.0, 40_000, seed))
    expected = expected_shares(FieldSpec(ids=ids, exponent=exponent), 40_000)
    for share in ("singletons", "twice", "ten"):
        target, within = expected[share]
        assert abs(getattr(found, share) - target) < 1.6 * within + 1e-6  # five standard errors


def test_the_auc_and_its_error_are_those_of_repeated_draws() -> None:
    rng = np.random.default_rng(0)
    truth = rng.beta(1, 5, 3000)
    draws = [delong(truth, (rng.random(3000) < truth).astype(np.uint8)) for _ in range(200)]
    values, errors = [d.value for d in draws], [d.error for d in draws]
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.25)
    assert delong(np.array([1.0, 2, 2, 3]), np.array([0, 0, 1, 1])).value == 7 / 8
