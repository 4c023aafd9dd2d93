"""Times in words."""

from __future__ import annotations

import pytest

from harness.data.profile.times import cuts, moments

START, DAY = 1_600_000_000, 86_400


@pytest.mark.parametrize(
    ("times", "wanted"),
    [
        ((START, START + 10 * DAY), ("2020-09-13 12:26", "2020-09-23 12:26")),
        ((0, 6), ("0 s", "6 s")),
        ((START, START * 1000), ("1,600,000,000 s", "1,600,000,000,000 s")),
    ],
)
def test_times_of_our_days_are_dates(times: tuple[int, ...], wanted: tuple[str, ...]) -> None:
    assert moments(*times) == wanted


def test_cuts_are_told_of_splits_that_follow_each_other() -> None:
    spans = [(START - 9 * DAY, START - 2 * DAY), (START, START + DAY), (START + DAY + 60, START + 2 * DAY)]
    wanted = "valid begins at 2020-09-13 12:26, 2 days after the last row of train; test at 2020-09-14 12:27"
    assert cuts(spans) == wanted
    assert "12:26, 1.5 hours after" in cuts([(0, START - 5400), *spans[1:]])
    assert cuts([]) == cuts([spans[0], spans[0], spans[0]]) == cuts([spans[1], spans[0], spans[2]]) == ""
