"""Base rates by period: Wilson's interval, weights, and logs of which rows were dropped."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from support.engine import make_data, store

from harness.api import Data, Kept
from harness.data.profile.periods import cut
from harness.data.profile.rates import rates, wilson
from harness.results.description import RateInTime

SPLITS = ("train", "valid", "test")


@given(st.integers(1, 2000), st.floats(0, 1))
def test_the_interval_is_that_of_wilson(rows: int, share: float) -> None:
    ones = round(rows * share)
    wanted = binomtest(ones, rows).proportion_ci(method="wilson")
    low, high = wilson(np.array([ones / rows]), np.array([float(rows)]))
    assert (low[0], high[0]) == pytest.approx((wanted.low, wanted.high), abs=1e-9)


def data() -> Data:
    ids_NF = np.arange(400).reshape(-1, 2)
    return make_data(ids_NF, ids_NF[:100])


def changed(**more: npt.NDArray[Any]) -> Data:
    found = data()
    splits = {
        part: dataclasses.replace(
            getattr(found, part), **{name: value[: len(getattr(found, part).ids_NF)] for name, value in more.items()}
        )
        for part in SPLITS
    }
    return dataclasses.replace(found, **splits)


def of(made: Data, folder: Path) -> tuple[RateInTime, ...]:
    stored = store(made, folder)
    return rates(stored, cut(stored))


def test_rates_are_shares_of_known_labels(tmp_path: Path) -> None:
    observed_NT = np.tile([True, False], (200, 1))
    observed_NT[:10] = True, True
    click, buy = of(changed(observed_NT=observed_NT), tmp_path / "a")
    assert click.rate == (0.5,) * 20, "labels alternate"
    assert buy.rate[0] is not None
    assert buy.rate[1:10] == buy.low[1:10] == (None,) * 9


def test_equal_weights_change_nothing_and_others_count(tmp_path: Path) -> None:
    plain = of(data(), tmp_path / "plain")
    assert of(changed(weight_N=np.full(200, 3.0, np.float32)), tmp_path / "equal") == plain
    weight_N = np.where(np.arange(200) % 2, 3.0, 1.0).astype(np.float32)
    click, _ = of(changed(weight_N=weight_N), tmp_path / "weighed")
    assert click.rate == (0.75,) * 20
    assert click.low[0] is not None
    effective = (20 * 2) ** 2 / (10 * 1 + 10 * 9)
    assert click.low[0] == pytest.approx(float(wilson(np.array([0.75]), np.array([effective]))[0][0]), abs=1e-6)


def test_a_log_of_which_negatives_were_dropped_has_the_rate_of_the_full_log(tmp_path: Path) -> None:
    click, buy = of(dataclasses.replace(data(), kept={"click": Kept(0.1)}), tmp_path / "kept")
    assert click.rate == (round(1 / 11, 6),) * 20
    plain, unchanged = of(data(), tmp_path / "plain")
    assert buy == unchanged
    assert click.low[0] is not None
    assert plain.low[0] is not None
    assert click.low[0] == pytest.approx(plain.low[0] / (plain.low[0] + 10 * (1 - plain.low[0])), abs=1e-5)
