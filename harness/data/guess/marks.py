"""How numbers are written as text: which mark stands before the fraction, and which between thousands."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from harness.data.guess.columns import quoted

THOUSANDS = (".", ",", " ", "\u00a0", "\u202f", "'", "\u2019")


@dataclass(frozen=True)
class Marks:
    """thousands: empty where none is written."""

    thousands: str
    decimal: str

    @property
    def pattern(self) -> str:
        """Of one number."""
        mark = re.escape(self.thousands)
        whole = rf"\d{{1,3}}(?:{mark}\d{{3}})*" if mark else r"\d+"
        return rf"^-?{whole}(?:{re.escape(self.decimal)}\d+)?$"

    def fit(self, text: pl.Series, *, whole: bool = False) -> bool:
        """Whether all of it are such numbers, and both marks are among them; of whole numbers, the same mark twice."""
        most = [int(str(text.str.count_matches(mark, literal=True).max())) for mark in (self.thousands, self.decimal)]
        seen = most[0] > 1 and bool(self.thousands) if whole else min(most) > 0
        return seen and bool(text.str.contains(self.pattern).all())

    def read(self, text: pl.Series) -> pl.Series:
        """As `sql` does."""
        bare = text.str.replace_all(self.thousands, "", literal=True) if self.thousands else text
        return bare.str.replace_all(self.decimal, ".", literal=True).cast(pl.Float64)

    def sql(self, column: str) -> str:
        """SQL of the number that a column of text is."""
        for mark, other in ((self.thousands, ""), (self.decimal, ".")):
            if mark != other:
                column = f"REPLACE({column}, {quoted(mark)}, {quoted(other)})"
        return f"CAST({column} AS DOUBLE)"

    def __str__(self) -> str:
        if not self.thousands:
            return "a decimal comma"
        return f"{self.thousands!r} between thousands and {self.decimal!r} before fractions"


COMMA = Marks("", ",")
EVERY = (COMMA, *(Marks(mark, decimal) for decimal in ",." for mark in THOUSANDS if mark != decimal))
NUMBER = re.compile("|".join(marks.pattern for marks in EVERY))
EITHER = r"^-?[1-9]\d{0,2}[.,]\d{3}$"
"""What may be a fraction, or thousands."""
