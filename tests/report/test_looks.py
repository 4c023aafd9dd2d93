"""Pages as a browser lays them out, wide and narrow: nothing sticks out, overlaps or is out of proportion."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from support.browser import NEEDED, look
from support.simulated import CURVES, Bench

from harness.report.pages.described import write_page
from harness.report.write import write_report
from harness.results.description import Description, FieldInTime, Periods, Tail, TextTable

pytestmark = NEEDED
MEASURE = """<script>
const box = e => e.getBoundingClientRect(), page = document.documentElement;
const crosses = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1.5
  && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
const found = { beyond: page.scrollWidth - page.clientWidth, figures: [], out: [], over: [], filters: 0, cut: 0 };
for (const svg of document.querySelectorAll("figure svg")) {
  const frame = box(svg), texts = [...svg.querySelectorAll("text")].map(e => [e.textContent, box(e)]);
  found.figures.push(Math.round(frame.width));
  for (const [i, [text, at]] of texts.entries()) {
    if (at.left < frame.left - 1 || at.right > frame.right + 1 || at.bottom > frame.bottom + 1) found.out.push(text);
    for (const [other, there] of texts.slice(i + 1)) if (crosses(at, there)) found.over.push(text + " / " + other);
  }
}
for (const each of document.querySelectorAll(".filter")) found.filters += each.offsetParent !== null;
for (const each of document.querySelectorAll(".scroll")) found.cut += each.scrollWidth > each.clientWidth + 1;
document.body.dataset.found = JSON.stringify(found);
</script></body>"""


def report(folder: Path) -> Path:
    curves = CURVES | {f"strategy_of_a_long_name_{i}": (0.67, 0.66 + i / 500, 0.65, 0.64) for i in range(9)}
    Bench(folder, curves=curves, own=0.001).write()
    return write_report(folder, None)


def data(folder: Path) -> Path:
    """Of dates, with many fields."""
    day, first = 86_400, 1_506_816_000
    unseen = (None, None, None, 0.25)
    fields = tuple(
        FieldInTime(
            f"field_of_a_long_name_{i}", 90 - i, (1.0, 0.5 - i / 50, 0.1, None), (0.5, 1.0, 1.0, None), unseen, unseen
        )
        for i in range(12)
    )
    rows = TextTable("Rows", ("split", "rows"), (("train", "170"), ("test", "30")))
    table = TextTable("Fields", tuple(map(str, range(9))), tuple((each.name, *["10,000"] * 8) for each in fields))
    tails = tuple(Tail(each.name, 1.25, ((1, 8e4), (2, 9), (9, 1)), ((1, 70), (9, 1.5))) for each in fields)
    periods = Periods("day", tuple(first + day * p for p in range(5)), True, 3.0, (90, 80, 0, 30))
    found = Description("log", (rows, table), tails=tails, periods=periods, fields=fields)
    write_page([found, replace(found, name="another")], folder / "data.html")
    return folder / "data.html"


def laid_out(page: Path, folder: Path, width: int) -> dict[str, Any]:
    """The page, everything in it opened, with what was measured of it."""
    text = page.read_text().replace("<details>", "<details open>").replace("</body>", MEASURE)
    (folder / "measured.html").write_text(text)
    shown = look((folder / "measured.html").as_uri(), folder / "profile", seconds=2, width=width)
    measured = re.search(r'data-found="([^"]*)"', shown)
    assert measured is not None
    found: dict[str, Any] = json.loads(unescape(measured[1]))
    return found


@pytest.mark.parametrize("width", [1300, 500])
@pytest.mark.parametrize(("write", "filters"), [(report, True), (data, False)])
def test_nothing_sticks_out_or_overlaps(
    write: Callable[[Path], Path], filters: bool, width: int, tmp_path: Path
) -> None:
    found = laid_out(write(tmp_path), tmp_path, width)
    assert found["beyond"] == 0
    assert found["figures"]
    assert max(found["figures"]) <= 650, "one that stands alone is no larger than one of two"
    assert (found["out"], found["over"]) == ([], [])
    assert (found["filters"] > 0) is filters, "only where a script heeds it"
    assert width > 500 or found["cut"], "a table that is wider than the screen is scrolled by itself"
