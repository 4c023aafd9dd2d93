"""One measurement in a fresh process: `measure` starts it, `python -m perf.measure <json>` is it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from harness.base import products
from harness.base.places import ROOT
from perf.contenders import NotInstalled, load
from perf.work import Work

TRIES, DISTURBED = 4, 0.1
"""A measurement is repeated while others keep more than this share of a core busy."""
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Measurement:
    """What to time: a contender with its options, on a work. revision: of this repository; empty: as it stands."""

    contender: str
    work: Work = field(default_factory=Work)
    options: dict[str, Any] = field(default_factory=dict)
    warmup: int = 20
    steps: int = 100
    revision: str = ""


@dataclass(frozen=True)
class Result:
    """others: cores that other processes kept busy meanwhile, on average."""

    step_ms: float
    rows_per_s: float
    label: str
    times: str
    versions: dict[str, str]
    sizes_mb: dict[str, float]
    others: float

    @property
    def quiet(self) -> bool:
        return self.others < DISTURBED


def measure(what: Measurement) -> Result:
    """The first measurement that other processes leave alone, or the last of `TRIES`.

    Raises:
        NotInstalled: the contender cannot be imported, or this copy of the repository lacks the revision.
        RuntimeError: the process failed.
    """
    for _ in range(TRIES):
        result = _once(what)
        if result.quiet:
            break
    return result


def _once(what: Measurement) -> Result:
    env = os.environ | dict.fromkeys(THREADS, str(what.work.threads))
    values = asdict(what)
    root = _checkout(revision).name if (revision := values.pop("revision")) else str(ROOT)
    command = [sys.executable, "-W", "ignore", "-m", "perf.measure", json.dumps(values)]
    done = subprocess.run(command, env=env | {"PYTHONPATH": root}, cwd=root, capture_output=True, text=True)
    if done.returncode:
        tail = "\n".join(done.stderr.strip().splitlines()[-8:]) or f"exit status {done.returncode}, no message"
        raise RuntimeError(f"measuring {what.contender} failed:\n{tail}")
    answer = json.loads(done.stdout.splitlines()[-1])
    if "not_installed" in answer:
        raise NotInstalled(answer["not_installed"])
    result = Result(**answer)
    return replace(result, label=f"{result.label}, revision {revision}") if revision else result


@lru_cache(maxsize=4)
def _checkout(revision: str) -> tempfile.TemporaryDirectory[str]:
    """A folder with the files of a revision; it goes when this process ends."""
    packed = subprocess.run(["git", "archive", revision], cwd=ROOT, capture_output=True)
    if packed.returncode:
        raise NotInstalled(f"revision {revision}: {packed.stderr.decode().strip()}")
    folder = tempfile.TemporaryDirectory(prefix="multiepoch-")
    subprocess.run(["tar", "-x", "-C", folder.name], input=packed.stdout, check=True)
    return folder


def here(what: Measurement) -> Result:
    """Measure in this process.

    Raises:
        NotInstalled: the contender cannot be imported.
    """
    torch.set_num_threads(what.work.threads)
    products.use_onednn()
    kind = load(what.contender)
    contender = kind(what.work, **what.options)
    start, others = time.perf_counter(), _others_s()
    seconds, steps = contender.seconds(what.warmup, what.steps)
    disturbance = (_others_s() - others) / (time.perf_counter() - start)
    step_ms = seconds / steps * 1000
    rows_per_s = what.work.batch / step_ms * 1000
    return Result(step_ms, rows_per_s, kind.label, kind.times, kind.versions(), contender.sizes_mb(), disturbance)


def _others_s() -> float:
    """CPU seconds of all other processes since the machine started, and what its host took; 0 where not known."""
    try:
        jiffies = [int(n) for n in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    except OSError:
        return 0.0
    user, nice, system, _, _, irq, softirq, steal = jiffies[:8]
    own = sum(os.times()[:2])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK") - own


def main() -> None:
    values = json.loads(sys.argv[1])
    work = values.pop("work")
    try:
        result = here(Measurement(work=Work(**work | {"hidden": tuple(work["hidden"])}), **values))
    except NotInstalled as error:
        print(json.dumps({"not_installed": str(error)}))
    else:
        print(json.dumps(asdict(result)))


if __name__ == "__main__":
    main()
