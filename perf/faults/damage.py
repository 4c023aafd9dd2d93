"""Files on disk that are damaged between two launches: the second must come to the numbers of the first."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from harness.experiment.plan import Plan
from perf.faults.count import Count
from perf.faults.tiny import Cut, always_saving, go, plan_in

SURVIVED = "the next launch ends with the same records, byte for byte, and no error"


def harm(files: list[Path], rng: np.random.Generator) -> str:
    """One random damage: a flipped bit, a cut, an empty or deleted file, or two that are swapped."""
    path, other = (files[i] for i in rng.integers(len(files), size=2))
    data, kind = bytearray(path.read_bytes()), rng.choice(["flip", "flip", "cut", "empty", "delete", "swap"])
    if kind == "flip" and data:
        data[rng.integers(len(data))] ^= 1 << rng.integers(8)
        path.write_bytes(data)
    elif kind == "cut" and data:
        path.write_bytes(data[: rng.integers(len(data))])
    elif kind == "delete":
        path.unlink()
    elif kind == "swap":
        path.write_bytes(other.read_bytes())
        other.write_bytes(data)
    else:
        path.write_bytes(b"")
    return f"{kind} {path.name}"


def damages(folder: Path, each: int, seed: int) -> list[Count]:
    """Damage data, records and checkpoints, `each` times."""
    plan, rng = plan_in(folder), np.random.default_rng(seed)
    whole, data, half = folder / "whole", folder / "data", folder / "half"
    right = go(plan, whole)
    shutil.copytree(whole / "data", data / "data")
    with always_saving():
        for _ in plan.strategies:
            with suppress(Cut):
                go(plan, half, cut=2)
    assert list(half.glob("checkpoints/*/*.pt")), "no checkpoint to damage"
    kinds = {
        "built data": (data, "data/*/*"),
        "finished runs": (whole, "runs/*/*"),
        "a checkpoint": (half, "checkpoints/*/*"),
    }
    return [
        _kind(f"a file of {name} is damaged", base, pattern, each, rng, lambda at: _differs(plan, at, right))
        for name, (base, pattern) in kinds.items()
    ]


@contextmanager
def unsaid() -> Iterator[None]:
    """Leave out the warnings that damaged data are built again."""
    log = logging.getLogger("multiepoch")
    log.disabled = True
    try:
        yield
    finally:
        log.disabled = False


def _kind(
    name: str, base: Path, pattern: str, times: int, rng: np.random.Generator, differs: Callable[[Path], str]
) -> Count:
    count = Count(name, SURVIVED)
    for number in range(times):
        at = base.with_name(f"{base.name}-{number}")
        shutil.copytree(base, at)
        with unsaid():
            count.add(harm(sorted(at.glob(pattern)), rng), differs(at))
        shutil.rmtree(at)
    return count


def _differs(plan: Plan, results: Path, right: dict[str, bytes]) -> str:
    try:
        return "" if go(plan, results) == right else "other numbers"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
