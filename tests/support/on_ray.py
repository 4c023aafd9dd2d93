"""Run as a program, in a network of its own: a tiny plan on a Ray cluster of two nodes, one of which is killed.

Arguments: a folder with `plugins/`, in which a run of `sleeps` leaves its process id, and overrides of the plan.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread

import psutil
from ray.cluster_utils import Cluster

from harness.base.errors import UserError
from harness.execution.launcher import Launcher
from harness.execution.launchers.choice import launcher_of
from harness.execution.launchers.where import Kind, Where
from harness.execution.prepare import prepare
from harness.execution.scheduler import launch
from harness.plugins.registry import Registry
from support.plans import PLAN, Watcher, plan_of


def two_nodes() -> Cluster:
    """A cluster whose two nodes each have room for one run, beside a head that trains none."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for _ in range(2):
        cluster.add_node(wait=False, num_cpus=1)
    cluster.wait_for_nodes()
    return cluster


def kill_node(worker: psutil.Process) -> None:
    """Kill a process that trains, and before it the raylet that it belongs to."""
    for process in (worker.parent(), worker):
        with suppress(psutil.NoSuchProcess):
            assert process is not None
            process.kill()


def kill_node_of(marker: Path) -> None:
    """Once a run has left its process id there, kill the node that it trains on."""
    while not marker.exists() or not marker.read_text():
        time.sleep(0.05)
    kill_node(psutil.Process(int(marker.read_text())))


def main(folder: Path, overrides: list[str]) -> None:
    cluster = two_nodes()
    plan, plugins, results = plan_of(folder, PLAN, *overrides), folder / "plugins", folder / "results"

    def launcher(cpus: float | None = None, gpus: float = 0, address: str = cluster.address) -> Launcher:
        return launcher_of(Where(Kind.RAY, None, cpus, gpus, address), plan, plugins, results)

    for refused in ({"cpus": 1.5}, {"gpus": 0.25}, {"address": "ray://here:1"}):
        try:
            launcher(**refused)
        except UserError as error:
            print("refused:", error)
    print("free:", launcher().free, launcher(cpus=0.5).free)
    Thread(target=kill_node_of, args=(folder / "sleeps",), daemon=True).start()
    watcher = Watcher()
    result = launch(plan, prepare(plan, Registry(plugins), results), results, launcher(), [watcher])
    print("complete:", result.complete, *sorted(run.status for run in watcher.runs))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
