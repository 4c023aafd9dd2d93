"""Making batches while the ones before them are trained on."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
AHEAD = 2
"""How many are made before they are asked for."""


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, made one after the other by a thread that is some items ahead; its errors come in their turn."""
    end = object()
    with ThreadPoolExecutor(1, thread_name_prefix="batches") as thread:
        asked: list[Future[object]] = [thread.submit(next, items, end) for _ in range(AHEAD)]
        while (item := asked.pop(0).result()) is not end:
            asked.append(thread.submit(next, items, end))
            yield item  # type: ignore[misc]
