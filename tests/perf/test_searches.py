"""Gains of several searches, crossed with draws."""

from __future__ import annotations

import numpy as np
import pytest

from harness.analysis.inference import Floats
from perf.searches import APART, Crossed, plan_of

SEARCHES, DRAWS = 5, 7


def simulated(rng: np.random.Generator, search: float, draw: float, rest: float) -> Floats:
    """Gains of mean zero, with these standard deviations."""
    return (
        search * rng.normal(size=(SEARCHES, 1))
        + draw * rng.normal(size=DRAWS)
        + rest * rng.normal(size=(SEARCHES, DRAWS))
    )


@pytest.mark.parametrize(("search", "draw", "rest"), [(1, 1, 1), (2, 0.5, 1), (0.3, 2, 1), (1, 0, 1), (0, 0, 1)])
def test_the_interval_holds_searches_and_draws(search: float, draw: float, rest: float) -> None:
    """Coverage of 2000 simulations, whose own error is .005. Where a part has no variance, chance widens it."""
    rng = np.random.default_rng(0)
    intervals = [Crossed(simulated(rng, search, draw, rest)).interval for _ in range(2000)]
    assert np.mean([low <= 0 <= high for low, high in intervals]) > 0.93


def test_an_interval_of_draws_alone_does_not_hold_searches() -> None:
    rng = np.random.default_rng(0)
    held = []
    for _ in range(500):
        one = simulated(rng, 1, 1, 1)[0]
        half = 2.45 * one.std(ddof=1) / np.sqrt(DRAWS)
        held.append(abs(one.mean()) <= half)
    assert np.mean(held) < 0.85


def test_deviations_are_those_of_searches_and_draws() -> None:
    rng = np.random.default_rng(1)
    found = [Crossed(simulated(rng, 2.0, 3.0, 1.0)) for _ in range(2000)]
    assert np.sqrt(np.mean([each.between_searches**2 for each in found])) == pytest.approx(2, rel=0.05)
    assert np.sqrt(np.mean([each.between_draws**2 for each in found])) == pytest.approx(3, rel=0.05)


def test_a_gain_that_is_always_the_same_has_no_width() -> None:
    assert Crossed(np.full((SEARCHES, DRAWS), 0.25)).interval == (0.25, 0.25)


def test_searches_share_draws_and_no_trial() -> None:
    plans = [plan_of(number) for number in (1, 2, 3)]
    assert len({plan.name for plan in plans}) == 3
    assert len({plan.model_copy(update={"name": "", "search": None}).model_dump_json() for plan in plans}) == 1
    firsts = [plan.search.seed for plan in plans]
    assert np.diff(firsts).min() == APART > plans[0].search.of_baseline(plans[0].train.epochs)
