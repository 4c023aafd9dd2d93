"""A run that is told to end between two steps, and goes on from its checkpoint."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path

from harness.engine.checkpoint import Checkpoints, Interrupted
from harness.results.records import Record

Train = Callable[[Checkpoints], Iterator[Record]]
"""One attempt at a run, with nothing left of the one before but the checkpoints."""


def resumed(train: Train, ends: Iterable[int]) -> list[Record]:
    """All records of a run that is begun again and again. ends: after about how many steps each attempt is to end."""
    with tempfile.TemporaryDirectory() as folder:
        return attempts(train, [*ends, None], Path(folder))[0]


def attempts(train: Train, ends: Iterable[int | None], folder: Path) -> tuple[list[Record], bool]:
    """The records of attempts one after the other, and whether the run is over. folder: of its checkpoints.

    ends: as of `resumed`; None: that attempt goes on to the end.
    """
    found: list[Record] = []
    for end in ends:
        asked = count(1)
        told = (lambda: False) if end is None else (lambda end=end, asked=asked: next(asked) >= end)
        try:
            found.extend(train(Checkpoints(folder, told)))
        except Interrupted:
            continue
        return found, True
    return found, False
