"""Logs with one fault each, and the check that must find it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from harness.api import Generator
from perf.leaky_logs.log import ROWS, Log, clean, rows_of, with_field


def copy(rng: Generator) -> Log:
    """A field written after the label, wrong in one row of a hundred."""
    log = clean(rng)
    return with_field(log, "status", np.where(rng.random(ROWS) < 0.01, 1 - log.label_N, log.label_N) + 7)


def hint(rng: Generator) -> Log:
    """A field of forty values that the label moves: AUC about .86."""
    log = clean(rng)
    return with_field(log, "dwell", np.clip(10 * (1.5 * log.label_N + rng.normal(size=ROWS)), -20, 20).astype(np.int64))


def revenue(rng: Generator) -> Log:
    """A number that is 0 unless the label is 1, beside one of no meaning."""
    log = clean(rng, base=0.03)
    return replace(log, numbers={"flat": rng.normal(size=ROWS), "revenue": rng.gamma(2, 10, ROWS) * log.label_N})


def distance(rng: Generator) -> Log:
    """A number that is near 0 where the label is 1, and on either side of it otherwise."""
    log = clean(rng)
    return replace(log, numbers={"distance": rng.normal(size=ROWS) * np.where(log.label_N == 1, 0.01, 1)})


def not_known(rng: Generator) -> Log:
    """A number that is missing where the label is 0."""
    log = clean(rng)
    return replace(log, numbers={"delay": np.where(log.label_N == 0, np.nan, rng.gamma(2, 10, ROWS))})


def bought(rng: Generator) -> Log:
    """What was bought after one click of four, and nothing after the others: AUC about .62."""
    log = clean(rng)
    there_N = (log.label_N == 1) & (rng.random(ROWS) < 0.25)
    return with_field(log, "bought", np.where(there_N, rng.integers(1, 500, ROWS), 0))


def event_id(rng: Generator) -> Log:
    return with_field(clean(rng), "event", rng.permutation(ROWS))


def one_of_session(rng: Generator) -> Log:
    """Four rows to a session, just one of which is 0, split by row; the user has several sessions."""
    log = clean(rng)
    session_N = np.arange(ROWS) // 4
    label_N = (np.arange(ROWS) % 4 != rng.integers(0, 4, ROWS // 4)[session_N]).astype(np.int64)
    return replace(with_field(log, "user", log.fields["user"][session_N]), label_N=label_N, by_row=True)


def copied_in_session(rng: Generator) -> Log:
    """A label of the whole session on each of its rows, split by row; the session is the group, and no field."""
    log = clean(rng)
    session_N = np.arange(ROWS) // 4
    return replace(log, label_N=log.label_N[session_N], session_N=session_N, by_row=True)


def comes_again(rng: Generator) -> Log:
    """Whether the user comes again within a twentieth of the log, split by time."""
    user_N, next_N = rng.integers(0, ROWS // 15, ROWS), np.full(ROWS, 10 * ROWS)
    order = np.argsort(user_N, kind="stable")
    same = np.diff(user_N[order]) == 0
    next_N[order[:-1][same]] = order[1:][same]
    label_N = (next_N - np.arange(ROWS) < ROWS // 20).astype(np.int64)
    return replace(with_field(clean(rng), "user", user_N), label_N=label_N)


def again(rng: Generator, share: float = 1.0, base: float = 0.2) -> Log:
    """Rows that were logged twice, split by time."""
    return rows_of(clean(rng, base=base), np.repeat(np.arange(ROWS), np.where(rng.random(ROWS) < share, 2, 1)))


def some_again(rng: Generator) -> Log:
    return again(rng, share=0.05)


def rare_again(rng: Generator) -> Log:
    return again(rng, base=0.03)


def joined(rng: Generator) -> Log:
    """Every row as often as a join finds it, up to nine times."""
    return rows_of(clean(rng), np.repeat(np.arange(ROWS), rng.integers(1, 10, ROWS)))


def doubled(rng: Generator) -> Log:
    return replace(again(rng), by_row=True)


def some_doubled(rng: Generator) -> Log:
    return replace(some_again(rng), by_row=True)


def rare_doubled(rng: Generator) -> Log:
    return replace(rare_again(rng), by_row=True)


def rare(rng: Generator) -> Log:
    return clean(rng, base=0.003)


PLANTED: dict[str, tuple[Callable[[Generator], Log], str]] = {
    "a copy of the label, 1 % wrong": (copy, "field_tells_label"),
    "a field that the label moves, AUC .86": (hint, "field_tells_label"),
    "a number that is 0 unless the label is 1": (revenue, "field_tells_label"),
    "a number that is near 0 if the label is 1": (distance, "field_tells_label"),
    "a number that is missing if the label is 0": (not_known, "field_tells_label"),
    "a field that is 0 but after a quarter of the clicks": (bought, "field_follows_label"),
    "an event id": (event_id, "ids_never_return"),
    "one row of a session is 0, split by row": (one_of_session, "label_excludes_others"),
    "a label of the session on each row, split by row": (copied_in_session, "label_copied"),
    "whether the user comes again, no gap": (comes_again, "label_looks_ahead"),
    "rows logged twice, split by row": (doubled, "copied_rows"),
    "rows logged twice, a label of 3 %": (rare_doubled, "copied_rows"),
    "one row of twenty logged twice": (some_doubled, "copied_rows"),
    "rows logged twice, split by time": (again, "repeated_rows"),
    "rows logged twice, split by time, a label of 3 %": (rare_again, "repeated_rows"),
    "one row of twenty logged twice, split by time": (some_again, "repeated_rows"),
    "rows up to nine times, as of a join, split by time": (joined, "repeated_rows"),
    "a label of .3 %": (rare, "few_labels"),
}
"""Kind of fault -> a log with it, and the check that must find it."""
