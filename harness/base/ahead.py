"""Making the next items in a thread of its own while this one is used."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterator[T], depth: int = 1) -> Iterator[T]:
    """The items of an iterator, in its order, `depth` of them ahead. What it raises comes out where its item would."""
    end = object()
    with ThreadPoolExecutor(1, "ahead") as pool:
        coming = [pool.submit(next, items, end) for _ in range(depth)]
        while (item := coming.pop(0).result()) is not end:
            coming.append(pool.submit(next, items, end))
            yield item  # type: ignore[misc]  # it is no end
