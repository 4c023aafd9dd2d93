"""What `make perf` measured, in a file: the last two series of each figure. A speed is believed when it comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.base.environment import environment
from harness.base.places import ROOT
from perf.figures import Figure
from perf.measure import Result

FILE = ROOT / "results" / "tables" / "throughput.json"
KEPT = 2


def _machine() -> str:
    it = environment()
    return f"{it['machine']}, {it['cores']} cores, {it['memory_gb']} GB"


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


@dataclass
class Reached:
    """What came of one figure in a series. values: one for each round. why: the reason if there are none."""

    figure: Figure
    values: list[float] = field(default_factory=list)
    base: list[Result] = field(default_factory=list)
    other: list[Result] = field(default_factory=list)
    why: str = ""
    began: str = field(default_factory=_now)
    machine: str = field(default_factory=_machine)


Series = list[Reached]
"""Of one figure, the oldest first."""


def read(figures: list[Figure], path: Path = FILE) -> dict[str, Series]:
    """What a file holds of figures that there are still; nothing where there is no file."""
    found = json.loads(path.read_text()) if path.exists() else {}
    return {f.name: list(_read(f, found[f.name])) for f in figures if f.name in found}


def add(reached: list[Reached], figures: list[Figure], path: Path = FILE) -> dict[str, Series]:
    """Write a series, or more of it, beside those before it. Returns all that is kept, in the order of `figures`."""
    kept, now = read(figures, path), {r.figure.name: r for r in reached if r.values or r.why}
    for name, last in now.items():
        kept[name] = [*(r for r in kept.get(name, []) if r.began != last.began), last][-KEPT:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({name: [_written(r) for r in series] for name, series in kept.items()}, indent=1) + "\n")
    return {f.name: kept[f.name] for f in figures if f.name in kept}


def _read(figure: Figure, series: list[dict[str, Any]]) -> Iterator[Reached]:
    for values in series:
        results = {side: [Result(**result) for result in values[side]] for side in ("base", "other")}
        yield Reached(figure, **values | results)


def _written(reached: Reached) -> dict[str, Any]:
    return {name: value for name, value in asdict(reached).items() if name != "figure"}
