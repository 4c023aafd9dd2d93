"""The jobs of a launch in SLURM: submitted by sbatch, watched by squeue, ended by scancel.

A job is known by its name, which another process finds too. squeue asks SLURM's controller and needs no accounting
database, which sacct does. Partition, account, memory and time limit are those of sbatch's own environment variables
(SBATCH_PARTITION, SBATCH_ACCOUNT, SBATCH_MEM_PER_CPU, SBATCH_TIMELIMIT).
"""

from __future__ import annotations

import io
import math
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from pathlib import Path

import submitit
from submitit.core.utils import FailedJobError

from harness.base.errors import UserError

ASK = 10.0
"""Seconds between two questions to SLURM, each about all jobs."""
PATIENCE = 60.0
"""Seconds in which a controller answers, or counts as away."""
ENDED = {
    *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED"),
    *("REVOKED", "TIMEOUT"),
}
"""The states of a job that is over."""
NEVER = {"BadConstraints", "PartitionNodeLimit", "PartitionTimeLimit"}
"""Why a job waits, where it would wait for ever: some sites accept what no node has, or no partition allows."""
Asked = tuple[str, str, str]
"""Id, state and reason of a job."""


class SlurmJobs:
    """folder: for their scripts and what they print; all nodes must see it. cpus, gpus: of each job.

    Raises:
        UserError: there is no sbatch, or no node has what a job is to have.
    """

    def __init__(self, folder: Path, cpus: int, gpus: int) -> None:
        if shutil.which("sbatch") is None:
            raise UserError("--launcher slurm: there is no sbatch on this machine; accepted: a login node of SLURM")
        _ensure_possible(cpus, gpus)
        self._folder, self._cpus, self._gpus = folder, cpus, gpus
        self._executor = submitit.SlurmExecutor(folder)
        self._executor.update_parameters(
            cpus_per_task=cpus,
            gpus_per_node=gpus or None,
            time=None,  # submitit limits it to 5 minutes, if it is not told otherwise
            srun_args=[f"--cpus-per-task={cpus}"],  # which srun takes from no job since SLURM 22.05
            additional_parameters={"no-requeue": True},  # it would begin as it was submitted, not where it ended
        )
        self._ids: dict[str, str] = {}
        self._submitted: dict[str, float] = {}
        self._known: dict[str, Asked] = {}
        self._asked = self._answered = -math.inf

    def submit(self, name: str, work: Callable[..., None], *arguments: object) -> None:
        """Have a job call a function.

        Raises:
            UserError: sbatch refuses it.
        """
        self._executor.update_parameters(job_name=name)
        try:
            with _outside_of_a_job(), redirect_stderr(io.StringIO()):  # submitit prints what it raises
                self._ids[name] = self._executor.submit(work, *arguments).job_id
        except (FailedJobError, subprocess.CalledProcessError) as error:
            problem = " ".join(str(error).split())
            raise UserError(f"sbatch refuses a run with --cpus {self._cpus} --gpus {self._gpus}: {problem}") from error
        self._submitted[name] = time.monotonic()

    def ended(self, name: str) -> str:
        """How a job came to its end; empty: it waits or runs, as far as is known.

        Raises:
            UserError: it waits for what never comes.
        """
        if time.monotonic() >= self._asked + ASK:
            self._ask()
        _, state, reason = self._known.get(name, ("", "", ""))
        if state == "PENDING" and reason in NEVER:
            raise UserError(
                f"a job with --cpus {self._cpus} --gpus {self._gpus} would wait in SLURM for ever: {reason}; accepted: "
                "what its partition allows, by SBATCH_PARTITION, SBATCH_TIMELIMIT and other variables of sbatch"
            )
        if name not in self._known:
            return "unknown to SLURM" if self._answered > self._submitted.get(name, -math.inf) else ""
        return state if state in ENDED else ""

    def cancel(self, names: Iterable[str]) -> None:
        """By SIGTERM; SLURM kills what has not ended after the `KillWait` of slurm.conf, 30 seconds if it has none."""
        live = [name for name in names if self._known.get(name, ("", "", ""))[1] not in ENDED]
        if ids := [self._ids[name] for name in live if name in self._ids]:
            with suppress(UserError):  # they may have ended by now
                _output("scancel", *ids)

    def last_line(self, name: str) -> str:
        """Of what a job wrote to its standard error."""
        path = self._folder / f"{self._ids.get(name)}_0_log.err"
        lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
        return next((line.strip() for line in reversed(lines) if line.strip()), "it wrote no error")

    def _ask(self) -> None:
        """What SLURM says of all jobs of this user; what it said before, if it does not answer."""
        now = time.monotonic()
        with suppress(UserError):
            answer = _output("squeue", "--me", "--noheader", "--states=all", "--format=%A|%T|%r|%j")
            jobs = [line.split("|", 3) for line in answer.splitlines()]
            self._known = {name: (number, state, reason) for number, state, reason, name in jobs}
            self._ids |= {name: number for name, (number, _, _) in self._known.items()}
            self._answered = now
        self._asked = now


@contextmanager
def _outside_of_a_job() -> Iterator[None]:
    """Inside, variables do not hand on what the job has in which the launch itself may run."""
    in_job = "SLURM_JOB_ID" in os.environ
    names = [name for name in os.environ if in_job and name.startswith("SLURM_") and name != "SLURM_CONF"]
    taken = {name: os.environ.pop(name) for name in names}
    try:
        yield
    finally:
        os.environ |= taken


def _ensure_possible(cpus: int, gpus: int) -> None:
    """Raises: UserError: none of the nodes that a job may be sent to has so many CPUs and GPUs."""
    partition = os.environ.get("SBATCH_PARTITION")
    which = [f"--partition={partition}"] if partition else []
    lines = _output("sinfo", "--Node", "--noheader", "--format=%c|%G", *which).splitlines()
    nodes = sorted({(int(c), _gpus(gres)) for c, _, gres in (line.partition("|") for line in lines)})
    if not any(c >= cpus and g >= gpus for c, g in nodes):
        have = "; ".join(f"{c} CPUs and {g} GPUs" for c, g in nodes) or "no node at all"
        where = f"of partition '{partition}' " if partition else ""
        raise UserError(
            f"a run with {cpus} CPUs and {gpus} GPUs: no node {where}of SLURM has them; accepted: what one has: {have}"
        )


def _gpus(gres: str) -> int:
    """How many a node has, as in `gpu:a100:4(S:0-1),shard:8`."""
    return sum(int(number) for number in re.findall(r"\bgpu(?::[^:,()]+)?:(\d+)", gres))


def _output(*command: str) -> str:
    """Raises: UserError: it failed, or did not answer."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
    except (OSError, subprocess.SubprocessError) as error:
        said = " ".join((getattr(error, "stderr", None) or str(error)).split())
        raise UserError(f"SLURM does not answer: {command[0]}: {said}; accepted: once it does") from error
