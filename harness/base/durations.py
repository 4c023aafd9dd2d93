"""Times of a length, as 90d."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


def duration(text: str) -> int:
    """Seconds of a time as `90d`, `12h`, `30m`, `45s` or `2w`.

    Raises:
        ValueError: it is none.
    """
    found = re.fullmatch(r"(\d+)([smhdw])", text)
    if found is None:
        raise ValueError(f"{text!r} is no time; accepted: a number and a unit, as 90d, 12h, 30m, 45s or 2w")
    return int(found[1]) * UNITS[found[2]]


def told(seconds: float) -> str:
    """About how long something takes: `12 min`, or `45 s`."""
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def _checked(value: Any) -> Any:
    if value != "":
        duration(str(value))
    return value


Span = Annotated[str, BeforeValidator(_checked)]
"""A key of TOML that is a time, or empty."""
