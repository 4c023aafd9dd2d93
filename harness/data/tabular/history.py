"""Sequences made of the log itself: what the same user did before, as rows come in order of time."""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from harness.api import Ints, UserError
from harness.data.tabular.conversion import NULL, exact_ids
from harness.data.tabular.fields import History as HistorySpec
from harness.data.tabular.history_kernel import latest
from harness.data.tabular.schema import Schema
from harness.data.tabular.time_counts import TimeCounts
from harness.data.vocabulary import Vocabulary

NEVER = np.iinfo(np.int64).min
"""Before the time of every row."""


class History:
    """The latest ids of every user, of rows that are earlier by `after` seconds or more, and by one at least.

    Memory holds 8 bytes for each of `last` ids of each user, and 24 for each row that counts and is not old enough yet.
    """

    def __init__(self, last: int, after: int = 0) -> None:
        self._users, self._last, self._after = Vocabulary(), last, max(after, 1)
        self._ring_UL, self._size_U = np.empty((0, last), np.int64), np.empty(0, np.int64)
        self._waiting = deque[Ints]()
        """User, time and id of the rows that are not old enough yet, in order of time."""

    def __call__(self, user_N: Ints, time_N: Ints, id_N: Ints, counts_N: npt.NDArray[np.bool_]) -> pl.Series:
        """The ids of earlier rows of the same user which count, the oldest first, as lists; rows come in order of time,
        over all calls. The id of null is null again."""
        code_N = self._users.code(user_N, training=False)
        self._grow(self._users.used)
        self._waiting.append(np.stack([code_N, time_N, id_N])[:, counts_N])
        until_N = np.maximum(time_N, NEVER + self._after) - self._after
        values_M, length_N = np.empty(len(user_N) * self._last, np.int64), np.empty(len(user_N), np.int64)
        user_E, time_E, id_E = self._old_enough(until_N)
        size = latest(code_N, until_N, user_E, time_E, id_E, self._ring_UL, self._size_U, values_M, length_N)
        offsets = pa.array(np.concatenate([[0], np.cumsum(length_N)]))
        id_M = values_M[:size]
        null_M = id_M == NULL
        ids = pa.array(id_M, mask=null_M if null_M.any() else None)
        return pl.Series(values=pl.from_arrow(pa.LargeListArray.from_arrays(offsets, ids)))

    def _old_enough(self, until_N: Ints) -> Ints:
        """User, time and id of the rows until the last of these times, which wait no longer."""
        found = []
        while self._waiting:
            rows = self._waiting.popleft()
            count = int(np.searchsorted(rows[1], until_N[-1:], side="right").sum())
            found.append(rows[:, :count])
            if count < rows.shape[1]:
                self._waiting.appendleft(rows[:, count:])
                break
        return np.concatenate(found, axis=1)

    def _grow(self, users: int) -> None:
        if users > len(self._size_U):
            more = max(users, 2 * len(self._size_U)) - len(self._size_U)
            self._ring_UL = np.concatenate([self._ring_UL, np.empty((more, self._last), np.int64)])
            self._size_U = np.concatenate([self._size_U, np.zeros(more, np.int64)])


def refuse_empty(schema: Schema, times: TimeCounts | None, where: str) -> None:
    """Raises: UserError: a history has no id in any row, as `after` is longer than the log. times: of all rows."""
    for name, spec in schema.fields.items():
        if spec.history is None or times is None:
            continue
        span_S, after = times.spans()[0], spec.history.after_seconds
        if after > (longest := int(span_S[-1]) - int(span_S[0]) + (1 << times.shift) - 1):
            raise UserError(
                f"{where}: fields.{name}.history.after = {spec.history.after!r} leaves no row that is early enough for "
                f"another, as all are within {longest / 86_400:.4g} days; accepted: a shorter one"
            )


class Histories:
    """Every history that a schema asks for."""

    def __init__(self, schema: Schema, where: str) -> None:
        self._where = where
        self._made = {
            n: (spec.history, History(spec.history.last, spec.history.after_seconds))
            for n, spec in schema.fields.items()
            if spec.history
        }

    def add_to(self, batch: pl.DataFrame) -> pl.DataFrame:
        """The batch with a column of lists for each history. Batches come in order of time.

        Raises:
            UserError: an id is not accepted.
        """
        return batch.with_columns(
            self._lists(batch, name, spec, history).alias(f"lists.{name}")
            for name, (spec, history) in self._made.items()
        )

    def _lists(self, batch: pl.DataFrame, name: str, spec: HistorySpec, history: History) -> pl.Series:
        at, by = f"{self._where}: fields.{name}", batch[f"history_by.{name}"]
        counts = by.is_not_null()  # rows of nobody are no history of each other
        if spec.where is not None:
            counts &= batch[f"history_where.{name}"].fill_null(False)
        time_N = batch["time"].to_numpy()
        if len(time_N) and time_N[0] == NEVER:
            raise UserError(f"{at}: a row has the time {NEVER}; accepted: a later one")
        return history(exact_ids(by, at), time_N, exact_ids(batch[f"fields.{spec.of}"], at), counts.to_numpy())
