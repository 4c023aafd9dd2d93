"""Tables of words and figures, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> list[str]:
    """Its lines; so many of the first columns have words, the others figures."""
    rules = [":--"] * words + ["--:"] * (len(header) - words)
    return ["| " + " | ".join(row) + " |" for row in (header, rules, *rows)]


def change(mean: float, low: float, high: float) -> str:
    """`+0.0035 [+0.0027, +0.0043]`."""
    return f"{mean:+.4f} [{low:+.4f}, {high:+.4f}]"


def share(value: float) -> str:
    """`.950`."""
    return f"{value:.3f}".removeprefix("0")
