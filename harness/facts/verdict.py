"""From the runs of facts to their verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.analysis.estimates import Estimate, estimate, holm
from harness.analysis.inference import LEVEL
from harness.analysis.load import load
from harness.base.errors import UserError
from harness.facts.readings import NamedRuns, Readings
from harness.facts.sheet import Claim, Fact, Sheet
from harness.results.plan_results import read_plan_result
from harness.results.records import Run

REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE = "reproduced", "not reproduced", "inconclusive"


@dataclass(frozen=True)
class Measured:
    """A claim and what it came to: the mean over seeds with its 95 % t interval (None: no seed has it). seeds: that
    were to have it; where some have not, as their runs diverged, say, the others decide nothing.

    p_holm: of the t test that the mean is the criterion's border, after Holm's correction for all claims that are read
    together (None: before it, or fewer than two seeds have a value).
    """

    claim: Claim
    value: Estimate | None
    seeds: int
    p_holm: float | None = None

    @property
    def p_value(self) -> float | None:
        """The same before the correction; None, too, where seeds are missing."""
        if self.value is None or self.value.n < self.seeds:
            return None
        return Estimate(tuple(v - self.claim.border for v in self.value.values)).p_value

    @property
    def verdict(self) -> str:
        """By the side of the border that the mean lies on; inconclusive where the test does not tell the two apart."""
        if self.value is None or self.p_holm is None or not self.p_holm < LEVEL:
            return INCONCLUSIVE
        return REPRODUCED if self.claim.within(self.value.mean) else NOT_REPRODUCED


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


def findings(sheet: Sheet, results: Path, known: Mapping[str, Finding]) -> dict[str, Finding]:
    """By name, of every fact whose plan, as it stands now, is complete in this results folder. known: those that were
    read already, before their claims are corrected.

    Raises:
        UserError: a claim or a line of the figure fits no run, or more than one.
    """
    each = ((fact.name, known.get(fact.name) or finding(sheet, fact, results)) for fact in sheet.facts)
    found = {name: one for name, one in each if one is not None}
    return dict(zip(found, corrected(list(found.values())), strict=True))


def corrected(found: Sequence[Finding]) -> Iterator[Finding]:
    """The same, their claims corrected for being read together."""
    adjusted = iter(holm([m.p_value for each in found for m in each.measured]))
    for each in found:
        yield replace(each, measured=tuple(replace(m, p_holm=next(adjusted)) for m in each.measured))


def finding(sheet: Sheet, fact: Fact, results: Path) -> Finding | None:
    """That of one fact, before its claims are corrected for others; None: its plan is not complete.

    Raises:
        UserError: as of `findings`.
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
    measured = tuple(Measured(c, estimate(readings.by_seed(c.measure).values()), len(plan.seeds)) for c in fact.claims)
    return Finding(fact, measured, readings)
