"""A run that is told to end between two steps, and goes on from its checkpoint."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path

from harness.engine.checkpoint import Checkpoints, Interrupted
from harness.results.records import Record


def resumed(train: Callable[[Checkpoints], Iterator[Record]], ends: Iterable[int]) -> list[Record]:
    """All records of a run that is begun again and again. ends: after about how many steps each attempt is to end.

    train: one attempt, with nothing left of the one before but the checkpoints.
    """
    found: list[Record] = []
    with tempfile.TemporaryDirectory() as folder:
        for end in ends:
            asked = count(1)
            checkpoints = Checkpoints(Path(folder), lambda end=end, asked=asked: next(asked) >= end)  # type: ignore[misc]
            try:
                found.extend(train(checkpoints))
            except Interrupted:
                continue
            return found
        found.extend(train(Checkpoints(Path(folder))))
    return found
