"""A figure is well-formed SVG that stands for its numbers, and nothing of it lies outside."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.figures.axis import Axis, axis
from harness.figures.chart import FONT, LETTER, Chart, Named, Note
from harness.figures.marks import Area, Dots, Line, Mark, between, spans
from harness.figures.style import CIRCLE, RING, pen
from harness.figures.svg import standalone, to_svg

SVG = "{http://www.w3.org/2000/svg}"
X, Y = axis("epochs trained", 0.0, 4.0, 8), axis("AUC", 0.5, 0.75, 8)
MARKS: list[Mark] = [
    Area(between([(0.0, 0.5, 0.6), (4.0, 0.7, 0.75)]), alpha=0.1, classes="arm-0 band"),
    Line([[(0.0, 0.5), (4.0, 0.75)]], dash="2 1", width=2.0, classes="arm-0 line"),
    Line(spans([(1.0, 0.55, 0.65), (2.0, 0.6, 0.7)]), classes="arm-0 span"),
    Dots([(0.0, 0.5), (4.0, 0.75)], CIRCLE, classes="arm-0 dots"),
    Dots([(2.0, 0.6)], RING, hollow=True),
]
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=70)


def parse(chart: Chart, title: str = "a title") -> ElementTree.Element:
    return ElementTree.fromstring(to_svg(chart, title))


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.?\d*", text)]


def data(svg: ElementTree.Element, classes: str) -> str:
    (path,) = (p for p in svg.iter(f"{SVG}path") if p.get("class") == classes)
    return path.get("d", "")


def test_marks_stand_where_their_numbers_say() -> None:
    svg, frame = parse(Chart(X, Y, MARKS)), Chart(X, Y, MARKS).frame
    left, top, right, bottom = frame.left, frame.top, frame.right, frame.bottom
    assert numbers(data(svg, "arm-0 line")) == pytest.approx([left, bottom, right, top], abs=0.01)
    middle, third = (left + right) / 2, bottom + 0.4 * (top - bottom)
    assert numbers(data(svg, "arm-0 span"))[4:6] == pytest.approx([middle, third], abs=0.01)
    assert [numbers(start) for start in re.findall(r"M([\d. ]+)", data(svg, "arm-0 dots"))] == [
        pytest.approx([left, bottom], abs=0.01),
        pytest.approx([right, top], abs=0.01),
    ]
    assert data(svg, "arm-0 band").endswith("Z")


def test_dashes_are_in_widths_and_what_is_pale_says_so() -> None:
    svg = parse(Chart(X, Y, MARKS))
    (line,) = (p for p in svg.iter(f"{SVG}path") if p.get("class") == "arm-0 line")
    (band,) = (p for p in svg.iter(f"{SVG}path") if p.get("class") == "arm-0 band")
    assert (line.get("stroke-dasharray"), line.get("fill")) == ("4 2", "none")
    assert (band.get("fill-opacity"), band.get("stroke")) == ("0.1", None)


def test_an_axis_may_count_backwards() -> None:
    chart = Chart(X, Axis("", 2.5, -0.5, [(0, "best"), (1, "second"), (2, "worst")], ticked=False), [])
    heights = [float(t.get("y", "")) for t in parse(chart).iter(f"{SVG}text") if t.text in ("best", "second", "worst")]
    assert heights == sorted(heights)


def test_every_reference_resolves_and_two_figures_of_a_page_share_none() -> None:
    texts = [to_svg(Chart(X, Y, MARKS), title) for title in ("one", "two")]
    ids = [set(re.findall(r'\bid="([^"]+)"', text)) for text in texts]
    used = [set(re.findall(r"url\(#([^)]+)\)", text)) for text in texts]
    assert ids == used
    assert not ids[0] & ids[1]


def test_the_same_numbers_make_the_same_text() -> None:
    assert to_svg(Chart(X, Y, MARKS), "one") == to_svg(Chart(X, Y, list(MARKS)), "one")


@given(label=NAMES, tick=NAMES, names=st.lists(NAMES, max_size=7), columns=st.integers(1, 3))
def test_any_names_make_a_figure_that_holds_them(label: str, tick: str, names: list[str], columns: int) -> None:
    chart = Chart(X, replace(Y, ticks=[(0.6, tick)]), MARKS, legend=[Named(n, pen(i)) for i, n in enumerate(names)])
    chart = replace(chart, columns=columns, notes=[Note((4.0, 0.75), "oracle", rise=3, anchor="end")])
    svg = ElementTree.fromstring(standalone(to_svg(chart, label)))
    assert svg.get("aria-label") == label
    _, _, width, height = numbers(svg.get("viewBox", ""))
    assert chart.frame.right - chart.frame.left > 0.4 * 353
    words = [text for text in svg.iter(f"{SVG}text") if text.get("transform") is None]
    assert {tick, "oracle", *names} <= {text.text for text in words}
    for text in words:
        size = LETTER * float(text.get("font-size", FONT)) * len(text.text or "")
        before = {"start": 0.0, "middle": size / 2, "end": size}[text.get("text-anchor", "")]
        x, y = float(text.get("x", "")), float(text.get("y", ""))
        if text.text in (tick, *names):
            assert x - before >= -0.01
            assert x - before + size <= width + 0.01
        assert 0 <= y <= height


def test_lines_of_a_label_stand_below_each_other() -> None:
    chart = Chart(Axis("count", -0.5, 1.5, [(0, "unseen\n17%"), (1, "1\n83%")], ticked=False), Y, [])
    svg = parse(chart)
    (first, _) = (t for t in svg.iter(f"{SVG}text") if t.find(f"{SVG}tspan") is not None)
    below = first.find(f"{SVG}tspan")
    assert below is not None
    assert (first.text, below.text, below.get("x")) == ("unseen", "17%", first.get("x"))
    assert chart.frame.bottom < Chart(X, Y, []).frame.bottom, "two lines take more room than one"
