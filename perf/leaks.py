"""Do the checks of data find what is planted, and stay silent otherwise: `python -m perf.leaks` counts both.

The logs of `perf.leaky_logs` and presets of the generator go through `harness.data.leaks`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from harness.api import Data, Generator
from harness.base import seeds
from harness.base.environment import environment
from harness.base.places import ROOT
from harness.data import indexed
from harness.data.indexed_dataset import IndexedDataset, IndexedSplit
from harness.data.leaks.checks import findings
from harness.plugins.registry import Registry, build
from harness.results.findings import Finding
from perf.leaky_logs.faulty import PLANTED
from perf.leaky_logs.honest import CLEAN
from perf.leaky_logs.log import ROWS, Log, data_of

PRESETS = ("tiny", "ads", "avazu_like", "criteo_like", "feed", "news_like", "pinterest_like")
PRESET_ROWS = 200_000
NO_LEAK = "few_labels"
"""A check of how much there is to read, which small tables fail with reason."""


def coded(data: Data, folder: Path) -> IndexedDataset:
    indexed.save(data, folder)
    return indexed.load(folder)


def found_in(make: Callable[[Generator], Log], seed: int) -> tuple[Finding, ...]:
    """What the checks find in a log of a kind."""
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        return findings(coded(data_of(make(rng), rng), Path(folder) / "data"))


def found_in_preset(preset: str, seed: int) -> tuple[Finding, ...]:
    """What the checks find in a preset of the generator, at `PRESET_ROWS` rows."""
    dataset = build(Registry().datasets, "data set", "powerlaw", {"preset": preset, "rows": PRESET_ROWS})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data"
        indexed.save(dataset.stream(seeds.generator(seed, "data", "powerlaw")), path)
        return findings(indexed.load(path))


def seconds() -> float:
    """CPU time of all checks on 1.5 M rows of 11 fields with two labels."""
    rng, sizes = np.random.default_rng(0), (300_000, 300_000, 40_000, 5000, 1000, 300, 100, 30, 20, 10, 5)

    def split(rows: int) -> IndexedSplit:
        codes = [rng.integers(0, n, rows) + start for n, start in zip(sizes, np.cumsum((0, *sizes)), strict=False)]
        labels_NT = (rng.random((rows, 2)) < 0.2).astype(np.uint8)
        return IndexedSplit(np.column_stack(codes).astype(np.int32), labels_NT, None, codes[0], np.arange(rows), None)

    train, valid, test = split(1_200_000), split(150_000), split(150_000)
    valid, test = (replace(part, time_N=np.arange(150_000) + 1_200_000) for part in (valid, test))
    names, ids_V = tuple(f"field{f}" for f in range(len(sizes))), tuple(np.arange(n) for n in sizes)
    count_V = np.split(np.bincount(train.codes_NF.ravel(), minlength=sum(sizes)), np.cumsum(sizes)[:-1])
    data = IndexedDataset(names, ("click", "buy"), ids_V, tuple(count_V), train, valid, test)
    begun = time.process_time()
    findings(data)
    return time.process_time() - begun


def alarms(found: tuple[Finding, ...], expected: str = NO_LEAK) -> list[Finding]:
    """Findings of a leak that is not there."""
    return [finding for finding in found if finding.check not in (expected, NO_LEAK)]


def markdown(tables: int) -> str:
    """The published table. tables: how many of each kind."""
    machine = environment()
    lines = [
        "# Checks of data: what is planted is found, what is clean is not alarmed",
        "",
        f"Written by `python -m perf.leaks`: {tables} tables of each kind, of {ROWS:,} rows, or {PRESET_ROWS:,} of the "
        "generator's presets. An alarm is a finding of any check but the planted one and `few_labels`, which small "
        "tables of rare labels fail with reason.",
        "",
        "| planted | check | found | other alarms |",
        "| :-- | :-- | --: | --: |",
        *_planted(tables),
        "",
        "| clean | tables | alarmed |",
        "| :-- | --: | --: |",
        *_clean(tables),
        "",
        f"All checks on 1,500,000 rows of 11 fields with two labels take {seconds():.1f} s of one thread "
        f"({machine['cores']} cores, {machine['machine']}).",
    ]
    return "\n".join(lines) + "\n"


def _planted(tables: int) -> Iterator[str]:
    for kind, (make, check) in PLANTED.items():
        found = [found_in(make, seed) for seed in range(tables)]
        hits = sum(any(finding.check == check for finding in each) for each in found)
        yield f"| {kind} | `{check}` | {hits} of {tables} | {sum(bool(alarms(each, check)) for each in found)} |"


def _clean(tables: int) -> Iterator[str]:
    total = 0
    made = {kind: [found_in(make, seed) for seed in range(tables)] for kind, make in CLEAN.items()}
    made |= {f"preset {name}": [found_in_preset(name, seed) for seed in range(tables)] for name in PRESETS}
    for kind, found in made.items():
        alarmed = sum(bool(alarms(each)) for each in found)
        total += alarmed
        yield f"| {kind} | {tables} | {alarmed} |"
    yield f"| **all** | **{tables * len(made)}** | **{total}** |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=20)
    parser.add_argument("--out", type=Path, default=ROOT / "results/tables/leaks.md")
    options = parser.parse_args()
    text = markdown(options.tables)
    options.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
