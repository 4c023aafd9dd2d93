"""Dates as text: what Python writes in a form is read as the same instants; what does not tell its zone is refused."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, available_timezones

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data.guess.columns import Column
from harness.data.guess.notations import unread
from harness.data.guess.times import Moment, moments
from harness.data.guess.zone_names import FAMILIES, SHARED

FORMS = [
    "%d/%b/%Y:%H:%M:%S %z", "[%d/%b/%Y:%H:%M:%S", "[%d/%b/%Y:%H:%M:%S %z]",  # of Apache, whole or cut at blanks
    "%a, %d %b %Y %H:%M:%S %z", "%a, %d %b %Y %H:%M:%S %z (XYZ)", "%d %b %Y %H:%M:%S GMT",  # of mail
    "%a %b %d %Y %H:%M:%S GMT%z (Somewhere Summer Time)",  # of browsers
    "%c", "%a %b %d %H:%M:%S %z %Y", "%a %b %d %H:%M:%S UTC %Y",  # of C, `date` and Twitter
    "%Y-%m-%d %H:%M:%S.%f %z XYZ", "%Y-%m-%dT%H:%M:%S.%f%:z[Some/Where]", "%Y%m%dT%H%M%SZ", "%Y%m%d %H:%M:%S",
    "%m/%d/%Y, %I:%M:%S %p", "%m/%d/%Y, %I:%M:%S\u202f%p", "%m/%d/%Y %I:%M%p", "%B %d, %Y at %I:%M %p",
    "%d.%m.%Y, %H:%M:%S", "%d.%m.%y %H:%M", "%m/%d/%y %I:%M a.m.", "%y/%m/%d %H:%M:%S", "%d-%b-%y %I.%M.%S.%f %p",
    "%Y/%m/%d %H:%M:%S,%f", "%d.%m.%Y %H:%M:%S,%f %Z", "%A, %d %B %Y", "%b %d, %Y", "%d-%b-%y", "%m %d, %Y", "%Y/%m/%d",
]  # fmt: skip
LAST = datetime(2024, 9, 25, 23, 59, 59, tzinfo=UTC)
"""With a day after the twelfth and a long month, by which forms are told."""
MOMENTS = st.lists(st.datetimes(datetime(2024, 1, 1), datetime(2024, 12, 30)), min_size=3, max_size=30)
OFFSETS = st.integers(-11 * 4, 13 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))


def written(at: datetime, form: str) -> str:
    """`%:z` is not known to all Pythons; noon and midnight of `a.m.` stand in the text itself."""
    offset = at.strftime("%z")
    form = form.replace("a.m.", "a.m." if at.hour < 12 else "p.m.").replace("%:z", f"{offset[:3]}:{offset[3:]}")
    return at.strftime(form)


def moment(texts: list[str]) -> Moment | None:
    """How a column of an unknown name is read, which its expression confirms."""
    frame = pl.DataFrame({"x y": texts})
    column = Column(frame["x y"], "x y", True)
    found = next(iter(moments([column])), None)  # type: ignore[arg-type]
    if found is not None and found.read.sql != "x y":
        read = frame.select(pl.sql_expr(found.read.sql).dt.epoch("s")).to_series()
        assert read.to_list() == found.seconds.to_list()
    return found


@settings(max_examples=10, deadline=None)
@given(MOMENTS, OFFSETS)
@pytest.mark.parametrize("form", FORMS)
def test_what_is_written_in_a_form_is_read_as_it_was_meant(form: str, at: list[datetime], zone: timezone) -> None:
    own = zone if "%z" in form or "%:z" in form else UTC
    rows = [each.replace(tzinfo=own) for each in (*at, *(LAST + timedelta(days=k) for k in range(3)))]
    step = 1 if "%S" in form or form == "%c" else 60 if "%M" in form else 86_400
    found = moment([written(each, form) for each in rows])
    assert found is not None
    local = [int(each.replace(tzinfo=UTC).timestamp()) // step * step for each in rows]
    assert found.seconds.to_list() == [each - int(own.utcoffset(None).total_seconds()) for each in local]


TOLD = [
    "Europe/Vienna", "Europe/Athens", "Europe/Lisbon", "Europe/London", "America/New_York", "America/Denver",
    "America/Phoenix", "America/Los_Angeles", "America/Anchorage", "Australia/Sydney", "Australia/Adelaide",
    "Australia/Perth", "Pacific/Auckland", "Asia/Tokyo", "Asia/Hong_Kong", "Africa/Johannesburg", "UTC",
]  # fmt: skip
YEAR = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=37 * k) for k in range(230)]


@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M:%S %Z", "%a %b %d %H:%M:%S %Z %Y", "%m/%d/%Y %I:%M:%S %p %Z"])
@pytest.mark.parametrize("zone", TOLD)
def test_names_of_a_zone_are_offsets_in_winter_and_in_summer(zone: str, form: str) -> None:
    """As the time zone database has them; the names that were taken for an offset are told."""
    local = [at.astimezone(ZoneInfo(zone)) for at in YEAR]
    found = moment([at.strftime(form) for at in local])
    assert found is not None
    assert found.seconds.to_list() == [int(at.timestamp()) for at in YEAR]
    names = {at.tzname() for at in local} - {"UTC"}
    assert all(f"{name} as UTC" in found.read.name for name in names)


@pytest.mark.parametrize("zone", ["America/Chicago", "Asia/Shanghai", "Asia/Kolkata", "Asia/Manila", "Europe/Moscow"])
def test_a_name_of_several_zones_is_refused_with_what_reads_it(zone: str) -> None:
    local = [at.astimezone(ZoneInfo(zone)) for at in YEAR]
    texts = pl.Series("at", [at.strftime("%d.%m.%Y %H:%M %Z") for at in local])
    assert moment(texts.to_list()) is None
    name = min({str(at.tzname()) for at in local})
    said = unread(Column(texts, "at", True))
    assert f"names the zone {name}, which is {SHARED[name]}" in said
    assert f"STRPTIME(REPLACE(at, ' {name}', ' +hhmm'), '%d.%m.%Y %H:%M %z')" in said


def test_a_name_that_is_taken_for_an_offset_has_no_other_anywhere() -> None:
    """Of this century, in the time zone database."""
    used = defaultdict[str, set[str]](set)
    for zone in map(ZoneInfo, available_timezones()):
        for year in range(2000, 2031):
            for month in (1, 7):
                at = datetime(year, month, 15, tzinfo=UTC).astimezone(zone)
                used[str(at.tzname())].add(at.strftime("%z"))
    for name, offset in (pair for family in FAMILIES for pair in family.items()):
        assert offset in used[name]
        assert used[name] == {offset} or name in SHARED


def test_a_name_that_nobody_knows_is_quoted() -> None:
    said = unread(Column(pl.Series("at", [f"0{day}.05.2024 10:00 ZZT" for day in range(1, 9)]), "at", True))
    assert "'01.05.2024 10:00 ZZT' names the zone ZZT, which is no zone that is known" in said


@pytest.mark.parametrize(("form", "either"), [("%d.%m.%y", False), ("%y/%m/%d", False), ("%d/%m/%Y", True)])
def test_what_days_and_years_do_not_tell_is_not_guessed(form: str, either: bool) -> None:
    """The years are the part with the fewest values; days differ from months only after the twelfth."""
    days = [datetime(2012, 11, 1) + timedelta(days=k) for k in range(12)]
    assert (moment([f"{day:{form}}" for day in days]) is None) is either or form == "%d.%m.%y"
    found = moment([f"{day:{form}}" for day in (*days, datetime(2012, 11, 30))])
    assert found is not None
    assert found.read.sql == f"STRPTIME(\"x y\", '{form}')"


@pytest.mark.parametrize(
    "texts",
    [
        [f"{1 + k % 28}.{k % 9}.{k % 5}" for k in range(90)],
        [f"{1 + k % 28}-{1 + k % 12}-{10 + k % 20}" for k in range(90)],
        [f"10.20.{k % 12}.30" for k in range(90)],
        [f"{k % 24:02d}:{k % 60:02d}:00" for k in range(90)],
        [f"May {1 + k % 28} {k % 24}:00:00" for k in range(90)],
        [f"{1 + k % 28}.5.{69 + k % 3} 10:00" for k in range(90)],
        [f"Mon, {1 + k % 28} May 2024" for k in range(90)],
        [f"Juin {1 + k % 28} 2024" for k in range(90)],
    ],
    ids=["versions", "sizes", "addresses", "clocks", "no year", "years to come", "wrong weekdays", "other languages"],
)
def test_text_that_is_no_date_of_our_days_is_none(texts: list[str]) -> None:
    assert moment(texts) is None
    assert " is no date in a known form" in unread(Column(pl.Series("at", texts), "at", True))
