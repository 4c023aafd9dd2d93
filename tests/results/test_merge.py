"""Results folders of several machines become one, and nothing is lost or made up."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from support.command_line import multiepoch
from support.plans import PLAN, go, plan_of, record_bytes
from support.tracking import AUC, arm_of, result_of, write_plan, write_run

from harness.base.digests import seal
from harness.base.errors import UserError
from harness.base.locks import Kind, Lock, take
from harness.results.keys import Status
from harness.results.merge import Merged, merge
from harness.results.plan_results import read_plan_result, write_plan_result
from harness.results.run_reader import read


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file but locks, with its date."""
    files = (path for path in folder.rglob("*") if path.is_file() and ".locks" not in path.parts)
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_two_machines_that_trained_parts_of_a_plan_make_it_whole(tmp_path: Path) -> None:
    """The same plan runs on what was merged, and trains nothing."""
    plan = plan_of(tmp_path, PLAN, "search.trials=0")
    for name, strategies in (("a", ("none",)), ("b", ("reinit",))):
        go(plan.model_copy(update={"strategies": strategies, "name": name}), tmp_path / name)
    merged = merge([tmp_path / "a", tmp_path / "b"], tmp_path / "c")
    assert (merged.brought, merged.left, merged.refused) == ({"runs": 4, "data sets": 1, "plans": 2}, [], [])
    assert record_bytes(tmp_path / "c") == record_bytes(tmp_path / "a") | record_bytes(tmp_path / "b")
    assert read_plan_result(tmp_path / "c", "a") == read_plan_result(tmp_path / "a", "a")
    before = contents(tmp_path / "c")
    again = merge([tmp_path / "a", tmp_path / "b"], tmp_path / "c")
    assert (again.brought.total(), again.there) == (0, {"runs": 4, "data sets": 2, "plans": 2})
    assert contents(tmp_path / "c") == before
    result, watcher = go(plan, tmp_path / "c")
    assert result.complete
    assert watcher.trained == []


def test_damaged_and_unfinished_runs_are_left_and_named(tmp_path: Path) -> None:
    a = tmp_path / "a"
    for seed in (1, 2):
        write_run(a, f"run{seed}", seed, AUC[seed])
    write_run(a, "cut", 1, AUC[1], status=Status.INCOMPLETE)
    records = a / "runs" / "run2" / "records.jsonl"
    records.write_text(records.read_text().replace("0.72", "0.92"))
    (a / "data" / "broken").mkdir(parents=True)
    (a / "data" / "broken" / "rows").write_text("1")
    seal(a / "data" / "broken")
    (a / "data" / "broken" / "rows").write_text("2")
    merged = merge([a], tmp_path / "b")
    assert [path.name for path in (tmp_path / "b" / "runs").iterdir()] == ["run1"]
    cut, damaged, data = merged.left
    assert cut == f"run '{a / 'runs' / 'cut'}' is not done"
    assert f"run '{a / 'runs' / 'run2'}' is damaged: records.jsonl is not what was once written" in damaged
    assert data == f"data set '{a / 'data' / 'broken'}' is damaged: rows is not what was once written"
    assert not merged.refused


def test_an_unfinished_run_of_the_target_makes_room_and_one_that_trains_does_not(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    for seed in (1, 2):
        write_run(a, f"run{seed}", seed, AUC[seed])
        write_run(b, f"run{seed}", seed, AUC[seed][:1], status=Status.INCOMPLETE)
    lock = take(b, "run", "run2")
    merged = merge([a], b)
    assert lock is not None
    assert merged.left == [f"run '{a / 'runs' / 'run2'}' is being trained in '{b}'; merge again later"]
    assert [read(b / "runs", key).status for key in ("run1", "run2")] == ["finished", "incomplete"]


def test_one_key_with_other_records_is_refused_and_named(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    for folder, auc in ((a, AUC[1]), (b, AUC[2])):
        write_run(folder, "run", 1, auc)
    before = contents(b)
    shown = multiepoch("merge", "b", "a", cwd=tmp_path)
    assert shown.returncode == 1
    assert "run 'a/runs/run' has other records than 'b/runs/run', which stays" in shown.stdout
    assert contents(b) == before


def merged_plans(tmp_path: Path) -> Merged:
    return merge([tmp_path / "a"], tmp_path / "b")


def test_of_two_results_of_one_plan_the_arms_of_both_are_kept(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    whole = write_plan(a)
    none, first, reinit = whole.arms
    part = replace(none, runs={1: none.runs[1]})
    write_plan_result(a, result_of(part, first, complete=False))
    write_plan_result(b, result_of(none, reinit, complete=False))
    assert merged_plans(tmp_path).brought["plans"] == 1
    assert read_plan_result(b, "plan") == result_of(none, reinit, first, complete=False)
    assert merged_plans(tmp_path).there["plans"] == 1
    write_plan_result(a, whole)
    merged_plans(tmp_path)
    assert read_plan_result(b, "plan").complete


@pytest.mark.parametrize("complete", [True, False])
def test_arms_keep_the_order_of_the_result_that_holds_more(tmp_path: Path, complete: bool) -> None:
    """The plan's, in which its data sets follow each other."""
    a, b = tmp_path / "a", tmp_path / "b"
    whole = write_plan(a)
    write_plan_result(a, replace(whole, complete=complete))
    write_plan_result(b, result_of(whole.arms[-1], complete=False))
    assert merged_plans(tmp_path).brought["plans"] == 1
    assert [arm.id for arm in read_plan_result(b, "plan").arms] == [arm.id for arm in whole.arms]
    assert merged_plans(tmp_path).there["plans"] == 1


def test_a_plan_that_ends_while_another_is_merged_into_it_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    none, first, reinit = write_plan(a).arms
    write_plan_result(a, result_of(none, first, complete=False))
    write_plan_result(b, result_of(none, complete=False))

    def at_last(results: Path, kind: Kind, name: str = "") -> Lock | None:
        if kind == "plan":
            write_plan_result(b, result_of(none, reinit, complete=False))
        return take(results, kind, name)

    monkeypatch.setattr("harness.results.merge.take", at_last)
    merged_plans(tmp_path)
    assert read_plan_result(b, "plan") == result_of(none, reinit, first, complete=False)


def test_results_that_contradict_each_other_are_refused_and_named(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    result = write_plan(a)
    write_plan_result(b, result_of(arm_of({1: "another"})))
    (line,) = merged_plans(tmp_path).refused
    assert line == f"plan 'plan' of '{a}' came to other arms in '{b}', which stays"
    write_plan_result(b, replace(result, plan=result.plan | {"seeds": [1]}))
    (line,) = merged_plans(tmp_path).refused
    assert line == f"plan 'plan' of '{a}' is another plan in '{b}', which stays"


def test_arms_that_were_trained_on_other_data_are_not_joined(tmp_path: Path) -> None:
    """A log that has changed has another key, and stands in the plan as before."""
    a, b = tmp_path / "a", tmp_path / "b"
    none, first, reinit = write_plan(a).arms
    data = {"log": "key", "beside": "same"}
    write_plan_result(a, replace(result_of(none, first, complete=False), data=data))
    there = replace(result_of(reinit, complete=False), data=data | {"log": "other"})
    write_plan_result(b, there)
    (line,) = merged_plans(tmp_path).refused
    assert line == f"plan 'plan' of '{a}' has other data under the name 'log' in '{b}', which stays"
    assert read_plan_result(b, "plan") == there


def test_a_copy_of_a_plan_under_another_file_name_is_left(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    whole = write_plan(a)
    shutil.copytree(a, b)
    write_plan_result(a, replace(whole, arms=whole.arms[:1], complete=False))
    (a / "plans" / "plan.json").rename(a / "plans" / "plan-old.json")
    (line,) = merged_plans(tmp_path).left
    assert (
        f"'{a / 'plans' / 'plan-old.json'}' is damaged, or of another version: ValueError: it is of plan 'plan'" in line
    )
    assert read_plan_result(b, "plan") == whole


def test_a_state_comes_with_the_run_that_left_it_alone(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    for key, there in (("run1", AUC[1]), ("run2", AUC[2]), ("cut", AUC[1])):
        write_run(a, key, 1, AUC[1])
        write_run(b, key, 1, there)
    (a / "states").mkdir()
    for key in ("run1", "run2", "cut", "gone"):
        with zipfile.ZipFile(a / "states" / f"{key}.pt", "w") as file:
            file.writestr("data", key)
    (a / "states" / "cut.pt").write_bytes(b"")
    merged = merge([a], b)
    assert [path.name for path in (b / "states").iterdir()] == ["run1.pt"]
    states = [line for line in merged.left if line.startswith("state")]
    says = {"cut": "is damaged", "gone": f"is of a run that '{b}' does not have from there"}
    says["run2"] = says["gone"]
    assert states == [f"state '{a / 'states' / key}.pt' {why}" for key, why in says.items()]


def test_what_is_no_results_folder_or_the_target_itself_is_refused(tmp_path: Path) -> None:
    write_plan(tmp_path / "a")
    with pytest.raises(UserError, match="is no results folder; accepted: one that has runs/ or plans/"):
        merge([tmp_path / "nothing"], tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    with pytest.raises(UserError, match="cannot be merged into itself"):
        merge([tmp_path / "b", tmp_path / "a"], tmp_path / "a")
    assert "alone is nothing to merge" in multiepoch("merge", "a", cwd=tmp_path).stderr


def test_what_is_said_of_the_strategies_of_both_is_kept(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    none, _, reinit = write_plan(a).arms
    write_plan_result(a, replace(result_of(none, complete=False), about={"none": {"none": "Plain."}}))
    write_plan_result(b, replace(result_of(reinit, complete=False), about={"reinit": {"reinit": "Redraws."}}))
    merged_plans(tmp_path)
    assert read_plan_result(b, "plan").about == {"none": {"none": "Plain."}, "reinit": {"reinit": "Redraws."}}
