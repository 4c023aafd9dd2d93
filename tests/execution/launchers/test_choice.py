"""Which launcher is taken, and what is refused before anything is built."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch
from support.plans import PLAN, plan_of

from harness.base.errors import UserError
from harness.execution.launchers.choice import launcher_of
from harness.execution.launchers.local_pool import LocalPool
from harness.execution.launchers.where import HERE, Kind, Where


def test_this_machine_trains_on_as_many_workers_as_asked(tmp_path: Path) -> None:
    launcher = launcher_of(Where(workers=3), plan_of(tmp_path), None, tmp_path)
    assert isinstance(launcher, LocalPool)
    assert launcher.free == 3


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (Where(cpus=2), "--cpus 2: a run on this machine takes what there is"),
        (Where(gpus=0.5), "--gpus 0.5: "),
        (Where(address="here:1"), "--address here:1: "),
    ],
)
def test_what_is_for_clusters_is_refused_here(where: Where, said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as refusal:
        launcher_of(where, plan_of(tmp_path), None, tmp_path)
    assert str(refusal.value).startswith(said)


@pytest.mark.parametrize(("kind", "package"), [(Kind.RAY, "ray"), (Kind.SLURM, "submitit")])
def test_a_missing_extra_is_refused_in_a_line_that_says_how_to_install_it(
    kind: Kind, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=rf"needs {package}, .* pip install '.\[{kind}\]' in a clone of multiepoch$"):
        launcher_of(Where(kind), plan_of(tmp_path), None, tmp_path)


def test_a_gpu_is_looked_for_where_runs_are_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    plan = plan_of(tmp_path, PLAN, "train.device=cuda")
    with pytest.raises(UserError, match="torch finds no GPU here"):
        launcher_of(HERE, plan, None, tmp_path)
    monkeypatch.setitem(sys.modules, "submitit", sys)
    with pytest.raises(UserError, match=r"train.device = 'cuda', but --gpus 0; accepted: --gpus 1"):
        launcher_of(Where(Kind.SLURM), plan, None, tmp_path)


def test_as_many_train_at_a_time_as_processors_are_left_to_the_launch(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a job of SLURM that has some of a node."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 6}, raising=False)
    assert (HERE.here, Where(workers=7).here) == (3, 7)
