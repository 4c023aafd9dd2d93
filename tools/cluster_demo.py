"""What a team runs, on one machine, in a network of its own; two of its parts are killed in the middle of a plan.

A Ray cluster of two nodes, a PostgreSQL that has the searches and MLflow's database, and an MLflow server that serves
the files. The plan `smoke` is trained there, and once more on this machine alone: records and trials must be the same.
"""

from __future__ import annotations

import operator
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
from rich.console import Console
from rich.table import Table
from support import own_network, postgres
from support.command_line import PROGRAM
from support.plans import record_bytes, studies
from support.servers import Server, mlflow_server

SOON = 0.02
"""Seconds between two looks at how far a launch is."""


def missing() -> str:
    """What this machine lacks; empty: nothing."""
    ray = "" if find_spec("ray") else "Ray is not installed: pip install '.[ray]'"
    return "; ".join(filter(None, [ray, postgres.missing(), own_network.missing()]))


def main() -> int:
    if "--inside" in sys.argv:
        with tempfile.TemporaryDirectory() as folder, postgres.postgres() as database:
            return demonstrate(Path(folder), database)
    if lacks := missing():
        print(f"make cluster-demo: {lacks}", file=sys.stderr)
        return 2
    paths = os.pathsep.join(map(os.path.abspath, sys.path))
    environment = os.environ | {"PYTHONPATH": paths}
    return subprocess.run(own_network.alone(sys.executable, "-P", __file__, "--inside"), env=environment).returncode


def demonstrate(folder: Path, database: postgres.Postgres) -> int:
    """Train, kill, compare, and print what came of it. The status is 1 if anything was lost."""
    from support.on_ray import two_nodes

    say, there, here = Console(), folder / "cluster", folder / "here"
    server, cluster = mlflow_server(folder, database.new("tracking")).start(), two_nodes()
    plain = {name: value for name, value in os.environ.items() if name not in ("MLFLOW_TRACKING_URI", "OPTUNA_STORAGE")}
    shared = {"MLFLOW_TRACKING_URI": server.url, "OPTUNA_STORAGE": database.new("searches")}
    say.print("a Ray cluster of two nodes, PostgreSQL and an MLflow server are up; the plan smoke begins")
    with launched(there, "--launcher", "ray", "--address", cluster.address, env=plain | shared) as launch:
        killed = list(kills(there, server, launch))
    say.print(f"it has ended with status {launch.returncode}; now the same on this machine alone")
    with launched(here, "--no-mlflow", env=plain) as alone:
        alone.wait()
    server.start()
    sync = [*PROGRAM, "sync", "--results", str(there)]
    subprocess.run(sync, env=plain | shared, stdout=subprocess.DEVNULL, check=True)
    found, expected = record_bytes(there), record_bytes(here)
    same = {key for key, content in expected.items() if found.get(key) == content}
    tracked = tracked_in(server.url) & expected.keys()
    trials, expected_trials = trials_of(there, shared["OPTUNA_STORAGE"]), trials_of(here, "")
    server.stop()
    table = Table("killed, in the middle of a run", "the run")
    for what, key in killed:
        table.add_row(what, f"{key}: {'the same' if key in same else 'OTHER'} records")
    say.print(table)
    table = Table("survived, compared with this machine alone", "")
    table.add_row("runs with the same bytes", f"{len(same)} of {len(expected)}")
    same_searches = sum(map(operator.eq, trials, expected_trials))
    table.add_row("searches in PostgreSQL with the same trials", f"{same_searches} of {len(expected_trials)}")
    table.add_row("runs in MLflow after sync, with files", f"{len(tracked)} of {len(expected)}")
    say.print(table)
    whole = len(expected) > 0 and len(expected) == len(same) == len(tracked) and trials == expected_trials
    return 0 if whole and len(killed) == 2 and launch.returncode == 0 else 1


def launched(results: Path, *options: str, env: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [*PROGRAM, "benchmark", "smoke", "--results", str(results), *options]
    return subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)


def kills(results: Path, server: Server, launch: subprocess.Popen[bytes]) -> Iterator[tuple[str, str]]:
    """Kill the node of a run that has a record, then the MLflow server beside another: what, and the key of the run."""
    from support.on_ray import kill_node

    struck = ""
    for what in ("a Ray node", "the MLflow server"):
        while not (found := {k: p for k, p in training(results).items() if k != struck}) and launch.poll() is None:
            time.sleep(SOON)
        if found:
            struck, worker = found.popitem()
            if what == "a Ray node":
                kill_node(worker)
            else:
                server.stop()
            yield what, struck


def training(results: Path) -> dict[str, psutil.Process]:
    """The runs that have a record and are not done, by their keys, and the processes of the cluster that train them."""
    begun = [path.parent for path in results.glob("runs/*/records.jsonl") if not (path.parent / "done").exists()]
    titles = {f"ray::{folder.name}": folder.name for folder in begun}
    every = [(process, process.info["cmdline"]) for process in psutil.process_iter(["cmdline"])]
    return {titles[line[0]]: process for process, line in every if line and line[0] in titles}


def trials_of(results: Path, storage: str) -> list[Any]:
    """Those of each search, in an order that does not depend on their names. storage: empty: the folder's journal."""
    with mock.patch.dict(os.environ, {"OPTUNA_STORAGE": storage}):
        return sorted(studies(results).values(), key=repr)


def tracked_in(url: str) -> set[str]:
    """The keys of the runs that an MLflow server shows, and has files of."""
    from mlflow import MlflowClient

    client, found = MlflowClient(tracking_uri=url), set()
    for run in client.search_runs([each.experiment_id for each in client.search_experiments()]):
        key = run.data.tags.get("multiepoch.key")
        if key and client.list_artifacts(run.info.run_id):
            found.add(key)
    return found


if __name__ == "__main__":
    sys.exit(main())
