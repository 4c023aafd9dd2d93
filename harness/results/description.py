"""What a data set looks like, as `results/descriptions/` keeps it, and terminal, page and report show it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from harness.base.files import write_text
from harness.results.findings import Finding

Points = tuple[tuple[float, float], ...]
Values = tuple[float | None, ...]
"""None: there is no row to tell it by."""


@dataclass(frozen=True)
class TextTable:
    """A table whose cells are written already; the first column has words, the others numbers.

    words: what each column tells; empty where its title says it all, and in what an older version kept.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[str, ...] = ()

    @property
    def explained(self) -> tuple[tuple[str, str], ...]:
        """Columns with what they tell."""
        return tuple((column, words) for column, words in zip(self.columns, self.words, strict=False) if words)


@dataclass(frozen=True)
class Tail:
    """How often the ids of a field occur in training. points: rank and occurrences; law: the same of the fitted one."""

    name: str
    exponent: float | None
    points: Points
    law: Points


@dataclass(frozen=True)
class Periods:
    """Parts of a log, in order. starts: of each, and the end of the last; seconds of UTC, or rows if `unit` is `part`.

    dated: the seconds are dates of our days. cut: where training ends, in periods from the first; None: splits do not
    follow each other. rows: in each.
    """

    unit: str
    starts: tuple[int, ...]
    dated: bool
    cut: float | None
    rows: tuple[int, ...]

    @property
    def timed(self) -> bool:
        return self.unit != "part"


@dataclass(frozen=True)
class FieldInTime:
    """One field by period. ids: distinct ones of its table in training.

    fresh: share of training lookups whose id occurs in no earlier period. grown: ids seen up to its end, as a share of
    those of training. unseen: share of held-out lookups whose id training never saw. drift: how far the distribution
    of its ids is from that of the first periods, in bits. fresh, grown and unseen are empty for numbers.
    """

    name: str
    ids: int
    fresh: Values
    grown: Values
    unseen: Values
    drift: Values

    @property
    def never_seen(self) -> Values:
        """`unseen`, or else `fresh`, in one line of time; of the first period, where all is fresh, nothing."""
        both = zip(self.fresh, self.unseen, strict=True)
        return tuple((new if p else None) if held is None else held for p, (new, held) in enumerate(both))


@dataclass(frozen=True)
class RateInTime:
    """Base rate of a label by period, with its 95 % interval."""

    name: str
    rate: Values
    low: Values
    high: Values


@dataclass(frozen=True)
class Together:
    """Normalised mutual information of every two columns. labels: how many of the last names are labels.

    rows: of training, that it is read off. left_out: columns that are not among the names.
    """

    names: tuple[str, ...]
    labels: int
    rows: int
    of_rows: int
    matrix: tuple[Values, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class Description:
    """A data set. cut: where splits by time were cut, in words. notes: what its owner should know, a sentence each."""

    name: str
    tables: tuple[TextTable, ...]
    cut: str = ""
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    tails: tuple[Tail, ...] = ()
    periods: Periods | None = None
    fields: tuple[FieldInTime, ...] = ()
    rates: tuple[RateInTime, ...] = ()
    together: Together | None = None


@cache
def _form() -> TypeAdapter[Description]:
    return TypeAdapter(Description)


def path_of(results: Path, key: str) -> Path:
    """Where the description of built data is kept."""
    return results / "descriptions" / f"{key}.json"


def keep(results: Path, key: str, description: Description) -> None:
    path = path_of(results, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, _form().dump_json(description).decode() + "\n")


def kept(results: Path, key: str) -> Description | None:
    """None: there is none, or it is of another version."""
    try:
        return _form().validate_json(path_of(results, key).read_bytes())
    except (OSError, ValidationError):
        return None
