"""Cells of the Markdown tables in results/tables, by the words of their row and of their column."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from harness.base.places import ROOT

TABLES = ROOT / "results" / "tables"
NUMBER = r"[-+]?\d*\.\d+"


@dataclass(frozen=True)
class PublishedCell:
    """names: the headings above it and the cells of its row, with `_` for blanks. column: its header.

    A line of text that ends with a number is a cell too, and what comes before is its header.
    """

    names: frozenset[str]
    column: str
    text: str

    @property
    def numbers(self) -> tuple[str, ...]:
        """A mean and the ends of its interval, a number alone, or two ends."""
        return tuple(re.findall(NUMBER, self.text))


def published_cell(page: str, row: str, column: str) -> PublishedCell:
    """The cell in a row that has all these words, in the column whose header is this or alone contains it.

    Raises:
        LookupError: there is none, or more than one.
    """
    cells = [cell for cell in _cells(page) if cell.names.issuperset(row.split()) and column in cell.column]
    found = [cell for cell in cells if cell.column == column] or cells
    if len(found) != 1:
        raise LookupError(f"'{page} {row} > {column}' names {len(found)} cells")
    return found[0]


@cache
def _cells(page: str) -> list[PublishedCell]:
    return list(_read((TABLES / f"{page}.md").read_text(encoding="utf-8")))


def _read(text: str) -> Iterator[PublishedCell]:
    headings, header = list[str](), list[str]()
    for line in text.splitlines():
        if heading := re.match(r"(#+) (.*)", line):
            headings = [*headings[: len(heading[1]) - 1], _name(heading[2])]
        elif said := re.fullmatch(rf"(.+) ({NUMBER})\.", line):
            yield PublishedCell(frozenset(headings), *said.groups())
        if not line.startswith("|"):
            header = []
        elif not header:
            header = _row(line)
        elif not set(line) <= set("|:- "):
            cells = _row(line)
            names = frozenset((*headings, *map(_name, cells)))
            yield from (PublishedCell(names, *cell) for cell in zip(header, cells, strict=True))


def _row(line: str) -> list[str]:
    return [re.sub(r"[\\`*]", "", cell).strip() for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])]


def _name(text: str) -> str:
    return re.sub(r"[\\`*]", "", text).strip().replace(" ", "_")
