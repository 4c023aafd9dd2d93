"""Logs without a fault, some of which look as if they had one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from harness.api import Generator
from perf.leaky_logs.log import ROWS, Log, clean, labels, with_field, zipf


def singletons(rng: Generator) -> Log:
    """Nine users of ten are seen once."""
    log, user_N = clean(rng), np.arange(ROWS)
    user_N[rng.random(ROWS) < 0.1] = 0
    return with_field(log, "user", user_N)


def strong(rng: Generator) -> Log:
    """An honest field whose AUC is .70 to .75."""
    log = clean(rng)
    place_N = rng.integers(0, 30, ROWS)
    logit_N = 1.05 * rng.permutation(np.linspace(-1.8, 1.8, 30))[place_N] - 1.4
    return replace(with_field(log, "place", place_N), label_N=labels(rng, logit_N))


def few_values(rng: Generator) -> Log:
    """Two small fields, which every row has in common with many, and which tell the label; split by row."""
    log = strong(rng)
    return replace(log, fields={"place": log.fields["place"], "slot": zipf(rng, ROWS, 40, 1.0)}, by_row=True)


def habits(rng: Generator) -> Log:
    """Users have their items, which come again; the two together tell the label; split by row."""
    user_N, nth_N = zipf(rng, ROWS, ROWS // 4, 0.6), zipf(rng, ROWS, 5, 0.5)
    pair_N = 5 * user_N + nth_N
    logit_N = rng.normal(size=ROWS)[user_N] + rng.normal(size=5 * ROWS)[pair_N] - 1
    return Log({"user": user_N, "item": pair_N * 7919 % 1009}, labels(rng, logit_N), user_N, by_row=True)


def no_signal(rng: Generator) -> Log:
    return clean(rng, effect=0.0, base=0.5)


def numbers(rng: Generator) -> Log:
    """Honest numbers: of no meaning, half of them missing, mostly 0, one that moves the label, and the time."""
    log, price_N = clean(rng), rng.normal(size=ROWS)
    label_N = labels(rng, 0.8 * price_N - 1.5)
    half_N, few_N = np.where(rng.random(ROWS) < 0.5, np.nan, price_N), rng.poisson(0.1, ROWS).astype(np.float64)
    honest = {"flat": rng.normal(size=ROWS), "half": half_N, "few": few_N, "price": price_N}
    return replace(log, label_N=label_N, numbers=honest | {"time": np.arange(ROWS, dtype=np.float64)})


def split_by_row(rng: Generator) -> Log:
    return replace(clean(rng, effect=1.0), by_row=True)


def views(rng: Generator) -> Log:
    """Users see an item up to six times in an hour, each time with a label of its own; times are of hours."""
    seen_N = np.sort(rng.choice(ROWS // 3, ROWS))
    log = clean(rng, rows=ROWS // 3)
    fields = {name: id_N[seen_N] for name, id_N in log.fields.items() if name != "noise"}
    move_N = rng.normal(size=ROWS // 3)[seen_N]
    return Log(fields, labels(rng, move_N - 1), fields["user"], time_N=seen_N // 40 * 3600)


def hours(rng: Generator) -> Log:
    """Two fields of few values that tell the label, and times of hours: many rows are the same in all of these."""
    log = few_values(rng)
    return replace(log, session_N=log.fields["slot"], by_row=False, time_N=np.arange(ROWS) // 200 * 3600)


def sessions(rng: Generator) -> Log:
    """Rows have the label and the time of their session, in which items come again; the user has several sessions."""
    session_N = np.arange(ROWS) // 8
    user_N, item_N = zipf(rng, ROWS // 8, ROWS // 40, 0.6)[session_N], 3 * session_N + rng.integers(0, 3, ROWS)
    label_N = labels(rng, rng.normal(size=ROWS // 8) - 1)[session_N]
    return Log({"user": user_N, "item": item_N * 7919 % 1009}, label_N, user_N, time_N=session_N * 60)


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
    return Log(columns, labels(rng, logit_N), columns["field0"], by_row)


def any_shape(rng: Generator) -> Log:
    """Two to five fields of any law, any base rate, either split."""
    fields = [(int(10 ** rng.uniform(0.5, 4)), float(rng.uniform(0, 1.5))) for _ in range(rng.integers(2, 6))]
    rows, effect = int(10 ** rng.uniform(3, 4.7)), float(rng.uniform(0, 0.7))
    return of_shape(rng, rows, fields, effect, float(rng.uniform(0.05, 0.95)), bool(rng.random() < 0.5))


CLEAN: dict[str, Callable[[Generator], Log]] = {
    "users and items move the label": clean,
    "nine users of ten seen once": singletons,
    "an honest field of AUC .70 to .75": strong,
    "labels of no pattern": no_signal,
    "honest numbers": numbers,
    "two fields of few values, split by row": few_values,
    "users with items of their own, split by row": habits,
    "strong users and items, split by row": split_by_row,
    "a user sees an item again within the hour, times of hours": views,
    "two fields of few values, times of hours": hours,
    "a label and a time of the session, items come again in it": sessions,
    "the label is a habit of frequent users": power_users,
    "random shape, law, rate and split": any_shape,
}
"""Kind of log without a fault."""
