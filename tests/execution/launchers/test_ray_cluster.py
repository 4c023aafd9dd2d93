"""Runs on a Ray cluster: in processes of its own and a network of its own, as Ray listens on every address it finds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.own_network import alone, missing
from support.plans import PLAN, go, plan_of, record_bytes

pytest.importorskip("ray", reason="Ray is not installed: pip install '.[ray]'")

OVERRIDES = ("search.trials=0", "seeds=[1]", "strategies=['none', 'sleeps', 'exits']")
BREAKS = '''"""Breaks in its second epoch, once."""
import os, pathlib, time
from harness.api import Strategy, Tables

class Breaks(Strategy):
    name = "{name}"
    def on_epoch_start(self, epoch: int, tables: Tables) -> None:
        marker = pathlib.Path({marker!r})
        if epoch == 2 and not marker.exists():
            marker.write_text(str(os.getpid()))
            {how}
'''


@pytest.fixture(scope="module")
def on_a_cluster(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The folder of a launch on two nodes, of which one was killed and one lost a worker, and what it printed."""
    folder = tmp_path_factory.mktemp("ray")
    (folder / "plugins").mkdir()
    for name, how in {"sleeps": "time.sleep(900)", "exits": "os._exit(7)"}.items():
        source = BREAKS.format(name=name, marker=str(folder / name), how=how)
        (folder / "plugins" / f"{name}.py").write_text(source)
    if lacks := missing():
        pytest.skip(lacks)
    command = alone(sys.executable, "-P", "-m", "support.on_ray", str(folder), *OVERRIDES)
    paths = os.pathsep.join(map(os.path.abspath, sys.path))
    environment = os.environ | {"PYTHONPATH": paths, "MULTIEPOCH_CACHE": str(folder / "cache")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout.splitlines()


def test_a_killed_node_and_a_killed_worker_cost_nothing_and_records_are_those_of_this_machine(
    on_a_cluster: tuple[Path, list[str]], tmp_path: Path
) -> None:
    folder, said = on_a_cluster
    assert "complete: True finished finished finished" in said
    assert (folder / "sleeps").exists()
    assert (folder / "exits").exists()
    plan = plan_of(tmp_path, PLAN, *OVERRIDES)
    go(plan, tmp_path / "results", plugins=folder / "plugins")
    assert record_bytes(folder / "results") == record_bytes(tmp_path / "results")


def test_what_no_node_has_is_refused_at_once_with_what_there_is(on_a_cluster: tuple[Path, list[str]]) -> None:
    refused = [line for line in on_a_cluster[1] if line.startswith("refused: ")]
    assert len(refused) == 3
    assert all("1 CPUs and 0 GPUs; 1 CPUs and 0 GPUs" in line or "0 CPUs" in line for line in refused[:2])
    assert "1.5 CPUs and 0 GPUs" in refused[0]
    assert "0.25 GPUs" in refused[1]
    assert "--address ray://here:1: accepted: host:port" in refused[2]


def test_a_cluster_has_room_for_as_many_runs_as_its_nodes_hold(on_a_cluster: tuple[Path, list[str]]) -> None:
    assert "free: 2 4" in on_a_cluster[1]
