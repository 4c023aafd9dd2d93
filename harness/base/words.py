"""Words in sentences for people."""

from __future__ import annotations


def counted(count: int, what: str, several: str = "") -> str:
    """`1 trial`, `2 trials`. several: the plural, where it is not by an s."""
    return f"{count:,} {what if count == 1 else several or f'{what}s'}"
