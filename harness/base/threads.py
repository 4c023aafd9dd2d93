"""Work done in threads, whose results come in the order in which it was given."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from harness.base.cores import cores

T = TypeVar("T")
R = TypeVar("R")
CORES = cores()


def mapped(
    work: Callable[[T], R], items: Iterable[T], most: int | None = None, threads: int = CORES
) -> Iterator[R]:  # fmt: skip
    """`work` of every item, in the order of the items, one in each thread. What it raises comes out in its place.

    most: items that may be at work or wait to be taken together; None: any number.
    """
    pool, coming = ThreadPoolExecutor(threads, "mapped"), deque[Future[R]]()
    try:
        for item in items:
            if len(coming) == most:
                yield coming.popleft().result()
            coming.append(pool.submit(work, item))
        while coming:
            yield coming.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


class Lanes:
    """Threads, as many as cores, in which work of one lane is done one after the other, and lanes go side by side."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(CORES, "lane")
        self._last: dict[str, Future[Any]] = {}

    def __enter__(self) -> Lanes:
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for what is at work, and drop what is not."""
        self._pool.shutdown(cancel_futures=True)

    def submit(self, lane: str, work: Callable[[], R]) -> Future[R]:
        """What `work` returns or raises, begun once what this lane was given before is done."""
        coming = Future[R]()

        def begin(_: object = None) -> None:
            with suppress(RuntimeError):  # the pool is shut down
                self._pool.submit(_fulfil, coming, work)

        before = self._last.get(lane)
        self._last[lane] = coming
        if before is None:
            begin()
        else:
            before.add_done_callback(begin)
        return coming


def _fulfil(coming: Future[R], work: Callable[[], R]) -> None:
    try:
        coming.set_result(work())
    except BaseException as error:
        coming.set_exception(error)
