"""Of several times in a table, the one of the row is taken: not that of its user or its item, nor one written later."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data.guess.guess import Guesses, guess

N = 2000
DAY = 86_400
RNG = np.random.default_rng(0)
T0 = 1_714_521_600
T = np.sort(RNG.integers(T0, T0 + 10 * DAY, N))
USER, ITEM, CLICK = RNG.integers(0, 200, N), RNG.integers(0, 90, N), RNG.integers(0, 2, N)
OF_USER, OF_ITEM = RNG.integers(T0 - 900 * DAY, T0, 200)[USER], RNG.integers(T0 - 90 * DAY, T0, 90)[ITEM]
LAST_SEEN = RNG.integers(T0 + 10 * DAY, T0 + 20 * DAY, 200)[USER]
REQUEST = np.arange(N) // 5
OF_REQUEST = T[5 * REQUEST]


def days(seconds: Any) -> list[str]:
    return [f"{datetime.fromtimestamp(int(t), UTC):%Y-%m-%d}" for t in seconds]


def guessed(**columns: Any) -> Guesses:
    return guess(pl.DataFrame({"user": USER, "item": ITEM, "click": CLICK, **columns}), True)


def time_of(found: Guesses) -> tuple[str, str]:
    (time,) = (each for each in found.columns if each.what == "time")
    assert found.whole[-1].entries["by"] == "time"
    return time.column, time.why.partition("; ")[2]


OF_MANY = np.where(USER == 7, T, OF_USER)
"""Times of users, one of whom stands for whoever is not known."""
FOREIGN: dict[str, tuple[dict[str, Any], str, str]] = {
    "when a user was made": (
        {"user_created_at": OF_USER, "date": days(T)},
        "date",
        "not user_created_at, which is one for each user",
    ),
    "when an item came out": (
        {"item_publish_ts": OF_ITEM, "dt": days(T)},
        "dt",
        "not item_publish_ts, which is one for each item",
    ),
    "of either": (
        {"user_ts": OF_USER, "item_ts": OF_ITEM, "day": days(T)},
        "day",
        "not user_ts, which is one for each user; not item_ts, which is one for each item",
    ),
    "after the log": ({"seen_at": LAST_SEEN, "date": days(T)}, "date", "not seen_at, which is one for each user"),
    "but of one user": ({"member_ts": OF_MANY, "date": days(T)}, "date", "not member_ts, which is one for each user"),
    "of users who come once": (
        {"user": range(N), "user_created_at": T - RNG.integers(1, 900 * DAY, N), "date": days(T)},
        "date",
        "not user_created_at, which is by its name a time of the user",
    ),
    "beside one that few rows lack": (
        {"member_ts": OF_USER, "date": [None, *days(T)[1:]]},
        "date",
        "not member_ts, which is one for each user; 1 of 2,000 rows have none, and are left out",
    ),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_the_time_of_a_user_or_an_item_is_not_that_of_the_row(case: str) -> None:
    columns, name, why = FOREIGN[case]
    assert time_of(guessed(**columns)) == (name, why)


AT = np.where(np.arange(N) < 40, T[0], T)
WAITS = np.where(CLICK, RNG.integers(1, 300, N), 0)
LAGS, MADE = "never earlier than {} and sometimes later", "named as when something was made or changed"
LATER: dict[str, tuple[dict[str, Any], str, str]] = {
    "changed where something followed": ({"updated_at": AT + WAITS, "ts": AT}, "ts", LAGS),
    "written later": ({"server_ts": AT + 1 + WAITS, "ts": AT}, "ts", LAGS),
    "made, and written later": ({"log_time": AT + WAITS, "created_at": AT}, "created_at", LAGS),
    "made long before": ({"registered_at": T - RNG.integers(0, 900 * DAY, N), "at": AT}, "at", MADE),
}


@pytest.mark.parametrize("case", LATER)
def test_of_times_as_fine_one_that_is_made_or_changed_at_another_moment_is_not_taken(case: str) -> None:
    columns, name, why = LATER[case]
    other, _ = columns
    assert time_of(guessed(**columns)) == (name, f"not {other}, which is {why.format(name)}")


A_DAY = T0 + DAY * (np.arange(N) - (np.arange(N) % 20 == 19))
"""Few days have more than one row."""
FINEST: dict[str, tuple[dict[str, Any], str]] = {
    "a day and its seconds": ({"date": days(T), "ts": T}, "ts"),
    "a day and its seconds, a row a day": ({"date": days(A_DAY), "ts": A_DAY + 9 * 3600 + np.arange(N)}, "ts"),
    "the start of a session": ({"session": REQUEST, "start_time": OF_REQUEST, "click_time": T}, "click_time"),
    "one time for all rows of a request": ({"search_id": REQUEST, "at": OF_REQUEST, "item_ts": OF_ITEM}, "at"),
    "a request by another name": ({"request": REQUEST, "ts": OF_REQUEST, "item_date": days(OF_ITEM)}, "ts"),
    "days that are numbered": ({"week": (T - T0) // DAY, "date": days(T), "user_date": days(OF_USER)}, "date"),
}


@pytest.mark.parametrize("case", FINEST)
def test_else_the_finest_time_is_taken(case: str) -> None:
    columns, name = FINEST[case]
    assert time_of(guessed(**columns))[0] == name


def test_the_only_time_is_taken_and_doubted_if_its_name_says_that_it_is_of_a_user() -> None:
    said = "look: it is by its name a time of the user"
    assert time_of(guessed(user_created_at=OF_USER)) == ("user_created_at", said)


def test_what_happened_later_follows_the_row_and_not_its_user() -> None:
    sold, seen = ([int(t) + by if click else None for t, click in zip(T, CLICK, strict=True)] for by in (DAY * 2, -60))
    columns = {"user_created_at": OF_USER, "ts": T, "sale_time": sold, "user": USER, "item": ITEM}
    found = guess(pl.DataFrame(columns), True)
    assert {each.column for each in found.columns if each.what == "label"} == {"sale_time"}
    assert (time_of(found)[0], found.whole[-1].entries) == ("ts", {"by": "time", "gap": "2d"})
    found = guess(pl.DataFrame(columns | {"sale_time": seen}), True)
    assert not any(each.what == "label" for each in found.columns)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.permutations(["user", "made", "item", "out", "on", "click"]), st.booleans())
def test_neither_order_of_rows_and_columns_nor_how_often_ids_come_make_it_the_time_of_the_row(
    seed: int, order: list[str], shuffled: bool
) -> None:
    rng = np.random.default_rng(seed)
    user = rng.zipf(rng.uniform(1.2, 3), N) % rng.integers(2, 1500)
    item = rng.integers(0, rng.integers(2, 1500), N)
    made, out = rng.integers(T0 - 900 * DAY, T0, 1500)[user], rng.integers(T0 - 90 * DAY, T0, 1500)[item]
    names = {"made": "sign_up_time", "out": "came_out_at", "on": "date"}
    columns = {"user": user, "made": made, "item": item, "out": out, "on": days(T), "click": CLICK}
    frame = pl.DataFrame({names.get(name, name): columns[name] for name in order})
    frame = frame.sample(fraction=1, shuffle=True, seed=seed) if shuffled else frame
    assert time_of(guess(frame, True))[0] == "date"
