"""A log that is too large for the time: some of its users, each with all rows, and what that does to the question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.data.indexed_dataset import IndexedDataset
from harness.data.tabular.schema import Schema
from harness.diagnose.again import SEEDS, Again, rewritten
from harness.diagnose.ladder import RUNGS, Ladder
from harness.diagnose.sizing import SIZES, Cost, Size
from harness.report.format import percent

SHARES = tuple(2.0**-k for k in range(1, 11))
LEAST_ROWS = 10_000
"""Training rows below which no sample is taken."""
MANY = 2.0
"""Rows per id, at least, of a field whose ids can be drawn: fewer would draw rows."""
SHOWN = 3
"""Fields whose rows per id are told."""


@dataclass(frozen=True)
class Sampled:
    """by: what is drawn. keep: the share. rows, whole: of the sample and the log. per_id: field -> training rows per id
    in the log and in the sample. smallest: the gain in AUC that test rows can tell, in the same two."""

    by: str
    keep: float
    rows: int
    whole: int
    per_id: dict[str, tuple[float, float]]
    smallest: tuple[float, float]
    ladder: Ladder = field(default_factory=lambda: Ladder(why="its sizes are not trained yet"))

    @property
    def what(self) -> str:
        return f"{percent(self.keep)} of {self.by}, {self.rows:,} of {self.whole:,} rows"

    @property
    def text(self) -> str:
        """What was drawn and what that does, without the ladder."""
        ids = "; ".join(f"{name} {_count(part)} and {_count(whole)}" for name, (whole, part) in self.per_id.items())
        whole, part = self.smallest
        return (
            f"{self.what}, as the whole log takes too long. Training rows per id, here and in the whole log: {ids}. "
            f"The smallest gain that test rows can show: {part:.4f} here, {whole:.4f} in the whole log."
        )


def drawn_by(schema: Schema, data: IndexedDataset) -> str | None:
    """The SQL of what to draw: what the schema groups by; else the field with most ids that have several rows each."""
    if schema.group is not None:
        return schema.group
    rows = len(data.train)
    single = {
        name: schema.fields[name].column or schema.fields[name].id for name in data.fields if name in schema.fields
    }
    ids = {name: int((data.counts(f) > 0).sum()) for f, name in enumerate(data.fields)}
    fit = [name for name, sql in single.items() if sql is not None and ids[name] and rows / ids[name] >= MANY]
    return single[max(fit, key=lambda name: ids[name])] if fit else None


def fitting(cost: Cost, rows: int, workers: int, seconds: float) -> tuple[float, Size] | None:
    """The largest share of a log that fits with three epochs and its ladder, and the largest comparison on it."""
    for keep in SHARES:
        if keep * rows < LEAST_ROWS:
            return None
        here = scaled(cost, keep)
        left = seconds - ladder_seconds(here, workers)
        if size := next((size for size in reversed(SIZES[1:]) if size.seconds(here, workers) <= left), None):
            return keep, size
    return None


def scaled(cost: Cost, share: float) -> Cost:
    return replace(cost, epoch=share * cost.epoch, evaluate=share * cost.evaluate)


def ladder_seconds(cost: Cost, workers: int) -> float:
    """Of training plain and one mitigation on halves of what costs that."""
    least = replace(SIZES[1], arms=1, trials=0, seeds=SEEDS)
    return sum(least.seconds(scaled(cost, rung), workers) for rung in RUNGS)


def sampled(dataset: Mapping[str, Any], by: str, keep: float, folder: Path, name: str) -> dict[str, Any]:
    """The data set of a share of a log, whose schema is left in a folder under a name."""
    return rewritten(dataset, folder / f"{name}.toml", sample={"by": by, "keep": keep})


def rungs(dataset: Mapping[str, Any], by: str, keep: float, folder: Path) -> list[tuple[float, Again]]:
    """Smaller shares, each with the data set of it."""
    found = []
    for number, rung in enumerate(RUNGS, start=1):
        name = f"sample-{number}"
        there = sampled(dataset, by, rung * keep, folder, name)
        found.append((rung * keep, Again(f"diagnosis-{name}", f"{percent(rung * keep)} of {by}", there)))
    return found


def compared(
    by: str, keep: float, whole: IndexedDataset, part: IndexedDataset, smallest: tuple[float, float]
) -> Sampled:
    """What a sample does to the rows per id of the fields with most ids, and to the gain that can be told."""
    sizes = {name: int((whole.counts(f) > 0).sum()) for f, name in enumerate(whole.fields)}
    names = sorted(sizes, key=lambda name: -sizes[name])[:SHOWN]
    per_id = {name: (_per_id(whole, name), _per_id(part, name)) for name in names}
    rows, all_rows = (sum(len(data.split(s)) for s in ("train", "valid", "test")) for data in (part, whole))
    return Sampled(by, keep, rows, all_rows, per_id, smallest)


def _count(rows: float) -> str:
    """`8.4`, `862`, `11,005`."""
    return f"{rows:.1f}" if rows < 100 else f"{rows:,.0f}"


def _per_id(data: IndexedDataset, name: str) -> float:
    count_V = data.counts(data.fields.index(name))
    return float(count_V.sum() / max((count_V > 0).sum(), 1))
