"""Parts of a sample, and what their line says of the whole log."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.simulated import Bench, analysed, failing

from harness.analysis.estimates import Estimate
from harness.data.indexed_dataset import IndexedDataset
from harness.diagnose import subsample
from harness.diagnose.ladder import Ladder, Line, ladder_of, shares_of_buckets
from harness.diagnose.sizing import SIZES, Cost
from harness.metrics.catalog import BUCKETS

EVEN = {name: 1 / len(BUCKETS) for name, _ in BUCKETS}


def around(mean: float, deviation: float = 0.0005) -> Estimate:
    return Estimate(tuple(mean + deviation * z for z in (-1.2, -0.4, 0.0, 0.4, 1.2)))


def line(*means: float, keep: float = 0.25, steps: int = 1000, weighted: Estimate | None = None) -> Line:
    shares = tuple(keep / 2**k for k in range(len(means)))
    return Line("plain", shares, tuple(map(around, means)), steps, weighted)


def test_a_line_of_sizes_is_read_off_at_the_whole_log() -> None:
    """Down by .002 for every halving."""
    found = line(-0.010, -0.012, -0.014)
    mean, low, high = found.whole
    assert mean == pytest.approx(-0.006)
    assert low < -0.006 < high < 0
    assert found.straight
    assert found.doubt == ""


@pytest.mark.parametrize(
    ("found", "doubt"),
    [
        (line(-0.010), "one size was trained"),
        (line(-0.010, -0.012, -0.014, steps=199), "has 199 optimiser steps"),
        (line(0.044, 0.018, -0.023), "sign differs"),
        (line(0.040, 0.025, 0.010, keep=1 / 16), "more than double"),
        (line(-0.010, -0.020, -0.010), "do not lie on a line"),
        (line(-0.002, -0.003, -0.004), "may be anything from"),
        (line(-0.004, -0.012, -0.020), "change its sign"),
        (line(-0.010, -0.010, -0.010, keep=0.01), "the whole log is 100 times the largest sample"),
        (line(-0.010, -0.012, -0.014, weighted=around(0.004)), "says otherwise"),
        (replace(line(-0.010, -0.012, -0.014), lost=True), "some seeds failed"),
    ],
)
def test_what_may_not_be_believed_says_why(found: Line, doubt: str) -> None:
    assert doubt in found.doubt
    assert not Ladder((found,)).believed
    assert "may not be believed" in Ladder((found,)).text


def test_the_interval_holds_the_whole_log_as_often_as_it_says() -> None:
    """Where the sizes do lie on a line, with the noise of five seeds."""
    random, held = np.random.default_rng(0), 0
    for _ in range(400):
        values = [Estimate(tuple(random.normal(-0.01 - 0.002 * k, 0.001, 5))) for k in range(3)]
        _, low, high = Line("plain", (0.25, 0.125, 0.0625), tuple(values), 1000).whole
        held += low <= -0.006 <= high
    assert held / 400 > 0.93


def test_a_ladder_of_comparisons_has_a_line_for_each_thing_the_verdict_rests_on(tmp_path: Path) -> None:
    curves = {"none": (0.67, 0.65, 0.63), "reinit": (0.67, 0.675, 0.68)}
    sizes = [
        (share, analysed(Bench(tmp_path / str(share), curves=curves, seeds=(1, 2, 3, 4, 5), own=0.0004).group()))
        for share in (0.25, 0.125, 0.0625)
    ]
    found = ladder_of(sizes, "reinit", EVEN)
    assert [each.shares for each in found.lines] == [(0.25, 0.125, 0.0625)] * 2
    assert found.believed
    weighted = found.lines[0].weighted
    assert weighted is not None
    assert weighted.mean == pytest.approx(-0.04, abs=0.002), "all buckets lose alike, so that shares do not matter"
    assert not ladder_of([(0.25, sizes[0][1])], "reinit", EVEN).believed
    half = analysed(failing(sizes[1][1].group, "reinit", (4,)))
    lost = ladder_of([sizes[0], (0.125, half), sizes[2]], "reinit", EVEN)
    assert [each.doubt.partition(",")[0] for each in lost.lines] == ["", "some seeds failed"]


def test_a_share_is_taken_only_where_it_fits_and_is_the_largest_that_does() -> None:
    cost = Cost(1.0, 60.0, 5.0)
    found = subsample.fitting(cost, 10**7, 2, 600)
    assert found is not None
    keep, size = found
    assert size in SIZES[1:]
    here = subsample.scaled(cost, keep)
    assert size.seconds(here, 2) + subsample.ladder_seconds(here, 2) <= 600
    twice = subsample.scaled(cost, 2 * keep)
    assert SIZES[1].seconds(twice, 2) + subsample.ladder_seconds(twice, 2) > 600
    assert subsample.fitting(cost, 15_000, 2, 60) is None, "a sample of a small log says nothing"
    assert subsample.fitting(cost, 10**7, 2, 1) is None


def test_buckets_of_the_whole_log_add_up(dataset: IndexedDataset) -> None:
    assert math.fsum(shares_of_buckets(dataset).values()) == pytest.approx(1)
