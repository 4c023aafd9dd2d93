"""Whether a verdict holds on another split of the same log: at an earlier cut in time, or in another draw of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.comparisons import ArmComparison
from harness.data.tabular.schema import read_schema
from harness.diagnose.again import Again, rewritten
from harness.diagnose.collapse import Collapse, of_task
from harness.report.format import show

NAME = "diagnosis-second"
"""Of its plan."""
AS_HERE, OPEN, OTHERWISE = "as here", "too close to call there", "otherwise than here"


@dataclass(frozen=True)
class SecondSplit:
    """what: the split. holds: whether all that the verdict rests on is shown there too; None: too close to call, or not
    tried. found: of each strategy, what it came to there. why: it was not tried; empty: it was."""

    what: str = ""
    holds: bool | None = None
    found: tuple[str, ...] = ()
    why: str = ""

    @property
    def text(self) -> str:
        """In a sentence or two."""
        if self.why:
            return f"Not tried: {self.why}."
        ends = {True: "The verdict holds there.", False: "It does not hold there.", None: "Too close to call there."}
        return f"On {self.what}, at the same knobs: {'; '.join(self.found)}. {ends[self.holds]}"


NOT_YET = SecondSplit(why="what was planned is not done yet")


def split_of(dataset: Mapping[str, Any], folder: Path) -> Again | str:
    """Another split of a log, whose schema is left in a folder; or why there is none."""
    schema = read_schema(dataset["schema"], tuple(dataset["labels"]))
    cut = schema.split
    if cut.by == "column":
        return "a column of the log says how it is split"
    if cut.by != "time":
        return Again(NAME, f"another draw of the split by {cut.by}", dict(dataset), data_seed=1)
    if cut.rolling > 1:
        return "its seeds have time origins of their own already"
    if cut.valid + 2 * cut.test >= 1:
        return "too few rows lie before its test rows"
    earlier = rewritten(dataset, folder / "second_split.toml", split={"rolling": 2})
    return Again(NAME, "an earlier cut in time", earlier | {"origin": 0})


def judged(what: str, there: GroupAnalysis, plain: Sequence[Collapse], lead: ArmComparison | None) -> SecondSplit:
    """there: the other split. plain: what plain training does on the first one, in the tasks that its verdict rests on.
    lead: the strategy of that verdict."""
    found, told = [], []
    shown = [each for each in plain if each.falls or each.harmless]
    for here, other in ((each, of_task(there, each.task)) for each in shown):
        if other is not None:
            told.append(_same_end(here, other))
            found.append(f"plain training {other.end} ({told[-1]})")
    if lead is not None:
        row = next((row for row in there.ranked if row.arm.label == lead.arm.label), None)
        gain = None if row is None else row.value("gain")
        if row is not None and gain is not None:
            told.append({1: AS_HERE, 0: OPEN, -1: OTHERWISE}[0 if row.lost("gain") else gain.sign])
            found.append(f"{lead.arm.label} {show(gain, 4, signed=True)} over one epoch ({told[-1]})")
    if not shown and lead is None:
        return SecondSplit(what, why="nothing was shown on the first split that another could bear out")
    if not told:
        return SecondSplit(what, why="no repetition of it was done in time")
    holds = False if OTHERWISE in told else None if OPEN in told else True
    return SecondSplit(what, holds, tuple(found))


def _same_end(here: Collapse, there: Collapse) -> str:
    """Whether plain training ends alike, of which something is known here."""
    if not there.falls and not there.harmless:
        return OPEN
    return AS_HERE if there.falls == here.falls else OTHERWISE
