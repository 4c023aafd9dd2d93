"""Axes hold their values, and have a few ticks at round numbers that say where they stand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.figures.axis import MINUS, THIN_SPACE, around, round_ticks

NUMBERS = st.floats(-1e9, 1e9).filter(lambda v: v == 0 or abs(v) > 1e-6)


@given(low=NUMBERS, length=st.floats(1e-3, 1e3), most=st.integers(3, 12))
def test_ticks_are_few_inside_evenly_apart_and_say_where_they_stand(low: float, length: float, most: int) -> None:
    high = low + length * max(abs(low) * 1e-3, 1e-3)
    places, labels = zip(*round_ticks(low, high, most), strict=True)
    room = 1e-8 * (high - low)
    assert 1 <= len(places) <= most
    assert low - room <= places[0] <= places[-1] <= high + room
    assert len(set(labels)) == len(labels)
    for place, label in zip(places, labels, strict=True):
        assert float(label.replace(MINUS, "-").replace(THIN_SPACE, "")) == pytest.approx(place, abs=room)
    if len(places) > 2:
        step = (places[-1] - places[0]) / (len(places) - 1)
        mantissa = step / 10 ** math.floor(math.log10(step) + 1e-9)
        assert min(abs(mantissa - round_one) for round_one in (1, 2, 2.5, 5)) < 1e-4
        assert (high - low) / step > most / 3, "a finer step would have too many"


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.6, 0.711, ["0.60", "0.62", "0.64", "0.66", "0.68", "0.70"]),
        (-0.012, 0.003, [f"{MINUS}0.012", f"{MINUS}0.010", f"{MINUS}0.008"]),
        (0, 8400, ["0", f"1{THIN_SPACE}000", f"2{THIN_SPACE}000"]),
        (0, 1e-5, ["0.000000", "0.000002", "0.000004"]),
    ],
)
def test_labels_have_the_decimals_of_the_step(low: float, high: float, labels: list[str]) -> None:
    assert [label for _, label in round_ticks(low, high, 9)][: len(labels)] == labels


@given(values=st.lists(NUMBERS, max_size=6))
def test_an_axis_has_room_on_both_sides_of_its_values(values: list[float]) -> None:
    found = around("gain", values, 8)
    assert found.low < min(values, default=0.0)
    assert max(values, default=0.0) < found.high
    assert found.share(found.low) == 0
    assert found.share(found.high) == 1


def test_an_axis_may_begin_at_zero() -> None:
    found = around("seconds", [2.0, 8.0], 8, low=0.0)
    assert found.low == 0
    assert found.ticks[0] == (0.0, "0")
