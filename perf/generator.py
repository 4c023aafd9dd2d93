"""Time the generator: rows per second in memory against plain numpy, coded to disk, as Parquet, and peak memory.

python -m perf.generator                        # rows per second, compiled against numpy
python -m perf.generator --shares               # what knobs cost, by CPU time of one thread: also on a busy machine
python -m perf.generator --write 100_000_000    # a coded data set of that size: seconds and peak memory
python -m perf.generator --parquet 20_000_000   # the same as Parquet
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from harness.base.environment import environment
from harness.base.seeds import generator
from harness.base.threads import CORES
from harness.data import indexed
from harness.data.synthetic.export import write_parquet
from harness.data.synthetic.population import Population
from harness.data.synthetic.presets import load_population
from harness.data.synthetic.sampler import CHUNK, Sampler
from harness.plugins.registry import Registry, build
from perf.generator_numpy import generate

PRESET = "pinterest_like"
REPEATS = 3


KNOBS = {
    "repeat": 0.7,
    "fields": {
        "user": {"session": True, "once": 0.2},
        "product": {"of": "user", "strength": 0.4, "choices": 20},
        "category": {"strength": 0.9},
        "device": {"of": "user", "strength": 0.9},
        "placement": {"of": "device", "strength": 0.7, "otherwise": "user"},
    },
}
"""Sessions, and fields that go together."""
KINDS = {
    "numbers": {"price": {"of": "product", "strength": 0.6, "missing": 0.1}, "age": {"of": "user"}},
    "lists": {"tags": {"of": "product", "ids": 500, "length": 3.0}},
    "sequences": {"seen": {"of": "product", "by": "user", "length": 10.0, "longest": 20}},
}
"""Two numbers, a list of three and a history of ten."""
SHOWN = {"fields": {"product": {"candidates": 4}}}
"""A policy that picks among four."""
THINNED = {"tasks": {"click": {"kept": 0.1}}}
WAYS: dict[str, dict[str, Any]] = {
    "without": {}, "knobs": KNOBS, "kinds": KINDS, "policy": SHOWN, "thinned": THINNED,
}  # fmt: skip


def _population(rows: int, knobs: dict[str, Any]) -> Population:
    """With knobs, which may name fields that the preset has not."""
    kinds = {kind: knobs[kind] for kind in ("numbers", "lists", "sequences") if kind in knobs}
    changed = load_population(PRESET, {"rows": rows} | {k: v for k, v in knobs.items() if k not in kinds})
    return Population.model_validate(changed.model_dump() | kinds)


def in_memory(rows: int, workers: int, knobs: dict[str, Any]) -> tuple[float, float]:
    """Seconds to calibrate and to make all rows, the best of a few."""
    population = _population(rows, knobs)
    best = [float("inf"), float("inf")]
    for _ in range(REPEATS):
        sampler, start = Sampler(population, 1), time.perf_counter()
        assert len(sampler.intercepts)
        middle = time.perf_counter()
        for _ in sampler.chunks(0, rows, workers=workers):
            pass
        best = [min(best[0], middle - start), min(best[1], time.perf_counter() - middle)]
    return best[0], best[1]


def plain_numpy(rows: int) -> float:
    """Seconds for the reference, which must hold all rows at once; calibration included."""
    population, best = load_population(PRESET, {"rows": rows}), float("inf")
    for _ in range(REPEATS):
        start = time.perf_counter()
        generate(population, rows, 1)
        best = min(best, time.perf_counter() - start)
    return best


def compare() -> None:
    in_memory(200_000, CORES, {})  # compiles
    reference = plain_numpy(1_000_000) / 1_000_000
    print(f"{'numpy, 1 M rows':34} {1e-6 / reference:6.2f} M rows/s")
    for rows, workers, more, knobs in (
        (4_000_000, 1, "", {}),
        (4_000_000, 1, ", knobs", KNOBS),
        (4_000_000, CORES, "", {}),
        (20_000_000, CORES, "", {}),
        (20_000_000, CORES, ", knobs", KNOBS),
    ):
        calibrate, make = in_memory(rows, workers, knobs)
        rate, overall = rows / make / 1e6, rows / (make + calibrate) / 1e6
        title = f"{rows // 10**6} M rows, {workers} threads{more}"
        print(
            f"{title:34} {rate:6.2f} M rows/s, {overall:.2f} with calibration"
            f" ({calibrate:.2f} s): {rate * 1e6 * reference:.1f} and {overall * 1e6 * reference:.1f} x numpy"
        )


def shares() -> None:
    """Rows per second of CPU with each kind of knobs, and as a share of those without."""
    rows, plain = 1 << 21, 0.0
    for title, knobs in WAYS.items():
        sampler = Sampler(_population(rows, knobs), 1)
        sampler.rows(0, CHUNK)
        best = float("inf")
        for _ in range(REPEATS):
            start = time.process_time()
            for first in range(0, rows, CHUNK):
                sampler.rows(first, first + CHUNK)
            best = min(best, time.process_time() - start)
        plain = plain or rows / best
        print(f"{title:10} {rows / best / 1e6:6.2f} M rows drawn per second of CPU, {rows / best / plain:.2f}")


def coded(rows: int, users: int, products: int, folder: Path) -> None:
    values = {"preset": PRESET, "rows": rows, "users": users, "products": products}
    dataset = build(Registry().datasets, "data set", "powerlaw", values)
    indexed.save(dataset.stream(generator(0, "data", "powerlaw")), folder)


def as_parquet(rows: int, folder: Path) -> None:
    write_parquet(Console(quiet=True), PRESET, folder, rows, None, 0)


def timed(rows: int, work: Callable[[Path], None]) -> None:
    """Seconds, size and peak memory of writing so many rows into a folder."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, start = Path(scratch) / "data", time.perf_counter()
        work(folder)
        seconds = time.perf_counter() - start
        size = sum(path.stat().st_size for path in folder.iterdir())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{rows:,} rows made and written in {seconds:.0f} s: {rows / seconds / 1e6:.2f} M rows/s, ", end="")
    print(f"{size / 2**30:.1f} GiB, peak resident memory {peak:.2f} GiB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shares", action="store_true")
    parser.add_argument("--write", type=int, metavar="ROWS")
    parser.add_argument("--parquet", type=int, metavar="ROWS")
    parser.add_argument("--users", type=int, default=2_000_000)
    parser.add_argument("--products", type=int, default=1_000_000)
    chosen = parser.parse_args()
    about = environment()
    print(f"{PRESET}: 10 fields, 5 tasks; {about['machine']}, {about['cores']} cores, numpy {about['numpy']}")
    if chosen.shares:
        shares()
    elif chosen.write:
        timed(chosen.write, lambda folder: coded(chosen.write, chosen.users, chosen.products, folder))
    elif chosen.parquet:
        timed(chosen.parquet, lambda folder: as_parquet(chosen.parquet, folder))
    else:
        compare()
