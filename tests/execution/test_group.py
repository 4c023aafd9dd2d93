"""Seeds of an arm that are trained several at once: who is trained with whom, what is written, what a death costs."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from support.plans import PLAN, Inline, Watcher, plan_of, record_bytes
from support.training import often_due

from harness.execution.prepare import prepare
from harness.execution.run_job import JobRunner
from harness.execution.run_plan import checked
from harness.execution.scheduler import launch
from harness.plugins.registry import Registry
from harness.results.keys import MetricKey, RunRole
from harness.results.plan_results import PlanResult
from harness.results.run_reader import read

SETTINGS = ("search.trials=0", "seeds=[1, 2, 3]", 'strategies=["none", "embedding_dropout"]')
TWO = ("search.trials=0", "seeds=[1, 2]", "train.seeds_at_once=2")
LOGLOSS = MetricKey("valid", "logloss", "click")
DRAWING = """'''Draws random numbers in a step.'''
import torch
from harness.api import RowStep, Strategy

class Drawing(Strategy):
    name = "drawing"
    def on_rows(self, step: RowStep) -> RowStep:
        return step.scale_lr(torch.rand(len(step.rows_K)))
"""


def launched(
    folder: Path, *settings: str, lost_after: Sequence[int] = (), plugins: Path | None = None
) -> tuple[PlanResult, Inline]:
    """What a plan came to, and what trained it."""
    plan, results = plan_of(folder, PLAN, *settings), folder / "results"
    launcher = Inline(JobRunner(results, plugins), list(lost_after))
    arms = prepare(plan, Registry(plugins), results)
    return launch(plan, arms, results, launcher, [Watcher()]), launcher


def two_folders(folder: Path) -> tuple[Path, Path]:
    found = folder / "one", folder / "other"
    for each in found:
        each.mkdir()
    return found


def ends(folder: Path, result: PlanResult) -> dict[str, float]:
    """By arm and seed, the logloss on valid at the end."""
    runs = folder / "results" / "runs"
    return {
        f"{arm.id} {seed}": read(runs, key).records[-1].metrics[LOGLOSS]
        for arm in result.arms
        for seed, key in arm.runs.items()
    }


def test_seeds_at_once_come_to_what_they_come_to_apart(tmp_path: Path) -> None:
    one, other = two_folders(tmp_path)
    together, launcher = launched(one, *SETTINGS, "train.seeds_at_once=2")
    apart, _ = launched(other, *SETTINGS)
    assert ends(one, together) == pytest.approx(ends(other, apart), rel=1e-5)
    assert not set(record_bytes(one / "results")) & set(record_bytes(other / "results")), "keys tell them apart"
    assert len(launcher.held) == 2 + 3, "two seeds and one of `none`; those of the other arm one by one"
    for arm in together.arms:
        for seed, key in arm.runs.items():
            run = read(one / "results" / "runs", key)
            with_others = arm.id.name != "embedding_dropout" and seed != 3
            assert run.env.get("seeds_at_once") == ([1, 2] if with_others else None)
            assert {"train_s", "rows_per_s", "peak_memory_mb", "cpu_percent"} <= run.records[-1].cost.keys()


def test_draws_of_the_data_are_trained_at_once(tmp_path: Path) -> None:
    one, other = two_folders(tmp_path)
    settings = (*TWO[:2], 'strategies=["none"]', 'repetitions="draws"')
    together, launcher = launched(one, *settings, "train.seeds_at_once=2")
    apart, _ = launched(other, *settings)
    assert len(launcher.held) == 1
    assert ends(one, together) == pytest.approx(ends(other, apart), rel=1e-5)


def test_trials_are_trained_one_by_one_under_the_keys_that_they_have_without(tmp_path: Path) -> None:
    for role, same in ((RunRole.TRIAL, True), (RunRole.SEED, False)):
        jobs = [
            prepare(plan_of(tmp_path, PLAN, *settings), Registry(), tmp_path)[0].job({}, role, 1, 1)
            for settings in ((), ("train.seeds_at_once=2",))
        ]
        assert (jobs[0].key == jobs[1].key) == same
        assert [job.at_once for job in jobs] == [1, 1 if same else 2]


def test_an_arm_whose_seeds_are_trained_one_by_one_says_why(tmp_path: Path) -> None:
    said = Console(file=StringIO(), width=200)
    checked(said, plan_of(tmp_path, PLAN, *SETTINGS, "train.seeds_at_once=2"), Registry(), tmp_path / "results")
    assert isinstance(said.file, StringIO)
    assert [line for line in said.file.getvalue().splitlines() if "seeds_at_once" in line] == [
        "powerlaw/dnn/embedding_dropout: train.seeds_at_once = 2 is not used, as strategy 'embedding_dropout' has the "
        "hook on_embedded"
    ]


@pytest.mark.parametrize("lost_after", [4, 9])
def test_seeds_whose_process_dies_go_on_from_their_checkpoint_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost_after: int
) -> None:
    """After so many events: two beginnings, then a record of each of two seeds at each of four evaluations."""
    often_due(monkeypatch)
    one, other = two_folders(tmp_path)
    settings = (*TWO, 'strategies=["reinit"]')
    _, launcher = launched(one, *settings, lost_after=[lost_after])
    launched(other, *settings)
    assert len(launcher.held) == 2
    assert launcher.held[1] > 0
    assert record_bytes(one / "results") == record_bytes(other / "results")
    assert not list((one / "results").rglob("checkpoint-*"))


def test_an_error_ends_all_seeds_that_are_trained_with_it(tmp_path: Path) -> None:
    (tmp_path / "drawing.py").write_text(DRAWING)
    result, _ = launched(tmp_path, *TWO, 'strategies=["drawing"]', plugins=tmp_path)
    (arm,) = result.arms
    for key in arm.runs.values():
        said = (tmp_path / "results" / "runs" / key / "crash").read_text()
        assert "draws random numbers in a step" in said
