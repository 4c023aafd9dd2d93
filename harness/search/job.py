"""What the search asks the scheduler for, and the scheduler a launcher."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.experiment.specs import RunSpec
from harness.results.keys import ArmId, RunRole


@dataclass(frozen=True)
class Job:
    """One run that an arm asks for."""

    key: str
    spec: RunSpec
    data: str
    """The key of its data set."""
    arm: ArmId
    task: str
    """The one that the plan selects by."""
    role: RunRole
    number: int
    """Of the trial, or the seed."""
    varying: dict[str, Any] = field(default_factory=dict)
    """The searched values."""
    page: str = ""
    """Of a trial, as in Trial."""
    at_once: int = 1
    """How many runs like it, but for their seeds and data, are trained in one at most."""
    beside: tuple[Job, ...] = ()
    """Those that are trained in one with it."""

    @property
    def group(self) -> tuple[Job, ...]:
        """It, and those that are trained in one with it."""
        return (self, *self.beside)

    def fits(self, other: Job) -> bool:
        """Whether another run may be trained in one with it."""
        same = {"seed": 0, "data_seed": 0, "dataset": self.spec.dataset}
        return self.arm == other.arm and self.spec.model_copy(update=same) == other.spec.model_copy(update=same)
