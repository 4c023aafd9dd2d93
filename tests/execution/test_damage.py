"""Files of a results folder that a full disk, a power cut or a person left damaged: what is lost is made again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.plans import PLAN, go, plan_of, record_bytes, studies

from harness.api import UserError
from harness.experiment.plan import Plan
from harness.report.write import write_report
from harness.results import run_reader
from harness.results.plan_results import PlanResult, read_plan_result
from harness.search.storage import open_journal

SMALL = ("search.trials=1", "seeds=[1]")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Path, PlanResult]:
    """A plan that was run, to copy."""
    folder = tmp_path_factory.mktemp("whole")
    plan = plan_of(folder, PLAN, *SMALL)
    return plan, folder / "results", go(plan, folder / "results")[0]


@pytest.fixture
def ran(tmp_path: Path, whole: tuple[Plan, Path, PlanResult]) -> tuple[Plan, Path, PlanResult]:
    plan, results, result = whole
    return plan, shutil.copytree(results, tmp_path / "results"), result


def test_damaged_runs_are_trained_again_to_the_same_bytes(ran: tuple[Plan, Path, PlanResult]) -> None:
    plan, results, result = ran
    before, searched = record_bytes(results), studies(results)
    folders = [results / "runs" / key for key in sorted(before)]
    last = folders[0] / "records.jsonl"
    last.write_text(last.read_text()[:-40])
    (folders[1] / "done").write_text("")
    (folders[2] / "spec.json").write_text('{"dataset":')
    (folders[3] / "records.jsonl").unlink()
    for folder in folders[:4]:
        assert run_reader.done(results / "runs", folder.name) is None
    assert write_report(results, None).is_file(), "what is left is reported"
    again, watcher = go(plan, results)
    assert sorted(job.key for job in watcher.trained) == [folder.name for folder in folders[:4]]
    assert (again, record_bytes(results), studies(results)) == (result, before, searched)


def test_what_is_left_is_reported_even_if_it_is_the_baseline_alone(ran: tuple[Plan, Path, PlanResult]) -> None:
    _, results, result = ran
    for key in (key for arm in result.arms if arm.role == "arm" for key in arm.runs.values()):
        (results / "runs" / key / "done").write_text("")
    assert "No answer yet" in write_report(results, None).read_text()


def test_a_deleted_journal_is_made_again_without_training(ran: tuple[Plan, Path, PlanResult]) -> None:
    plan, results, result = ran
    searched = studies(results)
    (results / "optuna.journal").unlink()
    again, watcher = go(plan, results)
    assert watcher.trained == []
    assert (again, studies(results)) == (result, searched)


@pytest.mark.parametrize("text", ['{"op_code": 0, "study_n', "{bad\n[1]\n", '{"op_code": 99, "worker_id": "x"}\n'])
def test_a_damaged_journal_is_one_line_that_says_how_to_go_on(tmp_path: Path, text: str) -> None:
    (tmp_path / "optuna.journal").write_text(text)
    with pytest.raises(UserError, match=r"optuna\.journal' cannot be read: .*; delete the file") as refusal:
        open_journal(tmp_path)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "my", "plan": {}}'])
def test_a_damaged_plan_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "my.json").write_text(text)
    with pytest.raises(UserError, match=r"my\.json' is damaged, or of another version"):
        read_plan_result(tmp_path, "my")


def test_damaged_data_are_named_and_built_again(
    ran: tuple[Plan, Path, PlanResult], caplog: pytest.LogCaptureFixture
) -> None:
    plan, results, result = ran
    (codes,) = results.glob("data/*/train_codes_NF.npy")
    whole = codes.read_bytes()
    codes.write_bytes(whole[:100])
    again, watcher = go(plan, results)
    assert f"is damaged: {codes.name} has 100 bytes instead of {len(whole)}; it is built again" in caplog.text
    assert codes.read_bytes() == whole
    assert (again, watcher.trained) == (result, [])
