"""What a check of a data set found that would mislead who trains on it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Whether numbers of such data mean nothing, or should be read after a look at the data."""

    STOP = "stop"
    LOOK = "look"

    @property
    def meaning(self) -> str:
        """What a reader has to know of it."""
        return "numbers of such data mean nothing" if self == Severity.STOP else "it may be harmless"


@dataclass(frozen=True)
class Finding:
    """check: the id of the check. seen: one sentence with its figure. advice: what to do, in one more."""

    check: str
    severity: Severity
    seen: str
    advice: str

    def __str__(self) -> str:
        return f"{self.severity} ({self.check}; {self.severity.meaning}): {self.seen} {self.advice}"


def finding(check: str, severity: str, seen: str, advice: str) -> Finding:
    """One that was stored.

    Raises:
        ValueError: its severity is none.
    """
    return Finding(check, Severity(severity), seen, advice)
