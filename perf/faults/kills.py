"""Processes that are killed or told to end at a random moment: the same command goes on to the same records."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil

from perf.faults.count import Count
from perf.faults.tiny import TINY, records

COMMAND = (sys.executable, "-m", "harness.cli", "benchmark", "plan.toml", "--no-mlflow", "--workers", "1")
LONG = TINY.replace("epochs = 2", "epochs = 40").replace("seeds = [1]", "seeds = [1, 2]")
"""Trained for some seconds, so that a random moment finds it at any part of its life."""
SAME = "the same command then ends with the same records, byte for byte"
TOLD = {signal.SIGTERM: (75, "stopped by SIGTERM"), signal.SIGINT: (130, "interrupted")}


def started(folder: Path) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    (folder / "plan.toml").write_text(LONG, encoding="utf-8")
    return subprocess.Popen(COMMAND, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Its training processes, where a server forks them (Linux)."""
    try:
        children = psutil.Process(process.pid).children()
        servers = [child for child in children if "forkserver" in " ".join(child.cmdline())]
        return [worker for server in servers for worker in server.children()]
    except psutil.Error:
        return []


def whole(folder: Path) -> tuple[dict[str, bytes], float]:
    """Records and seconds of a launch that nothing disturbs."""
    begun = time.monotonic()
    _, problem = started(folder).communicate()
    found = records(folder / "results")
    assert found, problem
    return found, time.monotonic() - begun


def kills(folder: Path, each: int, seed: int) -> list[Count]:
    """Kill a worker, kill the launching process, and tell it to end, each so many times, two at a time."""
    right, seconds = whole(folder / "whole")
    counts = {
        None: Count("a worker is killed (SIGKILL) at a random moment", "the launch itself ends with the same records"),
        signal.SIGKILL: Count("the launching process is killed (SIGKILL) at a random moment", SAME),
    }
    for told, (status, _) in TOLD.items():
        kind = f"the launching process gets {told.name} at a random moment"
        counts[told] = Count(kind, f"one line, status {status}; {SAME}")
    rng = np.random.default_rng(seed)
    cases = [(number, float(rng.uniform(0.1, 0.9)) * seconds) for number in counts for _ in range(each)]

    def tried(at: int) -> str:
        return _killed(*cases[at], folder / f"kill-{at}", right)

    with ThreadPoolExecutor(2) as pool:
        for (number, moment), problem in zip(cases, pool.map(tried, range(len(cases))), strict=True):
            counts[number].add(f"after {moment:.1f} s", problem)
    return list(counts.values())


def _killed(number: signal.Signals | None, moment: float, folder: Path, right: dict[str, bytes]) -> str:
    """Send a signal to a launch, or kill its worker if there is none, and go on. Returns what was wrong."""
    process = started(folder)
    time.sleep(moment)
    if number is None:
        while not (found := workers(process)) and process.poll() is None:
            time.sleep(0.01)
        for worker in found:
            worker.kill()
    else:
        process.send_signal(number)
    _, said = process.communicate()
    if number is not None and process.returncode:
        started(folder).communicate()
    same = records(folder / "results") == right
    return "; ".join(filter(None, (_odd_end(number, process.returncode, said), "" if same else "other records")))


def _odd_end(number: signal.Signals | None, status: int, said: str) -> str:
    """What about the end of a launch is not as it should be. It may also have ended before the signal came."""
    if number == signal.SIGKILL or status == 0:
        return ""
    expected, words = TOLD.get(number or signal.SIGKILL, (0, ""))
    if status != expected:
        return f"status {status}, {said[-300:]!r}"
    line = f"multiepoch: {words}; the same command goes on with what is missing\n"
    return "" if said == line else f"printed {said[-300:]!r}"
