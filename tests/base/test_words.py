"""Words in sentences for people."""

from __future__ import annotations

import pytest

from harness.base.words import counted


@pytest.mark.parametrize(
    ("count", "several", "said"),
    [(0, "", "0 runs"), (1, "", "1 run"), (2, "", "2 runs"), (1, "ran", "1 run"), (1200, "ran", "1,200 ran")],
)
def test_one_of_a_thing_is_no_plural(count: int, several: str, said: str) -> None:
    assert counted(count, "run", several) == said
