"""`multiepoch data describe`: what a data set looks like."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.base.errors import UserError
from harness.base.terminal import Output, explained, print_plain
from harness.data.profile.describe import described
from harness.data.profile.drawing import draw
from harness.execution.said import Said
from harness.report.pages.described import write_page
from harness.results.description import Description, TextTable

T = TypeVar("T")
DRAWN, PAGES = (".png", ".svg", ".pdf"), (".html", ".htm")
WIDTH = 110
"""Columns that the tables need; a narrower terminal wraps them, which beats leaving numbers out."""


def print_data(
    console: Console,
    source: str,
    schema: str | None,
    results: Path,
    plugins: Path | None,
    overrides: list[str] | None,
    png: Path | None,
    page: Path | None,
) -> None:
    """Build if need be, describe in the terminal, and draw pictures and a page."""
    for option, path, accepted in (("--png", png, DRAWN), ("--page", page, PAGES)):
        if path is not None and path.suffix not in accepted:
            raise UserError(f"{option} '{path}' is not drawn; accepted: a file named *{', *'.join(accepted)}")
    console = console if console.width >= WIDTH else Output(width=WIDTH)
    said, found = Said(console, "building and counting"), []
    for i, each in enumerate(_watched(said, described(source, results, plugins, overrides, schema, said))):
        _print(console, each)
        found.append(each)
        if png is not None:
            path = png if i == 0 else png.with_stem(f"{png.stem}-{i + 1}")
            draw(each, path)
            print_plain(console, f"pictures: {path}")
    if page is not None:
        write_page(found, page)
        print_plain(console, f"page: {page}")


def _print(console: Console, found: Description) -> None:
    console.print(f"[bold]{escape(found.name)}[/]", highlight=False)
    for i, table in enumerate(found.tables):
        if i:
            console.print()
        console.print(_plain(table))
        if table.explained:
            console.print(explained(table.explained))
        if i == 0 and found.cut:
            print_plain(console, f" cut: {found.cut}")
    for text in (*found.notes, *map(str, found.findings)):
        print_plain(console, text, "yellow")


def _watched(said: Said, items: Iterator[T]) -> Iterator[T]:
    """The same, with a sign of life while each is on its way."""
    while True:
        with said:
            item = next(items, None)
        if item is None:
            return
        yield item


def _plain(found: TextTable) -> Table:
    table = Table(*map(escape, found.columns), box=None, header_style="dim")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in found.rows:
        table.add_row(*map(escape, row))
    return table
