"""Typed names of what is recorded: a metric of an evaluation, an arm of a comparison, and the parts runs play."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import NamedTuple

from harness.base.names import BASELINE


class MetricKey(NamedTuple):
    """One number of an evaluation, written `valid@2-4/auc/click` on disk.

    split: `sample` (a fixed subsample of valid, at every evaluation), `valid`, `test`, `train` (a fixed subsample), or
    `probe`, of which metric is the probe's name and task the part it looks at. bucket: only the examples whose rarest
    id occurs that often in training; empty: all.
    """

    split: str
    metric: str
    task: str
    bucket: str = ""

    def __str__(self) -> str:
        return f"{self.split}{'@' if self.bucket else ''}{self.bucket}/{self.metric}/{self.task}"

    @staticmethod
    @cache
    def parse(text: str) -> MetricKey:
        """The key that is written so.

        Raises:
            ValueError: it is no key.
        """
        place, metric, task = text.split("/", 2)
        split, _, bucket = place.partition("@")
        return MetricKey(split, metric, task, bucket)


class ArmId(NamedTuple):
    """Names an arm within a plan. name: its strategy, or the role of one that is no strategy of the plan."""

    dataset: str
    model: str
    name: str

    def __str__(self) -> str:
        return "/".join(self)

    @staticmethod
    def parse(text: str) -> ArmId:
        """The id that is written so."""
        return ArmId(*text.split("/", 2))


class ArmRole(StrEnum):
    """What an arm is in its comparison."""

    ARM = "arm"
    ONE_EPOCH = BASELINE
    """The baseline: the plain model tuned for, and read at, its first epoch."""


class RunRole(StrEnum):
    """What a run is to its arm."""

    TRIAL = "trial"
    SEED = "seed"


class Status(StrEnum):
    """What a run has come to."""

    FINISHED = "finished"
    FAILED = "failed"
    INCOMPLETE = "incomplete"
    """It has no end on disk."""
    MISSING = "missing"
    """Nothing of it is on disk."""
