"""Words as labels: which mean 1, which 0 and which neither, and SQL that makes a label of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from harness.base.words import counted
from harness.data.tabular.csv_form import NULLS
from harness.data.tabular.odd_values import FEW, meaning, quoted

POSITIVE = ("yes", "true", "t", "y", "1", "positive", "pos", "click", "clicked")
"""Words that mean 1, the most telling first, in small letters."""
NEGATIVE = ("no", "false", "f", "n", "0", "negative", "neg")
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
NOT_FINITE = re.compile(r"[+-]?(?:inf|infinity|nan)", re.IGNORECASE)
"""Words that SQL casts to a number, though they are none."""


class Offer(NamedTuple):
    """sql: makes a label. condition: on which it is right; empty: the values themselves say that it is."""

    sql: str
    condition: str = ""


class Words(NamedTuple):
    """ones, zeros: what says so. numbers: as most rows have, where these are counts or stars. others: what tells
    nothing. unknown: what means that nobody knows, and where there are ones and zeros or numbers all others."""

    ones: list[str]
    zeros: list[str]
    numbers: list[float]
    others: list[str]
    unknown: list[str]
    among: str
    """What most rows have, where it is worth a word."""


def words_of(rows: Mapping[str, int]) -> Words:
    """rows: word -> how many rows have it."""
    unknown = [word for word in rows if word.strip() in NULLS]
    known = [word for word in rows if word not in unknown] or unknown
    unknown = [word for word in unknown if word not in known]
    ones = [word for meant in POSITIVE for word in known if word.strip().lower() == meant]
    zeros = [word for word in known if word.strip().lower() in NEGATIVE]
    others = [word for word in known if word not in (*ones, *zeros)]
    digits = {word: float(word) for word in known if NUMBER.fullmatch(word.strip())}
    mostly = 2 * sum(rows[word] for word in digits) > sum(rows[word] for word in known)
    if mostly and not {"0", "1"}.issuperset(digits):
        unknown += [word for word in known if word not in digits]
        return Words([], [], sorted(set(digits.values())), [], unknown, " among numbers")
    if ones and zeros:
        return Words(ones, zeros, [], [], unknown + others, " among numbers" if mostly else "")
    return Words(ones, zeros, [], others, unknown, "")


def offer(words: Words, rows: Mapping[str, int], subject: str) -> Offer:
    """Of words that are no numbers. subject: SQL of the label."""
    ones = words.ones or sorted(words.others, key=lambda word: (rows[word], word))[:1]
    rest, unknown = [word for word in words.others if word not in ones], words.unknown
    if ones and not words.zeros and not rest:
        rest, unknown = unknown, []
    conditions = [] if words.ones or not ones else [f"{meaning(ones)} 1"]
    conditions += [f"{meaning(rest)} 0" if len(rest) <= FEW else "all others mean 0"] if rest else []
    return Offer(_sql(subject, ones, [*words.zeros, *rest], unknown), " and ".join(conditions))


def at_fault(words: Words, rows: Mapping[str, int]) -> str:
    """The first word that means nothing here, or is no number among numbers; or else the first."""
    odd = words.unknown or [word for word in rows if words.among and not NUMBER.fullmatch(word.strip())]
    return f"text {odd[0]!r} in {counted(rows[odd[0]], 'row')}{words.among}" if odd else f"text {next(iter(rows))!r}"


def number(words: Words, subject: str) -> str:
    """SQL of the numbers among words, null where one is none."""
    cast, odd = f"TRY_CAST({subject} AS DOUBLE)", [word for word in words.unknown if NOT_FINITE.fullmatch(word.strip())]
    return f"CASE WHEN {subject} NOT IN ({', '.join(quoted(odd))}) THEN {cast} END" if odd else cast


def _sql(subject: str, ones: Sequence[str], zeros: Sequence[str], unknown: Sequence[str]) -> str:
    """SQL by which ones are 1, zeros 0, and unknown words null."""
    if ones and not unknown:
        return _among(subject, ones)
    if len(zeros) > max(FEW, len(unknown)):
        return f"CASE WHEN NOT {_among(subject, unknown)} THEN {_among(subject, ones)} END"
    cases = [f"WHEN {_among(subject, each)} THEN {value}" for value, each in ((1, ones), (0, zeros)) if each]
    return f"CASE {' '.join(cases)} END"


def _among(subject: str, words: Sequence[str]) -> str:
    told = quoted(words)
    return f"{subject} = {told[0]}" if len(told) == 1 else f"{subject} IN ({', '.join(told)})"
