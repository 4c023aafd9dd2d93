"""Ids whose labels change during the log: how many, when, and to what; all else stays as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.base.errors import UserError
from harness.data.synthetic.population import Population
from harness.data.synthetic.sampler import Rows, Sampler

IDS, ROWS, DAYS = 400, 200_000, 10
SIGMAS = 5.0
"""Half-width of a bound in standard errors."""


def rows(changes: float, **more: Any) -> Rows:
    """Labels of these rows hang on one field alone."""
    values = {
        "rows": ROWS,
        "days": DAYS,
        "interaction": 0,
        "drift": 0,
        "fields": {"item": {"ids": IDS, "exponent": 0.0, "changes": changes} | more},
        "tasks": {"click": {"rate": 0.3}},
    }
    return Sampler(Population.model_validate(values), 5).rows(0, ROWS)


def by_id(found: Rows) -> list[tuple[np.ndarray, np.ndarray]]:
    """Times and logits of each id, in order of time."""
    logit_N = np.log(found.truth_NT[:, 0] / (1 - found.truth_NT[:, 0].astype(float)))
    return [(found.time_N[mine], logit_N[mine]) for mine in (found.ids_NF[:, 0] == i for i in np.unique(found.ids_NF))]


def steps(logit_N: np.ndarray) -> np.ndarray:
    """Where it moves."""
    return np.flatnonzero(np.abs(np.diff(logit_N)) > 1e-4)


def test_as_many_ids_change_as_is_asked_once_each() -> None:
    moved = [len(steps(logit_N)) for _, logit_N in by_id(rows(0.4))]
    assert set(moved) <= {0, 1}
    assert abs(np.mean(moved) - 0.4) < SIGMAS * np.sqrt(0.4 * 0.6 / IDS)


def test_moments_are_spread_evenly_over_the_log() -> None:
    pieces = by_id(rows(1.0))
    moments = [time_N[at[0] + 1] for time_N, logit_N in pieces if len(at := steps(logit_N))]
    assert len(moments) > 0.97 * IDS
    for day in (2, 5, 8):
        share = day / DAYS
        assert abs(np.mean(np.array(moments) < day * 86_400) - share) < SIGMAS * np.sqrt(share * (1 - share) / IDS)


def test_what_an_id_says_before_tells_nothing_of_what_it_says_after() -> None:
    before, after = np.array([(logit_N[0], logit_N[-1]) for _, logit_N in by_id(rows(1.0)) if len(steps(logit_N))]).T
    assert abs(np.corrcoef(before, after)[0, 1]) < SIGMAS / np.sqrt(len(before))
    assert abs(before.std() / after.std() - 1) < SIGMAS / np.sqrt(len(before))


def test_ids_times_and_what_did_not_change_are_the_same() -> None:
    still, moving = rows(0.0), rows(0.5)
    np.testing.assert_array_equal(still.ids_NF, moving.ids_NF)
    np.testing.assert_array_equal(still.time_N, moving.time_N)
    apart = [b[0] - a[0] for (_, a), (_, b) in zip(by_id(still), by_id(moving), strict=True)]
    assert np.ptp(apart) < 1e-3, "all ids begin as they were, but for the intercept"


def test_what_a_policy_shows_by_first_impressions_is_refused() -> None:
    with pytest.raises(UserError, match=r"fields\.item\.changes = 0\.5 beside candidates"):
        rows(0.5, candidates=4)
