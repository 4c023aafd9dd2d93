"""A disk that is full: no file may grow beyond a random size (RLIMIT_FSIZE), and the next launch has room again."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from harness.base.errors import UserError
from perf.faults.count import Count
from perf.faults.tiny import go, plan_in

LARGEST = 200_000
"""Bytes; the largest file of the tiny plan has a quarter of them, so that some draws leave room."""


@contextmanager
def full(most: int) -> Iterator[None]:
    """Files end at so many bytes."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def disks(folder: Path, times: int, seed: int) -> Count:
    """Run a plan on a full disk, then again with room."""
    count = Count(
        "the disk is full",
        "an error of the system or a failed run, no other; with room, the same records, byte for byte",
    )
    rng, plan = np.random.default_rng(seed), plan_in(folder)
    right = go(plan, folder / "room")
    for number in range(times):
        results, most = folder / f"full-{number}", int(LARGEST ** rng.uniform(0.2, 1))
        try:
            with full(most):
                go(plan, results)
        except (OSError, UserError):
            pass
        except Exception as error:
            count.add(f"{most} bytes", f"{type(error).__name__}: {error}")
            continue
        count.add(f"{most} bytes", "" if go(plan, results) == right else "other numbers")
    return count
