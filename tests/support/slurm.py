"""A SLURM of one node in a folder: munged, slurmctld and slurmd of the system, without accounting."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from harness.base.owner import owner
from support.servers import free_port

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo")
CONF = """
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}
SlurmdSpoolDir={folder}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=100
MpiDefault=none
KillWait=10
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=500
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
PartitionName=all Nodes=ALL Default=YES MaxTime=60 GraceTime=30
PartitionName=urgent Nodes=ALL PriorityTier=2
"""


def missing() -> str:
    """What a cluster needs and is not here; empty: nothing."""
    lacks = [name for name in PROGRAMS if _program(name) is None]
    return f"there is no SLURM here: no {', '.join(lacks)} (Debian: apt install slurm-wlm munge)" if lacks else ""


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")  # where Debian keeps the servers


@contextmanager
def one_node() -> Iterator[Path]:
    """Inside, a node of two CPUs waits for jobs; those of partition `urgent` preempt others.

    Yields the file that SLURM_CONF is to name.
    """
    if lacks := missing():
        pytest.skip(lacks)
    with (
        tempfile.TemporaryDirectory(prefix="slurm-") as name,
        ExitStack() as stack,
    ):  # short, as names of sockets must be
        folder, user, host = Path(name), owner(), platform.node()
        folder.chmod(0o711)  # as munged demands
        conf, key = folder / "slurm.conf", folder / "munge.key"
        conf.write_text(CONF.format(folder=folder, host=host, user=user, controller=free_port(), node=free_port()))
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        files = [f"--{each}-file={folder}/munge.{each}" for each in ("key", "log", "pid", "seed")]
        stack.enter_context(_serving(folder, "munged", "--foreground", f"--socket={folder}/munge.socket", *files))
        stack.enter_context(_serving(folder, "slurmctld", "-D", "-f", str(conf)))
        stack.enter_context(_serving(folder, "slurmd", "-D", "-f", str(conf)))
        environment = {**os.environ, "SLURM_CONF": str(conf)}
        _wait_for_node(folder, environment)
        try:
            yield conf
        finally:
            subprocess.run(["scancel", "--me", "--full", "--signal=KILL"], env=environment, capture_output=True)


@contextmanager
def _serving(folder: Path, name: str, *options: str) -> Iterator[None]:
    program = _program(name)
    assert program is not None
    with (folder / f"{name}.out").open("wb") as log:
        process = subprocess.Popen([program, *options], stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for_node(folder: Path, environment: dict[str, str]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        asked = subprocess.run(["sinfo", "-h", "-o", "%t"], env=environment, capture_output=True, text=True)
        if asked.stdout.strip() == "idle":
            return
        time.sleep(0.1)
    logs = "\n".join(path.read_text(errors="replace") for path in sorted(folder.glob("*.out")))
    raise RuntimeError(f"SLURM did not start:\n{logs}")
