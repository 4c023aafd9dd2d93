"""Formats of STRPTIME: what one would lose of a date without a word, and text that one does not read."""

from __future__ import annotations

import re

from harness.base.errors import UserError

CALL = re.compile(r"\b(?:STRPTIME|TIMESTAMP|DATETIME)\s*\(", re.IGNORECASE)
"""Functions of SQL that read dates with a clock."""
FORMAT = re.compile(r"'(?:[^']|'')*'")
NAME = re.compile(r"(?<!%)(?:%%)*%Z")
OFFSET = re.compile(r"(?<!%)(?:%%)*%[:#]*z")
UNREAD = re.compile(r"conversion from `str` to `date.*` failed in column '(.*)' for .* values: \[(\"[^\"]*\")")
"""What Polars says where it does not."""


def refuse_zone_names(sql: str, at: str) -> None:
    """Refuse `%Z`, which passes over the name of a zone and takes every clock for that of UTC; beside an offset it is
    right. at: begins the message.

    Raises:
        UserError: a format has one.
    """
    if CALL.search(sql) is None:
        return
    for form in FORMAT.findall(sql):
        if NAME.search(form) and not OFFSET.search(form):
            offset = form.replace("%Z", "%z")
            raise UserError(
                f"{at}: %Z in {form} passes over the name of a zone, so that 12:00 CEST and 12:00 UTC would be one "
                f"time; accepted: offsets in the place of names, as STRPTIME(REPLACE(at, 'CEST', '+0200'), {offset})"
            )


def plainly(said: str) -> str:
    """What Polars says, in plain words where it is of text that no format reads."""
    if (found := UNREAD.match(said)) is None:
        return said
    return (
        f"column '{found[1]}' has the text {found[2]}, which the format of STRPTIME does not read; accepted: one "
        "format in all rows, which REPLACE may give them"
    )
