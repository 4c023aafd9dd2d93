"""The launcher that a command line asks for. What a launcher needs is imported when it is chosen."""

from __future__ import annotations

import importlib
from pathlib import Path

from harness.base.errors import UserError
from harness.base.extras import installing
from harness.engine.device import device_of
from harness.execution.launcher import Launcher
from harness.execution.launchers.local_pool import LocalPool
from harness.execution.launchers.where import Kind, Where
from harness.experiment.plan import Plan

PACKAGE = {Kind.RAY: "ray", Kind.SLURM: "submitit"}
"""What a launcher needs beside multiepoch itself."""


def launcher_of(where: Where, plan: Plan, plugins: Path | None, results: Path) -> Launcher:
    """The launcher, before anything is trained; a cluster is looked at, and refused if it cannot train the plan.

    plugins: a folder of further plug-ins.

    Raises:
        UserError: what it needs is not installed, a run is asked to have more than any node has, or none has a GPU.
    """
    if where.launcher == Kind.LOCAL:
        _refuse_what_is_for_clusters(where)
        device_of(plan.train.device)
        return LocalPool(where.here, plugins, results)
    _ensure_installed(where.launcher)
    if plan.train.device == "cuda" and not where.gpus:
        raise UserError(
            f"plan '{plan.name}': train.device = 'cuda', but --gpus 0; accepted: --gpus 1, or a share of it"
        )
    cpus = where.cpus or plan.train.threads
    if where.launcher == Kind.RAY:
        from harness.execution.launchers.ray_cluster import RayCluster

        return RayCluster(where, cpus, plugins, results)
    return _slurm(where, cpus, plugins, results, (results / "jobs" / plan.name).resolve())


def _slurm(where: Where, cpus: float, plugins: Path | None, results: Path, folder: Path) -> Launcher:
    from harness.execution.launchers.slurm import Slurm
    from harness.execution.launchers.slurm_jobs import SlurmJobs

    for option, amount in {"--cpus": cpus, "--gpus": where.gpus}.items():
        if amount != int(amount):
            raise UserError(f"{option} {amount:g}: SLURM gives whole ones; accepted: {int(amount) + 1}")
    return Slurm(SlurmJobs(folder, int(cpus), int(where.gpus)), where.workers, plugins, results, folder)


def _refuse_what_is_for_clusters(where: Where) -> None:
    for option, value in {"--cpus": where.cpus, "--gpus": where.gpus, "--address": where.address}.items():
        if value:
            raise UserError(
                f"{option} {value}: a run on this machine takes what there is, and --workers says how many share it; "
                "accepted: with --launcher ray or slurm"
            )


def _ensure_installed(kind: Kind) -> None:
    try:
        importlib.import_module(PACKAGE[kind])
    except ImportError as error:
        raise UserError(
            f"--launcher {kind} needs {PACKAGE[kind]}, which is not installed ({error}); "
            f"accepted: after {installing(kind)}"
        ) from error
