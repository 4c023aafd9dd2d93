"""Where the runs of a plan are trained, and what each is given there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.base.cores import cores


class Kind(StrEnum):
    """Of launcher."""

    LOCAL = "local"
    RAY = "ray"
    SLURM = "slurm"


@dataclass(frozen=True)
class Where:
    """As a command line asks for it.

    workers: how many runs at a time at most; None: one for each core here, as many as a Ray cluster has room for, or as
    many as `slurm.QUEUED`. cpus, gpus: of each run; cpus None: as many as it has threads. address: of a Ray cluster;
    None: the one that this machine belongs to.
    """

    launcher: Kind = Kind.LOCAL
    workers: int | None = None
    cpus: float | None = None
    gpus: float = 0.0
    address: str | None = None

    def __str__(self) -> str:
        on = "" if self.launcher == Kind.LOCAL else f" on {self.launcher}"
        most = self.here if self.launcher == Kind.LOCAL else self.workers
        return f"{most or 'as many as there is room for'} at a time{on}"

    @property
    def here(self) -> int:
        """How many at a time, of this machine."""
        return self.workers or cores()


HERE = Where()
"""Processes of this machine."""
