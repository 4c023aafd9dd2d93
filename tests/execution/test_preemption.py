"""A launch that is given notice saves checkpoints and ends with a status to try again; then no step is made twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.plans import PLAN, go, plan_of, record_bytes

PLUGIN = '''"""Sends a signal once, in the middle of epoch 2, and is slow from there on until it has ended."""
import multiprocessing, os, signal, time
from pathlib import Path
from harness.api import RowStep, Strategy

HERE = Path({folder!r})

class Slow(Strategy):
    name = "slow"
    def on_rows(self, step: RowStep) -> RowStep:
        with (HERE / "steps").open("a") as file:
            file.write(f"{{step.step}} ")
        if step.epoch == 2 and not (HERE / "sent").exists():
            (HERE / "sent").write_text(str(os.getpid()))
            {how}
        elif (HERE / "sent").exists() and (HERE / "sent").read_text() == str(os.getpid()):
            time.sleep(0.1)
        return step
'''
PARENT = "multiprocessing.parent_process().pid"
SETTINGS = ("search.trials=0", "seeds=[1]", 'strategies=["slow"]', "train.epochs=3")


def launched(folder: Path, how: str) -> subprocess.CompletedProcess[str]:
    (folder / "slow.py").write_text(PLUGIN.format(folder=str(folder), how=how))
    plan_of(folder, PLAN)
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    options = ("--no-mlflow", "--plugins", ".", "--workers", "1")
    command = [sys.executable, "-m", "harness.cli", "benchmark", "tiny.toml", *options, *settings]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, start_new_session=True, timeout=300)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[int]]:
    """Records and steps of the run when nothing ends it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "slow.py").write_text(PLUGIN.format(folder=str(folder), how="pass"))
    (folder / "sent").write_text("nobody")
    go(plan_of(folder, PLAN, *SETTINGS), folder / "results", plugins=folder)
    (records,) = record_bytes(folder / "results").values()
    return records, steps(folder)


def steps(folder: Path) -> list[int]:
    return [int(step) for step in (folder / "steps").read_text().split()]


@pytest.mark.parametrize(
    ("how", "name"),
    [
        (f"os.kill({PARENT}, signal.SIGTERM)", "SIGTERM"),
        (f"os.killpg(os.getpgid({PARENT}), signal.SIGUSR1)", "SIGUSR1"),
    ],
    ids=["to the launching process", "to all its processes"],
)
def test_a_launch_that_is_given_notice_ends_to_be_tried_again(
    tmp_path: Path, how: str, name: str, undisturbed: tuple[bytes, list[int]]
) -> None:
    first = launched(tmp_path, how)
    assert first.returncode == 75, first.stdout + first.stderr
    assert first.stderr == f"multiepoch: stopped by {name}; the same command goes on with what is missing\n"
    assert f"{name}: runs in training save a checkpoint and end" in first.stdout
    assert len(list(tmp_path.glob("results/checkpoints/*/checkpoint-*.pt"))) == 1
    done = len(steps(tmp_path))
    assert done < len(undisturbed[1])
    assert go(plan_of(tmp_path, PLAN, *SETTINGS), tmp_path / "results", plugins=tmp_path)[0].complete
    assert steps(tmp_path) == undisturbed[1], f"ended after step {done}"
    assert list(record_bytes(tmp_path / "results").values()) == [undisturbed[0]]


def test_a_worker_that_is_told_to_end_hands_its_run_on(tmp_path: Path, undisturbed: tuple[bytes, list[int]]) -> None:
    done = launched(tmp_path, "os.kill(os.getpid(), signal.SIGTERM)")
    assert done.returncode == 0, done.stdout + done.stderr
    assert steps(tmp_path) == undisturbed[1]
    assert list(record_bytes(tmp_path / "results").values()) == [undisturbed[0]]
