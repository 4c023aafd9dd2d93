"""A number that was estimated from rows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A value and its standard error."""

    value: float
    error: float
