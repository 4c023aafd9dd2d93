"""Training processes that do not fit in memory side by side are refused before any of them starts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from support.plans import PLAN, Inline, Watcher, plan_of

from harness.base.errors import UserError
from harness.data import indexed
from harness.data.build import data_folder
from harness.engine.evaluation_memory import evaluation_bytes
from harness.engine.row_mapping import map_rows
from harness.engine.table_memory import SMALLER, table_bytes
from harness.execution import room
from harness.execution.prepare import prepare
from harness.execution.room import PROCESS, ensure_room
from harness.execution.run_job import JobRunner
from harness.execution.scheduler import launch
from harness.experiment.instantiate import instances
from harness.plugins.registry import Registry
from harness.search.job import Job

REGISTRY = Registry()
ARMS = 'strategies=["none", "hashing", "mlet", "sparse_optimizer"]'


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Job], Path]:
    """The first jobs of a plan of four arms and two seeds, none of which has run."""
    folder, found = tmp_path_factory.mktemp("jobs"), list[Job]()
    results = folder / "results"

    def look(asked: Sequence[Job]) -> None:
        found.extend(asked)
        raise UserError("seen")

    plan = plan_of(folder, PLAN, "search.trials=0", ARMS)
    arms = prepare(plan, REGISTRY, results)
    with pytest.raises(UserError, match=r"^seen$"):
        launch(plan, arms, results, Inline(JobRunner(results, None)), check=look)
    assert not (results / "runs").exists() or not list((results / "runs").iterdir())
    return found, results


def test_the_first_jobs_of_every_arm_are_looked_at(jobs: tuple[list[Job], Path]) -> None:
    found, _ = jobs
    assert [(job.arm.name, job.number) for job in found] == [
        (name, seed) for name in ("none", "hashing", "mlet", "sparse_optimizer") for seed in (1, 2)
    ]


def test_a_job_is_as_large_as_its_evaluation_and_its_table_where_no_strategy_decides(
    jobs: tuple[list[Job], Path],
) -> None:
    found, results = jobs
    size_of = room.measure(results, REGISTRY)
    sizes = {job.arm.name: size_of(job) for job in found}
    some = indexed.load(data_folder(results, found[0].data))
    evaluated = evaluation_bytes(len(some.valid), len(some.test), len(some.tasks))
    assert sizes["hashing"] == sizes["mlet"] == evaluated > 0
    for name, optimizer in (("none", "adam"), ("sparse_optimizer", "rowwise_adagrad")):
        job = next(job for job in found if job.arm.name == name)
        _, model, strategies = instances(job.spec, REGISTRY)
        data = indexed.load(data_folder(results, job.data))
        rows = map_rows(data, strategies, 1).num_rows
        assert sizes[name] == evaluated + table_bytes(rows, model.width(len(data.tasks)), optimizer)


def test_what_a_plugin_raises_is_left_to_its_run(jobs: tuple[list[Job], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    found, results = jobs
    monkeypatch.setattr(room, "table_spec", lambda *_: 1 / 0)
    assert len({room.measure(results, REGISTRY)(job) for job in found}) == 1, "the evaluation alone"


@pytest.mark.parametrize(
    ("free", "workers", "accepted"),
    [(3, 1, None), (3, 3, None), (3, 4, "--workers 3"), (1, 8, "--workers 1"), (0, 2, SMALLER)],
)
def test_as_many_workers_are_accepted_as_fit(
    jobs: tuple[list[Job], Path], monkeypatch: pytest.MonkeyPatch, free: int, workers: int, accepted: str | None
) -> None:
    found, results = jobs
    size = PROCESS + max(map(room.measure(results, REGISTRY), found))
    monkeypatch.setattr(room, "free_memory", lambda: free * size)
    if accepted is None:
        ensure_room(found, workers, results, REGISTRY)
        return
    with pytest.raises(UserError, match=rf"^{workers} runs side by side take at least .* is free") as refused:
        ensure_room(found, workers, results, REGISTRY)
    assert str(refused.value).endswith(f"accepted: {accepted}")


def test_workers_that_would_have_no_job_do_not_count(
    jobs: tuple[list[Job], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, results = jobs
    monkeypatch.setattr(room, "free_memory", lambda: 9 * PROCESS)
    ensure_room(found, 1000, results, REGISTRY)


def test_a_plan_that_has_run_needs_no_memory(tmp_path: Path) -> None:
    plan, results, watcher = plan_of(tmp_path, PLAN, "search.trials=0", "seeds=[1]"), tmp_path / "results", Watcher()
    asked: list[int] = []
    for _ in range(2):
        arms = prepare(plan, REGISTRY, results)
        launch(plan, arms, results, Inline(JobRunner(results, None)), [watcher], lambda jobs: asked.append(len(jobs)))
    assert asked == [2, 0]
