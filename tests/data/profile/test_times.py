"""Times in words."""

from __future__ import annotations

import pytest

from harness.data.profile.times import span

START = 1_600_000_000


@pytest.mark.parametrize(
    ("first", "last", "wanted"),
    [
        (START, START + 10 * 86_400, "2020-09-13 to 2020-09-23"),
        (START, START + 3600, "2020-09-13 12:26 to 2020-09-13 13:26"),
        (0, 6, "0 to 6"),
        (START * 1000, (START + 1) * 1000, "1,600,000,000,000 to 1,600,000,001,000"),
    ],
)
def test_times_of_our_days_are_dates(first: int, last: int, wanted: str) -> None:
    assert span(first, last) == wanted
