"""Items made one ahead are those of the iterator, in its order, and so is what it raises."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.base.ahead import ahead


@given(items=st.lists(st.integers()), depth=st.integers(1, 4))
def test_items_come_in_order(items: list[int], depth: int) -> None:
    assert list(ahead(iter(items), depth)) == items


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("before", [1, 5])
def test_an_error_comes_out_where_its_item_would(before: int, depth: int) -> None:
    def broken() -> Iterator[int]:
        yield from range(before)
        raise OSError("the disk is gone")

    items = ahead(broken(), depth)
    assert [next(items) for _ in range(before)] == list(range(before))
    with pytest.raises(OSError, match="the disk is gone"):
        next(items)


@pytest.mark.parametrize("depth", [1, 2])
def test_at_most_so_many_are_made_ahead_and_none_once_nobody_asks(depth: int) -> None:
    made: list[int] = []

    def counted() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    items = ahead(counted(), depth)
    assert next(items) == 0
    items.close()  # type: ignore[attr-defined]  # a generator
    assert len(made) <= 1 + depth
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]
