"""From a fact's runs to its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.analysis.estimates import Estimate, estimate
from harness.analysis.load import load
from harness.base.errors import UserError
from harness.facts.expression import NamedRuns, Readings
from harness.facts.sheet import Claim, Fact, Sheet
from harness.results.plan_results import read_plan_result
from harness.results.records import Run

REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE = "reproduced", "not reproduced", "inconclusive"


@dataclass(frozen=True)
class Measured:
    """A claim and what it came to: the mean over seeds with its 95 % t interval (None: no seed has it)."""

    claim: Claim
    value: Estimate | None

    @property
    def verdict(self) -> str:
        """By the whole interval: on the claimed side, on the other, or over the border."""
        if self.value is None or self.value.low is None or self.value.high is None:
            return INCONCLUSIVE
        inside = [self.claim.within(end) for end in (self.value.low, self.value.high)]
        if all(inside):
            return REPRODUCED
        return INCONCLUSIVE if any(inside) else NOT_REPRODUCED


@dataclass(frozen=True)
class Finding:
    """A fact after its runs."""

    fact: Fact
    measured: tuple[Measured, ...]
    readings: Readings

    @property
    def runs(self) -> dict[str, Run]:
        """By key; other facts may share them."""
        return {run.key: run for arm in self.readings.arms for run in arm.runs.values()}

    @property
    def verdict(self) -> str:
        """Reproduced if every claim of its own is; not, if any is not."""
        found = {m.verdict for m in self.measured if not m.claim.added}
        if NOT_REPRODUCED in found:
            return NOT_REPRODUCED
        return INCONCLUSIVE if INCONCLUSIVE in found else REPRODUCED

    @property
    def of_claims(self) -> str:
        """How many are reproduced, its own and added ones apart."""
        own, added = ([m for m in self.measured if m.claim.added == apart] for apart in (False, True))
        counted = [(own, "claims"), *([(added, "added")] if added else [])]
        return ", ".join(
            f"{sum(m.verdict == REPRODUCED for m in some)} of {len(some)} {what}" for some, what in counted
        )


def finding(sheet: Sheet, fact: Fact, results: Path) -> Finding | None:
    """None: the fact's plan, as it stands now, is not complete in this results folder.

    Raises:
        UserError: a claim or a line of the figure fits no run, or more than one.
    """
    plan = sheet.plan(fact)
    try:
        result = read_plan_result(results, plan.name)
    except UserError:
        return None
    if not result.complete or result.plan != plan.model_dump(mode="json", by_alias=True):
        return None
    alias = {strategy: name for name, strategy in fact.strategies.items()}
    groups = load(results, plan.name).groups
    arms = [NamedRuns(g.dataset, g.model, alias[a.arm.strategy], a.runs) for g in groups for a in g.arms]
    readings = Readings(arms, fact.task)
    measured = tuple(Measured(c, estimate(readings.by_seed(c.measure).values())) for c in fact.claims)
    return Finding(fact, measured, readings)
