"""What trains the runs that a scheduler asks for, wherever it does so, and what it reports back.

A launcher trains and reports; it never writes to the folders of runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from harness.results.keys import Status
from harness.results.records import Record
from harness.search.job import Job


@dataclass(frozen=True)
class Began:
    """A run is about to train. Always its first event."""

    key: str
    kept: int
    """Of the records that the scheduler holds, how many stay; training goes on after the last of them."""
    environments: Sequence[Mapping[str, Any]]
    """The machines and versions that trained it before, as far as that counts, and last the one that trains it now."""
    unused: str = ""
    """Why a checkpoint that was there is not used; empty: it is, or there was none."""


@dataclass(frozen=True)
class Recorded:
    """A run was evaluated."""

    key: str
    record: Record


@dataclass(frozen=True)
class Done:
    """A run came to its end: it finished, or it failed in a way that another attempt would repeat."""

    key: str
    status: Status
    reason: str
    """Why it failed; empty if it finished."""
    beside: tuple[Done, ...] = ()
    """What runs came to that were trained in one with it."""


@dataclass(frozen=True)
class Paused:
    """A run was told to end, and saved a checkpoint: submitted again, it goes on from there. What is said of a run that
    paused, crashed or died is true of those trained in one with it."""

    key: str


@dataclass(frozen=True)
class Crashed:
    """An error ended a run early."""

    key: str
    reason: str


@dataclass(frozen=True)
class Died:
    """The process or machine that trained a run is gone."""

    key: str
    reason: str


Event = Began | Recorded | Done | Paused | Crashed | Died


class Launcher(Protocol):
    """Trains runs side by side; a context manager that ends whatever is still training on the way out."""

    @property
    def free(self) -> int:
        """How many more runs can start now."""

    def submit(self, job: Job, records_held: int) -> None:
        """Start a run, and in one with it those beside it; only while `free` is positive.

        records_held: how many of its records the scheduler has, of each. A checkpoint that was taken after more is of
        no use.
        """

    def pause(self) -> None:
        """Have every run save a checkpoint and end, or end at once where runs cannot be reached."""

    def events(self, timeout: float) -> Iterator[Event]:
        """What was reported by now, each run's events in order; waits at most `timeout` seconds for the first.

        Every run that was submitted comes to exactly one of Done, Paused, Crashed and Died. Those beside it only begin
        and are recorded.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
