"""A log in a frame, and training in the process of the test, as workers of their own take seconds to start."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support.plans import Inline, Trained

from harness.commands import benchmark
from harness.execution.launchers import choice
from harness.execution.run_job import JobRunner
from harness.python import calls


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The current folder, an empty one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(choice, "LocalPool", lambda workers, plugins, results: Inline(JobRunner(results, plugins)))
    monkeypatch.setattr(calls, "warm_up", lambda: None)
    return tmp_path


@pytest.fixture
def untrained(inline: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, where `Trained` is raised in the place of training."""

    def trained(*args: object) -> None:
        raise Trained

    monkeypatch.setattr(benchmark, "trained", trained)
    return inline


@pytest.fixture(scope="session")
def log() -> pl.DataFrame:
    """Two fields with a tail, and a label that both move."""
    rng = np.random.default_rng(0)
    user_N, item_N = (rng.zipf(1.3, 2000) % ids for ids in (800, 300))
    logit_N = rng.normal(size=800)[user_N] + rng.normal(size=300)[item_N]
    return pl.DataFrame({"user": user_N, "item": item_N, "click": (rng.random(2000) < 1 / (1 + np.exp(-logit_N))) * 1})
