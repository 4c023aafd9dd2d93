"""How numbers are written as text: which mark stands before the fraction, and which between thousands."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from harness.data.guess.columns import quoted

THOUSANDS = (".", ",", " ", "\u00a0", "\u202f", "'", "\u2019")


CURRENCIES = "USD|EUR|GBP|JPY|CNY|INR|CHF|CAD|AUD|NZD|BRL|MXN|RUB|KRW|SEK|NOK|DKK|PLN|CZK|TRY|ZAR|kr|zł"
UNIT = re.compile(r"^-?(?P<before>[^\d-]*)-?\d(?:.*\d)?(?P<after>\D*)$")
SIGN = re.compile(rf"[$€£¥₹₽%]|{CURRENCIES}")


@dataclass(frozen=True)
class Marks:
    """thousands: empty where none is written. unit: what stands before or behind each, as `$` or ` EUR`."""

    thousands: str
    decimal: str
    unit: str = ""

    @property
    def pattern(self) -> str:
        """Of one number."""
        mark = re.escape(self.thousands)
        whole = rf"\d{{1,3}}(?:{mark}\d{{3}})*" if mark else r"\d+"
        unit = f"(?:{re.escape(self.unit)})?"
        return rf"^-?{unit}-?{whole}(?:{re.escape(self.decimal)}\d+)?{unit}$"

    def fit(self, text: pl.Series, *, whole: bool = False) -> bool:
        """Whether all of it are such numbers, and both marks are among them; of whole numbers, the same mark twice."""
        if not text.str.contains(self.pattern).all():
            return False
        if self.unit and not self.thousands and self.decimal == ".":
            return True
        text = text.str.replace_all(self.unit, "", literal=True) if self.unit else text
        most = [int(str(text.str.count_matches(mark, literal=True).max())) for mark in (self.thousands, self.decimal)]
        return most[0] > 1 and bool(self.thousands) if whole else min(most) > 0

    def read(self, text: pl.Series) -> pl.Series:
        """As `sql` does."""
        bare = text.str.replace_all(self.unit, "", literal=True) if self.unit else text
        bare = bare.str.replace_all(self.thousands, "", literal=True) if self.thousands else bare
        return bare.str.replace_all(self.decimal, ".", literal=True).cast(pl.Float64)

    def sql(self, column: str) -> str:
        """SQL of the number that a column of text is."""
        for mark, other in ((self.unit, ""), (self.thousands, ""), (self.decimal, ".")):
            if mark != other:
                column = f"REPLACE({column}, {quoted(mark)}, {quoted(other)})"
        return f"CAST({column} AS DOUBLE)"

    def __str__(self) -> str:
        if not self.thousands:
            said = "a decimal comma" if self.decimal == "," else ""
        else:
            said = f"{self.thousands!r} between thousands and {self.decimal!r} before fractions"
        return " and ".join(filter(None, (repr(self.unit) if self.unit else "", said)))


def unit_of(text: pl.Series) -> str:
    """The sign of a currency, or of per cent, that stands before all numbers of a text or behind all; empty: none."""
    found = UNIT.match(text[0])
    units = [] if found is None else [unit for unit in (found["before"], found["after"]) if unit]
    if len(units) != 1 or not SIGN.fullmatch(units[0].strip()):
        return ""
    return units[0] if (text.str.count_matches(units[0], literal=True) == 1).all() else ""


COMMA = Marks("", ",")
EVERY = (COMMA, *(Marks(mark, decimal) for decimal in ",." for mark in THOUSANDS if mark != decimal))
NUMBER = re.compile("|".join(marks.pattern for marks in EVERY))
EITHER = r"^-?[1-9]\d{0,2}[.,]\d{3}$"
"""What may be a fraction, or thousands."""
