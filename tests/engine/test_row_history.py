"""What has happened to each row, counted the same by the loop and by its definition, and never wrapped."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.engine import make_mapping

from harness.engine.batch import DistinctRows
from harness.engine.kernels import MOST
from harness.engine.row_history import LAST, SEEN, RowHistory


def rows_of(counts: dict[int, int]) -> DistinctRows:
    nothing = torch.empty(0, dtype=torch.int32)
    rows_K, count_K = torch.tensor(list(counts)), torch.tensor(list(counts.values()), dtype=torch.int32)
    return DistinctRows(nothing, rows_K, nothing, count_K)


def history(start: Sequence[int], *, compiled: bool) -> RowHistory:
    """Of two fields, of three rows and of the others, that were seen so often before."""
    made = RowHistory(make_mapping([3, len(start) - 3]), torch.device("cpu"), kept=True, compiled=compiled)
    made.seen_R.copy_(torch.tensor(start, dtype=torch.int32))
    return made


COUNTS = st.dictionaries(st.integers(0, 4), st.integers(1, MOST), min_size=1)


@given(st.lists(st.integers(0, MOST), min_size=5, max_size=5), st.lists(COUNTS, max_size=4))
def test_occurrences_are_counted_up_to_the_most_that_32_bits_hold(
    start: list[int], batches: list[dict[int, int]]
) -> None:
    loop, definition, expected = history(start, compiled=True), history(start, compiled=False), list(start)
    for step, counts in enumerate(batches, 1):
        for row, count in counts.items():
            expected[row] = min(expected[row] + count, MOST)
        ours, theirs = loop.touch(rows_of(counts), step), definition.touch(rows_of(counts), step)
        assert torch.equal(ours.history_HK, theirs.history_HK)
        assert torch.equal(ours.field_K, theirs.field_K)
        assert ours.history_HK[SEEN].tolist() == [expected[row] for row in counts]
    assert loop.seen_R.tolist() == definition.seen_R.tolist() == expected
    assert torch.equal(loop.seen_max_F, definition.seen_max_F)


@pytest.mark.parametrize("compiled", [True, False])
def test_the_last_step_that_is_accepted_is_noted(compiled: bool) -> None:
    made = history([0] * 5, compiled=compiled)
    made.touch(rows_of({0: 1}), MOST)
    assert made.touch(rows_of({0: 1}), MOST).history_HK[LAST].tolist() == [MOST]


@pytest.mark.parametrize("compiled", [True, False])
def test_a_row_that_is_drawn_anew_keeps_its_occurrences(compiled: bool) -> None:
    made = history([MOST, 1, 2, 3, 4], compiled=compiled)
    made.touch(rows_of({0: 7, 3: 1}), 5)
    made.reset(slice(0, 4))
    again = made.touch(rows_of({0: 1, 3: 1}), 9)
    assert again.history_HK[:2].tolist() == [[0, 0], [MOST, 5]]
