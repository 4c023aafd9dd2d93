"""What a schema says of how rows are split."""

from __future__ import annotations

from pydantic import Field, model_validator

from harness.base.config import Config
from harness.base.durations import Span, duration
from harness.base.errors import unknown

WAYS = ("time", "group", "row", "column")
"""To split rows."""


class Cut(Config):
    """How rows are split."""

    by: str
    """time, group, row or column."""
    column: str | None = None
    """With group: what must not be torn apart. With column: what says train, valid or test."""
    valid: float = Field(0.1, gt=0)
    test: float = Field(0.1, gt=0)
    gap: Span = ""
    """With time: how long before valid rows are left out of train, as 90d."""
    rolling: int = Field(1, ge=1)
    """With time: so many time origins, whose test windows lie one after another; the last is the split without."""

    @property
    def gap_seconds(self) -> int:
        return duration(self.gap) if self.gap else 0

    @model_validator(mode="after")
    def _fits(self) -> Cut:
        if self.by not in WAYS:
            raise ValueError(str(unknown("split", self.by, WAYS)))
        needs = self.by in ("group", "column")
        if needs != (self.column is not None):
            raise ValueError(f'by = "{self.by}" {"needs a column" if needs else "takes no column"}')
        if self.gap_seconds and self.by != "time":
            raise ValueError(f'gap = "{self.gap}" is between times; accepted: with by = "time"')
        if self.rolling > 1 and self.by != "time":
            raise ValueError(f'rolling = {self.rolling} moves the cuts in time; accepted: with by = "time"')
        if (held_out := self.valid + self.rolling * self.test) >= 1:
            what = "valid + test" if self.rolling == 1 else "valid + rolling * test"
            raise ValueError(f"{what} = {held_out:g} leaves no rows to train on; accepted: below 1")
        return self
