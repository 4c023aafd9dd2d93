"""How delimited text is written, as the `[csv]` table of a schema says."""

from __future__ import annotations

import codecs
from typing import Literal

from pydantic import Field, field_validator

from harness.base.config import Config

ONE_BYTE = r"^[\x00-\x7f]*$"
NULLS = (
    "NA", "N/A", "n/a", "#N/A", "<NA>", "NULL", "null", "#NULL!", "None", "none", "nil", "nan", "NaN", "NaT",
    "undefined", r"\N", "?", "-", "--", "(null)", "(not set)", "#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?",
    "inf", "-inf", "Infinity", "-Infinity",
)  # fmt: skip
"""Words that mean unknown where most values of their column are numbers."""


def once(names: list[str]) -> list[str]:
    """The same names, each of which must stand there once."""
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"'{name}' is listed twice")
    return names


class Csv(Config):
    """How delimited text is written."""

    separator: str = Field("", pattern=ONE_BYTE)
    """Empty: the most frequent of tab, comma, semicolon and bar in the first row."""
    header: bool = True
    """Whether the first row holds the names; where it does not, they are column_0, column_1, ..."""
    names: list[str] = []
    """Of the columns of a file without a header."""
    quote: str = Field('"', max_length=1, pattern=ONE_BYTE)
    """Empty: quotes are text."""
    comment: str = ""
    """Begins lines to skip."""
    nulls: list[str] = []
    """Values that mean unknown, beside the empty one."""
    skip: int = Field(0, ge=0)
    """Lines above the header, or above the first row where there is none."""
    below: int | None = Field(None, ge=0)
    """Lines below the header that are no rows, as one of units; None: a file that has one is refused."""
    blanks: bool = False
    """Whether blanks stand around names and values and are no part of them."""
    formulas: bool = False
    """Whether values stand as formulas, as ="007", which are the text in quotes."""
    short: Literal["", "drop", "null"] = ""
    """What becomes of rows with fewer cells than the header: left out, or what they lack is unknown. Empty: refused.
    Lines of JSON that are no objects are left out by "drop", and else refused."""
    totals: bool | None = None
    """Whether rows of totals are left out; None: a file that ends in one is refused."""
    encoding: str = ""
    """Empty: UTF-8."""

    @field_validator("separator")
    @classmethod
    def _one(cls, value: str) -> str:
        if len(value) > 1:
            same = f"{value[0]!r}, and a name for each of the empty columns between, as in datasets/movielens_dat.toml"
            raise ValueError(f"one byte separates; accepted: {same if set(value) == set(value[0]) else 'one'}")
        return value

    @field_validator("names")
    @classmethod
    def _distinct(cls, value: list[str]) -> list[str]:
        return once(value)

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            "".encode(value or "utf-8")
        except (LookupError, ValueError) as error:
            raise ValueError("no encoding is named so; accepted: as windows-1252, shift_jis, gb18030") from error
        return "" if value and codecs.lookup(value).name == "utf-8" else value
