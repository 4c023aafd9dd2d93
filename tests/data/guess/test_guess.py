"""Every rule of the guesses, on tables that hold little else; and names that would break a schema."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from harness.base import seeds
from harness.base.names import check_names
from harness.data.guess import left_out, numbers
from harness.data.guess.columns import Column
from harness.data.guess.first_schema import first_schema
from harness.data.guess.guess import Guesses, guess
from harness.data.guess.marks import EVERY
from harness.data.guess.sample import Sample, sample
from harness.data.guess.schema_text import MADE, schema_text
from harness.plugins.registry import Registry, build

N = 400
RNG = np.random.default_rng(0)
USER, ITEM = RNG.integers(0, 50, N), RNG.integers(0, 30, N)
CLICK = RNG.integers(0, 2, N)


def guessed(named: bool = True, **columns: Any) -> Guesses:
    return guess(pl.DataFrame({name: values for name, values in columns.items()}), named)


def kinds(found: Guesses) -> dict[str, str]:
    return {each.column: each.what for each in found.columns}


def entries(found: Guesses, what: str) -> dict[str, Any]:
    every = (*found.columns, *found.whole)
    return {key: value for each in every if each.what == what for key, value in each.entries.items()}


def schema(found: Guesses, frame: pl.DataFrame) -> dict[str, Any]:
    return tomllib.loads(schema_text(found, "x.parquet", Sample(frame, "Parquet", None), "x"))


YES = np.where(CLICK, "Yes", "No")
LABELS: dict[str, tuple[str, Any, str]] = {
    "0 and 1": ("clicked", CLICK, "clicked"),
    "as a float": ("is_click", CLICK * 1.0, "is_click"),
    "true and false": ("hasConverted", CLICK == 1, "hasConverted"),
    "-1 and 1": ("label", 2 * CLICK - 1, "label > 0"),
    "-1 and +1 as text": ("label", np.where(CLICK, "+1", "-1"), "label = '+1'"),
    "yes and no": ("purchased", YES, "purchased = 'Yes'"),
    "yes in any letters": (
        "purchased",
        np.where(np.arange(N) % 2, YES, np.char.upper(YES)),
        "purchased IN ('YES', 'Yes')",
    ),
    "text of numbers": ("clicked", CLICK.astype(str), "clicked = '1'"),
    "two ways": ("clicked", np.where(np.arange(N) < 9, CLICK.astype(str), CLICK == 1), "clicked IN ('1', 'True')"),
    "categories": ("purchased", pl.Series(YES).cast(pl.Categorical), "purchased = 'Yes'"),
    "1 or nothing": ("clicked", [1 if c else None for c in CLICK], "COALESCE(clicked, 0) = 1"),
    "true or nothing": ("clicked", [True if c else None for c in CLICK], "COALESCE(clicked, false) = true"),
    "Y or nothing": ("clicked", ["Y" if c else None for c in CLICK], "COALESCE(clicked, '') = 'Y'"),
    "y or Y or nothing": (
        "is_click",
        [None if not c else "y" if k % 2 else "Y" for k, c in enumerate(CLICK)],
        "COALESCE(is_click, '') IN ('Y', 'y')",
    ),
    "yes or empty text": ("purchased", np.where(CLICK, "yes", ""), "COALESCE(purchased, '') = 'yes'"),
    "1 as text or nothing": ("clicked", ["1" if c else None for c in CLICK], "COALESCE(clicked, '') = '1'"),
    "an outcome or nothing": ("label", ["click" if c else None for c in CLICK], "COALESCE(label, '') = 'click'"),
    "yes, no and empty text": (
        "purchased",
        np.where(np.arange(N) % 9, YES, ""),
        "NULLIF(purchased, '') = 'Yes'",
    ),
    "a count": ("clicks label", CLICK * USER, '"clicks label" > 0'),
    "with a window": ("rebuy_90d", CLICK, "rebuy_90d"),
    "among other names": ("label_conversion", CLICK, "label_conversion"),
    "stars": ("rating", RNG.integers(1, 6, N), "rating > 3"),
    "half stars": ("userRating", RNG.integers(1, 11, N) / 2, "userRating > 3"),
    "up to ten": ("score", RNG.integers(1, 11, N), "score > 7"),
    "the only one of 0 and 1": ("abc", CLICK, "abc"),
    "the only one of yes and no": ("abc", np.where(CLICK, "t", "f"), "abc = 't'"),
    "the only one of true and false": ("abc", CLICK == 1, "abc"),
}


@pytest.mark.parametrize("case", LABELS)
def test_a_label_is_found_by_its_name_and_values(case: str) -> None:
    name, values, sql = LABELS[case]
    found = guessed(user=USER, **{name: values}, item=ITEM)
    assert list(entries(found, "label").values()) == [sql]
    assert kinds(found)["user"] == kinds(found)["item"] == "id"
    assert not found.candidates


@pytest.mark.parametrize(("yes", "nothing"), [(1.0, None), (1.0, float("nan")), ("Y", None), ("Y", ""), ("1", None)])
def test_nothing_beside_yes_is_no(tmp_path: Path, yes: float | str, nothing: float | str | None) -> None:
    frame = pl.DataFrame({"user": USER, "clicked": [yes if c else nothing for c in CLICK]})
    frame.write_parquet(tmp_path / "a.parquet")
    (tmp_path / "s.toml").write_text(first_schema(str(tmp_path / "a.parquet")).text)
    data = build(Registry().datasets, "data set", "table_file", {"schema": str(tmp_path / "s.toml")})
    parts = data.build(seeds.generator(0, "data"))
    assert sum(int(part.labels_NT.sum()) for part in (parts.train, parts.valid, parts.test)) == CLICK.sum()
    assert parts.train.observed_NT is None


def test_a_label_that_takes_a_while_gets_a_gap_and_open_rows_are_left_out() -> None:
    for none, where in ((None, "rebuy_90d IS NOT NULL"), (float("nan"), "ABS(rebuy_90d) < 1e308")):
        label = [none if row > 0.8 * N else int(CLICK[row]) for row in range(N)]
        rebuy = pl.Series(label, strict=False)
        found = guessed(user_id=USER, rebuy_30d=CLICK, rebuy_90d=rebuy, ts=range(1_600_000_000, 1_600_000_000 + N))
        assert entries(found, "split") == {"by": "time", "gap": "90d"}
        assert entries(found, "where") == {"where": where}


@pytest.mark.parametrize(
    "label",
    [{"click": [1 if k < 99 else None for k in range(N)]}, {"click": ["Y" if k < 99 else None for k in range(N)]},
     {"sale_time": [1_600_003_600 + k if k < 99 else None for k in range(N)]}],
)  # fmt: skip
def test_last_rows_without_a_yes_are_no_open_ones_where_nothing_is_no(label: dict[str, Any]) -> None:
    """Without them, no row of the other class would be left."""
    found = guessed(user_id=USER, ts=range(1_600_000_000, 1_600_000_000 + N), **label)
    assert len(entries(found, "label")) == 1
    assert entries(found, "where") == {}


def test_minus_one_beside_0_and_1_is_unknown() -> None:
    found = guessed(user=USER, label=RNG.integers(-1, 2, N))
    assert (entries(found, "label"), entries(found, "observed")) == ({"label": "label > 0"}, {"label": "label >= 0"})


def test_actions_but_the_most_frequent_are_labels() -> None:
    done = RNG.choice(["view", "cart", "it's odd", "purchase"], N, p=[0.7, 0.1, 0.1, 0.1])
    found = guessed(user_id=USER, event_type=done)
    assert sorted(entries(found, "label").values()) == [
        f"event_type = {text}" for text in ("'cart'", "'it''s odd'", "'purchase'")
    ]


def test_a_moment_that_follows_is_the_label_and_gives_the_gap() -> None:
    click = np.sort(RNG.integers(0, 60 * 86_400, N)) + 1_600_000_000
    sold = [int(t + d) if c else None for t, d, c in zip(click, RNG.integers(0, 6 * 86_400, N), CLICK, strict=True)]
    found = guessed(click_time=click, order_time=sold, user=USER)
    assert entries(found, "label") == {"order": "order_time IS NOT NULL"}
    assert entries(found, "time") == {"time": "click_time"}
    assert entries(found, "split") == {"by": "time", "gap": "6d"}


def test_without_a_label_the_candidates_are_told_and_the_rest_is_written() -> None:
    frame = pl.DataFrame({"user": USER, "a": CLICK, "b": 1 - CLICK, "price": RNG.random(N)})
    found = guess(frame, True)
    assert found.candidates == {"a": "a", "b": "b"}
    written = schema(found, frame)
    assert (written["labels"], list(written["fields"])) == ({}, ["user", "a", "b", "price"])


def test_without_names_a_label_that_needs_another_is_found_with_it() -> None:
    sold = CLICK * RNG.integers(0, 2, N)
    assert entries(guessed(False, c0=1 + USER, c1=CLICK, c2=sold), "label") == {"c1": "c1", "c2": "c2"}
    by_chance = np.zeros(N, int)
    by_chance[np.flatnonzero(CLICK)[:3]] = 1
    for columns in ({"c1": CLICK, "c2": RNG.integers(0, 2, N)}, {"c1": CLICK, "c2": by_chance}):
        assert guessed(False, c0=1 + USER, **columns).candidates == {"c1": "c1", "c2": "c2"}


AT = [datetime(2020, 11, 1 + k // 24, k % 24, tzinfo=UTC) for k in range(N)] if N < 24 * 28 else []
TIMES: dict[str, tuple[Any, ...]] = {
    "dates": ("at", AT, "at"),
    "text": ("created", [f"{t:%Y-%m-%d %H:%M:%S}" for t in AT], "created"),
    "seconds": ("ts", [int(t.timestamp()) for t in AT], "ts"),
    "milliseconds": ("user_ts", [int(t.timestamp()) * 1000 for t in AT], "user_ts", "ms"),
    "microseconds": ("event time", [int(t.timestamp()) * 10**6 for t in AT], "event time", "us"),
    "YYYYMMDD": ("date", [int(f"{t:%Y%m%d}") for t in AT], "date", "yyyymmdd"),
    "YYMMDDHH": ("hour", [int(f"{t:%y%m%d%H}") for t in AT], "hour", "yymmddhh"),
    "days first": ("when", [f"{t:%d.%m.%Y %H:%M}" for t in AT], "STRPTIME(when, '%d.%m.%Y %H:%M')"),
    "months first": ("Date", [f"{t:%m/%d/%Y}" for t in AT], "STRPTIME(Date, '%m/%d/%Y')"),
    "short years": ("when", [f"{t:%d.%m.%y %H:%M}" for t in AT], "STRPTIME(when, '%d.%m.%y %H:%M')"),
    "morning and evening": ("at", [f"{t:%m/%d/%Y %I:%M %p}" for t in AT], "STRPTIME(at, '%m/%d/%Y %I:%M %p')"),
    "months as words": ("at", [f"{t:%d-%b-%Y}" for t in AT], "STRPTIME(at, '%d-%b-%Y')"),
    "digits as text": ("ts", [str(int(t.timestamp())) for t in AT], "ts"),
    "YYYYMMDD as text": ("day", [f"{t:%Y%m%d}" for t in AT], "day", "yyyymmdd"),
    "with the zone": (
        "event_time",
        [f"{t:%Y-%m-%d %H:%M:%S} UTC" for t in AT],
        "STRPTIME(event_time, '%Y-%m-%d %H:%M:%S UTC')",
    ),
    "of BigQuery": (
        "event_time",
        [f"{t:%Y-%m-%d %H:%M:%S}{'.25' if k % 3 else ''} UTC" for k, t in enumerate(AT)],
        "STRPTIME(event_time, '%Y-%m-%d %H:%M:%S%.f UTC')",
    ),
    "of a server": (
        "at",
        [f"[{t:%d/%b/%Y:%H:%M:%S} +0000]" for t in AT],
        "STRPTIME(at, '[%d/%b/%Y:%H:%M:%S %z]')",
    ),
    "of a browser": (
        "at",
        [f"{t:%a %b %d %Y %H:%M:%S} GMT+0000 (Coordinated Universal Time)" for t in AT],
        "STRPTIME(SPLIT_PART(at, ' (', 1), '%a %b %d %Y %H:%M:%S GMT%z')",
    ),
    "of a zone with a name": (
        "at",
        [f"{t.astimezone(ZoneInfo('America/New_York')):%a %b %d %H:%M:%S %Z %Y}" for t in AT],
        "STRPTIME(REPLACE(REPLACE(at, ' EST', ' -0500'), ' EDT', ' -0400'), '%a %b %d %H:%M:%S %z %Y')",
    ),
    "from 0 on": ("timestamp", list(range(0, 7 * N, 7)), "timestamp"),
}
DAYS = ("YYYYMMDD", "YYYYMMDD as text", "months first", "months as words")


@pytest.mark.parametrize("case", TIMES)
def test_a_time_is_found_in_any_notation_and_rows_are_split_by_it(tmp_path: Path, case: str) -> None:
    name, values, sql, *unit = TIMES[case]
    frame = pl.DataFrame({"user": USER, "click": CLICK, name: values})
    found = guess(frame, True)
    assert entries(found, "time") == {"time": sql} | ({"time_unit": unit[0]} if unit else {})
    assert entries(found, "split") == {"by": "time"}
    frame.write_parquet(tmp_path / "x.parquet")
    (tmp_path / "schema.toml").write_text(schema_text(found, "x", Sample(frame, "Parquet", None), "x"))
    params = {"schema": str(tmp_path / "schema.toml"), "path": str(tmp_path / "x.parquet")}
    data = build(Registry().datasets, "data set", "table_file", params).build(seeds.generator(0, "data"))
    seconds = np.concatenate([part.time_N for part in (data.train, data.valid, data.test)])
    whole = {int(t.timestamp()) // 86_400 * 86_400 if case in DAYS else int(t.timestamp()) for t in AT}
    assert set(seconds) == (set(values) if case == "from 0 on" else whole)


@pytest.mark.parametrize("nothing", [None, float("nan")])
@pytest.mark.parametrize("unit", [1, 1000])
def test_few_rows_without_a_time_are_left_out_and_said(tmp_path: Path, nothing: float | None, unit: int) -> None:
    """Without them all others have one, by which they are split."""
    at = [nothing if k in (3, 200) else unit * t.timestamp() for k, t in enumerate(AT)]
    frame = pl.DataFrame({"ts": at, "user": USER, "clicked": CLICK})
    frame = frame if nothing else frame.with_columns(pl.col("ts").cast(pl.Int64))
    frame.write_parquet(tmp_path / "a.parquet")
    found = first_schema(str(tmp_path / "a.parquet"))
    assert "; 2 of 400 rows have none, and are left out" in found.text
    (tmp_path / "s.toml").write_text(found.text)
    data = build(Registry().datasets, "data set", "table_file", {"schema": str(tmp_path / "s.toml")})
    parts = data.build(seeds.generator(0, "data"))
    assert len(parts.train.labels_NT) + len(parts.valid.labels_NT) + len(parts.test.labels_NT) == N - 2
    assert parts.train.time_N is not None
    assert parts.valid.time_N is not None
    assert parts.train.time_N.max() < parts.valid.time_N.min()


EITHER = [f"{1 + k % 12:02d}/{1 + k % 11:02d}/2020" for k in range(N)]
UNREAD: dict[str, tuple[Any, str]] = {
    "no date": (["0000-00-00", *(f"{t:%Y-%m-%d}" for t in AT[1:])], "'0000-00-00' is no date in a known form"),
    "no number of our days": (
        [*(int(t.timestamp()) for t in AT[1:]), 0],
        "0 to .* are dates of 1990 to 2032 in no unit",
    ),
    "days or months first": (EITHER, r"'%d/%m/%Y'\) and STRPTIME\(ts, '%m/%d/%Y'\) both read it"),
    "too many without": ([None if k % 5 else t for k, t in enumerate(AT)], "320 of 400 rows have none"),
}


@pytest.mark.parametrize("case", UNREAD)
def test_a_split_at_random_says_why_a_column_named_as_a_time_is_none(case: str) -> None:
    values, why = UNREAD[case]
    found = guessed(ts=values, user=USER, clicked=CLICK)
    split = found.whole[-1]
    assert split.entries == {"by": "row"}
    assert re.fullmatch(rf"no time \('ts': .*{why}.*\) and no session", split.why), split.why
    assert kinds(found)["ts"] == "left out"


@pytest.mark.parametrize("name", ["session_start_ms", "firstSeenMillis"])
def test_a_unit_in_a_name_makes_times_of_numbers_that_are_dates_in_it(name: str) -> None:
    """Beside the time of the row, and not of how long something took."""
    start: dict[str, Any] = {name: [1000 * int(t.timestamp()) - 7000 for t in AT]}
    found = guessed(ts=AT, click=CLICK, **start, latency_ms=RNG.integers(1, 3000, N))
    assert kinds(found) == {"ts": "time", "click": "label", name: "left out", "latency_ms": "number"}
    assert entries(guessed(click=CLICK, **start), "time") == {"time": name, "time_unit": "ms"}


def test_a_time_of_the_day_and_numbers_that_look_like_seconds_are_no_time() -> None:
    found = guessed(click=CLICK, hour=RNG.integers(0, 24, N), item=RNG.integers(1_500_000_000, 1_500_000_050, N))
    assert kinds(found) == {"click": "label", "hour": "id", "item": "id"}
    assert entries(found, "split") == {"by": "row"}


LARGE: dict[str, Any] = {
    "user_id": 1_300_000_000_000_000_000 + USER * 7_654_321_987_654_321,
    "tweet_id": 1_500_000_000_000_000_000 + np.arange(N) * 98_765_432_109_876,
    "timestamp_id": 1_600_000_000_000_000 + ITEM * 10**9,
    "ean": 1_200_000_000_000 + ITEM * 987_654_321,
}
"""Ids as large as times of a smaller unit than seconds."""


@pytest.mark.parametrize("at", [{}, {"created_at": [int(t.timestamp()) * 1000 for t in AT]}], ids=["no time", "a time"])
def test_large_ids_are_no_times_unless_nothing_has_a_name(at: dict[str, Any]) -> None:
    columns = {name: values for name, values in LARGE.items() if name != "timestamp_id"}
    found = guessed(**columns, **at, click=CLICK)
    assert [kinds(found)[name] for name in columns] == ["id", "id", "id"]
    assert entries(found, "time") == ({"time": "created_at", "time_unit": "ms"} if at else {})
    for name, values in LARGE.items():
        assert entries(guessed(click=CLICK, **{name: values}), "time") == {}
        unnamed = entries(guessed(named=False, c0=CLICK, **{name: values}), "time")
        assert unnamed == {"time": name, "time_unit": {"ean": "ms", "timestamp_id": "us"}.get(name, "ns")}


@pytest.mark.parametrize("case", [case for case in TIMES if not case.startswith(("YY", "from"))])
@pytest.mark.parametrize("item", ["Product ID", ""])
def test_a_label_is_made_of_what_a_user_does_again(tmp_path: Path, case: str, item: str) -> None:
    """As counted by hand: the same user, and item if there is one, later, by a day at most; open answers left out."""
    name, values, *_ = TIMES[case]
    user_N = USER % 5 if item else USER
    frame = pl.DataFrame({"user_id": user_N} | ({item: ITEM % 3} if item else {}) | {"no": CLICK + USER, name: values})
    text = schema_text(guess(frame, True), str(tmp_path / "x.parquet"), Sample(frame, "Parquet", None), "x")
    frame.write_parquet(tmp_path / "x.parquet")
    text = text.replace(f'{MADE}gap = "1d"', "").replace(MADE, "").replace('by = "time"', 'by = "row"')
    (tmp_path / "schema.toml").write_text(text)
    params = {"schema": str(tmp_path / "schema.toml")}
    data = build(Registry().datasets, "data set", "table_file", params).build(seeds.generator(0, "data"))
    found = list[tuple[int, ...]]()
    for part in (data.train, data.valid, data.test):
        assert part.time_N is not None
        found += zip(part.time_N, part.ids_NF[:, 0], part.labels_NT[:, 0], strict=True)
    time_N = np.array([int(t.timestamp()) // 86_400 * 86_400 if case in DAYS else int(t.timestamp()) for t in AT])
    later_NN = time_N[None, :] - time_N[:, None]
    same_NN = (user_N[:, None] == user_N) & ((ITEM[:, None] % 3 == ITEM % 3) | (item == ""))
    again_N = (same_NN & (later_NN > 0) & (later_NN <= 86_400)).any(axis=1)
    known_N = time_N <= time_N.max() - 86_400
    assert data.tasks == ("again_1d",)
    assert 0 < again_N[known_N].mean() < 1
    assert sorted(found) == sorted(zip(time_N[known_N], user_N[known_N], again_N[known_N], strict=True))


@pytest.mark.parametrize(
    "columns",
    [
        {"colour": USER, "ts": np.arange(N) * 3600},
        {"user_id": USER, "ts": np.arange(N)},
        {"user_id": USER, "day": [int(f"{t:%Y%m%d}") for t in AT]},
        {"user_id": USER, "at": [f"{t:%Y-%m-%dT%H:%M:%S}Z" for t in AT]},
        {"user_id": USER, "at": AT, "fold": RNG.choice(["train", "valid", "test"], N)},
    ],
    ids=["no user", "a short log", "days as numbers", "text with offsets", "given splits"],
)
def test_no_label_is_made_where_it_would_not_be_read(columns: dict[str, Any]) -> None:
    found = guessed(**columns)
    assert (entries(found, "label"), found.made) == ({}, None)


@pytest.mark.parametrize("name", ["user", "User", "order", "group", "values", "not", "limit", "plain", "a b"])
def test_a_name_that_sql_takes_for_a_word_of_its_own_is_quoted_in_what_is_made(name: str) -> None:
    session = np.repeat(np.arange(N // 4), 4)
    column = Column(pl.Series(name, session), name, True)
    frame = pl.DataFrame({name: session})
    query = f"SELECT *, COUNT(*) OVER (PARTITION BY {column.sql}) AS found FROM data"
    assert pl.SQLContext(data=frame).execute(query).collect()["found"].to_list() == [4] * N


def test_a_label_is_made_of_how_long_a_session_becomes_unless_its_rows_are_of_one_moment(tmp_path: Path) -> None:
    session = np.repeat(np.arange(N // 4), RNG.permutation(np.repeat([2, 3, 4, 7], N // 16)))[:N]
    frame = pl.DataFrame(
        {"session": session, "page": USER[: len(session)], "ts": 1_600_000_000 + np.arange(len(session))}
    )
    made = guess(frame, True).made
    assert made is not None
    assert made.entries["labels"] == {"long_session": "rows_of_session >= 4"}
    (label,) = (f"SELECT *, {sql} AS label FROM made" for sql in made.entries["labels"].values())
    rows = pl.SQLContext(data=frame).execute(f"WITH made AS ({made.entries['']['query']}) {label}").collect()
    first = rows.filter(pl.col("place_in_session") == 1).sort("session")
    assert first["ts"].to_list() == frame.group_by("session").agg(pl.col("ts").min()).sort("session")["ts"].to_list()
    assert first["label"].to_list() == (np.bincount(session) >= 4).tolist()
    of_one_moment = frame.with_columns(ts=1_600_000_000 + pl.col("session"))
    assert guess(of_one_moment, True).made is None


LEFT_OUT: dict[str, tuple[Any, str]] = {
    "__index_level_0__": (np.arange(N) % 300, "the row numbers of a data frame"),
    "Unnamed: 0": (np.arange(N) % 300, "the row numbers of a data frame"),
    "nothing": ([None] * N, "empty"),
    "country": (["fr"] * N, "one value"),
    "row_id": (RNG.permutation(N), "another value in every row"),
    "column": (np.arange(N) + 1, "counts the rows"),
    "noclick": (1 - CLICK, "the label click under other values"),
    "shown": (np.where(CLICK, "b", "a"), "the label click under other values"),
    "click_truth": (np.linspace(0.1, 0.4, N), "the probability that drew the label click"),
    "play_ms": (RNG.random(N), "measured after"),
    "amount": (np.where(CLICK, RNG.random(N), 0.0), "tells the label click"),
    "order_no": ([f"o{k}" if c else None for k, c in enumerate(CLICK)], "tells the label click"),
    "updated_at": ([f"{1 + t.day % 12}/{t.month}/{t:%Y}" for t in AT], "a time"),
    "userName": ([f"n{u}" for u in USER], "names what userId is the id of"),
    "title": ([f"a long text about {k} things, of which {k + 1} are new" for k in range(N)], "text to read"),
    "image": ([[{"url": "x"}]] * N, "nested"),
    "embedding": ([[0.1, 0.2]] * N, "lists of numbers"),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_no_field_is_left_out_with_the_reason(name: str) -> None:
    values, why = LEFT_OUT[name]
    found = guessed(userId=USER, click=CLICK, **{name: values}, item=ITEM)
    (left,) = (each for each in found.columns if each.what == "left out")
    assert left.column == name
    assert why in left.why


def test_decimals_are_guessed_as_what_they_hold(tmp_path: Path) -> None:
    """As warehouses write them: whole numbers of 38 digits, amounts with a scale, and ids that have one by mistake."""
    held = {"user_id": (38, 0), "click": (1, 0), "price": (12, 2), "shop": (12, 2), "ts": (38, 0)}
    values = {"user_id": 10**18 + USER, "click": CLICK, "price": USER + 0.25, "shop": ITEM, "ts": range(N)}
    frame = pl.DataFrame(values).cast({name: pl.Decimal(*size) for name, size in held.items()})
    frame.with_columns(pl.col("ts") + 1_600_000_000).write_parquet(tmp_path / "x.parquet")
    read = sample([tmp_path / "x.parquet"])
    found = guess(read.frame, True)
    assert kinds(found) == {"user_id": "id", "click": "label", "price": "number", "shop": "id", "ts": "time"}
    assert entries(found, "id") == {"user_id": "user_id", "shop": "CAST(shop AS BIGINT)"}
    (tmp_path / "schema.toml").write_text(schema_text(found, str(tmp_path / "x.parquet"), read, "x"))
    params = {"schema": str(tmp_path / "schema.toml")}
    data = build(Registry().datasets, "data set", "table_file", params).build(seeds.generator(0, "data"))
    assert set(data.train.ids_NF[:, 0]) <= set((10**18 + USER).tolist())


GENRES = ["|".join(f"g{k % (n + 2)}" for n in range(k % 4)) for k in range(N)]
FIELDS: dict[str, tuple[Any, str, Any]] = {
    "item_id": (ITEM, "id", "item_id"),
    "age_level": (RNG.integers(0, 7, N), "id", "age_level"),
    "Customer ID": ([float(u) if u % 5 else None for u in USER], "id", 'CAST("Customer ID" AS BIGINT)'),
    "age": (RNG.integers(18, 90, N), "number", {"number": "age", "scale": "standard"}),
    "num_views": (RNG.geometric(0.01, N) ** 2, "number", {"number": "num_views", "scale": "log1p"}),
    "ratio": (RNG.random(N), "number", {"number": "ratio", "scale": "standard"}),
    "I7": (RNG.integers(0, 90, N), "number", {"number": "I7", "scale": "standard"}),
    "genres": (GENRES, "list", {"list": "genres", "separator": "|"}),
    "moods": ([text.replace("|", " | ") for text in GENRES], "list", {"list": "moods", "separator": "|"}),
    "shops": ([f"{k % 3}, {k % 5}" for k in range(N)], "list", {"list": "shops", "separator": ","}),
    "tags": ([f"[{k % 3}, {k % 5}]" for k in range(N)], "list", {"list": "tags"}),
    "words": ([[k % 3, k % 5] for k in range(N)], "list", {"list": "words"}),
    "city": (["Lyon, France" if k % 2 else "Bonn, Germany" for k in range(N)], "id", "city"),
    "hist": ([",".join(str(ITEM[(k + n) % N]) for n in range(4)) for k in range(N)], "sequence",
             {"sequence": "hist", "separator": ",", "shares": "item"}),
}  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_the_kind_of_a_field_is_told_by_name_type_and_values(name: str) -> None:
    values, what, value = FIELDS[name]
    found = guessed(uid=1000 + USER, click=CLICK, **{name: values}, item=1_000_000 + ITEM if name != "hist" else ITEM)
    assert kinds(found)[name] == what
    assert entries(found, what)[name] == value


@pytest.mark.parametrize("past", [pl.Int64(), pl.String()])
@pytest.mark.parametrize("item", [pl.Int64(), pl.Float64(), pl.String()])
def test_a_past_shares_a_table_only_where_it_can(tmp_path: Path, past: pl.DataType, item: pl.DataType) -> None:
    columns = {"hist": [[int(ITEM[(k + n) % N]) for n in range(4)] for k in range(N)], "item": ITEM, "click": CLICK}
    frame = pl.DataFrame(columns).with_columns(pl.col("hist").cast(pl.List(past)), pl.col("item").cast(pl.Int64))
    frame = frame.with_columns(pl.col("item").cast(item))
    found = guess(frame, True)
    assert ("shares" in entries(found, "sequence")["hist"]) == ((past, item) != (pl.Int64(), pl.String()))
    frame.write_parquet(tmp_path / "x.parquet")
    (tmp_path / "schema.toml").write_text(
        schema_text(found, str(tmp_path / "x.parquet"), Sample(frame, "x", None), "x")
    )
    params = {"schema": str(tmp_path / "schema.toml")}
    build(Registry().datasets, "data set", "table_file", params).build(seeds.generator(0, "data"))


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("price", [f"{v:.2f}" for v in USER + RNG.random(N)], "number"),
        ("Unit Price", [f"{k % 9}" if k % 3 else f"{k % 9}.5" for k in range(N)], "number"),
        ("item_price", [f"{-v:.2f}" if v < 9 else None for v in USER + 0.25], "number"),
        ("category_ids", [f"{k % 7}.{k % 5}" for k in range(N)], "list"),
        ("hist", [f"{k % 7}.{k % 5}" for k in range(N)], "sequence"),
        ("price", [f"{k % 7}.{k % 5}.{k % 3}" for k in range(N)], "list"),
    ],
)
def test_decimal_commas_are_numbers_unless_the_name_says_ids(
    tmp_path: Path, name: str, text: list[str | None], what: str
) -> None:
    frame = pl.DataFrame({"user": USER, name: [t and t.replace(".", ",") for t in text], "click": CLICK})
    frame.write_csv(tmp_path / "x.csv", separator=";")
    read = sample([tmp_path / "x.csv"])
    found = guess(read.frame, True)
    assert kinds(found) == {"user": "id", name: what, "click": "label"}
    (tmp_path / "schema.toml").write_text(schema_text(found, str(tmp_path / "x.csv"), read, "x"))
    params = {"schema": str(tmp_path / "schema.toml")}
    data = build(Registry().datasets, "data set", "table_file", params).build(seeds.generator(0, "data"))
    if what == "number":
        every = [part.numbers_NP for part in (data.train, data.valid, data.test) if part.numbers_NP is not None]
        wanted = np.array([np.nan if t is None else float(t) for t in text], np.float32)
        assert np.array_equal(np.sort(np.concatenate(every)[:, 0]), np.sort(wanted), equal_nan=True)


@pytest.mark.parametrize(("thousands", "decimal"), [(m.thousands, m.decimal) for m in EVERY if m.thousands])
def test_numbers_with_marks_between_thousands_are_read(tmp_path: Path, thousands: str, decimal: str) -> None:
    """From delimited text and back: each value is the number that was written."""
    value_N = np.round(RNG.lognormal(7, 3, N) * RNG.choice([-1, 1], N), 2)
    text = [f"{v:,.2f}".translate({ord(","): thousands, ord("."): decimal}) for v in value_N]
    whole = [t if k % 5 else t[:-3] for k, t in enumerate(text)]
    pl.DataFrame({"user": USER, "x": [*whole[:-1], None], "click": CLICK}).write_csv(tmp_path / "x.csv", separator=";")
    found = guess(read := sample([tmp_path / "x.csv"]).frame, True)
    assert kinds(found) == {"user": "id", "x": "number", "click": "label"}
    sql = entries(found, "number")["x"]["number"]
    wanted = [np.trunc(v) if k % 5 == 0 else v for k, v in enumerate(value_N)]
    assert read.select(pl.sql_expr(sql)).to_series().to_list() == [*wanted[:-1], None]


@pytest.mark.parametrize(
    ("name", "text", "what", "why"),
    [
        ("size", ["1,234", "12,500", "950"], "number", "a decimal comma, unless 1,234 is 1234, which CAST("),
        ("size", ["1,234", "12,500", "1950"], "number", "numbers with a decimal comma; 1.234 to 1950"),
        ("size", ["1,234", "0,500"], "number", "numbers with a decimal comma; 0.5 to 1.234"),
        (
            "size",
            ["1.234", "2,345"],
            "id",
            "numbers that have '.' between thousands and ',' before fractions or ',' be",
        ),
        ("size", ["1,234,500", "950"], "number", "numbers with ',' between thousands"),
        ("price", ["$1,234.50", "$9.00"], "number", "numbers with '$' and ',' between thousands and '.' before"),
        ("price", ["1,5 €", "12,25 €"], "number", "numbers with ' €' and a decimal comma; 1.5 to 12.25"),
        ("cost", ["USD 12", "USD -3.5"], "number", "numbers with 'USD '; -3.5 to 12"),
        ("x", ["12%", "7.5%"], "number", "numbers with '%'; 7.5 to 12"),
        (
            "price",
            ["$1,234", "$12,500"],
            "number",
            "unless 1,234 is 1234, which CAST(REPLACE(REPLACE(price, '$', '')",
        ),
        ("price", ["$12", "€7"], "id", "if '$12' is an amount, as 'price' says, { number = "),
        ("price", ["(12.50)", "3.0"], "id", "if '(12.50)' is an amount"),
        ("shelf", ["ABC 12", "ABC 7"], "list", "cut by ' '"),
        ("price_code", ["$12", "$7"], "id", "text, 2 distinct"),
        ("all", ["1,234,500", "950"], "list", "cut by ','"),
        ("size", ["1.234,5", "1,234.5"], "id", "text, 2 distinct; if '1.234,5' is an amount"),
        ("size", ["1.23,5", "12.345,5"], "id", "text, 2 distinct"),
        ("size", ["1,234.5", "12 345.5"], "id", "text, 2 distinct"),
        ("item_ids", ["1,234.5", "12,345.5"], "id", "text, 2 distinct"),
    ],
)
def test_marks_that_do_not_agree_are_no_numbers(name: str, text: list[str], what: str, why: str) -> None:
    found = guess(pl.DataFrame({name: (text * N)[:N], "click": CLICK}), True)
    assert kinds(found) == {name: what, "click": "label"}
    assert why in found.columns[0].why


@pytest.mark.parametrize("mark", [",", "."])
def test_what_may_be_thousands_is_read_so_by_what_the_guess_says(tmp_path: Path, mark: str) -> None:
    """Its SQL, and its line `text`, in place of what was guessed."""
    value_N = np.random.default_rng(1).integers(5, 400_000, N)
    pl.DataFrame({"user": USER, "x": [f"{v:,}".replace(",", mark) for v in value_N], "click": CLICK}).write_csv(
        path := tmp_path / "x.csv", separator=";"
    )
    found = first_schema(str(path))
    taken = entries(found.guesses, "number")["x"]["number"]
    said = re.search(r"unless ([\d.,]+) is (\d+), which (CAST\(.*\)) reads(?: with (text = .*\]))?;", found.text)
    assert said is not None
    assert said[1].replace(mark, "") == said[2]
    text = found.text.replace(f'"{taken}"', f'"{said[3]}"')
    (tmp_path / "schema.toml").write_text(f"{said[4] or ''}\n{text}")
    params = {"schema": str(tmp_path / "schema.toml")}
    data = build(Registry().datasets, "data set", "table_file", params).build(seeds.generator(0, "data"))
    read = [part.numbers_NP for part in (data.train, data.valid, data.test) if part.numbers_NP is not None]
    assert sorted(np.concatenate(read)[:, 0]) == sorted(value_N)


@pytest.mark.parametrize(
    ("text", "doubted"),
    [
        (["999", "1.234", "-12.500", "3.141"], True),
        (["999", "1.234", "1950"], False),
        (["999", "1.234", "0.500"], False),
        (["999", "1.2345", "1.234"], False),
        (["1.25", "1.125", "1.5"], False),
        (["1.25", "3.99"], False),
        (["1.0", "2.0"], False),
    ],
)
def test_points_may_stand_between_thousands_where_all_could(text: list[str], doubted: bool) -> None:
    frame = pl.DataFrame({"size": (text * N)[:N], "click": CLICK}).with_columns(pl.col("size").cast(pl.Float64))
    by_delimited = [
        any("unless 1.234 is 1234, which" in column.why for column in guess(frame, True, delimited=delimited).columns)
        for delimited in (True, False)
    ]
    assert by_delimited == [doubted, False]


def test_without_names_amounts_are_told_from_ids_by_their_spread() -> None:
    amount = [None if k % 7 == 0 else int(v) for k, v in enumerate(RNG.lognormal(3, 2, N))]
    found = guessed(
        False, c0=CLICK, c1=amount, c2=RNG.integers(0, 3, N), c3=RNG.lognormal(3, 2, N).astype(int), c4=1 + USER
    )
    assert list(kinds(found).values()) == ["label", "number", "number", "number", "id"]


def test_group_and_splits_of_other_kinds() -> None:
    part = RNG.choice(["training", "val", "test"], N)
    found = guessed(customerId=USER, click=CLICK, fold=part)
    assert entries(found, "group") == {"group": "customerId"}
    assert entries(found, "split")["by"] == "column"
    assert "WHEN 'val' THEN 'valid'" in entries(found, "split")["column"]
    assert entries(guessed(click=CLICK, session_id=USER, item=ITEM), "split") == {"by": "group", "column": "session_id"}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=4, unique=True))
def test_names_of_any_kind_give_a_schema_that_is_read_as_it_was_meant(names: list[str]) -> None:
    frame = pl.DataFrame({name: 5 + USER + k for k, name in enumerate(names)} | {"is_click": CLICK})
    found = guess(frame, True)
    written = schema(found, frame)
    fields = written["fields"]
    check_names("field", tuple(fields), "test")
    values = {value if isinstance(value, str) else next(iter(value.values())) for value in fields.values()}
    left = {each.column for each in found.columns if each.what in ("left out", "time")}
    assert values == set(names) - left
    assert written["labels"] == {"is_click": "is_click"}


def test_the_same_sample_gives_the_same_guesses() -> None:
    columns = {name: values for name, (values, *_) in FIELDS.items()} | {"click": CLICK}
    assert guessed(**columns) == guessed(**columns)


def test_infinite_and_nan_values_of_a_number_are_missing_and_the_schema_reads_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    price = rng.uniform(1, 9, 2000)
    price[::90], price[7::90], price[11::90] = np.inf, -np.inf, np.nan
    frame = pl.DataFrame({"user": rng.integers(0, 300, 2000), "price": price, "click": rng.integers(0, 2, 2000)})
    frame.write_parquet(tmp_path / "log.parquet")
    path = str(tmp_path / "log.parquet")
    _, guesses, _, text = first_schema(path)
    assert "is missing" in next(each.why for each in guesses.columns if each.column == "price")
    (tmp_path / "log.toml").write_text(text)
    params = {"path": path, "schema": str(tmp_path / "log.toml")}
    data = build(Registry().datasets, "data set", "table_file", params).build(seeds.generator(0, "data"))
    assert data.train.numbers_NP is not None
    assert np.isnan(data.train.numbers_NP).any()


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from([-1.5, 0.0, 0.25, 3.0]), st.booleans()), min_size=4, max_size=40))
def test_what_a_column_tells_is_the_exact_auc(rows: list[tuple[float, bool]]) -> None:
    scores, ones = zip(*rows, (0.0, True), (0.0, False), strict=True)
    found = left_out._auc(pl.Series(ones), pl.Series(scores))
    assert found == pytest.approx(roc_auc_score(ones, scores))


def test_each_column_of_a_table_without_names_is_looked_at_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[str]()
    is_amount = numbers._is_amount

    def counted(column: Column) -> bool:
        asked.append(column.name)
        return is_amount(column)

    monkeypatch.setattr(numbers, "_is_amount", counted)
    columns = {f"column_{i}": np.where(RNG.random(N) < 0.6, 1, RNG.integers(1, 5, N)) for i in range(100)}
    guessed(named=False, **columns)
    assert max(map(asked.count, columns)) <= 4


def test_seconds_with_a_fraction_are_a_time_in_any_order() -> None:
    at = [t.timestamp() + 0.25 for t in reversed(AT)]
    found = guessed(user=USER, ts=at, click=CLICK)
    assert entries(found, "time") == {"time": "ts"}
    assert entries(found, "split")["by"] == "time"
