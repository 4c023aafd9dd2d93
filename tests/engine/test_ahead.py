"""A thread makes items ahead: the same ones, in order, and errors in their turn."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from harness.engine.ahead import AHEAD, ahead


@pytest.mark.parametrize("size", [0, 1, AHEAD, 17])
def test_the_items_are_the_same_and_in_order(size: int) -> None:
    assert list(ahead(iter(range(size)))) == list(range(size))


def test_an_error_comes_after_the_items_before_it() -> None:
    def broken() -> Iterator[int]:
        yield from range(5)
        raise OSError("the disk is gone")

    found = ahead(broken())
    assert [next(found) for _ in range(5)] == list(range(5))
    with pytest.raises(OSError, match="the disk is gone"):
        next(found)


def test_left_early_it_makes_no_more_and_leaves_no_thread() -> None:
    made: list[int] = []

    def endless() -> Iterator[int]:
        while True:
            made.append(len(made))
            yield made[-1]

    found = ahead(endless())
    assert next(found) == 0
    found.close()  # type: ignore[attr-defined]
    assert len(made) <= 2 + AHEAD
    assert not [t for t in threading.enumerate() if t.name.startswith("batches")]
