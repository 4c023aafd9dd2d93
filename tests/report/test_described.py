"""Pages of what data look like: nothing in them but themselves, pictures that stand for their numbers."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from support.html import Page
from support.markdown import HOSTILE
from support.simulated import Bench

from harness.report.figures.described import by_period, goes_together, rate, tails
from harness.report.pages.described import write_page
from harness.report.write import write_report
from harness.results.description import (
    Description,
    FieldInTime,
    Periods,
    RateInTime,
    Tail,
    TextTable,
    Together,
    keep,
    path_of,
)
from harness.results.findings import Finding, Severity

DAY, FIRST = 86_400, 1_506_816_000
PERIODS = Periods("day", tuple(FIRST + DAY * p for p in range(5)), True, 3.0, (90, 80, 0, 30))
ROWS = TextTable("Rows", ("split", "rows"), (("train", "170"), ("test", "30")))


def field(name: str, ids: int = 9, high: float = 0.5) -> FieldInTime:
    return FieldInTime(
        name, ids, (1.0, high, None, None), (0.5, 1.0, 1.0, None), (None, None, None, 0.25), (None, high, None, 0.75)
    )


def described(name: str, *fields: FieldInTime) -> Description:
    names = tuple(each.name for each in fields)
    matrix = tuple(tuple(None if i == j else 0.5 for j in range(len(names) + 1)) for i in range(len(names) + 1))
    return Description(
        name,
        (ROWS, TextTable("Fields", ("field", "ids in train"), tuple((each, "9") for each in names))),
        findings=(Finding("few_labels", Severity.LOOK, f"Label '{name}' is rare.", "Take another."),),
        tails=tuple(Tail(each, 1.25, ((1, 80), (2, 9), (9, 1)), ((1, 70), (9, 1.5))) for each in names),
        periods=PERIODS,
        fields=fields,
        rates=(RateInTime("click", (0.2, 0.3, None, 0.4), (0.1, 0.2, None, 0.3), (0.3, 0.4, None, 0.5)),),
        together=Together((*names, "click"), 1, 170, 170, matrix, ()),
    )


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.?\d*", text)]


def test_no_name_becomes_an_element_and_nothing_is_loaded(tmp_path: Path) -> None:
    hostile = described(HOSTILE, field("x<img src=q onerror=alert(1)>"), field(HOSTILE))
    write_page([hostile, hostile], tmp_path / "deep" / "data.html")
    text = (tmp_path / "deep" / "data.html").read_text()
    page = Page(text)
    assert not page.open
    assert not page.tags & {"script", "img", "i", "iframe", "link"}
    assert all(load.startswith("#") for load in page.loads)
    assert not [name for name in page.attributes if name.startswith("on")]


def test_every_picture_has_its_sentence_and_is_read_out(tmp_path: Path) -> None:
    write_page([described("log", field("user"), field("item"))], tmp_path / "data.html")
    text = (tmp_path / "data.html").read_text()
    chapters = text.split("<h3>")[1:]
    titles = [chapter.split("</h3>")[0] for chapter in chapters]
    assert titles == ["Tails", "Unseen ids over time", "Base rates", "Drift", "Which columns go together"]
    for chapter in chapters:
        assert chapter.index('<p class="lead">') < chapter.index("<svg")
        assert "Look for" in chapter
        for figure in re.findall(r"<svg.*?</svg>", chapter, re.DOTALL):
            assert ElementTree.fromstring(figure).get("aria-label", "").startswith("log: ")
    assert "Unseen at the end: user (25.0%) and item (25.0%)." in text
    assert "It moved most: user (0.75) and item (0.75)." in text


def test_the_page_has_every_table_and_what_its_columns_tell_is_text(tmp_path: Path) -> None:
    log = described("log", field("user"))
    titles = ("In time", "Labels of one id", "What lasts", "Base rates", "Labels", "Go together", "Lists", "Numbers")
    others = tuple(TextTable(each, ("a", f"of {each}"), (("x", "1"),), ("", HOSTILE)) for each in titles)
    write_page([replace(log, tables=(*log.tables, *others))], tmp_path / "data.html")
    text = (tmp_path / "data.html").read_text()
    assert [text.count(f"<b>of {each}</b>: ") for each in titles] == [1] * len(titles)
    assert not Page(text).open
    assert not Page(text).tags & {"script", "img", "i", "iframe", "link"}
    assert "<h3>What ids tell of labels</h3>" in text


def test_every_line_of_the_tails_has_a_look_of_its_own() -> None:
    """Colours begin anew with the seventh field, which is drawn where one before it, as a list, has no line."""
    log = described("log", *(field(f"field{i}", ids=100 - i) for i in range(9)))
    first, _, *others = log.tails
    svg = tails(replace(log, tails=(replace(first, points=((1, 80), (1000, 1))), *others)))
    lines = re.findall(r'<path [^>]*stroke="(#\w+)" stroke-width="1.6"( stroke-dasharray="[^"]+")?', svg)
    assert len(lines) == len(set(lines)) + 6, "six lines, each also in the legend"
    assert len(set(lines)) == 6


def test_lines_stand_where_their_numbers_say_and_break_where_there_are_none() -> None:
    log = described("log", field("user"))
    svg = by_period(log, "share", [("user", (1.0, 0.5, None, 0.25))], "title")
    line, _ = re.findall(r'<path [^>]*stroke="#0072b2" stroke-width="1.6" d="([^"]+)"', svg)
    first, second = line.split("M")[1:]
    (x1, y1, x2, y2), (x3, y3, x4, y4) = numbers(first), numbers(second)
    day = x2 - x1
    assert (x3 + x4) / 2 - x2 == pytest.approx(2 * day, abs=0.05), "a day alone is a dash in its middle"
    assert y3 == y4
    assert (y2 - y1) / (y3 - y2) == pytest.approx(0.5 / 0.25, rel=0.01)
    (shade,) = re.findall(r'<path fill="currentColor" fill-opacity="0.05" d="([^"]+)"', svg)
    assert max(numbers(shade)[::2]) - x1 == pytest.approx(2.5 * day, abs=0.05), "training ends behind the third day"
    assert "1 Oct" in svg
    assert "2017" in svg


def test_six_fields_have_colours_and_the_others_are_counted() -> None:
    fields = [field(f"field{i}", ids=100 - i, high=0.3 + i / 100) for i in range(20)]
    log = described("log", *fields, field("still", high=0.0))
    drift = by_period(log, "bits", [(each.name, (None, each.drift[1])) for each in log.fields], "drift")
    assert re.findall(r">(field\d+)<", drift) == [f"field{i}" for i in range(19, 13, -1)]
    assert ">15 others<" in drift
    assert re.findall(r">(field\d+): 1.25<", tails(log)) == [f"field{i}" for i in range(6)]


def test_the_map_is_darker_where_columns_go_together_and_empty_where_nothing_is_told() -> None:
    matrix = ((None, 0.9, 0.1), (0.9, None, None), (0.1, None, None))
    svg = goes_together("log", Together(("user", "item", "click"), 1, 10, 10, matrix, ()))
    shares = [float(share) for share in re.findall(r'fill="#0072b2" fill-opacity="([\d.]+)"', svg)]
    assert len(shares) == 4
    assert shares[0] == shares[2] > shares[1] == shares[3]
    assert [svg.count(text) for text in (">.90<", ">.10<", "user 1", "click 3")] == [2, 2, 1, 1]


@pytest.mark.parametrize("unit", ["part", "hour", "52 weeks"])
def test_every_kind_of_period_is_drawn(unit: str) -> None:
    starts = tuple(range(0, 50, 10)) if unit == "part" else tuple(FIRST + 3600 * p for p in range(5))
    for dated in (True, False):
        log = replace(described("log", field("user")), periods=replace(PERIODS, unit=unit, starts=starts, dated=dated))
        assert ElementTree.fromstring(rate(log, log.rates[0])) is not None


def test_nothing_known_is_drawn_as_nothing() -> None:
    none = RateInTime("click", (None,) * 4, (None,) * 4, (None,) * 4)
    assert ElementTree.fromstring(rate(described("log"), none)) is not None
    assert ElementTree.fromstring(tails(described("log"))) is not None


def test_a_plain_table_has_its_tails_alone(tmp_path: Path) -> None:
    log = described("log", field("user"))
    write_page([Description("log", log.tables, tails=log.tails)], tmp_path / "data.html")
    assert re.findall("<h3>(.*)</h3>", (tmp_path / "data.html").read_text()) == ["Tails"]


def test_the_report_shows_what_was_kept_and_does_without(tmp_path: Path) -> None:
    """The same tables, byte for byte; the data sets themselves are not there."""
    bench = Bench(tmp_path)
    bench.write()
    write_report(tmp_path, None)
    before = {path.name: path.read_bytes() for path in (tmp_path / "report").iterdir()}
    plain = (tmp_path / "report.html").read_text()
    assert 'class="data"' not in plain
    plan = tmp_path / "plans" / "bench.json"
    plan.write_text(json.dumps(json.loads(plan.read_text()) | {"data": {"mine": "key", "lost": "other"}}))
    keep(tmp_path, "key", described("another label", field("user")))
    write_report(tmp_path, None)
    text = (tmp_path / "report.html").read_text()
    (section,) = re.findall('<section class="data">(.*?)</section>', text, re.DOTALL)
    assert re.findall("<summary>(.*?)</summary>", section) == ["mine"]
    assert "Which columns go together" in section
    assert not Page(text).open
    assert text.replace(f'<section class="data">{section}</section>\n', "") == plain
    path_of(tmp_path, "key").write_text("{")
    write_report(tmp_path, None)
    assert (tmp_path / "report.html").read_text() == plain
    assert {path.name: path.read_bytes() for path in (tmp_path / "report").iterdir()} == before
