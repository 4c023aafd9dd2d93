"""Tables of words and figures, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> list[str]:
    """Its lines; so many of the first columns have words, the others figures."""
    rules = [":--"] * words + ["--:"] * (len(header) - words)
    return ["| " + " | ".join(row) + " |" for row in (header, rules, *rows)]


def share(value: float) -> str:
    """`.950`."""
    return f"{value:.3f}".removeprefix("0")
