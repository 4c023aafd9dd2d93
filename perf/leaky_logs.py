"""Small synthetic logs, each with one fault that the checks of data must find, or with none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from harness.api import Data, Generator, Ints, Kinds, NumberField, Split

ROWS = 20_000


@dataclass(frozen=True)
class Log:
    """A log in order of time. session_N: what labels may depend on within. by_row: whether it is split at random."""

    fields: dict[str, Ints]
    label_N: Ints
    session_N: Ints
    by_row: bool = False
    numbers: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)


def clean(rng: Generator, effect: float = 0.5, base: float = 0.2, rows: int = ROWS) -> Log:
    """Users, items, a context and a field of no meaning; users and items move the label. effect: on its logit."""
    user_N, item_N = zipf(rng, rows, rows // 4, 0.6), zipf(rng, rows, rows // 10, 1.1)
    logit_N = np.log(base / (1 - base)) + effect * (rng.normal(size=rows)[user_N] + rng.normal(size=rows)[item_N])
    fields = {"user": user_N, "item": item_N, "hour": np.arange(rows) * 24 * 7 // rows % 24}
    fields["noise"] = rng.integers(0, rows // 20, rows)
    label_N = (rng.random(rows) < 1 / (1 + np.exp(-logit_N))).astype(np.int64)
    return Log(fields, label_N, user_N)


def zipf(rng: Generator, rows: int, ids: int, exponent: float) -> Ints:
    p = np.arange(1, ids + 1) ** -exponent
    return rng.choice(ids, rows, p=p / p.sum())


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


def doubled(rng: Generator, share: float = 1.0, base: float = 0.2) -> Log:
    """Rows that were logged twice, split by row."""
    return rows_of(clean(rng, base=base), np.repeat(np.arange(ROWS), np.where(rng.random(ROWS) < share, 2, 1)))


def some_doubled(rng: Generator) -> Log:
    return doubled(rng, share=0.05)


def rare_doubled(rng: Generator) -> Log:
    return doubled(rng, base=0.03)


def rare(rng: Generator) -> Log:
    return clean(rng, base=0.003)


def singletons(rng: Generator) -> Log:
    """Nine users of ten are seen once."""
    log, user_N = clean(rng), np.arange(ROWS)
    user_N[rng.random(ROWS) < 0.1] = 0
    return with_field(log, "user", user_N)


def strong(rng: Generator) -> Log:
    """An honest field whose AUC is .70 to .75."""
    log = clean(rng)
    place_N = rng.integers(0, 30, ROWS)
    p_N = 1 / (1 + np.exp(1.4 - 1.05 * rng.permutation(np.linspace(-1.8, 1.8, 30))[place_N]))
    return replace(with_field(log, "place", place_N), label_N=(rng.random(ROWS) < p_N).astype(np.int64))


def few_values(rng: Generator) -> Log:
    """Two small fields, which every row has in common with many, and which tell the label; split by row."""
    log = strong(rng)
    return replace(log, fields={"place": log.fields["place"], "slot": zipf(rng, ROWS, 40, 1.0)}, by_row=True)


def habits(rng: Generator) -> Log:
    """Users have their items, which come again; the two together tell the label; split by row."""
    user_N, nth_N = zipf(rng, ROWS, ROWS // 4, 0.6), zipf(rng, ROWS, 5, 0.5)
    pair_N = 5 * user_N + nth_N
    logit_N = rng.normal(size=ROWS)[user_N] + rng.normal(size=5 * ROWS)[pair_N] - 1
    label_N = (rng.random(ROWS) < 1 / (1 + np.exp(-logit_N))).astype(np.int64)
    return Log({"user": user_N, "item": pair_N * 7919 % 1009}, label_N, user_N, by_row=True)


def no_signal(rng: Generator) -> Log:
    return clean(rng, effect=0.0, base=0.5)


def numbers(rng: Generator) -> Log:
    """Honest numbers: of no meaning, half of them missing, mostly 0, one that moves the label, and the time."""
    log, price_N = clean(rng), rng.normal(size=ROWS)
    label_N = (rng.random(ROWS) < 1 / (1 + np.exp(1.5 - 0.8 * price_N))).astype(np.int64)
    half_N, few_N = np.where(rng.random(ROWS) < 0.5, np.nan, price_N), rng.poisson(0.1, ROWS).astype(np.float64)
    honest = {"flat": rng.normal(size=ROWS), "half": half_N, "few": few_N, "price": price_N}
    return replace(log, label_N=label_N, numbers=honest | {"time": np.arange(ROWS, dtype=np.float64)})


def split_by_row(rng: Generator) -> Log:
    return replace(clean(rng, effect=1.0), by_row=True)


def power_users(rng: Generator) -> Log:
    """The label is a habit of the user, and those who have it come ten times as often."""
    log = clean(rng)
    user_N = np.where(rng.random(ROWS) < 0.7, rng.integers(0, 500, ROWS), rng.integers(500, ROWS // 2, ROWS))
    label_N = (rng.random(ROWS) < np.where(user_N < 500, 0.6, 0.2)).astype(np.int64)
    return replace(with_field(log, "user", user_N), label_N=label_N)


def of_shape(
    rng: Generator, rows: int, fields: list[tuple[int, float]], effect: float, base: float, by_row: bool
) -> Log:
    """Fields of so many ids and such an exponent of Zipf's law, each with an effect on the logit; the first is the
    group."""
    columns = {f"field{f}": zipf(rng, rows, *law) for f, law in enumerate(fields)}
    logit_N = np.log(base / (1 - base)) + sum(
        effect * rng.normal(size=ids)[columns[f"field{f}"]] for f, (ids, _) in enumerate(fields)
    )
    label_N = (rng.random(rows) < 1 / (1 + np.exp(-logit_N))).astype(np.int64)
    return Log(columns, label_N, columns["field0"], by_row)


def any_shape(rng: Generator) -> Log:
    """Two to five fields of any law, any base rate, either split."""
    fields = [(int(10 ** rng.uniform(0.5, 4)), float(rng.uniform(0, 1.5))) for _ in range(rng.integers(2, 6))]
    rows, effect = int(10 ** rng.uniform(3, 4.7)), float(rng.uniform(0, 0.7))
    return of_shape(rng, rows, fields, effect, float(rng.uniform(0.05, 0.95)), bool(rng.random() < 0.5))


PLANTED: dict[str, tuple[Callable[[Generator], Log], str]] = {
    "a copy of the label, 1 % wrong": (copy, "field_tells_label"),
    "a field that the label moves, AUC .86": (hint, "field_tells_label"),
    "a number that is 0 unless the label is 1": (revenue, "field_tells_label"),
    "a number that is near 0 if the label is 1": (distance, "field_tells_label"),
    "a number that is missing if the label is 0": (not_known, "field_tells_label"),
    "an event id": (event_id, "ids_never_return"),
    "one row of a session is 0, split by row": (one_of_session, "label_excludes_others"),
    "a label of the session on each row, split by row": (copied_in_session, "label_copied"),
    "whether the user comes again, no gap": (comes_again, "label_looks_ahead"),
    "rows logged twice, split by row": (doubled, "copied_rows"),
    "rows logged twice, a label of 3 %": (rare_doubled, "copied_rows"),
    "one row of twenty logged twice": (some_doubled, "copied_rows"),
    "a label of .3 %": (rare, "few_labels"),
}
"""Kind of fault -> a log with it, and the check that must find it."""
CLEAN: dict[str, Callable[[Generator], Log]] = {
    "users and items move the label": clean,
    "nine users of ten seen once": singletons,
    "an honest field of AUC .70 to .75": strong,
    "labels of no pattern": no_signal,
    "honest numbers": numbers,
    "two fields of few values, split by row": few_values,
    "users with items of their own, split by row": habits,
    "strong users and items, split by row": split_by_row,
    "the label is a habit of frequent users": power_users,
    "random shape, law, rate and split": any_shape,
}
"""Kind of log without a fault."""


def with_field(log: Log, name: str, id_N: Ints) -> Log:
    return replace(log, fields=log.fields | {name: id_N})


def rows_of(log: Log, at_M: Ints) -> Log:
    """These rows of a log, some of them perhaps twice."""
    columns = {name: id_N[at_M] for name, id_N in log.fields.items()}
    return replace(log, fields=columns, label_N=log.label_N[at_M], session_N=log.session_N[at_M], by_row=True)


def data_of(log: Log, rng: Generator) -> Data:
    """A log split 80 : 10 : 10."""
    rows = len(log.label_N)
    order = rng.permutation(rows) if log.by_row else np.arange(rows)
    ids_NF = np.column_stack(list(log.fields.values())).astype(np.int64)
    number_NP = np.column_stack(list(log.numbers.values())).astype(np.float32) if log.numbers else None
    parts = [
        Split(
            ids_NF=ids_NF[at],
            labels_NT=log.label_N[at, None].astype(np.uint8),
            group_N=log.session_N[at].astype(np.int64),
            time_N=at.astype(np.int64),
            numbers_NP=None if number_NP is None else number_NP[at],
        )
        for at in map(np.sort, np.split(order, [rows * 8 // 10, rows * 9 // 10]))
    ]
    return Data(tuple(log.fields), ("click",), *parts, kinds=Kinds(tuple(map(NumberField, log.numbers))))
