"""Times of a table: whole seconds of UTC from every way of writing them, and what is said where a unit was guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.api import UserError
from harness.data.tabular.times import CALENDARS, EARLIEST, LATEST, PER_SECOND, seconds, unit_of

FORMS = dict(zip(CALENDARS, ("%Y%m%d", "%y%m%d%H", "%Y%m%d%H", "%Y%m%d%H%M", "%Y%m%d%H%M%S"), strict=True))
STEPS = {"yyyymmdd": 86_400, "yymmddhh": 3600, "yyyymmddhh": 3600, "yyyymmddhhmm": 60, "yyyymmddhhmmss": 1}
FIRST_CLASH = 1_980_010_100  # as yyyymmddhh the first hour of 1980
INSTANTS = st.integers(EARLIEST, LATEST - 1)


def read(column: pl.Series, unit: str = "") -> tuple[list[int], str]:
    found = unit_of(column.alias("time").to_frame().lazy(), "ts", unit, "schema 'x'")
    return seconds(column, "ts", found.name, "schema 'x'").tolist(), found.note


def written(instants: list[int], form: str) -> list[int]:
    """Dates as whole numbers."""
    return [int(datetime.fromtimestamp(at, UTC).strftime(FORMS[form])) for at in instants]


@given(INSTANTS, INSTANTS, st.sampled_from(["ms", "us", "ns"]), st.sampled_from([pl.Int64, pl.String]))
def test_two_units_in_one_column_are_refused(first: int, later: int, unit: str, dtype: type[pl.DataType]) -> None:
    """All rows of one would lie after those of the other. The offered expression makes one unit of whole numbers."""
    first = min(first, FIRST_CLASH - 1)
    numbers = pl.Series([first, later * PER_SECOND[unit]]).cast(dtype)
    with pytest.raises(
        UserError, match=rf"time = 'ts' has {first}, a date of our days in seconds, and {later}0"
    ) as error:
        read(numbers)
    assert read(numbers, "s")[0] == [first, later * PER_SECOND[unit]]
    if dtype == pl.Int64:
        sql = str(error.value).partition("rows, as ")[2].partition(", or")[0]
        one = pl.DataFrame({"ts": numbers}).select(pl.sql_expr(sql)).to_series()
        assert read(one, unit)[0] == [first, later]


@given(st.lists(INSTANTS, min_size=1), st.sampled_from(CALENDARS), st.sampled_from([pl.Int64, pl.Float64, pl.String]))
@example([EARLIEST, LATEST - 1], "yyyymmdd", pl.Int64)
@example([EARLIEST, LATEST - 1], "yyyymmddhhmmss", pl.Int64)
@example([951_782_400], "yyyymmdd", pl.Int64)  # 29 February 2000
def test_dates_as_numbers_are_found_out(instants: list[int], form: str, dtype: type[pl.DataType]) -> None:
    if form == "yymmddhh":
        instants = [at for at in instants if at >= 1_262_304_000] or [1_262_304_000]  # from 2010 on they have 8 digits
    wanted = [at - at % STEPS[form] for at in instants]
    column = pl.Series(written(instants, form)).cast(dtype)
    assert read(column, form) == (wanted, "")
    found, note = read(column)
    if note.startswith("times are read as seconds"):
        assert form in ("yyyymmdd", "yymmddhh")
        assert "are dates as yyyymmdd and as yymmddhh; time_unit in the schema says which" in note
        assert found == column.cast(pl.Float64).cast(pl.Int64).to_list()
    else:
        assert found == wanted
        assert note.startswith(f"times are read as {form}, time = 'ts': ")
        assert f"{min(written(instants, form))} is {datetime.fromtimestamp(min(wanted), UTC):%Y-%m-%d %H:%M:%S}" in note


def test_only_numbers_of_both_calendars_are_left_alone() -> None:
    assert read(pl.Series([20_101_112]))[0] == [20_101_112]
    assert "read as yyyymmdd," in read(pl.Series([20_101_112, 20_101_124]))[1], "there is no hour 24"
    assert "read as yymmddhh," in read(pl.Series([20_101_112, 20_101_100]))[1], "there is no day 0"
    assert "read as yymmddhh," in read(pl.Series([14_102_100, 14_103_023]))[1], "Avazu's"


@pytest.mark.parametrize(
    ("form", "number"),
    [
        ("yyyymmdd", 20_140_229), ("yyyymmdd", 20_141_301), ("yyyymmdd", -20_140_101), ("yyyymmdd", 120_140_101),
        ("yymmddhh", 14_102_124), ("yymmddhh", 14_022_900), ("yyyymmddhh", 2_014_102_124),
        ("yyyymmddhhmm", 201_410_212_360), ("yyyymmddhhmmss", 20_141_021_235_961), ("yyyymmdd", 20_140_101.5),
    ],
)  # fmt: skip
def test_a_number_that_is_no_date_is_refused_or_makes_seconds_of_all(form: str, number: float) -> None:
    with pytest.raises(UserError, match=f"time = 'ts' has the value {number}, which is no {form}"):
        read(pl.Series([number]), form)
    found, note = read(pl.Series([float(written([1_413_849_600], form)[0]), float(number)]))
    assert found[1] == number // 1
    assert note.startswith("times are read as seconds") or "read as yymmddhh" in note


@given(st.lists(INSTANTS, min_size=1), st.sampled_from(list(PER_SECOND)), st.integers(0, 10**9 - 1))
@example([EARLIEST], "ms", 0)
@example([LATEST - 1], "ns", 10**9 - 1)
@example([FIRST_CLASH - 1], "s", 0)
def test_smaller_units_than_seconds_are_found_out(instants: list[int], unit: str, rest: int) -> None:
    per = PER_SECOND[unit]
    instants = [at % FIRST_CLASH if unit == "s" else at for at in instants]
    found, note = read(pl.Series([at * per + rest % per for at in instants]))
    assert found == instants
    if unit == "s":
        assert bool(note) == (min(instants) < EARLIEST)
    else:
        assert f"read as {'milli' if unit == 'ms' else 'micro' if unit == 'us' else 'nano'}seconds" in note


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("number", [EARLIEST - 1, LATEST])
def test_one_number_beyond_our_days_leaves_all_as_they_are(unit: str, number: int) -> None:
    numbers = [1_600_000_000 * PER_SECOND[unit], number * PER_SECOND[unit]]
    found, note = read(pl.Series(numbers))
    assert found == numbers
    assert f"{min(numbers)} to {max(numbers)} are dates of our days in no unit" in note


@given(st.lists(st.integers(-(10**15), 10**15), min_size=1), st.sampled_from(list(PER_SECOND)))
@example([-1, 0, 1], "ms")
def test_a_unit_that_is_given_is_taken_and_rounds_down(numbers: list[int], unit: str) -> None:
    wanted = [number // PER_SECOND[unit] for number in numbers]
    assert read(pl.Series(numbers), unit) == (wanted, "")
    assert read(pl.Series(numbers, dtype=pl.Float64) + 0.25, unit) == (wanted, "")
    assert read(pl.Series(numbers, dtype=pl.Int128), unit) == (wanted, "")
    assert read(pl.Series([str(number) for number in numbers]), unit) == (wanted, "")


OFFSETS = st.none() | st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))
ZONES = st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata", "Europe/Vienna"])


def instant(moment: datetime) -> int:
    """Whole seconds, exactly; what has no zone is of UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


@given(st.lists(st.tuples(MOMENTS, OFFSETS, st.sampled_from("T "), st.sampled_from(["auto", "minutes", "seconds"]))))
def test_text_in_any_of_its_forms_keeps_its_offset(rows: list[tuple[datetime, timezone | None, str, str]]) -> None:
    text = [moment.replace(tzinfo=zone).isoformat(mark, spec) for moment, zone, mark, spec in rows]
    wanted = [instant(datetime.fromisoformat(each)) for each in text]
    assert read(pl.Series(text, dtype=pl.String)) == (wanted, "")


@given(st.lists(MOMENTS, min_size=1), st.sampled_from(["%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"]))
def test_text_of_one_form_is_read_as_that_of_many_is(moments: list[datetime], form: str) -> None:
    text = [moment.strftime(form) for moment in moments]
    wanted = [instant(datetime.fromisoformat(each)) for each in text]
    assert read(pl.Series(text)) == (wanted, "")
    assert read(pl.Series([*text, "2024-05-01T12:00Z"])) == ([*wanted, 1_714_564_800], "")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2024-05-01", "2024-05-01T00:00:00"), ("2024-05-01T12:00Z", "2024-05-01T12:00:00"),
        ("2024-05-01 12:00:00.9 +02", "2024-05-01T10:00:00"), ("2024-05-01T12:00:00-0330", "2024-05-01T15:30:00"),
        ("1969-12-31 23:59:59.5", "1969-12-31T23:59:59"),
    ],
)  # fmt: skip
def test_further_forms_of_text(text: str, wanted: str) -> None:
    assert read(pl.Series([text, "2024-05-01"]))[0][0] == instant(datetime.fromisoformat(wanted))


@pytest.mark.parametrize(
    "text",
    [
        "01/02/2024",
        "13.09.2020",
        "2024-02-30",
        "2024-05-01T24:00:00",
        "2024-05-01T12",
        "2024-05-01 noon",
        "",
        "20240501x",
    ],
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"has the text .*; accepted: dates as 2024-05-01.* STRPTIME"):
        read(pl.Series(["2024-05-01", text]))


@given(st.lists(MOMENTS, min_size=1), ZONES, st.sampled_from(["ms", "us", "ns"]))
def test_dates_of_a_zone_are_seconds_of_utc(moments: list[datetime], zone: str, precision: str) -> None:
    at = [moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)) for moment in moments]
    wanted = [instant(moment) for moment in moments]
    aware = pl.Series(at, dtype=pl.Datetime(precision, zone))  # type: ignore[arg-type]
    assert read(aware) == (wanted, "")
    assert read(pl.Series(moments, dtype=pl.Datetime(precision))) == (wanted, "")  # type: ignore[arg-type]
    assert read(pl.Series([m.date() for m in moments])) == ([at - at % 86_400 for at in wanted], "")


def test_a_unit_is_for_numbers_and_every_row_has_a_time() -> None:
    for column in (pl.Series(["2024-05-01"]), pl.Series(["2024-05-01"]).str.to_date()):
        with pytest.raises(UserError, match="time_unit = 'ms', but time = 'ts' is no number"):
            read(column, "ms")
    for values in ([1, None], [1.0, float("nan")], [1.0, float("inf")], ["2024-05-01", None]):
        with pytest.raises(UserError, match="time = 'ts' is null or not finite in 1 row;"):
            read(pl.Series(values))
