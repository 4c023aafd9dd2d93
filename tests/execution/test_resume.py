"""A launch with real workers that is killed on either side goes on from the last checkpoint to the same bytes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.plans import PLAN, go, plan_of, record_bytes

from harness.engine.checkpoint import Checkpoints
from harness.results.keys import Status

PLUGIN = '''"""Kills once, in epoch 3, when the records of two epochs are there and a checkpoint was saved."""
import multiprocessing, os, signal, time
from pathlib import Path
from harness.api import Strategy, Tables
from harness.engine import checkpoint

checkpoint.Checkpoints.due = lambda self: True
HERE = Path({folder!r})

class Broken(Strategy):
    name = "broken"
    def on_epoch_start(self, epoch: int, tables: Tables) -> None:
        with (HERE / "epochs").open("a") as file:
            file.write(f"{{epoch}} ")
        if epoch == 3 and not (HERE / "killed").exists():
            (path,) = (HERE / "results" / "runs").glob("*/records.jsonl")
            while path.read_text().count('"boundary": true') < 2:
                time.sleep(0.01)
            (HERE / "killed").touch()
            os.kill({pid}, signal.SIGKILL)
            time.sleep(900)
'''
SETTINGS = ("search.trials=0", "seeds=[1]", 'strategies=["broken"]', "train.epochs=4")


def write_plugin(folder: Path, pid: str) -> None:
    (folder / "broken.py").write_text(PLUGIN.format(folder=str(folder), pid=pid))


@pytest.fixture(scope="module", autouse=True)
def _due_as_it_was() -> Iterator[None]:
    """The plug-in changes it, in this process too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "due", Checkpoints.due)
        yield


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The records of the run when nothing kills it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    write_plugin(folder, "0")
    (folder / "killed").touch()
    go(plan_of(folder, PLAN, *SETTINGS), folder / "results", plugins=folder)
    (records,) = record_bytes(folder / "results").values()
    return records


@pytest.mark.parametrize("victim", ["worker", "scheduler"])
def test_a_killed_run_goes_on_from_its_checkpoint_to_the_same_bytes(
    tmp_path: Path, victim: str, undisturbed: bytes
) -> None:
    write_plugin(tmp_path, {"worker": "os.getpid()", "scheduler": "multiprocessing.parent_process().pid"}[victim])
    plan = plan_of(tmp_path, PLAN, *SETTINGS)
    if victim == "scheduler":
        settings = [word for setting in SETTINGS for word in ("--set", setting)]
        command = [sys.executable, "-m", "harness.cli", "benchmark", "tiny.toml", "--no-mlflow", "--plugins", "."]
        assert subprocess.run([*command, *settings], cwd=tmp_path, stdout=subprocess.DEVNULL).returncode == -9
        assert list(tmp_path.glob("results/checkpoints/*/checkpoint-*-4-*.pt"))
    _, watcher = go(plan, tmp_path / "results", workers=int(victim == "worker"), plugins=tmp_path)
    assert (tmp_path / "killed").exists()
    assert [run.status for run in watcher.runs] == [Status.FINISHED]
    assert (tmp_path / "epochs").read_text().split() == ["1", "2", "3", "3", "4"]
    assert not list(tmp_path.glob("results/checkpoints/*"))
    assert list(record_bytes(tmp_path / "results").values()) == [undisturbed]
