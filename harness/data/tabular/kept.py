"""`0.1 of negatives`: what a schema says of a log that was down-sampled."""

from __future__ import annotations

import re

from harness.api import Kept, UserError
from harness.base.errors import unknown

CLASSES = {"negatives": 0, "positives": 1}


def kept_of(text: str) -> Kept:
    """What was kept of a label.

    Raises:
        ValueError: it is not a share and a class.
    """
    found = re.fullmatch(r"\s*(\d*\.?\d+(?:[eE]-?\d+)?)\s+of\s+(\w+)\s*", text)
    if found is None:
        raise ValueError(f'{text!r} is no share of a class; accepted: as "0.1 of negatives" or "0.5 of positives"')
    if found[2] not in CLASSES:
        raise ValueError(str(unknown("class", found[2], CLASSES)))
    try:
        return Kept(float(found[1]), CLASSES[found[2]])
    except UserError as error:
        raise ValueError(str(error)) from error
