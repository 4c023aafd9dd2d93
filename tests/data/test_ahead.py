"""Items made one ahead are those of the iterator, in its order, and so is what it raises."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data.tabular.ahead import ahead


@given(items=st.lists(st.integers()))
def test_items_come_in_order(items: list[int]) -> None:
    assert list(ahead(iter(items))) == items


def test_an_error_comes_out_where_its_item_would() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("second")

    items = ahead(broken())
    assert next(items) == 1
    with pytest.raises(ValueError, match="second"):
        next(items)


def test_at_most_one_is_made_ahead_and_none_once_nobody_asks() -> None:
    made: list[int] = []

    def counted() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    items = ahead(counted())
    assert next(items) == 0
    items.close()  # type: ignore[attr-defined]  # a generator
    assert len(made) <= 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]
