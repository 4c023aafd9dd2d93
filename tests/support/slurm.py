"""A SLURM in a folder: munged, slurmctld and a slurmd for each node of the system, without accounting."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.base.owner import owner
from support.servers import free_port

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo")
CONF = """
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmdTimeout=3
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=100
MpiDefault=none
KillWait=10
{nodes}
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
PartitionName=all Nodes=ALL Default=YES MaxTime=60 GraceTime=30
PartitionName=urgent Nodes=ALL PriorityTier=2
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2 RealMemory=500"


def missing() -> str:
    """What a cluster needs and is not here; empty: nothing."""
    lacks = [name for name in PROGRAMS if _program(name) is None]
    return f"there is no SLURM here: no {', '.join(lacks)} (Debian: apt install slurm-wlm munge)" if lacks else ""


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")  # where Debian keeps the servers


@dataclass(frozen=True)
class Cluster:
    """conf: the file that SLURM_CONF is to name. nodes: the process of the slurmd of each, by its name."""

    conf: Path
    nodes: dict[str, subprocess.Popen[bytes]]


@contextmanager
def cluster(nodes: int = 1) -> Iterator[Cluster]:
    """Inside, nodes of two CPUs wait for jobs; those of partition `urgent` preempt others."""
    if lacks := missing():
        pytest.skip(lacks)
    with (
        tempfile.TemporaryDirectory(prefix="slurm-") as name,
        ExitStack() as stack,
    ):  # short, as names of sockets must be
        folder, host = Path(name), platform.node()
        folder.chmod(0o711)  # as munged demands
        conf, key, names = folder / "slurm.conf", folder / "munge.key", [f"node{n}" for n in range(nodes)]
        listed = "\n".join(NODE.format(name=each, host=host, port=free_port()) for each in names)
        conf.write_text(CONF.format(folder=folder, host=host, user=owner(), controller=free_port(), nodes=listed))
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        files = [f"--{each}-file={folder}/munge.{each}" for each in ("key", "log", "pid", "seed")]
        stack.enter_context(_serving(folder, "munged", "--foreground", f"--socket={folder}/munge.socket", *files))
        stack.enter_context(_serving(folder, "slurmctld", "-D", "-f", str(conf)))
        served = {
            each: stack.enter_context(_serving(folder, "slurmd", "-D", "-f", str(conf), "-N", each)) for each in names
        }
        environment = {**os.environ, "SLURM_CONF": str(conf)}
        _wait_for_nodes(folder, environment)
        try:
            yield Cluster(conf, served)
        finally:
            subprocess.run(["scancel", "--me", "--full", "--signal=KILL"], env=environment, capture_output=True)


@contextmanager
def _serving(folder: Path, name: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    program = _program(name)
    assert program is not None
    with (folder / f"{name}.out").open("ab") as log:
        process = subprocess.Popen([program, *options], stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for_nodes(folder: Path, environment: dict[str, str]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        asked = subprocess.run(["sinfo", "-h", "-o", "%t"], env=environment, capture_output=True, text=True)
        if set(asked.stdout.split()) == {"idle"}:
            return
        time.sleep(0.1)
    logs = "\n".join(path.read_text(errors="replace") for path in sorted(folder.glob("*.out")))
    raise RuntimeError(f"SLURM did not start:\n{logs}")
