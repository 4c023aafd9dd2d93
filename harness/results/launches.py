"""How far the launch of a plan is, as `results/launches/<plan>.json`; the file's date is its driver's last sign."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from harness.base.files import write_json
from harness.base.heartbeat import STALE
from harness.base.owner import host, owner

CLOCK = 60.0
"""Seconds by which clocks of one machine may differ, as after it was set."""


@dataclass(frozen=True)
class Running:
    """A run that trains. since: seconds since 1970. at: how far it is, as `epoch 1.50`."""

    name: str
    since: float
    at: str = ""


@dataclass
class Launch:
    """What a driver tells of a plan. runs: how many the plan comes to at most. begun: seconds since 1970."""

    runs: int
    owner: str = field(default_factory=owner)
    host: str = field(default_factory=host)
    pid: int = field(default_factory=os.getpid)
    begun: float = field(default_factory=time.time)
    trained: int = 0
    found: int = 0
    running: dict[str, Running] = field(default_factory=dict)
    """By key."""
    failed: dict[str, str] = field(default_factory=dict)
    """Name of a run -> why."""
    signed: float = 0.0
    """When the driver gave its last sign; of a launch that was read."""

    @property
    def alive(self) -> bool:
        """Whether its driver still runs, as far as can be told from here: on this machine by the process, which began
        before its launch, on another by its last sign."""
        if self.host != host():
            return time.time() - self.signed < STALE
        try:
            return bool(psutil.Process(self.pid).create_time() < self.begun + CLOCK)
        except psutil.Error:
            return False


def launch_file(results: Path, plan: str) -> Path:
    return results / "launches" / f"{plan}.json"


def write_launch(results: Path, plan: str, launch: Launch) -> None:
    path = launch_file(results, plan)
    path.parent.mkdir(exist_ok=True)
    write_json(path, asdict(launch))


def read_launch(results: Path, plan: str) -> Launch | None:
    """None: there was none, or its file is not what was once written."""
    path = launch_file(results, plan)
    try:
        value = json.loads(path.read_text())
        running = {key: Running(**run) for key, run in value.pop("running").items()}
        return Launch(**value | {"running": running, "signed": path.stat().st_mtime})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
