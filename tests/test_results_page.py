"""docs/results.md lists every table of results/tables, with what it says of itself; figures there are legible.

`DOCS=write python -m pytest tests/test_results_page.py` writes the list anew.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from harness.base.places import ROOT

PAGE = ROOT / "docs" / "results.md"
TABLES = ROOT / "results" / "tables"
LIST = re.compile(r"(?<=<!-- tables -->\n).*?(?=<!-- end of tables -->)", re.DOTALL)
MACHINE = re.compile(r"(?:AMD|Intel|NVIDIA)\b[^,.;:()|\n]*(?:, (?:\d+ (?:cores|GB)|engine \d+))*")
BEFORE = "engine 2"
"""That of all tables which do not name it: none is older."""


def plain(text: str) -> str:
    """Markdown as words, without marks that hold characters back."""
    return re.sub(r"\\(.)", r"\1", text).strip()


def machine(text: str) -> str:
    """What a table was made on, as it says itself; empty where it does not."""
    found = MACHINE.search(plain(text).replace(" (Linux x86_64)", ""))
    return "" if found is None else found[0].strip()


def line_of_plan(table: Path) -> str:
    text = table.read_text(encoding="utf-8")
    asks = plain(text.split("\n\n")[1])
    answers = re.findall(r"^## (.+)\n\n\*\*(.+?)\*\*", text, re.MULTILINE)
    made = machine(text)
    return (
        f"| [{table.stem}](../results/tables/{table.name}) | {asks} | {came_to(answers)} | {made}{with_engine(made)} |"
    )


def came_to(answers: list[tuple[str, str]]) -> str:
    """A line for each data set; of more than six, how many came to each answer."""
    said = [(plain(name), plain(answer).rstrip(".")) for name, answer in answers]
    if len(said) <= 6:
        return "<br>".join(f"{name}: {answer}" for name, answer in said)
    counted = Counter(answer for _, answer in said).most_common()
    return "<br>".join(f"{times} of {len(said)} data sets: {answer}" for answer, times in counted)


def line_of_other(table: Path) -> str:
    text = table.read_text(encoding="utf-8")
    title, made = plain(text.split("\n", 1)[0].lstrip("# ")), machine(text)
    return f"| [{table.stem}](../results/tables/{table.name}) | {title} | {made or '-'} |"


def with_engine(made: str) -> str:
    return "" if "engine" in made else f", {BEFORE}"


def listed() -> Iterator[str]:
    plans = {path.stem for path in TABLES.glob("*.csv")}
    tables = sorted(TABLES.glob("*.md"), key=lambda table: table.stem)
    yield from ("", "| plan | what it asks | what it came to | made with |", "|---|---|---|---|")
    yield from (line_of_plan(table) for table in tables if table.stem in plans)
    yield from ("", "| other table | what it has | made with |", "|---|---|---|")
    yield from (line_of_other(table) for table in tables if table.stem not in plans)
    yield ""


def test_the_page_lists_every_table_as_it_is_now() -> None:
    text, found = PAGE.read_text(encoding="utf-8"), "\n".join(listed()) + "\n"
    if os.environ.get("DOCS") == "write":
        PAGE.write_text(LIST.sub(lambda _: found, text), encoding="utf-8")
        return
    (there,) = LIST.findall(text)
    assert there == found


def test_every_figure_has_the_colour_of_the_text_around_it() -> None:
    """Also where an element names none: it would be black, on a dark ground too."""
    heads = {figure.name: figure.read_text(encoding="utf-8").partition(">")[0] for figure in TABLES.glob("*.svg")}
    assert [name for name, head in heads.items() if 'fill="currentColor"' not in head] == []
